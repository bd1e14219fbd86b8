//! Channels between endpoints of one process.

use super::{Channel, ChannelError, Fault, HEADER, Traffic, copied};
use std::sync::mpsc::{Receiver, RecvError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    header: [u8; HEADER],
    contents: Vec<u8>,
}

struct Link {
    out: SyncSender<Frame>,
    into: Receiver<Frame>,
    sent: u64,
    received: u64,
}

/// The first party that gave up, and when.
type GivenUp = Arc<OnceLock<(usize, Instant)>>;

/// An endpoint of [`in_memory`].
pub struct MemoryChannel {
    me: usize,
    links: Vec<Option<Link>>,
    traffic: Traffic,
    /// Of all endpoints together.
    given_up: GivenUp,
}

/// How many messages an endpoint may be ahead of a peer: a dealer that needs nothing from anybody
/// must not fill the memory. All parties follow one order of exchanges, so whoever is furthest
/// behind can always go on.
const AHEAD: usize = 64;

/// How long after a party gave up the others compute on: what made it do so mostly stops them at the same place
/// of the script, and then each says so itself, in every run the same.
const GRACE: Duration = Duration::from_millis(500);

/// `parties` endpoints of one process, each to be moved to a thread of its own. A message leaves an
/// endpoint's memory as bytes and enters another's; dropping an endpoint ends its channels. Who computes by itself
/// learns from [`Channel::check`] that another has given up or panicked.
pub fn in_memory(parties: usize) -> Vec<MemoryChannel> {
    let mut ends: Vec<Vec<Option<Link>>> = (0..parties)
        .map(|_| (0..parties).map(|_| None).collect())
        .collect();
    for (a, b) in (0..parties).flat_map(|a| (a + 1..parties).map(move |b| (a, b))) {
        let ((to_b, from_a), (to_a, from_b)) = (sync_channel(AHEAD), sync_channel(AHEAD));
        ends[a][b] = Some(Link {
            out: to_b,
            into: from_b,
            sent: 0,
            received: 0,
        });
        ends[b][a] = Some(Link {
            out: to_a,
            into: from_a,
            sent: 0,
            received: 0,
        });
    }
    let given_up = GivenUp::default();
    ends.into_iter()
        .enumerate()
        .map(|(me, links)| MemoryChannel {
            me,
            links,
            traffic: Traffic::default(),
            given_up: given_up.clone(),
        })
        .collect()
}

impl Drop for MemoryChannel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.give_up();
        }
    }
}

impl MemoryChannel {
    fn link(&mut self, peer: usize) -> Result<&mut Link, ChannelError> {
        let none = ChannelError {
            peer,
            name: None,
            message: 0,
            fault: Fault::NoChannel,
        };
        self.links
            .get_mut(peer)
            .and_then(Option::as_mut)
            .ok_or(none)
    }
}

/// How often a receiver offers its processor to others before it sleeps.
const OFFERS: usize = 100;

/// The next frame. Whoever sleeps is woken late, by some tens of microseconds, and the peer that is waited for mostly computes
/// on another processor for less than that.
fn awaited(from: &Receiver<Frame>) -> Result<Frame, RecvError> {
    for _ in 0..OFFERS {
        match from.try_recv() {
            Ok(frame) => return Ok(frame),
            Err(TryRecvError::Disconnected) => return Err(RecvError),
            Err(TryRecvError::Empty) => std::thread::yield_now(),
        }
    }
    from.recv()
}

impl Channel for MemoryChannel {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.send_buffer(peer, copied(contents))
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        let link = self.link(peer)?;
        let bytes = contents.len() as u64;
        let frame = frame(link.sent, contents);
        link.out.send(frame).map_err(|_| ChannelError {
            peer,
            name: None,
            message: link.sent,
            fault: Fault::Gone,
        })?;
        link.sent += 1;
        self.traffic.messages += 1;
        self.traffic.bytes += bytes;
        Ok(())
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let link = self.link(peer)?;
        let message = link.received;
        let fail = |fault| ChannelError {
            peer,
            name: None,
            message,
            fault,
        };
        let frame = awaited(&link.into).map_err(|_| fail(Fault::Gone))?;
        let contents = open_frame(frame, message, length).map_err(fail)?;
        link.received += 1;
        Ok(contents)
    }

    fn check(&mut self) -> Result<(), ChannelError> {
        let Some((peer, at)) = self.given_up.get() else {
            return Ok(());
        };
        if *peer == self.me || at.elapsed() < GRACE {
            return Ok(());
        }
        let link = self.links.get(*peer).and_then(Option::as_ref);
        Err(ChannelError {
            peer: *peer,
            name: None,
            message: link.map_or(0, |link| link.received),
            fault: Fault::Gone,
        })
    }

    fn give_up(&mut self) {
        // Whoever was first is the one to name.
        self.given_up.get_or_init(|| (self.me, Instant::now()));
    }

    fn sent(&self) -> Traffic {
        self.traffic
    }
}

fn frame(sequence: u64, contents: Vec<u8>) -> Frame {
    let number = u128::from(sequence) | (contents.len() as u128) << 64;
    Frame {
        header: number.to_le_bytes(),
        contents,
    }
}

/// The contents of a frame that must be number `sequence` and hold `length` bytes.
fn open_frame(frame: Frame, sequence: u64, length: usize) -> Result<Vec<u8>, Fault> {
    let number = u128::from_le_bytes(frame.header);
    let (found, declared) = (number as u64, (number >> 64) as u64);
    let carried = frame.contents.len();
    if declared != carried as u64 {
        return Err(Fault::Malformed);
    }
    if found != sequence {
        return Err(Fault::Sequence {
            expected: sequence,
            found,
        });
    }
    if carried != length {
        return Err(Fault::Length {
            expected: length,
            found: carried,
        });
    }
    Ok(frame.contents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_pair_has_its_own_channel() {
        let ends = in_memory(3);
        let results: Vec<u64> = std::thread::scope(|scope| {
            let run = |(me, mut end): (usize, MemoryChannel)| {
                scope.spawn(move || {
                    let peers = (0..3).filter(|p| *p != me);
                    for peer in peers.clone() {
                        end.send(peer, &[(10 * me + peer) as u8]).unwrap();
                    }
                    for peer in peers {
                        assert_eq!(end.receive(peer, 1).unwrap(), [(10 * peer + me) as u8]);
                    }
                    end.sent().bytes
                })
            };
            let threads: Vec<_> = ends.into_iter().enumerate().map(run).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(results, [2, 2, 2]);
    }

    #[test]
    fn a_vanished_peer_is_an_error_on_both_ways() {
        let mut ends = in_memory(2);
        let gone = ChannelError {
            peer: 1,
            name: None,
            message: 0,
            fault: Fault::Gone,
        };
        drop(ends.pop());
        assert_eq!(ends[0].receive(1, 4), Err(gone.clone()));
        assert_eq!(ends[0].send(1, &[0]), Err(gone));
        assert_eq!(ends[0].send(0, &[0]).unwrap_err().fault, Fault::NoChannel);
        assert_eq!(ends[0].receive(9, 0).unwrap_err().fault, Fault::NoChannel);
    }

    /// Who computes asks between its steps, and waits for nobody.
    #[test]
    fn a_party_that_computes_notices() {
        let computing = |mut end: MemoryChannel| {
            loop {
                if let Err(error) = end.check() {
                    // It is no less true the second time.
                    assert_eq!(end.check(), Err(error.clone()));
                    return error;
                }
                std::thread::yield_now();
            }
        };
        let given_up = |mut end: MemoryChannel| {
            end.give_up();
            // It goes on to its own end.
            assert_eq!(end.check(), Ok(()));
        };
        let panics = |end: MemoryChannel| {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
                let _end = end;
                std::panic::resume_unwind(Box::new("a bug"));
            }));
            assert!(caught.is_err());
        };
        let ends: [&(dyn Fn(MemoryChannel) + Sync); 2] = [&given_up, &panics];
        for ended in ends {
            let mut all = in_memory(3);
            let alice = all.remove(0);
            std::thread::scope(|scope| {
                scope.spawn(move || ended(alice));
                let threads: Vec<_> = all
                    .into_iter()
                    .map(|end| scope.spawn(move || computing(end)))
                    .collect();
                for thread in threads {
                    let error = thread.join().unwrap();
                    assert_eq!((error.peer, error.fault), (0, Fault::Gone));
                }
            });
        }
    }

    /// A party that has done its part is needed by nobody.
    #[test]
    fn a_party_that_is_done_is_no_loss() {
        let mut ends = in_memory(2);
        drop(ends.pop());
        assert!(ends[0].given_up.get().is_none());
        assert_eq!(ends[0].check(), Ok(()));
    }

    #[test]
    fn what_is_not_the_message_due_is_an_error() {
        let good = frame(4, vec![1, 2, 3]);
        assert_eq!(open_frame(good.clone(), 4, 3), Ok(vec![1, 2, 3]));
        assert_eq!(
            open_frame(good.clone(), 5, 3),
            Err(Fault::Sequence {
                expected: 5,
                found: 4
            })
        );
        assert_eq!(
            open_frame(good.clone(), 4, 2),
            Err(Fault::Length {
                expected: 2,
                found: 3
            })
        );
        let mut short = good.clone();
        short.contents.pop();
        assert_eq!(open_frame(short, 4, 3), Err(Fault::Malformed));
        let mut oversize = good;
        oversize.header[8..].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(open_frame(oversize, 4, 3), Err(Fault::Malformed));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(header: [u8; 16], contents: Vec<u8>, sequence in 0u64..3, length in 0usize..8) {
            let hostile = Frame { header, contents };
            if let Ok(contents) = open_frame(hostile.clone(), sequence, length) {
                prop_assert_eq!(frame(sequence, contents), hostile);
            }
        }
    }
}
