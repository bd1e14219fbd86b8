//! Parties that deviate: the literature's mistakes, and the prover held against executions with lies.

use super::standard::bind;
use crate::active::{Active, Effect, deviate};
use crate::element::{add, order, reduce};
use crate::machine::{Choice, Random, evaluate};
use crate::problem::operand_ids;
use crate::*;
use smpc_grammar::Sources;
use smpc_ir::flat::{FlatOp, Kind, Sharing};
use smpc_ir::local::Local;
use smpc_ir::party::{CoinDomain, Party, PartySet};
use smpc_protocol::{Bound, Library};
use std::collections::{BTreeMap, HashMap};

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

const SPDZ: &str = include_str!("../../../stdlib/schemes/spdz.smpc");
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

#[test]
fn a_coin_drawn_before_what_it_checks_lets_an_error_through() {
    let coin = "    let c = mul_unchecked(a, b);\n    let r = coin();\n";
    let early = "    let r = coin();\n    let c = mul_unchecked(a, b);\n";
    let bound = changed(SACRIFICE, "rep3_malicious", &[(coin, early)], &[]);
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
fn late(problem: &Problem) -> Problem {
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

/// An execution in which every party has its own copies, and some messages carry lies.
struct Run<'p> {
    problem: &'p Problem,
    copies: HashMap<(u32, u8), Vec<u128>>,
    aborts: bool,
    rows: usize,
}

impl<'p> Run<'p> {
    fn new(
        problem: &'p Problem,
        coalition: PartySet,
        lies: &BTreeMap<(usize, u8), u128>,
        seed: u64,
    ) -> Self {
        let flat = &problem.flat;
        let rows = if flat.values.iter().any(|v| v.kind == Kind::Rows) {
            2
        } else {
            1
        };
        let mut run = Self {
            problem,
            copies: HashMap::new(),
            aborts: false,
            rows,
        };
        let mut random = Random(seed);
        let keys: Vec<u128> = problem
            .keys
            .iter()
            .map(|k| random.below(order(k.elem)))
            .collect();
        for (operand, spec) in flat.params.iter().zip(&problem.params) {
            run.parameter(operand_ids(operand), spec, &keys, &mut random);
        }
        for (at, step) in flat.steps.iter().enumerate() {
            let info = &flat.values[step.result as usize];
            match &step.op {
                FlatOp::Coin(domain) => {
                    let draws: Vec<u128> = (0..rows)
                        .map(|_| match domain {
                            CoinDomain::Below(bound) => random.below(*bound),
                            CoinDomain::Nonzero => {
                                1 + random.below(order(info.elem).wrapping_sub(1))
                            }
                            _ => random.below(order(info.elem)),
                        })
                        .collect();
                    let words = match domain {
                        CoinDomain::Permutation => {
                            let swap = random.below(2);
                            (0..rows as u128)
                                .map(|row| row ^ if rows == 2 { swap } else { 0 })
                                .collect()
                        }
                        _ if info.kind == Kind::Scalar => vec![draws[0]; rows],
                        _ => draws,
                    };
                    run.give(step.result, info.known_to, &words);
                }
                FlatOp::Key(key) => {
                    run.give(step.result, info.known_to, &vec![keys[*key as usize]; rows]);
                }
                FlatOp::Send { from, to } => {
                    let arg = step.args[0];
                    let before = flat.values[arg as usize].known_to;
                    let sent = run.copies[&(arg, *from)].clone();
                    for party in before.intersection(info.known_to).iter() {
                        let own = run.copies[&(arg, party.0)].clone();
                        run.copies.insert((step.result, party.0), own);
                    }
                    for party in to.without(before).iter() {
                        let lie = lies.get(&(at, party.0)).copied().unwrap_or(0);
                        let lie = if coalition.contains(Party(*from)) {
                            lie
                        } else {
                            0
                        };
                        let words = sent
                            .iter()
                            .map(|w| add(info.elem, *w, reduce(info.elem, lie)));
                        run.copies.insert((step.result, party.0), words.collect());
                    }
                }
                FlatOp::Check { at: who } => {
                    run.compare(who.without(coalition), step.args[1], step.args[2]);
                    for party in info.known_to.iter() {
                        if let Some(own) = run.copies.get(&(step.args[0], party.0)).cloned() {
                            run.copies.insert((step.result, party.0), own);
                        }
                    }
                }
                FlatOp::Assert { at: who } => {
                    run.compare(who.without(coalition), step.args[0], step.args[1]);
                }
                FlatOp::Bilinear | FlatOp::Local(_) => {
                    for party in info.known_to.iter() {
                        let args: Option<Vec<Vec<u128>>> = step
                            .args
                            .iter()
                            .map(|arg| run.copies.get(&(*arg, party.0)).cloned())
                            .collect();
                        if let Some(args) = args {
                            let words = run.local(at, &args);
                            run.copies.insert((step.result, party.0), words);
                        }
                    }
                }
            }
        }
        run
    }

    fn give(&mut self, id: u32, parties: PartySet, words: &[u128]) {
        for party in parties.iter() {
            self.copies.insert((id, party.0), words.to_vec());
        }
    }

    fn parameter(&mut self, ids: &[u32], spec: &Operand, keys: &[u128], random: &mut Random) {
        let known = |id: u32| self.problem.flat.values[id as usize].known_to;
        let scalar = self.problem.flat.values[ids[0] as usize].kind == Kind::Scalar;
        let elem = match spec {
            Operand::Clear { elem, .. } => *elem,
            Operand::Shared(sharing) => sharing.elem,
        };
        let values: Vec<u128> = (0..self.rows)
            .map(|_| if scalar { 1 } else { random.below(order(elem)) })
            .collect();
        match spec {
            Operand::Clear { .. } => self.give(ids[0], known(ids[0]), &values),
            Operand::Shared(sharing) => {
                let matrix = crate::sharing::matrix(sharing);
                let mut words = vec![Vec::new(); ids.len()];
                for value in values {
                    let coins: Vec<u128> = matrix[0][1..]
                        .iter()
                        .map(|_| random.below(order(elem)))
                        .collect();
                    for (component, row) in matrix.iter().enumerate() {
                        let mut word = crate::element::mul(elem, row[0], value);
                        for (by, coin) in row[1..].iter().zip(&coins) {
                            word = add(elem, word, crate::element::mul(elem, *by, *coin));
                        }
                        for (_, key) in sharing
                            .keyed
                            .iter()
                            .filter(|(c, _)| *c as usize == component)
                        {
                            let tag = crate::element::mul(elem, keys[*key as usize], value);
                            word = add(elem, word, tag);
                        }
                        words[component].push(word);
                    }
                }
                for (id, words) in ids.iter().zip(words) {
                    self.give(*id, known(*id), &words);
                }
            }
        }
    }

    fn compare(&mut self, who: PartySet, a: u32, b: u32) {
        for party in who.iter() {
            self.aborts |= self.copies[&(a, party.0)] != self.copies[&(b, party.0)];
        }
    }

    fn local(&self, at: usize, args: &[Vec<u128>]) -> Vec<u128> {
        let flat = &self.problem.flat;
        let step = &flat.steps[at];
        let info = &flat.values[step.result as usize];
        let mut elems = [info.elem; 3];
        for (slot, id) in elems.iter_mut().zip(&step.args) {
            *slot = flat.values[*id as usize].elem;
        }
        let digest = |row: u64, seed: u64| {
            let mut state = Random(seed ^ row);
            for word in args.iter().flatten() {
                for half in [*word as u64, (*word >> 64) as u64] {
                    state = Random(state.word() ^ half);
                }
            }
            state.below(order(info.elem))
        };
        (0..self.rows)
            .map(|row| {
                let word = |i: usize| args[i][row];
                match &step.op {
                    FlatOp::Bilinear => crate::element::mul(info.elem, word(0), word(1)),
                    FlatOp::Local(Local::Constant(c)) => crate::element::literal(info.elem, *c),
                    FlatOp::Local(Local::Broadcast) => word(0),
                    FlatOp::Local(Local::Gather) => args[0][args[1][row] as usize % self.rows],
                    FlatOp::Local(Local::InversePermutation) => {
                        let at = args[0].iter().position(|image| *image == row as u128);
                        at.unwrap_or(0) as u128
                    }
                    FlatOp::Local(Local::Sum { .. }) => {
                        args[0].iter().fold(0, |sum, w| add(info.elem, sum, *w))
                    }
                    FlatOp::Local(Local::Digest) => digest(0, 7),
                    FlatOp::Local(Local::Expand) => {
                        let own = if info.kind == Kind::Scalar {
                            0
                        } else {
                            row as u64
                        };
                        digest(own, 9)
                    }
                    FlatOp::Local(Local::Prim(prim)) => {
                        let mut words = [0; 3];
                        for (slot, arg) in words.iter_mut().zip(args) {
                            *slot = arg[row];
                        }
                        evaluate(*prim, words, elems, info.elem)
                    }
                    _ => 0,
                }
            })
            .collect()
    }

    /// The values of results as honest parties have them; `None` if they do not fit one another.
    fn results(&self, coalition: PartySet) -> Option<Vec<Vec<u128>>> {
        let flat = &self.problem.flat;
        let mut found = Vec::new();
        for (operand, spec) in flat.results.iter().zip(&self.problem.results) {
            let ids = operand_ids(operand);
            let copies = |id: u32, set: PartySet| -> Vec<Vec<u128>> {
                let each = set.without(coalition);
                each.iter()
                    .filter_map(|p| self.copies.get(&(id, p.0)).cloned())
                    .collect()
            };
            match spec {
                Operand::Clear { known_to, .. } => found.extend(copies(ids[0], *known_to)),
                Operand::Shared(sharing) => found.push(self.value(ids, sharing, &copies)?),
            }
        }
        Some(found)
    }

    fn value(
        &self,
        ids: &[u32],
        sharing: &Sharing,
        copies: &dyn Fn(u32, PartySet) -> Vec<Vec<u128>>,
    ) -> Option<Vec<u128>> {
        let mut value = vec![0; self.rows];
        for ((id, holders), by) in ids
            .iter()
            .zip(&sharing.holders)
            .zip(&sharing.reconstruction)
        {
            let all = copies(*id, *holders);
            if all.windows(2).any(|pair| pair[0] != pair[1]) {
                return None;
            }
            let by = crate::element::coefficient(sharing.elem, *by);
            for (sum, word) in value.iter_mut().zip(all.first()?) {
                *sum = add(
                    sharing.elem,
                    *sum,
                    crate::element::mul(sharing.elem, by, *word),
                );
            }
        }
        Some(value)
    }
}

/// Lies in one message, or in two, by constants: how often honest parties end with a wrong result.
/// Panics where the prover says that happens less often.
fn held_against_lies(problem: &Problem, runs: u64, counts: &mut BTreeMap<&'static str, u64>) {
    for coalition in problem.deviating() {
        let active = deviate(problem, coalition);
        let chance = match active.effect {
            Effect::Harmless => 0.0,
            Effect::Caught { chance } => chance,
            _ => {
                *counts.entry("open or changed").or_default() += 1;
                continue;
            }
        };
        *counts.entry("shown").or_default() += 1;
        let mut sent: Vec<(usize, u8)> = Vec::new();
        for (at, step) in problem.flat.steps.iter().enumerate() {
            if let FlatOp::Send { from, to } = step.op
                && coalition.contains(Party(from))
            {
                sent.extend(to.without(coalition).iter().map(|party| (at, party.0)));
            }
        }
        let own = problem.params.iter().any(|param| match param {
            Operand::Clear { known_to, .. } => {
                *known_to != problem.everyone() && !known_to.intersection(coalition).is_empty()
            }
            Operand::Shared(_) => false,
        });
        let mut random = Random(0x11e5);
        let mut wrong = 0u64;
        for seed in 0..runs * u64::from(!sent.is_empty()) {
            let mut lies = BTreeMap::new();
            for _ in 0..1 + seed % 2 {
                let at = sent[random.below(sent.len() as u128) as usize];
                lies.insert(at, 1 + random.below(3));
            }
            let run = Run::new(problem, coalition, &lies, seed);
            if run.aborts {
                *counts.entry("aborts").or_default() += 1;
                continue;
            }
            let honest = Run::new(problem, coalition, &BTreeMap::new(), seed);
            let (got, right) = (run.results(coalition), honest.results(coalition));
            // What a corrupt owner puts in is its choice, and so are components of a corrupt party.
            if right.is_some() && (got.is_none() || got != right && !own) {
                wrong += 1;
            } else {
                *counts.entry("harmless").or_default() += 1;
            }
        }
        let bound = chance * runs as f64;
        assert!(
            wrong as f64 <= bound + 6.0 * bound.sqrt(),
            "{} {}: {wrong} of {runs}, {chance}",
            problem.flat.name,
            problem.set_name(coalition)
        );
    }
}

/// Faults of checks: one left out, all of them last, two barriers fewer.
fn faults(problem: &Problem) -> Vec<Problem> {
    let mut found = vec![problem.clone()];
    for (at, step) in problem.flat.steps.iter().enumerate() {
        let mut flat = (*problem.flat).clone();
        match step.op {
            FlatOp::Check { .. } => {
                flat.steps[at].op = FlatOp::Local(Local::Broadcast);
                flat.steps[at].args.truncate(1);
            }
            FlatOp::Assert { .. } => {
                flat.steps[at].op = FlatOp::Local(Local::Constant(0));
                flat.steps[at].args.clear();
            }
            _ => continue,
        }
        found.push(problem.with_flat(flat));
    }
    let every = (found.len() / 8).max(1);
    let mut found: Vec<Problem> = found.into_iter().step_by(every).collect();
    found.push(late(problem));
    let mut flat = (*problem.flat).clone();
    flat.barriers.clear();
    found.push(problem.with_flat(flat));
    found.extend(
        mutants(problem)
            .into_iter()
            .map(|mutant| mutant.problem)
            .step_by(97)
            .take(12),
    );
    found.retain(|p| p.validate().is_ok());
    found
}

/// A scheme, its arguments, and titles of its protocols.
type Titled<'a> = (&'a str, &'a [(&'a str, i128)], &'a [&'a str]);

/// Counts over the protocols of these titles, each with faults, in so many executions with lies.
fn through(schemes: &[Titled<'_>], runs: u64) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for (name, args, titles) in schemes {
        let bound = bind(name, args);
        for title in *titles {
            for problem in faults(&titled(&bound, title)) {
                held_against_lies(&problem, runs, &mut counts);
            }
        }
    }
    println!("{counts:?}");
    counts
}

const FIELD: &[(&str, i128)] = &[("p", 5)];

#[test]
fn no_lie_gets_through_what_is_said_to_catch_it() {
    let basic: &[&str] = &["share from P[0]", "reveal to all", "mul"];
    let counts = through(
        &[
            (
                "fantastic4",
                &[("k", 3)],
                &["share from P[0]", "reveal to all", "mul", "bit_to_ring"],
            ),
            ("rep3_malicious", FIELD, basic),
            ("rep3_malicious_ring", &[], basic),
            ("spdz", FIELD, basic),
            ("spdz2k", &[], basic),
        ],
        200,
    );
    assert!(
        counts["shown"] > 40 && counts["aborts"] > 2_000,
        "{counts:?}"
    );
}

/// `cargo test --release -p smpc-verify -- --ignored lie_gets_through_a_shuffle`
#[test]
#[ignore = "long"]
fn no_lie_gets_through_a_shuffle_that_is_said_to_catch_it() {
    let shuffle: &[&str] = &["shuffle"];
    let counts = through(
        &[
            ("fantastic4", &[("k", 3)], shuffle),
            ("rep3_malicious", FIELD, shuffle),
            ("rep3_malicious_ring", &[], shuffle),
            ("spdz", FIELD, shuffle),
            ("spdz2k", &[], shuffle),
        ],
        200,
    );
    assert!(counts["aborts"] > 100, "{counts:?}");
}
