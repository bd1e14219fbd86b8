//! Deferred protocols: calls recorded, and carried out together before anything gets out.
//!
//! Invariants:
//!
//! - When a reveal of the script is emitted, nothing is recorded but what reveals right before it
//!   recorded, on none of whose values it depends.
//! - When an output or a branch is emitted, nothing is recorded.
//! - What a block records is carried out in that block.

use std::sync::Arc;

use super::instantiate::{Binding, Operand, phases};
use super::{Lower, Lowered, Lowerer, Map, Shared};
use crate::flat::{Deferred, Flat};
use crate::local::{Local, Source};
use crate::party::{Elem, Op, Party, PartySet, Value as Wire};
use crate::share::{self, Op as ScriptOp, Step, Value};
use crate::size::Size;

/// A recorded call.
#[derive(Clone, Debug)]
pub(super) struct Record {
    body: Arc<Flat>,
    bilinear: bool,
    args: Vec<Operand>,
    left: Vec<Size>,
    right: Vec<Size>,
    product: Vec<Size>,
    map: Map,
    source: Source,
}

/// What is to be carried out before anything gets out.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By open block, innermost last.
    records: Vec<Vec<Record>>,
    /// Values of the script that records are about: revealed, and not to be used yet.
    unchecked: Vec<Value>,
    /// How many records of the innermost block reveals made, with nothing else since.
    revealed: usize,
}

impl Ledger {
    pub(super) fn open(&mut self) {
        self.records.push(vec![]);
    }

    pub(super) fn close(&mut self) {
        self.records.pop();
    }

    fn count(&self) -> usize {
        self.records.last().map_or(0, Vec::len)
    }
}

/// One instance of a body for one or more records.
struct Batch {
    body: Arc<Flat>,
    args: Vec<Operand>,
    left: Vec<Size>,
    right: Vec<Size>,
    product: Vec<Size>,
    map: Map,
    source: Source,
}

impl Lowerer<'_> {
    /// Records a call.
    pub(super) fn defer(&mut self, call: &Deferred, args: Vec<Operand>, binding: &Binding<'_>) {
        let record = Record {
            body: call.body.clone(),
            bilinear: call.bilinear,
            args,
            left: binding.left.to_vec(),
            right: binding.right.to_vec(),
            product: binding.product.to_vec(),
            map: binding.map,
            source: self.emit.source,
        };
        if self.ledger.records.is_empty() {
            self.ledger.open();
        }
        if let Some(records) = self.ledger.records.last_mut() {
            records.push(record);
        }
    }

    /// Before a reveal: what was recorded by anything but the reveals right before it is carried out.
    pub(super) fn before_reveal(&mut self) -> Lower<()> {
        if self.ledger.count() != self.ledger.revealed {
            self.carry_out_deferred()?;
        }
        Ok(())
    }

    /// After a reveal: what it recorded is about this value.
    pub(super) fn after_reveal(&mut self, value: Value) {
        self.ledger.revealed = self.ledger.count();
        if self.ledger.revealed > 0 {
            self.ledger.unchecked.push(value);
        }
    }

    /// Before an operation of the script: nothing reads, puts out or branches on what is unchecked.
    pub(super) fn before_step(&mut self, step: &Step) -> Lower<()> {
        let outstanding = !self.ledger.unchecked.is_empty();
        let due = match &step.op {
            ScriptOp::Output { .. } => true,
            ScriptOp::For { .. }
            | ScriptOp::While { .. }
            | ScriptOp::Switch { .. }
            | ScriptOp::Reduce { .. }
            | ScriptOp::Scan { .. } => outstanding || gets_out(step),
            // A reveal may follow others; any other operation may record calls of its own.
            ScriptOp::Reveal(_) => {
                outstanding && step.args.iter().any(|a| self.ledger.unchecked.contains(a))
            }
            _ => outstanding,
        };
        if due {
            self.carry_out_deferred()?;
        }
        Ok(())
    }

    /// Carries out what the innermost block has recorded, and what that records in turn.
    pub(super) fn carry_out_deferred(&mut self) -> Lower<()> {
        let unchecked = std::mem::take(&mut self.ledger.unchecked);
        self.ledger.revealed = 0;
        let source = self.emit.source;
        let mut any = false;
        while let Some(records) = self.ledger.records.last_mut().map(std::mem::take)
            && !records.is_empty()
        {
            any = true;
            self.carry_out_batches(records)?;
        }
        self.emit.source = source;
        if any {
            self.confirm(&unchecked);
        }
        Ok(())
    }

    /// Bodies in lockstep, with a barrier behind each of their phases.
    fn carry_out_batches(&mut self, records: Vec<Record>) -> Lower<()> {
        let batches = self.batches(records);
        let bindings: Vec<Binding<'_>> = batches
            .iter()
            .map(|batch| Binding {
                left: &batch.left,
                right: &batch.right,
                product: &batch.product,
                map: batch.map,
                outsider: None,
            })
            .collect();
        let mut instances = vec![];
        for (batch, binding) in batches.iter().zip(&bindings) {
            self.emit.source = batch.source;
            instances.push((
                batch.source,
                self.begin(&batch.body, &batch.args, binding)?,
                phases(&batch.body),
            ));
        }
        let most = instances.iter().map(|(_, _, p)| p.len()).max().unwrap_or(0);
        for at in 0..most {
            for (source, instance, phases) in &mut instances {
                if let Some(steps) = phases.get(at) {
                    self.emit.source = *source;
                    self.carry_out(instance, steps.clone(), &mut None)?;
                }
            }
            self.emit.push(Op::Barrier, vec![], vec![]);
        }
        for (source, instance, _) in &instances {
            self.emit.source = *source;
            self.record_calls(instance)?;
        }
        Ok(())
    }

    /// Tells receivers that do not compute, and so check nothing themselves, that what they were told
    /// before has been checked: so many parties send a bit that one of them is honest.
    fn confirm(&mut self, values: &[Value]) {
        let computing: PartySet = self.seats[..self.computing].iter().copied().collect();
        let elem = Elem::Bits(1);
        let mut sent: Vec<(Party, Vec<(Wire, Wire)>)> = vec![];
        for value in values {
            let Ok(mut copies) = self.clear_copies(*value) else {
                continue;
            };
            for copy in &mut copies {
                for party in self.emit.info(*copy).known_to.without(computing).iter() {
                    let at = PartySet::from_iter([party]);
                    if sent.iter().all(|(known, _)| *known != party) {
                        let senders = self.seats[..self.computing].iter().take(self.liars + 1);
                        let mut bits = vec![];
                        for sender in senders.copied().collect::<Vec<_>>() {
                            let own = PartySet::from_iter([sender]);
                            let one = Local::Constant(1);
                            let bit = self.emit.local_at(one.clone(), &[], elem, &[], own);
                            let got = self.emit.send(bit, sender, at);
                            let wanted = self.emit.local_at(one, &[], elem, &[], at);
                            bits.push((got, wanted));
                        }
                        sent.push((party, bits));
                    }
                    let bits = sent.iter().find(|(known, _)| *known == party);
                    for (got, wanted) in bits.map(|(_, bits)| bits.clone()).unwrap_or_default() {
                        let info = self.emit.info(*copy).clone();
                        let checked = self.emit.value(info);
                        let args = vec![*copy, wanted, got];
                        self.emit.push(Op::Check { at }, args, vec![checked]);
                        *copy = checked;
                    }
                }
            }
            self.env.insert(*value, Lowered::Clear(copies));
        }
    }

    /// Records of one body that is not bilinear become one instance on vectors.
    fn batches(&mut self, records: Vec<Record>) -> Vec<Batch> {
        let mut batches = vec![];
        let mut vectors: Vec<(Arc<Flat>, Vec<Record>)> = vec![];
        for record in records {
            if record.bilinear {
                let fit = |this: &mut Self, at: usize, arg: &Operand| {
                    let shape = match at {
                        0 => &record.left,
                        1 => &record.right,
                        _ => &record.product,
                    };
                    this.fit_operand(arg, shape)
                };
                let args = record.args.iter().enumerate();
                batches.push(Batch {
                    args: args.map(|(at, arg)| fit(self, at, arg)).collect(),
                    body: record.body,
                    left: record.left,
                    right: record.right,
                    product: record.product,
                    map: record.map,
                    source: record.source,
                });
                continue;
            }
            match vectors.iter_mut().find(|(body, _)| *body == record.body) {
                Some((_, all)) => all.push(record),
                None => vectors.push((record.body.clone(), vec![record])),
            }
        }
        for (body, records) in vectors {
            let source = records.first().map_or(self.emit.source, |r| r.source);
            let (args, length) = self.joined_vectors(&records);
            let shape = vec![length];
            batches.push(Batch {
                body,
                args,
                left: shape.clone(),
                right: shape.clone(),
                product: shape,
                map: Map::Elementwise,
                source,
            });
        }
        batches
    }

    fn fit_operand(&mut self, operand: &Operand, shape: &[Size]) -> Operand {
        match operand {
            Operand::Shared(shared) => Operand::Shared(self.fit(shared, shape)),
            Operand::Clear(value) => Operand::Clear(self.fit_wire(*value, shape)),
        }
    }

    /// The arguments of several records, each flattened and put behind the one before; and how long
    /// they are.
    fn joined_vectors(&mut self, records: &[Record]) -> (Vec<Operand>, Size) {
        let mut total = Size::zero();
        let mut columns: Vec<Vec<Operand>> = vec![];
        for record in records {
            let shape = self.common_shape(record);
            let count = shape.iter().fold(Size::one(), |n, dim| &n * dim);
            let row = [count.clone()];
            for (at, arg) in record.args.iter().enumerate() {
                let fitted = self.fit_operand(arg, &shape);
                let flat = match fitted {
                    Operand::Shared(shared) => {
                        let components = shared.components.iter();
                        let components = components.map(|c| self.vector(*c, &row)).collect();
                        Operand::Shared(Shared {
                            elem: shared.elem,
                            components,
                        })
                    }
                    Operand::Clear(value) => Operand::Clear(self.vector(value, &row)),
                };
                if columns.len() <= at {
                    columns.push(vec![]);
                }
                columns[at].push(flat);
            }
            total = &total + &count;
        }
        let shape = [total.clone()];
        let joined = columns.into_iter().map(|parts| {
            let mut shared = vec![];
            let mut clear = vec![];
            for part in parts {
                match part {
                    Operand::Shared(part) => shared.push(part),
                    Operand::Clear(value) => clear.push(value),
                }
            }
            match shared.first() {
                Some(first) => {
                    let elem = first.elem;
                    let components = (0..first.components.len()).map(|i| {
                        let parts: Vec<Wire> = shared
                            .iter()
                            .filter_map(|part| part.components.get(i).copied())
                            .collect();
                        self.end_to_end(&parts, &shape)
                    });
                    let components = components.collect();
                    Operand::Shared(Shared { elem, components })
                }
                None => Operand::Clear(self.end_to_end(&clear, &shape)),
            }
        });
        let joined = joined.collect();
        (joined, total)
    }

    /// The shape that a record's arguments have, of which some may be scalars.
    fn common_shape(&self, record: &Record) -> Vec<Size> {
        let wires = record.args.iter().flat_map(|arg| match arg {
            Operand::Shared(shared) => shared.components.clone(),
            Operand::Clear(value) => vec![*value],
        });
        let shapes = wires.map(|wire| self.emit.info(wire).shape.clone());
        shapes.max_by_key(Vec::len).unwrap_or_default()
    }

    fn vector(&mut self, value: Wire, row: &[Size]) -> Wire {
        let info = self.emit.info(value).clone();
        if info.shape == row {
            return value;
        }
        self.emit.local(Local::Reshape, &[value], info.elem, row)
    }

    fn end_to_end(&mut self, parts: &[Wire], shape: &[Size]) -> Wire {
        match parts {
            [one] => *one,
            _ => {
                let elem = parts
                    .first()
                    .map_or(Elem::Bits(1), |p| self.emit.info(*p).elem);
                self.emit
                    .local(Local::Concat { axis: 0 }, parts, elem, shape)
            }
        }
    }

    /// Tells a value that the computing parties know to others. Where computing parties may lie, so
    /// many send its digest that one of them is honest, and a receiver compares.
    pub(super) fn tell(&mut self, value: Wire, to: PartySet) -> Wire {
        let senders: Vec<Party> = self.seats[..self.computing]
            .iter()
            .copied()
            .take(self.liars + 1)
            .collect();
        let Some((first, others)) = senders.split_first() else {
            return value;
        };
        let mut told = self.emit.send(value, *first, to);
        if others.is_empty() {
            return told;
        }
        let (elem, shape) = (Elem::Bits(128), [Size::from(2)]);
        let own = self.emit.local_at(Local::Digest, &[told], elem, &shape, to);
        for party in others {
            let at = PartySet::from_iter([*party]);
            let digest = self
                .emit
                .local_at(Local::Digest, &[value], elem, &shape, at);
            let digest = self.emit.send(digest, *party, to);
            let info = self.emit.info(told).clone();
            let checked = self.emit.value(info);
            let args = vec![told, own, digest];
            self.emit.push(Op::Check { at: to }, args, vec![checked]);
            told = checked;
        }
        told
    }
}

/// Whether something is revealed or put out inside.
fn gets_out(step: &Step) -> bool {
    let inside = |block: &share::Block| block.steps.iter().any(gets_out);
    match &step.op {
        ScriptOp::Reveal(_) | ScriptOp::Output { .. } => true,
        ScriptOp::For { body, .. }
        | ScriptOp::Reduce { body, .. }
        | ScriptOp::Scan { body, .. } => inside(body),
        ScriptOp::While {
            condition, body, ..
        } => inside(condition) || inside(body),
        ScriptOp::Switch { arms } => arms.iter().any(inside),
        _ => false,
    }
}
