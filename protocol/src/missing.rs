//! What a backend without a standard operation is told.

use crate::elem_name;
use smpc_ir::flat::{Owner, TruncMode, Want};

/// What a standard operation is called, and what would supply it.
pub(crate) fn describe(want: Want) -> (String, String) {
    let write = |text: &str| format!("write `protocol {text}` in the scheme's file");
    match want {
        Want::Share(elem, _) => (
            format!("`share` of {} for this owner", elem_name(elem)),
            write("share<D: party>(v: R @ D) -> x: S<R>"),
        ),
        Want::Reveal(elem, owner) => (
            match owner {
                Owner::Computing => format!("`reveal` of {}", elem_name(elem)),
                _ => format!("`reveal` of {} to one party", elem_name(elem)),
            },
            match owner {
                Owner::Computing => write("reveal(x: S<R>) -> v: R @ P"),
                _ => write("reveal<D: party>(x: S<R>) -> v: R @ D"),
            },
        ),
        Want::Mul(elem) => (
            format!("product of {}", elem_name(elem)),
            write("mul(x, y: S<R>) -> z: S<R>"),
        ),
        Want::Trunc(elem, mode) => (
            format!(
                "truncation of {} in mode {}",
                elem_name(elem),
                mode_name(mode)
            ),
            write("t(x: S<Z[2^k]>, f: int) -> z: S<Z[2^k]> realises trunc(x, f) mode one_unit"),
        ),
        Want::MulTrunc(elem, mode) => (
            format!(
                "fused product and truncation of {} in mode {}",
                elem_name(elem),
                mode_name(mode)
            ),
            write(
                "p(x, y: S<Z[2^k]>, f: int) -> z: S<Z[2^k]> realises trunc(x * y, f) mode one_unit",
            ),
        ),
        Want::ToBits(elem) => (
            format!("`to_bits` of {}", elem_name(elem)),
            write("to_bits(x: S<Z[2^k]>) -> b: S<Bits[k]>"),
        ),
        Want::Msb(elem) => (
            format!("sign of {}", elem_name(elem)),
            format!(
                "{}, or `to_bits`",
                write("msb(x: S<Z[2^k]>) -> b: S<Bits[1]>")
            ),
        ),
        Want::LessThan(elem) => (
            format!("comparison of {}", elem_name(elem)),
            format!(
                "{}, or `msb`, or `to_bits`",
                write("less_than(x, y: S<Z[2^k]>) -> b: S<Bits[1]>")
            ),
        ),
        Want::Equal(elem) => (
            format!("equality of {}", elem_name(elem)),
            format!(
                "{}, or `to_bits`",
                write("equal(x, y: S<Z[2^k]>) -> b: S<Bits[1]>")
            ),
        ),
        Want::AddBits(elem) => (
            format!("sum of integers in {}", elem_name(elem)),
            write("add_bits(x, y: S<Bits[k]>) -> z: S<Bits[k]>"),
        ),
        Want::LessBits(elem) => (
            format!("comparison of integers in {}", elem_name(elem)),
            write("less_bits(x, y: S<Bits[k]>) -> b: S<Bits[1]>"),
        ),
        Want::BitToRing(elem) => (
            format!("conversion of a bit to {}", elem_name(elem)),
            write("bit_to_ring<R>(b: S<Bits[1]>) -> z: S<R>"),
        ),
        Want::Shuffle(elem) => (
            format!("`shuffle` of {}", elem_name(elem)),
            write("shuffle<n>(x: [S<R>; n]) -> z: [S<R>; n]"),
        ),
    }
}

fn mode_name(mode: TruncMode) -> &'static str {
    match mode {
        TruncMode::Exact => "exact",
        TruncMode::OneUnit => "one_unit",
        TruncMode::Local => "local",
    }
}
