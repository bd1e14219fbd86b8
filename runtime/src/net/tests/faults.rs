//! What goes wrong during a run: always an error that names the right peer, on every party that is
//! left, in time.

use std::time::Duration;

use super::{Network, Party, timely};
use crate::channel::{Channel, ChannelError, Due, Fault};
use crate::net::abort::Reason;
use crate::net::proxy::{Action, Proxy, Way};
use crate::net::state::Shared;
use crate::net::{NetChannel, Options};

/// A run of small rounds that never ends by itself.
fn endless(parties: usize, me: usize, channel: &mut NetChannel) -> ChannelError {
    loop {
        for peer in (0..parties).filter(|p| *p != me) {
            if let Err(error) = channel.send(peer, &[7; 100]) {
                return error;
            }
        }
        for peer in (0..parties).filter(|p| *p != me) {
            if let Err(error) = channel.receive(peer, 100) {
                return error;
            }
        }
    }
}

/// Afterwards bob, party 1, knows that both are in the run and nothing is on its way.
fn meet(me: usize, channel: &mut NetChannel) {
    channel.send(1 - me, &[1]).unwrap();
    channel.receive(1 - me, 1).unwrap();
    if me == 0 {
        channel.send(1, &[1]).unwrap();
    } else {
        channel.receive(0, 1).unwrap();
    }
}

fn impatient(party: &mut Party) {
    party.options.idle_timeout = Duration::from_secs(1);
}

/// Two parties, bob behind a proxy that does something after a while; the errors of both.
fn disturbed(way: Way, after: usize, action: Action) -> [ChannelError; 2] {
    let net = Network::new(&["alice", "bob"]);
    let proxy = Proxy::start(net.addresses[0]).unwrap();
    let change = |me: usize, party: &mut Party| {
        impatient(party);
        if me == 1 {
            party.peers = net.through(0, &proxy);
        }
    };
    let part = |me: usize, mut channel: NetChannel| {
        meet(me, &mut channel);
        if me == 1 {
            proxy.after(way, after, action.clone());
        }
        let error = endless(2, me, &mut channel);
        channel.fail("I31", "mean.smpc:3");
        error
    };
    let found = timely(|| net.run(change, part));
    let [alice, bob] = &found[..] else {
        panic!("two parties")
    };
    let (alice, bob) = (alice.clone().unwrap(), bob.clone().unwrap());
    assert_eq!((alice.peer, alice.name.as_deref()), (1, Some("bob")));
    assert_eq!((bob.peer, bob.name.as_deref()), (0, Some("alice")));
    [alice, bob]
}

#[test]
fn a_reset() {
    for after in [0, 1, 500, 100_000] {
        for error in disturbed(Way::Forth, after, Action::Reset) {
            assert!(matches!(error.fault, Fault::Reset | Fault::Gone), "{error}");
        }
    }
}

#[test]
fn a_truncation() {
    for after in [0, 1, 500, 100_000] {
        for error in disturbed(Way::Back, after, Action::Close) {
            assert!(matches!(error.fault, Fault::Gone | Fault::Reset), "{error}");
        }
    }
}

/// The damage is seen by whom it was done to, who tells the other or hangs up.
fn is_seen(action: &Action, after: usize) {
    let [alice, bob] = disturbed(Way::Forth, after, action.clone());
    assert_eq!(alice.fault, Fault::Garbage);
    assert!(
        matches!(
            bob.fault,
            Fault::Failed { .. } | Fault::Garbage | Fault::Gone | Fault::Reset
        ),
        "{bob}"
    );
}

#[test]
fn garbage_in_between() {
    is_seen(&Action::Insert(vec![0xff; 64]), 0);
    is_seen(&Action::Insert(vec![0x17; 9]), 1000);
}

#[test]
fn a_flipped_bit() {
    is_seen(&Action::Flip, 40);
    is_seen(&Action::Flip, 5000);
}

#[test]
fn recorded_bytes_once_more() {
    is_seen(&Action::Replay(146), 3000);
    is_seen(&Action::Replay(4096), 20_000);
}

#[test]
fn silence_on_the_line() {
    for error in disturbed(Way::Forth, 5000, Action::Stall) {
        assert!(
            matches!(error.fault, Fault::TimedOut { seconds: 1.. }),
            "{error}"
        );
    }
}

#[test]
fn a_sender_is_not_stuck_at_a_silent_peer() {
    let net = Network::new(&["alice", "bob"]);
    let proxy = Proxy::start(net.addresses[0]).unwrap();
    let change = |me: usize, party: &mut Party| {
        impatient(party);
        party.options.window = 1 << 20;
        if me == 1 {
            party.peers = net.through(0, &proxy);
        }
    };
    let part = |me: usize, mut channel: NetChannel| {
        meet(me, &mut channel);
        if me == 1 {
            proxy.now(Way::Forth, Action::Stall);
            loop {
                if let Err(error) = channel.send(0, &[1; 1 << 18]) {
                    return error;
                }
            }
        }
        channel.receive(1, 1).unwrap_err()
    };
    for (me, error) in timely(|| net.run(change, part)).into_iter().enumerate() {
        let error = error.unwrap();
        assert_eq!(error.peer, 1 - me);
        assert!(
            matches!(error.fault, Fault::TimedOut { .. } | Fault::Length { .. }),
            "{error}"
        );
    }
}

/// Three parties; bob's part. What alice and carol get.
fn without_bob(
    bob: impl Fn(NetChannel) + Sync,
    rest: impl Fn(usize, NetChannel) -> ChannelError + Sync,
) -> [ChannelError; 2] {
    let net = Network::new(&["alice", "bob", "carol"]);
    let part = |me: usize, channel: NetChannel| {
        if me == 1 {
            bob(channel);
            return None;
        }
        Some(rest(me, channel))
    };
    let found = timely(|| net.run(|_, party| impatient(party), part));
    let mut found = found.into_iter().filter_map(Result::unwrap);
    [found.next().unwrap(), found.next().unwrap()]
}

#[test]
fn a_peer_that_is_gone_at_each_phase() {
    let all = |me, mut channel: NetChannel| endless(3, me, &mut channel);
    let settled = |_, channel: NetChannel| channel.close().unwrap_err();
    let mid_run = |mut channel: NetChannel| {
        for _ in 0..5 {
            for peer in [0, 2] {
                channel.send(peer, &[7; 100]).unwrap();
            }
            for peer in [0, 2] {
                channel.receive(peer, 100).unwrap();
            }
        }
    };
    let after_settling = |mut channel: NetChannel| channel.settle().unwrap();
    let phases = [
        without_bob(drop, all),
        without_bob(mid_run, all),
        without_bob(drop, settled),
        without_bob(after_settling, settled),
    ];
    for error in phases.into_iter().flatten() {
        assert_eq!(
            (error.peer, error.name.as_deref()),
            (1, Some("bob")),
            "{error}"
        );
        assert!(error.fault.is_consequence(), "{error}");
    }
}

/// Who computes asks between its steps, and waits for nobody.
#[test]
fn a_party_that_computes_notices() {
    let stop = |channel: NetChannel| channel.fail("I30", "mean.smpc:12");
    let computing = |_, mut channel: NetChannel| {
        loop {
            if let Err(error) = channel.check() {
                // It is no less true the second time.
                assert_eq!(channel.check(), Err(error.clone()));
                return error;
            }
            std::thread::yield_now();
        }
    };
    for error in without_bob(stop, computing) {
        assert_eq!((error.peer, error.name.as_deref()), (1, Some("bob")));
    }
    for error in disturbed_while(Action::Stall, computing) {
        assert!(matches!(error.fault, Fault::TimedOut { .. }), "{error}");
    }
    for error in disturbed_while(Action::Reset, computing) {
        assert!(matches!(error.fault, Fault::Reset | Fault::Gone), "{error}");
    }
}

/// Two parties in a part of theirs, and what happens to the network between them.
fn disturbed_while(
    action: Action,
    part: impl Fn(usize, NetChannel) -> ChannelError + Sync,
) -> [ChannelError; 2] {
    let net = Network::new(&["alice", "bob"]);
    let proxy = Proxy::start(net.addresses[0]).unwrap();
    let change = |me: usize, party: &mut Party| {
        impatient(party);
        if me == 1 {
            party.peers = net.through(0, &proxy);
        }
    };
    let part = |me: usize, mut channel: NetChannel| {
        meet(me, &mut channel);
        if me == 1 {
            proxy.now(Way::Forth, action.clone());
        }
        part(me, channel)
    };
    let found = timely(|| net.run(change, part));
    let mut found = found.into_iter().map(Result::unwrap);
    [found.next().unwrap(), found.next().unwrap()]
}

#[test]
fn a_peer_that_fails_says_why() {
    let bob = |channel: NetChannel| channel.fail("I30", "mean.smpc:12, round 4");
    let all = |me, mut channel: NetChannel| endless(3, me, &mut channel);
    for error in without_bob(bob, all) {
        match &error.fault {
            Fault::Failed { code, place } => {
                assert_eq!((&code[..], &place[..]), ("I30", "mean.smpc:12, round 4"));
                assert!(error.to_string().starts_with("bob, message "), "{error}");
            }
            // Said by the other party that is left, which was faster.
            Fault::Reported { .. } => {}
            other => panic!("{other}"),
        }
        assert_eq!(error.peer, 1);
    }
}

#[test]
fn an_interrupt() {
    let bob = |mut channel: NetChannel| {
        let aborter = channel.aborter();
        let stop = std::thread::spawn(move || aborter.abort("I45", "mean.smpc:7"));
        assert_eq!(channel.receive(0, 1).unwrap_err().fault, Fault::Interrupted);
        stop.join().unwrap();
    };
    let rest = |_, mut channel: NetChannel| channel.receive(1, 1).unwrap_err();
    for error in without_bob(bob, rest) {
        assert_eq!(error.peer, 1);
        assert!(
            matches!(&error.fault, Fault::Failed { code, .. } | Fault::Reported { code, .. } if code == "I45" || code.is_empty()),
            "{error}"
        );
    }
}

#[test]
fn a_peer_that_thinks_it_is_done() {
    let net = Network::new(&["alice", "bob"]);
    let part = |me: usize, mut channel: NetChannel| {
        if me == 1 {
            return channel.close().unwrap_err();
        }
        let error = channel.receive(1, 1).unwrap_err();
        channel.fail("I31", "");
        error
    };
    let found = timely(|| net.run(|_, party| impatient(party), part));
    for (me, error) in found.into_iter().enumerate() {
        assert_eq!(error.unwrap().peer, 1 - me);
    }
}

#[test]
fn a_message_of_another_length() {
    let net = Network::new(&["alice", "bob"]);
    let part = |me: usize, mut channel: NetChannel| {
        if me == 1 {
            channel.send(0, &[1; 9]).unwrap();
            return channel.receive(0, 1).unwrap_err();
        }
        let error = channel.receive(1, 8).unwrap_err();
        channel.fail("I31", "mean.smpc:3");
        error
    };
    let found = timely(|| net.run(|_, party| impatient(party), part));
    let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    let length = Fault::Length {
        expected: 8,
        found: 9,
    };
    assert_eq!(found[0].fault, length);
    assert_eq!(
        found[0].to_string(),
        "bob, message 0: expected 8 bytes, found 9"
    );
    assert!(matches!(&found[1].fault, Fault::Failed { code, .. } if code == "I31"));
}

#[test]
fn a_message_that_is_too_long_is_not_sent() {
    let net = Network::new(&["alice", "bob"]);
    let change = |_, party: &mut Party| party.options.max_frame = 1000;
    let part = |me: usize, mut channel: NetChannel| {
        let found = channel.send(1 - me, &[0; 1001]).unwrap_err().fault;
        let limit = 1000;
        assert_eq!(found, Fault::TooLong { limit, found: 1001 });
        assert_eq!(channel.send(me, &[]).unwrap_err().fault, Fault::NoChannel);
        assert_eq!(channel.receive(5, 0).unwrap_err().fault, Fault::NoChannel);
        channel.close()
    };
    for result in net.run(change, part) {
        result.unwrap().unwrap();
    }
}

/// A party that only repeats an accusation is no witness: the one accused names who made it.
#[test]
fn an_accusation_that_is_repeated() {
    let names = ["P[0]", "P[1]", "alice"].map(str::to_owned).to_vec();
    let shared = Shared::new(1, names, &Options::default());
    let mut state = shared.lock();
    state.peers[2].failed = Some(Reason {
        code: "I31".to_owned(),
        place: "mean.smpc:7".to_owned(),
        about: Some(1),
        by: Some(0),
    });
    let (peer, fault) = state.trouble(&shared).unwrap();
    let (by, code) = ("alice".to_owned(), "I31".to_owned());
    assert_eq!((peer, fault), (0, Fault::Reported { by, code }));
}

fn short(party: &mut Party) {
    party.options.message_timeout = Duration::from_secs(2);
}

/// It lives, and its next message never comes.
#[test]
fn a_peer_that_never_sends() {
    let net = Network::new(&["alice", "bob"]);
    let part = |me: usize, mut channel: NetChannel| {
        meet(me, &mut channel);
        let error = match me {
            0 => loop {
                if let Err(error) = channel.check() {
                    break error;
                }
                std::thread::sleep(Duration::from_millis(10));
            },
            _ => channel.receive(0, 4).unwrap_err(),
        };
        channel.fail("I31", "mean.smpc:3");
        error
    };
    let found = timely(|| net.run(|_, party| short(party), part));
    let [alice, bob] = &found[..] else {
        panic!("two parties")
    };
    let (alice, bob) = (alice.as_ref().unwrap(), bob.as_ref().unwrap());
    assert_eq!((bob.peer, bob.name.as_deref()), (0, Some("alice")));
    let overdue = Fault::Overdue {
        seconds: 2,
        due: Due::Message,
        through: None,
    };
    assert_eq!(bob.fault, overdue);
    assert_eq!(
        bob.to_string(),
        "alice, message 2: it lives, but has sent no message for 2 s"
    );
    assert!(matches!(alice.fault, Fault::Failed { .. }), "{alice}");
}

/// It lives, and takes nothing out.
#[test]
fn a_peer_that_never_receives() {
    let net = Network::new(&["alice", "bob"]);
    let part = |me: usize, mut channel: NetChannel| {
        meet(me, &mut channel);
        let error = loop {
            let done = match me {
                0 => {
                    std::thread::sleep(Duration::from_millis(10));
                    channel.check()
                }
                _ => channel.send(0, &[1; 100_000]),
            };
            if let Err(error) = done {
                break error;
            }
        };
        channel.fail("I31", "");
        error
    };
    let change = |_, party: &mut Party| {
        short(party);
        party.options.window = 1_000_000;
    };
    let found = timely(|| net.run(change, part));
    let bob = found[1].as_ref().unwrap();
    let overdue = Fault::Overdue {
        seconds: 2,
        due: Due::Room,
        through: None,
    };
    assert_eq!((bob.peer, bob.fault.clone()), (0, overdue));
}

/// Of parties that wait for one another in a row, the last is to blame: alice waits for bob, who waits for carol.
#[test]
fn a_row_of_parties_that_wait() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let part = |me: usize, mut channel: NetChannel| {
        let error = match me {
            0 => channel.receive(1, 4).unwrap_err(),
            1 => channel.receive(2, 4).unwrap_err(),
            _ => loop {
                if let Err(error) = channel.check() {
                    break error;
                }
                std::thread::sleep(Duration::from_millis(10));
            },
        };
        channel.fail("I31", "");
        error
    };
    // Alice is the first to lose patience.
    let change = |me, party: &mut Party| {
        let seconds = [2, 60, 60][me];
        party.options.message_timeout = Duration::from_secs(seconds);
    };
    let found = timely(|| net.run(change, part));
    let found: Vec<&ChannelError> = found.iter().map(|r| r.as_ref().unwrap()).collect();
    assert_eq!(
        found[0].to_string(),
        "carol, message 0: bob waits for it, and has sent no message for 2 s"
    );
    assert_eq!(
        (found[1].peer, found[1].name.as_deref()),
        (2, Some("carol"))
    );
}

/// Who only waits for a result, and who has done its part, waits for as long as the others go on.
#[test]
fn others_that_go_on_are_waited_for() {
    let net = Network::new(&["alice", "bob", "carol", "dave"]);
    let part = |me: usize, mut channel: NetChannel| {
        if me < 2 {
            for _ in 0..40 {
                std::thread::sleep(Duration::from_millis(100));
                channel.send(1 - me, &[1]).unwrap();
                channel.receive(1 - me, 1).unwrap();
            }
            channel.send(2, &[2]).unwrap();
        } else if me == 2 {
            channel.receive(0, 1).unwrap();
            channel.receive(1, 1).unwrap();
        }
        channel.close().unwrap();
    };
    let found = timely(|| net.run(|_, party| short(party), part));
    found.into_iter().for_each(|r| r.unwrap());
}

/// It has all that it needs of the others, and keeps them from their end.
#[test]
fn a_peer_that_does_not_come_to_its_end() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let part = |me: usize, mut channel: NetChannel| {
        let error = match me {
            0 => loop {
                if let Err(error) = channel.check() {
                    break error;
                }
                std::thread::sleep(Duration::from_millis(10));
            },
            _ => channel.settle().unwrap_err(),
        };
        channel.fail("I31", "");
        error
    };
    let found = timely(|| net.run(|_, party| short(party), part));
    for other in &found[1..] {
        let other = other.as_ref().unwrap();
        assert_eq!((other.peer, other.name.as_deref()), (0, Some("alice")));
    }
}
