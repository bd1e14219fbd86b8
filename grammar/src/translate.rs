//! From pest's pairs to the syntax tree.
//!
//! Functions return `None` where a pair lacks the shape its rule promises. That is a
//! mistake of ours, which the caller reports instead of panicking in an editor.

mod expr;
mod item;
mod signature;
mod stmt;
mod types;

use crate::ast::{FileId, Ident, Name, Path, Span};
use crate::grammar::Rule;
use crate::token::Token;
use pest::iterators::Pair as PestPair;

pub(crate) type Pair<'a> = PestPair<'a, Rule>;

/// Knows where the parsed slice lies in its file.
#[derive(Clone, Copy)]
pub(crate) struct Translator<'t> {
    pub(crate) file: FileId,
    pub(crate) base: usize,
    /// The file's tokens without blanks and comments.
    pub(crate) tokens: &'t [Token],
}

/// The children of a pair, consumed from the left.
pub(crate) struct Kids<'a> {
    pairs: std::iter::Peekable<pest::iterators::Pairs<'a, Rule>>,
}

impl<'a> Kids<'a> {
    pub(crate) fn of(pair: Pair<'a>) -> Self {
        Self {
            pairs: pair.into_inner().peekable(),
        }
    }

    pub(crate) fn next(&mut self) -> Option<Pair<'a>> {
        self.pairs.next()
    }

    pub(crate) fn peek(&mut self) -> Option<Rule> {
        self.pairs.peek().map(|pair| pair.as_rule())
    }

    /// The next child if it has this rule.
    pub(crate) fn take(&mut self, rule: Rule) -> Option<Pair<'a>> {
        self.pairs.next_if(|pair| pair.as_rule() == rule)
    }

    /// Whether the next child is this keyword, consuming it.
    pub(crate) fn has(&mut self, rule: Rule) -> bool {
        self.take(rule).is_some()
    }

    /// All next children of this rule.
    pub(crate) fn all(&mut self, rule: Rule) -> Vec<Pair<'a>> {
        std::iter::from_fn(|| self.take(rule)).collect()
    }
}

impl Translator<'_> {
    pub(crate) fn span(&self, pair: &Pair<'_>) -> Span {
        let span = pair.as_span();
        // Compound rules end after the blanks and comments that pest skipped looking for more.
        let reach = self.base + span.end();
        let count = self
            .tokens
            .partition_point(|token| token.range.start < reach);
        let end = count
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(reach, |token| token.range.end.min(reach));
        let start = self.base + span.start();
        Span {
            file: self.file,
            start: start as u32,
            end: end.max(start) as u32,
        }
    }

    pub(crate) fn join(&self, first: Span, last: Span) -> Span {
        Span {
            file: self.file,
            start: first.start,
            end: last.end.max(first.end),
        }
    }

    pub(crate) fn ident(&self, pair: Pair<'_>) -> Ident {
        Ident {
            name: pair.as_str().to_owned(),
            span: self.span(&pair),
        }
    }

    pub(crate) fn path(&self, pair: Pair<'_>) -> Path {
        let span = self.span(&pair);
        Path {
            segments: pair.into_inner().map(|part| self.ident(part)).collect(),
            span,
        }
    }

    pub(crate) fn name(&self, pair: Pair<'_>) -> Option<Name> {
        let span = self.span(&pair);
        let mut kids = Kids::of(pair);
        let ident = self.ident(kids.take(Rule::ident)?);
        let mut indices = Vec::new();
        for index in kids.all(Rule::index) {
            indices.push(
                self.index_args(index)?
                    .into_iter()
                    .map(|arg| arg.value)
                    .collect(),
            );
        }
        Some(Name {
            ident,
            indices,
            span,
        })
    }

    pub(crate) fn names(&self, pairs: Vec<Pair<'_>>) -> Option<Vec<Name>> {
        pairs.into_iter().map(|pair| self.name(pair)).collect()
    }
}
