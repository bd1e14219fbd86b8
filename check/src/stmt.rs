//! Blocks and statements.

use smpc_grammar::ast::{self, Expr, ExprKind, Init, Pattern, Span, StmtKind};
use smpc_ir::share::Label;
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::ops::common;
use crate::value::{Leaf, Src, Val};

impl Elab<'_> {
    pub fn block(&mut self, block: &ast::Block) -> Val {
        self.open_scope();
        let mut result = Val::Unit;
        for stmt in &block.stmts {
            result = self.stmt(stmt);
        }
        self.close_scope();
        result
    }

    /// A statement; its value if it may be that of its block.
    pub fn stmt(&mut self, stmt: &ast::Stmt) -> Val {
        match &stmt.kind {
            StmtKind::Let(bound) => {
                self.let_stmt(bound, stmt.span);
            }
            StmtKind::Assign(assign) => {
                let value = self.expr(&assign.value);
                let value = match assign.op {
                    Some(op) => {
                        let old = self.expr(&assign.target);
                        self.binary(op, &old, &value, stmt.span)
                    }
                    None => value,
                };
                if assign.comp.is_some() {
                    self.error(
                        "U01",
                        stmt.span,
                        "an assignment over a family is not executable yet",
                    );
                }
                self.assign(&assign.target, value, stmt.span);
            }
            StmtKind::For(looped) => self.for_stmt(looped, stmt.span),
            StmtKind::Expr { expr, value } => {
                let result = match &expr.kind {
                    ExprKind::Reveal(reveal) => self.reveal(reveal, expr.span, Some(None)),
                    _ => self.expr(expr),
                };
                if *value {
                    return result;
                }
            }
            StmtKind::Coin(..) => {
                self.error_help(
                    "T01",
                    stmt.span,
                    "what is drawn is a new variable",
                    "write `let e <- laplace(1.0) @ alice;`",
                );
            }
            StmtKind::Send(_)
            | StmtKind::Act(_)
            | StmtKind::Agree(..)
            | StmtKind::Check(_)
            | StmtKind::Offline(_) => {
                self.error_help(
                    "T01",
                    stmt.span,
                    "this is a statement of protocols, not of scripts",
                    "scripts use `share` and `reveal`",
                );
            }
            StmtKind::Collect(_) => self.error("U01", stmt.span, "`collect` is not executable yet"),
        }
        Val::Unit
    }

    fn let_stmt(&mut self, bound: &ast::Let, span: Span) -> Val {
        let Some(pattern) = bound.patterns.first() else {
            return Val::Unit;
        };
        let value = match &bound.init {
            Some(Init::Value(Expr {
                kind: ExprKind::Reveal(reveal),
                span,
            })) => self.reveal(reveal, *span, Some(Some(pattern))),
            Some(Init::Value(value)) => self.expr(value),
            Some(Init::Coin(coin)) => self.draw(coin),
            None => {
                self.error_help(
                    "T01",
                    span,
                    "this variable has no value",
                    "write `let x = …;`",
                );
                Val::Unknown
            }
        };
        if bound.comp.is_some() {
            self.error("U01", span, "a `let` over a family is not executable yet");
        }
        let value = match (&bound.ty, &bound.init) {
            (Some(ty), Some(Init::Value(init))) => self.accept(&value, ty, 0, init.span),
            _ => value,
        };
        self.bind(pattern, value, bound.mutable);
        if let (
            Some(ast::Type {
                label: Some(ast::KnownTo::Public),
                ..
            }),
            Pattern::Name(name),
        ) = (&bound.ty, pattern)
            && let Some(slot) = self.lookup(&name.ident.name)
        {
            self.slots[slot].public = true;
        }
        Val::Unit
    }

    pub fn bind(&mut self, pattern: &Pattern, value: Val, mutable: bool) {
        match pattern {
            Pattern::Name(name) if name.indices.is_empty() => {
                if name.ident.name == "_" {
                    return;
                }
                let value = self.carried_into(value, &name.ident);
                self.declare(&name.ident.name, value, mutable, name.span);
            }
            Pattern::Name(name) => self.bind_member(name, value),
            Pattern::Tuple(patterns, span) => match value {
                Val::Tuple(items) if items.len() == patterns.len() => {
                    for (pattern, item) in patterns.iter().zip(items) {
                        self.bind(pattern, item, mutable);
                    }
                }
                Val::Unknown => {
                    for pattern in patterns {
                        self.bind(pattern, Val::Unknown, mutable);
                    }
                }
                other => {
                    let message = format!(
                        "{} names, and the value is {}",
                        patterns.len(),
                        self.describe(&other)
                    );
                    self.error("T02", *span, message);
                    for pattern in patterns {
                        self.bind(pattern, Val::Unknown, mutable);
                    }
                }
            },
        }
    }

    /// `let u[i] = …` inside `for each hospital[i]`: a member of a family around the loop.
    fn bind_member(&mut self, name: &ast::Name, value: Val) {
        let mut key = vec![];
        for index in name.indices.iter().flatten() {
            match self.expr(index) {
                Val::Leaf(leaf) if leaf.as_constant().is_some() => key.extend(leaf.as_constant()),
                Val::Unknown => return,
                _ => {
                    self.error(
                        "T01",
                        index.span,
                        "the index of a family is known before the run",
                    );
                    return;
                }
            }
        }
        self.add_member(&name.ident, key, value);
    }

    pub fn assign(&mut self, target: &Expr, value: Val, span: Span) {
        match &target.kind {
            ExprKind::Tuple(targets) => match value {
                Val::Tuple(items) if items.len() == targets.len() => {
                    for (target, item) in targets.iter().zip(items) {
                        self.assign(target, item, span);
                    }
                }
                Val::Unknown => {
                    for target in targets {
                        self.assign(target, Val::Unknown, span);
                    }
                }
                other => {
                    let message = format!(
                        "{} targets, and the value is {}",
                        targets.len(),
                        self.describe(&other)
                    );
                    self.error("T02", span, message);
                }
            },
            ExprKind::Path { path, .. } if path.segments.len() == 1 => {
                let name = path.segments[0].name.clone();
                let Some(slot) = self.assignable(&name, target.span) else {
                    return;
                };
                let old = self.slots[slot].val.clone();
                let value = self.as_before(&old, value, span);
                self.check_arm(slot, &value, span);
                self.slots[slot].val = value;
            }
            ExprKind::Index { base, indices } => {
                let ExprKind::Path { path, .. } = &base.kind else {
                    self.error("U01", target.span, "only `name[i] = …` is executable");
                    return;
                };
                let name = path
                    .segments
                    .last()
                    .map_or(String::new(), |s| s.name.clone());
                let Some(slot) = self.assignable(&name, base.span) else {
                    return;
                };
                let mut places = vec![];
                for index in indices {
                    match self.expr(&index.value) {
                        Val::Leaf(leaf) if !index.secret => places.push((leaf, index.value.span)),
                        Val::Unknown => return,
                        _ => {
                            self.error("U01", index.value.span, "only an int is a place to assign to; an oblivious write is not executable yet");
                            return;
                        }
                    }
                }
                let old = self.slots[slot].val.clone();
                let new = self.zip(&[old.clone(), value], span, &mut |this, pair| {
                    this.with_element(&pair[0], &places, &pair[1], span)
                });
                let new = self.as_before(&old, new, span);
                self.check_arm(slot, &new, span);
                self.slots[slot].val = new;
            }
            _ => self.error(
                "U01",
                target.span,
                "only names and elements are assigned to",
            ),
        }
    }

    /// An int assigned to a fix variable is a fix; a struct stays what it is.
    fn as_before(&mut self, old: &Val, new: Val, span: Span) -> Val {
        match (old, &new) {
            (Val::Leaf(o), Val::Leaf(n)) if o.ty != n.ty => match common(o.ty, n.ty) {
                Some(ty) => self.cast(n, ty, span).map_or(Val::Unknown, Val::Leaf),
                None => self.coerce(n, o.ty, span).map_or(Val::Unknown, Val::Leaf),
            },
            (Val::Leaf(o), Val::Text(text)) => self
                .text_as(text, o.ty, span)
                .map_or(Val::Unknown, Val::Leaf),
            (Val::Tuple(o), Val::Tuple(n)) if o.len() == n.len() => Val::Tuple(
                o.iter()
                    .zip(n)
                    .map(|(o, n)| self.as_before(o, n.clone(), span))
                    .collect(),
            ),
            _ => new,
        }
    }

    /// A variable declared `public` stays public: no arm of `if secret` assigns it, and no secret.
    fn check_arm(&mut self, slot: usize, value: &Val, span: Span) {
        let info = &self.slots[slot];
        if !info.public {
            return;
        }
        let (name, at, depth) = (info.name.clone(), info.span, info.secret_depth);
        let secret = value
            .leaves()
            .into_iter()
            .find(|l| l.label != Label::Public)
            .cloned();
        let mut diagnostic = if self.secret_depth > depth {
            smpc_grammar::Diagnostic::new(
                "K16",
                format!("the public `{name}` is assigned under a secret condition"),
                span,
            )
            .label(self.secret_span, "this secret would show in the variable")
        } else if let Some(leaf) = &secret {
            let diagnostic = smpc_grammar::Diagnostic::new(
                "K13",
                format!("the public `{name}` is assigned a value that is not public"),
                span,
            );
            self.with_path(diagnostic, leaf)
        } else {
            return;
        };
        diagnostic = diagnostic
            .label(at, "declared public here")
            .help("declare it without `public`: it then becomes secret");
        self.report(diagnostic);
    }

    fn assignable(&mut self, name: &str, span: Span) -> Option<usize> {
        let Some(slot) = self.lookup(name) else {
            let names = self.visible();
            self.unknown_name(name, "name", span, &names);
            return None;
        };
        if !self.slots[slot].mutable {
            let at = self.slots[slot].span;
            let diagnostic = smpc_grammar::Diagnostic::new(
                "N05",
                format!("`{name}` is not assigned again"),
                span,
            )
            .label(at, "declared here")
            .help(format!("declare it with `let mut {name}`"));
            self.report(diagnostic);
            return None;
        }
        Some(slot)
    }

    /// The tensor with one element or row replaced.
    fn with_element(
        &mut self,
        old: &Leaf,
        places: &[(Leaf, Span)],
        new: &Leaf,
        span: Span,
    ) -> Option<Leaf> {
        let Some(((place, at), rest)) = places.split_first() else {
            if old.dims.len() != new.dims.len() && !new.dims.is_empty() {
                self.error(
                    "T01",
                    span,
                    "the element and the value have different numbers of dimensions",
                );
                return None;
            }
            let ty = match common(old.ty, new.ty) {
                Some(ty) => ty,
                None => return self.coerce(new, old.ty, span),
            };
            let new = self.cast(new, ty, span)?;
            let (axes, _) = self.broadcast(&[old, &new], span)?;
            let value = self.expanded(&new, &axes, &old.dims.clone(), span);
            return Some(Leaf {
                src: Src::Ir(value),
                axes,
                dims: old.dims.clone(),
                ..new
            });
        };
        let Some(n) = old.dims.first().cloned() else {
            self.error("T02", span, "more indices than dimensions");
            return None;
        };
        if !self.needs_public(
            place,
            "K12",
            "the place assigned to",
            "an oblivious write is not executable yet: write a comprehension that selects",
            *at,
        ) {
            return None;
        }
        let row = self.index(old, 0, place, *at)?;
        let row = self.with_element(&row, rest, new, span)?;
        if let (Some(i), true) = (
            place.as_size().cloned(),
            row.axes.iter().all(|a| old.axes.contains(a)),
        ) {
            let i = self.canon(&i);
            let after = &i + &Size::one();
            let mut parts = vec![];
            if i != Size::zero() {
                parts.push(self.slice(old, 0, &Size::zero(), &i, span));
            }
            parts.push(self.as_row(&row, span));
            if after != self.canon(&n) {
                parts.push(self.slice(old, 0, &after, &n, span));
            }
            let joined = self.concat(&parts, span)?;
            return Some(Leaf {
                dims: old.dims.clone(),
                ..joined
            });
        }
        let old = self.cast(old, row.ty, span)?;
        let row = self.as_row(&row, span);
        let place = self.as_row(place, span);
        self.scattered(&old, &row, &place, span)
    }

    // ---- branches

    // ---- loops
}
