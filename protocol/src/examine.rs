//! Every protocol of a file elaborated by itself, to find what is wrong before anything uses it.

use crate::bound::{Bound, Made, Param, Request, Target, sharing};
use crate::call::{GenericArg, bound_name};
use crate::elaborate::Elab;
use crate::forms::Form;
use crate::library::number;
use crate::source;
use crate::value::{Frame, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{
    ClauseKind, Function, Ident, KnownTo, Modifier, SchemePartKind, Type, TypeKind,
};
use smpc_ir::claim::{Corruption, Operand, Skipped, Written};
use smpc_ir::decisions::Decisions;
use smpc_ir::flat::{Flat, Kind, Missing, Owner, Protocols};
use smpc_ir::party::{Elem, Party, PartySet};
use std::collections::HashSet;
use std::sync::Arc;

impl Bound {
    /// Elaborates every protocol of the file and reports what is wrong.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut errors: Vec<Diagnostic> = Vec::new();
        for function in self.own_functions() {
            errors.extend(self.check_claims(function));
            for error in doubled(function) {
                errors.push(error);
            }
            for form in self.forms(function, &self.some_owners()) {
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

    /// Every protocol of the file in every form, with what its signature says of its operands, and
    /// those that do not elaborate.
    pub(crate) fn all_written(&self) -> (Vec<Written>, Vec<Skipped>) {
        self.all_written_at(None, &[])
    }

    /// The same of those of some names, with other numbers for names of widths.
    pub(crate) fn all_written_at(
        &self,
        names: Option<&[&str]>,
        numbers: &[(&str, i128)],
    ) -> (Vec<Written>, Vec<Skipped>) {
        let (mut all, mut skipped) = (Vec::new(), Vec::new());
        for function in self.own_functions() {
            let name = &function.name.name;
            let wanted = names.is_none_or(|names| names.contains(&name.as_str()));
            if !wanted || function.modifier == Some(Modifier::Deferred) {
                continue;
            }
            let owners = self.all_owners(function);
            if let Some(reason) = self.unexamined(function, &owners) {
                let title = format!("{name}<…>");
                skipped.push(Skipped {
                    title,
                    reason,
                    source: None,
                });
            }
            for form in self.forms(function, &owners) {
                let suffix = self.form_name(&form);
                let far = self.far(function, &form);
                let realises = self.realised(function, &form, numbers);
                let made = match self.make_form_at(function, form, numbers) {
                    Ok((made, params)) => {
                        if let Some(far) = far.filter(|_| names.is_none())
                            && let Ok((flat, ..)) = &made
                            && !self.same(function, far, flat)
                        {
                            skipped.push(Skipped {
                                title: format!("{name}<…>"),
                                reason: "it computes with a number in `<…>`, and only those below the number of parties are looked at; an operand `n: int` may be any"
                                    .to_owned(),
                                source: None,
                            });
                        }
                        let made =
                            made.and_then(|made| self.described(function, made, &params, &suffix));
                        made.map(|written| Written {
                            realises,
                            ..written
                        })
                    }
                    Err(errors) => Err(errors),
                };
                match made {
                    Ok(written) => all.push(written),
                    Err(errors) => skipped.push(Skipped {
                        title: format!("{name}{suffix}"),
                        reason: errors.first().map_or(String::new(), reason),
                        source: errors.first().map(|error| source(error.span)),
                    }),
                }
            }
        }
        (all, skipped)
    }

    fn described(
        &self,
        function: &Function,
        (flat, results, decisions): (Flat, Vec<Operand>, Decisions),
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
            realises: None,
            decisions,
        })
    }

    fn check_form(&self, function: &Function, form: Form) -> Vec<Diagnostic> {
        match self.make_form(function, form) {
            Ok((Ok((flat, ..)), _)) => self.check_costs(function, &flat),
            Ok((Err(errors), _)) => errors,
            Err(errors) => errors,
        }
    }

    /// Elaborates one form on parameters of the declared types.
    pub(crate) fn make_form(
        &self,
        function: &Function,
        form: Form,
    ) -> Result<(Made, Vec<Param>), Vec<Diagnostic>> {
        self.make_form_at(function, form, &[])
    }

    /// The same with other numbers for names of widths that the signature leaves open.
    fn make_form_at(
        &self,
        function: &Function,
        form: Form,
        numbers: &[(&str, i128)],
    ) -> Result<(Made, Vec<Param>), Vec<Diagnostic>> {
        self.form_of(function, form, numbers, false)
    }

    /// The same of a functionality, carried out by somebody whom everybody trusts, if `ideal`.
    pub(crate) fn form_of(
        &self,
        function: &Function,
        form: Form,
        numbers: &[(&str, i128)],
        ideal: bool,
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
        for (name, value) in numbers {
            frame.set(name, Vec::new(), Value::Int(*value));
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
            ideal,
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

/// Operands and results of one name.
fn doubled(function: &Function) -> Vec<Diagnostic> {
    let operands = function.params.iter().flat_map(|group| &group.names);
    let results = function.results.iter().flat_map(|group| &group.names);
    let names = operands.map(|name| &name.ident).chain(results);
    let mut seen = HashSet::new();
    let twice = names.filter(|ident| !seen.insert(ident.name.as_str()));
    let error = |ident: &Ident| {
        let message = format!("`{}` is defined twice", ident.name);
        Diagnostic::new("K06", message, ident.span)
            .help("operands and results have names of their own")
    };
    twice.map(error).collect()
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
    let label = match (&ty.label, rows) {
        (Some(_), true) if inner.label.is_some() => {
            let text = "an owner stands at the list or at its elements";
            let error = Diagnostic::new("P05", text, ty.span);
            return Err(error.help("leave one `@ …` out").into());
        }
        (Some(label), _) => Some(label),
        (None, _) => inner.label.as_ref(),
    };
    if let TypeKind::Named { path, indices, .. } = &inner.kind
        && indices.is_empty()
        && path.segments.last().is_some_and(|s| s.name == "int")
    {
        if rows || label.is_some() {
            let text = "an `int` of a protocol is one number that everybody knows";
            let help = "a value that somebody has is an element: `x: R @ P[0]`, `x: [R; m] @ P[0]`";
            return Err(Diagnostic::new("P05", text, ty.span).help(help).into());
        }
        return Ok(Param::Public);
    }
    if elab.scheme_type(inner, frame).is_some() {
        return match elab.declared(inner, frame)? {
            Value::Share(share) => Ok(Param::Of(share.instance, kind(), rows)),
            _ => Err(crate::value::Fail(None)),
        };
    }
    let elem = elab.elem_of_type(inner, frame)?;
    let known = match label {
        Some(KnownTo::At(place)) => elab.parties(place, frame)?,
        _ => elab.everyone(),
    };
    Ok(Param::Clear(elem, kind(), known))
}

/// Why a text cannot be made flat, and what is to be written instead of what is not executable.
fn reason(error: &Diagnostic) -> String {
    let text = format!("{}: {}", error.code, error.message);
    match &error.help {
        Some(help) if error.code == "U01" => format!("{text} ({help})"),
        _ => text,
    }
}
