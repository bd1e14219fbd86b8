//! One party's part of a program: its own steps and messages in the order of the schedule, and of
//! these only what it needs.

use std::collections::{HashMap, HashSet};

use smpc_ir::local::{Local, Source};
use smpc_ir::party::schedule::{BlockPlan, Part, Segment};
use smpc_ir::party::{Block, CoinDomain, Op, Party, Program, Step, Value};
use smpc_ir::{Size, SizeVar};

/// One thing the party does.
#[derive(Clone, Debug)]
pub(crate) enum Act<'p> {
    /// A local operation.
    Local {
        op: &'p Local,
        args: Vec<Value>,
        result: Value,
        source: Source,
    },
    /// Extra fraction bits of a small public factor.
    FractionBits {
        arg: Value,
        result: Value,
        source: Source,
    },
    /// Its own input at this position.
    Input {
        index: usize,
        result: Value,
        source: Source,
    },
    /// The parameter at this position.
    Param { index: usize, result: Value },
    /// The next coin of its set's stream.
    Coin {
        domain: &'p CoinDomain,
        result: Value,
        used: bool,
    },
    /// It is handed a value.
    Output {
        name: &'p str,
        field: Option<u16>,
        value: Value,
        source: Source,
    },
    /// Messages to send, then messages to receive; what is not read has no name.
    Exchange {
        offline: bool,
        sends: Vec<(Party, Vec<Value>)>,
        receives: Vec<(Party, Vec<(Value, bool)>)>,
    },
    /// A loop with a count, or while a condition holds.
    Loop {
        kind: LoopKind<'p>,
        carried: Vec<Carried>,
        body: Vec<Act<'p>>,
        source: Source,
    },
    /// One of several arms, each with the values it hands out.
    Switch {
        index: Value,
        arms: Vec<(Vec<Act<'p>>, Vec<Value>)>,
        results: Vec<Value>,
        source: Source,
    },
    /// A reduction or its prefixes.
    Tree {
        scan: bool,
        half: SizeVar,
        length: &'p Size,
        rows: Vec<Row>,
        body: Vec<Act<'p>>,
        source: Source,
    },
}

/// How long a loop goes on.
#[derive(Clone, Debug)]
pub(crate) enum LoopKind<'p> {
    /// So often.
    For { var: SizeVar, count: &'p Size },
    /// While this value, computed each time, is not 0.
    While {
        condition: Vec<Act<'p>>,
        test: Value,
    },
}

/// What a loop hands from one iteration to the next.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub init: Value,
    pub param: Value,
    pub next: Value,
    pub result: Option<Value>,
}

/// One argument of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub arg: Value,
    pub low: Value,
    pub high: Value,
    pub next: Value,
    pub result: Option<Value>,
}

/// Projects a scheduled program to a party.
pub(crate) fn project<'p>(program: &'p Program, plan: &BlockPlan, me: Party) -> Vec<Act<'p>> {
    let mut projector = Projector {
        program,
        me,
        alias: HashMap::new(),
    };
    let acts = projector.block(&program.body, plan);
    needed(acts, &mut HashSet::new())
}

struct Projector<'p> {
    program: &'p Program,
    me: Party,
    /// Values that are others under a new name.
    alias: HashMap<Value, Value>,
}

impl<'p> Projector<'p> {
    fn knows(&self, value: Value) -> bool {
        let info = self.program.values.get(value.0 as usize);
        info.is_some_and(|info| info.known_to.contains(self.me))
    }

    fn is(&self, value: Value) -> Value {
        self.alias.get(&value).copied().unwrap_or(value)
    }

    fn all(&self, values: &[Value]) -> Vec<Value> {
        values.iter().map(|v| self.is(*v)).collect()
    }

    fn block(&mut self, block: &'p Block, plan: &BlockPlan) -> Vec<Act<'p>> {
        let mut acts = vec![];
        for part in &plan.parts {
            match part {
                Part::Segment(segment) => self.segment(block, segment, &mut acts),
                Part::Control { step, blocks, .. } => {
                    if let Some(step) = block.steps.get(*step) {
                        self.control(step, blocks, &mut acts);
                    }
                }
            }
        }
        acts
    }

    fn works(&self, step: &Step) -> bool {
        let known = |v: Option<&Value>| v.is_some_and(|v| self.knows(*v));
        match &step.op {
            Op::Send { .. } => known(step.results.first()) && known(step.args.first()),
            Op::Output { .. } => known(step.args.first()),
            Op::Probe { .. } => false,
            _ => step.results.iter().any(|v| self.knows(*v)),
        }
    }

    fn segment(&mut self, block: &'p Block, segment: &Segment, acts: &mut Vec<Act<'p>>) {
        let exchanges = (segment.levels + segment.rounds) as usize;
        let phase = |offline: bool, stage: u32| {
            let first = if offline { 0 } else { segment.levels };
            (first + stage) as usize
        };
        let mut stages: Vec<Vec<&'p Step>> = vec![vec![]; exchanges + 1];
        let mut outputs: Vec<&'p Step> = vec![];
        for (at, stage) in segment.steps.clone().zip(&segment.stages) {
            let Some(step) = block.steps.get(at) else {
                continue;
            };
            if !self.works(step) {
                continue;
            }
            if matches!(step.op, Op::Output { .. }) {
                outputs.push(step);
                continue;
            }
            let result = step.results.first();
            let info = result.and_then(|r| self.program.values.get(r.0 as usize));
            let offline = info.is_some_and(|info| info.offline);
            if let Some(steps) = stages.get_mut(phase(offline, stage.at(self.me))) {
                steps.push(step);
            }
        }
        for (stage, steps) in stages.into_iter().enumerate() {
            for step in steps {
                self.step(step, acts);
            }
            if stage == exchanges {
                continue;
            }
            let (mut sends, mut receives) = (vec![], vec![]);
            for message in &segment.messages {
                if phase(message.offline, message.exchange) != stage {
                    continue;
                }
                if message.from == self.me {
                    let values = message.values.iter().map(|(sent, _)| self.is(*sent));
                    sends.push((message.to, values.collect()));
                }
                if message.to == self.me {
                    let values = message.values.iter().map(|(_, got)| (*got, true));
                    receives.push((message.from, values.collect()));
                }
            }
            let offline = stage < segment.levels as usize;
            acts.push(Act::Exchange {
                offline,
                sends,
                receives,
            });
        }
        // A party is handed things in the order of the program, not of readiness.
        for step in outputs {
            self.step(step, acts);
        }
    }

    fn step(&mut self, step: &'p Step, acts: &mut Vec<Act<'p>>) {
        let args = self.all(&step.args);
        let (arg, result) = (args.first().copied(), step.results.first().copied());
        let source = step.source;
        acts.push(match (&step.op, arg, result) {
            (Op::Local(op), _, Some(result)) => Act::Local {
                op,
                args,
                result,
                source,
            },
            (Op::FractionBits, Some(arg), Some(result)) => Act::FractionBits {
                arg,
                result,
                source,
            },
            (Op::Input(index), _, Some(result)) => Act::Input {
                index: *index as usize,
                result,
                source,
            },
            (Op::Param(index), _, Some(result)) => Act::Param {
                index: *index as usize,
                result,
            },
            (Op::Coin(domain), _, Some(result)) => Act::Coin {
                domain,
                result,
                used: true,
            },
            (Op::Output { name, field, .. }, Some(value), _) => Act::Output {
                name,
                field: field.map(|(at, _)| at),
                value,
                source,
            },
            (Op::Send { .. }, Some(arg), Some(result)) => {
                self.alias.insert(result, arg);
                return;
            }
            _ => return,
        });
    }

    fn control(&mut self, step: &'p Step, plans: &[BlockPlan], acts: &mut Vec<Act<'p>>) {
        let args = self.all(&step.args);
        let source = step.source;
        match &step.op {
            Op::For { var, count, body } => {
                let (carried, body) = self.carrying(step, &args, body, plans.first());
                let kind = LoopKind::For { var: *var, count };
                acts.push(Act::Loop {
                    kind,
                    carried,
                    body,
                    source,
                });
            }
            Op::While {
                condition, body, ..
            } => {
                for (param, own) in body.params.iter().zip(&condition.params) {
                    self.alias.insert(*own, *param);
                }
                let test = plans.first().map(|plan| self.block(condition, plan));
                let (carried, body) = self.carrying(step, &args, body, plans.get(1));
                let (Some(tests), Some(test)) = (test, condition.results.first()) else {
                    return;
                };
                let kind = LoopKind::While {
                    condition: tests,
                    test: self.is(*test),
                };
                acts.push(Act::Loop {
                    kind,
                    carried,
                    body,
                    source,
                });
            }
            Op::Switch { arms } => {
                let Some(index) = args.first().copied() else {
                    return;
                };
                let known: Vec<usize> = (0..step.results.len())
                    .filter(|i| self.knows(step.results[*i]))
                    .collect();
                let results = known.iter().map(|i| step.results[*i]).collect();
                let mut own = vec![];
                for (arm, plan) in arms.iter().zip(plans) {
                    let acts = self.block(arm, plan);
                    let handed = known.iter().map(|i| self.is(arm.results[*i])).collect();
                    own.push((acts, handed));
                }
                acts.push(Act::Switch {
                    index,
                    arms: own,
                    results,
                    source,
                });
            }
            Op::Reduce { half, body } | Op::Scan { half, body } => {
                let Some(plan) = plans.first() else { return };
                let inner = self.block(body, plan);
                let k = args.len();
                let first = step
                    .args
                    .first()
                    .and_then(|a| self.program.values.get(a.0 as usize));
                let Some(length) = first.and_then(|info| info.shape.first()) else {
                    return;
                };
                let rows = (0..k).filter(|i| self.knows(body.params[*i])).map(|i| Row {
                    arg: args[i],
                    low: body.params[i],
                    high: body.params[k + i],
                    next: self.is(body.results[i]),
                    result: Some(step.results[i]).filter(|r| self.knows(*r)),
                });
                acts.push(Act::Tree {
                    scan: matches!(step.op, Op::Scan { .. }),
                    half: *half,
                    length,
                    rows: rows.collect(),
                    body: inner,
                    source,
                });
            }
            _ => {}
        }
    }

    fn carrying(
        &mut self,
        step: &'p Step,
        args: &[Value],
        body: &'p Block,
        plan: Option<&BlockPlan>,
    ) -> (Vec<Carried>, Vec<Act<'p>>) {
        // What a body hands on as it got it is no variable.
        let same: Vec<bool> = body
            .params
            .iter()
            .zip(&body.results)
            .map(|(a, b)| a == b)
            .collect();
        for (i, _) in same.iter().enumerate().filter(|(_, same)| **same) {
            self.alias.insert(body.params[i], args[i]);
            self.alias.insert(step.results[i], args[i]);
        }
        let acts = plan.map(|plan| self.block(body, plan)).unwrap_or_default();
        let carried = (0..body.params.len())
            .filter(|i| !same[*i] && self.knows(body.params[*i]))
            .map(|i| Carried {
                init: args[i],
                param: body.params[i],
                next: self.is(body.results[i]),
                result: Some(step.results[i]).filter(|r| self.knows(*r)),
            });
        (carried.collect(), acts)
    }
}

/// The acts that matter, given what is read after them; adds what they read, takes off what they
/// define. Coins are drawn and messages exchanged whether they are read or not.
fn needed<'p>(acts: Vec<Act<'p>>, live: &mut HashSet<Value>) -> Vec<Act<'p>> {
    let mut kept = vec![];
    for act in acts.into_iter().rev() {
        match act {
            Act::Local {
                ref args, result, ..
            } => {
                if live.remove(&result) {
                    live.extend(args);
                    kept.push(act);
                }
            }
            Act::FractionBits { arg, result, .. } => {
                if live.remove(&result) {
                    live.insert(arg);
                    kept.push(act);
                }
            }
            Act::Input { result, .. } | Act::Param { result, .. } => {
                if live.remove(&result) {
                    kept.push(act);
                }
            }
            Act::Coin { domain, result, .. } => {
                let used = live.remove(&result);
                kept.push(Act::Coin {
                    domain,
                    result,
                    used,
                });
            }
            Act::Output { value, .. } => {
                live.insert(value);
                kept.push(act);
            }
            Act::Exchange {
                offline,
                sends,
                mut receives,
            } => {
                for (value, used) in receives.iter_mut().flat_map(|(_, values)| values) {
                    *used = live.remove(value);
                }
                live.extend(sends.iter().flat_map(|(_, values)| values));
                if !offline || !sends.is_empty() || !receives.is_empty() {
                    kept.push(Act::Exchange {
                        offline,
                        sends,
                        receives,
                    });
                }
            }
            Act::Loop {
                kind,
                carried,
                body,
                source,
            } => {
                kept.extend(needed_loop(kind, carried, body, source, live));
            }
            Act::Switch {
                index,
                arms,
                results,
                source,
            } => {
                let keep: Vec<bool> = results.iter().map(|r| live.remove(r)).collect();
                let pick = |all: Vec<Value>| -> Vec<Value> {
                    let pairs = all.into_iter().zip(&keep);
                    pairs.filter(|(_, keep)| **keep).map(|(v, _)| v).collect()
                };
                let after = live.clone();
                let mut own = vec![];
                for (acts, handed) in arms {
                    let handed = pick(handed);
                    let mut inner = after.clone();
                    inner.extend(&handed);
                    own.push((needed(acts, &mut inner), handed));
                    live.extend(&inner);
                }
                let results = pick(results);
                if !results.is_empty() || own.iter().any(|(acts, _)| !acts.is_empty()) {
                    live.insert(index);
                    kept.push(Act::Switch {
                        index,
                        arms: own,
                        results,
                        source,
                    });
                }
            }
            Act::Tree {
                scan,
                half,
                length,
                rows,
                body,
                source,
            } => {
                let mut keep: Vec<bool> = rows
                    .iter()
                    .map(|row| row.result.is_some_and(|r| live.remove(&r)))
                    .collect();
                let (inner, acts) = loop {
                    let mut inner = live.clone();
                    inner.extend(
                        rows.iter()
                            .zip(&keep)
                            .filter(|(_, k)| **k)
                            .map(|(r, _)| r.next),
                    );
                    let acts = needed(body.clone(), &mut inner);
                    let more: Vec<bool> = rows
                        .iter()
                        .zip(&keep)
                        .map(|(r, k)| *k || inner.contains(&r.low) || inner.contains(&r.high))
                        .collect();
                    if more == keep {
                        break (inner, acts);
                    }
                    keep = more;
                };
                let rows: Vec<Row> = rows
                    .into_iter()
                    .zip(keep)
                    .filter(|(_, k)| *k)
                    .map(|(r, _)| r)
                    .collect();
                if !rows.is_empty() || !acts.is_empty() {
                    live.extend(inner);
                    for row in &rows {
                        live.remove(&row.low);
                        live.remove(&row.high);
                    }
                    live.extend(rows.iter().map(|r| r.arg));
                    kept.push(Act::Tree {
                        scan,
                        half,
                        length,
                        rows,
                        body: acts,
                        source,
                    });
                }
            }
        }
    }
    kept.reverse();
    kept
}

fn needed_loop<'p>(
    kind: LoopKind<'p>,
    carried: Vec<Carried>,
    body: Vec<Act<'p>>,
    source: Source,
    live: &mut HashSet<Value>,
) -> Option<Act<'p>> {
    let mut keep: Vec<bool> = carried
        .iter()
        .map(|c| c.result.is_some_and(|r| live.remove(&r)))
        .collect();
    loop {
        let mut inner = live.clone();
        inner.extend(
            carried
                .iter()
                .zip(&keep)
                .filter(|(_, k)| **k)
                .map(|(c, _)| c.next),
        );
        let acts = needed(body.clone(), &mut inner);
        let kind = match &kind {
            LoopKind::For { var, count } => LoopKind::For { var: *var, count },
            LoopKind::While { condition, test } => {
                inner.insert(*test);
                let condition = needed(condition.clone(), &mut inner);
                LoopKind::While {
                    condition,
                    test: *test,
                }
            }
        };
        let more: Vec<bool> = carried
            .iter()
            .zip(&keep)
            .map(|(c, k)| *k || inner.contains(&c.param))
            .collect();
        if more != keep {
            keep = more;
            continue;
        }
        let carried: Vec<Carried> = carried
            .into_iter()
            .zip(keep)
            .filter(|(_, k)| *k)
            .map(|(c, _)| c)
            .collect();
        let idle = carried.is_empty() && acts.is_empty();
        if idle && matches!(kind, LoopKind::For { .. }) {
            return None;
        }
        live.extend(inner);
        for c in &carried {
            live.remove(&c.param);
        }
        live.extend(carried.iter().map(|c| c.init));
        return Some(Act::Loop {
            kind,
            carried,
            body: acts,
            source,
        });
    }
}

/// Calls `f` with everything the act reads, and whether it reads it in a block of its own.
pub(crate) fn reads(act: &Act<'_>, f: &mut dyn FnMut(Value, bool)) {
    let inside = |acts: &[Act<'_>], f: &mut dyn FnMut(Value, bool)| {
        for act in acts {
            reads(act, &mut |v, _| f(v, true));
        }
    };
    match act {
        Act::Local { args, .. } => args.iter().for_each(|v| f(*v, false)),
        Act::FractionBits { arg, .. } => f(*arg, false),
        Act::Input { .. } | Act::Param { .. } | Act::Coin { .. } => {}
        Act::Output { value, .. } => f(*value, false),
        Act::Exchange { sends, .. } => {
            let values = sends.iter().flat_map(|(_, values)| values);
            values.for_each(|v| f(*v, false));
        }
        Act::Loop {
            kind,
            carried,
            body,
            ..
        } => {
            for c in carried {
                f(c.init, false);
                f(c.next, true);
            }
            if let LoopKind::While { condition, test } = kind {
                inside(condition, f);
                f(*test, true);
            }
            inside(body, f);
        }
        Act::Switch { index, arms, .. } => {
            f(*index, false);
            for (acts, handed) in arms {
                inside(acts, f);
                handed.iter().for_each(|v| f(*v, true));
            }
        }
        Act::Tree { rows, body, .. } => {
            for row in rows {
                f(row.arg, false);
                f(row.next, true);
            }
            inside(body, f);
        }
    }
}
