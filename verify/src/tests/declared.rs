//! Clear results that a clause fixes: what the simulator of those who hold them is given.

use super::active::{own, titled};
use crate::refute::{Allowed, Refutation, refute_privacy};
use crate::*;
use smpc_ir::claim::{Operator, Term};
use smpc_ir::party::{Party, PartySet};
use std::sync::Arc;

/// Two parties with summands, and a helper who deals triples.
pub(super) const PAIR: &str = r"
backend pair(k: int = 64) { int, fix<f>: Pair<Z[2^k]>; }

scheme Pair<R: Ring> {
    parties P[2];
    dealer T;
    corrupt 1 of P semihonest;
    corrupt T semihonest;
    share x = x[0] + x[1];
    P[i] holds x[i];
}

protocol share<D: party>(v: R @ D) -> x: Pair<R>
    ensures x == v
    private
{
    x[1] <- R @ {D, P[1]};
    x[0] = v - x[1];
    D -> P[0]: x[0];
}

protocol reveal(x: Pair<R>) -> v: R @ P
    requires fresh x
    ensures v == x
    private
{
    for each P[i] { P[i] -> P: x[i]; }
    v = x[0] + x[1];
}

/// D may be the dealer, who knows what shares of products are made of: a coin hides them.
protocol reveal<D: party>(x: Pair<R>) -> v: R @ D
    ensures v == x
    private
{
    let r <- R @ P;
    let u[0] = x[0] + r;
    let u[1] = x[1] - r;
    for each P[i] { P[i] -> D: u[i]; }
    v = u[0] + u[1];
}

protocol mul(x, y: Pair<R>) -> z: Pair<R>
    ensures z == x * y
    bilinear private
{
    for each P[i] {
        let a[i] <- R @ {P[i], T};
        let b[i] <- R @ {P[i], T};
    }
    let r <- R @ {P[1], T};
    let c[0] = (a[0] + a[1]) * (b[0] + b[1]) - r;
    T -> P[0]: c[0];
    for each P[i] {
        let u[i] = x[i] - a[i];
        let w[i] = y[i] - b[i];
        P[i] -> P: u[i], w[i];
    }
    let d = u[0] + u[1];
    let e = w[0] + w[1];
    z[0] = c[0] + d * b[0] + a[0] * e + d * e;
    z[1] = r + d * b[1] + a[1] * e;
}
";

/// One more protocol of [`PAIR`], with its title.
fn with(title: &str, text: &str) -> Problem {
    titled(&own(&format!("{PAIR}\n{text}"), &[]), title)
}

pub(super) fn judged(problem: &Problem) -> Report {
    let limits = Limits {
        runs: 500,
        ..Limits::default()
    };
    verify(problem, &[], &limits).unwrap()
}

/// The words of a protocol `p`: whether it is correct, and whether it is private.
fn words(text: &str) -> (&'static str, &'static str) {
    let report = judged(&with("p", text));
    let private = report.private().unwrap().1.word();
    (report.correct.word(), private)
}

#[test]
fn what_a_clause_says_of_a_clear_result_is_no_leak() {
    for (text, given) in [
        (
            "protocol p(x: Pair<R>) -> v: R @ P ensures v == 3*x private { v = reveal(3*x); }",
            "v",
        ),
        (
            "protocol p(x, y: Pair<R>) -> v: R @ P ensures x + y == v private { v = reveal(x + y); }",
            "v",
        ),
        (
            "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x * y private { v = reveal(mul(x, y)); }",
            "v",
        ),
        (
            "protocol p(x: Pair<R>) -> v: R @ P ensures v == x^2 - 2*x + 1
             private { v = reveal(mul(x, x) - 2*x + 1); }",
            "v",
        ),
        // One party alone is told, and two results are given as one is.
        (
            "protocol p(x, y: Pair<R>) -> v: R @ P[0] ensures v == x * y
             private { let z = mul(x, y); P[1] -> P[0]: z[1]; v = z[0] + z[1]; }",
            "v",
        ),
        (
            "protocol p(x, y: Pair<R>) -> v, w: R @ P requires fresh x requires fresh y ensures v == x ensures w == y
             private { v = reveal(x); w = reveal(y); }",
            "v and w",
        ),
    ] {
        let problem = with("p", text);
        let report = judged(&problem);
        assert_eq!(report.private().unwrap().1.word(), "proved", "{text}");
        // Powers are no identity of the prover's: such a result is enumerated.
        let correct = if text.contains("x^2") { "exhausted" } else { "proved" };
        assert_eq!(report.correct.word(), correct, "{text}");
        let row = [("p".to_owned(), report, problem)];
        let wanted = format!("proved, given {given} ");
        assert!(table(&row).contains(&wanted), "{}", table(&row));
    }
    let outside = "protocol p<D: party>(x, y: Pair<R>) -> v: R @ D ensures v == x * y private { v = reveal<D>(mul(x, y)); }";
    for title in ["p<outside>", "p<P[0]>"] {
        let report = judged(&with(title, outside));
        assert_eq!(report.private().unwrap().1.word(), "proved", "{title}");
    }
    let both = words(
        "protocol p(x, y: Pair<R>) -> v, w: R @ P ensures v == x + y and w == x * y
         private { v = reveal(x + y); w = reveal(mul(x, y)); }",
    );
    assert_eq!(both, ("exhausted", "proved"));
}

#[test]
fn more_than_a_clause_says_is_a_leak() {
    for text in [
        // Factors of the product, summands of the sum, the highest bit beside twice the value.
        "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x * y private { let a = reveal(x); v = a * reveal(y); }",
        "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x - y private { let a = reveal(x); v = a - reveal(y); }",
        "protocol p(x: Pair<R>) -> v: R @ P ensures v == 2*x private { let a = reveal(x); v = 2*a; }",
        "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == 3*x
         private { let a = reveal(3*x); let b = reveal(x + y); v = a + b - b; }",
        // A product that is not masked.
        "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x * y
         private { for each P[i] { P[i] -> P: x[i], y[i]; } v = (x[0] + x[1]) * (y[0] + y[1]); }",
        // A second result of which nothing is said.
        "protocol p(x, y: Pair<R>) -> v, w: R @ P requires fresh x requires fresh y ensures v == x
         private { v = reveal(x); w = reveal(y); }",
    ] {
        let (correct, private) = words(text);
        assert_eq!((correct, private), ("proved", "LEAKS"), "{text}");
    }
}

#[test]
fn nobody_is_given_what_others_hold() {
    // P[1] computes the operand, which is not said.
    let text =
        "protocol p(x: Pair<R>) -> v: R @ P[0], w: R @ P[1] requires fresh x ensures v == 3*x
                private { let u = reveal(x); v = 3*u; w = u; }";
    let problem = with("p", text);
    let [first, second] = [0, 1].map(|at| PartySet::from_iter([Party(at)]));
    assert_eq!(
        (problem.given(first).len(), problem.given(second).len()),
        (1, 0)
    );
    let report = judged(&problem);
    let word = |set| {
        report
            .privacy
            .iter()
            .find(|(s, _)| *s == set)
            .unwrap()
            .1
            .word()
    };
    assert_eq!((word(first), word(second)), ("proved", "LEAKS"));
}

#[test]
fn a_result_that_is_not_what_its_clause_says_proves_nothing() {
    // One off: the view could be simulated from the sum, and the sum is not what comes out.
    let off = "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x + y private { v = reveal(x + y) + 1; }";
    assert_eq!(words(off), ("WRONG", "unknown"));
    let other =
        "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x * y private { v = reveal(x + y); }";
    assert_eq!(words(other), ("WRONG", "LEAKS"));
    // What may be otherwise is not given; up to an error it is given as it comes out.
    for (clause, word) in [
        ("except 1 / 4", "LEAKS"),
        ("+ e for e in R", "LEAKS"),
        ("+ e for e in 0..=1", "proved"),
    ] {
        let text = format!(
            "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x + y {clause} private {{ v = reveal(x + y); }}"
        );
        assert_eq!(words(&text).1, word, "{text}");
    }
}

#[test]
fn certificates_of_what_is_given_are_checked_against_the_clause() {
    let problem = with(
        "p",
        "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x * y private { v = reveal(mul(x, y)); }",
    );
    let report = judged(&problem);
    let certificates = report
        .privacy
        .iter()
        .filter_map(|(_, verdict)| match verdict {
            Verdict::Proved { certificate } => certificate.as_ref(),
            _ => None,
        });
    let certificates: Vec<&Certificate> = certificates.collect();
    assert_eq!(certificates.len(), report.privacy.len());
    // Of the same text with another clause, or with none, those of whoever holds the result say nothing.
    for replaced in [
        Some(Term::Apply(
            Operator::Add,
            vec![Term::Param(0), Term::Param(1)],
        )),
        None,
    ] {
        let mut flat = (*problem.flat).clone();
        flat.claims
            .ensures
            .truncate(usize::from(replaced.is_some()));
        if let Some(value) = replaced {
            flat.claims.ensures[0].claim = Term::Apply(Operator::Eq, vec![Term::Result(0), value]);
        }
        let other = Problem {
            flat: Arc::new(flat),
            ..problem.clone()
        };
        for certificate in &certificates {
            let holds = !problem.given(certificate.coalition).is_empty();
            assert_eq!(check(&other, certificate).is_err(), holds);
        }
    }
}

#[test]
fn views_are_compared_between_inputs_with_the_same_declared_results() {
    let text = "protocol p(x, y: Pair<R>) -> v: R @ P ensures v == x * y private { let a = reveal(x); v = a * reveal(y); }";
    let problem = with("p", text);
    let coalition = problem.coalitions()[0];
    let allowed = Allowed::new(&problem, coalition);
    // At full width they are drawn, in small rings enumerated.
    for ring in [shrink(&problem, 1).unwrap(), problem.clone()] {
        let Refutation::Leak(leak) = refute_privacy(&ring, coalition, &Limits::default()).unwrap()
        else {
            panic!("both factors are opened");
        };
        assert!(Allowed::new(&ring, coalition).alike(&leak.first, &leak.second, 1));
        assert_ne!(leak.first, leak.second);
    }
    assert!(allowed.alike(&vec![vec![2], vec![6]], &vec![vec![3], vec![4]], 1));
    assert!(!allowed.alike(&vec![vec![2], vec![6]], &vec![vec![3], vec![5]], 1));
}
