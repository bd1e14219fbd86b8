//! Coins and messages.

use crate::build::{Id, KindVar, known_kind};
use crate::elaborate::{Elab, plain};
use crate::source;
use crate::value::{Frame, Outcome, Place, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Arg, Coin, Domain, Expr, ExprKind, Send, Span};
use smpc_ir::flat::Kind;
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};

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

    /// The shape of what is drawn here: in a deferred protocol one element for all calls, unless it
    /// stands in `[e; m]`.
    pub fn drawn_kind(&mut self) -> KindVar {
        if self.batch && !self.repeated {
            return known_kind(Kind::Scalar);
        }
        self.b.open_kind()
    }

    /// `prg(seed, F)`: uniform elements that whoever knows the seed computes.
    pub fn prg(&mut self, args: &[Arg], span: Span, frame: &mut Frame) -> Outcome<Value> {
        let [seed, domain] = args else {
            return Err(
                Diagnostic::new("P05", "`prg` takes a seed and a type", span)
                    .help("write `prg(s, F)`")
                    .into(),
            );
        };
        let value = self.expr(&seed.value, None, frame)?;
        let seed = self.clear(value, Elem::Bits(128), seed.value.span)?;
        let elem = self.elem_of_expr(&domain.value, frame)?;
        let kind = self.drawn_kind();
        Ok(Value::Clear(self.b.expand(seed, elem, kind, source(span))))
    }

    pub fn coin(&mut self, coin: &Coin, frame: &mut Frame) -> Outcome<Id> {
        let known = match &coin.at {
            Some(at) => self.parties(at, frame)?,
            None if self.ideal => self.everyone(),
            None => {
                return Err(
                    Diagnostic::new("K08", "nobody is said to know this coin", coin.span)
                        .help("write `<- R @ {P[0], P[1]}`")
                        .into(),
                );
            }
        };
        let kind = self.drawn_kind();
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
                    let help = "for 0..2^m draw bits, and take them for a number: `let b <- Bits[m] @ D; let r = b as R;`";
                    return self.instead(expr.span, "a coin from a range", help);
                }
                _ if plain(expr) == Some("seed") => (
                    CoinDomain::Uniform,
                    Elem::Bits(128),
                    known_kind(Kind::Scalar),
                ),
                _ => (CoinDomain::Uniform, self.elem_of_expr(expr, frame)?, kind),
            },
        };
        if known.is_empty() {
            return Err(Diagnostic::new("K08", "a coin nobody knows", coin.span).into());
        }
        Ok(self.b.coin(domain, elem, kind, known, source(coin.span)))
    }

    pub fn send(&mut self, send: &Send, span: Span, frame: &mut Frame) -> Outcome<()> {
        let mut senders = Vec::new();
        for from in &send.from {
            let set = self.parties(from, frame)?;
            if set.len() != 1 && send.from.len() == 1 && matches!(from.kind, ExprKind::Index { .. })
            {
                return Err(Diagnostic::new("P05", "a message has one sender", from.span).into());
            }
            senders.extend(set.iter().map(|party| (party, from.span)));
        }
        let Some((first, _)) = senders.first().copied() else {
            return Err(Diagnostic::new("P05", "a message has a sender", span).into());
        };
        let mut to = PartySet::EMPTY;
        for receiver in &send.to {
            to = to.union(self.parties(receiver, frame)?);
        }
        let offline = frame.offline || self.roles().contains(first);
        for value in &send.values {
            let place = self.place(value, false, frame)?;
            let id = self.value_at(&place, value.span, frame)?;
            let known = self.b.known(id);
            for (sender, from) in &senders {
                if known.contains(*sender) {
                    continue;
                }
                return Err(Diagnostic::new(
                    "K02",
                    format!(
                        "{} cannot send `{}`",
                        self.names(PartySet::from_iter([*sender])),
                        self.text(value.span)
                    ),
                    *from,
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
            let parties: Vec<Party> = senders.iter().map(|(party, _)| *party).collect();
            let told = self.message(id, &parties, to, offline, span);
            self.replace(place, told, frame);
        }
        Ok(())
    }
}
