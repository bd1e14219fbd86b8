//! Decimal literals, exactly: clear fixed point counts in units of 2^-64.

use smpc_ir::share::Type;

use crate::ops::FIX;
use crate::value::Leaf;

/// `12` is an int below 2^126, `0.5` a fix below 2^63 that is rounded to nearest; `None` if it does not fit.
pub(crate) fn literal(text: &str) -> Option<Leaf> {
    match text.split_once('.') {
        None => {
            let value: i128 = text.parse().ok()?;
            (value < 1 << 126).then(|| Leaf::literal(value, Type::Int))
        }
        Some((whole, fraction)) => Some(Leaf::literal(fixed(whole, fraction)?, FIX)),
    }
}

/// The decimal times 2^64, rounded to nearest.
pub(crate) fn fixed(whole: &str, fraction: &str) -> Option<i128> {
    let whole: i128 = whole.parse().ok()?;
    if whole >= 1 << 63 {
        return None;
    }
    // Doubling the decimal fraction digit by digit gives one binary digit each time.
    let mut digits: Vec<u8> = fraction.bytes().map(|b| b.wrapping_sub(b'0')).collect();
    if digits.iter().any(|d| *d > 9) {
        return None;
    }
    let mut double = || {
        let mut carry = 0;
        for digit in digits.iter_mut().rev() {
            let twice = *digit * 2 + carry;
            carry = twice / 10;
            *digit = twice % 10;
        }
        i128::from(carry)
    };
    let mut bits = 0;
    for _ in 0..64 {
        bits = bits << 1 | double();
    }
    let round = double();
    (whole << 64).checked_add(bits + round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_once() {
        assert_eq!(fixed("0", "5"), Some(1 << 63));
        assert_eq!(fixed("2", "25"), Some((2 << 64) + (1 << 62)));
        assert_eq!(fixed("0", "1"), Some(1_844_674_407_370_955_162));
        assert_eq!(
            fixed("5240283902602681344", "0"),
            Some(5_240_283_902_602_681_344 << 64)
        );
        assert_eq!(
            fixed("9223372036854775807", "5"),
            Some(i128::MAX - (1 << 63) + 1)
        );
        // Rounded up it would be 2^63.
        assert_eq!(fixed("9223372036854775807", &"9".repeat(30)), None);
        assert_eq!(fixed("9223372036854775808", "0"), None);
        assert_eq!(fixed("99999999999999999999", "0"), None);
    }
}
