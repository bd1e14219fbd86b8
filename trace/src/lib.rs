//! Who sent what to whom: a recorded run as text, as JSON, as a sequence chart.
//!
//! This crate is pure: it is handed a [`Recording`] and gives text. A recording holds lengths,
//! places and names; contents are in it only if whoever recorded put them there.

mod chart;
mod fold;
mod json;
mod text;

pub use chart::svg;
pub use fold::{Node, fold};
pub use json::json;
pub use text::text;

use std::ops::RangeInclusive;

/// What a run sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The script, as the user named it.
    pub script: String,
    /// The backend.
    pub scheme: String,
    /// Names of the parties.
    pub parties: Vec<String>,
    /// How many online rounds the run had, also those in which nobody sent anything.
    pub rounds: u64,
    /// What messages are made of; several messages share one.
    pub parts: Vec<Part>,
    /// Every message, in any order.
    pub messages: Vec<Message>,
}

/// What is sent at one place of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part {
    /// The line of the script on whose behalf it is sent.
    pub line: Option<Line>,
    /// The protocol, if it is the message of one.
    pub protocol: Option<String>,
    /// The statement of the protocol that sends it, or what else it is.
    pub what: String,
}

/// A line of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line {
    /// The file's name.
    pub file: String,
    /// Counted from 1.
    pub number: usize,
    /// The line itself, without the blanks around it.
    pub text: String,
}

/// When a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Before the first step: keys of shared coins.
    Setup,
    /// Before inputs are known.
    Offline,
    /// In a round.
    Online,
}

impl Phase {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "set-up",
            Self::Offline => "offline",
            Self::Online => "online",
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Message {
    /// When.
    pub phase: Phase,
    /// The exchange of that phase, from 0.
    pub round: u64,
    /// Position of the sender.
    pub from: usize,
    /// Position of the receiver.
    pub to: usize,
    /// Length of the contents.
    pub bytes: u64,
    /// What is in it.
    pub items: Vec<Item>,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item {
    /// Position in [`Recording::parts`].
    pub part: usize,
    /// Its bytes in this message.
    pub bytes: u64,
    /// The contents, if they were asked for.
    pub values: Option<String>,
}

/// What of a recording is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// These online rounds only, counted from 1.
    pub rounds: Option<RangeInclusive<u64>>,
    /// Messages from or to one of these only; all if there are none.
    pub parties: Vec<usize>,
}

impl Filter {
    fn admits(&self, message: &Message) -> bool {
        let in_rounds = self.rounds.as_ref().is_none_or(|rounds| {
            message.phase == Phase::Online && rounds.contains(&(message.round + 1))
        });
        let of_party = self.parties.is_empty()
            || self.parties.contains(&message.from)
            || self.parties.contains(&message.to);
        in_rounds && of_party
    }

    /// Whether everything is shown.
    pub fn is_all(&self) -> bool {
        self.rounds.is_none() && self.parties.is_empty()
    }
}

/// What a party sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Online messages.
    pub messages: u64,
    /// Online bytes.
    pub bytes: u64,
    /// Offline bytes.
    pub offline_bytes: u64,
    /// Bytes of the set-up.
    pub setup_bytes: u64,
}

impl Recording {
    /// What each party sent in the whole run.
    pub fn totals(&self) -> Vec<Total> {
        let mut totals = vec![Total::default(); self.parties.len()];
        for message in &self.messages {
            let Some(total) = totals.get_mut(message.from) else {
                continue;
            };
            match message.phase {
                Phase::Setup => total.setup_bytes += message.bytes,
                Phase::Offline => total.offline_bytes += message.bytes,
                Phase::Online => {
                    total.messages += 1;
                    total.bytes += message.bytes;
                }
            }
        }
        totals
    }

    fn party(&self, at: usize) -> &str {
        self.parties.get(at).map_or("?", String::as_str)
    }

    fn part(&self, item: &Item) -> Part {
        self.parts.get(item.part).cloned().unwrap_or_default()
    }
}

/// Digits in groups of three.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 round`, `2 rounds`.
fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {what}{ending}", grouped(count))
}

#[cfg(test)]
mod tests;
