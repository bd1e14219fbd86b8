//! Connecting, and what can be wrong before the first message.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};

use super::{LONG, Network, Party, timely};
use crate::channel::Fault;
use crate::net::keygen::{self, Span};
use crate::net::proxy::{Action, Proxy, Way};
use crate::net::{Aborter, Peers, Progress, connect_on};

fn errors(net: &Network, change: impl Fn(usize, &mut Party) + Sync) -> Vec<(&'static str, String)> {
    let results = timely(|| net.run(change, |_, channel| channel.close()));
    let error = |result: Result<_, super::NetError>| {
        let error = result.unwrap_err();
        (error.code(), error.to_string())
    };
    results.into_iter().map(error).collect()
}

#[test]
fn sizes_are_merged() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let sizes = std::thread::scope(|scope| {
        let join = |me: usize| {
            let net = &net;
            scope.spawn(move || {
                let (channel, sizes) = net
                    .join(me, |party| {
                        let of = |owner, value| (me == owner).then_some(value);
                        party.agreement.sizes = vec![
                            ("n".to_owned(), of(0, 7)),
                            ("m".to_owned(), of(2, 9)),
                            ("d".to_owned(), (me != 1).then_some(4)),
                        ];
                    })
                    .unwrap();
                channel.close().unwrap();
                sizes
            })
        };
        let threads: Vec<_> = (0..3).map(join).collect();
        threads
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(sizes, vec![vec![7, 9, 4]; 3]);
}

#[test]
fn progress_is_told() {
    let net = Network::new(&["alice", "bob"]);
    let told = std::thread::scope(|scope| {
        let bob = scope.spawn(|| net.join(1, |_| {}).unwrap().0.close());
        let mut told = vec![];
        let listener = net.listeners[0].try_clone().unwrap();
        let key = net.folder.join("alice.key");
        let (channel, _) = connect_on(
            Some(listener),
            0,
            &net.peers(),
            &key,
            &net.agreement(),
            &super::Options::default(),
            &mut |p| told.push(p),
        )
        .unwrap();
        channel.close().unwrap();
        bob.join().unwrap().unwrap();
        told
    });
    let listening = Progress::Listening {
        address: net.addresses[0].to_string(),
    };
    assert_eq!(told.first(), Some(&listening));
    assert!(told.contains(&Progress::Connected {
        peer: "bob".to_owned()
    }));
    assert_eq!(told.last(), Some(&Progress::Agreed));
}

/// What kept a peer away before it was there is no cause of what comes later.
#[test]
fn a_peer_that_was_late_is_no_cause() {
    let net = Network::new(&["alice", "bob", "carol"]);
    // Nobody listens there yet.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let text = std::fs::read_to_string(net.folder.join("peers.toml")).unwrap();
    let text = text.replace(&net.addresses[0].to_string(), &address.to_string());
    let path = net.folder.join("late.toml");
    std::fs::write(&path, text).unwrap();
    let peers = Peers::read(&path).unwrap();
    let options = super::Options {
        connect_timeout: LONG,
        ..super::Options::default()
    };
    let (there, wait) = std::sync::mpsc::channel();
    let join = |me: usize, progress: &mut dyn FnMut(Progress)| {
        let listener = match me {
            0 => std::net::TcpListener::bind(address).unwrap(),
            _ => net.listeners[me].try_clone().unwrap(),
        };
        let key = net.folder.join(format!("{}.key", net.names[me]));
        let own = net.agreement();
        connect_on(Some(listener), me, &peers, &key, &own, &options, progress)
    };
    let mut reasons = vec![];
    std::thread::scope(|scope| {
        let join = &join;
        scope.spawn(move || {
            wait.recv().unwrap();
            join(0, &mut |_| {}).err().unwrap()
        });
        let mut connected = false;
        let error = join(1, &mut |progress| match progress {
            Progress::Connected { .. } => connected = true,
            Progress::Waiting { peers, reason } => {
                reasons.push((peers, reason));
                match connected {
                    true => options.aborter.abort("I45", ""),
                    false => there.send(()).unwrap(),
                }
            }
            _ => {}
        });
        assert_eq!(error.err().map(|error| error.code()), Some("I45"));
    });
    let (peers, reason) = reasons.first().unwrap();
    assert_eq!(peers, &["alice", "carol"]);
    assert!(
        reason
            .as_ref()
            .is_some_and(|why| why.starts_with("alice at "))
    );
    assert_eq!(reasons.last(), Some(&(vec!["carol".to_owned()], None)));
}

/// Of two processes with one certificate a peer takes the first, and says what the matter may be.
#[test]
fn a_party_that_is_started_twice() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let aborter = Aborter::default();
    let (there, wait) = std::sync::mpsc::channel();
    let [alice, second] = std::thread::scope(|scope| {
        let alice = scope.spawn(|| {
            let listener = net.listeners[0].try_clone().unwrap();
            let (key, own) = (net.folder.join("alice.key"), net.agreement());
            let options = super::Options {
                connect_timeout: LONG,
                ..super::Options::default()
            };
            let mut told = |progress| {
                if let Progress::Connected { .. } = progress {
                    there.send(()).unwrap();
                }
            };
            let peers = net.peers();
            let joined = connect_on(Some(listener), 0, &peers, &key, &own, &options, &mut told);
            joined.err().unwrap()
        });
        scope.spawn(|| {
            let joined = net.join(1, |party| party.options.aborter = aborter.clone());
            joined.err().unwrap()
        });
        wait.recv().unwrap();
        let second = net.join(1, |_| {}).err().unwrap();
        aborter.abort("I45", "");
        [alice.join().unwrap(), second]
    });
    let text = "; bob connected a second time: it may have been started twice";
    assert!(alice.message().ends_with(text), "{alice}");
    assert_eq!((second.code(), second.peer()), ("I44", Some("alice")));
    let text = "it may have a connection with another process that is bob";
    assert!(second.message().ends_with(text), "{second}");
}

#[test]
fn another_script_is_named_on_all_sides() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let found = errors(&net, |me, party| {
        if me == 1 {
            party.agreement.script.1 = [9; 32];
            party.agreement.params = vec![("epochs".to_owned(), 31)];
        }
    });
    assert_eq!(
        found[0],
        (
            "I43",
            "bob: it runs something else: params epochs = 30 here, epochs = 31 at bob; \
             the text of script mean.smpc differs: 010101010101 here, 090909090909 at bob"
                .to_owned()
        )
    );
    assert_eq!(found[1].0, "I43");
    assert!(found[1].1.contains("epochs = 31 here, epochs = 30 at "));
    // Carol sees it herself, or hears of it first.
    assert!(found[2].1.starts_with("bob: ") || found[2].1.starts_with("alice: "));
}

#[test]
fn other_sizes_are_named() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let found = errors(&net, |me, party| {
        let size = [Some(4), Some(5), None][me];
        party.agreement.sizes = vec![("n".to_owned(), size)];
    });
    assert_eq!(
        found[0].1,
        "bob: it runs something else: sizes n = 4 here, n = 5 at bob"
    );
    assert_eq!(
        found[1].1,
        "alice: it runs something else: sizes n = 5 here, n = 4 at alice"
    );
    let carol = &found[2].1;
    // Carol sees it herself, is told, or finds one of them gone.
    assert!(
        carol.starts_with("alice: ") || carol.starts_with("bob: "),
        "{carol}"
    );
}

#[test]
fn a_size_nobody_knows() {
    let net = Network::new(&["alice", "bob"]);
    let found = errors(&net, |_, party| {
        party.agreement.sizes = vec![("n".to_owned(), None)];
    });
    assert!(found.iter().any(|e| e.1 == "no party knows the size n"));
}

#[test]
fn a_peer_that_never_comes() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let short = |party: &mut Party| party.options.connect_timeout = Duration::from_secs(1);
    let found = std::thread::scope(|scope| {
        let alice = scope.spawn(|| net.join(0, short).err().unwrap());
        let carol = scope.spawn(|| net.join(2, short).err().unwrap());
        [alice.join().unwrap(), carol.join().unwrap()]
    });
    // Whoever is first to give up tells the other.
    assert!(found.iter().any(|e| e.code() == "I41"));
    for error in found {
        assert_eq!(error.peer(), Some("bob"), "{error}");
    }
}

#[test]
fn another_certificate() {
    for impostor in [0, 1] {
        let net = Network::new(&["alice", "bob"]);
        // The impostor's own files say otherwise than those of its peer.
        let name = &net.names[impostor];
        let other = net.folder.join("other");
        let parties = [(name.clone(), net.addresses[impostor].to_string())];
        keygen::write(&other, &parties, Span::days(1)).unwrap();
        let text = std::fs::read_to_string(net.folder.join("peers.toml")).unwrap();
        let text = text.replace(&format!("{name}.pem"), &format!("other/{name}.pem"));
        let path = net.folder.join("impostor.toml");
        std::fs::write(&path, text).unwrap();
        let found = errors(&net, |me, party| {
            party.options.connect_timeout = Duration::from_secs(2);
            if me == impostor {
                party.peers = Peers::read(&path).unwrap();
                party.key = other.join(format!("{name}.key"));
            }
        });
        let [alice, bob] = &found[..] else {
            panic!("two parties")
        };
        if impostor == 0 {
            let why = "alice: the certificate it shows is not the one in peers.toml";
            assert_eq!(*bob, ("I42", why.to_owned()));
        } else {
            assert_eq!(bob.0, "I42", "{}", bob.1);
            assert!(
                bob.1
                    .starts_with("alice: it does not accept our certificate")
            );
        }
        let (code, text) = alice;
        assert_eq!(*code, "I41");
        assert!(
            text.starts_with("bob: no connection in time"),
            "{text} {impostor}"
        );
        assert!(text.contains("certificate"), "{found:?}");
    }
}

#[test]
fn an_expired_certificate() {
    let day = Duration::from_secs(86_400);
    let span = Span {
        from: SystemTime::now() - 9 * day,
        until: SystemTime::now() - 2 * day,
    };
    let net = Network::with(&["alice", "bob"], span);
    for (code, text) in errors(&net, |_, _| {}) {
        assert_eq!(code, "I42");
        assert!(text.contains("the certificate has expired on "), "{text}");
    }
}

#[test]
fn a_certificate_that_is_not_valid_yet() {
    let day = Duration::from_secs(86_400);
    let span = Span {
        from: SystemTime::now() + 2 * day,
        until: SystemTime::now() + 9 * day,
    };
    let net = Network::with(&["alice", "bob"], span);
    for (code, text) in errors(&net, |_, _| {}) {
        assert_eq!(code, "I42");
        assert!(text.contains("is valid from "), "{text}");
    }
}

#[test]
fn the_key_of_another() {
    let net = Network::new(&["alice", "bob"]);
    let key = net.folder.join("bob.key");
    let error = net.join(0, |party| party.key = key).err().unwrap();
    assert_eq!(
        (error.code(), error.message()),
        (
            "I40",
            "the private key does not belong to the certificate of alice"
        )
    );
}

#[test]
fn garbage_instead_of_tls() {
    for (way, at) in [
        (Way::Back, 0),
        (Way::Forth, 0),
        (Way::Back, 300),
        (Way::Forth, 300),
    ] {
        let net = Network::new(&["alice", "bob"]);
        let proxy = Proxy::start(net.addresses[0]).unwrap();
        proxy.after(way, at, Action::Insert(b"GET / HTTP/1.1\r\n\r\n".repeat(4)));
        let found = errors(&net, |me, party| {
            party.options.connect_timeout = Duration::from_secs(2);
            if me == 1 {
                party.peers = net.through(0, &proxy);
            }
        });
        assert!(found[0].1.starts_with("bob: "), "{found:?}");
        assert!(found[1].1.starts_with("alice: "), "{found:?}");
    }
}

#[test]
fn a_connection_that_ends_during_the_handshake() {
    for action in [Action::Close, Action::Reset, Action::Stall] {
        for (way, at) in [
            (Way::Forth, 0),
            (Way::Forth, 100),
            (Way::Back, 200),
            (Way::Forth, 600),
        ] {
            let net = Network::new(&["alice", "bob"]);
            let proxy = Proxy::start(net.addresses[0]).unwrap();
            proxy.after(way, at, action.clone());
            let found = errors(&net, |me, party| {
                party.options.connect_timeout = Duration::from_secs(1);
                party.options.handshake_timeout = Duration::from_millis(500);
                if me == 1 {
                    party.peers = net.through(0, &proxy);
                }
            });
            assert!(found[0].1.starts_with("bob: "), "{found:?}");
            assert!(found[1].1.starts_with("alice: "), "{found:?}");
        }
    }
}

#[test]
fn strangers_do_not_disturb() {
    use std::io::Write as _;
    let net = Network::new(&["alice", "bob"]);
    let mut strangers = vec![];
    for _ in 0..5 {
        let mut stranger = std::net::TcpStream::connect(net.addresses[0]).unwrap();
        stranger.write_all(b"\x16\x03\x01hello?").unwrap();
        strangers.push(stranger);
    }
    let results = net.run(|_, _| {}, |_, channel| channel.close());
    results.into_iter().for_each(|r| r.unwrap().unwrap());
}

#[test]
fn an_interrupt_while_connecting() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let aborter = Aborter::default();
    let found = std::thread::scope(|scope| {
        let alice = scope.spawn(|| {
            let own = aborter.clone();
            net.join(0, |party| party.options.aborter = own)
                .err()
                .unwrap()
        });
        let stop = &aborter;
        let bob = scope.spawn(|| {
            let mut stop = |progress| {
                if progress
                    == (Progress::Connected {
                        peer: "alice".to_owned(),
                    })
                {
                    stop.abort("I45", "");
                }
            };
            let options = super::Options {
                connect_timeout: LONG,
                ..super::Options::default()
            };
            let (listener, key) = (
                net.listeners[1].try_clone().unwrap(),
                net.folder.join("bob.key"),
            );
            let (peers, agreement) = (net.peers(), net.agreement());
            connect_on(
                Some(listener),
                1,
                &peers,
                &key,
                &agreement,
                &options,
                &mut stop,
            )
            .err()
            .unwrap()
        });
        timely(|| [alice.join().unwrap(), bob.join().unwrap()])
    });
    assert_eq!(found[0].code(), "I45");
    let told = Fault::Failed {
        code: "I45".to_owned(),
        place: String::new(),
    };
    assert_eq!(found[1].code(), "I44");
    assert_eq!(found[1].message(), format!("alice: {told}"));
}

#[test]
fn files_that_are_wrong() {
    let net = Network::new(&["alice", "bob"]);
    let read = |text: &str| {
        let path = net.folder.join("wrong.toml");
        std::fs::write(&path, text).unwrap();
        let error = Peers::read(&path).unwrap_err();
        assert_eq!(error.code(), "I40");
        error.to_string()
    };
    assert!(read("[party").contains("wrong.toml"));
    assert!(read("").contains("there is no `[party.NAME]`"));
    assert!(read("[party.a]\naddress = \"h:1\"").contains("party `a` has no text `certificate`"));
    assert!(read("[party.a]\naddress = 3").contains("party `a` has no text `address`"));
    assert!(read("[party.a]\nadress = \"\"").contains("party `a` has an unknown `adress`"));
    assert!(read("[parties]").contains("`parties` is unknown"));
    let port = "[party.a]\naddress = \"h:0\"\ncertificate = \"alice.pem\"";
    assert!(read(port).contains("party `a`: `h:0` is no HOST:PORT"));
    let alice = "address = \"h:1\"\ncertificate = \"alice.pem\"\n";
    let other = alice.replace("h:1", "h:2");
    let twins = format!("[party.a]\n{alice}[party.\"b[0]\"]\n{alice}");
    assert!(read(&twins).contains("b[0] has the address of a: h:1"));
    let twins = format!("[party.a]\n{alice}[party.\"b[0]\"]\n{other}");
    assert!(read(&twins).contains("b[0] has the certificate of a"));
    let key = "[party.a]\naddress = \"h:1\"\ncertificate = \"alice.key\"";
    assert!(read(key).contains("(certificate of a)"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let key = net.folder.join("alice.key");
        let readable = |mode| {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            crate::net::peers::private_key(&key).map_err(|e| e.to_string())
        };
        for mode in [0o644, 0o640, 0o604] {
            assert!(readable(mode).unwrap_err().contains("chmod 600"));
        }
        assert!(readable(0o600).is_ok() && readable(0o400).is_ok());
    }
    let gone = "[party.a]\naddress = \"h:1\"\ncertificate = \"none.pem\"";
    assert!(read(gone).contains("none.pem"));
}

/// Bob's certificate was renewed, and alice has the old one: she is the one to say so, whatever carol tells her first.
#[test]
fn a_certificate_that_was_renewed() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let old = net.folder.join("old");
    let parties = [("bob".to_owned(), net.addresses[1].to_string())];
    keygen::write(&old, &parties, Span::days(1)).unwrap();
    let text = std::fs::read_to_string(net.folder.join("peers.toml")).unwrap();
    let path = net.folder.join("outdated.toml");
    std::fs::write(&path, text.replace("bob.pem", "old/bob.pem")).unwrap();
    // Bob comes to her when he and carol have met.
    let way = TcpListener::bind("127.0.0.1:0").unwrap();
    let round = net.folder.join("round.toml");
    let [hers, other] = [net.addresses[0], way.local_addr().unwrap()];
    let text = text.replace(&hers.to_string(), &other.to_string());
    std::fs::write(&round, text).unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        let (bob, _) = way.accept().unwrap();
        let alice = TcpStream::connect(hers).unwrap();
        let ends = [(&bob, &alice), (&alice, &bob)];
        std::thread::scope(|scope| {
            for (mut from, mut to) in ends {
                scope.spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        });
    });
    let found = errors(&net, |me, party| match me {
        0 => party.peers = Peers::read(&path).unwrap(),
        1 => party.peers = Peers::read(&round).unwrap(),
        _ => {}
    });
    let (code, text) = &found[0];
    assert_eq!(*code, "I42", "{text}");
    assert!(
        text.starts_with("bob: nobody came with its certificate in peers.toml, and a connection"),
        "{text}"
    );
    assert!(found[1].1.contains("does not accept our certificate"));
}

#[test]
fn keys_that_are_not_taken_say_what_to_do() {
    let net = Network::new(&["alice"]);
    let path = net.folder.join("alice.key");
    let told = |contents: &[u8]| {
        std::fs::write(&path, contents).unwrap();
        crate::net::peers::private_key(&path).map_or_else(|e| e.to_string(), |_| String::new())
    };
    let encrypted =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let text = told(encrypted);
    assert!(
        text.contains("encrypted") && text.contains("openssl pkey -in"),
        "{text}"
    );
    let text = told(b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n");
    assert!(text.contains("encrypted"), "{text}");
    let text = told(b"\x30\x81\x87\x02\x01\x00");
    assert!(
        text.contains("DER") && text.contains("-inform DER"),
        "{text}"
    );
    assert!(told(b"hello").contains("no private key in PEM"));
    // openssl ecparam -name secp521r1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt
    let p521 = b"-----BEGIN PRIVATE KEY-----
MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBjoAD6JncU/AOo30i
LXUaiFi4SX0kSN3dvnUj52GIwnRAzcNPUdE4PKIh0NPZ588ZRecntooCzfcTsqrP
7i9135ehgYkDgYYABAAwxcrB8rrUeyIQNYWcDekIe5WeYY2Xo3Up0GiJfl36Jqde
5/d5sqXIL6xXqpvSBKIORiMggaWg4jTbD7wj4co7KwGKcrHWt/c0FkJD+L9wbUZi
uc99DBZWf5gQdqkgNwu3vXSFTebp5TF/Ijg8EjJraevYLDCMkxJW3FuD6AliNvNk
TQ==
-----END PRIVATE KEY-----
";
    assert_eq!(told(p521), "");
    let (code, text) = errors(&net, |_, _| {}).remove(0);
    assert_eq!(code, "I40");
    assert!(text.contains("P-256 or P-384, or Ed25519"), "{text}");
    std::fs::write(net.folder.join("alice.pem"), b"\x30\x82\x01\x02").unwrap();
    let error = Peers::read(&net.folder.join("peers.toml"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("openssl x509 -inform DER"), "{error}");
}
