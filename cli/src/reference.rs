//! What a module offers: its functions with what they need of a scheme and what they cost.

use crate::load::Loaded;
use crate::pipeline::Backend;
use crate::problem::Failure;
use smpc_check::{NoFiles, Options, Test};
use smpc_driver::called::{self, ELEMENTS, Formulas, Sizes};
use smpc_grammar::Sources;
use smpc_grammar::ast::{Function, ItemKind, Span};
use smpc_ir::Size;

/// What `sqrt` and its like are on secrets is a function `sqrt_secret`, which is shown as `sqrt`.
const SECRET: &str = "_secret";

/// What a call does.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Parameters that are public, because a call with a secret there is an error.
    pub public: Vec<String>,
    /// Operations of the scheme that it needs, as schemes name them.
    pub needs: Vec<&'static str>,
    /// Online rounds; absent if the data decide.
    pub rounds: Option<i128>,
    /// Bytes that all parties send online: for each element, or for lists of [`called::LENGTH`].
    pub bytes: Option<f64>,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its head, on one line.
    pub signature: String,
    /// What stands above it.
    pub docs: String,
    /// Whether it takes numbers, and lists element by element.
    pub elementwise: bool,
    /// Absent if it is of public values only, or takes what is not made up here: a struct, a tuple.
    pub cost: Option<Cost>,
}

/// The public functions of a module, in its order, with their costs under a backend.
///
/// # Errors
/// The module does not parse.
pub fn entries(
    sources: &mut Sources,
    loaded: &Loaded,
    used: &str,
    backend: &Backend,
) -> Result<Vec<Entry>, Failure> {
    let text = sources
        .get(loaded.file)
        .map(|f| f.text.clone())
        .unwrap_or_default();
    let slice = |span: Span| {
        text.get(span.start as usize..span.end as usize)
            .unwrap_or("")
            .to_owned()
    };
    let functions: Vec<(&Function, &str, Span)> = loaded
        .module
        .items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Fn(function) if item.public => {
                Some((function, item.docs.as_str(), item.span))
            }
            _ => None,
        })
        .collect();
    let twice = |function: &Function| {
        let plain = function.name.name.strip_suffix(SECRET);
        functions
            .iter()
            .any(|(other, ..)| Some(other.name.name.as_str()) == plain)
    };
    let functions: Vec<_> = functions
        .iter()
        .filter(|(function, ..)| !twice(function))
        .copied()
        .collect();
    let mut made = match used {
        "prelude" => String::new(),
        _ => format!("use std::{used} as here;\n"),
    };
    let prefix = if used == "prelude" { "" } else { "here::" };
    for (at, (function, ..)) in functions.iter().enumerate() {
        made.push_str(&called::tests(at, function, prefix, Sizes::Numbers, &text));
    }
    let file = sources.add(&format!("costs of {used}"), &made);
    let parsed = smpc_grammar::parse(file, &made);
    let found = smpc_check::check_each_test(
        sources,
        (file, &parsed.module),
        parsed.diagnostics.clone(),
        &NoFiles,
        &Options::default(),
        &|_| true,
    )
    .map_err(Failure::script)?;
    let tests: Vec<Test> = found.into_iter().filter_map(Result::ok).collect();
    let entry = |(at, (function, docs, span)): (usize, &(&Function, &str, Span))| {
        let elementwise = called::elementwise(function);
        let calls = called::calls(at, function, &tests);
        let cost = calls.into_iter().find_map(|(public, with, without)| {
            let found = called::cost(with, without, &backend.protocols)?;
            Some(cost(public, found, elementwise))
        });
        let end = function
            .body
            .as_ref()
            .map_or(span.end, |body| body.span.start);
        let start = span.start;
        let head = slice(Span {
            start,
            end,
            ..*span
        });
        let words: Vec<&str> = head.split_whitespace().collect();
        let signature = words.join(" ");
        Entry {
            signature: signature.trim_start_matches("pub ").replacen(SECRET, "", 1),
            docs: (*docs).to_owned(),
            elementwise,
            cost,
        }
    };
    Ok(functions.iter().enumerate().map(entry).collect())
}

/// The formulas at the sizes that the calls were made with.
fn cost(public: Vec<String>, found: Formulas, elementwise: bool) -> Cost {
    let value = |size: &Size| size.evaluate(&|_| None).ok();
    let many = if elementwise { ELEMENTS } else { 1 };
    Cost {
        public,
        needs: found.needs,
        rounds: value(&found.rounds),
        bytes: value(&found.bytes).map(|bytes| bytes as f64 / many as f64),
    }
}
