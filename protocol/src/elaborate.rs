//! Statements: names, coins, messages, loops in lockstep.

use crate::build::{Builder, Fault, Id};
use crate::elem_name;
use crate::library::{Carriers, SchemeFile};
use crate::scheme::{Instance, SchemeDef, instantiate};
use crate::value::{Fail, Frame, Outcome, Place, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{
    ActKind, Block, Comp, Expr, ExprKind, Init, Iter, Let, Pattern, Span, Stmt, StmtKind,
};
use smpc_ir::claim::Claims;
use smpc_ir::decisions::{Decisions, Outcome as Decided};
use smpc_ir::flat::{Flat, Kind};
use smpc_ir::party::{Elem, Party, PartySet};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Schemes by name, element type and numbers.
pub(crate) type Instances = BTreeMap<(String, Elem, Vec<i128>), Rc<Instance>>;

/// One elaboration: a root protocol with everything it calls.
pub(crate) struct Elab<'a> {
    pub file: &'a SchemeFile,
    pub generic: &'a [SchemeFile],
    /// The scheme that counts the parties.
    pub def: &'a SchemeDef,
    pub n: usize,
    /// Values of names that no signature binds: the backend's arguments.
    pub globals: BTreeMap<String, i128>,
    /// Which scheme carries ring or field elements and which bits.
    pub carriers: Carriers,
    /// Schemes instantiated so far.
    pub instances: RefCell<Instances>,
    pub b: Builder,
    pub diags: Vec<Diagnostic>,
    /// Names of the protocols being inlined.
    pub stack: Vec<String>,
    pub outsider: Option<Party>,
    /// Statements left before the text is refused as too long.
    pub fuel: u32,
    /// The outermost protocol: what it claims, and who must know each clear result.
    pub root: Option<Root>,
    /// A functionality, of which everybody knows everything: sharings are their values.
    pub ideal: bool,
    /// Inside a statement of `for each` that is one step for all.
    pub lockstep: bool,
    /// Inside a deferred protocol: what is drawn outside of `[e; m]` is one element for all calls.
    pub batch: bool,
    /// Inside `[e; m]`.
    pub repeated: bool,
    /// What a party committed to: the commitment as all have it, and the nonce.
    pub commitments: BTreeMap<(Party, Id), (Id, Id)>,
    /// Bodies of deferred protocols, by name and element types.
    pub bodies: BTreeMap<String, Arc<Flat>>,
    /// Names of the deferred protocols whose bodies these are.
    pub deferring: Vec<String>,
    /// What was decided by numbers known in advance.
    pub decisions: Decisions,
}

/// What is kept of the outermost protocol.
pub(crate) struct Root {
    pub claims: Claims,
    /// By result; `None` where no place is declared.
    pub receivers: Vec<Option<PartySet>>,
}

/// Statements one protocol may unroll to.
pub(crate) const FUEL: u32 = 200_000;

impl<'a> Elab<'a> {
    pub fn everyone(&self) -> PartySet {
        PartySet::first(self.n + self.def.roles.len() + usize::from(self.outsider.is_some()))
    }

    pub fn computing(&self) -> PartySet {
        PartySet::first(self.n)
    }

    pub fn roles(&self) -> PartySet {
        PartySet::first(self.n + self.def.roles.len()).without(self.computing())
    }

    /// `P[0], T` of a set.
    pub fn names(&self, set: PartySet) -> String {
        if set.is_empty() {
            return "nobody".to_owned();
        }
        let name = |party: Party| {
            let at = usize::from(party.0);
            if at < self.n {
                format!("{}[{at}]", self.def.parties.name)
            } else if let Some((_, role)) = self.def.roles.get(at - self.n) {
                role.clone()
            } else {
                "the outside party".to_owned()
            }
        };
        set.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &'a str {
        std::iter::once(self.file)
            .chain(self.generic)
            .find(|file| file.id == span.file)
            .and_then(|file| file.text.get(span.start as usize..span.end as usize))
            .unwrap_or("the value")
    }

    /// The number of the line, from 1, on which a span begins.
    pub fn line(&self, span: Span) -> Option<usize> {
        let mut files = std::iter::once(self.file).chain(self.generic);
        let file = files.find(|file| file.id == span.file)?;
        let before = file.text.get(..span.start as usize)?;
        Some(before.matches('\n').count() + 1)
    }

    /// A scheme over an element type. Numbers that are not given are those of the backend.
    pub fn instance(
        &self,
        family: &str,
        elem: Elem,
        params: &[i128],
        span: Span,
    ) -> Outcome<Rc<Instance>> {
        let key = (family.to_owned(), elem, params.to_vec());
        if let Some(known) = self.instances.borrow().get(&key) {
            return Ok(known.clone());
        }
        let Some(def) = self.file.schemes.get(family) else {
            return Err(Diagnostic::new("P04", format!("unknown scheme `{family}`"), span).into());
        };
        if let Elem::Fix = elem {
            return Err(Diagnostic::new("P01", "clear fixed point cannot be shared", span).into());
        }
        let carried = self.carriers.of(elem).filter(|(name, _)| name == family);
        let params = match carried {
            Some((_, own)) if params.is_empty() => own.as_slice(),
            _ => params,
        };
        let instance = Rc::new(instantiate(def, self.n, elem, params)?);
        self.instances.borrow_mut().insert(key, instance.clone());
        Ok(instance)
    }

    /// The scheme that carries an element type.
    pub fn carrier(&self, elem: Elem, span: Span) -> Outcome<Rc<Instance>> {
        let Some((family, params)) = self.carriers.of(elem) else {
            let text = format!("the backend carries no {}", elem_name(elem));
            return Err(Diagnostic::new("P04", text, span).into());
        };
        self.instance(family, elem, params, span)
    }

    pub fn unsupported<T>(&self, span: Span, what: &str) -> Outcome<T> {
        Err(Diagnostic::new("U01", format!("{what} is not executable yet"), span).into())
    }

    /// The same, with what is to be written instead.
    pub fn instead<T>(&self, span: Span, what: &str, help: &str) -> Outcome<T> {
        let text = format!("{what} is not executable yet");
        Err(Diagnostic::new("U01", text, span).help(help).into())
    }

    /// A fault of the builder as an error at a place.
    pub fn fault(&self, fault: Fault, span: Span, operands: &[(Span, Id)]) -> Fail {
        let diagnostic = match fault {
            Fault::Nobody => {
                let mut d = Diagnostic::new(
                    "K01",
                    format!("no party knows all of `{}`", self.text(span)),
                    span,
                );
                for (at, id) in operands {
                    let known = self.names(self.b.known(*id));
                    d = d.label(*at, format!("known to {known}"));
                }
                match operands {
                    [(_, a), (at, b), ..] => {
                        let first = |id: Id| {
                            let party = self.b.known(id).iter().next();
                            party.map(|p| self.names(PartySet::from_iter([p])))
                        };
                        match (first(*b), first(*a)) {
                            (Some(from), Some(to)) => d.help(format!(
                                "send one operand first: `{from} -> {to}: {};` (mask it with a coin if {to} must not learn it)",
                                self.text(*at)
                            )),
                            _ => d,
                        }
                    }
                    _ => d,
                }
            }
            Fault::Elems(a, b) => Diagnostic::new(
                "P01",
                format!("{} meets {}", elem_name(a), elem_name(b)),
                span,
            )
            .help("convert one of them: `bits(x)`, `b as R`"),
            Fault::Kinds(a, b) => Diagnostic::new(
                "P02",
                format!("not bilinear: a value of the {} meets one of the {}", shape(a), shape(b)),
                span,
            )
            .help("in a `bilinear` protocol `*` is left operand times right operand, and `+` joins values of one shape"),
            Fault::Nonlinear(kind) => Diagnostic::new(
                "P02",
                format!("not bilinear: a function that is not linear, of the {}", shape(kind)),
                span,
            )
            .help("apply it after the product, or drop `bilinear`"),
        };
        diagnostic.into()
    }

    /// Counts a statement; unrolling ends somewhere.
    fn spend(&mut self, span: Span) -> Outcome<()> {
        match self.fuel {
            0 => Err(Fail(None)),
            1 => {
                self.fuel = 0;
                Err(Diagnostic::new(
                    "P08",
                    format!("the protocol unrolls to more than {FUEL} statements"),
                    span,
                )
                .help("`reduce` and `scan` over bits, or fewer iterations")
                .into())
            }
            _ => {
                self.fuel -= 1;
                Ok(())
            }
        }
    }

    /// Notes an error; the same error once.
    pub fn report(&mut self, fail: Fail) {
        if let Fail(Some(diagnostic)) = fail
            && !self
                .diags
                .iter()
                .any(|d| d.code == diagnostic.code && d.span == diagnostic.span)
        {
            self.diags.push(*diagnostic);
        }
    }

    pub fn block(&mut self, block: &Block, frame: &mut Frame) {
        for stmt in &block.stmts {
            self.stmt(stmt, frame);
        }
    }

    /// Runs a statement; an error poisons what it would have defined.
    pub fn stmt(&mut self, stmt: &Stmt, frame: &mut Frame) {
        if let Err(fail) = self.spend(stmt.span) {
            self.report(fail);
            return;
        }
        let offline = frame.offline;
        let done = match &stmt.kind {
            StmtKind::Let(l) => self.over(l.comp.as_ref(), frame, |me, frame| {
                let done = me.bind(l, stmt.span, frame);
                if done.is_err() {
                    l.patterns.iter().for_each(|p| me.poison_pattern(p, frame));
                }
                done
            }),
            StmtKind::Assign(a) => self.over(a.comp.as_ref(), frame, |me, frame| {
                let done = me.assign(a, stmt.span, frame);
                if done.is_err() {
                    me.poison(&a.target, frame);
                }
                done
            }),
            StmtKind::Coin(targets, coin, comp) => self.over(comp.as_ref(), frame, |me, frame| {
                let mut result = Ok(());
                for target in targets {
                    let done = me.coin_to(target, coin, frame);
                    if done.is_err() {
                        me.poison(target, frame);
                        result = done;
                    }
                }
                result
            }),
            StmtKind::Send(send) => self.send(send, stmt.span, frame),
            StmtKind::For(f) if f.each => {
                for stmt in &f.body.stmts {
                    let outer = self.lockstep;
                    if let StmtKind::Act(act) = &stmt.kind
                        && act.kind != ActKind::Broadcast
                        && !outer
                    {
                        self.b.barrier();
                        self.lockstep = true;
                    }
                    let done = self.over(Some(&f.comp), frame, |me, frame| {
                        me.stmt(stmt, frame);
                        Ok(())
                    });
                    self.lockstep = outer;
                    if let Err(fail) = done {
                        self.report(fail);
                        break;
                    }
                }
                Ok(())
            }
            StmtKind::For(f) => self.over(Some(&f.comp), frame, |me, frame| {
                me.block(&f.body, frame);
                Ok(())
            }),
            StmtKind::Offline(block) => {
                frame.offline = true;
                self.block(block, frame);
                Ok(())
            }
            StmtKind::Expr { expr, .. } => self.expr(expr, None, frame).map(drop),
            StmtKind::Act(act) => self.act(act, stmt.span, frame),
            StmtKind::Agree(value, at) => self.agree(value, at, frame),
            StmtKind::Check(condition) => self.check_statement(condition, frame),
            StmtKind::Collect(_) => self.unsupported(stmt.span, "`collect`"),
        };
        frame.offline = offline;
        if let Err(fail) = done {
            self.report(fail);
        }
    }

    /// Runs something for every index of a comprehension, or once.
    pub fn over(
        &mut self,
        comp: Option<&Comp>,
        frame: &mut Frame,
        mut run: impl FnMut(&mut Self, &mut Frame) -> Outcome<()>,
    ) -> Outcome<()> {
        let Some(comp) = comp else {
            return run(self, frame);
        };
        let depth = frame.indices.len();
        let result = self.nest(&comp.iters, comp, frame, &mut run);
        frame.indices.truncate(depth);
        result
    }

    fn nest(
        &mut self,
        iters: &[Iter],
        comp: &Comp,
        frame: &mut Frame,
        run: &mut dyn FnMut(&mut Self, &mut Frame) -> Outcome<()>,
    ) -> Outcome<()> {
        let Some((iter, rest)) = iters.split_first() else {
            if let Some(guard) = &comp.guard {
                let holds = self.expr(guard, None, frame)?;
                if let Value::Bool(holds) = holds {
                    self.decide(guard.span, Decided::Is(holds));
                }
                match holds {
                    Value::Bool(true) => {}
                    Value::Bool(false) => return Ok(()),
                    _ => {
                        return Err(
                            Diagnostic::new("P05", "a guard compares indices", guard.span).into(),
                        );
                    }
                }
            }
            return run(self, frame);
        };
        let (name, values) = self.iteration(iter, frame)?;
        self.spend(comp.span)?;
        let mut result = Ok(());
        for value in values {
            frame.indices.push((name.clone(), value));
            let done = self.nest(rest, comp, frame, run);
            frame.indices.pop();
            match done {
                Ok(()) => {}
                Err(Fail(None)) => result = Err(Fail(None)),
                Err(fail) => {
                    self.report(fail);
                    result = Err(Fail(None));
                }
            }
        }
        result
    }

    fn iteration(&mut self, iter: &Iter, frame: &mut Frame) -> Outcome<(String, Vec<i128>)> {
        let bad = || Diagnostic::new("P05", "expected `P[i]` or `i in a..b`", iter.binder.span);
        match (&iter.binder.kind, &iter.over) {
            (ExprKind::Index { base, indices }, None) => {
                let family = plain(base) == Some(self.def.parties.name.as_str());
                match indices.as_slice() {
                    [one] if family => {
                        let name = plain(&one.value).ok_or_else(bad)?;
                        Ok((name.to_owned(), (0..self.n as i128).collect()))
                    }
                    _ => Err(bad().into()),
                }
            }
            (ExprKind::Index { .. }, Some(over)) => {
                self.unsupported(over.span, "a subset of a family")
            }
            (_, Some(over)) => {
                let name = plain(&iter.binder).ok_or_else(bad)?.to_owned();
                let ExprKind::Range {
                    start,
                    end,
                    inclusive,
                } = &over.kind
                else {
                    return Err(Diagnostic::new("P05", "expected a range `a..b`", over.span).into());
                };
                let (start, end) = (self.int(start, frame)?, self.int(end, frame)?);
                let end = end.saturating_add(i128::from(*inclusive));
                if end.saturating_sub(start) > 4096 {
                    return Err(Diagnostic::new("P05", "more than 4096 steps", over.span).into());
                }
                let turns = end.saturating_sub(start).clamp(0, 2) as u8;
                self.decide(over.span, Decided::Turns(turns));
                Ok((name, (start..end).collect()))
            }
            _ => Err(bad().into()),
        }
    }

    fn bind(&mut self, l: &Let, span: Span, frame: &mut Frame) -> Outcome<()> {
        match &l.init {
            Some(Init::Coin(coin)) => {
                for pattern in &l.patterns {
                    let Pattern::Name(name) = pattern else {
                        return Err(Diagnostic::new("P05", "coins are names", span).into());
                    };
                    let index = self.family_index(name, frame)?;
                    let value = Value::Clear(self.coin(coin, frame)?);
                    frame.set(&name.ident.name, index, value);
                }
                Ok(())
            }
            Some(Init::Value(init)) => {
                let declared = match &l.ty {
                    Some(ty) => Some(self.declared(ty, frame)?),
                    None => None,
                };
                let mut value = self.expr(init, declared.as_ref(), frame)?;
                if let Some(Value::Share(target)) = &declared {
                    value = Value::Share(self.as_sharing(
                        value,
                        &target.instance.clone(),
                        init.span,
                    )?);
                }
                let [pattern] = l.patterns.as_slice() else {
                    return Err(Diagnostic::new("P05", "write `let (a, b) = …`", span).into());
                };
                self.bind_pattern(pattern, value, frame)
            }
            None => {
                let Some(ty) = &l.ty else {
                    return Err(Diagnostic::new("P05", "a declaration needs a type", span).into());
                };
                let value = self.declared(ty, frame)?;
                for pattern in &l.patterns {
                    self.bind_pattern(pattern, value.clone(), frame)?;
                }
                Ok(())
            }
        }
    }

    fn family_index(
        &mut self,
        name: &smpc_grammar::ast::Name,
        frame: &mut Frame,
    ) -> Outcome<Vec<i128>> {
        let mut index = Vec::new();
        for expr in name.indices.iter().flatten() {
            index.push(self.int(expr, frame)?);
        }
        Ok(index)
    }

    pub fn bind_pattern(
        &mut self,
        pattern: &Pattern,
        value: Value,
        frame: &mut Frame,
    ) -> Outcome<()> {
        match (pattern, value) {
            (Pattern::Name(name), value) => {
                let index = self.family_index(name, frame)?;
                if name.ident.name != "_" {
                    frame.set(&name.ident.name, index, value);
                }
                Ok(())
            }
            (Pattern::Tuple(parts, span), Value::Tuple(values)) => {
                if parts.len() != values.len() {
                    return Err(Diagnostic::new(
                        "P05",
                        format!("{} names for {} values", parts.len(), values.len()),
                        *span,
                    )
                    .into());
                }
                for (part, value) in parts.iter().zip(values) {
                    self.bind_pattern(part, value, frame)?;
                }
                Ok(())
            }
            (Pattern::Tuple(..), Value::Poison) => Err(Fail(None)),
            (Pattern::Tuple(_, span), _) => {
                Err(Diagnostic::new("P05", "the value is no tuple", *span).into())
            }
        }
    }

    fn poison_pattern(&mut self, pattern: &Pattern, frame: &mut Frame) {
        match pattern {
            Pattern::Name(name) => {
                if let Ok(index) = self.family_index(name, frame) {
                    frame.set(&name.ident.name, index, Value::Poison);
                }
            }
            Pattern::Tuple(parts, _) => parts.iter().for_each(|p| self.poison_pattern(p, frame)),
        }
    }

    fn poison(&mut self, target: &Expr, frame: &mut Frame) {
        if let ExprKind::Tuple(parts) = &target.kind {
            parts.iter().for_each(|part| self.poison(part, frame));
            return;
        }
        if let Ok(Place::Name(name, index, _) | Place::Component(name, index, ..)) =
            self.place(target, true, frame)
        {
            frame.set(&name, index, Value::Poison);
        }
    }

    /// A set of parties: `P`, `P[i]`, `{D, P[0]}`.
    pub fn parties(&mut self, expr: &Expr, frame: &mut Frame) -> Outcome<PartySet> {
        match self.expr(expr, None, frame)? {
            Value::Party(party) => Ok(PartySet::from_iter([party])),
            Value::Parties(set) => Ok(set),
            Value::Poison => Err(Fail(None)),
            _ => Err(Diagnostic::new(
                "P04",
                format!("`{}` is no party", self.text(expr.span)),
                expr.span,
            )
            .into()),
        }
    }

    pub fn int(&mut self, expr: &Expr, frame: &mut Frame) -> Outcome<i128> {
        match self.expr(expr, None, frame)? {
            Value::Int(value) => Ok(value),
            Value::Poison => Err(Fail(None)),
            _ => Err(Diagnostic::new(
                "P05",
                format!("`{}` is no number known in advance", self.text(expr.span)),
                expr.span,
            )
            .into()),
        }
    }
}

/// A name by itself.
pub(crate) fn plain(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Path { path, generics } if path.segments.len() == 1 && generics.is_empty() => {
            Some(&path.segments[0].name)
        }
        _ => None,
    }
}

fn shape(kind: Kind) -> &'static str {
    match kind {
        Kind::Left => "left operand",
        Kind::Right => "right operand",
        Kind::Product => "product",
        Kind::Scalar => "scalars",
        _ => "operands",
    }
}
