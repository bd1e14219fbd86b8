//! Taylor coefficients as intervals: of a function at a point, or over a whole piece, where the
//! last one bounds the remainder of an expansion inside the piece.
//!
//! Recurrences as in Griewank, Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 13.

use crate::interval::Interval;

/// f(c + h) = sum of `0[k] h^k`, up to a fixed order.
#[derive(Clone, Debug, PartialEq)]
pub struct Jet(pub Vec<Interval>);

/// 1 / k.
fn inverse(k: usize) -> Interval {
    Interval::point(k as f64).reciprocal()
}

impl Jet {
    /// The identity around `centre`.
    pub fn variable(centre: Interval, order: usize) -> Self {
        let mut jet = Self::constant(centre, order);
        if let Some(slope) = jet.0.get_mut(1) {
            *slope = Interval::ONE;
        }
        jet
    }

    /// A constant.
    pub fn constant(value: Interval, order: usize) -> Self {
        let mut coefficients = vec![Interval::ZERO; order + 1];
        coefficients[0] = value;
        Self(coefficients)
    }

    fn order(&self) -> usize {
        self.0.len() - 1
    }

    /// Term by term.
    pub fn add(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| *a + *b).collect())
    }

    /// Term by term.
    pub fn sub(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| *a - *b).collect())
    }

    /// Times a number.
    pub fn scale(&self, factor: Interval) -> Self {
        Self(self.0.iter().map(|a| *a * factor).collect())
    }

    /// The product series.
    pub fn mul(&self, other: &Self) -> Self {
        let at = |k: usize| self.convolve(other, k, 0, k);
        Self((0..=self.order()).map(at).collect())
    }

    /// Sum of a[j] b[k - j] for j from `first` to `last`.
    fn convolve(&self, other: &Self, k: usize, first: usize, last: usize) -> Interval {
        (first..=last)
            .map(|j| self.0[j] * other.0[k - j])
            .fold(Interval::ZERO, |sum, term| sum + term)
    }

    /// Sum of j a[j] b[k - j] for j from 1 to `last`.
    fn slopes(&self, other: &Self, k: usize, last: usize) -> Interval {
        (1..=last)
            .map(|j| Interval::point(j as f64) * self.0[j] * other.0[k - j])
            .fold(Interval::ZERO, |sum, term| sum + term)
    }

    /// Fills coefficients one after another from those before.
    fn build(order: usize, first: Interval, next: impl Fn(&Self, usize) -> Interval) -> Self {
        let mut jet = Self::constant(first, order);
        for k in 1..=order {
            jet.0[k] = next(&jet, k);
        }
        jet
    }

    /// 1 / f.
    pub fn reciprocal(&self) -> Self {
        let first = self.0[0].reciprocal();
        Self::build(self.order(), first, |r, k| {
            -(self.convolve(r, k, 1, k) * first)
        })
    }

    /// e^f.
    pub fn exp(&self) -> Self {
        Self::build(self.order(), self.0[0].exp(), |e, k| {
            self.slopes(e, k, k) * inverse(k)
        })
    }

    /// ln f.
    pub fn ln(&self) -> Self {
        let scale = self.0[0].reciprocal();
        Self::build(self.order(), self.0[0].ln(), |l, k| {
            (self.0[k] - l.slopes(self, k, k - 1) * inverse(k)) * scale
        })
    }

    /// The square root of f.
    pub fn sqrt(&self) -> Self {
        let first = self.0[0].sqrt();
        let scale = (first + first).reciprocal();
        Self::build(self.order(), first, |s, k| {
            (self.0[k] - s.convolve(s, k, 1, k - 1)) * scale
        })
    }

    /// Sine and cosine of f.
    pub fn sin_cos(&self) -> (Self, Self) {
        let mut sin = Self::constant(self.0[0].sin(), self.order());
        let mut cos = Self::constant(self.0[0].cos(), self.order());
        for k in 1..=self.order() {
            sin.0[k] = self.slopes(&cos, k, k) * inverse(k);
            cos.0[k] = -(self.slopes(&sin, k, k) * inverse(k));
        }
        (sin, cos)
    }

    /// The antiderivative of g f' with the value `first` at the centre: for functions whose
    /// derivative is g(f).
    fn integrate(&self, slope: &Self, first: Interval) -> Self {
        Self::build(self.order(), first, |_, k| {
            self.slopes(slope, k, k) * inverse(k)
        })
    }

    /// The hyperbolic tangent of f: t' = (1 - t²) f'.
    pub fn tanh(&self) -> Self {
        let order = self.order();
        let first = self.0[0].tanh();
        let mut tanh = Self::constant(first, order);
        let mut slope = Self::constant(Interval::ONE - first.square(), order);
        for k in 1..=order {
            tanh.0[k] = self.slopes(&slope, k, k) * inverse(k);
            slope.0[k] = -tanh.convolve(&tanh, k, 0, k);
        }
        tanh
    }

    /// The error function of f: its derivative is 2/sqrt(pi) e^(-f²).
    pub fn erf(&self) -> Self {
        let minus = self.mul(self).scale(Interval::point(-1.0));
        let factor = Interval::new(
            std::f64::consts::FRAC_2_SQRT_PI.next_down(),
            std::f64::consts::FRAC_2_SQRT_PI.next_up(),
        );
        self.integrate(&minus.exp().scale(factor), self.0[0].erf())
    }

    /// A bound of |f(c + h)| for |h| <= `radius`, where the last coefficient holds the remainder.
    pub fn bound(&self, radius: f64) -> f64 {
        let radius = Interval::point(radius);
        let mut bound = Interval::ZERO;
        for coefficient in self.0.iter().rev() {
            bound = bound * radius + Interval::point(coefficient.magnitude());
        }
        bound.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coefficients of f at 0.3 beside finite ones known in closed form.
    fn close(jet: &Jet, expected: &[f64]) {
        for (k, (got, want)) in jet.0.iter().zip(expected).enumerate() {
            assert!(
                (got.middle() - want).abs() < 1e-12 && got.high - got.low < 1e-11,
                "{k}: {got:?} {want}"
            );
        }
    }

    #[test]
    fn elementary_functions_at_a_point() {
        let x = Jet::variable(Interval::point(0.3), 4);
        let e = 0.3f64.exp();
        close(&x.exp(), &[e, e, e / 2.0, e / 6.0, e / 24.0]);
        let r: f64 = 1.0 / 0.3;
        close(
            &x.reciprocal(),
            &[r, -r * r, r.powi(3), -r.powi(4), r.powi(5)],
        );
        close(&x.ln(), &[0.3f64.ln(), r, -r * r / 2.0, r.powi(3) / 3.0]);
        let s = 0.3f64.sqrt();
        close(&x.sqrt(), &[s, 0.5 / s, -0.125 / (s * 0.3)]);
        let (sin, cos) = x.sin_cos();
        close(&sin, &[0.3f64.sin(), 0.3f64.cos(), -0.3f64.sin() / 2.0]);
        close(&cos, &[0.3f64.cos(), -0.3f64.sin(), -0.3f64.cos() / 2.0]);
        let t = 0.3f64.tanh();
        close(&x.tanh(), &[t, 1.0 - t * t, -t * (1.0 - t * t)]);
        let d = std::f64::consts::FRAC_2_SQRT_PI * (-0.09f64).exp();
        close(&x.erf(), &[libm::erf(0.3), d, -0.3 * d]);
    }
}
