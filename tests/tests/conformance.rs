//! Every conformance program under every backend that can run it: the same answers everywhere,
//! and the answers of exact arithmetic; and rounds, messages and bytes are what the formulas say.

use smpc_tests::case::Case;
use smpc_tests::pipeline::{checked, differences, shadow, start};
use smpc_tests::run::{Backend, lacking, run};

/// Runs every program; the failures, one line each.
fn failures(backend: &Backend) -> Vec<String> {
    sweep(backend, false).1
}

/// Runs every program, if `partial` only those for which the scheme lacks nothing: the names of those
/// that ran, and the failures.
fn sweep(backend: &Backend, partial: bool) -> (Vec<String>, Vec<String>) {
    chosen_sweep(backend, partial, &|_, _| true)
}

/// The same for programs chosen by name and text.
fn chosen_sweep(
    backend: &Backend,
    partial: bool,
    chosen: &dyn Fn(&str, &str) -> bool,
) -> (Vec<String>, Vec<String>) {
    let bound = match backend.bind() {
        Ok(bound) => bound,
        Err(error) => return (Vec::new(), vec![format!("the backend: {error}")]),
    };
    let (mut ran, mut failed) = (Vec::new(), Vec::new());
    for (name, text) in smpc_tests::programs() {
        if !chosen(&name, &text) {
            continue;
        }
        let case = Case::read(&text);
        let program = checked(&text, &case);
        if let (true, Ok(program)) = (partial, &program)
            && lacking(program, &bound).is_some()
        {
            continue;
        }
        ran.push(name.clone());
        let result = program.and_then(|program| {
            let start = start(&program, &case)?;
            let run = run(&program, &start, &bound, 7)?;
            let answers = run.answers;
            let mut wrong = differences(&case.expected, &answers);
            if run.counted != run.predicted {
                let (counted, predicted) = (run.counted, run.predicted);
                wrong.push(format!("counted {counted:?}, predicted {predicted:?}"));
            }
            // The shadow neither permutes nor draws: then only the expectations tell.
            if !text.contains("shuffle") && !text.contains("<-") {
                let exact = shadow(&program, &start)?;
                for expected in &case.expected {
                    let (Some(a), Some(b)) =
                        (answers.get(&expected.name), exact.get(&expected.name))
                    else {
                        continue;
                    };
                    let tolerance = |v: &f64| {
                        if expected.within == 0.0 {
                            0.0
                        } else {
                            2f64.powi(-8).max(expected.within) + v.abs() * 2f64.powi(-12)
                        }
                    };
                    if a.len() != b.len()
                        || a.iter().zip(b).any(|(a, b)| (a - b).abs() > tolerance(b))
                    {
                        wrong.push(format!("{}: {a:?}, exactly {b:?}", expected.name));
                    }
                }
            }
            Ok(wrong)
        });
        match result {
            Ok(wrong) => failed.extend(wrong.iter().map(|w| format!("{name}: {w}"))),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    (ran, failed)
}

macro_rules! under {
    ($($test:ident: $name:literal, $args:expr;)*) => {
        $(#[test]
        fn $test() {
            let failed = failures(&Backend::new($name, $args));
            assert!(failed.is_empty(), "{} failures\n{}", failed.len(), failed.join("\n"));
        })*
    };
}

under! {
    plain_64: "plain", &[("k", 64)];
    plain_128: "plain", &[("k", 128)];
    rep3_64: "rep3", &[("k", 64)];
    rep3_128: "rep3", &[("k", 128)];
    additive_2: "additive", &[("n", 2), ("k", 64)];
    additive_3: "additive", &[("n", 3), ("k", 64)];
    additive_5: "additive", &[("n", 5), ("k", 64)];
    additive_2_128: "additive", &[("n", 2), ("k", 128)];
    fantastic4_64: "fantastic4", &[("k", 64)];
    securenn_64: "securenn", &[("k", 64)];
    astra_64: "astra", &[("k", 64)];
    aby_64: "aby", &[("k", 64)];
    aby_128: "aby", &[("k", 128)];
}

/// Programs of integers, products, reveals and shuffles: what a scheme over a field provides.
const OF_INTEGERS: [&str; 12] = [
    "asserted",
    "clear",
    "int_arithmetic",
    "integers",
    "known_control",
    "matmul_int",
    "orders",
    "parameters",
    "shared_constant",
    "shuffle_linked",
    "triangles",
    "while_revealed",
];

#[test]
fn shamir_runs_what_needs_no_comparison() {
    for (n, p) in [(3, (1 << 61) - 1), (5, i128::MAX), (7, (1 << 61) - 1)] {
        let (ran, failed) = sweep(&Backend::new("shamir", &[("n", n), ("p", p)]), true);
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert_eq!(ran, OF_INTEGERS, "{n} parties");
    }
}

/// Schemes against parties that lie, without comparisons.
#[test]
fn active_security_runs_what_needs_no_comparison() {
    let m61 = (1 << 61) - 1;
    for (name, args) in [
        ("rep3_malicious", vec![("p", m61)]),
        ("rep3_malicious_ring", vec![]),
        ("rep3_malicious_ring", vec![("k", 48), ("s", 40)]),
        ("spdz", vec![("n", 2), ("p", i128::MAX)]),
        ("spdz", vec![("n", 3), ("p", m61)]),
        ("spdz2k", vec![("n", 2)]),
        ("spdz2k", vec![("n", 3), ("k", 48), ("s", 40)]),
    ] {
        let (ran, failed) = sweep(&Backend::new(name, &args), true);
        assert!(failed.is_empty(), "{name}: {}", failed.join("\n"));
        assert_eq!(ran, OF_INTEGERS, "{name}");
    }
}

/// Numbers by their bits. Fixed point, whose functions are thousands of products, is tried by a few programs.
#[test]
fn circuits_run_integers_and_bools() {
    let fixed = ["bools", "casts", "dot_fix", "fix_arithmetic", "raw"];
    let chosen = |name: &str, text: &str| !text.contains("fix") || fixed.contains(&name);
    for n in [2, 3] {
        let (ran, failed) = chosen_sweep(&Backend::new("gmw", &[("n", n)]), false, &chosen);
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(ran.len() > 24, "{n} parties: {ran:?}");
    }
}

/// Without its protocol `mul` the scheme multiplies by `mul_king`.
#[test]
fn a_king_gives_the_same_answers() {
    let path = smpc_tests::root().join("stdlib/schemes/shamir.smpc");
    let text = std::fs::read_to_string(path).expect("the scheme");
    let start = text.find("protocol mul(").expect("a protocol");
    let end = start + text[start..].find("\n}\n").expect("its end") + 3;
    for n in [3, 4, 5] {
        let text = format!("{}{}", &text[..start], &text[end..]);
        let text = text.replace("n: int = 3", &format!("n: int = {n}"));
        let (ran, failed) = sweep(&Backend::written(&text), true);
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert_eq!(ran, OF_INTEGERS, "{n} parties");
    }
}
