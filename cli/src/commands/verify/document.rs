//! Verdicts as JSON.

use super::ring;
use crate::record::line;
use serde_json::{Value, json};
use smpc_grammar::Sources;
use smpc_ir::party::PartySet;
use smpc_verify::{Active, Assumption, Effect, Report, Told, Verdict};

/// A verdict with what it rests on. Numbers beyond 53 bits are text.
fn detail(sources: &Sources, verdict: &Verdict) -> Value {
    let words = |inputs: &[Vec<u128>]| -> Vec<Vec<String>> {
        let text = |rows: &Vec<u128>| rows.iter().map(u128::to_string).collect();
        inputs.iter().map(text).collect()
    };
    let mut value = json!({ "verdict": verdict.word() });
    match verdict {
        Verdict::Proved { certificate } => {
            if let Some(certificate) = certificate {
                value["substitutions"] = certificate.steps.len().into();
                value["fresh_operands"] = (certificate.assume == Assumption::Fresh).into();
            }
        }
        Verdict::Statistical { certificate, bits } => {
            value["substitutions"] = certificate.steps.len().into();
            value["fresh_operands"] = (certificate.assume == Assumption::Fresh).into();
            value["distance_bits"] = (*bits).into();
        }
        Verdict::Exhausted(done) | Verdict::Measured(done) => {
            value["assignments"] = done.assignments.into();
            value["by_rank"] = done.by_rank.into();
            value["runs"] = done.runs.into();
            value["runs_by"] = done.by.word().into();
            value["failures"] = done.failures.into();
            value["failures_expected"] = done.expected.into();
        }
        Verdict::Leaks(leak) => {
            value["inputs"] = json!([words(&leak.first), words(&leak.second)]);
            value["message"] = leak.from_to.clone().into();
            value["exact"] = leak.exact.into();
            value["told"] = match leak.told {
                Told::Inputs => "inputs",
                Told::Order => "order",
                Told::Key => "key",
            }
            .into();
            value["ring"] = ring(leak.elem).into();
            let seen = leak.view.seen.iter().map(|one| {
                let rows: Vec<String> = one.values.iter().map(u128::to_string).collect();
                let mut entry = json!({ "what": one.what, "values": rows });
                if let Some(at) = line(sources, one.source) {
                    entry["line"] = format!("{}:{}", at.file, at.number).into();
                }
                entry
            });
            value["view"] = json!({
                "seen": seen.collect::<Vec<_>>(),
                "often": leak.view.often,
                "runs": leak.view.runs,
            });
            if let Some(at) = line(sources, leak.source) {
                value["line"] = format!("{}:{}", at.file, at.number).into();
            }
        }
        Verdict::Wrong(wrong) => {
            value["what"] = wrong.what.clone().into();
            value["ring"] = ring(wrong.elem).into();
            value["inputs"] = json!(words(&wrong.inputs));
            let got: Vec<String> = wrong.got.iter().map(u128::to_string).collect();
            value["got"] = got.into();
        }
        Verdict::Unknown { reason } => value["reason"] = reason.clone().into(),
        Verdict::Unclaimed => {}
    }
    value
}

/// What becomes of a lie.
fn effect(effect: &Effect) -> Value {
    match effect {
        Effect::Harmless => json!({ "verdict": "harmless" }),
        Effect::Caught { chance } if effect.is_open() => {
            let reason = "the chance of getting through is too large to be called caught";
            json!({ "verdict": "unknown", "chance": chance, "reason": reason })
        }
        Effect::Caught { chance } => json!({ "verdict": "caught", "chance": chance }),
        Effect::Changes { what } => json!({ "verdict": "changed", "error": what }),
        Effect::Unknown { reason } => json!({ "verdict": "unknown", "reason": reason }),
    }
}

/// What a coalition that sends what it likes can do, and what becomes of each of its messages.
fn deviating(sources: &Sources, active: &Active, problem: &smpc_verify::Problem) -> Value {
    let lies = active.lies.iter().map(|lie| {
        let mut entry = effect(&lie.effect);
        let (from, to) = (problem.party_name(lie.from), problem.party_name(lie.to));
        entry["message"] = format!("{from} -> {to}").into();
        if let Some(at) = line(sources, lie.source) {
            entry["line"] = format!("{}:{}", at.file, at.number).into();
        }
        entry
    });
    let mut value = effect(&active.effect);
    value["coalition"] = problem.set_name(active.coalition).into();
    value["private"] = active.leak.is_none().into();
    value["open"] = active.leak.clone().into();
    value["messages"] = lies.collect::<Vec<_>>().into();
    value
}

/// A row of the table with everything it rests on.
pub fn document(
    sources: &Sources,
    operation: &str,
    report: &Report,
    problem: &smpc_verify::Problem,
) -> Value {
    let coalitions = |list: &[(PartySet, Verdict)]| -> Vec<Value> {
        list.iter()
            .map(|(coalition, verdict)| {
                let mut entry = detail(sources, verdict);
                entry["coalition"] = problem.set_name(*coalition).into();
                entry
            })
            .collect()
    };
    let mut private = coalitions(&report.privacy);
    for (entry, (coalition, _)) in private.iter_mut().zip(&report.privacy) {
        let given = problem.given(*coalition);
        if !given.is_empty() {
            entry["given"] = given.into();
        }
    }
    json!({
        "operation": operation,
        "protocol": report.name,
        "correct": report.correct.word(),
        "correctness": detail(sources, &report.correct),
        "private": private,
        "fresh": coalitions(&report.fresh),
        "active": report.active.iter().map(|active| deviating(sources, active, problem)).collect::<Vec<_>>(),
        "elsewhere": problem.elsewhere.as_ref().map(|other| json!({ "row": other.row, "widths": other.widths })),
        "rounds": report.rounds,
        "elements": report.elements,
    })
}
