//! The surface of smpc: its grammar, the shape of its syntax tree, and errors as values.

pub mod ast;
pub mod diagnostic;
mod grammar;
pub mod syntax;
