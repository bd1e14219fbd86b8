//! The page about generated code quotes code that is generated now.
//!
//! A quotation is a fenced block after `<!-- src/FILE -->`. It stands for the lines of that file from
//! the block's first line on, as many as the block has. `SMPC_UPDATE=1 cargo test -p smpc-driver`
//! writes the present lines into the page, up to the block's last line.

use smpc_codegen::Runtime;
use smpc_driver::{Binding, compile};
use smpc_grammar::Sources;
use std::fs;
use std::path::Path;

const SCRIPT: &str = "examples/embedded/src/mean.smpc";

/// The lines of a file from `first` to the next `last`.
fn between<'t>(text: &'t str, first: &str, last: &str) -> Option<Vec<&'t str>> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| *line == first)?;
    let length = lines[start..].iter().position(|line| *line == last)?;
    Some(lines[start..=start + length].to_vec())
}

#[test]
fn the_page_quotes_what_is_generated() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Sources::new();
    let binding = Binding {
        base: root.clone(),
        ..Binding::default()
    };
    let compiled = compile(&mut sources, SCRIPT.as_ref(), &binding)
        .unwrap_or_else(|failure| panic!("{}", failure.lines(&sources).join("\n")));
    let runtime = Runtime::Version("0.1.0".to_owned());
    let files = compiled.package(&sources, "mean", runtime, &[]).unwrap();
    let page = root.join("docs/generated.md");
    let text = fs::read_to_string(&page).unwrap();
    let mut out: Vec<String> = vec![];
    let mut lines = text.lines();
    let mut quotations = 0;
    while let Some(line) = lines.next() {
        out.push(line.to_owned());
        let named = line
            .strip_prefix("<!-- ")
            .and_then(|l| l.strip_suffix(" -->"));
        let Some(file) = named else { continue };
        let file = match files.iter().find(|f| f.path == file) {
            Some(file) => file.text.clone(),
            None => {
                assert_eq!(file, SCRIPT, "there is no such file");
                fs::read_to_string(root.join(SCRIPT)).unwrap()
            }
        };
        out.push(lines.next().unwrap_or_default().to_owned());
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let (first, last) = (block.first().unwrap(), block.last().unwrap());
        let found = between(&file, first, last)
            .unwrap_or_else(|| panic!("no lines from `{first}` to `{last}`"));
        out.extend(found.into_iter().map(str::to_owned));
        out.push("```".to_owned());
        quotations += 1;
    }
    assert!(quotations >= 5, "the page quotes too little");
    named_in_code(&text, &files, &compiled.bound.backend);
    let now = out.join("\n") + "\n";
    if std::env::var_os("SMPC_UPDATE").is_some() {
        fs::write(&page, now).unwrap();
    } else {
        assert_eq!(text, now);
    }
}

/// What the points below the steps name between backquotes is a file, or stands as a word in the party's steps or in what
/// they call.
fn named_in_code(page: &str, files: &[smpc_codegen::File], scheme: &str) {
    let (_, section) = page.split_once("## The steps").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let (_, points) = section.rsplit_once("```\n").unwrap();
    let code = files.iter();
    let code = code.filter(|f| ["src/north.rs", "src/protocols.rs"].contains(&f.path.as_str()));
    let code: String = code.map(|file| file.text.as_str()).collect();
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let stands = |named: &str| {
        code.match_indices(named).any(|(at, _)| {
            let (before, after) = (&code[..at], &code[at + named.len()..]);
            let inside = named.ends_with(letter) && after.starts_with(letter);
            !(before.ends_with(letter) || inside)
        })
    };
    let named: Vec<&str> = points.split('`').skip(1).step_by(2).collect();
    assert!(named.len() >= 8, "{named:?}");
    for named in named {
        let known = named == scheme || files.iter().any(|file| file.path == named);
        assert!(known || stands(named), "`{named}` is nowhere in the code");
    }
}
