//! Certificates of privacy and freshness: the substitutions that are the simulator.

use smpc_ir::party::PartySet;
use std::fmt;

/// What is assumed of the shares that a protocol is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Assumption {
    /// Nothing: the components outside the coalition are any that make up the values.
    AnySharing,
    /// They are uniform among those that make up the values: `requires fresh`.
    Fresh,
}

/// What the substitutions show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Goal {
    /// The messages that the coalition receives can be simulated.
    Privacy,
    /// The components of a result outside the coalition, but for the one that the value
    /// determines, are uniform and independent of the view and of the value.
    Freshness {
        /// Which result.
        result: u32,
        /// The component that follows from the others.
        follows: u32,
    },
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
    /// The result that is revealed to the coalition, given to the simulator.
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

/// The substitutions for one coalition and one goal, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Who is corrupt.
    pub coalition: PartySet,
    /// What is assumed of the operands.
    pub assume: Assumption,
    /// What is shown.
    pub goal: Goal,
    /// In order.
    pub steps: Vec<Elimination>,
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        Ok(())
    }
}
