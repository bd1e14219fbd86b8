//! Loops whose iterations are independent run at once.

use std::collections::{BTreeMap, BTreeSet};

use smpc_grammar::ast::{self, BinaryOp, Expr, ExprKind, Init, Span, Stmt, StmtKind};
use smpc_ir::share::Type;
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::value::{Axis, Leaf, Src, Val};

/// One loop of a nest.
struct Turn {
    index: String,
    start: Size,
    count: Size,
    span: Span,
}

impl Elab<'_> {
    /// Elaborates a loop like a comprehension if each variable it writes is either an *element*,
    /// written and read only as `z[i]`, or a *total*, only added to and not read (`t += e`, or
    /// `h[j] += e` by some of the indices). Loops of which each is the whole body of the one around
    /// count as one loop with several indices. Gives false, and does nothing, if the loop is not of
    /// this form.
    pub fn elementwise_loop(
        &mut self,
        looped: &ast::For,
        index: &str,
        (start, count): (&Size, &Size),
        names: &BTreeSet<String>,
        span: Span,
    ) -> bool {
        let mark = self.mark();
        let mut turns = vec![Turn {
            index: index.to_owned(),
            start: start.clone(),
            count: count.clone(),
            span: looped.comp.span,
        }];
        let mut body = &looped.body;
        while let [
            Stmt {
                kind: StmtKind::For(inner),
                ..
            },
        ] = body.stmts.as_slice()
        {
            if !self.inner_turns(inner, names, &mut turns) {
                self.restore(&mark);
                return false;
            }
            body = &inner.body;
        }
        let told = self.diagnostics.len();
        let done = self.at_once(&turns, body, names, span);
        // What is not executable inside a comprehension may be in a loop.
        let refused = self.diagnostics.iter().skip(told).any(|d| d.code == "U01");
        if !done || refused {
            self.restore(&mark);
        }
        done && !refused
    }

    /// The indices of a loop within the nest; false if its ranges depend on what is around it.
    fn inner_turns(
        &mut self,
        looped: &ast::For,
        names: &BTreeSet<String>,
        turns: &mut Vec<Turn>,
    ) -> bool {
        if looped.each || looped.comp.guard.is_some() {
            return false;
        }
        for iter in &looped.comp.iters {
            let (ExprKind::Path { path, .. }, Some(over)) = (&iter.binder.kind, &iter.over) else {
                return false;
            };
            let [index] = path.segments.as_slice() else {
                return false;
            };
            let inside = |name: &str| names.contains(name) || turns.iter().any(|t| t.index == name);
            if inside(&index.name) || mentions(over, &inside) {
                return false;
            }
            let Val::Range(start, end) = self.expr(over) else {
                return false;
            };
            let (Some(start), Some(end)) = (start.as_size(), end.as_size()) else {
                return false;
            };
            let (start, count) = self.range(&self.canon(start), &self.canon(end));
            turns.push(Turn {
                index: index.name.clone(),
                count,
                start,
                span: looped.comp.span,
            });
        }
        true
    }

    fn at_once(
        &mut self,
        turns: &[Turn],
        body: &ast::Block,
        names: &BTreeSet<String>,
        span: Span,
    ) -> bool {
        let indices: Vec<&str> = turns.iter().map(|t| t.index.as_str()).collect();
        let Some(form) = Form::of(body, names, &indices) else {
            return false;
        };
        let slots: Vec<usize> = names.iter().filter_map(|n| self.lookup(n)).collect();
        if slots.len() != names.len() || names.is_empty() {
            return false;
        }
        let before: Vec<Val> = slots.iter().map(|s| self.slots[*s].val.clone()).collect();
        for ((slot, val), role) in slots.iter().zip(&before).zip(form.roles.values()) {
            let fits = |this: &Self, leaf: &Leaf| {
                leaf.axes.is_empty()
                    && leaf.dims.len() >= role.by.len()
                    && !(role.total && matches!(leaf.ty, Type::Bits(_)))
                    && role.by.iter().zip(&leaf.dims).all(|(at, dim)| {
                        turns[*at].start == Size::zero() && this.canon(dim) == turns[*at].count
                    })
            };
            let slot = &self.slots[*slot];
            let leaves = val.leaves();
            if leaves.is_empty()
                || !slot.mutable
                || slot.public
                || !leaves.iter().all(|leaf| fits(self, leaf))
            {
                return false;
            }
        }
        let events = self.events.len();
        let axes: Vec<Axis> = turns
            .iter()
            .map(|turn| self.new_axis(turn.count.clone()))
            .collect();
        // Inside, a variable stands for its element at the indices, or for what is added to it there.
        for ((slot, val), role) in slots.iter().zip(&before).zip(form.roles.values()) {
            let inner = val.map(&mut |leaf| {
                if role.total {
                    return Some(zero(leaf.ty, &leaf.dims[role.by.len()..]));
                }
                let mut leaf = leaf.clone();
                for axis in &axes {
                    leaf = self.iterated(&leaf, 0, *axis, span);
                }
                Some(leaf)
            });
            self.slots[*slot].val = inner;
        }
        self.open_scope();
        for (turn, axis) in turns.iter().zip(&axes) {
            self.open.push(*axis);
            let position = Leaf {
                src: Src::Index(*axis, turn.start.clone()),
                axes: vec![*axis],
                ..Leaf::size(Size::zero())
            };
            self.declare(&turn.index, Val::Leaf(position), false, turn.span);
        }
        for stmt in &body.stmts {
            let mut stmt = stmt.clone();
            form.strip_stmt(&mut stmt);
            self.stmt(&stmt);
        }
        self.open.truncate(self.open.len() - axes.len());
        self.close_scope();
        if self.events.len() > events {
            // A function that reveals: how often is part of the contract.
            return false;
        }
        let mut after = vec![];
        for ((slot, old), role) in slots.iter().zip(&before).zip(form.roles.values()) {
            let inner = self.slots[*slot].val.clone();
            let whole = if role.total {
                let added = self.totalled(&inner, &axes, &role.by, span);
                self.binary(BinaryOp::Add, old, &added, span)
            } else {
                self.collect_all(&inner, &axes, span)
            };
            let same = whole.leaves().len() == old.leaves().len()
                && whole
                    .leaves()
                    .iter()
                    .zip(old.leaves())
                    .all(|(a, b)| a.dims.len() == b.dims.len());
            if !same && !whole.is_unknown() {
                // The sequential form reports what is wrong.
                return false;
            }
            after.push(whole);
        }
        for (slot, val) in slots.iter().zip(after) {
            self.slots[*slot].val = val;
        }
        true
    }

    /// The sum over the axes of a nest except `by`, which become its first dimensions.
    fn totalled(&mut self, val: &Val, axes: &[Axis], by: &[usize], span: Span) -> Val {
        let mut order: Vec<Axis> = (0..axes.len())
            .filter(|at| !by.contains(at))
            .map(|at| axes[at])
            .collect();
        let summed = order.len();
        order.extend(by.iter().map(|at| axes[*at]));
        let collected = self.collect_all(val, &order, span);
        collected.map(&mut |leaf| {
            let mut leaf = leaf.clone();
            for _ in 0..summed {
                leaf = self.sum(&leaf, 0, span)?;
            }
            Some(leaf)
        })
    }
}

fn zero(ty: Type, dims: &[Size]) -> Leaf {
    if dims.is_empty() {
        return Leaf::literal(0, ty);
    }
    Leaf::public(Src::Fill(0), ty, dims.to_vec())
}

/// Whether an expression names one of these; what is more than arithmetic counts as if it did.
fn mentions(expr: &Expr, inside: &dyn Fn(&str) -> bool) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => false,
        ExprKind::Path { path, .. } => path.segments.iter().any(|s| inside(&s.name)),
        ExprKind::Unary(_, a) => mentions(a, inside),
        ExprKind::Binary(a, _, b) => mentions(a, inside) || mentions(b, inside),
        ExprKind::Range { start, end, .. } => mentions(start, inside) || mentions(end, inside),
        ExprKind::Index { base, indices } => {
            mentions(base, inside) || indices.iter().any(|i| mentions(&i.value, inside))
        }
        _ => true,
    }
}

/// How a variable is written.
#[derive(PartialEq)]
struct Role {
    /// Only added to.
    total: bool,
    /// By which indices of the nest, in the order of its dimensions.
    by: Vec<usize>,
}

/// The shape a loop must have: which variables it writes and how, and its indices.
struct Form<'a> {
    roles: BTreeMap<&'a str, Role>,
    indices: &'a [&'a str],
}

impl<'a> Form<'a> {
    fn of(body: &ast::Block, names: &'a BTreeSet<String>, indices: &'a [&'a str]) -> Option<Self> {
        let mut roles: BTreeMap<&str, Role> = BTreeMap::new();
        let mut targets = vec![];
        body.stmts.iter().for_each(|s| assignments(s, &mut targets));
        for assign in targets {
            let (name, by) = place(&assign.target)?;
            let name = names.get(name)?.as_str();
            let position = |e: &&Expr| indices.iter().position(|i| is_name(e, i));
            let by: Vec<usize> = by.iter().map(position).collect::<Option<_>>()?;
            if by.iter().collect::<BTreeSet<_>>().len() < by.len() {
                return None;
            }
            let total = by.len() < indices.len();
            if total && !matches!(assign.op, Some(BinaryOp::Add | BinaryOp::Sub)) {
                return None;
            }
            if !total && !by.is_sorted() {
                return None;
            }
            let role = Role { total, by };
            match roles.get(name) {
                Some(known) if *known != role => return None,
                _ => {
                    roles.insert(name, role);
                }
            }
        }
        let form = Self { roles, indices };
        let every = form.roles.len() == names.len();
        (every && body.stmts.iter().all(|s| form.stmt(s))).then_some(form)
    }

    /// `z[i]` for an element z.
    fn element(&self, expr: &Expr) -> bool {
        let Some((name, by)) = place(expr) else {
            return false;
        };
        self.roles.get(name).is_some_and(|role| !role.total)
            && by.len() == self.indices.len()
            && by
                .iter()
                .zip(self.indices)
                .all(|(e, index)| is_name(e, index))
    }

    fn named(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Path { path, .. } if path.segments.len() == 1 && self.roles.contains_key(path.segments[0].name.as_str()))
    }

    fn stmt(&self, stmt: &Stmt) -> bool {
        match &stmt.kind {
            // The targets are in the roles.
            StmtKind::Assign(assign) => assign.comp.is_none() && self.reads(&assign.value),
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
                    || self.roles.contains_key(name.ident.name.as_str())
                    || self.indices.contains(&name.ident.name.as_str())
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
                .all(|a| self.reads(&a.value) && a.comp.iter().all(|comp| self.iterates(comp))),
            ExprKind::Comprehension(body, comp) => self.reads(body) && self.iterates(comp),
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

    /// Whether the indices of a comprehension hide none of the loop's names.
    fn iterates(&self, comp: &ast::Comp) -> bool {
        let hides = |expr: &Expr| match &expr.kind {
            ExprKind::Path { path, .. } => path.segments.iter().any(|s| {
                let name = s.name.as_str();
                self.roles.contains_key(name) || self.indices.contains(&name)
            }),
            _ => true,
        };
        comp.guard.is_none()
            && comp
                .iters
                .iter()
                .all(|iter| !hides(&iter.binder) && iter.over.iter().all(|over| self.reads(over)))
    }

    fn strip_comp(&self, comp: &mut ast::Comp) {
        for iter in &mut comp.iters {
            if let Some(over) = &mut iter.over {
                self.strip(over);
            }
        }
    }

    /// Replaces `z[i]` by `z`, which inside the loop stands for the element.
    fn strip(&self, expr: &mut Expr) {
        if self.element(expr) {
            strip_indices(expr);
            return;
        }
        match &mut expr.kind {
            ExprKind::Call { args, .. } => {
                for arg in args {
                    self.strip(&mut arg.value);
                    arg.comp.iter_mut().for_each(|comp| self.strip_comp(comp));
                }
            }
            ExprKind::Comprehension(body, comp) => {
                self.strip(body);
                self.strip_comp(comp);
            }
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
                strip_indices(&mut assign.target);
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

/// The assignments of a statement, also those in its arms.
fn assignments<'s>(stmt: &'s Stmt, into: &mut Vec<&'s ast::Assign>) {
    match &stmt.kind {
        StmtKind::Assign(assign) => into.push(assign),
        StmtKind::Expr { expr, .. } => {
            if let ExprKind::If(branch) = &expr.kind {
                branch.then.stmts.iter().for_each(|s| assignments(s, into));
                if let Some(otherwise) = &branch.otherwise {
                    otherwise.stmts.iter().for_each(|s| assignments(s, into));
                }
            }
        }
        _ => {}
    }
}

/// A variable and the public indices into it: `z`, `z[i, j]`, `z[i][j]`.
fn place(expr: &Expr) -> Option<(&str, Vec<&Expr>)> {
    match &expr.kind {
        ExprKind::Path { path, .. } => match path.segments.as_slice() {
            [name] => Some((name.name.as_str(), vec![])),
            _ => None,
        },
        ExprKind::Index { base, indices } if indices.iter().all(|i| !i.secret) => {
            let (name, mut by) = place(base)?;
            by.extend(indices.iter().map(|i| &i.value));
            Some((name, by))
        }
        _ => None,
    }
}

fn strip_indices(expr: &mut Expr) {
    while let ExprKind::Index { base, .. } = &mut expr.kind {
        let inner = (**base).clone();
        *expr = inner;
    }
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Path { path, .. } if path.segments.len() == 1 && path.segments[0].name == name)
}
