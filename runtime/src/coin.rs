//! Coins: tensors drawn from a pseudorandom stream.
//!
//! A coin always takes from its stream what its shape and domain say, never what its values
//! happen to be, so every party of the set advances by the same amount. Where values are rejected,
//! the stream yields the key of a stream of the coin's own.

use crate::LocalError;
use crate::memory::room;
use crate::pool;
use crate::prg::{Seed, Stream, permutation};
use crate::tensor::{Data, Tensor, clear_tail, count, mask, split, split_wide, wide_mask};
use smpc_ir::field::Prime;
use smpc_ir::party::{CoinDomain, Elem};
use std::ops::RangeInclusive;

/// Words a uniform coin takes: rings start each element at a word, bits are packed.
///
/// # Errors
/// The shape is too large, or the type has no uniform coin.
pub fn uniform_words(elem: Elem, shape: &[usize]) -> Result<usize, LocalError> {
    let n = count(shape)?;
    match elem {
        Elem::Ring(..=64) => Ok(n),
        Elem::Ring(_) => Ok(2 * n),
        Elem::Bits(m) => Ok((n * usize::from(m)).div_ceil(64)),
        // The key of a stream of its own: values are rejected.
        Elem::Field(_) => Ok(2),
        Elem::Fix => Err(LocalError::Mismatch("a coin is of a ring or of bits")),
    }
}

/// Draws the next coin of a stream.
///
/// # Errors
/// The stream is used up, the shape is too large, or the domain and the type do not fit.
pub fn draw(
    domain: &CoinDomain,
    elem: Elem,
    shape: &[usize],
    stream: &mut Stream,
) -> Result<Tensor, LocalError> {
    match domain {
        CoinDomain::Uniform => {
            let words = uniform_words(elem, shape)?;
            let start = stream.reserve(words as u64).ok_or(LocalError::Exhausted)?;
            uniform_at(elem, shape, stream, start)
        }
        CoinDomain::Permutation => {
            let (Elem::Ring(k), [n]) = (elem, shape) else {
                return Err(LocalError::Mismatch("a permutation is a list of indices"));
            };
            if k < 64 && *n as u64 > 1 << k {
                return Err(LocalError::Mismatch(
                    "indices of a permutation fit its ring",
                ));
            }
            let order = permutation(&own_key(stream)?, count(shape)?);
            Tensor::from_raw_fn(elem, shape, |i| order[i] as u128)
        }
        CoinDomain::Below(0) => Err(LocalError::Mismatch("a coin below 0")),
        CoinDomain::Below(bound) => {
            let mut own = Stream::new(&own_key(stream)?);
            let last = bound - 1;
            if matches!(elem, Elem::Field(p) if last >= p.modulus()) {
                return Err(LocalError::Mismatch("a coin's bound fits its type"));
            }
            rejecting(elem, shape, &mut own, bits_of(last), 0..=last)
        }
        CoinDomain::Nonzero => {
            let mut own = Stream::new(&own_key(stream)?);
            let last = match elem {
                Elem::Field(p) => p.modulus() - 1,
                _ => wide_mask(elem.wire_bits()),
            };
            rejecting(elem, shape, &mut own, elem.wire_bits(), 1..=last)
        }
    }
}

/// The uniform coin whose words were reserved from block `start` on.
///
/// # Errors
/// As [`uniform_words`].
pub fn uniform_at(
    elem: Elem,
    shape: &[usize],
    stream: &Stream,
    start: u64,
) -> Result<Tensor, LocalError> {
    let n = room(elem, shape)?;
    if let Elem::Field(p) = elem {
        let mut key = [0; 2];
        stream.fill(start, &mut key);
        return residues(p, shape, &mut Stream::new(&seed(key)));
    }
    let mut words = pool::dirty(uniform_words(elem, shape)?);
    stream.fill(start, &mut words);
    let data = match elem {
        Elem::Bits(1) => {
            clear_tail(&mut words, n);
            Data::Packed(words)
        }
        Elem::Ring(k @ ..=64) => {
            if k < 64 {
                words.iter_mut().for_each(|w| *w &= mask(k));
            }
            Data::Words(words)
        }
        Elem::Bits(64) => Data::Words(words),
        Elem::Bits(m @ ..=64) => {
            let elements = split(&words, m.into(), n);
            pool::give(words);
            Data::Words(elements)
        }
        Elem::Bits(m) => {
            let elements = split_wide(&words, m.into(), n);
            pool::give(words);
            Data::Wide(elements)
        }
        Elem::Ring(k) => {
            let pairs = words.as_chunks::<2>().0.iter();
            let mut elements = pool::empty(n);
            elements
                .extend(pairs.map(|[low, high]| {
                    (u128::from(*low) | u128::from(*high) << 64) & wide_mask(k)
                }));
            pool::give(words);
            Data::Wide(elements)
        }
        Elem::Field(_) | Elem::Fix => {
            return Err(LocalError::Mismatch("a coin is of a ring or of bits"));
        }
    };
    Ok(Tensor::raw(elem, shape, data))
}

/// A key of the coin's own: the next block of the stream.
fn own_key(stream: &mut Stream) -> Result<Seed, LocalError> {
    let start = stream.reserve(2).ok_or(LocalError::Exhausted)?;
    let mut words = [0; 2];
    stream.fill(start, &mut words);
    Ok(seed(words))
}

fn seed([low, high]: [u64; 2]) -> Seed {
    Seed::from_bytes((u128::from(low) | u128::from(high) << 64).to_le_bytes())
}

/// Uniform elements of a field: strings of as many bits as p has, redrawn until they are below p.
/// What is rejected says nothing of what is accepted, so that time depends on no coin in use.
fn residues(p: Prime, shape: &[usize], stream: &mut Stream) -> Result<Tensor, LocalError> {
    let (elem, n) = (Elem::Field(p), room(Elem::Field(p), shape)?);
    if p.bits() > 64 {
        return rejecting(elem, shape, stream, p.bits(), 0..=p.modulus() - 1);
    }
    let (mask, last) = (mask(p.bits()), p.modulus() as u64 - 1);
    let words = accepted(n, stream, 1, |word| word & mask, 0..=last)?;
    Ok(Tensor::raw(elem, shape, Data::Words(words)))
}

/// `n` words of a stream, every `stride`-th of it, that are in a range after `f`. The next place is the same one again
/// where a word is not: there is no branch on it.
fn accepted(
    n: usize,
    stream: &mut Stream,
    stride: usize,
    f: impl Fn(u64) -> u64,
    range: RangeInclusive<u64>,
) -> Result<Vec<u64>, LocalError> {
    let (least, spread) = (*range.start(), range.end().wrapping_sub(*range.start()));
    let mut out: Vec<u64> = pool::dirty(n);
    let mut next = 0;
    let mut buffer = [0u64; 512];
    while next < n {
        let start = stream.reserve(buffer.len() as u64);
        stream.fill(start.ok_or(LocalError::Exhausted)?, &mut buffer);
        for word in buffer.iter().step_by(stride) {
            let Some(slot) = out.get_mut(next) else {
                break;
            };
            *slot = f(*word);
            next += usize::from(slot.wrapping_sub(least) <= spread);
        }
    }
    Ok(out)
}

fn bits_of(value: u128) -> u8 {
    (128 - value.leading_zeros()) as u8
}

/// Elements of `bits` uniform bits each, redrawn until they are in a range. At least one value is.
fn rejecting(
    elem: Elem,
    shape: &[usize],
    stream: &mut Stream,
    bits: u8,
    range: RangeInclusive<u128>,
) -> Result<Tensor, LocalError> {
    if elem == Elem::Fix || bits > elem.wire_bits() {
        return Err(LocalError::Mismatch("a coin's bound fits its type"));
    }
    if elem.wire_bits() <= 64 && elem != Elem::Bits(1) {
        let n = room(elem, shape)?;
        let keep = if bits == 0 { 0 } else { mask(bits) };
        let range = *range.start() as u64..=*range.end() as u64;
        // An element takes two words.
        let words = accepted(n, stream, 2, |word| word & keep, range)?;
        return Ok(Tensor::raw(elem, shape, Data::Words(words)));
    }
    let mut buffer = [0u64; 64];
    let mut next = buffer.len();
    Tensor::try_from_raw_fn(elem, shape, |_| {
        loop {
            if next == buffer.len() {
                let start = stream.reserve(64).ok_or(LocalError::Exhausted)?;
                stream.fill(start, &mut buffer);
                next = 0;
            }
            let word = u128::from(buffer[next]) | u128::from(buffer[next + 1]) << 64;
            next += 2;
            let value = if bits == 0 { 0 } else { word & wide_mask(bits) };
            if range.contains(&value) {
                return Ok(value);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Stream::new(&Seed::from_bytes([5; 16]))
    }

    #[test]
    fn coins_take_what_their_shape_says() {
        let cases = [
            (Elem::Ring(64), 10, 10),
            (Elem::Ring(7), 10, 10),
            (Elem::Ring(100), 10, 20),
            (Elem::Bits(1), 130, 3),
            (Elem::Bits(20), 10, 4),
            (Elem::Bits(100), 10, 16),
        ];
        for (elem, n, words) in cases {
            let (mut drawn, mut reserved) = (stream(), stream());
            let coin = draw(&CoinDomain::Uniform, elem, &[n], &mut drawn).unwrap();
            reserved.reserve(words).unwrap();
            assert_eq!(drawn.reserve(0), reserved.reserve(0), "{elem:?}");
            assert_eq!(coin.elements(), n);
            let again = uniform_at(elem, &[n], &drawn, 0).unwrap();
            assert_eq!(coin, again);
        }
    }

    #[test]
    fn domains() {
        let mut s = stream();
        let order = draw(&CoinDomain::Permutation, Elem::Ring(64), &[50], &mut s).unwrap();
        let mut sorted = order.to_i128s();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
        let dice = draw(&CoinDomain::Below(6), Elem::Ring(32), &[600], &mut s).unwrap();
        for face in 0..6 {
            let times = dice.to_i128s().iter().filter(|v| **v == face).count();
            assert!((50..=150).contains(&times), "{face}: {times}");
        }
        let one = draw(&CoinDomain::Below(1), Elem::Bits(1), &[3], &mut s).unwrap();
        assert_eq!(one.to_i128s(), [0, 0, 0]);
        let units = draw(&CoinDomain::Nonzero, Elem::Bits(2), &[100], &mut s).unwrap();
        assert!(units.to_i128s().iter().all(|v| (1..4).contains(v)));
        // Each rejecting coin took one block, whatever it rejected.
        let mut other = stream();
        other.reserve(8).unwrap();
        assert_eq!(s.reserve(0), other.reserve(0));
        assert!(draw(&CoinDomain::Below(9), Elem::Ring(3), &[1], &mut s).is_err());
    }
}
