//! How generated code reads.

use std::collections::BTreeMap;

use smpc_codegen::{Options, Runtime};
use smpc_grammar::Sources;
use smpc_ir::{lower, party};
use smpc_tests::case::Case;
use smpc_tests::pipeline;
use smpc_tests::run::Backend;

/// The files of a script's crate under a backend, by their paths.
fn files(text: &str, backend: &str) -> BTreeMap<String, String> {
    let program = pipeline::checked(text, &Case::read(text)).unwrap();
    let bound = Backend::new(backend, &[]).bind().unwrap();
    let lowered = lower::lower(&program, &bound, lower::Options::default()).unwrap();
    let valid = party::validate(&lowered).unwrap();
    let mut sources = Sources::new();
    sources.add("script.smpc", text);
    let options = Options::new("script", Runtime::Version("0.1.0".to_owned()));
    let files = smpc_codegen::generate(valid, &sources, &options).unwrap();
    files.into_iter().map(|f| (f.path, f.text)).collect()
}

/// What the dealer and a server do for a choice, without comments.
fn parts(choice: &str) -> [String; 2] {
    let text = format!(
        "party alice, bob;\nparam on: bool = true;\nparam c: int = 0;\ninput x: [int; 3] from alice;\n\
         let s = share x;\nlet mut y = s[0];\n{choice}\nreveal y to bob as y;\nleaks y to bob;"
    );
    let files = files(&text, "additive");
    ["src/t.rs", "src/p_0.rs"].map(|file| {
        let lines = files[file].lines();
        let code = lines.filter(|line| !line.trim_start().starts_with("//"));
        code.collect::<Vec<_>>().join("\n")
    })
}

/// Arms that cost the dealer the same are no choice for it, however their values are numbered: an `if` with equal blocks
/// would be one that clippy refuses.
#[test]
fn arms_that_are_equal_up_to_names_are_written_once() {
    for (choice, others) in [
        ("if on { y = s[0] * s[1]; } else { y = s[1] * s[2]; }", 0),
        (
            "if on { y = s[0] * s[1] * y; } else { y = s[1] * s[2] * y; }",
            0,
        ),
        ("if on { y = max(s[0], 3); } else { y = min(s[1], 3); }", 0),
        // The arm around the inner choice makes that.
        (
            "if c == 0 { y = s[0] * s[1]; } else { if c == 1 { y = s[1] * s[2]; } else { y = s[2] * s[0]; } }",
            1,
        ),
    ] {
        let [dealer, server] = parts(choice);
        assert!(dealer.contains("arm("), "{choice}: {dealer}");
        assert_eq!(
            dealer.matches(" else ").count(),
            others,
            "{choice}: {dealer}"
        );
        assert_eq!(
            server.matches(" else ").count(),
            others + 1,
            "{choice}: {server}"
        );
    }
}

/// Arms that differ in more than names stay two: in what they cost, and in the lines that errors name.
#[test]
fn arms_that_differ_are_two() {
    for choice in [
        "if on { y = s[0] * s[1]; } else { y = s[1] * s[2] * s[0]; }",
        "if on { y = s[0] * s[1]; } else { y = sum(s * s); }",
        "if on { y = s[0] * s[1]; } else {\n    y = s[1] * s[2];\n}",
    ] {
        let [dealer, _] = parts(choice);
        assert!(dealer.contains(" else "), "{choice}: {dealer}");
    }
}

/// Members of structs are called as columns of inputs are; positions of tuples are numbers.
#[test]
fn members_of_outputs_have_their_names() {
    let text = "\
party alice, bob;
struct Item { name: text<4>, unitPrice: fix, type: int }
input items: [Item; n] from alice;
let s = share items;
let (total, count) = (sum(s.unitPrice), sum(s.type));
reveal s to bob as book;
reveal (total, count) to bob as both;
reveal (s, total, (count, total)) to bob as mixed;
leaks n to all, book to bob, both to bob, mixed to bob;";
    let files = files(text, "rep3");
    let fields = |party: &str, of: &str| -> Vec<String> {
        let (_, after) = files[party]
            .split_once(&format!("pub struct {of} {{"))
            .unwrap();
        let (fields, _) = after.split_once("\n}").unwrap();
        let fields = fields
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub "));
        let names = fields.map(|field| field.split(':').next().unwrap().to_owned());
        names.collect()
    };
    let given = ["items_name", "items_unit_price", "items_type"];
    assert_eq!(fields("src/alice.rs", "Inputs"), given);
    // Errors name them as the script does.
    let (_, steps) = files["src/alice.rs"].split_once("fn steps(").unwrap();
    let (_, after) = steps
        .split_once("inputs.items_unit_price.as_ref(),")
        .unwrap();
    assert!(
        after.trim_start().starts_with("\"items.unitPrice\","),
        "{steps}"
    );
    let told = [
        "book_name",
        "book_unit_price",
        "book_type",
        "both_0",
        "both_1",
        "mixed_0_name",
        "mixed_0_unit_price",
        "mixed_0_type",
        "mixed_1",
        "mixed_2_0",
        "mixed_2_1",
    ];
    assert_eq!(fields("src/bob.rs", "Outputs"), told);
    assert!(files["src/bob.rs"].contains("book_type: once(\"book\", &out.book_type)?"));
}
