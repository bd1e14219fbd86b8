//! The linear algebra of sharings: which components follow from which.
//!
//! A sharing of v is `constant * v` plus each of the `masks` times a coin of its own. Given the
//! value, so many components as there are coins are free, and every other component is a linear
//! combination of the value and of these. Where the free ones are uniform so are the coins, and
//! the other way round.

use crate::element::{add, coefficient, inverse, is_bits, mul, neg, one, sub};
use smpc_ir::flat::Sharing;
use smpc_ir::party::{Elem, PartySet};

/// The components of a sharing by the value and by components that determine the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Positions of the components that, with the value, determine all.
    pub free: Vec<usize>,
    /// For each component its coefficient of the value, then those of the free components.
    pub rows: Vec<Vec<u128>>,
    /// Whether the components held determine the value.
    pub open: bool,
}

/// For each component its coefficients: of the value, then of each coin.
pub(crate) fn matrix(sharing: &Sharing) -> Vec<Vec<u128>> {
    let (elem, count) = (sharing.elem, sharing.holders.len());
    let word = |value: i128| coefficient(elem, value);
    if sharing.constant.len() == count && sharing.masks.len() < count {
        let rows = (0..count).map(|i| {
            let masks = sharing.masks.iter().map(|mask| mask.get(i).copied());
            let coins = masks.map(|c| word(c.unwrap_or(0)));
            std::iter::once(word(sharing.constant[i]))
                .chain(coins)
                .collect()
        });
        return rows.collect();
    }
    // Nothing is said of the components but their sum: all but one are coins.
    let units = |i: &usize| inverse(elem, word(sharing.reconstruction[*i])).is_some();
    let Some(follows) = (0..count).find(units) else {
        return vec![vec![0; count]; count];
    };
    let unit = inverse(elem, word(sharing.reconstruction[follows])).unwrap_or(0);
    let coins: Vec<usize> = (0..count).filter(|i| *i != follows).collect();
    (0..count)
        .map(|i| {
            let mut row = vec![0; count];
            if i == follows {
                row[0] = unit;
                for (at, coin) in coins.iter().enumerate() {
                    let by = mul(elem, unit, word(sharing.reconstruction[*coin]));
                    row[at + 1] = neg(elem, by);
                }
            } else if let Some(at) = coins.iter().position(|coin| *coin == i) {
                row[at + 1] = one(elem);
            }
            row
        })
        .collect()
}

/// The value of components.
pub(crate) fn reconstructed(sharing: &Sharing, words: impl IntoIterator<Item = u128>) -> u128 {
    let (mut sum, elem) = (0, sharing.elem);
    for (word, by) in words.into_iter().zip(&sharing.reconstruction) {
        if *by != 0 {
            sum = add(elem, sum, mul(elem, word, coefficient(elem, *by)));
        }
    }
    sum
}

/// Whether components are those of a sharing of a value: combinations of them that must be 0 are, what keys add to them
/// taken away.
pub(crate) fn consistent(
    sharing: &Sharing,
    parities: &[Vec<u128>],
    words: &[u128],
    value: u128,
    keys: &[u128],
) -> bool {
    let elem = sharing.elem;
    let mut plain = words.to_vec();
    for (component, key) in &sharing.keyed {
        let Some(key) = keys.get(*key as usize) else {
            return false;
        };
        if let Some(word) = plain.get_mut(*component as usize) {
            *word = sub(elem, *word, mul(elem, *key, value));
        }
    }
    parities.iter().all(|parity| {
        let terms = plain.iter().zip(parity);
        terms.fold(0, |sum, (word, by)| add(elem, sum, mul(elem, *by, *word))) == 0
    })
}

/// Vectors, each with a unit where the others were cleared, and as combinations of members.
struct Span {
    elem: Elem,
    /// Position of the unit, the vector, its coefficients of the members.
    rows: Vec<(usize, Vec<u128>, Vec<u128>)>,
    members: usize,
}

impl Span {
    fn new(elem: Elem) -> Self {
        Self {
            elem,
            rows: Vec::new(),
            members: 0,
        }
    }

    /// What is left of a vector, and the combination of members taken away.
    fn reduce(&self, vector: &[u128]) -> (Vec<u128>, Vec<u128>) {
        let elem = self.elem;
        let (mut rest, mut combination) = (vector.to_vec(), vec![0; self.members]);
        for (pivot, row, members) in &self.rows {
            let factor = rest[*pivot];
            if factor != 0 {
                for (x, y) in rest.iter_mut().zip(row) {
                    *x = add(elem, *x, neg(elem, mul(elem, factor, *y)));
                }
                for (x, y) in combination.iter_mut().zip(members) {
                    *x = add(elem, *x, mul(elem, factor, *y));
                }
            }
        }
        (rest, combination)
    }

    /// The vector by the members, if it is a combination of them.
    fn express(&self, vector: &[u128]) -> Option<Vec<u128>> {
        let (rest, combination) = self.reduce(vector);
        rest.iter().all(|x| *x == 0).then_some(combination)
    }

    /// Makes a vector a member if it differs from all combinations of members by something with an
    /// inverse; whether it is one now.
    fn insert(&mut self, vector: &[u128]) -> bool {
        let elem = self.elem;
        let (mut rest, mut combination) = self.reduce(vector);
        let unit = (0..rest.len()).find_map(|at| Some((at, inverse(elem, rest[at])?)));
        let Some((pivot, unit)) = unit else {
            return false;
        };
        rest.iter_mut().for_each(|x| *x = mul(elem, unit, *x));
        for x in &mut combination {
            *x = neg(elem, mul(elem, unit, *x));
        }
        combination.push(unit);
        self.members += 1;
        for (_, _, members) in &mut self.rows {
            members.push(0);
        }
        self.rows.push((pivot, rest, combination));
        true
    }
}

fn value(elem: Elem, width: usize) -> Vec<u128> {
    let mut vector = vec![0; width];
    vector[0] = one(elem);
    vector
}

/// The layout in which the components held come first and, of the others, those preferred; later
/// positions before earlier ones. `None` if coefficients that have no inverse stand in the way.
fn arranged(sharing: &Sharing, held: &[bool], preferred: &[usize]) -> Option<Layout> {
    let (elem, matrix) = (sharing.elem, matrix(sharing));
    let width = matrix.first().map_or(1, Vec::len);
    let value = value(elem, width);
    let count = matrix.len();
    let mine = |i: &usize| held.get(*i).copied().unwrap_or(false);
    let (mut own, mut all) = (Span::new(elem), Span::new(elem));
    all.insert(&value);
    let mut free = Vec::new();
    for i in (0..count).rev().filter(mine) {
        own.insert(&matrix[i]);
        if all.insert(&matrix[i]) {
            free.push(i);
        }
    }
    let open = own.express(&value).is_some();
    for i in (0..count).filter(mine) {
        let by = all.express(&matrix[i])?;
        // Twice the value is more than nothing, and is not the value.
        if !open && !free.contains(&i) && (by[0] != 0 || carries(sharing, i, &free, &by[1..])) {
            return None;
        }
    }
    let others = (0..count).rev().filter(|i| !mine(i));
    let first = preferred.iter().copied().filter(|i| *i < count && !mine(i));
    for i in first.chain(others) {
        if all.insert(&matrix[i]) {
            free.push(i);
        }
    }
    let rows: Option<Vec<Vec<u128>>> = matrix.iter().map(|row| all.express(row)).collect();
    Some(Layout {
        free,
        rows: rows?,
        open,
    })
}

/// Whether a component, less the combination of others that it is but for keys, is a key times the
/// value.
fn carries(sharing: &Sharing, component: usize, others: &[usize], by: &[u128]) -> bool {
    let elem = sharing.elem;
    let mut keys = std::collections::BTreeMap::new();
    let mut count = |at: usize, by: u128| {
        for (_, key) in sharing.keyed.iter().filter(|(c, _)| *c as usize == at) {
            let slot = keys.entry(*key).or_insert(0);
            *slot = add(elem, *slot, by);
        }
    };
    count(component, one(elem));
    for (other, by) in others.iter().zip(by) {
        count(*other, neg(elem, *by));
    }
    keys.values().any(|by| *by != 0)
}

/// Which components a coalition holds.
pub(crate) fn held(sharing: &Sharing, coalition: PartySet) -> Vec<bool> {
    let holders = sharing.holders.iter();
    holders
        .map(|h| !h.intersection(coalition).is_empty())
        .collect()
}

/// The components by the value, by those held, and by as many others as it needs.
pub(crate) fn layout(sharing: &Sharing, held: &[bool]) -> Option<Layout> {
    arranged(sharing, held, &[])
}

/// Whether a coalition's components determine the value.
pub(crate) fn open(sharing: &Sharing, coalition: PartySet) -> bool {
    let held = held(sharing, coalition);
    held.iter().all(|h| *h) || layout(sharing, &held).is_some_and(|layout| layout.open)
}

/// The layout whose free components are those held and exactly these others.
pub(crate) fn layout_by(sharing: &Sharing, held: &[bool], required: &[usize]) -> Option<Layout> {
    let layout = arranged(sharing, held, required)?;
    let mut others: Vec<usize> = layout.free.clone();
    others.retain(|i| !held[*i]);
    (others == required && !layout.open).then_some(layout)
}

/// So many ways to name the components that are uniform in a fresh sharing, given those held and
/// the value. None if what is held determines the value.
pub(crate) fn choices(sharing: &Sharing, held: &[bool], limit: usize) -> Vec<Vec<usize>> {
    let Some(layout) = layout(sharing, held).filter(|layout| !layout.open) else {
        return Vec::new();
    };
    let outside: Vec<usize> = (0..held.len()).filter(|i| !held[*i]).collect();
    let size = layout.free.iter().filter(|i| !held[**i]).count();
    let mut found = Vec::new();
    let mut chosen: Vec<usize> = (outside.len() - size..outside.len()).collect();
    while found.len() < limit {
        let required: Vec<usize> = chosen.iter().map(|at| outside[*at]).collect();
        if layout_by(sharing, held, &required).is_some() {
            found.push(required);
        }
        // The next smaller choice in lexicographic order.
        let movable = (0..size).rev().find(|at| {
            let below = if *at == 0 { 0 } else { chosen[at - 1] + 1 };
            chosen[*at] > below
        });
        let Some(at) = movable else { break };
        chosen[at] -= 1;
        for (later, position) in chosen.iter_mut().enumerate().skip(at + 1) {
            *position = outside.len() - size + later;
        }
    }
    found
}

/// The value by components that are held: a coefficient of each, if they determine it.
pub(crate) fn recover(sharing: &Sharing, held: &[bool]) -> Option<Vec<u128>> {
    let (elem, matrix) = (sharing.elem, matrix(sharing));
    let width = matrix.first().map_or(1, Vec::len);
    let mut span = Span::new(elem);
    let mut members = Vec::new();
    for i in (0..matrix.len()).filter(|i| held.get(*i).copied().unwrap_or(false)) {
        if span.insert(&matrix[i]) {
            members.push(i);
        }
    }
    let combination = span.express(&value(elem, width))?;
    let mut all = vec![0; matrix.len()];
    for (i, by) in members.iter().zip(combination) {
        all[*i] = by;
    }
    Some(all)
}

/// What is 0 in every sharing: coefficients of the components. Nothing where the value determines
/// the one component that follows.
pub(crate) fn parities(sharing: &Sharing) -> Vec<Vec<u128>> {
    let elem = sharing.elem;
    let Some(layout) = layout(sharing, &[]) else {
        return Vec::new();
    };
    let (mut rows, mut span) = (Vec::new(), Span::new(elem));
    for (i, row) in layout.rows.iter().enumerate() {
        let mut parity = vec![0; layout.rows.len()];
        parity[i] = one(elem);
        for (at, by) in sharing.reconstruction.iter().enumerate() {
            let term = mul(elem, row[0], coefficient(elem, *by));
            parity[at] = add(elem, parity[at], neg(elem, term));
        }
        for (at, by) in layout.free.iter().zip(&row[1..]) {
            parity[*at] = add(elem, parity[*at], neg(elem, *by));
        }
        if span.express(&parity).is_none() {
            span.insert(&parity);
            rows.push(parity);
        }
    }
    rows
}

/// Why a sharing cannot be reasoned about; nothing if it can.
pub(crate) fn fault(sharing: &Sharing) -> Option<&'static str> {
    let elem = sharing.elem;
    if sharing.reconstruction.len() != sharing.holders.len() {
        return Some("a sharing that gives no value");
    }
    let keyed = |i: usize| sharing.keyed.iter().any(|(at, _)| *at as usize == i);
    let read = (0..sharing.reconstruction.len())
        .any(|i| keyed(i) && coefficient(elem, sharing.reconstruction[i]) != 0);
    let missing = sharing
        .keyed
        .iter()
        .any(|(at, _)| *at as usize >= sharing.holders.len());
    if read || missing {
        return Some("a sharing whose value is read from components that carry a key");
    }
    if layout(sharing, &[]).is_none() {
        return Some("a sharing with a coefficient that has no inverse");
    }
    let matrix = matrix(sharing);
    let width = matrix.first().map_or(1, Vec::len);
    let mut sum = vec![0; width];
    for (row, by) in matrix.iter().zip(&sharing.reconstruction) {
        for (x, y) in sum.iter_mut().zip(row) {
            *x = add(elem, *x, mul(elem, coefficient(elem, *by), *y));
        }
    }
    // Bit vectors of width 0 have no one.
    let none = is_bits(elem) && one(elem) == 0;
    (sum != value(elem, width) && !none).then_some("a sharing whose components give another value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use smpc_ir::field::Prime;
    use smpc_ir::party::Party;

    fn shamir(n: usize, d: usize, p: u128) -> Sharing {
        let prime = Prime::new(p).unwrap();
        let point = |i: usize| prime.reduce(i as u128 + 1);
        let weight = |i: usize| {
            let others = (0..=d).filter(|j| *j != i);
            others.fold(1, |product, j| {
                let below = prime.inverse(prime.sub(point(j), point(i))).unwrap();
                prime.mul(product, prime.mul(point(j), below))
            })
        };
        Sharing {
            elem: Elem::Field(prime),
            holders: (0..n)
                .map(|i| PartySet::from_iter([Party(i as u8)]))
                .collect(),
            constant: vec![1; n],
            reconstruction: (0..n)
                .map(|i| if i <= d { weight(i) as i128 } else { 0 })
                .collect(),
            masks: (1..=d)
                .map(|j| {
                    (0..n)
                        .map(|i| prime.power(point(i), j as u128) as i128)
                        .collect()
                })
                .collect(),
            keyed: vec![],
        }
    }

    fn first(n: u8) -> PartySet {
        PartySet::first(usize::from(n))
    }

    #[test]
    fn shares_of_a_polynomial() {
        let sharing = shamir(5, 2, 7);
        assert_eq!(fault(&sharing), None);
        assert_eq!(parities(&sharing).len(), 2);
        for (size, is_open) in [(0, false), (1, false), (2, false), (3, true), (5, true)] {
            assert_eq!(open(&sharing, first(size)), is_open, "{size}");
        }
        let held = held(&sharing, first(1));
        assert_eq!(choices(&sharing, &held, 9).len(), 4);
        let all = layout_by(&sharing, &held, &[3]).unwrap();
        assert_eq!(all.free, vec![0, 3]);
        // Every component is what its layout says, for every polynomial.
        let prime = Prime::new(7).unwrap();
        for (v, a, b) in (0..343u128).map(|w| (w / 49, w / 7 % 7, w % 7)) {
            let at = |i: usize| {
                let x = i as u128 + 1;
                (v + a * x + b * x * x) % 7
            };
            for (i, row) in all.rows.iter().enumerate() {
                let mut sum = prime.mul(row[0], v);
                for (by, free) in row[1..].iter().zip(&all.free) {
                    sum = prime.add(sum, prime.mul(*by, at(*free)));
                }
                assert_eq!(sum, at(i));
            }
        }
    }

    #[test]
    fn a_polynomial_of_degree_0_has_no_coins() {
        let sharing = shamir(2, 0, 5);
        assert_eq!(fault(&sharing), None);
        assert_eq!(matrix(&sharing), vec![vec![1], vec![1]]);
        // Both components are the value, and must be equal.
        assert_eq!(parities(&sharing).len(), 1);
        assert!(open(&sharing, first(1)) && !open(&sharing, first(0)));
    }

    #[test]
    fn summands_without_vectors() {
        let mut sharing = shamir(3, 2, 5);
        sharing.elem = Elem::Ring(8);
        sharing.masks.clear();
        sharing.constant.clear();
        sharing.reconstruction = vec![1, 1, 1];
        assert_eq!(fault(&sharing), None);
        assert!(parities(&sharing).is_empty());
        let held = [true, false, false];
        assert_eq!(choices(&sharing, &held, 9), vec![vec![2], vec![1]]);
        assert!(!open(&sharing, first(2)) && open(&sharing, first(3)));
        sharing.reconstruction = vec![2, 1, 1];
        assert_eq!(fault(&sharing), None);
        sharing.reconstruction = vec![2, 4, 6];
        assert!(fault(&sharing).is_some());
    }
}
