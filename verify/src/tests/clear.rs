//! Protocols that end in the clear under schemes against parties that deviate.

use super::active::{SACRIFICE, SPDZ, SPDZ2K, changed, is_caught, titled, worst};
use crate::*;
use smpc_ir::party::PartySet;

/// A protocol beside those of a scheme.
fn beside(scheme: (&str, &str), args: &[(&str, i128)], text: &str) -> Problem {
    let (name, file) = scheme;
    titled(&changed(&format!("{file}\n{text}"), name, &[], args), "p")
}

fn private(problem: &Problem) -> Vec<(PartySet, Verdict)> {
    let limits = Limits {
        assignments: 1 << 12,
        runs: 200,
        ..Limits::default()
    };
    verify(problem, &[], &limits).unwrap().privacy
}

const RING: (&str, &str) = ("spdz2k", SPDZ2K);
const FIELD: (&str, &str) = ("rep3_malicious", SACRIFICE);

#[test]
fn low_bits_that_a_clause_fixes_are_given() {
    for (text, word, correct) in [
        (
            "protocol p(x, y: Spdz2k<R>) -> v: R @ P ensures v as Z[2^k] == (x + y) as Z[2^k] private { v = reveal(x + y); }",
            "proved",
            "proved",
        ),
        (
            "protocol p(x, y: Spdz2k<R>) -> v: R @ P ensures (3 * x - y) as Z[2^k] == v as Z[2^k] private { v = reveal(3 * x - y); }",
            "proved",
            "proved",
        ),
        (
            "protocol p(x, y: Spdz2k<R>) -> v: R @ P ensures v == x + y private { v = open(x + y); }",
            "proved",
            "proved",
        ),
        // The upper bits, which tell how the sum overflowed, and bits that the clause does not name.
        (
            "protocol p(x, y: Spdz2k<R>) -> v: R @ P ensures v as Z[2^k] == (x + y) as Z[2^k] private { v = open(x + y); }",
            "LEAKS",
            "proved",
        ),
        (
            "protocol p(x, y: Spdz2k<R>) -> v: R @ P ensures v as Z[2^8] == (x + y) as Z[2^8] private { v = reveal(x + y); }",
            "LEAKS",
            "proved",
        ),
        (
            "protocol p(x: Spdz2k<R>) -> v: R @ P ensures v as Z[2^k] == x as Z[2^k] private { v = open(x); }",
            "LEAKS",
            "proved",
        ),
        (
            "protocol p(x, y: Spdz2k<R>) -> v: R @ P ensures v as Z[2^k] == (x + y) as Z[2^k] private { let a = reveal(x); v = a + reveal(y); }",
            "LEAKS",
            "proved",
        ),
    ] {
        let problem = beside(RING, &[("n", 2)], text);
        let limits = Limits {
            assignments: 1 << 12,
            runs: 200,
            ..Limits::default()
        };
        let report = verify(&problem, &[], &limits).unwrap();
        let worst = report.private().unwrap().1.word();
        assert_eq!((worst, report.correct.word()), (word, correct), "{text}");
        for (coalition, verdict) in &report.privacy {
            if let Verdict::Leaks(leak) = verdict {
                // No counter-example has declared results that differ for who holds them.
                let allowed = crate::refute::Allowed::new(&problem, *coalition);
                assert!(
                    allowed.alike(&leak.first, &leak.second, 1),
                    "{text}: {leak:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_sent_by_one_and_confirmed_by_another_is_given_once() {
    for (text, word) in [
        (
            "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x + y private { v = reveal(x + y); }",
            "proved",
        ),
        (
            "protocol p(x: MalRep3<F>) -> v: F @ P[0] ensures v == 2*x private { v = reveal<P[0]>(2*x); }",
            "proved",
        ),
        (
            "protocol p(x, y: MalRep3<F>) -> v: F @ P requires fresh x ensures v == x + y private { v = reveal(x + y); }",
            "proved",
        ),
        (
            "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x + y private { let a = reveal(x); v = a + reveal(y); }",
            "LEAKS",
        ),
        (
            "protocol p(x: MalRep3<F>, y: MalRep3<F>) -> v: F @ P[0] ensures v == 2*x private { let a = reveal<P[0]>(x + y); let b = reveal<P[0]>(x - y); v = a + b; }",
            "LEAKS",
        ),
    ] {
        let found = private(&beside(FIELD, &[], text));
        let worst = found.iter().max_by_key(|(_, verdict)| verdict.severity());
        assert_eq!(worst.unwrap().1.word(), word, "{text}");
    }
}

#[test]
fn who_deviates_may_have_the_result_that_it_gets_and_no_more() {
    for (scheme, args, text, clean) in [
        (FIELD, vec![], "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x * y private { v = reveal(mul(x, y)); }", true),
        (FIELD, vec![], "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x + y private { v = reveal(x + y); }", true),
        (FIELD, vec![], "protocol p(x: MalRep3<F>) -> v: F @ P[0] ensures v == 2*x private { v = reveal<P[0]>(2*x); }", true),
        (("spdz", SPDZ), vec![("n", 2)], "protocol p(x, y: Spdz<F>) -> v: F @ P ensures v == x + y private { v = reveal(x + y); }", true),
        (RING, vec![("n", 2)], "protocol p(x, y: Spdz2k<R>) -> v: R @ P ensures v as Z[2^k] == (x + y) as Z[2^k] private { v = reveal(x + y); }", true),
        // A factor is opened; an operand that is not declared; the result is somebody else's.
        (FIELD, vec![], "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x * y private { let b = reveal(y); v = reveal(b * x); }", false),
        (FIELD, vec![], "protocol p(x: MalRep3<F>) -> v: F @ P ensures v == 2*x private { let a = reveal(x); v = reveal(2*x) + a - a; }", true),
        (FIELD, vec![], "protocol p(x: MalRep3<F>) -> v: F @ P[0], w: F @ P[1] ensures v == 2*x private { let a = reveal(2*x); v = a; w = a; }", false),
        // Opened before the check: the lie in the first product is multiplied by y, and that is seen before anybody aborts.
        (FIELD, vec![], "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x * y * y
            private { let z = mul_unchecked(x, y); let w = mul_unchecked(z, y); v = reveal(w); sacrifice(x, y, z); sacrifice(z, y, w); }", false),
        // Likewise: a lie in what is opened of one factor is multiplied by the other, and tags are compared in the end.
        (("spdz", SPDZ), vec![("n", 2)], "protocol p(x, y: Spdz<F>) -> v: F @ P ensures v == x * y private { v = reveal(mul(x, y)); }", false),
        // Nothing is checked.
        (FIELD, vec![], "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x * y private { v = reveal(mul_unchecked(x, y)); }", false),
    ] {
        let problem = beside(scheme, &args, text);
        let found = worst(&problem);
        assert_eq!(is_caught(&found), clean, "{text}: {found:?}");
    }
}

#[test]
fn a_declared_result_that_does_not_come_out_is_given_to_nobody_who_deviates() {
    let text = "protocol p(x, y: MalRep3<F>) -> v: F @ P ensures v == x + y private { v = reveal(x + y) + 1; }";
    let problem = beside(FIELD, &[], text);
    let limits = Limits {
        runs: 200,
        ..Limits::default()
    };
    let report = verify(&problem, &[], &limits).unwrap();
    assert_eq!(report.correct.word(), "WRONG");
    assert!(!report.active.is_empty());
    assert!(report.active.iter().all(|active| active.leak.is_some()));
}
