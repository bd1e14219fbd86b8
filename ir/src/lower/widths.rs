//! How large the integers of a script can become, where it tells: from bits, counts, places and literals on.
//!
//! A value of width w is below 2^w in magnitude. A sum, a difference or a product whose width the ring cannot hold may have
//! wrapped around, and nothing is known of it.

use crate::local::{Local, Prim};
use crate::share::{Block, Op, Program, SizeOrigin, Step, Type, Value};
use crate::size::Size;

/// No axis has 2^LENGTH elements and no loop that ends as many turns.
const LENGTH: u8 = 40;

/// So many turns through the program widen what a loop carries step by step; then what still grows is unknown.
const TURNS: usize = 3;

/// The widths of a program's integers.
pub(super) struct Widths {
    known: Vec<Width>,
    /// The magnitude of a ring element is below 2^most, but for the least.
    most: u8,
}

/// What is known of one value: nothing was seen that it can be, a width, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Unseen,
    Below(u8),
    Any,
}

impl Widths {
    /// Over a ring of so many bits.
    pub(super) fn of(program: &Program, ring: u8) -> Self {
        let mut pass = Pass {
            program,
            turn: 0,
            changed: true,
            widths: Self {
                known: vec![Width::Unseen; program.values.len()],
                most: ring.saturating_sub(1),
            },
        };
        while pass.changed {
            pass.changed = false;
            pass.block(&program.body);
            pass.turn += 1;
        }
        pass.widths
    }

    /// The width of an integer, or of the number behind a fixed-point value; none if it can be any element of the ring.
    pub(super) fn get(&self, value: Value) -> Option<u8> {
        match self.known.get(value.0 as usize) {
            Some(Width::Below(bits)) => Some(*bits),
            _ => None,
        }
    }

    /// Whether the difference of two values does not wrap around.
    pub(super) fn differ_within(&self, a: Value, b: Value) -> bool {
        let wide = |value| self.get(value).is_none_or(|bits| bits >= self.most);
        !wide(a) && !wide(b)
    }
}

struct Pass<'a> {
    program: &'a Program,
    turn: usize,
    changed: bool,
    widths: Widths,
}

impl Pass<'_> {
    fn width(&self, value: Value) -> Width {
        let known = self.widths.known.get(value.0 as usize);
        known.copied().unwrap_or(Width::Any)
    }

    /// As wide as the ring allows.
    fn below(&self, bits: u8) -> Width {
        if bits <= self.widths.most {
            Width::Below(bits)
        } else {
            Width::Any
        }
    }

    /// A value can also be so wide. What a loop carries may grow in few turns only.
    fn join(&mut self, value: Value, width: Width, carried: bool) {
        let before = self.width(value);
        if width <= before {
            return;
        }
        let grows = carried && before != Width::Unseen && self.turn >= TURNS;
        if let Some(known) = self.widths.known.get_mut(value.0 as usize) {
            *known = if grows { Width::Any } else { width };
            self.changed = true;
        }
    }

    fn pass(&mut self, from: &[Value], to: &[Value], carried: bool) {
        for (from, to) in from.iter().zip(to) {
            let width = self.width(*from);
            self.join(*to, width, carried);
        }
    }

    fn block(&mut self, block: &Block) {
        for step in &block.steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        let Step { args, results, .. } = step;
        match &step.op {
            Op::Share | Op::Reveal(_) | Op::Shuffle => self.pass(args, results, false),
            Op::For { body, .. } => {
                self.pass(args, &body.params, true);
                self.pass(args, results, false);
                self.block(body);
                self.pass(&body.results, &body.params, true);
                self.pass(&body.results, results, false);
            }
            Op::While {
                condition, body, ..
            } => {
                for params in [&condition.params, &body.params] {
                    self.pass(args, params, true);
                }
                self.pass(args, results, false);
                self.block(condition);
                self.block(body);
                for params in [&condition.params, &body.params] {
                    self.pass(&body.results, params, true);
                }
                self.pass(&body.results, results, false);
            }
            Op::Switch { arms } => {
                for arm in arms {
                    self.block(arm);
                    self.pass(&arm.results, results, false);
                }
            }
            Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                let (low, high) = body.params.split_at(args.len().min(body.params.len()));
                self.pass(args, results, false);
                for params in [low, high] {
                    self.pass(args, params, true);
                }
                self.block(body);
                for params in [low, high] {
                    self.pass(&body.results, params, true);
                }
                self.pass(&body.results, results, false);
            }
            _ => {
                for result in results {
                    let width = self.computed(step, *result);
                    self.join(*result, width, false);
                }
            }
        }
    }

    /// The width of the result of an operation that computes.
    fn computed(&self, step: &Step, result: Value) -> Width {
        let of = |value: Value| &self.program.values[value.0 as usize];
        let headroom = |fraction: u8| self.below(self.widths.most.saturating_sub(1 + fraction));
        if of(result).ty != Type::Int {
            // Fixed point stays within its headroom; the width of bits is in their type.
            return match of(result).ty {
                Type::Fix(_) => headroom(0),
                _ => Width::Any,
            };
        }
        let op = match &step.op {
            Op::Raw => return headroom(0),
            Op::Local(op) => op,
            _ => return Width::Any,
        };
        let arg = |i: usize| step.args.get(i).map_or(Width::Any, |a| self.width(*a));
        let widest = |from: usize| {
            let widths = step.args.iter().skip(from).map(|a| self.width(*a));
            widths.max().unwrap_or(Width::Any)
        };
        let length = |axis: u8, of: &[Size]| {
            let length = of.get(usize::from(axis)).map_or(LENGTH, size_bits);
            length.min(LENGTH)
        };
        let argument = step.args.first().map(|a| of(*a));
        match op {
            Local::Constant(literal) => self.below(literal_bits(*literal)),
            Local::Data(literals) => {
                let bits = literals.iter().map(|literal| literal_bits(*literal));
                self.below(bits.max().unwrap_or(0))
            }
            Local::Size(size) => match size.as_constant() {
                Some(literal) => self.below(literal_bits(literal)),
                None if self.is_length(size) => self.below(LENGTH),
                None => Width::Any,
            },
            Local::Iota => self.below(length(0, &of(result).shape)),
            Local::InversePermutation => self.below(LENGTH),
            Local::Prim(Prim::Cast) => match argument.map(|a| a.ty) {
                Some(Type::Bits(m)) => self.below(m),
                Some(Type::Int) => arg(0),
                Some(Type::Fix(f)) => headroom(f),
                None => Width::Any,
            },
            Local::Prim(Prim::Add | Prim::Sub) => self.more(widest(0), 1),
            Local::Prim(Prim::Mul) => self.times(arg(0), arg(1)),
            Local::Prim(Prim::Select) => widest(1),
            // A remainder is smaller than what is divided by.
            Local::Prim(Prim::Rem) => arg(1),
            Local::Prim(Prim::Neg | Prim::Div | Prim::Shr)
            | Local::Reshape
            | Local::Broadcast
            | Local::Transpose { .. }
            | Local::Slice { .. }
            | Local::Gather => arg(0),
            Local::Concat { .. } => widest(0),
            Local::Scatter => arg(0).max(arg(1)),
            Local::Sum { axis } => {
                let shape = argument.map_or(&[][..], |a| &a.shape);
                self.more(arg(0), length(*axis, shape))
            }
            Local::MatMul => {
                let shape = argument.map_or(&[][..], |a| &a.shape);
                let last = u8::try_from(shape.len().saturating_sub(1)).unwrap_or(u8::MAX);
                self.more(self.times(arg(0), arg(1)), length(last, shape))
            }
            _ => Width::Any,
        }
    }

    fn more(&self, width: Width, bits: u8) -> Width {
        match width {
            Width::Below(own) => self.below(own.saturating_add(bits)),
            other => other,
        }
    }

    fn times(&self, a: Width, b: Width) -> Width {
        match (a, b) {
            (Width::Below(a), Width::Below(b)) => self.below(a.saturating_add(b)),
            (a, b) => a.max(b),
        }
    }

    /// Whether a size is the length of an axis or the number of a turn, which memory and time keep small; a parameter can
    /// be any number.
    fn is_length(&self, size: &Size) -> bool {
        size.as_var().is_some_and(|var| {
            let info = self.program.sizes.get(var.0 as usize);
            info.is_some_and(|info| !matches!(info.origin, SizeOrigin::Param(_)))
        })
    }
}

/// The bits of a literal's magnitude.
fn literal_bits(literal: i128) -> u8 {
    let bits = u128::BITS - literal.unsigned_abs().leading_zeros();
    u8::try_from(bits).unwrap_or(u8::MAX)
}

/// With so many bits, numbers below a length; more than [`LENGTH`] if it is not known.
fn size_bits(length: &Size) -> u8 {
    length.as_constant().map_or(u8::MAX, literal_bits)
}
