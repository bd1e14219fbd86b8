//! The offline part of a run ahead of time, kept for a run that uses it up.

use std::path::Path;

use ring::digest::{Context, SHA256};

use super::metrics::Times;
use super::prepared::{self, Belongs, Recording, SESSION, Session, StorageKey, Writer};
use super::{Link, Options, agreed, agreement, apart, connect, log, who};
use crate::channel::{Channel, ChannelError};
use crate::command::{Description, Part, Stop};
use crate::endpoint::{Account, Failure};

/// Bytes that each party adds to the session's number.
const SHARE: usize = 32;

/// Prepares one party: carries out `part`, which is to exchange the offline messages of the program
/// and nothing else, and keeps what comes in a file. `sizes` are those of a run to come, as far as
/// this party knows them beside those of its inputs.
///
/// # Errors
/// Its own files, the peers, or the run. No file is written then.
pub fn prepare(
    description: &Description<'_>,
    options: &Options,
    sizes: &[(String, i128)],
    file: &Path,
    part: &Part<'_>,
) -> Result<(Account, Session), Stop> {
    log::start(options.log);
    let (me, peers) = who(description, options)?;
    prepared::vacant(file)?;
    let key = StorageKey::read(&options.store()).map_err(Stop::failed)?;
    let params = description.params(&options.set)?;
    description.knows(sizes.iter().map(|(name, _)| name.as_str()))?;
    let mut known = Vec::with_capacity(description.publics.len());
    for public in description.publics {
        let given = sizes.iter().rev().find(|(name, _)| name == public.name);
        known.push(given.map(|(_, value)| *value));
    }
    let own = description.inputs.iter().filter(|input| input.party == me);
    let open = own
        .flat_map(|input| input.axes.iter().flatten())
        .any(|at| known.get(*at).is_some_and(Option::is_none));
    if open {
        // The lengths of this party's inputs are all that is looked at.
        let inputs = description.read(&options.inputs, Some(me))?;
        for (slot, found) in known.iter_mut().zip(description.sizes(&inputs)?) {
            *slot = slot.or(found);
        }
    }
    let agreement = agreement(description, "prepare".to_owned(), &params, known);
    let mut times = Times::default();
    let (channel, sizes) = connect(me, &peers, options, &agreement, &mut times)?;
    let publics: Vec<i128> = sizes
        .iter()
        .copied()
        .chain(params.iter().map(|(_, value)| *value))
        .collect();
    let mut link = Link::new(channel);
    let agreed = agreed(&agreement, &sizes);
    let parties = description.parties.len();
    let session = session(link.channel()?, me, parties, &agreed)
        .map_err(|failure| link.end(Stop::failed(failure)))?;
    let belongs = Belongs {
        party: options.name.clone(),
        agreement: agreed,
        session,
    };
    let writer =
        Writer::create(file, &key, &belongs).map_err(|failure| link.end(Stop::failed(failure)))?;
    let (done, writer, unwritten) = {
        let mut recording = Recording::new(link.channel()?, writer);
        let done = apart(&options.name, || {
            part(me, &mut recording, &publics, vec![], None)
        });
        let (writer, unwritten) = recording.into_writer();
        (done, writer, unwritten)
    };
    if let Some(error) = unwritten {
        let failure = prepared::unwritten(file, &error);
        return Err(link.end(Stop::failed(failure)));
    }
    let (_, account) = done.map_err(|failure| link.end(Stop::failed(failure)))?;
    let complete = writer
        .complete()
        .map_err(|failure| link.end(Stop::failed(failure)))?;
    link.settle()?;
    complete
        .commit()
        .map_err(|failure| link.end(Stop::failed(failure)))?;
    tracing::info!(offline_bytes = account.offline_bytes, "prepared");
    link.close()?;
    Ok((account, session))
}

/// Draws the session's number together: nobody can make two preparations have the same one.
fn session(
    channel: &mut dyn Channel,
    me: usize,
    parties: usize,
    agreed: &[u8; 32],
) -> Result<Session, Failure> {
    let mut own = [0; SHARE];
    getrandom::fill(&mut own)
        .map_err(|_| Failure::setup("the operating system gave no randomness"))?;
    let others = (0..parties).filter(|peer| *peer != me);
    for peer in others {
        channel.send(peer, &own)?;
    }
    let mut hash = Context::new(&SHA256);
    hash.update(agreed);
    for peer in 0..parties {
        if peer == me {
            hash.update(&own);
        } else {
            let share: Result<Vec<u8>, ChannelError> = channel.receive(peer, SHARE);
            hash.update(&share?);
        }
    }
    let mut session = [0; SESSION];
    let digest = hash.finish();
    session.copy_from_slice(digest.as_ref().get(..SESSION).unwrap_or(&[0; SESSION]));
    Ok(session)
}
