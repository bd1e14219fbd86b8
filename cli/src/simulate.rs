//! A script with everything that a simulated run of it needs.

use crate::pipeline::{self, Bound, Script};
use crate::problem::{Exit, Failure, Problem};
use crate::progress::Bar;
use crate::{bind, inputs};
use smpc_grammar::Sources;
use smpc_interp::{Observer, Outcome, RunError, Setup};
use smpc_ir::party::{OutputInfo, outputs};
use smpc_runtime::files::{Array, wanted};
use smpc_runtime::tensor::Tensor;
use std::sync::Arc;
use std::time::Instant;

/// What a run needs beside the program.
pub struct Ready {
    /// Sizes by variable.
    pub sizes: Vec<i128>,
    /// Parameters by position.
    pub params: Vec<i128>,
    /// Inputs as the endpoints take them.
    tensors: Vec<Option<Tensor>>,
    /// Inputs as read.
    pub arrays: Vec<Option<Array>>,
}

/// Reads parameters and inputs; all their problems are told together.
///
/// # Errors
/// Every problem of inputs and parameters.
pub fn prepare(
    script: &Script,
    bound: &Bound,
    binding: &smpc_driver::Binding,
) -> Result<Ready, Failure> {
    let program = &bound.program;
    let mut problems = Vec::new();
    let params = bind::params(
        &program.params,
        binding,
        &script.family_sizes,
        pipeline::ring_bits(bound),
        &mut problems,
    );
    let read = inputs::read(program, &script.folder, &mut problems);
    let sizes = bind::sizes(program, &params, &read, &mut problems);
    let mut tensors = Vec::new();
    let wanted = wanted(program);
    for ((input, wanted), array) in program.inputs.iter().zip(wanted).zip(&read.arrays) {
        let Some(array) = array else { continue };
        match array.tensor(wanted.element) {
            Ok(tensor) => tensors.push(Some(tensor)),
            Err(error) => problems.push(Problem::source(
                "I06",
                format!("input `{}` does not fit: {error}", input.file),
                input.source,
            )),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::new(Exit::Input, problems));
    }
    Ok(Ready {
        // Loop counters have no value before their loop; the endpoint binds them.
        sizes: sizes.into_iter().map(|size| size.unwrap_or(0)).collect(),
        params: params.into_iter().map(|param| param.unwrap_or(0)).collect(),
        tensors,
        arrays: read.arrays,
    })
}

/// A run that ended.
pub struct Ran {
    /// What all endpoints did.
    pub outcome: Result<Outcome, RunError>,
    /// How long it took.
    pub seconds: f64,
}

/// Simulates every party, with progress on the terminal. Uses up the inputs.
///
/// # Errors
/// The compiler broke a rule of its own.
pub fn simulate(
    bound: &Bound,
    ready: &mut Ready,
    seed: Option<u64>,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Ran, Failure> {
    let program = pipeline::validated(&bound.program)?;
    let bar = Bar::new();
    let setup = Setup {
        sizes: ready.sizes.clone(),
        params: ready.params.clone(),
        inputs: std::mem::take(&mut ready.tensors),
        seed,
        observer,
        progress: Some(bar.clone()),
    };
    let started = Instant::now();
    let outcome = smpc_interp::simulate(program, setup);
    let seconds = started.elapsed().as_secs_f64();
    bar.finish();
    Ok(Ran { outcome, seconds })
}

/// Why a run ended, as a problem.
pub fn problem(sources: &Sources, bound: &Bound, error: RunError) -> Problem {
    let party = bound.program.parties.get(usize::from(error.party));
    let party = party.map_or("a party", String::as_str);
    let message = format!("{} (at {party})", error.message);
    Problem::of_run(sources, error.code, message, error.source)
}

/// What one party was handed, by the program's outputs.
pub fn handed<'p>(
    bound: &'p Bound,
    outcome: &Outcome,
    party: usize,
) -> Vec<(OutputInfo<'p>, Vec<Tensor>)> {
    let values = |info: &OutputInfo<'_>| {
        let own = outcome.outputs.iter().filter(|output| {
            usize::from(output.party) == party
                && output.name == info.name
                && output.field == info.field
        });
        own.map(|output| output.value.clone()).collect()
    };
    outputs(&bound.program)
        .into_iter()
        .map(|info| (info, values(&info)))
        .collect()
}
