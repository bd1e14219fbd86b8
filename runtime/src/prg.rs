//! Pseudorandom streams: AES-128 in counter mode, seekable.
//!
//! A set of parties that shares a key draws the same coins without a message. Parties may fuse
//! their computations differently, so a coin first *reserves* its range of the stream, in program
//! order, and the range is filled whenever a kernel gets to it.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Block};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of one AES block.
const BLOCK: usize = 16;

/// Blocks encrypted at a time, in place: enough to fill the pipeline of the CPU's AES unit, few
/// enough to stay in the first cache.
const BATCH: usize = 128;

/// A 128-bit key, erased when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 16]);

impl Seed {
    /// A key from the operating system.
    ///
    /// # Errors
    /// The system's entropy source failed.
    pub fn from_system() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The given key, as agreed with other parties.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The `label`-th key derived from this one: the encryption of `label`, in a domain apart from
    /// every stream position below 2^127.
    pub fn derive(&self, label: u64) -> Self {
        let mut block = Block::from((u128::from(label) | 1 << 127).to_le_bytes());
        Aes128Enc::new(&self.0.into()).encrypt_block(&mut block);
        Self(block.into())
    }
}

/// One stream of pseudorandom bytes. Position p of the stream is byte p mod 16 of the encryption
/// of the counter p / 16, little-endian (NIST SP 800-38A, counter mode with a zero nonce).
pub struct Stream {
    cipher: Aes128Enc,
    reserved: u64,
}

impl Stream {
    /// The stream of a key, nothing reserved.
    pub fn new(seed: &Seed) -> Self {
        Self {
            cipher: Aes128Enc::new(&seed.0.into()),
            reserved: 0,
        }
    }

    /// Takes the next `words` 64-bit words of the stream; returns the block where they start.
    /// `None` once 2^64 blocks are used up: a key is never used beyond.
    pub fn reserve(&mut self, words: u64) -> Option<u64> {
        let start = self.reserved;
        self.reserved = start.checked_add(words.div_ceil(2))?;
        Some(start)
    }

    /// Fills `out` with the words of the stream from block `start` on.
    pub fn fill(&self, start: u64, out: &mut [u64]) {
        let mut counter = u128::from(start);
        let (pairs, rest) = out.as_chunks_mut::<2>();
        for batch in pairs.chunks_mut(BATCH) {
            for pair in batch.iter_mut() {
                *pair = [counter as u64, (counter >> 64) as u64].map(u64::to_le);
                counter += 1;
            }
            self.cipher.encrypt_blocks(as_blocks(batch));
            if cfg!(target_endian = "big") {
                batch
                    .iter_mut()
                    .for_each(|pair| *pair = pair.map(u64::from_le));
            }
        }
        if let [last] = rest {
            let mut block = Block::from(counter.to_le_bytes());
            self.cipher.encrypt_block(&mut block);
            let mut bytes: [u8; BLOCK] = block.into();
            *last = bytes
                .as_chunks::<8>()
                .0
                .first()
                .map_or(0, |b| u64::from_le_bytes(*b));
            bytes.zeroize();
        }
    }
}

/// The same memory as blocks of bytes.
fn as_blocks(pairs: &mut [[u64; 2]]) -> &mut [Block] {
    const { assert!(size_of::<Block>() == BLOCK && align_of::<Block>() == 1) };
    // SAFETY: a block is sixteen bytes of any value without alignment, as many as a pair of words,
    // and the memory is borrowed for as long as the result.
    unsafe { std::slice::from_raw_parts_mut(pairs.as_mut_ptr().cast(), pairs.len()) }
}

/// A uniform permutation of `0..n` from a key of its own (Fisher and Yates, with rejection).
pub fn permutation(seed: &Seed, n: usize) -> Vec<usize> {
    let mut stream = Stream::new(seed);
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        let other = below(&mut stream, last as u64 + 1) as usize;
        order.swap(last, other);
    }
    order
}

/// A uniform integer below `bound` >= 1. The number of draws depends on the coins alone.
fn below(stream: &mut Stream, bound: u64) -> u64 {
    // Words below 2^64 mod bound are rejected, so that every residue has as many words left.
    let excess = bound.wrapping_neg() % bound;
    loop {
        let mut word = [0];
        let Some(start) = stream.reserve(1) else {
            return 0;
        };
        stream.fill(start, &mut word);
        if word[0] >= excess {
            return word[0] % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_fips_197() {
        // FIPS 197, appendix C.1: the counter is the plaintext.
        let key: [u8; 16] = std::array::from_fn(|i| i as u8);
        let mut block = Block::from(std::array::from_fn::<u8, 16, _>(|i| 0x11 * i as u8));
        Stream::new(&Seed::from_bytes(key))
            .cipher
            .encrypt_block(&mut block);
        let expected = 0x69c4e0d86a7b0430d8cdb78070b4c55a_u128.to_be_bytes();
        assert_eq!(<[u8; 16]>::from(block), expected);
    }

    #[test]
    fn keys_and_labels_give_different_streams() {
        let seed = Seed::from_bytes([7; 16]);
        let words = |s: &Seed| {
            let mut out = [0; 4];
            Stream::new(s).fill(0, &mut out);
            out
        };
        assert_ne!(words(&seed), words(&seed.derive(0)));
        assert_ne!(words(&seed.derive(0)), words(&seed.derive(1)));
        assert_ne!(
            Seed::from_system().unwrap().0,
            Seed::from_system().unwrap().0
        );
    }

    #[test]
    fn permutations_are_uniform_on_three() {
        let mut counts = std::collections::BTreeMap::new();
        for label in 0..6000 {
            *counts
                .entry(permutation(&Seed::from_bytes([1; 16]).derive(label), 3))
                .or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        // Six standard deviations about 1000 of 6000, for fixed coins.
        assert!(
            counts.values().all(|c| (827..=1173).contains(c)),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn any_part_of_the_stream_is_the_same_words(key: [u8; 16], start in 0u64..100, n in 0usize..200) {
            let stream = Stream::new(&Seed::from_bytes(key));
            let mut whole = vec![0; 2 * start as usize + n];
            stream.fill(0, &mut whole);
            let mut part = vec![0; n];
            stream.fill(start, &mut part);
            prop_assert_eq!(&whole[2 * start as usize..], &part[..]);
        }

        #[test]
        fn reservations_do_not_overlap(sizes in proptest::collection::vec(0u64..50, 1..20)) {
            let mut stream = Stream::new(&Seed::from_bytes([0; 16]));
            let mut end = 0;
            for words in sizes {
                let start = stream.reserve(words).unwrap();
                prop_assert!(start >= end);
                end = start + words.div_ceil(2);
            }
        }

        #[test]
        fn a_permutation_has_every_index_once(key: [u8; 16], n in 0usize..100) {
            let mut order = permutation(&Seed::from_bytes(key), n);
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }
}
