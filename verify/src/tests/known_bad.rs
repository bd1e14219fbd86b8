//! What the literature warns of is caught, and what it proves is proved.

use super::build::*;
use crate::*;
use smpc_ir::party::PartySet;

/// The verdict on privacy of each coalition: words in the order of [`Problem::coalitions`].
fn privacy(problem: &Problem) -> Vec<(PartySet, Verdict)> {
    verify(problem, &[], &Limits::default()).unwrap().privacy
}

fn leaking(problem: &Problem) -> Vec<PartySet> {
    let refuted = |(set, verdict): (PartySet, Verdict)| verdict.is_refuted().then_some(set);
    privacy(problem).into_iter().filter_map(refuted).collect()
}

#[test]
fn replicated_product_is_proved() {
    let report = verify(&rep3_mul(true), &[], &Limits::default()).unwrap();
    assert_eq!(report.correct.word(), "proved");
    assert_eq!(report.private().unwrap().1.word(), "proved");
    assert_eq!(report.freshness().unwrap().1.word(), "proved");
    assert_eq!((report.rounds, report.elements), (1, 3));
    assert!(!report.requires_fresh());
}

#[test]
fn replicated_product_without_zero_sharing_leaks_to_each_party() {
    let problem = rep3_mul(false);
    assert_eq!(leaking(&problem), vec![set(&[0]), set(&[1]), set(&[2])]);
    let Verdict::Leaks(leak) = &privacy(&problem)[0].1 else {
        panic!("P[0] learns a product of components");
    };
    assert_eq!(leak.from_to, "P[1] -> {P[0]}");
    assert!(leak.exact);
}

#[test]
fn beaver_products_are_proved() {
    for n in 2..=4 {
        let report = verify(&beaver(n), &[], &Limits::default()).unwrap();
        assert_eq!(report.correct.word(), "proved", "n = {n}");
        assert_eq!(report.private().unwrap().1.word(), "proved", "n = {n}");
        assert_eq!(report.freshness().unwrap().1.word(), "proved", "n = {n}");
    }
}

#[test]
fn one_triple_for_two_products_leaks() {
    let sharing = additive(2);
    let mut b = Build::new(2, &["T"], false);
    let (x, y, w) = (b.shared(&sharing), b.shared(&sharing), b.shared(&sharing));
    let triple = deal(&mut b, 2);
    let first = multiply(&mut b, &x, &y, &triple);
    let second = multiply(&mut b, &w, &y, &triple);
    let both: Vec<u32> = first
        .iter()
        .zip(&second)
        .map(|(a, c)| b.add(*a, *c))
        .collect();
    let problem = b.shares(&both, &sharing, Spec::Unspecified);
    assert_eq!(leaking(&problem), vec![set(&[0]), set(&[1])]);
}

#[test]
fn one_mask_for_two_openings_leaks() {
    let sharing = additive(2);
    let mut b = Build::new(2, &[], false);
    let (x, y) = (b.shared(&sharing), b.shared(&sharing));
    let r: Vec<u32> = (0..2).map(|i| b.coin(&[i])).collect();
    let xr: Vec<u32> = (0..2).map(|i| b.add(x[i], r[i])).collect();
    let yr: Vec<u32> = (0..2).map(|i| b.add(y[i], r[i])).collect();
    open(&mut b, &xr);
    open(&mut b, &yr);
    let problem = b.shares(&r, &sharing, Spec::Unspecified);
    assert_eq!(leaking(&problem), vec![set(&[0]), set(&[1])]);
}

#[test]
fn summands_of_unshared_inputs_to_an_outsider_leak() {
    // v0 at P[0] and v1 at P[1] as summands of their sum: re-randomised they tell the sum alone.
    for masked in [false, true] {
        let mut b = Build::new(2, &[], true);
        let (v0, v1) = (b.clear(set(&[0])), b.clear(set(&[1])));
        let r = b.coin(&[0, 1]);
        let (u0, u1) = if masked {
            (b.add(v0, r), b.sub(v1, r))
        } else {
            (v0, v1)
        };
        let (s0, s1) = (b.send(u0, 0, &[2]), b.send(u1, 1, &[2]));
        let v = b.add(s0, s1);
        let problem = b.clears(v, &[2], Spec::Sum);
        let report = verify(&problem, &[], &Limits::default()).unwrap();
        assert_eq!(report.correct.word(), "proved");
        if masked {
            assert_eq!(report.private().unwrap().1.word(), "proved");
        } else {
            assert_eq!(leaking(&problem), vec![set(&[2])]);
        }
    }
}

#[test]
fn opening_needs_fresh_summands_and_says_so() {
    let sharing = additive(3);
    let mut b = Build::new(3, &[], false);
    let x = b.shared(&sharing);
    let v = open(&mut b, &x);
    let problem = b.clears(v, &[0, 1, 2], Spec::Reveal);
    let report = verify(&problem, &[], &Limits::default()).unwrap();
    assert_eq!(report.private().unwrap().1.word(), "unknown");
    let mut flat = (*problem.flat).clone();
    flat.claims.fresh.push(0);
    let report = verify(&problem.with_flat(flat), &[], &Limits::default()).unwrap();
    assert_eq!(report.private().unwrap().1.word(), "proved");
    assert!(report.requires_fresh());
}

#[test]
fn a_reveal_to_one_party_tells_another_nothing_and_a_wider_one_does() {
    for (to, leaks) in [(vec![0u8], false), (vec![0, 1], true)] {
        let sharing = additive(2);
        let mut b = Build::new(2, &[], true);
        let x = b.shared(&sharing);
        let r = b.coin(&[0, 1]);
        let (u0, u1) = (b.add(x[0], r), b.sub(x[1], r));
        let (m0, m1) = (b.send(u0, 0, &[2]), b.send(u1, 1, &[2]));
        let v = b.add(m0, m1);
        if to.len() > 1 {
            b.send(x[0], 0, &[1]);
        }
        let problem = b.clears(v, &[2], Spec::Reveal);
        assert_eq!(!leaking(&problem).is_empty(), leaks);
    }
}

#[test]
fn a_wrong_result_comes_with_inputs() {
    let problem = rep3_mul(true);
    let flipped = mutants(&problem)
        .into_iter()
        .find(|m| m.mutation == Mutation::FlipSign)
        .unwrap()
        .problem;
    let Verdict::Wrong(wrong) = correctness(&flipped, &[], &Limits::default()).unwrap() else {
        panic!("a flipped sign is found");
    };
    assert_eq!(wrong.inputs.len(), 2);
}

#[test]
fn a_result_that_repeats_its_operand_is_not_fresh() {
    let sharing = additive(3);
    let mut b = Build::new(3, &[], false);
    let x = b.shared(&sharing);
    let problem = b.shares(&x, &sharing, Spec::Unspecified);
    let report = verify(&problem, &[], &Limits::default()).unwrap();
    assert!(
        report
            .fresh
            .iter()
            .any(|(c, v)| *c == set(&[0]) && v.is_refuted())
    );
}

#[test]
fn knowledge_that_nobody_sent_is_refused() {
    let problem = rep3_mul(true);
    let dropped: Vec<Mutant> = mutants(&problem)
        .into_iter()
        .filter(|m| m.mutation == Mutation::DropSend)
        .collect();
    assert_eq!(dropped.len(), 3);
    for mutant in dropped {
        assert!(verify(&mutant.problem, &[], &Limits::default()).is_err());
    }
}

#[test]
fn a_mutated_certificate_is_refused() {
    for problem in [rep3_mul(true), beaver(3)] {
        for coalition in problem.coalitions() {
            let good = prove_privacy(&problem, coalition).unwrap().unwrap();
            check(&problem, &good).unwrap();
            for at in 0..good.steps.len() {
                let mut without = good.clone();
                without.steps.remove(at);
                assert!(check(&problem, &without).is_err());
                let mut twice = good.clone();
                twice.steps.push(good.steps[at].clone());
                assert!(check(&problem, &twice).is_err());
                let mut foreign = good.clone();
                foreign.steps[at].coin = Name::Value { param: 0 };
                assert!(check(&problem, &foreign).is_err());
            }
            // The same list for a coalition with one more party.
            for party in problem.everyone().without(coalition).iter() {
                let mut wider = good.clone();
                wider.coalition = coalition.union(PartySet::from_iter([party]));
                if wider.coalition.len() as usize > problem.threshold() && !good.steps.is_empty() {
                    assert!(check(&problem, &wider).is_err());
                }
            }
        }
    }
}
