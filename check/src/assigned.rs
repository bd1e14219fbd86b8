//! Which variables a block assigns: what a loop carries and an arm joins.

use std::collections::BTreeSet;

use smpc_grammar::ast::{Block, Expr, ExprKind, Init, StmtKind};

/// Adds the names assigned anywhere in the block. A name declared inside and assigned there is
/// included: to carry an unchanged variable of the same name does no harm.
pub(crate) fn assigned(block: &Block, into: &mut BTreeSet<String>) {
    for stmt in &block.stmts {
        match &stmt.kind {
            StmtKind::Assign(assign) => {
                target(&assign.target, into);
                inside(&assign.value, into);
            }
            StmtKind::Let(bound) => {
                if let Some(Init::Value(value)) = &bound.init {
                    inside(value, into);
                }
            }
            StmtKind::For(looped) => assigned(&looped.body, into),
            StmtKind::Expr { expr, .. } => inside(expr, into),
            _ => {}
        }
    }
}

fn target(expr: &Expr, into: &mut BTreeSet<String>) {
    match &expr.kind {
        ExprKind::Tuple(items) => items.iter().for_each(|i| target(i, into)),
        ExprKind::Index { base, .. } | ExprKind::Field(base, _) | ExprKind::TupleField(base, _) => {
            target(base, into);
        }
        ExprKind::Path { path, .. } => {
            if let [name] = path.segments.as_slice() {
                into.insert(name.name.clone());
            }
        }
        _ => {}
    }
}

/// Control expressions hold blocks, and may stand inside other expressions.
fn inside(expr: &Expr, into: &mut BTreeSet<String>) {
    match &expr.kind {
        ExprKind::If(branch) => {
            inside(&branch.condition, into);
            assigned(&branch.then, into);
            if let Some(otherwise) = &branch.otherwise {
                assigned(otherwise, into);
            }
        }
        ExprKind::While(looped) => assigned(&looped.body, into),
        ExprKind::Call { args, .. } => args.iter().for_each(|a| inside(&a.value, into)),
        ExprKind::Unary(_, a)
        | ExprKind::Cast(a, _)
        | ExprKind::Share(a)
        | ExprKind::Field(a, _)
        | ExprKind::TupleField(a, _) => inside(a, into),
        ExprKind::Binary(a, _, b) => {
            inside(a, into);
            inside(b, into);
        }
        ExprKind::Index { base, .. } => inside(base, into),
        ExprKind::Tuple(items) | ExprKind::Array(items) => {
            items.iter().for_each(|i| inside(i, into))
        }
        ExprKind::Comprehension(body, _) => inside(body, into),
        ExprKind::Reveal(reveal) => inside(&reveal.value, into),
        _ => {}
    }
}
