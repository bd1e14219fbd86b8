//! What an interpreted run of a script shows: accounts, outputs and a digest of every message of
//! each party; and the code generated for the same party program.

use std::collections::BTreeMap;
use std::fmt::Write;

use smpc_codegen::{Options, Runtime};
use smpc_grammar::Sources;
use smpc_interp::Setup;
use smpc_ir::flat::Protocols;
use smpc_ir::lower;
use smpc_ir::party::{Elem, Party, validate};
use smpc_ir::share::{SizeOrigin, Type};
use smpc_protocol::Bound;
use smpc_runtime::Tensor;
use smpc_runtime::channel::in_memory;
use smpc_tests::case::Case;
use smpc_tests::pipeline;

use crate::recorder::Recorder;

/// The seed of both runs.
pub const SEED: u64 = 7;

/// A script under a backend.
pub struct Subject {
    /// The name of its module.
    pub name: String,
    /// The module.
    pub code: String,
    /// Sizes of inputs, then parameters, as the generated code lists them.
    pub publics: Vec<i128>,
    /// By input.
    pub inputs: Vec<Tensor>,
    /// One line per party and output.
    pub expected: String,
}

/// Runs a script and generates its code.
pub fn subject(
    name: &str,
    text: &str,
    case: &Case,
    bound: &Bound,
    on: bool,
) -> Result<Subject, String> {
    let mut program = pipeline::checked(text, case)?;
    // Every other time those who put in compute too, where they are enough.
    let computing = bound.computing().parties;
    let own = (0..program.parties.len()).filter(|p| !program.parties[*p].contains('['));
    let own: Vec<u8> = own.map(|p| p as u8).take(computing).collect();
    if own.len() == computing && on {
        program.using.on = own;
    }
    let start = pipeline::start(&program, case)?;
    let lowered =
        lower::lower(&program, bound, lower::Options::default()).map_err(|e| format!("{e:?}"))?;
    let valid = validate(&lowered).map_err(|e| format!("{e:?}"))?;
    let mut sources = Sources::new();
    sources.add("script.smpc", text);
    let options = Options::new(name, Runtime::Within("::smpc_runtime".into()));
    let module = smpc_codegen::module(valid, &sources, &options).map_err(|e| e.to_string())?;
    let mut inputs = vec![];
    for (input, (shape, values)) in program.inputs.iter().zip(&start.inputs) {
        let elem = match input.ty {
            Type::Int => Elem::Ring(bound.ring_bits()),
            Type::Bits(m) => Elem::Bits(m),
            Type::Fix(_) => Elem::Fix,
        };
        inputs.push(Tensor::from_i128s(elem, shape, values).map_err(|e| format!("{e:?}"))?);
    }
    let sizes = lowered.sizes.iter().zip(&start.sizes);
    let mut publics: Vec<i128> = sizes
        .filter(|(info, _)| matches!(info.origin, SizeOrigin::Input { .. }))
        .map(|(_, value)| *value)
        .collect();
    publics.extend(&start.params);
    let setup = Setup {
        sizes: start.sizes,
        params: start.params,
        inputs: inputs.iter().cloned().map(Some).collect(),
        seed: Some(SEED),
        ..Setup::default()
    };
    let runs: Vec<String> = std::thread::scope(|scope| {
        let mut threads = vec![];
        for (i, mut end) in in_memory(lowered.parties.len()).into_iter().enumerate() {
            let setup = &setup;
            threads.push(scope.spawn(move || {
                let mut channel = Recorder::new(&mut end);
                let account = smpc_interp::endpoint(valid, Party(i as u8), setup, &mut channel);
                let digest = channel.digest;
                let account = match account {
                    Ok(account) => account,
                    Err(error) => return format!("{i}: {error}\n"),
                };
                let mut outputs: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for output in &account.outputs {
                    let name = match output.field {
                        Some((at, _)) => format!("{}.{at}", output.name),
                        None => output.name.clone(),
                    };
                    let value = format!("{:?} {:?}", output.value.shape(), output.value.to_i128s());
                    outputs.entry(name).or_default().push(value);
                }
                let mut text = String::new();
                let _ = writeln!(
                    text,
                    "{i}: {} rounds {} messages {} bytes {} offline {} setup {digest:016x}",
                    account.rounds,
                    account.messages,
                    account.bytes,
                    account.offline_bytes,
                    account.setup_bytes
                );
                for (name, values) in outputs {
                    let _ = writeln!(text, "{i}: {name} = {}", values.join("; "));
                }
                text
            }));
        }
        let text = |t: std::thread::ScopedJoinHandle<'_, String>| t.join().unwrap();
        threads.into_iter().map(text).collect()
    });
    Ok(Subject {
        name: name.to_owned(),
        code: module.text,
        publics,
        inputs,
        expected: runs.concat(),
    })
}
