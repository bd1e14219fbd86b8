//! A channel that is told places in the sources and passes on lines of the script.

use smpc_driver::run_place;
use smpc_grammar::Sources;
use smpc_ir::local::Source;
use smpc_runtime::channel::{Channel, ChannelError, Place, Traffic};
use smpc_runtime::prg::Seed;
use std::collections::HashMap;

/// The channel of an interpreted party.
pub struct Located<'a> {
    inner: &'a mut dyn Channel,
    sources: &'a Sources,
    /// A loop comes to the same places again.
    lines: HashMap<Source, String>,
}

impl<'a> Located<'a> {
    /// Of a program from these sources.
    pub fn new(inner: &'a mut dyn Channel, sources: &'a Sources) -> Self {
        Self {
            inner,
            sources,
            lines: HashMap::default(),
        }
    }
}

impl Channel for Located<'_> {
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
        self.inner.receive_ahead(peer, length)
    }

    fn check(&mut self) -> Result<(), ChannelError> {
        self.inner.check()
    }

    fn give_up(&mut self) {
        self.inner.give_up();
    }

    fn at(&mut self, round: u64, place: Place<'_>) {
        let Place::Source(source) = place else {
            return self.inner.at(round, place);
        };
        let sources = self.sources;
        let line = self.lines.entry(source);
        let line = line.or_insert_with(|| run_place(sources, source).unwrap_or_default());
        self.inner.at(round, Place::Line(line));
    }

    fn own_key(&mut self) -> Option<Seed> {
        self.inner.own_key()
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}
