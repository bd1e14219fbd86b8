//! Counts and times of a run. Never a value.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::channel::{Channel, ChannelError, Traffic};
use crate::command::{Description, Stop};
use crate::endpoint::Account;
use crate::files::{Format, Problem};
use crate::prg::Seed;

use super::Options;

/// What went to and came from one peer, and how long it was waited for.
#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    sent: Traffic,
    received: Traffic,
    waited: Duration,
}

/// Where the time went.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    pub connect: Duration,
    pub run: Duration,
    pub finish: Duration,
}

/// A channel that counts.
pub(super) struct Metered<'a> {
    inner: &'a mut (dyn Channel + Send),
    peers: Vec<Peer>,
    ahead: Duration,
    online: Duration,
    blocked: Duration,
}

impl<'a> Metered<'a> {
    pub(super) fn new(inner: &'a mut (dyn Channel + Send), parties: usize) -> Self {
        Self {
            inner,
            peers: vec![Peer::default(); parties],
            ahead: Duration::ZERO,
            online: Duration::ZERO,
            blocked: Duration::ZERO,
        }
    }

    fn sending(
        &mut self,
        peer: usize,
        bytes: usize,
        send: impl FnOnce(&mut dyn Channel) -> Result<(), ChannelError>,
    ) -> Result<(), ChannelError> {
        let begun = Instant::now();
        let done = send(self.inner);
        self.blocked += begun.elapsed();
        if let (Ok(()), Some(peer)) = (&done, self.peers.get_mut(peer)) {
            peer.sent.messages += 1;
            peer.sent.bytes += bytes as u64;
        }
        done
    }

    fn receiving(
        &mut self,
        peer: usize,
        receive: impl FnOnce(&mut dyn Channel) -> Result<Vec<u8>, ChannelError>,
    ) -> (Duration, Result<Vec<u8>, ChannelError>) {
        let begun = Instant::now();
        let done = receive(self.inner);
        let waited = begun.elapsed();
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.waited += waited;
            if let Ok(contents) = &done {
                peer.received.messages += 1;
                peer.received.bytes += contents.len() as u64;
            }
        }
        (waited, done)
    }

    /// What was counted.
    pub(super) fn counted(&self, names: &[&str], me: usize) -> Counted {
        let mut peers = Map::new();
        for (at, (name, peer)) in names.iter().zip(&self.peers).enumerate() {
            if at != me {
                let about = json!({
                    "messages_sent": peer.sent.messages,
                    "bytes_sent": peer.sent.bytes,
                    "messages_received": peer.received.messages,
                    "bytes_received": peer.received.bytes,
                    "waited_seconds": peer.waited.as_secs_f64(),
                });
                peers.insert((*name).to_owned(), about);
            }
        }
        Counted {
            peers,
            ahead: self.ahead,
            online: self.online,
            blocked: self.blocked,
        }
    }
}

impl Channel for Metered<'_> {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.sending(peer, contents.len(), |inner| inner.send(peer, contents))
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        let bytes = contents.len();
        self.sending(peer, bytes, |inner| inner.send_buffer(peer, contents))
    }

    fn send_ahead(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        let bytes = contents.len();
        self.sending(peer, bytes, |inner| inner.send_ahead(peer, contents))
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let (waited, done) = self.receiving(peer, |inner| inner.receive(peer, length));
        self.online += waited;
        done
    }

    fn receive_ahead(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let (waited, done) = self.receiving(peer, |inner| inner.receive_ahead(peer, length));
        self.ahead += waited;
        done
    }

    fn check(&mut self) -> Result<(), ChannelError> {
        self.inner.check()
    }

    fn give_up(&mut self) {
        self.inner.give_up();
    }

    fn own_key(&mut self) -> Option<Seed> {
        self.inner.own_key()
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}

/// What a [`Metered`] channel counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    peers: Map<String, Value>,
    ahead: Duration,
    online: Duration,
    blocked: Duration,
}

/// Whether the metrics have a file to themselves.
///
/// # Errors
/// They would replace an output of this party, or a file that it reads.
pub(super) fn apart(description: &Description<'_>, options: &Options) -> Result<(), Stop> {
    let Some(given) = &options.metrics else {
        return Ok(());
    };
    let metrics = resolved(given);
    let mut own = vec![options.peers.clone(), options.store()];
    own.extend(options.key.iter().chain(&options.prepared).cloned());
    own.push(
        options
            .peers
            .with_file_name(format!("{}.key", options.name)),
    );
    if let Some(folder) = &options.outputs {
        for output in description.outputs {
            for format in [Format::Csv, Format::Npy, Format::Json] {
                let file = format!("{}.{}", output.name, format.ending());
                own.push(folder.join(&options.name).join(file));
            }
        }
    }
    match own.iter().find(|file| resolved(file) == metrics) {
        Some(file) => {
            let message = format!("the metrics would replace {}", file.display());
            let problem = Problem::new("I15", message, given.display().to_string());
            let problem = problem.help("give `--metrics` a file of its own");
            Err(Stop::problems(2, vec![problem]))
        }
        None => Ok(()),
    }
}

/// A path without links and dots, as far as what it names is there.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return path.to_owned();
    };
    let here = folder.as_os_str().is_empty();
    resolved(if here { Path::new(".") } else { folder }).join(name)
}

/// The metrics of a run that ended with this code, or well.
pub(super) fn json(
    party: &str,
    error: Option<&str>,
    account: Option<&Account>,
    times: &Times,
    counted: Counted,
) -> Value {
    let mut metrics = json!({
        "party": party,
        "done": error.is_none(),
        "error": error,
        "peers": counted.peers,
        "seconds": {
            "connect": times.connect.as_secs_f64(),
            "run": times.run.as_secs_f64(),
            "waiting_offline": counted.ahead.as_secs_f64(),
            "waiting_online": counted.online.as_secs_f64(),
            "sending": counted.blocked.as_secs_f64(),
            "finish": times.finish.as_secs_f64(),
        },
    });
    if let Some(account) = account {
        metrics["rounds"] = json!(account.rounds);
        metrics["messages"] = json!(account.messages);
        metrics["bytes"] = json!(account.bytes);
        metrics["offline_bytes"] = json!(account.offline_bytes);
        metrics["setup_bytes"] = json!(account.setup_bytes);
    }
    metrics
}
