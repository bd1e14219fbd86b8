//! Documentation: carried over from the script, or made from declarations.

use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use smpc_ir::local::Source;
use smpc_ir::share::Type;

/// The `//!` lines at the head of the script.
pub(crate) fn head(sources: &Sources, file: FileId) -> Vec<String> {
    let text = sources.get(file).map_or("", |file| &file.text);
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(str::to_owned).collect()
}

/// The `///` lines above the line of a declaration.
pub(crate) fn above(sources: &Sources, source: Source) -> Vec<String> {
    let text = sources.get(FileId(source.file)).map_or("", |f| &f.text);
    let before = text.get(..source.start as usize).unwrap_or("");
    let mut lines: Vec<String> = before
        .lines()
        // The line of the declaration itself, unless the place is its very start.
        .rev()
        .skip(usize::from(!before.ends_with('\n')))
        .map_while(|line| line.trim().strip_prefix("///").map(str::to_owned))
        .collect();
    lines.reverse();
    lines
}

/// The script's words, if any, then our own as a paragraph.
pub(crate) fn joined(mut script: Vec<String>, own: &str) -> Vec<String> {
    if !script.is_empty() {
        script.push(String::new());
    }
    script.push(format!(" {own}"));
    script
}

/// How a type's values look in Rust, for readers of the documentation.
pub(crate) fn kind(ty: Type, text: bool) -> String {
    let name = ty.shown(text);
    match ty {
        Type::Fix(f) => format!("`{name}`, numbers of which shares keep {f} binary places"),
        Type::Bits(m) if text => format!("`{name}`, at most {} bytes, none of them zero", m / 8),
        _ => format!("`{name}`"),
    }
}
