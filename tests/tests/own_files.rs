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
    // Whatever the party reads, by whatever name.
    let named = |name: &str| folder.path(name).display().to_string();
    let mut read = vec![output, key.clone()];
    let names = [
        "keys/alice.pem",
        "keys/bob.pem",
        "keys/peers.toml",
        "keys/alice.store",
        "keys/alice.consumed",
        "s/alice/x.csv",
        "s/alice/x.json",
        "s/bob/y.csv",
        "s.smpc",
        "more.smpc",
        "mine.smpc",
    ];
    read.extend(names.map(named));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("keys/bob.pem", folder.path("link")).expect("a link");
        std::os::unix::fs::symlink("keys/alice.consumed", folder.path("nothing")).expect("a link");
        fs::hard_link(folder.path("keys/T.pem"), folder.path("second")).expect("a name");
        read.extend(["link", "nothing", "second", "keys/../s/./alice/x.csv"].map(named));
    }
    let text = fs::read_to_string(&script).expect("the script");
    fs::write(&script, format!("use \"./more.smpc\";\n{text}")).expect("the script");
    folder.write("more.smpc", "fn one() -> int { 1 }\n");
    let scheme = include_str!("../../stdlib/schemes/additive.smpc");
    let scheme = folder.write("mine.smpc", scheme).display().to_string();
    let contents = || {
        let all = read.iter().map(|path| fs::read(path).unwrap_or_default());
        all.collect::<Vec<_>>()
    };
    let before = contents();
    for metrics in &read {
        let args = ["--outputs", &out, "--scheme", &scheme, "--metrics", metrics];
        let error = refused(&alice(&folder, "party", &script, &args));
        assert_eq!(error["code"], "I15");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|m| m.contains("would replace")),
            "{error}"
        );
    }
    assert_eq!(contents(), before);
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

#[test]
fn outputs_where_inputs_are() {
    let (folder, script) = scene("over");
    let text = fs::read_to_string(&script).expect("the script");
    fs::write(
        &script,
        text.replace("as t", "to alice as x")
            .replace("t to all", "x to alice"),
    )
    .expect("the script");
    let inputs = folder.path("s/../s").display().to_string();
    for (format, what) in [("csv", "would replace"), ("json", "beside input `x`")] {
        let args = ["--outputs", &inputs, "--format", format];
        let error = refused(&alice(&folder, "party", &script, &args));
        assert_eq!(error["code"], "I15");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(what), "{error}");
    }
    assert_eq!(
        fs::read_to_string(folder.path("s/alice/x.csv")).expect("the input"),
        "6\n"
    );
}

/// Which of two certificates a peer will show cannot be known.
#[test]
fn a_file_with_two_certificates() {
    let (folder, script) = scene("pair");
    let [own, other] = ["bob", "T"]
        .map(|name| fs::read_to_string(folder.path(&format!("keys/{name}.pem"))).expect("it"));
    folder.write("keys/bob.pem", &format!("{own}{other}"));
    let error = refused(&alice(&folder, "party", &script, &[]));
    assert_eq!(error["code"], "I40");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("2 certificates, where one"), "{error}");
}
