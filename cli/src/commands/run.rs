//! `smpc run`: every party in this process, each with its own memory; only messages cross.

use crate::Answer;
use crate::args::Run;
use crate::audit::{self, Watcher};
use crate::inputs;
use crate::pipeline::{self, Bound};
use crate::problem::{Exit, Failure};
use crate::simulate::{self, Ran, handed};
use crate::written;
use serde_json::{Map, Value, json};
use smpc_grammar::Sources;
use smpc_interp::{Observer, Outcome};
use smpc_ir::party::OutputInfo;
use smpc_runtime::files::{self, Format, Outputs, outputs};
use smpc_runtime::report;
use smpc_runtime::show::{duration, grouped};
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
    if let Some(folder) = &args.outputs {
        let infos = outputs(&bound.program);
        let names: Vec<&str> = bound.program.parties.iter().map(String::as_str).collect();
        let outputs = possible(&infos, &names, folder, args.format);
        let wanted = files::wanted(&bound.program);
        let reads = written::reads(sources);
        let apart = outputs.apart(&wanted, &script.folder);
        apart
            .and_then(|()| files::apart(&outputs.writes(), &reads))
            .map_err(written::failed)?;
    }
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
            let everywhere = [smpc_audit::Kind::Precision, smpc_audit::Kind::Unequal];
            everywhere.contains(&f.kind) || !audit::in_library(sources, f.source)
        };
        report.findings.retain(chosen);
        report
    });
    let outcome = outcome.map_err(|error| {
        let mut problem = simulate::problem(sources, &bound, error);
        // What was lost on the way is the likely cause: a variance that has become 0.
        if let Some(report) = &report {
            problem = problem.help(audit::text(sources, report).trim().to_owned());
        }
        Failure::one(Exit::Run, problem)
    })?;
    let mut answer = answer(&bound, &outcome, seconds);
    if let Some(report) = report {
        answer.text.push_str(&audit::text(sources, &report));
        answer.json["audit"] = audit::json(sources, &report);
    }
    if let Some(folder) = &args.outputs {
        let (written, removed) = write(&bound, &outcome, folder, args.format)?;
        for path in &written {
            let _ = writeln!(answer.text, "wrote {path}");
        }
        for path in &removed {
            let _ = writeln!(answer.text, "removed {path}, of an earlier run");
        }
        answer.json["files"] = json!(written);
        answer.json["removed"] = json!(removed);
    }
    Ok(answer)
}

/// Where outputs of all parties may be.
fn possible<'a>(
    infos: &'a [OutputInfo<'a>],
    parties: &'a [&'a str],
    folder: &'a Path,
    format: Format,
) -> Outputs<'a> {
    Outputs {
        infos,
        parties,
        only: None,
        folder,
        format,
    }
}

/// Writes what every party was handed to files of its own, all or none, and removes those of an earlier run. Gives the
/// paths of both.
fn write(
    bound: &Bound,
    outcome: &Outcome,
    folder: &Path,
    format: Format,
) -> Result<(Vec<String>, Vec<String>), Failure> {
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
    let infos = outputs(&bound.program);
    let names: Vec<&str> = bound.program.parties.iter().map(String::as_str).collect();
    let stale = possible(&infos, &names, folder, format).stale(&all);
    let shown = |path: &PathBuf| path.display().to_string();
    let removed = stale.iter().map(shown).collect();
    files::stage(&all, files::Patience::default())
        .and_then(|staged| staged.without(stale).commit())
        .map_err(|problem| {
            let problem = inputs::problem(&bound.program, problem);
            Failure::one(Exit::Run, problem)
        })?;
    Ok((all.iter().map(|(path, _)| shown(path)).collect(), removed))
}

fn answer(bound: &Bound, outcome: &Outcome, seconds: f64) -> Answer {
    let parties = &bound.program.parties;
    let own: Vec<_> = (0..parties.len())
        .map(|party| (party, handed(bound, outcome, party)))
        .collect();
    let names: Vec<&str> = parties.iter().map(String::as_str).collect();
    let outputs = report::gather(&names, &own);
    let mut text = report::text(&outputs);
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
        "outputs": report::json(&outputs),
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
