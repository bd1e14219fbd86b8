//! A spline as a function of the language.

use super::{Spline, Variable};
use crate::chebyshev::Domain;
use crate::fixed::{Arithmetic, power_of_two};
use crate::function::Function;
use crate::script::{Outside, ends, fixed_point, moved, number, within};

/// The text of `fn NAME(PARAMETER: fix<f>) -> fix<f>`: the powers are a prefix tree, coefficients are chosen by comparisons with
/// all cuts at once, and the value is one inner product.
pub fn function(
    name: &str,
    parameter: &str,
    f: &Function,
    spline: &Spline,
    arithmetic: Arithmetic,
    outside: &Outside,
) -> String {
    let parameter = match parameter {
        "u" | "powers" | "passed" | "here" | "terms" | "cuts" | "rows" | "middles" | "middle"
        | "sizes" | "size" | "x" => "argument",
        other => other,
    };
    let degree = spline.pieces.first().map_or(1, Vec::len) - 1;
    let constant = |value: f64| -> Vec<i128> {
        let mut row = vec![0; degree + 1];
        row[0] = libm::round(value * power_of_two(spline.bits)) as i128;
        row
    };
    let domain = Domain {
        low: spline.cuts[0],
        high: spline.cuts[spline.cuts.len() - 1],
    };
    let (first, last) = ends(domain, arithmetic);
    let given = |text: &str| text.parse().unwrap_or(0.0);
    let beside = match outside {
        Outside::Clamp => Some((f.at(first), f.at(last))),
        Outside::Saturate(below, above) => Some((given(below), given(above))),
        Outside::Extend | Outside::Assert => None,
    };
    let mut rows = spline.pieces.clone();
    let mut cuts = spline.cuts[1..spline.cuts.len() - 1].to_vec();
    if let Some((below, above)) = beside {
        rows.insert(0, constant(below));
        rows.push(constant(above));
        cuts.insert(0, first);
        // The last value of the domain is in it.
        cuts.push(last + arithmetic.unit());
    }
    let (bits, power_bits) = (arithmetic.fraction_bits, spline.power_bits);
    let (low, high) = (number(first, bits), number(last, bits));
    let (head, mut body) = outside.begin(name, parameter, (&low, &high));
    let list = |rows: &[Vec<i128>], between: &str| {
        let rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        rows.join(between)
    };
    let excess = spline.excess(arithmetic);
    let count = cuts.len();
    if count > 0 {
        let all: Vec<String> = cuts.iter().map(|c| number(*c, bits)).collect();
        body.push_str(&format!(
            "    let cuts = [{}];\n    let rows = [{}];\n    \
             let passed = [({parameter} >= cuts[j]) as int for j in 0..{count}];\n",
            all.join(", "),
            list(&rows, ",\n                "),
        ));
    }
    if degree > 0 {
        let u = match spline.is_local() {
            true => own_variable(&mut body, parameter, spline, beside.is_some(), arithmetic),
            false if beside.is_some() => {
                let x = within(parameter, &low, &high);
                body.push_str(&format!("    let x = {x};\n"));
                shared_variable("x", spline, arithmetic)
            }
            false => shared_variable(parameter, spline, arithmetic),
        };
        let one = 1i128 << power_bits;
        body.push_str(&match degree {
            1 => format!("    let u = {u};\n    let terms = [{one}, raw(u)];\n"),
            _ => format!(
                "    let u = {u};\n    let powers = scan([u for k in 0..{degree}], (lo, hi) => lo * hi);\n    \
                 let terms = concat([{one}], [raw(powers[k]) for k in 0..{degree}]);\n"
            ),
        });
    }
    let result = if count == 0 {
        body.push_str(&format!("    let here = {};\n", list(&rows, "")));
        match degree {
            0 => format!("from_raw(here[0] + 0 * raw({parameter}), {bits})"),
            _ => integer_sum(excess, bits),
        }
    } else {
        body.push_str(&format!(
            "    let here = [rows[0, k] + sum(passed[j] * (rows[j + 1, k] - rows[j, k]) for j in 0..{count}) for k in 0..{}];\n",
            degree + 1
        ));
        match degree {
            0 => format!("from_raw(here[0], {bits})"),
            // A product of numbers with so many bits is brought back by as many, in one with the product where a scheme can.
            _ if excess > 0 => format!(
                "from_raw(raw(dot(from_raw(here, {excess}), from_raw(terms, {excess}))), {bits})"
            ),
            _ => integer_sum(excess, bits),
        }
    };
    format!(
        "pub fn {name}({parameter}: fix<{bits}>) -> fix<{bits}>{head} {{\n{body}    {result}\n}}\n"
    )
}

/// The variable of all pieces.
fn shared_variable(parameter: &str, spline: &Spline, arithmetic: Arithmetic) -> String {
    let (g, shift) = (spline.power_bits, spline.factor(0, arithmetic));
    let middle = spline.variable(0).middle;
    let raw = moved(parameter, middle, arithmetic.fraction_bits);
    let raw = if shift == 1 {
        raw
    } else {
        format!("{raw} * {shift}")
    };
    let fine = g + spline.cut(arithmetic);
    fixed_point(&raw, i64::from(fine), i64::from(g))
}

/// The variable of the piece that was found; beside the domain, where constants follow, it is 0.
fn own_variable(
    body: &mut String,
    parameter: &str,
    spline: &Spline,
    beside: bool,
    arithmetic: Arithmetic,
) -> String {
    let (bits, g) = (arithmetic.fraction_bits as i32, spline.power_bits);
    let middle = |v: &Variable| libm::ldexp(v.middle, bits) as i128;
    let mut middles: Vec<i128> = spline.variables.iter().map(middle).collect();
    let places = 0..spline.variables.len();
    let mut sizes: Vec<i128> = places.map(|at| spline.factor(at, arithmetic)).collect();
    if beside {
        for list in [&mut middles, &mut sizes] {
            list.insert(0, 0);
            list.push(0);
        }
    }
    let count = sizes.len() - 1;
    for (name, values) in [("middle", middles), ("size", sizes)] {
        body.push_str(&format!(
            "    let {name}s = {values:?};\n    \
             let {name} = {name}s[0] + sum(passed[j] * ({name}s[j + 1] - {name}s[j]) for j in 0..{count});\n"
        ));
    }
    match spline.cut(arithmetic) {
        0 => format!("from_raw((raw({parameter}) - middle) * size, {g})"),
        // As the inner product: in one with the product where a scheme can.
        cut => format!(
            "from_raw(raw(from_raw(raw({parameter}) - middle, {cut}) * from_raw(size, {cut})), {g})"
        ),
    }
}

/// The inner product as integers, brought to the bits of the result.
fn integer_sum(excess: i32, bits: u32) -> String {
    if excess < 0 {
        format!("from_raw(dot(here, terms) * {}, {bits})", 1i128 << -excess)
    } else {
        let fine = i64::from(excess) + i64::from(bits);
        fixed_point("dot(here, terms)", fine, i64::from(bits))
    }
}
