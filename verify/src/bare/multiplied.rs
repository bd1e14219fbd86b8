//! Messages that are nothing on some operands: a coin times a polynomial of operands tells whether that is 0.
//!
//! On operands on which it is 0, such a message is the same whatever the coins; on others it takes many values. Operands are
//! those at which polynomials of a text are 0, if anywhere: 0, 1, small numbers, those that the text names.

use super::{drawn, inputs, public};
use crate::element::{literal, width};
use crate::machine::Random;
use crate::operands::{Domains, constants};
use crate::problem::Problem;
use crate::refute::Allowed;
use crate::requires::Required;
use crate::symbolic::{Class, Execution};
use crate::term::{Poly, Support};

/// Assignments of coins for each of two inputs.
pub(super) const DRAWN: usize = 256;
/// Those among them for a first look.
const FEW: usize = 4;
/// Numbers tried as operands.
const NUMBERS: usize = 48;
/// Evaluations of atoms for one message.
const EFFORT: usize = 1 << 21;

/// Values of all symbols on two inputs, and what the message is on the first, always, and once on the second.
pub(super) struct Told {
    pub values: [Vec<u128>; 2],
    pub found: [u128; 2],
}

/// Looks for two inputs that the text admits and the coalition must not tell apart: on one the message is the same for all
/// coins drawn, on the other another one for most of them.
pub(super) fn told(
    problem: &Problem,
    run: &Execution,
    term: &Poly,
    coins: &Support,
    allowed: &Allowed<'_>,
    random: &mut Random,
) -> Option<Told> {
    let secrets: Vec<usize> = (0..run.symbols.len())
        .filter(|at| run.symbols[*at].class == Class::Secret)
        .collect();
    let effort = (term.monomials() + run.terms.atoms(term).len()) * NUMBERS * FEW;
    if width(term.elem()) < 16 || secrets.is_empty() || effort > EFFORT {
        return None;
    }
    let required = Required::of(problem);
    let mut base: Vec<u128> = run
        .symbols
        .iter()
        .map(|info| drawn(problem, info, random))
        .collect();
    public(problem, run, &Domains::new(problem, 1), &mut base, random);
    let mut numbers = vec![0, 1, 2, 3, -1];
    for value in constants(problem) {
        numbers.extend([value, value.saturating_add(1), value.saturating_sub(1)]);
    }
    numbers.truncate(NUMBERS);
    // All secrets one number, then each alone among random ones, then any.
    let mut tried: Vec<Vec<u128>> = vec![base.clone()];
    let mut with = |which: &[usize], value: i128| {
        let mut values = base.clone();
        for at in which {
            values[*at] = literal(run.symbols[*at].elem, value);
        }
        tried.push(values);
    };
    for value in &numbers {
        with(&secrets, *value);
    }
    for at in secrets
        .iter()
        .filter(|_| secrets.len() > 1)
        .take(NUMBERS / 4)
    {
        for value in numbers.iter().take(NUMBERS / 4) {
            with(&[*at], *value);
        }
    }
    let mut many = |values: &[u128], count: usize| -> Option<Vec<u128>> {
        let mut all = Vec::with_capacity(count);
        let mut values = values.to_vec();
        for _ in 0..count {
            for symbol in coins.iter() {
                let at = symbol.0 as usize;
                values[at] = drawn(problem, &run.symbols[at], random);
            }
            all.push(run.terms.evaluate(term, &values, &mut Vec::new())?);
        }
        Some(all)
    };
    let (mut same, mut other): (Vec<Vec<u128>>, Vec<Vec<u128>>) = (Vec::new(), Vec::new());
    for values in tried {
        if !inputs(run, &values).is_some_and(|inputs| required.admits(&inputs, 1)) {
            continue;
        }
        let found = many(&values, FEW)?;
        let one = found.iter().all(|word| *word == found[0]);
        if one { &mut same } else { &mut other }.push(values);
    }
    for (first, second) in same
        .iter()
        .flat_map(|a| other.iter().map(move |b| (a, b)))
        .take(64)
    {
        let both = [first, second].map(|values| inputs(run, values).unwrap_or_default());
        if !allowed.alike(&both[0], &both[1], 1) {
            continue;
        }
        let (a, mut b) = (many(first, DRAWN)?, many(second, DRAWN)?);
        let seen = a[0];
        b.sort_unstable();
        b.dedup();
        if a.iter().all(|word| *word == seen) && b.len() > DRAWN / 2 {
            return Some(Told {
                found: [seen, b[DRAWN / 4]],
                values: [first.clone(), second.clone()],
            });
        }
    }
    None
}
