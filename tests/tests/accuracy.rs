//! The functions of the library against exact ones, over their whole domains: the bounds that their
//! documentation states. `docs/accuracy.md` is this table at 100,000 points:
//!
//! ```text
//! cargo test --release -p smpc-tests --test accuracy -- --ignored
//! ```

use std::fmt::Write as _;

use smpc_tests::case::Case;
use smpc_tests::pipeline::{Start, checked};
use smpc_tests::run::{Backend, Traffic, run};

/// Where a function is tried.
#[derive(Clone, Copy)]
enum Domain {
    /// Evenly.
    Even(f64, f64),
    /// Evenly in the logarithm.
    Scales(f64, f64),
    /// The same on both sides of 0.
    BothSides(f64, f64),
}

/// How an error is measured, in units of 2^-f.
#[derive(Clone, Copy, PartialEq)]
enum Measure {
    /// The difference.
    Absolute,
    /// The difference over the larger of the result and 1.
    Mixed,
}

/// A function of the table.
struct Row {
    /// As a script writes it, of `#`.
    call: &'static str,
    /// Modules it needs.
    modules: &'static str,
    exact: fn(f64) -> f64,
    domain: Domain,
    measure: Measure,
    /// The bound that is documented, in units, at 16 and 24 fraction bits.
    bound: [f64; 2],
    /// Online rounds under rep3, as documented.
    rounds: i128,
    /// What other systems have: their error, and rounds and bytes.
    peers: [&'static str; 2],
}

/// Arguments of up to 2^44 units.
const LARGE: f64 = f64::INFINITY;

/// The smallest positive number.
const fn unit(f: u8) -> f64 {
    1.0 / (1u64 << f) as f64
}

fn rows() -> Vec<Row> {
    use Domain::{BothSides, Even, Scales};
    use Measure::{Absolute, Mixed};
    let row = |call, modules, exact, domain, measure, bound, rounds, peers| Row {
        call,
        modules,
        exact,
        domain,
        measure,
        bound,
        rounds,
        peers,
    };
    let (act, tri) = ("use std::activation;", "use std::trigonometry;");
    type F = fn(f64) -> f64;
    let none = "";
    vec![
        row(
            "1 / #",
            none,
            (|x| 1.0 / x) as F,
            BothSides(0.0, LARGE),
            Mixed,
            [2.0, 4.0],
            22,
            [
                "ten Newton steps: diverges above 253, > 1 % below 5e-4",
                "–",
            ],
        ),
        row(
            "1000 / #",
            none,
            |x| 1000.0 / x,
            BothSides(0.0, LARGE),
            Mixed,
            [2.0, 4.0],
            22,
            ["as 1 / x", "46, 908"],
        ),
        row(
            "sqrt(#)",
            none,
            f64::sqrt,
            Scales(0.0, LARGE),
            Mixed,
            [2.0, 4.0],
            21,
            [
                "best: normalised polynomial, 3e-8 in real arithmetic",
                "96, 4,546",
            ],
        ),
        row(
            "rsqrt(#)",
            none,
            |x| 1.0 / x.sqrt(),
            Scales(0.0, LARGE),
            Mixed,
            [2.0, 4.0],
            21,
            ["–", "40, 827"],
        ),
        row(
            "exp(#)",
            none,
            f64::exp,
            Even(-20.0, 20.0),
            Mixed,
            [2.0, 4.0],
            16,
            ["(1 + x/256)^256: 18 % at -10", "23, 1,300"],
        ),
        row(
            "exp2(#)",
            none,
            f64::exp2,
            Even(-24.0, 29.0),
            Mixed,
            [2.0, 4.0],
            16,
            ["–", "–"],
        ),
        row(
            "ln(#)",
            none,
            f64::ln,
            Scales(0.0, LARGE),
            Absolute,
            [4.0, 4.0],
            21,
            [
                "Householder: > .05 below 6e-3; best: normalised polynomial, 3e-8 in real arithmetic",
                "84, 4,100",
            ],
        ),
        row(
            "log2(#)",
            none,
            f64::log2,
            Scales(0.0, LARGE),
            Absolute,
            [4.0, 4.0],
            21,
            ["–", "–"],
        ),
        row(
            "trigonometry::sin(#)",
            tri,
            f64::sin,
            Even(-4096.0, 4096.0),
            Absolute,
            [3.0, 4.0],
            16,
            ["(1 + ix/1024)^1024: .55 at 30", "34, 827"],
        ),
        row(
            "trigonometry::cos(#)",
            tri,
            f64::cos,
            Even(-4096.0, 4096.0),
            Absolute,
            [3.0, 4.0],
            16,
            ["as sin", "as sin"],
        ),
        row(
            "trigonometry::tan(#)",
            tri,
            f64::tan,
            Even(-1.4, 1.4),
            Mixed,
            [4.0, 4.0],
            38,
            ["–", "–"],
        ),
        row(
            "trigonometry::atan(#)",
            tri,
            f64::atan,
            BothSides(0.0, LARGE),
            Absolute,
            [4.0, 4.0],
            55,
            ["–", "–"],
        ),
        row(
            "activation::sigmoid(#)",
            act,
            |x| 1.0 / (1.0 + (-x).exp()),
            Even(-20.0, 20.0),
            Absolute,
            [3.0, 4.0],
            12,
            ["degree 9 without a check: 2.9 at 12", "78, 2,366"],
        ),
        row(
            "activation::tanh(#)",
            act,
            f64::tanh,
            Even(-20.0, 20.0),
            Absolute,
            [3.0, 4.0],
            12,
            ["Chebyshev 17, clamp at 5: 4.9e-3", "–"],
        ),
        row(
            "activation::erf(#)",
            act,
            error_function,
            Even(-20.0, 20.0),
            Absolute,
            [3.0, 4.0],
            12,
            ["eight Taylor terms: 103 at 3", "–"],
        ),
        row(
            "activation::softplus(#)",
            act,
            |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Even(-20.0, 20.0),
            Absolute,
            [3.0, 4.0],
            13,
            ["–", "–"],
        ),
        row(
            "activation::gelu(#)",
            act,
            |x| x * 0.5 * (1.0 + error_function(x / 2f64.sqrt())),
            Even(-20.0, 20.0),
            Absolute,
            [3.0, 4.0],
            13,
            ["–", "–"],
        ),
        row(
            "abs(#)",
            none,
            f64::abs,
            Even(-1000.0, 1000.0),
            Absolute,
            [0.0, 0.0],
            10,
            ["–", "–"],
        ),
        row(
            "floor(#) * 1.0",
            none,
            f64::floor,
            Even(-1000.0, 1000.0),
            Absolute,
            [0.0, 0.0],
            12,
            ["–", "–"],
        ),
        row(
            "round(#) * 1.0",
            none,
            |x| (x + 0.5).floor(),
            Even(-1000.0, 1000.0),
            Absolute,
            [0.0, 0.0],
            12,
            ["–", "–"],
        ),
    ]
}

/// The error function by its series, to 1e-15.
fn error_function(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-17 && n < 300.0 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
}

impl Row {
    /// Multiples of 2^-f all over the domain, its ends among them.
    fn points(&self, count: usize, f: u8) -> Vec<f64> {
        let place = |i: usize| i as f64 / (count - 1) as f64;
        let scales = |lo: f64, hi: f64, x: f64| {
            let (lo, hi) = (lo.max(unit(f)), hi.min(unit(f) * 2f64.powi(44)));
            lo * (hi / lo).powf(x)
        };
        let points = (0..count).map(|i| match self.domain {
            Domain::Even(lo, hi) => lo + (hi - lo) * place(i),
            Domain::Scales(lo, hi) => scales(lo, hi, place(i)),
            Domain::BothSides(lo, hi) => {
                let side = if i % 2 == 0 { 1.0 } else { -1.0 };
                side * scales(lo, hi, place(i))
            }
        });
        let units = 1.0 / unit(f);
        points
            .map(|x| (x * units).round() / units)
            .filter(|x| *x != 0.0)
            .collect()
    }

    /// The results of the script at points.
    fn answers(&self, points: &[f64], f: u8, k: i128) -> Vec<f64> {
        let text = format!(
            "{} party alice; input a: [fix<{f}>; n] from alice; let x = share a;\n\
             reveal {} as z; leaks n, z to all;",
            self.modules,
            self.of("x")
        );
        let program = checked(&text, &Case::default()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let values = points
            .iter()
            .map(|x| ((x / unit(f)) as i128) << (64 - f))
            .collect();
        let start = Start {
            sizes: vec![points.len() as i128],
            params: vec![],
            inputs: vec![(vec![points.len()], values)],
        };
        let bound = Backend::new("rep3", &[("k", k)])
            .bind()
            .expect("rep3 binds");
        let mut run = run(&program, &start, &bound, 11).unwrap_or_else(|e| panic!("{text}: {e}"));
        run.answers.remove("z").expect("the output")
    }

    /// The largest and the mean error in units of 2^-f, and where the largest is.
    fn errors(&self, count: usize, f: u8, k: i128) -> (f64, f64, f64) {
        let points = self.points(count, f);
        let answers = self.answers(&points, f, k);
        let (mut worst, mut at, mut sum) = (0f64, 0f64, 0f64);
        for (x, y) in points.iter().zip(&answers) {
            let exact = (self.exact)(*x);
            let scale = match self.measure {
                Measure::Absolute => 1.0,
                Measure::Mixed => exact.abs().max(1.0),
            };
            let error = (y - exact).abs() / scale / unit(f);
            sum += error;
            if error > worst || error.is_nan() {
                (worst, at) = (error, *x);
            }
        }
        (worst, sum / points.len() as f64, at)
    }

    /// The call.
    fn of(&self, argument: &str) -> String {
        self.call.replace('#', argument)
    }

    /// What a script costs that binds y to something made of n products x.
    fn traffic(&self, statement: &str) -> Traffic {
        let n = 64;
        let text = format!(
            "{} party alice; input a: [fix; n] from alice; let x = share a * share a;\n\
             {statement}\nreveal y * y as z; leaks n, z to all;",
            self.modules
        );
        let program = checked(&text, &Case::default()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let start = Start {
            sizes: vec![n],
            params: vec![],
            inputs: vec![(vec![n as usize], vec![1 << 64; n as usize])],
        };
        let bound = Backend::new("rep3", &[]).bind().expect("rep3 binds");
        let run = run(&program, &start, &bound, 3).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(run.counted, run.predicted, "{text}");
        run.counted
    }

    /// What the function adds: rounds, and bytes of all parties for each element.
    fn cost(&self) -> (i128, f64) {
        let with = self.traffic(&format!("let y = {};", self.of("x")));
        let without = self.traffic("let y = x;");
        let bytes = |t: &Traffic| t.bytes.iter().sum::<i128>();
        let each = (bytes(&with) - bytes(&without)) as f64 / 64.0;
        (with.rounds - without.rounds, each)
    }
}

#[test]
fn errors_are_within_the_documented_bounds() {
    let mut wrong = vec![];
    for row in rows() {
        for (at, (f, k)) in [(16, 64), (24, 128)].into_iter().enumerate() {
            let (worst, _, x) = row.errors(1200, f, k);
            if worst.is_nan() || worst > row.bound[at] {
                wrong.push(format!("{} at {x}: {worst} units of 2^-{f}", row.call));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rounds_are_within_the_documented_bounds() {
    let mut wrong = vec![];
    for row in rows() {
        let (rounds, _) = row.cost();
        if rounds > row.rounds {
            wrong.push(format!("{}: {rounds} rounds, not {}", row.call, row.rounds));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_loop_costs_what_the_tensor_costs() {
    for row in rows() {
        let tensor = row.traffic(&format!("let y = {};", row.of("x")));
        let call = row.of("x[i]");
        let looped = row.traffic(&format!(
            "let mut y = x; for i in 0..n {{ y[i] = {call}; }}"
        ));
        assert_eq!(tensor, looped, "{call}");
    }
}

/// Outside of a function's domain its result is what its documentation says, and no accident.
#[test]
fn results_outside_of_the_domain_are_defined() {
    let smallest = unit(16).ln();
    for (call, modules, points, expected) in [
        ("1 / #", "", vec![0.0], vec![0.0]),
        ("recip(#)", "", vec![0.0], vec![0.0]),
        (
            "exp2(#)",
            "",
            vec![-18.0, -1e8, 30.0, 1e8],
            vec![0.0, 0.0, 1_073_741_824.0, 1_073_741_824.0],
        ),
        ("log2(#)", "", vec![0.0, -1.0, -1e8], vec![-16.0; 3]),
        ("pow(#, 0.5)", "", vec![0.0], vec![(smallest / 2.0).exp()]),
        (
            "activation::erf(#)",
            "use std::activation;",
            vec![-1e8, 1e8],
            vec![-1.0, 1.0],
        ),
        (
            "activation::softplus(#)",
            "use std::activation;",
            vec![-1e8, 1e8],
            vec![0.0, 1e8],
        ),
        (
            "trigonometry::atan2(0 * #, 0 * #)",
            "use std::trigonometry;",
            vec![1.0],
            vec![0.0],
        ),
        (
            "sqrt(#)",
            "",
            vec![0.0, -1.0, -1e8, -unit(16)],
            vec![0.0; 4],
        ),
        (
            "rsqrt(#)",
            "",
            vec![0.0, -1.0, -1e8, -unit(16)],
            vec![0.0; 4],
        ),
        (
            "ln(#)",
            "",
            vec![0.0, -1.0, -1e8, -unit(16)],
            vec![smallest; 4],
        ),
        (
            "exp(#)",
            "",
            vec![-12.0, -1e8, 21.0, 1e8],
            vec![0.0, 0.0, 1_073_741_824.0, 1_073_741_824.0],
        ),
        (
            "activation::sigmoid(#)",
            "use std::activation;",
            vec![-1e8, 1e8],
            vec![0.0, 1.0],
        ),
        (
            "activation::tanh(#)",
            "use std::activation;",
            vec![-1e8, 1e8],
            vec![-1.0, 1.0],
        ),
        (
            "activation::gelu(#)",
            "use std::activation;",
            vec![-1e8, 1e8],
            vec![0.0, 1e8],
        ),
    ] {
        let mut all = rows();
        let mut row = all.remove(0);
        (row.call, row.modules) = (call, modules);
        for (got, want) in row.answers(&points, 16, 64).iter().zip(&expected) {
            assert!(
                (got - want).abs() <= 4.0 * unit(16),
                "{call}: {got}, not {want}"
            );
        }
    }
}

/// Sine and cosine beyond their domain, as their documentation says: the angle loses |t| / 2^30.
#[test]
fn angles_beyond_the_domain_lose_what_is_documented() {
    let mut row = rows().remove(0);
    (row.call, row.modules) = ("trigonometry::sin(#)", "use std::trigonometry;");
    let points: Vec<f64> = (1..200).map(|i| f64::from(i) * 314_159.0).collect();
    for (x, y) in points.iter().zip(row.answers(&points, 16, 64)) {
        let most = 3.0 * unit(16) + x / 2f64.powi(30);
        assert!((y - x.sin()).abs() <= most, "sin({x}): {y}");
    }
}

/// Writes `docs/accuracy.md`; `ACCURACY=tan` before the command measures the rows with that word, and keeps the others.
#[test]
#[ignore = "100,000 points of every function: minutes; it writes docs/accuracy.md"]
fn the_table_at_all_points() {
    let mut text = String::from(include_str!("accuracy.md"));
    let path = smpc_tests::root().join("docs/accuracy.md");
    let kept = std::fs::read_to_string(&path).expect("the page");
    let wanted = std::env::var("ACCURACY").unwrap_or_default();
    for row in rows() {
        let start = format!("| `{}` |", row.of("x"));
        let old = kept.lines().find(|line| line.starts_with(&start));
        if let (false, Some(line)) = (row.call.contains(&wanted), old) {
            let _ = writeln!(text, "{line}");
            continue;
        }
        let (rounds, bytes) = row.cost();
        let domain = match row.domain {
            Domain::Even(lo, hi) => format!("{lo} … {hi}"),
            Domain::Scales(..) => "2^-f … 2^(44-f)".to_owned(),
            Domain::BothSides(..) => "±2^-f … ±2^(44-f)".to_owned(),
        };
        let measure = if row.measure == Measure::Mixed {
            "rel."
        } else {
            ""
        };
        let _ = write!(text, "{start} {domain} |");
        for (f, k) in [(16, 64), (24, 128)] {
            let (worst, mean, _) = row.errors(100_000, f, k);
            let _ = write!(text, " {worst:.2} {measure} | {mean:.2} |");
        }
        let [error, cost] = row.peers;
        let _ = writeln!(text, " {rounds} | {bytes:.0} | {error} | {cost} |");
    }
    std::fs::write(path, text).expect("the page is written");
}
