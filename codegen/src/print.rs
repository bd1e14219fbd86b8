//! From tokens to text, with comments where the markers are.

use proc_macro2::{TokenStream, TokenTree};

use crate::Unsupported;

/// The name of the macro that stands for a comment until the text is laid out.
const MARKER: &str = "smpc_source";

/// The text of a file. Only a mistake in this crate makes tokens that are no Rust.
pub(crate) fn print(tokens: TokenStream, comments: &[String]) -> Result<String, Unsupported> {
    let file: syn::File = syn::parse2(tokens).map_err(|_| Unsupported {
        what: "a part of this program (the generated text is no Rust: please report it)",
    })?;
    let text = prettyplease::unparse(&file);
    let mut out = String::with_capacity(text.len());
    let (mut first, mut previous) = (true, "");
    for line in text.lines() {
        let code = line.trim_start();
        let marked = code
            .strip_prefix(MARKER)
            .and_then(|rest| rest.strip_prefix("!("))
            .and_then(|rest| rest.strip_suffix(");"));
        let comment = marked.and_then(|number| comments.get(number.parse::<usize>().ok()?));
        match comment {
            Some(comment) => {
                if !first {
                    out.push('\n');
                }
                let indent = &line[..line.len() - code.len()];
                out.push_str(&format!("{indent}// {comment}\n"));
            }
            None => {
                let item = ["///", "pub ", "pub(", "fn ", "impl ", "#[", "use ", "mod "];
                let begins = item.iter().any(|word| code.starts_with(word));
                let same = |word: &str| previous.starts_with(word) && code.starts_with(word);
                let within = ["///", "#[", "use ", "mod ", "pub mod "]
                    .iter()
                    .any(|word| same(word));
                let headed = ["///", "#["].iter().any(|word| previous.starts_with(word));
                let ended = previous.ends_with('}')
                    || previous.ends_with(';')
                    || previous.starts_with("//!");
                if begins && ended && !within && !headed {
                    out.push('\n');
                }
                out.push_str(line);
                out.push('\n');
            }
        }
        previous = code;
        first = code.ends_with('{');
    }
    Ok(out)
}

/// The tokens without the markers.
pub(crate) fn unmarked(tokens: TokenStream) -> TokenStream {
    let mut out = vec![];
    let mut all = tokens.into_iter();
    while let Some(token) = all.next() {
        match token {
            // The marker's `!`, its number and the semicolon.
            TokenTree::Ident(name) if name == MARKER => {
                all.nth(2);
            }
            TokenTree::Group(group) => {
                let mut inner =
                    proc_macro2::Group::new(group.delimiter(), unmarked(group.stream()));
                inner.set_span(group.span());
                out.push(TokenTree::Group(inner));
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}
