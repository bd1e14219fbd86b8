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
    assert_eq!(entry("fn abs(")["cost"]["rounds"], 11);
    let bytes = entry("fn abs(")["cost"]["bytes"].as_f64();
    assert!(
        bytes.is_some_and(|b| (126.0..127.0).contains(&b)),
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
