//! The rules of the party program, apart from whoever builds one.

use std::collections::HashMap;

use super::rules::{self, Rule, holds};
use super::validated::{Invalid, Validated};
use super::{Block, CoinDomain, Elem, Op, PartySet, Program, Step, Value, ValueInfo};
use crate::local::{Local, Source};
use crate::share::Type;
use crate::size::{Size, SizeVar};

/// Checks every invariant, in time linear in the program.
///
/// # Errors
/// The first rule broken, with its step.
pub fn validate(program: &Program) -> Result<Validated<'_>, Invalid> {
    whole(program).map_err(|rule| Invalid {
        source: Source::default(),
        rule,
        step: String::new(),
    })?;
    let mut checker = Checker {
        program,
        scope: vec![Scope::Undefined; program.values.len()],
        guarded: guarded(program),
    };
    checker.block(&program.body)?;
    Ok(Validated(program))
}

/// Rules on the program as a whole and on single values.
fn whole(program: &Program) -> Rule {
    holds(
        program.parties.len() <= 128,
        "a program has at most 128 parties",
    )?;
    let everyone = program.everyone();
    for info in &program.values {
        holds(
            (1..=128).contains(&info.elem.wire_bits()),
            "an element has 1 to 128 bits",
        )?;
        holds(
            !info.known_to.is_empty() && info.known_to.is_subset(everyone),
            "a value is known to some party of the program, and to no other",
        )?;
    }
    for input in &program.inputs {
        holds(
            usize::from(input.party) < program.parties.len(),
            "an input's owner is a party of the program",
        )?;
    }
    holds(
        program.body.params.is_empty() && program.body.results.is_empty(),
        "the outermost block has neither parameters nor results",
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Undefined,
    Visible,
    /// Defined in a block that has ended.
    Left,
}

struct Checker<'a> {
    program: &'a Program,
    scope: Vec<Scope>,
    /// Names that a guard makes equal to a size of another form.
    guarded: HashMap<SizeVar, Size>,
}

/// What guards say of bare names, each replaced by sizes without replaced names.
fn guarded(program: &Program) -> HashMap<SizeVar, Size> {
    let mut map: HashMap<SizeVar, Size> = HashMap::new();
    for guard in &program.guards {
        let left = guard.left.substitute(&|v| map.get(&v).cloned());
        let right = guard.right.substitute(&|v| map.get(&v).cloned());
        let (var, size) = match (left.as_var(), right.as_var()) {
            (Some(var), _) if !right.mentions(var) => (var, right),
            (_, Some(var)) if !left.mentions(var) => (var, left),
            _ => continue,
        };
        for known in map.values_mut() {
            *known = known.substitute(&|v| (v == var).then(|| size.clone()));
        }
        map.insert(var, size);
    }
    map
}

impl<'a> Checker<'a> {
    fn define(&mut self, value: Value) -> Rule {
        match self.scope.get_mut(value.0 as usize) {
            Some(scope @ Scope::Undefined) => {
                *scope = Scope::Visible;
                Ok(())
            }
            Some(_) => Err("a value is defined once"),
            None => Err("a value is in the program's list"),
        }
    }

    fn info(&self, value: Value) -> Result<&'a ValueInfo, &'static str> {
        let program: &'a Program = self.program;
        match (
            program.values.get(value.0 as usize),
            self.scope.get(value.0 as usize),
        ) {
            (Some(info), Some(Scope::Visible)) => Ok(info),
            _ => Err("a value is defined before it is used"),
        }
    }

    fn infos(&self, values: &[Value]) -> Result<Vec<&'a ValueInfo>, &'static str> {
        values.iter().map(|v| self.info(*v)).collect()
    }

    fn block(&mut self, block: &Block) -> Result<(), Invalid> {
        let at = |source: Source, rule: &'static str, step: String| Invalid { source, rule, step };
        let unplaced = |rule| at(Source::default(), rule, String::new());
        for param in &block.params {
            self.define(*param).map_err(unplaced)?;
        }
        for step in &block.steps {
            let args = self
                .infos(&step.args)
                .map_err(|rule| at(step.source, rule, self.describe(step)))?;
            let nested = match &step.op {
                Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                    vec![body]
                }
                Op::While {
                    condition, body, ..
                } => vec![condition, body],
                Op::Switch { arms } => arms.iter().collect(),
                _ => vec![],
            };
            for inner in nested {
                self.block(inner)?;
            }
            for result in &step.results {
                self.define(*result)
                    .map_err(|rule| at(step.source, rule, self.describe(step)))?;
            }
            self.infos(&step.results)
                .and_then(|results| self.rule(step, &args, &results))
                .map_err(|rule| at(step.source, rule, self.describe(step)))?;
        }
        self.infos(&block.results).map_err(unplaced)?;
        for value in block
            .params
            .iter()
            .chain(block.steps.iter().flat_map(|s| &s.results))
        {
            if let Some(scope) = self.scope.get_mut(value.0 as usize) {
                *scope = Scope::Left;
            }
        }
        Ok(())
    }

    fn describe(&self, step: &Step) -> String {
        let values = |list: &[Value]| -> String {
            let texts: Vec<String> = list
                .iter()
                .take(6)
                .map(|v| match self.program.values.get(v.0 as usize) {
                    Some(info) => {
                        let shape: Vec<String> = info
                            .shape
                            .iter()
                            .map(|d| d.display(&|s| format!("s{}", s.0)))
                            .collect();
                        let known: Vec<u8> = info.known_to.iter().map(|p| p.0).collect();
                        format!(
                            "#{}: {:?}[{}] @ {known:?}",
                            v.0,
                            info.elem,
                            shape.join(", ")
                        )
                    }
                    None => format!("#{}", v.0),
                })
                .collect();
            texts.join("; ")
        };
        let op = match &step.op {
            Op::For { .. } => "For".into(),
            Op::While { .. } => "While".into(),
            Op::Switch { .. } => "Switch".into(),
            Op::Reduce { .. } => "Reduce".into(),
            Op::Scan { .. } => "Scan".into(),
            other => format!("{other:?}"),
        };
        format!(
            "{op}; arguments {}; results {}",
            values(&step.args),
            values(&step.results)
        )
    }

    /// The form of a size that guards leave.
    fn settled(&self, size: &Size) -> Size {
        size.substitute(&|v| self.guarded.get(&v).cloned())
    }

    /// Whether two sizes are equal, by their form or by a guard.
    fn same(&self, a: &Size, b: &Size) -> bool {
        a == b || (!self.guarded.is_empty() && self.settled(a) == self.settled(b))
    }

    fn local(&self, op: &Local, args: &[&ValueInfo], r: &ValueInfo) -> Rule {
        let settle = |size: &Size| self.settled(size);
        let guards = !self.guarded.is_empty();
        rules::local(
            op,
            args,
            r,
            guards.then_some(&settle as &dyn Fn(&Size) -> Size),
        )
    }

    fn rule(&self, step: &Step, args: &[&ValueInfo], results: &[&ValueInfo]) -> Rule {
        match &step.op {
            Op::For { body, .. } => {
                self.carried(step, body)?;
                return self.offline(step, &[body]);
            }
            Op::While {
                condition, body, ..
            } => {
                self.carried(step, body)?;
                return self.condition(step, condition, body);
            }
            Op::Switch { arms } => return self.switch(step, args, arms),
            Op::Reduce { body, .. } => return self.tree(step, body, false),
            Op::Scan { body, .. } => return self.tree(step, body, true),
            Op::Output { .. } => {
                return holds(
                    args.len() == 1 && results.is_empty(),
                    "an output has one argument and no result",
                );
            }
            Op::Barrier => {
                return holds(
                    args.is_empty() && results.is_empty(),
                    "a barrier has neither arguments nor results",
                );
            }
            Op::Check { at } => return self.check(*at, args, results),
            Op::Probe { coefficients, .. } => {
                return holds(
                    args.len() == coefficients.len() && results.is_empty(),
                    "a probe has one argument for each coefficient and no result",
                );
            }
            _ => {}
        }
        let [r] = results else {
            return Err("an operation has one result");
        };
        holds(
            !r.offline || args.iter().all(|a| a.offline),
            "what an offline operation reads is offline",
        )?;
        if let Op::Send { from, to } = &step.op {
            let [a] = args else {
                return Err("a message has one argument");
            };
            holds(a.known_to.contains(*from), "a sender knows what it sends")?;
            holds(
                to.is_subset(self.program.everyone()),
                "a receiver is a party of the program",
            )?;
            holds(
                r.known_to.is_subset(a.known_to.union(*to)),
                "a message reaches its receivers only",
            )?;
            return holds(
                a.elem == r.elem && a.shape == r.shape,
                "a message is what was sent",
            );
        }
        holds(
            args.iter().all(|a| r.known_to.is_subset(a.known_to)),
            "a result is known only to parties that know every argument",
        )?;
        match &step.op {
            Op::Local(op) => self.local(op, args, r),
            Op::FractionBits => {
                let [a] = args else {
                    return Err("fraction bits are of one argument");
                };
                holds(
                    a.elem == Elem::Fix && r.elem == Elem::Ring(64) && r.shape.is_empty(),
                    "fraction bits are a scalar integer of fixed point",
                )
            }
            Op::Input(index) => {
                let Some(input) = self.program.inputs.get(*index as usize) else {
                    return Err("an input is in the program's list");
                };
                let owner: PartySet = [super::Party(input.party)].into_iter().collect();
                holds(
                    args.is_empty() && r.known_to == owner && !r.offline,
                    "an input has one owner",
                )?;
                holds(of_type(r.elem, input.ty), "an input has its declared type")?;
                holds(
                    r.shape.len() == input.shape.len()
                        && r.shape
                            .iter()
                            .zip(&input.shape)
                            .all(|(a, b)| self.same(a, b)),
                    "an input has its declared shape",
                )
            }
            Op::Param(index) => {
                let Some(param) = self.program.params.get(*index as usize) else {
                    return Err("a parameter is in the program's list");
                };
                holds(
                    args.is_empty() && r.shape.is_empty() && of_type(r.elem, param.ty),
                    "a parameter is a scalar of its declared type",
                )
            }
            Op::Coin(domain) => {
                holds(
                    args.is_empty() && r.elem != Elem::Fix,
                    "a coin is of a ring or of bits",
                )?;
                holds(
                    *domain != CoinDomain::Permutation
                        || (r.shape.len() == 1 && matches!(r.elem, Elem::Ring(_))),
                    "a permutation is a list of indices",
                )
            }
            _ => Ok(()),
        }
    }

    fn check(&self, at: PartySet, args: &[&ValueInfo], results: &[&ValueInfo]) -> Rule {
        let (a, b) = match (args, results) {
            ([a, b], []) => (a, b),
            ([v, a, b], [r]) => {
                holds(
                    self.alike(v, r) && r.known_to.is_subset(v.known_to),
                    "a check hands on what it is given",
                )?;
                holds(
                    at.is_subset(r.known_to),
                    "who checks is handed what was checked",
                )?;
                holds(
                    !r.offline || args.iter().all(|a| a.offline),
                    "what an offline operation reads is offline",
                )?;
                (a, b)
            }
            _ => return Err("a check compares two values and hands on at most one"),
        };
        holds(
            at.is_subset(a.known_to) && at.is_subset(b.known_to) && !at.is_empty(),
            "who checks knows what is compared",
        )?;
        holds(
            a.elem == b.elem && (b.shape.is_empty() || self.alike(a, b)),
            "what is compared is of one type and shape",
        )
    }

    fn values(&self, list: &[Value]) -> Result<Vec<&'a ValueInfo>, &'static str> {
        let program: &'a Program = self.program;
        list.iter()
            .map(|v| program.values.get(v.0 as usize))
            .collect::<Option<_>>()
            .ok_or("a value is in the program's list")
    }

    /// What a block computes offline may not depend on the control around it being online; control
    /// is public and followed by all, so nothing is asked beyond the rules of the values.
    fn offline(&self, step: &Step, bodies: &[&Block]) -> Rule {
        let results = self.values(&step.results)?;
        for body in bodies {
            for (inner, outer) in self.values(&body.results)?.iter().zip(&results) {
                holds(
                    !outer.offline || inner.offline,
                    "what an offline operation reads is offline",
                )?;
            }
        }
        Ok(())
    }

    fn alike(&self, a: &ValueInfo, b: &ValueInfo) -> bool {
        a.elem == b.elem
            && a.shape.len() == b.shape.len()
            && a.shape.iter().zip(&b.shape).all(|(x, y)| self.same(x, y))
    }

    fn carried(&self, step: &Step, body: &Block) -> Rule {
        let lists = [&step.args, &body.params, &body.results, &step.results];
        holds(
            lists.iter().all(|l| l.len() == step.args.len()),
            "a loop carries as many values as it is given",
        )?;
        let [initial, params, next, last] = [
            self.values(lists[0])?,
            self.values(lists[1])?,
            self.values(lists[2])?,
            self.values(lists[3])?,
        ];
        for i in 0..step.args.len() {
            let (initial, param, next, last) = (initial[i], params[i], next[i], last[i]);
            holds(
                self.alike(initial, param) && self.alike(next, param) && self.alike(last, param),
                "a carried value keeps type and shape",
            )?;
            let knows = param.known_to.is_subset(initial.known_to)
                && param.known_to.is_subset(next.known_to);
            holds(
                knows && last.known_to.is_subset(param.known_to),
                "a carried value is known to the same parties",
            )?;
            let offline = !param.offline || (initial.offline && next.offline);
            holds(
                offline && (!last.offline || param.offline),
                "what an offline operation reads is offline",
            )?;
        }
        Ok(())
    }

    fn condition(&self, step: &Step, condition: &Block, body: &Block) -> Rule {
        let params = self.values(&condition.params)?;
        let carried = self.values(&body.params)?;
        holds(
            params.len() == step.args.len()
                && params
                    .iter()
                    .zip(carried)
                    .all(|(p, c)| self.alike(p, c) && p.known_to.is_subset(c.known_to)),
            "a condition reads the carried values",
        )?;
        let [test] = self.values(&condition.results)?[..] else {
            return Err("a condition is one value");
        };
        holds(
            test.elem == Elem::Bits(1)
                && test.shape.is_empty()
                && test.known_to == self.program.everyone(),
            "a condition is one bit known to every party",
        )
    }

    fn switch(&self, step: &Step, args: &[&ValueInfo], arms: &[Block]) -> Rule {
        let [index] = args else {
            return Err("a switch has one argument");
        };
        holds(
            matches!(index.elem, Elem::Ring(_) | Elem::Bits(1))
                && index.shape.is_empty()
                && index.known_to == self.program.everyone(),
            "a switch is on an integer known to every party",
        )?;
        holds(!arms.is_empty(), "a switch has an arm")?;
        let results = self.values(&step.results)?;
        for arm in arms {
            let inner = self.values(&arm.results)?;
            holds(
                arm.params.is_empty() && inner.len() == results.len(),
                "an arm has as many results as its switch",
            )?;
            for (a, r) in inner.iter().zip(&results) {
                holds(
                    self.alike(a, r),
                    "an arm's results are of the switch's types",
                )?;
                holds(
                    r.known_to.is_subset(a.known_to),
                    "a switch's results are known to whom every arm's are",
                )?;
                holds(
                    !r.offline || (a.offline && index.offline),
                    "what an offline operation reads is offline",
                )?;
            }
        }
        Ok(())
    }

    /// Per argument one lower and one higher neighbour, and one result.
    fn tree(&self, step: &Step, body: &Block, scan: bool) -> Rule {
        let k = step.args.len();
        holds(
            body.params.len() == 2 * k && body.results.len() == k && step.results.len() == k,
            "a tree has a lower and a higher neighbour and one result for each argument",
        )?;
        let args = self.values(&step.args)?;
        let params = self.values(&body.params)?;
        let inner = self.values(&body.results)?;
        let results = self.values(&step.results)?;
        let first = args.first().and_then(|a| a.shape.first());
        for i in 0..k {
            let (arg, inner, result) = (args[i], inner[i], results[i]);
            let Some((rows, rest)) = arg.shape.split_first() else {
                return Err("a tree is over the rows of its arguments");
            };
            holds(
                first.is_some_and(|n| self.same(n, rows)),
                "a tree's arguments have equally many rows",
            )?;
            for param in [params[i], params[k + i]] {
                holds(
                    param.elem == arg.elem
                        && param.shape.len() == arg.shape.len()
                        && param.shape[1..]
                            .iter()
                            .zip(rest)
                            .all(|(a, b)| self.same(a, b)),
                    "a tree's neighbours are rows of its arguments",
                )?;
                holds(
                    param.known_to.is_subset(arg.known_to)
                        && param.known_to.is_subset(inner.known_to),
                    "a tree's neighbours are known to whom arguments and results are",
                )?;
                holds(
                    !param.offline || (arg.offline && inner.offline),
                    "what an offline operation reads is offline",
                )?;
                holds(
                    result.known_to.is_subset(param.known_to),
                    "a tree's results are known to whom its neighbours are",
                )?;
            }
            holds(
                self.alike(inner, params[i]),
                "a tree's body gives what it is given",
            )?;
            let expected: &[Size] = if scan { &arg.shape } else { rest };
            holds(
                result.elem == arg.elem
                    && result.shape.len() == expected.len()
                    && result
                        .shape
                        .iter()
                        .zip(expected)
                        .all(|(a, b)| self.same(a, b)),
                "a reduction drops the rows, a scan keeps them",
            )?;
            holds(
                !result.offline || (arg.offline && inner.offline),
                "what an offline operation reads is offline",
            )?;
        }
        Ok(())
    }
}

fn of_type(elem: Elem, ty: Type) -> bool {
    match ty {
        Type::Int => matches!(elem, Elem::Ring(_)),
        Type::Bits(m) => elem == Elem::Bits(m),
        Type::Fix(_) => elem == Elem::Fix,
    }
}
