//! Several polynomials of low degree, each on a piece of the domain.
//!
//! All pieces are polynomials of one variable t / 2^h, so that its powers are computed once and beside the
//! comparisons with the cuts; what a comparison costs is the depth (Mohassel, Zhang, SecureML, IEEE S&P
//! 2017, do so with lines). Cuts are moved until the pieces' errors are alike.

use crate::certify::certify;
use crate::chebyshev::{Domain, Polynomial};
use crate::choose::Unfit;
use crate::fixed::{Arithmetic, Budget};
use crate::function::Function;
use crate::remez::{Parity, remez};
use crate::script::{Outside, decimal};

/// Fraction bits of the powers.
const POWER_BITS: i32 = 30;

/// A term is below 2^TERM in units of its fraction bits and those of the powers.
const TERM: i32 = 61;

/// The most pieces.
pub const MOST: usize = 64;

/// The highest degree.
pub const HIGHEST: usize = 7;

/// How often cuts are moved.
const MOVES: usize = 16;

/// Polynomials in place of a function, with the proof of their error.
#[derive(Clone, Debug, PartialEq)]
pub struct Spline {
    /// The ends of the domain, and between them the cuts, ascending; multiples of 2^-16.
    pub cuts: Vec<f64>,
    /// For each piece the coefficients of the powers of t / 2^h, from the constant up, in units of 2^-s.
    pub pieces: Vec<Vec<i128>>,
    /// The h above.
    pub scale: u32,
    /// The s above.
    pub bits: u32,
    /// Bounds of the error in the domain.
    pub budget: Budget,
}

impl Spline {
    /// The value without rounding on the way; outside of the domain that of the nearest piece.
    pub fn at(&self, x: f64) -> f64 {
        let inner = &self.cuts[1..self.cuts.len() - 1];
        let piece = &self.pieces[inner.iter().filter(|cut| x >= **cut).count()];
        let v = libm::ldexp(x, -i32::try_from(self.scale).unwrap_or(0));
        let sum = piece.iter().rev().fold(0.0, |sum, c| sum * v + *c as f64);
        libm::ldexp(sum, -i32::try_from(self.bits).unwrap_or(0))
    }
}

/// Fits `pieces` polynomials of a degree.
///
/// # Errors
/// See [`Unfit`]: the function is not smooth on the domain, or the degree is above [`HIGHEST`].
pub fn spline(
    function: &Function,
    domain: Domain,
    pieces: usize,
    degree: usize,
    arithmetic: Arithmetic,
) -> Result<Spline, Unfit> {
    if degree > HIGHEST {
        return Err(Unfit::Degree(degree));
    }
    let pieces = pieces.clamp(1, MOST);
    let cuts = levelled(function, domain, pieces, degree)?;
    let widest = domain.low.abs().max(domain.high.abs());
    let scale = libm::ceil(libm::log2(widest)).clamp(0.0, 14.0) as i32;
    let mut polynomials = vec![];
    let mut approximation = 0f64;
    for pair in cuts.windows(2) {
        let (polynomial, _) = fitted(function, pair[0], pair[1], degree)?;
        let proved =
            certify(function, &polynomial, arithmetic.unit() / 64.0).map_err(Unfit::Undefined)?;
        approximation = approximation.max(proved);
        polynomials.push(powers(&polynomial, scale));
    }
    let weight = |p: &Vec<f64>| p.iter().map(|c| c.abs()).sum::<f64>();
    let largest = polynomials.iter().map(weight).fold(1.0, f64::max);
    let bits = TERM - POWER_BITS - libm::ceil(libm::log2(largest)) as i32;
    let bits = bits.clamp(1, 30);
    let unit = libm::ldexp(1.0, -bits);
    // Each power is off by one unit for each of its products; the sum by one unit of the result.
    let off = |p: &Vec<f64>| -> f64 {
        let terms = p.iter().enumerate();
        terms
            .map(|(k, c)| c.abs() * k.saturating_sub(1) as f64)
            .sum()
    };
    let of_powers = polynomials.iter().map(off).fold(0.0, f64::max);
    let budget = Budget {
        approximation,
        // Half a unit for each coefficient, and what doubles lose as the basis is changed.
        coefficients: unit * (degree + 1) as f64 / 2.0 + largest * 1e-12,
        evaluation: arithmetic.unit() * arithmetic.truncation
            + of_powers * libm::ldexp(1.0, -POWER_BITS),
    };
    let rounded = |p: &Vec<f64>| p.iter().map(|c| libm::round(c / unit) as i128).collect();
    Ok(Spline {
        cuts,
        pieces: polynomials.iter().map(rounded).collect(),
        scale: scale.unsigned_abs(),
        bits: bits.unsigned_abs(),
        budget,
    })
}

/// The polynomial of one piece and its error as sampled.
fn fitted(
    function: &Function,
    low: f64,
    high: f64,
    degree: usize,
) -> Result<(Polynomial, f64), Unfit> {
    let undefined = || Unfit::Undefined(crate::Uncertified { at: low });
    let domain = Domain::new(low, high).ok_or_else(undefined)?;
    remez(function, domain, degree, Parity::None).ok_or_else(undefined)
}

/// Cuts at which the largest error of a piece is the least that was found.
fn levelled(
    function: &Function,
    domain: Domain,
    pieces: usize,
    degree: usize,
) -> Result<Vec<f64>, Unfit> {
    let whole = domain.high - domain.low;
    let mut lengths = vec![whole / pieces as f64; pieces];
    let mut best: Option<(f64, Vec<f64>)> = None;
    for _ in 0..MOVES {
        let mut cuts = vec![domain.low];
        let mut at = domain.low;
        for length in &lengths {
            at += length;
            // A cut is compared with numbers of 16 fraction bits.
            cuts.push(libm::round(at * 65536.0) / 65536.0);
        }
        cuts[pieces] = domain.high;
        let mut errors = vec![];
        for pair in cuts.windows(2) {
            errors.push(fitted(function, pair[0], pair[1], degree)?.1.max(1e-15));
        }
        let largest = errors.iter().copied().fold(0.0, f64::max);
        if best.as_ref().is_none_or(|(least, _)| largest < *least) {
            best = Some((largest, cuts));
        }
        // The error grows as the length to the degree plus one; half the step keeps the moves from swinging.
        for (length, error) in lengths.iter_mut().zip(&errors) {
            *length *= libm::pow(largest / error, 0.5 / (degree + 1) as f64).min(4.0);
        }
        let sum: f64 = lengths.iter().sum();
        lengths.iter_mut().for_each(|length| *length *= whole / sum);
    }
    best.map(|(_, cuts)| cuts).ok_or(Unfit::Degree(degree))
}

/// Coefficients of the powers of v = t / 2^scale.
fn powers(polynomial: &Polynomial, scale: i32) -> Vec<f64> {
    let size = libm::ldexp(1.0, scale);
    let (middle, half) = (polynomial.domain.middle(), polynomial.domain.half());
    // u = slope v + offset; T_k by its recurrence on coefficient vectors.
    let (slope, offset) = (size / half, -middle / half);
    let count = polynomial.coefficients.len();
    let mut before = vec![0.0; count];
    let mut this = vec![0.0; count];
    this[0] = 1.0;
    let mut total = vec![0.0; count];
    for (k, c) in polynomial.coefficients.iter().enumerate() {
        for (t, x) in total.iter_mut().zip(&this) {
            *t += c * x;
        }
        let factor = if k == 0 { 1.0 } else { 2.0 };
        let mut next = vec![0.0; count];
        for i in 0..count {
            next[i] = factor * offset * this[i] - before[i];
            if i > 0 {
                next[i] += factor * slope * this[i - 1];
            }
        }
        before = std::mem::replace(&mut this, next);
    }
    total
}

/// The text of `fn NAME(PARAMETER: fix) -> fix`, by the prelude's `piecewise`.
pub fn function(
    name: &str,
    parameter: &str,
    f: &Function,
    spline: &Spline,
    outside: &Outside,
) -> String {
    let constant = |value: f64| -> Vec<i128> {
        let mut row = vec![0; spline.pieces.first().map_or(1, Vec::len)];
        let unit = libm::ldexp(1.0, -i32::try_from(spline.bits).unwrap_or(0));
        row[0] = libm::round(value / unit) as i128;
        row
    };
    let (first, last) = (spline.cuts[0], spline.cuts[spline.cuts.len() - 1]);
    let number = |text: &str| text.parse().unwrap_or(0.0);
    let ends = match outside {
        Outside::Clamp => Some((f.at(first), f.at(last))),
        Outside::Saturate(below, above) => Some((number(below), number(above))),
        Outside::Extend | Outside::Assert => None,
    };
    let mut rows = spline.pieces.clone();
    let mut cuts = &spline.cuts[..];
    match ends {
        Some((below, above)) => {
            rows.insert(0, constant(below));
            rows.push(constant(above));
        }
        None => cuts = &cuts[1..cuts.len() - 1],
    }
    let rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    let (head, begin) = outside.begin(name, parameter, first, last);
    if cuts.is_empty() {
        // One polynomial: a cut that changes nothing gives the list a length.
        let row = &rows[0];
        return format!(
            "pub fn {name}({parameter}: fix) -> fix{head} {{\n{begin}    piecewise({parameter}, [{}], [{row}, {row}], {}, {})\n}}\n",
            decimal(first),
            spline.scale,
            spline.bits
        );
    }
    let cuts: Vec<String> = cuts.iter().map(|c| decimal(*c)).collect();
    format!(
        "pub fn {name}({parameter}: fix) -> fix{head} {{\n{begin}    piecewise({parameter}, [{}],\n              [{}], {}, {})\n}}\n",
        cuts.join(", "),
        rows.join(",\n               "),
        spline.scale,
        spline.bits
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sigmoid;

    /// The value as fixed point computes it, every truncation rounding up.
    fn computed(s: &Spline, t: i128) -> f64 {
        let u = t << (POWER_BITS - 16 - s.scale as i32);
        let at = s.cuts[1..s.cuts.len() - 1]
            .iter()
            .filter(|c| t as f64 / 65536.0 >= **c)
            .count();
        let mut power = 1i128 << POWER_BITS;
        let mut sum = 0;
        for c in &s.pieces[at] {
            assert!((c * power).abs() < 1 << 61, "a term leaves the ring");
            sum += c * power;
            power = ((power * u) >> POWER_BITS) + 1;
        }
        ((sum >> (POWER_BITS + s.bits as i32 - 16)) + 1) as f64 / 65536.0
    }

    #[test]
    fn a_certificate_holds_at_every_argument() {
        for (pieces, degree, enough) in [(5, 3, 1e-3), (6, 5, 3e-5), (12, 1, 4e-3)] {
            let on = Domain::new(-8.0, 8.0).unwrap();
            let s = spline(&sigmoid(), on, pieces, degree, Arithmetic::default()).unwrap();
            let bound = s.budget.total();
            assert!(
                bound < enough,
                "{pieces} pieces of degree {degree}: {bound}"
            );
            let mut worst = 0f64;
            for t in (-8 << 16..8 << 16).step_by(3) {
                let exact = sigmoid().at(t as f64 / 65536.0);
                worst = worst.max((computed(&s, t) - exact).abs());
            }
            assert!(worst <= bound, "{worst} against {bound}");
            assert!(bound < 4.0 * worst, "far too careful: {worst} {bound}");
        }
    }

    #[test]
    fn what_is_no_spline_is_refused() {
        let on = Domain::new(-8.0, 8.0).unwrap();
        let high = spline(&sigmoid(), on, 3, 8, Arithmetic::default());
        assert_eq!(high, Err(Unfit::Degree(8)));
        let ln = Function::Variable.apply(crate::Elementary::Ln);
        let undefined = spline(&ln, on, 3, 3, Arithmetic::default());
        assert!(matches!(undefined, Err(Unfit::Undefined(_))));
    }
}
