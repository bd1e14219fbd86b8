//! A bound of |f - p| over a whole domain that does not rest on sampling.
//!
//! The domain is cut into pieces. On each, the difference is expanded around the middle in
//! intervals, with the remainder of Taylor's theorem bounded over the piece. The piece with the largest
//! bound is cut in two, until that is close to the largest error seen, or to what doubles can tell.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::chebyshev::Domain;
use crate::function::Function;
use crate::interval::Interval;
use crate::jet::Jet;

/// Order of the expansions.
const ORDER: usize = 8;

/// Pieces are cut while the largest bound exceeds the largest sampled error by this factor.
const SLACK: f64 = 1.01;

/// Pieces start with this fraction of the domain.
const FIRST: usize = 16;

/// At most so many pieces are looked at.
const MOST: usize = 4000;

/// Sums of doubles of this magnitude differ by less from what they stand for: a bound is not made tighter.
const RESOLUTION: f64 = 1e-13;

/// No bound was found: the function is not defined, or not bounded, at this point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertified {
    /// Somewhere near.
    pub at: f64,
}

/// What stands in place of a function on an interval.
pub trait Candidate {
    /// The interval.
    fn domain(&self) -> Domain;
    /// The value, to double precision.
    fn at(&self, x: f64) -> f64;
    /// The Taylor coefficients where those of the argument are `x`.
    fn jet(&self, x: &Jet) -> Jet;
    /// The sum of the magnitudes of its terms.
    fn magnitude(&self) -> f64;
}

/// A piece of the domain and its bound, ordered by the bound.
struct Piece {
    bound: f64,
    from: f64,
    to: f64,
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Piece {}

impl PartialOrd for Piece {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Piece {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound)
    }
}

/// A proved bound of |f(x) - p(x)| for every real x of the candidate's domain. It is not made
/// tighter than `enough`, nor than doubles can tell numbers of the size of f and p apart.
///
/// # Errors
/// The function cannot be bounded somewhere: a pole, a root of a negative number.
pub fn certify(
    function: &Function,
    candidate: &impl Candidate,
    enough: f64,
) -> Result<f64, Uncertified> {
    let domain = candidate.domain();
    let (mut seen, mut size) = (f64::MIN_POSITIVE, candidate.magnitude());
    for i in 0..=1000 {
        let x = domain.point(f64::from(i) / 500.0 - 1.0);
        let value = function.at(x);
        if !value.is_finite() {
            return Err(Uncertified { at: x });
        }
        seen = seen.max((value - candidate.at(x)).abs());
        size = size.max(value.abs());
    }
    let enough = enough.max(size * RESOLUTION);
    let cut = |i: usize| match i {
        0 => domain.low,
        FIRST => domain.high,
        _ => domain.point(2.0 * i as f64 / FIRST as f64 - 1.0),
    };
    let look = |from: f64, to: f64| Piece {
        bound: piece(function, candidate, from, to),
        from,
        to,
    };
    let mut pieces: BinaryHeap<Piece> = (0..FIRST).map(|i| look(cut(i), cut(i + 1))).collect();
    let mut looked = FIRST;
    while let Some(Piece { bound, from, to }) = pieces.pop() {
        let middle = f64::midpoint(from, to);
        let value = function.at(middle);
        let last = looked >= MOST || middle <= from || middle >= to;
        if !value.is_finite() || (last && !bound.is_finite()) {
            return Err(Uncertified { at: middle });
        }
        seen = seen.max((value - candidate.at(middle)).abs());
        // With nothing left to cut, the largest bound is one all the same.
        if bound <= (seen * SLACK).max(enough) || last {
            return Ok(bound);
        }
        pieces.push(look(from, middle));
        pieces.push(look(middle, to));
        looked += 2;
    }
    Ok(0.0)
}

/// A bound over one piece; infinite if there is none.
fn piece(function: &Function, candidate: &impl Candidate, from: f64, to: f64) -> f64 {
    let middle = f64::midpoint(from, to);
    let radius = (Interval::point(to) - Interval::point(middle))
        .magnitude()
        .max((Interval::point(middle) - Interval::point(from)).magnitude());
    let difference = |centre: Interval| {
        let x = Jet::variable(centre, ORDER);
        function.jet(&x).sub(&candidate.jet(&x))
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
    use crate::chebyshev::Polynomial;
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
