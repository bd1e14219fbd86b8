//! The examples of the language reference check, or fail with the code on their fence.

use smpc_driver::{Binding, compile};
use smpc_grammar::Sources;
use smpc_protocol::Library;
use smpc_tests::pipeline::{codes, shown};
use smpc_tests::process::Folder;

/// The codes of a script whose functions promise costs, which a backend decides.
fn costly(text: &str) -> Vec<String> {
    let folder = Folder::new("reference");
    let path = folder.write("script.smpc", text);
    match compile(&mut Sources::new(), &path, &Binding::default()) {
        Ok(_) => vec![],
        Err(failure) => failure.problems.into_iter().map(|p| p.code).collect(),
    }
}

#[test]
fn examples_of_scripts_check() {
    let mut wrong = Vec::new();
    for block in smpc_tests::reference_blocks() {
        if block.is("fragment") || block.is("scheme") {
            continue;
        }
        let found = codes(&block.text).into_iter();
        let mut found: Vec<String> = found.map(str::to_owned).collect();
        if found.is_empty() && block.text.contains("cost ") {
            found = costly(&block.text);
        }
        let right = match block.error() {
            Some(code) => found.iter().any(|f| f == code),
            None => found.is_empty(),
        };
        if !right {
            wrong.push(format!("docs/language.md:{}: {found:?}", block.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_of_schemes_check() {
    let mut wrong = Vec::new();
    for block in smpc_tests::reference_blocks()
        .iter()
        .filter(|b| b.is("scheme"))
    {
        let mut sources = Sources::new();
        let mut library = Library::standard(&mut sources);
        let file = sources.add("mine.smpc", &block.text);
        let mut found = library.add(file, &block.text);
        found.extend(library.check_file(file));
        let right = match block.error() {
            Some(code) => found.iter().any(|e| e.code == code),
            None => found.is_empty(),
        };
        if !right {
            wrong.extend(found.iter().map(|e| shown(&sources, e)));
            wrong.push(format!("docs/language.md:{}", block.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
