//! `reduce` and `scan` over the bits of a value: trees unrolled.

use crate::elaborate::Elab;
use crate::source;
use crate::value::{Fail, Frame, Outcome, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Arg, Expr, ExprKind, Span};
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;

impl Elab<'_> {
    pub fn tree(
        &mut self,
        scan: bool,
        args: &[Arg],
        span: Span,
        frame: &mut Frame,
    ) -> Outcome<Value> {
        let [of, with] = args else {
            return Err(
                Diagnostic::new("P05", "expected a value and `(lo, hi) => e`", span).into(),
            );
        };
        let ExprKind::Lambda(params, body) = &with.value.kind else {
            return Err(Diagnostic::new("P05", "expected `(lo, hi) => e`", with.value.span).into());
        };
        let [lo, hi] = params.as_slice() else {
            return Err(Diagnostic::new("P05", "expected `(lo, hi) => e`", with.value.span).into());
        };
        let mut value = self.expr(&of.value, None, frame)?;
        let Some(width) = self.width_of(&value) else {
            return Err(Diagnostic::new(
                "P05",
                "expected Bits[m], or a tuple of them",
                of.value.span,
            )
            .into());
        };
        let mut apply = |me: &mut Self, low: Value, high: Value| -> Outcome<Value> {
            let saved = frame.vars.clone();
            let done = me
                .bind_param(lo, low, frame)
                .and_then(|()| me.bind_param(hi, high, frame))
                .and_then(|()| me.expr(body, None, frame));
            frame.vars = saved;
            done
        };
        self.reads_width();
        let mut width = width;
        if scan {
            let mut distance = 1u8;
            while distance < width {
                let rest = width - distance;
                let high = self.slice(&value, distance, 1, rest, span)?;
                let low = self.slice(&value, 0, 1, rest, span)?;
                let merged = apply(self, low, high)?;
                let first = self.slice(&value, 0, 1, distance, span)?;
                value = self.concat(&first, &merged, distance, width, span)?;
                distance = distance.saturating_mul(2);
            }
            return Ok(value);
        }
        while width > 1 {
            let half = width / 2;
            let low = self.slice(&value, 0, 2, half, span)?;
            let high = self.slice(&value, 1, 2, half, span)?;
            let merged = apply(self, low, high)?;
            value = if width % 2 == 1 {
                let top = self.slice(&value, width - 1, 1, 1, span)?;
                self.concat(&merged, &top, half, half + 1, span)?
            } else {
                merged
            };
            width = width.div_ceil(2);
        }
        Ok(value)
    }

    fn bind_param(&mut self, param: &Expr, value: Value, frame: &mut Frame) -> Outcome<()> {
        match (&param.kind, value) {
            (ExprKind::Tuple(parts), Value::Tuple(values)) if parts.len() == values.len() => {
                for (part, value) in parts.iter().zip(values) {
                    self.bind_param(part, value, frame)?;
                }
                Ok(())
            }
            (_, value) => match crate::elaborate::plain(param) {
                Some(name) => {
                    frame.set(name, Vec::new(), value);
                    Ok(())
                }
                None => Err(Diagnostic::new("P05", "expected a name", param.span).into()),
            },
        }
    }

    /// The common number of bits.
    fn width_of(&self, value: &Value) -> Option<u8> {
        let elem = match value {
            Value::Clear(id) => self.b.elem(*id),
            Value::Share(share) => share.instance.elem,
            Value::Tuple(parts) => {
                let widths: Vec<_> = parts.iter().map(|part| self.width_of(part)).collect();
                let first = *widths.first()?;
                return widths.iter().all(|w| *w == first).then_some(first)?;
            }
            _ => return None,
        };
        match elem {
            Elem::Bits(m) => Some(m),
            _ => None,
        }
    }

    fn each(
        &mut self,
        value: &Value,
        run: &mut dyn FnMut(&mut Self, Value) -> Outcome<Value>,
    ) -> Outcome<Value> {
        match value {
            Value::Tuple(parts) => {
                let mut results = Vec::new();
                for part in parts {
                    results.push(self.each(part, run)?);
                }
                Ok(Value::Tuple(results))
            }
            other => run(self, other.clone()),
        }
    }

    fn slice(
        &mut self,
        value: &Value,
        start: u8,
        step: i8,
        width: u8,
        span: Span,
    ) -> Outcome<Value> {
        self.each(value, &mut |me, part| {
            me.bit_slice(part, start, step, width, span)
        })
    }

    /// The bits of `low`, then from bit `at` those of `high`.
    fn concat(
        &mut self,
        low: &Value,
        high: &Value,
        at: u8,
        width: u8,
        span: Span,
    ) -> Outcome<Value> {
        match (low, high) {
            (Value::Tuple(a), Value::Tuple(b)) if a.len() == b.len() => {
                let mut parts = Vec::new();
                for (a, b) in a.iter().zip(b) {
                    parts.push(self.concat(a, b, at, width, span)?);
                }
                Ok(Value::Tuple(parts))
            }
            (Value::Share(a), Value::Share(b)) => {
                let elem = Elem::Bits(width);
                let instance = self.instance(&a.instance.family, elem, &a.instance.params, span)?;
                let mut components = Vec::new();
                for (a, b) in a.components.iter().zip(&b.components) {
                    let (Some(a), Some(b)) = (*a, *b) else {
                        return Err(Fail(None));
                    };
                    components.push(Some(self.join_bits(a, b, at, elem, span)?));
                }
                Ok(Value::Share(crate::value::Share {
                    instance,
                    components,
                    rows: a.rows,
                }))
            }
            (Value::Clear(a), Value::Clear(b)) => Ok(Value::Clear(self.join_bits(
                *a,
                *b,
                at,
                Elem::Bits(width),
                span,
            )?)),
            _ => Err(Diagnostic::new("P05", "the tree mixes clear and shared bits", span).into()),
        }
    }

    fn join_bits(&mut self, low: u32, high: u32, at: u8, elem: Elem, span: Span) -> Outcome<u32> {
        let from = source(span);
        let mut run = || {
            let low = self.b.prim(Prim::Cast, &[low], elem, from)?;
            let high = self.b.prim(Prim::Cast, &[high], elem, from)?;
            let amount = self.b.constant(i128::from(at), Elem::Ring(64), from);
            let high = self.b.prim(Prim::Shl, &[high, amount], elem, from)?;
            self.b.prim(Prim::Add, &[low, high], elem, from)
        };
        run().map_err(|fault| self.fault(fault, span, &[]))
    }
}
