//! The examples of the language reference check, or fail with the code on their fence.

use smpc_grammar::Sources;
use smpc_protocol::Library;
use smpc_tests::pipeline::{codes, shown};

#[test]
fn examples_of_scripts_check() {
    let mut wrong = Vec::new();
    for block in smpc_tests::reference_blocks() {
        if block.is("fragment") || block.is("scheme") {
            continue;
        }
        let found = codes(&block.text);
        let right = match block.error() {
            Some(code) => found.contains(&code),
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
