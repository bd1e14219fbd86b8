//! What operations rely on, and others must provide.
//!
//! An operation that is private for fresh sharings of its operands only is as private in a run as the sharings are fresh that
//! all other operations give it. Linear combinations of fresh sharings that were made apart are fresh, or are multiples of
//! each other as their values are, so that it is enough to look at each operation by itself.

use crate::certificate::Assumption;
use crate::decide::decide_freshness;
use crate::eliminate::Proofs;
use crate::problem::{Malformed, Operand, Problem, Spec};
use crate::refute::first_elem;
use crate::scheme::Row;
use crate::verdict::{Inputs, Limits, Verdict, Wrong};
use smpc_ir::party::PartySet;

/// Whether a verdict rests on fresh sharings of the operands.
pub(crate) fn needs_fresh(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Proved {
            certificate: Some(certificate),
        }
        | Verdict::Statistical { certificate, .. } => certificate.assume == Assumption::Fresh,
        _ => false,
    }
}

/// Whether the text says that all shared operands must be fresh.
pub(crate) fn requires_fresh(problem: &Problem) -> bool {
    let params = problem.params.iter().enumerate();
    let mut shared = params.filter(|(_, param)| matches!(param, Operand::Shared(_)));
    shared.all(|(at, _)| problem.flat.claims.fresh.contains(&(at as u32)))
}

/// Takes back what was found of operations that need fresh sharings where another operation of the scheme gives
/// sharings that are not. `small` are the same protocols in small rings.
///
/// # Errors
/// A protocol breaks the rules of flat protocols.
pub(crate) fn rely(
    rows: &mut [Row],
    small: &[Vec<Problem>],
    limits: &Limits,
) -> Result<(), Malformed> {
    let mut found = Vec::new();
    for (at, (_, report, problem)) in rows.iter().enumerate() {
        for (which, (coalition, verdict)) in report.privacy.iter().enumerate() {
            if needs_fresh(verdict)
                && let Some(verdict) = missing(rows, small, problem, *coalition, limits)?
            {
                found.push((at, which, verdict));
            }
        }
    }
    for (at, which, verdict) in found {
        rows[at].1.privacy[which].1 = verdict;
    }
    Ok(())
}

/// The first operation whose result is not shown to be fresh for those of a coalition who take part in it, and what
/// that says of one that needs it to be.
fn missing(
    rows: &[Row],
    small: &[Vec<Problem>],
    relying: &Problem,
    coalition: PartySet,
    limits: &Limits,
) -> Result<Option<Verdict>, Malformed> {
    let computing = &relying.computing;
    let inside = PartySet::first(computing.parties + computing.roles.len());
    let taking_part = coalition.intersection(inside);
    for ((title, report, problem), small) in rows.iter().zip(small) {
        let shared = matches!(problem.results.first(), Some(Operand::Shared(_)));
        // Whoever has an input knows all about it.
        let owned = problem.params.iter().any(|param| match param {
            Operand::Clear { known_to, .. } => {
                problem.spec == Spec::Share && !known_to.intersection(taking_part).is_empty()
            }
            Operand::Shared(_) => false,
        });
        if !shared || owned || problem.spec == Spec::Unspecified {
            continue;
        }
        let mut known = report.fresh.iter().filter(|(set, _)| *set == taking_part);
        let verdict = match known.next() {
            Some((_, verdict)) => verdict.clone(),
            None => {
                let proofs = &mut Proofs::default();
                decide_freshness(problem, small, taking_part, 0, limits, proofs)?
            }
        };
        let what = format!("it needs fresh sharings, and `{title}` does not give them");
        match verdict {
            Verdict::Proved { .. } | Verdict::Exhausted(_) => {}
            verdict if verdict.is_refuted() => {
                return Ok(Some(Verdict::Wrong(Box::new(Wrong {
                    what: format!("not private for {}: {what}", relying.set_name(coalition)),
                    elem: first_elem(relying),
                    inputs: Inputs::new(),
                    got: Vec::new(),
                }))));
            }
            _ => return Ok(Some(Verdict::Unknown { reason: what })),
        }
    }
    Ok(None)
}
