//! One party of a computation as a process of its own: connects, agrees, runs, and hands out what it
//! was told only when every peer has done its part.
//!
//! Interpreted and compiled parties come here alike; they differ in the [`Part`] they bring. What is
//! logged or measured are names, phases, counts and times, never a value.

mod interrupt;
mod log;
mod metrics;
mod options;
pub mod prepared;
mod preparing;

pub use log::Level;
pub use options::{Options, duration, silence};
pub use preparing::prepare;

use std::path::PathBuf;
use std::time::Instant;

use ring::digest::{SHA256, digest};

use crate::channel::Channel;
use crate::command::{Description, Origin, Part, Stop};
use crate::endpoint::{Account, Failure, STACK};
use crate::files::{self, Patience, Problem};
use crate::net::{self, Aborter, Agreement, NetChannel, NetError, PROTOCOL, Peers, Progress};
use crate::tensor::Tensor;
use metrics::{Counted, Metered, Times};
use prepared::{Reader, Replaying, StorageKey, USED};

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Done {
    /// This party's position.
    pub me: usize,
    /// Sizes and parameters, in the order of [`Description::publics`].
    pub publics: Vec<i128>,
    /// What the party was handed.
    pub outputs: Vec<(&'static str, Vec<Tensor>)>,
    /// What it sent.
    pub account: Account,
    /// How long it computed, without connecting.
    pub seconds: f64,
    /// Why there are no metrics, where they were asked for: the run went well, and its outputs stand.
    pub unmeasured: Option<Problem>,
}

/// Runs one party.
///
/// # Errors
/// Its own files, the peers, or the run. Nothing is written then, but metrics. That these could not be written behind a
/// run that went well is no error here, but [`Done::unmeasured`].
pub fn run(
    description: &Description<'_>,
    options: &Options,
    part: &Part<'_>,
) -> Result<Done, Stop> {
    metrics::apart(description, options)?;
    let (done, unmeasured) = measured(options, |measured| {
        let (me, peers) = who(description, options)?;
        let inputs = description.read(&options.inputs, Some(me))?;
        let sizes = description.sizes(&inputs)?;
        let part = |me, channel: &mut dyn Channel, publics: &[i128]| {
            let handed = part(me, channel, publics, inputs, options.seed)?;
            let Account {
                rounds,
                messages,
                bytes,
                ..
            } = handed.1;
            tracing::info!(rounds, messages, bytes, "computed");
            Ok(handed)
        };
        let written = |(outputs, _): &(Vec<(&'static str, Vec<Tensor>)>, Account)| {
            let Some(folder) = &options.outputs else {
                return Files::default();
            };
            let own = folder.join(&options.name);
            let new = description.rendered(outputs, &own, options.format);
            let all = description.outputs_in(folder, Some(me), options.format);
            let old = all.stale(&new);
            Files { new, old }
        };
        let (publics, (outputs, account)) = attempt(
            description,
            options,
            (me, &peers),
            sizes,
            part,
            written,
            measured,
        )?;
        let done = Done {
            me,
            publics,
            outputs,
            account,
            seconds: measured.times.run.as_secs_f64(),
            unmeasured: None,
        };
        Ok((done, Some(account)))
    })?;
    Ok(Done { unmeasured, ..done })
}

/// Public values that all parties have agreed on.
#[derive(Clone, Copy, Debug)]
pub struct Agreed<'a> {
    description: &'a Description<'a>,
    values: &'a [i128],
}

impl Agreed<'_> {
    /// An integer: a size or a parameter.
    ///
    /// # Errors
    /// The program has none of this name.
    pub fn integer(&self, name: &str) -> Result<i128, Failure> {
        let mut named = self.description.publics.iter().zip(self.values);
        let found = named.find(|(public, _)| public.name == name);
        let none = || Failure::setup(format!("the program has no size or parameter `{name}`"));
        found.map(|(_, value)| *value).ok_or_else(none)
    }

    /// The size of an input.
    ///
    /// # Errors
    /// As [`Agreed::integer`].
    pub fn size(&self, name: &str) -> Result<usize, Failure> {
        let none = |_| Failure::setup(format!("`{name}` is no size"));
        usize::try_from(self.integer(name)?).map_err(none)
    }

    /// A parameter of fixed point.
    ///
    /// # Errors
    /// As [`Agreed::integer`].
    pub fn fixed(&self, name: &str) -> Result<f64, Failure> {
        Ok(crate::number::to_f64(self.integer(name)?))
    }
}

/// Is one party of a run over the network from inside of a Rust program: connects, agrees with the
/// peers, gives `work` the channels and what was agreed on, and hands out what it gives when every
/// peer has done its part. `sizes` are those of this party's inputs; parameters are in
/// [`Options::set`]. No file is read but keys and certificates, and none is written but metrics. If these cannot be
/// written behind a run that went well, the log says so.
///
/// # Errors
/// The peers, or the run; metrics go where nothing can be written.
pub fn call<T: Send>(
    description: &Description<'_>,
    options: &Options,
    sizes: &[(&str, usize)],
    work: impl FnOnce(&mut dyn Channel, &Agreed<'_>) -> Result<T, Failure> + Send,
) -> Result<T, Stop> {
    metrics::apart(description, options)?;
    let (given, unmeasured) = measured(options, |measured| {
        let (me, peers) = who(description, options)?;
        description.knows(sizes.iter().map(|(name, _)| *name))?;
        let own = description.publics.iter().map(|public| {
            let given = sizes.iter().find(|(name, _)| *name == public.name);
            given.map(|(_, size)| *size as i128)
        });
        let part = |_, channel: &mut dyn Channel, values: &[i128]| {
            let agreed = Agreed {
                description,
                values,
            };
            work(channel, &agreed)
        };
        let own = own.collect();
        let none = |_: &T| Files::default();
        let (_, given) = attempt(
            description,
            options,
            (me, &peers),
            own,
            part,
            none,
            measured,
        )?;
        Ok((given, None))
    })?;
    if let Some(problem) = unmeasured {
        tracing::error!(code = problem.code, path = %problem.path, "{}", problem.message);
    }
    Ok(given)
}

/// What was measured of a run.
#[derive(Default)]
struct Measured {
    times: Times,
    counted: Counted,
}

/// Writes metrics, however the work ends. Whether they can be written is tried before; why they could not be behind work
/// that went well, comes with what it gives.
fn measured<T>(
    options: &Options,
    work: impl FnOnce(&mut Measured) -> Result<(T, Option<Account>), Stop>,
) -> Result<(T, Option<Problem>), Stop> {
    log::start(options.log);
    if let Some(path) = &options.metrics {
        files::writable(path).map_err(|problem| Stop::problems(2, vec![problem]))?;
    }
    let mut unmeasured = None;
    let mut measured = Measured::default();
    let done = work(&mut measured);
    let done = done.inspect_err(|stop| tracing::error!(code = stop.code(), "stopped"));
    if let Some(path) = &options.metrics {
        let (error, account) = match &done {
            Ok((_, account)) => (None, account.as_ref()),
            Err(stop) => (Some(stop.code()), None),
        };
        let metrics = metrics::json(
            &options.name,
            error,
            account,
            &measured.times,
            measured.counted,
        );
        let text = format!("{metrics:#}\n").into_bytes();
        unmeasured = files::write_all(&[(path.clone(), text)], patience(options)).err();
    }
    done.map(|(done, _)| (done, unmeasured))
}

/// Connects, carries out `part`, and writes the files it gives. Also gives the public values.
fn attempt<T: Send>(
    description: &Description<'_>,
    options: &Options,
    (me, peers): (usize, &Peers),
    sizes: Vec<Option<i128>>,
    part: impl FnOnce(usize, &mut dyn Channel, &[i128]) -> Result<T, Failure> + Send,
    files: impl FnOnce(&T) -> Files,
    Measured { times, counted }: &mut Measured,
) -> Result<(Vec<i128>, T), Stop> {
    if options.seed.is_some() && options.prepared.is_some() {
        let message = "prepared material brings its own keys: leave `--seed` out";
        return Err(Stop::usage("I16", message));
    }
    if options.seed.is_some() {
        tracing::warn!("keys follow from the seed: whoever knows it can compute every secret");
    }
    let params = description.params(&options.set)?;
    let material = match &options.prepared {
        Some(path) => {
            let key = StorageKey::read(&options.store()).map_err(Stop::failed)?;
            let reader = Reader::open(path, &key).map_err(Stop::failed)?;
            if reader.belongs().party != options.name {
                let text = format!("the material is {}'s", reader.belongs().party);
                return Err(Stop::failed(used(text)));
            }
            Some(reader)
        }
        None => None,
    };
    let purpose = match &material {
        Some(reader) => format!("prepared {}", prepared::hex(&reader.belongs().session)),
        None => "run".to_owned(),
    };
    let agreement = agreement(description, purpose, &params, sizes);
    let begun = Instant::now();
    let (channel, sizes) = connect(me, peers, options, &agreement, times)?;
    let publics: Vec<i128> = sizes
        .iter()
        .copied()
        .chain(params.iter().map(|(_, value)| *value))
        .collect();
    let mut link = Link::new(channel);
    let ready = match material {
        Some(reader) if reader.belongs().agreement != agreed(&agreement, &sizes) => {
            Err(used(otherwise(description, &publics)))
        }
        // From here on it is gone, whatever happens.
        Some(reader) => prepared::consume(&reader, &options.store()).map(|()| Some(reader)),
        None => Ok(None),
    };
    let reader = ready.map_err(|failure| link.end(Stop::failed(failure)))?;
    times.connect = begun.elapsed();
    let begun = Instant::now();
    let (given, measured) = {
        let mut replaying;
        let inner: &mut (dyn Channel + Send) = match reader {
            Some(reader) => {
                replaying = Replaying::new(link.channel()?, reader);
                &mut replaying
            }
            None => link.channel()?,
        };
        let mut metered = Metered::new(inner, description.parties.len());
        let given = apart(&options.name, || part(me, &mut metered, &publics));
        (given, metered.counted(description.parties, me))
    };
    *counted = measured;
    times.run = begun.elapsed();
    let given = given.map_err(|failure| link.end(Stop::failed(failure)))?;
    let begun = Instant::now();
    finish(link, files(&given), patience(options))?;
    times.finish = begun.elapsed();
    Ok((publics, given))
}

/// Files to be written, and those of an earlier run, which are to go then.
#[derive(Default)]
struct Files {
    new: Vec<(PathBuf, Vec<u8>)>,
    old: Vec<PathBuf>,
}

/// Ends a run that went well here: files are on the disk before peers are told, and have their names
/// when every peer has said the same. What is no file is open by then, and takes something.
fn finish(mut link: Link, files: Files, patience: Patience) -> Result<(), Stop> {
    let Files { new, old } = files;
    let gone = old.len();
    let staged = files::stage(&new, patience)
        .map(|staged| staged.without(old))
        .map_err(|problem| link.end(Stop::problems(4, vec![problem])))?;
    link.settle()?;
    staged
        .commit()
        .map_err(|problem| link.end(Stop::problems(4, vec![problem])))?;
    if !new.is_empty() {
        tracing::info!(files = new.len(), "outputs written");
    }
    if gone > 0 {
        tracing::info!(files = gone, "outputs of an earlier run removed");
    }
    link.close()
}

/// Who reads what this party writes into a pipe is waited for no longer than a silent peer.
fn patience(options: &Options) -> Patience {
    Patience {
        limit: options.timeout,
        given_up: interrupt::asked,
    }
}

/// The position of the party, and its peers, one for each party.
fn who(description: &Description<'_>, options: &Options) -> Result<(usize, Peers), Stop> {
    let names = || description.parties.join(", ");
    let Some(me) = description.parties.iter().position(|p| *p == options.name) else {
        let message = format!(
            "the script has no party `{}`: its parties are {}",
            options.name,
            names()
        );
        return Err(Stop::usage("I40", message));
    };
    let peers = Peers::read(&options.peers).map_err(|e| Stop::usage("I40", e.message()))?;
    for name in description.parties {
        if !peers.names().any(|peer| peer == *name) {
            let path = options.peers.display();
            let message = format!(
                "{path} lacks party `{name}`: the script's parties are {}",
                names()
            );
            return Err(Stop::usage("I40", message));
        }
    }
    Ok((me, peers))
}

fn agreement(
    description: &Description<'_>,
    purpose: String,
    params: &[(String, i128)],
    sizes: Vec<Option<i128>>,
) -> Agreement {
    let named = description.publics.iter().zip(sizes);
    let sizes = named.filter(|(public, _)| public.is_size());
    let fixed = description.publics.iter();
    let fixed = fixed.filter(|public| matches!(public.origin, Origin::Fixed(_)));
    Agreement {
        protocol: PROTOCOL,
        language: description.language.to_owned(),
        script: (description.name.to_owned(), description.script),
        scheme: (description.scheme.0.to_owned(), description.scheme.1),
        program: description.program,
        purpose,
        parties: description
            .parties
            .iter()
            .map(|p| (*p).to_owned())
            .collect(),
        params: params.to_vec(),
        fixed: fixed.map(|public| public.name.to_owned()).collect(),
        sizes: sizes
            .map(|(public, value)| (public.name.to_owned(), value))
            .collect(),
    }
}

/// The digest of what was agreed on, but for the purpose.
fn agreed(agreement: &Agreement, sizes: &[i128]) -> [u8; 32] {
    let names = agreement.sizes.iter().map(|(name, _)| name.clone());
    let sizes = names.zip(sizes.iter().map(|size| Some(*size)));
    let whole = Agreement {
        purpose: String::new(),
        // Files may be named differently at each party.
        script: (String::new(), agreement.script.1),
        sizes: sizes.collect(),
        ..agreement.clone()
    };
    let hello = net::hello::Hello {
        from: 0,
        to: 0,
        agreement: whole,
    };
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, &hello.encode()).as_ref());
    bytes
}

/// Prepared material has a digest of what it was prepared for; what it is needed for can be listed.
fn otherwise(description: &Description<'_>, publics: &[i128]) -> String {
    let named = description.publics.iter().zip(publics);
    let named = named.map(|(public, value)| match public.origin {
        Origin::Fixed(_) => format!("{} = {}", public.name, crate::number::decimal(*value)),
        _ => format!("{} = {value}", public.name),
    });
    let named: Vec<String> = named.collect();
    let values = match named.is_empty() {
        true => String::new(),
        false => format!(" with {}", named.join(", ")),
    };
    format!(
        "the material was prepared for another script, scheme, parameter or size than this run's: {} under {}{values}",
        description.name, description.scheme.0
    )
}

fn used(message: String) -> Failure {
    Failure {
        code: USED,
        ..Failure::setup(message)
    }
}

fn unconnected(error: &NetError) -> Stop {
    let mut stop = Stop::failed(Failure {
        code: error.code(),
        consequence: error.is_consequence(),
        ..Failure::setup(error.message())
    });
    if error.is_own() {
        stop.exit = 2;
    }
    if interrupt::asked() {
        stop.exit = interrupt::EXIT;
    }
    stop
}

fn connect(
    me: usize,
    peers: &Peers,
    options: &Options,
    agreement: &Agreement,
    times: &mut Times,
) -> Result<(NetChannel, Vec<i128>), Stop> {
    let begun = Instant::now();
    let aborter = Aborter::default();
    interrupt::watch(&aborter);
    let own = net::Options {
        connect_timeout: options.wait,
        idle_timeout: options.timeout,
        message_timeout: options.limit,
        listen: options.listen.clone(),
        aborter,
        ..net::Options::default()
    };
    let key = options.key.clone();
    let key = key.unwrap_or_else(|| peers.default_key(&options.name));
    let mut awaited: Option<(Vec<String>, Option<String>)> = None;
    let mut progress = |progress: Progress| {
        // What happened the transport says itself; here is what did not happen yet, told when it
        // changes.
        let Progress::Waiting { peers, reason } = progress else {
            return;
        };
        let now = Some((peers, reason));
        if awaited != now {
            if let Some((peers, reason)) = &now {
                let reason = reason.as_deref().unwrap_or("not there yet");
                tracing::info!(peers = %peers.join(", "), %reason, "waiting");
            }
            awaited = now;
        }
    };
    let connected = net::connect(me, peers, &key, agreement, &own, &mut progress);
    times.connect = begun.elapsed();
    connected.map_err(|error| unconnected(&error))
}

/// Runs on a thread with room for deep recursion; a panic there is an error here.
fn apart<T: Send>(
    name: &str,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        match thread {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(Failure::setup("the endpoint stopped unexpectedly"))),
            Err(_) => Err(Failure::setup("the system starts no more threads")),
        }
    })
}

/// The connection to all peers, which are told how this party ended whichever way that is.
struct Link(Option<NetChannel>);

impl Link {
    fn new(channel: NetChannel) -> Self {
        Self(Some(channel))
    }

    fn channel(&mut self) -> Result<&mut NetChannel, Stop> {
        let ended = || Stop::failed(Failure::setup("the connection has ended"));
        self.0.as_mut().ok_or_else(ended)
    }

    /// Tells the peers that this party failed: the code and the place, nothing else.
    fn end(&mut self, mut stop: Stop) -> Stop {
        if interrupt::asked() {
            stop.exit = interrupt::EXIT;
        }
        if let Some(channel) = self.0.take() {
            let place = stop.place().to_owned();
            channel.fail(stop.code(), &place);
        }
        stop
    }

    fn settle(&mut self) -> Result<(), Stop> {
        let settled = self.channel()?.settle();
        settled.map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message.push_str(", after this party's last round");
            self.end(Stop::failed(failure))
        })
    }

    fn close(mut self) -> Result<(), Stop> {
        match self.0.take() {
            // Every peer has said that it is done; whether its farewell comes changes nothing.
            Some(channel) => {
                if let Err(error) = channel.close() {
                    tracing::warn!(%error, "a peer did not take its leave");
                }
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(channel) = self.0.take() {
            channel.fail("I32", "");
        }
    }
}
