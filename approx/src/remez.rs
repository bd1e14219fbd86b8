//! The polynomial of a degree with the least largest error (Remez, C. R. Acad. Sci. 1934), in the
//! Chebyshev basis.
//!
//! An odd or even function is approximated by odd or even polynomials on half of the domain: on
//! all of it, the points where the error is largest are not determined and the exchange stalls.
//! A function that is odd but for a constant, as the sigmoid, keeps the constant apart.

use crate::chebyshev::{Domain, Polynomial, basis};
use crate::function::Function;

/// Symmetry around the middle of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// None.
    None,
    /// f(m + x) = f(m - x).
    Even,
    /// f(m + x) + f(m - x) = 2 f(m): odd around its value in the middle.
    Odd,
}

/// Exchanges before the best so far is taken.
const MOST_EXCHANGES: usize = 40;

/// The error's largest and its levelled value agree to this part when the exchange ends.
const LEVEL: f64 = 1e-7;

/// Points of the search for extrema, for each of the reference.
const DENSITY: usize = 48;

/// The symmetry of a function on a domain, as far as doubles tell.
pub fn parity(function: &Function, domain: Domain) -> Parity {
    let mut scale = 0f64;
    let twice = 2.0 * function.at(domain.middle());
    let (mut even, mut odd) = (0f64, 0f64);
    for i in 0..=100 {
        let u = f64::from(i) / 100.0;
        let (right, left) = (function.at(domain.point(u)), function.at(domain.point(-u)));
        scale = scale.max(right.abs()).max(left.abs());
        even = even.max((right - left).abs());
        odd = odd.max((right + left - twice).abs());
    }
    let small = scale * 1e-13;
    if odd <= small {
        Parity::Odd
    } else if even <= small {
        Parity::Even
    } else {
        Parity::None
    }
}

/// The degrees that a polynomial of at most `degree` with this parity has.
fn degrees(degree: usize, parity: Parity) -> Vec<usize> {
    let fits = |k: &usize| match parity {
        Parity::None => true,
        Parity::Even => k.is_multiple_of(2),
        Parity::Odd => k % 2 == 1,
    };
    (0..=degree).filter(fits).collect()
}

/// The best approximation of at most this degree, and its largest error as sampled. None if the
/// function has no value at some point of the domain.
pub fn remez(
    function: &Function,
    domain: Domain,
    degree: usize,
    parity: Parity,
) -> Option<(Polynomial, f64)> {
    let degrees = degrees(degree, parity);
    let centre = match parity {
        Parity::Odd => function.at(domain.middle()),
        Parity::None | Parity::Even => 0.0,
    };
    let function = |u: f64| function.at(domain.point(u)) - centre;
    if degrees.is_empty() {
        // An odd function and degree 0.
        let constant = Polynomial {
            domain,
            coefficients: vec![centre],
        };
        let error = grid(parity, 256)
            .into_iter()
            .map(|u| function(u).abs())
            .fold(0.0, f64::max);
        return error.is_finite().then_some((constant, error));
    }
    let points = degrees.len() + 1;
    let grid = grid(parity, points * DENSITY);
    let values: Vec<f64> = grid.iter().map(|u| function(*u)).collect();
    if values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut reference: Vec<f64> = spread(parity, points);
    let mut best: Option<(Polynomial, f64)> = None;
    for _ in 0..MOST_EXCHANGES {
        let Some((coefficients, level)) = levelled(&function, &degrees, &reference) else {
            break;
        };
        let polynomial = Polynomial {
            domain,
            coefficients,
        };
        let error = |u: f64| function(u) - polynomial.at_u(u);
        let errors: Vec<f64> = grid
            .iter()
            .zip(&values)
            .map(|(u, v)| v - polynomial.at_u(*u))
            .collect();
        let extrema = extrema(&grid, &errors, &error);
        let largest = extrema.iter().map(|(_, e)| e.abs()).fold(0.0, f64::max);
        if best.as_ref().is_none_or(|(_, old)| largest < *old) {
            best = Some((polynomial, largest));
        }
        if largest - level.abs() <= LEVEL * largest {
            break;
        }
        let Some(next) = alternating(extrema, points) else {
            break;
        };
        reference = next;
    }
    best.map(|(mut polynomial, error)| {
        if let Some(constant) = polynomial.coefficients.first_mut() {
            *constant += centre;
        }
        (polynomial, error)
    })
}

/// Points in ascending order, dense towards the ends of what is approximated: -1..1, or 0..1 for a
/// function with parity.
fn grid(parity: Parity, count: usize) -> Vec<f64> {
    let at = |i: usize| -libm::cos(std::f64::consts::PI * i as f64 / count as f64);
    (0..=count)
        .map(|i| match parity {
            Parity::None => at(i),
            Parity::Even | Parity::Odd => (at(i) + 1.0) / 2.0,
        })
        .collect()
}

/// The first reference: extrema of a Chebyshev polynomial, on half of the domain those of the
/// polynomial of twice the degree.
fn spread(parity: Parity, points: usize) -> Vec<f64> {
    let half = std::f64::consts::PI;
    (0..points)
        .map(|i| match parity {
            Parity::None => -libm::cos(half * i as f64 / (points - 1) as f64),
            Parity::Even => libm::sin(half / 2.0 * i as f64 / (points - 1) as f64),
            Parity::Odd => libm::sin(half / 2.0 * (i + 1) as f64 / points as f64),
        })
        .collect()
}

/// Coefficients whose error at the reference alternates between +E and -E, and E.
fn levelled(
    function: &impl Fn(f64) -> f64,
    degrees: &[usize],
    reference: &[f64],
) -> Option<(Vec<f64>, f64)> {
    let mut rows: Vec<Vec<f64>> = vec![];
    for (i, u) in reference.iter().enumerate() {
        let mut row: Vec<f64> = degrees.iter().map(|k| basis(*k, *u)).collect();
        row.push(if i % 2 == 0 { 1.0 } else { -1.0 });
        row.push(function(*u));
        rows.push(row);
    }
    let solution = solve(rows)?;
    let (level, sparse) = solution.split_last()?;
    let mut coefficients = vec![0.0; degrees.last()? + 1];
    for (k, c) in degrees.iter().zip(sparse) {
        coefficients[*k] = *c;
    }
    Some((coefficients, *level))
}

/// Gaussian elimination with row pivoting; the right-hand side is the last column.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for column in 0..n {
        let pivot =
            (column..n).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let lead = rows[column].clone();
        if lead[column] == 0.0 || !lead[column].is_finite() {
            return None;
        }
        for row in rows.iter_mut().skip(column + 1) {
            let factor = row[column] / lead[column];
            for (value, above) in row.iter_mut().zip(&lead).skip(column) {
                *value -= factor * above;
            }
        }
    }
    let mut solution = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| rows[i][j] * solution[j]).sum();
        solution[i] = (rows[i][n] - known) / rows[i][i];
    }
    Some(solution)
}

/// Local extrema of the error, refined between grid points: position and error.
fn extrema(grid: &[f64], errors: &[f64], error: &impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let mut found = vec![];
    for i in 0..grid.len() {
        let size = errors[i].abs();
        let left = i.checked_sub(1).map_or(0.0, |j| errors[j].abs());
        let right = errors.get(i + 1).map_or(0.0, |e| e.abs());
        if size < left || size < right || size == 0.0 {
            continue;
        }
        let (mut low, mut high) = (grid[i.saturating_sub(1)], grid[(i + 1).min(grid.len() - 1)]);
        // Golden section: 20 steps leave 1e-4 of the distance, where the error is flat.
        for _ in 0..20 {
            let step = (high - low) * 0.381_966_011_250_105;
            if error(low + step).abs() < error(high - step).abs() {
                low += step;
            } else {
                high -= step;
            }
        }
        let middle = f64::midpoint(low, high);
        let refined = error(middle);
        found.push(if refined.abs() > size {
            (middle, refined)
        } else {
            (grid[i], errors[i])
        });
    }
    found
}

/// The next reference: of neighbours of one sign the largest, then, while there are too many, the
/// smaller end goes.
fn alternating(extrema: Vec<(f64, f64)>, points: usize) -> Option<Vec<f64>> {
    let mut kept: Vec<(f64, f64)> = vec![];
    for (u, e) in extrema {
        match kept.last_mut() {
            Some(last) if (last.1 > 0.0) == (e > 0.0) => {
                if e.abs() > last.1.abs() {
                    *last = (u, e);
                }
            }
            _ => kept.push((u, e)),
        }
    }
    while kept.len() > points {
        let first = kept.first()?.1.abs();
        if first < kept.last()?.1.abs() {
            kept.remove(0);
        } else {
            kept.pop();
        }
    }
    (kept.len() == points).then(|| kept.into_iter().map(|(u, _)| u).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Elementary;
    use crate::tests::sigmoid;

    fn domain(low: f64, high: f64) -> Domain {
        Domain::new(low, high).unwrap()
    }

    fn error(function: &Function, low: f64, high: f64, degree: usize) -> f64 {
        let domain = domain(low, high);
        remez(function, domain, degree, parity(function, domain))
            .unwrap()
            .1
    }

    #[test]
    fn known_errors() {
        let x = || Box::new(Function::Variable);
        // e^x on -1..1: 0.0450 and 5.53e-3 for degrees 2 and 3 (Powell, Approximation Theory, ch. 8).
        let exp = Function::Apply(Elementary::Exp, x());
        assert!((error(&exp, -1.0, 1.0, 2) - 0.0450).abs() < 1e-4);
        assert!((error(&exp, -1.0, 1.0, 3) - 5.528e-3).abs() < 1e-5);
        // x^n by lower degrees: 2^(1-n).
        assert!((error(&Function::Power(x(), 7), -1.0, 1.0, 6) - 2f64.powi(-6)).abs() < 1e-8);
        assert!((error(&Function::Power(x(), 8), -1.0, 1.0, 7) - 2f64.powi(-7)).abs() < 1e-8);
    }

    #[test]
    fn an_odd_function_around_a_constant() {
        let sigmoid = sigmoid();
        let level = |degree| error(&sigmoid, -8.0, 8.0, degree);
        for (degree, expected) in [
            (7, 0.019),
            (9, 0.0088),
            (13, 0.0019),
            (17, 4.1e-4),
            (25, 1.9e-5),
        ] {
            assert!(
                (level(degree) / expected - 1.0).abs() < 0.05,
                "{degree}: {}",
                level(degree)
            );
        }
    }

    #[test]
    fn an_undefined_function_has_none() {
        let ln = Function::Apply(Elementary::Ln, Box::new(Function::Variable));
        assert!(remez(&ln, domain(-1.0, 1.0), 3, Parity::None).is_none());
    }
}
