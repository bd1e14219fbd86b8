//! One pass over several tensors: the element-wise formulas of compiled programs.
//!
//! A formula is a function of one element of each argument and of each coin. The pass goes over
//! memory once, a block at a time that stays in the first cache; coins are drawn block by block
//! from the ranges they reserved.

use std::borrow::Cow;
use std::num::Wrapping;
use std::sync::Arc;

use rayon::prelude::*;
use smpc_ir::party::Elem;

use crate::LocalError;
use crate::bits::{even_bits, third_bits};
use crate::coin::uniform_at;
use crate::kernel::fill_coin;
use crate::layout::broadcast;
use crate::memory::reservable;
use crate::ops::common_shape;
use crate::pool;
use crate::prg::Stream;
use crate::tensor::{Data, Tensor, clear_tail, count, mask, wide_mask};

/// Elements of a block, a multiple of 128: coins start at whole blocks of their streams.
const BLOCK: usize = 512;
/// Fewer words than this are done on the caller's thread alone.
const PARALLEL: usize = 1 << 16;

/// An element of at most 64 bits, or 64 elements of one bit.
pub type Word = Wrapping<u64>;
/// An element of more than 64 bits.
pub type Wide = Wrapping<u128>;

/// A uniform coin whose range of its set's stream is taken. Its elements are drawn where they are
/// used, always the same ones.
#[derive(Clone)]
pub struct Coin {
    pub(crate) stream: Arc<Stream>,
    pub(crate) start: u64,
    pub(crate) elem: Elem,
    pub(crate) shape: Vec<usize>,
}

impl Coin {
    /// All elements.
    ///
    /// # Errors
    /// None for a coin that was reserved.
    pub fn draw(&self) -> Result<Tensor, LocalError> {
        uniform_at(self.elem, &self.shape, &self.stream, self.start)
    }
}

/// What a pass reads.
enum Source<'a> {
    Each(&'a [u64]),
    /// Packed bits, which the formula sees one to a word.
    Bits(&'a [u64]),
    All(u64),
    Coin(&'a Coin),
}

/// `f` of the arguments and coins, element by element; results of these types, of which the low
/// bits of what `f` gives are kept. All elements have at most 64 bits; a single bit is 0 or 1.
/// Scalars and axes of length 1 are repeated.
///
/// # Errors
/// Shapes do not fit.
pub fn pass<const A: usize, const C: usize, const R: usize>(
    args: [&Tensor; A],
    coins: [&Coin; C],
    types: [Elem; R],
    f: impl Fn([Word; A], [Word; C]) -> [Word; R] + Sync,
) -> Result<[Tensor; R], LocalError> {
    let results = carry_out(&args, &coins, &types, false, &blocks::<A, C, R>(&f))?;
    exactly(results)
}

/// As [`pass`], of single bits alone, of which `f` sees 64 at a time.
///
/// # Errors
/// Types or shapes do not fit.
pub fn pass_bits<const A: usize, const C: usize, const R: usize>(
    args: [&Tensor; A],
    coins: [&Coin; C],
    f: impl Fn([Word; A], [Word; C]) -> [Word; R] + Sync,
) -> Result<[Tensor; R], LocalError> {
    let types = [Elem::Bits(1); R];
    let results = carry_out(&args, &coins, &types, true, &blocks::<A, C, R>(&f))?;
    exactly(results)
}

/// A formula of one element as one of blocks.
#[inline(always)]
fn blocks<const A: usize, const C: usize, const R: usize>(
    f: &(impl Fn([Word; A], [Word; C]) -> [Word; R] + Sync),
) -> impl Fn(&[&[u64]], usize, &mut [Block]) + Sync {
    move |blocks, n, out| {
        let n = n.min(BLOCK);
        let (args, coins) = (columns::<A>(blocks, n), columns::<C>(&blocks[A..], n));
        let Some(out) = out.first_chunk_mut::<R>() else {
            return;
        };
        // No index in the loop is checked: it would not be done on vectors.
        for j in 0..n {
            let mut words = [Wrapping(0); A];
            for i in 0..A {
                words[i].0 = args[i][j];
            }
            let mut drawn = [Wrapping(0); C];
            for i in 0..C {
                drawn[i].0 = coins[i][j];
            }
            let results = f(words, drawn);
            for i in 0..R {
                out[i][j] = results[i].0;
            }
        }
    }
}

/// The first blocks, `n` words of each.
#[inline(always)]
fn columns<'a, const N: usize>(blocks: &[&'a [u64]], n: usize) -> [&'a [u64]; N] {
    let mut columns: [&[u64]; N] = [&[]; N];
    for i in 0..N {
        columns[i] = &blocks[i][..n];
    }
    columns
}

/// The results of a pass: one function for each number of them.
#[inline(never)]
fn exactly<const R: usize>(results: Vec<Tensor>) -> Result<[Tensor; R], LocalError> {
    let count = LocalError::Mismatch("number of results of a pass");
    results.try_into().map_err(|_| count)
}

/// What a formula does to a block: arguments and coins, each at least as long as the number of
/// elements given, and a block for each result.
type Formula<'a> = dyn Fn(&[&[u64]], usize, &mut [Block]) + Sync + 'a;

/// Results of a block.
type Block = [u64; BLOCK];

/// Apart from the loop over a block, code is shared by all formulas: programs have hundreds.
fn carry_out(
    args: &[&Tensor],
    coins: &[&Coin],
    types: &[Elem],
    packed: bool,
    formula: &Formula<'_>,
) -> Result<Vec<Tensor>, LocalError> {
    let shapes = args.iter().map(|a| a.shape());
    let shape = common_shape(shapes.chain(coins.iter().map(|c| &c.shape[..])))?;
    let n = count(&shape)?;
    let bit = Elem::Bits(1);
    let single = args.iter().all(|a| a.elem() == bit) && coins.iter().all(|c| c.elem == bit);
    if packed && !single {
        return Err(LocalError::Mismatch("types of element-wise arguments"));
    }
    let mut whole = Vec::with_capacity(args.len());
    for arg in args {
        whole.push(if *arg.shape() != shape && arg.elements() != 1 {
            Cow::Owned(broadcast(arg, &shape)?)
        } else {
            Cow::Borrowed(*arg)
        });
    }
    let mut sources = Vec::with_capacity(args.len() + coins.len());
    for arg in &whole {
        let full = *arg.shape() == shape;
        sources.push(match arg.data() {
            Data::Packed(words) if full && packed => Source::Each(words),
            Data::Packed(words) if full => Source::Bits(words),
            Data::Packed(words) => {
                let bit = words.first().map_or(0, |w| w & 1);
                Source::All(if packed { bit.wrapping_neg() } else { bit })
            }
            Data::Words(words) if full => Source::Each(words),
            Data::Words(words) => Source::All(words.first().copied().unwrap_or(0)),
            _ => return Err(LocalError::Mismatch("elements of more than a word")),
        });
    }
    for coin in coins {
        if coin.shape != shape {
            return Err(LocalError::Mismatch("shapes of coins in a pass"));
        }
        sources.push(Source::Coin(coin));
    }
    let words = if packed { n.div_ceil(64) } else { n };
    let length = |elem: &Elem| {
        if *elem == bit && !packed {
            n.div_ceil(64)
        } else {
            words
        }
    };
    // All of them at once.
    reservable(types.iter().map(|t| 8 * length(t)).sum())?;
    let mut results: Vec<Vec<u64>> = types.iter().map(|t| pool::dirty(length(t))).collect();
    let run = Run {
        sources: &sources,
        types,
        packed,
        formula,
    };
    run.sweep(words, &mut results);
    let results = results.into_iter().zip(types).map(|(mut words, elem)| {
        let data = if *elem == bit {
            clear_tail(&mut words, n);
            Data::Packed(words)
        } else {
            Data::Words(words)
        };
        Tensor::raw(*elem, &shape, data)
    });
    Ok(results.collect())
}

/// What all blocks of a pass share.
struct Run<'a> {
    sources: &'a [Source<'a>],
    types: &'a [Elem],
    packed: bool,
    formula: &'a Formula<'a>,
}

impl Run<'_> {
    /// Large passes in one contiguous part for each thread.
    fn sweep(&self, words: usize, results: &mut [Vec<u64>]) {
        let threads = if words < PARALLEL {
            1
        } else {
            rayon::current_num_threads()
        };
        let mut rest: Vec<&mut [u64]> = results.iter_mut().map(|r| &mut r[..]).collect();
        if threads == 1 {
            return self.part(0, words, rest);
        }
        let part = words.div_ceil(threads).next_multiple_of(BLOCK);
        let mut jobs = vec![];
        for first in (0..words).step_by(part) {
            let length = part.min(words - first);
            let mut own = Vec::with_capacity(rest.len());
            for (slice, elem) in rest.iter_mut().zip(self.types) {
                let length = if self.gathers(*elem) {
                    length.div_ceil(64)
                } else {
                    length
                };
                let (head, tail) = std::mem::take(slice).split_at_mut(length);
                own.push(head);
                *slice = tail;
            }
            jobs.push((first, length, own));
        }
        jobs.into_par_iter()
            .for_each(|(first, length, own)| self.part(first, length, own));
    }

    /// Whether results of this type come as 0 and 1 and are packed.
    fn gathers(&self, elem: Elem) -> bool {
        elem == Elem::Bits(1) && !self.packed
    }

    /// `length` words from `first` on; `results` start there.
    fn part(&self, first: usize, length: usize, mut results: Vec<&mut [u64]>) {
        let longest = length.min(BLOCK);
        let mut own: Vec<Vec<u64>> = self
            .sources
            .iter()
            .map(|source| match source {
                Source::Each(_) => vec![],
                Source::All(word) => vec![*word; longest],
                Source::Bits(_) | Source::Coin(_) => vec![0; longest],
            })
            .collect();
        let coins = self.sources.iter().any(|s| matches!(s, Source::Coin(_)));
        let mut scratch = vec![0; if coins { BLOCK } else { 0 }];
        let mut out = vec![[0; BLOCK]; results.len()];
        for start in (0..length).step_by(BLOCK) {
            let n = BLOCK.min(length - start);
            let at = first + start;
            for (source, own) in self.sources.iter().zip(&mut own) {
                match source {
                    Source::Bits(words) => {
                        for (bits, word) in own[..n].chunks_mut(64).zip(&words[at / 64..]) {
                            for (j, bit) in bits.iter_mut().enumerate() {
                                *bit = word >> j & 1;
                            }
                        }
                    }
                    Source::Coin(coin) => {
                        let at = if self.packed { 64 * at } else { at };
                        let place = (&*coin.stream, coin.start);
                        fill_coin(
                            place,
                            coin.elem,
                            self.packed,
                            at,
                            &mut scratch,
                            &mut own[..n],
                        );
                    }
                    Source::Each(_) | Source::All(_) => {}
                }
            }
            let blocks: Vec<&[u64]> = self
                .sources
                .iter()
                .zip(&own)
                .map(|(source, own)| match source {
                    Source::Each(words) => &words[at..at + n],
                    _ => &own[..n],
                })
                .collect();
            (self.formula)(&blocks, n, &mut out);
            let computed = out.iter().map(|block| &block[..n]);
            for ((block, elem), result) in computed.zip(self.types).zip(&mut results) {
                if self.gathers(*elem) {
                    let words = &mut result[start / 64..][..n.div_ceil(64)];
                    for (word, bits) in words.iter_mut().zip(block.chunks(64)) {
                        let bits = bits.iter().enumerate();
                        *word = bits.fold(0, |word, (j, bit)| word | (bit & 1) << j);
                    }
                    continue;
                }
                let keep = match elem.wire_bits() {
                    1 => u64::MAX,
                    bits => mask(bits),
                };
                for (word, found) in result[start..start + n].iter_mut().zip(block) {
                    *word = found & keep;
                }
            }
        }
    }
}

/// As [`pass`], for elements of more than 64 bits, all of one type.
///
/// # Errors
/// Types or shapes do not fit.
pub fn pass_wide<const A: usize, const R: usize>(
    args: [&Tensor; A],
    f: impl Fn([Wide; A]) -> [Wide; R],
) -> Result<[Tensor; R], LocalError> {
    let shape = common_shape(args.iter().map(|a| a.shape()))?;
    let n = count(&shape)?;
    reservable(16 * n * R)?;
    let elem = args.first().map(|a| a.elem());
    let elem = elem.ok_or(LocalError::Mismatch("number of arguments"))?;
    let mut whole = Vec::with_capacity(A);
    for arg in args {
        whole.push(if *arg.shape() != shape {
            Cow::Owned(broadcast(arg, &shape)?)
        } else {
            Cow::Borrowed(arg)
        });
    }
    let mut words: Vec<&[u128]> = Vec::with_capacity(A);
    for arg in &whole {
        match arg.data() {
            Data::Wide(own) if arg.elem() == elem => words.push(&own[..n]),
            _ => return Err(LocalError::Mismatch("types of element-wise arguments")),
        }
    }
    let keep = wide_mask(elem.wire_bits());
    let mut results: [Vec<u128>; R] = std::array::from_fn(|_| pool::empty(n));
    for j in 0..n {
        let mut element = [Wrapping(0); A];
        for (own, words) in element.iter_mut().zip(&words) {
            own.0 = words[j];
        }
        let found = f(element);
        for (result, word) in results.iter_mut().zip(found) {
            result.push(word.0 & keep);
        }
    }
    Ok(results.map(|words| Tensor::raw(elem, &shape, Data::Wide(words))))
}

/// An integer as a word.
#[inline(always)]
pub fn word(value: i64) -> Word {
    Wrapping(value.cast_unsigned())
}

/// An integer as a word of 128 bits.
#[inline(always)]
pub fn wide(value: i128) -> Wide {
    Wrapping(value.cast_unsigned())
}

/// The low bits.
#[inline(always)]
pub fn low(x: Word, bits: u8) -> Word {
    Wrapping(x.0 & mask(bits))
}

/// The signed integer that the low bits are.
#[inline(always)]
pub fn signed(x: Word, bits: u8) -> Word {
    let sign = 1u64 << (bits - 1);
    Wrapping(((x.0 & mask(bits)) ^ sign).wrapping_sub(sign))
}

/// Arithmetic right shift by less than 64.
#[inline(always)]
pub fn asr(x: Word, by: u32) -> Word {
    // Written without a signed shift of words, which few processors do on vectors.
    let sign = 1u64 << 63;
    Wrapping(((x.0 ^ sign) >> by).wrapping_sub(sign >> by))
}

/// Arithmetic right shift of 128 bits by less than 128.
#[inline(always)]
pub fn asr_wide(x: Wide, by: u32) -> Wide {
    Wrapping((x.0.cast_signed() >> by).cast_unsigned())
}

/// Bits `start`, `start + step`, … of x, so many of them.
#[inline(always)]
pub fn bits(x: Word, start: u8, step: i8, count: u8) -> Word {
    Wrapping(match step {
        1 => x.0 >> start & mask(count),
        2 => even_bits(x.0 >> start) & mask(count),
        3 => third_bits(x.0 >> start) & mask(count),
        _ => (0..count).fold(0, |r, j| {
            let from = i64::from(start) + i64::from(step) * i64::from(j);
            r | (x.0 >> from & 1) << j
        }),
    })
}

/// 1 where words are equal, else 0.
#[inline(always)]
pub fn same(x: Word, y: Word) -> Word {
    Wrapping(u64::from(x == y))
}

/// 1 where x is below y as unsigned integers, else 0.
#[inline(always)]
pub fn below(x: Word, y: Word) -> Word {
    Wrapping(u64::from(x < y))
}

/// 1 where x is below y as signed integers, else 0.
#[inline(always)]
pub fn below_signed(x: Word, y: Word) -> Word {
    Wrapping(u64::from(x.0.cast_signed() < y.0.cast_signed()))
}

/// x where the bit is 1, y where it is 0.
#[inline(always)]
pub fn pick(bit: Word, x: Word, y: Word) -> Word {
    y ^ ((x ^ y) & -bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;
    use crate::prg::Seed;

    #[test]
    fn a_formula_equals_its_operations() {
        for elem in [Elem::Ring(64), Elem::Ring(20), Elem::Bits(7), Elem::Bits(1)] {
            for n in [0, 1, 63, 512, 1000, 70_000, 140_001] {
                let x: Vec<i128> = (0..n).map(|i| i * 7919 + 3).collect();
                let x = ops::data(elem, &[n], &x).unwrap();
                let y = ops::not(&x).unwrap();
                let s = ops::constant(elem, &[], 5).unwrap();
                let ring = matches!(elem, Elem::Ring(_));
                let formula = |[x, y, s]: [Word; 3], []: [Word; 0]| {
                    [if ring { x * y + s } else { x & y ^ s }, !x]
                };
                let [fused, other] = if elem == Elem::Bits(1) {
                    pass_bits([&x, &y, &s], [], formula).unwrap()
                } else {
                    pass([&x, &y, &s], [], [elem, elem], formula).unwrap()
                };
                let apart = ops::add(&ops::mul(&x, &y).unwrap(), &s).unwrap();
                assert_eq!(fused, apart, "{elem:?} {n}");
                assert_eq!(other, y, "{elem:?} {n}");
            }
        }
    }

    #[test]
    fn coins_and_mixed_types_are_as_drawn() {
        for elem in [
            Elem::Ring(64),
            Elem::Ring(20),
            Elem::Bits(31),
            Elem::Bits(64),
            Elem::Bits(1),
        ] {
            for n in [1usize, 65, 512, 1333, 70_000] {
                let coin = Coin {
                    stream: Arc::new(Stream::new(&Seed::from_bytes([9; 16]))),
                    start: 3,
                    elem,
                    shape: vec![n],
                };
                let [same_type] = pass([], [&coin], [elem], |[], [r]| [r]).unwrap();
                assert_eq!(same_type, coin.draw().unwrap(), "{elem:?} {n}");
                if elem == Elem::Bits(1) {
                    let [bits] = pass_bits([], [&coin], |[], [r]| [r]).unwrap();
                    assert_eq!(bits, coin.draw().unwrap());
                }
                let x = ops::constant(Elem::Ring(64), &[n as i128], 1).unwrap();
                let [r, bit] = pass([&x], [&coin], [elem, Elem::Bits(1)], |[x], [r]| {
                    [r * x, bits(r, 0, 1, 1)]
                })
                .unwrap();
                assert_eq!(r, coin.draw().unwrap(), "{elem:?} {n}");
                let odd = coin.draw().unwrap().to_i128s();
                let odd: Vec<i128> = odd.iter().map(|v| v & 1).collect();
                assert_eq!(bit.to_i128s(), odd);
            }
        }
    }

    #[test]
    fn wide_formulas_and_repeated_axes() {
        let elem = Elem::Ring(100);
        let x = ops::data(elem, &[2, 1], &[-1, 4]).unwrap();
        let y = ops::data(elem, &[1, 3], &[1, 2, 3]).unwrap();
        let [fused] = pass_wide([&x, &y], |[x, y]| [x * y - x]).unwrap();
        assert_eq!(fused.to_i128s(), [0, -1, -2, 0, 4, 8]);
    }

    #[test]
    fn words_are_integers() {
        assert_eq!(asr(word(-4), 1), word(-2));
        assert_eq!(asr(word(-4), 0), word(-4));
        assert_eq!(asr_wide(wide(-4), 1), wide(-2));
        assert_eq!(signed(word(5), 3), word(-3));
        assert_eq!(signed(word(-1), 64), word(-1));
        assert_eq!(low(word(-1), 5), word(31));
        assert_eq!(bits(word(0b1101), 1, 1, 2), word(0b10));
        assert_eq!(bits(word(0b1101), 0, 2, 2), word(0b11));
        assert_eq!(bits(word(0b1001_0010), 1, 3, 3), word(0b111));
        assert_eq!(bits(word(0b1100), 3, -1, 4), word(0b0011));
        assert_eq!(pick(word(1), word(7), word(8)), word(7));
        assert_eq!(below_signed(word(-1), word(0)), word(1));
        assert_eq!(below(word(-1), word(0)), word(0));
    }
}
