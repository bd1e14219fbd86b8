//! Every protocol of a file elaborated by itself, to find what is wrong before anything uses it.

use crate::bound::{Bound, Made, Param, Request, Target, sharing};
use crate::call::{GenericArg, bound_name};
use crate::elaborate::{Elab, plain};
use crate::library::number;
use crate::value::{Frame, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{ClauseKind, Function, KnownTo, Modifier, SchemePartKind, Type, TypeKind};
use smpc_ir::claim::{Corruption, Operand, Skipped, Written};
use smpc_ir::flat::{Flat, Kind, Missing, Owner, Protocols};
use smpc_ir::party::{Elem, Party, PartySet};
use std::sync::Arc;

/// Values for the generics of one form of a protocol.
type Form = Vec<GenericArg>;

impl Bound {
    /// Elaborates every protocol of the file and reports what is wrong.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut errors: Vec<Diagnostic> = Vec::new();
        for function in self.own_functions() {
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
                        _ => GenericArg::Elem(self.carriers().elem),
                    }
                });
                forms.push(form.collect());
            }
        }
        forms
    }

    /// Every protocol of the file in every form, with what its signature says of its operands, and
    /// those that do not elaborate.
    pub(crate) fn all_written(&self) -> (Vec<Written>, Vec<Skipped>) {
        let (mut all, mut skipped) = (Vec::new(), Vec::new());
        for function in self.own_functions() {
            if function.modifier == Some(Modifier::Deferred) {
                continue;
            }
            let forms = self.forms(function);
            let several = forms.len() > 1;
            for form in forms {
                let suffix = if several {
                    self.form_name(&form)
                } else {
                    String::new()
                };
                let made = match self.make_form(function, form) {
                    Ok((made, params)) => {
                        made.and_then(|made| self.described(function, made, &params, &suffix))
                    }
                    Err(errors) => Err(errors),
                };
                match made {
                    Ok(written) => all.push(written),
                    Err(errors) => skipped.push(Skipped {
                        title: format!("{}{suffix}", function.name.name),
                        reason: errors.first().map_or(String::new(), |error| {
                            format!("{}: {}", error.code, error.message)
                        }),
                    }),
                }
            }
        }
        (all, skipped)
    }

    /// `<1>`, `<outside>`: what tells forms apart.
    fn form_name(&self, form: &Form) -> String {
        let outside = Party(self.total() as u8);
        let names: Vec<String> = form
            .iter()
            .filter_map(|arg| match arg {
                GenericArg::Value(Value::Party(party)) if *party == outside => {
                    Some("outside".to_owned())
                }
                GenericArg::Value(Value::Party(party)) => Some(format!("P[{}]", party.0)),
                GenericArg::Value(Value::Int(index)) => Some(index.to_string()),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!("<{}>", names.join(", "))
        }
    }

    fn described(
        &self,
        function: &Function,
        (flat, results): (Flat, Vec<Operand>),
        params: &[Param],
        suffix: &str,
    ) -> Result<Written, Vec<Diagnostic>> {
        let everyone = PartySet::first(self.total() + 1);
        let mut operands = Vec::new();
        for param in params {
            operands.push(match param {
                Param::Shared(elem, ..) => {
                    let sharing = self.sharing(*elem).map_err(|Missing(text)| {
                        vec![Diagnostic::new("P06", text, function.name.span)]
                    })?;
                    Operand::Shared(sharing)
                }
                Param::Of(instance, ..) => Operand::Shared(sharing(instance)),
                Param::Clear(elem, _, known_to) => Operand::Clear {
                    elem: *elem,
                    known_to: *known_to,
                },
                Param::Public => Operand::Clear {
                    elem: Elem::Ring(64),
                    known_to: everyone,
                },
            });
        }
        let names = function.results.iter().flat_map(|group| &group.names);
        Ok(Written {
            title: format!("{}{suffix}", function.name.name),
            flat: Arc::new(flat),
            params: operands,
            results,
            names: names.map(|name| name.name.clone()).collect(),
        })
    }

    fn check_form(&self, function: &Function, form: Form) -> Vec<Diagnostic> {
        match self.make_form(function, form) {
            Ok((Ok((flat, _)), _)) => self.check_costs(function, &flat),
            Ok((Err(errors), _)) => errors,
            Err(errors) => errors,
        }
    }

    /// Elaborates one form on parameters of the declared types.
    fn make_form(
        &self,
        function: &Function,
        form: Form,
    ) -> Result<(Made, Vec<Param>), Vec<Diagnostic>> {
        let bilinear = function
            .clauses
            .iter()
            .any(|c| c.kind == ClauseKind::Bilinear);
        let mut elab = self.elab(bilinear, true);
        let mut frame = Frame::default();
        let width = i128::from(self.width());
        for name in ["k", "m", "l"] {
            let given = self.globals().get("k").filter(|_| name == "k");
            let value = given.copied().unwrap_or(width);
            frame.set(name, Vec::new(), Value::Int(value));
        }
        let carriers = self.carriers();
        for def in self.schemes() {
            for generic in &def.scheme.generics {
                if matches!(bound_name(generic), Some("Ring" | "Field")) {
                    let name = generic.name.name.clone();
                    frame.elems.insert(name, carriers.elem);
                }
            }
            if def.scheme.name.name == carriers.int.0 {
                for (name, value) in def.param_names().zip(&carriers.int.1) {
                    frame.set(name, Vec::new(), Value::Int(*value));
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
                        return Err(elab.diags);
                    }
                }
            }
        }
        let request = Request {
            names: Vec::new(),
            params: params.clone(),
            generics: form,
            receivers: PartySet::EMPTY,
            bilinear,
            owner: Some(Owner::Outside),
            scope: frame,
        };
        Ok((self.make(Target::One(function), &request, None), params))
    }

    /// The scheme's `corrupt` clauses.
    pub(crate) fn corrupt_clauses(&self) -> Vec<Corruption> {
        let Some((def, _)) = self.carried(self.carriers().elem) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for part in &def.scheme.parts {
            let SchemePartKind::Corrupt(coalitions, modes) = &part.kind else {
                continue;
            };
            let mut clause = Corruption {
                parties: 0,
                roles: PartySet::EMPTY,
                active: modes.iter().any(|mode| mode.name != "semihonest"),
            };
            for coalition in coalitions {
                let Some(name) = coalition.of.segments.last().map(|s| s.name.as_str()) else {
                    continue;
                };
                if let Some(at) = def.roles.iter().position(|(_, role)| role == name) {
                    let role = Party((self.parties() + at) as u8);
                    clause.roles = clause.roles.union(PartySet::from_iter([role]));
                } else if name == def.parties.name {
                    let count = coalition
                        .count
                        .as_ref()
                        .and_then(|count| number(count, self.globals()));
                    clause.parties = match count.map(usize::try_from) {
                        Some(Ok(count)) => count.min(self.parties()),
                        // A bound that has no value is every party: nothing is assumed away.
                        _ => self.parties(),
                    };
                }
            }
            found.push(clause);
        }
        found
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
            Value::Share(share) => Ok(Param::Of(share.instance, kind(), rows)),
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
