//! Every scheme and program of the corpus is the language.

use smpc_grammar::{ast::FileId, format, parse};

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

/// The tree as text, with every span taken out.
fn shape(text: &str) -> String {
    let parsed = parse(FileId(0), text);
    assert!(parsed.diagnostics.is_empty(), "{:#?}", parsed.diagnostics);
    let printed = format!("{:#?}", parsed.module);
    printed
        .lines()
        .filter(|line| {
            !line
                .trim_start()
                .trim_start_matches("span: ")
                .starts_with("@0:")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn formatting_keeps_the_tree_and_comments() {
    for (name, text) in corpus() {
        let once = format(&text).unwrap();
        assert_eq!(shape(&once), shape(&text), "{name}");
        assert_eq!(format(&once).unwrap(), once, "{name}");
        let comments = |text: &str| -> Vec<String> {
            parse(FileId(0), text)
                .trivia
                .comments
                .iter()
                .map(|c| text[c.span.start as usize..c.span.end as usize].to_owned())
                .collect()
        };
        assert_eq!(comments(&once), comments(&text), "{name}");
    }
}
