//! Certificates against what an endpoint computes, in its integers, at a million arguments: no error is above the bound, and
//! no number that is truncated leaves the ring.

use smpc_approx::chebyshev::split;
use smpc_approx::{
    Arithmetic, Domain, Elementary, Fit, Function, Goal, Polynomial, Spline, Unfit, fit, spline,
};

/// Truncations as a backend may carry them out.
struct Endpoint {
    state: u64,
    arithmetic: Arithmetic,
    /// The largest number that was truncated.
    largest: i128,
}

impl Endpoint {
    fn new(arithmetic: Arithmetic) -> Self {
        Self {
            state: 1,
            arithmetic,
            largest: 0,
        }
    }

    /// The floor and 0 or 1.
    fn truncated(&mut self, x: i128, bits: u32) -> i128 {
        self.largest = self.largest.max(x.abs());
        assert!(x.abs() < 1 << 62, "{x} leaves the ring");
        if bits == 0 {
            return x;
        }
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let e = i128::from(self.state >> 63);
        (x >> bits) + e
    }

    /// The result in units of 2^-f for an argument in units of 2^-f.
    fn polynomial(&mut self, fit: &Fit, t: i128) -> i128 {
        let (form, f) = (&fit.form, self.arithmetic.fraction_bits as i32);
        let g = form.power_bits;
        let used = fit.polynomial.used();
        if used.is_empty() {
            return form.coefficients[0];
        }
        let middle = (form.middle / self.arithmetic.unit()) as i128;
        let u = self.truncated((t - middle) * form.factor + form.shift, form.cut);
        let mut powers = vec![0; fit.polynomial.degree() + 1];
        powers[0] = 1 << g;
        if let Some(first) = powers.get_mut(1) {
            *first = u;
        }
        let mut wanted = fit.polynomial.used();
        if let Some(tree) = &form.blocks {
            wanted = tree.used();
            wanted.extend((0..tree.levels).map(|level| tree.giant(level)));
        }
        for k in Polynomial::needed(wanted) {
            let (m, n) = split(k);
            powers[k] = self.truncated(2 * powers[m] * powers[n], g) - powers[m - n];
        }
        let dot = |c: &[i128]| c.iter().zip(&powers).map(|(c, t)| c * t).sum::<i128>();
        let fine = form.coefficient_bits + g as i32;
        let Some(tree) = &form.blocks else {
            return self.truncated(dot(&form.coefficients), (fine - f) as u32);
        };
        let cut = (fine - tree.bits as i32) as u32;
        let leaves = tree.leaves.iter();
        let mut nodes: Vec<i128> = leaves.map(|leaf| self.truncated(dot(leaf), cut)).collect();
        for level in 0..tree.levels - 1 {
            let t = powers[tree.giant(level)];
            let pairs = nodes.chunks(2);
            nodes = pairs
                .map(|pair| match pair {
                    [low, high] => low + self.truncated(t * high, g),
                    _ => pair[0],
                })
                .collect();
        }
        let sum = (nodes[0] << g) + powers[tree.giant(tree.levels - 1)] * nodes[1];
        self.truncated(sum, g + tree.bits - f as u32)
    }

    fn pieces(&mut self, s: &Spline, t: i128) -> i128 {
        let (g, f) = (s.power_bits as i32, self.arithmetic.fraction_bits as i32);
        let unit = self.arithmetic.unit();
        let inner = &s.cuts[1..s.cuts.len() - 1];
        let at = inner.iter().filter(|c| t as f64 * unit >= **c).count();
        let row = &s.pieces[at];
        if row.len() == 1 {
            return row[0];
        }
        let variable = s.variable(at);
        let moved = (t - (variable.middle / unit) as i128) * s.factor(at, self.arithmetic);
        let u = self.truncated(moved, s.cut(self.arithmetic));
        let mut powers = vec![1 << g, u];
        for k in 2..row.len() {
            // As a prefix tree has them: the lower part is as long as the largest power of two below k.
            let upper = k.next_power_of_two() / 2;
            let product = powers[upper] * powers[k - upper];
            powers.push(self.truncated(product, g as u32));
        }
        let sum: i128 = row.iter().zip(&powers).map(|(c, t)| c * t).sum();
        let excess = s.bits + g - f;
        self.truncated(sum, excess.max(0) as u32) << (-excess).max(0)
    }
}

/// The arguments of a domain: all, or so many evenly spread, and the ends.
fn arguments(domain: Domain, unit: f64, count: i128) -> impl Iterator<Item = i128> {
    let first = (domain.low / unit).ceil() as i128;
    let last = (domain.high / unit).floor() as i128;
    let step = ((last - first) / count).max(1);
    (0..)
        .map(move |i| first + i * step)
        .take_while(move |t| *t < last)
        .chain([last])
}

fn of_polynomial(f: &Function, on: (f64, f64), goal: Goal, arithmetic: Arithmetic, count: i128) {
    let domain = Domain::new(on.0, on.1).unwrap();
    let fit = fit(f, domain, goal, arithmetic).unwrap();
    let mut endpoint = Endpoint::new(arithmetic);
    let unit = arithmetic.unit();
    let bound = fit.budget.total();
    let mut worst = 0f64;
    for t in arguments(domain, unit, count) {
        let got = endpoint.polynomial(&fit, t) as f64 * unit;
        let off = (got - f.at(t as f64 * unit)).abs();
        assert!(
            off <= bound,
            "{f:?} on {on:?}, {goal:?}: {off} at {t}, above {bound}"
        );
        worst = worst.max(off);
    }
    assert!(
        bound <= 12.0 * worst,
        "{f:?} on {on:?}: far too careful: {bound} for {worst}"
    );
    let room = 62.0 - (endpoint.largest as f64).log2();
    let told = fit.work.headroom(64);
    assert!(
        told <= room + 1e-6,
        "{told} bits are told and {room} are free"
    );
    assert!(
        fit.polynomial.used().is_empty() || room < told + 2.0,
        "{told} bits are told and {room} are free"
    );
}

fn of_pieces(
    f: &Function,
    on: (f64, f64),
    of: (usize, usize),
    arithmetic: Arithmetic,
    count: i128,
) {
    let domain = Domain::new(on.0, on.1).unwrap();
    let spline = spline(f, domain, of.0, of.1, arithmetic).unwrap();
    let mut endpoint = Endpoint::new(arithmetic);
    let unit = arithmetic.unit();
    let bound = spline.budget.total();
    let mut worst = 0f64;
    for t in arguments(domain, unit, count) {
        let got = endpoint.pieces(&spline, t) as f64 * unit;
        let off = (got - f.at(t as f64 * unit)).abs();
        assert!(
            off <= bound,
            "{f:?} on {on:?}, {of:?}: {off} at {t}, above {bound}"
        );
        worst = worst.max(off);
    }
    assert!(
        bound <= 12.0 * worst,
        "{f:?} on {on:?}, {of:?}: far too careful: {bound} for {worst}"
    );
    if of.1 > 0 {
        let room = 62.0 - (endpoint.largest as f64).log2();
        let told = spline.work.headroom(64);
        assert!(
            told <= room + 1e-6,
            "{told} bits are told and {room} are free"
        );
    }
}

fn t() -> Function {
    Function::Variable
}

fn times(factor: f64, f: Function) -> Function {
    Function::Mul(Function::number(factor).into(), f.into())
}

fn power(n: i32) -> Function {
    Function::Power(t().into(), n)
}

fn sigmoid() -> Function {
    let e = t().apply(Elementary::Negate).apply(Elementary::Exp);
    let below = Function::Add(Function::number(1.0).into(), e.into());
    Function::Div(Function::number(1.0).into(), below.into())
}

fn bits(fraction_bits: u32) -> Arithmetic {
    Arithmetic { fraction_bits }
}

#[test]
fn a_million_arguments() {
    of_polynomial(
        &sigmoid(),
        (-8.0, 8.0),
        Goal::Within(0.0005),
        bits(16),
        1_000_000,
    );
    of_polynomial(
        &sigmoid(),
        (-8.0, 8.0),
        Goal::Within(2e-5),
        bits(24),
        1_000_000,
    );
    of_pieces(&sigmoid(), (-8.0, 8.0), (6, 3), bits(16), 1_000_000);
    of_pieces(&sigmoid(), (-8.0, 8.0), (12, 5), bits(24), 1_000_000);
    let exp = t().apply(Elementary::Exp);
    of_pieces(&exp, (0.0, 25.0), (16, 3), bits(16), 1_000_000);
    of_polynomial(&exp, (0.0, 25.0), Goal::Degree(30), bits(16), 1_000_000);
}

#[test]
fn large_values_and_arguments() {
    let many = 100_000;
    of_polynomial(&power(7), (-10.0, 10.0), Goal::Degree(7), bits(16), many);
    of_pieces(&power(7), (-10.0, 10.0), (16, 5), bits(16), many);
    of_polynomial(&t(), (0.0, 60_000_000.0), Goal::Degree(1), bits(16), many);
    of_pieces(&times(0.001, t()), (0.0, 1e6), (2, 1), bits(16), many);
    let sine = times(1e5, t().apply(Elementary::Sin));
    of_polynomial(&sine, (-3.0, 3.0), Goal::Degree(9), bits(16), many);
    of_polynomial(
        &times(1_234_567.123_456_789, t()),
        (-1.0, 1.0),
        Goal::Degree(1),
        bits(16),
        many,
    );
    let exp = t().apply(Elementary::Exp);
    of_polynomial(&exp, (0.0, 20.0), Goal::Depth(5), bits(24), many);
    of_pieces(&exp, (0.0, 20.0), (16, 3), bits(24), many);
    of_polynomial(&exp, (0.0, 40.0), Goal::Degree(20), bits(2), many);
    for goal in [Goal::Degree(20), Goal::Within(1e12)] {
        let refused = fit(&exp, Domain::new(0.0, 40.0).unwrap(), goal, bits(16));
        assert!(matches!(refused, Err(Unfit::TooLarge(_))), "{refused:?}");
    }
    let refused = spline(&exp, Domain::new(0.0, 40.0).unwrap(), 16, 3, bits(16));
    assert!(matches!(refused, Err(Unfit::TooLarge(_))), "{refused:?}");
}

#[test]
fn domains_of_every_place() {
    let many = 100_000;
    for f in [8, 16, 24, 32] {
        let ln = t().apply(Elementary::Ln);
        of_polynomial(&ln, (1000.0, 2000.0), Goal::Degree(4), bits(f), many);
        of_pieces(&ln, (1000.0, 2000.0), (3, 3), bits(f), many);
        let sqrt = t().apply(Elementary::Sqrt);
        of_polynomial(&sqrt, (0.1, 10.0), Goal::Degree(6), bits(f), many);
        of_pieces(&power(-1), (0.5, 100.0), (12, 3), bits(f), many);
        of_pieces(
            &t().apply(Elementary::Tanh),
            (-3.0, 5.0),
            (8, 0),
            bits(f),
            many,
        );
        of_polynomial(&power(2), (-3.0, 3.0), Goal::Degree(2), bits(f), many);
        of_polynomial(
            &Function::number(3.3),
            (-3.0, 3.0),
            Goal::Degree(0),
            bits(f),
            many,
        );
    }
    let exp = t().apply(Elementary::Exp);
    of_polynomial(&exp, (0.0, 0.01), Goal::Degree(2), bits(16), many);
    of_pieces(&exp, (0.0, 0.0001), (6, 1), bits(16), many);
}

#[test]
fn blocks_where_they_are_cheaper() {
    let many = 100_000;
    let exp = t().apply(Elementary::Exp);
    let domain = Domain::new(-4.0, 4.0).unwrap();
    for (degree, width) in [
        (2, None),
        (4, None),
        (5, None),
        (7, Some(4)),
        (8, None),
        (15, Some(8)),
    ] {
        let found = fit(&exp, domain, Goal::Degree(degree), bits(16)).unwrap();
        let got = found.form.blocks.as_ref().map(|tree| tree.width);
        assert_eq!(got, width, "degree {degree}");
        assert_eq!(found.polynomial.degree(), degree);
    }
    for degree in [5, 6, 7, 9, 11, 13, 14, 15, 23] {
        of_polynomial(&exp, (-4.0, 4.0), Goal::Degree(degree), bits(16), many);
        of_polynomial(&exp, (-1.0, 2.5), Goal::Degree(degree), bits(24), many);
    }
    let fit = fit(
        &sigmoid(),
        Domain::new(-8.0, 8.0).unwrap(),
        Goal::Degree(31),
        bits(16),
    )
    .unwrap();
    assert!(
        fit.form.blocks.is_some() && fit.work.count() < 15,
        "{:?}",
        fit.work
    );
    of_polynomial(&sigmoid(), (-8.0, 8.0), Goal::Degree(31), bits(16), many);
    of_polynomial(&sigmoid(), (-8.0, 8.0), Goal::Degree(63), bits(16), many);
}

#[test]
fn one_function_with_16_and_with_24_fraction_bits() {
    for arithmetic in [bits(16), bits(24)] {
        of_polynomial(
            &sigmoid(),
            (-8.0, 8.0),
            Goal::Degree(9),
            arithmetic,
            100_000,
        );
        of_pieces(&sigmoid(), (-7.0, 8.0), (7, 4), arithmetic, 100_000);
        let exp = t().apply(Elementary::Exp);
        of_polynomial(&exp, (0.3, 1.0), Goal::Within(1e-4), arithmetic, 100_000);
    }
}

/// Short pieces beside long ones: each has a variable of its own, or their coefficients would cancel.
#[test]
fn pieces_of_unlike_lengths() {
    let of = |f| t().apply(f);
    for (f, on, pieces, enough) in [
        (of(Elementary::Sqrt), (0.0, 4.0), (12, 5), 5e-3),
        (of(Elementary::Ln), (0.01, 100.0), (20, 5), 1e-4),
        (of(Elementary::Exp), (0.0, 10.0), (8, 5), 1e-2),
        (of(Elementary::Exp), (0.0, 25.0), (17, 7), 1e3),
        (
            Function::Div(Function::number(1.0).into(), t().into()),
            (0.01, 10.0),
            (12, 5),
            2e-2,
        ),
        // Pieces of 2^19, whose arguments have more bits than powers.
        (of(Elementary::Ln), (1.0, 1e6), (20, 3), 1e-2),
        (of(Elementary::Sqrt), (0.0, 1e6), (24, 3), 0.05),
        (of(Elementary::Sqrt), (1.0, 3e10), (30, 3), 3.0),
    ] {
        let domain = Domain::new(on.0, on.1).unwrap();
        let found = spline(&f, domain, pieces.0, pieces.1, bits(16)).unwrap();
        let bound = found.budget.total();
        assert!(bound < enough, "{f:?}: {bound}");
        of_pieces(&f, on, pieces, bits(16), 100_000);
    }
}

#[test]
fn more_pieces_than_arguments() {
    let exp = t().apply(Elementary::Exp);
    let domain = Domain::new(0.0, 0.0001).unwrap();
    let refused = spline(&exp, domain, 20, 1, bits(16));
    assert_eq!(refused, Err(Unfit::Crowded(6)));
}
