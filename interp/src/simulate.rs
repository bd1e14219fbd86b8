//! All endpoints in one process, each on a thread of its own.

use smpc_ir::party::{Party, Validated};
use smpc_runtime::channel::in_memory;
use smpc_runtime::tensor::Tensor;

use crate::endpoint::endpoint;
use crate::{Account, Outcome, RunError, SETUP, Setup};

/// Stack of an endpoint's thread, in bytes.
const STACK: usize = 16 << 20;

/// Runs every party of a program. Nothing passes between them but messages.
///
/// # Errors
/// The first cause at any endpoint; an endpoint that fails ends its channels, and so all others, also those
/// that compute.
pub fn simulate(program: Validated<'_>, mut setup: Setup) -> Result<Outcome, RunError> {
    let parties = program.program().parties.len();
    let ends = in_memory(parties);
    let inputs = std::mem::take(&mut setup.inputs);
    let mut owned: Vec<Vec<Option<Tensor>>> = vec![vec![None; inputs.len()]; parties];
    for (i, (input, tensor)) in program.program().inputs.iter().zip(inputs).enumerate() {
        if let Some(slots) = owned.get_mut(usize::from(input.party)) {
            slots[i] = tensor;
        }
    }
    let mut accounts: Vec<Result<Account, RunError>> = vec![];
    std::thread::scope(|scope| {
        let mut threads = vec![];
        for ((i, mut end), inputs) in ends.into_iter().enumerate().zip(owned) {
            let party = Party(u8::try_from(i).unwrap_or(127));
            // An endpoint is given its own inputs and nobody else's.
            let own = Setup {
                inputs,
                ..setup.clone()
            };
            let work = move || endpoint(program, party, &own, &mut end);
            let thread = std::thread::Builder::new()
                .name(program.program().parties[i].clone())
                .stack_size(STACK)
                .spawn_scoped(scope, work);
            threads.push((party, thread));
        }
        for (party, thread) in threads {
            let failed = |message: &str| RunError {
                code: SETUP,
                message: message.into(),
                source: smpc_ir::local::Source::default(),
                party: party.0,
                consequence: false,
            };
            accounts.push(match thread {
                Ok(handle) => handle
                    .join()
                    .unwrap_or_else(|_| Err(failed("an endpoint stopped unexpectedly"))),
                Err(_) => Err(failed("the system starts no more threads")),
            });
        }
    });
    let mut outcome = Outcome::default();
    let mut error: Option<RunError> = None;
    for account in accounts {
        match account {
            Ok(account) => {
                outcome.outputs.extend(account.outputs);
                outcome.rounds = outcome.rounds.max(account.rounds);
                outcome.messages += account.messages;
                outcome.bytes.push(account.bytes);
                outcome.offline_bytes.push(account.offline_bytes);
                outcome.setup_bytes.push(account.setup_bytes);
                for (key, count) in account.counts {
                    let slot = outcome.counts.entry(key).or_default();
                    *slot = (*slot).max(count);
                }
            }
            Err(new) => {
                if error
                    .as_ref()
                    .is_none_or(|old| old.consequence && !new.consequence)
                {
                    error = Some(new);
                }
            }
        }
    }
    match error {
        Some(error) => Err(error),
        None => Ok(outcome),
    }
}
