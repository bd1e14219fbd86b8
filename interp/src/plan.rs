//! How a party's part of a block is carried out: steps fused, and what may be forgotten when.

use std::collections::{HashMap, HashSet};

use smpc_ir::SizeVar;
use smpc_ir::party::project::{Act, Body, Exchange, blocks_of};
use smpc_ir::party::{Block, Party, PartySet, Program, Step, Value};

use crate::fuse::{Fused, fuse};

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Action<'p> {
    /// A local operation, an input, a coin, an output.
    Local(&'p Step),
    /// The result of this send is its argument, which the party knows.
    Alias(&'p Step),
    /// Messages to send, then messages to receive.
    Exchange(Exchange),
    /// A control operation with the plans of its blocks.
    Control(Nested<'p>),
    /// Takes the range of a coin from its stream.
    Reserve(&'p Step),
    /// Draws a coin from its range.
    Fill(&'p Step),
    /// Several steps at once.
    Fused(Box<Fused>),
}

/// A block's actions for one party.
#[derive(Debug)]
pub(crate) struct Plan<'p> {
    pub actions: Vec<Action<'p>>,
    /// After action i these values of the block are not read again.
    pub forget: Vec<Vec<Value>>,
}

/// A control operation.
#[derive(Debug)]
pub(crate) struct Nested<'p> {
    pub step: &'p Step,
    /// Plans of its blocks.
    pub plans: Vec<Plan<'p>>,
    /// The first of the variables that count how often each arm is taken.
    pub arms: SizeVar,
}

/// The plan of one party's part of a block.
pub(crate) fn plan<'p>(program: &'p Program, body: Body<'p>, me: Party) -> Plan<'p> {
    let block = body.block;
    let actions = body.acts.into_iter().map(|act| match act {
        Act::Step(step) => Action::Local(step),
        Act::Known(step) => Action::Alias(step),
        Act::Exchange(exchange) => Action::Exchange(exchange),
        Act::Control(control) => {
            let bodies = control.bodies.into_iter();
            Action::Control(Nested {
                step: control.step,
                plans: bodies.map(|body| plan(program, body, me)).collect(),
                arms: control.arms,
            })
        }
    });
    let actions = fuse(program, block, actions.collect());
    let forget = last_uses(program, block, &actions, me);
    Plan { actions, forget }
}

/// What a step reads, with what the blocks nested in it read.
pub(crate) fn reads(step: &Step, into: &mut Vec<Value>) {
    into.extend(&step.args);
    for block in blocks_of(&step.op) {
        for inner in &block.steps {
            reads(inner, into);
        }
        into.extend(&block.results);
    }
}

fn last_uses(
    program: &Program,
    block: &Block,
    actions: &[Action<'_>],
    me: Party,
) -> Vec<Vec<Value>> {
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
            Action::Local(step)
            | Action::Alias(step)
            | Action::Control(Nested { step, .. })
            | Action::Fill(step) => {
                reads(step, &mut read);
                read.extend(&step.results);
            }
            Action::Exchange(exchange) => {
                for message in exchange.sends.iter().chain(&exchange.receives) {
                    read.extend(&message.values);
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
    let own: HashSet<Value> = block
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
