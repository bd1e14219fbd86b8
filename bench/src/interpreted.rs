//! The same work as a script: checked, lowered, validated, run by endpoints over channels.

use crate::Failure;
use smpc_grammar::Sources;
use smpc_interp::{Outcome, Setup, simulate};
use smpc_ir::party::{Elem, Program};
use smpc_ir::share::{SizeOrigin, Type};
use smpc_ir::{lower, party};
use smpc_protocol::Library;
use smpc_runtime::Tensor;

/// A script ready to run.
pub struct Script {
    program: Program,
    inputs: Vec<Option<Tensor>>,
}

/// Compiles a script for `rep3` and gives it its inputs, in its order; fixed-point numbers in units of 2^-16.
pub fn compile(text: &str, inputs: &[(Vec<usize>, Vec<u64>)]) -> Result<Script, Failure> {
    let mut sources = Sources::new();
    let root = sources.add("script.smpc", text);
    let options = smpc_check::Options::default();
    let checked = smpc_check::check(&mut sources, root, &smpc_check::NoFiles, &options)
        .map_err(|errors| listed(errors.iter().map(|e| e.message.clone())))?
        .program;
    let library = Library::standard(&mut sources);
    let bound = library
        .bind("rep3", &[], None)
        .map_err(|errors| listed(errors.iter().map(|e| e.message.clone())))?;
    let program = lower::lower(&checked, &bound, lower::Options::default())
        .map_err(|errors| listed(errors.iter().map(ToString::to_string)))?;
    let tensors = program
        .inputs
        .iter()
        .zip(inputs)
        .map(|(input, (shape, words))| match input.ty {
            Type::Int => Ok(Some(Tensor::from_words(
                Elem::Ring(64),
                shape,
                words.clone(),
            )?)),
            Type::Bits(m) => {
                let values: Vec<i128> = words.iter().map(|w| i128::from(*w)).collect();
                Ok(Some(Tensor::from_i128s(Elem::Bits(m), shape, &values)?))
            }
            Type::Fix(_) => {
                let units = words.iter().map(|w| i128::from(w.cast_signed()) << 48);
                let values: Vec<i128> = units.collect();
                Ok(Some(Tensor::from_i128s(Elem::Fix, shape, &values)?))
            }
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Script {
        program,
        inputs: tensors,
    })
}

fn listed(messages: impl Iterator<Item = String>) -> Failure {
    messages.collect::<Vec<_>>().join("; ").into()
}

impl Script {
    /// Runs it with `times` as its first parameter; all parties in this process, on fresh threads.
    pub fn run(&self, times: usize) -> Result<Outcome, Failure> {
        let valid = party::validate(&self.program).map_err(|e| format!("not valid: {e:?}"))?;
        let shape_of = |input: u32| {
            let tensor = self.inputs[input as usize].as_ref();
            tensor.map_or(&[][..], Tensor::shape)
        };
        let sizes = self.program.sizes.iter().map(|size| match size.origin {
            SizeOrigin::Input { input, axis } => shape_of(input)[usize::from(axis)] as i128,
            SizeOrigin::Param(_) => times as i128,
            SizeOrigin::Loop => 0,
        });
        let others = self.program.params.iter().skip(1);
        let others = others.map(|p| p.default.unwrap_or_default());
        let setup = Setup {
            sizes: sizes.collect(),
            params: std::iter::once(times as i128).chain(others).collect(),
            inputs: self.inputs.clone(),
            seed: Some(1),
            ..Setup::default()
        };
        Ok(simulate(valid, setup)?)
    }
}

/// The words of the first output.
pub fn result(outcome: &Outcome) -> Vec<u64> {
    let output = outcome.outputs.first();
    output.map_or(vec![], |o| {
        o.value.to_i128s().iter().map(|v| *v as u64).collect()
    })
}
