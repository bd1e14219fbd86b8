//! Bits of a word moved together.

/// The bits at even positions 0, 2, 4, … of `x`, moved together.
#[inline]
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

/// The bits at positions 0, 3, 6, … of `x`, moved together.
#[inline]
pub fn third_bits(x: u64) -> u64 {
    let mut v = x & 0x9249_2492_4924_9249;
    v = (v | v >> 2) & 0x30c3_0c30_c30c_30c3;
    v = (v | v >> 4) & 0xf00f_00f0_0f00_f00f;
    v = (v | v >> 8) & 0x00ff_0000_ff00_00ff;
    v = (v | v >> 16) & 0x00ff_0000_0000_ffff;
    (v | v >> 32) & 0x0000_0000_003f_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_third_bit(x: u64) {
            prop_assert_eq!(third_bits(x) >> 22, 0);
            for i in 0..22 {
                prop_assert_eq!(third_bits(x) >> i & 1, x >> (3 * i) & 1);
            }
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
