//! One way to write a file, decided on tokens: comments survive because they are tokens,
//! and the author's line breaks stand because the language has no fixed width.

use crate::ast::FileId;
use crate::diagnostic::Diagnostic;
use crate::parse::parse;
use crate::structure::{BRACED, set_follows};
use crate::token::{Token, TokenKind, tokenize};

/// Rewrites a file in the usual layout, or gives its errors: broken text is not touched.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let errors = parse(FileId(0), text).diagnostics;
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut layout = Layout::new();
    for token in tokenize(text) {
        layout.token(&token, text.get(token.range.clone()).unwrap_or(""));
    }
    layout.out.push('\n');
    Ok(layout.out)
}

/// An open bracket, or the file itself.
struct Frame {
    /// Columns of the lines inside.
    inner: usize,
    /// Columns of the line with the bracket.
    outer: usize,
    /// Whether it holds statements.
    block: bool,
    /// Whether a statement has begun and not ended.
    started: bool,
    /// Whether that statement ends with its braces.
    braced: bool,
}

struct Layout<'t> {
    out: String,
    frames: Vec<Frame>,
    base: Frame,
    /// Columns of the current line.
    indent: usize,
    /// The blanks since the last token.
    gap: &'t str,
    previous: &'t str,
    previous_kind: TokenKind,
    /// Whether the previous opening brace began a set.
    set: bool,
}

impl<'t> Layout<'t> {
    fn new() -> Self {
        Self {
            out: String::new(),
            frames: Vec::new(),
            base: Frame {
                inner: 0,
                outer: 0,
                block: true,
                started: false,
                braced: false,
            },
            indent: 0,
            gap: "",
            previous: "",
            previous_kind: TokenKind::Space,
            set: false,
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().unwrap_or(&mut self.base)
    }

    fn token(&mut self, token: &Token, text: &'t str) {
        if token.kind == TokenKind::Space {
            self.gap = text;
            return;
        }
        let comment = matches!(token.kind, TokenKind::Comment | TokenKind::Doc);
        let closed = if token.kind == TokenKind::Close {
            self.frames.pop()
        } else {
            None
        };
        let breaks = self.gap.matches('\n').count();
        if self.out.is_empty() {
            self.indent = 0;
        } else if breaks > 0 {
            self.out.push_str(if breaks > 1 { "\n\n" } else { "\n" });
            self.indent = match &closed {
                Some(frame) => frame.outer,
                None => self.line_indent(text),
            };
            self.out.extend(std::iter::repeat_n(' ', self.indent));
        } else if comment {
            self.out
                .push_str(if self.gap.is_empty() { " " } else { self.gap });
        } else if self.spaced(token.kind, text) {
            self.out.push(' ');
        }
        self.out
            .push_str(if comment { text.trim_end() } else { text });
        self.gap = "";
        if !comment {
            self.advance(token.kind, text, closed);
            self.previous = text;
            self.previous_kind = token.kind;
        }
    }

    fn line_indent(&mut self, text: &str) -> usize {
        let frame = self.frame();
        let continues = frame.block && frame.started && text != "{";
        let resumes = frame.braced && text == "else";
        frame.inner + if continues && !resumes { 4 } else { 0 }
    }

    fn advance(&mut self, kind: TokenKind, text: &str, closed: Option<Frame>) {
        let outer = self.indent;
        match kind {
            TokenKind::Open => {
                let block = text == "{" && !set_follows(self.previous);
                self.begin(text);
                self.set = !block;
                self.frames.push(Frame {
                    inner: outer + 4,
                    outer,
                    block,
                    started: false,
                    braced: false,
                });
            }
            TokenKind::Close => {
                self.set = closed.as_ref().is_some_and(|frame| !frame.block);
                let body = closed.is_some_and(|frame| frame.block);
                let frame = self.frame();
                if body && frame.braced {
                    frame.started = false;
                }
            }
            TokenKind::Semicolon => self.frame().started = false,
            _ => self.begin(text),
        }
    }

    fn begin(&mut self, text: &str) {
        let frame = self.frame();
        if !frame.started {
            frame.started = true;
            // `else` goes on with the statement that its `if` began.
            frame.braced = BRACED.contains(&text) || (text == "else" && frame.braced);
        }
    }

    /// Whether one blank stands before this token of the same line.
    fn spaced(&self, kind: TokenKind, text: &str) -> bool {
        let gap = !self.gap.is_empty();
        if matches!(kind, TokenKind::Comma | TokenKind::Semicolon) {
            return false;
        }
        let opened = self.previous_kind == TokenKind::Open;
        if opened && kind == TokenKind::Close {
            return gap && text == "}";
        }
        if opened && self.previous == "{" {
            return !self.set || gap;
        }
        if text == "}" {
            return gap
                || !matches!(self.previous, "]" | ")") && self.previous_kind != TokenKind::Word;
        }
        if opened || kind == TokenKind::Close {
            return false;
        }
        gap || matches!(self.previous_kind, TokenKind::Comma | TokenKind::Semicolon)
            || wide(self.previous)
            || wide(text)
            || (text == "{" && !set_follows(self.previous))
    }
}

/// Operators that always stand between blanks.
fn wide(text: &str) -> bool {
    matches!(
        text,
        "=" | "->" | "<-" | "=>" | "==" | "!=" | "<=" | ">=" | "+=" | "-=" | "*=" | "/="
    )
}
