//! What a protocol claims: its `requires` and `ensures` with every name resolved, and the protocols
//! of a file as they are written, for whoever proves them.
//!
//! Claims speak of integers: an element of Z[2^k] is its signed representative, `as R` and `ring`
//! reduce. An equation between elements holds modulo their ring. Over bits `+` is XOR and `*` AND.

use crate::decisions::Decisions;
use crate::flat::{Flat, Sharing};
use crate::local::Source;
use crate::party::{Elem, PartySet};
use std::sync::Arc;

/// An expression of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The value of a parameter, by its position in [`Flat::params`].
    Param(u32),
    /// The value of a result, by its position in [`Flat::results`].
    Result(u32),
    /// The name that the clause quantifies.
    Bound,
    /// A literal.
    Integer(i128),
    /// An operation.
    Apply(Operator, Vec<Term>),
    /// `e as R`; `ring`, `bits` and `uint` where they name a type.
    Cast(Box<Term>, Elem),
}

/// An operation in a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`, exact: in probabilities.
    Div,
    /// `a ^ b`.
    Pow,
    /// `-a`.
    Neg,
    /// `a << b`.
    Shl,
    /// `a >> b`, rounding towards minus infinity.
    Shr,
    /// `a == b`.
    Eq,
    /// `a < b`.
    Lt,
    /// `a <= b`.
    Le,
    /// `not a`.
    Not,
    /// `a and b`.
    And,
    /// `a or b`.
    Or,
    /// `abs(a)`.
    Abs,
    /// The smaller.
    Min,
    /// The larger.
    Max,
    /// `bits(a)`: the bits of a ring element.
    Bits,
    /// `uint(a)`, `ring(a)`: the unsigned integer.
    Unsigned,
    /// `x[pi]`: the rows of a in the order of b.
    Rows,
}

/// What a quantified name ranges over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// From the first to the second, both included; each element its own.
    Range(Term, Term),
    /// Orders of the rows.
    Permutation,
}

/// A precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requires {
    /// What must hold.
    pub claim: Term,
    /// As written.
    pub text: String,
}

/// A postcondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ensures {
    /// What holds.
    pub claim: Term,
    /// For some value of [`Term::Bound`].
    pub over: Option<Domain>,
    /// Up to this probability it need not hold.
    pub except: Option<Term>,
    /// As written.
    pub text: String,
}

/// The clauses of a protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// What must hold of the operands.
    pub requires: Vec<Requires>,
    /// Parameters whose sharings must be fresh.
    pub fresh: Vec<u32>,
    /// What holds of the results.
    pub ensures: Vec<Ensures>,
    /// Whether `private` is claimed.
    pub private: bool,
    /// Clauses that have no [`Term`] yet, as written, with the line and what clauses are made of.
    pub unread: Vec<String>,
    /// The operation of scripts that it `realises`, as written, where that is no [`Term`]: a truncation.
    pub operation: Option<String>,
}

/// A parameter or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A sharing.
    Shared(Sharing),
    /// A clear value.
    Clear {
        /// Its element type.
        elem: Elem,
        /// Who is meant to know it.
        known_to: PartySet,
    },
}

/// The functionality that a protocol stands in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realised {
    /// Its name.
    pub name: String,
    /// The functionality on the same operands, its results as values in the clear; or why that cannot be said. Of a protocol
    /// whose results are arrays it is one of several instances: of each name, results stand in their order.
    pub ideal: Result<Arc<Flat>, String>,
}

/// A protocol as its file has it, one form of its generics at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name, with the form where there are several: `share<outside>`.
    pub title: String,
    /// Its text.
    pub flat: Arc<Flat>,
    /// In the order of [`Flat::params`].
    pub params: Vec<Operand>,
    /// In the order of [`Flat::results`].
    pub results: Vec<Operand>,
    /// The names of the results, in that order.
    pub names: Vec<String>,
    /// What it `realises`, if that is a functionality.
    pub realises: Option<Realised>,
    /// What it decided by numbers known in advance.
    pub decisions: Decisions,
}

/// A protocol of a file that cannot be made flat with this binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name, with the form where there are several.
    pub title: String,
    /// Why: code and message of the first error, and what is to be written instead of what is not executable.
    pub reason: String,
    /// Where that is.
    pub source: Option<Source>,
}

/// One `corrupt` clause: every set of so many computing parties together with some roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// At most so many of the computing parties.
    pub parties: usize,
    /// Roles that may join them, by number (n is the first).
    pub roles: PartySet,
    /// Whether they may deviate from the protocol.
    pub active: bool,
}
