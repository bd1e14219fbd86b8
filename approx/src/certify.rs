//! A bound of |f - p| over a whole domain that does not rest on sampling.
//!
//! The domain is cut into pieces. On each, the difference is expanded around the middle in
//! intervals, with the remainder of Taylor's theorem bounded over the piece; pieces whose bound is
//! not close to the largest error seen are cut in two.

use crate::chebyshev::{Domain, Polynomial};
use crate::function::Function;
use crate::interval::Interval;
use crate::jet::Jet;

/// Order of the expansions.
const ORDER: usize = 8;

/// A piece is cut while its bound exceeds the largest sampled error by this factor.
const SLACK: f64 = 1.01;

/// Pieces start with this fraction of the domain.
const FIRST: usize = 16;

/// And are not cut further than this often.
const DEEPEST: u32 = 24;

/// At most so many pieces are looked at.
const MOST: usize = 200_000;

/// No bound was found: the function is not smooth, not defined, or not bounded at this point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertified {
    /// Somewhere near.
    pub at: f64,
}

/// A proved bound of |f(x) - p(x)| for every real x of the polynomial's domain. It is not made
/// tighter than `enough`.
///
/// # Errors
/// The function cannot be bounded somewhere: a pole, a root of a negative number.
pub fn certify(
    function: &Function,
    polynomial: &Polynomial,
    enough: f64,
) -> Result<f64, Uncertified> {
    let Domain { low, high } = polynomial.domain;
    let cut = |i: usize| polynomial.domain.point(2.0 * i as f64 / FIRST as f64 - 1.0);
    let mut pieces: Vec<(f64, f64, u32)> = (0..FIRST)
        .map(|i| {
            let end = if i + 1 == FIRST { high } else { cut(i + 1) };
            (if i == 0 { low } else { cut(i) }, end, 0)
        })
        .collect();
    let mut seen = (0..=1000)
        .map(|i| polynomial.domain.point(f64::from(i) / 500.0 - 1.0))
        .map(|x| (function.at(x) - polynomial.at(x)).abs())
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut bound = 0f64;
    let mut looked = 0;
    while let Some((from, to, depth)) = pieces.pop() {
        looked += 1;
        let middle = f64::midpoint(from, to);
        let here = piece(function, polynomial, from, to);
        seen = seen.max((function.at(middle) - polynomial.at(middle)).abs());
        if here <= (seen * SLACK).max(enough) {
            bound = bound.max(here);
            continue;
        }
        if depth == DEEPEST || looked > MOST || middle <= from || middle >= to {
            // Rounding of doubles is all that is left: take the bound as it is, if there is one.
            if here.is_finite() && depth == DEEPEST {
                bound = bound.max(here);
                continue;
            }
            return Err(Uncertified { at: middle });
        }
        pieces.push((from, middle, depth + 1));
        pieces.push((middle, to, depth + 1));
    }
    Ok(bound)
}

/// A bound over one piece; infinite if there is none.
fn piece(function: &Function, polynomial: &Polynomial, from: f64, to: f64) -> f64 {
    let middle = f64::midpoint(from, to);
    let radius = (Interval::point(to) - Interval::point(middle))
        .magnitude()
        .max((Interval::point(middle) - Interval::point(from)).magnitude());
    let difference = |centre: Interval| {
        let x = Jet::variable(centre, ORDER);
        function.jet(&x).sub(&polynomial.jet(&x))
    };
    let mut expansion = difference(Interval::point(middle));
    let over = difference(Interval::new(from, to));
    // The whole difference over the piece is a bound as well, without any derivative.
    let plain = over.0[0].magnitude();
    expansion.0[ORDER] = over.0[ORDER];
    let taylor = expansion.bound(radius);
    let best = plain.min(taylor);
    if best.is_nan() { f64::INFINITY } else { best }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Elementary;
    use crate::remez::{parity, remez};
    use crate::tests::sigmoid;

    fn check(function: &Function, low: f64, high: f64, degree: usize) {
        let domain = Domain::new(low, high).unwrap();
        let (p, sampled) = remez(function, domain, degree, parity(function, domain)).unwrap();
        let bound = certify(function, &p, 0.0).unwrap();
        assert!(
            bound >= sampled * (1.0 - 1e-9) && bound <= sampled * 1.02,
            "{bound} {sampled}"
        );
    }

    #[test]
    fn bounds_are_above_and_near_what_is_sampled() {
        let x = || Box::new(Function::Variable);
        check(&sigmoid(), -8.0, 8.0, 13);
        check(&Function::Apply(Elementary::Exp, x()), -1.0, 1.0, 9);
        check(&Function::Apply(Elementary::Sqrt, x()), 0.25, 1.0, 6);
        check(&Function::Apply(Elementary::Erf, x()), -3.0, 3.0, 15);
        check(&Function::Apply(Elementary::Sin, x()), -3.2, 3.2, 9);
    }

    #[test]
    fn a_dense_sample_never_exceeds_the_bound() {
        let domain = Domain::new(-8.0, 8.0).unwrap();
        let f = sigmoid();
        let (p, _) = remez(&f, domain, 25, parity(&f, domain)).unwrap();
        let bound = certify(&f, &p, 0.0).unwrap();
        for i in 0..=1_000_000 {
            let x = domain.point(f64::from(i) / 500_000.0 - 1.0);
            assert!((f.at(x) - p.at(x)).abs() <= bound, "{x}");
        }
    }

    #[test]
    fn a_pole_inside_has_no_bound() {
        let f = Function::Power(Box::new(Function::Variable), -1);
        let domain = Domain::new(-1.0, 2.0).unwrap();
        let p = Polynomial {
            domain,
            coefficients: vec![0.0],
        };
        assert!(certify(&f, &p, 0.0).is_err());
        let root = Function::Apply(Elementary::Sqrt, Box::new(Function::Variable));
        assert!(certify(&root, &p, 0.0).is_err());
    }
}
