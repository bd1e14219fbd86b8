//! From tokens to text, with comments where the markers are.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use quote::quote;
use smpc_grammar::Sources;

use crate::Unsupported;
use crate::name::Line;

/// The name of the macro that stands for a comment until the text is laid out.
const MARKER: &str = "smpc_source";

/// A line of a source file, to become a comment.
pub(crate) fn marker(file: u32, line: usize) -> TokenStream {
    let (file, line) = (
        Literal::u32_unsuffixed(file),
        Literal::usize_unsuffixed(line),
    );
    quote!(smpc_source!(#file, #line);)
}

/// The marker that comes next, if one does.
pub(crate) fn next_marker(tokens: &mut Peekable<IntoIter>) -> Option<TokenStream> {
    let marks = |token: &TokenTree| matches!(token, TokenTree::Ident(name) if name == MARKER);
    let name = tokens.next_if(marks)?;
    // The marker's `!`, its number and the semicolon.
    Some(std::iter::once(name).chain(tokens.take(3)).collect())
}

/// The text of a file.
pub(crate) fn print(tokens: TokenStream, sources: &Sources) -> Result<String, Unsupported> {
    Ok(finished(&laid_out(tokens)?, sources))
}

/// Items as text, one at a time: an item's tree is gone before the next one's is made, and the memory
/// stays in the cache. Comments are still markers.
pub(crate) fn laid_out(tokens: TokenStream) -> Result<String, Unsupported> {
    let mut text = String::new();
    for item in Items(tokens.into_iter()) {
        let file = syn::parse2(item).map_err(|_| MISTAKE)?;
        text.push_str(&prettyplease::unparse(&file));
    }
    Ok(text)
}

/// The text of a file whose items are laid out.
pub(crate) fn finished(items: &str, sources: &Sources) -> String {
    filled(&commented(items, sources))
}

/// The text of a file of which there is a text already, not laid out.
pub(crate) fn print_text(text: &str, sources: &Sources) -> Result<String, Unsupported> {
    print(text.parse().map_err(|_| MISTAKE)?, sources)
}

/// The items of a file, each with the attributes before it; the first with those of the file.
struct Items(IntoIter);

impl Iterator for Items {
    type Item = TokenStream;

    fn next(&mut self) -> Option<TokenStream> {
        let mut item = vec![];
        // Braces end a definition; in a `use`, and in a value, more follows.
        let (mut definition, mut more) = (false, false);
        for token in self.0.by_ref() {
            let ends = match &token {
                TokenTree::Ident(word) => {
                    let defines = ["fn", "impl", "mod", "struct", "enum", "trait"];
                    definition |= defines.iter().any(|w| word == w);
                    more |= word == "use";
                    false
                }
                TokenTree::Punct(mark) => {
                    more |= mark.as_char() == '=';
                    mark.as_char() == ';'
                }
                TokenTree::Group(group) => {
                    group.delimiter() == Delimiter::Brace && (definition || !more)
                }
                TokenTree::Literal(_) => false,
            };
            item.push(token);
            if ends {
                break;
            }
        }
        (!item.is_empty()).then(|| item.into_iter().collect())
    }
}

/// Only a mistake in this crate makes tokens that are no Rust.
pub(crate) const MISTAKE: Unsupported = Unsupported {
    what: "a part of this program (the generated text is no Rust: please report it)",
};

/// The comment that a line of code stands for.
fn comment(code: &str, sources: &Sources) -> Option<String> {
    let place = code.strip_prefix(MARKER)?.strip_prefix("!(")?;
    let (file, line) = place.strip_suffix(");")?.split_once(", ")?;
    let line = Line::numbered(sources, file.parse().ok()?, line.parse().ok()?)?;
    Some(format!("{}: {}", line.shown(), line.text))
}

/// The text with comments in the place of their markers, and empty lines between items.
fn commented(text: &str, sources: &Sources) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut first, mut previous) = (true, "");
    for line in text.lines() {
        let code = line.trim_start();
        match comment(code, sources) {
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

/// The widest line of a list.
const WIDE: usize = 100;

/// Whether a line is one element of a list: a name, a borrowed one, one of an array, a received type or a reserved coin.
fn is_element(code: &str) -> bool {
    let Some(element) = code.strip_suffix(',') else {
        return false;
    };
    let tuple = ["(Ring(", "(Bits(", "(&[COINS_"];
    if tuple.iter().any(|word| element.starts_with(word)) {
        return element.ends_with("])");
    }
    let name = element.strip_prefix('&').unwrap_or(element);
    let name = name.strip_suffix(']').unwrap_or(name);
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '[';
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && name.chars().all(inside)
}

/// The text with several short elements of a list on a line.
fn filled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // The indent of the list that is open, and the width of its last line.
    let mut open: Option<(usize, usize)> = None;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if !is_element(code) {
            open = None;
        }
        let room = |(own, width): &(usize, usize)| *own == indent && width + code.len() < WIDE;
        match open.filter(room) {
            Some((_, width)) => {
                out.pop();
                out.push(' ');
                out.push_str(code);
                open = Some((indent, width + 1 + code.len()));
            }
            None => {
                out.push_str(line);
                open = is_element(code).then_some((indent, line.len()));
            }
        }
        out.push('\n');
    }
    out
}

/// The tokens without the markers.
pub(crate) fn unmarked(tokens: TokenStream) -> TokenStream {
    let mut out = vec![];
    let mut all = tokens.into_iter().peekable();
    loop {
        if next_marker(&mut all).is_some() {
            continue;
        }
        let Some(token) = all.next() else { break };
        match token {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_filled() {
        let long: String = (0..30).map(|i| format!("    &name_{i},\n")).collect();
        let text = filled(&format!(
            "f([\n{long}    Two {{\n        a: b,\n        c,\n    }},\n]);\n"
        ));
        assert!(text.lines().all(|line| line.len() <= WIDE), "{text}");
        assert_eq!(text.lines().count(), 6 + 4, "{text}");
        assert!(text.contains("    &name_0, &name_1,"), "{text}");
        assert!(text.contains("\n        a: b,\n        c,\n"), "{text}");
        let received = "    (Bits(1), &[n, 10]),\n    (Ring(64), &[]),\n";
        assert_eq!(
            filled(received),
            "    (Bits(1), &[n, 10]), (Ring(64), &[]),\n"
        );
        assert_eq!(
            filled("    x[i],\n    x[i + 1],\n"),
            "    x[i],\n    x[i + 1],\n"
        );
    }

    #[test]
    fn items_one_at_a_time_read_as_the_whole_file() {
        let tokens = quote! {
            #![doc = " A file."]
            use std::{fmt, io};
            /// One.
            pub const ONE: Pair = Pair { a: 1, b: 2 };
            #[derive(Clone)]
            pub struct Unit;
            pub struct Pair { a: u8, b: u8 }
            impl Iterator for Pair { type Item = u8; fn next(&mut self) -> Option<u8> { None } }
            pub fn all() -> impl Iterator<Item = u8> { let x = { 1 }; std::iter::once(x) }
            mod inner { pub static TWO: u8 = 2; }
            pub mod outer;
        };
        let whole: syn::File = syn::parse2(tokens.clone()).unwrap();
        let count = Items(tokens.clone().into_iter()).count();
        assert_eq!(count, whole.items.len());
        let whole = filled(&commented(&prettyplease::unparse(&whole), &Sources::new()));
        assert_eq!(print(tokens, &Sources::new()).unwrap(), whole);
    }
}
