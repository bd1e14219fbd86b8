//! What a program hands out, by name.

use super::{Block, Op, Program};
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
}

/// The outputs that a program declares, in its order.
pub fn outputs(program: &Program) -> Vec<OutputInfo<'_>> {
    fn walk<'p>(block: &'p Block, repeated: bool, into: &mut Vec<OutputInfo<'p>>) {
        for step in &block.steps {
            match &step.op {
                Op::Output {
                    name,
                    field,
                    show,
                    text,
                    label,
                } => {
                    let known = into
                        .iter_mut()
                        .find(|o| o.name == name && o.field == *field);
                    match known {
                        Some(known) => known.repeated |= repeated,
                        None => into.push(OutputInfo {
                            name,
                            field: *field,
                            label,
                            ty: *show,
                            text: *text,
                            repeated,
                        }),
                    }
                }
                Op::For { body, .. } | Op::Reduce { body, .. } | Op::Scan { body, .. } => {
                    walk(body, true, into);
                }
                Op::While {
                    condition, body, ..
                } => {
                    walk(condition, true, into);
                    walk(body, true, into);
                }
                Op::Switch { arms } => arms.iter().for_each(|arm| walk(arm, repeated, into)),
                _ => {}
            }
        }
    }
    let mut all = vec![];
    walk(&program.body, false, &mut all);
    all
}
