//! The clauses of a scheme read as linear forms and numbers.

use crate::scheme::{Key, SchemeDef};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, Comp, Expr, ExprKind, Iter, Span, UnaryOp};
use smpc_ir::party::Party;
use std::collections::BTreeMap;

/// A linear form over components, hidden coins and the value that is shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub value: i128,
    pub constant: i128,
    pub components: BTreeMap<Key, i128>,
    pub coins: BTreeMap<(String, Vec<i128>), i128>,
    /// Keys by themselves: to be multiplied by the value.
    pub keys: BTreeMap<(String, i128), i128>,
    /// Keys times the value.
    pub keyed: BTreeMap<(String, i128), i128>,
}

impl Form {
    pub fn scaled(mut self, factor: i128) -> Self {
        self.value = self.value.wrapping_mul(factor);
        self.constant = self.constant.wrapping_mul(factor);
        self.components
            .values_mut()
            .chain(self.coins.values_mut())
            .chain(self.keys.values_mut())
            .chain(self.keyed.values_mut())
            .for_each(|c| *c = c.wrapping_mul(factor));
        self
    }

    pub fn plus(mut self, other: Self) -> Self {
        self.value = self.value.wrapping_add(other.value);
        self.constant = self.constant.wrapping_add(other.constant);
        for (key, coefficient) in other.components {
            let sum = self.components.entry(key).or_insert(0);
            *sum = sum.wrapping_add(coefficient);
        }
        for (coin, coefficient) in other.coins {
            let sum = self.coins.entry(coin).or_insert(0);
            *sum = sum.wrapping_add(coefficient);
        }
        for (mine, theirs) in [(&mut self.keys, other.keys), (&mut self.keyed, other.keyed)] {
            for (key, coefficient) in theirs {
                let sum = mine.entry(key).or_insert(0);
                *sum = sum.wrapping_add(coefficient);
            }
        }
        self
    }

    /// Keys and nothing else.
    fn is_keys(&self) -> bool {
        !self.keys.is_empty()
            && self.value == 0
            && self.constant == 0
            && self.components.is_empty()
            && self.coins.is_empty()
            && self.keyed.is_empty()
    }

    /// A multiple of the value and nothing else.
    fn is_value(&self) -> bool {
        self.constant == 0
            && self.components.is_empty()
            && self.coins.is_empty()
            && self.keys.is_empty()
            && self.keyed.is_empty()
    }

    fn times_value(self, factor: i128) -> Self {
        let own = self.keys.into_iter();
        Self {
            keyed: own.map(|(key, c)| (key, c.wrapping_mul(factor))).collect(),
            ..Self::default()
        }
    }

    fn literal(&self) -> Option<i128> {
        let plain = self.value == 0 && self.components.is_empty() && self.coins.is_empty();
        (plain && self.keys.is_empty() && self.keyed.is_empty()).then_some(self.constant)
    }
}

#[derive(Clone)]
pub(crate) struct Reader<'a> {
    pub def: &'a SchemeDef,
    pub n: usize,
    /// The scheme's numbers: a degree, a width.
    pub numbers: BTreeMap<String, i128>,
    /// Names of hidden coins.
    pub hidden: Vec<String>,
    /// The name of the secret in the `share` clauses.
    pub secret: String,
    pub indices: Vec<(String, i128)>,
}

impl Reader<'_> {
    pub fn bad(&self, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::new("P06", message, span))
    }

    pub fn number(&self, expr: &Expr) -> Result<i128, Box<Diagnostic>> {
        self.form(expr)?
            .literal()
            .ok_or_else(|| self.bad(expr.span, "expected a number"))
    }

    fn modulo(&self, index: i128) -> i128 {
        index.rem_euclid((self.n as i128).max(1))
    }

    pub fn key(&self, expr: &Expr) -> Result<Option<Key>, Box<Diagnostic>> {
        let name = |expr: &Expr| match &expr.kind {
            ExprKind::Path { path, .. } if path.segments.len() == 1 => {
                Some(path.segments[0].name.clone())
            }
            _ => None,
        };
        Ok(match &expr.kind {
            ExprKind::Field(base, field) if name(base).is_some() => {
                Some((Some(field.name.clone()), Vec::new()))
            }
            ExprKind::Index { base, indices } => {
                let mut list = Vec::new();
                for index in indices {
                    list.push(self.modulo(self.number(&index.value)?));
                }
                match &base.kind {
                    ExprKind::Field(of, field) if name(of).is_some() => {
                        Some((Some(field.name.clone()), list))
                    }
                    _ if name(base).is_some() => Some((None, list)),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    pub fn form(&self, expr: &Expr) -> Result<Form, Box<Diagnostic>> {
        let constant = |constant| Form {
            constant,
            ..Form::default()
        };
        match &expr.kind {
            ExprKind::Number(text) => text
                .parse()
                .map(constant)
                .map_err(|_| self.bad(expr.span, "expected an integer")),
            ExprKind::Path { path, .. } if path.segments.len() == 1 => {
                let name = &path.segments[0].name;
                if let Some((_, value)) = self.indices.iter().rev().find(|(n, _)| n == name) {
                    return Ok(constant(*value));
                }
                if let Some(value) = self.numbers.get(name) {
                    return Ok(constant(*value));
                }
                if name == "n" {
                    return Ok(constant(self.n as i128));
                }
                if *name == self.secret {
                    return Ok(Form {
                        value: 1,
                        ..Form::default()
                    });
                }
                Err(self.bad(expr.span, format!("`{name}` is no component and no index")))
            }
            ExprKind::Unary(UnaryOp::Neg, inner) => Ok(self.form(inner)?.scaled(-1)),
            ExprKind::Tuple(parts) if parts.len() == 1 => self.form(&parts[0]),
            ExprKind::Binary(left, op @ (BinaryOp::Pow | BinaryOp::Div), right) => {
                let (base, by) = (self.number(left)?, self.number(right)?);
                let value = match op {
                    BinaryOp::Pow => u32::try_from(by).ok().and_then(|by| base.checked_pow(by)),
                    _ => base.checked_div_euclid(by),
                };
                value
                    .map(constant)
                    .ok_or_else(|| self.bad(expr.span, "this number is too large here"))
            }
            ExprKind::Binary(left, op, right) => {
                let (left, right) = (self.form(left)?, self.form(right)?);
                match op {
                    BinaryOp::Add => Ok(left.plus(right)),
                    BinaryOp::Sub => Ok(left.plus(right.scaled(-1))),
                    BinaryOp::Mul => match (left.literal(), right.literal()) {
                        (Some(factor), _) => Ok(right.scaled(factor)),
                        (_, Some(factor)) => Ok(left.scaled(factor)),
                        _ if left.is_keys() && right.is_value() => {
                            Ok(left.times_value(right.value))
                        }
                        _ if right.is_keys() && left.is_value() => {
                            Ok(right.times_value(left.value))
                        }
                        _ => Err(self.bad(expr.span, "a `share` equation is linear")),
                    },
                    _ => Err(self.bad(expr.span, "a `share` equation is linear")),
                }
            }
            ExprKind::Call { callee, args } => {
                let sum = matches!(&callee.kind, ExprKind::Path { path, .. }
                    if path.segments.last().is_some_and(|s| s.name == "sum"));
                match args.as_slice() {
                    [arg] if sum && arg.comp.is_some() => {
                        let mut total = Form::default();
                        for indices in self.members(arg.comp.as_ref())? {
                            let inner = Reader {
                                indices,
                                ..self.clone()
                            };
                            total = total.plus(inner.form(&arg.value)?);
                        }
                        Ok(total)
                    }
                    _ => Err(self.bad(expr.span, "a `share` equation is linear")),
                }
            }
            _ => match self.key(expr)? {
                Some((None, index))
                    if let [at] = index[..]
                        && let Some(name) = self.key_family(expr) =>
                {
                    Ok(Form {
                        keys: [((name, at), 1)].into(),
                        ..Form::default()
                    })
                }
                // Hidden coins are numbered as written, not modulo n.
                Some((None, _)) if let Some(coin) = self.coin(expr)? => Ok(Form {
                    coins: [(coin, 1)].into(),
                    ..Form::default()
                }),
                Some(key) => Ok(Form {
                    components: [(key, 1)].into(),
                    ..Form::default()
                }),
                None => Err(self.bad(expr.span, "a `share` equation is linear in the components")),
            },
        }
    }

    /// The name of a family of keys that is indexed.
    fn key_family(&self, expr: &Expr) -> Option<String> {
        let ExprKind::Index { base, .. } = &expr.kind else {
            return None;
        };
        let name = crate::elaborate::plain(base)?;
        let mut keys = self.def.keys.iter();
        keys.any(|key| key.name.ident.name == name)
            .then(|| name.to_owned())
    }

    /// A hidden coin: its name and indices.
    fn coin(&self, expr: &Expr) -> Result<Option<(String, Vec<i128>)>, Box<Diagnostic>> {
        let ExprKind::Index { base, indices } = &expr.kind else {
            return Ok(None);
        };
        let name = match &base.kind {
            ExprKind::Path { path, .. } if path.segments.len() == 1 => &path.segments[0].name,
            _ => return Ok(None),
        };
        if !self.hidden.contains(name) {
            return Ok(None);
        }
        let mut list = Vec::new();
        for index in indices {
            list.push(self.number(&index.value)?);
        }
        Ok(Some((name.clone(), list)))
    }

    /// A condition on numbers.
    pub fn holds(&self, expr: &Expr) -> Result<bool, Box<Diagnostic>> {
        let compare = |op: BinaryOp, left: &Expr, right: &Expr| {
            let (a, b) = (self.number(left)?, self.number(right)?);
            crate::operators::compare(op, a, b)
                .ok_or_else(|| self.bad(expr.span, "expected a comparison of numbers"))
        };
        match &expr.kind {
            ExprKind::Tuple(parts) if parts.len() == 1 => self.holds(&parts[0]),
            ExprKind::Unary(UnaryOp::Not, inner) => Ok(!self.holds(inner)?),
            ExprKind::Binary(left, BinaryOp::And, right) => {
                Ok(self.holds(left)? && self.holds(right)?)
            }
            ExprKind::Binary(left, BinaryOp::Or, right) => {
                Ok(self.holds(left)? || self.holds(right)?)
            }
            ExprKind::Binary(left, op, right) => compare(*op, left, right),
            ExprKind::Chain(first, rest) => {
                let mut left = &**first;
                for (op, right) in rest {
                    if !compare(*op, left, right)? {
                        return Ok(false);
                    }
                    left = right;
                }
                Ok(true)
            }
            _ => Err(self.bad(expr.span, "expected a comparison of numbers")),
        }
    }

    /// The index assignments of `for P[i]` and `for j in a..b`.
    pub fn members(
        &self,
        comp: Option<&Comp>,
    ) -> Result<Vec<Vec<(String, i128)>>, Box<Diagnostic>> {
        let mut all = vec![self.indices.clone()];
        for iter in comp.iter().flat_map(|comp| &comp.iters) {
            let mut next = Vec::new();
            for bound in all {
                let reader = Reader {
                    indices: bound.clone(),
                    ..self.clone()
                };
                let (name, values) = reader.iteration(iter)?;
                for value in values {
                    let mut bound = bound.clone();
                    bound.push((name.clone(), value));
                    next.push(bound);
                }
            }
            all = next;
        }
        let Some(guard) = comp.and_then(|comp| comp.guard.as_ref()) else {
            return Ok(all);
        };
        let mut kept = Vec::new();
        for indices in all {
            let reader = Reader {
                indices,
                ..self.clone()
            };
            if reader.holds(guard)? {
                kept.push(reader.indices);
            }
        }
        Ok(kept)
    }

    fn iteration(&self, iter: &Iter) -> Result<(String, std::ops::Range<i128>), Box<Diagnostic>> {
        let bad = || {
            let family = &self.def.parties.name;
            let text = format!("expected `for {family}[i]` or `for j in a..b`");
            self.bad(iter.binder.span, text)
        };
        let Some(over) = &iter.over else {
            let name = self.binder(&iter.binder).ok_or_else(bad)?;
            return Ok((name, 0..self.n as i128));
        };
        let (Some(name), Some((start, end))) =
            (crate::elaborate::plain(&iter.binder), self.range(over)?)
        else {
            return Err(bad());
        };
        if end.saturating_sub(start) > 4096 {
            return Err(self.bad(over.span, "more than 4096 steps"));
        }
        Ok((name.to_owned(), start..end))
    }

    /// The bounds of a range.
    fn range(&self, expr: &Expr) -> Result<Option<(i128, i128)>, Box<Diagnostic>> {
        let ExprKind::Range {
            start,
            end,
            inclusive,
        } = &expr.kind
        else {
            return Ok(None);
        };
        let (start, end) = (self.number(start)?, self.number(end)?);
        Ok(Some((start, end.saturating_add(i128::from(*inclusive)))))
    }

    /// `i` of `P[i]`, if it is a fresh name.
    pub fn binder(&self, expr: &Expr) -> Option<String> {
        let ExprKind::Index { base, indices } = &expr.kind else {
            return None;
        };
        let family = matches!(&base.kind, ExprKind::Path { path, .. }
            if path.segments.len() == 1 && path.segments[0].name == self.def.parties.name);
        match indices.as_slice() {
            [one] if family => match &one.value.kind {
                ExprKind::Path { path, .. } if path.segments.len() == 1 => {
                    let name = &path.segments[0].name;
                    let bound = self.indices.iter().any(|(n, _)| n == name);
                    (!bound && name != "n").then(|| name.clone())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// The bare name in a `share` equation.
pub(crate) fn secret_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Path { path, .. } => path.segments.last().map(|s| s.name.clone()),
        ExprKind::Binary(left, _, right) => secret_name(left).or_else(|| secret_name(right)),
        ExprKind::Unary(_, inner) => secret_name(inner),
        _ => None,
    }
}

pub(crate) fn holder(reader: &Reader<'_>, who: &Expr) -> Result<Party, Box<Diagnostic>> {
    let roles = &reader.def.roles;
    match &who.kind {
        ExprKind::Index { base, indices } if indices.len() == 1 => {
            let family = matches!(&base.kind, ExprKind::Path { path, .. }
                if path.segments.last().is_some_and(|s| s.name == reader.def.parties.name));
            if family {
                let index = reader.modulo(reader.number(&indices[0].value)?);
                return Ok(Party(index as u8));
            }
        }
        ExprKind::Path { path, .. } => {
            let role = roles
                .iter()
                .position(|(_, name)| path.segments.last().is_some_and(|s| s.name == *name));
            if let Some(at) = role {
                return Ok(Party((reader.n + at) as u8));
            }
        }
        _ => {}
    }
    Err(reader.bad(who.span, "unknown party"))
}
