//! What each operation means, on one element. Elements travel as their low bits in 128-bit words;
//! fixed point as its 128 signed bits.

use crate::LocalError;
use crate::fixed;
use crate::tensor::{Tensor, sign_extend, wide_mask};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use smpc_ir::size::floored;

/// Checks the types of an operation with the right number of arguments.
pub(super) fn check(prim: Prim, args: &[&Tensor], elem: Elem) -> Result<(), LocalError> {
    let of = |i: usize| args[i].elem();
    let integer = |e: Elem| matches!(e, Elem::Ring(_) | Elem::Bits(_));
    let ring = |e: Elem| matches!(e, Elem::Ring(_));
    let fits = match prim {
        Prim::Rem if matches!(elem, Elem::Field(_)) => false,
        Prim::Add | Prim::Sub | Prim::Mul | Prim::Div | Prim::Rem => of(0) == elem && of(1) == elem,
        Prim::Neg => of(0) == elem,
        Prim::Not => of(0) == elem && integer(elem),
        Prim::Shl | Prim::Shr | Prim::ShrLogical => of(0) == elem && integer(of(1)),
        Prim::Eq | Prim::Lt => of(0) == of(1) && elem == Elem::Bits(1),
        Prim::Select => of(0) == Elem::Bits(1) && of(1) == elem && of(2) == elem,
        Prim::Sqrt | Prim::Exp | Prim::Ln => of(0) == Elem::Fix && elem == Elem::Fix,
        Prim::Cast if of(0) == Elem::Fix => matches!(elem, Elem::Ring(_) | Elem::Fix),
        Prim::Cast => true,
        Prim::BitSlice { start, step } => match (of(0), elem) {
            (Elem::Bits(m), Elem::Bits(r)) => {
                let last = i32::from(start) + i32::from(step) * (i32::from(r) - 1);
                start < m && (0..i32::from(m)).contains(&last)
            }
            _ => false,
        },
        Prim::Encode => of(0) == Elem::Fix && integer(of(1)) && ring(elem),
        Prim::Decode => ring(of(0)) && integer(of(1)) && elem == Elem::Fix,
    };
    if fits {
        Ok(())
    } else {
        Err(LocalError::Mismatch("element types of an operation"))
    }
}

fn integer(raw: u128, elem: Elem) -> i128 {
    match elem {
        Elem::Ring(k) => sign_extend(raw, k),
        Elem::Field(p) => p.signed(raw),
        Elem::Bits(_) | Elem::Fix => raw.cast_signed(),
    }
}

/// A signed integer that must lie in the ring's signed range.
fn into_ring(value: Option<i128>, elem: Elem, what: &'static str) -> Result<u128, LocalError> {
    match value {
        Some(v) if integer(v.cast_unsigned(), elem) == v => Ok(v.cast_unsigned()),
        _ => Err(LocalError::Range(what)),
    }
}

/// The result's low bits, not yet reduced; in a field its residue. The types were checked.
pub(super) fn compute(
    prim: Prim,
    raw: [u128; 3],
    elems: [Elem; 3],
    elem: Elem,
) -> Result<u128, LocalError> {
    let [a, b, c] = raw;
    let (x, y) = (integer(a, elems[0]), integer(b, elems[1]));
    let fixed_point = |value: Result<i128, LocalError>| value.map(i128::cast_unsigned);
    let checked = |value: Option<i128>, what| {
        value
            .map(i128::cast_unsigned)
            .ok_or(LocalError::Range(what))
    };
    match (prim, elem) {
        (Prim::Add, Elem::Ring(_)) => Ok(a.wrapping_add(b)),
        (Prim::Sub, Elem::Ring(_)) => Ok(a.wrapping_sub(b)),
        (Prim::Mul, Elem::Ring(_)) => Ok(a.wrapping_mul(b)),
        (Prim::Neg, Elem::Ring(_)) => Ok(a.wrapping_neg()),
        (Prim::Add | Prim::Sub, Elem::Bits(_)) => Ok(a ^ b),
        (Prim::Mul, Elem::Bits(_)) => Ok(a & b),
        (Prim::Neg, Elem::Bits(_)) => Ok(a),
        (Prim::Add, Elem::Field(p)) => Ok(p.add(a, b)),
        (Prim::Sub, Elem::Field(p)) => Ok(p.sub(a, b)),
        (Prim::Mul, Elem::Field(p)) => Ok(p.mul(a, b)),
        (Prim::Neg, Elem::Field(p)) => Ok(p.neg(a)),
        (Prim::Div, Elem::Field(p)) => {
            let inverse = p.inverse(b).ok_or(LocalError::DivisionByZero)?;
            Ok(p.mul(a, inverse))
        }
        (Prim::Add, Elem::Fix) => checked(x.checked_add(y), "a sum"),
        (Prim::Sub, Elem::Fix) => checked(x.checked_sub(y), "a difference"),
        (Prim::Mul, Elem::Fix) => fixed_point(fixed::mul(x, y)),
        (Prim::Neg, Elem::Fix) => checked(x.checked_neg(), "a negation"),
        (Prim::Not, _) => Ok(!a),
        (Prim::Shl | Prim::Shr | Prim::ShrLogical, _) => shift(prim, a, y, elem),
        (Prim::Eq, _) => Ok(u128::from(a == b)),
        (Prim::Lt, _) => Ok(u128::from(match elems[0] {
            Elem::Bits(_) => a < b,
            Elem::Ring(_) | Elem::Field(_) | Elem::Fix => x < y,
        })),
        (Prim::Div | Prim::Rem, _) if b == 0 => Err(LocalError::DivisionByZero),
        (Prim::Div, Elem::Fix) => fixed_point(fixed::div(x, y)),
        (Prim::Div, Elem::Bits(_)) => Ok(a / b),
        (Prim::Rem, Elem::Bits(_)) => Ok(a % b),
        // The only quotient that overflows is the least integer by -1, which is itself again.
        (Prim::Div, Elem::Ring(_)) => Ok(floored(x, y).map_or(x, |(q, _)| q).cast_unsigned()),
        (Prim::Rem, _) => Ok(floored(x, y).map_or(0, |(_, rest)| rest).cast_unsigned()),
        (Prim::Select, _) => Ok(if a & 1 == 1 { b } else { c }),
        (Prim::Sqrt, _) => fixed_point(fixed::sqrt(x)),
        (Prim::Exp, _) => fixed_point(fixed::exp(x)),
        (Prim::Ln, _) => fixed_point(fixed::ln(x)),
        (Prim::Cast, _) => cast(a, elems[0], elem),
        (Prim::BitSlice { start, step }, _) => Ok((0..elem.wire_bits()).fold(0, |r, j| {
            let from = i32::from(start) + i32::from(j) * i32::from(step);
            r | (a >> from & 1) << j
        })),
        (Prim::Encode, _) => into_ring(fixed::scale_up(x, y), elem, "an encoding as fixed point"),
        (Prim::Decode, _) => checked(fixed::scale_down(x, y), "a conversion to fixed point"),
    }
}

fn shift(prim: Prim, a: u128, amount: i128, elem: Elem) -> Result<u128, LocalError> {
    if amount < 0 {
        return Err(LocalError::NegativeShift);
    }
    let by = u32::try_from(amount).unwrap_or(u32::MAX);
    let width = u32::from(elem.wire_bits());
    let signed = match elem {
        Elem::Fix => a.cast_signed(),
        Elem::Ring(k) | Elem::Bits(k) => sign_extend(a, k),
        Elem::Field(p) => p.signed(a),
    };
    Ok(match prim {
        Prim::Shl if elem == Elem::Fix => {
            let shifted = if by < 128 { signed << by } else { 0 };
            if (by >= 128 && signed != 0) || (by < 128 && shifted >> by != signed) {
                return Err(LocalError::Range("a shift"));
            }
            shifted.cast_unsigned()
        }
        Prim::Shl if by < width => a << by,
        Prim::Shr => (signed >> by.min(width - 1)).cast_unsigned(),
        Prim::ShrLogical if by < width => (a & wide_mask(elem.wire_bits())) >> by,
        _ => 0,
    })
}

fn cast(a: u128, from: Elem, to: Elem) -> Result<u128, LocalError> {
    match (from, to) {
        (Elem::Fix, Elem::Fix) => Ok(a),
        (Elem::Fix, _) => into_ring(
            Some(a.cast_signed() >> 64),
            to,
            "a conversion of fixed point to an integer",
        ),
        (Elem::Bits(_), Elem::Fix) if a >> 63 != 0 => {
            Err(LocalError::Range("a conversion to fixed point"))
        }
        (_, Elem::Fix) => fixed::from_integer(integer(a, from)).map(i128::cast_unsigned),
        (Elem::Bits(_), Elem::Field(p)) => Ok(p.reduce(a)),
        (_, Elem::Field(p)) => Ok(p.residue(integer(a, from))),
        (Elem::Ring(_) | Elem::Field(_), Elem::Ring(_)) => Ok(integer(a, from).cast_unsigned()),
        (_, _) => Ok(a),
    }
}
