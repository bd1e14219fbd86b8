//! The functions of `docs/accuracy.md`: where each is tried, and what its documentation states.

/// Where a function is tried.
#[derive(Clone, Copy)]
pub enum Domain {
    /// Evenly.
    Even(f64, f64),
    /// Evenly up to an end that depends on the fraction bits, 16 or 24, and is shown as said.
    Until(f64, [f64; 2], &'static str),
    /// Evenly in the logarithm, from the smallest positive number to the largest.
    Scales,
    /// The same on both sides of 0.
    BothSides,
    /// Half of the points as `BothSides`, half evenly between -20 and 20.
    Any,
}

/// How an error is measured, in units of 2^-f.
#[derive(Clone, Copy)]
pub enum Measure {
    /// The difference.
    Absolute,
    /// The difference over the larger of the result and 1.
    Mixed,
    /// As `Mixed`, and of a tangent t divided by 1 + loss |t|, too: what is lost near a pole.
    Pole(f64),
}

/// A function of the table.
pub struct Row {
    /// As a script writes it, of `#`.
    pub call: &'static str,
    /// As the page shows it.
    pub shown: String,
    /// Modules it needs, and helpers.
    pub modules: &'static str,
    pub exact: fn(f64) -> f64,
    pub domain: Domain,
    pub measure: Measure,
    /// The bound that is documented, in units, at 16 and 24 fraction bits.
    pub bound: [f64; 2],
    /// Online rounds under rep3, as documented.
    pub rounds: i128,
    /// What other systems have: their error, and rounds and bytes.
    pub peers: [&'static str; 2],
}

impl Row {
    /// The call.
    pub fn of(&self, argument: &str) -> String {
        self.call.replace('#', argument)
    }
}

/// Fraction bits and bits of the ring at which functions are tried.
pub const PRECISIONS: [(u8, i128); 2] = [(16, 64), (24, 128)];

/// The smallest positive number.
pub const fn unit(f: u8) -> f64 {
    1.0 / (1u64 << f) as f64
}

/// The largest number but for a ten-thousandth: 2^46 with 16 fraction bits in 64, and 2^63, where the language's numbers end.
pub fn largest(f: u8) -> f64 {
    0.9999 * if f > 16 { 2f64.powi(63) } else { 2f64.powi(46) }
}

pub fn rows() -> Vec<Row> {
    use Domain::{Any, BothSides, Even, Scales, Until};
    use Measure::{Absolute, Mixed, Pole};
    let row = |call: &'static str, modules, exact, domain, measure, bound, rounds, peers| Row {
        call,
        shown: call.replace('#', "x"),
        modules,
        exact,
        domain,
        measure,
        bound,
        rounds,
        peers,
    };
    let named = |shown: &str, row: Row| Row {
        shown: shown.to_owned(),
        ..row
    };
    let (act, tri) = ("use std::activation;", "use std::trigonometry;");
    let soft = "use std::nn; fn first(t: fix) -> fix { nn::softmax([t, 0.0, 1.0])[0] }";
    let log = "use std::nn; fn first(t: fix) -> fix { nn::log_softmax([t, 0.0, 1.0])[0] }";
    let total = "use std::nn; fn first(t: fix) -> fix { nn::log_sum_exp([t, 0.0, 1.0]) }";
    type F = fn(f64) -> f64;
    let none = "";
    let nobody = ["–", "–"];
    vec![
        row(
            "1 / #",
            none,
            (|x| 1.0 / x) as F,
            BothSides,
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
            BothSides,
            Mixed,
            [2.0, 4.0],
            22,
            ["as 1 / x", "46, 908"],
        ),
        row(
            "1000000000 / #",
            none,
            |x| 1e9 / x,
            BothSides,
            Mixed,
            [2.0, 4.0],
            22,
            nobody,
        ),
        row(
            "sqrt(#)",
            none,
            f64::sqrt,
            Scales,
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
            Scales,
            Mixed,
            [2.0, 4.0],
            21,
            ["–", "40, 827"],
        ),
        row(
            "root::div_sqrt(1000.0, #)",
            "use std::root;",
            |x| 1000.0 / x.sqrt(),
            Scales,
            Mixed,
            [4.0, 4.0],
            23,
            nobody,
        ),
        row(
            "root::div_sqrt(#, 3 + 0 * #)",
            "use std::root;",
            |x| x / 3f64.sqrt(),
            BothSides,
            Mixed,
            [4.0, 4.0],
            23,
            nobody,
        ),
        row(
            "exp(#)",
            none,
            f64::exp,
            Until(-20.0, [31.88, 43.66], "46 (63) ln 2"),
            Mixed,
            [2.0, 1.5],
            16,
            ["(1 + x/256)^256: 18 % at -10", "23, 1,300"],
        ),
        row(
            "exp2(#)",
            none,
            f64::exp2,
            Until(-24.0, [45.99, 62.99], "46 (63)"),
            Mixed,
            [2.0, 1.5],
            16,
            nobody,
        ),
        row(
            "ln(#)",
            none,
            f64::ln,
            Scales,
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
            Scales,
            Absolute,
            [4.0, 4.0],
            21,
            nobody,
        ),
        row(
            "pow(#, 0.5)",
            none,
            f64::sqrt,
            Scales,
            Mixed,
            [4.0, 4.0],
            39,
            nobody,
        ),
        row(
            "pow(#, -1.5)",
            none,
            |x| x.powf(-1.5),
            Scales,
            Mixed,
            [8.0, 8.0],
            39,
            nobody,
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
            Even(-4096.0, 4096.0),
            Pole(0.1),
            [4.0, 4.0],
            38,
            nobody,
        ),
        row(
            "trigonometry::atan(#)",
            tri,
            f64::atan,
            BothSides,
            Absolute,
            [4.0, 4.0],
            43,
            nobody,
        ),
        row(
            "trigonometry::atan2(#, 1000.0)",
            tri,
            |x| x.atan2(1000.0),
            BothSides,
            Absolute,
            [4.0, 4.0],
            42,
            nobody,
        ),
        row(
            "trigonometry::atan2(-3.5, #)",
            tri,
            |x| (-3.5f64).atan2(x),
            BothSides,
            Absolute,
            [4.0, 4.0],
            42,
            nobody,
        ),
        row(
            "activation::sigmoid(#)",
            act,
            |x| 1.0 / (1.0 + (-x).exp()),
            Any,
            Absolute,
            [3.0, 4.0],
            8,
            ["degree 9 without a check: 2.9 at 12", "78, 2,366"],
        ),
        row(
            "activation::tanh(#)",
            act,
            f64::tanh,
            Any,
            Absolute,
            [3.0, 4.0],
            8,
            ["Chebyshev 17, clamp at 5: 4.9e-3", "–"],
        ),
        row(
            "activation::erf(#)",
            act,
            error_function,
            Any,
            Absolute,
            [3.0, 4.0],
            8,
            ["eight Taylor terms: 103 at 3", "–"],
        ),
        row(
            "activation::softplus(#)",
            act,
            |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Any,
            Absolute,
            [3.0, 4.0],
            9,
            nobody,
        ),
        row(
            "activation::gelu(#)",
            act,
            |x| x * 0.5 * (1.0 + error_function(x / 2f64.sqrt())),
            Any,
            Absolute,
            [3.0, 4.0],
            9,
            nobody,
        ),
        row(
            "activation::relu(#)",
            act,
            |x| x.max(0.0),
            Any,
            Absolute,
            [0.0, 0.0],
            6,
            nobody,
        ),
        row(
            "abs(#)",
            none,
            f64::abs,
            Any,
            Absolute,
            [0.0, 0.0],
            6,
            nobody,
        ),
        row(
            "sign(#) * 1.0",
            none,
            f64::signum,
            Any,
            Absolute,
            [0.0, 0.0],
            5,
            nobody,
        ),
        row(
            "floor(#) * 1.0",
            none,
            f64::floor,
            Any,
            Absolute,
            [0.0, 0.0],
            8,
            nobody,
        ),
        row(
            "round(#) * 1.0",
            none,
            |x| x.floor() + f64::from(x - x.floor() >= 0.5),
            Any,
            Absolute,
            [0.0, 0.0],
            8,
            nobody,
        ),
        row(
            "ceil(#) * 1.0",
            none,
            f64::ceil,
            Any,
            Absolute,
            [0.0, 0.0],
            8,
            nobody,
        ),
        row(
            "remainder(65535 * floor(#), 1000) * 1.0",
            none,
            |x| (x.floor() as i128 * 65535).rem_euclid(1000) as f64,
            // integers up to 2^62
            Even(-70_000_000_000_000.0, 70_000_000_000_000.0),
            Absolute,
            [0.0, 0.0],
            27,
            nobody,
        ),
        row(
            "max(#, 2.5)",
            none,
            |x| x.max(2.5),
            Any,
            Absolute,
            [0.0, 0.0],
            6,
            nobody,
        ),
        row(
            "min(#, 2.5)",
            none,
            |x| x.min(2.5),
            Any,
            Absolute,
            [0.0, 0.0],
            6,
            nobody,
        ),
        row(
            "clamp(#, -2.5, 3.5)",
            none,
            |x| x.clamp(-2.5, 3.5),
            Any,
            Absolute,
            [0.0, 0.0],
            7,
            nobody,
        ),
        named(
            "nn::softmax([x, 0, 1])[0]",
            row(
                "first(#)",
                soft,
                |x| x.exp() / (x.exp() + 1.0 + 1f64.exp()),
                Even(-40.0, 40.0),
                Absolute,
                [3.0, 4.0],
                35,
                nobody,
            ),
        ),
        named(
            "nn::log_softmax([x, 0, 1])[0]",
            row(
                "first(#)",
                log,
                |x| x - (x.exp() + 1.0 + 1f64.exp()).ln(),
                Even(-40.0, 40.0),
                Absolute,
                [4.0, 4.0],
                38,
                nobody,
            ),
        ),
        named(
            "nn::log_sum_exp([x, 0, 1])",
            row(
                "first(#)",
                total,
                |x| (x.exp() + 1.0 + 1f64.exp()).ln(),
                Even(-40.0, 40.0),
                Absolute,
                [4.0, 4.0],
                38,
                nobody,
            ),
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
