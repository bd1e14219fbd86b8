//! Intervals of doubles that contain every real they stand for: each operation rounds outwards.
//!
//! Elementary functions come from `libm`, which is the same on every platform; its results are
//! taken to be within [`ULPS`] units in the last place, four times what it documents.

use std::ops::{Add, Mul, Neg, Sub};

/// How far an elementary function of `libm` may be off, in units in the last place.
const ULPS: u32 = 4;

/// All reals from `low` to `high`. An operation that is undefined somewhere on its operands gives
/// [`Interval::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Every real.
    pub const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };
    /// Zero.
    pub const ZERO: Self = Self::point(0.0);
    /// One.
    pub const ONE: Self = Self::point(1.0);

    /// One double, exactly.
    pub const fn point(value: f64) -> Self {
        Self {
            low: value,
            high: value,
        }
    }

    /// From `low` to `high`; everything if these are not two ordered numbers.
    pub fn new(low: f64, high: f64) -> Self {
        if low <= high {
            Self { low, high }
        } else {
            Self::ALL
        }
    }

    /// With ends moved outwards by so many units in the last place.
    fn outwards(low: f64, high: f64, ulps: u32) -> Self {
        let (mut low, mut high) = (low, high);
        for _ in 0..ulps {
            (low, high) = (low.next_down(), high.next_up());
        }
        Self::new(low, high)
    }

    /// The largest absolute value.
    pub fn magnitude(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }

    /// The smallest absolute value.
    pub fn least(self) -> f64 {
        if self.low <= 0.0 && self.high >= 0.0 {
            0.0
        } else {
            self.low.abs().min(self.high.abs())
        }
    }

    /// Half of the way from end to end, rounded.
    pub fn middle(self) -> f64 {
        self.low / 2.0 + self.high / 2.0
    }

    /// Whether `value` is inside.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// 1 / x.
    pub fn reciprocal(self) -> Self {
        if self.low <= 0.0 && self.high >= 0.0 {
            return Self::ALL;
        }
        Self::outwards(1.0 / self.high, 1.0 / self.low, 1)
    }

    /// x², never negative.
    pub fn square(self) -> Self {
        let (low, high) = (self.least(), self.magnitude());
        let square = Self::outwards(low * low, high * high, 1);
        Self::new(square.low.max(0.0), square.high)
    }

    fn monotone(self, function: fn(f64) -> f64) -> Self {
        Self::outwards(function(self.low), function(self.high), ULPS)
    }

    /// e^x.
    pub fn exp(self) -> Self {
        let exp = self.monotone(libm::exp);
        Self::new(exp.low.max(0.0), exp.high)
    }

    /// The natural logarithm; of an interval that reaches 0 it is everything.
    pub fn ln(self) -> Self {
        if self.low > 0.0 {
            self.monotone(libm::log)
        } else {
            Self::ALL
        }
    }

    /// The square root; of an interval that reaches below 0 it is everything.
    pub fn sqrt(self) -> Self {
        if self.low < 0.0 {
            return Self::ALL;
        }
        let root = Self::outwards(libm::sqrt(self.low), libm::sqrt(self.high), 1);
        Self::new(root.low.max(0.0), root.high)
    }

    /// The hyperbolic tangent.
    pub fn tanh(self) -> Self {
        let tanh = self.monotone(libm::tanh);
        Self::new(tanh.low.max(-1.0), tanh.high.min(1.0))
    }

    /// The error function.
    pub fn erf(self) -> Self {
        let erf = self.monotone(libm::erf);
        Self::new(erf.low.max(-1.0), erf.high.min(1.0))
    }

    /// Sine: by its value in the middle and a slope of at most 1.
    pub fn sin(self) -> Self {
        self.lipschitz(libm::sin)
    }

    /// Cosine.
    pub fn cos(self) -> Self {
        self.lipschitz(libm::cos)
    }

    fn lipschitz(self, function: fn(f64) -> f64) -> Self {
        let middle = self.middle();
        if !middle.is_finite() {
            return Self::new(-1.0, 1.0);
        }
        let radius = (Self::point(middle) - self).magnitude();
        let value = function(middle);
        let near = Self::outwards(value, value, ULPS) + Self::new(-radius, radius);
        Self::new(near.low.clamp(-1.0, 1.0), near.high.clamp(-1.0, 1.0))
    }
}

impl Add for Interval {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::outwards(self.low + other.low, self.high + other.high, 1)
    }
}

impl Sub for Interval {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Interval {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            low: -self.high,
            high: -self.low,
        }
    }
}

impl Mul for Interval {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        if self == Self::ZERO || other == Self::ZERO {
            return Self::ZERO;
        }
        let products = [
            self.low * other.low,
            self.low * other.high,
            self.high * other.low,
            self.high * other.high,
        ];
        // 0 times infinity is not a number: nothing is known then.
        if products.iter().any(|p| p.is_nan()) {
            return Self::ALL;
        }
        let low = products.iter().copied().fold(f64::INFINITY, f64::min);
        let high = products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::outwards(low, high, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_hold_the_real_ones() {
        let third = Interval::point(3.0).reciprocal();
        assert!(third.low < third.high && third.contains(1.0 / 3.0));
        let one = third * Interval::point(3.0);
        assert!(one.contains(1.0) && one.high - one.low < 1e-15);
        let e = Interval::ONE.exp();
        assert!(e.contains(std::f64::consts::E) && e.high - e.low < 1e-14);
        assert!(e.ln().contains(1.0));
        assert!(Interval::point(2.0).sqrt().square().contains(2.0));
        assert!(Interval::new(3.0, 3.2).sin().contains(0.0));
        assert!(Interval::new(-0.1, 0.1).cos().contains(1.0));
    }

    #[test]
    fn what_is_undefined_is_everything() {
        assert_eq!(Interval::new(-1.0, 1.0).reciprocal(), Interval::ALL);
        assert_eq!(Interval::new(-1.0, 1.0).ln(), Interval::ALL);
        assert_eq!(Interval::new(-1.0, 1.0).sqrt(), Interval::ALL);
        assert_eq!(Interval::new(f64::NAN, 1.0), Interval::ALL);
        assert_eq!(Interval::ALL * Interval::new(0.0, 1.0), Interval::ALL);
    }
}
