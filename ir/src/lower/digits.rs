//! Numbers as few powers of two, added and subtracted.

/// Public factors with at most so many digits 1 or -1 are sums of shifted values; with more a product
/// takes fewer rounds.
const FEW_DIGITS: usize = 3;

/// The digits 1 and -1 (true) of a factor with their places, no two beside each other, if they are few.
pub(super) fn digits(factor: i128, width: u8) -> Option<Vec<(u8, bool)>> {
    let mut rest = factor;
    let mut digits = vec![];
    let mut place = 0u8;
    while rest != 0 && place < width {
        if rest & 1 == 1 {
            let minus = rest & 3 == 3;
            digits.push((place, minus));
            rest = if minus {
                rest.checked_add(1)?
            } else {
                rest - 1
            };
        }
        rest >>= 1;
        place += 1;
    }
    (digits.len() <= FEW_DIGITS).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::digits;

    /// The digits spell the factor, and none stands beside another.
    #[test]
    fn digits_spell_their_factor() {
        for factor in (-300..300).chain([i128::from(i64::MAX), i128::from(i64::MIN)]) {
            let Some(found) = digits(factor, 64) else {
                continue;
            };
            let value =
                |(place, minus): &(u8, bool)| (1i128 << place) * if *minus { -1 } else { 1 };
            let sum: i128 = found.iter().map(value).sum();
            assert_eq!(sum as i64, factor as i64, "{factor}: {found:?}");
            assert!(found.windows(2).all(|w| w[0].0 + 1 < w[1].0), "{found:?}");
        }
        assert_eq!(digits(7, 64), Some(vec![(0, true), (3, false)]));
        assert_eq!(digits(0b101010101, 64), None);
    }
}
