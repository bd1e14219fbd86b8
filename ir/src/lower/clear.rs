//! Clear values: local operations where the value is known.

use super::{Failed, Lower, Lowered, Lowerer};
use crate::local::{Local, Prim};
use crate::party::{Elem, PartySet, Value as Wire};
use crate::share::{Op, Step, Type, Value};
use crate::size::Size;

impl Lowerer<'_> {
    /// The copies of a clear value.
    pub(super) fn clear_copies(&self, value: Value) -> Lower<Vec<Wire>> {
        match self.env.get(&value) {
            Some(Lowered::Clear(copies)) => Ok(copies.clone()),
            _ => Err(Failed),
        }
    }

    /// The copy known to all of `set`.
    pub(super) fn copy_for(&self, value: Value, set: PartySet) -> Lower<Wire> {
        self.clear_copies(value)?
            .into_iter()
            .find(|c| set.is_subset(self.emit.info(*c).known_to))
            .ok_or(Failed)
    }

    /// One value for a public clear value, known to everyone.
    pub(super) fn public(&self, value: Value) -> Lower<Wire> {
        self.copy_for(value, self.emit.everyone())
    }

    /// A clear operation, once per group of parties that read the same copies of the arguments.
    pub(super) fn clear(&mut self, step: &Step) -> Lower<Vec<Wire>> {
        let info = self.script_info(step.results[0]);
        let mut copies = Vec::with_capacity(step.args.len());
        for arg in &step.args {
            copies.push(self.clear_copies(*arg)?);
        }
        let mut groups: Vec<(Vec<Wire>, PartySet)> = vec![(vec![], self.known_to(info.label))];
        for arg in &copies {
            let mut split = vec![];
            for (chosen, set) in &groups {
                for copy in arg {
                    let both = set.intersection(self.emit.info(*copy).known_to);
                    if !both.is_empty() {
                        let mut chosen = chosen.clone();
                        chosen.push(*copy);
                        split.push((chosen, both));
                    }
                }
            }
            groups = split;
        }
        let mut results = vec![];
        for (args, at) in groups {
            results.push(self.clear_at(step, &args, at)?);
        }
        Ok(results)
    }

    fn clear_at(&mut self, step: &Step, args: &[Wire], at: PartySet) -> Lower<Wire> {
        let info = self.script_info(step.results[0]);
        let ring = self.clear_ring(step.results[0]);
        let elem = match info.ty {
            Type::Int => ring,
            ty => self.clear_elem(ty),
        };
        let shape = info.shape.clone();
        let args: Vec<Wire> = args.iter().map(|a| self.in_ring(*a, ring, at)).collect();
        let fraction = |ty: Type| if let Type::Fix(f) = ty { f } else { 0 };
        match &step.op {
            Op::Local(local) => {
                let mixed = matches!(local, Local::Prim(Prim::Mul) | Local::MatMul);
                let args: Vec<Wire> = args
                    .iter()
                    .map(|a| {
                        let arg = self.emit.info(*a).clone();
                        if mixed && elem == Elem::Fix && arg.elem != Elem::Fix {
                            let cast = Local::Prim(Prim::Cast);
                            self.emit.local_at(cast, &[*a], Elem::Fix, &arg.shape, at)
                        } else {
                            *a
                        }
                    })
                    .collect();
                Ok(self.emit.local_at(local.clone(), &args, elem, &shape, at))
            }
            Op::Raw => {
                let f = fraction(self.script_info(step.args[0]).ty);
                Ok(self.encode(args[0], f, ring, &shape, at))
            }
            Op::FromRaw => {
                let amount = self.emit.amount(fraction(info.ty));
                let decode = Local::Prim(Prim::Decode);
                Ok(self
                    .emit
                    .local_at(decode, &[args[0], amount], Elem::Fix, &shape, at))
            }
            _ => Err(Failed),
        }
    }

    /// A clear fixed-point value as an element of a ring in units of 2^-bits.
    pub(super) fn encode(
        &mut self,
        value: Wire,
        bits: u8,
        ring: Elem,
        shape: &[Size],
        at: PartySet,
    ) -> Wire {
        let amount = self.emit.amount(bits);
        self.emit
            .local_at(Local::Prim(Prim::Encode), &[value, amount], ring, shape, at)
    }

    /// A clear value as the integers its sharing would carry.
    pub(super) fn encoded(&mut self, value: Value, copy: Wire, at: PartySet) -> Wire {
        let info = self.script_info(value);
        match info.ty {
            Type::Fix(f) => {
                let ring = Elem::Ring(self.ring);
                let raw = self.encode(copy, f, ring, &info.shape, at);
                self.carry(raw, &info.shape, at)
            }
            Type::Int => self.carry(copy, &info.shape, at),
            Type::Bits(_) => copy,
        }
    }

    /// A clear integer as the element that its sharing would carry: in a field its residue.
    pub(super) fn carry(&mut self, value: Wire, shape: &[Size], at: PartySet) -> Wire {
        let value = self.in_ring(value, Elem::Ring(self.ring), at);
        if self.int == self.emit.info(value).elem {
            return value;
        }
        let cast = Local::Prim(Prim::Cast);
        self.emit.local_at(cast, &[value], self.int, shape, at)
    }
}
