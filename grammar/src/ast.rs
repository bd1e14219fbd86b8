//! The syntax tree: what was written, before names or types mean anything.
//!
//! Every node carries its byte range. Numbers stay text, since their width is decided by
//! the backend and not by the grammar.

mod expr;
mod item;
mod scheme;
mod stmt;
mod types;

use std::fmt;

pub use expr::*;
pub use item::*;
pub use scheme::*;
pub use stmt::*;
pub use types::*;

/// Which file a span lies in; the caller hands these out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A half-open byte range of one file.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}:{}..{}", self.file.0, self.start, self.end)
    }
}

/// A name as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The text.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// `a::b::c`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// At least one segment.
    pub segments: Vec<Ident>,
    /// Where.
    pub span: Span,
}

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// The `//!` text at the top, one line per line, without the marker.
    pub docs: String,
    /// Items and statements in the order written, which for statements is the order run.
    pub items: Vec<Item>,
}

/// An item with the documentation above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The `///` text, without the marker.
    pub docs: String,
    /// Whether `pub` was written.
    pub public: bool,
    /// What it is.
    pub kind: ItemKind,
    /// Where.
    pub span: Span,
}

/// What stands at the top level of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `use std::logistic as l;` or `use "./mine.smpc";`.
    Use(Use),
    /// `party a, hospital[3];`.
    Party(Vec<Name>),
    /// `param epochs: int = 30;`.
    Param(Param),
    /// `const unit: [fix; 3] = …;`.
    Const(Const),
    /// `input x[i]: [fix; n[i], d] from hospital[i];`.
    Input(Input),
    /// `using mine(k: 128) with trunc exact on a, b, c;`.
    Using(Using),
    /// `leaks x to a when c for i in 0..m;`.
    Leaks(Vec<Leak>),
    /// `budget epsilon <= 1.0, delta <= 0.01;`.
    Budget(Vec<Limit>),
    /// `struct Row { age: int }`.
    Struct(Struct),
    /// A function.
    Fn(Function),
    /// A fitted scalar function.
    Approx(Approx),
    /// What a script binds.
    Backend(Backend),
    /// Who holds what.
    Scheme(Scheme),
    /// A protocol.
    Protocol(Function),
    /// An ideal box.
    Functionality(Function),
    /// `test "name" { … }`.
    Test(Test),
    /// A statement of the script.
    Stmt(Stmt),
    /// Text that did not parse; reported already, kept so that the rest can be checked.
    Error,
}
