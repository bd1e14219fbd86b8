//! Executions in which corrupt parties lie.

use crate::element::{add, order, reduce};
use crate::machine::{Choice, Random, evaluate};
use crate::problem::operand_ids;
use crate::*;
use smpc_ir::flat::{FlatOp, Kind, Sharing};
use smpc_ir::local::Local;
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::collections::{BTreeMap, HashMap};

/// What a message is off by.
pub(super) enum Lie {
    /// This.
    By(u128),
    /// So many times a value, as somebody of the coalition has it by then.
    Times(u128, u32),
}

/// An execution in which every party has its own copies, and some messages carry lies.
pub(super) struct Run<'p> {
    problem: &'p Problem,
    pub copies: HashMap<(u32, u8), Vec<u128>>,
    pub aborts: bool,
    pub rows: usize,
}

impl<'p> Run<'p> {
    /// Operands and coins, and nothing else yet.
    pub fn start(problem: &'p Problem, seed: u64) -> Self {
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
        for step in &flat.steps {
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
                _ => {}
            }
        }
        run
    }

    pub fn new(
        problem: &'p Problem,
        coalition: PartySet,
        lies: &BTreeMap<(usize, u8), Lie>,
        seed: u64,
    ) -> Self {
        let mut run = Self::start(problem, seed);
        for (at, step) in problem.flat.steps.iter().enumerate() {
            let info = &problem.flat.values[step.result as usize];
            match &step.op {
                FlatOp::Coin(_) | FlatOp::Key(_) => {}
                FlatOp::Send { from, to } => {
                    let arg = step.args[0];
                    let before = problem.flat.values[arg as usize].known_to;
                    let sent = run.copies[&(arg, *from)].clone();
                    for party in before.intersection(info.known_to).iter() {
                        let own = run.copies[&(arg, party.0)].clone();
                        run.copies.insert((step.result, party.0), own);
                    }
                    for party in to.without(before).iter() {
                        let lie = lies.get(&(at, party.0));
                        let lie = lie.filter(|_| coalition.contains(Party(*from)));
                        let error = |row: usize| match lie {
                            None => 0,
                            Some(Lie::By(constant)) => reduce(info.elem, *constant),
                            Some(Lie::Times(factor, seen)) => {
                                let mut own = coalition.iter();
                                let seen =
                                    own.find_map(|member| run.copies.get(&(*seen, member.0)));
                                let seen = seen.map_or(0, |words| words[row]);
                                crate::element::mul(info.elem, *factor, seen)
                            }
                        };
                        let words: Vec<u128> = (sent.iter().enumerate())
                            .map(|(row, word)| add(info.elem, *word, error(row)))
                            .collect();
                        run.copies.insert((step.result, party.0), words);
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

    pub fn compare(&mut self, who: PartySet, a: u32, b: u32) {
        for party in who.iter() {
            self.aborts |= self.copies[&(a, party.0)] != self.copies[&(b, party.0)];
        }
    }

    pub fn local(&self, at: usize, args: &[Vec<u128>]) -> Vec<u128> {
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

    /// The bits of a word that are its value.
    fn carried(&self, elem: Elem, word: u128) -> u128 {
        match elem {
            Elem::Ring(bits) if bits > self.problem.carried => {
                reduce(Elem::Ring(self.problem.carried), word)
            }
            _ => word,
        }
    }

    /// The values of results as honest parties have them; `None` if they do not fit one another.
    pub fn results(&self, coalition: PartySet) -> Option<Vec<Vec<u128>>> {
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
                Operand::Clear { elem, known_to } => {
                    let all = copies(ids[0], *known_to).into_iter();
                    found.extend(all.map(|words| {
                        let words = words.into_iter();
                        words.map(|word| self.carried(*elem, word)).collect()
                    }));
                }
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
        let words = value.into_iter();
        Some(words.map(|word| self.carried(sharing.elem, word)).collect())
    }
}

/// Messages of a coalition to others: steps and receivers.
pub(super) fn sent(problem: &Problem, coalition: PartySet) -> Vec<(usize, u8)> {
    let mut sent = Vec::new();
    for (at, step) in problem.flat.steps.iter().enumerate() {
        if let FlatOp::Send { from, to } = step.op
            && coalition.contains(Party(from))
        {
            sent.extend(to.without(coalition).iter().map(|party| (at, party.0)));
        }
    }
    sent
}

/// The values of its type that the coalition knows when it sends the message of a step.
pub(super) fn seen(problem: &Problem, coalition: PartySet, at: usize) -> Vec<u32> {
    let flat = &problem.flat;
    let elem = flat.values[flat.steps[at].result as usize].elem;
    let earlier = flat.steps[..at].iter().map(|step| step.result);
    let known = earlier.filter(|id| {
        let info = &flat.values[*id as usize];
        info.elem == elem && !info.known_to.intersection(coalition).is_empty()
    });
    known.collect()
}
