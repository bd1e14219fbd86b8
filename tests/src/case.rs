//! A conformance program's own comments say what it is given and what it must answer:
//! `// given PARTY/FILE [SHAPE] text: VALUES` and `// expect OUTPUT: VALUES within TOLERANCE`.

/// What a party puts in.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Whose folder.
    pub party: String,
    /// Which file of it.
    pub file: String,
    /// The column, of a table.
    pub column: Option<String>,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// One word per element.
    pub values: Vec<String>,
}

/// What must come out.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The output.
    pub name: String,
    /// All its elements, repeated outputs after each other.
    pub values: Vec<f64>,
    /// By how much an element may be off.
    pub within: f64,
    /// By which part of itself an element may be off, beside that.
    pub relative: f64,
}

/// The comments of one program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    /// Inputs.
    pub given: Vec<Given>,
    /// Outputs.
    pub expected: Vec<Expected>,
}

impl Case {
    /// Reads the comments.
    ///
    /// # Panics
    /// A comment does not have the form above: a mistake in the test.
    pub fn read(text: &str) -> Self {
        let mut case = Self::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("// given ") {
                case.given.push(given(rest));
            } else if let Some(rest) = line.strip_prefix("// expect ") {
                case.expected.push(expected(rest));
            }
        }
        case
    }
}

fn given(text: &str) -> Given {
    let (head, values) = text.split_once(": ").expect("values after a colon");
    let (head, words) = match head.strip_suffix(" text") {
        Some(head) => (head, values.split('|').map(str::to_owned).collect()),
        None => (head, values.split_whitespace().map(str::to_owned).collect()),
    };
    let (place, shape) = match head.split_once(" [") {
        Some((place, dims)) => {
            let dims = dims.strip_suffix(']').expect("a closing bracket");
            let dims = dims
                .split(',')
                .map(|n| n.parse().expect("a length"))
                .collect();
            (place, dims)
        }
        None => (head, Vec::new()),
    };
    let (party, file) = place.split_once('/').expect("PARTY/FILE");
    let (file, column) = match file.split_once('.') {
        Some((file, column)) => (file, Some(column.to_owned())),
        None => (file, None),
    };
    Given {
        party: party.to_owned(),
        file: file.to_owned(),
        column,
        shape,
        values: words,
    }
}

fn expected(text: &str) -> Expected {
    let (name, rest) = text.split_once(": ").expect("values after a colon");
    let (rest, relative) = match rest.split_once(" relative ") {
        Some((rest, part)) => (rest, part.parse().expect("a number")),
        None => (rest, 0.0),
    };
    let (values, within) = match rest.split_once(" within ") {
        Some((values, within)) => (values, within.parse().expect("a number")),
        None => (rest, 0.0),
    };
    Expected {
        name: name.to_owned(),
        values: values
            .split_whitespace()
            .map(|v| v.parse().expect("a number"))
            .collect(),
        within,
        relative,
    }
}

/// A decimal number in units of 2^-64, rounded down.
///
/// # Panics
/// It is no decimal number, or beyond 2^31: a mistake in the test.
pub fn fixed(text: &str) -> i128 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let unit = 10i128.pow(part.len() as u32);
    let scaled: i128 = format!("{whole}{part}").parse().expect("a decimal number");
    let magnitude = ((scaled / unit) << 64) + ((scaled % unit) << 64) / unit;
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_read() {
        let case = Case::read("// given a/x [2]: 1 -2\n// expect s: 0.5 1 within 0.1\nparty a;");
        assert_eq!(case.given[0].values, ["1", "-2"]);
        assert_eq!(case.given[0].shape, [2]);
        assert_eq!(case.expected[0].values, [0.5, 1.0]);
        assert_eq!(case.expected[0].within, 0.1);
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(fixed("1.5"), 3 << 63);
        assert_eq!(fixed("-0.25"), -(1 << 62));
    }
}
