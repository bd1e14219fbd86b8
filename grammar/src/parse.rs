//! One entry point: text to tree, however broken the text is.

use crate::ast::{FileId, Item, ItemKind, Module, Span};
use crate::diagnostic::{self, Diagnostic};
use crate::grammar::{Grammar, Rule};
use crate::structure;
use crate::token::{Token, TokenKind, tokenize};
use crate::translate::Translator;
use pest::Parser;
use std::ops::Range;

/// A comment, which the tree does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Whether it is `///` or `//!`.
    pub doc: bool,
    /// Where, markers included.
    pub span: Span,
}

/// What the tree leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trivia {
    /// All comments, in order.
    pub comments: Vec<Comment>,
}

/// The result of parsing: a tree is always there, if only of error items.
#[derive(Clone, Debug, Default)]
pub struct Parse {
    /// The tree.
    pub module: Module,
    /// Comments.
    pub trivia: Trivia,
    /// Every syntax error, in order of place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads bytes as text. The error carries an empty span because a span addresses text.
pub fn decode(bytes: &[u8]) -> Result<String, Diagnostic> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => {
            let line = bytes
                .iter()
                .take(error.valid_up_to())
                .filter(|byte| **byte == b'\n')
                .count()
                + 1;
            Err(Diagnostic::new(
                diagnostic::ENCODING,
                format!("the file is not UTF-8: line {line} holds a byte that is no text"),
                Span::default(),
            )
            .help("save the file as UTF-8"))
        }
    }
}

/// Parses one file.
pub fn parse(file: FileId, text: &str) -> Parse {
    let mut result = Parse::default();
    if text.len() >= u32::MAX as usize {
        result.diagnostics.push(Diagnostic::new(
            diagnostic::SIZE,
            "the file is larger than 4 GiB",
            Span {
                file,
                ..Span::default()
            },
        ));
        return result;
    }
    let tokens = tokenize(text);
    result.trivia = trivia(file, text, &tokens);
    if !tokens.iter().any(|token| !blank(token.kind)) {
        let span = span(file, 0..text.len());
        result.diagnostics.push(
            Diagnostic::new(diagnostic::EMPTY, "the file holds no statement", span)
                .help("a script starts with its parties: `party alice, bob;`"),
        );
        return result;
    }
    result.diagnostics = structure::check(file, text, &tokens);
    result.module.docs = module_docs(text, &tokens);
    if result.diagnostics.is_empty()
        && let Some(items) = whole(file, text)
    {
        result.module.items = items;
    } else {
        pieces(file, text, &tokens, &mut result);
    }
    attach_docs(text, &tokens, &mut result.module.items);
    result.diagnostics.sort_by_key(|error| error.span.start);
    result
}

fn whole(file: FileId, text: &str) -> Option<Vec<Item>> {
    let mut pairs = Grammar::parse(Rule::file, text).ok()?;
    let translator = Translator { file, base: 0 };
    pairs
        .next()?
        .into_inner()
        .filter(|pair| pair.as_rule() != Rule::EOI)
        .map(|pair| translator.item(pair))
        .collect()
}

/// Parses each item by itself, so that one mistake costs one item.
fn pieces(file: FileId, text: &str, tokens: &[Token], result: &mut Parse) {
    for piece in structure::split(text, tokens) {
        let place = span(file, piece.clone());
        let error = Item {
            docs: String::new(),
            public: false,
            kind: ItemKind::Error,
            span: place,
        };
        let reported = result
            .diagnostics
            .iter()
            .any(|known| known.span.start >= place.start && known.span.start <= place.end);
        // A piece with unbalanced or too deep brackets is known to be wrong, and pest's
        // recursion is only bounded once that check has passed.
        if reported {
            result.module.items.push(error);
            continue;
        }
        let Some(slice) = text.get(piece.clone()) else {
            continue;
        };
        let translator = Translator {
            file,
            base: piece.start as u32,
        };
        match Grammar::parse(Rule::one, slice) {
            Ok(mut pairs) => {
                let item = pairs
                    .next()
                    .and_then(|one| one.into_inner().next())
                    .and_then(|pair| translator.item(pair));
                result.module.items.push(item.unwrap_or(error));
            }
            Err(failure) => {
                result.module.items.push(error);
                result.diagnostics.push(crate::phrase::describe(
                    file,
                    slice,
                    piece.start,
                    &failure,
                ));
            }
        }
    }
}

fn blank(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Space | TokenKind::Comment | TokenKind::Doc)
}

pub(crate) fn span(file: FileId, range: Range<usize>) -> Span {
    Span {
        file,
        start: range.start as u32,
        end: range.end as u32,
    }
}

fn trivia(file: FileId, text: &str, tokens: &[Token]) -> Trivia {
    let comments = tokens
        .iter()
        .filter(|token| matches!(token.kind, TokenKind::Comment | TokenKind::Doc))
        .map(|token| Comment {
            doc: token.kind == TokenKind::Doc,
            span: span(
                file,
                token.range.start
                    ..token.range.start
                        + text
                            .get(token.range.clone())
                            .map_or(0, |t| t.trim_end().len()),
            ),
        })
        .collect();
    Trivia { comments }
}

fn line_of<'a>(text: &'a str, token: &Token, marker: &str) -> Option<&'a str> {
    let line = text.get(token.range.clone())?.strip_prefix(marker)?;
    Some(line.strip_prefix(' ').unwrap_or(line).trim_end())
}

fn module_docs(text: &str, tokens: &[Token]) -> String {
    let lines: Vec<&str> = tokens
        .iter()
        .take_while(|token| blank(token.kind))
        .filter_map(|token| line_of(text, token, "//!"))
        .collect();
    lines.join("\n")
}

/// Gives each item the `///` lines directly above it.
fn attach_docs(text: &str, tokens: &[Token], items: &mut [Item]) {
    let mut lines: Vec<&str> = Vec::new();
    let mut items = items.iter_mut().peekable();
    for token in tokens {
        if let Some(line) = line_of(text, token, "///").filter(|_| token.kind == TokenKind::Doc) {
            lines.push(line);
        } else if !blank(token.kind) {
            while items
                .next_if(|item| (item.span.start as usize) < token.range.start)
                .is_some()
            {}
            if let Some(item) = items.next_if(|item| item.span.start as usize == token.range.start)
            {
                item.docs = lines.join("\n");
            }
            lines.clear();
        }
    }
}
