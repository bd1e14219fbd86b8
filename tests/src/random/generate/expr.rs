//! Expressions of a wanted type and label.

use super::super::ast::{At, Base, Bin, Dim, Expr, Ty};
use super::{Extent, Generator, Label};

pub(super) fn boxed(e: Expr) -> Box<Expr> {
    Box::new(e)
}

pub(super) fn bin(op: Bin, a: Expr, b: Expr) -> Expr {
    Expr::Bin(op, boxed(a), boxed(b))
}

pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Call(name.into(), args)
}

impl Generator {
    /// An expression of a type, known to whom the label says or to all.
    pub(super) fn expr(&mut self, ty: &Ty, label: Label, depth: u32) -> Expr {
        let stop = if self.extent == Extent::Small { 35 } else { 12 };
        if depth == 0 || self.draw.percent(stop) {
            return self.leaf(ty, label);
        }
        for _ in 0..4 {
            let found = if !ty.dims.is_empty() && self.draw.percent(50) {
                self.tensor_form(ty, label, depth)
            } else {
                match ty.base {
                    Base::Int => self.int_form(ty, label, depth),
                    Base::Fix => self.fix_form(ty, label, depth),
                    Base::Bool => self.bool_form(ty, label, depth),
                    Base::Bits(m) => self.bits_form(m, ty, label, depth),
                    Base::Text(_) => self.choice(ty, label, depth),
                }
            };
            if let Some(e) = found {
                return e;
            }
        }
        self.leaf(ty, label)
    }

    pub(super) fn scalar(&mut self, base: Base, label: Label, depth: u32) -> Expr {
        self.expr(&Ty::scalar(base), label, depth)
    }

    /// Beside an operand of this type: the same, sometimes public, sometimes a scalar.
    pub(super) fn beside(&mut self, ty: &Ty, label: Label, depth: u32) -> Expr {
        let label = if self.draw.percent(30) {
            Label::Public
        } else {
            label
        };
        if !ty.dims.is_empty() && self.draw.percent(30) {
            return self.scalar(ty.base, label, depth);
        }
        self.expr(ty, label, depth)
    }

    pub(super) fn pair(&mut self, ty: &Ty, label: Label, depth: u32) -> (Expr, Expr) {
        let a = self.expr(ty, label, depth - 1);
        let b = self.beside(ty, label, depth - 1);
        if self.draw.percent(50) {
            (a, b)
        } else {
            (b, a)
        }
    }

    /// `if`, `if secret`, or `select`.
    pub(super) fn choice(&mut self, ty: &Ty, label: Label, depth: u32) -> Option<Expr> {
        let a = self.expr(ty, label, depth - 1);
        let b = self.expr(ty, label, depth - 1);
        let conditions = if self.draw.percent(70) {
            label
        } else {
            Label::Public
        };
        if !ty.dims.is_empty() && !matches!(ty.base, Base::Text(_)) && self.draw.percent(40) {
            let c = Ty::array(Base::Bool, ty.dims.clone());
            let c = self.expr(&c, conditions, depth - 1);
            return Some(call("select", vec![c, a, b]));
        }
        let c = self.scalar(Base::Bool, conditions, depth - 1);
        let secret = conditions != Label::Public || self.draw.percent(30);
        Some(Expr::If {
            secret,
            parts: Box::new([c, a, b]),
            blurred: matches!(label, Label::Secret | Label::Any),
        })
    }

    pub(super) fn int_form(&mut self, ty: &Ty, label: Label, depth: u32) -> Option<Expr> {
        let d = depth - 1;
        let scalar = ty.dims.is_empty();
        let clear = matches!(label, Label::Public | Label::Owned(_));
        Some(match self.draw.below(if scalar { 24 } else { 13 }) {
            0..=2 => {
                let (a, b) = self.pair(ty, label, depth);
                let op = *self.draw.of(&[Bin::Add, Bin::Sub]);
                bin(op, a, b)
            }
            3 | 4 => {
                let (a, b) = self.pair(ty, label, depth);
                bin(Bin::Mul, a, b)
            }
            5 => Expr::Neg(boxed(self.expr(ty, label, d))),
            6 | 7 => self.choice(ty, label, depth)?,
            8 => {
                let from = match self.draw.below(4) {
                    0 | 1 => Base::Bool,
                    2 => Base::Fix,
                    _ => Base::Bits(*self.draw.of(&[4, 8, 16])),
                };
                let from = Ty {
                    base: from,
                    ..ty.clone()
                };
                Expr::Cast(boxed(self.expr(&from, label, d)), Base::Int)
            }
            9 => self.function_of_two(ty, label, depth),
            10 => {
                let e = self.draw.range(1, 3) as u32;
                Expr::Pow(boxed(self.expr(ty, label, d)), e)
            }
            11 => self.call_own(ty, label, d)?,
            12 if clear => {
                let a = self.expr(ty, label, d);
                match self.draw.below(4) {
                    0 => {
                        let b = self.draw.range(1, 6);
                        bin(Bin::Div, a, Expr::Int(b.into()))
                    }
                    1 => {
                        let b = self.draw.range(1, 6);
                        bin(Bin::Rem, a, Expr::Int(b.into()))
                    }
                    2 => bin(Bin::Shl, a, Expr::Int(self.draw.range(0, 4).into())),
                    _ => {
                        let op = *self.draw.of(&[Bin::Shr, Bin::ShrLogical]);
                        bin(op, a, Expr::Int(self.draw.range(0, 4).into()))
                    }
                }
            }
            12 => {
                // Only of what is exact.
                let x = self.leaf(
                    &Ty {
                        base: Base::Fix,
                        ..ty.clone()
                    },
                    label,
                );
                call("raw", vec![x])
            }
            13 | 14 => self.summed(Base::Int, label, d),
            15 => {
                let n = self.some_dim();
                let bs = self.expr(&Ty::array(Base::Bool, vec![n]), label, d);
                call("count", vec![bs])
            }
            16 => {
                let n = self.some_dim();
                let base = *self.draw.of(&[Base::Int, Base::Fix]);
                let xs = self.expr(&Ty::array(base, vec![n]), label, d);
                let name = *self.draw.of(&["argmax", "argmin"]);
                call(name, vec![xs])
            }
            17 => self.extreme(Base::Int, label, d),
            18 => self.dot(Base::Int, label, d),
            19 => self.reduced(Base::Int, label, d)?,
            20 if label == Label::Secret => self.secret_read(ty.base, d)?,
            21 => Expr::Size(self.some_dim()),
            22 => {
                let n = self.some_dim();
                let base = self.some_base();
                let xs = self.leaf(&Ty::array(base, vec![n]), label);
                call("len", vec![xs])
            }
            _ => self.shuffled(Base::Int, label, d)?,
        })
    }

    pub(super) fn fix_form(&mut self, ty: &Ty, label: Label, depth: u32) -> Option<Expr> {
        let d = depth - 1;
        let scalar = ty.dims.is_empty();
        let int = Ty {
            base: Base::Int,
            ..ty.clone()
        };
        Some(match self.draw.below(if scalar { 23 } else { 14 }) {
            0..=2 => {
                let (a, b) = self.pair(ty, label, depth);
                let op = *self.draw.of(&[Bin::Add, Bin::Sub]);
                bin(op, a, b)
            }
            3..=5 => {
                let (a, b) = self.pair(ty, label, depth);
                bin(Bin::Mul, a, b)
            }
            6 => {
                // Mixed with an int.
                let a = self.expr(ty, label, d);
                let b = self.beside(&int, label, d);
                let op = *self.draw.of(&[Bin::Add, Bin::Sub, Bin::Mul]);
                let (a, b) = if self.draw.percent(50) {
                    (a, b)
                } else {
                    (b, a)
                };
                bin(op, a, b)
            }
            7 => {
                let a = self.expr(ty, label, d);
                let parts = *self
                    .draw
                    .of(&["2.0", "3.0", "0.5", "7.5", "-1.25", "100.0"]);
                bin(Bin::Div, a, Expr::Fix(parts.into()))
            }
            8 => Expr::Neg(boxed(self.expr(ty, label, d))),
            9 => self.choice(ty, label, depth)?,
            10 => {
                let from = *self.draw.of(&[Base::Int, Base::Bool]);
                let from = Ty {
                    base: from,
                    ..ty.clone()
                };
                Expr::Cast(boxed(self.expr(&from, label, d)), Base::Fix)
            }
            11 => self.function_of_two(ty, label, depth),
            12 => self.call_own(ty, label, d)?,
            13 => match self.draw.below(3) {
                0 => {
                    let t = self.expr(ty, label, d);
                    let n = self.draw.range(2, 4);
                    let cs = (0..n).map(|_| self.fix_literal()).collect();
                    call("poly", vec![t, Expr::List(cs)])
                }
                1 => {
                    let i = self.expr(&int, label, d);
                    call("from_raw", vec![i])
                }
                _ => Expr::Pow(boxed(self.expr(ty, label, d)), 2),
            },
            14 | 15 => self.summed(Base::Fix, label, d),
            16 => {
                let n = self.some_dim();
                let xs = self.expr(&Ty::array(Base::Fix, vec![n]), label, d);
                let name = if self.draw.percent(70) {
                    "mean"
                } else {
                    "variance"
                };
                call(name, vec![xs])
            }
            17 => self.extreme(Base::Fix, label, d),
            18 => self.dot(Base::Fix, label, d),
            19 => self.reduced(Base::Fix, label, d)?,
            20 => self.elementary(label, d)?,
            21 if label == Label::Secret => self.secret_read(ty.base, d)?,
            _ => self.shuffled(Base::Fix, label, d)?,
        })
    }

    /// Quotients and elementary functions: long when secret.
    pub(super) fn elementary(&mut self, label: Label, d: u32) -> Option<Expr> {
        if matches!(label, Label::Secret | Label::Any) {
            if self.heavy == 0 || self.inside > 0 {
                return None;
            }
            self.heavy -= 1;
        }
        let x = self.scalar(Base::Fix, label, d.min(1));
        let positive = |x: Expr| call("max", vec![call("abs", vec![x]), Expr::Fix("0.5".into())]);
        Some(match self.draw.below(4) {
            0 => call("sqrt", vec![positive(x)]),
            1 => {
                let low = Expr::Fix("-4.0".into());
                let t = call("clamp", vec![x, low, Expr::Fix("4.0".into())]);
                call("exp", vec![t])
            }
            2 => call("ln", vec![positive(x)]),
            _ => {
                let y = self.scalar(Base::Fix, label, d.min(1));
                bin(Bin::Div, y, positive(x))
            }
        })
    }

    pub(super) fn bool_form(&mut self, ty: &Ty, label: Label, depth: u32) -> Option<Expr> {
        let d = depth - 1;
        let scalar = ty.dims.is_empty();
        Some(match self.draw.below(if scalar { 13 } else { 10 }) {
            0..=3 => {
                let base = *self.draw.of(&[
                    Base::Int,
                    Base::Int,
                    Base::Fix,
                    Base::Fix,
                    Base::Bits(8),
                    Base::Text(8),
                ]);
                let of = Ty { base, ..ty.clone() };
                let a = self.expr(&of, label, d);
                let b = if matches!(base, Base::Text(_)) {
                    if self.draw.percent(50) {
                        self.literal(&Ty::scalar(base))
                    } else {
                        self.leaf(&of, label)
                    }
                } else {
                    self.beside(&of, label, d)
                };
                let op = *self
                    .draw
                    .of(&[Bin::Eq, Bin::Ne, Bin::Lt, Bin::Le, Bin::Gt, Bin::Ge]);
                if self.draw.percent(10) && matches!(base, Base::Int | Base::Fix) {
                    let c = self.beside(&of, label, d);
                    let second = *self.draw.of(&[Bin::Lt, Bin::Le]);
                    return Some(Expr::Chain(boxed(a), vec![(Bin::Le, b), (second, c)]));
                }
                bin(op, a, b)
            }
            4 => Expr::Not(boxed(self.expr(ty, label, d))),
            5 | 6 => {
                let (a, b) = self.pair(ty, label, depth);
                let op =
                    *self
                        .draw
                        .of(&[Bin::And, Bin::Or, Bin::BitAnd, Bin::BitOr, Bin::Ne, Bin::Eq]);
                bin(op, a, b)
            }
            7 => self.choice(ty, label, depth)?,
            8 => {
                let int = Ty {
                    base: Base::Int,
                    ..ty.clone()
                };
                Expr::Cast(boxed(self.expr(&int, label, d)), Base::Bool)
            }
            9 => self.call_own(ty, label, d)?,
            10 => {
                let n = self.some_dim();
                let bs = self.expr(&Ty::array(Base::Bool, vec![n]), label, d);
                let name = *self.draw.of(&["any", "all"]);
                call(name, vec![bs])
            }
            11 => {
                let m = *self.draw.of(&[4, 8]);
                let x = self.scalar(Base::Bits(m), label, d);
                let j = self.draw.range(0, i64::from(m) - 1);
                let at = vec![At::One(Expr::Int(j.into()))];
                Expr::Index(boxed(call("unpack", vec![x])), at)
            }
            _ => self.reduced(Base::Bool, label, d)?,
        })
    }

    pub(super) fn bits_form(&mut self, m: u8, ty: &Ty, label: Label, depth: u32) -> Option<Expr> {
        let d = depth - 1;
        Some(match self.draw.below(8) {
            0 | 1 => {
                let (a, b) = self.pair(ty, label, depth);
                let op = *self.draw.of(&[Bin::BitAnd, Bin::BitOr]);
                bin(op, a, b)
            }
            2 => {
                let (a, b) = self.pair(ty, label, depth);
                call("xor", vec![a, b])
            }
            3 => Expr::Not(boxed(self.expr(ty, label, d))),
            4 => {
                let a = self.expr(ty, label, d);
                let by = self.draw.range(0, i64::from(m) - 1);
                let op = *self.draw.of(&[Bin::Shl, Bin::Shr, Bin::ShrLogical]);
                bin(op, a, Expr::Int(by.into()))
            }
            5 => {
                let int = Ty {
                    base: Base::Int,
                    ..ty.clone()
                };
                Expr::Cast(boxed(self.expr(&int, label, d)), Base::Bits(m))
            }
            6 if m <= 8 && ty.dims.is_empty() => {
                let n = Dim::constant(m.into());
                let bs = self.expr(&Ty::array(Base::Bool, vec![n]), label, d);
                call("pack", vec![bs])
            }
            _ => self.choice(ty, label, depth)?,
        })
    }

    /// `max`, `min`, `abs`, `sign`, `clamp` of numbers.
    pub(super) fn function_of_two(&mut self, ty: &Ty, label: Label, depth: u32) -> Expr {
        match self.draw.below(5) {
            0 | 1 => {
                let (a, b) = self.pair(ty, label, depth);
                let name = *self.draw.of(&["max", "min"]);
                call(name, vec![a, b])
            }
            2 => call("abs", vec![self.expr(ty, label, depth - 1)]),
            3 if ty.base == Base::Int => {
                let base = *self.draw.of(&[Base::Int, Base::Fix]);
                let of = Ty { base, ..ty.clone() };
                call("sign", vec![self.expr(&of, label, depth - 1)])
            }
            _ => {
                let x = self.expr(ty, label, depth - 1);
                let (lo, hi) = match ty.base {
                    Base::Int => (Expr::Int(-3), Expr::Int(6)),
                    _ => (Expr::Fix("-1.5".into()), Expr::Fix("2.0".into())),
                };
                call("clamp", vec![x, lo, hi])
            }
        }
    }
}
