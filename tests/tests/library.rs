//! The embedded library fits the grammar.

use smpc_grammar::{ast::FileId, parse};

#[test]
fn every_module_parses() {
    for module in smpc_stdlib::modules() {
        let parsed = parse(FileId(0), module.text);
        if let Some(error) = parsed.diagnostics.first() {
            let line = module.text[..error.span.start as usize].lines().count();
            panic!("{}:{line}: {} {}", module.path, error.code, error.message);
        }
    }
}

#[test]
fn every_program_parses() {
    for (name, text) in smpc_tests::programs() {
        let parsed = parse(FileId(0), &text);
        if let Some(error) = parsed.diagnostics.first() {
            let line = text[..error.span.start as usize].lines().count();
            panic!("{name}:{line}: {} {}", error.code, error.message);
        }
    }
}

#[test]
fn every_example_of_the_reference_parses() {
    let blocks = smpc_tests::reference_blocks();
    assert!(blocks.len() > 10, "the reference has examples");
    for block in blocks {
        let parsed = parse(FileId(0), &block.text);
        if let Some(error) = parsed.diagnostics.first() {
            let line = block.line + block.text[..error.span.start as usize].lines().count();
            panic!("docs/language.md:{line}: {} {}", error.code, error.message);
        }
    }
}
