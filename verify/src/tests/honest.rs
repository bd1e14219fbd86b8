//! Checks that fail although nobody deviates.

use super::active::{SACRIFICE, SPDZ, changed, titled};
use crate::*;
use smpc_protocol::Bound;

/// What is found of correctness, and of privacy against one party.
fn found(bound: &Bound, title: &str) -> (Verdict, Vec<Verdict>) {
    let problem = titled(bound, title);
    let limits = Limits {
        runs: 200,
        ..Limits::default()
    };
    let report = verify(&problem, &[], &limits).unwrap();
    let privacy = report.privacy.into_iter().map(|(_, verdict)| verdict);
    (report.correct, privacy.collect())
}

const SUM: &str = "    v = x[0] + x[1] + x[2];\n}";

/// A sign flipped in a check, a check of one value, of coins, of an operand: honest parties never or seldom have a result.
#[test]
fn a_check_that_honest_parties_fail_is_no_proof() {
    let product = "    z = mul_unchecked(x, y);\n    sacrifice";
    let last = "    check w == 0 else abort;\n";
    let coins = "    let u0 <- F @ P;\n    let u1 <- F @ P;\n    check u0 == u1 else abort;\n";
    for (from, to, title) in [
        (last, "    check w == 1 else abort;\n", "mul"),
        (
            SUM,
            "    v = x[0] + x[1] + x[2];\n    check v == 7 else abort;\n}",
            "reveal to all",
        ),
        (
            SUM,
            "    v = x[0] + x[1] + x[2];\n    check v == 7 else abort;\n}",
            "mul",
        ),
        (last, &format!("{last}{coins}"), "mul"),
        (
            SUM,
            "    v = x[0] + x[1] + x[2];\n    let u0 <- F @ P;\n    check u0 == 0 else abort;\n}",
            "reveal to all",
        ),
        (
            product,
            "    let o = reveal(x - x + random());\n    check o == 0 else abort;\n    z = mul_unchecked(x, y);\n    sacrifice",
            "mul",
        ),
        (
            product,
            "    check x[1] * y[1] == 0 else abort;\n    z = mul_unchecked(x, y);\n    sacrifice",
            "mul",
        ),
    ] {
        let bound = changed(SACRIFICE, "rep3_malicious", &[(from, to)], &[]);
        let (correct, private) = found(&bound, title);
        let Verdict::Wrong(wrong) = &correct else {
            panic!("{to}, {title}: {correct:?}");
        };
        assert!(wrong.what.contains("end without a result"), "{wrong:?}");
        assert!(wrong.got[0] != wrong.got[1], "{wrong:?}");
        for verdict in private {
            assert!(
                matches!(verdict, Verdict::Unknown { .. }) || verdict.is_refuted(),
                "{to}, {title}: {verdict:?}"
            );
        }
    }
}

#[test]
fn a_check_of_tags_that_honest_parties_fail_is_no_proof() {
    let check = "check sum(s[i] for P[i]) == ";
    for (to, right) in [("0", true), ("1", false)] {
        let change = (format!("{check}0"), format!("{check}{to}"));
        let changes = [(change.0.as_str(), change.1.as_str())];
        let bound = changed(SPDZ, "spdz", &changes, &[("n", 2)]);
        for title in ["mul", "reveal to all"] {
            let (correct, private) = found(&bound, title);
            assert_eq!(
                correct.word(),
                if right { "proved" } else { "WRONG" },
                "{title}"
            );
            let proved = private.iter().all(|verdict| verdict.word() == "proved");
            assert_eq!(proved, right, "{title}: {private:?}");
        }
    }
}
