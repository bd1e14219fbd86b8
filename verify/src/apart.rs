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

/// What comes more often in one of two cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Of what.
    pub part: Part,
    /// The elements by number: all that it was computed of.
    pub elements: Vec<usize>,
    /// The value that comes in most different shares.
    pub value: u128,
    /// How often in each case.
    pub often: [u64; 2],
}

/// What is counted of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The lowest bits.
    Low,
    /// The highest bits.
    High,
    /// One bit.
    Bit(u8),
    /// Whether it is such a power.
    Power(u128),
    /// The two lowest bits of each of two.
    LowBoth,
    /// The highest bits of a sum.
    HighSum,
    /// The highest bits of a difference.
    HighDifference,
    /// The lowest bit of each.
    LowAll,
    /// Whether sums of multiples of elements, or of bits, are what they always are in one case.
    Sums,
}

impl Samples {
    /// Whether something was counted more often in one case, by more than chance explains.
    pub fn differ(&self) -> bool {
        self.difference().is_some()
    }

    /// The first elements only.
    pub fn first(&self, count: usize) -> Self {
        let cut = |rows: &Vec<Vec<u128>>| rows.iter().map(|row| row[..count].to_vec()).collect();
        Self {
            elems: self.elems[..count].to_vec(),
            cases: [cut(&self.cases[0]), cut(&self.cases[1])],
        }
    }

    /// What was counted more often in one case, by more than chance explains.
    pub fn difference(&self) -> Option<Difference> {
        self.elements_differ()
            .or_else(|| self.powers_differ())
            .or_else(|| self.pairs_differ())
            .or_else(|| self.together_differ())
            .or_else(|| self.hulls_differ())
    }

    /// The number below a bound that comes in most different shares, if numbers come in other shares.
    fn counted(
        &self,
        cells: usize,
        part: Part,
        elements: &[usize],
        of: impl Fn(&[u128]) -> usize,
    ) -> Option<Difference> {
        let mut counts = vec![[0u64; 2]; cells];
        for (which, rows) in self.cases.iter().enumerate() {
            for row in rows {
                counts[of(row) % cells][which] += 1;
            }
        }
        if !apart(counts.iter()) {
            return None;
        }
        let most = (0..cells).max_by_key(|cell| counts[*cell][0].abs_diff(counts[*cell][1]));
        let cell = most.unwrap_or_default();
        Some(Difference {
            part,
            elements: elements.to_vec(),
            value: cell as u128,
            often: counts[cell],
        })
    }

    fn elements_differ(&self) -> Option<Difference> {
        self.elems.iter().enumerate().find_map(|(at, elem)| {
            let bits = width(*elem);
            let top = bits.saturating_sub(4);
            let one = [at];
            self.counted(16, Part::Low, &one, |row| (row[at] & 15) as usize)
                .or_else(|| self.counted(16, Part::High, &one, |row| (row[at] >> top) as usize))
                .or_else(|| {
                    (0..bits).find_map(|bit| {
                        let of = |row: &[u128]| (row[at] >> bit & 1) as usize;
                        self.counted(2, Part::Bit(bit), &one, of)
                    })
                })
        })
    }

    /// Whether elements of fields are squares, cubes and so on in other shares.
    fn powers_differ(&self) -> Option<Difference> {
        let fields = self.elems.iter().enumerate();
        let mut fields = fields.filter_map(|(at, elem)| match elem {
            Elem::Field(p) => Some((at, *p, p.modulus() - 1)),
            _ => None,
        });
        fields.by_ref().take(POWERS).find_map(|(at, p, all)| {
            let mut primes = [2u128, 3, 5, 7, 11, 13]
                .into_iter()
                .filter(|by| all % by == 0);
            primes.find_map(|by| {
                let is_power = |row: &[u128]| p.power(row[at], all / by) == 1;
                self.counted(2, Part::Power(by), &[at], |row| usize::from(is_power(row)))
            })
        })
    }

    fn pairs_differ(&self) -> Option<Difference> {
        let few = self.elems.len().min(PAIRED);
        (0..few).find_map(|i| {
            (0..i).find_map(|j| {
                let low = |row: &[u128]| ((row[i] & 3) << 2 | row[j] & 3) as usize;
                let elem = self.elems[i];
                let top = width(elem).saturating_sub(3);
                let high = |word: u128| (word >> top) as usize;
                let (both, same) = ([i, j], elem == self.elems[j]);
                let sum = |row: &[u128]| high(add(elem, row[i], row[j]));
                let difference = |row: &[u128]| high(sub(elem, row[i], row[j]));
                let found = self.counted(16, Part::LowBoth, &both, low);
                match (found, same) {
                    (None, true) => self
                        .counted(8, Part::HighSum, &both, sum)
                        .or_else(|| self.counted(8, Part::HighDifference, &both, difference)),
                    (found, _) => found,
                }
            })
        })
    }

    /// Low bits of the first elements, and of the last.
    fn together_differ(&self) -> Option<Difference> {
        let count = self.elems.len();
        let low = |row: &[u128]| {
            row.iter()
                .fold(0, |key, word| key << 1 | (word & 1) as usize)
        };
        let few = count.min(TOGETHER);
        let (first, last): (Vec<usize>, Vec<usize>) =
            ((0..few).collect(), (count - few..count).collect());
        self.counted(1 << few, Part::LowAll, &first, |row| low(&row[..few]))
            .or_else(|| match count > few {
                true => self.counted(
                    1 << few,
                    Part::LowAll,
                    &last,
                    |row| low(&row[count - few..]),
                ),
                false => None,
            })
    }

    fn hulls_differ(&self) -> Option<Difference> {
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
            let found = outside(
                &cases,
                own.len(),
                |rows| Hull::new(kind, rows),
                |hull: &Hull, row: &Vec<u128>| hull.contains(row),
            );
            found.map(|often| sums(own, often))
        };
        if let Some(found) = kinds.into_iter().find_map(over) {
            return Some(found);
        }
        let picked = hull::bits(&self.elems);
        let take = |row: &Vec<u128>| Bits::of(row, &picked);
        let cases = [0, 1].map(|which: usize| {
            let rows = self.cases[which].iter();
            rows.map(take).collect::<Vec<Bits>>()
        });
        let found = outside(
            &cases,
            picked.len(),
            hull::BitHull::new,
            hull::BitHull::contains,
        );
        found.map(|often| sums((0..self.elems.len()).collect(), often))
    }
}

fn sums(elements: Vec<usize>, often: [u64; 2]) -> Difference {
    Difference {
        part: Part::Sums,
        elements,
        value: 1,
        often,
    }
}

/// How often vectors of each case lie in what vectors of one of them span, if the other's noticeably more seldom.
fn outside<V, H>(
    cases: &[Vec<V>; 2],
    columns: usize,
    span: impl Fn(&[V]) -> H,
    contains: impl Fn(&H, &V) -> bool,
) -> Option<[u64; 2]> {
    // By so many uniform vectors of a module all of it is spanned, but for a chance of 2^-40.
    let first = columns + 40;
    [(0, 1), (1, 0)].into_iter().find_map(|(own, other)| {
        let (spanning, rest) = cases[own].split_at_checked(first)?;
        let hull = span(spanning);
        let count = |rows: &[V]| rows.iter().filter(|row| !contains(&hull, row)).count() as u64;
        let compared = rest.len().min(cases[other].len());
        let counts = [count(&rest[..compared]), count(&cases[other][..compared])];
        let inside = counts.map(|out| compared as u64 - out);
        let often = if own == 0 {
            inside
        } else {
            [inside[1], inside[0]]
        };
        apart([counts, inside].iter()).then_some(often)
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
