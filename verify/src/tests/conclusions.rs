//! Each conclusion of the prover about lies where it holds, and where a protocol is a little off.

use super::active::{RING, SACRIFICE, SPDZ, SPDZ2K, changed, is_caught, own, titled, worst};
use super::standard::bind;
use crate::*;
use smpc_ir::flat::FlatOp;
use smpc_ir::local::Local;
use smpc_ir::party::{Party, PartySet};

#[test]
fn openings_under_a_coin_tell_nothing_once_it_is_compared() {
    let agree = "    r = prg(sum(s[i] for P[i]), F);\n    agree r @ P;\n";
    // Two honest parties with two coins open r·x - a twice: the difference is a multiple of x.
    let alone = "    r = prg(sum(s[i] for P[i]), F);\n";
    for (change, private) in [(agree, true), (alone, false)] {
        let bound = changed(SACRIFICE, "rep3_malicious", &[(agree, change)], &[]);
        let worst = worst(&titled(&bound, "mul"));
        assert_eq!(worst.leak.is_none(), private, "{worst:?}");
        assert!(is_caught(&worst) || !private, "{worst:?}");
    }
}

/// A change of a text: what stands there, and what comes in its place.
type Change<'a> = (&'a str, &'a str);

#[test]
fn rows_weighed_by_coins_drawn_after_them_are_in_the_order_claimed() {
    let coins = "    let c = [coin(); m];\n";
    let first =
        "    let y[0] = x;                                 // a family of shares, one per pass\n";
    let turned = "c[inverse(pi[i])] - w[i];";
    let weighed = "let f[i] = w[i] * a[i]";
    let early = format!("{first}{coins}");
    // Weights of the rows as they were for what comes out catch another order than the one agreed on.
    let cases: [(&[Change<'_>], bool); 6] = [
        (&[], true),
        // Every row with the same weight.
        (
            &[(coins, "    let c = coin();\n"), (turned, "c - w[i];")],
            false,
        ),
        // The weights of what comes in are not in its order.
        (&[(turned, "c - w[i];")], false),
        // The coins are known when rows are put in order.
        (&[(coins, ""), (first, &early)], false),
        // What was weighed before is another sum.
        (&[(weighed, "let f[i] = a[i]")], false),
        // No sum is looked at.
        (&[("        check t[i] == 0 else abort;\n", "")], false),
    ];
    for (text, name) in [(SACRIFICE, "rep3_malicious"), (RING, "rep3_malicious_ring")] {
        for (changes, caught) in cases {
            let bound = changed(text, name, changes, &[]);
            let worst = worst(&titled(&bound, "shuffle"));
            assert_eq!(is_caught(&worst), caught, "{name} {changes:?}: {worst:?}");
        }
    }
}

#[test]
fn rows_weighed_by_what_only_the_dealer_knows_are_in_the_order_claimed() {
    let weights = "        let r[i], w[i] <- [F; m] @ T;\n";
    let known = "        let r[i] <- [F; m] @ T;\n        let w[i] <- [F; m] @ {P[i], T};\n";
    let equal = "        let r[i] <- [F; m] @ T;\n        let w[i] <- F @ T;\n";
    let opened = "        P[i] commits u[i];\n    }\n    for each P[i] { P[i] decommits u[i]; }\n";
    let masked = "let e[i] = d[i][pi[i]] - s[i];";
    let check = "    zero_check(sum(q[i] for i in 0..n));\n";
    let cases: [(&[Change<'_>], bool); 6] = [
        (&[], true),
        // Who puts rows in order knows the weights.
        (&[(weights, known)], false),
        // Every row with the same weight.
        (&[(weights, equal), ("w[i][inverse(pi[i])]", "w[i]")], false),
        // Who tells its summand last chooses it.
        (&[(opened, "        P[i] -> P: u[i];\n    }\n")], false),
        // Another order than that of the weights.
        (&[(masked, "let e[i] = d[i] - s[i];")], false),
        // No sum is looked at.
        (&[(check, "")], false),
    ];
    for (text, name, domain) in [(SPDZ, "spdz", "F"), (SPDZ2K, "spdz2k", "R")] {
        for (changes, caught) in cases {
            let changes: Vec<(String, String)> = changes
                .iter()
                .map(|(from, to)| (*from, *to))
                .map(|(from, to)| [from, to].map(|text| of(text, domain)).into())
                .collect();
            let changes: Vec<Change<'_>> = changes
                .iter()
                .map(|(from, to)| (from.as_str(), to.as_str()))
                .collect();
            let bound = changed(text, name, &changes, &[("n", 2)]);
            let worst = worst(&titled(&bound, "shuffle"));
            assert_eq!(is_caught(&worst), caught, "{name} {changes:?}: {worst:?}");
        }
    }
}

/// Lines for fields as they are for another domain.
fn of(text: &str, domain: &str) -> String {
    let lists = text.replace("[F; m]", &format!("[{domain}; m]"));
    lists.replace("<- F @", &format!("<- {domain} @"))
}

/// Whoever lies in an opening of a product by δ makes the product wrong by δ times its other factor: a sum of products that is
/// opened before its openings were checked tells a row of the shuffle that it checks.
#[test]
fn products_opened_before_their_check_tell_operands() {
    let public = "        let q[i] = h[i] * e[i] + c[i] - g[i] * d[i];\n";
    let shared = "        let q[i] = h[i] * y[i+1] - g[i] * y[i];\n";
    let check = "    zero_check(sum(q[i] for i in 0..n));\n";
    let open = "    let t = reveal(sum(sum(q[i][j] for j in 0..m) for i in 0..n));\n    \
                check t == 0 else abort;\n";
    let bound = changed(
        SPDZ,
        "spdz",
        &[(public, shared), (check, open)],
        &[("n", 2)],
    );
    let worst = worst(&titled(&bound, "shuffle"));
    assert!(worst.leak.is_some(), "{worst:?}");
}

#[test]
fn circuits_are_followed_lie_by_lie() {
    let bound = bind("fantastic4", &[]);
    for title in ["msb", "equal"] {
        let worst = worst(&titled(&bound, title));
        assert!(is_caught(&worst), "{title}: {worst:?}");
        assert_ne!(worst.effect, Effect::Harmless, "{title}");
    }
    // One comparison left out, early or late.
    let bound = bind("fantastic4", &[("k", 4)]);
    let problem = titled(&bound, "msb");
    assert!(is_caught(&worst(&problem)));
    let steps = problem.flat.steps.iter().enumerate();
    let checks: Vec<usize> = steps
        .filter(|(_, step)| matches!(step.op, FlatOp::Check { .. }))
        .map(|(at, _)| at)
        .collect();
    for at in [checks[0], checks[checks.len() - 1]] {
        let mut flat = (*problem.flat).clone();
        flat.steps[at].op = FlatOp::Local(Local::Broadcast);
        flat.steps[at].args.truncate(1);
        let worst = worst(&problem.with_flat(flat));
        assert!(!is_caught(&worst), "{at}: {worst:?}");
    }
}

#[test]
fn a_coin_that_was_told_before_checks_nothing() {
    let text = "backend mine(p: int = 2^61 - 1) { int, fix<f>: A<F[p]>; bool, bits<m>: [A<F[p]>; m]; }\n\
         scheme A<F: Field> { parties P[2]; corrupt 1 of P malicious, abort;\n\
         share x = sum(x[i] for P[i]); P[i] holds x[i]; }\n\
         protocol share<D: party>(v: F @ D) -> x: A<F> ensures x == v private {\n\
         x[1] <- F @ {D, P[1]}; x[0] = v - x[1]; D -> P[0]: x[0]; }\n\
         protocol tested(y: F @ P[1]) -> v: F @ P[0] ensures v == 0 private {\n\
         let s <- seed @ P[0]; let g = prg(s, F); let r, q <- F @ P[1];\n\
         let t = y - r; let u = y - q; TOLD\n\
         P[1] -> P[0]: y, r, t, q, u;\n\
         check (y - r - t) + g * (y - q - u) == 0 else abort; v = y - r - t; }\n";
    let whole = "let s <- seed @ P[0]; let g = prg(s, F);";
    // A seed of one bit is guessed every other time.
    let narrow = "let s <- Bits[1] @ P[0]; let g = prg(s as Bits[128], F);";
    for (told, seed, caught) in [
        ("", whole, true),
        ("P[0] -> P[1]: g;", whole, false),
        ("", narrow, false),
    ] {
        let text = text.replace("TOLD", told);
        assert!(text.contains(whole), "{text}");
        let bound = own(&text.replace(whole, seed), &[]);
        let owner = PartySet::from_iter([Party(1)]);
        let found = deviate(&titled(&bound, "tested"), owner);
        assert_eq!(is_caught(&found), caught, "{told} {seed}: {found:?}");
    }
}

#[test]
fn a_product_with_an_error_of_a_liar_is_the_product_where_nobody_lies() {
    let term = " + x[i+1]*y[i] ";
    for (change, word) in [(term, "proved"), (" ", "WRONG")] {
        let bound = changed(SACRIFICE, "rep3_malicious", &[(term, change)], &[]);
        let problem = titled(&bound, "mul_unchecked");
        let limits = Limits {
            runs: 2_000,
            ..Limits::default()
        };
        let verdict = correctness(&problem, &[], &limits).unwrap();
        assert_eq!(verdict.word(), word, "{verdict:?}");
    }
}

/// What is said to hold but for a chance is enumerated like anything else where it never fails.
#[test]
fn a_claim_with_an_exception_is_enumerated_where_none_occurs() {
    let bound = bind("additive", &[("n", 3)]);
    let small = super::standard::small("additive", &[("n", 3)], &bound);
    let small: Vec<&dyn smpc_ir::flat::Protocols> = small.iter().map(|b| b as _).collect();
    let limits = Limits {
        assignments: 1 << 19,
        runs: 2_000,
        ..Limits::default()
    };
    let all = problems(&bound, &small);
    for title in ["trunc, local", "mul and trunc, local"] {
        let (_, problem, rings) = all.iter().find(|(t, ..)| t == title).unwrap();
        let verdict = correctness(problem, rings, &limits).unwrap();
        assert_eq!(verdict.word(), "exhausted", "{title}: {verdict:?}");
    }
}

/// Of three parties two may deviate, and open what each has committed itself to.
#[test]
fn a_sum_of_summands_that_all_are_bound_to_is_no_choice_of_two() {
    let opened = "        P[i] commits u[i];\n    }\n    for each P[i] { P[i] decommits u[i]; }\n    check sum(u[i] for P[i])";
    let weights = "        let r[i], w[i] <- [F; m] @ T;\n";
    let known = "        let r[i] <- [F; m] @ T;\n        let w[i] <- [F; m] @ {P[i], T};\n";
    let cases: [(&[Change<'_>], bool); 6] = [
        (&[], true),
        (&[(weights, known)], false),
        (
            &[(
                opened,
                "        P[i] -> P: u[i];\n    }\n    check sum(u[i] for P[i])",
            )],
            false,
        ),
        // A commitment that is never opened.
        (
            &[(
                opened,
                "        P[i] commits u[i];\n    }\n    for each P[i] { P[i] -> P: u[i]; }\n    check sum(u[i] for P[i])",
            )],
            false,
        ),
        // One after the other: the last sees what the others have opened.
        (
            &[(
                opened,
                "    }\n    for i in 0..n { P[i] commits u[i]; P[i] decommits u[i]; }\n    check sum(u[i] for P[i])",
            )],
            false,
        ),
        // Half of each summand is told without commitment.
        (
            &[(
                opened,
                "        let q[i] <- F @ P[i];\n        let h[i] = u[i] - q[i];\n        P[i] commits h[i];\n    }\n    \
                 for each P[i] { P[i] decommits h[i]; }\n    for each P[i] { P[i] -> P: q[i]; }\n    \
                 check sum(h[i] + q[i] for P[i])",
            )],
            false,
        ),
    ];
    for (changes, caught) in cases {
        let bound = changed(SPDZ, "spdz", changes, &[("n", 3)]);
        let worst = worst(&titled(&bound, "shuffle"));
        assert_eq!(is_caught(&worst), caught, "{changes:?}: {worst:?}");
    }
}
