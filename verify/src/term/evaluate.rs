//! Values of terms, and what is inside them.

use super::{Atom, Function, Known, Node, Poly, Terms, Values, Varied};
use crate::element::{add, mul, order, reduce};
use crate::machine::{Choice, Random};

impl Terms {
    /// Arguments of functions inside a term, each once, innermost last.
    pub fn arguments(&self, poly: &Poly) -> Vec<Poly> {
        let mut found: Vec<Poly> = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut open: Vec<Atom> = poly.terms.keys().flatten().copied().collect();
        while let Some(atom) = open.pop() {
            if std::mem::replace(&mut seen[atom.0 as usize], true) {
                continue;
            }
            match &self.nodes[atom.0 as usize].0 {
                Node::Symbol(_) => {}
                Node::Bits(of, _) => open.push(*of),
                Node::Function(_, args) => {
                    for arg in args {
                        open.extend(arg.terms.keys().flatten().copied());
                        if !found.contains(arg) {
                            found.push(arg.clone());
                        }
                    }
                }
            }
        }
        found
    }

    /// A polynomial of another graph, its symbols replaced by terms of this one in the order of
    /// their numbers; `None` if it is no polynomial.
    pub fn import(&mut self, from: &Self, poly: &Poly, args: &[Poly]) -> Option<Poly> {
        let mut sum = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let mut product = Poly::one(poly.elem);
            for &atom in monomial {
                let factor = self.import_atom(from, atom, args)?;
                product = self.mul(&product, &factor);
            }
            sum.accumulate(&product, value);
        }
        Some(sum)
    }

    fn import_atom(&mut self, from: &Self, atom: Atom, args: &[Poly]) -> Option<Poly> {
        let (node, elem, _) = &from.nodes[atom.0 as usize];
        match node {
            Node::Symbol(symbol) => {
                let term = args.get(symbol.0 as usize)?;
                (term.elem == *elem).then(|| term.clone())
            }
            Node::Bits(of, map) => {
                let inner = self.import_atom(from, *of, args)?;
                Some(self.pick(&inner, map, *elem))
            }
            Node::Function(..) => None,
        }
    }

    /// The value of a term where its symbols have values; `None` for a function of whole rows, and for what is expanded from a
    /// seed.
    pub fn evaluate(
        &self,
        poly: &Poly,
        values: &Values,
        done: &mut Vec<Option<u128>>,
    ) -> Option<u128> {
        self.word(poly, values, done, false)
    }

    /// The same with some function for what is expanded from seeds: one that differs for most of them.
    pub fn evaluate_expanded(&self, poly: &Poly, values: &Values) -> Option<u128> {
        self.word(poly, values, &mut Vec::new(), true)
    }

    fn word(
        &self,
        poly: &Poly,
        values: &Values,
        done: &mut Vec<Option<u128>>,
        expanded: bool,
    ) -> Option<u128> {
        done.resize(self.nodes.len(), None);
        let mut sum = 0u128;
        for (monomial, &coefficient) in &poly.terms {
            let mut product = coefficient;
            for &atom in monomial {
                let factor = self.evaluate_atom(atom, values, done, expanded)?;
                product = mul(poly.elem, product, factor);
            }
            sum = add(poly.elem, sum, product);
        }
        Some(sum)
    }

    /// The same of a term whose symbols change like digits; what is known of it is from other values of digits that
    /// were forgotten since.
    pub(crate) fn evaluate_varied(
        &self,
        varied: &Varied,
        values: &Values,
        known: &mut Known<u128, u128>,
    ) -> Option<u128> {
        let Known { atoms, sums } = known;
        let unit = |part: &Poly| self.evaluate(part, values, atoms);
        varied.sum(sums, 0, unit, |sum, part| add(varied.elem(), sum, part))
    }

    fn evaluate_atom(
        &self,
        atom: Atom,
        values: &Values,
        done: &mut Vec<Option<u128>>,
        expanded: bool,
    ) -> Option<u128> {
        if let Some(value) = done[atom.0 as usize] {
            return Some(value);
        }
        let (node, elem, _) = &self.nodes[atom.0 as usize];
        let value = match node {
            Node::Symbol(symbol) => values.get(symbol.0 as usize).copied()?,
            Node::Bits(of, map) => {
                let word = self.evaluate_atom(*of, values, done, expanded)?;
                map.iter().enumerate().fold(0, |out, (i, from)| match from {
                    Some(from) => out | (word >> from & 1) << i,
                    None => out,
                })
            }
            Node::Function(function, args) => {
                let mut words = [0u128; 3];
                let mut elems = [*elem; 3];
                for (at, arg) in args.iter().enumerate().take(3) {
                    words[at] = self.word(arg, values, done, expanded)?;
                    elems[at] = arg.elem;
                }
                match function {
                    Function::Prim(prim) => crate::machine::evaluate(*prim, words, elems, *elem),
                    Function::Product => mul(*elem, words[0], words[1]),
                    Function::Expand if expanded && args.len() <= 3 => {
                        let mut state = Random(0x5eed);
                        for word in words {
                            for half in [word as u64, (word >> 64) as u64] {
                                state = Random(state.word() ^ half);
                            }
                        }
                        reduce(*elem, state.below(order(*elem)))
                    }
                    _ => return None,
                }
            }
        };
        done[atom.0 as usize] = Some(value);
        Some(value)
    }
}
