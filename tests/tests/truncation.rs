//! Which truncation products get: the script's own the mode that it chooses, the library's one that serves it.

use smpc_grammar::Sources;
use smpc_protocol::{Bound, Library};
use smpc_tests::case::Case;
use smpc_tests::pipeline::{Start, checked, differences, start};
use smpc_tests::run::{Backend, Run, Traffic, run};

fn bound(scheme: &str, args: &[(String, i128)], mode: &str) -> Bound {
    let mut sources = Sources::new();
    let library = Library::standard(&mut sources);
    let bound = library.bind(scheme, args, Some(mode));
    bound.unwrap_or_else(|errors| panic!("{scheme}: {errors:?}"))
}

/// A run that reveals an expression of `x`.
fn revealed(items: &str, expression: &str, values: &[f64], bound: &Bound) -> Result<Run, String> {
    let text = format!(
        "use std::activation; use std::statistics;\n{items}\nparty alice;\ninput a: [fix; n] from alice;\n\
         let x = share a;\nreveal {expression} as y;\nleaks n, y to all;\n"
    );
    let program = checked(&text, &Case::default())?;
    let unit = 2f64.powi(64);
    let start = Start {
        sizes: vec![values.len() as i128],
        params: vec![],
        inputs: vec![(
            vec![values.len()],
            values.iter().map(|v| (v * unit) as i128).collect(),
        )],
    };
    run(&program, &start, bound, 1)
}

/// Of a quarter to a thousandth of their arguments these were off by thousands, when their products were truncated locally.
#[test]
fn the_library_is_right_where_a_script_truncates_locally() {
    type Function = fn(f64) -> f64;
    let functions: [(&str, &str, Function, f64); 6] = [
        ("", "exp(x)", f64::exp, 4e-6),
        ("", "sqrt(x + 64.0)", |x| (x + 64.0).sqrt(), 1e-6),
        ("", "ln(x + 64.0)", |x| (x + 64.0).ln(), 0.0),
        ("", "1.0 / (x + 64.0)", |x| 1.0 / (x + 64.0), 0.0),
        (
            "",
            "activation::sigmoid(x)",
            |x| 1.0 / (1.0 + (-x).exp()),
            0.0,
        ),
        (
            "approx logistic(t: fix) = 1 / (1 + exp(-t)) on -16..16 pieces 16 degree 5 outside clamp;",
            "logistic(x)",
            |x| 1.0 / (1.0 + (-x).exp()),
            0.0,
        ),
    ];
    let x: Vec<f64> = (0..1000).map(|i| f64::from(i - 500) / 32.0).collect();
    for scheme in ["rep3", "additive", "aby", "astra", "securenn"] {
        let bound = bound(scheme, &[], "local");
        for (items, call, exact, relative) in functions {
            let run = revealed(items, call, &x, &bound).unwrap_or_else(|e| panic!("{call}: {e}"));
            for (x, y) in x.iter().zip(&run.answers["y"]) {
                let exact = exact(*x);
                let off = (y - exact).abs();
                assert!(
                    off <= 1e-4 + relative * exact,
                    "{scheme}: {call} of {x}: {y}, not {exact}"
                );
            }
        }
    }
}

/// A script's own products are as cheap as the mode that it chooses; a function of the library costs the same in both.
#[test]
fn the_mode_counts_for_the_products_of_the_script() {
    let (local, one_unit) = (bound("rep3", &[], "local"), bound("rep3", &[], "one_unit"));
    let cost = |expression: &str, bound: &Bound| {
        let run = revealed("", expression, &[0.5, 1.5, -2.0], bound);
        run.expect("it runs").counted
    };
    for own in ["x * x", "dot(x, x)", "0.1 * x"] {
        let (cheap, dear) = (cost(own, &local), cost(own, &one_unit));
        let bytes = |t: &Traffic| t.bytes.iter().sum::<i128>();
        assert!(bytes(&cheap) < bytes(&dear), "{own}: {}", bytes(&cheap));
        assert!(
            cheap.rounds <= dear.rounds,
            "{own}: {} rounds",
            cheap.rounds
        );
    }
    for library in ["exp(x)", "variance(x)", "mean(x)", "activation::sigmoid(x)"] {
        assert_eq!(cost(library, &local), cost(library, &one_unit), "{library}");
    }
    // A product that the library has, too, is as the library needs it.
    let same = "use std::nn;\nfn same(x: [fix; 3]) -> [fix; 1, 1] {\n\
                let (row, column) = (reshape(x, 1, 3), reshape(x, 3, 1));\n\
                let own = row @ column;\nown + nn::dense(row, column, zeros(1))\n}";
    let [cheap, dear] = [&local, &one_unit].map(|bound| {
        let run = revealed(same, "same(x)", &[0.5, 1.5, -2.0], bound).expect("it runs");
        assert!((run.answers["y"][0] - 13.0).abs() < 1e-4);
        run.counted
    });
    assert_eq!(cheap, dear);
}

/// Below 64 bits constants and products of the library would lose their upper bits.
#[test]
fn small_rings_are_refused_by_what_works_on_raw_integers() {
    let own = "approx e(t: fix) = exp(t) on 0..1 degree 5 outside clamp;";
    for k in [32, 48, 63] {
        let small = bound("rep3", &[("k".into(), k)], "one_unit");
        for call in ["activation::sigmoid(x)", "variance(x)", "mean(x)", "e(x)"] {
            let error = revealed(own, call, &[0.5, 1.5], &small).expect_err(call);
            assert!(error.starts_with("P20"), "{call}: {error}");
            assert!(error.contains("integers of 64 bits"), "{call}: {error}");
            assert!(error.contains("`k: 64`"), "{call}: {error}");
        }
    }
    // What the script multiplies itself has the headroom that is left.
    let small = bound("rep3", &[("k".into(), 48)], "one_unit");
    let run = revealed("", "dot(x, x)", &[0.5, 1.5], &small).expect("it runs");
    assert!((run.answers["y"][0] - 2.5).abs() < 1e-4);
}

/// What is clear is computed in integers of 64 bits, and meets shares as they would have it.
#[test]
fn what_is_clear_is_right_in_small_rings() {
    let programs = smpc_tests::programs();
    let (_, text) = programs
        .iter()
        .find(|(name, _)| name == "clear")
        .expect("it is there");
    let case = Case::read(text);
    let program = checked(text, &case).expect("it checks");
    let start = start(&program, &case).expect("inputs");
    let rings = [32, 48, 60, 61, 62, 63].map(|k| ("additive", k));
    for (scheme, k) in rings
        .into_iter()
        .chain([("rep3", 60), ("gmw", 60), ("plain", 33)])
    {
        let small = bound(scheme, &[("k".into(), k)], "one_unit");
        let found =
            run(&program, &start, &small, 1).unwrap_or_else(|e| panic!("{scheme}, {k}: {e}"));
        let wrong = differences(&case.expected, &found.answers);
        assert!(wrong.is_empty(), "{scheme}, {k}: {wrong:?}");
    }
    // A script's own clear integers wrap around as shares do, those of the library where they meet a script's.
    let text = "party alice;\ninput a: [int; n] from alice;\n\
                let x = a * a;\nlet most = max(sum(x), x[0]);\n\
                reveal share x as own;\nreveal (share a) * share a as shared;\n\
                reveal share (most + 0) as clear;\nreveal max(sum(share x), share x[0]) as secret;\n\
                let turned = -a;\nlet size = abs(a);\n\
                reveal share sign(turned) as mine;\nreveal sign(-share a) as theirs;\n\
                reveal share size as far;\nreveal abs(share a) as away;\n\
                leaks n, own, shared, clear, secret, mine, theirs, far, away to all;\n";
    let program = checked(text, &Case::default()).expect("it checks");
    for value in [1 << 18, 3 << 15, (1 << 16) - 1, -1 << 31] {
        let start = Start {
            sizes: vec![2],
            params: vec![],
            inputs: vec![(vec![2], vec![value, value + 1])],
        };
        let small = bound("rep3", &[("k".into(), 32)], "one_unit");
        let answers = run(&program, &start, &small, 1).expect("it runs").answers;
        assert_eq!(answers["own"], answers["shared"], "{value}");
        assert_eq!(answers["clear"], answers["secret"], "{value}");
        assert_eq!(answers["mine"], answers["theirs"], "{value}");
        assert_eq!(answers["far"], answers["away"], "{value}");
    }
}

/// The library's functions of more than 16 fraction bits take as many bits of what is clear as of what is secret.
#[test]
fn clear_numbers_with_many_fraction_bits_are_refused_as_secrets_are() {
    let text = |value: &str| {
        format!(
            "use std::fine;\nparty alice;\ninput a: [fix<24>; n] from alice;\n\
             reveal share floor(fine::log2({value})[0]) as y;\nleaks n, y to all;\n"
        )
    };
    let start = Start {
        sizes: vec![1],
        params: vec![],
        inputs: vec![(vec![1], vec![9 << 64])],
    };
    for value in ["a", "share a"] {
        let program = checked(&text(value), &Case::default()).expect("it checks");
        let error = run(&program, &start, &bound("rep3", &[], "one_unit"), 1).expect_err(value);
        assert!(
            error.contains("the backend's integers have 64 bits, not 128"),
            "{value}: {error}"
        );
        let wide = bound("rep3", &[("k".into(), 128)], "one_unit");
        let found = run(&program, &start, &wide, 1).expect("it runs");
        assert_eq!(found.answers["y"], [3.0], "{value}");
    }
}

/// A scheme that truncates locally and in no other way has nothing for the library.
#[test]
fn a_scheme_with_local_truncation_alone_is_refused_by_the_library() {
    let two = include_str!("../user_scheme/two.smpc");
    let local = two
        .replace("    trunc one_unit;", "    trunc local;")
        .replace(
            "realises trunc(x, f) mode one_unit",
            "realises trunc(x, f) mode local",
        );
    let bound = Backend::written(&local).bind().expect("it binds");
    let run = revealed("", "x * x", &[0.5, 1.5], &bound).expect("its own products run");
    assert!((run.answers["y"][1] - 2.25).abs() < 1e-4);
    for call in ["exp(x)", "activation::sigmoid(x)", "(x[0] as int)"] {
        let error = revealed("", call, &[0.5, 1.5], &bound).expect_err(call);
        assert!(error.starts_with("P20"), "{call}: {error}");
    }
}
