//! Polynomials in the Chebyshev basis of an interval.

use std::collections::BTreeSet;

use crate::certify::Candidate;
use crate::interval::Interval;
use crate::jet::Jet;

/// An interval of the argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// Lower end.
    pub low: f64,
    /// Upper end, above `low`.
    pub high: f64,
}

impl Domain {
    /// From end to end; none if these are not two numbers in order.
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low.is_finite() && high.is_finite() && low < high).then_some(Self { low, high })
    }

    /// Its middle.
    pub fn middle(self) -> f64 {
        self.low / 2.0 + self.high / 2.0
    }

    /// Half of its length.
    pub fn half(self) -> f64 {
        self.high / 2.0 - self.low / 2.0
    }

    /// The argument at u of -1..1.
    pub fn point(self, u: f64) -> f64 {
        (self.middle() + u * self.half()).clamp(self.low, self.high)
    }
}

/// Sum of c[k] T_k(u), where u goes from -1 to 1 as the argument goes through the domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Polynomial {
    /// Where it approximates.
    pub domain: Domain,
    /// By degree; at least one.
    pub coefficients: Vec<f64>,
}

impl Polynomial {
    /// The degree.
    pub fn degree(&self) -> usize {
        self.coefficients.len().saturating_sub(1)
    }

    /// The degrees above 0 whose coefficients are not 0, ascending.
    pub fn used(&self) -> Vec<usize> {
        let all = self.coefficients.iter().enumerate().skip(1);
        all.filter(|(_, c)| **c != 0.0).map(|(k, _)| k).collect()
    }

    /// The T_k above T_1 that those of [`Polynomial::used`] need, ascending.
    pub fn powers(&self) -> BTreeSet<usize> {
        Self::needed(self.used())
    }

    /// The T_k above T_1 that some need, themselves among them, ascending.
    pub fn needed(mut open: Vec<usize>) -> BTreeSet<usize> {
        let mut wanted = BTreeSet::new();
        while let Some(k) = open.pop() {
            if k > 1 && wanted.insert(k) {
                let (m, n) = split(k);
                open.extend([m, n, m - n]);
            }
        }
        wanted
    }

    /// The value, by Clenshaw's recurrence.
    pub fn at(&self, x: f64) -> f64 {
        self.at_u((x - self.domain.middle()) / self.domain.half())
    }

    /// The value at u.
    pub fn at_u(&self, u: f64) -> f64 {
        let (mut next, mut after) = (0.0, 0.0);
        for c in self.coefficients.iter().skip(1).rev() {
            (next, after) = (c + 2.0 * u * next - after, next);
        }
        self.coefficients.first().copied().unwrap_or_default() + u * next - after
    }

    /// Its Taylor coefficients where those of the argument are `x`.
    pub fn jet(&self, x: &Jet) -> Jet {
        let order = x.0.len() - 1;
        let constant = |value: f64| Jet::constant(Interval::point(value), order);
        let (low, high) = (
            Interval::point(self.domain.low),
            Interval::point(self.domain.high),
        );
        let two = Interval::point(2.0);
        // u = (2 x - low - high) / (high - low)
        let u = x
            .scale(two)
            .sub(&Jet::constant(low + high, order))
            .scale((high - low).reciprocal());
        // By T_(m+n) = 2 T_m T_n - T_|m-n| with m and n near to each other: intervals widen with
        // the square of the degree, where a three-term recurrence widens them exponentially.
        let mut powers = vec![constant(1.0), u];
        for k in 2..self.coefficients.len() {
            let (m, n) = split(k);
            let product = powers[m].mul(&powers[n]).scale(two);
            powers.push(product.sub(&powers[m - n]));
        }
        let terms = self.coefficients.iter().zip(&powers);
        terms
            .filter(|(c, _)| **c != 0.0)
            .fold(constant(0.0), |sum, (c, power)| {
                sum.add(&power.scale(Interval::point(*c)))
            })
    }
}

impl Candidate for Polynomial {
    fn domain(&self) -> Domain {
        self.domain
    }

    fn at(&self, x: f64) -> f64 {
        self.at(x)
    }

    fn jet(&self, x: &Jet) -> Jet {
        self.jet(x)
    }

    fn magnitude(&self) -> f64 {
        self.coefficients.iter().map(|c| c.abs()).sum()
    }
}

/// The two degrees whose product gives T_k: as near to each other as can be.
pub fn split(k: usize) -> (usize, usize) {
    (k.div_ceil(2), k / 2)
}

/// T_k(u).
pub(crate) fn basis(k: usize, u: f64) -> f64 {
    let (mut now, mut next) = (1.0, u);
    for _ in 0..k {
        (now, next) = (next, 2.0 * u * next - now);
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_agree() {
        let domain = Domain::new(-1.0, 3.0).unwrap();
        let p = Polynomial {
            domain,
            coefficients: vec![0.5, -1.25, 0.0, 2.0, 0.125],
        };
        for x in [-1.0, -0.3, 1.0, 2.9, 3.0] {
            let u = (x - 1.0) / 2.0;
            let sum: f64 = p
                .coefficients
                .iter()
                .enumerate()
                .map(|(k, c)| c * basis(k, u))
                .sum();
            assert!((sum - p.at(x)).abs() < 1e-12);
            let jet = p.jet(&Jet::variable(Interval::point(x), 1));
            assert!((jet.0[0].middle() - sum).abs() < 1e-12);
        }
        assert!(Domain::new(1.0, 1.0).is_none() && Domain::new(f64::NAN, 1.0).is_none());
    }
}
