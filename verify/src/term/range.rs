//! Masks on a range, and how large what they hide can be.

use super::{Atom, Function, Node, Poly, Support, Symbol, Terms};
use crate::element::{one, reduce, signed};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;

/// A vector of bits that stands in a term as a number.
pub(crate) struct RangeMask {
    /// The vector.
    pub symbol: Symbol,
    /// Its bits: the number is any of so many values in a row.
    pub width: u8,
    atom: Atom,
}

impl Terms {
    /// The symbols of `Bits` that stand in a sum of numbers as numbers, once, plain or negated, and nowhere else in it.
    pub(crate) fn range_masks(&self, poly: &Poly) -> Vec<RangeMask> {
        if !matches!(poly.elem, Elem::Ring(_) | Elem::Field(_)) {
            return Vec::new();
        }
        let unit = one(poly.elem);
        let minus = reduce(
            poly.elem,
            Poly::constant(poly.elem, -1).as_constant().unwrap_or(unit),
        );
        let mut found = Vec::new();
        for (monomial, &factor) in &poly.terms {
            let [atom] = monomial[..] else { continue };
            let Some((symbol, width)) = self.number_of_bits(atom) else {
                continue;
            };
            let elsewhere = poly
                .terms
                .keys()
                .filter(|other| ***other != [atom])
                .flat_map(|other| other.iter())
                .any(|other| self.nodes[other.0 as usize].2.contains(symbol));
            if (factor == unit || factor == minus) && !elsewhere {
                found.push(RangeMask {
                    symbol,
                    width,
                    atom,
                });
            }
        }
        found
    }

    /// The symbol of `Bits` of which this atom is the number, and how many bits it has.
    fn number_of_bits(&self, atom: Atom) -> Option<(Symbol, u8)> {
        let (Node::Function(Function::Prim(Prim::Cast), args), Elem::Ring(_) | Elem::Field(_), _) =
            &self.nodes[atom.0 as usize]
        else {
            return None;
        };
        let [arg] = args.as_slice() else { return None };
        let Elem::Bits(width) = arg.elem else {
            return None;
        };
        Some((self.is_symbol(arg)?, width))
    }

    /// A bound on the magnitude of a sum less the mask and what is known, as a sum of signed numbers; `bound` is that of a
    /// symbol. `None` if something in it has no bound.
    pub(crate) fn hidden(
        &self,
        poly: &Poly,
        mask: &RangeMask,
        known: &Support,
        bound: &dyn Fn(Symbol) -> Option<u128>,
    ) -> Option<u128> {
        let mut most = 0u128;
        for (monomial, &factor) in &poly.terms {
            let own = monomial[..] == [mask.atom];
            let mut atoms = monomial.iter();
            let clear = atoms.all(|atom| {
                let support = &self.nodes[atom.0 as usize].2;
                support.iter().all(|symbol| known.contains(symbol))
            });
            if own || clear {
                continue;
            }
            let [atom] = monomial[..] else { return None };
            let largest = match (&self.nodes[atom.0 as usize].0, self.number_of_bits(atom)) {
                (Node::Symbol(symbol), _) => bound(*symbol)?,
                (_, Some((_, width))) => 1u128.checked_shl(width.into())?,
                _ => return None,
            };
            let factor = signed(poly.elem, factor).unsigned_abs();
            most = most.checked_add(largest.checked_mul(factor)?)?;
        }
        Some(most)
    }
}
