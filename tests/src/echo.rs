//! A party that sends what another one sends in the same round.
//!
//! The network lets it: it waits for the other one's message before it sends its own. What it takes that one to have sent is
//! what it should have sent itself, so that it goes on like a party that has chosen the other one's values, and says so
//! consistently. Messages of honest parties that do not wait for its own are those of an honest run with the
//! same seeds, from which they are known here beforehand.

use std::collections::BTreeMap;

use smpc_runtime::Tensor;
use smpc_runtime::channel::{Channel, ChannelError, MemoryChannel, Traffic};
use smpc_runtime::ops;

/// What a party did with its channel in an honest run.
#[derive(Clone, Debug)]
pub enum Event {
    /// It sent so many bytes.
    Sent {
        /// To whom.
        peer: usize,
        /// How many.
        length: usize,
    },
    /// It received this.
    Received {
        /// From whom.
        peer: usize,
        /// What.
        contents: Vec<u8>,
    },
}

/// A channel of which is noted what goes through it.
pub struct Recorder {
    inner: MemoryChannel,
    /// In order.
    pub events: Vec<Event>,
}

impl Recorder {
    /// Notes all from here on.
    pub fn new(inner: MemoryChannel) -> Self {
        Self {
            inner,
            events: vec![],
        }
    }
}

impl Channel for Recorder {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.send_buffer(peer, contents.to_vec())
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        let length = contents.len();
        self.events.push(Event::Sent { peer, length });
        self.inner.send_buffer(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let contents = self.inner.receive(peer, length)?;
        let copy = contents.clone();
        let received = Event::Received {
            peer,
            contents: copy,
        };
        self.events.push(received);
        Ok(contents)
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}

/// Messages of a party up to the next one from another, and that one.
#[derive(Default)]
struct Exchange {
    /// Numbers of the messages, to whom, lengths.
    sends: Vec<(u64, usize, usize)>,
    /// The number among the messages from the other party, and what it is.
    answer: Option<(u64, Vec<u8>)>,
}

fn exchanges(events: &[Event], victim: usize) -> Vec<Exchange> {
    let mut all = vec![];
    let mut now = Exchange::default();
    let (mut sent, mut received) = (0, 0);
    for event in events {
        match event {
            Event::Sent { peer, length } => {
                if now.answer.is_some() {
                    all.push(std::mem::take(&mut now));
                }
                now.sends.push((sent, *peer, *length));
                sent += 1;
            }
            Event::Received { peer, contents } if *peer == victim => {
                if now.answer.is_some() {
                    all.push(std::mem::take(&mut now));
                }
                now.answer = Some((received, contents.clone()));
                received += 1;
            }
            Event::Received { .. } => {}
        }
    }
    all.push(now);
    all
}

#[derive(Clone, Debug)]
enum Change {
    /// This instead.
    Other(Vec<u8>),
    /// What was to be sent to the other party in this round.
    Own,
    /// Values added to those that it consists of.
    Add(Vec<Tensor>),
}

/// What is changed of a party's messages, and of those that it takes from another one.
#[derive(Clone, Debug)]
pub struct Plan {
    victim: usize,
    sends: BTreeMap<u64, Change>,
    receives: BTreeMap<u64, Change>,
}

impl Plan {
    /// Nothing yet, of what is exchanged with this party.
    pub fn new(victim: usize) -> Self {
        Self {
            victim,
            sends: BTreeMap::new(),
            receives: BTreeMap::new(),
        }
    }

    /// The party to which a message goes.
    pub fn receiver(events: &[Event], message: u64) -> Option<usize> {
        let mut sends = events.iter().filter_map(|event| match event {
            Event::Sent { peer, .. } => Some(*peer),
            Event::Received { .. } => None,
        });
        sends.nth(message as usize)
    }

    /// From a message on the other party's are sent, in so many exchanges with it. Whether there was one.
    pub fn echo(&mut self, events: &[Event], message: u64, exchanged: usize) -> bool {
        let all = exchanges(events, self.victim);
        let mut left = exchanged;
        let mut found = false;
        for exchange in &all {
            let sends = exchange.sends.iter().filter(|send| send.0 >= message);
            let own = sends.clone().find(|send| send.1 == self.victim);
            let (Some(own), Some((answer, contents))) = (own, &exchange.answer) else {
                continue;
            };
            if left == 0 {
                break;
            }
            left -= 1;
            if own.2 != contents.len() {
                continue;
            }
            found = true;
            self.receives.insert(*answer, Change::Own);
            for (number, _, _) in sends.filter(|send| send.2 == own.2) {
                self.sends.insert(*number, Change::Other(contents.clone()));
            }
        }
        found
    }

    /// Adds to the values of a message to the other party, and of this one of its messages, so that both go on with the
    /// same sums. Whether both have that length.
    pub fn shift(&mut self, events: &[Event], message: u64, answer: u64, by: &[Tensor]) -> bool {
        let length: usize = by.iter().map(|value| packed(value).len()).sum();
        let all = exchanges(events, self.victim);
        let sends = all.iter().flat_map(|exchange| &exchange.sends);
        let mut sends = sends.filter(|send| send.0 == message && send.1 == self.victim);
        let mut answers = all.iter().filter_map(|exchange| exchange.answer.as_ref());
        let fits = sends.any(|send| send.2 == length)
            && answers.any(|(number, contents)| *number == answer && contents.len() == length);
        if fits {
            self.sends.insert(message, Change::Add(by.to_vec()));
            self.receives.insert(answer, Change::Add(by.to_vec()));
        }
        fits
    }
}

fn packed(value: &Tensor) -> Vec<u8> {
    let mut bytes = vec![];
    value.pack(&mut bytes);
    bytes
}

/// A message with something added to each of its values.
fn sum(by: &[Tensor], contents: &[u8]) -> Option<Vec<u8>> {
    let mut rest = contents;
    let mut sums = vec![];
    for by in by {
        let (own, behind) = rest.split_at_checked(packed(by).len())?;
        let value = Tensor::unpack(by.elem(), by.shape(), own).ok()?;
        sums.extend(packed(&ops::add(&value, by).ok()?));
        rest = behind;
    }
    Some(sums)
}

/// The channel of a party that follows a plan.
pub struct Copying {
    inner: MemoryChannel,
    plan: Plan,
    sent: u64,
    received: u64,
    /// What was last to be sent to the other party.
    own: Vec<u8>,
}

impl Copying {
    /// Follows the plan from the first message on.
    pub fn new(inner: MemoryChannel, plan: Plan) -> Self {
        Self {
            inner,
            plan,
            sent: 0,
            received: 0,
            own: vec![],
        }
    }

    fn changed(&self, change: Option<&Change>, contents: Vec<u8>) -> Vec<u8> {
        match change {
            Some(Change::Other(other)) => other.clone(),
            Some(Change::Own) if self.own.len() == contents.len() => self.own.clone(),
            Some(Change::Add(by)) => sum(by, &contents).unwrap_or(contents),
            _ => contents,
        }
    }
}

impl Channel for Copying {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.send_buffer(peer, contents.to_vec())
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        if peer == self.plan.victim {
            self.own.clone_from(&contents);
        }
        let change = self.plan.sends.get(&self.sent);
        let contents = self.changed(change, contents);
        self.sent += 1;
        self.inner.send_buffer(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        let contents = self.inner.receive(peer, length)?;
        if peer != self.plan.victim {
            return Ok(contents);
        }
        let change = self.plan.receives.get(&self.received);
        self.received += 1;
        Ok(self.changed(change, contents))
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}
