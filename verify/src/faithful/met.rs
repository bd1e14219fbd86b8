//! Whether comparisons and products come out in a small ring as they may at full width.
//!
//! No number of four bits is above 7, so what a text does then is not looked at there, and a product of two bits that are
//! never 1 together is nothing. In runs on random operands each comparison and each single bit must be 0 and 1, and each
//! product something. This is about what is seen.
//!
//! A number less its low bits, taken one by one, is nothing in a ring of as many bits, and what a text makes of the
//! difference is not looked at there. Of results, what is always the same in the small ring must be so at full width. What
//! neither the small ring nor random runs change, but other operands might, nobody has tried.

use super::Of;
use crate::certificate::Assumption;
use crate::correct::Source;
use crate::machine::{Machine, Random};
use crate::operands::amount_params;
use crate::problem::{Malformed, Problem, operand_ids};
use crate::requires::Required;
use crate::symbolic::Execution;
use crate::verdict::Inputs;
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, PartySet};
use std::collections::BTreeSet;

/// Runs at once, and times that they are made.
const LANES: usize = 64;
const TIMES: usize = 256;
/// Steps of all runs of one question.
const STEPS: usize = 1 << 24;

/// What is known of one step from some runs: whether it was ever 0, and ever something else; and ever other than at first.
#[derive(Clone, Copy, Default)]
struct Seen {
    zero: bool,
    other: bool,
    first: Option<u128>,
    changed: bool,
}

/// A step that must come out in several ways.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    /// As 0 and as 1.
    Both,
    /// As something.
    Other,
    /// Not always as the same.
    Changing,
}

impl Seen {
    fn is(self, must: Must) -> bool {
        match must {
            Must::Both => self.zero && self.other,
            Must::Other => self.other,
            Must::Changing => self.changed,
        }
    }

    fn see(&mut self, words: &[u128]) {
        self.zero |= words.contains(&0);
        self.other |= words.iter().any(|word| *word != 0);
        if let Some(word) = words.first() {
            let first = *self.first.get_or_insert(*word);
            self.changed |= words.iter().any(|word| *word != first);
        }
    }
}

/// The steps on which what is enumerated depends and that must come out in several ways.
fn deciding(problem: &Problem, of: Of) -> Vec<(usize, Must)> {
    let flat = &problem.flat;
    let mut needed = vec![false; flat.values.len()];
    for (at, operand) in flat.results.iter().enumerate() {
        let own = match of {
            Of::Sharing(_, result) => at == result,
            Of::View(_) => false,
            Of::Results => true,
        };
        for id in operand_ids(operand).iter().filter(|_| own) {
            needed[*id as usize] = true;
        }
    }
    let of_run = of_run(problem);
    let mut found = Vec::new();
    for (at, step) in flat.steps.iter().enumerate().rev() {
        if let (FlatOp::Send { to, .. }, Of::View(coalition) | Of::Sharing(coalition, _)) =
            (&step.op, of)
            && !to.intersection(coalition).is_empty()
        {
            needed[step.result as usize] = true;
        }
        if !needed[step.result as usize] {
            continue;
        }
        for arg in &step.args {
            needed[*arg as usize] = true;
        }
        let info = &flat.values[step.result as usize];
        if matches!(info.kind, Kind::Rows | Kind::Digest) {
            continue;
        }
        if of == Of::Results {
            let compares = matches!(step.op, FlatOp::Local(Local::Prim(Prim::Lt | Prim::Eq)));
            let number = matches!(info.elem, Elem::Ring(2..) | Elem::Field(_));
            let product = matches!(
                step.op,
                FlatOp::Local(Local::Prim(Prim::Mul)) | FlatOp::Bilinear
            );
            if of_run[step.result as usize] && (compares || number || product) {
                found.push((at, Must::Changing));
            }
            continue;
        }
        match (&step.op, info.elem) {
            (FlatOp::Local(Local::Prim(Prim::Lt | Prim::Eq)), _)
            | (FlatOp::Local(Local::Prim(Prim::BitSlice { .. })), Elem::Bits(1)) => {
                found.push((at, Must::Both));
            }
            (FlatOp::Local(Local::Prim(Prim::Mul)) | FlatOp::Bilinear, _) => {
                found.push((at, Must::Other));
            }
            _ => {}
        }
    }
    found
}

/// Which values depend on more than constants and public amounts: of the latter a small ring has few.
fn of_run(problem: &Problem) -> Vec<bool> {
    let flat = &problem.flat;
    let mut found = vec![false; flat.values.len()];
    let amounts: BTreeSet<usize> = amount_params(problem).collect();
    for (at, operand) in flat.params.iter().enumerate() {
        for id in operand_ids(operand)
            .iter()
            .filter(|_| !amounts.contains(&at))
        {
            found[*id as usize] = true;
        }
    }
    for step in &flat.steps {
        let drawn = matches!(step.op, FlatOp::Coin(_) | FlatOp::Key(_));
        found[step.result as usize] = drawn || step.args.iter().any(|arg| found[*arg as usize]);
    }
    found
}

/// What steps come out as in random runs, until each is known to come out as it must.
fn runs(
    problem: &Problem,
    open: &[(usize, Must)],
    mut operands: impl FnMut(u64) -> Option<Inputs>,
) -> Result<Vec<Seen>, Malformed> {
    let mut machine = Machine::wide(problem, LANES)?;
    let mut random = Random(0x3e7);
    let mut seen = vec![Seen::default(); open.len()];
    let times = STEPS / LANES / problem.flat.steps.len().max(1);
    let mut number = 0;
    for _ in 0..times.clamp(8, TIMES) {
        for lane in 0..LANES {
            let Some(inputs) = operands(number) else {
                return Ok(seen);
            };
            number += 1;
            machine.load(problem, &inputs, lane, &mut random);
        }
        machine.run(&mut random);
        let mut all = true;
        for ((at, must), seen) in open.iter().zip(&mut seen) {
            if seen.is(*must) {
                continue;
            }
            let words = machine.value(problem.flat.steps[*at].result);
            seen.see(words);
            all &= seen.is(*must);
        }
        if all {
            break;
        }
    }
    Ok(seen)
}

/// Draws until operands are admitted.
const DRAWN: usize = 1_000;

/// Operands that a text admits, of all kinds.
fn admitted(problem: &Problem, rows: usize) -> impl FnMut(u64) -> Option<Inputs> + '_ {
    let (source, mut random) = (Source::new(problem, rows), Random(0x0b5));
    let required = Required::of(problem);
    move |number| {
        (0..DRAWN).find_map(|tried| {
            let mut inputs = source.operands(problem, number + tried as u64, &mut random);
            let tuple = source.domains.tuple(problem, &mut random);
            source.domains.set(&mut inputs, &tuple);
            required.admits(&inputs, rows).then_some(inputs)
        })
    }
}

/// Whether a comparison, a single bit or a product is always the same in the small ring, and need not be at full width; of
/// results, whether a number or a comparison is that and another in random runs at full width, or any of these or a product of
/// bits is never another in these either, and need not be the same.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(super) fn unmet(full: &Problem, small: &Problem, of: Of) -> Result<bool, Malformed> {
    let (wide, narrow) = (deciding(full, of), deciding(small, of));
    let rows = Machine::new(small)?.rows;
    let seen = runs(small, &narrow, admitted(small, rows))?;
    // Where there are as many steps, each is its own; else those at one place of the text are one.
    let alike = full.flat.steps.len() == small.flat.steps.len() && wide.len() == narrow.len();
    let place = |problem: &Problem, at: usize| {
        let source = problem.flat.steps[at].source;
        match alike {
            true => (0, at as u32, 0),
            false => (source.file, source.start, source.end),
        }
    };
    let mut met: BTreeSet<(u32, u32, u32)> = BTreeSet::new();
    for ((at, must), seen) in narrow.iter().zip(&seen) {
        if seen.is(*must) {
            met.insert(place(small, *at));
        }
    }
    let mut left: Vec<usize> = wide
        .iter()
        .map(|(at, _)| *at)
        .filter(|at| !met.contains(&place(full, *at)))
        .collect();
    if left.is_empty() {
        return Ok(false);
    }
    if of == Of::Results {
        let rows = Machine::new(full)?.rows;
        let open: Vec<_> = left.iter().map(|at| (*at, Must::Changing)).collect();
        let seen = runs(full, &open, admitted(full, rows))?;
        // Bits that random runs at full width change are tried there, as levels of a tree; those that nothing changes are not.
        let bits = |at: usize| {
            let step = &full.flat.steps[at];
            let compares = matches!(step.op, FlatOp::Local(Local::Prim(Prim::Lt | Prim::Eq)));
            !compares && matches!(full.flat.values[step.result as usize].elem, Elem::Bits(_))
        };
        let each = left.iter().zip(&seen);
        if each.clone().any(|(at, seen)| seen.changed && !bits(*at)) {
            return Ok(true);
        }
        // Where operands are restricted, conditions need not ever be met.
        if Required::of(full).restricts(full) {
            return Ok(false);
        }
        let rest = each.filter(|(_, seen)| !seen.changed).map(|(at, _)| *at);
        left = rest.collect();
    }
    // What is one number whatever the operands and coins is so in both.
    let run = Execution::new(full, PartySet::EMPTY, Assumption::Fresh, 24)?;
    let constant = |at: usize| {
        let value = run.values[full.flat.steps[at].result as usize].as_ref();
        value.is_some_and(|term| run.terms.support(term).iter().next().is_none())
    };
    Ok(left.into_iter().any(|at| !constant(at)))
}
