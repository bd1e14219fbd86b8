//! Outputs and metrics go where somebody reads them, or does not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use smpc_tests::process::{Ended, Running, party, start, until};

use super::{SHORT, Scene, THREE, connecting};

/// A script whose output is more than a pipe holds.
const LONG: &str = "\
party alice, bob, carol;
using rep3 on alice, bob, carol;
input x: [int; n] from alice;
reveal share x + 1000000 as t;
reveal n as count;
leaks n, t, count to all;
";

/// A named pipe where bob's `t` would be.
fn pipe(scene: &Scene, name: &str) -> PathBuf {
    let path = scene.folder.path(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    path
}

/// Of bob there is the pipe and nothing else, not even for a while.
fn only_the_pipe(scene: &Scene, pipe: &Path) {
    assert_eq!(scene.folder.files("out/bob"), [pipe]);
}

fn files_of(scene: &Scene, name: &str) -> usize {
    scene.folder.files(&format!("out/{name}")).len()
}

#[test]
fn nobody_reads_the_pipe() {
    let scene = Scene::new("unread", SHORT, THREE);
    let pipe = pipe(&scene, "out/bob/t.csv");
    let mut bob = scene.command("party", "bob", &scene.script);
    let ended = connecting(&scene, 1, &mut bob, "60s");
    for party in &ended {
        assert_eq!(party.status.code(), Some(4), "{}", party.stderr);
    }
    assert!(
        ended[1].stdout.contains("nobody read this pipe"),
        "{}",
        ended[1].stdout
    );
    only_the_pipe(&scene, &pipe);
    assert_eq!(
        (files_of(&scene, "alice"), files_of(&scene, "carol")),
        (0, 0)
    );
}

/// What a device says when it is opened comes in time for all.
#[cfg(target_os = "linux")]
#[test]
fn the_device_is_full() {
    let scene = Scene::new("device", SHORT, THREE);
    let link = scene.folder.path("out/bob/t.csv");
    fs::create_dir_all(scene.folder.path("out/bob")).expect("a folder");
    std::os::unix::fs::symlink("/dev/full", &link).expect("a link");
    let mut bob = scene.command("party", "bob", &scene.script);
    let ended = connecting(&scene, 1, &mut bob, "60s");
    for party in &ended {
        assert_eq!(party.status.code(), Some(4), "{}", party.stderr);
    }
    assert!(ended[1].stdout.contains("I15"), "{}", ended[1].stdout);
    only_the_pipe(&scene, &link);
    assert_eq!(
        (files_of(&scene, "alice"), files_of(&scene, "carol")),
        (0, 0)
    );
}

#[test]
fn nobody_reads_the_metrics() {
    let scene = Scene::new("metrics", SHORT, THREE);
    let metrics = pipe(&scene, "metrics");
    let mut bob = scene.command("party", "bob", &scene.script);
    bob.arg("--metrics").arg(&metrics);
    let ended = connecting(&scene, 1, &mut bob, "60s");
    for (party, code) in ended.iter().zip([0, 4, 0]) {
        assert_eq!(party.status.code(), Some(code), "{}", party.stderr);
        assert_eq!(files_of(&scene, &party.name), 1);
    }
    assert!(
        ended[1].stdout.contains("nobody read this pipe"),
        "{}",
        ended[1].stdout
    );
}

/// Bob's `t` goes to somebody who opens it and takes nothing; `then` is done when the others have their outputs.
fn stalled(silence: &str, then: impl FnOnce(&Running)) -> Ended {
    let scene = Scene::new("stalled", LONG, THREE);
    let rows: String = (0..20_000).map(|row| format!("{row}\n")).collect();
    scene.folder.write("s/alice/x.csv", &rows);
    let pipe = pipe(&scene, "out/bob/t.csv");
    let opened = std::thread::spawn({
        let pipe = pipe.clone();
        move || File::open(pipe)
    });
    let mut started: Vec<Running> = ["alice", "bob", "carol"]
        .iter()
        .map(|name| {
            let mut command = party(&scene.folder, "party", name, &scene.script);
            command.args(["--timeout", silence, "--outputs"]);
            start(name, command.arg(scene.folder.path("out")))
        })
        .collect();
    let reader = opened.join().expect("no panic").expect("a pipe");
    for name in ["alice", "carol"] {
        // Under their names: then all have said that they are done.
        let there = |file: &str| scene.folder.path(&format!("out/{name}/{file}")).exists();
        let all = || ["t.csv", "count.csv"].into_iter().all(there);
        until("outputs", || all().then_some(()));
    }
    let bob = started.remove(1);
    then(&bob);
    let ended = bob.wait();
    drop(reader);
    only_the_pipe(&scene, &pipe);
    for party in started.into_iter().map(Running::wait) {
        assert!(party.status.success(), "{}", party.stderr);
    }
    ended
}

#[test]
fn the_reader_stops() {
    let bob = stalled("2s", |_| {});
    assert_eq!(bob.status.code(), Some(4), "{}", bob.stderr);
    assert!(
        bob.stdout.contains("its reader took nothing"),
        "{}",
        bob.stdout
    );
}

#[test]
fn an_interrupt_while_the_reader_stops() {
    let bob = stalled("600s", |bob| bob.signal("INT"));
    assert_eq!(bob.status.code(), Some(130), "{}", bob.stderr);
    assert!(bob.stdout.contains("interrupted"), "{}", bob.stdout);
}
