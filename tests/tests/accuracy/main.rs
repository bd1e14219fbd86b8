//! The functions of the library against exact ones, over their whole domains: the bounds that their
//! documentation states. `docs/accuracy.md` is this table at 100,000 points:
//!
//! ```text
//! cargo test --release -p smpc-tests --test accuracy -- --ignored
//! ```

mod outside;
mod rows;

use std::fmt::Write as _;
use std::sync::Mutex;

use rows::{Domain, Measure, PRECISIONS, Row, largest, rows, unit};
use smpc_tests::case::Case;
use smpc_tests::pipeline::{Start, checked};
use smpc_tests::run::{Backend, Traffic, run};

/// Points of one run: its arrays fit into caches.
const AT_ONCE: usize = 1024;

impl Row {
    /// Multiples of 2^-f all over the domain, its ends among them.
    fn points(&self, count: usize, f: u8) -> Vec<f64> {
        let place = |i: usize| i as f64 / (count - 1) as f64;
        let even = |lo: f64, hi: f64, i: usize| lo + (hi - lo) * place(i);
        let scales = |i: usize| unit(f) * (largest(f) / unit(f)).powf(place(i));
        let side = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let points = (0..count).map(|i| match self.domain {
            Domain::Even(lo, hi) => even(lo, hi, i),
            Domain::Until(lo, hi, _) => even(lo, hi[usize::from(f > 16)], i),
            Domain::Scales => scales(i),
            Domain::BothSides => side(i) * scales(i),
            Domain::Any => match i % 4 {
                1 | 3 => even(-20.0, 20.0, i),
                k => side(k / 2) * scales(i),
            },
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
        let bound = Backend::new("rep3", &[("k", k)])
            .bind()
            .expect("rep3 binds");
        let part = |(at, points): (usize, &[f64])| {
            let value = |x: &f64| ((x / unit(f)) as i128) << (64 - f);
            let start = Start {
                sizes: vec![points.len() as i128],
                params: vec![],
                inputs: vec![(vec![points.len()], points.iter().map(value).collect())],
            };
            let mut run = run(&program, &start, &bound, 11 + at as u64)
                .unwrap_or_else(|e| panic!("{text}: {e}"));
            run.answers.remove("z").expect("the output")
        };
        points.chunks(AT_ONCE).enumerate().flat_map(part).collect()
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
                Measure::Pole(loss) => {
                    // the derivative of the tangent is 1 + tan^2, and the distance from a pole 1 / tan
                    exact.abs().max(1.0) * (1.0 + loss * exact.abs())
                }
            };
            let error = (y - exact).abs() / scale / unit(f);
            sum += error;
            if error > worst || error.is_nan() {
                (worst, at) = (error, *x);
            }
        }
        (worst, sum / points.len() as f64, at)
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
        for (at, (f, k)) in PRECISIONS.iter().enumerate() {
            let (worst, _, x) = row.errors(1200, *f, *k);
            if worst.is_nan() || worst > row.bound[at] {
                wrong.push(format!("{} at {x}: {worst} units of 2^-{f}", row.call));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With the most fraction bits that functions serve: within what is documented for 24.
#[test]
fn with_32_fraction_bits_errors_are_those_of_24() {
    let mut wrong = vec![];
    for row in rows() {
        let (worst, _, x) = row.errors(300, 32, 128);
        if worst.is_nan() || worst > row.bound[1] * 256.0 {
            wrong.push(format!("{} at {x}: {worst} units of 2^-32", row.call));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn more_fraction_bits_than_functions_serve_are_refused() {
    for call in [
        "sqrt(x)",
        "1 / x",
        "ln(x)",
        "exp(x)",
        "variance(x)",
        "trigonometry::sin(x)",
        "activation::erf(x)",
        "statistics::t_test(x, x).0",
    ] {
        let text = |bits: u8| {
            format!(
                "use std::activation; use std::statistics; use std::trigonometry; using rep3(k: 128);\n\
                 party alice; input a: [fix<{bits}>; 4] from alice; let x = share a;\n\
                 reveal {call} as z; leaks z to all;"
            )
        };
        checked(&text(32), &Case::default()).unwrap_or_else(|e| panic!("{call}: {e}"));
        let refused = checked(&text(33), &Case::default()).expect_err(call);
        assert!(refused.contains("D04"), "{call}: {refused}");
    }
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

impl Row {
    /// What its line in the table begins with.
    fn start(&self) -> String {
        format!("| `{}` |", self.shown)
    }

    /// Its line, measured.
    fn line(&self, points: usize) -> String {
        let (rounds, bytes) = self.cost();
        let domain = match self.domain {
            Domain::Even(lo, hi) => format!("{lo} … {hi}"),
            Domain::Until(lo, _, hi) => format!("{lo} … {hi}"),
            Domain::Scales => "2^-f … top".to_owned(),
            Domain::BothSides => "±2^-f … ±top".to_owned(),
            Domain::Any => "any".to_owned(),
        };
        let measure = match self.measure {
            Measure::Absolute => "",
            Measure::Mixed => " rel.",
            Measure::Pole(_) => " pole",
        };
        let mut line = format!("{} {domain} | {points} |", self.start());
        for (f, k) in &PRECISIONS {
            let (worst, mean, at) = self.errors(points, *f, *k);
            println!("{}, {f} fraction bits: {worst:.2} at {at}", self.shown);
            let _ = write!(line, " {worst:.2}{measure} | {mean:.2} |");
        }
        let [error, cost] = self.peers;
        line + &format!(" {rounds} | {bytes:.0} | {error} | {cost} |")
    }
}

/// Writes `docs/accuracy.md`, line by line, two at a time; `ACCURACY=tan` before the command measures the rows with that word, and keeps
/// the others; `POINTS=3000` takes fewer points.
#[test]
#[ignore = "100,000 points of every function: a quarter of an hour of processor time; it writes docs/accuracy.md"]
fn the_table_at_all_points() {
    let path = smpc_tests::root().join("docs/accuracy.md");
    let kept = std::fs::read_to_string(&path).expect("the page");
    let wanted = std::env::var("ACCURACY").unwrap_or_default();
    let points = std::env::var("POINTS").map_or(100_000, |p| p.parse().expect("a number"));
    let rows = rows();
    let old = |row: &Row| kept.lines().find(|line| line.starts_with(&row.start()));
    let lines: Vec<_> = rows.iter().map(|row| old(row).map(str::to_owned)).collect();
    let open = |at: &usize| lines[*at].is_none() || rows[*at].shown.contains(&wanted);
    let open: Vec<usize> = (0..rows.len()).filter(open).collect();
    let (next, lines) = (Mutex::new(open.into_iter()), Mutex::new(lines));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(at) = next.lock().expect("rows").next() else {
                        break;
                    };
                    let line = rows[at].line(points);
                    let mut lines = lines.lock().expect("lines");
                    lines[at] = Some(line);
                    let mut text = String::from(include_str!("page.md"));
                    for line in lines.iter().flatten() {
                        let _ = writeln!(text, "{line}");
                    }
                    std::fs::write(&path, text).expect("the page is written");
                }
            });
        }
    });
}
