//! Several clauses of one text: each is judged in each run, by what it says itself.

use super::active::{changed, titled};
use super::declared::PAIR;
use super::literature::{bind, found, word};
use super::through::InProcess;
use crate::*;
use smpc_ir::flat::Protocols;

const LIMITS: Limits = Limits {
    assignments: 1 << 13,
    runs: 2_000,
    samples: 100,
};

/// One more protocol of [`PAIR`], by its title, and the same in a small ring.
fn own(title: &str, text: &str) -> (Problem, Problem) {
    let text = format!("{PAIR}\n{text}");
    let one = |k: i128| {
        let bound = bind(&text, 2, k);
        let all = problems(&bound as &dyn Protocols, &[]);
        let found = all.into_iter().find(|(name, ..)| name == title);
        found.unwrap_or_else(|| panic!("no {title}")).1
    };
    (one(64), one(3))
}

/// The verdicts of an enumeration without runs, of runs of the prover's machine alone, and of runs of endpoints alone.
fn words((full, small): &(Problem, Problem)) -> [&'static str; 3] {
    let none = Limits { runs: 0, ..LIMITS };
    let enumerated = correctness(full, std::slice::from_ref(small), &none).unwrap();
    let run = correctness(full, &[], &LIMITS).unwrap();
    let through = correctness_through(full, &[], &LIMITS, &InProcess).unwrap();
    [enumerated, run, through].map(|verdict| verdict.word())
}

/// x, and one more with a chance of one half, in two results.
const HALF: &str =
    "{ let b <- Bits[1] @ P[0]; z[0] = x + (b as R); z[1] = 0; y[0] = x + (b as R); y[1] = 0; }";

#[test]
fn a_clause_that_may_fail_excuses_no_other_one() {
    let always = "{ z[0] = x + 1; z[1] = 0; y[0] = x; y[1] = 0; }";
    for (first, second, body) in [
        // Wrong always, and said to be so by one clause only.
        ("z == x except 1", "z == x", always),
        ("z == x except 1", "z == x except 2^-1", always),
        // Wrong half of the time.
        ("z == x except 2^-1", "z == x", HALF),
        ("z == x except 2^-1", "z == x except 2^-60", HALF),
        // Another result.
        ("z == x except 2^-1", "y == x", HALF),
        ("z == x except 2^-1", "y == x except 2^-3", HALF),
    ] {
        for (first, second) in [(first, second), (second, first)] {
            let text = format!(
                "protocol own(x: R @ P[0]) -> z: Pair<R>, y: Pair<R> ensures {first} ensures {second} private {body}"
            );
            assert_eq!(words(&own("own", &text)), ["WRONG"; 3], "{first}, {second}");
        }
    }
    // Each within what it says itself.
    let both = "ensures z == x except 2^-1 ensures y == x except 2^-1";
    let text = format!("protocol own(x: R @ P[0]) -> z: Pair<R>, y: Pair<R> {both} private {HALF}");
    assert_eq!(
        words(&own("own", &text)),
        ["exhausted", "measured", "measured"]
    );
}

#[test]
fn nothing_is_measured_where_one_clause_hardly_ever_fails() {
    // Of the second clause 2,000 runs say nothing.
    let text = format!(
        "protocol own(x: R @ P[0]) -> z: Pair<R>, y: Pair<R> ensures z == x except 2^-1 ensures z == y except 2^-60 private {HALF}"
    );
    assert_eq!(
        words(&own("own", &text)),
        ["exhausted", "unknown", "unknown"]
    );
}

#[test]
fn a_result_that_another_clause_excuses_is_not_given() {
    let text = "protocol own(x: R @ P[0]) -> z: Pair<R>, y: R @ P[1] ensures z == x except 2^-1 ensures y == x + 5 private {\n\
                let b <- Bits[1] @ P[0]; z[0] = x + (b as R); z[1] = 0;\n\
                let c = x + 5 + (b as R); P[0] -> P[1]: c; y = c; }";
    let row = found(&format!("{PAIR}\n{text}"), 2, "own");
    assert_eq!((row.1.correct.word(), word(&row)), ("WRONG", "unknown"));
}

#[test]
fn a_truncation_that_scripts_use_is_held_against_its_own_clause_too() {
    for (except, verdict) in [
        ("", "WRONG"),
        ("except abs(x) / 2^k", "WRONG"),
        ("except 2^-60", "WRONG"),
        ("except (abs(x) + 1) / 2^k", "exhausted"),
    ] {
        let text = format!(
            "{PAIR}\nprotocol cut(x: Pair<Z[2^k]>, f: int) -> z: Pair<Z[2^k]> realises trunc(x, f) mode local\n\
             requires fresh x ensures z == (x >> f) - e for e in 0..=1 {except} private {{\n\
             z[0] = x[0] >> f; z[1] = x[1] >> f; }}"
        );
        let row = found(&text, 2, "trunc, local");
        assert_eq!(row.1.correct.word(), verdict, "{except}");
    }
}

#[test]
fn truncations_of_the_library_need_their_exceptions() {
    const ABY: &str = include_str!("../../../stdlib/schemes/aby.smpc");
    const REP3: &str = include_str!("../../../stdlib/schemes/rep3.smpc");
    let one = " except (abs(x) + 1) / 2^k";
    for (name, text, title, except) in [
        ("aby", ABY, "trunc, local", one),
        ("rep3", REP3, "trunc, local", one),
        (
            "rep3",
            REP3,
            "mul and trunc, local",
            " except (abs(x * y) + 1) / 2^k",
        ),
    ] {
        for less in ["", " except 2^-60"] {
            let problem = titled(&changed(text, name, &[(except, less)], &[]), title);
            let verdict = correctness(&problem, &[], &LIMITS).unwrap();
            assert_eq!(verdict.word(), "WRONG", "{name}, {title}{less}");
        }
    }
}

#[test]
fn a_clause_that_says_nothing_of_some_runs_is_not_exhausted() {
    let text = |clause: &str| {
        format!(
            "protocol own(x: R @ P[0]) -> z: Pair<R> ensures {clause} private {{ z[0] = x; z[1] = 0; }}"
        )
    };
    // 0 of 0 is no chance of failing, and says not that anything may.
    let chance = own("own", &text("z == x + 1 except 0 / 0"));
    assert_eq!(words(&chance), ["unknown"; 3]);
    // A cube of 64 bits is no number of 128; in small rings it is one.
    let (full, small) = own("own", &text("z == x + 0 * ((x * x * x) >> 1)"));
    let verdict = correctness(&full, &[small], &LIMITS).unwrap();
    assert_eq!(verdict.word(), "unknown", "{verdict:?}");
}
