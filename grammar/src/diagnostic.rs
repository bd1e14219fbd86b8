//! Errors in user input, as values: nothing here knows how a terminal draws them.

use crate::ast::Span;

/// A secondary place in the source that explains the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where to point.
    pub span: Span,
    /// What the reader should see there.
    pub text: String,
}

/// One error, addressed to the author of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, such as `S01`; the letter is the family.
    pub code: &'static str,
    /// One line in the user's words.
    pub message: String,
    /// The place at fault.
    pub span: Span,
    /// Further places that matter.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without labels or help; both are optional because many errors are
    /// clear from their place alone.
    pub fn new(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            labels: Vec::new(),
            help: None,
        }
    }

    /// Adds a secondary place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what to write instead.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The text does not fit the grammar.
pub const SYNTAX: &str = "S01";
/// A bracket is never closed, or closed by another kind.
pub const DELIMITER: &str = "S02";
/// Brackets or operators nest deeper than any checker should have to follow.
pub const NESTING: &str = "S03";
/// The file holds no statement.
pub const EMPTY: &str = "S04";
/// The file is not UTF-8.
pub const ENCODING: &str = "S05";
/// A character that begins no token.
pub const CHARACTER: &str = "S06";
/// The file is larger than a span can address.
pub const SIZE: &str = "S07";
