//! Why there is no connection.

use std::fmt;

/// The code of a disagreement, as peers report it too.
pub(crate) const DISAGREES: &str = "I43";

/// The code of a peer that is not who it should be, and of one that was lost or has failed.
pub(crate) const IDENTITY: &str = "I42";
pub(crate) const LOST: &str = "I44";

/// The code of this party's own files or address.
const OWN: &str = "I40";

/// Why a party could not be connected with its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetError {
    code: &'static str,
    peer: Option<String>,
    message: String,
}

impl NetError {
    /// Stable code: `I40` this party's own files or address, `I41` a peer is not there, `I42` a
    /// peer is not who it should be, `I43` a peer runs something else, `I44` a peer was lost or has
    /// failed, `I45` interrupted.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Whether this party's own files or address are the cause, so that there was no attempt to connect.
    pub fn is_own(&self) -> bool {
        self.code == OWN
    }

    /// The peer that it is about.
    pub fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }

    /// Whether the cause lies in another party's end.
    pub fn is_consequence(&self) -> bool {
        self.code == LOST
    }

    /// What happened, without the code.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn about(code: &'static str, peer: &str, message: impl fmt::Display) -> Self {
        Self {
            code,
            peer: Some(peer.to_owned()),
            message: format!("{peer}: {message}"),
        }
    }

    /// This party's own files or address.
    pub(crate) fn own(message: impl Into<String>) -> Self {
        Self {
            code: OWN,
            peer: None,
            message: message.into(),
        }
    }

    pub(crate) fn absent(peer: &str, message: impl fmt::Display) -> Self {
        Self::about("I41", peer, message)
    }

    pub(crate) fn identity(peer: &str, message: impl fmt::Display) -> Self {
        Self::about(IDENTITY, peer, message)
    }

    pub(crate) fn disagreement(peer: &str, message: impl fmt::Display) -> Self {
        Self::about(DISAGREES, peer, message)
    }

    pub(crate) fn lost(peer: &str, message: impl fmt::Display) -> Self {
        Self::about(LOST, peer, message)
    }

    pub(crate) fn interrupted() -> Self {
        Self {
            code: "I45",
            peer: None,
            message: "interrupted".to_owned(),
        }
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NetError {}
