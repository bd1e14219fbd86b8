//! NumPy's `.npy`, versions 1 to 3: one array of numbers, truth values or byte strings.

use smpc_ir::share::Type;

use super::element::Element;
use super::{Array, Expected, Problem, Problems, bad_element, wrong_rank};

/// The header of a file.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    big_endian: bool,
    kind: u8,
    width: usize,
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads the one array of the file.
pub(super) fn read(
    bytes: &[u8],
    shown: &str,
    expected: &[Expected<'_>],
    problems: &mut Problems,
) -> Vec<Option<Array>> {
    let none = vec![None; expected.len()];
    let [one] = expected else {
        problems.push(
            Problem::new("I10", "a table cannot be read from `.npy`", shown)
                .help("use `.csv` with a header, or `.json`"),
        );
        return none;
    };
    let parsed = header(bytes).and_then(|(header, data)| elements(&header, data));
    match parsed {
        Ok((header, values)) => vec![array(&header, values, shown, one, problems)],
        Err(Unread::Damaged(why)) => {
            let message = format!("the file is not NumPy's format: {why}");
            let problem = Problem::new("I10", message, shown);
            problems.push(problem.help("write it with `numpy.save`"));
            none
        }
        Err(Unread::Elements(descr)) => {
            let message = format!("elements of the type `{descr}` are not read");
            let into = match one.wanted.element {
                element if element.text => "S",
                Element {
                    ty: Type::Fix(_), ..
                } => "f8",
                Element {
                    ty: Type::Bits(1), ..
                } => "?",
                _ => "i8",
            };
            let help = format!("convert them before they are saved: `x.astype(\"{into}\")`");
            problems.push(Problem::new("I10", message, shown).help(help));
            none
        }
    }
}

/// A number of the file.
enum Number {
    Float(f64),
    Integer(i128),
    Text(Vec<u8>),
}

/// Why a file is not read.
#[derive(Debug)]
enum Unread {
    /// What is wrong with its format.
    Damaged(String),
    /// Its elements have this type.
    Elements(String),
}

impl From<&str> for Unread {
    fn from(why: &str) -> Self {
        Self::Damaged(why.to_owned())
    }
}

fn header(bytes: &[u8]) -> Result<(Header, &[u8]), Unread> {
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or("it does not begin with `\\x93NUMPY`")?;
    let (version, rest) = rest.split_at_checked(2).ok_or("it ends early")?;
    let (length, rest) = match version {
        [1, _] => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or("it ends early")?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        [2 | 3, _] => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or("it ends early")?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        _ => return Err("its version is unknown".into()),
    };
    let (text, data) = rest.split_at_checked(length).ok_or("it ends early")?;
    let text = std::str::from_utf8(text).map_err(|_| "its header is not text")?;
    let value = |key: &str| {
        let quoted = format!("'{key}':");
        text.split_once(&quoted)
            .map(|(_, after)| after.trim_start())
    };
    let descr = value("descr")
        .and_then(|after| after.strip_prefix('\''))
        .and_then(|after| after.split_once('\''))
        .map(|(descr, _)| descr)
        .ok_or("its header has no simple `descr`")?;
    let fortran = value("fortran_order").is_some_and(|after| after.starts_with("True"));
    let shape = value("shape")
        .and_then(|after| after.strip_prefix('('))
        .and_then(|after| after.split_once(')'))
        .map(|(shape, _)| shape)
        .ok_or("its header has no `shape`")?;
    let shape = shape
        .split(',')
        .map(str::trim)
        .filter(|dim| !dim.is_empty())
        .map(|dim| dim.parse().map_err(|_| "its shape is not made of numbers"))
        .collect::<Result<Vec<usize>, _>>()?;
    let (order, kind_width) = match descr.as_bytes() {
        [order @ (b'<' | b'>' | b'|' | b'='), rest @ ..] => (*order, rest),
        rest => (b'<', rest),
    };
    let [kind, width @ ..] = kind_width else {
        return Err("its element type is missing".into());
    };
    let width = std::str::from_utf8(width).ok().and_then(|w| w.parse().ok());
    // Objects have none.
    let width = width.unwrap_or(0);
    match (kind, width) {
        (b'f', 4 | 8) | (b'i' | b'u', 1 | 2 | 4 | 8) | (b'b', 1) | (b'S', 1..) => {}
        _ => return Err(Unread::Elements(descr.to_owned())),
    }
    let header = Header {
        big_endian: order == b'>',
        kind: *kind,
        width,
        fortran,
        shape,
    };
    Ok((header, data))
}

fn elements(header: &Header, data: &[u8]) -> Result<(HeaderShape, Vec<Number>), Unread> {
    let count = header
        .shape
        .iter()
        .try_fold(1usize, |n, d| n.checked_mul(*d));
    let bytes = count.and_then(|count| count.checked_mul(header.width));
    if bytes != Some(data.len()) {
        return Err("its length does not match its shape".into());
    }
    let number = |chunk: &[u8]| {
        if header.kind == b'S' {
            let end = chunk.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
            return Number::Text(chunk[..end].to_vec());
        }
        let mut wide = [0u8; 8];
        for (to, from) in wide.iter_mut().zip(chunk) {
            *to = *from;
        }
        if header.big_endian
            && let Some(part) = wide.get_mut(..header.width)
        {
            part.reverse();
        }
        let raw = u64::from_le_bytes(wide);
        let bits = 8 * header.width as u32;
        match (header.kind, header.width) {
            (b'f', 4) => Number::Float(f64::from(f32::from_bits(raw as u32))),
            (b'f', _) => Number::Float(f64::from_bits(raw)),
            (b'i', _) => Number::Integer(i128::from((raw << (64 - bits)) as i64 >> (64 - bits))),
            _ => Number::Integer(i128::from(raw)),
        }
    };
    let numbers: Vec<Number> = data.chunks_exact(header.width).map(number).collect();
    Ok(((header.shape.clone(), header.fortran), numbers))
}

/// The shape, and whether the first axis is the innermost.
type HeaderShape = (Vec<usize>, bool);

fn array(
    (shape, fortran): &HeaderShape,
    numbers: Vec<Number>,
    shown: &str,
    expected: &Expected<'_>,
    problems: &mut Problems,
) -> Option<Array> {
    if shape.len() != expected.wanted.rank {
        problems.push(wrong_rank(shown, expected, shape));
        return None;
    }
    if numbers.is_empty() {
        problems.push(
            Problem::new("I02", "the array has no elements", shown)
                .help(format!("expected `{}`", expected.wanted.shown)),
        );
        return None;
    }
    let before = problems.len();
    let element: Element = expected.wanted.element;
    let mut values = Vec::with_capacity(numbers.len());
    for position in 0..numbers.len() {
        let index = unravel(position, shape);
        let at = if *fortran {
            ravel_fortran(&index, shape)
        } else {
            position
        };
        let read = match numbers.get(at) {
            Some(Number::Float(value)) => element.read_float(*value),
            Some(Number::Integer(value)) => element.read_integer(*value),
            Some(Number::Text(bytes)) => element.read_bytes(bytes),
            None => return None,
        };
        match read {
            Ok(value) => values.push(value),
            Err(flaw) => {
                let text: Vec<String> = index.iter().map(usize::to_string).collect();
                let row = format!("element [{}]", text.join(", "));
                problems.push(bad_element(&flaw, shown, row, None));
            }
        }
    }
    let shape = shape.clone();
    (problems.len() == before).then_some(Array { shape, values })
}

/// The index of a row-major position.
fn unravel(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|dim| {
            let at = position % dim.max(&1);
            position /= dim.max(&1);
            at
        })
        .collect();
    index.reverse();
    index
}

fn ravel_fortran(index: &[usize], shape: &[usize]) -> usize {
    let pairs = index.iter().zip(shape).rev();
    pairs.fold(0, |at, (i, dim)| at * dim + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Vec<i128>, Unread> {
        let (header, data) = header(bytes)?;
        let (_, numbers) = elements(&header, data)?;
        let value = |n: &Number| match n {
            Number::Float(f) => *f as i128,
            Number::Integer(i) => *i,
            Number::Text(bytes) => bytes.len() as i128,
        };
        Ok(numbers.iter().map(value).collect())
    }

    #[test]
    fn numbers_of_each_kind() {
        let floats: Vec<u8> = [1.0f64, -2.0]
            .iter()
            .flat_map(|f| f.to_le_bytes())
            .collect();
        assert_eq!(
            parse(&file("<f8", "False", "(2,)", &floats)).unwrap(),
            [1, -2]
        );
        assert_eq!(
            parse(&file("|i1", "False", "(2,)", &[255, 3])).unwrap(),
            [-1, 3]
        );
        assert_eq!(
            parse(&file("|u1", "False", "(2,)", &[255, 3])).unwrap(),
            [255, 3]
        );
        let big = parse(&file(">i2", "False", "(1,)", &[1, 2])).unwrap();
        assert_eq!(big, [258]);
        assert_eq!(parse(&file("|b1", "False", "()", &[1])).unwrap(), [1]);
    }

    #[test]
    fn broken_files_are_errors() {
        assert!(parse(b"").is_err());
        assert!(parse(b"\x93NUMPY\x01\x00\xff\xff").is_err());
        assert!(parse(&file("<f8", "False", "(2,)", &[0; 8])).is_err());
        assert!(parse(&file("<c16", "False", "(1,)", &[0; 16])).is_err());
        let huge = "(18446744073709551615, 18446744073709551615)";
        assert!(parse(&file("<f8", "False", huge, &[])).is_err());
    }

    #[test]
    fn fortran_order_is_turned() {
        assert_eq!(unravel(5, &[2, 3]), [1, 2]);
        assert_eq!(ravel_fortran(&[1, 2], &[2, 3]), 5);
        assert_eq!(ravel_fortran(&[0, 1], &[2, 3]), 2);
    }
}
