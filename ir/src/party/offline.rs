//! The offline part of a program: what can be carried out before any input is there.
//!
//! It sends exactly the program's offline messages, in the same order and packed the same way, and
//! takes every coin from its stream in the same order: the rest of the run can follow another day.

use std::collections::HashSet;

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
        // A value carried around a loop is found needed one turn after its use.
        loop {
            let before = wanted.len();
            needs(&self.body, &mut wanted);
            if wanted.len() == before {
                break;
            }
        }
        let mut part = Part {
            from: self,
            wanted,
            senders,
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

/// One pass backwards: what the wanted values are computed from.
fn needs(block: &Block, wanted: &mut HashSet<Value>) {
    for step in block.steps.iter().rev() {
        match &step.op {
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                let k = step.args.len();
                for slot in 0..k {
                    // A tree has two neighbours for each argument, a loop one current value.
                    let current = [body.params.get(slot), body.params.get(k + slot)];
                    let mut seen = current.into_iter().flatten().chain(step.results.get(slot));
                    if seen.any(|value| wanted.contains(value)) {
                        wanted.extend(current.into_iter().flatten());
                        wanted.extend(step.args.get(slot));
                        wanted.extend(body.results.get(slot));
                        wanted.extend(step.results.get(slot));
                    }
                }
                needs(body, wanted);
            }
            Op::While { .. } | Op::Switch { .. } => {}
            _ if step.results.iter().any(|result| wanted.contains(result)) => {
                wanted.extend(&step.args);
            }
            _ => {}
        }
    }
}

struct Part<'a> {
    from: &'a Program,
    wanted: HashSet<Value>,
    senders: PartySet,
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
                let body = Block {
                    params: at(&body.params, &slots),
                    steps: self.steps(body)?,
                    results: at(&body.results, &slots),
                };
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
            Op::While { iterations, .. } => {
                self.refuse(step)?;
                steps.push(nothing(step, *iterations));
            }
            Op::Switch { .. } => {
                self.refuse(step)?;
                // It stays as what it is to the schedule: a place no message is moved across.
                steps.push(nothing(step, self.counter()));
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

    /// Control that depends on the run must not hold what the offline part consists of.
    fn refuse(&self, step: &Step) -> Result<(), NoOffline> {
        let mut found = HashSet::new();
        for block in blocks_of(&step.op) {
            sends(
                self.from,
                block,
                &mut found,
                &mut PartySet::EMPTY.union(PartySet::EMPTY),
            );
            self.coins(block, &mut found);
        }
        let results = step.results.iter().any(|value| self.wanted.contains(value));
        if found.is_empty() && !results {
            Ok(())
        } else {
            Err(NoOffline::Depends(step.source))
        }
    }

    /// Coins of streams that a sender of offline messages has a part in: what it draws next would
    /// depend on how many were drawn here.
    fn coins(&self, block: &Block, into: &mut HashSet<Value>) {
        for step in &block.steps {
            if let Op::Coin(_) = step.op {
                let shared = |value: &&Value| {
                    let set = self.from.values[value.0 as usize].known_to;
                    !set.intersection(self.senders).is_empty()
                };
                into.extend(step.results.iter().filter(shared));
            }
            for block in blocks_of(&step.op) {
                self.coins(block, into);
            }
        }
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
