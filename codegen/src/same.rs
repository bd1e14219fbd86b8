//! Code that is the same up to the names of what it defines: arms of a choice that are written once.

use std::iter::Peekable;
use std::ops::Range;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use rustc_hash::FxHashMap as HashMap;

use crate::name::Names;
use crate::print;

/// A block, and when the names of what it defines were taken.
pub(crate) struct Piece {
    pub code: TokenStream,
    pub taken: Range<usize>,
}

/// The code of the first piece, if all are the same but for the names of what they define: with the comments of all.
pub(crate) fn once(pieces: &[Piece], names: &Names) -> Option<TokenStream> {
    let (first, others) = pieces.split_first()?;
    let mut code = first.code.clone();
    for other in others {
        let mut pairs = Pairs {
            names,
            taken: [first.taken.clone(), other.taken.clone()],
            other: HashMap::default(),
            first: HashMap::default(),
        };
        code = pairs.merged(code, other.code.clone())?;
    }
    Some(code)
}

/// Which name of the one piece stands where which of the other does.
struct Pairs<'n> {
    names: &'n Names,
    /// When the names of both were taken.
    taken: [Range<usize>; 2],
    /// Those of the other piece by those of the first.
    other: HashMap<String, String>,
    /// Those of the first piece by those of the other.
    first: HashMap<String, String>,
}

impl Pairs<'_> {
    /// The first tokens, with the comments of both, if they are the same as the others.
    fn merged(&mut self, first: TokenStream, other: TokenStream) -> Option<TokenStream> {
        let (mut first, mut other) = (first.into_iter().peekable(), other.into_iter().peekable());
        let mut out: Vec<TokenTree> = vec![];
        // What stands behind a point or two colons is nothing that a block defines.
        let mut behind = Behind::default();
        loop {
            comments(&mut first, &mut other, &mut out);
            let token = match (first.next(), other.next()) {
                (None, None) => return Some(out.into_iter().collect()),
                (Some(TokenTree::Group(own)), Some(TokenTree::Group(its)))
                    if own.delimiter() == its.delimiter() =>
                {
                    let inside = self.merged(own.stream(), its.stream())?;
                    let mut group = Group::new(own.delimiter(), inside);
                    group.set_span(own.span());
                    TokenTree::Group(group)
                }
                (Some(TokenTree::Ident(own)), Some(TokenTree::Ident(its))) => {
                    let fixed = behind.fixes() || calls(&mut first);
                    if !self.pair(&own, &its, fixed) {
                        return None;
                    }
                    TokenTree::Ident(own)
                }
                (Some(TokenTree::Punct(own)), Some(TokenTree::Punct(its)))
                    if own.as_char() == its.as_char() && own.spacing() == its.spacing() =>
                {
                    TokenTree::Punct(own)
                }
                (Some(TokenTree::Literal(own)), Some(TokenTree::Literal(its)))
                    if own.to_string() == its.to_string() =>
                {
                    TokenTree::Literal(own)
                }
                _ => return None,
            };
            behind.pass(&token);
            out.push(token);
        }
    }

    /// Whether these names may stand in one place: always the same two, and both of what the piece defines if they differ.
    fn pair(&mut self, own: &Ident, its: &Ident, fixed: bool) -> bool {
        let (own, its) = (own.to_string(), its.to_string());
        if own != its {
            let [first, other] = &self.taken;
            let defined = self.names.is_taken(&own, first) && self.names.is_taken(&its, other);
            if fixed || !defined {
                return false;
            }
        } else if fixed {
            return true;
        }
        let known = self.other.get(&own).map(String::as_str);
        let back = self.first.get(&its).map(String::as_str);
        match (known, back) {
            (None, None) => {
                self.other.insert(own.clone(), its.clone());
                self.first.insert(its, own);
                true
            }
            (known, back) => known == Some(its.as_str()) && back == Some(own.as_str()),
        }
    }
}

/// The comments that stand here, those of both once each.
fn comments(
    first: &mut Peekable<IntoIter>,
    other: &mut Peekable<IntoIter>,
    out: &mut Vec<TokenTree>,
) {
    let mut told: Vec<String> = vec![];
    for tokens in [first, other] {
        while let Some(comment) = print::next_marker(tokens) {
            let text = comment.to_string();
            if !told.contains(&text) {
                told.push(text);
                out.extend(comment);
            }
        }
    }
}

/// Whether a name is that of a function which is called.
fn calls(rest: &mut Peekable<IntoIter>) -> bool {
    matches!(rest.peek(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
}

/// The marks before a token.
#[derive(Default)]
struct Behind {
    points: usize,
    colons: usize,
}

impl Behind {
    fn pass(&mut self, token: &TokenTree) {
        let mark = match token {
            TokenTree::Punct(mark) => mark.as_char(),
            _ => ' ',
        };
        self.points = if mark == '.' { self.points + 1 } else { 0 };
        self.colons = if mark == ':' { self.colons + 1 } else { 0 };
    }

    /// Whether a name here is that of a field, of a method or of an item: one point, not a range's two, or two colons.
    fn fixes(&self) -> bool {
        self.points == 1 || self.colons == 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    /// The text of two blocks written once. Each takes the names that are given beside it, one name before both.
    fn joined(blocks: [(&[&str], TokenStream); 2]) -> Option<String> {
        let mut names = Names::default();
        names.take("x_0");
        names.take("x_1");
        let pieces = blocks.map(|(own, code)| {
            let start = names.count();
            own.iter().for_each(|name| names.take(name));
            Piece {
                code,
                taken: start..names.count(),
            }
        });
        Some(once(&pieces, &names)?.to_string())
    }

    #[test]
    fn names_of_what_a_block_defines_do_not_count() {
        let first = quote!(let v_0 = f(&x_0)?; for i_0 in 0..v_0.len() { g(|v_0| v_0[i_0]); } v_0);
        let other = quote!(let t_1 = f(&x_0)?; for i_1 in 0..t_1.len() { g(|t_1| t_1[i_1]); } t_1);
        let found = joined([(&["v_0", "i_0"], first.clone()), (&["t_1", "i_1"], other)]);
        assert_eq!(found, Some(first.to_string()));
    }

    #[test]
    fn all_other_names_count() {
        let own: (&[&str], &[&str]) = (&["v_0", "w_0"], &["v_1", "w_1"]);
        for (first, other) in [
            // Of values from before.
            (quote!(f(&x_0)?), quote!(f(&x_1)?)),
            (quote!(f(&v_0, &x_0)?), quote!(f(&v_1, &v_1)?)),
            // Of functions, of fields and of items, whatever a block calls its own.
            (quote!(v_0(&x_0)?), quote!(v_1(&x_0)?)),
            (quote!(out.v_0.push(v_0)), quote!(out.v_1.push(v_1))),
            (quote!(protocols::v_0), quote!(protocols::v_1)),
            // One name for two things.
            (quote!(v_0 + w_0), quote!(v_1 + v_1)),
            (quote!(v_0 + v_0), quote!(v_1 + w_1)),
            // What is no name.
            (quote!(end.rounds(1)), quote!(end.rounds(2))),
            (quote!(f(v_0)), quote!(f[v_1])),
            (quote!(v_0 + 1), quote!(v_1 - 1)),
            (quote!(v_0;), quote!(v_1; v_1;)),
            (quote!(end.at("a:1")), quote!(end.at("a:2"))),
        ] {
            let found = joined([(own.0, first.clone()), (own.1, other)]);
            assert_eq!(found, None, "{first}");
        }
    }

    #[test]
    fn comments_of_all_are_kept() {
        let line = |number| print::marker(0, number);
        let (one, two, three) = (line(1), line(2), line(3));
        let first = quote!(#one f(); { #two g(v_0); });
        let other = quote!(#three f(); { #two g(v_1); });
        let found = joined([(&["v_0"], first), (&["v_1"], other)]);
        assert_eq!(
            found,
            Some(quote!(#one #three f(); { #two g(v_0); }).to_string())
        );
    }
}
