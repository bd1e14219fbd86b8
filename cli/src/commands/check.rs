//! `smpc check`: every error of scripts and schemes.

use crate::Answer;
use crate::args::Check;
use crate::load;
use crate::pipeline;
use crate::problem::{Exit, Failure};
use serde_json::json;
use smpc_grammar::Sources;
use std::fmt::Write;
use std::path::Path;

/// Checks each file; the errors of all are told together.
///
/// # Errors
/// Every error found.
pub fn check(sources: &mut Sources, args: &Check) -> Result<Answer, Failure> {
    let mut problems = Vec::new();
    let mut exit = Exit::Script;
    let mut text = String::new();
    let mut names = Vec::new();
    for path in &args.files {
        match one(sources, path, args) {
            Ok(what) => {
                let shown = path.display().to_string();
                let _ = writeln!(text, "{shown}: {what}");
                names.push(shown);
            }
            Err(mut failure) => {
                exit = failure.exit;
                problems.append(&mut failure.problems);
            }
        }
    }
    if problems.is_empty() {
        Ok(Answer {
            exit: 0,
            text,
            json: json!({ "checked": names, "errors": [] }),
        })
    } else {
        Err(Failure::new(exit, problems))
    }
}

/// Checks one file and says what it is.
fn one(sources: &mut Sources, path: &Path, args: &Check) -> Result<String, Failure> {
    let binding = &args.binding.options();
    let loaded = load::load(sources, path, &binding.base)?;
    if load::is_library(&loaded.module) {
        pipeline::check_library(sources, &loaded)?;
        return Ok("no errors".into());
    }
    let script = pipeline::check_loaded(sources, &loaded, path, binding)?;
    pipeline::tests(sources, &loaded, path, binding, &|_| true)?;
    if !script.runs() {
        pipeline::promised(sources, &script, binding)?;
        return Ok("no errors".into());
    }
    let bound = pipeline::bind(sources, &script, binding, false)?;
    pipeline::validated(&bound.program)?;
    Ok(format!("no errors; runs under {}", bound.backend))
}
