//! Types as they are written, with labels.

use super::{Expr, Path, Span};

/// A type with its knowledge label.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// Who knows the value; absent is polymorphic in a `fn`.
    pub label: Option<KnownTo>,
    /// The type proper.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// A knowledge label.
#[derive(Clone, Debug, PartialEq)]
pub enum KnownTo {
    /// `public T`.
    Public,
    /// `secret T`.
    Secret,
    /// `T @ {a, b}`.
    At(Box<Expr>),
}

/// A type without its label.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `int`, `fix<20>`, `Mine<Z[2^k]>`, `Bits[m]`.
    Named {
        /// The name.
        path: Path,
        /// `<…>`.
        args: Vec<TypeArg>,
        /// `[…]`, one list per bracket pair.
        indices: Vec<Vec<Expr>>,
    },
    /// `[T; n, d]`.
    Array(Box<Type>, Vec<Expr>),
    /// `(T, U)`.
    Tuple(Vec<Type>),
    /// `set of U`.
    Set(Path),
}

/// An argument of a type: a bare name is a type until names are known.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeArg {
    /// A type.
    Type(Type),
    /// A number.
    Expr(Expr),
}
