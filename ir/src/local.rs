//! Local operations: what one party computes from what it knows. Both representations share
//! this vocabulary, so that lowering copies what needs no message.
//!
//! The element type and the shape of a result stand with the result value, not in the
//! operation. Shapes broadcast in one way only: arguments of an element-wise operation are
//! scalars (rank 0), or have one rank and in each axis the same length or length 1.

use crate::size::Size;
use std::sync::Arc;

/// A local operation. Rules name arguments a, b, c and the result r.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Local {
    /// r: every element is this literal: a signed integer for `Ring`, `Bits` and `Field`, reduced
    /// to the type; for clear fixed point the value times 2^64.
    Constant(i128),
    /// r: these literals in row-major order, read as in [`Local::Constant`].
    Data(Arc<[i128]>),
    /// r: the value of a size, a scalar integer.
    Size(Size),
    /// r: 0, 1, …, n - 1 of shape `[n]`.
    Iota,
    /// r = f(a, …) element by element, after broadcasting.
    Prim(Prim),
    /// Matrix product over the last two axes: `[.., n, k]` by `[.., k, m]` gives `[.., n, m]`; the
    /// leading axes are equal. Ranks are equal and at least 2: vectors are reshaped first. On
    /// clear fixed point each product is rounded to 2^-64.
    MatMul,
    /// r: the elements of a in row-major order in another shape with as many elements.
    Reshape,
    /// r: a, repeated along axes of length 1, or a scalar repeated everywhere.
    Broadcast,
    /// r: axis i of r is axis `axes[i]` of a.
    Transpose {
        /// A permutation of the axes.
        axes: Vec<u8>,
    },
    /// r: the elements `start..end` of a along an axis.
    Slice {
        /// Which axis.
        axis: u8,
        /// First.
        start: Size,
        /// One past the last.
        end: Size,
    },
    /// r: one or more arguments after each other along an axis.
    Concat {
        /// Which axis.
        axis: u8,
    },
    /// r: `a[b[i, …], …]`: rows (first axis) of a at the integer indices b. Shape: b's, then a's
    /// without its first axis. An index out of range is an error of the run.
    Gather,
    /// r: a with the row i of b moved to row c\[i\]: `r[c[i], …] = b[i, …]`, other rows as in a.
    Scatter,
    /// r: the inverse of the permutation a.
    InversePermutation,
    /// r: sum over an axis, which disappears; XOR on bits.
    Sum {
        /// Which axis.
        axis: u8,
    },
    /// r: `Bits(1)` of shape `[.., m]` from a: `Bits(m)` of shape `[..]`, lowest bit first.
    Unpack,
    /// The inverse of [`Local::Unpack`].
    Pack,
    /// r: `Bits(128)` of shape `[2]`, the SHA-256 of one or more arguments with their types and lengths.
    Digest,
    /// r: uniform elements of r's type and shape from the seed a, a scalar of `Bits(128)`.
    Expand,
}

/// Element-wise operations. On `Bits(m)` addition and subtraction are XOR, multiplication AND.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prim {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product. On clear fixed point exact, then rounded to the nearest 2^-64.
    Mul,
    /// Negation; the identity on bits.
    Neg,
    /// Complement of every bit.
    Not,
    /// a shifted left by b bits (an integer); zeros come in; amounts at or above the width give 0.
    Shl,
    /// Arithmetic right shift of a by b.
    Shr,
    /// Logical right shift of a by b.
    ShrLogical,
    /// a == b, as `Bits(1)`.
    Eq,
    /// a < b, as `Bits(1)`: signed on rings, fields and fixed point, unsigned on bits.
    Lt,
    /// Quotient of clear values: integers round towards minus infinity, fixed point to nearest; in
    /// a field the product with the inverse. Division by zero is an error of the run.
    Div,
    /// a - b * (a / b) on integers; the sign of b. Not in a field.
    Rem,
    /// b where a (`Bits(1)`) is 1, else c.
    Select,
    /// Square root of clear fixed point; of a negative value an error of the run.
    Sqrt,
    /// e^a of clear fixed point.
    Exp,
    /// Natural logarithm of clear fixed point; of a value <= 0 an error of the run.
    Ln,
    /// Conversion to r's element type. Rings to rings: sign extension or the low bits. Rings to
    /// bits and back: the low bits; zero extension. To clear fixed point: the signed integer
    /// (rings, fields), the unsigned integer (bits). From clear fixed point to rings: the floor.
    /// To a field: the residue of the signed integer (rings, other fields) or of the unsigned
    /// (bits). From a field to a ring: the representative nearest 0, of which the low bits; to
    /// bits: the low bits of the representative in 0..p.
    Cast,
    /// Bits `start`, `start + step`, … of a (`Bits`), as many as r has.
    BitSlice {
        /// First bit.
        start: u8,
        /// Distance between bits; may be negative.
        step: i8,
    },
    /// Clear fixed point a to a ring: the nearest integer to a * 2^b. Outside the ring's signed
    /// range an error of the run.
    Encode,
    /// A ring element a, read signed, to clear fixed point: a / 2^b.
    Decode,
}

impl Prim {
    /// How many arguments it takes.
    pub fn arity(self) -> usize {
        match self {
            Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Shl
            | Self::Shr
            | Self::ShrLogical
            | Self::Eq
            | Self::Lt
            | Self::Div
            | Self::Rem
            | Self::Encode
            | Self::Decode => 2,
            Self::Select => 3,
            Self::Neg
            | Self::Not
            | Self::Sqrt
            | Self::Exp
            | Self::Ln
            | Self::Cast
            | Self::BitSlice { .. } => 1,
        }
    }
}

/// Between a line of a function and the line that calls it, where places are text.
pub const CALLED: &str = ", called at ";

/// A place in the sources, for errors and for cost by line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// Which file, as the front end numbers them.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The call in which this text is carried out, as the front end numbers them; 0 outside of functions. One text of a
    /// function is at a place of its own in each call.
    pub call: u32,
}

impl Source {
    /// The same text, whoever called it.
    pub fn text(self) -> Self {
        Self { call: 0, ..self }
    }
}
