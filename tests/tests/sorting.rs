//! What sorting in the open tells: an order of places that is uniformly random, whatever the keys.

use std::collections::BTreeMap;

use smpc_tests::case::Case;
use smpc_tests::pipeline::{Start, checked};
use smpc_tests::run::{Backend, Run, run};

/// A run of `std::sorting` on these keys.
fn sorted(scheme: &str, keys: &[i128], seed: u64) -> Run {
    revealed(
        "sorting::sort(x[0])",
        "int",
        (1, keys),
        &Backend::new(scheme, &[]),
        seed,
    )
}

/// A run of a script that reveals something of m lists `x`.
fn revealed(what: &str, of: &str, x: (usize, &[i128]), backend: &Backend, seed: u64) -> Run {
    let turns = match what {
        "z" => "let mut z = x;\nfor i in 0..m { z[i] = sorting::sort(x[i]); }\n",
        _ => "",
    };
    let text = format!(
        "use std::sorting;\nparty alice;\ninput a: [{of}; m, n] from alice;\nlet x = share a;\n\
         {turns}reveal {what} as y;\nleaks m, n, y to all;\n"
    );
    let program = checked(&text, &Case::default()).unwrap_or_else(|e| panic!("{text}: {e}"));
    let (m, keys) = x;
    let n = keys.len() / m;
    let start = Start {
        sizes: vec![m as i128, n as i128],
        params: vec![],
        inputs: vec![(vec![m, n], keys.to_vec())],
    };
    let bound = backend.bind().expect("it binds");
    run(&program, &start, &bound, seed).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The keys list by list in ascending order.
fn in_order(keys: &[i128], n: usize) -> Vec<f64> {
    let mut sorted = keys.to_vec();
    sorted.chunks_mut(n).for_each(<[i128]>::sort_unstable);
    sorted.into_iter().map(|key| key as f64).collect()
}

/// Lists in a loop, in a comprehension, along an axis, and by the function for lists: the same runs, in the rounds of the list
/// that takes most turns.
#[test]
fn lists_in_a_loop_take_the_rounds_of_one() {
    let keys: Vec<i128> = (0..120i128).map(|i| i * 7_368_787 % 61 - 30).collect();
    let rep3 = Backend::new("rep3", &[]);
    let forms = [
        "sorting::by_lists(x, x).0",
        "z",
        "[sorting::sort(x[i]) for i in 0..m]",
        "sorting::sort(x, axis: 1)",
        "[[sorting::sort(x[i + 2 * j]) for i in 0..2] for j in 0..3]",
    ];
    for seed in 1..=2 {
        let runs: Vec<Run> = forms
            .iter()
            .map(|form| revealed(form, "int", (6, &keys), &rep3, seed))
            .collect();
        for run in &runs {
            assert_eq!(run.answers["y"], in_order(&keys, 20));
        }
        let rounds: Vec<i128> = runs.iter().map(|run| run.counted.rounds).collect();
        let one = revealed("sorting::sort(x[0])", "int", (1, &keys[..20]), &rep3, seed);
        // Two turns more, and the lists' numbers.
        let most = one.counted.rounds + 2 * 9 + 2;
        assert!(
            rounds.iter().all(|r| *r == rounds[0]) && rounds[0] <= most,
            "{rounds:?}, one list {}",
            one.counted.rounds
        );
    }
}

/// Rings of other widths: keys at their ends, and keys that differ above the 64th bit.
#[test]
fn keys_have_the_order_of_the_ring() {
    for (k, far) in [
        (32, 1i128 << 31),
        (48, 1 << 47),
        (64, 1 << 63),
        (128, 1 << 100),
    ] {
        let keys = [far - 1, -far, 0, 5, -1, far / 2, -far / 2, 3];
        for scheme in ["rep3", "gmw"] {
            let backend = Backend::new(scheme, &[("k", k)]);
            let run = revealed("sorting::sort(x[0])", "int", (1, &keys), &backend, 1);
            assert_eq!(run.answers["y"], in_order(&keys, 8), "{scheme}, {k}");
        }
    }
}

/// Numbers with fraction bits in a ring of 128, and bits, which are unsigned.
#[test]
fn keys_of_other_types_are_sorted() {
    let keys: Vec<i128> = [-300, 7, 1 << 40, -(1 << 40), 0, 8]
        .iter()
        .map(|key: &i128| key << 44)
        .collect();
    let wide = Backend::new("rep3", &[("k", 128)]);
    let run = revealed("raw(sorting::sort(x[0]))", "fix<24>", (1, &keys), &wide, 1);
    let units: Vec<i128> = keys.iter().map(|key| key >> 40).collect();
    assert_eq!(run.answers["y"], in_order(&units, 6));
    let keys = [255, 0, 128, 127, 1, 254];
    let rep3 = Backend::new("rep3", &[]);
    let run = revealed(
        "(sorting::sort(x[0]) as int)",
        "bits<8>",
        (1, &keys),
        &rep3,
        1,
    );
    assert_eq!(run.answers["y"], in_order(&keys, 6));
}

/// Which of the two forms is compared is decided when the backend is bound: there is no choice left in the run.
#[test]
fn the_width_of_the_ring_is_no_choice_of_the_run() {
    let text = "use std::sorting;\nparty alice;\ninput x: [int; n] from alice;\n\
                reveal sorting::sort(share x) as y;\nleaks n, y to all;\n";
    let program = checked(text, &Case::default()).expect("it checks");
    let bound = Backend::new("rep3", &[]).bind().expect("it binds");
    let options = smpc_ir::lower::Options::default();
    let lowered = smpc_ir::lower::lower(&program, &bound, options).expect("it lowers");
    let shown = format!("{lowered:?}");
    assert!(!shown.contains("Switch"), "a choice of the run is left");
    assert!(shown.contains("Bits(64)") && !shown.contains("Bits(128)"));
}

/// The places of the shuffled rows in the order that the comparisons tell, as whoever sees them works it out.
fn places(order: &[f64], n: usize) -> Vec<usize> {
    let (mut at, mut lo, mut hi): (Vec<usize>, _, _) = ((0..n).collect(), vec![0; n], vec![n; n]);
    for less in order.chunks(7 * n) {
        let pivot = |i: usize, p: usize| at[lo[i] + (hi[i] - lo[i]) * (2 * p + 1) / 14];
        let level: Vec<usize> = (0..n)
            .map(|i| {
                let other = |p: &usize| pivot(i, *p) != at[i];
                let above = (0..7).filter(other).filter(|p| less[7 * i + p] == 0.0);
                2 * above.count() + usize::from(!(0..7).all(|p| other(&p)))
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
