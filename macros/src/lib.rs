//! The macro `smpc::program!`. Its documentation stands where users find it, in the crate `smpc`.

mod arguments;
mod expand;

use proc_macro::TokenStream;

/// Checks a script while the crate is compiled, and expands to a module with its typed interface.
#[proc_macro]
pub fn program(tokens: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    let arguments = syn::parse_macro_input!(tokens as arguments::Arguments);
    expand::expand(&arguments, file.as_deref()).into()
}
