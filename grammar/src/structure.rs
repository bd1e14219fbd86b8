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
    load: Load,
}

/// What stands above the next token within one pair of brackets.
#[derive(Clone, Copy, Default)]
struct Load {
    operators: usize,
    /// Types nest in `<…>`, which a comma does not end.
    angles: usize,
}

/// Bracket, nesting and character errors of tokens without blanks.
pub(crate) fn check(file: FileId, text: &str, tokens: &[Token]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut current = Load::default();
    let mut total = 0_usize;
    let mut too_deep = false;
    let mut previous = "";
    for (at, token) in tokens.iter().enumerate() {
        let word = text.get(token.range.clone()).unwrap_or("");
        let before = current;
        match token.kind {
            TokenKind::Unknown => errors.push(unknown(file, word, token)),
            TokenKind::Open => {
                frames.push(Frame {
                    open: at,
                    load: current,
                });
                current = Load::default();
                total += LEVEL;
            }
            TokenKind::Close => match frames.pop() {
                Some(frame) if closes(text, tokens, frame.open, word) => {
                    total = total.saturating_sub(current.operators + current.angles + LEVEL);
                    current = frame.load;
                    // A chain of suffixes is as deep as it is long.
                    if word != "}" {
                        current.operators += 1;
                        total += 1;
                    }
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
            TokenKind::Semicolon => current = Load::default(),
            TokenKind::Comma => current.operators = 0,
            TokenKind::Operator => match word {
                "<" => current.angles += LEVEL,
                ">" => current.angles = current.angles.saturating_sub(LEVEL),
                ">>" => current.angles = current.angles.saturating_sub(2 * LEVEL),
                ">>>" => current.angles = current.angles.saturating_sub(3 * LEVEL),
                "=>" | "^" => current.operators += LEVEL,
                _ => {}
            },
            TokenKind::TupleField => current.operators += 1,
            TokenKind::Word => {
                if previous == "}" && !matches!(word, "else" | "and" | "or" | "in" | "as") {
                    current = Load::default();
                }
                if matches!(word, "if" | "for" | "while" | "reveal" | "share" | "as") {
                    current.operators += LEVEL;
                } else if matches!(word, "and" | "or" | "in") {
                    current.operators += 1;
                }
            }
            _ => {}
        }
        if token.kind == TokenKind::Operator {
            current.operators += 1;
        }
        if !matches!(token.kind, TokenKind::Open | TokenKind::Close) {
            total = (total + current.operators + current.angles)
                .saturating_sub(before.operators + before.angles);
        }
        previous = word;
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
    if let Some(frame) = frames.first()
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

/// Characters that show text in another order than it is read in, also in comments and texts: whoever reads the script would be
/// told something else than what is computed (Boucher, Anderson, USENIX Security 2023).
pub(crate) fn reordered(file: FileId, text: &str) -> impl Iterator<Item = Diagnostic> + '_ {
    let controls = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.match_indices(controls).map(move |(at, found)| {
        let message = format!(
            "`{}` shows the text around it in another order than it is read in",
            found.escape_unicode()
        );
        Diagnostic::new(
            diagnostic::CHARACTER,
            message,
            span(file, at..at + found.len()),
        )
        .help("leave it out: letters of all scripts are shown right without it")
    })
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
pub(crate) const BRACED: &[&str] = &[
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

/// Whether a `{` after this token begins a set and not a block.
pub(crate) fn set_follows(previous: &str) -> bool {
    matches!(
        previous,
        "@" | "in" | "and" | "or" | "==" | "!=" | "=" | "," | "-" | "+" | "|" | "&" | "(" | "["
    )
}

/// The tokens of each item or statement.
pub(crate) fn split<'t>(text: &str, tokens: &'t [Token]) -> Vec<&'t [Token]> {
    let mut pieces = Vec::new();
    let mut depth = 0_usize;
    let mut start: Option<(usize, bool)> = None;
    let mut previous = "";
    let mut last_end = 0;
    let mut body = false;
    let mut closed = false;
    for (at, token) in tokens.iter().enumerate() {
        let word = text.get(token.range.clone()).unwrap_or("");
        // A starter at the left margin begins something new even if brackets are open.
        let margin = text
            .get(last_end..token.range.start)
            .is_some_and(|gap| gap.ends_with('\n'));
        let restart =
            margin && STARTERS.contains(&word) && !matches!(previous, "pub" | "offline" | "extern");
        if let Some((first, _)) = start
            && ((closed && word != "else") || restart)
        {
            pieces.extend(tokens.get(first..at));
            start = None;
            depth = 0;
        }
        closed = false;
        let (_, braced) = *start.get_or_insert((at, BRACED.contains(&word)));
        match token.kind {
            TokenKind::Open => {
                if depth == 0 {
                    body = word == "{" && braced && !set_follows(previous);
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
        last_end = token.range.end;
    }
    if let Some((first, _)) = start {
        pieces.extend(tokens.get(first..));
    }
    pieces
}

/// What stands in the last braces of something that has statements there.
pub(crate) fn body<'t>(text: &str, tokens: &'t [Token]) -> Option<&'t [Token]> {
    let word = |token: &Token| text.get(token.range.clone()).unwrap_or("");
    let plain = tokens
        .iter()
        .take(3)
        .any(|token| matches!(word(token), "scheme" | "backend" | "struct"));
    if plain || tokens.last().map(word) != Some("}") {
        return None;
    }
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().rev() {
        match token.kind {
            TokenKind::Close => depth += 1,
            TokenKind::Open => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return tokens.get(at + 1..tokens.len() - 1);
        }
    }
    None
}
