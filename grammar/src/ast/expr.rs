//! Expressions.

use super::{Audience, Block, Comp, Ident, Path, Span, Type};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Which.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `12`, `0.5`, as written without `_`.
    Number(String),
    /// Quotes removed.
    Text(String),
    /// `true`, `false`.
    Bool(bool),
    /// A name, with generics if called with some.
    Path {
        /// The name.
        path: Path,
        /// `<R>`.
        generics: Vec<Expr>,
    },
    /// `f(x, axis: 1)`, `x.bit(j)`.
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// With what.
        args: Vec<Arg>,
    },
    /// `x[i, a..b, secret j]`.
    Index {
        /// Of what.
        base: Box<Expr>,
        /// At what.
        indices: Vec<IndexArg>,
    },
    /// `x.[i]`.
    Component {
        /// Of what.
        base: Box<Expr>,
        /// Which.
        indices: Vec<IndexArg>,
    },
    /// `t.age`, `x.T`, `x.m`.
    Field(Box<Expr>, Ident),
    /// `t.0`; the digits as written.
    TupleField(Box<Expr>, String),
    /// `e as T`.
    Cast(Box<Expr>, Box<Type>),
    /// `-e`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`.
    Binary(Box<Expr>, BinaryOp, Box<Expr>),
    /// `a <= b < c`.
    Chain(Box<Expr>, Vec<(BinaryOp, Expr)>),
    /// `a..b`, `a..=b`.
    Range {
        /// First.
        start: Box<Expr>,
        /// Last.
        end: Box<Expr>,
        /// `..=`.
        inclusive: bool,
    },
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `[e; n, d]`.
    Repeat(Box<Expr>, Vec<Expr>),
    /// `[e for i in 0..n]`.
    Comprehension(Box<Expr>, Comp),
    /// `{P[1], P[2]}`.
    Set(Vec<Expr>),
    /// `|F|`.
    Cardinality(Box<Expr>),
    /// `if`, `if secret`.
    If(Box<If>),
    /// `while`, `while secret … max N`.
    While(Box<While>),
    /// `(a, b) => e`.
    Lambda(Vec<Expr>, Box<Expr>),
    /// `share e`.
    Share(Box<Expr>),
    /// `reveal e to a as name spends epsilon`.
    Reveal(Box<Reveal>),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// `axis:`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
    /// `for i in 0..n`: the argument is a generator.
    pub comp: Option<Comp>,
}

/// One index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexArg {
    /// `secret i`.
    pub secret: bool,
    /// The index or range.
    pub value: Expr,
}

/// A conditional.
#[derive(Clone, Debug, PartialEq)]
pub struct If {
    /// `if secret`: both arms run.
    pub secret: bool,
    /// The condition.
    pub condition: Expr,
    /// The first arm.
    pub then: Block,
    /// The second; `else if` is a block of one `if`.
    pub otherwise: Option<Block>,
}

/// A loop with a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct While {
    /// `while secret`.
    pub secret: bool,
    /// The condition.
    pub condition: Expr,
    /// `max N`.
    pub bound: Option<Expr>,
    /// The body.
    pub body: Block,
}

/// The only way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Reveal {
    /// What.
    pub value: Expr,
    /// To whom; absent is everybody.
    pub to: Option<Audience>,
    /// The name of the output or clause.
    pub name: Option<Ident>,
    /// The privacy budget it uses.
    pub spends: Vec<Expr>,
}

/// Operators before an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`.
    Neg,
    /// `!`.
    Not,
    /// `~`.
    Complement,
}

/// Operators between operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `^`: power.
    Pow,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Rem,
    /// `@`: matrix product.
    MatMul,
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `<<`.
    Shl,
    /// `>>`: arithmetic.
    Shr,
    /// `>>>`: logical.
    LogicalShr,
    /// `&`.
    BitAnd,
    /// `|`.
    BitOr,
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `in`.
    In,
    /// `and`.
    And,
    /// `or`.
    Or,
}
