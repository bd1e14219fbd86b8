//! What the threads of a party's connections share: for each peer what came, what is to go, and
//! how it stands.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroize as _;

use super::Options;
use super::abort::{Aborter, Reason};
use super::dial::Arrival;
use super::frame::{Frame, Kind};
use super::overdue::{Awaited, Standing, Wait};
use super::tls::Cause;
use crate::channel::{Fault, buffer};
use crate::endpoint::when;

/// So many messages may be on their way at any length: parties that send to one another in one
/// round must not wait for one another.
const MESSAGES: usize = 8;

/// A peer is told at the latest after so many messages that they were taken out. Less than
/// [`MESSAGES`], so that a sender which waits does so because of messages nobody took.
const REPORT: u64 = 4;

/// Waiting threads look up so often for what nobody tells them.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Sent buffers kept for reuse, for each peer.
const SPARE: usize = 4;

pub(crate) struct Shared {
    pub me: usize,
    pub names: Vec<String>,
    pub idle: Duration,
    /// How long a peer that lives is waited for.
    pub limit: Duration,
    pub max_frame: u64,
    pub window: u64,
    pub aborter: Aborter,
    /// Whether [`State::trouble`] may have something to say; read without the lock.
    alarm: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    /// Round and line that the endpoint is at.
    at: Mutex<(u64, String)>,
}

#[derive(Default)]
pub(crate) struct State {
    pub peers: Vec<Peer>,
    /// Connections made and refused while connecting.
    pub arrivals: Vec<Arrival>,
    /// How this party ends, once it does.
    pub ending: Option<Ending>,
    /// Whether it does because it was told to.
    pub interrupted: bool,
    /// What the endpoint waits for.
    pub wait: Option<Wait>,
    /// Threads that wait for a change.
    waiting: usize,
}

/// Whether the next message of a peer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Here,
    Nothing,
    /// It will not come.
    Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed { since: Instant },
}

#[derive(Default)]
pub(crate) struct Peer {
    /// Whether there is a connection, or was.
    pub linked: bool,
    /// Whether the connection's thread has ended.
    pub closed: bool,
    pub hello: Option<Vec<u8>>,
    pub agreed: Option<Vec<u8>>,
    pub settled: bool,
    pub done: bool,
    pub failed: Option<Reason>,
    pub fault: Option<Fault>,
    /// When the connection was lost.
    pub lost: Option<Instant>,
    /// What TLS says about the fault.
    pub detail: Option<(Cause, String)>,
    /// Seconds of silence, once there are too many.
    pub silent: Option<u64>,
    /// Messages that it had sent and taken out when it last said so, for whom it waited then, and when that changed.
    pub steps: Option<u64>,
    pub waits_for: Option<usize>,
    pub moved: Option<Instant>,

    /// Messages that came and were not taken out.
    inbox: VecDeque<Vec<u8>>,
    inbox_bytes: u64,
    /// Messages taken out, and how many of them the peer was told of.
    taken: u64,
    reported: u64,
    unreported_bytes: u64,
    /// Length of the next message to be taken out, while it is waited for.
    expected: Option<usize>,
    /// Length of the message of which a part has come.
    incoming: Option<usize>,

    /// Frames that are to go.
    queue: VecDeque<(Kind, Vec<u8>)>,
    /// Lengths of the messages queued or sent that the peer has not taken out.
    ahead: VecDeque<u64>,
    ahead_bytes: u64,
    acknowledged: u64,
    /// Buffers of sent messages.
    spare: Vec<Vec<u8>>,
}

impl Peer {
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Messages handed over for this peer so far.
    pub fn sent(&self) -> u64 {
        self.acknowledged + self.ahead.len() as u64
    }

    #[cfg(test)]
    pub fn unacknowledged(&self) -> u64 {
        self.ahead_bytes
    }

    fn is_full(&self, window: u64) -> bool {
        self.ahead.len() >= MESSAGES && self.ahead_bytes >= window
    }

    fn report_due(&self, window: u64) -> bool {
        self.taken - self.reported >= REPORT || self.unreported_bytes > window / 4
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        for message in self.inbox.iter_mut().chain(&mut self.spare) {
            message.zeroize();
        }
        for (_, contents) in &mut self.queue {
            contents.zeroize();
        }
    }
}

impl State {
    /// What ends the run, if anything does: first what a peer did or says of itself, then a
    /// connection that is lost, then what peers say of others.
    pub fn trouble(&self, shared: &Shared) -> Option<(usize, Fault)> {
        if self.interrupted {
            return Some((shared.me, Fault::Interrupted));
        }
        let peers = || self.peers.iter().enumerate();
        let own = peers().find_map(|(p, peer)| {
            let fault = peer.fault.as_ref().filter(|f| !f.is_consequence())?;
            Some((p, fault.clone()))
        });
        let failed = |about: Option<usize>| {
            peers().find_map(|(p, peer)| {
                let reason = peer.failed.as_ref().filter(|r| r.about == about)?;
                let Reason { code, place, .. } = reason.clone();
                match reason.by.filter(|by| *by != shared.me) {
                    // It only repeats what another party said, which may be heard later.
                    Some(first) => {
                        let by = shared.names[p].clone();
                        Some((first, Fault::Reported { by, code }))
                    }
                    None => Some((p, Fault::Failed { code, place })),
                }
            })
        };
        // Who was lost first: others may have ended because of it, before their last words came.
        let gone = || {
            let lost = peers().filter(|(_, peer)| peer.failed.is_none() && peer.fault.is_some());
            let (p, peer) = lost.min_by_key(|(_, peer)| peer.lost)?;
            Some((p, peer.fault.clone()?))
        };
        let reported = || {
            peers().find_map(|(p, peer)| {
                let reason = peer.failed.as_ref()?;
                let about = reason.about?;
                let (by, code) = (shared.names[p].clone(), reason.code.clone());
                Some((about, Fault::Reported { by, code }))
            })
        };
        let silent = || {
            peers().find_map(|(p, peer)| {
                let seconds = peer.silent.filter(|_| !peer.closed)?;
                Some((p, Fault::TimedOut { seconds }))
            })
        };
        own.or_else(|| failed(None))
            .or_else(gone)
            .or_else(|| failed(Some(shared.me)))
            .or_else(reported)
            .or_else(silent)
    }
}

impl Shared {
    pub fn new(me: usize, names: Vec<String>, options: &Options) -> Self {
        let peers = names.iter().map(|_| Peer::default()).collect();
        Self {
            me,
            names,
            idle: options.idle(),
            limit: options.message_timeout,
            max_frame: options.max_frame.min((1 << 56) - 1),
            window: options.window,
            aborter: options.aborter.clone(),
            alarm: AtomicBool::new(false),
            state: Mutex::new(State {
                peers,
                ..State::default()
            }),
            changed: Condvar::new(),
            at: Mutex::default(),
        }
    }

    /// A thread that panicked left nothing half-done that others would trip over.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn notify(&self) {
        self.changed.notify_all();
    }

    /// Something has changed that may end the run: who waits looks up, and so does who asks next.
    pub fn alarm(&self) {
        self.alarm.store(true, Ordering::Release);
        self.notify();
    }

    /// What ends the run, if anything does, without waiting.
    pub fn trouble(&self) -> Result<(), (usize, Fault)> {
        if !self.alarm.load(Ordering::Acquire) {
            return Ok(());
        }
        let state = self.lock();
        // Before the look: an alarm that is raised meanwhile is for the next.
        self.alarm.store(false, Ordering::Release);
        match state.trouble(self) {
            Some(trouble) => {
                self.alarm.store(true, Ordering::Release);
                Err(trouble)
            }
            None => Ok(()),
        }
    }

    /// Waits until something has changed, or for a moment.
    pub fn pause<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let waited = self.changed.wait_timeout(state, LOOK_UP);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting -= 1;
        state
    }

    /// Where the endpoint is from here on.
    pub fn stand(&self, round: u64, line: &str) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.0 = round;
        if at.1 != line {
            at.1.clear();
            at.1.push_str(line);
        }
    }

    /// Where it is, as the end of a sentence.
    pub fn place(&self) -> String {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = when(at.0);
        if !at.1.is_empty() {
            text.push_str(", ");
            text.push_str(&at.1);
        }
        text
    }

    /// Waits until `ready` gives a value.
    ///
    /// # Errors
    /// The peer that ended the run meanwhile, and how; or the one that was waited for too long.
    pub fn wait<T>(
        &self,
        what: Awaited,
        mut ready: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, (usize, Fault)> {
        let mut state = self.lock();
        loop {
            if let Some(value) = ready(&mut state) {
                state.wait = None;
                return Ok(value);
            }
            if let Some(trouble) = state.trouble(self) {
                return Err(trouble);
            }
            state.begin(what);
            if let Some(overdue) = state.overdue(self) {
                return Err(overdue);
            }
            if let Some(text) = state.reminder(self) {
                drop(state);
                tracing::info!("{text}");
                state = self.lock();
                continue;
            }
            state = self.pause(state);
        }
    }

    /// Queues a message for a peer, waiting while it is too far behind. Gives back buffers of
    /// messages that are sent.
    pub fn send(&self, to: usize, contents: Vec<u8>) -> Result<Vec<Vec<u8>>, (usize, Fault)> {
        let mut contents = Some(contents);
        self.wait(Awaited::Room(to), |state| {
            if state.ending.is_some() {
                return None;
            }
            let peer = &mut state.peers[to];
            let over = peer.fault.is_some() || peer.failed.is_some() || peer.done;
            if over || peer.is_full(self.window) {
                return None;
            }
            let contents = contents.take()?;
            peer.ahead.push_back(contents.len() as u64);
            peer.ahead_bytes += contents.len() as u64;
            peer.queue.push_back((Kind::Message, contents));
            Some(std::mem::take(&mut peer.spare))
        })
    }

    /// What there is of the next message of a peer, which has this length.
    pub fn expect(&self, from: usize, length: usize) -> Expected {
        let mut state = self.lock();
        let peer = &mut state.peers[from];
        peer.expected = Some(length);
        if !peer.inbox.is_empty() {
            return Expected::Here;
        }
        let odd = peer.settled || peer.incoming.is_some_and(|found| found != length);
        if odd || state.trouble(self).is_some() {
            return Expected::Trouble;
        }
        state.begin(Awaited::Message(from));
        if state.overdue(self).is_some() {
            return Expected::Trouble;
        }
        if let Some(text) = state.reminder(self) {
            drop(state);
            tracing::info!("{text}");
        }
        Expected::Nothing
    }

    /// Whether a message for a peer would have to wait until others are taken out.
    pub fn is_full(&self, to: usize) -> bool {
        self.lock().peers[to].is_full(self.window)
    }

    /// Waits for the next message of a peer. The flag says that the peer is to be told.
    pub fn receive(&self, from: usize, length: usize) -> Result<(Vec<u8>, bool), (usize, Fault)> {
        self.lock().peers[from].expected = Some(length);
        let message = self.wait(Awaited::Message(from), |state| {
            let peer = &mut state.peers[from];
            let message = peer.inbox.pop_front();
            if let (None, Some(found)) = (&message, peer.incoming.filter(|l| *l != length)) {
                peer.fault.get_or_insert(Fault::Length {
                    expected: length,
                    found,
                });
            }
            if message.is_none() && peer.settled {
                // It thinks that nothing is missing.
                peer.fault.get_or_insert(Fault::Gone);
            }
            message
        })?;
        let mut state = self.lock();
        let peer = &mut state.peers[from];
        peer.expected = None;
        peer.inbox_bytes -= message.len() as u64;
        if message.len() != length {
            let found = message.len();
            let fault = Fault::Length {
                expected: length,
                found,
            };
            peer.fault.get_or_insert(fault.clone());
            return Err((from, fault));
        }
        peer.taken += 1;
        peer.unreported_bytes += message.len() as u64;
        Ok((message, peer.report_due(self.window)))
    }

    /// Queues a frame that is no message.
    pub fn control(&self, to: usize, kind: Kind, contents: Vec<u8>) {
        self.lock().peers[to].queue.push_back((kind, contents));
    }

    /// Ends this party's part: nothing that is not on the wire yet goes any more, but why.
    pub fn fail(&self, reason: &Reason) {
        let mut state = self.lock();
        if matches!(state.ending, Some(Ending::Failed { .. })) {
            return;
        }
        state.ending = Some(Ending::Failed {
            since: Instant::now(),
        });
        for peer in &mut state.peers {
            for (_, contents) in &mut peer.queue {
                contents.zeroize();
            }
            peer.queue.clear();
            peer.queue.push_back((Kind::Failed, reason.encode()));
        }
        drop(state);
        self.alarm();
    }

    /// The next frame to go to a peer, with the number of messages taken out. `alive`: a sign of
    /// life is due.
    pub fn next(&self, to: usize, alive: bool) -> Option<(Kind, Vec<u8>, u64)> {
        let mut state = self.lock();
        let peer = &mut state.peers[to];
        let (kind, contents) = match peer.queue.pop_front() {
            Some(next) => next,
            None if alive || peer.report_due(self.window) => {
                (Kind::Alive, state.standing().encode())
            }
            None => return None,
        };
        let peer = &mut state.peers[to];
        peer.reported = peer.taken;
        peer.unreported_bytes = 0;
        Some((kind, contents, peer.taken))
    }

    /// A message's buffer once it is sent. Small ones may hold keys.
    pub fn spent(&self, to: usize, mut buffer: Vec<u8>) {
        let mut state = self.lock();
        let spare = &mut state.peers[to].spare;
        if buffer.len() >= 1 << 12 && spare.len() < SPARE {
            spare.push(buffer);
        } else {
            drop(state);
            buffer.zeroize();
        }
    }

    /// Whether a message of this length may come now.
    pub fn admit(&self, from: usize, kind: Kind, length: usize) -> Result<Option<Vec<u8>>, Fault> {
        if kind != Kind::Message {
            return Ok(None);
        }
        let mut state = self.lock();
        let peer = &mut state.peers[from];
        if peer.agreed.is_none() {
            return Err(Fault::Garbage);
        }
        if peer.inbox.len() >= MESSAGES && peer.inbox_bytes >= self.window {
            return Err(Fault::Flood);
        }
        peer.incoming = Some(length);
        match peer.expected.filter(|_| peer.inbox.is_empty()) {
            Some(expected) if expected != length => Err(Fault::Length {
                expected,
                found: length,
            }),
            Some(_) => Ok(Some(buffer(length))),
            None => Ok(None),
        }
    }

    /// A frame came.
    pub fn arrived(&self, from: usize, frame: Frame) -> Result<(), Fault> {
        let mut state = self.lock();
        let peer = &mut state.peers[from];
        let told = frame.taken.checked_sub(peer.acknowledged);
        let told = told.filter(|n| *n <= peer.ahead.len() as u64);
        let told = told.ok_or(Fault::Garbage)?;
        for _ in 0..told {
            peer.ahead_bytes -= peer.ahead.pop_front().unwrap_or(0);
        }
        peer.acknowledged = frame.taken;
        let over = peer.done || peer.failed.is_some();
        match frame.kind {
            _ if over && frame.kind != Kind::Alive => return Err(Fault::Garbage),
            Kind::Hello if peer.hello.is_none() => peer.hello = Some(frame.contents),
            Kind::Agreed if peer.hello.is_some() && peer.agreed.is_none() => {
                peer.agreed = Some(frame.contents);
            }
            Kind::Message if !peer.settled => {
                peer.incoming = None;
                peer.inbox_bytes += frame.contents.len() as u64;
                peer.inbox.push_back(frame.contents);
                peer.moves(None);
            }
            Kind::Alive => {
                let standing = Standing::decode(&frame.contents).ok_or(Fault::Garbage)?;
                if standing.is_some() {
                    peer.moves(standing);
                }
                if told == 0 {
                    return Ok(());
                }
            }
            Kind::Settled if peer.agreed.is_some() => peer.settled = true,
            Kind::Done if peer.settled => peer.done = true,
            Kind::Failed => {
                let mut reason = Reason::decode(&frame.contents).ok_or(Fault::Garbage)?;
                // Whom nobody knows cannot be to blame, nor have said so.
                reason.about = reason.about.filter(|about| *about < self.names.len());
                reason.by = reason.by.filter(|by| *by < self.names.len());
                peer.failed = Some(reason);
                self.alarm.store(true, Ordering::Release);
            }
            _ => return Err(Fault::Garbage),
        }
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.notify();
        }
        Ok(())
    }
}
