//! Sizes as expressions.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use smpc_ir::{Atom, Size, SizeVar};

/// So many bits a sum may have without a look at whether it fits.
const SAFE: u32 = 126;

/// What stands for a named size.
pub(crate) struct Names<'a> {
    /// Its name.
    pub name: &'a dyn Fn(SizeVar) -> Option<Ident>,
    /// How many bits it has at most, without the sign.
    pub bits: &'a dyn Fn(SizeVar) -> u32,
}

/// Bits of a size at most.
fn bits(size: &Size, names: &Names<'_>) -> u32 {
    let of = |size: &Size| bits(size, names);
    let of_atom = |atom: &Atom| match atom {
        Atom::Var(var) => (names.bits)(*var),
        Atom::Log2Ceil(_) => 7,
        Atom::Div(a, _) | Atom::DivCeil(a, _) => of(a),
        Atom::Mod(_, a) => of(a),
        Atom::Min(a, b) | Atom::Max(a, b) => of(a).max(of(b)),
        Atom::Sum { .. } | Atom::SumHalvings { .. } | Atom::SumPrefix { .. } => u32::MAX,
    };
    let of_term = |(factors, coefficient): (&[(Atom, u32)], i128)| {
        let own = i128::BITS - coefficient.unsigned_abs().leading_zeros();
        let factors = factors
            .iter()
            .map(|(atom, power)| of_atom(atom).saturating_mul(*power));
        factors.fold(own, u32::saturating_add)
    };
    let (most, count) = size
        .terms()
        .map(of_term)
        .fold((0, 0), |(most, count), own| (most.max(own), count + 1u32));
    most.saturating_add(u32::BITS - count.leading_zeros())
}

/// As [`size`], in the order and with the checks of [`Size::evaluate`].
fn checked(size: &Size, names: &Names<'_>) -> Option<TokenStream> {
    let mut terms = vec![];
    for (factors, coefficient) in size.terms() {
        let coefficient = Literal::i128_unsuffixed(coefficient);
        let mut all = vec![quote!(#coefficient)];
        for (atom, power) in factors {
            let factor = atom_of(atom, names)?;
            all.extend(std::iter::repeat_n(factor, *power as usize));
        }
        terms.push(match all.as_slice() {
            [one] => quote!(#one),
            _ => quote!(product(&[#(#all),*])?),
        });
    }
    Some(quote!(total(&[#(#terms),*])?))
}

/// The expression of a size, of type `i128`; `None` if it has a part that only costs have.
pub(crate) fn size(size: &Size, names: &Names<'_>) -> Option<TokenStream> {
    if bits(size, names) > SAFE {
        return checked(size, names);
    }
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
            let factor = atom_of(atom, names)?;
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

fn atom_of(atom: &Atom, names: &Names<'_>) -> Option<TokenStream> {
    let of = |s: &Size| size(s, names);
    Some(match atom {
        Atom::Var(var) => {
            let name = (names.name)(*var)?;
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
        let text_of = |s: &Size, bits: u32| {
            let names = Names {
                name: &name,
                bits: &|_| bits,
            };
            size(s, &names).unwrap().to_string()
        };
        let text = |s: &Size| text_of(s, 40);
        assert_eq!(text(&(&(&n * &m) - &Size::from(3))), "n0 * n1 - 3");
        assert_eq!(text(&Size::zero()), "0");
        assert_eq!(text(&(&Size::from(2) * &n)), "2 * n0");
        assert_eq!(text(&(&Size::from(-1) * &n)), "- n0");
        assert_eq!(text(&n.div(&Size::from(2))), "floor_div (n0 , 2) ?");
        // what may be beyond 128 bits
        let large = &(&(&n * &n) * &m) - &Size::one();
        assert_eq!(
            text_of(&large, 63),
            "total (& [- 1 , product (& [1 , n0 , n0 , n1]) ?]) ?"
        );
        assert_eq!(text(&large), "n0 * n0 * n1 - 1");
        assert_eq!(
            text_of(&(&(&n * &n) * &Size::from(2)), 63),
            "total (& [product (& [2 , n0 , n0]) ?]) ?"
        );
    }
}
