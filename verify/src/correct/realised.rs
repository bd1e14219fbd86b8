//! Whether a protocol that stands in for a functionality gives what that gives: the values of its results, all together,
//! are distributed as those of the functionality.
//!
//! Both are carried out as terms of coins. A value that the functionality draws and gives as it is must be one that the
//! protocol gives, a coin of its own in it alone: to replace that coin by what makes the value the functionality's coin is a
//! bijection of coins. All other values must then be the same terms. That sharings of these values are fresh, and what
//! coalitions learn, are questions of their own.

use super::trial::wrong;
use super::{MONOMIALS, ring_width};
use crate::certificate::{Assumption, Name};
use crate::element::order;
use crate::eliminate::opened;
use crate::machine::{Choice, Random};
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::symbolic::{Class, Execution};
use crate::term::{Poly, Symbol};
use crate::verdict::{Inputs, Verdict};
use smpc_ir::flat::{Flat, FlatOperand, FlatStep, Kind};
use smpc_ir::party::PartySet;
use std::sync::Arc;

/// Assignments on which values that are other terms are compared.
const TRIES: usize = 64;

/// The verdict on what a protocol `realises`; nothing if it says that of no functionality.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(super) fn realised(problem: &Problem) -> Result<Option<Verdict>, Malformed> {
    let Some(realised) = &problem.realises else {
        return Ok(None);
    };
    let name = &realised.name;
    let unknown = |why: &str| {
        let reason = format!("it is not shown to realise `{name}`: {why}");
        Ok(Some(Verdict::Unknown { reason }))
    };
    let ideal = match &realised.ideal {
        Ok(ideal) => ideal,
        Err(why) => return unknown(why),
    };
    let Some((both, pairs)) = beside(problem, ideal) else {
        return unknown("its operands or results are not those of the functionality");
    };
    let first = problem.flat.steps.len() as u32;
    let mut run = Execution::new(&both, PartySet::EMPTY, Assumption::Fresh, MONOMIALS)?;
    let mut compared = Vec::new();
    for (own, meant) in pairs {
        let (Some(own), Some(meant)) = (value(&mut run, &both, own), value(&mut run, &both, meant))
        else {
            return unknown("the components of a result are not shown to be those of a sharing");
        };
        if own.elem() != meant.elem() {
            return unknown("a result is of another type than the functionality's");
        }
        compared.push((own, meant));
    }
    let drawn = |run: &Execution, symbol: Symbol| match run.symbols[symbol.0 as usize].name {
        Name::Coin { step } => step >= first,
        _ => false,
    };
    let mut given: Vec<Symbol> = Vec::new();
    for at in 0..compared.len() {
        let Some(coin) = run.terms.is_symbol(&compared[at].1) else {
            continue;
        };
        let uniform = run.symbols[coin.0 as usize].class == Class::Pad;
        if !uniform || !drawn(&run, coin) || given.contains(&coin) {
            continue;
        }
        if !draw(&mut run, &mut compared, at, coin, first) {
            return unknown(&format!(
                "the {} of its values is not shown to be uniform and independent of those before it",
                ordinal(at)
            ));
        }
        given.push(coin);
    }
    let Some(at) = compared.iter().position(|(own, meant)| own != meant) else {
        return Ok(Some(Verdict::Proved { certificate: None }));
    };
    // What is not given says nothing of one run alone.
    let meant = run.terms.support(&compared[at].1);
    if meant.iter().all(|s| given.contains(&s) || !drawn(&run, s))
        && let Some((inputs, got)) = differ(problem, &run, &compared, at)
    {
        let what = format!(
            "the results are not what `{name}` gives: the {} is another value than it has beside these others",
            ordinal(at)
        );
        return Ok(Some(Verdict::Wrong(wrong(problem, inputs, got, what))));
    }
    unknown(&format!(
        "the {} of its values is not shown to be that of the functionality",
        ordinal(at)
    ))
}

fn ordinal(at: usize) -> String {
    match at {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        _ => format!("{}th", at + 1),
    }
}

/// A protocol and behind it the functionality on the same operands, once for each member of arrays of results; and which
/// results of both are held against each other.
fn beside(problem: &Problem, ideal: &Flat) -> Option<(Problem, Vec<(usize, usize)>)> {
    let mut flat = (*problem.flat).clone();
    let (count, each) = (flat.results.len(), ideal.results.len());
    if each == 0 || count % each != 0 || flat.params.len() != ideal.params.len() {
        return None;
    }
    let instances = count / each;
    let mut operands = Vec::new();
    for (own, meant) in flat.params.iter().zip(&ideal.params) {
        let (FlatOperand::Clear(own), FlatOperand::Clear(meant)) = (own, meant) else {
            return None;
        };
        let (a, b) = (
            flat.values.get(*own as usize)?,
            ideal.values.get(*meant as usize)?,
        );
        if a.elem != b.elem {
            return None;
        }
        operands.push((*meant as usize, *own));
    }
    let (mut pairs, mut results) = (Vec::new(), problem.results.clone());
    for instance in 0..instances {
        let mut number: Vec<Option<u32>> = vec![None; ideal.values.len()];
        for (meant, own) in &operands {
            number[*meant] = Some(*own);
        }
        for step in &ideal.steps {
            let args = step.args.iter().map(|arg| number[*arg as usize]);
            let args: Option<Vec<u32>> = args.collect();
            let result = flat.values.len() as u32;
            flat.values.push(ideal.values[step.result as usize].clone());
            number[step.result as usize] = Some(result);
            flat.steps.push(FlatStep {
                args: args?,
                result,
                ..step.clone()
            });
        }
        for (at, operand) in ideal.results.iter().enumerate() {
            let id = number[*operand_ids(operand).first()? as usize]?;
            pairs.push((at * instances + instance, flat.results.len()));
            let info = &flat.values[id as usize];
            results.push(Operand::Clear {
                elem: info.elem,
                known_to: info.known_to,
            });
            flat.results.push(FlatOperand::Clear(id));
        }
    }
    let both = Problem {
        flat: Arc::new(flat),
        results,
        ..problem.clone()
    };
    Some((both, pairs))
}

/// The value of a result; `None` if its components are not shown to be those of a sharing.
fn value(run: &mut Execution, problem: &Problem, at: usize) -> Option<Poly> {
    let terms = run.result(problem, at)?;
    match &problem.results[at] {
        Operand::Clear { .. } => terms.into_iter().next(),
        Operand::Shared(sharing) => {
            let carried = run.keys(problem, sharing, PartySet::EMPTY)?;
            let (value, zeros) = opened(run, &terms, sharing, &carried);
            zeros.iter().all(Poly::is_zero).then_some(value)
        }
    }
}

/// Replaces a coin of the protocol so that one of its values is a coin of the functionality; false if none is found.
fn draw(
    run: &mut Execution,
    compared: &mut [(Poly, Poly)],
    at: usize,
    coin: Symbol,
    first: u32,
) -> bool {
    let (own, target) = compared[at].clone();
    let one_for_all = |run: &Execution, s: Symbol| run.symbols[s.0 as usize].kind == Kind::Scalar;
    let uniform = |run: &Execution, symbol: Symbol| {
        let info = &run.symbols[symbol.0 as usize];
        let own = matches!(info.name, Name::Coin { step } if step < first);
        own && info.class == Class::Pad
    };
    for symbol in run.terms.pads(&own) {
        if !uniform(run, symbol) || one_for_all(run, symbol) != one_for_all(run, coin) {
            continue;
        }
        if let Some(by) = run.terms.solve(&own, symbol, &target) {
            for (own, _) in compared.iter_mut() {
                *own = run.terms.substitute(own, symbol, &by);
            }
            return true;
        }
    }
    // What a seed is expanded to is uniform for whoever does not have the seed, of which nothing else is made.
    let Some((atom, seed)) = run.terms.expansion(&own) else {
        return false;
    };
    let coins = run.terms.pads(&seed).into_iter();
    let coins: Vec<Symbol> = coins.filter(|symbol| uniform(run, *symbol)).collect();
    for (own, _) in compared.iter_mut() {
        *own = run.terms.swap(own, atom, &target);
    }
    let unused = |symbol: &Symbol| {
        let mut all = compared.iter();
        all.all(|(own, _)| !run.terms.mentions(own, *symbol))
    };
    coins.iter().any(unused)
}

/// Operands and values of the results on which a value differs from the functionality's, whose coins the values before it are.
fn differ(
    problem: &Problem,
    run: &Execution,
    compared: &[(Poly, Poly)],
    at: usize,
) -> Option<(Inputs, Vec<u128>)> {
    let (own, meant) = &compared[at];
    let plain = |symbol: Symbol| {
        let info = &run.symbols[symbol.0 as usize];
        info.class == Class::Pad || matches!(info.name, Name::Value { .. })
    };
    if ![own, meant]
        .iter()
        .all(|term| run.terms.support(term).iter().all(plain))
    {
        return None;
    }
    let mut random = Random(0x7ea1);
    let most = u128::from(ring_width(problem).saturating_sub(3)).max(1);
    for _ in 0..TRIES {
        let word = |random: &mut Random, info: &crate::symbolic::SymbolInfo| match info.kind {
            // An amount, as of a shift.
            Kind::Scalar if matches!(info.name, Name::Value { .. }) => 1 + random.below(most),
            _ => random.below(order(info.elem)),
        };
        let values: Vec<u128> = run
            .symbols
            .iter()
            .map(|info| word(&mut random, info))
            .collect();
        let evaluate = |term: &Poly| run.terms.evaluate(term, &values, &mut Vec::new());
        if evaluate(own)? != evaluate(meant)? {
            let got: Option<Vec<u128>> = compared.iter().map(|(own, _)| evaluate(own)).collect();
            let params = (0..problem.params.len() as u32).map(|param| {
                let mut symbols = run.symbols.iter().zip(&values);
                let found = symbols.find(|(info, _)| info.name == Name::Value { param });
                found.map_or(Vec::new(), |(_, word)| vec![*word])
            });
            return Some((params.collect(), got?));
        }
    }
    None
}
