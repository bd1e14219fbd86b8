//! Expressions.

use std::rc::Rc;

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{self, BinaryOp, Expr, ExprKind, IndexArg, Span};
use smpc_ir::share::{Label, Type};
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::number;
use crate::ops::{BOOL, common, type_name};
use crate::types::Form;
use crate::value::{Leaf, Origin, Src, Val};

impl Elab<'_> {
    pub fn expr(&mut self, expr: &Expr) -> Val {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number(text) => match number::literal(text) {
                Some(leaf) => Val::Leaf(leaf),
                None => {
                    let limit = if text.contains('.') {
                        "a fix is below 2^63"
                    } else {
                        "an int is below 2^126"
                    };
                    self.error(
                        "T01",
                        span,
                        format!("the number {text} does not fit: {limit}"),
                    );
                    Val::Unknown
                }
            },
            ExprKind::Text(text) => Val::Text(text.clone()),
            ExprKind::Bool(value) => Val::Leaf(Leaf::literal(i128::from(*value), BOOL)),
            ExprKind::Path { path, .. } => self.name(path),
            ExprKind::Call { callee, args } => self.call(callee, args, span),
            ExprKind::Index { base, indices } => {
                let base_val = self.expr(base);
                self.indexed(&base_val, indices, span)
            }
            ExprKind::Component { .. } => {
                self.error(
                    "T01",
                    span,
                    "components `.[i]` belong to protocols, not to scripts",
                );
                Val::Unknown
            }
            ExprKind::Field(base, field) => {
                let val = self.expr(base);
                self.field(&val, field, span)
            }
            ExprKind::TupleField(base, digits) => {
                let val = self.expr(base);
                match (&val, digits.parse::<usize>()) {
                    (Val::Tuple(items), Ok(at)) if at < items.len() => items[at].clone(),
                    (Val::Unknown, _) => Val::Unknown,
                    (Val::Tuple(items), _) => {
                        let message = format!(
                            "the tuple has {} fields: .0 to .{}",
                            items.len(),
                            items.len() - 1
                        );
                        self.error("T02", span, message);
                        Val::Unknown
                    }
                    (other, _) => {
                        let message = format!("{} has no field .{digits}", self.describe(other));
                        self.error("T01", span, message);
                        Val::Unknown
                    }
                }
            }
            ExprKind::Cast(base, ty) => {
                let val = self.expr(base);
                self.cast_to(&val, ty, span)
            }
            ExprKind::Unary(op, base) => {
                let val = self.expr(base);
                self.unary(*op, &val, span)
            }
            ExprKind::Binary(l, op, r) => {
                let left = self.expr(l);
                // A literal on the left decides `and` and `or` as everywhere; both sides are pure.
                let right = self.expr(r);
                let told = self.diagnostics.len();
                let result = self.binary(*op, &left, &right, span);
                if self.diagnostics.len() > told {
                    self.label_shapes(told, &[(l, &left), (r, &right)]);
                }
                result
            }
            ExprKind::Chain(first, rest) => {
                let mut left = self.expr(first);
                let mut all: Option<Val> = None;
                for (op, next) in rest {
                    let right = self.expr(next);
                    let holds = self.binary(*op, &left, &right, span);
                    all = Some(match all {
                        Some(before) => self.binary(BinaryOp::And, &before, &holds, span),
                        None => holds,
                    });
                    left = right;
                }
                all.unwrap_or(left)
            }
            ExprKind::Range {
                start,
                end,
                inclusive,
            } => {
                let (a, b) = (self.expr(start), self.expr(end));
                let b = if *inclusive {
                    self.binary(BinaryOp::Add, &b, &Val::Leaf(Leaf::size(Size::one())), span)
                } else {
                    b
                };
                match (a, b) {
                    (Val::Leaf(a), Val::Leaf(b)) if a.ty == Type::Int && b.ty == Type::Int => {
                        Val::Range(Box::new(a), Box::new(b))
                    }
                    (Val::Unknown, _) | (_, Val::Unknown) => Val::Unknown,
                    _ => {
                        self.error("T01", span, "the ends of a range are ints");
                        Val::Unknown
                    }
                }
            }
            ExprKind::Tuple(items) if items.is_empty() => Val::Unit,
            ExprKind::Tuple(items) => Val::Tuple(items.iter().map(|i| self.expr(i)).collect()),
            ExprKind::Array(items) => {
                let items: Vec<Val> = items.iter().map(|i| self.expr(i)).collect();
                self.stacked(items, span)
            }
            ExprKind::Repeat(item, sizes) => {
                let item = self.expr(item);
                let mut axes = vec![];
                for size in sizes {
                    let Some(size) = self.size_expr(size) else {
                        return Val::Unknown;
                    };
                    axes.push(self.new_axis(size));
                }
                self.collect_all(&item, &axes, span)
            }
            ExprKind::Comprehension(body, comp) => self.generated(body, comp),
            ExprKind::Set(_) | ExprKind::Cardinality(_) => {
                self.error("U01", span, "sets of parties are not values of scripts");
                Val::Unknown
            }
            ExprKind::If(branch) => self.branch(branch, span),
            ExprKind::While(looped) => self.while_loop(looped, span),
            ExprKind::Lambda(..) => {
                self.error_help(
                    "T01",
                    span,
                    "a lambda stands only in `reduce` and `scan`",
                    "define a `fn`",
                );
                Val::Unknown
            }
            ExprKind::Share(inner) => {
                let val = self.expr(inner);
                let val = self.as_input(val, span);
                self.share(&val, span)
            }
            ExprKind::Reveal(reveal) => self.reveal(reveal, span, None),
        }
    }

    pub fn share(&mut self, val: &Val, span: Span) -> Val {
        match val {
            Val::Leaf(_) | Val::Tuple(_) | Val::Struct(..) | Val::Family(_) => {}
            Val::Unknown => return Val::Unknown,
            other => {
                let message = format!("{} cannot be shared", other.kind());
                self.error("T01", span, message);
                return Val::Unknown;
            }
        }
        val.map(&mut |leaf| {
            let mut shared = self.shared(leaf, span);
            if leaf.label != Label::Secret {
                shared.origin = Some(Rc::new(Origin {
                    span,
                    text: "became secret here".into(),
                    parent: None,
                }));
            }
            Some(shared)
        })
    }

    fn name(&mut self, path: &ast::Path) -> Val {
        let [name] = path.segments.as_slice() else {
            return self.imported_constant(path);
        };
        if let Some(slot) = self.lookup(&name.name) {
            return self.slots[slot].val.clone();
        }
        let module = self.frames.last().map_or(0, |f| f.module);
        if let Some(constant) = self.modules[module].constants.get(&name.name).cloned() {
            return self.constant(&constant, module);
        }
        if self.parties.contains_key(&name.name) {
            self.error(
                "T01",
                name.span,
                format!("`{}` is a party, not a value", name.name),
            );
            return Val::Unknown;
        }
        if let Some(what) = self.modules[module].refused.get(&name.name) {
            let message = format!("`{}` is {what}, which is not executable yet", name.name);
            self.error("U01", name.span, message);
            return Val::Unknown;
        }
        let mut names = self.visible();
        names.extend(self.modules[module].constants.keys().cloned());
        if self.functions(module, &name.name).is_some() {
            self.error_help(
                "T01",
                name.span,
                format!("`{}` is a function", name.name),
                "call it: `name(…)`",
            );
            return Val::Unknown;
        }
        self.unknown_name(&name.name, "name", name.span, &names);
        Val::Unknown
    }

    fn imported_constant(&mut self, path: &ast::Path) -> Val {
        if let [alias, name] = path.segments.as_slice()
            && let Some(module) = self.imported(&alias.name)
            && let Some(constant) = self.modules[module].constants.get(&name.name).cloned()
        {
            return self.constant(&constant, module);
        }
        let text: Vec<&str> = path.segments.iter().map(|s| s.name.as_str()).collect();
        self.error(
            "N01",
            path.span,
            format!("nothing is named `{}`", text.join("::")),
        );
        Val::Unknown
    }

    fn constant(&mut self, constant: &Rc<ast::Const>, module: usize) -> Val {
        if self.frames.len() > 64 {
            self.error(
                "N03",
                constant.name.span,
                format!("`{}` is defined by itself", constant.name.name),
            );
            return Val::Unknown;
        }
        self.enter(module);
        let val = self.expr(&constant.value);
        let val = match &constant.ty {
            Some(ty) => self.accept(&val, ty, 0, constant.value.span),
            None => val,
        };
        self.frames.pop();
        val
    }

    fn field(&mut self, val: &Val, field: &ast::Ident, span: Span) -> Val {
        match val {
            Val::Struct(def, items) => {
                match def.fields.iter().position(|(f, _)| f.name == field.name) {
                    Some(at) => items[at].clone(),
                    None => {
                        let names: Vec<String> =
                            def.fields.iter().map(|(f, _)| f.name.clone()).collect();
                        self.unknown_name(&field.name, "field", field.span, &names);
                        Val::Unknown
                    }
                }
            }
            Val::Leaf(leaf) if field.name == "T" => {
                self.transpose(leaf, span).map_or(Val::Unknown, Val::Leaf)
            }
            Val::Unknown => Val::Unknown,
            other => {
                let message = format!("{} has no field `{}`", self.describe(other), field.name);
                self.error("T01", field.span, message);
                Val::Unknown
            }
        }
    }

    fn cast_to(&mut self, val: &Val, ty: &ast::Type, span: Span) -> Val {
        let mut target = ty;
        let form = loop {
            match self.form(target) {
                Some(Form::Array(element, _)) => target = element,
                Some(form) => break form,
                None => return Val::Unknown,
            }
        };
        let Form::Scalar(scalar, _) = form else {
            self.error("T01", ty.span, "`as` takes int, fix, bool or bits");
            return Val::Unknown;
        };
        match val {
            Val::Leaf(leaf) => {
                if scalar == BOOL && matches!(leaf.ty, Type::Fix(_)) {
                    self.error_help(
                        "T01",
                        span,
                        "fixed point is not cast to bool",
                        "compare: `x != 0`",
                    );
                    return Val::Unknown;
                }
                self.cast(leaf, scalar, span)
                    .map_or(Val::Unknown, Val::Leaf)
            }
            Val::Text(text) => self
                .text_as(text, scalar, span)
                .map_or(Val::Unknown, Val::Leaf),
            Val::Unknown => Val::Unknown,
            other => {
                let message = format!(
                    "`as` takes a number or tensor, and this is {}",
                    other.kind()
                );
                self.error("T01", span, message);
                Val::Unknown
            }
        }
    }

    /// `base[i, j]`.
    pub fn indexed(&mut self, base: &Val, indices: &[IndexArg], span: Span) -> Val {
        let mut evaluated = vec![];
        for index in indices {
            let val = self.expr(&index.value);
            if val.is_unknown() {
                return Val::Unknown;
            }
            evaluated.push((index.secret, val, index.value.span));
        }
        self.at(base, &evaluated, span)
    }

    pub fn at(&mut self, base: &Val, indices: &[(bool, Val, Span)], span: Span) -> Val {
        match base {
            Val::Unknown => Val::Unknown,
            Val::Family(family) => {
                let width = family.members.keys().next().map_or(1, Vec::len);
                let (own, rest) = indices.split_at(width.min(indices.len()));
                let mut key = vec![];
                for (_, val, at) in own {
                    match val {
                        Val::Leaf(leaf) if leaf.as_constant().is_some() => {
                            key.extend(leaf.as_constant())
                        }
                        _ => {
                            self.error_help(
                                "T01",
                                *at,
                                "the index of a family is known before the run",
                                "iterate with `for name[i]` over the party family",
                            );
                            return Val::Unknown;
                        }
                    }
                }
                let Some(member) = family.members.get(&key).cloned() else {
                    let message = format!(
                        "the family has {} members, and none with this index",
                        family.members.len()
                    );
                    self.error("D03", span, message);
                    return Val::Unknown;
                };
                if rest.is_empty() {
                    member
                } else {
                    self.at(&member, rest, span)
                }
            }
            Val::Tuple(items) => {
                if items
                    .iter()
                    .flat_map(Val::leaves)
                    .any(|l| l.dims.is_empty())
                {
                    self.error_help(
                        "T01",
                        span,
                        "a tuple is not indexed",
                        "its fields are `.0`, `.1`, …",
                    );
                    return Val::Unknown;
                }
                Val::Tuple(items.iter().map(|i| self.at(i, indices, span)).collect())
            }
            Val::Struct(def, items) => Val::Struct(
                def.clone(),
                items.iter().map(|i| self.at(i, indices, span)).collect(),
            ),
            Val::Leaf(leaf) => {
                let mut leaf = leaf.clone();
                let mut own = 0;
                for (secret, index, at) in indices {
                    if own >= leaf.dims.len() {
                        let message =
                            format!("this has {} dimensions, and more indices", leaf.dims.len());
                        self.error("T02", span, message);
                        return Val::Unknown;
                    }
                    let next = match index {
                        Val::Range(start, end) => {
                            own += 1;
                            self.sliced(&leaf, own - 1, (start, end), *at)
                        }
                        Val::Leaf(i) if *secret && i.label == Label::Secret => {
                            if own != 0 {
                                self.error("U01", *at, "a secret index comes first");
                                return Val::Unknown;
                            }
                            self.secret_index(&leaf, i, *at)
                        }
                        Val::Leaf(i) => {
                            let rank = i.dims.len();
                            let next = self.index(&leaf, own, i, *at);
                            own += rank;
                            next
                        }
                        other => {
                            let message =
                                format!("an index is an int or a range, not {}", other.kind());
                            self.error("T01", *at, message);
                            None
                        }
                    };
                    match next {
                        Some(next) => leaf = next,
                        None => return Val::Unknown,
                    }
                }
                Val::Leaf(leaf)
            }
            other => {
                let message = format!("{} is not indexed", other.kind());
                self.error("T01", span, message);
                Val::Unknown
            }
        }
    }

    /// `[a, b, c]`.
    pub fn stacked(&mut self, items: Vec<Val>, span: Span) -> Val {
        if items.is_empty() {
            self.error("T01", span, "an empty array has no type");
            return Val::Unknown;
        }
        self.zip(&items, span, &mut |this, leaves| {
            if let Some(leaf) = data(leaves) {
                return Some(leaf);
            }
            let rows: Vec<Leaf> = leaves.iter().map(|l| this.as_row(l, span)).collect();
            this.concat(&rows, span)
        })
    }

    /// A condition as one bool.
    pub fn condition(&mut self, expr: &Expr) -> Option<Leaf> {
        let val = self.expr(expr);
        let leaf = match &val {
            Val::Leaf(leaf) => leaf.clone(),
            Val::Unknown => return None,
            other => {
                let message = format!("a condition is a bool, not {}", other.kind());
                self.error("T01", expr.span, message);
                return None;
            }
        };
        if leaf.ty != BOOL {
            let message = format!("a condition is a bool, not {}", type_name(leaf.ty));
            self.error_help("T01", expr.span, message, "compare: `x != 0`");
            return None;
        }
        if !leaf.dims.is_empty() {
            self.error_help(
                "T01",
                expr.span,
                "a condition is one bool, and this is a tensor",
                "write a comprehension, or `select(c, a, b)`",
            );
            return None;
        }
        Some(leaf)
    }

    /// Reports a control decision that is not public.
    pub fn needs_public(
        &mut self,
        leaf: &Leaf,
        code: &'static str,
        what: &str,
        help: &str,
        span: Span,
    ) -> bool {
        let message = match leaf.label {
            Label::Public => return true,
            Label::Secret => format!("{what} is secret"),
            Label::Owned(set) => format!("{what} is known to {} only", self.party_names(set)),
        };
        let mut diagnostic = Diagnostic::new(code, message, span).help(help.to_owned());
        diagnostic = self.with_path(diagnostic, leaf).label(span, "decides here");
        self.report(diagnostic);
        false
    }
}

/// Literals as one constant tensor.
fn data(leaves: &[Leaf]) -> Option<Leaf> {
    let mut ty = leaves.first()?.ty;
    for leaf in leaves {
        if !leaf.is_scalar() {
            return None;
        }
        ty = common(ty, leaf.ty)?;
    }
    let values: Option<Vec<i128>> = leaves
        .iter()
        .map(|leaf| {
            let value = leaf.as_constant()?;
            match (leaf.ty, ty) {
                (Type::Int, Type::Fix(_)) => value.checked_mul(1 << 64),
                _ => Some(value),
            }
        })
        .collect();
    let dims = vec![Size::from(leaves.len() as i128)];
    Some(Leaf::public(Src::Data(values?.into()), ty, dims))
}
