//! Clear results that are no polynomials: comparisons that are opened, by calls that nobody looks into.

use super::active::{changed, titled};
use crate::*;
use smpc_ir::flat::Protocols;
use smpc_ir::party::{Party, PartySet};

const REP3: &str = include_str!("../../../stdlib/schemes/rep3.smpc");

/// Everything about protocols that a file has beside those of rep3, by their titles.
fn judged(text: &str) -> Vec<Row> {
    let text = format!("{REP3}\n{text}");
    let bound = |args: &[(&str, i128)]| changed(&text, "rep3", &[], args);
    let full = bound(&[]);
    let rings = small_rings(&full, |args| {
        let takes = args.iter().all(|(name, _)| *name == "k");
        takes.then(|| bound(args))
    });
    let rings: Vec<&dyn Protocols> = rings.iter().map(|ring| ring as &dyn Protocols).collect();
    let mut all = problems(&full, &rings);
    all.retain(|(title, ..)| title.starts_with("p_"));
    let limits = Limits {
        runs: 200,
        ..Limits::default()
    };
    work::verify_problems(all, &limits).unwrap()
}

/// The words of each: whether it is correct, whether it is private.
fn words(text: &str) -> Vec<(String, &'static str, &'static str)> {
    let rows = judged(text).into_iter();
    let words = rows.map(|(title, report, _)| {
        let private = report.private().unwrap().1.word();
        (title, report.correct.word(), private)
    });
    words.collect()
}

const COMPARED: &str = "
protocol p_eq(x, y: Rep3<R>) -> v: Bits[1] @ P ensures v == (x == y) private { v = reveal(equal(x, y)); }
protocol p_lt(x, y: Rep3<R>) -> v: Bits[1] @ P ensures v == (x < y) private { v = reveal(less_than(x, y)); }
protocol p_sign(x: Rep3<R>) -> v: Bits[1] @ P ensures v == (x < 0) private { v = reveal(msb(x)); }
protocol p_zero(x, y: Rep3<R>) -> v: Bits[1] @ P ensures (x + y == 0) == v private { v = reveal(equal(x, -y)); }
protocol p_max(x, y: Rep3<R>) -> v: R @ P ensures v == max(x, y)
    private { let b = bit_to_ring<R>(less_than(x, y)); v = reveal(x + mul(b, y - x)); }
";

/// From the calls' results as they come out, whatever they are made of: the clauses are no polynomials.
#[test]
fn an_opened_comparison_is_private_by_proof() {
    let rows = judged(COMPARED);
    assert_eq!(rows.len(), 5);
    for (title, report, problem) in &rows {
        assert_eq!(report.correct.word(), "exhausted", "{title}");
        for (coalition, verdict) in &report.privacy {
            let Verdict::Proved {
                certificate: Some(certificate),
            } = verdict
            else {
                panic!("{title}: {verdict:?}");
            };
            assert_eq!(problem.given(*coalition), ["v"], "{title}");
            assert_eq!(certificate.goal, Goal::Results, "{title}");
            assert_eq!(check(problem, certificate), Ok(()));
            let mut other = certificate.clone();
            other.goal = Goal::Privacy;
            assert!(check(problem, &other).is_err(), "{title}");
            // Who declares nothing is given nothing.
            let mut silent = problem.clone();
            silent.declares.clear();
            assert!(check(&silent, certificate).is_err(), "{title}");
        }
    }
}

#[test]
fn what_is_opened_beside_the_comparison_is_not_given() {
    let text = "
protocol p_difference(x, y: Rep3<R>) -> v: Bits[1] @ P ensures v == (x == y) private { let d = reveal(x - y); v = (d == 0); }
protocol p_other(x, y: Rep3<R>) -> v: Bits[1] @ P ensures v == (x == y) private { v = reveal(less_than(x, y)); }
protocol p_both(x, y: Rep3<R>) -> v: Bits[1] @ P ensures v == (x == y)
    private { let l = reveal(less_than(x, y)); let e = reveal(equal(x, y)); v = e * (e + l) + e * l; }
protocol p_order(x, y: Rep3<R>) -> v: Bits[1] @ P ensures v == ((x < y) or (y < x))
    private { let l = reveal(less_than(x, y)); let m = reveal(less_than(y, x)); v = l + m; }
protocol p_low(x, y: Rep3<R>) -> v: R @ P ensures v as Z[2^1] == max(x, y) as Z[2^1]
    private { let b = bit_to_ring<R>(less_than(x, y)); v = reveal(x + mul(b, y - x)); }
";
    let found = words(text);
    assert_eq!(found.len(), 5);
    for (title, correct, private) in found {
        assert!(
            !["proved", "exhausted"].contains(&private),
            "{title}: {private}"
        );
        let wrong = title == "p_other";
        assert_eq!(correct == "WRONG", wrong, "{title}: {correct}");
    }
}

#[test]
fn who_does_not_hold_the_result_is_given_nothing() {
    let text = "
protocol p_one(x, y: Rep3<R>) -> v: Bits[1] @ P[0] ensures v == (x == y) private { let b = equal(x, y); P[2] -> P[0]: b[2]; v = b[0] + b[1] + b[2]; }
protocol p_all(x, y: Rep3<R>) -> v: Bits[1] @ P[0], w: Bits[1] @ P[1] ensures v == (x == y) private { let e = reveal(equal(x, y)); v = e; w = e; }
";
    let rows = judged(text);
    assert_eq!(rows.len(), 2);
    for (title, report, _) in rows {
        for (coalition, verdict) in &report.privacy {
            let told = *coalition == PartySet::from_iter([Party(1)]) && title == "p_all";
            let shown = ["proved", "exhausted"].contains(&verdict.word());
            if title == "p_one" || told {
                assert_eq!(shown, !told, "{title} {coalition:?}: {verdict:?}");
            }
        }
    }
}

/// What a callee requires is not believed of a call.
#[test]
fn a_call_outside_of_what_it_requires_proves_nothing() {
    let text = "
protocol even(x: Rep3<R>) -> b: Rep3<Bits[1]> requires 0 <= x < 2 ensures b == (x == 0) private { b = equal(2^(k-1) * x, 0 * x); }
protocol p_within(x: Rep3<R>) -> v: Bits[1] @ P requires 0 <= x < 2 ensures v == (x == 0) private { v = reveal(even(x)); }
protocol p_outside(x: Rep3<R>) -> v: Bits[1] @ P ensures v == (x == 0) private { v = reveal(even(x)); }
";
    let found = words(text);
    let find = |title: &str| found.iter().find(|found| found.0 == title).unwrap();
    assert_eq!(
        (find("p_within").1, find("p_within").2),
        ("exhausted", "proved")
    );
    let outside = find("p_outside");
    assert_eq!(outside.1, "WRONG");
    assert!(!["proved", "exhausted"].contains(&outside.2), "{outside:?}");
}

/// A coin that the result depends on hides nothing beside it: both are seen.
#[test]
fn a_coin_in_the_result_is_no_mask() {
    let file = |opened: &str| {
        format!(
            "{REP3}
protocol p_coin(x, y: Rep3<R>, s: Rep3<Bits[1]>) -> v: Bits[1] @ P, w: Bits[1] @ P[0] ensures v == (x == y) private {{
    let b <- Bits[1] @ {{P[1], P[2]}};
    let m = s[2] + b;
    P[1] -> P[0]: m;
    w = m;
    v = reveal({opened});
}}"
        )
    };
    for (opened, private) in [
        ("equal(x, y)", true),
        ("equal(x, y) + Rep3(0, 0, b)", false),
    ] {
        let bound = changed(&file(opened), "rep3", &[], &[]);
        let problem = titled(&bound, "p_coin");
        let first = PartySet::from_iter([Party(0)]);
        let found = prove_privacy(&problem, first).unwrap();
        assert_eq!(found.is_some(), private, "{opened}");
    }
}
