//! The identifiers that occur in code.

use rustc_hash::FxHashSet as HashSet;

use proc_macro2::{Ident, TokenStream};

/// The identifiers that occur in code.
#[derive(Default)]
pub(crate) struct Mentioned(HashSet<String>);

impl Mentioned {
    pub fn new(tokens: &TokenStream) -> Self {
        // Going through tokens would copy each of them: the text is made once.
        Self::within(&tokens.to_string())
    }

    /// In the text of code: the words outside of its string literals. Fields and methods, behind a single
    /// point, are no identifiers of their own.
    pub fn within(text: &str) -> Self {
        let mut found = HashSet::default();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => literal(rest),
                c if c.is_alphanumeric() || c == '_' => {
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                    let word = &rest[..end.unwrap_or(rest.len())];
                    let before = text[..text.len() - rest.len()].trim_end();
                    let member = before.ends_with('.') && !before.ends_with("..");
                    if !first.is_numeric() && !member && !found.contains(word) {
                        found.insert(word.to_owned());
                    }
                    word.len()
                }
                other => other.len_utf8(),
            };
            rest = &rest[length..];
        }
        Self(found)
    }

    /// Those of more code.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Whether this one does.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether this one does.
    pub fn has_ident(&self, name: &Ident) -> bool {
        self.has(&name.to_string())
    }
}

/// The length of the string literal that a text begins with.
fn literal(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn words_in_strings_are_no_identifiers() {
        let code = quote!(let a_1 = end.at("b \" c \\", 3usize, 'x', d::<'_>("\u{e9}"), é, 0..n););
        let mentioned = Mentioned::new(&code);
        for name in ["let", "a_1", "end", "d", "é", "n"] {
            assert!(mentioned.has(name), "{name}");
        }
        for name in ["at", "b", "c", "usize", "3usize", "u", "e9"] {
            assert!(!mentioned.has(name), "{name}");
        }
    }
}
