//! Deferred protocols: a call records its arguments; the body becomes a flat protocol of its own.

use crate::build::{Builder, Id};
use crate::elaborate::Elab;
use crate::value::{Fail, Frame, Outcome, Share, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{ClauseKind, Function, KnownTo, Span, Type, TypeKind};
use smpc_ir::decisions::Decisions;
use smpc_ir::flat::{Flat, FlatOperand, Kind};
use smpc_ir::party::PartySet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A recorded call under construction: who must know each value of the arguments.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub body: Arc<Flat>,
    pub bilinear: bool,
    pub args: Vec<FlatOperand>,
    pub need: Vec<Vec<PartySet>>,
}

/// The place in a type's label.
fn label(ty: &Type) -> Option<&KnownTo> {
    match (&ty.label, &ty.kind) {
        (Some(label), _) => Some(label),
        (None, TypeKind::Array(inner, _)) => inner.label.as_ref(),
        _ => None,
    }
}

impl<'a> Elab<'a> {
    /// Records a call whose arguments are bound in `frame`.
    pub fn record(&mut self, function: &'a Function, frame: Frame, span: Span) -> Outcome<()> {
        let bilinear = function
            .clauses
            .iter()
            .any(|clause| clause.kind == ClauseKind::Bilinear);
        let name = &function.name.name;
        if !function.results.is_empty() {
            let text = format!("the deferred protocol `{name}` has results");
            return Err(Diagnostic::new("P05", text, function.name.span)
                .help("what it computes is known only later: let it check, and return nothing")
                .into());
        }
        if self.deferring.contains(name) {
            let text = format!("`{name}` records a call of itself while it is carried out");
            return Err(Diagnostic::new("P07", text, span).into());
        }
        let (mut args, mut need) = (Vec::new(), Vec::new());
        let mut inner_frame = frame.clone();
        let mut inner = self.inner(bilinear);
        inner.deferring.push(name.clone());
        let mut params = Vec::new();
        let mut kinds = [Kind::Left, Kind::Right].into_iter();
        for group in &function.params {
            for param in &group.names {
                let param = param.ident.name.as_str();
                let kind = if bilinear {
                    kinds.next().unwrap_or(Kind::Product)
                } else {
                    Kind::Element
                };
                match frame.get(param) {
                    Some(Value::Share(share)) => {
                        let ids: Vec<Id> = share.components.iter().copied().flatten().collect();
                        if ids.len() != share.components.len() {
                            return Err(Fail(None));
                        }
                        self.of_side(&ids, kind, bilinear, span)?;
                        let own: Vec<Id> = (0..ids.len())
                            .map(|at| {
                                let holders = share.instance.holders[at];
                                inner.b.param(share.instance.elem, kind, holders, false)
                            })
                            .collect();
                        need.push(share.instance.holders.clone());
                        args.push(FlatOperand::Shared(ids));
                        params.push(FlatOperand::Shared(own.clone()));
                        let value = Value::Share(Share {
                            rows: true,
                            components: own.into_iter().map(Some).collect(),
                            ..share
                        });
                        inner_frame.set(param, Vec::new(), value);
                    }
                    Some(Value::Clear(id)) => {
                        self.of_side(&[id], kind, bilinear, span)?;
                        let known = match label(&group.ty) {
                            Some(KnownTo::At(place)) => self.parties(place, &mut inner_frame)?,
                            _ => self.b.known(id),
                        };
                        let own = inner.b.param(self.b.elem(id), kind, known, false);
                        need.push(vec![known]);
                        args.push(FlatOperand::Clear(id));
                        params.push(FlatOperand::Clear(own));
                        inner_frame.set(param, Vec::new(), Value::Clear(own));
                    }
                    Some(Value::Poison) => return Err(Fail(None)),
                    _ => {
                        return Err(Diagnostic::new(
                            "P05",
                            format!("`{param}` of a deferred protocol is a value of the run"),
                            function.name.span,
                        )
                        .into());
                    }
                }
            }
        }
        let elems: Vec<String> = args
            .iter()
            .flat_map(crate::build::ids)
            .map(|id| format!("{:?}", self.b.elem(*id)))
            .collect();
        let key = format!("{name} {elems:?}");
        let body = match self.bodies.get(&key) {
            Some(body) => body.clone(),
            None => {
                inner_frame.offline = false;
                let body = Arc::new(self.body(inner, function, params, inner_frame, span)?);
                self.bodies.insert(key, body.clone());
                body
            }
        };
        self.b.deferred.push(Recorded {
            body,
            bilinear,
            args,
            need,
        });
        Ok(())
    }

    /// Arguments of a bilinear check are the factors and the product of the caller.
    fn of_side(&mut self, ids: &[Id], kind: Kind, bilinear: bool, span: Span) -> Outcome<()> {
        if !bilinear || !self.b.bilinear {
            return Ok(());
        }
        for id in ids {
            self.b
                .is_of(*id, kind)
                .map_err(|fault| self.fault(fault, span, &[(span, *id)]))?;
        }
        Ok(())
    }

    /// An elaboration of its own, of a deferred body.
    fn inner(&self, bilinear: bool) -> Elab<'a> {
        let everyone = self.computing().union(self.roles());
        Elab {
            ideal: false,
            file: self.file,
            generic: self.generic,
            def: self.def,
            n: self.n,
            globals: self.globals.clone(),
            carriers: self.carriers.clone(),
            instances: self.instances.clone(),
            b: Builder::new(everyone, bilinear),
            diags: Vec::new(),
            stack: Vec::new(),
            outsider: None,
            fuel: self.fuel,
            root: None,
            lockstep: false,
            batch: true,
            repeated: false,
            commitments: BTreeMap::new(),
            bodies: self.bodies.clone(),
            deferring: self.deferring.clone(),
            decisions: Decisions::default(),
        }
    }

    fn body(
        &mut self,
        mut inner: Elab<'a>,
        function: &'a Function,
        params: Vec<FlatOperand>,
        frame: Frame,
        span: Span,
    ) -> Outcome<Flat> {
        let done = inner.inline(function, frame, span);
        self.fuel = inner.fuel;
        inner.decisions.widths |= inner.b.large;
        self.decisions.extend(std::mem::take(&mut inner.decisions));
        if let Err(fail) = done {
            inner.report(fail);
        }
        if !inner.diags.is_empty() {
            self.diags.append(&mut inner.diags);
            return Err(Fail(None));
        }
        let claims = inner.root.take().map(|root| root.claims);
        let roles = self.roles();
        let (mut flat, late) = inner
            .b
            .finish(&function.name.name, params, Vec::new(), None, roles)
            .map_err(|fault| self.fault(fault, function.name.span, &[]))?;
        if !late.is_empty() {
            let text = format!(
                "a dealer takes part in `{}`, which is carried out after the inputs",
                function.name.name
            );
            return Err(Diagnostic::new("K09", text, function.name.span)
                .help("a dealer works before the inputs: let it deal coins, and mask with them")
                .into());
        }
        flat.claims = claims.unwrap_or_default();
        Ok(flat)
    }
}
