//! `smpc prepare`: the offline part of a run, ahead of its inputs.

use crate::Answer;
use crate::args::Prepare;
use crate::commands::party::connected;
use crate::peer::{Described, Interpreted};
use crate::pipeline::validated;
use crate::problem::{Exit, Failure, Problem};
use serde_json::json;
use smpc_grammar::Sources;
use smpc_ir::party::NoOffline;
use smpc_runtime::channel::Channel;
use smpc_runtime::party;
use smpc_runtime::party::prepared::hex;
use smpc_runtime::show::grouped;

/// Prepares one party.
///
/// # Errors
/// Errors of the script, of this party's files, of the peers, or of the exchange; or there is
/// nothing that could be done ahead.
pub fn prepare(sources: &mut Sources, args: &Prepare) -> Result<Answer, Failure> {
    let (compiled, options) = connected(sources, &args.connection)?;
    let program = &compiled.bound.program;
    let offline = program.offline_part().map_err(|reason| {
        let problem = match reason {
            NoOffline::Empty => Problem::plain(
                "I52",
                format!(
                    "there is nothing to prepare under `{}`",
                    compiled.bound.backend
                ),
            )
            .help("only schemes with a dealer send messages that depend on no input"),
            NoOffline::Depends(source) => Problem::of_run(
                sources,
                "I52",
                "what would have to be prepared here depends on values of the run",
                source,
            )
            .help("run without `--prepared`: the dealer then sends while the run goes on"),
        };
        Failure::one(Exit::Script, problem)
    })?;
    let described = Described::of(program, compiled.identity(sources));
    let interpreted = Interpreted::of(validated(&offline)?, sources);
    let part = |me, channel: &mut dyn Channel, publics: &[i128], inputs, seed| {
        interpreted.part(me, channel, publics, inputs, seed)
    };
    let mut sizes = Vec::new();
    for (name, text) in &args.size {
        let value = text.parse::<u32>().ok().filter(|value| *value > 0);
        let value = value.ok_or_else(|| {
            let message = format!(
                "`--size {name}={text}`: expected a length from 1 to {}",
                u32::MAX
            );
            Failure::one(Exit::Usage, Problem::plain("I13", message))
        })?;
        if sizes.iter().any(|(known, _)| known == name) {
            let message = format!("`--size {name}={text}`: this size is given twice");
            return Err(Failure::one(Exit::Usage, Problem::plain("I13", message)));
        }
        sizes.push((name.clone(), i128::from(value)));
    }
    let done = described
        .with(|description| party::prepare(description, &options, &sizes, &args.output, &part));
    let (account, session) = done.map_err(|stop| interpreted.stopped(stop))?;
    let file = args.output.display().to_string();
    let session = hex(&session);
    Ok(Answer {
        exit: 0,
        text: format!(
            "wrote {file}: session {session}, {} bytes sent\n",
            grouped(account.offline_bytes)
        ),
        json: json!({
            "file": file,
            "session": session,
            "offline_bytes": account.offline_bytes,
            "setup_bytes": account.setup_bytes,
        }),
    })
}
