//! The view that tells two inputs apart, in words and numbers.

use super::{Intern, View};
use crate::certificate::Name;
use crate::machine::{Counter, Machine};
use crate::problem::{Problem, operand_ids};
use crate::verdict::{self, Inputs, Seen};
use smpc_ir::flat::Kind;
use smpc_ir::local::Source;
use std::collections::BTreeMap;

/// Of the views of the first elements the one whose numbers on two inputs differ most.
pub(super) fn shown(
    problem: &Problem,
    machine: &mut Machine,
    view: &View,
    both: [&Inputs; 2],
    first: usize,
) -> verdict::View {
    let mut intern = Intern::new();
    let mut counts: BTreeMap<u128, [u64; 2]> = BTreeMap::new();
    let mut runs = 0;
    for (which, inputs) in both.iter().enumerate() {
        runs = 0;
        each(problem, machine, inputs, &mut |machine| {
            let key = view.key(machine, problem, first, &mut intern);
            counts.entry(key).or_default()[which] += 1;
            runs += 1;
            true
        });
    }
    let apart = |counts: &[u64; 2]| counts[0].abs_diff(counts[1]);
    // The first of those that differ most.
    let most = counts.iter().rev().max_by_key(|(_, counts)| apart(counts));
    let Some((&key, &often)) = most.filter(|(_, counts)| apart(counts) > 0) else {
        return verdict::View::default();
    };
    let mut seen = Vec::new();
    for inputs in both {
        each(problem, machine, inputs, &mut |machine| {
            if view.key(machine, problem, first, &mut intern) == key {
                seen = values(problem, machine, view, first);
            }
            seen.is_empty()
        });
        if !seen.is_empty() {
            break;
        }
    }
    verdict::View { seen, often, runs }
}

/// Runs on every assignment of coins, until told to stop.
fn each(
    problem: &Problem,
    machine: &mut Machine,
    inputs: &Inputs,
    with: &mut dyn FnMut(&Machine) -> bool,
) {
    let mut coins = Counter::default();
    loop {
        coins.rewind();
        machine.load(problem, inputs, 0, &mut coins);
        machine.run(&mut coins);
        if !with(machine) || !coins.advance() {
            return;
        }
    }
}

/// What the coalition sees in the run at hand.
fn values(problem: &Problem, machine: &Machine, view: &View, first: usize) -> Vec<Seen> {
    let keys = view.keys.iter().map(|at| Seen {
        what: Name::Key { key: *at as u32 }.to_string(),
        values: vec![machine.key(*at, 0)],
        source: Source::default(),
    });
    let mut seen: Vec<Seen> = keys.collect();
    for (id, message) in &view.ids[..first] {
        let info = &problem.flat.values[*id as usize];
        let rows = if info.kind == Kind::Scalar {
            1
        } else {
            machine.rows
        };
        let (what, source) = named(problem, *id, *message);
        seen.push(Seen {
            what,
            values: machine.value(*id)[..rows].to_vec(),
            source,
        });
    }
    seen
}

/// What a value of the view is: a message, a component of an operand, or a coin.
pub(super) fn named(problem: &Problem, id: u32, message: Option<u32>) -> (String, Source) {
    let flat = &problem.flat;
    let source = |step: usize| flat.steps.get(step).map_or(Source::default(), |s| s.source);
    if let Some(step) = message {
        return (format!("message {step}"), source(step as usize));
    }
    let params = flat.params.iter().enumerate();
    let component = params.into_iter().find_map(|(param, operand)| {
        let component = operand_ids(operand).iter().position(|other| *other == id)?;
        Some(Name::Component {
            param: param as u32,
            component: component as u32,
        })
    });
    if let Some(name) = component {
        return (name.to_string(), Source::default());
    }
    let step = flat.steps.iter().position(|step| step.result == id);
    let step = step.unwrap_or_default();
    let name = Name::Coin { step: step as u32 };
    (name.to_string(), source(step))
}
