//! Every scheme and program of the corpus is the language.

use smpc_grammar::{ast::FileId, parse};

fn corpus() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files = Vec::new();
    for folder in ["schemes", "programs"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            files.push((
                path.file_name().unwrap().to_string_lossy().into_owned(),
                text,
            ));
        }
    }
    files.sort();
    files
}

#[test]
fn parses_without_diagnostics() {
    let files = corpus();
    assert_eq!(files.len(), 24);
    let mut failed = Vec::new();
    for (name, text) in files {
        for error in parse(FileId(0), &text).diagnostics {
            let line = text[..error.span.start as usize].matches('\n').count() + 1;
            failed.push(format!("{name}:{line}: {} {:?}", error.message, error.help));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
