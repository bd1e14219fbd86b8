//! A polynomial as a tree over blocks of low degree: P = R + T_n Q with Q and R below degree n, and so on with both, so that
//! one product joins two blocks (Paterson, Stockmeyer, SIAM J. Comput. 1973; in the Chebyshev basis
//! T_(n+j) = 2 T_n T_j - T_(n-j)). It takes fewer products than a dot product of all powers, and a truncation for each block,
//! in the same rounds.

use crate::chebyshev::Polynomial;
use crate::fixed::{CAREFUL, ROOM, Work, power_of_two};

/// Degrees of a block, and one more.
pub const WIDTHS: [usize; 3] = [4, 8, 16];

/// The integers of a tree of blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// A block has the T_k with k below this; a power of two.
    pub width: usize,
    /// Blocks are joined so often: by T_width, then by T of twice that, up to the degree.
    pub levels: u32,
    /// Fraction bits of blocks and of what is joined, but for the last.
    pub bits: u32,
    /// Coefficients of the blocks by degree, from the lowest block up, in units of the form's coefficients.
    pub leaves: Vec<Vec<i128>>,
}

impl Blocks {
    /// The degrees above 0 that a block has.
    pub fn used(&self) -> Vec<usize> {
        let any = |k: &usize| self.leaves.iter().any(|leaf| leaf[*k] != 0);
        (1..self.width).filter(any).collect()
    }

    /// The degree by which blocks are joined at a level, from 0.
    pub fn giant(&self, level: u32) -> usize {
        self.width << level
    }
}

/// The blocks of coefficients by degree, from the lowest up.
fn leaves(c: &[f64], width: usize, levels: u32) -> Vec<Vec<f64>> {
    let Some(below) = levels.checked_sub(1) else {
        let mut leaf = c.to_vec();
        leaf.resize(width, 0.0);
        return vec![leaf];
    };
    let n = width << below;
    if c.len() <= n {
        return leaves(c, width, below);
    }
    let (mut rest, mut factor) = (c[..n].to_vec(), c[n..].to_vec());
    for (j, c) in factor.iter_mut().enumerate().skip(1) {
        rest[n - j] -= *c;
        *c *= 2.0;
    }
    let mut all = leaves(&rest, width, below);
    all.extend(leaves(&factor, width, below));
    all
}

/// The coefficients of blocks that are joined again.
fn joined(leaves: &[Vec<f64>], width: usize, levels: u32) -> Vec<f64> {
    let Some(below) = levels.checked_sub(1) else {
        return leaves[0].clone();
    };
    if leaves.len() <= 1 << below {
        return joined(leaves, width, below);
    }
    let (rest, factor) = leaves.split_at(1 << below);
    let n = width << below;
    let mut sum = joined(rest, width, below);
    let factor = joined(factor, width, below);
    sum.resize(n + factor.len(), 0.0);
    for (j, c) in factor.iter().enumerate() {
        if j == 0 {
            sum[n] += c;
        } else {
            sum[n + j] += c / 2.0;
            sum[n - j] += c / 2.0;
        }
    }
    sum
}

/// A polynomial by blocks, as it is computed.
pub(crate) struct Tree {
    pub blocks: Blocks,
    /// Fraction bits of the coefficients.
    pub coefficient_bits: i32,
    /// With the coefficients that the blocks have.
    pub polynomial: Polynomial,
    /// What rounding of coefficients changed, at most.
    pub change: f64,
    /// The error of truncations.
    pub evaluation: f64,
    /// What it takes, but for bringing the argument to u.
    pub work: Work,
}

/// By blocks of a width, where that takes no more rounds; `errors` are those of T_k with g fraction bits.
pub(crate) fn tree(
    polynomial: &Polynomial,
    width: usize,
    (g, f): (u32, u32),
    errors: &[f64],
) -> Option<Tree> {
    let count = polynomial.degree() + 1;
    // Of a power of two the highest block would be a constant, a level above all others.
    if count <= width || polynomial.degree().is_power_of_two() {
        return None;
    }
    let levels = count.div_ceil(width).next_power_of_two().trailing_zeros();
    let wanted = f as i32 + 6 + libm::ceil(libm::log2(count as f64)) as i32;
    let exact = leaves(&polynomial.coefficients, width, levels);
    let weigh = |leaf: &Vec<f64>, of: &dyn Fn(f64) -> f64| {
        let terms = leaf.iter().zip(errors).map(|(c, e)| c.abs() * of(*e));
        terms.sum::<f64>() * CAREFUL
    };
    let largest = exact.iter().map(|leaf| weigh(leaf, &|e| 1.0 + e));
    let largest = largest.fold(1e-30, f64::max) + 1e-6;
    let fits =
        |bits: u32, size: f64| libm::floor(ROOM - 0.01 - f64::from(bits) - libm::log2(size)) as i32;
    let s = wanted.min(fits(g, largest));
    let unit = power_of_two(-s);
    let round = |leaf: &Vec<f64>| leaf.iter().map(|c| libm::rint(c / unit) * unit).collect();
    let rounded: Vec<Vec<f64>> = exact.iter().map(round).collect();
    let sizes: Vec<f64> = rounded
        .iter()
        .map(|leaf| weigh(leaf, &|e| 1.0 + e))
        .collect();
    let all: f64 = sizes.iter().sum::<f64>() * 2.0 + 1e-6;
    // Eight bits below the last place: all truncations before the last are a small part of it.
    let bits = (f as i32 + 8).min(fits(g, all)).min(s + g as i32);
    if bits + g as i32 <= f as i32 || bits < 1 {
        return None;
    }
    let last = power_of_two(-bits);
    let cut = s + g as i32 - bits;

    let mut work = Work::default();
    let blocks = Blocks {
        width,
        levels,
        bits: bits as u32,
        leaves: rounded
            .iter()
            .map(|leaf| leaf.iter().map(|c| (c / unit) as i128).collect())
            .collect(),
    };
    let mut open = blocks.used();
    open.extend((0..levels).map(|level| blocks.giant(level)));
    for k in Polynomial::needed(open) {
        work.power(k, g, errors);
    }
    let size = sizes.iter().copied().fold(0.0, f64::max);
    work.add(
        size * power_of_two(s + g as i32) + 1.0,
        cut as u32,
        false,
        rounded.len(),
    );
    // Of each block its size and error.
    let off = |leaf: &Vec<f64>| weigh(leaf, &|e| e) + if cut > 0 { last } else { 0.0 };
    let errors_of = rounded.iter().map(off);
    let mut nodes: Vec<(f64, f64)> = sizes.iter().copied().zip(errors_of).collect();
    let both = power_of_two(bits + g as i32);
    for level in 0..levels {
        let e = errors[blocks.giant(level)];
        let end = level + 1 == levels;
        let mut next = vec![];
        let mut product = 0f64;
        for pair in nodes.chunks(2) {
            let [(low, low_off), (high, high_off)] = *pair else {
                next.extend(pair);
                continue;
            };
            let off = low_off + high_off * (1.0 + e) + high * e;
            let high = high * (1.0 + e) * CAREFUL;
            product = product.max(if end { low + high } else { high });
            let cut_off = if end { power_of_two(-(f as i32)) } else { last };
            next.push((low + high, off * CAREFUL + cut_off));
        }
        let by = if end {
            bits + g as i32 - f as i32
        } else {
            g as i32
        };
        work.add(product * both + 1.0, by as u32, true, nodes.len() / 2);
        nodes = next;
    }
    let (_, evaluation) = *nodes.first()?;
    let mut coefficients = joined(&rounded, width, levels);
    // The highest block is filled up with zeros.
    coefficients.truncate(count);
    let mut change = coefficients.iter().map(|c| c.abs()).sum::<f64>() * 1e-14;
    for (at, c) in coefficients.iter().enumerate() {
        let before = polynomial.coefficients.get(at).copied().unwrap_or(0.0);
        change += (c - before).abs();
    }
    Some(Tree {
        blocks,
        coefficient_bits: s,
        polynomial: Polynomial {
            domain: polynomial.domain,
            coefficients,
        },
        change,
        evaluation,
        work,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_join_to_what_they_were() {
        for (degree, width) in [(7, 4), (9, 4), (13, 4), (31, 4), (31, 8), (40, 8), (63, 16)] {
            let c: Vec<f64> = (0..=degree).map(|k| f64::from(k * k % 11) - 4.5).collect();
            let levels = (c.len().div_ceil(width))
                .next_power_of_two()
                .trailing_zeros();
            let leaves = leaves(&c, width, levels);
            assert_eq!(leaves.len(), c.len().div_ceil(width));
            let back = joined(&leaves, width, levels);
            for (k, got) in back.iter().enumerate() {
                assert_eq!(
                    *got,
                    c.get(k).copied().unwrap_or(0.0),
                    "{degree}, {width}: {k}"
                );
            }
        }
    }
}
