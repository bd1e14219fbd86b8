//! The scripts of the generator: a small tree that is printed, evaluated and shrunk.

use std::collections::BTreeMap;

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Base {
    /// `int`.
    Int,
    /// `fix`.
    Fix,
    /// `bool`.
    Bool,
    /// `bits<m>`, 2 to 64.
    Bits(u8),
    /// `text<m>` of m bytes.
    Text(u8),
}

impl Base {
    /// As a script writes it.
    pub fn name(self) -> String {
        match self {
            Self::Int => "int".into(),
            Self::Fix => "fix".into(),
            Self::Bool => "bool".into(),
            Self::Bits(m) => format!("bits<{m}>"),
            Self::Text(m) => format!("text<{m}>"),
        }
    }

    /// How many bits, of what is made of bits.
    pub fn width(self) -> Option<u8> {
        match self {
            Self::Bool => Some(1),
            Self::Bits(m) => Some(m),
            Self::Text(m) => Some(8 * m),
            _ => None,
        }
    }
}

/// A size: a polynomial over the names bound by inputs and parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dim {
    /// Coefficients by sorted product of names; the empty product is the constant.
    terms: BTreeMap<Vec<String>, i64>,
}

impl Dim {
    /// A number.
    pub fn constant(n: i64) -> Self {
        let terms = [(vec![], n)].into_iter().filter(|(_, c)| *c != 0).collect();
        Self { terms }
    }

    /// A name.
    pub fn name(name: &str) -> Self {
        Self {
            terms: [(vec![name.to_owned()], 1)].into(),
        }
    }

    /// The sum, the other one times a factor.
    pub fn plus(&self, other: &Self, factor: i64) -> Self {
        let mut terms = self.terms.clone();
        for (product, c) in &other.terms {
            *terms.entry(product.clone()).or_default() += c * factor;
        }
        terms.retain(|_, c| *c != 0);
        Self { terms }
    }

    /// The product.
    pub fn times(&self, other: &Self) -> Self {
        let mut out = Self::default();
        for (p, c) in &self.terms {
            for (q, d) in &other.terms {
                let mut product: Vec<String> = p.iter().chain(q).cloned().collect();
                product.sort();
                let term = Self {
                    terms: [(product, c * d)].into(),
                };
                out = out.plus(&term, 1);
            }
        }
        out
    }

    /// Its number, if it names nothing.
    pub fn as_constant(&self) -> Option<i64> {
        if self.terms.is_empty() {
            return Some(0);
        }
        let only = self.terms.len() == 1;
        self.terms.get(&vec![]).copied().filter(|_| only)
    }

    /// Its value, if every name has one.
    pub fn value(&self, known: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        let mut sum = 0;
        for (product, c) in &self.terms {
            let mut term = *c;
            for name in product {
                term *= known(name)?;
            }
            sum += term;
        }
        Some(sum)
    }

    /// The same with a name for another.
    pub fn renamed(&self, from: &str, to: &Self) -> Self {
        let mut out = Self::default();
        for (product, c) in &self.terms {
            let mut term = Self::constant(*c);
            for name in product {
                let factor = if name == from {
                    to.clone()
                } else {
                    Self::name(name)
                };
                term = term.times(&factor);
            }
            out = out.plus(&term, 1);
        }
        out
    }

    /// Whether it is one name or one number.
    pub fn is_atom(&self) -> bool {
        let mut terms = self.terms.iter();
        match (terms.next(), terms.next()) {
            (None, _) => true,
            (Some((product, c)), None) => {
                product.is_empty() && *c >= 0 || product.len() == 1 && *c == 1
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Dim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.terms.is_empty() {
            return write!(f, "0");
        }
        // A name with a positive coefficient comes first, so that no sign leads.
        let mut terms: Vec<_> = self.terms.iter().collect();
        terms.sort_by_key(|(product, c)| (**c < 0, product.is_empty()));
        for (at, (product, c)) in terms.into_iter().enumerate() {
            match (at, *c < 0) {
                (0, true) => write!(f, "-")?,
                (0, false) => {}
                (_, true) => write!(f, " - ")?,
                (_, false) => write!(f, " + ")?,
            }
            let size = c.abs();
            match (product.is_empty(), size) {
                (true, _) => write!(f, "{size}")?,
                (false, 1) => write!(f, "{}", product.join(" * "))?,
                (false, _) => write!(f, "{size} * {}", product.join(" * "))?,
            }
        }
        Ok(())
    }
}

/// A type as far as the generator asks for it: elements and dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ty {
    /// Elements.
    pub base: Base,
    /// Dimensions, outermost first.
    pub dims: Vec<Dim>,
}

impl Ty {
    /// A scalar.
    pub fn scalar(base: Base) -> Self {
        Self { base, dims: vec![] }
    }

    /// A tensor.
    pub fn array(base: Base, dims: Vec<Dim>) -> Self {
        Self { base, dims }
    }
}

impl std::fmt::Display for Ty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.dims.is_empty() {
            return write!(f, "{}", self.base.name());
        }
        let dims: Vec<String> = self.dims.iter().map(Dim::to_string).collect();
        write!(f, "[{}; {}]", self.base.name(), dims.join(", "))
    }
}

/// Binary operators, as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bin {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `@`
    MatMul,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `>>>`
    ShrLogical,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `and`
    And,
    /// `or`
    Or,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// A place in a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum At {
    /// `i`, or a list of positions.
    One(Expr),
    /// `a..b`.
    Range(Expr, Expr),
    /// `secret i`.
    Secret(Expr),
}

/// One index of a comprehension or loop: `name in from..to`.
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    /// Its name.
    pub name: String,
    /// First.
    pub from: Dim,
    /// One past the last.
    pub to: Dim,
}

/// Expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `-5`.
    Int(i128),
    /// A decimal number, times 2^16; or its own text.
    Fix(String),
    /// `true`.
    Bool(bool),
    /// `"apple"`.
    Text(String),
    /// A literal that meets `bits<m>`.
    BitsLiteral(u8, u64),
    /// A size as a number.
    Size(Dim),
    /// A name.
    Var(String),
    /// `-x`.
    Neg(Box<Expr>),
    /// `!x`.
    Not(Box<Expr>),
    /// `a op b`.
    Bin(Bin, Box<Expr>, Box<Expr>),
    /// `x ^ n`.
    Pow(Box<Expr>, u32),
    /// `a < b <= c`.
    Chain(Box<Expr>, Vec<(Bin, Expr)>),
    /// `x as T`.
    Cast(Box<Expr>, Base),
    /// `if c { a } else { b }`. The last says whether either arm may be secret.
    If {
        /// `if secret`.
        secret: bool,
        /// Condition, arms.
        parts: Box<[Expr; 3]>,
        /// Whether the value may be secret although the arm taken is not.
        blurred: bool,
    },
    /// `x[…]`.
    Index(Box<Expr>, Vec<At>),
    /// `t.0`.
    Field(Box<Expr>, usize),
    /// `row.key`.
    Member(Box<Expr>, String),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `[a, b, c]`.
    List(Vec<Expr>),
    /// `[a; n]`.
    Fill(Box<Expr>, Dim),
    /// `[e for i in 0..n]`, and `sum(e for i in 0..n)`.
    Comp {
        /// Whether the elements are added.
        sum: bool,
        /// The element.
        body: Box<Expr>,
        /// Indices.
        over: Vec<Over>,
    },
    /// `reduce(xs, (lo, hi) => e)` and `scan`.
    Tree {
        /// `scan`.
        scan: bool,
        /// Lists.
        xs: Box<Expr>,
        /// The combination of `lo` and `hi`, by these names.
        names: (String, String),
        /// Its text.
        body: Box<Expr>,
    },
    /// A call of a function, built in or of the script.
    Call(String, Vec<Expr>),
    /// As [`Expr::Call`] with a last argument by name.
    Named(String, Vec<Expr>, String, Box<Expr>),
    /// `sort(rows, by: field)`.
    SortBy(Box<Expr>, String),
    /// `share e`.
    Share(Box<Expr>),
    /// `f(share v[i] for family[i])`, f one of `sum`, `concat`, and brackets for none.
    Family {
        /// `sum`, `concat`, or nothing for a list.
        function: String,
        /// The family of values.
        values: String,
        /// The family of parties.
        parties: String,
    },
}

/// Statements.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// `let [mut] (a, b) = e;`
    Let {
        /// One name, or those of a tuple.
        names: Vec<String>,
        /// `mut`.
        mutable: bool,
        /// Whether it may become secret later.
        blurred: bool,
        /// `: T`.
        ty: Option<Ty>,
        /// Its value.
        value: Expr,
    },
    /// `let name = reveal e to …;`
    Learn {
        /// The name.
        name: String,
        /// Its value.
        value: Expr,
        /// The party, or everybody.
        to: Option<String>,
    },
    /// `name[…] op= e;`; several names are a tuple.
    Assign {
        /// Names.
        names: Vec<String>,
        /// Places, if one name.
        at: Vec<Expr>,
        /// `+=`.
        op: Option<Bin>,
        /// What is assigned.
        value: Expr,
    },
    /// `for i in a..b, j in c..d if g { … }`.
    For {
        /// Indices.
        over: Vec<Over>,
        /// A public guard.
        guard: Option<Expr>,
        /// Statements.
        body: Vec<Stmt>,
    },
    /// `while c { … }`.
    While {
        /// Public.
        condition: Expr,
        /// Statements.
        body: Vec<Stmt>,
    },
    /// `[let done =] while secret c max n { … }`.
    WhileSecret {
        /// Under which name its value is kept.
        name: Option<String>,
        /// The condition.
        condition: Expr,
        /// At most so often.
        max: Dim,
        /// Statements.
        body: Vec<Stmt>,
    },
    /// `if c { … } else { … }`.
    If {
        /// `if secret`.
        secret: bool,
        /// The condition.
        condition: Expr,
        /// If it holds.
        then: Vec<Stmt>,
        /// If not.
        otherwise: Vec<Stmt>,
    },
    /// `reveal e to … as name;`
    Reveal {
        /// What.
        value: Expr,
        /// The party, or everybody; may be picked: `site[w]`.
        to: Option<String>,
        /// Under which name.
        name: String,
    },
}

/// What a party puts in.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The name, of the file too.
    pub name: String,
    /// Whose: a name, or a family of so many.
    pub party: String,
    /// Members, if a family.
    pub members: Option<usize>,
    /// The struct, if a table.
    pub table: Option<usize>,
    /// Elements (of a column each, for a table) and dimensions.
    pub columns: Vec<(String, Base)>,
    /// Dimensions as written; bare names are bound here.
    pub dims: Vec<Dim>,
    /// Lengths.
    pub shape: Vec<usize>,
    /// By member, by column: one word per element.
    pub words: Vec<Vec<Vec<String>>>,
}

/// A function of the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Sizes it binds.
    pub sizes: Vec<String>,
    /// Parameters: name, type, the text of a default.
    pub params: Vec<(String, Ty, Option<Expr>)>,
    /// Types of results.
    pub results: Vec<Ty>,
    /// Statements before the value.
    pub body: Vec<Stmt>,
    /// The value.
    pub value: Expr,
}

/// A script with what it is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The seed it came from.
    pub seed: u64,
    /// Bits of the ring it is made for.
    pub ring: u8,
    /// Parties and families with their number of members.
    pub parties: Vec<(String, Option<usize>)>,
    /// Parameters: name, value.
    pub params: Vec<(String, i64)>,
    /// Structs: name, fields.
    pub structs: Vec<(String, Vec<(String, Base)>)>,
    /// Constants: name, type, value.
    pub constants: Vec<(String, Ty, Expr)>,
    /// Inputs.
    pub inputs: Vec<Input>,
    /// Functions.
    pub functions: Vec<Function>,
    /// Statements.
    pub body: Vec<Stmt>,
    /// Sizes by name.
    pub sizes: BTreeMap<String, i64>,
}
