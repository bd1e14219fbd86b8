//! The party program: what each party computes, draws and sends, in single static assignment.
//!
//! There is no scheme here and no share: a component of a sharing is a value like any other,
//! known to the parties that hold it. Every value has an element type, a symbolic shape and a
//! *knowledge set*, the parties that know it in the clear. An operation is carried out by every
//! party in the knowledge set of its result.
//!
//! Invariants, checked by [`validate()`]:
//!
//! - Each value is defined once, by an operation or as a block parameter, before it is used.
//! - An operation's result is known to no party that lacks one of its arguments. Knowledge
//!   grows by [`Op::Send`] alone, whose result is a new value for the same contents.
//! - Element-wise arguments agree in element type; their shapes are equal, or one is a scalar.
//! - A loop is followed by every party: its bound is a size, and sizes are public.
//! - A coin is known to exactly the parties of its stream.
//! - What an offline operation reads is offline.

mod level;
#[cfg(test)]
mod tests;
mod validate;

pub use level::{Cost, cost};
pub use validate::{Invalid, Validated, validate};

use crate::size::{Size, SizeVar};

/// A party by its position in [`Program::parties`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party(pub u8);

/// A set of at most 128 parties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartySet(u128);

impl PartySet {
    /// Nobody.
    pub const EMPTY: Self = Self(0);

    /// The first `n` parties; all 128 for a larger `n`.
    pub fn first(n: usize) -> Self {
        Self(if n >= 128 { u128::MAX } else { (1 << n) - 1 })
    }

    /// Whether `party` is a member.
    pub fn contains(self, party: Party) -> bool {
        party.0 < 128 && self.0 >> party.0 & 1 == 1
    }

    /// Whether every member of `self` is in `other`.
    pub fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Members of both.
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Members of either.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Members of `self` that are not in `other`.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many members.
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Members in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Party> {
        (0..128u8).map(Party).filter(move |p| self.contains(*p))
    }
}

impl FromIterator<Party> for PartySet {
    /// Parties beyond the 128th cannot be represented and are left out; a program has at most 128.
    fn from_iter<I: IntoIterator<Item = Party>>(parties: I) -> Self {
        Self(
            parties
                .into_iter()
                .filter(|p| p.0 < 128)
                .fold(0, |set, p| set | 1 << p.0),
        )
    }
}

/// What a tensor's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Elem {
    /// Integers modulo 2^k, 1 <= k <= 128; signed where an operation asks for a sign.
    Ring(u8),
    /// Vectors over Z_2 of 1 to 128 bits: addition is XOR, multiplication is AND.
    Bits(u8),
}

impl Elem {
    /// Bits of one element on the wire.
    pub fn wire_bits(self) -> u8 {
        match self {
            Self::Ring(k) | Self::Bits(k) => k,
        }
    }
}

/// A value by its position in [`Program::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

/// Type, shape and knowledge set of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueInfo {
    /// Element type.
    pub elem: Elem,
    /// Dimensions, outermost first; empty for a scalar.
    pub shape: Vec<Size>,
    /// Who knows it.
    pub known_to: PartySet,
    /// Known before any input is: made of coins, constants and other offline values.
    pub offline: bool,
}

impl ValueInfo {
    /// Number of elements.
    pub fn elements(&self) -> Size {
        self.shape.iter().fold(Size::one(), |n, dim| &n * dim)
    }

    /// Bytes of the value in a message: the elements packed, rounded up to whole bytes once.
    pub fn wire_bytes(&self) -> Size {
        (&self.elements() * &Size::from(i128::from(self.elem.wire_bits()))).div_ceil(&Size::from(8))
    }
}

/// Element-wise operations on one element type. A scalar argument meets every element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementwise {
    /// Sum; XOR on bits.
    Add,
    /// Difference; XOR on bits.
    Sub,
    /// Product; AND on bits.
    Mul,
    /// Negation; the identity on bits.
    Neg,
    /// Complement of every bit.
    Not,
    /// Left shift by the given number of bits.
    ShiftLeft(u8),
    /// Right shift that copies the sign bit.
    ShiftRight(u8),
    /// Right shift that brings in zeros.
    ShiftRightLogical(u8),
}

impl Elementwise {
    /// How many arguments it takes.
    pub fn arity(self) -> usize {
        match self {
            Self::Add | Self::Sub | Self::Mul => 2,
            _ => 1,
        }
    }
}

/// One operation. `args` and `result` are in [`Step`]; rules name them a, b and r.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// r: the input of that name, read at its one owner.
    Input {
        /// As declared.
        name: String,
    },
    /// r: every element is the given integer. Knowledge: any set.
    Constant(i128),
    /// r: uniform elements from the stream shared by exactly r's knowledge set.
    Coin,
    /// r = f(a, …), all of r's element type.
    Elementwise(Elementwise),
    /// r = a · b over a ring: `[n, k]` × `[k, m]` gives `[n, m]`.
    MatMul,
    /// r: a with its two dimensions swapped.
    Transpose,
    /// r: elements a[start..end] along the first dimension.
    Slice {
        /// First row.
        start: Size,
        /// One past the last row.
        end: Size,
    },
    /// r: sum over a's first dimension.
    Sum,
    /// r: the same bits as a, between `Ring(k)` and `Bits(k)`.
    Reinterpret,
    /// r: the most significant bit of a, as `Bits(1)`.
    Msb,
    /// r: a, sent by `from`, who knows it. Knowledge of r: at most a's and `to`. A receiver that
    /// knows a is sent nothing.
    Send {
        /// Who sends.
        from: Party,
        /// Who receives.
        to: PartySet,
    },
    /// Hands a to its knowledge set as the output of that name. No result.
    Output {
        /// As declared.
        name: String,
    },
    /// Runs the body `count` times in order. Arguments are the initial carried values, block
    /// parameters their current ones, block results the next; the results are the last.
    For {
        /// Counts 0, 1, … in the body's sizes.
        var: SizeVar,
        /// How often; public.
        count: Size,
        /// The body.
        body: Block,
    },
}

/// An operation with its operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub op: Op,
    /// Operands.
    pub args: Vec<Value>,
    /// What it defines.
    pub results: Vec<Value>,
    /// Byte offset in the script, for errors and for cost by line.
    pub source: u32,
}

/// Straight-line code; loops nest blocks. A block sees the values defined before it outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Values bound on entry.
    pub params: Vec<Value>,
    /// In program order.
    pub steps: Vec<Step>,
    /// Values handed out at the end.
    pub results: Vec<Value>,
}

/// A whole computation, all parties together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Names, at most 128.
    pub parties: Vec<String>,
    /// Every value of every block.
    pub values: Vec<ValueInfo>,
    /// The outermost block, without parameters.
    pub body: Block,
}

impl Program {
    /// Every party.
    pub fn everyone(&self) -> PartySet {
        PartySet::first(self.parties.len())
    }
}
