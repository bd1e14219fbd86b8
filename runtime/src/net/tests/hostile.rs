//! A peer with the right certificate that does not keep to the rules.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::{Network, Party, timely};
use crate::channel::{Channel, ChannelError, Fault};
use crate::net::abort::Reason;
use crate::net::frame::{HEADER, Kind, header};
use crate::net::hello::{Hello, encode_sizes};
use crate::net::peers::private_key;
use crate::net::tls::Tls;
use crate::net::{Agreement, NetError};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Bob's connection with alice, TLS done.
fn mallory(net: &Network) -> Stream {
    let entries = net.peers().entries(&net.names).unwrap();
    let key = private_key(&net.folder.join("bob.key")).unwrap();
    let tls = Tls::new(entries[1].clone(), key).unwrap();
    let config = tls.client(entries[0].clone()).unwrap();
    let name = ServerName::try_from("peer.invalid").unwrap();
    let socket = TcpStream::connect(net.addresses[0]).unwrap();
    StreamOwned::new(ClientConnection::new(config, name).unwrap(), socket)
}

fn frame(kind: Kind, sequence: u64, taken: u64, contents: &[u8]) -> Vec<u8> {
    let mut bytes = header(kind, contents.len() as u64, sequence, taken).to_vec();
    bytes.extend(contents);
    bytes
}

fn hello(net: &Network, change: impl Fn(&mut Hello)) -> Vec<u8> {
    let mut hello = Hello {
        from: 1,
        to: 0,
        agreement: net.agreement(),
    };
    change(&mut hello);
    frame(Kind::Hello, 0, 0, &hello.encode())
}

/// The bytes of a handshake in good order.
fn polite(net: &Network) -> Vec<u8> {
    let mut bytes = hello(net, |_| {});
    bytes.extend(frame(Kind::Agreed, 1, 0, &encode_sizes(&[])));
    bytes
}

/// Alice's end, when bob sends the first of these bytes, the second as soon as alice has joined (while the two
/// are still joining, the same bytes end the handshake instead), and waits.
fn alice_twice(
    first: impl Fn(&Network) -> Vec<u8>,
    second: &[u8],
) -> Result<ChannelError, NetError> {
    let net = Network::new(&["alice", "bob"]);
    timely(|| {
        std::thread::scope(|scope| {
            let (joined, join) = mpsc::channel();
            let net = &net;
            let end = scope.spawn(move || {
                let strict = |party: &mut Party| {
                    party.options.idle_timeout = Duration::from_secs(3);
                    party.options.max_frame = 1000;
                    party.options.window = 2000;
                };
                let (mut channel, _) = net.join(0, strict)?;
                joined.send(()).unwrap();
                let error = channel.receive(1, 8).unwrap_err();
                channel.fail("I31", "");
                Ok(error)
            });
            let mut bob = mallory(net);
            bob.write_all(&first(net)).unwrap();
            bob.flush().unwrap();
            if !second.is_empty() && join.recv().is_ok() {
                bob.write_all(second).unwrap();
                bob.flush().unwrap();
            }
            // Until alice hangs up.
            let mut sink = vec![];
            let _ = bob.read_to_end(&mut sink);
            end.join().unwrap()
        })
    })
}

/// Alice's end, when bob sends these bytes and waits.
fn alice(bytes: impl Fn(&Network) -> Vec<u8>) -> Result<ChannelError, NetError> {
    alice_twice(bytes, &[])
}

fn after_hello(bytes: Vec<u8>) -> Fault {
    let error = alice_twice(polite, &bytes).unwrap();
    assert_eq!(error.peer, 1);
    error.fault
}

#[test]
fn lengths_that_lie() {
    let of = |length| after_hello(header(Kind::Message, length, 2, 0).to_vec());
    let limit = 1000;
    assert_eq!(of(1001), Fault::TooLong { limit, found: 1001 });
    let found = (1 << 56) - 1;
    assert_eq!(of(found), Fault::TooLong { limit, found });
    let expected = 8;
    assert_eq!(of(9), Fault::Length { expected, found: 9 });
    // A length that is right, and a message that never comes.
    assert!(matches!(of(8), Fault::TimedOut { .. }));
    let long = Kind::Failed as u64;
    assert_eq!(long, 6);
    assert!(matches!(
        after_hello(header(Kind::Failed, 5000, 2, 0).to_vec()),
        Fault::TooLong {
            limit: 4096,
            found: 5000
        }
    ));
}

#[test]
fn frames_out_of_order() {
    let sequence = |expected, found| Fault::Sequence { expected, found };
    let eight = [0; 8];
    assert_eq!(
        after_hello(frame(Kind::Message, 3, 0, &eight)),
        sequence(2, 3)
    );
    assert_eq!(
        after_hello(frame(Kind::Message, 0, 0, &eight)),
        sequence(2, 0)
    );
    // A frame once more.
    let alive = frame(Kind::Alive, 2, 0, &[]);
    assert_eq!(after_hello(alive.repeat(2)), sequence(3, 2));
}

#[test]
fn frames_that_make_no_sense_here() {
    assert_eq!(after_hello(vec![0xff; HEADER]), Fault::Garbage);
    assert_eq!(after_hello(frame(Kind::Hello, 2, 0, &[])), Fault::Garbage);
    assert_eq!(after_hello(frame(Kind::Agreed, 2, 0, &[])), Fault::Garbage);
    // Done without having settled, and failed without a reason.
    assert_eq!(after_hello(frame(Kind::Done, 2, 0, &[])), Fault::Garbage);
    assert_eq!(after_hello(frame(Kind::Failed, 2, 0, &[1])), Fault::Garbage);
    // More messages taken out than were sent.
    assert_eq!(after_hello(frame(Kind::Alive, 2, 1, &[])), Fault::Garbage);
    // A message after the end.
    let late = [
        frame(Kind::Settled, 2, 0, &[]),
        frame(Kind::Message, 3, 0, &[0; 8]),
    ]
    .concat();
    assert_eq!(after_hello(late), Fault::Garbage);
}

/// Who ends for a reason that makes no sense has ended all the same.
#[test]
fn an_end_because_of_nobody() {
    let reason = Reason {
        code: "I31".to_owned(),
        place: String::new(),
        about: Some(999),
        by: Some(999),
    };
    let fault = after_hello(frame(Kind::Failed, 2, 0, &reason.encode()));
    assert!(matches!(fault, Fault::Failed { .. }), "{fault}");
}

/// Lengths that lie before anything is agreed on, and at the end.
#[test]
fn oversize_at_either_end() {
    let huge = (1 << 56) - 1;
    for length in [(1 << 20) + 1, huge] {
        let error = alice(|_| header(Kind::Hello, length, 0, 0).to_vec()).unwrap_err();
        assert_eq!((error.code(), error.peer()), ("I44", Some("bob")));
        assert!(error.message().contains("at most 1048576"), "{error}");
    }
    let settled = after_hello(header(Kind::Settled, 1, 2, 0).to_vec());
    assert_eq!(settled, Fault::TooLong { limit: 0, found: 1 });
    let done = [
        frame(Kind::Settled, 2, 0, &[]),
        header(Kind::Done, huge, 3, 0).to_vec(),
    ];
    let done = after_hello(done.concat());
    assert!(
        matches!(done, Fault::TooLong { .. } | Fault::Gone),
        "{done}"
    );
}

#[test]
fn a_flood() {
    let net = Network::new(&["alice", "bob"]);
    let error = timely(|| {
        std::thread::scope(|scope| {
            let (joined, join) = mpsc::channel();
            let net = &net;
            let end = scope.spawn(move || {
                let strict = |party: &mut Party| {
                    party.options.max_frame = 1000;
                    party.options.window = 2000;
                };
                let (mut channel, _) = net.join(0, strict).unwrap();
                joined.send(()).unwrap();
                // Alice takes nothing out until the line has ended.
                channel.settle().unwrap_err()
            });
            let mut bob = mallory(net);
            bob.write_all(&polite(net)).unwrap();
            bob.flush().unwrap();
            join.recv().unwrap();
            for i in 2..200 {
                if bob
                    .write_all(&frame(Kind::Message, i, 0, &[0; 900]))
                    .is_err()
                {
                    break;
                }
            }
            let _ = bob.read_to_end(&mut vec![]);
            end.join().unwrap()
        })
    });
    assert_eq!((error.peer, error.fault), (1, Fault::Flood));
}

#[test]
fn handshakes_that_lie() {
    let error = |bytes: &(dyn Fn(&Network) -> Vec<u8> + Sync)| {
        let error = alice(bytes).unwrap_err();
        assert_eq!(error.peer(), Some("bob"), "{error}");
        (error.code(), error.message().to_owned())
    };
    let another = |net: &Network| hello(net, |h| h.from = 0);
    assert_eq!(error(&another).1, "bob: it says that it is another party");
    let version = |net: &Network| {
        let mut bytes = hello(net, |_| {});
        bytes[HEADER + 4] = 7;
        bytes
    };
    assert_eq!(
        error(&version).1,
        "bob: it speaks version 7 of the protocol, this party version 3"
    );
    let damaged = |net: &Network| {
        let mut bytes = hello(net, |_| {});
        bytes[HEADER] = b'X';
        bytes
    };
    assert_eq!(error(&damaged).0, "I44");
    let early = |net: &Network| {
        let mut bytes = hello(net, |_| {});
        bytes.extend(frame(Kind::Message, 1, 0, &[0; 8]));
        bytes
    };
    assert_eq!(error(&early), ("I44", format!("bob: {}", Fault::Garbage)));
    let sizes = |net: &Network| {
        let mut bytes = hello(net, |_| {});
        bytes.extend(frame(
            Kind::Agreed,
            1,
            0,
            &encode_sizes(&[("n".to_owned(), Some(1))]),
        ));
        bytes
    };
    assert_eq!(
        error(&sizes),
        ("I43", "bob: it was told other sizes".to_owned())
    );
    // A peer's words are shown, but they cannot draw on the terminal.
    let escape = |net: &Network| {
        hello(net, |h| {
            h.agreement = Agreement {
                language: "\u{1b}[2J".to_owned(),
                ..h.agreement.clone()
            };
        })
    };
    assert_eq!(error(&escape).0, "I44");
    let silent = |_: &Network| vec![];
    let (code, text) = error(&silent);
    assert_eq!(code, "I44");
    assert!(text.starts_with("bob: nothing was heard"), "{text}");
}
