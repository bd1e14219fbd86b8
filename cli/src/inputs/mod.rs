//! Input files: `DIR/PARTY/NAME.csv`, `.npy` or `.json`, each read once, every flaw told.

mod element;
mod json;
mod npy;
mod number;
mod table;

pub use element::Element;

use crate::problem::Problem;
use smpc_ir::share::{Input, SizeInfo, Type};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file has at most so many problems told; the rest is counted.
const MOST_PROBLEMS: usize = 20;

/// The elements of one input, row-major: signed integers, bits, or units of 2^-64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Array {
    /// Lengths of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements.
    pub values: Vec<i128>,
}

/// What one input looks like to the readers of the formats.
pub struct Expected<'i> {
    /// The declaration.
    pub input: &'i Input,
    /// How to read one element.
    pub element: Element,
    /// Rank of the table if the input is a column of one.
    pub table_rank: usize,
    /// The type with its sizes as written, for messages.
    pub shown: String,
}

/// Everything read.
#[derive(Debug, Default)]
pub struct Inputs {
    /// By input; absent where there was a problem.
    pub arrays: Vec<Option<Array>>,
    /// The file of each input, as shown to the user.
    pub paths: Vec<String>,
    /// Every problem of every file.
    pub problems: Vec<Problem>,
}

/// The declarations that say what to read.
#[derive(Clone, Copy)]
pub struct Declared<'p> {
    /// Names of the parties.
    pub parties: &'p [String],
    /// Names of the sizes.
    pub sizes: &'p [SizeInfo],
    /// The inputs.
    pub inputs: &'p [Input],
}

impl<'p> Declared<'p> {
    /// What a party program declares.
    pub fn of(program: &'p smpc_ir::party::Program) -> Self {
        Self {
            parties: &program.parties,
            sizes: &program.sizes,
            inputs: &program.inputs,
        }
    }
}

impl Declared<'_> {
    fn party(&self, input: &Input) -> &str {
        self.parties
            .get(usize::from(input.party))
            .map_or("", String::as_str)
    }

    /// The type of an input as the script writes it.
    pub fn shown(&self, input: &Input) -> String {
        let element = element::type_name(input.ty, input.text);
        if input.shape.is_empty() {
            return element;
        }
        let dims: Vec<String> = input.shape.iter().map(|d| self.size(d)).collect();
        format!("[{element}; {}]", dims.join(", "))
    }

    /// A size with its names.
    pub fn size(&self, size: &smpc_ir::Size) -> String {
        size.display(&|var| {
            let info = self.sizes.get(var.0 as usize);
            info.map_or_else(|| format!("?{}", var.0), |s| s.name.clone())
        })
    }
}

/// Reads every input below `folder`. `ring_bits` bounds what fits into the backend's ring.
pub fn read(declared: Declared<'_>, folder: &Path, ring_bits: u8) -> Inputs {
    let mut out = Inputs {
        arrays: vec![None; declared.inputs.len()],
        paths: vec![String::new(); declared.inputs.len()],
        problems: Vec::new(),
    };
    let mut files: BTreeMap<(u8, &str), Vec<usize>> = BTreeMap::new();
    for (at, input) in declared.inputs.iter().enumerate() {
        let key = (input.party, input.file.as_str());
        files.entry(key).or_default().push(at);
    }
    for ((_, name), columns) in files {
        let Some(first) = columns.first().and_then(|at| declared.inputs.get(*at)) else {
            continue;
        };
        let table_rank = columns
            .iter()
            .filter_map(|at| declared.inputs.get(*at))
            .map(|input| input.shape.len())
            .min()
            .unwrap_or(0);
        let expected: Vec<Expected<'_>> = columns
            .iter()
            .filter_map(|at| declared.inputs.get(*at))
            .map(|input| Expected {
                input,
                element: Element {
                    ty: input.ty,
                    text: input.text,
                    ring_bits,
                },
                table_rank,
                shown: declared.shown(input),
            })
            .collect();
        let party = declared.party(first);
        let mut problems = Vec::new();
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
        let more = problems.len().saturating_sub(MOST_PROBLEMS);
        problems.truncate(MOST_PROBLEMS);
        if more > 0
            && let Some(last) = problems.last().cloned()
        {
            let text = format!("{more} more problems in this file are not listed");
            problems.push(Problem::file(&last.code, text, shown));
        }
        out.problems.append(&mut problems);
    }
    out
}

/// The one file of an input, whichever its format.
fn find(
    folder: &Path,
    party: &str,
    name: &str,
    expected: &[Expected<'_>],
    problems: &mut Vec<Problem>,
) -> Option<PathBuf> {
    let base = folder.join(party);
    let there: Vec<PathBuf> = ["csv", "npy", "json"]
        .iter()
        .map(|ending| base.join(format!("{name}.{ending}")))
        .filter(|path| path.exists())
        .collect();
    match there.as_slice() {
        [one] => Some(one.clone()),
        [] => {
            let what = describe(expected);
            let path = base.join(format!("{name}.csv")).display().to_string();
            let mut problem = Problem::file(
                "I01",
                format!("there is no file for input `{name}` of {party}"),
                path,
            )
            .help(format!(
                "expected {what} as `{name}.csv`, `{name}.npy` or `{name}.json` in `{}`; `--inputs DIR` names another folder",
                base.display()
            ));
            if let Some(first) = expected.first() {
                problem = problem.label(first.input.source, "declared here");
            }
            problems.push(problem);
            None
        }
        several => {
            let names: Vec<String> = several
                .iter()
                .filter_map(|path| path.file_name())
                .map(|name| format!("`{}`", name.to_string_lossy()))
                .collect();
            problems.push(
                Problem::file(
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
        .filter_map(|e| e.input.column.as_ref().map(|c| format!("{c}: {}", e.shown)))
        .collect();
    if columns.is_empty() {
        let first = expected.first();
        first.map_or_else(String::new, |e| format!("`{}`", e.shown))
    } else {
        format!("a table with the columns `{}`", columns.join("`, `"))
    }
}

fn read_file(
    path: &Path,
    shown: &str,
    expected: &[Expected<'_>],
    problems: &mut Vec<Problem>,
) -> Vec<Option<Array>> {
    let none = || vec![None; expected.len()];
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.push(Problem::file(
                "I01",
                format!("the file cannot be read: {error}"),
                shown,
            ));
            return none();
        }
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let what = describe(expected);
        problems.push(
            Problem::file("I02", "the file is empty", shown).help(format!("expected {what}")),
        );
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
    flaw: &element::Flaw,
    shown: &str,
    row: impl Into<String>,
    column: Option<String>,
) -> Problem {
    let mut problem = Problem::file(flaw.code, &flaw.message, shown)
        .at_row(row)
        .help(&flaw.expected);
    if let Some(column) = column {
        problem = problem.at_column(column);
    }
    problem
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
    Problem::file("I09", format!("the file holds {found}"), shown).help(format!(
        "expected `{}`: {}",
        expected.shown,
        axes(expected.input.shape.len())
    ))
}

/// `56 x 2905`.
pub fn lengths(shape: &[usize]) -> String {
    let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
    dims.join(" x ")
}

/// Whether a type's elements are numbers in a file.
fn numeric(ty: Type, text: bool) -> bool {
    !text && !matches!(ty, Type::Bits(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind;
    use smpc_ir::local::Source;
    use smpc_ir::share::SizeOrigin;
    use smpc_ir::{Atom, Size, SizeVar};

    fn size(var: u32) -> Size {
        Size::atom(Atom::Var(SizeVar(var)))
    }

    fn named(name: &str, input: u32, axis: u8) -> SizeInfo {
        SizeInfo {
            name: name.into(),
            origin: SizeOrigin::Input { input, axis },
            source: Source::default(),
        }
    }

    fn input(party: u8, file: &str, ty: Type, shape: Vec<Size>) -> Input {
        Input {
            party,
            file: file.into(),
            column: None,
            ty,
            text: false,
            shape,
            source: Source::default(),
        }
    }

    /// The genomic example's inputs, read and bound.
    #[test]
    fn members_of_a_family_share_a_size() {
        let parties: Vec<String> = (0..3).map(|i| format!("clinic[{i}]")).collect();
        let mut inputs = Vec::new();
        let mut sizes = vec![named("d", 0, 1)];
        for clinic in 0..3u8 {
            let n = size(u32::from(clinic) + 1);
            sizes.push(named(&format!("n[{clinic}]"), u32::from(clinic) * 2, 0));
            inputs.push(input(clinic, "x", Type::Fix(16), vec![n.clone(), size(0)]));
            inputs.push(input(clinic, "y", Type::Bits(1), vec![n]));
        }
        let declared = Declared {
            parties: &parties,
            sizes: &sizes,
            inputs: &inputs,
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/genomic");
        let read = read(declared, &folder, 64);
        assert_eq!(read.problems, []);
        let mut problems = Vec::new();
        let values = bind::sizes(declared, &[], &[], &read, &mut problems);
        assert_eq!(problems, []);
        assert_eq!(values, [Some(2905), Some(56), Some(56), Some(56)]);
        let first = read.arrays[0].as_ref().map(|a| a.values[0]);
        assert_eq!(first, number::fixed("-0.0014").ok());
    }

    #[test]
    fn lengths_that_disagree_name_both_files() {
        let parties = vec!["server".to_owned(), "user".to_owned()];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keyword");
        let mut words = input(0, "words", Type::Bits(128), vec![size(0), size(0)]);
        words.text = true;
        let sizes = [named("n", 0, 0)];
        let inputs = [words];
        let declared = Declared {
            parties: &parties,
            sizes: &sizes,
            inputs: &inputs,
        };
        let mut read = read(declared, &folder, 64);
        assert_eq!(read.problems, []);
        if let Some(array) = &mut read.arrays[0] {
            array.shape[0] = 7;
        }
        let mut problems = Vec::new();
        bind::sizes(declared, &[], &[], &read, &mut problems);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].code, "I08");
    }
}
