//! Input files of a compiled program: CSV, plain values for tensors, a header and columns for
//! tables. The checks that name every flaw are those of the compiler's own command; here the first
//! flaw ends the run.

use std::fs;
use std::path::Path;

use smpc_ir::party::Elem;

use crate::command::{Description, Input, folder};
use crate::number;
use crate::tensor::Tensor;

/// Reads every input.
pub(crate) fn read(description: &Description, inputs: &Path) -> Result<Vec<Tensor>, String> {
    let one = |input: &Input| {
        let party = description.parties.get(input.party).copied().unwrap_or("");
        let path = folder(inputs, party).join(format!("{}.csv", input.file));
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        parse(&text, input).map_err(|e| format!("{}: {e}", path.display()))
    };
    description.inputs.iter().map(one).collect()
}

/// Rows of fields; a field in quotes may hold commas, line breaks and doubled quotes.
fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rows, mut row, mut field) = (vec![], vec![], String::new());
    let (mut quoted, mut any) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => (quoted, any) = (true, true),
            ',' if !quoted => {
                row.push(std::mem::take(&mut field));
                any = true;
            }
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                if any || !field.is_empty() {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                any = false;
            }
            _ => field.push(c),
        }
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    if any || !field.is_empty() {
        row.push(field);
        rows.push(row);
    }
    Ok(rows)
}

fn parse(text: &str, input: &Input) -> Result<Tensor, String> {
    let mut rows = rows(text)?;
    let mut first = 1;
    if let Some(name) = input.column {
        if rows.is_empty() {
            return Err("the file has no header".into());
        }
        let header = rows.remove(0);
        first = 2;
        let place = |wanted: &str| header.iter().position(|h| h.trim() == wanted);
        let columns: Vec<usize> = if input.rank > input.table_rank {
            (0..)
                .map_while(|i| place(&format!("{name}[{i}]")))
                .collect()
        } else {
            place(name).into_iter().collect()
        };
        if columns.is_empty() {
            return Err(format!("there is no column `{name}`"));
        }
        for row in &mut rows {
            *row = columns
                .iter()
                .filter_map(|at| row.get(*at).cloned())
                .collect();
        }
    }
    let (height, width) = (rows.len(), rows.first().map_or(0, Vec::len));
    if let Some(at) = rows.iter().position(|row| row.len() != width) {
        return Err(format!(
            "row {}: the first row has {width} values",
            at + first
        ));
    }
    let shape = match input.rank {
        2 => vec![height, width],
        1 if input.column.is_some() && input.table_rank == 1 => vec![height],
        1 if width == 1 => vec![height],
        1 if height == 1 => vec![width],
        0 if (height, width) == (1, 1) => vec![],
        rank => {
            return Err(format!(
                "{height} rows of {width} values are no tensor with {rank} axes"
            ));
        }
    };
    let mut values = vec![];
    for (at, row) in rows.iter().enumerate() {
        for field in row {
            values.push(
                element(field, input).map_err(|e| format!("row {}: `{field}`: {e}", at + first))?,
            );
        }
    }
    Tensor::from_i128s(input.elem, &shape, &values).map_err(|e| e.to_string())
}

fn element(raw: &str, input: &Input) -> Result<i128, String> {
    let text = raw.trim();
    let range = || number::NumberError::Range.to_string();
    match input.elem {
        Elem::Bits(m) if input.text => {
            let most = usize::from(m / 8);
            if raw.len() > most || raw.contains('\0') {
                return Err(format!("text has at most {most} bytes, none of them zero"));
            }
            let padded = raw.bytes().chain(std::iter::repeat(0)).take(most);
            Ok(padded
                .fold(0u128, |bits, byte| bits << 8 | u128::from(byte))
                .cast_signed())
        }
        Elem::Bits(1) => match text {
            "0" | "false" => Ok(0),
            "1" | "true" => Ok(1),
            _ => Err("no truth value".into()),
        },
        Elem::Bits(m) => {
            let value = if let Some(digits) = text.strip_prefix("0x") {
                u128::from_str_radix(digits, 16)
            } else if let Some(digits) = text.strip_prefix("0b") {
                u128::from_str_radix(digits, 2)
            } else {
                text.parse()
            };
            let value = value.map_err(|e| e.to_string())?;
            if m < 128 && value >> m != 0 {
                Err(range())
            } else {
                Ok(value.cast_signed())
            }
        }
        Elem::Ring(k) => {
            let value = number::integer(text).map_err(|e| e.to_string())?;
            let unused = 128 - u32::from(k);
            if value << unused >> unused == value {
                Ok(value)
            } else {
                Err(range())
            }
        }
        Elem::Fix => number::fixed(text).map_err(|e| e.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Input = Input {
        party: 0,
        file: "x",
        column: None,
        elem: Elem::Fix,
        text: false,
        rank: 1,
        table_rank: 0,
    };

    #[test]
    fn tensors_and_columns() {
        let list = parse("1.5\n-2\n", &PLAIN).unwrap();
        assert_eq!(
            (list.shape(), list.to_i128s()),
            (&[2][..], vec![3 << 63, -2 << 64])
        );
        let words = Input {
            column: Some("b"),
            elem: Elem::Bits(16),
            text: true,
            table_rank: 1,
            ..PLAIN
        };
        let table = parse("a,b\r\n1,\"x\"\r\n2,\",\"\r\n", &words).unwrap();
        assert_eq!(table.to_i128s(), [0x7800, 0x2c00]);
        let matrix = parse(
            "1,2\n3,4",
            &Input {
                rank: 2,
                elem: Elem::Ring(64),
                ..PLAIN
            },
        )
        .unwrap();
        assert_eq!(matrix.shape(), [2, 2]);
    }

    #[test]
    fn flaws_are_told() {
        assert!(
            parse("1,2\n3", &Input { rank: 2, ..PLAIN })
                .unwrap_err()
                .contains("row 2")
        );
        assert!(parse("\"1", &PLAIN).is_err());
        let byte = Input {
            elem: Elem::Ring(8),
            ..PLAIN
        };
        assert!(parse("200", &byte).is_err());
        assert_eq!(parse("-128", &byte).unwrap().to_i128s(), [-128]);
    }
}
