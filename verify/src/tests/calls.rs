//! What is concluded of a caller from what is known of its calls, where it holds, and where the caller is a little off.

use super::active::{changed, own, titled};
use super::build::*;
use super::standard::{bind, small};
use crate::correct::Claimed;
use crate::correct::Tables;
use crate::correct::relation::Relations;
use crate::machine::Random;
use crate::*;
use smpc_ir::flat::{FlatOperand, Protocols};
use smpc_ir::party::{Elem, Party};
use std::sync::Arc;

/// Two holders and a helper who is told everything: what is computed matters here, not who learns it.
const TOLD: &str = "backend mine(k: int = 3) { int, fix<f>: A<Z[2^k]>; bool, bits<m>: A<Bits[m]>; }\n\
    scheme A<R: Ring> { parties P[3]; corrupt 1 of P semihonest; share x = x[0] + x[1];\n\
      P[0] holds x[0]; P[1] holds x[1]; }\n\
    protocol share<D: party>(v: R @ D) -> x: A<R> ensures x == v private {\n\
      x[0] <- R @ {D, P[0]}; x[1] = v - x[0]; D -> P[1]: x[1]; }\n\
    protocol half(x: A<Z[2^k]>) -> z: A<Z[2^k]> ensures z == (x >> 1) {\n\
      P[0] -> P[2]: x[0]; P[1] -> P[2]: x[1]; let v = x[0] + x[1]; let w = v >> 1; z = share(w); }\n\
    protocol noisy(x: A<Z[2^k]>) -> z: A<Z[2^k]> ensures z == x + e for e in 0..=1 {\n\
      P[0] -> P[2]: x[0]; P[1] -> P[2]: x[1]; let b <- Bits[1] @ P[2];\n\
      let w = x[0] + x[1] + (b as Z[2^k]); z = share(w); }\n\
    protocol size(x: A<Z[2^k]>) -> z: A<Z[2^k]> requires 0 <= x ensures z == x {\n\
      P[0] -> P[2]: x[0]; P[1] -> P[2]: x[1]; let v = x[0] + x[1]; let w = v - 2 * msb(v) * v; z = share(w); }\n\
    protocol liar(x: A<Z[2^k]>) -> z: A<Z[2^k]> ensures z == x {\n\
      P[0] -> P[2]: x[0]; P[1] -> P[2]: x[1]; let v = x[0] + x[1]; let w = v + msb(v); z = share(w); }\n\
    protocol uneven(x, y: A<Z[2^k]>) -> z: A<Z[2^k]> ensures z == (x >> 1) - y {\n\
      P[0] -> P[2]: x[0], y[0]; P[1] -> P[2]: x[1], y[1];\n\
      let v = (x[0] + x[1]) >> 1; let w = v - y[0] - y[1]; z = share(w); }\n";

/// Whether a caller is right by the relations of its calls.
fn right(caller: &str) -> bool {
    let text = format!("{TOLD}protocol tested(x: A<Z[2^k]>) -> z: A<Z[2^k]> {caller}\n");
    related(&titled(&own(&text, &[]), "tested"))
}

fn related(problem: &Problem) -> bool {
    let limits = Limits::default();
    let claimed = Claimed::new(problem);
    let found = Relations::new(&limits, &[1], &Tables::default()).right(problem, &claimed);
    found.unwrap().is_some()
}

#[test]
fn a_caller_is_right_by_what_its_calls_can_return() {
    for (caller, holds) in [
        ("ensures z == x >> 1 { z = half(x); }", true),
        ("ensures z == x { z = half(x); }", false),
        ("ensures z == x >> 2 { z = half(half(x)); }", true),
        ("ensures z == x >> 1 { z = half(half(x)); }", false),
        // One value is subtracted from itself; two need not be equal.
        ("ensures z == 0 { let y = noisy(x); z = y - y; }", true),
        ("ensures z == 0 { z = noisy(x) - noisy(x); }", false),
        (
            "ensures z == e for e in -1..=1 { z = noisy(x) - noisy(x); }",
            true,
        ),
        ("ensures z == x + e for e in 0..=1 { z = noisy(x); }", true),
        ("ensures z == x { z = noisy(x); }", false),
        // A call is what its steps do, not what they are said to do, nor only where that is asked for.
        ("ensures z == x { z = liar(x); }", false),
        ("ensures z == x { z = size(x); }", false),
        ("requires 0 <= x ensures z == x { z = size(x); }", true),
        (
            "requires 0 <= x ensures z == x - 1 { z = size(x - 1); }",
            false,
        ),
        // Components are any that make up the value.
        (
            "ensures z == x >> 2 { let y = half(x); z[0] = y[0] >> 1; z[1] = y[1] >> 1; }",
            false,
        ),
        (
            "ensures z == x >> 1 { let y = half(x); z[0] = y[0] + msb(y[0]) as Z[2^k]; \
             z[1] = y[1]; }",
            false,
        ),
        (
            "ensures z == x >> 1 { let y = half(x); let u = share(msb(y[0]) as Z[2^k]); \
             z = y + u - u; }",
            true,
        ),
        ("ensures z == (x >> 1) - x { z = uneven(x, x); }", true),
        (
            "ensures z == (x >> 1) - 2*x { z = uneven(x, x + x); }",
            true,
        ),
        (
            "ensures z == (x >> 1) - 2*x { z = uneven(x + x, x); }",
            false,
        ),
    ] {
        assert_eq!(right(caller), holds, "{caller}");
    }
}

/// A caller made of calls, sums, and what one party computes of its component.
fn random_caller(seed: u64) -> String {
    let mut state = Random(seed);
    let mut pick = |n: usize| (state.word() % n as u64) as usize;
    let mut text = String::new();
    let mut names = vec!["x".to_owned()];
    for step in 0..pick(4) + 1 {
        let (a, b) = (
            names[pick(names.len())].clone(),
            names[pick(names.len())].clone(),
        );
        let value = match pick(9) {
            0 | 1 => format!("half({a})"),
            2 => format!("noisy({a})"),
            3 => format!("size({a})"),
            4 => format!("uneven({a}, {b})"),
            5 => format!("{a} - {b}"),
            6 => format!("{a} + {b}"),
            7 => format!("A({a}[0] >> 1, {a}[1])"),
            _ => format!("liar({a})"),
        };
        text += &format!("let y{step} = {value}; ");
        names.push(format!("y{step}"));
    }
    let (last, other) = (
        names[names.len() - 1].clone(),
        names[pick(names.len())].clone(),
    );
    match pick(3) {
        0 => text + &format!("z = {last} + {other} - {other};"),
        1 => text + &format!("z = {last} - {other};"),
        _ => text + &format!("z = {last} + 0;"),
    }
}

/// What relations say is right no enumeration of the steps themselves refutes.
#[test]
fn no_random_caller_is_right_wrongly() {
    let claims = [
        "z == x",
        "z == x >> 1",
        "z == 0",
        "z == x - (x >> 1)",
        "z == x + e for e in 0..=1",
        "z == e for e in -1..=1",
        "z == (x >> 1) + e for e in -1..=1",
    ];
    let limits = Limits {
        runs: 64,
        ..Limits::default()
    };
    let (mut shown, mut refuted) = (0, 0);
    for seed in 0..60 {
        let body = random_caller(seed);
        for claim in claims {
            let text = format!(
                "{TOLD}protocol tested(x: A<Z[2^k]>) -> z: A<Z[2^k]> ensures {claim} {{ {body} }}\n"
            );
            let problem = titled(&own(&text, &[("k", 2)]), "tested");
            let is_right = related(&problem);
            let verdict = correctness(&problem, std::slice::from_ref(&problem), &limits).unwrap();
            assert!(
                !(is_right && verdict.is_refuted()),
                "{claim} {body}: {verdict:?}"
            );
            shown += usize::from(is_right);
            refuted += usize::from(verdict.is_refuted());
        }
    }
    println!("{shown} right, {refuted} refuted");
    assert!(shown > 20 && refuted > 100, "{shown} {refuted}");
}

/// Marks say where a call is and what it is given; what they say wrongly proves nothing wrong.
#[test]
fn marks_of_calls_are_not_believed() {
    let text = format!(
        "{TOLD}protocol tested(x, y: A<Z[2^k]>) -> z: A<Z[2^k]> ensures CLAIM {{ z = uneven(x, y); }}\n"
    );
    let problem = |claim: &str| titled(&own(&text.replace("CLAIM", claim), &[]), "tested");
    let (good, bad) = ("z == (x >> 1) - y", "z == (y >> 1) - x");
    assert!(related(&problem(good)) && !related(&problem(bad)));
    let with = |problem: &Problem, change: &dyn Fn(&mut smpc_ir::flat::Call)| {
        let mut flat = (*problem.flat).clone();
        let call = flat.calls.iter_mut().find(|call| call.name == "uneven");
        change(call.unwrap());
        problem.with_flat(flat)
    };
    type Change = fn(&mut smpc_ir::flat::Call);
    let changes: [Change; 6] = [
        |call| call.args.swap(0, 1),
        |call| {
            call.args.truncate(1);
            call.given.truncate(1);
        },
        |call| call.args[1] = call.args[0].clone(),
        |call| {
            if let FlatOperand::Shared(ids) = &mut call.args[0] {
                ids.swap(0, 1);
            }
        },
        |call| call.given[0].as_mut().unwrap().reconstruction = vec![1, 3],
        |call| call.sharings[0].as_mut().unwrap().reconstruction = vec![1, 3],
    ];
    for (at, change) in changes.iter().enumerate() {
        assert!(!related(&with(&problem(bad), change)), "{at}");
    }
    // Exchanged together, they say the same.
    let both = with(&problem(good), &|call| {
        call.args.swap(0, 1);
        call.given.swap(0, 1);
    });
    assert!(related(&both));
}

fn exact(bound: &impl Protocols, small: &[&dyn Protocols], limits: &Limits) -> Verdict {
    let all = problems(bound, small);
    let (_, problem, rings) = all.iter().find(|(t, ..)| t == "trunc, exact").unwrap();
    correctness(problem, rings, limits).unwrap()
}

const FOUR: &str = include_str!("../../../stdlib/schemes/fantastic4.smpc");

/// The library's exact truncation, and others that are almost one.
#[test]
fn exact_truncations_are_right_by_the_relations_of_their_calls() {
    let limits = Limits {
        assignments: 1 << 19,
        runs: 64,
        ..Limits::default()
    };
    let text = "protocol trunc_exact(x: Four<Z[2^k]>, f: int) -> z: Four<Z[2^k]>\n\
        realises trunc(x, f) mode exact requires -2^(k-2) <= x < 2^(k-2) ensures z == (x >> f) {\n\
        let y = trunc(x, f); let r = x - (y << f);\n\
        z = y + bit_to_ring<Z[2^k]>(~msb(r - 2^f)) - bit_to_ring<Z[2^k]>(msb(r)); }\n";
    for (from, to, holds) in [
        ("ensures", "ensures", true),
        // Wrong for some values: no enumeration in a small ring passes.
        ("- 2^f)", "- 2^f - 1)", false),
        ("(~msb", "(msb", false),
        ("- bit_to_ring<Z[2^k]>(msb(r))", "", false),
        ("let r = x - (y << f);", "let r = x - (y << f) + 1;", false),
    ] {
        assert!(text.contains(from), "{from}");
        let text = format!("{FOUR}\n{}", text.replace(from, to));
        let full = changed(&text, "fantastic4", &[], &[]);
        let narrow: Vec<_> = [3, 4]
            .iter()
            .map(|k| changed(&text, "fantastic4", &[], &[("k", *k)]))
            .collect();
        let narrow: Vec<&dyn Protocols> = narrow.iter().map(|b| b as _).collect();
        let verdict = exact(&full, &narrow, &limits);
        let found = matches!(verdict, Verdict::Exhausted(_));
        assert_eq!(found, holds, "{to}: {verdict:?}");
    }
    let full = bind("securenn", &[]);
    let narrow = small("securenn", &[], &full);
    let narrow: Vec<&dyn Protocols> = narrow.iter().map(|b| b as _).collect();
    let verdict = exact(&full, &narrow, &limits);
    assert_eq!(verdict.word(), "exhausted", "{verdict:?}");
}

/// The helper deals what hides the components of an exact truncation, and so knows them as functions of the operand.
#[test]
fn a_component_that_the_helper_can_compute_is_not_fresh() {
    let full = bind("securenn", &[]);
    let narrow = small("securenn", &[], &full);
    let narrow: Vec<&dyn Protocols> = narrow.iter().map(|b| b as _).collect();
    let all = problems(&full, &narrow);
    let (_, problem, rings) = all.iter().find(|(t, ..)| t == "trunc, exact").unwrap();
    let limits = Limits {
        assignments: 1 << 19,
        ..Limits::default()
    };
    for (coalition, refuted) in [(set(&[2]), true), (set(&[0]), false)] {
        let mut proofs = Proofs::default();
        let found = decide_freshness(problem, rings, coalition, 0, &limits, &mut proofs).unwrap();
        assert_eq!(found.is_refuted(), refuted, "{found:?}");
    }
}

/// Resharing of y plus a coin of P[1], who tells P[0] its component under the same coin: each of view and value is
/// independent of components, both together are not.
fn told_together(told: bool) -> Problem {
    let sharing = additive(3);
    let mut b = Build::new(3, &[], false);
    let x = b.shared(&sharing);
    let fresh = |b: &mut Build, own: &[u32]| {
        let coins: Vec<u32> = (0..3u8).map(|i| b.coin(&[i, (i + 1) % 3])).collect();
        let hidden: Vec<u32> = (0..3)
            .map(|i| {
                let more = b.add(own[i], coins[i]);
                b.sub(more, coins[(i + 2) % 3])
            })
            .collect();
        hidden
    };
    let start = b.position();
    let u = fresh(&mut b, &x);
    b.call(start, &x, &u, &sharing);
    let start = b.position();
    let coin = b.coin(&[1]);
    let more = b.add(u[1], coin);
    if told {
        b.send(more, 1, &[0]);
    }
    let w = fresh(&mut b, &[u[0], more, u[2]]);
    b.call(start, &u, &w, &sharing);
    // Everybody learns the second result.
    let v = fresh(&mut b, &w);
    open(&mut b, &v);
    b.shares(&u, &sharing, Spec::Unspecified)
}

#[test]
fn a_value_that_tells_components_together_with_the_view_is_no_function_of_values() {
    for (told, is_fresh) in [(true, false), (false, true)] {
        let problem = told_together(told);
        let mut eager = Proofs::eager();
        let found = prove_freshness_with(&problem, set(&[0]), 0, &mut eager).unwrap();
        assert_eq!(found.is_some(), is_fresh, "{found:?}");
        if let Some(certificate) = found {
            check(&problem, &certificate).unwrap();
            // It is a proof of nothing about the protocol that tells more.
            assert!(check(&told_together(true), &certificate).is_err());
        }
    }
}

/// Two calls of parties who reshare what they hold, the second with a coin more and a message about it, and somebody
/// who learns a value in the end.
fn random_calls(seed: u64) -> Problem {
    let mut state = Random(seed);
    let mut pick = |n: usize| (state.word() % n as u64) as usize;
    let sharing = additive(3);
    let mut b = Build::new(3, &[], false);
    let x = b.shared(&sharing);
    let fresh = |b: &mut Build, own: &[u32]| -> Vec<u32> {
        let coins: Vec<u32> = (0..3u8).map(|i| b.coin(&[i, (i + 1) % 3])).collect();
        let hidden = (0..3).map(|i| {
            let more = b.add(own[i], coins[i]);
            b.sub(more, coins[(i + 2) % 3])
        });
        hidden.collect()
    };
    let start = b.position();
    let u = fresh(&mut b, &x);
    b.call(start, &x, &u, &sharing);
    let start = b.position();
    let at = pick(3);
    let coin = b.coin(&[at as u8]);
    let mut own = u.clone();
    own[at] = match pick(4) {
        0 => b.sub(u[at], coin),
        1 => coin,
        2 => b.mul(u[at], coin),
        _ => b.add(u[at], coin),
    };
    let told = match pick(5) {
        0 => Some(coin),
        1 => Some(own[at]),
        2 => Some(b.add(u[at], coin)),
        3 => Some(u[at]),
        _ => None,
    };
    if let Some(told) = told {
        b.send(told, at as u8, &[((at + 1 + pick(2)) % 3) as u8]);
    }
    let w = fresh(&mut b, &own);
    // A mark may say that it was given something else.
    let given = if pick(5) == 0 { &x } else { &u };
    b.call(start, given, &w, &sharing);
    let shown = if pick(3) == 0 { u.clone() } else { w.clone() };
    let v = fresh(&mut b, &shown);
    match pick(3) {
        0 => {
            open(&mut b, &v);
        }
        1 => {
            let to = pick(3) as u8;
            for from in (0..3u8).filter(|from| *from != to) {
                b.send(v[usize::from(from)], from, &[to]);
            }
        }
        _ => {}
    }
    let result: Vec<u32> = match pick(3) {
        0 => w.clone(),
        1 => (0..3).map(|i| b.add(u[i], w[i])).collect(),
        _ => u.clone(),
    };
    b.shares(&result, &sharing, Spec::Unspecified)
}

#[test]
fn no_random_call_is_a_function_of_values_wrongly() {
    let limits = Limits {
        assignments: 1 << 15,
        runs: 0,
        samples: 0,
    };
    let (mut of_values, mut others) = (0, 0);
    for seed in 0..600 {
        let problem = random_calls(seed);
        for coalition in [set(&[0]), set(&[1, 2])] {
            let mut eager = Proofs::eager();
            let private = prove_privacy_with(&problem, coalition, &mut eager).unwrap();
            let fresh = prove_freshness_with(&problem, coalition, 0, &mut eager).unwrap();
            let uses = |certificate: &Certificate| {
                check(&problem, certificate).unwrap();
                let mut boxes = certificate.boxes.iter();
                boxes.any(|b| b.value == Valued::Operands)
            };
            if !private.iter().chain(&fresh).any(uses) {
                others += 1;
                continue;
            }
            of_values += 1;
            let ring = shrink(&problem, 1).unwrap();
            let leak = refute_privacy(&ring, coalition, &limits).unwrap();
            let stale = refute_freshness(&ring, coalition, 0, &limits).unwrap();
            let leaks = matches!(leak, Refutation::Leak(_));
            let stale = matches!(stale, Refutation::NotFresh(_));
            assert!(!(leaks && private.is_some()), "{seed}: {:?}", problem.flat);
            assert!(!(stale && fresh.is_some()), "{seed}: {:?}", problem.flat);
        }
    }
    println!("{of_values} with functions of values, {others} without");
    assert!(of_values > 15 && others > 100, "{of_values} {others}");
}

/// A freshness that needs values as functions of values: accepted with its proofs, refused without.
#[test]
fn boxes_that_are_functions_of_values_need_a_proof() {
    let bound = bind("additive", &[("n", 3), ("k", 8)]);
    let problem = titled(&bound, "trunc, exact");
    let mut proofs = Proofs::default();
    let found = prove_freshness_with(&problem, set(&[0]), 0, &mut proofs).unwrap();
    let certificate = found.unwrap();
    check(&problem, &certificate).unwrap();
    let of_values = |certificate: &Certificate| {
        let boxes = certificate.boxes.iter();
        boxes.filter(|b| b.value == Valued::Operands).count()
    };
    assert!(of_values(&certificate) > 0);
    for at in 0..certificate.boxes.len() {
        if certificate.boxes[at].value != Valued::Operands {
            continue;
        }
        let proof = (*certificate.boxes[at].proof).clone();
        let mut none = certificate.clone();
        none.boxes[at].proof = Arc::new(CalleeProof {
            values: None,
            ..proof.clone()
        });
        assert!(check(&problem, &none).is_err());
        let mut other = certificate.clone();
        other.boxes[at].proof = Arc::new(CalleeProof {
            values: Some(proof.privacy.clone()),
            ..proof.clone()
        });
        assert!(check(&problem, &other).is_err());
        let mut short = certificate.clone();
        let mut values = proof.values.clone().unwrap();
        values.steps.pop();
        let shorter = values.steps.len() < proof.values.as_ref().unwrap().steps.len();
        short.boxes[at].proof = Arc::new(CalleeProof {
            values: Some(values),
            ..proof
        });
        assert!(!shorter || check(&problem, &short).is_err());
    }
    let file = text::File {
        scheme: "additive".to_owned(),
        parties: 3,
        subjects: vec![text::Subject {
            title: "trunc, exact".to_owned(),
            certificates: vec![certificate.clone()],
        }],
    };
    let read = text::File::read(&file.write()).unwrap();
    let read = &read.subjects[0].certificates[0];
    check(&problem, read).unwrap();
    assert_eq!(of_values(read), of_values(&certificate));
}

/// Three parties on bit vectors: coins, sums, products, shifts and messages.
fn random_bits(seed: u64) -> Problem {
    let mut state = Random(seed);
    let mut pick = |n: usize| (state.word() % n as u64) as usize;
    let sharing = smpc_ir::flat::Sharing {
        elem: Elem::Bits(2),
        ..additive(3)
    };
    let mut b = Build::new(3, &[], false);
    b.elem = sharing.elem;
    let x = b.shared(&sharing);
    let mut pool = x.clone();
    let mut coins = Vec::new();
    for party in 0..3u8 {
        let coin = b.coin(&[party]);
        coins.push(coin);
        pool.push(coin);
    }
    for _ in 0..pick(6) + 2 {
        let (p, q) = (pool[pick(pool.len())], pool[pick(pool.len())]);
        let next = match pick(6) {
            0 | 1 => b.shifted(p),
            2 => {
                let from = b.known(p).iter().next().map_or(0, |p| p.0);
                b.send(p, from, &[(from + 1) % 3])
            }
            _ if b.known(p).intersection(b.known(q)).is_empty() => continue,
            3 => b.mul(p, q),
            _ => b.add(p, q),
        };
        pool.push(next);
    }
    let result: Vec<u32> = (0..3u8)
        .map(|party| {
            let known = pool.iter().copied();
            let known: Vec<u32> = known
                .filter(|v| b.known(*v).contains(Party(party)))
                .collect();
            let last = known[known.len() - 1 - pick(2).min(known.len() - 1)];
            let shifted = b.shifted(last);
            let masked = b.add(shifted, coins[usize::from(party)]);
            if pick(2) == 0 {
                masked
            } else {
                b.add(masked, last)
            }
        })
        .collect();
    b.shares(&result, &sharing, Spec::Unspecified)
}

#[test]
fn no_random_protocol_over_bits_is_fresh_wrongly() {
    let limits = Limits {
        assignments: 1 << 13,
        runs: 0,
        samples: 0,
    };
    let (mut solved, mut refuted) = (0, 0);
    for seed in 0..1_500 {
        let problem = random_bits(seed);
        for coalition in [set(&[0]), set(&[1])] {
            let found = prove_freshness(&problem, coalition, 0).unwrap();
            let by_bits = found.as_ref().is_some_and(|certificate| {
                check(&problem, certificate).unwrap();
                let mut steps = certificate.steps.iter();
                steps.any(|step| step.text == "solved bit by bit")
            });
            let truth = refute_freshness(&problem, coalition, 0, &limits).unwrap();
            let stale = matches!(truth, Refutation::NotFresh(_));
            assert!(!(stale && found.is_some()), "{seed}: {:?}", problem.flat);
            solved += usize::from(by_bits);
            refuted += usize::from(stale);
        }
    }
    println!("{solved} solved bit by bit, {refuted} refuted");
    assert!(solved > 100 && refuted > 100, "{solved} {refuted}");
}
