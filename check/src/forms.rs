//! The forms of values that control carries: what a loop, an arm or a tree hands on.

use crate::build::Elab;
use crate::ops::common;
use crate::value::{Axis, Leaf, Src, Val};
use smpc_grammar::ast::Span;
use smpc_ir::share::{Block, Label, Type, Value};
use smpc_ir::size::Size;

/// Type, axes, dimensions and label of a carried value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    pub ty: Type,
    pub axes: Vec<Axis>,
    pub dims: Vec<Size>,
    pub label: Label,
}

/// How far the enclosing loop is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Turn {
    /// Its body is elaborated for the first time, and will be again if a loop inside asks for it.
    first: bool,
    /// A loop inside stopped at forms that may not stay.
    unsettled: bool,
}

impl Elab<'_> {
    pub fn defined(&mut self, forms: &[Form], like: &Val, span: Span) -> (Vec<Value>, Vec<Leaf>) {
        let origins: Vec<_> = like
            .leaves()
            .into_iter()
            .map(|l| l.origin.clone())
            .collect();
        let mut values = vec![];
        let mut leaves = vec![];
        for (at, form) in forms.iter().enumerate() {
            let mut shape = self.extents(&form.axes);
            shape.extend(form.dims.iter().cloned());
            let value = self.fresh(form.ty, shape, form.label, span);
            values.push(value);
            leaves.push(Leaf {
                src: Src::Ir(value),
                ty: form.ty,
                axes: form.axes.clone(),
                dims: form.dims.clone(),
                label: form.label,
                origin: origins.get(at).cloned().flatten(),
            });
        }
        (values, leaves)
    }

    pub fn joined(&mut self, a: &[Form], b: &[Form], span: Span) -> Option<Vec<Form>> {
        if a.len() != b.len() {
            self.error(
                "T01",
                span,
                "the values that meet here have different types",
            );
            return None;
        }
        let mut out = vec![];
        for (x, y) in a.iter().zip(b) {
            let Some(ty) = common(x.ty, y.ty) else {
                let (a, b) = (crate::ops::type_name(x.ty), crate::ops::type_name(y.ty));
                self.error("T01", span, format!("{a} and {b} meet here"));
                return None;
            };
            if x.dims.len() != y.dims.len() {
                self.error(
                    "D01",
                    span,
                    "the values that meet here have different numbers of dimensions",
                );
                return None;
            }
            let mut dims = vec![];
            for (p, q) in x.dims.iter().zip(&y.dims) {
                dims.push(self.unify(p, q, span)?);
            }
            let stand_in = |form: &Form| Leaf {
                label: form.label,
                ..Leaf::size(Size::zero())
            };
            let label = self.join(&[&stand_in(x), &stand_in(y)], span)?;
            let mut axes: Vec<Axis> = x.axes.iter().chain(&y.axes).copied().collect();
            axes.sort();
            axes.dedup();
            out.push(Form {
                ty,
                axes,
                dims,
                label,
            });
        }
        Some(out)
    }

    /// The leaf in the given form.
    pub fn formed(&mut self, leaf: &Leaf, form: &Form, span: Span) -> Value {
        let leaf = self
            .cast(leaf, form.ty, span)
            .unwrap_or_else(|| leaf.clone());
        let leaf = if form.label == Label::Secret {
            self.shared(&leaf, span)
        } else {
            leaf
        };
        self.expanded(&leaf, &form.axes, &form.dims, span)
    }

    /// Elaborates a loop body until the forms of what it carries no longer change. Gives the initial
    /// values, the body, and what the carried slots become.
    ///
    /// Loops in loops would do this at every depth: in the first turn of a loop, those inside stop at forms that are not yet
    /// known to stay, and the turn is repeated whatever comes of it. Forms only grow towards those that stay, so that the
    /// result is the same.
    #[allow(clippy::type_complexity)]
    pub fn carried(
        &mut self,
        initial: &Val,
        span: Span,
        body: &mut dyn FnMut(&mut Self, Val) -> Val,
    ) -> Option<(Vec<Value>, Block, Vec<Form>)> {
        let first: Vec<Leaf> = initial.leaves().into_iter().cloned().collect();
        let mut forms: Vec<Form> = first.iter().map(Form::of).collect();
        let repeated = self.turn;
        for turn in 0..self.program.parties.len() + 6 {
            let mark = self.mark();
            self.turn = Turn {
                first: turn == 0,
                unsettled: false,
            };
            self.open_block();
            let (params, leaves) = self.defined(&forms, initial, span);
            let inner = initial.rebuilt(&mut leaves.into_iter());
            let outcome = body(self, inner);
            let unsettled = std::mem::replace(&mut self.turn, repeated).unsettled;
            let after: Vec<Leaf> = outcome.leaves().into_iter().cloned().collect();
            let joined = if outcome.is_unknown() {
                None
            } else {
                let these: Vec<Form> = after.iter().map(Form::of).collect();
                self.joined(&forms, &these, span)
            };
            let Some(joined) = joined else {
                self.close_block();
                if !unsettled {
                    return None;
                }
                // What went wrong may come from forms that do not stay.
                self.restore(&mark);
                continue;
            };
            let settled = !unsettled && joined == forms;
            if settled || repeated.first {
                self.turn.unsettled |= !settled;
                let values: Vec<Value> = after
                    .iter()
                    .zip(&joined)
                    .map(|(l, f)| self.formed(l, f, span))
                    .collect();
                let mut block = self.close_block();
                block.params = params;
                block.results = values;
                let init = first
                    .iter()
                    .zip(&joined)
                    .map(|(l, f)| self.formed(l, f, span))
                    .collect();
                return Some((init, block, joined));
            }
            self.close_block();
            self.restore(&mark);
            forms = joined;
        }
        self.error(
            "U01",
            span,
            "the types carried around this loop do not settle",
        );
        None
    }
}

impl Form {
    pub fn of(leaf: &Leaf) -> Self {
        Self {
            ty: leaf.ty,
            axes: leaf.axes.clone(),
            dims: leaf.dims.clone(),
            label: leaf.label,
        }
    }
}
