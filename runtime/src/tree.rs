//! Reductions and prefixes by trees, for compiled programs.

use smpc_ir::party::Elem;

use crate::endpoint::{Endpoint, Failure};
use crate::ops::{self, data, gather, scatter};
use crate::{LocalError, Tensor};

fn resized(row: &Tensor, first: usize) -> Vec<i128> {
    let mut dims: Vec<i128> = row.shape().iter().map(|d| *d as i128).collect();
    if let Some(length) = dims.first_mut() {
        *length = first as i128;
    }
    dims
}

/// Even and odd rows of a tensor with an even number of them.
fn halves(row: &Tensor) -> Result<(Tensor, Tensor), LocalError> {
    let pairs = row.shape().first().copied().unwrap_or(0) / 2;
    let one = resized(row, pairs);
    let mut split = vec![pairs as i128, 2];
    split.extend(one.iter().skip(1));
    let paired = ops::reshape(row, &split)?;
    let low = ops::slice(&paired, 1, 0, 1)?;
    let high = ops::slice(&paired, 1, 1, 2)?;
    Ok((ops::reshape(&low, &one)?, ops::reshape(&high, &one)?))
}

/// Reduces `n` rows to one. The body combines so many pairs, lower neighbours with higher ones; a
/// last odd row passes on unchanged.
///
/// # Errors
/// There is no row, or the body fails.
pub fn reduce<const K: usize>(
    end: &mut Endpoint<'_>,
    n: i128,
    mut rows: [Tensor; K],
    mut body: impl FnMut(
        &mut Endpoint<'_>,
        i128,
        [Tensor; K],
        [Tensor; K],
    ) -> Result<[Tensor; K], Failure>,
) -> Result<[Tensor; K], Failure> {
    if n < 1 {
        return Err(Failure {
            message: "a `reduce` of nothing has no value".into(),
            ..LocalError::TooLarge.into()
        });
    }
    let mut n = n;
    while n > 1 {
        let pairs = n / 2;
        let (mut low, mut high, mut last) = (vec![], vec![], vec![]);
        for row in &rows {
            let (a, b) = if n % 2 == 1 {
                last.push(ops::slice(row, 0, n - 1, n)?);
                halves(&ops::slice(row, 0, 0, n - 1)?)?
            } else {
                halves(row)?
            };
            low.push(a);
            high.push(b);
        }
        rows = body(end, pairs, array(low)?, array(high)?)?;
        for (row, last) in rows.iter_mut().zip(last) {
            *row = ops::concat(&[row, &last], 0)?;
        }
        n -= pairs;
    }
    for row in &mut rows {
        let rest: Vec<i128> = resized(row, 1).into_iter().skip(1).collect();
        *row = ops::reshape(row, &rest)?;
    }
    Ok(rows)
}

/// All prefixes of `n` rows by Sklansky's network: in level l, row i with bit l set meets the last
/// row before its block. Of no row there are none.
///
/// # Errors
/// The body fails.
pub fn scan<const K: usize>(
    end: &mut Endpoint<'_>,
    n: i128,
    mut rows: [Tensor; K],
    mut body: impl FnMut(
        &mut Endpoint<'_>,
        i128,
        [Tensor; K],
        [Tensor; K],
    ) -> Result<[Tensor; K], Failure>,
) -> Result<[Tensor; K], Failure> {
    let mut level = 0u32;
    while level < usize::BITS - 1 && 1i128 << level < n {
        let high: Vec<i128> = (0..n).filter(|i| i >> level & 1 == 1).collect();
        let low: Vec<i128> = high.iter().map(|i| ((i >> level) << level) - 1).collect();
        let pairs = high.len() as i128;
        let high = data(Elem::Ring(64), &[pairs], &high)?;
        let low = data(Elem::Ring(64), &[pairs], &low)?;
        let (mut lower, mut upper) = (vec![], vec![]);
        for row in &rows {
            lower.push(gather(row, &low)?);
            upper.push(gather(row, &high)?);
        }
        let next = body(end, pairs, array(lower)?, array(upper)?)?;
        for (row, new) in rows.iter_mut().zip(next) {
            *row = scatter(row, &new, &high)?;
        }
        level += 1;
    }
    Ok(rows)
}

fn array<const K: usize>(rows: Vec<Tensor>) -> Result<[Tensor; K], LocalError> {
    rows.try_into()
        .map_err(|_| LocalError::Mismatch("rows of a tree"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::in_memory;

    #[test]
    fn sums_and_their_prefixes() {
        let mut channel = in_memory(1).remove(0);
        let mut end = Endpoint::start(0, &mut channel, Some(0), &[]).unwrap();
        for n in 1..20i128 {
            let values: Vec<i128> = (1..=n).collect();
            let row = data(Elem::Ring(64), &[n], &values).unwrap();
            let sums = |_: &mut Endpoint<'_>, _: i128, [a]: [Tensor; 1], [b]: [Tensor; 1]| {
                Ok([ops::add(&a, &b)?])
            };
            let [total] = reduce(&mut end, n, [row.clone()], sums).unwrap();
            assert_eq!(total.scalar(), Some(n * (n + 1) / 2));
            let [prefixes] = scan(&mut end, n, [row], sums).unwrap();
            let expected: Vec<i128> = (1..=n).map(|i| i * (i + 1) / 2).collect();
            assert_eq!(prefixes.to_i128s(), expected);
        }
        assert!(reduce(&mut end, 0, [], |_, _, [], []| Ok([])).is_err());
        let none = data(Elem::Ring(64), &[0], &[]).unwrap();
        let [prefixes] = scan(&mut end, 0, [none], |_, _, [a], [_]| Ok([a])).unwrap();
        assert!(prefixes.to_i128s().is_empty());
    }
}
