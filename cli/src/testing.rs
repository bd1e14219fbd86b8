//! A test of a script under one scheme: run by all parties in this process, then compared with what it expects.

use crate::bind;
use crate::pipeline::{self, Backend};
use crate::problem::Failure;
use smpc_check::{Expectation, Test};
use smpc_driver::Binding;
use smpc_interp::{Outcome, Setup};
use smpc_ir::flat::Protocols;
use smpc_ir::share::{SizeOrigin, Type, size_shown};
use smpc_ir::{lower, party};
use smpc_runtime::files::{Array, wanted};
use smpc_runtime::show;

/// Fixed-point numbers may differ by this many units of their last place, where a test does not say how far.
pub const UNITS: u32 = 4;
/// Elements that differ are shown up to so many.
const SHOWN: usize = 3;

/// How a test ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// Everything was as expected; rounds, and bytes that all parties sent.
    Right(u64, u64),
    /// What was otherwise: the number of the expectation, if it is about one, and what is wrong.
    Wrong(Vec<(Option<usize>, String)>),
    /// The scheme lacks something.
    Unable(String),
}

/// Runs a test under a backend, with the parameters that a binding gives and otherwise their defaults. Names that the test's file
/// does not have are passed over: another file of the same command may have them.
pub fn run(test: &Test, backend: &Backend, binding: &Binding, seed: u64) -> Ended {
    let lacking = [lower::NO_PROTOCOL, lower::NO_CARRIER, lower::PARTIES];
    let options = lower::Options { probes: false };
    let program = match lower::lower(&test.program, &backend.protocols, options) {
        Ok(program) => program,
        Err(errors) => {
            let first = errors.first();
            let message = first.map_or_else(String::new, |error| error.message.clone());
            if errors.iter().all(|error| lacking.contains(&error.code)) {
                return Ended::Unable(message);
            }
            return wrong(message);
        }
    };
    let bits = backend.protocols.ring_bits();
    let setup =
        params(&program, binding, bits).and_then(|params| carried_out(&program, params, seed));
    let outcome = match setup {
        Ok(outcome) => outcome,
        Err(message) => return wrong(message),
    };
    let outputs = party::outputs(&program);
    let each = test.expectations.iter().enumerate();
    let found: Vec<_> = each
        .filter_map(|(at, expectation)| {
            let name = at.to_string();
            let text = outputs.iter().any(|info| info.text && info.name == name);
            let difference = difference(at, expectation, text, &outcome)?;
            Some((Some(at), difference))
        })
        .collect();
    match found.is_empty() {
        true => Ended::Right(outcome.rounds, outcome.bytes.iter().sum()),
        false => Ended::Wrong(found),
    }
}

fn wrong(message: String) -> Ended {
    Ended::Wrong(vec![(None, message)])
}

/// The value of every parameter.
fn params(program: &party::Program, binding: &Binding, ring_bits: u8) -> Result<Vec<i128>, String> {
    let mut problems = vec![];
    let elsewhere: Vec<String> = binding.set.iter().map(|(name, _)| name.clone()).collect();
    let values = bind::params(
        &program.params,
        binding,
        &elsewhere,
        ring_bits,
        &mut problems,
    );
    match problems.into_iter().next() {
        Some(problem) => Err(match problem.help {
            Some(help) => format!("{}: {help}", problem.message),
            None => problem.message,
        }),
        None => Ok(values.into_iter().flatten().collect()),
    }
}

fn carried_out(program: &party::Program, params: Vec<i128>, seed: u64) -> Result<Outcome, String> {
    let first = |failure: Failure| {
        let problem = failure.problems.into_iter().next();
        problem.map_or_else(String::new, |problem| problem.message)
    };
    let valid = pipeline::validated(program).map_err(first)?;
    // The only input is 0, and all sizes are constants or parameters.
    let mut inputs = vec![];
    for input in wanted(program) {
        let zero = Array {
            shape: vec![],
            values: vec![0],
        };
        let tensor = zero.tensor(input.element);
        inputs.push(Some(tensor.map_err(|error| error.to_string())?));
    }
    let known = program.sizes.iter().map(|size| match size.origin {
        SizeOrigin::Param(at) => params.get(at as usize).copied(),
        SizeOrigin::Input { .. } | SizeOrigin::Loop => None,
    });
    let known: Vec<Option<i128>> = known.collect();
    for guard in &program.guards {
        let of = |size| bind::value(size, &known);
        if let (Some(left), Some(right)) = (of(&guard.left), of(&guard.right))
            && left != right
        {
            let shown = |size| size_shown(size, &program.sizes);
            return Err(format!(
                "I08 sizes disagree: {} is {left}, {} is {right}",
                shown(&guard.left),
                shown(&guard.right)
            ));
        }
    }
    let setup = Setup {
        sizes: known.into_iter().map(|size| size.unwrap_or(0)).collect(),
        params,
        inputs,
        seed: Some(seed),
        observer: None,
        progress: None,
    };
    smpc_interp::simulate(valid, setup).map_err(|error| {
        let party = program.parties.get(usize::from(error.party));
        let party = party.map_or("a party", String::as_str);
        format!("{} {} (at {party})", error.code, error.message)
    })
}

/// What an expectation, of `text` or of numbers, finds otherwise; every time that it is reached.
fn difference(
    at: usize,
    expectation: &Expectation,
    text: bool,
    outcome: &Outcome,
) -> Option<String> {
    let name = at.to_string();
    let part = |which: u16| {
        let own = outcome.outputs.iter().filter(|output| {
            let field = output.field.map(|(field, _)| field);
            output.party == 0 && output.name == name && field == Some(which)
        });
        own.map(|output| &output.value).collect::<Vec<_>>()
    };
    let (actual, expected, within) = (part(0), part(1), part(2));
    if actual.is_empty() {
        return Some("this is never reached".to_owned());
    }
    let mut found: Vec<String> = vec![];
    let mut many = 0;
    for (turn, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
        let shape = actual.shape();
        let (actual, expected) = (actual.to_i128s(), expected.to_i128s());
        let within = within.get(turn).map(|within| within.to_i128s());
        for (i, a) in actual.iter().enumerate() {
            let of = |values: &[i128]| values.get(i).or(values.first()).copied().unwrap_or(0);
            let e = of(&expected);
            let least = match expectation.ty {
                Type::Fix(f) => u128::from(UNITS) << (64 - u32::from(f.min(62))),
                _ => 0,
            };
            let allowed = match &within {
                Some(within) => match u128::try_from(of(within)) {
                    Ok(within) => within,
                    Err(_) => return Some("`within` is below 0".to_owned()),
                },
                None => least,
            };
            if a.abs_diff(e) <= allowed {
                continue;
            }
            many += 1;
            if found.len() < SHOWN {
                let shown = |value| show::element(value, expectation.ty, text);
                let mut text = String::new();
                if !shape.is_empty() {
                    text.push_str(&format!("{}: ", place(i, shape)));
                }
                text.push_str(&format!("{}, expected {}", shown(*a), shown(e)));
                if allowed > 0 {
                    let allowed = i128::try_from(allowed).unwrap_or(i128::MAX);
                    text.push_str(&format!(" within {}", shown(allowed)));
                }
                found.push(text);
            }
        }
    }
    if many > found.len() {
        found.push(format!("{} more", many - found.len()));
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// `[2, 0]`: where element i of a tensor stands.
fn place(mut i: usize, shape: &[usize]) -> String {
    let mut indices: Vec<String> = vec![];
    for length in shape.iter().rev() {
        indices.push((i % length.max(&1)).to_string());
        i /= length.max(&1);
    }
    indices.reverse();
    format!("[{}]", indices.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_places() {
        assert_eq!(place(5, &[2, 3]), "[1, 2]");
        assert_eq!(place(4, &[9]), "[4]");
    }
}
