//! Backends and schemes: who holds what, what a sharing is.

use super::{Coin, Comp, Expr, Generic, Ident, Name, ParamGroup, Path, Span, Type};

/// Which scheme carries which type.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub params: Vec<ParamGroup>,
    /// `int, fix<f>: Mine<Z[2^k]>`.
    pub carriers: Vec<Carrier>,
    /// The truncation mode.
    pub trunc: Option<Ident>,
}

/// One line of a backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Carrier {
    /// The types of scripts.
    pub types: Vec<Type>,
    /// The scheme.
    pub scheme: Type,
}

/// A secret-sharing scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub generics: Vec<Generic>,
    /// Its clauses in order.
    pub parts: Vec<SchemePart>,
}

/// A clause of a scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemePart {
    /// Which.
    pub kind: SchemePartKind,
    /// Where.
    pub span: Span,
}

/// The clauses of a scheme.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemePartKind {
    /// `parties P[n] where c;`.
    Parties(Name, Option<Expr>),
    /// `dealer T;`: a role and its party.
    Role(Ident, Ident),
    /// `corrupt n-1 of P and S malicious, abort;`.
    Corrupt(Vec<Coalition>, Vec<Ident>),
    /// `hidden c[1..=d];`.
    Hidden(Vec<Name>),
    /// `key alpha[i] <- F @ P[i];`.
    Key(Name, Coin),
    /// `share l = r for U[u];`.
    Share(Expr, Expr, Option<Comp>),
    /// `P[i] holds x[i], offline x.l[1];`.
    Holds(Expr, Vec<Held>),
}

/// `n-1 of P`, or all of `S`.
#[derive(Clone, Debug, PartialEq)]
pub struct Coalition {
    /// How many at most; absent means the party itself.
    pub count: Option<Expr>,
    /// Of whom.
    pub of: Path,
}

/// One component a party holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Whether it is known before the input.
    pub offline: bool,
    /// The component.
    pub component: Expr,
}
