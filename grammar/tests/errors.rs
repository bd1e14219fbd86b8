//! What does not fit has a code; one broken statement hides no other; nothing panics.

use proptest::prelude::*;
use smpc_grammar::ast::FileId;
use smpc_grammar::parse;

fn codes(text: &str) -> Vec<&'static str> {
    let parsed = parse(FileId(0), text);
    parsed.diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn each_mistake_has_its_code() {
    assert_eq!(codes("let x = ;"), ["S01"]);
    assert_eq!(codes("let x = (1 + 2;"), ["S02"]);
    assert_eq!(codes(""), ["S04"]);
    assert!(codes(&"(".repeat(100_000)).contains(&"S03"));
}

#[test]
fn text_reads_as_it_is_computed() {
    assert_eq!(codes("let x = 1; // \u{202e}c"), ["S06"]);
    assert_eq!(codes("let x = \"\u{2066}a\";"), ["S06"]);
    assert_eq!(
        codes("/// \u{5e9}\u{5dc}\u{5d5}\u{5dd}\nlet x = 1;"),
        [""; 0]
    );
    assert_eq!(codes("\u{202d}let x = 1;").len(), 2);
}

#[test]
fn several_mistakes_are_told_at_once() {
    let text = "let a = ;\nlet b = 2;\nlet c = * 3;\n";
    assert_eq!(codes(text), ["S01", "S01"]);
}

/// As other programs print numbers.
#[test]
fn exponents_are_written_out() {
    for (given, written) in [
        ("4.8e-05", "0.000048"),
        ("2e3", "2000"),
        ("-4.8E+5", "480000.0"),
        ("1_234.5678e2", "123456.78"),
        ("12.5e-1", "1.25"),
    ] {
        let parsed = parse(FileId(0), &format!("let x = {given};"));
        let help = parsed.diagnostics[0].help.as_deref().unwrap_or("");
        let wanted = format!("numbers have no exponent: write `{written}`");
        assert_eq!(help, wanted, "{given}");
    }
    let far = parse(FileId(0), "let x = 1e999;");
    let help = far.diagnostics[0].help.as_deref();
    assert_eq!(help, Some("numbers have no exponent"));
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _ = codes(&text);
    }

    #[test]
    fn no_heap_of_tokens_panics(tokens in proptest::collection::vec(
        proptest::sample::select(vec![
            "let", "x", "=", "(", ")", "[", "]", "{", "}", "if", "secret", "else", "for", "each", "P", "->", "<-",
            "@", "share", "reveal", "1", "2.5", "\"", "//", "\n", ";", ",", ":", "..", ".[", "<", ">", "é", "fn",
        ]), 0..60)) {
        let _ = codes(&tokens.join(" "));
    }
}
