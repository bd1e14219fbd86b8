//! CSV: plain values for tensors, a header and columns for structs.

use super::{Array, Expected, Problem, Problems, bad_element, describe, numeric, wrong_rank};
use csv::StringRecord;
use std::collections::BTreeMap;

/// The rows of a file with the lines they begin on.
struct Rows {
    rows: Vec<(u64, StringRecord)>,
}

/// Reads every expected column, or the one tensor.
pub(super) fn read(
    bytes: &[u8],
    shown: &str,
    expected: &[Expected<'_>],
    problems: &mut Problems,
) -> Vec<Option<Array>> {
    let Some(rows) = rows(bytes, shown, problems) else {
        return vec![None; expected.len()];
    };
    let mut header = None;
    if expected.iter().any(|e| e.wanted.column.is_some()) {
        let found = rows.rows.first().map(|(_, record)| record.clone());
        header = Some(found.unwrap_or_default());
    }
    if header
        .as_ref()
        .is_some_and(|header| !unique(header, shown, problems))
    {
        return vec![None; expected.len()];
    }
    expected
        .iter()
        .map(|e| match (&header, e.wanted.column) {
            (Some(header), Some(name)) => column(&rows, header, name, shown, e, problems),
            _ => tensor(&rows, shown, e, problems),
        })
        .collect()
}

fn rows(bytes: &[u8], shown: &str, problems: &mut Problems) -> Option<Rows> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Some(problem) = quotes(bytes, shown) {
        problems.push(problem);
        return None;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut rows = Vec::new();
    let mut line = 1;
    let mut lines = Lines::default();
    // One buffer for all rows, of which each keeps what it holds: a buffer that had to hold a long
    // row stays long, and so would every copy of it.
    let mut buffer = StringRecord::new();
    loop {
        match reader.read_record(&mut buffer) {
            Ok(false) => break,
            Ok(true) => {
                let at = buffer.position().map_or(0, csv::Position::byte);
                let (empty, own) = lines.until(bytes, usize::try_from(at).unwrap_or(0));
                line = own;
                for empty in empty {
                    problems.push(
                        Problem::new("I03", "this line is empty", shown)
                            .at_row(format!("line {empty}"))
                            .help("a missing row would shift those behind it: remove the line, or write the value (`\"\"` for an empty text)"),
                    );
                }
                rows.push((line, buffer.iter().collect()));
            }
            Err(error) => {
                line = error.position().map_or(line, csv::Position::line);
                let utf8 = matches!(error.kind(), csv::ErrorKind::Utf8 { .. });
                let message = if utf8 {
                    "the file is not UTF-8 text".to_owned()
                } else {
                    format!("the file is not CSV: {error}")
                };
                problems.push(
                    Problem::new("I10", message, shown)
                        .at_row(format!("line {line}"))
                        .help("save it as UTF-8, with values separated by commas"),
                );
                return None;
            }
        }
    }
    Some(Rows { rows })
}

/// The first value in quotes that does not end with them: the reader takes whatever stands behind the quotes for a part of
/// the value, and the rest of the file where there are none.
fn quotes(bytes: &[u8], shown: &str) -> Option<Problem> {
    if !bytes.contains(&b'"') {
        return None;
    }
    let (mut line, mut column) = (1u64, 1u64);
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        let opened = (line, column);
        let told = |message: &str, help: &str| {
            let problem = Problem::new("I10", message, shown);
            let problem = problem.at_row(format!("line {}", opened.0));
            Some(problem.at_column(format!("column {}", opened.1)).help(help))
        };
        if *first == b'"' {
            loop {
                at += 1;
                match (bytes.get(at), bytes.get(at + 1)) {
                    (None, _) => {
                        return told(
                            "the quotes that begin this value are not closed",
                            "end the value with quotes; quotes inside of a value are written twice",
                        );
                    }
                    (Some(b'"'), Some(b'"')) => at += 1,
                    (Some(b'"'), _) => break,
                    (Some(b'\n'), _) => line += 1,
                    _ => {}
                }
            }
            at += 1;
            if !matches!(bytes.get(at), None | Some(b',' | b'\r' | b'\n')) {
                return told(
                    "there are characters behind the quotes that end this value",
                    "put the whole value into quotes; quotes inside of it are written twice",
                );
            }
        }
        let rest = bytes.get(at..).unwrap_or(&[]).iter();
        at += rest.take_while(|byte| !b",\r\n".contains(byte)).count();
        match bytes.get(at) {
            Some(b',') => column += 1,
            Some(b'\n') => (line, column) = (line + 1, 1),
            _ => column = 1,
        }
        at += 1;
    }
    None
}

/// Where rows begin: the reader steps over empty lines and does not say so.
#[derive(Default)]
struct Lines {
    /// A position in the file, and the line ends before it.
    at: usize,
    ends: u64,
}

impl Lines {
    /// Steps to the row that the reader found at `position`, where the one before ended. Gives the numbers of the
    /// empty lines before it, and its own.
    fn until(&mut self, bytes: &[u8], position: usize) -> (Vec<u64>, u64) {
        let end = |byte: &u8| *byte == b'\n';
        let passed = bytes.get(self.at..position).unwrap_or(&[]);
        self.ends += passed.iter().filter(|byte| end(byte)).count() as u64;
        self.at = self.at.max(position);
        let mut empty = vec![];
        // The second half of a line end `\r\n` that the reader has seen the first half of.
        let mut half = position > 0 && bytes.get(position - 1) == Some(&b'\r');
        while let Some(byte @ (b'\r' | b'\n')) = bytes.get(self.at) {
            if !(half && end(byte)) {
                empty.push(self.ends + 1);
            }
            half = *byte == b'\r';
            self.ends += u64::from(end(byte));
            self.at += 1;
        }
        (empty, self.ends + 1)
    }
}

/// Whether no two columns have one name: which of them counts cannot be known. Columns without a name are none that
/// a script could mean.
fn unique(header: &StringRecord, shown: &str, problems: &mut Problems) -> bool {
    let before = problems.len();
    let mut known = BTreeMap::new();
    for (at, name) in header.iter().map(str::trim).enumerate() {
        let first = *known.entry(name).or_insert(at);
        if first < at && !name.is_empty() {
            problems.push(
                Problem::new("I10", format!("the header names `{name}` twice"), shown)
                    .at_row("line 1")
                    .at_column(format!("columns {} and {}", first + 1, at + 1))
                    .help("keep one of them, or give each a name of its own"),
            );
        }
    }
    problems.len() == before
}

/// A tensor of rank at most 2.
fn tensor(
    rows: &Rows,
    shown: &str,
    expected: &Expected<'_>,
    problems: &mut Problems,
) -> Option<Array> {
    let rank = expected.wanted.rank;
    let width = rows.rows.first()?.1.len();
    let before = problems.len();
    if rank > 2 {
        problems.push(
            Problem::new(
                "I09",
                format!(
                    "CSV holds at most 2 axes, `{}` has {rank}",
                    expected.wanted.shown
                ),
                shown,
            )
            .help("use `.npy` or nested lists in `.json`"),
        );
        return None;
    }
    for (line, record) in &rows.rows {
        if record.len() != width {
            problems.push(
                Problem::new(
                    "I03",
                    format!(
                        "this row has {}, the first has {width}",
                        values_of(record.len())
                    ),
                    shown,
                )
                .at_row(format!("line {line}"))
                .help(format!(
                    "expected `{}`: rows of one length",
                    expected.wanted.shown
                )),
            );
        }
    }
    let height = rows.rows.len();
    let shape = match rank {
        2 => vec![height, width],
        1 if width == 1 => vec![height],
        1 if height == 1 => vec![width],
        0 if height == 1 && width == 1 => Vec::new(),
        _ => {
            if problems.len() == before {
                problems.push(wrong_rank(shown, expected, &[height, width]));
            }
            vec![height, width]
        }
    };
    // A ragged file may have one long row and many short ones: no room is made for their product.
    let mut values = Vec::new();
    for (position, (line, record)) in rows.rows.iter().enumerate() {
        for (column, field) in record.iter().enumerate() {
            match expected.wanted.element.read_text(field) {
                Ok(value) => values.push(value),
                Err(flaw) => {
                    let row = format!("line {line}");
                    let mut problem =
                        bad_element(&flaw, shown, row, Some(format!("column {}", column + 1)));
                    if position == 0 && flaw.code == "I04" && looks_like_header(record, expected) {
                        problem = problem.help(format!(
                            "a tensor has no header line: remove it ({})",
                            flaw.expected
                        ));
                        problems.push(problem);
                        break;
                    }
                    problems.push(problem);
                }
            }
        }
    }
    (problems.len() == before).then_some(Array { shape, values })
}

fn values_of(count: usize) -> String {
    if count == 1 {
        "1 value".to_owned()
    } else {
        format!("{count} values")
    }
}

/// Names instead of numbers in the first row are one mistake, not one per column.
fn looks_like_header(record: &StringRecord, expected: &Expected<'_>) -> bool {
    numeric(expected.wanted.element)
        && record.iter().all(|field| {
            field
                .trim()
                .starts_with(|c: char| c.is_alphabetic() || c == '_')
        })
}

/// A column of a table, or several columns `name[0]`, `name[1]`, … of an array field.
fn column(
    rows: &Rows,
    header: &StringRecord,
    name: &str,
    shown: &str,
    expected: &Expected<'_>,
    problems: &mut Problems,
) -> Option<Array> {
    let before = problems.len();
    let inner = expected.wanted.rank - expected.table_rank;
    let place = |wanted: &str| header.iter().position(|h| h.trim() == wanted);
    let mut columns: Vec<(usize, String)> = Vec::new();
    if inner == 0 {
        columns.extend(place(name).map(|at| (at, name.to_owned())));
    } else if inner == 1 {
        columns.extend((0..).map_while(|member| {
            let name = format!("{name}[{member}]");
            place(&name).map(|at| (at, name))
        }));
    }
    if columns.is_empty() {
        let there: Vec<String> = header.iter().map(|h| format!("`{}`", h.trim())).collect();
        let wanted = if inner == 0 {
            name.to_owned()
        } else {
            format!("{name}[0]")
        };
        problems.push(
            Problem::new("I07", format!("there is no column `{wanted}`"), shown)
                .at_row("line 1")
                .help(format!(
                    "the first line names the columns; it has {}",
                    there.join(", ")
                ))
                .declared(expected.position),
        );
        return None;
    }
    let Some(body) = rows.rows.get(1..).filter(|body| !body.is_empty()) else {
        let what = describe(std::slice::from_ref(expected));
        problems.push(
            Problem::new("I02", "the table has no rows", shown).help(format!("expected {what}")),
        );
        return None;
    };
    if expected.table_rank == 0 && body.len() != 1 {
        problems.push(wrong_rank(shown, expected, &[body.len()]));
        return None;
    }
    let mut values = Vec::with_capacity(body.len() * columns.len());
    for (line, record) in body {
        // Each column sees the ragged row; it is told once, by the first in the file.
        if record.len() != header.len() {
            let problem = Problem::new(
                "I03",
                format!(
                    "this row has {}, the header names {}",
                    values_of(record.len()),
                    header.len()
                ),
                shown,
            )
            .at_row(format!("line {line}"))
            .help("give every column of the header a value");
            problems.push_once(problem);
            values.clear();
            continue;
        }
        for (at, name) in &columns {
            match expected
                .wanted
                .element
                .read_text(record.get(*at).unwrap_or(""))
            {
                Ok(value) => values.push(value),
                Err(flaw) => problems.push(bad_element(
                    &flaw,
                    shown,
                    format!("line {line}"),
                    Some(format!("column `{name}`")),
                )),
            }
        }
    }
    let mut shape = Vec::new();
    if expected.table_rank == 1 {
        shape.push(body.len());
    }
    if inner == 1 {
        shape.push(columns.len());
    }
    let whole = values.len() == shape.iter().product::<usize>();
    (problems.len() == before && whole).then_some(Array { shape, values })
}
