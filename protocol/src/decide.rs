//! What is decided while a text is elaborated: conditions, remainders, turns of loops, whatever may come out otherwise at
//! another width. Whoever verifies the protocol tells widths apart by it.

use crate::elaborate::{Elab, plain};
use crate::source;
use crate::value::{Frame, Value};
use smpc_grammar::ast::{BinaryOp, Expr, ExprKind, IndexArg, Span};
use smpc_ir::decisions::Outcome;

/// Remainders modulo so much are told apart; of others, whether they are 0.
const MODULUS: i128 = 8;

impl Elab<'_> {
    /// Notes an outcome.
    pub fn decide(&mut self, span: Span, outcome: Outcome) {
        self.decisions.made.insert((source(span), outcome));
    }

    /// Notes what an operation on numbers came to.
    pub fn decide_number(&mut self, a: i128, op: BinaryOp, b: i128, value: &Value, span: Span) {
        match value {
            Value::Bool(holds) => self.decide(span, Outcome::Is(*holds)),
            Value::Int(value) => {
                self.decide(span, Outcome::Zero(*value == 0));
                match op {
                    BinaryOp::Rem if (1..=MODULUS).contains(&b) => {
                        self.decide(span, Outcome::Rest(*value));
                    }
                    BinaryOp::Div => {
                        let exact = a.checked_rem_euclid(b) == Some(0);
                        self.decide(span, Outcome::Exact(exact));
                    }
                    BinaryOp::Shr => {
                        let exact = value.checked_shl(b as u32) == Some(a);
                        self.decide(span, Outcome::Exact(exact));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Notes which member is taken, but for one that goes with the turns of a loop.
    pub fn decide_member(&mut self, indices: &[IndexArg], list: &[i128], frame: &Frame) {
        for (index, at) in indices.iter().zip(list) {
            if !varies(&index.value, frame) {
                self.decide(index.value.span, Outcome::At(*at));
            }
        }
    }

    /// Notes that a width is read, and not only to say how long an element is.
    pub fn reads_width(&mut self) {
        self.decisions.widths = true;
    }

    /// Whether a name stands for a width: bound by a type in the signature, or not bound there at all.
    pub fn is_width(&self, name: &str, frame: &Frame) -> bool {
        match frame.get(name) {
            Some(_) => frame.widths.contains(name),
            None if frame.inherited.contains_key(name) => true,
            None => name != "n" && self.globals.contains_key(name),
        }
    }

    /// Reads a number that is a width by itself, `m` of `Bits[m]`: every width is treated alike so far.
    pub fn uniform_width(&mut self, expr: &Expr, frame: &mut Frame) -> crate::value::Outcome<i128> {
        let before = self.decisions.widths;
        let value = self.int(expr, frame)?;
        let alike = plain(expr).is_some_and(|name| {
            self.is_width(name, frame) && (frame.get(name).is_some() || name == "k")
        });
        self.decisions.widths = before || !alike;
        Ok(value)
    }
}

/// Whether an index may be another in another turn of a loop around it.
fn varies(expr: &Expr, frame: &Frame) -> bool {
    match &expr.kind {
        ExprKind::Number(_) => false,
        ExprKind::Path { .. } => {
            plain(expr).is_none_or(|name| frame.indices.iter().any(|(index, _)| index == name))
        }
        ExprKind::Unary(_, inner) => varies(inner, frame),
        ExprKind::Binary(left, _, right) => varies(left, frame) || varies(right, frame),
        ExprKind::Tuple(parts) => parts.iter().any(|part| varies(part, frame)),
        ExprKind::Call { args, .. } => args
            .iter()
            .any(|arg| arg.comp.is_some() || varies(&arg.value, frame)),
        _ => true,
    }
}
