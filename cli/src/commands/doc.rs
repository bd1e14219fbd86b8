//! `smpc doc`: the reference of the library, from its doc comments and from what its functions cost.

use crate::Answer;
use crate::args::Doc;
use crate::commands::test;
use crate::pipeline;
use crate::problem::{Exit, Failure, Problem};
use crate::reference::{self, Entry};
use serde_json::{Value, json};
use smpc_driver::Binding;
use smpc_driver::called::LENGTH;
use smpc_grammar::Sources;
use smpc_ir::share::Using;
use std::fmt::Write;

/// Under which costs are told.
const SCHEME: &str = "rep3";

/// A module and its functions.
struct Page {
    name: String,
    docs: String,
    entries: Vec<Entry>,
}

/// Prints the reference, or writes `library.md` and `library.html` into a folder.
///
/// # Errors
/// The folder cannot be written.
pub fn doc(sources: &mut Sources, args: &Doc) -> Result<Answer, Failure> {
    let binding = Binding {
        scheme: Some(SCHEME.to_owned()),
        ..Binding::default()
    };
    let backend = pipeline::backend(sources, &Using::default(), &binding)?;
    let mut pages = vec![];
    for target in test::library() {
        let loaded = test::loaded(sources, &target, &binding)?;
        let used = target.trim_start_matches("std::").to_owned();
        let entries = reference::entries(sources, &loaded, &used, &backend)?;
        pages.push(Page {
            name: target,
            docs: loaded.module.docs.clone(),
            entries,
        });
    }
    // What needs no `use` comes first.
    pages.sort_by_key(|page| (page.name != "std::prelude", page.name.clone()));
    let text = markdown(&pages);
    let mut answer = Answer {
        exit: 0,
        json: json!({ "scheme": SCHEME, "modules": pages.iter().map(document).collect::<Vec<_>>() }),
        text: String::new(),
    };
    match &args.output {
        None => answer.text = text,
        Some(folder) => {
            let files = [("library.md", text), ("library.html", html(&pages))];
            for (name, text) in files {
                let path = folder.join(name);
                let written =
                    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
                written.map_err(|error| {
                    let message = format!("the reference cannot be written: {error}");
                    Failure::one(
                        Exit::Usage,
                        Problem::file("I15", message, path.display().to_string()),
                    )
                })?;
                let _ = writeln!(answer.text, "wrote {}", path.display());
            }
        }
    }
    Ok(answer)
}

fn document(page: &Page) -> Value {
    let one = |entry: &Entry| {
        json!({
            "signature": entry.signature,
            "docs": entry.docs,
            "elementwise": entry.elementwise,
            "cost": entry.cost.as_ref().map(|cost| json!({
                "public": cost.public, "needs": cost.needs, "rounds": cost.rounds, "bytes": cost.bytes,
            })),
        })
    };
    json!({ "name": page.name, "docs": page.docs, "functions": page.entries.iter().map(one).collect::<Vec<_>>() })
}

/// What stands before the modules.
fn introduction() -> Vec<String> {
    vec![
        "Every public function of the library. This page is made by `smpc doc` from the doc comments and from cost formulas."
            .to_owned(),
        format!(
            "Rounds and bytes, of all parties together, are what a call on secrets adds under `{SCHEME}` with 64 bits: per element \
             for a function of numbers, which takes tensors element by element; for others with every size {LENGTH}. What a call \
             needs are operations of the scheme, beside `share` and `reveal`. A function called on public or owned values \
             only sends nothing."
        ),
        "Numbers are below 2^46 in magnitude where they have 16 fraction bits, below 2^(62 - f) with f of fewer, whatever the ring: one of 128 \
         bits holds larger ones, and an `int` may be larger that becomes `fix`, but what a function here makes of those is undefined unless its \
         text takes them. With 17 to 32 fraction bits, which want 128 bits, numbers are below 2^63."
            .to_owned(),
    ]
}

fn title(page: &Page) -> String {
    match page.name.as_str() {
        "std::prelude" => "In scope everywhere (`std::prelude`)".to_owned(),
        name => format!("`{name}`"),
    }
}

/// What is known of a call, as a sentence.
fn facts(entry: &Entry) -> Option<String> {
    let cost = entry.cost.as_ref()?;
    let mut text = match (cost.rounds, cost.bytes) {
        (Some(0), Some(0.0)) => "Local: no message".to_owned(),
        (Some(rounds), Some(bytes)) => {
            let per = if entry.elementwise {
                " per element"
            } else {
                ""
            };
            format!("{rounds} rounds, {bytes:.0} bytes{per}")
        }
        _ => "Rounds and bytes depend on what is revealed on the way".to_owned(),
    };
    if !cost.needs.is_empty() {
        let needs: Vec<String> = cost.needs.iter().map(|need| format!("`{need}`")).collect();
        let _ = write!(text, "; needs {}", needs.join(", "));
    }
    if !cost.public.is_empty() {
        let public: Vec<String> = cost.public.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(text, "; {} public", public.join(", "));
    }
    Some(text + ".")
}

/// Doc comments link to what they name; here a name is a name.
fn plain(docs: &str) -> String {
    let lines: Vec<&str> = docs.lines().map(str::trim).collect();
    lines.join("\n").replace("[`", "`").replace("`]", "`")
}

fn markdown(pages: &[Page]) -> String {
    let mut text = "# The library\n\n".to_owned();
    text.push_str(&introduction().join("\n\n"));
    text.push('\n');
    for page in pages {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n",
            title(page),
            plain(&page.docs).trim()
        );
        for entry in &page.entries {
            let _ = write!(
                text,
                "\n### `{}`\n\n{}\n",
                entry.signature,
                plain(&entry.docs).trim()
            );
            if let Some(facts) = facts(entry) {
                let _ = write!(text, "\n{facts}\n");
            }
        }
    }
    text
}

fn html(pages: &[Page]) -> String {
    let mut text = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>The library of smpc</title>\n\
         <style>body { max-width: 50rem; margin: 2rem auto; font-family: sans-serif; line-height: 1.4 } \
         code { background: #f2f2f2 } h3 { font-size: 1rem } .facts { color: #555 }</style>\n<h1>The library</h1>\n"
        .to_owned();
    for paragraph in introduction() {
        let _ = writeln!(text, "<p>{}</p>", inline(&paragraph));
    }
    text.push_str("<ul>\n");
    for page in pages {
        let _ = writeln!(
            text,
            "<li><a href=\"#{}\">{}</a></li>",
            page.name,
            inline(&title(page))
        );
    }
    text.push_str("</ul>\n");
    for page in pages {
        let _ = writeln!(
            text,
            "<h2 id=\"{}\">{}</h2>",
            page.name,
            inline(&title(page))
        );
        paragraphs(&mut text, &page.docs);
        for entry in &page.entries {
            let _ = writeln!(text, "<h3><code>{}</code></h3>", escaped(&entry.signature));
            paragraphs(&mut text, &entry.docs);
            if let Some(facts) = facts(entry) {
                let _ = writeln!(text, "<p class=\"facts\">{}</p>", inline(&facts));
            }
        }
    }
    text.push_str("</html>\n");
    text
}

fn paragraphs(text: &mut String, docs: &str) {
    for paragraph in plain(docs).split("\n\n").filter(|p| !p.trim().is_empty()) {
        let _ = writeln!(text, "<p>{}</p>", inline(paragraph.trim()));
    }
}

/// Text with `code` in it.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            0 => out.push_str(&escaped(part)),
            _ => out.push_str(&format!("<code>{}</code>", escaped(part))),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_html_are_escaped() {
        assert_eq!(
            inline("a < b is `f<n>(x)`"),
            "a &lt; b is <code>f&lt;n&gt;(x)</code>"
        );
    }
}
