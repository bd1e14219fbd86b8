//! One party's share of a block: its steps in order, its messages, and what may be forgotten when.

use std::collections::HashMap;

use smpc_ir::SizeVar;
use smpc_ir::party::schedule::{BlockPlan, Part, Segment};
use smpc_ir::party::{Block, Op, Party, PartySet, Program, Step, Value};

use crate::fuse::{Fused, fuse};

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// A local operation, an input, a coin, an output: the step at this position.
    Local(usize),
    /// The result of this send is its argument, which the party knows.
    Alias(usize),
    /// Messages to send, then messages to receive.
    Exchange {
        offline: bool,
        sends: Vec<(Party, Vec<Value>)>,
        receives: Vec<(Party, Vec<Value>)>,
    },
    /// The control operation at this position.
    Control(usize),
    /// Takes the range of the coin at this position from its stream.
    Reserve(usize),
    /// Draws the coin at this position from its range.
    Fill(usize),
    /// Several steps at once.
    Fused(Box<Fused>),
}

/// A block's actions for one party.
#[derive(Debug)]
pub(crate) struct Plan {
    pub actions: Vec<Action>,
    /// After action i these values of the block are not read again.
    pub forget: Vec<Vec<Value>>,
    /// Of the control operation at a position of the block.
    pub nested: HashMap<usize, Nested>,
}

/// The inside of a control operation.
#[derive(Debug)]
pub(crate) struct Nested {
    /// Plans of its blocks.
    pub plans: Vec<Plan>,
    /// The first of the variables that count how often each arm is taken.
    pub arms: SizeVar,
}

/// The blocks of a control operation, in the order of [`Plan::nested`].
pub(crate) fn blocks(op: &Op) -> Vec<&Block> {
    match op {
        Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => vec![body],
        Op::While {
            condition, body, ..
        } => vec![condition, body],
        Op::Switch { arms } => arms.iter().collect(),
        _ => vec![],
    }
}

/// One party's part of a scheduled block.
pub(crate) fn plan(program: &Program, block: &Block, scheduled: &BlockPlan, me: Party) -> Plan {
    let mut actions = vec![];
    let mut nested = HashMap::new();
    for part in &scheduled.parts {
        match part {
            Part::Segment(segment) => segment_actions(program, block, segment, me, &mut actions),
            Part::Control {
                step,
                blocks: inner,
                arms,
            } => {
                actions.push(Action::Control(*step));
                let bodies = blocks(&block.steps[*step].op).into_iter().zip(inner);
                let plans = bodies.map(|(b, s)| plan(program, b, s, me)).collect();
                nested.insert(*step, Nested { plans, arms: *arms });
            }
        }
    }
    let actions = fuse(program, block, actions);
    let forget = last_uses(program, block, &actions, me);
    Plan {
        actions,
        forget,
        nested,
    }
}

/// Who carries a step out: for a send, who knows the argument already.
fn works(program: &Program, step: &Step, me: Party) -> bool {
    let known = |v: &Value| program.values[v.0 as usize].known_to.contains(me);
    match &step.op {
        Op::Send { .. } => known(&step.results[0]) && known(&step.args[0]),
        Op::Output { .. } => known(&step.args[0]),
        Op::Probe { .. } => step.args.iter().any(known),
        _ => step.results.iter().any(known),
    }
}

fn segment_actions(
    program: &Program,
    block: &Block,
    segment: &Segment,
    me: Party,
    actions: &mut Vec<Action>,
) {
    let offline = |step: &Step| {
        let result = step.results.first();
        result.is_some_and(|r| program.values[r.0 as usize].offline)
    };
    let exchanges = (segment.levels + segment.rounds) as usize;
    let phase = |before: bool, stage: u32| {
        let first = if before { 0 } else { segment.levels };
        (first + stage) as usize
    };
    // Offline stages, then online ones; the last offline stage and the first online one are one.
    let mut locals: Vec<Vec<Action>> = (0..=exchanges).map(|_| vec![]).collect();
    let mut mail: Vec<(Mail, Mail)> = (0..exchanges).map(|_| (vec![], vec![])).collect();
    for (at, stages) in segment.steps.clone().zip(&segment.stages) {
        let step = &block.steps[at];
        if works(program, step, me) {
            locals[phase(offline(step), stages.at(me))].push(match step.op {
                Op::Send { .. } => Action::Alias(at),
                _ => Action::Local(at),
            });
        }
    }
    for message in &segment.messages {
        let (sends, receives) = &mut mail[phase(message.offline, message.exchange)];
        if message.from == me {
            sends.push((
                message.to,
                message.values.iter().map(|(sent, _)| *sent).collect(),
            ));
        }
        if message.to == me {
            receives.push((
                message.from,
                message.values.iter().map(|(_, got)| *got).collect(),
            ));
        }
    }
    let mut mail = mail.into_iter();
    for (stage, local) in locals.into_iter().enumerate() {
        actions.extend(local);
        if let Some((sends, receives)) = mail.next() {
            actions.push(Action::Exchange {
                offline: stage < segment.levels as usize,
                sends,
                receives,
            });
        }
    }
}

/// Values to or from a peer.
type Mail = Vec<(Party, Vec<Value>)>;

/// What a step reads, with what the blocks nested in it read.
pub(crate) fn reads(step: &Step, into: &mut Vec<Value>) {
    into.extend(&step.args);
    for block in blocks(&step.op) {
        for inner in &block.steps {
            reads(inner, into);
        }
        into.extend(&block.results);
    }
}

fn last_uses(program: &Program, block: &Block, actions: &[Action], me: Party) -> Vec<Vec<Value>> {
    let mut last: HashMap<Value, usize> = HashMap::new();
    let mut touch = |value: Value, at: usize| {
        last.insert(value, at);
    };
    let known = |v: &Value| -> PartySet { program.values[v.0 as usize].known_to };
    let mut read = vec![];
    for (i, action) in actions.iter().enumerate() {
        read.clear();
        match action {
            Action::Reserve(_) => {}
            Action::Fused(fused) => {
                read.extend(&fused.args);
                read.extend(fused.outputs.iter().flatten());
            }
            Action::Local(at) | Action::Alias(at) | Action::Control(at) | Action::Fill(at) => {
                reads(&block.steps[*at], &mut read);
                read.extend(&block.steps[*at].results);
            }
            Action::Exchange {
                sends, receives, ..
            } => {
                for (_, values) in sends.iter().chain(receives) {
                    read.extend(values);
                }
            }
        }
        for value in &read {
            touch(*value, i);
        }
    }
    for result in &block.results {
        last.remove(result);
    }
    // Values of enclosing blocks are not ours to forget.
    let own: std::collections::HashSet<Value> = block
        .steps
        .iter()
        .flat_map(|s| s.results.iter().copied())
        .chain(block.params.iter().copied())
        .filter(|v| known(v).contains(me))
        .collect();
    let mut forget = vec![vec![]; actions.len()];
    for (value, at) in last {
        if own.contains(&value) {
            forget[at].push(value);
        }
    }
    forget
}
