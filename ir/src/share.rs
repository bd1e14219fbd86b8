//! The share-level program: what a script computes, before any scheme is chosen.
//!
//! Single static assignment over tensors with symbolic shapes. A value is public, owned by some
//! parties, or secret; how a secret is represented is decided by lowering. Fixed point is a real
//! number here: scales and truncations appear in lowering. Tuples and structs are gone: each
//! field is a value of its own.
//!
//! Invariants:
//!
//! - Each value is defined once, before its use, in its block or an enclosing one.
//! - A [`Op::Local`] result's label is the join of its arguments' labels: public with anything is
//!   that thing, owned sets intersect (never to nothing), and owned never meets secret.
//! - On a secret, `Local` is restricted to what shares can do: `Add Sub Mul Neg Not Eq Lt Select
//!   Cast BitSlice Raw`, shifts of `Bits` by a public amount, `MatMul`, and the layout operations,
//!   whose indices are public. Division and the elementary functions of secrets are library code.
//! - Arguments of `Add Sub Eq Lt` and the arms of `Select` agree in type with each other.
//!   `Mul` and `MatMul` take `Int` and `Fix` mixed, result `Fix`. The condition of `Select` is `Bits(1)`.
//! - Control depends on public values only.

use std::collections::BTreeSet;

use crate::local::{Local, Source};
use crate::party::PartySet;
use crate::size::{Size, SizeVar};

/// Types of script values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Signed integers of the backend's ring.
    Int,
    /// Bits; `bool` is `Bits(1)`, `text<n>` is `Bits(8 n)` with the first character in the highest bits.
    Bits(u8),
    /// Fixed point with so many fraction bits when secret, exact to 2^-64 when clear.
    Fix(u8),
}

impl Type {
    /// Its name in scripts; `text` tells characters from numbers.
    pub fn shown(self, text: bool) -> String {
        match self {
            Self::Int => "int".into(),
            Self::Fix(16) => "fix".into(),
            Self::Fix(f) => format!("fix<{f}>"),
            Self::Bits(bits) if text => format!("text<{}>", bits / 8),
            Self::Bits(1) => "bool".into(),
            Self::Bits(bits) => format!("bits<{bits}>"),
        }
    }
}

/// Who knows a value in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// Everybody.
    Public,
    /// These parties of [`Program::parties`]; never empty.
    Owned(PartySet),
    /// Nobody: shared among the computing parties.
    Secret,
}

/// A value by its position in [`Program::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueInfo {
    /// Its type.
    pub ty: Type,
    /// Dimensions, outermost first.
    pub shape: Vec<Size>,
    /// Who knows it.
    pub label: Label,
    /// Where it was written.
    pub source: Source,
    /// Whether a text that relies on products up to the ends of a ring of 64 bits computes it: the library's, or that of an
    /// approximation. Such products are never truncated by [`TruncMode::Local`](crate::flat::TruncMode), whatever the mode.
    pub library: bool,
}

/// Who learns a revealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everybody; the result is public.
    All,
    /// These; the result is owned by them.
    Parties(PartySet),
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Computed from the arguments; see the module's invariants for secrets.
    Local(Local),
    /// r: the raw integer behind fixed point: a * 2^f, rounded to nearest if a is clear. `Fix(f)`
    /// to `Int`.
    Raw,
    /// r: the fixed-point value whose raw integer is a. `Int` to `Fix(f)`.
    FromRaw,
    /// r: the input at this position of [`Program::inputs`], known to its owner.
    Input(u32),
    /// r: the parameter at this position of [`Program::params`], public.
    Param(u32),
    /// r: how many bits the backend's integers have, a public `Int`.
    RingBits,
    /// r, secret `Bits(m)`: the m lowest bits of a + 2^(k-1), for a secret `Int` a and the k bits that the backend's integers
    /// have; zeros above them. As unsigned numbers they order as the integers do if m >= k.
    OrderedBits,
    /// r: uniform over r's type, `Bits`, drawn by the one party that owns it; another each time.
    Draw,
    /// r: a (public or owned), now secret. From the lowest owner if there are several.
    Share,
    /// r: a (secret), known to the audience. To `All` also on a public a: the identity.
    Reveal(Audience),
    /// Hands a to the audience, who knows it, under a name. No result.
    Output {
        /// The name the user gave.
        name: String,
        /// Several scalars of one output (a tuple or struct): which member this is, how many.
        field: Option<(u16, u16)>,
        /// The member's name: a field of a struct, a position of a tuple; empty for the whole.
        label: String,
        /// Who gets it.
        to: Audience,
    },
    /// Ends the run unless a (public, `Bits(1)`) holds everywhere. No result.
    Assert,
    /// One result per argument: the arguments' rows in one uniformly random order nobody knows.
    /// The arguments have the same length in their first axis, and may differ in the rest.
    Shuffle,
    /// Runs the body `count` times. Arguments are the first carried values, the body's parameters
    /// their current ones and its results the next; the results are the last.
    For {
        /// Counts 0, 1, … in the sizes of the body.
        var: SizeVar,
        /// How often.
        count: Size,
        /// The body.
        body: Block,
    },
    /// As [`Op::For`], while the condition holds.
    While {
        /// Stands for the number of iterations in cost formulas.
        iterations: SizeVar,
        /// One public `Bits(1)` scalar from the carried values.
        condition: Block,
        /// The body.
        body: Block,
    },
    /// Argument 0 is a public scalar: `Int` picks the arm with that number, `Bits(1)` arm 0 when false
    /// and 1 when true. Arms have no parameters; their results are the results.
    Switch {
        /// At least one. An index out of range is an error of the run.
        arms: Vec<Block>,
    },
    /// An associative, ordered reduction over the first axis of length n >= 1 of all k arguments,
    /// in ceil(log2 n) levels. The body has 2 k parameters (lower, then higher neighbours) and k
    /// results, all of shape `[half, ..]`. k results without the first axis.
    Reduce {
        /// Pairs of the current level, in the sizes of the body.
        half: SizeVar,
        /// The body.
        body: Block,
    },
    /// All prefixes of the same, whose length may be 0: k results with the first axis.
    Scan {
        /// Pairs of the current level.
        half: SizeVar,
        /// The body.
        body: Block,
    },
}

/// An operation with its operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// What is done.
    pub op: Op,
    /// Operands.
    pub args: Vec<Value>,
    /// What it defines.
    pub results: Vec<Value>,
    /// Where it was written.
    pub source: Source,
}

/// Straight-line code; control operations nest blocks, which see the values before them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Block {
    /// Values bound on entry.
    pub params: Vec<Value>,
    /// In program order.
    pub steps: Vec<Step>,
    /// Values handed out at the end.
    pub results: Vec<Value>,
}

/// How a size gets its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SizeOrigin {
    /// The length of an axis of an input.
    Input {
        /// Position in [`Program::inputs`].
        input: u32,
        /// Which axis.
        axis: u8,
    },
    /// An `int` parameter.
    Param(u32),
    /// Bound by a loop or a tree.
    Loop,
}

/// A size variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeInfo {
    /// As written: `n`, `n[0]`, `epochs`.
    pub name: String,
    /// How it gets its value.
    pub origin: SizeOrigin,
    /// Where it was introduced.
    pub source: Source,
}

/// A parameter of the script, set before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type; scalar.
    pub ty: Type,
    /// Unless `--set` gives another: as in [`Local::Constant`].
    pub default: Option<i128>,
    /// Where it was declared.
    pub source: Source,
}

/// What a party reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Position of the owner in [`Program::parties`].
    pub party: u8,
    /// Name of the file, without ending: `x` also for a member `x[i]` of a family.
    pub file: String,
    /// The column of a table, if the type is a struct.
    pub column: Option<String>,
    /// Element type.
    pub ty: Type,
    /// Whether the text of an element is characters (`text<n>`).
    pub text: bool,
    /// Dimensions, with the size variables they bind.
    pub shape: Vec<Size>,
    /// Where it was declared.
    pub source: Source,
}

impl Input {
    /// The type with its sizes as the script writes it: `[fix; n, d]`.
    pub fn shown(&self, sizes: &[SizeInfo]) -> String {
        let element = self.ty.shown(self.text);
        if self.shape.is_empty() {
            return element;
        }
        let dims: Vec<String> = self
            .shape
            .iter()
            .map(|dim| size_shown(dim, sizes))
            .collect();
        format!("[{element}; {}]", dims.join(", "))
    }
}

/// A size with the names of its variables.
pub fn size_shown(size: &Size, sizes: &[SizeInfo]) -> String {
    size.display(&|var| {
        let info = sizes.get(var.0 as usize);
        info.map_or_else(|| format!("?{}", var.0), |s| s.name.clone())
    })
}

/// Two sizes that must be equal once inputs are read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Guard {
    /// One.
    pub left: Size,
    /// The other.
    pub right: Size,
    /// Where equality is needed.
    pub source: Source,
}

/// One line of the leakage contract, for display: what, to whom, under what condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The name.
    pub name: String,
    /// Type and shape as text.
    pub what: String,
    /// To whom, as text: `all`, `north, south`.
    pub to: String,
    /// Condition and repetition as text, if any.
    pub when: Option<String>,
    /// Where it happens.
    pub source: Source,
}

/// A reveal within a function that says what distribution explains it away (`reveals order: [bool; n] to all ~ perm(n)`):
/// whoever has one uniform sample of it, and what is public, could compute what is revealed. It is not in the contract, and
/// nobody has proved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The function.
    pub function: String,
    /// The name.
    pub name: String,
    /// Its type, as declared.
    pub what: String,
    /// To whom, as text.
    pub to: String,
    /// The distribution, as written.
    pub distribution: String,
    /// The clause.
    pub source: Source,
}

/// The backend a script asks for (`using`), all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Using {
    /// Name of the backend.
    pub backend: Option<String>,
    /// `k: 128`.
    pub args: Vec<(String, i128)>,
    /// `with trunc exact`.
    pub trunc: Option<String>,
    /// Positions in [`Program::parties`] of the computing parties; empty: separate servers.
    pub on: Vec<u8>,
}

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The script's parties, families unrolled: `north`, `hospital[0]`. At most 100.
    pub parties: Vec<String>,
    /// By [`SizeVar`].
    pub sizes: Vec<SizeInfo>,
    /// Public parameters.
    pub params: Vec<Param>,
    /// Inputs.
    pub inputs: Vec<Input>,
    /// Every value of every block.
    pub values: Vec<ValueInfo>,
    /// The outermost block, without parameters or results.
    pub body: Block,
    /// Checked before the run.
    pub guards: Vec<Guard>,
    /// Everything that leaves.
    pub leaks: Vec<Leak>,
    /// What leaves besides, and is taken for no leakage.
    pub assumptions: Vec<Assumption>,
    /// Literals that the script writes as text, and the bits of their types. A constant like one of them is taken for it where
    /// outputs are written.
    pub texts: BTreeSet<(i128, u8)>,
    /// The backend asked for.
    pub using: Using,
}
