//! What goes wrong at one party ends the run at every party: with an error that names it, in time,
//! with nothing written and no value told.
//!
//! Here are whole processes over TLS, with a party inside of the test that holds a phase open. The
//! tests of rows go through all five phases. What a single connection meets, byte by byte, is tested
//! beside the transport (`runtime/src/net/tests/`: `faults`, `hostile`, `connecting`), and every
//! message of a run, over memory and over sockets, in `faults_each_message.rs`.
//!
//! | | connect | set-up | offline | online | output |
//! |---|---|---|---|---|---|
//! | kill | `kill` | `kill` | `kill`, `a_dealer_is_killed` | `kill`, `a_party_is_killed_far_into_a_run` | `kill` |
//! | stop | `stop` | `stop` | `stop`, `a_dealer_is_stopped_offline` | `stop`, `a_party_is_stopped_far_into_a_run` | `stop` |
//! | slow: it lives, and does nothing | `a_party_never_comes` | `slow::in_each_phase` | the same | the same, `slow::a_slow_server` | the same |
//! | interrupt | `interrupt` | `interrupt` | `interrupt` | `interrupt` | `interrupt` |
//! | reset | `reset` | `reset` | `reset` | `reset` | `reset` |
//! | truncation of the stream | `truncation` | `truncation` | `truncation` | `truncation` | `truncation` |
//! | a cable is cut | `stall` | `stall` | `stall` | `stall` | `stall` |
//! | garbage, a flipped bit | `garbage` | `garbage` | `garbage` | `garbage`, `a_bit_is_flipped_far_into_a_run` | `garbage` |
//! | replay | `replay` | `replay` | `replay` | `replay` | `replay` |
//! | oversize or short message | `hostile::lengths_that_lie` | `lengths` | `lengths` | `lengths` | `hostile::lengths_that_lie` |
//! | wrong certificate | `a_certificate_is_not_the_one_expected` | | | | |
//! | expired certificate | `a_certificate_has_expired` | | | | |
//! | wrong script | `a_party_has_another_script` | | | | |
//! | wrong parameters | `a_party_has_other_parameters` | | | | |
//! | wrong sizes | `inputs_have_other_sizes` | | | | |
//! | wrong inputs | `inputs_are_wrong_at_one_party` | | | | |
//! | nobody comes | `a_party_never_comes` | | | | |
//! | disk full | | `disk::full_when_material_is_taken`, `disk::full_within_a_line_of_the_ledger` | `disk::full_while_preparing` | | `disk::full_at_one_party`, `disk::full_for_metrics`, `disk::full_for_the_answer` |
//! | nobody reads a pipe | | | | | `streams` |
//! | log cannot be written | `disk::full_for_the_log`, `disk::a_log_whose_reader_goes_away` | | | the same | the same |

mod disk;
mod slow;
#[cfg(unix)]
mod streams;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use smpc_runtime::net::keygen::{Span, generate};
use smpc_runtime::net::proxy::{Action, Proxy, Way};
use smpc_tests::inside::{Deed, Inside, Phase, Point, Role};
use smpc_tests::process::{Ended, Folder, Running, keys, party, smpc, start, until};

/// An input that would be known again anywhere.
const MARK: &str = "3141592653";

/// Silence after which a peer is given up.
const SILENCE: Duration = Duration::from_secs(3);

/// Parties that compute themselves.
const ROUNDS: &str = "\
party alice, bob, carol;
using rep3 on alice, bob, carol;
input x: int from alice;
input y: int from bob;
let b = share y;
let mut t = share x;
for i in 0..10 { t = t * b; }
reveal t as t;
leaks t to all;
";

/// The same with a dealer.
const DEALT: &str = "\
party alice, bob;
using additive on alice, bob;
input x: int from alice;
input y: int from bob;
let b = share y;
let mut t = share x;
for i in 0..10 { t = t * b; }
reveal t as t;
leaks t to all;
";

/// Owners and servers are parties of their own, and the run does not end by itself.
const LONG: &str = "\
party alice, bob;
input x: int from alice;
input y: int from bob;
let b = share y;
let mut t = share x;
for i in 0..2000000 { t = t * b; }
reveal t as t;
leaks t to all;
";

const SHORT: &str = "\
party alice, bob, carol;
using rep3 on alice, bob, carol;
input x: [int; n] from alice;
input y: [int; n] from bob;
param k: int = 1;
reveal sum(share x * share y) * k as t;
leaks n, t to all;
";

const THREE: &[&str] = &["alice", "bob", "carol"];
const PAIR: &[&str] = &["alice", "bob", "T"];
const SERVERS: &[&str] = &["alice", "bob", "P[0]", "P[1]", "P[2]"];
const SERVED: &[&str] = &["alice", "bob", "P[0]", "P[1]", "T"];

/// A folder with a script, its inputs, and keys.
struct Scene {
    folder: Folder,
    script: PathBuf,
    ports: Vec<u16>,
    parties: &'static [&'static str],
}

impl Scene {
    fn new(name: &str, text: &str, parties: &'static [&'static str]) -> Self {
        let folder = Folder::new(name);
        folder.write("s/alice/x.csv", &format!("{MARK}\n"));
        folder.write("s/bob/y.csv", &format!("{MARK}\n"));
        let script = folder.write("s.smpc", text);
        let ports = keys(&folder, parties);
        Self {
            folder,
            script,
            ports,
            parties,
        }
    }

    /// The command of a party, with files it would write.
    fn command(&self, command: &str, name: &str, script: &Path) -> Command {
        let mut process = party(&self.folder, command, name, script);
        let silence = format!("{}s", SILENCE.as_secs());
        process.args(["--timeout", &silence]);
        if self.parties == SERVED {
            process.args(["--scheme", "additive"]);
        }
        if command == "prepare" {
            let file = self.folder.path(&format!("out/{name}/file"));
            fs::create_dir_all(file.with_file_name("")).expect("a folder");
            process.arg("-o").arg(file);
        } else {
            process.arg("--outputs").arg(self.folder.path("out"));
        }
        process
    }

    /// Puts a proxy before every party.
    fn proxies(&self) -> Vec<Proxy> {
        let peers = self.folder.path("keys/peers.toml");
        let mut text = fs::read_to_string(&peers).expect("the peers");
        let mut proxies = vec![];
        for port in &self.ports {
            let address = format!("127.0.0.1:{port}");
            let proxy = Proxy::start(address.parse().expect("an address")).expect("a proxy");
            text = text.replace(&address, &proxy.address().to_string());
            proxies.push(proxy);
        }
        fs::write(&peers, text).expect("the peers");
        proxies
    }

    /// Starts a party behind its proxy.
    fn behind(&self, command: &str, at: usize) -> Running {
        let name = self.parties[at];
        let mut process = self.command(command, name, &self.script);
        process.args(["--listen", &format!("127.0.0.1:{}", self.ports[at])]);
        process.args(["--wait", "60s"]);
        start(name, &mut process)
    }

    /// A party in this test, behind its proxy if there are any.
    fn inside(&self, at: usize, phase: Phase, deed: Deed) -> Inside {
        let role = Role {
            name: self.parties[at].to_owned(),
            script: self.script.clone(),
            peers: self.folder.path("keys/peers.toml"),
            listen: Some(format!("127.0.0.1:{}", self.ports[at])),
            timeout: SILENCE,
            limit: Duration::from_secs(3600),
            outputs: self.folder.path("out"),
        };
        Inside::start(role, Point::Phase(phase), deed)
    }

    /// Every survivor has an error about a culprit; nothing was written, no input was told.
    fn check(&self, ended: &[Ended], culprits: &[&str]) {
        for party in ended {
            let told = format!("{}{}", party.stdout, party.stderr);
            assert!(party.status.code().is_some_and(|code| code > 0), "{told}");
            names(&party.name, &party.stdout, culprits);
            assert!(!told.contains(MARK), "{}: {told}", party.name);
            assert!(!told.contains("panicked"), "{}: {told}", party.name);
            let left = self.folder.files(&format!("out/{}", party.name));
            assert_eq!(left, Vec::<PathBuf>::new());
        }
    }
}

/// Whether an error is about one of the culprits, other than the party whose error it is.
fn names(party: &str, told: &str, culprits: &[&str]) {
    let mut others = culprits.iter().filter(|name| **name != party);
    let named = culprits == [party] || others.any(|name| told.contains(*name));
    assert!(named, "{party} does not name {culprits:?}: {told}");
}

/// What befalls a party, or the network between two.
enum Blow {
    Signal(&'static str),
    Network(Action),
}

/// What befalls one of two processes, or what is between them, while a third party holds a phase
/// open.
fn strike(phase: Phase, blow: &Blow) {
    let (text, parties, apart) = match phase {
        // Nobody is alice.
        Phase::Connect => (ROUNDS, THREE, 0),
        // The dealer has sent nothing yet.
        Phase::Offline => (DEALT, PAIR, 2),
        _ => (ROUNDS, THREE, 0),
    };
    let scene = Scene::new("strike", text, parties);
    let proxies = scene.proxies();
    let third = (phase != Phase::Connect).then(|| scene.inside(apart, phase, Deed::Wait));
    let command = match phase {
        Phase::Offline => "prepare",
        _ => "party",
    };
    let pair: Vec<usize> = (0..3).filter(|at| *at != apart).collect();
    let mut processes: Vec<Running> = pair.iter().map(|at| scene.behind(command, *at)).collect();
    if let Some(third) = &third {
        assert!(third.is_there(), "{phase:?}");
    }
    for process in &processes {
        process.says(match phase {
            Phase::Connect => "connected",
            Phase::Output => "computed",
            _ => "all parties agree",
        });
    }
    let (culprits, struck) = match blow {
        Blow::Signal(signal) => {
            let at = processes.iter().position(|p| p.name == "bob");
            let bob = processes.remove(at.expect("bob is a process"));
            bob.signal(signal);
            (vec!["bob"], Some((bob, *signal)))
        }
        Blow::Network(action) => {
            // All who dial the first of them pass there.
            proxies[pair[0]].now(Way::Forth, action.clone());
            // Whom a party loses may have been faster to lose it, and have told the third.
            (parties.to_vec(), None)
        }
    };
    let survivors: Vec<Ended> = processes.into_iter().map(Running::wait).collect();
    scene.check(&survivors, &culprits);
    if let Some(third) = third {
        let error = third.wait().expect_err("the third party cannot go on");
        names(parties[apart], &error, &culprits);
        assert!(!error.contains(MARK), "{error}");
    }
    if let Some((bob, "INT")) = struck {
        let ended = bob.wait();
        assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
        assert!(ended.stdout.contains("interrupted"), "{}", ended.stdout);
        assert!(ended.stdout.contains("\"I45\""), "{}", ended.stdout);
    }
}

/// All phases at once.
fn row(blow: &Blow) {
    let phases = [
        Phase::Connect,
        Phase::SetUp,
        Phase::Offline,
        Phase::Online,
        Phase::Output,
    ];
    std::thread::scope(|scope| {
        let threads = phases.map(|phase| (phase, scope.spawn(move || strike(phase, blow))));
        for (phase, thread) in threads {
            assert!(thread.join().is_ok(), "{phase:?}: see above");
        }
    });
}

#[test]
fn kill() {
    row(&Blow::Signal("KILL"));
}

#[test]
fn stop() {
    row(&Blow::Signal("STOP"));
}

#[test]
fn interrupt() {
    row(&Blow::Signal("INT"));
}

#[test]
fn reset() {
    row(&Blow::Network(Action::Reset));
}

#[test]
fn truncation() {
    row(&Blow::Network(Action::Close));
}

#[test]
fn stall() {
    row(&Blow::Network(Action::Stall));
}

#[test]
fn garbage() {
    row(&Blow::Network(Action::Insert(vec![0xff; 100])));
}

#[test]
fn replay() {
    row(&Blow::Network(Action::Replay(500)));
}

/// A party with the right certificate sends more, or less, than its program says.
#[test]
fn lengths() {
    let lie = |phase: Phase, deed: Deed| {
        let (text, parties, apart, command) = match phase {
            Phase::Offline => (DEALT, PAIR, 2, "prepare"),
            _ => (ROUNDS, THREE, 0, "party"),
        };
        let scene = Scene::new("lengths", text, parties);
        let liar = scene.inside(apart, phase, deed);
        let others = (0..3).filter(|at| *at != apart);
        let processes: Vec<Running> = others.map(|at| scene.behind(command, at)).collect();
        let ended: Vec<Ended> = processes.into_iter().map(Running::wait).collect();
        scene.check(&ended, &parties[apart..=apart]);
        let seen = |party: &Ended| party.stdout.contains("expected ");
        assert!(ended.iter().any(seen), "{phase:?} {deed:?}: {ended:?}");
        assert!(liar.wait().is_err());
    };
    std::thread::scope(|scope| {
        for phase in [Phase::SetUp, Phase::Offline, Phase::Online] {
            for deed in [Deed::Oversize, Deed::Truncate] {
                scope.spawn(move || lie(phase, deed));
            }
        }
    });
}

/// Waits until so much went past the proxies that the run is well under way.
fn under_way(proxies: &[Proxy]) {
    // The handshakes of ten connections are 50,000 bytes at most.
    until("a run under way", || {
        let passed: usize = proxies.iter().map(|p| p.count(Way::Forth)).sum();
        (passed > 150_000).then_some(())
    });
}

/// A party that computes by itself for long, and needs nothing of anybody meanwhile.
#[test]
fn a_party_that_computes_notices() {
    let text = "\
party alice, bob, carol;
using rep3 on alice, bob, carol;
input x: int from alice;
input y: int from bob;
let mut t = x;
for i in 0..2000000000 { t = t * t; }
reveal share t * share y as t;
leaks t to all;
";
    let scene = Scene::new("busy", text, THREE);
    let mut started: Vec<Running> = THREE
        .iter()
        .map(|name| {
            let mut command = scene.command("party", name, &scene.script);
            start(name, command.args(["--wait", "60s"]))
        })
        .collect();
    started[0].says("all parties agree");
    let carol = started.remove(2);
    carol.signal("STOP");
    let survivors: Vec<Ended> = started.into_iter().map(Running::wait).collect();
    scene.check(&survivors, &["carol"]);
    let place: serde_json::Value =
        serde_json::from_str(&survivors[0].stdout).expect("an error in JSON");
    assert_eq!(place["errors"][0]["place"]["line"], 6, "{place}");
}

/// What befalls one of five processes in the middle of a long run, or of its preparation.
fn far_into(command: &str, parties: &'static [&'static str], at: usize, signal: &str) {
    let scene = Scene::new("far", LONG, parties);
    let proxies = scene.proxies();
    let mut started: Vec<Running> = (0..5).map(|at| scene.behind(command, at)).collect();
    under_way(&proxies);
    let culprit = started.remove(at);
    culprit.signal(signal);
    let survivors: Vec<Ended> = started.into_iter().map(Running::wait).collect();
    scene.check(&survivors, &[&culprit.name]);
    if command == "party" {
        // Who computes says where it was.
        let told = |party: &&Ended| party.stdout.contains("in round ");
        assert!(survivors.iter().filter(told).count() >= 2, "{survivors:?}");
    }
}

#[test]
fn a_party_is_killed_far_into_a_run() {
    far_into("party", SERVERS, 3, "KILL");
}

#[test]
fn a_party_is_stopped_far_into_a_run() {
    far_into("party", SERVERS, 2, "STOP");
}

#[test]
fn a_dealer_is_killed() {
    far_into("party", SERVED, 4, "KILL");
}

#[test]
fn a_dealer_is_stopped_offline() {
    far_into("prepare", SERVED, 4, "STOP");
}

#[test]
fn a_bit_is_flipped_far_into_a_run() {
    let scene = Scene::new("flip", LONG, SERVERS);
    let proxies = scene.proxies();
    let started: Vec<Running> = (0..5).map(|at| scene.behind("party", at)).collect();
    under_way(&proxies);
    // Of two parties the later one dials, so what passes here is between P[0] and its peers.
    // Behind the head of a record, which TLS 1.3 does not heed.
    proxies[2].after(Way::Forth, 30, Action::Flip);
    let ended: Vec<Ended> = started.into_iter().map(Running::wait).collect();
    scene.check(&ended, &["P[0]", "P[1]", "P[2]"]);
}

/// All parties but one as they should be; that one as told. Everyone fails.
fn connecting(scene: &Scene, at: usize, odd: &mut Command, wait: &str) -> Vec<Ended> {
    let started: Vec<Running> = scene
        .parties
        .iter()
        .enumerate()
        .map(|(i, name)| match i == at {
            true => start(name, odd),
            false => {
                let mut command = scene.command("party", name, &scene.script);
                start(name, command.args(["--wait", wait]))
            }
        })
        .collect();
    started.into_iter().map(Running::wait).collect()
}

#[test]
fn a_party_never_comes() {
    let scene = Scene::new("absent", SHORT, THREE);
    let mut odd = Command::new("true");
    let ended = connecting(&scene, 1, &mut odd, "3s");
    let survivors: Vec<Ended> = ended.into_iter().filter(|p| p.name != "bob").collect();
    scene.check(&survivors, &["bob"]);
}

/// Two parties that disagree say so, both. A third may have heard of it before it saw.
fn both_say(ended: &[Ended], what: &str) {
    let named = |party: &&Ended| party.stdout.contains("I43") && party.stdout.contains(what);
    assert!(ended.iter().filter(named).count() >= 2, "{ended:?}");
}

#[test]
fn a_party_has_another_script() {
    let scene = Scene::new("script", SHORT, THREE);
    let other = SHORT.replace("* share y)", "+ share y)");
    let other = scene.folder.write("other/s.smpc", &other);
    let mut odd = scene.command("party", "bob", &other);
    odd.arg("--inputs").arg(scene.folder.path("s"));
    let ended = connecting(&scene, 1, &mut odd, "60s");
    scene.check(&ended, &["bob"]);
    assert!(ended[1].stdout.contains("I43") && ended[1].stdout.contains("script"));
}

#[test]
fn a_party_has_other_parameters() {
    let scene = Scene::new("params", SHORT, THREE);
    let mut odd = scene.command("party", "alice", &scene.script);
    odd.args(["--set", "k=2"]);
    let ended = connecting(&scene, 0, &mut odd, "60s");
    scene.check(&ended, &["alice"]);
    both_say(&ended, "k = ");
}

#[test]
fn inputs_have_other_sizes() {
    let scene = Scene::new("sizes", SHORT, THREE);
    scene.folder.write("s/bob/y.csv", "1\n2\n");
    let mut odd = scene.command("party", "bob", &scene.script);
    let ended = connecting(&scene, 1, &mut odd, "60s");
    scene.check(&ended, &["bob"]);
    both_say(&ended, "n = ");
}

#[test]
fn a_certificate_is_not_the_one_expected() {
    let scene = Scene::new("certificate", SHORT, THREE);
    let other = generate("bob", Span::days(30)).expect("a key");
    // Bob shows another certificate than the one his peers know.
    let own = scene.folder.write("own/bob.pem", &other.certificate_pem);
    let key = scene.folder.write("own/bob.key", &other.key_pem);
    for name in scene.parties.iter().filter(|name| **name != "bob") {
        let file = format!("keys/{name}.pem");
        let to = scene.folder.path(&format!("own/{name}.pem"));
        fs::copy(scene.folder.path(&file), to).expect("a certificate");
    }
    let peers = own.with_file_name("peers.toml");
    fs::copy(scene.folder.path("keys/peers.toml"), &peers).expect("the peers");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("permissions");
    }
    let mut odd = Command::new(smpc());
    odd.args(["party", "bob"])
        .arg(&scene.script)
        .arg("--peers")
        .arg(&peers)
        .args(["--json", "--wait", "5s"]);
    let ended = connecting(&scene, 1, &mut odd, "10s");
    scene.check(&ended, &["bob"]);
}

#[test]
fn a_certificate_has_expired() {
    let scene = Scene::new("expired", SHORT, THREE);
    let day = Duration::from_secs(86_400);
    let now = std::time::SystemTime::now();
    let span = Span {
        from: now - 3 * day,
        until: now - day,
    };
    let old = generate("bob", span).expect("a key");
    scene.folder.write("keys/bob.pem", &old.certificate_pem);
    scene.folder.write("keys/bob.key", &old.key_pem);
    let mut odd = scene.command("party", "bob", &scene.script);
    odd.args(["--wait", "5s"]);
    let ended = connecting(&scene, 1, &mut odd, "10s");
    scene.check(&ended, &["bob"]);
    assert!(ended[0].stdout.contains("expired"), "{}", ended[0].stdout);
}

#[test]
fn inputs_are_wrong_at_one_party() {
    let scene = Scene::new("inputs", SHORT, THREE);
    scene.folder.write("s/alice/x.csv", "1,2\n3\n");
    let mut odd = scene.command("party", "alice", &scene.script);
    let ended = connecting(&scene, 0, &mut odd, "5s");
    assert_eq!(ended[0].status.code(), Some(3), "{}", ended[0].stdout);
    scene.check(&ended, &["alice"]);
}

/// An assertion that does not hold ends every party with its code, whoever comes to it first.
#[test]
fn an_assertion_does_not_hold() {
    let text = "\
party alice, bob;
input x: int from alice;
input y: int from bob;
let p = reveal share x + share y as p;
assert(p < 0);
reveal share x * share y as t;
leaks p, t to all;
";
    let scene = Scene::new("assert", text, SERVERS);
    let mut first = scene.command("party", "alice", &scene.script);
    let ended = connecting(&scene, 0, first.args(["--wait", "60s"]), "60s");
    for party in &ended {
        assert_eq!(party.status.code(), Some(4), "{}", party.stdout);
        let answer: serde_json::Value = serde_json::from_str(&party.stdout).expect("an error");
        let error = &answer["errors"][0];
        assert_eq!(error["code"], "I34", "{}: {error}", party.name);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("what the script asserts"), "{error}");
        let left = scene.folder.files(&format!("out/{}", party.name));
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}
