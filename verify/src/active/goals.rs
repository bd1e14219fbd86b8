//! What is 0 if results are as they would be without lies, and honest parties agree.

use super::copies::{Class, Copies};
use super::owner::{Moved, another_value, meant};
use crate::element::coefficient;
use crate::problem::{Operand, Problem, operand_ids};
use crate::sharing::{parities, recover};
use crate::term::Poly;
use smpc_ir::flat::Sharing;
use smpc_ir::party::{Elem, PartySet};

/// What the corrupt owners of operands have put in.
pub(super) enum Input<'m> {
    /// What the operands are, but for so much.
    Moved(&'m [Moved]),
    /// Of the only operand anything, as long as a shared result is one of it.
    Any,
}

impl Input<'_> {
    fn moved(&self) -> &[Moved] {
        match self {
            Self::Moved(moved) => moved,
            Self::Any => &[],
        }
    }
}

/// What is 0 if all results are as they would be without lies, on what corrupt owners have put in, and all honest parties
/// agree.
pub(super) fn goals(
    problem: &Problem,
    run: &mut Copies,
    coalition: PartySet,
    input: &Input<'_>,
) -> Result<Vec<Poly>, &'static str> {
    let moved = input.moved();
    let chosen = matches!(input, Input::Any);
    let mut goals = agreement(problem, run, coalition);
    for (operand, spec) in problem.flat.results.iter().zip(&problem.results) {
        let ids = operand_ids(operand);
        match spec {
            Operand::Clear { known_to, .. } => {
                let honest_ones = known_to.without(coalition);
                let copies: Vec<Poly> = honest_ones
                    .iter()
                    .filter_map(|party| run.copies.get(&(ids[0], party.0)).cloned())
                    .collect();
                for term in copies {
                    let right = meant(run, &term, moved);
                    goals.push(run.value_of(&term.sub(&right)));
                }
            }
            Operand::Shared(sharing) => {
                let upper = matches!(sharing.elem, Elem::Ring(m) if m > run.value);
                if upper && !sharing.keyed.is_empty() && !chosen {
                    tagged(problem, run, (sharing, ids), coalition, moved, &mut goals)?;
                } else {
                    shared(run, (sharing, ids), coalition, input, &mut goals)?;
                }
            }
        }
    }
    goals.retain(|goal| !goal.is_zero());
    Ok(goals)
}

/// What is 0 if all honest parties have the same clear results: a coin is any, but one for all.
pub(super) fn agreement(problem: &Problem, run: &Copies, coalition: PartySet) -> Vec<Poly> {
    let mut goals = Vec::new();
    for (operand, spec) in problem.flat.results.iter().zip(&problem.results) {
        let Operand::Clear { known_to, .. } = spec else {
            continue;
        };
        let id = operand_ids(operand)[0];
        let honest_ones = known_to.without(coalition);
        let copies = honest_ones.iter();
        let copies: Vec<&Poly> = copies
            .filter_map(|party| run.copies.get(&(id, party.0)))
            .collect();
        for pair in copies.windows(2) {
            goals.push(run.value_of(&pair[0].sub(pair[1])));
        }
    }
    goals.retain(|goal| !goal.is_zero());
    goals
}

/// The goals of a shared result.
fn shared(
    run: &mut Copies,
    (sharing, ids): (&Sharing, &[u32]),
    coalition: PartySet,
    input: &Input<'_>,
    goals: &mut Vec<Poly>,
) -> Result<(), &'static str> {
    let moved = input.moved();
    let mut components: Vec<Option<Poly>> = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let holders = sharing.holders[at].without(coalition);
        let all: Vec<Poly> = holders
            .iter()
            .filter_map(|party| run.copies.get(&(*id, party.0)).cloned())
            .collect();
        // Honest holders have one component.
        for pair in all.windows(2) {
            goals.push(pair[0].sub(&pair[1]));
        }
        components.push(all.into_iter().next());
    }
    let mut errors: Vec<Option<Poly>> = Vec::new();
    for component in &components {
        errors.push(match component {
            Some(term) => {
                let right = meant(run, term, moved);
                Some(term.sub(&right))
            }
            None => None,
        });
    }
    if matches!(input, Input::Any) {
        return another_value(run, &components, &errors, goals);
    }
    let held: Vec<bool> = components.iter().map(Option::is_some).collect();
    match recover(sharing, &held) {
        Some(by) if sharing.keyed.is_empty() => {
            let mut value = Poly::constant(sharing.elem, 0);
            for (error, by) in errors.iter().zip(by) {
                if let (Some(error), true) = (error, by != 0) {
                    value = value.add(&error.scale(by));
                }
            }
            goals.push(run.value_of(&value));
            Ok(())
        }
        _ => {
            // The value is what the corrupt components make it, and these follow an error that they
            // know of; one that depends on what they do not know cannot be followed.
            for error in errors.into_iter().flatten() {
                let support = run.terms.support(&error);
                let follows = support
                    .iter()
                    .all(|s| run.is(s, Class::Known) || run.is(s, Class::Lie));
                if !follows {
                    goals.push(error);
                }
            }
            Ok(())
        }
    }
}

/// The goals of a shared result with tags, of which upper bits carry no value: the value is right in the
/// others, and the tags are those of the value that it has.
fn tagged(
    problem: &Problem,
    run: &mut Copies,
    (sharing, ids): (&Sharing, &[u32]),
    coalition: PartySet,
    moved: &[Moved],
    goals: &mut Vec<Poly>,
) -> Result<(), &'static str> {
    let mut errors = Vec::new();
    for (holders, id) in sharing.holders.iter().zip(ids) {
        let copy = |set: PartySet, run: &Copies| -> Vec<Poly> {
            let copies = set.iter();
            let either = |at: &(u32, u8)| run.told.get(at).or(run.copies.get(at));
            copies
                .filter_map(|party| either(&(*id, party.0)).cloned())
                .collect()
        };
        let honest_ones = copy(holders.without(coalition), run);
        for pair in honest_ones.windows(2) {
            goals.push(pair[0].sub(&pair[1]));
        }
        // What corrupt parties hold is what follows from what they told.
        let own = copy(holders.intersection(coalition), run);
        let Some(term) = honest_ones.into_iter().chain(own).next() else {
            return Err("a component that nobody holds");
        };
        let right = meant(run, &term, moved);
        errors.push(term.sub(&right));
    }
    let zero = Poly::constant(sharing.elem, 0);
    let mut value = zero.clone();
    for (error, by) in errors.iter().zip(&sharing.reconstruction) {
        value = value.add(&error.scale(coefficient(sharing.elem, *by)));
    }
    let carried = run.carried(problem, sharing, coalition);
    let carried = carried.ok_or("a key that does not exist")?;
    for row in parities(sharing) {
        let mut sum = zero.clone();
        for ((error, key), by) in errors.iter().zip(&carried).zip(row) {
            let mut plain = error.clone();
            if let Some(key) = key {
                plain = plain.sub(&run.terms.mul(key, &value));
            }
            sum = sum.add(&plain.scale(by));
        }
        goals.push(sum);
    }
    goals.push(run.value_of(&value));
    Ok(())
}
