//! Operations that move elements and compute nothing, and sums over an axis.

use crate::LocalError;
use crate::field::{self, Field};
use crate::memory::room;
use crate::pool::{self, Pooled};
use crate::tensor::{Data, Tensor, append_bits, join, mask, split, wide_mask};
use smpc_ir::party::Elem;

const SHAPES: LocalError = LocalError::Mismatch("shapes of a layout operation");

/// Applies `f` to the elements, whatever their storage. Packed bits are unpacked and packed again.
macro_rules! map_elements {
    ($tensor:expr, $elem:expr, $shape:expr, |$slice:ident| $body:expr) => {{
        let tensor: &Tensor = $tensor;
        let data = match tensor.data() {
            Data::Packed(words) => {
                let $slice: &[u64] = &split(words, 1, tensor.elements());
                Data::Packed(join(&$body, 1))
            }
            Data::Words($slice) => Data::Words($body),
            Data::Wide($slice) => Data::Wide($body),
            Data::Fixed($slice) => Data::Fixed($body),
        };
        Tensor::raw($elem, $shape, data)
    }};
}

/// Repeats along axes of length 1; a scalar everywhere.
///
/// # Errors
/// The shapes do not fit, or the result is too large.
pub fn broadcast(a: &Tensor, shape: &[usize]) -> Result<Tensor, LocalError> {
    let n = room(a.elem(), shape)?;
    if a.shape() == shape {
        return Ok(a.clone());
    }
    if a.elements() == 1 && (a.shape().is_empty() || a.shape().len() == shape.len()) {
        return Tensor::from_raw_fn(a.elem(), shape, |_| a.raw_at(0));
    }
    let fits = a.shape().len() == shape.len()
        && a.shape()
            .iter()
            .zip(shape)
            .all(|(from, to)| from == to || *from == 1);
    if !fits {
        return Err(SHAPES);
    }
    let mut steps = strides(a.shape());
    for (step, length) in steps.iter_mut().zip(a.shape()) {
        if *length == 1 {
            *step = 0;
        }
    }
    Ok(map_elements!(a, a.elem(), shape, |s| strided(
        s, shape, &steps, n
    )))
}

/// Axis i of the result is axis `axes[i]` of `a`.
///
/// # Errors
/// `axes` is not a permutation of a's axes.
pub fn transpose(a: &Tensor, axes: &[u8]) -> Result<Tensor, LocalError> {
    let rank = a.shape().len();
    let mut seen = vec![false; rank];
    for axis in axes {
        match seen.get_mut(usize::from(*axis)) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(SHAPES),
        }
    }
    if axes.len() != rank {
        return Err(SHAPES);
    }
    let from = strides(a.shape());
    let shape: Vec<usize> = axes.iter().map(|x| a.shape()[usize::from(*x)]).collect();
    let steps: Vec<usize> = axes.iter().map(|x| from[usize::from(*x)]).collect();
    let n = a.elements();
    // Axes of length 1 aside, the order may not change at all.
    let moved = axes.iter().filter(|x| a.shape()[usize::from(**x)] != 1);
    if moved.clone().zip(moved.skip(1)).all(|(x, y)| x < y) {
        return a.clone().reshaped(&shape);
    }
    Ok(map_elements!(a, a.elem(), &shape, |s| strided(
        s, &shape, &steps, n
    )))
}

/// The elements `start..end` along an axis.
///
/// # Errors
/// The range is not within the axis.
pub fn slice(a: &Tensor, axis: usize, start: i128, end: i128) -> Result<Tensor, LocalError> {
    let length = *a.shape().get(axis).ok_or(SHAPES)?;
    let bound = |at: i128| {
        usize::try_from(at)
            .ok()
            .filter(|at| *at <= length)
            .ok_or(LocalError::Index { index: at, length })
    };
    let (first, last) = (bound(start)?, bound(end)?);
    if first > last {
        return Err(LocalError::Index { index: end, length });
    }
    let mut shape = a.shape().to_vec();
    shape[axis] = last - first;
    let inner: usize = shape[axis + 1..].iter().product();
    let n = room(a.elem(), &shape)?;
    if let Data::Packed(words) = a.data() {
        let outer: usize = a.shape()[..axis].iter().product();
        let rows = (0..outer).map(|row| (words, (row * length + first) * inner));
        let packed = bit_rows(rows, (last - first) * inner, n);
        return Ok(Tensor::raw(a.elem(), &shape, Data::Packed(packed)));
    }
    Ok(map_elements!(a, a.elem(), &shape, |s| {
        let mut out = pool::empty(n);
        if n > 0 {
            for row in s.chunks_exact(length * inner) {
                out.extend_from_slice(&row[first * inner..last * inner]);
            }
        }
        out
    }))
}

/// Runs of `width` bits after each other, `n` bits in all, each from a place in some words.
fn bit_rows<'a>(
    rows: impl Iterator<Item = (&'a Vec<u64>, usize)>,
    width: usize,
    n: usize,
) -> Vec<u64> {
    let mut out = pool::empty(n.div_ceil(64));
    let mut length = 0;
    for (words, start) in rows {
        append_bits(&mut out, length, words, start, width);
        length += width;
    }
    out
}

/// The arguments after each other along an axis.
///
/// # Errors
/// The shapes differ in another axis, or the types differ.
pub fn concat(args: &[&Tensor], axis: usize) -> Result<Tensor, LocalError> {
    let first = args.first().ok_or(SHAPES)?;
    let mut shape = first.shape().to_vec();
    if axis >= shape.len() {
        return Err(SHAPES);
    }
    shape[axis] = 0;
    for arg in args {
        let agrees = arg.shape().len() == shape.len()
            && arg.elem() == first.elem()
            && (0..shape.len()).all(|i| i == axis || arg.shape()[i] == shape[i]);
        if !agrees {
            return Err(SHAPES);
        }
        shape[axis] = shape[axis]
            .checked_add(arg.shape()[axis])
            .ok_or(LocalError::TooLarge)?;
    }
    let n = room(first.elem(), &shape)?;
    let outer: usize = shape[..axis].iter().product();
    let widths: Vec<usize> = args
        .iter()
        .map(|a| a.shape()[axis..].iter().product())
        .collect();
    fn joined<T: Pooled>(parts: &[&[T]], widths: &[usize], outer: usize, n: usize) -> Vec<T> {
        let mut out = pool::empty(n);
        for row in 0..outer {
            for (part, width) in parts.iter().zip(widths) {
                out.extend_from_slice(&part[row * width..(row + 1) * width]);
            }
        }
        out
    }
    macro_rules! parts {
        ($kind:path) => {
            args.iter()
                .map(|a| match a.data() {
                    $kind(s) => Ok(&s[..]),
                    _ => Err(SHAPES),
                })
                .collect::<Result<Vec<_>, _>>()?
        };
    }
    let data = match first.data() {
        Data::Packed(_) => {
            let parts = parts!(Data::Packed);
            let mut out = pool::empty(n.div_ceil(64));
            let mut length = 0;
            for row in 0..outer {
                for (part, width) in parts.iter().zip(&widths) {
                    append_bits(&mut out, length, part, row * width, *width);
                    length += width;
                }
            }
            Data::Packed(out)
        }
        Data::Words(_) => Data::Words(joined(&parts!(Data::Words), &widths, outer, n)),
        Data::Wide(_) => Data::Wide(joined(&parts!(Data::Wide), &widths, outer, n)),
        Data::Fixed(_) => Data::Fixed(joined(&parts!(Data::Fixed), &widths, outer, n)),
    };
    Ok(Tensor::raw(first.elem(), &shape, data))
}

/// Row numbers, checked against the number of rows.
fn rows_of(indices: &Tensor, length: usize) -> Result<Vec<usize>, LocalError> {
    if !matches!(indices.elem(), Elem::Ring(_) | Elem::Bits(_)) {
        return Err(LocalError::Mismatch("indices are integers"));
    }
    let mut rows = Vec::with_capacity(indices.elements());
    for i in 0..indices.elements() {
        let index = indices.integer(i);
        match usize::try_from(index) {
            Ok(row) if row < length => rows.push(row),
            _ => return Err(LocalError::Index { index, length }),
        }
    }
    Ok(rows)
}

/// The rows (first axis) of `a` at the indices `b`.
///
/// # Errors
/// An index out of range.
pub fn gather(a: &Tensor, b: &Tensor) -> Result<Tensor, LocalError> {
    let (length, row_shape) = a.shape().split_first().ok_or(SHAPES)?;
    let rows = rows_of(b, *length)?;
    let shape = [b.shape(), row_shape].concat();
    let n = room(a.elem(), &shape)?;
    let width: usize = row_shape.iter().product();
    if let (Data::Packed(words), 1) = (a.data(), width) {
        let bits = rows.iter().map(|r| words[r / 64] >> (r % 64) & 1 == 1);
        let packed = crate::tensor::pack_bits(bits, n);
        return Ok(Tensor::raw(a.elem(), &shape, Data::Packed(packed)));
    }
    if let Data::Packed(words) = a.data() {
        let packed = bit_rows(rows.iter().map(|r| (words, r * width)), width, n);
        return Ok(Tensor::raw(a.elem(), &shape, Data::Packed(packed)));
    }
    Ok(map_elements!(a, a.elem(), &shape, |s| {
        let mut out = pool::empty(n);
        if width == 1 {
            out.extend(rows.iter().map(|r| s[*r]));
        } else {
            for row in &rows {
                out.extend_from_slice(&s[row * width..][..width]);
            }
        }
        out
    }))
}

/// `a` with row i of `b` put at row `c[i]`; of equal indices the last counts.
///
/// # Errors
/// An index out of range.
pub fn scatter(a: &Tensor, b: &Tensor, c: &Tensor) -> Result<Tensor, LocalError> {
    let (length, row_shape) = a.shape().split_first().ok_or(SHAPES)?;
    let rows = rows_of(c, *length)?;
    let width: usize = row_shape.iter().product();
    if a.elem() != b.elem() || b.elements() != rows.len() * width {
        return Err(SHAPES);
    }
    fn put<T: Pooled>(into: &[T], from: &[T], rows: &[usize], width: usize) -> Vec<T> {
        let mut out = pool::empty(into.len());
        out.extend_from_slice(into);
        for (i, row) in rows.iter().enumerate() {
            out[row * width..][..width].copy_from_slice(&from[i * width..][..width]);
        }
        out
    }
    let data = match (a.data(), b.data()) {
        (Data::Packed(into), Data::Packed(from)) => {
            let (into, from) = (split(into, 1, a.elements()), split(from, 1, b.elements()));
            Data::Packed(join(&put(&into, &from, &rows, width), 1))
        }
        (Data::Words(into), Data::Words(from)) => Data::Words(put(into, from, &rows, width)),
        (Data::Wide(into), Data::Wide(from)) => Data::Wide(put(into, from, &rows, width)),
        (Data::Fixed(into), Data::Fixed(from)) => Data::Fixed(put(into, from, &rows, width)),
        _ => return Err(SHAPES),
    };
    Ok(Tensor::raw(a.elem(), a.shape(), data))
}

/// The inverse of a permutation of `0..n`.
///
/// # Errors
/// It is none.
pub fn inverse_permutation(a: &Tensor) -> Result<Tensor, LocalError> {
    let [n] = *a.shape() else { return Err(SHAPES) };
    let mut inverse = vec![usize::MAX; n];
    for (i, target) in rows_of(a, n)?.into_iter().enumerate() {
        if inverse[target] != usize::MAX {
            return Err(LocalError::NotAPermutation);
        }
        inverse[target] = i;
    }
    Tensor::from_raw_fn(a.elem(), a.shape(), |i| inverse[i] as u128)
}

/// The sum over an axis; XOR on bits.
///
/// # Errors
/// There is no such axis, or a sum of fixed point is out of range.
pub fn sum(a: &Tensor, axis: usize) -> Result<Tensor, LocalError> {
    let length = *a.shape().get(axis).ok_or(SHAPES)?;
    let inner: usize = a.shape()[axis + 1..].iter().product();
    let outer: usize = a.shape()[..axis].iter().product();
    let mut shape = a.shape().to_vec();
    shape.remove(axis);
    let (elem, is_ring) = (a.elem(), matches!(a.elem(), Elem::Ring(_)));
    let bits = elem.wire_bits();
    let data = match a.data() {
        Data::Packed(words) => {
            let elements = split(words, 1, a.elements());
            Data::Packed(join(
                &fold(&elements, outer, length, inner, |x, y| x ^ y),
                1,
            ))
        }
        Data::Words(s) if is_ring => {
            let mut out = fold(s, outer, length, inner, u64::wrapping_add);
            out.iter_mut().for_each(|w| *w &= mask(bits));
            Data::Words(out)
        }
        Data::Words(s) if let Elem::Field(p) = elem => {
            Data::Words(field::in_words!(p, f => fold(s, outer, length, inner, |x, y| f.add(x, y))))
        }
        Data::Wide(s) if let Elem::Field(p) = elem => {
            let f = field::wide(p);
            Data::Wide(fold(s, outer, length, inner, |x, y| f.add(x, y)))
        }
        Data::Words(s) => Data::Words(fold(s, outer, length, inner, |x, y| x ^ y)),
        Data::Wide(s) if is_ring => {
            let mut out = fold(s, outer, length, inner, u128::wrapping_add);
            out.iter_mut().for_each(|w| *w &= wide_mask(bits));
            Data::Wide(out)
        }
        Data::Wide(s) => Data::Wide(fold(s, outer, length, inner, |x, y| x ^ y)),
        Data::Fixed(s) => {
            let mut overflow = false;
            let out = fold(s, outer, length, inner, |x: i128, y| {
                let (sum, over) = x.overflowing_add(y);
                overflow |= over;
                sum
            });
            if overflow {
                return Err(LocalError::Range("a sum"));
            }
            Data::Fixed(out)
        }
    };
    Ok(Tensor::raw(elem, &shape, data))
}

fn fold<T: Pooled>(
    s: &[T],
    outer: usize,
    length: usize,
    inner: usize,
    mut add: impl FnMut(T, T) -> T,
) -> Vec<T> {
    let mut out = pool::zeros(outer * inner);
    if inner == 1 && length > 0 {
        for (sum, row) in out.iter_mut().zip(s.chunks_exact(length)) {
            *sum = row.iter().fold(T::default(), |x, y| add(x, *y));
        }
    } else if inner > 0 && length > 0 {
        for (sums, block) in out
            .chunks_exact_mut(inner)
            .zip(s.chunks_exact(length * inner))
        {
            for row in block.chunks_exact(inner) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum = add(*sum, *x);
                }
            }
        }
    }
    out
}

/// `Bits(m)` of shape `[..]` to `Bits(1)` of shape `[.., m]`, lowest bit first: in memory, the
/// elements without gaps.
///
/// # Errors
/// `a` is not of bits.
pub fn unpack(a: &Tensor) -> Result<Tensor, LocalError> {
    let Elem::Bits(m) = a.elem() else {
        return Err(LocalError::Mismatch("only bits are unpacked"));
    };
    let shape = [a.shape(), &[m.into()]].concat();
    room(Elem::Bits(1), &shape)?;
    let words = match a.data() {
        Data::Packed(words) => words.clone(),
        Data::Words(words) => join(words, m.into()),
        Data::Wide(words) => crate::tensor::join_wide(words, m.into()),
        Data::Fixed(_) => return Err(SHAPES),
    };
    Ok(Tensor::raw(Elem::Bits(1), &shape, Data::Packed(words)))
}

/// The inverse of [`unpack`].
///
/// # Errors
/// `a` is not of single bits, or its last axis has no width of bits.
pub fn pack(a: &Tensor) -> Result<Tensor, LocalError> {
    let (Data::Packed(words), Some((m, shape))) = (a.data(), a.shape().split_last()) else {
        return Err(LocalError::Mismatch("single bits are packed along an axis"));
    };
    let width = u8::try_from(*m)
        .ok()
        .filter(|m| (1..=128).contains(m))
        .ok_or(SHAPES)?;
    let n: usize = shape.iter().product();
    let data = match width {
        1 => Data::Packed(words.clone()),
        ..=64 => Data::Words(split(words, width.into(), n)),
        _ => Data::Wide(crate::tensor::split_wide(words, width.into(), n)),
    };
    Ok(Tensor::raw(Elem::Bits(width), shape, data))
}

/// Elements between neighbours along each axis.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        steps[i - 1] = steps[i] * shape[i];
    }
    steps
}

/// The `n` elements of a view of `s` with these steps along the axes of `shape`.
fn strided<T: Pooled>(s: &[T], shape: &[usize], steps: &[usize], n: usize) -> Vec<T> {
    /// Square blocks keep both sides of a transposition in the first cache.
    const TILE: usize = 16;
    let mut out = pool::dirty(n);
    if n == 0 {
        return out;
    }
    let rank = shape.len();
    if rank == 0 {
        out[0] = s[0];
        return out;
    }
    let (row, row_step) = (shape[rank - 1], steps[rank - 1]);
    let (column, column_step) = if rank > 1 {
        (shape[rank - 2], steps[rank - 2])
    } else {
        (1, 0)
    };
    let mut at = vec![0; rank.saturating_sub(2)];
    for plane in out.chunks_exact_mut(row * column) {
        let base: usize = at.iter().zip(steps).map(|(i, step)| i * step).sum();
        if row_step <= 1 {
            for (j, line) in plane.chunks_exact_mut(row).enumerate() {
                let from = base + j * column_step;
                if row_step == 1 {
                    line.copy_from_slice(&s[from..from + row]);
                } else {
                    line.fill(s[from]);
                }
            }
        } else {
            for top in (0..column).step_by(TILE) {
                for left in (0..row).step_by(TILE) {
                    for j in top..column.min(top + TILE) {
                        let from = base + j * column_step;
                        for i in left..row.min(left + TILE) {
                            plane[j * row + i] = s[from + i * row_step];
                        }
                    }
                }
            }
        }
        for axis in (0..at.len()).rev() {
            at[axis] += 1;
            if at[axis] < shape[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests;
