//! What `requires` says of the magnitude of operands.

use crate::claim::constant;
use crate::problem::{Operand, Problem};
use smpc_ir::claim::{Operator, Term};
use std::collections::BTreeMap;

/// For operands between two numbers, the larger magnitude of the two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds(BTreeMap<u32, u128>);

/// The least and the largest value of an operand, as far as they are given.
type Ends = (Option<i128>, Option<i128>);

impl Bounds {
    pub fn of(problem: &Problem) -> Self {
        let mut ends: BTreeMap<u32, Ends> = BTreeMap::new();
        for requires in &problem.flat.claims.requires {
            read(&requires.claim, &mut ends);
        }
        let of_param = |(param, ends): (u32, Ends)| {
            // Claims speak of the value alone, where an element has more bits than that.
            let elem = match problem.params.get(param as usize)? {
                Operand::Shared(sharing) => sharing.elem,
                Operand::Clear { elem, .. } => *elem,
            };
            let whole = problem.beyond(elem).is_none();
            match ends {
                (Some(low), Some(high)) if whole => {
                    Some((param, low.unsigned_abs().max(high.unsigned_abs())))
                }
                _ => None,
            }
        };
        Self(ends.into_iter().filter_map(of_param).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The largest magnitude of an operand.
    pub fn get(&self, param: u32) -> Option<u128> {
        self.0.get(&param).copied()
    }
}

/// Takes in a conjunction of comparisons between an operand, or its magnitude, and numbers.
fn read(claim: &Term, ends: &mut BTreeMap<u32, Ends>) {
    let Term::Apply(operator, args) = claim else {
        return;
    };
    let (operator, [a, b]) = (*operator, args.as_slice()) else {
        return;
    };
    let less = match operator {
        Operator::And => {
            read(a, ends);
            read(b, ends);
            return;
        }
        Operator::Lt => 1,
        Operator::Le => 0,
        _ => return,
    };
    match (a, b) {
        (Term::Param(param), limit) => {
            upper(
                ends,
                *param,
                constant(limit).and_then(|n| n.checked_sub(less)),
            );
        }
        (limit, Term::Param(param)) => {
            lower(
                ends,
                *param,
                constant(limit).and_then(|n| n.checked_add(less)),
            );
        }
        (Term::Apply(Operator::Abs, of), limit) => {
            if let ([Term::Param(param)], Some(n)) = (of.as_slice(), constant(limit)) {
                upper(ends, *param, n.checked_sub(less));
                lower(
                    ends,
                    *param,
                    n.checked_sub(less).and_then(i128::checked_neg),
                );
            }
        }
        _ => {}
    }
}

fn upper(ends: &mut BTreeMap<u32, Ends>, param: u32, found: Option<i128>) {
    let high = &mut ends.entry(param).or_default().1;
    *high = high.iter().copied().chain(found).min();
}

fn lower(ends: &mut BTreeMap<u32, Ends>, param: u32, found: Option<i128>) {
    let low = &mut ends.entry(param).or_default().0;
    *low = low.iter().copied().chain(found).max();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(operator: Operator, a: Term, b: Term) -> Term {
        Term::Apply(operator, vec![a, b])
    }

    fn ends(claim: &Term) -> Ends {
        let mut ends = BTreeMap::new();
        read(claim, &mut ends);
        ends.get(&0).copied().unwrap_or_default()
    }

    #[test]
    fn comparisons_with_numbers_bound_an_operand() {
        let (x, two) = (|| Term::Param(0), || Term::Integer(2));
        let power = |n| apply(Operator::Pow, two(), Term::Integer(n));
        let low = apply(
            Operator::Le,
            Term::Apply(Operator::Neg, vec![power(20)]),
            x(),
        );
        let high = apply(Operator::Lt, x(), power(20));
        let both = apply(Operator::And, low.clone(), high.clone());
        assert_eq!(ends(&both), (Some(-(1 << 20)), Some((1 << 20) - 1)));
        assert_eq!(ends(&high).0, None);
        let magnitude = Term::Apply(Operator::Abs, vec![x()]);
        let magnitude = apply(Operator::Le, magnitude, power(3));
        assert_eq!(ends(&magnitude), (Some(-8), Some(8)));
        // Either of two is none of them, and another operand's value is no number.
        assert_eq!(ends(&apply(Operator::Or, low, high)), (None, None));
        assert_eq!(
            ends(&apply(Operator::Lt, x(), Term::Param(1))),
            (None, None)
        );
        assert_eq!(ends(&apply(Operator::Lt, x(), power(200))).1, None);
    }
}
