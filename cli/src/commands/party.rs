//! `smpc party`: one party of a script, connected to the others.

use crate::Answer;
use crate::args::{Connection, Party};
use crate::peer::{Described, Interpreted};
use crate::problem::{Exit, Failure, Problem};
use crate::written;
use smpc_driver::{Compiled, Roster, compile};
use smpc_grammar::Sources;
use smpc_runtime::command::Stop;
use smpc_runtime::net::Peers;
use smpc_runtime::party::{self, Options};
use smpc_runtime::report;

/// Runs one party. A failure beside the answer came behind a run that went well.
///
/// # Errors
/// Errors of the script, of this party's files, of the peers, or of the run.
pub fn party(sources: &mut Sources, args: &Party) -> Result<(Answer, Option<Failure>), Failure> {
    if args.values {
        let problem = Problem::plain("I16", "a party shows no shares and no messages")
            .help("`smpc trace --values` shows those of a simulated run");
        return Err(Failure::one(Exit::Usage, problem));
    }
    let (compiled, mut options) = connected(sources, &args.connection)?;
    options.outputs.clone_from(&args.outputs);
    options.format = args.format;
    options.seed = args.seed;
    options.metrics.clone_from(&args.metrics);
    options.prepared.clone_from(&args.prepared);
    let program = &compiled.bound.program;
    let described = Described::of(program, compiled.identity(sources));
    let interpreted = Interpreted::of(program.validated(), sources);
    let part =
        |me, channel: &mut dyn smpc_runtime::channel::Channel, publics: &[i128], inputs, seed| {
            interpreted.part(me, channel, publics, inputs, seed)
        };
    let done = described.with(|description| party::run(description, &options, &part));
    let done = done.map_err(|stop| interpreted.stopped(stop))?;
    let outputs = described.with(|description| description.gathered(&[(done.me, &done.outputs)]));
    let answer = report::Answer {
        party: &options.name,
        outputs: &outputs,
        scheme: &compiled.bound.backend,
        parties: program.parties.len(),
        account: &done.account,
        prepared: options.prepared.is_some(),
        seconds: done.seconds,
    };
    let unmeasured = done.unmeasured.map(Stop::unmeasured);
    let unmeasured = unmeasured.map(|stop| interpreted.stopped(stop));
    let answer = Answer {
        exit: 0,
        text: answer.text(),
        json: answer.json(),
    };
    Ok((answer, unmeasured))
}

/// The script for the parties that the peers' file names, and the options of one of them.
pub fn connected(sources: &mut Sources, args: &Connection) -> Result<(Compiled, Options), Failure> {
    let peers = Peers::read(&args.peers).map_err(|error| {
        let path = args.peers.display().to_string();
        Failure::one(
            Exit::Usage,
            Problem::file(error.code(), error.message(), path),
        )
    })?;
    let binding = smpc_driver::Binding {
        roster: Some(Roster {
            names: peers.names().map(str::to_owned).collect(),
            place: args.peers.display().to_string(),
        }),
        ..args.script.binding.options()
    };
    let compiled = compile(sources, &args.script.file, &binding)?;
    // The peers' file has said how many members a family has.
    let counts = &compiled.script.family_sizes;
    let set = binding
        .set
        .iter()
        .filter(|(name, _)| !counts.contains(name));
    let options = Options {
        name: args.name.clone(),
        peers: args.peers.clone(),
        key: args.key.clone(),
        listen: args.listen.clone(),
        inputs: compiled.script.folder.clone(),
        set: set.cloned().collect(),
        wait: args.wait,
        timeout: args.timeout,
        limit: args.limit,
        log: args.log,
        store: args.store.clone(),
        reads: written::reads(sources),
        ..Options::default()
    };
    Ok((compiled, options))
}
