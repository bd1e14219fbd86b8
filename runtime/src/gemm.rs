//! Matrix products modulo 2^64.
//!
//! The CPU multiplies 32-bit halves only, four at a time (`vpmuludq`). With a = a0 + 2^32·a1 and
//! b likewise, a·b = a0·b0 + 2^32·(a0·b1 + a1·b0) modulo 2^64. The two parts are accumulated
//! apart over a block of the inner dimension, and the second is shifted once at its end. Both
//! operands are packed into panels with their high halves beside them, so that the kernel reads
//! memory in order and shifts nothing.

use rayon::prelude::*;

/// Rows of a panel of the left operand.
const ROWS: usize = 2;
/// Columns of a panel of the right operand.
const COLUMNS: usize = 8;
/// Inner dimension of a block: a panel of the right operand (32 KiB) stays in the first cache.
const DEPTH: usize = 256;
/// Rows packed and multiplied at a time (128 KiB packed, for the second cache); bands run in parallel.
const BAND: usize = 32;

type Tile = [[u64; COLUMNS]; ROWS];

/// `c += a · b` modulo 2^64, row-major: `a` is `[n, k]`, `b` is `[k, m]`, `c` is `[n, m]`.
///
/// # Panics
/// A slice's length is not the product of its dimensions.
pub fn multiply_add(n: usize, k: usize, m: usize, a: &[u64], b: &[u64], c: &mut [u64]) {
    assert!(
        a.len() == n * k && b.len() == k * m && c.len() == n * m,
        "lengths and dimensions agree"
    );
    if n == 0 || k == 0 || m == 0 {
        return;
    }
    let kernel = select();
    let mut right = Vec::new();
    for start in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - start);
        right.clear();
        for first in (0..m).step_by(COLUMNS) {
            pack_right(&mut right, m, b, start, depth, first);
        }
        c.par_chunks_mut(BAND * m)
            .enumerate()
            .for_each(|(band, c)| {
                let rows = c.len() / m;
                let left = pack_left(rows, k, &a[band * BAND * k..], start, depth);
                for (columns, first) in right
                    .chunks_exact(2 * COLUMNS * depth)
                    .zip((0..m).step_by(COLUMNS))
                {
                    let width = COLUMNS.min(m - first);
                    for (panel, row) in left
                        .chunks_exact(2 * ROWS * depth)
                        .zip((0..rows).step_by(ROWS))
                    {
                        let tile = kernel(panel, columns);
                        for (i, line) in tile.iter().enumerate().take(rows - row) {
                            let at = (row + i) * m + first;
                            for (out, term) in c[at..at + width].iter_mut().zip(line) {
                                *out = out.wrapping_add(*term);
                            }
                        }
                    }
                }
            });
    }
}

/// For each panel of rows and each inner index: the rows' words, then their high halves.
fn pack_left(rows: usize, k: usize, a: &[u64], start: usize, depth: usize) -> Vec<u64> {
    let mut out = Vec::with_capacity(2 * rows.next_multiple_of(ROWS) * depth);
    for row in (0..rows).step_by(ROWS) {
        for p in start..start + depth {
            let words: [u64; ROWS] = std::array::from_fn(|i| {
                if row + i < rows {
                    a[(row + i) * k + p]
                } else {
                    0
                }
            });
            out.extend(words);
            out.extend(words.map(|w| w >> 32));
        }
    }
    out
}

/// For each inner index: the words of the panel's columns, then their high halves; zeros past the last column.
fn pack_right(out: &mut Vec<u64>, m: usize, b: &[u64], start: usize, depth: usize, first: usize) {
    let width = COLUMNS.min(m - first);
    for p in start..start + depth {
        let mut words = [0; COLUMNS];
        words[..width].copy_from_slice(&b[p * m + first..][..width]);
        out.extend(words);
        out.extend(words.map(|w| w >> 32));
    }
}

type Kernel = fn(&[u64], &[u64]) -> Tile;

fn select() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        return |left, right| {
            // SAFETY: the CPU has AVX2.
            unsafe { avx2::tile(left, right) }
        };
    }
    portable
}

/// The product of a packed panel of rows with one of columns, on any CPU.
fn portable(left: &[u64], right: &[u64]) -> Tile {
    let mut tile = [[0u64; COLUMNS]; ROWS];
    for (a, b) in left
        .chunks_exact(2 * ROWS)
        .zip(right.chunks_exact(2 * COLUMNS))
    {
        for (line, a) in tile.iter_mut().zip(a) {
            for (sum, b) in line.iter_mut().zip(b) {
                *sum = sum.wrapping_add(a.wrapping_mul(*b));
            }
        }
    }
    tile
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{COLUMNS, ROWS, Tile};
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi64, _mm256_loadu_si256, _mm256_mul_epu32, _mm256_set1_epi64x,
        _mm256_setzero_si256, _mm256_slli_epi64, _mm256_storeu_si256,
    };

    const LANES: usize = 4;
    const VECTORS: usize = COLUMNS / LANES;

    /// As [`super::portable`], with AVX2.
    #[target_feature(enable = "avx2")]
    pub fn tile(left: &[u64], right: &[u64]) -> Tile {
        let mut low = [[_mm256_setzero_si256(); VECTORS]; ROWS];
        let mut cross = low;
        for (a, b) in left
            .as_chunks::<{ 2 * ROWS }>()
            .0
            .iter()
            .zip(right.as_chunks::<{ 2 * COLUMNS }>().0)
        {
            let vectors: [__m256i; 2 * VECTORS] = std::array::from_fn(|v| {
                // SAFETY: v * LANES + LANES <= 2 * COLUMNS, the length of `b`; the load is unaligned.
                unsafe { _mm256_loadu_si256(b.as_ptr().add(v * LANES).cast()) }
            });
            for i in 0..ROWS {
                let word = _mm256_set1_epi64x(a[i].cast_signed());
                let high = _mm256_set1_epi64x(a[ROWS + i].cast_signed());
                for v in 0..VECTORS {
                    let (b_word, b_high) = (vectors[v], vectors[VECTORS + v]);
                    low[i][v] = _mm256_add_epi64(low[i][v], _mm256_mul_epu32(word, b_word));
                    cross[i][v] = _mm256_add_epi64(cross[i][v], _mm256_mul_epu32(word, b_high));
                    cross[i][v] = _mm256_add_epi64(cross[i][v], _mm256_mul_epu32(high, b_word));
                }
            }
        }
        let mut tile = [[0; COLUMNS]; ROWS];
        for i in 0..ROWS {
            for v in 0..VECTORS {
                let sum = _mm256_add_epi64(low[i][v], _mm256_slli_epi64::<32>(cross[i][v]));
                // SAFETY: v * LANES + LANES <= COLUMNS, the length of the line; the store is unaligned.
                unsafe { _mm256_storeu_si256(tile[i].as_mut_ptr().add(v * LANES).cast(), sum) };
            }
        }
        tile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prg::{Seed, Stream};
    use proptest::prelude::*;

    fn words(label: u64, n: usize) -> Vec<u64> {
        let mut out = vec![0; n];
        Stream::new(&Seed::from_bytes([3; 16]).derive(label)).fill(0, &mut out);
        out
    }

    fn naive(n: usize, k: usize, m: usize, a: &[u64], b: &[u64], c: &mut [u64]) {
        for i in 0..n {
            for p in 0..k {
                for j in 0..m {
                    c[i * m + j] =
                        c[i * m + j].wrapping_add(a[i * k + p].wrapping_mul(b[p * m + j]));
                }
            }
        }
    }

    #[test]
    fn crosses_a_block_of_the_inner_dimension() {
        let (n, k, m) = (2 * BAND + 3, 2 * DEPTH + 1, 9);
        let (a, b) = (words(0, n * k), words(1, k * m));
        let (mut fast, mut slow) = (words(2, n * m), words(2, n * m));
        multiply_add(n, k, m, &a, &b, &mut fast);
        naive(n, k, m, &a, &b, &mut slow);
        assert_eq!(fast, slow);
    }

    #[test]
    fn the_kernels_agree() {
        let (left, right) = (words(4, 40), words(5, 80));
        let mut pr = vec![];
        let pl = pack_left(ROWS, 10, &left[..ROWS * 10], 0, 10);
        pack_right(&mut pr, COLUMNS, &right[..10 * COLUMNS], 0, 10, 0);
        assert_eq!(select()(&pl, &pr), portable(&pl, &pr));
    }

    proptest! {
        #[test]
        fn equals_the_plain_product(n in 0usize..9, k in 0usize..40, m in 0usize..20, label: u64) {
            let (a, b) = (words(label, n * k), words(!label, k * m));
            let (mut fast, mut slow) = (vec![1; n * m], vec![1; n * m]);
            multiply_add(n, k, m, &a, &b, &mut fast);
            naive(n, k, m, &a, &b, &mut slow);
            prop_assert_eq!(fast, slow);
        }
    }
}
