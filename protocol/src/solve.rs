//! Linear equations over a prime field.

use smpc_ir::field::Prime;

/// A solution of `rows * x = right`, with zeros where there is a choice, so that the first columns
/// that suffice are used. `None` if there is none.
pub(crate) fn solve(p: Prime, rows: &[Vec<u128>], right: &[u128]) -> Option<Vec<u128>> {
    let width = rows.first().map_or(0, Vec::len);
    let mut rows: Vec<Vec<u128>> = rows
        .iter()
        .zip(right)
        .map(|(row, r)| row.iter().copied().chain([*r]).collect())
        .collect();
    let mut pivots = Vec::new();
    for column in 0..width {
        let done = pivots.len();
        let Some(at) = (done..rows.len()).find(|at| rows[*at][column] != 0) else {
            continue;
        };
        rows.swap(done, at);
        let inverse = p.inverse(rows[done][column])?;
        for x in &mut rows[done] {
            *x = p.mul(*x, inverse);
        }
        let pivot = rows[done].clone();
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = row[column];
            if at != done && factor != 0 {
                for (x, y) in row.iter_mut().zip(&pivot) {
                    *x = p.sub(*x, p.mul(factor, *y));
                }
            }
        }
        pivots.push(column);
    }
    if rows[pivots.len()..].iter().any(|row| row[width] != 0) {
        return None;
    }
    let mut solution = vec![0; width];
    for (row, column) in rows.iter().zip(pivots) {
        solution[column] = row[width];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_at_zero() {
        // f(1) = 5, f(2) = 3, f(3) = 3 with f of degree 2: f = 9 - 5x + x^2.
        let p = Prime::MERSENNE_61;
        let powers = |j: u32| (1..=4u128).map(|i| i.pow(j)).collect::<Vec<_>>();
        let rows: Vec<_> = (0..3).map(powers).collect();
        let weights = solve(p, &rows, &[1, 0, 0]).unwrap();
        assert_eq!(weights[3], 0);
        let shares = [5, 3, 3, 5];
        let value = weights
            .iter()
            .zip(shares)
            .fold(0, |sum, (w, s)| p.add(sum, p.mul(*w, s)));
        assert_eq!(value, 9);
        assert!(solve(p, &rows[..1], &[1]).is_some());
        // Two points that coincide determine nothing new.
        let rows = [vec![1, 1], vec![2, 2]];
        assert_eq!(solve(p, &rows, &[1, 0]), None);
    }
}
