//! Calls as protocols of their own, so that a caller is proved from what was proved of the callee.
//!
//! A call that leaks nothing and whose result is a fresh sharing can be replaced by an ideal box:
//! what the coalition holds of the result is the simulator's choice, the rest but one component are
//! coins, and the last follows from the value. The value is a polynomial of what the call was given
//! if it is one; else an unknown function of all of it, of what the coalition got, and of the box's
//! own coins. So nothing is taken from the callee's name or claims: the box speaks of the very
//! steps that stand in the caller.

use crate::problem::{Operand, Problem, operand_ids};

use smpc_ir::flat::{Call, Flat, FlatInfo, FlatOp, FlatOperand, FlatStep, Kind, Sharing};
use smpc_ir::local::{Local, Source};
use smpc_ir::party::Elem;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// A call taken out of its caller.
#[derive(Clone, Debug)]
pub(crate) struct Callee {
    /// The steps of the call. Its parameters are the values it reads, each clear to those who know
    /// it; its one result is the sharing.
    pub problem: Problem,
    /// What it reads, as the caller numbers values, in the order of the parameters.
    pub inputs: Vec<u32>,
    /// The components of its result, likewise.
    pub outputs: Vec<u32>,
    /// Its steps.
    pub steps: Range<usize>,
    /// Steps among them that only compute from what was read, with the values that the caller goes
    /// on using.
    pub local: BTreeSet<usize>,
}

/// An operand of a call: its values as the caller numbers them, and how they are shared if they are a sharing.
pub(crate) type Given = (Vec<u32>, Option<Sharing>);

impl Callee {
    /// Whether the call computes with keys of the scheme, other than by carrying their tags on.
    pub fn reads_keys(&self) -> bool {
        let steps = &self.problem.flat.steps;
        steps.iter().any(|step| matches!(step.op, FlatOp::Key(_)))
    }

    /// The same steps as a protocol of the call's operands: a sharing for each that is said to be one. That is about
    /// all sharings of all values, so about those of the call too, whatever its mark says; `None` if the steps read more
    /// than is computed from what it names.
    pub fn of_operands(&self, problem: &Problem, call: &Call) -> Option<(Problem, Vec<Given>)> {
        let named: BTreeSet<u32> = call.args.iter().flat_map(operand_ids).copied().collect();
        let (read, before) = self.leaves(&problem.flat, &named)?;
        let mut flat = (*self.problem.flat).clone();
        let own = flat.params.iter().map(|param| operand_ids(param)[0]);
        let mut number: BTreeMap<u32, u32> = self.inputs.iter().copied().zip(own).collect();
        let (mut given, mut params): (Vec<Given>, Vec<Operand>) = (Vec::new(), Vec::new());
        let (mut operands, mut seen) = (Vec::new(), BTreeSet::new());
        for (operand, sharing) in call.args.iter().zip(&call.given) {
            let ids = operand_ids(operand);
            let known = given
                .iter()
                .any(|(known, by)| known == ids && by == sharing);
            if known || !ids.iter().any(|id| read.contains(id)) {
                continue;
            }
            let mut own = Vec::new();
            for id in ids {
                let info = problem.flat.values.get(*id as usize)?;
                if !seen.insert(*id) || info.elem == Elem::Fix {
                    return None;
                }
                own.push(numbered(&mut number, &mut flat, *id, info));
            }
            let info = |id: &u32| &flat.values[*id as usize];
            params.push(match (operand, sharing) {
                (FlatOperand::Clear(_), None) => Operand::Clear {
                    elem: info(&own[0]).elem,
                    known_to: info(&own[0]).known_to,
                },
                (FlatOperand::Shared(_), Some(sharing)) => {
                    let plain = sharing.keyed.is_empty()
                        && own.len() == sharing.holders.len()
                        && own.iter().all(|id| info(id).kind != Kind::Scalar);
                    if !plain {
                        return None;
                    }
                    Operand::Shared(Sharing {
                        // Who knows a component may be more than hold it.
                        holders: own.iter().map(|id| info(id).known_to).collect(),
                        ..sharing.clone()
                    })
                }
                _ => return None,
            });
            operands.push(match operand {
                FlatOperand::Clear(_) => FlatOperand::Clear(own[0]),
                FlatOperand::Shared(_) => FlatOperand::Shared(own),
            });
            given.push((ids.to_vec(), sharing.clone()));
        }
        if read.iter().any(|id| !seen.contains(id)) {
            return None;
        }
        let mut steps = Vec::new();
        for at in before {
            let step = problem.flat.steps.get(at)?;
            let args: Option<Vec<u32>> = step.args.iter().map(|a| number.get(a).copied()).collect();
            let info = problem.flat.values.get(step.result as usize)?;
            steps.push(FlatStep {
                op: step.op.clone(),
                args: args?,
                result: numbered(&mut number, &mut flat, step.result, info),
                source: Source::default(),
            });
        }
        let more = steps.len() as u32;
        for call in &mut flat.calls {
            call.steps = call.steps.start + more..call.steps.end + more;
        }
        steps.append(&mut flat.steps);
        flat.steps = steps;
        flat.params = operands;
        let flat = Arc::new(flat);
        let form = Problem {
            lowered: flat.clone(),
            flat,
            params,
            ..self.problem.clone()
        };
        form.validate().is_ok().then_some((form, given))
    }

    /// Which of some values the steps read, directly or by local steps of the caller before them: equal local steps are
    /// one, and may stand where another call needed them first. `None` if they read something else.
    fn leaves(
        &self,
        flat: &Flat,
        named: &BTreeSet<u32>,
    ) -> Option<(BTreeSet<u32>, BTreeSet<usize>)> {
        let local = |step: &FlatStep| matches!(step.op, FlatOp::Local(_) | FlatOp::Bilinear);
        let steps = flat.steps.iter().take(self.steps.start).enumerate();
        let defined: BTreeMap<u32, usize> = steps
            .filter(|(_, step)| local(step))
            .map(|(at, step)| (step.result, at))
            .collect();
        let (mut read, mut before) = (BTreeSet::new(), BTreeSet::new());
        let mut open = self.inputs.clone();
        while let Some(id) = open.pop() {
            if named.contains(&id) {
                read.insert(id);
                continue;
            }
            let at = *defined.get(&id)?;
            if before.insert(at) {
                open.extend(&flat.steps.get(at)?.args);
            }
        }
        Some((read, before))
    }
}

/// The number of a value of the caller in a protocol made of a call; a new one where it has none.
fn numbered(number: &mut BTreeMap<u32, u32>, flat: &mut Flat, id: u32, info: &FlatInfo) -> u32 {
    *number.entry(id).or_insert_with(|| {
        flat.values.push(info.clone());
        flat.values.len() as u32 - 1
    })
}

/// The call as [`extract`] gives it, if it keeps to the rules of flat protocols.
pub(crate) fn valid(problem: &Problem, call: &Call) -> Option<Callee> {
    extract(problem, call).filter(|callee| callee.problem.validate().is_ok())
}

/// The call as a protocol, if nothing but its result is used outside, and that is one sharing.
pub(crate) fn extract(problem: &Problem, call: &Call) -> Option<Callee> {
    let flat = &*problem.flat;
    let steps = call.steps.start as usize..call.steps.end as usize;
    let body = flat.steps.get(steps.clone())?;
    let ([FlatOperand::Shared(outputs)], [Some(shared)]) =
        (call.results.as_slice(), call.sharings.as_slice())
    else {
        return None;
    };
    let defined: BTreeMap<u32, usize> = body
        .iter()
        .enumerate()
        .map(|(at, step)| (step.result, steps.start + at))
        .collect();
    let distinct: BTreeSet<u32> = outputs.iter().copied().collect();
    let whole = outputs.iter().all(|id| defined.contains_key(id));
    if !whole || distinct.len() != outputs.len() || shared.holders.len() != outputs.len() {
        return None;
    }
    // What only computes from the operands can be computed outside as well.
    let mut local = BTreeSet::new();
    for (at, step) in body.iter().enumerate() {
        let inside = |arg: &u32| match defined.get(arg) {
            Some(from) => local.contains(from),
            None => true,
        };
        if matches!(step.op, FlatOp::Local(_) | FlatOp::Bilinear) && step.args.iter().all(inside) {
            local.insert(steps.start + at);
        }
    }
    let outside = flat
        .steps
        .iter()
        .enumerate()
        .filter(|(at, _)| !steps.contains(at))
        .flat_map(|(_, step)| step.args.iter())
        .chain(flat.results.iter().flat_map(operand_ids));
    for id in outside {
        if let Some(from) = defined.get(id)
            && !distinct.contains(id)
            && !local.contains(from)
        {
            return None;
        }
    }
    let constants: BTreeMap<u32, &FlatStep> = flat
        .steps
        .iter()
        .filter(|step| matches!(step.op, FlatOp::Local(Local::Constant(_))))
        .map(|step| (step.result, step))
        .collect();
    let mut inputs: Vec<u32> = Vec::new();
    let mut literals: Vec<u32> = Vec::new();
    for id in body.iter().flat_map(|step| &step.args) {
        let list = if constants.contains_key(id) {
            &mut literals
        } else {
            &mut inputs
        };
        if !defined.contains_key(id) && !list.contains(id) {
            list.push(*id);
        }
    }
    // An input that is no value of the caller makes nothing sound.
    let info = |id: u32| flat.values.get(id as usize);
    let mut own = Flat {
        name: call.name.clone(),
        outsider: flat.outsider,
        ..Flat::default()
    };
    let mut number: BTreeMap<u32, u32> = BTreeMap::new();
    let mut params = Vec::new();
    for &id in &inputs {
        let value = info(id)?.clone();
        params.push(Operand::Clear {
            elem: value.elem,
            known_to: value.known_to,
        });
        number.insert(id, own.values.len() as u32);
        own.params.push(FlatOperand::Clear(own.values.len() as u32));
        own.values.push(value);
    }
    let prefix = literals.len();
    let literal_steps = literals.iter().filter_map(|id| constants.get(id).copied());
    for step in literal_steps.chain(body) {
        number.insert(step.result, own.values.len() as u32);
        let args: Option<Vec<u32>> = step.args.iter().map(|a| number.get(a).copied()).collect();
        own.steps.push(FlatStep {
            op: step.op.clone(),
            args: args?,
            result: own.values.len() as u32,
            source: Source::default(),
        });
        let mut value = info(step.result)?.clone();
        if let (FlatOp::Send { to, .. }, Some(from)) = (&step.op, step.args.first()) {
            // Who knew it before knows it after, though the caller may not need it there.
            let before = number
                .get(from)
                .and_then(|id| own.values.get(*id as usize))?;
            value.known_to = before.known_to.union(*to);
        }
        own.values.push(value);
    }
    let rename = |ids: &[u32]| -> Option<Vec<u32>> {
        ids.iter().map(|id| number.get(id).copied()).collect()
    };
    for inner in &flat.calls {
        let nested = inner.steps.start >= call.steps.start
            && inner.steps.end <= call.steps.end
            && inner.steps != call.steps;
        let results: Option<Vec<FlatOperand>> = inner
            .results
            .iter()
            .map(|operand| match operand {
                FlatOperand::Shared(ids) => rename(ids).map(FlatOperand::Shared),
                FlatOperand::Clear(id) => number.get(id).copied().map(FlatOperand::Clear),
            })
            .collect();
        if let (true, Some(results)) = (nested, results) {
            let shift = |at: u32| at - call.steps.start + prefix as u32;
            // An argument that is not there is one that nothing can be said of.
            let absent = |id: &u32| number.get(id).copied().unwrap_or(u32::MAX);
            let args = inner.args.iter().map(|operand| match operand {
                FlatOperand::Shared(ids) => FlatOperand::Shared(ids.iter().map(absent).collect()),
                FlatOperand::Clear(id) => FlatOperand::Clear(absent(id)),
            });
            own.calls.push(Call {
                name: inner.name.clone(),
                steps: shift(inner.steps.start)..shift(inner.steps.end),
                args: args.collect(),
                given: inner.given.clone(),
                results,
                sharings: inner.sharings.clone(),
            });
        }
    }
    let first = info(*outputs.first()?)?;
    let (elem, kind) = (first.elem, first.kind);
    if outputs
        .iter()
        .any(|id| info(*id).is_none_or(|v| v.elem != elem || v.kind != kind))
    {
        return None;
    }
    let sharing = Sharing {
        elem,
        // Who knows a component may be more than hold it.
        holders: rename(outputs)?
            .iter()
            .map(|id| own.values[*id as usize].known_to)
            .collect(),
        ..shared.clone()
    };
    own.results = vec![FlatOperand::Shared(rename(outputs)?)];
    Some(Callee {
        problem: Problem::unclaimed(
            Arc::new(own),
            problem.computing.clone(),
            params,
            vec![Operand::Shared(sharing)],
            problem.keys.clone(),
        ),
        inputs,
        outputs: outputs.clone(),
        steps,
        local,
    })
}

/// Whether two callees are one protocol: the same steps on operands known to the same parties.
pub(crate) fn same(a: &Problem, b: &Problem) -> bool {
    a.flat.steps.len() == b.flat.steps.len()
        && a.flat.steps == b.flat.steps
        && a.flat.values == b.flat.values
        && a.flat.params == b.flat.params
        && a.flat.results == b.flat.results
        && a.flat.outsider == b.flat.outsider
        && a.params == b.params
        && a.results == b.results
        && a.computing == b.computing
        && a.keys == b.keys
}
