//! Conversions between element types.

use crate::build::Elab;
use crate::ops::{BOOL, FIX, common, type_name};
use crate::value::{Leaf, Src, Val};
use smpc_grammar::ast::Span;
use smpc_ir::local::Prim;
use smpc_ir::share::{Label, Op, Type};

impl Elab<'_> {
    /// The leaf as another element type, where that is implicit or asked for.
    pub fn cast(&mut self, leaf: &Leaf, ty: Type, span: Span) -> Option<Leaf> {
        if leaf.ty == ty {
            return Some(leaf.clone());
        }
        let scaled = |v: i128| v.checked_mul(1 << 64);
        match (&leaf.src, leaf.ty, ty) {
            (Src::Size(size), Type::Int, Type::Fix(_)) => {
                if let Some(value) = size.as_constant().and_then(scaled) {
                    return Some(Leaf::literal(value, ty));
                }
            }
            (Src::Fill(v), Type::Int, Type::Fix(_)) => {
                if let Some(value) = scaled(*v) {
                    return Some(Leaf {
                        src: Src::Fill(value),
                        ty,
                        ..leaf.clone()
                    });
                }
            }
            (Src::Data(data), Type::Int, Type::Fix(_)) => {
                if let Some(data) = data.iter().map(|v| scaled(*v)).collect() {
                    return Some(Leaf {
                        src: Src::Data(data),
                        ty,
                        ..leaf.clone()
                    });
                }
            }
            (Src::Literal(v) | Src::Fill(v), Type::Fix(_), Type::Fix(_)) => {
                let value = *v;
                let src = match leaf.src {
                    Src::Fill(_) => Src::Fill(value),
                    _ => Src::Literal(value),
                };
                return Some(Leaf {
                    src,
                    ty,
                    ..leaf.clone()
                });
            }
            (Src::Literal(v), Type::Bits(_), Type::Int) => return Some(Leaf::literal(*v, ty)),
            _ => {}
        }
        match (leaf.ty, ty) {
            (Type::Bits(_), Type::Fix(_)) => {
                let int = self.cast(leaf, Type::Int, span)?;
                return self.cast(&int, ty, span);
            }
            (Type::Fix(_), Type::Bits(_)) => {
                let int = self.cast(leaf, Type::Int, span)?;
                return self.cast(&int, ty, span);
            }
            (Type::Bits(_), Type::Bits(_)) => {
                let int = self.cast(leaf, Type::Int, span)?;
                return self.cast(&int, ty, span);
            }
            _ => {}
        }
        self.prim(Prim::Cast, &[leaf], ty, span)
    }

    /// The leaf as the type a parameter, variable or operand has; only int to fix is implicit.
    pub fn coerce(&mut self, leaf: &Leaf, ty: Type, span: Span) -> Option<Leaf> {
        match (leaf.ty, ty) {
            (a, b) if a == b => Some(leaf.clone()),
            (Type::Int, Type::Fix(_)) | (Type::Fix(_), Type::Fix(_)) => self.cast(leaf, ty, span),
            (a, b) => {
                let (a, b) = (type_name(a), type_name(b));
                let help = match (leaf.ty, ty) {
                    (Type::Bits(1), _) => format!("write `as {b}`"),
                    (Type::Fix(_), Type::Int) => "write `as int` to round down".to_owned(),
                    _ => format!("a value of type {b} is needed here"),
                };
                self.error_help("T01", span, format!("this is {a}, and {b} is needed"), help);
                None
            }
        }
    }

    pub fn pair(&mut self, l: &Leaf, r: &Leaf, span: Span) -> Option<(Leaf, Leaf)> {
        match common(l.ty, r.ty) {
            Some(ty) => Some((self.cast(l, ty, span)?, self.cast(r, ty, span)?)),
            None => {
                let (a, b) = (type_name(l.ty), type_name(r.ty));
                let help = if l.ty == BOOL || r.ty == BOOL {
                    "a bool becomes a number by `as int` or `as fix`"
                } else {
                    "convert one of them with `as`"
                };
                self.error_help("T01", span, format!("{a} and {b} do not go together"), help);
                None
            }
        }
    }

    /// A text literal as wide as the text it meets.
    pub fn text_as(&mut self, text: &str, ty: Type, span: Span) -> Option<Leaf> {
        let Type::Bits(m) = ty else {
            let message = format!("a text meets {}", type_name(ty));
            self.error("T01", span, message);
            return None;
        };
        let width = usize::from(m) / 8;
        if text.len() > width || !m.is_multiple_of(8) {
            let message = format!("the text has {} bytes, and {width} fit", text.len());
            self.error("T01", span, message);
            return None;
        }
        let mut value = 0u128;
        for at in 0..width {
            value = value << 8 | u128::from(text.as_bytes().get(at).copied().unwrap_or(0));
        }
        self.program.texts.insert((value as i128, m));
        Some(Leaf::literal(value as i128, ty))
    }

    /// fix to the raw int behind it.
    pub fn raw(&mut self, leaf: &Leaf, span: Span) -> Option<Leaf> {
        let fixed = if let Type::Fix(_) = leaf.ty {
            leaf.ty
        } else {
            FIX
        };
        let leaf = self.coerce(leaf, fixed, span)?;
        let value = self.value(&leaf, span);
        let info = (Type::Int, self.shape(&leaf), leaf.label);
        let result = self.emit(Op::Raw, vec![value], info, span);
        Some(Leaf {
            src: Src::Ir(result),
            ty: Type::Int,
            ..leaf
        })
    }

    /// How many bits the backend's integers have: known where a backend is bound.
    pub fn ring_bits(&mut self, span: Span) -> Leaf {
        let info = (Type::Int, vec![], Label::Public);
        let value = self.emit(Op::RingBits, vec![], info, span);
        Leaf::public(Src::Ir(value), Type::Int, vec![])
    }

    /// Bits that order as x does when they are read as unsigned numbers: bits are themselves, of numbers it is the given
    /// number of them, the sign turned over.
    pub fn ordered_bits(&mut self, x: &Leaf, width: &Val, span: Span) -> Option<Leaf> {
        let width = match width {
            Val::Leaf(leaf) => leaf.as_constant(),
            _ => None,
        };
        let width = width.filter(|m| (1..=128).contains(m));
        let Some(width) = width.and_then(|m| u8::try_from(m).ok()) else {
            self.error(
                "T01",
                span,
                "the number of bits is a constant from 1 to 128",
            );
            return None;
        };
        let number = match x.ty {
            Type::Bits(_) => return Some(x.clone()),
            Type::Fix(_) => self.raw(x, span)?,
            Type::Int => x.clone(),
        };
        let number = self.shared(&number, span);
        let value = self.value(&number, span);
        let ty = Type::Bits(width);
        let info = (ty, self.shape(&number), Label::Secret);
        let result = self.emit(Op::OrderedBits, vec![value], info, span);
        Some(Leaf {
            src: Src::Ir(result),
            ty,
            ..number
        })
    }

    /// The fixed-point value of this type whose raw int is given.
    pub fn of_raw(&mut self, leaf: &Leaf, ty: Type, span: Span) -> Option<Leaf> {
        let leaf = self.coerce(leaf, Type::Int, span)?;
        let value = self.value(&leaf, span);
        let info = (ty, self.shape(&leaf), leaf.label);
        let result = self.emit(Op::FromRaw, vec![value], info, span);
        Some(Leaf {
            src: Src::Ir(result),
            ty,
            ..leaf
        })
    }
}
