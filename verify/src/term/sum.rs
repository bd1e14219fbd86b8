//! Sums of monomials: sorted lists that are shared until they change.
//!
//! Most terms of a protocol are a handful of monomials of one or two atoms, and are copied far more often
//! than they are changed.

use super::Atom;
use crate::element::{add, mul};
use smpc_ir::party::Elem;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// Atoms of a monomial that stand in it without memory of their own.
const SHORT: usize = 5;

/// A product of atoms, sorted.
#[derive(Clone, Debug)]
pub(super) enum Monomial {
    Short(u8, [Atom; SHORT]),
    Long(Arc<[Atom]>),
}

impl Monomial {
    /// One atom.
    pub fn of(atom: Atom) -> Self {
        Self::from(&[atom][..])
    }
}

impl From<&[Atom]> for Monomial {
    fn from(atoms: &[Atom]) -> Self {
        let mut short = [Atom(0); SHORT];
        match short.get_mut(..atoms.len()) {
            Some(place) => {
                place.copy_from_slice(atoms);
                Self::Short(atoms.len() as u8, short)
            }
            None => Self::Long(atoms.into()),
        }
    }
}

impl From<Vec<Atom>> for Monomial {
    fn from(atoms: Vec<Atom>) -> Self {
        Self::from(atoms.as_slice())
    }
}

impl Deref for Monomial {
    type Target = [Atom];

    fn deref(&self) -> &[Atom] {
        match self {
            Self::Short(length, atoms) => &atoms[..usize::from(*length)],
            Self::Long(atoms) => atoms,
        }
    }
}

impl<'m> IntoIterator for &'m Monomial {
    type Item = &'m Atom;
    type IntoIter = std::slice::Iter<'m, Atom>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Monomial {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Monomial {}

impl PartialOrd for Monomial {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Monomial {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Monomial {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

type Entry = (Monomial, u128);

/// Monomials with coefficients that are not 0, each once, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sum(Arc<Vec<Entry>>);

impl Sum {
    /// One monomial; nothing if the coefficient is 0.
    pub fn single(monomial: Monomial, value: u128) -> Self {
        match value {
            0 => Self::default(),
            value => Self(Arc::new(vec![(monomial, value)])),
        }
    }

    /// The sum of entries in any order.
    pub fn collect(elem: Elem, mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 = add(elem, first.1, later.1);
            }
            same
        });
        entries.retain(|(_, value)| *value != 0);
        Self(Arc::new(entries))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> Entries<'_> {
        Entries(self.0.iter())
    }

    pub fn keys(&self) -> impl Iterator<Item = &Monomial> {
        self.0.iter().map(|(monomial, _)| monomial)
    }

    fn find(&self, monomial: &[Atom]) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(other, _)| (**other).cmp(monomial))
    }

    /// The coefficient of a monomial that occurs.
    pub fn get(&self, monomial: &[Atom]) -> Option<&u128> {
        Some(&self.0[self.find(monomial).ok()?].1)
    }

    /// Takes a monomial out.
    pub fn remove(&mut self, monomial: &[Atom]) -> Option<u128> {
        let at = self.find(monomial).ok()?;
        Some(Arc::make_mut(&mut self.0).remove(at).1)
    }

    /// Adds a monomial.
    pub fn insert(&mut self, elem: Elem, monomial: Monomial, value: u128) {
        if value == 0 {
            return;
        }
        // Sums are mostly made in order.
        let place = match self.0.last() {
            Some((last, _)) if *last >= monomial => self.find(&monomial),
            _ => Err(self.0.len()),
        };
        let entries = Arc::make_mut(&mut self.0);
        match place {
            Err(at) => entries.insert(at, (monomial, value)),
            Ok(at) => {
                let sum = add(elem, entries[at].1, value);
                if sum == 0 {
                    entries.remove(at);
                } else {
                    entries[at].1 = sum;
                }
            }
        }
    }

    /// Adds a multiple of another sum.
    pub fn accumulate(&mut self, elem: Elem, other: &Self, factor: u128) {
        if other.len() * 8 <= self.len() || other.len() == 1 {
            for (monomial, &value) in other.iter() {
                self.insert(elem, monomial.clone(), mul(elem, value, factor));
            }
            return;
        }
        let mut merged = Vec::with_capacity(self.len() + other.len());
        let mut mine = self.0.iter().peekable();
        for (monomial, value) in other.0.iter() {
            let value = mul(elem, *value, factor);
            while let Some(entry) = mine.next_if(|entry| entry.0 < *monomial) {
                merged.push(entry.clone());
            }
            let value = match mine.next_if(|entry| entry.0 == *monomial) {
                Some(entry) => add(elem, entry.1, value),
                None => value,
            };
            if value != 0 {
                merged.push((monomial.clone(), value));
            }
        }
        merged.extend(mine.cloned());
        self.0 = Arc::new(merged);
    }
}

/// Monomials with their coefficients, in order.
pub(super) struct Entries<'s>(std::slice::Iter<'s, Entry>);

impl<'s> Iterator for Entries<'s> {
    type Item = (&'s Monomial, &'s u128);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(monomial, value)| (monomial, value))
    }
}

impl DoubleEndedIterator for Entries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let entry = self.0.next_back();
        entry.map(|(monomial, value)| (monomial, value))
    }
}

impl<'s> IntoIterator for &'s Sum {
    type Item = (&'s Monomial, &'s u128);
    type IntoIter = Entries<'s>;

    fn into_iter(self) -> Entries<'s> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(entries: &[(&[u32], u128)]) -> Sum {
        let entry = |(atoms, value): &(&[u32], u128)| {
            let atoms: Vec<Atom> = atoms.iter().map(|atom| Atom(*atom)).collect();
            (Monomial::from(atoms), *value)
        };
        Sum::collect(Elem::Ring(3), entries.iter().map(entry).collect())
    }

    #[test]
    fn sums_are_in_normal_form_however_they_are_made() {
        let long: &[u32] = &[1, 2, 3, 4, 5, 6, 7];
        let a = sum(&[
            (long, 3),
            (&[2], 1),
            (&[], 4),
            (&[2], 2),
            (&[9], 5),
            (&[9], 3),
        ]);
        assert_eq!(a.get(&[Atom(9)]), None);
        assert_eq!(a.get(&[Atom(2)]), Some(&3));
        let mut b = Sum::default();
        for (monomial, value) in a.iter().rev() {
            b.insert(Elem::Ring(3), monomial.clone(), *value);
        }
        assert_eq!(a, b);
        // Adding the negative leaves nothing, one by one or merged.
        let mut whole = a.clone();
        whole.accumulate(Elem::Ring(3), &a, 7);
        assert_eq!(whole.get(&[Atom(2)]), None);
        for (monomial, value) in &a {
            b.accumulate(Elem::Ring(3), &Sum::single(monomial.clone(), *value), 7);
        }
        assert_eq!(whole, b);
        assert_eq!(b.remove(&[Atom(2)]), None);
    }
}
