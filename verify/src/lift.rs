//! Operands of a small ring at full width.
//!
//! What is found in a ring of three bits may be an accident of it: 2·2 is negative there. So the very operands are tried at
//! full width: as the signed numbers that they are, but also at the top of the ring and at its ends, because what goes
//! wrong on the smallest number of three bits does so on the smallest of 64.

use crate::element::{add, literal, mask, order, reduce, signed, sub, width};
use crate::machine::{Choice, Random};
use crate::operands::{amount_params, may_be};
use crate::problem::{Problem, Spec};
use crate::refute::{Allowed, first_elem};
use crate::requires::elems;
use crate::verdict::Inputs;
use smpc_ir::party::Elem;

/// How an element of a small ring is made one of a large one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The same signed number.
    Signed,
    /// The same number from 0 on.
    Unsigned,
    /// The highest bit stays the highest, the others the lowest: ends of the ring stay so on one side.
    Ends,
    /// The bits at the top, zeros below them.
    Top,
    /// The bits at the top, ones below them: ends of the ring stay so on the other side.
    Filled,
    /// The same low bits below random ones: the same residue of the small ring.
    Residue,
    /// The same high bits above random ones: the same part of the ring.
    Part,
}

const WAYS: [Way; 7] = [
    Way::Signed,
    Way::Unsigned,
    Way::Ends,
    Way::Top,
    Way::Filled,
    Way::Residue,
    Way::Part,
];

/// Assignments of ways to operands that are tried.
const TRIED: u64 = 96;

/// An element in another ring; `random` are the bits that it does not fix.
fn lifted(way: Way, from: Elem, to: Elem, word: u128, random: u128) -> u128 {
    let (narrow, wide) = (u32::from(width(from)), u32::from(width(to)));
    if from == to {
        return word;
    }
    let number = literal(to, signed(from, word));
    let Some(more) = wide.checked_sub(narrow).filter(|more| *more > 0) else {
        return number;
    };
    if let (Elem::Field(_), _) | (_, Elem::Field(_)) = (from, to) {
        return match way {
            Way::Unsigned => reduce(to, word),
            _ => number,
        };
    }
    let below = (1u128 << more) - 1;
    match way {
        Way::Signed => number,
        Way::Unsigned => word,
        Way::Ends => {
            let half = 1u128 << (narrow - 1);
            (word & (half - 1)) | (word & half) << more
        }
        Way::Top => word << more,
        Way::Filled => word << more | below,
        Way::Residue => (word | random << narrow) & mask(to),
        Way::Part => word << more | random & below,
    }
}

/// Several operands of a small ring at once, each made of one in the same way, so that equal ones stay equal: at most `count`
/// such, all of which `admits` and whose public numbers are among those that a text may be given.
pub(crate) fn lifts(
    full: &Problem,
    small: &Problem,
    given: &[&Inputs],
    count: usize,
    admits: &mut dyn FnMut(&[Inputs]) -> bool,
) -> Vec<Vec<Inputs>> {
    let (from, to) = (elems(&small.params), elems(&full.params));
    let amounts: Vec<usize> = amount_params(full).collect();
    let (narrow, wide) = (width(first_elem(small)), width(first_elem(full)));
    let mut found: Vec<Vec<Inputs>> = Vec::new();
    if from.len() != to.len() {
        return found;
    }
    for number in 0..TRIED {
        let mut ways = Random(number);
        let all = WAYS.get(number as usize).copied();
        let way: Vec<Way> = (0..to.len())
            .map(|_| match all {
                Some(way) => way,
                None => WAYS[ways.below(WAYS.len() as u128) as usize],
            })
            .collect();
        let inputs: Vec<Inputs> = given
            .iter()
            .map(|inputs| {
                let params = inputs.iter().enumerate();
                let each = params.map(|(at, words)| {
                    let (from, to, way) = (from[at], to[at], way[at]);
                    let one = |word: &u128| {
                        // Equal words have equal bits above and below.
                        let random = Random(number << 32 ^ (*word as u64)).below(0);
                        match amounts.contains(&at) {
                            true => public(way, to, *word, wide.saturating_sub(narrow)),
                            false => lifted(way, from, to, *word, random),
                        }
                    };
                    words.iter().map(one).collect()
                });
                each.collect()
            })
            .collect();
        let may = inputs.iter().all(|inputs| {
            let tuple: Vec<u128> = amounts.iter().map(|at| inputs[*at][0]).collect();
            amounts.is_empty() || may_be(full, &amounts, &tuple)
        });
        if may && !found.contains(&inputs) && admits(&inputs) {
            found.push(inputs);
            if found.len() == count {
                break;
            }
        }
    }
    found
}

/// A public number, which has the same type everywhere: itself, or as far from the width as it was.
fn public(way: Way, elem: Elem, word: u128, more: u8) -> u128 {
    match way {
        Way::Signed | Way::Unsigned | Way::Residue => word,
        _ => add(elem, word, reduce(elem, more.into())),
    }
}

/// Makes a sum of inputs that is revealed the same for both again, by an operand that the coalition does not know: sums that
/// are equal modulo the small ring need not be so at full width.
pub(crate) fn level(full: &Problem, allowed: &Allowed<'_>, [first, second]: &mut [Inputs; 2]) {
    let elem = first_elem(full);
    let unknown = (0..second.len()).rev().find(|at| !allowed.knows(*at));
    let (Spec::Sum, Some(at)) = (full.spec, unknown) else {
        return;
    };
    let sum = |inputs: &Inputs| inputs.iter().fold(0, |sum, rows| add(elem, sum, rows[0]));
    let more = sub(elem, sum(first), sum(second));
    for word in &mut second[at] {
        *word = add(elem, *word, more);
    }
}

/// Random choices, one in two of them small, at an end of what there is to choose from, or half or a quarter of it.
#[derive(Debug)]
pub(crate) struct Skewed(pub Random);

impl Choice for Skewed {
    fn below(&mut self, bound: u128) -> u128 {
        let last = bound.wrapping_sub(1);
        if last == 0 {
            return 0;
        }
        match self.0.below(16) {
            0..8 => self.0.below(bound),
            8 | 9 => 0,
            10 => 1,
            11 => last,
            12 => last - 1,
            13 => last / 2,
            14 => last / 2 + 1,
            _ => last / 4 + self.0.below(3).min(last - last / 4),
        }
    }
}

/// Whether one is the other in its own ring.
pub(crate) fn same(full: &Problem, small: &Problem) -> bool {
    let alike = full.params.len() == small.params.len()
        && order(first_elem(full)) == order(first_elem(small));
    alike && full.flat == small.flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ends_and_residues_are_kept() {
        let (from, to) = (Elem::Ring(3), Elem::Ring(64));
        let all = |word: u128| WAYS.map(|way| lifted(way, from, to, word, 0x55));
        let (least, most) = (1u128 << 63, (1u128 << 63) - 1);
        // The smallest number of three bits.
        assert_eq!(all(4)[..4], [literal(to, -4), 4, least, least]);
        // The largest.
        assert_eq!(all(3)[..2], [3, 3]);
        assert_eq!(all(3)[4], most);
        for word in 0..8 {
            assert_eq!(all(word)[5] & 7, word);
            assert_eq!(all(word)[6] >> 61, word);
        }
    }
}
