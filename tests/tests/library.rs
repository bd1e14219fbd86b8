//! The embedded library fits the grammar.

use std::ops::RangeInclusive;

use smpc_grammar::ast::{FileId, ItemKind};
use smpc_grammar::parse;
use smpc_tests::case::Case;
use smpc_tests::pipeline::{Start, checked, differences, start};
use smpc_tests::run::{Backend, run};

#[test]
fn every_module_parses() {
    for module in smpc_stdlib::modules() {
        let parsed = parse(FileId(0), module.text);
        if let Some(error) = parsed.diagnostics.first() {
            let line = module.text[..error.span.start as usize].lines().count();
            panic!("{}:{line}: {} {}", module.path, error.code, error.message);
        }
    }
}

#[test]
fn every_program_parses() {
    for (name, text) in smpc_tests::programs() {
        let parsed = parse(FileId(0), &text);
        if let Some(error) = parsed.diagnostics.first() {
            let line = text[..error.span.start as usize].lines().count();
            panic!("{name}:{line}: {} {}", error.code, error.message);
        }
    }
}

#[test]
fn every_example_of_the_reference_parses() {
    let blocks = smpc_tests::reference_blocks();
    assert!(blocks.len() > 10, "the reference has examples");
    for block in blocks {
        let parsed = parse(FileId(0), &block.text);
        if let Some(error) = parsed.diagnostics.first() {
            let line = block.line + block.text[..error.span.start as usize].lines().count();
            panic!("docs/language.md:{line}: {} {}", error.code, error.message);
        }
    }
}

/// The numbers of arguments of the calls of `name` in a text: what its parentheses hold, parted by commas outside of brackets.
fn calls(text: &str, name: &str) -> Vec<usize> {
    let mut found = vec![];
    for (at, _) in text.match_indices(&format!("{name}(")) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '.') {
            continue;
        }
        let (mut depth, mut commas, mut empty) = (1, 0, true);
        for c in text[at + name.len() + 1..].chars() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 1 => commas += 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            empty &= c.is_whitespace();
        }
        found.push(if empty { 0 } else { commas + 1 });
    }
    found
}

/// The public functions of a module that none of its `test` blocks calls, each with the numbers of arguments that it takes.
fn untested(text: &str) -> Vec<(String, RangeInclusive<usize>)> {
    let parsed = parse(FileId(0), text);
    let mut tests = String::new();
    let mut functions = vec![];
    for item in &parsed.module.items {
        match &item.kind {
            ItemKind::Test(_) => {
                let lines = text[item.span.start as usize..item.span.end as usize].lines();
                for line in lines {
                    tests += line.split("//").next().unwrap_or(line);
                    tests.push('\n');
                }
            }
            ItemKind::Fn(function) if item.public => {
                let groups = &function.params;
                let count = |all: bool| {
                    let taken = groups.iter().filter(|g| all || g.default.is_none());
                    taken.map(|g| g.names.len()).sum::<usize>()
                };
                functions.push((function.name.name.clone(), count(false)..=count(true)));
            }
            ItemKind::Approx(approx) if item.public => {
                functions.push((approx.name.name.clone(), 1..=1))
            }
            _ => {}
        }
    }
    functions.retain(|(name, takes)| !calls(&tests, name).iter().any(|n| takes.contains(n)));
    functions
}

#[test]
fn every_public_function_is_called_by_a_test_of_its_module() {
    for module in smpc_stdlib::modules() {
        let missing = untested(module.text);
        assert!(
            missing.is_empty(),
            "{}: no test calls {missing:?}",
            module.path
        );
    }
}

#[test]
fn a_function_without_a_test_is_found() {
    let text = "
        pub fn f(x: int) -> int { x }
        pub fn f(x: int, y: int, z: int = 1) -> int { g(x) + y + z }
        pub fn g(x: int) -> int { f(x) }
        fn own(x: int) -> int { x }
        test \"one\" {
            expect(f(share [1, 2]), [1, 2]);              // g(3)
            expect(self::g(f(2)) + of_g(2), 1);
        }
    ";
    assert_eq!(
        untested(text),
        [("f".to_owned(), 2..=3), ("g".to_owned(), 1..=1)]
    );
}

/// A variance of one value would divide by zero inside of the library.
#[test]
fn a_test_of_one_value_is_refused_by_an_assertion() {
    let text = "use std::statistics; party alice; input x: [fix; n] from alice; input y: [fix; m] from alice;
        let (t, freedom) = statistics::t_test(share x, share y);
        reveal [t, freedom] as found; leaks n, m, found to all;";
    let program = checked(text, &Case::default()).unwrap_or_else(|e| panic!("{e}"));
    let bound = Backend::new("plain", &[]).bind().expect("plain binds");
    let outcome = |n: usize| {
        let value = |i: usize| i128::try_from(i * i).expect("small") << 64;
        let input = |n: usize| (vec![n], (0..n).map(value).collect());
        let start = Start {
            sizes: vec![i128::try_from(n).expect("small"), 3],
            params: vec![],
            inputs: vec![input(n), input(3)],
        };
        run(&program, &start, &bound, 1)
    };
    let error = outcome(1).map(|run| run.answers).expect_err("one value");
    assert!(error.contains("asserts"), "{error}");
    assert!(outcome(2).is_ok());
}

/// Public arguments outside of what functions take: an error where they are known, and otherwise one of the run.
#[test]
fn wrong_public_arguments_are_refused() {
    let text = |ty: &str, call: &str| {
        let sizes = if ty == "n" { "n, " } else { "" };
        format!(
            "use std::order; party alice; input x: [int; {ty}] from alice; param k: int = 4; let s = share x;
             reveal {call} as y; leaks {sizes}y to all;"
        )
    };
    let check = |ty, call| checked(&text(ty, call), &Case::default());
    for (call, right) in [
        ("order::top(s, 4)", "order::top(s, 3)"),
        ("remainder(s, 0)", "remainder(s, -1)"),
        ("remainder(s, 1 << 60)", "remainder(s, 1 << 59)"),
    ] {
        let refused = check("3", call).expect_err(call);
        assert!(refused.contains("D04"), "{call}: {refused}");
        check("3", right).unwrap_or_else(|e| panic!("{right}: {e}"));
    }
    let bound = Backend::new("plain", &[]).bind().expect("plain binds");
    for (call, k, holds) in [
        ("order::top(s, k)", 4, false),
        ("order::top(s, k)", 3, true),
        ("remainder(s, k)", 0, false),
        ("remainder(s, k)", -5, true),
    ] {
        let program = check("n", call).unwrap_or_else(|e| panic!("{call}: {e}"));
        let start = Start {
            // k is a size, too
            sizes: vec![3, k],
            params: vec![k],
            inputs: vec![(vec![3], vec![7, 2, 9])],
        };
        let outcome = run(&program, &start, &bound, 1).map(|run| run.answers);
        let asserted = outcome
            .as_ref()
            .err()
            .is_some_and(|e| e.contains("asserts"));
        assert_eq!(
            (outcome.is_ok(), asserted),
            (holds, !holds),
            "{call}: {outcome:?}"
        );
    }
}

/// Windows and kernels larger than an image would give an empty one.
#[test]
fn windows_larger_than_an_image_are_refused() {
    for (call, right) in [
        ("nn::max_pool(x, 3)", "nn::max_pool(x, 2)"),
        ("nn::average_pool(x, 3)", "nn::average_pool(x, 2)"),
        (
            "nn::conv2d(x, k, b, stride: 2)",
            "nn::conv2d(x, k, b, stride: 2, pad: 1)",
        ),
    ] {
        let check = |call| {
            let text = format!(
                "use std::nn; party alice; input a: [fix; 1, 1, 2, 2] from alice; input e: [fix; 1, 1, 4, 4] from alice;
                 let (x, k, b) = (share a, share e, share e[0, 0, 0, 0..1]); reveal {call} as y; leaks y to all;"
            );
            checked(&text, &Case::default())
        };
        let refused = check(call).expect_err(call);
        assert!(refused.contains("D04"), "{call}: {refused}");
        check(right).unwrap_or_else(|e| panic!("{right}: {e}"));
    }
}

/// A polynomial with one coefficient, whose number only the inputs tell: its powers are a prefix tree over nothing.
#[test]
fn a_polynomial_of_one_coefficient_is_constant() {
    let text = "party alice; input t: [fix; n] from alice; input c: [fix; m] from alice;
        reveal poly(share t, c) as y; leaks n, m, y to all;"
        .replace(
            "poly(share t, c)",
            "[poly(share t[i], share c) for i in 0..n]",
        );
    let program = checked(&text, &Case::default()).unwrap_or_else(|e| panic!("{e}"));
    let bound = Backend::new("rep3", &[]).bind().expect("rep3 binds");
    for m in 1..4usize {
        let fixed =
            |values: &[i128]| (vec![values.len()], values.iter().map(|v| v << 64).collect());
        let start = Start {
            sizes: vec![2, i128::try_from(m).expect("small")],
            params: vec![],
            inputs: vec![fixed(&[2, -3]), fixed(&[5, 1, 1][..m])],
        };
        let run = run(&program, &start, &bound, 1).unwrap_or_else(|e| panic!("{m}: {e}"));
        let expected = [[5.0, 5.0], [7.0, 2.0], [11.0, 11.0]][m - 1];
        let found = &run.answers["y"];
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(y, e)| (y - e).abs() < 1e-3),
            "{m}: {found:?}"
        );
        assert_eq!(run.counted, run.predicted, "{m}");
    }
}

/// Values of a few hundred units of 2^-16, by functions that are declared with `fix`.
#[test]
fn functions_of_fix_keep_24_fraction_bits() {
    let text = "// given alice/x [4]: 0.0041 0.0092 0.0153 0.002
        // given alice/y [6]: 0.00715 0.0148 0.02395 0.004 0.003 0.022
        // expect deviation: 0.00513444 within 0.0000005
        // expect variance: 0.00002636 within 0.0000003
        // expect tested: -1.0141683 7.9951742 within 0.0002
        // expect chances: 0.24911079 0.2503845 0.25191651 0.2485882 within 0.0000005
        // expect centre: 0.00765 within 0.0000005
        // expect solved: 1 2 within 0.000002
        use std::kmeans; use std::linear; use std::nn; use std::statistics;
        party alice; input x: [fix<24>; n] from alice; input y: [fix<24>; m] from alice;
        let (a, b) = (share x, share y);
        reveal statistics::deviation(a) as deviation;
        reveal variance(a) as variance;
        let (t, freedom) = statistics::t_test(a, b);
        reveal [t, freedom] as tested;
        reveal nn::softmax(a) as chances;
        reveal kmeans::step([[a[i]] for i in 0..n], [[a[0]]])[0] as centre;
        let z = 0 * a[0];
        reveal linear::solve([[4 + z, 2 + z], [2 + z, 5 + z]], [8 + z, 12 + z]) as solved;
        leaks n, m, deviation, variance, tested, chances, centre, solved to all;";
    let text = text.replace("\n        ", "\n");
    let case = Case::read(&text);
    let program = checked(&text, &case).unwrap_or_else(|e| panic!("{e}"));
    let begin = start(&program, &case).unwrap_or_else(|e| panic!("{e}"));
    let bound = Backend::new("plain", &[("k", 128)])
        .bind()
        .expect("plain binds");
    let answers = run(&program, &begin, &bound, 1)
        .unwrap_or_else(|e| panic!("{e}"))
        .answers;
    let wrong = differences(&case.expected, &answers);
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Where scales of squares are secret: fraction bits from 17 on take 128 bits, and a shift by 62.
#[test]
fn squares_in_units_keep_more_than_16_fraction_bits() {
    for bits in [17, 18, 20, 24, 31, 32] {
        let text = "// given alice/x [1,2]: 1 3
            // given alice/v [2]: 1 6.25
            // given alice/c [2,2]: 10 20 20 10
            // expect normal: 0.499975 1.0999912 within 0.0001
            // expect shift: -0.499975 -0.0999992 within 0.0001
            // expect squared: 6.6666667 within 0.0002
            // expect largest: 2500000000000000000 4500000000000000000 within 100000000000000
            use std::nn; use std::scale; use std::statistics;
            party alice; input x: [fix<F>; 1, 2] from alice; input v: [fix<F>; 2] from alice; input c: [fix<F>; 2, 2] from alice;
            let (one, h) = (0 * share v + 1, [0.5, 0.25] + 0 * share v);
            reveal nn::batch_norm(share x, one, 0 * one, h, share v)[0] as normal;
            reveal nn::fold(reshape(one, 2, 1, 1, 1), 0 * one, one, 0 * one, h, share v).1 as shift;
            reveal statistics::chi_squared(share c) as squared;
            let great = [2500000000000000000.0, 4500000000000000000.0] + 0 * one;
            reveal [scale::down_square(scale::up_square(great[i], scale::unit_of_square(great[i])), scale::unit_of_square(great[i]))
                for i in 0..2] as largest;
            leaks normal, shift, squared, largest to all;"
            .replace("\n            ", "\n")
            .replace("<F>", &format!("<{bits}>"));
        let case = Case::read(&text);
        let program = checked(&text, &case).unwrap_or_else(|e| panic!("{bits}: {e}"));
        let begin = start(&program, &case).unwrap_or_else(|e| panic!("{bits}: {e}"));
        let bound = Backend::new("plain", &[("k", 128)])
            .bind()
            .expect("plain binds");
        let answers = run(&program, &begin, &bound, 1)
            .unwrap_or_else(|e| panic!("{bits}: {e}"))
            .answers;
        let wrong = differences(&case.expected, &answers);
        assert!(wrong.is_empty(), "{bits}: {wrong:?}");
    }
}
