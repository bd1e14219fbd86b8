//! Written types: what a parameter, a result or an input accepts.

use std::rc::Rc;

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{self, Expr, ExprKind, KnownTo, Span, TypeArg, TypeKind};
use smpc_ir::share::{Label, Type};
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::ops::{BOOL, FIX, type_name};
use crate::value::{Leaf, StructDef, Val};

/// A type's outermost form.
pub(crate) enum Form<'t> {
    Scalar(Type, bool),
    /// `num`: int, fix or bits.
    Number,
    /// `any`.
    Any,
    Struct(Rc<StructDef>),
    Tuple(&'t [ast::Type]),
    Array(&'t ast::Type, &'t [Expr]),
}

/// What `fix` without a number says of a value's fraction bits.
#[derive(Clone, Copy, PartialEq)]
enum Fractions {
    /// There are 16: where values are stored, in inputs, structs, constants and declared variables.
    Declared,
    /// There are as many as the value has: in signatures.
    Kept,
}

impl Elab<'_> {
    /// What a type is; `None` after an error.
    pub fn form<'t>(&mut self, ty: &'t ast::Type) -> Option<Form<'t>> {
        match &ty.kind {
            TypeKind::Array(element, sizes) => Some(Form::Array(element, sizes)),
            TypeKind::Tuple(items) => Some(Form::Tuple(items)),
            TypeKind::Set(_) => {
                self.error("U01", ty.span, "sets are not executable in scripts");
                None
            }
            TypeKind::Named {
                path,
                args,
                indices,
            } => {
                let name = path.segments.last().map_or("", |s| s.name.as_str());
                if !indices.is_empty() {
                    self.error_help(
                        "T01",
                        ty.span,
                        format!("`{name}[…]` is no type of scripts"),
                        "arrays are written `[int; n]`",
                    );
                    return None;
                }
                let width = match args.first() {
                    Some(arg) => Some(self.width(arg, ty.span)?),
                    None => None,
                };
                let sized = |w: Option<i128>, max: i128| w.filter(|w| (1..=max).contains(w));
                match (name, width) {
                    ("int", None) => Some(Form::Scalar(Type::Int, false)),
                    ("bool", None) => Some(Form::Scalar(BOOL, false)),
                    ("fix", None) => Some(Form::Scalar(FIX, false)),
                    ("num", None) => Some(Form::Number),
                    ("any", None) => Some(Form::Any),
                    ("fix", Some(_)) if sized(width, 62).is_some() => {
                        Some(Form::Scalar(Type::Fix(width? as u8), false))
                    }
                    ("bits", Some(_)) if sized(width, 128).is_some() => {
                        Some(Form::Scalar(Type::Bits(width? as u8), false))
                    }
                    ("text", Some(_)) if sized(width, 16).is_some() => {
                        Some(Form::Scalar(Type::Bits((8 * width?) as u8), true))
                    }
                    ("fix" | "bits" | "text", Some(_)) => {
                        self.error_help(
                            "T01",
                            ty.span,
                            "no such width",
                            "fix<1..62>, bits<1..128>, text<1..16>",
                        );
                        None
                    }
                    ("bits" | "text", None) => {
                        self.error_help(
                            "T01",
                            ty.span,
                            format!("`{name}` needs a width"),
                            format!("write `{name}<8>`"),
                        );
                        None
                    }
                    _ => match self.find_struct(&path.segments) {
                        Some(def) => Some(Form::Struct(def)),
                        None => {
                            let known = ["int", "fix", "bool", "bits", "text", "num"];
                            let mut names: Vec<String> =
                                known.iter().map(|k| (*k).to_owned()).collect();
                            if let Some(module) =
                                self.frames.last().and_then(|f| self.modules.get(f.module))
                            {
                                names.extend(module.structs.keys().cloned());
                            }
                            self.unknown_name(name, "type", ty.span, &names);
                            None
                        }
                    },
                }
            }
        }
    }

    fn width(&mut self, arg: &TypeArg, span: Span) -> Option<i128> {
        let expr = match arg {
            TypeArg::Expr(expr) => expr.clone(),
            TypeArg::Type(ast::Type {
                kind: TypeKind::Named { path, .. },
                span,
                ..
            }) => Expr {
                kind: ExprKind::Path {
                    path: path.clone(),
                    generics: vec![],
                },
                span: *span,
            },
            TypeArg::Type(_) => {
                self.error("T01", span, "a width is a number");
                return None;
            }
        };
        match self.expr(&expr) {
            Val::Leaf(leaf) if leaf.as_constant().is_some() => leaf.as_constant(),
            Val::Unknown => None,
            _ => {
                self.error("T01", span, "the width of a type is a constant");
                None
            }
        }
    }

    fn find_struct(&mut self, segments: &[ast::Ident]) -> Option<Rc<StructDef>> {
        let here = self.frames.last().map_or(0, |f| f.module);
        match segments {
            [name] => self.modules.get(here)?.structs.get(&name.name).cloned(),
            [alias, name] => {
                let module = self.imported(&alias.name)?;
                self.modules.get(module)?.structs.get(&name.name).cloned()
            }
            _ => None,
        }
    }

    /// Whether a parameter of this type takes single elements, so that a tensor makes the call
    /// element-wise.
    pub fn is_scalar_type(ty: &ast::Type) -> bool {
        match &ty.kind {
            TypeKind::Named { path, .. } => path.segments.last().is_some_and(|s| {
                matches!(
                    s.name.as_str(),
                    "int" | "fix" | "bool" | "bits" | "text" | "num"
                )
            }),
            _ => false,
        }
    }

    /// Whether a type is `fix` without a number of fraction bits.
    fn is_bare_fix(ty: &ast::Type) -> bool {
        matches!(&ty.kind, TypeKind::Named { path, args, .. }
            if args.is_empty() && path.segments.last().is_some_and(|s| s.name == "fix"))
    }

    /// The value as the declared type: ints become fix, dimensions bind or are compared with the
    /// sizes of the type, labels are checked. `leading` own dimensions are already accounted for.
    pub fn accept(&mut self, val: &Val, ty: &ast::Type, leading: usize, span: Span) -> Val {
        self.accepted(val, ty, (leading, Fractions::Declared), span)
    }

    /// The value as a type in a signature says: as [`Self::accept`], but `fix` keeps the fraction bits that
    /// the value has.
    pub fn accept_in_signature(&mut self, val: &Val, ty: &ast::Type, span: Span) -> Val {
        self.accepted(val, ty, (0, Fractions::Kept), span)
    }

    fn accepted(
        &mut self,
        val: &Val,
        ty: &ast::Type,
        (leading, fractions): (usize, Fractions),
        span: Span,
    ) -> Val {
        if val.is_unknown() {
            return Val::Unknown;
        }
        let Some(form) = self.form(ty) else {
            return Val::Unknown;
        };
        let accepted = match form {
            Form::Scalar(scalar, _) => match val {
                Val::Leaf(leaf) if leaf.dims.len() == leading => {
                    let kept = fractions == Fractions::Kept && Self::is_bare_fix(ty);
                    let scalar = match leaf.ty {
                        Type::Fix(_) if kept => leaf.ty,
                        _ => scalar,
                    };
                    self.coerce(leaf, scalar, span)
                        .map_or(Val::Unknown, Val::Leaf)
                }
                Val::Text(text) => self
                    .text_as(text, scalar, span)
                    .map_or(Val::Unknown, Val::Leaf),
                other => self.mismatch(other, ty, leading, span),
            },
            Form::Number => match val {
                Val::Leaf(leaf) if leaf.dims.len() == leading => val.clone(),
                other => self.mismatch(other, ty, leading, span),
            },
            Form::Any => val.clone(),
            Form::Struct(def) => match val {
                Val::Struct(found, items) if found.name == def.name => {
                    let items = items.clone();
                    let fields: Vec<Val> = items
                        .iter()
                        .zip(&def.fields)
                        .map(|(item, (_, ty))| self.accept(item, ty, leading, span))
                        .collect();
                    Val::Struct(def, fields)
                }
                other => self.mismatch(other, ty, leading, span),
            },
            Form::Tuple(types) => match val {
                Val::Tuple(items) if items.len() == types.len() => Val::Tuple(
                    items
                        .iter()
                        .zip(types)
                        .map(|(item, ty)| self.accepted(item, ty, (leading, fractions), span))
                        .collect(),
                ),
                other => self.mismatch(other, ty, leading, span),
            },
            Form::Array(element, sizes) => {
                let leaves = val.leaves();
                if leaves.is_empty() || leaves.iter().any(|l| l.dims.len() < leading + sizes.len())
                {
                    return self.mismatch(val, ty, leading, span);
                }
                let dims: Vec<Vec<Size>> = leaves.iter().map(|l| l.dims.clone()).collect();
                for dims in dims {
                    for (offset, size) in sizes.iter().enumerate() {
                        if self
                            .dimension(size, &dims[leading + offset], span)
                            .is_none()
                        {
                            return Val::Unknown;
                        }
                    }
                }
                self.accepted(val, element, (leading + sizes.len(), fractions), span)
            }
        };
        match &ty.label {
            Some(known) => self.relabelled(&accepted, known, span),
            None => accepted,
        }
    }

    fn mismatch(&mut self, val: &Val, ty: &ast::Type, leading: usize, span: Span) -> Val {
        let wanted = self.text_of(ty.span);
        let found = self.describe(val);
        let note = if leading > 0 {
            " (of each element)"
        } else {
            ""
        };
        self.error(
            "T01",
            span,
            format!("this is {found}, and `{wanted}`{note} is needed"),
        );
        Val::Unknown
    }

    /// A value's type as text.
    pub fn describe(&self, val: &Val) -> String {
        match val {
            Val::Leaf(leaf) => {
                let label = match leaf.label {
                    Label::Public => "public ".to_owned(),
                    Label::Secret => "secret ".to_owned(),
                    Label::Owned(_) => String::new(),
                };
                let at = match leaf.label {
                    Label::Owned(set) => format!(" @ {{{}}}", self.party_names(set)),
                    _ => String::new(),
                };
                let ty = type_name(leaf.ty);
                if leaf.dims.is_empty() {
                    return format!("{label}{ty}{at}");
                }
                let dims: Vec<String> = leaf.dims.iter().map(|d| self.show(d)).collect();
                format!("{label}[{ty}; {}]{at}", dims.join(", "))
            }
            Val::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|i| self.describe(i)).collect();
                format!("({})", items.join(", "))
            }
            Val::Struct(def, items) => match items.first() {
                Some(Val::Leaf(leaf)) if !leaf.dims.is_empty() => {
                    format!("[{}; {}]", def.name, self.show(&leaf.dims[0]))
                }
                _ => def.name.clone(),
            },
            other => other.kind().to_owned(),
        }
    }

    /// Whether a name in a type is bound by it: a generic without a value, or nothing at all.
    fn is_unbound(&self, name: &str) -> bool {
        let Some(frame) = self.frames.last() else {
            return true;
        };
        if frame.scopes.iter().any(|s| s.contains_key(name)) {
            return false;
        }
        let generic = frame
            .function
            .as_ref()
            .is_some_and(|f| f.function.generics.iter().any(|g| g.name.name == name));
        generic || self.lookup(name).is_none()
    }

    /// Compares a dimension with a size of a type; a name not bound yet is bound.
    fn dimension(&mut self, size: &Expr, dim: &Size, span: Span) -> Option<Size> {
        if let ExprKind::Path { path, .. } = &size.kind
            && let [name] = path.segments.as_slice()
            && self.is_unbound(&name.name)
        {
            let dim = self.canon(dim);
            self.declare(
                &name.name,
                Val::Leaf(Leaf::size(dim.clone())),
                false,
                name.span,
            );
            return Some(dim);
        }
        let wanted = self.size_expr(size)?;
        self.unify(dim, &wanted, span)
    }

    /// The value of an expression that must be a size.
    pub fn size_expr(&mut self, expr: &Expr) -> Option<Size> {
        match self.expr(expr) {
            Val::Leaf(leaf) => match leaf.as_size() {
                Some(size) => Some(self.canon(size)),
                None => {
                    self.no_size(&leaf, expr.span);
                    None
                }
            },
            Val::Unknown => None,
            other => {
                let message = format!("{} is no size", other.kind());
                self.error("D02", expr.span, message);
                None
            }
        }
    }

    pub fn no_size(&mut self, leaf: &Leaf, span: Span) {
        let message = match leaf.label {
            Label::Secret => "a size is public, and this is secret",
            Label::Owned(_) => "a size is public, and this is known to its owner only",
            Label::Public => "this is no size: it comes from data",
        };
        let diagnostic = Diagnostic::new("D02", message, span).help(
            "a size is a literal, a param, an input's dimension, or a sum or product of these",
        );
        let diagnostic = self.with_path(diagnostic, leaf);
        self.report(diagnostic);
    }

    fn relabelled(&mut self, val: &Val, known: &KnownTo, span: Span) -> Val {
        let wanted = match known {
            KnownTo::Public => Label::Public,
            KnownTo::Secret => Label::Secret,
            KnownTo::At(place) => match self.party_set(place) {
                Some(set) if set == self.everyone() => Label::Public,
                Some(set) => Label::Owned(set),
                None => return Val::Unknown,
            },
        };
        let val = val.clone();
        val.map(&mut |leaf| match (wanted, leaf.label) {
            (Label::Secret, Label::Public) => Some(self.shared(leaf, span)),
            (Label::Secret, Label::Secret) => Some(leaf.clone()),
            (Label::Secret, Label::Owned(set)) => {
                let names = self.party_names(set);
                self.error_help(
                    "K15",
                    span,
                    format!("a secret is needed, and this is known to {names}"),
                    "write `share` before it",
                );
                None
            }
            (Label::Public, Label::Public) => Some(leaf.clone()),
            (Label::Owned(_), Label::Public) => Some(leaf.clone()),
            (Label::Owned(set), Label::Owned(known)) if set.is_subset(known) => Some(leaf.clone()),
            (wanted, _) => {
                let to = match wanted {
                    Label::Owned(set) => self.party_names(set),
                    _ => "everybody".into(),
                };
                let found = match leaf.label {
                    Label::Owned(set) => format!("known to {} only", self.party_names(set)),
                    _ => "secret".into(),
                };
                let diagnostic = Diagnostic::new(
                    "K13",
                    format!("a value known to {to} is needed here, and this is {found}"),
                    span,
                )
                .help("only `reveal` makes a value known to more parties");
                let diagnostic = self.with_path(diagnostic, leaf);
                self.report(diagnostic);
                None
            }
        })
    }
}
