//! An approximation as a function of the language.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::chebyshev::split;
use crate::choose::Fit;
use crate::fixed::depth;

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
        low: f64,
        high: f64,
    ) -> (String, String) {
        if *self != Self::Assert {
            return (String::new(), String::new());
        }
        let seen = seen(name);
        // Below and above exclude each other, so that exclusive or is or.
        let begin = format!(
            "    let {seen} = reveal ({parameter} < {}) != ({parameter} > {});\n    assert(!{seen});\n",
            decimal(low),
            decimal(high)
        );
        (format!(" reveals {seen}: bool to all"), begin)
    }
}

/// What function `name` reveals under [`Outside::Assert`].
pub fn seen(name: &str) -> String {
    format!("{name}_outside")
}

/// The text of `fn NAME(PARAMETER: fix) -> fix`: all T_k of one depth are one product of arrays, and
/// the sum is one dot product with the coefficients.
pub fn function(name: &str, parameter: &str, fit: &Fit, outside: &Outside) -> String {
    let parameter = if is_own(parameter) {
        "argument"
    } else {
        parameter
    };
    let polynomial = &fit.polynomial;
    let (low, high) = (polynomial.domain.low, polynomial.domain.high);
    let mut body = String::new();
    let argument = match outside {
        Outside::Clamp => {
            let _ = writeln!(
                body,
                "    let x = clamp({parameter}, {}, {});",
                decimal(low),
                decimal(high)
            );
            "x"
        }
        Outside::Saturate(..) | Outside::Extend | Outside::Assert => parameter,
    };
    let used: Vec<usize> = (1..polynomial.coefficients.len())
        .filter(|k| polynomial.coefficients[*k] != 0.0)
        .collect();
    let constant = decimal(polynomial.coefficients.first().copied().unwrap_or_default());
    if used.is_empty() {
        let _ = writeln!(body, "    let inside = {constant} + 0 * {argument};");
    } else {
        scaled(
            &mut body,
            argument,
            polynomial.domain.middle(),
            polynomial.domain.half(),
        );
        powers(&mut body, &used);
        let coefficients: Vec<String> = used
            .iter()
            .map(|k| decimal(polynomial.coefficients[*k]))
            .collect();
        let terms: Vec<String> = used.iter().map(|k| format!("t{k}")).collect();
        let _ = writeln!(
            body,
            "    let coefficients = [{}];",
            coefficients.join(", ")
        );
        let _ = writeln!(body, "    let terms = [{}];", terms.join(", "));
        let _ = writeln!(
            body,
            "    let inside = {constant} + sum(coefficients[j] * terms[j] for j in 0..{});",
            used.len()
        );
    }
    let result = match outside {
        Outside::Clamp | Outside::Extend | Outside::Assert => "    inside\n".to_owned(),
        Outside::Saturate(below, above) => format!(
            "    let (left, right) = (({parameter} < {}) as int, ({parameter} > {}) as int);\n    \
             (1 - left - right) * inside + {below} * left + {above} * right\n",
            decimal(low),
            decimal(high)
        ),
    };
    let (head, begin) = outside.begin(name, parameter, low, high);
    format!("pub fn {name}({parameter}: fix) -> fix{head} {{\n{begin}{body}{result}}}\n")
}

/// Whether the text gives this name to something else.
fn is_own(name: &str) -> bool {
    let own = ["inside", "coefficients", "terms", "left", "right", "x"];
    let numbered = name.strip_prefix(['t', 'a', 'b', 's', 'p']);
    own.contains(&name)
        || numbered.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// u = T_1, from -1 to 1 over the domain.
fn scaled(body: &mut String, argument: &str, middle: f64, half: f64) {
    let moved = if middle == 0.0 {
        argument.to_owned()
    } else {
        format!("({argument} - {})", decimal(middle))
    };
    let _ = if half == 1.0 {
        writeln!(body, "    let t1 = {moved};")
    } else {
        writeln!(body, "    let t1 = {moved} * {};", decimal(1.0 / half))
    };
}

/// The T_k that the used ones need, depth after depth.
fn powers(body: &mut String, used: &[usize]) {
    let mut wanted: BTreeSet<usize> = BTreeSet::new();
    let mut open: Vec<usize> = used.to_vec();
    while let Some(k) = open.pop() {
        if k > 1 && wanted.insert(k) {
            let (m, n) = split(k);
            open.extend([m, n, m - n]);
        }
    }
    let term = |k: usize| {
        if k == 0 {
            "1.0".to_owned()
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
        let domain = Domain::new(-8.0, 8.0).unwrap();
        let mut fit = fit(&sigmoid(), domain, Goal::Degree(5), Arithmetic::default()).unwrap();
        fit.polynomial.coefficients = vec![0.5, 0.625, 0.0, -0.25, 0.0, 0.125];
        let text = function(
            "sigmoid",
            "t",
            &fit,
            &Outside::Saturate("0".into(), "1".into()),
        );
        assert_eq!(
            text,
            "\
pub fn sigmoid(t: fix) -> fix {
    let t1 = t * 0.125;
    let t2 = 2 * t1 * t1 - 1.0;
    let t3 = 2 * t2 * t1 - t1;
    let t5 = 2 * t3 * t2 - t1;
    let coefficients = [0.625, -0.25, 0.125];
    let terms = [t1, t3, t5];
    let inside = 0.5 + sum(coefficients[j] * terms[j] for j in 0..3);
    let (left, right) = ((t < -8.0) as int, (t > 8.0) as int);
    (1 - left - right) * inside + 0 * left + 1 * right
}
"
        );
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
