//! A script as one connected party: its description for the runtime, which connects it and reads and
//! writes its files, and the interpreter as the part it plays.

use crate::inputs;
use crate::located::Located;
use crate::problem::{Exit, Failure, Problem};
use smpc_driver::{Identity, run_place};
use smpc_grammar::Sources;
use smpc_interp::Setup;
use smpc_ir::local::Source;
use smpc_ir::party::{OutputInfo, Party, Program, Validated, outputs};
use smpc_ir::share::{Param, SizeOrigin, Type};
use smpc_ir::{Size, SizeVar};
use smpc_runtime::channel::Channel;
use smpc_runtime::command::{Description, Handed, Input, Origin, Public, Stop, Why};
use smpc_runtime::endpoint;
use smpc_runtime::tensor::Tensor;
use std::sync::{Mutex, PoisonError};

/// What a [`Description`] of a program borrows.
pub struct Described<'p> {
    identity: &'p Identity,
    parties: Vec<&'p str>,
    publics: Vec<Public<'p>>,
    inputs: Vec<(&'p smpc_ir::share::Input, String, Vec<Option<usize>>)>,
    outputs: Vec<OutputInfo<'p>>,
    ring_bits: u8,
    modulus: Option<u128>,
}

impl<'p> Described<'p> {
    /// Of a program.
    pub fn of(program: &'p Program, identity: &'p Identity) -> Self {
        let named = sizes(program);
        let axes = named.iter().map(|(_, name, input, axis)| Public {
            name,
            origin: Origin::Axis {
                input: *input,
                axis: *axis,
            },
        });
        let params = program.params.iter().map(|param: &Param| Public {
            name: &param.name,
            origin: match param.ty {
                Type::Fix(_) => Origin::Fixed(param.default),
                Type::Int => Origin::Integer(param.default),
                Type::Bits(width) => Origin::Bits(width, param.default),
            },
        });
        let axis = |size: &Size| {
            let var = size.as_var()?;
            named.iter().position(|(known, ..)| *known == var)
        };
        let inputs = program.inputs.iter().map(|input| {
            let axes = input.shape.iter().map(axis).collect();
            (input, input.shown(&program.sizes), axes)
        });
        Self {
            identity,
            parties: program.parties.iter().map(String::as_str).collect(),
            publics: axes.chain(params).collect(),
            inputs: inputs.collect(),
            outputs: outputs(program),
            ring_bits: program.ring_bits,
            modulus: program.modulus(),
        }
    }

    /// Lets `then` see the description.
    pub fn with<T>(&self, then: impl FnOnce(&Description<'_>) -> T) -> T {
        let inputs: Vec<Input<'_>> = self
            .inputs
            .iter()
            .map(|(input, shown, axes)| Input {
                party: input.party.into(),
                file: &input.file,
                column: input.column.as_deref(),
                ty: input.ty,
                text: input.text,
                ring_bits: self.ring_bits,
                modulus: self.modulus,
                rank: input.shape.len(),
                shown,
                axes,
            })
            .collect();
        then(&Description {
            name: &self.identity.script.0,
            language: &self.identity.language,
            script: self.identity.script.1,
            scheme: (&self.identity.scheme.0, self.identity.scheme.1),
            program: self.identity.program,
            parties: &self.parties,
            publics: &self.publics,
            inputs: &inputs,
            outputs: &self.outputs,
        })
    }
}

/// Sizes that inputs fix: variable, name, input and axis.
fn sizes(program: &Program) -> Vec<(SizeVar, &str, usize, usize)> {
    let all = program.sizes.iter().enumerate();
    all.filter_map(|(at, info)| match info.origin {
        SizeOrigin::Input { input, axis } => {
            let var = SizeVar(u32::try_from(at).ok()?);
            Some((var, info.name.as_str(), input as usize, usize::from(axis)))
        }
        _ => None,
    })
    .collect()
}

/// The interpreter as a party's part.
pub struct Interpreted<'p> {
    program: Validated<'p>,
    sources: &'p Sources,
    /// Where the run failed.
    failed: Mutex<Option<Source>>,
}

impl<'p> Interpreted<'p> {
    /// Of a program.
    pub fn of(program: Validated<'p>, sources: &'p Sources) -> Self {
        Self {
            program,
            sources,
            failed: Mutex::default(),
        }
    }

    /// Plays a party's part.
    ///
    /// # Errors
    /// Those of the run.
    pub fn part(
        &self,
        me: usize,
        channel: &mut dyn Channel,
        publics: &[i128],
        inputs: Vec<Option<Tensor>>,
        seed: Option<u64>,
    ) -> Handed {
        let program = self.program.program();
        let named = sizes(program);
        let params = publics.get(named.len()..).unwrap_or(&[]).to_vec();
        let mut values = vec![0; program.sizes.len()];
        for (at, info) in program.sizes.iter().enumerate() {
            values[at] = match info.origin {
                SizeOrigin::Input { .. } => {
                    let place = named.iter().position(|(var, ..)| var.0 as usize == at);
                    place.and_then(|place| publics.get(place)).copied()
                }
                SizeOrigin::Param(param) => params.get(param as usize).copied(),
                // Bound by the endpoint.
                SizeOrigin::Loop => None,
            }
            .unwrap_or(0);
        }
        self.guards(program, &values)?;
        let setup = Setup {
            sizes: values,
            params,
            inputs,
            seed,
            ..Setup::default()
        };
        let party = Party(u8::try_from(me).unwrap_or(u8::MAX));
        let mut channel = Located::new(channel, self.sources);
        let account =
            smpc_interp::endpoint(self.program, party, &setup, &mut channel).map_err(|error| {
                self.failure(error.code, error.message, error.source, error.consequence)
            })?;
        let values = |info: &OutputInfo<'_>| {
            let all = account.outputs.iter();
            let own = all.filter(|o| o.name == info.name && o.field == info.field);
            ("", own.map(|output| output.value.clone()).collect())
        };
        let handed = outputs(program).iter().map(values).collect();
        let sent = endpoint::Account {
            rounds: account.rounds,
            messages: account.messages,
            bytes: account.bytes,
            offline_bytes: account.offline_bytes,
            setup_bytes: account.setup_bytes,
        };
        Ok((handed, sent))
    }

    fn guards(&self, program: &Program, values: &[i128]) -> Result<(), endpoint::Failure> {
        let value = |size: &Size| {
            size.evaluate(&|var| values.get(var.0 as usize).copied())
                .ok()
        };
        for guard in &program.guards {
            let (left, right) = (value(&guard.left), value(&guard.right));
            if let (Some(left), Some(right)) = (left, right)
                && left != right
            {
                let message = format!("sizes disagree here: {left} and {right}");
                return Err(self.failure("I08", message, guard.source, false));
            }
        }
        Ok(())
    }

    fn failure(
        &self,
        code: &'static str,
        message: String,
        source: Source,
        consequence: bool,
    ) -> endpoint::Failure {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
        endpoint::Failure {
            code,
            message,
            place: run_place(self.sources, source).unwrap_or_default(),
            consequence,
        }
    }

    /// Why it stopped, with its place in the script.
    pub fn stopped(&self, stop: Stop) -> Failure {
        let program = self.program.program();
        let exit = match stop.exit {
            2 => Exit::Usage,
            3 => Exit::Input,
            130 => Exit::Interrupted,
            _ => Exit::Run,
        };
        let problems = match stop.why {
            Why::Problems(problems) => problems
                .into_iter()
                .map(|found| match found.path.is_empty() {
                    true => Problem::plain(found.code, found.message),
                    false => inputs::problem(program, found),
                })
                .collect(),
            Why::Failed(failure) => {
                let at = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                vec![match at.filter(|source| *source != Source::default()) {
                    Some(source) => {
                        Problem::of_run(self.sources, failure.code, failure.message, source)
                    }
                    None => Problem::plain(failure.code, failure.message),
                }]
            }
        };
        Failure::new(exit, problems)
    }
}
