//! Calls: the overload that fits what is known, inlined; builtins; functionalities by the
//! protocol that realises them.

mod arguments;

use arguments::named_type;

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
use smpc_ir::decisions::Outcome as Decided;
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
            ("uint", _) => {
                let help =
                    "a cast of bits is of the number from 0 on that they are: `bits(x) as R`";
                return self.instead(span, "`uint`", help);
            }
            ("hash", _) => {
                let help = "parties compare digests by `A, B -> C: v;` and `agree v @ {A, B};`, and are bound to a value by `commits`";
                return self.instead(span, "`hash`", help);
            }
            ("any" | "recover" | "public_key", _) => {
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
            Value::Clear(_) if self.ideal => return Ok(value),
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
                let text = source(found.function.name.span);
                self.decide(span, Decided::Calls(text));
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
                let text = source(found.function.name.span);
                self.decide(span, Decided::Calls(text));
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
