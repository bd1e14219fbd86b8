//! Whether a ring of a few bits says anything of the same text at full width.
//!
//! A factor 2^10 is 0 in a ring of four bits, and so is what it brings into a message: enumeration there finds no
//! difference that it would make. Such a ring counts as little as none.

use crate::certificate::Assumption;
use crate::element::{literal, width};
use crate::problem::{Malformed, Problem};
use crate::symbolic::{Class, Execution};
use crate::term::Poly;
use smpc_ir::flat::FlatOp;
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, PartySet};
use std::collections::BTreeMap;

/// Whether coefficients, constants or shifted bits that are something in the text at full width are nothing in the
/// small ring, in what the coalition sees.
///
/// # Errors
/// A protocol breaks the rules of flat protocols.
pub(crate) fn vanishes(
    full: &Problem,
    small: &Problem,
    coalition: PartySet,
) -> Result<bool, Malformed> {
    Ok(steps_vanish(full, small) || messages_vanish(full, small, coalition)?)
}

/// What stands at one place of a text.
#[derive(Clone, Copy, Default)]
struct Place {
    /// An operand that is the constant 0.
    zero: bool,
    /// A shift by as many bits as there are.
    shifted: bool,
}

/// What the steps at each place are, constants apart.
fn places(problem: &Problem) -> BTreeMap<(u32, u32), Place> {
    let flat = &problem.flat;
    let mut constants: BTreeMap<u32, i128> = BTreeMap::new();
    let mut places: BTreeMap<(u32, u32), Place> = BTreeMap::new();
    for step in &flat.steps {
        let elem = flat.values[step.result as usize].elem;
        if let FlatOp::Local(Local::Constant(value)) = step.op {
            constants.insert(step.result, value);
            continue;
        }
        let place = places
            .entry((step.source.start, step.source.end))
            .or_default();
        for arg in &step.args {
            let elem = flat.values[*arg as usize].elem;
            place.zero |= constants
                .get(arg)
                .is_some_and(|value| literal(elem, *value) == 0);
        }
        if let FlatOp::Local(Local::Prim(Prim::Shl | Prim::Shr | Prim::ShrLogical)) = step.op {
            let amount = step.args.get(1).and_then(|arg| constants.get(arg));
            place.shifted |= amount.is_some_and(|by| *by >= i128::from(width(elem)));
        }
    }
    places
}

/// Whether a step of the text is none in the small ring, because an operand is 0 there, or has an operand that is
/// 0 there, or shifts everything out, and does not do so at full width.
fn steps_vanish(full: &Problem, small: &Problem) -> bool {
    let narrow = places(small);
    places(full).iter().any(|(at, wide)| match narrow.get(at) {
        None => true,
        Some(narrow) => narrow.zero && !wide.zero || narrow.shifted && !wide.shifted,
    })
}

/// For each message to the coalition, its place and how many monomials with secrets it has, if it is a polynomial over
/// a ring.
type Counts = Vec<((u32, u32), Option<usize>)>;

fn counts(problem: &Problem, coalition: PartySet, limit: usize) -> Result<Counts, Malformed> {
    let run = Execution::new(problem, coalition, Assumption::Fresh, limit)?;
    let mut secrets = run.of_class(Class::Secret);
    secrets.extend(&run.of_class(Class::Pad));
    secrets.extend(&run.of_class(Class::Noise));
    let count = |term: &Poly| {
        let ring = matches!(term.elem(), Elem::Ring(_));
        (ring && run.terms.is_polynomial(term)).then(|| run.terms.monomials_of(term, &secrets))
    };
    let place = |element: &crate::certificate::Element| match element {
        crate::certificate::Element::Message { step } => {
            let source = problem.flat.steps[*step as usize].source;
            (source.start, source.end)
        }
        _ => (0, 0),
    };
    let view = run.view.iter();
    Ok(view
        .map(|(element, _, term)| (place(element), count(term)))
        .collect())
}

/// Whether a message has fewer monomials in the small ring than at full width.
fn messages_vanish(
    full: &Problem,
    small: &Problem,
    coalition: PartySet,
) -> Result<bool, Malformed> {
    const LIMIT: usize = 256;
    let (wide, narrow) = (
        counts(full, coalition, LIMIT)?,
        counts(small, coalition, LIMIT)?,
    );
    if wide.len() == narrow.len() {
        return Ok(wide.iter().zip(&narrow).any(|(wide, narrow)| {
            matches!((wide.1, narrow.1), (Some(wide), Some(narrow)) if narrow < wide)
        }));
    }
    // Loops over bits are shorter there: at one place of the text, the longest message.
    let most = |counts: &Counts| {
        let mut most: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for (at, count) in counts {
            if let Some(count) = count {
                let slot = most.entry(*at).or_default();
                *slot = (*slot).max(*count);
            }
        }
        most
    };
    let narrow = most(&narrow);
    Ok(most(&wide)
        .iter()
        .any(|(at, wide)| narrow.get(at).is_some_and(|narrow| narrow < wide)))
}
