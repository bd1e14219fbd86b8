//! One file for each command.

pub mod build;
pub mod check;
pub mod cost;
pub mod fmt;
pub mod leaks;
pub mod new;
pub mod run;
pub mod schemes;
pub mod verify;

use crate::Answer;
use crate::args;
use crate::problem::{Exit, Failure, Problem};
use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use std::path::Path;

/// Reads a text into the session.
///
/// # Errors
/// The file cannot be read, or is no UTF-8.
pub fn read_text(sources: &mut Sources, path: &Path) -> Result<(FileId, String), Failure> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let problem = Problem::file("I15", format!("the file cannot be read: {error}"), &shown);
        Failure::one(Exit::Usage, problem)
    })?;
    let text = smpc_grammar::decode(&bytes).map_err(|error| {
        let mut problem = Problem::file(error.code, error.message, &shown);
        problem.help = error.help;
        Failure::one(Exit::Script, problem)
    })?;
    Ok((sources.add(&shown, &text), text))
}

/// `smpc explain CODE`.
///
/// # Errors
/// No such code.
pub fn explain(args: &args::Explain) -> Result<Answer, Failure> {
    let code = args.code.to_uppercase();
    let page = crate::explain::page(&code).ok_or_else(|| {
        let problem = Problem::plain("I16", format!("there is no error code `{}`", args.code))
            .help("codes look like `S01`: a letter and two digits");
        Failure::one(Exit::Usage, problem)
    })?;
    Ok(Answer {
        exit: 0,
        text: page.trim_end().to_owned() + "\n",
        json: serde_json::json!({ "code": code, "page": page }),
    })
}
