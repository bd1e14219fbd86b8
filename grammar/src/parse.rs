//! One entry point: text to tree, however broken the text is.

use crate::ast::{FileId, Item, ItemKind, Module, Span};
use crate::diagnostic::{self, Diagnostic};
use crate::grammar::{Grammar, Rule};
use crate::phrase;
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
    result.module.docs = module_docs(text, &tokens);
    let solid: Vec<Token> = tokens
        .iter()
        .filter(|token| !blank(token.kind))
        .cloned()
        .collect();
    let source = Source {
        file,
        text,
        tokens: &solid,
    };
    let flaws = structure::check(file, text, &solid);
    if flaws.is_empty()
        && let Some(items) = source.whole()
    {
        result.module.items = items;
    } else {
        source.pieces(&mut result);
        if result.diagnostics.is_empty() {
            result.diagnostics = flaws;
        }
    }
    attach_docs(text, &tokens, &mut result.module.items);
    result.diagnostics.extend(structure::reordered(file, text));
    result.diagnostics.sort_by_key(|error| error.span.start);
    result
}

/// Parses the one item that stands in a range of a file, with places as in the file. Its doc comment is left out. The
/// errors are those of [`parse`]; with one, the item is an error item.
pub fn parse_item(file: FileId, text: &str, range: Range<usize>) -> (Item, Vec<Diagnostic>) {
    let part = text.get(range.clone()).unwrap_or("");
    let tokens: Vec<Token> = tokenize(part)
        .into_iter()
        .filter(|token| !blank(token.kind))
        .map(|token| Token {
            range: token.range.start + range.start..token.range.end + range.start,
            ..token
        })
        .collect();
    let source = Source {
        file,
        text,
        tokens: &tokens,
    };
    source.piece(&tokens)
}

/// A file with its tokens, blanks and comments left out.
#[derive(Clone, Copy)]
struct Source<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Source<'a> {
    fn translator(&self, base: usize) -> Translator<'a> {
        Translator {
            file: self.file,
            base,
            tokens: self.tokens,
        }
    }

    fn whole(&self) -> Option<Vec<Item>> {
        let mut pairs = Grammar::parse(Rule::file, self.text).ok()?;
        let translator = self.translator(0);
        pairs
            .next()?
            .into_inner()
            .filter(|pair| pair.as_rule() != Rule::EOI)
            .map(|pair| translator.item(pair))
            .collect()
    }

    /// Parses each item by itself, so that one mistake costs one item.
    fn pieces(&self, result: &mut Parse) {
        for piece in structure::split(self.text, self.tokens) {
            let (item, errors) = self.piece(piece);
            result.module.items.push(item);
            result.diagnostics.extend(errors);
        }
    }

    fn piece(&self, tokens: &[Token]) -> (Item, Vec<Diagnostic>) {
        let range = extent(tokens);
        let error = Item {
            docs: String::new(),
            public: false,
            kind: ItemKind::Error,
            span: span(self.file, range.clone()),
        };
        // Pest's recursion is bounded only once this check has passed.
        let flaws = structure::check(self.file, self.text, tokens);
        if !flaws.is_empty() {
            return (error, flaws);
        }
        let Some(slice) = self.text.get(range.clone()) else {
            return (error, Vec::new());
        };
        match Grammar::parse(Rule::one, slice) {
            Ok(mut pairs) => {
                let translator = self.translator(range.start);
                let item = pairs
                    .next()
                    .and_then(|one| one.into_inner().next())
                    .and_then(|pair| translator.item(pair));
                match item {
                    Some(item) => (item, Vec::new()),
                    None => {
                        let place = error.span;
                        let ours = "the parser does not understand its own reading of this";
                        let flaw = Diagnostic::new(diagnostic::SYNTAX, ours, place)
                            .help("this is a mistake of smpc, please report it");
                        (error, vec![flaw])
                    }
                }
            }
            Err(failure) => {
                let inner = self.blame(tokens);
                let errors = if inner.is_empty() {
                    vec![phrase::describe(self.file, slice, range.start, &failure)]
                } else {
                    inner
                };
                (error, errors)
            }
        }
    }

    /// The statements at fault inside the body of something that does not parse.
    fn blame(&self, tokens: &[Token]) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let Some(body) = structure::body(self.text, tokens) else {
            return errors;
        };
        for stmt in structure::split(self.text, body) {
            let range = extent(stmt);
            let Some(slice) = self.text.get(range.clone()) else {
                continue;
            };
            if let Err(failure) = Grammar::parse(Rule::one_stmt, slice) {
                let inner = self.blame(stmt);
                if inner.is_empty() {
                    errors.push(phrase::describe(self.file, slice, range.start, &failure));
                } else {
                    errors.extend(inner);
                }
            }
        }
        errors
    }
}

fn extent(tokens: &[Token]) -> Range<usize> {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => first.range.start..last.range.end,
        _ => 0..0,
    }
}

pub(crate) fn blank(kind: TokenKind) -> bool {
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
