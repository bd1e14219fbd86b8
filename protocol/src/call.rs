//! Calls: the overload that fits what is known, inlined; builtins; functionalities by the
//! protocol that realises them.

use crate::elaborate::{Elab, plain};
use crate::scheme::Instance;
use crate::source;
use crate::types::FamilyName;
use crate::value::{Fail, Frame, Outcome, Share, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{
    Arg, ClauseKind, Expr, ExprKind, Function, Generic, ItemKind, KnownTo, Modifier, Span, Type,
    TypeKind,
};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, PartySet};
use std::rc::Rc;

/// What a call hands over.
pub(crate) struct Call<'g> {
    pub args: Vec<Value>,
    pub generics: &'g [GenericArg],
    /// The scheme that the first result must be of.
    pub wanted: Option<Rc<Instance>>,
}

/// A signature bound to arguments.
struct Match<'a> {
    function: &'a Function,
    frame: Frame,
    score: u32,
}

/// Why an overload does not fit: the argument and who should know it, if that is all.
type Misfit = Option<(usize, PartySet)>;

impl<'a> Elab<'a> {
    /// Protocols of that name: the scheme's own, then the library's.
    pub fn protocols(&self, name: &str) -> [Vec<&'a Function>; 2] {
        let of = |items: &'a [smpc_grammar::ast::Item]| {
            items
                .iter()
                .filter_map(|item| match &item.kind {
                    ItemKind::Protocol(f) if f.name.name == name => Some(f),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        let generic = self.generic.iter().flat_map(|file| of(&file.module.items));
        [of(&self.file.module.items), generic.collect()]
    }

    fn functionality(&self, name: &str) -> Option<&'a Function> {
        self.file
            .module
            .items
            .iter()
            .find_map(|item| match &item.kind {
                ItemKind::Functionality(f) if f.name.name == name => Some(f),
                _ => None,
            })
    }

    pub fn call(
        &mut self,
        expr: &Expr,
        callee: &Expr,
        args: &[Arg],
        expected: Option<&Value>,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        let span = expr.span;
        let ExprKind::Path { path, generics } = &callee.kind else {
            return self.unsupported(span, "a call of this form");
        };
        let Some(last) = path.segments.last() else {
            return Err(Fail(None));
        };
        let name = last.name.as_str();
        match (name, args) {
            ("reduce" | "scan", _) => return self.tree(name == "scan", args, span, frame),
            ("product", [one]) if one.comp.is_some() => return self.power_product(one, frame),
            ("prg", _) => return self.prg(args, span, frame),
            ("set", [one]) if one.comp.is_some() => return self.party_set(one, frame),
            _ => {}
        }
        let mut values = Vec::new();
        for arg in args {
            if arg.comp.is_some() {
                return self.unsupported(arg.value.span, "a generator as an argument");
            }
            let value = self.expr(&arg.value, None, frame)?;
            values.push(self.sound(value)?);
        }
        if self.file.schemes.contains_key(name) {
            return self.literal(name, args, values, expected, span);
        }
        match (name, values.as_slice()) {
            ("share", [value]) if generics.is_empty() => {
                return self.deal(value.clone(), expected, span, frame);
            }
            ("bits", [Value::Clear(id)]) => {
                return match self.b.elem(*id) {
                    Elem::Ring(k) => self.cast(Value::Clear(*id), Elem::Bits(k), span),
                    _ => Ok(Value::Clear(*id)),
                };
            }
            ("ring", [Value::Clear(id)]) => {
                return match self.b.elem(*id) {
                    Elem::Bits(m) => self.cast(Value::Clear(*id), Elem::Ring(m), span),
                    _ => Ok(Value::Clear(*id)),
                };
            }
            ("bits", [Value::Share(_)]) => {
                return self.call_named("to_bits", values, &[], span, frame);
            }
            ("msb", [Value::Clear(id)]) => {
                let id = *id;
                return match self.b.elem(id) {
                    Elem::Bits(m) => self.bit_slice(Value::Clear(id), m - 1, 1, 1, span),
                    elem @ Elem::Ring(k) => {
                        let top = self
                            .b
                            .constant(i128::from(k) - 1, Elem::Ring(64), source(span));
                        self.map(Value::Clear(id), Prim::ShrLogical, Some(top), elem, span)
                    }
                    Elem::Field(_) => self.unsupported(span, "the sign of a field's element"),
                    Elem::Fix => Err(Fail(None)),
                };
            }
            ("inverse", [Value::Clear(id)]) => {
                return self
                    .b
                    .layout(Local::InversePermutation, &[*id], source(span))
                    .map(Value::Clear)
                    .map_err(|fault| self.fault(fault, span, &[]));
            }
            ("hash" | "uint" | "any" | "recover" | "public_key", _) => {
                return self.unsupported(span, &format!("`{name}`"));
            }
            _ => {}
        }
        if let Some(function) = self.public_function(name) {
            return self.evaluate(function, values, span, frame);
        }
        let mut bound = Vec::new();
        for generic in generics {
            bound.push(self.generic(generic, frame)?);
        }
        self.call_named(name, values, &bound, span, frame)
    }

    /// An explicit `<…>` argument.
    fn generic(&mut self, expr: &Expr, frame: &mut Frame) -> Outcome<GenericArg> {
        let names_elem = plain(expr).is_some_and(|name| frame.elems.contains_key(name))
            || matches!(&expr.kind, ExprKind::Index { base, .. }
                if matches!(plain(base), Some("Z" | "Bits" | "F")));
        if names_elem {
            return Ok(GenericArg::Elem(self.elem_of_expr(expr, frame)?));
        }
        Ok(GenericArg::Value(self.expr(expr, None, frame)?))
    }

    /// `Scheme(0, 0, e)`: a share by components.
    fn literal(
        &mut self,
        family: &str,
        args: &[Arg],
        values: Vec<Value>,
        expected: Option<&Value>,
        span: Span,
    ) -> Outcome<Value> {
        let elem = values.iter().find_map(|value| match value {
            Value::Clear(id) => Some(self.b.elem(*id)),
            _ => None,
        });
        let elem = elem.or(match expected {
            Some(Value::Share(share)) => Some(share.instance.elem),
            _ => None,
        });
        let Some(elem) = elem else {
            return Err(Diagnostic::new(
                "P05",
                "the element type of this share is not clear from its components",
                span,
            )
            .help(format!("bind it with a type: `let x: {family}<R> = …;`"))
            .into());
        };
        let instance = self.instance(family, elem, &[], span)?;
        if values.len() != instance.keys.len() {
            return Err(Diagnostic::new(
                "P05",
                format!(
                    "{family} has {} components, not {}",
                    instance.keys.len(),
                    values.len()
                ),
                span,
            )
            .into());
        }
        let mut components = Vec::new();
        for (at, value) in values.into_iter().enumerate() {
            let part = args[at].value.span;
            let id = self.clear(value, elem, part)?;
            components.push(Some(id));
        }
        Ok(Value::Share(Share {
            instance,
            rows: false,
            components,
        }))
    }

    /// `share(e)`: a public number is embedded, anything else dealt by its lowest owner.
    pub fn deal(
        &mut self,
        value: Value,
        expected: Option<&Value>,
        span: Span,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        match value {
            Value::Clear(_) => {}
            Value::Poison => return Err(Fail(None)),
            Value::Share(_) => {
                return Err(Diagnostic::new("P05", "this is shared already", span).into());
            }
            number => {
                let Some(Value::Share(target)) = expected else {
                    return Err(Diagnostic::new(
                        "P05",
                        "the element type of this share is not clear",
                        span,
                    )
                    .help("bind it with a type: `let x: S<R> = share(…);`")
                    .into());
                };
                let instance = target.instance.clone();
                return Ok(Value::Share(self.as_sharing(number, &instance, span)?));
            }
        }
        let wanted = match expected {
            Some(Value::Share(target)) => Some(target.instance.clone()),
            _ => None,
        };
        let call = Call {
            args: vec![value],
            generics: &[],
            wanted,
        };
        let mut results = self.invoke("share", call, span, frame)?;
        results.pop().ok_or(Fail(None))
    }

    pub fn call_named(
        &mut self,
        name: &str,
        args: Vec<Value>,
        generics: &[GenericArg],
        span: Span,
        frame: &Frame,
    ) -> Outcome<Value> {
        let call = Call {
            args,
            generics,
            wanted: None,
        };
        let results = self.invoke(name, call, span, frame)?;
        let mut values: Vec<Value> = results.into_iter().collect();
        Ok(match values.len() {
            1 => values.remove(0),
            _ => Value::Tuple(values),
        })
    }

    /// Inlines this protocol whatever its overloads.
    pub fn invoke_one(
        &mut self,
        function: &'a Function,
        args: Vec<Value>,
        generics: &[GenericArg],
        span: Span,
        caller: &Frame,
    ) -> Outcome<Vec<Value>> {
        let call = Call {
            args,
            generics,
            wanted: None,
        };
        match self.try_bind(function, &call, caller) {
            Ok(found) => self.inline(function, found.frame, span),
            Err(_) => Err(Fail(None)),
        }
    }

    /// Picks the overload and inlines it.
    pub fn invoke(
        &mut self,
        name: &str,
        call: Call<'_>,
        span: Span,
        caller: &Frame,
    ) -> Outcome<Vec<Value>> {
        if let Some(box_) = self.functionality(name) {
            return self.realised(box_, &call, span, caller);
        }
        let tiers = self.protocols(name);
        if tiers.iter().all(Vec::is_empty) {
            return Err(
                Diagnostic::new("P04", format!("unknown protocol `{name}`"), span)
                    .help(format!(
                        "define `protocol {name}(…)` in the scheme's file, or import nothing and write it inline"
                    ))
                    .into(),
            );
        }
        let mut misfits = Vec::new();
        for tier in &tiers {
            let mut best: Option<Match<'a>> = None;
            for &function in tier {
                match self.try_bind(function, &call, caller) {
                    Ok(found) => {
                        if best.as_ref().is_none_or(|best| found.score > best.score) {
                            best = Some(found);
                        }
                    }
                    Err(misfit) => misfits.push((function, misfit)),
                }
            }
            if let Some(found) = best {
                return self.inline(found.function, found.frame, span);
            }
        }
        let args = &call.args;
        let described: Vec<String> = args.iter().map(|arg| self.describe(arg)).collect();
        if let [(function, Some((at, needed)))] = misfits.as_slice()
            && let Some(Value::Clear(id)) = args.get(*at)
        {
            return Err(Diagnostic::new(
                "K03",
                format!(
                    "argument {} of `{name}` must be known to {}",
                    at + 1,
                    self.names(*needed)
                ),
                span,
            )
            .label(
                span,
                format!("it is known to {}", self.names(self.b.known(*id))),
            )
            .label(function.name.span, "declared here")
            .help("send it first, or share it")
            .into());
        }
        let mut error = Diagnostic::new(
            "P03",
            format!("no protocol `{name}` takes ({})", described.join(", ")),
            span,
        );
        for (function, _) in &misfits {
            error = error.label(function.name.span, "does not fit");
        }
        Err(error.into())
    }

    fn realised(
        &mut self,
        box_: &'a Function,
        call: &Call<'_>,
        span: Span,
        caller: &Frame,
    ) -> Outcome<Vec<Value>> {
        let name = box_.name.name.as_str();
        if box_.modifier == Some(Modifier::Extern) {
            return self.unsupported(span, &format!("the extern functionality `{name}`"));
        }
        // `triple`, or a batch `[double(); m]`, of which one instance is used here.
        let realises = |f: &Function, batch: bool| {
            f.clauses.iter().any(|clause| match &clause.kind {
                ClauseKind::Realises(e) if !batch => plain(e) == Some(name),
                ClauseKind::Realises(e) => match &e.kind {
                    ExprKind::Repeat(one, _) => match &one.kind {
                        ExprKind::Call { callee, .. } => plain(callee) == Some(name),
                        _ => plain(one) == Some(name),
                    },
                    _ => false,
                },
                _ => false,
            })
        };
        let candidates: Vec<(bool, &'a Function)> = self
            .file
            .module
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Protocol(f) if realises(f, false) => Some((false, f)),
                ItemKind::Protocol(f) if realises(f, true) => Some((true, f)),
                _ => None,
            })
            .collect();
        for (batch, function) in candidates {
            if let Ok(found) = self.try_bind(function, call, caller) {
                let mut frame = found.frame;
                frame.offline |= box_.modifier == Some(Modifier::Offline);
                let results = self.inline(found.function, frame, span)?;
                if !batch {
                    return Ok(results);
                }
                let first = |value| match value {
                    Value::Tuple(parts) => parts.into_iter().next().unwrap_or(Value::Poison),
                    value => value,
                };
                return Ok(results.into_iter().map(first).collect());
            }
        }
        Err(Diagnostic::new(
            "P03",
            format!("no protocol realises the functionality `{name}`"),
            span,
        )
        .help(format!("write `protocol p(…) … realises {name}`"))
        .into())
    }

    fn try_bind(
        &mut self,
        function: &'a Function,
        call: &Call<'_>,
        caller: &Frame,
    ) -> Result<Match<'a>, Misfit> {
        let (args, generics) = (&call.args, call.generics);
        let mut frame = Frame {
            offline: caller.offline || function.modifier == Some(Modifier::Offline),
            ..Frame::default()
        };
        for generic in &function.generics {
            if bound_name(generic) == Some("Scheme") {
                frame.schemes.push(generic.name.name.clone());
            }
        }
        if generics.len() > function.generics.len() {
            return Err(None);
        }
        for (generic, arg) in function.generics.iter().zip(generics) {
            match arg {
                GenericArg::Elem(elem) => {
                    frame.elems.insert(generic.name.name.clone(), *elem);
                }
                GenericArg::Value(value) => {
                    let party = bound_name(generic) == Some("party");
                    if party != matches!(value, Value::Party(_)) {
                        return Err(None);
                    }
                    frame.set(&generic.name.name, Vec::new(), value.clone());
                }
            }
        }
        // `share` into the scheme of the variable assigned.
        if let (Some(wanted), Some(result)) = (&call.wanted, function.results.first())
            && !self.match_scheme(&result.ty, wanted, &mut frame)
        {
            return Err(None);
        }
        let params: Vec<(&str, &Type)> = function
            .params
            .iter()
            .flat_map(|group| {
                group
                    .names
                    .iter()
                    .map(move |name| (name.ident.name.as_str(), &group.ty))
            })
            .collect();
        if params.len() != args.len()
            || function
                .params
                .iter()
                .any(|g| g.comp.is_some() || g.names.iter().any(|name| !name.indices.is_empty()))
        {
            return Err(None);
        }
        let mut score = 0;
        let mut late = Vec::new();
        for (at, ((name, ty), arg)) in params.iter().zip(args).enumerate() {
            let value = match (named_type(ty), arg) {
                (Some("int"), Value::Int(_) | Value::Scalar(_)) => arg.clone(),
                (Some("party"), Value::Party(_)) => arg.clone(),
                (Some("int" | "party"), _) => return Err(None),
                _ => {
                    let (inner, rows) = match &ty.kind {
                        TypeKind::Array(inner, sizes) => {
                            for size in sizes {
                                if let Some(size) = plain(size) {
                                    frame.set(size, Vec::new(), Value::Rows);
                                }
                            }
                            (&**inner, true)
                        }
                        _ => (*ty, false),
                    };
                    match (self.scheme_type(inner, &frame), arg) {
                        (Some(_), Value::Share(share)) => {
                            // A tensor is one element to a protocol on elements; a call is a row of
                            // what a deferred protocol gets.
                            let lifted =
                                share.rows || function.modifier == Some(Modifier::Deferred);
                            if share.rows != rows && !lifted
                                || !self.match_scheme(inner, &share.instance, &mut frame)
                            {
                                return Err(None);
                            }
                            Value::Share(Share {
                                rows,
                                ..share.clone()
                            })
                        }
                        (Some((family, scheme_arg, _)), Value::Clear(id)) if !rows => {
                            let (elem, span) = (self.b.elem(*id), ty.span);
                            if !self.match_arg(scheme_arg, elem, &mut frame) {
                                return Err(None);
                            }
                            let instance = match family {
                                FamilyName::Named(name) => self.instance(&name, elem, &[], span),
                                FamilyName::Bound => self.carrier(elem, span),
                            };
                            let share = instance
                                .and_then(|instance| self.embed(*id, &instance, span))
                                .map_err(|_| None)?;
                            Value::Share(share)
                        }
                        (None, Value::Clear(id)) => {
                            if !self.match_type(inner, self.b.elem(*id), &mut frame) {
                                return Err(None);
                            }
                            let known = self.b.known(*id);
                            score += self.match_label(inner, known, function, &mut frame, at)?;
                            arg.clone()
                        }
                        (None, Value::Int(_) | Value::Scalar(_) | Value::Power(_)) => {
                            late.push((name.to_string(), inner, arg.clone(), at));
                            continue;
                        }
                        _ => return Err(None),
                    }
                }
            };
            frame.set(name, Vec::new(), value);
        }
        for (name, ty, value, at) in late {
            let elem = self.elem_of_type(ty, &mut frame).map_err(|_| None)?;
            let id = self.clear(value, elem, ty.span).map_err(|_| None)?;
            score += self.match_label(ty, self.b.known(id), function, &mut frame, at)?;
            frame.set(&name, Vec::new(), Value::Clear(id));
        }
        // What the arguments do not fix is as in the caller: R and k of `triple()`.
        for (name, elem) in &caller.elems {
            frame.elems.entry(name.clone()).or_insert(*elem);
        }
        frame.inherited.clone_from(&caller.inherited);
        for (name, family) in &caller.vars {
            if let Some(Value::Int(value)) = family.get(&Vec::new()) {
                frame.inherited.insert(name.clone(), *value);
            }
        }
        let open = |generic: &Generic| {
            let name = &generic.name.name;
            frame.get(name).is_none()
                && !frame.elems.contains_key(name)
                && !frame.inherited.contains_key(name)
                && !frame.schemes.contains(name)
        };
        if function.generics.iter().any(open) || self.refused(function, &mut frame) {
            return Err(None);
        }
        Ok(Match {
            function,
            frame,
            score,
        })
    }

    /// Matches `@ place` with who knows the argument; owners as parameters are bound to the
    /// lowest party that does. More specific places score higher.
    fn match_label(
        &mut self,
        ty: &Type,
        known: PartySet,
        function: &Function,
        frame: &mut Frame,
        at: usize,
    ) -> Result<u32, Misfit> {
        let Some(KnownTo::At(place)) = &ty.label else {
            return Ok(0);
        };
        let free = |name: &str, frame: &Frame| {
            frame.get(name).is_none() && function.generics.iter().any(|g| g.name.name == name)
        };
        if let Some(name) = plain(place)
            && free(name, frame)
        {
            let party = known.iter().next().ok_or(None)?;
            frame.set(name, Vec::new(), Value::Party(party));
            return Ok(1);
        }
        if let ExprKind::Index { base, indices } = &place.kind
            && plain(base) == Some(self.def.parties.name.as_str())
            && let [one] = indices.as_slice()
            && let Some(name) = plain(&one.value)
            && free(name, frame)
        {
            let lowest = known.intersection(self.computing()).iter().next();
            let party = lowest.ok_or(None)?;
            frame.set(name, Vec::new(), Value::Int(i128::from(party.0)));
            return Ok(2);
        }
        let needed = self.parties(place, frame).map_err(|_| None)?;
        if needed.is_subset(known) {
            Ok(3)
        } else {
            Err(Some((at, needed)))
        }
    }
}

/// An explicit generic argument.
#[derive(Clone, Debug)]
pub(crate) enum GenericArg {
    Elem(Elem),
    Value(Value),
}

/// `D: party` gives `party`.
pub(crate) fn bound_name(generic: &Generic) -> Option<&str> {
    generic.bound.as_ref().and_then(named_type)
}

fn named_type(ty: &Type) -> Option<&str> {
    match &ty.kind {
        TypeKind::Named { path, indices, .. } if indices.is_empty() => {
            path.segments.last().map(|s| s.name.as_str())
        }
        _ => None,
    }
}
