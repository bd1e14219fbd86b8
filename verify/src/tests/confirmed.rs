//! Counter-examples of small rings that are none at full width, and such as are.

use super::active::own;
use super::literature::{additive, bind, found, word};
use crate::refute::confirmed;
use crate::*;
use smpc_ir::flat::Protocols;
use smpc_ir::local::Source;
use smpc_ir::party::Elem;

/// The verdict on the privacy of a protocol `p`, and on its result.
fn words(text: &str) -> (&'static str, &'static str) {
    let row = found(&additive(text), 2, "p");
    (word(&row), row.1.correct.word())
}

/// A value of P[0]'s that is shared, with its operands and what is claimed.
fn computed(params: &str, clauses: &str, z: &str) -> String {
    format!(
        "protocol p({params}) -> z: A<Z[2^k]> {clauses} private {{ let v = {z}; z = share<P[0]>(v); }}"
    )
}

#[test]
fn what_wraps_around_in_three_bits_only_is_not_wrong() {
    let (x, xy) = ("x: Z[2^k] @ P[0]", "x, y: Z[2^k] @ P[0]");
    for (params, clauses, z, word) in [
        // Of four bits at most: x*x is negative in three.
        (
            x,
            "requires -4 <= x < 4 ensures z == x",
            "x + ((x*x < 0) as Z[2^k])",
            "unknown",
        ),
        (
            xy,
            "requires 0 <= x < 4 requires 0 <= y < 4 ensures z == x*y",
            "x*y - 2*(x*y)*((x*y < 0) as Z[2^k])",
            "unknown",
        ),
        // The same where it does wrap around at full width.
        (x, "ensures z == x", "x + ((x*x < 0) as Z[2^k])", "WRONG"),
        (
            xy,
            "ensures z == x*y",
            "x*y - 2*(x*y)*((x*y < 0) as Z[2^k])",
            "WRONG",
        ),
        // What goes wrong on the smallest number alone, and on one coin alone.
        (
            x,
            "ensures z == x",
            "x + ((x == -2^(k-1)) as Z[2^k])",
            "WRONG",
        ),
        (
            x,
            "requires x != -2^(k-1) ensures z == x",
            "x + ((x == -2^(k-1)) as Z[2^k])",
            "exhausted",
        ),
    ] {
        let text = computed(params, clauses, z);
        assert_eq!(words(&text).1, word, "{text}");
    }
    let coin = "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {\n\
                let r <- Z[2^k] @ P[0]; z = share<P[0]>(x + ((r == 0) as Z[2^k])); }";
    assert_eq!(words(coin).1, "WRONG");
}

#[test]
fn a_wrong_result_is_shown_at_the_width_that_is_run() {
    let text = computed(
        "x: Z[2^k] @ P[0]",
        "ensures z == x",
        "x + ((x < 0) as Z[2^k])",
    );
    let row = found(&additive(&text), 2, "p");
    let Verdict::Wrong(wrong) = &row.1.correct else {
        panic!("{:?}", row.1.correct);
    };
    assert_eq!(wrong.elem, Elem::Ring(64));
    assert_eq!(
        wrong.got,
        [wrong.inputs[0][0].wrapping_add(1) & u128::from(u64::MAX)]
    );
}

#[test]
fn constants_that_are_others_in_three_bits_tell_nothing() {
    let sent = |e: &str| {
        format!(
            "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {{\n\
             let b <- Bits[3] @ P[0]; let r <- Z[2^k] @ P[0];\n\
             let c = (b.bits[0] as Z[2^k]) + 2*(b.bits[1] as Z[2^k]) + 4*(b.bits[2] as Z[2^k]);\n\
             let e = {e}; P[0] -> P[1]: e; z[1] = e; z[0] = x - e; }}"
        )
    };
    for (e, verdict) in [
        // c is from 0 to 7.
        ("((9 < c) as Z[2^k]) * x", "unknown"),
        ("((c < 0) as Z[2^k]) * x", "unknown"),
        ("((5 < c) as Z[2^k]) * x", "LEAKS"),
        ("((c < 1) as Z[2^k]) * x + 2 * r", "LEAKS"),
    ] {
        let found = words(&sent(e));
        assert_eq!(found, (verdict, "proved"), "{e}");
    }
}

#[test]
fn what_many_messages_tell_together_is_found_at_full_width() {
    // Shifted, so that a small ring is no image of the whole: the fifth message is what the others leave of x.
    let bound = |last: &str, k: i128| {
        let coins: String = (0..4)
            .map(|at| format!("let r{at} <- Z[2^k] @ P[0]; P[0] -> P[1]: r{at};\n"))
            .collect();
        let text = additive(&format!(
            "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> private {{\n\
             {coins} let s <- Z[2^k] @ P[0]; let m = {last}; P[0] -> P[1]: m;\n\
             z[1] = r0 * r1 * r2 * r3 * m; z[0] = x; }}"
        ));
        super::active::titled(&bind(&text, 2, k), "p")
    };
    for (last, tells) in [
        ("(x >> 1) - r0 - r1 - r2 - r3", true),
        ("(x >> 1) - r0 - 5 * r1 - 3 * r2 - r3", true),
        ("(x >> 1) - r0 - r1 - r2 - s", false),
    ] {
        let (full, small) = (bound(last, 64), bound(last, 3));
        let leak = Leak {
            coalition: super::build::set(&[1]),
            elem: Elem::Ring(3),
            first: vec![vec![0]],
            second: vec![vec![2]],
            told: Told::Inputs,
            view: View::default(),
            message: None,
            from_to: String::new(),
            source: Source::default(),
            exact: true,
        };
        let found = confirmed::leaks(&full, &small, &leak).unwrap();
        assert_eq!(found, tells, "{last}");
    }
}

#[test]
fn what_is_a_power_in_a_small_field_only_tells_nothing() {
    let shamir = include_str!("../../../stdlib/schemes/shamir.smpc");
    let shamir = shamir.replace("backend shamir(", "backend mine(");
    for (m, verdict) in [
        // -1 is a square modulo 5, and none modulo 2^61 - 1, which is 3 modulo 4: x*x + 1 is never 0 there.
        ("(x*x + 1) * r", "unknown"),
        ("(x*x - 1) * r", "LEAKS"),
        // A fifth power is any number of F_5 and F_7, and 5 divides 2^61 - 2; so do 3 and 2. Samples at full width show all.
        ("x + r*r*r*r*r", "LEAKS"),
        ("x + r*r*r", "LEAKS"),
        ("x + r*r", "LEAKS"),
    ] {
        let text = format!(
            "{shamir}\nprotocol p(x: F @ P[0]) -> v: F @ P[1] private {{\n\
             let r <- F @ P[0]; let m = {m}; P[0] -> P[1]: m; v = m; }}"
        );
        let full = own(&text, &[("n", 3)]);
        let small: Vec<_> = [5, 7].map(|p| own(&text, &[("n", 3), ("p", p)])).into();
        let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
        let all = problems(&full, &small);
        let (_, problem, rings) = all.into_iter().find(|(t, ..)| t == "p").unwrap();
        let report = verify(&problem, &rings, &Limits::default()).unwrap();
        let (_, found) = report.private().unwrap();
        // x*x + 1 is never 0 in F_7 either, which counts.
        let right = match (m, found.word()) {
            ("(x*x + 1) * r", word) => word != "LEAKS",
            (_, word) => word == verdict,
        };
        assert!(right, "{m}: {found:?}");
    }
}

#[test]
fn sharings_that_are_stale_in_three_bits_only_are_not_said_to_be() {
    let stale = |mask: &str| {
        let text = format!(
            "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> requires -1 <= x <= 1 ensures z == x private {{\n\
             let r <- Z[2^k] @ P[0]; let m = {mask}; P[0] -> P[1]: m; z[1] = m; z[0] = x - m; }}"
        );
        let row = found(&additive(&text), 2, "p");
        let found = row
            .1
            .fresh
            .iter()
            .find(|(set, _)| row.2.set_name(*set) == "{T}");
        found.map(|(_, verdict)| verdict.word())
    };
    // 4 is negative in three bits.
    assert_eq!(
        stale("r * (1 - (((x + 3) * (x + 3) < 0) as Z[2^k]))"),
        Some("unknown")
    );
    assert_eq!(stale("r * (1 - ((x < 0) as Z[2^k]))"), Some("WRONG"));
    assert_eq!(stale("r + r"), Some("WRONG"));
}
