//! Privacy of a protocol from that of its calls, where these are known by enumeration only.
//!
//! What a coalition sees of a call depends on nothing but the coalition's own operands of it, whatever
//! the operands of the others: then the simulator makes up that part of the view from what is there
//! already, and the rest is proved as usual, with results of such calls as secrets. The verdict is
//! that of the enumerations, in which a call of the same name, at the same place among those, stands
//! for this one in a small ring.

use crate::callee::{Callee, valid};
use crate::certificate::{Assumption, Goal};
use crate::element::width;
use crate::eliminate::{Proofs, search};
use crate::faithful::{Of, vanishes};
use crate::machine::Machine;
use crate::problem::{Malformed, Problem, Spec};
use crate::refute::{Refutation, assignment_bits, first_elem, refute_privacy};
use crate::symbolic::{BoxValue, IdealBox};
use crate::verdict::{Exhausted, Limits, alike};
use smpc_ir::flat::FlatOp;
use smpc_ir::party::{Party, PartySet};

/// Looks for calls whose views are enumerated in small rings, and for a proof of the rest. `small`
/// are the same protocol in small rings.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn composed(
    problem: &Problem,
    small: &[Problem],
    coalition: PartySet,
    limits: &Limits,
    proofs: &mut Proofs,
) -> Result<Option<Exhausted>, Malformed> {
    let mut boxes: Vec<IdealBox> = Vec::new();
    let mut done = Exhausted::default();
    for (at, call) in problem.flat.calls.iter().enumerate() {
        let taken = boxes.iter().any(|ideal| ideal.overlaps(call));
        if taken || call.steps.len() == problem.flat.steps.len() {
            continue;
        }
        let Some(callee) = valid(problem, call).filter(|c| tells(c, coalition)) else {
            continue;
        };
        if proofs.of(&callee.problem, coalition)?.is_some() {
            continue;
        }
        let number = problem.flat.calls[..at].iter();
        let number = number.filter(|other| other.name == call.name).count();
        let rings = small.iter().filter_map(|ring| {
            let mut same = ring.flat.calls.iter().filter(|c| c.name == call.name);
            valid(ring, same.nth(number)?)
        });
        if let Some(found) = enumerated(&callee, rings, coalition, limits, proofs)? {
            done.assignments += found.assignments;
            for ring in found.rings {
                if !done.rings.contains(&ring) {
                    done.rings.push(ring);
                }
            }
            boxes.push(IdealBox {
                call: at as u32,
                required: Vec::new(),
                value: BoxValue::Secret,
                callee,
            });
        }
    }
    if boxes.is_empty() {
        return Ok(None);
    }
    if problem.spec == Spec::Shuffle {
        // What the calls tell of the order would have to be enumerated, too.
        return Ok(None);
    }
    let any = Assumption::AnySharing;
    let rest = search(problem, coalition, any, &Goal::Privacy, &boxes)?;
    Ok(rest.map(|_| done))
}

/// Whether others send the coalition anything.
fn tells(callee: &Callee, coalition: PartySet) -> bool {
    callee.problem.flat.steps.iter().any(|step| match step.op {
        FlatOp::Send { from, to } => {
            !coalition.contains(Party(from)) && !to.intersection(coalition).is_empty()
        }
        _ => false,
    })
}

/// All views of a call, for all operands, in every ring in which they are not too many.
fn enumerated(
    callee: &Callee,
    rings: impl Iterator<Item = Callee>,
    coalition: PartySet,
    limits: &Limits,
    proofs: &mut Proofs,
) -> Result<Option<Exhausted>, Malformed> {
    let mut done = Exhausted::default();
    for ring in rings {
        let both = (&callee.problem, &ring.problem);
        let found = proofs.enumerated(both, coalition, limits, |full, small| {
            enumerate(full, small, coalition, limits)
        })?;
        match found {
            Enumerated::Nothing => {}
            Enumerated::Same(assignments) => {
                done.rings.push(width(first_elem(&ring.problem)));
                done.assignments += assignments;
            }
            Enumerated::Differs => return Ok(None),
        }
    }
    Ok((!done.rings.is_empty()).then_some(done))
}

/// What the views of a call show in one ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enumerated {
    /// The ring says nothing of the text at full width, or there are too many.
    Nothing,
    /// They are the same for all operands, so many of them.
    Same(u64),
    Differs,
}

fn enumerate(
    full: &Problem,
    small: &Problem,
    coalition: PartySet,
    limits: &Limits,
) -> Result<Enumerated, Malformed> {
    // A text that breaks the rules in what it sends says nothing.
    if !alike(full, small) || !matches!(vanishes(full, small, Of::View(coalition)), Ok(None)) {
        return Ok(Enumerated::Nothing);
    }
    let rows = Machine::new(small)?.rows;
    if assignment_bits(small, rows, &|_| true) > (limits.assignments as f64).log2() {
        return Ok(Enumerated::Nothing);
    }
    Ok(match refute_privacy(small, coalition, limits)? {
        Refutation::Exhausted { assignments } => Enumerated::Same(assignments),
        _ => Enumerated::Differs,
    })
}
