//! Keys of the pseudorandom streams that sets of parties share.

use std::collections::HashMap;

use smpc_ir::party::{Party, PartySet};
use smpc_runtime::channel::{Channel, ChannelError};
use smpc_runtime::prg::{Seed, Stream};

use crate::{Observer, Phase, Sent};

/// Bytes of a key.
const KEY: usize = 16;

/// Where an endpoint's own randomness comes from.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The operating system.
    System,
    /// A run that can be repeated: the user's seed.
    Seeded(u64),
}

impl Identity {
    /// The endpoint's own key. Under a seed it is derived from the seed and the party.
    fn own(&self, party: Party, channel: &mut dyn Channel) -> Result<Seed, getrandom::Error> {
        match self {
            Self::System => match channel.own_key() {
                Some(key) => Ok(key),
                None => Seed::from_system(),
            },
            Self::Seeded(seed) => {
                let mut bytes = [0; KEY];
                bytes[..8].copy_from_slice(&seed.to_le_bytes());
                Ok(Seed::from_bytes(bytes).derive(u64::from(party.0)))
            }
        }
    }
}

/// What can go wrong before the first step.
pub(crate) enum KeyError {
    System,
    Channel(ChannelError),
}

/// Agrees on the key of every set this party is in: the lowest member draws it and sends it to
/// the others. Gives the streams and the bytes sent.
pub(crate) fn agree(
    sets: &[PartySet],
    me: Party,
    identity: &Identity,
    channel: &mut dyn Channel,
    observer: Option<&dyn Observer>,
) -> Result<(HashMap<PartySet, Stream>, u64), KeyError> {
    let own = identity.own(me, channel).map_err(|_| KeyError::System)?;
    let mut draws = Stream::new(&own);
    let mut streams = HashMap::new();
    let mut sent = 0;
    for set in sets.iter().filter(|set| set.contains(me)) {
        let Some(dealer) = set.iter().next() else {
            continue;
        };
        let mut key = [0; KEY];
        if dealer == me {
            let mut words = [0; 2];
            let start = draws.reserve(2).ok_or(KeyError::System)?;
            draws.fill(start, &mut words);
            key[..8].copy_from_slice(&words[0].to_le_bytes());
            key[8..].copy_from_slice(&words[1].to_le_bytes());
            for peer in set.iter().filter(|p| *p != me) {
                channel
                    .send(usize::from(peer.0), &key)
                    .map_err(KeyError::Channel)?;
                sent += KEY as u64;
                if let Some(observer) = observer {
                    observer.message(&Sent {
                        phase: Phase::Setup,
                        round: 0,
                        from: me.0,
                        to: peer.0,
                        bytes: &key,
                        values: &[],
                        tensors: &[],
                    });
                }
            }
        } else {
            let bytes = channel
                .receive(usize::from(dealer.0), KEY)
                .map_err(KeyError::Channel)?;
            key.copy_from_slice(&bytes);
        }
        streams.insert(*set, Stream::new(&Seed::from_bytes(key)));
        zeroize::Zeroize::zeroize(&mut key);
    }
    Ok((streams, sent))
}
