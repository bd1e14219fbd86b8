//! Which atoms of a term have other values where only some of its symbols do.
//!
//! All values of some symbols are enumerated like the digits of a number. From one to the next mostly the first digit
//! changes, so what does not depend on it need not be evaluated again; and the symbol that stands in the fewest
//! atoms is the best first digit.

use super::{Atom, Node, Poly, Symbol, Terms};
use smpc_ir::party::Elem;

/// A term cut up by the digits that change it.
#[derive(Debug)]
pub(crate) struct Varied {
    elem: Elem,
    /// The atoms by the first digit that they depend on.
    atoms: Vec<Atom>,
    /// For each digit how many atoms depend on it or on one before it.
    ends: Vec<usize>,
    /// For each digit the monomials of which it is the first that they depend on; last those that depend on none.
    parts: Vec<Poly>,
}

/// What is known of such a term from other values of some digits.
#[derive(Debug)]
pub(crate) struct Known<V, S> {
    pub atoms: Vec<Option<V>>,
    /// For each digit the sum of the parts from its own on.
    pub sums: Vec<Option<S>>,
}

impl<V, S> Default for Known<V, S> {
    fn default() -> Self {
        Self {
            atoms: Vec::new(),
            sums: Vec::new(),
        }
    }
}

impl Varied {
    /// Of a term and its digits, which are put in the order in which fewest atoms change.
    pub fn new<T>(terms: &Terms, poly: &Poly, digits: &mut [(Symbol, T)]) -> Self {
        let atoms = terms.atoms(poly);
        let depends = |atom: Atom, symbol: Symbol| terms.nodes[atom.0 as usize].2.contains(symbol);
        digits.sort_by_cached_key(|(symbol, _)| {
            let depending = atoms.iter().filter(|atom| depends(**atom, *symbol));
            depending.count()
        });
        let first = |atom: Atom| digits.iter().position(|(symbol, _)| depends(atom, *symbol));
        let mut by_digit: Vec<(usize, Atom)> = atoms
            .iter()
            .filter_map(|atom| Some((first(*atom)?, *atom)))
            .collect();
        by_digit.sort_unstable();
        let ends = (0..digits.len()).map(|digit| by_digit.partition_point(|(at, _)| *at <= digit));
        let mut parts = vec![Poly::constant(poly.elem, 0); digits.len() + 1];
        for (monomial, &value) in &poly.terms {
            let digit = monomial.iter().filter_map(|atom| first(*atom)).min();
            parts[digit.unwrap_or(digits.len())].insert(monomial.clone(), value);
        }
        Self {
            elem: poly.elem,
            ends: ends.collect(),
            atoms: by_digit.into_iter().map(|(_, atom)| atom).collect(),
            parts,
        }
    }

    /// The element type of the term.
    pub fn elem(&self) -> Elem {
        self.elem
    }

    /// The sum of all parts, those that are not known evaluated.
    pub fn sum<S: Clone>(
        &self,
        known: &mut Vec<Option<S>>,
        zero: S,
        mut evaluate: impl FnMut(&Poly) -> Option<S>,
        add: impl Fn(S, S) -> S,
    ) -> Option<S> {
        known.resize(self.parts.len(), None);
        let from = known.iter().position(Option::is_some);
        let mut sum = match from.and_then(|at| known[at].clone()) {
            Some(sum) => sum,
            None => zero,
        };
        for at in (0..from.unwrap_or(self.parts.len())).rev() {
            if !self.parts[at].is_zero() {
                sum = add(sum, evaluate(&self.parts[at])?);
            }
            known[at] = Some(sum.clone());
        }
        Some(sum)
    }

    /// Forgets what depends on the digits up to this one.
    pub fn forget<V, S>(&self, digit: usize, known: &mut Known<V, S>) {
        let count = self.ends.get(digit).copied().unwrap_or(self.atoms.len());
        for atom in &self.atoms[..count] {
            if let Some(value) = known.atoms.get_mut(atom.0 as usize) {
                *value = None;
            }
        }
        known
            .sums
            .iter_mut()
            .take(digit + 1)
            .for_each(|sum| *sum = None);
    }
}

impl Terms {
    /// The atoms inside a term, each once.
    pub(crate) fn atoms(&self, poly: &Poly) -> Vec<Atom> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut open: Vec<Atom> = poly.terms.keys().flatten().copied().collect();
        while let Some(atom) = open.pop() {
            if std::mem::replace(&mut seen[atom.0 as usize], true) {
                continue;
            }
            found.push(atom);
            match &self.nodes[atom.0 as usize].0 {
                Node::Symbol(_) => {}
                Node::Bits(of, _) => open.push(*of),
                Node::Function(_, args) => {
                    open.extend(
                        args.iter()
                            .flat_map(|arg| arg.terms.keys().flatten().copied()),
                    );
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Choice, Counter};
    use crate::term::Possible;
    use smpc_ir::local::Prim;

    #[test]
    fn what_is_kept_is_what_would_be_found_again() {
        let (ring, bit) = (Elem::Ring(2), Elem::Bits(1));
        let mut t = Terms::new(8);
        let [a, b, c, d] = [0, 1, 2, 3].map(|symbol| t.symbol(Symbol(symbol), ring));
        let ab = t.mul(&a, &b);
        let first = t.prim(Prim::Lt, &[ab, c.clone()], bit).unwrap();
        let second = t.prim(Prim::Eq, &[c.add(&d), a], bit).unwrap();
        let both = t.mul(&first, &second);
        let result = t
            .prim(Prim::Cast, &[both.add(&first)], Elem::Ring(1))
            .unwrap();
        let mut digits: Vec<(Symbol, ())> = [0, 1, 2, 3].map(|at| (Symbol(at), ())).to_vec();
        let varied = Varied::new(&t, &result, &mut digits);
        // b stands in one comparison, d in the other, a and c in both.
        let (fast, slow) = digits.split_at(2);
        assert!(fast.iter().all(|(symbol, ())| [1, 3].contains(&symbol.0)));
        assert!(slow.iter().all(|(symbol, ())| [0, 2].contains(&symbol.0)));
        let (mut kept, mut counter, mut runs) = (Known::default(), Counter::default(), 0);
        let (mut ranges, mut spared) = (Known::default(), 0);
        loop {
            counter.rewind();
            let mut words = [0; 4];
            for (symbol, ()) in &digits {
                words[symbol.0 as usize] = counter.below(4);
            }
            let known = kept.atoms.iter().filter(|value| value.is_some());
            spared += known.count();
            let found = t.evaluate_varied(&varied, &words, &mut kept);
            let anew = t.evaluate(&result, &words, &mut Vec::new());
            assert_eq!(found, anew, "{words:?}");
            // The same where c is any of two.
            let mut sets = words.map(|word| Some(Possible::One(word)));
            sets[2] = Possible::of(vec![words[2], 3]);
            let found = t.possible_varied(&varied, &sets, &mut ranges);
            let anew = t.possible(&result, &sets, &mut Vec::new());
            assert_eq!(found, anew, "{words:?}");
            runs += 1;
            match counter.step() {
                Some(digit) => {
                    varied.forget(digit, &mut kept);
                    varied.forget(digit, &mut ranges);
                }
                None => break,
            }
        }
        assert_eq!(runs, 256);
        // All symbols but the first digit, and the comparison without it, most of the time.
        assert!(spared > 3 * runs, "{spared}");
    }
}
