//! Matrix products of tensors.

use crate::LocalError;
use crate::gemm::{self, View};
use crate::memory::room;
use crate::tensor::{Data, Tensor, join, mask, split, wide_mask};
use crate::{field, fixed, layout, pool};
use smpc_ir::party::Elem;

/// Products over the last two axes: `[.., n, k]` by `[.., k, m]` gives `[.., n, m]`. On bits a
/// product is AND and a sum XOR; on fixed point each product is rounded.
///
/// # Errors
/// Types or shapes do not fit, or a sum of fixed point is out of range.
pub fn matrix(a: &Tensor, b: &Tensor) -> Result<Tensor, LocalError> {
    matrix_of(a, false, b, false)
}

/// As [`matrix`], of operands whose last two axes count as exchanged. Words of a ring are read in
/// place.
///
/// # Errors
/// As [`matrix`].
pub fn matrix_of(
    a: &Tensor,
    a_transposed: bool,
    b: &Tensor,
    b_transposed: bool,
) -> Result<Tensor, LocalError> {
    let in_place = matches!((a.data(), a.elem()), (Data::Words(_), Elem::Ring(_)));
    let turned = |t: &Tensor, transposed: bool| -> Result<Option<Tensor>, LocalError> {
        let rank = u8::try_from(t.shape().len()).unwrap_or(0);
        if in_place || !transposed || rank < 2 {
            return Ok(None);
        }
        let mut axes: Vec<u8> = (0..rank).collect();
        axes.swap(usize::from(rank) - 1, usize::from(rank) - 2);
        layout::transpose(t, &axes).map(Some)
    };
    if !in_place && (a_transposed || b_transposed) {
        let (x, y) = (turned(a, a_transposed)?, turned(b, b_transposed)?);
        return matrix_of(
            x.as_ref().unwrap_or(a),
            false,
            y.as_ref().unwrap_or(b),
            false,
        );
    }
    let mismatch = LocalError::Mismatch("operands of a matrix product");
    let (([lead @ .., n, k], [lead_b @ .., k_b, m]), true) =
        ((a.shape(), b.shape()), a.elem() == b.elem())
    else {
        return Err(mismatch);
    };
    let (n, k) = if a_transposed { (k, n) } else { (n, k) };
    let (k_b, m) = if b_transposed { (m, k_b) } else { (k_b, m) };
    if lead != lead_b || k != k_b {
        return Err(mismatch);
    }
    let (n, k, m) = (*n, *k, *m);
    let shape = [lead, &[n, m]].concat();
    let total = room(a.elem(), &shape)?;
    let batches: usize = lead.iter().product();
    let (elem, bits) = (a.elem(), a.elem().wire_bits());
    let dimensions = (batches, n, k, m);
    let xor = |sum: &mut u64, x: u64, y: u64| *sum ^= x & y;
    let data = match (a.data(), b.data()) {
        (Data::Words(a), Data::Words(b)) if matches!(elem, Elem::Ring(_)) => {
            let mut out = pool::zeros(total);
            for i in 0..batches {
                let view = |words, rows, columns, transposed| {
                    if transposed {
                        View::of(words, rows).transposed()
                    } else {
                        View::of(words, columns)
                    }
                };
                let left = view(&a[i * n * k..][..n * k], n, k, a_transposed);
                let right = view(&b[i * k * m..][..k * m], k, m, b_transposed);
                let out = &mut out[i * n * m..][..n * m];
                gemm::multiply_add_views(n, k, m, left, right, out);
            }
            if bits < 64 {
                out.iter_mut().for_each(|w| *w &= mask(bits));
            }
            Data::Words(out)
        }
        (Data::Words(a), Data::Words(b)) if let Elem::Field(p) = elem => {
            Data::Words(field::in_words!(p, f => field::products(f, dimensions, a, b)))
        }
        (Data::Wide(a), Data::Wide(b)) if let Elem::Field(p) = elem => {
            Data::Wide(field::products(field::wide(p), dimensions, a, b))
        }
        (Data::Words(a), Data::Words(b)) => {
            let mut out = pool::zeros(total);
            loops(dimensions, a, b, &mut out, xor);
            Data::Words(out)
        }
        (Data::Packed(x), Data::Packed(y)) => {
            let (x, y) = (split(x, 1, a.elements()), split(y, 1, b.elements()));
            let mut out = pool::zeros(total);
            loops(dimensions, &x, &y, &mut out, xor);
            Data::Packed(join(&out, 1))
        }
        (Data::Wide(a), Data::Wide(b)) => {
            let mut out = pool::zeros(total);
            if matches!(elem, Elem::Ring(_)) {
                loops(dimensions, a, b, &mut out, |sum: &mut u128, x, y| {
                    *sum = sum.wrapping_add(x.wrapping_mul(y));
                });
                out.iter_mut().for_each(|w| *w &= wide_mask(bits));
            } else {
                loops(dimensions, a, b, &mut out, |sum: &mut u128, x, y| {
                    *sum ^= x & y
                });
            }
            Data::Wide(out)
        }
        (Data::Fixed(a), Data::Fixed(b)) => {
            let mut out = pool::zeros(total);
            let mut error = None;
            loops(dimensions, a, b, &mut out, |sum: &mut i128, x, y| {
                let term = fixed::mul(x, y).and_then(|p| {
                    sum.checked_add(p)
                        .ok_or(LocalError::Range("a matrix product"))
                });
                match term {
                    Ok(term) => *sum = term,
                    Err(e) => error = Some(e),
                }
            });
            if let Some(error) = error {
                return Err(error);
            }
            Data::Fixed(out)
        }
        _ => return Err(mismatch),
    };
    Ok(Tensor::raw(elem, &shape, data))
}

/// Batches of i-k-j loops, blocked so that a panel of b stays in the first cache.
fn loops<T: Copy>(
    (batches, n, k, m): (usize, usize, usize, usize),
    a: &[T],
    b: &[T],
    out: &mut [T],
    mut add: impl FnMut(&mut T, T, T),
) {
    const DEPTH: usize = 32;
    const WIDTH: usize = 64;
    for batch in 0..batches {
        let (a, b) = (&a[batch * n * k..][..n * k], &b[batch * k * m..][..k * m]);
        let out = &mut out[batch * n * m..][..n * m];
        for deep in (0..k).step_by(DEPTH) {
            for left in (0..m).step_by(WIDTH) {
                let width = WIDTH.min(m - left);
                for i in 0..n {
                    let sums = &mut out[i * m + left..][..width];
                    for p in deep..k.min(deep + DEPTH) {
                        let factor = a[i * k + p];
                        for (sum, x) in sums.iter_mut().zip(&b[p * m + left..][..width]) {
                            add(sum, factor, *x);
                        }
                    }
                }
            }
        }
    }
}
