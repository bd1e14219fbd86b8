//! The inputs of an example, read from the folder beside its script.

use std::fs;
use std::path::Path;

use smpc_ir::share::{Input, Program};

use crate::case::{Case, Given};

/// Which party has which files: enough to count the members of a family. Values are read by
/// [`inputs`], once the checked program says what the files hold.
///
/// # Panics
/// The folder cannot be read.
pub fn files(folder: &Path) -> Case {
    let mut given = Vec::new();
    for party in entries(folder) {
        if !folder.join(&party).is_dir() {
            continue;
        }
        for file in entries(&folder.join(&party)) {
            given.push(Given {
                party: party.clone(),
                file: file.trim_end_matches(".csv").to_owned(),
                column: None,
                shape: Vec::new(),
                values: Vec::new(),
            });
        }
    }
    Case {
        given,
        ..Case::default()
    }
}

/// Every input of a program.
///
/// # Panics
/// A file is missing or does not have the form of its input: a mistake in the example.
pub fn inputs(folder: &Path, program: &Program) -> Case {
    let given = program.inputs.iter().map(|input| {
        let party = &program.parties[usize::from(input.party)];
        let path = folder.join(party).join(format!("{}.csv", input.file));
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (shape, values) = table(input, &text);
        Given {
            party: party.clone(),
            file: input.file.clone(),
            column: input.column.clone(),
            shape,
            values,
        }
    });
    Case {
        given: given.collect(),
        ..Case::default()
    }
}

/// Shape and elements of one file, or of one of its columns.
fn table(input: &Input, text: &str) -> (Vec<usize>, Vec<String>) {
    let mut rows: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
    if let Some(column) = &input.column {
        let header = rows.remove(0);
        let at = header.iter().position(|name| name == column);
        let at = at.expect("the header has every column");
        rows = rows.into_iter().map(|row| vec![row[at]]).collect();
    }
    let shape = match input.shape.len() {
        0 => vec![],
        1 => vec![rows.len()],
        _ => vec![rows.len(), rows.first().map_or(0, Vec::len)],
    };
    let values = rows.into_iter().flatten().map(str::to_owned).collect();
    (shape, values)
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder of inputs")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
