//! Element-wise operations and conversions between element types.

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, Span, UnaryOp};
use smpc_ir::local::{Local, Prim};
use smpc_ir::share::{Label, Type};
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::value::{Axis, Leaf, Src, Val};

/// Fraction bits of `fix`.
pub(crate) const FRACTION: u8 = 16;
/// `fix` without a number.
pub(crate) const FIX: Type = Type::Fix(FRACTION);
/// `bool`.
pub(crate) const BOOL: Type = Type::Bits(1);

/// A type as the user writes it.
pub(crate) fn type_name(ty: Type) -> String {
    match ty {
        Type::Int => "int".into(),
        Type::Bits(1) => "bool".into(),
        Type::Bits(m) => format!("bits<{m}>"),
        Type::Fix(FRACTION) => "fix".into(),
        Type::Fix(f) => format!("fix<{f}>"),
    }
}

/// The type two operands are brought to.
pub(crate) fn common(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        _ if a == b => Some(a),
        (Type::Fix(f), Type::Fix(g)) => Some(Type::Fix(f.max(g))),
        (Type::Int, Type::Fix(f)) | (Type::Fix(f), Type::Int) => Some(Type::Fix(f)),
        _ => None,
    }
}

impl Elab<'_> {
    /// Applies an operation element by element after broadcasting.
    pub fn prim(&mut self, prim: Prim, args: &[&Leaf], ty: Type, span: Span) -> Option<Leaf> {
        let label = self.join(args, span)?;
        let (axes, dims) = self.broadcast(args, span)?;
        let values = args
            .iter()
            .map(|leaf| self.aligned(leaf, &axes, dims.len(), span))
            .collect();
        let mut shape = self.extents(&axes);
        shape.extend(dims.iter().cloned());
        let value = self.local(Local::Prim(prim), values, (ty, shape, label), span);
        let origin = if label == Label::Secret {
            Self::origin_of(args)
        } else {
            None
        };
        Some(Leaf {
            src: Src::Ir(value),
            ty,
            axes,
            dims,
            label,
            origin,
        })
    }

    /// The axes and dimensions of an element-wise result.
    pub fn broadcast(&mut self, args: &[&Leaf], span: Span) -> Option<(Vec<Axis>, Vec<Size>)> {
        let mut axes: Vec<Axis> = args.iter().flat_map(|l| l.axes.iter().copied()).collect();
        axes.sort();
        axes.dedup();
        let mut dims: Vec<Size> = vec![];
        for leaf in args.iter().filter(|l| !l.dims.is_empty()) {
            if dims.is_empty() {
                dims.clone_from(&leaf.dims);
                continue;
            }
            if dims.len() != leaf.dims.len() {
                self.error_help(
                    "T01",
                    span,
                    format!(
                        "a tensor of {} dimensions meets one of {}",
                        dims.len(),
                        leaf.dims.len()
                    ),
                    "write a comprehension that says which index goes with which",
                );
                return None;
            }
            for (dim, other) in dims.iter_mut().zip(&leaf.dims) {
                *dim = self.unify(dim, other, span)?;
            }
        }
        Some((axes, dims))
    }

    /// `l op r` for any values.
    pub fn binary(&mut self, op: BinaryOp, l: &Val, r: &Val, span: Span) -> Val {
        if l.is_unknown() || r.is_unknown() {
            return Val::Unknown;
        }
        match (l, r) {
            (Val::Leaf(a), Val::Leaf(b)) => self
                .leaf_binary(op, a, b, span)
                .map_or(Val::Unknown, Val::Leaf),
            (Val::Text(text), Val::Leaf(b)) => match self.text_as(text, b.ty, span) {
                Some(a) => self.binary(op, &Val::Leaf(a), r, span),
                None => Val::Unknown,
            },
            (Val::Leaf(a), Val::Text(text)) => match self.text_as(text, a.ty, span) {
                Some(b) => self.binary(op, l, &Val::Leaf(b), span),
                None => Val::Unknown,
            },
            (Val::Tuple(a), Val::Tuple(b)) if a.len() == b.len() => {
                if matches!(op, BinaryOp::Eq | BinaryOp::Ne) {
                    let mut all: Option<Val> = None;
                    for (x, y) in a.iter().zip(b) {
                        let same = self.binary(BinaryOp::Eq, x, y, span);
                        all = Some(match all {
                            Some(before) => self.binary(BinaryOp::And, &before, &same, span),
                            None => same,
                        });
                    }
                    let all = all.unwrap_or(Val::Unknown);
                    return if op == BinaryOp::Ne {
                        self.unary(UnaryOp::Not, &all, span)
                    } else {
                        all
                    };
                }
                let items = a
                    .iter()
                    .zip(b)
                    .map(|(x, y)| self.binary(op, x, y, span))
                    .collect();
                Val::Tuple(items)
            }
            (Val::Struct(d, a), Val::Struct(e, b)) if d.name == e.name => {
                let items = a
                    .iter()
                    .zip(b)
                    .map(|(x, y)| self.binary(op, x, y, span))
                    .collect();
                Val::Struct(d.clone(), items)
            }
            (Val::Tuple(a), Val::Leaf(_)) => {
                Val::Tuple(a.iter().map(|x| self.binary(op, x, r, span)).collect())
            }
            (Val::Leaf(_), Val::Tuple(b)) => {
                Val::Tuple(b.iter().map(|y| self.binary(op, l, y, span)).collect())
            }
            _ => {
                let message = format!("{} and {} do not go together", l.kind(), r.kind());
                self.error("T01", span, message);
                Val::Unknown
            }
        }
    }

    fn leaf_binary(&mut self, op: BinaryOp, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        use BinaryOp as B;
        // An int literal that meets bits is bits.
        let bitwise = !matches!(op, B::Shl | B::Shr | B::LogicalShr);
        if let (true, Type::Bits(m @ 2..), Some(v), Type::Int) =
            (bitwise, l.ty, r.as_constant(), r.ty)
            && v >= 0
            && (m >= 127 || v < 1 << m)
        {
            return self.leaf_binary(op, l, &Leaf::literal(v, l.ty), span);
        }
        if let (true, Type::Bits(m @ 2..), Some(v), Type::Int) =
            (bitwise, r.ty, l.as_constant(), l.ty)
            && v >= 0
            && (m >= 127 || v < 1 << m)
        {
            return self.leaf_binary(op, &Leaf::literal(v, r.ty), r, span);
        }
        match op {
            B::Add | B::Sub => self.sum_of(op, l, r, span),
            B::Mul => self.product(l, r, span),
            B::Div => self.quotient(l, r, span),
            B::Rem => {
                if let (Some(a), Some(b)) = (l.as_size(), r.as_size())
                    && b.as_constant() != Some(0)
                {
                    return Some(Leaf::size(a.modulo(b)));
                }
                if l.ty != Type::Int || r.ty != Type::Int {
                    self.error("T01", span, "`%` takes two ints");
                    return None;
                }
                self.clear_only(&[l, r], "`%`", span)?;
                self.prim(Prim::Rem, &[l, r], Type::Int, span)
            }
            // Between bits it is the exclusive or.
            B::Pow if l.ty == r.ty && matches!(l.ty, Type::Bits(_)) => {
                if let (Some(a), Some(b)) = (l.as_constant(), r.as_constant()) {
                    return Some(Leaf::literal(a ^ b, l.ty));
                }
                self.prim(Prim::Add, &[l, r], l.ty, span)
            }
            B::Pow => self.power(l, r, span),
            B::MatMul => self.matmul(l, r, span),
            B::Eq => self.equal(l, r, span),
            B::Ne => {
                let same = self.equal(l, r, span)?;
                self.not(&same, span)
            }
            B::Lt => self.less(l, r, span),
            B::Gt => self.less(r, l, span),
            B::Le => {
                let more = self.less(r, l, span)?;
                self.not(&more, span)
            }
            B::Ge => {
                let less = self.less(l, r, span)?;
                self.not(&less, span)
            }
            B::And | B::BitAnd | B::Or | B::BitOr => {
                if l.ty != r.ty || !matches!(l.ty, Type::Bits(_)) {
                    let (a, b) = (type_name(l.ty), type_name(r.ty));
                    self.error(
                        "T01",
                        span,
                        format!("this takes two bools or bits, not {a} and {b}"),
                    );
                    return None;
                }
                let or = matches!(op, B::Or | B::BitOr);
                if l.ty == BOOL {
                    for (a, b) in [(l, r), (r, l)] {
                        match (a.as_constant(), or) {
                            (Some(0), true) | (Some(1), false) => return Some(b.clone()),
                            (Some(_), _) if a.is_scalar() && b.is_scalar() => {
                                return Some(a.clone());
                            }
                            _ => {}
                        }
                    }
                }
                let product = self.prim(Prim::Mul, &[l, r], l.ty, span)?;
                if !or {
                    return Some(self.noted_joined(product, false, l, r));
                }
                let sum = self.prim(Prim::Add, &[l, r], l.ty, span)?;
                let either = self.prim(Prim::Add, &[&sum, &product], l.ty, span)?;
                Some(self.noted_joined(either, true, l, r))
            }
            B::Shl | B::Shr | B::LogicalShr => {
                if r.label != Label::Public || r.ty != Type::Int {
                    self.error("T01", span, "a shift takes a public int as its amount");
                    return None;
                }
                if let (Some(a), Some(b)) = (l.as_constant(), r.as_constant())
                    && l.ty == Type::Int
                    && op == B::Shl
                    && (0..64).contains(&b)
                    && let Some(v) = a.checked_mul(1 << b)
                {
                    return Some(Leaf::literal(v, Type::Int));
                }
                let prim = match op {
                    B::Shl => Prim::Shl,
                    B::Shr => Prim::Shr,
                    _ => Prim::ShrLogical,
                };
                match l.ty {
                    Type::Bits(_) => {}
                    Type::Int => self.clear_only(&[l], "a shift of an int", span)?,
                    Type::Fix(_) => {
                        self.error("T01", span, "fixed point is scaled by `*`, not shifted");
                        return None;
                    }
                }
                self.prim(prim, &[l, r], l.ty, span)
            }
            B::In => {
                self.error("U01", span, "`in` is not executable in scripts");
                None
            }
        }
    }

    /// Refuses secrets where only clear values have the operation.
    pub fn clear_only(&mut self, args: &[&Leaf], what: &str, span: Span) -> Option<()> {
        let Some(secret) = args.iter().find(|l| l.label == Label::Secret) else {
            return Some(());
        };
        let diagnostic = Diagnostic::new(
            "K19",
            format!("{what} takes clear values, and this is secret"),
            span,
        )
        .help("convert to bits (`as bits<64>`), or reveal what may be known");
        let diagnostic = self.with_path(diagnostic, secret);
        self.report(diagnostic);
        None
    }

    fn sum_of(&mut self, op: BinaryOp, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        let add = op == BinaryOp::Add;
        match (&l.src, &r.src) {
            (Src::Size(a), Src::Size(b)) => {
                return Some(Leaf::size(if add { a + b } else { a - b }));
            }
            (Src::Index(axis, offset), Src::Size(b)) => {
                let offset = if add { offset + b } else { offset - b };
                return Some(Leaf {
                    src: Src::Index(*axis, offset),
                    ..l.clone()
                });
            }
            (Src::Size(a), Src::Index(axis, offset)) if add => {
                return Some(Leaf {
                    src: Src::Index(*axis, offset + a),
                    ..r.clone()
                });
            }
            _ => {}
        }
        let (l, r) = self.pair(l, r, span)?;
        if l.ty == BOOL {
            self.error_help(
                "T01",
                span,
                "bools are not added",
                "write `!=` for exclusive or, or `as int`",
            );
            return None;
        }
        if let (Src::Literal(a), Src::Literal(b), Type::Fix(_)) = (&l.src, &r.src, l.ty)
            && let Some(v) = if add {
                a.checked_add(*b)
            } else {
                a.checked_sub(*b)
            }
        {
            return Some(Leaf::literal(v, l.ty));
        }
        let prim = if add { Prim::Add } else { Prim::Sub };
        self.prim(prim, &[&l, &r], l.ty, span)
    }

    fn product(&mut self, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        if let (Some(a), Some(b)) = (l.as_size(), r.as_size()) {
            return Some(Leaf::size(a * b));
        }
        let number = |t: Type| !matches!(t, Type::Bits(_));
        if !number(l.ty) || !number(r.ty) {
            let (a, b) = (type_name(l.ty), type_name(r.ty));
            self.error_help(
                "T01",
                span,
                format!("{a} times {b}"),
                "numbers are multiplied; bits take `&`",
            );
            return None;
        }
        let ty = common(l.ty, r.ty)?;
        if l.label == Label::Secret || r.label == Label::Secret {
            return self.prim(Prim::Mul, &[l, r], ty, span);
        }
        let (l, r) = self.pair(l, r, span)?;
        self.prim(Prim::Mul, &[&l, &r], ty, span)
    }

    fn quotient(&mut self, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        if let (Some(a), Some(b)) = (l.as_size(), r.as_size()) {
            if b.as_constant() == Some(0) {
                self.error("T01", span, "division by zero");
                return None;
            }
            if b.as_constant().is_none_or(|b| b > 0) {
                return Some(Leaf::size(a.div(b)));
            }
        }
        let number = |t: Type| !matches!(t, Type::Bits(_));
        if !number(l.ty) || !number(r.ty) {
            self.error("T01", span, "`/` takes numbers");
            return None;
        }
        let secret = |x: &Leaf| x.label == Label::Secret;
        if secret(r) {
            self.join(&[l, r], span)?;
            let ty = match common(l.ty, r.ty) {
                Some(Type::Fix(f)) => Type::Fix(f),
                _ => FIX,
            };
            let args = [
                Val::Leaf(self.cast(l, ty, span)?),
                Val::Leaf(self.cast(r, ty, span)?),
            ];
            return match self.call_prelude("div_secret", &args, span) {
                Val::Leaf(leaf) => Some(leaf),
                _ => None,
            };
        }
        if secret(l) {
            self.join(&[l, r], span)?;
            let ty = match common(l.ty, r.ty) {
                Some(Type::Fix(f)) => Type::Fix(f),
                _ => FIX,
            };
            let one = Leaf::literal(1 << 64, ty);
            let divisor = self.cast(r, ty, span)?;
            let inverse = self.prim(Prim::Div, &[&one, &divisor], ty, span)?;
            return self.product(l, &inverse, span);
        }
        let (l, r) = self.pair(l, r, span)?;
        self.prim(Prim::Div, &[&l, &r], l.ty, span)
    }

    fn power(&mut self, l: &Leaf, r: &Leaf, span: Span) -> Option<Leaf> {
        let exponent = match r.as_constant() {
            Some(e) if r.ty == Type::Int && (0..=64).contains(&e) => e as u32,
            _ => {
                self.error_help(
                    "T01",
                    span,
                    "the exponent of `^` is a constant from 0 to 64",
                    "write `exp(k * ln(x))` for other powers",
                );
                return None;
            }
        };
        if exponent == 0 {
            return Some(Leaf::literal(1, Type::Int));
        }
        let mut result: Option<Leaf> = None;
        let mut square = l.clone();
        let mut left = exponent;
        loop {
            if left & 1 == 1 {
                result = Some(match result {
                    Some(so_far) => self.product(&so_far, &square, span)?,
                    None => square.clone(),
                });
            }
            left >>= 1;
            if left == 0 {
                return result;
            }
            square = self.product(&square.clone(), &square, span)?;
        }
    }

    pub fn not(&mut self, leaf: &Leaf, span: Span) -> Option<Leaf> {
        if !matches!(leaf.ty, Type::Bits(_)) {
            let message = format!("`!` takes a bool, not {}", type_name(leaf.ty));
            self.error("T01", span, message);
            return None;
        }
        if let (Some(v), BOOL) = (leaf.as_constant(), leaf.ty) {
            return Some(Leaf::literal(1 - v, BOOL));
        }
        let contrary = self.prim(Prim::Not, &[leaf], leaf.ty, span)?;
        Some(self.noted_contrary(contrary, leaf))
    }

    pub fn bits_call(&mut self, name: &str, l: Leaf, r: Leaf, span: Span) -> Option<Leaf> {
        match self.call_prelude(name, &[Val::Leaf(l), Val::Leaf(r)], span) {
            Val::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    pub fn unary(&mut self, op: UnaryOp, val: &Val, span: Span) -> Val {
        match val {
            Val::Leaf(leaf) => {
                let result = match op {
                    UnaryOp::Neg => self.negated(leaf, span),
                    UnaryOp::Not | UnaryOp::Complement => self.not(leaf, span),
                };
                result.map_or(Val::Unknown, Val::Leaf)
            }
            Val::Tuple(items) => {
                Val::Tuple(items.iter().map(|i| self.unary(op, i, span)).collect())
            }
            Val::Struct(def, items) => Val::Struct(
                def.clone(),
                items.iter().map(|i| self.unary(op, i, span)).collect(),
            ),
            Val::Unknown => Val::Unknown,
            other => {
                let message = format!("{} has no sign and no complement", other.kind());
                self.error("T01", span, message);
                Val::Unknown
            }
        }
    }

    fn negated(&mut self, leaf: &Leaf, span: Span) -> Option<Leaf> {
        match &leaf.src {
            Src::Size(size) => return Some(Leaf::size(-size)),
            Src::Literal(v) if matches!(leaf.ty, Type::Fix(_)) => {
                return Some(Leaf::literal(v.checked_neg()?, leaf.ty));
            }
            _ => {}
        }
        if matches!(leaf.ty, Type::Bits(_)) {
            self.error_help(
                "T01",
                span,
                "bits have no sign",
                "write `!` for the complement",
            );
            return None;
        }
        self.prim(Prim::Neg, &[leaf], leaf.ty, span)
    }

    /// `if c { a } else { b }` element by element.
    pub fn select(&mut self, c: &Leaf, a: &Val, b: &Val, span: Span) -> Val {
        match (a, b) {
            (Val::Leaf(x), Val::Leaf(y)) => {
                let Some((x, y)) = self.pair(x, y, span) else {
                    return Val::Unknown;
                };
                if x.src == y.src {
                    return Val::Leaf(x);
                }
                let ty = x.ty;
                self.prim(Prim::Select, &[c, &x, &y], ty, span)
                    .map_or(Val::Unknown, Val::Leaf)
            }
            (Val::Tuple(x), Val::Tuple(y)) if x.len() == y.len() => Val::Tuple(
                x.iter()
                    .zip(y)
                    .map(|(x, y)| self.select(c, x, y, span))
                    .collect(),
            ),
            (Val::Struct(d, x), Val::Struct(e, y)) if d.name == e.name => {
                let items = x
                    .iter()
                    .zip(y)
                    .map(|(x, y)| self.select(c, x, y, span))
                    .collect();
                Val::Struct(d.clone(), items)
            }
            (Val::Text(t), Val::Leaf(y)) => match self.text_as(t, y.ty, span) {
                Some(x) => self.select(c, &Val::Leaf(x), b, span),
                None => Val::Unknown,
            },
            (Val::Leaf(x), Val::Text(t)) => match self.text_as(t, x.ty, span) {
                Some(y) => self.select(c, a, &Val::Leaf(y), span),
                None => Val::Unknown,
            },
            (Val::Unit, Val::Unit) => Val::Unit,
            (Val::Unknown, _) | (_, Val::Unknown) => Val::Unknown,
            _ => {
                let message = format!("one arm is {}, the other {}", a.kind(), b.kind());
                self.error("T01", span, message);
                Val::Unknown
            }
        }
    }
}
