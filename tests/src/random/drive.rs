//! Runs of random scripts: checked, lowered, simulated and compared with what they must answer.

use std::collections::BTreeMap;

use smpc_protocol::Bound;

use super::ast::{Base, Script};
use super::evaluate::{Expected, outputs};
use super::print;
use crate::case::{Case, Given};
use crate::pipeline;
use crate::run::{Backend, run};

/// What a script is given, as the pipeline reads it.
pub fn case(script: &Script) -> Case {
    let mut given = vec![];
    for input in &script.inputs {
        for (member, columns) in input.words.iter().enumerate() {
            for ((column, _), words) in input.columns.iter().zip(columns) {
                given.push(Given {
                    party: match input.members {
                        Some(_) => format!("{}[{member}]", input.party),
                        None => input.party.clone(),
                    },
                    file: input.name.clone(),
                    column: input.table.map(|_| column.clone()),
                    shape: input.shape.clone(),
                    values: words.clone(),
                });
            }
        }
    }
    Case {
        given,
        expected: vec![],
    }
}

/// The text of a script with its contract, as the checker's own help completes it; or why it is
/// refused.
///
/// # Errors
/// The diagnostics.
pub fn text(script: &Script, case: &Case) -> Result<String, String> {
    let mut text = print::script(script);
    let Err(errors) = pipeline::checked(&text, case) else {
        return Ok(text);
    };
    let mut lines: Vec<&str> = vec![];
    for error in errors.lines() {
        let line = error
            .split_once("[write `")
            .filter(|_| error.contains(" R01 "))
            .and_then(|(_, rest)| rest.strip_suffix("`]"));
        match line {
            Some(line) if !lines.contains(&line) => lines.push(line),
            Some(_) => {}
            None => return Err(errors),
        }
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    Ok(text)
}

/// How the answers of a run differ from what they must be; empty if they do not.
pub fn differences(expected: &Expected, answers: &BTreeMap<String, Vec<i128>>) -> Vec<String> {
    let mut wrong = vec![];
    for (name, cells) in expected {
        let found = answers.get(name).map(Vec::as_slice).unwrap_or_default();
        let near = |((base, cell), found): (&(Base, super::value::Cell), &i128)| match base {
            Base::Fix => {
                let found = *found as f64 / 2f64.powi(64);
                (found - cell.real).abs() <= cell.error + 1e-12
            }
            _ => cell.int == *found,
        };
        if cells.len() != found.len() || !cells.iter().zip(found).all(near) {
            let want: Vec<String> = cells
                .iter()
                .map(|(base, c)| match base {
                    Base::Fix => format!("{}±{:.6}", c.real, c.error),
                    _ => c.int.to_string(),
                })
                .collect();
            let found: Vec<String> = found
                .iter()
                .enumerate()
                .map(|(at, v)| match cells.get(at) {
                    Some((Base::Fix, _)) => format!("{}", *v as f64 / 2f64.powi(64)),
                    _ => v.to_string(),
                })
                .collect();
            wrong.push(format!("{name}: must be {want:?}, is {found:?}"));
        }
    }
    wrong
}

/// What a script must answer.
///
/// # Errors
/// It has no answer.
pub fn expected(script: &Script) -> Result<Expected, String> {
    outputs(script).map_err(|stop| format!("{stop:?}"))
}

/// Where something went wrong, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// `evaluated`, `checked`, `shadow`, or the backend.
    pub stage: String,
    /// What happened.
    pub message: String,
}

/// The backends a script is interpreted under, by its seed: the one-party reference, three parties
/// with replicated shares, and two, three or five with additive shares and a dealer.
pub fn backends(script: &Script) -> Vec<Backend> {
    let k = i128::from(script.ring);
    let n = [2, 3, 5][(script.seed % 3) as usize];
    vec![
        Backend::new("plain", &[("k", k)]),
        Backend::new("rep3", &[("k", k)]),
        Backend::new("additive", &[("n", n), ("k", k)]),
    ]
}

/// Backends, bound once.
#[derive(Default)]
pub struct Bindings(BTreeMap<String, Bound>);

impl Bindings {
    /// The backend, bound now or before.
    ///
    /// # Errors
    /// It does not bind.
    pub fn get(&mut self, backend: &Backend) -> Result<&Bound, String> {
        let name = label(backend);
        if !self.0.contains_key(&name) {
            self.0.insert(name.clone(), backend.bind()?);
        }
        self.0.get(&name).ok_or(name)
    }
}

/// `additive(n: 2, k: 64)`.
pub fn label(backend: &Backend) -> String {
    let args: Vec<String> = backend
        .args
        .iter()
        .map(|(n, v)| format!("{n}: {v}"))
        .collect();
    format!("{}({})", backend.name, args.join(", "))
}

/// Carries out a script in every way short of compiling it; the first thing that goes wrong.
///
/// # Errors
/// Something does.
pub fn interpreted(script: &Script, bindings: &mut Bindings) -> Result<(), Failure> {
    let failed = |stage: &str, message: String| Failure {
        stage: stage.to_owned(),
        message,
    };
    let expected = caught(|| expected(script)).map_err(|e| failed("evaluated", e))?;
    let case = case(script);
    let prepared = caught(|| {
        let text = text(script, &case)?;
        let program = pipeline::checked(&text, &case)?;
        let start = pipeline::start(&program, &case)?;
        Ok((program, start))
    });
    let (program, start) = prepared.map_err(|e| failed("checked", e))?;
    for backend in backends(script) {
        let stage = label(&backend);
        let bound = bindings.get(&backend).map_err(|e| failed(&stage, e))?;
        let run = caught(|| run(&program, &start, bound, script.seed));
        let run = run.map_err(|e| failed(&stage, e))?;
        let mut wrong = differences(&expected, &run.exact);
        if run.counted != run.predicted {
            let (counted, predicted) = (&run.counted, &run.predicted);
            wrong.push(format!("counted {counted:?}, predicted {predicted:?}"));
        }
        if !wrong.is_empty() {
            return Err(failed(&stage, wrong.join("\n")));
        }
    }
    Ok(())
}

/// A panic is an answer like another, and never the right one.
///
/// # Errors
/// Those of the function, or the message of its panic.
pub fn caught<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(done) => done,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Err(format!("panic: {}", text.unwrap_or_default()))
        }
    }
}
