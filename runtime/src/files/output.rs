//! Outputs as files: CSV, NPY or JSON that the readers of inputs take back to the same values.

use serde_json::{Map, Value};
use std::str::FromStr;

use smpc_ir::party::OutputInfo;
use smpc_ir::share::Type;

use crate::number;
use crate::show::{bytes_of, characters, hexadecimal};
use crate::tensor::Tensor;

/// A format of output files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Values separated by commas; a table has a header.
    #[default]
    Csv,
    /// NumPy's.
    Npy,
    /// Nested lists; a table is an object of lists.
    Json,
}

impl Format {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Npy => "npy",
            Self::Json => "json",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "npy" => Ok(Self::Npy),
            "json" => Ok(Self::Json),
            _ => Err(format!(
                "`{text}` is no format: there are csv, npy and json"
            )),
        }
    }
}

/// The files of what one party was handed: each output with its values, in order. Names are without
/// a folder. What was never handed out has no file. What the format cannot hold becomes JSON, which
/// holds everything: more than two axes or columns of different lengths in CSV; structs, wide
/// integers and lists of different lengths in NPY.
pub fn render(outputs: &[(OutputInfo<'_>, Vec<Tensor>)], format: Format) -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<&str> = vec![];
    for (output, _) in outputs {
        if !names.contains(&output.name) {
            names.push(output.name);
        }
    }
    let mut files = vec![];
    for name in names {
        let mut members: Vec<Member<'_>> = outputs
            .iter()
            .filter(|(output, values)| output.name == name && !values.is_empty())
            .map(|(output, values)| Member { output, values })
            .collect();
        members.sort_by_key(|m| m.output.field);
        if members.is_empty() {
            continue;
        }
        let written = match format {
            Format::Csv => csv(&members),
            Format::Npy => npy(&members),
            Format::Json => None,
        };
        let (format, bytes) = match written {
            Some(bytes) => (format, bytes),
            None => (Format::Json, json(&members)),
        };
        files.push((format!("{name}.{}", format.ending()), bytes));
    }
    files
}

/// One output, or one member of one, with its values.
struct Member<'a> {
    output: &'a OutputInfo<'a>,
    values: &'a [Tensor],
}

/// Elements with the lengths of their axes.
struct Stacked {
    shape: Vec<usize>,
    values: Vec<i128>,
}

impl Member<'_> {
    fn is_list(&self) -> bool {
        self.output.repeated || self.values.len() > 1
    }

    /// All values along a new first axis, or the only one. None if lengths differ.
    fn stacked(&self) -> Option<Stacked> {
        let first = self.values.first()?;
        if self.values.iter().any(|v| v.shape() != first.shape()) {
            return None;
        }
        let mut shape = first.shape().to_vec();
        if self.is_list() {
            shape.insert(0, self.values.len());
        }
        let values = self.values.iter().flat_map(Tensor::to_i128s).collect();
        Some(Stacked { shape, values })
    }

    /// The element as it stands in a CSV file.
    fn cell(&self, value: i128) -> String {
        match self.output.ty {
            Type::Bits(1) => if value == 0 { "0" } else { "1" }.to_owned(),
            ty => element(value, ty, self.output.text),
        }
    }
}

/// An element as text that reads back.
fn element(value: i128, ty: Type, text: bool) -> String {
    match ty {
        Type::Int => value.to_string(),
        Type::Fix(_) => number::decimal(value),
        Type::Bits(width) => text
            .then(|| characters(value, width))
            .flatten()
            .unwrap_or_else(|| hexadecimal(value, width)),
    }
}

fn csv(members: &[Member<'_>]) -> Option<Vec<u8>> {
    let stacked: Vec<Stacked> = members.iter().map(Member::stacked).collect::<Option<_>>()?;
    let mut rows: Vec<Vec<String>> = vec![];
    match (members, stacked.as_slice()) {
        ([one], [all]) if one.output.label.is_empty() => {
            let width = match all.shape.as_slice() {
                [] | [_] => 1,
                [_, width] => *width,
                _ => return None,
            };
            for row in all.values.chunks(width.max(1)) {
                rows.push(row.iter().map(|v| one.cell(*v)).collect());
            }
        }
        _ => {
            let rank = stacked.iter().map(|s| s.shape.len()).min()?;
            let height = match rank {
                0 => 1,
                1 => *stacked.first()?.shape.first()?,
                _ => return None,
            };
            let mut header = vec![];
            let mut widths = vec![];
            for (member, all) in members.iter().zip(&stacked) {
                let label = member.output.label;
                let (outer, inner) = all.shape.split_at_checked(rank)?;
                if outer.first().is_some_and(|length| *length != height) {
                    return None;
                }
                match inner {
                    [] => {
                        header.push(label.to_owned());
                        widths.push(1);
                    }
                    [0] => return None,
                    [width] => {
                        header.extend((0..*width).map(|i| format!("{label}[{i}]")));
                        widths.push(*width);
                    }
                    _ => return None,
                }
            }
            rows.push(header);
            for row in 0..height {
                let mut cells = vec![];
                for ((member, all), width) in members.iter().zip(&stacked).zip(&widths) {
                    let part = all.values.get(row * width..(row + 1) * width)?;
                    cells.extend(part.iter().map(|v| member.cell(*v)));
                }
                rows.push(cells);
            }
        }
    }
    // Blanks at the ends of a text, and what looks like a mark of the byte order, need quotes that
    // the writer would not set by itself.
    let plain = |cell: &String| cell.trim() == cell && !cell.starts_with('\u{feff}');
    let style = if rows.iter().flatten().all(plain) {
        ::csv::QuoteStyle::Necessary
    } else {
        ::csv::QuoteStyle::Always
    };
    let mut writer = ::csv::WriterBuilder::new()
        .quote_style(style)
        .from_writer(vec![]);
    for row in rows {
        writer.write_record(row).ok()?;
    }
    writer.into_inner().ok()
}

fn npy(members: &[Member<'_>]) -> Option<Vec<u8>> {
    let [one] = members else { return None };
    if !one.output.label.is_empty() {
        return None;
    }
    let Stacked { shape, values } = one.stacked()?;
    let unsigned = |bytes: usize| {
        let words = values.iter();
        words.flat_map(move |v| v.to_le_bytes().into_iter().take(bytes))
    };
    let (descr, data): (String, Vec<u8>) = match one.output.ty {
        Type::Bits(width) if one.output.text => {
            let length = usize::from(width / 8);
            let bytes = values.iter().flat_map(|v| {
                let mut bytes = bytes_of(*v, width);
                bytes.resize(length, 0);
                bytes
            });
            (format!("|S{length}"), bytes.collect())
        }
        Type::Bits(1) => ("|b1".into(), unsigned(1).collect()),
        Type::Bits(..=8) => ("|u1".into(), unsigned(1).collect()),
        Type::Bits(..=16) => ("<u2".into(), unsigned(2).collect()),
        Type::Bits(..=32) => ("<u4".into(), unsigned(4).collect()),
        Type::Bits(..=64) => ("<u8".into(), unsigned(8).collect()),
        Type::Bits(_) => return None,
        Type::Int => {
            let small = |v: &i128| i64::try_from(*v).is_ok();
            if !values.iter().all(small) {
                return None;
            }
            ("<i8".into(), unsigned(8).collect())
        }
        Type::Fix(_) => {
            let floats = values.iter().map(|v| number::to_f64(*v));
            ("<f8".into(), floats.flat_map(f64::to_le_bytes).collect())
        }
    };
    let dims: Vec<String> = shape.iter().map(|d| format!("{d},")).collect();
    let mut header = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}",
        dims.join(" ")
    );
    // With the ten bytes before it the header fills a multiple of 64, its last a line end.
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).ok()?.to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    Some(file)
}

fn json(members: &[Member<'_>]) -> Vec<u8> {
    let value = match members {
        [one] if one.output.label.is_empty() => member_json(one),
        _ => {
            let tuple = members
                .iter()
                .enumerate()
                .all(|(at, m)| m.output.label == at.to_string());
            if tuple {
                members.iter().map(member_json).collect()
            } else {
                let fields = members
                    .iter()
                    .map(|m| (m.output.label.to_owned(), member_json(m)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    };
    let mut text = value.to_string();
    text.push('\n');
    text.into_bytes()
}

fn member_json(member: &Member<'_>) -> Value {
    let OutputInfo { ty, text, .. } = *member.output;
    let one = |tensor: &Tensor| {
        let values = tensor.to_i128s();
        nested(
            tensor.shape(),
            &mut values.iter().map(|v| scalar_json(*v, ty, text)),
        )
    };
    if member.is_list() {
        member.values.iter().map(one).collect()
    } else {
        member.values.first().map_or(Value::Null, one)
    }
}

fn nested(shape: &[usize], elements: &mut dyn Iterator<Item = Value>) -> Value {
    match shape.split_first() {
        None => elements.next().unwrap_or(Value::Null),
        Some((count, rest)) => (0..*count).map(|_| nested(rest, elements)).collect(),
    }
}

fn scalar_json(value: i128, ty: Type, text: bool) -> Value {
    let shown = element(value, ty, text);
    match ty {
        Type::Bits(1) => Value::Bool(value != 0),
        Type::Bits(_) => Value::String(shown),
        Type::Int | Type::Fix(_) => match shown.parse::<serde_json::Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(shown),
        },
    }
}
