//! Numbers for machines: units of 2^-64 to decimal text.

use serde_json::Value;

/// The shortest decimal that is the nearest double: at most 17 significant digits.
pub fn precise(value: i128) -> String {
    format!("{}", smpc_runtime::number::to_f64(value))
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
