//! Masks that are expanded from seeds.

use super::literature::{additive, found, leaks_to, word};
use crate::*;

fn masked(parties: i128, body: &str) -> Row {
    let text = additive(&format!(
        "protocol masked(x, y: Z[2^k] @ P[0]) -> z: Z[2^k] @ P[1] private {{\n{body} }}\n"
    ));
    found(&text, parties, "masked")
}

#[test]
fn an_expansion_of_a_seed_that_is_used_for_nothing_else_is_a_mask() {
    for body in [
        "let s <- seed @ P[0]; let u = x + prg(s, Z[2^k]); P[0] -> P[1]: u; z = u;",
        // Two seeds.
        "let s, t <- seed @ P[0]; let u = x + prg(s, Z[2^k]); let w = y - prg(t, Z[2^k]); P[0] -> P[1]: u, w; z = u + w;",
        // Once more the same: one coin, which goes away.
        "let s <- seed @ P[0]; let u = x + prg(s, Z[2^k]); let w = u - x - prg(s, Z[2^k]); P[0] -> P[1]: u, w; z = u + w;",
        // A seed that the dealer knows, too, who is sent nothing.
        "let s <- seed @ {P[0], T}; let u = x + prg(s, Z[2^k]); P[0] -> P[1]: u; z = u;",
    ] {
        let row = masked(2, body);
        assert_eq!(word(&row), "proved", "{body} {:?}", row.1.privacy);
        // By certificates, which code that searches nothing accepts.
        for (coalition, verdict) in &row.1.privacy {
            let Verdict::Proved {
                certificate: Some(certificate),
            } = verdict
            else {
                panic!("{body} {coalition:?} {verdict:?}");
            };
            check(&row.2, certificate).unwrap();
        }
    }
}

#[test]
fn an_expansion_is_no_mask_where_its_seed_is_used_or_its_stream_read_twice() {
    for (body, leaks) in [
        // One coin for two values.
        (
            "let s <- seed @ P[0]; let u = x + prg(s, Z[2^k]); let w = y + prg(s, Z[2^k]); P[0] -> P[1]: u, w; z = u + w;",
            true,
        ),
        // Streams begin alike, whatever elements are taken from them.
        (
            "let s <- seed @ P[0]; let u = x + prg(s, Z[2^k]); let w = bits(y) + prg(s, Bits[k]); P[0] -> P[1]: u, w; z = u + ring(w);",
            true,
        ),
        // The seed is sent, or something that is made of it.
        (
            "let s <- seed @ P[0]; let u = x + prg(s, Z[2^k]); P[0] -> P[1]: u; P[0] -> P[1]: s; z = u - prg(s, Z[2^k]);",
            true,
        ),
        (
            "let s <- seed @ P[0]; let t = s + 1; let u = x + prg(s, Z[2^k]); P[0] -> P[1]: u, t; z = u + prg(t, Z[2^k]);",
            false,
        ),
        // Whoever it is masked against has it.
        (
            "let s <- seed @ {P[0], P[1]}; let u = x + prg(s, Z[2^k]); P[0] -> P[1]: u; z = u;",
            true,
        ),
    ] {
        let row = masked(2, body);
        assert!(
            row.1
                .private()
                .is_some_and(|(_, verdict)| !matches!(verdict, Verdict::Proved { .. })),
            "{body} {:?}",
            row.1.privacy
        );
        assert!(
            !leaks || leaks_to(&row) == ["{P[1]}"],
            "{body} {:?}",
            row.1.privacy
        );
    }
}
