//! Whether two random vectors of elements have different distributions, by samples of each.
//!
//! Counted are low, high and single bits of elements, how often they are squares and other powers, low bits of two and of
//! sums and differences, and low bits of many together. Of views of long protocols these need not show anything: what is told
//! may be a sum of many elements. So combinations are looked for that are always the same in one case: over bits, and over each
//! ring and field that there is, the affine hull of the vectors of one case, in which those of the other do not lie.

mod hull;

use crate::element::{add, sub, width};
use hull::{Bits, Hull};
use smpc_ir::party::Elem;

/// Elements of which pairs are counted.
const PAIRED: usize = 32;
/// Elements of fields of which it is asked whether they are powers.
const POWERS: usize = 8;
/// Elements that combinations may have.
const COMBINED: usize = 96;
/// Elements of which low bits are counted together.
const TOGETHER: usize = 10;

/// Vectors drawn in two cases.
#[derive(Debug)]
pub(crate) struct Samples {
    pub elems: Vec<Elem>,
    pub cases: [Vec<Vec<u128>>; 2],
}

impl Samples {
    /// Whether something was counted more often in one case, by more than chance explains.
    pub fn differ(&self) -> bool {
        self.elements_differ()
            || self.powers_differ()
            || self.pairs_differ()
            || self.together_differ()
            || self.hulls_differ()
    }

    /// Whether numbers below a bound come in other shares.
    fn counted(&self, cells: usize, of: impl Fn(&[u128]) -> usize) -> bool {
        let mut counts = vec![[0u64; 2]; cells];
        for (which, rows) in self.cases.iter().enumerate() {
            for row in rows {
                counts[of(row) % cells][which] += 1;
            }
        }
        apart(counts.iter())
    }

    fn elements_differ(&self) -> bool {
        self.elems.iter().enumerate().any(|(at, elem)| {
            let bits = width(*elem);
            let top = bits.saturating_sub(4);
            self.counted(16, |row| (row[at] & 15) as usize)
                || self.counted(16, |row| (row[at] >> top) as usize)
                || (0..bits).any(|bit| self.counted(2, |row| (row[at] >> bit & 1) as usize))
        })
    }

    /// Whether elements of fields are squares, cubes and so on in other shares.
    fn powers_differ(&self) -> bool {
        let fields = self.elems.iter().enumerate();
        let fields = fields.filter_map(|(at, elem)| match elem {
            Elem::Field(p) => Some((at, *p, p.modulus() - 1)),
            _ => None,
        });
        fields.take(POWERS).any(|(at, p, all)| {
            let mut primes = [2u128, 3, 5, 7, 11, 13]
                .into_iter()
                .filter(|by| all % by == 0);
            primes.any(|by| {
                let is_power = |row: &[u128]| p.power(row[at], all / by) == 1;
                self.counted(2, |row| usize::from(is_power(row)))
            })
        })
    }

    fn pairs_differ(&self) -> bool {
        let few = self.elems.len().min(PAIRED);
        (0..few).any(|i| {
            (0..i).any(|j| {
                let low = |row: &[u128]| ((row[i] & 3) << 2 | row[j] & 3) as usize;
                let elem = self.elems[i];
                let top = width(elem).saturating_sub(3);
                let high = |word: u128| (word >> top) as usize;
                self.counted(16, low)
                    || elem == self.elems[j]
                        && (self.counted(8, |row| high(add(elem, row[i], row[j])))
                            || self.counted(8, |row| high(sub(elem, row[i], row[j]))))
            })
        })
    }

    /// Low bits of the first elements, and of the last.
    fn together_differ(&self) -> bool {
        let count = self.elems.len();
        let low = |row: &[u128]| {
            row.iter()
                .fold(0, |key, word| key << 1 | (word & 1) as usize)
        };
        let few = count.min(TOGETHER);
        self.counted(1 << few, |row| low(&row[..few]))
            || count > few && self.counted(1 << few, |row| low(&row[count - few..]))
    }

    fn hulls_differ(&self) -> bool {
        let mut kinds: Vec<Elem> = Vec::new();
        for elem in &self.elems {
            if matches!(elem, Elem::Ring(2..) | Elem::Field(_)) && !kinds.contains(elem) {
                kinds.push(*elem);
            }
        }
        let over = |kind: Elem| {
            let own = (0..self.elems.len()).filter(|at| self.elems[*at] == kind);
            let own: Vec<usize> = own.take(COMBINED).collect();
            let take = |row: &Vec<u128>| own.iter().map(|at| row[*at]).collect();
            let cases = [0, 1].map(|which: usize| {
                let rows = self.cases[which].iter();
                rows.map(take).collect::<Vec<Vec<u128>>>()
            });
            outside(
                &cases,
                own.len(),
                |rows| Hull::new(kind, rows),
                |hull: &Hull, row: &Vec<u128>| hull.contains(row),
            )
        };
        if kinds.into_iter().any(over) {
            return true;
        }
        let picked = hull::bits(&self.elems);
        let take = |row: &Vec<u128>| Bits::of(row, &picked);
        let cases = [0, 1].map(|which: usize| {
            let rows = self.cases[which].iter();
            rows.map(take).collect::<Vec<Bits>>()
        });
        outside(
            &cases,
            picked.len(),
            hull::BitHull::new,
            hull::BitHull::contains,
        )
    }
}

/// Whether vectors of one case lie outside of what those of the other span, noticeably more often than others of its own.
fn outside<V, H>(
    cases: &[Vec<V>; 2],
    columns: usize,
    span: impl Fn(&[V]) -> H,
    contains: impl Fn(&H, &V) -> bool,
) -> bool {
    // By so many uniform vectors of a module all of it is spanned, but for a chance of 2^-40.
    let first = columns + 40;
    [(0, 1), (1, 0)].into_iter().any(|(own, other)| {
        let Some((spanning, rest)) = cases[own].split_at_checked(first) else {
            return false;
        };
        let hull = span(spanning);
        let count = |rows: &[V]| rows.iter().filter(|row| !contains(&hull, row)).count() as u64;
        let compared = rest.len().min(cases[other].len());
        let counts = [count(&rest[..compared]), count(&cases[other][..compared])];
        let inside = counts.map(|out| compared as u64 - out);
        apart([counts, inside].iter())
    })
}

/// Whether counts of two cases, of about as many trials, differ by more than chance explains: Σ (a - b)² / (a + b) is a χ² with
/// as many degrees of freedom as there are cells.
fn apart<'c>(counts: impl Iterator<Item = &'c [u64; 2]>) -> bool {
    let (mut sum, mut cells) = (0.0, 0.0f64);
    for [a, b] in counts.filter(|[a, b]| a + b > 0) {
        let (a, b) = (*a as f64, *b as f64);
        sum += (a - b).powi(2) / (a + b);
        cells += 1.0;
    }
    // Twelve standard deviations, and of few cells as much as 2^-40 allows.
    sum > cells + 12.0 * (2.0 * cells).sqrt() + 60.0
}

#[cfg(test)]
mod tests;
