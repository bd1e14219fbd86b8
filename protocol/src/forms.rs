//! Which values the generics of a protocol get when it is looked at by itself.

use crate::bound::Bound;
use crate::call::{GenericArg, bound_name};
use crate::elaborate::plain;
use crate::value::Value;
use smpc_grammar::ast::{Function, Generic, TypeKind};
use smpc_ir::flat::Flat;
use smpc_ir::party::Party;

/// Values for the generics of one form of a protocol.
pub(crate) type Form = Vec<GenericArg>;

/// How many combinations of owners are looked at.
const COMBINATIONS: usize = 64;
/// By how many times the number of parties an index is moved to see whether it is one.
const FAR: i128 = 1_000_003;

impl Bound {
    fn outside(&self) -> Party {
        Party(self.total() as u8)
    }

    /// An owner outside and one inside.
    pub(crate) fn some_owners(&self) -> Vec<Party> {
        vec![self.outside(), Party(0)]
    }

    /// Owners of every kind: one outside and the computing parties; the first of these where there would be too many
    /// combinations. A role has its standard operations alone.
    pub(crate) fn all_owners(&self, function: &Function) -> Vec<Party> {
        let inside = (0..self.parties()).map(|at| Party(at as u8));
        let mut owners: Vec<Party> = std::iter::once(self.outside()).chain(inside).collect();
        let places = owned(function).count() as u32;
        while places > 1 && owners.len() > 2 && owners.len().pow(places) > COMBINATIONS {
            owners.pop();
        }
        owners
    }

    /// The generics to try: every combination of the owners, and each index.
    pub(crate) fn forms(&self, function: &Function, owners: &[Party]) -> Vec<Form> {
        let n = self.parties();
        let lengths = lengths(function);
        let places = owned(function).count() as u32;
        let combinations = owners.len().pow(places);
        let indexed = function.generics.iter().any(|g| is_index(g, &lengths));
        let shifts = if indexed { n } else { 1 };
        let mut forms = Vec::new();
        for shift in 0..shifts {
            for combination in 0..combinations {
                let (mut next, mut rest) = (shift, combination);
                let form = function.generics.iter().map(|generic| {
                    let name = generic.name.name.as_str();
                    if bound_name(generic) == Some("party") {
                        let owner = owners[rest % owners.len()];
                        rest /= owners.len();
                        return GenericArg::Value(Value::Party(owner));
                    }
                    if lengths.contains(&name) {
                        return GenericArg::Value(Value::Rows);
                    }
                    if is_index(generic, &lengths) {
                        next += 1;
                        return GenericArg::Value(Value::Int(((next - 1) % n) as i128));
                    }
                    GenericArg::Elem(self.carriers().elem)
                });
                forms.push(form.collect());
            }
        }
        forms
    }

    /// Why some forms are not among those that are looked at.
    pub(crate) fn unexamined(&self, function: &Function, owners: &[Party]) -> Option<String> {
        if owned(function).count() < 2 {
            return None;
        }
        Some(match owners.len() == self.parties() + 1 {
            true => "two owners outside of the scheme are not looked at: they are one and the same here".to_owned(),
            false => "not every combination of owners is looked at, nor two of them outside of the scheme".to_owned(),
        })
    }

    /// The same form with indices that are others and the same modulo the number of parties.
    pub(crate) fn far(&self, function: &Function, form: &Form) -> Option<Form> {
        let lengths = lengths(function);
        let mut moved = false;
        let far = function
            .generics
            .iter()
            .zip(form)
            .map(|(generic, arg)| match arg {
                GenericArg::Value(Value::Int(index)) if is_index(generic, &lengths) => {
                    moved = true;
                    GenericArg::Value(Value::Int(index + self.parties() as i128 * FAR))
                }
                arg => arg.clone(),
            });
        let far = far.collect();
        moved.then_some(far)
    }

    /// Whether a form is this very protocol.
    pub(crate) fn same(&self, function: &Function, form: Form, flat: &Flat) -> bool {
        matches!(self.make_form(function, form), Ok((Ok((other, ..)), _)) if other == *flat)
    }

    /// `<1>`, `<outside>`: what tells forms apart.
    pub(crate) fn form_name(&self, form: &Form) -> String {
        let names: Vec<String> = form
            .iter()
            .filter_map(|arg| match arg {
                GenericArg::Value(Value::Party(party)) if *party == self.outside() => {
                    Some("outside".to_owned())
                }
                GenericArg::Value(Value::Party(party)) => Some(format!("P[{}]", party.0)),
                GenericArg::Value(Value::Int(index)) => Some(index.to_string()),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!("<{}>", names.join(", "))
        }
    }
}

/// Generics that are owners.
fn owned(function: &Function) -> impl Iterator<Item = &Generic> {
    let generics = function.generics.iter();
    generics.filter(|generic| bound_name(generic) == Some("party"))
}

/// Whether it is a number that is no length.
fn is_index(generic: &Generic, lengths: &[&str]) -> bool {
    let name = generic.name.name.as_str();
    matches!(bound_name(generic), None | Some("int")) && is_number(name) && !lengths.contains(&name)
}

/// Generics that are lengths of tensor parameters.
fn lengths(function: &Function) -> Vec<&str> {
    let arrays = function
        .params
        .iter()
        .filter_map(|group| match &group.ty.kind {
            TypeKind::Array(_, sizes) => Some(sizes),
            _ => None,
        });
    arrays.flatten().filter_map(plain).collect()
}

/// Types are written with a capital, numbers without.
fn is_number(name: &str) -> bool {
    name.starts_with(|c: char| c.is_lowercase())
}
