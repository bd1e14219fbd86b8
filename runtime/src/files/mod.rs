//! Files of a party: its inputs, `DIR/PARTY/NAME.csv`, `.npy` or `.json`, each read once and every
//! flaw told; its outputs, written in the same formats so that they can be read again.
//!
//! An interpreted party describes its inputs by the party program ([`wanted`]), a compiled one by a
//! constant; both come here. Contents are hostile until checked: nothing panics on them, and no
//! memory is taken that is not in proportion to the file.

mod apart;
mod element;
mod json;
mod name;
mod npy;
mod output;
mod problem;
mod store;
mod stream;
mod table;

pub use apart::{Outputs, Write, apart, of_inputs};
pub use element::{Element, Flaw};
pub use output::{Format, render};
pub use problem::Problem;
use problem::Problems;
pub use smpc_ir::party::{OutputInfo, outputs};
pub use store::{Staged, stage, writable, write_all};
pub use stream::Patience;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use smpc_ir::party::Program;
use smpc_ir::share::{Input, Type};

use crate::LocalError;
use crate::tensor::Tensor;

/// Endings of the formats.
const ENDINGS: [&str; 3] = ["csv", "npy", "json"];

/// An input: a file of its owner, or a column of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Position of the owner among the parties.
    pub party: usize,
    /// Name of the owner.
    pub owner: &'a str,
    /// The file's name, without its ending.
    pub file: &'a str,
    /// The column of a table.
    pub column: Option<&'a str>,
    /// How to read one element.
    pub element: Element,
    /// How many axes.
    pub rank: usize,
    /// The type with its sizes as the script writes it, for messages.
    pub shown: Cow<'a, str>,
}

/// The inputs that a program declares, in their order.
pub fn wanted<'p>(program: &'p Program) -> Vec<Wanted<'p>> {
    let inputs = program.inputs.iter();
    let one = |input: &'p Input| {
        let party = usize::from(input.party);
        Wanted {
            party,
            owner: program.parties.get(party).map_or("", String::as_str),
            file: &input.file,
            column: input.column.as_deref(),
            element: Element {
                ty: input.ty,
                text: input.text,
                ring_bits: program.ring_bits,
                modulus: program.modulus(),
            },
            rank: input.shape.len(),
            shown: Cow::Owned(input.shown(&program.sizes)),
        }
    };
    inputs.map(one).collect()
}

/// The elements of one input, row-major: signed integers, bits, or units of 2^-64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Array {
    /// Lengths of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements.
    pub values: Vec<i128>,
}

impl Array {
    /// As the endpoints take it.
    ///
    /// # Errors
    /// It has more elements than memory can address.
    pub fn tensor(&self, element: Element) -> Result<Tensor, LocalError> {
        Tensor::from_i128s(element.elem(), &self.shape, &self.values)
    }
}

/// Everything read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// By input; absent where there was a problem, and for owners whose files are not read.
    pub arrays: Vec<Option<Array>>,
    /// The file of each input, as shown to the user.
    pub paths: Vec<String>,
    /// Every problem of every file.
    pub problems: Vec<Problem>,
}

/// What the readers of the formats know of an input.
struct Expected<'a> {
    wanted: &'a Wanted<'a>,
    /// Its position.
    position: usize,
    /// Rank of the table if the input is a column of one.
    table_rank: usize,
}

/// Reads the inputs below `folder`: all of them, or those of one owner, in which case no file of
/// another is touched.
pub fn read(wanted: &[Wanted<'_>], folder: &Path, only: Option<usize>) -> Read {
    let mut out = Read {
        arrays: vec![None; wanted.len()],
        paths: vec![String::new(); wanted.len()],
        problems: Vec::new(),
    };
    let mut files: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (at, input) in wanted.iter().enumerate() {
        if only.is_none_or(|party| party == input.party) {
            let key = (input.party, input.file);
            files.entry(key).or_default().push(at);
        }
    }
    for ((_, name), columns) in files {
        let all = columns
            .iter()
            .filter_map(|at| Some((*at, wanted.get(*at)?)));
        let table_rank = all.clone().map(|(_, input)| input.rank).min().unwrap_or(0);
        let expected: Vec<Expected<'_>> = all
            .map(|(position, wanted)| Expected {
                wanted,
                position,
                table_rank,
            })
            .collect();
        let Some(first) = expected.first() else {
            continue;
        };
        let party = first.wanted.owner;
        let mut problems = Problems::default();
        let found = find(folder, party, name, &expected, &mut problems);
        let path = found.clone().unwrap_or_else(|| {
            let file = format!("{name}.csv");
            folder.join(party).join(file)
        });
        let shown = path.display().to_string();
        for at in &columns {
            if let Some(slot) = out.paths.get_mut(*at) {
                slot.clone_from(&shown);
            }
        }
        if found.is_some() {
            let arrays = read_file(&path, &shown, &expected, &mut problems);
            for (at, array) in columns.iter().zip(arrays) {
                if let (Some(slot), Some(array)) = (out.arrays.get_mut(*at), array) {
                    *slot = Some(array);
                }
            }
        }
        out.problems.extend(problems.finish(&shown));
    }
    out
}

/// The one file of an input, whichever its format.
fn find(
    folder: &Path,
    party: &str,
    name: &str,
    expected: &[Expected<'_>],
    problems: &mut Problems,
) -> Option<PathBuf> {
    let base = folder.join(party);
    let there: Vec<PathBuf> = ENDINGS
        .iter()
        .map(|ending| base.join(format!("{name}.{ending}")))
        .filter(|path| path.exists())
        .collect();
    match there.as_slice() {
        [one] => Some(one.clone()),
        [] => {
            let what = describe(expected);
            let path = base.join(format!("{name}.csv")).display().to_string();
            let problem = Problem::new(
                "I01",
                format!("there is no file for input `{name}` of {party}"),
                path,
            )
            .help(format!(
                "expected {what} as `{name}.csv`, `{name}.npy` or `{name}.json` in `{}`; `--inputs DIR` names another folder",
                base.display()
            ));
            problems.push(match expected.first() {
                Some(first) => problem.declared(first.position),
                None => problem,
            });
            None
        }
        several => {
            let names: Vec<String> = several
                .iter()
                .filter_map(|path| path.file_name())
                .map(|name| format!("`{}`", name.to_string_lossy()))
                .collect();
            problems.push(
                Problem::new(
                    "I10",
                    format!(
                        "input `{name}` of {party} has several files: {}",
                        names.join(", ")
                    ),
                    base.display().to_string(),
                )
                .help("keep one of them"),
            );
            None
        }
    }
}

fn describe(expected: &[Expected<'_>]) -> String {
    let columns: Vec<String> = expected
        .iter()
        .filter_map(|e| Some(format!("{}: {}", e.wanted.column?, e.wanted.shown)))
        .collect();
    if columns.is_empty() {
        let first = expected.first();
        first.map_or_else(String::new, |e| format!("`{}`", e.wanted.shown))
    } else {
        format!("a table with the columns `{}`", columns.join("`, `"))
    }
}

/// The contents of a file. What is no regular file has no length that bounds the memory it takes.
fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.is_file() {
        std::fs::read(path)
    } else {
        Err(std::io::Error::other("it is not a regular file"))
    }
}

fn read_file(
    path: &Path,
    shown: &str,
    expected: &[Expected<'_>],
    problems: &mut Problems,
) -> Vec<Option<Array>> {
    let none = || vec![None; expected.len()];
    let bytes = match contents(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.push(Problem::new(
                "I01",
                format!("the file cannot be read: {error}"),
                shown,
            ));
            return none();
        }
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let what = describe(expected);
        problems
            .push(Problem::new("I02", "the file is empty", shown).help(format!("expected {what}")));
        return none();
    }
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match ending {
        "npy" => npy::read(&bytes, shown, expected, problems),
        "json" => json::read(&bytes, shown, expected, problems),
        _ => table::read(&bytes, shown, expected, problems),
    }
}

/// The problem of a value that does not fit its element type.
fn bad_element(
    flaw: &Flaw,
    shown: &str,
    row: impl Into<String>,
    column: Option<String>,
) -> Problem {
    let problem = Problem::new(flaw.code, &flaw.message, shown)
        .at_row(row)
        .help(&flaw.expected);
    match column {
        Some(column) => problem.at_column(column),
        None => problem,
    }
}

/// The problem of an array with the wrong number of axes.
fn wrong_rank(shown: &str, expected: &Expected<'_>, found: &[usize]) -> Problem {
    let axes = |rank: usize| match rank {
        0 => "one value".to_owned(),
        1 => "1 axis".to_owned(),
        n => format!("{n} axes"),
    };
    let found = if found.is_empty() {
        axes(0)
    } else {
        format!("{} ({})", axes(found.len()), lengths(found))
    };
    Problem::new("I09", format!("the file holds {found}"), shown).help(format!(
        "expected `{}`: {}",
        expected.wanted.shown,
        axes(expected.wanted.rank)
    ))
}

/// `56 x 2905`.
pub fn lengths(shape: &[usize]) -> String {
    let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
    dims.join(" x ")
}

/// Whether elements are numbers in a file.
fn numeric(element: Element) -> bool {
    !element.text && !matches!(element.ty, Type::Bits(_))
}

#[cfg(test)]
mod tests;
