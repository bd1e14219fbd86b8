//! A scheme's `share` equation and `holds` clauses as numbers: components, who holds them, how
//! they add up.

use crate::elem_name;
use smpc_grammar::ast::{BinaryOp, Comp, Expr, ExprKind, Ident, Scheme, SchemePartKind, UnaryOp};
use smpc_grammar::{Diagnostic, ast::Span};
use smpc_ir::party::{Elem, Party, PartySet};
use std::collections::BTreeMap;

/// A component's name: the field of `x.m[i]` if any, and its indices modulo n.
pub(crate) type Key = (Option<String>, Vec<i128>);

/// A scheme for one number of parties and one element type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance {
    /// The scheme's name.
    pub family: String,
    pub elem: Elem,
    pub keys: Vec<Key>,
    pub holders: Vec<PartySet>,
    /// Which components are known before the value.
    pub offline: Vec<bool>,
    /// The value is the sum of coefficient times component.
    pub reconstruction: Vec<i128>,
}

impl Instance {
    /// The component in which a public constant is embedded, among those `fits` accepts, and its
    /// coefficient there: with coefficient 1 if there is one.
    pub fn embedding(&self, fits: impl Fn(usize) -> bool) -> Option<(usize, i128)> {
        let find = |unit: i128| {
            (0..self.keys.len())
                .find(|&at| self.reconstruction[at] == unit && !self.offline[at] && fits(at))
        };
        find(1)
            .map(|at| (at, 1))
            .or_else(|| find(-1).map(|at| (at, -1)))
    }

    /// Orders plain components `x[0], x[1], …` by index; named ones stay as `holds` lists them.
    fn sort(&mut self) {
        if self.keys.iter().any(|key| key.0.is_some()) {
            return;
        }
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_by(|&a, &b| self.keys[a].cmp(&self.keys[b]));
        self.keys = order.iter().map(|&at| self.keys[at].clone()).collect();
        self.holders = order.iter().map(|&at| self.holders[at]).collect();
        self.offline = order.iter().map(|&at| self.offline[at]).collect();
        self.reconstruction = order.iter().map(|&at| self.reconstruction[at]).collect();
    }

    /// Position of a component.
    pub fn position(&self, key: &Key) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }

    pub fn title(&self) -> String {
        format!("{}<{}>", self.family, elem_name(self.elem))
    }
}

/// What does not depend on n or the element type.
#[derive(Clone, Debug)]
pub(crate) struct SchemeDef {
    pub scheme: Scheme,
    pub span: Span,
    /// The family of computing parties: its name, and how many.
    pub parties: Ident,
    pub count: Option<Expr>,
    /// Roles beside the parties: `dealer T;`.
    pub roles: Vec<(String, String)>,
    /// What keeps the scheme from being run: fields, keys, hidden coins, active adversaries.
    pub obstacle: Option<(Span, &'static str)>,
}

/// Reads the clauses that name parties.
pub(crate) fn define(scheme: &Scheme, span: Span) -> Result<SchemeDef, Box<Diagnostic>> {
    let (mut parties, mut roles, mut obstacle) = (None, Vec::new(), None);
    for part in &scheme.parts {
        let refuse = |what| Some((part.span, what));
        match &part.kind {
            SchemePartKind::Parties(name, _) => parties = Some(name.clone()),
            SchemePartKind::Role(role, party) => {
                roles.push((role.name.clone(), party.name.clone()));
            }
            SchemePartKind::Corrupt(_, modes) => {
                if modes.iter().any(|mode| mode.name != "semihonest") {
                    obstacle = obstacle.or(refuse("an active adversary"));
                }
            }
            SchemePartKind::Hidden(_) => obstacle = obstacle.or(refuse("hidden coins")),
            SchemePartKind::Key(..) => obstacle = obstacle.or(refuse("keys")),
            SchemePartKind::Share(..) | SchemePartKind::Holds(..) => {}
        }
    }
    let field = scheme.generics.iter().find(|generic| {
        matches!(generic.bound.as_ref().map(|bound| &bound.kind),
            Some(smpc_grammar::ast::TypeKind::Named { path, .. })
                if path.segments.last().is_some_and(|s| s.name == "Field"))
    });
    if let Some(field) = field {
        obstacle = Some((field.name.span, "a field"));
    }
    let Some(parties) = parties else {
        return Err(Box::new(
            Diagnostic::new(
                "P06",
                format!("scheme {} has no parties", scheme.name.name),
                scheme.name.span,
            )
            .help("write `parties P[3];`"),
        ));
    };
    let count = parties.indices.first().and_then(|list| list.first());
    Ok(SchemeDef {
        scheme: scheme.clone(),
        span,
        count: count.cloned(),
        parties: parties.ident,
        roles,
        obstacle,
    })
}

/// A linear form over components; the empty key's value is the secret itself.
#[derive(Clone, Debug, Default)]
struct Form {
    value: i128,
    constant: i128,
    components: BTreeMap<Key, i128>,
}

impl Form {
    fn scaled(mut self, factor: i128) -> Self {
        self.value = self.value.wrapping_mul(factor);
        self.constant = self.constant.wrapping_mul(factor);
        self.components
            .values_mut()
            .for_each(|c| *c = c.wrapping_mul(factor));
        self
    }

    fn plus(mut self, other: Self) -> Self {
        self.value = self.value.wrapping_add(other.value);
        self.constant = self.constant.wrapping_add(other.constant);
        for (key, coefficient) in other.components {
            let sum = self.components.entry(key).or_insert(0);
            *sum = sum.wrapping_add(coefficient);
        }
        self
    }

    fn literal(&self) -> Option<i128> {
        (self.value == 0 && self.components.is_empty()).then_some(self.constant)
    }
}

struct Reader<'a> {
    def: &'a SchemeDef,
    n: usize,
    /// The name of the secret in the `share` clauses.
    secret: String,
    indices: Vec<(String, i128)>,
}

impl Reader<'_> {
    fn bad(&self, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::new("P06", message, span))
    }

    fn number(&self, expr: &Expr) -> Result<i128, Box<Diagnostic>> {
        self.form(expr)?
            .literal()
            .ok_or_else(|| self.bad(expr.span, "expected a number"))
    }

    fn modulo(&self, index: i128) -> i128 {
        index.rem_euclid((self.n as i128).max(1))
    }

    fn key(&self, expr: &Expr) -> Result<Option<Key>, Box<Diagnostic>> {
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

    fn form(&self, expr: &Expr) -> Result<Form, Box<Diagnostic>> {
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
            ExprKind::Binary(left, op, right) => {
                let (left, right) = (self.form(left)?, self.form(right)?);
                match op {
                    BinaryOp::Add => Ok(left.plus(right)),
                    BinaryOp::Sub => Ok(left.plus(right.scaled(-1))),
                    BinaryOp::Mul => match (left.literal(), right.literal()) {
                        (Some(factor), _) => Ok(right.scaled(factor)),
                        (_, Some(factor)) => Ok(left.scaled(factor)),
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
                                def: self.def,
                                n: self.n,
                                secret: self.secret.clone(),
                                indices,
                            };
                            total = total.plus(inner.form(&arg.value)?);
                        }
                        Ok(total)
                    }
                    _ => Err(self.bad(expr.span, "a `share` equation is linear")),
                }
            }
            _ => match self.key(expr)? {
                Some(key) => Ok(Form {
                    components: [(key, 1)].into(),
                    ..Form::default()
                }),
                None => Err(self.bad(expr.span, "a `share` equation is linear in the components")),
            },
        }
    }

    /// The index assignments of `for P[i]`.
    fn members(&self, comp: Option<&Comp>) -> Result<Vec<Vec<(String, i128)>>, Box<Diagnostic>> {
        let mut all = vec![self.indices.clone()];
        for iter in comp.iter().flat_map(|comp| &comp.iters) {
            let Some(name) = self.binder(&iter.binder) else {
                return Err(self.bad(
                    iter.binder.span,
                    format!("expected `for {}[i]`", self.def.parties.name),
                ));
            };
            all = all
                .iter()
                .flat_map(|bound| {
                    (0..self.n as i128).map(|value| {
                        let mut bound = bound.clone();
                        bound.push((name.clone(), value));
                        bound
                    })
                })
                .collect();
        }
        Ok(all)
    }

    /// `i` of `P[i]`, if it is a fresh name.
    fn binder(&self, expr: &Expr) -> Option<String> {
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

/// The scheme among `n` parties over one element type.
pub(crate) fn instantiate(
    def: &SchemeDef,
    n: usize,
    elem: Elem,
) -> Result<Instance, Box<Diagnostic>> {
    if let Some((span, what)) = def.obstacle {
        return Err(Box::new(
            Diagnostic::new(
                "U01",
                format!(
                    "scheme {} uses {what}, which is not executable yet",
                    def.scheme.name.name
                ),
                span,
            )
            .help(
                "passively secure schemes over Z[2^k] and Bits[m] run: `smpc schemes` lists them",
            ),
        ));
    }
    let equations: Vec<_> = def
        .scheme
        .parts
        .iter()
        .filter_map(|part| match &part.kind {
            SchemePartKind::Share(left, right, comp) => Some((part.span, left, right, comp)),
            _ => None,
        })
        .collect();
    let [(span, left, right, None)] = equations.as_slice() else {
        return Err(Box::new(Diagnostic::new(
            "U01",
            format!(
                "scheme {} needs exactly one `share` equation to be executable",
                def.scheme.name.name
            ),
            def.span,
        )));
    };
    let secret = secret_name(left)
        .or_else(|| secret_name(right))
        .unwrap_or_else(|| "x".to_owned());
    let mut reader = Reader {
        def,
        n,
        secret,
        indices: Vec::new(),
    };
    let equation = reader.form(left)?.plus(reader.form(right)?.scaled(-1));
    let mut instance = Instance {
        family: def.scheme.name.name.clone(),
        elem,
        keys: Vec::new(),
        holders: Vec::new(),
        offline: Vec::new(),
        reconstruction: Vec::new(),
    };
    for part in &def.scheme.parts {
        let SchemePartKind::Holds(who, held) = &part.kind else {
            continue;
        };
        let binder = reader.binder(who);
        let count = if binder.is_some() { n as i128 } else { 1 };
        for value in 0..count {
            if let Some(name) = &binder {
                reader.indices = vec![(name.clone(), value)];
            }
            let party = holder(&reader, who)?;
            for item in held {
                let Some(key) = reader.key(&item.component)? else {
                    return Err(reader.bad(item.component.span, "expected a component"));
                };
                let at = match instance.position(&key) {
                    Some(at) => {
                        // Whether it precedes the value is a fact about the component.
                        instance.offline[at] |= item.offline;
                        at
                    }
                    None => {
                        let coefficient = equation.components.get(&key).copied().unwrap_or(0);
                        instance.keys.push(key);
                        instance.holders.push(PartySet::EMPTY);
                        instance.offline.push(item.offline);
                        instance
                            .reconstruction
                            .push(coefficient.wrapping_neg().wrapping_mul(equation.value));
                        instance.keys.len() - 1
                    }
                };
                let one = PartySet::from_iter([party]);
                instance.holders[at] = instance.holders[at].union(one);
            }
        }
    }
    instance.sort();
    let covered = equation
        .components
        .iter()
        .all(|(key, c)| *c == 0 || instance.position(key).is_some());
    if !matches!(equation.value, 1 | -1) || equation.constant != 0 || !covered {
        return Err(Box::new(
            Diagnostic::new(
                "P06",
                format!(
                    "the `share` equation of {} does not determine the value from held components",
                    def.scheme.name.name
                ),
                *span,
            )
            .help("every component of the equation needs a holder: `P[i] holds x[i];`"),
        ));
    }
    if instance.embedding(|_| true).is_none() {
        return Err(Box::new(Diagnostic::new(
            "P06",
            format!(
                "scheme {} has no component with coefficient 1 or -1",
                def.scheme.name.name
            ),
            *span,
        )));
    }
    Ok(instance)
}

/// The bare name in a `share` equation.
fn secret_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Path { path, .. } => path.segments.last().map(|s| s.name.clone()),
        ExprKind::Binary(left, _, right) => secret_name(left).or_else(|| secret_name(right)),
        ExprKind::Unary(_, inner) => secret_name(inner),
        _ => None,
    }
}

fn holder(reader: &Reader<'_>, who: &Expr) -> Result<Party, Box<Diagnostic>> {
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
