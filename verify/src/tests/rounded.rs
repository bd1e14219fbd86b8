//! Clear results that clauses fix up to an error: what comes out is given, and nothing else.

use super::literature::{bind, leaks_to, word};
use crate::*;
use smpc_ir::flat::Protocols;

/// A protocol `p` beside those of additive sharings, whose truncation is off by one at times.
fn judged(body: &str) -> Row {
    let additive = include_str!("../../../stdlib/schemes/additive.smpc");
    let text = format!(
        "{}\nprotocol p(x: Additive<Z[2^k]>, f: int) -> v: Z[2^k] @ P\n\
         requires 1 <= f < k - 2 requires -2^(k-2) <= x < 2^(k-2)\n\
         ensures v == (x >> f) + e for e in 0..=1 private {{ {body} }}",
        additive.replace("backend additive(", "backend mine(")
    );
    let (full, small) = (bind(&text, 2, 64), [3, 4].map(|k| bind(&text, 2, k)));
    let small: Vec<&dyn Protocols> = small.iter().map(|ring| ring as &dyn Protocols).collect();
    let mut all = problems(&full, &small).into_iter();
    let (title, problem, rings) = all.find(|(title, ..)| title == "p").unwrap();
    let limits = Limits {
        runs: 2_000,
        ..Limits::default()
    };
    let report = verify(&problem, &rings, &limits).unwrap();
    (title, report, problem)
}

#[test]
fn an_opened_truncation_is_private_up_to_rounding() {
    for body in [
        "v = reveal(trunc(x, f));",
        "let t = trunc(x, f); v = reveal(t + x) - reveal(x);",
    ] {
        let row = judged(body);
        assert_eq!(row.1.correct.word(), "exhausted", "{body}");
        let opened = body.contains("reveal(x)");
        assert_eq!(
            word(&row),
            if opened { "LEAKS" } else { "proved" },
            "{body}"
        );
        let shown = table(&[row]);
        let said = shown.contains("proved, given v up to rounding by 0..=1");
        assert_eq!(said, !opened, "{shown}");
    }
}

#[test]
fn what_is_told_beside_it_leaks() {
    for body in [
        "let w = reveal(x); v = reveal(trunc(x, f)) + (w >> 1) - (w >> 1);",
        "for each P[i] { P[i] -> P: x[i]; } let w = x[0] + x[1]; v = w >> f;",
        // What is lost by the truncation, and what is left of it.
        "let t = trunc(x, f); let w = reveal(x - 2^f * t); let s = reveal(t); v = s + w - w;",
    ] {
        let row = judged(body);
        assert_eq!(leaks_to(&row), ["{P[0]}", "{P[1]}"], "{body}");
        for (_, verdict) in &row.1.privacy {
            let Verdict::Leaks(leak) = verdict else {
                continue;
            };
            // The declared result is the same on both inputs, and what comes out in the runs that are counted.
            let [first, second] = [&leak.first, &leak.second].map(|inputs| {
                let amount = inputs[1][0] as u32;
                (inputs[0][0] as u64).cast_signed() >> amount
            });
            assert_eq!(first, second, "{body}");
            assert_ne!(leak.first, leak.second);
            assert_eq!(leak.view.seen[0].what, "with the same results");
            let [one, other] = leak.view.often;
            assert!(one.abs_diff(other) > 100, "{body}: {:?}", leak.view);
        }
    }
}

#[test]
fn a_result_that_is_off_by_more_is_not_given() {
    let row = judged("v = reveal(trunc(x, f)) + 2;");
    assert_eq!(row.1.correct.word(), "WRONG");
    assert_eq!(word(&row), "unknown");
}

/// What a clause of the operands says of a result that is one of them, opened.
fn told(requires: &str, ensures: &str, body: &str) -> Row {
    let text = super::literature::additive(&format!(
        "protocol reveal(x: A<R>) -> v: R @ P requires fresh x ensures v == x private {{\n\
         for each P[i] {{ P[i] -> P: x[i]; }} v = sum(x[i] for P[i]); }}\n\
         protocol p(x, y: A<Z[2^k]>) -> v: Z[2^k] @ P requires fresh x requires fresh y {requires}\n\
         {ensures} private {{ {body} }}"
    ));
    super::literature::found(&text, 2, "p")
}

#[test]
fn a_wide_or_a_multiplied_error_gives_nothing() {
    for (requires, ensures, body) in [
        (
            "requires 0 <= x < 8 requires 0 <= y < 8",
            "ensures v == y + e for e in -8..=8",
            "v = reveal(x);",
        ),
        ("", "ensures v == x * e for e in 0..=1", "v = reveal(x);"),
        (
            "",
            "ensures v == x * (1 - e) + e * y for e in 0..=1",
            "v = reveal(x);",
        ),
        (
            "",
            "ensures v == y + e * x for e in 0..=1",
            "v = reveal(x + y);",
        ),
        (
            "requires 0 <= x < 64",
            "ensures v == e for e in 0..=64",
            "v = reveal(x);",
        ),
        // Of all of a result nothing exact is said, though of a bit.
        (
            "",
            "ensures v as Z[2^1] == x as Z[2^1] ensures v == e * x for e in 0..=1",
            "v = reveal(x);",
        ),
    ] {
        let row = told(requires, ensures, body);
        assert_eq!(word(&row), "LEAKS", "{ensures}: {:?}", row.1.privacy);
    }
}

#[test]
fn the_error_is_said_where_only_a_part_is_exact() {
    let row = told(
        "requires 0 <= x < 2 requires 0 <= y < 2",
        "ensures v as Z[2^1] == x as Z[2^1] ensures v == x + e for e in 0..=1",
        "v = reveal(x);",
    );
    assert_eq!(word(&row), "proved", "{:?}", row.1.privacy);
    assert_eq!(row.1.given(&row.2), ["v up to rounding by 0..=1"]);
    let row = told(
        "",
        "ensures v == x ensures v == x + e for e in 0..=1",
        "v = reveal(x);",
    );
    assert_eq!(row.1.given(&row.2), ["v"]);
}
