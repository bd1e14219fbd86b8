//! Names in the generated code: from the script where it gives one.

use std::ops::Range;

use rustc_hash::FxHashMap as HashMap;

use proc_macro2::{Ident, Span};
use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use smpc_grammar::sources::File;
use smpc_ir::local::Source;

/// A word that can stand for a name: letters, digits and underscores, not beginning with a digit.
fn word(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    match out.chars().next() {
        Some(c) if c.is_ascii_digit() => format!("v{out}"),
        Some(_) => out.to_owned(),
        None => "v".to_owned(),
    }
}

/// Lower case with underscores.
pub(crate) fn snake(text: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in word(text).chars() {
        if c.is_ascii_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_ascii_lowercase();
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Upper case with underscores.
pub(crate) fn constant(text: &str) -> String {
    snake(text).to_ascii_uppercase()
}

/// Crates that Rust or generated code has already, and folders of cargo, which no crate is called by.
const RESERVED: [&str; 11] = [
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc_macro",
    "smpc",
    "smpc_runtime",
    "std",
    "test",
];

/// The name of a script's crate.
pub(crate) fn of_crate(script: &str) -> String {
    let name = snake(script);
    let keyword = syn::parse_str::<Ident>(&name).is_err();
    match keyword || RESERVED.contains(&name.as_str()) {
        true => format!("{name}_script"),
        false => name,
    }
}

/// The name of a script's module. One that says itself that it is a keyword (`r#async`) stays what it is.
pub(crate) fn of_module(given: &str) -> Ident {
    match given.strip_prefix("r#") {
        Some(word) if syn::parse_str::<Ident>(given).is_ok() => {
            Ident::new_raw(word, Span::call_site())
        }
        _ => Names::default().unique(&snake(given)),
    }
}

/// Names given so far in one scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// How many there were before each.
    taken: HashMap<String, usize>,
    /// The number to try next for a text.
    next: HashMap<String, usize>,
}

impl Names {
    /// Takes a name, so that no other gets it.
    pub fn take(&mut self, name: &str) {
        first(&mut self.taken, name);
    }

    /// How many are taken.
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    /// Whether a name was taken when there were so many.
    pub fn is_taken(&self, name: &str, when: &Range<usize>) -> bool {
        self.taken.get(name).is_some_and(|own| when.contains(own))
    }

    /// A name like `text`, made different from all others.
    pub fn unique(&mut self, text: &str) -> Ident {
        let mut name = text.to_owned();
        // What is no identifier is a keyword.
        if syn::parse_str::<Ident>(&name).is_err() {
            name.push('_');
        }
        let mut count = 1;
        while !first(&mut self.taken, &name) {
            count += 1;
            name = format!("{text}_{count}");
        }
        Ident::new(&name, Span::call_site())
    }

    /// A name like `text` with a number: never that of a function.
    pub fn numbered(&mut self, text: &str) -> Ident {
        let count = self.next.entry(text.to_owned()).or_default();
        loop {
            let name = format!("{text}_{count}");
            *count += 1;
            if first(&mut self.taken, &name) {
                return Ident::new(&name, Span::call_site());
            }
        }
    }
}

/// Takes a name; whether nobody had it.
fn first(taken: &mut HashMap<String, usize>, name: &str) -> bool {
    let before = taken.len();
    let free = !taken.contains_key(name);
    if free {
        taken.insert(name.to_owned(), before);
    }
    free
}

/// File, line and text of a place.
pub(crate) struct Line<'s> {
    pub file: &'s str,
    pub number: usize,
    pub text: &'s str,
}

impl<'s> Line<'s> {
    /// A line of a file by its number, from 1.
    pub fn numbered(sources: &'s Sources, file: u32, number: usize) -> Option<Self> {
        let file = sources.get(FileId(file))?;
        Some(Self::of(file, number, file.numbered(number)?))
    }

    fn of(file: &'s File, number: usize, text: &'s str) -> Self {
        Self {
            file: file.name.rsplit('/').next().unwrap_or(&file.name),
            number,
            text: text.trim(),
        }
    }

    /// The file and the number.
    pub fn shown(&self) -> String {
        format!("{}:{}", self.file, self.number)
    }
}

/// The line where a place begins.
pub(crate) fn line(sources: &Sources, source: Source) -> Option<Line<'_>> {
    let file = sources.get(FileId(source.file))?;
    if source.end == 0 {
        return None;
    }
    let (number, text) = file.line(source.start as usize);
    Some(Line::of(file, number, text))
}

/// The name that a line of the script gives to what it computes.
pub(crate) fn given(text: &str) -> Option<String> {
    let head = |rest: &str| -> Option<String> {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        Some(rest[..end].to_owned()).filter(|name| !name.is_empty())
    };
    if let Some(rest) = text.strip_prefix("let ") {
        return head(rest.strip_prefix("mut ").unwrap_or(rest));
    }
    if text.starts_with("reveal ") {
        return head(text.rsplit_once(" as ")?.1);
    }
    let (left, _) = text.split_once(" = ")?;
    head(left).filter(|name| name == left)
}

/// The name that a line of a protocol gives to what it computes, draws or sends.
pub(crate) fn component(text: &str) -> Option<String> {
    let text = text.trim_start_matches("let ").trim_start();
    let text = match text.split_once("->") {
        Some((_, rest)) if text.contains(": ") => rest.split_once(": ")?.1,
        _ => text,
    };
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let name = &text[..end.unwrap_or(text.len())];
    let lower = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let word = !matches!(name, "if" | "for" | "while" | "return" | "check");
    (lower && word).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        assert_eq!(snake("employee[0]"), "employee_0");
        assert_eq!(constant("P[1]"), "P_1");
        assert_eq!(snake("αβ"), "v");
        assert_eq!(of_crate("match"), "match_script");
        assert_eq!(of_crate("self"), "self_script");
        assert_eq!(of_crate("test"), "test_script");
        assert_eq!(of_crate("vickrey"), "vickrey");
        assert_eq!(of_module("r#async").to_string(), "r#async");
        assert_eq!(of_module("async").to_string(), "async_");
        assert_eq!(of_module("my-mean").to_string(), "my_mean");
        let mut names = Names::default();
        assert_eq!(names.unique("type").to_string(), "type_");
        assert_eq!(names.unique("x").to_string(), "x");
        assert_eq!(names.unique("x").to_string(), "x_2");
        assert_eq!(names.numbered("sum").to_string(), "sum_0");
    }

    #[test]
    fn lines_give_names() {
        assert_eq!(given("let mut w = 3;").as_deref(), Some("w"));
        assert_eq!(given("let (a, b) = f(x);"), None);
        assert_eq!(
            given("reveal sum(x) / n as average;").as_deref(),
            Some("average")
        );
        assert_eq!(given("w = w - g;").as_deref(), Some("w"));
        assert_eq!(given("z[i] = 2;"), None);
        assert_eq!(component("let r[i] <- R @ {P[i]};").as_deref(), Some("r"));
        assert_eq!(component("z[i] = x[i]*y[i];").as_deref(), Some("z"));
        assert_eq!(component("P[i] -> P[i-1]: z[i];").as_deref(), Some("z"));
        assert_eq!(component("let (t, w) = f(x);"), None);
    }
}
