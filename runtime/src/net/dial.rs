//! Making connections and taking them: TCP, then TLS, each attempt with a bound in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use rustls_pki_types::ServerName;

use super::error::NetError;
use super::peers::Entry;
use super::state::Shared;
use super::tls::{Cause, explain};

/// Between two attempts: from the first to the last.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// For one attempt at TCP.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Between two looks for a new connection.
const LOOK: Duration = Duration::from_millis(10);

/// Connections in their handshake at one time, from anybody.
const PENDING: usize = 32;

/// What became of an attempt.
pub(crate) enum Arrival {
    /// A connection that stands.
    Connected(usize, Box<Connection>, TcpStream),
    /// An attempt to reach a peer, or of somebody unknown, failed, and another may be made.
    Refused(Option<usize>, String),
    /// Somebody connected whose certificate is none of those expected; in the user's words.
    Stranger(String),
    /// There is no use in another attempt.
    Never(NetError),
}

/// What all attempts of a party need.
pub(crate) struct Attempts {
    pub shared: Arc<Shared>,
    /// Set when connections are no longer wanted.
    pub over: AtomicBool,
    pub deadline: Instant,
    pub handshake: Duration,
}

impl Attempts {
    fn over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }

    fn tell(&self, arrival: Arrival) {
        self.shared.lock().arrivals.push(arrival);
        self.shared.notify();
    }

    /// Connects with one peer, again and again.
    pub fn dial(&self, peer: usize, entry: &Entry, config: &Arc<ClientConfig>) {
        let mut wait = BACK_OFF[0];
        while !self.over() {
            match self.attempt(entry, config) {
                Ok((tls, socket)) => {
                    return self.tell(Arrival::Connected(peer, Box::new(tls), socket));
                }
                Err(Refusal::Never(error)) => return self.tell(Arrival::Never(error)),
                Err(Refusal::Again(reason)) => {
                    tracing::debug!(peer = %entry.name, %reason, "not connected yet");
                    let text = format!("{} at {}: {reason}", entry.name, entry.address);
                    self.tell(Arrival::Refused(Some(peer), text));
                }
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(BACK_OFF[1]);
        }
    }

    fn attempt(
        &self,
        entry: &Entry,
        config: &Arc<ClientConfig>,
    ) -> Result<(Connection, TcpStream), Refusal> {
        let addresses: Vec<SocketAddr> = match entry.address.to_socket_addrs() {
            Ok(addresses) => addresses.collect(),
            Err(e) if e.kind() == ErrorKind::InvalidInput => {
                let message = format!(
                    "the address of {}, `{}`, is not HOST:PORT",
                    entry.name, entry.address
                );
                return Err(Refusal::Never(NetError::own(message)));
            }
            Err(e) => return Err(Refusal::Again(e.to_string())),
        };
        let mut last = "the name has no address".to_owned();
        for address in addresses {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let bound = ATTEMPT.min(left).max(LOOK);
            let socket = match TcpStream::connect_timeout(&address, bound) {
                Ok(socket) => socket,
                Err(e) => {
                    last = e.to_string();
                    continue;
                }
            };
            let name = ServerName::try_from("peer.invalid");
            let tls = name.map_err(io::Error::other).and_then(|name| {
                let tls = ClientConnection::new(config.clone(), name);
                tls.map_err(io::Error::other)
            });
            let mut tls = match tls {
                Ok(tls) => Connection::Client(tls),
                Err(e) => return Err(Refusal::Never(NetError::own(e.to_string()))),
            };
            let Err(error) = self.handshake(&mut tls, &socket) else {
                return Ok((tls, socket));
            };
            part(&socket);
            return Err(match tls_error(&error).map(explain) {
                Some((Cause::Identity, why)) => {
                    Refusal::Never(NetError::identity(&entry.name, why))
                }
                Some((Cause::Garbage, why)) => {
                    let message = format!("{why} ({})", entry.address);
                    Refusal::Never(NetError::absent(&entry.name, message))
                }
                None => Refusal::Again(plain(&error)),
            });
        }
        Err(Refusal::Again(last))
    }

    fn handshake(&self, tls: &mut Connection, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(false)?;
        let until = Instant::now() + self.handshake;
        let mut bounded = Bounded { socket, until };
        let mut result = Ok(());
        while result.is_ok() && tls.is_handshaking() {
            result = tls.complete_io(&mut bounded).map(drop);
        }
        // The last flight, or the alert that says what is wrong.
        while tls.wants_write() && tls.write_tls(&mut bounded)? > 0 {}
        result
    }

    /// Takes connections of peers, whose certificates say who they are.
    pub fn accept(
        self: Arc<Self>,
        listener: &TcpListener,
        config: &Arc<ServerConfig>,
        peers: &Arc<Vec<(usize, Entry)>>,
    ) {
        if listener.set_nonblocking(true).is_err() {
            return;
        }
        let pending = Arc::new(AtomicUsize::new(0));
        while !self.over() {
            let Ok((socket, from)) = listener.accept() else {
                std::thread::sleep(LOOK);
                continue;
            };
            if pending.fetch_add(1, Ordering::Relaxed) >= PENDING {
                pending.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (own, count) = (self.clone(), pending.clone());
            let (config, peers) = (config.clone(), peers.clone());
            let thread = std::thread::Builder::new().spawn(move || {
                let (arrival, left) = own.answer(socket, from, config, &peers);
                // What peers say of it may be here soon.
                own.tell(arrival);
                if let Some(socket) = left {
                    part(&socket);
                }
                count.fetch_sub(1, Ordering::Relaxed);
            });
            if thread.is_err() {
                pending.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// What became of a connection, and the socket if it is to be parted from.
    fn answer(
        &self,
        socket: TcpStream,
        from: SocketAddr,
        config: Arc<ServerConfig>,
        peers: &[(usize, Entry)],
    ) -> (Arrival, Option<TcpStream>) {
        let refused = |why: &str| {
            tracing::warn!(%from, why, "connection refused");
            let text = format!("a connection from {} was refused: {why}", from.ip());
            Arrival::Refused(None, text)
        };
        let mut tls = match ServerConnection::new(config) {
            Ok(tls) => Connection::Server(tls),
            Err(e) => return (refused(&e.to_string()), None),
        };
        if let Err(e) = self.handshake(&mut tls, &socket) {
            let arrival = match (tls_error(&e).map(explain), refused(&reason(&e))) {
                (Some((Cause::Identity, _)), Arrival::Refused(_, text)) => Arrival::Stranger(text),
                (_, refused) => refused,
            };
            return (arrival, Some(socket));
        }
        let shown = tls.peer_certificates().and_then(<[_]>::first);
        let peer = peers.iter().find(|(_, e)| Some(&e.certificate) == shown);
        match peer {
            Some((peer, _)) => (Arrival::Connected(*peer, Box::new(tls), socket), None),
            None => (refused("it showed no certificate"), None),
        }
    }
}

fn reason(error: &io::Error) -> String {
    tls_error(error).map_or_else(|| plain(error), |error| explain(error).1)
}

enum Refusal {
    Again(String),
    Never(NetError),
}

/// Lets the alert get through: a socket closed with unread bytes takes back what it sent.
fn part(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Write);
    let until = Instant::now() + Duration::from_millis(500);
    let mut bounded = Bounded { socket, until };
    while matches!(bounded.read(&mut [0; 4096]), Ok(1..)) {}
}

/// The error of TLS in one of reading or writing.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "it does not answer".to_owned(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "it closed the connection".to_owned()
        }
        _ => error.to_string(),
    }
}

/// A socket that fails after a moment, however little comes at a time.
struct Bounded<'a> {
    socket: &'a TcpStream,
    until: Instant,
}

impl Bounded<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(Some(left))
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer)
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
