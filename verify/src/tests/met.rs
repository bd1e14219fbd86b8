//! Comparisons and products that small rings never have.

use super::literature::{additive, bind};
use crate::*;
use smpc_ir::flat::Protocols;

/// The verdict on the privacy of a protocol `p`, with rings of 3 and 4 bits.
fn private(text: &str) -> &'static str {
    let text = additive(text);
    let full = bind(&text, 2, 64);
    let small: Vec<_> = [3, 4].map(|k| bind(&text, 2, k)).into();
    let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
    let all = problems(&full, &small);
    let (_, problem, rings) = all.into_iter().find(|(t, ..)| t == "p").unwrap();
    let limits = Limits {
        runs: 2_000,
        ..Limits::default()
    };
    let report = verify(&problem, &rings, &limits).unwrap();
    report.private().map_or("-", |(_, verdict)| verdict.word())
}

/// P[0] computes a value of its operand and sends it.
fn sent(e: &str) -> String {
    format!(
        "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {{\n\
         let r <- Z[2^k] @ P[0]; let q <- Bits[1] @ P[0]; let a = x*x*x*x*x - 7;\n\
         let e = {e}; P[0] -> P[1]: e; z[1] = e; z[0] = x - e; }}"
    )
}

#[test]
fn a_message_that_is_something_where_small_rings_have_no_number_is_not_exhausted() {
    for e in [
        "((7 < x) as Z[2^k]) * r * (q as Z[2^k])",
        "((a == 0) as Z[2^k]) * ((7 < x) as Z[2^k]) * x",
    ] {
        let private = private(&sent(e));
        assert!(["unknown", "LEAKS"].contains(&private), "{e}: {private}");
    }
    // What holds in every ring.
    let mixed = "r * (1 - 2 * ((x < 2) as Z[2^k]))";
    assert_eq!(private(&sent(mixed)), "exhausted");
}
