//! From a party program to a Rust crate that carries it out.
//!
//! Each party becomes a module: types of what it puts in and is told, and its own steps and messages
//! in the order the schedule gives them, so that the code sends byte for byte what the interpreter
//! sends. Sizes are run-time values, or constants on request. Generated code depends on the runtime
//! alone; nothing in it interprets anything.

mod alike;
mod description;
mod docs;
mod emit;
mod facts;
mod fails;
mod formula;
mod functions;
mod fuse;
mod layout;
mod mentioned;
mod moved;
mod name;
mod needed;
mod outline;
mod package;
mod part;
mod print;
mod project;
mod raw;
mod root;
mod same;
mod sink;
mod size;
mod typed;
mod workers;

use std::fmt;

pub use package::{MANIFEST, listed};
use proc_macro2::TokenStream;
use smpc_grammar::Sources;
use smpc_ir::Identity;
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
    /// For a module in another crate: under this path, `::smpc::runtime`.
    Within(String),
}

/// What code is generated for, and where it finds the runtime.
#[derive(Clone)]
pub struct Options<'o> {
    /// The script's name; that of the crate or module follows from it.
    pub name: String,
    /// The runtime.
    pub runtime: Runtime,
    /// What parties compare before they compute together, made beside the code; without, all digests are zero.
    pub identity: Option<&'o (dyn Fn() -> Identity + Sync)>,
    /// Sizes and integer parameters that become constants, by their names in the script.
    pub sizes: Vec<(String, i128)>,
}

impl Options<'_> {
    /// For a script of this name, without constants or digests.
    pub fn new(name: impl Into<String>, runtime: Runtime) -> Self {
        Self {
            name: name.into(),
            runtime,
            identity: None,
            sizes: vec![],
        }
    }

    fn identity(&self) -> Identity {
        match self.identity {
            Some(identity) => identity(),
            None => Identity {
                script: (format!("{}.smpc", self.name), [0; 32]),
                ..Identity::default()
            },
        }
    }
}

/// Generated code as one module.
#[derive(Clone, Debug)]
pub struct Module {
    /// For a macro: without comments.
    pub tokens: TokenStream,
    /// For a file.
    pub text: String,
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
    options: &Options<'_>,
) -> Result<Vec<File>, Unsupported> {
    package::package(program, sources, options)
}

/// The same as one module, for a crate that has other things to do: `pub mod NAME { … }`.
///
/// # Errors
/// As [`generate`].
pub fn module(
    program: Validated<'_>,
    sources: &Sources,
    options: &Options<'_>,
) -> Result<Module, Unsupported> {
    package::module(program, sources, options)
}
