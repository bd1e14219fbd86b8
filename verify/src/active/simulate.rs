//! Whether all that the adversary sees, and whether anybody aborts, can be simulated without secrets.
//!
//! A message u·r + e, with u invertible and r a coin that the adversary does not know, is uniform: to
//! put r := u⁻¹(ρ - e) for r everywhere is a bijection of coins as long as e does not depend on r.
//!
//! A lie in e is a function of what was seen before it. Take two runs with the same coins but for r: up to the first
//! thing seen that differs all lies are the same, so that thing has r in it otherwise than through a lie. So a lie depends
//! on r only if something with r in it can be seen before the lie must be sent. That needs no look at what the lies in such
//! a thing have seen: they were sent before it. It stays so when r is replaced: what has r in it, and now the lies of e, is
//! what cannot be seen before them.
//!
//! What a party compared before it sent something holds of what it sent. A comparison of nothing but a lie tells the
//! adversary what it knows.

use super::copies::{Class, Condition, Copies};
use super::order::{Event, Order};
use crate::element::order as field_order;
use crate::term::{Atom, Poly, Support, Symbol};
use smpc_ir::flat::Kind;
use smpc_ir::party::Elem;
use std::collections::{BTreeMap, HashSet};

/// Something that the adversary sees.
#[derive(Clone, Debug)]
struct Item {
    event: Event,
    /// Where else the same is seen: a digest of what somebody else sends.
    also: Vec<Event>,
    /// The shape of a message; nothing for the outcome of a comparison.
    kind: Option<Kind>,
    term: Poly,
    /// What a digest hides, and the coin that hides it.
    nonce: Option<Symbol>,
}

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

/// What was compared, without functions that only compare.
pub(super) fn plain_conditions(run: &Copies) -> Vec<Poly> {
    run.conditions.iter().map(|c| c.term.clone()).collect()
}

/// Draws the simple conclusions from comparisons: a lie is what they say it is, two expansions that
/// are equal are one.
fn simplify(run: &mut Copies, known: &[&Condition], mut term: Poly) -> Poly {
    let mut known: Vec<Poly> = known.iter().map(|c| c.term.clone()).collect();
    for _ in 0..200 {
        let found = known.iter().enumerate().find_map(|(at, condition)| {
            let (symbol, by) = conclusion(run, condition)?;
            Some((at, symbol, by))
        });
        let Some((at, symbol, by)) = found else { break };
        known.remove(at);
        for other in known.iter_mut().chain([&mut term]) {
            *other = run.terms.substitute(other, symbol, &by);
        }
    }
    term
}

/// Two expansions whose difference a term is.
pub(super) fn same_expansion(run: &Copies, condition: &Poly) -> Option<(Symbol, Poly)> {
    let support = run.terms.support(condition);
    let all: Vec<Symbol> = support.iter().collect();
    let [a, b] = all[..] else { return None };
    if !run.is(a, Class::Expanded) || !run.is(b, Class::Expanded) || condition.monomials() != 2 {
        return None;
    }
    let mut terms = run.terms.clone();
    let (left, right) = (
        terms.symbol(a, condition.elem()),
        terms.symbol(b, condition.elem()),
    );
    let difference = left.sub(&right);
    (difference == *condition || difference.neg() == *condition).then_some((b, left))
}

/// Expansions that are compared are one in a run that ends. What compares them stays.
fn one_expansion(run: &mut Copies, terms: &mut [Poly], conditions: usize) {
    let same: Vec<(Symbol, Poly)> = terms[..conditions]
        .iter()
        .filter_map(|term| same_expansion(run, term))
        .collect();
    for term in terms.iter_mut() {
        if same_expansion(run, term).is_some() {
            continue;
        }
        // The latest first: it may become one that another is equal to.
        for (symbol, by) in same.iter().rev() {
            *term = run.terms.substitute(term, *symbol, by);
        }
    }
}

fn conclusion(run: &mut Copies, condition: &Poly) -> Option<(Symbol, Poly)> {
    if let Some(found) = same_expansion(run, condition) {
        return Some(found);
    }
    let support = run.terms.support(condition);
    let plain = support
        .iter()
        .all(|s| run.is(s, Class::Lie) || run.is(s, Class::Known));
    if !plain {
        return None;
    }
    let lies = run.terms.pads(condition).into_iter();
    let lie = lies.rev().find(|s| run.is(*s, Class::Lie))?;
    let zero = Poly::constant(condition.elem(), 0);
    let by = run.terms.solve(condition, lie, &zero)?;
    Some((lie, by))
}

/// Whether a term is a lie, or its negative.
fn is_lie(run: &Copies, term: &Poly) -> bool {
    let alone = run
        .terms
        .is_symbol(term)
        .or(run.terms.is_symbol(&term.neg()));
    alone.is_some_and(|symbol| run.is(symbol, Class::Lie))
}

fn items(run: &mut Copies, order: &Order) -> Vec<Item> {
    let mut items = Vec::new();
    let plain: Vec<Poly> = run.view.iter().map(|m| m.term.clone()).collect();
    for seen in run.view.clone() {
        let event = (seen.step, seen.from.0);
        let digest = run.terms.digest_of(&seen.term).map(<[Poly]>::to_vec);
        match digest {
            None => items.push(Item {
                event,
                also: Vec::new(),
                kind: Some(seen.kind),
                term: seen.term,
                nonce: None,
            }),
            // Equal digests are of equal operands: who can guess these sees them.
            Some(args) => {
                let nonce = args.iter().find_map(|arg| {
                    let symbol = run.terms.is_symbol(arg)?;
                    let wide = arg.elem() == Elem::Bits(128);
                    (wide && run.is(symbol, Class::Pad)).then_some(symbol)
                });
                let told = |arg: &Poly| plain.contains(arg);
                let nonce = match nonce {
                    // What is hidden under a coin that is never told stays hidden.
                    Some(nonce)
                        if !args
                            .iter()
                            .any(|a| run.terms.is_symbol(a) == Some(nonce) && told(a)) =>
                    {
                        continue;
                    }
                    // A commitment: its operands are told later, each by itself.
                    Some(nonce) if args.iter().all(told) => Some(nonce),
                    _ => None,
                };
                items.extend(args.into_iter().map(|term| Item {
                    event,
                    also: Vec::new(),
                    kind: None,
                    term,
                    nonce,
                }));
            }
        }
    }
    for condition in run.conditions.clone() {
        if is_lie(run, &condition.term) {
            continue;
        }
        items.push(Item {
            event: (condition.step, condition.party.0),
            also: Vec::new(),
            kind: None,
            term: condition.term,
            nonce: None,
        });
    }
    // What was compared before an item holds in it, which says something of lies and expansions.
    let mut events: BTreeMap<Event, HashSet<Event>> = BTreeMap::new();
    let conditions = run.conditions.clone();
    for item in &mut items {
        let support = run.terms.support(&item.term);
        let mut symbols = support.iter();
        if !symbols.any(|s| run.is(s, Class::Lie) || run.is(s, Class::Expanded)) {
            continue;
        }
        if events.is_empty() {
            for condition in &conditions {
                let event = (condition.step, condition.party.0);
                events.entry(event).or_insert_with(|| order.after(event));
            }
        }
        let before: Vec<&Condition> = conditions
            .iter()
            .filter(|c| events[&(c.step, c.party.0)].contains(&item.event))
            .collect();
        if !before.is_empty() {
            item.term = simplify(run, &before, item.term.clone());
        }
    }
    items.sort_by_key(|item| item.event.0);
    merged(items)
}

/// One item for a message and digests of it that others send: whoever knows the one can tell the others.
fn merged(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        let same = kept
            .iter_mut()
            .find(|other| other.nonce.is_none() && item.nonce.is_none() && other.term == item.term);
        match same {
            Some(other) => {
                other.also.push(item.event);
                other.kind = other.kind.or(item.kind);
            }
            None => kept.push(item),
        }
    }
    kept
}

/// The symbols that a term is a function of: those in it, and those of the seeds of its expansions.
fn parts(run: &Copies, term: &Poly) -> Support {
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

/// Text lengths up to which the order of eliminations is that of the text.
const SHORT: usize = 400;

struct Elimination<'o> {
    run: Copies,
    items: Vec<Item>,
    done: Vec<bool>,
    /// For each lie the items that may be seen before it.
    before: &'o BTreeMap<Symbol, Vec<usize>>,
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
            let terms = self.items.iter().map(|item| &item.term);
            let mut found: Option<(Atom, Symbol)> = None;
            let alone = terms.chain(extra.iter()).all(|term| {
                match self.run.terms.weighed_sums(term, coin) {
                    None => false,
                    Some(all) => all.into_iter().all(|one| *found.get_or_insert(one) == one),
                }
            });
            let seeds = self
                .run
                .symbols
                .iter()
                .any(|info| info.seed.contains(&coin));
            let Some((atom, weight)) = found.filter(|_| alone && !seeds) else {
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

    /// Whether a term depends on a coin: by itself, or through a lie that can be sent after something with the coin
    /// in it was seen.
    fn depends(&self, term: &Poly, coin: Symbol) -> bool {
        let all = parts(&self.run, term);
        let told = |at: &usize| {
            let open = !self.done[*at] && !self.hidden(*at);
            open && parts(&self.run, &self.items[*at].term).contains(coin)
        };
        let late = |lie: Symbol| match self.before.get(&lie) {
            Some(seen) => seen.iter().any(told),
            None => true,
        };
        let mut lies = all.iter().filter(|s| self.run.is(*s, Class::Lie));
        all.contains(coin) || lies.any(late)
    }

    /// Whether an item is a digest under a coin: what it hides is seen when it is told.
    fn hidden(&self, at: usize) -> bool {
        self.items[at].nonce.is_some()
    }

    /// Makes items uniform by coins that stand in no other, the latest first: of long circuits nothing changes
    /// then but the item itself.
    fn freely(&mut self, extra: &mut [Poly]) {
        let supports: Vec<Support> = self
            .items
            .iter()
            .map(|item| parts(&self.run, &item.term))
            .collect();
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

    /// Makes items uniform, one after the other.
    fn all(&mut self, extra: &mut [Poly], last: bool) {
        if self.run.steps > SHORT {
            self.freely(extra);
        }
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
                let others = self.items.iter().enumerate().filter(|(other, item)| {
                    *other != at && self.run.terms.support(&item.term).contains(pad)
                });
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

    /// A coin replaced everywhere.
    fn put(&mut self, pad: Symbol, by: &Poly, extra: &mut [Poly]) {
        let terms = self.items.iter_mut().map(|item| &mut item.term);
        for term in terms.chain(extra) {
            *term = self.run.terms.substitute(term, pad, by);
        }
        // A seed is what its coins are.
        let parts: Vec<Symbol> = self.run.terms.support(by).iter().collect();
        for info in &mut self.run.symbols {
            if info.seed.contains(&pad) {
                info.seed.retain(|part| *part != pad);
                info.seed.extend(&parts);
            }
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

/// Makes everything that is seen uniform where it can be.
pub(super) fn simulate(run: &Copies, order: &Order, goals: &[Poly]) -> View {
    let mut run = run.clone();
    let items = items(&mut run, order);
    let mut before: BTreeMap<Symbol, Vec<usize>> = BTreeMap::new();
    // A lie that stands in nothing is in no rest, and has seen what it likes.
    let mut stands = Support::default();
    for term in items.iter().map(|item| &item.term).chain(goals) {
        stands.extend(&parts(&run, term));
    }
    for condition in run.conditions.iter().filter(|c| !is_lie(&run, &c.term)) {
        stands.extend(&parts(&run, &condition.term));
    }
    for lie in run.lies.iter().filter(|lie| stands.contains(lie.symbol)) {
        let after = order.after((lie.step, lie.to.0));
        let seen = items.iter().enumerate();
        let early = |event: &Event| !after.contains(event);
        let seen = seen.filter(|(_, item)| early(&item.event) || item.also.iter().any(early));
        before.insert(lie.symbol, seen.map(|(at, _)| at).collect());
    }
    let mut best: Option<View> = None;
    for last in [true, false] {
        let mut search = Elimination {
            run: run.clone(),
            done: vec![false; items.len()],
            items: items.clone(),
            before: &before,
        };
        let mut extra = plain_conditions(&run);
        let conditions = extra.len();
        extra.extend(goals.iter().cloned());
        one_expansion(&mut search.run, &mut extra, conditions);
        let chance = search.weighed(&mut extra);
        search.all(&mut extra, last);
        let leak = search.leak();
        let mut seen = BTreeMap::new();
        for (lie, items) in &before {
            let mut support = Support::default();
            for at in items {
                if !search.hidden(*at) {
                    support.extend(&search.run.terms.support(&search.items[*at].term));
                }
            }
            seen.insert(*lie, support);
        }
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
