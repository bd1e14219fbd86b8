//! Comprehensions and generators: every index is an axis, every element computed at once.

use crate::build::Elab;
use crate::value::{Family, Leaf, Src, Val};
use smpc_grammar::ast::{self, Comp, Expr, ExprKind, Iter};
use smpc_ir::size::Size;
use std::rc::Rc;

impl Elab<'_> {
    /// The values of `e for …`: a tensor with the indices' axes in front.
    pub fn generated(&mut self, body: &Expr, comp: &Comp) -> Val {
        match self.generated_list(body, comp) {
            Generated::Tensor(val) => val,
            Generated::List(items) => {
                if items.iter().all(|i| matches!(i, Val::Family(_))) {
                    return items.into_iter().next().unwrap_or(Val::Unknown);
                }
                self.stacked(items, comp.span)
            }
        }
    }

    /// As [`Self::generated`]; over a party family the values one by one.
    pub fn generated_list(&mut self, body: &Expr, comp: &Comp) -> Generated {
        match self.iterate(&comp.iters, comp.guard.as_deref(), body) {
            Some(generated) => generated,
            None => Generated::Tensor(Val::Unknown),
        }
    }

    pub fn iterate(
        &mut self,
        iters: &[Iter],
        guard: Option<&Expr>,
        body: &Expr,
    ) -> Option<Generated> {
        let Some((first, rest)) = iters.split_first() else {
            return Some(Generated::Tensor(self.expr(body)));
        };
        if let Some((family, index)) = self.family_iter(first) {
            let count = self.parties.get(&family)?.count?;
            let mut items = vec![];
            for member in 0..count {
                self.open_scope();
                let at = Leaf::size(Size::from(member as i128));
                self.declare(&index.name, Val::Leaf(at), false, index.span);
                let keep = match guard {
                    Some(guard) => match self.expr(guard) {
                        Val::Leaf(leaf) => match leaf.as_constant() {
                            Some(value) => value != 0,
                            None => {
                                self.error("U01", guard.span, "a guard is a constant here");
                                true
                            }
                        },
                        _ => true,
                    },
                    None => true,
                };
                if keep {
                    items.push(match self.iterate(rest, None, body)? {
                        Generated::Tensor(val) => val,
                        Generated::List(items) => self.stacked(items, body.span),
                    });
                }
                self.close_scope();
            }
            return Some(Generated::List(items));
        }
        if let Some(guard) = guard {
            self.error_help(
                "U01",
                guard.span,
                "a condition in a comprehension is not executable yet",
                "write `if c { e } else { 0 }` as the element",
            );
            return None;
        }
        let (name, name_span) = match &first.binder.kind {
            ExprKind::Path { path, .. } if path.segments.len() == 1 => {
                (path.segments[0].name.clone(), path.span)
            }
            _ => {
                self.error(
                    "T01",
                    first.binder.span,
                    "an index is one name: `for i in 0..n`",
                );
                return None;
            }
        };
        let Some(over) = &first.over else {
            self.error_help(
                "T01",
                first.binder.span,
                "an index needs a range",
                "write `for i in 0..n`",
            );
            return None;
        };
        let (extent, start, elements) = match self.expr(over) {
            Val::Range(start, end) => {
                let (Some(a), Some(b)) = (start.as_size(), end.as_size()) else {
                    let leaf = if start.as_size().is_none() {
                        &start
                    } else {
                        &end
                    };
                    self.no_size(leaf, over.span);
                    return None;
                };
                let (a, b) = (self.canon(a), self.canon(b));
                (&b - &a, a, None)
            }
            Val::Unknown => return None,
            val => match val.leaves().first() {
                Some(leaf) if !leaf.dims.is_empty() => {
                    (leaf.dims[0].clone(), Size::zero(), Some(val.clone()))
                }
                _ => {
                    let message = format!("{} is not iterated over", val.kind());
                    self.error("T01", over.span, message);
                    return None;
                }
            },
        };
        let axis = self.new_axis(extent);
        let index = Leaf {
            src: Src::Index(axis, start),
            axes: vec![axis],
            ..Leaf::size(Size::zero())
        };
        self.open.push(axis);
        self.open_scope();
        let bound = match elements {
            None => Val::Leaf(index),
            Some(val) => self.at(&val, &[(false, Val::Leaf(index), over.span)], over.span),
        };
        self.declare(&name, bound, false, name_span);
        let val = match self.iterate(rest, None, body) {
            Some(Generated::Tensor(val)) => Some(val),
            Some(Generated::List(items)) => Some(self.stacked(items, body.span)),
            None => None,
        };
        self.close_scope();
        self.open.pop();
        let val = self.collect_all(&val?, &[axis], body.span);
        Some(Generated::Tensor(val))
    }

    /// `hospital[i]` as an iterator: the family and the index it binds.
    pub fn family_iter(&self, iter: &Iter) -> Option<(String, ast::Ident)> {
        if iter.over.is_some() {
            return None;
        }
        let ExprKind::Index { base, indices } = &iter.binder.kind else {
            return None;
        };
        let (ExprKind::Path { path, .. }, [index]) = (&base.kind, indices.as_slice()) else {
            return None;
        };
        let ExprKind::Path { path: binder, .. } = &index.value.kind else {
            return None;
        };
        let family = path.segments.first()?.name.clone();
        self.parties.get(&family)?.count?;
        Some((family, binder.segments.first()?.clone()))
    }

    /// A family's members as one value per index.
    pub fn family_of(members: Vec<Val>) -> Val {
        let members = members
            .into_iter()
            .enumerate()
            .map(|(i, v)| (vec![i as i128], v))
            .collect();
        Val::Family(Rc::new(Family { members }))
    }
}

/// What a generator gives.
pub(crate) enum Generated {
    Tensor(Val),
    List(Vec<Val>),
}
