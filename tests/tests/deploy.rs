//! The page on deployment is carried out as it is copied.

use std::fs;
use std::process::Command;

use smpc_tests::process::{Folder, ports, smpc, start};
use smpc_tests::root;

/// The contents of the page's blocks in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut found = vec![];
    let mut rest = page;
    let fence = format!("```{language}\n");
    while let Some(at) = rest.find(&fence) {
        rest = &rest[at + fence.len()..];
        let end = rest.find("```").expect("a block ends");
        found.push(rest[..end].to_owned());
        rest = &rest[end + 3..];
    }
    found
}

#[test]
fn the_page_runs() {
    let page = fs::read_to_string(root().join("docs/deploy.md")).expect("the page");
    let folder = Folder::new("deploy");
    // Free ports instead of the usual ones, ten apart.
    let (first, second) = (ports(10)[0], ports(10)[0]);
    let script = blocks(&page, "sh")
        .concat()
        .replace("-o keys\n", &format!("-o keys --port {first}\n"))
        .replace("--port 7011", &format!("--port {second}"))
        .replace(
            "smpc party alice pay.smpc",
            "smpc party alice pay.smpc 2>alice.log >alice.txt",
        );
    let path = format!(
        "{}:{}",
        smpc().parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    folder.write("page.sh", &script);
    let mut shell = Command::new("sh");
    shell
        .args(["-e", "page.sh"])
        .current_dir(folder.path(""))
        .env("PATH", path);
    let ended = start("sh", &mut shell).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
    for name in ["alice", "bob", "carol"] {
        let file = folder.path(&format!("results/{name}/average.csv"));
        let average = fs::read_to_string(&file).expect("an output");
        assert!(average.starts_with("4398.583"), "{average}");
    }
    // The example text is what comes, but for the time it took and the last digit, which depends
    // on the coins of the truncation.
    let told = fs::read_to_string(folder.path("alice.txt")).expect("an answer");
    let without = |text: &str| {
        let text = &text[..text.rfind(" in ").expect("a time")];
        let (average, counts) = text.split_once('\n').expect("two lines");
        (average[..average.len() - 1].to_owned(), counts.to_owned())
    };
    assert_eq!(without(&told), without(&blocks(&page, "text")[0]));
    // Simulated, prepared and not: one answer.
    assert_eq!(
        ended.stdout.matches("dot to all: 0.5").count(),
        4,
        "{}",
        ended.stdout
    );
    assert!(folder.path("T.prepared.used").exists() && !folder.path("T.prepared").exists());
}

#[test]
fn the_page_quotes_the_example() {
    let page = fs::read_to_string(root().join("docs/deploy.md")).expect("the page");
    let example = root().join("examples/embedded/src/main.rs");
    let example = fs::read_to_string(example).expect("the example");
    let quoted = blocks(&page, "rust");
    assert_eq!(quoted.len(), 1);
    assert!(example.contains(&quoted[0]), "{}", quoted[0]);
}
