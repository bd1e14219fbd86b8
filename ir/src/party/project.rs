//! One party's part of a program: its own steps and messages, in the order of the schedule. What
//! interprets a program and what writes it as code both follow this list.

use super::schedule::{BlockPlan, Part, Segment};
use super::{Block, Op, Party, Program, Step, Value};
use crate::local::Source;
use crate::size::SizeVar;

/// One thing a party does.
#[derive(Clone, Debug)]
pub enum Act<'p> {
    /// A step that nests no block and is no send.
    Step(&'p Step),
    /// A send whose argument the party knows, or a check that is for others: the result is the first
    /// argument.
    Known(&'p Step),
    /// Messages to send, then messages to receive.
    Exchange(Exchange),
    /// A control operation.
    Control(Control<'p>),
}

/// What a party sends and receives between two stages. Every online exchange is a round, also for
/// parties that have no part in it.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// Ahead of the inputs.
    pub offline: bool,
    /// By receiver.
    pub sends: Vec<Message>,
    /// By sender.
    pub receives: Vec<Message>,
}

/// What a party sends another, or gets from it, in an exchange.
#[derive(Clone, Debug)]
pub struct Message {
    /// The other party.
    pub peer: Party,
    /// Under the names that they have at the party itself.
    pub values: Vec<Value>,
    /// Where the first of them is sent: errors name this place.
    pub source: Source,
}

impl Exchange {
    /// The first message to send, else the first to receive.
    pub fn first(&self) -> Option<&Message> {
        self.sends.iter().chain(&self.receives).next()
    }
}

/// A control operation with the party's part of its blocks.
#[derive(Clone, Debug)]
pub struct Control<'p> {
    /// The operation.
    pub step: &'p Step,
    /// Its blocks: the body; condition and body of a `While`; the arms of a `Switch`.
    pub bodies: Vec<Body<'p>>,
    /// For a `Switch`: arm i counts how often it is taken as this variable plus i.
    pub arms: SizeVar,
}

/// A block of a party.
#[derive(Clone, Debug)]
pub struct Body<'p> {
    /// The block of the program.
    pub block: &'p Block,
    /// What the party does in it, in order.
    pub acts: Vec<Act<'p>>,
}

/// A party's part of a block.
pub fn project<'p>(
    program: &Program,
    block: &'p Block,
    scheduled: &BlockPlan,
    me: Party,
) -> Body<'p> {
    let mut acts = vec![];
    for part in &scheduled.parts {
        match part {
            Part::Segment(of) => segment(program, block, of, me, &mut acts),
            Part::Control { step, blocks, arms } => {
                let step = &block.steps[*step];
                let inner = blocks_of(&step.op).into_iter().zip(blocks);
                let bodies = inner.map(|(b, s)| project(program, b, s, me)).collect();
                let arms = *arms;
                acts.push(Act::Control(Control { step, bodies, arms }));
            }
        }
    }
    Body { block, acts }
}

/// The blocks of a control operation, in the order of [`Control::bodies`].
pub fn blocks_of(op: &Op) -> Vec<&Block> {
    match op {
        Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => vec![body],
        Op::While {
            condition, body, ..
        } => vec![condition, body],
        Op::Switch { arms } => arms.iter().collect(),
        _ => vec![],
    }
}

/// Who carries a step out: for a send, who knows the argument already.
fn works(program: &Program, step: &Step, me: Party) -> bool {
    let known = |v: &Value| program.values[v.0 as usize].known_to.contains(me);
    match &step.op {
        Op::Send { .. } => known(&step.results[0]) && known(&step.args[0]),
        Op::Output { .. } => known(&step.args[0]),
        Op::Check { at } if step.results.is_empty() => at.contains(me),
        Op::Probe { .. } => step.args.iter().any(known),
        _ => step.results.iter().any(known),
    }
}

fn segment<'p>(
    program: &Program,
    block: &'p Block,
    segment: &Segment,
    me: Party,
    acts: &mut Vec<Act<'p>>,
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
    let mut stages: Vec<Vec<Act<'p>>> = (0..=exchanges).map(|_| vec![]).collect();
    let mut outputs = vec![];
    for (step, stage) in block.steps[segment.steps.clone()]
        .iter()
        .zip(&segment.stages)
    {
        if !works(program, step, me) {
            continue;
        }
        match step.op {
            Op::Output { .. } => outputs.push(Act::Step(step)),
            Op::Send { .. } => stages[phase(offline(step), stage.at(me))].push(Act::Known(step)),
            Op::Check { at } if !at.contains(me) => {
                stages[phase(offline(step), stage.at(me))].push(Act::Known(step));
            }
            _ => stages[phase(offline(step), stage.at(me))].push(Act::Step(step)),
        }
    }
    let mut mail = vec![Exchange::default(); exchanges];
    for message in &segment.messages {
        let own = &mut mail[phase(message.offline, message.exchange)];
        if message.from == me {
            let values = message.values.iter().map(|(sent, _)| *sent);
            own.sends.push(Message {
                peer: message.to,
                values: values.collect(),
                source: message.source,
            });
        }
        if message.to == me {
            let values = message.values.iter().map(|(_, got)| *got);
            own.receives.push(Message {
                peer: message.from,
                values: values.collect(),
                source: message.source,
            });
        }
    }
    let mut mail = mail.into_iter();
    for (at, stage) in stages.into_iter().enumerate() {
        acts.extend(stage);
        if let Some(mut exchange) = mail.next() {
            exchange.offline = at < segment.levels as usize;
            acts.push(Act::Exchange(exchange));
        }
    }
    // A party is handed things in the order of the program, not of readiness.
    acts.extend(outputs);
}
