//! Ring terms: polynomials over symbols, in a shared graph.
//!
//! A term of Z[2^k] or of a prime field is a polynomial with coefficients of that ring; a term of Bits[m] is a
//! polynomial over m-bit vectors, where a·a = a and coefficients are masks. What is no polynomial
//! (shifts of rings, comparisons, conversions) is an opaque function atom with terms as arguments;
//! so is a product with too many monomials. Equal atoms are one atom, so that two parties who
//! apply one function to one value have one term. Equality of terms is sound and not complete.

mod degree;
mod display;
mod evaluate;
mod factor;
mod given;
mod linear;
mod operations;
mod possible;
mod range;
mod span;
mod substitute;
mod sum;
#[cfg(test)]
mod tests;
mod varied;

use crate::element::{is_bits, literal, mul, neg, one};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub(crate) use given::Given;
pub(crate) use linear::Bit;
pub use possible::Possible;
pub use span::Span;
use sum::{Monomial, Sum};
pub(crate) use varied::{Known, Varied};

/// An unknown: a secret, a coin, or a uniform value that replaced a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// Values of symbols, by their numbers.
pub type Values = [u128];

/// An atom by its position in [`Terms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom(u32);

/// A function with no polynomial form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// An element-wise operation.
    Prim(Prim),
    /// A product left unexpanded.
    Product,
    /// Rows of the first argument in the order of the second.
    Gather,
    /// The inverse of a permutation.
    InversePermutation,
    /// A sum over an axis.
    Sum(u8),
    /// A digest: equal ones are of equal arguments.
    Digest,
    /// Elements expanded from a seed: one function, of which nothing else is known.
    Expand,
    /// A function of which nothing is known.
    Unknown,
}

/// What an atom stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Symbol(Symbol),
    /// Bits of a symbol or function of `Bits`: for each bit of this atom the bit of the other, or 0.
    Bits(Atom, Vec<Option<u8>>),
    Function(Function, Vec<Poly>),
}

/// A hash for the index of atoms, which are small numbers that nobody chooses to collide.
#[derive(Clone, Copy, Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        // The multiplier is that of the golden ratio.
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(value as u64);
        self.write_u64((value >> 64) as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}

/// A set of symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Support(Vec<u64>);

impl Support {
    /// Whether the symbol is in the set.
    pub fn contains(&self, symbol: Symbol) -> bool {
        let (word, bit) = (symbol.0 as usize / 64, symbol.0 % 64);
        self.0.get(word).is_some_and(|w| w >> bit & 1 == 1)
    }

    /// Adds a symbol.
    pub fn insert(&mut self, symbol: Symbol) {
        let (word, bit) = (symbol.0 as usize / 64, symbol.0 % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    /// Adds a set.
    pub fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    /// Takes a symbol out.
    pub fn remove(&mut self, symbol: Symbol) {
        if let Some(word) = self.0.get_mut(symbol.0 as usize / 64) {
            *word &= !(1 << (symbol.0 % 64));
        }
    }

    /// The members of both.
    pub fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    /// The members that are not in the other set.
    pub fn without(&self, other: &Self) -> Self {
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        Self(self.0.iter().zip(others).map(|(a, b)| a & !b).collect())
    }

    /// Whether the sets meet.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Symbol> + '_ {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| Symbol((word * 64 + bit) as u32))
        })
    }
}

/// A polynomial in normal form: sorted monomials, no zero coefficient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Poly {
    elem: Elem,
    terms: Sum,
}

impl Poly {
    /// A literal.
    pub fn constant(elem: Elem, value: i128) -> Self {
        let terms = Sum::single(Monomial::from(&[][..]), literal(elem, value));
        Self { elem, terms }
    }

    /// The one of multiplication.
    pub fn one(elem: Elem) -> Self {
        let terms = Sum::single(Monomial::from(&[][..]), one(elem));
        Self { elem, terms }
    }

    /// The element type.
    pub fn elem(&self) -> Elem {
        self.elem
    }

    /// How many monomials.
    pub fn monomials(&self) -> usize {
        self.terms.len()
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The value, if no symbol occurs.
    pub fn as_constant(&self) -> Option<u128> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&[]).copied(),
            _ => None,
        }
    }

    /// Adds a monomial with a coefficient, which is a word of the element type.
    fn insert(&mut self, monomial: Monomial, value: u128) {
        self.terms.insert(self.elem, monomial, value);
    }

    /// Adds a multiple of another term.
    fn accumulate(&mut self, other: &Self, factor: u128) {
        self.terms.accumulate(self.elem, &other.terms, factor);
    }

    /// The sum.
    pub fn add(&self, other: &Self) -> Self {
        let (short, long) = match self.monomials() < other.monomials() {
            true => (self, other),
            false => (other, self),
        };
        let mut sum = long.clone();
        sum.accumulate(short, one(self.elem));
        sum
    }

    /// The negative; itself over bits.
    pub fn neg(&self) -> Self {
        if is_bits(self.elem) {
            return self.clone();
        }
        self.scale(neg(self.elem, one(self.elem)))
    }

    /// The difference.
    pub fn sub(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        let minus = match is_bits(self.elem) {
            true => one(self.elem),
            false => neg(self.elem, one(self.elem)),
        };
        difference.accumulate(other, minus);
        difference
    }

    /// Of a multiple of 2^n in Z[2^m], what it is that multiple of, as a signed number of m - n bits.
    pub(crate) fn divided(&self, twos: u8) -> Option<Self> {
        let Elem::Ring(bits) = self.elem else {
            return None;
        };
        let mut divided = Self::constant(self.elem, 0);
        for (monomial, &value) in &self.terms {
            if value.trailing_zeros() < u32::from(twos) {
                return None;
            }
            let negative = value >> (bits - 1) & 1 == 1;
            let value = match negative {
                true => neg(self.elem, neg(self.elem, value) >> twos),
                false => value >> twos,
            };
            divided.insert(monomial.clone(), value);
        }
        Some(divided)
    }

    /// The product with a word of the element type: a number, a mask of bits.
    pub fn scale(&self, factor: u128) -> Self {
        if factor == one(self.elem) {
            return self.clone();
        }
        let mut product = Self::constant(self.elem, 0);
        product.accumulate(self, factor);
        product
    }
}

/// The shared graph of atoms.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    nodes: Vec<(Node, Elem, Support)>,
    index: HashMap<(Node, Elem), Atom, BuildHasherDefault<Mix>>,
    limit: usize,
    /// Symbols that are one element whatever the shape of the operands.
    scalars: Support,
    /// Pairs of monomials that may still be multiplied.
    budget: usize,
}

impl Terms {
    /// An empty graph that expands products up to so many pairs of monomials.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            budget: usize::MAX,
            ..Self::default()
        }
    }

    /// Expands no product any more after so many pairs of monomials.
    pub fn with_budget(mut self, budget: usize) -> Self {
        self.budget = budget;
        self
    }

    fn atom(&mut self, node: Node, elem: Elem) -> Atom {
        let key = (node, elem);
        if let Some(&atom) = self.index.get(&key) {
            return atom;
        }
        let mut support = Support::default();
        match &key.0 {
            Node::Symbol(symbol) => support.insert(*symbol),
            Node::Bits(of, _) => support.extend(&self.nodes[of.0 as usize].2),
            Node::Function(_, args) => {
                for arg in args {
                    support.extend(&self.support(arg));
                }
            }
        }
        let atom = Atom(self.nodes.len() as u32);
        self.nodes.push((key.0.clone(), elem, support));
        self.index.insert(key, atom);
        atom
    }

    fn single(&self, atom: Atom) -> Poly {
        let elem = self.nodes[atom.0 as usize].1;
        Poly {
            elem,
            terms: Sum::single(Monomial::of(atom), one(elem)),
        }
    }

    /// A symbol as a term.
    pub fn symbol(&mut self, symbol: Symbol, elem: Elem) -> Poly {
        let atom = self.atom(Node::Symbol(symbol), elem);
        self.single(atom)
    }

    /// Says that a symbol is one element whatever the shape of the operands.
    pub fn scalar(&mut self, symbol: Symbol) {
        self.scalars.insert(symbol);
    }

    /// The symbols that occur.
    pub fn support(&self, poly: &Poly) -> Support {
        let mut support = Support::default();
        for atom in poly.terms.keys().flat_map(|m| m.iter()) {
            support.extend(&self.nodes[atom.0 as usize].2);
        }
        support
    }

    /// How many monomials have one of these symbols in them.
    pub(crate) fn monomials_of(&self, poly: &Poly, symbols: &Support) -> usize {
        let has = |atom: &Atom| self.nodes[atom.0 as usize].2.meets(symbols);
        poly.terms.keys().filter(|m| m.iter().any(has)).count()
    }

    /// Whether every atom is a symbol or bits of one: an identity of such terms is one of polynomials.
    pub fn is_polynomial(&self, poly: &Poly) -> bool {
        poly.terms
            .keys()
            .flatten()
            .all(|atom| match self.nodes[atom.0 as usize].0 {
                Node::Symbol(_) => true,
                Node::Bits(of, _) => matches!(self.nodes[of.0 as usize].0, Node::Symbol(_)),
                Node::Function(..) => false,
            })
    }

    /// A function of terms, opaque.
    pub fn function(&mut self, function: Function, args: Vec<Poly>, elem: Elem) -> Poly {
        let atom = self.atom(Node::Function(function, args), elem);
        self.single(atom)
    }

    /// The product: expanded if short, else an atom.
    pub fn mul(&mut self, a: &Poly, b: &Poly) -> Poly {
        if let Some(factor) = a.as_constant() {
            return b.scale(factor);
        }
        if let Some(factor) = b.as_constant() {
            return a.scale(factor);
        }
        let pairs = a.monomials() * b.monomials();
        if pairs > self.limit.min(self.budget) {
            // Products commute; the order of the monomials is that of the atoms.
            let (a, b) = if a.terms <= b.terms { (a, b) } else { (b, a) };
            return self.function(Function::Product, vec![a.clone(), b.clone()], a.elem);
        }
        self.budget -= pairs;
        let bits = is_bits(a.elem);
        let mut entries = Vec::with_capacity(pairs);
        let mut monomial: Vec<Atom> = Vec::new();
        for (left, &x) in &a.terms {
            for (right, &y) in &b.terms {
                monomial.clear();
                monomial.extend(left.iter().chain(right));
                monomial.sort_unstable();
                if bits {
                    monomial.dedup();
                }
                entries.push((Monomial::from(monomial.as_slice()), mul(a.elem, x, y)));
            }
        }
        Poly {
            elem: a.elem,
            terms: Sum::collect(a.elem, entries),
        }
    }
}
