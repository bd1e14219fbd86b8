//! Messages sent before what they should be made of has come: what comes back may then tell what they should have been.

use super::active::{is_caught, own, titled};
use crate::active::deviate;
use crate::*;
use smpc_ir::party::{Party, PartySet};

/// A scheme whose party P[1] convinces P[0] that y - r - t is 0 by (y - r - t) + g·(y - q - u) = 0 with a coin g of others. Both are
/// 0 if nobody lies; whoever knows g passes with t off by -g·e and u off by -e.
fn tested(parties: u8, body: &str) -> Problem {
    let text = "backend mine(p: int = 2^61 - 1) { int, fix<f>: A<F[p]>; bool, bits<m>: [A<F[p]>; m]; }\n\
         scheme A<F: Field> { parties P[N]; corrupt N-1 of P malicious, abort;\n\
         share x = sum(x[i] for P[i]); P[i] holds x[i]; }\n\
         protocol share<D: party>(v: F @ D) -> x: A<F> ensures x == v private {\n\
         for each P[i] if i != 0 { x[i] <- F @ {D, P[i]}; }\n\
         x[0] = v - sum(x[i] for P[i] if i != 0); D -> P[0]: x[0]; }\n\
         protocol tested(y: F @ P[1]) -> v: F @ P[0], z: F @ P[1] ensures v == 0 private {\n\
         let r, q, b <- F @ P[1]; let t = y - r; let u = y - q;\n\
         BODY\n\
         check (y - r - t) + g * (y - q - u) == 0 else abort; v = y - r - t; }\n";
    let text = text
        .replace("BODY", body)
        .replace('N', &parties.to_string());
    titled(&own(&text, &[]), "tested")
}

/// Whether what this coalition can do is caught in the protocol of this body, for each body.
fn held(parties: u8, coalition: &[u8], cases: &[(&str, bool)]) {
    let coalition = PartySet::from_iter(coalition.iter().map(|party| Party(*party)));
    for (body, caught) in cases {
        let found = deviate(&tested(parties, body), coalition);
        assert_eq!(is_caught(&found), *caught, "{body}: {found:?}");
    }
}

/// x is c·g to who sends m = 0 at once.
#[test]
fn an_answer_tells_a_coin_to_who_sends_at_once() {
    let sent = "let g, k <- F @ P[0]; let c <- F @ P; P[1] -> P[0]: y, r, t, q, u;\n\
         let w = g + k + y + r + t + q + u; P[0] -> P[1]: w; let m = b - w; P[1] -> P[0]: m;\n";
    let cases = [
        ("z = w;", true),
        ("let x = c * (g + m); P[0] -> P[1]: x; z = x;", false),
        ("let x = g + m; P[0] -> P[1]: x; z = x;", false),
        // Not before all that is weighed has come.
        (
            "let x = c * (g + m + y + r + t + q + u); P[0] -> P[1]: x; z = x;",
            true,
        ),
    ];
    let cases = cases.map(|(told, caught)| (format!("{sent}{told}"), caught));
    let cases: Vec<(&str, bool)> = cases.iter().map(|(b, c)| (b.as_str(), *c)).collect();
    held(2, &[1], &cases);
}

/// What should be sent is made of what was sent before, and comes back from who got that.
#[test]
fn an_answer_to_an_echo_tells_a_coin() {
    let sent = "let g, k <- F @ P[0]; let j <- F @ P; P[1] -> P[0]: y, r, t, q, u;\n\
         let w = g + k + y + r + t + q + u; P[0] -> P[1]: w; let m = b - w; P[1] -> P[0]: m;\n\
         let e = m + j; P[0] -> P[1]: e; let n = e - j; P[1] -> P[0]: n;\n";
    let cases = [
        ("z = e;", true),
        ("let x = g + n; P[0] -> P[1]: x; z = x;", false),
        ("let x = g + m + n; P[0] -> P[1]: x; z = x;", false),
    ];
    let cases = cases.map(|(told, caught)| (format!("{sent}{told}"), caught));
    let cases: Vec<(&str, bool)> = cases.iter().map(|(b, c)| (b.as_str(), *c)).collect();
    held(2, &[1], &cases);
}

/// One corrupt party hears what the other should send a function of.
#[test]
fn what_another_corrupt_party_should_hear_is_not_waited_for() {
    let sent = "let g, k <- F @ P[0]; P[1] -> P[0]: y, r, t, q, u;\n\
         let w = g + k + y + r + t + q + u; P[0] -> P[2]: w; let h = w + 1; P[2] -> P[1]: h;\n\
         let m = b - h; P[1] -> P[0]: m;\n";
    let cases = [
        ("z = h;", true),
        ("let x = g + m; P[0] -> P[1]: x; z = x;", false),
    ];
    let cases = cases.map(|(told, caught)| (format!("{sent}{told}"), caught));
    let cases: Vec<(&str, bool)> = cases.iter().map(|(b, c)| (b.as_str(), *c)).collect();
    held(3, &[1, 2], &cases);
}

/// In one round everybody sends, and a corrupt party last: a coin that is sent beside what it weighs checks nothing.
#[test]
fn a_coin_sent_in_the_same_round_checks_nothing() {
    let cases = [
        (
            "let g <- F @ P[0]; P[1] -> P[0]: y, r, t, q, u; z = y;",
            true,
        ),
        (
            "let g <- F @ P[0]; P[1] -> P[0]: y, r, t, q, u; P[0] -> P[1]: g; z = g;",
            false,
        ),
        (
            "let g <- F @ P[0]; P[1] -> P[0]: y, r, t, q, u; let a = g + y + r + t + q + u; P[0] -> P[1]: a; z = a;",
            true,
        ),
    ];
    held(2, &[1], &cases);
}
