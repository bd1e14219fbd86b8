//! Messages sent before what they should be made of has come: what comes back may then tell what they should have been.

use super::active::{is_caught, own, titled};
use crate::active::deviate;
use crate::*;
use smpc_ir::party::{Party, PartySet};

/// How many parties, who deviates, and bodies of [`tested`]: for each whether what they can do is caught.
pub(super) type Group = (u8, &'static [u8], &'static [(&'static str, bool)]);

/// Texts that begin alike.
macro_rules! after {
    ($sent:literal: $($told:literal => $caught:literal,)*) => { &[$((concat!($sent, $told), $caught)),*] };
}

/// x is g to who sends m = 0 at once.
const ANSWERS: Group = (
    2,
    &[1],
    after!("let g, k <- F @ P[0]; let c <- F @ P; P[1] -> P[0]: y, r, t, q, u;\n\
        let w = g + k + y + r + t + q + u; P[0] -> P[1]: w; let m = b - w; P[1] -> P[0]: m;\n":
        "z = w;" => true,
        "let x = g + m; P[0] -> P[1]: x; z = x;" => false,
        // Not before all that is weighed has come.
        "let x = c * (g + m + y + r + t + q + u); P[0] -> P[1]: x; z = x;" => true,
    ),
);

/// x is c·g to who sends m = 0 at once, who knows c: what it tells then is a quotient of what it has seen, for which
/// [`super::rushing`] does not look.
const SCALED: Group = (
    2,
    &[1],
    after!("let g, k <- F @ P[0]; let c <- F @ P; P[1] -> P[0]: y, r, t, q, u;\n\
        let w = g + k + y + r + t + q + u; P[0] -> P[1]: w; let m = b - w; P[1] -> P[0]: m;\n":
        "let x = c * (g + m); P[0] -> P[1]: x; z = x;" => false,
    ),
);

/// What should be sent is made of what another corrupt party has sent, and comes back from who got that.
const ECHOES: Group = (
    3,
    &[1, 2],
    after!("let g, k <- F @ P[0]; let d <- F @ P[2]; P[1] -> P[0]: y, r, t, q, u;\n\
        let w = g + k + y + r + t + q + u; P[0] -> P[1]: w; let m = b - w; P[1] -> P[0]: m;\n\
        P[0] -> P[2]: m; let n = m + d; P[2] -> P[0]: n;\n":
        "P[2] -> P[1]: n; z = n;" => true,
        "let x = g + n; P[0] -> P[1]: x; z = x;" => false,
        "let x = g + m + n; P[0] -> P[1]: x; z = x;" => false,
    ),
);

/// Two honest parties, of whom one asks and the other one answers, without having seen y, r, t, q and u.
const OTHERS: Group = (
    3,
    &[1],
    after!("let g, k <- F @ {P[0], P[2]}; P[1] -> P[0]: y, r, t, q, u;\n\
        let w = g + k + y + r + t + q + u; P[0] -> P[1]: w; let m = b - w;\n":
        "P[1] -> P[0]: m; z = w;" => true,
        "P[1] -> P[2]: m; let x = g + m; P[2] -> P[1]: x; z = x;" => false,
        // Of the two copies of m one is another.
        "P[1] -> P: m; let x = g + m; P[2] -> P[1]: x; z = x;" => false,
    ),
);

/// One corrupt party hears what the other should send a function of.
const TWO: Group = (
    3,
    &[1, 2],
    after!("let g, k <- F @ P[0]; P[1] -> P[0]: y, r, t, q, u;\n\
        let w = g + k + y + r + t + q + u; P[0] -> P[2]: w; let h = w + 1; P[2] -> P[1]: h;\n\
        let m = b - h; P[1] -> P[0]: m;\n":
        "z = h;" => true,
        "let x = g + m; P[0] -> P[1]: x; z = x;" => false,
        "let x = g + m; P[0] -> P[2]: x; P[2] -> P[1]: x; z = x;" => false,
    ),
);

/// In one round everybody sends, and a corrupt party last: a coin that is sent beside what it weighs checks nothing.
const ROUND: Group = (
    2,
    &[1],
    after!("let g <- F @ P[0]; P[1] -> P[0]: y, r, t, q, u;\n":
        "z = y;" => true,
        "P[0] -> P[1]: g; z = g;" => false,
        "let a = g + y + r + t + q + u; P[0] -> P[1]: a; z = a;" => true,
    ),
);

/// Those against which strategies are tried out.
pub(super) const BODIES: &[Group] = &[ANSWERS, ECHOES, OTHERS, TWO, ROUND];

/// A party P[1] convinces P[0] that y - r - t is 0 by (y - r - t) + g·(y - q - u) = 0 with a coin g of others. Both are
/// 0 if nobody lies; whoever knows g passes with t off by -g·e and u off by -e.
pub(super) fn tested(parties: u8, body: &str) -> Problem {
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
    let text = text.replace("BODY", body);
    let text = text.replace('N', &parties.to_string());
    titled(&own(&text, &[]), "tested")
}

/// The prover says of each body whether it is caught.
fn held((parties, coalition, cases): Group) {
    let coalition = PartySet::from_iter(coalition.iter().map(|party| Party(*party)));
    for (body, caught) in cases {
        let found = deviate(&tested(parties, body), coalition);
        assert_eq!(is_caught(&found), *caught, "{body}: {found:?}");
    }
}

#[test]
fn an_answer_tells_a_coin_to_who_sends_at_once() {
    held(ANSWERS);
    held(SCALED);
}

#[test]
fn an_answer_to_an_echo_tells_a_coin() {
    held(ECHOES);
}

#[test]
fn an_answer_of_another_party_tells_a_coin() {
    held(OTHERS);
}

#[test]
fn what_another_corrupt_party_should_hear_is_not_waited_for() {
    held(TWO);
}

#[test]
fn a_coin_sent_in_the_same_round_checks_nothing() {
    held(ROUND);
}

/// A seed that was told before is as good as what is expanded from it, although that itself is in no message.
#[test]
fn a_seed_that_was_told_before_checks_nothing() {
    let group: Group = (
        2,
        &[1],
        after!("let s, o <- seed @ P[0]; let g = prg(s, F); let a = s + o;\n":
            "P[1] -> P[0]: y, r, t, q, u; z = y;" => true,
            "P[0] -> P[1]: s; P[1] -> P[0]: y, r, t, q, u; z = prg(s, F);" => false,
            "P[0] -> P[1]: a, o; P[1] -> P[0]: y, r, t, q, u; z = prg(a + o, F);" => false,
            "P[0] -> P[1]: a; P[1] -> P[0]: y, r, t, q, u; z = prg(a, F);" => true,
        ),
    );
    held(group);
}
