//! Endpoints connected by framed messages, and nothing else.
//!
//! A frame is a header of 16 bytes (sequence number, then length, both 64-bit little-endian) and
//! the contents, bytes that leave the sender's memory. Whatever arrives is hostile until checked: the length is compared with what the
//! receiver expects before anything is read from it, and the sequence number with its own count,
//! so that a lost, repeated or reordered frame is an error that names the peer and the message.

mod in_process;

pub use in_process::{MemoryChannel, in_memory};

use crate::LocalError;
use crate::memory::reservable;
use crate::pool;
use crate::prg::Seed;
use smpc_ir::local::Source;
use std::fmt;

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
    /// The peer lives, and what is due of it does not come.
    Overdue {
        /// Nothing has gone on for so long.
        seconds: u64,
        /// What is due.
        due: Due,
        /// The peer of which it is due here, if that one waits for the peer in question itself.
        through: Option<String>,
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

/// What a peer that lives may owe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The next message.
    Message,
    /// That it takes out messages that it was sent.
    Room,
    /// The end of its part.
    End,
}

/// Where in its program an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// File and line of the script, and of calls around; may be empty.
    Line(&'a str),
    /// In the sources.
    Source(Source),
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
            Self::Overdue {
                seconds,
                due,
                through,
            } => {
                let who = match through {
                    Some(name) => format!("{name} waits for it, and"),
                    None => "it lives, but".to_owned(),
                };
                match due {
                    Due::Message => write!(f, "{who} has sent no message for {seconds} s"),
                    Due::Room => write!(f, "{who} has taken no message for {seconds} s"),
                    Due::End => write!(f, "{who} has not come to its end for {seconds} s"),
                }
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

/// The code of a party that was told to stop.
pub const INTERRUPTED: &str = "I45";

/// The code of an assertion that does not hold.
pub(crate) const UNMET: &str = "I34";

impl ChannelError {
    /// Stable code: `I34` if a peer says that what the script asserts does not hold, with which every party stops,
    /// whoever comes to it first; `I45` if this party was told to stop; else `I31`.
    pub fn code(&self) -> &'static str {
        match &self.fault {
            Fault::Failed { code, .. } | Fault::Reported { code, .. } if code == UNMET => UNMET,
            Fault::Interrupted => INTERRUPTED,
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

    /// Where in its program the endpoint is from here on: in this round, at this place. Told before each
    /// message, for what the user is told while that is waited for.
    fn at(&mut self, _round: u64, _place: Place<'_>) {}

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

/// A message of its own with these contents.
pub(crate) fn copied(contents: &[u8]) -> Vec<u8> {
    let mut own = buffer(contents.len());
    own.extend_from_slice(contents);
    own
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
