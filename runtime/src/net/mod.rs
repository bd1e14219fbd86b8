//! Channels between processes: TCP with TLS 1.3, certificates on both sides pinned byte by byte.
//!
//! Of two parties the one listed later dials. Both then say what they run ([`Agreement`]); a
//! difference ends the connection with an error on both sides that names it. Messages are framed,
//! numbered and length-bounded ([`frame`]). Each peer has a thread of its own that reads always,
//! so that a blocked send never blocks a receive; a sender is held back by a window of messages
//! that the receiver has not taken out yet. Heartbeats tell a peer that computes from one that is
//! gone. The last frame says how the sender ended: a connection that ends without it broke.

mod abort;
mod certificate;
mod channel;
mod connect;
mod dial;
mod error;
pub mod frame;
pub mod hello;
#[cfg(feature = "keygen")]
pub mod keygen;
mod link;
mod overdue;
mod peers;
#[cfg(feature = "testing")]
pub mod proxy;
mod state;
#[cfg(test)]
mod tests;
mod tls;

use std::time::Duration;

pub use abort::Aborter;
pub use channel::NetChannel;
pub use connect::{connect, connect_on};
pub use error::NetError;
pub use hello::{Agreement, PROTOCOL};
pub use peers::Peers;

/// A sign of life is sent after so much silence.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(250);

/// The shortest [`Options::idle_timeout`].
const SHORTEST_IDLE: Duration = Duration::from_secs(1);

/// Bounds of time and memory.
#[derive(Clone, Debug)]
pub struct Options {
    /// Until all parties must be connected and agree.
    pub connect_timeout: Duration,
    /// For the TLS handshake of one connection.
    pub handshake_timeout: Duration,
    /// Silence of a peer after which it is given up. Peers that compute are not silent. At least a
    /// second.
    pub idle_timeout: Duration,
    /// How long one message of a peer that lives is waited for, while no other peer goes on either.
    pub message_timeout: Duration,
    /// The longest message.
    pub max_frame: u64,
    /// Bytes that a sender may be ahead of each receiver; a few messages are admitted at any
    /// length.
    pub window: u64,
    /// Address to listen at, if not this party's own in `peers.toml`.
    pub listen: Option<String>,
    /// To end the connection, and with it the run, from elsewhere.
    pub aborter: Aborter,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            message_timeout: Duration::from_secs(3600),
            max_frame: 1 << 32,
            window: 64 << 20,
            listen: None,
            aborter: Aborter::default(),
        }
    }
}

impl Options {
    pub(crate) fn idle(&self) -> Duration {
        self.idle_timeout.max(SHORTEST_IDLE)
    }
}

/// What a party is told while it waits for its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Peers are awaited at this address.
    Listening {
        /// Host and port.
        address: String,
    },
    /// The connection to a peer stands.
    Connected {
        /// Its name.
        peer: String,
    },
    /// These are not connected yet; said about once a second.
    Waiting {
        /// Their names.
        peers: Vec<String>,
        /// Why the last attempt with one of them failed, if one did.
        reason: Option<String>,
    },
    /// All agree.
    Agreed,
}
