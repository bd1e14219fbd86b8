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

mod before;
mod cost;
mod offline;
mod outputs;
pub mod project;
mod rules;
pub mod schedule;
#[cfg(test)]
mod tests;
mod validate;
mod validated;

pub use cost::{Cost, Opaque, cost, cost_of};
pub use offline::NoOffline;
pub use outputs::{OutputInfo, outputs};
pub use validate::validate;
pub use validated::{Invalid, Sound, Validated};

use crate::field::Prime;
use crate::local::{Local, Source};
use crate::share::{Guard, Input, Param, SizeInfo, Type};
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

    /// As a number whose bit i is set if party i is a member.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// From what [`PartySet::bits`] gives.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
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
    /// Integers modulo a prime, signed where an operation asks for a sign: the representative
    /// nearest 0. A received element that is no residue is an error of the run.
    Field(Prime),
    /// Clear fixed point: signed 128-bit integers in units of 2^-64. Never a component of a
    /// sharing.
    Fix,
}

impl Elem {
    /// Bits of one element on the wire.
    pub fn wire_bits(self) -> u8 {
        match self {
            Self::Ring(k) | Self::Bits(k) => k,
            Self::Field(p) => p.bits(),
            Self::Fix => 128,
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

/// What a coin is drawn from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CoinDomain {
    /// Uniform over the element type.
    Uniform,
    /// A uniform permutation of the result's only axis: integers `Ring(64)`.
    Permutation,
    /// Uniform over `0..bound`.
    Below(u128),
    /// Uniform over the ring or field without 0.
    Nonzero,
}

/// One operation. Arguments and results are in [`Step`]; rules name them a, b and r.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// r, computed from the arguments by every party that knows r.
    Local(Local),
    /// r: `max(0, -ceil(log2(max |a|)))` of a clear fixed-point tensor, a scalar of `Ring(64)`; 64
    /// if a is all zero. The extra fraction bits that keep a small public factor's precision.
    FractionBits,
    /// r: the input at this position of [`Program::inputs`], known to its one owner.
    Input(u32),
    /// r: the parameter at this position of [`Program::params`].
    Param(u32),
    /// r: coins from the stream shared by exactly r's knowledge set.
    Coin(CoinDomain),
    /// r: a, sent by `from`, who knows it. Knowledge of r: at most a's and `to`. A receiver that
    /// knows a is sent nothing.
    Send {
        /// Who sends.
        from: Party,
        /// Who receives.
        to: PartySet,
    },
    /// Every member of `at` compares the last two arguments, which it knows, and ends the run in an
    /// error if an element differs; the second of them may be a scalar. With three arguments the
    /// first is handed on as the result, to be read by what must not come before the comparison;
    /// with two there is no result.
    Check {
        /// Who compares.
        at: PartySet,
    },
    /// Whatever stands before it in the block is over at a party before that party begins what
    /// stands behind it. Neither arguments nor results.
    Barrier,
    /// Hands a to its knowledge set as the output of that name. No result.
    Output {
        /// As declared.
        name: String,
        /// Which member of a tuple, and of how many.
        field: Option<(u16, u16)>,
        /// The member's name: a field of a struct, a position of a tuple; empty for the whole.
        label: String,
        /// Type for display.
        show: Type,
        /// Whether its bits are characters (`text<n>`).
        text: bool,
        /// Whether the script hands it to all its parties, rather than to those it names.
        all: bool,
    },
    /// Shows the arguments, the components of a secret, to an observer outside the protocol: the
    /// audit. A run without an observer skips it. No result.
    Probe {
        /// The share-level value.
        value: u32,
        /// Coefficient of each argument in the value.
        coefficients: Vec<i128>,
        /// Fraction bits.
        scale: u8,
    },
    /// As [`crate::share::Op::For`].
    For {
        /// Counts 0, 1, … in the body's sizes.
        var: SizeVar,
        /// How often; public.
        count: Size,
        /// The body.
        body: Block,
    },
    /// As [`crate::share::Op::While`]; the condition is known to every party.
    While {
        /// Stands for the number of iterations in cost formulas.
        iterations: SizeVar,
        /// One `Bits(1)` scalar known to every party.
        condition: Block,
        /// The body.
        body: Block,
    },
    /// As [`crate::share::Op::Switch`]; argument 0 is known to every party.
    Switch {
        /// At least one.
        arms: Vec<Block>,
    },
    /// As [`crate::share::Op::Reduce`], on every component: level by level, the even rows are the
    /// lower and the odd rows the higher neighbours, and a last odd row passes on unchanged.
    Reduce {
        /// Pairs of the current level.
        half: SizeVar,
        /// Its results are known to at least whom the arguments are known to.
        body: Block,
    },
    /// As [`crate::share::Op::Scan`]: Sklansky's network; in level l, row i with bit l set meets
    /// the last row before its block, `((i >> l) << l) - 1`, as the lower neighbour.
    Scan {
        /// Pairs of the current level.
        half: SizeVar,
        /// As for `Reduce`.
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
    /// The protocol it belongs to, if it is not of the script itself.
    pub origin: Option<Origin>,
}

/// What a step is of: an instance of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The instance: a position in [`Program::calls`].
    pub call: u32,
    /// Where in the protocol's text.
    pub source: Source,
}

/// What the instance is called whose one step is an assertion of the script.
pub const ASSERTION: &str = "assert";

/// An instance of a protocol. A protocol called by another one is part of the outer instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The protocol, as written.
    pub name: String,
    /// The operation of the script that it carries out.
    pub source: Source,
}

/// Straight-line code; loops nest blocks. A block sees the values defined before it outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
    /// Names, at most 128: the script's parties first, then separate servers and roles.
    pub parties: Vec<String>,
    /// Width of the ring in which integers of the script are shared.
    pub ring_bits: u8,
    /// By [`SizeVar`]; the script's come first.
    pub sizes: Vec<SizeInfo>,
    /// Public parameters.
    pub params: Vec<Param>,
    /// Inputs; their owners are positions in `parties`.
    pub inputs: Vec<Input>,
    /// Checked once sizes have values.
    pub guards: Vec<Guard>,
    /// Every value of every block.
    pub values: Vec<ValueInfo>,
    /// Instances of protocols that steps belong to.
    pub calls: Vec<Call>,
    /// The outermost block, without parameters.
    pub body: Block,
}

impl Program {
    /// The modulus of the field in which integers of the script are shared, if they are: clear ones
    /// are then in the ring of as many bits.
    pub fn modulus(&self) -> Option<u128> {
        let mut elems = self.values.iter().map(|value| value.elem);
        elems.find_map(|elem| match elem {
            Elem::Field(p) if p.bits() == self.ring_bits => Some(p.modulus()),
            _ => None,
        })
    }

    /// Every set of parties whose coins the program draws, in a fixed order.
    pub fn coin_sets(&self) -> Vec<PartySet> {
        fn walk(program: &Program, block: &Block, sets: &mut Vec<PartySet>) {
            for step in &block.steps {
                match &step.op {
                    Op::Coin(_) => {
                        for result in &step.results {
                            let set = program.values[result.0 as usize].known_to;
                            if !sets.contains(&set) {
                                sets.push(set);
                            }
                        }
                    }
                    Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                        walk(program, body, sets);
                    }
                    Op::While {
                        condition, body, ..
                    } => {
                        walk(program, condition, sets);
                        walk(program, body, sets);
                    }
                    Op::Switch { arms } => {
                        for arm in arms {
                            walk(program, arm, sets);
                        }
                    }
                    _ => {}
                }
            }
        }
        let mut sets = vec![];
        walk(self, &self.body, &mut sets);
        sets.sort_by_key(|set| set.iter().map(|p| p.0).collect::<Vec<_>>());
        sets
    }

    /// Every party.
    pub fn everyone(&self) -> PartySet {
        PartySet::first(self.parties.len())
    }
}
