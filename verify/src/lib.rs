//! Proofs about protocols: whether a flat protocol computes what it claims, what each coalition
//! learns, and whether its results are fresh sharings.
//!
//! - [`prove_privacy`] searches for the substitutions that make a view independent of secrets;
//!   [`check`] re-checks them with code of its own; only then a verdict says *proved*.
//! - [`refute_privacy`] enumerates views in small rings, and finds two inputs that a coalition can
//!   tell apart.
//! - [`correctness`] compares polynomials, else enumerates in small rings and runs at full width; these runs go
//!   through the parties' [`Endpoints`] where whoever asks has them ([`correctness_through`], [`Work::through`]).
//! - [`verify`] does all of it for one protocol, [`verify_standard`] for an operation of a backend.
//!
//! Parties follow the protocol (semi-honest). Verdicts speak of the protocol's text at a concrete
//! number of parties, with ideal coins; not of timing, and not of machine code. This crate is
//! pure: it reads no file, clock, network or entropy.

mod active;
mod apart;
mod bare;
mod bounds;
mod callee;
mod certificate;
mod checker;
mod claim;
mod compose;
mod correct;
mod decide;
mod declared;
mod element;
mod eliminate;
mod elsewhere;
mod endpoints;
mod faithful;
mod honest;
mod lift;
mod linear;
mod machine;
mod mutate;
mod news;
mod operands;
mod problem;
mod refute;
mod reliance;
mod report;
mod requires;
mod scheme;
mod settle;
mod sharing;
mod statistics;
mod stream;
mod symbolic;
pub mod term;
#[cfg(test)]
mod tests;
pub mod text;
mod verdict;
mod widths;
mod work;

pub use active::{Active, Deviation, Effect, deviate};
pub use certificate::{
    Assumption, Boxed, CalleeProof, Certificate, Element, Elimination, Goal, Known, Name, Range,
    Valued,
};
pub use checker::{Refusal, check};
pub use correct::{correctness, correctness_through, count_words};
pub use decide::{decide_freshness, decide_privacy};
pub use eliminate::{
    Proofs, prove_freshness, prove_freshness_with, prove_privacy, prove_privacy_with,
};
pub use elsewhere::{elsewhere, other_widths};
pub use endpoints::{Endpoints, Given, Output, Runner, Start};
pub use mutate::{Mutant, Mutation, mutants};
pub use problem::{Malformed, Operand, Problem, Spec};
pub use refute::{Refutation, refute_freshness, refute_privacy};
pub use report::{Report, covered, table, verify, verify_with};
pub use scheme::{
    Row, problems, small_rings, standard_wants, title, verify_scheme, verify_standard,
};
pub use verdict::{Exhausted, Inputs, Leak, Limits, Seen, Told, Verdict, View, Wrong, shrink};
pub use widths::Elsewhere;
pub use work::{Answer, Subject, Work, verify_problems};
