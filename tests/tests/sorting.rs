//! What sorting in the open tells: an order of places that is uniformly random, whatever the keys.

use std::collections::BTreeMap;

use smpc_tests::case::Case;
use smpc_tests::pipeline::{Start, checked};
use smpc_tests::run::{Backend, Run, run};

/// A run of `std::sorting` on these keys.
fn sorted(scheme: &str, keys: &[i128], seed: u64) -> Run {
    let text = "use std::sorting;\nparty alice;\ninput x: [int; n] from alice;\n\
                reveal sorting::sort(share x) as y;\nleaks n, y to all;\n";
    let program = checked(text, &Case::default()).expect("it checks");
    let start = Start {
        sizes: vec![keys.len() as i128],
        params: vec![],
        inputs: vec![(vec![keys.len()], keys.to_vec())],
    };
    let bound = Backend::new(scheme, &[]).bind().expect("it binds");
    run(&program, &start, &bound, seed).expect("it runs")
}

/// The places of the shuffled rows in the order that the comparisons tell, as whoever sees them works it out.
fn places(order: &[f64], n: usize) -> Vec<usize> {
    let (mut at, mut lo, mut hi): (Vec<usize>, _, _) = ((0..n).collect(), vec![0; n], vec![n; n]);
    for less in order.chunks(3 * n) {
        let pivot = |i: usize, p: usize| at[lo[i] + (hi[i] - lo[i]) * (2 * p + 1) / 6];
        let level: Vec<usize> = (0..n)
            .map(|i| {
                let other = |p: &usize| pivot(i, *p) != at[i];
                let above = (0..3).filter(other).filter(|p| less[3 * i + p] == 0.0);
                2 * above.count() + usize::from(!(0..3).all(|p| other(&p)))
            })
            .collect();
        let among = |i: usize, keep: &dyn Fn(usize) -> bool| {
            (0..n).filter(|j| lo[*j] == lo[i] && keep(*j)).count()
        };
        let (mut next, mut low, mut high) = (at.clone(), lo.clone(), hi.clone());
        for i in 0..n {
            let first = lo[i] + among(i, &|j| level[j] < level[i]);
            let to = first + among(i, &|j| level[j] == level[i] && j < i);
            (next[to], low[to]) = (at[i], first);
            high[to] = first + among(i, &|j| level[j] == level[i]);
        }
        (at, lo, hi) = (next, low, high);
    }
    at
}

/// What is revealed, and how often, depends on the coins and on the number of rows alone: equal keys say as little as different
/// ones.
#[test]
fn equal_keys_are_compared_like_different_ones() {
    let keys = [
        vec![7; 9],
        vec![1, 0, 1, 0, 1, 0, 0, 1, 0],
        vec![30, -4, 41, 30, 41, 41, -4, 30, 41],
        vec![
            i128::from(i64::MAX),
            i128::from(i64::MIN),
            0,
            0,
            5,
            5,
            5,
            -5,
            9,
        ],
    ];
    for scheme in ["plain", "rep3"] {
        for keys in &keys {
            // Different keys in the same order.
            let rank = |i: usize| {
                let before = |j: &usize| (keys[*j], *j) < (keys[i], i);
                (0..keys.len()).filter(before).count() as i128
            };
            let ranks: Vec<i128> = (0..keys.len()).map(rank).collect();
            for seed in 1..=6 {
                let (equal, different) = (sorted(scheme, keys, seed), sorted(scheme, &ranks, seed));
                let mut expected: Vec<f64> = keys.iter().map(|k| *k as f64).collect();
                expected.sort_by(f64::total_cmp);
                assert_eq!(equal.answers["y"], expected);
                assert_eq!(
                    equal.answers["order"], different.answers["order"],
                    "{keys:?}"
                );
                assert_eq!(equal.counted, different.counted, "{keys:?}");
            }
        }
    }
}

/// Each order of four places is as frequent as any other, also where all keys are equal: 720 runs, and bounds that one in a
/// million such tests leaves.
#[test]
fn the_order_of_places_is_uniform() {
    for keys in [[5, 5, 5, 5], [1, 2, 2, 1], [4, 2, 3, 1]] {
        let mut seen: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for seed in 1..=720 {
            let order = &sorted("plain", &keys, seed).answers["order"];
            *seen.entry(places(order, 4)).or_default() += 1;
        }
        assert_eq!(seen.len(), 24, "{keys:?}: {seen:?}");
        let far = |count: &usize| (*count as f64 - 30.0).powi(2) / 30.0;
        let chi: f64 = seen.values().map(far).sum();
        assert!(chi < 75.0, "{keys:?}: {chi} for 23 degrees of freedom");
    }
}
