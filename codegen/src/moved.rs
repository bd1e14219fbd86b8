//! Tokens put together by moving them: what `quote!` is given it copies, token by token.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, TokenStream};
use quote::{TokenStreamExt, quote};

fn mark(of: char) -> Punct {
    Punct::new(of, Spacing::Alone)
}

/// `value?`
pub(crate) fn tried(mut value: TokenStream) -> TokenStream {
    value.append(mark('?'));
    value
}

/// `let name = value;`
pub(crate) fn bound(name: &Ident, value: TokenStream) -> TokenStream {
    bound_to(quote!(#name), value)
}

/// `let pattern = value;`
pub(crate) fn bound_to(pattern: TokenStream, value: TokenStream) -> TokenStream {
    let mut statement = quote!(let);
    statement.extend(pattern);
    statement.append(mark('='));
    statement.extend(value);
    statement.append(mark(';'));
    statement
}

/// `values[0], values[1], …` between delimiters.
pub(crate) fn within(delimiter: Delimiter, values: Vec<TokenStream>) -> TokenStream {
    let mut list = TokenStream::new();
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            list.append(mark(','));
        }
        list.extend(value);
    }
    let mut group = TokenStream::new();
    group.append(Group::new(delimiter, list));
    group
}

/// `[values[0], values[1], …]`
pub(crate) fn list(values: Vec<TokenStream>) -> TokenStream {
    within(Delimiter::Bracket, values)
}

/// `name(args[0], args[1], …)`
pub(crate) fn call(name: Ident, args: Vec<TokenStream>) -> TokenStream {
    let mut call = TokenStream::new();
    call.append(name);
    call.extend(within(Delimiter::Parenthesis, args));
    call
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::format_ident;

    #[test]
    fn moved_tokens_are_the_quoted_ones() {
        let args = || vec![quote!(&a), quote!(b?)];
        let name = format_ident!("f");
        let pairs = [
            (tried(quote!(f(x))), quote!(f(x)?)),
            (bound(&name, quote!(1 + 2)), quote!(let f = 1 + 2;)),
            (bound_to(quote!([a, b]), quote!(c)), quote!(let [a, b] = c;)),
            (list(args()), quote!([&a, b?])),
            (list(vec![]), quote!([])),
            (call(name, args()), quote!(f(&a, b?))),
        ];
        for (moved, quoted) in pairs {
            assert_eq!(moved.to_string(), quoted.to_string());
        }
    }
}
