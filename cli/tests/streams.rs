//! Standard output and error stream that cannot be written.

#![cfg(target_os = "linux")]

mod common;

use common::{examples, folder, smpc, write};
use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A stream on a disk that is full.
fn full() -> Stdio {
    let device = OpenOptions::new().write(true).open("/dev/full");
    device.expect("a device that is always full").into()
}

/// A stream whose reader has gone away.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Runs `smpc` with these streams; what it writes to others is kept.
fn with(folder: &Path, args: &[&str], out: Stdio, err: Stdio) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_smpc"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .output();
    output.expect("the built command starts")
}

/// A command of each kind that has something to say, in a folder with a script and its inputs.
const SAY: &[&[&str]] = &[
    &["run", "s.smpc"],
    &["run", "s.smpc", "--outputs", "out"],
    &["trace", "s.smpc"],
    &["trace", "s.smpc", "--svg", "chart.svg"],
    &["check", "s.smpc"],
    &["leaks", "s.smpc"],
    &["cost", "s.smpc"],
    &["approx", "s.smpc"],
    &["build", "s.smpc", "-o", "crate"],
    &["test", "s.smpc", "--scheme", "plain"],
    &["fmt", "--check", "s.smpc"],
    &["schemes"],
    &["schemes", "rep3"],
    &["explain", "I15"],
    &["keygen", "alice", "bob", "-o", "keys"],
    &["verify", "plain", "--runs", "10"],
    &["new", "project"],
    &["--help"],
    &["run", "--help"],
    &["--version"],
];

fn scene(name: &str) -> std::path::PathBuf {
    let base = folder(name);
    let text = "\
party alice, bob;
input x: int from alice;
approx logistic(t: fix) = 1 / (1 + exp(-t)) on -8..8 within 0.0015 outside saturate(0, 1);
reveal share x * 2 as t;
leaks t to all;
test \"doubles\" { expect(share 3 * 2, 6); }
";
    write(&base, "s.smpc", text);
    write(&base, "s/alice/x.csv", "21\n");
    assert_eq!(smpc(&base, &["fmt", "s.smpc"]).code, 0);
    base
}

#[test]
fn an_answer_that_is_lost_is_no_success() {
    let base = scene("streams-full");
    for args in SAY {
        for json in [false, true] {
            let mut args = args.to_vec();
            args.extend(json.then_some("--json"));
            let _ = std::fs::remove_dir_all(base.join("project"));
            let _ = std::fs::remove_dir_all(base.join("keys"));
            let told = smpc(&base, &args);
            assert_eq!(told.code, 0, "{args:?}: {}", told.err);
            let _ = std::fs::remove_dir_all(base.join("project"));
            let _ = std::fs::remove_dir_all(base.join("keys"));
            let lost = with(&base, &args, full(), Stdio::piped());
            let error = String::from_utf8_lossy(&lost.stderr);
            if told.out.is_empty() {
                assert_eq!((lost.status.code(), &*error), (Some(0), ""), "{args:?}");
                continue;
            }
            assert_eq!(lost.status.code(), Some(4), "{args:?}: {error}");
            assert!(error.starts_with("error[I15]: standard output"), "{error}");
        }
    }
}

#[test]
fn a_reader_may_have_seen_enough() {
    let base = scene("streams-pipe");
    for args in [&["schemes"][..], &["run", "s.smpc"], &["--help"]] {
        let done = with(&base, args, unread(), Stdio::piped());
        let error = String::from_utf8_lossy(&done.stderr);
        assert_eq!((done.status.code(), &*error), (Some(0), ""), "{args:?}");
    }
}

/// An error has the exit code it has, whoever hears of it.
#[test]
fn an_error_that_is_lost_keeps_its_code() {
    let base = scene("streams-error");
    write(&base, "s/alice/x.csv", "much\n");
    let run = ["run", "s.smpc"];
    for stream in [full, unread] {
        let done = with(&base, &run, Stdio::piped(), stream());
        assert_eq!((done.status.code(), done.stdout), (Some(3), vec![]));
        let done = with(&base, &[run[0], run[1], "--json"], full(), stream());
        assert_eq!(done.status.code(), Some(3));
        let done = with(&base, &["run", "--no-such"], full(), stream());
        assert_eq!(done.status.code(), Some(2));
    }
    // The document with the errors is lost, and that is told.
    let done = with(&base, &[run[0], run[1], "--json"], full(), Stdio::piped());
    assert!(String::from_utf8_lossy(&done.stderr).starts_with("error[I15]"));
    let script = examples().join("vickrey.smpc").display().to_string();
    let done = with(&base, &["run", &script], Stdio::piped(), full());
    assert_eq!(done.status.code(), Some(0));
}
