//! Certificates of privacy and freshness: the substitutions that are the simulator.

use smpc_ir::party::PartySet;
use std::fmt;
use std::sync::Arc;

/// What is assumed of the shares that a protocol is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Assumption {
    /// Nothing: the components outside the coalition are any that make up the values.
    AnySharing,
    /// They are uniform among those that make up the values: `requires fresh`.
    Fresh,
}

/// What the substitutions show.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Goal {
    /// The messages that the coalition receives can be simulated.
    Privacy,
    /// The same from the clear results that clauses fix as they come out, whatever they are made of: that they are what the
    /// clauses say is a matter of correctness.
    Results,
    /// As [`Goal::Privacy`], and they tell nothing of the order in which a shuffle puts its rows: the permutation that a step draws, which
    /// the coalition does not know, is one of those that make up the order, once, and can be simulated without.
    Order {
        /// The step.
        coin: u32,
    },
    /// The components of a result outside the coalition are those of a sharing, and so many of
    /// them as the value leaves open are uniform and independent of the view and of the value.
    Freshness {
        /// Which result.
        result: u32,
        /// The components that are shown to be uniform; the others follow.
        required: Vec<u32>,
    },
    /// The messages that the coalition receives and the value of the one result can be simulated together from the
    /// values of the operands: of operands' components outside the coalition nothing else shows.
    Values,
}

/// An element of the view, or a component of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    /// The message sent by a step of the flat protocol.
    Message {
        /// Position in `Flat::steps`.
        step: u32,
    },
    /// A component of a result.
    Component {
        /// Position in `Flat::results`.
        result: u32,
        /// Which component.
        component: u32,
    },
    /// The value of a shared result, which a caller may hand on.
    Value {
        /// Position in `Flat::results`.
        result: u32,
    },
}

/// A symbol, by where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// The value of a parameter.
    Value {
        /// Position in `Flat::params`.
        param: u32,
    },
    /// A component of a shared parameter.
    Component {
        /// Position in `Flat::params`.
        param: u32,
        /// Which component.
        component: u32,
    },
    /// The coin drawn by a step.
    Coin {
        /// Position in `Flat::steps`.
        step: u32,
    },
    /// The bits of a revealed parameter beyond its value.
    Above {
        /// Position in `Flat::params`.
        param: u32,
    },
    /// The bits of a clear result beyond those that a clause fixes.
    Beyond {
        /// Position in `Flat::results`.
        result: u32,
    },
    /// A key of the scheme.
    Key {
        /// Its position among the scheme's keys.
        key: u32,
    },
    /// A component of the result of a call that is taken as an ideal box.
    Output {
        /// Position in `Flat::calls`.
        call: u32,
        /// Which component.
        component: u32,
    },
    /// The coins of such a box.
    Noise {
        /// Position in `Flat::calls`.
        call: u32,
    },
    /// A clear result that the coalition holds, given to the simulator.
    Result,
    /// The uniform value that an element of the view became.
    Uniform {
        /// Which substitution made it, counted from 0.
        number: u32,
    },
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { param } => write!(f, "x{param}"),
            Self::Component { param, component } => write!(f, "x{param}.{component}"),
            Self::Output { call, component } => write!(f, "z{call}.{component}"),
            Self::Above { param } => write!(f, "h{param}"),
            Self::Beyond { result } => write!(f, "g{result}"),
            Self::Key { key } => write!(f, "k{key}"),
            Self::Noise { call } => write!(f, "w{call}"),
            Self::Result => f.write_str("v"),
            Self::Coin { step } => write!(f, "r{step}"),
            Self::Uniform { number } => write!(f, "ρ{number}"),
        }
    }
}

/// One substitution: the element is u·coin + e with u invertible and e free of the coin; the coin
/// is replaced by u⁻¹·(ρ - e) everywhere, and the element becomes the uniform ρ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elimination {
    /// The element.
    pub element: Element,
    /// The coin.
    pub coin: Name,
    /// The replacement, for readers; nothing is concluded from it.
    pub text: String,
}

/// A message that is no news: multiples of what the coalition had computed before, added to it, leave
/// only what it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The step that sends it.
    pub step: u32,
    /// Values of the flat protocol, each with its coefficient.
    pub by: Vec<(u32, u128)>,
}

/// A message that is hidden by a mask on a range: a coin of m bits taken as a number, plus or less what is at most 2^(m-bits)
/// in magnitude under the protocol's `requires`. It can be simulated but for a distance of 2^-bits, in each element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The message.
    pub element: Element,
    /// The coin.
    pub coin: Name,
    /// How small the distance is.
    pub bits: u32,
}

/// A mask that hides less than so many bits beside what it hides is none.
pub(crate) const LEAST: u32 = 30;

/// The substitutions for one coalition and one goal, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Who is corrupt.
    pub coalition: PartySet,
    /// What is assumed of the operands.
    pub assume: Assumption,
    /// What is shown.
    pub goal: Goal,
    /// Calls taken as ideal boxes.
    pub boxes: Vec<Boxed>,
    /// Messages left out of the view.
    pub known: Vec<Known>,
    /// In order.
    pub steps: Vec<Elimination>,
    /// Messages that are left and hidden but for a small distance.
    pub ranges: Vec<Range>,
}

impl Certificate {
    /// The distance at which the view can be simulated, as the s of 2^-s for each element; none if there is no distance.
    pub fn distance(&self) -> Option<u32> {
        let least = self.ranges.iter().map(|range| range.bits).min()?;
        // So many distances of at most 2^-least.
        let count = self.ranges.len().next_power_of_two().trailing_zeros();
        Some(least.saturating_sub(count))
    }
}

/// A call taken as an ideal box, with the proof that it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boxed {
    /// Position in `Flat::calls`.
    pub call: u32,
    /// What its value is taken for.
    pub value: Valued,
    /// Of the callee, for the same coalition.
    pub proof: Arc<CalleeProof>,
}

/// What the value of an ideal box is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Valued {
    /// An unknown function of all that it is given.
    Unknown,
    /// The polynomial of its inputs that it is.
    Polynomial,
    /// An unknown function of the values of its operands.
    Operands,
}

/// What is proved of a callee by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalleeProof {
    /// It tells the coalition nothing.
    pub privacy: Certificate,
    /// Its result is a fresh sharing.
    pub freshness: Certificate,
    /// The callee as a protocol of its operands: what it tells, with its value, is a matter of their values.
    pub values: Option<Certificate>,
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for boxed in &self.boxes {
            writeln!(f, "call {} is an ideal box", boxed.call)?;
        }
        for known in &self.known {
            writeln!(f, "message {} is no news", known.step)?;
        }
        for step in &self.steps {
            match step.element {
                Element::Message { step: at } => write!(f, "message {at}")?,
                Element::Value { result } => write!(f, "value of result {result}")?,
                Element::Component { result, component } => {
                    write!(f, "result {result}, component {component}")?;
                }
            }
            writeln!(f, ": {} := {}", step.coin, step.text)?;
        }
        for range in &self.ranges {
            let Element::Message { step } = range.element else {
                continue;
            };
            writeln!(
                f,
                "message {step}: hidden by {} but for 2^-{}",
                range.coin, range.bits
            )?;
        }
        Ok(())
    }
}
