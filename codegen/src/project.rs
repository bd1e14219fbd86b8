//! A party's part of a program as it is written down: of what the schedule gives it only what it
//! needs, sends to itself and copies resolved, constants left to those who read them.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use smpc_ir::local::{Local, Source};
use smpc_ir::party::project::{self, Body, Control, Exchange};
use smpc_ir::party::schedule::Schedule;
use smpc_ir::party::{Block, CoinDomain, Op, Origin, Party, Program, Step, Value};
use smpc_ir::{Size, SizeVar};

use crate::facts::Facts;
use crate::fuse::Pass;
use crate::needed::needed;
use crate::outline::{Call, Part};

/// A message to or from another party.
#[derive(Clone, Debug)]
pub(crate) struct Message<T> {
    pub peer: Party,
    pub values: Vec<T>,
    /// Where its first value is sent.
    pub source: Source,
}

/// One thing the party does.
#[derive(Clone, Debug)]
pub(crate) enum Act<'p> {
    /// A local operation.
    Local {
        op: &'p Local,
        args: Vec<Value>,
        result: Value,
        source: Source,
        origin: Option<Origin>,
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
        origin: Option<Origin>,
    },
    /// It is handed a value.
    Output {
        name: &'p str,
        field: Option<u16>,
        value: Value,
        source: Source,
    },
    /// Compares two values in a protocol of this name.
    Check {
        a: Value,
        b: Value,
        protocol: &'p str,
        source: Source,
    },
    /// Messages to send, then messages to receive, with whether each value is read.
    Exchange {
        offline: bool,
        sends: Vec<Message<Value>>,
        receives: Vec<Message<(Value, bool)>>,
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
    /// Element-wise operations in one pass.
    Pass(Pass<'p>),
    /// A call of a function that parties share.
    Call(Call),
    /// Acts in a function of their own.
    Part(Box<Part<'p>>),
}

impl<'p> Act<'p> {
    /// The blocks of a loop, a branch or a tree, each with the values that it hands on.
    pub fn blocks(&mut self) -> Vec<(&mut Vec<Self>, Vec<Value>)> {
        match self {
            Self::Loop {
                kind,
                carried,
                body,
                ..
            } => {
                let next = carried.iter().map(|c| c.next).collect();
                let mut blocks = vec![];
                if let LoopKind::While { condition, test } = kind {
                    blocks.push((condition, vec![*test]));
                }
                blocks.push((body, next));
                blocks
            }
            Self::Switch { arms, .. } => {
                let arms = arms.iter_mut();
                arms.map(|(acts, handed)| (acts, handed.clone())).collect()
            }
            Self::Tree { rows, body, .. } => {
                vec![(body, rows.iter().map(|r| r.next).collect())]
            }
            _ => vec![],
        }
    }
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
pub(crate) fn project<'p>(
    program: &'p Program,
    facts: &Facts<'_>,
    schedule: &Schedule,
    me: Party,
) -> Vec<Act<'p>> {
    let mut projector = Projector {
        program,
        facts,
        me,
        alias: HashMap::default(),
    };
    let body = project::project(program, &program.body, &schedule.body, me);
    let mut acts = projector.block(&body);
    needed(facts, &mut acts, &mut HashSet::default());
    acts
}

struct Projector<'p, 'f> {
    program: &'p Program,
    facts: &'f Facts<'f>,
    me: Party,
    /// Values that are others under a new name.
    alias: HashMap<Value, Value>,
}

impl<'p> Projector<'p, '_> {
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

    fn block(&mut self, body: &Body<'p>) -> Vec<Act<'p>> {
        let mut acts = Vec::with_capacity(body.acts.len());
        for act in &body.acts {
            match act {
                project::Act::Step(step) => self.step(step, &mut acts),
                project::Act::Known(step) => {
                    if let ([arg, ..], [result]) = (&step.args[..], &step.results[..]) {
                        self.alias.insert(*result, self.is(*arg));
                    }
                }
                project::Act::Exchange(exchange) => acts.push(self.exchange(exchange)),
                project::Act::Control(control) => self.control(control, &mut acts),
            }
        }
        acts
    }

    fn exchange(&self, exchange: &Exchange) -> Act<'p> {
        let sends = exchange.sends.iter().map(|message| Message {
            peer: message.peer,
            values: self.all(&message.values),
            source: message.source,
        });
        let receives = exchange.receives.iter().map(|message| {
            let values = message.values.iter().map(|got| (*got, true));
            Message {
                peer: message.peer,
                values: values.collect(),
                source: message.source,
            }
        });
        Act::Exchange {
            offline: exchange.offline,
            sends: sends.collect(),
            receives: receives.collect(),
        }
    }

    fn step(&mut self, step: &'p Step, acts: &mut Vec<Act<'p>>) {
        if let [result] = step.results[..]
            && self.facts.is_written_where_read(result)
        {
            return;
        }
        if let [result] = step.results[..]
            && let Some(operand) = self.facts.operand(result)
        {
            self.alias.insert(result, self.is(operand));
            return;
        }
        let args = self.all(&step.args);
        let (arg, result) = (args.first().copied(), step.results.first().copied());
        let (source, origin) = (step.source, step.origin);
        if let (Op::Check { .. }, [.., a, b]) = (&step.op, &args[..]) {
            let call = origin.and_then(|o| self.program.calls.get(o.call as usize));
            acts.push(Act::Check {
                a: *a,
                b: *b,
                protocol: call.map_or("", |call| &call.name),
                source,
            });
            if let (Some(arg), Some(result)) = (arg, result) {
                self.alias.insert(result, arg);
            }
            return;
        }
        acts.push(match (&step.op, arg, result) {
            (Op::Local(op), _, Some(result)) => Act::Local {
                op,
                args,
                result,
                source,
                origin,
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
                origin,
            },
            (Op::Output { name, field, .. }, Some(value), _) => Act::Output {
                name,
                field: field.map(|(at, _)| at),
                value,
                source,
            },
            _ => return,
        });
    }

    fn control(&mut self, control: &Control<'p>, acts: &mut Vec<Act<'p>>) {
        let (step, bodies) = (control.step, &control.bodies);
        let args = self.all(&step.args);
        let source = step.source;
        match &step.op {
            // Without turns it hands on what it got.
            Op::For { count, .. } if count.as_constant().is_some_and(|count| count <= 0) => {
                self.alias.extend(step.results.iter().copied().zip(args));
            }
            Op::For { var, count, body } => {
                let (carried, body) = self.carrying(step, &args, body, bodies.first());
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
                let test = bodies.first().map(|body| self.block(body));
                let (carried, body) = self.carrying(step, &args, body, bodies.get(1));
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
                for (arm, body) in arms.iter().zip(bodies) {
                    let acts = self.block(body);
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
                let Some(own) = bodies.first() else { return };
                let inner = self.block(own);
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
        own: Option<&Body<'p>>,
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
        let acts = own.map(|own| self.block(own)).unwrap_or_default();
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
