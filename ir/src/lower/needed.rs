//! Takes away what no party needs: a value is computed by the parties whose outputs, messages or
//! control depend on it, and by no other.
//!
//! Knowledge sets only shrink, and never those of coins (a stream's parties draw in step), inputs
//! or carried values, which are kept whole. One walk backwards.

use std::collections::HashMap;

use crate::local::Local;
use crate::party::{Block, Op, PartySet, Program, Step, Value};

/// Prunes in place.
pub(super) fn prune(program: &mut Program) {
    let everyone = program.everyone();
    let mut needs = Needs {
        needed: vec![PartySet::EMPTY; program.values.len()],
        same: HashMap::new(),
        everyone,
    };
    let body = std::mem::take(&mut program.body);
    needs.block(program, &body);
    program.body = needs.rebuilt(program, body);
}

struct Needs {
    needed: Vec<PartySet>,
    /// Results of messages without receivers, by what was to be sent.
    same: HashMap<Value, Value>,
    everyone: PartySet,
}

impl Needs {
    fn want(&mut self, value: Value, set: PartySet) {
        let slot = &mut self.needed[value.0 as usize];
        *slot = slot.union(set);
    }

    fn of(&self, step: &Step) -> PartySet {
        step.results.iter().fold(PartySet::EMPTY, |set, r| {
            set.union(self.needed[r.0 as usize])
        })
    }

    fn block(&mut self, program: &Program, block: &Block) {
        for step in block.steps.iter().rev() {
            self.step(program, step);
        }
    }

    fn all(&mut self, program: &Program, values: &[Value]) {
        for value in values {
            let known = program.values[value.0 as usize].known_to;
            self.want(*value, known);
        }
    }

    fn step(&mut self, program: &Program, step: &Step) {
        match &step.op {
            Op::Local(_) | Op::FractionBits => {
                let need = self.of(step);
                for arg in &step.args {
                    self.want(*arg, need);
                }
            }
            Op::Send { from, .. } => {
                let need = self.of(step);
                let Some(arg) = step.args.first() else {
                    return;
                };
                let known = program.values[arg.0 as usize].known_to;
                let mut at = need.intersection(known);
                if !need.is_subset(known) {
                    at = at.union([*from].into_iter().collect());
                }
                self.want(*arg, at);
            }
            Op::Check { at } => {
                let need = self.of(step);
                let compared = if step.results.is_empty() {
                    *at
                } else {
                    at.intersection(need)
                };
                if let (false, Some(value)) = (step.results.is_empty(), step.args.first()) {
                    self.want(*value, need);
                }
                for arg in step.args.iter().rev().take(2) {
                    self.want(*arg, compared);
                }
            }
            Op::Barrier => {}
            Op::Output { .. } | Op::Probe { .. } => self.all(program, &step.args),
            Op::Input(_) | Op::Param(_) | Op::Coin(_) => {}
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                self.all(program, &step.args);
                self.all(program, &body.results);
                self.block(program, body);
            }
            Op::While {
                condition, body, ..
            } => {
                self.all(program, &step.args);
                self.all(program, &body.results);
                for value in &condition.results {
                    self.want(*value, self.everyone);
                }
                self.block(program, body);
                self.block(program, condition);
            }
            Op::Switch { arms } => {
                if let Some((index, rest)) = step.args.split_first() {
                    self.want(*index, self.everyone);
                    self.all(program, rest);
                }
                for arm in arms {
                    self.all(program, &arm.results);
                    self.block(program, arm);
                }
            }
        }
    }

    fn rename(&self, values: &mut [Value]) {
        for value in values {
            if let Some(same) = self.same.get(value) {
                *value = *same;
            }
        }
    }

    fn rebuilt(&mut self, program: &mut Program, mut block: Block) -> Block {
        let mut steps = Vec::with_capacity(block.steps.len());
        for mut step in std::mem::take(&mut block.steps) {
            let need = self.of(&step);
            let told = step.args.first().copied();
            self.rename(&mut step.args);
            match &mut step.op {
                Op::Local(_) | Op::FractionBits => {
                    if need.is_empty() {
                        continue;
                    }
                    for r in &step.results {
                        program.values[r.0 as usize].known_to = need;
                    }
                }
                Op::Send { to, .. } => {
                    if need.is_empty() {
                        continue;
                    }
                    *to = to.intersection(need);
                    let known = program.values[step.args[0].0 as usize].known_to;
                    if need.is_subset(known) {
                        self.same.insert(step.results[0], step.args[0]);
                        continue;
                    }
                    for r in &step.results {
                        let known = step
                            .args
                            .iter()
                            .map(|a| program.values[a.0 as usize].known_to)
                            .fold(*to, PartySet::union);
                        program.values[r.0 as usize].known_to = need.intersection(known);
                    }
                }
                Op::Check { at } if !step.results.is_empty() => {
                    *at = at.intersection(need);
                    if at.is_empty() {
                        self.same.insert(step.results[0], step.args[0]);
                        continue;
                    }
                    for r in &step.results {
                        program.values[r.0 as usize].known_to = need;
                    }
                }
                Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                    *body = self.rebuilt(program, std::mem::take(body));
                }
                Op::While {
                    condition, body, ..
                } => {
                    *condition = self.rebuilt(program, std::mem::take(condition));
                    *body = self.rebuilt(program, std::mem::take(body));
                }
                Op::Switch { arms } => {
                    for arm in arms {
                        *arm = self.rebuilt(program, std::mem::take(arm));
                    }
                }
                // A coin nobody reads is still drawn: the streams of a set's parties stay in step
                // whatever each of them needs.
                Op::Coin(_)
                | Op::Input(_)
                | Op::Param(_)
                | Op::Probe { .. }
                | Op::Check { .. }
                | Op::Barrier => {}
                // Who is told is who knows the argument: where that was sent to one who knew it, it
                // is still only that one who is told.
                Op::Output { .. } => {
                    if let (Some(old), Some(new)) = (told, step.args.first().copied()) {
                        let info = program.values[old.0 as usize].clone();
                        if info.known_to != program.values[new.0 as usize].known_to {
                            let restricted = Value(program.values.len() as u32);
                            program.values.push(info);
                            steps.push(Step {
                                op: Op::Local(Local::Reshape),
                                args: vec![new],
                                results: vec![restricted],
                                ..step.clone()
                            });
                            step.args = vec![restricted];
                        }
                    }
                }
            }
            steps.push(step);
        }
        block.steps = steps;
        self.rename(&mut block.results);
        block
    }
}
