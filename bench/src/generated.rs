//! The scripts as Rust code, written when this program was built.

use smpc_runtime::channel::Channel;
use smpc_runtime::endpoint::{Account, Failure, run_locally};
use smpc_runtime::{Elem, Tensor};

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

/// Inputs with their shapes and owners.
pub struct Inputs {
    tensors: Vec<(usize, Tensor)>,
    length: i128,
}

impl Inputs {
    /// In the script's order; single bits are of type `bool`.
    pub fn new(inputs: &[(Vec<usize>, Vec<u64>, usize, Elem)]) -> Result<Self, crate::Failure> {
        let mut tensors = vec![];
        let mut length = 0;
        for (shape, words, owner, elem) in inputs {
            length = shape.first().copied().unwrap_or(0) as i128;
            tensors.push((*owner, Tensor::from_words(*elem, shape, words.clone())?));
        }
        Ok(Self { tensors, length })
    }

    /// Those of one party.
    fn of(&self, party: usize) -> Vec<Option<Tensor>> {
        let own = self.tensors.iter();
        own.map(|(owner, tensor)| (*owner == party).then(|| tensor.clone()))
            .collect()
    }
}

/// What each party sent, and the words of the result.
pub type Done = (Vec<Account>, Vec<u64>);

/// What a party was told, by name.
type Told = Vec<(&'static str, Vec<Tensor>)>;

fn finish(runs: Vec<(Told, Account)>) -> Done {
    let words = |outputs: &[(&'static str, Vec<Tensor>)]| -> Vec<u64> {
        let first = outputs.first().and_then(|(_, values)| values.first());
        let values = first.map_or(vec![], Tensor::to_i128s);
        values.iter().map(|v| *v as u64).collect()
    };
    let result = runs.first().map_or(vec![], |(outputs, _)| words(outputs));
    (
        runs.into_iter().map(|(_, account)| account).collect(),
        result,
    )
}

macro_rules! runner {
    ($name:ident) => {
        impl Inputs {
            /// Runs the script with `times` set; all parties in this process, on fresh threads.
            pub fn $name(&self, times: usize) -> Result<Done, Failure> {
                let public = $name::raw::Public::from_list(&[self.length, times as i128]);
                let run = |party: usize, channel: &mut dyn Channel| {
                    let inputs = $name::raw::Inputs::from_list(self.of(party));
                    let (outputs, account) =
                        $name::raw::run(party, channel, &public, &inputs, Some(1))?;
                    Ok((outputs.into_list(), account))
                };
                Ok(finish(run_locally(&$name::party::NAMES, run)?))
            }
        }
    };
}
runner!(products);
runner!(matrix);
runner!(comparisons);
