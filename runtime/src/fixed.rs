//! Clear fixed point: signed 128-bit integers in units of 2^-64. Integer arithmetic throughout,
//! so that all parties get the same bits on every machine.

use crate::LocalError;
use std::cmp::Ordering;

/// 1.
pub const ONE: i128 = 1 << 64;

/// Fraction bits of the intermediate results of [`exp`] and [`ln`].
const WORK: u32 = 120;
/// The natural logarithm of 2, in units of 2^-120.
const LN_2: u128 = 921_350_637_599_661_305_226_344_307_672_478_455;

/// The product, rounded to the nearest 2^-64, halves up.
///
/// # Errors
/// Beyond 2^63.
pub fn mul(a: i128, b: i128) -> Result<i128, LocalError> {
    // Operands below 2^63 in magnitude (values below 1/2) need no 256-bit product.
    if let (Ok(a), Ok(b)) = (i64::try_from(a), i64::try_from(b)) {
        return Ok((i128::from(a) * i128::from(b) + (1 << 63)) >> 64);
    }
    let (high, low) = wide_product(a.unsigned_abs(), b.unsigned_abs());
    let (negative, error) = ((a < 0) != (b < 0), LocalError::Range("a product"));
    // Halves go up: away from zero for a positive product, towards it for a negative one.
    let half = if negative { (1 << 63) - 1 } else { 1 << 63 };
    let (low, carry) = low.overflowing_add(half);
    let high = high + u128::from(carry);
    if high >> 64 != 0 {
        return Err(error);
    }
    signed(high << 64 | low >> 64, negative).ok_or(error)
}

/// The quotient, rounded to the nearest 2^-64, halves away from zero.
///
/// # Errors
/// Division by zero, or a quotient beyond 2^63.
pub fn div(a: i128, b: i128) -> Result<i128, LocalError> {
    if b == 0 {
        return Err(LocalError::DivisionByZero);
    }
    let error = LocalError::Range("a quotient");
    let (n, d) = (a.unsigned_abs(), b.unsigned_abs());
    let (quotient, rest) = wide_quotient(n >> 64, n << 64, d).ok_or(error.clone())?;
    let up = rest >= d - rest;
    let quotient = quotient.checked_add(u128::from(up)).ok_or(error.clone())?;
    signed(quotient, (a < 0) != (b < 0)).ok_or(error)
}

/// The square root, rounded to the nearest 2^-64.
///
/// # Errors
/// Of a negative value.
pub fn sqrt(a: i128) -> Result<i128, LocalError> {
    if a < 0 {
        return Err(LocalError::NegativeRoot);
    }
    // The integer root of a·2^64, digit by digit from the top: a root below 2^96.
    let (high, low) = ((a >> 64).cast_unsigned(), a.cast_unsigned() << 64);
    let mut root = 0u128;
    for bit in (0..96).rev() {
        let trial = root | 1 << bit;
        if wide_product(trial, trial) <= (high, low) {
            root = trial;
        }
    }
    // The next root is nearer iff the remainder exceeds the root.
    let (square_high, square_low) = wide_product(root, root);
    let (rest, borrow) = low.overflowing_sub(square_low);
    let rest_high = high - square_high - u128::from(borrow);
    let up = rest_high > 0 || rest > root;
    Ok((root + u128::from(up)).cast_signed())
}

/// e^a, within 2^-64 or a relative error of 2^-110, whichever is larger.
///
/// # Errors
/// Beyond 2^63.
pub fn exp(a: i128) -> Result<i128, LocalError> {
    // e^44 > 2^63; e^-46 < 2^-65.
    if a >= 44 * ONE {
        return Err(LocalError::Range("an exponential"));
    }
    if a < -46 * ONE {
        return Ok(0);
    }
    let scaled = a << (WORK - 64);
    let doublings = scaled.div_euclid(LN_2.cast_signed());
    let rest = scaled.rem_euclid(LN_2.cast_signed()).cast_unsigned();
    // Taylor's series by Horner's rule: 0.6932^31 / 31! < 2^-129.
    let mut sum = 1u128 << WORK;
    for n in (1..=31).rev() {
        sum = (1 << WORK) + work_mul(sum, rest) / n;
    }
    let shift = i128::from(WORK - 64) - doublings;
    let result = if shift >= 128 {
        0
    } else if shift > 0 {
        (sum + (1 << (shift - 1))) >> shift
    } else {
        sum.checked_shl(-shift as u32)
            .filter(|r| r >> -shift == sum)
            .ok_or(LocalError::Range("an exponential"))?
    };
    signed(result, false).ok_or(LocalError::Range("an exponential"))
}

/// The natural logarithm, within 2^-64.
///
/// # Errors
/// Of zero or a negative value.
pub fn ln(a: i128) -> Result<i128, LocalError> {
    if a <= 0 {
        return Err(LocalError::LogarithmDomain);
    }
    let a = a.cast_unsigned();
    // a = mantissa · 2^exponent with the mantissa in [0.75, 1.5).
    let top = 127 - a.leading_zeros();
    let mut mantissa = if top > WORK {
        a >> (top - WORK)
    } else {
        a << (WORK - top)
    };
    let mut exponent = i128::from(top) - 64;
    let one = 1u128 << WORK;
    if mantissa >= one + one / 2 {
        mantissa >>= 1;
        exponent += 1;
    }
    // ln m = 2 artanh t with t = (m - 1) / (m + 1), |t| <= 1/5: 26 terms leave less than 2^-120.
    let below = mantissa < one;
    let difference = mantissa.abs_diff(one);
    let t = work_div(difference, mantissa + one);
    let square = work_mul(t, t);
    let mut sum = 0u128;
    for n in (0..27u128).rev() {
        sum = work_mul(sum, square) + one / (2 * n + 1);
    }
    let magnitude = (2 * work_mul(sum, t)).cast_signed();
    let total = exponent * LN_2.cast_signed() + if below { -magnitude } else { magnitude };
    let drop = WORK - 64;
    Ok((total + (1 << (drop - 1))) >> drop)
}

/// The integer.
///
/// # Errors
/// Beyond 2^63.
pub fn from_integer(a: i128) -> Result<i128, LocalError> {
    i64::try_from(a)
        .map(|a| i128::from(a) << 64)
        .map_err(|_| LocalError::Range("a conversion to fixed point"))
}

/// The nearest integer to a·2^bits, halves up. `None` beyond 128 bits.
pub fn scale_up(a: i128, bits: i128) -> Option<i128> {
    shift_rounded(a, bits - 64)
}

/// x / 2^bits in units of 2^-64, rounded to the nearest, halves up. `None` beyond 2^63.
pub fn scale_down(x: i128, bits: i128) -> Option<i128> {
    shift_rounded(x, 64i128.checked_sub(bits)?)
}

/// a·2^shift, rounded to the nearest integer, halves up.
fn shift_rounded(a: i128, shift: i128) -> Option<i128> {
    match shift.cmp(&0) {
        Ordering::Equal => Some(a),
        Ordering::Greater if a == 0 => Some(0),
        Ordering::Greater => {
            let shift = u32::try_from(shift).ok().filter(|s| *s < 128)?;
            let shifted = a << shift;
            (shifted >> shift == a).then_some(shifted)
        }
        Ordering::Less => {
            let right = shift.unsigned_abs();
            if right > 128 {
                return Some(0);
            }
            // floor(a / 2^(right - 1)), then the last bit decides.
            let before = if right > 127 {
                a >> 127
            } else {
                a >> (right - 1)
            };
            Some((before >> 1) + (before & 1))
        }
    }
}

fn signed(magnitude: u128, negative: bool) -> Option<i128> {
    if negative {
        0i128.checked_sub_unsigned(magnitude)
    } else {
        i128::try_from(magnitude).ok()
    }
}

/// a·b as two 128-bit halves, high first.
fn wide_product(a: u128, b: u128) -> (u128, u128) {
    let low_half = |x: u128| x & u128::from(u64::MAX);
    let (a1, a0, b1, b0) = (a >> 64, low_half(a), b >> 64, low_half(b));
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 64);
    let middle_low = low_half(middle) + a0 * b1;
    let high = a1 * b1 + (middle >> 64) + (middle_low >> 64);
    (high, middle_low << 64 | low_half(low))
}

/// Quotient and remainder of high·2^128 + low by d; `None` if the quotient has over 128 bits.
fn wide_quotient(high: u128, low: u128, d: u128) -> Option<(u128, u128)> {
    if high >= d {
        return None;
    }
    if high == 0 {
        return Some((low / d, low % d));
    }
    let (mut rest, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let over = rest >> 127 == 1;
        rest = rest << 1 | (low >> bit & 1);
        if over || rest >= d {
            rest = rest.wrapping_sub(d);
            quotient |= 1 << bit;
        }
    }
    Some((quotient, rest))
}

/// The product of values below 2^8 in units of 2^-120; below 2^8 itself.
fn work_mul(a: u128, b: u128) -> u128 {
    let (high, low) = wide_product(a, b);
    high << (128 - WORK) | low >> WORK
}

/// The quotient a / b < 1 in units of 2^-120.
fn work_div(a: u128, b: u128) -> u128 {
    wide_quotient(a >> (128 - WORK), a << WORK, b).map_or(u128::MAX, |(q, _)| q)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: i128, expected: &str, units: i128) {
        let expected = crate::number::fixed(expected).unwrap();
        assert!((found - expected).abs() <= units, "{found} {expected}");
    }

    #[test]
    fn elementary_functions_of_known_values() {
        close(
            exp(ONE).unwrap(),
            "2.71828182845904523536028747135266250",
            1,
        );
        close(
            exp(-ONE).unwrap(),
            "0.36787944117144232159552377016146087",
            1,
        );
        let large = exp(40 * ONE).unwrap();
        close(
            large,
            "235385266837019985.40789991074903480451",
            large >> 110,
        );
        close(
            exp(-20 * ONE).unwrap(),
            "0.00000000206115362243855782796594",
            1,
        );
        assert_eq!(exp(0), Ok(ONE));
        assert!(exp(44 * ONE).is_err() && exp(i128::MAX).is_err());
        assert_eq!(exp(i128::MIN), Ok(0));
        close(
            ln(2 * ONE).unwrap(),
            "0.69314718055994530941723212145817657",
            1,
        );
        close(
            ln(10 * ONE).unwrap(),
            "2.30258509299404568401799145468436421",
            1,
        );
        close(
            ln(1).unwrap(),
            "-44.3614195558364998027028557733233003571",
            1,
        );
        assert_eq!(ln(ONE), Ok(0));
        assert_eq!(ln(0), Err(LocalError::LogarithmDomain));
        close(
            sqrt(2 * ONE).unwrap(),
            "1.41421356237309504880168872420969808",
            1,
        );
        assert_eq!(sqrt(9 * ONE), Ok(3 * ONE));
        assert_eq!(sqrt(-1), Err(LocalError::NegativeRoot));
        assert!(sqrt(i128::MAX).is_ok());
    }

    /// a·b or a/b to more bits than the result needs, by schoolbook arithmetic on 32-bit limbs.
    fn product_reference(a: i128, b: i128) -> Option<i128> {
        let limbs = |x: u128| -> [u128; 4] { std::array::from_fn(|i| x >> (32 * i) & 0xffff_ffff) };
        let (x, y) = (limbs(a.unsigned_abs()), limbs(b.unsigned_abs()));
        let mut sum = [0u128; 9];
        for i in 0..4 {
            for j in 0..4 {
                sum[i + j] += x[i] * y[j];
            }
        }
        for i in 0..8 {
            let carry = sum[i] >> 32;
            sum[i] &= 0xffff_ffff;
            sum[i + 1] += carry;
        }
        if sum[6] | sum[7] | sum[8] != 0 {
            return None;
        }
        let magnitude = (0..4).fold(0u128, |m, i| m | sum[2 + i] << (32 * i));
        let rest = sum[1] << 32 | sum[0];
        let negative = (a < 0) != (b < 0);
        let up = if negative {
            rest > 1 << 63
        } else {
            rest >= 1 << 63
        };
        signed(magnitude.checked_add(u128::from(up))?, negative)
    }

    proptest! {
        #[test]
        fn products(a: i128, b: i128, sa in 0u32..128, sb in 0u32..128) {
            let (a, b) = (a >> sa, b >> sb);
            prop_assert_eq!(mul(a, b).ok(), product_reference(a, b));
        }

        #[test]
        fn quotients_invert_products(a in -1i128 << 90..1 << 90, b: i64) {
            prop_assume!(b != 0);
            let b = i128::from(b) << 20;
            let q = div(a, b);
            if let Ok(q) = q {
                // |a - q·b| <= b/2 in units of 2^-128.
                let error = (a << 32) - ((q >> 32) * b) - (((q & 0xffff_ffff) * b) >> 32);
                prop_assert!(error.unsigned_abs() <= (b.unsigned_abs() >> 33) + 2);
            }
        }

        #[test]
        fn roots(a in 0i128..=i128::MAX, s in 0u32..127) {
            let a = a >> s;
            let r = sqrt(a).unwrap().cast_unsigned();
            let target = ((a >> 64).cast_unsigned(), a.cast_unsigned() << 64);
            // (r - 1/2)^2 <= a·2^64 <= (r + 1/2)^2
            prop_assert!(wide_product(r, r + 1) >= target);
            prop_assert!(r == 0 || wide_product(r, r - 1) < target);
        }

        #[test]
        fn logarithms_undo_exponentials(a in -20i128 * ONE..40 * ONE) {
            let e = exp(a).unwrap();
            // An error of half a unit in e moves the logarithm by 1/e.
            let allowed = 2 + (ONE / e).max(0);
            prop_assert!((ln(e).unwrap() - a).abs() <= allowed);
        }

        #[test]
        fn floats_agree(x in -30.0f64..40.0) {
            let a = (x * 2f64.powi(64)) as i128;
            let e = exp(a).unwrap() as f64 / 2f64.powi(64);
            prop_assert!((e - x.exp()).abs() <= x.exp() * 1e-14 + 1e-19);
        }

        #[test]
        fn scaling_is_nearest(a in -1i128 << 100..1 << 100, bits in 0i128..64) {
            let r = scale_up(a, bits).unwrap();
            let error = a - (r << (64 - bits));
            prop_assert!(2 * error.abs() <= 1 << (64 - bits));
            prop_assert_eq!(scale_down(r, bits), Some(r << (64 - bits)));
        }
    }
}
