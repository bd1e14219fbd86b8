//! Every protocol of a file elaborated by itself, to find what is wrong before anything uses it.

use crate::bound::{Bound, Param, Request, Target};
use crate::call::{GenericArg, bound_name};
use crate::elaborate::{Elab, plain};
use crate::value::{Frame, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{ClauseKind, Function, KnownTo, Modifier, Type, TypeKind};
use smpc_ir::flat::{Kind, Owner};
use smpc_ir::party::{Elem, Party, PartySet};

/// Values for the generics of one form of a protocol.
type Form = Vec<GenericArg>;

impl Bound {
    /// Elaborates every protocol of the file and reports what is wrong.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut errors: Vec<Diagnostic> = Vec::new();
        for function in self.own_functions() {
            if function.modifier == Some(Modifier::Deferred) {
                errors.push(Diagnostic::new(
                    "U01",
                    "a deferred protocol is not executable yet",
                    function.name.span,
                ));
                continue;
            }
            errors.extend(self.check_claims(function));
            for form in self.forms(function) {
                for error in self.check_form(function, form) {
                    let known = |e: &Diagnostic| e.code == error.code && e.span == error.span;
                    if !errors.iter().any(known) {
                        errors.push(error);
                    }
                }
            }
        }
        errors
    }

    /// The generics to try: an owner outside and one inside; each index.
    fn forms(&self, function: &Function) -> Vec<Form> {
        let n = self.parties();
        let (outside, mut forms) = (Party(self.total() as u8), Vec::new());
        let lengths = lengths(function);
        let numbers = function
            .generics
            .iter()
            .filter(|g| g.bound.is_none() && is_number(&g.name.name))
            .filter(|g| !lengths.contains(&g.name.name.as_str()))
            .count();
        let parties = function
            .generics
            .iter()
            .any(|g| bound_name(g) == Some("party"));
        let shifts = if numbers > 0 { n } else { 1 };
        for shift in 0..shifts {
            for owner in [outside, Party(0)] {
                if !parties && owner != outside {
                    continue;
                }
                let mut next = shift;
                let form = function.generics.iter().map(|generic| {
                    let name = generic.name.name.as_str();
                    match bound_name(generic) {
                        Some("party") => GenericArg::Value(Value::Party(owner)),
                        _ if lengths.contains(&name) => GenericArg::Value(Value::Rows),
                        _ if is_number(name) => {
                            next += 1;
                            GenericArg::Value(Value::Int(((next - 1) % n) as i128))
                        }
                        _ => GenericArg::Elem(self.ring()),
                    }
                });
                forms.push(form.collect());
            }
        }
        forms
    }

    fn check_form(&self, function: &Function, form: Form) -> Vec<Diagnostic> {
        let bilinear = function
            .clauses
            .iter()
            .any(|c| c.kind == ClauseKind::Bilinear);
        let mut elab = self.elab(bilinear, true);
        let mut frame = Frame::default();
        let k = self.width();
        for name in ["k", "m", "l"] {
            frame.set(name, Vec::new(), Value::Int(i128::from(k)));
        }
        for def in self.schemes() {
            for generic in &def.scheme.generics {
                if bound_name(generic) == Some("Ring") {
                    frame.elems.insert(generic.name.name.clone(), Elem::Ring(k));
                }
            }
        }
        for (generic, arg) in function.generics.iter().zip(&form) {
            match arg {
                GenericArg::Elem(elem) => {
                    frame.elems.insert(generic.name.name.clone(), *elem);
                }
                GenericArg::Value(value) => {
                    frame.set(&generic.name.name, Vec::new(), value.clone());
                }
            }
        }
        let mut params = Vec::new();
        let mut factors = [Kind::Left, Kind::Right].into_iter();
        for group in &function.params {
            for _ in &group.names {
                let mut kind = || match bilinear {
                    true => factors.next().unwrap_or(Kind::Product),
                    false => Kind::Element,
                };
                match param(&mut elab, &group.ty, &mut kind, &mut frame) {
                    Ok(param) => params.push(param),
                    Err(fail) => {
                        elab.report(fail);
                        return elab.diags;
                    }
                }
            }
        }
        let request = Request {
            names: Vec::new(),
            params,
            generics: form,
            receivers: PartySet::EMPTY,
            bilinear,
            owner: Some(Owner::Outside),
            scope: frame,
        };
        self.make(Target::One(function), &request, None)
            .err()
            .unwrap_or_default()
    }
}

/// A parameter of the declared type, known to whom its label says.
fn param(
    elab: &mut Elab<'_>,
    ty: &Type,
    kind: &mut dyn FnMut() -> Kind,
    frame: &mut Frame,
) -> Result<Param, crate::value::Fail> {
    let (inner, rows) = match &ty.kind {
        TypeKind::Array(inner, _) => (&**inner, true),
        _ => (ty, false),
    };
    if let TypeKind::Named { path, indices, .. } = &inner.kind
        && indices.is_empty()
        && path.segments.last().is_some_and(|s| s.name == "int")
    {
        return Ok(Param::Public);
    }
    if elab.scheme_type(inner, frame).is_some() {
        return match elab.declared(inner, frame)? {
            Value::Share(share) => Ok(Param::Shared(share.instance.elem, kind(), rows)),
            _ => Err(crate::value::Fail(None)),
        };
    }
    let elem = elab.elem_of_type(inner, frame)?;
    let known = match &inner.label {
        Some(KnownTo::At(place)) => elab.parties(place, frame)?,
        _ => elab.everyone(),
    };
    Ok(Param::Clear(elem, kind(), known))
}

/// Generics that are lengths of tensor parameters.
fn lengths(function: &Function) -> Vec<&str> {
    let arrays = function
        .params
        .iter()
        .filter_map(|group| match &group.ty.kind {
            TypeKind::Array(_, sizes) => Some(sizes),
            _ => None,
        });
    arrays.flatten().filter_map(plain).collect()
}

/// Types are written with a capital, numbers without.
fn is_number(name: &str) -> bool {
    name.starts_with(|c: char| c.is_lowercase())
}
