//! Channels that keep what comes ahead of the inputs, and that bring it back.

use std::collections::{HashMap, VecDeque};

use super::{Reader, Writer, ledger};
use crate::channel::{Channel, ChannelError, Fault, Place, Traffic};
use crate::prg::Seed;

/// A channel that keeps every message of the offline part.
pub struct Recording<'a> {
    inner: &'a mut (dyn Channel + Send),
    writer: Writer,
    failed: Option<std::io::Error>,
    received: u64,
}

impl<'a> Recording<'a> {
    /// Keeps what comes over `inner`.
    pub fn new(inner: &'a mut (dyn Channel + Send), writer: Writer) -> Self {
        Self {
            inner,
            writer,
            failed: None,
            received: 0,
        }
    }

    /// The file, to be completed; the error that kept a message from being written, if there was
    /// one.
    pub fn into_writer(self) -> (Writer, Option<std::io::Error>) {
        (self.writer, self.failed)
    }
}

impl Channel for Recording<'_> {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.inner.send(peer, contents)
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        self.inner.send_buffer(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.inner.receive(peer, length)
    }

    fn send_ahead(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        self.inner.send_ahead(peer, contents)
    }

    fn receive_ahead(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let contents = self.inner.receive_ahead(peer, length)?;
        if let Err(error) = self.writer.message(peer, &contents) {
            self.failed = Some(error);
            return Err(ChannelError {
                peer,
                message: self.received,
                fault: Fault::Prepared,
                name: None,
            });
        }
        self.received += 1;
        Ok(contents)
    }

    fn check(&mut self) -> Result<(), ChannelError> {
        self.inner.check()
    }

    fn give_up(&mut self) {
        self.inner.give_up();
    }

    fn at(&mut self, round: u64, place: Place<'_>) {
        self.inner.at(round, place);
    }

    fn own_key(&mut self) -> Option<Seed> {
        self.writer.own_key()
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}

/// A channel whose messages ahead of the inputs come from prepared material.
pub struct Replaying<'a> {
    inner: &'a mut (dyn Channel + Send),
    reader: Reader,
    /// Messages that came before the one asked for.
    waiting: HashMap<usize, VecDeque<Vec<u8>>>,
    read: u64,
}

impl<'a> Replaying<'a> {
    /// Material that is [used up](super::consume) from here on.
    pub fn new(inner: &'a mut (dyn Channel + Send), reader: Reader) -> Self {
        Self {
            inner,
            reader,
            waiting: HashMap::new(),
            read: 0,
        }
    }

    fn next(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, Fault> {
        let damaged = |_| Fault::Prepared;
        if let Some(contents) = self.waiting.get_mut(&peer).and_then(VecDeque::pop_front) {
            return fits(contents, length);
        }
        loop {
            let (from, carried) = self.reader.head().map_err(damaged)?;
            if from == peer && carried != length as u64 {
                return Err(Fault::Prepared);
            }
            let carried = usize::try_from(carried).map_err(|_| Fault::Prepared)?;
            let contents = self.reader.contents(carried).map_err(damaged)?;
            if from == peer {
                return Ok(contents);
            }
            self.waiting.entry(from).or_default().push_back(contents);
        }
    }
}

fn fits(contents: Vec<u8>, length: usize) -> Result<Vec<u8>, Fault> {
    if contents.len() == length {
        Ok(contents)
    } else {
        Err(Fault::Prepared)
    }
}

impl Drop for Replaying<'_> {
    fn drop(&mut self) {
        ledger::empty(self.reader.path());
    }
}

impl Channel for Replaying<'_> {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.inner.send(peer, contents)
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        self.inner.send_buffer(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.inner.receive(peer, length)
    }

    fn send_ahead(&mut self, _: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        // The peer has it since the preparation.
        crate::channel::recycle(contents);
        Ok(())
    }

    fn receive_ahead(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let message = self.read;
        self.read += 1;
        self.next(peer, length).map_err(|fault| ChannelError {
            peer,
            message,
            fault,
            name: None,
        })
    }

    fn check(&mut self) -> Result<(), ChannelError> {
        self.inner.check()
    }

    fn give_up(&mut self) {
        self.inner.give_up();
    }

    fn at(&mut self, round: u64, place: Place<'_>) {
        self.inner.at(round, place);
    }

    fn own_key(&mut self) -> Option<Seed> {
        self.reader.own_key()
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}
