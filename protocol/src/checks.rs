//! What parties do because one of them may lie: joint messages, agreement, broadcast, commitments,
//! checks.
//!
//! Each becomes messages of digests and comparisons at the receivers. What is read afterwards is what
//! was compared, so no later message can leave before the comparison.

use crate::build::Id;
use crate::elaborate::Elab;
use crate::source;
use crate::value::{Fail, Frame, Outcome, Place, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Act, ActKind, BinaryOp, Expr, ExprKind, Span};
use smpc_ir::flat::Kind;
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};

/// A nonce of a commitment, a seed, a word of a digest.
const WORD: Elem = Elem::Bits(128);

/// A value after its copies were compared.
struct Compared {
    result: Id,
    /// By who compares: a digest of its own copy, and the one it was sent.
    digests: Vec<(Party, Id, Id)>,
}

fn one(party: Party) -> PartySet {
    PartySet::from_iter([party])
}

impl Elab<'_> {
    /// The value that a place names.
    pub fn value_at(&self, place: &Place, span: Span, frame: &Frame) -> Outcome<Id> {
        let (name, index) = match place {
            Place::Name(name, index, _) | Place::Component(name, index, ..) => (name, index),
            Place::Nothing => return Err(Fail(None)),
        };
        let value = frame.vars.get(name).and_then(|family| family.get(index));
        match (place, value) {
            (Place::Component(_, _, at, _), Some(Value::Share(share))) => share.components[*at],
            (Place::Name(..), Some(Value::Clear(id))) => Some(*id),
            (_, Some(Value::Poison)) => return Err(Fail(None)),
            (_, Some(Value::Share(_))) => {
                return Err(Diagnostic::new(
                    "P05",
                    "a shared value is not sent as a whole: name a component",
                    span,
                )
                .into());
            }
            _ => None,
        }
        .ok_or_else(|| {
            let text = format!("`{}` has no value to send", self.text(span));
            Diagnostic::new("P04", text, span).into()
        })
    }

    /// What the place names from here on.
    pub fn replace(&self, place: Place, id: Id, frame: &mut Frame) {
        match place {
            Place::Component(name, index, at, _) => {
                let slot = frame.vars.get_mut(&name).and_then(|f| f.get_mut(&index));
                if let Some(Value::Share(share)) = slot {
                    share.components[at] = Some(id);
                }
            }
            Place::Name(name, index, _) => frame.set(&name, index, Value::Clear(id)),
            Place::Nothing => {}
        }
    }

    /// A message: the value from the first sender, a digest from each other one, compared by the
    /// receivers that do not know the value.
    pub fn message(
        &mut self,
        id: Id,
        senders: &[Party],
        to: PartySet,
        offline: bool,
        span: Span,
    ) -> Id {
        let Some((first, others)) = senders.split_first() else {
            return id;
        };
        let to = to.without(self.b.known(id));
        let at = source(span);
        let mut told = self.b.send(id, *first, to, offline, at);
        if to.is_empty() || others.is_empty() {
            return told;
        }
        let own = self.b.digest(&[told], to, at);
        for sender in others {
            let digest = self.b.digest(&[id], one(*sender), at);
            let digest = self.b.send(digest, *sender, to, offline, at);
            told = self.b.check(told, own, digest, to, at);
        }
        told
    }

    /// Every party of a set compares its copy with those of the others, whether or not it reads the value afterwards.
    fn compared(&mut self, id: Id, set: PartySet, span: Span) -> Compared {
        let at = source(span);
        let mut compared = Compared {
            result: id,
            digests: Vec::new(),
        };
        if set.len() < 2 {
            return compared;
        }
        let own: Vec<(Party, Id)> = set
            .iter()
            .map(|party| (party, self.b.digest(&[id], one(party), at)))
            .collect();
        for (sender, digest) in &own {
            let others = set.without(one(*sender));
            let told = self.b.send(*digest, *sender, others, false, at);
            for (receiver, mine) in &own {
                if receiver != sender {
                    let result = compared.result;
                    compared.result = self.b.check(result, *mine, told, one(*receiver), at);
                    self.b.agreed.insert(compared.result);
                    compared.digests.push((*receiver, *mine, told));
                }
            }
        }
        compared
    }

    /// `agree v @ S;`.
    pub fn agree(&mut self, value: &Expr, at: &Expr, frame: &mut Frame) -> Outcome<()> {
        let set = self.parties(at, frame)?;
        let place = self.place(value, false, frame)?;
        let id = self.value_at(&place, value.span, frame)?;
        let known = self.b.known(id);
        if !set.is_subset(known) {
            let lacking = self.names(set.without(known));
            return Err(Diagnostic::new(
                "K02",
                format!("{lacking} cannot compare `{}`", self.text(value.span)),
                at.span,
            )
            .label(value.span, format!("known to {}", self.names(known)))
            .help("send it to them first")
            .into());
        }
        let Compared { result, digests } = self.compared(id, set, value.span);
        // Other names of the same copies, and what these were computed from: who goes on with that has compared first.
        for part in self.b.made_of(id) {
            let committed = self.commitments.keys().any(|(_, of)| *of == part);
            if self.b.info(part).constant.is_some() || committed || !frame.names(part) {
                continue;
            }
            let mut bound = result;
            if part != id {
                let checks = digests.iter();
                bound = checks.fold(part, |bound, (receiver, mine, told)| {
                    let at = source(value.span);
                    self.b.check(bound, *mine, *told, one(*receiver), at)
                });
            }
            frame.rename(part, bound);
        }
        self.replace(place, result, frame);
        Ok(())
    }

    /// `D broadcasts v;`, `P[i] commits t;`, `P[i] decommits t;`.
    pub fn act(&mut self, act: &Act, span: Span, frame: &mut Frame) -> Outcome<()> {
        let who = self.parties(&act.who, frame)?;
        let mut parties = who.iter();
        let (Some(party), None) = (parties.next(), parties.next()) else {
            return Err(
                Diagnostic::new("P05", "this is done by one party", act.who.span)
                    .help("write `for each P[i] { P[i] commits t[i]; }`")
                    .into(),
            );
        };
        if act.kind != ActKind::Broadcast && !self.lockstep {
            self.b.barrier();
        }
        for value in &act.values {
            let place = self.place(value, false, frame)?;
            let id = self.value_at(&place, value.span, frame)?;
            if !self.b.known(id).contains(party) {
                let known = self.names(self.b.known(id));
                let text = format!("{} lacks `{}`", self.names(who), self.text(value.span));
                return Err(Diagnostic::new("K02", text, act.who.span)
                    .label(value.span, format!("known to {known}"))
                    .into());
            }
            match act.kind {
                ActKind::Broadcast => {
                    let to = self.computing();
                    let told = self.b.send(id, party, to, false, source(span));
                    let agreed = self.compared(told, to.without(who), value.span);
                    self.replace(place, agreed.result, frame);
                }
                ActKind::Commit => self.commit(id, party, span),
                ActKind::Decommit => {
                    let opened = self.decommit(id, party, span)?;
                    self.replace(place, opened, frame);
                }
            }
        }
        Ok(())
    }

    /// A digest of the committer, the value and a nonce, to all: binding if SHA-256 has no collisions, hiding as a
    /// random oracle. Without the committer in it another party could send the same digest as its own, and then the same
    /// opening.
    fn commit(&mut self, id: Id, party: Party, span: Span) {
        let at = source(span);
        let committer = self.b.constant(i128::from(party.0), WORD, at);
        let scalar = crate::build::known_kind(Kind::Scalar);
        let nonce = self
            .b
            .coin(CoinDomain::Uniform, WORD, scalar, one(party), at);
        let digest = self.b.digest(&[committer, id, nonce], one(party), at);
        let sent = self.b.send(digest, party, self.computing(), false, at);
        self.commitments.insert((party, id), (sent, nonce));
    }

    fn decommit(&mut self, id: Id, party: Party, span: Span) -> Outcome<Id> {
        let at = source(span);
        let Some((commitment, nonce)) = self.commitments.remove(&(party, id)) else {
            return Err(Diagnostic::new(
                "P05",
                format!("{} has not committed to this value", self.names(one(party))),
                span,
            )
            .help("write `P[i] commits t;` before, and do not assign to t in between")
            .into());
        };
        let to = self.computing().without(one(party));
        let opened = self.b.send(id, party, to, false, at);
        let nonce = self.b.send(nonce, party, to, false, at);
        let committer = self.b.constant(i128::from(party.0), WORD, at);
        let digest = self.b.digest(&[committer, opened, nonce], to, at);
        Ok(self.b.check(opened, digest, commitment, to, at))
    }

    /// `check a == b else abort;`: whoever knows both compares.
    pub fn check_statement(&mut self, condition: &Expr, frame: &mut Frame) -> Outcome<()> {
        let span = condition.span;
        let sides = match &condition.kind {
            ExprKind::Binary(left, BinaryOp::Eq, right) => Some((&**left, &**right)),
            ExprKind::Chain(left, rest) => match rest.as_slice() {
                [(BinaryOp::Eq, right)] => Some((&**left, right)),
                _ => None,
            },
            _ => None,
        };
        let Some((left, right)) = sides else {
            return Err(Diagnostic::new("P05", "a check is an equation", span)
                .help("write `check e == 0 else abort;`")
                .into());
        };
        let (a, b) = (
            self.expr(left, None, frame)?,
            self.expr(right, None, frame)?,
        );
        let elem = match (&a, &b) {
            (Value::Clear(id), _) | (_, Value::Clear(id)) => self.b.elem(*id),
            _ => return Err(Diagnostic::new("P05", "a check compares values", span).into()),
        };
        let (mut a, mut b) = (
            self.clear(a, elem, left.span)?,
            self.clear(b, elem, right.span)?,
        );
        if self.b.kind(a) == Some(Kind::Scalar) {
            (a, b) = (b, a);
        }
        if self.b.kind(b) != Some(Kind::Scalar) {
            self.b
                .same_shape(&[a, b])
                .map_err(|fault| self.fault(fault, span, &[]))?;
        }
        let known = self.b.known(a).intersection(self.b.known(b));
        let at = known.intersection(self.computing());
        if at.is_empty() {
            let operands = [(left.span, a), (right.span, b)];
            return Err(self.fault(crate::build::Fault::Nobody, span, &operands));
        }
        self.b.assert(a, b, at, source(span));
        Ok(())
    }
}
