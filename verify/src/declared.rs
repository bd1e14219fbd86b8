//! Clear results that a text declares: what an `ensures` fixes by an expression of the operands, the simulator of those who hold
//! the result is given.
//!
//! The value is that of the clause, not of the run: a view that can be simulated from it tells no more than it, and whether it
//! is what comes out is a matter of correctness.

use crate::claim::{Instance, constant};
use crate::element::literal;
use crate::problem::{Operand, Problem, Spec};
use crate::requires::elems;
use crate::term::{Poly, Terms};
use smpc_ir::claim::{Operator, Term};
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
}

impl Problem {
    /// The clear results that somebody of the coalition holds and that a clause `v == e` without an error and without an
    /// exception fixes, those of a protocol that its file declares and that is no standard operation.
    pub(crate) fn declared(&self, coalition: PartySet) -> Vec<Declared<'_>> {
        let mut found = Vec::new();
        if self.declares.is_empty() || self.spec != Spec::Unspecified {
            return found;
        }
        let exact = self.flat.claims.ensures.iter();
        let exact = exact.filter(|e| e.over.is_none() && e.except.is_none());
        for ensures in exact {
            let mut open = vec![&ensures.claim];
            while let Some(claim) = open.pop() {
                match claim {
                    Term::Apply(Operator::And, both) => open.extend(both),
                    Term::Apply(Operator::Eq, sides) => {
                        if let [a, b] = sides.as_slice() {
                            let either = fixed(a, b).or_else(|| fixed(b, a));
                            found.extend(either.and_then(|at| self.held(coalition, at)));
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
        (result, value): (usize, &'p Term),
    ) -> Option<Declared<'p>> {
        match self.results.get(result)? {
            Operand::Clear { elem, known_to } if !known_to.intersection(coalition).is_empty() => {
                Some(Declared {
                    result,
                    elem: *elem,
                    value,
                })
            }
            _ => None,
        }
    }

    /// Whether a declared result is this parameter itself.
    pub(crate) fn gives(&self, coalition: PartySet, param: usize) -> bool {
        let elem = elems(&self.params).get(param).copied();
        self.declared(coalition).iter().any(|declared| {
            *declared.value == Term::Param(param as u32) && Some(declared.elem) == elem
        })
    }

    /// The names of the clear results that the simulator of a coalition is given because a clause fixes them; none for a
    /// standard operation.
    pub fn given(&self, coalition: PartySet) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for declared in self.declared(coalition) {
            match self.declares.get(declared.result) {
                Some(name) if !names.contains(&name.as_str()) => names.push(name),
                _ => {}
            }
        }
        names
    }
}

/// The result on one side, where the other is an expression of parameters.
fn fixed<'p>(result: &Term, value: &'p Term) -> Option<(usize, &'p Term)> {
    match result {
        Term::Result(at) if of_params(value) => Some((*at as usize, value)),
        _ => None,
    }
}

fn of_params(term: &Term) -> bool {
    match term {
        Term::Param(_) | Term::Integer(_) => true,
        Term::Result(_) | Term::Bound | Term::Apply(Operator::Rows, _) => false,
        Term::Cast(inner, _) => of_params(inner),
        Term::Apply(_, args) => args.iter().all(of_params),
    }
}

impl Declared<'_> {
    /// The words that the clause says for operands; nothing where it says none.
    pub fn words(&self, params: &[Elem], inputs: &[Vec<u128>], rows: usize) -> Option<Vec<u128>> {
        let instance = Instance {
            params,
            results: &[],
            inputs,
            outputs: &[],
        };
        (0..rows)
            .map(|row| instance.word(self.value, row, self.elem))
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
