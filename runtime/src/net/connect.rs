//! Connecting all parties with each other, and agreeing on what they run.

use std::net::{TcpListener, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::abort::Reason;
use super::channel::NetChannel;
use super::dial::{Arrival, Attempts};
use super::error::{DISAGREES, IDENTITY, LOST, NetError};
use super::frame::{CONTROL, Kind};
use super::hello::{Agreement, Hello, HelloError, PROTOCOL, difference, encode_sizes};
use super::link::Link;
use super::peers::{Entry, Peers, private_key};
use super::state::{Peer, Shared, State};
use super::tls::{Cause, Tls};
use super::{Options, Progress};
use crate::channel::Fault;

/// How often a party is told whom it waits for.
const REMIND: Duration = Duration::from_secs(1);

/// Connects party `me` (a position in [`Agreement::parties`]) with all others. Gives the channels
/// and the sizes of all inputs, in the order of [`Agreement::sizes`].
///
/// # Errors
/// See [`NetError::code`]. Peers already connected are told.
pub fn connect(
    me: usize,
    peers: &Peers,
    key: &Path,
    agreement: &Agreement,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<(NetChannel, Vec<i128>), NetError> {
    connect_on(None, me, peers, key, agreement, options, progress)
}

/// As [`connect`], with a socket that listens already.
///
/// # Errors
/// As [`connect`].
pub fn connect_on(
    listener: Option<TcpListener>,
    me: usize,
    peers: &Peers,
    key: &Path,
    agreement: &Agreement,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<(NetChannel, Vec<i128>), NetError> {
    let entries = peers.entries(&agreement.parties)?;
    let own = entries.get(me).cloned();
    let own = own.ok_or_else(|| NetError::own("this party is not among the parties"))?;
    let tls = Tls::new(own.clone(), private_key(key)?)?;
    let shared = Arc::new(Shared::new(me, agreement.parties.clone(), options));
    let attempts = Arc::new(Attempts {
        shared: shared.clone(),
        over: AtomicBool::new(false),
        deadline: Instant::now() + options.connect_timeout,
        handshake: options.handshake_timeout,
    });
    let mut meeting = Meeting {
        agreement,
        attempts: attempts.clone(),
        links: entries.iter().map(|_| None).collect(),
        compared: vec![false; entries.len()],
        sizes: None,
        refused: vec![],
        twice: None,
        stranger: None,
        verdict: None,
        shared,
    };
    let result =
        seek(&attempts, &tls, me, &entries, listener, options, progress).and_then(|listening| {
            let result = meeting.hold(progress);
            attempts.over.store(true, Ordering::Relaxed);
            // The port is free again when this returns.
            if let Some(thread) = listening {
                let _ = thread.join();
            }
            result
        });
    attempts.over.store(true, Ordering::Relaxed);
    if result.is_err() {
        // Who has just connected is told as well.
        let arrivals = std::mem::take(&mut meeting.shared.lock().arrivals);
        for arrival in arrivals {
            let _ = meeting.arrival(arrival, &mut |_| {});
        }
    }
    let Meeting { shared, links, .. } = meeting;
    let channel = NetChannel::new(shared.clone(), links);
    match result {
        Ok(sizes) => {
            tracing::info!(parties = agreement.parties.len(), "all parties agree");
            progress(Progress::Agreed);
            Ok((channel, sizes))
        }
        Err(error) => {
            tracing::warn!(code = error.code(), %error, "not connected");
            let about = error.peer();
            shared.fail(&Reason {
                code: error.code().to_owned(),
                place: String::new(),
                about: about.and_then(|name| agreement.parties.iter().position(|p| p == name)),
                by: None,
            });
            drop(channel);
            Err(error)
        }
    }
}

/// Starts to listen for the peers listed later, and to dial those listed before.
fn seek(
    attempts: &Arc<Attempts>,
    tls: &Tls,
    me: usize,
    entries: &[Entry],
    listener: Option<TcpListener>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<JoinHandle<()>>, NetError> {
    let spawn = |name: String, work: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name(name).spawn(work);
        thread.map_err(|e| NetError::own(format!("the system starts no more threads: {e}")))
    };
    let later: Vec<(usize, Entry)> = entries.iter().cloned().enumerate().skip(me + 1).collect();
    let mut listening = None;
    if !later.is_empty() {
        let listener = match listener {
            Some(listener) => listener,
            None => listen(options.listen.as_ref().unwrap_or(&entries[me].address))?,
        };
        if let Ok(address) = listener.local_addr() {
            let address = address.to_string();
            tracing::info!(address, "listening");
            progress(Progress::Listening { address });
        }
        let pins = later.iter().map(|(_, entry)| entry.clone()).collect();
        let (config, later, own) = (tls.server(pins)?, Arc::new(later), attempts.clone());
        let work = move || own.accept(&listener, &config, &later);
        listening = Some(spawn("listener".to_owned(), Box::new(work))?);
    }
    for (peer, entry) in entries.iter().cloned().enumerate().take(me) {
        let (config, own) = (tls.client(entry.clone())?, attempts.clone());
        let work = move || own.dial(peer, &entry, &config);
        spawn(format!("dial {}", entries[peer].name), Box::new(work))?;
    }
    Ok(listening)
}

fn listen(address: &str) -> Result<TcpListener, NetError> {
    let failed = |e| NetError::own(format!("cannot listen at {address}: {e}"));
    let addresses: Vec<_> = address.to_socket_addrs().map_err(failed)?.collect();
    TcpListener::bind(&addresses[..]).map_err(failed)
}

/// A party that disagrees stays so long for those not connected yet, who are to see for themselves
/// rather than wait for nobody.
const GRACE: Duration = Duration::from_secs(2);

struct Meeting<'a> {
    agreement: &'a Agreement,
    attempts: Arc<Attempts>,
    shared: Arc<Shared>,
    links: Vec<Option<(Arc<Link>, JoinHandle<()>)>>,
    /// Whose agreement was compared.
    compared: Vec<bool>,
    /// The merged sizes, once all agree.
    sizes: Option<Vec<(String, Option<i128>)>>,
    /// Why the last attempt with a peer, or of somebody unknown, failed: the latest at the end.
    refused: Vec<(Option<usize>, String)>,
    /// The last peer that connected though it was connected.
    twice: Option<usize>,
    /// Why a connection of somebody was refused whose certificate is none of those expected.
    stranger: Option<String>,
    /// The first disagreement, and when it was found.
    verdict: Option<(NetError, Instant)>,
}

impl Meeting<'_> {
    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let me = self.shared.me;
        (0..self.links.len()).filter(move |p| *p != me)
    }

    /// Until all are connected and agree.
    fn hold(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<i128>, NetError> {
        let shared = self.shared.clone();
        let mut remind = Instant::now() + REMIND;
        let mut told = None;
        loop {
            let arrivals = std::mem::take(&mut shared.lock().arrivals);
            for arrival in arrivals {
                self.arrival(arrival, progress)?;
            }
            if shared.aborter.reason().is_some() {
                return Err(NetError::interrupted());
            }
            // What a peer said comes before what became of its connection.
            for peer in self.others() {
                if let Err(error) = self.compare(peer) {
                    self.compared[peer] = true;
                    self.verdict.get_or_insert((error, Instant::now()));
                }
            }
            let all = self.others().all(|p| self.compared[p]);
            match self.verdict.take() {
                Some((error, since)) if all || since.elapsed() > GRACE => return Err(error),
                verdict => self.verdict = verdict,
            }
            if self.sizes.is_none() && all {
                self.agree()?;
            }
            if let Some(sizes) = self.agreed()? {
                return Ok(sizes);
            }
            let state = shared.lock();
            let trouble = state.trouble(&shared).filter(|(_, fault)| {
                // What this party can see for itself in a moment says more.
                let since = *told.get_or_insert_with(Instant::now);
                let hearsay = match fault {
                    Fault::Reported { .. } => true,
                    Fault::Failed { code, .. } => code == DISAGREES,
                    _ => false,
                };
                !hearsay || all || since.elapsed() > GRACE
            });
            if let Some((peer, fault)) = trouble {
                let verdict = self.verdict.take().map(|(error, _)| error);
                return Err(verdict.unwrap_or_else(|| self.lost(&state, peer, &fault)));
            }
            let absent: Vec<usize> = self.others().filter(|p| self.links[*p].is_none()).collect();
            if Instant::now() >= self.attempts.deadline {
                return Err(self.late(&state, &absent));
            }
            if state.arrivals.is_empty() {
                drop(shared.pause(state));
            } else {
                drop(state);
            }
            if Instant::now() >= remind && !absent.is_empty() {
                remind = Instant::now() + REMIND;
                progress(Progress::Waiting {
                    peers: absent.iter().map(|p| self.name(*p).to_owned()).collect(),
                    reason: self.refused.last().map(|(_, why)| why.clone()),
                });
            }
        }
    }

    fn name(&self, peer: usize) -> &str {
        &self.shared.names[peer]
    }

    fn arrival(
        &mut self,
        arrival: Arrival,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), NetError> {
        match arrival {
            Arrival::Never(error) => return Err(error),
            Arrival::Refused(peer, why) => {
                self.refused.retain(|(other, _)| *other != peer);
                self.refused.push((peer, why));
            }
            Arrival::Stranger(why) => {
                self.stranger = Some(why.clone());
                self.refused.retain(|(other, _)| other.is_some());
                self.refused.push((None, why));
            }
            Arrival::Connected(peer, _, _) if self.links[peer].is_some() => {
                tracing::warn!(
                    peer = self.name(peer),
                    "connected a second time, which was refused: it may have been started twice"
                );
                self.twice = Some(peer);
            }
            Arrival::Connected(peer, tls, socket) => {
                let hello = Hello {
                    from: self.shared.me as u32,
                    to: peer as u32,
                    agreement: Agreement {
                        protocol: PROTOCOL,
                        ..self.agreement.clone()
                    },
                };
                let hello = hello.encode();
                if hello.len() as u64 > CONTROL {
                    return Err(NetError::own("too many parameters and sizes to agree on"));
                }
                let link = Link::start(peer, *tls, socket, self.shared.clone())
                    .map_err(|e| NetError::lost(self.name(peer), e))?;
                self.shared.control(peer, Kind::Hello, hello);
                link.0.nudge(0);
                self.links[peer] = Some(link);
                // What kept it away is over.
                self.refused.retain(|(other, _)| *other != Some(peer));
                let name = self.name(peer).to_owned();
                tracing::info!(peer = name, "connected");
                progress(Progress::Connected { peer: name });
            }
        }
        Ok(())
    }

    /// Compares what a peer runs, once it has said so.
    fn compare(&mut self, peer: usize) -> Result<(), NetError> {
        if self.compared[peer] {
            return Ok(());
        }
        let Some(hello) = self.shared.lock().peers[peer].hello.clone() else {
            return Ok(());
        };
        let name = self.name(peer);
        let hello = Hello::decode(&hello).map_err(|e| match e {
            HelloError::Version(other) => NetError::disagreement(
                name,
                format!("it speaks version {other} of the protocol, this party version {PROTOCOL}"),
            ),
            HelloError::Malformed => NetError::lost(name, Fault::Garbage),
        })?;
        let own = Agreement {
            protocol: PROTOCOL,
            ..self.agreement.clone()
        };
        if let Some(text) = difference(&own, &hello.agreement, name) {
            return Err(NetError::disagreement(
                name,
                format!("it runs something else: {text}"),
            ));
        }
        let places = (hello.from as usize, hello.to as usize);
        if places != (peer, self.shared.me) {
            return Err(NetError::disagreement(
                name,
                "it says that it is another party",
            ));
        }
        self.compared[peer] = true;
        Ok(())
    }

    /// Merges what all know of sizes, and tells all.
    fn agree(&mut self) -> Result<(), NetError> {
        let mut merged = self.agreement.sizes.clone();
        let mut by: Vec<usize> = vec![self.shared.me; merged.len()];
        for peer in self.others() {
            let hello = self.shared.lock().peers[peer].hello.clone();
            let hello = hello.and_then(|h| Hello::decode(&h).ok());
            let theirs = hello.map(|h| h.agreement.sizes).unwrap_or_default();
            for (((name, value), by), (_, other)) in merged.iter_mut().zip(&mut by).zip(theirs) {
                match (*value, other) {
                    (None, Some(_)) => (*value, *by) = (other, peer),
                    (Some(one), Some(other)) if one != other => {
                        let text = format!(
                            "size {name} = {other}, but {name} = {one} at {}",
                            self.name(*by)
                        );
                        return Err(NetError::disagreement(self.name(peer), text));
                    }
                    _ => {}
                }
            }
        }
        if let Some((name, _)) = merged.iter().find(|(_, value)| value.is_none()) {
            return Err(NetError::own(format!("no party knows the size {name}")));
        }
        for peer in self.others() {
            let sizes = encode_sizes(&merged);
            self.shared.control(peer, Kind::Agreed, sizes);
            if let Some((link, _)) = &self.links[peer] {
                link.nudge(0);
            }
        }
        self.sizes = Some(merged);
        Ok(())
    }

    /// The sizes, once all have said that they agree.
    fn agreed(&self) -> Result<Option<Vec<i128>>, NetError> {
        let Some(sizes) = &self.sizes else {
            return Ok(None);
        };
        let own = encode_sizes(sizes);
        let state = self.shared.lock();
        for peer in self.others() {
            match &state.peers[peer].agreed {
                None => return Ok(None),
                Some(theirs) if *theirs == own => {}
                Some(_) => {
                    let name = self.name(peer);
                    return Err(NetError::disagreement(name, "it was told other sizes"));
                }
            }
        }
        Ok(Some(sizes.iter().filter_map(|(_, value)| *value).collect()))
    }

    fn lost(&self, state: &State, peer: usize, fault: &Fault) -> NetError {
        let name = self.name(peer);
        match (fault, &state.peers[peer].detail) {
            (Fault::Interrupted, _) => NetError::interrupted(),
            (Fault::Garbage, Some((Cause::Identity, why))) => NetError::identity(name, why),
            (Fault::Failed { code, .. } | Fault::Reported { code, .. }, _)
                if [IDENTITY, LOST].contains(&code.as_str()) && self.renewed().is_some() =>
            {
                // What others say of it follows from what was seen here.
                self.renewed().unwrap_or_else(NetError::interrupted)
            }
            (Fault::Gone | Fault::Reset, _) if state.peers[peer].hello.is_none() => {
                let me = self.name(self.shared.me);
                let text = format!(
                    "{fault} before it said anything: it may have a connection with another process that is {me}{}",
                    self.started_twice()
                );
                NetError::lost(name, text)
            }
            _ => NetError::lost(name, format!("{fault}{}", self.started_twice())),
        }
    }

    /// Who did not come may be the one that came with another certificate.
    fn renewed(&self) -> Option<NetError> {
        let why = self.stranger.as_ref()?;
        let dial = self.others().filter(|peer| *peer > self.shared.me);
        let absent = dial.filter(|peer| self.links[*peer].is_none());
        let absent: Vec<&str> = absent.map(|peer| self.name(peer)).collect();
        let (first, others) = absent.split_first()?;
        let others = match others {
            [] => String::new(),
            others => format!(" (nor with that of {})", others.join(", ")),
        };
        let text = format!("nobody came with its certificate in peers.toml{others}, and {why}");
        Some(NetError::identity(first, text))
    }

    /// A peer of which there are two, each with a part of the connections, as the end of a sentence.
    fn started_twice(&self) -> String {
        let Some(peer) = self.twice else {
            return String::new();
        };
        let name = self.name(peer);
        format!("; {name} connected a second time: it may have been started twice")
    }

    fn late(&self, state: &State, absent: &[usize]) -> NetError {
        let Some(first) = absent.first() else {
            let unready = |peer: &Peer| peer.agreed.is_none();
            let slow = self.others().find(|p| unready(&state.peers[*p]));
            let name = slow.map_or("a peer", |p| self.name(p));
            let text = format!(
                "it is connected, but waits for other parties{}",
                self.started_twice()
            );
            return NetError::absent(name, text);
        };
        let first = self.name(*first);
        let mut text = "no connection in time".to_owned();
        if let [_, others @ ..] = absent
            && !others.is_empty()
        {
            let others: Vec<_> = others.iter().map(|p| self.name(*p)).collect();
            text.push_str(&format!(" (nor with {})", others.join(", ")));
        }
        if let Some((_, why)) = self.refused.last() {
            text.push_str(&format!("; {why}"));
        }
        text.push_str(&self.started_twice());
        NetError::absent(first, text)
    }
}
