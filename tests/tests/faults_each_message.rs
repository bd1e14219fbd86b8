//! A party that fails at any message whatever: the others end, with an error or with the right
//! answer, and never hang. Over channels in memory and over TLS; `faults/main.rs` has the table.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;

use smpc_driver::Compiled;
use smpc_grammar::Sources;
use smpc_interp::{Account, RunError, Setup, endpoint};
use smpc_ir::party::{Elem, Party, Program, validate};
use smpc_runtime::channel::in_memory;
use smpc_runtime::net::proxy::{Action, Proxy, Way};
use smpc_runtime::tensor::Tensor;
use smpc_tests::inside::{Deed, Held, Inside, Point, Role, compiled};
use smpc_tests::process::{Folder, PATIENCE, keys, until};

const ROUNDS: &str = "\
party alice, bob, carol;
using rep3 on alice, bob, carol;
input x: int from alice;
input y: int from bob;
let p = share x * share y;
reveal p < share x as less;
reveal p as p;
leaks less, p to all;
";

const DEALT: &str = "\
party alice, bob;
using additive on alice, bob;
input x: int from alice;
input y: int from bob;
let p = share x * share y;
reveal p < share x as less;
reveal p as p;
leaks less, p to all;
";

/// A script in a folder, with keys for its parties.
fn scene(text: &str, parties: &[&str]) -> (Folder, PathBuf, Vec<u16>) {
    let folder = Folder::new("each");
    folder.write("s/alice/x.csv", "6\n");
    folder.write("s/bob/y.csv", "-7\n");
    let script = folder.write("s.smpc", text);
    let ports = keys(&folder, parties);
    (folder, script, ports)
}

/// The ends of all parties over memory, of which one leaves its program; none if it never gets to
/// that point.
fn in_one_process(
    compiled: &Compiled,
    culprit: usize,
    point: Point,
    deed: Deed,
) -> Option<Vec<Result<Account, RunError>>> {
    let program: &Program = &compiled.bound.program;
    let valid = validate(program).expect("a program");
    let (told, ended) = channel();
    let inputs = [6, -7].map(|value| {
        let value = Tensor::from_i128s(Elem::Ring(64), &[], &[value]);
        Some(value.expect("a scalar"))
    });
    let setup = Setup {
        sizes: vec![0; program.sizes.len()],
        inputs: inputs.to_vec(),
        ..Setup::default()
    };
    std::thread::scope(|scope| {
        let run = |(me, mut inner): (usize, _)| {
            let (told, setup) = (told.clone(), &setup);
            scope.spawn(move || {
                let party = Party(u8::try_from(me).expect("a party"));
                let (result, done) = if me == culprit {
                    let mut held = Held::new(&mut inner, point, deed, Box::new(|| {}));
                    let result = endpoint(valid, party, setup, &mut held);
                    (result, held.done())
                } else {
                    (endpoint(valid, party, setup, &mut inner), true)
                };
                drop(inner);
                told.send(()).expect("the test waits");
                (result, done)
            })
        };
        let threads: Vec<_> = in_memory(program.parties.len())
            .into_iter()
            .enumerate()
            .map(run)
            .collect();
        for _ in &threads {
            let ended = ended.recv_timeout(PATIENCE);
            if ended.is_err() {
                // The scope would wait for the one that hangs.
                eprintln!("a party hangs at {point:?}, {deed:?}");
                std::process::abort();
            }
        }
        let ends: Vec<_> = threads.into_iter().map(|t| t.join()).collect();
        let ends: Vec<_> = ends.into_iter().map(|end| end.expect("no panic")).collect();
        let done = ends.iter().all(|(_, done)| *done);
        done.then(|| ends.into_iter().map(|(result, _)| result).collect())
    })
}

fn each_message(text: &str, parties: &[&str]) {
    let (folder, script, _) = scene(text, parties);
    let mut sources = Sources::new();
    let compiled = compiled(&mut sources, &script, &folder.path("keys/peers.toml"));
    for culprit in 0..parties.len() {
        for deed in [Deed::Leave, Deed::Oversize, Deed::Truncate] {
            let mut points = 0;
            for number in 0.. {
                let ends = in_one_process(&compiled, culprit, Point::Message(number), deed);
                let Some(ends) = ends else { break };
                points += 1;
                let failed = ends.iter().filter(|end| end.is_err()).count();
                assert!(failed > 0, "{culprit} {deed:?} {number}: nobody noticed");
                for account in ends.into_iter().flatten() {
                    for output in account.outputs {
                        let expected = if output.name == "p" { -42 } else { 1 };
                        assert_eq!(output.value.scalar(), Some(expected), "{}", output.name);
                    }
                }
            }
            assert!(points > 1, "{culprit} {deed:?}: {points} messages");
        }
    }
}

#[test]
fn of_a_party_in_memory() {
    each_message(ROUNDS, &["alice", "bob", "carol"]);
}

#[test]
fn of_a_dealer_and_its_parties_in_memory() {
    each_message(DEALT, &["alice", "bob", "T"]);
}

/// What befalls all connections of the first party at each of its messages.
fn each_message_over_tls(action: &Action) {
    let parties = ["alice", "bob", "carol"];
    let mut points = 0;
    for number in 0.. {
        let (folder, script, ports) = scene(ROUNDS, &parties);
        // Everybody dials her.
        let address = format!("127.0.0.1:{}", ports[0]);
        let proxy = Proxy::start(address.parse().expect("an address")).expect("a proxy");
        let peers = folder.path("keys/peers.toml");
        let text = std::fs::read_to_string(&peers).expect("the peers");
        let text = text.replace(&address, &proxy.address().to_string());
        std::fs::write(&peers, text).expect("the peers");
        let join = |(at, name): (usize, &&str)| {
            let role = Role {
                name: (*name).to_owned(),
                script: script.clone(),
                peers: peers.clone(),
                listen: Some(format!("127.0.0.1:{}", ports[at])),
                timeout: Duration::from_secs(2),
                limit: Duration::from_secs(3600),
                outputs: folder.path("out"),
            };
            let point = match at {
                0 => Point::Message(number),
                _ => Point::Message(usize::MAX),
            };
            Inside::start(role, point, Deed::Wait)
        };
        let all: Vec<Inside> = parties.iter().enumerate().map(join).collect();
        let there = all[0].is_there();
        if there {
            proxy.now(Way::Forth, action.clone());
        }
        let ends: Vec<Result<(), String>> = all.into_iter().map(Inside::wait).collect();
        if !there {
            assert!(ends.iter().all(Result::is_ok), "{ends:?}");
            break;
        }
        points += 1;
        for (name, end) in parties.iter().zip(ends) {
            let error = end.expect_err("a party cannot end well");
            let others = ["alice", "bob", "carol"].into_iter().filter(|p| p != name);
            assert!(others.clone().any(|p| error.contains(p)), "{name}: {error}");
            // The two that have no trouble with one another blame her.
            assert!(
                *name == "alice" || error.contains("alice"),
                "{name}: {error}"
            );
        }
        until("no file is left", || {
            folder.files("out").is_empty().then_some(())
        });
    }
    assert!(points > 3, "{points} messages");
}

#[test]
fn with_a_reset_over_tls() {
    each_message_over_tls(&Action::Reset);
}

#[test]
fn with_garbage_over_tls() {
    each_message_over_tls(&Action::Insert(vec![0x17; 77]));
}
