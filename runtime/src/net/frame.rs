//! Frames: what a connection carries, and the decoder that meets hostile bytes.
//!
//! A frame is a header of 24 bytes and contents. The header is three 64-bit little-endian words:
//! the kind (high byte) with the length of the contents, the number of the frame in its direction,
//! and how many messages of the other direction the sender has taken out so far. Nothing is
//! reserved because a header says so: the length is checked first, and contents grow with what
//! has come.

use zeroize::Zeroize as _;

use crate::channel::Fault;

/// Bytes of a header.
pub const HEADER: usize = 24;

/// Contents are reserved in pieces of at least so many bytes.
const PIECE: usize = 1 << 16;

/// Longest contents of a frame that is no message of the program.
pub const CONTROL: u64 = 1 << 20;

/// Bytes of what a sign of life says of its sender.
const STANDING: u64 = 10;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Who the sender is and what it runs.
    Hello,
    /// The sizes of all inputs, merged.
    Agreed,
    /// A message of the program.
    Message,
    /// It says how many messages were taken out, that the sender lives, how far it is, and for whom
    /// it waits.
    Alive,
    /// The sender is done with its part and ready to write its outputs.
    Settled,
    /// The end: everything went well.
    Done,
    /// The end: the sender failed.
    Failed,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Hello,
        Self::Agreed,
        Self::Message,
        Self::Alive,
        Self::Settled,
        Self::Done,
        Self::Failed,
    ];

    /// The longest contents of this kind.
    pub fn limit(self, message: u64) -> u64 {
        match self {
            Self::Hello | Self::Agreed => CONTROL,
            Self::Message => message,
            Self::Alive => STANDING,
            Self::Settled | Self::Done => 0,
            Self::Failed => 1 << 12,
        }
    }
}

/// The header of a frame.
pub fn header(kind: Kind, length: u64, sequence: u64, taken: u64) -> [u8; HEADER] {
    let first = (kind as u64) << 56 | length;
    let mut bytes = [0; HEADER];
    for (word, at) in [first, sequence, taken].iter().zip((0..).step_by(8)) {
        bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// A frame that has come in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is for.
    pub kind: Kind,
    /// How many messages of the other direction its sender has taken out.
    pub taken: u64,
    /// Contents.
    pub contents: Vec<u8>,
}

/// Bytes to frames. After a fault nothing is to be fed any more.
#[derive(Debug)]
pub struct Decoder {
    limit: u64,
    sequence: u64,
    header: [u8; HEADER],
    /// Bytes of the header, then of the contents, that have come.
    have: usize,
    open: Option<Open>,
    contents: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    kind: Kind,
    taken: u64,
    length: usize,
}

impl Decoder {
    /// A decoder that admits messages of up to `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            sequence: 0,
            header: [0; HEADER],
            have: 0,
            open: None,
            contents: vec![],
        }
    }

    /// Whether a frame has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.have > 0 || self.open.is_some()
    }

    /// Where the next bytes go; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        let Some(open) = self.open else {
            return &mut self.header[self.have..];
        };
        if self.contents.len() == self.have {
            let ahead = self.contents.capacity().saturating_sub(self.have);
            let piece = ahead.max(self.have).max(PIECE);
            let length = open.length.min(self.have.saturating_add(piece));
            self.contents.resize(length, 0);
        }
        &mut self.contents[self.have..]
    }

    /// `count` bytes were put at the start of [`Decoder::space`]; gives the frame they complete.
    /// `admit` is asked about each message as soon as its length is known and within the limit;
    /// it may give a buffer for the contents.
    ///
    /// # Errors
    /// What came is no frame that may come here.
    pub fn filled(
        &mut self,
        count: usize,
        mut admit: impl FnMut(Kind, usize) -> Result<Option<Vec<u8>>, Fault>,
    ) -> Result<Option<Frame>, Fault> {
        self.have += count;
        let open = match self.open {
            Some(open) => open,
            None if self.have < HEADER => return Ok(None),
            None => {
                let open = self.header()?;
                if let Some(buffer) = admit(open.kind, open.length)? {
                    self.contents = buffer;
                    self.contents.clear();
                }
                self.have = 0;
                self.open = Some(open);
                open
            }
        };
        if self.have < open.length {
            return Ok(None);
        }
        self.open = None;
        self.have = 0;
        Ok(Some(Frame {
            kind: open.kind,
            taken: open.taken,
            contents: std::mem::take(&mut self.contents),
        }))
    }

    fn header(&mut self) -> Result<Open, Fault> {
        let word = |at: usize| {
            let bytes = self.header[8 * at..].iter().take(8).rev();
            bytes.fold(0, |n, byte| n << 8 | u64::from(*byte))
        };
        let (first, found, taken) = (word(0), word(1), word(2));
        let kind = Kind::ALL.get((first >> 56) as usize);
        let kind = *kind.ok_or(Fault::Garbage)?;
        if found != self.sequence {
            return Err(Fault::Sequence {
                expected: self.sequence,
                found,
            });
        }
        self.sequence += 1;
        let (length, limit) = (first & ((1 << 56) - 1), kind.limit(self.limit));
        match usize::try_from(length) {
            Ok(length) if length as u64 <= limit => Ok(Open {
                kind,
                taken,
                length,
            }),
            _ => Err(Fault::TooLong {
                limit,
                found: length,
            }),
        }
    }

    /// Feeds bytes; gives the frames they complete, and the fault that ended them.
    pub fn feed(&mut self, mut bytes: &[u8]) -> (Vec<Frame>, Option<Fault>) {
        let mut frames = vec![];
        while !bytes.is_empty() {
            let space = self.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            match self.filled(count, |_, _| Ok(None)) {
                Ok(frame) => frames.extend(frame),
                Err(fault) => return (frames, Some(fault)),
            }
        }
        (frames, None)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.contents.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(kind: Kind, sequence: u64, contents: &[u8]) -> Vec<u8> {
        let mut bytes = header(kind, contents.len() as u64, sequence, 7).to_vec();
        bytes.extend_from_slice(contents);
        bytes
    }

    #[test]
    fn frames_survive_any_cut() {
        let long = vec![9; 3 * PIECE];
        let mut bytes = encoded(Kind::Hello, 0, b"who");
        bytes.extend(encoded(Kind::Alive, 1, b""));
        bytes.extend(encoded(Kind::Message, 2, &long));
        for size in [1, 23, 24, 25, 70_000, bytes.len()] {
            let mut decoder = Decoder::new(1 << 20);
            let mut frames = vec![];
            for part in bytes.chunks(size) {
                let (some, fault) = decoder.feed(part);
                assert_eq!(fault, None);
                frames.extend(some);
            }
            let contents: Vec<_> = frames
                .iter()
                .map(|f| (f.kind, f.taken, &f.contents[..]))
                .collect();
            assert_eq!(
                contents,
                [
                    (Kind::Hello, 7, &b"who"[..]),
                    (Kind::Alive, 7, b""),
                    (Kind::Message, 7, &long)
                ]
            );
            assert!(!decoder.is_inside());
        }
    }

    #[test]
    fn what_may_not_come() {
        let fault = |bytes: &[u8]| Decoder::new(100).feed(bytes).1;
        let long = Fault::TooLong {
            limit: 100,
            found: 101,
        };
        assert_eq!(fault(&header(Kind::Message, 101, 0, 0)), Some(long));
        let huge = (1 << 56) - 1;
        assert!(matches!(
            fault(&header(Kind::Hello, huge, 0, 0)),
            Some(Fault::TooLong { .. })
        ));
        let replay = Fault::Sequence {
            expected: 1,
            found: 0,
        };
        let twice = encoded(Kind::Alive, 0, b"").repeat(2);
        assert_eq!(fault(&twice), Some(replay));
        assert_eq!(fault(&[0xff; HEADER]), Some(Fault::Garbage));
    }

    #[test]
    fn a_lying_length_reserves_nothing() {
        let mut decoder = Decoder::new(u64::MAX >> 8);
        decoder.feed(&header(Kind::Message, 1 << 50, 0, 0));
        decoder.feed(&[1; 100]);
        assert!(decoder.contents.capacity() <= 2 * PIECE);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>, limit in 0u64..64) {
            let (frames, _) = Decoder::new(limit).feed(&bytes);
            for frame in frames {
                prop_assert!(frame.contents.len() as u64 <= frame.kind.limit(limit));
            }
        }
    }
}
