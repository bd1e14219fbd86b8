//! Results at the ends of domains and outside of them: what the functions' documentation says, and no accident.

use crate::rows::{largest, rows, unit};

/// A call, the modules it needs, and pairs of an argument and the result.
type Case = (&'static str, &'static str, Vec<(f64, f64)>);

/// With f fraction bits.
fn cases(f: u8) -> Vec<Case> {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
    let (u, big) = (unit(f), largest(f));
    let top = if f > 16 { 63f64 } else { 46f64 };
    let most = top.exp2();
    let (smallest, ln_2) = (u.ln(), 2f64.ln());
    let (act, tri) = ("use std::activation;", "use std::trigonometry;");
    let each = |f: fn(f64) -> f64, points: &[f64]| points.iter().map(|x| (*x, f(*x))).collect();
    let all = |result: f64, points: &[f64]| points.iter().map(|x| (*x, result)).collect();
    let two_30 = 2f64.powi(30);
    let dead = [0.0, -u, -1.0, -1e8, -two_30, -big];
    vec![
        (
            "1 / #",
            "",
            vec![
                (0.0, 0.0),
                (two_30, 1.0 / two_30),
                (-big, 0.0),
                (-u, -1.0 / u),
            ],
        ),
        ("recip(#)", "", vec![(0.0, 0.0), (u, 1.0 / u), (big, 0.0)]),
        (
            "# / #",
            "",
            all(1.0, &[u, -u, two_30, -two_30, 4.0 * two_30, big, -big]),
        ),
        ("# / #", "", vec![(0.0, 0.0)]),
        (
            "1048576 / #",
            "",
            each(|x| 1_048_576.0 / x, &[u, -u, 3.0 * u, 0.25, -big]),
        ),
        (
            "1000000 / #",
            "",
            each(|x| 1e6 / x, &[66.0 * u, -66.0 * u, 7.0 * u]),
        ),
        // quotients that are too large
        (
            "1000000000000 / #",
            "",
            vec![(u, most), (-u, -most), (0.0, 0.0), (1e6, 1e6)],
        ),
        (
            "# / (# - # - 0.25)",
            "",
            vec![(big, -most), (-big, most), (big / 8.0, -big / 2.0)],
        ),
        (
            "# / (# - # + 1)",
            "",
            each(|x| x, &[big, -big, two_30, u, 0.0]),
        ),
        ("# / (# - #)", "", all(0.0, &[big, -big, 1.0, -u, 0.0])),
        ("sqrt(#)", "", all(0.0, &dead)),
        (
            "sqrt(#)",
            "",
            each(f64::sqrt, &[two_30, 4.0 * two_30, 3e13, big]),
        ),
        ("rsqrt(#)", "", all(0.0, &dead)),
        (
            "rsqrt(#)",
            "",
            each(|x| 1.0 / x.sqrt(), &[u, two_30, 3e13, big]),
        ),
        ("ln(#)", "", all(smallest, &dead)),
        (
            "ln(#)",
            "",
            each(f64::ln, &[u, two_30, 4.0 * two_30, 3e13, big]),
        ),
        ("log2(#)", "", all(-f64::from(f), &dead)),
        ("log2(#)", "", each(f64::log2, &[u, two_30, 3e13, big])),
        (
            "exp(#)",
            "",
            all(0.0, &[smallest - 1.0, -1e8, -two_30, -big]),
        ),
        (
            "exp(#)",
            "",
            all(most, &[top * ln_2 + 0.01, 1e8, two_30, big]),
        ),
        (
            "exp(#)",
            "",
            each(f64::exp, &[21.0, 31.0, top * ln_2 - 0.01]),
        ),
        (
            "exp2(#)",
            "",
            all(0.0, &[-f64::from(f) - 2.0, -1e8, -two_30, -big]),
        ),
        ("exp2(#)", "", all(most, &[top, 1e8, two_30, big])),
        ("exp2(#)", "", each(f64::exp2, &[30.0, 45.5, top - 0.25])),
        ("pow(#, 0.5)", "", vec![(0.0, (smallest / 2.0).exp())]),
        (
            "pow(2 + # - #, #)",
            "",
            vec![(1e8, most), (-1e8, 0.0), (big, most), (-big, 0.0)],
        ),
        (
            "pow(0.25 + # - #, #)",
            "",
            vec![(1e8, 0.0), (-1e8, most), (big, 0.0), (-big, most)],
        ),
        (
            "activation::erf(#)",
            act,
            vec![(-1e8, -1.0), (1e8, 1.0), (-big, -1.0), (big, 1.0)],
        ),
        (
            "activation::tanh(#)",
            act,
            vec![(-1e8, -1.0), (1e8, 1.0), (-big, -1.0), (big, 1.0)],
        ),
        (
            "activation::sigmoid(#)",
            act,
            vec![(-1e8, 0.0), (1e8, 1.0), (-big, 0.0), (big, 1.0)],
        ),
        (
            "activation::softplus(#)",
            act,
            vec![(-1e8, 0.0), (1e8, 1e8), (-big, 0.0), (big, big)],
        ),
        (
            "activation::gelu(#)",
            act,
            vec![(-1e8, 0.0), (1e8, 1e8), (-big, 0.0), (big, big)],
        ),
        (
            "trigonometry::atan(#)",
            tri,
            vec![(big, FRAC_PI_2), (-big, -FRAC_PI_2), (0.0, 0.0)],
        ),
        (
            "trigonometry::atan2(#, #)",
            tri,
            vec![(big, FRAC_PI_4), (-big, -3.0 * FRAC_PI_4), (0.0, 0.0)],
        ),
        (
            "trigonometry::atan2(0 * #, 0 - #)",
            tri,
            vec![(big, PI), (-u, 0.0)],
        ),
    ]
}

/// Whether each case's results are within four units of 2^-f, relative ones where they are above 1.
fn check(f: u8, k: i128) {
    let mut wrong = String::new();
    for (call, modules, pairs) in cases(f) {
        let mut row = rows().remove(0);
        (row.call, row.modules) = (call, modules);
        let points: Vec<f64> = pairs
            .iter()
            .map(|p| (p.0 / unit(f)).round() * unit(f))
            .collect();
        for (got, (x, want)) in row.answers(&points, f, k).iter().zip(&pairs) {
            let off = (got - want).abs() / want.abs().max(1.0) / unit(f);
            if off.is_nan() || off > 4.0 {
                wrong += &format!("{call} at {x}: {got}, not {want}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{f} fraction bits:\n{wrong}");
}

#[test]
fn results_outside_of_the_domain_are_defined() {
    check(16, 64);
}

#[test]
fn finer_results_outside_of_the_domain_are_defined() {
    check(24, 128);
}

/// Angles beyond the domain, as documentation says: results are those of an angle that is off by |t| / 2^30, of more fraction bits
/// |t| / 2^38.
#[test]
fn angles_beyond_the_domain_lose_what_is_documented() {
    type Exact = fn(f64) -> f64;
    for (f, k, bits, step) in [(16, 64, 30, 314_159.0), (24, 128, 38, 271_828_182.0)] {
        let points: Vec<f64> = (1..200).map(|i| f64::from(i) * step).collect();
        let off = |x: f64| x / 2f64.powi(bits);
        let answers = |call| {
            let mut row = rows().remove(0);
            (row.call, row.modules) = (call, "use std::trigonometry;");
            points.iter().copied().zip(row.answers(&points, f, k))
        };
        let waves: [(&str, Exact); 2] = [("sin", f64::sin), ("cos", f64::cos)];
        for (call, (name, exact)) in ["trigonometry::sin(#)", "trigonometry::cos(#)"]
            .into_iter()
            .zip(waves)
        {
            for (x, y) in answers(call) {
                let most = 3.0 * unit(f) + off(x);
                assert!((y - exact(x)).abs() <= most, "{f}: {name}({x}): {y}");
            }
        }
        let mut tested = 0;
        for (x, y) in answers("trigonometry::tan(#)") {
            // Where no pole is near, the tangent lies between those of both ends.
            let most = off(x) + 8.0 * unit(f);
            if x.cos().abs() < 4.0 * most {
                continue;
            }
            tested += 1;
            let (low, high) = ((x - most).tan(), (x + most).tan());
            assert!(
                low <= y && y <= high,
                "{f}: tan({x}): {y}, not in {low} to {high}"
            );
        }
        assert!(tested > 100, "{f}: {tested}");
    }
}
