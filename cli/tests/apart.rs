//! Files that a command writes take the place of nothing that it reads.

mod common;

use common::{folder, json, smpc, write};
use std::fs;
use std::path::{Path, PathBuf};

const SCRIPT: &str = "\
use \"./more.smpc\";
party alice, bob;
input x: int from alice;
reveal share x * more::two() to alice as x;
reveal share x * more::two() to bob as y;
leaks x to alice, y to bob;
";

fn scene(name: &str) -> PathBuf {
    let base = folder(name);
    write(&base, "in.smpc", SCRIPT);
    write(&base, "more.smpc", "fn two() -> int { 2 }\n");
    write(&base, "in/alice/x.csv", "21\n");
    base
}

/// The exit code, and the only error of a command that was refused; inputs are as they were.
fn refused(base: &Path, args: &[&str]) -> serde_json::Value {
    let ran = smpc(base, &[args, &["--json"]].concat());
    assert_eq!(ran.code, 2, "{args:?}: {}", ran.out);
    let error = json(&ran)["errors"][0].clone();
    assert_eq!(error["code"], "I15", "{error}");
    assert_eq!(fs::read(base.join("in/alice/x.csv")).expect("it"), b"21\n");
    error
}

#[test]
fn outputs_over_inputs() {
    let base = scene("outputs-over");
    let error = refused(&base, &["run", "in.smpc", "--outputs", "in"]);
    let message = "output `x` of alice would replace in/alice/x.csv";
    assert_eq!(error["message"], message);
    assert!(
        error["help"]
            .as_str()
            .is_some_and(|h| h.contains("another name"))
    );
    // In another format it would stand beside the input, which then has two files.
    let beside = [
        "run",
        "in.smpc",
        "--outputs",
        "in/../in",
        "--format",
        "json",
    ];
    let error = refused(&base, &beside);
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("beside input `x` of alice"), "{error}");
    assert!(!base.join("in/bob").exists() && !base.join("in/alice/x.json").exists());
    // Nor by other names of the same file.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("in", base.join("link")).expect("a link");
        refused(&base, &["run", "in.smpc", "--outputs", "link"]);
        fs::create_dir_all(base.join("out/alice")).expect("a folder");
        fs::hard_link(base.join("in/alice/x.csv"), base.join("out/alice/x.csv")).expect("a name");
        refused(&base, &["run", "in.smpc", "--outputs", "out"]);
        fs::remove_dir_all(base.join("out")).expect("no folder");
    }
    // Other folders are free, and so is this one for what no input is called.
    assert_eq!(smpc(&base, &["run", "in.smpc", "--outputs", "out"]).code, 0);
    let renamed = SCRIPT
        .replace("to alice as x", "to alice as z")
        .replace("x to alice", "z to alice");
    write(&base, "other.smpc", renamed);
    let args = ["run", "other.smpc", "--inputs", "in", "--outputs", "in"];
    let ran = smpc(&base, &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(fs::read(base.join("in/alice/z.csv")).expect("it"), b"42\n");
}

#[test]
fn charts_over_scripts() {
    let base = scene("charts-over");
    write(
        &base,
        "mine.smpc",
        include_str!("../../stdlib/schemes/plain.smpc"),
    );
    for over in [
        "in.smpc",
        "./more.smpc",
        "in/alice/../alice/x.csv",
        "mine.smpc",
    ] {
        let before = fs::read(base.join(over)).expect("a file");
        let args = ["trace", "in.smpc", "--scheme", "./mine.smpc", "--svg", over];
        let error = refused(&base, &args);
        let message = error["message"].as_str().expect("a message");
        assert!(message.starts_with("the chart would replace"), "{error}");
        assert_eq!(fs::read(base.join(over)).expect("a file"), before);
    }
    let args = ["trace", "in.smpc", "--svg", "chart.svg"];
    assert_eq!(smpc(&base, &args).code, 0);
}

/// What the standard output is, is written into: a file in its place would be another one.
#[cfg(target_os = "linux")]
#[test]
fn standard_output_by_its_name() {
    let base = scene("by-name");
    fs::create_dir(base.join("own")).expect("a folder");
    let link = base.join("own/stdout");
    std::os::unix::fs::symlink("/proc/self/fd/1", &link).expect("a link");
    let args = ["trace", "in.smpc", "--svg", "own/stdout"];
    let piped = smpc(&base, &args);
    assert_eq!(piped.code, 0, "{}", piped.err);
    let out = fs::File::create(base.join("told")).expect("a file");
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_smpc"))
        .args(args)
        .current_dir(&base)
        .stdout(out)
        .status();
    assert!(done.expect("the built command starts").success());
    assert!(link.is_symlink());
    let told = fs::read_to_string(base.join("told")).expect("what was told");
    for told in [&told, &piped.out] {
        let (chart, rest) = told.split_once("</svg>").expect("a chart");
        assert!(
            chart.starts_with("<svg") || chart.starts_with("<?xml"),
            "{told}"
        );
        assert_eq!(rest.trim(), "wrote own/stdout");
    }
    let own = fs::read_dir(base.join("own")).expect("the folder").count();
    assert_eq!(own, 1);
}

/// What is printed to be typed can be typed, whatever a script is called.
#[test]
fn commands_that_are_told_can_be_typed() {
    let base = folder("odd names");
    let text = "party alice;\ninput x: int from alice;\nreveal share x as s;\nleaks s to all;\n";
    write(&base, "it's odd.smpc", text);
    let ran = smpc(&base, &["build", "it's odd.smpc", "-o", "a crate"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = r"--manifest-path 'a crate/Cargo.toml' -- --local --inputs 'it'\''s odd'";
    assert!(ran.out.contains(text), "{}", ran.out);
    write(&base, "un usual.smpc", "party   alice;\n");
    let ran = smpc(&base, &["fmt", "--check", "un usual.smpc"]);
    assert!(
        ran.err.contains("`smpc fmt 'un usual.smpc'`"),
        "{}",
        ran.err
    );
    assert!(
        smpc(&base, &["new", "a b"])
            .out
            .contains("smpc run 'a b/a b.smpc'")
    );
}

#[test]
fn a_crate_is_no_file() {
    let base = folder("no-crate");
    let text = "party alice;\ninput x: int from alice;\nreveal share x as s;\nleaks s to all;\n";
    write(&base, "s.smpc", text);
    write(&base, "there", "mine");
    let ran = smpc(&base, &["build", "s.smpc", "-o", "there"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.err.contains("error[I15]: this is no folder"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("help: give the folder"), "{}", ran.err);
    assert_eq!(std::fs::read(base.join("there")).expect("a file"), b"mine");
}
