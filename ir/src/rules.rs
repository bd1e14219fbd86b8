//! Shape rules of local operations, for the validators of both representations.

use crate::local::Local;
use crate::size::Size;

type Rule = Result<(), &'static str>;

fn holds(ok: bool, rule: &'static str) -> Rule {
    if ok { Ok(()) } else { Err(rule) }
}

/// Checks the number of arguments and every shape of one local operation.
///
/// # Errors
/// The rule that is broken, in words.
pub fn shapes(op: &Local, args: &[&[Size]], result: &[Size]) -> Rule {
    let arity = match op {
        Local::Constant(_) | Local::Data(_) | Local::Size(_) | Local::Iota => 0,
        Local::Prim(prim) => prim.arity(),
        Local::MatMul | Local::Gather => 2,
        Local::Scatter => 3,
        Local::Concat { .. } | Local::Digest => args.len().max(1),
        _ => 1,
    };
    holds(
        args.len() == arity,
        "an operation has its number of arguments",
    )?;
    match op {
        Local::Constant(_) => Ok(()),
        Local::Data(values) => {
            let count = elements(result).as_constant();
            let length = i128::try_from(values.len()).ok();
            holds(
                count.is_some() && count == length,
                "a literal has its number of elements",
            )
        }
        Local::Size(_) => holds(result.is_empty(), "a size is a scalar"),
        Local::Iota => holds(result.len() == 1, "an index range has one axis"),
        Local::Prim(_) => elementwise(args, result),
        Local::MatMul => product(args[0], args[1], result),
        Local::Reshape => holds(
            elements(args[0]) == elements(result),
            "a reshape keeps the number of elements",
        ),
        Local::Broadcast => holds(
            fits(args[0], result),
            "a broadcast repeats axes of length 1",
        ),
        Local::Transpose { axes } => holds(
            permutes(axes, args[0], result),
            "a transpose permutes the axes",
        ),
        Local::Slice { axis, start, end } => {
            let length = end - start;
            holds(
                replaced(args[0], *axis, &length).as_deref() == Some(result),
                "a slice changes the length of one axis",
            )
        }
        Local::Concat { axis } => {
            let at = usize::from(*axis);
            let mut total = Size::zero();
            for arg in args {
                let alike = arg.len() == result.len()
                    && arg
                        .iter()
                        .zip(result)
                        .enumerate()
                        .all(|(i, (a, r))| i == at || a == r);
                holds(
                    alike && at < arg.len(),
                    "joined tensors agree but for one axis",
                )?;
                total = &total + &arg[at];
            }
            holds(
                result.get(at) == Some(&total),
                "a join is as long as its parts",
            )
        }
        Local::Gather => match args[0].split_first() {
            Some((_, row)) => holds(
                result.len() == args[1].len() + row.len()
                    && result.starts_with(args[1])
                    && result.ends_with(row),
                "a gather has the shape of its indices, then of a row",
            ),
            None => holds(false, "a gather is from a tensor"),
        },
        Local::Scatter => match (args[0].split_first(), args[1].split_first()) {
            (Some((_, row)), Some((count, other))) => holds(
                row == other && args[2] == [count.clone()] && args[0] == result,
                "a scatter puts rows into a tensor",
            ),
            _ => holds(false, "a scatter is of tensors"),
        },
        Local::InversePermutation => holds(
            result.len() == 1 && args[0] == result,
            "a permutation has one axis",
        ),
        Local::Sum { axis } => {
            let mut rest = args[0].to_vec();
            let at = usize::from(*axis);
            holds(at < rest.len(), "a sum is over an axis")?;
            rest.remove(at);
            holds(rest == result, "a sum drops an axis")
        }
        Local::Digest => holds(
            matches!(result, [words] if *words == Size::from(2)),
            "a digest has two words",
        ),
        Local::Expand => holds(args[0].is_empty(), "a seed is a scalar"),
        Local::Unpack => holds(
            result
                .split_last()
                .is_some_and(|(_, front)| front == args[0]),
            "unpacked bits are a last axis",
        ),
        Local::Pack => holds(
            args[0]
                .split_last()
                .is_some_and(|(_, front)| front == result),
            "packed bits were a last axis",
        ),
    }
}

fn elements(shape: &[Size]) -> Size {
    shape.iter().fold(Size::one(), |n, dim| &n * dim)
}

/// Whether a shape broadcasts to another.
fn fits(shape: &[Size], to: &[Size]) -> bool {
    shape.is_empty()
        || shape.len() == to.len()
            && shape
                .iter()
                .zip(to)
                .all(|(a, r)| a == r || *a == Size::one())
}

fn permutes(axes: &[u8], shape: &[Size], result: &[Size]) -> bool {
    let mut seen = vec![false; result.len()];
    axes.len() == result.len()
        && shape.len() == result.len()
        && axes.iter().zip(result).all(|(a, dim)| {
            let a = usize::from(*a);
            let fresh = seen.get_mut(a).is_some_and(|s| !std::mem::replace(s, true));
            fresh && shape[a] == *dim
        })
}

fn elementwise(args: &[&[Size]], result: &[Size]) -> Rule {
    holds(
        args.iter().all(|a| fits(a, result)),
        "element-wise shapes agree, or are broadcast",
    )?;
    let covered = result.iter().enumerate().all(|(i, dim)| {
        *dim == Size::one() || args.iter().any(|a| a.get(i).is_some_and(|own| own == dim))
    });
    holds(covered, "an element-wise result has its arguments' shape")
}

fn product(a: &[Size], b: &[Size], r: &[Size]) -> Rule {
    let rank = r.len();
    if rank < 2 || a.len() != rank || b.len() != rank {
        return Err("a matrix product is of tensors of one rank");
    }
    let batch = rank - 2;
    let fine = a[..batch] == b[..batch]
        && a[..batch] == r[..batch]
        && a[batch + 1] == b[batch]
        && r[batch] == a[batch]
        && r[batch + 1] == b[batch + 1];
    holds(
        fine,
        "a matrix product is [.., n, k] by [.., k, m] to [.., n, m]",
    )
}

fn replaced(shape: &[Size], axis: u8, length: &Size) -> Option<Vec<Size>> {
    let mut shape = shape.to_vec();
    *shape.get_mut(usize::from(axis))? = length.clone();
    Some(shape)
}
