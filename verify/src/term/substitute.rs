//! Symbols that stand alone, and their replacement.

use super::{Atom, Function, Node, Poly, Support, Symbol, Terms};
use crate::element::{inverse, one};
use smpc_ir::party::Elem;
use std::collections::HashMap;

impl Terms {
    /// Symbols that occur alone, with an invertible coefficient, and nowhere else in the term.
    pub fn pads(&self, poly: &Poly) -> Vec<Symbol> {
        let (mut once, mut twice) = (Support::default(), Support::default());
        for monomial in poly.terms.keys() {
            let mut here = Support::default();
            for atom in monomial {
                here.extend(&self.nodes[atom.0 as usize].2);
            }
            for (word, bits) in here.0.iter().enumerate() {
                let repeated = bits & once.0.get(word).copied().unwrap_or(0);
                if repeated != 0 {
                    twice.0.resize(twice.0.len().max(word + 1), 0);
                    twice.0[word] |= repeated;
                }
            }
            once.extend(&here);
        }
        let mut found = Vec::new();
        for (monomial, &value) in &poly.terms {
            let [atom] = monomial[..] else { continue };
            if let Node::Symbol(symbol) = self.nodes[atom.0 as usize].0
                && inverse(poly.elem, value).is_some()
                && !twice.contains(symbol)
            {
                found.push(symbol);
            }
        }
        found
    }

    /// Whether a vector of bits is uniform if this symbol of as many bits is: bit i of it is bit i of the symbol, plus what
    /// may depend on lower bits of the symbol (or everywhere on higher ones), and on nothing else of it. Whatever
    /// all else is, that is a bijection of the symbol's values: solved bit by bit, a triangular system with ones on its
    /// diagonal. So if the symbol is uniform and nothing else that is looked at has it in it, the vector is uniform
    /// and independent of all of that.
    pub fn is_triangular(&self, poly: &Poly, symbol: Symbol) -> bool {
        let Elem::Bits(width) = poly.elem else {
            return false;
        };
        let key = (Node::Symbol(symbol), poly.elem);
        let Some(own) = self.index.get(&key) else {
            return false;
        };
        if poly.terms.get(&[*own]) != Some(&one(poly.elem)) {
            return false;
        }
        let (mut lower, mut higher) = (true, true);
        for (monomial, _) in poly.terms.iter().filter(|(m, _)| ***m != [*own]) {
            for atom in monomial {
                let (node, _, support) = &self.nodes[atom.0 as usize];
                if !support.contains(symbol) {
                    continue;
                }
                let Node::Bits(of, map) = node else {
                    return false;
                };
                if of != own || map.len() != usize::from(width) {
                    return false;
                }
                let bits = (0u8..).zip(map);
                for (bit, from) in bits.filter_map(|(bit, from)| Some((bit, (*from)?))) {
                    lower &= from < bit;
                    higher &= from > bit;
                }
            }
        }
        lower || higher
    }

    /// For a term u·s + e with u invertible and s not in e: u⁻¹·(t - e), the value of s in which
    /// the term equals t.
    pub fn solve(&mut self, poly: &Poly, symbol: Symbol, target: &Poly) -> Option<Poly> {
        let atom = *self.index.get(&(Node::Symbol(symbol), poly.elem))?;
        let mut rest = poly.clone();
        let unit = inverse(poly.elem, rest.terms.remove(&[atom])?)?;
        if self.support(&rest).contains(symbol) || target.elem != poly.elem {
            return None;
        }
        Some(target.sub(&rest).scale(unit))
    }

    /// Symbols of Z[2^m] that occur alone, with a coefficient that is even, and nowhere else in the term.
    pub fn even_pads(&self, poly: &Poly) -> Vec<Symbol> {
        if !matches!(poly.elem, Elem::Ring(_)) {
            return Vec::new();
        }
        let alone = poly.terms.iter().filter_map(|(monomial, &value)| {
            let [atom] = monomial[..] else { return None };
            match self.nodes[atom.0 as usize].0 {
                Node::Symbol(symbol) if value & 1 == 0 => Some((atom, symbol)),
                _ => None,
            }
        });
        let once = |(atom, symbol): &(Atom, Symbol)| {
            let mut others = poly.terms.keys().filter(|m| ***m != [*atom]);
            others.all(|m| {
                m.iter()
                    .all(|a| !self.nodes[a.0 as usize].2.contains(*symbol))
            })
        };
        alone.filter(once).map(|(_, symbol)| symbol).collect()
    }

    /// For a term c·s + c·d + e with c even, s in neither d nor e, and d all that is divisible by c's
    /// power of two: u⁻¹·(t - d'), the value of s in which the term is c·t + e. To replace s by it is a
    /// bijection, like every s := u·t + d'.
    pub fn solve_even(&mut self, poly: &Poly, symbol: Symbol, target: &Poly) -> Option<Poly> {
        let Elem::Ring(_) = poly.elem else {
            return None;
        };
        let atom = *self.index.get(&(Node::Symbol(symbol), poly.elem))?;
        let coefficient = *poly.terms.get(&[atom])?;
        let zeros = coefficient.trailing_zeros();
        let unit = inverse(poly.elem, coefficient >> zeros)?;
        let mut divided = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            if **monomial != [atom] && value.trailing_zeros() >= zeros {
                divided.insert(monomial.clone(), value >> zeros);
            }
        }
        if self.support(&divided).contains(symbol) || target.elem != poly.elem {
            return None;
        }
        Some(target.sub(&divided.scale(unit)))
    }

    /// The atoms that a symbol stands in, and what weighs it there, if each is a sum over an axis of the
    /// symbol times one other.
    pub fn weighed_sums(&self, poly: &Poly, symbol: Symbol) -> Option<Vec<(Atom, Symbol)>> {
        let mut found = Vec::new();
        for atom in poly.terms.keys().flatten() {
            let (node, _, support) = &self.nodes[atom.0 as usize];
            if !support.contains(symbol) {
                continue;
            }
            let Node::Function(Function::Sum(_), args) = node else {
                return None;
            };
            let mut monomials = args.first()?.terms.keys();
            let (Some(monomial), None) = (monomials.next(), monomials.next()) else {
                return None;
            };
            let symbols: Option<Vec<Symbol>> = monomial
                .iter()
                .map(|atom| match self.nodes[atom.0 as usize].0 {
                    Node::Symbol(symbol) => Some(symbol),
                    _ => None,
                })
                .collect();
            let weight = match symbols?[..] {
                [a, b] if a == symbol && b != symbol => b,
                [a, b] if b == symbol && a != symbol => a,
                _ => return None,
            };
            found.push((*atom, weight));
        }
        Some(found)
    }

    /// An atom replaced by a term, where it is a factor of a monomial.
    pub fn swap(&mut self, poly: &Poly, atom: Atom, by: &Poly) -> Poly {
        let mut result = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let mut product = Poly::one(poly.elem);
            for &factor in monomial {
                let factor = if factor == atom {
                    by.clone()
                } else {
                    self.single(factor)
                };
                product = self.mul(&product, &factor);
            }
            result.accumulate(&product, value);
        }
        result
    }

    /// Whether a symbol occurs.
    pub fn mentions(&self, poly: &Poly, symbol: Symbol) -> bool {
        let mut atoms = poly.terms.keys().flatten();
        atoms.any(|atom| self.nodes[atom.0 as usize].2.contains(symbol))
    }

    /// A symbol replaced by a term everywhere.
    pub fn substitute(&mut self, poly: &Poly, symbol: Symbol, by: &Poly) -> Poly {
        if !self.mentions(poly, symbol) {
            return poly.clone();
        }
        self.replace(poly, symbol, by, &mut HashMap::new())
    }

    /// The same in several terms, with common parts replaced once. `None` once the graph would
    /// have more than so many atoms.
    pub fn substitute_all(
        &mut self,
        polys: &[&Poly],
        symbol: Symbol,
        by: &Poly,
        atoms: usize,
    ) -> Option<Vec<Poly>> {
        let mut done = HashMap::new();
        let mut results = Vec::with_capacity(polys.len());
        for poly in polys {
            if self.nodes.len() > atoms {
                return None;
            }
            results.push(self.replace(poly, symbol, by, &mut done));
        }
        Some(results)
    }

    fn replace(
        &mut self,
        poly: &Poly,
        symbol: Symbol,
        by: &Poly,
        done: &mut HashMap<Atom, Poly>,
    ) -> Poly {
        let mut result = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let touched = monomial
                .iter()
                .any(|a| self.nodes[a.0 as usize].2.contains(symbol));
            if !touched {
                result.insert(monomial.clone(), value);
                continue;
            }
            let mut product = Poly::one(poly.elem);
            for &atom in monomial {
                let factor = self.replace_atom(atom, symbol, by, done);
                product = self.mul(&product, &factor);
            }
            result.accumulate(&product, value);
        }
        result
    }

    fn replace_atom(
        &mut self,
        atom: Atom,
        symbol: Symbol,
        by: &Poly,
        done: &mut HashMap<Atom, Poly>,
    ) -> Poly {
        if let Some(poly) = done.get(&atom) {
            return poly.clone();
        }
        let (node, elem, support) = self.nodes[atom.0 as usize].clone();
        let poly = if !support.contains(symbol) {
            self.single(atom)
        } else {
            match node {
                Node::Symbol(_) => by.clone(),
                Node::Bits(of, map) => {
                    let inner = self.replace_atom(of, symbol, by, done);
                    self.pick(&inner, &map, elem)
                }
                Node::Function(function, args) => {
                    let args: Vec<Poly> = args
                        .iter()
                        .map(|arg| self.replace(arg, symbol, by, done))
                        .collect();
                    match (function, args.as_slice()) {
                        (Function::Product, [a, b]) => self.mul(a, b),
                        (Function::Gather, [a, order]) => self.gather(a, order),
                        (Function::Sum(axis), [a]) => self.sum(a, axis),
                        (Function::Prim(prim), _) => match self.prim(prim, &args, elem) {
                            Some(poly) => poly,
                            None => self.function(function, args, elem),
                        },
                        _ => self.function(function, args, elem),
                    }
                }
            }
        };
        done.insert(atom, poly.clone());
        poly
    }
}
