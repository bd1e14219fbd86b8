//! What small rings and random operands need not show, and what is said of it.

use super::active::own;
use super::literature::{additive, found, word};
use crate::faithful::{Of, foreign, vanishes};
use crate::operands::Domains;
use crate::*;
use smpc_ir::flat::Protocols;

/// The verdict on the privacy of a protocol `p`, and on its result.
fn words(text: &str) -> (&'static str, &'static str) {
    let row = found(&additive(text), 2, "p");
    (word(&row), row.1.correct.word())
}

/// P[0] sends P[1] something of its operand and of a coin.
fn sent(m: &str) -> String {
    format!(
        "protocol p(x: Z[2^k] @ P[0]) -> v: Z[2^k] @ P[1] private {{\n\
         let r <- Z[2^k] @ P[0]; let m = {m}; P[0] -> P[1]: m; v = m; }}"
    )
}

/// P[0] sends P[1] something of its operand, of a public number and of a coin.
fn with_number(m: &str) -> String {
    format!(
        "protocol p(x: Z[2^k] @ P[0], f: int) -> z: A<Z[2^k]> ensures z == x private {{\n\
         let r <- Z[2^k] @ P[0]; let m = {m}; P[0] -> P[1]: m; z[1] = m; z[0] = x - m; }}"
    )
}

#[test]
fn a_polynomial_that_is_0_in_small_rings_is_none_at_full_width() {
    for m in [
        "x * (x - 1) * (x - 2) * (x - 3) * (x - 4) * (x - 5) * r",
        "(x*x*x*x*x*x - x*x*x*x) * r",
        "r * r * (x * (x + 1) * (x + 2) * (x + 3) * (x + 4) * (x + 5))",
        "(r >> 1) * (x * (x + 1) * (x + 2) * (x + 3) * (x + 4) * (x + 5))",
        "(x*x - x) * (x*x - x) * r",
        "(x*x*x*x - x*x) * r",
        "x * (x + 1) * (x + 2) * (x + 3) * r",
        // Whether x is from 4 to 18; 19 is 3 in a ring of four bits.
        "((3 < x) as Z[2^k]) * ((x < 19) as Z[2^k]) * r",
    ] {
        assert_eq!(words(&sent(m)).0, "LEAKS", "{m}");
    }
}

#[test]
fn rings_with_other_polynomials_constants_or_shifts_do_not_count() {
    let why = |m: &str, k: i128| {
        let text = additive(&sent(m));
        let bind = |k: i128| super::literature::bind(&text, 2, k);
        let problem = |bound| super::active::titled(&bound, "p");
        let (full, small) = (problem(bind(64)), problem(bind(k)));
        vanishes(&full, &small, Of::View(super::build::set(&[1]))).unwrap()
    };
    for (m, k, counts) in [
        ("x * r", 2, true),
        ("x * x * r", 2, true),
        ("2 * x * x * r", 2, false),
        ("2 * x * x * r", 3, true),
        ("(x*x - x) * (x*x - x) * r", 3, false),
        ("(x*x - x) * (x*x - x) * r", 4, true),
        ("x * (x - 1) * r * (r - 1)", 2, false),
        ("((x < 19) as Z[2^k]) * r", 4, false),
        ("((x < 19) as Z[2^k]) * r", 6, true),
        // As a signed number 19 has six bits.
        ("((x < 19) as Z[2^k]) * r", 5, false),
        ("(x + 19) * r", 5, true),
        ("((x >> 3) >> 3) * r", 4, false),
        ("((x >> 3) >> 3) * r", 8, true),
        ("(((8 * x) * 8 < x) as Z[2^k]) * r", 5, false),
        ("(((8 * x) * 8 < x) as Z[2^k]) * r", 7, true),
        // In a comparison degrees count, too.
        (
            "((x * (x - 1) * (x - 2) * (x - 3) == 0) as Z[2^k]) * r",
            3,
            false,
        ),
        (
            "((x * (x - 1) * (x - 2) * (x - 3) == 0) as Z[2^k]) * r",
            4,
            true,
        ),
        // What is a number of k is that of every ring.
        ("(2^(k-1) * x) * r", 3, true),
        ("((x < 2^(k-2)) as Z[2^k]) * r", 3, true),
    ] {
        let found = why(m, k);
        assert_eq!(found.is_none(), counts, "{m} in {k} bits: {found:?}");
    }
}

#[test]
fn results_that_tell_more_in_small_rings_exhaust_nothing() {
    let opened = |clauses: &str, value: &str| {
        format!(
            "protocol p(x, y: A<Z[2^k]>) -> v: Z[2^k] @ P requires fresh x requires fresh y {clauses} private {{\n\
             for each P[i] {{ P[i] -> P: x[i], y[i]; }}\n\
             let a = x[0] + x[1]; let b = y[0] + y[1]; v = {value}; }}"
        )
    };
    // Squares of small numbers are all different, and no two inputs are compared.
    for (clauses, value) in [
        (
            "requires 0 <= x < 2^(k-2) ensures v == x * x",
            "a * a + b - b",
        ),
        (
            "requires 0 <= x < 2^(k-2) ensures v == x * x * x",
            "a * a * a + b - b",
        ),
        (
            "requires 0 <= x < 2^(k-3) requires 0 <= y < 2^(k-3) ensures v == x + 3*y",
            "a + 3*b",
        ),
    ] {
        let (private, _) = words(&opened(clauses, value));
        assert!(
            ["LEAKS", "unknown"].contains(&private),
            "{clauses}: {private}"
        );
    }
    // Over a field x^7 is a bijection in which 7 is prime to q - 1.
    let shamir = include_str!("../../../stdlib/schemes/shamir.smpc");
    for (power, factors) in [(7, "a * a * a * a * a * a * a"), (3, "a * a * a")] {
        let text = format!(
            "{}\nprotocol p(x: Shamir<F, d>) -> v: F @ P requires fresh x ensures v == {} private {{\n\
             let a = reveal(x); v = {factors}; }}",
            shamir.replace("backend shamir(", "backend mine("),
            factors.replace('a', "x"),
        );
        let full = own(&text, &[("n", 3)]);
        let small: Vec<_> = [5, 11].map(|p| own(&text, &[("n", 3), ("p", p)])).into();
        let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
        let all = problems(&full, &small);
        let (_, problem, rings) = all.into_iter().find(|(t, ..)| t == "p").unwrap();
        let limits = Limits {
            runs: 200,
            ..Limits::default()
        };
        let report = verify(&problem, &rings, &limits).unwrap();
        assert_eq!(report.private().unwrap().1.word(), "unknown", "x^{power}");
    }
}

#[test]
fn public_numbers_are_all_of_a_small_ring_and_the_edges_of_their_own() {
    for m in [
        "(f - 1) * x",
        "x + r * f",
        "(f - 1) * x * r",
        "x + (r << (f - 1))",
        "x + r * (2 - f)",
        "(f >> 6) * x",
        "(f >> 63) * x + r",
    ] {
        let wanted = if m.ends_with("+ r") {
            "proved"
        } else {
            "LEAKS"
        };
        assert_eq!(words(&with_number(m)).0, wanted, "{m}");
    }
    for (clause, z) in [
        ("z == x", "x + (f >> 8) * x"),
        ("z == 0 * x", "x * (f >> 6)"),
        ("z == x * f", "x * f + x * (f >> 63)"),
    ] {
        let text = format!(
            "protocol p(x: A<Z[2^k]>, f: int) -> z: A<Z[2^k]> ensures {clause} private {{ z = {z}; }}"
        );
        assert_eq!(words(&text).1, "WRONG", "{z}");
    }
    // Only where the number is not 0 does the product hide the operand's sign.
    let opened = "protocol p(x: A<Z[2^k]>, f: int) -> v: Z[2^k] @ P requires fresh x ensures v == x * f private {\n\
                  for each P[i] { P[i] -> P: x[i]; } let a = x[0] + x[1]; v = a * f; }";
    assert_eq!(words(opened).0, "LEAKS");
}

#[test]
fn public_numbers_are_those_that_are_required_and_with_which_a_run_ends() {
    let tuples = |text: &str| {
        let bound = super::literature::bind(&additive(text), 2, 3);
        let problem = super::active::titled(&bound, "p");
        Domains::new(&problem, 1).tuples().concat()
    };
    let text = |clause: &str, z: &str| {
        format!(
            "protocol p(x: A<Z[2^k]>, f: int) -> z: A<Z[2^k]> {clause} ensures z == x private {{ z = {z}; }}"
        )
    };
    let all = tuples(&text("", "x * f"));
    assert!(
        (0..8)
            .chain([u128::from(u64::MAX), 1 << 63])
            .all(|f| all.contains(&f)),
        "{all:?}"
    );
    let mut some = tuples(&text("requires 3 <= f < 6", "x * f"));
    some.sort_unstable();
    assert_eq!(some, [3, 4, 5]);
    assert_eq!(tuples(&text("requires f == 1000", "x * f")), [1000]);
    // A negative shift ends the run.
    let mut shifts = tuples(&text("", "x * ((2 << f) >> (5 - f))"));
    shifts.sort_unstable();
    assert_eq!(shifts, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn every_shift_of_a_truncation_is_looked_at() {
    let text = additive(
        "protocol trunc(x: A<Z[2^k]>, f: int) -> z: A<Z[2^k]> realises trunc(x, f) mode local requires fresh x\n\
         ensures z == (x >> f) + e for e in -1..=1 except (abs(x) + 1) / 2^k private {\n\
         let u = (f - 1) * x[0]; P[0] -> P[1]: u; z[0] = x[0] >> f; z[1] = -((-x[1]) >> f) + u - u; }",
    );
    let (full, small) = (
        super::literature::bind(&text, 2, 64),
        super::literature::bind(&text, 2, 4),
    );
    let small: [&dyn Protocols; 1] = [&small];
    let all = problems(&full, &small);
    let (_, problem, rings) = all.into_iter().find(|(t, ..)| t == "trunc, local").unwrap();
    let limits = Limits {
        runs: 1_000,
        ..Limits::default()
    };
    let report = verify(&problem, &rings, &limits).unwrap();
    assert_eq!(report.private().unwrap().1.word(), "LEAKS");
}

#[test]
fn random_operands_are_small_near_to_constants_and_within_what_is_required() {
    let off = |low: &str, high: &str, clause: &str| {
        format!(
            "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> {clause} ensures z == x private {{\n\
             let a = (({low} < x) as Z[2^k]) * ((x < {high}) as Z[2^k]); z = share<P[0]>(x + a); }}"
        )
    };
    for (low, high, clause) in [
        ("3", "19", ""),
        ("7", "1000", ""),
        ("3", "2^40 + 3", ""),
        ("300000003", "300000019", ""),
        ("3", "19", "requires 0 <= x < 16"),
        ("1003", "1019", "requires 1000 <= x < 1016"),
    ] {
        assert_eq!(
            words(&off(low, high, clause)).1,
            "WRONG",
            "{low} {high} {clause}"
        );
    }
    let narrow = "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> requires 1000 <= x < 1016 ensures z == x + 1 private { z = share<P[0]>(x); }";
    assert_eq!(words(narrow).1, "WRONG");
    // A text with a number that is another in small rings is right all the same.
    let right = "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == ((x < 19) as Z[2^k]) private { z = share<P[0]>((x < 19) as Z[2^k]); }";
    assert!(words(right).1 != "WRONG");
    let bound = |k| super::active::titled(&super::literature::bind(&additive(right), 2, k), "p");
    assert!(foreign(&bound(64), &bound(4)) && !foreign(&bound(64), &bound(6)));
}

#[test]
fn a_clause_without_meaning_is_said_to_be_one() {
    let text = "protocol p(x: A<Bits[4]>) -> v: Bits[4] @ P ensures v == x + 1 private {\n\
                for each P[i] { P[i] -> P: x[i]; } v = x[0] + x[1]; }";
    let row = found(&additive(text), 2, "p");
    let Verdict::Unknown { reason } = &row.1.correct else {
        panic!("{:?}", row.1.correct);
    };
    assert!(
        reason.contains("no meaning") && reason.contains("v == x + 1"),
        "{reason}"
    );
}
