//! What can be assigned or sent: names, members of families, components.

use crate::elaborate::{Elab, plain};
use crate::scheme::Instance;
use crate::value::{Fail, Frame, Outcome, Place, Share, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Assign, Expr, ExprKind, Span};
use smpc_ir::decisions::Outcome as Decided;

impl Elab<'_> {
    /// The index of a family member: as written if there is one, else modulo n.
    pub fn member(&self, name: &str, index: &[i128], frame: &Frame) -> Vec<i128> {
        let wrapped: Vec<i128> = index
            .iter()
            .map(|i| i.rem_euclid(self.n.max(1) as i128))
            .collect();
        match frame.vars.get(name) {
            Some(family) if !family.contains_key(index) && family.contains_key(&wrapped) => wrapped,
            _ => index.to_vec(),
        }
    }

    /// What an expression names, if it can be assigned or sent.
    pub fn place(&mut self, expr: &Expr, define: bool, frame: &mut Frame) -> Outcome<Place> {
        let bad = || {
            Diagnostic::new("P05", "expected a name or a component", expr.span)
                .help("bind the value to a name first: `let e = …;`")
        };
        if let Some(name) = plain(expr) {
            return Ok(if name == "_" {
                Place::Nothing
            } else {
                Place::Name(name.to_owned(), Vec::new(), expr.span)
            });
        }
        let (base, field, indices) = match &expr.kind {
            ExprKind::Index { base, indices } | ExprKind::Component { base, indices } => {
                match &base.kind {
                    ExprKind::Field(of, field) => {
                        (&**of, Some(field.name.clone()), indices.as_slice())
                    }
                    _ => (&**base, None, indices.as_slice()),
                }
            }
            ExprKind::Field(of, field) => (&**of, Some(field.name.clone()), [].as_slice()),
            _ => return Err(bad().into()),
        };
        let mut list = Vec::new();
        for index in indices {
            list.push(self.int(&index.value, frame)?);
        }
        let component = matches!(expr.kind, ExprKind::Component { .. });
        let Place::Name(name, index, _) = self.place(base, define, frame)? else {
            return Err(bad().into());
        };
        if let Some(Value::Poison) = frame.get(&name) {
            return Err(Fail(None));
        }
        if index.is_empty() && field.is_none() && !component {
            let plain_share = matches!(frame.get(&name), Some(Value::Share(_)));
            if !plain_share {
                let list = if define {
                    list
                } else {
                    self.member(&name, &list, frame)
                };
                return Ok(Place::Name(name, list, expr.span));
            }
        }
        let slot = frame.vars.get(&name).and_then(|family| family.get(&index));
        let instance = match slot {
            Some(Value::Share(share)) => share.instance.clone(),
            Some(Value::Poison) => return Err(Fail(None)),
            Some(_) => return Err(bad().into()),
            None => {
                // A new member of a family of shares, defined by its components.
                let sibling = frame.vars.get(&name).and_then(|family| {
                    family.values().find_map(|value| match value {
                        Value::Share(share) => Some(share.clone()),
                        _ => None,
                    })
                });
                let Some(sibling) = sibling else {
                    return Err(Diagnostic::new(
                        "P04",
                        format!("unknown name `{}`", self.text(base.span)),
                        base.span,
                    )
                    .into());
                };
                let fresh = Share {
                    components: vec![None; sibling.instance.keys.len()],
                    ..sibling
                };
                let instance = fresh.instance.clone();
                frame.set(&name, index.clone(), Value::Share(fresh));
                instance
            }
        };
        let at = self.component(&instance, field, &list, expr.span)?;
        self.decide(expr.span, Decided::At(at as i128));
        Ok(Place::Component(name, index, at, expr.span))
    }

    /// Position of a component; indices are modulo n.
    pub fn component(
        &self,
        instance: &Instance,
        field: Option<String>,
        index: &[i128],
        span: Span,
    ) -> Outcome<usize> {
        let index = index
            .iter()
            .map(|i| i.rem_euclid(self.n.max(1) as i128))
            .collect();
        instance.position(&(field, index)).ok_or_else(|| {
            Diagnostic::new(
                "P04",
                format!("{} has no component `{}`", instance.family, self.text(span)),
                span,
            )
            .into()
        })
    }

    /// The element type a place will hold, where that is declared.
    pub fn expected(&self, place: &Place, frame: &Frame) -> Option<Value> {
        match place {
            Place::Name(name, index, _) => match frame.vars.get(name)?.get(index)? {
                value @ Value::Share(_) => Some(value.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn assign(&mut self, a: &Assign, span: Span, frame: &mut Frame) -> Outcome<()> {
        if a.op.is_some() {
            return Err(Diagnostic::new(
                "K06",
                "a name in a protocol is defined once: no `+=`",
                span,
            )
            .into());
        }
        if let ExprKind::Tuple(targets) = &a.target.kind {
            let Value::Tuple(values) = self.expr(&a.value, None, frame)? else {
                return Err(Diagnostic::new("P05", "the value is no tuple", a.value.span).into());
            };
            if targets.len() != values.len() {
                return Err(Diagnostic::new(
                    "P05",
                    format!("{} names for {} values", targets.len(), values.len()),
                    a.target.span,
                )
                .into());
            }
            for (target, value) in targets.iter().zip(values) {
                let place = self.place(target, true, frame)?;
                self.store(place, value, a.value.span, frame)?;
            }
            return Ok(());
        }
        let place = self.place(&a.target, true, frame)?;
        let expected = self.expected(&place, frame);
        let value = self.expr(&a.value, expected.as_ref(), frame)?;
        self.store(place, value, a.value.span, frame)
    }

    pub fn twice<T>(&self, span: Span) -> Outcome<T> {
        Err(Diagnostic::new(
            "K06",
            format!("`{}` is defined twice", self.text(span)),
            span,
        )
        .help("components and results are defined once; use another name")
        .into())
    }

    pub fn store(
        &mut self,
        place: Place,
        value: Value,
        span: Span,
        frame: &mut Frame,
    ) -> Outcome<()> {
        match place {
            Place::Nothing => Ok(()),
            Place::Component(name, index, at, target) => {
                let Some(Value::Share(share)) = frame
                    .vars
                    .get(&name)
                    .and_then(|family| family.get(&index))
                    .cloned()
                else {
                    return Err(Fail(None));
                };
                if share.components[at].is_some() {
                    return self.twice(target);
                }
                let id = self.clear(value, share.instance.elem, span)?;
                let mut share = share;
                share.components[at] = Some(id);
                frame.set(&name, index, Value::Share(share));
                Ok(())
            }
            Place::Name(name, index, target) => {
                if let Some((one, length)) = frame.arrays.remove(&name) {
                    let (Value::Share(one), Value::Tuple(parts)) = (one, value) else {
                        let text = format!("`{name}` is an array of {length} shares");
                        return Err(Diagnostic::new("P05", text, span).into());
                    };
                    if parts.len() != length {
                        let text = format!("`{name}` has {length} members, not {}", parts.len());
                        return Err(Diagnostic::new("P05", text, span).into());
                    }
                    let mut members = Vec::new();
                    for part in parts {
                        members.push(Value::Share(self.as_sharing(part, &one.instance, span)?));
                    }
                    frame.set(&name, index, Value::Tuple(members));
                    return Ok(());
                }
                if let Some(elem) = frame.pending.remove(&name) {
                    let id = self.clear(value, elem, span)?;
                    frame.set(&name, index, Value::Clear(id));
                    return Ok(());
                }
                match frame.vars.get(&name).and_then(|family| family.get(&index)) {
                    Some(Value::Share(old)) => {
                        if old.components.iter().any(Option::is_some) {
                            return self.twice(target);
                        }
                        let (instance, rows) = (old.instance.clone(), old.rows);
                        let mut share = self.as_sharing(value, &instance, span)?;
                        share.rows = rows;
                        frame.set(&name, index, Value::Share(share));
                        Ok(())
                    }
                    Some(Value::Poison) => Err(Fail(None)),
                    Some(_) => self.twice(target),
                    None => Err(Diagnostic::new(
                        "P04",
                        format!("unknown name `{}`", self.text(target)),
                        target,
                    )
                    .help("write `let` to introduce a name")
                    .into()),
                }
            }
        }
    }
}
