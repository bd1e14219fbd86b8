//! Values for people to read: elements, and tensors as tables.

use std::fmt::Write as _;

use smpc_ir::share::Type;

use crate::number::{rounded, scientific};

/// Lines of a tensor, and characters of a line.
const MOST_LINES: usize = 40;
const LINE_WIDTH: usize = 96;

/// Digits in groups of three.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A time with its unit.
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{:.0} min {:.0} s",
            (seconds / 60.0).floor(),
            seconds % 60.0
        )
    }
}

/// A tensor of these lengths, in row-major order: on one line if it fits, else as a table. Long ones
/// are cut in the middle. `text`: its bits are characters.
pub fn value(shape: &[usize], values: &[i128], ty: Type, text: bool) -> String {
    let cells: Vec<String> = values.iter().map(|v| element(*v, ty, text)).collect();
    match shape {
        [] => cells.into_iter().next().unwrap_or_default(),
        [_] => cut(&wrapped(&cells)),
        [.., columns] => cut(&table(&cells, *columns)),
    }
}

/// Cells in columns of one width, as many as fit a line.
fn wrapped(cells: &[String]) -> Vec<String> {
    let widest = cells.iter().map(|c| c.chars().count()).max().unwrap_or(1);
    let plain: usize = cells.iter().map(|c| c.chars().count() + 2).sum();
    if plain <= LINE_WIDTH {
        return vec![format!("[{}]", cells.join(", "))];
    }
    let per_line = (LINE_WIDTH / (widest + 2)).max(1);
    table(cells, per_line)
}

fn table(cells: &[String], columns: usize) -> Vec<String> {
    let widest = cells.iter().map(|c| c.chars().count()).max().unwrap_or(1);
    let shown = columns.min((LINE_WIDTH / (widest + 2)).max(1));
    cells
        .chunks(columns.max(1))
        .map(|row| {
            let mut line = String::new();
            for cell in row.iter().take(shown) {
                let _ = write!(line, "  {cell:>widest$}");
            }
            if row.len() > shown {
                let _ = write!(line, "  ... {} more", row.len() - shown);
            }
            line
        })
        .collect()
}

fn cut(lines: &[String]) -> String {
    if lines.len() <= MOST_LINES {
        return lines.join("\n");
    }
    let half = MOST_LINES / 2;
    let hidden = lines.len() - 2 * half;
    let mut kept: Vec<String> = lines.iter().take(half).cloned().collect();
    kept.push(format!("  ... {hidden} more lines"));
    kept.extend(lines.iter().skip(half + hidden).cloned());
    kept.join("\n")
}

/// An element: an integer, bits, or units of 2^-64. Bits that are `text` are characters, in quotes with the escapes of
/// Rust where they could be taken for something else or hide something.
pub fn element(value: i128, ty: Type, text: bool) -> String {
    match ty {
        Type::Int => value.to_string(),
        Type::Fix(fraction) => readable(value, fraction),
        Type::Bits(1) => if value == 0 { "false" } else { "true" }.to_owned(),
        Type::Bits(width) => match text.then(|| characters(value, width)).flatten() {
            Some(text) if is_plain(&text) => text,
            Some(text) => format!("{text:?}"),
            None => hexadecimal(value, width),
        },
    }
}

/// All digits of so many bits.
pub(crate) fn hexadecimal(value: i128, width: u8) -> String {
    let digits = usize::from(width).div_ceil(4);
    format!("0x{value:0digits$x}")
}

/// The bytes of a text, first in the highest bits, without the zeros that fill it.
pub(crate) fn bytes_of(value: i128, width: u8) -> Vec<u8> {
    let count = usize::from(width / 8).min(16);
    let mut bytes = value.to_be_bytes()[16 - count..].to_vec();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

/// None if it is none that a file could hold: no UTF-8, or with zeros inside. Written as a number
/// such a value is longer than its type, and so never taken for another text.
pub(crate) fn characters(value: i128, width: u8) -> Option<String> {
    let text = String::from_utf8(bytes_of(value, width)).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// Whether a text needs no quotes among others.
fn is_plain(text: &str) -> bool {
    let harmless =
        |c: char| !c.is_control() && !"\",[]()".contains(c) && c.escape_debug().len() == 1;
    let known = text.starts_with("0x") || text == "true" || text == "false";
    !text.is_empty() && text.trim() == text && !known && text.chars().all(harmless)
}

/// As many digits as the type resolves; a clear value finer than its type's unit keeps ten
/// significant digits.
fn readable(value: i128, fraction: u8) -> String {
    let coarse = fraction < 64 && value & ((1i128 << (64 - fraction)) - 1) == 0;
    if coarse {
        // 2^-f is told apart by this many decimals: f log10(2), rounded up.
        let decimals = (f64::from(fraction) * std::f64::consts::LOG10_2).ceil() as usize;
        return trimmed(&rounded(value, decimals));
    }
    let text = scientific(value, 10);
    let exponent = text.split_once('e').map(|(_, exponent)| exponent.parse());
    if let Some(Ok(magnitude @ -5..10)) = exponent {
        let decimals = usize::try_from(9 - magnitude).unwrap_or(0);
        trimmed(&rounded(value, decimals))
    } else {
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

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i128 = 1 << 64;

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration(0.0123), "12 ms");
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(duration(125.0), "2 min 5 s");
    }

    #[test]
    fn digits_follow_the_resolution() {
        assert_eq!(readable(ONE * 455, 16), "455");
        assert_eq!(readable(ONE / 2, 16), "0.5");
        assert_eq!(readable((41313 * ONE / 10) >> 48 << 48, 16), "4131.29999");
        assert_eq!(readable(ONE / 3, 16), "0.3333333333");
        assert_eq!(readable(-(ONE / 65536), 16), "-0.00002");
        assert_eq!(readable(ONE / 1_000_000, 16), "1e-6");
        assert_eq!(readable(0, 16), "0");
        assert_eq!(readable(-1, 64), "-5.421010862e-20");
    }

    /// A float has 53 bits.
    #[test]
    fn digits_are_those_of_the_value() {
        let read = |text| crate::number::fixed(text).unwrap();
        assert_eq!(
            readable(read("70368744177663.98") >> 48 << 48, 16),
            "70368744177663.98"
        );
        let fine = read("16777214.246913578024");
        assert_eq!(readable(fine >> 24 << 24, 40), "16777214.2469135780239");
        assert_eq!(readable(read("9999999999.99999"), 16), "1e10");
    }

    #[test]
    fn bits_are_text_only_where_the_script_says_so() {
        let bits = |value, width| element(value, Type::Bits(width), false);
        assert_eq!(bits(0x6162_0000, 32), "0x61620000");
        assert_eq!(bits(0, 32), "0x00000000");
        assert_eq!(bits(5, 7), "0x05");
        let text = |value| element(value, Type::Bits(32), true);
        assert_eq!(text(0x6162_0000), "ab");
        assert_eq!(text(0x6120_6200), "a b");
        assert_eq!(text(0), "\"\"");
        assert_eq!(text(0x610a_6200), "\"a\\nb\"");
        assert_eq!(text(0x2061_0000), "\" a\"");
        assert_eq!(text(0x3078_3431), "\"0x41\"");
        assert_eq!(text(0x612c_6200), "\"a,b\"");
        assert_eq!(text(0xe280_ae00), "\"\\u{202e}\"");
        // no text that a file could hold
        assert_eq!(text(0x0061_6200), "0x00616200");
        assert_eq!(text(0xff00_0000), "0xff000000");
    }

    #[test]
    fn tensors_are_lists_and_tables() {
        let shown = |shape: &[usize], values: &[i128]| value(shape, values, Type::Int, false);
        assert_eq!(shown(&[], &[-5]), "-5");
        assert_eq!(shown(&[2], &[1, 2]), "[1, 2]");
        assert_eq!(shown(&[0], &[]), "[]");
        assert_eq!(shown(&[2, 2], &[1, 2, 3, -4]), "   1   2\n   3  -4");
        let long = shown(&[1000, 1], &[7; 1000]);
        assert!(long.lines().count() == 41 && long.contains("960 more lines"));
    }
}
