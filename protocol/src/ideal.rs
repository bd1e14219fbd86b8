//! Functionalities as somebody whom everybody trusts would carry them out: with values in place of sharings, so that a
//! protocol that `realises` one can be held against it.

use crate::bound::Bound;
use crate::elaborate::plain;
use crate::forms::Form;
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{ClauseKind, Expr, ExprKind, Function, ItemKind};
use smpc_ir::claim::Realised;
use smpc_ir::flat::{Flat, FlatOperand};
use std::sync::Arc;

impl Bound {
    /// The functionality that a form of a protocol says it realises; nothing if that is an operation, or if it says none. `numbers`
    /// stand for names of widths that signatures leave open.
    pub(crate) fn realised(
        &self,
        function: &Function,
        form: &Form,
        numbers: &[(&str, i128)],
    ) -> Option<Realised> {
        let mut clauses = function.clauses.iter();
        let name = clauses.find_map(|clause| match &clause.kind {
            ClauseKind::Realises(term) => named(term),
            _ => None,
        })?;
        let ideal = match self.functionality(name) {
            Some(functionality) => self.trusted(functionality, form, numbers),
            None => Err(format!("the file has no functionality `{name}`")),
        };
        Some(Realised {
            name: name.to_owned(),
            ideal,
        })
    }

    fn functionality(&self, name: &str) -> Option<&Function> {
        self.items().iter().find_map(|item| match &item.kind {
            ItemKind::Functionality(f) if f.name.name == name => Some(f),
            _ => None,
        })
    }

    fn trusted(
        &self,
        functionality: &Function,
        form: &Form,
        numbers: &[(&str, i128)],
    ) -> Result<Arc<Flat>, String> {
        if functionality.generics.len() != form.len() {
            return Err("its `<…>` are others than those of the functionality".to_owned());
        }
        let first = |errors: Vec<Diagnostic>| {
            let error = errors.first();
            error.map_or(String::new(), |e| format!("{}: {}", e.code, e.message))
        };
        let made = self.form_of(functionality, form.clone(), numbers, true);
        let (made, _) = made.map_err(first)?;
        let (flat, ..) = made.map_err(first)?;
        let mut operands = flat.params.iter().chain(&flat.results);
        match operands.all(|operand| matches!(operand, FlatOperand::Clear(_))) {
            true => Ok(Arc::new(flat)),
            false => {
                Err("the functionality takes or gives sharings by their components".to_owned())
            }
        }
    }
}

/// The name of a functionality: `triple`, or `[double(); m]`, which are several of one.
fn named(term: &Expr) -> Option<&str> {
    match &term.kind {
        ExprKind::Repeat(one, _) => match &one.kind {
            ExprKind::Call { callee, .. } => plain(callee),
            _ => plain(one),
        },
        _ => plain(term),
    }
}
