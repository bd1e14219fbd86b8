//! Matrix products, and the index that is itself a secret.

use crate::build::Elab;
use crate::ops::common;
use crate::value::{Axis, Leaf, Src};
use smpc_grammar::ast::Span;
use smpc_ir::local::{Local, Prim};
use smpc_ir::share::{Label, Type};
use smpc_ir::size::Size;

impl Elab<'_> {
    /// `x.T` of a matrix.
    pub fn transpose(&mut self, leaf: &Leaf, span: Span) -> Option<Leaf> {
        match leaf.dims.len() {
            1 => return Some(leaf.clone()),
            2 => {}
            rank => {
                self.error(
                    "T01",
                    span,
                    format!("`.T` takes a matrix, and this has {rank} dimensions"),
                );
                return None;
            }
        }
        Some(self.permuted(leaf, &[1, 0], span))
    }

    /// The tensor with its dimensions in another order: the first is the one at `order[0]`, and so on.
    pub fn permuted(&mut self, leaf: &Leaf, order: &[u8], span: Span) -> Leaf {
        if order.is_sorted() {
            return leaf.clone();
        }
        let a = leaf.axes.len() as u8;
        let value = self.value(leaf, span);
        let axes = (0..a).chain(order.iter().map(|d| a + d)).collect();
        let value = self.transposed(value, axes, span);
        let dims = order.iter().map(|d| leaf.dims[usize::from(*d)].clone());
        Leaf {
            src: Src::Ir(value),
            dims: dims.collect(),
            ..leaf.clone()
        }
    }

    /// `l @ r` for vectors and matrices.
    pub fn matmul(&mut self, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        let ranks = (l.dims.len(), r.dims.len());
        if !matches!(ranks, (1 | 2, 1 | 2)) {
            let message = format!(
                "`@` takes vectors and matrices; here it meets {} and {} dimensions",
                ranks.0, ranks.1
            );
            self.error("T01", span, message);
            return None;
        }
        let number = |t: Type| !matches!(t, Type::Bits(_));
        let Some(ty) = common(l.ty, r.ty).filter(|t| number(*t)) else {
            self.error("T01", span, "`@` takes numbers");
            return None;
        };
        if l.axes.is_empty() && !r.axes.is_empty() && ranks.1 == 1 {
            let turned = self.transpose(l, span)?;
            return self.matmul(r, &turned, span);
        }
        let label = self.join(&[l, r], span)?;
        let secret = label == Label::Secret;
        let (l, r) = if secret {
            (l.clone(), r.clone())
        } else {
            (self.cast(l, ty, span)?, self.cast(r, ty, span)?)
        };
        let inner = self.unify(&l.dims[ranks.0 - 1], &r.dims[0], span)?;
        let columns = if ranks.1 == 2 {
            r.dims[1].clone()
        } else {
            Size::one()
        };
        let rows = if ranks.0 == 2 {
            l.dims[0].clone()
        } else {
            Size::one()
        };
        let mut dims = vec![];
        if ranks.0 == 2 {
            dims.push(rows.clone());
        }
        if ranks.1 == 2 {
            dims.push(columns.clone());
        }
        let origin = if secret {
            Self::origin_of(&[&l, &r])
        } else {
            None
        };
        let (axes, left, right, shape) = if r.axes.is_empty() {
            let count = self.extents(&l.axes).iter().fold(rows, |p, e| &p * e);
            let left = self.value(&l, span);
            let left = self.reshaped(left, vec![count.clone(), inner.clone()], span);
            let right = self.value(&r, span);
            let right = self.reshaped(right, vec![inner, columns.clone()], span);
            (l.axes.clone(), left, right, vec![count, columns])
        } else {
            let mut axes: Vec<Axis> = l.axes.iter().chain(&r.axes).copied().collect();
            axes.sort();
            axes.dedup();
            let left = self.expanded(&l, &axes, &l.dims.clone(), span);
            let right = self.expanded(&r, &axes, &r.dims.clone(), span);
            let lead = self.extents(&axes);
            let with = |tail: [Size; 2]| {
                let mut shape = lead.clone();
                shape.extend(tail);
                shape
            };
            let left = self.reshaped(left, with([rows.clone(), inner.clone()]), span);
            let right = self.reshaped(right, with([inner, columns.clone()]), span);
            (axes, left, right, with([rows, columns]))
        };
        let value = self.local(Local::MatMul, vec![left, right], (ty, shape, label), span);
        let mut full = self.extents(&axes);
        full.extend(dims.iter().cloned());
        let value = self.reshaped(value, full, span);
        Some(Leaf {
            src: Src::Ir(value),
            ty,
            axes,
            dims,
            label,
            origin,
        })
    }

    /// `leaf[secret i]`: every element times whether its position is i.
    pub fn secret_index(&mut self, leaf: &Leaf, index: &Leaf, span: Span) -> Option<Leaf> {
        let n = leaf.dims.first()?.clone();
        let axis = self.new_axis(n);
        let position = Leaf {
            src: Src::Index(axis, Size::zero()),
            axes: vec![axis],
            ..Leaf::size(Size::zero())
        };
        let index = self.coerce(index, Type::Int, span)?;
        let hit = self.prim(Prim::Eq, &[&position, &index], Type::Bits(1), span)?;
        if let Type::Bits(_) = leaf.ty {
            self.error_help(
                "U01",
                span,
                "a secret index into bits is not executable yet",
                "convert the bits with `as int` first",
            );
            return None;
        }
        let hit = self.cast(&hit, Type::Int, span)?;
        let row = self.iterated(leaf, 0, axis, span);
        let product = self.prim(Prim::Mul, &[&hit, &row], leaf.ty, span)?;
        let collected = self.collected(&product, axis, span);
        self.sum(&collected, 0, span)
    }
}
