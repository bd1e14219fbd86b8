//! From a file's name to its parsed text, and the member counts of its party families.

use crate::binding::Binding;
use crate::problem::{Exit, Failure, Problem};
use smpc_grammar::ast::{FileId, ItemKind, Module};
use smpc_grammar::{Diagnostic, Sources};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A script or scheme.
pub struct Loaded {
    /// Its number.
    pub file: FileId,
    /// Its tree; what did not parse is left out.
    pub module: Module,
    /// Its syntax errors, for the checker to tell with all others.
    pub errors: Vec<Diagnostic>,
}

/// Reads a text into the session; a relative path starts from `base`, and is shown without it.
///
/// # Errors
/// The file cannot be read, or is no UTF-8.
pub fn read_text(
    sources: &mut Sources,
    path: &Path,
    base: &Path,
) -> Result<(FileId, String), Failure> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(base.join(path)).map_err(|error| {
        let problem = Problem::file("I15", format!("the file cannot be read: {error}"), &shown);
        Failure::one(Exit::Usage, problem)
    })?;
    let text = smpc_grammar::decode(&bytes).map_err(|error| {
        let mut problem = Problem::file(error.code, error.message, &shown);
        problem.help = error.help;
        Failure::one(Exit::Script, problem)
    })?;
    Ok((sources.add(&shown, &text), text))
}

/// Reads and parses one file.
///
/// # Errors
/// It cannot be read.
pub fn load(sources: &mut Sources, path: &Path, base: &Path) -> Result<Loaded, Failure> {
    let (file, text) = read_text(sources, path, base)?;
    let parsed = smpc_grammar::parse(file, &text);
    Ok(Loaded {
        file,
        module: parsed.module,
        errors: parsed.diagnostics,
    })
}

/// Whether the file declares how computing is done, rather than what is computed.
pub fn is_library(module: &Module) -> bool {
    let mut protocol = false;
    for item in &module.items {
        match item.kind {
            ItemKind::Party(_) | ItemKind::Input(_) | ItemKind::Stmt(_) => return false,
            ItemKind::Backend(_)
            | ItemKind::Scheme(_)
            | ItemKind::Protocol(_)
            | ItemKind::Functionality(_) => protocol = true,
            _ => {}
        }
    }
    protocol
}

/// Families of the file whose size is a name the script does not define: family and size name.
pub fn open_families(module: &Module) -> Vec<(String, String)> {
    let mut defined: Vec<&str> = Vec::new();
    for item in &module.items {
        match &item.kind {
            ItemKind::Param(param) => defined.push(&param.name.name),
            ItemKind::Const(constant) => defined.push(&constant.name.name),
            _ => {}
        }
    }
    let mut families = smpc_check::families(module);
    families.retain(|(_, size)| !defined.contains(&size.as_str()));
    families
}

/// Counts the members of each open family: settings first, then the roster, else the folders of
/// the inputs.
///
/// # Errors
/// A family that nobody counts, or that is counted in two ways.
pub fn count_families(
    module: &Module,
    folder: &Path,
    binding: &Binding,
) -> Result<BTreeMap<String, usize>, Failure> {
    let families = open_families(module);
    let (names, place) = match &binding.roster {
        Some(roster) => (roster.names.clone(), roster.place.clone()),
        None => (folders(folder), folder.display().to_string()),
    };
    let what = if binding.roster.is_none() {
        "a folder "
    } else {
        ""
    };
    let by_folder = binding.roster.is_none();
    let mut by_size: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (family, size) in &families {
        let given = binding.set.iter().find(|(name, _)| name == size);
        if let Some((_, text)) = given {
            match text.parse::<usize>() {
                Ok(count @ 1..=100) => {
                    by_size.insert(size.clone(), (count, binding.spelling.set(size, text)));
                }
                _ => problems.push(
                    Problem::plain(
                        "I13",
                        format!(
                            "`{}`: no number of parties",
                            binding.spelling.set(size, text)
                        ),
                    )
                    .help("expected 1 to 100"),
                ),
            }
            continue;
        }
        match members(&names, family, what, &place) {
            Ok(0) => {}
            Ok(count) => match by_size.get(size) {
                Some((other, by)) if *other != count => problems.push(
                    Problem::file(
                        "I14",
                        format!("family `{family}` has {count} members, `{by}` has {other}"),
                        &place,
                    )
                    .help(format!("both have the size `{size}`")),
                ),
                _ => {
                    by_size.insert(size.clone(), (count, family.clone()));
                }
            },
            Err(problem) => problems.push(*problem),
        }
    }
    let mut counts = BTreeMap::new();
    for (family, size) in &families {
        match by_size.get(size) {
            Some((count, _)) => {
                counts.insert(family.clone(), *count);
            }
            None if problems.is_empty() => problems.push(
                Problem::file(
                    "I14",
                    format!("nobody says how many members `party {family}[{size}]` has"),
                    &place,
                )
                .help(format!(
                    "{} `{family}[0]`, `{family}[1]`, ... there, or give `{}`",
                    if by_folder {
                        "make the input folders"
                    } else {
                        "name"
                    },
                    binding.spelling.set(size, "3")
                )),
            ),
            None => {}
        }
    }
    if problems.is_empty() {
        Ok(counts)
    } else {
        Err(Failure::new(Exit::Input, problems))
    }
}

/// How many members `family[0]`, `family[1]`, … there are among the names.
fn members(names: &[String], family: &str, what: &str, place: &str) -> Result<usize, Box<Problem>> {
    let number = |name: &String| {
        let index = name.strip_prefix(family)?;
        let index = index.strip_prefix('[')?.strip_suffix(']')?;
        index.parse::<usize>().ok()
    };
    let mut numbers: Vec<usize> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    match numbers
        .iter()
        .enumerate()
        .find(|(at, number)| at != *number)
    {
        None => Ok(numbers.len()),
        Some((at, number)) => Err(Box::new(
            Problem::file(
                "I14",
                format!("there is {what}`{family}[{number}]`, but no `{family}[{at}]`"),
                place,
            )
            .help("members are numbered from 0 without a gap"),
        )),
    }
}

/// The names of the folders in a folder; none if it cannot be read.
fn folders(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The files that a script names in `use "./mine.smpc";`, and the folder that their names start from.
pub struct Beside(pub PathBuf);

impl smpc_check::Files for Beside {
    fn read(&self, name: &str) -> Result<String, String> {
        let bytes = std::fs::read(self.0.join(name)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("there is no file `{name}`"),
            _ => format!("the file `{name}` cannot be read: {error}"),
        })?;
        smpc_grammar::decode(&bytes)
            .map_err(|error| format!("the file `{name}`: {}", error.message))
    }
}
