//! What follows from an agreement for whatever was made of the copies that agree.

use super::active::{SACRIFICE, is_caught, own, titled, worst};
use crate::active::{Active, Effect, deviate};
use crate::*;
use smpc_ir::party::{Party, PartySet};

const FOUR: &str = include_str!("../../../stdlib/schemes/fantastic4.smpc");

/// A protocol beside those of a scheme.
fn beside(scheme: &str, name: &str, text: &str) -> Problem {
    let scheme = scheme.replace(&format!("backend {name}("), "backend mine(");
    titled(&own(&format!("{scheme}\n{text}\n"), &[]), "tested")
}

/// What P[0] can do.
fn first(problem: &Problem) -> Active {
    deviate(problem, PartySet::from_iter([Party(0)]))
}

/// A coin of all, of which something is agreed on.
fn tossed(body: &str) -> Active {
    let text = format!(
        "protocol tested() -> r: F @ P {{\n\
         for each P[i] {{ let s[i] <- seed @ P[i]; P[i] commits s[i]; }}\n\
         for each P[i] {{ P[i] decommits s[i]; }}\n{body} }}"
    );
    worst(&beside(SACRIFICE, "rep3_malicious", &text))
}

#[test]
fn what_was_agreed_on_is_the_same_whatever_term_it_is() {
    for body in [
        "r = prg(sum(s[i] for P[i]), F); agree r @ P;",
        "r = 2*prg(sum(s[i] for P[i]), F) + 1; agree r @ P;",
        "let c = prg(sum(s[i] for P[i]), F); r = c*c; agree r @ P;",
        "r = prg(sum(s[i] for P[i]), Bits[8]) as F; agree r @ P;",
        // Multiples of it, and sums of those of two.
        "let c = prg(sum(s[i] for P[i]), F); let u = c*c; agree u @ P; r = 5*u - 2;",
        "let c = prg(sum(s[i] for P[i]), F); let u = c*c; let t = c*c*c; agree u @ P; agree t @ P; r = t - 7*u;",
    ] {
        let found = tossed(body);
        assert!(is_caught(&found), "{body} {found:?}");
    }
}

#[test]
fn what_was_agreed_on_says_nothing_of_other_terms() {
    for body in [
        "r = prg(sum(s[i] for P[i]), F);",
        // Of another seed, of which nobody has compared the copies.
        "r = 2*prg(sum(s[i] for P[i]), F); let q = 2*prg(s[0] + s[1], F); agree q @ P;",
        // One square has two roots.
        "let c = prg(sum(s[i] for P[i]), F); let u = c*c; agree u @ P; r = 3*c;",
        "let c = prg(sum(s[i] for P[i]), F); let u = c*c; let t = c*c*c; agree u @ P; r = t - u;",
        // Two of three compare.
        "r = 2*prg(sum(s[i] for P[i]), F); agree r @ {P[0], P[1]};",
    ] {
        let found = tossed(body);
        let changes = matches!(found.effect, Effect::Changes { .. });
        assert!(changes || found.effect.is_open(), "{body} {found:?}");
    }
}

#[test]
fn half_of_what_was_agreed_on_is_not_the_same_in_a_ring() {
    for (agreed, result, holds) in [
        ("v", "v", true),
        ("3*v", "v", true),
        ("2*v", "2*v", true),
        ("2*v", "4*v", true),
        ("2*v", "v", false),
        ("4*v", "2*v", false),
    ] {
        let text = format!(
            "protocol tested(v: R @ P[0]) -> w: R @ P ensures w == {result} private {{\n\
             P[0] -> P: v; let q = {agreed}; agree q @ P; w = {result}; }}"
        );
        let found = first(&beside(FOUR, "fantastic4", &text));
        assert_eq!(is_caught(&found), holds, "{text} {found:?}");
    }
}

/// Copies that differ tell what they were multiplied by, to who sees the products before anybody compares them.
#[test]
fn an_agreement_after_copies_were_used_comes_too_late_for_what_was_seen() {
    for (order, private) in [("agree t @ P; USE", true), ("USE agree t @ P;", false)] {
        let used = "let u = t*x[2] + k; P[1], P[2] -> P[0]: u;";
        let text = format!(
            "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> w: F @ P[0] private {{\n\
             let k <- F @ {{P[1], P[2]}}; P[0] -> P: v; let t = 3*v; {} w = u; }}",
            order.replace("USE", used)
        );
        let found = first(&beside(SACRIFICE, "rep3_malicious", &text));
        assert_eq!(found.leak.is_none(), private, "{text} {found:?}");
    }
}
