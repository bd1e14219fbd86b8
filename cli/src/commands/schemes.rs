//! `smpc schemes`: what a script can be bound to.

use crate::Answer;
use crate::args::Schemes;
use crate::problem::{Exit, Failure, Problem};
use serde_json::{Map, Value, json};
use smpc_driver::DEFAULT_BACKEND;
use smpc_driver::capability::{self, Column, OPERATIONS};
use smpc_grammar::Sources;
use smpc_grammar::ast::{FileId, ItemKind, Module, SchemePartKind, Span};
use smpc_protocol::Library;
use std::fmt::Write;

/// One backend of the library.
struct Entry {
    name: String,
    parties: String,
    corruption: String,
    docs: String,
    /// Why scripts cannot run under it yet.
    obstacle: Option<String>,
    path: &'static str,
    text: &'static str,
}

/// Lists the backends, or prints the file of one.
///
/// # Errors
/// No such backend.
pub fn schemes(args: &Schemes) -> Result<Answer, Failure> {
    let entries = entries();
    if let Some(name) = &args.name {
        let entry = entries.iter().find(|e| &e.name == name).ok_or_else(|| {
            let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
            let problem = Problem::plain("I16", format!("there is no backend `{name}`"))
                .help(format!("there are `{}`", names.join("`, `")));
            Failure::one(Exit::Usage, problem)
        })?;
        return Ok(Answer {
            exit: 0,
            text: entry.text.to_owned(),
            json: json!({ "name": entry.name, "file": entry.path, "text": entry.text }),
        });
    }
    let mut text = String::new();
    for e in &entries {
        let default = if e.name == DEFAULT_BACKEND {
            "  (default)"
        } else {
            ""
        };
        let _ = writeln!(text, "{}{default}", e.name);
        let _ = writeln!(text, "    parties   {}", e.parties);
        let _ = writeln!(text, "    corrupt   {}", e.corruption);
        let _ = writeln!(text, "    {}", e.docs);
        if let Some(obstacle) = &e.obstacle {
            let _ = writeln!(text, "    cannot run scripts yet: {obstacle}");
        }
    }
    let columns = capability::matrix(&Library::standard(&mut Sources::new()));
    let _ = write!(
        text,
        "\nOne operation: rounds/bytes of all parties, with its checks; +bytes before the inputs; \
         - where the scheme lacks it.\n\n{}",
        capability::table(&columns, 1)
    );
    let list: Vec<Value> = entries
        .iter()
        .map(|e| {
            json!({
                "name": e.name, "parties": e.parties, "corruption": e.corruption,
                "docs": e.docs, "obstacle": e.obstacle, "file": e.path, "default": e.name == DEFAULT_BACKEND,
            })
        })
        .collect();
    Ok(Answer {
        exit: 0,
        text,
        json: json!({ "schemes": list, "operations": operations(&columns) }),
    })
}

/// The capability matrix: by operation and backend its cost as formulas in n, or what is lacking.
fn operations(columns: &[Column]) -> Value {
    let one = |(at, operation): (usize, &capability::Operation)| {
        let cell = |column: &Column| {
            let cell = match column.cells.get(at)? {
                Ok(figures) => {
                    let [rounds, bytes, offline_bytes] = figures.formulas();
                    json!({ "rounds": rounds, "bytes": bytes, "offline_bytes": offline_bytes })
                }
                Err(lacking) => json!({ "lacking": lacking }),
            };
            Some((column.backend.clone(), cell))
        };
        let cells: Map<String, Value> = columns.iter().filter_map(cell).collect();
        json!({ "operation": operation.name, "schemes": cells })
    };
    Value::Array(OPERATIONS.iter().enumerate().map(one).collect())
}

/// The backends of the standard library.
pub(super) fn names() -> Vec<String> {
    entries().into_iter().map(|entry| entry.name).collect()
}

fn entries() -> Vec<Entry> {
    let mut found = Vec::new();
    let mut sources = Sources::new();
    let library = Library::standard(&mut sources);
    for module in smpc_stdlib::modules() {
        let parsed = smpc_grammar::parse(FileId(0), module.text).module;
        let (parties, corruption) = clauses(&parsed, module.text);
        for item in &parsed.items {
            if let ItemKind::Backend(backend) = &item.kind {
                found.push(Entry {
                    name: backend.name.name.clone(),
                    parties: parties.clone(),
                    corruption: corruption.clone(),
                    docs: first_sentence(&parsed.docs),
                    obstacle: obstacle(&library, &backend.name.name),
                    path: module.path,
                    text: module.text,
                });
            }
        }
    }
    found
}

/// What keeps a backend from being bound with its own defaults.
fn obstacle(library: &Library, name: &str) -> Option<String> {
    let errors = library.bind(name, &[], None).err()?;
    errors.first().map(|error| error.message.clone())
}

/// The parties and corruption clauses of the file's schemes, as written.
fn clauses(module: &Module, text: &str) -> (String, String) {
    let mut parties: Vec<String> = Vec::new();
    let mut corruption: Vec<String> = Vec::new();
    for item in &module.items {
        let ItemKind::Scheme(scheme) = &item.kind else {
            continue;
        };
        for part in &scheme.parts {
            let written = clause(text, part.span);
            let (list, keyword) = match part.kind {
                SchemePartKind::Parties(..) => (&mut parties, "parties "),
                SchemePartKind::Role(..) => (&mut parties, ""),
                SchemePartKind::Corrupt(..) => (&mut corruption, "corrupt "),
                _ => continue,
            };
            let written = written.strip_prefix(keyword).unwrap_or(&written).to_owned();
            if !list.contains(&written) {
                list.push(written);
            }
        }
    }
    (parties.join(", "), corruption.join("; or "))
}

/// Up to the first full stop that ends a word.
fn first_sentence(docs: &str) -> String {
    let words: Vec<&str> = docs.split_whitespace().collect();
    let text = words.join(" ");
    match text.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => text,
    }
}

fn clause(text: &str, span: Span) -> String {
    let written = text
        .get(span.start as usize..span.end as usize)
        .unwrap_or("");
    let words: Vec<&str> = written.trim_end_matches(';').split_whitespace().collect();
    words.join(" ")
}
