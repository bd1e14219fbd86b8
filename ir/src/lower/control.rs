//! Loops, branches and trees: the same control in the party program, with every carried value
//! replaced by what represents it.

use super::{Failed, Lower, Lowered, Lowerer, Shared};
use crate::party::{Block, Op as PartyOp, PartySet, Value as Wire, ValueInfo};
use crate::share::{self, Label, Op, Step, Type, Value};
use std::collections::HashMap;

/// How a carried value is represented: one wire per component, or per group of parties.
#[derive(Clone, Debug)]
enum Form {
    Secret,
    Clear(Vec<PartySet>),
}

impl Lowerer<'_> {
    pub(super) fn control(&mut self, step: &Step) -> Lower<()> {
        let step: &Step = step;
        self.settle(step)?;
        match &step.op {
            Op::For { var, count, body } => {
                let (args, body) = self.carried(step, body)?;
                let op = PartyOp::For {
                    var: *var,
                    count: count.clone(),
                    body,
                };
                self.results(step, op, args)
            }
            Op::While {
                iterations,
                condition,
                body,
            } => {
                let (args, body) = self.carried(step, body)?;
                let (params, forms) = self.params(&condition.params)?;
                self.enter(params, &condition.params, &forms);
                self.inner_steps(condition);
                let test = condition.results.first().copied().ok_or(Failed)?;
                let test = self.public(test)?;
                let condition = self.leave(vec![test]);
                let op = PartyOp::While {
                    iterations: *iterations,
                    condition,
                    body,
                };
                self.results(step, op, args)
            }
            Op::Switch { arms } if self.literals.contains_key(&step.args[0]) => {
                // Known now: the other arms may ask for what this backend lacks.
                let taken = self.literals[&step.args[0]];
                let arm = usize::try_from(taken).ok().and_then(|at| arms.get(at));
                let arm = arm.ok_or(Failed)?;
                self.inner_steps(arm);
                for (value, result) in arm.results.iter().zip(&step.results) {
                    let wires = self.represent(*value, *result)?;
                    let form = self.form(*result);
                    self.bind(*result, wires, &form);
                }
                Ok(())
            }
            Op::Switch { arms } => {
                let index = self.public(step.args[0])?;
                let mut lowered = vec![];
                for arm in arms {
                    self.enter(vec![], &[], &[]);
                    self.inner_steps(arm);
                    let mut results = vec![];
                    for (value, result) in arm.results.iter().zip(&step.results) {
                        results.extend(self.represent(*value, *result)?);
                    }
                    lowered.push(self.leave(results));
                }
                self.results(step, PartyOp::Switch { arms: lowered }, vec![index])
            }
            Op::Reduce { half, body } => {
                let (args, body) = self.tree(step, body)?;
                self.results(step, PartyOp::Reduce { half: *half, body }, args)
            }
            Op::Scan { half, body } => {
                let (args, body) = self.tree(step, body)?;
                self.results(step, PartyOp::Scan { half: *half, body }, args)
            }
            _ => Err(Failed),
        }
    }

    /// Products that are pending and read inside the nested blocks get their base unit now: inside
    /// they would be computed once per iteration.
    fn settle(&mut self, step: &Step) -> Lower<()> {
        fn reads(block: &share::Block, into: &mut Vec<Value>) {
            for step in &block.steps {
                into.extend(&step.args);
                nested(step, into);
            }
            into.extend(&block.results);
        }
        fn nested(step: &Step, into: &mut Vec<Value>) {
            match &step.op {
                Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                    reads(body, into);
                }
                Op::While {
                    condition, body, ..
                } => {
                    reads(condition, into);
                    reads(body, into);
                }
                Op::Switch { arms } => {
                    for arm in arms {
                        reads(arm, into);
                    }
                }
                _ => {}
            }
        }
        let mut read = vec![];
        nested(step, &mut read);
        for value in read {
            if matches!(self.env.get(&value), Some(Lowered::Pending(_))) {
                self.shared(value)?;
            }
        }
        Ok(())
    }

    fn form(&mut self, value: Value) -> Form {
        match self.script_info(value).label {
            Label::Secret => Form::Secret,
            Label::Public => Form::Clear(vec![self.emit.everyone()]),
            Label::Owned(set) => {
                Form::Clear(set.iter().map(|p| [p].into_iter().collect()).collect())
            }
        }
    }

    /// New wires for a script value.
    fn wires(&mut self, value: Value) -> Lower<(Vec<Wire>, Form)> {
        let info = self.script_info(value);
        let form = self.form(value);
        let sets = match &form {
            Form::Secret => self.holders(value)?,
            Form::Clear(sets) => sets.clone(),
        };
        let elem = match form {
            Form::Secret => self.secret_elem(info.ty),
            Form::Clear(_) if info.ty == Type::Int => self.wide(),
            Form::Clear(_) => self.clear_elem(info.ty),
        };
        let wires = sets
            .into_iter()
            .map(|known_to| {
                self.emit.value(ValueInfo {
                    elem,
                    shape: info.shape.clone(),
                    known_to,
                    offline: false,
                })
            })
            .collect();
        Ok((wires, form))
    }

    fn holders(&mut self, value: Value) -> Lower<Vec<PartySet>> {
        let elem = self.secret_elem(self.script_info(value).ty);
        let sharing = self.sharing(elem)?;
        Ok(sharing
            .holders
            .iter()
            .map(|set| self.seated(*set, None))
            .collect())
    }

    /// The wires of `value` in the form of `like`.
    fn represent(&mut self, value: Value, like: Value) -> Lower<Vec<Wire>> {
        match self.form(like) {
            Form::Secret => {
                let shared = self.shared(value)?;
                let shape = self.script_info(like).shape.clone();
                Ok(self.fit(&shared, &shape).components)
            }
            Form::Clear(sets) => self.wide_copies(value, sets),
        }
    }

    /// A clear value as control carries it.
    fn wide_copies(&mut self, value: Value, sets: Vec<PartySet>) -> Lower<Vec<Wire>> {
        let wide = self.wide();
        sets.into_iter()
            .map(|set| {
                let copy = self.copy_for(value, set)?;
                Ok(self.in_ring(copy, wide, set))
            })
            .collect()
    }

    fn bind(&mut self, value: Value, wires: Vec<Wire>, form: &Form) {
        let lowered = match form {
            Form::Secret => {
                let elem = self.secret_elem(self.script_info(value).ty);
                Lowered::Secret(Shared {
                    elem,
                    components: wires,
                })
            }
            Form::Clear(_) => Lowered::Clear(wires),
        };
        self.env.insert(value, lowered);
    }

    fn params(&mut self, params: &[Value]) -> Lower<(Vec<Vec<Wire>>, Vec<Form>)> {
        let mut all = vec![];
        let mut forms = vec![];
        for param in params {
            let (wires, form) = self.wires(*param)?;
            all.push(wires);
            forms.push(form);
        }
        Ok((all, forms))
    }

    fn enter(&mut self, wires: Vec<Vec<Wire>>, params: &[Value], forms: &[Form]) {
        self.emit.open(wires.concat());
        self.ledger.open();
        self.converted.push(HashMap::new());
        for ((param, wires), form) in params.iter().zip(wires).zip(forms) {
            self.bind(*param, wires, form);
        }
    }

    fn leave(&mut self, results: Vec<Wire>) -> Block {
        // What failed was reported.
        let _ = self.carry_out_deferred();
        self.ledger.close();
        self.converted.pop();
        self.emit.close(results)
    }

    fn inner_steps(&mut self, block: &share::Block) {
        for step in &block.steps {
            self.emit.source = step.source;
            let _ = self.step(step);
        }
    }

    /// A body whose results have the forms of its parameters, or of the first of them.
    fn body(&mut self, body: &share::Block) -> Lower<Block> {
        let (wires, forms) = self.params(&body.params)?;
        self.enter(wires, &body.params, &forms);
        self.inner_steps(body);
        let mut results = vec![];
        for (value, param) in body.results.iter().zip(&body.params) {
            results.extend(self.represent(*value, *param)?);
        }
        Ok(self.leave(results))
    }

    /// A loop's initial values, and its body.
    fn carried(&mut self, step: &Step, body: &share::Block) -> Lower<(Vec<Wire>, Block)> {
        let mut args = vec![];
        for (arg, param) in step.args.iter().zip(&body.params) {
            args.extend(self.represent(*arg, *param)?);
        }
        Ok((args, self.body(body)?))
    }

    /// A tree's arguments, and its body: per argument the lower then the higher neighbours.
    fn tree(&mut self, step: &Step, body: &share::Block) -> Lower<(Vec<Wire>, Block)> {
        let mut args = vec![];
        for (arg, result) in step.args.iter().zip(&step.results) {
            let shape = self.script_info(*arg).shape.clone();
            args.extend(match self.form(*result) {
                Form::Secret => {
                    let shared = self.shared(*arg)?;
                    self.fit(&shared, &shape).components
                }
                Form::Clear(sets) => self.wide_copies(*arg, sets)?,
            });
        }
        Ok((args, self.body(body)?))
    }

    fn results(&mut self, step: &Step, op: PartyOp, args: Vec<Wire>) -> Lower<()> {
        self.emit.source = step.source;
        let (wires, forms) = self.params(&step.results)?;
        self.emit.push(op, args, wires.concat());
        for ((value, wires), form) in step.results.iter().zip(wires).zip(&forms) {
            self.bind(*value, wires, form);
            if self.options.probes
                && let Some(Lowered::Secret(shared)) = self.env.get(value).cloned()
            {
                self.probe(*value, &shared);
            }
        }
        Ok(())
    }
}
