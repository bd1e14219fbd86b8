//! Operands of corrupt owners: what these put in is theirs to choose, once, and before anything comes out.

use super::active::{RING, SACRIFICE, SPDZ, SPDZ2K, is_caught, own, titled, worst};
use crate::active::{Effect, deviate};
use crate::*;

/// A protocol beside those of a scheme of the library.
fn beside(scheme: &str, name: &str, args: &[(&str, i128)], title: &str, text: &str) -> Problem {
    let scheme = scheme.replace(&format!("backend {name}("), "backend mine(");
    titled(&own(&format!("{scheme}\n{text}\n"), args), title)
}

fn malicious(title: &str, text: &str) -> Problem {
    beside(SACRIFICE, "rep3_malicious", &[], title, text)
}

/// The same of an owner of one operand, inside and outside.
fn each_owner(text: &str, check: &dyn Fn(&Problem, &str)) {
    for owner in ["<outside>", "<P[0]>", "<P[1]>"] {
        let title = format!("tested{owner}");
        let text = format!("protocol tested<D: party>(v: F @ D) -> {text}");
        check(&malicious(&title, &text), &format!("{title}: {text}"));
    }
}

fn caught(problem: &Problem, what: &str) {
    let worst = worst(problem);
    assert!(is_caught(&worst), "{what} {worst:?}");
}

fn changed(problem: &Problem, what: &str) {
    let worst = worst(problem);
    let changes = matches!(worst.effect, Effect::Changes { .. });
    assert!(changes, "{what} {worst:?}");
}

/// Not found to be what it should be.
fn open(problem: &Problem, what: &str) {
    let worst = worst(problem);
    assert!(!is_caught(&worst), "{what} {worst:?}");
}

#[test]
fn what_an_owner_puts_in_may_come_out_in_the_clear() {
    for text in [
        "w: F @ P ensures w == v private { let x = share(v); w = reveal(x); }",
        "w: F @ P ensures w == 3*v private { let x = share(v); w = reveal(3*x); }",
        "w: F @ P ensures w == v private { D broadcasts v; w = v; }",
        "w: F @ P ensures w == v private { D -> P: v; agree v @ P; w = v; }",
        "w: F @ P ensures w == v private { D -> P: v; w = v; agree v @ P; }",
        "w: F @ P, x: MalRep3<F> ensures w == v and x == v private { x = share(v); w = reveal(x); }",
    ] {
        each_owner(text, &caught);
    }
    // An owner that sees a mask before it sends what is under it.
    let text = "protocol tested<D: party>(v: F @ D) -> w: F @ P ensures w == v private { let x = share(v); w = reveal(x); }";
    for title in ["tested<P[0]>", "tested<P[1]>"] {
        caught(&beside(SPDZ, "spdz", &[("n", 2)], title, text), title);
    }
    // Upper bits that carry no value are covered by coins, which are no part of what comes out.
    let text = "protocol tested<D: party>(v: R @ D) -> w: R @ P ensures w as Z[2^k] == v as Z[2^k] private {\n\
                let x = share(v); w = reveal(x); }";
    caught(
        &beside(RING, "rep3_malicious_ring", &[], "tested<P[0]>", text),
        "ring",
    );
    caught(
        &beside(SPDZ2K, "spdz2k", &[("n", 2)], "tested<P[0]>", text),
        "spdz2k",
    );
}

#[test]
fn what_an_owner_puts_in_is_one_value_for_all() {
    for text in [
        // Nobody compares what came.
        "w: F @ P ensures w == v private { D -> P: v; w = v; }",
        // Twice the same operand, in two messages.
        "w, y: F @ P ensures w == v and y == v private { let u = 1*v; D broadcasts v, u; w = v; y = u; }",
        "w: F @ P, x: MalRep3<F> ensures w == v and x == v private { x = share(v); D broadcasts v; w = v; }",
        // What comes out is a square of nothing.
        "w: F @ P ensures w == v*v private { let u = v*v; D broadcasts u; w = u; }",
        // Of anything else the text says nothing.
        "w: F @ P requires 0 <= v and v < 2 ensures w == v private { D broadcasts v; w = v; }",
    ] {
        each_owner(text, &changed);
    }
}

#[test]
fn what_an_owner_puts_in_after_a_coin_that_comes_out_is_changed() {
    let coin = "protocol tested(v: F @ P[0]) -> w, c: F @ P ensures w == v private {\n\
                let r <- F @ {P[1], P[2]}; BODY w = v; c = r; }";
    for (body, holds) in [
        ("P[1], P[2] -> P[0]: r; P[0] broadcasts v;", false),
        // Who is sent a message does not wait for it.
        ("P[0] broadcasts v; P[1], P[2] -> P[0]: r;", false),
        // One that does not come out is nothing to go by.
        ("P[1], P[2] -> P[0]: r; P[0] broadcasts v;", true),
    ] {
        let text = coin.replace("BODY", body);
        let text = match holds {
            false => text,
            true => text
                .replace("w, c: F @ P", "w: F @ P")
                .replace("c = r;", ""),
        };
        let problem = malicious("tested", &text);
        let coalition = smpc_ir::party::PartySet::from_iter([smpc_ir::party::Party(0)]);
        let found = deviate(&problem, coalition);
        match holds {
            true => assert!(is_caught(&found), "{text} {found:?}"),
            false => {
                let changes = matches!(found.effect, Effect::Changes { .. });
                assert!(changes, "{text} {found:?}");
            }
        }
    }
    // One that weighs what is told in a second message, before it or behind it.
    for body in [
        "P[1] -> P: r; P[0] -> P: v; agree v @ P;",
        "P[0] -> P: v; agree v @ P; P[1] -> P: r;",
    ] {
        let text = format!(
            "protocol tested(v: F @ P[0]) -> w: F @ P ensures w == v private {{\n\
             let r <- F @ {{P[1], P[2]}}; let u = 1*v; {body} P[0] -> P: u; agree u @ P; w = v + r*(u - v); }}"
        );
        changed(&malicious("tested", &text), &text);
    }
    // One that is known from the start.
    let text = "protocol tested(v: F @ P[0]) -> w, c: F @ P ensures w == v + c private {\n\
                let r <- F @ P; P[0] broadcasts v; w = v + r; c = 1*r; }";
    changed(&malicious("tested", text), text);
}

#[test]
fn what_an_owner_puts_in_beside_other_operands_is_explained_where_it_was_fixed_before() {
    for text in [
        "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> w: F @ P ensures w == x + v private { w = reveal(x + share(v)); }",
        "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> z: MalRep3<F> ensures z == x + v private { z = x + share(v); }",
        "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> z: MalRep3<F> ensures z == x * v private { z = mul(x, share(v)); }",
        "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> w: F @ P ensures w == x * v private { w = reveal(mul(x, share(v))); }",
    ] {
        caught(&malicious("tested", text), text);
    }
    for text in [
        // Two parties get other values.
        "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> w: F @ P ensures w == x + v private {\n\
         P[0] -> P: v; let y = reveal(x); w = y + v; }",
        // Who sends last has seen what the other one sent.
        "protocol tested(u: F @ P[1], v: F @ P[0]) -> w: F @ P ensures w == u + v private {\n\
         P[1] broadcasts u; P[0] broadcasts v; w = u + v; }",
        "protocol tested(u: F @ P[1], v: F @ P[0]) -> w: F @ P ensures w == u + v private {\n\
         P[0] broadcasts v; P[1] broadcasts u; w = u + v; }",
        // P[2] opens component 0, a coin of v and one of u, without waiting for what P[1] puts in.
        "protocol tested(u: F @ P[1], v: F @ P[0]) -> w: F @ P ensures w == u + v private { w = reveal(share(u) + share(v)); }",
        "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> w, y: F @ P ensures w == x + v and y == x private {\n\
         y = reveal(x); w = y + reveal(share(v)); }",
        // An error of a product is none of an operand.
        "protocol tested(x: MalRep3<F>, v: F @ P[0]) -> z: MalRep3<F> ensures z == x * v private { z = mul_unchecked(x, share(v)); }",
    ] {
        open(&malicious("tested", text), text);
    }
}

#[test]
fn an_operand_that_an_honest_party_knows_too_is_what_it_is() {
    for (text, holds) in [("P[1] -> P[2]: v;", true), ("P[0] -> P[2]: v;", false)] {
        let text = format!(
            "protocol tested(v: F @ {{P[0], P[1]}}) -> z: MalRep3<F> ensures z == v private {{\n\
             {text} z[0] = 0; z[1] = 0; z[2] = v; }}"
        );
        let problem = malicious("tested", &text);
        let coalition = smpc_ir::party::PartySet::from_iter([smpc_ir::party::Party(0)]);
        let found = deviate(&problem, coalition);
        assert_eq!(is_caught(&found), holds, "{text} {found:?}");
    }
}
