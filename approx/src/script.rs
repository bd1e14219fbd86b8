//! An approximation as a function of the language.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::blocks::Blocks;
use crate::chebyshev::{Domain, Polynomial, split};
use crate::choose::Fit;
use crate::fixed::{Arithmetic, Form, depth};

/// What the function gives outside the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The value at the nearer end.
    Clamp,
    /// These constants, as written, below and above.
    Saturate(String, String),
    /// The polynomial.
    Extend,
    /// The run ends; everybody learns whether an argument lies there.
    Assert,
}

impl Outside {
    /// The end of the head of function `name`, and what its body begins with.
    pub(crate) fn begin(
        &self,
        name: &str,
        parameter: &str,
        (low, high): (&str, &str),
    ) -> (String, String) {
        if *self != Self::Assert {
            return (String::new(), String::new());
        }
        let seen = seen(name);
        // Below and above exclude each other, so that exclusive or is or.
        let begin = format!(
            "    let {seen} = reveal ({parameter} < {low}) != ({parameter} > {high});\n    assert(!{seen});\n"
        );
        (format!(" reveals {seen}: bool to all"), begin)
    }
}

/// What function `name` reveals under [`Outside::Assert`].
pub fn seen(name: &str) -> String {
    format!("{name}_outside")
}

/// The ends of a domain in multiples of the last place, not beyond it.
pub(crate) fn ends(domain: Domain, arithmetic: Arithmetic) -> (f64, f64) {
    let unit = arithmetic.unit();
    let low = libm::ceil(domain.low / unit) * unit;
    let high = libm::floor(domain.high / unit) * unit;
    // Of a domain between two neighbours there is nothing to take.
    if low <= high {
        (low, high)
    } else {
        (domain.low, domain.high)
    }
}

/// The text of `fn NAME(PARAMETER: fix<f>) -> fix<f>`: all T_k of one depth are one product of arrays, and
/// the sum is one dot product with the coefficients, or a tree of blocks.
pub fn function(
    name: &str,
    parameter: &str,
    fit: &Fit,
    arithmetic: Arithmetic,
    outside: &Outside,
) -> String {
    let parameter = if is_own(parameter) {
        "argument"
    } else {
        parameter
    };
    let f = arithmetic.fraction_bits;
    let (polynomial, form) = (&fit.polynomial, &fit.form);
    let (low, high) = ends(polynomial.domain, arithmetic);
    let (low, high) = (number(low, f), number(high, f));
    let mut body = String::new();
    let argument = match outside {
        Outside::Clamp => {
            let _ = writeln!(body, "    let x = clamp({parameter}, {low}, {high});");
            "x"
        }
        // Of a secret far outside the polynomial is any number, times 0; of a clear one it would be an error.
        Outside::Saturate(..) => {
            let _ = writeln!(body, "    let x = {};", within(parameter, &low, &high));
            "x"
        }
        Outside::Extend | Outside::Assert => parameter,
    };
    let used = polynomial.used();
    let constant = form.coefficients.first().copied().unwrap_or_default();
    if used.is_empty() {
        let _ = writeln!(
            body,
            "    let inside = from_raw({constant} + 0 * raw({argument}), {f});"
        );
    } else {
        scaled(&mut body, argument, form, f);
        match &form.blocks {
            Some(tree) => blocks(&mut body, form, tree, f),
            None => dot_product(&mut body, polynomial, form, f),
        }
    }
    let result = match outside {
        Outside::Clamp | Outside::Extend | Outside::Assert => "    inside\n".to_owned(),
        Outside::Saturate(below, above) => format!(
            "    let (left, right) = (({parameter} < {low}) as int, ({parameter} > {high}) as int);\n    \
             (1 - left - right) * inside + {} * left + {} * right\n",
            summand(below, f),
            summand(above, f)
        ),
    };
    let (head, begin) = outside.begin(name, parameter, (&low, &high));
    format!("pub fn {name}({parameter}: fix<{f}>) -> fix<{f}>{head} {{\n{begin}{body}{result}}}\n")
}

/// The argument; one that is clear, not beyond the ends.
pub(crate) fn within(parameter: &str, low: &str, high: &str) -> String {
    format!(
        "if is_secret({parameter}) {{ {parameter} }} else {{ clamp({parameter}, {low}, {high}) }}"
    )
}

/// The sum of all T_k with their coefficients.
fn dot_product(body: &mut String, polynomial: &Polynomial, form: &Form, f: u32) {
    powers(body, &polynomial.powers(), form.power_bits);
    let used = polynomial.used();
    let coefficients: Vec<String> = used
        .iter()
        .map(|k| form.coefficients[*k].to_string())
        .collect();
    let terms: Vec<String> = used.iter().map(|k| format!("t{k}")).collect();
    let constant = form.coefficients.first().copied().unwrap_or_default() << form.power_bits;
    let bits = i64::from(form.power_bits) + i64::from(form.coefficient_bits);
    let inside = fixed_point("total", bits, i64::from(f));
    let _ = writeln!(
        body,
        "    let coefficients = [{}];\n    let terms = [{}];\n    \
         let total = {constant} + sum(coefficients[j] * raw(terms[j]) for j in 0..{});\n    \
         let inside = {inside};",
        coefficients.join(", "),
        terms.join(", "),
        used.len()
    );
}

/// Blocks, and level by level what they are joined to; the last product is truncated to the result.
fn blocks(body: &mut String, form: &Form, tree: &Blocks, f: u32) {
    let used = tree.used();
    let mut wanted = used.clone();
    wanted.extend((0..tree.levels).map(|level| tree.giant(level)));
    powers(body, &Polynomial::needed(wanted), form.power_bits);
    let (g, bits) = (i64::from(form.power_bits), i64::from(tree.bits));
    let terms: Vec<String> = used.iter().map(|k| format!("raw(t{k})")).collect();
    let row = |leaf: &Vec<i128>| {
        let row: Vec<String> = used.iter().map(|k| leaf[*k].to_string()).collect();
        format!("[{}]", row.join(", "))
    };
    let rows: Vec<String> = tree.leaves.iter().map(row).collect();
    let constant = |leaf: &Vec<i128>| (leaf[0] << form.power_bits).to_string();
    let constants: Vec<String> = tree.leaves.iter().map(constant).collect();
    let sum = format!(
        "constants[i] + sum(coefficients[i, j] * terms[j] for j in 0..{})",
        used.len()
    );
    let sum = match g + i64::from(form.coefficient_bits) {
        same if same == bits => sum,
        fine => format!("raw({})", fixed_point(&sum, fine, bits)),
    };
    let mut count = tree.leaves.len();
    let _ = writeln!(
        body,
        "    let terms = [{}];\n    let constants = [{}];\n    let coefficients = [{}];\n    \
         let q0 = [{sum} for i in 0..{count}];",
        terms.join(", "),
        constants.join(", "),
        rows.join(",\n                        ")
    );
    for level in 0..tree.levels - 1 {
        let (next, pairs) = (level + 1, count / 2);
        let joined = format!(
            "[q{level}[2 * i] + raw(t{} * from_raw(q{level}[2 * i + 1], {g})) for i in 0..{pairs}]",
            tree.giant(level)
        );
        let _ = if count.is_multiple_of(2) {
            writeln!(body, "    let q{next} = {joined};")
        } else {
            let last = count - 1;
            writeln!(
                body,
                "    let q{next} = concat({joined}, [q{level}[{last}]]);"
            )
        };
        count = count.div_ceil(2);
    }
    let last = tree.levels - 1;
    let excess = g + bits - i64::from(f);
    let _ = writeln!(
        body,
        "    let ends = [q{last}[0], q{last}[1]];\n    \
         let beside = concat([{}], [raw(t{})]);\n    \
         let inside = from_raw(raw(dot(from_raw(ends, {excess}), from_raw(beside, {excess}))), {f});",
        1i128 << g,
        tree.giant(last)
    );
}

/// An integer in units of 2^-bits as a number with f fraction bits.
pub(crate) fn fixed_point(raw: &str, bits: i64, f: i64) -> String {
    if bits == f {
        format!("from_raw({raw}, {f})")
    } else {
        format!("from_raw({raw}, {bits}) as fix<{f}>")
    }
}

/// Whether the text gives this name to something else.
fn is_own(name: &str) -> bool {
    let own = [
        "inside",
        "coefficients",
        "terms",
        "total",
        "constants",
        "ends",
        "beside",
        "left",
        "right",
        "x",
    ];
    let numbered = name.strip_prefix(['t', 'a', 'b', 's', 'p', 'q']);
    own.contains(&name)
        || numbered.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// The argument less a number, as an integer.
pub(crate) fn moved(argument: &str, middle: f64, f: u32) -> String {
    if middle == 0.0 {
        format!("raw({argument})")
    } else if middle < 0.0 {
        format!("raw({argument} + {})", number(-middle, f))
    } else {
        format!("raw({argument} - {})", number(middle, f))
    }
}

/// u = T_1, from -1 to 1 over the domain.
fn scaled(body: &mut String, argument: &str, form: &Form, f: u32) {
    let shift = match form.shift {
        0 => String::new(),
        below @ ..0 => format!(" - {}", -below),
        above => format!(" + {above}"),
    };
    let raw = format!(
        "{} * {}{shift}",
        moved(argument, form.middle, f),
        form.factor
    );
    let g = i64::from(form.power_bits);
    let u = fixed_point(&raw, g + i64::from(form.cut), g);
    let _ = writeln!(body, "    let t1 = {u};");
}

/// These T_k with g fraction bits, depth after depth.
fn powers(body: &mut String, wanted: &BTreeSet<usize>, g: u32) {
    let term = |k: usize| {
        if k == 0 {
            number(1.0, g)
        } else {
            format!("t{k}")
        }
    };
    let list = |terms: Vec<String>| terms.join(", ");
    let deepest = wanted.iter().map(|k| depth(*k)).max().unwrap_or(0);
    for level in 1..=deepest {
        let ks: Vec<usize> = wanted
            .iter()
            .copied()
            .filter(|k| depth(*k) == level)
            .collect();
        if let [k] = ks[..] {
            let (m, n) = split(k);
            let _ = writeln!(body, "    let t{k} = 2 * t{m} * t{n} - {};", term(m - n));
            continue;
        }
        let column = |of: fn((usize, usize)) -> usize| {
            list(ks.iter().map(|k| term(of(split(*k)))).collect())
        };
        let _ = writeln!(body, "    let a{level} = [{}];", column(|s| s.0));
        let _ = writeln!(body, "    let b{level} = [{}];", column(|s| s.1));
        let _ = writeln!(body, "    let s{level} = [{}];", column(|s| s.0 - s.1));
        let _ = writeln!(
            body,
            "    let p{level} = [2 * a{level}[j] * b{level}[j] - s{level}[j] for j in 0..{}];",
            ks.len()
        );
        for (j, k) in ks.iter().enumerate() {
            let _ = writeln!(body, "    let t{k} = p{level}[{j}];");
        }
    }
}

/// Fraction bits of a decimal in a script.
const DECIMAL_BITS: u32 = 16;

/// A multiple of 2^-f beside numbers with f fraction bits: what it is added to or compared with keeps its bits, where a
/// decimal would give it more.
pub(crate) fn number(value: f64, f: u32) -> String {
    if f >= DECIMAL_BITS {
        decimal(value)
    } else {
        format!(
            "from_raw({}, {f})",
            libm::rint(libm::ldexp(value, f as i32))
        )
    }
}

/// A number as written, to be added to numbers with f fraction bits.
fn summand(text: &str, f: u32) -> String {
    match text.parse() {
        Ok(value) if f < DECIMAL_BITS => number(value, f),
        _ => text.to_owned(),
    }
}

/// A double as a decimal: exact where 64 fraction digits hold it, as they do for multiples of
/// 2^-64.
pub fn decimal(value: f64) -> String {
    let text = format!("{value:.64}");
    let text = text.trim_end_matches('0');
    if text.ends_with('.') {
        format!("{text}0")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Domain;
    use crate::choose::{Goal, fit};
    use crate::fixed::Arithmetic;
    use crate::tests::sigmoid;

    #[test]
    fn a_function_is_written_depth_by_depth() {
        let of = |domain| {
            let mut fit = fit(&sigmoid(), domain, Goal::Degree(5), Arithmetic::default()).unwrap();
            fit.polynomial.coefficients = vec![0.5, 0.625, 0.0, -0.25, 0.0, 0.125];
            fit.form.coefficient_bits = 3;
            fit.form.coefficients = vec![4, 5, 0, -2, 0, 1];
            let outside = Outside::Saturate("0".into(), "1".into());
            let text = function("sigmoid", "t", &fit, Arithmetic::default(), &outside);
            (text, fit.form)
        };
        let (text, form) = of(Domain::new(-8.0, 8.0).unwrap());
        let g = form.power_bits;
        assert_eq!(
            text,
            format!(
                "\
pub fn sigmoid(t: fix<16>) -> fix<16> {{
    let x = if is_secret(t) {{ t }} else {{ clamp(t, -8.0, 8.0) }};
    let t1 = from_raw(raw(x) * {}, {g});
    let t2 = 2 * t1 * t1 - 1.0;
    let t3 = 2 * t2 * t1 - t1;
    let t5 = 2 * t3 * t2 - t1;
    let coefficients = [5, -2, 1];
    let terms = [t1, t3, t5];
    let total = {} + sum(coefficients[j] * raw(terms[j]) for j in 0..3);
    let inside = from_raw(total, {}) as fix<16>;
    let (left, right) = ((t < -8.0) as int, (t > 8.0) as int);
    (1 - left - right) * inside + 0 * left + 1 * right
}}
",
                1 << (g - 19),
                4i128 << g,
                g + 3
            )
        );
        let (text, form) = of(Domain::new(0.1, 3.3).unwrap());
        let Form {
            power_bits: g,
            factor,
            cut,
            ..
        } = form;
        let first = format!(
            "    let t1 = from_raw(raw(x - 1.6999969482421875) * {factor} - {}, {}) as fix<{g}>;\n",
            -form.shift,
            g + cut
        );
        assert!(cut > 0 && text.contains(&first), "{text}{first}");
        // Ends of the domain are within it.
        assert!(text.contains("t < 0.100006103515625"), "{text}");
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal(-0.1875), "-0.1875");
        assert_eq!(decimal(3.0), "3.0");
        let tiny = libm::ldexp(1.0, -32);
        assert_eq!(decimal(tiny).parse::<f64>(), Ok(tiny));
        assert_eq!(decimal(tiny).len(), 34);
    }
}
