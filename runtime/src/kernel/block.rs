//! One instruction on one block.

use super::{BLOCK, Code};
use crate::bits::{even_bits, third_bits};
use crate::prg::Stream;

/// An argument: a block (at least as long as the result asks for) or one word for all elements.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Block(&'a [u64]),
    All(u64),
}

/// Computes an instruction.
pub(super) type Execute = fn(Code, u64, [Source; 3], &mut [u64]);

/// The fastest for this CPU.
pub(super) fn select() -> Execute {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        return |code, mask, args, out| {
            // SAFETY: the CPU has AVX2.
            unsafe { execute_avx2(code, mask, args, out) }
        };
    }
    |code, mask, args, out| execute(code, mask, args, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn execute_avx2(code: Code, mask: u64, args: [Source; 3], out: &mut [u64]) {
    execute(code, mask, args, out);
}

#[inline(always)]
fn unary(a: Source, out: &mut [u64], f: impl Fn(u64) -> u64) {
    match a {
        Source::Block(a) => {
            for (r, x) in out.iter_mut().zip(a) {
                *r = f(*x);
            }
        }
        Source::All(x) => out.fill(f(x)),
    }
}

#[inline(always)]
fn binary(a: Source, b: Source, out: &mut [u64], f: impl Fn(u64, u64) -> u64) {
    match (a, b) {
        (Source::Block(a), Source::Block(b)) => {
            for ((r, x), y) in out.iter_mut().zip(a).zip(b) {
                *r = f(*x, *y);
            }
        }
        (Source::Block(_), Source::All(y)) => unary(a, out, |x| f(x, y)),
        (Source::All(x), b) => unary(b, out, |y| f(x, y)),
    }
}

#[inline(always)]
fn ternary(a: Source, b: Source, c: Source, out: &mut [u64], f: impl Fn(u64, u64, u64) -> u64) {
    match (a, b, c) {
        (Source::Block(a), Source::Block(b), Source::Block(c)) => {
            for (((r, x), y), z) in out.iter_mut().zip(a).zip(b).zip(c) {
                *r = f(*x, *y, *z);
            }
        }
        (a, b, Source::All(z)) => binary(a, b, out, |x, y| f(x, y, z)),
        (a, Source::All(y), c) => binary(a, c, out, |x, z| f(x, y, z)),
        (Source::All(x), b, c) => binary(b, c, out, |y, z| f(x, y, z)),
    }
}

/// Bit j of word i of the result is `f` of element 64 i + j.
#[inline(always)]
fn to_bits(a: Source, b: Source, out: &mut [u64], f: impl Fn(u64, u64) -> bool) {
    fn from(s: Source, first: usize) -> Source {
        match s {
            Source::Block(s) => Source::Block(&s[first.min(s.len())..s.len().min(first + 64)]),
            all @ Source::All(_) => all,
        }
    }
    for (i, word) in out.iter_mut().enumerate() {
        let mut bits = [0u64; 64];
        binary(from(a, 64 * i), from(b, 64 * i), &mut bits, |x, y| {
            u64::from(f(x, y))
        });
        *word = bits.iter().enumerate().fold(0, |w, (j, bit)| w | bit << j);
    }
}

#[inline(always)]
fn bit(words: Source, i: usize) -> u64 {
    match words {
        Source::Block(words) => words[i / 64] >> (i % 64) & 1,
        Source::All(word) => word & 1,
    }
}

#[inline(always)]
fn word(s: Source) -> u64 {
    match s {
        Source::All(word) => word,
        Source::Block(block) => block.first().copied().unwrap_or(0),
    }
}

#[inline(always)]
fn execute(code: Code, mask: u64, [a, b, c]: [Source; 3], out: &mut [u64]) {
    match code {
        Code::Add => binary(a, b, out, |x, y| x.wrapping_add(y) & mask),
        Code::Sub => binary(a, b, out, |x, y| x.wrapping_sub(y) & mask),
        Code::Mul => binary(a, b, out, |x, y| x.wrapping_mul(y) & mask),
        Code::MulAdd => ternary(a, b, c, out, |x, y, z| {
            x.wrapping_mul(y).wrapping_add(z) & mask
        }),
        Code::Neg => unary(a, out, |x| x.wrapping_neg() & mask),
        Code::Xor => binary(a, b, out, |x, y| x ^ y),
        Code::And => binary(a, b, out, |x, y| x & y),
        Code::Shl(bits) => match word(b) {
            by if by < u64::from(bits) => unary(a, out, |x| x << by & mask),
            _ => out.fill(0),
        },
        Code::ShrLogical(bits) => match word(b) {
            by if by < u64::from(bits) => unary(a, out, |x| x >> by),
            _ => out.fill(0),
        },
        Code::Shr(bits) => {
            // AVX2 has no arithmetic shift of words: the sign is moved by a subtraction.
            let by = word(b).min(u64::from(bits) - 1);
            let sign = 1u64 << (bits - 1);
            let moved = sign >> by;
            unary(a, out, |x| ((x ^ sign) >> by).wrapping_sub(moved) & mask);
        }
        Code::Eq => to_bits(a, b, out, |x, y| x == y),
        Code::Lt(flip) => {
            // As signed integers with the order of the flipped words.
            let top = flip ^ 1 << 63;
            to_bits(a, b, out, |x, y| {
                (x ^ top).cast_signed() < (y ^ top).cast_signed()
            });
        }
        Code::EqPacked => binary(a, b, out, |x, y| !(x ^ y)),
        Code::LtPacked => binary(a, b, out, |x, y| !x & y),
        Code::SelectPacked => ternary(a, b, c, out, |s, x, y| s & x | !s & y),
        Code::Select => {
            for (i, r) in out.iter_mut().enumerate() {
                *r = bit(a, i).wrapping_neg();
            }
            match (b, c) {
                (Source::Block(b), Source::Block(c)) => {
                    for ((r, x), y) in out.iter_mut().zip(b).zip(c) {
                        *r = y ^ ((x ^ y) & *r);
                    }
                }
                (Source::Block(b), Source::All(y)) => {
                    for (r, x) in out.iter_mut().zip(b) {
                        *r = y ^ ((x ^ y) & *r);
                    }
                }
                (Source::All(x), Source::Block(c)) => {
                    for (r, y) in out.iter_mut().zip(c) {
                        *r = y ^ ((x ^ y) & *r);
                    }
                }
                (Source::All(x), Source::All(y)) => {
                    for r in out {
                        *r = y ^ ((x ^ y) & *r);
                    }
                }
            }
        }
        Code::Copy => unary(a, out, |x| x & mask),
        Code::Extend(bits) => {
            let sign = 1u64 << (bits - 1);
            unary(a, out, |x| (x ^ sign).wrapping_sub(sign) & mask);
        }
        Code::Widen => {
            for (i, r) in out.iter_mut().enumerate() {
                *r = bit(a, i);
            }
        }
        Code::Bit(at) => to_bits(a, Source::All(0), out, |x, _| x >> at & 1 == 1),
        Code::Bits { start, step: 1 } => unary(a, out, |x| x >> start & mask),
        Code::Bits { start, step: 2 } => unary(a, out, |x| even_bits(x >> start) & mask),
        Code::Bits { start, step: 3 } => unary(a, out, |x| third_bits(x >> start) & mask),
        Code::Bits { start, step } => unary(a, out, |x| {
            (0..mask.count_ones()).fold(0, |r, j| {
                let from = i64::from(start) + i64::from(step) * i64::from(j);
                r | (x >> from & 1) << j
            })
        }),
        // Filled by `coin`, which needs the stream.
        Code::Coin { .. } => {}
    }
}

/// The coins of the block that starts at element `first`, from the stream's position `reserved`.
pub(super) fn coin(
    stream: &Stream,
    reserved: u64,
    first: usize,
    (width, packed): (Option<u8>, bool),
    mask: u64,
    scratch: &mut [u64],
    out: &mut [u64],
) {
    // Two words are one block of the stream; BLOCK is a multiple of 128, so positions are whole.
    const { assert!(BLOCK.is_multiple_of(128)) };
    match width {
        Some(bits) => {
            let words = (out.len() * usize::from(bits)).div_ceil(64);
            let at = first / 64 * usize::from(bits) / 2;
            let scratch = &mut scratch[..words];
            stream.fill(reserved + at as u64, scratch);
            let mut position = 0usize;
            for r in &mut *out {
                let (i, shift) = (position / 64, position % 64);
                let high = match scratch.get(i + 1) {
                    Some(word) if shift > 0 => word << (64 - shift),
                    _ => 0,
                };
                *r = (scratch[i] >> shift | high) & mask;
                position += usize::from(bits);
            }
        }
        None => {
            let word = if packed { first / 64 } else { first };
            stream.fill(reserved + word as u64 / 2, out);
        }
    }
    if width.is_none() && mask != u64::MAX {
        out.iter_mut().for_each(|r| *r &= mask);
    }
}
