//! Which operations may end a run.

use smpc_ir::Size;
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, Value};

use crate::facts::Facts;

/// Whether an operation is impossible for some values of its operands or some sizes. Memory that it does not get does not count.
pub(crate) fn possibly(facts: &Facts<'_>, op: &Local, args: &[Value], result: Value) -> bool {
    match op {
        Local::Slice { axis, start, end } => {
            let length = args
                .first()
                .and_then(|a| facts.shape(*a).get(usize::from(*axis)));
            let Some(length) = length else { return true };
            let known = |size: &Size| size.as_constant().is_some_and(|size| size >= 0);
            let ordered = *start == Size::zero() || known(&(end - start));
            !(known(start) && ordered && known(&(length - end)))
        }
        op => by_values(facts, op, args, result),
    }
}

/// Whether an operation is impossible for some values of its operands.
pub(crate) fn by_values(facts: &Facts<'_>, op: &Local, args: &[Value], result: Value) -> bool {
    let fixed = facts.elem(result) == Elem::Fix;
    match op {
        Local::Gather | Local::Scatter | Local::InversePermutation => true,
        // Sizes are public, and mostly compared before the run.
        Local::Slice { .. } => false,
        Local::MatMul | Local::Sum { .. } => fixed,
        Local::Prim(prim) => match prim {
            Prim::Div | Prim::Rem | Prim::Sqrt | Prim::Exp | Prim::Ln | Prim::Encode => true,
            Prim::Shl | Prim::Shr | Prim::ShrLogical => {
                let amount = args.get(1).and_then(|by| facts.literal(*by));
                amount.is_none_or(|by| by < 0)
            }
            Prim::Neg | Prim::Eq | Prim::Lt | Prim::Select | Prim::Not => false,
            Prim::Add | Prim::Sub | Prim::Mul | Prim::Cast | Prim::Decode => fixed,
            Prim::BitSlice { .. } => false,
        },
        Local::Constant(_)
        | Local::Data(_)
        | Local::Size(_)
        | Local::Iota
        | Local::Reshape
        | Local::Broadcast
        | Local::Transpose { .. }
        | Local::Concat { .. }
        | Local::Unpack
        | Local::Pack
        | Local::Digest
        | Local::Expand => false,
    }
}
