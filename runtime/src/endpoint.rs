//! One party of a compiled program: its channel, its streams of coins, and the account of what it
//! sent.
//!
//! A set of parties shares a stream: its lowest member draws the key from its own randomness and
//! sends it to the others, set after set. Under a seed all of that is reproducible to the byte.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use smpc_ir::party::{CoinDomain, Elem};
use zeroize::Zeroize;

use crate::LocalError;
use crate::channel::{BROKEN, Channel, ChannelError, INTERRUPTED, Place, in_memory, recycle, room};
use crate::coin;
use crate::digest::{agree, disagreement, failed_check};
use crate::memory::reservable;
use crate::ops::shape;
use crate::pass::Coin;
use crate::prg::{Seed, Stream};
use crate::tensor::{Tensor, wire_bytes};

/// Bytes of a key.
const KEY: usize = 16;

/// Stack of an endpoint's thread, in bytes.
pub(crate) const STACK: usize = 16 << 20;

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable code: `I30` a local operation failed, `I31` a channel, `I32` the set-up, `I33` a check
    /// of what others sent, `I34` an assertion, `I45` the user's interrupt.
    pub code: &'static str,
    /// In the user's words.
    pub message: String,
    /// File and line of the script, as far as known; in a function, behind [`smpc_ir::local::CALLED`], those
    /// of the call.
    pub place: String,
    /// Whether it only reports that a peer ended.
    pub consequence: bool,
}

impl Failure {
    /// A failure of the set-up.
    pub fn setup(message: impl ToString) -> Self {
        Self {
            code: "I32",
            message: message.to_string(),
            place: String::new(),
            consequence: false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        Self {
            code: "I30",
            message: error.to_string(),
            place: String::new(),
            consequence: false,
        }
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
            place: String::new(),
            consequence: error.fault.is_consequence(),
        }
    }
}

/// When a channel failed, as the end of a sentence.
pub fn when(rounds: u64) -> String {
    match rounds {
        0 => ", before the first round".to_owned(),
        rounds => format!(", in round {rounds}"),
    }
}

/// What an endpoint sent, and in how many rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Online rounds it went through.
    pub rounds: u64,
    /// Online messages.
    pub messages: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Bytes sent ahead of the inputs.
    pub offline_bytes: u64,
    /// Bytes of the set-up: keys of shared streams.
    pub setup_bytes: u64,
}

/// One party's end of a run.
pub struct Endpoint<'a> {
    me: usize,
    channel: &'a mut dyn Channel,
    /// By the position of the set; absent where this party is no member. The first stream counts
    /// what is taken, the second is read by coins.
    streams: Vec<Option<(Stream, Arc<Stream>)>>,
    account: Account,
    place: &'static str,
}

impl<'a> Endpoint<'a> {
    /// Agrees on the keys of the streams of `sets`, each a list of parties in ascending order.
    /// Without a seed keys come from the operating system.
    ///
    /// # Errors
    /// The system has no randomness, or a peer is gone.
    pub fn start(
        me: usize,
        channel: &'a mut dyn Channel,
        seed: Option<u64>,
        sets: &[&[usize]],
    ) -> Result<Self, Failure> {
        let none = || Failure::setup("the operating system gave no randomness");
        let own = match seed {
            None => match channel.own_key() {
                Some(key) => key,
                None => Seed::from_system().map_err(|_| none())?,
            },
            Some(seed) => {
                let mut bytes = [0; KEY];
                bytes[..8].copy_from_slice(&seed.to_le_bytes());
                Seed::from_bytes(bytes).derive(me as u64)
            }
        };
        let mut draws = Stream::new(&own);
        let mut end = Self {
            me,
            channel,
            streams: vec![],
            account: Account::default(),
            place: "",
        };
        for set in sets {
            if !set.contains(&me) {
                end.streams.push(None);
                continue;
            }
            let mut key = [0; KEY];
            if set.first() == Some(&me) {
                let mut words = [0; 2];
                let start = draws.reserve(2).ok_or_else(none)?;
                draws.fill(start, &mut words);
                key[..8].copy_from_slice(&words[0].to_le_bytes());
                key[8..].copy_from_slice(&words[1].to_le_bytes());
                words.zeroize();
                for peer in set.iter().filter(|p| **p != me) {
                    end.channel.send(*peer, &key)?;
                    end.account.setup_bytes += KEY as u64;
                }
            } else if let Some(dealer) = set.first() {
                let mut bytes = end.channel.receive(*dealer, KEY)?;
                key.copy_from_slice(&bytes);
                bytes.zeroize();
            }
            let seed = Seed::from_bytes(key);
            key.zeroize();
            let pair = (Stream::new(&seed), Arc::new(Stream::new(&seed)));
            end.streams.push(Some(pair));
        }
        Ok(end)
    }

    /// This party's position.
    pub fn me(&self) -> usize {
        self.me
    }

    /// Where in the script the program is: errors name it. File and line, and those of calls around.
    pub fn at(&mut self, place: &'static str) {
        self.place = place;
    }

    /// The failure that ends this party's part, with the place where it happened. Parties of the same process
    /// are told.
    pub fn locate(&mut self, mut failure: Failure) -> Failure {
        self.channel.give_up();
        if failure.place.is_empty() {
            failure.place = self.place.to_owned();
        }
        if [BROKEN, INTERRUPTED].contains(&failure.code) || failure.consequence {
            failure.message.push_str(&when(self.account.rounds));
        }
        failure
    }

    /// What was sent so far.
    pub fn account(&self) -> Account {
        self.account
    }

    fn stream(&mut self, set: usize) -> Result<&mut (Stream, Arc<Stream>), LocalError> {
        let stream = self.streams.get_mut(set).and_then(Option::as_mut);
        stream.ok_or(LocalError::Mismatch("no key was agreed for this coin"))
    }

    /// Takes the range of the next uniform coin of a set's stream.
    ///
    /// # Errors
    /// The stream is used up or the shape is too large.
    pub fn reserve(&mut self, set: usize, elem: Elem, dims: &[i128]) -> Result<Coin, LocalError> {
        let shape = shape(dims)?;
        let words = coin::uniform_words(elem, &shape)? as u64;
        let (taken, stream) = self.stream(set)?;
        let start = taken.reserve(words).ok_or(LocalError::Exhausted)?;
        Ok(Coin {
            stream: stream.clone(),
            start,
            elem,
            shape,
        })
    }

    /// Takes the ranges of several coins, one after another: for each set of a list one of this element type and shape.
    ///
    /// # Errors
    /// As [`Endpoint::reserve`].
    pub fn reserve_each(
        &mut self,
        coins: &[(&[usize], Elem, &[i128])],
    ) -> Result<Vec<Coin>, LocalError> {
        let mut reserved = vec![];
        for (sets, elem, dims) in coins {
            for set in *sets {
                reserved.push(self.reserve(*set, *elem, dims)?);
            }
        }
        Ok(reserved)
    }

    /// The next uniform coin of a set's stream.
    ///
    /// # Errors
    /// The stream is used up or the shape is too large.
    pub fn coin(&mut self, set: usize, elem: Elem, dims: &[i128]) -> Result<Tensor, LocalError> {
        self.draw(set, &CoinDomain::Uniform, elem, dims)
    }

    /// The next coin of another domain.
    ///
    /// # Errors
    /// As [`Endpoint::coin`], or the domain and the type do not fit.
    pub fn draw(
        &mut self,
        set: usize,
        domain: &CoinDomain,
        elem: Elem,
        dims: &[i128],
    ) -> Result<Tensor, LocalError> {
        let dims = shape(dims)?;
        coin::draw(domain, elem, &dims, &mut self.stream(set)?.0)
    }

    /// Compares a with b, which may be a scalar, in a protocol of this name.
    ///
    /// # Errors
    /// They differ: a party deviates from the protocol, or what the script asserts does not hold.
    pub fn check(&self, a: &Tensor, b: &Tensor, protocol: &str) -> Result<(), Failure> {
        if agree(a, b) {
            return Ok(());
        }
        Err(Failure {
            code: failed_check(protocol),
            message: disagreement(protocol),
            place: String::new(),
            consequence: false,
        })
    }

    /// Begins the next online rounds: what is sent and received from here on.
    pub fn rounds(&mut self, rounds: u64) {
        self.account.rounds += rounds;
    }

    /// Whether the run can still go on: asked at every turn of a loop and before every message, so
    /// that a party that computes notices a lost peer.
    ///
    /// # Errors
    /// A peer is gone, or this party was told to stop.
    pub fn still_there(&mut self) -> Result<(), ChannelError> {
        self.channel.check()
    }

    /// Before a message.
    fn ready(&mut self) -> Result<(), ChannelError> {
        let place = Place::Line(self.place);
        self.channel.at(self.account.rounds, place);
        self.channel.check()
    }

    /// Sends values as one online message.
    ///
    /// # Errors
    /// The peer is gone, or there is no memory for the message.
    pub fn send(&mut self, to: usize, values: &[&Tensor]) -> Result<(), Failure> {
        self.ready()?;
        let bytes = packed(values)?;
        let length = bytes.len() as u64;
        self.channel.send_buffer(to, bytes)?;
        self.account.messages += 1;
        self.account.bytes += length;
        Ok(())
    }

    /// Sends values as one message ahead of the inputs.
    ///
    /// # Errors
    /// The peer is gone, or there is no memory for the message.
    pub fn send_ahead(&mut self, to: usize, values: &[&Tensor]) -> Result<(), Failure> {
        self.ready()?;
        let bytes = packed(values)?;
        let length = bytes.len() as u64;
        self.channel.send_ahead(to, bytes)?;
        self.account.offline_bytes += length;
        Ok(())
    }

    /// Waits for a message with values of these types and shapes.
    ///
    /// # Errors
    /// The peer is gone, or what comes does not fit.
    pub fn receive<const N: usize>(
        &mut self,
        from: usize,
        values: [(Elem, &[i128]); N],
    ) -> Result<[Tensor; N], Failure> {
        self.ready()?;
        let parts = Parts::of(values)?;
        let bytes = self.channel.receive(from, parts.length)?;
        parts.unpack(bytes)
    }

    /// As [`Endpoint::receive`], of a message that depends on no input.
    ///
    /// # Errors
    /// As [`Endpoint::receive`].
    pub fn receive_ahead<const N: usize>(
        &mut self,
        from: usize,
        values: [(Elem, &[i128]); N],
    ) -> Result<[Tensor; N], Failure> {
        self.ready()?;
        let parts = Parts::of(values)?;
        let bytes = self.channel.receive_ahead(from, parts.length)?;
        parts.unpack(bytes)
    }
}

fn packed(values: &[&Tensor]) -> Result<Vec<u8>, LocalError> {
    let mut bytes = room(values.iter().map(|v| v.wire_bytes()).sum())?;
    for value in values {
        value.pack(&mut bytes);
    }
    Ok(bytes)
}

/// The values of a message: type, shape and place of each.
struct Parts<const N: usize> {
    values: Vec<(Elem, Vec<usize>, Range<usize>)>,
    length: usize,
}

impl<const N: usize> Parts<N> {
    fn of(values: [(Elem, &[i128]); N]) -> Result<Self, Failure> {
        let mut parts = Vec::with_capacity(N);
        let mut length = 0usize;
        for (elem, dims) in values {
            let dims = shape(dims)?;
            let bytes = wire_bytes(elem, crate::tensor::count(&dims)?);
            let end = bytes.and_then(|b| length.checked_add(b));
            let end = end.ok_or(LocalError::TooLarge)?;
            parts.push((elem, dims, length..end));
            length = end;
        }
        // What is to come must find room.
        reservable(length)?;
        Ok(Self {
            values: parts,
            length,
        })
    }

    fn unpack(self, bytes: Vec<u8>) -> Result<[Tensor; N], Failure> {
        let mut tensors = Vec::with_capacity(N);
        for (elem, dims, range) in self.values {
            tensors.push(Tensor::unpack(elem, &dims, &bytes[range])?);
        }
        recycle(bytes);
        let count = LocalError::Mismatch("number of values in a message");
        tensors.try_into().map_err(|_| count.into())
    }
}

/// Runs every party of a program in this process, each on a thread of its own, over channels in
/// memory. Results by party.
///
/// # Errors
/// The first cause at any party; one that fails ends its channels, and so all others, also those that compute.
pub fn run_locally<T: Send>(
    names: &[&str],
    party: impl Fn(usize, &mut dyn Channel) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let results: Vec<Result<T, Failure>> = std::thread::scope(|scope| {
        let party = &party;
        let mut threads = vec![];
        for (i, mut end) in in_memory(names.len()).into_iter().enumerate() {
            let thread = std::thread::Builder::new()
                .name(names[i].to_owned())
                .stack_size(STACK)
                .spawn_scoped(scope, move || {
                    party(i, &mut end).inspect_err(|_| end.give_up())
                });
            threads.push(thread);
        }
        let finish = |thread: std::io::Result<std::thread::ScopedJoinHandle<'_, _>>| match thread {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(Failure::setup("an endpoint stopped unexpectedly"))),
            Err(_) => Err(Failure::setup("the system starts no more threads")),
        };
        threads.into_iter().map(finish).collect()
    });
    let mut values = vec![];
    let mut first: Option<Failure> = None;
    for (name, result) in names.iter().zip(results) {
        match result {
            Ok(value) => values.push(value),
            Err(mut failure) => {
                if first
                    .as_ref()
                    .is_none_or(|old| old.consequence && !failure.consequence)
                {
                    failure.message = format!("{} (at {name})", failure.message);
                    first = Some(failure);
                }
            }
        }
    }
    match first {
        Some(failure) => Err(failure),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_of_a_set_draw_the_same_coins() {
        let ring = Elem::Ring(64);
        let run = |me: usize, channel: &mut dyn Channel| {
            let mut end = Endpoint::start(me, channel, Some(7), &[&[0, 1], &[1, 2]])?;
            let coin = end.coin(usize::from(me == 2), ring, &[4])?;
            if me == 0 {
                end.rounds(1);
                end.send(2, &[&coin])?;
            }
            let got = match me {
                2 => Some(end.receive(0, [(ring, &[4])])?),
                _ => None,
            };
            Ok((coin, got, end.account()))
        };
        let [a, b, c] = &run_locally(&["a", "b", "c"], run).unwrap()[..] else {
            panic!("three parties");
        };
        assert_eq!(a.0, b.0);
        assert_ne!(b.0, c.0);
        assert_eq!(c.1.as_ref().map(|[t]| t), Some(&a.0));
        let sent = Account {
            rounds: 1,
            messages: 1,
            bytes: 32,
            setup_bytes: 16,
            ..Account::default()
        };
        assert_eq!(a.2, sent);
    }

    /// It waits for no message, and learns of the other's error all the same.
    #[test]
    fn a_party_that_computes_is_stopped() {
        let run = |me: usize, channel: &mut dyn Channel| -> Result<(), Failure> {
            if me == 1 {
                return Err(LocalError::DivisionByZero.into());
            }
            let mut end = Endpoint::start(me, channel, Some(7), &[])?;
            loop {
                if let Err(error) = end.still_there() {
                    return Err(end.locate(error.into()));
                }
            }
        };
        let failure = run_locally(&["a", "b", "c"], run).unwrap_err();
        assert_eq!(failure.message, "division by zero (at b)");
    }

    #[test]
    fn the_first_cause_is_reported() {
        let run = |me: usize, channel: &mut dyn Channel| -> Result<(), Failure> {
            if me == 1 {
                return Err(LocalError::DivisionByZero.into());
            }
            channel.receive(1, 1)?;
            Ok(())
        };
        let failure = run_locally(&["a", "b"], run).unwrap_err();
        assert_eq!(failure.message, "division by zero (at b)");
    }
}
