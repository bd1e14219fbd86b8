//! Statements of scripts, functions and protocols.

use super::{BinaryOp, Expr, Ident, Name, Span, Type};

/// Statements in braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// In order. A last `Expr` statement with `value: true` is the value of the block.
    pub stmts: Vec<Stmt>,
    /// Where.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// Which.
    pub kind: StmtKind,
    /// Where.
    pub span: Span,
}

/// The statements of scripts, functions and protocols.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `let`.
    Let(Let),
    /// `z[i] = e;`, `x += e;`.
    Assign(Assign),
    /// `x[0], x[1] <- R @ S;`.
    Coin(Vec<Expr>, Coin, Option<Comp>),
    /// `A, B -> C, D: v;` (several senders: joint).
    Send(Send),
    /// `D broadcasts v;` and its kin.
    Act(Act),
    /// `agree v @ S;`.
    Agree(Expr, Expr),
    /// `check e else abort;`.
    Check(Expr),
    /// `collect U3 of U2 at least t { … }`.
    Collect(Collect),
    /// `for`, `for each`.
    For(For),
    /// `offline { … }`.
    Offline(Block),
    /// An expression; `value` when no semicolon follows.
    Expr {
        /// The expression.
        expr: Expr,
        /// Whether it may be the value of its block.
        value: bool,
    },
}

/// A binding.
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// Whether it may be assigned again.
    pub mutable: bool,
    /// What is bound; several only for coins.
    pub patterns: Vec<Pattern>,
    /// Its type.
    pub ty: Option<Type>,
    /// Its value.
    pub init: Option<Init>,
    /// `for U[v] in U2 if v != u`.
    pub comp: Option<Comp>,
}

/// What a `let` is bound to.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// `= e`.
    Value(Expr),
    /// `<- D @ S`.
    Coin(Coin),
}

/// A name or a tuple of patterns.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// `x`, `_`, `r[i, j]`.
    Name(Name),
    /// `(a, b)`.
    Tuple(Vec<Pattern>, Span),
}

/// `D @ S`.
#[derive(Clone, Debug, PartialEq)]
pub struct Coin {
    /// From what.
    pub domain: Domain,
    /// Known to exactly whom.
    pub at: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// What a coin is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// A ring, range, permutation, distribution or array of one, as an expression:
    /// which of them it is depends on names.
    Expr(Expr),
    /// `nonzero F`, with a shape if in brackets.
    Nonzero(Type, Vec<Expr>),
}

/// An assignment.
#[derive(Clone, Debug, PartialEq)]
pub struct Assign {
    /// To what: names, components, elements or a tuple of them.
    pub target: Expr,
    /// The operation of `+=` and its kin.
    pub op: Option<BinaryOp>,
    /// The value.
    pub value: Expr,
    /// Over which family.
    pub comp: Option<Comp>,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// One sender, or several for a joint message.
    pub from: Vec<Expr>,
    /// The receivers.
    pub to: Vec<Expr>,
    /// What is sent.
    pub values: Vec<Expr>,
}

/// `P[i] commits s[i];`.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Who.
    pub who: Expr,
    /// Which act.
    pub kind: ActKind,
    /// Of what.
    pub values: Vec<Expr>,
}

/// The acts of one party towards all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// `broadcasts`.
    Broadcast,
    /// `commits`.
    Commit,
    /// `decommits`.
    Decommit,
}

/// A round that tolerates drop-outs.
#[derive(Clone, Debug, PartialEq)]
pub struct Collect {
    /// The set of those all of whose messages arrived.
    pub survivors: Ident,
    /// Out of whom.
    pub of: Expr,
    /// Fewer abort.
    pub at_least: Expr,
    /// What each does.
    pub body: Block,
}

/// A loop.
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    /// `each`: lockstep, not sequence.
    pub each: bool,
    /// Indices and guard.
    pub comp: Comp,
    /// The body.
    pub body: Block,
}

/// `for i in 0..n, P[j] if j != i`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comp {
    /// At least one.
    pub iters: Vec<Iter>,
    /// A static guard.
    pub guard: Option<Box<Expr>>,
    /// Where.
    pub span: Span,
}

/// `i in 0..n`, `U[v] in U2`, or `P[i]` alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Iter {
    /// What is bound.
    pub binder: Expr,
    /// Over what; a family ranges over itself.
    pub over: Option<Expr>,
}
