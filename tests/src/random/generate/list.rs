//! Expressions over lists and matrices: comprehensions, trees, products, parts, orders; and calls of
//! the script's own functions.

use super::super::ast::{At, Base, Bin, Dim, Expr, Function, Over, Ty};
use super::expr::{bin, boxed, call};
use super::{Form, Generator, Known, Label};

impl Generator {
    pub(super) fn extreme(&mut self, base: Base, label: Label, d: u32) -> Expr {
        let n = self.some_dim();
        let xs = self.expr(&Ty::array(base, vec![n]), label, d);
        let name = *self.draw.of(&["max", "min"]);
        call(name, vec![xs])
    }

    /// `sum(xs)` or `sum(e for i in 0..n)`.
    pub(super) fn summed(&mut self, base: Base, label: Label, d: u32) -> Expr {
        let n = self.some_dim();
        if self.draw.percent(50) {
            let xs = self.expr(&Ty::array(base, vec![n]), label, d);
            return call("sum", vec![xs]);
        }
        self.comprehension(true, &[n], &Ty::scalar(base), label, d)
    }

    pub(super) fn dot(&mut self, base: Base, label: Label, d: u32) -> Expr {
        let n = self.some_dim();
        let ty = Ty::array(base, vec![n]);
        let a = self.expr(&ty, label, d);
        let b = if self.draw.percent(25) {
            self.expr(&ty, Label::Public, d)
        } else {
            self.expr(&ty, label, d)
        };
        if self.draw.percent(50) {
            call("dot", vec![a, b])
        } else {
            bin(Bin::MatMul, a, b)
        }
    }

    /// A comprehension over indices of these extents.
    pub(super) fn comprehension(
        &mut self,
        sum: bool,
        dims: &[Dim],
        ty: &Ty,
        label: Label,
        d: u32,
    ) -> Expr {
        self.scopes.push(vec![]);
        let mut over = vec![];
        for dim in dims {
            let name = self.fresh("i");
            let from = match dim.as_constant() {
                Some(_) if self.draw.percent(20) => Dim::constant(self.draw.range(0, 2)),
                _ => Dim::default(),
            };
            let to = from.plus(dim, 1);
            over.push(Over { name, from, to });
        }
        for over in &over {
            let index = Some((over.from.clone(), over.to.clone()));
            self.declare(Known {
                name: over.name.clone(),
                form: Form::Tensor(Ty::scalar(Base::Int)),
                label: Label::Public,
                mutable: false,
                index,
                learnt: false,
            });
        }
        self.inside += 1;
        let body = boxed(self.expr(ty, label, d));
        self.inside -= 1;
        self.scopes.pop();
        Expr::Comp { sum, body, over }
    }

    /// `reduce` with an associative combination, over values or pairs.
    pub(super) fn reduced(&mut self, base: Base, label: Label, d: u32) -> Option<Expr> {
        let n = self.some_dim();
        self.tree(false, base, &n, label, d)
    }

    pub(super) fn tree(
        &mut self,
        scan: bool,
        base: Base,
        n: &Dim,
        label: Label,
        d: u32,
    ) -> Option<Expr> {
        let names = (self.fresh("lo"), self.fresh("hi"));
        let (lo, hi) = (Expr::Var(names.0.clone()), Expr::Var(names.1.clone()));
        let ty = Ty::array(base, vec![n.clone()]);
        let select = |c: Expr, a: Expr, b: Expr| Expr::If {
            secret: true,
            parts: Box::new([c, a, b]),
            blurred: false,
        };
        let pairs = !scan && self.draw.percent(35);
        if pairs && base != Base::Bool {
            // The payload of the largest key, or of a run of flags.
            let over = self.fresh("i");
            let field = |e: &Expr, at| Expr::Field(boxed(e.clone()), at);
            self.scopes.push(vec![]);
            self.declare(Known {
                name: over.clone(),
                form: Form::Tensor(Ty::scalar(Base::Int)),
                label: Label::Public,
                mutable: false,
                index: Some((Dim::default(), n.clone())),
                learnt: false,
            });
            self.inside += 1;
            let flags = self.draw.percent(50);
            let key = if flags { Base::Bool } else { Base::Int };
            let key = self.scalar(key, label, d.min(1));
            let value = self.scalar(base, label, d.min(1));
            self.inside -= 1;
            self.scopes.pop();
            let list = Expr::Comp {
                sum: false,
                body: boxed(Expr::Tuple(vec![key, value])),
                over: vec![Over {
                    name: over,
                    from: Dim::default(),
                    to: n.clone(),
                }],
            };
            let body = if flags {
                let both = bin(Bin::Add, field(&lo, 1), field(&hi, 1));
                let value = select(field(&hi, 0), field(&hi, 1), both);
                let either = bin(Bin::BitOr, field(&lo, 0), field(&hi, 0));
                Expr::Tuple(vec![either, value])
            } else {
                select(bin(Bin::Lt, field(&lo, 0), field(&hi, 0)), hi, lo)
            };
            let tree = Expr::Tree {
                scan,
                xs: boxed(list),
                names,
                body: boxed(body),
            };
            return Some(Expr::Field(boxed(tree), 1));
        }
        let mut xs = self.expr(&ty, label, d);
        let body = match (base, self.draw.below(4)) {
            (Base::Int, 0) | (Base::Fix, 0 | 1) => bin(Bin::Add, lo, hi),
            (Base::Int, 1) => bin(Bin::Mul, lo, hi),
            (Base::Fix, 2) => {
                xs = call("clamp", vec![xs, Expr::Int(-1), Expr::Int(1)]);
                bin(Bin::Mul, lo, hi)
            }
            (Base::Int, 2) => call("max", vec![lo, hi]),
            (Base::Int | Base::Fix, _) => select(bin(Bin::Lt, hi.clone(), lo.clone()), hi, lo),
            (Base::Bool, 0) => bin(Bin::Ne, lo, hi),
            (Base::Bool, 1) => bin(Bin::BitAnd, lo, hi),
            (Base::Bool, _) => bin(Bin::Or, lo, hi),
            _ => return None,
        };
        Some(Expr::Tree {
            scan,
            xs: boxed(xs),
            names,
            body: boxed(body),
        })
    }

    /// `x[secret i]`.
    pub(super) fn secret_read(&mut self, base: Base, d: u32) -> Option<Expr> {
        let n = self.some_dim();
        let xs = self.expr(&Ty::array(base, vec![n.clone()]), Label::Secret, d);
        // Into the range by reading where a list of positions says.
        let place = self.place(&n)?;
        let i = if self.draw.percent(50) {
            Expr::Share(boxed(place))
        } else {
            let last = self.size_expr(&n.plus(&Dim::constant(1), -1));
            let i = self.scalar(Base::Int, Label::Secret, d);
            call("clamp", vec![i, Expr::Int(0), last])
        };
        Some(Expr::Index(boxed(xs), vec![At::Secret(i)]))
    }

    /// What does not depend on the order after a shuffle.
    pub(super) fn shuffled(&mut self, base: Base, label: Label, d: u32) -> Option<Expr> {
        if label != Label::Secret || self.inside > 0 || self.sorts == 0 {
            return None;
        }
        self.sorts -= 1;
        let n = self.some_dim();
        let ty = Ty::array(base, vec![n]);
        let xs = call("shuffle", vec![self.expr(&ty, label, d)]);
        Some(match self.draw.below(3) {
            0 => call("sum", vec![xs]),
            1 => call("max", vec![xs]),
            _ => {
                let ys = self.expr(&ty, label, d);
                let both = call("shuffle", vec![self.expr(&ty, label, d), ys]);
                // Both lists in one order: the products are of what belonged together.
                let x = Expr::Field(boxed(both), 0);
                call("sum", vec![x])
            }
        })
    }

    /// A call of a function of the script.
    pub(super) fn call_own(&mut self, ty: &Ty, label: Label, d: u32) -> Option<Expr> {
        if self.script.functions.is_empty() || label == Label::Any {
            return None;
        }
        let fitting: Vec<Function> = self
            .script
            .functions
            .iter()
            .filter(|f| f.results.iter().any(|r| r.base == ty.base))
            .cloned()
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let function = self.draw.of(&fitting).clone();
        let generic = !function.sizes.is_empty();
        let size = match (generic, ty.dims.as_slice()) {
            (true, [n]) => n.clone(),
            _ => self.some_dim(),
        };
        let instance = |t: &Ty| Ty {
            base: t.base,
            dims: t.dims.iter().map(|dim| dim.renamed("k", &size)).collect(),
        };
        // Element by element where the function has scalars only.
        let lifted = !generic && !ty.dims.is_empty();
        let result = function.results.iter().position(|r| {
            let r = instance(r);
            r == *ty || lifted && r.base == ty.base
        })?;
        let mut args = vec![];
        let mut tensor = false;
        for (at, (_, param, default)) in function.params.iter().enumerate() {
            if default.is_some() && self.draw.percent(50) {
                break;
            }
            let mut wanted = instance(param);
            if lifted && (at == 0 || self.draw.percent(50)) {
                wanted = Ty::array(param.base, ty.dims.clone());
                tensor = true;
            }
            let label = if at > 0 && self.draw.percent(30) {
                Label::Public
            } else {
                label
            };
            args.push(self.expr(&wanted, label, d));
        }
        if lifted && !tensor {
            return None;
        }
        let called = if let (Some((name, _, Some(_))), true) =
            (function.params.last(), self.draw.percent(30))
            && args.len() == function.params.len()
            && let Some(last) = args.pop()
        {
            Expr::Named(function.name.clone(), args, name.clone(), boxed(last))
        } else {
            Expr::Call(function.name.clone(), args)
        };
        Some(if function.results.len() > 1 {
            Expr::Field(boxed(called), result)
        } else {
            called
        })
    }

    /// What makes tensors.
    pub(super) fn tensor_form(&mut self, ty: &Ty, label: Label, depth: u32) -> Option<Expr> {
        let d = depth - 1;
        let number = matches!(ty.base, Base::Int | Base::Fix);
        let first = ty.dims[0].clone();
        let inner = Ty::array(ty.base, ty.dims[1..].to_vec());
        Some(match self.draw.below(15) {
            0..=4 => {
                let scalar = Ty::scalar(ty.base);
                if ty.dims.len() > 1 && self.draw.percent(60) {
                    self.comprehension(false, &ty.dims, &scalar, label, d)
                } else {
                    self.comprehension(false, &ty.dims[..1], &inner, label, d)
                }
            }
            5 => {
                let n = first.as_constant().filter(|n| *n <= 4)?;
                Expr::List((0..n).map(|_| self.expr(&inner, label, d)).collect())
            }
            6 => {
                // A part of one end and the rest.
                let part = if self.draw.percent(50) {
                    Dim::constant(1)
                } else {
                    self.some_dim()
                };
                let rest = first.plus(&part, -1);
                if self.dim_value(&rest)? < 1 || rest.as_constant().is_none() {
                    return None;
                }
                let rows = |n: Dim| {
                    let mut dims = vec![n];
                    dims.extend(inner.dims.iter().cloned());
                    Ty::array(ty.base, dims)
                };
                let (a, b) = (rows(part), rows(rest));
                let (a, b) = (self.expr(&a, label, d), self.expr(&b, label, d));
                call("concat", vec![a, b])
            }
            7 if ty.dims.len() == 2 => {
                let flipped = vec![ty.dims[1].clone(), first];
                let x = self.expr(&Ty::array(ty.base, flipped), label, d);
                if self.draw.percent(50) {
                    Expr::Member(boxed(x), "T".into())
                } else {
                    call("transpose", vec![x])
                }
            }
            7 | 8 if number => {
                let inner = self.some_dim();
                let (left, right) = match ty.dims.as_slice() {
                    [a, b] => (vec![a.clone(), inner.clone()], vec![inner, b.clone()]),
                    [a] if self.draw.percent(50) => (vec![a.clone(), inner.clone()], vec![inner]),
                    [a] => (vec![inner.clone()], vec![inner, a.clone()]),
                    _ => return None,
                };
                let a = self.expr(&Ty::array(ty.base, left), label, d);
                let public = self.draw.percent(20);
                let at = if public { Label::Public } else { label };
                let b = self.expr(&Ty::array(ty.base, right), at, d);
                bin(Bin::MatMul, a, b)
            }
            9 => {
                // A gather by a public list.
                let n = self.some_dim();
                let mut dims = vec![n.clone()];
                dims.extend(inner.dims.iter().cloned());
                let xs = self.expr(&Ty::array(ty.base, dims), label, d);
                let list = Ty::array(Base::Int, vec![first]);
                let p = self.leaf(&list, Label::Public);
                let p = bin(Bin::Rem, p, self.size_expr(&n));
                Expr::Index(boxed(xs), vec![At::One(p)])
            }
            10 if ty.dims.len() == 1 && !matches!(ty.base, Base::Bits(_) | Base::Text(_)) => {
                self.tree(true, ty.base, &first, label, d)?
            }
            11 if ty.dims.len() == 1 && number && self.sorts > 0 && self.inside == 0 => {
                if matches!(label, Label::Owned(_) | Label::Any) {
                    return None;
                }
                self.sorts -= 1;
                let xs = self.expr(ty, label, d);
                let xs = if label == Label::Secret && self.draw.percent(30) {
                    call("shuffle", vec![xs])
                } else {
                    xs
                };
                call("sort", vec![xs])
            }
            12 if number && ty.dims.len() == 1 => {
                // Along an axis of a matrix.
                let other = self.some_dim();
                let axis = self.draw.range(0, 1);
                let dims = if axis == 0 {
                    vec![other, first]
                } else {
                    vec![first, other]
                };
                let x = self.expr(&Ty::array(ty.base, dims), label, d);
                let name = *self.draw.of(&["sum", "max", "min"]);
                Expr::Named(
                    name.into(),
                    vec![x],
                    "axis".into(),
                    boxed(Expr::Int(axis.into())),
                )
            }
            13 if ty.dims.len() == 2 => {
                let flat = Ty::array(ty.base, vec![first.times(&ty.dims[1])]);
                let x = self.expr(&flat, label, d);
                let mut args = vec![x];
                args.extend(ty.dims.iter().map(|dim| self.size_expr(dim)));
                call("reshape", args)
            }
            13 if ty.base == Base::Int && ty.dims.len() == 1 => {
                let last = self.size_expr(&first.plus(&Dim::constant(1), -1));
                let i = self.scalar(Base::Int, label, d);
                let i = call("clamp", vec![i, Expr::Int(0), last]);
                call("one_hot", vec![i, self.size_expr(&first)])
            }
            14 if self.inside == 0 && number && label != Label::Any => {
                let x = self.expr(ty, label, d);
                let p = self.place(&first)?;
                let mut dims = vec![Dim::constant(1)];
                dims.extend(inner.dims.iter().cloned());
                let v = self.expr(&Ty::array(ty.base, dims), label, d);
                call("scatter", vec![x, Expr::List(vec![p]), v])
            }
            _ => return None,
        })
    }
}
