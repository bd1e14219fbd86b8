//! A protocol's body in place of its call, and what must hold of its results.

use crate::build::Id;
use crate::elaborate::{Elab, Root};
use crate::value::{Fail, Frame, Outcome, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Function, KnownTo, Modifier, ResultDecl, Span, TypeKind};
use smpc_ir::flat::Kind;
use smpc_ir::party::PartySet;

impl<'a> Elab<'a> {
    /// Runs a protocol's body on bound arguments.
    pub fn inline(
        &mut self,
        function: &'a Function,
        mut frame: Frame,
        span: Span,
    ) -> Outcome<Vec<Value>> {
        let name = &function.name.name;
        if self.stack.len() > 24 || self.stack.iter().filter(|n| *n == name).count() > 2 {
            return Err(Diagnostic::new(
                "P07",
                format!("`{name}` calls itself: {}", self.stack.join(" → ")),
                span,
            )
            .into());
        }
        if function.modifier == Some(Modifier::Deferred) {
            if !self.stack.is_empty() {
                self.record(function, frame, span)?;
                return Ok(Vec::new());
            }
            self.batch = true;
            if self.deferring.is_empty() {
                self.deferring.push(name.clone());
            }
        }
        let Some(body) = &function.body else {
            return self.unsupported(span, &format!("`{name}` without a body"));
        };
        let mut declared = Vec::new();
        for result in &function.results {
            for ident in &result.names {
                self.declare_result(&ident.name, result, &mut frame)?;
                declared.push((ident, result));
            }
        }
        if declared.is_empty() && !function.results.is_empty() {
            return Err(Diagnostic::new(
                "P05",
                format!("the results of `{name}` have no names"),
                function.name.span,
            )
            .help("write `-> z: …`")
            .into());
        }
        let outermost = self.stack.is_empty();
        let claims = outermost.then(|| self.claims(function, &frame));
        let names = function.params.iter().flat_map(|group| &group.names);
        let args: Vec<Value> = names
            .filter_map(|param| frame.get(&param.ident.name))
            .collect();
        let call = self.b.enter(name, &args);
        self.stack.push(name.clone());
        // In a deferred protocol coins are one for all calls, but a protocol called on elements draws for
        // each of them: one mask for several would hide none.
        let outer = self.repeated;
        self.repeated |= self.batch && self.takes_elements(&frame);
        self.block(body, &mut frame);
        self.repeated = outer;
        self.stack.pop();
        let mut values = Vec::new();
        for (ident, result) in declared {
            let value = self.delivered(&ident.name, ident.span, result, &mut frame);
            values.push(match value {
                Ok(value) => value,
                Err(fail) => {
                    self.report(fail);
                    Value::Poison
                }
            });
        }
        if values.iter().any(|value| matches!(value, Value::Poison)) {
            return Err(Fail(None));
        }
        if let Some(claims) = claims {
            let mut receivers = Vec::new();
            for result in &function.results {
                let known = match label(result) {
                    Some(KnownTo::At(place)) => Some(self.parties(place, &mut frame)?),
                    _ => None,
                };
                receivers.extend(result.names.iter().map(|_| known));
            }
            self.root = Some(Root { claims, receivers });
        } else {
            self.b.leave(call, &values);
        }
        Ok(values)
    }

    /// Whether a call is given values of the operands' shape.
    fn takes_elements(&self, frame: &Frame) -> bool {
        let shaped = |id: &Id| self.b.kind(*id) != Some(Kind::Scalar);
        let values = frame.vars.values().flat_map(|family| family.values());
        self.stack.len() > 1
            && values.into_iter().any(|value| match value {
                Value::Clear(id) => shaped(id),
                Value::Share(share) => share.components.iter().flatten().any(shaped),
                _ => false,
            })
    }

    fn declare_result(
        &mut self,
        name: &str,
        result: &ResultDecl,
        frame: &mut Frame,
    ) -> Outcome<()> {
        let inner = match &result.ty.kind {
            TypeKind::Array(inner, _) => inner,
            TypeKind::Set(_) => return self.unsupported(result.ty.span, "a set of parties"),
            _ => &result.ty,
        };
        // A parameter that is a result too keeps its value.
        if frame.get(name).is_some() && frame.vars.contains_key(name) {
            return Ok(());
        }
        if let TypeKind::Array(_, sizes) = &result.ty.kind
            && let [size] = sizes.as_slice()
            && self.scheme_type(inner, frame).is_some()
            && let Ok(Value::Int(length)) = self.expr(size, None, frame)
        {
            // So many shares, not a tensor.
            let one = self.declared(inner, frame)?;
            let length = usize::try_from(length).unwrap_or(0).min(4096);
            frame.arrays.insert(name.to_owned(), (one, length));
            return Ok(());
        }
        if self.scheme_type(inner, frame).is_some() {
            match self.declared(&result.ty, frame)? {
                Value::Share(share) if self.ideal && !share.rows => {
                    frame.pending.insert(name.to_owned(), share.instance.elem);
                }
                value => frame.set(name, Vec::new(), value),
            }
        } else {
            let elem = self.elem_of_type(inner, frame)?;
            frame.pending.insert(name.to_owned(), elem);
        }
        Ok(())
    }

    /// A result, after checking that those who hold it know it.
    fn delivered(
        &mut self,
        name: &str,
        span: Span,
        result: &ResultDecl,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        let missing = |part: String| {
            Diagnostic::new("K05", format!("`{part}` is never defined"), span)
                .help("every component and every result needs a definition")
        };
        let value = frame.get(name);
        match value {
            Some(Value::Tuple(parts)) => {
                let mut values = Vec::new();
                for (at, part) in parts.into_iter().enumerate() {
                    let member = format!("{name}[{at}]");
                    frame.set(&member, Vec::new(), part);
                    values.push(self.delivered(&member, span, result, frame)?);
                }
                Ok(Value::Tuple(values))
            }
            Some(Value::Share(share)) => {
                let instance = share.instance.clone();
                let mut ids = Vec::new();
                for (at, component) in share.components.iter().enumerate() {
                    let part = component_name(name, &instance.keys[at]);
                    let Some(id) = *component else {
                        return Err(missing(part).into());
                    };
                    let (known, holders) = (self.b.known(id), instance.holders[at]);
                    if !holders.is_subset(known) {
                        let lacking = self.names(holders.without(known));
                        let from = known.iter().next().map_or_else(String::new, |party| {
                            self.names(PartySet::from_iter([party]))
                        });
                        return Err(Diagnostic::new(
                            "K04",
                            format!("`{part}` never reaches {lacking}, who holds it"),
                            span,
                        )
                        .label(span, format!("known to {}", self.names(known)))
                        .help(format!("send it: `{from} -> {lacking}: {part};`"))
                        .into());
                    }
                    if instance.offline[at] && !self.b.info(id).offline {
                        return Err(Diagnostic::new(
                            "K04",
                            format!("`{part}` is held offline but depends on the input"),
                            span,
                        )
                        .into());
                    }
                    ids.push(id);
                }
                self.b
                    .same_shape(&ids)
                    .map_err(|fault| self.fault(fault, span, &[]))?;
                Ok(Value::Share(share))
            }
            Some(Value::Clear(id)) => {
                let known = self.b.known(id);
                if let Some(KnownTo::At(place)) = label(result) {
                    let needed = self.parties(place, frame)?;
                    if !needed.is_subset(known) {
                        let lacking = self.names(needed.without(known));
                        return Err(Diagnostic::new(
                            "K04",
                            format!("`{name}` never reaches {lacking}"),
                            span,
                        )
                        .label(span, format!("known to {}", self.names(known)))
                        .help("send them what the value is computed from")
                        .into());
                    }
                }
                Ok(Value::Clear(id))
            }
            Some(Value::Poison) => Err(Fail(None)),
            Some(other) => Ok(other),
            None => Err(missing(name.to_owned()).into()),
        }
    }
}

/// Who is declared to know a clear result.
fn label(result: &ResultDecl) -> Option<&KnownTo> {
    match (&result.ty.label, &result.ty.kind) {
        (Some(label), _) => Some(label),
        (None, TypeKind::Array(inner, _)) => inner.label.as_ref(),
        _ => None,
    }
}

pub(crate) fn component_name(name: &str, key: &crate::scheme::Key) -> String {
    let field = key.0.as_ref().map_or(String::new(), |f| format!(".{f}"));
    let index: Vec<String> = key.1.iter().map(i128::to_string).collect();
    if index.is_empty() {
        format!("{name}{field}")
    } else {
        format!("{name}{field}[{}]", index.join(","))
    }
}
