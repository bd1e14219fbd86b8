//! One file for each command.

pub mod approx;
pub mod build;
pub mod check;
pub mod cost;
pub mod doc;
pub mod fmt;
pub mod keygen;
pub mod leaks;
pub mod new;
pub mod party;
pub mod prepare;
pub mod run;
pub mod schemes;
pub mod test;
pub mod trace;
pub mod verify;

use crate::Answer;
use crate::args;
use crate::problem::{Exit, Failure, Problem};

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
