//! Whether a run in which nobody deviates goes on: what honest parties compare is equal then.
//!
//! A protocol whose own check fails ensures nothing, and one whose check fails for some operands tells who sees the end of the
//! run something of them. So what is compared must be equal identically, or it is looked at in random runs at full width.

use crate::certificate::Assumption;
use crate::machine::{Machine, Random};
use crate::operands::Domains;
use crate::problem::{Malformed, Problem};
use crate::refute::first_elem;
use crate::requires::Required;
use crate::symbolic::Execution;
use crate::verdict::{Verdict, Wrong};
use smpc_ir::flat::FlatOp;
use smpc_ir::party::PartySet;

/// Monomials to which a product is expanded; in long texts products stay graphs, which are equal where they are made alike.
fn expansion(problem: &Problem) -> usize {
    match problem.flat.steps.len() {
        0..=1000 => 1024,
        _ => 24,
    }
}

/// Random runs at most: an error of a check shows in the first ones, or too rarely to be found.
const RUNS: u64 = 4_000;

/// Runs of which this part takes operands from a few small numbers: what goes on for some operands only.
const SMALL: u64 = 4;

/// Two values that somebody compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub step: usize,
    left: u32,
    right: u32,
}

/// What is compared and not shown to be equal by an identity of terms, deferred protocols included.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn undecided(problem: &Problem) -> Result<Vec<Comparison>, Malformed> {
    let steps = problem.flat.steps.iter().enumerate();
    let all = steps.filter_map(|(step, of)| match (&of.op, of.args.as_slice()) {
        (FlatOp::Check { .. } | FlatOp::Assert { .. }, [.., left, right]) => Some(Comparison {
            step,
            left: *left,
            right: *right,
        }),
        _ => None,
    });
    let mut all: Vec<Comparison> = all.collect();
    if all.is_empty() {
        return Ok(all);
    }
    let limit = expansion(problem);
    let run = Execution::new(problem, PartySet::EMPTY, Assumption::Fresh, limit)?;
    let value = |id: u32| run.values.get(id as usize).and_then(Option::as_ref);
    all.retain(
        |compared| match (value(compared.left), value(compared.right)) {
            (Some(left), Some(right)) => left.elem() != right.elem() || !left.sub(right).is_zero(),
            _ => true,
        },
    );
    Ok(all)
}

/// The verdict on results of a protocol with comparisons that need not be equal; nothing if there are none.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn ends(
    problem: &Problem,
    runs: u64,
    open: &[Comparison],
) -> Result<Option<Verdict>, Malformed> {
    let Some(first) = open.first() else {
        return Ok(None);
    };
    let mut machine = Machine::new(problem)?;
    let rows = machine.rows;
    let domains = Domains::new(problem, rows);
    let required = Required::of(problem);
    let mut random = Random(runs ^ 0xab07);
    let mut done = 0;
    for run in 0..runs.min(RUNS) {
        let mut inputs = domains.draw(&mut random);
        if run % SMALL == 0 {
            let operands = inputs.iter_mut().enumerate();
            for (_, words) in operands.filter(|(at, _)| !domains.is_amount(*at)) {
                words.iter_mut().for_each(|word| *word %= 3);
            }
        }
        if !required.admits(&inputs, rows) {
            continue;
        }
        done += 1;
        machine.load(problem, &inputs, 0, &mut random);
        machine.run(&mut random);
        for compared in open {
            let differ = |row: &usize| {
                machine.word(compared.left, *row, 0) != machine.word(compared.right, *row, 0)
            };
            let Some(row) = (0..rows).find(differ) else {
                continue;
            };
            let got = [compared.left, compared.right].map(|id| machine.word(id, row, 0));
            return Ok(Some(Verdict::Wrong(Box::new(Wrong {
                what: format!(
                    "parties that follow the protocol end without a result: what they compare in step {} differs",
                    compared.step
                ),
                elem: first_elem(problem),
                inputs,
                got: got.to_vec(),
            }))));
        }
    }
    Ok(Some(Verdict::Unknown {
        reason: format!(
            "no identity of polynomials says that what parties compare in step {} is equal if nobody deviates; {done} random executions agree",
            first.step
        ),
    }))
}

/// Privacy where comparisons need not be equal, for whichever coalition: whoever sees a run end has learned that they
/// were not.
pub(crate) fn told(open: &[Comparison]) -> Option<String> {
    open.first().map(|compared| {
        format!(
            "whether parties that follow the protocol go on behind step {} may tell something: what they compare there need not be equal",
            compared.step
        )
    })
}
