//! What a program hands out, by name.

use super::{Block, Op, PartySet, Program};
use crate::share::Type;

/// An output, or a member of one that is a struct or tuple, as the program declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Which member, and of how many.
    pub field: Option<(u16, u16)>,
    /// The member's name: a field of a struct, a position of a tuple; empty for the whole.
    pub label: &'a str,
    /// Its type.
    pub ty: Type,
    /// Whether it is text.
    pub text: bool,
    /// Whether it is handed out in a loop, any number of times.
    pub repeated: bool,
    /// Whether it is handed to all parties of the script, rather than to those it names.
    pub all: bool,
    /// Who is handed it.
    pub receivers: PartySet,
}

/// The outputs that a program declares, in its order.
pub fn outputs(program: &Program) -> Vec<OutputInfo<'_>> {
    fn walk<'p>(
        program: &'p Program,
        block: &'p Block,
        repeated: bool,
        into: &mut Vec<OutputInfo<'p>>,
    ) {
        for step in &block.steps {
            match &step.op {
                Op::Output {
                    name,
                    field,
                    show,
                    text,
                    label,
                    all,
                } => {
                    let value = step.args.first();
                    let value = value.and_then(|value| program.values.get(value.0 as usize));
                    let receivers = value.map_or(PartySet::EMPTY, |value| value.known_to);
                    let known = into
                        .iter_mut()
                        .find(|o| o.name == name && o.field == *field);
                    match known {
                        Some(known) => {
                            known.repeated |= repeated;
                            known.all &= *all;
                            known.receivers = known.receivers.union(receivers);
                        }
                        None => into.push(OutputInfo {
                            name,
                            field: *field,
                            label,
                            ty: *show,
                            text: *text,
                            repeated,
                            all: *all,
                            receivers,
                        }),
                    }
                }
                Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                    walk(program, body, true, into);
                }
                Op::While {
                    condition, body, ..
                } => {
                    walk(program, condition, true, into);
                    walk(program, body, true, into);
                }
                Op::Switch { arms } => arms
                    .iter()
                    .for_each(|arm| walk(program, arm, repeated, into)),
                _ => {}
            }
        }
    }
    let mut all = vec![];
    walk(program, &program.body, false, &mut all);
    all
}
