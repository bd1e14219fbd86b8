//! Texts that are others at some widths: what is wrong there only is found there.

use super::literature::{additive, bind};
use super::standard;
use crate::widths::{At, apart, tame, uniform};
use crate::*;
use smpc_ir::flat::Protocols;

/// The rows about some protocols of a file, at every width.
fn rows(text: &str, k: i128, wanted: &dyn Fn(&str) -> bool) -> Vec<Row> {
    let (full, small) = (bind(text, 2, k), bind(text, 2, 3));
    let mut all = problems(&full, &[&small as &dyn Protocols]);
    let others = other_widths(&full, |args| {
        let (_, k) = args.iter().find(|(name, _)| *name == "k")?;
        Some(bind(text, 2, *k))
    });
    let others: Vec<(u8, &dyn Protocols)> = others
        .iter()
        .map(|(k, other)| (*k, other as &dyn Protocols))
        .collect();
    elsewhere(&mut all, &full, &others);
    all.retain(|(title, ..)| wanted(title));
    let limits = Limits {
        runs: 500,
        ..Limits::default()
    };
    work::verify_problems(all, &limits).unwrap()
}

fn of_p(text: &str, k: i128) -> Vec<Row> {
    rows(&additive(text), k, &|title| {
        title == "p" || title.starts_with("p, ")
    })
}

/// The backend's own width is right, and some other width is refuted: at which.
fn refuted_elsewhere(rows: &[Row]) -> Vec<u8> {
    let mut found = Vec::new();
    for row in rows {
        if row.1.is_refuted() {
            assert!(!covered(rows, row), "{}", table(rows));
            let other = row.2.elsewhere.as_ref();
            let other = other.unwrap_or_else(|| panic!("{}", table(rows)));
            found.extend(other.widths.clone());
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Widths at which a condition of m holds.
fn holding(of: impl Fn(u8) -> bool) -> Vec<u8> {
    (1..=128).filter(|m| of(*m)).collect()
}

/// Conditions that do not hold for 64 bits.
fn conditions() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("m == 20", holding(|m| m == 20)),
        ("m < 9", holding(|m| m < 9)),
        ("m > 100", holding(|m| m > 100)),
        ("m % 2 == 1", holding(|m| m % 2 == 1)),
        ("m % 3 == 0", holding(|m| m % 3 == 0)),
        ("m > 19 and m < 21", holding(|m| m == 20)),
        ("19 < m < 21", holding(|m| m == 20)),
        ("m / 20 == 2", holding(|m| m / 20 == 2)),
        ("m - m / 2 * 2 == 1", holding(|m| m % 2 == 1)),
    ]
}

#[test]
fn a_result_that_is_wrong_at_some_widths_of_bits_is_wrong_there() {
    for (when, widths) in conditions() {
        let text = format!(
            "protocol p(x: A<Bits[m]>) -> z: A<Bits[m]> ensures z == x private {{\n\
             for each P[i] {{ z[i] = if {when} {{ x[i] + x[i] }} else {{ x[i] }}; }} }}"
        );
        assert_eq!(refuted_elsewhere(&of_p(&text, 64)), widths, "{when}");
    }
}

#[test]
fn a_message_in_the_clear_at_some_widths_of_bits_leaks_there() {
    for (when, widths) in conditions() {
        let text = format!(
            "protocol p(x: Bits[m] @ P[0]) -> v: Bits[m] @ P[1] private {{ let r <- Bits[m] @ P[0];\n\
             let c = if {when} {{ x }} else {{ x + r }}; P[0] -> P[1]: c; v = c; }}"
        );
        assert_eq!(refuted_elsewhere(&of_p(&text, 64)), widths, "{when}");
    }
}

#[test]
fn a_coin_that_is_none_at_some_widths_makes_no_fresh_sharing_there() {
    let text = "protocol p(x: A<Bits[m]>) -> z: A<Bits[m]> ensures z == x private { let r <- Bits[m] @ P;\n\
                let c = if m == 20 { r + r } else { r }; z[0] = x[0] + c; z[1] = x[1] + c; }";
    let rows = of_p(text, 64);
    let at = rows.iter().find(|row| row.0 == "p, m = 20");
    let at = at.unwrap_or_else(|| panic!("{}", table(&rows)));
    assert_eq!(at.2.elsewhere.as_ref().unwrap().widths, [20]);
    assert!(!covered(&rows, at), "{}", table(&rows));
}

#[test]
fn rings_of_other_sizes_are_looked_at() {
    let masked = |mask: &str| {
        format!(
            "protocol p(x: R @ P[0]) -> v: R @ P[1] private {{ let r <- R @ P[0];\n\
             let c = {mask}; P[0] -> P[1]: c; v = c; }}"
        )
    };
    let first = |text: &str, k: i128| refuted_elsewhere(&of_p(text, k));
    let all_but = |own: u8| -> Vec<u8> { (2..=128).filter(|k| *k != own).collect() };
    assert_eq!(
        first(&masked("if k == 64 { x + r } else { x }"), 64),
        all_but(64)
    );
    assert_eq!(
        first(&masked("if k == 32 { x + r } else { x }"), 32),
        all_but(32)
    );
    // Numbers, no conditions: factors that are 0 or even, members, remainders.
    let odd: Vec<u8> = (2..=128).filter(|k| k % 2 == 1).collect();
    assert_eq!(first(&masked("x + r * (k - 33)"), 64), odd);
    assert_eq!(first(&masked("x + r * (1 - 0^((k - 20)^2))"), 64), [20]);
    assert_eq!(first(&masked("x + r * (1 + k % 2)"), 64), odd);
    let above: Vec<u8> = (65..=128).collect();
    let result = |value: &str| {
        format!(
            "protocol p(x: A<R>) -> z: A<R> ensures z == x private {{ let g[0] = x; let g[1] = x + x; z = {value}; }}"
        )
    };
    assert_eq!(first(&result("g[k / 65]"), 64), above);
    // Nothing in 64 bits, and something in more.
    assert_eq!(first(&result("x + 2^64 * x"), 64), above);
    let doubled = "x + 2^32 * (2^32 * x)";
    assert_eq!(first(&result(doubled), 64), above);
    assert_eq!(
        first(&result("x + ((x << 40) << 40)"), 64),
        (81..=128).collect::<Vec<u8>>()
    );
}

#[test]
fn what_a_callee_decides_by_a_width_of_its_own_counts_for_the_caller() {
    let text = "protocol q(x: Bits[m] @ P[0]) -> c: Bits[m] @ P[0] private { let r <- Bits[m] @ P[0];\n\
                c = if m == 20 { x } else { x + r }; }\n\
                protocol p(x: Bits[m] @ P[0]) -> v: Bits[m+1] @ P[1] private { let y = x as Bits[m+1];\n\
                let c = q(y); P[0] -> P[1]: c; v = c; }";
    assert_eq!(refuted_elsewhere(&of_p(text, 64)), [19]);
}

#[test]
fn another_text_for_operands_of_one_width_is_looked_at() {
    // The scheme's own `share` takes any elements; this one, of bits of length 20 only, is more specific.
    let text = additive(
        "protocol share<i>(v: Bits[20] @ P[i]) -> x: A<Bits[20]> ensures x == v private {\n\
         P[i] -> P[i+1]: v; x[i+1] = v; x[i] = 0; }",
    );
    let rows = rows(&text, 64, &|title| title.starts_with("share from P[0]"));
    assert_eq!(refuted_elsewhere(&rows), [20], "{}", table(&rows));
}

#[test]
fn standard_operations_on_bits_are_looked_at_for_every_length() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../stdlib/schemes/gmw.smpc");
    let text = std::fs::read_to_string(path).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    let product = "z[i] = x[i]*y[i] + sum(";
    let wrong = "z[i] = (if m == 20 { x[i]*y[i] + x[i]*y[i] } else { x[i]*y[i] }) + sum(";
    let found = rows(&changed(product, wrong), 64, &|title| {
        title.starts_with("and")
    });
    assert_eq!(refuted_elsewhere(&found), [20], "{}", table(&found));
    let masked = "let r[i,j] <- Bits[m] @ {P[i], P[j]}; }";
    let bare = "let s[i,j] <- Bits[m] @ {P[i], P[j]}; let r[i,j] = if m == 20 { s[i,j] + s[i,j] } else { s[i,j] }; }";
    let found = rows(&changed(masked, bare), 64, &|title| {
        title.starts_with("reveal to an outsider")
    });
    assert!(
        !refuted_elsewhere(&found).is_empty()
            || found
                .iter()
                .any(|row| !covered(&found, row) && row.2.elsewhere.is_some()),
        "{}",
        table(&found)
    );
}

#[test]
fn right_texts_with_conditions_on_widths_are_found_right() {
    for body in [
        // A place that is missing, as in the circuits of rep3.
        "let n = if m < 3 { 3 } else { m }; z = (x as Bits[n]) as Bits[m];",
        "z = if m % 2 == 1 { x } else { x + x + x };",
        "let g[0] = x; for i in 0..m { let g[i+1] = g[i] + x + x; } z = g[m];",
        "z = if m > 1 { ((x.bits[0..1]) as Bits[m]) + (((x.bits[1..m]) as Bits[m]) << 1) } else { x };",
    ] {
        let text = format!(
            "protocol p(x: A<Bits[m]>) -> z: A<Bits[m]> ensures z == x private {{ {body} }}"
        );
        let rows = of_p(&text, 64);
        for row in &rows {
            let (title, report, _) = row;
            let right = matches!(
                report.correct,
                Verdict::Proved { .. } | Verdict::Exhausted(_)
            );
            assert!(right, "{body}: {title}: {:?}", report.correct);
            assert_eq!(
                report.private().unwrap().1.word(),
                "proved",
                "{body}: {title}"
            );
        }
    }
}

#[test]
fn small_rings_in_which_conditions_come_out_otherwise_exhaust_nothing() {
    // The mask is whole in rings of less than nine bits.
    let text = "protocol p(x: R @ P[0]) -> v: R @ P[1] private { let r <- R @ P[0]; let y = r >> 1;\n\
                let s = if k < 9 { r + (y - y) } else { y }; let c = s + x; P[0] -> P[1]: c; v = c; }";
    let rows = of_p(&text.replace('R', "Z[2^k]"), 64);
    assert_ne!(rows[0].1.private().unwrap().1.word(), "exhausted");
    assert_ne!(rows[0].1.private().unwrap().1.word(), "proved");
}

/// What reads no width, and is sums and products alone, is the same at all of them.
#[test]
fn uniform_texts_are_the_same_at_every_width() {
    let mut uniforms = 0;
    for name in [
        "rep3",
        "aby",
        "additive",
        "astra",
        "rep3_malicious_ring",
        "gmw",
        "spdz2k",
    ] {
        let full = standard::bind(name, &[("k", 61)]);
        let rows = problems(&full, &[]);
        for k in [2, 3, 20, 63] {
            let other = standard::bind(name, &[("k", k)]);
            let there = problems(&other, &[]);
            for (title, problem, _) in &rows {
                if problem.elsewhere.is_some() || !uniform(problem) {
                    continue;
                }
                let same = there.iter().find(|(same, ..)| same == title);
                let (_, moved, _) = same.unwrap_or_else(|| panic!("{name}, {title}, {k}"));
                let at = |number: i128, bound: &dyn Protocols, problem: &Problem| At {
                    number: number as u8,
                    elem: bound.int_elem().wire_bits(),
                    problem: problem.clone(),
                };
                let both = vec![at(61, &full, problem), at(k, &other, moved)];
                assert!(apart(both, Some(0), 61).is_empty(), "{name}, {title}, {k}");
                uniforms += 1;
            }
        }
    }
    assert!(uniforms > 100, "{uniforms}");
}

#[test]
fn large_factors_and_places_of_bits_are_not_tame() {
    let tame = |ty: &str, value: &str| {
        let text = additive(&format!(
            "protocol p(x: A<{ty}>) -> z: A<{ty}> {{ for each P[i] {{ z[i] = {value}; }} }}"
        ));
        let all = problems(&bind(&text, 2, 64), &[]);
        let row = all.iter().find(|(title, ..)| title == "p").unwrap();
        tame(&row.1.lowered)
    };
    assert!(tame("R", "3 * x[i] - x[i]"));
    assert!(!tame("R", "70000 * x[i]"));
    assert!(!tame("R", "(300 * x[i]) * (300 * x[i])"));
    assert!(tame("Bits[m]", "x[i] * x[i]"));
    assert!(!tame("Bits[m]", "x[i] * (1 as Bits[m])"));
    assert!(!tame("Z[2^k]", "x[i] << 3"));
}
