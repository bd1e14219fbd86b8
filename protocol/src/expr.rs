//! Expressions: clear values by plain operations, shares by what is linear.

use crate::build::Id;
use crate::elaborate::{Elab, plain};
use crate::operators::compare;
use crate::scheme::Instance;
use crate::value::{Fail, Frame, Outcome, Share, Value};
use crate::{elem_name, source};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, Expr, ExprKind, IndexArg, Span, StmtKind, UnaryOp};
use smpc_ir::decisions::Outcome as Decided;
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, Party, PartySet};

impl Elab<'_> {
    /// The value of an expression. `expected` is a share whose scheme `share(e)` deals into.
    pub fn expr(
        &mut self,
        expr: &Expr,
        expected: Option<&Value>,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number(text) => text.parse().map(Value::Int).map_err(|_| {
                Diagnostic::new("P05", format!("`{text}` is no integer"), span).into()
            }),
            ExprKind::Bool(value) => Ok(Value::Bool(*value)),
            ExprKind::Path { .. } => self.name(expr, frame),
            ExprKind::Index { base, indices } => self.index(expr, base, indices, frame),
            ExprKind::Component { base, indices } => match self.expr(base, None, frame)? {
                Value::Share(share) => {
                    let mut list = Vec::new();
                    for index in indices {
                        list.push(self.int(&index.value, frame)?);
                    }
                    self.read(&share, None, &list, span)
                }
                Value::Poison => Err(Fail(None)),
                _ => Err(Diagnostic::new("P05", "only a shared value has components", span).into()),
            },
            ExprKind::Field(base, field) => match self.expr(base, None, frame)? {
                Value::Share(share) => self.read(&share, Some(field.name.clone()), &[], span),
                Value::Poison => Err(Fail(None)),
                _ => Err(Diagnostic::new(
                    "P05",
                    format!("`{}` has no `{}`", self.text(base.span), field.name),
                    span,
                )
                .into()),
            },
            ExprKind::TupleField(base, digits) => match self.expr(base, None, frame)? {
                Value::Tuple(parts) => digits
                    .parse::<usize>()
                    .ok()
                    .and_then(|at| parts.get(at).cloned())
                    .ok_or_else(|| {
                        Diagnostic::new("P05", format!("the tuple has no `.{digits}`"), span).into()
                    }),
                Value::Poison => Err(Fail(None)),
                _ => Err(Diagnostic::new("P05", "not a tuple", span).into()),
            },
            ExprKind::Cast(inner, ty) => {
                let elem = self.elem_of_type(ty, frame)?;
                let value = self.expr(inner, None, frame)?;
                self.cast(value, elem, span)
            }
            ExprKind::Unary(UnaryOp::Neg, _)
            | ExprKind::Binary(_, BinaryOp::Add | BinaryOp::Sub, _) => {
                self.sum(expr, expected, frame)
            }
            ExprKind::Unary(op, inner) => {
                let value = self.expr(inner, expected, frame)?;
                self.complement(*op, value, span)
            }
            ExprKind::Binary(left, op, right) => {
                let l = self.expr(left, None, frame)?;
                let r = self.expr(right, None, frame)?;
                self.binary(l, *op, r, span, (left.span, right.span), frame)
            }
            ExprKind::Chain(first, rest) => {
                let mut left = self.int(first, frame)?;
                let mut holds = true;
                for (op, right) in rest {
                    let right = self.int(right, frame)?;
                    holds &= compare(*op, left, right).unwrap_or(false);
                    left = right;
                }
                self.decide(span, Decided::Is(holds));
                Ok(Value::Bool(holds))
            }
            ExprKind::Tuple(parts) => {
                let mut values = Vec::new();
                for part in parts {
                    values.push(self.expr(part, None, frame)?);
                }
                Ok(Value::Tuple(values))
            }
            ExprKind::Set(members) => self.set(members, frame),
            ExprKind::If(branch) if !branch.secret => {
                let Value::Bool(condition) = self.expr(&branch.condition, None, frame)? else {
                    return self.unsupported(span, "`if` on a value of the run");
                };
                self.decide(branch.condition.span, Decided::Is(condition));
                let block = match (condition, &branch.otherwise) {
                    (true, _) => &branch.then,
                    (false, Some(block)) => block,
                    (false, None) => return Ok(Value::Tuple(Vec::new())),
                };
                let Some((last, first)) = block.stmts.split_last() else {
                    return Ok(Value::Tuple(Vec::new()));
                };
                for stmt in first {
                    self.stmt(stmt, frame);
                }
                match &last.kind {
                    StmtKind::Expr { expr, value: true } => self.expr(expr, expected, frame),
                    _ => {
                        self.stmt(last, frame);
                        Ok(Value::Tuple(Vec::new()))
                    }
                }
            }
            ExprKind::Call { callee, args } => {
                if plain(callee) == Some("sum") {
                    return self.sum(expr, expected, frame);
                }
                self.call(expr, callee, args, expected, frame)
            }
            ExprKind::Share(inner) => {
                let value = self.expr(inner, None, frame)?;
                self.deal(value, expected, span, frame)
            }
            ExprKind::Comprehension(value, comp) => {
                let mut parts = Vec::new();
                self.over(Some(comp), frame, |me, frame| {
                    parts.push(me.expr(value, expected, frame)?);
                    Ok(())
                })?;
                Ok(Value::Tuple(parts))
            }
            ExprKind::Reveal(reveal) => {
                if reveal.to.is_some() || reveal.name.is_some() || !reveal.spends.is_empty() {
                    return Err(Diagnostic::new(
                        "P05",
                        "a protocol reveals to all computing parties, or calls `reveal<D>(x)`",
                        span,
                    )
                    .into());
                }
                let value = self.expr(&reveal.value, None, frame)?;
                let value = self.sound(value)?;
                self.call_named("reveal", vec![value], &[], span, frame)
            }
            ExprKind::Repeat(inner, sizes) => self.repeat(inner, sizes, span, frame),
            ExprKind::Text(_)
            | ExprKind::Array(_)
            | ExprKind::Cardinality(_)
            | ExprKind::If(_)
            | ExprKind::While(_)
            | ExprKind::Lambda(..)
            | ExprKind::Range { .. } => self.unsupported(span, "this expression in a protocol"),
        }
    }

    /// `[e; m]`: e apart for each row of a tensor parameter, in one go.
    fn repeat(
        &mut self,
        inner: &Expr,
        sizes: &[Expr],
        span: Span,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        for size in sizes {
            if !matches!(self.expr(size, None, frame)?, Value::Rows) {
                return self
                    .unsupported(span, "an array of another length than a tensor parameter");
            }
        }
        let outer = std::mem::replace(&mut self.repeated, true);
        let value = self.expr(inner, None, frame);
        self.repeated = outer;
        Ok(match value? {
            Value::Share(share) => Value::Share(Share {
                rows: true,
                ..share
            }),
            value => value,
        })
    }

    fn name(&mut self, expr: &Expr, frame: &Frame) -> Outcome<Value> {
        let span = expr.span;
        let Some(name) = plain(expr) else {
            return Err(Diagnostic::new("P04", "unknown name", span).into());
        };
        if let Some(value) = frame.get(name) {
            if frame.widths.contains(name) {
                self.reads_width();
            }
            return match value {
                Value::Poison => Err(Fail(None)),
                value => Ok(value),
            };
        }
        if name == self.def.parties.name {
            return Ok(Value::Parties(self.computing()));
        }
        if let Some(at) = self.def.roles.iter().position(|(_, role)| role == name) {
            return Ok(Value::Party(Party((self.n + at) as u8)));
        }
        if frame.pending.contains_key(name) {
            return Err(Diagnostic::new(
                "K05",
                format!("`{name}` is read before it is defined"),
                span,
            )
            .into());
        }
        if let Some(value) = frame.inherited.get(name).or_else(|| self.globals.get(name)) {
            let value = *value;
            if self.is_width(name, frame) {
                self.reads_width();
            }
            return Ok(Value::Int(value));
        }
        let close = frame
            .vars
            .keys()
            .find(|known| known.eq_ignore_ascii_case(name));
        let error = Diagnostic::new("P04", format!("unknown name `{name}`"), span);
        Err(match close {
            Some(close) => error.help(format!("did you mean `{close}`?")),
            None => error,
        }
        .into())
    }

    fn set(&mut self, members: &[Expr], frame: &mut Frame) -> Outcome<Value> {
        let (mut parties, mut numbers) = (PartySet::EMPTY, Vec::new());
        for member in members {
            match self.expr(member, None, frame)? {
                Value::Party(party) => parties = parties.union(PartySet::from_iter([party])),
                Value::Parties(set) => parties = parties.union(set),
                Value::Int(value) => numbers.push(value),
                Value::Poison => return Err(Fail(None)),
                _ => {
                    return Err(Diagnostic::new(
                        "P05",
                        "a set holds parties or numbers",
                        member.span,
                    )
                    .into());
                }
            }
        }
        if numbers.is_empty() {
            return Ok(Value::Parties(parties));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Value::Set(numbers))
    }

    /// Reads a component.
    fn read(
        &mut self,
        share: &Share,
        field: Option<String>,
        index: &[i128],
        span: Span,
    ) -> Outcome<Value> {
        let at = self.component(&share.instance, field, index, span)?;
        self.decide(span, Decided::At(at as i128));
        match share.components[at] {
            Some(id) => Ok(Value::Clear(id)),
            None => Err(Diagnostic::new(
                "K05",
                format!("`{}` is read before it is defined", self.text(span)),
                span,
            )
            .into()),
        }
    }

    fn index(
        &mut self,
        expr: &Expr,
        base: &Expr,
        indices: &[IndexArg],
        frame: &mut Frame,
    ) -> Outcome<Value> {
        let span = expr.span;
        if let ExprKind::Field(of, field) = &base.kind {
            let of = self.expr(of, None, frame)?;
            if field.name == "bits" {
                return self.bit_range(of, indices, span, frame);
            }
            let mut list = Vec::new();
            for index in indices {
                list.push(self.int(&index.value, frame)?);
            }
            return match of {
                Value::Share(share) => self.read(&share, Some(field.name.clone()), &list, span),
                _ => Err(Diagnostic::new("P05", "only a shared value has components", span).into()),
            };
        }
        if let Some(name) = plain(base)
            && !frame.indices.iter().any(|(n, _)| n == name)
        {
            if name == self.def.parties.name
                && let [one] = indices
            {
                let at = self.int(&one.value, frame)?;
                let at = at.rem_euclid(self.n.max(1) as i128);
                self.decide(span, Decided::At(at));
                return Ok(Value::Party(Party(at as u8)));
            }
            if frame.get(name).is_none()
                && self.def.keys.iter().any(|key| key.name.ident.name == name)
                && let [one] = indices
            {
                let at = self.int(&one.value, frame)?;
                return self.key(name, at, span).map(Value::Clear);
            }
            let family = frame
                .vars
                .get(name)
                .is_some_and(|family| family.keys().any(|k| !k.is_empty()));
            if family && frame.get(name).is_none() {
                let mut list = Vec::new();
                for index in indices {
                    list.push(self.int(&index.value, frame)?);
                }
                self.decide_member(indices, &list, frame);
                let at = self.member(name, &list, frame);
                return match frame.vars.get(name).and_then(|family| family.get(&at)) {
                    Some(Value::Poison) => Err(Fail(None)),
                    Some(value) => Ok(value.clone()),
                    None => Err(Diagnostic::new(
                        "K05",
                        format!("`{}` is read before it is defined", self.text(span)),
                        span,
                    )
                    .label(span, format!("this is `{name}[{}]`", join(&list)))
                    .into()),
                };
            }
        }
        if let [one] = indices
            && let Some(row) = plain(&one.value)
            && matches!(frame.get(row), Some(Value::Row))
        {
            // The row of a sum over all rows: the vector itself.
            return Ok(match self.expr(base, None, frame)? {
                Value::Share(share) => Value::Share(Share {
                    rows: false,
                    ..share
                }),
                value => value,
            });
        }
        match self.expr(base, None, frame)? {
            Value::Share(share) if !share.rows => {
                let mut list = Vec::new();
                for index in indices {
                    list.push(self.int(&index.value, frame)?);
                }
                self.read(&share, None, &list, span)
            }
            Value::Share(share) => {
                let order = self.order(indices, frame)?;
                let mut result = share.clone();
                for id in result.components.iter_mut().flatten() {
                    *id = self.gather(*id, order, span)?;
                }
                Ok(Value::Share(result))
            }
            Value::Clear(id) => {
                if let (Elem::Bits(_), [one]) = (self.b.elem(id), indices)
                    && matches!(self.expr(&one.value, None, frame), Ok(Value::Int(_)))
                {
                    return self.bit_range(Value::Clear(id), indices, span, frame);
                }
                let order = self.order(indices, frame)?;
                Ok(Value::Clear(self.gather(id, order, span)?))
            }
            Value::Poison => Err(Fail(None)),
            _ => Err(Diagnostic::new(
                "P05",
                format!("`{}` cannot be indexed", self.text(base.span)),
                span,
            )
            .into()),
        }
    }

    fn gather(&mut self, id: Id, order: Id, span: Span) -> Outcome<Id> {
        self.b
            .layout(Local::Gather, &[id, order], source(span))
            .map_err(|fault| self.fault(fault, span, &[(span, id), (span, order)]))
    }

    fn order(&mut self, indices: &[IndexArg], frame: &mut Frame) -> Outcome<Id> {
        let [one] = indices else {
            return Err(Fail(None));
        };
        match self.expr(&one.value, None, frame)? {
            Value::Clear(id) => Ok(id),
            Value::Poison => Err(Fail(None)),
            _ => Err(
                Diagnostic::new("P05", "rows are reordered by a permutation", one.value.span)
                    .help(
                        "on a tensor `[...]` is a row and `.[i]` the component of the whole tensor",
                    )
                    .into(),
            ),
        }
    }

    /// `x.bits[a..b]`, `x.bits[i]`; `x.bits[a..b, s]`: bits a, a + s, a + 2 s and so on.
    fn bit_range(
        &mut self,
        value: Value,
        indices: &[IndexArg],
        span: Span,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        // How many bits there are before and behind them differs.
        self.reads_width();
        let (one, step) = match indices {
            [one] => (one, 1),
            [range, step] if matches!(range.value.kind, ExprKind::Range { .. }) => {
                (range, self.int(&step.value, frame)?)
            }
            _ => {
                let help = "write `x.bits[i]`, `x.bits[a..b]` or `x.bits[a..b, step]`";
                let error = Diagnostic::new("P05", "one index or one range of bits", span);
                return Err(error.help(help).into());
            }
        };
        let Some(step) = i8::try_from(step).ok().filter(|step| *step > 0) else {
            return Err(Diagnostic::new("P05", "the step is 1 to 127", span).into());
        };
        let (start, end) = match &one.value.kind {
            ExprKind::Range {
                start,
                end,
                inclusive,
            } => (
                self.int(start, frame)?,
                self.int(end, frame)?.saturating_add(i128::from(*inclusive)),
            ),
            _ => {
                let at = self.int(&one.value, frame)?;
                (at, at.saturating_add(1))
            }
        };
        let width = match &value {
            Value::Share(share) => share.instance.elem,
            Value::Clear(id) => self.b.elem(*id),
            _ => Elem::Fix,
        };
        match width {
            Elem::Bits(m) if 0 <= start && start < end && end <= i128::from(m) => {
                let width = ((end - start) as u8).div_ceil(step.cast_unsigned());
                self.bit_slice(value, start as u8, step, width, span)
            }
            Elem::Bits(m) => {
                Err(Diagnostic::new("P05", format!("bits {start}..{end} of {m}"), span).into())
            }
            _ => Err(Diagnostic::new("P05", "only Bits[m] has bits", span).into()),
        }
    }

    pub fn bit_slice(
        &mut self,
        value: Value,
        start: u8,
        step: i8,
        width: u8,
        span: Span,
    ) -> Outcome<Value> {
        let prim = Prim::BitSlice { start, step };
        self.map(value, prim, None, Elem::Bits(width), span)
    }

    /// A linear function, component by component; `amount` is its second operand.
    pub fn map(
        &mut self,
        value: Value,
        prim: Prim,
        amount: Option<Id>,
        elem: Elem,
        span: Span,
    ) -> Outcome<Value> {
        let one = |me: &mut Self, id: Id| {
            let args: Vec<Id> = std::iter::once(id).chain(amount).collect();
            me.b.prim(prim, &args, elem, source(span))
                .map_err(|fault| me.fault(fault, span, &[(span, id)]))
        };
        match value {
            Value::Clear(id) => Ok(Value::Clear(one(self, id)?)),
            Value::Share(share) => {
                let mut components = Vec::new();
                for component in &share.components {
                    let id = component.ok_or(Fail(None))?;
                    components.push(Some(one(self, id)?));
                }
                let instance = if elem == share.instance.elem {
                    share.instance.clone()
                } else {
                    let Instance { family, params, .. } = &*share.instance;
                    self.instance(family, elem, params, span)?
                };
                Ok(Value::Share(Share {
                    instance,
                    components,
                    rows: share.rows,
                }))
            }
            Value::Poison => Err(Fail(None)),
            _ => Err(Diagnostic::new("P05", "expected a clear or a shared value", span).into()),
        }
    }

    pub fn cast(&mut self, value: Value, elem: Elem, span: Span) -> Outcome<Value> {
        match value {
            Value::Share(share) if share.instance.elem == elem => Ok(Value::Share(share)),
            // Bits are lengthened by zeros and cut component by component.
            Value::Share(share)
                if matches!((share.instance.elem, elem), (Elem::Bits(_), Elem::Bits(_))) =>
            {
                self.map(Value::Share(share), Prim::Cast, None, elem, span)
            }
            Value::Share(share) => Err(Diagnostic::new(
                "P01",
                format!(
                    "a shared {} is not converted to {} by `as`",
                    elem_name(share.instance.elem),
                    elem_name(elem)
                ),
                span,
            )
            .help("use a protocol: `to_bits`, `bit_to_ring`")
            .into()),
            Value::Clear(id) => self.map(Value::Clear(id), Prim::Cast, None, elem, span),
            other => Ok(Value::Clear(self.clear(other, elem, span)?)),
        }
    }

    fn complement(&mut self, op: UnaryOp, value: Value, span: Span) -> Outcome<Value> {
        match value {
            Value::Bool(value) if op == UnaryOp::Not => Ok(Value::Bool(!value)),
            Value::Clear(id) => {
                let elem = self.b.elem(id);
                self.map(Value::Clear(id), Prim::Not, None, elem, span)
            }
            Value::Share(share) if matches!(share.instance.elem, Elem::Bits(_)) => {
                let ones = self.b.constant(-1, share.instance.elem, source(span));
                let instance = share.instance.clone();
                let ones = self.embed(ones, &instance, span)?;
                Ok(Value::Share(self.add_shares(&share, &ones, false, span)?))
            }
            Value::Poison => Err(Fail(None)),
            _ => Err(Diagnostic::new("P05", "only Bits[m] has a complement", span).into()),
        }
    }
}

fn join(index: &[i128]) -> String {
    let parts: Vec<String> = index.iter().map(i128::to_string).collect();
    parts.join(",")
}
