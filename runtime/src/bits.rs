//! Elements of m bits, one to a word in memory, packed without gaps on the wire.

use std::fmt;

/// A message whose length is not what the shape says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongLength {
    /// Bytes the shape asks for.
    pub expected: usize,
    /// Bytes that came.
    pub found: usize,
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} bytes, found {}", self.expected, self.found)
    }
}

impl std::error::Error for WrongLength {}

/// Bytes of `count` elements of `width` bits; `None` beyond the address space.
pub fn packed_len(count: usize, width: u32) -> Option<usize> {
    count
        .checked_mul(width as usize)
        .map(|bits| bits.div_ceil(8))
}

/// The low `width` (1 to 64) bits of each word, least significant first, appended to `out`. Unused
/// bits of the last byte are zero.
pub fn pack(words: &[u64], width: u32, out: &mut Vec<u8>) {
    debug_assert!((1..=64).contains(&width));
    if width == 64 {
        out.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        return;
    }
    let (mut pending, mut held) = (0u128, 0);
    for word in words {
        pending |= u128::from(word & mask(width)) << held;
        held += width;
        while held >= 8 {
            out.push(pending as u8);
            pending >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push(pending as u8);
    }
}

/// The inverse of [`pack`] for `count` elements. Padding bits are ignored.
///
/// # Errors
/// `bytes` is not exactly [`packed_len`] long.
pub fn unpack(bytes: &[u8], count: usize, width: u32) -> Result<Vec<u64>, WrongLength> {
    debug_assert!((1..=64).contains(&width));
    let expected = packed_len(count, width).unwrap_or(usize::MAX);
    if bytes.len() != expected {
        return Err(WrongLength {
            expected,
            found: bytes.len(),
        });
    }
    if width == 64 {
        return Ok(bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| u64::from_le_bytes(*b))
            .collect());
    }
    let mut words = Vec::with_capacity(count);
    let (mut pending, mut held) = (0u128, 0);
    for byte in bytes {
        pending |= u128::from(*byte) << held;
        held += 8;
        while held >= width && words.len() < count {
            words.push(pending as u64 & mask(width));
            pending >>= width;
            held -= width;
        }
    }
    Ok(words)
}

fn mask(width: u32) -> u64 {
    u64::MAX >> (64 - width)
}

/// The bits at even positions 0, 2, 4, … of `x`, moved together.
pub fn even_bits(x: u64) -> u64 {
    let mut v = x & 0x5555_5555_5555_5555;
    v = (v | v >> 1) & 0x3333_3333_3333_3333;
    v = (v | v >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    v = (v | v >> 4) & 0x00ff_00ff_00ff_00ff;
    v = (v | v >> 8) & 0x0000_ffff_0000_ffff;
    (v | v >> 16) & 0x0000_0000_ffff_ffff
}

/// The bits at odd positions 1, 3, 5, … of `x`, moved together.
pub fn odd_bits(x: u64) -> u64 {
    even_bits(x >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_bits_each() {
        let mut out = vec![];
        pack(&[0b101, 0b011, 0b110], 3, &mut out);
        assert_eq!(out, [0b1001_1101, 0b1]);
        assert_eq!(unpack(&out, 3, 3).unwrap(), [0b101, 0b011, 0b110]);
    }

    #[test]
    fn a_wrong_length_is_an_error() {
        assert_eq!(unpack(&[0; 3], 3, 8), Ok(vec![0; 3]));
        assert_eq!(
            unpack(&[0; 4], 3, 8),
            Err(WrongLength {
                expected: 3,
                found: 4
            })
        );
        assert!(unpack(&[0; 2], usize::MAX, 64).is_err());
    }

    proptest! {
        #[test]
        fn unpack_inverts_pack(words: Vec<u64>, width in 1u32..=64) {
            let mut out = vec![];
            pack(&words, width, &mut out);
            prop_assert_eq!(Some(out.len()), packed_len(words.len(), width));
            let low: Vec<u64> = words.iter().map(|w| w & mask(width)).collect();
            prop_assert_eq!(unpack(&out, words.len(), width).unwrap(), low);
        }

        #[test]
        fn even_and_odd_bits(x: u64) {
            for i in 0..32 {
                prop_assert_eq!(even_bits(x) >> i & 1, x >> (2 * i) & 1);
                prop_assert_eq!(odd_bits(x) >> i & 1, x >> (2 * i + 1) & 1);
            }
        }
    }
}
