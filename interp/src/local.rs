//! Local operations on tensors: each operation of [`smpc_ir::local`] in the runtime's kernels.

use smpc_ir::local::Local;
use smpc_ir::party::Elem;
use smpc_ir::{Size, SizeError};
pub use smpc_runtime::LocalError;
pub use smpc_runtime::ops::fraction_bits;
use smpc_runtime::tensor::Tensor;
use smpc_runtime::{digest, elementwise, layout, product};

/// The result of an operation: elements of type `elem`, of shape `shape`. Sizes are evaluated by
/// `sizes`.
///
/// # Errors
/// The values do not allow it (an index out of range, a division by zero, …), a size has no
/// value, or arguments, type and shape do not fit each other.
pub fn apply(
    op: &Local,
    args: &[&Tensor],
    elem: Elem,
    shape: &[usize],
    sizes: &dyn Fn(&Size) -> Result<i128, SizeError>,
) -> Result<Tensor, LocalError> {
    let result = match (op, args) {
        (Local::Constant(value), []) => Tensor::constant(elem, shape, *value)?,
        (Local::Data(values), []) => Tensor::from_i128s(elem, shape, values)?,
        (Local::Size(size), []) => Tensor::constant(elem, shape, sizes(size)?)?,
        (Local::Iota, []) => iota(elem, shape)?,
        (Local::Prim(prim), _) => elementwise::apply(*prim, args, elem, shape)?,
        (Local::MatMul, [a, b]) => product::matrix(a, b)?,
        (Local::Reshape, [a]) => (*a).clone().reshaped(shape)?,
        (Local::Broadcast, [a]) => layout::broadcast(a, shape)?,
        (Local::Transpose { axes }, [a]) => layout::transpose(a, axes)?,
        (Local::Slice { axis, start, end }, [a]) => {
            layout::slice(a, (*axis).into(), sizes(start)?, sizes(end)?)?
        }
        (Local::Concat { axis }, _) => layout::concat(args, (*axis).into())?,
        (Local::Gather, [a, b]) => layout::gather(a, b)?,
        (Local::Scatter, [a, b, c]) => layout::scatter(a, b, c)?,
        (Local::InversePermutation, [a]) => layout::inverse_permutation(a)?,
        (Local::Sum { axis }, [a]) => layout::sum(a, (*axis).into())?,
        (Local::Digest, _) => digest::digest(args)?,
        (Local::Expand, [seed]) => digest::expand(seed, elem, shape)?,
        (Local::Unpack, [a]) => layout::unpack(a)?,
        (Local::Pack, [a]) => layout::pack(a)?,
        _ => return Err(LocalError::Mismatch("number of arguments")),
    };
    declared(result, elem, shape)
}

/// A matrix product of operands whose last two axes may count as exchanged.
pub(crate) fn product(
    a: &Tensor,
    a_turned: bool,
    b: &Tensor,
    b_turned: bool,
    elem: Elem,
    shape: &[usize],
) -> Result<Tensor, LocalError> {
    declared(product::matrix_of(a, a_turned, b, b_turned)?, elem, shape)
}

fn declared(result: Tensor, elem: Elem, shape: &[usize]) -> Result<Tensor, LocalError> {
    if result.elem() == elem && result.shape() == shape {
        Ok(result)
    } else {
        Err(LocalError::Mismatch(
            "a result is not of its declared type and shape",
        ))
    }
}

fn iota(elem: Elem, shape: &[usize]) -> Result<Tensor, LocalError> {
    let [n] = *shape else {
        return Err(LocalError::Mismatch("an index range has one axis"));
    };
    smpc_runtime::ops::iota(elem, n as i128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smpc_ir::local::Prim;

    const INT: Elem = Elem::Ring(64);

    fn run(
        op: &Local,
        args: &[&Tensor],
        elem: Elem,
        shape: &[usize],
    ) -> Result<Tensor, LocalError> {
        apply(op, args, elem, shape, &|size| size.evaluate(&|_| None))
    }

    fn ints(shape: &[usize], values: &[i128]) -> Tensor {
        Tensor::from_i128s(INT, shape, values).unwrap()
    }

    #[test]
    fn every_operation_gives_its_declared_shape() {
        let a = ints(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let check = |op: Local, args: &[&Tensor], shape: &[usize], values: &[i128]| {
            assert_eq!(
                run(&op, args, INT, shape),
                Ok(ints(shape, values)),
                "{op:?}"
            );
        };
        check(Local::Constant(-1), &[], &[2], &[-1, -1]);
        check(Local::Data([7, 8].into()), &[], &[2], &[7, 8]);
        check(Local::Size(Size::from(9)), &[], &[], &[9]);
        check(Local::Iota, &[], &[3], &[0, 1, 2]);
        check(
            Local::Prim(Prim::Neg),
            &[&a],
            &[2, 3],
            &[-1, -2, -3, -4, -5, -6],
        );
        check(Local::Reshape, &[&a], &[3, 2], &[1, 2, 3, 4, 5, 6]);
        check(
            Local::Transpose { axes: vec![1, 0] },
            &[&a],
            &[3, 2],
            &[1, 4, 2, 5, 3, 6],
        );
        check(Local::Broadcast, &[&ints(&[], &[5])], &[2], &[5, 5]);
        let ends = (Size::one(), Size::from(3));
        let slice = Local::Slice {
            axis: 1,
            start: ends.0,
            end: ends.1,
        };
        check(slice, &[&a], &[2, 2], &[2, 3, 5, 6]);
        check(
            Local::Concat { axis: 0 },
            &[&a, &a],
            &[4, 3],
            &[1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
        );
        check(Local::Gather, &[&a, &ints(&[], &[1])], &[3], &[4, 5, 6]);
        check(
            Local::Scatter,
            &[&a, &ints(&[1, 3], &[7, 8, 9]), &ints(&[1], &[0])],
            &[2, 3],
            &[7, 8, 9, 4, 5, 6],
        );
        check(
            Local::InversePermutation,
            &[&ints(&[3], &[1, 2, 0])],
            &[3],
            &[2, 0, 1],
        );
        check(Local::Sum { axis: 0 }, &[&a], &[3], &[5, 7, 9]);
        check(
            Local::MatMul,
            &[&a, &ints(&[3, 1], &[1, 0, 2])],
            &[2, 1],
            &[7, 16],
        );
        let bits = run(
            &Local::Prim(Prim::Cast),
            &[&ints(&[1], &[5])],
            Elem::Bits(4),
            &[1],
        )
        .unwrap();
        let unpacked = run(&Local::Unpack, &[&bits], Elem::Bits(1), &[1, 4]).unwrap();
        assert_eq!(unpacked.to_i128s(), [1, 0, 1, 0]);
        assert_eq!(
            run(&Local::Pack, &[&unpacked], Elem::Bits(4), &[1]),
            Ok(bits)
        );
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let a = ints(&[2], &[1, 2]);
        assert!(run(&Local::Reshape, &[&a], INT, &[3]).is_err());
        assert!(run(&Local::Iota, &[], INT, &[2, 2]).is_err());
        assert!(run(&Local::Gather, &[&a], INT, &[2]).is_err());
        assert!(run(&Local::Sum { axis: 0 }, &[&a], Elem::Ring(32), &[]).is_err());
        let unbound = Local::Size(Size::from(smpc_ir::SizeVar(0)));
        assert!(matches!(
            run(&unbound, &[], INT, &[]),
            Err(LocalError::Size(_))
        ));
    }

    #[test]
    fn fraction_bits_of_small_factors() {
        let bits = |v: i128| {
            let t = Tensor::constant(Elem::Fix, &[1], v).unwrap();
            fraction_bits(&t).unwrap().scalar().unwrap()
        };
        let one = 1i128 << 64;
        assert_eq!(
            [bits(0), bits(one), bits(9 * one), bits(-one / 2)],
            [64, 0, 0, 1]
        );
        // 7.4e-6 lies between 2^-18 and 2^-17.
        assert_eq!([bits(one / 135_135), bits(1), bits(-1)], [17, 64, 64]);
    }
}
