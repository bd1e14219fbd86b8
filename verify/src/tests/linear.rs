//! Views and sharings that are linear over Z_2, decided by the rank at full width.

use super::literature::{additive, bind, leaks_to, word};
use crate::*;
use smpc_ir::flat::Protocols;

/// A protocol `p` over Z[2^k], with the same in rings of 3 and 4 bits.
fn found(text: &str, k: i128) -> Row {
    let text = additive(text);
    let full = bind(&text, 2, k);
    let small: Vec<_> = [3, 4].map(|k| bind(&text, 2, k)).into();
    let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
    let all = problems(&full, &small);
    let (title, problem, rings) = all.into_iter().find(|(t, ..)| t == "p").unwrap();
    let limits = Limits {
        runs: 500,
        ..Limits::default()
    };
    let report = verify(&problem, &rings, &limits).unwrap();
    (title, report, problem)
}

fn fresh((_, report, problem): &Row, set: &str) -> Verdict {
    let mut own = report.fresh.iter();
    let own = own.find(|(own, _)| problem.set_name(*own) == set);
    own.unwrap().1.clone()
}

/// P[0] sends P[1] the bits of its operand and of a coin.
fn masked(mask: &str) -> String {
    format!(
        "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {{\n\
         let r <- Bits[k] @ P[0]; let b = bits(x) + {mask}; P[0] -> P[1]: b;\n\
         z[1] = b as Z[2^k]; z[0] = x - z[1]; }}"
    )
}

#[test]
fn a_mask_of_shifted_sums_hides_where_its_map_is_regular() {
    for (k, mask, regular) in [
        (32, "r + (r >> 1) + (r << 1)", false),
        (62, "r + (r >> 1) + (r << 1)", false),
        (33, "r + (r >> 1) + (r << 1)", true),
        (64, "r + (r >> 1) + (r << 1)", true),
        (64, "(r >> 1) + (r << 1)", true),
        (63, "(r >> 1) + (r << 1)", false),
        (64, "(r >> 1) + (r << 2)", false),
    ] {
        let row = found(&masked(mask), k);
        let (_, verdict) = row.1.private().unwrap();
        let fresh = fresh(&row, "{T}");
        if regular {
            for verdict in [verdict, &fresh] {
                let Verdict::Exhausted(done) = verdict else {
                    panic!("{mask} of {k} bits: {verdict:?}");
                };
                assert_eq!(
                    (done.by_rank, done.rings.as_slice()),
                    (true, &[k as u8][..])
                );
            }
            continue;
        }
        assert_eq!(leaks_to(&row), ["{P[1]}"], "{mask} of {k} bits");
        assert!(fresh.is_refuted(), "{mask} of {k} bits: {fresh:?}");
        let Verdict::Leaks(leak) = verdict else {
            panic!("{verdict:?}");
        };
        // Counted again: bits that are named, of the operands that are named, are another sum.
        let bits = leak.view.seen[0].what.clone();
        let (_, bits) = bits.split_once("bits ").unwrap();
        let (bits, _) = bits.split_once(" of message").unwrap();
        let sum = |word: u128| {
            let bits = bits.split(", ").map(|bit| bit.parse::<u32>().unwrap());
            bits.fold(0, |sum, bit| sum ^ word >> bit & 1)
        };
        let (a, b) = (sum(leak.first[0][0]), sum(leak.second[0][0]));
        assert!(a != b && leak.view.seen[0].values == [a], "{leak:?}");
    }
}

#[test]
fn messages_are_looked_at_together_and_beside_what_is_known() {
    let two = |second: &str| {
        format!(
            "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> private {{\n\
             let r <- Bits[k] @ P[0]; let s <- Bits[k] @ P[0]; let t <- Bits[k] @ P;\n\
             let a = bits(x) + r + (s >> 1); let b = {second}; let n = (t as Z[2^k]) - (b as Z[2^k]);\n\
             P[0] -> P[1]: a; P[0] -> P[1]: n; z[1] = n + (a as Z[2^k]); z[0] = x; }}"
        )
    };
    for (second, k, tells) in [
        ("s + (s >> 1) + (s << 1)", 64, false),
        ("s + (s >> 1) + (s << 1)", 62, false),
        // Together they are x.
        ("r + (s >> 1)", 64, true),
        // What is left of r is a singular map of s in the one and a regular one in the other.
        ("r + s + (s << 1) + (s >> 2)", 62, true),
        ("r + s + (s << 1) + (s >> 2)", 64, false),
        ("r + s", 64, false),
    ] {
        let row = found(&two(second), k);
        let (set, verdict) = row.1.private().unwrap();
        let set = row.2.set_name(*set);
        assert_eq!(
            verdict.is_refuted(),
            tells,
            "{second} to {set}: {verdict:?}"
        );
        assert!(
            tells || verdict.severity() <= 2,
            "{second} to {set}: {verdict:?}"
        );
    }
}

#[test]
fn rings_do_not_count_where_sums_of_shifted_bits_stand_beside_products() {
    let text = |mask: &str| {
        format!(
            "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> private {{\n\
             let r <- Bits[k] @ P[0]; let s <- Bits[k] @ P[0]; let b = bits(x) * s + {mask}; P[0] -> P[1]: b;\n\
             z[1] = b as Z[2^k]; z[0] = x; }}"
        )
    };
    // Singular at 32 bits, and no more than a sum that is not proved.
    let row = found(&text("r + (r >> 1) + (r << 1)"), 32);
    assert!(
        ["unknown", "LEAKS"].contains(&word(&row)),
        "{:?}",
        row.1.privacy
    );
    assert_eq!(word(&found(&text("r + (r << 1)"), 32)), "proved");
}
