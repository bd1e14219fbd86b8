//! The prover against the refuter: no mutant is proved that enumeration refutes.

use super::build::*;
use super::standard::bind;
use crate::machine::Random;
use crate::*;
use smpc_ir::flat::{Owner, Want};
use smpc_ir::party::{Elem, Party};
use std::collections::BTreeMap;

/// Counts by verdict; panics on a proof that enumeration contradicts.
fn hold(problem: &Problem, counts: &mut BTreeMap<&'static str, usize>, every: usize) {
    let limits = Limits {
        assignments: 1 << 15,
        runs: 500,
        samples: 100,
    };
    for mutant in mutants(problem).into_iter().step_by(every) {
        let p = &mutant.problem;
        if p.validate().is_err() {
            *counts.entry("refused").or_default() += 1;
            continue;
        }
        let rings: Vec<Problem> = (1..=2).filter_map(|k| shrink(p, k)).collect();
        let mut worst = 0;
        for coalition in p.coalitions(p.threshold()) {
            let proof = prove_privacy(p, coalition).unwrap();
            for ring in &rings {
                let found = refute_privacy(ring, coalition, &limits).unwrap();
                if let (Some(certificate), Refutation::Leak(leak)) = (&proof, &found) {
                    panic!(
                        "{:?} at {}: {certificate} but {leak:?}",
                        mutant.mutation, mutant.step
                    );
                }
                worst = worst.max(match (&proof, found) {
                    (_, Refutation::Leak(_)) => 3,
                    (None, Refutation::Exhausted { .. }) => 1,
                    (None, _) => 2,
                    _ => 0,
                });
            }
            if let Some(certificate) = &proof {
                check(p, certificate).unwrap();
            }
            for result in 0..p.results.len() {
                let Some(certificate) = prove_freshness(p, coalition, result).unwrap() else {
                    continue;
                };
                check(p, &certificate).unwrap();
                for ring in &rings {
                    let found = refute_freshness(ring, coalition, result, &limits).unwrap();
                    if let Refutation::NotFresh(wrong) = found {
                        panic!(
                            "{:?} at {}: fresh, but {wrong:?}",
                            mutant.mutation, mutant.step
                        );
                    }
                }
            }
        }
        let right = correctness(p, &[], &limits).unwrap();
        if right == (Verdict::Proved { certificate: None }) {
            // A proof of correctness must agree with execution.
            for ring in &rings {
                let again = correctness(ring, &[], &limits).unwrap();
                assert!(
                    !again.is_refuted(),
                    "{:?} at {}",
                    mutant.mutation,
                    mutant.step
                );
            }
        }
        let word = if right.is_refuted() {
            "wrong"
        } else {
            ["private", "exhausted", "unknown", "leaks"][worst]
        };
        *counts.entry(word).or_default() += 1;
    }
}

#[test]
fn no_mutant_of_a_product_is_proved_wrongly() {
    let mut counts = BTreeMap::new();
    hold(&rep3_mul(true), &mut counts, 1);
    hold(&beaver(2), &mut counts, 1);
    println!("{counts:?}");
    assert!(counts["leaks"] > 10 && counts["wrong"] > 10 && counts["refused"] > 10);
}

#[test]
fn no_mutant_of_the_library_is_proved_wrongly() {
    let mut counts = BTreeMap::new();
    let ring = Elem::Ring(64);
    for (name, args) in [
        ("rep3", vec![]),
        ("additive", vec![("n", 2)]),
        ("additive", vec![("n", 3)]),
    ] {
        let bound = bind(name, &args);
        let n = if args == [("n", 2)] { 2 } else { 3 };
        for (want, every) in [
            (Want::Share(ring, Owner::Party(0)), 1),
            (Want::Share(ring, Owner::Outside), 1),
            (Want::Reveal(ring, Owner::Computing), 1),
            (Want::Reveal(ring, Owner::Party(1)), 1),
            (Want::Reveal(ring, Owner::Outside), n),
            (Want::Mul(ring), n * n),
        ] {
            hold(
                &Problem::standard(want, &bound).unwrap(),
                &mut counts,
                every,
            );
        }
    }
    println!("{counts:?}");
}

/// A random protocol of three parties on two additive sharings: coins of random sets, sums,
/// differences and products of what somebody knows, and messages.
fn random_protocol(seed: u64) -> Problem {
    let mut state = Random(seed);
    let mut pick = |n: usize| (state.word() % n as u64) as usize;
    let sharing = additive(3);
    let mut b = Build::new(3, &[], false);
    let mut pool = b.shared(&sharing);
    if pick(3) == 0 {
        pool.extend(b.shared(&sharing));
    }
    for _ in 0..pick(5) + 1 {
        let parties: Vec<u8> = match pick(4) {
            0 => vec![pick(3) as u8],
            1 => vec![0, 1, 2],
            _ => {
                let skip = pick(3) as u8;
                (0..3).filter(|p| *p != skip).collect()
            }
        };
        pool.push(b.coin(&parties));
    }
    for _ in 0..pick(9) + 3 {
        let (x, y) = (pool[pick(pool.len())], pool[pick(pool.len())]);
        let kind = pick(8);
        if kind < 3 {
            let senders: Vec<u8> = b.known(x).iter().map(|p| p.0).collect();
            let from = senders[pick(senders.len())];
            let to = (from + 1 + pick(2) as u8) % 3;
            pool.push(b.send(x, from, &[to]));
        } else if !b.known(x).intersection(b.known(y)).is_empty() {
            pool.push(match kind {
                3 | 4 => b.add(x, y),
                5 | 6 => b.sub(x, y),
                _ => b.mul(x, y),
            });
        }
    }
    let held = |party: u8, b: &Build| {
        let known: Vec<u32> = pool
            .iter()
            .copied()
            .filter(|v| b.known(*v).contains(Party(party)))
            .collect();
        known[known.len() - 1]
    };
    let result: Vec<u32> = (0..3).map(|party| held(party, &b)).collect();
    b.shares(&result, &sharing, Spec::Unspecified)
}

/// Counts; panics on any proof that enumeration contradicts.
fn random_protocols(count: u64) -> BTreeMap<&'static str, usize> {
    let limits = Limits {
        assignments: 1 << 13,
        runs: 0,
        samples: 0,
    };
    let mut counts = BTreeMap::new();
    for seed in 0..count {
        let problem = random_protocol(seed);
        let rings: Vec<Problem> = (1..=2).filter_map(|k| shrink(&problem, k)).collect();
        for coalition in [set(&[0]), set(&[0, 1]), set(&[2])] {
            let proof = prove_privacy(&problem, coalition).unwrap();
            let fresh = prove_freshness(&problem, coalition, 0).unwrap();
            for certificate in proof.iter().chain(&fresh) {
                check(&problem, certificate).unwrap();
            }
            let (mut leaks, mut complete) = (false, false);
            for ring in &rings {
                match refute_privacy(ring, coalition, &limits).unwrap() {
                    Refutation::Leak(_) => leaks = true,
                    Refutation::Exhausted { .. } => complete = true,
                    _ => {}
                }
                let found = refute_freshness(ring, coalition, 0, &limits).unwrap();
                let refuted = matches!(found, Refutation::NotFresh(_));
                assert!(
                    !(refuted && fresh.is_some()),
                    "seed {seed}: {:?}",
                    problem.flat
                );
            }
            assert!(
                !(leaks && proof.is_some()),
                "seed {seed}: {:?}",
                problem.flat
            );
            let word = match (proof.is_some(), leaks, complete) {
                (true, ..) => "proved",
                (_, true, _) => "leaks",
                (_, _, true) => "private, not proved",
                _ => "too large",
            };
            *counts.entry(word).or_default() += 1;
        }
    }
    counts
}

#[test]
fn no_random_protocol_is_proved_wrongly() {
    let counts = random_protocols(3_000);
    println!("{counts:?}");
    let missed = counts.get("private, not proved").copied().unwrap_or(0);
    assert!(counts["leaks"] > 1_000 && counts["proved"] > 9 * missed);
}

/// The long run; a few minutes.
#[test]
#[ignore = "long"]
fn no_random_protocol_is_proved_wrongly_in_a_long_run() {
    println!("{:?}", random_protocols(100_000));
}
