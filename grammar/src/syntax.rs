//! Whether a text fits the grammar, without building its tree.

use pest::Parser;
use pest::error::InputLocation;

use crate::ast::{FileId, Span};
use crate::diagnostic::{DELIMITER, Diagnostic, EMPTY, NESTING, SIZE, SYNTAX};
use crate::grammar::{Grammar, Rule};

/// Deepest nesting of brackets: the parser recurses once or more for each.
const DEPTH: usize = 128;

/// Checks the syntax of one file.
///
/// # Errors
/// The first place where the text stops fitting: brackets that do not pair or nest deeper than 128
/// (checked first, without recursion), a file with nothing in it, or a syntax error.
pub fn check_syntax(file: FileId, text: &str) -> Result<(), Diagnostic> {
    let whole = u32::try_from(text.len()).map_err(|_| {
        Diagnostic::new(
            SIZE,
            "the file is larger than 4 GiB",
            Span {
                file,
                ..Span::default()
            },
        )
    })?;
    let at = |start: usize, end: usize| Span {
        file,
        start: start.min(text.len()) as u32,
        end: end.min(text.len()) as u32,
    };
    if brackets(text, &at)? == 0 {
        let empty = Span {
            file,
            start: 0,
            end: whole,
        };
        return Err(Diagnostic::new(EMPTY, "the file holds no statement", empty));
    }
    Grammar::parse(Rule::file, text).map(drop).map_err(|error| {
        let (start, end) = match error.location {
            InputLocation::Pos(start) => {
                let width = text
                    .get(start..)
                    .and_then(|t| t.chars().next())
                    .map_or(0, char::len_utf8);
                (start, start + width)
            }
            InputLocation::Span(span) => span,
        };
        let found = text.get(start..).and_then(|t| t.split_whitespace().next());
        let message = match found {
            Some(word) => format!(
                "`{}` does not fit here",
                word.chars().take(24).collect::<String>()
            ),
            None => "the file ends in the middle of a statement".into(),
        };
        Diagnostic::new(SYNTAX, message, at(start, end))
    })
}

/// Pairs the brackets outside strings and comments; returns how many characters are neither blank nor comment.
fn brackets(text: &str, at: &dyn Fn(usize, usize) -> Span) -> Result<usize, Diagnostic> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut visible = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((position, c)) = chars.next() {
        match c {
            '/' if chars.peek().is_some_and(|(_, next)| *next == '/') => {
                while chars.peek().is_some_and(|(_, next)| *next != '\n') {
                    chars.next();
                }
                continue;
            }
            '"' => {
                while chars
                    .next_if(|(_, next)| *next != '\n')
                    .is_some_and(|(_, next)| next != '"')
                {}
            }
            '(' | '[' | '{' => {
                open.push((position, c));
                if open.len() > DEPTH {
                    let message = format!("brackets nest deeper than {DEPTH}");
                    let help = "give the inner part a name with `let`";
                    return Err(
                        Diagnostic::new(NESTING, message, at(position, position + 1)).help(help),
                    );
                }
            }
            ')' | ']' | '}' => match open.pop() {
                Some((_, '(')) if c == ')' => {}
                Some((_, '[')) if c == ']' => {}
                Some((_, '{')) if c == '}' => {}
                Some((start, other)) => {
                    let message = format!("`{c}` closes `{other}`");
                    let diagnostic =
                        Diagnostic::new(DELIMITER, message, at(position, position + 1));
                    return Err(diagnostic.label(at(start, start + 1), "opened here"));
                }
                None => {
                    let message = format!("`{c}` closes nothing");
                    return Err(Diagnostic::new(
                        DELIMITER,
                        message,
                        at(position, position + 1),
                    ));
                }
            },
            _ if c.is_whitespace() => continue,
            _ => {}
        }
        visible += 1;
    }
    match open.first() {
        Some((start, c)) => {
            let message = format!("`{c}` is never closed");
            Err(Diagnostic::new(DELIMITER, message, at(*start, *start + 1)))
        }
        None => Ok(visible),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> (&'static str, u32) {
        let error = check_syntax(FileId(0), text).expect_err("the text is wrong");
        (error.code, error.span.start)
    }

    #[test]
    fn what_does_not_fit_has_a_code_and_a_place() {
        assert_eq!(code("let x = ;"), (SYNTAX, 8));
        assert_eq!(code("party a;\nlet y = share x"), (SYNTAX, 24));
        assert_eq!(code("let x = (1 + 2;"), (DELIMITER, 8));
        assert_eq!(code("let x = (1 + 2];"), (DELIMITER, 14));
        assert_eq!(code("let x = 1);"), (DELIMITER, 9));
        assert_eq!(code(" // only a remark\n"), (EMPTY, 0));
        assert_eq!(code(&"(".repeat(100_000)), (NESTING, 128));
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = check_syntax(FileId(0), &text);
        }

        #[test]
        fn no_heap_of_tokens_panics(tokens in proptest::collection::vec(
            proptest::sample::select(vec![
                "let", "x", "=", "(", ")", "[", "]", "{", "}", "if", "secret", "else", "for", "each", "P", "->", "<-",
                "@", "share", "reveal", "1", "2.5", "\"", "//", "\n", ";", ",", ":", "..", ".[", "<", ">", "é",
            ]), 0..60)) {
            let _ = check_syntax(FileId(0), &tokens.join(" "));
        }
    }
}
