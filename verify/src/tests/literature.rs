//! Mistakes that papers and reviewers warn of, written as a user would write them, and their cures.

use crate::*;
use smpc_grammar::Sources;
use smpc_ir::flat::{FlatOp, Protocols};
use smpc_ir::party::CoinDomain;
use smpc_protocol::{Bound, Library};

/// A scheme of a user's file: additive sharing over n parties, with more protocols.
pub(super) fn additive(protocols: &str) -> String {
    format!(
        "backend mine(n: int = 2, k: int = 64) {{ int, fix<f>: A<Z[2^k]>; bool, bits<m>: A<Bits[m]>; }}\n\
         scheme A<R: Ring> {{ parties P[n]; dealer T; corrupt n-1 of P semihonest; corrupt T semihonest;\n\
         share x = sum(x[i] for P[i]); P[i] holds x[i]; }}\n\
         protocol share<D: party>(v: R @ D) -> x: A<R> ensures x == v private {{\n\
         for each P[i] if i != 0 {{ x[i] <- R @ {{D, P[i]}}; }}\n\
         x[0] = v - sum(x[i] for P[i] if i != 0); D -> P[0]: x[0]; }}\n{protocols}"
    )
}

pub(super) fn bind(text: &str, n: i128, k: i128) -> Bound {
    let mut sources = Sources::default();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", text);
    let errors = library.add(file, text);
    assert!(errors.is_empty(), "{errors:?}");
    let name = library.only_backend(file).unwrap();
    let mut args = vec![("k".to_owned(), k)];
    if text.contains("n: int") {
        args.push(("n".to_owned(), n));
    }
    library
        .bind(&name, &args, None)
        .unwrap_or_else(|e| panic!("{e:?}"))
}

/// What is found of one protocol of a file, by its title.
pub(super) fn found(text: &str, n: i128, title: &str) -> Row {
    let (full, small) = (bind(text, n, 64), bind(text, n, 3));
    let small: [&dyn Protocols; 1] = [&small];
    let limits = Limits {
        runs: 2_000,
        ..Limits::default()
    };
    let all = problems(&full, &small);
    let titles: Vec<String> = all.iter().map(|(t, ..)| t.clone()).collect();
    let (title, problem, rings) = all
        .into_iter()
        .find(|(t, ..)| t == title)
        .unwrap_or_else(|| panic!("{title} is not among {titles:?}"));
    let report = verify(&problem, &rings, &limits).unwrap();
    (title, report, problem)
}

pub(super) fn leaks_to((_, report, problem): &Row) -> Vec<String> {
    let leaks = report.privacy.iter().filter(|(_, v)| v.is_refuted());
    leaks.map(|(set, _)| problem.set_name(*set)).collect()
}

pub(super) fn word((_, report, _): &Row) -> &'static str {
    report.private().map_or("-", |(_, verdict)| verdict.word())
}

const OPENING: &str = "{ for each P[i] { P[i] -> P: u[i]; } c = sum(u[i] for P[i]); }";

#[test]
fn a_mask_of_half_the_ring_or_of_one_bit_leaks() {
    // The mask 2s leaves the lowest bit in the open.
    for (mask, leaks) in [("share(s)", false), ("share(2 * s)", true)] {
        let text = additive(&format!(
            "protocol masked(x: A<Z[2^k]>) -> c: Z[2^k] @ P private {{\n\
             let s <- Z[2^k] @ T; let r = {mask};\n\
             let u = x + r; for each P[i] {{ P[i] -> P: u[i]; }} c = sum(u[i] for P[i]); }}\n"
        ));
        let row = found(&text, 2, "masked");
        assert_eq!(
            !leaks_to(&row).is_empty(),
            leaks,
            "{mask}: {:?}",
            row.1.privacy
        );
        assert_eq!(word(&row) == "proved", !leaks, "{mask}");
    }
    let text = additive(
        "protocol masked(x: A<Z[2^k]>) -> c: Z[2^k] @ P private {\n\
         let s <- Bits[1] @ T; let r = share(s as Z[2^k]);\n\
         let u = x + r; for each P[i] { P[i] -> P: u[i]; } c = sum(u[i] for P[i]); }\n",
    );
    assert!(!leaks_to(&found(&text, 2, "masked")).is_empty());
}

#[test]
fn a_mask_from_a_range_leaks_also_where_small_rings_are_no_larger() {
    let text = additive(
        "protocol masked(x: A<Z[2^k]>) -> c: Z[2^k] @ P[1] private {\n\
         let s <- Z[2^k] @ P[0]; let u = x[0] + s; P[0] -> P[1]: u; c = u; }\n",
    );
    let (_, _, full) = found(&text, 2, "masked");
    let all = problems(&bind(&text, 2, 3), &[]);
    let (_, small, _) = all.into_iter().find(|(t, ..)| t == "masked").unwrap();
    // Four values are all of Z_4, and half of Z[2^64] is more than enumeration reaches.
    let ranged = |problem: &Problem, bound: u128| {
        let mut flat = (*problem.flat).clone();
        for step in &mut flat.steps {
            if let FlatOp::Coin(domain) = &mut step.op {
                *domain = CoinDomain::Below(bound);
            }
        }
        problem.with_flat(flat)
    };
    let half = 1 << 63;
    for (bound, narrow, leaks) in [(4, 4, true), (half, 4, true), (half << 1, 8, false)] {
        let rings = [ranged(&small, narrow)];
        let report = verify(&ranged(&full, bound), &rings, &Limits::default()).unwrap();
        let (_, verdict) = report.private().unwrap();
        assert_eq!(verdict.is_refuted(), leaks, "{bound}: {verdict:?}");
        assert_eq!(
            verdict.word() == "exhausted",
            !leaks,
            "{bound}: {verdict:?}"
        );
    }
}

#[test]
fn neighbours_coins_do_not_rerandomise_among_four() {
    let text = additive(&format!(
        "protocol ring(x: A<R>) -> c: R @ P ensures c == x private {{\n\
         for each P[i] {{ let r[i] <- R @ {{P[i], P[i+1]}}; let u[i] = x[i] + r[i] - r[i-1]; }}\n{}",
        &OPENING[1..]
    ));
    // P[1] and P[3] know every coin of P[2]; three parties of three have no such pair.
    let row = found(&text, 4, "ring");
    let correct = row.1.correct.word();
    assert_eq!(correct, "proved");
    let needs = row.1.privacy.iter().any(|(set, verdict)| {
        let pair = row.2.set_name(*set) == "{P[1], P[3]}";
        pair && match verdict {
            Verdict::Proved {
                certificate: Some(c),
            } => c.assume == Assumption::Fresh,
            _ => true,
        }
    });
    assert!(needs, "shares that are not fresh are told to P[1] and P[3]");
    let row = found(&text, 3, "ring");
    assert!(!row.1.requires_fresh(), "{:?}", row.1.privacy);
}

#[test]
fn a_claim_of_ones_own_is_held_against_the_text() {
    for (claim, verdict) in [
        ("z == x + y", "proved"),
        ("z == x - y", "WRONG"),
        ("z == x + y + 1", "WRONG"),
        ("z == x + e for e in 0..=1", "WRONG"),
    ] {
        let text = additive(&format!(
            "protocol plus(x, y: A<R>) -> z: A<R> ensures {claim} private {{ z = x + y; }}\n"
        ));
        let row = found(&text, 2, "plus");
        assert_eq!(
            row.1.correct.word(),
            verdict,
            "{claim}: {:?}",
            row.1.correct
        );
    }
    let text = additive("protocol plus(x, y: A<R>) -> z: A<R> private { z = x + y; }\n");
    assert_eq!(found(&text, 2, "plus").1.correct.word(), "-");
}

#[test]
fn local_truncation_is_neither_exact_nor_safe_at_zero() {
    // Two parties shift their own components: off by the carry, and far off if the sum wraps,
    // which it does even at 0, where both components may be -2^(k-1).
    for (claim, verdict) in [
        ("z == (x >> f)", "WRONG"),
        ("z == (x >> f) - e for e in 0..=1", "WRONG"),
        (
            "z == (x >> f) - e for e in 0..=1 except abs(x) / 2^k",
            "WRONG",
        ),
        (
            "z == (x >> f) - e for e in 0..=1 except (abs(x) + 1) / 2^k",
            "exhausted",
        ),
    ] {
        let text = additive(&format!(
            "protocol cut(x: A<Z[2^k]>, f: int) -> z: A<Z[2^k]> requires fresh x ensures {claim} private {{\n\
             z[0] = x[0] >> f; z[1] = x[1] >> f; }}\n"
        ));
        let row = found(&text, 2, "cut");
        assert_eq!(
            row.1.correct.word(),
            verdict,
            "{claim}: {:?}",
            row.1.correct
        );
    }
}

#[test]
fn a_corrupt_clause_that_the_sharing_does_not_bear_is_told() {
    let text = additive("").replace("corrupt n-1 of P semihonest", "corrupt n of P semihonest");
    let row = found(&text, 2, "share from P[0]");
    assert_eq!(leaks_to(&row), vec!["{P[0], P[1]}"]);
}

#[test]
fn an_opened_product_of_shares_leaks() {
    // What a party multiplies itself is no product of the secrets: opened, it tells the shares.
    let text = additive(
        "protocol bad(x, y: A<R>) -> c: R @ P private {\n\
         for each P[i] { let u[i] = x[i] * y[i]; P[i] -> P: u[i]; } c = sum(u[i] for P[i]); }\n",
    );
    assert!(!leaks_to(&found(&text, 3, "bad")).is_empty());
}

/// The library's scheme of Shamir with more protocols, over a field and over F_5.
fn shamir(protocols: &str, title: &str) -> Row {
    let text = include_str!("../../../stdlib/schemes/shamir.smpc");
    let text = format!(
        "{}\n{protocols}",
        text.replace("backend shamir", "backend mine")
    );
    let bind = |args: &[(&str, i128)]| {
        let mut sources = Sources::default();
        let mut library = Library::standard(&mut sources);
        let file = sources.add("mine.smpc", &text);
        let errors = library.add(file, &text);
        assert!(errors.is_empty(), "{errors:?}");
        let args: Vec<(String, i128)> = args.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        library
            .bind("mine", &args, None)
            .unwrap_or_else(|e| panic!("{e:?}"))
    };
    let (full, small) = (bind(&[("n", 3)]), bind(&[("n", 3), ("p", 5)]));
    let all = problems(&full, &[&small as &dyn Protocols]);
    let titles: Vec<String> = all.iter().map(|(t, ..)| t.clone()).collect();
    let (title, problem, rings) = all
        .into_iter()
        .find(|(t, ..)| t == title)
        .unwrap_or_else(|| panic!("{title} is not among {titles:?}"));
    let report = verify(&problem, &rings, &Limits::default()).unwrap();
    (title, report, problem)
}

fn verdict_for(row: &Row, set: &str) -> &'static str {
    let found = row
        .1
        .privacy
        .iter()
        .find(|(c, _)| row.2.set_name(*c) == set);
    found.map_or("-", |(_, verdict)| verdict.word())
}

#[test]
fn a_king_with_a_mask_of_the_wrong_degree_leaks() {
    // Damgård, Nielsen, CRYPTO 2007: the opened product has degree 2t; a mask of degree t leaves
    // the product of the leading coefficients in the open.
    for (mask, verdict) in [("q", "proved"), ("r", "LEAKS")] {
        let row = shamir(
            &format!(
                "protocol king(x, y: Shamir<F, d>) -> z: Shamir<F, d> ensures z == x * y private {{\n\
                 let s <- F @ P[2];\n\
                 let r: Shamir<F, d> = share(s); let q: Shamir<F, 2*d> = share(s);\n\
                 for each P[i] {{ let u[i] = x[i]*y[i] + {mask}.[i]; P[i] -> P[0]: u[i]; }}\n\
                 let e = sum(lagrange(i, n) * u[i] for P[i]); P[0] -> P: e; z = e - r; }}\n"
            ),
            "king",
        );
        assert_eq!(row.1.correct.word(), "proved", "{mask}");
        assert_eq!(
            verdict_for(&row, "{P[0]}"),
            verdict,
            "{mask}: {:?}",
            row.1.privacy
        );
        // Whoever knows the mask learns the product in any case.
        assert_eq!(verdict_for(&row, "{P[2]}"), "LEAKS");
    }
}

#[test]
fn an_unmasked_product_polynomial_leaks() {
    // Ben-Or, Goldwasser, Wigderson, STOC 1988: the product of two polynomials is not a random one.
    let row = shamir(
        "protocol king(x, y: Shamir<F, d>) -> c: F @ P[0] ensures c == x * y private {\n\
         for each P[i] { let u[i] = x[i]*y[i]; P[i] -> P[0]: u[i]; }\n\
         c = sum(lagrange(i, n) * u[i] for P[i]); }\n",
        "king",
    );
    assert_eq!(row.1.correct.word(), "proved");
    assert_eq!(verdict_for(&row, "{P[0]}"), "LEAKS");
    assert_eq!(verdict_for(&row, "{P[1]}"), "proved");
}

#[test]
fn a_result_that_lies_on_no_polynomial_is_wrong() {
    // The product of the shares has degree 2t: any t + 1 of them give another value.
    let row = shamir(
        "protocol local(x, y: Shamir<F, d>) -> z: Shamir<F, d> ensures z == x * y private {\n\
         for each P[i] { z[i] = x[i]*y[i]; } }\n",
        "local",
    );
    assert_eq!(row.1.correct.word(), "WRONG");
    // A sharing of the right value by some, and of nothing by others.
    let row = shamir(
        "protocol bent(x: Shamir<F, d>) -> z: Shamir<F, d> ensures z == x private {\n\
         for each P[i] { z[i] = x[i] + (i / 2); } }\n",
        "bent",
    );
    assert_eq!(row.1.correct.word(), "WRONG", "{:?}", row.1.correct);
}

#[test]
fn secure_aggregation_without_the_self_mask_leaks_a_late_input() {
    // Bonawitz et al., CCS 2017: P[0] is late, and the others have told the server P[3] its pairwise
    // masks to repair the sum; then its input arrives after all.
    for (own, leaks) in [("", true), (" + b", false)] {
        let text = additive(&format!(
            "protocol late(x: R @ P[0]) -> z: R @ P[3] private {{\n\
             let p <- R @ {{P[0], P[1]}}; let q <- R @ {{P[0], P[2]}}; let b <- R @ P[0];\n\
             P[1] -> P[3]: p; P[2] -> P[3]: q;\n\
             let y = x + p + q{own}; P[0] -> P[3]: y; z = y - p - q; }}\n"
        ));
        let row = found(&text, 4, "late");
        assert_eq!(
            leaks_to(&row).contains(&"{P[3]}".to_owned()),
            leaks,
            "{own}"
        );
        for set in ["{P[3]}", "{P[1], P[2], P[3]}"] {
            assert_eq!(verdict_for(&row, set) == "proved", !leaks, "{own} {set}");
        }
    }
}
