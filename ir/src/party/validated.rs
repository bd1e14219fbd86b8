//! Programs that keep the rules, and the rule that one breaks.

use std::fmt;
use std::ops::Deref;

use super::{Program, validate};
use crate::local::Source;

/// A program that keeps every invariant of [`super`]. Consumers ask for this type.
#[derive(Clone, Copy, Debug)]
pub struct Validated<'a>(pub(super) &'a Program);

impl<'a> Validated<'a> {
    /// The program.
    pub fn program(self) -> &'a Program {
        self.0
    }
}

/// The same, with the program of its own: once checked, whoever has it need not check it again.
#[derive(Clone, Debug)]
pub struct Sound(Program);

impl Sound {
    /// Checks the program.
    ///
    /// # Errors
    /// As [`validate`].
    pub fn new(program: Program) -> Result<Self, Invalid> {
        validate(&program)?;
        Ok(Self(program))
    }

    /// What consumers ask for.
    pub fn validated(&self) -> Validated<'_> {
        Validated(&self.0)
    }
}

impl Deref for Sound {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.0
    }
}

/// A broken invariant: a bug of the pass that built the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The step's place in the script.
    pub source: Source,
    /// The rule, in words.
    pub rule: &'static str,
    /// The step's operation and types.
    pub step: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid party program at byte {}: {}",
            self.source.start, self.rule
        )?;
        if self.step.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.step)
        }
    }
}

impl std::error::Error for Invalid {}
