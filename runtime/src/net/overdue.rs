//! How long a party waits for a peer that lives, and which of them it is that the run stands still for.
//!
//! Heartbeats come from a thread of their own, so a peer that lives may yet never send what is due. With each goes how
//! many messages the peer has sent and taken out so far, and whom it waits for itself ([`Standing`]). So a party that
//! only waits for a result need not give up while others compute it, and of parties that wait for one another in a row
//! the last is named. What a peer says of itself never prolongs the wait for that peer: only what the others say does.

use std::time::{Duration, Instant};

use super::state::{Peer, Shared, State};
use crate::channel::{Due, Fault};

/// What this party waits for, or would if it were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// The next message of a peer.
    Message(usize),
    /// That a peer takes messages out, so that one more may go.
    Room(usize),
    /// That every peer is ready to hand out.
    Settled,
    /// That every peer has said its last.
    Done,
}

/// A wait that has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    what: Awaited,
    since: Instant,
    /// When the user was told last.
    told: Instant,
}

/// What a party says of itself with a sign of life: how many messages it has sent and taken out, and for whom it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub steps: u64,
    pub waits_for: Option<usize>,
}

impl Standing {
    pub fn encode(self) -> Vec<u8> {
        let peer = self.waits_for.and_then(|peer| u16::try_from(peer).ok());
        let mut bytes = self.steps.to_le_bytes().to_vec();
        bytes.extend(peer.unwrap_or(u16::MAX).to_le_bytes());
        bytes
    }

    /// None if it is none; nothing at all is a sign of life and no more.
    pub fn decode(bytes: &[u8]) -> Option<Option<Self>> {
        if bytes.is_empty() {
            return Some(None);
        }
        let (steps, rest) = bytes.split_first_chunk()?;
        let peer: [u8; 2] = rest.try_into().ok()?;
        let peer = Some(u16::from_le_bytes(peer)).filter(|peer| *peer != u16::MAX);
        Some(Some(Self {
            steps: u64::from_le_bytes(*steps),
            waits_for: peer.map(usize::from),
        }))
    }
}

impl State {
    /// The wait for this begins, if it has not yet.
    pub fn begin(&mut self, what: Awaited) {
        if self.wait.is_none_or(|wait| wait.what != what) {
            let since = Instant::now();
            self.wait = Some(Wait {
                what,
                since,
                told: since,
            });
        }
    }

    /// What this party says of itself.
    pub fn standing(&self) -> Standing {
        let waits_for = self.wait.and_then(|wait| match wait.what {
            Awaited::Message(peer) | Awaited::Room(peer) => Some(peer),
            Awaited::Settled | Awaited::Done => None,
        });
        let steps = self.peers.iter().map(|peer| peer.taken() + peer.sent());
        Standing {
            steps: steps.fold(0, u64::wrapping_add),
            waits_for,
        }
    }

    fn awaited(&self, me: usize, what: Awaited) -> impl Iterator<Item = usize> {
        let peers = self.peers.iter().enumerate();
        peers.filter_map(move |(at, peer)| {
            let open = match what {
                Awaited::Message(peer) | Awaited::Room(peer) => at == peer,
                Awaited::Settled => at != me && !peer.settled,
                Awaited::Done => at != me && !peer.done,
            };
            open.then_some(at)
        })
    }

    /// The peer that was waited for too long, while no other one went on either.
    pub fn overdue(&self, shared: &Shared) -> Option<(usize, Fault)> {
        let wait = self.wait?;
        if wait.since.elapsed() <= shared.limit {
            return None;
        }
        self.awaited(shared.me, wait.what).find_map(|due| {
            let others = self.peers.iter().enumerate();
            let others = others.filter(|(at, _)| *at != due);
            let moved = others.filter_map(|(_, peer)| peer.moved).max();
            let idle = moved.map_or(wait.since, |moved| moved.max(wait.since));
            let idle = idle.elapsed();
            (idle > shared.limit).then(|| self.blamed(shared, due, wait.what, idle))
        })
    }

    /// The last in the row of those that wait for one another.
    fn blamed(&self, shared: &Shared, due: usize, what: Awaited, idle: Duration) -> (usize, Fault) {
        let last = self.last_in_row(shared.me, due);
        let fault = Fault::Overdue {
            seconds: idle.as_secs(),
            due: match what {
                Awaited::Message(_) => Due::Message,
                Awaited::Room(_) => Due::Room,
                Awaited::Settled | Awaited::Done => Due::End,
            },
            through: (last != due).then(|| shared.names[due].clone()),
        };
        (last, fault)
    }

    fn last_in_row(&self, me: usize, due: usize) -> usize {
        let mut last = due;
        for _ in &self.peers {
            match self.peers.get(last).and_then(|peer| peer.waits_for) {
                Some(next) if next != me && next < self.peers.len() => last = next,
                // Whoever waits for this party, or for nobody, is the last.
                _ => return last,
            }
        }
        // They go round in a circle, which is not so.
        due
    }

    /// What the user is told while this party waits, now and then.
    pub fn reminder(&mut self, shared: &Shared) -> Option<String> {
        let me = shared.me;
        let Wait { what, told, .. } = self.wait?;
        if told.elapsed() < shared.idle {
            return None;
        }
        if let Some(wait) = &mut self.wait {
            wait.told = Instant::now();
        }
        let named = |at: usize| shared.names[at].clone();
        let awaited: Vec<String> = self.awaited(me, what).map(named).collect();
        let names = awaited.join(", ");
        Some(match what {
            Awaited::Settled | Awaited::Done => {
                format!("still waiting for {names}, after this party's last round")
            }
            Awaited::Message(peer) | Awaited::Room(peer) => {
                let mut text = format!("still waiting for {names}{}", shared.place());
                let last = self.last_in_row(me, peer);
                if last != peer {
                    text.push_str(&format!("; it waits for {}", named(last)));
                }
                text
            }
        })
    }
}

impl Peer {
    /// A message came of the peer, or what it says of itself.
    pub fn moves(&mut self, told: Option<Standing>) {
        let now = Some(Instant::now());
        match told {
            None => {
                self.waits_for = None;
                self.moved = now;
            }
            Some(Standing { steps, waits_for }) => {
                self.waits_for = waits_for;
                if self.steps.replace(steps) != Some(steps) {
                    self.moved = now;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_standing_survives(steps: u64, peer in proptest::option::of(0usize..65_535)) {
            let standing = Standing { steps, waits_for: peer };
            prop_assert_eq!(Standing::decode(&standing.encode()), Some(Some(standing)));
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            if let Some(Some(standing)) = Standing::decode(&bytes) {
                prop_assert_eq!(standing.encode(), bytes);
            }
        }
    }
}
