//! `smpc leaks`: who learns what.

use crate::Answer;
use crate::args::Script;
use crate::pipeline;
use crate::problem::{Failure, span};
use serde_json::{Value, json};
use smpc_driver::position;
use smpc_grammar::Sources;
use std::fmt::Write;

/// Prints the leakage contract of a script, and what its functions reveal that is assumed to be no leakage.
///
/// # Errors
/// Every error of the script.
pub fn leaks(sources: &mut Sources, args: &Script) -> Result<Answer, Failure> {
    let script = pipeline::script(sources, &args.file, &args.binding.options())?;
    let leaks = &script.program.leaks;
    let widest = |text: fn(&smpc_ir::share::Leak) -> &str| {
        let lengths = leaks.iter().map(|leak| text(leak).chars().count());
        lengths.max().unwrap_or(0)
    };
    let (names, types) = (widest(|l| &l.name), widest(|l| &l.what));
    let mut text = String::new();
    for leak in leaks {
        let _ = write!(
            text,
            "{:names$}  {:types$}  to {}",
            leak.name, leak.what, leak.to
        );
        if let Some(when) = &leak.when {
            // A repetition alone needs no word; a condition does.
            let word = if when.starts_with("for ") {
                ""
            } else {
                "when "
            };
            let _ = write!(text, "  {word}{when}");
        }
        text.push('\n');
    }
    if leaks.is_empty() {
        text.push_str("nothing leaves\n");
    }
    let assumptions = &script.program.assumptions;
    if !assumptions.is_empty() {
        text.push_str(
            "\nassumed to be no leakage: what whoever has one uniform sample of a distribution could compute\n",
        );
    }
    let mut assumed = vec![];
    for a in assumptions {
        let (function, name, what, to) = (&a.function, &a.name, &a.what, &a.to);
        let distribution = &a.distribution;
        let at = position(sources, span(a.source)).map(|(file, line, _)| format!("{file}:{line}"));
        let at = at.unwrap_or_default();
        let _ = writeln!(
            text,
            "{name}  {what}  to {to} ~ {distribution}  by `{function}`, {at}"
        );
        assumed.push(json!({
            "name": name, "type": what, "to": to, "distribution": distribution, "function": function, "at": at,
        }));
    }
    let list: Vec<Value> = leaks
        .iter()
        .map(|leak| json!({ "name": leak.name, "type": leak.what, "to": leak.to, "when": leak.when }))
        .collect();
    Ok(Answer {
        exit: 0,
        text,
        json: json!({ "leaks": list, "assumed": assumed }),
    })
}
