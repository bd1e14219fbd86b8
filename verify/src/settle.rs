//! Deferred protocols: carried out behind the protocol that recorded calls of them, as lowering does.
//!
//! All bodies go side by side, phase by phase, with one barrier for all of them between phases. A body
//! that is not bilinear runs once over all its records: what is one element for each element of the
//! operands stands once for each record here, and a sum is the sum over all of them.

use crate::problem::operand_ids;
use smpc_ir::flat::{Deferred, Flat, FlatInfo, FlatOp, FlatOperand, FlatStep, Kind};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::Elem;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Deferred calls of deferred protocols that are followed.
const DEPTH: usize = 4;

/// A protocol with the bodies of its deferred calls behind it.
pub(crate) fn settled(flat: &Arc<Flat>) -> Arc<Flat> {
    if flat.deferred.is_empty() {
        return flat.clone();
    }
    let mut flat = (**flat).clone();
    for _ in 0..DEPTH {
        if flat.deferred.is_empty() {
            break;
        }
        let recorded = std::mem::take(&mut flat.deferred);
        settle(&mut flat, &recorded);
    }
    Arc::new(flat)
}

/// A body with the records that it runs over, and how far it is.
struct Group {
    body: Arc<Flat>,
    /// For each record, its arguments by the body's parameters.
    records: Vec<Vec<FlatOperand>>,
    /// The values of the body in the caller: one, or one for each record.
    number: BTreeMap<u32, Vec<u32>>,
    /// The shapes of a bilinear body in the caller.
    kinds: BTreeMap<Kind, Kind>,
    done: usize,
}

fn settle(flat: &mut Flat, recorded: &[Deferred]) {
    let mut groups: Vec<Group> = Vec::new();
    for call in recorded {
        let same = groups
            .iter_mut()
            .find(|group| !call.bilinear && group.body == call.body);
        match same {
            Some(group) => group.records.push(call.args.clone()),
            None => groups.push(Group {
                body: call.body.clone(),
                records: vec![call.args.clone()],
                number: BTreeMap::new(),
                kinds: BTreeMap::new(),
                done: 0,
            }),
        }
    }
    for group in &mut groups {
        group.bind(flat);
    }
    let phases = groups.iter().map(|group| group.body.barriers.len() + 1);
    for phase in 0..phases.max().unwrap_or(0) {
        if phase > 0 {
            barrier(flat);
        }
        for group in &mut groups {
            let end = match group.body.barriers.get(phase) {
                Some(at) => *at as usize,
                None => group.body.steps.len(),
            };
            for at in group.done..end {
                group.step(flat, at);
            }
            group.done = group.done.max(end);
        }
    }
    barrier(flat);
    for group in &groups {
        for deferred in &group.body.deferred {
            for record in 0..group.records.len() {
                let mut deferred = deferred.clone();
                for arg in &mut deferred.args {
                    match arg {
                        FlatOperand::Shared(ids) => {
                            ids.iter_mut().for_each(|id| *id = group.value(*id, record));
                        }
                        FlatOperand::Clear(id) => *id = group.value(*id, record),
                    }
                }
                flat.deferred.push(deferred);
            }
        }
    }
}

fn barrier(flat: &mut Flat) {
    let at = flat.steps.len() as u32;
    if flat.barriers.last() != Some(&at) {
        flat.barriers.push(at);
    }
}

fn push(flat: &mut Flat, step: &FlatStep, args: Vec<u32>, info: FlatInfo) -> u32 {
    let result = flat.values.len() as u32;
    flat.values.push(info);
    flat.steps.push(FlatStep {
        op: step.op.clone(),
        args,
        result,
        source: step.source,
    });
    result
}

impl Group {
    fn value(&self, id: u32, record: usize) -> u32 {
        let all = self.number.get(&id).map_or(&[][..], Vec::as_slice);
        let one = all.get(record).or_else(|| all.first());
        // A body that reads what it does not define is refused by the rules of flat protocols.
        one.copied().unwrap_or(u32::MAX)
    }

    /// Gives parameters their arguments. A body of elements takes tensors of every shape, flattened;
    /// the shapes of a bilinear one are those of its arguments.
    fn bind(&mut self, flat: &mut Flat) {
        let body = self.body.clone();
        let wanted = |id: u32| body.values[id as usize].kind;
        let mut pairs = Vec::new();
        for args in &self.records {
            for (param, arg) in body.params.iter().zip(args) {
                let ids = operand_ids(param).iter().zip(operand_ids(arg));
                pairs.extend(ids.map(|(inner, outer)| (*inner, *outer)));
            }
        }
        for (inner, outer) in &pairs {
            let given = flat.values[*outer as usize].kind;
            // A constant component says nothing of the shape.
            if matches!(wanted(*inner), Kind::Left | Kind::Right | Kind::Product)
                && given != Kind::Scalar
            {
                self.kinds.insert(wanted(*inner), given);
            }
        }
        for (inner, outer) in pairs {
            let kind = self.kind(wanted(inner));
            let info = flat.values[outer as usize].clone();
            let fits = info.kind == kind
                || !matches!(
                    kind,
                    Kind::Left | Kind::Right | Kind::Product | Kind::Element
                );
            let outer = if fits {
                outer
            } else {
                let shape = FlatStep {
                    op: FlatOp::Local(Local::Broadcast),
                    args: Vec::new(),
                    result: 0,
                    source: Source::default(),
                };
                push(flat, &shape, vec![outer], FlatInfo { kind, ..info })
            };
            self.number.entry(inner).or_default().push(outer);
        }
    }

    /// A shape of the body in the caller.
    fn kind(&self, kind: Kind) -> Kind {
        *self.kinds.get(&kind).unwrap_or(&kind)
    }

    fn step(&mut self, flat: &mut Flat, at: usize) {
        let body = self.body.clone();
        let step = &body.steps[at];
        let mut info = body.values[step.result as usize].clone();
        info.kind = self.kind(info.kind);
        let info = &info;
        let several = self.records.len() > 1;
        let each = |id: &u32| {
            let kind = body.values[*id as usize].kind;
            matches!(kind, Kind::Element | Kind::Rows)
        };
        let comparing = matches!(step.op, FlatOp::Assert { .. });
        let mut results = Vec::new();
        if each(&step.result) || (comparing && step.args.iter().any(each)) {
            for record in 0..self.records.len() {
                let mut args: Vec<u32> =
                    step.args.iter().map(|id| self.value(*id, record)).collect();
                if several && matches!(step.op, FlatOp::Local(Local::Expand)) {
                    // Each record has a stretch of the stream of its own.
                    let number = FlatInfo {
                        elem: Elem::Ring(64),
                        kind: Kind::Scalar,
                        ..info.clone()
                    };
                    let constant = FlatStep {
                        op: FlatOp::Local(Local::Constant(record as i128)),
                        ..step.clone()
                    };
                    args.push(push(flat, &constant, Vec::new(), number));
                }
                results.push(push(flat, step, args, info.clone()));
            }
        } else if let (FlatOp::Local(Local::Sum { .. }), true) = (&step.op, several) {
            let mut sum = None;
            for record in 0..self.records.len() {
                let args = vec![self.value(step.args[0], record)];
                let part = push(flat, step, args, info.clone());
                let add = FlatStep {
                    op: FlatOp::Local(Local::Prim(Prim::Add)),
                    ..step.clone()
                };
                sum = Some(match sum {
                    None => part,
                    Some(sum) => push(flat, &add, vec![sum, part], info.clone()),
                });
            }
            results.extend(sum);
        } else {
            // A digest of elements is one of the elements of all records.
            let mut args = Vec::new();
            for id in &step.args {
                let records = if each(id) { self.records.len() } else { 1 };
                args.extend((0..records).map(|record| self.value(*id, record)));
            }
            results.push(push(flat, step, args, info.clone()));
        }
        self.number.insert(step.result, results);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::standard::bind;
    use smpc_ir::flat::{Protocols, Want};

    #[test]
    fn the_check_of_a_product_runs_once_over_both_openings() {
        let bound = bind("spdz", &[]);
        let flat = bound.protocol(Want::Mul(bound.int_elem())).unwrap();
        assert_eq!(flat.deferred.len(), 2);
        let settled = settled(&flat);
        assert!(settled.deferred.is_empty());
        let count = |op: &dyn Fn(&FlatOp) -> bool| {
            let tail = &settled.steps[flat.steps.len()..];
            tail.iter().filter(|step| op(&step.op)).count()
        };
        // One comparison of the sum of all, for two openings; coins of its own for each.
        assert_eq!(count(&|op| matches!(op, FlatOp::Assert { .. })), 1);
        assert_eq!(count(&|op| *op == FlatOp::Local(Local::Expand)), 2);
        // Those of the body, in which parties commit and open twice, and one behind it, as in lowering.
        let body = &flat.deferred[0].body;
        assert_eq!(body.barriers.len(), 4);
        let before = flat.barriers.len();
        assert_eq!(settled.barriers.len(), before + body.barriers.len() + 1);
    }

    /// One mask for all elements of the check's own product would hide none.
    #[test]
    fn a_product_inside_a_check_has_a_mask_for_each_element() {
        for name in ["rep3_malicious", "rep3_malicious_ring"] {
            let bound = bind(name, &[]);
            let flat = bound.protocol(Want::Mul(bound.int_elem())).unwrap();
            let body = &flat.deferred[0].body;
            let coins = body.steps.iter().filter_map(|step| match step.op {
                FlatOp::Coin(_) => Some(&body.values[step.result as usize]),
                _ => None,
            });
            // Seeds and nonces are one for all.
            let masks: Vec<Kind> = coins
                .filter(|info| info.elem != Elem::Bits(128))
                .map(|info| info.kind)
                .collect();
            assert!(
                masks.len() > 6 && !masks.contains(&Kind::Scalar),
                "{masks:?}"
            );
        }
    }
}
