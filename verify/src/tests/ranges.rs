//! Masks on a range: the distance that is said, and what is no such mask.

use super::active::{own, titled};
use crate::certificate::{LEAST, Valued};
use crate::text::{File, Subject};
use crate::*;

const ADDITIVE: &str = include_str!("../../../stdlib/schemes/additive.smpc");

/// A value of 21 bits is opened under a mask of 61 bits, of which the result is what it was.
const SHOWN: &str = "
protocol shown(x: Additive<Z[2^k]>) -> z: Additive<Z[2^k]>
    requires -2^20 <= x < 2^20
    ensures z == x
    private
{
    offline { let s <- Bits[61] @ T; let r = share(s as Z[2^k]); }
    let c = open(x + r);
    z = c - r;
}
";

fn shown(changes: &[(&str, &str)]) -> Problem {
    let mut text = SHOWN.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let scheme = ADDITIVE.replace("backend additive(", "backend mine(");
    titled(&own(&format!("{scheme}{text}"), &[("n", 2)]), "shown")
}

/// The verdicts of the parties and of the dealer.
fn private(problem: &Problem) -> Vec<Verdict> {
    let limits = Limits {
        assignments: 1 << 10,
        runs: 100,
        samples: 100,
    };
    let report = verify(problem, &[], &limits).unwrap();
    report
        .privacy
        .into_iter()
        .map(|(_, verdict)| verdict)
        .collect()
}

fn distances(problem: &Problem) -> Vec<Option<u32>> {
    let of = |verdict: &Verdict| match verdict {
        Verdict::Statistical { bits, .. } => Some(*bits),
        _ => None,
    };
    private(problem).iter().map(of).collect()
}

fn certificate(problem: &Problem) -> Certificate {
    let found = private(problem)
        .into_iter()
        .find_map(|verdict| match verdict {
            Verdict::Statistical { certificate, .. } => Some(certificate),
            _ => None,
        });
    found.expect("a mask on a range")
}

#[test]
fn a_mask_on_a_range_carries_its_distance() {
    let problem = shown(&[]);
    // 2^20 beside 2^61. P[1] is not told the sum, since its component does not need it, and the dealer sees nothing.
    assert_eq!(distances(&problem), [Some(41), None, None]);
    let exact = &private(&problem)[1..];
    assert!(exact.iter().all(|verdict| verdict.word() == "proved"));
    let narrow = shown(&[("Bits[61]", "Bits[50]")]);
    assert_eq!(distances(&narrow)[0], Some(30));
    let scaled = shown(&[
        ("open(x + r)", "open(4 * x + r)"),
        ("z = c - r", "z = c - r - 3 * x"),
    ]);
    assert_eq!(distances(&scaled)[0], Some(39));
    let magnitude = shown(&[("-2^20 <= x < 2^20", "abs(x) <= 2^10")]);
    assert_eq!(distances(&magnitude)[0], Some(51));
}

#[test]
fn two_openings_add_their_distances() {
    let twice = shown(&[
        (
            "let r = share(s as Z[2^k]); }",
            "let r = share(s as Z[2^k]); let t <- Bits[61] @ T; let q = share(t as Z[2^k]); }",
        ),
        (
            "z = c - r;",
            "let d = open(2 * x - q); z = c - r; check d == d else abort;",
        ),
    ]);
    // 2^-41 and 2^-40; P[1] needs the second opening only.
    assert_eq!(distances(&twice)[..2], [Some(39), Some(40)]);
}

#[test]
fn what_is_no_mask_on_a_range_is_not_taken_for_one() {
    for (changes, why) in [
        (&[("Bits[61]", "Bits[40]")][..], "it hides 20 bits more"),
        (
            &[("    requires -2^20 <= x < 2^20\n", "")],
            "nothing bounds x",
        ),
        (
            &[("-2^20 <= x < 2^20", "x < 2^20")],
            "nothing bounds x from below",
        ),
        (
            &[("open(x + r)", "open(x + 2 * r)")],
            "the lowest bit stays",
        ),
        (
            &[
                (
                    "let r = share(s as Z[2^k]); }",
                    "let r = share(s as Z[2^k]); let q = share((s >>> 1) as Z[2^k]); }",
                ),
                ("open(x + r)", "open(x + r - 2 * q)"),
            ],
            "all of the mask but a bit is taken off again",
        ),
        (
            &[
                ("open(x + r)", "open(x * x + r)"),
                ("let c", "let x2 = mul(x, x); let c"),
                ("x * x", "x2"),
            ],
            "a square has no bound here",
        ),
        (
            &[(
                "z = c - r;",
                "let d = open(r); z = c - r; check d == d else abort;",
            )],
            "the mask is told",
        ),
        (
            &[(
                "z = c - r;",
                "let d = open(3 * x + r); z = c - r; check d == d else abort;",
            )],
            "one mask for two openings",
        ),
        (
            &[("s <- Bits[61] @ T;", "s <- Bits[61] @ {T, P};")],
            "the parties know it",
        ),
    ] {
        let found = &private(&shown(changes))[0];
        let word = found.word();
        assert!(
            word != "proved" && word != "statistical",
            "{why}: {found:?}"
        );
    }
}

#[test]
fn a_changed_range_is_refused() {
    let problem = shown(&[]);
    let found = certificate(&problem);
    assert_eq!(check(&problem, &found), Ok(()));
    assert_eq!(found.distance(), Some(41));
    let changed = |change: &dyn Fn(&mut Certificate)| {
        let mut other = found.clone();
        change(&mut other);
        check(&problem, &other)
    };
    assert!(changed(&|c| c.ranges[0].bits = 42).is_err());
    assert!(changed(&|c| c.ranges[0].bits = LEAST - 1).is_err());
    assert!(changed(&|c| c.ranges.clear()).is_err());
    assert!(changed(&|c| c.ranges.push(c.ranges[0].clone())).is_err());
    assert!(changed(&|c| c.ranges[0].coin = c.steps[0].coin).is_err());
    assert!(changed(&|c| c.goal = Goal::Values).is_err());
    // It says nothing of the same text with a shorter mask, or a larger operand.
    for change in [("Bits[61]", "Bits[60]"), ("x < 2^20", "x <= 2^20 + 1")] {
        assert!(check(&shown(&[change]), &found).is_err(), "{change:?}");
    }
}

#[test]
fn ranges_are_written_and_read() {
    let found = certificate(&shown(&[]));
    let file = File {
        scheme: "mine".to_owned(),
        parties: 2,
        subjects: vec![Subject {
            title: "shown".to_owned(),
            certificates: vec![found.clone()],
        }],
    };
    let read = File::read(&file.write()).unwrap();
    assert_eq!(read.subjects[0].certificates[0].ranges, found.ranges);
    assert_eq!(
        check(&shown(&[]), &read.subjects[0].certificates[0]),
        Ok(())
    );
}

/// Of a call that is hidden but for a distance, nothing exact is concluded.
#[test]
fn a_call_that_hides_but_for_a_distance_is_no_ideal_box() {
    let caller = "
protocol twice(x: Additive<Z[2^k]>) -> z: Additive<Z[2^k]>
    requires -2^20 <= x < 2^20
    ensures z == x
    private
{ z = shown(x); }
";
    let scheme = ADDITIVE.replace("backend additive(", "backend mine(");
    let bound = own(&format!("{scheme}{SHOWN}{caller}"), &[("n", 2)]);
    let problem = titled(&bound, "twice");
    assert_eq!(distances(&problem)[0], Some(41));
    let calls = &problem.flat.calls;
    let at = calls.iter().position(|call| call.name == "shown").unwrap();
    let coalition = problem.coalitions()[0];
    let eager = prove_privacy_with(&problem, coalition, &mut Proofs::eager()).unwrap();
    assert!(
        eager
            .unwrap()
            .boxes
            .iter()
            .all(|boxed| boxed.call != at as u32)
    );
    let callee = crate::callee::extract(&problem, &calls[at]).unwrap();
    let privacy = prove_privacy(&callee.problem, coalition).unwrap();
    let freshness = prove_freshness(&callee.problem, coalition, 0).unwrap();
    let (privacy, freshness) = (
        privacy.unwrap_or(certificate(&shown(&[]))),
        freshness.unwrap(),
    );
    assert!(!privacy.ranges.is_empty());
    let forged = Certificate {
        coalition,
        assume: Assumption::AnySharing,
        goal: Goal::Privacy,
        boxes: vec![Boxed {
            call: at as u32,
            value: Valued::Unknown,
            proof: std::sync::Arc::new(CalleeProof {
                privacy,
                freshness,
                values: None,
            }),
        }],
        known: vec![],
        steps: vec![],
        ranges: vec![],
    };
    let refused = check(&problem, &forged).unwrap_err();
    assert!(refused.0.contains("something else"), "{refused:?}");
}
