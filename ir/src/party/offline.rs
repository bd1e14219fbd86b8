//! The offline part of a program: what can be carried out before any input is there.
//!
//! It sends exactly the program's offline messages, in the same order and packed the same way, and
//! takes every coin from its stream in the same order: the rest of the run can follow another day.

use std::collections::HashSet;

use super::before::of_the_run;
use super::project::blocks_of;
use super::{Block, Elem, Op, PartySet, Program, Step, Value, ValueInfo};
use crate::local::{Local, Source};
use crate::size::Size;

/// Why a program's offline part cannot be carried out by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOffline {
    /// How often this loop runs, or which branch is taken, is known during the run only.
    Depends(Source),
    /// There are no offline messages.
    Empty,
}

impl Program {
    /// The offline part as a program of its own.
    ///
    /// # Errors
    /// There is none, or it depends on what the run reveals.
    pub fn offline_part(&self) -> Result<Self, NoOffline> {
        let mut wanted = HashSet::new();
        let mut senders = PartySet::EMPTY;
        sends(self, &self.body, &mut wanted, &mut senders);
        if wanted.is_empty() {
            return Err(NoOffline::Empty);
        }
        let of_the_run = of_the_run(self);
        let asks = |step: &Step, wanted: &HashSet<Value>| {
            !depends(step, &of_the_run) && holds(self, step, wanted, senders)
        };
        // A value carried around a loop is found needed one turn after its use.
        loop {
            let before = wanted.len();
            needs(&self.body, &mut wanted, &asks);
            if wanted.len() == before {
                break;
            }
        }
        let mut part = Part {
            from: self,
            wanted,
            senders,
            of_the_run: &of_the_run,
            values: self.values.clone(),
        };
        let steps = part.steps(&self.body)?;
        Ok(Self {
            values: part.values,
            body: Block {
                steps,
                ..Block::default()
            },
            ..self.clone()
        })
    }
}

/// Results of offline messages, and who sends these.
fn sends(program: &Program, block: &Block, into: &mut HashSet<Value>, senders: &mut PartySet) {
    for step in &block.steps {
        if let Op::Send { from, .. } = &step.op {
            let offline = |value: &&Value| program.values[value.0 as usize].offline;
            for result in step.results.iter().filter(offline) {
                into.insert(*result);
                *senders = senders.union([*from].into_iter().collect());
            }
        }
        for block in blocks_of(&step.op) {
            sends(program, block, into, senders);
        }
    }
}

/// Whether how often a loop runs, or which branch is taken, is known during the run only.
fn depends(step: &Step, of_the_run: &HashSet<Value>) -> bool {
    decision(step).is_some_and(|value| of_the_run.contains(&value))
}

/// What decides how often a loop runs or which branch is taken, where that is a value.
fn decision(step: &Step) -> Option<Value> {
    match &step.op {
        Op::While { condition, .. } => condition.results.first().copied(),
        Op::Switch { .. } => step.args.first().copied(),
        _ => None,
    }
}

/// Whether control holds something of what the offline part consists of.
fn holds(program: &Program, step: &Step, wanted: &HashSet<Value>, senders: PartySet) -> bool {
    let (mut found, mut from) = (HashSet::new(), PartySet::EMPTY);
    for block in blocks_of(&step.op) {
        sends(program, block, &mut found, &mut from);
        coins(program, block, senders, &mut found);
    }
    !found.is_empty() || step.results.iter().any(|value| wanted.contains(value))
}

/// Coins of streams that a sender of offline messages has a part in: what it draws next would
/// depend on how many were drawn here.
fn coins(program: &Program, block: &Block, senders: PartySet, into: &mut HashSet<Value>) {
    for step in &block.steps {
        if let Op::Coin(_) = step.op {
            let shared = |value: &&Value| {
                let set = program.values[value.0 as usize].known_to;
                !set.intersection(senders).is_empty()
            };
            into.extend(step.results.iter().filter(shared));
        }
        for block in blocks_of(&step.op) {
            coins(program, block, senders, into);
        }
    }
}

/// One pass backwards: what the wanted values are computed from, and what decides on control that is asked for.
fn needs(
    block: &Block,
    wanted: &mut HashSet<Value>,
    asks: &dyn Fn(&Step, &HashSet<Value>) -> bool,
) {
    for step in block.steps.iter().rev() {
        match &step.op {
            Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                let k = step.args.len();
                // A tree has two neighbours for each argument.
                let higher = body.params.get(k..).unwrap_or_default();
                for slot in 0..k {
                    carried(step, slot, &[&body.params, higher], body, wanted);
                }
                needs(body, wanted, asks);
            }
            Op::For { body, .. } => {
                for slot in 0..step.args.len() {
                    carried(step, slot, &[&body.params], body, wanted);
                }
                needs(body, wanted, asks);
            }
            Op::While {
                condition, body, ..
            } if asks(step, wanted) => {
                wanted.extend(&condition.results);
                for slot in 0..step.args.len() {
                    let current: [&[Value]; 2] = [&body.params, &condition.params];
                    carried(step, slot, &current, body, wanted);
                }
                needs(condition, wanted, asks);
                needs(body, wanted, asks);
            }
            Op::Switch { arms } if asks(step, wanted) => {
                wanted.extend(&step.args);
                for arm in arms {
                    let pairs = step.results.iter().zip(&arm.results);
                    let own: Vec<Value> = pairs
                        .filter(|(result, _)| wanted.contains(result))
                        .map(|(_, own)| *own)
                        .collect();
                    wanted.extend(own);
                    needs(arm, wanted, asks);
                }
            }
            Op::While { .. } | Op::Switch { .. } => {}
            _ if step.results.iter().any(|result| wanted.contains(result)) => {
                wanted.extend(&step.args);
            }
            _ => {}
        }
    }
}

/// A carried value is wanted before the first turn, in each, after it and at the end, or nowhere.
fn carried(
    step: &Step,
    slot: usize,
    current: &[&[Value]],
    body: &Block,
    wanted: &mut HashSet<Value>,
) {
    let inside = current.iter().filter_map(|params| params.get(slot));
    let inside = inside.chain(step.results.get(slot));
    if inside.clone().any(|value| wanted.contains(value)) {
        wanted.extend(inside);
        wanted.extend(step.args.get(slot));
        wanted.extend(body.results.get(slot));
    }
}

struct Part<'a> {
    from: &'a Program,
    wanted: HashSet<Value>,
    senders: PartySet,
    of_the_run: &'a HashSet<Value>,
    values: Vec<ValueInfo>,
}

impl Part<'_> {
    fn wants(&self, list: &[Value], at: usize) -> bool {
        list.get(at)
            .is_some_and(|value| self.wanted.contains(value))
    }

    /// The steps of a block, without its parameters and results.
    fn steps(&mut self, block: &Block) -> Result<Vec<Step>, NoOffline> {
        let mut steps = vec![];
        for step in &block.steps {
            self.step(step, &mut steps)?;
        }
        Ok(steps)
    }

    /// A block with these of its parameters and results.
    fn block(
        &mut self,
        block: &Block,
        params: &[usize],
        results: &[usize],
    ) -> Result<Block, NoOffline> {
        Ok(Block {
            params: at(&block.params, params),
            steps: self.steps(block)?,
            results: at(&block.results, results),
        })
    }

    /// The carried values of a loop, or the columns of a tree, that stay.
    fn slots(&self, step: &Step, body: &Block) -> Vec<usize> {
        let k = step.args.len();
        let wanted = |at: &usize| {
            self.wants(&step.results, *at)
                || self.wants(&body.params, *at)
                || self.wants(&body.params, k + *at)
        };
        (0..k).filter(wanted).collect()
    }

    fn step(&mut self, step: &Step, steps: &mut Vec<Step>) -> Result<(), NoOffline> {
        match &step.op {
            Op::Coin(_) | Op::Barrier => steps.push(step.clone()),
            Op::For { var, count, body } => {
                let slots = self.slots(step, body);
                let body = self.block(body, &slots, &slots)?;
                let (var, count) = (*var, count.clone());
                steps.push(Step {
                    op: Op::For { var, count, body },
                    args: at(&step.args, &slots),
                    results: at(&step.results, &slots),
                    ..step.clone()
                });
            }
            Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                let inside = self.steps(body)?;
                self.tree(step, body, inside, steps);
            }
            Op::While { .. } | Op::Switch { .. }
                if !holds(self.from, step, &self.wanted, self.senders) =>
            {
                // It stays as what it is to the schedule: a place no message is moved across.
                steps.push(nothing(step, self.counter()));
            }
            Op::While { .. } | Op::Switch { .. } if depends(step, self.of_the_run) => {
                return Err(NoOffline::Depends(step.source));
            }
            Op::While {
                iterations,
                condition,
                body,
            } => {
                let slots = self.slots(step, body);
                let op = Op::While {
                    iterations: *iterations,
                    condition: self.block(condition, &slots, &[0])?,
                    body: self.block(body, &slots, &slots)?,
                };
                steps.push(Step {
                    op,
                    args: at(&step.args, &slots),
                    results: at(&step.results, &slots),
                    ..step.clone()
                });
            }
            Op::Switch { arms } => {
                let kept: Vec<usize> = (0..step.results.len())
                    .filter(|slot| self.wants(&step.results, *slot))
                    .collect();
                let arms = arms.iter().map(|arm| self.block(arm, &[], &kept));
                let arms = arms.collect::<Result<_, _>>()?;
                steps.push(Step {
                    op: Op::Switch { arms },
                    results: at(&step.results, &kept),
                    ..step.clone()
                });
            }
            _ if step.results.iter().any(|value| self.wanted.contains(value)) => {
                steps.push(step.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// A variable for a loop that is never entered.
    fn counter(&self) -> crate::size::SizeVar {
        crate::size::SizeVar(u32::try_from(self.from.sizes.len()).unwrap_or(u32::MAX))
    }

    /// A tree keeps its levels, whatever it is over: the rows of a column of zeros have their
    /// number.
    fn tree(&mut self, step: &Step, body: &Block, inside: Vec<Step>, steps: &mut Vec<Step>) {
        let slots = self.slots(step, body);
        let (half, scan) = match &step.op {
            Op::Reduce { half, .. } => (*half, false),
            Op::Scan { half, .. } => (*half, true),
            _ => return,
        };
        let mut args = at(&step.args, &slots);
        let mut results = at(&step.results, &slots);
        let higher: Vec<usize> = slots.iter().map(|at| step.args.len() + at).collect();
        let mut body = Block {
            params: [at(&body.params, &slots), at(&body.params, &higher)].concat(),
            steps: inside,
            results: at(&body.results, &slots),
        };
        let rows = step
            .args
            .first()
            .and_then(|arg| self.from.values.get(arg.0 as usize)?.shape.first().cloned());
        if let (true, Some(rows)) = (slots.is_empty(), rows) {
            let pairs = Size::atom(crate::size::Atom::Var(half));
            let zeros = self.zeros(vec![rows.clone()]);
            steps.push(Step {
                op: Op::Local(Local::Constant(0)),
                args: vec![],
                results: vec![zeros],
                ..step.clone()
            });
            let (low, high) = (self.zeros(vec![pairs.clone()]), self.zeros(vec![pairs]));
            body.params = vec![low, high];
            body.results = vec![low];
            args = vec![zeros];
            results = vec![self.zeros(if scan { vec![rows] } else { vec![] })];
        }
        let op = if scan {
            Op::Scan { half, body }
        } else {
            Op::Reduce { half, body }
        };
        steps.push(Step {
            op,
            args,
            results,
            ..step.clone()
        });
    }

    fn zeros(&mut self, shape: Vec<Size>) -> Value {
        let value = Value(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(ValueInfo {
            elem: Elem::Bits(1),
            shape,
            known_to: self.from.everyone(),
            offline: true,
        });
        value
    }
}

/// The values at these positions.
fn at(list: &[Value], slots: &[usize]) -> Vec<Value> {
    slots
        .iter()
        .filter_map(|at| list.get(*at).copied())
        .collect()
}

/// A loop that is never entered.
fn nothing(step: &Step, var: crate::size::SizeVar) -> Step {
    Step {
        op: Op::For {
            var,
            count: Size::zero(),
            body: Block::default(),
        },
        args: vec![],
        results: vec![],
        ..step.clone()
    }
}
