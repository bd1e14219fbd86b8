//! Elements of fields: arithmetic, and what becomes of integers and bits and back.

use super::{Many, map, zip, zip_bits};
use crate::field::{self, Field, Narrow};
use crate::tensor::{Data, Tensor, mask, split};
use smpc_ir::field::Prime;
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;

/// Sums, differences, products and negatives; `None` where operands are stored in another way.
pub(super) fn arithmetic(prim: Prim, args: &[&Tensor], p: Prime, n: usize) -> Option<Data> {
    let (first, rest) = args.split_first()?;
    match (first.data(), rest) {
        (Data::Words(a), []) => field::in_words!(p, f => words(f, prim, a, None, n)),
        (Data::Words(a), [b]) => {
            let b = Some(b.words()?);
            field::in_words!(p, f => words(f, prim, a, b, n))
        }
        (Data::Wide(a), []) if matches!(first.elem(), Elem::Field(_)) => {
            of(field::wide(p), prim, a, None, n).map(Data::Wide)
        }
        (Data::Wide(a), [b]) => match b.data() {
            Data::Wide(b) => of(field::wide(p), prim, a, Some(b), n).map(Data::Wide),
            _ => None,
        },
        _ => None,
    }
}

/// On single words, several at once where the CPU can.
fn words<F: Narrow>(field: F, prim: Prim, a: &[u64], b: Option<&[u64]>, n: usize) -> Option<Data> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2.
        return unsafe { with_avx2(field, prim, a, b, n) }.map(Data::Words);
    }
    of(field, prim, a, b, n).map(Data::Words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<F: Narrow>(
    field: F,
    prim: Prim,
    a: &[u64],
    b: Option<&[u64]>,
    n: usize,
) -> Option<Vec<u64>> {
    of(field, prim, a, b, n)
}

#[inline(always)]
fn of<F: Field>(
    field: F,
    prim: Prim,
    a: &[F::Word],
    b: Option<&[F::Word]>,
    n: usize,
) -> Option<Vec<F::Word>> {
    let a = Many::of(a, n)?;
    let Some(b) = b else {
        let zero = Many::All(F::Word::default());
        return (prim == Prim::Neg).then(|| zip(zero, a, n, |zero, x| field.sub(zero, x)));
    };
    let b = Many::of(b, n)?;
    Some(match prim {
        Prim::Add => zip(a, b, n, |x, y| field.add(x, y)),
        Prim::Sub => zip(a, b, n, |x, y| field.sub(x, y)),
        Prim::Mul => zip(a, b, n, |x, y| field.mul(x, y)),
        _ => return None,
    })
}

/// Residues of integers of at most 64 bits, signed ones of a ring; `None` of others.
pub(super) fn from_integers(a: &Data, from: Elem, p: Prime, n: usize) -> Option<Data> {
    if p.bits() > 64 {
        return None;
    }
    match (a, from) {
        // Every field has a 0 and a 1.
        (Data::Packed(a), Elem::Bits(1)) => Some(Data::Words(split(a, 1, n))),
        (Data::Words(a), Elem::Bits(m)) if 1 << m <= p.modulus() => {
            Some(Data::Words(map(a, |x| x)))
        }
        (Data::Words(a), Elem::Bits(_)) => Some(Data::Words(
            field::in_words!(p, f => map(a, |x| f.reduce(x))),
        )),
        (Data::Words(a), Elem::Ring(k)) => {
            // Read without a sign, a negative number is 2^k too large.
            let (sign, excess) = (u32::from(k) - 1, p.reduce(1 << k) as u64);
            let over = |x: u64| excess & (x >> sign & 1).wrapping_neg();
            Some(Data::Words(
                field::in_words!(p, f => map(a, |x| f.sub(f.reduce(x), over(x)))),
            ))
        }
        _ => None,
    }
}

/// The representatives nearest 0 in a ring, and the residues themselves as bits, of at most 64 bits each; `None` in
/// others.
pub(super) fn to_integers(a: &Data, from: Elem, to: Elem, n: usize) -> Option<Data> {
    let (Data::Words(a), Elem::Field(p)) = (a, from) else {
        return None;
    };
    match to {
        Elem::Bits(1) => {
            let (residues, one) = (Many::Each(a.as_slice()), Many::All(1));
            let low = |x: u64, one: u64| x & one == 1;
            Some(Data::Packed(zip_bits(residues, one, n, low)))
        }
        Elem::Bits(m @ ..=64) => Some(Data::Words(map(a, |x| x & mask(m)))),
        Elem::Ring(k @ ..=64) => {
            let (modulus, mask) = (p.modulus() as u64, mask(k));
            // Nothing is negative in the field of two.
            let half = if modulus > 2 { modulus / 2 } else { 1 };
            Some(Data::Words(map(a, |x| {
                let above = (half.wrapping_sub(x).cast_signed() >> 63).cast_unsigned();
                x.wrapping_sub(modulus & above) & mask
            })))
        }
        _ => None,
    }
}
