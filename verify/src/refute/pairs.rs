//! Pairs of inputs at full width that a text admits and that are the same to a coalition.

use super::{Allowed, small};
use crate::element::{add, literal, mask, order, reduce, sub, width};
use crate::lift::level;
use crate::machine::{Choice, Random};
use crate::operands::{self, Domains};
use crate::problem::Problem;
use crate::requires::{Required, elems};
use crate::verdict::Inputs;
use smpc_ir::party::Elem;

/// Draws until the text admits a pair.
const TRIED: u64 = 1_000;

/// How two inputs differ.
#[derive(Clone, Copy)]
pub(super) enum Apart {
    /// In every bit.
    All,
    /// By one.
    One,
    /// In the highest bit; over a field by half of it.
    Top,
    /// In bits of the upper half.
    Upper,
    /// One is small, the other as large as may be.
    Far,
    /// 0 and 1.
    Bit,
    /// 0 and -1.
    Ends,
    /// Numbers of any length.
    Numbers,
    /// Both are uniform.
    Any,
}

pub(super) const APART: [Apart; 9] = [
    Apart::All,
    Apart::Top,
    Apart::Far,
    Apart::Bit,
    Apart::Upper,
    Apart::One,
    Apart::Ends,
    Apart::Numbers,
    Apart::Any,
];

impl Apart {
    /// Two elements.
    fn of(self, elem: Elem, random: &mut Random) -> [u128; 2] {
        let any = random.below(order(elem));
        let half = reduce(elem, order(elem).wrapping_sub(1) / 2);
        let field = matches!(elem, Elem::Field(_));
        match self {
            Self::All if field => [any, sub(elem, 0, any)],
            Self::All => [any, !any & mask(elem)],
            Self::One => [any, add(elem, any, literal(elem, 1))],
            Self::Top if field => [any, add(elem, any, half)],
            Self::Top => [any, any ^ (mask(elem) ^ mask(elem) >> 1)],
            Self::Upper if field => [any, random.below(order(elem))],
            Self::Upper => {
                let below = mask(elem) >> (width(elem).div_ceil(2));
                [any, any ^ random.below(0) & mask(elem) & !below]
            }
            Self::Far => [
                random.below(4).min(half),
                sub(elem, half, random.below(4).min(half)),
            ],
            Self::Bit => [0, literal(elem, 1)],
            Self::Ends => [0, literal(elem, -1)],
            Self::Numbers => [0, 1].map(|_| operands::number(elem, random)),
            Self::Any => [any, random.below(order(elem))],
        }
    }

    /// Two numbers within bounds.
    fn within(self, bounds: (i128, i128), elem: Elem, random: &mut Random) -> [u128; 2] {
        let (low, high) = bounds;
        let any = operands::within(bounds, elem, random);
        match self {
            Self::One | Self::Bit => [
                literal(elem, low),
                literal(elem, low.saturating_add(1).min(high)),
            ],
            Self::Numbers | Self::Any => [any, operands::within(bounds, elem, random)],
            Self::All => {
                let ends = add(elem, literal(elem, low), literal(elem, high));
                [any, sub(elem, ends, any)]
            }
            _ => [literal(elem, low), literal(elem, high)],
        }
    }

    /// Two inputs that the text admits and that are the same to the coalition.
    pub fn pair(
        self,
        problem: &Problem,
        allowed: &Allowed<'_>,
        rows: usize,
        random: &mut Random,
    ) -> Option<[Inputs; 2]> {
        let (domains, required) = (Domains::new(problem, rows), Required::of(problem));
        let (elems, bounds) = (elems(&problem.params), required.within());
        if domains.is_empty() {
            return None;
        }
        let tied = !required.is_empty() || allowed.declares();
        for tried in 0..TRIED {
            let first = domains.draw(random);
            let mut both = [first.clone(), first];
            for (at, elem) in elems.iter().enumerate() {
                if domains.is_amount(at) {
                    continue;
                }
                for row in 0..both[0][at].len() {
                    let found = match bounds[at].filter(|_| tried % 4 < 3) {
                        Some(bounds) => self.within(bounds, *elem, random),
                        // Results that must be the same on both are so more often of small operands.
                        None if allowed.declares() && tried % 2 == 1 => {
                            [0, 1].map(|_| small(*elem, random))
                        }
                        None => self.of(*elem, random),
                    };
                    both[0][at][row] = found[0];
                    both[1][at][row] = found[usize::from(!allowed.knows(at))];
                }
            }
            if tied && tried % 3 > 0 {
                tie(&mut both, &elems, &domains, allowed, random);
            }
            domains.share(&mut both);
            level(problem, allowed, &mut both);
            let [first, second] = &both;
            if first != second
                && both.iter().all(|inputs| required.admits(inputs, rows))
                && allowed.nearly_alike(first, second, rows)
            {
                return Some(both);
            }
        }
        None
    }
}

/// Makes the sum or the difference of two operands small, or the same on both inputs: clauses bound such, and fix them.
fn tie(
    both: &mut [Inputs; 2],
    elems: &[Elem],
    domains: &Domains,
    allowed: &Allowed<'_>,
    random: &mut Random,
) {
    let count = elems.len() as u128;
    let (i, j) = (random.below(count) as usize, random.below(count) as usize);
    if i == j
        || elems[i] != elems[j]
        || allowed.knows(j)
        || [i, j].iter().any(|at| domains.is_amount(*at))
    {
        return;
    }
    let elem = elems[i];
    let few = |random: &mut Random| {
        let length = random.below(12);
        reduce(elem, random.below(1 << length))
    };
    let (add_up, same) = (random.below(2) == 0, random.below(2) == 0);
    for row in 0..both[0][j].len() {
        let number = [few(random), few(random)];
        for (which, inputs) in both.iter_mut().enumerate() {
            let other = inputs[i][row % inputs[i].len()];
            let number = number[if same { 0 } else { which }];
            inputs[j][row] = match add_up {
                true => sub(elem, number, other),
                false => add(elem, other, number),
            };
        }
    }
}
