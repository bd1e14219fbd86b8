//! Values for people to read: elements, and tensors as tables.

use std::fmt::Write as _;

use smpc_ir::share::Type;

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
/// are cut in the middle.
pub fn value(shape: &[usize], values: &[i128], ty: Type) -> String {
    let cells: Vec<String> = values.iter().map(|v| element(*v, ty)).collect();
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

/// An element: an integer, bits, or units of 2^-64.
pub fn element(value: i128, ty: Type) -> String {
    match ty {
        Type::Int => value.to_string(),
        Type::Fix(fraction) => readable(value, fraction),
        Type::Bits(1) => if value == 0 { "false" } else { "true" }.to_owned(),
        Type::Bits(width) => characters(value, width).unwrap_or_else(|| {
            format!("0x{value:0width$x}", width = usize::from(width).div_ceil(4))
        }),
    }
}

/// Bits read as text, if that is what they are: printable characters, then zero bytes only.
fn characters(value: i128, width: u8) -> Option<String> {
    if !width.is_multiple_of(8) {
        return None;
    }
    let count = usize::from(width / 8);
    let bytes = value.to_be_bytes();
    let bytes = bytes.get(bytes.len().checked_sub(count)?..)?;
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
    text.chars()
        .all(|c| !c.is_control())
        .then(|| text.to_owned())
}

/// As many digits as the type resolves; a clear value finer than its type's unit keeps ten
/// significant digits.
fn readable(value: i128, fraction: u8) -> String {
    let float = crate::number::to_f64(value);
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
    }

    #[test]
    fn bits_are_text_when_they_can_be() {
        assert_eq!(characters(0x6162_0000, 32).as_deref(), Some("ab"));
        assert_eq!(characters(0x0061_6200, 32), None);
        assert_eq!(characters(0, 32).as_deref(), Some(""));
        assert_eq!(characters(5, 7), None);
        assert_eq!(element(5, Type::Bits(7)), "0x05");
    }

    #[test]
    fn tensors_are_lists_and_tables() {
        let shown = |shape: &[usize], values: &[i128]| value(shape, values, Type::Int);
        assert_eq!(shown(&[], &[-5]), "-5");
        assert_eq!(shown(&[2], &[1, 2]), "[1, 2]");
        assert_eq!(shown(&[0], &[]), "[]");
        assert_eq!(shown(&[2, 2], &[1, 2, 3, -4]), "   1   2\n   3  -4");
        let long = shown(&[1000, 1], &[7; 1000]);
        assert!(long.lines().count() == 41 && long.contains("960 more lines"));
    }
}
