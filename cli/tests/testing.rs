//! `smpc test`: tests beside what they test.

mod common;

use common::{folder, json, smpc, write};

const SCRIPT: &str = "\
party alice;
input a: int from alice;
reveal share a as x;
leaks x to all;

/// x x.
fn sq(x: num) -> num { x * x }

test \"squares\" {
    expect(sq(share [3, -4]), [9, 16]);
    for i in 0..3 { expect(sq(share i), i * i); }
    expect(sq(share 0.3), 0.09);
}

test \"a wrong one\" {
    expect(sq(share [3, 4, 5]), [9, 17, 25]);
    expect(sq(share 1.5), 2.0, within: 0.125);
}
";

#[test]
fn what_differs_is_shown_with_its_place() {
    let base = folder("testing");
    write(&base, "s.smpc", SCRIPT);
    let ran = smpc(
        &base,
        &["test", "s.smpc", "--scheme", "plain", "--scheme", "rep3"],
    );
    assert_eq!(ran.code, 1, "{}", ran.err);
    let out = ran.out;
    assert!(out.contains("squares: ok under plain, rep3"), "{out}");
    let wrong = "FAILED under plain, rep3 at s.smpc:16: expect(sq(share [3, 4, 5]), [9, 17, 25])\n      \
                 [1]: 16, expected 17\n";
    assert!(out.contains(wrong), "{out}");
    assert!(out.contains("2.25, expected 2 within 0.125"), "{out}");
    assert!(out.contains("2 ok, 2 failed, 0 skipped"), "{out}");
    // No distance is below 0.
    write(
        &base,
        "w.smpc",
        "test \"w\" { expect(share 1.5, [1.5, 1.5][0], within: -1.0); }",
    );
    let ran = smpc(&base, &["test", "w.smpc", "--scheme", "plain"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("`within` is below 0"), "{}", ran.out);
    // The script itself runs and checks as without tests.
    let checked = smpc(&base, &["check", "s.smpc"]);
    assert_eq!(checked.code, 0, "{}", checked.err);
}

/// What one test computed is nothing to the next one, whose values have the same numbers.
#[test]
fn tests_of_a_file_are_apart() {
    let base = folder("testing_apart");
    let script = "\
test \"rows\" { let x = share [[1, 2, 3], [4, 5, 6]]; expect(x.T + 0, [[1, 4], [2, 5], [3, 6]]); }
test \"a vector\" { let y = share [1, 2]; expect(y + share [3, 4], [4, 6]); }
test \"columns\" {
    let y = share [[10, 20], [30, 40]];
    let x = y + share [[1, 2], [3, 4]];
    expect(x.T, [[11, 33], [22, 44]]);
    expect(x.T.T, x);
}
";
    write(&base, "s.smpc", script);
    let ran = smpc(&base, &["test", "s.smpc", "--scheme", "plain"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("3 ok, 0 failed"), "{}", ran.out);
}

#[test]
fn a_filter_and_a_document() {
    let base = folder("testing_filter");
    write(&base, "s.smpc", SCRIPT);
    let ran = smpc(&base, &["test", "s.smpc", "--filter", "squares", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let found = json(&ran);
    let entry = |scheme: &str| {
        let list = found["tests"].as_array().expect("a list");
        list.iter()
            .find(|e| e["scheme"] == scheme)
            .cloned()
            .expect("every scheme is told")
    };
    assert_eq!(found["failed"], 0);
    assert_eq!(entry("rep3")["result"], "ok");
    assert!(entry("rep3")["rounds"].as_u64() > Some(1));
    // Its numbers are field elements, and fixed point is not carried.
    assert_eq!(entry("shamir")["result"], "skipped");
    assert!(
        entry("shamir")["reason"]
            .as_str()
            .is_some_and(|r| !r.is_empty())
    );
    assert_eq!(
        smpc(&base, &["test", "s.smpc", "--filter", "nothing"]).code,
        2
    );
    assert_eq!(smpc(&base, &["test"]).code, 2);
    assert_eq!(smpc(&base, &["test", "std::no_such_module"]).code, 2);
}

/// Tests run with the parameters and sizes that are given; what no file has, or is no value, is refused.
#[test]
fn parameters_are_those_that_are_given() {
    let base = folder("testing_set");
    let script = "\
param k: int;
param r: fix = 0.5;
party shop[m];
fn times(x: num) -> num { x * k }
test \"whole\" { expect(times(share 2), 10); expect(k, 5); }
test \"rate\" { expect(times(share r), 1.25); expect(sum(share ones(k)), 5); }
test \"rows\" { expect(share ones(k), [1, 1, 1, 1, 1]); }
test \"members\" { expect(sum(1 for shop[i]), 4); }
";
    write(&base, "s.smpc", script);
    write(&base, "other.smpc", "test \"none\" { expect(1, 1); }\n");
    let test = |more: &[&str]| {
        let all = [
            "test",
            "s.smpc",
            "other.smpc",
            "--scheme",
            "plain",
            "--scheme",
            "rep3",
        ];
        smpc(&base, &[all.as_slice(), more].concat())
    };
    let ran = test(&["--set", "k=5", "--set", "r=0.25", "--set", "m=4"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("10 ok, 0 failed"), "{}", ran.out);
    // With other values the same tests fail, none passes by a default.
    let ran = test(&["--set", "k=4", "--set", "m=3"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("2 ok, 8 failed"), "{}", ran.out);
    assert!(ran.out.contains("8, expected 10"), "{}", ran.out);
    assert!(ran.out.contains("2, expected 1.25"), "{}", ran.out);
    assert!(ran.out.contains("sizes disagree: k is 4"), "{}", ran.out);
    let ran = test(&["--filter", "whole"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.out
            .contains("parameter `k` has no value: give one: `--set k=...`"),
        "{}",
        ran.out
    );
    for (set, said) in [
        (vec!["z=3"], "no parameter `z`"),
        (vec!["k=many"], "`--set k=many`"),
        (vec!["k=1", "k=2"], "given twice"),
        (
            vec!["k=5", "m=none"],
            "`--set m=none`: no number of parties",
        ),
    ] {
        let given: Vec<&str> = set.iter().flat_map(|one| ["--set", one]).collect();
        let ran = test(&given);
        assert!(ran.code > 1, "{set:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("error[I13]"), "{set:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{set:?}: {}", ran.err);
    }
}

#[test]
fn what_is_no_test_is_an_error_of_the_script() {
    let base = folder("testing_errors");
    let cases = [
        ("test \"a\" { let x = share 2; }", "error[T01]"),
        (
            "test \"a\" { expect(share 2, 2); }\ntest \"a\" { expect(share 2, 2); }",
            "error[N02]",
        ),
        (
            "test \"a\" { expect(share [1, 2], [1, 2, 3]); }",
            "error[D01]",
        ),
        ("test \"a\" { expect(share 2); }", "error[T01]"),
        ("test \"a\" { expect(1, 2, 3); }", "error[T02]"),
        (
            "test \"a\" { if secret share true { expect(1, 1); } else { } }",
            "error[K17]",
        ),
        (
            "fn f(x: int) -> int { expect(x, 1); x }\ntest \"a\" { expect(f(1), 1); }",
            "error[T01]",
        ),
    ];
    for (text, code) in cases {
        write(&base, "s.smpc", text);
        for command in ["test", "check"] {
            let ran = smpc(&base, &[command, "s.smpc"]);
            assert_eq!(ran.code, 1, "{command} {text}: {}", ran.out);
            assert!(ran.err.contains(code), "{command} {text}: {}", ran.err);
        }
    }
}

/// An argument outside of the domain ends the run, at everybody and by its own code.
#[test]
fn an_assertion_ends_the_run() {
    let base = folder("testing_assert");
    let script = "party a; input x: [fix; n] from a;\n\
        approx g(t: fix) = 1 / t on 1..4 within 0.001 outside assert;\n\
        reveal g(share x) as y; leaks n, y, g_outside to all;\n\
        test \"inside\" { expect(g(share [1.0, 2.0, 4.0]), [1.0, 0.5, 0.25], within: 0.001); }\n\
        test \"outside\" { expect(g(share [2.0, 4.5]), [0.5, 0.0], within: 0.001); }\n";
    write(&base, "s.smpc", script);
    write(&base, "s/a/x.csv", "1.5\n3.75\n");
    let ran = smpc(&base, &["run", "s.smpc"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    write(&base, "s/a/x.csv", "1.5\n0.5\n");
    let ran = smpc(&base, &["run", "s.smpc"]);
    assert_eq!(ran.code, 4, "{}", ran.out);
    assert!(
        ran.err
            .contains("error[I34]: what the script asserts does not hold"),
        "{}",
        ran.err
    );
    let ran = smpc(&base, &["test", "s.smpc"]);
    assert!(
        ran.out.contains("outside: ok under no scheme"),
        "{}",
        ran.out
    );
    assert!(
        !ran.out.contains("inside: ok under no scheme"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("I34 what the script asserts"),
        "{}",
        ran.out
    );
    let ran = smpc(&base, &["approx", "s.smpc"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// Every function of the library does what its tests say, under replicated sharing and in plaintext; `smpc test --all`
/// runs them under every scheme.
#[test]
fn the_library_passes_its_tests() {
    let base = folder("testing_library");
    let ran = smpc(
        &base,
        &["test", "--all", "--scheme", "plain", "--scheme", "rep3"],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("skipped under"), "{}", ran.out);
}

/// A budget whose sum has params in it is compared in the run, before anything is revealed.
#[test]
fn a_budget_ends_the_run_that_would_exceed_it() {
    let base = folder("budget");
    let text = "party a, b;\nparam e: fix = 0.25;\ninput x: int from a;\n\
                budget epsilon <= 1.0;\n\
                for t in 0..3 { reveal share (x + t) to b as y spends e; }\n\
                leaks y to b for t in 0..3;\n";
    write(&base, "s.smpc", text);
    write(&base, "s/a/x.csv", "4\n");
    let ran = smpc(&base, &["run", "s.smpc"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = smpc(&base, &["run", "s.smpc", "--set", "e=0.4"]);
    assert_eq!(ran.code, 4, "{}", ran.out);
    assert!(ran.err.contains("error[I34]"), "{}", ran.err);
}
