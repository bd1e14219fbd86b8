//! Parties that deviate: the literature's mistakes.

use super::standard::bind;
use crate::active::{Active, Effect, deviate};
use crate::*;
use smpc_grammar::Sources;
use smpc_ir::flat::FlatOp;
use smpc_protocol::{Bound, Library};
use std::collections::HashMap;

pub(super) fn own(text: &str, args: &[(&str, i128)]) -> Bound {
    let mut sources = Sources::default();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", text);
    let errors = library.add(file, text);
    assert!(errors.is_empty(), "{errors:?}");
    let args: Vec<(String, i128)> = args.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
    let name = library.only_backend(file).unwrap();
    library
        .bind(&name, &args, None)
        .unwrap_or_else(|e| panic!("{e:?}"))
}

/// A scheme of the library with a change of its text.
pub(super) fn changed(
    text: &str,
    name: &str,
    changes: &[(&str, &str)],
    args: &[(&str, i128)],
) -> Bound {
    let mut text = text.replace(&format!("backend {name}("), "backend mine(");
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    own(&text, args)
}

pub(super) fn titled(bound: &Bound, title: &str) -> Problem {
    let all = problems(bound, &[]);
    let titles: Vec<String> = all.iter().map(|(t, ..)| t.clone()).collect();
    let found = all.into_iter().find(|(t, ..)| t == title);
    found
        .unwrap_or_else(|| panic!("{title} is not among {titles:?}"))
        .1
}

pub(super) fn worst(problem: &Problem) -> Active {
    let all = problem.deviating().into_iter();
    all.map(|coalition| deviate(problem, coalition))
        .max_by_key(Active::severity)
        .unwrap()
}

pub(super) fn is_caught(active: &Active) -> bool {
    active.leak.is_none() && matches!(active.effect, Effect::Caught { .. } | Effect::Harmless)
}

pub(super) const SPDZ: &str = include_str!("../../../stdlib/schemes/spdz.smpc");
pub(super) const SPDZ2K: &str = include_str!("../../../stdlib/schemes/spdz2k.smpc");
pub(super) const RING: &str = include_str!("../../../stdlib/schemes/rep3_malicious_ring.smpc");
pub(super) const SACRIFICE: &str = include_str!("../../../stdlib/schemes/rep3_malicious.smpc");

#[test]
fn a_check_of_tags_without_commitment_lets_an_error_through() {
    // Damgård, Keller, Larraia, Pastro, Scholl, Smart, ESORICS 2013: who sees the other's summand first
    // learns the key from it, and makes the sum 0.
    let commit =
        "        P[i] commits s[i];\n    }\n    for each P[i] { P[i] decommits s[i]; }\n    check";
    for (change, caught) in [
        (commit, true),
        ("        P[i] -> P: s[i];\n    }\n    check", false),
    ] {
        let bound = changed(SPDZ, "spdz", &[(commit, change)], &[("n", 2)]);
        for title in ["reveal to all", "mul"] {
            let worst = worst(&titled(&bound, title));
            assert_eq!(is_caught(&worst), caught, "{title}: {worst:?}");
            if caught {
                let Effect::Caught { chance } = worst.effect else {
                    panic!("{title}: {worst:?}");
                };
                // The claim says 2 / |F|.
                assert!(chance <= 2.1 * 2f64.powi(-127), "{title}: {chance}");
            }
        }
    }
}

/// The coin of the sacrifice is drawn before the product that is sacrificed.
pub(super) const COIN_FIRST: (&str, &str) = (
    "    let c = mul_unchecked(a, b);\n    let r = coin();\n",
    "    let r = coin();\n    let c = mul_unchecked(a, b);\n",
);

#[test]
fn a_coin_drawn_before_what_it_checks_lets_an_error_through() {
    let bound = changed(SACRIFICE, "rep3_malicious", &[COIN_FIRST], &[]);
    let worst = worst(&titled(&bound, "mul"));
    assert!(!is_caught(&worst), "{worst:?}");
}

#[test]
fn a_check_left_out_lets_an_error_through() {
    let bound = changed(
        SPDZ,
        "spdz",
        &[(
            "    mac_check(v, x);                              // recorded; v is unchecked until it has run\n",
            "",
        )],
        &[("n", 2)],
    );
    for title in ["reveal to all", "mul"] {
        let worst = worst(&titled(&bound, title));
        let changes = matches!(worst.effect, Effect::Changes { .. });
        assert!(changes, "{title}: {worst:?}");
        assert!(
            worst
                .lies
                .iter()
                .any(|lie| matches!(lie.effect, Effect::Changes { .. }))
        );
    }
    let bound = changed(
        SACRIFICE,
        "rep3_malicious",
        &[("    sacrifice(x, y, z);\n", "")],
        &[],
    );
    let worst = worst(&titled(&bound, "mul"));
    assert!(matches!(worst.effect, Effect::Changes { .. }), "{worst:?}");
}

#[test]
fn an_agreement_holds_for_what_was_made_of_the_copies_before_it() {
    const FOUR: &str = include_str!("../../../stdlib/schemes/fantastic4.smpc");
    let agreed = "    agree x[3] @ {P[0], P[1], P[2]};";
    let traffic = |problem: &Problem| {
        let traffic = problem.flat.traffic(problem.own);
        (traffic.rounds, traffic.elements)
    };
    let library = titled(&bind("fantastic4", &[]), "share from P[3]");
    let expected = traffic(&library);
    assert_eq!(expected, (2, 9));
    // Another name for the copy, which is the result; and what is computed from the copy, which nobody reads.
    for made in ["let q = x[3];", "let q = 3 * x[3];", "let q = bits(x[3]);"] {
        let late = format!("    {made} agree q @ {{P[0], P[1], P[2]}};");
        let bound = changed(FOUR, "fantastic4", &[(agreed, &late)], &[]);
        let problem = titled(&bound, "share from P[3]");
        assert_eq!(traffic(&problem), expected, "{made}");
        let worst = worst(&problem);
        // That bits are equal where elements are is not among what the prover concludes.
        let open = made.contains("bits") && worst.effect.is_open();
        assert!(open || is_caught(&worst), "{made} {worst:?}");
    }
    let bound = changed(FOUR, "fantastic4", &[(agreed, "")], &[]);
    let worst = worst(&titled(&bound, "share from P[3]"));
    assert!(
        matches!(worst.effect, Effect::Changes { .. }),
        "without: {worst:?}"
    );
}

#[test]
fn an_abort_that_depends_on_an_input_is_told() {
    let text = "backend mine(k: int = 64) { int, fix<f>: A<Z[2^k]>; bool, bits<m>: A<Bits[m]>; }\n\
         scheme A<R: Ring> { parties P[2]; corrupt 1 of P malicious, abort;\n\
         share x = sum(x[i] for P[i]); P[i] holds x[i]; }\n\
         protocol share<D: party>(v: R @ D) -> x: A<R> ensures x == v private {\n\
         x[1] <- R @ {D, P[1]}; x[0] = v - x[1]; D -> P[0]: x[0]; }\n\
         protocol tested(y: R @ P[1]) -> v: R @ P[1] ensures v == y private {\n\
         let r, s <- R @ P[0]; let t = r - s; P[0] -> P[1]: r, s, t;\n\
         check FACTOR == 0 else abort; v = y; }\n";
    for (factor, depends) in [("y * (r - s - t)", true), ("r - s - t", false)] {
        let bound = own(&text.replace("FACTOR", factor), &[]);
        let worst = worst(&titled(&bound, "tested"));
        assert_eq!(worst.leak.is_some(), depends, "{factor}: {worst:?}");
    }
}

/// What is sent on before it was compared: every use of a compared value is of the value itself, and the
/// comparisons come last.
pub(super) fn late(problem: &Problem) -> Problem {
    let mut flat = (*problem.flat).clone();
    let (checks, mut steps): (Vec<_>, Vec<_>) = std::mem::take(&mut flat.steps)
        .into_iter()
        .partition(|step| matches!(step.op, FlatOp::Check { .. }));
    let mut instead: HashMap<u32, u32> = HashMap::new();
    for step in &checks {
        let value = *instead.get(&step.args[0]).unwrap_or(&step.args[0]);
        instead.insert(step.result, value);
    }
    let swap = |id: &mut u32| *id = *instead.get(id).unwrap_or(id);
    for step in &mut steps {
        step.args.iter_mut().for_each(swap);
    }
    let mut checks = checks;
    for step in &mut checks {
        step.args.iter_mut().for_each(swap);
    }
    steps.extend(checks);
    flat.steps = steps;
    flat.calls.clear();
    flat.barriers.clear();
    problem.with_flat(flat)
}

#[test]
fn digests_compared_at_the_end_tell_inputs() {
    // Fantastic Four's implementation before ePrint 2026/234.
    let bound = bind("fantastic4", &[("k", 8)]);
    let problem = titled(&bound, "bit_to_ring");
    assert!(is_caught(&worst(&problem)), "{:?}", worst(&problem));
    let late = late(&problem);
    late.validate().unwrap();
    let worst = worst(&late);
    assert!(worst.leak.is_some(), "{worst:?}");
}

#[test]
fn an_error_is_shown_as_the_value_that_it_is() {
    // Elements have s bits more than their values, which the prover multiplies an error by.
    let problem = titled(&bind("rep3_malicious_ring", &[]), "mul_unchecked");
    for coalition in problem.deviating() {
        let found = deviate(&problem, coalition).effect;
        let Effect::Changes { what } = found else {
            panic!("{found:?}");
        };
        assert_eq!(what, "δ0");
    }
}
