//! Terms as linear maps over Z_2 of the bits of symbols.
//!
//! Exclusive ors, shifts by numbers, slices and conversions move bits and add them; so does a sum in a ring whose summands
//! have no bit in common, and a comparison with 0 picks the highest. What such a term is for a uniform symbol is a matter
//! of the rank of the map, at the width at hand: r + (r >> 1) + (r << 1) is a bijection of three bits and none of 32.

use super::{Atom, Function, Monomial, Node, Poly, Support, Symbol, Terms};
use crate::element::{inverse, is_bits, width};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use std::collections::BTreeSet;

/// One bit of a term: the sum of bits of unknown symbols, and of something that does not depend on these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bit {
    /// Bits of symbols, each at most once.
    pub sum: BTreeSet<(Symbol, u8)>,
    /// Whether it may be anything but 0.
    some: bool,
}

impl Bit {
    fn add(&mut self, other: &Self) {
        for bit in &other.sum {
            if !self.sum.remove(bit) {
                self.sum.insert(*bit);
            }
        }
        self.some |= other.some;
    }
}

/// Bits of one term that are looked at, those of its arguments among them.
const WORK: usize = 1 << 14;

impl Terms {
    /// The bits of a term, if each is a sum of bits of the unknown symbols and of what does not depend on them. What is
    /// added to the whole term and does not depend on them is left out, and a unit of a ring that it is multiplied by: who knows
    /// the rest knows the term. That comes first.
    pub(crate) fn linear(&self, poly: &Poly, unknown: &Support) -> Option<(Poly, Vec<Bit>)> {
        let mut rest = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let depends = |atom: &Atom| self.nodes[atom.0 as usize].2.meets(unknown);
            if monomial.iter().any(depends) {
                rest.insert(monomial.clone(), value);
            }
        }
        if let (Elem::Ring(_), Some((_, &first))) = (poly.elem, rest.terms.iter().next()) {
            let unit = inverse(poly.elem, first >> first.trailing_zeros())?;
            rest = rest.scale(unit);
        }
        let bits = self.bits_of(&rest, unknown, &mut WORK.clone())?;
        Some((rest, bits))
    }

    fn bits_of(&self, poly: &Poly, unknown: &Support, work: &mut usize) -> Option<Vec<Bit>> {
        let count = usize::from(width(poly.elem));
        *work = work.checked_sub(count)?;
        let mut bits = vec![Bit::default(); count];
        let added = match poly.elem {
            Elem::Bits(_) => true,
            Elem::Ring(_) => false,
            _ => return None,
        };
        for (monomial, &value) in &poly.terms {
            let depends = |atom: &&Atom| self.nodes[atom.0 as usize].2.meets(unknown);
            let mut depending = monomial.iter().filter(depends);
            let of = match (depending.next(), monomial.len()) {
                // A number, or nothing that is unknown.
                (None, len) => (0..count)
                    .map(|at| Bit {
                        sum: BTreeSet::new(),
                        some: len > 0 || value >> at & 1 == 1,
                    })
                    .collect(),
                (Some(atom), 1) => {
                    let of = self.atom_bits(*atom, unknown, work)?;
                    self::times(poly.elem, of, value)?
                }
                _ => return None,
            };
            for (bit, other) in bits.iter_mut().zip(&of) {
                if !added && bit.some && other.some {
                    return None;
                }
                bit.add(other);
            }
        }
        Some(bits)
    }

    fn atom_bits(&self, atom: Atom, unknown: &Support, work: &mut usize) -> Option<Vec<Bit>> {
        let (node, elem, _) = &self.nodes[atom.0 as usize];
        let count = usize::from(width(*elem));
        *work = work.checked_sub(count)?;
        match node {
            Node::Symbol(symbol) => {
                matches!(elem, Elem::Ring(_) | Elem::Bits(_)).then_some(())?;
                let own = (0..width(*elem)).map(|bit| Bit {
                    sum: BTreeSet::from([(*symbol, bit)]),
                    some: true,
                });
                Some(own.collect())
            }
            Node::Bits(of, map) => {
                let inner = self.atom_bits(*of, unknown, work)?;
                let pick = |from: &Option<u8>| match from {
                    Some(from) => inner.get(usize::from(*from)).cloned().unwrap_or_default(),
                    None => Bit::default(),
                };
                let mut bits: Vec<Bit> = map.iter().map(pick).collect();
                bits.resize(count, Bit::default());
                Some(bits)
            }
            Node::Function(Function::Prim(prim), args) => {
                let from = args.first()?;
                let inner = |work: &mut usize| self.bits_of(from, unknown, work);
                let amount = || args.get(1).and_then(Poly::as_constant);
                match prim {
                    Prim::Cast => {
                        let mut bits = inner(work)?;
                        let above = match (from.elem, elem) {
                            // A signed number.
                            (Elem::Ring(_), Elem::Ring(_)) => bits.last()?.clone(),
                            _ => Bit::default(),
                        };
                        bits.resize(count, above);
                        Some(bits)
                    }
                    Prim::Shr | Prim::ShrLogical if from.elem == *elem => {
                        let by = usize::try_from(amount()?).ok()?;
                        let bits = inner(work)?;
                        let above = match (*prim, elem) {
                            (Prim::Shr, Elem::Ring(_)) => bits.last()?.clone(),
                            _ => Bit::default(),
                        };
                        let shifted = (0..count).map(|at| match at.checked_add(by) {
                            Some(from) => bits.get(from).unwrap_or(&above).clone(),
                            None => above.clone(),
                        });
                        Some(shifted.collect())
                    }
                    Prim::Lt if matches!(from.elem, Elem::Ring(_)) && amount() == Some(0) => {
                        Some(vec![inner(work)?.last()?.clone()])
                    }
                    _ => None,
                }
            }
            Node::Function(..) => None,
        }
    }

    /// Whether a sum of bits, in a term or in an argument of a function in it, has one of these symbols in it at several
    /// places by which it was moved: what such a sum is for a uniform symbol, or whether it is 0 for others than 0, may be
    /// another thing in each width. Those that are triangular are bijections at every width, and those with products of the
    /// symbol in them are no linear maps of it.
    pub(crate) fn moves(&self, poly: &Poly, symbols: &Support) -> bool {
        let mut open = self.arguments(poly);
        open.push(poly.clone());
        open.iter().any(|term| {
            if !is_bits(term.elem) {
                return false;
            }
            let mut found: Vec<(Symbol, Atom)> = Vec::new();
            for monomial in term.terms.keys() {
                let [atom] = monomial[..] else { continue };
                let symbol = match &self.nodes[atom.0 as usize].0 {
                    Node::Symbol(symbol) => Some(*symbol),
                    Node::Bits(of, _) => match self.nodes[of.0 as usize].0 {
                        Node::Symbol(symbol) => Some(symbol),
                        _ => None,
                    },
                    Node::Function(Function::Prim(Prim::Shr | Prim::ShrLogical), args) => {
                        args.first().and_then(|of| self.is_symbol(of))
                    }
                    Node::Function(..) => None,
                };
                if let Some(symbol) = symbol.filter(|symbol| symbols.contains(*symbol)) {
                    found.push((symbol, atom));
                }
            }
            found.iter().enumerate().any(|(at, (symbol, _))| {
                let twice = found[..at].iter().any(|(other, _)| other == symbol);
                // In a product with others it is no part of a linear map alone.
                let mut monomials = term.terms.keys().filter(|monomial| {
                    let mut atoms = monomial.iter();
                    atoms.any(|atom| self.nodes[atom.0 as usize].2.contains(*symbol))
                });
                let alone = |monomial: &Monomial| {
                    let [atom] = monomial[..] else { return false };
                    found.contains(&(*symbol, atom))
                };
                twice && monomials.all(alone) && !self.is_triangular(term, *symbol)
            })
        })
    }
}

/// Bits times a word: a mask of bits, in a ring a power of two.
fn times(elem: Elem, mut bits: Vec<Bit>, value: u128) -> Option<Vec<Bit>> {
    let count = usize::from(width(elem));
    if is_bits(elem) {
        for (at, bit) in bits.iter_mut().enumerate() {
            if value >> at & 1 == 0 {
                *bit = Bit::default();
            }
        }
        return Some(bits);
    }
    value.is_power_of_two().then_some(())?;
    let by = value.trailing_zeros() as usize;
    let mut shifted = vec![Bit::default(); by];
    shifted.extend(bits);
    shifted.truncate(count);
    Some(shifted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(bits: &[Bit]) -> Vec<Vec<u8>> {
        let own = |bit: &Bit| bit.sum.iter().map(|(_, at)| *at).collect();
        bits.iter().map(own).collect()
    }

    #[test]
    fn bits_are_moved_and_added() {
        let (bits, ring) = (Elem::Bits(4), Elem::Ring(4));
        let mut t = Terms::new(64);
        let mut unknown = Support::default();
        unknown.insert(Symbol(0));
        unknown.insert(Symbol(1));
        let (r, x) = (t.symbol(Symbol(0), bits), t.symbol(Symbol(1), ring));
        let known = t.symbol(Symbol(2), ring);
        let one = Poly::constant(Elem::Ring(64), 1);
        let shift = |t: &mut Terms, prim, of: &Poly| {
            let elem = of.elem();
            t.prim(prim, &[of.clone(), one.clone()], elem).unwrap()
        };
        let (left, right) = (
            shift(&mut t, Prim::Shl, &r),
            shift(&mut t, Prim::ShrLogical, &r),
        );
        let all = r.add(&left).add(&right);
        let (rest, found) = t.linear(&all, &unknown).unwrap();
        assert_eq!(rest, all);
        assert_eq!(
            sums(&found),
            [vec![0, 1], vec![0, 1, 2], vec![1, 2, 3], vec![2, 3]]
        );
        // As a number, and what is known beside it.
        let number = t
            .prim(Prim::Cast, std::slice::from_ref(&all), ring)
            .unwrap();
        let beside = number.neg().add(&known);
        assert_eq!(t.linear(&beside, &unknown), Some((number.clone(), found)));
        // The sign, and a signed shift.
        let halved = shift(&mut t, Prim::Shr, &x);
        assert_eq!(
            sums(&t.linear(&halved, &unknown).unwrap().1),
            [[1], [2], [3], [3]]
        );
        let zero = Poly::constant(ring, 0);
        let sign = t.prim(Prim::Lt, &[x.clone(), zero], Elem::Bits(1)).unwrap();
        assert_eq!(sums(&t.linear(&sign, &unknown).unwrap().1), [[3]]);
        // A sum of bits that do not meet, and one that carries.
        let low = |t: &mut Terms, start| {
            let bit = t.prim(
                Prim::BitSlice { start, step: 1 },
                std::slice::from_ref(&r),
                Elem::Bits(1),
            );
            t.prim(Prim::Cast, &[bit.unwrap()], ring).unwrap()
        };
        let (a, b) = (low(&mut t, 3), low(&mut t, 1));
        let (_, found) = t.linear(&a.add(&b.scale(4)), &unknown).unwrap();
        assert_eq!(sums(&found), [vec![3], vec![], vec![1], vec![]]);
        assert_eq!(t.linear(&a.add(&b), &unknown), None);
        assert_eq!(t.linear(&x.add(&number), &unknown), None);
        let product = t.mul(&r, &left);
        assert_eq!(t.linear(&product, &unknown), None);
        assert!(t.moves(&all, &unknown) && t.moves(&number, &unknown));
        // r + (r << 1) is a bijection of every width.
        assert!(!t.moves(&r.add(&left), &unknown));
        assert!(!t.moves(&all.add(&product), &unknown));
    }
}
