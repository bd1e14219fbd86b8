//! What rings of a few bits do not show, and what `requires` excludes.

use super::literature::{additive, found, leaks_to, word as private};
use crate::*;
use smpc_ir::party::Elem;

fn reasons((_, report, _): &Row) -> String {
    let open = report
        .privacy
        .iter()
        .filter_map(|(_, verdict)| match verdict {
            Verdict::Unknown { reason } => Some(reason.as_str()),
            _ => None,
        });
    open.collect::<Vec<_>>().join("\n")
}

fn correct(row: &Row) -> &'static str {
    row.1.correct.word()
}

#[test]
fn a_factor_that_is_nothing_in_small_rings_hides_nothing_at_full_width() {
    let doubled: Vec<String> = (0..10)
        .map(|at| format!("let d{}[i] = d{at}[i] + d{at}[i];", at + 1))
        .collect();
    for sent in [
        "let u[i] = 2^10 * x[i];".to_owned(),
        "let h[i] = 2^5 * x[i]; let u[i] = 2^5 * h[i];".to_owned(),
        "let u[i] = x[i] << 10;".to_owned(),
        format!("let d0[i] = x[i]; {} let u[i] = d10[i];", doubled.join(" ")),
    ] {
        let text = format!(
            "protocol clear(x: A<Z[2^k]>) -> v: Z[2^k] @ P private {{\n\
             for each P[i] {{ {sent} P[i] -> P: u[i]; }} v = u[0] + u[1]; }}"
        );
        let row = found(&additive(&text), 2, "clear");
        assert_eq!(leaks_to(&row), ["{P[0]}", "{P[1]}"], "{sent}");
        let Some((_, Verdict::Leaks(leak))) = row.1.private() else {
            panic!("{sent}");
        };
        // By itself, in a run in which the coalition's own component is as shown.
        assert_eq!(
            (leak.elem, leak.view.often),
            (Elem::Ring(64), [1, 0]),
            "{sent}"
        );
        assert!(leak.exact && leak.first != leak.second);
        let last = leak.view.seen.last().map(|seen| seen.what.as_str());
        assert!(
            last.is_some_and(|what| what.starts_with("message ")),
            "{last:?}"
        );
    }
}

#[test]
fn low_bits_that_no_coin_covers_are_told() {
    for (mask, leaks) in [("2^10 * s[i]", 2), ("3 * s[i]", 0)] {
        let text = format!(
            "protocol low(x: A<Z[2^k]>) -> v: Z[2^k] @ P private {{\n\
             for each P[i] {{ let s[i] <- Z[2^k] @ P[i]; let u[i] = x[i] + {mask}; P[i] -> P: u[i]; }}\n\
             v = u[0] + u[1]; }}"
        );
        let row = found(&additive(&text), 2, "low");
        assert_eq!(leaks_to(&row).len(), leaks, "{mask}");
    }
}

#[test]
fn rings_in_which_the_text_vanishes_exhaust_nothing() {
    // Of 2^43 times a number nothing is left in a ring of three bits, and much is seen beside a mask of k - 2 bits.
    // At full width samples show it; 2^14 times it differs by 2^35 only, which no samples show.
    for (factor, word) in [
        ("2^43 * x[1]", "LEAKS"),
        ("2^14 * x[1]", "unknown"),
        ("0 * x[1]", "exhausted"),
    ] {
        let text = format!(
            "protocol shifted(x: A<Z[2^k]>) -> z: Z[2^k] @ P[0] requires abs(x) < 2^20 private {{\n\
             let s <- Bits[k-2] @ P[1]; let u = {factor} + (s as Z[2^k]); P[1] -> P[0]: u; z = u; }}"
        );
        let row = found(&additive(&text), 2, "shifted");
        let verdict = row
            .1
            .privacy
            .iter()
            .find(|(set, _)| *set == super::build::set(&[0]));
        let found = verdict.map(|(_, verdict)| verdict.word());
        if word == "LEAKS" {
            assert_eq!(found, Some("LEAKS"), "{:?}", row.1.privacy);
        } else if word == "unknown" {
            assert_eq!(found, Some("unknown"), "{:?}", row.1.privacy);
            let reasons = reasons(&row);
            assert!(reasons.contains("vanish"), "{reasons}");
            assert!(
                reasons.contains("at full width show no difference"),
                "{reasons}"
            );
        } else {
            assert!(
                found == Some("exhausted") || found == Some("proved"),
                "{found:?}"
            );
        }
    }
}

#[test]
fn operands_that_are_excluded_tell_nothing() {
    for (clause, leaks) in [
        ("requires x == 5", false),
        ("requires x == 5 or x == 6", true),
    ] {
        let text = format!(
            "protocol known(x: A<Z[2^k]>) -> v: Z[2^k] @ P {clause} private {{\n\
             let r <- Z[2^k] @ P; let u[0] = x[0] + r; let u[1] = x[1] - r;\n\
             for each P[i] {{ P[i] -> P: u[i]; }} v = u[0] + u[1]; }}"
        );
        let row = found(&additive(&text), 2, "known");
        assert_eq!(!leaks_to(&row).is_empty(), leaks, "{clause}");
        if !leaks {
            assert_eq!(private(&row), "exhausted", "{:?}", row.1.privacy);
        }
    }
}

#[test]
fn a_mask_on_a_range_is_not_refuted_where_its_bound_binds_nothing() {
    let text = |clause: &str, term: &str| {
        format!(
            "protocol masked(x, y: A<Z[2^k]>) -> z: Z[2^k] @ P[0] {clause} private {{\n\
             let s <- Bits[k-2] @ P[1]; let u = {term} + (s as Z[2^k]);\n\
             P[1] -> P[0]: u; z = u; }}"
        )
    };
    let difference = "requires -2^20 <= x - y < 2^20";
    let row = found(&additive(&text(difference, "x[1] - y[1]")), 2, "masked");
    assert!(leaks_to(&row).is_empty(), "{:?}", row.1.privacy);
    // Of a summand that nothing bounds the high bits are seen, by samples at full width.
    let row = found(
        &additive(
            "protocol masked(x, y: Z[2^k] @ P[1]) -> z: Z[2^k] @ P[0] requires -2^20 <= x < 2^20 private {\n\
             let s <- Bits[k-2] @ P[1]; let u = x + y + (s as Z[2^k]); P[1] -> P[0]: u; z = u; }",
        ),
        2,
        "masked",
    );
    assert_eq!(leaks_to(&row), ["{P[0]}"]);
    let Some((_, Verdict::Leaks(leak))) = row.1.private() else {
        panic!("{:?}", row.1.privacy);
    };
    assert!(
        !leak.exact && leak.view.seen[0].what.contains("high bits"),
        "{leak:?}"
    );
    // Nothing bounds it at all.
    let row = found(&additive(&text("", "x[1] - y[1]")), 2, "masked");
    assert_eq!(leaks_to(&row), ["{P[0]}"]);
}

#[test]
fn a_standard_operation_may_ask_for_what_the_language_promises_and_for_no_more() {
    let product = |clause: &str| {
        additive(&format!(
            "protocol mul(x, y: A<R>) -> z: A<R> {clause} ensures z == x * y private {{\n\
             for each P[i] {{ let a[i] <- R @ {{P[i], T}}; let b[i] <- R @ {{P[i], T}}; }}\n\
             let r <- R @ {{P[1], T}}; let c[0] = (a[0] + a[1]) * (b[0] + b[1]) - r; T -> P[0]: c[0];\n\
             for each P[i] {{ let u[i] = x[i] - a[i]; let w[i] = y[i] - b[i]; P[i] -> P: u[i], w[i]; }}\n\
             let d = u[0] + u[1]; let e = w[0] + w[1];\n\
             z[0] = c[0] + d * b[0] + e * a[0] + d * e; z[1] = r + d * b[1] + e * a[1]; }}"
        ))
    };
    assert_eq!(correct(&found(&product(""), 2, "mul")), "proved");
    let row = found(&product("requires y == 1"), 2, "mul");
    let Verdict::Unknown { reason } = &row.1.correct else {
        panic!("{:?}", row.1.correct);
    };
    assert!(reason.contains("requires y == 1"), "{reason}");
    // Right where it asks to be, wrong for operands that a script has.
    let first = additive(
        "protocol mul(x, y: A<R>) -> z: A<R> requires y == 1 ensures z == x * y private {\n\
         let r <- R @ P; z[0] = x[0] + r; z[1] = x[1] - r; }",
    );
    assert_eq!(correct(&found(&first, 2, "mul")), "WRONG");
    // The headroom of a truncation is promised; half of it is not.
    for (clause, open) in [
        ("-2^(k-2) <= x < 2^(k-2)", false),
        ("-2^(k-3) <= x < 2^(k-3)", true),
    ] {
        let text = additive(&format!(
            "protocol trunc(x: A<Z[2^k]>, f: int) -> z: A<Z[2^k]> realises trunc(x, f) mode local requires {clause}\n\
             ensures z == (x >> f) + e for e in -1..=1 except (abs(x) + 1) / 2^k private {{\n\
             let r <- Z[2^k] @ P; let u[0] = x[0] + r; let u[1] = x[1] - r;\n\
             z[0] = u[0] >> f; z[1] = -((-u[1]) >> f); }}"
        ));
        let (_, _, problem) = found(&text, 2, "trunc, local");
        assert_eq!(!problem.narrow.is_empty(), open, "{clause}");
    }
}

#[test]
fn a_protocol_that_cannot_be_made_flat_is_an_open_question() {
    let text = additive(
        "extern functionality ot<S: party, C: party>(a: R @ S, b: Bits[1] @ C) -> y: R @ C;\n\
         protocol chosen(x: A<R>) -> v: R @ P[1] private {\n\
         P[0] -> P[1]: x[0]; let b <- Bits[1] @ P[1]; v = x[0] + x[1] + ot<P[0], P[1]>(x[0], b); }",
    );
    let row = found(&text, 2, "chosen");
    assert_eq!((correct(&row), private(&row)), ("unknown", "unknown"));
    assert!(reasons(&row).contains("U01"), "{}", reasons(&row));
    assert!(table(&[row]).contains("chosen"));
}

#[test]
fn polynomials_of_degree_0_are_computed_with() {
    let (full, small) = (
        super::standard::bind("shamir", &[("n", 2)]),
        super::standard::bind("shamir", &[("n", 2), ("p", 3)]),
    );
    let rows = verify_scheme(&full, &[&small], &Limits::default()).unwrap();
    for (title, report, _) in &rows {
        assert!(
            !report.correct.is_refuted(),
            "{title}: {:?}",
            report.correct
        );
    }
    assert!(rows.iter().any(|(title, ..)| title == "mul"));
}

#[test]
fn every_coalition_that_a_clause_allows_is_there() {
    use smpc_ir::claim::Corruption;
    use smpc_ir::party::{Party, PartySet};
    let roles: Vec<String> = (0..10).map(|at| format!("T{at}")).collect();
    let names: Vec<&str> = roles.iter().map(String::as_str).collect();
    let sharing = super::build::additive(2);
    let mut b = super::build::Build::new(2, &names, false);
    let x = b.shared(&sharing);
    let mut problem = b.shares(&x, &sharing, Spec::Unspecified);
    problem.corruption = vec![Corruption {
        parties: 0,
        roles: (2..12).map(Party).collect(),
        active: false,
    }];
    assert_eq!(problem.coalitions().len(), (1 << 10) - 1);
    // Parties beyond the sixteenth, too.
    let sharing = super::build::additive(18);
    let mut b = super::build::Build::new(18, &[], false);
    let x = b.shared(&sharing);
    let mut problem = b.shares(&x, &sharing, Spec::Unspecified);
    problem.corruption = vec![Corruption {
        parties: 2,
        roles: PartySet::EMPTY,
        active: false,
    }];
    assert_eq!(problem.coalitions().len(), 18 + 153);
}

#[test]
fn a_file_that_says_nothing_is_no_file_of_certificates() {
    for (text, line) in [
        ("", 1),
        ("smpc certificates 2\n", 2),
        ("smpc certificates 2\nscheme x\n", 3),
    ] {
        let error = text::File::read(text).unwrap_err();
        assert_eq!(error.line, line, "{text:?}: {error}");
    }
}

#[test]
fn a_leak_shows_the_view_and_how_often_it_is_seen() {
    let problem = super::build::rep3_mul(false);
    let report = verify(&problem, &[], &Limits::default()).unwrap();
    for (_, verdict) in &report.privacy {
        let Verdict::Leaks(leak) = verdict else {
            panic!("{verdict:?}");
        };
        let view = &leak.view;
        // Counted again, without the refuter: P[0] has components, a message and no coin that hides it.
        assert!(view.often[0] != view.often[1] && view.often.iter().all(|n| *n <= view.runs));
        assert_eq!(leak.elem, Elem::Ring(1));
        let message = format!("message {}", leak.message.unwrap());
        assert_eq!(view.seen.last().unwrap().what, message);
        assert!(
            view.seen
                .iter()
                .all(|seen| seen.values.iter().all(|v| *v < 2))
        );
        assert!(view.seen.iter().any(|seen| seen.what.starts_with("x0.")));
    }
}
