//! Problems for the terminal and for machines.

use crate::problem::{Failure, Place, Problem};
use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind};
use serde_json::{Value, json};
use smpc_driver::{locate, position};
use smpc_grammar::Sources;
use smpc_grammar::ast::Span;
use std::fmt::Write;
use std::ops::Range;

/// The name and text that ariadne looks up, byte range last.
type Place3 = (String, Range<usize>);

/// All problems as text, the way a reader sees them.
pub fn text(sources: &Sources, failure: &Failure, color: bool) -> String {
    let mut out = String::new();
    for problem in &failure.problems {
        out.push_str(&one(sources, problem, color));
        out.push('\n');
    }
    let count = failure.problems.len();
    if count > 1 {
        let _ = writeln!(out, "{count} errors");
    }
    out
}

fn one(sources: &Sources, problem: &Problem, color: bool) -> String {
    if let Place::Source(span) = &problem.place
        && let Some(at) = locate(sources, *span)
        && !spans(problem).any(|span| in_long_line(sources, span))
    {
        return excerpt(sources, problem, at, color);
    }
    let (red, bold, plain) = if color {
        ("\u{1b}[31m", "\u{1b}[1m", "\u{1b}[0m")
    } else {
        ("", "", "")
    };
    let mut out = format!(
        "{red}error[{}]{plain}: {bold}{}{plain}\n",
        problem.code, problem.message
    );
    if let Place::File { path, row, column } = &problem.place {
        let _ = write!(out, "  --> {path}");
        if let Some(row) = row {
            let _ = write!(out, ", {row}");
        }
        if let Some(column) = column {
            let _ = write!(out, ", {column}");
        }
        out.push('\n');
    }
    if let Place::Source(span) = &problem.place
        && let Some((name, line, column)) = position(sources, *span)
    {
        let _ = writeln!(out, "  --> {name}:{line}:{column}");
    }
    for label in &problem.labels {
        if let Some((name, line, column)) = position(sources, label.span) {
            let _ = writeln!(out, "  {name}:{line}:{column}: {}", label.text);
        }
    }
    if let Some(help) = &problem.help {
        let _ = writeln!(out, "  help: {help}");
    }
    out
}

/// Whether a span's line is too long to be shown: generated text, or an attack on the terminal.
fn in_long_line(sources: &Sources, span: Span) -> bool {
    const LONGEST: usize = 500;
    let Some(file) = sources.get(span.file) else {
        return false;
    };
    let (before, after) = file
        .text
        .split_at_checked(span.start as usize)
        .unwrap_or_default();
    let start = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
    let rest = after.find('\n').unwrap_or(after.len());
    start + rest > LONGEST
}

/// A report with the source lines around it.
fn excerpt(sources: &Sources, problem: &Problem, at: Place3, color: bool) -> String {
    let config = Config::default()
        .with_color(color)
        .with_index_type(IndexType::Byte)
        .with_char_set(if color {
            CharSet::Unicode
        } else {
            CharSet::Ascii
        });
    let mut report = Report::build(ReportKind::Error, at.clone())
        .with_config(config)
        .with_code(&problem.code)
        .with_message(&problem.message);
    let primary = Label::new(at).with_color(Color::Red).with_priority(1);
    // A label without words is drawn without its line.
    let primary = primary.with_message("here");
    report.add_label(primary);
    for label in &problem.labels {
        if let Some(at) = locate(sources, label.span) {
            report.add_label(
                Label::new(at)
                    .with_message(&label.text)
                    .with_color(Color::Cyan),
            );
        }
    }
    if let Some(help) = &problem.help {
        report.set_help(help);
    }
    let mut names: Vec<(String, String)> = Vec::new();
    for span in spans(problem) {
        if let Some(file) = sources.get(span.file) {
            names.push((file.name.clone(), file.text.clone()));
        }
    }
    let mut out = Vec::new();
    if report
        .finish()
        .write(ariadne::sources(names), &mut out)
        .is_err()
    {
        return format!("error[{}]: {}\n", problem.code, problem.message);
    }
    let out = String::from_utf8_lossy(&out);
    // The layout pads lines; blanks at their ends would make snapshots fragile.
    let mut lines: String = out
        .lines()
        .map(|l| l.trim_end().to_owned() + "\n")
        .collect();
    lines = lines.replacen(
        &format!("[{}] Error:", problem.code),
        &format!("error[{}]:", problem.code),
        1,
    );
    lines
}

fn spans(problem: &Problem) -> impl Iterator<Item = Span> + '_ {
    let first = match problem.place {
        Place::Source(span) => Some(span),
        _ => None,
    };
    first
        .into_iter()
        .chain(problem.labels.iter().map(|label| label.span))
}

/// All problems as one JSON value.
pub fn json(sources: &Sources, failure: &Failure) -> Value {
    let errors: Vec<Value> = failure
        .problems
        .iter()
        .map(|problem| {
            let labels: Vec<Value> = problem
                .labels
                .iter()
                .map(|label| {
                    let mut value = place(sources, &Place::Source(label.span));
                    value["message"] = json!(label.text);
                    value
                })
                .collect();
            json!({
                "code": problem.code,
                "message": problem.message,
                "place": place(sources, &problem.place),
                "labels": labels,
                "help": problem.help,
            })
        })
        .collect();
    json!({ "errors": errors, "exit": failure.exit as u8 })
}

fn place(sources: &Sources, place: &Place) -> Value {
    match place {
        Place::Source(span) => match position(sources, *span) {
            Some((file, line, column)) => json!({
                "file": file, "line": line, "column": column, "bytes": [span.start, span.end],
            }),
            None => Value::Null,
        },
        Place::File { path, row, column } => {
            json!({ "file": path, "row": row, "column": column })
        }
        Place::Nowhere => Value::Null,
    }
}
