//! From tokens to text, with comments where the markers are.

use std::thread::{Builder, Scope, ScopedJoinHandle};

use proc_macro2::{TokenStream, TokenTree};

use crate::Unsupported;

/// The name of the macro that stands for a comment until the text is laid out.
const MARKER: &str = "smpc_source";

/// Stack of a thread that lays out a file: expressions nest as deep as those of scripts.
const STACK: usize = 8 << 20;

/// The text of a file.
pub(crate) fn print(tokens: TokenStream, comments: &[String]) -> Result<String, Unsupported> {
    Ok(commented(&laid_out(syn::parse2(tokens))?, comments))
}

/// The text of a file before its comments.
fn laid_out(file: syn::Result<syn::File>) -> Result<String, Unsupported> {
    let file = file.map_err(|_| MISTAKE)?;
    Ok(prettyplease::unparse(&file))
}

/// Only a mistake in this crate makes tokens that are no Rust.
const MISTAKE: Unsupported = Unsupported {
    what: "a part of this program (the generated text is no Rust: please report it)",
};

/// A file that is laid out while other code is still written.
pub(crate) struct Printing<'s>(ScopedJoinHandle<'s, Result<String, Unsupported>>);

impl<'s> Printing<'s> {
    /// Begins. Tokens stay in their thread: what goes to the other one is their text.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn begin<'e>(scope: &'s Scope<'s, 'e>, tokens: TokenStream) -> Result<Self, Unsupported> {
        let text = tokens.to_string();
        let thread = Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, move || laid_out(syn::parse_str(&text)));
        running.map(Self).map_err(|_| Unsupported {
            what: "a thread to lay out a file",
        })
    }

    /// The text.
    pub fn finish(self, comments: &[String]) -> Result<String, Unsupported> {
        let text = self.0.join().map_err(|_| MISTAKE)??;
        Ok(commented(&text, comments))
    }
}

/// The text with comments in the place of their markers, and empty lines between items.
fn commented(text: &str, comments: &[String]) -> String {
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
    out
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
