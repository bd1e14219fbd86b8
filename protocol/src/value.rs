//! What names stand for while a protocol is elaborated.

use crate::build::Id;
use crate::scheme::Instance;
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::Span;
use smpc_ir::party::{Elem, Party, PartySet};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// An abstract value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A number known now: an index, k, a literal.
    Int(i128),
    Bool(bool),
    /// A public integer of the run, such as f: a scalar of `Ring(64)`.
    Scalar(Id),
    /// 2 to the power of such an integer, in whatever ring it meets.
    Power(Id),
    /// Known in the clear to some parties.
    Clear(Id),
    Share(Share),
    Tuple(Vec<Value>),
    Party(Party),
    Parties(PartySet),
    /// `{i, j}` of numbers, sorted.
    Set(Vec<i128>),
    /// The length of a tensor parameter.
    Rows,
    /// Every row of a tensor parameter at once: the index of a sum over all of them.
    Row,
    /// Its definition failed and was reported.
    Poison,
}

/// A shared value.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub instance: Rc<Instance>,
    /// Whether brackets address rows, not components.
    pub rows: bool,
    pub components: Vec<Option<Id>>,
}

/// Why something has no value: an error to report, or one reported before.
#[derive(Debug)]
pub(crate) struct Fail(pub Option<Box<Diagnostic>>);

impl From<Box<Diagnostic>> for Fail {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self(Some(diagnostic))
    }
}

impl From<Diagnostic> for Fail {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(Some(Box::new(diagnostic)))
    }
}

pub(crate) type Outcome<T> = Result<T, Fail>;

/// The names of one protocol being elaborated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// By name, then by family index; the empty index is a plain name.
    pub vars: BTreeMap<String, BTreeMap<Vec<i128>, Value>>,
    /// Loop indices, innermost last.
    pub indices: Vec<(String, i128)>,
    /// Names of element types.
    pub elems: BTreeMap<String, Elem>,
    /// Numbers the caller knows, for names that nothing here binds.
    pub inherited: BTreeMap<String, i128>,
    /// Element types of declared clear results that have no value yet.
    pub pending: BTreeMap<String, Elem>,
    /// Declared results that are several shares: of which scheme, and how many.
    pub arrays: BTreeMap<String, (Value, usize)>,
    /// Names that stand for the bound scheme: `S` of `protocol p<S: Scheme>`.
    pub schemes: Vec<String>,
    /// Inside an offline protocol or block.
    pub offline: bool,
    /// Names that types in the signature bind to widths.
    pub widths: BTreeSet<String>,
}

impl Frame {
    /// A plain name or loop index.
    pub fn get(&self, name: &str) -> Option<Value> {
        if let Some((_, value)) = self.indices.iter().rev().find(|(n, _)| n == name) {
            return Some(Value::Int(*value));
        }
        self.vars.get(name)?.get(&Vec::new()).cloned()
    }

    /// Whether a name stands for a clear value, or for a sharing with this component.
    pub fn names(&self, id: Id) -> bool {
        let mut all = self.vars.values().flat_map(BTreeMap::values);
        all.any(|value| match value {
            Value::Clear(own) => *own == id,
            Value::Share(share) => share.components.contains(&Some(id)),
            _ => false,
        })
    }

    /// Every name of a clear value, and every component that it is, stands for another one from here on.
    pub fn rename(&mut self, from: Id, to: Id) {
        for value in self.vars.values_mut().flat_map(BTreeMap::values_mut) {
            match value {
                Value::Clear(id) if *id == from => *id = to,
                Value::Share(share) => {
                    for id in share
                        .components
                        .iter_mut()
                        .flatten()
                        .filter(|id| **id == from)
                    {
                        *id = to;
                    }
                }
                _ => {}
            }
        }
    }

    pub fn set(&mut self, name: &str, index: Vec<i128>, value: Value) {
        self.vars
            .entry(name.to_owned())
            .or_default()
            .insert(index, value);
    }
}

/// A place that can be assigned or sent.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A name or a member of a family.
    Name(String, Vec<i128>, Span),
    /// A component of it, by position.
    Component(String, Vec<i128>, usize, Span),
    /// `_`.
    Nothing,
}
