//! What went wrong, in one shape for scripts, input files and runs, and the exit code it has.

use smpc_grammar::ast::{FileId, Span};
use smpc_grammar::diagnostic::EMPTY;
use smpc_grammar::{Diagnostic, Label, Sources};
use smpc_ir::local::Source;

/// Calls around a place that are told.
const CALLS: usize = 6;

/// Exit codes, documented in `smpc --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The script, scheme or library has errors.
    Script = 1,
    /// The command line cannot be carried out.
    Usage = 2,
    /// Input files or parameters have errors.
    Input = 3,
    /// The computation stopped.
    Run = 4,
    /// The user ended it.
    Interrupted = 130,
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a text of the session's sources.
    Source(Span),
    /// In another file.
    File {
        /// Its path, as the user would write it.
        path: String,
        /// Line, counted from 1, or the index of an element for formats without lines.
        row: Option<String>,
        /// Column name, or its number counted from 1.
        column: Option<String>,
    },
    /// Nowhere in particular.
    Nowhere,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code; `smpc explain` has its page.
    pub code: String,
    /// One line in the user's words.
    pub message: String,
    /// Where.
    pub place: Place,
    /// Further places that matter.
    pub labels: Vec<Label>,
    /// What to do instead.
    pub help: Option<String>,
}

impl Problem {
    /// A problem in a file that is not smpc text.
    pub fn file(code: &str, message: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            place: Place::File {
                path: path.into(),
                row: None,
                column: None,
            },
            labels: Vec::new(),
            help: None,
        }
    }

    /// A problem without a place.
    pub fn plain(code: &str, message: impl Into<String>) -> Self {
        Self {
            place: Place::Nowhere,
            ..Self::file(code, message, "")
        }
    }

    /// A problem in smpc text.
    pub fn source(code: &str, message: impl Into<String>, source: Source) -> Self {
        Self {
            place: Place::Source(span(source)),
            ..Self::file(code, message, "")
        }
    }

    /// An error of a run, at the place in the user's files: the library's line is told beside it, and the calls of functions
    /// around it.
    pub fn of_run(
        sources: &Sources,
        code: &str,
        message: impl Into<String>,
        source: Source,
    ) -> Self {
        let way = sources.way(span(source), source.call);
        let mut problem = Self::source(code, message, source);
        problem.place = Place::Source(way.place);
        let library = way
            .library
            .map(|span| (span, "in this line of the library".to_owned()));
        let calls = way.calls.iter().take(CALLS);
        let calls = calls.map(|call| (call.span, format!("in this call of `{}`", call.function)));
        let labels = library.into_iter().chain(calls);
        problem
            .labels
            .extend(labels.map(|(span, text)| Label { span, text }));
        problem
    }

    /// Names the row of a file.
    pub fn at_row(mut self, at: impl Into<String>) -> Self {
        if let Place::File { row, .. } = &mut self.place {
            *row = Some(at.into());
        }
        self
    }

    /// Names the column of a file.
    pub fn at_column(mut self, at: impl Into<String>) -> Self {
        if let Place::File { column, .. } = &mut self.place {
            *column = Some(at.into());
        }
        self
    }

    /// Adds a place in the script.
    pub fn label(mut self, source: Source, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span: span(source),
            text: text.into(),
        });
        self
    }

    /// Says what to do instead.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

impl From<Diagnostic> for Problem {
    fn from(diagnostic: Diagnostic) -> Self {
        // An error about the command line has no span; only an empty file is told at its start.
        let nowhere = diagnostic.span == Span::default() && diagnostic.code != EMPTY;
        Self {
            code: diagnostic.code.to_owned(),
            message: diagnostic.message,
            place: if nowhere {
                Place::Nowhere
            } else {
                Place::Source(diagnostic.span)
            },
            labels: diagnostic.labels,
            help: diagnostic.help,
        }
    }
}

/// The span of a place in the representations.
pub fn span(source: Source) -> Span {
    Span {
        file: FileId(source.file),
        start: source.start,
        end: source.end,
    }
}

/// A command that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Failure {
    /// Several problems under one exit code.
    pub fn new(exit: Exit, problems: Vec<Problem>) -> Self {
        Self { exit, problems }
    }

    /// One problem.
    pub fn one(exit: Exit, problem: Problem) -> Self {
        Self::new(exit, vec![problem])
    }

    /// Errors in a script.
    pub fn script(diagnostics: Vec<Diagnostic>) -> Self {
        let problems = diagnostics.into_iter().map(Problem::from).collect();
        Self::new(Exit::Script, problems)
    }
}
