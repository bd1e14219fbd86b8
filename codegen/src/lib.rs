//! From a party program to a Rust crate that carries it out.
//!
//! Each party becomes a module with one function: its own steps and messages, in the order the
//! schedule gives them, so that the crate sends byte for byte what the interpreter sends. Sizes are
//! run-time values. The crate depends on the runtime alone; nothing in it interprets anything.

mod emit;
mod formula;
mod layout;
mod name;
mod package;
mod project;
mod size;

use std::fmt;

use smpc_grammar::Sources;
use smpc_ir::party::Validated;

/// A file of the generated crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path in the crate.
    pub path: String,
    /// Contents.
    pub text: String,
}

/// Where the generated crate finds the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// In this folder.
    Path(String),
    /// In the registry, with this version.
    Version(String),
}

/// What to call the crate and where it finds the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The script's name; the crate's follows from it.
    pub name: String,
    /// The runtime.
    pub runtime: Runtime,
}

/// Something that has no form in generated code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// What.
    pub what: &'static str,
}

impl Unsupported {
    /// Stable code.
    pub const CODE: &'static str = "G01";
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: no Rust code is generated for {}",
            Self::CODE,
            self.what
        )
    }
}

impl std::error::Error for Unsupported {}

/// The crate that carries out a program. `sources` are the texts its places point into.
///
/// # Errors
/// The program has something for which no code is generated.
pub fn generate(
    program: Validated<'_>,
    sources: &Sources,
    options: &Options,
) -> Result<Vec<File>, Unsupported> {
    package::package(program, sources, options)
}
