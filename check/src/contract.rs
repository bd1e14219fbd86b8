//! The contract: every reveal is in `leaks`, every leak happens.

use crate::build::{Elab, source};
use crate::canonical::{canonical, indexed};
use crate::leaks::{Event, Loop, repeated, text_name};
use crate::value::Val;
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{self, Audience as Written, ExprKind, Often};
use smpc_ir::share::Leak;
use std::collections::BTreeSet;

impl Elab<'_> {
    /// Errors from `told` on: a list of parties goes on behind a comma, where a name of what leaks may be meant.
    fn name_among_parties(&mut self, told: usize, events: &[Event]) {
        let spans = self.diagnostics.iter().skip(told).map(|d| d.span);
        let texts: Vec<String> = spans.map(|span| self.text_of(span)).collect();
        for (diagnostic, name) in self.diagnostics.iter_mut().skip(told).zip(texts) {
            if diagnostic.code == "N01" && events.iter().any(|event| event.name == name) {
                let help = format!(
                    "a list of parties goes on behind a comma: end the line, and write another one, `leaks {name} to …;`"
                );
                *diagnostic = diagnostic.clone().help(help);
            }
        }
    }

    /// Compares what happened with the `leaks` statements of the root file, and whether there are others, which do not
    /// parse.
    pub fn check_contract(&mut self, leaks: &[ast::Leak], unread: bool) {
        let events = std::mem::take(&mut self.events);
        let mut met = vec![vec![]; leaks.len()];
        let mut missing: Vec<&Event> = vec![];
        for leak in leaks {
            for name in &leak.names {
                if leaks
                    .iter()
                    .flat_map(|l| &l.names)
                    .filter(|n| text_name(n) == text_name(name))
                    .count()
                    > 1
                    && leaks
                        .iter()
                        .filter(|l| l.names.iter().any(|n| text_name(n) == text_name(name)))
                        .count()
                        > 1
                {
                    self.error(
                        "N02",
                        name.span,
                        format!("`{}` is listed twice", text_name(name)),
                    );
                }
            }
        }
        for event in &events {
            let found = leaks
                .iter()
                .enumerate()
                .find(|(_, l)| l.names.iter().any(|n| text_name(n) == event.name));
            let Some((at, leak)) = found else {
                missing.push(event);
                continue;
            };
            met[at].push(event.name.clone());
            let told = self.diagnostics.len();
            let Some(declared) = self.declared(leak) else {
                self.name_among_parties(told, &events);
                continue;
            };
            let wrong = if declared.to != event.to {
                let list = |s: &BTreeSet<String>| s.iter().cloned().collect::<Vec<_>>().join(", ");
                Some(format!(
                    "`{}` goes to {}, and `leaks` says {}",
                    event.name,
                    list(&event.to),
                    list(&declared.to)
                ))
            } else if declared.loops != event.loops {
                let times = |l: &[Loop]| match repeated(l) {
                    text if text.is_empty() => "once".to_owned(),
                    text => format!("`{}`", text.trim_start()),
                };
                Some(format!(
                    "`{}` is revealed {}, and `leaks` says {}",
                    event.name,
                    times(&event.loops),
                    times(&declared.loops)
                ))
            } else if declared.when != event.when {
                let when = |w: &Option<String>| {
                    w.as_ref()
                        .map_or("always".to_owned(), |w| format!("when {w}"))
                };
                Some(format!(
                    "`{}` is revealed {}, and `leaks` says {}",
                    event.name,
                    when(&event.when),
                    when(&declared.when)
                ))
            } else {
                None
            };
            if let Some(message) = wrong {
                let diagnostic = Diagnostic::new("R04", indexed(&message), event.span)
                    .label(leak.span, "the contract says this")
                    .help(format!("write `{};`", line(event)));
                self.report(diagnostic);
            }
        }
        // What does not parse may hold the reveal that is missed here.
        let broken = self.diagnostics.iter().any(|d| d.code.starts_with('S'));
        // What is missed in the others may be in those: their own errors come first.
        if unread {
            missing.clear();
        }
        let mut told = BTreeSet::new();
        for event in missing {
            if !told.insert((event.name.clone(), event.to.clone())) {
                continue;
            }
            let message = format!("`{}` leaves, and `leaks` does not list it", event.name);
            let diagnostic = Diagnostic::new("R01", message, event.span)
                .help(format!("write `{};`", line(event)));
            self.report(diagnostic);
        }
        for (leak, met) in leaks.iter().zip(&met) {
            for name in &leak.names {
                let text = text_name(name);
                if !met.contains(&text) && !self.attempted.contains(&text) && !broken {
                    let mut diagnostic = Diagnostic::new(
                        "R03",
                        format!("`{text}` is listed, and never leaves"),
                        name.span,
                    );
                    let near = events.iter().find(|e| {
                        crate::names::distance(&e.name, &text)
                            <= (text.len().min(e.name.len()) + 1) / 3
                    });
                    diagnostic = diagnostic.help(match near {
                        Some(event) => format!("did you mean `{}`?", event.name),
                        None if self.program.params.iter().any(|p| p.name == text) => {
                            "a param is public from the start: remove it".into()
                        }
                        None => "the contract is exact: remove it".into(),
                    });
                    self.report(diagnostic);
                }
            }
        }
        let mut listed: BTreeSet<(String, String)> = BTreeSet::new();
        for event in &events {
            let to: Vec<&str> = event.to.iter().map(String::as_str).collect();
            let to = to.join(", ");
            if !listed.insert((event.name.clone(), to.clone())) {
                continue;
            }
            let mut when = event.when.clone();
            if !event.loops.is_empty() {
                let condition = when.unwrap_or_default();
                let text = format!("{condition}{}", repeated(&event.loops));
                when = Some(text.trim_start().to_owned());
            }
            self.program.leaks.push(Leak {
                name: event.name.clone(),
                what: event.what.clone(),
                to,
                when: when.map(|w| indexed(&w)),
                source: source(event.span),
            });
        }
        self.events = events;
    }

    pub fn declared(&mut self, leak: &ast::Leak) -> Option<Event> {
        let mut loops = vec![];
        let mut names = vec![];
        for often in &leak.often {
            let Often::For(comp) = often else { continue };
            for iter in &comp.iters {
                if let ExprKind::Path { path, .. } = &iter.binder.kind {
                    names.push(path.segments.first()?.name.clone());
                }
            }
        }
        for often in &leak.often {
            match often {
                Often::For(comp) => {
                    for over in comp.iters.iter().filter_map(|iter| iter.over.as_ref()) {
                        loops.push(Loop::For(canonical(&self.text_of(over.span), &names)));
                    }
                }
                Often::While(condition) => {
                    let text = canonical(&self.text_of(condition.span), &names);
                    loops.push(Loop::While(text));
                }
            }
        }
        let mut to = BTreeSet::new();
        match &leak.to {
            Written::All => {
                to.insert("all".to_owned());
            }
            Written::Parties(parties) => {
                for party in parties {
                    let dynamic = self.picked(party).is_some_and(|(_, index)| {
                        let mark = self.mark();
                        let known = match self.expr(&index) {
                            Val::Leaf(leaf) => leaf.as_constant().is_some(),
                            _ => false,
                        };
                        self.restore(&mark);
                        !known
                    });
                    if dynamic {
                        to.insert(canonical(&self.text_of(party.span), &names));
                        continue;
                    }
                    for member in self.party_set(party)?.iter() {
                        to.extend(self.program.parties.get(usize::from(member.0)).cloned());
                    }
                }
            }
        }
        let when = leak
            .when
            .as_ref()
            .map(|w| canonical(&self.text_of(w.span), &names));
        Some(Event {
            name: String::new(),
            what: String::new(),
            to,
            when,
            loops,
            span: leak.span,
        })
    }
}

/// The line of the contract that says what happens.
fn line(event: &Event) -> String {
    let to: Vec<&str> = event.to.iter().map(String::as_str).collect();
    let mut line = format!("leaks {} to {}", event.name, to.join(", "));
    if let Some(when) = &event.when {
        line.push_str(&format!(" when {when}"));
    }
    line.push_str(&repeated(&event.loops));
    indexed(&line)
}
