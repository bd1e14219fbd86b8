//! Keys of a scheme: one coin per party and run, and sharings that carry them.
//!
//! With keys a scheme has one equation that gives the value, and further ones that authenticate it:
//! a sum of components equals a sum of keys, times the value. A public constant is authenticated by
//! its holders: whoever holds a key adds key times constant to a component of its own.

use crate::bound::Bound;
use crate::build::Id;
use crate::elaborate::{Elab, plain};
use crate::equation::{Form, Reader};
use crate::scheme::{Instance, by_sum};
use crate::source;
use crate::value::{Frame, Outcome};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Comp, Domain, Expr, ExprKind, Span};
use smpc_ir::flat::Key;
use smpc_ir::party::{CoinDomain, PartySet};

type Equation<'e> = (Span, &'e Expr, &'e Expr, Option<&'e Comp>);

/// A scheme's `share` equations that mention keys.
pub(crate) fn keyed(
    mut instance: Instance,
    reader: &Reader<'_>,
    equations: &[Equation<'_>],
) -> Result<Instance, Box<Diagnostic>> {
    let mut value: Option<(Span, Form)> = None;
    let mut authenticated = Vec::new();
    for (span, left, right, comp) in equations {
        for indices in reader.members(*comp)? {
            let inner = Reader {
                indices,
                ..reader.clone()
            };
            let form = inner.form(left)?.plus(inner.form(right)?.scaled(-1));
            if form.keyed.is_empty() {
                if value.is_some() {
                    return Err(reader.bad(*span, "one equation gives the value"));
                }
                value = Some((*span, form));
            } else {
                authenticated.push((*span, form));
            }
        }
    }
    let Some((span, form)) = value else {
        let (span, ..) = equations[0];
        return Err(reader.bad(span, "no equation gives the value without keys"));
    };
    by_sum(&mut instance, reader, &form, span)?;
    for (span, form) in authenticated {
        let bad = |text: &str| reader.bad(span, text);
        let mut parts = Vec::new();
        for (key, coefficient) in &form.components {
            let at = instance
                .position(key)
                .ok_or_else(|| bad("every component of the equation needs a holder"))?;
            if *coefficient != 0 {
                parts.push((at, *coefficient));
            }
        }
        let Some((first, unit)) = parts.first().copied() else {
            return Err(bad("no component carries the keys"));
        };
        let alike = parts.iter().all(|(_, c)| *c == unit) && matches!(unit, 1 | -1);
        if !alike || form.value != 0 || form.constant != 0 || !form.coins.is_empty() {
            return Err(bad("components add up to keys times the value"));
        }
        let mut free = parts.clone();
        for ((name, index), coefficient) in &form.keyed {
            if *coefficient != -unit {
                return Err(bad("components add up to keys times the value"));
            }
            let number =
                number(reader, name, *index).ok_or_else(|| bad("a key that no clause declares"))?;
            // The component of the party of that number, if the key is its own.
            let own = PartySet::from_iter([smpc_ir::party::Party(*index as u8)]);
            let at = free
                .iter()
                .position(|(at, _)| instance.holders[*at] == own)
                .ok_or_else(|| bad("nobody holds both a key and a component that carries it"))?;
            let (at, _) = free.remove(at);
            instance.keyed.push((at as u32, number));
        }
        let inside: Vec<usize> = parts.iter().map(|(at, _)| *at).collect();
        // What balances in the equation of the value does not in this one.
        instance
            .masks
            .retain(|mask| inside.iter().all(|at| mask[*at] == 0));
        for at in inside.into_iter().filter(|at| *at != first) {
            let mut mask = vec![0; instance.keys.len()];
            mask[at] = 1;
            mask[first] = -1;
            instance.masks.push(mask);
        }
    }
    instance.keyed.sort_unstable();
    Ok(instance)
}

/// A key's position among all keys: families in order, each with one key per computing party.
fn number(reader: &Reader<'_>, name: &str, index: i128) -> Option<u32> {
    let mut keys = reader.def.keys.iter();
    let family = keys.position(|key| key.name.ident.name == name)?;
    let index = usize::try_from(index).ok().filter(|i| *i < reader.n)?;
    u32::try_from(family * reader.n + index).ok()
}

impl Elab<'_> {
    /// A key that a protocol reads.
    pub fn key(&mut self, name: &str, index: i128, span: Span) -> Outcome<Id> {
        let index = index.rem_euclid(self.n.max(1) as i128);
        let family = self
            .def
            .keys
            .iter()
            .position(|key| key.name.ident.name == name)
            .unwrap_or(0);
        self.key_numbered((family * self.n + index as usize) as u32, span)
    }

    /// The key at a position among all keys.
    pub fn key_numbered(&mut self, number: u32, span: Span) -> Outcome<Id> {
        let (family, index) = (number as usize / self.n, number as usize % self.n);
        let key = self.drawn(family, index as i128)?;
        Ok(self.b.key(number, key.elem, key.known_to, source(span)))
    }

    /// One key of a family, as its clause declares it.
    fn drawn(&mut self, family: usize, index: i128) -> Outcome<Key> {
        let def = self.def;
        let clause = &def.keys[family];
        let (name, span) = (&clause.name.ident.name, clause.coin.span);
        let bad = |text: &str| -> Diagnostic { Diagnostic::new("P06", text.to_owned(), span) };
        let mut frame = Frame::default();
        if let Some(first) = def.scheme.generics.first() {
            let elem = self.carriers.elem;
            frame.elems.insert(first.name.name.clone(), elem);
        }
        let Some([binder]) = clause.name.indices.first().map(Vec::as_slice) else {
            return Err(bad("a key is of a party: write `key alpha[i] <- F @ P[i];`").into());
        };
        let binder =
            plain(binder).ok_or_else(|| bad("a key's index is a name: `key alpha[i] <- …`"))?;
        frame.indices.push((binder.to_owned(), index));
        let Some(at) = &clause.coin.at else {
            return Err(bad("nobody is said to know this key").into());
        };
        let known_to = self.parties(at, &mut frame)?;
        let (domain, elem) = match &clause.coin.domain {
            Domain::Nonzero(ty, _) => {
                let elem = self.elem_of_type(ty, &mut frame)?;
                (CoinDomain::Nonzero, elem)
            }
            Domain::Expr(expr) => match &expr.kind {
                ExprKind::Range {
                    start,
                    end,
                    inclusive: false,
                } => {
                    let (start, end) = (self.int(start, &mut frame)?, self.int(end, &mut frame)?);
                    match (start, u128::try_from(end)) {
                        (0, Ok(bound)) if bound > 0 => {
                            (CoinDomain::Below(bound), self.carriers.elem)
                        }
                        _ => return Err(bad("a key is drawn from `0..bound`").into()),
                    }
                }
                _ => (CoinDomain::Uniform, self.elem_of_expr(expr, &mut frame)?),
            },
        };
        Ok(Key {
            name: format!("{name}[{index}]"),
            elem,
            domain,
            known_to,
        })
    }
}

impl Bound {
    /// Every key of the scheme that carries integers.
    pub(crate) fn key_list(&self) -> Vec<Key> {
        let Some((def, _)) = self.carried(self.carriers().elem) else {
            return Vec::new();
        };
        let count = def.keys.len();
        let mut elab = self.elab(false, false);
        let mut keys = Vec::new();
        for family in 0..count {
            for index in 0..self.parties() {
                // What is wrong with the clause was an error when the backend was bound.
                keys.extend(elab.drawn(family, index as i128).ok());
            }
        }
        keys
    }

    /// What is wrong with the clauses that declare keys.
    pub(crate) fn check_keys(&self) -> Result<(), Box<Diagnostic>> {
        let Some((def, _)) = self.carried(self.carriers().elem) else {
            return Ok(());
        };
        let count = def.keys.len();
        let mut elab = self.elab(false, false);
        for family in 0..count {
            if let Err(fail) = elab.drawn(family, 0)
                && let Some(diagnostic) = fail.0
            {
                return Err(diagnostic);
            }
        }
        Ok(())
    }
}
