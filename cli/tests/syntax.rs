//! What a user sees of broken text: a code, a place, exit code 1, and no panic.

mod common;

use common::{folder, json, smpc, write};

/// Checks one text and gives what stands on standard error.
fn check(name: &str, text: impl AsRef<[u8]>) -> String {
    let base = folder(&format!("syntax_{name}"));
    write(&base, "s.smpc", text);
    let ran = smpc(&base, &["check", "s.smpc"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(ran.out, "");
    ran.err
}

#[test]
fn two_broken_statements() {
    let text = "party alice;\nlet a = ;\nlet b = 2;\nlet c = * 3;\n";
    insta::assert_snapshot!(check("two", text));
}

#[test]
fn unbalanced_braces() {
    let text = "party alice;\nfn f(x: int) -> int {\n    if x > 1 { 2 } else { 3 }\n";
    insta::assert_snapshot!(check("braces", text));
}

#[test]
fn the_wrong_bracket() {
    insta::assert_snapshot!(check("bracket", "let x = (1 + 2];\n"));
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(check("empty", ""));
}

#[test]
fn only_comments() {
    assert!(check("comments", "// nothing\n").contains("S04"));
}

#[test]
fn no_text() {
    insta::assert_snapshot!(check("bytes", b"party alice;\nlet x = \xff\xfe;\n"));
}

#[test]
fn a_foreign_character() {
    insta::assert_snapshot!(check("character", "let price = 5 $ 3;\n"));
}

#[test]
fn a_hundred_thousand_parentheses() {
    let text = format!("let x = {}1{};\n", "(".repeat(100_000), ")".repeat(100_000));
    assert!(check("deep", text).contains("error[S03]"));
    assert!(check("open", "(".repeat(100_000)).contains("error[S"));
}

#[test]
fn characters_of_several_bytes_are_pointed_at_rightly() {
    insta::assert_snapshot!(check("wide", "let x = \"größer\" + ;\n"));
}

#[test]
fn machines_get_line_and_column() {
    let base = folder("syntax_json");
    write(&base, "s.smpc", "party alice;\nlet a = ;\n");
    let ran = smpc(&base, &["check", "s.smpc", "--json"]);
    assert_eq!(ran.code, 1);
    let error = &json(&ran)["errors"][0];
    assert_eq!(error["code"], "S01");
    assert_eq!(error["place"]["line"], 2);
    assert_eq!(error["place"]["column"], 9);
}

#[test]
fn a_function_that_costs_more_than_it_promises() {
    let text = "party alice, bob;\ninput x: [fix; n] from alice;\n\n\
                /// The least.\nfn least<n>(xs: [fix; n]) -> fix\n    cost rounds <= 25\n    cost messages <= 5\n\
                { min(xs) }\n\nreveal least(share x) to bob as m;\nleaks n to all, m to bob;\n";
    insta::assert_snapshot!(check("cost", text));
}
