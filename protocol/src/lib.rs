//! Schemes and protocols: `.smpc` text to flat protocols, with the knowledge of every party
//! checked on the way.
//!
//! A [`Library`] holds the files; [`Library::bind`] picks a backend for a number of parties and a
//! ring; the [`Bound`] backend hands out flat protocols through [`smpc_ir::flat::Protocols`]. A
//! protocol is elaborated at concrete sizes: families unroll, calls are inlined, and the abstract
//! value of a name is a leaf known to some parties, or a sharing of such leaves. That one walk is
//! the knowledge check, the input of lowering, and later of the prover.

mod bound;
mod build;
mod call;
mod checks;
mod claims;
mod coalitions;
mod decide;
mod deferred;
mod elaborate;
mod embed;
mod equation;
mod examine;
mod explain;
mod expr;
mod finish;
mod forms;
mod ideal;
mod inline;
mod keys;
mod library;
pub mod limits;
mod message;
mod missing;
mod operators;
mod place;
mod public;
mod scheme;
mod solve;
mod sum;
mod terms;
#[cfg(test)]
mod tests;
mod tree;
mod types;
mod value;

pub use bound::Bound;
pub use explain::{CODES, explain};
pub use library::{BackendInfo, Library, written};

use smpc_grammar::ast::Span;
use smpc_ir::local::Source;
use smpc_ir::party::Elem;

/// A span as the intermediate representations carry it.
fn source(span: Span) -> Source {
    Source {
        file: span.file.0,
        start: span.start,
        end: span.end,
        call: 0,
    }
}

/// An element type as protocols write it.
fn elem_name(elem: Elem) -> String {
    match elem {
        Elem::Ring(k) => format!("Z[2^{k}]"),
        Elem::Bits(m) => format!("Bits[{m}]"),
        Elem::Field(p) => format!("F[{p}]"),
        Elem::Fix => "fix".to_owned(),
    }
}
