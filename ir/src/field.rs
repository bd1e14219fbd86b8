//! Prime fields: which there are, and the arithmetic of single elements.
//!
//! Elements are residues `0..p` in 128-bit words; as a signed integer an element is the
//! representative in `-(p-1)/2 ..= (p-1)/2` (of the field of two elements: 0 or 1). Nothing here
//! branches on an element, except that an inverse says whether there is one.

/// The modulus of a prime field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prime(u128);

/// Exponents q beyond 32 for which 2^q - 1 is a modulus.
const EXPONENTS: [u8; 4] = [61, 89, 107, 127];

impl Prime {
    /// 2^61 - 1.
    pub const MERSENNE_61: Self = Self((1 << 61) - 1);
    /// 2^89 - 1.
    pub const MERSENNE_89: Self = Self((1 << 89) - 1);
    /// 2^107 - 1.
    pub const MERSENNE_107: Self = Self((1 << 107) - 1);
    /// 2^127 - 1.
    pub const MERSENNE_127: Self = Self((1 << 127) - 1);

    /// The field of this many elements: a prime below 2^32, or 2^q - 1 for q of 61, 89, 107 and
    /// 127. `None` for other numbers.
    pub fn new(p: u128) -> Option<Self> {
        let known = match u64::try_from(p) {
            Ok(small) if small < 1 << 32 => is_prime(small),
            _ => EXPONENTS.iter().any(|q| p == (1 << q) - 1),
        };
        known.then_some(Self(p))
    }

    /// p.
    pub fn modulus(self) -> u128 {
        self.0
    }

    /// Bits of the largest element, and of every element in a message.
    pub fn bits(self) -> u8 {
        (128 - (self.0 - 1).leading_zeros()) as u8
    }

    /// q if p is 2^q - 1 and q is more than 32.
    pub fn exponent(self) -> Option<u8> {
        (self.0 >> 32 != 0).then(|| self.bits())
    }

    /// The residue of an integer.
    pub fn residue(self, value: i128) -> u128 {
        let positive = self.reduce(value.unsigned_abs());
        if value < 0 {
            self.neg(positive)
        } else {
            positive
        }
    }

    /// The residue of an unsigned integer.
    pub fn reduce(self, value: u128) -> u128 {
        match self.exponent() {
            // 128 bits are at most three times q bits.
            Some(q) => {
                let fold = |v: u128| (v & self.0) + (v >> q);
                self.once(fold(fold(value)))
            }
            None => value % self.0,
        }
    }

    /// The representative nearest 0.
    pub fn signed(self, element: u128) -> i128 {
        let half = self.0 / 2;
        let above = u128::from(element > half && self.0 > 2).wrapping_neg();
        element.wrapping_sub(self.0 & above).cast_signed()
    }

    /// The residue of a number below 2p.
    fn once(self, value: u128) -> u128 {
        let (less, borrow) = value.overflowing_sub(self.0);
        less.wrapping_add(self.0 & u128::from(borrow).wrapping_neg())
    }

    /// Sum.
    pub fn add(self, a: u128, b: u128) -> u128 {
        self.once(a + b)
    }

    /// Difference.
    pub fn sub(self, a: u128, b: u128) -> u128 {
        let (less, borrow) = a.overflowing_sub(b);
        less.wrapping_add(self.0 & u128::from(borrow).wrapping_neg())
    }

    /// Negation.
    pub fn neg(self, a: u128) -> u128 {
        self.sub(0, a)
    }

    /// Product.
    pub fn mul(self, a: u128, b: u128) -> u128 {
        let Some(q) = self.exponent() else {
            // Both are below 2^32.
            return u128::from(a as u64 * b as u64 % self.0 as u64);
        };
        let (low, high) = wide_product(a, b);
        // The product is below 2^2q: its upper q bits are one word.
        let upper = (high << (128 - q)) | (low >> q);
        self.once((low & self.0) + upper)
    }

    /// a to a public power.
    pub fn power(self, a: u128, exponent: u128) -> u128 {
        let mut result = self.reduce(1);
        for bit in (0..128 - exponent.leading_zeros()).rev() {
            result = self.mul(result, result);
            if exponent >> bit & 1 == 1 {
                result = self.mul(result, a);
            }
        }
        result
    }

    /// The inverse of an element that is not 0: by Fermat, a^(p-2), in the same number of steps
    /// for every element.
    pub fn inverse(self, a: u128) -> Option<u128> {
        (a != 0).then(|| self.power(a, self.0 - 2))
    }
}

impl std::fmt::Display for Prime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.exponent() {
            Some(q) => write!(f, "2^{q} - 1"),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The 256 bits of a product, low and high.
pub fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a0, a1, b0, b1) = (a & LOW, a >> 64, b & LOW, b >> 64);
    let low = a0 * b0;
    let (cross, carried) = (a0 * b1).overflowing_add(a1 * b0);
    let (sum, carry) = low.overflowing_add(cross << 64);
    let high = a1 * b1 + (cross >> 64) + (u128::from(carried) << 64) + u128::from(carry);
    (sum, high)
}

/// Whether a number below 2^32 is prime: Miller-Rabin with bases that decide below 2^32
/// (Jaeschke, Mathematics of Computation 61, 1993).
fn is_prime(n: u64) -> bool {
    const BASES: [u64; 3] = [2, 7, 61];
    if n < 2 || n.is_multiple_of(2) {
        return n == 2;
    }
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.iter().filter(|base| *base % n != 0).all(|base| {
        let (mut x, mut square, mut left) = (1, base % n, odd);
        while left > 0 {
            if left & 1 == 1 {
                x = x * square % n;
            }
            square = square * square % n;
            left >>= 1;
        }
        let mut witness = x == 1;
        for _ in 0..twos {
            witness |= x == n - 1;
            x = x * x % n;
        }
        witness
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [u128; 9] = [
        2,
        3,
        5,
        65_537,
        2_147_483_647,
        (1 << 61) - 1,
        (1 << 89) - 1,
        (1 << 107) - 1,
        (1 << 127) - 1,
    ];

    /// By doubling: no product of more than 128 bits.
    fn slow_product(a: u128, b: u128, p: u128) -> u128 {
        (0..128).rev().fold(0, |sum, bit| {
            let twice = (sum + sum) % p;
            if b >> bit & 1 == 1 {
                (twice + a) % p
            } else {
                twice
            }
        })
    }

    #[test]
    fn arithmetic_agrees_with_doubling() {
        for p in FIELDS {
            let field = Prime::new(p).unwrap();
            let mut word = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834_u128;
            let mut elements = vec![0, 1, p - 1, p / 2];
            for _ in 0..20 {
                word = word.wrapping_mul(0xda94_2042_e4dd_58b5).rotate_left(41) ^ 0x55;
                elements.push(word % p);
                assert_eq!(field.reduce(word), word % p, "{p}");
            }
            for &a in &elements {
                let a = a % p;
                assert_eq!(field.residue(field.signed(a)), a);
                assert_eq!(field.add(a, field.neg(a)), 0);
                for &b in &elements {
                    let b = b % p;
                    assert_eq!(field.mul(a, b), slow_product(a, b, p), "{a} {b} {p}");
                    assert_eq!(field.add(a, b), (a + b) % p);
                    assert_eq!(field.add(field.sub(a, b), b), a);
                }
                match field.inverse(a) {
                    Some(inverse) => assert_eq!(field.mul(a, inverse), 1 % p),
                    None => assert_eq!(a, 0),
                }
            }
            assert_eq!(field.reduce(u128::MAX), u128::MAX % p);
            assert_eq!(field.residue(-1), p - 1);
        }
    }

    #[test]
    fn only_primes_are_moduli() {
        let found: Vec<u128> = (0..60).filter(|p| Prime::new(*p).is_some()).collect();
        let primes = [
            2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59,
        ];
        assert_eq!(found, primes);
        let sieve = |n: u128| {
            (2..)
                .take_while(|d| d * d <= n)
                .all(|d| !n.is_multiple_of(d))
        };
        for n in (1 << 20)..(1 << 20) + 2000 {
            assert_eq!(Prime::new(n).is_some(), sieve(n), "{n}");
        }
        // A strong pseudoprime to bases 2 and 7, and numbers out of range.
        for n in [314_821, (1 << 32) + 15, (1 << 61) + 1, (1 << 127) - 3] {
            assert!(Prime::new(n).is_none(), "{n}");
        }
        assert_eq!(Prime::MERSENNE_61.bits(), 61);
        assert_eq!(Prime::new(251).unwrap().bits(), 8);
        assert_eq!(Prime::MERSENNE_127.to_string(), "2^127 - 1");
    }
}
