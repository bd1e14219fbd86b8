//! Operands of random runs.

use super::Claimed;
use crate::element::{add, mask, neg, one, order, reduce, sub, width};
use crate::machine::{Choice, Random};
use crate::operands::{self, Domains, Within, number};
use crate::problem::{Operand, Problem, Spec};
use crate::refute::first_elem;
use crate::requires::{Required, elems};
use crate::verdict::Inputs;
use smpc_ir::party::Elem;

/// Values at which signs, carries and lengths change.
fn edges(elem: Elem) -> Vec<u128> {
    if let Elem::Bits(m) = elem {
        return vec![0, mask(elem), 1, 1 << (m - 1)];
    }
    let m = u32::from(width(elem));
    let half = match elem {
        // The largest number; one more is the smallest.
        Elem::Field(_) => (order(elem) - 1) / 2,
        _ => mask(elem) >> 1,
    };
    let quarter = 1u128 << m.saturating_sub(2);
    let above = [0, 1, half, quarter, quarter - 1].map(|word| reduce(elem, word));
    let below = [1, half, quarter, quarter + 1].map(|word| neg(elem, reduce(elem, word)));
    let least = add(elem, reduce(elem, half), one(elem));
    above.into_iter().chain(below).chain([least]).collect()
}

/// What random operands are made from.
pub(crate) struct Source {
    pub domains: Domains,
    /// What each operand is required to be between.
    within: Vec<Within>,
    /// The numbers that the text names.
    constants: Vec<i128>,
}

impl Source {
    pub fn new(problem: &Problem, rows: usize) -> Self {
        let mut within = vec![None; problem.params.len()];
        for requires in Claimed::new(problem).claims.iter().map(|c| &c.requires) {
            let own = Required::among(problem, requires).within();
            for (slot, found) in within.iter_mut().zip(own) {
                *slot = match (*slot, found) {
                    (Some((low, high)), Some((least, most))) => {
                        Some((least.max(low), most.min(high))).filter(|(low, high)| low <= high)
                    }
                    (one, other) => one.or(other),
                };
            }
        }
        Self {
            domains: Domains::new(problem, rows),
            within,
            constants: operands::constants(problem),
        }
    }

    /// Operands for a random run: uniform, of every length, at edges, near to what the text names, between what it requires
    /// them to be, equal, or a little apart. Public numbers are among those that are enumerated.
    pub fn operands(&self, problem: &Problem, run: u64, random: &mut Random) -> Inputs {
        let domains = &self.domains;
        let mut inputs = domains.draw(random);
        if problem.spec == Spec::Shuffle {
            return inputs;
        }
        for (at, (rows, spec)) in inputs.iter_mut().zip(&problem.params).enumerate() {
            if domains.is_amount(at) {
                continue;
            }
            let elem = match spec {
                Operand::Shared(sharing) => sharing.elem,
                Operand::Clear { elem, .. } => *elem,
            };
            let bounds = self.within[at].filter(|_| random.below(2) == 0);
            for word in rows {
                *word = match (run % 8, bounds) {
                    (_, Some(bounds)) => operands::within(bounds, elem, random),
                    (0 | 4, _) => *word,
                    (5, _) => operands::named(&self.constants, elem, random)
                        .unwrap_or_else(|| number(elem, random)),
                    _ => number(elem, random),
                };
            }
        }
        if run % 8 == 3 {
            let mut which = run / 8;
            let elems = elems(&problem.params);
            for (at, (rows, elem)) in inputs.iter_mut().zip(elems).enumerate() {
                if !domains.is_amount(at) {
                    let edges = edges(elem);
                    rows.fill(edges[(which % edges.len() as u64) as usize]);
                    which /= edges.len() as u64;
                }
            }
        }
        if run % 8 >= 6
            && domains.same(0, 1)
            && let [a, b, ..] = inputs.as_mut_slice()
        {
            // Equality and order are decided close by.
            let elem = first_elem(problem);
            let apart = if run.is_multiple_of(2) {
                0
            } else {
                random.below(5)
            };
            for (a, b) in a.iter().zip(b) {
                let sum = add(elem, *a, reduce(elem, apart));
                *b = sub(elem, sum, reduce(elem, 2 * (apart / 2)));
            }
        }
        inputs
    }
}
