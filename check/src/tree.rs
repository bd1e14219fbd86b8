//! `reduce` and `scan`: ordered trees over the first axis.

use crate::build::Elab;
use crate::levels::{self, Lambda};
use smpc_grammar::ast::{Arg, Expr, ExprKind, Span};
use smpc_ir::share::{Block, Label, Op, SizeOrigin};
use smpc_ir::size::Size;

use crate::value::{Leaf, Src, Val};

impl Elab<'_> {
    /// `reduce(xs, (lo, hi) => e)` and `scan`.
    pub fn tree(&mut self, scan: bool, args: &[Arg], span: Span) -> Val {
        let name = if scan { "scan" } else { "reduce" };
        let [xs, lambda] = args else {
            self.error_help(
                "T02",
                span,
                format!("`{name}` takes a tensor and a lambda"),
                format!("write `{name}(xs, (a, b) => a + b)`"),
            );
            return Val::Unknown;
        };
        let ExprKind::Lambda(params, body) = &lambda.value.kind else {
            self.error(
                "T01",
                lambda.value.span,
                format!("the second argument of `{name}` is a lambda `(a, b) => e`"),
            );
            return Val::Unknown;
        };
        let names: Vec<(String, Span)> = params.iter().filter_map(plain_name).collect();
        let [lo, hi] = names.as_slice() else {
            self.error("T02", lambda.value.span, "the lambda takes two values");
            return Val::Unknown;
        };
        let val = match &xs.comp {
            Some(comp) => self.generated(&xs.value, comp),
            None => self.expr(&xs.value),
        };
        if val.is_unknown() {
            return Val::Unknown;
        }
        let mut leaves: Vec<Leaf> = val.leaves().into_iter().cloned().collect();
        let Some(n) = leaves.first().and_then(|l| l.dims.first()).cloned() else {
            self.error(
                "T01",
                xs.value.span,
                format!("`{name}` takes a tensor, or several of one length"),
            );
            return Val::Unknown;
        };
        if leaves.iter().any(|l| l.dims.is_empty()) {
            self.error(
                "T01",
                xs.value.span,
                format!("`{name}` takes tensors of one length"),
            );
            return Val::Unknown;
        }
        for leaf in &leaves {
            if self.unify(&leaf.dims[0], &n, span).is_none() {
                return Val::Unknown;
            }
        }
        let length = self.canon(&n).as_constant();
        if let Some(length) = length.filter(|n| (2..=levels::LONGEST).contains(n)) {
            let lambda = Lambda {
                lo: lo.clone(),
                hi: hi.clone(),
                body,
            };
            return self.levels(scan, val, length as usize, &lambda, span);
        }
        for _ in 0..self.program.parties.len() + 5 {
            let mark = self.mark();
            let half = self.size_var("half", SizeOrigin::Loop, span);
            let axis = self.new_tree_axis(Size::from(half));
            self.open_block();
            let mut block_params = vec![];
            let mut sides = vec![];
            for _ in 0..2 {
                let mut side = vec![];
                for leaf in &leaves {
                    let mut axes = vec![axis];
                    axes.extend(leaf.axes.iter().copied());
                    let dims = leaf.dims[1..].to_vec();
                    let param = Leaf {
                        src: Src::Size(Size::zero()),
                        axes,
                        dims,
                        ..leaf.clone()
                    };
                    let shape = self.shape(&param);
                    let value = self.fresh(param.ty, shape, param.label, span);
                    block_params.push(value);
                    side.push(Leaf {
                        src: Src::Ir(value),
                        ..param
                    });
                }
                sides.push(val.rebuilt(&mut side.into_iter()));
            }
            self.open.insert(0, axis);
            self.open_scope();
            self.declare(&lo.0, sides[0].clone(), false, lo.1);
            self.declare(&hi.0, sides[1].clone(), false, hi.1);
            let result = self.expr(body);
            self.close_scope();
            self.open.remove(0);
            let outcome: Vec<Leaf> = result.leaves().into_iter().cloned().collect();
            if result.is_unknown() || outcome.len() != leaves.len() {
                self.close_block();
                if !result.is_unknown() {
                    let message = format!(
                        "the lambda gives {}, and takes {}",
                        self.describe(&result),
                        self.describe(&sides[0])
                    );
                    self.error("T01", lambda.value.span, message);
                }
                return Val::Unknown;
            }
            let mut next = vec![];
            let mut stable = true;
            for (leaf, out) in leaves.iter().zip(&outcome) {
                let Some(ty) = crate::ops::common(leaf.ty, out.ty) else {
                    self.error(
                        "T01",
                        lambda.value.span,
                        "the lambda gives another type than it takes",
                    );
                    self.close_block();
                    return Val::Unknown;
                };
                let Some(label) = self.join(&[leaf, out], span) else {
                    self.close_block();
                    return Val::Unknown;
                };
                let mut axes: Vec<_> = leaf.axes.clone();
                axes.extend(out.axes.iter().copied().filter(|a| *a != axis));
                axes.sort();
                axes.dedup();
                let rest = leaf.dims[1..].to_vec();
                if out.dims.len() != rest.len() {
                    self.error(
                        "T01",
                        lambda.value.span,
                        "the lambda gives another shape than it takes",
                    );
                    self.close_block();
                    return Val::Unknown;
                }
                stable &= ty == leaf.ty && label == leaf.label && axes == leaf.axes;
                next.push((ty, label, axes));
            }
            if !stable {
                self.close_block();
                self.restore(&mark);
                let mut raised = vec![];
                for (leaf, (ty, label, axes)) in leaves.iter().zip(next) {
                    let Some(leaf) = self.cast(leaf, ty, span) else {
                        return Val::Unknown;
                    };
                    let leaf = if label == Label::Secret {
                        self.shared(&leaf, span)
                    } else {
                        Leaf { label, ..leaf }
                    };
                    let value = self.expanded(&leaf, &axes, &leaf.dims.clone(), span);
                    raised.push(Leaf {
                        src: Src::Ir(value),
                        axes,
                        ..leaf
                    });
                }
                leaves = raised;
                continue;
            }
            let mut results = vec![];
            for (leaf, out) in leaves.iter().zip(&outcome) {
                let mut axes = vec![axis];
                axes.extend(leaf.axes.iter().copied());
                results.push(self.expanded(out, &axes, &leaf.dims[1..], span));
            }
            let mut block = self.close_block();
            block.params = block_params;
            block.results = results;
            return self.tree_step(scan, (half, n), &leaves, &val, block, span);
        }
        self.error("U01", span, "the types of this tree do not settle");
        Val::Unknown
    }

    pub fn tree_step(
        &mut self,
        scan: bool,
        (half, n): (smpc_ir::size::SizeVar, Size),
        leaves: &[Leaf],
        like: &Val,
        body: Block,
        span: Span,
    ) -> Val {
        // The tree runs along the first axis, so the iteration axes step behind it.
        let mut args = vec![];
        let mut results = vec![];
        for leaf in leaves {
            let value = self.value(leaf, span);
            let a = leaf.axes.len() as u8;
            let total = a + leaf.dims.len() as u8;
            let mut order: Vec<u8> = vec![a];
            order.extend(0..a);
            order.extend(a + 1..total);
            args.push(self.transposed(value, order, span));
            let mut shape = if scan { vec![n.clone()] } else { vec![] };
            shape.extend(self.extents(&leaf.axes));
            shape.extend(leaf.dims[1..].iter().cloned());
            results.push(self.fresh(leaf.ty, shape, leaf.label, span));
        }
        let op = if scan {
            Op::Scan { half, body }
        } else {
            Op::Reduce { half, body }
        };
        self.push(op, args, results.clone(), span);
        let mut out = vec![];
        for (leaf, value) in leaves.iter().zip(results) {
            if !scan {
                out.push(Leaf {
                    src: Src::Ir(value),
                    dims: leaf.dims[1..].to_vec(),
                    ..leaf.clone()
                });
                continue;
            }
            let a = leaf.axes.len() as u8;
            let total = a + leaf.dims.len() as u8;
            let mut order: Vec<u8> = (1..=a).collect();
            order.push(0);
            order.extend(a + 1..total);
            let value = self.transposed(value, order, span);
            out.push(Leaf {
                src: Src::Ir(value),
                ..leaf.clone()
            });
        }
        like.rebuilt(&mut out.into_iter())
    }
}

fn plain_name(expr: &Expr) -> Option<(String, Span)> {
    match &expr.kind {
        ExprKind::Path { path, .. } => Some((path.segments.first()?.name.clone(), expr.span)),
        _ => None,
    }
}
