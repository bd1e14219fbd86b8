//! Places as people name them.

use crate::problem::{Failure, Place, Problem, span};
use smpc_grammar::Sources;
use smpc_grammar::ast::Span;
use smpc_ir::local::{CALLED, Source};
use std::fmt::Write;
use std::ops::Range;

/// The file's name and the byte range of a span, clipped to its file and to whole characters.
pub fn locate(sources: &Sources, span: Span) -> Option<(String, Range<usize>)> {
    let file = sources.get(span.file)?;
    let clip = |at: u32| {
        let mut at = (at as usize).min(file.text.len());
        while !file.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = clip(span.start);
    let end = clip(span.end).max(start);
    Some((file.name.clone(), start..end))
}

/// File name, line and column (counted in characters), from 1.
pub fn position(sources: &Sources, span: Span) -> Option<(String, usize, usize)> {
    let (name, range) = locate(sources, span)?;
    let before = sources.get(span.file)?.text.get(..range.start)?;
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some((name, line, column))
}

/// Where a run was, as logs, peers and traces are told: file and line in the user's files, and where the functions around
/// it were called. Nothing of what is at no place.
pub fn run_place(sources: &Sources, source: Source) -> Option<String> {
    if source == Source::default() {
        return None;
    }
    let way = sources.way(span(source), source.call);
    let at = |span| {
        let (name, line, _) = position(sources, span)?;
        Some(format!("{name}:{line}"))
    };
    let calls = way.calls.iter().filter_map(|call| at(call.span));
    let places: Vec<String> = at(way.place).into_iter().chain(calls).collect();
    Some(places.join(CALLED))
}

/// A problem in plain words: place, code, message, then further places and the help, each on a
/// line of its own.
pub fn line(sources: &Sources, problem: &Problem) -> String {
    let mut text = String::new();
    match &problem.place {
        Place::Source(span) => {
            if let Some((name, line, column)) = position(sources, *span) {
                let _ = write!(text, "{name}:{line}:{column}: ");
            }
        }
        Place::File { path, row, column } => {
            text.push_str(path);
            for part in [row, column].into_iter().flatten() {
                let _ = write!(text, ", {part}");
            }
            text.push_str(": ");
        }
        Place::Nowhere => {}
    }
    let _ = write!(text, "error[{}]: {}", problem.code, problem.message);
    for label in &problem.labels {
        if let Some((name, line, column)) = position(sources, label.span) {
            let _ = write!(text, "\n  {name}:{line}:{column}: {}", label.text);
        }
    }
    if let Some(help) = &problem.help {
        let _ = write!(text, "\n  help: {help}");
    }
    text
}

impl Failure {
    /// Every problem, as [`line`] gives it.
    pub fn lines(&self, sources: &Sources) -> Vec<String> {
        self.problems
            .iter()
            .map(|problem| line(sources, problem))
            .collect()
    }
}
