//! From a file's name to its parsed text, and the member counts of its party families.

use crate::args::Binding;
use crate::commands::read_text;
use crate::problem::{Exit, Failure, Problem};
use smpc_grammar::ast::{FileId, ItemKind, Module};
use smpc_grammar::{Diagnostic, Sources};
use std::collections::BTreeMap;
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

/// Reads and parses one file.
///
/// # Errors
/// It cannot be read.
pub fn load(sources: &mut Sources, path: &Path) -> Result<Loaded, Failure> {
    let (file, text) = read_text(sources, path)?;
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

/// The folder with the inputs of a script: the script's own name beside it, unless one is given.
pub fn inputs_folder(script: &Path, binding: &Binding) -> PathBuf {
    match &binding.inputs {
        Some(folder) => folder.clone(),
        None => script.with_extension(""),
    }
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

/// Counts the members of each open family: `--set` first, else the input folders.
pub fn count_families(
    module: &Module,
    folder: &Path,
    binding: &Binding,
) -> Result<BTreeMap<String, usize>, Failure> {
    let families = open_families(module);
    let mut by_size: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (family, size) in &families {
        let given = binding.set.iter().rev().find(|(name, _)| name == size);
        if let Some((_, text)) = given {
            match text.parse::<usize>() {
                Ok(count @ 1..=100) => {
                    by_size.insert(size.clone(), (count, "--set".into()));
                }
                _ => problems.push(
                    Problem::plain(
                        "I13",
                        format!("`--set {size}={text}`: no number of parties"),
                    )
                    .help("expected 1 to 100"),
                ),
            }
            continue;
        }
        match members(folder, family) {
            Ok(0) => {}
            Ok(count) => match by_size.get(size) {
                Some((other, by)) if *other != count => problems.push(
                    Problem::file(
                        "I14",
                        format!("family `{family}` has {count} members, `{by}` has {other}"),
                        folder.display().to_string(),
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
                    folder.display().to_string(),
                )
                .help(format!(
                    "make the input folders `{family}[0]`, `{family}[1]`, ... there, or give `--set {size}=3`"
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

/// How many folders `family[0]`, `family[1]`, … there are.
fn members(folder: &Path, family: &str) -> Result<usize, Box<Problem>> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(0);
    };
    let mut numbers: Vec<usize> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| {
            let name = entry.file_name();
            let index = name.to_str()?.strip_prefix(family)?;
            let index = index.strip_prefix('[')?.strip_suffix(']')?;
            index.parse().ok()
        })
        .collect();
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
                format!("there is a folder `{family}[{number}]`, but no `{family}[{at}]`"),
                folder.display().to_string(),
            )
            .help("members are numbered from 0 without a gap"),
        )),
    }
}

/// The folder that the files a script names in `use "./mine.smpc";` are relative to.
pub struct Beside(pub PathBuf);

impl Beside {
    /// That of a script.
    pub fn script(path: &Path) -> Self {
        Self(path.parent().map(Path::to_owned).unwrap_or_default())
    }
}

impl smpc_check::Files for Beside {
    fn read(&self, _from: FileId, path: &str) -> Option<String> {
        let bytes = std::fs::read(self.0.join(path)).ok()?;
        smpc_grammar::decode(&bytes).ok()
    }
}
