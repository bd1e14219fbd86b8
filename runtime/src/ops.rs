//! Local operations under short names, for compiled programs. Types and shapes of results follow
//! from the arguments where they can.

use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use smpc_ir::size::{SizeError, floored};

use crate::tensor::{Data, Tensor};
use crate::{LocalError, elementwise};

pub use crate::layout::{
    concat, gather, inverse_permutation, pack, scatter, slice, sum, transpose, unpack,
};
pub use crate::product::matrix as matmul;

type Result<T> = std::result::Result<T, LocalError>;

/// Lengths of axes from values of sizes.
///
/// # Errors
/// A negative length.
pub fn shape(dims: &[i128]) -> Result<Vec<usize>> {
    let length = |d: &i128| usize::try_from(*d).map_err(|_| LocalError::Range("a dimension"));
    dims.iter().map(length).collect()
}

/// The shape that element-wise arguments have together.
///
/// # Errors
/// Two arguments have axes of lengths that do not fit.
pub(crate) fn common_shape<'a>(
    shapes: impl Iterator<Item = &'a [usize]> + Clone,
) -> Result<Vec<usize>> {
    let rank = shapes.clone().map(<[usize]>::len).max().unwrap_or(0);
    let mut common = vec![1; rank];
    for shape in shapes.filter(|shape| shape.len() == rank) {
        for (length, own) in common.iter_mut().zip(shape) {
            if *length == 1 {
                *length = *own;
            } else if *own != 1 && own != length {
                return Err(LocalError::Mismatch("shapes of element-wise arguments"));
            }
        }
    }
    Ok(common)
}

fn prim(prim: Prim, args: &[&Tensor], elem: Elem) -> Result<Tensor> {
    let shape = common_shape(args.iter().map(|a| a.shape()))?;
    elementwise::apply(prim, args, elem, &shape)
}

macro_rules! same_type {
    ($($name:ident $prim:ident ($($arg:ident),*) $typed:ident $doc:literal;)*) => {$(
        #[doc = $doc]
        ///
        /// # Errors
        /// Types or shapes do not fit, or the values do not allow it.
        pub fn $name($($arg: &Tensor),*) -> Result<Tensor> {
            prim(Prim::$prim, &[$($arg),*], $typed.elem())
        }
    )*};
}

same_type! {
    add Add (a, b) a "Sum; XOR on bits.";
    sub Sub (a, b) a "Difference; XOR on bits.";
    mul Mul (a, b) a "Product; AND on bits.";
    div Div (a, b) a "Quotient.";
    rem Rem (a, b) a "Remainder, with the sign of the divisor.";
    neg Neg (a) a "Negation.";
    not Not (a) a "Complement of every bit.";
    shl Shl (a, b) a "Left shift of a by b.";
    shr Shr (a, b) a "Arithmetic right shift of a by b.";
    shr_logical ShrLogical (a, b) a "Logical right shift of a by b.";
    select Select (c, a, b) a "a where c is 1, else b.";
    sqrt Sqrt (a) a "Square root.";
    exp Exp (a) a "e^a.";
    ln Ln (a) a "Natural logarithm.";
}

/// Whether elements are equal, as bits.
///
/// # Errors
/// Types or shapes do not fit.
pub fn eq(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    prim(Prim::Eq, &[a, b], Elem::Bits(1))
}

/// Whether elements of a are below those of b, as bits.
///
/// # Errors
/// Types or shapes do not fit.
pub fn lt(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    prim(Prim::Lt, &[a, b], Elem::Bits(1))
}

/// Conversion to another element type.
///
/// # Errors
/// There is no such conversion.
pub fn cast(a: &Tensor, elem: Elem) -> Result<Tensor> {
    prim(Prim::Cast, &[a], elem)
}

/// Bits `start`, `start + step`, …, as many as the result's type has.
///
/// # Errors
/// Types do not fit.
pub fn bit_slice(a: &Tensor, start: u8, step: i8, elem: Elem) -> Result<Tensor> {
    prim(Prim::BitSlice { start, step }, &[a], elem)
}

/// Fixed point to a ring, times 2^fraction.
///
/// # Errors
/// A value beyond the ring.
pub fn encode(a: &Tensor, fraction: &Tensor, elem: Elem) -> Result<Tensor> {
    prim(Prim::Encode, &[a, fraction], elem)
}

/// A ring's elements to fixed point, divided by 2^fraction.
///
/// # Errors
/// Types or shapes do not fit.
pub fn decode(a: &Tensor, fraction: &Tensor) -> Result<Tensor> {
    prim(Prim::Decode, &[a, fraction], Elem::Fix)
}

/// Every element is `value`.
///
/// # Errors
/// The shape is too large.
pub fn constant(elem: Elem, dims: &[i128], value: i128) -> Result<Tensor> {
    Tensor::constant(elem, &shape(dims)?, value)
}

/// One element.
///
/// # Errors
/// None for a known element type.
pub fn scalar(elem: Elem, value: i128) -> Result<Tensor> {
    Tensor::constant(elem, &[], value)
}

/// These elements.
///
/// # Errors
/// Their number is not the shape's.
pub fn data(elem: Elem, dims: &[i128], values: &[i128]) -> Result<Tensor> {
    Tensor::from_i128s(elem, &shape(dims)?, values)
}

/// 0, 1, …, n - 1.
///
/// # Errors
/// Too many.
pub fn iota(elem: Elem, n: i128) -> Result<Tensor> {
    let unit = if elem == Elem::Fix { 1 << 64 } else { 1 };
    progression(elem, 0, unit, n)
}

/// `n` elements from `first` on, each `step` more than the one before, modulo the type; as in [`data`], those of clear fixed
/// point in units of 2^-64.
///
/// # Errors
/// Too many.
pub fn progression(elem: Elem, first: i128, step: i128, n: i128) -> Result<Tensor> {
    let dims = shape(&[n])?;
    // Elements are made as wide integers first.
    crate::memory::room(Elem::Fix, &dims)?;
    let element = |i: i128| first.wrapping_add(i.wrapping_mul(step));
    let values: Vec<i128> = (0..n).map(element).collect();
    Tensor::from_i128s(elem, &dims, &values)
}

/// The same elements in another shape.
///
/// # Errors
/// The numbers of elements differ.
pub fn reshape(a: &Tensor, dims: &[i128]) -> Result<Tensor> {
    a.clone().reshaped(&shape(dims)?)
}

/// Repeats along axes of length 1; a scalar everywhere.
///
/// # Errors
/// The shapes do not fit.
pub fn broadcast(a: &Tensor, dims: &[i128]) -> Result<Tensor> {
    crate::layout::broadcast(a, &shape(dims)?)
}

/// The digest of tensors: two words of `Bits(128)`.
///
/// # Errors
/// None that its inputs can cause.
pub fn digest(args: &[&Tensor]) -> Result<Tensor> {
    crate::digest::digest(args)
}

/// Uniform elements from a seed.
///
/// # Errors
/// A dimension is negative or the shape too large.
pub fn expand(seed: &Tensor, elem: Elem, dims: &[i128]) -> Result<Tensor> {
    crate::digest::expand(seed, elem, &shape(dims)?)
}

/// `max(0, -ceil(log2(max |a|)))` of clear fixed point, a scalar of `Ring(64)`; 64, the most
/// there are, if a is all zero: the extra fraction bits that keep a small public factor's precision.
///
/// # Errors
/// `a` is not of fixed point.
pub fn fraction_bits(a: &Tensor) -> Result<Tensor> {
    let Data::Fixed(values) = a.data() else {
        return Err(LocalError::Mismatch("fraction bits are of fixed point"));
    };
    let largest = values.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
    // ceil(log2(v / 2^64)) is the bit length of v - 1, less 64.
    let bits = match largest {
        0 => 64,
        v => (64 - (128 - i128::from((v - 1).leading_zeros()))).max(0),
    };
    Tensor::constant(Elem::Ring(64), &[], bits)
}

/// Sum of sizes, of which some may be large.
///
/// # Errors
/// It is beyond 128 bits.
pub fn total(terms: &[i128]) -> Result<i128> {
    let sum = terms
        .iter()
        .try_fold(0i128, |sum, term| sum.checked_add(*term));
    sum.ok_or(LocalError::Size(SizeError::Overflow))
}

/// Product of sizes, of which some may be large.
///
/// # Errors
/// It is beyond 128 bits.
pub fn product(factors: &[i128]) -> Result<i128> {
    let product = factors
        .iter()
        .try_fold(1i128, |product, factor| product.checked_mul(*factor));
    product.ok_or(LocalError::Size(SizeError::Overflow))
}

/// Quotient of sizes, rounded down.
///
/// # Errors
/// The divisor is 0, or the quotient beyond 128 bits.
pub fn floor_div(a: i128, b: i128) -> Result<i128> {
    let divided = floored(a, b).map(|(quotient, _)| quotient);
    divided.ok_or(match b {
        0 => LocalError::DivisionByZero,
        _ => LocalError::Size(SizeError::Overflow),
    })
}

/// Quotient of sizes, rounded up.
///
/// # Errors
/// As of [`floor_div`].
pub fn ceil_div(a: i128, b: i128) -> Result<i128> {
    Ok(floor_div(a, b)? + i128::from(modulo(a, b)? != 0))
}

/// Remainder of sizes, with the sign of the divisor.
///
/// # Errors
/// The divisor is 0.
pub fn modulo(a: i128, b: i128) -> Result<i128> {
    if b == 0 {
        return Err(LocalError::DivisionByZero);
    }
    // None by -1 only, which leaves nothing.
    Ok(floored(a, b).map_or(0, |(_, rest)| rest))
}

/// The smaller of two sizes.
pub fn smaller(a: i128, b: i128) -> i128 {
    a.min(b)
}

/// The larger of two sizes.
pub fn larger(a: i128, b: i128) -> i128 {
    a.max(b)
}

/// Levels of a tree of so many leaves.
pub fn log2_ceil(n: i128) -> i128 {
    if n <= 1 {
        0
    } else {
        128 - i128::from((n - 1).leading_zeros())
    }
}

/// Which of so many arms a public scalar picks.
///
/// # Errors
/// None of them.
pub fn arm(index: &Tensor, arms: usize) -> Result<usize> {
    let index = index
        .scalar()
        .ok_or(LocalError::Mismatch("control is by a scalar"))?;
    let at = usize::try_from(index).ok().filter(|at| *at < arms);
    at.ok_or(LocalError::Index {
        index,
        length: arms,
    })
}

/// Whether a public scalar is not 0.
///
/// # Errors
/// It is no scalar.
pub fn truth(condition: &Tensor) -> Result<bool> {
    let scalar = condition.scalar();
    let value = scalar.ok_or(LocalError::Mismatch("control is by a scalar"))?;
    Ok(value != 0)
}

/// An input of this party, of its declared type and shape.
///
/// # Errors
/// It is missing or of another type or shape.
pub fn input(
    given: Option<&Tensor>,
    name: &str,
    elem: Elem,
    dims: &[i128],
) -> std::result::Result<Tensor, crate::endpoint::Failure> {
    use crate::endpoint::Failure;
    let dims = shape(dims)?;
    let given = given.ok_or_else(|| Failure::setup(format!("input `{name}` is missing")))?;
    if given.shape() != dims || given.elem() != elem {
        let found = given.shape();
        let message = format!("input `{name}` has shape {found:?}, not {dims:?}");
        return Err(Failure::setup(message));
    }
    Ok(given.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_common_shape() {
        let ring = Elem::Ring(64);
        let column = data(ring, &[2, 1], &[10, 20]).unwrap();
        let row = data(ring, &[1, 3], &[1, 2, 3]).unwrap();
        let sum = add(&column, &row).unwrap();
        assert_eq!(sum.shape(), [2, 3]);
        assert_eq!(sum.to_i128s(), [11, 12, 13, 21, 22, 23]);
        let below = lt(&sum, &constant(ring, &[], 13).unwrap()).unwrap();
        assert_eq!(below.to_i128s(), [1, 1, 0, 0, 0, 0]);
        assert!(shape(&[-1]).is_err());
        // No machine has 2^39 elements of 64 bits, and an error is all that comes of it.
        assert_eq!(iota(ring, 1 << 39), Err(LocalError::TooLarge));
        assert_eq!(
            constant(ring, &[1 << 20, 1 << 19], 0),
            Err(LocalError::TooLarge)
        );
        let row = constant(ring, &[1, 1 << 10], 1).unwrap();
        assert_eq!(
            broadcast(&row, &[1 << 29, 1 << 10]),
            Err(LocalError::TooLarge)
        );
        let column = constant(ring, &[1 << 20, 1], 1).unwrap();
        let wide = reshape(&column, &[1, 1 << 20]).unwrap();
        assert_eq!(matmul(&column, &wide), Err(LocalError::TooLarge));
        assert_eq!(add(&column, &wide), Err(LocalError::TooLarge));
        assert_eq!(iota(ring, 3).unwrap().to_i128s(), [0, 1, 2]);
        let down = progression(ring, 3, -2, 4).unwrap();
        assert_eq!(down, data(ring, &[4], &[3, 1, -1, -3]).unwrap());
        assert_eq!(progression(ring, 0, 2, 1 << 39), Err(LocalError::TooLarge));
        assert_eq!(
            arm(&constant(ring, &[], 2).unwrap(), 2),
            Err(LocalError::Index {
                index: 2,
                length: 2
            })
        );
    }
}
