//! Loops.

use crate::assigned::assigned;
use crate::build::Elab;
use crate::known::Counter;
use crate::leaks::Control;
use crate::ops::BOOL;
use crate::value::{Leaf, Val};
use smpc_grammar::ast::{self, ExprKind, Span, StmtKind};
use smpc_ir::local::Prim;
use smpc_ir::share::{Op, SizeOrigin};
use smpc_ir::size::Size;
use std::collections::BTreeSet;

impl Elab<'_> {
    pub fn for_stmt(&mut self, looped: &ast::For, span: Span) {
        let Some((first, rest)) = looped.comp.iters.split_first() else {
            return;
        };
        if !rest.is_empty() {
            return self.for_stmt(&nested(looped, rest), span);
        }
        if let Some((family, index)) = self.family_iter(first) {
            let count = self.parties.get(&family).and_then(|p| p.count).unwrap_or(0);
            for member in 0..count {
                self.open_scope();
                let at = Leaf::size(Size::from(member as i128));
                self.declare(&index.name, Val::Leaf(at), false, index.span);
                let run = match &looped.comp.guard {
                    Some(guard) => self.static_guard(guard),
                    None => true,
                };
                if run {
                    for stmt in &looped.body.stmts {
                        self.stmt(stmt);
                    }
                }
                self.close_scope();
            }
            return;
        }
        if looped.each {
            self.error_help(
                "N01",
                first.binder.span,
                "`for each` goes over a party family",
                "declare `party name[n];` or write `for i in 0..n`",
            );
            return;
        }
        if let Some(guard) = &looped.comp.guard {
            return self.for_stmt(&guarded(looped, guard), span);
        }
        let ExprKind::Path { path, .. } = &first.binder.kind else {
            self.error(
                "T01",
                first.binder.span,
                "an index is one name: `for i in 0..n`",
            );
            return;
        };
        let name = path
            .segments
            .first()
            .map_or(String::new(), |s| s.name.clone());
        let Some(over) = &first.over else {
            self.error_help(
                "T01",
                first.binder.span,
                "an index needs a range",
                "write `for i in 0..n`",
            );
            return;
        };
        let (start, end) = match self.expr(over) {
            Val::Range(a, b) => (*a, *b),
            Val::Unknown => return,
            other => {
                let message = format!("a loop goes over a range, and this is {}", other.kind());
                self.error("T01", over.span, message);
                return;
            }
        };
        for bound in [&start, &end] {
            if !self.needs_public(
                bound,
                "K11",
                "the bound of this loop",
                "write `while secret c max N { … }`, or loop to a public bound",
                over.span,
            ) {
                return;
            }
            if bound.as_size().is_none() {
                self.no_size(bound, over.span);
                return;
            }
        }
        let zero = Size::zero();
        let start = self.canon(start.as_size().unwrap_or(&zero));
        let end = self.canon(end.as_size().unwrap_or(&zero));
        let (from, count) = self.range(&start, &end);
        let mut names = BTreeSet::new();
        assigned(&looped.body, &mut names);
        let slots: Vec<usize> = names.iter().filter_map(|n| self.lookup(n)).collect();
        if self.elementwise_loop(looped, &name, (&from, &count), &names, span) {
            return;
        }
        let initial = Val::Tuple(slots.iter().map(|s| self.slots[*s].val.clone()).collect());
        if initial.is_unknown() {
            return;
        }
        let range = self.text_of(over.span);
        let var = self.size_var(&name, SizeOrigin::Loop, first.binder.span);
        let counter = Counter {
            start: start.clone(),
            count: count.clone(),
        };
        self.counters.insert(var, counter);
        let result = self.carried(&initial, span, &mut |this, carried| {
            this.set_slots(&slots, carried);
            this.control.push(Control::For {
                name: name.clone(),
                range: range.clone(),
                count: count.clone(),
            });
            this.open_scope();
            this.suppose_turn(&count);
            let index = Leaf::size(&start + &Size::from(var));
            this.declare(&name, Val::Leaf(index), false, path.span);
            for stmt in &looped.body.stmts {
                this.stmt(stmt);
            }
            this.close_scope();
            this.control.pop();
            Val::Tuple(slots.iter().map(|s| this.slots[*s].val.clone()).collect())
        });
        let Some((init, body, forms)) = result else {
            for slot in slots {
                self.slots[slot].val = Val::Unknown;
            }
            return;
        };
        let (results, leaves) = self.defined(&forms, &initial, span);
        self.push(Op::For { var, count, body }, init, results, span);
        let after = initial.rebuilt(&mut leaves.into_iter());
        self.set_slots(&slots, after);
    }

    /// The guard of a loop over a family, which is decided before the run.
    fn static_guard(&mut self, guard: &ast::Expr) -> bool {
        match self.expr(guard) {
            Val::Leaf(leaf) => {
                let known = leaf.as_constant();
                if known.is_none() {
                    self.error_help(
                        "U01",
                        guard.span,
                        "the guard of a loop over a family is a constant",
                        "write `if c { … }` in the loop",
                    );
                }
                known.is_some_and(|c| c != 0)
            }
            Val::Unknown => false,
            other => {
                let message = format!("a guard is a bool, and this is {}", other.kind());
                self.error("T01", guard.span, message);
                false
            }
        }
    }

    pub fn set_slots(&mut self, slots: &[usize], val: Val) {
        if let Val::Tuple(items) = val {
            for (slot, item) in slots.iter().zip(items) {
                self.slots[*slot].val = item;
            }
        }
    }

    pub fn while_loop(&mut self, looped: &ast::While, span: Span) -> Val {
        let mut names = BTreeSet::new();
        assigned(&looped.body, &mut names);
        let slots: Vec<usize> = names.iter().filter_map(|n| self.lookup(n)).collect();
        let current =
            |this: &Self| Val::Tuple(slots.iter().map(|s| this.slots[*s].val.clone()).collect());
        let initial = current(self);
        if initial.is_unknown() {
            return Val::Unknown;
        }
        if looped.secret {
            return self.while_secret(looped, &slots, initial, span);
        }
        let text = self.text_of(looped.condition.span);
        let result = self.carried(&initial, span, &mut |this, carried| {
            this.set_slots(&slots, carried);
            this.control.push(Control::While { text: text.clone() });
            this.open_scope();
            for stmt in &looped.body.stmts {
                this.stmt(stmt);
            }
            this.close_scope();
            this.control.pop();
            current(this)
        });
        let Some((init, body, forms)) = result else {
            return Val::Unknown;
        };
        self.open_block();
        let (params, leaves) = self.defined(&forms, &initial, span);
        self.set_slots(&slots, initial.rebuilt(&mut leaves.into_iter()));
        let tested = self.condition(&looped.condition);
        let tested = tested.filter(|leaf| {
            self.needs_public(
                leaf,
                "K11",
                "the condition of this loop",
                "write `while secret c max N { … }`",
                looped.condition.span,
            )
        });
        let test = match &tested {
            Some(leaf) if leaf.axes.is_empty() => Some(self.value(leaf, span)),
            Some(_) => {
                let message = "a `while` inside a comprehension whose condition depends on its index is not executable yet";
                let at = looped.condition.span;
                self.error_help("U01", at, message, crate::batch::HELP);
                None
            }
            None => None,
        };
        let mut condition = self.close_block();
        let Some(test) = test else {
            return Val::Unknown;
        };
        condition.params = params;
        condition.results = vec![test];
        let iterations = self.size_var("iterations", SizeOrigin::Loop, span);
        let (results, leaves) = self.defined(&forms, &initial, span);
        self.push(
            Op::While {
                iterations,
                condition,
                body,
            },
            init,
            results,
            span,
        );
        self.set_slots(&slots, initial.rebuilt(&mut leaves.into_iter()));
        Val::Unit
    }

    /// `while secret c max N`: N times the body, kept while the condition has held.
    pub fn while_secret(
        &mut self,
        looped: &ast::While,
        slots: &[usize],
        initial: Val,
        span: Span,
    ) -> Val {
        let Some(bound) = &looped.bound else {
            self.error_help(
                "K11",
                looped.condition.span,
                "a loop with a secret condition needs a public bound",
                "write `while secret c max N { … }`",
            );
            return Val::Unknown;
        };
        let Some(count) = self.size_expr(bound) else {
            return Val::Unknown;
        };
        let var = self.size_var("iteration", SizeOrigin::Loop, span);
        let start = Val::Tuple(vec![initial.clone(), Val::Leaf(Leaf::literal(1, BOOL))]);
        let result = self.carried(&start, span, &mut |this, carried| {
            let Val::Tuple(items) = carried else {
                return Val::Unknown;
            };
            let [vars, Val::Leaf(active)] = items.as_slice() else {
                return Val::Unknown;
            };
            this.set_slots(slots, vars.clone());
            let Some(holds) = this.condition(&looped.condition) else {
                return Val::Unknown;
            };
            let Some(active) = this.prim(Prim::Mul, &[active, &holds], BOOL, looped.condition.span)
            else {
                return Val::Unknown;
            };
            let outer = (this.secret_depth, this.secret_span, this.secret_calls);
            this.secret_depth += 1;
            this.secret_span = looped.condition.span;
            this.secret_calls = this.calls.len();
            this.open_scope();
            for stmt in &looped.body.stmts {
                this.stmt(stmt);
            }
            this.close_scope();
            (this.secret_depth, this.secret_span, this.secret_calls) = outer;
            let after = Val::Tuple(slots.iter().map(|s| this.slots[*s].val.clone()).collect());
            let kept = this.select(&active, &after, vars, span);
            Val::Tuple(vec![kept, Val::Leaf(active)])
        });
        let Some((init, body, forms)) = result else {
            return Val::Unknown;
        };
        let (results, leaves) = self.defined(&forms, &start, span);
        self.push(Op::For { var, count, body }, init, results, span);
        let after = start.rebuilt(&mut leaves.into_iter());
        let Val::Tuple(items) = after else {
            return Val::Unknown;
        };
        if let Some(vars) = items.into_iter().next() {
            self.set_slots(slots, vars);
        }
        match self.condition(&looped.condition) {
            Some(holds) => self.not(&holds, span).map_or(Val::Unknown, Val::Leaf),
            None => Val::Unknown,
        }
    }
}

/// `for i in a, j in b if c { … }` as `for i in a { for j in b if c { … } }`.
fn nested(looped: &ast::For, rest: &[ast::Iter]) -> ast::For {
    // `each` belongs to the indices over party families.
    let over_family = |iters: &[ast::Iter]| looped.each && iters.iter().any(|i| i.over.is_none());
    let first: Vec<ast::Iter> = looped.comp.iters.iter().take(1).cloned().collect();
    let inner = ast::For {
        each: over_family(rest),
        comp: ast::Comp {
            iters: rest.to_vec(),
            ..looped.comp.clone()
        },
        body: looped.body.clone(),
    };
    ast::For {
        each: over_family(&first),
        comp: ast::Comp {
            iters: first,
            guard: None,
            span: looped.comp.span,
        },
        body: single(StmtKind::For(inner), looped.body.span),
    }
}

/// `for i in a if c { … }` as `for i in a { if c { … } }`.
fn guarded(looped: &ast::For, guard: &ast::Expr) -> ast::For {
    let branch = ast::If {
        secret: false,
        condition: guard.clone(),
        then: looped.body.clone(),
        otherwise: None,
    };
    let expr = ast::Expr {
        kind: ExprKind::If(Box::new(branch)),
        span: guard.span,
    };
    ast::For {
        comp: ast::Comp {
            guard: None,
            ..looped.comp.clone()
        },
        body: single(StmtKind::Expr { expr, value: false }, looped.body.span),
        ..looped.clone()
    }
}

fn single(kind: StmtKind, span: Span) -> ast::Block {
    ast::Block {
        stmts: vec![ast::Stmt { kind, span }],
        span,
    }
}
