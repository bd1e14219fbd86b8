//! What is wrong with a party's file.

use std::fmt;

/// One problem of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code; `smpc explain` has its page.
    pub code: &'static str,
    /// One line in the user's words.
    pub message: Box<str>,
    /// The file, as the user would write it.
    pub path: String,
    /// Line, counted from 1, or the index of an element for formats without lines.
    pub row: Option<Box<str>>,
    /// Column name, or its number counted from 1.
    pub column: Option<Box<str>>,
    /// What to do instead.
    pub help: Option<Box<str>>,
    /// The input whose declaration matters, by position.
    pub input: Option<usize>,
}

impl Problem {
    /// A problem of a whole file.
    pub fn new(code: &'static str, message: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into().into(),
            path: path.into(),
            row: None,
            column: None,
            help: None,
            input: None,
        }
    }

    pub(super) fn at_row(self, row: impl Into<String>) -> Self {
        Self {
            row: Some(row.into().into()),
            ..self
        }
    }

    pub(super) fn at_column(self, column: impl Into<String>) -> Self {
        Self {
            column: Some(column.into().into()),
            ..self
        }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into().into()),
            ..self
        }
    }

    pub(super) fn declared(self, input: usize) -> Self {
        Self {
            input: Some(input),
            ..self
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if !self.path.is_empty() {
            write!(f, "\n  --> {}", self.path)?;
        }
        for part in [&self.row, &self.column].into_iter().flatten() {
            write!(f, ", {part}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// A file has at most so many problems told; the rest is counted.
const MOST: usize = 20;

/// The problems of one file.
#[derive(Debug, Default)]
pub(super) struct Problems {
    told: Vec<Problem>,
    count: usize,
}

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        self.count += 1;
        if self.told.len() < MOST {
            self.told.push(problem);
        }
    }

    /// As [`Problems::push`], once: of equal problems the later ones do not count.
    pub fn push_once(&mut self, problem: Problem) {
        if !self.told.contains(&problem) {
            self.push(problem);
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// Those told, and how many are not.
    pub fn finish(self, path: &str) -> Vec<Problem> {
        let mut told = self.told;
        let more = self.count - told.len();
        if more > 0
            && let Some(last) = told.last()
        {
            let text = format!("{more} more problems in this file are not listed");
            told.push(Problem::new(last.code, text, path));
        }
        told
    }
}
