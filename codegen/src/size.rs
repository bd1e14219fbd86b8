//! Sizes as expressions.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use smpc_ir::{Atom, Size, SizeVar};

/// The expression of a size, of type `i128`; `None` if it has a part that only costs have.
pub(crate) fn size(size: &Size, name: &dyn Fn(SizeVar) -> Option<Ident>) -> Option<TokenStream> {
    let mut terms: Vec<_> = size.terms().collect();
    // Positive terms first: no leading minus where it can be helped.
    terms.sort_by_key(|(factors, c)| (*c < 0, factors.is_empty()));
    let mut out = TokenStream::new();
    for (at, (factors, coefficient)) in terms.into_iter().enumerate() {
        let magnitude = Literal::u128_unsuffixed(coefficient.unsigned_abs());
        let mut product = TokenStream::new();
        if factors.is_empty() || coefficient.unsigned_abs() != 1 {
            product = quote!(#magnitude);
        }
        for (atom, power) in factors {
            let factor = atom_of(atom, name)?;
            for _ in 0..*power {
                product = if product.is_empty() {
                    factor.clone()
                } else {
                    quote!(#product * #factor)
                };
            }
        }
        out = match (at, coefficient < 0) {
            (0, false) => product,
            (0, true) => quote!(-#product),
            (_, false) => quote!(#out + #product),
            (_, true) => quote!(#out - #product),
        };
    }
    Some(if out.is_empty() { quote!(0) } else { out })
}

fn atom_of(atom: &Atom, name: &dyn Fn(SizeVar) -> Option<Ident>) -> Option<TokenStream> {
    let of = |s: &Size| size(s, name);
    Some(match atom {
        Atom::Var(var) => {
            let name = name(*var)?;
            quote!(#name)
        }
        Atom::Div(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            quote!(floor_div(#a, #b)?)
        }
        Atom::DivCeil(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            quote!(ceil_div(#a, #b)?)
        }
        Atom::Mod(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            quote!(modulo(#a, #b)?)
        }
        Atom::Log2Ceil(a) => {
            let a = of(a)?;
            quote!(log2_ceil(#a))
        }
        Atom::Min(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            quote!(smaller(#a, #b))
        }
        Atom::Max(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            quote!(larger(#a, #b))
        }
        Atom::Sum { .. } | Atom::SumHalvings { .. } | Atom::SumPrefix { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn sizes_read_as_written() {
        let name = |v: SizeVar| Some(Ident::new(&format!("n{}", v.0), Span::call_site()));
        let (n, m) = (Size::from(SizeVar(0)), Size::from(SizeVar(1)));
        let text = |s: &Size| size(s, &name).unwrap().to_string();
        assert_eq!(text(&(&(&n * &m) - &Size::from(3))), "n0 * n1 - 3");
        assert_eq!(text(&Size::zero()), "0");
        assert_eq!(text(&(&Size::from(2) * &n)), "2 * n0");
        assert_eq!(text(&(&Size::from(-1) * &n)), "- n0");
        assert_eq!(text(&n.div(&Size::from(2))), "floor_div (n0 , 2) ?");
    }
}
