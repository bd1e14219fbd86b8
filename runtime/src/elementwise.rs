//! Element-wise operations on tensors.
//!
//! Every operation is defined on one element in `elementwise/one.rs`; here are the storages and
//! operations for which whole tensors go faster.

mod one;
mod residues;

use crate::LocalError;
use crate::bits::{even_bits, third_bits};
use crate::layout::broadcast;
use crate::memory::room;
use crate::pool::{self, Pooled};
use crate::tensor::{Data, Tensor, clear_tail, mask, sign_extend, wide_mask};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use std::borrow::Cow;

/// r = f(a, …) element by element. Arguments are scalars, or have the result's rank and along each
/// axis its length or 1.
///
/// # Errors
/// Types or shapes do not fit, or an element's computation fails.
pub fn apply(
    prim: Prim,
    args: &[&Tensor],
    elem: Elem,
    shape: &[usize],
) -> Result<Tensor, LocalError> {
    let n = room(elem, shape)?;
    if args.len() != prim.arity() {
        return Err(LocalError::Mismatch("number of arguments"));
    }
    one::check(prim, args, elem)?;
    let mut whole: Vec<Cow<Tensor>> = Vec::with_capacity(args.len());
    for arg in args {
        let single = arg.elements() == 1 && arg.shape().len() <= shape.len();
        whole.push(if arg.shape() == shape || single {
            Cow::Borrowed(*arg)
        } else {
            Cow::Owned(broadcast(arg, shape)?)
        });
    }
    let args: Vec<&Tensor> = whole.iter().map(|a| &**a).collect();
    if let Some(data) = fast(prim, &args, elem, n)? {
        return Ok(Tensor::raw(elem, shape, data));
    }
    let step = |arg: &Tensor| usize::from(arg.elements() > 1);
    let at = |j: usize, i: usize| match args.get(j) {
        Some(arg) => arg.raw_at(i * step(arg)),
        None => 0,
    };
    let elems = [0, 1, 2].map(|j| args.get(j).map_or(elem, |a| a.elem()));
    Tensor::try_from_raw_fn(elem, shape, |i| {
        one::compute(prim, [at(0, i), at(1, i), at(2, i)], elems, elem)
    })
}

/// The elements of an argument: as many as the result has, or one for all.
enum Many<'a, T> {
    Each(&'a [T]),
    All(T),
}

impl<'a, T: Copy> Many<'a, T> {
    fn of(slice: &'a [T], n: usize) -> Option<Self> {
        match slice {
            _ if slice.len() == n => Some(Self::Each(slice)),
            [one] => Some(Self::All(*one)),
            _ => None,
        }
    }
}

#[inline(always)]
fn map<T: Copy, R: Pooled>(a: &[T], f: impl Fn(T) -> R) -> Vec<R> {
    let mut out = pool::empty(a.len());
    out.extend(a.iter().map(|x| f(*x)));
    out
}

#[inline(always)]
fn zip<T: Copy, R: Pooled>(a: Many<T>, b: Many<T>, n: usize, f: impl Fn(T, T) -> R) -> Vec<R> {
    let mut out = pool::empty(n);
    match (a, b) {
        (Many::Each(a), Many::Each(b)) => out.extend(a.iter().zip(b).map(|(x, y)| f(*x, *y))),
        (Many::Each(a), Many::All(y)) => out.extend(a.iter().map(|x| f(*x, y))),
        (Many::All(x), Many::Each(b)) => out.extend(b.iter().map(|y| f(x, *y))),
        (Many::All(x), Many::All(y)) => out.resize(n, f(x, y)),
    }
    out
}

/// As [`zip`], with one bit per result.
fn zip_bits<T: Copy>(a: Many<T>, b: Many<T>, n: usize, f: impl Fn(T, T) -> bool) -> Vec<u64> {
    let mut out = pool::empty(n.div_ceil(64));
    let get = |m: &Many<T>, i: usize| match m {
        Many::Each(s) => s[i],
        Many::All(x) => *x,
    };
    let pack = |pairs: &mut dyn Iterator<Item = bool>| {
        pairs
            .enumerate()
            .fold(0u64, |w, (j, bit)| w | u64::from(bit) << j)
    };
    for first in (0..n).step_by(64) {
        let last = n.min(first + 64);
        let word = match (&a, &b) {
            (Many::Each(a), Many::Each(b)) => {
                let (a, b) = (&a[first..last], &b[first..last]);
                let mut word = 0;
                for (j, (x, y)) in a.iter().zip(b).enumerate() {
                    word |= u64::from(f(*x, *y)) << j;
                }
                word
            }
            _ => pack(&mut (first..last).map(|i| f(get(&a, i), get(&b, i)))),
        };
        out.push(word);
    }
    out
}

/// Unsigned words of 64 or 128 bits.
trait Word: Pooled + Ord {
    fn mask(bits: u8) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn shl(self, by: u32) -> Self;
    fn shr(self, by: u32) -> Self;
    /// Right shift of the low `bits` bits as a signed integer.
    fn shr_signed(self, by: u32, bits: u8) -> Self;
}

macro_rules! word {
    ($type:ty, $mask:path) => {
        impl Word for $type {
            fn mask(bits: u8) -> Self {
                $mask(bits)
            }
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            fn and(self, other: Self) -> Self {
                self & other
            }
            fn shl(self, by: u32) -> Self {
                self << by
            }
            fn shr(self, by: u32) -> Self {
                self >> by
            }
            fn shr_signed(self, by: u32, bits: u8) -> Self {
                let unused = Self::BITS - u32::from(bits);
                ((self << unused).cast_signed() >> unused >> by).cast_unsigned()
            }
        }
    };
}
word!(u64, mask);
word!(u128, wide_mask);

fn fast(prim: Prim, args: &[&Tensor], elem: Elem, n: usize) -> Result<Option<Data>, LocalError> {
    if let Elem::Field(p) = elem {
        match prim {
            Prim::Add | Prim::Sub | Prim::Mul | Prim::Neg => {
                return Ok(residues::arithmetic(prim, args, p, n));
            }
            Prim::Select | Prim::Cast => {}
            _ => return Ok(None),
        }
    }
    let ring = matches!(elem, Elem::Ring(_));
    let data: Vec<&Data> = args.iter().map(|a| a.data()).collect();
    Ok(match (prim, &data[..]) {
        (Prim::Shl | Prim::Shr | Prim::ShrLogical, [a, _]) => {
            if args[1].elements() != 1 {
                return Ok(None);
            }
            let amount = args[1].integer(0);
            match a {
                _ if amount < 0 => return Err(LocalError::NegativeShift),
                Data::Words(a) if a.len() == n => {
                    Some(Data::Words(shifted(prim, a, amount, elem.wire_bits())))
                }
                Data::Wide(a) if a.len() == n => {
                    Some(Data::Wide(shifted(prim, a, amount, elem.wire_bits())))
                }
                _ => None,
            }
        }
        (Prim::Eq | Prim::Lt, [Data::Words(a), Data::Words(b)]) => {
            let (Some(a), Some(b)) = (Many::of(a, n), Many::of(b, n)) else {
                return Ok(None);
            };
            // Signed order is unsigned order with the sign bit flipped.
            let (bits, signed) = match args[0].elem() {
                Elem::Ring(k) => (k, true),
                Elem::Field(_) if prim == Prim::Lt => return Ok(None),
                other => (other.wire_bits(), false),
            };
            let flip = if signed { 1 << (bits - 1) } else { 0u64 };
            Some(Data::Packed(match prim {
                Prim::Eq => zip_bits(a, b, n, |x, y| x == y),
                _ => zip_bits(a, b, n, |x, y| x ^ flip < y ^ flip),
            }))
        }
        (Prim::Select, [c, Data::Words(a), Data::Words(b)]) => {
            let Data::Packed(c) = c else { return Ok(None) };
            let (Some(a), Some(b)) = (Many::of(a, n), Many::of(b, n)) else {
                return Ok(None);
            };
            if args[0].elements() != n {
                return Ok(None);
            }
            let mut index = 0;
            let mut chosen = pool::dirty(n);
            let mut choose = |x: u64, y: u64| {
                let bit = c[index / 64] >> (index % 64) & 1;
                chosen[index] = y ^ ((x ^ y) & bit.wrapping_neg());
                index += 1;
            };
            match (a, b) {
                (Many::Each(a), Many::Each(b)) => {
                    a.iter().zip(b).for_each(|(x, y)| choose(*x, *y));
                }
                (Many::Each(a), Many::All(y)) => a.iter().for_each(|x| choose(*x, y)),
                (Many::All(x), Many::Each(b)) => b.iter().for_each(|y| choose(x, *y)),
                (Many::All(x), Many::All(y)) => (0..n).for_each(|_| choose(x, y)),
            }
            Some(Data::Words(chosen))
        }
        (Prim::Cast, [a]) if args[0].elements() == n => cast(a, args[0].elem(), elem, n),
        (Prim::BitSlice { start, step }, [Data::Words(a)])
            if a.len() == n && elem.wire_bits() <= 64 =>
        {
            bit_slice(a, start, step, elem.wire_bits())
        }
        (
            Prim::BitSlice {
                start,
                step: step @ 1..=3,
            },
            [Data::Wide(a)],
        ) if a.len() == n => wide_slice(a, start, step, elem.wire_bits()),
        (_, [Data::Packed(a), rest @ ..]) if elem == Elem::Bits(1) => {
            let operands: Option<Vec<&[u64]>> = rest
                .iter()
                .map(|d| match d {
                    Data::Packed(words) => Some(&words[..]),
                    _ => None,
                })
                .collect();
            operands
                .and_then(|rest| packed(prim, args, a, &rest, n))
                .map(Data::Packed)
        }
        (_, [Data::Words(a), rest @ ..]) => {
            let b = match rest {
                [] => None,
                [Data::Words(b)] => Some(&b[..]),
                _ => return Ok(None),
            };
            arithmetic(prim, a, b, n, elem.wire_bits(), ring).map(Data::Words)
        }
        (_, [Data::Wide(a), rest @ ..]) => {
            let b = match rest {
                [] => None,
                [Data::Wide(b)] => Some(&b[..]),
                _ => return Ok(None),
            };
            arithmetic(prim, a, b, n, elem.wire_bits(), ring).map(Data::Wide)
        }
        _ => None,
    })
}

fn shifted<W: Word>(prim: Prim, a: &[W], amount: i128, bits: u8) -> Vec<W> {
    let (mask, width) = (W::mask(bits), u32::from(bits));
    let by = u32::try_from(amount).unwrap_or(u32::MAX);
    match prim {
        Prim::Shl if by < width => map(a, |x| x.shl(by).and(mask)),
        Prim::ShrLogical if by < width => map(a, |x| x.shr(by)),
        Prim::Shr => {
            let by = by.min(width - 1);
            map(a, |x| x.shr_signed(by, bits).and(mask))
        }
        _ => map(a, |_| W::default()),
    }
}

fn arithmetic<W: Word>(
    prim: Prim,
    a: &[W],
    b: Option<&[W]>,
    n: usize,
    bits: u8,
    ring: bool,
) -> Option<Vec<W>> {
    let mask = W::mask(bits);
    let b = match b {
        Some(b) => Some(Many::of(b, n)?),
        None => None,
    };
    let a = Many::of(a, n)?;
    Some(match (prim, b) {
        (Prim::Add, Some(b)) if ring => zip(a, b, n, |x, y| x.add(y).and(mask)),
        (Prim::Sub, Some(b)) if ring => zip(a, b, n, |x, y| x.sub(y).and(mask)),
        (Prim::Mul, Some(b)) if ring => zip(a, b, n, |x, y| x.mul(y).and(mask)),
        (Prim::Add | Prim::Sub, Some(b)) => zip(a, b, n, W::xor),
        (Prim::Mul, Some(b)) => zip(a, b, n, W::and),
        (Prim::Not, None) => zip(a, Many::All(mask), n, W::xor),
        (Prim::Neg, None) if ring => zip(Many::All(W::default()), a, n, |zero, x| {
            zero.sub(x).and(mask)
        }),
        _ => return None,
    })
}

/// The words of an argument of `n` single bits; a scalar stands for words of equal bits.
fn lanes<'a>(arg: &Tensor, words: &'a [u64], n: usize) -> Option<Many<'a, u64>> {
    match arg.elements() {
        elements if elements == n => Some(Many::Each(words)),
        1 => Some(Many::All((words[0] & 1).wrapping_neg())),
        _ => None,
    }
}

/// On single bits, 64 elements at a time.
fn packed(prim: Prim, args: &[&Tensor], a: &[u64], rest: &[&[u64]], n: usize) -> Option<Vec<u64>> {
    let words = n.div_ceil(64);
    let first = lanes(args[0], a, n)?;
    let mut out = match (prim, rest) {
        (Prim::Add | Prim::Sub, [b]) => zip(first, lanes(args[1], b, n)?, words, |x, y| x ^ y),
        (Prim::Mul, [b]) => zip(first, lanes(args[1], b, n)?, words, |x, y| x & y),
        (Prim::Eq, [b]) => zip(first, lanes(args[1], b, n)?, words, |x, y| !(x ^ y)),
        (Prim::Lt, [b]) => zip(first, lanes(args[1], b, n)?, words, |x, y| !x & y),
        (Prim::Not, []) => zip(first, Many::All(u64::MAX), words, |x, y| x ^ y),
        (Prim::Neg, []) => zip(first, Many::All(0), words, |x, y| x ^ y),
        (Prim::Select, [b, c]) => {
            let (b, c) = (lanes(args[1], b, n)?, lanes(args[2], c, n)?);
            let get = |m: &Many<u64>, i: usize| match m {
                Many::Each(s) => s[i],
                Many::All(x) => *x,
            };
            let mut out = pool::empty(words);
            out.extend((0..words).map(|i| {
                let choice = get(&first, i);
                choice & get(&b, i) | !choice & get(&c, i)
            }));
            out
        }
        _ => return None,
    };
    clear_tail(&mut out, n);
    Some(out)
}

fn cast(a: &Data, from: Elem, to: Elem, n: usize) -> Option<Data> {
    let signed = matches!((from, to), (Elem::Ring(_), Elem::Ring(_)));
    if from == to {
        return Some(a.clone());
    }
    match (a, to) {
        (_, Elem::Fix) | (Data::Fixed(_), _) => None,
        (_, Elem::Field(p)) => residues::from_integers(a, from, p, n),
        _ if matches!(from, Elem::Field(_)) => residues::to_integers(a, from, to, n),
        (Data::Words(a), Elem::Bits(1)) => Some(Data::Packed(zip_bits(
            Many::Each(a),
            Many::All(1),
            n,
            |x, one| x & one == 1,
        ))),
        (Data::Words(a), Elem::Ring(k @ ..=64) | Elem::Bits(k @ ..=64)) => {
            let (mask, bits) = (mask(k), from.wire_bits());
            Some(Data::Words(if signed && bits < k {
                map(a, |x| x.shr_signed(0, bits) & mask)
            } else {
                map(a, |x| x & mask)
            }))
        }
        (Data::Words(a), Elem::Ring(k) | Elem::Bits(k)) => {
            let mask = wide_mask(k);
            Some(Data::Wide(if signed {
                let bits = from.wire_bits();
                map(a, |x| sign_extend(x.into(), bits).cast_unsigned() & mask)
            } else {
                map(a, |x| x.into())
            }))
        }
        (Data::Wide(a), Elem::Ring(k @ ..=64) | Elem::Bits(k @ 2..=64)) => {
            let mask = mask(k);
            Some(Data::Words(map(a, |x| x as u64 & mask)))
        }
        (Data::Packed(a), Elem::Ring(..=64) | Elem::Bits(2..=64)) => {
            Some(Data::Words(crate::tensor::split(a, 1, n)))
        }
        (Data::Packed(a), Elem::Bits(1)) => Some(Data::Packed(map(a, |x| x))),
        _ => None,
    }
}

/// Bits `start`, `start + step`, … as many as `bits`; the range was checked.
fn bit_slice(a: &[u64], start: u8, step: i8, bits: u8) -> Option<Data> {
    let start = u32::from(start);
    if bits == 1 {
        let mut out = pool::empty(a.len().div_ceil(64));
        for chunk in a.chunks(64) {
            let mut word = 0;
            for (j, x) in chunk.iter().enumerate() {
                word |= (x >> start & 1) << j;
            }
            out.push(word);
        }
        return Some(Data::Packed(out));
    }
    let mask = mask(bits);
    Some(Data::Words(match step {
        1 => map(a, |x| x >> start & mask),
        2 => map(a, |x| even_bits(x >> start) & mask),
        3 => map(a, |x| third_bits(x >> start) & mask),
        _ => map(a, |x| {
            (0..u32::from(bits)).fold(0, |r, j| {
                let from = i64::from(start) + i64::from(j) * i64::from(step);
                r | (x >> from & 1) << j
            })
        }),
    }))
}

/// The same of wide words, one after another, every second or every third one.
fn wide_slice(a: &[u128], start: u8, step: i8, bits: u8) -> Option<Data> {
    let start = u32::from(start);
    if step == 1 && bits > 64 {
        let mask = wide_mask(bits);
        return Some(Data::Wide(map(a, |x| x >> start & mask)));
    }
    let mask = mask(bits);
    let slice = |x: &u128| {
        let x = x >> start;
        match step {
            1 => x as u64 & mask,
            2 => (even_bits(x as u64) | even_bits((x >> 64) as u64) << 32) & mask,
            // Bit 63 of the lower half is the last of it, bit 66 the first of the upper.
            _ => (third_bits(x as u64) | third_bits((x >> 66) as u64) << 22) & mask,
        }
    };
    if bits == 1 {
        let word = |chunk: &[u128]| {
            let bits = chunk.iter().enumerate();
            bits.fold(0, |word, (j, x)| word | slice(x) << j)
        };
        let mut out = pool::empty(a.len().div_ceil(64));
        out.extend(a.chunks(64).map(word));
        return Some(Data::Packed(out));
    }
    Some(Data::Words(map(a, |x| slice(&x))))
}

#[cfg(test)]
mod tests;
