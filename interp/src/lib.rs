//! Endpoints that carry out a party program.
//!
//! Each party of a program is an endpoint: its own registers, its own pseudorandom streams, and a
//! [`Channel`] to every other. Endpoints share nothing but messages; what one computes from
//! another's values has crossed as bytes. [`simulate`] runs all of them in one process, each on a
//! thread; [`endpoint`] runs one over any channel.
//!
//! [`Channel`]: smpc_runtime::channel::Channel

mod control;
mod endpoint;
mod fuse;
mod keys;
pub mod local;
mod plan;
mod simulate;
mod views;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use smpc_ir::SizeVar;
use smpc_ir::local::Source;
use smpc_ir::party::Value;
use smpc_ir::share::Type;
use smpc_runtime::tensor::Tensor;

pub use endpoint::endpoint;
pub use keys::Identity;
pub use simulate::simulate;

/// What a run starts from.
#[derive(Clone, Default)]
pub struct Setup {
    /// Sizes by variable; those bound by loops are ignored.
    pub sizes: Vec<i128>,
    /// Parameters by position: integers, or fixed point times 2^64.
    pub params: Vec<i128>,
    /// Inputs by position. An endpoint looks only at its own.
    pub inputs: Vec<Option<Tensor>>,
    /// Makes the run reproducible to the bit; without it keys come from the operating system.
    pub seed: Option<u64>,
    /// Sees every [`Probe`](smpc_ir::party::Op::Probe).
    pub observer: Option<Arc<dyn Observer>>,
    /// Told how far the run is.
    pub progress: Option<Arc<dyn Progress>>,
}

/// An observer outside the protocol: the audit of a simulated run.
pub trait Observer: Send + Sync {
    /// Component `component` of a share-level value, with its coefficient in the value, in the
    /// iteration given by one counter per enclosing loop or tree. Every party that knows the
    /// component reports it.
    fn component(&self, probe: &Probed<'_>);

    /// A message that leaves an endpoint.
    fn message(&self, _sent: &Sent<'_>) {}
}

/// When a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the first step: keys of shared streams.
    Setup,
    /// Before inputs are known.
    Offline,
    /// In a round.
    Online,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// When.
    pub phase: Phase,
    /// The exchange of that phase, from 0.
    pub round: u64,
    /// The sender.
    pub from: u8,
    /// The receiver.
    pub to: u8,
    /// The contents.
    pub bytes: &'a [u8],
    /// What they are made of; nothing in the set-up.
    pub values: &'a [Value],
    /// The same.
    pub tensors: &'a [Arc<Tensor>],
}

/// One reported component.
#[derive(Clone, Copy, Debug)]
pub struct Probed<'a> {
    /// The share-level value.
    pub value: u32,
    /// One counter per enclosing loop or tree, outermost first.
    pub path: &'a [u64],
    /// Which component.
    pub component: usize,
    /// Coefficient of each component.
    pub coefficients: &'a [i128],
    /// Fraction bits of the value.
    pub scale: u8,
    /// The component.
    pub tensor: &'a Tensor,
}

/// Told how far a run is; called from the first endpoint's thread, often.
pub trait Progress: Send + Sync {
    /// `done` of `total` units of work, which are estimated from the program and its sizes.
    fn at(&self, done: u64, total: u64);
}

/// A value that a party was handed.
#[derive(Clone, Debug)]
pub struct Output {
    /// The output's name.
    pub name: String,
    /// Which member of a tuple, and of how many.
    pub field: Option<(u16, u16)>,
    /// Type for display.
    pub show: Type,
    /// Who.
    pub party: u8,
    /// What.
    pub value: Tensor,
}

/// Counts that formulas leave open, by their variable there
/// ([`Opaque`](smpc_ir::party::Opaque)).
pub type Counts = HashMap<SizeVar, u64>;

/// What one endpoint did.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// What it was handed, in order.
    pub outputs: Vec<Output>,
    /// Rounds it went through.
    pub rounds: u64,
    /// Online messages it sent.
    pub messages: u64,
    /// Online bytes it sent.
    pub bytes: u64,
    /// Offline bytes it sent.
    pub offline_bytes: u64,
    /// Bytes of the set-up it sent: keys of shared streams.
    pub setup_bytes: u64,
    /// Counts that formulas leave open.
    pub counts: Counts,
}

/// What all endpoints did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What parties were handed, by party, each in order.
    pub outputs: Vec<Output>,
    /// Online rounds, the same at every endpoint.
    pub rounds: u64,
    /// Online messages.
    pub messages: u64,
    /// Online bytes sent, by party.
    pub bytes: Vec<u64>,
    /// Offline bytes sent, by party.
    pub offline_bytes: Vec<u64>,
    /// Set-up bytes sent, by party.
    pub setup_bytes: Vec<u64>,
    /// Counts that formulas leave open.
    pub counts: Counts,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunError {
    /// Stable code: `I30` a local operation failed, `I31` a channel, `I32` the set-up, `I33` a check
    /// of what others sent, `I34` an assertion.
    pub code: &'static str,
    /// In the user's words.
    pub message: String,
    /// The operation.
    pub source: Source,
    /// The party at which it happened.
    pub party: u8,
    /// Whether it only reports that a peer ended.
    pub consequence: bool,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for RunError {}

/// A local operation cannot be carried out on these values.
pub const OPERATION: &str = "I30";
/// A message did not come, or is not what it must be.
pub const CHANNEL: &str = "I31";
/// Keys, inputs or parameters are missing.
pub const SETUP: &str = "I32";
/// What parties sent does not fit together: one of them deviates from the protocol.
pub const DEVIATION: &str = "I33";
