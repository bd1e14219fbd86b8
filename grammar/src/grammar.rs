//! The generated parser, kept in a module of its own so that nothing else sees its rules.
#![allow(missing_docs)]

#[derive(pest_derive::Parser)]
#[grammar = "smpc.pest"]
pub(crate) struct Grammar;
