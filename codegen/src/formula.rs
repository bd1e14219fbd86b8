//! Element-wise operations on tensors of one type and shape, as one formula over their elements.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, Value};

use crate::emit::Emitter;

/// A formula under construction.
pub(crate) struct Formula {
    elem: Elem,
    /// Arguments of the pass, with their names in the formula.
    pub leaves: Vec<(Value, Ident)>,
    /// Operations.
    pub operations: usize,
    /// A literal stands for a tensor: another argument has to give the shape.
    filled: bool,
    too_wide: bool,
}

/// At most so many arguments in one pass.
const MOST: usize = 10;

/// Binding strength of operators.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Other,
    Sum,
    Product,
    Single,
}

type Part = (TokenStream, Level);

/// Whether a formula can have this operation between elements of this type.
fn fits(prim: Prim, elem: Elem) -> bool {
    match prim {
        _ if matches!(elem, Elem::Fix | Elem::Field(_)) => false,
        Prim::Add | Prim::Sub | Prim::Mul | Prim::Neg | Prim::Not => true,
        Prim::Shl | Prim::ShrLogical => elem != Elem::Bits(1),
        Prim::Shr => matches!(elem, Elem::Ring(64 | 128)),
        _ => false,
    }
}

impl Formula {
    /// The formula of an operation and of those written into it; `None` if there is only one or it
    /// is none between elements.
    pub fn of(emitter: &Emitter<'_>, value: Value) -> Option<(Self, TokenStream)> {
        let mut formula = Self {
            elem: emitter.info(value)?.elem,
            leaves: vec![],
            operations: 0,
            filled: false,
            too_wide: false,
        };
        let (tokens, _) = formula.inner(emitter, value, value)?;
        let shaped = |(leaf, _): &(Value, Ident)| emitter.same_shape(*leaf, value);
        let shaped = !formula.filled || formula.leaves.iter().any(shaped);
        let several = formula.operations > 1 && !formula.leaves.is_empty();
        (several && shaped && !formula.too_wide).then_some((formula, tokens))
    }

    /// An operation of the formula.
    fn inner(&mut self, emitter: &Emitter<'_>, value: Value, root: Value) -> Option<Part> {
        let (Local::Prim(prim), args) = emitter.local(value)? else {
            return None;
        };
        let info = emitter.info(value)?;
        if info.elem != self.elem || !emitter.same_shape(value, root) || !fits(*prim, self.elem) {
            return None;
        }
        let bits = matches!(self.elem, Elem::Bits(_));
        let full = matches!(self.elem.wire_bits(), 64 | 128);
        let before = (self.leaves.clone(), self.operations, self.filled);
        self.operations += 1;
        let part = match (prim, args) {
            (Prim::Add | Prim::Sub, [a, b]) if bits => {
                self.binary(emitter, (*a, *b), root, quote!(^), Level::Other)
            }
            (Prim::Mul, [a, b]) if bits => {
                self.binary(emitter, (*a, *b), root, quote!(&), Level::Other)
            }
            (Prim::Add, [a, b]) => self.binary(emitter, (*a, *b), root, quote!(+), Level::Sum),
            (Prim::Sub, [a, b]) => self.binary(emitter, (*a, *b), root, quote!(-), Level::Sum),
            (Prim::Mul, [a, b]) => self.binary(emitter, (*a, *b), root, quote!(*), Level::Product),
            (Prim::Neg, [a]) if bits => Some(self.argument(emitter, *a, root)),
            (Prim::Neg, [a]) => {
                let a = self.operand(emitter, *a, root, Level::Single);
                Some((quote!(-#a), Level::Single))
            }
            (Prim::Not, [a]) => {
                let a = self.operand(emitter, *a, root, Level::Single);
                Some((quote!(!#a), Level::Single))
            }
            (Prim::Shl | Prim::Shr | Prim::ShrLogical, [a, by]) => {
                let width = i128::from(self.elem.wire_bits());
                match emitter.literal(*by).filter(|by| (0..width).contains(by)) {
                    Some(by) => {
                        let by = Literal::u8_unsuffixed(by as u8);
                        // A right shift reads high bits, which only arguments have reduced.
                        let a = if full || *prim == Prim::Shl {
                            self.operand(emitter, *a, root, Level::Single)
                        } else {
                            self.leaf(emitter, *a)
                        };
                        Some(match (prim, self.elem.wire_bits() > 64) {
                            (Prim::Shl, _) => (quote!(#a << #by), Level::Other),
                            (Prim::ShrLogical, _) => (quote!(#a >> #by), Level::Other),
                            (_, false) => (quote!(asr(#a, #by)), Level::Single),
                            (_, true) => (quote!(asr_wide(#a, #by)), Level::Single),
                        })
                    }
                    None => None,
                }
            }
            _ => None,
        };
        if part.is_none() {
            (self.leaves, self.operations, self.filled) = before;
        }
        part
    }

    fn binary(
        &mut self,
        emitter: &Emitter<'_>,
        (a, b): (Value, Value),
        root: Value,
        operator: TokenStream,
        level: Level,
    ) -> Option<Part> {
        let left = self.operand(emitter, a, root, level);
        // Subtraction binds to the left, and mixed bit operators need parentheses anyway.
        let tighter = match level {
            Level::Sum => Level::Product,
            _ => Level::Single,
        };
        let right = self.operand(emitter, b, root, tighter);
        // The same on both sides is no formula a person writes.
        if left.to_string() == right.to_string()
            && operator.to_string() != "+"
            && operator.to_string() != "*"
        {
            return None;
        }
        Some((quote!(#left #operator #right), level))
    }

    /// An argument, in parentheses unless it binds as tightly as `level`.
    fn operand(
        &mut self,
        emitter: &Emitter<'_>,
        value: Value,
        root: Value,
        level: Level,
    ) -> TokenStream {
        let (tokens, own) = self.argument(emitter, value, root);
        let need = if level == Level::Other {
            Level::Single
        } else {
            level
        };
        if own >= need {
            tokens
        } else {
            quote!((#tokens))
        }
    }

    fn argument(&mut self, emitter: &Emitter<'_>, value: Value, root: Value) -> Part {
        if let Some(constant) = emitter.literal(value) {
            let info = emitter.info(value);
            if info.is_some_and(|info| !info.shape.is_empty()) {
                self.filled = true;
            }
            return (self.constant(constant), Level::Single);
        }
        if emitter.is_inline(value)
            && let Some(part) = self.inner(emitter, value, root)
        {
            return part;
        }
        (self.leaf(emitter, value), Level::Single)
    }

    fn leaf(&mut self, emitter: &Emitter<'_>, value: Value) -> TokenStream {
        if let Some((_, name)) = self.leaves.iter().find(|(v, _)| *v == value) {
            return quote!(#name);
        }
        self.too_wide |= self.leaves.len() == MOST;
        let number = self.leaves.len();
        let own = emitter.name_of(value).filter(|_| !emitter.is_inline(value));
        let name = own.unwrap_or_else(|| Ident::new(&format!("t{number}"), Span::call_site()));
        self.leaves.push((value, name.clone()));
        quote!(#name)
    }

    fn constant(&self, value: i128) -> TokenStream {
        let width = self.elem.wire_bits();
        let raw = value.cast_unsigned() & (u128::MAX >> (128 - u32::from(width)));
        if width > 64 {
            let literal = signed(raw.cast_signed());
            return quote!(wide(#literal));
        }
        // Of single bits a word holds 64.
        let word = if width == 1 { raw.wrapping_neg() } else { raw };
        let literal = signed((word as u64).cast_signed().into());
        quote!(word(#literal))
    }
}

/// An integer literal with its sign.
pub(crate) fn signed(value: i128) -> TokenStream {
    let magnitude = Literal::u128_unsuffixed(value.unsigned_abs());
    if value < 0 {
        quote!(-#magnitude)
    } else {
        quote!(#magnitude)
    }
}
