//! Operators between values: products, shifts, comparisons.

use crate::build::Id;
use crate::elaborate::Elab;
use crate::source;
use crate::value::{Fail, Frame, Outcome, Share, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, Span};
use smpc_ir::decisions::Outcome as Decided;
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;

impl Elab<'_> {
    pub fn binary(
        &mut self,
        l: Value,
        op: BinaryOp,
        r: Value,
        span: Span,
        parts: (Span, Span),
        frame: &mut Frame,
    ) -> Outcome<Value> {
        use BinaryOp as B;
        if matches!(l, Value::Poison) || matches!(r, Value::Poison) {
            return Err(Fail(None));
        }
        if let (Value::Int(a), Value::Int(b)) = (&l, &r) {
            let value = arithmetic(*a, op, *b, span)?;
            self.decide_number(*a, op, *b, &value, span);
            return Ok(value);
        }
        let condition = match (&l, op, &r) {
            (Value::Bool(a), B::And, Value::Bool(b)) => Some(*a && *b),
            (Value::Bool(a), B::Or, Value::Bool(b)) => Some(*a || *b),
            (Value::Bool(a), B::Eq, Value::Bool(b)) => Some(a == b),
            (Value::Bool(a), B::Ne, Value::Bool(b)) => Some(a != b),
            (Value::Set(a), B::Eq, Value::Set(b)) => Some(a == b),
            (Value::Set(a), B::Ne, Value::Set(b)) => Some(a != b),
            _ => None,
        };
        if let Some(holds) = condition {
            self.decide(span, Decided::Is(holds));
            return Ok(Value::Bool(holds));
        }
        match op {
            B::Pow => match (l, r) {
                (Value::Int(2), Value::Scalar(exponent)) => Ok(Value::Power(exponent)),
                _ => Err(Diagnostic::new(
                    "P05",
                    "only 2 is raised to a power of the run",
                    span,
                )
                .into()),
            },
            B::Mul | B::BitAnd => self.product(l, r, span, parts, frame),
            B::Div => self.quotient(l, r, span, parts),
            B::Shl | B::Shr | B::LogicalShr => self.shift(l, op, r, span),
            B::Eq | B::Ne | B::Lt | B::Gt | B::Le | B::Ge => {
                let elem = match (&l, &r) {
                    (Value::Clear(id), _) | (_, Value::Clear(id)) => self.b.elem(*id),
                    (Value::Share(_), _) | (_, Value::Share(_)) => {
                        return Err(Diagnostic::new(
                            "P05",
                            "shared values are compared by a protocol",
                            span,
                        )
                        .help("call `less_than(x, y)` or `equal(x, y)`")
                        .into());
                    }
                    _ => Elem::Ring(64),
                };
                let (a, b) = (self.clear(l, elem, parts.0)?, self.clear(r, elem, parts.1)?);
                let (prim, args, negate) = match op {
                    B::Eq => (Prim::Eq, [a, b], false),
                    B::Ne => (Prim::Eq, [a, b], true),
                    B::Lt => (Prim::Lt, [a, b], false),
                    B::Ge => (Prim::Lt, [a, b], true),
                    B::Gt => (Prim::Lt, [b, a], false),
                    _ => (Prim::Lt, [b, a], true),
                };
                let operands = [(parts.0, a), (parts.1, b)];
                let mut id = self
                    .b
                    .prim(prim, &args, Elem::Bits(1), source(span))
                    .map_err(|fault| self.fault(fault, span, &operands))?;
                if negate {
                    id = self
                        .b
                        .prim(Prim::Not, &[id], Elem::Bits(1), source(span))
                        .map_err(|fault| self.fault(fault, span, &operands))?;
                }
                Ok(Value::Clear(id))
            }
            B::MatMul => Err(Diagnostic::new("P05", "`@` is not written in a protocol", span)
                .help("write `*` and mark the protocol `bilinear`: the caller's map takes its place")
                .into()),
            _ => self.unsupported(span, "this operator on values of the run"),
        }
    }

    /// A quotient of clear elements of a field: the product with the inverse.
    fn quotient(&mut self, l: Value, r: Value, span: Span, parts: (Span, Span)) -> Outcome<Value> {
        let elem = match (&l, &r) {
            (Value::Clear(id), _) | (_, Value::Clear(id)) => self.b.elem(*id),
            (Value::Share(share), _) => share.instance.elem,
            _ => return self.unsupported(span, "this operator on values of the run"),
        };
        let Elem::Field(p) = elem else {
            return Err(
                Diagnostic::new("P05", "only elements of a field are divided", span).into(),
            );
        };
        let divisor = self.clear(r, elem, parts.1)?;
        let zero = || Diagnostic::new("P05", format!("division by 0 modulo {p}"), parts.1);
        if let Some(known) = self.b.info(divisor).constant {
            let inverse = p.inverse(p.residue(known)).ok_or_else(zero)?;
            let inverse = self.b.constant(p.signed(inverse), elem, source(span));
            return match l {
                Value::Share(share) => self.scale(&share, inverse, false, span, parts),
                l => {
                    let dividend = self.clear(l, elem, parts.0)?;
                    self.clear_prim(Prim::Mul, [dividend, inverse], elem, span, parts)
                }
            };
        }
        if let Value::Share(_) = l {
            return self.unsupported(span, "a shared value divided by a value of the run");
        }
        let dividend = self.clear(l, elem, parts.0)?;
        self.clear_prim(Prim::Div, [dividend, divisor], elem, span, parts)
    }

    fn clear_prim(
        &mut self,
        prim: Prim,
        args: [Id; 2],
        elem: Elem,
        span: Span,
        parts: (Span, Span),
    ) -> Outcome<Value> {
        self.b
            .prim(prim, &args, elem, source(span))
            .map(Value::Clear)
            .map_err(|fault| self.fault(fault, span, &[(parts.0, args[0]), (parts.1, args[1])]))
    }

    pub fn product(
        &mut self,
        l: Value,
        r: Value,
        span: Span,
        parts: (Span, Span),
        frame: &mut Frame,
    ) -> Outcome<Value> {
        match (l, r) {
            (Value::Power(exponent), other @ (Value::Clear(_) | Value::Share(_)))
            | (other @ (Value::Clear(_) | Value::Share(_)), Value::Power(exponent)) => {
                let elem = match &other {
                    Value::Share(share) => share.instance.elem,
                    Value::Clear(id) => self.b.elem(*id),
                    _ => return Err(Fail(None)),
                };
                if let Elem::Bits(_) = elem {
                    return Err(Diagnostic::new("P01", "a power of 2 meets bits", span).into());
                }
                self.map(other, Prim::Shl, Some(exponent), elem, span)
            }
            (Value::Share(a), Value::Share(b)) => {
                if let Some(mul) = self.stack.iter().find(|name| *name == "mul") {
                    return Err(Diagnostic::new(
                        "K07",
                        format!("share times share inside `{mul}`: this is what it has to define"),
                        span,
                    )
                    .label(parts.0, "shared")
                    .label(parts.1, "shared")
                    .help("multiply components: `x[i]*y[i]`")
                    .into());
                }
                let args = vec![Value::Share(a), Value::Share(b)];
                self.call_named("mul", args, &[], span, frame)
            }
            (Value::Share(share), other) => {
                let elem = share.instance.elem;
                let factor = self.clear(other, elem, parts.1)?;
                self.scale(&share, factor, false, span, parts)
            }
            (other, Value::Share(share)) => {
                let elem = share.instance.elem;
                let factor = self.clear(other, elem, parts.0)?;
                self.scale(&share, factor, true, span, (parts.1, parts.0))
            }
            (l @ (Value::Clear(_) | Value::Scalar(_)), r) | (l, r @ Value::Clear(_)) => {
                let elem = match (&l, &r) {
                    (Value::Clear(id), _) | (_, Value::Clear(id)) => self.b.elem(*id),
                    _ => Elem::Ring(64),
                };
                let scalar = !matches!(l, Value::Clear(_)) && !matches!(r, Value::Clear(_));
                let (a, b) = (self.clear(l, elem, parts.0)?, self.clear(r, elem, parts.1)?);
                let id = self
                    .b
                    .prim(Prim::Mul, &[a, b], elem, source(span))
                    .map_err(|fault| self.fault(fault, span, &[(parts.0, a), (parts.1, b)]))?;
                Ok(if scalar {
                    Value::Scalar(id)
                } else {
                    Value::Clear(id)
                })
            }
            (Value::Int(number), Value::Scalar(id)) => {
                self.product(Value::Scalar(id), Value::Int(number), span, parts, frame)
            }
            _ => Err(Diagnostic::new("P05", "these cannot be multiplied", span).into()),
        }
    }

    /// Every component times a clear factor.
    pub fn scale(
        &mut self,
        share: &Share,
        factor: Id,
        first: bool,
        span: Span,
        parts: (Span, Span),
    ) -> Outcome<Value> {
        let mut components = Vec::new();
        for (at, component) in share.components.iter().enumerate() {
            let id = component.ok_or(Fail(None))?;
            let holders = share.instance.holders[at];
            let args = if first { [factor, id] } else { [id, factor] };
            let product = self
                .b
                .prim(Prim::Mul, &args, share.instance.elem, source(span))
                .map_err(|fault| self.fault(fault, span, &[(parts.0, id), (parts.1, factor)]))?;
            if !holders.is_subset(self.b.known(product)) && holders.is_subset(self.b.known(id)) {
                let known = self.names(self.b.known(factor));
                return Err(Diagnostic::new(
                    "K03",
                    format!(
                        "`{}` multiplies a shared value, but not every holder knows it",
                        self.text(parts.1)
                    ),
                    parts.1,
                )
                .label(parts.1, format!("known to {known}"))
                .help("deal it with `share(e)` and multiply the shares, or send it to every holder")
                .into());
            }
            components.push(Some(product));
        }
        Ok(Value::Share(Share {
            instance: share.instance.clone(),
            rows: share.rows,
            components,
        }))
    }

    pub fn shift(&mut self, l: Value, op: BinaryOp, r: Value, span: Span) -> Outcome<Value> {
        let amount = match r {
            Value::Int(amount) => self.b.constant(amount, Elem::Ring(64), source(span)),
            Value::Scalar(id) => id,
            Value::Poison => return Err(Fail(None)),
            _ => {
                return Err(Diagnostic::new("P05", "a shift is by a public number", span).into());
            }
        };
        let prim = match op {
            BinaryOp::Shl => Prim::Shl,
            BinaryOp::Shr => Prim::Shr,
            _ => Prim::ShrLogical,
        };
        match l {
            Value::Share(share) => {
                let elem = share.instance.elem;
                if prim != Prim::Shl && matches!(elem, Elem::Ring(_)) {
                    return Err(Diagnostic::new(
                        "P05",
                        "a shared ring element is not shifted right component by component",
                        span,
                    )
                    .help("call `trunc(x, f)`")
                    .into());
                }
                self.map(Value::Share(share), prim, Some(amount), elem, span)
            }
            Value::Clear(id) => {
                let elem = self.b.elem(id);
                self.map(Value::Clear(id), prim, Some(amount), elem, span)
            }
            Value::Int(_) | Value::Scalar(_) => {
                let id = self.clear(l, Elem::Ring(64), span)?;
                self.b
                    .prim(prim, &[id, amount], Elem::Ring(64), source(span))
                    .map(Value::Scalar)
                    .map_err(|fault| self.fault(fault, span, &[(span, id)]))
            }
            _ => Err(Diagnostic::new("P05", "this cannot be shifted", span).into()),
        }
    }
}

pub(crate) fn compare(op: BinaryOp, a: i128, b: i128) -> Option<bool> {
    Some(match op {
        BinaryOp::Eq => a == b,
        BinaryOp::Ne => a != b,
        BinaryOp::Lt => a < b,
        BinaryOp::Le => a <= b,
        BinaryOp::Gt => a > b,
        BinaryOp::Ge => a >= b,
        _ => return None,
    })
}

/// Numbers known in advance.
pub(crate) fn arithmetic(a: i128, op: BinaryOp, b: i128, span: Span) -> Outcome<Value> {
    if let Some(holds) = compare(op, a, b) {
        return Ok(Value::Bool(holds));
    }
    let value = match op {
        BinaryOp::Add => a.checked_add(b),
        // 2^127 - 1 is written that way, and fits.
        BinaryOp::Sub if a == i128::MIN => Some(a.wrapping_sub(b)),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::Div => a.checked_div_euclid(b),
        BinaryOp::Rem => a.checked_rem_euclid(b),
        // 2^127 and 2^128 are meant modulo the ring.
        BinaryOp::Pow if a == 2 && (127..=128).contains(&b) => {
            Some(if b == 127 { i128::MIN } else { 0 })
        }
        BinaryOp::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        BinaryOp::Shl => u32::try_from(b).ok().filter(|b| *b < 127).map(|b| a << b),
        BinaryOp::Shr => u32::try_from(b).ok().filter(|b| *b < 128).map(|b| a >> b),
        _ => None,
    };
    value
        .map(Value::Int)
        .ok_or_else(|| Diagnostic::new("P05", "this number has no value here", span).into())
}
