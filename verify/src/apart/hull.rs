//! Affine hulls of vectors over bits, rings Z[2^m] and fields.

use crate::element::{inverse, mul, sub, width};
use smpc_ir::party::Elem;

/// What the differences of vectors span, over Z[2^m] or a field.
#[derive(Debug)]
pub(super) struct Hull {
    elem: Elem,
    first: Vec<u128>,
    /// The column of a pivot, how many low bits of it are 0, and the vector. In a vector everything is divisible by as
    /// many twos as its pivot, and pivots of vectors before it are 0 in it.
    rows: Vec<(usize, u32, Vec<u128>)>,
}

fn twos(elem: Elem, word: u128) -> Option<u32> {
    match elem {
        _ if word == 0 => None,
        Elem::Field(_) => Some(0),
        _ => Some(word.trailing_zeros()),
    }
}

/// A vector less a multiple of another.
fn reduce(elem: Elem, row: &mut [u128], by: &[u128], factor: u128) {
    for (word, other) in row.iter_mut().zip(by) {
        *word = sub(elem, *word, mul(elem, factor, *other));
    }
}

impl Hull {
    pub fn new(elem: Elem, vectors: &[Vec<u128>]) -> Self {
        let first = vectors.first().cloned().unwrap_or_default();
        let difference = |row: &Vec<u128>| -> Vec<u128> {
            let pairs = row.iter().zip(&first);
            pairs.map(|(a, b)| sub(elem, *a, *b)).collect()
        };
        let mut open: Vec<Vec<u128>> = vectors.iter().skip(1).map(difference).collect();
        let mut rows = Vec::new();
        loop {
            // The entry with the fewest twos divides all others.
            let entries = open.iter().enumerate().flat_map(|(at, row)| {
                let words = row.iter().enumerate();
                words.filter_map(move |(column, word)| Some((twos(elem, *word)?, at, column)))
            });
            let Some((twos, at, column)) = entries.min() else {
                break;
            };
            let pivot = open.swap_remove(at);
            for row in &mut open {
                let factor = quotient(elem, row[column], pivot[column], twos);
                reduce(elem, row, &pivot, factor);
            }
            rows.push((column, twos, pivot));
        }
        Self { elem, first, rows }
    }

    pub fn contains(&self, vector: &[u128]) -> bool {
        let pairs = vector.iter().zip(&self.first);
        let mut rest: Vec<u128> = pairs.map(|(a, b)| sub(self.elem, *a, *b)).collect();
        for (column, twos, row) in &self.rows {
            if rest[*column].trailing_zeros() < *twos {
                return false;
            }
            let factor = quotient(self.elem, rest[*column], row[*column], *twos);
            reduce(self.elem, &mut rest, row, factor);
        }
        rest.iter().all(|word| *word == 0)
    }
}

/// By what the pivot is multiplied to be the word, which is divisible by as many twos.
fn quotient(elem: Elem, word: u128, pivot: u128, twos: u32) -> u128 {
    let unit = match elem {
        Elem::Field(_) => inverse(elem, pivot),
        _ => inverse(elem, pivot >> twos),
    };
    let word = match elem {
        Elem::Field(_) => word,
        _ => word >> twos,
    };
    mul(elem, word, unit.unwrap_or(0))
}

/// Bits that are combined.
const WORDS: usize = 8;
const BITS: usize = 64 * WORDS;

/// A vector of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits([u64; WORDS]);

/// Which bits of which elements are combined: the lowest of all first. Those of a field are no linear functions of it.
pub(super) fn bits(elems: &[Elem]) -> Vec<(usize, u8)> {
    let most = elems.iter().map(|elem| width(*elem)).max().unwrap_or(0);
    let mut found = Vec::new();
    for bit in 0..most {
        for (at, elem) in elems.iter().enumerate() {
            if bit < width(*elem) && !matches!(elem, Elem::Field(_)) && found.len() < BITS {
                found.push((at, bit));
            }
        }
    }
    found
}

impl Bits {
    pub fn of(row: &[u128], picked: &[(usize, u8)]) -> Self {
        let mut found = Self::default();
        for (to, (at, bit)) in picked.iter().enumerate() {
            found.0[to / 64] |= ((row[*at] >> bit & 1) as u64) << (to % 64);
        }
        found
    }

    fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word ^= other;
        }
    }

    fn lowest(&self) -> Option<usize> {
        let mut words = self.0.iter().enumerate();
        let (at, word) = words.find(|(_, word)| **word != 0)?;
        Some(64 * at + word.trailing_zeros() as usize)
    }
}

/// What the differences of vectors of bits span.
#[derive(Debug)]
pub(super) struct BitHull {
    first: Bits,
    /// By the lowest bit.
    rows: Vec<Option<Bits>>,
}

impl BitHull {
    pub fn new(vectors: &[Bits]) -> Self {
        let mut hull = Self {
            first: vectors.first().copied().unwrap_or_default(),
            rows: vec![None; BITS],
        };
        for vector in vectors {
            let rest = hull.rest(vector);
            if let Some(at) = rest.lowest() {
                hull.rows[at] = Some(rest);
            }
        }
        hull
    }

    fn rest(&self, vector: &Bits) -> Bits {
        let mut rest = *vector;
        rest.add(&self.first);
        let mut left = Bits::default();
        while let Some(at) = rest.lowest() {
            match &self.rows[at] {
                Some(row) => rest.add(row),
                None => {
                    let bit = 1 << (at % 64);
                    left.0[at / 64] |= bit;
                    rest.0[at / 64] ^= bit;
                }
            }
        }
        left
    }

    pub fn contains(&self, vector: &Bits) -> bool {
        self.rest(vector) == Bits::default()
    }
}
