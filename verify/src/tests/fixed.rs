//! Widths that a text fixes: what hides all of a small ring and part of a large one, and what a cast loses there only.

use super::active::{own, titled};
use super::literature::{additive, bind, found, leaks_to, word};
use crate::faithful::{Of, vanishes};
use crate::*;
use smpc_ir::flat::Protocols;
use smpc_ir::party::Elem;

/// P[0] sends its operand with a mask to P[1].
fn masked(coins: &str, u: &str) -> String {
    additive(&format!(
        "protocol p(x: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {{\n\
         {coins} let u = {u}; P[0] -> P[1]: u; z[1] = u; z[0] = x - u; }}"
    ))
}

/// The counter-example against a coalition.
fn leak((title, report, problem): &Row, coalition: &str) -> Leak {
    let mut verdicts = report.privacy.iter();
    let found = verdicts.find(|(set, _)| problem.set_name(*set) == coalition);
    match found {
        Some((_, Verdict::Leaks(leak))) => (**leak).clone(),
        found => panic!("{title}, {coalition}: {found:?}"),
    }
}

/// Coins of the text and the masks that are made of them.
const MASKS: [(&str, &str); 15] = [
    ("let r <- Z[2^4] @ P[0];", "(r as Z[2^k])"),
    ("let r <- Z[2^8] @ P[0];", "(r as Z[2^k])"),
    ("let r <- Z[2^16] @ P[0];", "(r as Z[2^k])"),
    ("let r <- Z[2^32] @ P[0];", "(r as Z[2^k])"),
    ("let r <- Bits[8] @ P[0];", "(r as Z[2^k])"),
    ("let r <- Bits[32] @ P[0];", "(r as Z[2^k])"),
    // Half the ring, through a cast.
    ("let r <- Z[2^k] @ P[0];", "((r as Z[2^32]) as Z[2^k])"),
    ("let r <- Z[2^k] @ P[0];", "((r as Z[2^8]) as Z[2^k])"),
    (
        "let r <- Bits[k] @ P[0];",
        "ring((r as Bits[8]) as Bits[k])",
    ),
    // Single bits with weights: of coins, of one coin, of signs.
    (
        "let b, c, d, e <- Bits[1] @ P[0];",
        "(b as Z[2^k]) + 2*(c as Z[2^k]) + 4*(d as Z[2^k]) + 8*(e as Z[2^k])",
    ),
    (
        "let r <- Bits[k] @ P[0];",
        "(r.bits[0] as Z[2^k]) + 2*(r.bits[1] as Z[2^k]) + 4*(r.bits[2] as Z[2^k])",
    ),
    (
        "let a, b, c <- Z[2^k] @ P[0];",
        "((a < 0) as Z[2^k]) + 2*((b < 0) as Z[2^k]) + 4*((c < 0) as Z[2^k])",
    ),
    // A polynomial that permutes 8 bits, and two coins of 4.
    (
        "let r <- Z[2^8] @ P[0];",
        "(r as Z[2^k]) + 2*(r as Z[2^k])*(r as Z[2^k])",
    ),
    (
        "let r, s <- Z[2^4] @ P[0];",
        "(r as Z[2^k]) + 4*(s as Z[2^k])",
    ),
    // What is left of a number.
    ("let r <- Z[2^k] @ P[0];", "((r << 32) >>> 32)"),
];

#[test]
fn a_mask_of_a_fixed_number_of_bits_leaks() {
    for (coins, mask) in MASKS {
        for of in ["x", "x*x", "3*x + 7"] {
            let text = masked(coins, &format!("{of} + {mask}"));
            let row = found(&text, 2, "p");
            let leak = leak(&row, "{P[1]}");
            // A shift that leaves nothing of three bits is no mask there.
            let shifted = mask.contains("<<");
            assert!(shifted || leak.elem == Elem::Ring(64), "{of} + {mask}");
            assert!(leak.message.is_some() && leak.from_to == "P[0] -> {P[1]}");
            assert_ne!(leak.first, leak.second);
            let [one, other] = leak.view.often;
            assert!(shifted || one.abs_diff(other) > 100, "{:?}", leak.view);
            assert!(leak.view.seen.last().unwrap().what.contains("message"));
        }
    }
}

#[test]
fn masks_of_all_of_the_ring_are_found_to_be_such() {
    for (coins, u, words) in [
        ("let r <- Z[2^k] @ P[0];", "x + r", &["proved"][..]),
        // A polynomial that permutes every ring, of a coin of bits.
        (
            "let r <- Bits[k] @ P[0];",
            "x + (r as Z[2^k]) + 2*(r as Z[2^k])*(r as Z[2^k])",
            &["exhausted"],
        ),
        // All bits, one by one.
        (
            "let r <- Bits[k] @ P[0];",
            "x + sum(2^j * (r.bits[j] as Z[2^k]) for j in 0..k)",
            &["exhausted", "proved"],
        ),
    ] {
        let row = found(&masked(coins, u), 2, "p");
        assert!(words.contains(&word(&row)), "{u}: {:?}", row.1.privacy);
    }
}

/// Why rings of so many bits do not count for P[1] and for results.
fn why(text: &str, k: i128) -> [Option<String>; 2] {
    let problem = |k| titled(&bind(text, 2, k), "p");
    let (full, small) = (problem(64), problem(k));
    let coalition = super::build::set(&[1]);
    [Of::View(coalition), Of::Results].map(|of| vanishes(&full, &small, of).unwrap())
}

#[test]
fn rings_in_which_widths_stand_otherwise_do_not_count() {
    for (coins, u, k, said) in [
        (
            "let r <- Z[2^8] @ P[0];",
            "x + (r as Z[2^k])",
            4,
            "Z[2^8], narrower than Z[2^64]",
        ),
        (
            "let r <- Z[2^8] @ P[0];",
            "x + (r as Z[2^k])",
            8,
            "Z[2^8], narrower than Z[2^64]",
        ),
        ("let r <- Z[2^8] @ P[0];", "x + (r as Z[2^k])", 9, ""),
        ("let r <- Bits[1] @ P[0];", "x + (r as Z[2^k])", 2, ""),
        (
            "let b, c, d <- Bits[1] @ P[0];",
            "x + (b as Z[2^k]) + 2*(c as Z[2^k]) + 4*(d as Z[2^k])",
            3,
            "3 bits of an element of Z[2^64]",
        ),
        (
            "let b, c, d <- Bits[1] @ P[0];",
            "x + (b as Z[2^k]) + 2*(c as Z[2^k]) + 4*(d as Z[2^k])",
            4,
            "",
        ),
    ] {
        let [view, results] = why(&masked(coins, u), k);
        // Of the operand and three bits together all of a result is made; only what hides it is less.
        if !said.contains("bits of an element") {
            assert_eq!(view, results, "{u}");
        }
        match said {
            "" => assert_eq!(view, None, "{u} in {k} bits"),
            said => assert!(
                view.as_ref().is_some_and(|why| why.contains(said)),
                "{view:?}"
            ),
        }
    }
}

#[test]
fn coins_are_counted_together_for_all_that_is_seen() {
    // Each message has coins enough; both together have three bits more than one.
    let text = additive(
        "protocol p(x, y: Z[2^k] @ P[0]) -> v: Z[2^k] @ P[1] private {\n\
         let r <- Z[2^k] @ P[0]; let b, c, d <- Bits[1] @ P[0];\n\
         let u = x + r; let w = y + r + (b as Z[2^k]) + 2*((c as Z[2^k]) + 2*(d as Z[2^k]));\n\
         P[0] -> P[1]: u, w; v = u + w; }",
    );
    // Three bits alone are a part of a number there, too: what is computed of them is not all of it.
    let split = text.replace("y + r +", "y + r*(1 + 2*(b as Z[2^k])) +");
    for text in [&text, &split] {
        let [view, _] = why(text, 3);
        assert!(view.is_some(), "{view:?}");
        let [view, _] = why(text, 4);
        assert_eq!(view, None);
        assert_eq!(leaks_to(&found(text, 2, "p")), ["{P[1]}"]);
    }
}

#[test]
fn what_a_narrow_type_loses_at_full_width_only_is_not_exhausted() {
    let wrong = |t: &str| {
        additive(&format!(
            "protocol p(x, y: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {{\n\
             let t = x - {t};\n\
             let e = (t == 3*y + 2); let f = (y == 2);\n\
             let u = (e as Z[2^k]) * (1 - (f as Z[2^k]));\n\
             let r <- Z[2^k] @ P[0]; let w = x + u + r; P[0] -> P[1]: w; z = A(-r, w); }}"
        ))
    };
    for (t, said) in [
        ("((x as Z[2^8]) as Z[2^k])", "narrower than"),
        ("ring((bits(x) as Bits[8]) as Bits[k])", "narrower than"),
        // All of three bits, with a number beside them or without.
        (
            "(bits(x).bits[0] as Z[2^k]) - 2*(bits(x).bits[1] as Z[2^k]) - 4*(bits(x).bits[2] as Z[2^k])",
            "always come out the same",
        ),
        (
            "1 - (bits(x).bits[0] as Z[2^k]) - 2*(bits(x).bits[1] as Z[2^k]) - 4*(bits(x).bits[2] as Z[2^k]) + 1",
            "always come out the same",
        ),
    ] {
        let row = found(&wrong(t), 2, "p");
        let correct = row.1.correct.word();
        assert!(["unknown", "WRONG"].contains(&correct), "{t}: {correct}");
        let [_, results] = why(&wrong(t), 3);
        assert!(
            results.as_ref().is_some_and(|why| why.contains(said)),
            "{t}: {results:?}"
        );
    }
}

/// Conditions that no small ring meets together, and no random run.
#[test]
fn what_nothing_tries_is_not_exhausted() {
    for u in [
        "((x >> 3) == y) * ((x - y) == 7*y + 5) * (1 < y)",
        "(x == y*y) * ((x - y) == 8*y) * (1 < y)",
    ] {
        let text = additive(&format!(
            "protocol p(x, y: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {{\n\
             let u = ({u}) as Z[2^k];\n\
             let r <- Z[2^k] @ P[0]; let w = x + u + r; P[0] -> P[1]: w; z = A(-r, w); }}"
        ));
        let correct = found(&text, 2, "p").1.correct.word();
        assert!(["unknown", "WRONG"].contains(&correct), "{u}: {correct}");
    }
}

#[test]
fn summands_with_a_narrow_mask_leak_and_are_not_fresh() {
    let text = additive(
        "protocol f(v: Z[2^k] @ P[0], y: Z[2^k] @ P[1]) -> x: A<Z[2^k]> ensures x == v + y private {\n\
         let r <- Z[2^8] @ P; x[0] = v + (r as Z[2^k]); x[1] = y - (r as Z[2^k]); }\n\
         protocol p<D: party>(v: Z[2^k] @ P[0], y: Z[2^k] @ P[1]) -> w: Z[2^k] @ D ensures w == v + y private {\n\
         let x = f(v, y); for each P[i] { P[i] -> D: x[i]; } w = x[0] + x[1]; }",
    );
    let fresh = found(&text, 2, "f").1.fresh;
    let wrong = fresh.iter().filter(|(_, verdict)| verdict.is_refuted());
    assert!(wrong.count() > 0, "{fresh:?}");
    let row = found(&text, 2, "p<outside>");
    assert!(leaks_to(&row).contains(&"{outside}".to_owned()));
    // The sum is what the outsider may know: it is the same on both.
    let leak = leak(&row, "{outside}");
    let sum = |inputs: &Inputs| inputs[0][0].wrapping_add(inputs[1][0]) as u64;
    assert_eq!(sum(&leak.first), sum(&leak.second));
}

#[test]
fn a_scheme_whose_summands_are_narrow_leaks() {
    let text = additive("").replace(
        "x[i] <- R @ {D, P[i]};",
        "let r <- Z[2^8] @ {D, P[i]}; x[i] = r as R;",
    );
    for title in ["share from P[1]", "share from an outsider"] {
        assert_eq!(leaks_to(&found(&text, 2, title)), ["{P[0]}"], "{title}");
    }
}

#[test]
fn narrow_masks_inside_of_products_leak() {
    // Beaver's product with triples of which one factor has 8 bits.
    let beaver = additive(
        "protocol p(x, y: A<Z[2^k]>) -> z: A<Z[2^k]> ensures z == x * y private {\n\
         for each P[i] { let c[i] <- Z[2^8] @ {P[i], T}; let a[i] = c[i] as Z[2^k]; let b[i] <- Z[2^k] @ {P[i], T}; }\n\
         let r <- Z[2^k] @ {P[1], T}; let t = (a[0] + a[1]) * (b[0] + b[1]) - r; T -> P[0]: t;\n\
         for each P[i] { let u[i] = x[i] - a[i]; let w[i] = y[i] - b[i]; P[i] -> P: u[i], w[i]; }\n\
         let d = u[0] + u[1]; let e = w[0] + w[1];\n\
         z[0] = t + d*b[0] + a[0]*e + d*e; z[1] = r + d*b[1] + a[1]*e; }",
    );
    assert_eq!(leaks_to(&found(&beaver, 2, "p")), ["{P[0]}", "{P[1]}"]);
    // Replicated products, whose zero sharings are half the ring.
    let rep3 =
        include_str!("../../../stdlib/schemes/rep3.smpc").replace("backend rep3(", "backend mine(");
    let text = format!(
        "{rep3}\nprotocol p(x, y: Rep3<Z[2^k]>) -> z: Rep3<Z[2^k]> ensures z == x * y private {{\n\
         for each P[i] {{ let r[i] <- Z[2^k] @ {{P[i], P[i+1]}}; let s[i] = (r[i] as Z[2^32]) as Z[2^k]; }}\n\
         for each P[i] {{ z[i] = x[i]*y[i] + x[i]*y[i+1] + x[i+1]*y[i] + s[i] - s[i-1]; P[i] -> P[i-1]: z[i]; }} }}"
    );
    let row = found(&text, 3, "p");
    assert_eq!(leaks_to(&row), ["{P[0]}", "{P[1]}", "{P[2]}"]);
    // What the coalition has of its own is said, with which its message is what it is.
    let leak = leak(&row, "{P[0]}");
    assert!(
        leak.view.seen.iter().any(|seen| seen.what.starts_with('r')),
        "{:?}",
        leak.view
    );
}

#[test]
fn an_opening_over_a_field_whose_mask_is_short_leaks() {
    let shamir = include_str!("../../../stdlib/schemes/shamir.smpc")
        .replace("backend shamir(", "backend mine(");
    let text = format!(
        "{shamir}\nprotocol p(x: Shamir<F, d>) -> v: F @ P requires 0 <= x < 2^20 private {{\n\
         for each P[i] {{ let b[i] <- Bits[8] @ P[i]; let s[i] = share(b[i] as F); }}\n\
         v = reveal(x + sum(s[i] for P[i])); }}"
    );
    let full = own(&text, &[("n", 3)]);
    let small: Vec<_> = [5, 7].map(|p| own(&text, &[("n", 3), ("p", p)])).into();
    let small: Vec<&dyn Protocols> = small.iter().map(|b| b as &dyn Protocols).collect();
    let all = problems(&full, &small);
    let (title, problem, rings) = all.into_iter().find(|(t, ..)| t == "p").unwrap();
    let report = verify(&problem, &rings, &Limits::default()).unwrap();
    let row = (title, report, problem);
    assert_eq!(leaks_to(&row).len(), 3, "{:?}", row.1.privacy);
    let leak = leak(&row, "{P[0]}");
    assert!(
        leak.view
            .seen
            .last()
            .unwrap()
            .what
            .contains("value of step"),
        "{:?}",
        leak.view
    );
}

#[test]
fn masks_on_a_range_that_do_not_cover_what_is_required_leak() {
    for (clause, coins, u) in [
        ("0 <= x < 2^20", "Bits[60]", "2^50*x + (r as Z[2^k])"),
        ("0 <= x < 2^20", "Bits[60]", "x*x*x + (r as Z[2^k])"),
        ("0 <= x < 2^20", "Bits[60]", "x + 2*(r as Z[2^k])"),
        ("0 <= x + y < 2^10", "Bits[50]", "x + (r as Z[2^k])"),
        ("0 <= x - y < 2^10", "Bits[50]", "x + (r as Z[2^k])"),
    ] {
        let text = additive(&format!(
            "protocol p(x, y: Z[2^k] @ P[0]) -> z: A<Z[2^k]> requires {clause} ensures z == x private {{\n\
             let r <- {coins} @ P[0]; let u = {u}; P[0] -> P[1]: u; z[1] = u; z[0] = x - u; }}"
        ));
        assert_eq!(leaks_to(&found(&text, 2, "p")), ["{P[1]}"], "{clause}: {u}");
    }
}

#[test]
fn a_cast_to_the_type_that_a_small_ring_has_is_none_there() {
    let text = additive(
        "protocol p(x, y: Z[2^k] @ P[0]) -> z: A<Z[2^k]> ensures z == x private {\n\
         let t = x - ((x as Z[2^4]) as Z[2^k]); let e = (t == 3*y + 2); let f = (y == 2);\n\
         let u = (e as Z[2^k]) * (1 - (f as Z[2^k]));\n\
         let r <- Z[2^k] @ P[0]; let w = x + u + r; P[0] -> P[1]: w; z = A(-r, w); }",
    );
    for k in [3, 4] {
        let [_, results] = why(&text, k);
        assert!(results.is_some_and(|why| why.contains("Z[2^4]")), "{k}");
    }
}
