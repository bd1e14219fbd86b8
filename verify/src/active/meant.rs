//! What lies are made of, and what is no news to who lies.
//!
//! A lie is what was told less what was meant, what an honest party would have told in the same place. Who tells early has
//! not seen yet what the latter is made of: then what was told is a function of what was seen before, and the lie is one of
//! what was meant, too. So whatever has a lie in it may be a function of all that was meant there, whether or not these
//! symbols cancel where it is written with the lie: of told = -(r + q) + δ, r + told is -q + δ, and r to who told 0.
//!
//! What was meant is a function of what the coalition knows and of the messages that it is made of.

use super::copies::{Class, Copies};
use super::items::Item;
use super::order::{Event, Order};
use crate::term::{Function, Poly, Span, Support, Symbol};
use std::collections::{BTreeMap, HashMap};

/// The symbols that a term is a function of: those in it, and those of the seeds of its expansions.
pub(super) fn parts(run: &Copies, term: &Poly) -> Support {
    let mut all = run.terms.support(term);
    let mut open: Vec<Symbol> = all.iter().collect();
    while let Some(symbol) = open.pop() {
        for part in &run.symbols[symbol.0 as usize].seed {
            if !all.contains(*part) {
                all.insert(*part);
                open.push(*part);
            }
        }
    }
    all
}

/// A set of items, by their numbers.
type Numbers = Support;

/// For each lie the items that what was meant there is made of, and which of these are known before which items are seen.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    heard: BTreeMap<Symbol, Numbers>,
    lies: Support,
    /// For each item the items that come before it, among those of which something is made.
    earlier: Vec<Numbers>,
}

impl Meant {
    /// Of the lies of a run in which this is seen.
    pub fn new(run: &Copies, items: &[Item], order: &Order) -> Self {
        let mut by_event: HashMap<Event, Vec<usize>> = HashMap::new();
        for (number, item) in items.iter().enumerate() {
            for event in item.events() {
                by_event.entry(event).or_default().push(number);
            }
        }
        let mut heard: BTreeMap<Symbol, Numbers> = BTreeMap::new();
        let (mut all, mut lies) = (Numbers::default(), Support::default());
        for lie in &run.lies {
            let mut its = Numbers::default();
            for number in lie.heard.iter().flat_map(|event| &by_event[event]) {
                its.insert(Symbol(*number as u32));
            }
            all.extend(&its);
            lies.insert(lie.symbol);
            heard.insert(lie.symbol, its);
        }
        let earlier = items.iter().map(|item| {
            let mut before = Numbers::default();
            for number in all.iter() {
                if items[number.0 as usize].comes_before(item, order) {
                    before.insert(number);
                }
            }
            before
        });
        let earlier = earlier.collect();
        Self {
            heard,
            lies,
            earlier,
        }
    }

    /// The lies among symbols.
    pub fn lies(&self, symbols: &Support) -> Support {
        symbols.common(&self.lies)
    }

    /// These symbols, with what was meant where they are lies. `of` says what each item is a function of.
    pub fn close(&self, symbols: &Support, of: &[Support]) -> Support {
        self.open(symbols, of, &Numbers::default())
    }

    /// What an item is a function of as long as all that was seen before it is the same: of what was meant only that which
    /// may come later.
    pub fn form(&self, item: usize, of: &[Support]) -> Support {
        self.open(&of[item], of, &self.earlier[item])
    }

    fn open(&self, symbols: &Support, of: &[Support], same: &Numbers) -> Support {
        let mut all = symbols.clone();
        let mut read = same.clone();
        let mut open: Vec<Symbol> = self.lies(&all).iter().collect();
        while let Some(lie) = open.pop() {
            let Some(heard) = self.heard.get(&lie) else {
                continue;
            };
            let heard = heard.without(&read);
            read.extend(&heard);
            for item in heard.iter() {
                let new = of[item.0 as usize].without(&all);
                open.extend(self.lies(&new).iter());
                all.extend(&new);
            }
        }
        all
    }
}

/// What the coalition has told honest parties, to see what says nothing but that again: linear combinations, digests of
/// them, and combinations with these.
///
/// Such a thing is no news. Take two runs with the same coins but for r: up to the first thing seen that differs all that
/// was told is the same, so that thing is none that is a function of what was told; and who told makes such a thing itself.
pub(super) fn echoes(run: &mut Copies) -> Span {
    let mut known = Support::default();
    for (number, info) in run.symbols.iter().enumerate() {
        if info.class == Class::Known {
            known.insert(Symbol(number as u32));
        }
    }
    let mut span = Span::new(known);
    let mut number = 0;
    for lie in &run.lies {
        span.insert(&run.terms, number, &lie.told);
        number += 1;
    }
    for at in 0..run.conditions.len() {
        let condition = &run.conditions[at].term;
        let elem = condition.elem();
        for args in run.terms.digests_in(condition) {
            let told = |arg| span.express(&run.terms, arg).is_some();
            if args.iter().all(told) {
                let digest = run.terms.function(Function::Digest, args, elem);
                span.insert(&run.terms, number, &digest);
                number += 1;
            }
        }
    }
    span
}
