//! `smpc run`: every party in this process, each with its own memory; only messages cross.

use crate::Answer;
use crate::args::Run;
use crate::audit::{self, Watcher};
use crate::inputs;
use crate::output::{self, Handed};
use crate::pipeline::{self, Bound, Script};
use crate::problem::{Exit, Failure};
use crate::simulate::{self, Ran, handed};
use serde_json::{Map, Value, json};
use smpc_grammar::Sources;
use smpc_interp::{Observer, Outcome};
use smpc_runtime::files::{self, Format};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Simulates a script.
///
/// # Errors
/// Errors of the script, of its inputs, or of the run; or outputs cannot be written.
pub fn run(sources: &mut Sources, args: &Run) -> Result<Answer, Failure> {
    let binding = &args.script.binding.options();
    let script = pipeline::script(sources, &args.script.file, binding)?;
    let bound = pipeline::bind(sources, &script, binding, args.audit)?;
    let mut ready = simulate::prepare(&script, &bound, binding)?;
    let watcher = args.audit.then(|| Arc::new(Watcher::default()));
    let observer = watcher.clone().map(|watcher| watcher as Arc<dyn Observer>);
    let Ran { outcome, seconds } = simulate::simulate(&bound, &mut ready, args.seed, observer)?;
    let report = watcher.map(|watcher| {
        let environment = audit::environment(
            &bound.program.inputs,
            &ready.arrays,
            &ready.sizes,
            &ready.params,
        );
        let bits = pipeline::ring_bits(&bound);
        let observations = watcher.observations();
        let mut report = smpc_audit::audit(&script.program, &environment, &observations, bits);
        // What a function of the library computes and does not choose may leave the ring; what it returns is
        // compared where the script uses it.
        let chosen = |f: &smpc_audit::Finding| {
            f.kind == smpc_audit::Kind::Precision || !audit::in_library(sources, f.source)
        };
        report.findings.retain(chosen);
        report
    });
    let outcome = outcome.map_err(|error| {
        let mut problem = simulate::problem(&bound, error);
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
    if let Some(folder) = &args.outputs {
        let written = write(&bound, &outcome, folder, args.format)?;
        for path in &written {
            let _ = writeln!(answer.text, "wrote {path}");
        }
        answer.json["files"] = json!(written);
    }
    Ok(answer)
}

/// Writes what every party was handed to files of its own, all or none. Gives their paths.
fn write(
    bound: &Bound,
    outcome: &Outcome,
    folder: &Path,
    format: Format,
) -> Result<Vec<String>, Failure> {
    let mut all: Vec<(PathBuf, Vec<u8>)> = vec![];
    for (party, name) in bound.program.parties.iter().enumerate() {
        let rendered = files::render(&handed(bound, outcome, party), format);
        let own = folder.join(name);
        all.extend(
            rendered
                .into_iter()
                .map(|(file, bytes)| (own.join(file), bytes)),
        );
    }
    files::write_all(&all).map_err(|problem| {
        let problem = inputs::problem(&bound.program, problem);
        Failure::one(Exit::Run, problem)
    })?;
    Ok(all
        .iter()
        .map(|(path, _)| path.display().to_string())
        .collect())
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
pub fn grouped(value: u64) -> String {
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

/// A time with its unit.
pub fn duration(seconds: f64) -> String {
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
