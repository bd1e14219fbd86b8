//! What a checked script becomes: the share-level program, the party program, their rules, and
//! cost as formulas.
//!
//! This crate is pure: it reads no file, clock, network or entropy, and never sees concrete data.

pub mod claim;
pub mod decisions;
pub mod field;
pub mod flat;
mod identity;
pub mod local;
pub mod lower;
pub mod party;
pub mod rules;
pub mod share;
pub mod size;

pub use identity::{Hash, Identity};
pub use size::{Atom, Size, SizeError, SizeVar};
