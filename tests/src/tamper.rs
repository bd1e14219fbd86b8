//! A computing party that lies in one message: every honest party must end in an error or with the
//! right answer.
//!
//! The lying party runs the program like all others; its channel changes what it sends. So the lie is
//! in the message, not in what the party computes from it: a wrong message is all that the others
//! can ever see of a party that deviates.

use std::collections::BTreeMap;
use std::fmt;

use crate::echo::{Copying, Event, Plan, Recorder};
use smpc_interp::{Account, RunError, Setup, endpoint};
use smpc_ir::party::{Party, Program, Validated, validate};
use smpc_runtime::Tensor;
use smpc_runtime::channel::{Channel, ChannelError, MemoryChannel, Traffic, in_memory};

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// One bit is another.
    Flip,
    /// Every byte is another, at random.
    Noise,
    /// It is a message that was sent to the same party before.
    Replay,
    /// Neither it nor anything after it is sent: over a network the others wait until a timeout, here
    /// the party ends.
    Drop,
    /// Its last byte is missing.
    Truncate,
    /// It and all messages of its length up to the next that is received are changed by the same
    /// flipped bit: a lie that all are told.
    Everybody,
    /// The message of one receiver goes to the next one, and that one's to it.
    Swap,
    /// It, and what follows in some rounds, is what its receiver sends in the same round.
    Echo,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Flip,
        Self::Noise,
        Self::Replay,
        Self::Drop,
        Self::Truncate,
        Self::Everybody,
        Self::Swap,
        Self::Echo,
    ];
}

/// One run with a lie.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// Who lies.
    pub party: usize,
    /// In which of its messages, from 0.
    pub message: u64,
    /// How.
    pub fault: Fault,
    /// Picks bits and bytes.
    pub word: u64,
}

/// How runs ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// An honest party found that parties disagree.
    pub detected: u64,
    /// An honest party could not use what it was sent: a wrong length, an element outside its field.
    pub refused: u64,
    /// All honest parties got the right answers.
    pub harmless: u64,
    /// An honest party ended with a wrong answer.
    pub wrong: Vec<String>,
}

impl Tally {
    /// All of them.
    pub fn runs(&self) -> u64 {
        self.detected + self.refused + self.harmless + self.wrong.len() as u64
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs: {} detected, {} refused, {} harmless, {} wrong",
            self.runs(),
            self.detected,
            self.refused,
            self.harmless,
            self.wrong.len()
        )
    }
}

/// The channel of a party that lies once.
struct Lying {
    inner: MemoryChannel,
    trial: Trial,
    sent: u64,
    /// What was sent to each party last, by length.
    before: BTreeMap<(usize, usize), Vec<u8>>,
    /// The bit that is flipped for everybody, and the length of the messages.
    lie: Option<(usize, usize)>,
    /// What is to be swapped with the next message: to whom, and what.
    held: Option<(usize, Vec<u8>)>,
}

impl Lying {
    fn new(inner: MemoryChannel, trial: Trial) -> Self {
        Self {
            inner,
            trial,
            sent: 0,
            before: BTreeMap::new(),
            lie: None,
            held: None,
        }
    }

    fn pass(&mut self, peer: usize, mut contents: Vec<u8>) -> Result<(), ChannelError> {
        let now = self.sent == self.trial.message;
        self.sent += 1;
        let honest = contents.clone();
        let length = contents.len();
        let word = self.trial.word;
        let bit = word as usize % (8 * length.max(1));
        let mut dropped = false;
        match self.trial.fault {
            _ if length == 0 => {}
            Fault::Flip if now => contents[bit / 8] ^= 1 << (bit % 8),
            Fault::Noise if now => {
                let mut noise = word | 1;
                for byte in &mut contents {
                    noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    *byte ^= (noise >> 56) as u8;
                }
            }
            Fault::Replay if now => {
                if let Some(old) = self.before.get(&(peer, length)) {
                    contents.clone_from(old);
                }
            }
            Fault::Drop if now => dropped = true,
            Fault::Truncate if now => contents.truncate(length - 1),
            Fault::Everybody => {
                if now {
                    self.lie = Some((bit, length));
                }
                if let Some((bit, of)) = self.lie
                    && of == length
                {
                    contents[bit / 8] ^= 1 << (bit % 8);
                }
            }
            Fault::Swap => {
                if now {
                    self.held = Some((peer, contents));
                    return Ok(());
                }
                if let Some((other, held)) = self.held.take() {
                    self.inner.send_buffer(other, contents)?;
                    contents = held;
                }
            }
            _ => {}
        }
        self.before.insert((peer, length), honest);
        if dropped {
            return Err(ChannelError {
                peer,
                name: None,
                message: self.sent,
                fault: smpc_runtime::channel::Fault::Interrupted,
            });
        }
        self.inner.send_buffer(peer, contents)
    }

    /// What is held back goes out: nothing was there to swap it with.
    fn flush(&mut self) -> Result<(), ChannelError> {
        match self.held.take() {
            Some((peer, contents)) => self.inner.send_buffer(peer, contents),
            None => Ok(()),
        }
    }
}

impl Channel for Lying {
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        self.pass(peer, contents.to_vec())
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        self.pass(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.flush()?;
        self.lie = None;
        self.inner.receive(peer, length)
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}

/// A program with its inputs, run again and again.
pub struct Bench<'p> {
    program: &'p Program,
    setup: Setup,
    /// Outputs of an honest run, by party, name and time.
    right: Vec<Outputs>,
    /// Messages that each party sends in an honest run.
    messages: Vec<u64>,
    /// What each party sends and receives in an honest run.
    events: Vec<Vec<Event>>,
}

type Outputs = Vec<(String, Tensor)>;

/// How an endpoint ended: what it did, and what it sent and received.
type Ended = Result<(Account, Vec<Event>), RunError>;

/// How a party lies.
#[derive(Clone, Copy)]
enum Way<'w> {
    Once(Trial),
    Planned(&'w Plan),
}

/// What came of a run with a lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An honest party found that parties disagree.
    Detected,
    /// An honest party could not use what it was sent.
    Refused,
    /// All honest parties got the right answers.
    Harmless,
    /// This honest party ended with a wrong answer.
    Wrong(usize),
}

fn outputs(account: &Account) -> Outputs {
    let all = account.outputs.iter();
    all.map(|o| (o.name.clone(), o.value.clone())).collect()
}

impl<'p> Bench<'p> {
    /// Runs the program honestly.
    ///
    /// # Errors
    /// It fails.
    pub fn new(program: &'p Program, setup: Setup) -> Result<Self, String> {
        let mut bench = Self {
            program,
            setup,
            right: vec![],
            messages: vec![],
            events: vec![],
        };
        for result in bench.run(None)? {
            let (account, events) = result.map_err(|e| e.to_string())?;
            bench.right.push(outputs(&account));
            let sends = events.iter().filter(|e| matches!(e, Event::Sent { .. }));
            bench.messages.push(sends.count() as u64);
            bench.events.push(events);
        }
        Ok(bench)
    }

    /// How many messages a party sends.
    pub fn messages(&self, party: usize) -> u64 {
        self.messages[party]
    }

    /// What a party sends and receives in an honest run.
    pub fn events(&self, party: usize) -> &[Event] {
        &self.events[party]
    }

    fn run(&self, liar: Option<(usize, Way<'_>)>) -> Result<Vec<Ended>, String> {
        let valid = validate(self.program).map_err(|e| e.to_string())?;
        let ends = in_memory(self.program.parties.len());
        let results = std::thread::scope(|scope| {
            let mut threads = vec![];
            for (party, end) in ends.into_iter().enumerate() {
                let setup = self.own(party);
                let way = liar.filter(|(who, _)| *who == party).map(|(_, way)| way);
                let work = move || carry_out(valid, party, &setup, end, way);
                threads.push(scope.spawn(work));
            }
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.collect::<Result<Vec<_>, _>>()
        });
        results.map_err(|_| "an endpoint panicked".to_owned())
    }

    /// What an endpoint starts from: its own inputs.
    fn own(&self, party: usize) -> Setup {
        let inputs = self.program.inputs.iter().zip(&self.setup.inputs);
        let own = |(input, value): (&smpc_ir::share::Input, &Option<Tensor>)| {
            value.clone().filter(|_| usize::from(input.party) == party)
        };
        Setup {
            inputs: inputs.map(own).collect(),
            ..self.setup.clone()
        }
    }

    /// Carries out one trial.
    ///
    /// # Errors
    /// An endpoint panicked.
    pub fn trial(&self, trial: Trial, tally: &mut Tally) -> Result<(), String> {
        let outcome = match (trial.fault, self.echo(trial)) {
            (Fault::Echo, Some(plan)) => self.follow(trial.party, &plan)?,
            (Fault::Echo, None) => Outcome::Harmless,
            _ => self.outcome(trial.party, Way::Once(trial))?,
        };
        match outcome {
            Outcome::Wrong(party) => {
                let text = format!("{trial:?}: party {party} accepted a wrong answer");
                tally.wrong.push(text);
            }
            Outcome::Detected => tally.detected += 1,
            Outcome::Refused => tally.refused += 1,
            Outcome::Harmless => tally.harmless += 1,
        }
        Ok(())
    }

    /// What is sent for a message's echo, and for up to three rounds behind it.
    fn echo(&self, trial: Trial) -> Option<Plan> {
        let events = self.events(trial.party);
        let mut plan = Plan::new(Plan::receiver(events, trial.message)?);
        let rounds = 1 + trial.word as usize % 4;
        plan.echo(events, trial.message, rounds).then_some(plan)
    }

    /// A run in which a party follows a plan.
    ///
    /// # Errors
    /// An endpoint panicked.
    pub fn follow(&self, party: usize, plan: &Plan) -> Result<Outcome, String> {
        self.outcome(party, Way::Planned(plan))
    }

    fn outcome(&self, liar: usize, way: Way<'_>) -> Result<Outcome, String> {
        let results = self.run(Some((liar, way)))?;
        let mut outcome = Outcome::Harmless;
        for (party, result) in results.iter().enumerate() {
            if party == liar {
                continue;
            }
            match result {
                Ok((account, _)) if outputs(account) != self.right[party] => {
                    return Ok(Outcome::Wrong(party));
                }
                Ok(_) => {}
                Err(e) if e.code == smpc_interp::DEVIATION => outcome = Outcome::Detected,
                Err(_) if outcome == Outcome::Harmless => outcome = Outcome::Refused,
                Err(_) => {}
            }
        }
        Ok(outcome)
    }

    /// Trials over all messages of these parties and all faults, evenly, so many in all.
    ///
    /// # Errors
    /// An endpoint panicked.
    pub fn sweep(&self, parties: &[usize], runs: u64, seed: u64) -> Result<Tally, String> {
        let mut tally = Tally::default();
        let mut all = vec![];
        for party in parties {
            for message in 0..self.messages[*party] {
                all.extend(Fault::ALL.map(|fault| (*party, message, fault)));
            }
        }
        let mut word = seed;
        for at in 0..runs {
            // A stride that has no factor in common with most counts: few runs see all of it.
            let pick = at.wrapping_mul(7919) as usize % all.len().max(1);
            let Some((party, message, fault)) = all.get(pick).copied() else {
                break;
            };
            word = word
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(at | 1);
            let trial = Trial {
                party,
                message,
                fault,
                word: word >> 16,
            };
            self.trial(trial, &mut tally)?;
        }
        Ok(tally)
    }
}

fn carry_out(
    valid: Validated<'_>,
    party: usize,
    setup: &Setup,
    end: MemoryChannel,
    way: Option<Way<'_>>,
) -> Ended {
    let me = Party(u8::try_from(party).unwrap_or(u8::MAX));
    match way {
        Some(Way::Once(trial)) => {
            let mut channel = Lying::new(end, trial);
            let account = endpoint(valid, me, setup, &mut channel)?;
            // The last message may still be held back; the others may have gone.
            let _ = channel.flush();
            Ok((account, vec![]))
        }
        Some(Way::Planned(plan)) => {
            let mut channel = Copying::new(end, plan.clone());
            let account = endpoint(valid, me, setup, &mut channel)?;
            Ok((account, vec![]))
        }
        None => {
            let mut channel = Recorder::new(end);
            let account = endpoint(valid, me, setup, &mut channel)?;
            Ok((account, channel.events))
        }
    }
}
