//! Clear results that a text declares: what an `ensures` fixes by an expression of the operands, the simulator of those who hold
//! the result is given.
//!
//! The value is that of the clause, not of the run: a view that can be simulated from it tells no more than it, and whether it
//! is what comes out is a matter of correctness. Where a clause leaves a rounding error, `v == e + r for r in 0..=1`, the simulator
//! is given what comes out.

use crate::claim::{Instance, constant};
use crate::element::literal;
use crate::problem::{Operand, Problem, Spec, operand_ids};
use crate::requires::elems;
use crate::term::{Poly, Terms};
use smpc_ir::claim::{Domain, Operator, Term};
use smpc_ir::flat::Kind;
use smpc_ir::party::{Elem, PartySet};

/// Factors to which a power is multiplied out.
const POWER: i128 = 8;

/// A clear result and the expression that a clause fixes it by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<'p> {
    /// Its position in [`smpc_ir::flat::Flat::results`].
    pub result: usize,
    pub elem: Elem,
    /// Of parameters alone.
    pub value: &'p Term,
    /// So many low bits, where the clause says nothing of the others: `v as Z[2^k] == e as Z[2^k]`.
    pub low: Option<u8>,
    /// Whether the clause leaves the result no other value, its error apart.
    pub whole: bool,
    /// The error that the clause leaves, from and to: the value is that with [`Term::Bound`] for it.
    pub rounded: Option<(i128, i128)>,
}

/// A result on one side of an equation, where the other is an expression of parameters, and how many bits they are cast to.
struct Fixed<'p> {
    result: usize,
    value: &'p Term,
    low: Option<u8>,
}

impl Problem {
    /// The clear results that somebody of the coalition holds and that a clause `v == e` without an exception fixes, up to its
    /// error, those of a protocol that its file declares and that is no standard operation.
    pub(crate) fn declared(&self, coalition: PartySet) -> Vec<Declared<'_>> {
        let mut found = Vec::new();
        if self.declares.is_empty() || self.spec != Spec::Unspecified {
            return found;
        }
        let always = self.flat.claims.ensures.iter();
        for ensures in always.filter(|ensures| ensures.except.is_none()) {
            let rounded = match &ensures.over {
                None => None,
                // Beyond a unit this way or that it is no rounding; one of 0 only is that of who deviates.
                Some(Domain::Range(from, to)) => match constant(from).zip(constant(to)) {
                    Some((from @ -1..=1, to @ -1..=1)) if from < to => Some((from, to)),
                    _ => continue,
                },
                Some(Domain::Permutation) => continue,
            };
            let mut open = vec![&ensures.claim];
            while let Some(claim) = open.pop() {
                match claim {
                    Term::Apply(Operator::And, both) => open.extend(both),
                    Term::Apply(Operator::Eq, sides) => {
                        if let [a, b] = sides.as_slice() {
                            let either = fixed(a, b, rounded).or_else(|| fixed(b, a, rounded));
                            found.extend(either.and_then(|at| self.held(coalition, at, rounded)));
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn held<'p>(
        &self,
        coalition: PartySet,
        fixed: Fixed<'p>,
        rounded: Option<(i128, i128)>,
    ) -> Option<Declared<'p>> {
        let Fixed { result, value, low } = fixed;
        let elem = match self.results.get(result)? {
            Operand::Clear { elem, known_to } if !known_to.intersection(coalition).is_empty() => {
                *elem
            }
            _ => return None,
        };
        let params = elems(&self.params);
        let (inner, _) = low_bits(value);
        let (value, low) = match (low, elem) {
            (None, _) => (value, None),
            // Of some bits with an error nothing is given.
            (Some(_), _) if rounded.is_some() => return None,
            (Some(low), Elem::Ring(m)) => {
                // An expression in a ring of fewer bits is another number in one of more.
                let exact = whole(inner, Elem::Ring(low.min(m)), &params);
                let value = if exact { inner } else { value };
                (value, Some(low).filter(|low| *low < m))
            }
            // Only of a ring's elements the low bits are an element.
            (Some(_), _) => return None,
        };
        Some(Declared {
            result,
            elem,
            value,
            low,
            whole: low.is_none() && whole(value, elem, &params),
            rounded,
        })
    }

    /// Whether a declared result is this parameter itself.
    pub(crate) fn gives(&self, coalition: PartySet, param: usize) -> bool {
        let elem = elems(&self.params).get(param).copied();
        self.declared(coalition).iter().any(|declared| {
            let exact = declared.rounded.is_none() && declared.low.is_none();
            exact && Some(declared.elem) == elem && *declared.value == Term::Param(param as u32)
        })
    }

    /// The names of the clear results that the simulator of a coalition is given because a clause fixes them, and what
    /// a clause leaves of them; none for a standard operation.
    pub fn given(&self, coalition: PartySet) -> Vec<String> {
        let declared = self.declared(coalition);
        let mut names: Vec<String> = Vec::new();
        for (at, name) in self.declares.iter().enumerate() {
            let own = || {
                declared
                    .iter()
                    .filter(move |declared| declared.result == at)
            };
            if own().next().is_none() {
                continue;
            }
            let exact = own().any(|d| d.rounded.is_none() && d.low.is_none() && d.whole);
            let error = own().find_map(|declared| declared.rounded);
            names.push(match error.filter(|_| !exact) {
                Some((from, to)) => format!("{name} up to rounding by {from}..={to}"),
                None => name.clone(),
            });
        }
        names
    }
}

/// The result on one side, where the other is an expression of parameters, and of an error if there is one.
fn fixed<'p>(result: &Term, value: &'p Term, rounded: Option<(i128, i128)>) -> Option<Fixed<'p>> {
    let ((result, left), (_, right)) = (low_bits(result), low_bits(value));
    match result {
        Term::Result(at) if of_params(value, rounded) => Some(Fixed {
            result: *at as usize,
            value,
            low: left.into_iter().chain(right).min(),
        }),
        _ => None,
    }
}

/// A polynomial of elements without a cast to a ring, and how many bits that has: modulo it the polynomial is that of the
/// elements' low bits, if none of them has fewer.
pub(crate) fn low_bits(term: &Term) -> (&Term, Option<u8>) {
    match term {
        Term::Cast(inner, Elem::Ring(bits)) if polynomial(inner) => (&**inner, Some(*bits)),
        _ => (term, None),
    }
}

/// Whether a term is made of elements and integers by sums, products and multiples.
fn polynomial(term: &Term) -> bool {
    use Operator::{Add, Mul, Neg, Pow, Shl, Sub};
    match term {
        Term::Param(_) | Term::Result(_) | Term::Integer(_) => true,
        Term::Apply(Neg | Add | Sub | Mul, args) => args.iter().all(polynomial),
        Term::Apply(Shl | Pow, args) => match args.as_slice() {
            [of, by] => polynomial(of) && constant(by).is_some(),
            _ => false,
        },
        _ => false,
    }
}

/// Whether at most one element is equal to an expression: none of a ring with fewer bits takes part in it.
fn whole(term: &Term, elem: Elem, params: &[Elem]) -> bool {
    use Operator as Op;
    let wide = |other: Elem| match (elem, other) {
        (Elem::Ring(m), Elem::Ring(l)) => m <= l,
        _ => true,
    };
    match term {
        Term::Param(at) => params.get(*at as usize).is_some_and(|param| wide(*param)),
        Term::Integer(_) => true,
        Term::Cast(_, other) => wide(*other),
        // One of few numbers.
        Term::Bound => true,
        Term::Result(_) => false,
        Term::Apply(operator, args) => match operator {
            // Bits, that are equal to an element as the number that they are.
            Op::Eq | Op::Lt | Op::Le | Op::Not | Op::And | Op::Or | Op::Bits => true,
            // A number of a ring of as many bits as are taken for it.
            Op::Unsigned | Op::Rows | Op::Div => false,
            Op::Shl | Op::Shr | Op::Pow => {
                let mut args = args.iter();
                args.next().is_some_and(|of| whole(of, elem, params))
            }
            Op::Add | Op::Sub | Op::Mul | Op::Neg | Op::Abs | Op::Min | Op::Max => {
                args.iter().all(|arg| whole(arg, elem, params))
            }
        },
    }
}

fn of_params(term: &Term, rounded: Option<(i128, i128)>) -> bool {
    match term {
        // The error is added, or taken away.
        Term::Apply(Operator::Add, both) if rounded.is_some() => match both.as_slice() {
            [of, Term::Bound] | [Term::Bound, of] => of_params(of, None),
            _ => false,
        },
        Term::Apply(Operator::Sub, both) if rounded.is_some() => {
            matches!(both.as_slice(), [of, Term::Bound] if of_params(of, None))
        }
        _ if rounded.is_some() => false,
        Term::Param(_) | Term::Integer(_) => true,
        Term::Bound | Term::Result(_) | Term::Apply(Operator::Rows, _) => false,
        Term::Cast(inner, _) => of_params(inner, None),
        Term::Apply(_, args) => args.iter().all(|arg| of_params(arg, None)),
    }
}

impl Declared<'_> {
    /// Of which shape the result is.
    pub fn kind(&self, problem: &Problem) -> Kind {
        let ids = problem.flat.results.get(self.result).map(operand_ids);
        let id = ids.and_then(<[u32]>::first);
        let info = id.and_then(|id| problem.flat.values.get(*id as usize));
        info.map_or(Kind::Element, |info| info.kind)
    }

    /// Whether it is a polynomial of operands.
    pub fn is_polynomial(&self) -> bool {
        self.rounded.is_none() && polynomial(self.value)
    }

    /// The words that the clause says for operands, of as many bits as it says, with no error; nothing where it says none.
    pub fn words(&self, params: &[Elem], inputs: &[Vec<u128>], rows: usize) -> Option<Vec<u128>> {
        let instance = Instance {
            params,
            results: &[],
            inputs,
            outputs: &[],
        };
        let elem = self.low.map_or(self.elem, Elem::Ring);
        (0..rows)
            .map(|row| instance.word(self.value, row, elem))
            .collect()
    }
}

/// An expression of a claim as a term, given those of the parameters: sums, products and multiples in one ring, field or vector
/// of bits, in which a claim means what the term does.
pub(crate) fn as_term(
    terms: &mut Terms,
    claim: &Term,
    elem: Elem,
    params: &[Option<Poly>],
) -> Option<Poly> {
    let number = matches!(elem, Elem::Ring(_) | Elem::Field(_));
    if !number && !matches!(elem, Elem::Bits(_)) {
        return None;
    }
    if let Some(value) = constant(claim) {
        return number.then(|| Poly::constant(elem, value));
    }
    let Term::Apply(operator, args) = claim else {
        return match claim {
            Term::Param(at) => params
                .get(*at as usize)?
                .clone()
                .filter(|term| term.elem() == elem),
            _ => None,
        };
    };
    let first = as_term(terms, args.first()?, elem, params)?;
    Some(match operator {
        Operator::Neg if number => first.neg(),
        Operator::Add => first.add(&as_term(terms, args.get(1)?, elem, params)?),
        Operator::Sub => first.sub(&as_term(terms, args.get(1)?, elem, params)?),
        Operator::Mul => {
            let second = as_term(terms, args.get(1)?, elem, params)?;
            terms.mul(&first, &second)
        }
        Operator::Shl if number => {
            let by = u32::try_from(constant(args.get(1)?)?).ok()?;
            let factor = 1i128.checked_shl(by).filter(|factor| *factor > 0)?;
            first.scale(literal(elem, factor))
        }
        Operator::Pow if number => {
            let by = constant(args.get(1)?).filter(|by| (0..=POWER).contains(by))?;
            let mut power = Poly::one(elem);
            for _ in 0..by {
                power = terms.mul(&power, &first);
            }
            power
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Symbol;

    #[test]
    fn a_claim_that_is_a_polynomial_is_the_term_of_that_polynomial() {
        let elem = Elem::Ring(8);
        let mut terms = Terms::new(64);
        let x = terms.symbol(Symbol(0), elem);
        let y = terms.symbol(Symbol(1), elem);
        let params = [Some(x.clone()), Some(y.clone())];
        let apply = |operator, a, b| Term::Apply(operator, vec![a, b]);
        // 3 * x^2 - (y << 2), which is 3*x*x - 4*y.
        let square = apply(Operator::Pow, Term::Param(0), Term::Integer(2));
        let left = apply(Operator::Mul, Term::Integer(3), square);
        let right = apply(Operator::Shl, Term::Param(1), Term::Integer(2));
        let claim = apply(Operator::Sub, left, right);
        let found = as_term(&mut terms, &claim, elem, &params).unwrap();
        let squared = terms.mul(&x, &x);
        assert_eq!(found, squared.scale(3).sub(&y.scale(4)));
        // Comparisons are no polynomials, and operands of another ring no operands of this one.
        let less = apply(Operator::Lt, Term::Param(0), Term::Param(1));
        assert_eq!(as_term(&mut terms, &less, elem, &params), None);
        assert_eq!(
            as_term(&mut terms, &Term::Param(0), Elem::Ring(7), &params),
            None
        );
    }
}
