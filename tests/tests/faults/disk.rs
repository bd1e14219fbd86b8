//! No file may grow.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use smpc_tests::process::{Ended, Running, start};

use super::{DEALT, PAIR, SHORT, Scene, THREE, connecting};

/// The same command where no file may grow.
#[cfg(unix)]
fn full(inner: &Command) -> Command {
    limited(inner, 0)
}

/// The same command where no file may have more than so many blocks of 512 bytes.
#[cfg(unix)]
fn limited(inner: &Command, blocks: u32) -> Command {
    let mut outer = Command::new("sh");
    // Without the trap the system would end the process itself.
    let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    outer
        .args(["-c", &limit, "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    outer
}

#[cfg(unix)]
#[test]
fn full_at_one_party() {
    let scene = Scene::new("disk", SHORT, THREE);
    let mut odd = full(&scene.command("party", "bob", &scene.script));
    let ended = connecting(&scene, 1, &mut odd, "60s");
    // The product of the inputs goes to nobody: not even its digits are there.
    scene.check(&ended, &["bob"]);
    assert!(ended[1].stdout.contains("I15"), "{}", ended[1].stdout);
}

#[cfg(unix)]
#[test]
fn full_while_preparing() {
    let scene = Scene::new("disk", DEALT, PAIR);
    let ended = prepared(&scene, true);
    scene.check(&ended, &["bob"]);
    assert!(ended[1].stdout.contains("I51"), "{}", ended[1].stdout);
}

/// Prepares; bob's disk may be full.
#[cfg(unix)]
fn prepared(scene: &Scene, is_full: bool) -> Vec<Ended> {
    let mut started = vec![];
    for name in scene.parties {
        let mut inner = scene.command("prepare", name, &scene.script);
        inner.args(["--wait", "60s"]);
        started.push(match *name {
            "bob" if is_full => start(name, &mut full(&inner)),
            _ => start(name, &mut inner),
        });
    }
    started.into_iter().map(Running::wait).collect()
}

/// That material is used up cannot be written down: then none of it is used.
#[cfg(unix)]
#[test]
fn full_when_material_is_taken() {
    let scene = Scene::new("disk", DEALT, PAIR);
    for party in prepared(&scene, false) {
        assert!(party.status.success(), "{}", party.stdout);
    }
    let mut started = vec![];
    for name in scene.parties {
        let mut inner = scene.command("party", name, &scene.script);
        let file = scene.folder.path(&format!("out/{name}/file"));
        inner.args(["--wait", "10s", "--prepared"]).arg(file);
        started.push(match *name {
            "bob" => start(name, &mut full(&inner)),
            _ => start(name, &mut inner),
        });
    }
    let ended: Vec<Ended> = started.into_iter().map(Running::wait).collect();
    for party in &ended {
        assert!(!party.status.success(), "{}", party.stdout);
        assert!(!party.stdout.contains("\"t\""), "{}", party.stdout);
    }
    assert!(ended[1].stdout.contains("I51"), "{}", ended[1].stdout);
    assert!(!scene.folder.path("out/alice/t.csv").exists());
}

/// The disk is full in the middle of a line of every ledger, and then it is not. What was not used can be used,
/// once: a copy is refused.
#[cfg(unix)]
#[test]
fn full_within_a_line_of_the_ledger() {
    let scene = Scene::new("disk", DEALT, PAIR);
    for party in prepared(&scene, false) {
        assert!(party.status.success(), "{}", party.stdout);
    }
    let (file, copy) = (
        |name: &str| scene.folder.path(&format!("out/{name}/file")),
        |name: &str| scene.folder.path(&format!("copies/{name}")),
    );
    let ledger = |name: &str| scene.folder.path(&format!("keys/{name}.consumed"));
    // 15 lines of 33 bytes: of the next 17 bytes fit.
    let old = format!("{}\n", "0123456789abcdef".repeat(2)).repeat(15);
    fs::create_dir_all(scene.folder.path("copies")).expect("a folder");
    for name in scene.parties {
        fs::copy(file(name), copy(name)).expect("a copy");
        fs::write(ledger(name), &old).expect("a ledger");
    }
    let run = |path: &dyn Fn(&str) -> PathBuf, change: &dyn Fn(&Command) -> Command| {
        let mut started = vec![];
        for name in scene.parties {
            let mut inner = scene.command("party", name, &scene.script);
            inner.args(["--wait", "60s", "--prepared"]).arg(path(name));
            started.push(start(name, &mut change(&inner)));
        }
        let ended = started.into_iter().map(Running::wait);
        ended.collect::<Vec<Ended>>()
    };
    let free = |inner: &Command| limited(inner, 1 << 20);
    for party in run(&file, &|inner| limited(inner, 1)) {
        assert!(party.stdout.contains("I51"), "{}", party.stdout);
        assert_eq!(
            fs::read_to_string(ledger(&party.name)).expect("a ledger"),
            old
        );
    }
    for party in run(&file, &free) {
        assert!(party.status.success(), "{}", party.stdout);
    }
    fs::remove_dir_all(scene.folder.path("out")).expect("outputs");
    for party in run(&copy, &free) {
        assert!(party.stdout.contains("I50"), "{}", party.stdout);
    }
    assert!(!scene.folder.path("out/alice/t.csv").exists());
}

/// Who asked for metrics is told that there are none; what the party was handed stands.
#[cfg(target_os = "linux")]
#[test]
fn full_for_metrics() {
    let scene = Scene::new("disk", SHORT, THREE);
    // Of a link only the target may be a device: nobody's is replaced if this goes wrong.
    let metrics = scene.folder.path("metrics");
    std::os::unix::fs::symlink("/dev/full", &metrics).expect("a link");
    let mut odd = scene.command("party", "bob", &scene.script);
    odd.arg("--metrics").arg(&metrics);
    let ended = connecting(&scene, 1, &mut odd, "60s");
    for party in &ended {
        let is_odd = party.name == "bob";
        assert_eq!(party.status.success(), !is_odd, "{}", party.stdout);
        let file = scene.folder.path(&format!("out/{}/t.csv", party.name));
        assert!(file.exists());
    }
    // One document: what bob was handed, and what went wrong behind it.
    let [alice, bob] = [0, 1].map(|at: usize| -> serde_json::Value {
        serde_json::from_str(&ended[at].stdout).expect("an answer in JSON")
    });
    assert_eq!(bob["outputs"]["t"]["value"], alice["outputs"]["t"]["value"]);
    assert!(!bob["outputs"]["t"]["value"].is_null(), "{bob}");
    assert_eq!(
        (&bob["errors"][0]["code"], &bob["exit"]),
        (&"I15".into(), &4.into())
    );
}

/// The same command with streams that the shell opens.
#[cfg(unix)]
fn redirected(inner: &Command, to: &str) -> Command {
    let mut outer = Command::new("sh");
    outer
        .args(["-c", &format!("exec \"$@\" {to}"), "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    outer
}

/// What a party was handed is lost with its standard output: it says so, and its peers are done.
#[cfg(target_os = "linux")]
#[test]
fn full_for_the_answer() {
    let scene = Scene::new("disk", SHORT, THREE);
    let bob = scene.command("party", "bob", &scene.script);
    let ended = connecting(&scene, 1, &mut redirected(&bob, ">/dev/full"), "60s");
    for party in &ended {
        let code = if party.name == "bob" { 4 } else { 0 };
        assert_eq!(party.status.code(), Some(code), "{}", party.stderr);
        let file = scene.folder.path(&format!("out/{}/t.csv", party.name));
        assert!(file.exists(), "{}", party.stderr);
    }
    assert!(
        ended[1].stderr.contains("error[I15]"),
        "{}",
        ended[1].stderr
    );
}

/// A log that cannot be written is no reason to end a run.
#[cfg(target_os = "linux")]
#[test]
fn full_for_the_log() {
    let scene = Scene::new("disk", SHORT, THREE);
    let bob = scene.command("party", "bob", &scene.script);
    let ended = connecting(&scene, 1, &mut redirected(&bob, "2>/dev/full"), "60s");
    let told = |at: usize| ended[at].json()["outputs"].clone();
    assert!(told(1)["t"]["value"].is_number(), "{}", told(1));
    assert_eq!(told(1), told(0));
    assert_eq!(ended[1].stderr, "");
}

/// Nor is one whose reader goes away, at whatever line.
#[cfg(unix)]
#[test]
fn a_log_whose_reader_goes_away() {
    let at = |line: &str| {
        let scene = Scene::new("reader", SHORT, THREE);
        let bob = scene.command("party", "bob", &scene.script);
        // The shell ends with what the reader ends with: bob's own code is behind his answer.
        let mut odd = Command::new("sh");
        let piped = format!(
            "exec 3>&1; {{ \"$@\" 2>&1 >&3 3>&-; echo \"exit $?\" >&3; }} | sed -n '/{line}/q'"
        );
        odd.args(["-c", &piped, "sh"])
            .arg(bob.get_program())
            .args(bob.get_args());
        let ended = connecting(&scene, 1, &mut odd, "60s");
        for party in &ended {
            assert!(party.status.success(), "{line}: {}", party.stderr);
        }
        let (answer, exit) = ended[1].stdout.split_once("exit ").expect("an exit code");
        assert_eq!(exit, "0\n", "{line}: {answer}");
        let answer: serde_json::Value = serde_json::from_str(answer).expect("an answer in JSON");
        assert!(answer["outputs"]["t"]["value"].is_number(), "{answer}");
    };
    std::thread::scope(|scope| {
        for line in [
            "listening",
            "all parties agree",
            "computed",
            "outputs written",
        ] {
            scope.spawn(move || at(line));
        }
    });
}
