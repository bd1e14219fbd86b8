//! The check of tags among three parties: two honest ones open a summand each.

use super::active::{SPDZ2K, changed, is_caught, titled, worst};
use crate::active::{Active, Effect};

/// What the worst coalition of three parties does to a protocol.
fn of_three(changes: &[(&str, &str)], title: &str) -> Active {
    let bound = changed(SPDZ2K, "spdz2k", changes, &[("n", 3)]);
    worst(&titled(&bound, title))
}

/// A change of the text, and protocols in which lies then get through or may.
type Mutant<'t> = (&'t [(&'t str, &'t str)], &'t [&'t str]);

const WEIGHED: &str = "        let s[i] = sum(rho[j] * x[j].m[i] for j in 0..m) - alpha[i] * a;\n";
const OPENED: &str = "        P[i] commits s[i];\n    }\n    \
     for each P[i] { P[i] decommits s[i]; }\n    check sum(s[i]";

#[test]
fn tags_of_three_parties_are_checked_and_no_mutant_is_proved() {
    let all = ["reveal to all", "reveal to P[1]", "open", "mul", "shuffle"];
    for title in all {
        let found = of_three(&[], title);
        let Effect::Caught { chance } = found.effect else {
            panic!("{title}: {found:?}");
        };
        // The claim says 2^(1 - s) * s with s = 64.
        assert!(
            is_caught(&found) && chance <= 2f64.powi(-57),
            "{title}: {found:?}"
        );
    }
    let told = |what: &str| {
        format!(
            "        let t[i] = {what};\n        P[i] -> P: t[i];\n        \
             check 2 * t[i] == t[i] + t[i] else abort;\n{WEIGHED}"
        )
    };
    let twice = told("sum(rho[j] * x[j].m[i] for j in 0..m) - 2 * alpha[i] * a");
    let mutants: [Mutant<'_>; 4] = [
        // Upper bits are told to some alone: tags say little of them, and components would not fit.
        (&[("if n > 2);", "if n > 3);")], &["mul", "shuffle"]),
        // Who tells its summand last chooses it.
        (
            &[(
                OPENED,
                "        P[i] -> P: s[i];\n    }\n    check sum(s[i]",
            )],
            &["open", "mul", "shuffle"],
        ),
        // Other summands of the same coins tell the keys before those of the check are bound.
        (&[(WEIGHED, twice.as_str())], &["open", "mul", "shuffle"]),
        // Weights of which the least k bits are 0.
        (
            &[
                ("= sum(rho[j] * v[j] for", "= sum(2^k * rho[j] * v[j] for"),
                (
                    "= sum(rho[j] * x[j].m[i] for",
                    "= sum(2^k * rho[j] * x[j].m[i] for",
                ),
            ],
            &["open", "mul", "shuffle"],
        ),
    ];
    for (changes, titles) in mutants {
        for title in titles {
            let found = of_three(changes, title);
            assert!(!is_caught(&found), "{changes:?}, {title}: {found:?}");
        }
    }
}
