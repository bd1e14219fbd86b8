//! One endpoint: registers, streams, a channel, and the walk over its plan.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use smpc_ir::local::{Local, Source};
use smpc_ir::party::project::{Exchange, Message, project};
use smpc_ir::party::schedule::schedule;
use smpc_ir::party::{Block, Op, Party, PartySet, Program, Step, Validated, Value};
use smpc_ir::share::Type;
use smpc_ir::{Size, SizeError, SizeVar};
use smpc_runtime::channel::{self, Channel, ChannelError, Place};
use smpc_runtime::coin;
use smpc_runtime::digest::{agree, disagreement, failed_check};
use smpc_runtime::endpoint::when;
use smpc_runtime::prg::Stream;
use smpc_runtime::tensor::{Tensor, wire_bytes};

use crate::fuse::Fused;
use crate::keys::{self, Identity, KeyError};
use crate::local;
use crate::plan::{Action, Plan, plan};
use crate::views;
use crate::{Account, OPERATION, Output, Phase, Probed, RunError, SETUP, Sent, Setup};

/// Runs one party of a program over a channel.
///
/// # Errors
/// An operation that the values do not allow, a message that does not come or does not fit, or
/// an input that is missing.
pub fn endpoint(
    valid: Validated<'_>,
    me: Party,
    setup: &Setup,
    channel: &mut dyn Channel,
) -> Result<Account, RunError> {
    let program = valid.program();
    let identity = setup.seed.map_or(Identity::System, Identity::Seeded);
    let sets = program.coin_sets();
    let (streams, setup_bytes) =
        keys::agree(&sets, me, &identity, channel, setup.observer.as_deref()).map_err(
            |e| match e {
                KeyError::System => RunError {
                    code: SETUP,
                    message: "the operating system gave no randomness".into(),
                    source: Source::default(),
                    party: me.0,
                    consequence: false,
                },
                KeyError::Channel(e) => channel_error(program, me, Source::default(), &e),
            },
        )?;
    let mut run = Endpoint {
        program,
        me,
        setup,
        channel,
        streams,
        registers: vec![None; program.values.len()],
        loops: HashMap::new(),
        path: vec![],
        account: Account {
            setup_bytes,
            ..Account::default()
        },
        pending: vec![],
        turned: views::turned(program),
        reserved: HashMap::new(),
        levels: 0,
        done: 0,
        total: 0,
    };
    let scheduled = schedule(valid);
    let plan = plan(
        program,
        project(program, &program.body, &scheduled.body, me),
        me,
    );
    run.total = run.work(&program.body);
    run.block(&plan).inspect_err(|_| run.channel.give_up())?;
    Ok(run.account)
}

pub(crate) struct Endpoint<'a> {
    pub(crate) program: &'a Program,
    pub(crate) me: Party,
    setup: &'a Setup,
    channel: &'a mut dyn Channel,
    streams: HashMap<PartySet, Stream>,
    registers: Vec<Option<Arc<Tensor>>>,
    pub(crate) loops: HashMap<SizeVar, i128>,
    pub(crate) path: Vec<u64>,
    pub(crate) account: Account,
    /// What it was handed in the current segment.
    pending: Vec<Pending>,
    /// Transposes whose registers hold the operand as it was.
    turned: HashSet<Value>,
    /// Where the ranges of coins start that are not yet drawn.
    reserved: HashMap<Value, u64>,
    /// Offline exchanges begun.
    levels: u64,
    done: u64,
    total: u64,
}

/// An output whose value may still be in a register.
struct Pending {
    name: String,
    field: Option<(u16, u16)>,
    show: Type,
    value: Arc<Tensor>,
}

fn channel_error(program: &Program, me: Party, source: Source, error: &ChannelError) -> RunError {
    let peer = program.parties.get(error.peer).map_or("?", String::as_str);
    RunError {
        code: error.code(),
        message: error.named(peer),
        source,
        party: me.0,
        consequence: error.fault.is_consequence(),
    }
}

impl Endpoint<'_> {
    pub(crate) fn error(&self, source: Source, message: impl ToString) -> RunError {
        RunError {
            code: OPERATION,
            message: message.to_string(),
            source,
            party: self.me.0,
            consequence: false,
        }
    }

    pub(crate) fn knows(&self, value: Value) -> bool {
        self.program.values[value.0 as usize]
            .known_to
            .contains(self.me)
    }

    pub(crate) fn size(&self, size: &Size) -> Result<i128, SizeError> {
        size.evaluate(&|v| {
            let fixed = self.setup.sizes.get(v.0 as usize).copied();
            self.loops.get(&v).copied().or(fixed)
        })
    }

    pub(crate) fn shape(&self, value: Value, source: Source) -> Result<Vec<usize>, RunError> {
        let info = &self.program.values[value.0 as usize];
        info.shape
            .iter()
            .map(|dim| {
                let length = self.size(dim).map_err(|e| self.error(source, e))?;
                usize::try_from(length)
                    .map_err(|_| self.error(source, format!("a dimension of length {length}")))
            })
            .collect()
    }

    pub(crate) fn get(&self, value: Value, source: Source) -> Result<Arc<Tensor>, RunError> {
        self.registers[value.0 as usize]
            .clone()
            .ok_or_else(|| self.error(source, "a value is read before it is computed"))
    }

    pub(crate) fn set(&mut self, value: Value, tensor: Arc<Tensor>) {
        self.registers[value.0 as usize] = Some(tensor);
    }

    pub(crate) fn block(&mut self, plan: &Plan<'_>) -> Result<(), RunError> {
        for (action, forget) in plan.actions.iter().zip(&plan.forget) {
            self.check(action)?;
            match action {
                Action::Local(step) => self.local(step)?,
                Action::Alias(step) => {
                    let value = self.get(step.args[0], step.source)?;
                    self.set(step.results[0], value);
                }
                Action::Reserve(step) => self.reserve(step)?,
                Action::Fill(step) => self.fill(step)?,
                Action::Fused(fused) => self.fused(fused)?,
                Action::Exchange(exchange) => self.exchange(exchange)?,
                Action::Control(nested) => {
                    self.hand_out();
                    self.control(nested)?;
                }
            }
            for value in forget {
                self.registers[value.0 as usize] = None;
            }
        }
        self.hand_out();
        Ok(())
    }

    /// Whether all peers are there: a party that computes is not to go on for nobody.
    pub(crate) fn still_there(&mut self, source: Source) -> Result<(), RunError> {
        let there = self.channel.check();
        there.map_err(|error| self.lost_at(source, &error))
    }

    fn check(&mut self, next: &Action<'_>) -> Result<(), RunError> {
        let Err(error) = self.channel.check() else {
            return Ok(());
        };
        let source = match next {
            Action::Local(step)
            | Action::Alias(step)
            | Action::Reserve(step)
            | Action::Fill(step) => step.source,
            Action::Fused(fused) => fused.source,
            Action::Control(nested) => nested.step.source,
            // A round that others exchange messages in has no place.
            Action::Exchange(exchange) => {
                exchange.first().map_or_else(Source::default, |m| m.source)
            }
        };
        Err(self.lost_at(source, &error))
    }

    /// Hands out what a segment has put out.
    fn hand_out(&mut self) {
        let party = self.me.0;
        let outputs = std::mem::take(&mut self.pending);
        let outputs = outputs.into_iter().map(|output| Output {
            name: output.name,
            field: output.field,
            show: output.show,
            party,
            // By now the register is empty, if nothing else reads the value.
            value: Arc::unwrap_or_clone(output.value),
        });
        self.account.outputs.extend(outputs);
    }

    fn reserve(&mut self, step: &Step) -> Result<(), RunError> {
        let result = step.results[0];
        let shape = self.shape(result, step.source)?;
        let info = &self.program.values[result.0 as usize];
        let words =
            coin::uniform_words(info.elem, &shape).map_err(|e| self.error(step.source, e))?;
        let stream = self.streams.get_mut(&info.known_to);
        let Some(start) = stream.and_then(|stream| stream.reserve(words as u64)) else {
            return Err(self.error(step.source, "no stream has room for this coin"));
        };
        self.reserved.insert(result, start);
        Ok(())
    }

    /// The stream of a reserved coin, and where its range starts.
    fn range(&self, coin: Value, source: Source) -> Result<(&Stream, u64), RunError> {
        let set = self.program.values[coin.0 as usize].known_to;
        match (self.streams.get(&set), self.reserved.get(&coin)) {
            (Some(stream), Some(start)) => Ok((stream, *start)),
            _ => Err(self.error(source, "a coin is read before it is reserved")),
        }
    }

    fn fill(&mut self, step: &Step) -> Result<(), RunError> {
        let result = step.results[0];
        let shape = self.shape(result, step.source)?;
        let elem = self.program.values[result.0 as usize].elem;
        let (stream, start) = self.range(result, step.source)?;
        let coin = coin::uniform_at(elem, &shape, stream, start)
            .map_err(|e| self.error(step.source, e))?;
        self.set(result, Arc::new(coin));
        Ok(())
    }

    fn fused(&mut self, fused: &Fused) -> Result<(), RunError> {
        let source = fused.source;
        let Some(shaped) = fused.outputs.first().and_then(|values| values.first()) else {
            return Ok(());
        };
        let shape = self.shape(*shaped, source)?;
        let args: Vec<Arc<Tensor>> = fused
            .args
            .iter()
            .map(|arg| self.get(*arg, source))
            .collect::<Result<_, _>>()?;
        let args: Vec<&Tensor> = args.iter().map(Arc::as_ref).collect();
        let coins: Vec<(&Stream, u64)> = fused
            .coins
            .iter()
            .map(|coin| self.range(*coin, source))
            .collect::<Result<_, _>>()?;
        let results = fused
            .kernel
            .run(&shape, &args, &coins)
            .map_err(|e| self.error(self.shift_by_less_than_zero(fused).unwrap_or(source), e))?;
        for (tensor, values) in results.into_iter().zip(&fused.outputs) {
            let tensor = Arc::new(tensor);
            for value in values {
                self.set(*value, tensor.clone());
            }
        }
        self.work_done(fused.steps);
        Ok(())
    }

    /// The shift of a kernel of which the amount is negative: the one thing in kernels that values can forbid.
    fn shift_by_less_than_zero(&self, fused: &Fused) -> Option<Source> {
        let negative = |amount: &Value| {
            let amount = self.registers.get(amount.0 as usize)?.as_ref()?.scalar()?;
            Some(amount < 0)
        };
        let shift = fused
            .shifts
            .iter()
            .find(|(amount, _)| negative(amount) == Some(true));
        shift.map(|(_, source)| *source)
    }

    /// Shows a message to the observer outside of the protocol.
    fn observed(
        &self,
        offline: bool,
        to: Party,
        bytes: &[u8],
        values: &[Value],
        tensors: &[Arc<Tensor>],
    ) {
        let Some(observer) = &self.setup.observer else {
            return;
        };
        let (phase, begun) = if offline {
            (Phase::Offline, self.levels)
        } else {
            (Phase::Online, self.account.rounds)
        };
        observer.message(&Sent {
            phase,
            round: begun.saturating_sub(1),
            from: self.me.0,
            to: to.0,
            bytes,
            values,
            tensors,
        });
    }

    fn exchange(&mut self, exchange: &Exchange) -> Result<(), RunError> {
        let Exchange {
            offline,
            sends,
            receives,
        } = exchange;
        let offline = *offline;
        if offline {
            self.levels += 1;
        } else {
            self.account.rounds += 1;
        }
        for Message {
            peer: to,
            values,
            source,
        } in sends
        {
            let source = *source;
            let tensors: Vec<Arc<Tensor>> = values
                .iter()
                .map(|value| self.get(*value, source))
                .collect::<Result<_, _>>()?;
            let length = tensors.iter().map(|t| t.wire_bytes()).sum();
            let mut bytes = channel::room(length).map_err(|e| self.error(source, e))?;
            for tensor in &tensors {
                tensor.pack(&mut bytes);
            }
            self.observed(offline, *to, &bytes, values, &tensors);
            let length = bytes.len() as u64;
            if offline {
                self.account.offline_bytes += length;
            } else {
                self.account.bytes += length;
                self.account.messages += 1;
            }
            let peer = usize::from(to.0);
            self.channel.at(self.account.rounds, Place::Source(source));
            let sent = if offline {
                self.channel.send_ahead(peer, bytes)
            } else {
                self.channel.send_buffer(peer, bytes)
            };
            sent.map_err(|e| self.lost_at(source, &e))?;
        }
        for Message {
            peer: from,
            values,
            source,
        } in receives
        {
            let source = *source;
            let mut parts = vec![];
            let mut length = 0usize;
            for value in values {
                let shape = self.shape(*value, source)?;
                let elem = self.program.values[value.0 as usize].elem;
                let bytes = wire_bytes(elem, shape.iter().product())
                    .ok_or_else(|| self.error(source, "a message is too large"))?;
                parts.push((*value, elem, shape, length..length + bytes));
                length += bytes;
            }
            let peer = usize::from(from.0);
            self.channel.at(self.account.rounds, Place::Source(source));
            let received = if offline {
                self.channel.receive_ahead(peer, length)
            } else {
                self.channel.receive(peer, length)
            };
            let bytes = received.map_err(|e| self.lost_at(source, &e))?;
            for (value, elem, shape, range) in parts {
                let tensor = Tensor::unpack(elem, &shape, &bytes[range])
                    .map_err(|e| self.error(source, e))?;
                self.set(value, Arc::new(tensor));
            }
            channel::recycle(bytes);
        }
        Ok(())
    }

    /// A message that did not go or come, or a peer that is lost: where in the script, and in which round.
    fn lost_at(&self, source: Source, error: &ChannelError) -> RunError {
        let mut error = channel_error(self.program, self.me, source, error);
        error.message.push_str(&when(self.account.rounds));
        error
    }

    fn local(&mut self, step: &Step) -> Result<(), RunError> {
        let source = step.source;
        self.work_done(1);
        match &step.op {
            Op::Local(op) => {
                let result = step.results[0];
                let shape = self.shape(result, source)?;
                let elem = self.program.values[result.0 as usize].elem;
                let mut args = Vec::with_capacity(step.args.len());
                for arg in &step.args {
                    args.push(self.get(*arg, source)?);
                }
                let refs: Vec<&Tensor> = args.iter().map(Arc::as_ref).collect();
                let tensor = match (op, &refs[..], &step.args[..]) {
                    (Local::Transpose { .. }, ..) if self.turned.contains(&result) => {
                        self.set(result, args.remove(0));
                        return Ok(());
                    }
                    (Local::Reshape, [a], _) if a.shape() == shape && a.elem() == elem => {
                        self.set(result, args.remove(0));
                        return Ok(());
                    }
                    (Local::MatMul, [a, b], [x, y]) => {
                        let (a_turned, b_turned) =
                            (self.turned.contains(x), self.turned.contains(y));
                        local::product(a, a_turned, b, b_turned, elem, &shape)
                    }
                    _ => local::apply(op, &refs, elem, &shape, &|s| self.size(s)),
                };
                let tensor = tensor.map_err(|e| self.error(source, e))?;
                self.set(result, Arc::new(tensor));
            }
            Op::FractionBits => {
                let a = self.get(step.args[0], source)?;
                let bits = local::fraction_bits(&a).map_err(|e| self.error(source, e))?;
                self.set(step.results[0], Arc::new(bits));
            }
            Op::Input(i) => {
                let input = self.setup.inputs.get(*i as usize).and_then(Option::as_ref);
                let input = input.ok_or_else(|| RunError {
                    code: SETUP,
                    ..self.error(source, "an input is missing")
                })?;
                let shape = self.shape(step.results[0], source)?;
                let elem = self.program.values[step.results[0].0 as usize].elem;
                if input.shape() != shape || input.elem() != elem {
                    return Err(RunError {
                        code: SETUP,
                        ..self.error(
                            source,
                            format!("an input of shape {:?}, not {shape:?}", input.shape()),
                        )
                    });
                }
                let input = Arc::new(input.clone());
                self.set(step.results[0], input);
            }
            Op::Param(i) => {
                let value = self.setup.params.get(*i as usize).copied();
                let value = value.ok_or_else(|| RunError {
                    code: SETUP,
                    ..self.error(source, "a parameter has no value")
                })?;
                let elem = self.program.values[step.results[0].0 as usize].elem;
                let tensor =
                    Tensor::constant(elem, &[], value).map_err(|e| self.error(source, e))?;
                self.set(step.results[0], Arc::new(tensor));
            }
            Op::Coin(domain) => {
                let result = step.results[0];
                let shape = self.shape(result, source)?;
                let info = &self.program.values[result.0 as usize];
                let Some(stream) = self.streams.get_mut(&info.known_to) else {
                    return Err(self.error(source, "no key was agreed for this coin"));
                };
                let coin = coin::draw(domain, info.elem, &shape, stream);
                let coin = coin.map_err(|e| self.error(source, e))?;
                self.set(result, Arc::new(coin));
            }
            Op::Check { .. } => {
                let [.., a, b] = &step.args[..] else {
                    return Err(self.error(source, "a check compares two values"));
                };
                if !agree(&*self.get(*a, source)?, &*self.get(*b, source)?) {
                    let calls = &self.program.calls;
                    let call = step.origin.and_then(|o| calls.get(o.call as usize));
                    let name = call.map_or("", |call| &call.name);
                    return Err(RunError {
                        code: failed_check(name),
                        ..self.error(source, disagreement(name))
                    });
                }
                if let ([value, ..], [result]) = (&step.args[..], &step.results[..]) {
                    let value = self.get(*value, source)?;
                    self.set(*result, value);
                }
            }
            Op::Output {
                name, field, show, ..
            } => {
                let value = self.get(step.args[0], source)?;
                self.pending.push(Pending {
                    name: name.clone(),
                    field: *field,
                    show: *show,
                    value,
                });
            }
            Op::Probe {
                value,
                coefficients,
                scale,
            } => {
                if let Some(observer) = self.setup.observer.clone() {
                    for (component, arg) in step.args.iter().enumerate() {
                        if self.knows(*arg) {
                            let tensor = self.get(*arg, source)?;
                            observer.component(&Probed {
                                value: *value,
                                path: &self.path,
                                component,
                                coefficients,
                                scale: *scale,
                                tensor: &tensor,
                            });
                        }
                    }
                }
            }
            _ => return Err(self.error(source, "control is not a local operation")),
        }
        Ok(())
    }

    /// Units of work of a block: its steps, those of a loop as often as it runs. Data-dependent
    /// loops count once.
    fn work(&self, block: &Block) -> u64 {
        block
            .steps
            .iter()
            .map(|step| match &step.op {
                Op::For { count, body, .. } => {
                    let times = self.size(count).unwrap_or(1).clamp(0, 1 << 32);
                    self.work(body).saturating_mul(times as u64)
                }
                Op::Reduce { body, .. } | Op::Scan { body, .. } | Op::While { body, .. } => {
                    self.work(body)
                }
                Op::Switch { arms } => arms.iter().map(|a| self.work(a)).max().unwrap_or(0),
                _ => 1,
            })
            .sum()
    }

    fn work_done(&mut self, steps: u64) {
        let before = self.done;
        self.done += steps;
        if self.me.0 == 0
            && before / 64 != self.done / 64
            && let Some(progress) = &self.setup.progress
        {
            progress.at(self.done, self.total.max(self.done));
        }
    }
}
