//! From a file's name to a validated party program: what `smpc`, the macro and the build script's
//! helper do alike before each goes its own way.
//!
//! Reads files; knows no terminal. Every error is a [`Failure`]: data with codes and places.
//!
//! ```no_run
//! use smpc_driver::{Binding, compile};
//! let mut sources = smpc_grammar::Sources::new();
//! let compiled = compile(&mut sources, "mean.smpc".as_ref(), &Binding::default());
//! ```

pub mod bind;
mod binding;
pub mod called;
pub mod capability;
mod code;
pub mod fingerprint;
pub mod load;
pub mod pipeline;
mod place;
pub mod problem;
mod promise;
#[cfg(test)]
mod tests;

pub use binding::{Binding, DEFAULT_BACKEND, Roster, Setting, Spelling, setting};
pub use code::{Compiled, compile};
pub use pipeline::{Bound, Script};
pub use place::{line, locate, position, run_place};
pub use problem::{Exit, Failure, Problem};

pub use smpc_ir::Identity;
