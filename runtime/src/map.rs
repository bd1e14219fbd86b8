//! One pass over several tensors of one type: the element-wise formulas of compiled programs.

use std::borrow::Cow;
use std::num::Wrapping;

use rayon::prelude::*;
use smpc_ir::party::Elem;

use crate::LocalError;
use crate::layout::broadcast;
use crate::ops::common_shape;
use crate::pool::{self, Pooled};
use crate::tensor::{Data, Tensor, clear_tail, count, mask, wide_mask};

/// Elements of a block, a multiple of 64.
const BLOCK: usize = 256;
/// Fewer words than this are done on the caller's thread alone.
const PARALLEL: usize = 1 << 16;

/// A word of a tensor.
pub type Word = Wrapping<u64>;
/// A word of a tensor of elements of more than 64 bits.
pub type Wide = Wrapping<u128>;

enum Source<'a, W> {
    Each(&'a [W]),
    All(W),
}

/// `f` of the arguments, element by element. All have one type of at most 64 bits, which the result
/// has too; scalars and axes of length 1 are repeated. Of elements of one bit, `f` sees 64 at a
/// time.
///
/// # Errors
/// Types or shapes do not fit.
pub fn map<const N: usize>(
    args: [&Tensor; N],
    f: impl Fn([Word; N]) -> Word + Sync,
) -> Result<Tensor, LocalError> {
    words(&args, &|args, out, keep| {
        let n = out.len();
        if let Some(args) = args.first_chunk::<N>() {
            let args = args.map(|a| &a[..n]);
            for (j, word) in out.iter_mut().enumerate() {
                *word = f(args.map(|a| Wrapping(a[j]))).0 & keep;
            }
        }
    })
}

/// As [`map`], for elements of more than 64 bits.
///
/// # Errors
/// Types or shapes do not fit.
pub fn map_wide<const N: usize>(
    args: [&Tensor; N],
    f: impl Fn([Wide; N]) -> Wide + Sync,
) -> Result<Tensor, LocalError> {
    wide_words(&args, &|args, out, keep| {
        let n = out.len();
        if let Some(args) = args.first_chunk::<N>() {
            let args = args.map(|a| &a[..n]);
            for (j, word) in out.iter_mut().enumerate() {
                *word = f(args.map(|a| Wrapping(a[j]))).0 & keep;
            }
        }
    })
}

fn words(args: &[&Tensor], kernel: &Kernel<u64>) -> Result<Tensor, LocalError> {
    let (elem, shape, whole) = prepare(args)?;
    let n = count(&shape)?;
    let packed = elem == Elem::Bits(1);
    let mut sources = Vec::with_capacity(whole.len());
    for arg in &whole {
        sources.push(match arg.data() {
            Data::Words(words) | Data::Packed(words) if *arg.shape() == shape => {
                Source::Each(&words[..])
            }
            Data::Packed(words) => Source::All((words.first().map_or(0, |w| w & 1)).wrapping_neg()),
            Data::Words(words) => Source::All(words.first().copied().unwrap_or(0)),
            _ => return Err(LocalError::Mismatch("elements of more than a word")),
        });
    }
    let (words, keep) = if packed {
        (n.div_ceil(64), u64::MAX)
    } else {
        (n, mask(elem.wire_bits()))
    };
    let mut out = sweep(words, &sources, kernel, keep);
    let data = if packed {
        clear_tail(&mut out, n);
        Data::Packed(out)
    } else {
        Data::Words(out)
    };
    Ok(Tensor::raw(elem, &shape, data))
}

fn wide_words(args: &[&Tensor], kernel: &Kernel<u128>) -> Result<Tensor, LocalError> {
    let (elem, shape, whole) = prepare(args)?;
    let n = count(&shape)?;
    let mut sources = Vec::with_capacity(whole.len());
    for arg in &whole {
        sources.push(match arg.data() {
            Data::Wide(words) if *arg.shape() == shape => Source::Each(&words[..]),
            Data::Wide(words) => Source::All(words.first().copied().unwrap_or(0)),
            _ => return Err(LocalError::Mismatch("elements of one word")),
        });
    }
    let out = sweep(n, &sources, kernel, wide_mask(elem.wire_bits()));
    Ok(Tensor::raw(elem, &shape, Data::Wide(out)))
}

/// Type, shape, and the arguments, each either of that shape or a single element.
type Prepared<'a> = (Elem, Vec<usize>, Vec<Cow<'a, Tensor>>);

fn prepare<'a>(args: &[&'a Tensor]) -> Result<Prepared<'a>, LocalError> {
    let shape = common_shape(args)?;
    let elem = args.first().map(|a| a.elem());
    let elem = elem.ok_or(LocalError::Mismatch("number of arguments"))?;
    let mut whole = Vec::with_capacity(args.len());
    for arg in args {
        if arg.elem() != elem {
            return Err(LocalError::Mismatch("types of element-wise arguments"));
        }
        whole.push(if *arg.shape() != shape && arg.elements() != 1 {
            Cow::Owned(broadcast(arg, &shape)?)
        } else {
            Cow::Borrowed(*arg)
        });
    }
    Ok((elem, shape, whole))
}

/// What a formula does to a block: arguments, each at least as long as the result, the result, and
/// the bits that an element has.
type Kernel<'a, W> = dyn Fn(&[&[W]], &mut [W], W) + Sync + 'a;

/// Apart from the loop over a block, code is shared by all formulas: programs have thousands.
fn sweep<W: Pooled + Send + Sync>(
    words: usize,
    sources: &[Source<W>],
    kernel: &Kernel<W>,
    keep: W,
) -> Vec<W> {
    let mut out = pool::dirty(words);
    let threads = if words < PARALLEL {
        1
    } else {
        rayon::current_num_threads()
    };
    if threads == 1 {
        part(0, sources, kernel, keep, &mut out);
    } else {
        let length = words.div_ceil(threads).next_multiple_of(BLOCK);
        out.par_chunks_mut(length)
            .enumerate()
            .for_each(|(i, out)| part(i * length, sources, kernel, keep, out));
    }
    out
}

/// The words from `first` on.
fn part<W: Pooled>(
    first: usize,
    sources: &[Source<W>],
    kernel: &Kernel<W>,
    keep: W,
    out: &mut [W],
) {
    // What is the same everywhere stands in a block of its own, so that every argument is a slice.
    let longest = out.len().min(BLOCK);
    let fill: Vec<Vec<W>> = sources
        .iter()
        .map(|source| match source {
            Source::All(word) => vec![*word; longest],
            Source::Each(_) => vec![],
        })
        .collect();
    let mut args: Vec<&[W]> = vec![&[]; sources.len()];
    for (i, block) in out.chunks_mut(BLOCK).enumerate() {
        for ((arg, source), fill) in args.iter_mut().zip(sources).zip(&fill) {
            *arg = match source {
                Source::Each(words) => &words[first + i * BLOCK..][..block.len()],
                Source::All(_) => fill,
            };
        }
        kernel(&args, block, keep);
    }
}

/// An integer as a word.
pub fn word(value: i64) -> Word {
    Wrapping(value.cast_unsigned())
}

/// An integer as a word of 128 bits.
pub fn wide(value: i128) -> Wide {
    Wrapping(value.cast_unsigned())
}

/// Arithmetic right shift of a word.
pub fn asr(x: Word, by: usize) -> Word {
    Wrapping((x.0.cast_signed() >> by).cast_unsigned())
}

/// As [`asr`], of 128 bits.
pub fn asr_wide(x: Wide, by: usize) -> Wide {
    Wrapping((x.0.cast_signed() >> by).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;

    #[test]
    fn a_formula_equals_its_operations() {
        for elem in [Elem::Ring(64), Elem::Ring(20), Elem::Bits(7), Elem::Bits(1)] {
            for n in [0, 1, 63, 255, 256, 1000, 70_000] {
                let x: Vec<i128> = (0..n).map(|i| i * 7919 + 3).collect();
                let x = ops::data(elem, &[n], &x).unwrap();
                let y = ops::not(&x).unwrap();
                let s = ops::constant(elem, &[], 5).unwrap();
                let ring = matches!(elem, Elem::Ring(_));
                let fused = map(
                    [&x, &y, &s],
                    |[x, y, s]| {
                        if ring { x * y + s } else { x & y ^ s }
                    },
                )
                .unwrap();
                let apart = ops::add(&ops::mul(&x, &y).unwrap(), &s).unwrap();
                assert_eq!(fused, apart, "{elem:?} {n}");
            }
        }
    }

    #[test]
    fn wide_formulas_and_repeated_axes() {
        let elem = Elem::Ring(100);
        let x = ops::data(elem, &[2, 1], &[-1, 4]).unwrap();
        let y = ops::data(elem, &[1, 3], &[1, 2, 3]).unwrap();
        let fused = map_wide([&x, &y], |[x, y]| x * y - x).unwrap();
        assert_eq!(fused.to_i128s(), [0, -1, -2, 0, 4, 8]);
        assert_eq!(asr(Wrapping(u64::MAX - 3), 1).0, u64::MAX - 1);
    }
}
