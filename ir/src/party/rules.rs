//! The rule of a local operation: shapes as for both representations, and element types.

use super::{Elem, ValueInfo};
use crate::local::{Local, Prim};
use crate::rules::shapes;
use crate::size::Size;

/// Whether a rule is kept; the rule in words if not.
pub(super) type Rule = Result<(), &'static str>;

/// The rule, unless it is kept.
pub(super) fn holds(ok: bool, rule: &'static str) -> Rule {
    if ok { Ok(()) } else { Err(rule) }
}

/// The rule of a local operation. `settle` gives the form of a size that guards leave, if there
/// are guards.
pub(super) fn local(
    op: &Local,
    args: &[&ValueInfo],
    r: &ValueInfo,
    settle: Option<&dyn Fn(&Size) -> Size>,
) -> Rule {
    let own: Vec<&[Size]> = args.iter().map(|a| &a.shape[..]).collect();
    let kept = shapes(op, &own, &r.shape);
    match settle {
        Some(settle) if kept.is_err() => settled_shapes(op, args, r, settle)?,
        _ => kept?,
    }
    let elems: Vec<Elem> = args.iter().map(|a| a.elem).collect();
    holds(
        types_fit(op, &elems, r.elem),
        "an operation's arguments have its types",
    )
}

fn settled_shapes(
    op: &Local,
    args: &[&ValueInfo],
    r: &ValueInfo,
    settle: &dyn Fn(&Size) -> Size,
) -> Rule {
    let shape = |info: &ValueInfo| -> Vec<Size> { info.shape.iter().map(settle).collect() };
    let all: Vec<Vec<Size>> = args.iter().map(|a| shape(a)).collect();
    let all: Vec<&[Size]> = all.iter().map(Vec::as_slice).collect();
    let op = match op {
        Local::Slice { axis, start, end } => &Local::Slice {
            axis: *axis,
            start: settle(start),
            end: settle(end),
        },
        other => other,
    };
    shapes(op, &all, &shape(r))
}

/// Whether arguments of these element types give a result of that one. The number of arguments is
/// the operation's.
fn types_fit(op: &Local, args: &[Elem], r: Elem) -> bool {
    let integer = |e: Elem| matches!(e, Elem::Ring(_) | Elem::Bits(_));
    match (op, args) {
        (Local::Constant(_) | Local::Data(_) | Local::Iota, _) => true,
        (Local::Size(_), _) => matches!(r, Elem::Ring(_)),
        (Local::Prim(prim), _) => prim_fits(*prim, args, r),
        (Local::Gather, [a, index]) => *a == r && integer(*index),
        (Local::Scatter, [a, b, index]) => *a == r && *b == r && integer(*index),
        (Local::InversePermutation, [a]) => *a == r && integer(r),
        (Local::Unpack, [a]) => matches!(a, Elem::Bits(_)) && r == Elem::Bits(1),
        (Local::Digest, _) => r == Elem::Bits(128),
        (Local::Expand, [seed]) => *seed == Elem::Bits(128) && r != Elem::Fix,
        (Local::Pack, [a]) => *a == Elem::Bits(1) && matches!(r, Elem::Bits(_)),
        // Products and layout: one element type.
        _ => args.iter().all(|a| *a == r),
    }
}

fn prim_fits(prim: Prim, args: &[Elem], r: Elem) -> bool {
    let of = |i: usize| args[i];
    let integer = |e: Elem| matches!(e, Elem::Ring(_) | Elem::Bits(_));
    let field = |e: Elem| matches!(e, Elem::Field(_));
    let ring = |e: Elem| matches!(e, Elem::Ring(_));
    match prim {
        Prim::Rem if field(r) => false,
        Prim::Add | Prim::Sub | Prim::Mul | Prim::Div | Prim::Rem => of(0) == r && of(1) == r,
        Prim::Neg => of(0) == r,
        Prim::Not => of(0) == r && integer(r),
        Prim::Shl | Prim::Shr | Prim::ShrLogical => of(0) == r && integer(r) && integer(of(1)),
        Prim::Eq | Prim::Lt => of(0) == of(1) && r == Elem::Bits(1),
        Prim::Select => of(0) == Elem::Bits(1) && of(1) == r && of(2) == r,
        Prim::Sqrt | Prim::Exp | Prim::Ln => of(0) == Elem::Fix && r == Elem::Fix,
        Prim::Cast if of(0) == Elem::Fix => matches!(r, Elem::Fix | Elem::Ring(_)),
        Prim::Cast => true,
        Prim::BitSlice { start, step } => match (of(0), r) {
            (Elem::Bits(m), Elem::Bits(width)) => {
                let last = i32::from(start) + i32::from(step) * (i32::from(width) - 1);
                start < m && (0..i32::from(m)).contains(&last)
            }
            _ => false,
        },
        Prim::Encode => of(0) == Elem::Fix && integer(of(1)) && ring(r),
        Prim::Decode => ring(of(0)) && integer(of(1)) && r == Elem::Fix,
    }
}
