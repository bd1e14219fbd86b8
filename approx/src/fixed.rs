//! What fixed point adds to the error of a polynomial.
//!
//! The polynomial is evaluated as T_(m+n) = 2 T_m T_n - T_|m-n| with m and n as near to each other
//! as can be, each product truncated once, and one dot product with the public coefficients. All
//! bounds are in units of the last place, 2^-f.

use crate::chebyshev::{Polynomial, split};

/// Fraction bits of the coefficients.
pub const COEFFICIENT_BITS: i32 = 32;

/// How a backend computes with fixed point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arithmetic {
    /// Fraction bits f of the values.
    pub fraction_bits: u32,
    /// How far one truncation may be off, in units of 2^-f: 1 for a result of floor + {0, 1}, and
    /// for the floor itself.
    pub truncation: f64,
    /// Truncations of one product with a public factor.
    pub public: f64,
}

impl Default for Arithmetic {
    /// 16 fraction bits, truncation to one unit, public factors in two terms.
    fn default() -> Self {
        Self {
            fraction_bits: 16,
            truncation: 1.0,
            public: 2.0,
        }
    }
}

impl Arithmetic {
    /// The last place, 2^-f.
    pub fn unit(self) -> f64 {
        libm::ldexp(1.0, -i32::try_from(self.fraction_bits).unwrap_or(i32::MAX))
    }
}

/// Where the error of a result comes from. Absolute; each is a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// The polynomial against the function, by interval arithmetic.
    pub approximation: f64,
    /// Coefficients rounded to [`COEFFICIENT_BITS`] fraction bits.
    pub coefficients: f64,
    /// Truncations on the way.
    pub evaluation: f64,
}

impl Budget {
    /// The bound of the result's error.
    pub fn total(self) -> f64 {
        self.approximation + self.coefficients + self.evaluation
    }
}

/// Multiplications one after another until T_k is there.
pub fn depth(degree: usize) -> u32 {
    degree.max(1).next_power_of_two().trailing_zeros()
}

/// The polynomial with coefficients as they are computed with: multiples of
/// 2^-[`COEFFICIENT_BITS`]; and the sum of what rounding changed.
pub fn rounded(polynomial: &Polynomial) -> (Polynomial, f64) {
    let mut change = 0.0;
    let round = |c: &f64| {
        let unit = libm::ldexp(1.0, -COEFFICIENT_BITS);
        let rounded = libm::rint(c / unit) * unit;
        change += (rounded - c).abs();
        rounded
    };
    let coefficients = polynomial.coefficients.iter().map(round).collect();
    let polynomial = Polynomial {
        domain: polynomial.domain,
        coefficients,
    };
    (polynomial, change)
}

/// A bound of the truncations' effect on the value, absolute. The argument itself is exact.
pub fn evaluation(polynomial: &Polynomial, arithmetic: Arithmetic) -> f64 {
    let unit = arithmetic.unit();
    let degree = polynomial.degree();
    // The domain is scaled to -1..1 by a public factor, which is exact if it is a power of two
    // that does not shrink.
    let factor = 1.0 / polynomial.domain.half();
    let whole = factor >= 1.0 && libm::frexp(factor).0 == 0.5;
    let scaled = if whole {
        0.0
    } else {
        arithmetic.public * arithmetic.truncation * unit
    };
    let mut errors = vec![0.0, scaled];
    for k in 2..=degree {
        let (m, n) = split(k);
        let (em, en) = (errors[m], errors[n]);
        // |T| is at most 1, and at most 1 + its error as computed.
        let product = 2.0 * (em + en + em * en);
        errors.push(product + errors[m - n] + arithmetic.truncation * unit);
    }
    let sum: f64 = polynomial
        .coefficients
        .iter()
        .zip(&errors)
        .map(|(c, e)| c.abs() * e)
        .sum();
    sum + arithmetic.public * arithmetic.truncation * unit
}

/// Bits of the integer part that intermediate values need, with the sign: the argument of the
/// domain and the partial sums of the dot product.
pub fn integer_bits(polynomial: &Polynomial) -> u32 {
    let domain = polynomial.domain;
    let sum: f64 = polynomial.coefficients.iter().map(|c| c.abs()).sum();
    let most = sum.max(domain.low.abs()).max(domain.high.abs()).max(2.0);
    let (fraction, exponent) = libm::frexp(most);
    let bits = if fraction == 0.5 {
        exponent - 1
    } else {
        exponent
    };
    u32::try_from(bits + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chebyshev::Domain;

    /// The value as an endpoint computes it, with truncations that round at random.
    fn computed(p: &Polynomial, x: i64, f: u32, mut coin: impl FnMut() -> bool) -> f64 {
        let one = f64::from(1u32 << f);
        let mut truncate = |value: f64| (value.floor() + f64::from(u8::from(coin()))) / one;
        let (middle, half) = (p.domain.middle(), p.domain.half());
        let u = truncate((x as f64 / one - middle) / half * one);
        let mut basis = vec![1.0, u];
        for k in 2..=p.degree() {
            let (m, n) = split(k);
            let product = 2.0 * basis[m] * basis[n] - basis[m - n];
            basis.push(truncate(product * one));
        }
        let sum: f64 = p.coefficients.iter().zip(&basis).map(|(c, t)| c * t).sum();
        truncate(sum * one)
    }

    #[test]
    fn the_bound_holds_for_every_argument() {
        let p = Polynomial {
            domain: Domain::new(-8.0, 8.0).unwrap(),
            coefficients: vec![0.5, 0.62, 0.0, -0.14, 0.0, 0.05, 0.0, -0.02, 0.0, 0.008],
        };
        let (p, change) = rounded(&p);
        assert!(change > 0.0 && change < 1e-8);
        let bound = evaluation(&p, Arithmetic::default());
        let mut state = 1u64;
        let mut worst = 0f64;
        for x in (-8 << 16..=8 << 16).step_by(7) {
            let value = computed(&p, x, 16, || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                state >> 63 == 1
            });
            worst = worst.max((value - p.at(x as f64 / 65536.0)).abs());
        }
        assert!(worst <= bound, "{worst} {bound}");
        assert!(bound < 40.0 * worst, "far too careful: {worst} {bound}");
    }

    #[test]
    fn depth_and_bits() {
        assert_eq!(
            [1, 2, 3, 4, 5, 8, 9, 25].map(depth),
            [0, 1, 2, 2, 3, 3, 4, 5]
        );
        let p = |low, high, c: &[f64]| Polynomial {
            domain: Domain::new(low, high).unwrap(),
            coefficients: c.to_vec(),
        };
        assert_eq!(integer_bits(&p(-8.0, 8.0, &[0.5])), 4);
        assert_eq!(integer_bits(&p(-1.0, 1.0, &[100.0])), 8);
    }
}
