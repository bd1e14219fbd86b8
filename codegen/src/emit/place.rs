//! Where in the script the code is: comments tell it to who reads the code, and errors of a run name it.
//!
//! The endpoint keeps the line it is at. It is told a line where another one begins, before whatever may fail: an
//! operation or a message. What the code does not know the endpoint's line to be, behind branches, it tells again. Comments
//! show lines of the library, too; errors name the line that called it.

use std::rc::Rc;

use proc_macro2::TokenStream;
use quote::quote;
use smpc_grammar::ast::{FileId, Span};
use smpc_ir::local::{CALLED, Source};

use super::Emitter;
use crate::project::Act;
use crate::{name, print};

/// A file and a line of it.
pub(super) type Place = (u32, usize);

/// What errors say of a place: a line, and where the functions around it were called.
pub(super) type Standing = Option<Rc<str>>;

impl<'a> Emitter<'a> {
    fn place_of(&self, source: Source) -> Option<Place> {
        let line = name::line(self.sources, source)?;
        Some((source.file, line.number))
    }

    /// What errors at a place say of it.
    fn standing(&mut self, source: Source) -> Standing {
        if let Some(known) = self.standings.get(&source) {
            return known.clone();
        }
        let own = Span {
            file: FileId(source.file),
            start: source.start,
            end: source.end,
        };
        let way = self.sources.way(own, source.call);
        let calls = way.calls.iter().map(|call| call.span);
        let lines = std::iter::once(way.place).chain(calls).filter_map(|span| {
            let (file, start, end) = (span.file.0, span.start, span.end);
            let at = Source {
                file,
                start,
                end,
                call: 0,
            };
            Some(name::line(self.sources, at)?.shown())
        });
        let lines: Vec<String> = lines.collect();
        let standing = (!lines.is_empty()).then(|| lines.join(CALLED).into());
        self.standings.insert(source, standing.clone());
        standing
    }

    /// Numbers acts by the stretch of acts of one line that they are in. An act whose messages are of several lines is in a
    /// stretch of its own.
    pub(super) fn stretches(&mut self, acts: &[Act<'_>]) -> Vec<usize> {
        let (mut number, mut last, mut begun) = (0, Source::default(), None);
        if self.shared.is_some() {
            // Its errors have the place of the call.
            return vec![0; acts.len()];
        }
        let mut numbers = Vec::with_capacity(acts.len());
        for act in acts {
            match act {
                Act::Coin { .. } | Act::Param { .. } | Act::Part(_) => {}
                Act::Exchange {
                    sends, receives, ..
                } => {
                    let sends = sends.iter().map(|message| message.source);
                    let all = sends.chain(receives.iter().map(|message| message.source));
                    let mut places = all.map(|source| self.standing(source));
                    if let Some(first) = places.next() {
                        let one = places.all(|place| place == first);
                        number += usize::from(!one || first != begun);
                        begun = first.filter(|_| one);
                        last = Source::default();
                    }
                }
                _ => {
                    let source = self.source(act);
                    if source != last {
                        let place = self.standing(source);
                        number += usize::from(place != begun);
                        (last, begun) = (source, place);
                    }
                }
            }
            numbers.push(number);
        }
        numbers
    }

    /// Where an act stands: in the script or, in a shared function, in the protocol.
    fn source(&self, act: &Act<'_>) -> Source {
        let (source, value) = match act {
            Act::Local { source, result, .. } | Act::FractionBits { source, result, .. } => {
                (*source, Some(*result))
            }
            Act::Pass(pass) => (pass.source, pass.outputs.last().copied()),
            Act::Call(call) => (call.source, None),
            Act::Input { source, .. }
            | Act::Output { source, .. }
            | Act::Check { source, .. }
            | Act::Loop { source, .. }
            | Act::Switch { source, .. }
            | Act::Tree { source, .. } => (*source, None),
            Act::Param { .. } | Act::Coin { .. } | Act::Exchange { .. } | Act::Part(_) => {
                (Source::default(), None)
            }
        };
        let origin = value.and_then(|v| self.facts.place(v)?.0);
        let origin = origin.filter(|_| self.shared.is_some());
        origin.map_or(source, |origin| origin.source)
    }

    /// The line of an act in a comment, and the endpoint told of it, where it is another one than before. Gives how many
    /// statements that are.
    pub(super) fn comment(&mut self, act: &Act<'_>, out: &mut Vec<TokenStream>) -> usize {
        if let Act::Local { result, .. } | Act::FractionBits { result, .. } = act
            && self.inline.contains(result)
        {
            return 0;
        }
        let source = self.source(act);
        let before = out.len();
        if let Some(place) = self.place_of(source)
            && self.place != Some(place)
        {
            self.place = Some(place);
            out.push(print::marker(place.0, place.1));
        }
        self.stand(source, out);
        out.len() - before
    }

    /// Tells the endpoint where it is, if it is told to be elsewhere. A shared function has no endpoint that could be told.
    pub(super) fn stand(&mut self, source: Source, out: &mut Vec<TokenStream>) {
        if self.shared.is_some() {
            return;
        }
        let standing = self.standing(source);
        if standing.is_some() && self.at != standing {
            out.extend(self.told(&standing));
            self.at = standing;
        }
    }

    /// The statement that tells the endpoint where it is.
    pub(super) fn told(&mut self, standing: &Standing) -> Option<TokenStream> {
        let at = standing.as_deref()?;
        self.said.add("end");
        Some(quote!(end.at(#at);))
    }
}
