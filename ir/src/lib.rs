//! What a checked script becomes: sizes and costs as formulas.
//!
//! This crate is pure: it reads no file, clock, network or entropy, and never sees concrete data.

pub mod size;

pub use size::{Atom, Size, SizeError, SizeVar};
