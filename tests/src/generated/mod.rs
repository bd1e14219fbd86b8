//! Generated code beside the interpreter: one run of each, under one seed, must show the same outputs,
//! counts and messages.

pub mod batch;
pub mod harness;

use std::collections::BTreeMap;

use smpc_interp::Setup;
use smpc_ir::flat::Protocols;
use smpc_ir::lower;
use smpc_ir::party::{Elem, Party, Program, Validated, validate};
use smpc_ir::share::{self, SizeOrigin, Type};
use smpc_protocol::Bound;
use smpc_runtime::Tensor;
use smpc_runtime::channel::in_memory;
use smpc_runtime::endpoint::Account;

use crate::case::Case;
use crate::pipeline;
use harness::{Recorder, SEED, shown};

/// A script under a backend: what it is given, and what its interpreted run shows.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Of its files, and of its crate or module.
    pub name: String,
    /// Sizes of inputs, then parameters, as generated code lists them.
    pub publics: Vec<i128>,
    /// By input.
    pub inputs: Vec<Tensor>,
    /// The lines of every party.
    pub expected: String,
    /// Whether those are how it ends, also without messages of the run, and not what it computes.
    pub ends: bool,
}

/// Lowers a script, after a last change to it, and runs it; `made` is given the party program to generate
/// code from.
///
/// # Errors
/// What is wrong with the script, or the run.
pub fn subject<T>(
    name: &str,
    text: &str,
    (case, bound): (&Case, &Bound),
    change: impl FnOnce(&mut share::Program),
    made: impl FnOnce(Validated<'_>) -> Result<T, String>,
) -> Result<(Subject, T), String> {
    let mut program = pipeline::checked(text, case)?;
    change(&mut program);
    let start = pipeline::start(&program, case)?;
    let lowered =
        lower::lower(&program, bound, lower::Options::default()).map_err(|e| format!("{e:?}"))?;
    let valid = validate(&lowered).map_err(|e| format!("{e:?}"))?;
    let code = made(valid)?;
    let mut inputs = vec![];
    for (input, (shape, values)) in program.inputs.iter().zip(&start.inputs) {
        let elem = match input.ty {
            Type::Int => Elem::Ring(bound.ring_bits()),
            Type::Bits(m) => Elem::Bits(m),
            Type::Fix(_) => Elem::Fix,
        };
        inputs.push(Tensor::from_i128s(elem, shape, values).map_err(|e| format!("{e:?}"))?);
    }
    let mut publics = sizes_of_inputs(&lowered, &start.sizes);
    publics.extend(&start.params);
    let setup = Setup {
        sizes: start.sizes,
        params: start.params,
        inputs: inputs.iter().cloned().map(Some).collect(),
        seed: Some(SEED),
        ..Setup::default()
    };
    let subject = Subject {
        name: name.to_owned(),
        publics,
        inputs,
        expected: interpreted(valid, &setup),
        ends: false,
    };
    Ok((subject, code))
}

/// Sizes of inputs, of all sizes of a program: as generated code lists them.
pub fn sizes_of_inputs(program: &Program, sizes: &[i128]) -> Vec<i128> {
    let given = program.sizes.iter().zip(sizes);
    given
        .filter(|(info, _)| matches!(info.origin, SizeOrigin::Input { .. }))
        .map(|(_, value)| *value)
        .collect()
}

/// What the endpoints of a program show.
fn interpreted(program: Validated<'_>, setup: &Setup) -> String {
    let endpoint = |i: usize, end: &mut dyn smpc_runtime::channel::Channel| {
        let mut channel = Recorder::new(end);
        let run = smpc_interp::endpoint(program, Party(i as u8), setup, &mut channel);
        let digest = channel.digest;
        let run = run.map_err(|e| e.to_string()).map(|account| {
            let mut handed: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
            for output in account.outputs {
                let name = match output.field {
                    Some((at, _)) => format!("{}.{at}", output.name),
                    None => output.name,
                };
                handed.entry(name).or_default().push(output.value);
            }
            let counts = Account {
                rounds: account.rounds,
                messages: account.messages,
                bytes: account.bytes,
                offline_bytes: account.offline_bytes,
                setup_bytes: account.setup_bytes,
            };
            (handed.into_iter().collect(), counts)
        });
        shown(i, digest, run)
    };
    let ends = in_memory(program.program().parties.len());
    std::thread::scope(|scope| {
        let endpoint = &endpoint;
        let threads: Vec<_> = (ends.into_iter().enumerate())
            .map(|(i, mut end)| scope.spawn(move || endpoint(i, &mut end)))
            .collect();
        let text = |t: std::thread::ScopedJoinHandle<'_, String>| {
            t.join().unwrap_or_else(|_| "an endpoint stopped\n".into())
        };
        threads.into_iter().map(text).collect()
    })
}
