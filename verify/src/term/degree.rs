//! Which polynomials may be another function in a small ring than their form says.
//!
//! x·(x-1)···(x-m+1) is a multiple of m!, so that it is 0 for all x modulo 2^k where 2^k divides m!, and a polynomial in
//! several variables is 0 for all of them only if, for each of its monomials of largest degrees e, 2^k divides its coefficient
//! times the product of the e! (D. Singmaster, On polynomial functions (mod m), J. Number Theory 6, 1974). Over a
//! field of q elements x^q is x, and x^(q-1) is the same for all but one.

use super::{Atom, Function, Monomial, Node, Poly, Terms};
use crate::element::{order, width};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// In how large a power each atom stands.
type Degrees = BTreeMap<Atom, u32>;

/// Atoms in the degrees of one product, beyond which nothing is said of it.
const ATOMS: usize = 1 << 12;

/// The largest degrees of terms that stand in products that are not multiplied out.
#[derive(Debug, Default)]
struct Most {
    known: HashMap<Atom, Option<Degrees>>,
}

impl Terms {
    /// Whether one of these terms, or an argument of a function in one, has a monomial of such a degree that a polynomial
    /// with it may be 0, or that of another degree, for all elements of a ring of so many bits, or of the field at
    /// hand. In the arguments of a function degrees are counted anew, and a shifted number is one of fewer.
    pub(crate) fn may_vanish<'p>(&self, terms: impl Iterator<Item = &'p Poly>, ring: u8) -> bool {
        let mut most = Most::default();
        let mut seen = vec![false; self.nodes.len()];
        let mut open: Vec<Atom> = Vec::new();
        let mut flat = |poly: &Poly, open: &mut Vec<Atom>| {
            open.extend(poly.terms.keys().flatten());
            !matches!(poly.elem, Elem::Ring(_) | Elem::Field(_))
                || poly.terms.into_iter().all(|(monomial, &factor)| {
                    self.keeps(monomial, factor, poly.elem, ring, &mut most)
                })
        };
        for poly in terms {
            if !flat(poly, &mut open) {
                return true;
            }
        }
        while let Some(atom) = open.pop() {
            if std::mem::replace(&mut seen[atom.0 as usize], true) {
                continue;
            }
            match &self.nodes[atom.0 as usize].0 {
                Node::Symbol(_) => {}
                Node::Bits(of, _) => open.push(*of),
                // What is in the factors counts where the product stands.
                Node::Function(Function::Product, args) => {
                    open.extend(args.iter().flat_map(|arg| arg.terms.keys().flatten()));
                }
                Node::Function(_, args) => {
                    if !args.iter().all(|arg| flat(arg, &mut open)) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// The exponents of powers over fields, in a term and in arguments of functions in it.
    pub(crate) fn powers(&self, poly: &Poly, found: &mut BTreeSet<u32>) {
        let mut open = self.arguments(poly);
        open.push(poly.clone());
        for poly in open
            .iter()
            .filter(|poly| matches!(poly.elem, Elem::Field(_)))
        {
            for monomial in poly.terms.keys() {
                let mut rest = &monomial[..];
                while let Some(first) = rest.first() {
                    let power = rest.iter().take_while(|atom| *atom == first).count();
                    rest = &rest[power..];
                    found.extend((power > 1).then_some(power as u32));
                }
            }
        }
    }

    /// The largest power of any one atom in a polynomial that is multiplied out.
    pub(crate) fn degree(&self, poly: &Poly) -> u32 {
        let degrees = self.of_poly(poly, &mut Most::default());
        degrees.map_or(u32::MAX, |all| all.into_values().max().unwrap_or(0))
    }

    /// Whether a monomial is a function of its degree.
    fn keeps(
        &self,
        monomial: &Monomial,
        factor: u128,
        elem: Elem,
        ring: u8,
        most: &mut Most,
    ) -> bool {
        let Some(degrees) = self.of_monomial(monomial, most) else {
            return false;
        };
        let mut weight = 0u32;
        for (atom, &degree) in &degrees {
            let Some(values) = self.values(*atom) else {
                continue;
            };
            if values != 0 && u128::from(degree) >= values {
                return false;
            }
            match elem {
                Elem::Field(p) if degree > 1 && u128::from(degree) >= p.modulus() - 1 => {
                    return false;
                }
                // How often 2 divides degree!.
                _ => weight += degree - degree.count_ones(),
            }
        }
        match elem {
            Elem::Ring(m) if weight > 0 => {
                weight + factor.trailing_zeros() < u32::from(m.min(ring))
            }
            _ => true,
        }
    }

    /// How many values an atom has at most, 0 standing for 2^128; nothing for a bit as a number, whose powers are itself in
    /// every ring.
    fn values(&self, atom: Atom) -> Option<u128> {
        let (node, elem, _) = &self.nodes[atom.0 as usize];
        let all = order(*elem);
        let Node::Function(Function::Prim(prim), args) = node else {
            return Some(all);
        };
        Some(match (prim, args.as_slice()) {
            (Prim::Cast, [bits]) if bits.elem == Elem::Bits(1) => return None,
            (Prim::Cast, [bits]) => match bits.elem {
                Elem::Bits(m) if m < width(*elem) => 1 << m,
                _ => all,
            },
            (Prim::Shr | Prim::ShrLogical, [of, by]) => {
                let before = match self.lone(of) {
                    Some(atom) => self.values(atom).unwrap_or(2),
                    None => all,
                };
                match (before, by.as_constant()) {
                    (_, None) => before,
                    (0, Some(by @ 1..=127)) => 1 << (128 - by),
                    (0, Some(0)) => 0,
                    (before, Some(by)) => (before >> by.min(127)).max(1),
                }
            }
            _ => all,
        })
    }

    /// The atom, if a term is one.
    fn lone(&self, poly: &Poly) -> Option<Atom> {
        let mut keys = poly.terms.keys();
        match (keys.next().map(|monomial| &monomial[..]), keys.next()) {
            (Some([atom]), None) => Some(*atom),
            _ => None,
        }
    }

    fn of_monomial(&self, monomial: &[Atom], most: &mut Most) -> Option<Degrees> {
        let mut degrees = Degrees::new();
        for atom in monomial {
            let Node::Function(Function::Product, args) = &self.nodes[atom.0 as usize].0 else {
                *degrees.entry(*atom).or_default() += 1;
                continue;
            };
            if !most.known.contains_key(atom) {
                let mut all = Some(Degrees::new());
                for arg in args {
                    let own = self.of_poly(arg, most);
                    all = match (all, own) {
                        (Some(all), Some(own)) => Some(sum(all, own)),
                        _ => None,
                    };
                }
                most.known.insert(*atom, all);
            }
            degrees = sum(degrees, most.known.get(atom)?.clone()?);
        }
        (degrees.len() <= ATOMS).then_some(degrees)
    }

    /// The largest power of each atom.
    fn of_poly(&self, poly: &Poly, most: &mut Most) -> Option<Degrees> {
        let mut all = Degrees::new();
        for monomial in poly.terms.keys() {
            for (atom, degree) in self.of_monomial(monomial, most)? {
                let slot = all.entry(atom).or_default();
                *slot = degree.max(*slot);
            }
        }
        (all.len() <= ATOMS).then_some(all)
    }
}

fn sum(mut one: Degrees, other: Degrees) -> Degrees {
    for (atom, degree) in other {
        *one.entry(atom).or_default() += degree;
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Symbol;

    /// Whether a polynomial is 0 on all elements of a ring of so many bits.
    fn is_nothing(terms: &Terms, poly: &Poly, symbols: u32) -> bool {
        let count = order(poly.elem);
        (0..count.pow(symbols)).all(|number| {
            let values: Vec<u128> = (0..symbols)
                .map(|at| number / count.pow(at) % count)
                .collect();
            terms.evaluate(poly, &values, &mut Vec::new()) == Some(0)
        })
    }

    /// x·(x-1)···(x-n+1).
    fn falling(terms: &mut Terms, x: &Poly, n: i128) -> Poly {
        let mut product = Poly::one(x.elem);
        for by in 0..n {
            product = terms.mul(&product, &x.sub(&Poly::constant(x.elem, by)));
        }
        product
    }

    #[test]
    fn what_is_nothing_on_all_elements_is_said_to_be() {
        for limit in [0, 1 << 10] {
            for bits in 1..=4u8 {
                let elem = Elem::Ring(bits);
                for (m, n) in (0..7).flat_map(|m| (0..4).map(move |n| (m, n))) {
                    let mut terms = Terms::new(limit);
                    let [x, y] = [0, 1].map(|at| terms.symbol(Symbol(at), elem));
                    let (a, b) = (falling(&mut terms, &x, m), falling(&mut terms, &y, n));
                    let product = terms.mul(&a, &b);
                    let found = terms.may_vanish([&product].into_iter(), bits);
                    if is_nothing(&terms, &product, 2) {
                        assert!(found, "{m} {n} modulo 2^{bits}");
                    }
                }
            }
        }
        let mut terms = Terms::new(1 << 10);
        let x = terms.symbol(Symbol(0), Elem::Ring(8));
        let square = terms.mul(&x, &x);
        assert!(!terms.may_vanish([&square.add(&x)].into_iter(), 8));
        assert!(terms.may_vanish([&square.scale(1 << 7)].into_iter(), 8));
    }

    #[test]
    fn in_arguments_degrees_are_counted_anew_and_shifted_numbers_are_fewer() {
        let elem = Elem::Ring(4);
        let mut terms = Terms::new(1 << 10);
        let x = terms.symbol(Symbol(0), elem);
        let six = falling(&mut terms, &x, 6);
        let zero = Poly::constant(elem, 0);
        let equal = terms.function(Function::Prim(Prim::Eq), vec![six, zero], Elem::Bits(1));
        assert!(terms.may_vanish([&equal].into_iter(), 4));
        let bit = terms.function(Function::Prim(Prim::Cast), vec![equal], elem);
        let powers = terms.mul(&bit, &bit);
        assert!(terms.may_vanish([&powers].into_iter(), 4));
        // A number of two values: its square is nothing new.
        let by = Poly::constant(Elem::Ring(64), 2);
        let half = terms.function(Function::Prim(Prim::Shr), vec![x.clone(), by.clone()], elem);
        let quarter = terms.function(Function::Prim(Prim::Shr), vec![half.clone(), by], elem);
        let product = terms.mul(&half, &x);
        assert!(!terms.may_vanish([&half, &product].into_iter(), 4));
        assert!(terms.may_vanish([&quarter].into_iter(), 4));
    }
}
