//! `smpc fmt`.

use crate::Answer;
use crate::args::Format;
use crate::problem::{Exit, Failure, Problem};
use crate::written;
use serde_json::json;
use smpc_driver::load::read_text;
use smpc_grammar::Sources;
use std::fmt::Write;
use std::path::Path;

/// Rewrites files in the usual layout; broken files are left alone and told.
///
/// # Errors
/// A file is broken, cannot be read or written, or, with `--check`, would change.
pub fn fmt(sources: &mut Sources, args: &Format) -> Result<Answer, Failure> {
    let mut problems = Vec::new();
    let mut exit = Exit::Script;
    let mut changed = Vec::new();
    for path in &args.files {
        match one(sources, path, args.check) {
            Ok(false) => {}
            Ok(true) => changed.push(path.display().to_string()),
            Err(mut failure) => {
                exit = failure.exit;
                problems.append(&mut failure.problems);
            }
        }
    }
    if args.check {
        problems.extend(changed.iter().map(|path| {
            let word = written::word(Path::new(path));
            Problem::file("S08", "the file is not in the usual layout", path)
                .help(format!("`smpc fmt {word}` rewrites it"))
        }));
    }
    if !problems.is_empty() {
        return Err(Failure::new(exit, problems));
    }
    let mut text = String::new();
    for path in &changed {
        let _ = writeln!(text, "rewrote {path}");
    }
    Ok(Answer {
        exit: 0,
        text,
        json: json!({ "rewritten": changed }),
    })
}

/// Whether the file is, or would be, another.
fn one(sources: &mut Sources, path: &Path, check: bool) -> Result<bool, Failure> {
    let (file, text) = read_text(sources, path, Path::new(""))?;
    let formatted = smpc_grammar::format(&text).map_err(|mut errors| {
        // The formatter numbers its one file 0; the session may have others.
        for error in &mut errors {
            error.span.file = file;
            for label in &mut error.labels {
                label.span.file = file;
            }
        }
        Failure::script(errors)
    })?;
    if formatted == text {
        return Ok(false);
    }
    if !check {
        written::write(path, &formatted)?;
    }
    Ok(true)
}
