//! Ring terms: polynomials over symbols, in a shared graph.
//!
//! A term of Z[2^k] is a polynomial with coefficients modulo 2^k; a term of Bits[m] is a
//! polynomial over m-bit vectors, where a·a = a and coefficients are masks. What is no polynomial
//! (shifts of rings, comparisons, conversions) is an opaque function atom with terms as arguments;
//! so is a product with too many monomials. Equal atoms are one atom, so that two parties who
//! apply one function to one value have one term. Equality of terms is sound and not complete.

mod display;
mod evaluate;
#[cfg(test)]
mod tests;

use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use std::collections::{BTreeMap, HashMap};

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
    terms: BTreeMap<Vec<Atom>, u128>,
}

/// The width of an element.
pub fn width(elem: Elem) -> u8 {
    elem.wire_bits()
}

/// All ones in the width of an element.
pub fn mask(elem: Elem) -> u128 {
    match width(elem) {
        0 => 0,
        m if m >= 128 => u128::MAX,
        m => (1 << m) - 1,
    }
}

fn is_bits(elem: Elem) -> bool {
    matches!(elem, Elem::Bits(_))
}

impl Poly {
    /// A literal.
    pub fn constant(elem: Elem, value: i128) -> Self {
        let mut poly = Self {
            elem,
            terms: BTreeMap::new(),
        };
        poly.insert(Vec::new(), value as u128);
        poly
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
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    fn insert(&mut self, monomial: Vec<Atom>, value: u128) {
        let mask = mask(self.elem);
        let value = value & mask;
        if value == 0 {
            return;
        }
        match self.terms.entry(monomial) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(value);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let sum = if is_bits(self.elem) {
                    *entry.get() ^ value
                } else {
                    entry.get().wrapping_add(value) & mask
                };
                if sum == 0 {
                    entry.remove();
                } else {
                    *entry.get_mut() = sum;
                }
            }
        }
    }

    /// The sum.
    pub fn add(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for (monomial, &value) in &other.terms {
            sum.insert(monomial.clone(), value);
        }
        sum
    }

    /// The negative; itself over bits.
    pub fn neg(&self) -> Self {
        if is_bits(self.elem) {
            return self.clone();
        }
        self.scale(u128::MAX)
    }

    /// The difference.
    pub fn sub(&self, other: &Self) -> Self {
        self.add(&other.neg())
    }

    /// The product with a literal: a number modulo 2^k, a mask of bits.
    pub fn scale(&self, factor: u128) -> Self {
        let mut product = Self {
            elem: self.elem,
            terms: BTreeMap::new(),
        };
        for (monomial, &value) in &self.terms {
            let value = if is_bits(self.elem) {
                value & factor
            } else {
                value.wrapping_mul(factor)
            };
            product.insert(monomial.clone(), value);
        }
        product
    }
}

/// An integer as a coefficient: itself modulo 2^k; its parity as a mask of bits.
pub fn coefficient(elem: Elem, value: i128) -> u128 {
    match elem {
        Elem::Bits(_) if value & 1 == 1 => mask(elem),
        Elem::Bits(_) => 0,
        _ => value as u128 & mask(elem),
    }
}

/// The inverse of a coefficient that has one.
pub fn inverse(elem: Elem, value: u128) -> Option<u128> {
    match elem {
        Elem::Bits(_) => (value == mask(elem)).then_some(value),
        Elem::Ring(_) if value & 1 == 1 => {
            // Newton: each step doubles the number of correct low bits, and v·v = 1 modulo 8.
            let mut x = value;
            for _ in 0..7 {
                x = x.wrapping_mul(2u128.wrapping_sub(value.wrapping_mul(x)));
            }
            Some(x & mask(elem))
        }
        _ => None,
    }
}

/// The shared graph of atoms.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    nodes: Vec<(Node, Elem, Support)>,
    index: HashMap<(Node, Elem), Atom>,
    limit: usize,
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
            terms: BTreeMap::from([(vec![atom], if is_bits(elem) { mask(elem) } else { 1 })]),
        }
    }

    /// A symbol as a term.
    pub fn symbol(&mut self, symbol: Symbol, elem: Elem) -> Poly {
        let atom = self.atom(Node::Symbol(symbol), elem);
        self.single(atom)
    }

    /// The symbols that occur.
    pub fn support(&self, poly: &Poly) -> Support {
        let mut support = Support::default();
        for atom in poly.terms.keys().flatten() {
            support.extend(&self.nodes[atom.0 as usize].2);
        }
        support
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
        let mut product = Poly::constant(a.elem, 0);
        for (left, &x) in &a.terms {
            for (right, &y) in &b.terms {
                let mut monomial: Vec<Atom> = left.iter().chain(right).copied().collect();
                monomial.sort_unstable();
                if bits {
                    monomial.dedup();
                }
                let value = if bits { x & y } else { x.wrapping_mul(y) };
                product.insert(monomial, value);
            }
        }
        product
    }

    /// Picks bits: bit i of the result is bit `map[i]` of the term, or 0. A homomorphism of both
    /// operations, so it is pushed down to the atoms.
    pub fn pick(&mut self, poly: &Poly, map: &[Option<u8>], elem: Elem) -> Poly {
        let pick_word = |word: u128| {
            map.iter()
                .enumerate()
                .fold(0u128, |out, (i, from)| match from {
                    Some(from) if *from < 128 => out | (word >> from & 1) << i,
                    _ => out,
                })
        };
        let mut result = Poly::constant(elem, 0);
        for (monomial, &value) in &poly.terms {
            let mut product = Poly::constant(elem, -1);
            for &atom in monomial {
                let factor = self.pick_atom(atom, map, elem);
                product = self.mul(&product, &factor);
            }
            result = result.add(&product.scale(pick_word(value)));
        }
        result
    }

    fn pick_atom(&mut self, atom: Atom, map: &[Option<u8>], elem: Elem) -> Poly {
        let (node, from, _) = &self.nodes[atom.0 as usize];
        let inside = |bit: u8| (bit < width(*from)).then_some(bit);
        let (of, map): (Atom, Vec<Option<u8>>) = match node {
            Node::Bits(of, inner) => (
                *of,
                map.iter()
                    .map(|bit| bit.and_then(|b| inner.get(usize::from(b)).copied().flatten()))
                    .collect(),
            ),
            _ => (atom, map.iter().map(|bit| bit.and_then(inside)).collect()),
        };
        if map.iter().all(Option::is_none) {
            return Poly::constant(elem, 0);
        }
        let source = self.nodes[of.0 as usize].1;
        let identity =
            source == elem && map.iter().enumerate().all(|(i, bit)| *bit == Some(i as u8));
        if identity {
            return self.single(of);
        }
        let atom = self.atom(Node::Bits(of, map), elem);
        self.single(atom)
    }

    /// An element-wise operation; `None` if the number or the types of the arguments do not fit.
    pub fn prim(&mut self, prim: Prim, args: &[Poly], elem: Elem) -> Option<Poly> {
        if args.len() != prim.arity() {
            return None;
        }
        let same = |count: usize| args[..count].iter().all(|a| a.elem == elem).then_some(());
        let opaque = |terms: &mut Self| terms.function(Function::Prim(prim), args.to_vec(), elem);
        let from = args[0].elem;
        Some(match prim {
            Prim::Add => {
                same(2)?;
                args[0].add(&args[1])
            }
            Prim::Sub => {
                same(2)?;
                args[0].sub(&args[1])
            }
            Prim::Mul => {
                same(2)?;
                self.mul(&args[0], &args[1])
            }
            Prim::Neg => {
                same(1)?;
                args[0].neg()
            }
            Prim::Not => {
                same(1)?;
                // ~a is a + 11…1 over bits and -a - 1 modulo 2^k.
                args[0].neg().add(&Poly::constant(elem, -1))
            }
            Prim::Shl if matches!(elem, Elem::Ring(_)) => {
                same(1)?;
                match args[1].as_constant() {
                    Some(by) if by < 128 => args[0].scale(1 << by),
                    Some(_) => Poly::constant(elem, 0),
                    None if args[0].as_constant() == Some(1) => opaque(self),
                    None => {
                        let one = Poly::constant(elem, 1);
                        let power = vec![one, args[1].clone()];
                        let power = self.function(Function::Prim(Prim::Shl), power, elem);
                        self.mul(&args[0], &power)
                    }
                }
            }
            Prim::Shl | Prim::ShrLogical if is_bits(elem) => {
                same(1)?;
                match args[1].as_constant() {
                    Some(by) => {
                        let by = i16::from(u8::try_from(by).unwrap_or(u8::MAX));
                        let by = if prim == Prim::Shl { -by } else { by };
                        let map: Vec<Option<u8>> = (0..width(elem))
                            .map(|bit| u8::try_from(i16::from(bit) + by).ok())
                            .collect();
                        self.pick(&args[0], &map, elem)
                    }
                    None => opaque(self),
                }
            }
            Prim::BitSlice { start, step } if is_bits(elem) && is_bits(from) => {
                let map: Vec<Option<u8>> = (0..i16::from(width(elem)))
                    .map(|i| u8::try_from(i16::from(start) + i * i16::from(step)).ok())
                    .collect();
                self.pick(&args[0], &map, elem)
            }
            Prim::Cast if from == elem => args[0].clone(),
            Prim::Cast if is_bits(elem) && is_bits(from) => {
                let map: Vec<Option<u8>> = (0..width(elem)).map(Some).collect();
                self.pick(&args[0], &map, elem)
            }
            Prim::Select => {
                if args[1].elem != elem || args[2].elem != elem {
                    return None;
                }
                opaque(self)
            }
            _ => opaque(self),
        })
    }

    /// Rows of a term in the order of a permutation. Linear, so it is pushed down to the monomials.
    pub fn gather(&mut self, poly: &Poly, order: &Poly) -> Poly {
        let mut result = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let one = if is_bits(poly.elem) { u128::MAX } else { 1 };
            let mut term = Poly::constant(poly.elem, 0);
            term.insert(monomial.clone(), one);
            if !monomial.is_empty() {
                term = self.function(Function::Gather, vec![term, order.clone()], poly.elem);
            }
            result = result.add(&term.scale(value));
        }
        result
    }

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

    /// For a term u·s + e with u invertible and s not in e: u⁻¹·(t - e), the value of s in which
    /// the term equals t.
    pub fn solve(&mut self, poly: &Poly, symbol: Symbol, target: &Poly) -> Option<Poly> {
        let atom = *self.index.get(&(Node::Symbol(symbol), poly.elem))?;
        let mut rest = poly.clone();
        let unit = inverse(poly.elem, rest.terms.remove(&vec![atom])?)?;
        if self.support(&rest).contains(symbol) || target.elem != poly.elem {
            return None;
        }
        Some(target.sub(&rest).scale(unit))
    }

    /// A symbol replaced by a term everywhere.
    pub fn substitute(&mut self, poly: &Poly, symbol: Symbol, by: &Poly) -> Poly {
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
            let mut product = Poly::constant(poly.elem, if is_bits(poly.elem) { -1 } else { 1 });
            for &atom in monomial {
                let factor = self.replace_atom(atom, symbol, by, done);
                product = self.mul(&product, &factor);
            }
            result = result.add(&product.scale(value));
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
