//! Numbers of input files that come as binary floating point; decimal text is the runtime's.

pub use smpc_runtime::number::{NumberError, fixed, integer};

/// A float in units of 2^-64.
pub fn fixed_from_f64(value: f64) -> Result<i128, NumberError> {
    if !value.is_finite() {
        return Err(NumberError::NotFinite);
    }
    // The product with a power of two is exact; rounding and conversion are exact below 2^127.
    let scaled = (value * 18_446_744_073_709_551_616.0).round();
    if scaled.abs() >= 170_141_183_460_469_231_731_687_303_715_884_105_728.0 {
        return Err(NumberError::Range);
    }
    Ok(scaled as i128)
}

/// An integer-valued float.
pub fn integer_from_f64(value: f64) -> Result<i128, NumberError> {
    if !value.is_finite() {
        return Err(NumberError::NotFinite);
    }
    if value.fract() != 0.0 {
        return Err(NumberError::Fraction);
    }
    if value.abs() >= 170_141_183_460_469_231_731_687_303_715_884_105_728.0 {
        return Err(NumberError::Range);
    }
    Ok(value as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i128 = 1 << 64;

    #[test]
    fn floats_are_exact() {
        assert_eq!(fixed_from_f64(0.1), Ok(1_844_674_407_370_955_264));
        assert_eq!(fixed_from_f64(-2.5), Ok(-5 * ONE / 2));
        assert_eq!(fixed_from_f64(f64::NAN), Err(NumberError::NotFinite));
        assert_eq!(fixed_from_f64(1e30), Err(NumberError::Range));
        assert_eq!(integer_from_f64(3.5), Err(NumberError::Fraction));
    }
}
