//! Several polynomials of low degree, each on a piece of the domain.
//!
//! All pieces are polynomials of one variable, from -1 to 1 over the domain at most, so that its powers are computed once and
//! beside the comparisons with the cuts; what a comparison costs is the depth (Mohassel, Zhang, SecureML, IEEE S&P
//! 2017, do so with lines). Where that loses too much, as short pieces of a long domain do, whose coefficients are large and
//! cancel, each piece has a variable of its own, chosen by the comparisons as its coefficients are: the powers follow
//! behind them. The variable of a long piece has fewer fraction bits than its argument, and is truncated. Cuts are moved until the pieces' errors are alike.

mod text;

pub use text::function;

use crate::certify::{Candidate, certify};
use crate::chebyshev::{Domain, Polynomial};
use crate::choose::Unfit;
use crate::fixed::{Arithmetic, Budget, LEAST_POWER_BITS, POWER_BITS, ROOM, Work, power_of_two};
use crate::function::Function;
use crate::interval::Interval;
use crate::jet::Jet;
use crate::remez::{Parity, remez};
use crate::script::Outside;

/// The most pieces.
pub const MOST: usize = 64;

/// The highest degree.
pub const HIGHEST: usize = 7;

/// How often cuts are moved.
const MOVES: usize = 16;

/// Polynomials in place of a function, with the proof of their error.
#[derive(Clone, Debug, PartialEq)]
pub struct Spline {
    /// The ends of the domain, and between them the cuts, ascending; the cuts are multiples of 2^-f.
    pub cuts: Vec<f64>,
    /// For each piece the coefficients of the powers of its variable, from the constant up, in units of 2^-bits.
    pub pieces: Vec<Vec<i128>>,
    /// The variable of all pieces, or one for each.
    pub variables: Vec<Variable>,
    /// See [`Spline::pieces`]; negative where coefficients are large.
    pub bits: i32,
    /// Fraction bits of the powers.
    pub power_bits: u32,
    /// Bounds of the error in the domain.
    pub budget: Budget,
    /// What a call does.
    pub work: Work,
}

/// v = (t - middle) / 2^scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variable {
    /// A multiple of 2^-f.
    pub middle: f64,
    /// At least -f.
    pub scale: i32,
}

impl Variable {
    /// From -1 to 1 where the domain is.
    fn over(domain: Domain, arithmetic: Arithmetic) -> Self {
        let unit = arithmetic.unit();
        let middle = libm::rint(domain.middle() / unit) * unit;
        let reach = (domain.high - middle).max(middle - domain.low);
        let least = -f64::from(arithmetic.fraction_bits);
        Self {
            middle,
            scale: libm::ceil(libm::log2(reach)).max(least) as i32,
        }
    }
}

impl Spline {
    /// The variable of the piece at this place.
    pub fn variable(&self, at: usize) -> Variable {
        self.variables[at.min(self.variables.len() - 1)]
    }

    /// Whether each piece has a variable of its own.
    pub fn is_local(&self) -> bool {
        self.variables.len() > 1
    }

    /// By how many bits what becomes the variable is truncated: a distance from a middle in units of 2^-f, times its
    /// [`Spline::factor`].
    pub fn cut(&self, arithmetic: Arithmetic) -> u32 {
        let scales = self.variables.iter().map(|v| v.scale);
        cut(scales, arithmetic, self.power_bits)
    }

    /// The power of two that makes the variable of the piece at this place, with its fraction bits and those of [`Spline::cut`].
    pub fn factor(&self, at: usize, arithmetic: Arithmetic) -> i128 {
        let units = self.variable(at).scale + arithmetic.fraction_bits as i32;
        let all = self.power_bits + self.cut(arithmetic);
        1 << (all as i32 - units).max(0)
    }

    /// The value without rounding on the way; outside of the domain that of the nearest piece.
    pub fn at(&self, x: f64) -> f64 {
        let inner = &self.cuts[1..self.cuts.len() - 1];
        self.piece(inner.iter().filter(|cut| x >= **cut).count())
            .at(x)
    }

    /// Work where this is the rule: a single piece is chosen by nothing unless the outside has values of its own, and its sum
    /// is not a product of secrets.
    #[must_use]
    pub fn with(mut self, outside: &Outside) -> Self {
        let alone = self.pieces.len() == 1 && matches!(outside, Outside::Extend | Outside::Assert);
        if let Some(last) = self.work.truncations.last_mut().filter(|_| alone) {
            last.product = false;
        }
        self
    }

    fn piece(&self, at: usize) -> Piece<'_> {
        Piece {
            from: self.cuts[at],
            to: self.cuts[at + 1],
            coefficients: &self.pieces[at],
            variable: self.variable(at),
            spline: self,
        }
    }

    /// Fraction bits that the dot product has beyond those of the result; fewer than none where coefficients are very large.
    pub(crate) fn excess(&self, arithmetic: Arithmetic) -> i32 {
        self.power_bits as i32 + self.bits - arithmetic.fraction_bits as i32
    }
}

/// One polynomial of a spline.
struct Piece<'a> {
    from: f64,
    to: f64,
    coefficients: &'a [i128],
    variable: Variable,
    spline: &'a Spline,
}

impl Candidate for Piece<'_> {
    fn domain(&self) -> Domain {
        Domain {
            low: self.from,
            high: self.to,
        }
    }

    fn at(&self, x: f64) -> f64 {
        let v = (x - self.variable.middle) * power_of_two(-self.variable.scale);
        let all = self.coefficients.iter().rev();
        all.fold(0.0, |sum, c| sum * v + *c as f64) * power_of_two(-self.spline.bits)
    }

    fn jet(&self, x: &Jet) -> Jet {
        let order = x.0.len() - 1;
        let number = |value: f64| Jet::constant(Interval::point(value), order);
        let size = Interval::point(power_of_two(-self.variable.scale));
        let v = x.sub(&number(self.variable.middle)).scale(size);
        let all = self.coefficients.iter().rev();
        // Coefficients are below 2^62: those above 2^53 are no doubles.
        let sum = all.fold(number(0.0), |sum, c| {
            let near = *c as f64;
            let exact = near as i128 == *c;
            let c = if exact {
                Interval::point(near)
            } else {
                Interval::new(near.next_down(), near.next_up())
            };
            sum.mul(&v).add(&Jet::constant(c, order))
        });
        sum.scale(Interval::point(power_of_two(-self.spline.bits)))
    }

    fn magnitude(&self) -> f64 {
        let sum: f64 = self.coefficients.iter().map(|c| c.abs() as f64).sum();
        sum * power_of_two(-self.spline.bits)
    }
}

/// Fits `pieces` polynomials of a degree.
///
/// # Errors
/// See [`Unfit`]: the function is not defined on the domain, the degree is above [`HIGHEST`], the domain has fewer
/// values than pieces, or what is computed with exceeds the ring.
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
    let cuts = levelled(function, domain, pieces, degree, arithmetic)?;
    let shared = Variable::over(domain, arithmetic);
    let unit = arithmetic.unit();
    let reach = (domain.high - shared.middle).max(shared.middle - domain.low);
    let widest = domain.low.abs().max(domain.high.abs()).max(reach);
    let argument = libm::log2(widest / unit) + 1.0;
    if argument > ROOM {
        return Err(Unfit::TooLarge(argument - ROOM));
    }
    let (mut polynomials, mut sampled) = (vec![], 0f64);
    for pair in cuts.windows(2) {
        let (polynomial, error) = fitted(function, pair[0], pair[1], degree)?;
        polynomials.push(polynomial);
        sampled = sampled.max(error);
    }
    let own = polynomials
        .iter()
        .map(|p| Variable::over(p.domain, arithmetic));
    let own: Vec<Variable> = own.collect();
    let with = |variables| computed(function, domain, &cuts, &polynomials, variables, arithmetic);
    let together = with(vec![shared]);
    // Nothing is lost, or nothing else is to be had.
    let good = together
        .as_ref()
        .is_ok_and(|s| s.budget.total() <= 2.0 * sampled + 4.0 * unit);
    if good || degree == 0 || own.len() == 1 {
        return together;
    }
    match (together, with(own)) {
        (Ok(together), Ok(apart)) if apart.budget.total() < together.budget.total() / 2.0 => {
            Ok(apart)
        }
        (Err(_), Ok(apart)) => Ok(apart),
        (together, _) => together,
    }
}

/// The polynomials of these variables, computed with as few bits of powers as are good enough.
fn computed(
    function: &Function,
    domain: Domain,
    cuts: &[f64],
    polynomials: &[Polynomial],
    variables: Vec<Variable>,
    arithmetic: Arithmetic,
) -> Result<Spline, Unfit> {
    let unit = arithmetic.unit();
    let base = Spline {
        cuts: cuts.to_vec(),
        pieces: vec![],
        variables,
        bits: 0,
        power_bits: 0,
        budget: Budget::default(),
        work: Work::default(),
    };
    let numbered = polynomials.iter().enumerate();
    let polynomials: Vec<Vec<f64>> = numbered
        .map(|(at, p)| powers(p, base.variable(at)))
        .collect();
    // The result is in the ring with a bit to spare.
    let points = (0..=1000).map(|i| domain.point(f64::from(i) / 500.0 - 1.0));
    let size = points.map(|x| function.at(x).abs()).fold(0.0, f64::max) / unit;
    if size >= power_of_two(62) {
        return Err(Unfit::TooLarge(libm::log2(size) - ROOM));
    }
    let mut all: Vec<Spline> = vec![];
    let mut beyond = f64::INFINITY;
    for power_bits in LEAST_POWER_BITS..=POWER_BITS {
        match rounded(&base, &polynomials, power_bits, size, arithmetic) {
            Ok(spline) => all.push(spline),
            Err(bits) => beyond = beyond.min(bits),
        }
    }
    let error = |s: &Spline| s.budget.coefficients + s.budget.evaluation;
    let enough = all.iter().map(error).fold(f64::INFINITY, f64::min) + unit / 8.0;
    all.retain(|s| error(s) <= enough);
    // Without a truncation of the argument, if that can be.
    let whole = |s: &Spline| s.cut(arithmetic) == 0;
    let at = all.iter().position(whole).unwrap_or(0);
    if all.is_empty() {
        return Err(Unfit::TooLarge(beyond));
    }
    let mut spline = all.swap_remove(at);
    let mut proved = 0f64;
    for at in 0..spline.pieces.len() {
        let bound = certify(function, &spline.piece(at), unit / 256.0);
        proved = proved.max(bound.map_err(Unfit::Undefined)?);
    }
    // The proof is of the polynomials as they are computed with; what rounding changed is told apart.
    spline.budget.coefficients = spline.budget.coefficients.min(proved);
    spline.budget.approximation = proved - spline.budget.coefficients;
    Ok(spline)
}

/// With powers of so many fraction bits, for values of at most `size` units; else by how many bits the ring is exceeded.
fn rounded(
    base: &Spline,
    polynomials: &[Vec<f64>],
    power_bits: u32,
    size: f64,
    arithmetic: Arithmetic,
) -> Result<Spline, f64> {
    let (g, f) = (power_bits as i32, arithmetic.fraction_bits as i32);
    let last = power_of_two(-g);
    let degree = polynomials.iter().map(Vec::len).max().unwrap_or(1) - 1;
    let mut work = Work::default();
    if degree == 0 {
        return steps(base, polynomials, power_bits, f);
    }
    work.add(size, 0, false, 1);
    let mut errors = vec![0.0, 0.0];
    let cut = cut(
        base.variables.iter().map(|v| v.scale),
        arithmetic,
        power_bits,
    );
    if cut > 0 {
        errors[1] = last;
    }
    if cut > 0 || base.is_local() {
        // A number of the piece, times a power of two that is its own.
        work.add(power_of_two(g + cut as i32), cut, base.is_local(), 1);
    }
    // The k-th power is the product of any two that make it: a prefix tree has them.
    let mut largest = 0f64;
    for k in 2..=degree {
        let product = (1..=k / 2).map(|m| {
            let (a, b) = (errors[m], errors[k - m]);
            (a + b + a * b, (1.0 + a) * (1.0 + b))
        });
        let (error, size) = product.fold((0.0, 0.0), |most: (f64, f64), one| {
            (most.0.max(one.0), most.1.max(one.1))
        });
        errors.push(error * (1.0 + 1e-9) + last);
        largest = largest.max(size);
    }
    if degree > 1 {
        work.add(largest * power_of_two(2 * g), g as u32, true, tree(degree));
    }
    let weigh = |p: &Vec<f64>, of: &dyn Fn(f64) -> f64| {
        let terms = p.iter().zip(&errors).map(|(c, e)| c.abs() * of(*e));
        terms.sum::<f64>() * (1.0 + 1e-9)
    };
    let sums = polynomials.iter().map(|p| weigh(p, &|e| 1.0 + e));
    let sum = sums.fold(1e-30, f64::max);
    // Half a unit for each coefficient is at most 1/64 of the last place in all, if the ring has that much.
    let wanted = f + 6 + libm::ceil(libm::log2((degree + 1) as f64)) as i32;
    let fits = libm::floor(ROOM - 0.01 - f64::from(g) - libm::log2(sum)) as i32;
    let bits = wanted.min(fits);
    let unit = power_of_two(-bits);
    let half = unit * (degree + 1) as f64 / 2.0;
    let largest = (sum + half) * power_of_two(bits + g);
    let excess = bits + g - f;
    work.add(largest, excess.max(0) as u32, true, 1);
    let beyond = work.headroom(64);
    if beyond < 0.0 {
        return Err(-beyond);
    }
    let of_powers = polynomials.iter().map(|p| weigh(p, &|e| e));
    let of_powers = of_powers.fold(0.0, f64::max) + half * errors[degree];
    let whole = |p: &Vec<f64>| p.iter().map(|c| libm::round(c / unit) as i128).collect();
    Ok(Spline {
        pieces: polynomials.iter().map(whole).collect(),
        bits,
        power_bits,
        budget: Budget {
            approximation: 0.0,
            coefficients: half,
            evaluation: of_powers + if excess > 0 { arithmetic.unit() } else { 0.0 },
        },
        work,
        ..base.clone()
    })
}

/// By how many bits distances from middles are truncated, for variables of these scales with so many fraction bits: as the longest
/// piece wants it.
fn cut(scales: impl Iterator<Item = i32>, arithmetic: Arithmetic, power_bits: u32) -> u32 {
    let units = scales.max().unwrap_or(0) + arithmetic.fraction_bits as i32;
    (units - power_bits as i32).max(0) as u32
}

/// Of degree 0 nothing is multiplied: the constants have the fraction bits of the result.
fn steps(base: &Spline, constants: &[Vec<f64>], power_bits: u32, f: i32) -> Result<Spline, f64> {
    let unit = power_of_two(-f);
    let largest = constants.iter().map(|p| p[0].abs()).fold(0.0, f64::max);
    let room = libm::log2(largest / unit + 1.0);
    if room > ROOM {
        return Err(room - ROOM);
    }
    let whole = |p: &Vec<f64>| vec![libm::round(p[0] / unit) as i128];
    Ok(Spline {
        pieces: constants.iter().map(whole).collect(),
        bits: f,
        power_bits,
        budget: Budget {
            coefficients: unit / 2.0,
            ..Budget::default()
        },
        ..base.clone()
    })
}

/// Products of a prefix tree over so many elements.
fn tree(count: usize) -> usize {
    let levels = count.next_power_of_two().trailing_zeros();
    // At each level, those in the upper half of each block.
    (0..levels)
        .map(|level| (0..count).filter(|i| i >> level & 1 == 1).count())
        .sum()
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
    arithmetic: Arithmetic,
) -> Result<Vec<f64>, Unfit> {
    let whole = domain.high - domain.low;
    // Cuts are compared with numbers of f fraction bits; each is above the one before.
    let unit = arithmetic.unit();
    let (first, last) = (
        libm::ceil(domain.low / unit),
        libm::floor(domain.high / unit),
    );
    let room = (last - first - 1.0).max(0.0);
    if room < (pieces - 1) as f64 {
        return Err(Unfit::Crowded(room as usize + 1));
    }
    let mut lengths = vec![whole / pieces as f64; pieces];
    let mut best: Option<(f64, Vec<f64>)> = None;
    for _ in 0..MOVES {
        let mut cuts = vec![domain.low];
        let mut at = domain.low;
        for length in &lengths {
            at += length;
            let done = cuts.len();
            let least = if done == 1 {
                first + 1.0
            } else {
                cuts[done - 1] / unit + 1.0
            };
            let most = last - (pieces - done) as f64;
            cuts.push(libm::rint(at / unit).min(most).max(least) * unit + 0.0);
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

/// Coefficients of the powers of the variable.
fn powers(polynomial: &Polynomial, variable: Variable) -> Vec<f64> {
    let Variable { middle, scale } = variable;
    let (centre, half) = (polynomial.domain.middle(), polynomial.domain.half());
    // u = slope v + offset; T_k by its recurrence on coefficient vectors.
    let (slope, offset) = (power_of_two(scale) / half, (middle - centre) / half);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sigmoid;

    #[test]
    fn errors_are_near_those_of_the_pieces() {
        for (pieces, degree, enough) in [(5, 3, 1e-3), (6, 5, 3e-5), (12, 1, 4e-3)] {
            let on = Domain::new(-8.0, 8.0).unwrap();
            let s = spline(&sigmoid(), on, pieces, degree, Arithmetic::default()).unwrap();
            let bound = s.budget.total();
            assert!(
                bound < enough,
                "{pieces} pieces of degree {degree}: {bound}"
            );
        }
    }

    #[test]
    fn products_of_a_prefix_tree() {
        assert_eq!([1, 2, 3, 4, 5, 7].map(tree), [0, 1, 2, 4, 5, 9]);
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
