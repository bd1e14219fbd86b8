//! Arithmetic of prime fields on slices of elements: words for moduli below 2^64, wide words above.
//!
//! Elements are residues in `0..p`. No branch and no memory access depends on an element. Products
//! modulo 2^q - 1 fold the upper bits onto the lower; modulo a prime below 2^32 they are reduced
//! with the quotient estimated from the inverse (Barrett, CRYPTO 1986), below 2^16 in products of 32 by 32 bits, of
//! which vector units do several at once.

use crate::pool::{self, Pooled};
use smpc_ir::field::{Prime, wide_product};

/// 2^61 - 1.
pub const M61: Prime = Prime::MERSENNE_61;
/// 2^89 - 1.
pub const M89: Prime = Prime::MERSENNE_89;
/// 2^107 - 1.
pub const M107: Prime = Prime::MERSENNE_107;
/// 2^127 - 1.
pub const M127: Prime = Prime::MERSENNE_127;

/// The field of this many elements, in generated code.
///
/// # Panics
/// No such field: the generated text was changed.
pub fn prime(p: u128) -> Prime {
    let prime = Prime::new(p);
    assert!(prime.is_some(), "{p} is the modulus of no field");
    prime.unwrap_or(M61)
}

/// Elements of one storage and one field.
pub(crate) trait Field: Copy + Send + Sync {
    /// Storage of an element.
    type Word: Pooled + Send + Sync;
    /// Storage of a sum of products not yet reduced.
    type Sum: Copy + Default;
    /// Terms that a reduced [`Field::Sum`] can take before it must be reduced again.
    const TERMS: usize;

    fn add(self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn sub(self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn mul(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// sum + a·b.
    fn term(self, sum: Self::Sum, a: Self::Word, b: Self::Word) -> Self::Sum;
    /// Makes room for [`Field::TERMS`] terms.
    fn lighten(self, sum: Self::Sum) -> Self::Sum;
    /// The residue of a sum.
    fn residue(self, sum: Self::Sum) -> Self::Word;
}

/// A field of single words.
pub(crate) trait Narrow: Field<Word = u64> {
    /// The residue of any word.
    fn reduce(self, value: u64) -> u64;
}

/// A value below 2p, reduced.
#[inline(always)]
fn once(value: u64, p: u64) -> u64 {
    difference(value, p, p)
}

/// a - b, or p more where that is below 0. Neither is as large as 2^63, so that the sign says which.
#[inline(always)]
fn difference(a: u64, b: u64, p: u64) -> u64 {
    let less = a.wrapping_sub(b);
    less.wrapping_add(p & (less.cast_signed() >> 63).cast_unsigned())
}

/// The product of the lower halves, which is one instruction of vector units.
#[inline(always)]
fn halves(a: u64, b: u64) -> u64 {
    u64::from(a as u32) * u64::from(b as u32)
}

/// Modulo 2^61 - 1.
#[derive(Clone, Copy)]
pub(crate) struct Mersenne61;

const P61: u64 = (1 << 61) - 1;

impl Field for Mersenne61 {
    type Word = u64;
    type Sum = u128;
    // A product is below 2^122, and a lightened sum below 2^68.
    const TERMS: usize = 63;

    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        once(a + b, P61)
    }
    #[inline(always)]
    fn sub(self, a: u64, b: u64) -> u64 {
        difference(a, b, P61)
    }
    #[inline(always)]
    fn mul(self, a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        once((product as u64 & P61) + (product >> 61) as u64, P61)
    }
    #[inline(always)]
    fn term(self, sum: u128, a: u64, b: u64) -> u128 {
        sum + u128::from(a) * u128::from(b)
    }
    #[inline(always)]
    fn lighten(self, sum: u128) -> u128 {
        u128::from(sum as u64 & P61) + (sum >> 61)
    }
    #[inline(always)]
    fn residue(self, sum: u128) -> u64 {
        // Two folds bring 128 bits to at most p + 2^7.
        let sum = self.lighten(self.lighten(sum)) as u64;
        once(sum, P61)
    }
}

impl Narrow for Mersenne61 {
    #[inline(always)]
    fn reduce(self, value: u64) -> u64 {
        once((value & P61) + (value >> 61), P61)
    }
}

/// Modulo a prime below 2^32.
#[derive(Clone, Copy)]
pub(crate) struct Small {
    p: u64,
    /// floor(2^64 / p).
    inverse: u64,
    /// 2^64 mod p.
    carry: u64,
}

impl Small {
    fn new(p: Prime) -> Self {
        let modulus = p.modulus();
        Self {
            p: modulus as u64,
            inverse: ((1 << 64) / modulus) as u64,
            carry: ((1 << 64) % modulus) as u64,
        }
    }
}

impl Narrow for Small {
    /// The estimated quotient is at most one too small.
    #[inline(always)]
    fn reduce(self, value: u64) -> u64 {
        let quotient = ((u128::from(value) * u128::from(self.inverse)) >> 64) as u64;
        once(value - quotient * self.p, self.p)
    }
}

impl Field for Small {
    type Word = u64;
    type Sum = u128;
    const TERMS: usize = 1 << 30;

    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        once(a + b, self.p)
    }
    #[inline(always)]
    fn sub(self, a: u64, b: u64) -> u64 {
        difference(a, b, self.p)
    }
    #[inline(always)]
    fn mul(self, a: u64, b: u64) -> u64 {
        self.reduce(a * b)
    }
    #[inline(always)]
    fn term(self, sum: u128, a: u64, b: u64) -> u128 {
        sum + u128::from(a * b)
    }
    #[inline(always)]
    fn lighten(self, sum: u128) -> u128 {
        // The upper word, reduced, times 2^64 mod p is below 2^64.
        let upper = self.reduce((sum >> 64) as u64) * self.carry;
        u128::from(sum as u64) + u128::from(upper)
    }
    #[inline(always)]
    fn residue(self, sum: u128) -> u64 {
        let upper = self.reduce((sum >> 64) as u64) * self.carry;
        self.add(self.reduce(sum as u64), self.reduce(upper))
    }
}

/// Modulo a prime below 2^16: a product is below 2^32.
#[derive(Clone, Copy)]
pub(crate) struct Tiny {
    p: u64,
    /// floor(2^32 / p).
    inverse: u64,
    whole: Small,
}

impl Tiny {
    fn new(p: Prime) -> Self {
        Self {
            p: p.modulus() as u64,
            inverse: (1 << 32) / p.modulus() as u64,
            whole: Small::new(p),
        }
    }
}

impl Narrow for Tiny {
    #[inline(always)]
    fn reduce(self, value: u64) -> u64 {
        self.whole.reduce(value)
    }
}

impl Field for Tiny {
    type Word = u64;
    type Sum = u64;
    // A product is below 2^32, and a lightened sum below 2^16.
    const TERMS: usize = 1 << 31;

    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        once(a + b, self.p)
    }
    #[inline(always)]
    fn sub(self, a: u64, b: u64) -> u64 {
        difference(a, b, self.p)
    }
    /// The estimated quotient is at most one too small, as that of [`Small`].
    #[inline(always)]
    fn mul(self, a: u64, b: u64) -> u64 {
        let product = halves(a, b);
        let quotient = halves(product, self.inverse) >> 32;
        once(product - halves(quotient, self.p), self.p)
    }
    #[inline(always)]
    fn term(self, sum: u64, a: u64, b: u64) -> u64 {
        sum + halves(a, b)
    }
    #[inline(always)]
    fn lighten(self, sum: u64) -> u64 {
        self.whole.reduce(sum)
    }
    #[inline(always)]
    fn residue(self, sum: u64) -> u64 {
        self.whole.reduce(sum)
    }
}

/// Modulo 2^q - 1 beyond 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Wide {
    p: u128,
    q: u32,
}

impl Wide {
    #[inline(always)]
    fn once(self, value: u128) -> u128 {
        let (less, borrow) = value.overflowing_sub(self.p);
        less.wrapping_add(self.p & u128::from(borrow).wrapping_neg())
    }
}

impl Field for Wide {
    type Word = u128;
    type Sum = u128;
    const TERMS: usize = usize::MAX;

    #[inline(always)]
    fn add(self, a: u128, b: u128) -> u128 {
        self.once(a + b)
    }
    #[inline(always)]
    fn sub(self, a: u128, b: u128) -> u128 {
        let (less, borrow) = a.overflowing_sub(b);
        less.wrapping_add(self.p & u128::from(borrow).wrapping_neg())
    }
    #[inline(always)]
    fn mul(self, a: u128, b: u128) -> u128 {
        let (low, high) = wide_product(a, b);
        let upper = (high << (128 - self.q)) | (low >> self.q);
        self.once((low & self.p) + upper)
    }
    #[inline(always)]
    fn term(self, sum: u128, a: u128, b: u128) -> u128 {
        self.add(sum, self.mul(a, b))
    }
    #[inline(always)]
    fn lighten(self, sum: u128) -> u128 {
        sum
    }
    #[inline(always)]
    fn residue(self, sum: u128) -> u128 {
        sum
    }
}

/// Runs `$body` with `$field` bound to the field of `$prime` if its elements are single words.
macro_rules! in_words {
    ($prime:expr, $field:ident => $body:expr) => {
        match $crate::field::words($prime) {
            $crate::field::Words::Mersenne61($field) => $body,
            $crate::field::Words::Small($field) => $body,
            $crate::field::Words::Tiny($field) => $body,
        }
    };
}
pub(crate) use in_words;

/// A field of single words.
pub(crate) enum Words {
    Mersenne61(Mersenne61),
    Small(Small),
    Tiny(Tiny),
}

/// The field of single words with this modulus, which is below 2^64.
pub(crate) fn words(p: Prime) -> Words {
    match p.bits() {
        61 => Words::Mersenne61(Mersenne61),
        0..=16 => Words::Tiny(Tiny::new(p)),
        _ => Words::Small(Small::new(p)),
    }
}

/// The field of wide words with this modulus, which is above 2^64.
pub(crate) fn wide(p: Prime) -> Wide {
    Wide {
        p: p.modulus(),
        q: p.bits().into(),
    }
}

/// Batches of matrix products `[n, k]` by `[k, m]`: sums of products stay unreduced as long as they
/// fit, for a block of a row at a time.
pub(crate) fn products<F: Field>(
    field: F,
    (batches, n, k, m): (usize, usize, usize, usize),
    a: &[F::Word],
    b: &[F::Word],
) -> Vec<F::Word> {
    const WIDTH: usize = 64;
    const DEPTH: usize = 32;
    const { assert!(F::TERMS >= DEPTH) };
    let mut out = pool::zeros(batches * n * m);
    for batch in 0..batches {
        let (a, b) = (&a[batch * n * k..][..n * k], &b[batch * k * m..][..k * m]);
        let out = &mut out[batch * n * m..][..n * m];
        for left in (0..m).step_by(WIDTH) {
            let width = WIDTH.min(m - left);
            for i in 0..n {
                let mut sums = [F::Sum::default(); WIDTH];
                let sums = &mut sums[..width];
                for deep in (0..k).step_by(DEPTH) {
                    for p in deep..k.min(deep + DEPTH) {
                        let factor = a[i * k + p];
                        for (sum, x) in sums.iter_mut().zip(&b[p * m + left..][..width]) {
                            *sum = field.term(*sum, factor, *x);
                        }
                    }
                    for sum in &mut *sums {
                        *sum = field.lighten(*sum);
                    }
                }
                for (r, sum) in out[i * m + left..].iter_mut().zip(&*sums) {
                    *r = field.residue(*sum);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
