//! A TCP proxy for tests: it records what passes and does to it what an attacker or a bad network
//! would.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A direction through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the one that dials.
    Forth = 0,
    /// To the one that dials.
    Back = 1,
}

/// What is done to the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The connection is reset on both sides.
    Reset,
    /// Both sides see an end.
    Close,
    /// These bytes are put in between.
    Insert(Vec<u8>),
    /// A bit of the next byte is flipped.
    Flip,
    /// The last bytes that passed, so many, pass again.
    Replay(usize),
    /// Nothing passes any more, in either direction.
    Stall,
}

/// A proxy in front of one address; it stops when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    over: AtomicBool,
}

#[derive(Default)]
struct State {
    passed: [Vec<u8>; 2],
    traps: Vec<(Way, usize, Action)>,
    stalled: bool,
    ended: bool,
    sockets: Vec<TcpStream>,
}

const LOOK: Duration = Duration::from_millis(10);

impl Proxy {
    /// Starts a proxy on a free port of the loopback device.
    ///
    /// # Errors
    /// There is none.
    pub fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let own = shared.clone();
        std::thread::spawn(move || {
            while !own.over.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((near, _)) => own.connect(near, target),
                    Err(_) => std::thread::sleep(LOOK),
                }
            }
        });
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What passed, one way.
    pub fn passed(&self, way: Way) -> Vec<u8> {
        self.shared.lock().passed[way as usize].clone()
    }

    /// How many bytes passed, one way.
    pub fn count(&self, way: Way) -> usize {
        self.shared.lock().passed[way as usize].len()
    }

    /// Does something once so many bytes more have passed one way.
    pub fn after(&self, way: Way, bytes: usize, action: Action) {
        let mut state = self.shared.lock();
        let at = state.passed[way as usize].len() + bytes;
        state.traps.push((way, at, action));
    }

    /// Does it now.
    pub fn now(&self, way: Way, action: Action) {
        self.after(way, 0, action);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.shared.end(false);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(self: &Arc<Self>, near: TcpStream, target: SocketAddr) {
        let connect = || {
            let far = TcpStream::connect(target)?;
            near.set_nonblocking(false)?;
            for socket in [&near, &far] {
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(LOOK))?;
                self.lock().sockets.push(socket.try_clone()?);
            }
            self.copy(Way::Forth, near.try_clone()?, far.try_clone()?);
            self.copy(Way::Back, far, near.try_clone()?);
            Ok::<(), io::Error>(())
        };
        if connect().is_err() {
            let _ = near.shutdown(Shutdown::Both);
        }
    }

    fn end(&self, reset: bool) {
        let mut state = self.lock();
        state.ended = true;
        for socket in state.sockets.drain(..) {
            if reset {
                let _ = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO));
            } else {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    fn copy(self: &Arc<Self>, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let own = self.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                {
                    let state = own.lock();
                    if state.ended || own.over.load(Ordering::Relaxed) {
                        return;
                    }
                    if state.stalled {
                        drop(state);
                        std::thread::sleep(LOOK);
                        continue;
                    }
                }
                let count = match from.read(&mut buffer) {
                    Ok(0) => {
                        let _ = to.shutdown(Shutdown::Write);
                        return;
                    }
                    Ok(count) => count,
                    Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
                    // Of this connection alone: others go through here as well.
                    Err(_) => return cut(&from, &to),
                };
                if own.pass(way, &buffer[..count], &mut to).is_err() {
                    return cut(&from, &to);
                }
            }
        });
    }

    fn pass(&self, way: Way, mut bytes: &[u8], to: &mut TcpStream) -> io::Result<()> {
        loop {
            let (part, action) = {
                let mut state = self.lock();
                let passed = state.passed[way as usize].len();
                let due = |(w, at, action): &(Way, usize, Action)| {
                    let wanted = at + usize::from(*action == Action::Flip);
                    *w == way && wanted <= passed + bytes.len()
                };
                let trap = state.traps.iter().position(due);
                let trap = trap.map(|i| state.traps.remove(i));
                let length = match &trap {
                    Some((_, at, _)) => at.saturating_sub(passed),
                    None => bytes.len(),
                };
                let (part, rest) = bytes.split_at(length);
                bytes = rest;
                state.passed[way as usize].extend(part);
                (part, trap.map(|(_, _, action)| action))
            };
            to.write_all(part)?;
            match action {
                None => return Ok(()),
                Some(Action::Reset) => {
                    self.end(true);
                    return Ok(());
                }
                Some(Action::Close) => {
                    self.end(false);
                    return Ok(());
                }
                Some(Action::Stall) => {
                    self.lock().stalled = true;
                    return Ok(());
                }
                Some(Action::Insert(extra)) => to.write_all(&extra)?,
                Some(Action::Replay(count)) => {
                    let again = {
                        let passed = &self.lock().passed[way as usize];
                        passed[passed.len().saturating_sub(count)..].to_vec()
                    };
                    to.write_all(&again)?;
                }
                Some(Action::Flip) => match bytes.split_first() {
                    Some((first, rest)) => {
                        to.write_all(&[first ^ 1])?;
                        self.lock().passed[way as usize].push(*first);
                        bytes = rest;
                    }
                    None => return Ok(()),
                },
            }
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }
}

/// Ends a connection whose other side broke.
fn cut(from: &TcpStream, to: &TcpStream) {
    for socket in [from, to] {
        let _ = socket.shutdown(Shutdown::Both);
    }
}
