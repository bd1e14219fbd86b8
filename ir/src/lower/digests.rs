//! One digest for all that a party vouches for towards the same receivers in one round.
//!
//! A joint message costs a digest however short it is; a round of many has as many digests between
//! the same two parties. Comparisons that take place at the same parties, with digests from the same
//! party, sent and compared at the same stages, share one digest of all their values. A comparison
//! that depends on another one cannot share with it: only those behind equally many are joined.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::Range;

use crate::local::Local;
use crate::party::schedule::{BlockPlan, Part, Segment, schedule};
use crate::party::{Block, Op, Party, PartySet, Program, Step, Value, ValueInfo, validate};

/// Joins digests in place. A program that is not valid is left as it is: whoever asks for a valid one
/// is told why.
pub(super) fn join(program: &mut Program) {
    let plan = match validate(program) {
        Ok(valid) => schedule(valid),
        Err(_) => return,
    };
    let body = std::mem::take(&mut program.body);
    let mut joiner = Joiner { program };
    let body = joiner.block(body, &plan.body);
    program.body = body;
}

struct Joiner<'p> {
    program: &'p mut Program,
}

/// What comparisons must have in common to share a digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    from: u8,
    at: Vec<u8>,
    /// When the digest is sent, and when it is compared at each of `at`.
    stages: Vec<u32>,
    /// How many comparisons stand before what is digested at either end.
    behind: (u32, u32),
    offline: bool,
}

/// A comparison, and the digests it compares: positions of the steps.
#[derive(Clone, Copy)]
struct Comparison {
    check: usize,
    theirs: usize,
    own: usize,
}

impl Joiner<'_> {
    fn block(&mut self, mut block: Block, plan: &BlockPlan) -> Block {
        let mut steps: Vec<Option<Step>> = block.steps.into_iter().map(Some).collect();
        let mut out = vec![];
        let mut done = 0;
        let take = |steps: &mut Vec<Option<Step>>, range: Range<usize>| -> Vec<Step> {
            steps[range].iter_mut().filter_map(Option::take).collect()
        };
        for part in &plan.parts {
            match part {
                Part::Segment(segment) => {
                    out.extend(take(&mut steps, done..segment.steps.start));
                    let own = take(&mut steps, segment.steps.clone());
                    out.extend(self.segment(own, segment));
                    done = segment.steps.end;
                }
                Part::Control { step, blocks, .. } => {
                    out.extend(take(&mut steps, done..*step));
                    for control in take(&mut steps, *step..*step + 1) {
                        out.push(self.control(control, blocks));
                    }
                    done = *step + 1;
                }
            }
        }
        let end = steps.len();
        out.extend(take(&mut steps, done..end));
        block.steps = out;
        block
    }

    fn control(&mut self, mut step: Step, plans: &[BlockPlan]) -> Step {
        let mut plans = plans.iter();
        let mut inner = |block: &mut Block| {
            if let Some(plan) = plans.next() {
                *block = self.block(std::mem::take(block), plan);
            }
        };
        match &mut step.op {
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => inner(body),
            Op::While {
                condition, body, ..
            } => {
                inner(condition);
                inner(body);
            }
            Op::Switch { arms } => arms.iter_mut().for_each(inner),
            _ => {}
        }
        step
    }

    fn known(&self, value: Value) -> PartySet {
        self.program.values[value.0 as usize].known_to
    }

    fn segment(&mut self, steps: Vec<Step>, segment: &Segment) -> Vec<Step> {
        let groups = self.groups(&steps, segment);
        if groups.is_empty() {
            return steps;
        }
        let mut all = steps.clone();
        // Where a step would stand; new ones as early as what they read allows.
        let mut places: Vec<usize> = (0..all.len()).collect();
        for (key, group) in groups {
            let mut pairs: Vec<(usize, usize)> = vec![];
            for one in &group {
                if !pairs.contains(&(one.theirs, one.own)) {
                    pairs.push((one.theirs, one.own));
                }
            }
            if pairs.len() < 2 {
                continue;
            }
            let place = pairs.iter().map(|p| p.0.min(p.1)).min().unwrap_or(0);
            let theirs: Vec<Value> = pairs.iter().flat_map(|p| steps[p.0].args.clone()).collect();
            let own: Vec<Value> = pairs.iter().flat_map(|p| steps[p.1].args.clone()).collect();
            let at: PartySet = key.at.iter().map(|p| Party(*p)).collect();
            let from = Party(key.from);
            let sender = PartySet::from_iter([from]);
            let like = &steps[pairs[0].0];
            let told = self.digest(like, theirs, sender, key.offline);
            let mine = self.digest(&steps[pairs[0].1], own, at, key.offline);
            let got = self.word(like.results[0], sender.union(at), key.offline);
            let send = Step {
                op: Op::Send { from, to: at },
                args: told.results.clone(),
                results: vec![got],
                ..like.clone()
            };
            for one in group {
                let args = &mut all[one.check].args;
                let count = args.len();
                args[count - 2] = mine.results[0];
                args[count - 1] = got;
            }
            all.extend([told, send, mine]);
            places.extend([place; 3]);
        }
        in_order(all, &places).unwrap_or(steps)
    }

    /// A value like another one, for other parties.
    fn word(&mut self, like: Value, known_to: PartySet, offline: bool) -> Value {
        let info = ValueInfo {
            known_to,
            offline,
            ..self.program.values[like.0 as usize].clone()
        };
        self.program.values.push(info);
        Value(u32::try_from(self.program.values.len() - 1).unwrap_or(u32::MAX))
    }

    fn digest(&mut self, like: &Step, args: Vec<Value>, at: PartySet, offline: bool) -> Step {
        Step {
            args,
            results: vec![self.word(like.results[0], at, offline)],
            ..like.clone()
        }
    }

    /// Comparisons that may share a digest, two at least.
    fn groups(&self, steps: &[Step], segment: &Segment) -> BTreeMap<Key, Vec<Comparison>> {
        let mut made: HashMap<Value, usize> = HashMap::new();
        let mut behind: HashMap<Value, u32> = HashMap::new();
        let mut groups: BTreeMap<Key, Vec<Comparison>> = BTreeMap::new();
        for (at, step) in steps.iter().enumerate() {
            let args = step.args.iter().filter_map(|arg| behind.get(arg));
            let mut depth = args.copied().max().unwrap_or(0);
            if let Op::Check { at: parties } = &step.op {
                if let Some((key, one)) =
                    self.comparison(steps, segment, &made, &behind, at, *parties)
                {
                    groups.entry(key).or_default().push(one);
                }
                depth += 1;
            }
            for result in &step.results {
                made.insert(*result, at);
                behind.insert(*result, depth);
            }
        }
        groups.retain(|_, group| group.len() > 1);
        groups
    }

    fn comparison(
        &self,
        steps: &[Step],
        segment: &Segment,
        made: &HashMap<Value, usize>,
        behind: &HashMap<Value, u32>,
        check: usize,
        at: PartySet,
    ) -> Option<(Key, Comparison)> {
        let [.., own, told] = steps[check].args[..] else {
            return None;
        };
        let sent = *made.get(&told)?;
        let Op::Send { from, .. } = steps[sent].op else {
            return None;
        };
        let theirs = *made.get(steps[sent].args.first()?)?;
        let own = *made.get(&own)?;
        let digests = [theirs, own]
            .iter()
            .all(|step| steps[*step].op == Op::Local(Local::Digest));
        // A digest that others compute from the same value is no word of the sender's.
        let alone = self.known(steps[theirs].results[0]).len() == 1;
        if !digests || !alone || at.contains(from) {
            return None;
        }
        let stage = |step: usize, party: Party| segment.stages.get(step).map(|s| s.at(party));
        let mut stages = vec![stage(theirs, from)?];
        for party in at.iter() {
            stages.push(stage(check, party)?);
        }
        let depth = |step: usize| behind.get(&steps[step].results[0]).copied().unwrap_or(0);
        let offline = |step: usize| self.program.values[steps[step].results[0].0 as usize].offline;
        let key = Key {
            from: from.0,
            at: at.iter().map(|p| p.0).collect(),
            stages,
            behind: (depth(theirs), depth(own)),
            offline: offline(theirs) && offline(own) && offline(sent),
        };
        Some((key, Comparison { check, theirs, own }))
    }
}

/// The steps in an order in which each is defined before it is read, otherwise as they were. `None` if
/// there is none.
fn in_order(steps: Vec<Step>, places: &[usize]) -> Option<Vec<Step>> {
    let mut made: HashMap<Value, usize> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        made.extend(step.results.iter().map(|r| (*r, at)));
    }
    let mut waits = vec![0usize; steps.len()];
    let mut readers: Vec<Vec<usize>> = vec![vec![]; steps.len()];
    let mut last_output = None;
    for (at, step) in steps.iter().enumerate() {
        let mut before: Vec<usize> = step
            .args
            .iter()
            .filter_map(|arg| made.get(arg).copied())
            .collect();
        // What is handed out stays in order.
        if let Op::Output { .. } = step.op {
            before.extend(last_output);
            last_output = Some(at);
        }
        for earlier in before {
            readers[earlier].push(at);
            waits[at] += 1;
        }
    }
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> = (0..steps.len())
        .filter(|at| waits[*at] == 0)
        .map(|at| Reverse((places[at], at)))
        .collect();
    let mut left: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut out = Vec::with_capacity(left.len());
    while let Some(Reverse((_, at))) = ready.pop() {
        out.push(left[at].take()?);
        for reader in &readers[at] {
            waits[*reader] -= 1;
            if waits[*reader] == 0 {
                ready.push(Reverse((places[*reader], *reader)));
            }
        }
    }
    (out.len() == left.len()).then_some(out)
}
