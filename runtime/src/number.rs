//! Numbers of files: decimal text and floats to integers or to units of 2^-64, rounded once, to
//! nearest; and units of 2^-64 to text that reads back.

/// Why a text is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// It is not a number.
    Malformed,
    /// NaN or an infinity.
    NotFinite,
    /// It has a fraction where an integer is needed.
    Fraction,
    /// It does not fit the widest representation.
    Range,
}

impl std::fmt::Display for NumberError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a number",
            Self::NotFinite => "not a finite number",
            Self::Fraction => "a fraction where an integer is needed",
            Self::Range => "out of range",
        })
    }
}

/// A decimal number taken apart: value = (digits, read as an integer) * 10^exponent.
struct Decimal<'t> {
    negative: bool,
    whole: &'t [u8],
    part: &'t [u8],
    exponent: i64,
}

fn take_apart(text: &str) -> Result<Decimal<'_>, NumberError> {
    let bytes = text.as_bytes();
    let (negative, bytes) = match bytes.first() {
        Some(b'-') => (true, &bytes[1..]),
        Some(b'+') => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole_end = digits(bytes);
    let (whole, mut rest) = bytes.split_at(whole_end);
    let mut part: &[u8] = &[];
    if let Some((b'.', after)) = rest.split_first() {
        let end = digits(after);
        (part, rest) = after.split_at(end);
    }
    if whole.is_empty() && part.is_empty() {
        let name = text.trim_start_matches(['-', '+']).to_ascii_lowercase();
        return Err(match name.as_str() {
            "nan" | "inf" | "infinity" => NumberError::NotFinite,
            _ => NumberError::Malformed,
        });
    }
    let mut exponent = 0i64;
    if let Some((b'e' | b'E', after)) = rest.split_first() {
        let after = std::str::from_utf8(after).map_err(|_| NumberError::Malformed)?;
        let digits = after.strip_prefix(['-', '+']).unwrap_or(after);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberError::Malformed);
        }
        // A huge exponent saturates: the value is then 0 or out of range all the same.
        let size = digits.parse::<i64>().unwrap_or(i64::MAX / 4).min(1 << 40);
        exponent = if after.starts_with('-') { -size } else { size };
        rest = &[];
    }
    if !rest.is_empty() {
        return Err(NumberError::Malformed);
    }
    Ok(Decimal {
        negative,
        whole,
        part,
        exponent,
    })
}

/// The value in units of 2^-64, nearest, ties away from zero.
///
/// # Errors
/// The text is no such number.
pub fn fixed(text: &str) -> Result<i128, NumberError> {
    let decimal = take_apart(text)?;
    let magnitude = if decimal.exponent == 0 {
        magnitude(decimal.whole, decimal.part)?
    } else {
        let (whole, part) = shifted(&decimal)?;
        magnitude(&whole, &part)?
    };
    signed(magnitude, decimal.negative)
}

/// The least value has no positive counterpart.
fn signed(magnitude: u128, negative: bool) -> Result<i128, NumberError> {
    let value = match negative {
        true => 0i128.checked_sub_unsigned(magnitude),
        false => i128::try_from(magnitude).ok(),
    };
    value.ok_or(NumberError::Range)
}

/// The integer, which may be written with a zero fraction or an exponent.
///
/// # Errors
/// The text is no such number.
pub fn integer(text: &str) -> Result<i128, NumberError> {
    let decimal = take_apart(text)?;
    if decimal.is_zero() {
        return Ok(0);
    }
    if decimal.point() < LEAST {
        return Err(NumberError::Fraction);
    }
    let (whole, part) = shifted(&decimal)?;
    if part.iter().any(|digit| *digit != b'0') {
        return Err(NumberError::Fraction);
    }
    let magnitude = whole.iter().try_fold(0u128, |n, digit| {
        n.checked_mul(10)?.checked_add(u128::from(digit - b'0'))
    });
    signed(magnitude.ok_or(NumberError::Range)?, decimal.negative)
}

/// With the point so many digits before the first, a value is far below half of 2^-64.
const LEAST: i64 = -400;

impl Decimal<'_> {
    fn is_zero(&self) -> bool {
        let mut digits = self.whole.iter().chain(self.part);
        digits.all(|digit| *digit == b'0')
    }

    /// How many digits are before the point once the exponent is applied.
    fn point(&self) -> i64 {
        self.whole.len() as i64 + self.exponent
    }
}

/// Digits before and after the point once the exponent is applied.
fn shifted(decimal: &Decimal<'_>) -> Result<(Vec<u8>, Vec<u8>), NumberError> {
    let all: Vec<u8> = [decimal.whole, decimal.part].concat();
    let Some(first) = all.iter().position(|digit| *digit != b'0') else {
        return Ok((Vec::new(), Vec::new()));
    };
    let point = decimal.point();
    // Beyond these the value exceeds 2^127, or is far below half of 2^-64.
    if point - first as i64 > 40 {
        return Err(NumberError::Range);
    }
    if point < LEAST {
        return Ok((Vec::new(), Vec::new()));
    }
    let digit = |at: i64| {
        usize::try_from(at)
            .ok()
            .and_then(|at| all.get(at).copied())
            .unwrap_or(b'0')
    };
    let whole = (0..point.max(0)).map(digit).collect();
    let part = (point..(all.len() as i64).max(point)).map(digit).collect();
    Ok((whole, part))
}

fn magnitude(whole: &[u8], part: &[u8]) -> Result<u128, NumberError> {
    let mut integer = 0u128;
    for digit in whole {
        integer = integer * 10 + u128::from(digit - b'0');
        if integer > 1 << 63 {
            return Err(NumberError::Range);
        }
    }
    let fraction = fraction(part);
    Ok((integer << 64) + fraction)
}

/// 0.d1d2d3… in units of 2^-64, 0 ..= 2^64.
fn fraction(digits: &[u8]) -> u128 {
    if digits.len() <= 19 {
        let (value, scale) = digits.iter().fold((0u128, 1u128), |(value, scale), digit| {
            (value * 10 + u128::from(digit - b'0'), scale * 10)
        });
        // value < scale <= 10^19 < 2^64, so nothing here overflows.
        let scaled = value << 64;
        let (quotient, rest) = (scaled / scale, scaled % scale);
        return quotient + u128::from(2 * rest >= scale);
    }
    // Doubling the decimal 64 times yields the bits, once more the rounding.
    let mut digits: Vec<u8> = digits.iter().map(|digit| digit - b'0').collect();
    let mut double = || {
        let mut carry = 0;
        for digit in digits.iter_mut().rev() {
            let twice = *digit * 2 + carry;
            *digit = twice % 10;
            carry = twice / 10;
        }
        u128::from(carry)
    };
    let bits = (0..64).fold(0u128, |bits, _| bits << 1 | double());
    bits + double()
}

/// A float in units of 2^-64.
///
/// # Errors
/// It is not finite or too large.
pub fn fixed_from_f64(value: f64) -> Result<i128, NumberError> {
    if !value.is_finite() {
        return Err(NumberError::NotFinite);
    }
    // The product with a power of two is exact; rounding and conversion are exact below 2^127.
    let scaled = (value * 18_446_744_073_709_551_616.0).round();
    whole(scaled)
}

/// An integer-valued float, where it is one of those integers.
fn whole(value: f64) -> Result<i128, NumberError> {
    const END: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if !(-END..END).contains(&value) {
        return Err(NumberError::Range);
    }
    Ok(value as i128)
}

/// An integer-valued float.
///
/// # Errors
/// It is not finite, has a fraction, or is too large.
pub fn integer_from_f64(value: f64) -> Result<i128, NumberError> {
    if !value.is_finite() {
        return Err(NumberError::NotFinite);
    }
    if value.fract() != 0.0 {
        return Err(NumberError::Fraction);
    }
    whole(value)
}

/// The nearest float of a value in units of 2^-64.
pub fn to_f64(value: i128) -> f64 {
    // The conversion rounds once; the quotient by a power of two is exact.
    value as f64 / 18_446_744_073_709_551_616.0
}

/// A value in units of 2^-64, rounded to so many decimals, at most 64; a tie goes to the even digit.
pub fn rounded(value: i128, decimals: usize) -> String {
    let (mut digits, point) = digits(value);
    let point = point + usize::from(cut(&mut digits, point + decimals));
    let text: String = digits.into_iter().map(char::from).collect();
    let (whole, part) = text.split_at(point);
    let sign = if value < 0 { "-" } else { "" };
    match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

/// A value in units of 2^-64, rounded to so many significant digits, one before the point, with a power of ten.
pub fn scientific(value: i128, significant: usize) -> String {
    let (mut digits, point) = digits(value);
    let Some(first) = digits.iter().position(|digit| *digit != b'0') else {
        return "0e0".to_owned();
    };
    let point = point + usize::from(cut(&mut digits, first + significant));
    // Nines may have become a one before them.
    let first = digits.iter().position(|digit| *digit != b'0');
    let first = first.unwrap_or_default();
    let exponent = point as i64 - 1 - first as i64;
    let mut kept = digits.split_off(first);
    kept.resize(significant, b'0');
    let text: String = kept.into_iter().map(char::from).collect();
    let (one, rest) = text.split_at(1);
    let sign = if value < 0 { "-" } else { "" };
    match rest {
        "" => format!("{sign}{one}e{exponent}"),
        rest => format!("{sign}{one}.{rest}e{exponent}"),
    }
}

/// All digits of a magnitude in units of 2^-64, and how many of them are before the point.
fn digits(value: i128) -> (Vec<u8>, usize) {
    let magnitude = value.unsigned_abs();
    let mut digits = (magnitude >> 64).to_string().into_bytes();
    let point = digits.len();
    let mut rest = magnitude & u128::from(u64::MAX);
    for _ in 0..64 {
        rest *= 10;
        digits.push(b'0' + (rest >> 64) as u8);
        rest &= u128::from(u64::MAX);
    }
    (digits, point)
}

/// Rounds to the first `keep` digits; whether there is one more before them.
fn cut(digits: &mut Vec<u8>, keep: usize) -> bool {
    let Some((next, rest)) = digits.get(keep..).and_then(<[u8]>::split_first) else {
        return false;
    };
    let beyond = rest.iter().any(|digit| *digit != b'0');
    let odd = keep.checked_sub(1).and_then(|at| digits.get(at));
    let odd = odd.is_some_and(|digit| digit % 2 == 1);
    let up = match next {
        b'6'.. => true,
        b'5' => beyond || odd,
        _ => false,
    };
    digits.truncate(keep);
    if !up {
        return false;
    }
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
    true
}

/// The shortest decimal that [`fixed`] reads back as this value in units of 2^-64.
///
/// Digits are generated until what is left is nearer to the value than to its neighbours (Steele
/// and White, PLDI 1990).
pub fn decimal(value: i128) -> String {
    const ONE: u128 = 1 << 65;
    let magnitude = value.unsigned_abs();
    let mut text = String::new();
    if value < 0 {
        text.push('-');
    }
    text.push_str(&(magnitude >> 64).to_string());
    // In halves of a unit; a decimal that differs by less than `reach` is read as the value.
    let mut rest = (magnitude << 1) & (ONE - 1);
    let mut reach = 1u128;
    if rest == 0 {
        return text;
    }
    text.push('.');
    loop {
        rest *= 10;
        reach *= 10;
        let mut digit = (rest / ONE) as u8;
        rest %= ONE;
        // A tie is read away from zero: the lower end of the interval belongs to it.
        let (down, up) = (rest <= reach, rest + reach > ONE);
        if up && (!down || rest > ONE / 2) {
            digit += 1;
        }
        text.push(char::from(b'0' + digit));
        if down || up {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimals_read_back(value: i128, fraction in 0u32..64) {
            for value in [value, value >> fraction, value >> 63, value >> fraction << fraction] {
                prop_assert_eq!(fixed(&decimal(value)), Ok(value), "{}", decimal(value));
            }
        }

        #[test]
        fn long_and_short_fractions_agree(digits in "[0-9]{1,19}") {
            let zeros = "0".repeat(25);
            let long = format!("0.{digits}{zeros}");
            prop_assert_eq!(fixed(&format!("0.{digits}")), fixed(&long));
        }

        /// What 53 bits hold, the standard library rounds in the same way.
        #[test]
        fn rounding_is_that_of_floats(bits in -1i64 << 53..1 << 53, fraction in 1u32..64, decimals in 0usize..20) {
            let value = i128::from(bits) << (64 - fraction);
            let float = to_f64(value);
            prop_assert_eq!(rounded(value, decimals), format!("{float:.decimals$}"));
            prop_assume!(bits != 0);
            prop_assert_eq!(scientific(value, decimals + 1), format!("{float:.decimals$e}"));
        }

        #[test]
        fn reading_never_panics(text in "[-+.eE0-9]{0,40}") {
            let _ = (fixed(&text), integer(&text));
        }
    }

    const ONE: i128 = 1 << 64;

    #[test]
    fn decimals_are_rounded_once() {
        assert_eq!(fixed("0.5"), Ok(ONE / 2));
        assert_eq!(fixed("-3850.50"), Ok(-(3850 * ONE + ONE / 2)));
        assert_eq!(fixed("1e3"), Ok(1000 * ONE));
        assert_eq!(fixed("12.5e-1"), Ok(ONE + ONE / 4));
        assert_eq!(fixed(".25"), Ok(ONE / 4));
        assert_eq!(fixed("0.1"), Ok(1_844_674_407_370_955_162));
        assert_eq!(fixed("0.10000000000000000000000000"), fixed("0.1"));
        assert_eq!(fixed("5.421010862427522170037e-20"), Ok(1));
        assert_eq!(fixed("1e-400000000000000000000"), Ok(0));
        assert_eq!(fixed("0e999999999999999999999"), Ok(0));
        assert_eq!(fixed("0.99999999999999999999999999"), Ok(ONE));
    }

    #[test]
    fn what_is_no_number_says_why() {
        for text in [
            "", "-", ".", "abc", "1.2.3", "1e", "1e+", "0x10", "1 2", "--1", "é",
        ] {
            assert_eq!(fixed(text), Err(NumberError::Malformed), "{text}");
        }
        for text in ["nan", "NaN", "-inf", "Infinity"] {
            assert_eq!(fixed(text), Err(NumberError::NotFinite), "{text}");
        }
        assert_eq!(fixed("9223372036854775808"), Err(NumberError::Range));
        assert_eq!(fixed("1e999999999999999999999"), Err(NumberError::Range));
        assert_eq!(integer("1.5"), Err(NumberError::Fraction));
    }

    #[test]
    fn decimals_are_short() {
        assert_eq!(decimal(0), "0");
        assert_eq!(decimal(-3 * ONE / 2), "-1.5");
        assert_eq!(decimal(ONE - 1), "0.99999999999999999995");
        assert_eq!(decimal(1), "0.00000000000000000005");
        for text in [
            "0.1",
            "0.3",
            "-17.005",
            "1234567.0001",
            "0.0000152587890625",
        ] {
            assert_eq!(fixed(text).map(decimal).as_deref(), Ok(text));
        }
    }

    #[test]
    fn floats_are_exact() {
        assert_eq!(fixed_from_f64(0.1), Ok(1_844_674_407_370_955_264));
        assert_eq!(fixed_from_f64(-2.5), Ok(-5 * ONE / 2));
        assert_eq!(fixed_from_f64(f64::NAN), Err(NumberError::NotFinite));
        assert_eq!(fixed_from_f64(1e30), Err(NumberError::Range));
        assert_eq!(integer_from_f64(3.5), Err(NumberError::Fraction));
    }

    #[test]
    fn integers_may_be_written_as_floats_are() {
        assert_eq!(integer("42"), Ok(42));
        assert_eq!(integer("-4.20e1"), Ok(-42));
        assert_eq!(integer("7.0"), Ok(7));
        assert_eq!(integer("1e39"), Err(NumberError::Range));
    }

    #[test]
    fn the_least_is_one_too() {
        let least = i128::MIN.to_string();
        assert_eq!(integer(&least), Ok(i128::MIN));
        assert_eq!(integer(&least[1..]), Err(NumberError::Range));
        assert_eq!(integer(&i128::MAX.to_string()), Ok(i128::MAX));
        assert_eq!(fixed("-9223372036854775808"), Ok(i128::MIN));
        assert_eq!(fixed("9223372036854775808"), Err(NumberError::Range));
        assert_eq!(fixed("-9223372036854775808.5"), Err(NumberError::Range));
        assert_eq!(integer_from_f64(i128::MIN as f64), Ok(i128::MIN));
        assert_eq!(
            integer_from_f64(-(i128::MIN as f64)),
            Err(NumberError::Range)
        );
    }

    /// However small a fraction is, it is none of an integer.
    #[test]
    fn a_small_fraction_is_no_integer() {
        for text in [
            "1e-1",
            "1e-1000",
            "-123456789e-1000",
            "1e-99999999999999999999",
            "0.5e-500",
        ] {
            assert_eq!(integer(text), Err(NumberError::Fraction), "{text}");
        }
        for text in ["0e-1000", "0.000e-99999999999999999999", "-0"] {
            assert_eq!(integer(text), Ok(0), "{text}");
        }
    }

    #[test]
    fn digits_come_from_the_integer() {
        // Beyond 53 bits a float has others.
        let value = fixed("70368744177663.98").unwrap();
        assert_eq!(rounded(value, 5), "70368744177663.98000");
        assert_eq!(rounded(-value, 1), "-70368744177664.0");
        assert_eq!(rounded(ONE / 2, 0), "0");
        assert_eq!(rounded(3 * ONE / 2, 0), "2");
        assert_eq!(rounded(ONE / 64, 5), "0.01562");
        assert_eq!(rounded(10 * ONE - 1, 3), "10.000");
        assert_eq!(scientific(value, 10), "7.036874418e13");
        assert_eq!(scientific(-(ONE / 1_000_000), 4), "-1.000e-6");
        assert_eq!(scientific(10 * ONE - 1, 3), "1.00e1");
        assert_eq!(scientific(ONE - 1, 3), "1.00e0");
    }
}
