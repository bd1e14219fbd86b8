//! Endpoints connected by framed messages, and nothing else.
//!
//! A frame is a header of 16 bytes (sequence number, then length, both 64-bit little-endian) and
//! the contents, bytes that leave the sender's memory. Whatever arrives is hostile until checked: the length is compared with what the
//! receiver expects before anything is read from it, and the sequence number with its own count,
//! so that a lost, repeated or reordered frame is an error that names the peer and the message.

use crate::LocalError;
use crate::memory::reservable;
use crate::pool;
use crate::prg::Seed;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Bytes of a frame's header.
const HEADER: usize = 16;

/// What went wrong on the way to or from a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The peer ended.
    Gone,
    /// The frame's length field disagrees with what it carries.
    Malformed,
    /// The contents have another length than this point of the program asks for.
    Length {
        /// Bytes asked for.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// Not the next message of this peer.
    Sequence {
        /// The number due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The prepared material is damaged, belongs to another program, or cannot be kept.
    Prepared,
    /// No channel to that peer: a party has none to itself, nor to one out of range.
    NoChannel,
    /// Nothing came from the peer, not even a sign of life.
    TimedOut {
        /// For so long.
        seconds: u64,
    },
    /// The connection broke.
    Reset,
    /// Bytes that the peer, following the rules of the connection, cannot have sent.
    Garbage,
    /// A frame that is longer than the bound.
    TooLong {
        /// The bound in bytes.
        limit: u64,
        /// Its length in bytes.
        found: u64,
    },
    /// More messages ahead of this party than the peer may be.
    Flood,
    /// The peer ended with an error of its own, and said so.
    Failed {
        /// The error's code.
        code: String,
        /// Where in the script, as far as the peer knew.
        place: String,
    },
    /// Another party ended because of this one, and said so.
    Reported {
        /// The party that said so.
        by: String,
        /// The code of its error.
        code: String,
    },
    /// This party was told to stop.
    Interrupted,
}

impl Fault {
    /// Whether the cause lies in another party's end, which may have its own cause elsewhere.
    pub fn is_consequence(&self) -> bool {
        matches!(
            self,
            Self::Gone | Self::Reset | Self::Failed { .. } | Self::Reported { .. }
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the party has ended"),
            Self::Malformed => f.write_str("malformed frame"),
            Self::Length { expected, found } => {
                write!(f, "expected {expected} bytes, found {found}")
            }
            Self::Sequence { expected, found } => {
                write!(f, "expected frame {expected}, found {found}")
            }
            Self::Prepared => f.write_str("the prepared material does not fit"),
            Self::NoChannel => f.write_str("there is no channel to this party"),
            Self::TimedOut { seconds } => {
                write!(f, "nothing was heard of the party for {seconds} s")
            }
            Self::Reset => f.write_str("the connection broke"),
            Self::Garbage => f.write_str("what came is no message of this party"),
            Self::TooLong { limit, found } => {
                write!(
                    f,
                    "a message of {found} bytes; at most {limit} are admitted"
                )
            }
            Self::Flood => f.write_str("the party is more messages ahead than agreed"),
            Self::Failed { code, place } if code == UNMET && !place.is_empty() => {
                write!(f, "what the script asserts at {place} does not hold")
            }
            Self::Reported { by, code } if code == UNMET => {
                write!(f, "what the script asserts does not hold, says {by}")
            }
            Self::Failed { code, place } if place.is_empty() => {
                write!(f, "the party failed with {code}")
            }
            Self::Failed { code, place } => write!(f, "the party failed with {code} at {place}"),
            Self::Reported { by, code } => write!(f, "{by} ended because of it, with {code}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// A fault, with the peer and the message's position among those on that channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelError {
    /// The other party.
    pub peer: usize,
    /// Its name, where the channel knows it.
    pub name: Option<Box<str>>,
    /// How many messages went this way before.
    pub message: u64,
    /// What went wrong.
    pub fault: Fault,
}

/// The code of a channel that failed.
pub const BROKEN: &str = "I31";

/// The code of an assertion that does not hold.
pub(crate) const UNMET: &str = "I34";

impl ChannelError {
    /// Stable code: `I34` if a peer says that what the script asserts does not hold, with which every party stops,
    /// whoever comes to it first; else `I31`.
    pub fn code(&self) -> &'static str {
        match &self.fault {
            Fault::Failed { code, .. } | Fault::Reported { code, .. } if code == UNMET => UNMET,
            _ => BROKEN,
        }
    }

    /// The error in the user's words, where the peer's name is known.
    pub fn named(&self, name: &str) -> String {
        match self.fault {
            Fault::Interrupted => self.fault.to_string(),
            _ => format!("{name}, message {}: {}", self.message, self.fault),
        }
    }
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(&self.named(name)),
            None => f.write_str(&self.named(&format!("party {}", self.peer))),
        }
    }
}

impl std::error::Error for ChannelError {}

/// Messages and bytes sent by one endpoint. Bytes are contents, without headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames.
    pub messages: u64,
    /// Contents.
    pub bytes: u64,
}

/// One party's end of its channels to every other.
pub trait Channel {
    /// Sends one message. Waits only if the peer is many messages behind.
    ///
    /// # Errors
    /// The peer is gone, or there is no such peer.
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError>;

    /// As [`Channel::send`] of a buffer the sender is done with; saves a copy where it can. Buffers
    /// come from [`buffer`] and go, once received and read, to [`recycle`].
    ///
    /// # Errors
    /// As [`Channel::send`].
    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        self.send(peer, &contents)
    }

    /// Waits for the next message of `peer`, which must be `length` bytes long.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError>;

    /// As [`Channel::send_buffer`], of a message that depends on no input.
    ///
    /// # Errors
    /// As [`Channel::send`].
    fn send_ahead(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        self.send_buffer(peer, contents)
    }

    /// As [`Channel::receive`], of a message that depends on no input.
    ///
    /// # Errors
    /// Any [`Fault`].
    fn receive_ahead(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.receive(peer, length)
    }

    /// Whether the run can still go on, as far as is known here. Asked between operations, so that an
    /// endpoint that computes, or finds all its messages there, notices a lost peer too. It never
    /// waits, and costs next to nothing.
    ///
    /// # Errors
    /// A peer is gone, silent or has failed, or this party was told to stop.
    fn check(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }

    /// This party ends with an error. In one process others learn it from [`Channel::check`]; over a network
    /// from the end of the connection, and nothing is done here.
    fn give_up(&mut self) {}

    /// The endpoint's own key, from which it draws the keys of the streams it shares with others;
    /// none if the endpoint is to ask the operating system. A run that was prepared goes on with
    /// the key it was prepared with. Given away once: whoever asks again gets none.
    fn own_key(&mut self) -> Option<Seed> {
        None
    }

    /// What was sent so far.
    fn sent(&self) -> Traffic;
}

/// An empty buffer for a message of so many bytes, reused if one is at hand.
pub fn buffer(bytes: usize) -> Vec<u8> {
    pool::empty(bytes)
}

/// As [`buffer`], where the system has the memory.
///
/// # Errors
/// [`LocalError::TooLarge`].
pub fn room(bytes: usize) -> Result<Vec<u8>, LocalError> {
    reservable(bytes)?;
    Ok(buffer(bytes))
}

/// Keeps a received message's memory for [`buffer`].
pub fn recycle(message: Vec<u8>) {
    pool::give(message);
}

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
        let mut own = buffer(contents.len());
        own.extend_from_slice(contents);
        self.send_buffer(peer, own)
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
