//! `run --audit`: the shadow's findings by source line.

use crate::problem::span;
use serde_json::{Value, json};
use smpc_audit::{Data, Environment, Finding, Kind, Observations, Observed, Report};
use smpc_driver::position;
use smpc_grammar::Sources;
use smpc_interp::{Observer, Probed};
use smpc_ir::local::Source;
use smpc_ir::party::Elem;
use smpc_ir::share::{Input, Type};
use smpc_runtime::files::Array;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

const UNIT: f64 = 18_446_744_073_709_551_616.0;

/// Whether a place is in a file of the library.
pub fn in_library(sources: &Sources, source: Source) -> bool {
    let file = sources.get(smpc_grammar::ast::FileId(source.file));
    file.is_some_and(|f| f.kind == smpc_grammar::sources::Kind::Library)
}

/// What the shadow starts from: the same as the run.
pub fn environment(
    inputs: &[Input],
    arrays: &[Option<Array>],
    sizes: &[i128],
    params: &[i128],
) -> Environment {
    let inputs = inputs
        .iter()
        .zip(arrays)
        .filter_map(|(input, array)| {
            let array = array.as_ref()?;
            let data = match input.ty {
                Type::Int => Data::Int(array.values.clone()),
                Type::Fix(_) => Data::Real(array.values.iter().map(|v| *v as f64 / UNIT).collect()),
                Type::Bits(m) => Data::Bits(m, array.values.iter().map(|v| *v as u128).collect()),
            };
            Some(smpc_audit::Array::new(array.shape.clone(), data))
        })
        .collect();
    Environment {
        sizes: sizes.to_vec(),
        params: params.to_vec(),
        inputs,
    }
}

/// Puts the components of every secret together as the endpoints show them.
#[derive(Default)]
pub struct Watcher {
    partial: Mutex<HashMap<(u32, Vec<u64>), Partial>>,
}

/// A value of which some components have been seen.
struct Partial {
    seen: BTreeSet<usize>,
    of: usize,
    elem: Elem,
    sum: Vec<i128>,
    scale: u8,
}

impl Observer for Watcher {
    fn component(&self, probe: &Probed<'_>) {
        let elem = probe.tensor.elem();
        let mut all = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        let partial = all
            .entry((probe.value, probe.path.to_vec()))
            .or_insert_with(|| Partial {
                seen: BTreeSet::new(),
                of: probe.coefficients.len(),
                elem,
                sum: vec![0; probe.tensor.elements()],
                scale: probe.scale,
            });
        // Several parties hold a component; one of them is enough.
        if !partial.seen.insert(probe.component) {
            return;
        }
        let factor = probe
            .coefficients
            .get(probe.component)
            .copied()
            .unwrap_or(1);
        for (sum, value) in partial.sum.iter_mut().zip(probe.tensor.to_i128s()) {
            *sum = match elem {
                Elem::Bits(_) => *sum ^ value,
                Elem::Field(p) => {
                    let term = p.mul(p.residue(value), p.residue(factor));
                    p.signed(p.add(p.residue(*sum), term))
                }
                _ => sum.wrapping_add(value.wrapping_mul(factor)),
            };
        }
    }
}

impl Watcher {
    /// Every value whose components have all been seen, read as a signed integer: also bits, which backends like `gmw`
    /// carry numbers as, and which count for nothing else here.
    pub fn observations(&self) -> Observations {
        let mut all = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        all.drain()
            .filter(|(_, partial)| partial.seen.len() == partial.of)
            .map(|(at, partial)| {
                let signed = |value: i128| match partial.elem {
                    Elem::Ring(bits @ 1..=127) | Elem::Bits(bits @ 2..=127) => {
                        let unused = 128 - u32::from(bits);
                        value << unused >> unused
                    }
                    _ => value,
                };
                let raw = partial.sum.iter().map(|v| signed(*v)).collect();
                let scale = partial.scale;
                (at, Observed { raw, scale })
            })
            .collect()
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Overflow => "overflow",
        Kind::Wrong | Kind::Unequal => "wrong value",
        Kind::Precision => "loss of precision",
    }
}

/// `file:line`, and the line's text.
fn line(sources: &Sources, source: Source) -> (String, String) {
    let at = span(source);
    let Some((file, line, _)) = position(sources, at) else {
        return ("?".into(), String::new());
    };
    let text = sources
        .get(at.file)
        .and_then(|f| f.text.lines().nth(line - 1));
    (
        format!("{file}:{line}"),
        text.unwrap_or("").trim().to_owned(),
    )
}

/// The report for people.
pub fn text(sources: &Sources, report: &Report) -> String {
    let mut out = format!(
        "\naudit: {} secrets compared, {} findings, largest error elsewhere {:.3e}\n",
        report.compared,
        report.findings.len(),
        report.largest_error
    );
    for finding in &report.findings {
        let (at, written) = line(sources, finding.source);
        let _ = writeln!(out, "  {}: {} {}", at, name(finding.kind), place(finding));
        let _ = writeln!(out, "      {written}");
        let _ = writeln!(
            out,
            "      found {}, exact {}; {} of {} elements affected",
            finding.found, finding.expected, finding.affected.0, finding.affected.1
        );
        if let Some(used) = finding.used {
            let (at, written) = line(sources, used);
            let _ = writeln!(out, "      used at {at}: {written}");
        }
    }
    if let Some(stopped) = report.stopped {
        let (at, _) = line(sources, stopped.source);
        let _ = writeln!(
            out,
            "  the exact calculation could not follow the script beyond {at}"
        );
    }
    out
}

/// Index and iteration, where there are any.
fn place(finding: &Finding) -> String {
    let list = |numbers: Vec<String>| numbers.join(", ");
    let mut text = String::new();
    if !finding.index.is_empty() {
        let index = finding.index.iter().map(usize::to_string).collect();
        let _ = write!(text, "at [{}]", list(index));
    }
    if !finding.iteration.is_empty() {
        let iteration = finding.iteration.iter().map(u64::to_string).collect();
        let _ = write!(text, " in iteration {}", list(iteration));
    }
    text.trim().to_owned()
}

/// The report for machines.
pub fn json(sources: &Sources, report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "kind": name(finding.kind),
                "at": line(sources, finding.source).0,
                "used": finding.used.map(|used| line(sources, used).0),
                "index": finding.index,
                "iteration": finding.iteration,
                // Text, because an overflowed value may have no JSON number.
                "found": finding.found.to_string(),
                "exact": finding.expected.to_string(),
                "affected": finding.affected.0,
                "of": finding.affected.1,
            })
        })
        .collect();
    json!({
        "compared": report.compared,
        "findings": findings,
        "largest_error": report.largest_error,
        "stopped": report.stopped.map(|stopped| line(sources, stopped.source).0),
    })
}
