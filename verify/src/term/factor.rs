//! Coins behind a common factor.
//!
//! To put ρ - d for a coin r, with r not in d, is a bijection of its values whatever d is. In a term c·r + c·d + e it leaves
//! c·ρ + e: what shares a factor with the coin is gone, though c may be 0.

use super::{Atom, Function, Node, Poly, Symbol, Terms};
use crate::element::inverse;
use smpc_ir::party::Elem;

/// Where a symbol stands in a term.
struct Place {
    /// Behind which other atoms.
    factor: Vec<Atom>,
    /// Under which sum over an axis, if it does.
    axis: Option<u8>,
    /// The inverse of its coefficient.
    unit: u128,
}

impl Terms {
    /// Symbols that stand in one monomial only, behind a factor that other monomials have, too.
    pub fn factored_pads(&self, poly: &Poly) -> Vec<Symbol> {
        let support = self.support(poly);
        let all = support.iter();
        all.filter(|symbol| self.shared(poly, *symbol).is_some())
            .collect()
    }

    /// For a term c·s + c·d + e, with s in neither d nor e and d all that is divisible by c: t - d, the value of s in
    /// which the term is c·t + e. The factor may stand under a sum over an axis, with s and d.
    pub fn solve_factored(&mut self, poly: &Poly, symbol: Symbol, target: &Poly) -> Option<Poly> {
        let divided = self.shared(poly, symbol)?;
        (target.elem == poly.elem).then(|| target.sub(&divided))
    }

    /// What stands behind the same factor as a symbol; `None` if nothing does, or the symbol elsewhere, too.
    fn shared(&self, poly: &Poly, symbol: Symbol) -> Option<Poly> {
        let place = self.place(poly, symbol)?;
        let own = *self.index.get(&(Node::Symbol(symbol), poly.elem))?;
        let alone = self.is_scalar(own);
        let mut divided = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let Some(rest) = self.behind(monomial, &place) else {
                continue;
            };
            if rest[..] == [own] {
                continue;
            }
            // One coin for all rows takes away what is one element only.
            if alone && !rest.iter().all(|atom| self.is_scalar(*atom)) {
                continue;
            }
            let mut term = Poly::constant(poly.elem, 0);
            term.insert(rest.into(), value);
            divided.accumulate(&term, place.unit);
        }
        let open = self.support(&divided).contains(symbol);
        (!divided.is_zero() && !open).then_some(divided)
    }

    fn place(&self, poly: &Poly, symbol: Symbol) -> Option<Place> {
        if !matches!(poly.elem, Elem::Ring(_) | Elem::Field(_)) {
            return None;
        }
        let own = *self.index.get(&(Node::Symbol(symbol), poly.elem))?;
        let has = |atom: &Atom| self.nodes[atom.0 as usize].2.contains(symbol);
        let mut found = poly.terms.iter().filter(|(m, _)| m.iter().any(has));
        let ((monomial, &value), None) = (found.next()?, found.next()) else {
            return None;
        };
        let unit = inverse(poly.elem, value)?;
        let (axis, inside) = match monomial[..] {
            [atom] if atom != own => {
                let Node::Function(Function::Sum(axis), args) = &self.nodes[atom.0 as usize].0
                else {
                    return None;
                };
                (Some(*axis), self.one_monomial(args)?)
            }
            _ => (None, monomial.to_vec()),
        };
        let (mut factor, mut count) = (inside, 0);
        factor.retain(|atom| {
            count += usize::from(*atom == own);
            *atom != own
        });
        let simple =
            count == 1 && !factor.iter().any(has) && (axis.is_some() || !factor.is_empty());
        simple.then_some(Place { factor, axis, unit })
    }

    /// What a monomial is a multiple of the factor by: that times what is left of it.
    fn behind(&self, monomial: &[Atom], place: &Place) -> Option<Vec<Atom>> {
        let Some(axis) = place.axis else {
            return without(monomial.to_vec(), &place.factor);
        };
        let is_sum = |atom: &Atom| {
            let node = &self.nodes[atom.0 as usize].0;
            matches!(node, Node::Function(Function::Sum(by), _) if *by == axis)
        };
        let at = monomial.iter().position(is_sum)?;
        let mut scalars = monomial.to_vec();
        let sum = scalars.remove(at);
        if !scalars.iter().all(|atom| self.is_scalar(*atom)) {
            return None;
        }
        let Node::Function(_, args) = &self.nodes[sum.0 as usize].0 else {
            return None;
        };
        let mut rest = without(self.one_monomial(args)?, &place.factor)?;
        rest.extend(scalars);
        rest.sort_unstable();
        Some(rest)
    }

    /// The atoms of a sum's one monomial, whose coefficient is 1.
    fn one_monomial(&self, args: &[Poly]) -> Option<Vec<Atom>> {
        let mut monomials = args.first()?.terms.iter();
        match (monomials.next(), monomials.next()) {
            (Some((monomial, 1)), None) => Some(monomial.to_vec()),
            _ => None,
        }
    }
}

/// A list of atoms less others that are in it.
fn without(mut atoms: Vec<Atom>, others: &[Atom]) -> Option<Vec<Atom>> {
    for other in others {
        let at = atoms.iter().position(|atom| atom == other)?;
        atoms.remove(at);
    }
    Some(atoms)
}
