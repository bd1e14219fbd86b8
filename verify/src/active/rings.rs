//! Conclusions from comparisons in rings Z[2^m] of which the low k bits are the value.
//!
//! There are no inverses: r·δ = e says of a uniform r unknown when δ and e were fixed only that δ is 0 modulo 2^k, but
//! for a chance of 2^-(m-k+1). A key α of s bits guards Σ ρ·δ with uniform coins ρ that come after the δ: Cramer et
//! al., CRYPTO 2018.

use super::copies::Class;
use super::judge::Judge;
use crate::term::{Poly, Support, Symbol};
use smpc_ir::flat::Kind;
use smpc_ir::party::Elem;

impl Judge {
    /// The bits of an element, and how many of them are its value, where it has others too.
    fn widths(&self, term: &Poly) -> Option<(u8, u8)> {
        match term.elem() {
            Elem::Ring(m) if m > self.run.value => Some((m, self.run.value)),
            _ => None,
        }
    }

    /// A key times weighed lies: those are 0 as values. With t < k the least valuation of the δ, Σ ρ·δ is
    /// divisible by 2^(t+u) with chance 2^-u, and then says at most m - t - u bits of α, of s. All u
    /// together: at most (1 + s/4)·2^-s for s = m - k.
    pub(super) fn tags(&mut self, chance: &mut f64) -> bool {
        let found = self.conditions.iter().find_map(|condition| {
            let (m, k) = self.widths(condition)?;
            let support = self.run.terms.support(condition);
            let lies: Vec<Symbol> = support
                .iter()
                .filter(|s| self.run.is(*s, Class::Lie))
                .collect();
            let mut keys = support.iter().filter(|s| {
                self.run.is(*s, Class::Key) && !lies.is_empty() && self.late(*s, &lies)
            });
            keys.find_map(|key| {
                let mut alone = Support::default();
                alone.insert(key);
                let parts = self.run.terms.split(condition, &alone)?;
                let mut guarded = parts.iter().filter(|(degree, _)| *degree > 0);
                let (Some((1, guarded)), None) = (guarded.next(), guarded.next()) else {
                    return None;
                };
                let weighed = self.weighed(guarded)?;
                let bits = self.run.symbols[key.0 as usize].bits.min(m - k);
                let open = weighed.into_iter().find(|term| self.is_open(term))?;
                Some((open, f64::from(bits)))
            })
        });
        let Some((term, bits)) = found else {
            return false;
        };
        if !self.divisible(&term) {
            return false;
        }
        *chance += (1.0 + bits / 4.0) * (-bits).exp2();
        true
    }

    /// What coins that came later weigh in a sum that has no other part.
    fn weighed(&self, term: &Poly) -> Option<Vec<Poly>> {
        let coins = self.uniform(term);
        let (inside, outside) = match self.run.terms.as_sum(term) {
            Some((_, inside, outside)) => (inside, outside),
            None => (term.clone(), Poly::constant(term.elem(), 0)),
        };
        let mut parts = Vec::new();
        for part in [inside, outside] {
            if !part.is_zero() {
                parts.extend(self.run.terms.split(&part, &coins)?);
            }
        }
        let linear = parts.iter().all(|(degree, _)| *degree == 1);
        linear.then(|| parts.into_iter().map(|(_, part)| part).collect())
    }

    /// The coins that came after every lie in a term. A key is not uniform in a ring.
    fn uniform(&self, term: &Poly) -> Support {
        let mut coins = self.late_coins(term);
        let keys: Vec<Symbol> = coins
            .iter()
            .filter(|s| self.run.is(*s, Class::Key))
            .collect();
        keys.into_iter().for_each(|symbol| coins.remove(symbol));
        coins
    }

    /// A uniform coin times lies: those are 0 as values.
    pub(super) fn weights(&mut self, chance: &mut f64) -> bool {
        let found = self.conditions.iter().find_map(|condition| {
            let (m, k) = self.widths(condition)?;
            let mut coins = self.uniform(condition);
            let sum = self.run.terms.as_sum(condition);
            let inside = match &sum {
                None => condition,
                Some((_, inside, outside)) => {
                    let scalars: Vec<Symbol> = coins
                        .iter()
                        .filter(|s| self.run.symbols[s.0 as usize].kind == Kind::Scalar)
                        .collect();
                    scalars.into_iter().for_each(|symbol| coins.remove(symbol));
                    if self.run.terms.support(outside).meets(&coins) {
                        return None;
                    }
                    inside
                }
            };
            let parts = self.run.terms.split(inside, &coins)?;
            if parts.iter().any(|(degree, _)| *degree > 1) {
                return None;
            }
            let mut weighed = parts.into_iter().filter(|(degree, _)| *degree == 1);
            let open = weighed.find(|(_, part)| self.is_open(part))?;
            Some((open.1, f64::from(m - k + 1)))
        });
        let Some((term, bits)) = found else {
            return false;
        };
        if !self.divisible(&term) {
            return false;
        }
        *chance += (-bits).exp2();
        true
    }

    /// Whether it is not shown yet to be 0 as a value.
    fn is_open(&self, term: &Poly) -> bool {
        !self.run.value_of(term).is_zero()
    }

    /// A term is 0 as a value: a lie in it is what makes it a multiple of 2^k.
    fn divisible(&mut self, term: &Poly) -> bool {
        let Some(lie) = self.lone_lies(term).last().copied() else {
            return false;
        };
        let info = self.run.symbols[lie.0 as usize].clone();
        let seen = self.seen.get(&lie).cloned();
        let symbol = Symbol(self.run.symbols.len() as u32);
        let upper = self
            .run
            .symbol(format!("{}'", info.name), info.elem, info.kind, Class::Lie);
        let multiple = upper.scale(1 << self.run.value);
        let Some(by) = self.run.terms.solve(term, lie, &multiple) else {
            return false;
        };
        if let Some(seen) = seen {
            self.seen.insert(symbol, seen);
        }
        self.replace(lie, &by);
        true
    }
}
