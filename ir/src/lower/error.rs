//! Why a program cannot be lowered.

use crate::local::Source;
use std::fmt;

/// Why a program cannot be lowered for a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where.
    pub source: Source,
    /// Stable code: `P20` a protocol is missing, `P21` a type has no scheme, `P22` parties.
    pub code: &'static str,
    /// In the user's words.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

/// The scheme has no protocol for an operation of the script.
pub const NO_PROTOCOL: &str = "P20";
/// How the message of a [`NO_PROTOCOL`] begins where the backend's integers have too few bits.
pub const TOO_NARROW: &str = "the backend's integers have";
/// The backend carries no such type.
pub const NO_CARRIER: &str = "P21";
/// The parties do not fit the backend.
pub const PARTIES: &str = "P22";
/// What the message of a [`PARTIES`] says where a party is named as one of the backend's.
pub const NAMED: &str = "is a party of the script, and";
/// How that ends where a party is named as a dealer is, who is there whoever computes.
pub const BESIDE: &str = "of the backend beside its computing parties";
