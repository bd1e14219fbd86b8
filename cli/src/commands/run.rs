//! `smpc run`: every party in this process, each with its own memory; only messages cross.

use crate::Answer;
use crate::args::Run;
use crate::audit::{self, Watcher};
use crate::bind;
use crate::inputs;
use crate::output::{self, Handed};
use crate::pipeline::{self, Bound, Script};
use crate::problem::{Exit, Failure, Problem};
use crate::progress::Bar;
use serde_json::{Map, Value, json};
use smpc_grammar::Sources;
use smpc_interp::{Observer, Outcome, Setup};
use smpc_ir::party::Elem;
use smpc_ir::share::Type;
use smpc_runtime::tensor::Tensor;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

/// Simulates a script.
///
/// # Errors
/// Errors of the script, of its inputs, or of the run.
pub fn run(sources: &mut Sources, args: &Run) -> Result<Answer, Failure> {
    let binding = &args.script.binding;
    let script = pipeline::script(sources, &args.script.file, binding)?;
    let bound = pipeline::bind(sources, &script, binding, args.audit)?;
    let ready = prepare(&script, &bound, binding)?;
    let program = pipeline::validated(&bound.program)?;
    let bar = Bar::new();
    let watcher = args.audit.then(|| Arc::new(Watcher::default()));
    let setup = Setup {
        sizes: ready.sizes.clone(),
        params: ready.params.clone(),
        inputs: ready.tensors,
        seed: args.seed,
        observer: watcher.clone().map(|watcher| watcher as Arc<dyn Observer>),
        progress: Some(bar.clone()),
    };
    let started = Instant::now();
    let outcome = smpc_interp::simulate(program, setup);
    let seconds = started.elapsed().as_secs_f64();
    bar.finish();
    let report = watcher.map(|watcher| {
        let environment = audit::environment(
            &bound.program.inputs,
            &ready.arrays,
            &ready.sizes,
            &ready.params,
        );
        let bits = pipeline::ring_bits(&bound);
        let observations = watcher.observations();
        smpc_audit::audit(&script.program, &environment, &observations, bits)
    });
    let outcome = outcome.map_err(|error| {
        let party = bound.program.parties.get(usize::from(error.party));
        let party = party.map_or("a party", String::as_str);
        let message = format!("{} (at {party})", error.message);
        let mut problem = Problem::source(error.code, message, error.source);
        // What was lost on the way is the likely cause: a variance that has become 0.
        if let Some(report) = &report {
            problem = problem.help(audit::text(sources, report).trim().to_owned());
        }
        Failure::one(Exit::Run, problem)
    })?;
    let mut answer = answer(&script, &bound, &outcome, seconds);
    if let Some(report) = report {
        answer.text.push_str(&audit::text(sources, &report));
        answer.json["audit"] = audit::json(sources, &report);
    }
    Ok(answer)
}

/// What a run needs beside the program.
struct Ready {
    sizes: Vec<i128>,
    params: Vec<i128>,
    tensors: Vec<Option<Tensor>>,
    arrays: Vec<Option<inputs::Array>>,
}

/// Reads parameters and inputs; all their problems are told together.
fn prepare(
    script: &Script,
    bound: &Bound,
    binding: &crate::args::Binding,
) -> Result<Ready, Failure> {
    let program = &bound.program;
    let declared = inputs::Declared::of(program);
    let bits = pipeline::ring_bits(bound);
    let mut problems = Vec::new();
    let params = bind::params(
        &program.params,
        &binding.set,
        &script.family_sizes,
        bits,
        &mut problems,
    );
    let mut read = inputs::read(declared, &script.folder, bits);
    problems.append(&mut read.problems);
    let sizes = bind::sizes(declared, &program.guards, &params, &read, &mut problems);
    let mut tensors = Vec::new();
    for (input, array) in program.inputs.iter().zip(&read.arrays) {
        let elem = match input.ty {
            Type::Int => Elem::Ring(bits),
            Type::Bits(width) => Elem::Bits(width),
            Type::Fix(_) => Elem::Fix,
        };
        let Some(array) = array else { continue };
        match Tensor::from_i128s(elem, &array.shape, &array.values) {
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

fn answer(script: &Script, bound: &Bound, outcome: &Outcome, seconds: f64) -> Answer {
    let parties = &bound.program.parties;
    let handed: Vec<Handed> = outcome
        .outputs
        .iter()
        .map(|output| Handed {
            name: output.name.clone(),
            field: output.field,
            show: output.show,
            party: output.party,
            shape: output.value.shape().to_vec(),
            values: output.value.to_i128s(),
        })
        .collect();
    let outputs = output::gather(&script.program, &handed);
    let mut text = output::text(&outputs);
    let _ = writeln!(
        text,
        "\n{} rounds, {} messages, {} bytes under {} in {}",
        grouped(outcome.rounds),
        grouped(outcome.messages),
        grouped(outcome.bytes.iter().sum()),
        bound.backend,
        duration(seconds)
    );
    let offline: u64 = outcome.offline_bytes.iter().sum();
    let widest = parties.iter().map(|p| p.chars().count()).max().unwrap_or(0);
    for (at, party) in parties.iter().enumerate() {
        let sent = outcome.bytes.get(at).copied().unwrap_or(0);
        let before = outcome.offline_bytes.get(at).copied().unwrap_or(0);
        let _ = write!(
            text,
            "    {party:widest$}  {:>15} bytes sent",
            grouped(sent)
        );
        if offline > 0 {
            let _ = write!(text, ", {:>15} offline", grouped(before));
        }
        text.push('\n');
    }
    let by_party = |list: &[u64]| -> Map<String, Value> {
        let pairs = parties.iter().zip(list);
        pairs
            .map(|(party, bytes)| (party.clone(), json!(bytes)))
            .collect()
    };
    let json = json!({
        "outputs": output::json(&outputs),
        "scheme": bound.backend,
        "parties": parties.len(),
        "cost": {
            "rounds": outcome.rounds,
            "messages": outcome.messages,
            "bytes": by_party(&outcome.bytes),
            "offline_bytes": by_party(&outcome.offline_bytes),
        },
        "seconds": seconds,
    });
    Answer {
        exit: 0,
        text,
        json,
    }
}

/// Digits in groups of three.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{:.0} min {:.0} s",
            (seconds / 60.0).floor(),
            seconds % 60.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration(0.0123), "12 ms");
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(duration(125.0), "2 min 5 s");
    }
}
