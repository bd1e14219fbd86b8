//! Why a local computation has no result.

use smpc_ir::SizeError;
use std::fmt;

/// An error of the run: the values, not the program text, made an operation impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalError {
    /// An index outside of `0..length`.
    Index {
        /// The index.
        index: i128,
        /// How many rows there are.
        length: usize,
    },
    /// Division or remainder by zero.
    DivisionByZero,
    /// The result does not fit in its type.
    Range(&'static str),
    /// Square root of a negative value.
    NegativeRoot,
    /// Logarithm of zero or a negative value.
    LogarithmDomain,
    /// A shift by a negative amount.
    NegativeShift,
    /// An index array that should be a permutation has an index twice.
    NotAPermutation,
    /// A size without a value.
    Size(SizeError),
    /// More elements than memory can address.
    TooLarge,
    /// Contents of a message or list with another length than the shape says.
    Length {
        /// As the shape says.
        expected: usize,
        /// As given.
        found: usize,
    },
    /// A received element of a field is not below the modulus.
    NoResidue,
    /// A stream of coins is used up.
    Exhausted,
    /// Types or shapes that do not fit the operation. The validator admits none, so this is a bug.
    Mismatch(&'static str),
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { index, length } => {
                write!(f, "index {index} is out of range for length {length}")
            }
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::Range(what) => write!(f, "the result of {what} is out of range"),
            Self::NegativeRoot => f.write_str("square root of a negative value"),
            Self::LogarithmDomain => f.write_str("logarithm of a value that is not positive"),
            Self::NegativeShift => f.write_str("shift by a negative amount"),
            Self::NotAPermutation => f.write_str("the indices are not a permutation"),
            Self::Size(error) => error.fmt(f),
            Self::TooLarge => f.write_str("a tensor has more elements than memory can hold"),
            Self::Length { expected, found } => {
                write!(f, "expected {expected} bytes or elements, found {found}")
            }
            Self::NoResidue => {
                f.write_str("a received element is not below the modulus of its field")
            }
            Self::Exhausted => f.write_str("a stream of coins is used up"),
            Self::Mismatch(what) => write!(f, "types or shapes do not fit: {what}"),
        }
    }
}

impl std::error::Error for LocalError {}

impl From<SizeError> for LocalError {
    fn from(error: SizeError) -> Self {
        Self::Size(error)
    }
}
