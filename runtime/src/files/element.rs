//! One element of an input: from text, from an integer, from a float.

use smpc_ir::party::Elem;
use smpc_ir::share::Type;

use crate::number::{self, NumberError};

/// How to read an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// The type of the script.
    pub ty: Type,
    /// Whether it is `text<n>`.
    pub text: bool,
    /// Width of the backend's ring; over a field, of the ring in which clear integers are.
    pub ring_bits: u8,
    /// p of a backend over a prime field, in which integers are the residues nearest 0.
    pub modulus: Option<u128>,
}

/// Why an element cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The code.
    pub code: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What was expected.
    pub expected: String,
}

impl Element {
    /// The element type of the tensor.
    pub fn elem(self) -> Elem {
        match self.ty {
            Type::Int => Elem::Ring(self.ring_bits),
            Type::Bits(width) => Elem::Bits(width),
            Type::Fix(_) => Elem::Fix,
        }
    }

    /// Reads text as found in a CSV field or a JSON string.
    ///
    /// # Errors
    /// It is no such element.
    pub fn read_text(self, raw: &str) -> Result<i128, Flaw> {
        if self.text {
            return self.characters(raw);
        }
        let text = raw.trim();
        if text.is_empty() {
            return Err(self.flaw("I04", "there is no value".into()));
        }
        match self.ty {
            Type::Fix(_) => number::fixed(text)
                .map_err(|error| self.number(error, text))
                .and_then(|value| self.within(value, text)),
            Type::Int => number::integer(text)
                .map_err(|error| self.number(error, text))
                .and_then(|value| self.within(value, text)),
            Type::Bits(1) => match (text, marked(text)) {
                ("0" | "false", _) | (_, Some(Some(0))) => Ok(0),
                ("1" | "true", _) | (_, Some(Some(1))) => Ok(1),
                _ => Err(self.flaw("I11", format!("`{}` is no truth value", brief(text)))),
            },
            Type::Bits(_) => match marked(text).unwrap_or_else(|| text.parse().ok()) {
                Some(value) => self.bits(value, text),
                None => Err(self.flaw("I04", format!("`{}` is not a number", brief(text)))),
            },
        }
    }

    /// Takes the characters of a binary file.
    pub(super) fn read_bytes(self, bytes: &[u8]) -> Result<i128, Flaw> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.read_text(text),
            Err(_) => Err(self.flaw("I12", "the text is not UTF-8".into())),
        }
    }

    /// Takes an integer of a binary file.
    pub(crate) fn read_integer(self, value: i128) -> Result<i128, Flaw> {
        let shown = value.to_string();
        match self.ty {
            Type::Fix(_) => {
                let scaled = value.checked_mul(1 << 64);
                let scaled = scaled.ok_or_else(|| self.number(NumberError::Range, &shown))?;
                self.within(scaled, &shown)
            }
            Type::Int => self.within(value, &shown),
            Type::Bits(1) if !(0..=1).contains(&value) => {
                Err(self.flaw("I11", format!("`{shown}` is no truth value")))
            }
            Type::Bits(_) => match u128::try_from(value) {
                Ok(value) => self.bits(value, &shown),
                Err(_) => Err(self.number(NumberError::Range, &shown)),
            },
        }
    }

    /// Takes a float of a binary file.
    pub(crate) fn read_float(self, value: f64) -> Result<i128, Flaw> {
        let shown = value.to_string();
        let error = |error| self.number(error, &shown);
        match self.ty {
            Type::Fix(_) => {
                let value = number::fixed_from_f64(value).map_err(error)?;
                self.within(value, &shown)
            }
            Type::Int | Type::Bits(_) => {
                self.read_integer(number::integer_from_f64(value).map_err(error)?)
            }
        }
    }

    fn bits(self, value: u128, shown: &str) -> Result<i128, Flaw> {
        let Type::Bits(width) = self.ty else {
            return Err(self.number(NumberError::Malformed, shown));
        };
        if width < 128 && value >> width != 0 {
            return Err(self.number(NumberError::Range, shown));
        }
        // All 128 bits are kept; the sign carries no meaning.
        Ok(value as i128)
    }

    /// The first character goes to the highest bits, zeros fill the rest.
    fn characters(self, text: &str) -> Result<i128, Flaw> {
        let Type::Bits(width) = self.ty else {
            return Err(self.number(NumberError::Malformed, text));
        };
        let most = usize::from(width / 8);
        if text.len() > most {
            let message = format!("`{}` has {} bytes", brief(text), text.len());
            return Err(self.flaw("I12", message));
        }
        if text.contains('\0') {
            return Err(self.flaw("I12", "the text holds a zero byte".into()));
        }
        let padded = text.bytes().chain(std::iter::repeat(0)).take(most);
        Ok(padded.fold(0u128, |bits, byte| bits << 8 | u128::from(byte)) as i128)
    }

    fn within(self, value: i128, shown: &str) -> Result<i128, Flaw> {
        let fits = match self.ty {
            Type::Int => match self.largest() {
                Some(largest) => value.unsigned_abs() <= largest,
                None => bounded(value, u32::from(self.ring_bits).saturating_sub(1)),
            },
            Type::Fix(_) => value.unsigned_abs() < 1u128 << self.fix_bits(),
            Type::Bits(_) => true,
        };
        if fits {
            Ok(value)
        } else {
            Err(self.number(NumberError::Range, shown))
        }
    }

    /// The largest magnitude of an integer of a field.
    fn largest(self) -> Option<u128> {
        Some(self.modulus? / 2)
    }

    /// Exponent of the first magnitude that is too large, in units of 2^-64.
    fn fix_bits(self) -> u32 {
        let Type::Fix(fraction) = self.ty else {
            return 127;
        };
        let whole = u32::from(self.ring_bits).saturating_sub(2 + u32::from(fraction));
        whole.min(63) + 64
    }

    fn number(self, error: NumberError, shown: &str) -> Flaw {
        let shown = brief(shown);
        match error {
            NumberError::Malformed => self.flaw("I04", format!("`{shown}` is not a number")),
            NumberError::NotFinite => self.flaw("I05", format!("`{shown}` is not finite")),
            NumberError::Fraction => self.flaw("I04", format!("`{shown}` is not an integer")),
            NumberError::Range => self.flaw("I06", format!("{shown} is out of range")),
        }
    }

    fn flaw(self, code: &'static str, message: String) -> Flaw {
        Flaw {
            code,
            message,
            expected: format!("expected {}", self.expected()),
        }
    }

    fn expected(self) -> String {
        match self.ty {
            Type::Int => match self.largest() {
                Some(largest) => format!("an integer of at least -{largest} and at most {largest}"),
                None => format!(
                    "an integer of at least -2^{0} and below 2^{0}",
                    self.ring_bits.saturating_sub(1)
                ),
            },
            Type::Fix(_) => format!(
                "a decimal number such as `-12.5`, of magnitude below 2^{}",
                self.fix_bits() - 64
            ),
            Type::Bits(bits) if self.text => format!("a text of at most {} bytes", bits / 8),
            Type::Bits(1) => "`0` or `1`".into(),
            Type::Bits(bits) => format!("a number of {bits} bits, such as `5`, `0x5` or `0b101`"),
        }
    }
}

fn bounded(value: i128, bits: u32) -> bool {
    bits >= 127 || (-(1i128 << bits)..1i128 << bits).contains(&value)
}

/// The number behind `0x` or `0b`, if there is one; nothing without such a mark.
fn marked(text: &str) -> Option<Option<u128>> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text.strip_prefix("0b")?, 2),
    };
    let digits = Some(digits).filter(|digits| !digits.starts_with('+'));
    Some(digits.and_then(|digits| u128::from_str_radix(digits, radix).ok()))
}

/// The start of a long text.
fn brief(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{start}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(ty: Type, text: bool) -> Element {
        Element {
            ty,
            text,
            ring_bits: 64,
            modulus: None,
        }
    }

    #[test]
    fn the_first_character_is_in_the_highest_bits() {
        let text = element(Type::Bits(32), true);
        assert_eq!(text.read_text("ab"), Ok(0x6162_0000));
        assert_eq!(text.read_text("abcde").map_err(|f| f.code), Err("I12"));
    }

    #[test]
    fn ranges_follow_the_ring() {
        let fix = element(Type::Fix(16), false);
        assert!(fix.read_text("70368744177663.9").is_ok());
        assert_eq!(
            fix.read_text("70368744177664").map_err(|f| f.code),
            Err("I06")
        );
        let int = element(Type::Int, false);
        assert!(int.read_text("-9223372036854775808").is_ok());
        assert_eq!(
            int.read_text("9223372036854775808").map_err(|f| f.code),
            Err("I06")
        );
    }

    #[test]
    fn integers_of_a_field_are_residues() {
        let field = Element {
            ring_bits: 31,
            modulus: Some((1 << 30) + 3),
            ..element(Type::Int, false)
        };
        let half = 1i128 << 29;
        assert_eq!(field.read_integer(half + 1), Ok(half + 1));
        assert_eq!(field.read_integer(-half - 1), Ok(-half - 1));
        // The ring of as many bits would take both.
        for value in [half + 2, -half - 2] {
            let flaw = field.read_text(&value.to_string()).unwrap_err();
            assert_eq!(flaw.code, "I06");
            assert_eq!(
                flaw.expected,
                "expected an integer of at least -536870913 and at most 536870913"
            );
        }
    }

    #[test]
    fn each_flaw_has_its_code() {
        let bit = element(Type::Bits(1), false);
        for (text, value) in [("0", 0), ("true", 1), ("0b1", 1), ("0x1", 1), ("0x00", 0)] {
            assert_eq!(bit.read_text(text), Ok(value), "{text}");
        }
        for text in ["2", "01", "+1", "0b10", "0x2", "0b", "0x+1", "0b2"] {
            let flaw = bit.read_text(text).unwrap_err();
            assert_eq!(flaw.code, "I11", "{text}");
        }
        let fix = element(Type::Fix(16), false);
        assert_eq!(fix.read_text("").map_err(|f| f.code), Err("I04"));
        assert_eq!(fix.read_text("NaN").map_err(|f| f.code), Err("I05"));
        assert_eq!(
            fix.read_float(f64::INFINITY).map_err(|f| f.code),
            Err("I05")
        );
        let byte = element(Type::Bits(8), false);
        assert_eq!(byte.read_text("0xff"), Ok(255));
        assert_eq!(byte.read_text("0b101"), Ok(5));
        assert_eq!(byte.read_text("0x+f").map_err(|f| f.code), Err("I04"));
        assert_eq!(byte.read_text("256").map_err(|f| f.code), Err("I06"));
    }
}
