//! What is known before a run: made of constants, sizes and parameters only, through whatever control.

use std::collections::HashSet;

use super::project::blocks_of;
use super::{Block, Op, Program, Step, Value};

/// The values of a program that depend on inputs, coins or messages: all others are known to everyone who has the
/// script, its parameters and sizes.
pub(super) fn of_the_run(program: &Program) -> HashSet<Value> {
    let mut found = HashSet::new();
    // What a loop hands to its next turn is found to be of the run one pass after what it is made of.
    loop {
        let before = found.len();
        block(&program.body, &mut found);
        if found.len() == before {
            return found;
        }
    }
}

/// Marks each `to` of which `from` is marked.
fn pass<'a>(
    from: impl IntoIterator<Item = &'a Value>,
    to: impl IntoIterator<Item = &'a Value>,
    found: &mut HashSet<Value>,
) {
    for (from, to) in from.into_iter().zip(to) {
        if found.contains(from) {
            found.insert(*to);
        }
    }
}

fn block(block: &Block, found: &mut HashSet<Value>) {
    for step in &block.steps {
        one(step, found);
    }
}

fn one(step: &Step, found: &mut HashSet<Value>) {
    if let Op::For { body, .. } | Op::While { body, .. } = &step.op {
        pass(&step.args, &body.params, found);
        pass(&body.results, &body.params, found);
    }
    match &step.op {
        Op::Reduce { body, .. } | Op::Scan { body, .. } => {
            let k = step.args.len();
            for params in [body.params.get(..k), body.params.get(k..)] {
                let params = params.unwrap_or_default();
                pass(&step.args, params, found);
                pass(&body.results, params, found);
            }
        }
        Op::While {
            condition, body, ..
        } => pass(&body.params, &condition.params, found),
        _ => {}
    }
    for inner in blocks_of(&step.op) {
        block(inner, found);
    }
    let decided = match &step.op {
        Op::While { condition, .. } => condition.results.first(),
        Op::Switch { .. } => step.args.first(),
        _ => None,
    };
    match &step.op {
        _ if decided.is_some_and(|value| found.contains(value)) => found.extend(&step.results),
        Op::For { body, .. }
        | Op::While { body, .. }
        | Op::Reduce { body, .. }
        | Op::Scan { body, .. } => {
            pass(&step.args, &step.results, found);
            pass(&body.results, &step.results, found);
        }
        Op::Switch { arms } => {
            for arm in arms {
                pass(&arm.results, &step.results, found);
            }
        }
        Op::Local(_) | Op::FractionBits => {
            if step.args.iter().any(|arg| found.contains(arg)) {
                found.extend(&step.results);
            }
        }
        Op::Param(_) => {}
        _ => found.extend(&step.results),
    }
}
