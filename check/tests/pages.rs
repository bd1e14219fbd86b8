//! Each page explains its code by scripts that fail and do not fail with it.

use smpc_check::{NoFiles, Options, check, codes, explain};
use smpc_grammar::Sources;

/// The codes of a script's errors.
fn found(script: &str) -> Vec<&'static str> {
    let mut sources = Sources::new();
    let root = sources.add("page", script);
    match check(&mut sources, root, &NoFiles, &Options::default()) {
        Ok(_) => vec![],
        Err(errors) => errors.into_iter().map(|e| e.code).collect(),
    }
}

#[test]
fn the_wrong_example_fails_with_the_code_and_the_right_one_checks() {
    for code in codes() {
        let page = explain(code).expect("a page");
        let scripts: Vec<&str> = page
            .split("```smpc\n")
            .skip(1)
            .filter_map(|s| s.split("```").next())
            .collect();
        let [wrong, right] = scripts.as_slice() else {
            panic!("{code}: two examples")
        };
        assert!(found(wrong).contains(&code), "{code}: {:?}", found(wrong));
        assert_eq!(
            found(right),
            Vec::<&str>::new(),
            "{code}: the right example"
        );
    }
}

#[test]
fn every_code_in_the_sources_has_a_page() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut used = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        for part in text.split('"') {
            let bytes = part.as_bytes();
            if bytes.len() == 3
                && b"ANTDKRU".contains(&bytes[0])
                && bytes[1..].iter().all(u8::is_ascii_digit)
            {
                used.insert(part.to_owned());
            }
        }
    }
    for code in used {
        assert!(explain(&code).is_some(), "{code} has no page");
    }
}
