//! Matrix products modulo 2^64.
//!
//! With a = a0 + 2^32·a1 and b likewise, a·b = a0·b0 + 2^32·(a0·b1 + a1·b0) modulo 2^64, and of the
//! second part only 32 bits count. So two instructions multiply four words: `vpmuludq` gives the
//! a0·b0, and `vpmulld` of a with the halves of b exchanged gives both cross products modulo 2^32.
//! The parts are accumulated apart over a block of the inner dimension and joined at its end.
//! Operands are packed into panels, so that the kernel reads memory in order.

use rayon::prelude::*;

/// Rows of a panel of the left operand.
const ROWS: usize = 6;
/// Columns of a panel of the right operand.
const COLUMNS: usize = 4;
/// Inner dimension of a block: a panel of each operand (12 and 8 KiB) stay in the first cache.
const DEPTH: usize = 256;
/// Rows packed and multiplied at a time (96 KiB packed, for the second cache); bands run in parallel.
const BAND: usize = 8 * ROWS;
/// Products with fewer multiplications than this run on the caller's thread.
const PARALLEL: usize = 1 << 20;

type Tile = [[u64; COLUMNS]; ROWS];

/// A matrix in memory: element (i, j) is `words[i * row + j * column]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// All elements.
    pub words: &'a [u64],
    /// Distance of neighbours in a column.
    pub row: usize,
    /// Distance of neighbours in a row.
    pub column: usize,
}

impl<'a> View<'a> {
    /// A row-major matrix with that many columns.
    pub fn of(words: &'a [u64], columns: usize) -> Self {
        Self {
            words,
            row: columns,
            column: 1,
        }
    }

    /// The same elements with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            words: self.words,
            row: self.column,
            column: self.row,
        }
    }

    fn covers(self, rows: usize, columns: usize) -> bool {
        rows == 0
            || columns == 0
            || (rows - 1) * self.row + (columns - 1) * self.column < self.words.len()
    }
}

/// `c += a · b` modulo 2^64, row-major: `a` is `[n, k]`, `b` is `[k, m]`, `c` is `[n, m]`.
///
/// # Panics
/// A slice's length is not the product of its dimensions.
pub fn multiply_add(n: usize, k: usize, m: usize, a: &[u64], b: &[u64], c: &mut [u64]) {
    assert!(
        a.len() == n * k && b.len() == k * m && c.len() == n * m,
        "lengths and dimensions agree"
    );
    multiply_add_views(n, k, m, View::of(a, k), View::of(b, m), c);
}

/// As [`multiply_add`], of views: a transposed operand is read in place.
///
/// # Panics
/// A view or `c` is too short for its dimensions.
pub fn multiply_add_views(n: usize, k: usize, m: usize, a: View, b: View, c: &mut [u64]) {
    assert!(
        a.covers(n, k) && b.covers(k, m) && c.len() == n * m,
        "lengths and dimensions agree"
    );
    if n == 0 || k == 0 || m == 0 {
        return;
    }
    if m == 1 {
        return vector(n, k, a, b, c);
    }
    if n == 1 {
        return vector(m, k, b.transposed(), a.transposed(), c);
    }
    let kernel = select();
    let mut right = Vec::new();
    for start in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - start);
        right.clear();
        for first in (0..m).step_by(COLUMNS) {
            pack_right(&mut right, m, b, start, depth, first);
        }
        let band = |(band, c): (usize, &mut [u64])| {
            let rows = c.len() / m;
            let left = pack_left(rows, a, band * BAND, start, depth);
            for (columns, first) in right
                .chunks_exact(COLUMNS * depth)
                .zip((0..m).step_by(COLUMNS))
            {
                let width = COLUMNS.min(m - first);
                for (panel, row) in left.chunks_exact(ROWS * depth).zip((0..rows).step_by(ROWS)) {
                    let tile = kernel(panel, columns);
                    for (i, line) in tile.iter().enumerate().take(rows - row) {
                        let at = (row + i) * m + first;
                        for (out, term) in c[at..at + width].iter_mut().zip(line) {
                            *out = out.wrapping_add(*term);
                        }
                    }
                }
            }
        };
        if n * m * depth < PARALLEL || n <= BAND {
            c.chunks_mut(BAND * m).enumerate().for_each(band);
        } else {
            c.par_chunks_mut(BAND * m).enumerate().for_each(band);
        }
    }
}

/// `c += a · b` for a vector b: one pass over a, in the order of its memory.
fn vector(n: usize, k: usize, a: View, b: View, c: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2.
        return unsafe { avx2::vector(n, k, a, b, c) };
    }
    one_pass(n, k, a, b, c);
}

#[inline(always)]
fn one_pass(n: usize, k: usize, a: View, b: View, c: &mut [u64]) {
    let factor = |p: usize| b.words[p * b.row];
    // Four lines of a at a time: memory hands out several streams faster than one.
    if a.column == 1 {
        let packed: Vec<u64> = (0..k).map(factor).collect();
        let line = |i: usize| &a.words[i * a.row..][..k];
        let (fours, rest) = c.as_chunks_mut::<4>();
        let whole = 4 * fours.len();
        for (sums, i) in fours.iter_mut().zip((0..).step_by(4)) {
            let lines = [line(i), line(i + 1), line(i + 2), line(i + 3)];
            for (sum, dot) in sums.iter_mut().zip(dots(lines, &packed)) {
                *sum = sum.wrapping_add(dot);
            }
        }
        for (sum, i) in rest.iter_mut().zip(whole..) {
            let [dot] = dots([line(i)], &packed);
            *sum = sum.wrapping_add(dot);
        }
    } else if a.row == 1 {
        let line = |p: usize| &a.words[p * a.column..][..n];
        let whole = k - k % 4;
        for p in (0..whole).step_by(4) {
            let lines = [line(p), line(p + 1), line(p + 2), line(p + 3)];
            add_lines(lines, [0, 1, 2, 3].map(|i| factor(p + i)), c);
        }
        for p in whole..k {
            add_lines([line(p)], [factor(p)], c);
        }
    } else {
        for (i, sum) in c.iter_mut().enumerate() {
            for p in 0..k {
                let x = a.words[i * a.row + p * a.column];
                *sum = sum.wrapping_add(x.wrapping_mul(factor(p)));
            }
        }
    }
}

/// The products of lines with one vector of their length.
#[inline(always)]
fn dots<const L: usize>(lines: [&[u64]; L], vector: &[u64]) -> [u64; L] {
    let lines = lines.map(|line| &line[..vector.len()]);
    let mut sums = [0u64; L];
    for (j, y) in vector.iter().enumerate() {
        for (sum, line) in sums.iter_mut().zip(lines) {
            *sum = sum.wrapping_add(line[j].wrapping_mul(*y));
        }
    }
    sums
}

/// Adds lines, each times its factor.
#[inline(always)]
fn add_lines<const L: usize>(lines: [&[u64]; L], factors: [u64; L], c: &mut [u64]) {
    let lines = lines.map(|line| &line[..c.len()]);
    for (j, sum) in c.iter_mut().enumerate() {
        for (line, factor) in lines.iter().zip(factors) {
            *sum = sum.wrapping_add(line[j].wrapping_mul(factor));
        }
    }
}

/// For each panel of rows and each inner index, the rows' words; zeros past the last row.
fn pack_left(rows: usize, a: View, top: usize, start: usize, depth: usize) -> Vec<u64> {
    let mut out = vec![0; rows.next_multiple_of(ROWS) * depth];
    for (panel, row) in out
        .chunks_exact_mut(ROWS * depth)
        .zip((0..rows).step_by(ROWS))
    {
        for i in 0..ROWS.min(rows - row) {
            let from = (top + row + i) * a.row + start * a.column;
            let line = a.words[from..].iter().step_by(a.column);
            for (word, into) in line.zip(panel[i..].iter_mut().step_by(ROWS)) {
                *into = *word;
            }
        }
    }
    out
}

/// For each inner index, the words of the panel's columns; zeros past the last column.
fn pack_right(out: &mut Vec<u64>, m: usize, b: View, start: usize, depth: usize, first: usize) {
    let width = COLUMNS.min(m - first);
    for p in start..start + depth {
        let from = p * b.row + first * b.column;
        let mut words = [0; COLUMNS];
        for (j, word) in words[..width].iter_mut().enumerate() {
            *word = b.words[from + j * b.column];
        }
        out.extend(words);
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
    for (a, b) in left.chunks_exact(ROWS).zip(right.chunks_exact(COLUMNS)) {
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
    use super::{COLUMNS, ROWS, Tile, View};
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_add_epi64, _mm256_loadu_si256, _mm256_mul_epu32,
        _mm256_mullo_epi32, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi32,
        _mm256_slli_epi64, _mm256_storeu_si256,
    };

    /// As [`super::one_pass`], with AVX2.
    #[target_feature(enable = "avx2")]
    pub fn vector(n: usize, k: usize, a: View, b: View, c: &mut [u64]) {
        super::one_pass(n, k, a, b, c);
    }

    /// As [`super::portable`], with AVX2.
    #[target_feature(enable = "avx2")]
    pub fn tile(left: &[u64], right: &[u64]) -> Tile {
        const { assert!(COLUMNS == 4, "one vector of columns") };
        let mut low = [_mm256_setzero_si256(); ROWS];
        let mut cross = low;
        let panels = left
            .as_chunks::<ROWS>()
            .0
            .iter()
            .zip(right.as_chunks::<COLUMNS>().0);
        for (a, b) in panels {
            // SAFETY: `b` has four words; the load is unaligned.
            let words = unsafe { _mm256_loadu_si256(b.as_ptr().cast()) };
            let exchanged = _mm256_shuffle_epi32::<0b10_11_00_01>(words);
            for i in 0..ROWS {
                let a = _mm256_set1_epi64x(a[i].cast_signed());
                low[i] = _mm256_add_epi64(low[i], _mm256_mul_epu32(a, words));
                cross[i] = _mm256_add_epi32(cross[i], _mm256_mullo_epi32(a, exchanged));
            }
        }
        let mut tile = [[0; COLUMNS]; ROWS];
        for i in 0..ROWS {
            // The low half of the sum of both halves, in the high half.
            let exchanged = _mm256_shuffle_epi32::<0b10_11_00_01>(cross[i]);
            let both = _mm256_slli_epi64::<32>(_mm256_add_epi32(cross[i], exchanged));
            let sum = _mm256_add_epi64(low[i], both);
            // SAFETY: the line has four words; the store is unaligned.
            unsafe { _mm256_storeu_si256(tile[i].as_mut_ptr().cast(), sum) };
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
        let (left, right) = (words(4, 10 * ROWS), words(5, 10 * COLUMNS));
        let mut pr = vec![];
        let pl = pack_left(ROWS, View::of(&left, 10), 0, 0, 10);
        pack_right(&mut pr, COLUMNS, View::of(&right, COLUMNS), 0, 10, 0);
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

        #[test]
        fn transposed_operands_are_read_in_place(n in 1usize..9, k in 1usize..20, m in 1usize..9, label: u64) {
            let (a, b) = (words(label, n * k), words(!label, k * m));
            let turned = |s: &[u64], rows: usize, columns: usize| -> Vec<u64> {
                (0..rows * columns).map(|i| s[i % rows * columns + i / rows]).collect()
            };
            let (at, bt) = (turned(&a, n, k), turned(&b, k, m));
            let mut slow = vec![0; n * m];
            naive(n, k, m, &a, &b, &mut slow);
            for (x, y) in [
                (View::of(&at, n).transposed(), View::of(&b, m)),
                (View::of(&a, k), View::of(&bt, k).transposed()),
                (View::of(&at, n).transposed(), View::of(&bt, k).transposed()),
            ] {
                let mut fast = vec![0; n * m];
                multiply_add_views(n, k, m, x, y, &mut fast);
                prop_assert_eq!(&fast, &slow);
            }
        }
    }
}
