//! Abstract values: what an expression is while it is elaborated.
//!
//! A tensor of structs is a struct of tensors, a tensor of tuples a tuple of tensors, so that every
//! leaf is one value of the share-level program. Inside a comprehension a leaf also carries the
//! *axes* it depends on; they lead its shape, in nest order, and its own dimensions follow.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use smpc_grammar::ast::{self, Span};
use smpc_ir::share::{Label, Type, Value};
use smpc_ir::size::Size;

/// An iteration axis. Ordered by nesting; axes of reduction trees come before all others, because a
/// tree runs along the first axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Axis(pub i32);

/// Where a leaf's elements come from. Nothing is emitted for the ones that need no operation yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Src {
    /// A value of the program.
    Ir(Value),
    /// A public scalar int with a symbolic value.
    Size(Size),
    /// A literal scalar that is no int, as in `Local::Constant`.
    Literal(i128),
    /// Every element is this literal.
    Fill(i128),
    /// Literals in row-major order.
    Data(Arc<[i128]>),
    /// The index of an axis, plus an offset: a public int.
    Index(Axis, Size),
}

/// How a value came to be secret: a chain of places, the latest first.
#[derive(Debug)]
pub(crate) struct Origin {
    pub span: Span,
    pub text: String,
    pub parent: Option<Rc<Origin>>,
}

/// A scalar or tensor.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub src: Src,
    pub ty: Type,
    /// Sorted.
    pub axes: Vec<Axis>,
    pub dims: Vec<Size>,
    pub label: Label,
    pub origin: Option<Rc<Origin>>,
}

impl Leaf {
    pub fn size(size: Size) -> Self {
        Self::public(Src::Size(size), Type::Int, vec![])
    }

    pub fn literal(value: i128, ty: Type) -> Self {
        match ty {
            Type::Int => Self::size(Size::from(value)),
            _ => Self::public(Src::Literal(value), ty, vec![]),
        }
    }

    pub fn public(src: Src, ty: Type, dims: Vec<Size>) -> Self {
        Self {
            src,
            ty,
            axes: vec![],
            dims,
            label: Label::Public,
            origin: None,
        }
    }

    pub fn as_size(&self) -> Option<&Size> {
        match &self.src {
            Src::Size(size) => Some(size),
            _ => None,
        }
    }

    /// A value of the program, where it is one for all elements.
    pub fn as_value(&self) -> Option<Value> {
        match &self.src {
            Src::Ir(value) if self.is_scalar() => Some(*value),
            _ => None,
        }
    }

    /// The value of a literal int or bool.
    pub fn as_constant(&self) -> Option<i128> {
        match &self.src {
            Src::Size(size) => size.as_constant(),
            Src::Literal(value) => Some(*value),
            _ => None,
        }
    }

    pub fn is_scalar(&self) -> bool {
        self.axes.is_empty() && self.dims.is_empty()
    }
}

/// A record type.
#[derive(Debug)]
pub(crate) struct StructDef {
    pub name: String,
    pub fields: Vec<(ast::Ident, ast::Type)>,
}

/// One value per index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub members: BTreeMap<Vec<i128>, Val>,
}

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    /// An error was reported; whatever is done with it is not reported again.
    Unknown,
    Unit,
    Leaf(Leaf),
    Tuple(Vec<Val>),
    Struct(Rc<StructDef>, Vec<Val>),
    Range(Box<Leaf>, Box<Leaf>),
    Family(Rc<Family>),
    /// A text literal, whose width its use decides.
    Text(String),
}

impl Val {
    /// Every leaf, in order.
    pub fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::Leaf(leaf) => vec![leaf],
            Self::Tuple(items) | Self::Struct(_, items) => {
                items.iter().flat_map(Self::leaves).collect()
            }
            Self::Family(family) => family.members.values().flat_map(Self::leaves).collect(),
            _ => vec![],
        }
    }

    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Tuple(items) | Self::Struct(_, items) => items.iter().any(Self::is_unknown),
            _ => false,
        }
    }

    /// The same structure with other leaves, in the order of [`Val::leaves`].
    pub fn rebuilt(&self, leaves: &mut dyn Iterator<Item = Leaf>) -> Self {
        let mut all = |items: &[Self]| items.iter().map(|i| i.rebuilt(leaves)).collect();
        match self {
            Self::Leaf(_) => leaves.next().map_or(Self::Unknown, Self::Leaf),
            Self::Tuple(items) => Self::Tuple(all(items)),
            Self::Struct(def, items) => Self::Struct(def.clone(), all(items)),
            Self::Family(family) => Self::Family(Rc::new(Family {
                members: family
                    .members
                    .iter()
                    .map(|(k, v)| (k.clone(), v.rebuilt(leaves)))
                    .collect(),
            })),
            other => other.clone(),
        }
    }

    /// Applies a function to every leaf; `None` makes the whole unknown.
    pub fn map(&self, f: &mut dyn FnMut(&Leaf) -> Option<Leaf>) -> Self {
        let mut failed = false;
        let leaves: Vec<Leaf> = self
            .leaves()
            .into_iter()
            .filter_map(|leaf| {
                let mapped = f(leaf);
                failed |= mapped.is_none();
                mapped
            })
            .collect();
        if failed || self.is_unknown() {
            return Self::Unknown;
        }
        self.rebuilt(&mut leaves.into_iter())
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unknown => "an unknown value",
            Self::Unit => "no value",
            Self::Leaf(_) => "a number or tensor",
            Self::Tuple(_) => "a tuple",
            Self::Struct(..) => "a struct",
            Self::Range(..) => "a range",
            Self::Family(_) => "a family",
            Self::Text(_) => "a text",
        }
    }
}
