//! A party that lives, and does nothing.

use std::time::Duration;

use smpc_tests::inside::{Deed, Inside, Phase, Point, Role};
use smpc_tests::process::{Ended, Running, start};

use super::{DEALT, PAIR, ROUNDS, SERVERS, SILENCE, Scene, THREE, names};

/// How long a message of a party that lives is waited for.
const LIMIT: &str = "5s";

/// A party that lives, and never does what is due. All the others end, say of whom something was due, and where.
#[test]
fn in_each_phase() {
    let hold = |phase: Phase| {
        let (text, parties, apart, command) = match phase {
            Phase::Offline => (DEALT, PAIR, 2, "prepare"),
            _ => (ROUNDS, THREE, 0, "party"),
        };
        let scene = Scene::new("slow", text, parties);
        let third = scene.inside(apart, phase, Deed::Wait);
        let others: Vec<usize> = (0..3).filter(|at| *at != apart).collect();
        let begin = |at: &usize| {
            let mut command = scene.command(command, parties[*at], &scene.script);
            command.args(["--wait", "60s", "--limit", LIMIT]);
            start(parties[*at], &mut command)
        };
        let processes: Vec<Running> = others.iter().map(begin).collect();
        assert!(third.is_there(), "{phase:?}");
        let ended: Vec<Ended> = processes.into_iter().map(Running::wait).collect();
        scene.check(&ended, &parties[apart..=apart]);
        for party in &ended {
            let log = &party.stderr;
            assert!(log.contains("still waiting for "), "{phase:?}: {log}");
            let when: &[&str] = match phase {
                // Keys are exchanged before anything of the script is carried out.
                Phase::SetUp => &[""],
                // Who needs nothing of the dealer is at its end.
                Phase::Offline => &["before the first round", "after this party's last round"],
                Phase::Output => &["after this party's last round"],
                _ => &["in round "],
            };
            let told = when.iter().any(|when| party.stdout.contains(when));
            assert!(told, "{phase:?}: {}", party.stdout);
        }
        let first = ended.iter().any(|party| party.stdout.contains(" for 5 s"));
        assert!(first, "{phase:?}: {ended:?}");
        let error = third.wait().expect_err("nobody is left");
        names(parties[apart], &error, parties);
    };
    std::thread::scope(|scope| {
        for phase in [Phase::SetUp, Phase::Offline, Phase::Online, Phase::Output] {
            scope.spawn(move || hold(phase));
        }
    });
}

/// One of three servers, between the rounds. The owners of the inputs wait for its peers, and name it all the same; everybody
/// who waits in a round names its line.
#[test]
fn a_slow_server() {
    let text = "\
party alice, bob;
input x: int from alice;
input y: int from bob;
let b = share y;
let p = share x * b;
reveal p * b as t;
leaks t to all;
";
    let scene = Scene::new("server", text, SERVERS);
    let role = Role {
        name: SERVERS[4].to_owned(),
        script: scene.script.clone(),
        peers: scene.folder.path("keys/peers.toml"),
        listen: None,
        timeout: SILENCE,
        limit: Duration::from_secs(3600),
        outputs: scene.folder.path("out"),
    };
    // Before that are four keys, its shares of the inputs, and the first message of a product.
    let slow = Inside::start(role, Point::Message(7), Deed::Wait);
    let begin = |name: &&str| {
        let mut command = scene.command("party", name, &scene.script);
        command.args(["--wait", "60s", "--limit", LIMIT]);
        start(name, &mut command)
    };
    let processes: Vec<Running> = SERVERS[..4].iter().map(begin).collect();
    assert!(slow.is_there());
    let ended: Vec<Ended> = processes.into_iter().map(Running::wait).collect();
    scene.check(&ended, &["P[2]"]);
    let in_a_line = |party: &&Ended| {
        let told: serde_json::Value = serde_json::from_str(&party.stdout).expect("JSON");
        let error = &told["errors"][0];
        error["place"]["line"].is_number() && party.stdout.contains("in round ")
    };
    assert!(ended.iter().filter(in_a_line).count() >= 2, "{ended:?}");
    let logged = |party: &&Ended| {
        let told = party.stderr.contains("still waiting for ");
        told && party.stderr.contains("s.smpc:")
    };
    assert!(ended.iter().filter(logged).count() >= 2, "{ended:?}");
    assert!(slow.wait().is_err());
}
