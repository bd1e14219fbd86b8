//! The syntax tree: what was written, before names or types mean anything.
//!
//! Every node carries its byte range. Numbers stay text, since their width is decided by
//! the backend and not by the grammar.

use std::fmt;

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

/// A test.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Its statements.
    pub body: Block,
}

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
