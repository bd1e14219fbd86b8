//! Messages that are no news: linear combinations of what somebody has already.

use crate::certificate::{Element, Known};
use crate::problem::{Problem, operand_ids};
use crate::symbolic::{Class, Execution};
use crate::term::Span;
use smpc_ir::party::PartySet;

/// Messages that the coalition could compute from what it knows before they come.
pub(crate) fn no_news(problem: &Problem, coalition: PartySet, run: &Execution) -> Vec<Known> {
    let flat = &problem.flat;
    let has = |id: u32| {
        let known = flat.values[id as usize].known_to;
        !known.intersection(coalition).is_empty()
    };
    let mut span = Span::new(run.of_class(Class::Known));
    for id in flat.params.iter().flat_map(operand_ids) {
        if let (true, Some(term)) = (has(*id), &run.values[*id as usize]) {
            span.insert(&run.terms, *id, term);
        }
    }
    let mut found = Vec::new();
    for (at, step) in flat.steps.iter().enumerate() {
        let Some(term) = &run.values[step.result as usize] else {
            continue;
        };
        let seen = Element::Message { step: at as u32 };
        if run.view.iter().any(|(element, ..)| *element == seen)
            && let Some(by) = span.express(&run.terms, term)
        {
            let step = at as u32;
            found.push(Known { step, by });
            continue;
        }
        if has(step.result) {
            span.insert(&run.terms, step.result, term);
        }
    }
    found
}
