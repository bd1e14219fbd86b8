//! Expressions without operators: names, elements, literals.

use super::super::ast::{At, Base, Bin, Dim, Expr, Over, Ty};
use super::{Form, Generator, Known, Label};

impl Generator {
    pub(super) fn int_literal(&mut self) -> Expr {
        let v = match self.draw.below(10) {
            0 => self.draw.range(-1000, 1000),
            1 => 0,
            _ => self.draw.range(-5, 9),
        };
        Expr::Int(v.into())
    }

    pub(super) fn fix_literal(&mut self) -> Expr {
        let text = match self.draw.below(8) {
            0 => format!("0.{}", self.draw.range(1, 99_999)),
            1 => format!("-{}.{}", self.draw.below(4), self.draw.range(1, 9)),
            2 => format!("{}.0", self.draw.range(0, 100)),
            _ => {
                let v = self.draw.range(-32, 64);
                let text = format!("{}", v as f64 / 8.0);
                if text.contains('.') {
                    text
                } else {
                    format!("{text}.0")
                }
            }
        };
        Expr::Fix(text)
    }

    /// A public value of a type.
    pub(super) fn literal(&mut self, ty: &Ty) -> Expr {
        if let Some((first, rest)) = ty.dims.split_first() {
            let inner = Ty::array(ty.base, rest.to_vec());
            if let (Some(n), true) = (first.as_constant(), self.draw.percent(60)) {
                return Expr::List((0..n).map(|_| self.literal(&inner)).collect());
            }
            let dims: Vec<Expr> = ty.dims.iter().map(|d| self.size_expr(d)).collect();
            if ty.base == Base::Int && self.draw.percent(30) {
                let name = if self.draw.percent(50) {
                    "zeros"
                } else {
                    "ones"
                };
                return Expr::Call(name.into(), dims);
            }
            if ty.base == Base::Int && rest.is_empty() && self.draw.percent(40) {
                return Expr::Call("iota".into(), dims);
            }
            let item = self.literal(&inner);
            return Expr::Fill(Box::new(item), first.clone());
        }
        match ty.base {
            Base::Int => self.int_literal(),
            Base::Fix => self.fix_literal(),
            Base::Bool => Expr::Bool(self.draw.percent(50)),
            Base::Bits(m) => {
                let bits = self.draw.bits() >> (64 - u32::from(m.min(31)));
                Expr::BitsLiteral(m, bits)
            }
            Base::Text(_) => {
                // A literal has a width only beside something that has one.
                let words = ["apple", "pear", "a", "fig"];
                let word = (*self.draw.of(&words)).to_owned();
                Expr::Text(word)
            }
        }
    }

    /// A name, an element or a literal of a type.
    pub(super) fn leaf(&mut self, ty: &Ty, label: Label) -> Expr {
        let known: Vec<Known> = self.known().cloned().collect();
        let mut found: Vec<(Expr, bool)> = vec![];
        for known in &known {
            self.reads(known, ty, label, &mut found);
        }
        let own: Vec<Expr> = found.iter().filter(|f| f.1).map(|f| f.0.clone()).collect();
        if !own.is_empty() && self.draw.percent(88) {
            return self.draw.of(&own).clone();
        }
        if matches!(label, Label::Secret | Label::Any | Label::Owned(_))
            && self.draw.percent(85)
            && let Some(e) = self.derived(ty, label)
        {
            return e;
        }
        if !found.is_empty() && (self.draw.percent(60) || matches!(ty.base, Base::Text(_))) {
            return self.draw.of(&found).0.clone();
        }
        if matches!(ty.base, Base::Text(_)) {
            // A cast gives it a width.
            let text = self.literal(&Ty::scalar(ty.base));
            let text = Expr::Cast(Box::new(text), ty.base);
            return ty
                .dims
                .iter()
                .rev()
                .fold(text, |item, d| Expr::Fill(Box::new(item), d.clone()));
        }
        self.literal(ty)
    }

    /// A value of this type computed from one of another type that has the label.
    fn derived(&mut self, ty: &Ty, label: Label) -> Option<Expr> {
        if !ty.dims.is_empty() {
            let mut over = vec![];
            self.scopes.push(vec![]);
            for dim in &ty.dims {
                let name = self.fresh("i");
                self.declare(Known {
                    name: name.clone(),
                    form: Form::Tensor(Ty::scalar(Base::Int)),
                    label: Label::Public,
                    mutable: false,
                    index: Some((Dim::default(), dim.clone())),
                    learnt: false,
                });
                let (from, to) = (Dim::default(), dim.clone());
                over.push(Over { name, from, to });
            }
            let body = self.derived(&Ty::scalar(ty.base), label);
            self.scopes.pop();
            return Some(Expr::Comp {
                sum: false,
                body: Box::new(body?),
                over,
            });
        }
        let from: &[Base] = match ty.base {
            Base::Text(_) => return None,
            Base::Int | Base::Bool | Base::Bits(_) => &[
                Base::Int,
                Base::Bool,
                Base::Fix,
                Base::Bits(4),
                Base::Bits(8),
                Base::Bits(16),
                Base::Bits(64),
            ],
            Base::Fix => &[Base::Fix, Base::Int, Base::Bool],
        };
        let known: Vec<Known> = self.known().cloned().collect();
        let mut found = vec![];
        for base in from {
            let mut reads = vec![];
            for known in &known {
                self.reads(known, &Ty::scalar(*base), label, &mut reads);
            }
            found.extend(reads.into_iter().filter(|r| r.1).map(|r| (r.0, *base)));
        }
        if found.is_empty() {
            return None;
        }
        let (e, base) = self.draw.of(&found).clone();
        let e = Box::new(e);
        Some(match (base, ty.base) {
            (a, b) if a == b => *e,
            (Base::Fix, Base::Bool) => Expr::Bin(Bin::Lt, e, Box::new(self.fix_literal())),
            (Base::Int, Base::Bool) => Expr::Bin(Bin::Lt, e, Box::new(self.int_literal())),
            (Base::Fix, Base::Int) if self.draw.percent(50) => Expr::Call("raw".into(), vec![*e]),
            (_, to) => Expr::Cast(e, to),
        })
    }

    /// How a name gives a value of a type, if it does; and whether it has the label itself.
    fn reads(&mut self, known: &Known, ty: &Ty, label: Label, out: &mut Vec<(Expr, bool)>) {
        let share = label == Label::Secret && matches!(known.label, Label::Owned(_));
        if !known.label.fits(label) && !share {
            return;
        }
        let own = known.label == label || share;
        let name = || Expr::Var(known.name.clone());
        match &known.form {
            Form::Tensor(has) => {
                if let Some(e) = self.part(name(), has, ty) {
                    out.push((shared(e, share, self.draw.percent(50)), own));
                }
            }
            Form::Tuple(parts) => {
                for (at, has) in parts.iter().enumerate() {
                    if let Some(e) = self.part(Expr::Field(Box::new(name()), at), has, ty) {
                        out.push((shared(e, share, false), own));
                    }
                }
            }
            Form::Table(at, dims) => {
                for (field, base) in self.script.structs[*at].1.clone() {
                    let column = Ty::array(base, dims.clone());
                    let member = Expr::Member(Box::new(name()), field.clone());
                    if dims.len() == 1 && ty.dims.is_empty() && self.draw.percent(50) {
                        if base != ty.base {
                            continue;
                        }
                        if let Some(i) = self.place(&dims[0]) {
                            let row = Expr::Index(Box::new(name()), vec![At::One(i)]);
                            let e = Expr::Member(Box::new(row), field);
                            out.push((shared(e, share, false), own));
                        }
                    } else if let Some(e) = self.part(member, &column, ty) {
                        out.push((shared(e, share, false), own));
                    }
                }
            }
            Form::Family(has, parties) => {
                if label != Label::Secret || has.base != ty.base {
                    return;
                }
                let family = |function: &str| Expr::Family {
                    function: function.into(),
                    values: known.name.clone(),
                    parties: parties.clone(),
                };
                if has.dims == ty.dims {
                    out.push((family("sum"), true));
                }
            }
        }
    }

    /// A part of this value with the type, if there is one.
    fn part(&mut self, whole: Expr, has: &Ty, ty: &Ty) -> Option<Expr> {
        if has.base != ty.base {
            return None;
        }
        let extra = has.dims.len().checked_sub(ty.dims.len())?;
        if has.dims[extra..] != ty.dims {
            if extra == 0 && ty.dims.len() == 1 {
                return self.slice(whole, &has.dims[0], &ty.dims[0]);
            }
            // A column of a matrix.
            if extra == 1 && ty.dims.len() == 1 && has.dims[0] == ty.dims[0] {
                let j = self.place(&has.dims[1])?;
                let all = At::Range(Expr::Int(0), self.size_expr(&has.dims[0]));
                return Some(Expr::Index(Box::new(whole), vec![all, At::One(j)]));
            }
            return None;
        }
        if extra == 0 {
            return Some(whole);
        }
        let at = has.dims[..extra]
            .iter()
            .map(|d| Some(At::One(self.place(d)?)))
            .collect::<Option<Vec<_>>>()?;
        Some(Expr::Index(Box::new(whole), at))
    }

    /// `whole[a..b]` of the wanted length.
    fn slice(&mut self, whole: Expr, has: &Dim, wanted: &Dim) -> Option<Expr> {
        let room = has.plus(wanted, -1).as_constant().filter(|r| *r > 0)?;
        let from = Dim::constant(self.draw.range(0, room));
        let to = from.plus(wanted, 1);
        let at = At::Range(self.size_expr(&from), self.size_expr(&to));
        Some(Expr::Index(Box::new(whole), vec![at]))
    }

    /// A place certainly within a dimension.
    pub(super) fn place(&mut self, dim: &Dim) -> Option<Expr> {
        let mut found = vec![];
        for known in self.known() {
            if let Some((from, to)) = &known.index {
                // i + c stays inside if the range ends c before the dimension.
                let Some(room) = dim.plus(to, -1).as_constant() else {
                    continue;
                };
                let start = from.as_constant();
                if room == 0 {
                    found.push(Expr::Var(known.name.clone()));
                } else if room > 0 || start.is_some_and(|s| s + room >= 0) {
                    found.push(Expr::Size(
                        Dim::name(&known.name).plus(&Dim::constant(room), 1),
                    ));
                }
            }
        }
        if !found.is_empty() && self.draw.percent(85) {
            return Some(self.draw.of(&found).clone());
        }
        let learnt: Vec<String> = self
            .known()
            .filter(|k| k.learnt && k.form == Form::Tensor(Ty::scalar(Base::Int)))
            .map(|k| k.name.clone())
            .collect();
        if !learnt.is_empty() && self.draw.percent(30) {
            let v = Expr::Var(self.draw.of(&learnt).clone());
            return Some(Expr::Bin(
                Bin::Rem,
                Box::new(v),
                Box::new(self.size_expr(dim)),
            ));
        }
        if let Some(n) = dim.as_constant() {
            return Some(Expr::Int(self.draw.range(0, n - 1).into()));
        }
        if self.draw.percent(50) {
            return Some(Expr::Int(0));
        }
        let last = dim.plus(&Dim::constant(1), -1);
        Some(self.size_expr(&last))
    }
}

/// Shared as a whole or where it is read.
fn shared(e: Expr, share: bool, whole: bool) -> Expr {
    if !share {
        return e;
    }
    if whole {
        return sharing(e);
    }
    Expr::Share(Box::new(e))
}

/// Puts `share` before the name that the expression reads.
fn sharing(e: Expr) -> Expr {
    match e {
        Expr::Index(base, at) => Expr::Index(Box::new(sharing(*base)), at),
        Expr::Member(base, field) => Expr::Member(Box::new(sharing(*base)), field),
        Expr::Field(base, at) => Expr::Field(Box::new(sharing(*base)), at),
        other => Expr::Share(Box::new(other)),
    }
}
