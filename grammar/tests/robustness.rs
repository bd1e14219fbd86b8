//! Hostile and broken text: errors, never a panic, never a hang.

use proptest::prelude::*;
use smpc_grammar::{
    ast::{FileId, ItemKind},
    decode, diagnostic, format, parse, token,
};

fn codes(text: &str) -> Vec<&'static str> {
    parse(FileId(0), text)
        .diagnostics
        .iter()
        .map(|error| error.code)
        .collect()
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("x[", "]")] {
        let text = format!(
            "let x = {}1{};",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        assert_eq!(codes(&text), [diagnostic::NESTING], "{open}");
    }
    let blocks = format!("{}{}", "if a { ".repeat(50_000), "}".repeat(50_000));
    assert_eq!(codes(&blocks), [diagnostic::NESTING]);
    let twice = format!(
        "let x = {0}1{1};\nlet y = {0}1{1};",
        "(".repeat(5000),
        ")".repeat(5000)
    );
    assert_eq!(codes(&twice), [diagnostic::NESTING, diagnostic::NESTING]);
}

#[test]
fn long_chains_are_refused() {
    for link in [
        "1 + ",
        "-",
        "1 ^ ",
        "!",
        "share ",
        "reveal ",
        "(x) => ",
        "a and ",
        "A<",
        "{1} in ",
        "if a {} else ",
        "if a ",
        "x.",
        "x as ",
        "f<a>(x) < ",
        "reveal(x) + ",
        "|x| + ",
    ] {
        let text = format!("let x = {}1;", link.repeat(100_000));
        assert!(!codes(&text).is_empty(), "{link}");
    }
    for suffix in [".0", ".a", "(1)", "[1]", " as int", ".[0]", "[A<1, 2>]"] {
        let text = format!("let x = y{};", suffix.repeat(100_000));
        assert_eq!(codes(&text), [diagnostic::NESTING], "{suffix}");
    }
    for (open, close) in [
        ("A<", ">"),
        ("A<B, ", ">"),
        ("A<B[2], ", ">"),
        ("(A, ", ")"),
    ] {
        let text = format!("let x: {}C{};", open.repeat(50_000), close.repeat(50_000));
        assert_eq!(codes(&text), [diagnostic::NESTING], "{open}");
    }
}

#[test]
fn nesting_within_the_bound_parses() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("x[", "]"),
        ("share (", ")"),
        ("(a, b) => (", ")"),
        ("(1, ", ")"),
        ("{", "}"),
        ("f<a>(", ")"),
        ("[1; ", "]"),
        ("reveal(", ")"),
    ] {
        let text = format!("let x = {}1{};", open.repeat(80), close.repeat(80));
        assert!(
            codes(&text).is_empty(),
            "{open} {:?}",
            parse(FileId(0), &text).diagnostics
        );
    }
    let parens = format!("let x = {}1{};", "(".repeat(250), ")".repeat(250));
    assert!(codes(&parens).is_empty());
    let blocks = format!("{}{}", "if a { ".repeat(120), "}".repeat(120));
    assert!(codes(&blocks).is_empty());
    let types = format!("let x: {}C{};", "A<B, ".repeat(200), ">".repeat(200));
    assert!(codes(&types).is_empty());
    let mixed = format!("let x: {}2{};", "A<B[2], ".repeat(100), "> + 1".repeat(100));
    assert!(!codes(&mixed).is_empty());
}

#[test]
fn long_programs_are_not_deep() {
    let loops = "for i in 0..3 { x += 1; }\nif a < b { y = 2; } else { y = 3; }\n".repeat(2000);
    assert!(codes(&loops).is_empty());
    let list = format!("let x = [{}];", "1 + 2, -3, f(x)[0], ".repeat(5000));
    assert!(codes(&list).is_empty());
}

#[test]
fn errors_of_several_items_are_reported_together() {
    let text = "party a, b;\nlet x = ;\nfn f(x: int) -> int {\n    let y = 1 +;\n    let z = 2;\n    let = 3;\n    z\n}\nlet w = (1;\nreveal x;\n";
    let parsed = parse(FileId(0), text);
    let lines: Vec<usize> = parsed
        .diagnostics
        .iter()
        .map(|error| text[..error.span.start as usize].matches('\n').count() + 1)
        .collect();
    assert_eq!(lines, [2, 4, 6, 9], "{:#?}", parsed.diagnostics);
    let kinds: Vec<bool> = parsed
        .module
        .items
        .iter()
        .map(|item| item.kind == ItemKind::Error)
        .collect();
    assert_eq!(kinds.first(), Some(&false));
    assert_eq!(kinds.iter().filter(|broken| **broken).count(), 3);
}

#[test]
fn empty_and_undecodable_files_are_coded() {
    assert_eq!(codes(""), [diagnostic::EMPTY]);
    assert_eq!(codes("// nothing\n"), [diagnostic::EMPTY]);
    assert_eq!(decode(b"a\n\xff").unwrap_err().code, diagnostic::ENCODING);
    assert_eq!(decode(b"\xef\xbb\xbfx").unwrap(), "x");
    assert_eq!(codes("let x = \"open;\n"), [diagnostic::CHARACTER]);
    assert_eq!(codes("let x = é;"), [diagnostic::CHARACTER]);
}

fn corpus() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    ["schemes", "programs"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect()
}

fn survives(text: &str) {
    let parsed = parse(FileId(0), text);
    for error in &parsed.diagnostics {
        assert!(error.span.end as usize <= text.len());
        assert!(text.is_char_boundary(error.span.start as usize));
        assert!(text.is_char_boundary(error.span.end as usize));
    }
    let tokens = token::tokenize(text);
    let mut end = 0;
    for token in tokens {
        assert_eq!(token.range.start, end);
        end = token.range.end;
    }
    assert_eq!(end, text.len());
    if let Ok(once) = format(text) {
        assert_eq!(format(&once).as_deref(), Ok(once.as_str()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_string(text in "\\PC{0,200}") {
        survives(&text);
    }

    #[test]
    fn any_words(words in prop::collection::vec(prop::sample::select(vec![
        "let", "x", "=", "1", ";", "(", ")", "[", "]", "{", "}", "for", "in", "if", "else", "fn",
        "protocol", "->", "<-", "@", "P[i]", ":", ",", "reveal", "share", "as", "<", ">", "..",
        "secret", "while", "max", "leaks", "to", "all", "ensures", "private", "+", "-", "0.5", ".0", "\n", "// c\n",
    ]), 0..60)) {
        survives(&words.join(" "));
    }

    #[test]
    fn mutated_corpus(pick in 0usize..24, cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[-a-z0-9(){}<>;:,.=\\[\\]@\" \n]{0,3}"), 1..4)) {
        let mut text: Vec<char> = corpus()[pick].chars().collect();
        for (at, drop, insert) in cuts {
            let start = at.index(text.len() + 1);
            let end = (start + drop).min(text.len());
            text.splice(start..end, insert.chars());
        }
        survives(&text.into_iter().collect::<String>());
    }
}
