//! Sums: like summands together, common factors of products shared.

use crate::build::Id;
use crate::elaborate::{Elab, plain};
use crate::source;
use crate::value::{Fail, Frame, Outcome, Share, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, Comp, Expr, ExprKind, Span, UnaryOp};
use smpc_ir::decisions::Outcome as Decided;
use smpc_ir::flat::Kind;
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;

/// A summand; products stay open so that factors can be shared.
struct Term {
    negative: bool,
    span: Span,
    what: Summand,
}

enum Summand {
    Value(Value),
    Product(Id, Id),
}

/// A product in a sum: its sign, place and factors.
type Product = (bool, Span, Id, Id);

impl Elab<'_> {
    /// A sum, with common factors of its products shared.
    pub fn sum(
        &mut self,
        expr: &Expr,
        expected: Option<&Value>,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        let mut terms = Vec::new();
        self.terms(expr, false, expected, frame, &mut terms)?;
        self.combine(terms, expr.span)
    }

    fn terms(
        &mut self,
        expr: &Expr,
        negative: bool,
        expected: Option<&Value>,
        frame: &mut Frame,
        terms: &mut Vec<Term>,
    ) -> Outcome<()> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Binary(left, op @ (BinaryOp::Add | BinaryOp::Sub), right) => {
                self.terms(left, negative, expected, frame, terms)?;
                let flip = *op == BinaryOp::Sub;
                self.terms(right, negative ^ flip, expected, frame, terms)
            }
            ExprKind::Unary(UnaryOp::Neg, inner) => {
                self.terms(inner, !negative, expected, frame, terms)
            }
            ExprKind::Call { callee, args } if plain(callee) == Some("sum") => {
                let [arg] = args.as_slice() else {
                    return Err(Diagnostic::new("P05", "`sum` takes one argument", span).into());
                };
                if arg.comp.is_none() {
                    return self.unsupported(span, "`sum` without `for` in a protocol");
                }
                if let Some(name) = self.rows_of(arg.comp.as_ref(), frame)? {
                    let value = self.over_rows(&name, &arg.value, expected, span, frame)?;
                    terms.push(Term {
                        negative,
                        span,
                        what: Summand::Value(value),
                    });
                    return Ok(());
                }
                let before = terms.len();
                self.over(arg.comp.as_ref(), frame, |me, frame| {
                    me.terms(&arg.value, negative, expected, frame, terms)
                })?;
                if terms.len() == before {
                    terms.push(Term {
                        negative,
                        span,
                        what: Summand::Value(Value::Int(0)),
                    });
                }
                Ok(())
            }
            ExprKind::Binary(left, BinaryOp::Mul, right) => {
                let l = self.expr(left, None, frame)?;
                let r = self.expr(right, None, frame)?;
                let what = match (&l, &r) {
                    (Value::Clear(a), Value::Clear(b))
                        if self.b.info(*a).constant.is_none()
                            && self.b.info(*b).constant.is_none()
                            && self.b.elem(*a) == self.b.elem(*b) =>
                    {
                        if self.b.known(*a).intersection(self.b.known(*b)).is_empty() {
                            return Err(self.fault(
                                crate::build::Fault::Nobody,
                                span,
                                &[(left.span, *a), (right.span, *b)],
                            ));
                        }
                        Summand::Product(*a, *b)
                    }
                    _ => Summand::Value(self.binary(
                        l,
                        BinaryOp::Mul,
                        r,
                        span,
                        (left.span, right.span),
                        frame,
                    )?),
                };
                terms.push(Term {
                    negative,
                    span,
                    what,
                });
                Ok(())
            }
            _ => {
                let value = self.expr(expr, expected, frame)?;
                if let Value::Poison = value {
                    return Err(Fail(None));
                }
                terms.push(Term {
                    negative,
                    span,
                    what: Summand::Value(value),
                });
                Ok(())
            }
        }
    }

    /// The index of `for j in 0..m` over the rows of a tensor parameter.
    fn rows_of(&mut self, comp: Option<&Comp>, frame: &mut Frame) -> Outcome<Option<String>> {
        let Some(Comp {
            iters, guard: None, ..
        }) = comp
        else {
            return Ok(None);
        };
        let [iter] = iters.as_slice() else {
            return Ok(None);
        };
        let (Some(name), Some(over)) = (plain(&iter.binder), &iter.over) else {
            return Ok(None);
        };
        let ExprKind::Range {
            start,
            end,
            inclusive: false,
        } = &over.kind
        else {
            return Ok(None);
        };
        let whole = matches!(&start.kind, ExprKind::Number(zero) if zero == "0")
            && plain(end).is_some_and(|end| matches!(frame.get(end), Some(Value::Rows)));
        Ok(whole.then(|| name.to_owned()))
    }

    /// The sum of an expression over all rows.
    fn over_rows(
        &mut self,
        name: &str,
        each: &Expr,
        expected: Option<&Value>,
        span: Span,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        let outer = frame.vars.remove(name);
        frame.set(name, Vec::new(), Value::Row);
        let value = self.expr(each, expected, frame);
        frame.vars.remove(name);
        if let Some(outer) = outer {
            frame.vars.insert(name.to_owned(), outer);
        }
        let value = value?;
        let parts: Vec<Id> = match &value {
            Value::Clear(id) => vec![*id],
            Value::Share(share) => share.components.iter().copied().flatten().collect(),
            _ => Vec::new(),
        };
        let same = |id: &Id| {
            let nothing = self.b.info(*id).constant == Some(0);
            self.b.kind(*id) == Some(Kind::Scalar) && !nothing
        };
        if parts.iter().any(same) {
            return Err(
                Diagnostic::new("P05", "every row of this sum is the same value", span)
                    .help("multiply it by a vector of the tensor parameter's length")
                    .into(),
            );
        }
        match value {
            Value::Clear(id) => Ok(Value::Clear(self.b.row_sum(id, source(span)))),
            Value::Share(mut share) => {
                for id in share.components.iter_mut().flatten() {
                    *id = self.b.row_sum(*id, source(span));
                }
                share.rows = false;
                Ok(Value::Share(share))
            }
            Value::Poison => Err(Fail(None)),
            _ => Err(Diagnostic::new("P05", "a sum over rows is of values", span).into()),
        }
    }

    fn combine(&mut self, terms: Vec<Term>, span: Span) -> Outcome<Value> {
        let mut number = 0i128;
        let mut scalars = Vec::new();
        let mut clears: Vec<(bool, Span, Id)> = Vec::new();
        let mut products: Vec<Product> = Vec::new();
        let mut shares = Vec::new();
        for Term {
            negative,
            span,
            what,
        } in terms
        {
            match what {
                Summand::Product(a, b) => products.push((negative, span, a, b)),
                Summand::Value(Value::Int(value)) if negative => {
                    number = number.wrapping_sub(value);
                }
                Summand::Value(Value::Int(value)) => number = number.wrapping_add(value),
                Summand::Value(value @ (Value::Scalar(_) | Value::Power(_))) => {
                    scalars.push((negative, span, value));
                }
                Summand::Value(Value::Clear(id)) => clears.push((negative, span, id)),
                Summand::Value(Value::Share(share)) => shares.push((negative, span, share)),
                Summand::Value(_) => {
                    return Err(Diagnostic::new("P05", "expected a value in a sum", span).into());
                }
            }
        }
        let instance = shares.first().map(|(_, _, share)| share.instance.clone());
        let elem = match (&instance, clears.first(), products.first()) {
            (Some(instance), ..) => Some(instance.elem),
            (None, Some((_, _, id)), _) | (None, None, Some((_, _, id, _))) => {
                Some(self.b.elem(*id))
            }
            _ => None,
        };
        let Some(elem) = elem else {
            if scalars.is_empty() {
                self.decide(span, Decided::Zero(number == 0));
                return Ok(Value::Int(number));
            }
            let total = self.total(number, scalars, Vec::new(), Elem::Ring(64), span)?;
            return Ok(Value::Scalar(total));
        };
        for (negative, span, a, b) in self.factor(products)? {
            let own = self.b.elem(a);
            let product = self
                .b
                .prim(Prim::Mul, &[a, b], own, source(span))
                .map_err(|fault| self.fault(fault, span, &[(span, a), (span, b)]))?;
            clears.push((negative, span, product));
        }
        let Some(instance) = instance else {
            let total = self.total(number, scalars, clears, elem, span)?;
            return Ok(Value::Clear(total));
        };
        let any = number != 0 || !scalars.is_empty() || !clears.is_empty();
        let mut total: Option<Share> = None;
        shares.sort_by_key(|(negative, ..)| *negative);
        for (negative, at, share) in shares {
            if *share.instance != *instance {
                return Err(Diagnostic::new(
                    "P01",
                    format!("{} meets {}", instance.title(), share.instance.title()),
                    at,
                )
                .help("convert one of them by a protocol: `to_bits`, `bit_to_ring`")
                .into());
            }
            total = Some(match total {
                Some(sum) => self.add_shares(&sum, &share, negative, span)?,
                None if negative => {
                    let elem = instance.elem;
                    match self.map(Value::Share(share), Prim::Neg, None, elem, span)? {
                        Value::Share(share) => share,
                        _ => return Err(Fail(None)),
                    }
                }
                None => share,
            });
        }
        let Some(mut total) = total else {
            return Err(Fail(None));
        };
        if any {
            let clear = self.total(number, scalars, clears, elem, span)?;
            let clear = self.embed(clear, &instance, span)?;
            total = self.add_shares(&total, &clear, false, span)?;
        }
        Ok(Value::Share(total))
    }

    /// The sum of clear summands.
    fn total(
        &mut self,
        number: i128,
        scalars: Vec<(bool, Span, Value)>,
        mut clears: Vec<(bool, Span, Id)>,
        elem: Elem,
        span: Span,
    ) -> Outcome<Id> {
        for (negative, span, value) in scalars {
            let id = self.clear(value, elem, span)?;
            clears.push((negative, span, id));
        }
        clears.sort_by_key(|(negative, ..)| *negative);
        let mut total = self.b.constant(number, elem, source(span));
        let mut total_span = span;
        for (negative, at, id) in clears {
            let prim = if negative { Prim::Sub } else { Prim::Add };
            total = self
                .b
                .prim(prim, &[total, id], elem, source(span))
                .map_err(|fault| self.fault(fault, span, &[(total_span, total), (at, id)]))?;
            total_span = at;
        }
        Ok(total)
    }

    /// `x*y + x*z` to `x*(y + z)`: a matrix product saved for an addition.
    fn factor(&mut self, mut products: Vec<Product>) -> Outcome<Vec<Product>> {
        let mut result = Vec::new();
        while !products.is_empty() {
            let count = |id: Id| products.iter().filter(|p| p.2 == id || p.3 == id).count();
            let mut best = (1, None);
            for p in &products {
                for id in [p.2, p.3] {
                    if count(id) > best.0 {
                        best = (count(id), Some(id));
                    }
                }
            }
            let Some(common) = best.1 else {
                result.append(&mut products);
                break;
            };
            let (with, without): (Vec<_>, Vec<_>) = products
                .into_iter()
                .partition(|p| p.2 == common || p.3 == common);
            products = without;
            let left = with[0].2 == common;
            let span = with[0].1;
            let others = with
                .iter()
                .map(|p| (p.0, p.1, if p.2 == common { p.3 } else { p.2 }))
                .collect();
            let elem = self.b.elem(common);
            let rest = self.total(0, Vec::new(), others, elem, span)?;
            result.push(if left {
                (false, span, common, rest)
            } else {
                (false, span, rest, common)
            });
        }
        Ok(result)
    }
}
