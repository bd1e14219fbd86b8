//! What follows from a run that nobody aborted.
//!
//! Every condition that an honest party compared with 0 holds in such a run. A condition u·δ + e with
//! u invertible says what the lie δ was. A condition in coins of a field that the adversary did not
//! know when it fixed the last lie of it holds, but for a chance of degree over field size, only if
//! each of its coefficients is 0 (Schwartz, JACM 1980; Zippel, EUROSAM 1979). Who sends a digest with its own
//! number among the operands has fixed what it will show to be the others: nobody honest makes such a digest, so it is
//! none that was seen before, and random oracles are extractable. What is left of the error of the result is what the
//! adversary can do.

use super::copies::{Class, Copies};
use super::items::same_expansion;
use super::meant::parts;
use super::simulate::View;
use crate::element::order;
use crate::term::{Given, Poly, Support, Symbol};
use smpc_ir::flat::Kind;
use smpc_ir::party::Elem;
use std::collections::BTreeMap;

/// The outcome of a run that nobody aborted.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// What is left of what should be 0, the first of it: as text, because conclusions make terms of their own.
    pub left: Option<String>,
    /// Whether conditions were left over from which more might follow.
    pub open: bool,
    /// The chance of getting through what is caught.
    pub chance: f64,
}

/// Conclusions drawn at most.
const CONCLUSIONS: usize = 400;

/// Conditions of which multiples are taken from what is left.
const COMPARED: usize = 100;

pub(super) struct Judge {
    pub(super) run: Copies,
    pub(super) conditions: Vec<Poly>,
    left: Vec<Poly>,
    /// For each lie what it may depend on.
    pub(super) seen: BTreeMap<Symbol, Support>,
    /// Whether a lie would have to be what it may not be able to depend on: no attack was found then.
    blind: bool,
}

/// Draws conclusions from the conditions, with all lies but some replaced by 0.
pub(super) fn judge(view: &View, only: Option<Symbol>) -> Outcome {
    let mut judge = Judge {
        run: view.run.clone(),
        conditions: view.conditions.clone(),
        left: view.goals.clone(),
        seen: view.seen.clone(),
        blind: false,
    };
    if let Some(only) = only {
        for lie in view.run.lies.iter().filter(|lie| lie.symbol != only) {
            let elem = judge.run.symbols[lie.symbol.0 as usize].elem;
            judge.replace(lie.symbol, &Poly::constant(elem, 0));
        }
    }
    let mut chance = 0.0;
    for _ in 0..CONCLUSIONS {
        judge.tidy();
        if judge.left.is_empty() {
            break;
        }
        if judge.commitments() || judge.expansions(&mut chance) {
            continue;
        }
        if judge.tags(&mut chance) || judge.weights(&mut chance) {
            continue;
        }
        if judge.coefficients(&mut chance) || judge.sums(&mut chance) || judge.lies() {
            continue;
        }
        break;
    }
    judge.tidy();
    judge.multiples();
    let mut lies = Support::default();
    for left in &judge.left {
        lies.extend(&judge.run.terms.support(left));
    }
    let open = judge.blind
        || judge.conditions.iter().any(|condition| {
            let support = judge.run.terms.support(condition);
            support
                .iter()
                .any(|s| judge.run.is(s, Class::Lie) && lies.contains(s))
        });
    let left = judge.left.first();
    Outcome {
        left: left.map(|left| judge.run.show(&judge.run.as_value(left))),
        open,
        chance,
    }
}

impl Judge {
    fn tidy(&mut self) {
        self.left.retain(|goal| !goal.is_zero());
        let mut conditions = Vec::new();
        for condition in std::mem::take(&mut self.conditions) {
            // Digests that are equal are of equal operands.
            match self.run.terms.digested(&condition) {
                Some(operands) => conditions.extend(operands),
                None => conditions.push(condition),
            }
        }
        conditions.retain(|condition| !condition.is_zero());
        conditions.dedup();
        self.conditions = conditions;
    }

    /// What is a sum of multiples of conditions is 0 in every run that ends, whatever lies depend on.
    fn multiples(&mut self) {
        let mut symbols = Support::default();
        for goal in &self.left {
            symbols.extend(&self.run.terms.support(goal));
        }
        let conditions = self.conditions.iter();
        let about = conditions.filter(|c| self.run.terms.support(c).meets(&symbols));
        let zero = |condition: &Poly| Poly::constant(condition.elem(), 0);
        let compared = about.take(COMPARED).map(|c| (c.clone(), zero(c)));
        let compared: Vec<(Poly, Poly)> = compared.collect();
        let compared = Given::new(&mut self.run.terms, &compared, &symbols);
        let terms = &mut self.run.terms;
        self.left
            .retain(|goal| !compared.rest(terms, goal).is_zero());
    }

    pub(super) fn replace(&mut self, symbol: Symbol, by: &Poly) {
        for term in self.conditions.iter_mut().chain(&mut self.left) {
            *term = self.run.terms.substitute(term, symbol, by);
        }
        // A seed is what its parts are.
        let parts: Vec<Symbol> = self.run.terms.support(by).iter().collect();
        for info in &mut self.run.symbols {
            if info.seed.contains(&symbol) {
                info.seed.retain(|part| *part != symbol);
                info.seed.extend(&parts);
                // What comes in its place may take a mask away again.
                let kept = |mask: &Symbol| *mask != symbol && !parts.contains(mask);
                info.masks.retain(kept);
            }
        }
    }

    pub(super) fn lone_lies(&self, condition: &Poly) -> Vec<Symbol> {
        let mut pads = self.run.terms.pads(condition);
        pads.retain(|s| self.run.is(*s, Class::Lie));
        pads
    }

    fn solve(&mut self, at: usize, lie: Symbol) -> bool {
        let condition = self.conditions.remove(at);
        let zero = Poly::constant(condition.elem(), 0);
        let Some(by) = self.run.terms.solve(&condition, lie, &zero) else {
            return false;
        };
        self.replace(lie, &by);
        true
    }

    /// A digest that was sent as a lie is one of operands that were fixed when it was sent.
    fn commitments(&mut self) -> bool {
        let found = self
            .conditions
            .iter()
            .enumerate()
            .find_map(|(at, condition)| {
                let lie = *self.lone_lies(condition).first()?;
                let inside = self.run.terms.digests_in(condition);
                (!inside.is_empty()).then_some((at, lie, inside))
            });
        let Some((at, lie, inside)) = found else {
            return false;
        };
        // Of a lie of which it is not known what it may have seen nothing follows for others.
        let Some(then) = self.seen.get(&lie).cloned() else {
            return self.solve(at, lie);
        };
        let signed = inside.iter().filter(|operands| self.signed(operands, lie));
        let operands: Vec<Poly> = signed.flatten().cloned().collect();
        for operand in &operands {
            for other in self.lone_lies(operand) {
                self.bind(operand, other, &then);
            }
        }
        self.solve(at, lie)
    }

    /// Whether the operands of a digest say who makes it, and that is who lies. Of a digest that an honest party might make,
    /// too, who sends it need not know the operands: it may have been seen.
    fn signed(&self, operands: &[Poly], lie: Symbol) -> bool {
        let from = self.run.lies.iter().find(|other| other.symbol == lie);
        let (Some(from), [first, _, ..]) = (from, operands) else {
            return false;
        };
        *first == Poly::constant(first.elem(), i128::from(from.from.0))
    }

    /// An operand u·δ + e of a digest that was sent when so much had been seen. What can be extracted from the digest is a
    /// function of that, and is the operand wherever the run goes on; so there δ is u⁻¹·(extracted - e), a function of that,
    /// of the coins in e, and of what other lies in e may depend on. Two lies that are told later and stand in one operand
    /// stay as free as they were: each depends on what the other has seen.
    fn bind(&mut self, operand: &Poly, lie: Symbol, then: &Support) {
        let Some(seen) = self.seen.get(&lie) else {
            return;
        };
        let mut bound = then.clone();
        for symbol in parts(&self.run, operand).iter().filter(|s| *s != lie) {
            match (self.run.is(symbol, Class::Lie), self.seen.get(&symbol)) {
                (true, None) => return,
                (true, Some(its)) => bound.extend(its),
                (false, _) => bound.insert(symbol),
            }
        }
        let less = bound.iter().all(|s| {
            self.run.is(s, Class::Lie) || self.run.is(s, Class::Known) || seen.contains(s)
        });
        if !less {
            return;
        }
        self.seen.insert(lie, bound);
    }

    /// Two expansions that are equal are of one seed.
    fn expansions(&mut self, chance: &mut f64) -> bool {
        let conditions = self.conditions.iter().enumerate();
        let found = conditions
            .filter_map(|(at, condition)| {
                same_expansion(&self.run, condition).map(|found| (at, found))
            })
            .next();
        let Some((at, (symbol, by))) = found else {
            return false;
        };
        let condition = self.conditions.remove(at);
        *chance += one_over(condition.elem());
        self.replace(symbol, &by);
        true
    }

    /// Whether a symbol stands in nothing that can be seen before any of some lies.
    fn hidden(&self, symbol: Symbol, lies: &[Symbol]) -> bool {
        lies.iter().all(|lie| {
            let seen = self.seen.get(lie);
            seen.is_some_and(|seen| !seen.contains(symbol))
        })
    }

    /// The coins that make the seed of an expansion uniform.
    fn masks(&self, expanded: Symbol) -> impl Iterator<Item = Symbol> {
        let masks = self.run.symbols[expanded.0 as usize].masks.iter().copied();
        masks.filter(|s| self.run.is(*s, Class::Pad) || self.run.is(*s, Class::Masked))
    }

    /// Whether a symbol is uniform in a field and independent of what some lies depend on.
    pub(super) fn late(&self, symbol: Symbol, lies: &[Symbol]) -> bool {
        let info = &self.run.symbols[symbol.0 as usize];
        match info.class {
            Class::Pad | Class::Masked | Class::Key => self.hidden(symbol, lies),
            // One that somebody may have told before is no longer unknown.
            Class::Expanded if !self.hidden(symbol, lies) => false,
            Class::Expanded => {
                // Who chooses a part of a seed last chooses what comes of it.
                let own = info.seed.iter().copied();
                let own = own.filter(|s| self.run.is(*s, Class::Lie));
                let all: Vec<Symbol> = own.chain(lies.iter().copied()).collect();
                self.masks(symbol).any(|coin| self.hidden(coin, &all))
            }
            _ => false,
        }
    }

    /// The coins of a condition over a field that came after every lie in it.
    fn coins(&self, condition: &Poly) -> Support {
        match condition.elem() {
            Elem::Field(_) => self.late_coins(condition),
            _ => Support::default(),
        }
    }

    /// The coins of a condition that came after every lie in it.
    pub(super) fn late_coins(&self, condition: &Poly) -> Support {
        let mut coins = Support::default();
        let support = self.run.terms.support(condition);
        let lies: Vec<Symbol> = support
            .iter()
            .filter(|s| self.run.is(*s, Class::Lie))
            .collect();
        if lies.is_empty() {
            return coins;
        }
        for symbol in support.iter().filter(|s| self.late(*s, &lies)) {
            coins.insert(symbol);
        }
        // Expansions may be of one seed unless it was shown that there is one only.
        let expanded: Vec<Symbol> = support
            .iter()
            .filter(|s| self.run.is(*s, Class::Expanded))
            .collect();
        let seed = |s: &Symbol| {
            let mut seed = self.run.symbols[s.0 as usize].seed.clone();
            seed.sort_unstable();
            seed.dedup();
            seed
        };
        let lying = |s: &Symbol| seed(s).iter().any(|part| self.run.is(*part, Class::Lie));
        // Not where one has a coin for itself that nobody who lies in either has seen: seeds that differ by it are equal
        // with the chance of a collision.
        let own = |a: &Symbol, b: &Symbol| {
            let (mine, its) = (seed(a), seed(b));
            let lies: Vec<Symbol> = mine
                .iter()
                .chain(&its)
                .copied()
                .filter(|part| self.run.is(*part, Class::Lie))
                .collect();
            self.masks(*a)
                .any(|coin| !its.contains(&coin) && self.hidden(coin, &lies))
        };
        for a in &expanded {
            let related = |b: &&Symbol| {
                let differ = seed(a) != seed(b) && (lying(a) || lying(b));
                differ && !own(a, b) && !own(b, a)
            };
            if expanded.iter().any(|b| related(&b)) {
                coins.remove(*a);
            }
        }
        coins
    }

    /// The coefficients of coins that came after every lie in a condition.
    fn coefficients(&mut self, chance: &mut f64) -> bool {
        let found = self
            .conditions
            .iter()
            .enumerate()
            .find_map(|(at, condition)| {
                let mut coins = self.coins(condition);
                let inside: Vec<Symbol> = coins
                    .iter()
                    .filter(|s| self.run.terms.is_inside(condition, *s))
                    .collect();
                inside.into_iter().for_each(|symbol| coins.remove(symbol));
                let parts = self.run.terms.split(condition, &coins)?;
                let useful = parts.iter().any(|(degree, _)| *degree > 0);
                useful.then_some((at, parts))
            });
        let Some((at, parts)) = found else {
            return false;
        };
        let condition = self.conditions.remove(at);
        let degree = parts.iter().map(|(degree, _)| *degree).max().unwrap_or(0);
        *chance += degree as f64 * one_over(condition.elem());
        self.conditions
            .extend(parts.into_iter().map(|(_, part)| part));
        true
    }

    /// In a sum over elements, each times a coin of its own, every element's coefficient is 0.
    fn sums(&mut self, chance: &mut f64) -> bool {
        let found = self
            .conditions
            .iter()
            .enumerate()
            .find_map(|(at, condition)| {
                let mut coins = self.coins(condition);
                let (axis, inside, outside) = self.run.terms.as_sum(condition)?;
                let one_for_all: Vec<Symbol> = coins
                    .iter()
                    .filter(|s| self.run.symbols[s.0 as usize].kind == Kind::Scalar)
                    .collect();
                one_for_all
                    .into_iter()
                    .for_each(|symbol| coins.remove(symbol));
                if self.run.terms.support(&outside).meets(&coins) {
                    return None;
                }
                let parts = self.run.terms.split(&inside, &coins)?;
                let linear = parts.iter().all(|(degree, _)| *degree <= 1);
                let useful = parts.iter().any(|(degree, _)| *degree == 1);
                (linear && useful).then_some((at, axis, parts, outside))
            });
        let Some((at, axis, parts, outside)) = found else {
            return false;
        };
        let condition = self.conditions.remove(at);
        *chance += one_over(condition.elem());
        let mut rest = outside;
        for (degree, part) in parts {
            if degree == 0 {
                rest = rest.add(&self.run.terms.sum(&part, axis));
            } else {
                self.conditions.push(part);
            }
        }
        self.conditions.push(rest);
        true
    }

    /// A lie that stands alone is what the condition says.
    fn lies(&mut self) -> bool {
        let conditions = self.conditions.iter().enumerate();
        let found = conditions
            .filter_map(|(at, condition)| Some((at, *self.lone_lies(condition).last()?)))
            .next();
        let Some((at, lie)) = found else {
            return false;
        };
        let support = self.run.terms.support(&self.conditions[at]);
        self.blind |= !support
            .iter()
            .all(|s| self.run.is(s, Class::Lie) || self.run.is(s, Class::Known));
        self.solve(at, lie)
    }
}

fn one_over(elem: Elem) -> f64 {
    match order(elem) {
        0 => 2f64.powi(-128),
        order => 1.0 / order as f64,
    }
}
