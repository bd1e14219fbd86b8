//! Operations as expressions.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, Value};

use super::Emitter;
use crate::formula::signed;
use crate::moved;
use crate::project::Act;

impl Emitter<'_> {
    /// The operation that computes a value, with its `?`.
    pub(super) fn expression(&mut self, value: Value) -> TokenStream {
        let facts = self.facts;
        if let Some(literal) = facts.literal(value) {
            let (elem, literal) = (self.elem_of(value), signed(literal));
            if facts.shape(value).is_empty() {
                return quote!(scalar(#elem, #literal)?);
            }
            let dims = self.dims(value);
            return quote!(constant(#elem, #dims, #literal)?);
        }
        if let Some(of) = facts.size(value) {
            let (elem, of) = (self.elem_of(value), self.size(of));
            return quote!(scalar(#elem, #of)?);
        }
        match self.computed.get(&value).cloned() {
            Some(Act::FractionBits { arg, .. }) => {
                let a = self.read(arg);
                quote!(fraction_bits(#a)?)
            }
            Some(Act::Local { op, args, .. }) => self.operation(op, &args, value),
            _ => {
                self.fail("a value without an operation");
                quote!(v)
            }
        }
    }

    fn operation(&mut self, op: &Local, args: &[Value], value: Value) -> TokenStream {
        let a: Vec<TokenStream> = args.iter().map(|v| self.read(*v)).collect();
        let elem = self.elem_of(value);
        let call = match op {
            Local::Constant(literal) => {
                let (dims, literal) = (self.dims(value), signed(*literal));
                quote!(constant(#elem, #dims, #literal))
            }
            Local::Data(values) => {
                let dims = self.dims(value);
                match progression(values, self.facts.shape(value).len()) {
                    Some((first, step)) => {
                        let (first, step) = (signed(first), signed(step));
                        let n = Literal::usize_unsuffixed(values.len());
                        quote!(progression(#elem, #first, #step, #n))
                    }
                    None => {
                        let values = values.iter().map(|v| signed(*v));
                        quote!(data(#elem, #dims, &[#(#values),*]))
                    }
                }
            }
            Local::Size(of) => {
                let (of, dims) = (self.size(of), self.dims(value));
                quote!(constant(#elem, #dims, #of))
            }
            Local::Iota => {
                let facts = self.facts;
                let n = facts.shape(value).first().map(|n| self.size(n));
                quote!(iota(#elem, #n))
            }
            Local::Prim(prim) => prim_call(*prim, a, &elem),
            Local::MatMul => moved::call(format_ident!("matmul"), a),
            Local::Reshape | Local::Broadcast => {
                let dims = self.dims(value);
                let name = if *op == Local::Reshape {
                    quote!(reshape)
                } else {
                    quote!(broadcast)
                };
                quote!(#name(#(#a),*, #dims))
            }
            Local::Transpose { axes } => {
                let axes = axes.iter().map(|a| Literal::u8_unsuffixed(*a));
                quote!(transpose(#(#a),*, &[#(#axes),*]))
            }
            Local::Slice { axis, start, end } => {
                let (axis, start, end) = (
                    Literal::u8_unsuffixed(*axis),
                    self.size(start),
                    self.size(end),
                );
                quote!(slice(#(#a),*, #axis, #start, #end))
            }
            Local::Concat { axis } => {
                let axis = Literal::u8_unsuffixed(*axis);
                quote!(concat(&[#(#a),*], #axis))
            }
            Local::Gather => moved::call(format_ident!("gather"), a),
            Local::Scatter => quote!(scatter(#(#a),*)),
            Local::InversePermutation => quote!(inverse_permutation(#(#a),*)),
            Local::Sum { axis } => {
                let axis = Literal::u8_unsuffixed(*axis);
                quote!(sum(#(#a),*, #axis))
            }
            Local::Digest => quote!(digest(&[#(#a),*])),
            Local::Expand => {
                let dims = self.dims(value);
                quote!(expand(#(#a),*, #elem, #dims))
            }
            Local::Unpack => quote!(unpack(#(#a),*)),
            Local::Pack => quote!(pack(#(#a),*)),
        };
        moved::tried(call)
    }
}

/// The first literal of a list and the step from each to the next, where it is the same and saves writing them down.
fn progression(values: &[i128], rank: usize) -> Option<(i128, i128)> {
    let [first, second, _, _, ..] = values else {
        return None;
    };
    let step = second.checked_sub(*first)?;
    let steps = |pair: &[i128]| matches!(pair, [a, b] if a.checked_add(step) == Some(*b));
    (rank == 1 && values.windows(2).all(steps)).then_some((*first, step))
}

/// An element type.
pub(crate) fn elem_tokens(elem: Elem) -> TokenStream {
    let bits = |k: u8| Literal::u8_unsuffixed(k);
    match elem {
        Elem::Ring(k) => {
            let k = bits(k);
            quote!(Ring(#k))
        }
        Elem::Bits(m) => {
            let m = bits(m);
            quote!(Bits(#m))
        }
        Elem::Field(p) => match p.exponent() {
            Some(q) => {
                let name = format_ident!("M{q}");
                quote!(Field(#name))
            }
            None => {
                let p = Literal::u128_unsuffixed(p.modulus());
                quote!(Field(prime(#p)))
            }
        },
        Elem::Fix => quote!(Fix),
    }
}

fn prim_call(prim: Prim, a: Vec<TokenStream>, elem: &TokenStream) -> TokenStream {
    let name = match prim {
        Prim::Cast => return quote!(cast(#(#a),*, #elem)),
        Prim::BitSlice { start, step } => {
            let (start, step) = (Literal::u8_unsuffixed(start), signed(step.into()));
            return quote!(bit_slice(#(#a),*, #start, #step, #elem));
        }
        Prim::Encode => return quote!(encode(#(#a),*, #elem)),
        Prim::Add => "add",
        Prim::Sub => "sub",
        Prim::Mul => "mul",
        Prim::Neg => "neg",
        Prim::Not => "not",
        Prim::Shl => "shl",
        Prim::Shr => "shr",
        Prim::ShrLogical => "shr_logical",
        Prim::Eq => "eq",
        Prim::Lt => "lt",
        Prim::Div => "div",
        Prim::Rem => "rem",
        Prim::Select => "select",
        Prim::Sqrt => "sqrt",
        Prim::Exp => "exp",
        Prim::Ln => "ln",
        Prim::Decode => "decode",
    };
    moved::call(format_ident!("{name}"), a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_steps_are_a_progression() {
        assert_eq!(progression(&[0, 2, 4, 6], 1), Some((0, 2)));
        assert_eq!(progression(&[5, 4, 3, 2, 1], 1), Some((5, -1)));
        assert_eq!(progression(&[7, 7, 7, 7], 1), Some((7, 0)));
        assert_eq!(progression(&[0, 2, 4, 7], 1), None);
        assert_eq!(progression(&[i128::MAX - 1, i128::MAX, 0, 1], 1), None);
        assert_eq!(progression(&[i128::MIN, i128::MAX, 0, 1], 1), None);
        // Short ones are as easily read written down.
        assert_eq!(progression(&[0, 2, 4], 1), None);
        assert_eq!(progression(&[0, 1, 2, 3], 2), None);
    }
}
