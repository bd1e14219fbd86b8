//! Element-wise steps of one shape, fused into kernels that pass over memory once.
//!
//! The list of actions between two exchanges is regrouped: an element-wise step joins the open
//! group of its shape, whatever stands between them, as long as nothing in between reads the
//! group's results. Constants become part of the kernels that use them. A coin reserves its range
//! of its stream where it stands, so that every party of the set reserves in one order, and is
//! filled where it is first read, if it is read at all.

use std::collections::{BTreeMap, HashMap};

use smpc_ir::Size;
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{Block, CoinDomain, Elem, Op, Program, Step, Value, ValueInfo};
use smpc_runtime::kernel::{Builder, Kernel, Slot};

use crate::plan::{Action, Nested, reads};

/// Steps of a group at most: registers are shared, but a kernel's blocks must stay in the cache.
const LARGEST: usize = 256;

/// Several steps in one kernel.
#[derive(Debug)]
pub(crate) struct Fused {
    pub kernel: Kernel,
    /// Tensors, then scalars.
    pub args: Vec<Value>,
    /// Coins whose ranges are reserved.
    pub coins: Vec<Value>,
    /// The values of each of the kernel's outputs.
    pub outputs: Vec<Vec<Value>>,
    /// Where the first step was written.
    pub source: Source,
    /// Shifts by amounts that are no literals: the amount, and where the shift was written.
    pub shifts: Vec<(Value, Source)>,
    /// How many steps.
    pub steps: u64,
}

/// Regroups a block's actions for one party.
pub(crate) fn fuse<'p>(
    program: &'p Program,
    block: &Block,
    actions: Vec<Action<'p>>,
) -> Vec<Action<'p>> {
    let mut fuser = Fuser {
        program,
        read: read_counts(block, &actions),
        out: Vec::with_capacity(actions.len()),
        groups: BTreeMap::new(),
        by_shape: HashMap::new(),
        of: HashMap::new(),
        lazy: HashMap::new(),
        opened: 0,
    };
    for action in actions {
        fuser.action(action);
    }
    fuser.close_all();
    fuser.need(&block.results);
    fuser.out
}

/// How often each value is read in the block and by what is nested in it.
fn read_counts(block: &Block, actions: &[Action<'_>]) -> HashMap<Value, usize> {
    let mut all = block.results.clone();
    for action in actions {
        match action {
            Action::Local(step) | Action::Alias(step) | Action::Control(Nested { step, .. }) => {
                reads(step, &mut all);
            }
            Action::Exchange(exchange) => {
                all.extend(exchange.sends.iter().flat_map(|message| &message.values));
            }
            Action::Reserve(_) | Action::Fill(_) | Action::Fused(_) => {}
        }
    }
    let mut counts = HashMap::new();
    for value in all {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// A kernel under construction.
#[derive(Default)]
struct Group<'a> {
    shape: Vec<Size>,
    builder: Builder,
    /// What the group computes.
    slots: HashMap<Value, Slot>,
    /// The same in order.
    members: Vec<Value>,
    inputs: Vec<Value>,
    scalars: Vec<Value>,
    given: HashMap<(Value, bool), Slot>,
    coins: Vec<Value>,
    /// Constants of the block that steps use, with their steps.
    constants: Vec<(Value, &'a Step)>,
    /// How often the group itself reads a value.
    inner: HashMap<Value, usize>,
    shifts: Vec<(Value, Source)>,
    /// The same steps one by one.
    single: Vec<Action<'a>>,
    /// Steps and coins.
    size: usize,
}

struct Fuser<'a> {
    program: &'a Program,
    read: HashMap<Value, usize>,
    out: Vec<Action<'a>>,
    /// Open groups by age.
    groups: BTreeMap<usize, Group<'a>>,
    by_shape: HashMap<Vec<Size>, usize>,
    /// The open group that computes a value.
    of: HashMap<Value, usize>,
    /// Constants and reserved coins that have no tensor yet, with their steps.
    lazy: HashMap<Value, &'a Step>,
    opened: usize,
}

fn fits(elem: Elem) -> bool {
    matches!(elem, Elem::Ring(1..=64) | Elem::Bits(1..=64))
}

fn is_shift(prim: Prim) -> bool {
    matches!(prim, Prim::Shl | Prim::Shr | Prim::ShrLogical)
}

impl<'a> Fuser<'a> {
    fn info(&self, value: Value) -> &'a ValueInfo {
        let program: &'a Program = self.program;
        &program.values[value.0 as usize]
    }

    fn action(&mut self, action: Action<'a>) {
        match action {
            Action::Local(step) => self.local(step),
            Action::Alias(step) => {
                let (arg, result) = (step.args[0], step.results[0]);
                if let Some(id) = self.of.get(&arg).copied()
                    && let Some(group) = self.groups.get_mut(&id)
                    && let Some(slot) = group.slots.get(&arg).copied()
                {
                    group.slots.insert(result, slot);
                    group.members.push(result);
                    *group.inner.entry(arg).or_default() += 1;
                    group.single.push(Action::Alias(step));
                    self.of.insert(result, id);
                } else {
                    self.need(&[arg]);
                    self.out.push(Action::Alias(step));
                }
            }
            Action::Exchange(exchange) => {
                self.close_all();
                let sent = exchange.sends.iter().flat_map(|message| &message.values);
                let sent: Vec<Value> = sent.copied().collect();
                self.need(&sent);
                self.out.push(Action::Exchange(exchange));
            }
            Action::Control(nested) => {
                self.close_all();
                self.need_all(nested.step);
                self.out.push(Action::Control(nested));
            }
            other => self.out.push(other),
        }
    }

    fn local(&mut self, step: &'a Step) {
        let small = step
            .results
            .first()
            .is_some_and(|r| fits(self.info(*r).elem));
        match &step.op {
            Op::Coin(CoinDomain::Uniform) if small => {
                self.out.push(Action::Reserve(step));
                self.lazy.insert(step.results[0], step);
            }
            Op::Local(Local::Constant(_)) if small => {
                self.lazy.insert(step.results[0], step);
            }
            Op::Local(Local::Prim(prim)) if small && self.fusible(*prim, step) => {
                self.join(step, *prim);
            }
            _ => {
                self.need_all(step);
                self.out.push(Action::Local(step));
            }
        }
    }

    /// The literal of a constant that has no tensor yet.
    fn literal(&self, value: Value) -> Option<i128> {
        match self.lazy.get(&value)?.op {
            Op::Local(Local::Constant(literal)) => Some(literal),
            _ => None,
        }
    }

    /// Whether argument `i` of a step is read as one element for all.
    fn is_single(&self, prim: Prim, step: &Step, i: usize) -> bool {
        let shape = &self.info(step.results[0]).shape;
        let arg = &self.info(step.args[i]).shape;
        arg.is_empty() && (!shape.is_empty() || (is_shift(prim) && i == 1))
    }

    fn fusible(&self, prim: Prim, step: &Step) -> bool {
        let result = self.info(step.results[0]);
        let mut probe = Builder::default();
        let mut slots = vec![];
        for (i, arg) in step.args.iter().enumerate() {
            let info = self.info(*arg);
            let slot = if let Some(literal) = self.literal(*arg) {
                probe.constant(info.elem, literal)
            } else if self.is_single(prim, step, i) {
                probe.scalar(info.elem)
            } else if info.shape == result.shape {
                probe.input(info.elem)
            } else {
                None
            };
            match slot {
                Some(slot) => slots.push(slot),
                None => return false,
            }
        }
        // An operation that is the identity gives its argument back; it is no step of a kernel.
        probe
            .prim(prim, &slots, result.elem)
            .is_some_and(|slot| !slots.contains(&slot) && probe.output(slot).is_some())
    }

    fn join(&mut self, step: &'a Step, prim: Prim) {
        let shape = &self.info(step.results[0]).shape;
        let own = self.by_shape.get(shape).copied();
        for (i, arg) in step.args.iter().enumerate() {
            if self.literal(*arg).is_some() {
                continue;
            }
            let single = self.is_single(prim, step, i);
            match self.of.get(arg).copied() {
                Some(id) if single || Some(id) != own => self.close(id),
                Some(_) => {}
                None if single || self.info(*arg).shape != *shape => self.need(&[*arg]),
                None => {}
            }
        }
        if let Some(id) = self.by_shape.get(shape).copied()
            && self.groups.get(&id).is_some_and(|g| g.size >= LARGEST)
        {
            self.close(id);
        }
        let id = match self.by_shape.get(shape).copied() {
            Some(id) => id,
            None => {
                self.opened += 1;
                let group = Group {
                    shape: shape.clone(),
                    ..Group::default()
                };
                self.groups.insert(self.opened, group);
                self.by_shape.insert(shape.clone(), self.opened);
                self.opened
            }
        };
        let mut slots = Vec::with_capacity(step.args.len());
        for (i, arg) in step.args.iter().enumerate() {
            let single = self.is_single(prim, step, i);
            slots.extend(self.slot(id, *arg, single));
        }
        let amount = step
            .args
            .get(1)
            .copied()
            .filter(|by| is_shift(prim) && self.literal(*by).is_none());
        let result = step.results[0];
        let elem = self.info(result).elem;
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        for arg in &step.args {
            *group.inner.entry(*arg).or_default() += 1;
        }
        if let Some(amount) = amount {
            group.shifts.push((amount, step.source));
        }
        group.single.push(Action::Local(step));
        group.size += 1;
        // The same call succeeded on the probe.
        if let Some(slot) = group.builder.prim(prim, &slots, elem) {
            group.slots.insert(result, slot);
        }
        group.members.push(result);
        self.of.insert(result, id);
    }

    /// An argument's place in a group.
    fn slot(&mut self, id: usize, arg: Value, single: bool) -> Option<Slot> {
        let elem = self.info(arg).elem;
        let literal = self.literal(arg);
        let lazy = self.lazy.get(&arg).copied();
        let group = self.groups.get_mut(&id)?;
        if let Some(slot) = group.slots.get(&arg) {
            return Some(*slot);
        }
        if let (Some(literal), Some(step)) = (literal, lazy) {
            let slot = group.builder.constant(elem, literal)?;
            group.constants.push((arg, step));
            return Some(slot);
        }
        if let Some(step) = lazy {
            let slot = group.builder.coin(elem)?;
            group.slots.insert(arg, slot);
            group.members.push(arg);
            group.coins.push(arg);
            group.single.push(Action::Fill(step));
            group.size += 1;
            self.lazy.remove(&arg);
            self.of.insert(arg, id);
            return Some(slot);
        }
        if let Some(slot) = group.given.get(&(arg, single)) {
            return Some(*slot);
        }
        let slot = if single {
            group.scalars.push(arg);
            group.builder.scalar(elem)?
        } else {
            group.inputs.push(arg);
            group.builder.input(elem)?
        };
        group.given.insert((arg, single), slot);
        Some(slot)
    }

    fn need_all(&mut self, step: &Step) {
        let mut read = vec![];
        reads(step, &mut read);
        self.need(&read);
    }

    /// Makes sure that these values have tensors from here on.
    fn need(&mut self, values: &[Value]) {
        for value in values {
            if let Some(id) = self.of.get(value).copied() {
                self.close(id);
            }
            if let Some(step) = self.lazy.remove(value) {
                self.out.push(match step.op {
                    Op::Coin(_) => Action::Fill(step),
                    _ => Action::Local(step),
                });
            }
        }
    }

    fn close_all(&mut self) {
        while let Some(id) = self.groups.keys().next().copied() {
            self.close(id);
        }
    }

    fn close(&mut self, id: usize) {
        let Some(mut group) = self.groups.remove(&id) else {
            return;
        };
        self.by_shape.remove(&group.shape);
        for value in &group.members {
            self.of.remove(value);
        }
        let mut outputs: Vec<(Slot, Vec<Value>)> = vec![];
        for value in &group.members {
            let all = self.read.get(value).copied().unwrap_or(0);
            let inner = group.inner.get(value).copied().unwrap_or(0);
            let Some(slot) = group.slots.get(value).copied() else {
                continue;
            };
            if all > inner {
                match outputs.iter_mut().find(|(known, _)| *known == slot) {
                    Some((_, values)) => values.push(*value),
                    None => outputs.push((slot, vec![*value])),
                }
            }
        }
        if outputs.is_empty() {
            return;
        }
        let whole = group.slots.len() >= group.members.len();
        let built = outputs
            .iter()
            .all(|(slot, _)| group.builder.output(*slot).is_some());
        if group.size < 2 || !whole || !built {
            for (value, step) in group.constants {
                if self.lazy.remove(&value).is_some() {
                    self.out.push(Action::Local(step));
                }
            }
            self.out.append(&mut group.single);
            return;
        }
        let first = group.single.iter().find_map(|action| match action {
            Action::Local(step) => Some(step.source),
            _ => None,
        });
        self.out.push(Action::Fused(Box::new(Fused {
            args: [group.inputs, group.scalars].concat(),
            coins: group.coins,
            outputs: outputs.into_iter().map(|(_, values)| values).collect(),
            source: first.unwrap_or_default(),
            shifts: group.shifts,
            steps: group.size as u64,
            kernel: group.builder.build(),
        })));
    }
}
