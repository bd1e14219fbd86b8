//! Loops whose iterations are independent run at once.

use std::collections::BTreeSet;

use smpc_grammar::ast::{self, Expr, ExprKind, Init, Span, Stmt, StmtKind};
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::value::{Leaf, Src, Val};

impl Elab<'_> {
    /// Elaborates a loop that writes only `z[i]` and reads of what it writes only `z[i]` like a
    /// comprehension. Gives false, and does nothing, if the loop is not of this form.
    pub fn elementwise_loop(
        &mut self,
        looped: &ast::For,
        index: &str,
        (start, count): (&Size, &Size),
        names: &BTreeSet<String>,
        span: Span,
    ) -> bool {
        let form = Form { names, index };
        if names.is_empty() || !looped.body.stmts.iter().all(|s| form.stmt(s)) {
            return false;
        }
        let slots: Vec<usize> = names.iter().filter_map(|n| self.lookup(n)).collect();
        if slots.len() != names.len() {
            return false;
        }
        let before: Vec<Val> = slots.iter().map(|s| self.slots[*s].val.clone()).collect();
        for (slot, val) in slots.iter().zip(&before) {
            let leaves = val.leaves();
            let whole = leaves.iter().all(|l| {
                l.axes.is_empty()
                    && l.dims
                        .first()
                        .is_some_and(|d| *start == Size::zero() && self.canon(d) == *count)
            });
            if leaves.is_empty() || !whole || !self.slots[*slot].mutable || self.slots[*slot].public
            {
                return false;
            }
        }
        let mark = self.mark();
        let events = self.events.len();
        let axis = self.new_axis(count.clone());
        // Inside, the variable itself stands for its element at the index.
        for (slot, val) in slots.iter().zip(&before) {
            let element = val.map(&mut |leaf| Some(self.iterated(leaf, 0, axis, span)));
            self.slots[*slot].val = element;
        }
        let position = Leaf {
            src: Src::Index(axis, start.clone()),
            axes: vec![axis],
            ..Leaf::size(Size::zero())
        };
        self.open.push(axis);
        self.open_scope();
        self.declare(index, Val::Leaf(position), false, looped.comp.span);
        for stmt in &looped.body.stmts {
            let mut stmt = stmt.clone();
            form.strip_stmt(&mut stmt);
            self.stmt(&stmt);
        }
        self.close_scope();
        self.open.pop();
        if self.events.len() > events {
            // A function that reveals: how often is part of the contract.
            self.restore(&mark);
            return false;
        }
        let mut after = vec![];
        for (slot, old) in slots.iter().zip(&before) {
            let element = self.slots[*slot].val.clone();
            let whole = self.collect_all(&element, &[axis], span);
            let same = whole.leaves().len() == old.leaves().len()
                && whole
                    .leaves()
                    .iter()
                    .zip(old.leaves())
                    .all(|(a, b)| a.dims.len() == b.dims.len());
            if !same && !whole.is_unknown() {
                // The sequential form reports what is wrong.
                self.restore(&mark);
                return false;
            }
            after.push(whole);
        }
        for (slot, val) in slots.iter().zip(after) {
            self.slots[*slot].val = val;
        }
        true
    }
}

/// The shape a loop must have: which variables it writes, and its index.
struct Form<'a> {
    names: &'a BTreeSet<String>,
    index: &'a str,
}

impl Form<'_> {
    /// `z[i]` for a written z.
    fn element(&self, expr: &Expr) -> bool {
        let ExprKind::Index { base, indices } = &expr.kind else {
            return false;
        };
        let [at] = indices.as_slice() else {
            return false;
        };
        !at.secret && self.named(base) && is_name(&at.value, self.index)
    }

    fn named(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Path { path, .. } if path.segments.len() == 1 && self.names.contains(&path.segments[0].name))
    }

    fn stmt(&self, stmt: &Stmt) -> bool {
        match &stmt.kind {
            StmtKind::Assign(assign) => {
                assign.comp.is_none() && self.element(&assign.target) && self.reads(&assign.value)
            }
            StmtKind::Let(bound) => {
                let shadows = bound.patterns.iter().any(|p| self.shadows(p));
                let value = match &bound.init {
                    Some(Init::Value(value)) => self.reads(value),
                    _ => false,
                };
                !bound.mutable && !shadows && value && bound.comp.is_none()
            }
            StmtKind::Expr { expr, .. } => match &expr.kind {
                ExprKind::If(branch) => {
                    self.reads(&branch.condition)
                        && branch.then.stmts.iter().all(|s| self.stmt(s))
                        && branch
                            .otherwise
                            .iter()
                            .all(|b| b.stmts.iter().all(|s| self.stmt(s)))
                }
                _ => self.reads(expr),
            },
            _ => false,
        }
    }

    fn shadows(&self, pattern: &ast::Pattern) -> bool {
        match pattern {
            ast::Pattern::Name(name) => {
                !name.indices.is_empty()
                    || self.names.contains(&name.ident.name)
                    || name.ident.name == self.index
            }
            ast::Pattern::Tuple(items, _) => items.iter().any(|p| self.shadows(p)),
        }
    }

    /// Whether the expression reads written variables only at the index, and does nothing but compute.
    fn reads(&self, expr: &Expr) -> bool {
        if self.element(expr) {
            return true;
        }
        match &expr.kind {
            ExprKind::Path { .. } => !self.named(expr),
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => true,
            ExprKind::Call { args, .. } => args
                .iter()
                .all(|a| a.comp.is_none() && self.reads(&a.value)),
            ExprKind::Index { base, indices } => {
                self.reads(base) && indices.iter().all(|i| self.reads(&i.value))
            }
            ExprKind::Field(a, _)
            | ExprKind::TupleField(a, _)
            | ExprKind::Cast(a, _)
            | ExprKind::Unary(_, a)
            | ExprKind::Share(a) => self.reads(a),
            ExprKind::Binary(a, _, b) => self.reads(a) && self.reads(b),
            ExprKind::Range { start, end, .. } => self.reads(start) && self.reads(end),
            ExprKind::Chain(first, rest) => {
                self.reads(first) && rest.iter().all(|(_, e)| self.reads(e))
            }
            ExprKind::Tuple(items) | ExprKind::Array(items) => items.iter().all(|i| self.reads(i)),
            ExprKind::If(branch) => {
                let arm = |b: &ast::Block| {
                    b.stmts.iter().all(|s| match &s.kind {
                        StmtKind::Expr { expr, .. } => self.reads(expr),
                        _ => false,
                    })
                };
                self.reads(&branch.condition)
                    && arm(&branch.then)
                    && branch.otherwise.iter().all(arm)
            }
            _ => false,
        }
    }

    /// Replaces `z[i]` by `z`, which inside the loop stands for the element.
    fn strip(&self, expr: &mut Expr) {
        if self.element(expr) {
            if let ExprKind::Index { base, .. } = &expr.kind {
                *expr = (**base).clone();
            }
            return;
        }
        match &mut expr.kind {
            ExprKind::Call { args, .. } => args.iter_mut().for_each(|a| self.strip(&mut a.value)),
            ExprKind::Index { base, indices } => {
                self.strip(base);
                indices.iter_mut().for_each(|i| self.strip(&mut i.value));
            }
            ExprKind::Field(a, _)
            | ExprKind::TupleField(a, _)
            | ExprKind::Cast(a, _)
            | ExprKind::Unary(_, a)
            | ExprKind::Share(a) => {
                self.strip(a);
            }
            ExprKind::Binary(a, _, b) => {
                self.strip(a);
                self.strip(b);
            }
            ExprKind::Range { start, end, .. } => {
                self.strip(start);
                self.strip(end);
            }
            ExprKind::Chain(first, rest) => {
                self.strip(first);
                rest.iter_mut().for_each(|(_, e)| self.strip(e));
            }
            ExprKind::Tuple(items) | ExprKind::Array(items) => {
                items.iter_mut().for_each(|i| self.strip(i))
            }
            ExprKind::If(branch) => {
                self.strip(&mut branch.condition);
                branch
                    .then
                    .stmts
                    .iter_mut()
                    .for_each(|s| self.strip_stmt(s));
                if let Some(otherwise) = &mut branch.otherwise {
                    otherwise.stmts.iter_mut().for_each(|s| self.strip_stmt(s));
                }
            }
            _ => {}
        }
    }

    fn strip_stmt(&self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::Assign(assign) => {
                self.strip(&mut assign.target);
                self.strip(&mut assign.value);
            }
            StmtKind::Let(bound) => {
                if let Some(Init::Value(value)) = &mut bound.init {
                    self.strip(value);
                }
            }
            StmtKind::Expr { expr, .. } => self.strip(expr),
            _ => {}
        }
    }
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Path { path, .. } if path.segments.len() == 1 && path.segments[0].name == name)
}
