//! Runs that go well.

use std::time::Duration;

use super::Network;
use crate::channel::{Channel, Traffic};
use crate::endpoint::{Endpoint, run_locally};
use crate::net::NetChannel;
use crate::net::proxy::{Proxy, Way};
use crate::tensor::Tensor;
use smpc_ir::party::Elem;

/// Bytes that say who sent them, to whom, and which message it is.
fn marked(from: usize, to: usize, number: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (i.wrapping_mul(31) ^ (i >> 8) ^ (from * 7 + to * 3 + number)) as u8)
        .collect()
}

/// Every party sends to every other, then receives from every other, some rounds long.
fn rounds(parties: usize, me: usize, channel: &mut dyn Channel, lengths: &[usize]) {
    let others = || (0..parties).filter(|p| *p != me);
    for (number, length) in lengths.iter().enumerate() {
        for peer in others() {
            let message = marked(me, peer, number, *length);
            channel.send_buffer(peer, message).unwrap();
        }
        for peer in others() {
            let message = channel.receive(peer, *length).unwrap();
            assert!(message == marked(peer, me, number, *length));
        }
    }
}

#[test]
fn messages_of_all_lengths() {
    let net = Network::new(&["alice", "bob", "carol"]);
    let lengths = [
        0,
        1,
        23,
        24,
        4096,
        16_384,
        65_535,
        65_536,
        65_537,
        1 << 20,
        5_000_001,
        3,
    ];
    let part = |me, mut channel: NetChannel| {
        rounds(3, me, &mut channel, &lengths);
        let sent = channel.sent();
        channel.close().unwrap();
        sent
    };
    let expected = Traffic {
        messages: 2 * lengths.len() as u64,
        bytes: 2 * lengths.iter().sum::<usize>() as u64,
    };
    for sent in net.run(|_, _| {}, part) {
        assert_eq!(sent.unwrap(), expected);
    }
}

#[test]
fn large_messages_both_ways_at_once() {
    let net = Network::new(&["alice", "bob"]);
    let part = |me, mut channel: NetChannel| {
        rounds(2, me, &mut channel, &[64 << 20, 64 << 20]);
        channel.close().unwrap();
    };
    net.run(|_, _| {}, part)
        .into_iter()
        .for_each(|r| r.unwrap());
}

#[test]
fn several_messages_in_a_round_need_no_window() {
    let net = Network::new(&["alice", "bob"]);
    let part = |me: usize, mut channel: NetChannel| {
        for round in 0..40 {
            for i in 0..3 {
                channel
                    .send(1 - me, &marked(me, 1 - me, round + i, 3000))
                    .unwrap();
            }
            for i in 0..3 {
                let message = channel.receive(1 - me, 3000).unwrap();
                assert_eq!(message, marked(1 - me, me, round + i, 3000));
            }
        }
        channel.close().unwrap();
    };
    let narrow = |_, party: &mut super::Party| party.options.window = 1;
    net.run(narrow, part).into_iter().for_each(|r| r.unwrap());
}

#[test]
fn a_sender_far_ahead_is_held_back() {
    let net = Network::new(&["dealer", "alice"]);
    let part = |me: usize, mut channel: NetChannel| {
        let length = 100_000;
        if me == 0 {
            for i in 0..200 {
                channel.send(1, &marked(0, 1, i, length)).unwrap();
                // So much was taken out or is within the window.
                let mut state = channel.shared().lock();
                assert!(state.peers[1].unacknowledged() <= 16 * length as u64);
                state.peers[1].silent = None;
            }
        } else {
            for i in 0..200 {
                if i % 50 == 0 {
                    std::thread::yield_now();
                }
                assert_eq!(channel.receive(0, length).unwrap(), marked(0, 1, i, length));
            }
        }
        channel.close().unwrap();
    };
    let narrow = |_, party: &mut super::Party| party.options.window = 1_000_000;
    net.run(narrow, part).into_iter().for_each(|r| r.unwrap());
}

#[test]
fn a_peer_that_computes_for_long_is_not_given_up() {
    let net = Network::new(&["alice", "bob"]);
    let part = |me: usize, mut channel: NetChannel| {
        if me == 0 {
            // Longer than the others' patience with silence; that is what is tested.
            std::thread::sleep(Duration::from_millis(2500));
            channel.send(1, b"late").unwrap();
        } else {
            assert_eq!(channel.receive(0, 4).unwrap(), b"late");
        }
        channel.close().unwrap();
    };
    let impatient =
        |_, party: &mut super::Party| party.options.idle_timeout = Duration::from_secs(1);
    net.run(impatient, part)
        .into_iter()
        .for_each(|r| r.unwrap());
}

#[test]
fn an_endpoint_draws_the_coins_it_draws_in_memory() {
    let names = ["a", "b", "c"];
    let part = |me: usize, channel: &mut dyn Channel| {
        let mut end = Endpoint::start(me, channel, Some(5), &[&[0, 1], &[1, 2], &[0, 1, 2]])?;
        let coin = end.coin(2, Elem::Ring(64), &[3])?;
        let next = (me + 1) % 3;
        let previous = (me + 2) % 3;
        end.rounds(1);
        end.send(next, &[&coin])?;
        let [got] = end.receive(previous, [(Elem::Ring(64), &[3])])?;
        Ok((coin, got, end.account()))
    };
    let expected = run_locally(&names, part).unwrap();
    let net = Network::new(&names);
    let found = net.run(
        |_, _| {},
        |me, mut channel| {
            let result = part(me, &mut channel).unwrap();
            channel.close().unwrap();
            result
        },
    );
    let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found, expected);
}

#[test]
fn neither_inputs_nor_shares_can_be_seen() {
    let net = Network::new(&["alice", "bob"]);
    let proxy = Proxy::start(net.addresses[0]).unwrap();
    let salary: u64 = 0x1122_3344_5566_7788;
    let ring = Elem::Ring(64);
    let change = |me: usize, party: &mut super::Party| {
        if me == 1 {
            party.peers = net.through(0, &proxy);
        }
    };
    // Each hands the other a share of its input, and both open the sum.
    let part = |me: usize, mut channel: NetChannel| {
        let mut end = Endpoint::start(me, &mut channel, None, &[&[0], &[1]]).unwrap();
        let mask = end.coin(me, ring, &[64]).unwrap();
        let words = |t: &Tensor| t.to_i128s().iter().map(|v| *v as u64).collect::<Vec<_>>();
        let tensor = |words: &[u64]| {
            let values: Vec<i128> = words.iter().map(|w| i128::from(w.cast_signed())).collect();
            Tensor::from_i128s(ring, &[words.len()], &values).unwrap()
        };
        let own: Vec<u64> = words(&mask)
            .iter()
            .map(|m| salary.wrapping_sub(*m))
            .collect();
        end.send(1 - me, &[&mask]).unwrap();
        let [other] = end.receive(1 - me, [(ring, &[64])]).unwrap();
        let sum: Vec<u64> = own
            .iter()
            .zip(words(&other))
            .map(|(a, b)| a.wrapping_add(b))
            .collect();
        let sum = tensor(&sum);
        end.send(1 - me, &[&sum]).unwrap();
        let [theirs] = end.receive(1 - me, [(ring, &[64])]).unwrap();
        for (a, b) in words(&sum).iter().zip(words(&theirs)) {
            assert_eq!(a.wrapping_add(b), salary.wrapping_mul(2));
        }
        channel.close().unwrap();
        [
            words(&mask),
            own,
            words(&sum),
            vec![salary, salary.wrapping_mul(2)],
        ]
        .concat()
    };
    let secrets: Vec<u64> = net
        .run(change, part)
        .into_iter()
        .flat_map(|r| r.unwrap())
        .collect();
    let passed = [proxy.passed(Way::Forth), proxy.passed(Way::Back)];
    assert!(passed.iter().all(|p| p.len() > 2 * 64 * 8));
    let shown = |pattern: &[u8]| {
        passed
            .iter()
            .any(|p| p.windows(pattern.len()).any(|w| w == pattern))
    };
    // The capture is of the right connection: the beginning of TLS is in the clear.
    assert!(shown(&[0x16, 0x03]));
    for secret in secrets {
        assert!(!shown(&secret.to_le_bytes()));
        assert!(!shown(&secret.to_be_bytes()));
        assert!(!shown(secret.to_string().as_bytes()));
    }
}
