//! What the adversary sees: messages of honest parties, operands of digests, outcomes of comparisons.

use super::copies::{Class, Condition, Copies};
use super::meant::echoes;
use super::order::{Event, Order};
use crate::term::{Poly, Support, Symbol};
use smpc_ir::flat::Kind;
use smpc_ir::party::Elem;

/// Something that the adversary sees.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub event: Event,
    /// Where else the same is seen: a digest of what somebody else sends.
    pub also: Vec<Event>,
    /// The shape of a message; nothing for the outcome of a comparison.
    pub kind: Option<Kind>,
    pub term: Poly,
    /// What a digest hides, and the coin that hides it.
    pub nonce: Option<Symbol>,
    /// Whether it tells nothing: what was told comes back, or an operand stays hidden. What was meant in a lie may be made
    /// of it all the same.
    pub mute: bool,
}

impl Item {
    /// Where it is seen.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.also.iter().copied().chain([self.event])
    }

    /// Whether it is known wherever the other is seen, whatever the network does.
    pub fn comes_before(&self, other: &Self, order: &Order) -> bool {
        let mut later = other.events();
        later.all(|event| self.events().any(|first| order.waits(event, first)))
    }
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
pub(super) fn one_expansion(run: &mut Copies, terms: &mut [Poly], conditions: usize) {
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

/// Everything that is seen, in the order of the text, and what was compared before it drawn the conclusions of.
pub(super) fn items(run: &mut Copies, order: &Order) -> Vec<Item> {
    let echoes = echoes(run);
    let mut items = messages(run);
    for item in &mut items {
        item.mute |= echoes.express(&run.terms, &item.term).is_some();
    }
    for condition in &run.conditions {
        if echoes.express(&run.terms, &condition.term).is_some() {
            continue;
        }
        items.push(Item {
            event: (condition.step, condition.party.0),
            also: Vec::new(),
            kind: None,
            term: condition.term.clone(),
            nonce: None,
            mute: false,
        });
    }
    // What was compared before an item holds in it, which says something of lies and expansions.
    let conditions = run.conditions.clone();
    for item in &mut items {
        let support = run.terms.support(&item.term);
        let mut symbols = support.iter();
        if !symbols.any(|s| run.is(s, Class::Lie) || run.is(s, Class::Expanded)) {
            continue;
        }
        let before: Vec<&Condition> = conditions
            .iter()
            .filter(|c| order.waits(item.event, (c.step, c.party.0)))
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
        let same = kept.iter_mut().find(|other| {
            (other.nonce, item.nonce, other.mute) == (None, None, item.mute)
                && other.term == item.term
        });
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

/// Messages to the coalition, and the operands of digests among them: equal digests are of equal operands, so who can guess
/// these sees them.
fn messages(run: &Copies) -> Vec<Item> {
    let mut items = Vec::new();
    let plain: Vec<&Poly> = run.view.iter().map(|m| &m.term).collect();
    let mut open = Support::default();
    for term in &plain {
        if run.terms.digest_of(term).is_none() {
            open.extend(&run.terms.support(term));
        }
    }
    for seen in &run.view {
        let event = (seen.step, seen.from.0);
        let Some(args) = run.terms.digest_of(&seen.term) else {
            items.push(Item {
                event,
                also: Vec::new(),
                kind: Some(seen.kind),
                term: seen.term.clone(),
                nonce: None,
                mute: false,
            });
            continue;
        };
        let nonce = args.iter().find_map(|arg| {
            let symbol = run.terms.is_symbol(arg)?;
            let wide = arg.elem() == Elem::Bits(128);
            (wide && run.is(symbol, Class::Pad)).then_some(symbol)
        });
        // What is hidden under a coin of which nothing is ever told stays hidden.
        let mute = nonce.is_some_and(|nonce| !open.contains(nonce));
        // A commitment: its operands are told later, each by itself; who commits is known to all.
        let told =
            |arg: &Poly| plain.contains(&arg) || run.terms.support(arg).iter().next().is_none();
        let opened = || args.iter().all(told);
        let nonce = nonce.filter(|_| !mute && opened());
        items.extend(args.iter().map(|term| Item {
            event,
            also: Vec::new(),
            kind: None,
            term: term.clone(),
            nonce,
            mute,
        }));
    }
    items
}
