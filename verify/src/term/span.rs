//! What follows from terms by linear combination.

use super::{Monomial, Poly, Support, Terms};
use crate::element::{add, inverse, mul, neg};
use smpc_ir::party::Elem;
use std::collections::BTreeMap;

/// Terms that somebody has, reduced against each other. Monomials of symbols that it knows anyway do not
/// count.
#[derive(Debug)]
pub struct Span {
    known: Support,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// It stands in no earlier row's remainder, with coefficient 1 in this one.
    pivot: Monomial,
    term: Poly,
    by: BTreeMap<u32, u128>,
}

impl Span {
    /// Nothing yet, to whom so many symbols are known.
    pub fn new(known: Support) -> Self {
        Self {
            known,
            rows: Vec::new(),
        }
    }

    /// A term less combinations of rows, and these as a combination of what was inserted.
    fn reduce(&self, terms: &Terms, term: &Poly) -> (Poly, BTreeMap<u32, u128>) {
        let mut rest = Poly::constant(term.elem, 0);
        for (monomial, &value) in &term.terms {
            let mut support = Support::default();
            for atom in monomial {
                support.extend(&terms.nodes[atom.0 as usize].2);
            }
            if support.iter().any(|symbol| !self.known.contains(symbol)) {
                rest.insert(monomial.clone(), value);
            }
        }
        let mut by = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.term.elem == term.elem) {
            let Some(&factor) = rest.terms.get(&row.pivot) else {
                continue;
            };
            let factor = neg(term.elem, factor);
            rest.accumulate(&row.term, factor);
            for (number, value) in &row.by {
                accumulate(&mut by, *number, mul(term.elem, *value, factor), term.elem);
            }
        }
        (rest, by)
    }

    /// One more term, by a number.
    pub fn insert(&mut self, terms: &Terms, number: u32, term: &Poly) {
        let (rest, mut by) = self.reduce(terms, term);
        let pivot = rest
            .terms
            .iter()
            .find_map(|(monomial, &value)| Some((monomial.clone(), inverse(term.elem, value)?)));
        // Without an invertible coefficient nothing can be divided by it.
        let Some((pivot, unit)) = pivot else { return };
        accumulate(&mut by, number, super::one(term.elem), term.elem);
        for value in by.values_mut() {
            *value = mul(term.elem, *value, unit);
        }
        self.rows.push(Row {
            pivot,
            term: rest.scale(unit),
            by,
        });
    }

    /// Multiples of what was inserted that, added to a term, leave only known symbols.
    pub fn express(&self, terms: &Terms, term: &Poly) -> Option<Vec<(u32, u128)>> {
        let (rest, by) = self.reduce(terms, term);
        rest.is_zero().then(|| by.into_iter().collect())
    }
}

fn accumulate(by: &mut BTreeMap<u32, u128>, number: u32, value: u128, elem: Elem) {
    let slot = by.entry(number).or_insert(0);
    *slot = add(elem, *slot, value);
    if *slot == 0 {
        by.remove(&number);
    }
}
