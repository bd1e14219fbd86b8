//! Operations on terms: element-wise ones, picked bits, rows in another order.

use super::{Atom, Function, Monomial, Node, Poly, Support, Symbol, Terms};
use crate::element::{inverse, is_bits, mask, one, width};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use std::collections::BTreeMap;

impl Terms {
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
            let value = pick_word(value);
            if let (true, [atom]) = (value != 0, &monomial[..]) {
                let product = self.pick_atom(*atom, map, elem);
                result.accumulate(&product, value);
            } else if value != 0 {
                let mut product = Poly::one(elem);
                for &atom in monomial {
                    let factor = self.pick_atom(atom, map, elem);
                    product = self.mul(&product, &factor);
                }
                result.accumulate(&product, value);
            }
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
            Prim::Not if !matches!(elem, Elem::Field(_)) => {
                same(1)?;
                // ~a is a + 11…1 over bits and -a - 1 modulo 2^k.
                args[0].neg().add(&Poly::constant(elem, -1))
            }
            Prim::Shl if matches!(elem, Elem::Ring(_)) => {
                same(1)?;
                match args[1].as_constant() {
                    Some(by) if by < 128 => args[0].scale((1 << by) & mask(elem)),
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
            Prim::Div if matches!(elem, Elem::Field(_)) => {
                same(2)?;
                match args[1].as_constant().and_then(|by| inverse(elem, by)) {
                    Some(by) => args[0].scale(by),
                    None => opaque(self),
                }
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

    /// The symbols by which a term is the rows of another in another order, one after the other: each a permutation or
    /// one whose inverse is taken. `None` if it is not; no symbols if it is the other term.
    pub fn reordered_by(&self, poly: &Poly, from: &Poly) -> Option<Vec<Symbol>> {
        let (mut rest, mut by) = (poly, Vec::new());
        while rest != from {
            let Some(Node::Function(Function::Gather, args)) = self.alone(rest) else {
                return None;
            };
            let [rows, order] = args.as_slice() else {
                return None;
            };
            by.push(self.permutation_in(order)?);
            rest = rows;
        }
        Some(by)
    }

    /// The rows that a term puts in the order of permutations; itself if it does not.
    pub fn unordered(&self, poly: &Poly) -> Poly {
        let mut rest = poly;
        while let Some(Node::Function(Function::Gather, args)) = self.alone(rest)
            && let [rows, order] = args.as_slice()
            && self.permutation_in(order).is_some()
        {
            rest = rows;
        }
        rest.clone()
    }

    /// The permutation that a term is, or is the inverse of.
    fn permutation_in(&self, poly: &Poly) -> Option<Symbol> {
        match self.alone(poly)? {
            Node::Symbol(symbol) => Some(*symbol),
            Node::Function(Function::InversePermutation, args) => match args.as_slice() {
                [order] => self.permutation_in(order),
                _ => None,
            },
            _ => None,
        }
    }

    /// The arguments, if a term is one digest.
    pub fn digest_of(&self, poly: &Poly) -> Option<&[Poly]> {
        match self.alone(poly)? {
            Node::Function(Function::Digest, args) => Some(args),
            _ => None,
        }
    }

    /// What a seed is expanded to, and the seed, if a term is that.
    pub fn expansion(&self, poly: &Poly) -> Option<(Atom, Poly)> {
        let Node::Function(Function::Expand, args) = self.alone(poly)? else {
            return None;
        };
        let atom = poly.terms.keys().next()?.first()?;
        Some((*atom, args.first()?.clone()))
    }

    /// The symbol, if a term is one.
    pub fn is_symbol(&self, poly: &Poly) -> Option<Symbol> {
        match self.alone(poly)? {
            Node::Symbol(symbol) => Some(*symbol),
            _ => None,
        }
    }

    /// The digests that stand in a sum by themselves: the arguments of each.
    pub fn digests_in(&self, poly: &Poly) -> Vec<Vec<Poly>> {
        let mut found = Vec::new();
        for monomial in poly.terms.keys() {
            if let [atom] = monomial[..]
                && let Node::Function(Function::Digest, args) = &self.nodes[atom.0 as usize].0
            {
                found.push(args.clone());
            }
        }
        found
    }

    /// For the sum or difference of two digests, the differences of their arguments.
    pub fn digested(&self, poly: &Poly) -> Option<Vec<Poly>> {
        let found = self.digests_in(poly);
        let [a, b] = found.as_slice() else {
            return None;
        };
        let alike = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.elem == b.elem);
        let whole = poly.terms.len() == 2 && is_bits(poly.elem) && alike;
        whole.then(|| a.iter().zip(b).map(|(a, b)| a.sub(b)).collect())
    }

    /// A term as one sum over an axis, and what stands outside of sums; `None` if there is no sum, or
    /// one with a factor that is no number.
    pub fn as_sum(&self, poly: &Poly) -> Option<(u8, Poly, Poly)> {
        let mut found: Option<(u8, Poly)> = None;
        let mut outside = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let mut sums =
                monomial
                    .iter()
                    .filter_map(|atom| match &self.nodes[atom.0 as usize].0 {
                        Node::Function(Function::Sum(axis), args) => Some((*axis, args.first()?)),
                        _ => None,
                    });
            match (sums.next_back(), monomial.len()) {
                (None, _) => outside.insert(monomial.clone(), value),
                (Some((axis, arg)), 1) => {
                    let part = arg.scale(value);
                    found = match found {
                        None => Some((axis, part)),
                        Some((first, sum)) if first == axis => Some((axis, sum.add(&part))),
                        Some(_) => return None,
                    };
                }
                (Some(_), _) => return None,
            }
        }
        found.map(|(axis, inside)| (axis, inside, outside))
    }

    /// Whether a symbol stands inside of a function.
    pub fn is_inside(&self, poly: &Poly, symbol: Symbol) -> bool {
        poly.terms.keys().flatten().any(|atom| {
            let (node, _, support) = &self.nodes[atom.0 as usize];
            !matches!(node, Node::Symbol(_)) && support.contains(symbol)
        })
    }

    /// A term as a polynomial in some symbols: the degree of each monomial and its coefficient.
    /// `None` if one of them stands inside of a function.
    pub fn split(&self, poly: &Poly, symbols: &Support) -> Option<Vec<(usize, Poly)>> {
        let mut parts: BTreeMap<Vec<Atom>, Poly> = BTreeMap::new();
        for (monomial, &value) in &poly.terms {
            let (mut inside, mut outside) = (Vec::new(), Vec::new());
            for &atom in monomial {
                let (node, _, support) = &self.nodes[atom.0 as usize];
                match node {
                    Node::Symbol(symbol) if symbols.contains(*symbol) => inside.push(atom),
                    _ if support.meets(symbols) => return None,
                    _ => outside.push(atom),
                }
            }
            let part = parts
                .entry(inside)
                .or_insert_with(|| Poly::constant(poly.elem, 0));
            part.insert(outside.into(), value);
        }
        let parts = parts.into_iter();
        Some(parts.map(|(symbols, part)| (symbols.len(), part)).collect())
    }

    /// Two linear forms whose product a polynomial in symbols is: for each symbol of one monomial, what stands
    /// beside it. Multiplied out again, so nothing needs to be believed.
    pub fn factors(&self, poly: &Poly) -> Option<(Poly, Poly)> {
        let (first, &unit) = poly.terms.iter().next()?;
        let [a, b] = first[..] else { return None };
        let unit = inverse(poly.elem, unit)?;
        let beside = |atom: Atom| {
            let mut form = Poly::constant(poly.elem, 0);
            for (monomial, &value) in &poly.terms {
                match monomial[..] {
                    [x, y] if x == atom => form.insert(Monomial::of(y), value),
                    [x, y] if y == atom => form.insert(Monomial::of(x), value),
                    _ => {}
                }
            }
            form
        };
        let (left, right) = (beside(b), beside(a).scale(unit));
        let mut terms = self.clone();
        (terms.mul(&left, &right) == *poly).then_some((left, right))
    }

    /// The atom that is the whole term.
    fn alone(&self, poly: &Poly) -> Option<&Node> {
        let mut terms = poly.terms.iter();
        let (monomial, coefficient) = terms.next()?;
        let [atom] = &monomial[..] else {
            return None;
        };
        let whole = terms.next().is_none() && *coefficient == one(poly.elem);
        whole.then(|| &self.nodes[atom.0 as usize].0)
    }

    /// Whether an atom is one element whatever the shape of the operands.
    pub(super) fn is_scalar(&self, atom: Atom) -> bool {
        match &self.nodes[atom.0 as usize].0 {
            Node::Symbol(symbol) => self.scalars.contains(*symbol),
            Node::Bits(of, _) => self.is_scalar(*of),
            Node::Function(Function::Sum(_) | Function::Digest, _) => true,
            Node::Function(Function::Prim(_) | Function::Product, args) => args
                .iter()
                .flat_map(|arg| arg.terms.keys().flatten())
                .all(|atom| self.is_scalar(*atom)),
            Node::Function(..) => false,
        }
    }

    /// The permutation whose inverse a term is.
    fn inverse_of(&self, order: &Poly) -> Option<&Poly> {
        match self.alone(order)? {
            Node::Function(Function::InversePermutation, args) => args.first(),
            _ => None,
        }
    }

    /// The factors of a summand in an order of rows without inverses: a sum over rows is the same in
    /// every order, so Σ a[π⁻¹]·b is Σ a·b[π].
    fn forward(&mut self, mut atoms: Vec<Atom>) -> Vec<Atom> {
        // Each turn takes one inverse away.
        for _ in 0..8 {
            let found = atoms.iter().find_map(|atom| {
                match &self.nodes[atom.0 as usize].0 {
                    Node::Function(Function::Gather, args) => args.get(1),
                    _ => None,
                }
                .and_then(|order| self.inverse_of(order))
                .cloned()
            });
            let Some(order) = found else { break };
            let mut turned = Vec::new();
            for atom in atoms {
                let term = self.single(atom);
                let term = self.gather(&term, &order);
                turned.extend(term.terms.keys().flatten());
            }
            turned.sort_unstable();
            atoms = turned;
        }
        atoms
    }

    /// The factors of a summand whose rows are all in one order, without it: a sum over rows is the same in every order,
    /// so Σ a[π]·b[π] is Σ a·b.
    fn ordered(&self, mut atoms: Vec<Atom>) -> Vec<Atom> {
        loop {
            let gathered = |atom: &Atom| match &self.nodes[atom.0 as usize].0 {
                Node::Function(Function::Gather, args) => Some((args.first()?, args.get(1)?)),
                _ => None,
            };
            let all: Option<Vec<(&Poly, &Poly)>> = atoms.iter().map(gathered).collect();
            let Some(all) = all.filter(|all| !all.is_empty()) else {
                return atoms;
            };
            let mut inside = Vec::new();
            for (rows, order) in &all {
                let mut terms = rows.terms.iter();
                let (Some((monomial, value)), None) = (terms.next(), terms.next()) else {
                    return atoms;
                };
                if *order != all[0].1 || *value != one(rows.elem) {
                    return atoms;
                }
                inside.extend(monomial.iter().copied());
            }
            inside.sort_unstable();
            atoms = inside;
        }
    }

    /// The sum over an axis. Linear, so it is pushed down to the monomials, and what is one element
    /// whatever the shape stands outside.
    pub fn sum(&mut self, poly: &Poly, axis: u8) -> Poly {
        let mut result = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let (scalars, rest): (Vec<Atom>, Vec<Atom>) =
                monomial.iter().partition(|atom| self.is_scalar(**atom));
            let rest = self.forward(rest);
            let mut rest = self.ordered(rest);
            if is_bits(poly.elem) {
                rest.dedup();
            }
            let mut inside = Poly::constant(poly.elem, 0);
            inside.insert(rest.into(), one(poly.elem));
            let mut product = self.function(Function::Sum(axis), vec![inside], poly.elem);
            for atom in scalars {
                let factor = self.single(atom);
                product = self.mul(&product, &factor);
            }
            result.accumulate(&product, value);
        }
        result
    }

    /// Rows of a term in the order of a permutation. Linear, so it is pushed down to the monomials; an
    /// order and its inverse are none.
    pub fn gather(&mut self, poly: &Poly, order: &Poly) -> Poly {
        let mut result = Poly::constant(poly.elem, 0);
        for (monomial, &value) in &poly.terms {
            let mut term = Poly::constant(poly.elem, 0);
            term.insert(monomial.clone(), one(poly.elem));
            if !monomial.is_empty() {
                term = match self.turned_back(monomial, order) {
                    Some(before) => before,
                    None => self.function(Function::Gather, vec![term, order.clone()], poly.elem),
                };
            }
            result.accumulate(&term, value);
        }
        result
    }

    /// What a monomial was before its rows were put into the order of which this is the inverse.
    fn turned_back(&self, monomial: &[Atom], order: &Poly) -> Option<Poly> {
        let [atom] = monomial else { return None };
        let Node::Function(Function::Gather, args) = &self.nodes[atom.0 as usize].0 else {
            return None;
        };
        let [rows, first] = args.as_slice() else {
            return None;
        };
        let back = self.inverse_of(first) == Some(order) || self.inverse_of(order) == Some(first);
        back.then(|| rows.clone())
    }
}
