//! Tensors put together: one behind the other, and row beside row.

use std::rc::Rc;

use smpc_grammar::ast::Span;
use smpc_ir::local::Local;
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::ops::common;
use crate::value::{Axis, Leaf, Src, Val};

impl Elab<'_> {
    /// Leaves after each other along own dimension 0.
    pub fn concat(&mut self, leaves: &[Leaf], span: Span) -> Option<Leaf> {
        let first = leaves.first()?;
        let mut ty = first.ty;
        for leaf in leaves {
            ty = match common(ty, leaf.ty) {
                Some(ty) => ty,
                None => {
                    self.error("T01", span, "the parts have different types");
                    return None;
                }
            };
        }
        if leaves.iter().any(|l| l.dims.len() != first.dims.len()) {
            self.error(
                "T01",
                span,
                "the parts have different numbers of dimensions",
            );
            return None;
        }
        if first.dims.is_empty() {
            self.error(
                "T01",
                span,
                "numbers have no axis to follow each other along; write `[a, b]`",
            );
            return None;
        }
        let borrowed: Vec<&Leaf> = leaves.iter().collect();
        let label = self.join(&borrowed, span)?;
        let origin = Self::origin_of(&borrowed);
        let mut axes: Vec<Axis> = leaves.iter().flat_map(|l| l.axes.iter().copied()).collect();
        axes.sort();
        axes.dedup();
        let mut rest = first.dims[1..].to_vec();
        let mut length = Size::zero();
        for leaf in leaves {
            for (dim, other) in rest.iter_mut().zip(&leaf.dims[1..]) {
                *dim = self.unify(dim, other, span)?;
            }
            length = &length + &leaf.dims[0];
        }
        if let [only] = leaves {
            return self.cast(only, ty, span);
        }
        let mut values = vec![];
        for leaf in leaves {
            let leaf = self.cast(leaf, ty, span)?;
            let mut dims = vec![leaf.dims[0].clone()];
            dims.extend(rest.iter().cloned());
            values.push(self.expanded(&leaf, &axes, &dims, span));
        }
        let mut dims = vec![length];
        dims.extend(rest);
        let mut shape = self.extents(&axes);
        shape.extend(dims.iter().cloned());
        let op = Local::Concat {
            axis: axes.len() as u8,
        };
        let value = self.local(op, values, (ty, shape, label), span);
        Some(Leaf {
            src: Src::Ir(value),
            ty,
            axes,
            dims,
            label,
            origin,
        })
    }

    /// One more leading dimension, of length 1.
    pub fn as_row(&mut self, leaf: &Leaf, span: Span) -> Leaf {
        let mut dims = vec![Size::one()];
        dims.extend(leaf.dims.iter().cloned());
        let mut shape = self.extents(&leaf.axes);
        shape.extend(dims.iter().cloned());
        let value = self.value(leaf, span);
        let value = self.reshaped(value, shape, span);
        Leaf {
            src: Src::Ir(value),
            dims,
            ..leaf.clone()
        }
    }

    /// Applies `f` to the fields of values of one structure, side by side.
    pub fn zip(
        &mut self,
        values: &[Val],
        span: Span,
        f: &mut dyn FnMut(&mut Self, &[Leaf]) -> Option<Leaf>,
    ) -> Val {
        let Some(first) = values.first() else {
            return Val::Unknown;
        };
        if values.iter().any(Val::is_unknown) {
            return Val::Unknown;
        }
        let items = |v: &Val| match v {
            Val::Tuple(items) | Val::Struct(_, items) => Some(items.clone()),
            _ => None,
        };
        match first {
            Val::Leaf(_) => {
                let leaves: Vec<Leaf> = values
                    .iter()
                    .filter_map(|v| {
                        if let Val::Leaf(l) = v {
                            Some(l.clone())
                        } else {
                            None
                        }
                    })
                    .collect();
                if leaves.len() == values.len() {
                    return f(self, &leaves).map_or(Val::Unknown, Val::Leaf);
                }
            }
            Val::Tuple(_) | Val::Struct(..) => {
                let columns: Vec<Vec<Val>> = values.iter().filter_map(items).collect();
                let width = columns.first().map_or(0, Vec::len);
                if columns.len() == values.len() && columns.iter().all(|c| c.len() == width) {
                    let mut out = vec![];
                    for field in 0..width {
                        let column: Vec<Val> = columns.iter().map(|c| c[field].clone()).collect();
                        out.push(self.zip(&column, span, f));
                    }
                    return match first {
                        Val::Struct(def, _) => Val::Struct(Rc::clone(def), out),
                        _ => Val::Tuple(out),
                    };
                }
            }
            _ => {}
        }
        self.error("T01", span, "the parts have different types");
        Val::Unknown
    }
}
