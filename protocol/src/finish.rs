//! From the builder to the flat protocol: kinds fixed, every party left with what it needs,
//! values renumbered.

use crate::build::Info;
use crate::build::{Builder, Fault, Id, Operand, Slot, ids, ids_mut, known_kind};
use smpc_ir::flat::{Call, Deferred, Flat, FlatInfo, FlatOp, FlatOperand, FlatStep, Kind, Sharing};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{Elem, Party, PartySet};

impl Builder {
    /// Fixes the kinds still open: the first operand of a product is the left one, and what no
    /// product touches has the result's shape.
    fn settle(&mut self) -> Result<(), Fault> {
        self.solve()?;
        while let Some(&at) = self.pending.first() {
            let left = self.info(self.steps[at].args[0]).kind;
            self.unify(left, known_kind(Kind::Left))?;
            self.solve()?;
        }
        for slot in &mut self.kinds {
            if matches!(slot, Slot::Free) {
                *slot = Slot::Known(Kind::Product);
            }
        }
        Ok(())
    }

    /// Gives a scalar the shape of a result.
    fn spread(&mut self, id: Id, kind: Kind) -> Id {
        if kind == Kind::Scalar || self.kind(id) != Some(Kind::Scalar) {
            return id;
        }
        let info = Info {
            kind: known_kind(kind),
            ..self.info(id).clone()
        };
        match info.constant {
            Some(value) => self.step(
                FlatOp::Local(Local::Constant(value)),
                Vec::new(),
                info,
                Source::default(),
            ),
            None => self.step(
                FlatOp::Local(Local::Broadcast),
                vec![id],
                info,
                Source::default(),
            ),
        }
    }

    /// The flat protocol: kinds fixed, results in shape, every party left with what it needs.
    /// The second result lists online steps in which a party of `offline_only` takes part.
    pub fn finish(
        mut self,
        name: &str,
        params: Vec<FlatOperand>,
        mut results: Vec<Operand>,
        outsider: Option<u8>,
        offline_only: PartySet,
    ) -> Result<(Flat, Vec<Source>), Fault> {
        self.settle()?;
        let shape = if self.bilinear {
            Kind::Product
        } else {
            Kind::Element
        };
        for result in &mut results {
            match &mut result.operand {
                FlatOperand::Clear(id) => *id = self.spread(*id, shape),
                FlatOperand::Shared(ids) => {
                    for id in ids {
                        *id = self.spread(*id, shape);
                    }
                }
            }
        }
        let mut need = vec![PartySet::EMPTY; self.infos.len()];
        let mut alias: Vec<Id> = (0..self.infos.len() as Id).collect();
        for result in &results {
            for (id, set) in ids(&result.operand).iter().zip(&result.need) {
                let slot = &mut need[*id as usize];
                *slot = slot.union(*set);
            }
        }
        for call in &self.deferred {
            for (operand, sets) in call.args.iter().zip(&call.need) {
                for (id, set) in ids(operand).iter().zip(sets) {
                    let slot = &mut need[*id as usize];
                    *slot = slot.union(*set);
                }
            }
        }
        let mut late = Vec::new();
        let mut steps = Vec::new();
        let total = self.steps.len();
        // Which steps are left, so that the bodies of calls are found again.
        let mut kept = vec![false; total];
        for (position, mut step) in std::mem::take(&mut self.steps)
            .into_iter()
            .enumerate()
            .rev()
        {
            let at = step.result as usize;
            if let FlatOp::Assert { at: who } = step.op {
                need[at] = who;
            }
            let wanted = need[at];
            let agreed = self.agreed.contains(&step.result);
            if wanted.is_empty() && !agreed {
                continue;
            }
            let mut active = wanted;
            match &mut step.op {
                FlatOp::Coin(_) => {
                    need[at] = self.infos[at].known;
                    active = PartySet::EMPTY;
                }
                FlatOp::Send { from, to } => {
                    let from = PartySet::from_iter([Party(*from)]);
                    let source = &mut need[step.args[0] as usize];
                    *to = wanted.intersection(*to);
                    *source = source.union(wanted.without(*to));
                    if to.is_empty() {
                        alias[at] = step.args[0];
                        continue;
                    }
                    *source = source.union(from);
                    active = from;
                }
                FlatOp::Check { at: who } => {
                    let all = *who;
                    *who = who.intersection(wanted);
                    let value = &mut need[step.args[0] as usize];
                    *value = value.union(wanted);
                    if who.is_empty() {
                        alias[at] = step.args[0];
                        if !agreed {
                            continue;
                        }
                        // Nobody reads what was compared: what is left is that the run ends.
                        let bit = Info {
                            elem: Elem::Bits(1),
                            kind: known_kind(Kind::Scalar),
                            known: all,
                            offline: false,
                            constant: None,
                        };
                        step.result = self.infos.len() as Id;
                        self.infos.push(bit);
                        need.push(all);
                        alias.push(step.result);
                        step.op = FlatOp::Assert { at: all };
                        step.args.remove(0);
                        for &arg in &step.args {
                            let slot = &mut need[arg as usize];
                            *slot = slot.union(all);
                        }
                        steps.push(step);
                        kept[position] = true;
                        continue;
                    }
                    for &arg in &step.args[1..] {
                        let slot = &mut need[arg as usize];
                        *slot = slot.union(*who);
                    }
                    active = *who;
                }
                _ => {
                    for &arg in &step.args {
                        let slot = &mut need[arg as usize];
                        *slot = slot.union(wanted);
                    }
                }
            }
            if !self.infos[at].offline && !active.intersection(offline_only).is_empty() {
                late.push(step.source);
            }
            kept[position] = true;
            steps.push(step);
        }
        steps.reverse();
        Ok((
            self.pack(name, params, results, steps, &need, &alias, &kept, outsider),
            late,
        ))
    }

    /// Renumbers what is left.
    #[allow(clippy::too_many_arguments)]
    fn pack(
        &self,
        name: &str,
        mut params: Vec<FlatOperand>,
        results: Vec<Operand>,
        mut steps: Vec<FlatStep>,
        need: &[PartySet],
        alias: &[Id],
        kept: &[bool],
        outsider: Option<u8>,
    ) -> Flat {
        let mut flat = Flat {
            name: name.to_owned(),
            outsider,
            ..Flat::default()
        };
        let mut number = vec![Id::MAX; self.infos.len()];
        let mut place = |id: Id, known: PartySet, values: &mut Vec<FlatInfo>| -> Id {
            let info = &self.infos[id as usize];
            number[id as usize] = values.len() as Id;
            values.push(FlatInfo {
                elem: info.elem,
                kind: self.resolved(info.kind).unwrap_or(Kind::Product),
                known_to: known,
                offline: info.offline,
            });
            number[id as usize]
        };
        for param in &mut params {
            for id in ids_mut(param) {
                *id = place(*id, self.infos[*id as usize].known, &mut flat.values);
            }
        }
        for step in &mut steps {
            place(step.result, need[step.result as usize], &mut flat.values);
        }
        let resolve = |mut id: Id| {
            while alias[id as usize] != id {
                id = alias[id as usize];
            }
            number[id as usize]
        };
        for step in &mut steps {
            let kind = |id: Id| self.kind(id);
            if let FlatOp::Local(Local::Prim(Prim::Mul)) = step.op {
                match (kind(step.args[0]), kind(step.args[1])) {
                    (Some(Kind::Left), Some(Kind::Right)) => step.op = FlatOp::Bilinear,
                    (Some(Kind::Right), Some(Kind::Left)) => {
                        step.op = FlatOp::Bilinear;
                        step.args.swap(0, 1);
                    }
                    _ => {}
                }
            }
            step.result = resolve(step.result);
            for arg in &mut step.args {
                *arg = resolve(*arg);
            }
        }
        let mut before = Vec::with_capacity(kept.len() + 1);
        let mut count = 0u32;
        for kept in kept {
            before.push(count);
            count += u32::from(*kept);
        }
        before.push(count);
        for call in &self.calls {
            let renumbered = |operands: &[(FlatOperand, Option<Sharing>)]| {
                let operands = operands.iter().map(|(operand, _)| {
                    let mut operand = operand.clone();
                    ids_mut(&mut operand)
                        .iter_mut()
                        .for_each(|id| *id = resolve(*id));
                    operand
                });
                operands.collect::<Vec<FlatOperand>>()
            };
            let results = renumbered(&call.results);
            let steps = before[call.start]..before[call.end];
            // A result that nobody needs is gone; what is left of such a body is no call.
            let whole = results.iter().flat_map(ids).all(|id| *id != Id::MAX);
            if whole && !steps.is_empty() && !results.is_empty() {
                flat.calls.push(Call {
                    name: call.name.clone(),
                    steps,
                    args: renumbered(&call.args),
                    given: call.args.iter().map(|(_, by)| by.clone()).collect(),
                    results,
                    sharings: call.results.iter().map(|(_, by)| by.clone()).collect(),
                });
            }
        }
        let mut barriers: Vec<u32> = self.barriers.iter().map(|at| before[*at]).collect();
        barriers.dedup();
        barriers.retain(|at| *at < count);
        flat.barriers = barriers;
        flat.deferred = self
            .deferred
            .iter()
            .map(|call| Deferred {
                body: call.body.clone(),
                bilinear: call.bilinear,
                args: call
                    .args
                    .iter()
                    .map(|operand| {
                        let mut operand = operand.clone();
                        ids_mut(&mut operand)
                            .iter_mut()
                            .for_each(|id| *id = resolve(*id));
                        operand
                    })
                    .collect(),
            })
            .collect();
        flat.steps = steps;
        flat.params = params;
        flat.results = results
            .into_iter()
            .map(|result| {
                let mut operand = result.operand;
                for id in ids_mut(&mut operand) {
                    *id = resolve(*id);
                }
                operand
            })
            .collect();
        flat
    }
}
