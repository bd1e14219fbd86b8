//! `smpc doc`, and the page it makes.

mod common;

use common::{folder, json, smpc};
use std::path::Path;

/// `SMPC_UPDATE=1 cargo test -p smpc-cli --test documentation` writes the page.
#[test]
fn the_page_of_the_library_is_fresh() {
    let base = folder("documentation");
    let ran = smpc(&base, &["doc", "-o", "made"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let made = std::fs::read_to_string(base.join("made/library.md")).expect("the page");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/library.md");
    if std::env::var_os("SMPC_UPDATE").is_some() {
        std::fs::write(&page, &made).expect("a writable page");
    }
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    let differs = made.lines().zip(kept.lines()).find(|(a, b)| a != b);
    assert!(made == kept, "docs/library.md is stale: {differs:?}");
    let html = std::fs::read_to_string(base.join("made/library.html")).expect("the other page");
    assert!(html.contains("<h3><code>fn max(a: num, b: num) -&gt; num</code></h3>"));
}

/// The numbers in front of "rounds" in a text, but for differences and for rounds of each step.
fn stated_rounds(text: &str) -> Vec<u64> {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .collect();
    let at = |i: usize| words.get(i).copied().unwrap_or_default();
    let places = (1..words.len()).filter(|i| {
        at(*i) == "rounds" && !matches!(at(i + 1), "more" | "less" | "per" | "for" | "each")
    });
    places.filter_map(|i| at(i - 1).parse().ok()).collect()
}

#[test]
fn what_doc_comments_say_of_rounds_is_measured() {
    assert_eq!(
        stated_rounds("a: 22 rounds. 16 rounds per step, 3 rounds more; (21 rounds)"),
        [22, 21]
    );
    let found = json(&smpc(&folder("documentation_rounds"), &["doc", "--json"]));
    let (mut compared, mut wrong) = (0, vec![]);
    for module in found["modules"].as_array().expect("modules") {
        for function in module["functions"].as_array().expect("functions") {
            let rounds = function["cost"]["rounds"].as_u64();
            let (true, Some(rounds)) = (function["elementwise"] == true, rounds) else {
                continue;
            };
            for stated in stated_rounds(function["docs"].as_str().unwrap_or_default()) {
                compared += 1;
                if stated != rounds {
                    wrong.push(format!("{}: {stated}, not {rounds}", function["signature"]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared >= 15, "{compared} numbers");
}

/// What the reference says of integer comparisons and of division, as bounds that a function keeps, and one less, which it does not.
#[test]
fn what_the_reference_says_of_rounds_is_measured() {
    let base = folder("documentation_reference");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md");
    let page = std::fs::read_to_string(page).expect("the reference");
    let words: Vec<&str> = page.split_whitespace().collect();
    let after = |text: &str| -> Vec<i64> {
        let text: Vec<&str> = text.split_whitespace().collect();
        let at = words.windows(text.len()).position(|w| w == text);
        let at = at.unwrap_or_else(|| panic!("{text:?} is not in the reference")) + text.len();
        let numbers = words[at..]
            .iter()
            .take(24)
            .filter_map(|w| w.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok());
        numbers.collect()
    };
    let compared = after("their difference: under `rep3`");
    let [rounds, _, _, sign, ..] = compared[..] else {
        panic!("{compared:?}");
    };
    let divided = after("dividing by a secret is a protocol of")[0];
    let check = |less: i64| {
        let text = format!(
            "fn less(x: int, y: int) -> bool cost rounds <= {} {{ x < y }}\n\
             fn negative(x: int) -> bool cost rounds <= {} {{ x < 0 }}\n\
             fn over(x: fix, y: fix) -> fix cost rounds <= {} {{ x / y }}\n\
             party alice; input x: int from alice; let s = share x;\n\
             reveal [less(s, s + s * s), negative(s * s)] as a; reveal over(1.0 * s, 2.0 * s) as b;\n\
             leaks a, b to all;",
            rounds - less,
            sign - less,
            divided - less
        );
        std::fs::write(base.join("bounds.smpc"), text).expect("a file");
        smpc(&base, &["check", "bounds.smpc", "--scheme", "rep3"])
    };
    let kept = check(0);
    assert_eq!(kept.code, 0, "{}{}", kept.out, kept.err);
    let broken = check(1);
    assert_eq!(
        broken.err.matches("error[C01]").count(),
        3,
        "{}",
        broken.err
    );
}

#[test]
fn costs_are_those_of_the_table() {
    let ran = smpc(&folder("documentation_costs"), &["doc", "--json"]);
    let found = json(&ran);
    let entry = |signature: &str| {
        let modules = found["modules"].as_array().expect("modules").iter();
        let mut all = modules.flat_map(|m| m["functions"].as_array().expect("functions"));
        let entry = all.find(|f| {
            f["signature"]
                .as_str()
                .is_some_and(|s| s.starts_with(signature))
        });
        entry
            .cloned()
            .unwrap_or_else(|| panic!("{signature} is missing"))
    };
    // docs/accuracy.md measures these, where a neighbour may save a round.
    assert_eq!(entry("fn abs(")["cost"]["rounds"], 7);
    let bytes = entry("fn abs(")["cost"]["bytes"].as_f64();
    assert!(
        bytes.is_some_and(|b| (86.0..87.0).contains(&b)),
        "{bytes:?}"
    );
    assert_eq!(entry("fn exp2(")["cost"]["rounds"], 16);
    let needs = entry("fn abs(")["cost"]["needs"].to_string();
    assert!(needs.contains("mul"), "{needs}");
    // The number of classes is public, the values are not.
    assert_eq!(
        entry("fn histogram<n>")["cost"]["public"],
        serde_json::json!(["k"])
    );
    assert_eq!(
        entry("fn one_hot(")["cost"]["public"],
        serde_json::json!(["n"])
    );
    assert_eq!(entry("fn prefix_sums<n>")["cost"]["bytes"], 0.0);
    assert_eq!(entry("fn sqrt(")["cost"]["public"], serde_json::json!([]));
}
