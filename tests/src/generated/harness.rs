//! What a run of one party shows, as text. The interpreter's side of the comparison uses this module,
//! and so, as it stands, does the program that runs generated code: it needs the runtime alone.

use std::fmt::Write;

use smpc_runtime::Tensor;
use smpc_runtime::channel::{Channel, ChannelError, Fault, Traffic};
use smpc_runtime::endpoint::{Account, Failure, run_locally};
use smpc_runtime::prelude::{Bits, Fix, Ring};

/// The seed of both runs.
pub const SEED: u64 = 7;

/// A channel that keeps a digest of every message sent.
pub struct Recorder<'a> {
    inner: &'a mut dyn Channel,
    /// Of receivers, lengths and contents so far: FNV-1a, 64 bits.
    pub digest: u64,
}

impl<'a> Recorder<'a> {
    /// Over a channel.
    pub fn new(inner: &'a mut dyn Channel) -> Self {
        Self {
            inner,
            digest: 0xcbf2_9ce4_8422_2325,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.digest = (self.digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Channel for Recorder<'_> {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.take(&(peer as u64).to_le_bytes());
        self.take(&(contents.len() as u64).to_le_bytes());
        self.take(contents);
        self.inner.send(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.inner.receive(peer, length)
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}

/// A channel on which one message does not come, as if its sender had ended before it. What goes to a party that has
/// ended is lost without a word, and nobody is told of an end but by what does not come: who stops where depends on
/// nothing else.
pub struct Lossy<'a> {
    inner: &'a mut dyn Channel,
    names: &'a [&'a str],
    /// How many messages come before the one that does not; none if all come.
    left: Option<u64>,
    received: u64,
}

impl Lossy<'_> {
    fn named(&self, mut error: ChannelError) -> ChannelError {
        error.name = self.names.get(error.peer).map(|name| (*name).into());
        error
    }
}

impl Channel for Lossy<'_> {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        match self.inner.send(peer, contents) {
            Err(error) if error.fault != Fault::Gone => Err(error),
            _ => Ok(()),
        }
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        if self.left == Some(self.received) {
            return Err(self.named(ChannelError {
                peer,
                name: None,
                message: self.received,
                fault: Fault::Reset,
            }));
        }
        let message = self.inner.receive(peer, length);
        self.received += 1;
        message.map_err(|error| self.named(error))
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}

/// How the parties end: in the run, and in the same without one message, for each in turn. A line for each party that
/// does not get to the end, with what it says.
pub fn ends(
    names: &[&str],
    part: &(dyn Fn(usize, &mut dyn Channel) -> Result<(), String> + Sync),
) -> String {
    let run = |without: Option<(usize, u64)>| {
        let left = |party| {
            without
                .filter(|(own, _)| *own == party)
                .map(|(_, message)| message)
        };
        let run = run_locally(names, |party, channel| {
            let mut channel = Lossy {
                inner: channel,
                names,
                left: left(party),
                received: 0,
            };
            let end = part(party, &mut channel);
            Ok((channel.received, end))
        });
        run.expect("every party ends")
    };
    let mut text = String::new();
    let mut show = |without: &str, run: &[(u64, Result<(), String>)]| {
        for (name, (_, end)) in names.iter().zip(run) {
            if let Err(error) = end {
                let _ = writeln!(text, "{without}{name}: {error}");
            }
        }
    };
    let whole = run(None);
    show("", &whole);
    for (party, (received, _)) in whole.iter().enumerate() {
        for message in 0..*received {
            let without = format!("without message {message} to {}, ", names[party]);
            show(&without, &run(Some((party, message))));
        }
    }
    text
}

/// Prints how the parties of a generated program end on the values of a file.
pub fn endings(name: &str, parties: &[&str], part: Part<'_>) {
    let (publics, inputs) = read(&format!("data/{name}"));
    let ends = ends(parties, &|party, channel| {
        let run = part(party, channel, &publics, inputs.clone());
        run.map(drop)
            .map_err(|e| error(e.code, &e.message, &e.place))
    });
    print!("== {name}\n{ends}");
}

/// An error with its place.
pub fn error(code: &str, message: &str, place: &str) -> String {
    format!("{code} {message} [{place}]")
}

/// What a party was handed, by name.
pub type Handed = Vec<(String, Vec<Tensor>)>;

/// A party's run as lines: its counts, the digest of its messages, its outputs; or its error.
pub fn shown(party: usize, digest: u64, run: Result<(Handed, Account), String>) -> String {
    let mut text = String::new();
    match run {
        Err(error) => text.push_str(&format!("{party}: {error}\n")),
        Ok((mut handed, a)) => {
            let _ = writeln!(
                text,
                "{party}: {} rounds {} messages {} bytes {} offline {} setup {digest:016x}",
                a.rounds, a.messages, a.bytes, a.offline_bytes, a.setup_bytes
            );
            handed.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, values) in handed.iter().filter(|(_, values)| !values.is_empty()) {
                let value = |v: &Tensor| format!("{:?} {:?}", v.shape(), v.to_i128s());
                let values: Vec<String> = values.iter().map(value).collect();
                let _ = writeln!(text, "{party}: {name} = {}", values.join("; "));
            }
        }
    }
    text
}

/// A generated program: one party's part.
pub type Part<'a> = &'a (
        dyn Fn(
    usize,
    &mut dyn Channel,
    &[i128],
    Vec<Option<Tensor>>,
) -> Result<(Handed, Account), Failure>
            + Sync
    );

/// Runs all parties of a generated program on the values of a file, and prints what they show.
pub fn section(name: &str, parties: &[&str], part: Part<'_>) {
    let (publics, inputs) = read(&format!("data/{name}"));
    let runs = run_locally(parties, |party, channel| {
        let mut channel = Recorder::new(channel);
        let run = part(party, &mut channel, &publics, inputs.clone());
        let digest = channel.digest;
        Ok(shown(party, digest, run.map_err(|e| e.to_string())))
    });
    println!("== {name}");
    match runs {
        Ok(texts) => print!("{}", texts.concat()),
        Err(error) => println!("{error}"),
    }
}

/// The values of a file: integers of the first line, then for each tensor its type, shape and elements.
///
/// # Panics
/// There is no such file, or it holds something else.
pub fn read(path: &str) -> (Vec<i128>, Vec<Option<Tensor>>) {
    let text = std::fs::read_to_string(path).expect("the values of a program");
    let mut lines = text.lines();
    let mut list = || -> Option<Vec<i128>> {
        let words = lines.next()?.split_whitespace();
        Some(words.map(|w| w.parse().expect("an integer")).collect())
    };
    let publics = list().unwrap_or_default();
    let mut inputs = vec![];
    while let Some(head) = list() {
        let elem = match head[..] {
            [0, bits] => Ring(bits as u8),
            [1, bits] => Bits(bits as u8),
            _ => Fix,
        };
        let (shape, values) = (list().expect("a shape"), list().expect("elements"));
        let shape: Vec<usize> = shape.iter().map(|d| *d as usize).collect();
        let tensor = Tensor::from_i128s(elem, &shape, &values).expect("a tensor");
        inputs.push(Some(tensor));
    }
    (publics, inputs)
}

/// The text that [`read`] reads.
pub fn written(publics: &[i128], inputs: &[Tensor]) -> String {
    let line = |values: &[i128]| {
        let words: Vec<String> = values.iter().map(i128::to_string).collect();
        words.join(" ") + "\n"
    };
    let mut text = line(publics);
    for input in inputs {
        let head = match input.elem() {
            Ring(bits) => [0, i128::from(bits)],
            Bits(bits) => [1, i128::from(bits)],
            _ => [2, 128],
        };
        let shape: Vec<i128> = input.shape().iter().map(|d| *d as i128).collect();
        text.push_str(&line(&head));
        text.push_str(&line(&shape));
        text.push_str(&line(&input.to_i128s()));
    }
    text
}
