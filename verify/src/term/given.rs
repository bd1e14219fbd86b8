//! Terms that are given, of which multiples can be taken from any other.

use super::{Monomial, Poly, Support, Terms};
use crate::element::{inverse, mul};
use smpc_ir::party::Elem;

/// Terms of operands that whoever simulates a view is given. To take a constant multiple of one from an element of the view changes
/// nothing of what the view tells: it can be added again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(Vec<(Poly, Monomial, u128)>);

impl Given {
    /// Of each term a monomial with one of the secrets is chosen that it takes away.
    pub fn new(terms: &Terms, all: &[Poly], secrets: &Support) -> Self {
        let mut given = Self::default();
        for term in all {
            let rest = given.rest(term);
            let secret = rest.terms.iter().filter(|(monomial, _)| {
                let mut atoms = monomial.iter();
                atoms.any(|atom| terms.nodes[atom.0 as usize].2.meets(secrets))
            });
            let least = secret.min_by_key(|(_, by)| match rest.elem {
                Elem::Ring(_) => by.trailing_zeros(),
                Elem::Bits(_) => by.count_zeros(),
                _ => 0,
            });
            if let Some((monomial, by)) = least.map(|(monomial, by)| (monomial.clone(), *by)) {
                given.0.push((rest, monomial, by));
            }
        }
        given
    }

    /// A term less multiples of what is given, so that the monomials chosen are not in it, as far as that can be.
    pub fn rest(&self, term: &Poly) -> Poly {
        let mut rest = term.clone();
        for (given, monomial, by) in &self.0 {
            if given.elem != rest.elem {
                continue;
            }
            let factor = rest
                .terms
                .get(monomial)
                .and_then(|found| quotient(rest.elem, *found, *by));
            if let Some(factor) = factor {
                rest = rest.sub(&given.scale(factor));
            }
        }
        rest
    }
}

/// How many times a word is in another; of bits, those that it covers.
fn quotient(elem: Elem, of: u128, by: u128) -> Option<u128> {
    match elem {
        Elem::Bits(_) => Some(of & by),
        Elem::Ring(_) => {
            let twos = by.trailing_zeros();
            let odd = inverse(elem, by >> twos)?;
            (of.trailing_zeros() >= twos).then(|| mul(elem, of >> twos, odd))
        }
        _ => Some(mul(elem, of, inverse(elem, by)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Symbol;

    #[test]
    fn what_is_given_is_taken_away_and_nothing_else() {
        let elem = Elem::Ring(8);
        let mut terms = Terms::new(64);
        let [x, y, r] = [0, 1, 2].map(|at| terms.symbol(Symbol(at), elem));
        let xy = terms.mul(&x, &y);
        let mut secrets = Support::default();
        secrets.insert(Symbol(0));
        secrets.insert(Symbol(1));
        let given = Given::new(&terms, &[xy.scale(6), x.add(&y)], &secrets);
        // An even multiple of the product is one of what is given, an odd one is not.
        let seen = xy.scale(10).add(&r);
        assert_eq!(given.rest(&seen), r);
        let odd = xy.add(&r);
        assert!(terms.support(&given.rest(&odd)).meets(&secrets));
        // A summand alone is still a secret; both are not.
        assert!(terms.support(&given.rest(&x)).meets(&secrets));
        assert!(terms.support(&given.rest(&y)).meets(&secrets));
        let both = x.add(&y).scale(5).sub(&xy.scale(12));
        assert!(given.rest(&both).is_zero());
    }
}
