//! The surface of smpc: tokens, grammar, syntax tree, diagnostics and formatter.

pub mod ast;
pub mod diagnostic;
mod format;
mod grammar;
mod parse;
mod phrase;
mod structure;
pub mod token;
mod translate;

pub use diagnostic::{Diagnostic, Label};
pub use format::format;
pub use parse::{Comment, Parse, Trivia, decode, parse, parse_item};
pub use structure::MAX_DEPTH;

pub mod sources;
pub use sources::Sources;
