//! What holds at a place of the script: loops around it have a turn, conditions of arms hold, assertions held.

use std::collections::HashMap;
use std::rc::Rc;

use smpc_ir::share::Value;
use smpc_ir::size::{Size, SizeVar};

use crate::build::Elab;
use crate::value::Leaf;

/// A condition about sizes.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// It is not below zero.
    NotNegative(Size),
    /// It is zero.
    Zero(Size),
    /// What nothing is known of.
    Open,
    /// Both hold.
    Both(Rc<(Known, Known)>),
    /// It does not hold.
    Not(Rc<Known>),
}

impl Known {
    fn not(self) -> Self {
        match self {
            Self::Not(inner) => (*inner).clone(),
            other => Self::Not(Rc::new(other)),
        }
    }

    fn both(self, other: Self) -> Self {
        Self::Both(Rc::new((self, other)))
    }

    /// Whether it holds for these values, as far as they tell.
    fn holds(&self, at: &dyn Fn(SizeVar) -> Option<i128>) -> Option<bool> {
        match self {
            Self::NotNegative(size) => Some(size.evaluate(at).ok()? >= 0),
            Self::Zero(size) => Some(size.evaluate(at).ok()? == 0),
            Self::Open => None,
            Self::Both(both) => match (both.0.holds(at), both.1.holds(at)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (a, b) => Some(a? && b?),
            },
            Self::Not(inner) => inner.holds(at).map(|holds| !holds),
        }
    }
}

/// A counter of a loop: the index is `start` and this.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    pub start: Size,
    /// How often the loop runs.
    pub count: Size,
}

/// What is known where the elaboration is.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    known: Vec<Known>,
    /// How much of it is known around each open block.
    around: Vec<usize>,
    /// What the values of conditions say.
    tests: HashMap<Value, Known>,
}

impl Facts {
    /// A block begins.
    pub fn open(&mut self) {
        self.around.push(self.known.len());
    }

    /// A block ends: what was asserted in it may not have been carried out.
    pub fn close(&mut self) {
        if let Some(around) = self.around.pop() {
            self.known.truncate(around);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Back to where so much was known, and there were so many values.
    pub fn restore(&mut self, len: usize, values: usize) {
        self.known.truncate(len);
        self.tests.retain(|test, _| (test.0 as usize) < values);
    }
}

impl Elab<'_> {
    /// Takes something for granted until the innermost block ends.
    pub fn suppose(&mut self, known: Known) {
        self.facts.known.push(known);
    }

    /// As [`Self::suppose`], of a condition that a value is, or is not.
    pub fn suppose_value(&mut self, value: Value, holds: bool) {
        if let Some(known) = self.facts.tests.get(&value).cloned() {
            self.suppose(if holds { known } else { known.not() });
        }
    }

    /// In the body of a loop of so many turns there is one.
    pub fn suppose_turn(&mut self, count: &Size) {
        self.suppose(Known::NotNegative(count - &Size::one()));
    }

    /// Whether nothing that is known speaks against these values.
    pub fn possible(&self, at: &dyn Fn(SizeVar) -> Option<i128>) -> bool {
        let at = |var: SizeVar| match self.equal.is_empty() {
            true => at(var),
            false => self.canon(&Size::from(var)).evaluate(at).ok(),
        };
        let mut known = self.facts.known.iter();
        known.all(|known| known.holds(&at) != Some(false))
    }

    /// The result of a comparison of two sizes, of which is kept what it says: `left < right`, or that they are equal.
    pub fn noted_comparison(
        &mut self,
        result: Leaf,
        less: bool,
        left: &Leaf,
        right: &Leaf,
    ) -> Leaf {
        if let (Some(value), Some(a), Some(b)) =
            (result.as_value(), left.as_size(), right.as_size())
        {
            let difference = b - a;
            let known = match less {
                true => Known::NotNegative(&difference - &Size::one()),
                false => Known::Zero(difference),
            };
            self.facts.tests.insert(value, known);
        }
        result
    }

    /// The contrary of a condition, of which is kept that it is that.
    pub fn noted_contrary(&mut self, result: Leaf, of: &Leaf) -> Leaf {
        if let (Some(value), Some(known)) = (result.as_value(), self.known_of(of)) {
            self.facts.tests.insert(value, known.not());
        }
        result
    }

    /// Whether both of two conditions hold, or one of them, of which is kept that it is that.
    pub fn noted_joined(&mut self, result: Leaf, or: bool, left: &Leaf, right: &Leaf) -> Leaf {
        let (a, b) = (self.known_of(left), self.known_of(right));
        if let Some(value) = result.as_value()
            && (a.is_some() || b.is_some())
        {
            let (a, b) = (a.unwrap_or(Known::Open), b.unwrap_or(Known::Open));
            let joined = match or {
                true => a.not().both(b.not()).not(),
                false => a.both(b),
            };
            self.facts.tests.insert(value, joined);
        }
        result
    }

    /// What a condition says.
    fn known_of(&self, leaf: &Leaf) -> Option<Known> {
        self.facts.tests.get(&leaf.as_value()?).cloned()
    }

    /// A size in the script's words: an index stands for where its loop begins and its counter.
    pub fn show_index(&self, size: &Size) -> String {
        self.show(&self.in_indices(size, 0))
    }

    fn in_indices(&self, size: &Size, depth: u32) -> Size {
        size.substitute(&|var| {
            let counter = self.counters.get(&var).filter(|_| depth < 8)?;
            let start = self.in_indices(&counter.start, depth + 1);
            Some(&Size::from(var) - &start)
        })
    }
}
