//! A party's channels to its peers over the network.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::abort::{Aborter, Reason};
use super::frame::Kind;
use super::link::Link;
use super::overdue::Awaited;
use super::state::{Ending, Shared};
use crate::channel::{Channel, ChannelError, Fault, Place, Traffic, copied, recycle};

/// One party's end of its connections. If it is dropped without [`NetChannel::close`], peers
/// are told that this party failed.
pub struct NetChannel {
    shared: Arc<Shared>,
    /// By peer; none for this party itself.
    links: Vec<Option<(Arc<Link>, JoinHandle<()>)>>,
    traffic: Traffic,
    /// The peer of the first fault here, which others are told of, and who told this party of it.
    about: Option<(usize, Option<usize>)>,
}

impl NetChannel {
    pub(crate) fn new(
        shared: Arc<Shared>,
        links: Vec<Option<(Arc<Link>, JoinHandle<()>)>>,
    ) -> Self {
        Self {
            shared,
            links,
            traffic: Traffic::default(),
            about: None,
        }
    }

    /// Names of the parties.
    pub fn names(&self) -> &[String] {
        &self.shared.names
    }

    /// Ends the run from another thread.
    pub fn aborter(&self) -> Aborter {
        self.shared.aborter.clone()
    }

    /// Waits until every peer has come to this point: all are done with their parts and nobody
    /// misses a message. Outputs may be shown from here on.
    ///
    /// # Errors
    /// A peer failed, is gone or silent.
    pub fn settle(&mut self) -> Result<(), ChannelError> {
        self.tell(Kind::Settled);
        let me = self.shared.me;
        let all = self.shared.wait(Awaited::Settled, |state| {
            let mut peers = state.peers.iter().enumerate();
            peers.all(|(p, peer)| p == me || peer.settled).then_some(())
        });
        all.map_err(|(peer, fault)| self.error(peer, fault))
    }

    /// Ends the run in good order: settles if that was not done yet, tells every peer, and waits
    /// until each has said the same.
    ///
    /// # Errors
    /// A peer failed, is gone or silent. All that are left are told.
    pub fn close(mut self) -> Result<(), ChannelError> {
        let result = self.finish();
        match &result {
            Ok(()) => {
                self.join();
                tracing::info!(
                    messages = self.traffic.messages,
                    bytes = self.traffic.bytes,
                    "all parties are done"
                );
            }
            Err(_) => self.end("I31", ""),
        }
        result
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn finish(&mut self) -> Result<(), ChannelError> {
        let me = self.shared.me;
        let settled = self.shared.lock().peers[me].settled;
        if !settled {
            self.settle()?;
        }
        self.tell(Kind::Done);
        {
            let mut state = self.shared.lock();
            state.ending.get_or_insert(Ending::Done);
        }
        let all = self.shared.wait(Awaited::Done, |state| {
            let mut peers = state.peers.iter().enumerate();
            peers.all(|(p, peer)| p == me || peer.done).then_some(())
        });
        all.map_err(|(peer, fault)| self.error(peer, fault))
    }

    /// Ends the run because this party failed, and tells every peer the error's code and place.
    /// Takes about a second at most.
    pub fn fail(mut self, code: &str, place: &str) {
        self.end(code, place);
    }

    fn end(&mut self, code: &str, place: &str) {
        self.shared.fail(&Reason {
            code: code.to_owned(),
            place: place.to_owned(),
            about: self.about.map(|(peer, _)| peer),
            by: self.about.and_then(|(_, by)| by),
        });
        // Without a code nothing failed here: why there is no run has been told, to the peers as well.
        if !code.is_empty() {
            tracing::info!(code, place, "this party failed");
        }
        self.join();
    }

    fn tell(&mut self, kind: Kind) {
        let me = self.shared.me;
        let mut state = self.shared.lock();
        if kind == Kind::Settled && std::mem::replace(&mut state.peers[me].settled, true) {
            return;
        }
        drop(state);
        for (peer, link) in self.links.iter().enumerate() {
            if let Some((link, _)) = link {
                self.shared.control(peer, kind, vec![]);
                link.release();
                link.nudge(0);
            }
        }
    }

    fn join(&mut self) {
        for (link, thread) in self.links.iter_mut().filter_map(Option::take) {
            link.nudge(usize::MAX);
            // It has no panic of its own; if it had, this party has ended anyway.
            let _ = thread.join();
        }
    }

    fn error(&mut self, peer: usize, fault: Fault) -> ChannelError {
        let ours = matches!(fault, Fault::Interrupted | Fault::NoChannel);
        if !ours {
            let by = match &fault {
                Fault::Reported { by, .. } => self.names().iter().position(|name| name == by),
                _ => None,
            };
            self.about.get_or_insert((peer, by));
        }
        let message = {
            let state = self.shared.lock();
            state.peers.get(peer).map_or(0, |p| p.taken())
        };
        ChannelError {
            peer,
            name: self.shared.names.get(peer).map(|n| n.as_str().into()),
            message,
            fault,
        }
    }

    fn link(&mut self, peer: usize) -> Result<Arc<Link>, ChannelError> {
        let link = self.links.get(peer).and_then(Option::as_ref);
        match link {
            Some((link, _)) => Ok(link.clone()),
            None => Err(self.error(peer, Fault::NoChannel)),
        }
    }
}

impl Channel for NetChannel {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.send_buffer(peer, copied(contents))
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        let link = self.link(peer)?;
        let (length, limit) = (contents.len(), self.shared.max_frame);
        if length as u64 > limit {
            let found = length as u64;
            return Err(self.error(peer, Fault::TooLong { limit, found }));
        }
        if self.shared.is_full(peer) {
            link.release();
        }
        let sent = self.shared.send(peer, contents);
        let spare = sent.map_err(|(lost, fault)| {
            let mut error = self.error(lost, fault);
            if lost == peer {
                error.message = self.shared.lock().peers[peer].sent();
            }
            error
        })?;
        link.nudge(length);
        spare.into_iter().for_each(recycle);
        self.traffic.messages += 1;
        self.traffic.bytes += length as u64;
        Ok(())
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let link = self.link(peer)?;
        link.drive(length);
        match self.shared.receive(peer, length) {
            Ok((message, report)) => {
                if report {
                    link.nudge(0);
                }
                Ok(message)
            }
            Err((lost, fault)) => Err(self.error(lost, fault)),
        }
    }

    fn check(&mut self) -> Result<(), ChannelError> {
        let trouble = self.shared.trouble();
        trouble.map_err(|(peer, fault)| self.error(peer, fault))
    }

    fn at(&mut self, round: u64, place: Place<'_>) {
        if let Place::Line(line) = place {
            self.shared.stand(round, line);
        }
    }

    fn sent(&self) -> Traffic {
        self.traffic
    }
}

impl Drop for NetChannel {
    fn drop(&mut self) {
        if self.links.iter().any(Option::is_some) {
            self.end("", "");
        }
    }
}
