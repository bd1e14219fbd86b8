//! What corrupt owners put in.
//!
//! What an operand is that corrupt parties alone know is for them to say: whoever computes in the ideal takes it from them,
//! whatever it is. So a run in which the results are those of v + ε is none that is changed, if one ε explains all of them, and if it
//! was chosen as it must be there: before anything that comes out is known. That is so if all that could be seen when the lies were
//! told of which ε is made has no symbol in common with the values of the results, and no secret: then ε is independent of
//! these. Coins that the coalition knows from the start may not stand in the results.
//!
//! Of a single operand whose results are sharings nothing but the value comes out, and that ε may depend on whatever there is.

use super::copies::{Class, Copies};
use super::honest;
use super::meant::parts;
use super::simulate::View;
use crate::element::coefficient;
use crate::operands::params_in;
use crate::problem::{Operand, Problem, operand_ids};
use crate::term::{Poly, Support, Symbol};
use smpc_ir::party::{Elem, PartySet};

/// An operand of a corrupt owner, and by how much what was put in is another one.
pub(super) type Moved = (Symbol, Poly);

/// How many explanations are tried.
const TRIED: usize = 6;

/// A term as it is if nobody lies and corrupt owners have put in what they did.
pub(super) fn meant(run: &mut Copies, term: &Poly, moved: &[Moved]) -> Poly {
    let mut right = honest(run, term);
    for (symbol, by) in moved {
        let elem = run.symbols[symbol.0 as usize].elem;
        let input = run.terms.symbol(*symbol, elem).add(by);
        right = run.terms.substitute(&right, *symbol, &input);
    }
    right
}

/// Operands that the coalition alone knows, by their positions.
pub(super) fn owned(problem: &Problem, coalition: PartySet) -> Vec<usize> {
    let params = problem.params.iter().zip(&problem.flat.params).enumerate();
    let owned = params.filter(|(_, (spec, operand))| match spec {
        Operand::Clear { known_to, .. } => {
            let known = problem.flat.values[operand_ids(operand)[0] as usize].known_to;
            let all = known_to.union(known);
            !all.is_empty() && all.is_subset(coalition)
        }
        Operand::Shared(_) => false,
    });
    owned.map(|(at, _)| at).collect()
}

/// Whether anything may be put in for the only operand: results are sharings.
pub(super) fn is_free(problem: &Problem, owned: &[usize]) -> bool {
    let shared = |result: &Operand| matches!(result, Operand::Shared(_));
    problem.params.len() == 1 && owned.len() == 1 && problem.results.iter().all(shared)
}

/// Whether there are operands beside those of the coalition that are no numbers known to all.
pub(super) fn has_others(problem: &Problem, owned: &[usize]) -> bool {
    let others = problem.params.iter().enumerate();
    let mut others = others.filter(|(at, _)| owned.len() > 1 || !owned.contains(at));
    others.any(|(_, param)| match param {
        Operand::Clear { known_to, .. } => *known_to != problem.everyone(),
        Operand::Shared(_) => true,
    })
}

/// What corrupt owners may have put in, each a way in which their lies explain what comes out; of operands of which the text asks
/// something nothing else than what is asked.
pub(super) fn explanations(
    problem: &Problem,
    run: &mut Copies,
    coalition: PartySet,
    owned: &[usize],
) -> Vec<Vec<Moved>> {
    let mut each: Vec<Vec<Moved>> = Vec::new();
    for at in owned {
        let claims = &problem.flat.claims;
        let asked = claims
            .requires
            .iter()
            .any(|r| params_in(&r.claim).contains(at));
        let unread = claims
            .unread
            .iter()
            .any(|text| !text.starts_with("ensures"));
        let symbol = run
            .inputs
            .get(*at)
            .and_then(|term| run.terms.is_symbol(term));
        let Some(symbol) = symbol.filter(|_| !asked && !unread) else {
            continue;
        };
        let mut found = told(run, symbol);
        found.extend(comes_out(problem, run, coalition, symbol));
        let known = |by: &Poly, run: &Copies| {
            let support = run.terms.support(by);
            let mut symbols = support.iter();
            symbols.all(|s| run.is(s, Class::Lie) || run.is(s, Class::Known))
        };
        found.retain(|by| known(by, run));
        let mut different: Vec<Poly> = Vec::new();
        for by in found {
            if !different.contains(&by) {
                different.push(by);
            }
        }
        different.truncate(TRIED);
        if !different.is_empty() {
            each.push(different.into_iter().map(|by| (symbol, by)).collect());
        }
    }
    let most = each.iter().map(Vec::len).max().unwrap_or(0);
    (0..most)
        .map(|turn| {
            let one = |all: &Vec<Moved>| all[turn.min(all.len() - 1)].clone();
            each.iter().map(one).collect()
        })
        .collect()
}

/// By how much an operand is another one where it is what was told in a message: u·v + e + δ is that of v + u⁻¹·δ.
fn told(run: &mut Copies, symbol: Symbol) -> Vec<Poly> {
    let kind = run.symbols[symbol.0 as usize].kind;
    let mut found = Vec::new();
    for lie in run.lies.clone() {
        let alike = run.symbols[lie.symbol.0 as usize].kind == kind;
        if !alike || !run.terms.pads(&lie.told).contains(&symbol) {
            continue;
        }
        let zero = Poly::constant(lie.told.elem(), 0);
        let Some(lied) = run.terms.solve(&lie.told, symbol, &zero) else {
            continue;
        };
        let true_one = run.terms.substitute(&lied, lie.symbol, &zero);
        found.push(true_one.sub(&lied));
    }
    found
}

/// By how much an operand is another one where a result, or a component of one, is u·v + e: its error says so.
fn comes_out(
    problem: &Problem,
    run: &mut Copies,
    coalition: PartySet,
    symbol: Symbol,
) -> Vec<Poly> {
    let info = run.symbols[symbol.0 as usize].clone();
    let shift = run.symbol("ε".to_owned(), info.elem, info.kind, Class::Known);
    let Some(epsilon) = run.terms.is_symbol(&shift) else {
        return Vec::new();
    };
    let moved = [(symbol, shift)];
    let mut found = Vec::new();
    for operand in &problem.flat.results {
        for id in operand_ids(operand) {
            let honest_ones = problem.flat.values[*id as usize]
                .known_to
                .without(coalition);
            for party in honest_ones.iter() {
                let Some(term) = run.copies.get(&(*id, party.0)).cloned() else {
                    continue;
                };
                let right = honest(run, &term);
                let change = meant(run, &right, &moved).sub(&right);
                if run.terms.pads(&change).contains(&epsilon) {
                    found.extend(run.terms.solve(&change, epsilon, &term.sub(&right)));
                }
            }
        }
    }
    found
}

/// The values of all results if nobody lies.
pub(super) fn outcome(problem: &Problem, run: &mut Copies) -> Option<Vec<Poly>> {
    let mut values = Vec::new();
    for (operand, spec) in problem.flat.results.iter().zip(&problem.results) {
        let mut copies = Vec::new();
        for id in operand_ids(operand) {
            let known = problem.flat.values[*id as usize].known_to;
            let copy = known
                .iter()
                .find_map(|p| run.copies.get(&(*id, p.0)).cloned());
            copies.push(honest(run, &copy?));
        }
        match spec {
            Operand::Clear { .. } => values.extend(copies.iter().map(|copy| run.value_of(copy))),
            Operand::Shared(sharing) => {
                let mut value = Poly::constant(sharing.elem, 0);
                for (copy, by) in copies.iter().zip(&sharing.reconstruction) {
                    value = value.add(&copy.scale(coefficient(sharing.elem, *by)));
                }
                values.push(run.value_of(&value));
            }
        }
    }
    Some(values)
}

/// Whether what was put in is independent of what comes out: of the values of the results, as they are once messages have
/// become uniform.
pub(super) fn is_early(
    problem: &Problem,
    view: &View,
    coalition: PartySet,
    put_in: &[Poly],
    outcome: &[Poly],
) -> bool {
    let run = &view.run;
    let shared = |param: &Operand| matches!(param, Operand::Shared(_));
    if problem.learns_result(coalition) && problem.params.iter().any(shared) {
        return false;
    }
    let mut inputs = Support::default();
    for input in &run.inputs {
        inputs.extend(&run.terms.support(input));
    }
    let mut out = Support::default();
    for value in outcome {
        out.extend(&parts(run, value));
    }
    let later = |s: Symbol| match run.symbols[s.0 as usize].class {
        Class::Known => !inputs.contains(s),
        Class::Lie => true,
        _ => false,
    };
    if out.iter().any(later) {
        return false;
    }
    let mut seen = Support::default();
    let mut open = Vec::new();
    for by in put_in {
        open.extend(run.terms.support(by).iter());
    }
    while let Some(symbol) = open.pop() {
        if seen.contains(symbol) {
            continue;
        }
        seen.insert(symbol);
        open.extend(run.symbols[symbol.0 as usize].seed.iter());
        if run.is(symbol, Class::Lie) {
            let Some(its) = view.seen.get(&symbol) else {
                return false;
            };
            open.extend(its.iter());
        }
    }
    seen.iter().all(|s| match run.symbols[s.0 as usize].class {
        Class::Known | Class::Lie => true,
        Class::Pad | Class::Masked | Class::Expanded => !out.contains(s),
        Class::Secret | Class::Noise | Class::Key => false,
    })
}

/// A lie, or its negative, that explains an error by itself; else 0.
fn follows(run: &mut Copies, changes: &[(Poly, Poly)], epsilon: Symbol, elem: Elem) -> Poly {
    let zero = Poly::constant(elem, 0);
    let Some((change, error)) = changes.iter().find(|(_, error)| !error.is_zero()) else {
        return zero;
    };
    let support = run.terms.support(error);
    let lies: Vec<Symbol> = run.lies.iter().map(|lie| lie.symbol).collect();
    for lie in lies {
        if !support.contains(lie) || run.symbols[lie.0 as usize].elem != elem {
            continue;
        }
        let plain = run.terms.symbol(lie, elem);
        for candidate in [plain.clone(), plain.neg()] {
            if run.terms.substitute(change, epsilon, &candidate) == *error {
                return candidate;
            }
        }
    }
    zero
}

/// The components are those of the value that a corrupt owner chose: one other value explains the
/// errors of all.
pub(super) fn another_value(
    run: &mut Copies,
    components: &[Option<Poly>],
    errors: &[Option<Poly>],
    goals: &mut Vec<Poly>,
) -> Result<(), &'static str> {
    let Some(input) = run.inputs.first().cloned() else {
        return Err("a result without an operand");
    };
    let Some(symbol) = run.terms.is_symbol(&input) else {
        return Err("an operand that is no symbol");
    };
    let kind = run.symbols[symbol.0 as usize].kind;
    let shift = run.symbol("ε".to_owned(), input.elem(), kind, Class::Known);
    let Some(epsilon) = run.terms.is_symbol(&shift) else {
        return Err("an operand that is no symbol");
    };
    let shifted = input.add(&shift);
    let mut changes = Vec::new();
    for (component, error) in components.iter().zip(errors) {
        let (Some(term), Some(error)) = (component, error) else {
            continue;
        };
        let right = honest(run, term);
        let moved = run.terms.substitute(&right, symbol, &shifted);
        changes.push((moved.sub(&right), error.clone()));
    }
    let by = changes.iter().find_map(|(change, error)| {
        let alone = run.terms.pads(change).contains(&epsilon);
        alone.then(|| (change.clone(), error.clone()))
    });
    let value = match by {
        Some((change, error)) => run.terms.solve(&change, epsilon, &error),
        None => Some(follows(run, &changes, epsilon, input.elem())),
    };
    let Some(value) = value else {
        return Err("an operand whose change is not read");
    };
    for (change, error) in changes {
        let change = run.terms.substitute(&change, epsilon, &value);
        goals.push(error.sub(&change));
    }
    Ok(())
}
