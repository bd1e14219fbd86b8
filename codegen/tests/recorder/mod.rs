//! A channel that keeps a digest of every message sent; used by the interpreter's side of the
//! comparison and, as it stands, by that of the generated code.

use smpc_runtime::channel::{Channel, ChannelError, Traffic};

/// FNV-1a, 64 bits.
pub struct Recorder<'a> {
    inner: &'a mut dyn Channel,
    /// Of receivers, lengths and contents so far.
    pub digest: u64,
}

impl<'a> Recorder<'a> {
    pub fn new(inner: &'a mut dyn Channel) -> Self {
        Self {
            inner,
            digest: 0xcbf2_9ce4_8422_2325,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.digest = (self.digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Channel for Recorder<'_> {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.take(&(peer as u64).to_le_bytes());
        self.take(&(contents.len() as u64).to_le_bytes());
        self.take(contents);
        self.inner.send(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.inner.receive(peer, length)
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}
