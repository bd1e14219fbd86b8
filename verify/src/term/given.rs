//! Terms that are given, of which multiples can be taken from any other.

use super::{Atom, Function, Monomial, Node, Poly, Sum, Support, Terms};
use crate::element::{inverse, mul};
use smpc_ir::party::Elem;
use std::cmp::Reverse;

/// Terms that whoever simulates a view is given, each with its value: what it knows, and what is not given of it. An element
/// of the view is what it is with the value in the place of the term.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(Vec<Multiple>);

/// A term that is given, of which multiples are taken away so that a monomial goes.
#[derive(Clone, Debug)]
struct Multiple {
    term: Poly,
    monomial: Monomial,
    by: u128,
    value: Poly,
}

/// How often the monomials of one element are gone through.
const PASSES: usize = 8;

impl Given {
    /// Of each term a monomial with one of the secrets is chosen that it takes away: one of many factors, that is in few
    /// others.
    pub fn new(terms: &mut Terms, all: &[(Poly, Poly)], secrets: &Support) -> Self {
        let mut given = Self::default();
        for (term, value) in all {
            let rest = given.rest(terms, term);
            let secret = rest.terms.iter().filter(|(monomial, _)| {
                let mut atoms = monomial.iter();
                atoms.any(|atom| terms.nodes[atom.0 as usize].2.meets(secrets))
            });
            let least = secret.min_by_key(|(monomial, by)| {
                let zeros = match rest.elem {
                    Elem::Ring(_) => by.trailing_zeros(),
                    Elem::Bits(_) => by.count_zeros(),
                    _ => 0,
                };
                (zeros, Reverse(monomial.len()))
            });
            if let Some((monomial, by)) = least.map(|(monomial, by)| (monomial.clone(), *by)) {
                given.0.push(Multiple {
                    term: rest,
                    monomial,
                    by,
                    value: value.clone(),
                });
            }
        }
        given
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A term with values in the place of multiples of what is given, so that the monomials chosen are in none of its own, as
    /// far as that can be. A digest is one of what is left of its operands: who has that makes the digest itself.
    pub fn rest(&self, terms: &mut Terms, term: &Poly) -> Poly {
        if self.is_empty() {
            return term.clone();
        }
        if let Some(args) = terms.digest_of(term).map(<[Poly]>::to_vec) {
            let args = args.iter().map(|arg| self.rest(terms, arg)).collect();
            return terms.function(Function::Digest, args, term.elem);
        }
        let mut rest = term.clone();
        for given in self.0.iter().filter(|given| given.term.elem == term.elem) {
            for _ in 0..PASSES {
                let before = rest.clone();
                given.taken(terms, &mut rest);
                if rest == before {
                    break;
                }
            }
        }
        self.summed(terms, rest)
    }

    /// The same within sums over an axis.
    fn summed(&self, terms: &mut Terms, mut rest: Poly) -> Poly {
        for _ in 0..PASSES {
            let before = rest.clone();
            for (monomial, value) in before.terms.iter() {
                let sums = monomial.iter().enumerate();
                let sums = sums.filter_map(|(at, atom)| match &terms.nodes[atom.0 as usize].0 {
                    Node::Function(Function::Sum(axis), args) => Some((at, *axis, args[0].clone())),
                    _ => None,
                });
                for (at, axis, of) in sums.collect::<Vec<_>>() {
                    let inside = self.rest(terms, &of);
                    if inside == of {
                        continue;
                    }
                    let mut others = monomial.to_vec();
                    others.remove(at);
                    let by = Poly {
                        elem: rest.elem,
                        terms: Sum::single(Monomial::from(others), *value),
                    };
                    let whole = Poly {
                        elem: rest.elem,
                        terms: Sum::single(monomial.clone(), *value),
                    };
                    let sum = terms.sum(&inside, axis);
                    let sum = terms.mul(&sum, &by);
                    rest = rest.sub(&whole).add(&sum);
                    break;
                }
            }
            if rest == before {
                break;
            }
        }
        rest
    }
}

impl Multiple {
    /// Takes multiples away for each monomial that is one of the chosen.
    fn taken(&self, terms: &mut Terms, rest: &mut Poly) {
        let all: Vec<Monomial> = rest.terms.keys().cloned().collect();
        for monomial in all {
            let Some(others) = cofactor(&monomial, &self.monomial) else {
                continue;
            };
            let found = rest.terms.get(&monomial).copied();
            let factor = found.and_then(|found| quotient(rest.elem, found, self.by));
            let Some(factor) = factor.filter(|factor| *factor != 0) else {
                continue;
            };
            let by = Poly {
                elem: rest.elem,
                terms: Sum::single(others, factor),
            };
            let (term, value) = (terms.mul(&self.term, &by), terms.mul(&self.value, &by));
            // A product that is left unexpanded takes nothing away.
            if term.terms.get(&monomial).is_some() {
                *rest = rest.sub(&term).add(&value);
            }
        }
    }
}

/// The atoms of a monomial without those of another, if it has these.
fn cofactor(monomial: &[Atom], of: &[Atom]) -> Option<Monomial> {
    let mut others = monomial.to_vec();
    for atom in of {
        let at = others.binary_search(atom).ok()?;
        others.remove(at);
    }
    Some(Monomial::from(others))
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

    const ELEM: Elem = Elem::Ring(8);

    /// Symbols, the first two of them secrets.
    fn start<const N: usize>() -> (Terms, [Poly; N], Support) {
        let mut terms = Terms::new(64);
        let symbols = std::array::from_fn(|at| terms.symbol(Symbol(at as u32), ELEM));
        let mut secrets = Support::default();
        (0..2).for_each(|at| secrets.insert(Symbol(at)));
        (terms, symbols, secrets)
    }

    #[test]
    fn what_is_given_is_taken_away_and_nothing_else() {
        let (mut terms, [x, y, r, v, w], secrets) = start();
        let xy = terms.mul(&x, &y);
        let all = [(xy.scale(6), v.clone()), (x.add(&y), w.clone())];
        let given = Given::new(&mut terms, &all, &secrets);
        let mut secret = |term: &Poly| {
            let rest = given.rest(&mut terms, term);
            (terms.support(&rest).meets(&secrets), rest)
        };
        // An even multiple of the product is one of what is given, an odd one is not.
        let times = |by: u128| v.scale(mul(ELEM, by, inverse(ELEM, 3).unwrap()));
        assert_eq!(secret(&xy.scale(10).add(&r)), (false, r.add(&times(5))));
        assert!(secret(&xy.add(&r)).0);
        // A summand alone is still a secret; both are not.
        assert!(secret(&x).0);
        assert!(secret(&y).0);
        let both = x.add(&y).scale(5).sub(&xy.scale(12));
        // Six times the product is twice as much as three times; how often the half of the ring counts, that does not say.
        let (told, rest) = secret(&both);
        assert_eq!(rest.scale(2), w.scale(5).sub(&times(6)).scale(2));
        assert!(!told);
    }

    #[test]
    fn products_with_what_is_given_are_made_of_it() {
        let (mut terms, [x, y, r, v], secrets) = start();
        let xy = terms.mul(&x, &y);
        let (sum, rv) = (xy.add(&x), terms.mul(&r, &v));
        let all = [(sum.clone(), v)];
        let given = Given::new(&mut terms, &all, &secrets);
        let product = terms.mul(&sum, &r);
        assert_eq!(given.rest(&mut terms, &product), rv);
        // Of another sum with the same product something is left.
        let other = xy.sub(&x);
        let product = terms.mul(&other, &r);
        let rest = given.rest(&mut terms, &product);
        assert!(terms.support(&rest).meets(&secrets));
    }

    #[test]
    fn sums_of_what_is_given_are_sums_of_its_values() {
        let (mut terms, [x, y, r, v], secrets) = start();
        let given = Given::new(&mut terms, &[(x.add(&y), v.clone())], &secrets);
        let mut weighed = |term: &Poly| {
            let product = terms.mul(term, &r);
            let sum = terms.sum(&product, 0);
            (given.rest(&mut terms, &sum), sum)
        };
        assert_eq!(weighed(&x.add(&y)).0, weighed(&v).1);
        let (rest, _) = weighed(&x.sub(&y));
        assert!(terms.support(&rest).meets(&secrets));
    }

    #[test]
    fn of_low_bits_the_others_stay() {
        let (mut terms, [x, y, v, h], mut secrets) = start();
        secrets.insert(Symbol(3));
        let sum = x.add(&y);
        let all = [(sum.clone(), v.add(&h.scale(16)))];
        let given = Given::new(&mut terms, &all, &secrets);
        // Four bits of the sum are given: of three times the sum what stands above is left, of 16 times all is known.
        let rest = given.rest(&mut terms, &sum.scale(3));
        assert_eq!(rest, v.scale(3).add(&h.scale(48)));
        assert_eq!(given.rest(&mut terms, &sum.scale(16)), v.scale(16));
    }

    #[test]
    fn a_digest_of_what_is_given_is_no_news_and_one_of_anything_else_is() {
        let (mut terms, [x, y, r, v], secrets) = start();
        let given = Given::new(&mut terms, &[(x.add(&y), v)], &secrets);
        let mut told = |arg: Poly| {
            let digest = terms.function(Function::Digest, vec![arg, r.clone()], Elem::Bits(128));
            let rest = given.rest(&mut terms, &digest);
            terms.support(&rest).meets(&secrets)
        };
        assert!(!told(x.add(&y).sub(&r)));
        assert!(told(x.sub(&y)));
    }
}
