//! How fixed point computes a polynomial, what that adds to its error, and how much of the ring it takes.
//!
//! With u from -1 to 1 over the domain, T_(m+n) = 2 T_m T_n - T_|m-n| with m and n as near to each other as
//! can be, each product truncated once; then one dot product with whole coefficients, truncated once. Powers
//! carry more fraction bits than values do, so that their truncations hardly count.

use crate::blocks::{self, Blocks};
use crate::chebyshev::{Polynomial, split};

/// What is truncated is below 2^ROOM in magnitude: protocols demand 2^(k-2), and rings have 64 bits or more.
pub const ROOM: f64 = 62.0;

/// The most fraction bits of powers: 2 T_m T_n of so many is below 2^61, and a little above where T is a little above 1.
pub const POWER_BITS: u32 = 30;

/// And the fewest.
pub const LEAST_POWER_BITS: u32 = 8;

/// Doubles on the way to a bound lose less than this part of it.
pub(crate) const CAREFUL: f64 = 1.0 + 1e-9;

/// How a backend computes with fixed point: every truncation is off by less than a unit of its last place, floor or floor + 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arithmetic {
    /// Fraction bits f of argument and result.
    pub fraction_bits: u32,
}

impl Default for Arithmetic {
    /// 16 fraction bits.
    fn default() -> Self {
        Self { fraction_bits: 16 }
    }
}

impl Arithmetic {
    /// The last place, 2^-f.
    pub fn unit(self) -> f64 {
        power_of_two(-(self.fraction_bits as i32))
    }
}

/// 2^exponent.
pub(crate) fn power_of_two(exponent: i32) -> f64 {
    libm::ldexp(1.0, exponent)
}

/// Where the error of a result comes from. Absolute; each is a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// The polynomial against the function, by interval arithmetic.
    pub approximation: f64,
    /// Coefficients rounded to whole units.
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

/// Truncations that a call carries out, all of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truncation {
    /// The largest magnitude of what is truncated, in its units, for an argument of the domain.
    pub largest: f64,
    /// By so many bits; by none where a sum is only as large as this.
    pub bits: u32,
    /// Whether it is that of a product of two secrets, which a scheme may have in one with the product.
    pub product: bool,
    /// So many.
    pub count: usize,
}

/// What a call does to secrets, but for comparisons with ends of the domain and cuts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Truncations.
    pub truncations: Vec<Truncation>,
}

impl Work {
    pub(crate) fn add(&mut self, largest: f64, bits: u32, product: bool, count: usize) {
        let one = Truncation {
            largest,
            bits,
            product,
            count,
        };
        if count > 0 {
            self.truncations.push(one);
        }
    }

    /// The product that makes T_k, of powers with g fraction bits and these errors.
    pub(crate) fn power(&mut self, k: usize, g: u32, errors: &[f64]) {
        let (m, n) = split(k);
        let squared = power_of_two(2 * g as i32 + 1);
        self.add(squared * (1.0 + errors[m]) * (1.0 + errors[n]), g, true, 1);
    }

    /// Truncations, with a product or alone.
    pub fn count(&self) -> usize {
        let all = self.truncations.iter().filter(|t| t.bits > 0);
        all.map(|t| t.count).sum()
    }

    /// Products of two secrets.
    pub fn products(&self) -> usize {
        let products = self.truncations.iter().filter(|t| t.product);
        products.map(|t| t.count).sum()
    }

    /// Bits that are free above the largest intermediate value, in a ring of so many: how often it may double before
    /// a truncation is wrong.
    pub fn headroom(&self, ring_bits: u32) -> f64 {
        let all = self.truncations.iter().map(|t| t.largest);
        f64::from(ring_bits) - 2.0 - libm::log2(all.fold(1.0, f64::max))
    }
}

/// Multiplications one after another until T_k is there.
pub fn depth(degree: usize) -> u32 {
    degree.max(1).next_power_of_two().trailing_zeros()
}

/// The integers with which a polynomial is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Fraction bits g of the powers.
    pub power_bits: u32,
    /// The middle of the domain, a multiple of the last place: u is ((t - middle) in units, times `factor`, plus
    /// `shift`) over 2^(g + `cut`).
    pub middle: f64,
    /// See [`Form::middle`].
    pub factor: i128,
    /// See [`Form::middle`].
    pub shift: i128,
    /// See [`Form::middle`]; nothing is truncated if it is 0.
    pub cut: u32,
    /// Fraction bits s of the coefficients; negative where they are large.
    pub coefficient_bits: i32,
    /// By degree, in units of 2^-s; empty where there are blocks.
    pub coefficients: Vec<i128>,
    /// The coefficients by blocks, where that is cheaper.
    pub blocks: Option<Blocks>,
}

/// No form: intermediate values are too large for the ring. How many bits the largest has beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooLarge(pub f64);

/// A polynomial as it is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// With the coefficients that the form has.
    pub polynomial: Polynomial,
    /// The integers.
    pub form: Form,
    /// The error but for [`Budget::approximation`].
    pub budget: Budget,
    /// What it takes.
    pub work: Work,
}

/// The polynomial as fixed point computes it: with as few bits of powers as are good enough, so that as much of the ring
/// stays free as can.
///
/// # Errors
/// See [`TooLarge`].
pub fn computed(polynomial: &Polynomial, arithmetic: Arithmetic) -> Result<Computed, TooLarge> {
    let mut all = vec![];
    let mut beyond = f64::INFINITY;
    for power_bits in LEAST_POWER_BITS..=POWER_BITS {
        match with_power_bits(polynomial, arithmetic, power_bits) {
            Ok(one) => all.push(one),
            Err(TooLarge(bits)) => beyond = beyond.min(bits),
        }
    }
    let error = |one: &Computed| one.budget.coefficients + one.budget.evaluation;
    let least = all.iter().map(error).fold(f64::INFINITY, f64::min);
    let enough = least + arithmetic.unit() / 8.0;
    all.retain(|one| error(one) <= enough);
    // What needs no truncation to bring the argument to u saves its rounds.
    let at = all.iter().position(|one| one.form.cut == 0).unwrap_or(0);
    if all.is_empty() {
        return Err(TooLarge(beyond));
    }
    let mut best = all.swap_remove(at);
    // By blocks with fewer products and truncations, if they are as near; a product costs no less than a truncation.
    for width in blocks::WIDTHS {
        for power_bits in LEAST_POWER_BITS..=POWER_BITS {
            let Some(one) = by_blocks(polynomial, arithmetic, power_bits, width) else {
                continue;
            };
            let near = error(&one) <= enough + arithmetic.unit() / 8.0;
            let as_deep = one.form.cut == 0 || best.form.cut > 0;
            if near && as_deep && one.work.count() < best.work.count() {
                best = one;
            }
        }
    }
    Ok(best)
}

/// The argument's part of a form, and how far u may be off.
fn argument(
    polynomial: &Polynomial,
    arithmetic: Arithmetic,
    g: u32,
) -> Result<(Form, f64, f64), TooLarge> {
    let domain = polynomial.domain;
    let (f, unit) = (arithmetic.fraction_bits as i32, arithmetic.unit());
    let middle = libm::rint(domain.middle() / unit) * unit;
    let half = domain.half();
    // |t - middle| in units.
    let reach = (half / unit) * CAREFUL + 1.0;
    let widest = domain.low.abs().max(domain.high.abs()) / unit;
    let bits = libm::log2(reach.max(widest)) + 1.0;
    if bits > ROOM {
        return Err(TooLarge(bits - ROOM));
    }
    // A power of two, if it needs no bits below the last, is exact.
    let whole = power_of_two(g as i32 - f) / half;
    let exact = whole >= 1.0 && libm::frexp(whole).0 == 0.5;
    let cut = if exact {
        0
    } else {
        let wanted = libm::ceil(libm::log2(reach)).max(1.0) as u32 + 2;
        wanted.min(60 - g)
    };
    let ideal = power_of_two(g as i32 - f + cut as i32) / half;
    let factor = libm::rint(ideal);
    let one = power_of_two((g + cut) as i32);
    let ideal_shift = (middle - domain.middle()) / half * one;
    let shift = libm::rint(ideal_shift);
    // What the factor and the shift are off, what doubles lose in the middle, and the truncation.
    let mut off = reach * ((factor - ideal).abs() + ideal * 1e-15);
    off += (shift - ideal_shift).abs() + domain.middle().abs() / half * one * 1e-15;
    let mut off = off / one * CAREFUL;
    if cut > 0 {
        off += power_of_two(-(g as i32));
    }
    let form = Form {
        power_bits: g,
        middle,
        factor: factor as i128,
        shift: shift as i128,
        cut,
        coefficient_bits: 0,
        coefficients: vec![],
        blocks: None,
    };
    let largest = one * (1.0 + off) + 1.0;
    Ok((form, off, largest))
}

fn with_power_bits(
    polynomial: &Polynomial,
    arithmetic: Arithmetic,
    g: u32,
) -> Result<Computed, TooLarge> {
    let f = arithmetic.fraction_bits as i32;
    let (mut form, off, largest) = argument(polynomial, arithmetic, g)?;
    let errors = power_errors(polynomial.degree(), off, g);
    let magnitude = |coefficients: &[f64]| {
        let terms = coefficients.iter().zip(&errors);
        terms.map(|(c, e)| c.abs() * (1.0 + e)).sum::<f64>() * CAREFUL
    };
    // Half a unit for each coefficient is at most 1/64 of the last place in all.
    let count = polynomial.used().len() + 1;
    let wanted = f + 6 + libm::ceil(libm::log2(count as f64)) as i32;
    let sum = magnitude(&polynomial.coefficients).max(1e-30);
    let fits = libm::floor(ROOM - 0.01 - f64::from(g) - libm::log2(sum)) as i32;
    let mut s = wanted.min(fits).max(f - g as i32);
    let mut rounded = rounded(polynomial, s);
    if rounded.used().is_empty() {
        // A constant, as exactly as the result can be.
        s = f;
        rounded = self::rounded(polynomial, s);
        rounded.coefficients.truncate(1);
    }
    let whole = |c: &f64| (c * power_of_two(s)) as i128;
    form.coefficient_bits = s;
    form.coefficients = rounded.coefficients.iter().map(whole).collect();
    let before = polynomial.coefficients.iter();
    let after = rounded.coefficients.iter().chain(std::iter::repeat(&0.0));
    let change: f64 = before.zip(after).map(|(a, b)| (a - b).abs()).sum();

    let mut work = Work::default();
    let mut evaluation = 0.0;
    if rounded.used().is_empty() {
        form.cut = 0;
        let room = magnitude(&rounded.coefficients) * power_of_two(f);
        if room >= power_of_two(ROOM as i32) {
            return Err(TooLarge(libm::log2(room) - ROOM));
        }
    } else {
        if form.cut > 0 {
            work.add(largest, form.cut, false, 1);
        }
        for k in rounded.powers() {
            work.power(k, g, &errors);
        }
        let cut = s + g as i32 - f;
        let largest = magnitude(&rounded.coefficients) * power_of_two(s + g as i32) + 1.0;
        work.add(largest, cut.max(0) as u32, false, 1);
        let terms = rounded.coefficients.iter().zip(&errors);
        evaluation = terms.map(|(c, e)| c.abs() * e).sum::<f64>() * CAREFUL;
        if cut > 0 {
            evaluation += arithmetic.unit();
        }
    }
    let beyond = work.headroom(64);
    if beyond < 0.0 {
        return Err(TooLarge(-beyond));
    }
    Ok(Computed {
        polynomial: rounded,
        form,
        budget: Budget {
            approximation: 0.0,
            coefficients: change * CAREFUL,
            evaluation,
        },
        work,
    })
}

/// Errors of T_k with g fraction bits, where that of u is `off`.
fn power_errors(degree: usize, off: f64, g: u32) -> Vec<f64> {
    let last = power_of_two(-(g as i32));
    let mut errors = vec![0.0, off];
    for k in 2..=degree {
        let (m, n) = split(k);
        let (em, en) = (errors[m], errors[n]);
        // |T| is at most 1, and at most 1 + its error as computed.
        let product = 2.0 * (em + en + em * en);
        errors.push((product + errors[m - n] + last) * CAREFUL);
    }
    errors
}

/// The same by blocks of a width, if that is a way.
fn by_blocks(
    polynomial: &Polynomial,
    arithmetic: Arithmetic,
    g: u32,
    width: usize,
) -> Option<Computed> {
    let (mut form, off, largest) = argument(polynomial, arithmetic, g).ok()?;
    let errors = power_errors(polynomial.degree(), off, g);
    let bits = (g, arithmetic.fraction_bits);
    let tree = blocks::tree(polynomial, width, bits, &errors)?;
    let mut work = Work::default();
    if form.cut > 0 {
        work.add(largest, form.cut, false, 1);
    }
    work.truncations.extend(tree.work.truncations);
    form.coefficient_bits = tree.coefficient_bits;
    form.blocks = Some(tree.blocks);
    (work.headroom(64) >= 0.0).then_some(Computed {
        polynomial: tree.polynomial,
        form,
        budget: Budget {
            approximation: 0.0,
            coefficients: tree.change * CAREFUL,
            evaluation: tree.evaluation,
        },
        work,
    })
}

/// With coefficients that are multiples of 2^-bits.
fn rounded(polynomial: &Polynomial, bits: i32) -> Polynomial {
    let unit = power_of_two(-bits);
    let round = |c: &f64| libm::rint(c / unit) * unit;
    Polynomial {
        domain: polynomial.domain,
        coefficients: polynomial.coefficients.iter().map(round).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chebyshev::Domain;

    fn on(low: f64, high: f64, coefficients: &[f64]) -> Polynomial {
        Polynomial {
            domain: Domain::new(low, high).unwrap(),
            coefficients: coefficients.to_vec(),
        }
    }

    #[test]
    fn powers_have_the_bits_that_count() {
        let p = on(-8.0, 8.0, &[0.5, 0.62, 0.0, -0.14, 0.0, 0.05]);
        let got = computed(&p, Arithmetic::default()).unwrap();
        // A power of two brings the argument to u: 8 units are 1.
        assert_eq!((got.form.cut, got.form.shift, got.form.middle), (0, 0, 0.0));
        assert_eq!(got.form.factor << 19, 1 << got.form.power_bits);
        assert!(got.budget.evaluation < 1.2 * Arithmetic::default().unit());
        assert!(got.budget.coefficients < Arithmetic::default().unit() / 64.0);
        // T_2, T_3, T_5, and the sum.
        let counts: Vec<_> = got.work.truncations.iter().map(|t| t.product).collect();
        assert_eq!(counts, [true, true, true, false]);
        assert_eq!(got.work.products(), 3);
        assert!(got.work.headroom(64) > 8.0, "{}", got.work.headroom(64));
    }

    #[test]
    fn large_coefficients_have_few_bits_or_no_form() {
        let p = on(0.0, 25.0, &[2e10, 3e10, 1e10]);
        let got = computed(&p, Arithmetic::default()).unwrap();
        assert!(got.work.headroom(64) >= 0.0);
        assert!(got.form.coefficient_bits < 10);
        let p = on(0.0, 25.0, &[2e14, 3e14]);
        assert!(computed(&p, Arithmetic::default()).is_err());
        // An argument of 2^47 units more than the ring has.
        let p = on(0.0, libm::ldexp(1.0, 47), &[1.0, 1.0]);
        assert!(computed(&p, Arithmetic::default()).is_err());
    }

    #[test]
    fn depths() {
        assert_eq!(
            [1, 2, 3, 4, 5, 8, 9, 25].map(depth),
            [0, 1, 2, 2, 3, 3, 4, 5]
        );
    }
}
