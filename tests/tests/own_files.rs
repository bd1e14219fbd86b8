//! What is wrong with a party's own files and options is told before it connects: peers are not kept waiting for a
//! run that comes to nothing, and prepared material is not used up for it.

use std::fs;
use std::path::Path;

use serde_json::Value;
use smpc_tests::process::{Ended, Folder, keys, party, start};

const PARTIES: [&str; 3] = ["alice", "bob", "T"];

/// A folder with a script, its inputs and keys.
fn scene(name: &str) -> (Folder, std::path::PathBuf) {
    let folder = Folder::new(name);
    let text = "\
party alice, bob;
using additive on alice, bob;
input x: int from alice;
input y: int from bob;
reveal share x * share y as t;
leaks t to all;
";
    folder.write("s/alice/x.csv", "6\n");
    folder.write("s/bob/y.csv", "7\n");
    let script = folder.write("s.smpc", text);
    keys(&folder, &PARTIES);
    (folder, script)
}

/// Alice's command with these arguments. Nobody else is there: whoever begins to connect ends with 4.
fn alice(folder: &Folder, command: &str, script: &Path, args: &[&str]) -> Ended {
    let mut command = party(folder, command, "alice", script);
    command.args(["--wait", "2s"]).args(args);
    start("alice", &mut command).wait()
}

/// The only error of a run that ended because of the command line.
fn refused(ended: &Ended) -> Value {
    assert_eq!(
        ended.status.code(),
        Some(2),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    let answer: Value = serde_json::from_str(&ended.stdout).expect("an error in JSON");
    assert_eq!(
        answer["errors"].as_array().map(Vec::len),
        Some(1),
        "{answer}"
    );
    answer["errors"][0].clone()
}

#[test]
fn metrics_that_cannot_be_written() {
    let (folder, script) = scene("metrics");
    folder.write("file", "");
    let below = folder.path("file/metrics").display().to_string();
    let error = refused(&alice(&folder, "party", &script, &["--metrics", &below]));
    assert_eq!(error["code"], "I15");
    assert_eq!(error["place"]["file"], below);
}

#[test]
fn metrics_where_another_file_is_to_be() {
    let (folder, script) = scene("apart");
    let out = folder.path("out").display().to_string();
    let kept = folder.write("out/alice/t.csv", "from an earlier run\n");
    // The same file under another name.
    let output = folder
        .path("out/alice/../alice/t.csv")
        .display()
        .to_string();
    let key = folder.path("keys/alice.key").display().to_string();
    let secret = fs::read(&key).expect("the key");
    for metrics in [&output, &key] {
        let args = ["--outputs", &out, "--metrics", metrics];
        let error = refused(&alice(&folder, "party", &script, &args));
        assert_eq!(error["code"], "I15");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|m| m.contains("would replace")),
            "{error}"
        );
    }
    assert_eq!(
        fs::read_to_string(kept).expect("the output"),
        "from an earlier run\n"
    );
    assert_eq!(fs::read(&key).expect("the key"), secret);
}

#[test]
fn material_where_a_file_is() {
    let (folder, script) = scene("there");
    let there = folder.write("alice.prepared", "unused\n");
    let file = there.display().to_string();
    let error = refused(&alice(&folder, "prepare", &script, &["-o", &file]));
    assert_eq!(error["code"], "I51");
    assert_eq!(error["message"], "the file exists already");
    assert!(
        error["help"]
            .as_str()
            .is_some_and(|h| h.contains("another name")),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&there).expect("the file"), "unused\n");
    let nowhere = folder.path("nowhere/alice.prepared").display().to_string();
    let error = refused(&alice(&folder, "prepare", &script, &["-o", &nowhere]));
    assert_eq!(error["code"], "I51");
    assert!(!folder.path("nowhere").exists());
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, script) = scene("readable");
    let key = folder.path("keys/alice.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("permissions");
    let error = refused(&alice(&folder, "party", &script, &[]));
    assert_eq!(error["code"], "I40");
}
