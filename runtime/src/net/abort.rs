//! Ending a run from another thread.

use std::sync::{Arc, Mutex, PoisonError};

/// Ends the connection it was made for, from any thread: peers are told why, and whatever waits
/// here ends with [`Fault::Interrupted`](crate::channel::Fault::Interrupted) or code `I45`.
#[derive(Clone, Debug, Default)]
pub struct Aborter(Arc<Mutex<Option<Reason>>>);

/// Why a party ended, as it tells its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub code: String,
    pub place: String,
    /// The party that it is about, if another than the one that ended.
    pub about: Option<usize>,
    /// The party that said so, unless the one that ended saw it itself.
    pub by: Option<usize>,
}

impl Aborter {
    /// Ends it. The first call counts.
    pub fn abort(&self, code: &str, place: &str) {
        let mut reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reason.get_or_insert_with(|| Reason {
            code: code.to_owned(),
            place: place.to_owned(),
            about: None,
            by: None,
        });
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Longest code and place in bytes.
const CODE: usize = 16;
const PLACE: usize = 1024;

impl Reason {
    /// Contents of the frame [`Failed`](super::frame::Kind::Failed).
    pub fn encode(&self) -> Vec<u8> {
        let party = |p: Option<usize>| p.and_then(|p| u16::try_from(p).ok());
        let mut bytes = vec![];
        for number in [self.about, self.by] {
            bytes.extend(party(number).unwrap_or(u16::MAX).to_le_bytes());
        }
        let code = &self.code[..self.code.floor_char_boundary(CODE)];
        bytes.push(code.len() as u8);
        bytes.extend(code.as_bytes());
        let place = &self.place[..self.place.floor_char_boundary(PLACE)];
        bytes.extend(place.as_bytes());
        bytes
    }

    /// Whatever a hostile peer writes ends up in an error message: control characters are
    /// replaced, the length is bounded.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (about, rest) = bytes.split_first_chunk()?;
        let (by, rest) = rest.split_first_chunk()?;
        let party = |bytes: &[u8; 2]| match u16::from_le_bytes(*bytes) {
            u16::MAX => None,
            number => Some(usize::from(number)),
        };
        let (length, rest) = rest.split_first()?;
        let (code, place) = rest.split_at_checked(usize::from(*length))?;
        if code.len() > CODE || place.len() > PLACE {
            return None;
        }
        let text = |bytes: &[u8]| {
            let text = str::from_utf8(bytes).ok()?;
            Some(text.replace(char::is_control, " "))
        };
        Some(Self {
            code: text(code)?,
            place: text(place)?,
            about: party(about),
            by: party(by),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reason_survives() {
        let reason = Reason {
            code: "I30".to_owned(),
            place: "mean.smpc:12, round 3".to_owned(),
            about: Some(2),
            by: Some(0),
        };
        assert_eq!(Reason::decode(&reason.encode()), Some(reason));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            if let Some(reason) = Reason::decode(&bytes) {
                prop_assert!(!reason.code.contains(char::is_control));
            }
        }
    }
}
