//! Public values that are known when the program is lowered: they decide how a factor is encoded.
//! The operations stay in the program; only their values are used.

use super::Lowerer;
use crate::local::{Local, Prim};
use crate::share::{Op, Step, Type};

/// 1 in units of 2^-64.
const ONE: i128 = 1 << 64;

impl Lowerer<'_> {
    /// The value every element of a clear result has, if the arguments tell: an integer, or fixed
    /// point times 2^64.
    pub(super) fn folded(&self, step: &Step) -> Option<i128> {
        let Op::Local(op) = &step.op else {
            return None;
        };
        let arg = |i: usize| self.literals.get(step.args.get(i)?).copied();
        let ty = |i: usize| step.args.get(i).map(|a| self.script_info(*a).ty);
        let fixed = matches!(self.script_info(step.results[0]).ty, Type::Fix(_));
        match op {
            Local::Constant(value) => Some(*value),
            Local::Size(size) => size.as_constant(),
            Local::Broadcast | Local::Reshape => arg(0),
            Local::Prim(Prim::Cast) => match (ty(0)?, fixed) {
                (Type::Int, true) => arg(0)?.checked_mul(ONE),
                (Type::Fix(_), true) => arg(0),
                _ => None,
            },
            Local::Prim(Prim::Neg) => arg(0)?.checked_neg(),
            Local::Prim(Prim::Add) => arg(0)?.checked_add(arg(1)?),
            Local::Prim(Prim::Sub) => arg(0)?.checked_sub(arg(1)?),
            Local::Prim(Prim::Lt) => Some(i128::from(arg(0)? < arg(1)?)),
            Local::Prim(Prim::Div) if fixed => {
                // Rounded towards zero here; whoever asks wants to know about exact values.
                arg(0)?.checked_mul(ONE)?.checked_div(arg(1)?)
            }
            _ => None,
        }
    }

    /// The fraction bits with which a literal is an integer, if those are at most `most`.
    pub(super) fn exact_bits(literal: i128, most: u8) -> Option<u8> {
        let bits = 64u32.saturating_sub(literal.trailing_zeros().min(64));
        u8::try_from(bits).ok().filter(|bits| *bits <= most)
    }
}
