//! Coins and messages.

use crate::build::{Id, known_kind};
use crate::elaborate::{Elab, plain};
use crate::source;
use crate::value::{Fail, Frame, Outcome, Place, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Coin, Domain, Expr, ExprKind, Send, Span};
use smpc_ir::flat::Kind;
use smpc_ir::party::{CoinDomain, Elem, PartySet};

impl Elab<'_> {
    pub fn coin_to(&mut self, target: &Expr, coin: &Coin, frame: &mut Frame) -> Outcome<()> {
        let place = self.place(target, true, frame)?;
        let id = self.coin(coin, frame)?;
        // A coin may introduce its name beside components: `z.l[1], g[1] <- R @ …`.
        if let Place::Name(name, index, _) = &place
            && !frame.pending.contains_key(name)
            && frame
                .vars
                .get(name)
                .is_none_or(|family| !family.contains_key(index))
        {
            frame.set(name, index.clone(), Value::Clear(id));
            return Ok(());
        }
        self.store(place, Value::Clear(id), target.span, frame)
    }

    pub fn coin(&mut self, coin: &Coin, frame: &mut Frame) -> Outcome<Id> {
        let Some(at) = &coin.at else {
            return Err(
                Diagnostic::new("K08", "nobody is said to know this coin", coin.span)
                    .help("write `<- R @ {P[0], P[1]}`")
                    .into(),
            );
        };
        let known = self.parties(at, frame)?;
        let kind = self.b.open_kind();
        let (domain, elem, kind) = match &coin.domain {
            Domain::Nonzero(ty, _) => (CoinDomain::Nonzero, self.elem_of_type(ty, frame)?, kind),
            Domain::Expr(expr) => match &expr.kind {
                ExprKind::Call { callee, args } if plain(callee) == Some("perm") => {
                    match args.as_slice() {
                        [arg] if matches!(self.expr(&arg.value, None, frame)?, Value::Rows) => {}
                        _ => {
                            return Err(Diagnostic::new(
                                "P05",
                                "`perm(n)` takes the length of a tensor parameter",
                                expr.span,
                            )
                            .into());
                        }
                    }
                    (
                        CoinDomain::Permutation,
                        Elem::Ring(64),
                        known_kind(Kind::Rows),
                    )
                }
                ExprKind::Repeat(inner, sizes) => {
                    for size in sizes {
                        if !matches!(self.expr(size, None, frame)?, Value::Rows) {
                            return self.unsupported(
                                size.span,
                                "an array of coins of another length than the tensor parameter",
                            );
                        }
                    }
                    (CoinDomain::Uniform, self.elem_of_expr(inner, frame)?, kind)
                }
                ExprKind::Range { .. } => {
                    return self.unsupported(expr.span, "a coin from a range");
                }
                _ if plain(expr) == Some("seed") => {
                    return self.unsupported(expr.span, "a seed");
                }
                _ => (CoinDomain::Uniform, self.elem_of_expr(expr, frame)?, kind),
            },
        };
        if known.is_empty() {
            return Err(Diagnostic::new("K08", "a coin nobody knows", coin.span).into());
        }
        Ok(self.b.coin(domain, elem, kind, known, source(coin.span)))
    }

    pub fn send(&mut self, send: &Send, span: Span, frame: &mut Frame) -> Outcome<()> {
        let [from] = send.from.as_slice() else {
            return self.unsupported(span, "a joint message");
        };
        let from_set = self.parties(from, frame)?;
        let mut senders = from_set.iter();
        let (Some(sender), None) = (senders.next(), senders.next()) else {
            return Err(Diagnostic::new("P05", "a message has one sender", from.span).into());
        };
        let mut to = PartySet::EMPTY;
        for receiver in &send.to {
            to = to.union(self.parties(receiver, frame)?);
        }
        let offline = frame.offline || self.roles().contains(sender);
        for value in &send.values {
            let place = self.place(value, false, frame)?;
            let (name, index) = match &place {
                Place::Name(name, index, _) | Place::Component(name, index, ..) => (name, index),
                Place::Nothing => return Err(Fail(None)),
            };
            let old = frame
                .vars
                .get(name)
                .and_then(|family| family.get(index))
                .cloned();
            let id = match (&place, &old) {
                (Place::Component(_, _, at, _), Some(Value::Share(share))) => share.components[*at],
                (Place::Name(..), Some(Value::Clear(id))) => Some(*id),
                (_, Some(Value::Poison)) => return Err(Fail(None)),
                (_, Some(Value::Share(_))) => {
                    return Err(Diagnostic::new(
                        "P05",
                        "a shared value is not sent as a whole: name a component",
                        value.span,
                    )
                    .into());
                }
                _ => None,
            };
            let Some(id) = id else {
                return Err(Diagnostic::new(
                    "P04",
                    format!("`{}` has no value to send", self.text(value.span)),
                    value.span,
                )
                .into());
            };
            let known = self.b.known(id);
            if !known.contains(sender) {
                return Err(Diagnostic::new(
                    "K02",
                    format!(
                        "{} cannot send `{}`",
                        self.names(from_set),
                        self.text(value.span)
                    ),
                    from.span,
                )
                .label(value.span, format!("known to {}", self.names(known)))
                .help(match known.iter().next() {
                    Some(party) => format!(
                        "let one of those send it: `{} -> {}: {};`",
                        self.names(PartySet::from_iter([party])),
                        self.names(to),
                        self.text(value.span)
                    ),
                    None => "nobody knows it".to_owned(),
                })
                .into());
            }
            let sent = self.b.send(id, sender, to, offline, source(span));
            match (place, old) {
                (Place::Component(name, index, at, _), Some(Value::Share(mut share))) => {
                    share.components[at] = Some(sent);
                    frame.set(&name, index, Value::Share(share));
                }
                (Place::Name(name, index, _), _) => frame.set(&name, index, Value::Clear(sent)),
                _ => {}
            }
        }
        Ok(())
    }
}
