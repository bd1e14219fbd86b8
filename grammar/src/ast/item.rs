//! Declarations: what a file uses, who takes part, inputs, functions, approximations, tests.

use super::{Arg, Block, Comp, Expr, Ident, Path, Span, Type};

/// What `use` brings in.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// From where.
    pub source: UseSource,
    /// The local name.
    pub alias: Option<Ident>,
}

/// Where a `use` looks.
#[derive(Clone, Debug, PartialEq)]
pub enum UseSource {
    /// A module path.
    Path(Path),
    /// A file, quotes removed.
    File(String, Span),
}

/// A declared name, possibly a family: `x`, `x[i]`, `r[i, j]`, `hospital[3]`, `c[1..=d]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name.
    pub ident: Ident,
    /// One list per bracket pair.
    pub indices: Vec<Vec<Expr>>,
    /// Where.
    pub span: Span,
}

/// A public parameter of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
    /// The value unless `--set` gives another.
    pub default: Option<Expr>,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Const {
    /// Its name.
    pub name: Ident,
    /// Its type, if written.
    pub ty: Option<Type>,
    /// Its value.
    pub value: Expr,
}

/// Values read from a party's folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// One or several names of one type.
    pub names: Vec<Name>,
    /// Their type.
    pub ty: Type,
    /// Whose folder.
    pub from: Expr,
}

/// The choice of a backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Using {
    /// Which backend.
    pub backend: Path,
    /// Its parameters.
    pub args: Vec<Arg>,
    /// `with trunc exact`.
    pub trunc: Option<Ident>,
    /// The parties that compute; empty means separate servers.
    pub on: Vec<Expr>,
}

/// One group of a `leaks` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Leak {
    /// What leaks.
    pub names: Vec<Expr>,
    /// To whom.
    pub to: Audience,
    /// Under which public condition.
    pub when: Option<Expr>,
    /// How often: the loops around it, outermost first.
    pub often: Vec<Often>,
    /// Where.
    pub span: Span,
}

/// A loop of the leakage contract.
#[derive(Clone, Debug, PartialEq)]
pub enum Often {
    /// `for i in 0..n, j in 0..m`.
    For(Comp),
    /// `while more`.
    While(Expr),
}

/// Who learns something.
#[derive(Clone, Debug, PartialEq)]
pub enum Audience {
    /// Everybody.
    All,
    /// Those named.
    Parties(Vec<Expr>),
}

/// `epsilon <= 1.0`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// What is limited.
    pub name: Ident,
    /// The bound.
    pub value: Expr,
}

/// A record type.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Its name.
    pub name: Ident,
    /// Its fields, which are CSV headers.
    pub fields: Vec<(Ident, Type)>,
}

/// A `fn`, `protocol` or `functionality`: one shape, so that one checker serves all.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// `offline`, `deferred` or `extern`.
    pub modifier: Option<Modifier>,
    /// Its name.
    pub name: Ident,
    /// `<n, D: party>`.
    pub generics: Vec<Generic>,
    /// Parameters, grouped as written.
    pub params: Vec<ParamGroup>,
    /// Results.
    pub results: Vec<ResultDecl>,
    /// Everything between the signature and the body.
    pub clauses: Vec<Clause>,
    /// Absent when the runtime realises it.
    pub body: Option<Block>,
}

/// How a protocol or functionality is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Before the inputs are known.
    Offline,
    /// Once, for all calls.
    Deferred,
    /// By the runtime.
    Extern,
}

/// `n` or `D: party`.
#[derive(Clone, Debug, PartialEq)]
pub struct Generic {
    /// Its name.
    pub name: Ident,
    /// Its kind.
    pub bound: Option<Type>,
}

/// `x, y: Mine<R>`, or `x[u]: T @ U[u] for U[u]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamGroup {
    /// The names.
    pub names: Vec<Name>,
    /// Their type.
    pub ty: Type,
    /// Default value.
    pub default: Option<Expr>,
    /// Over which family.
    pub comp: Option<Comp>,
    /// Where.
    pub span: Span,
}

/// `a, b, c: T`, or `T` alone.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultDecl {
    /// Protocols name their results, functions need not.
    pub names: Vec<Ident>,
    /// The type of each.
    pub ty: Type,
}

/// A clause of a signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Which.
    pub kind: ClauseKind,
    /// Where.
    pub span: Span,
}

/// What a signature promises or demands.
#[derive(Clone, Debug, PartialEq)]
pub enum ClauseKind {
    /// `requires e`.
    Requires(Expr),
    /// `requires fresh x`.
    RequiresFresh(Expr),
    /// `ensures e for v in s except p`.
    Ensures(Ensures),
    /// `realises e`.
    Realises(Expr),
    /// `mode one_unit`.
    Mode(Ident),
    /// `reveals order: T to all ~ D`.
    Reveals(Reveals),
    /// `cost rounds <= 12`.
    Cost(Limit),
    /// `bilinear`.
    Bilinear,
    /// `private`.
    Private,
}

/// A postcondition.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensures {
    /// What holds.
    pub claim: Expr,
    /// `for e in 0..=1`, with `some` when existential.
    pub quantifier: Option<Quantifier>,
    /// The probability with which it may fail.
    pub except: Option<Expr>,
}

/// `for some pi in perm(n)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantifier {
    /// Whether `some` was written.
    pub some: bool,
    /// The bound name.
    pub name: Ident,
    /// What it ranges over.
    pub domain: Expr,
}

/// A declared reveal.
#[derive(Clone, Debug, PartialEq)]
pub struct Reveals {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
    /// To whom; everybody if not written.
    pub to: Audience,
    /// A distribution that explains it away.
    pub distribution: Option<Expr>,
}

/// A certified polynomial approximation.
#[derive(Clone, Debug, PartialEq)]
pub struct Approx {
    /// Its name.
    pub name: Ident,
    /// Its parameter.
    pub params: Vec<ParamGroup>,
    /// The exact function.
    pub value: Expr,
    /// The interval.
    pub on: Expr,
    /// `within`, `degree`, `pieces`, `rounds`.
    pub goals: Vec<(Ident, Expr)>,
    /// What happens outside the interval; the checker demands it.
    pub outside: Option<Expr>,
}

/// A test.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Its statements.
    pub body: Block,
}
