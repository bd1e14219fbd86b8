//! Pad elimination: the search for a certificate.
//!
//! An element u·r + e of the view, with u invertible, r a uniform coin unknown to the coalition and
//! not in e, is uniform given everything that does not contain r; to substitute r := u⁻¹(ρ - e)
//! everywhere is a bijection on coins, so sound in any order. A coin in no other element loses
//! nothing, and is taken at once. Else there is a choice, and the search backtracks. A vector of bits is uniform
//! also by a coin of as many bits that stands in it with its lower bits beside each bit, where nothing else has the coin.

mod proofs;
mod search;

use crate::certificate::{Assumption, Boxed, Certificate, Goal, Name, Valued};
use crate::element::coefficient;
use crate::problem::{Malformed, Operand, Problem, Spec};
use crate::sharing;
use crate::symbolic::{Carried, Class, Execution, IdealBox, expansion};
use crate::term::{Poly, Support};
use proofs::is_polynomial;
use smpc_ir::flat::{FlatOp, Sharing};
use smpc_ir::party::{Elem, PartySet};

pub use proofs::Proofs;
pub(crate) use search::search;

/// Sets of components of a result that are tried one after the other.
const SETS: usize = 24;

/// Steps beyond which a callee is not searched as it stands.
const SEARCHED: usize = 200;

/// Looks for a certificate of privacy: first for any sharing of the operands, then for fresh ones.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_privacy(
    problem: &Problem,
    coalition: PartySet,
) -> Result<Option<Certificate>, Malformed> {
    prove_privacy_with(problem, coalition, &mut Proofs::default())
}

/// The same, with what is known of callees.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_privacy_with(
    problem: &Problem,
    coalition: PartySet,
    proofs: &mut Proofs,
) -> Result<Option<Certificate>, Malformed> {
    problem.validate()?;
    let goals = match problem.spec {
        Spec::Shuffle => orders(problem, coalition)?,
        _ => vec![Goal::Privacy],
    };
    // What clauses say that is no polynomial has to be taken as it comes out, and with it little else is to be shown.
    let declared = problem.declared(coalition);
    let opaque = declared.iter().any(|declared| !declared.is_polynomial());
    if opaque {
        let found = prove_from_results(problem, coalition, proofs)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    for assume in ASSUMED {
        for goal in &goals {
            let found = attempt(problem, coalition, assume, goal, proofs)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// What may be assumed of operands' sharings, the less the better.
const ASSUMED: [Assumption; 2] = [Assumption::AnySharing, Assumption::Fresh];

/// The same for who is given clear results as they come out, those that clauses fix; nothing where there are none.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn prove_from_results(
    problem: &Problem,
    coalition: PartySet,
    proofs: &mut Proofs,
) -> Result<Option<Certificate>, Malformed> {
    let declared = problem.declared(coalition);
    if !declared.iter().any(|declared| declared.whole) {
        return Ok(None);
    }
    for assume in ASSUMED {
        let found = attempt(problem, coalition, assume, &Goal::Results, proofs)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The permutations that make up the order of a shuffle's rows, by the steps that draw them. `None` if the
/// result is not seen to be the rows of the operand in such an order.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn shuffled_by(problem: &Problem) -> Result<Option<Vec<u32>>, Malformed> {
    let nobody = PartySet::EMPTY;
    let any = Assumption::AnySharing;
    let run = Execution::new(problem, nobody, any, expansion(problem))?;
    let (Some(from), Some(terms), Some(Operand::Shared(sharing))) = (
        run.inputs.first(),
        run.result(problem, 0),
        problem.results.first(),
    ) else {
        return Ok(None);
    };
    let mut value = Poly::constant(sharing.elem, 0);
    for (term, by) in terms.iter().zip(&sharing.reconstruction) {
        value = value.add(&term.scale(coefficient(sharing.elem, *by)));
    }
    Ok(run.permutations(problem, &value, from))
}

/// What is to be shown of a shuffle: of one permutation of its order that the coalition does not know, and that is
/// applied once, that nothing tells it. Then the order is as uniform, whatever the others are.
fn orders(problem: &Problem, coalition: PartySet) -> Result<Vec<Goal>, Malformed> {
    let by = shuffled_by(problem)?.unwrap_or_default();
    let once = |coin: &&u32| by.iter().filter(|other| other == coin).count() == 1;
    let unknown = |coin: &&u32| !knows(problem, coalition, **coin);
    let coins = by.iter().filter(once).filter(unknown);
    Ok(coins.map(|coin| Goal::Order { coin: *coin }).collect())
}

/// Whether a coalition is told what a step draws as it is drawn.
pub(crate) fn knows(problem: &Problem, coalition: PartySet, coin: u32) -> bool {
    let result = problem.flat.steps[coin as usize].result;
    let info = &problem.flat.values[result as usize];
    !info.known_to.intersection(coalition).is_empty()
}

/// As the text stands and with callees as boxes; the cheaper first.
fn attempt(
    problem: &Problem,
    coalition: PartySet,
    assume: Assumption,
    goal: &Goal,
    proofs: &mut Proofs,
) -> Result<Option<Certificate>, Malformed> {
    // A result that is opened is that of a call as long as nobody looks into it.
    let long = problem.flat.steps.len() > proofs.inline || *goal == Goal::Results;
    let boxes = if long {
        proofs.boxes(problem, coalition)?
    } else {
        Vec::new()
    };
    if !boxes.is_empty() {
        let (mut ideal, mut boxed): (Vec<IdealBox>, Vec<Boxed>) = boxes.into_iter().unzip();
        // Values seldom matter: what is not opened is told to nobody.
        for valued in [Valued::Unknown, Valued::Polynomial, Valued::Operands] {
            let mut changed = valued == Valued::Unknown;
            for (ideal, boxed) in ideal.iter_mut().zip(&mut boxed) {
                changed |= match valued {
                    Valued::Unknown => false,
                    Valued::Polynomial => is_polynomial(ideal, boxed),
                    Valued::Operands => proofs.of_operands(problem, coalition, ideal, boxed)?,
                };
            }
            if !changed {
                continue;
            }
            let found = search(problem, coalition, assume, goal, &ideal)?;
            if let Some(mut certificate) = found {
                certificate.boxes = boxed;
                return Ok(Some(certificate));
            }
        }
    }
    let too_long = problem.flat.steps.len() > SEARCHED && proofs.depth > 0;
    if too_long {
        return Ok(None);
    }
    search(problem, coalition, assume, goal, &[])
}

/// Looks for a certificate that a shared result is fresh, whatever the sharings of the operands.
/// Returns one certificate, or `None`; a result that is no sharing has none to look for.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_freshness(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
) -> Result<Option<Certificate>, Malformed> {
    prove_freshness_with(problem, coalition, result, &mut Proofs::default())
}

/// The same, with what is known of callees.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_freshness_with(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
    proofs: &mut Proofs,
) -> Result<Option<Certificate>, Malformed> {
    problem.validate()?;
    let Some(Operand::Shared(sharing)) = problem.results.get(result) else {
        return Ok(None);
    };
    let held = sharing::held(sharing, coalition);
    for required in sharing::choices(sharing, &held, SETS) {
        let goal = Goal::Freshness {
            result: result as u32,
            required: required.into_iter().map(|at| at as u32).collect(),
        };
        let found = attempt(problem, coalition, Assumption::AnySharing, &goal, proofs)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether a component of a result outside the coalition, or a bit of one, is a function of the operands
/// and of what the coalition knows, so that it is not fresh, in any ring in which the boxes are what they are said to be.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn determined(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
    boxes: &[IdealBox],
) -> Result<bool, Malformed> {
    let Some(Operand::Shared(sharing)) = problem.results.get(result) else {
        return Ok(false);
    };
    let held = sharing::held(sharing, coalition);
    let has = known(problem, coalition);
    let ids = crate::problem::operand_ids(&problem.flat.results[result]);
    let mut boxes = boxes.to_vec();
    loop {
        let any = Assumption::AnySharing;
        let mut run = Execution::with_boxes(problem, coalition, any, &boxes, false)?;
        let Some(terms) = run.result(problem, result) else {
            return Ok(false);
        };
        let mut random = run.of_class(Class::Pad);
        random.extend(&run.of_class(Class::Noise));
        let mut unknown = Support::default();
        // The value determines some components; those that it leaves open must not be determined.
        for i in sharing::choices(sharing, &held, SETS).into_iter().flatten() {
            // In whatever order, rows are no more uniform than they are.
            let rows = run.terms.unordered(&terms[i]);
            for part in bits_of(&mut run, &rows) {
                let support = run.terms.support(&part).common(&random);
                if has[ids[i] as usize] || support.iter().next().is_none() {
                    return Ok(true);
                }
                unknown.extend(&support);
            }
        }
        // What a box puts out is unknown, and its steps may say what it is.
        let puts_out = |ideal: &IdealBox| {
            unknown.iter().any(|symbol| {
                let name = run.symbols[symbol.0 as usize].name;
                matches!(name, Name::Output { call, .. } if call == ideal.call)
            })
        };
        let before = boxes.len();
        boxes.retain(|ideal| !puts_out(ideal));
        if boxes.len() == before {
            return Ok(false);
        }
    }
}

/// A vector of bits bit by bit, each of which must be uniform; anything else as it is.
fn bits_of(run: &mut Execution, term: &Poly) -> Vec<Poly> {
    match term.elem() {
        Elem::Bits(m) if m > 1 => (0..m)
            .map(|bit| run.terms.pick(term, &[Some(bit)], Elem::Bits(1)))
            .collect(),
        _ => vec![term.clone()],
    }
}

/// The values that a coalition computes, or is sent by others.
fn known(problem: &Problem, coalition: PartySet) -> Vec<bool> {
    let flat = &problem.flat;
    let mut has: Vec<bool> = flat
        .values
        .iter()
        .map(|info| !info.known_to.intersection(coalition).is_empty())
        .collect();
    for step in &flat.steps {
        let from_known = match step.op {
            FlatOp::Coin(_) | FlatOp::Key(_) => false,
            _ => step.args.iter().all(|arg| has[*arg as usize]),
        };
        has[step.result as usize] |= from_known;
    }
    has
}

/// The value of a sharing, and what is 0 if its components are those of one. `carried` are the keys
/// that components carry ([`Execution::keys`]).
pub(crate) fn opened(
    run: &mut Execution,
    terms: &[Poly],
    sharing: &Sharing,
    carried: &Carried,
) -> (Poly, Vec<Poly>) {
    let elem = sharing.elem;
    let combine = |terms: &[Poly], by: &mut dyn Iterator<Item = u128>| {
        let zero = Poly::constant(elem, 0);
        let scaled = terms.iter().zip(by).filter(|(_, by)| *by != 0);
        scaled.fold(zero, |sum, (term, by)| sum.add(&term.scale(by)))
    };
    let coefficients = sharing.reconstruction.iter();
    let value = combine(terms, &mut coefficients.map(|by| coefficient(elem, *by)));
    let mut plain = terms.to_vec();
    for (term, key) in plain.iter_mut().zip(carried) {
        if let Some(key) = key {
            *term = term.sub(&run.terms.mul(key, &value));
        }
    }
    let parities = sharing::parities(sharing);
    let zeros = parities
        .into_iter()
        .map(|row| combine(&plain, &mut row.into_iter()))
        .collect();
    (value, zeros)
}
