//! The endpoints that the prover's random runs go through: those of simulated runs.

use smpc_interp::{Setup, simulate};
use smpc_ir::party::Validated;
use smpc_runtime::tensor::Tensor;
use smpc_verify::{Endpoints, Output, Start};

/// All endpoints of a run in this process, each on a thread of its own.
pub struct InProcess;

impl Endpoints for InProcess {
    fn run(&self, program: Validated<'_>, start: &Start) -> Result<Vec<Output>, String> {
        let mut inputs = vec![];
        for given in &start.inputs {
            let tensor = Tensor::from_i128s(given.elem, &given.shape, &given.values);
            inputs.push(Some(tensor.map_err(|error| error.to_string())?));
        }
        let setup = Setup {
            sizes: start.sizes.clone(),
            params: start.params.clone(),
            inputs,
            seed: Some(start.seed),
            ..Setup::default()
        };
        let outcome = simulate(program, setup).map_err(|error| {
            let names = &program.program().parties;
            let party = names.get(usize::from(error.party));
            format!("{}, {error}", party.map_or("?", String::as_str))
        })?;
        let outputs = outcome.outputs.into_iter();
        let outputs = outputs.map(|output| Output {
            values: output.value.to_i128s(),
            name: output.name,
            party: output.party,
        });
        Ok(outputs.collect())
    }
}
