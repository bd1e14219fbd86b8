//! Functions known to the compiler, because their types or costs have no form in the language.

use smpc_grammar::ast::{Arg, BinaryOp, ExprKind, Span};
use smpc_ir::local::{Local, Prim};
use smpc_ir::share::{Label, Type};
use smpc_ir::size::Size;

use crate::build::Elab;
use crate::call::Args;
use crate::comprehension::Generated;
use crate::ops::{BOOL, FIX, FRACTION};
use crate::value::{Leaf, Src, Val};

/// Every intrinsic, for suggestions.
pub(crate) const NAMES: &[&str] = &[
    "sum",
    "dot",
    "concat",
    "zeros",
    "ones",
    "len",
    "reduce",
    "scan",
    "shuffle",
    "sqrt",
    "exp",
    "ln",
    "raw",
    "from_raw",
    "fraction_bits",
    "is_secret",
    "ring_bits",
    "ordered_bits",
    "unpack",
    "pack",
    "log2_ceil",
    "scatter",
    "transpose",
    "reshape",
    "floor",
    "xor",
    "assert",
];

impl Elab<'_> {
    /// The value of a call of an intrinsic; `None` if there is none of this name and shape.
    pub fn intrinsic(&mut self, name: &str, args: &[Arg], span: Span) -> Option<Val> {
        match name {
            "sum" => Some(self.sum_call(args, span)),
            "concat" => Some(self.concat_call(args, span)),
            "reduce" | "scan" => Some(self.tree(name == "scan", args, span)),
            "min" | "max" => self.size_bound(name == "min", args, span),
            "assert" => Some(self.assert_call(args, span)),
            "expect" if self.in_test() => Some(self.expect(args, span)),
            "sort"
                if args
                    .iter()
                    .any(|a| a.name.as_ref().is_some_and(|n| n.name == "by")) =>
            {
                Some(self.sort_by(args, span))
            }
            _ if NAMES.contains(&name) => {
                if matches!(name, "sqrt" | "exp" | "ln") && args.iter().any(|a| a.name.is_some()) {
                    return None;
                }
                let Some(args) = self.args(args) else {
                    return Some(Val::Unknown);
                };
                if let Some((named, _, at)) = args.named.first() {
                    let message = format!("`{name}` has no parameter `{named}`");
                    self.error("T02", *at, message);
                    return Some(Val::Unknown);
                }
                Some(self.evaluated(name, &args, span).unwrap_or(Val::Unknown))
            }
            _ => None,
        }
    }

    fn arity(&mut self, name: &str, args: &Args, count: usize, span: Span) -> Option<()> {
        if args.positional.len() == count {
            return Some(());
        }
        let message = format!(
            "`{name}` takes {count} argument{}, not {}",
            if count == 1 { "" } else { "s" },
            args.positional.len()
        );
        self.error("T02", span, message);
        None
    }

    fn evaluated(&mut self, name: &str, args: &Args, span: Span) -> Option<Val> {
        let leaf = |this: &mut Self, at: usize| {
            let (val, span) = args.positional.get(at)?.clone();
            this.one_leaf(&val, &format!("`{name}`"), span)
        };
        Some(Val::Leaf(match name {
            "zeros" | "ones" => {
                let mut dims = vec![];
                for (val, at) in &args.positional {
                    match val {
                        Val::Leaf(l) if l.as_size().is_some() => dims.extend(l.as_size().cloned()),
                        Val::Leaf(l) => {
                            self.no_size(&l.clone(), *at);
                            return None;
                        }
                        _ => {
                            self.error("D02", *at, "a size is an int");
                            return None;
                        }
                    }
                }
                let value = i128::from(name == "ones");
                if dims.is_empty() {
                    return Some(Val::Leaf(Leaf::literal(value, Type::Int)));
                }
                Leaf::public(Src::Fill(value), Type::Int, dims)
            }
            "len" => {
                self.arity(name, args, 1, span)?;
                let val = &args.positional[0].0;
                if let Val::Family(family) = val {
                    return Some(Val::Leaf(Leaf::size(Size::from(
                        family.members.len() as i128
                    ))));
                }
                match val.leaves().first().and_then(|l| l.dims.first()) {
                    Some(dim) => Leaf::size(self.canon(dim)),
                    None => {
                        self.error("T01", span, "`len` takes a tensor");
                        return None;
                    }
                }
            }
            "dot" => {
                self.arity(name, args, 2, span)?;
                let (a, b) = (leaf(self, 0)?, leaf(self, 1)?);
                self.matmul(&a, &b, span)?
            }
            "shuffle" => return self.shuffle(args, span),
            "sqrt" | "exp" | "ln" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                if x.label == Label::Secret {
                    return Some(self.call_prelude(
                        &format!("{name}_secret"),
                        &[Val::Leaf(x)],
                        span,
                    ));
                }
                let ty = if let Type::Fix(_) = x.ty { x.ty } else { FIX };
                let x = self.coerce(&x, ty, span)?;
                let prim = match name {
                    "sqrt" => Prim::Sqrt,
                    "exp" => Prim::Exp,
                    _ => Prim::Ln,
                };
                self.prim(prim, &[&x], ty, span)?
            }
            "floor" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                self.cast(&x, Type::Int, span)?
            }
            "raw" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                self.raw(&x, span)?
            }
            "from_raw" => {
                let ty = match args.positional.as_slice() {
                    [_, (bits, at)] => Type::Fix(self.fraction(bits, *at)?),
                    _ => {
                        self.arity(name, args, 1, span)?;
                        FIX
                    }
                };
                let x = leaf(self, 0)?;
                self.of_raw(&x, ty, span)?
            }
            "fraction_bits" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                let bits = if let Type::Fix(f) = x.ty { f } else { FRACTION };
                Leaf::size(Size::from(i128::from(bits)))
            }
            "is_secret" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                Leaf::literal(i128::from(x.label == Label::Secret), BOOL)
            }
            "ring_bits" => {
                self.arity(name, args, 0, span)?;
                self.ring_bits(span)
            }
            "ordered_bits" => {
                self.arity(name, args, 2, span)?;
                let x = leaf(self, 0)?;
                let width = args.positional[1].0.clone();
                self.ordered_bits(&x, &width, span)?
            }
            "log2_ceil" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                match x.as_size() {
                    Some(size) => Leaf::size(size.log2_ceil()),
                    None => {
                        self.no_size(&x, span);
                        return None;
                    }
                }
            }
            "xor" => {
                self.arity(name, args, 2, span)?;
                let (a, b) = (leaf(self, 0)?, leaf(self, 1)?);
                let a = self.coerce(&a, b.ty, span)?;
                self.prim(Prim::Add, &[&a, &b], b.ty, span)?
            }
            "unpack" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                let Type::Bits(m) = x.ty else {
                    self.error_help(
                        "T01",
                        span,
                        "`unpack` takes bits",
                        "convert with `as bits<64>`",
                    );
                    return None;
                };
                let value = self.value(&x, span);
                let mut dims = x.dims.clone();
                dims.push(Size::from(i128::from(m)));
                let out = Leaf {
                    dims,
                    ty: BOOL,
                    ..x
                };
                let info = (BOOL, self.shape(&out), out.label);
                let value = self.local(Local::Unpack, vec![value], info, span);
                self.leaf(value, &out)
            }
            "pack" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                let width = x
                    .dims
                    .last()
                    .and_then(|d| self.canon(d).as_constant())
                    .filter(|m| (1..=128).contains(m));
                let (BOOL, Some(width)) = (x.ty, width) else {
                    self.error("T01", span, "`pack` takes 1 to 128 bools");
                    return None;
                };
                let value = self.value(&x, span);
                let mut dims = x.dims.clone();
                dims.pop();
                let out = Leaf {
                    dims,
                    ty: Type::Bits(width as u8),
                    ..x
                };
                let info = (out.ty, self.shape(&out), out.label);
                let value = self.local(Local::Pack, vec![value], info, span);
                self.leaf(value, &out)
            }
            "transpose" => {
                self.arity(name, args, 1, span)?;
                let x = leaf(self, 0)?;
                self.transpose(&x, span)?
            }
            "reshape" => {
                let x = leaf(self, 0)?;
                let mut dims = vec![];
                for (val, at) in &args.positional[1..] {
                    match val {
                        Val::Leaf(l) if l.as_size().is_some() => dims.extend(l.as_size().cloned()),
                        _ => {
                            self.error("D02", *at, "a dimension is a size");
                            return None;
                        }
                    }
                }
                let count = |dims: &[Size]| dims.iter().fold(Size::one(), |p, d| &p * d);
                self.unify(&count(&x.dims), &count(&dims), span)?;
                let value = self.value(&x, span);
                let out = Leaf { dims, ..x };
                let shape = self.shape(&out);
                let value = self.reshaped(value, shape, span);
                self.leaf(value, &out)
            }
            "scatter" => {
                self.arity(name, args, 3, span)?;
                let (x, p, v) = (leaf(self, 0)?, leaf(self, 1)?, leaf(self, 2)?);
                if p.label != Label::Public || p.ty != Type::Int || p.dims.len() != 1 {
                    self.error(
                        "K12",
                        args.positional[1].1,
                        "the positions of `scatter` are a public array of ints",
                    );
                    return None;
                }
                let ty = crate::ops::common(x.ty, v.ty).unwrap_or(x.ty);
                let (x, v) = (self.coerce(&x, ty, span)?, self.coerce(&v, ty, span)?);
                let mut wanted = vec![p.dims[0].clone()];
                wanted.extend(x.dims.iter().skip(1).cloned());
                if v.dims.len() != wanted.len() {
                    self.error("T01", span, "`scatter` takes one row per position");
                    return None;
                }
                for (a, b) in v.dims.clone().iter().zip(&wanted) {
                    self.unify(a, b, span)?;
                }
                self.scattered(&x, &v, &p, span)?
            }
            _ => return None,
        }))
    }

    /// A number of fraction bits: a constant from 1 to 62.
    fn fraction(&mut self, bits: &Val, span: Span) -> Option<u8> {
        let bits = match bits {
            Val::Leaf(leaf) => leaf.as_constant(),
            _ => None,
        };
        let bits = bits
            .filter(|b| (1..=62).contains(b))
            .and_then(|b| u8::try_from(b).ok());
        if bits.is_none() {
            self.error(
                "T01",
                span,
                "the number of fraction bits is a constant from 1 to 62",
            );
        }
        bits
    }

    fn sum_call(&mut self, args: &[Arg], span: Span) -> Val {
        let axis = args
            .iter()
            .find(|a| a.name.as_ref().is_some_and(|n| n.name == "axis"));
        let plain: Vec<&Arg> = args.iter().filter(|a| a.name.is_none()).collect();
        let [arg] = plain.as_slice() else {
            self.error("T02", span, "`sum` takes one argument");
            return Val::Unknown;
        };
        let (val, generated) = match &arg.comp {
            Some(comp) => match self.generated_list(&arg.value, comp) {
                Generated::List(items) => return self.added(items, span),
                Generated::Tensor(val) => (val, comp.iters.len()),
            },
            None => (self.expr(&arg.value), 1),
        };
        if let Val::Family(family) = &val {
            let items = family.members.values().cloned().collect();
            return self.added(items, span);
        }
        let mut at = 0;
        if let Some(axis) = axis {
            match self.expr(&axis.value) {
                Val::Leaf(leaf) if leaf.as_constant().is_some() => {
                    at = usize::try_from(leaf.as_constant().unwrap_or(0)).unwrap_or(usize::MAX);
                }
                _ => {
                    self.error("T01", axis.value.span, "`axis:` takes a constant");
                    return Val::Unknown;
                }
            }
        }
        if val.is_unknown() {
            return Val::Unknown;
        }
        let val_kind = val.kind();
        if val.leaves().is_empty()
            || val
                .leaves()
                .iter()
                .any(|l| l.dims.len() < generated || at >= l.dims.len())
        {
            let message = format!("`sum` takes a tensor with that axis, and this is {val_kind}");
            self.error("T01", arg.value.span, message);
            return Val::Unknown;
        }
        val.map(&mut |leaf| {
            let mut leaf = leaf.clone();
            for _ in 0..generated {
                leaf = self.sum(&leaf, at, span)?;
            }
            Some(leaf)
        })
    }

    fn added(&mut self, items: Vec<Val>, span: Span) -> Val {
        let mut items = items.into_iter();
        let Some(mut total) = items.next() else {
            return Val::Leaf(Leaf::size(Size::zero()));
        };
        for item in items {
            total = self.binary(BinaryOp::Add, &total, &item, span);
        }
        total
    }

    fn concat_call(&mut self, args: &[Arg], span: Span) -> Val {
        let mut parts = vec![];
        for arg in args {
            if let Some(name) = &arg.name {
                self.error("T02", name.span, "`concat` joins along the first axis");
                return Val::Unknown;
            }
            match &arg.comp {
                Some(comp) => match self.generated_list(&arg.value, comp) {
                    Generated::List(items) => parts.extend(items),
                    Generated::Tensor(val) => {
                        // Rows of rows: the first two axes become one.
                        let joined = val.map(&mut |leaf| {
                            let [n, m, rest @ ..] = leaf.dims.as_slice() else {
                                return None;
                            };
                            let mut dims = vec![n * m];
                            dims.extend(rest.iter().cloned());
                            Some(self.laid_out(leaf, dims, span))
                        });
                        parts.push(joined);
                    }
                },
                None => match self.expr(&arg.value) {
                    Val::Family(family) => parts.extend(family.members.values().cloned()),
                    val => parts.push(val),
                },
            }
        }
        if parts.is_empty() {
            self.error("T02", span, "`concat` of nothing");
            return Val::Unknown;
        }
        self.zip(&parts, span, &mut |this, leaves| this.concat(leaves, span))
    }

    /// `min` and `max` of two sizes are sizes.
    fn size_bound(&mut self, smaller: bool, args: &[Arg], span: Span) -> Option<Val> {
        let [a, b] = args else { return None };
        if [a, b].iter().any(|x| x.name.is_some() || x.comp.is_some()) {
            return None;
        }
        // Evaluated twice if this is not the case; nothing is emitted for sizes.
        let mark = self.mark();
        let (x, y) = (self.expr(&a.value), self.expr(&b.value));
        if let (Val::Leaf(x), Val::Leaf(y)) = (&x, &y) {
            if let (Some(p), Some(q)) = (x.as_size(), y.as_size()) {
                let size = if smaller { p.smaller(q) } else { p.larger(q) };
                return Some(Val::Leaf(Leaf::size(size)));
            }
            if x.label == Label::Public
                && y.label == Label::Public
                && x.ty == y.ty
                && x.ty == Type::Int
            {
                let result = (|| {
                    let less = self.prim(Prim::Lt, &[x, y], BOOL, span)?;
                    let (yes, no) = if smaller { (x, y) } else { (y, x) };
                    self.prim(Prim::Select, &[&less, yes, no], Type::Int, span)
                })();
                return Some(result.map_or(Val::Unknown, Val::Leaf));
            }
        }
        self.restore(&mark);
        None
    }

    fn sort_by(&mut self, args: &[Arg], span: Span) -> Val {
        let by = args
            .iter()
            .find(|a| a.name.as_ref().is_some_and(|n| n.name == "by"));
        let table = args.iter().find(|a| a.name.is_none());
        let (Some(by), Some(table)) = (by, table) else {
            self.error("T02", span, "`sort(table, by: field)`");
            return Val::Unknown;
        };
        let rows = match &table.comp {
            Some(comp) => self.generated(&table.value, comp),
            None => self.expr(&table.value),
        };
        let field = match (&rows, &by.value.kind) {
            (Val::Struct(def, items), ExprKind::Path { path, .. }) => {
                let name = path.segments.last().map_or("", |s| s.name.as_str());
                match def.fields.iter().position(|(f, _)| f.name == name) {
                    Some(at) => items[at].clone(),
                    None => {
                        let names: Vec<String> =
                            def.fields.iter().map(|(f, _)| f.name.clone()).collect();
                        let name = name.to_owned();
                        self.unknown_name(&name, "field", by.value.span, &names);
                        return Val::Unknown;
                    }
                }
            }
            (Val::Unknown, _) => return Val::Unknown,
            _ => {
                self.error("T01", by.value.span, "`by:` names a field of a table");
                return Val::Unknown;
            }
        };
        match self.call_prelude("sort_by", &[field, rows], span) {
            Val::Tuple(items) if items.len() == 2 => items[1].clone(),
            other => other,
        }
    }
}
