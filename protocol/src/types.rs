//! Types of protocols: element types evaluated, and matched against arguments.

use crate::call::bound_name;
use crate::elaborate::{Elab, plain};
use crate::elem_name;
use crate::scheme::Instance;
use crate::value::{Fail, Frame, Outcome, Share, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, Expr, ExprKind, Span, Type, TypeArg, TypeKind};
use smpc_ir::decisions::Outcome as Decided;
use smpc_ir::field::Prime;
use smpc_ir::party::Elem;

/// A type by name: the name, its arguments, its indices.
pub(crate) type Named<'t> = (&'t str, &'t [TypeArg], &'t [Vec<Expr>]);

/// The last name of a type, its arguments and its indices.
pub(crate) fn named(ty: &Type) -> Option<Named<'_>> {
    match &ty.kind {
        TypeKind::Named {
            path,
            args,
            indices,
        } => Some((&path.segments.last()?.name, args, indices)),
        _ => None,
    }
}

/// e of `2^e`.
fn exponent(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Binary(base, BinaryOp::Pow, exponent) => {
            matches!(&base.kind, ExprKind::Number(text) if text == "2").then_some(&**exponent)
        }
        ExprKind::Tuple(parts) => match parts.as_slice() {
            [one] => exponent(one),
            _ => None,
        },
        _ => None,
    }
}

impl Elab<'_> {
    /// Whether a name is a scheme here, and which.
    pub fn family(&self, name: &str, frame: &Frame) -> Option<FamilyName> {
        if frame.schemes.iter().any(|s| s == name) {
            return Some(FamilyName::Bound);
        }
        self.file
            .schemes
            .contains_key(name)
            .then(|| FamilyName::Named(name.to_owned()))
    }

    /// The scheme a type names and the type argument.
    pub fn scheme_type<'t>(
        &self,
        ty: &'t Type,
        frame: &Frame,
    ) -> Option<(FamilyName, &'t TypeArg, &'t [TypeArg])> {
        let (name, args, _) = named(ty)?;
        let (first, rest) = args.split_first()?;
        Some((self.family(name, frame)?, first, rest))
    }

    fn width(&self, value: i128, span: Span, what: impl Fn(u8) -> Elem) -> Outcome<Elem> {
        match u8::try_from(value) {
            Ok(width @ 1..=128) => Ok(what(width)),
            _ => Err(Diagnostic::new("P05", "a width is 1 to 128 bits", span).into()),
        }
    }

    fn no_type<T>(&self, span: Span) -> Outcome<T> {
        Err(Diagnostic::new(
            "P04",
            format!("`{}` is no element type here", self.text(span)),
            span,
        )
        .help("element types are `Z[2^k]`, `F[p]`, `Bits[m]` and the scheme's parameter")
        .into())
    }

    fn ring(&mut self, name: &str, index: &Expr, frame: &mut Frame) -> Outcome<Elem> {
        match name {
            "Z" => match exponent(index) {
                Some(e) => {
                    let k = self.uniform_width(e, frame)?;
                    self.width(k, index.span, Elem::Ring)
                }
                None => self.unsupported(index.span, "a modulus that is no power of 2"),
            },
            "Bits" => {
                let m = self.uniform_width(index, frame)?;
                self.width(m, index.span, Elem::Bits)
            }
            "F" => {
                let p = self.int(index, frame)?;
                match u128::try_from(p).ok().and_then(Prime::new) {
                    Some(prime) => Ok(Elem::Field(prime)),
                    None => Err(Diagnostic::new(
                        "P05",
                        format!("{p} is no modulus of a field here"),
                        index.span,
                    )
                    .help("a prime below 2^32, or 2^q - 1 for q of 61, 89, 107 or 127")
                    .into()),
                }
            }
            _ => self.no_type(index.span),
        }
    }

    /// The element type an expression names, as in `<- Z[2^k] @ …`.
    pub fn elem_of_expr(&mut self, expr: &Expr, frame: &mut Frame) -> Outcome<Elem> {
        if let Some(name) = plain(expr) {
            return match frame.elems.get(name) {
                Some(elem) => Ok(*elem),
                None => self.no_type(expr.span),
            };
        }
        match &expr.kind {
            ExprKind::Index { base, indices } => match (plain(base), indices.as_slice()) {
                (Some(name), [one]) => self.ring(name, &one.value, frame),
                _ => self.no_type(expr.span),
            },
            _ => self.no_type(expr.span),
        }
    }

    /// The element type a clear type names.
    pub fn elem_of_type(&mut self, ty: &Type, frame: &mut Frame) -> Outcome<Elem> {
        if let TypeKind::Array(inner, _) = &ty.kind {
            return self.elem_of_type(inner, frame);
        }
        let Some((name, args, indices)) = named(ty) else {
            return self.no_type(ty.span);
        };
        match indices {
            [] if args.is_empty() => match frame.elems.get(name) {
                Some(elem) => Ok(*elem),
                None => self.no_type(ty.span),
            },
            [list] => match list.as_slice() {
                [one] => {
                    let one = one.clone();
                    self.ring(name, &one, frame)
                }
                _ => self.no_type(ty.span),
            },
            _ => self.no_type(ty.span),
        }
    }

    /// The element type of a scheme's argument; a bare width means bits.
    pub fn elem_of_arg(&mut self, arg: &TypeArg, frame: &mut Frame) -> Outcome<Elem> {
        match arg {
            TypeArg::Type(ty) => {
                if let Some((name, [], [])) = named(ty)
                    && let Some(m) = match frame.get(name) {
                        Some(Value::Int(m)) => Some(m),
                        None => frame.inherited.get(name).copied(),
                        Some(_) => None,
                    }
                {
                    if !self.is_width(name, frame) {
                        self.reads_width();
                    }
                    return self.width(m, ty.span, Elem::Bits);
                }
                self.elem_of_type(ty, frame)
            }
            TypeArg::Expr(expr) => {
                let m = self.uniform_width(expr, frame)?;
                self.width(m, expr.span, Elem::Bits)
            }
        }
    }

    /// A shared value without components yet, as its type declares it.
    pub fn declared(&mut self, ty: &Type, frame: &mut Frame) -> Outcome<Value> {
        if let TypeKind::Array(inner, _) = &ty.kind {
            return match self.declared(inner, frame)? {
                Value::Share(share) => Ok(Value::Share(Share {
                    rows: true,
                    ..share
                })),
                other => Ok(other),
            };
        }
        let Some((family, arg, numbers)) = self.scheme_type(ty, frame) else {
            return Err(Diagnostic::new(
                "P04",
                format!("`{}` is no scheme here", self.text(ty.span)),
                ty.span,
            )
            .into());
        };
        let elem = self.elem_of_arg(arg, frame)?;
        let mut params = Vec::new();
        for number in numbers {
            params.push(self.number_of_arg(number, frame)?);
        }
        let instance = match family {
            FamilyName::Named(name) => self.instance(&name, elem, &params, ty.span)?,
            FamilyName::Bound => self.carrier(elem, ty.span)?,
        };
        Ok(Value::Share(Share {
            components: vec![None; instance.keys.len()],
            instance,
            rows: false,
        }))
    }

    /// A number among a scheme's arguments.
    fn number_of_arg(&mut self, arg: &TypeArg, frame: &mut Frame) -> Outcome<i128> {
        match arg {
            TypeArg::Expr(expr) => self.int(expr, frame),
            TypeArg::Type(ty) => {
                let known = match named(ty) {
                    Some((name, [], [])) => self.known_number(name, frame),
                    _ => None,
                };
                known.ok_or_else(|| {
                    let text = format!("`{}` is no number known here", self.text(ty.span));
                    Diagnostic::new("P05", text, ty.span).into()
                })
            }
        }
    }

    /// A number by name.
    fn known_number(&self, name: &str, frame: &Frame) -> Option<i128> {
        match frame.get(name) {
            Some(Value::Int(value)) => Some(value),
            Some(_) => None,
            None => frame
                .inherited
                .get(name)
                .or_else(|| self.globals.get(name))
                .copied(),
        }
    }

    /// Matches a type of shares with a scheme and binds the names in it.
    pub fn match_scheme(&mut self, ty: &Type, instance: &Instance, frame: &mut Frame) -> bool {
        let Some((family, arg, numbers)) = self.scheme_type(ty, frame) else {
            return false;
        };
        // Of a scheme over vectors of bits, `S<m>` names their length.
        let counts = self.file.schemes.get(&instance.family).is_some_and(|def| {
            let first = def.scheme.generics.first();
            first.and_then(bound_name) == Some("int")
        });
        let length = match (arg, instance.elem) {
            (TypeArg::Type(ty), Elem::Bits(m)) if counts => match named(ty) {
                Some((name, [], [])) => Some((name, i128::from(m))),
                _ => None,
            },
            _ => None,
        };
        let fits = match length {
            Some((name, m)) => match frame.get(name) {
                Some(Value::Int(known)) => known == m,
                Some(_) => false,
                None => {
                    frame.set(name, Vec::new(), Value::Int(m));
                    frame.widths.insert(name.to_owned());
                    true
                }
            },
            None => self.match_arg(arg, instance.elem, frame),
        };
        if !fits {
            return false;
        }
        let of_backend = self.carriers.of(instance.elem);
        match family {
            FamilyName::Bound => {
                return of_backend.is_some_and(|(name, params)| {
                    *name == instance.family && *params == instance.params
                });
            }
            FamilyName::Named(name) if name != instance.family => return false,
            FamilyName::Named(_) => {}
        }
        // Numbers that are not written are those of the backend.
        if numbers.is_empty() {
            return instance.params.is_empty()
                || of_backend.is_some_and(|(_, params)| *params == instance.params);
        }
        numbers.len() == instance.params.len()
            && numbers
                .iter()
                .zip(&instance.params)
                .all(|(number, value)| match number {
                    TypeArg::Expr(expr) => self.match_int(expr, *value, frame),
                    TypeArg::Type(ty) => match named(ty) {
                        Some((name, [], [])) => match self.known_number(name, frame) {
                            Some(known) => known == *value,
                            None => {
                                frame.set(name, Vec::new(), Value::Int(*value));
                                frame.widths.insert(name.to_owned());
                                true
                            }
                        },
                        _ => false,
                    },
                })
    }

    /// Matches a type's argument with an element type and binds the names in it.
    pub fn match_arg(&mut self, arg: &TypeArg, elem: Elem, frame: &mut Frame) -> bool {
        match arg {
            TypeArg::Type(ty) => self.match_type(ty, elem, frame),
            TypeArg::Expr(expr) => match elem {
                Elem::Bits(m) => self.match_int(expr, m.into(), frame),
                _ => false,
            },
        }
    }

    /// Matches a clear type with an element type and binds the names in it.
    pub fn match_type(&mut self, ty: &Type, elem: Elem, frame: &mut Frame) -> bool {
        if let TypeKind::Array(inner, _) = &ty.kind {
            return self.match_type(&inner.clone(), elem, frame);
        }
        let Some((name, args, indices)) = named(ty) else {
            return false;
        };
        if !args.is_empty() {
            return false;
        }
        match indices {
            [] => match frame.elems.get(name) {
                Some(bound) => *bound == elem,
                None => {
                    if self.file.schemes.contains_key(name) || name == "int" {
                        return false;
                    }
                    frame.elems.insert(name.to_owned(), elem);
                    true
                }
            },
            [list] => match (list.as_slice(), name, elem) {
                ([one], "Z", Elem::Ring(k)) => match exponent(one) {
                    Some(e) => self.match_int(e, k.into(), frame),
                    None => false,
                },
                ([one], "Bits", Elem::Bits(m)) => self.match_int(one, m.into(), frame),
                ([one], "F", Elem::Field(p)) => {
                    self.match_int(one, p.modulus().cast_signed(), frame)
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn match_int(&mut self, expr: &Expr, value: i128, frame: &mut Frame) -> bool {
        if let Some(name) = plain(expr)
            && frame.get(name).is_none()
        {
            frame.set(name, Vec::new(), Value::Int(value));
            frame.widths.insert(name.to_owned());
            return true;
        }
        let fits = matches!(self.uniform_width(expr, frame), Ok(v) if v == value);
        self.decide(expr.span, Decided::Is(fits));
        fits
    }

    /// What a value is, for errors.
    pub fn describe(&self, value: &Value) -> String {
        match value {
            Value::Int(_) | Value::Scalar(_) | Value::Power(_) => "a public number".to_owned(),
            Value::Bool(_) => "a condition".to_owned(),
            Value::Clear(id) => format!(
                "{} @ {{{}}}",
                elem_name(self.b.elem(*id)),
                self.names(self.b.known(*id))
            ),
            Value::Share(share) if share.rows => format!("[{}; n]", share.instance.title()),
            Value::Share(share) => share.instance.title(),
            Value::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.describe(part)).collect();
                format!("({})", parts.join(", "))
            }
            Value::Party(_) | Value::Parties(_) => "parties".to_owned(),
            Value::Set(_) => "a set".to_owned(),
            Value::Row => "an index".to_owned(),
            Value::Rows => "a length".to_owned(),
            Value::Poison => "an error".to_owned(),
        }
    }

    /// Fails if the value is the result of an earlier error.
    pub fn sound(&self, value: Value) -> Outcome<Value> {
        match value {
            Value::Poison => Err(Fail(None)),
            value => Ok(value),
        }
    }
}

/// A scheme in a signature: by name, or the one that is bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FamilyName {
    Named(String),
    Bound,
}
