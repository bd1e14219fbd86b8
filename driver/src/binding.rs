//! What a script is bound to: backend, values from outside, folders.

use crate::problem::{Exit, Failure, Problem};
use std::path::{Path, PathBuf};

/// The backend of a script that names none.
pub const DEFAULT_BACKEND: &str = "rep3";

/// `name=value`, as given from outside.
pub type Setting = (String, String);

/// Where the words of a binding are written, so that errors say what to write there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// `--scheme NAME`, `--set NAME=VALUE`.
    #[default]
    CommandLine,
    /// `scheme = "NAME"`, `sets = { NAME = VALUE }`.
    Rust,
}

impl Spelling {
    /// How the backend is named.
    pub fn scheme(self, name: &str) -> String {
        match self {
            Self::CommandLine => format!("--scheme {name}"),
            Self::Rust => format!("scheme = {name:?}"),
        }
    }

    /// How a parameter is given its value.
    pub fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::CommandLine => format!("--set {name}={value}"),
            Self::Rust => format!("sets = {{ {name} = {value} }}"),
        }
    }

    /// How a size is made a constant.
    pub fn size(self, name: &str, value: &str) -> String {
        match self {
            Self::CommandLine => format!("--size {name}={value}"),
            Self::Rust => format!("sizes = {{ {name} = {value} }}"),
        }
    }

    /// How the number of parties is given.
    pub fn parties(self) -> &'static str {
        match self {
            Self::CommandLine => "--parties",
            Self::Rust => "parties",
        }
    }
}

/// What a script is bound to.
#[derive(Clone, Debug, Default)]
pub struct Binding {
    /// Folder that relative paths start from; empty for the current one. Errors name paths without.
    pub base: PathBuf,
    /// Folder of the inputs; default: the script's own name beside it.
    pub inputs: Option<PathBuf>,
    /// Backend by name, or a file that declares one; overrides the script's `using`.
    pub scheme: Option<String>,
    /// Number of computing parties, for backends that take one.
    pub parties: Option<u8>,
    /// Values of parameters, and counts of party families.
    pub set: Vec<Setting>,
    /// Who takes part, where that is known otherwise than by the folders of inputs.
    pub roster: Option<Roster>,
    /// Where all this is written.
    pub spelling: Spelling,
}

/// Names of parties, among them the members of families.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// The names: `alice`, `hospital[0]`.
    pub names: Vec<String>,
    /// The file they are from, for errors.
    pub place: String,
}

impl Binding {
    /// Whether every name is given one value.
    ///
    /// # Errors
    /// One is given several.
    pub fn check(&self) -> Result<(), Failure> {
        let twice = self.set.iter().enumerate().filter(|(at, (name, _))| {
            let mut before = self.set.iter().take(*at);
            before.any(|(known, _)| known == name)
        });
        let problems: Vec<Problem> = twice
            .map(|(_, (name, value))| {
                let shown = self.spelling.set(name, value);
                Problem::plain("I13", format!("`{shown}`: this parameter is given twice"))
                    .help("leave one of the two out")
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(Exit::Usage, problems)),
        }
    }

    /// The folder with the inputs of a script: the script's own name beside it, unless one is given.
    pub fn inputs_folder(&self, script: &Path) -> PathBuf {
        match &self.inputs {
            Some(folder) => self.base.join(folder),
            None => self.base.join(script).with_extension(""),
        }
    }
}

/// Splits `name=value`.
///
/// # Errors
/// There is no `=` or no name.
pub fn setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(format!("expected NAME=VALUE, found `{text}`")),
    }
}
