//! Fixed point for readers: units of 2^-64 to decimal text.

use serde_json::Value;

const UNIT: f64 = 18_446_744_073_709_551_616.0;

/// The shortest decimal that is the nearest double: at most 17 significant digits.
pub fn precise(value: i128) -> String {
    // Both steps round once together: the product by a power of two is exact.
    format!("{}", value as f64 / UNIT)
}

/// As many digits as the type resolves; a clear value finer than its type's unit keeps ten
/// significant digits.
pub fn readable(value: i128, fraction: u8) -> String {
    let float = value as f64 / UNIT;
    let coarse = fraction < 64 && value & ((1i128 << (64 - fraction)) - 1) == 0;
    if coarse {
        // 2^-f is told apart by this many decimals: f log10(2), rounded up.
        let decimals = (f64::from(fraction) * std::f64::consts::LOG10_2).ceil() as usize;
        return trimmed(&format!("{float:.decimals$}"));
    }
    let magnitude = float.abs().log10().floor() as i32;
    if (-5..10).contains(&magnitude) {
        let decimals = usize::try_from(9 - magnitude).unwrap_or(0);
        trimmed(&format!("{float:.decimals$}"))
    } else {
        let text = format!("{float:.9e}");
        match text.split_once('e') {
            Some((mantissa, exponent)) => format!("{}e{exponent}", trimmed(mantissa)),
            None => text,
        }
    }
}

/// Without zeros at the end of a fraction, and without the sign of zero.
fn trimmed(text: &str) -> String {
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    };
    if text == "-0" { "0" } else { text }.to_owned()
}

/// A number of JSON with exactly these digits.
pub fn to_json(digits: &str) -> Value {
    digits
        .parse::<serde_json::Number>()
        .map_or_else(|_| Value::String(digits.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i128 = 1 << 64;

    #[test]
    fn digits_follow_the_resolution() {
        assert_eq!(readable(ONE * 455, 16), "455");
        assert_eq!(readable(ONE / 2, 16), "0.5");
        assert_eq!(readable((41313 * ONE / 10) >> 48 << 48, 16), "4131.29999");
        assert_eq!(readable(ONE / 3, 16), "0.3333333333");
        assert_eq!(readable(-(ONE / 65536), 16), "-0.00002");
        assert_eq!(readable(ONE / 1_000_000, 16), "1e-6");
        assert_eq!(readable(0, 16), "0");
    }

    #[test]
    fn machines_get_every_digit() {
        assert_eq!(precise(ONE / 10), "0.1");
        assert_eq!(precise(-ONE), "-1");
        assert_eq!(
            to_json("170141183460469231731687303715884105727")
                .to_string()
                .len(),
            39
        );
    }
}
