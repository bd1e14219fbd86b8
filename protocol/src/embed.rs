//! Clear values as elements and as sharings.

use crate::build::Id;
use crate::elaborate::Elab;
use crate::scheme::Instance;
use crate::value::{Fail, Outcome, Share, Value};
use crate::{elem_name, source};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::Span;
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use std::rc::Rc;

impl Elab<'_> {
    /// The value as a clear one of this element type.
    pub fn clear(&mut self, value: Value, elem: Elem, span: Span) -> Outcome<Id> {
        match value {
            Value::Int(value) => Ok(self.b.constant(value, elem, source(span))),
            Value::Bool(value) => Ok(self.b.constant(i128::from(value), elem, source(span))),
            Value::Scalar(id) => self
                .b
                .prim(Prim::Cast, &[id], elem, source(span))
                .map_err(|fault| self.fault(fault, span, &[(span, id)])),
            Value::Power(exponent) => {
                let one = self.b.constant(1, elem, source(span));
                self.b
                    .prim(Prim::Shl, &[one, exponent], elem, source(span))
                    .map_err(|fault| self.fault(fault, span, &[(span, exponent)]))
            }
            Value::Clear(id) => {
                let found = self.b.elem(id);
                if found == elem {
                    return Ok(id);
                }
                Err(Diagnostic::new(
                    "P01",
                    format!("expected {}, found {}", elem_name(elem), elem_name(found)),
                    span,
                )
                .help("convert it: `bits(x)`, `b as R`")
                .into())
            }
            Value::Share(_) => Err(Diagnostic::new(
                "P05",
                format!("`{}` is shared: nobody knows it", self.text(span)),
                span,
            )
            .help("name a component, or open it masked by a coin")
            .into()),
            Value::Poison => Err(Fail(None)),
            _ => Err(Diagnostic::new("P05", "expected a value", span).into()),
        }
    }

    /// The value as a sharing; a clear one is embedded.
    pub fn as_sharing(
        &mut self,
        value: Value,
        instance: &Rc<Instance>,
        span: Span,
    ) -> Outcome<Share> {
        match value {
            Value::Share(share) if *share.instance == **instance => Ok(share),
            Value::Share(share) => Err(Diagnostic::new(
                "P01",
                format!(
                    "expected {}, found {}",
                    instance.title(),
                    share.instance.title()
                ),
                span,
            )
            .into()),
            other => {
                let id = self.clear(other, instance.elem, span)?;
                self.embed(id, instance, span)
            }
        }
    }

    /// A clear value as a sharing: the canonical solution of the `share` equation, in a component
    /// whose holders know it.
    pub fn embed(&mut self, id: Id, instance: &Rc<Instance>, span: Span) -> Outcome<Share> {
        let known = self.b.known(id);
        let fits = |at: usize| instance.holders[at].is_subset(known);
        let authenticated = instance.keyed.iter().all(|(at, _)| fits(*at as usize));
        let embedding = instance.embedding(fits).filter(|_| authenticated);
        let Some(coefficients) = embedding else {
            return Err(Diagnostic::new(
                "K03",
                format!(
                    "`{}` joins a shared value, but no component's holders all know it",
                    self.text(span)
                ),
                span,
            )
            .label(span, format!("known to {}", self.names(known)))
            .help("deal it with `share(e)`, or send it to the holders of one component")
            .into());
        };
        let zero = self.b.constant(0, instance.elem, source(span));
        let mut components = Vec::with_capacity(coefficients.len());
        for coefficient in coefficients {
            components.push(Some(match coefficient {
                0 => zero,
                1 => id,
                -1 => self.negate(id, span)?,
                c => {
                    let factor = self.b.constant(c, instance.elem, source(span));
                    self.b
                        .prim(Prim::Mul, &[factor, id], instance.elem, source(span))
                        .map_err(|fault| self.fault(fault, span, &[(span, id)]))?
                }
            }));
        }
        for (at, key) in &instance.keyed {
            let key = self.key_numbered(*key, span)?;
            let carried = self
                .b
                .prim(Prim::Mul, &[key, id], instance.elem, source(span))
                .map_err(|fault| self.fault(fault, span, &[(span, id)]))?;
            components[*at as usize] = Some(carried);
        }
        Ok(Share {
            instance: instance.clone(),
            rows: false,
            components,
        })
    }

    pub fn negate(&mut self, id: Id, span: Span) -> Outcome<Id> {
        let elem = self.b.elem(id);
        self.b
            .prim(Prim::Neg, &[id], elem, source(span))
            .map_err(|fault| self.fault(fault, span, &[(span, id)]))
    }

    pub fn add_shares(
        &mut self,
        left: &Share,
        right: &Share,
        minus: bool,
        span: Span,
    ) -> Outcome<Share> {
        let prim = if minus { Prim::Sub } else { Prim::Add };
        let mut components = Vec::new();
        for (a, b) in left.components.iter().zip(&right.components) {
            let (Some(a), Some(b)) = (*a, *b) else {
                return Err(Fail(None));
            };
            let sum = self
                .b
                .prim(prim, &[a, b], left.instance.elem, source(span))
                .map_err(|fault| self.fault(fault, span, &[(span, a), (span, b)]))?;
            components.push(Some(sum));
        }
        Ok(Share {
            instance: left.instance.clone(),
            rows: left.rows || right.rows,
            components,
        })
    }
}
