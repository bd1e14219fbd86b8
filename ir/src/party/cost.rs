//! Rounds, messages and bytes of a program as formulas in its sizes: the schedule, counted.

use super::schedule::{BlockPlan, Part, Schedule, Segment, schedule};
use super::{Block, Op, Program, Step, Validated};
use crate::local::Source;
use crate::size::{Size, SizeVar};

/// Rounds, messages and bytes of a run, as formulas. A run that counts what it does gets what the
/// formulas evaluate to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Online rounds, one after the other.
    pub rounds: Size,
    /// Messages each party sends online, by [`super::Party`]: one to each receiver in a round.
    pub messages: Vec<Size>,
    /// Bytes each party sends online; contents only, without framing.
    pub bytes: Vec<Size>,
    /// Bytes each party sends offline.
    pub offline_bytes: Vec<Size>,
    /// Variables of the formulas that only the run decides.
    pub opaque: Vec<Opaque>,
}

/// A number that depends on the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Its name in the formulas; a run reports its value under this name.
    pub var: SizeVar,
    /// What it counts, over the whole run.
    pub what: String,
    /// Where.
    pub source: Source,
}

impl Cost {
    fn none(parties: usize) -> Self {
        Self {
            rounds: Size::zero(),
            messages: vec![Size::zero(); parties],
            bytes: vec![Size::zero(); parties],
            offline_bytes: vec![Size::zero(); parties],
            opaque: vec![],
        }
    }

    fn formulas(&mut self) -> impl Iterator<Item = &mut Size> {
        std::iter::once(&mut self.rounds)
            .chain(&mut self.messages)
            .chain(&mut self.bytes)
            .chain(&mut self.offline_bytes)
    }

    /// This cost, then `next`.
    fn then(&mut self, mut next: Self) {
        for (sum, term) in self.formulas().zip(next.formulas()) {
            if *term != Size::zero() {
                *sum = &*sum + &*term;
            }
        }
    }

    fn map(&mut self, f: &dyn Fn(&Size) -> Size) {
        for formula in self.formulas() {
            if *formula != Size::zero() {
                *formula = f(formula);
            }
        }
    }

    fn mentions_any(&mut self, vars: &[SizeVar]) -> bool {
        self.formulas()
            .any(|formula| vars.iter().any(|v| formula.mentions(*v)))
    }
}

/// The cost of a whole program.
pub fn cost(program: Validated<'_>) -> Cost {
    cost_of(program, &schedule(program))
}

/// The cost of a program with its schedule.
pub fn cost_of(program: Validated<'_>, schedule: &Schedule) -> Cost {
    let program = program.program();
    let mut counter = Counter {
        program,
        bound: vec![],
        whole: Cost::none(program.parties.len()),
    };
    let mut total = counter.block(&program.body, &schedule.body);
    let opaque = std::mem::take(&mut counter.whole.opaque);
    total.then(counter.whole);
    total.opaque = opaque;
    total
}

struct Counter<'a> {
    program: &'a Program,
    /// Variables of the loops and trees around.
    bound: Vec<SizeVar>,
    /// What is counted over the whole run, however often its block runs.
    whole: Cost,
}

impl Counter<'_> {
    /// The cost of one execution, without what is counted over the whole run.
    fn block(&mut self, block: &Block, plan: &BlockPlan) -> Cost {
        let mut total = Cost::none(self.program.parties.len());
        for part in &plan.parts {
            match part {
                Part::Segment(segment) => self.segment(segment, &mut total),
                Part::Control { step, blocks, arms } => {
                    if let Some(step) = block.steps.get(*step) {
                        let cost = self.control(step, blocks, *arms);
                        total.then(cost);
                    }
                }
            }
        }
        total
    }

    fn segment(&self, segment: &Segment, total: &mut Cost) {
        total.rounds = &total.rounds + &Size::from(i128::from(segment.rounds));
        for message in &segment.messages {
            let from = usize::from(message.from.0);
            let bytes = message
                .values
                .iter()
                .filter_map(|(arg, _)| self.program.values.get(arg.0 as usize))
                .fold(Size::zero(), |sum, info| &sum + &info.wire_bytes());
            let ledger = if message.offline {
                &mut total.offline_bytes
            } else {
                if let Some(count) = total.messages.get_mut(from) {
                    *count = &*count + &Size::one();
                }
                &mut total.bytes
            };
            if let Some(sum) = ledger.get_mut(from) {
                *sum = &*sum + &bytes;
            }
        }
    }

    fn inner(&mut self, var: SizeVar, body: &Block, plan: &BlockPlan) -> Cost {
        self.bound.push(var);
        let cost = self.block(body, plan);
        self.bound.pop();
        cost
    }

    fn control(&mut self, step: &Step, plans: &[BlockPlan], first: SizeVar) -> Cost {
        let parties = self.program.parties.len();
        let rows = || {
            step.args
                .first()
                .and_then(|a| self.program.values.get(a.0 as usize))
                .and_then(|info| info.shape.first().cloned())
                .unwrap_or_else(Size::one)
        };
        match (&step.op, plans) {
            (Op::For { var, count, body }, [plan]) => {
                let mut cost = self.inner(*var, body, plan);
                cost.map(&|each| Size::sum(*var, count, each));
                cost
            }
            (Op::Reduce { half, body }, [plan]) => {
                let rows = rows();
                let mut cost = self.inner(*half, body, plan);
                cost.map(&|each| Size::sum_halvings(*half, &rows, each));
                cost
            }
            (Op::Scan { half, body }, [plan]) => {
                let rows = rows();
                let mut cost = self.inner(*half, body, plan);
                cost.map(&|each| Size::sum_prefix(*half, &rows, each));
                cost
            }
            (
                Op::While {
                    iterations,
                    condition,
                    body,
                },
                [test, plan],
            ) => {
                let first = self.block(condition, test);
                let mut each = self.block(body, plan);
                each.then(first.clone());
                let what = "iterations of the loop".to_owned();
                let extra = self.over_the_run(each, *iterations, what, step.source);
                let mut cost = first;
                if let Some(extra) = extra {
                    cost.then(extra);
                }
                cost
            }
            (Op::Switch { arms }, plans) => {
                let mut costs: Vec<Cost> = arms
                    .iter()
                    .zip(plans)
                    .map(|(arm, plan)| self.block(arm, plan))
                    .collect();
                let Some(one) = costs.first().cloned() else {
                    return Cost::none(parties);
                };
                if costs.iter().all(|c| *c == one) {
                    return one;
                }
                if costs.iter_mut().any(|c| c.mentions_any(&self.bound)) {
                    // How often an arm is taken says nothing of when: the dearest arm each time.
                    return costs.into_iter().fold(one, |mut most, mut cost| {
                        for (a, b) in most.formulas().zip(cost.formulas()) {
                            *a = a.larger(b);
                        }
                        most
                    });
                }
                for (i, cost) in costs.into_iter().enumerate() {
                    let var = SizeVar(first.0.saturating_add(u32::try_from(i).unwrap_or(u32::MAX)));
                    let what = format!("times arm {i} of the branch is taken");
                    let _none = self.over_the_run(cost, var, what, step.source);
                }
                Cost::none(parties)
            }
            _ => Cost::none(parties),
        }
    }

    /// Adds `times` each `cost`, counted over the whole run. Gives it back multiplied if it
    /// depends on a loop around, where `times` can only be per execution.
    fn over_the_run(
        &mut self,
        mut cost: Cost,
        times: SizeVar,
        what: String,
        source: Source,
    ) -> Option<Cost> {
        let free = cost.formulas().all(|f| *f == Size::zero());
        if free {
            return None;
        }
        self.whole.opaque.push(Opaque {
            var: times,
            what,
            source,
        });
        let times = Size::from(times);
        cost.map(&|each| each * &times);
        if cost.mentions_any(&self.bound) {
            return Some(cost);
        }
        self.whole.then(cost);
        None
    }
}
