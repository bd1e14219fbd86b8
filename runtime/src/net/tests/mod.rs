//! Parties over loopback sockets, each on a thread of its own.

mod connecting;
mod faults;
mod hostile;
mod running;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::keygen::{self, Span};
use super::proxy::Proxy;
use super::{Agreement, NetChannel, NetError, Options, PROTOCOL, Peers, connect_on};

/// Long enough for a loaded machine; a test that waits so long fails.
const LONG: Duration = Duration::from_secs(60);

/// Keys, addresses and listening sockets of some parties, in a folder that goes with it.
struct Network {
    folder: PathBuf,
    names: Vec<String>,
    addresses: Vec<SocketAddr>,
    listeners: Vec<TcpListener>,
}

impl Network {
    fn new(names: &[&str]) -> Self {
        Self::with(names, Span::days(1))
    }

    fn with(names: &[&str], span: Span) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("smpc-net-{}-{count}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let listeners: Vec<_> = names
            .iter()
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let addresses: Vec<_> = listeners.iter().map(|l| l.local_addr().unwrap()).collect();
        let parties: Vec<_> = names
            .iter()
            .zip(&addresses)
            .map(|(name, address)| ((*name).to_owned(), address.to_string()))
            .collect();
        keygen::write(&folder, &parties, span).unwrap();
        Self {
            folder,
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            addresses,
            listeners,
        }
    }

    fn agreement(&self) -> Agreement {
        Agreement {
            protocol: PROTOCOL,
            language: "1".to_owned(),
            script: ("mean.smpc".to_owned(), [1; 32]),
            scheme: ("rep3(64)".to_owned(), [2; 32]),
            program: [3; 32],
            purpose: "run".to_owned(),
            parties: self.names.clone(),
            params: vec![("epochs".to_owned(), 30)],
            fixed: vec![],
            sizes: vec![],
        }
    }

    /// The peers of a party that reaches one of them through a proxy.
    fn through(&self, peer: usize, proxy: &Proxy) -> Peers {
        let path = self.folder.join("peers.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let address = self.addresses[peer].to_string();
        let text = text.replace(&address, &proxy.address().to_string());
        let path = self
            .folder
            .join(format!("through-{}.toml", proxy.address().port()));
        std::fs::write(&path, text).unwrap();
        Peers::read(&path).unwrap()
    }

    fn peers(&self) -> Peers {
        Peers::read(&self.folder.join("peers.toml")).unwrap()
    }

    fn join(
        &self,
        me: usize,
        change: impl FnOnce(&mut Party),
    ) -> Result<(NetChannel, Vec<i128>), NetError> {
        let mut party = Party {
            peers: self.peers(),
            key: self.folder.join(format!("{}.key", self.names[me])),
            agreement: self.agreement(),
            options: Options {
                connect_timeout: LONG,
                ..Options::default()
            },
        };
        change(&mut party);
        let Party {
            peers,
            key,
            agreement,
            options,
        } = party;
        let listener = self.listeners[me].try_clone().unwrap();
        connect_on(
            Some(listener),
            me,
            &peers,
            &key,
            &agreement,
            &options,
            &mut |_| {},
        )
    }

    /// All parties at once, each connected and then in `part`. Results by party.
    fn run<T: Send>(
        &self,
        change: impl Fn(usize, &mut Party) + Sync,
        part: impl Fn(usize, NetChannel) -> T + Sync,
    ) -> Vec<Result<T, NetError>> {
        std::thread::scope(|scope| {
            let (change, part) = (&change, &part);
            let threads: Vec<_> = (0..self.names.len())
                .map(|me| {
                    scope.spawn(move || {
                        let (channel, _) = self.join(me, |party| change(me, party))?;
                        Ok(part(me, channel))
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a party starts with.
struct Party {
    peers: Peers,
    key: PathBuf,
    agreement: Agreement,
    options: Options,
}

/// The result of `work`, which must not take too long.
fn timely<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < LONG, "took {:?}", start.elapsed());
    result
}
