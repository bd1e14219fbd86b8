//! Schemes with active security under lies: each message of a computing party is changed, replayed,
//! dropped, cut, swapped, echoed, and no honest party ever accepts a wrong answer.
//!
//! A few hundred runs each; `SMPC_TAMPER_RUNS=12000 cargo test -p smpc-tests --release --test tamper`
//! runs so many of each.

use smpc_interp::Setup;
use smpc_ir::field::Prime;
use smpc_ir::flat::Protocols;
use smpc_ir::party::Elem;
use smpc_ir::{lower, party};
use smpc_runtime::Tensor;
use smpc_tests::case::Case;
use smpc_tests::echo::Plan;
use smpc_tests::pipeline::{checked, differences, start};
use smpc_tests::run::{Backend, run};
use smpc_tests::tamper::{Bench, Fault, Outcome, Tally, Trial};

/// A matrix product of two owners, revealed to all and to one.
const PRODUCT: &str = "
// given alice/a [2,2]: 1000000 -2 3 4
// given bob/b [2,2]: 1 2 3 4
party alice, bob;
input a: [int; n, n] from alice;
input b: [int; n, n] from bob;
let p = share a @ share b;
reveal p as product;
reveal (p * share b) to bob as more;
leaks n, product to all, more to bob;
";

/// A comparison decides.
const COMPARE: &str = "
// given alice/a [3]: 5 -7 9
// given bob/b [3]: 4 -6 9
party alice, bob;
input a: [int; n] from alice;
input b: [int; n] from bob;
let (x, y) = (share a, share b);
reveal sum([if secret x[i] < y[i] { x[i] } else { 2 * y[i] } for i in 0..n]) as chosen;
leaks n, chosen to all;
";

/// A shuffled column, revealed.
const SHUFFLE: &str = "
// given alice/a [5]: 1 2 3 4 5
// expect squares: 55
// expect cubes: 225
party alice, bob;
input a: [int; n] from alice;
let s = shuffle(share a);
reveal sum(s * s) as squares;
reveal sum(s * s * s) to alice as cubes;
leaks n, squares to all, cubes to alice;
";

fn runs(default: u64) -> u64 {
    std::env::var("SMPC_TAMPER_RUNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// What is done with a script under a scheme: a bench and the computing parties.
fn benched<T>(
    name: &str,
    args: &[(&str, i128)],
    script: &str,
    work: impl FnOnce(&Bench<'_>, &[usize]) -> T,
) -> T {
    benched_under(&Backend::new(name, args), script, work)
}

/// The same under any scheme.
fn benched_under<T>(
    backend: &Backend,
    script: &str,
    work: impl FnOnce(&Bench<'_>, &[usize]) -> T,
) -> T {
    let bound = backend.bind().expect("the backend");
    let case = Case::read(script);
    let program = checked(script, &case).expect("the script");
    let start = start(&program, &case).expect("inputs");
    let lowered = lower::lower(&program, &bound, lower::Options::default()).expect("lowered");
    party::validate(&lowered).expect("valid");
    let inputs = program
        .inputs
        .iter()
        .zip(&start.inputs)
        .map(|(_, (shape, values))| {
            Tensor::from_i128s(Elem::Ring(bound.ring_bits()), shape, values).ok()
        });
    let setup = Setup {
        sizes: start.sizes.clone(),
        params: start.params.clone(),
        inputs: inputs.collect(),
        seed: Some(11),
        ..Setup::default()
    };
    let bench = Bench::new(&lowered, setup).expect("an honest run");
    // Servers of their own stand behind the script's parties.
    let first = program.parties.len();
    let servers: Vec<usize> = (first..first + bound.computing().parties).collect();
    assert!(servers.iter().any(|server| bench.messages(*server) > 0));
    work(&bench, &servers)
}

/// Lies of every computing party in one script.
fn sweep(name: &str, args: &[(&str, i128)], script: &str, default: u64) -> Tally {
    let tally = benched(name, args, script, |bench, servers| {
        bench.sweep(servers, runs(default), 5).expect("no panic")
    });
    println!("{name}: {tally}");
    assert!(
        tally.wrong.is_empty(),
        "{tally}\n{}",
        tally.wrong[..tally.wrong.len().min(5)].join("\n")
    );
    tally
}

/// Lies are found: not every run may end well by chance.
fn caught(tally: &Tally) {
    assert!(tally.detected * 4 > tally.runs(), "{tally}");
    assert_eq!(
        tally.runs(),
        tally.detected + tally.refused + tally.harmless
    );
}

#[test]
fn replicated_sharing_with_sacrifice() {
    caught(&sweep("rep3_malicious", &[], PRODUCT, 300));
}

#[test]
fn replicated_sharing_over_a_ring() {
    caught(&sweep("rep3_malicious_ring", &[], PRODUCT, 300));
}

#[test]
fn replicated_sharing_over_a_ring_shuffles() {
    caught(&sweep("rep3_malicious_ring", &[], SHUFFLE, 300));
}

#[test]
fn four_parties() {
    caught(&sweep("fantastic4", &[], PRODUCT, 300));
}

#[test]
fn authenticated_sharing_of_two() {
    caught(&sweep("spdz", &[("n", 2)], PRODUCT, 200));
}

#[test]
fn authenticated_sharing_of_three() {
    caught(&sweep("spdz", &[("n", 3)], PRODUCT, 200));
}

#[test]
fn authenticated_sharing_over_a_ring() {
    caught(&sweep("spdz2k", &[("n", 2)], PRODUCT, 200));
}

/// Fixed point and comparisons.
#[test]
fn four_parties_compare() {
    caught(&sweep("fantastic4", &[], COMPARE, 200));
}

#[test]
fn replicated_sharing_shuffles() {
    caught(&sweep("rep3_malicious", &[], SHUFFLE, 300));
}

#[test]
fn authenticated_sharing_shuffles() {
    caught(&sweep("spdz", &[("n", 2)], SHUFFLE, 200));
    caught(&sweep("spdz", &[("n", 3)], SHUFFLE, 100));
}

#[test]
fn authenticated_sharing_over_a_ring_shuffles() {
    caught(&sweep("spdz2k", &[("n", 2)], SHUFFLE, 200));
}

#[test]
fn four_parties_shuffle() {
    caught(&sweep("fantastic4", &[], SHUFFLE, 300));
}

/// A party that permutes says consistently what is not in its order. No single message does that: its text is another one.
/// The check is what ends the run; without it the answer is wrong and everybody accepts it.
#[test]
fn who_permutes_keeps_to_the_order() {
    let case = Case::read(SHUFFLE);
    let program = checked(SHUFFLE, &case).expect("the script");
    let start = start(&program, &case).expect("inputs");
    for scheme in ["spdz", "spdz2k"] {
        let path = smpc_tests::root().join(format!("stdlib/schemes/{scheme}.smpc"));
        let text = std::fs::read_to_string(path).expect("the scheme");
        let run = |text: &str| {
            let bound = Backend::written(text).bind().expect("the backend");
            run(&program, &start, &bound, 7)
        };
        let honest = "let e[i] = d[i][pi[i]] - s[i];";
        assert_eq!(text.matches(honest).count(), 1);
        let lying = text.replace(honest, "let e[i] = d[i][pi[i]] + d[i] - s[i];");
        let check = "    zero_check(sum(q[i] for i in 0..n));\n";
        assert_eq!(lying.matches(check).count(), 1);
        assert!(run(&text).is_ok(), "{scheme}");
        let error = run(&lying).expect_err("a wrong order");
        assert!(error.contains("I33"), "{scheme}: {error}");
        let answers = run(&lying.replace(check, "")).expect("no check").answers;
        assert!(
            !differences(&case.expected, &answers).is_empty(),
            "{scheme}"
        );
    }
}

/// One product.
const ONE: &str = "
// given alice/a: 1000000
// given bob/b: -3
party alice, bob;
input a: int from alice;
input b: int from bob;
reveal share a * share b as product;
leaks product to all;
";

/// A commitment is of one party. Who could send another one's as its own, and then its opening, would know the coin of a
/// check, since a seed with itself is 0: errors of what is opened that this coin weighs to 0 are not seen, and the
/// product is another one.
#[test]
fn nobody_commits_to_what_another_one_commits_to() {
    let field = Elem::Field(Prime::new((1 << 127) - 1).expect("a prime"));
    let ring = Elem::Ring(128);
    for (scheme, elem) in [("spdz", field), ("spdz2k", ring)] {
        let seed = Tensor::from_i128s(Elem::Bits(128), &[], &[0]).expect("a seed");
        let rho = smpc_runtime::ops::expand(&seed, elem, &[2]).expect("a coin");
        let number = |at: usize| rho.at(at).expect("an element");
        let one = Tensor::from_i128s(elem, &[], &[number(1)]).expect("an element");
        let two = Tensor::from_i128s(elem, &[], &[number(0)]).expect("an element");
        let two = smpc_runtime::ops::neg(&two).expect("an element");
        let found = benched(scheme, &[("n", 2)], ONE, |bench, servers| {
            let (victim, liar) = (servers[0], servers[1]);
            let events = bench.events(liar);
            let mut outcomes = vec![];
            for errors in [[one.clone(), two.clone()], [two.clone(), one.clone()]] {
                for wrong in 0..bench.messages(liar) {
                    for answer in wrong.saturating_sub(2)..wrong + 2 {
                        for echoed in wrong + 1..bench.messages(liar) {
                            let mut plan = Plan::new(victim);
                            if plan.shift(events, wrong, answer, &errors)
                                && plan.echo(events, echoed, 2)
                            {
                                let outcome = bench.follow(liar, &plan).expect("no panic");
                                outcomes.push(((wrong, answer, echoed), outcome));
                            }
                        }
                    }
                }
            }
            outcomes
        });
        assert!(found.len() > 4, "{scheme}");
        let ends =
            |(_, outcome): &&(_, Outcome)| !matches!(outcome, Outcome::Detected | Outcome::Refused);
        let ended: Vec<_> = found.iter().filter(ends).collect();
        assert!(ended.is_empty(), "{scheme}: {ended:?}");
    }
}

/// Two parties have all in the clear, and nothing but an agreement keeps their copies alike. It is carried out where what
/// is compared is a copy that was named before, and where nobody reads it; what `cost` says is what is sent.
#[test]
fn copies_are_compared_whatever_is_read_afterwards() {
    let scheme = |agreement: &str| {
        Backend::written(&format!(
            "backend both(k: int = 64) {{ int, fix<f>: Both<Z[2^k]>; }}\n\
             scheme Both<R: Ring> {{ parties P[2]; corrupt 1 of P malicious, abort; share x = x[0]; P[0] holds x[0]; P[1] holds x[0]; }}\n\
             protocol share<D: party>(v: R @ D) -> x: Both<R> ensures x == v {{ let q = v; D -> P[0], P[1]: q; x[0] = q; {agreement} }}\n\
             protocol reveal(x: Both<R>) -> v: R @ P ensures v == x {{ v = x[0]; }}\n\
             protocol reveal<D: party>(x: Both<R>) -> v: R @ D ensures v == x {{ P[0] -> D: x[0]; v = x[0]; }}\n"
        ))
    };
    let script = "// given alice/a [1]: 5\nparty alice, bob;\ninput a: [int; n] from alice;\nreveal share a to bob as b;\nleaks n to all, b to bob;\n";
    let lies = |agreement: &str| {
        let backend = scheme(agreement);
        let bound = backend.bind().expect("the backend");
        let case = Case::read(script);
        let program = checked(script, &case).expect("the script");
        let honest = run(
            &program,
            &start(&program, &case).expect("inputs"),
            &bound,
            1,
        );
        let honest = honest.expect("it runs");
        assert_eq!(honest.counted, honest.predicted, "{agreement}");
        benched_under(&backend, script, |bench, _| {
            let mut tally = Tally::default();
            for message in 0..bench.messages(0) {
                let trial = Trial {
                    party: 0,
                    message,
                    fault: Fault::Flip,
                    word: 7,
                };
                bench.trial(trial, &mut tally).expect("no panic");
            }
            tally
        })
    };
    assert!(!lies("").wrong.is_empty(), "nothing else finds it");
    for agreement in [
        "agree q @ P;",
        "agree x[0] @ P;",
        "let w = 3 * q; agree w @ P;",
        "let w = bits(q); agree w @ P;",
    ] {
        let tally = lies(agreement);
        assert!(tally.wrong.is_empty(), "{agreement} {tally}");
        assert_eq!(tally.detected, tally.runs(), "{agreement} {tally}");
    }
}

/// The harness can fail: a scheme against honest parties accepts wrong answers.
#[test]
fn honest_parties_alone_are_no_defence() {
    let result = std::panic::catch_unwind(|| sweep("rep3", &[], PRODUCT, 100));
    assert!(
        result.is_err(),
        "lies under rep3 went unnoticed by the test"
    );
}
