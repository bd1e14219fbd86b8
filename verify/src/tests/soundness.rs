//! The prover against the refuter: no mutant is proved that enumeration refutes.

use super::build::*;
use super::standard::{bind, small};
use crate::bare::bare;
use crate::machine::Random;
use crate::*;
use smpc_ir::flat::Sharing;
use smpc_ir::party::Party;
use std::collections::BTreeMap;

/// Counts by verdict; panics on a proof that enumeration contradicts. Where the ring cannot be
/// narrowed afterwards, the protocol is one of a small ring already.
fn hold(problem: &Problem, counts: &mut BTreeMap<&'static str, usize>, every: usize) {
    let limits = Limits {
        assignments: 1 << 13,
        runs: 200,
        samples: 100,
    };
    for mutant in mutants(problem).into_iter().step_by(every) {
        let p = &mutant.problem;
        if p.validate().is_err() {
            *counts.entry("refused").or_default() += 1;
            continue;
        }
        let mut rings: Vec<Problem> = (1..=2).filter_map(|k| shrink(p, k)).collect();
        if rings.is_empty() {
            rings.push(p.clone());
        }
        let at = format!("{} {:?} at {}", p.flat.name, mutant.mutation, mutant.step);
        // 0: shown private, 1: open, 2: leaks.
        let mut worst = 0;
        for coalition in p.coalitions() {
            let eager = prove_privacy_with(p, coalition, &mut Proofs::eager()).unwrap();
            let plain = prove_privacy(p, coalition).unwrap();
            for certificate in eager.iter().chain(&plain) {
                check(p, certificate).unwrap_or_else(|e| panic!("{at}: {e}"));
            }
            let proof = eager.or(plain);
            let mut complete = false;
            for ring in &rings {
                match refute_privacy(ring, coalition, &limits).unwrap() {
                    Refutation::Leak(leak) => {
                        assert!(proof.is_none(), "{at}: {proof:?} but {leak:?}");
                        worst = 2;
                    }
                    Refutation::Exhausted { .. } => {
                        let told = bare(ring, coalition).unwrap();
                        assert!(told.is_none(), "{at}: {told:?} but enumerated");
                        complete = true;
                    }
                    _ => {}
                }
            }
            if let Some(leak) = bare(p, coalition).unwrap() {
                assert!(proof.is_none(), "{at}: {proof:?} but {leak:?}");
            }
            if proof.is_none() && !complete {
                worst = worst.max(1);
            }
            for result in 0..p.results.len() {
                let eager = prove_freshness_with(p, coalition, result, &mut Proofs::eager());
                let plain = prove_freshness(p, coalition, result).unwrap();
                let found: Vec<Certificate> = eager.unwrap().into_iter().chain(plain).collect();
                for certificate in &found {
                    check(p, certificate).unwrap_or_else(|e| panic!("{at}: {e}"));
                }
                for ring in rings.iter().filter(|_| !found.is_empty()) {
                    let refuted = refute_freshness(ring, coalition, result, &limits).unwrap();
                    if let Refutation::NotFresh(wrong) = refuted {
                        panic!("{at}: fresh, but {wrong:?}");
                    }
                }
            }
        }
        let right = correctness(p, &[], &limits).unwrap();
        let mut refuted = right.is_refuted();
        for ring in &rings {
            let again = correctness(ring, std::slice::from_ref(ring), &limits).unwrap();
            let proved = right == (Verdict::Proved { certificate: None });
            assert!(!(proved && again.is_refuted()), "{at}: {again:?}");
            refuted |= again.is_refuted();
        }
        let word = match (refuted, worst) {
            (true, _) => "wrong",
            (false, 2) => "leaks",
            (false, 1) => "open",
            _ => "harmless",
        };
        *counts.entry(word).or_default() += 1;
    }
}

/// The corpus: every protocol of a scheme's file, and every standard operation, up to so many steps.
fn corpus(
    name: &str,
    args: &[(&str, i128)],
    budget: usize,
    longest: usize,
) -> (usize, BTreeMap<&'static str, usize>) {
    let full = bind(name, args);
    let small = small(name, args, &full).swap_remove(0);
    let (mut counts, mut protocols) = (BTreeMap::new(), 0);
    let mut seen: Vec<Problem> = Vec::new();
    for (_, problem, rings) in problems(&full, &[&small]) {
        let narrowed = shrink(&problem, 1).is_some();
        let Some(problem) = (if narrowed {
            Some(&problem)
        } else {
            rings.first()
        }) else {
            continue;
        };
        if seen.iter().any(|other| other.flat == problem.flat) {
            continue;
        }
        seen.push(problem.clone());
        // Long protocols are made of calls that are in the corpus themselves.
        if problem.flat.steps.len() > longest {
            continue;
        }
        protocols += 1;
        let every = mutants(problem).len().div_ceil(budget).max(1);
        hold(problem, &mut counts, every);
    }
    (protocols, counts)
}

/// Every scheme of the library.
fn library() -> Vec<(&'static str, Vec<(&'static str, i128)>)> {
    vec![
        ("rep3", vec![]),
        ("additive", vec![("n", 2)]),
        ("additive", vec![("n", 3)]),
        ("shamir", vec![("n", 3)]),
        ("gmw", vec![("n", 2)]),
        ("gmw", vec![("n", 3)]),
        ("securenn", vec![]),
        ("aby", vec![]),
        ("astra", vec![]),
        ("fantastic4", vec![]),
        ("rep3_malicious", vec![]),
        ("rep3_malicious_ring", vec![]),
        ("spdz", vec![("n", 2)]),
        ("spdz2k", vec![("n", 2)]),
    ]
}

/// The counts of the quick corpus as the documentation has them.
#[test]
fn no_mutant_of_the_library_is_proved_wrongly() {
    super::standard::documented("mutants", &counted(4, 60, ""));
}

/// The counts of the whole corpus; written into the documentation with `UPDATE_VERIFIED=1`, or shown for the schemes of
/// `SMPC_SCHEMES=aby,astra`.
#[test]
#[ignore = "long"]
fn no_mutant_of_the_whole_corpus_is_proved_wrongly() {
    match std::env::var("SMPC_SCHEMES") {
        Ok(wanted) => println!("{}", counted(25, 400, &wanted)),
        Err(_) => super::standard::documented("all mutants", &counted(25, 400, "")),
    }
}

/// Of all schemes, or of those of a list.
fn counted(budget: usize, longest: usize, wanted: &str) -> String {
    let mut text = String::from(
        "scheme               protocols  mutants  refused  wrong  leaks  harmless  open\n",
    );
    let is_wanted = |name: &str| wanted.is_empty() || wanted.split(',').any(|own| own == name);
    for (name, args) in library().into_iter().filter(|(name, _)| is_wanted(name)) {
        let start = std::time::Instant::now();
        let (protocols, counts) = corpus(name, &args, budget, longest);
        println!("{name} {args:?}: {} ms", start.elapsed().as_millis());
        let count = |word: &str| counts.get(word).copied().unwrap_or(0);
        let scheme = match args.first() {
            Some((_, n)) => format!("{name}, n = {n}"),
            None => name.to_owned(),
        };
        let total: usize = counts.values().sum();
        text.push_str(&format!(
            "{scheme:<21}{protocols:<11}{total:<9}{:<9}{:<7}{:<7}{:<10}{}\n",
            count("refused"),
            count("wrong"),
            count("leaks"),
            count("harmless"),
            count("open"),
        ));
    }
    text
}

#[test]
fn no_mutant_of_a_product_is_proved_wrongly() {
    let mut counts = BTreeMap::new();
    hold(&rep3_mul(true), &mut counts, 1);
    hold(&beaver(2), &mut counts, 1);
    println!("{counts:?}");
    assert!(counts["leaks"] > 10 && counts["wrong"] > 10 && counts["refused"] > 10);
}

/// A call: each party's value under coins that it shares with the others, or with one coin missing.
fn reshare(b: &mut Build, own: &[u32], sharing: &Sharing, masked: bool) -> Vec<u32> {
    if sharing.masks.len() == 1 {
        return reshare_by_lines(b, own, sharing, masked);
    }
    let start = b.position();
    let coins: Vec<u32> = (0..3u8).map(|i| b.coin(&[i, (i + 1) % 3])).collect();
    let fresh: Vec<u32> = (0..3)
        .map(|i| {
            let more = if masked || i > 0 {
                b.add(own[i], coins[i])
            } else {
                own[i]
            };
            b.sub(more, coins[(i + 2) % 3])
        })
        .collect();
    b.call(start, own, &fresh, sharing);
    fresh
}

/// The same with Shamir's shares: each party deals its value anew, or one of them only repeats it.
fn reshare_by_lines(b: &mut Build, own: &[u32], sharing: &Sharing, masked: bool) -> Vec<u32> {
    let start = b.position();
    let mut parts = vec![Vec::new(); 3];
    for dealer in 0..3u8 {
        let value = own[usize::from(dealer)];
        let slope = (masked || dealer > 0).then(|| b.coin(&[dealer]));
        for to in 0..3u8 {
            let mut part = value;
            if let Some(slope) = slope {
                let rise = b.times(slope, i128::from(to) + 1);
                part = b.add(value, rise);
            }
            if to != dealer {
                part = b.send(part, dealer, &[to]);
            }
            parts[usize::from(to)].push(part);
        }
    }
    let fresh: Vec<u32> = parts.iter().map(|parts| b.sum(parts)).collect();
    b.call(start, own, &fresh, sharing);
    fresh
}

/// A random protocol of three parties on two additive sharings: coins of random sets, sums,
/// differences and products of what somebody knows, and messages.
fn random_protocol(seed: u64) -> Problem {
    let mut state = Random(seed);
    let mut pick = |n: usize| (state.word() % n as u64) as usize;
    // Two of three in a ring; the others in fields so small that all of it can be enumerated.
    let mut sharing = additive(3);
    match seed % 6 {
        4 => sharing.elem = field(3),
        5 => sharing = line(),
        _ => {}
    }
    let mut b = Build::new(3, &[], false);
    b.elem = sharing.elem;
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
    for round in 0..pick(9) + 3 {
        if round == 2 && pick(2) == 0 {
            // Resharing as a call: what each party holds, under coins of pairs.
            let own: Vec<u32> = (0..3u8)
                .map(|party| {
                    let known: Vec<u32> = pool
                        .iter()
                        .copied()
                        .filter(|v| b.known(*v).contains(Party(party)))
                        .collect();
                    known[pick(known.len())]
                })
                .collect();
            let masked = pick(4) > 0;
            pool.extend(reshare(&mut b, &own, &sharing, masked));
        }
        let (x, y) = (pool[pick(pool.len())], pool[pick(pool.len())]);
        let kind = pick(8);
        if kind < 3 {
            let senders: Vec<u8> = b.known(x).iter().map(|p| p.0).collect();
            let from = senders[pick(senders.len())];
            let to = (from + 1 + pick(2) as u8) % 3;
            pool.push(b.send(x, from, &[to]));
        } else if !b.known(x).intersection(b.known(y)).is_empty() {
            pool.push(match kind {
                3 if seed % 6 > 3 && pick(2) == 0 => b.times(x, 2),
                3 | 4 => b.add(x, y),
                5 | 6 => b.sub(x, y),
                _ => b.mul(x, y),
            });
        }
    }
    // Now and then a resharing that is a call of its own, its result used further.
    let held = |party: u8, b: &Build| {
        let known: Vec<u32> = pool
            .iter()
            .copied()
            .filter(|v| b.known(*v).contains(Party(party)))
            .collect();
        known[known.len() - 1]
    };
    let result: Vec<u32> = (0..3).map(|party| held(party, &b)).collect();
    let result = match pick(3) {
        0 => reshare(&mut b, &result, &sharing, true),
        _ => result,
    };
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
        let mut rings: Vec<Problem> = (1..=2).filter_map(|k| shrink(&problem, k)).collect();
        if rings.is_empty() {
            rings.push(problem.clone());
        }
        for coalition in [set(&[0]), set(&[0, 1]), set(&[2])] {
            // With calls as boxes where that succeeds, else as the text stands.
            let mut eager = Proofs::eager();
            let proof = prove_privacy_with(&problem, coalition, &mut eager).unwrap();
            let fresh = prove_freshness_with(&problem, coalition, 0, &mut eager).unwrap();
            for certificate in proof.iter().chain(&fresh) {
                check(&problem, certificate).unwrap();
                if !certificate.boxes.is_empty() {
                    *counts.entry("proofs with boxes").or_default() += 1;
                }
            }
            let (mut leaks, mut complete) = (false, false);
            for ring in &rings {
                let told = bare(ring, coalition).unwrap();
                *counts.entry("bare").or_default() += usize::from(told.is_some());
                match refute_privacy(ring, coalition, &limits).unwrap() {
                    Refutation::Leak(_) => leaks = true,
                    Refutation::Exhausted { .. } => {
                        assert!(told.is_none(), "seed {seed}: {told:?}: {:?}", problem.flat);
                        complete = true;
                    }
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
    let counts = random_protocols(4_000);
    println!("{counts:?}");
    let missed = counts.get("private, not proved").copied().unwrap_or(0);
    assert!(counts["leaks"] > 1_000 && counts["proved"] > 9 * missed);
    assert!(counts["bare"] > 500);
}

/// The long run; a few minutes.
#[test]
#[ignore = "long"]
fn no_random_protocol_is_proved_wrongly_in_a_long_run() {
    let counts = random_protocols(100_000);
    let count = |word: &str| counts.get(word).copied().unwrap_or(0);
    let private = count("proved") + count("private, not proved");
    println!("{counts:?}; of the private ones {:.1} % are proved", {
        100.0 * count("proved") as f64 / private as f64
    });
}
