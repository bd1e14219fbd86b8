//! Counts and times of a run. Never a value.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::channel::{Channel, ChannelError, Place, Traffic};
use crate::command::{Description, Stop};
use crate::endpoint::Account;
use crate::files;
use crate::net::Peers;
use crate::prg::Seed;

use super::Options;
use super::prepared::{ledger, used};

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

    fn at(&mut self, round: u64, place: Place<'_>) {
        self.inner.at(round, place);
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

/// Whether nothing that this party writes, metrics and outputs, takes the place of what it reads, or of one another.
///
/// # Errors
/// Something would.
pub(super) fn apart(description: &Description<'_>, options: &Options) -> Result<(), Stop> {
    let refused = |problem| Stop::problems(2, vec![problem]);
    let wanted = description.wanted();
    let only = description.parties.iter().position(|p| *p == options.name);
    let outputs = options.outputs.as_ref();
    let outputs = outputs.map(|folder| description.outputs_in(folder, only, options.format));
    let mut writes = vec![];
    if let Some(outputs) = outputs.filter(|_| only.is_some()) {
        outputs.apart(&wanted, &options.inputs).map_err(refused)?;
        writes = outputs.writes();
    }
    let mut reads = files::of_inputs(&wanted, &options.inputs);
    reads.extend(options.reads.iter().cloned());
    reads.extend(std::env::current_exe());
    reads.push(options.peers.clone());
    reads.extend(Peers::certificates(&options.peers));
    let own = |ending: &str| {
        options
            .peers
            .with_file_name(format!("{}.{ending}", options.name))
    };
    let key = options.key.clone().unwrap_or_else(|| own("key"));
    reads.extend([key, own("key"), ledger(&options.store()), options.store()]);
    if let Some(prepared) = &options.prepared {
        reads.extend([prepared.clone(), used(prepared)]);
    }
    files::apart(&writes, &reads).map_err(refused)?;
    if let Some(metrics) = &options.metrics {
        reads.extend(writes.into_iter().map(|write| write.path));
        let metrics = files::Write {
            path: metrics.clone(),
            what: "the metrics".to_owned(),
            help: "give `--metrics` a file of its own",
        };
        files::apart(&[metrics], &reads).map_err(refused)?;
    }
    Ok(())
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
