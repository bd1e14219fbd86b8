//! Whether all that the adversary sees, and whether anybody aborts, can be simulated without secrets.
//!
//! A message u·r + e, with u invertible and r a coin that the adversary does not know, is uniform: to
//! put r := u⁻¹(ρ - e) for r everywhere is a bijection of coins as long as e does not depend on r.
//!
//! A lie in e is a function of what was seen before it. Take two runs with the same coins but for r: up to the first
//! thing seen that differs all that was told is the same, so that thing has r in it otherwise than through what was told. So
//! a lie depends on r only if something with r in it can be seen before the lie must be sent, where a thing also has in it
//! what was meant in a lie of it, if that may not have been seen yet (`meant.rs`). It stays so when r is replaced: what has
//! r in it, and now the lies of e, is what cannot be seen before them.
//!
//! What a party compared before it sent something holds of what it sent.

use super::copies::{Class, Copies};
use super::items::{Item, items, one_expansion, plain_conditions};
use super::meant::{Meant, parts};
use super::order::Order;
use crate::element::order as field_order;
use crate::term::{Atom, Given, Poly, Support, Symbol};
use smpc_ir::flat::Kind;
use smpc_ir::party::Elem;
use std::collections::BTreeMap;

/// A run after its messages have become uniform where they can.
pub(super) struct View {
    pub run: Copies,
    pub conditions: Vec<Poly>,
    pub goals: Vec<Poly>,
    /// For each lie what stands in all that can be seen before it.
    pub seen: BTreeMap<Symbol, Support>,
    /// What still depends on a secret: the step, whether it is a comparison, the term.
    pub leak: Option<(usize, bool, String)>,
    /// With what chance coins are not as they were taken to be.
    pub chance: f64,
}

/// Text lengths up to which the order of eliminations is that of the text.
const SHORT: usize = 400;

struct Elimination<'o> {
    run: Copies,
    items: Vec<Item>,
    done: Vec<bool>,
    /// For each lie the items that may be seen before it, in ascending order.
    before: &'o BTreeMap<Symbol, Vec<usize>>,
    meant: &'o Meant,
    /// Values of operands that are known from the start.
    given: &'o Given,
    /// The symbols that each item is a function of as it is written.
    parts: Vec<Support>,
    /// The same with what was meant where it has lies; nothing where that has to be read again.
    forms: Vec<Option<Support>>,
}

impl Elimination<'_> {
    /// Σ g·r with a vector r of coins that stands nowhere else is as uniform as one coin, but for the
    /// chance that g is 0. The chance of all that were replaced.
    fn weighed(&mut self, extra: &mut [Poly]) -> f64 {
        let mut chance = 0.0;
        for number in 0..self.run.symbols.len() {
            let (coin, info) = (Symbol(number as u32), self.run.symbols[number].clone());
            if info.class != Class::Pad || !matches!(info.elem, Elem::Field(_)) {
                continue;
            }
            let found = self.weight(coin, extra);
            let seeds = self
                .run
                .symbols
                .iter()
                .any(|info| info.seed.contains(&coin));
            let Some((atom, weight)) = found.filter(|_| !seeds) else {
                continue;
            };
            if !self.run.is(weight, Class::Expanded) {
                continue;
            }
            // Somebody honest has a part of the seed.
            let parts = &self.run.symbols[weight.0 as usize].seed;
            if !parts.iter().any(|part| self.run.is(*part, Class::Pad)) {
                continue;
            }
            let name = format!("Σ{}", info.name);
            let sum = self.run.symbol(name, info.elem, Kind::Scalar, Class::Pad);
            let terms = self.items.iter_mut().map(|item| &mut item.term);
            for term in terms.chain(extra.iter_mut()) {
                *term = self.run.terms.swap(term, atom, &sum);
            }
            chance += 1.0 / field_order(info.elem) as f64;
        }
        chance
    }

    /// The sum in which alone a coin stands, and what weighs it there.
    fn weight(&self, coin: Symbol, extra: &[Poly]) -> Option<(Atom, Symbol)> {
        let terms = self.items.iter().map(|item| &item.term);
        let mut found = None;
        for term in terms.chain(extra) {
            for one in self.run.terms.weighed_sums(term, coin)? {
                if *found.get_or_insert(one) != one {
                    return None;
                }
            }
        }
        found
    }

    /// Whether a term depends on a coin: by itself, through what was meant in a lie of it, or through a lie that can be sent
    /// after something with the coin in it was seen.
    fn depends(&mut self, term: &Poly, coin: Symbol) -> bool {
        let all = self.meant.close(&parts(&self.run, term), &self.parts);
        if all.contains(coin) {
            return true;
        }
        let lies: Vec<Symbol> = self.meant.lies(&all).iter().collect();
        if lies.is_empty() {
            return false;
        }
        let told = (0..self.items.len()).filter(|at| {
            let open = !self.done[*at] && !self.hidden(*at);
            open && self.form(*at).contains(coin)
        });
        let told: Vec<usize> = told.collect();
        lies.into_iter().any(|lie| match self.before.get(&lie) {
            Some(seen) => told.iter().any(|at| seen.binary_search(at).is_ok()),
            None => true,
        })
    }

    /// What an item is a function of, with what was meant where it has lies.
    fn form(&mut self, at: usize) -> &Support {
        let read = || self.meant.form(at, &self.parts);
        self.forms[at].get_or_insert_with(read)
    }

    /// Whether an item is a digest under a coin: what it hides is seen when it is told.
    fn hidden(&self, at: usize) -> bool {
        self.items[at].nonce.is_some()
    }

    /// Makes items uniform by coins that stand in no other, the latest first: of long circuits nothing changes
    /// then but the item itself.
    fn freely(&mut self, extra: &mut [Poly]) {
        let supports = self.parts.clone();
        let mut count = vec![0u32; self.run.symbols.len()];
        for symbol in supports.iter().flat_map(Support::iter) {
            count[symbol.0 as usize] += 1;
        }
        loop {
            let mut found = false;
            for at in (0..self.items.len()).rev() {
                let Some(kind) = self.items[at].kind.filter(|_| !self.done[at]) else {
                    continue;
                };
                let term = self.items[at].term.clone();
                let pad = self.run.terms.pads(&term).into_iter().find(|pad| {
                    let info = &self.run.symbols[pad.0 as usize];
                    (info.class, info.kind, count[pad.0 as usize]) == (Class::Pad, kind, 1)
                });
                if pad.is_some_and(|pad| self.eliminate(at, pad, extra)) {
                    found = true;
                    for symbol in supports[at].iter() {
                        count[symbol.0 as usize] -= 1;
                    }
                }
            }
            if !found {
                break;
            }
        }
    }

    /// Makes items uniform, as long as one that tells a secret is left and others become so.
    fn all(&mut self, extra: &mut [Poly], last: bool) {
        if self.run.steps > SHORT {
            self.freely(extra);
        }
        loop {
            let before = self.done.iter().filter(|done| **done).count();
            self.each(extra, last);
            let after = self.done.iter().filter(|done| **done).count();
            if after == before || self.leak().is_none() {
                break;
            }
        }
    }

    /// Makes items uniform, one after the other.
    fn each(&mut self, extra: &mut [Poly], last: bool) {
        for at in 0..self.items.len() {
            let Some(kind) = self.items[at].kind.filter(|_| !self.done[at]) else {
                continue;
            };
            let term = self.items[at].term.clone();
            let mut count: Vec<(usize, Symbol)> = Vec::new();
            for pad in self.run.terms.pads(&term) {
                let info = &self.run.symbols[pad.0 as usize];
                if info.class != Class::Pad || info.kind != kind {
                    continue;
                }
                let others = self.parts.iter().enumerate();
                let others = others.filter(|(other, parts)| *other != at && parts.contains(pad));
                count.push((others.count(), pad));
            }
            count.sort_by_key(|(others, pad)| {
                let number = i64::from(pad.0);
                (*others, if last { -number } else { number })
            });
            let done = count
                .into_iter()
                .any(|(_, pad)| self.eliminate(at, pad, extra));
            // An even multiple of a coin hides what is as even.
            let secret = |s: Symbol| self.run.is(s, Class::Secret);
            if !done && self.run.terms.support(&term).iter().any(secret) {
                for pad in self.run.terms.even_pads(&term) {
                    let info = &self.run.symbols[pad.0 as usize];
                    if (info.class, info.kind) == (Class::Pad, kind) && self.halve(at, pad, extra) {
                        break;
                    }
                }
            }
        }
    }

    /// For an item c·r + c·d + e with c even: r becomes ρ - d, and e stays.
    fn halve(&mut self, at: usize, pad: Symbol, extra: &mut [Poly]) -> bool {
        let term = self.items[at].term.clone();
        let zero = Poly::constant(term.elem(), 0);
        let Some(divided) = self.run.terms.solve_even(&term, pad, &zero) else {
            return false;
        };
        if self.depends(&divided, pad) {
            return false;
        }
        let info = self.run.symbols[pad.0 as usize].clone();
        let name = format!("ρ{}", self.run.symbols.len());
        let uniform = self.run.symbol(name, info.elem, info.kind, Class::Masked);
        let Some(by) = self.run.terms.solve_even(&term, pad, &uniform) else {
            return false;
        };
        self.put(pad, &by, extra);
        true
    }

    /// A coin replaced everywhere, by a uniform symbol and what that hides.
    fn put(&mut self, pad: Symbol, by: &Poly, extra: &mut [Poly]) {
        for term in extra {
            *term = self.run.terms.substitute(term, pad, by);
        }
        // A seed is what its coins are, and is masked by what masks them and stands nowhere else in it.
        let replaced: Vec<Symbol> = self.run.terms.support(by).iter().collect();
        let masks = self.run.terms.pads(by);
        for info in &mut self.run.symbols {
            if info.seed.contains(&pad) {
                info.seed.retain(|part| *part != pad);
                let masked = info.masks.contains(&pad);
                let kept = |mask: &Symbol| *mask != pad && !replaced.contains(mask);
                info.masks.retain(kept);
                let alone = masks.iter().filter(|mask| !info.seed.contains(mask));
                info.masks.extend(alone.filter(|_| masked));
                info.seed.extend(&replaced);
            }
        }
        for (item, its) in self.items.iter_mut().zip(&mut self.parts) {
            if its.contains(pad) {
                let term = self.run.terms.substitute(&item.term, pad, by);
                item.term = self.given.rest(&mut self.run.terms, &term);
                *its = parts(&self.run, &item.term);
            }
        }
        for form in &mut self.forms {
            form.take_if(|form| form.contains(pad));
        }
    }

    fn eliminate(&mut self, at: usize, pad: Symbol, extra: &mut [Poly]) -> bool {
        let term = self.items[at].term.clone();
        let zero = Poly::constant(term.elem(), 0);
        let Some(rest) = self.run.terms.solve(&term, pad, &zero) else {
            return false;
        };
        self.done[at] = true;
        if self.depends(&rest, pad) {
            self.done[at] = false;
            return false;
        }
        let info = self.run.symbols[pad.0 as usize].clone();
        let name = format!("ρ{}", self.run.symbols.len());
        let uniform = self.run.symbol(name, info.elem, info.kind, Class::Masked);
        let Some(by) = self.run.terms.solve(&term, pad, &uniform) else {
            self.done[at] = false;
            return false;
        };
        self.put(pad, &by, extra);
        true
    }

    /// For each lie what it may depend on: what is in all that can be seen before it, and before other lies in what was meant
    /// there.
    fn seen(&self) -> BTreeMap<Symbol, Support> {
        let terms = self.items.iter().map(|item| &item.term);
        let supports: Vec<Support> = terms.map(|term| self.run.terms.support(term)).collect();
        let forms: Vec<Support> = (0..self.items.len())
            .map(|at| self.meant.form(at, &supports))
            .collect();
        let told = |items: &Vec<usize>| {
            let mut support = Support::default();
            for at in items.iter().filter(|at| !self.hidden(**at)) {
                support.extend(&forms[*at]);
            }
            support
        };
        let told: BTreeMap<Symbol, Support> = (self.before.iter())
            .map(|(lie, items)| (*lie, told(items)))
            .collect();
        let whole = |lie: Symbol| {
            let mut alone = Support::default();
            alone.insert(lie);
            let mut all = self.meant.close(&alone, &supports);
            for other in self.meant.lies(&all).iter() {
                all.extend(told.get(&other)?);
            }
            Some((lie, all))
        };
        self.before.keys().filter_map(|lie| whole(*lie)).collect()
    }

    /// The first thing seen that depends on a secret.
    fn leak(&self) -> Option<(usize, bool, String)> {
        let left = self.items.iter().enumerate().find(|(at, item)| {
            let support = self.run.terms.support(&item.term);
            !self.done[*at] && support.iter().any(|s| self.run.is(s, Class::Secret))
        });
        left.map(|(_, item)| {
            let compared = item.kind.is_none();
            (item.event.0, compared, self.run.show(&item.term))
        })
    }
}

/// Makes everything that is seen uniform where it can be, and puts what is given from the start into it.
pub(super) fn simulate(run: &Copies, order: &Order, goals: &[Poly], given: &Given) -> View {
    let mut run = run.clone();
    let mut items = items(&mut run, order);
    for item in &mut items {
        item.term = given.rest(&mut run.terms, &item.term);
    }
    let meant = Meant::new(&run, &items, order);
    let read = |item: &Item| parts(&run, &item.term);
    let as_written: Vec<Support> = items.iter().map(read).collect();
    let mut before: BTreeMap<Symbol, Vec<usize>> = BTreeMap::new();
    // A lie that stands in nothing is in no rest, and has seen what it likes.
    let mut stands = Support::default();
    for symbols in &as_written {
        stands.extend(symbols);
    }
    let conditions = run.conditions.iter().map(|condition| &condition.term);
    for term in conditions.chain(goals) {
        stands.extend(&parts(&run, term));
    }
    let stands = meant.close(&stands, &as_written);
    for lie in run.lies.iter().filter(|lie| stands.contains(lie.symbol)) {
        let seen = items.iter().enumerate().filter(|(_, item)| {
            let mut events = item.events();
            !item.mute && events.any(|event| !order.waits(event, (lie.step, lie.to.0)))
        });
        before.insert(lie.symbol, seen.map(|(at, _)| at).collect());
    }
    let mut best: Option<View> = None;
    for last in [true, false] {
        let mut search = Elimination {
            run: run.clone(),
            done: items.iter().map(|item| item.mute).collect(),
            forms: vec![None; items.len()],
            items: items.clone(),
            before: &before,
            meant: &meant,
            given,
            parts: Vec::new(),
        };
        let mut extra = plain_conditions(&run);
        let conditions = extra.len();
        extra.extend(goals.iter().cloned());
        one_expansion(&mut search.run, &mut extra, conditions);
        let chance = search.weighed(&mut extra);
        let terms = search.items.iter().map(|item| &item.term);
        search.parts = terms.map(|term| parts(&search.run, term)).collect();
        search.all(&mut extra, last);
        let leak = search.leak();
        let seen = search.seen();
        let goals = extra.split_off(conditions);
        let found = View {
            run: search.run,
            conditions: extra,
            goals,
            seen,
            leak,
            chance,
        };
        let clean = found.leak.is_none();
        if clean || best.is_none() {
            best = Some(found);
        }
        if clean {
            break;
        }
    }
    best.unwrap_or_else(|| View {
        conditions: plain_conditions(&run),
        goals: goals.to_vec(),
        seen: BTreeMap::new(),
        leak: None,
        chance: 0.0,
        run,
    })
}
