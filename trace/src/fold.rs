//! Rounds that repeat, told once.

use crate::{Filter, Message, Phase, Recording};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A part of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node<'r> {
    /// One exchange.
    Round(Round<'r>),
    /// Exchanges that happen several times in a row, the same messages each time.
    Times {
        /// How often.
        times: u64,
        /// The number of the last exchange of the last time.
        last: u64,
        /// The first time.
        body: Vec<Node<'r>>,
    },
}

/// All messages of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round<'r> {
    /// Its phase.
    pub phase: Phase,
    /// Its number in the phase, from 0.
    pub number: u64,
    /// By sender, then receiver.
    pub messages: Vec<&'r Message>,
}

impl Node<'_> {
    /// The first exchange.
    pub fn first(&self) -> Option<&Round<'_>> {
        match self {
            Self::Round(round) => Some(round),
            Self::Times { body, .. } => body.first()?.first(),
        }
    }

    /// How many exchanges there are, repetitions counted.
    pub fn rounds(&self) -> u64 {
        match self {
            Self::Round(_) => 1,
            Self::Times { times, body, .. } => times * body.iter().map(Node::rounds).sum::<u64>(),
        }
    }
}

/// Longer repetitions are not looked for.
const LONGEST: usize = 2048;

/// The exchanges that the filter admits, in order, repetitions folded.
pub fn fold<'r>(recording: &'r Recording, filter: &Filter) -> Vec<Node<'r>> {
    let mut messages: Vec<&Message> = recording
        .messages
        .iter()
        .filter(|message| filter.admits(message))
        .collect();
    messages.sort();
    let mut rounds: Vec<Round<'r>> = vec![];
    for message in messages {
        match rounds.last_mut() {
            Some(last) if (last.phase, last.number) == (message.phase, message.round) => {
                last.messages.push(message);
            }
            _ => rounds.push(Round {
                phase: message.phase,
                number: message.round,
                messages: vec![message],
            }),
        }
    }
    // Equal exchanges get equal numbers, so that looking for repetitions compares numbers only.
    let mut known: HashMap<u64, Vec<(usize, u32)>> = HashMap::new();
    let mut kinds: Vec<u32> = vec![];
    let mut next = 0;
    for at in 0..rounds.len() {
        let same = known.entry(hash(&rounds[at])).or_default();
        let found = same
            .iter()
            .find(|(other, _)| alike(&rounds[*other], &rounds[at]));
        let kind = match found {
            Some((_, kind)) => *kind,
            None => {
                same.push((at, next));
                next += 1;
                next - 1
            }
        };
        kinds.push(kind);
    }
    nodes(&rounds, &kinds)
}

/// All of a message but its number.
fn contents(message: &Message) -> (Phase, usize, usize, u64, &[crate::Item]) {
    let Message {
        phase,
        from,
        to,
        bytes,
        items,
        ..
    } = message;
    (*phase, *from, *to, *bytes, items)
}

fn hash(round: &Round<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for message in &round.messages {
        contents(message).hash(&mut hasher);
    }
    hasher.finish()
}

fn alike(a: &Round<'_>, b: &Round<'_>) -> bool {
    let (a, b) = (a.messages.iter(), b.messages.iter());
    a.map(|m| contents(m)).eq(b.map(|m| contents(m)))
}

fn nodes<'r>(rounds: &[Round<'r>], kinds: &[u32]) -> Vec<Node<'r>> {
    let mut out = vec![];
    let mut at = 0;
    while at < rounds.len() {
        let (period, times) = repetition(&kinds[at..]);
        if times > 1 {
            let body = nodes(&rounds[at..at + period], &kinds[at..at + period]);
            let last = rounds[at + period * times - 1].number;
            let times = times as u64;
            out.push(Node::Times { times, last, body });
        } else {
            out.push(Node::Round(rounds[at].clone()));
        }
        at += period * times;
    }
    out
}

/// The length and the number of the repetitions at the start that cover most; the shortest among
/// equals. Of something that does not repeat, its first element once.
fn repetition(kinds: &[u32]) -> (usize, usize) {
    let (mut period, mut times) = (1, 1);
    for length in 1..=LONGEST.min(kinds.len() / 2) {
        // Elements that equal the one a period before them.
        let same = kinds.iter().zip(&kinds[length..]);
        let matching = same.take_while(|(a, b)| a == b).count();
        let count = 1 + matching / length;
        if count > 1 && count * length > period * times {
            (period, times) = (length, count);
        }
    }
    (period, times)
}
