//! `smpc cost`: rounds and bytes as formulas, and as numbers for the inputs that are named.

use crate::Answer;
use crate::args::Cost;
use crate::bind;
use crate::inputs;
use crate::pipeline;
use crate::problem::{Failure, span};
use serde_json::{Map, Value, json};
use smpc_driver::position;
use smpc_grammar::Sources;
use smpc_ir::party;
use smpc_ir::{Size, SizeVar};
use std::fmt::Write;

/// Prints the cost of a script under its backend.
///
/// # Errors
/// Every error of the script, or what its backend lacks.
pub fn cost(sources: &mut Sources, args: &Cost) -> Result<Answer, Failure> {
    let binding = &args.script.binding.options();
    let script = pipeline::script(sources, &args.script.file, binding)?;
    let bound = pipeline::bind(sources, &script, binding, false)?;
    let program = pipeline::validated(&bound.program)?;
    let cost = party::cost(program);
    let program = program.program();
    let name = |var: SizeVar| {
        // Counts that only the run knows come after the program's sizes.
        let opaque = cost.opaque.iter().position(|one| one.var == var);
        match (opaque, program.sizes.get(var.0 as usize)) {
            (Some(at), _) => format!("count{}", at + 1),
            (None, Some(info)) => info.name.clone(),
            (None, None) => format!("size{}", var.0),
        }
    };
    let show = |size: &Size| size.display(&name);
    let parties = &program.parties;
    let list = |sizes: &[Size]| -> Vec<(String, String)> {
        let some = parties
            .iter()
            .zip(sizes)
            .filter(|(_, s)| **s != Size::zero());
        some.map(|(party, size)| (party.clone(), show(size)))
            .collect()
    };
    let mut text = format!(
        "backend  {}, {} parties in all\n",
        bound.backend,
        parties.len()
    );
    let _ = writeln!(text, "rounds   {}", show(&cost.rounds));
    rows(&mut text, "messages sent by", &list(&cost.messages));
    rows(&mut text, "bytes sent by", &list(&cost.bytes));
    rows(
        &mut text,
        "bytes sent before the inputs are known (offline) by",
        &list(&cost.offline_bytes),
    );
    let mut document = json!({
        "scheme": bound.backend,
        "parties": parties,
        "rounds": show(&cost.rounds),
        "messages": object(&list(&cost.messages)),
        "bytes": object(&list(&cost.bytes)),
        "offline_bytes": object(&list(&cost.offline_bytes)),
    });
    if !cost.opaque.is_empty() {
        text.push_str("where\n");
        let mut opaque = Map::new();
        for one in &cost.opaque {
            let what = count(sources, one);
            let _ = writeln!(text, "    {}: {what}", name(one.var));
            opaque.insert(name(one.var), json!(what));
        }
        document["where"] = Value::Object(opaque);
    }
    // Only when asked: reading inputs takes as long as they are large, the formulas do not.
    if binding.inputs.is_some()
        && let Some(sizes) = known_sizes(&script, &bound, binding)
    {
        let value = |size: &Size| bind::value(size, &sizes);
        let numbers = |list: &[Size]| -> Vec<(String, String)> {
            let some = parties
                .iter()
                .zip(list)
                .filter(|(_, s)| **s != Size::zero());
            some.map(|(party, size)| (party.clone(), number(value(size))))
                .collect()
        };
        let _ = writeln!(text, "\nwith the inputs in {}", script.folder.display());
        let _ = writeln!(text, "rounds   {}", number(value(&cost.rounds)));
        rows(&mut text, "messages sent by", &numbers(&cost.messages));
        rows(&mut text, "bytes sent by", &numbers(&cost.bytes));
        rows(
            &mut text,
            "offline bytes sent by",
            &numbers(&cost.offline_bytes),
        );
        let counted = |list: &[Size]| -> Value {
            let some = parties
                .iter()
                .zip(list)
                .filter(|(_, s)| **s != Size::zero());
            let pairs = some.map(|(party, size)| (party.clone(), integer(value(size))));
            Value::Object(pairs.collect())
        };
        document["value"] = json!({
            "rounds": integer(value(&cost.rounds)),
            "messages": counted(&cost.messages),
            "bytes": counted(&cost.bytes),
            "offline_bytes": counted(&cost.offline_bytes),
        });
    }
    Ok(Answer {
        exit: 0,
        text,
        json: document,
    })
}

/// What a count of the run counts, with its line.
fn count(sources: &Sources, opaque: &party::Opaque) -> String {
    let place = position(sources, span(opaque.source));
    let place = place.map_or_else(String::new, |(file, line, _)| format!(" ({file}:{line})"));
    format!("{}{place}", opaque.what)
}

/// Sizes by the inputs, if all of them are there and agree: cost without them is no error.
fn known_sizes(
    script: &pipeline::Script,
    bound: &pipeline::Bound,
    binding: &smpc_driver::Binding,
) -> Option<Vec<Option<i128>>> {
    let program = &bound.program;
    let bits = pipeline::ring_bits(bound);
    let mut problems = Vec::new();
    let params = bind::params(
        &program.params,
        binding,
        &script.family_sizes,
        bits,
        &mut problems,
    );
    let read = inputs::read(program, &script.folder, &mut problems);
    let sizes = bind::sizes(program, &params, &read, &mut problems);
    problems.is_empty().then_some(sizes)
}

fn rows(text: &mut String, title: &str, list: &[(String, String)]) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}");
    let widest = list.iter().map(|(party, _)| party.chars().count()).max();
    let widest = widest.unwrap_or(0);
    for (party, value) in list {
        let _ = writeln!(text, "    {party:widest$}  {value}");
    }
}

fn object(list: &[(String, String)]) -> Value {
    let pairs = list
        .iter()
        .map(|(party, value)| (party.clone(), json!(value)));
    Value::Object(pairs.collect())
}

fn number(value: Option<i128>) -> String {
    value.map_or_else(|| "depends on the run".to_owned(), |v| v.to_string())
}

fn integer(value: Option<i128>) -> Value {
    value.map_or(Value::Null, |v| {
        smpc_runtime::report::number(&v.to_string())
    })
}
