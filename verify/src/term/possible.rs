//! The values that a term can have where some of its symbols may have any of several.

use super::{Atom, Function, Known, Node, Poly, Terms, Varied};
use crate::element::{add, mul};
use smpc_ir::party::Elem;
use std::collections::BTreeMap;

/// Values that are told apart.
const VALUES: usize = 256;

/// Combinations of arguments that are tried.
const COMBINATIONS: usize = 1 << 12;

/// What a value can be: at least all that it is in some execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Possible {
    /// This.
    One(u128),
    /// One of these, in ascending order.
    Any(Vec<u128>),
}

/// A sum of which some factors can be any of several values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    sum: u128,
    /// What each product of such factors is multiplied by.
    unknown: BTreeMap<Vec<Atom>, u128>,
}

impl Possible {
    /// One of some values; `None` if they are too many or none.
    pub fn of(mut values: Vec<u128>) -> Option<Self> {
        values.sort_unstable();
        values.dedup();
        match values.as_slice() {
            [] => None,
            [one] => Some(Self::One(*one)),
            _ => (values.len() <= VALUES).then_some(Self::Any(values)),
        }
    }

    /// The values.
    pub fn values(&self) -> &[u128] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Any(values) => values,
        }
    }

    /// What an operation on both can give.
    fn with(&self, other: &Self, f: impl Fn(u128, u128) -> u128) -> Option<Self> {
        if let (Self::One(a), Self::One(b)) = (self, other) {
            return Some(Self::One(f(*a, *b)));
        }
        let (a, b) = (self.values(), other.values());
        if a.len() * b.len() > COMBINATIONS {
            return None;
        }
        let pairs = a.iter().flat_map(|a| b.iter().map(|b| f(*a, *b)));
        Self::of(pairs.collect())
    }
}

impl Terms {
    /// What a term can be where each symbol has any of the values given for it, whatever the others have: by
    /// arithmetic on sets (R. E. Moore, Interval Analysis, 1966, with finite sets for intervals), so a
    /// superset of what it is. Coefficients of the same unknown atoms are added first, since a symbol that occurs twice
    /// is one value and not two. `None` for a function of whole rows, and where a set becomes too large.
    pub fn possible(
        &self,
        poly: &Poly,
        values: &[Option<Possible>],
        done: &mut Vec<Option<Possible>>,
    ) -> Option<Possible> {
        let parts = self.multiplied(poly, values, done)?;
        self.total(poly.elem, parts, done)
    }

    /// The same of a term whose symbols change like digits; what is known of it is from other values of digits that
    /// were forgotten since.
    pub(crate) fn possible_varied(
        &self,
        varied: &Varied,
        values: &[Option<Possible>],
        known: &mut Known<Possible, Gathered>,
    ) -> Option<Possible> {
        let Known { atoms, sums } = known;
        let elem = varied.elem();
        let nothing = Gathered::default();
        let each = |part: &Poly| self.multiplied(part, values, atoms);
        let all = varied.sum(sums, nothing, each, |mut all, part| {
            all.sum = add(elem, all.sum, part.sum);
            for (open, coefficient) in part.unknown {
                let slot = all.unknown.entry(open).or_insert(0);
                *slot = add(elem, *slot, coefficient);
            }
            all
        })?;
        self.total(elem, all, atoms)
    }

    /// Monomials with what is known of their factors multiplied out.
    fn multiplied(
        &self,
        poly: &Poly,
        values: &[Option<Possible>],
        done: &mut Vec<Option<Possible>>,
    ) -> Option<Gathered> {
        done.resize(self.nodes.len(), None);
        let elem = poly.elem;
        let mut sum = 0u128;
        let mut unknown: BTreeMap<Vec<Atom>, u128> = BTreeMap::new();
        for (monomial, &coefficient) in &poly.terms {
            let mut product = coefficient;
            let mut open = Vec::new();
            for &atom in monomial {
                match self.possible_atom(atom, values, done)? {
                    Possible::One(factor) => product = mul(elem, product, factor),
                    Possible::Any(_) => open.push(atom),
                }
            }
            if open.is_empty() {
                sum = add(elem, sum, product);
            } else {
                let slot = unknown.entry(open).or_insert(0);
                *slot = add(elem, *slot, product);
            }
        }
        Some(Gathered { sum, unknown })
    }

    fn total(
        &self,
        elem: Elem,
        Gathered { sum, unknown }: Gathered,
        done: &[Option<Possible>],
    ) -> Option<Possible> {
        let mut total = Possible::One(sum);
        for (atoms, coefficient) in unknown {
            if coefficient == 0 {
                continue;
            }
            let mut part = Possible::One(coefficient);
            let mut rest = atoms.as_slice();
            while let Some(&atom) = rest.first() {
                // A power of one value.
                let power = rest.iter().take_while(|a| **a == atom).count();
                rest = &rest[power..];
                let base = done[atom.0 as usize].as_ref()?.values().iter();
                let raised = base.map(|x| (1..power).fold(*x, |product, _| mul(elem, product, *x)));
                let raised = Possible::of(raised.collect())?;
                part = part.with(&raised, |a, b| mul(elem, a, b))?;
            }
            total = total.with(&part, |a, b| add(elem, a, b))?;
        }
        Some(total)
    }

    fn possible_atom(
        &self,
        atom: Atom,
        values: &[Option<Possible>],
        done: &mut Vec<Option<Possible>>,
    ) -> Option<Possible> {
        if let Some(possible) = &done[atom.0 as usize] {
            return Some(possible.clone());
        }
        let (node, elem, _) = &self.nodes[atom.0 as usize];
        let possible = match node {
            Node::Symbol(symbol) => values.get(symbol.0 as usize)?.clone()?,
            Node::Bits(of, map) => {
                let pick = |word: u128| {
                    map.iter().enumerate().fold(0, |out, (i, from)| match from {
                        Some(from) => out | (word >> from & 1) << i,
                        None => out,
                    })
                };
                let words = self.possible_atom(*of, values, done)?;
                Possible::of(words.values().iter().map(|word| pick(*word)).collect())?
            }
            Node::Function(function, args) => {
                let (mut sets, mut elems) = (Vec::new(), [*elem; 3]);
                for (at, arg) in args.iter().enumerate() {
                    sets.push(self.possible(arg, values, done)?);
                    *elems.get_mut(at)? = arg.elem;
                }
                apply(*function, &sets, elems, *elem)?
            }
        };
        done[atom.0 as usize] = Some(possible.clone());
        Some(possible)
    }
}

/// What a function of any of these can be.
fn apply(function: Function, sets: &[Possible], elems: [Elem; 3], elem: Elem) -> Option<Possible> {
    let combinations = sets.iter().map(|set| set.values().len()).product::<usize>();
    if combinations > COMBINATIONS {
        return None;
    }
    let mut found = Vec::with_capacity(combinations);
    for number in 0..combinations {
        let (mut words, mut rest) = ([0u128; 3], number);
        for (word, set) in words.iter_mut().zip(sets) {
            let values = set.values();
            *word = *values.get(rest % values.len())?;
            rest /= values.len();
        }
        found.push(match function {
            Function::Prim(prim) => crate::machine::evaluate(prim, words, elems, elem),
            Function::Product => mul(elem, words[0], words[1]),
            _ => return None,
        });
    }
    Possible::of(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Symbol;
    use smpc_ir::field::Prime;
    use smpc_ir::local::Prim;

    fn any(values: &[u128]) -> Option<Possible> {
        Possible::of(values.to_vec())
    }

    #[test]
    fn a_factor_that_is_nowhere_0_decides_nothing() {
        let field = Elem::Field(Prime::new(7).unwrap());
        let mut t = Terms::new(64);
        let (s, x, y) = (
            t.symbol(Symbol(0), field),
            t.symbol(Symbol(1), field),
            t.symbol(Symbol(2), field),
        );
        // s·x - s·y is s·(x - y), with one s.
        let (sx, sy) = (t.mul(&s, &x), t.mul(&s, &y));
        let zero = Poly::constant(field, 0);
        let is_zero = t
            .prim(Prim::Eq, &[sx.sub(&sy), zero], Elem::Bits(1))
            .unwrap();
        let nonzero: Vec<u128> = (1..7).collect();
        for x in 0..7 {
            for y in 0..7 {
                let values = [any(&nonzero), any(&[x]), any(&[y])];
                let found = t.possible(&is_zero, &values, &mut Vec::new());
                assert_eq!(found, any(&[u128::from(x == y)]));
            }
        }
        // With 0 among its values it does decide.
        let all: Vec<u128> = (0..7).collect();
        let values = [any(&all), any(&[1]), any(&[3])];
        assert_eq!(t.possible(&is_zero, &values, &mut Vec::new()), any(&[0, 1]));
    }

    #[test]
    fn nothing_that_a_term_can_be_is_left_out() {
        let ring = Elem::Ring(3);
        let mut t = Terms::new(4);
        let (a, b, c) = (
            t.symbol(Symbol(0), ring),
            t.symbol(Symbol(1), ring),
            t.symbol(Symbol(2), ring),
        );
        let square = t.mul(&a, &a);
        let product = t.mul(&square.add(&b), &c.add(&a).add(&b));
        let bits = t.prim(Prim::Cast, &[product], Elem::Bits(3)).unwrap();
        let high = t.prim(
            Prim::BitSlice { start: 1, step: 1 },
            std::slice::from_ref(&bits),
            Elem::Bits(2),
        );
        let high = high.unwrap();
        let wide: Vec<u128> = vec![1, 2, 5];
        for c in 0..8 {
            let values = [any(&wide), any(&[0, 3]), any(&[c])];
            let found = t.possible(&high, &values, &mut Vec::new()).unwrap();
            for a in &wide {
                for b in [0, 3] {
                    let exact = t.evaluate(&high, &[*a, b, c], &mut Vec::new()).unwrap();
                    assert!(found.values().contains(&exact), "{a} {b} {c}");
                }
            }
        }
        // A square is the square of one value.
        let values = [any(&[0, 1, 2, 3, 4, 5, 6, 7]), None, None];
        let found = t.possible(&square, &values, &mut Vec::new());
        assert_eq!(found, any(&[0, 1, 4]));
    }
}
