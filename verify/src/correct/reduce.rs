//! The value of a result as a term with few coins, so that it can be enumerated where its executions cannot.

use crate::callee::valid;
use crate::certificate::{Assumption, Name};
use crate::element::bits;
use crate::eliminate::opened;
use crate::problem::{Malformed, Operand, Problem};
use crate::sharing::{choices, parities};
use crate::symbolic::{BoxValue, Class, Execution, IdealBox, SymbolInfo, formula};
use crate::term::{Poly, Support, Symbol, Terms};
use smpc_ir::flat::{Call, FlatOp, Kind};
use smpc_ir::party::{CoinDomain, PartySet};
use std::sync::Arc;

/// Atoms and monomials of a term that is worth evaluating.
const ATOMS: usize = 10_000;
const MONOMIALS: usize = 2_000;

/// The value of the result as a term, its coins replaced one for one so that few are left.
pub(super) struct Reduced {
    pub run: Execution,
    pub value: Poly,
    /// Symbols that occur, the inputs' first, and what each is drawn from.
    pub symbols: Vec<(Symbol, CoinDomain)>,
    pub bits: f64,
}

/// Calls whose value is a polynomial of what they are given. All components of the result but as many
/// as follow from the value are any elements: more than can come out, and no matter to the value.
pub(super) fn products(problem: &Problem) -> Vec<IdealBox> {
    let mut found: Vec<IdealBox> = Vec::new();
    for (at, call) in problem.flat.calls.iter().enumerate() {
        if !found.iter().any(|ideal| ideal.overlaps(call)) {
            found.extend(product(problem, at, call));
        }
    }
    found
}

/// The call at this position as such a box.
pub(super) fn product(problem: &Problem, at: usize, call: &Call) -> Option<IdealBox> {
    if call.steps.len() > 128 {
        return None;
    }
    let callee = valid(problem, call)?;
    let [Operand::Shared(sharing)] = callee.problem.results.as_slice() else {
        return None;
    };
    let none = vec![false; sharing.holders.len()];
    let required = choices(sharing, &none, 1).pop()?;
    let formula = formula(&callee.problem)?;
    if !is_sharing(&callee.problem) {
        return None;
    }
    // In a product of sums the coins of each sum cancel before anything is multiplied.
    let value = match formula.0.factors(&formula.1) {
        Some((left, right)) => BoxValue::Product(Arc::new((formula.0.clone(), left, right))),
        None => BoxValue::Polynomial(formula),
    };
    Some(IdealBox {
        call: at as u32,
        required,
        value,
        callee,
    })
}

/// Whether the components of the result are those of a sharing, whatever the parameters.
fn is_sharing(problem: &Problem) -> bool {
    let [Operand::Shared(sharing)] = problem.results.as_slice() else {
        return false;
    };
    if parities(sharing).is_empty() {
        return true;
    }
    let found = (|| {
        let any = Assumption::AnySharing;
        let mut run = Execution::new(problem, PartySet::EMPTY, any, 256).ok()?;
        let terms = run.result(problem, 0)?;
        let carried = run.keys(problem, sharing, PartySet::EMPTY)?;
        let (_, zeros) = opened(&mut run, &terms, sharing, &carried);
        Some(zeros.iter().all(Poly::is_zero))
    })();
    found == Some(true)
}

/// A coin that stands alone in an argument of a function is replaced by that argument less the
/// rest: a bijection of the coins, after which the argument is one symbol.
pub(super) fn fewer_coins(
    problem: &Problem,
    boxes: &[IdealBox],
) -> Result<Option<Reduced>, Malformed> {
    let [Operand::Shared(sharing)] = problem.results.as_slice() else {
        return Ok(None);
    };
    let terms = Terms::new(512).with_budget(1 << 17);
    let mut run = Execution::in_terms(problem, terms, boxes)?;
    let Some(terms) = run.result(problem, 0) else {
        return Ok(None);
    };
    let Some(carried) = run.keys(problem, sharing, PartySet::EMPTY) else {
        return Ok(None);
    };
    let (mut value, zeros) = opened(&mut run, &terms, sharing, &carried);
    if zeros.iter().any(|zero| !zero.is_zero()) {
        return Ok(None);
    }
    for _ in 0..200 {
        let arguments = run.terms.arguments(&value);
        let next = arguments.iter().rev().find_map(|argument| {
            if argument.monomials() < 2 {
                return None;
            }
            let pads = run.terms.pads(argument);
            let pad = pads
                .into_iter()
                .find(|s| run.symbols[s.0 as usize].class == Class::Pad)?;
            Some((argument.clone(), pad))
        });
        let Some((argument, pad)) = next else { break };
        let symbol = Symbol(run.symbols.len() as u32);
        let info = run.symbols[pad.0 as usize].clone();
        // The new symbol is uniform like the coin, and is no coin to be replaced again.
        run.symbols.push(SymbolInfo {
            class: Class::Noise,
            ..info
        });
        if matches!(
            run.symbols[symbol.0 as usize].kind,
            Kind::Scalar | Kind::Digest
        ) {
            run.terms.scalar(symbol);
        }
        let uniform = run.terms.symbol(symbol, argument.elem());
        let Some(by) = run.terms.solve(&argument, pad, &uniform) else {
            break;
        };
        if by.monomials() > MONOMIALS {
            return Ok(None);
        }
        let after = run.terms.substitute_all(&[&value], pad, &by, ATOMS);
        let Some(after) = after.and_then(|mut list| list.pop()) else {
            return Ok(None);
        };
        if after.monomials() > MONOMIALS {
            return Ok(None);
        }
        value = after;
    }
    let support = run.terms.support(&value);
    Ok(symbols(problem, &run, &support).map(|symbols| Reduced {
        bits: bits_of(&run, &symbols),
        run,
        value,
        symbols,
    }))
}

/// Operands, whether they occur or not, and what else occurs, with what each is drawn from. `None` if an order of
/// rows occurs.
pub(super) fn symbols(
    problem: &Problem,
    run: &Execution,
    support: &Support,
) -> Option<Vec<(Symbol, CoinDomain)>> {
    let mut symbols = Vec::new();
    for (at, info) in run.symbols.iter().enumerate() {
        if matches!(info.name, Name::Value { .. }) && info.kind != Kind::Scalar {
            symbols.push((Symbol(at as u32), CoinDomain::Uniform));
        }
    }
    for symbol in support.iter() {
        let info = &run.symbols[symbol.0 as usize];
        let domain = match info.name {
            Name::Value { .. } => continue,
            // A coin of another domain is no pad, so it was replaced by nothing.
            Name::Coin { step } => match &problem.flat.steps[step as usize].op {
                FlatOp::Coin(CoinDomain::Permutation) => return None,
                FlatOp::Coin(domain) => domain.clone(),
                _ => return None,
            },
            _ => CoinDomain::Uniform,
        };
        symbols.push((symbol, domain));
    }
    Some(symbols)
}

/// Bits of all symbols together.
pub(super) fn bits_of(run: &Execution, symbols: &[(Symbol, CoinDomain)]) -> f64 {
    let elem = |symbol: &Symbol| run.symbols[symbol.0 as usize].elem;
    symbols.iter().map(|(symbol, _)| bits(elem(symbol))).sum()
}
