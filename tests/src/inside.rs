//! A party inside of the test among others that are processes: it keeps to its program up to a
//! point, and there waits, alive, or sends what its peers do not expect.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use smpc_driver::{Binding, Compiled, Roster, compile};
use smpc_grammar::Sources;
use smpc_interp::Setup;
use smpc_ir::party::{Party, Program, validate};
use smpc_runtime::channel::{Channel, ChannelError, Fault, Place, Traffic};
use smpc_runtime::command::{Description, Handed, Input};
use smpc_runtime::endpoint::{Account, Failure};
use smpc_runtime::net::Peers;
use smpc_runtime::party::{self, Level, Options};
use smpc_runtime::prg::Seed;
use smpc_runtime::tensor::Tensor;

use crate::process::PATIENCE;

/// Where in a run something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not all parties are there yet.
    Connect,
    /// Keys of shared streams are exchanged.
    SetUp,
    /// The messages that depend on no input.
    Offline,
    /// The rounds.
    Online,
    /// All is computed, and not all have said so.
    Output,
}

/// Where the party leaves its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// At the first message of a phase that it sends or waits for.
    Phase(Phase),
    /// At the message of this number, sent or received, from 0, or the next that is sent.
    Message(usize),
}

/// What the party does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Nothing, for as long as its peers are there.
    Wait,
    /// Its next message has more bytes than its program says.
    Oversize,
    /// Its next message lacks a byte.
    Truncate,
    /// It ends.
    Leave,
}

/// Bytes by which a message is longer than it may be.
const EXCESS: usize = 100_000;

/// What the party is to run.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The script, of which all inputs are scalars.
    pub script: PathBuf,
    /// Of all parties.
    pub peers: PathBuf,
    /// Where it listens, if not where its peers look for it.
    pub listen: Option<String>,
    /// Silence after which it gives a peer up.
    pub timeout: Duration,
    /// How long it waits for one message.
    pub limit: Duration,
    /// Where it writes outputs, or prepared material.
    pub outputs: PathBuf,
}

/// The party, on a thread.
pub struct Inside {
    name: String,
    reached: Receiver<()>,
    thread: JoinHandle<Result<(), String>>,
}

impl Inside {
    /// Starts it. In [`Phase::Offline`] the others prepare, and so does it.
    pub fn start(role: Role, point: Point, deed: Deed) -> Self {
        let (told, reached) = channel();
        let name = role.name.clone();
        let thread = std::thread::spawn(move || play(&role, point, deed, &told));
        Self {
            name,
            reached,
            thread,
        }
    }

    /// Waits until it is where it waits; false if it ended before.
    ///
    /// # Panics
    /// It hangs.
    pub fn is_there(&self) -> bool {
        let there = self.reached.recv_timeout(PATIENCE);
        assert_ne!(there, Err(RecvTimeoutError::Timeout), "{} hangs", self.name);
        there.is_ok()
    }

    /// How it ended: its error, if it did not end well.
    ///
    /// # Panics
    /// It hangs, or panicked.
    pub fn wait(self) -> Result<(), String> {
        let what = format!("the end of {}", self.name);
        crate::process::until(&what, || self.thread.is_finished().then_some(()));
        self.thread.join().expect("no panic")
    }
}

/// A script for the parties that a file names.
///
/// # Panics
/// It is none.
pub fn compiled(sources: &mut Sources, script: &Path, peers: &Path) -> Compiled {
    let names = Peers::read(peers).expect("the peers");
    let binding = Binding {
        roster: Some(Roster {
            names: names.names().map(str::to_owned).collect(),
            place: String::new(),
        }),
        ..Binding::default()
    };
    let compiled = compile(sources, script, &binding);
    compiled.unwrap_or_else(|_| panic!("{} is a script", script.display()))
}

fn play(role: &Role, point: Point, deed: Deed, told: &Sender<()>) -> Result<(), String> {
    let mut sources = Sources::new();
    let compiled = compiled(&mut sources, &role.script, &role.peers);
    let program: &Program = &compiled.bound.program;
    let offline = point == Point::Phase(Phase::Offline);
    let program = match offline {
        true => &program.offline_part().expect("something to prepare"),
        false => program,
    };
    let valid = validate(program).expect("a program");
    let names: Vec<&str> = program.parties.iter().map(String::as_str).collect();
    let identity = compiled.identity(&sources);
    let whole = &compiled.bound.program;
    let inputs = whole.inputs.iter().map(|input| Input {
        party: usize::from(input.party),
        file: &input.file,
        column: None,
        ty: input.ty,
        text: input.text,
        ring_bits: whole.ring_bits,
        modulus: None,
        rank: 0,
        shown: "int",
        axes: &[],
    });
    let inputs: Vec<Input<'_>> = inputs.collect();
    let description = Description {
        name: &identity.script.0,
        language: &identity.language,
        script: identity.script.1,
        scheme: (&identity.scheme.0, identity.scheme.1),
        program: identity.program,
        parties: &names,
        publics: &[],
        inputs: &inputs,
        outputs: &[],
    };
    let options = Options {
        name: role.name.clone(),
        peers: role.peers.clone(),
        listen: role.listen.clone(),
        inputs: role.script.with_extension(""),
        outputs: Some(role.outputs.clone()),
        wait: PATIENCE,
        timeout: role.timeout,
        limit: role.limit,
        log: Level::Off,
        ..Options::default()
    };
    let part = |me: usize,
                channel: &mut dyn Channel,
                _: &[i128],
                inputs: Vec<Option<Tensor>>,
                seed: Option<u64>|
     -> Handed {
        let setup = Setup {
            sizes: vec![0; program.sizes.len()],
            inputs,
            seed,
            ..Setup::default()
        };
        let told = told.clone();
        // The test may have gone on already.
        let told = Box::new(move || {
            let _ = told.send(());
        });
        let mut held = Held::new(channel, point, deed, told);
        let me = Party(u8::try_from(me).expect("a party"));
        let account = smpc_interp::endpoint(valid, me, &setup, &mut held);
        let account = account.map_err(|error| Failure {
            code: error.code,
            message: error.message,
            place: String::new(),
            consequence: error.consequence,
        })?;
        held.end()?;
        let sent = Account {
            rounds: account.rounds,
            ..Account::default()
        };
        Ok((vec![], sent))
    };
    let done = match offline {
        true => party::prepare(
            &description,
            &options,
            &[],
            &role.outputs.join("file"),
            &part,
        )
        .map(drop),
        false => party::run(&description, &options, &part).map(drop),
    };
    done.map_err(|stop| stop.to_string())
}

/// A channel that leaves the program at one point.
pub struct Held<'a> {
    inner: &'a mut dyn Channel,
    point: Point,
    /// What is still to be done.
    deed: Option<Deed>,
    told: Box<dyn Fn()>,
    messages: usize,
}

impl<'a> Held<'a> {
    /// Calls `told` when it gets there.
    pub fn new(inner: &'a mut dyn Channel, point: Point, deed: Deed, told: Box<dyn Fn()>) -> Self {
        Self {
            inner,
            point,
            deed: Some(deed),
            told,
            messages: 0,
        }
    }

    /// Whether it got to its point.
    pub fn done(&self) -> bool {
        self.deed.is_none()
    }

    /// All messages are sent and received.
    ///
    /// # Errors
    /// It waited here, and its peers are gone.
    pub fn end(&mut self) -> Result<(), ChannelError> {
        self.at(Phase::Output, 0).map(drop)
    }

    /// What is to be done at the message at hand, except to wait, which is done.
    fn at(&mut self, phase: Phase, peer: usize) -> Result<Option<Deed>, ChannelError> {
        let number = self.messages;
        self.messages += 1;
        let due = match self.point {
            Point::Phase(due) => due == phase,
            Point::Message(due) => due <= number && phase != Phase::Output,
        };
        if !due {
            return Ok(None);
        }
        let deed = self.deed.take();
        if matches!(deed, Some(Deed::Wait | Deed::Leave)) {
            (self.told)();
        }
        let error = ChannelError {
            peer,
            name: None,
            message: 0,
            fault: Fault::Interrupted,
        };
        match deed {
            Some(Deed::Wait) => {
                let begun = Instant::now();
                while begun.elapsed() < PATIENCE {
                    self.inner.check()?;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error)
            }
            Some(Deed::Leave) => Err(error),
            other => Ok(other),
        }
    }

    /// What is to be sent.
    fn spoilt(
        &mut self,
        phase: Phase,
        peer: usize,
        mut contents: Vec<u8>,
    ) -> Result<Vec<u8>, ChannelError> {
        match self.at(phase, peer)? {
            Some(Deed::Oversize) => contents.resize(contents.len() + EXCESS, 7),
            Some(Deed::Truncate) => drop(contents.pop()),
            _ => {}
        }
        Ok(contents)
    }

    /// A message that is to come cannot be spoilt: the next one sent is.
    fn awaited(&mut self, phase: Phase, peer: usize) -> Result<(), ChannelError> {
        self.deed = self.at(phase, peer)?.or(self.deed);
        Ok(())
    }
}

impl Channel for Held<'_> {
    /// Keys are sent this way, and nothing else is.
    fn send(&mut self, peer: usize, contents: &[u8]) -> Result<(), ChannelError> {
        let contents = self.spoilt(Phase::SetUp, peer, contents.to_vec())?;
        self.inner.send(peer, &contents)
    }

    fn send_buffer(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        let contents = self.spoilt(Phase::Online, peer, contents)?;
        self.inner.send_buffer(peer, contents)
    }

    fn receive(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.awaited(Phase::Online, peer)?;
        self.inner.receive(peer, length)
    }

    fn send_ahead(&mut self, peer: usize, contents: Vec<u8>) -> Result<(), ChannelError> {
        let contents = self.spoilt(Phase::Offline, peer, contents)?;
        self.inner.send_ahead(peer, contents)
    }

    fn receive_ahead(&mut self, peer: usize, length: usize) -> Result<Vec<u8>, ChannelError> {
        self.awaited(Phase::Offline, peer)?;
        self.inner.receive_ahead(peer, length)
    }

    fn check(&mut self) -> Result<(), ChannelError> {
        self.inner.check()
    }

    fn at(&mut self, round: u64, place: Place<'_>) {
        self.inner.at(round, place);
    }

    fn own_key(&mut self) -> Option<Seed> {
        self.inner.own_key()
    }

    fn sent(&self) -> Traffic {
        self.inner.sent()
    }
}
