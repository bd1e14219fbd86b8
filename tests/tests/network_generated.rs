//! Compiled programs as parties: over TLS, on prepared material, beside interpreted parties.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use smpc_tests::process::{Ended, Folder, Running, generated, keys, party, run, start};
use smpc_tests::root;

fn values(ended: &[Ended]) {
    for party in ended {
        let told = format!("{}{}", party.stdout, party.stderr);
        assert!(party.status.success(), "{}: {told}", party.name);
    }
}

/// An example under a scheme with a dealer: prepared by `smpc`, carried out by the compiled program;
/// at one party by the interpreter. Outputs are those of the simulated run.
fn on_prepared_material(example: &str, owners: &[&str], interpreted: &str) {
    let folder = Folder::new("generated");
    let script = root().join(format!("examples/{example}.smpc"));
    let path = script.display().to_string();
    let inputs = root().join(format!("examples/{example}"));
    let mut parties = owners.to_vec();
    parties.extend(["P[0]", "P[1]", "T"]);
    keys(&folder, &parties);
    let scheme = ["--scheme", "additive"];
    let program = generated(&folder, &script, &scheme);
    let simulated = run(&["run", &path, scheme[0], scheme[1], "--json"]).json();
    let file = |name: &str, ending: &str| folder.path(&format!("{name}.{ending}"));
    let prepare = |name: &&str| {
        let mut command = party(&folder, "prepare", name, &script);
        command.args(scheme).arg("-o").arg(file(name, "prepared"));
        start(name, &mut command)
    };
    let prepared: Vec<Running> = parties.iter().map(prepare).collect();
    let prepared: Vec<Ended> = prepared.into_iter().map(Running::wait).collect();
    values(&prepared);
    let online = |name: &&str| {
        let mut command = if *name == interpreted {
            let mut command = party(&folder, "party", name, &script);
            command.args(scheme);
            command
        } else {
            let mut command = Command::new(&program);
            command
                .arg(name)
                .arg("--peers")
                .arg(folder.path("keys/peers.toml"));
            command.arg("--inputs").arg(&inputs);
            command
        };
        command.arg("--prepared").arg(file(name, "prepared"));
        command.arg("--metrics").arg(file(name, "metrics"));
        command.arg("--outputs").arg(folder.path("out"));
        command.args(["--format", "json", "--wait", "60s", "--timeout", "20s"]);
        start(name, &mut command)
    };
    let ended: Vec<Running> = parties.iter().map(online).collect();
    let ended: Vec<Ended> = ended.into_iter().map(Running::wait).collect();
    values(&ended);
    let expected = simulated["outputs"].as_object().expect("outputs");
    for (output, entry) in expected {
        let expected = entry["value"].as_f64().expect("a number");
        let to = entry["to"].as_array().expect("receivers");
        let to: Vec<&str> = to.iter().filter_map(Value::as_str).collect();
        let receivers: Vec<&str> = match to[..] {
            // The parties of the script: those that only compute have no outputs.
            ["all"] => owners.to_vec(),
            _ => to,
        };
        for name in &parties {
            let text = fs::read_to_string(folder.path(&format!("out/{name}/{output}.json")));
            let Ok(text) = text else {
                assert!(!receivers.contains(name), "{name} lacks {output}");
                continue;
            };
            let value: f64 = serde_json::from_str(&text).expect("a number");
            // The last place depends on the coins of the truncation.
            assert!(
                (value - expected).abs() < 1e-4,
                "{name}: {output} = {value}"
            );
            assert!(receivers.contains(name), "{name} is told {output}");
        }
    }
    for name in &parties {
        let metrics = fs::read_to_string(file(name, "metrics")).expect("metrics");
        let metrics: Value = serde_json::from_str(&metrics).expect("metrics are JSON");
        assert_eq!(metrics["done"], true, "{name}");
        assert_eq!(metrics["rounds"], simulated["cost"]["rounds"], "{name}");
        let sent = &metrics["bytes"];
        assert_eq!(*sent, simulated["cost"]["bytes"][*name], "{name}");
        assert!(file(name, "prepared.used").exists() && !file(name, "prepared").exists());
    }
    // Used up: the program finds no file, and nobody writes anything.
    fs::rename(file("T", "prepared.used"), file("T", "prepared")).expect("a name");
    let again = online(&"T").wait();
    assert_eq!(again.status.code(), Some(4), "{}", again.stderr);
    assert!(again.stderr.contains("I5"), "{}", again.stderr);
}

#[test]
fn average_salary_on_prepared_material() {
    let members: Vec<String> = (0..5).map(|i| format!("employee[{i}]")).collect();
    let owners: Vec<&str> = members.iter().map(String::as_str).collect();
    on_prepared_material("average_salary", &owners, "P[1]");
}

#[test]
fn vickrey_on_prepared_material() {
    let members: Vec<String> = (0..5).map(|i| format!("bidder[{i}]")).collect();
    let mut owners: Vec<&str> = members.iter().map(String::as_str).collect();
    owners.push("seller");
    on_prepared_material("vickrey", &owners, "bidder[1]");
}

const DOT: &str = "\
party alice, bob;
input x: [fix; n] from alice;
input y: [fix; n] from bob;
reveal sum(share x * share y) as dot;
leaks n, dot to all;
";

/// The names of a document's entries, those of its costs among them.
fn keys_of(document: &Value) -> Vec<&String> {
    let entries = [document, &document["cost"]];
    let entries = entries.map(|entry| entry.as_object().expect("entries").keys());
    entries.into_iter().flatten().collect()
}

/// An answer that a full disk swallows is no success; a reader who has seen enough is no failure.
fn streams_of_compiled_programs(program: &Path, arguments: &[&str]) {
    let shell = |redirected: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("\"$@\" {redirected}"), "sh"])
            .arg(program)
            .args(arguments);
        start("sh", &mut command).wait()
    };
    let lost = shell(">/dev/full");
    assert_eq!(lost.status.code(), Some(4), "{}", lost.stderr);
    assert!(lost.stderr.contains("error[I15]"), "{}", lost.stderr);
    let error = shell("--set no=1 2>/dev/full");
    assert_eq!(error.status.code(), Some(3), "{}", error.stdout);
    let unread = shell("| true");
    assert_eq!(unread.stderr, "");
}

/// Two parties compiled, the others interpreted, all from one seed; then one compiled party alone
/// is interrupted.
#[test]
fn compiled_and_interpreted_parties_meet() {
    let folder = Folder::new("mixed");
    folder.write("dot/alice/x.csv", "1.5\n2\n-3\n");
    folder.write("dot/bob/y.csv", "2\n0.25\n1\n");
    let script = folder.write("dot.smpc", DOT);
    let parties = ["alice", "bob", "P[0]", "P[1]", "P[2]"];
    keys(&folder, &parties);
    let program = generated(&folder, &script, &[]);
    let compiled = |name: &str, json: bool| {
        let mut command = Command::new(&program);
        command
            .arg(name)
            .arg("--peers")
            .arg(folder.path("keys/peers.toml"))
            .arg("--inputs")
            .arg(folder.path("dot"))
            .args(["--seed", "7", "--wait", "60s", "--timeout", "20s"])
            .args(json.then_some("--json"));
        start(name, &mut command)
    };
    let started: Vec<Running> = parties
        .iter()
        .map(|name| match *name {
            "P[1]" => compiled(name, false),
            "bob" => compiled(name, true),
            _ => start(
                name,
                party(&folder, "party", name, &script).args(["--seed", "7"]),
            ),
        })
        .collect();
    let ended: Vec<Ended> = started.into_iter().map(Running::wait).collect();
    values(&ended);
    // One document, whoever writes it: owners are told the same and differ in what they sent.
    let [interpreted, own] = [0, 1].map(|at: usize| ended[at].json());
    assert_eq!(interpreted["outputs"]["dot"]["value"].to_string(), "0.5");
    assert_eq!(keys_of(&own), keys_of(&interpreted));
    for key in ["outputs", "scheme", "parties"] {
        assert_eq!(own[key], interpreted[key], "{key}");
    }
    assert_eq!(own["cost"]["rounds"], interpreted["cost"]["rounds"]);
    assert_eq!(own["party"], "bob");
    // Errors, too, but for what a compiled program does not know of its script.
    folder.write("wrong/bob/y.csv", "2\nmuch\n1\n");
    let wrong = folder.path("wrong").display().to_string();
    let mut alone = party(&folder, "party", "bob", &script);
    let interpreted = start("bob", alone.args(["--inputs", &wrong])).wait();
    let mut alone = Command::new(&program);
    alone.args(["bob", "--json", "--inputs", &wrong, "--peers"]);
    let own = start("bob", alone.arg(folder.path("keys/peers.toml"))).wait();
    assert_eq!(own.status.code(), Some(3), "{}", own.stderr);
    let [mut interpreted, own] = [interpreted, own].map(|ended| {
        let document: Value = serde_json::from_str(&ended.stdout).expect("a document");
        document
    });
    interpreted["errors"][0]["labels"] = Value::Array(vec![]);
    assert_eq!(own, interpreted);
    // The simulated run, and a command line that is refused.
    let dot = folder.path("dot").display().to_string();
    let local = Command::new(&program)
        .args(["--local", "--json", "--seed", "7", "--inputs", &dot])
        .output()
        .expect("the program runs");
    let mut local: Value = serde_json::from_slice(&local.stdout).expect("a document");
    let path = script.display().to_string();
    let mut simulated = run(&["run", &path, "--seed", "7", "--json"]).json();
    for document in [&mut local, &mut simulated] {
        assert!(document["seconds"].take().is_number());
    }
    assert_eq!(local, simulated);
    // What an earlier run left goes, and nothing else.
    let out = folder.path("out").display().to_string();
    folder.write("out/alice/dot.npy", "old");
    folder.write("out/alice/notes.npy", "mine");
    let written = Command::new(&program)
        .args([
            "--local",
            "--seed",
            "7",
            "--inputs",
            &dot,
            "--outputs",
            &out,
        ])
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&written.stdout);
    assert!(told.contains("dot.npy, of an earlier run"), "{told}");
    let mut files = folder.files("out/alice");
    files.sort();
    let kept = ["dot.csv", "notes.npy"].map(|name| folder.path("out/alice").join(name));
    assert_eq!(files, kept);
    let refused = Command::new(&program)
        .args(["--json", "--no-such-option"])
        .output()
        .expect("the program runs");
    let document: Value = serde_json::from_slice(&refused.stdout).expect("a document");
    assert_eq!(
        (&document["exit"], refused.status.code()),
        (&Value::from(2), Some(2))
    );
    assert_eq!(document["errors"][0]["code"], "I16");
    streams_of_compiled_programs(&program, &["--local", "--inputs", &dot]);
    let alone = ["P[1]", "P[2]"].map(|name| compiled(name, false));
    alone.iter().for_each(|party| party.says("connected"));
    alone[0].signal("INT");
    let [first, second] = alone.map(Running::wait);
    assert_eq!(first.status.code(), Some(130), "{}", first.stderr);
    assert_eq!(second.status.code(), Some(4), "{}", second.stderr);
    assert!(second.stderr.contains("P[1]"), "{}", second.stderr);
}
