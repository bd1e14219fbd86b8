//! `shuffle`: columns whose rows come in one random order that nobody knows.

use smpc_grammar::ast::Span;
use smpc_ir::share::{Label, Op};
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::call::Args;
use crate::value::{Leaf, Val};

impl Elab<'_> {
    /// The columns in another order.
    pub fn shuffle(&mut self, args: &Args, span: Span) -> Option<Val> {
        // Each index has an order of its own, also if all shuffle the same columns.
        if !self.open.is_empty() {
            self.error_help(
                "U01",
                span,
                "`shuffle` inside a comprehension is not executable yet",
                crate::batch::HELP,
            );
            return None;
        }
        let columns = match args.positional.as_slice() {
            [(only, _)] => only.clone(),
            many => Val::Tuple(many.iter().map(|(v, _)| v.clone()).collect()),
        };
        let leaves: Vec<Leaf> = columns.leaves().into_iter().cloned().collect();
        let mut length: Option<Size> = None;
        let mut values = vec![];
        let mut out = vec![];
        let mut results = vec![];
        for leaf in leaves {
            let Some(n) = leaf.dims.first() else {
                self.error(
                    "T01",
                    span,
                    "`shuffle` takes columns: tensors of one length",
                );
                return None;
            };
            length = Some(match length {
                Some(known) => self.unify(&known, n, span)?,
                None => n.clone(),
            });
            if let Label::Owned(set) = leaf.label {
                let names = self.party_names(set);
                self.error_help(
                    "K15",
                    span,
                    format!("`shuffle` hides the order from all, and {names} knows this column"),
                    "write `share` before it",
                );
                return None;
            }
            let leaf = self.shared(&leaf, span);
            values.push(self.value(&leaf, span));
            let shape = self.shape(&leaf);
            let result = self.fresh(leaf.ty, shape, Label::Secret, span);
            results.push(result);
            out.push(self.leaf(result, &leaf));
        }
        self.push(Op::Shuffle, values, results, span);
        Some(columns.rebuilt(&mut out.into_iter()))
    }
}
