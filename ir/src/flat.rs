//! Protocols made flat: one protocol of a scheme, for a concrete number of parties and concrete
//! rings, as straight-line code of party-level operations, with calls inlined, families and bit
//! reductions unrolled, and every knowledge rule checked.
//!
//! Shapes stay open: a value has a [`Kind`], and lowering binds kinds to shapes when it
//! instantiates the protocol. So one element-wise text serves tensors, and one `bilinear` text
//! serves products, matrix products and convolutions.

use crate::claim::{Claims, Corruption, Skipped, Written};
use crate::decisions::Decisions;
use crate::local::{Local, Source};
use crate::party::{CoinDomain, Elem, PartySet};
use std::ops::Range;
use std::sync::Arc;

/// The shape of a value in a flat protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// One element whatever the operands: public amounts, constants.
    Scalar,
    /// The shape of the operands of a protocol that is not bilinear.
    Element,
    /// The first axis of [`Kind::Element`]: permutations.
    Rows,
    /// The left operand's shape.
    Left,
    /// The right operand's shape.
    Right,
    /// The shape of the bilinear map's result.
    Product,
    /// The two words of a digest.
    Digest,
}

/// A value of a flat protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatInfo {
    /// Element type.
    pub elem: Elem,
    /// Shape.
    pub kind: Kind,
    /// Who knows it: parties 0..n are the computing parties P, then the roles (dealer) in the
    /// scheme's order, then, at [`Flat::outsider`], the owner or receiver if it is no P\[i\].
    pub known_to: PartySet,
    /// Known before any input.
    pub offline: bool,
}

/// One operation of a flat protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlatOp {
    /// A local operation: `Constant`, `Prim`, `Gather`, `InversePermutation`, `Sum`. Broadcasting
    /// between kinds happens with [`Kind::Scalar`] only.
    Local(Local),
    /// r = a × b with the caller's bilinear map: a [`Kind::Left`], b [`Kind::Right`], r [`Kind::Product`].
    Bilinear,
    /// r: coins known to exactly r's knowledge set.
    Coin(CoinDomain),
    /// r: a, known to `to` too. Senders know a. As [`crate::party::Op::Send`].
    Send {
        /// Who sends.
        from: u8,
        /// Who receives.
        to: PartySet,
    },
    /// r: the first argument, after every member of `at` has compared the second with the third. As
    /// [`crate::party::Op::Check`].
    Check {
        /// Who compares.
        at: PartySet,
    },
    /// Every member of `at` compares the arguments and aborts if they differ. r: a bit without
    /// meaning, known to `at`.
    Assert {
        /// Who compares.
        at: PartySet,
    },
    /// r: the key at this position of [`Protocols::keys`], a scalar.
    Key(u32),
}

/// An operation with its operands: indices into [`Flat::values`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatStep {
    /// What is done.
    pub op: FlatOp,
    /// Operands.
    pub args: Vec<u32>,
    /// What it defines.
    pub result: u32,
    /// Where it was written.
    pub source: Source,
}

/// A parameter or result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlatOperand {
    /// A sharing: one value per component, in the order of [`Sharing::holders`].
    Shared(Vec<u32>),
    /// A clear value.
    Clear(u32),
}

/// A flat protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flat {
    /// As written.
    pub name: String,
    /// Every value.
    pub values: Vec<FlatInfo>,
    /// In the order of the signature. Public integers such as `f` are `Clear` scalars of
    /// `Ring(64)` known to everybody.
    pub params: Vec<FlatOperand>,
    /// In the order of the signature.
    pub results: Vec<FlatOperand>,
    /// In order.
    pub steps: Vec<FlatStep>,
    /// The number of the owner or receiver outside, if the protocol has one.
    pub outsider: Option<u8>,
    /// The calls whose bodies stand in [`Flat::steps`], callers before callees.
    pub calls: Vec<Call>,
    /// What the protocol claims.
    pub claims: Claims,
    /// Positions in [`Flat::steps`], ascending: whatever stands before one is over at a party before
    /// the party begins what stands behind it.
    pub barriers: Vec<u32>,
    /// Calls of deferred protocols, to be carried out before anything is revealed or put out.
    pub deferred: Vec<Deferred>,
}

/// What a flat protocol sends online, for one element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Message depth.
    pub rounds: usize,
    /// Elements, counted at each receiver.
    pub elements: usize,
    /// Bytes, each element rounded up to whole ones.
    pub bytes: usize,
}

impl Flat {
    /// What the first `steps` of its steps send.
    pub fn traffic(&self, steps: usize) -> Traffic {
        let mut depth = vec![0usize; self.values.len()];
        let mut traffic = Traffic::default();
        for step in self.steps.iter().take(steps) {
            let args = step.args.iter().map(|arg| depth[*arg as usize]);
            let mut at = args.max().unwrap_or(0);
            let result = &self.values[step.result as usize];
            if let FlatOp::Send { to, .. } = step.op
                && !result.offline
            {
                at += 1;
                let receivers = to.len() as usize;
                traffic.elements += receivers;
                traffic.bytes += usize::from(result.elem.wire_bits()).div_ceil(8) * receivers;
            }
            depth[step.result as usize] = at;
        }
        traffic.rounds = depth.into_iter().max().unwrap_or(0);
        traffic
    }
}

/// A recorded call of a deferred protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferred {
    /// What is carried out later. If [`Deferred::bilinear`], once for each call, with the caller's
    /// map; else once for all calls, on vectors of all elements.
    pub body: Arc<Flat>,
    /// Whether its parameters are left operand, right operand, and products.
    pub bilinear: bool,
    /// The arguments.
    pub args: Vec<FlatOperand>,
}

/// A key: one coin for each run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As in the scheme: `alpha[0]`.
    pub name: String,
    /// Its element type.
    pub elem: Elem,
    /// What it is drawn from.
    pub domain: CoinDomain,
    /// Who knows it.
    pub known_to: PartySet,
}

/// A call that was inlined: where its body is, so that a caller can be proved from what was proved
/// of the callee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The callee.
    pub name: String,
    /// Its steps.
    pub steps: Range<u32>,
    /// What it is given, but for what is known when a protocol is made flat. A component that nothing reads is
    /// no value.
    pub args: Vec<FlatOperand>,
    /// How each argument is shared; nothing for a clear value.
    pub given: Vec<Option<Sharing>>,
    /// Its results.
    pub results: Vec<FlatOperand>,
    /// How each result is shared; nothing for a clear value.
    pub sharings: Vec<Option<Sharing>>,
}

/// Who computes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Computing {
    /// How many computing parties P.
    pub parties: usize,
    /// Names of the roles beside them: `T`.
    pub roles: Vec<String>,
}

/// How one element type is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// The element type.
    pub elem: Elem,
    /// Who holds each component.
    pub holders: Vec<PartySet>,
    /// A public constant c becomes the sharing `coefficient[i] * c` of component i.
    pub constant: Vec<i128>,
    /// The value is the sum of `coefficient[i] * component[i]`.
    pub reconstruction: Vec<i128>,
    /// The other solutions of the `share` equations: a sharing of v is `constant * v`, plus each of
    /// these vectors times a uniform coin of its own.
    pub masks: Vec<Vec<i128>>,
    /// Components that carry a key times the value, by the key's position in [`Protocols::keys`]: a
    /// public constant c adds key * c to them.
    pub keyed: Vec<(u32, u32)>,
}

/// The owner of a dealt value, or the receiver of a revealed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// All computing parties: a reveal to all of them.
    Computing,
    /// Computing party P\[i\].
    Party(u8),
    /// A role, by its number (n is the first).
    Role(u8),
    /// A party that does not compute.
    Outside,
}

/// How exact a truncation must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TruncMode {
    /// The floor.
    Exact,
    /// The floor or one unit beside it.
    #[default]
    OneUnit,
    /// One unit with a probability of large error that grows with the value.
    Local,
}

/// A standard operation that lowering asks for. Parameters and results in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Want {
    /// (v at the owner) -> x.
    Share(Elem, Owner),
    /// (x) -> v at the receiver.
    Reveal(Elem, Owner),
    /// (x, y) -> z, bilinear.
    Mul(Elem),
    /// (x, f) -> z.
    Trunc(Elem, TruncMode),
    /// (x, y, f) -> z, bilinear.
    MulTrunc(Elem, TruncMode),
    /// (x) -> Bits(k).
    ToBits(Elem),
    /// (x) -> Bits(1): x < 0.
    Msb(Elem),
    /// (x, y) -> Bits(1).
    LessThan(Elem),
    /// (x, y) -> Bits(1).
    Equal(Elem),
    /// (b: Bits(1)) -> z in the ring.
    BitToRing(Elem),
    /// (x, y: Bits(k)) -> Bits(k): the sum of the integers they spell.
    AddBits(Elem),
    /// (x, y: Bits(k)) -> Bits(1): x < y as signed integers.
    LessBits(Elem),
    /// (x: rows) -> rows in another order; the coins that are permutations are shared by all
    /// columns shuffled together.
    Shuffle(Elem),
}

/// Why there is no protocol for a [`Want`]: the text says what the scheme lacks and what would
/// supply it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub String);

/// A bound backend, as lowering sees it.
pub trait Protocols {
    /// The computing parties and roles.
    fn computing(&self) -> &Computing;
    /// Width of the ring that carries clear `int`s, and secret ones unless [`Self::int_elem`] says
    /// otherwise.
    fn ring_bits(&self) -> u8;
    /// The element type that carries secret `int`s. Over `Bits` their arithmetic is protocols on bits:
    /// [`Want::AddBits`] and its like.
    fn int_elem(&self) -> Elem {
        Elem::Ring(self.ring_bits())
    }
    /// The truncation mode of the backend or the script.
    fn trunc_mode(&self) -> TruncMode;
    /// How an element type is shared.
    ///
    /// # Errors
    /// The backend carries no such type.
    fn sharing(&self, elem: Elem) -> Result<Sharing, Missing>;
    /// The protocol for a standard operation; `realises` and modes are decided here. A
    /// [`Want::MulTrunc`] that the scheme does not fuse is missing.
    ///
    /// # Errors
    /// Neither the scheme nor the generic library has one.
    fn protocol(&self, want: Want) -> Result<Arc<Flat>, Missing>;
    /// The scheme's keys, drawn before anything else.
    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }
    /// The scheme's `corrupt` clauses; none if it states none.
    fn corruption(&self) -> Vec<Corruption> {
        Vec::new()
    }
    /// Every protocol of the scheme's own file, one entry per form of its generics.
    fn written(&self) -> Vec<Written> {
        Vec::new()
    }
    /// Those of these names, with other numbers for names of widths that a signature leaves open (`m`, `l`).
    fn written_at(&self, _names: &[&str], _numbers: &[(&str, i128)]) -> Vec<Written> {
        Vec::new()
    }
    /// What the protocol for a standard operation decided by numbers known in advance, if there is one.
    fn decisions(&self, _want: Want) -> Decisions {
        Decisions::default()
    }
    /// Protocols of that file that [`Self::written`] leaves out, with the reason.
    fn skipped(&self) -> Vec<Skipped> {
        Vec::new()
    }
}
