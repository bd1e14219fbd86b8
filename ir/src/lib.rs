//! What a checked script becomes: the party program, its validator, and its cost as formulas.
//!
//! This crate is pure: it reads no file, clock, network or entropy, and never sees concrete data.

pub mod party;
pub mod size;

pub use size::{Atom, Size, SizeError, SizeVar};
pub mod common;
pub mod flat;
pub mod local;
pub mod share;
pub mod lower;
