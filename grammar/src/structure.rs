//! What tokens alone tell: bracket matching, the nesting bound, where items end.

use crate::ast::FileId;
use crate::diagnostic::{self, Diagnostic};
use crate::parse::span;
use crate::token::{Token, TokenKind};
use std::ops::Range;

/// How deep brackets may nest.
pub const MAX_DEPTH: usize = 256;

/// How much weight the brackets and operators above one token may have, which bounds
/// the depth of the tree and so the stack of everything that walks it.
const MAX_WEIGHT: usize = 1024;

/// What one level of recursion in the parser weighs against one node of the tree.
const LEVEL: usize = 4;

struct Frame {
    open: usize,
    weight: usize,
}

/// Bracket, nesting and character errors.
pub(crate) fn check(file: FileId, text: &str, tokens: &[Token]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut top = 0;
    let mut total = 0;
    let mut too_deep = false;
    let mut previous = "";
    for (at, token) in tokens.iter().enumerate() {
        let word = text.get(token.range.clone()).unwrap_or("");
        let mut added = 0;
        match token.kind {
            TokenKind::Space | TokenKind::Comment | TokenKind::Doc => continue,
            TokenKind::Unknown => errors.push(unknown(file, word, token)),
            TokenKind::Open => {
                frames.push(Frame {
                    open: at,
                    weight: 0,
                });
                total += LEVEL;
            }
            TokenKind::Close => match frames.last() {
                Some(frame) if closes(text, tokens, frame.open, word) => {
                    let done = frames.pop().map_or(0, |frame| frame.weight);
                    total -= done + LEVEL;
                    // A suffix chain is as deep as it is long.
                    added = usize::from(word != "}");
                }
                Some(frame) => {
                    let open = tokens.get(frame.open).map(|open| open.range.clone());
                    errors.push(mismatch(file, text, token, open));
                    return errors;
                }
                None => {
                    errors.push(
                        Diagnostic::new(
                            diagnostic::DELIMITER,
                            format!("`{word}` closes nothing"),
                            span(file, token.range.clone()),
                        )
                        .help(format!("remove the `{word}`")),
                    );
                    return errors;
                }
            },
            TokenKind::Semicolon | TokenKind::Comma => {
                let weight = frames
                    .last_mut()
                    .map_or(&mut top, |frame| &mut frame.weight);
                // A comma inside `<…>` does not end the nesting of types.
                if token.kind == TokenKind::Semicolon || previous != "<" {
                    total -= *weight;
                    *weight = 0;
                }
            }
            TokenKind::Operator if matches!(word, "<" | "=>" | "^") => added = LEVEL,
            TokenKind::Operator | TokenKind::TupleField => added = 1,
            TokenKind::Word => {
                let level = matches!(
                    word,
                    "if" | "for" | "while" | "reveal" | "share" | "offline" | "as"
                );
                added = if level { LEVEL } else { 0 };
                if previous == "}" && word != "else" && !level {
                    let weight = frames
                        .last_mut()
                        .map_or(&mut top, |frame| &mut frame.weight);
                    total -= *weight;
                    *weight = 0;
                }
            }
            _ => {}
        }
        previous = word;
        *frames
            .last_mut()
            .map_or(&mut top, |frame| &mut frame.weight) += added;
        total += added;
        if !too_deep && (frames.len() > MAX_DEPTH || total > MAX_WEIGHT) {
            too_deep = true;
            errors.push(
                Diagnostic::new(
                    diagnostic::NESTING,
                    "this expression nests too deeply",
                    span(file, token.range.clone()),
                )
                .help("give the inner parts names with `let`"),
            );
        }
    }
    if let Some(frame) = frames.last()
        && let Some(open) = tokens.get(frame.open)
    {
        let word = text.get(open.range.clone()).unwrap_or("");
        errors.push(
            Diagnostic::new(
                diagnostic::DELIMITER,
                format!("`{word}` is never closed"),
                span(file, open.range.clone()),
            )
            .help(format!("add the matching `{}`", partner(word))),
        );
    }
    errors
}

fn unknown(file: FileId, word: &str, token: &Token) -> Diagnostic {
    let place = span(file, token.range.clone());
    if word.starts_with('"') {
        return Diagnostic::new(diagnostic::CHARACTER, "this text is never closed", place)
            .help("end it with `\"` on the same line");
    }
    Diagnostic::new(
        diagnostic::CHARACTER,
        format!("`{}` has no meaning here", word.escape_debug()),
        place,
    )
}

fn partner(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "{" => "}",
        _ => "]",
    }
}

fn closes(text: &str, tokens: &[Token], open: usize, close: &str) -> bool {
    tokens
        .get(open)
        .and_then(|open| text.get(open.range.clone()))
        .is_some_and(|open| partner(open) == close)
}

fn mismatch(file: FileId, text: &str, token: &Token, open: Option<Range<usize>>) -> Diagnostic {
    let found = text.get(token.range.clone()).unwrap_or("");
    let opened = open.clone().and_then(|range| text.get(range)).unwrap_or("");
    let error = Diagnostic::new(
        diagnostic::DELIMITER,
        format!("`{found}` does not close `{opened}`"),
        span(file, token.range.clone()),
    )
    .help(format!("close it with `{}` first", partner(opened)));
    match open {
        Some(range) => error.label(span(file, range), "opened here"),
        None => error,
    }
}

/// Words that begin an item which ends with its braces.
const BRACED: &[&str] = &[
    "pub",
    "fn",
    "protocol",
    "functionality",
    "scheme",
    "backend",
    "struct",
    "test",
    "offline",
    "deferred",
    "extern",
    "for",
    "if",
    "while",
    "collect",
];

/// Words that can only begin an item when they start a line: where to stop skipping if
/// a semicolon or brace was forgotten.
const STARTERS: &[&str] = &[
    "use",
    "party",
    "param",
    "const",
    "input",
    "using",
    "leaks",
    "budget",
    "struct",
    "fn",
    "approx",
    "backend",
    "scheme",
    "protocol",
    "functionality",
    "test",
    "pub",
    "deferred",
    "extern",
    "let",
];

/// The byte ranges of the items.
pub(crate) fn split(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut depth = 0_usize;
    let mut start: Option<(usize, bool)> = None;
    let mut end = 0;
    let mut previous = "";
    let mut body = false;
    let mut closed = false;
    for token in tokens {
        if matches!(
            token.kind,
            TokenKind::Space | TokenKind::Comment | TokenKind::Doc
        ) {
            continue;
        }
        let word = text.get(token.range.clone()).unwrap_or("");
        let column = text.get(..token.range.start).map_or(1, |before| {
            before.len() - before.rfind('\n').map_or(0, |at| at + 1)
        });
        let restart = column == 0
            && start.is_some()
            && STARTERS.contains(&word)
            && !(previous == "pub" || previous == "offline");
        if let Some((first, _)) = start
            && ((closed && word != "else") || restart)
        {
            pieces.push(first..end);
            start = None;
            depth = 0;
        }
        closed = false;
        let (_, braced) = *start.get_or_insert((token.range.start, BRACED.contains(&word)));
        match token.kind {
            TokenKind::Open => {
                if depth == 0 {
                    let operand = matches!(
                        previous,
                        "@" | "in" | "and" | "or" | "==" | "!=" | "=" | "," | "-" | "+" | "|"
                    );
                    body = word == "{" && braced && !operand;
                }
                depth += 1;
            }
            TokenKind::Close => {
                depth = depth.saturating_sub(1);
                closed = depth == 0 && body && word == "}";
            }
            TokenKind::Semicolon => closed = depth == 0,
            _ => {}
        }
        previous = word;
        end = token.range.end;
    }
    if let Some((first, _)) = start {
        pieces.push(first..end);
    }
    pieces
}
