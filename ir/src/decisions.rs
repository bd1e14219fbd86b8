//! What a text decides by numbers known in advance while it is made flat, and whether a width is among them.

use crate::local::Source;
use std::collections::BTreeSet;

/// How something came out at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A condition; whether an operand has the width that a signature writes.
    Is(bool),
    /// Whether a number is 0.
    Zero(bool),
    /// Whether a division leaves nothing.
    Exact(bool),
    /// A remainder.
    Rest(i128),
    /// How many turns a loop has: 0, 1, or 2 for more.
    Turns(u8),
    /// A component, a party, or a member of a family outside of loops.
    At(i128),
    /// The text that is called.
    Calls(Source),
}

/// What one protocol, with all that it calls, has decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Whether it read a width otherwise than to say how long elements are. If it did not, it is the same text at every width, and
    /// nothing in `made` depends on one.
    pub widths: bool,
    /// Each outcome at each place, once however often it came.
    pub made: BTreeSet<(Source, Outcome)>,
}

impl Decisions {
    /// Adds those of a part.
    pub fn extend(&mut self, part: Self) {
        self.widths |= part.widths;
        self.made.extend(part.made);
    }

    /// Whether every condition that came out some way here came out that way there, too, and every call is of the same text.
    pub fn within(&self, other: &Self) -> bool {
        let branches = |outcome: &Outcome| matches!(outcome, Outcome::Is(_) | Outcome::Calls(_));
        let mut own = self.made.iter().filter(|(_, outcome)| branches(outcome));
        own.all(|decision| other.made.contains(decision))
    }
}
