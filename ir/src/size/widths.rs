//! Widths of the levels of trees.

/// Smallest e with 2^e >= n.
pub(super) fn log2_ceil(n: i128) -> i128 {
    if n <= 1 {
        0
    } else {
        i128::from(128 - (n - 1).leading_zeros())
    }
}

/// Level widths of a reduction tree over `count` leaves, first level first.
pub fn halvings(count: u64) -> impl Iterator<Item = u64> {
    let mut left = count;
    std::iter::from_fn(move || {
        (left > 1).then(|| {
            let width = left / 2;
            left -= width;
            width
        })
    })
}

/// Level widths of a Sklansky prefix tree over `count` leaves, first level first.
pub fn prefix_widths(count: u64) -> impl Iterator<Item = u64> {
    (0..64)
        .map(|level| 1u64 << level)
        .take_while(move |&half| half < count)
        .map(move |half| {
            let period = half.saturating_mul(2);
            let whole = count / period * half;
            whole + (count % period).saturating_sub(half)
        })
}
