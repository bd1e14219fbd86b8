//! Files that a command writes: whole or not at all, and in the place of nothing that it has read.

use crate::problem::{Exit, Failure, Problem};
use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use smpc_grammar::sources::Kind;
use smpc_runtime::files::{self, Write};
use std::path::{Path, PathBuf};

/// The files of a session: the script, what it uses, its scheme. What the library holds is none of them.
pub fn reads(sources: &Sources) -> Vec<PathBuf> {
    let files = (0..).map_while(|at| sources.get(FileId(at)));
    let files = files.filter(|file| file.kind == Kind::Read);
    files.map(|file| PathBuf::from(&file.name)).collect()
}

/// Whether a file to be written is none of those that are read.
///
/// # Errors
/// It is one.
pub fn apart(what: &str, path: &Path, reads: &[PathBuf]) -> Result<(), Failure> {
    let write = Write {
        path: path.to_owned(),
        what: what.to_owned(),
        help: "give it a file of its own",
    };
    files::apart(&[write], reads).map_err(failed)
}

/// Writes one file, into a folder that is there.
///
/// # Errors
/// It cannot be written; what was there stays.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let message = "the file cannot be written: there is no such folder";
        let problem = Problem::file("I15", message, path.display().to_string());
        let problem = problem.help(format!("make `{}` first", folder.display()));
        return Err(Failure::one(Exit::Usage, problem));
    }
    files::write_all(
        &[(path.to_owned(), text.as_bytes().to_vec())],
        files::Patience::default(),
    )
    .map_err(failed)
}

/// The command line asks for what cannot be written.
pub fn failed(found: files::Problem) -> Failure {
    let problem = Problem::file(found.code, found.message, found.path);
    let problem = match found.help {
        Some(help) => problem.help(help),
        None => problem,
    };
    Failure::one(Exit::Usage, problem)
}

/// A path as a word that a shell reads back.
pub fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell() {
        let word = |text: &str| word(Path::new(text));
        assert_eq!(word("a/näme-1.smpc"), "a/näme-1.smpc");
        assert_eq!(word("1 odd näme"), "'1 odd näme'");
        assert_eq!(word("it's; rm x"), r"'it'\''s; rm x'");
        assert_eq!(word("P[0]"), "'P[0]'");
        assert_eq!(word(""), "''");
    }
}
