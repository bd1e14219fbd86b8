//! One connection: a thread that moves bytes between the socket, TLS and the shared state. It never
//! waits for anything but the socket, and for that with a bound, so that a peer that does not read
//! cannot keep this party from reading.
//!
//! While the endpoint's thread would only wait for that one, it does without: it sends small messages itself
//! if the socket takes them, and reads what it waits for.

use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Registry, Token, Waker};
use rustls::Connection;
use zeroize::Zeroize as _;

use super::HEARTBEAT;
use super::frame::{Decoder, HEADER, Kind, header};
use super::state::{Ending, Expected, Shared};
use super::tls::explain;
use crate::channel::Fault;

/// Bytes given to TLS at a time.
const PIECE: usize = 1 << 17;

/// Bytes read before writing has a turn.
const TURN: usize = 1 << 20;

/// Messages up to this length are sent by the thread that has them; longer ones by the connection's
/// thread, while the other goes on.
const SMALL: usize = 1 << 16;

/// How long a connection is held open for the last frame to get through.
const LINGER: Duration = Duration::from_secs(1);

/// The thread looks up so often for what nobody tells it.
const TICK: Duration = Duration::from_millis(100);

/// A thread that waits for the socket alone looks up so often for what befalls other connections.
#[cfg(unix)]
const GLANCE: Duration = Duration::from_millis(20);

/// It gives way to other threads so often before it sleeps.
#[cfg(unix)]
const TURNS: usize = 100;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// A connection, as the endpoint sees it.
pub(crate) struct Link {
    peer: usize,
    wire: Mutex<Wire>,
    waker: Waker,
    /// Of the thread's poll.
    registry: Registry,
    /// The socket once more, to wait for.
    #[cfg(unix)]
    socket: std::net::TcpStream,
    shared: Arc<Shared>,
}

struct Wire {
    tls: Connection,
    socket: mio::net::TcpStream,
    decoder: Decoder,
    /// The frame on its way: header and contents, and how much of both TLS has.
    out: Option<Outgoing>,
    sequence: u64,
    heard: Instant,
    spoke: Instant,
    /// Nothing is read any more: what came made no sense.
    deaf: bool,
    /// The last frame was handed to TLS.
    ended: bool,
    /// Since when the sending direction is closed.
    half_closed: Option<Instant>,
    /// When the endpoint's thread last read, if the connection's thread is not told of what comes.
    driven: Option<Instant>,
    /// There is nothing more to read.
    over: bool,
}

struct Outgoing {
    kind: Kind,
    header: [u8; HEADER],
    contents: Vec<u8>,
    given: usize,
}

/// Why there is nothing more to read.
enum End {
    /// The peer closed the connection.
    Closed,
    /// The connection broke.
    Broken,
    /// What came is not what may come.
    Fault(Fault),
    /// TLS refuses what came.
    Tls(rustls::Error),
}

impl Link {
    /// Takes over a connection on which TLS is set up.
    pub fn start(
        peer: usize,
        tls: Connection,
        socket: std::net::TcpStream,
        shared: Arc<Shared>,
    ) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        socket.set_read_timeout(None)?;
        socket.set_write_timeout(None)?;
        socket.set_nonblocking(true)?;
        #[cfg(unix)]
        let again = socket.try_clone()?;
        let mut socket = mio::net::TcpStream::from_std(socket);
        let poll = Poll::new()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, SOCKET, both)?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let registry = poll.registry().try_clone()?;
        let now = Instant::now();
        let mut tls = tls;
        tls.set_buffer_limit(None);
        let wire = Wire {
            tls,
            socket,
            decoder: Decoder::new(shared.max_frame),
            out: None,
            sequence: 0,
            heard: now,
            spoke: now,
            deaf: false,
            ended: false,
            half_closed: None,
            driven: None,
            over: false,
        };
        shared.lock().peers[peer].linked = true;
        let link = Arc::new(Self {
            peer,
            wire: Mutex::new(wire),
            waker,
            registry,
            #[cfg(unix)]
            socket: again,
            shared,
        });
        let own = link.clone();
        let name = format!("to {}", link.shared.names[peer]);
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || own.run(poll))?;
        Ok((link, thread))
    }

    /// There is something to send: does so at once if nobody else does and it is little.
    pub fn nudge(&self, bytes: usize) {
        if bytes <= SMALL
            && let Ok(mut wire) = self.wire.try_lock()
            && wire.write(&self.shared, self.peer).is_ok()
        {
            return;
        }
        // If the thread cannot be woken it looks up by itself soon.
        let _ = self.waker.wake();
    }

    /// Waits for a message of this length and reads it in this thread, or leaves that to the
    /// connection's thread.
    #[cfg(unix)]
    pub fn drive(&self, length: usize) {
        if !self.read_here(length) {
            self.release();
        }
    }

    /// Whether the message is there.
    #[cfg(unix)]
    fn read_here(&self, length: usize) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let moment = Timespec {
            tv_sec: 0,
            tv_nsec: GLANCE.subsec_nanos().into(),
        };
        let mut turns = 0;
        loop {
            match self.shared.expect(self.peer, length) {
                Expected::Here => return true,
                Expected::Trouble => return false,
                Expected::Nothing => {}
            }
            let Ok(mut wire) = self.wire.try_lock() else {
                return false;
            };
            if wire.deaf {
                return false;
            }
            if wire.driven.is_none() && wire.listen(&self.registry, false).is_err() {
                return false;
            }
            wire.driven = Some(Instant::now());
            match self.read(&mut wire) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(Over) => return false,
            }
            drop(wire);
            if turns < TURNS {
                turns += 1;
                std::thread::yield_now();
                continue;
            }
            let mut sockets = [PollFd::new(&self.socket, PollFlags::IN)];
            // Interrupted or not: what there is to see is looked for next.
            let _ = poll(&mut sockets, Some(&moment));
        }
    }

    /// Elsewhere the connection's thread always reads.
    #[cfg(not(unix))]
    pub fn drive(&self, _: usize) {}

    /// The connection's thread reads again what comes.
    pub fn release(&self) {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        if wire.driven.take().is_some() {
            // If that fails it looks up by itself soon.
            let _ = wire.listen(&self.registry, true);
        }
        if wire.over {
            let _ = self.waker.wake();
        }
    }

    fn run(&self, mut poll: Poll) {
        let mut events = Events::with_capacity(8);
        while !self.turn() {
            match poll.poll(&mut events, Some(TICK)) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.lost(Fault::Reset);
                    break;
                }
            }
        }
        let wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = wire.socket.shutdown(Shutdown::Both);
        drop(wire);
        self.shared.lock().peers[self.peer].closed = true;
        self.shared.notify();
        tracing::debug!(peer = %self.shared.names[self.peer], "connection closed");
    }

    fn lost(&self, fault: Fault) {
        let mut state = self.shared.lock();
        let peer = &mut state.peers[self.peer];
        let expected = (peer.done || peer.failed.is_some()) && fault.is_consequence();
        if !expected && peer.fault.is_none() {
            tracing::warn!(peer = %self.shared.names[self.peer], %fault, "connection lost");
            peer.fault = Some(fault);
            peer.lost = Some(Instant::now());
        }
        drop(state);
        self.shared.alarm();
    }

    /// Reads and writes what can be; whether the connection is over.
    fn turn(&self) -> bool {
        if let Some(reason) = self.shared.aborter.reason() {
            let mut state = self.shared.lock();
            let first = state.ending.is_none() && !state.interrupted;
            state.interrupted |= first;
            drop(state);
            if first {
                self.shared.fail(&reason);
            }
        }
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        if wire.driven.is_some_and(|at| at.elapsed() > TICK) {
            wire.driven = None;
            // If that fails it goes on looking up by itself.
            let _ = wire.listen(&self.registry, true);
        }
        loop {
            // What was sent before the connection broke is worth reading: read first.
            let Ok(read) = self.read(&mut wire) else {
                return true;
            };
            let wrote = match wire.write(&self.shared, self.peer) {
                Ok(progress) => progress,
                Err(_) if read => true,
                Err(_) => {
                    self.lost(Fault::Reset);
                    return true;
                }
            };
            if !read && !wrote {
                break;
            }
        }
        let silence = wire.heard.elapsed();
        let silent = (silence > self.shared.idle).then_some(silence.as_secs());
        let mut state = self.shared.lock();
        let fresh = silent.is_some() && state.peers[self.peer].silent.is_none();
        state.peers[self.peer].silent = silent;
        if fresh {
            self.shared.alarm();
        }
        let linger = match (wire.half_closed, state.ending) {
            (Some(since), _) | (None, Some(Ending::Failed { since })) => since,
            _ => return false,
        };
        linger.elapsed() > LINGER || wire.deaf && wire.half_closed.is_some()
    }
}

/// The connection is over.
struct Over;

impl Link {
    /// Reads what has come; whether there was anything.
    fn read(&self, wire: &mut Wire) -> Result<bool, Over> {
        if wire.over {
            return Err(Over);
        }
        let fault = match wire.read(&self.shared, self.peer) {
            Ok(progress) => return Ok(progress),
            Err(End::Fault(fault)) => {
                self.lost(fault);
                wire.deaf = true;
                return Ok(true);
            }
            Err(End::Closed) => Fault::Gone,
            Err(End::Broken) => Fault::Reset,
            Err(End::Tls(error)) => {
                let (cause, text) = explain(&error);
                self.shared.lock().peers[self.peer].detail = Some((cause, text));
                Fault::Garbage
            }
        };
        let garbage = fault == Fault::Garbage;
        self.lost(fault);
        // The alert that says so.
        while garbage && wire.tls.wants_write() {
            let Wire { tls, socket, .. } = &mut *wire;
            if !matches!(tls.write_tls(socket), Ok(1..)) {
                break;
            }
        }
        wire.over = true;
        Err(Over)
    }
}

impl Wire {
    /// Whether the connection's thread is told of what comes.
    fn listen(&mut self, registry: &Registry, incoming: bool) -> io::Result<()> {
        let interest = match incoming {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::WRITABLE,
        };
        registry.reregister(&mut self.socket, SOCKET, interest)
    }

    /// Reads what has come, up to a bound; whether there was anything.
    fn read(&mut self, shared: &Shared, peer: usize) -> Result<bool, End> {
        if self.deaf {
            return Ok(false);
        }
        // The TLS handshake may have read the beginning.
        let mut total = self.take_out(shared, peer)?;
        while total < TURN {
            match self.tls.read_tls(&mut self.socket) {
                Ok(0) => {
                    self.take_out(shared, peer)?;
                    return Err(End::Closed);
                }
                Ok(count) => total += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Err(End::Broken),
            }
            self.heard = Instant::now();
            let result = self.tls.process_new_packets();
            // What came whole before is good.
            self.take_out(shared, peer)?;
            result.map_err(End::Tls)?;
        }
        Ok(total > 0)
    }

    fn take_out(&mut self, shared: &Shared, peer: usize) -> Result<usize, End> {
        let mut total = 0;
        loop {
            match self.tls.reader().read(self.decoder.space()) {
                Ok(0) => return Err(End::Closed),
                Ok(count) => {
                    total += count;
                    let admit = |kind, length| shared.admit(peer, kind, length);
                    let frame = self.decoder.filled(count, admit).map_err(End::Fault)?;
                    if let Some(frame) = frame {
                        shared.arrived(peer, frame).map_err(End::Fault)?;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(total),
                Err(_) => return Err(End::Closed),
            }
        }
    }

    /// Writes what the socket takes; whether it took anything.
    fn write(&mut self, shared: &Shared, peer: usize) -> io::Result<bool> {
        let mut progress = false;
        loop {
            while self.tls.wants_write() {
                match self.tls.write_tls(&mut self.socket) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(_) => {
                        progress = true;
                        self.spoke = Instant::now();
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(progress),
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            if self.ended {
                self.half_close(shared, peer);
                if !self.tls.wants_write() {
                    return Ok(progress);
                }
                continue;
            }
            let Some(mut out) = self.out.take() else {
                let alive = self.spoke.elapsed() >= HEARTBEAT;
                let Some((kind, contents, taken)) = shared.next(peer, alive) else {
                    return Ok(progress);
                };
                let length = contents.len() as u64;
                self.out = Some(Outgoing {
                    kind,
                    header: header(kind, length, self.sequence, taken),
                    contents,
                    given: 0,
                });
                self.sequence += 1;
                continue;
            };
            let at = out.given.saturating_sub(HEADER);
            let end = out.contents.len().min(at + PIECE);
            let parts = [
                IoSlice::new(&out.header[out.given.min(HEADER)..]),
                IoSlice::new(&out.contents[at..end]),
            ];
            out.given += self.tls.writer().write_vectored(&parts)?;
            if out.given < HEADER + out.contents.len() {
                self.out = Some(out);
                continue;
            }
            self.ended = matches!(out.kind, Kind::Done | Kind::Failed);
            if out.kind == Kind::Message {
                shared.spent(peer, out.contents);
            }
        }
    }

    /// Closes the sending direction: at once after a failure, otherwise once the peer is done too.
    fn half_close(&mut self, shared: &Shared, peer: usize) {
        if self.half_closed.is_some() {
            if !self.tls.wants_write() {
                let _ = self.socket.shutdown(Shutdown::Write);
            }
            return;
        }
        let state = shared.lock();
        let failed = matches!(state.ending, Some(Ending::Failed { .. }));
        if failed || state.peers[peer].done {
            self.half_closed = Some(Instant::now());
            self.tls.send_close_notify();
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(out) = &mut self.out {
            out.contents.zeroize();
        }
    }
}
