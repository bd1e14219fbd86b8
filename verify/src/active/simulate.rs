//! Whether all that the adversary sees, and whether anybody aborts, can be simulated without secrets.
//!
//! A message u·r + e, with u invertible and r a coin that the adversary does not know, is uniform: to
//! put r := u⁻¹(ρ - e) for r everywhere is a bijection of coins as long as e does not depend on r.
//! A lie in e is a function of what could be seen before it, so r must not occur in that. What a
//! party compared before it sent something holds of what it sent.

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
        items.push(Item {
            event: (condition.step, condition.party.0),
            also: Vec::new(),
            kind: None,
            term: condition.term,
            nonce: None,
        });
    }
    // What was compared before an item holds in it.
    let mut events: BTreeMap<Event, HashSet<Event>> = BTreeMap::new();
    for condition in &run.conditions {
        let event = (condition.step, condition.party.0);
        events.entry(event).or_insert_with(|| order.after(event));
    }
    let conditions = run.conditions.clone();
    for item in &mut items {
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

    /// The symbols that a term depends on, through lies and seeds.
    fn reach(&self, term: &Poly, beyond: &Support) -> Support {
        let mut all = self.run.terms.support(term);
        let mut open: Vec<Symbol> = all.iter().collect();
        let mut visited = beyond.clone();
        while let Some(symbol) = open.pop() {
            if visited.contains(symbol) {
                continue;
            }
            visited.insert(symbol);
            let mut more = Support::default();
            for part in &self.run.symbols[symbol.0 as usize].seed {
                more.insert(*part);
            }
            for at in self.before.get(&symbol).into_iter().flatten() {
                if let (false, false) = (self.done[*at], self.hidden(*at)) {
                    more.extend(&self.run.terms.support(&self.items[*at].term));
                }
            }
            open.extend(more.iter());
            all.extend(&more);
        }
        all
    }

    /// Whether an item is a digest under a coin: what it hides is seen when it is told.
    fn hidden(&self, at: usize) -> bool {
        self.items[at].nonce.is_some()
    }

    /// Makes items uniform, one after the other.
    fn all(&mut self, extra: &mut [Poly], last: bool) {
        for at in 0..self.items.len() {
            let Some(kind) = self.items[at].kind else {
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
        if self.reach(&divided, &Support::default()).contains(pad) {
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
        // What the rest depends on, through what its lies may have seen.
        self.done[at] = true;
        let depends = self.reach(&rest, &Support::default()).contains(pad);
        if depends {
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
    for lie in &run.lies {
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
