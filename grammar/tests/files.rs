//! Every script and scheme of the project fits the grammar; so do those kept here, which use what
//! later parts of the language give a meaning to.

use std::fs;
use std::path::Path;

use smpc_grammar::ast::FileId;
use smpc_grammar::parse;

fn all_fit(folder: &str, at_least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(&path)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|file| file.extension().is_some_and(|e| e == "smpc"))
        .collect();
    files.sort();
    assert!(
        files.len() >= at_least,
        "{folder} has {} files",
        files.len()
    );
    for file in files {
        let text = fs::read_to_string(&file).expect("a script is text");
        if let Some(error) = parse(FileId(0), &text).diagnostics.first() {
            let line = text[..error.span.start as usize].lines().count();
            panic!(
                "{}:{line}: {} {}",
                file.display(),
                error.code,
                error.message
            );
        }
    }
}

#[test]
fn programs() {
    all_fit("tests/corpus/programs", 14);
}

#[test]
fn schemes() {
    all_fit("tests/corpus/schemes", 10);
}

#[test]
fn the_library() {
    all_fit("../stdlib/schemes", 10);
}

#[test]
fn the_examples() {
    all_fit("../examples", 8);
}
