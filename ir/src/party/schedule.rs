//! When each step is carried out and which message carries what: rounds by message depth.
//!
//! A block is cut at its control operations and barriers into *segments*. Within a segment a value is ready at
//! a party at the depth of the longest chain of messages behind it, and every message whose
//! contents are ready travels in the next round, so independent sends share rounds whatever their
//! order in the text. All that one party sends another in a round is one message, the values in
//! program order.
//!
//! Offline values depend on offline values alone. A segment first exchanges its offline messages,
//! level by level, then its online ones. Cost formulas and endpoints read the same schedule.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Block, Op, Party, PartySet, Program, Step, Validated, Value};
use crate::local::Source;
use crate::size::SizeVar;

/// The schedule of a whole program.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The outermost block.
    pub body: BlockPlan,
    /// The first variable that is neither a size of the program nor counts an arm.
    pub next_var: u32,
}

/// A block in parts, in order.
#[derive(Clone, Debug, Default)]
pub struct BlockPlan {
    /// Segments and control operations.
    pub parts: Vec<Part>,
}

/// A piece of a block.
#[derive(Clone, Debug)]
pub enum Part {
    /// Straight-line steps.
    Segment(Segment),
    /// A control operation.
    Control {
        /// Its position in the block.
        step: usize,
        /// Its blocks: the body; condition and body of a `While`; the arms of a `Switch`.
        blocks: Vec<BlockPlan>,
        /// For a `Switch`: arm i counts how often it is taken as this variable plus i.
        arms: SizeVar,
    },
}

/// Straight-line steps between two control operations or barriers.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Positions in the block.
    pub steps: Range<usize>,
    /// For each step: after how many exchanges of its phase the parties carry it out.
    pub stages: Vec<Stages>,
    /// Exchanges of offline messages.
    pub levels: u32,
    /// Online rounds.
    pub rounds: u32,
    /// Ordered by phase (offline first), exchange, sender, receiver.
    pub messages: Vec<Message>,
}

/// All that one party sends another in one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Sent before inputs are known.
    pub offline: bool,
    /// The exchange of its phase, from 0: contents are ready in the stage of this number, and
    /// arrive for the next.
    pub exchange: u32,
    /// Sender.
    pub from: Party,
    /// Receiver.
    pub to: Party,
    /// What is sent and what it is to the receiver, in program order.
    pub values: Vec<(Value, Value)>,
    /// Where the first of them is sent.
    pub source: Source,
}

/// A stage by party: the same for most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    common: u32,
    others: Vec<(Party, u32)>,
}

impl Stages {
    /// The stage at a party.
    pub fn at(&self, party: Party) -> u32 {
        self.others
            .iter()
            .find(|(p, _)| *p == party)
            .map_or(self.common, |(_, stage)| *stage)
    }

    fn is_zero(&self) -> bool {
        self.common == 0 && self.others.is_empty()
    }

    /// From what each party of a set has.
    fn collect(parties: PartySet, stage: impl Fn(Party) -> u32) -> Self {
        let all: Vec<(Party, u32)> = parties.iter().map(|p| (p, stage(p))).collect();
        let common = all.first().map_or(0, |(_, s)| *s);
        let others = all.into_iter().filter(|(_, s)| *s != common).collect();
        Self { common, others }
    }
}

/// Schedules a program, in time linear in it.
pub fn schedule(program: Validated<'_>) -> Schedule {
    let program = program.program();
    let mut scheduler = Scheduler {
        program,
        next_var: u32::try_from(program.sizes.len()).unwrap_or(u32::MAX),
        ready: vec![Stages::default(); program.values.len()],
    };
    let body = scheduler.block(&program.body);
    Schedule {
        body,
        next_var: scheduler.next_var,
    }
}

/// Whether a step nests blocks.
fn is_control(op: &Op) -> bool {
    matches!(
        op,
        Op::For { .. } | Op::While { .. } | Op::Switch { .. } | Op::Reduce { .. } | Op::Scan { .. }
    )
}

/// What is sent in a segment, by phase (offline first), exchange, sender and receiver.
type Mail = BTreeMap<(bool, u32, Party, Party), (Source, Vec<(Value, Value)>)>;

struct Scheduler<'a> {
    program: &'a Program,
    next_var: u32,
    /// When each value of the current segment is ready; zero outside of it.
    ready: Vec<Stages>,
}

impl Scheduler<'_> {
    fn block(&mut self, block: &Block) -> BlockPlan {
        let mut parts = vec![];
        let mut start = 0;
        for (at, step) in block.steps.iter().enumerate() {
            let barrier = matches!(step.op, Op::Barrier);
            if !barrier && !is_control(&step.op) {
                continue;
            }
            if start < at {
                parts.push(Part::Segment(self.segment(block, start..at)));
            }
            start = at + 1;
            if !barrier {
                parts.push(self.control(at, step));
            }
        }
        if start < block.steps.len() {
            parts.push(Part::Segment(self.segment(block, start..block.steps.len())));
        }
        BlockPlan { parts }
    }

    fn control(&mut self, at: usize, step: &Step) -> Part {
        let arms = SizeVar(self.next_var);
        let blocks = match &step.op {
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                vec![self.block(body)]
            }
            Op::While {
                condition, body, ..
            } => vec![self.block(condition), self.block(body)],
            Op::Switch { arms } => {
                let count = u32::try_from(arms.len()).unwrap_or(u32::MAX);
                self.next_var = self.next_var.saturating_add(count);
                arms.iter().map(|arm| self.block(arm)).collect()
            }
            _ => vec![],
        };
        Part::Control {
            step: at,
            blocks,
            arms,
        }
    }

    fn segment(&mut self, block: &Block, steps: Range<usize>) -> Segment {
        let mut segment = Segment {
            steps: steps.clone(),
            stages: Vec::with_capacity(steps.len()),
            levels: 0,
            rounds: 0,
            messages: vec![],
        };
        let mut mail = Mail::new();
        for step in &block.steps[steps.clone()] {
            let stages = match &step.op {
                Op::Send { from, to } => self.send(step, *from, *to, &mut segment, &mut mail),
                _ => self.local(step),
            };
            if !stages.is_zero() {
                for result in &step.results {
                    if let Some(ready) = self.ready.get_mut(result.0 as usize) {
                        *ready = stages.clone();
                    }
                }
            }
            segment.stages.push(stages);
        }
        for result in block.steps[steps].iter().flat_map(|s| &s.results) {
            if let Some(ready) = self.ready.get_mut(result.0 as usize) {
                *ready = Stages::default();
            }
        }
        segment.messages = mail
            .into_iter()
            .map(|((online, exchange, from, to), (source, values))| Message {
                offline: !online,
                exchange,
                from,
                to,
                values,
                source,
            })
            .collect();
        segment
    }

    /// When a value is ready at a party, for a step of one phase: offline values are there before
    /// any online step.
    fn at(&self, value: Value, party: Party, offline: bool) -> u32 {
        let index = value.0 as usize;
        match (self.program.values.get(index), self.ready.get(index)) {
            (Some(info), Some(ready)) if info.offline == offline => ready.at(party),
            _ => 0,
        }
    }

    fn waits(&self, value: Value) -> bool {
        self.ready
            .get(value.0 as usize)
            .is_some_and(|ready| !ready.is_zero())
    }

    /// Whether the step belongs to the phase before inputs.
    fn is_offline(&self, step: &Step) -> bool {
        step.results
            .first()
            .and_then(|r| self.program.values.get(r.0 as usize))
            .is_some_and(|info| info.offline)
    }

    fn local(&self, step: &Step) -> Stages {
        if !step.args.iter().any(|a| self.waits(*a)) {
            return Stages::default();
        }
        let offline = self.is_offline(step);
        // What has no result (outputs, probes) is done by whoever knows some argument.
        let touched = if step.results.is_empty() {
            &step.args
        } else {
            &step.results
        };
        let parties = touched
            .iter()
            .filter_map(|v| self.program.values.get(v.0 as usize))
            .fold(PartySet::EMPTY, |set, info| set.union(info.known_to));
        Stages::collect(parties, |party| {
            let knows = |v: &&Value| {
                let info = self.program.values.get(v.0 as usize);
                info.is_some_and(|info| info.known_to.contains(party))
            };
            let args = step.args.iter().filter(knows);
            args.map(|a| self.at(*a, party, offline)).max().unwrap_or(0)
        })
    }

    fn send(
        &self,
        step: &Step,
        from: Party,
        to: PartySet,
        segment: &mut Segment,
        mail: &mut Mail,
    ) -> Stages {
        let ([arg], [result]) = (&step.args[..], &step.results[..]) else {
            return Stages::default();
        };
        let values = &self.program.values;
        let (Some(a), Some(r)) = (values.get(arg.0 as usize), values.get(result.0 as usize)) else {
            return Stages::default();
        };
        let departs = self.at(*arg, from, r.offline);
        let receivers = to.without(a.known_to).intersection(r.known_to);
        for receiver in receivers.iter() {
            mail.entry((!r.offline, departs, from, receiver))
                .or_insert_with(|| (step.source, vec![]))
                .1
                .push((*arg, *result));
        }
        if !receivers.is_empty() {
            let last = if r.offline {
                &mut segment.levels
            } else {
                &mut segment.rounds
            };
            *last = (*last).max(departs + 1);
        }
        Stages::collect(r.known_to, |party| {
            if a.known_to.contains(party) {
                self.at(*arg, party, r.offline)
            } else {
                departs + 1
            }
        })
    }
}
