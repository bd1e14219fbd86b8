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
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
        let bytes = text.as_bytes();
        let (mut at, mut member) = (0, false);
        while let Some(first) = bytes.get(at) {
            let length = match first {
                b'"' => literal(&text[at..]),
                first if word(first) => {
                    let rest = &bytes[at..];
                    let length = rest.iter().position(|b| !word(b)).unwrap_or(rest.len());
                    let own = &text[at..at + length];
                    if !first.is_ascii_digit() && !member && !found.contains(own) {
                        found.insert(own.to_owned());
                    }
                    length
                }
                _ => 1,
            };
            if !first.is_ascii_whitespace() {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                member = *first == b'.' && before != Some(&b'.');
            }
            at += length;
        }
        Self(found)
    }

    /// One more.
    pub fn add(&mut self, name: &str) {
        if !self.0.contains(name) {
            self.0.insert(name.to_owned());
        }
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
