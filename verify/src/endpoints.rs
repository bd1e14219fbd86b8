//! Whoever carries out party programs: the parties' endpoints, which this crate does not know.

use smpc_ir::party::{Elem, Validated};
use std::fmt;

/// All parties of a program, each an endpoint of its own that shares nothing with the others but messages.
pub trait Endpoints: Sync {
    /// Runs every party from inputs to outputs: what each party was handed, each party's in program order.
    ///
    /// # Errors
    /// Why the run ended before its end, and at whom.
    fn run(&self, program: Validated<'_>, start: &Start) -> Result<Vec<Output>, String>;
}

impl fmt::Debug for dyn Endpoints + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoints")
    }
}

/// What a run starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Sizes by variable.
    pub sizes: Vec<i128>,
    /// Parameters by position.
    pub params: Vec<i128>,
    /// Inputs by position.
    pub inputs: Vec<Given>,
    /// What coins come from: the same seed, the same run.
    pub seed: u64,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its element type.
    pub elem: Elem,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements in row-major order: signed, but for bits.
    pub values: Vec<i128>,
}

/// What a party was handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name in the program.
    pub name: String,
    /// Who.
    pub party: u8,
    /// Elements in row-major order: signed in rings and fields.
    pub values: Vec<i128>,
}

/// What carries out random runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runner {
    /// The prover's own machine, which carries out the steps of all parties.
    #[default]
    Prover,
    /// [`Endpoints`].
    Endpoints,
}

impl Runner {
    /// The word for it in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prover => "prover",
            Self::Endpoints => "endpoints",
        }
    }
}
