//! Rust types of what goes in and comes out.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use smpc_ir::Size;
use smpc_ir::local::Source;
use smpc_ir::party::{Block, Op, Party, PartySet, Program};
use smpc_ir::share::Type;

/// The Rust type of one element.
pub(crate) fn scalar(ty: Type, text: bool, ring_bits: u8) -> TokenStream {
    match ty {
        Type::Int if ring_bits <= 64 => quote!(i64),
        Type::Int => quote!(i128),
        Type::Fix(_) => quote!(f64),
        Type::Bits(_) if text => quote!(String),
        Type::Bits(1) => quote!(bool),
        Type::Bits(..=64) => quote!(u64),
        Type::Bits(_) => quote!(u128),
    }
}

/// The Rust type of elements along so many axes.
pub(crate) fn values(scalar: &TokenStream, rank: usize) -> TokenStream {
    match rank {
        0 => scalar.clone(),
        1 => quote!(Vec<#scalar>),
        _ => quote!(Array<#scalar>),
    }
}

/// A type of the script, as the runtime's description of inputs has it.
pub(crate) fn script_type(ty: Type) -> TokenStream {
    let bits = |n: u8| Literal::u8_unsuffixed(n);
    match ty {
        Type::Int => quote!(Int),
        Type::Fix(f) => {
            let f = bits(f);
            quote!(Fix(#f))
        }
        Type::Bits(m) => {
            let m = bits(m);
            quote!(Bits(#m))
        }
    }
}

/// An output, with all the places where it is handed out.
pub(crate) struct Told {
    pub name: String,
    pub field: Option<u16>,
    /// The member's name.
    pub label: String,
    pub ty: Type,
    pub text: bool,
    places: Vec<Place>,
}

/// Where an output is handed out.
struct Place {
    /// Who is told.
    to: PartySet,
    /// Whether a run passes here exactly once.
    once: bool,
    shape: Vec<Size>,
    source: Source,
}

/// An output as one party sees it.
pub(crate) struct Seen<'a> {
    /// Its Rust type.
    pub rust: TokenStream,
    /// Whether the party is told exactly once.
    pub once: bool,
    /// The dimensions, where they are the same in all places.
    pub shape: Option<&'a [Size]>,
    /// The first place.
    pub source: Source,
}

impl Told {
    /// As a party sees it, if the party is told.
    pub fn seen(&self, party: Party, ring_bits: u8) -> Option<Seen<'_>> {
        let mut own = self.places.iter().filter(|place| place.to.contains(party));
        let first = own.next()?;
        let (mut once, mut same, mut rank) = (first.once, true, Some(first.shape.len()));
        for other in own {
            once = false;
            same &= other.shape == first.shape;
            rank = rank.filter(|rank| *rank == other.shape.len());
        }
        // An array has any number of axes.
        let one = values(&scalar(self.ty, self.text, ring_bits), rank.unwrap_or(2));
        Some(Seen {
            rust: if once { one } else { quote!(Vec<#one>) },
            once,
            shape: same.then_some(&first.shape),
            source: first.source,
        })
    }
}

/// Every output of a program.
pub(crate) fn told(program: &Program) -> Vec<Told> {
    let mut all = vec![];
    walk(program, &program.body, true, &mut all);
    all
}

fn walk(program: &Program, block: &Block, once: bool, all: &mut Vec<Told>) {
    for step in &block.steps {
        match &step.op {
            Op::Output {
                name,
                field,
                label,
                show,
                text,
                ..
            } => {
                let value = step.args.first();
                let Some(info) = value.and_then(|v| program.values.get(v.0 as usize)) else {
                    continue;
                };
                let place = Place {
                    to: info.known_to,
                    once,
                    shape: info.shape.clone(),
                    source: step.source,
                };
                let field = field.map(|(at, _)| at);
                let known = all
                    .iter_mut()
                    .find(|o: &&mut Told| o.name == *name && o.field == field);
                match known {
                    Some(known) => known.places.push(place),
                    None => all.push(Told {
                        name: name.clone(),
                        field,
                        label: label.clone(),
                        ty: *show,
                        text: *text,
                        places: vec![place],
                    }),
                }
            }
            Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                walk(program, body, false, all);
            }
            Op::While {
                condition, body, ..
            } => {
                walk(program, condition, false, all);
                walk(program, body, false, all);
            }
            Op::Switch { arms } => arms.iter().for_each(|arm| walk(program, arm, false, all)),
            _ => {}
        }
    }
}
