//! Builds the party program: values, steps, nested blocks.

use crate::local::{Local, Prim, Source};
use crate::party::{
    Block, Call, Elem, Op, Origin, Party, PartySet, Program, Step, Value, ValueInfo,
};
use crate::size::Size;

/// The program under construction and the blocks that are open, innermost last.
pub(super) struct Emitter {
    pub(super) program: Program,
    blocks: Vec<Block>,
    /// Where the operation being lowered was written.
    pub(super) source: Source,
    /// The instance whose steps are being emitted.
    pub(super) origin: Option<Origin>,
}

impl Emitter {
    pub(super) fn new(program: Program) -> Self {
        Self {
            program,
            blocks: vec![Block::default()],
            source: Source::default(),
            origin: None,
        }
    }

    pub(super) fn info(&self, value: Value) -> &ValueInfo {
        &self.program.values[value.0 as usize]
    }

    pub(super) fn everyone(&self) -> PartySet {
        self.program.everyone()
    }

    /// A new value, not yet defined.
    pub(super) fn value(&mut self, info: ValueInfo) -> Value {
        let value = Value(u32::try_from(self.program.values.len()).unwrap_or(u32::MAX));
        self.program.values.push(info);
        value
    }

    pub(super) fn push(&mut self, op: Op, args: Vec<Value>, results: Vec<Value>) {
        let (source, origin) = (self.source, self.origin);
        if let Some(block) = self.blocks.last_mut() {
            block.steps.push(Step {
                op,
                args,
                results,
                source,
                origin,
            });
        }
    }

    /// A new instance of a protocol: its position.
    pub(super) fn call(&mut self, name: &str) -> u32 {
        let call = u32::try_from(self.program.calls.len()).unwrap_or(u32::MAX);
        self.program.calls.push(Call {
            name: name.to_owned(),
            source: self.source,
        });
        call
    }

    pub(super) fn open(&mut self, params: Vec<Value>) {
        self.blocks.push(Block {
            params,
            ..Block::default()
        });
    }

    pub(super) fn close(&mut self, results: Vec<Value>) -> Block {
        let mut block = self.blocks.pop().unwrap_or_default();
        block.results = results;
        block
    }

    /// One step with one result; offline if all arguments are and the caller allows it.
    pub(super) fn step(
        &mut self,
        op: Op,
        args: &[Value],
        elem: Elem,
        shape: &[Size],
        known_to: PartySet,
        may_be_offline: bool,
    ) -> Value {
        let offline = may_be_offline && args.iter().all(|a| self.info(*a).offline);
        let result = self.value(ValueInfo {
            elem,
            shape: shape.to_vec(),
            known_to,
            offline,
        });
        self.push(op, args.to_vec(), vec![result]);
        result
    }

    /// A local operation for everybody who knows the arguments; constants for everybody.
    pub(super) fn local(&mut self, op: Local, args: &[Value], elem: Elem, shape: &[Size]) -> Value {
        let known = args.iter().fold(self.everyone(), |set, a| {
            set.intersection(self.info(*a).known_to)
        });
        self.step(Op::Local(op), args, elem, shape, known, true)
    }

    /// The same, for fewer parties.
    pub(super) fn local_at(
        &mut self,
        op: Local,
        args: &[Value],
        elem: Elem,
        shape: &[Size],
        at: PartySet,
    ) -> Value {
        let known = args
            .iter()
            .fold(at, |set, a| set.intersection(self.info(*a).known_to));
        self.step(Op::Local(op), args, elem, shape, known, true)
    }

    pub(super) fn prim(&mut self, prim: Prim, args: &[Value], elem: Elem, shape: &[Size]) -> Value {
        self.local(Local::Prim(prim), args, elem, shape)
    }

    /// A public scalar of `Ring(64)`: amounts of shifts.
    pub(super) fn amount(&mut self, bits: u8) -> Value {
        self.local(Local::Constant(i128::from(bits)), &[], Elem::Ring(64), &[])
    }

    pub(super) fn send(&mut self, value: Value, from: Party, to: PartySet) -> Value {
        let info = self.info(value).clone();
        let known_to = info.known_to.union(to);
        self.step(
            Op::Send { from, to },
            &[value],
            info.elem,
            &info.shape,
            known_to,
            false,
        )
    }

    /// The whole program.
    pub(super) fn finish(mut self) -> Program {
        self.program.body = self.close(vec![]);
        self.program
    }
}
