//! Correctness: an identity of polynomials, else enumeration in small rings with random executions
//! at full width beside it.

use crate::certificate::{Assumption, Name};
use crate::machine::{Choice, Counter, Machine, Random, signed};
use crate::problem::{Malformed, Operand, Problem, Spec, operand_ids};
use crate::refute::{assignment_bits, domains, draw, first_elem};
use crate::symbolic::{Class, Execution, SymbolInfo};
use crate::term::{Poly, Symbol, Terms, coefficient, mask, width};
use crate::verdict::{Exhausted, Inputs, Limits, Verdict, Wrong, shrink};
use smpc_ir::flat::{FlatOp, Kind, TruncMode};
use smpc_ir::party::{CoinDomain, Elem, PartySet};
use std::collections::BTreeMap;

/// Monomials beyond which no identity is tried.
const MONOMIALS: usize = 1 << 14;

/// Decides whether the protocol computes what it claims. `small` are the same protocol in small
/// rings; where the text has ring operations only they are derived.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn correctness(
    problem: &Problem,
    small: &[Problem],
    limits: &Limits,
) -> Result<Verdict, Malformed> {
    problem.validate()?;
    if problem.spec == Spec::Unspecified {
        return Ok(Verdict::Unknown {
            reason: "nothing is claimed of the result".to_owned(),
        });
    }
    if identity(problem)? {
        return Ok(Verdict::Proved { certificate: None });
    }
    let derived: Vec<Problem> = (1..=3).filter_map(|k| shrink(problem, k)).collect();
    let small = if derived.is_empty() { small } else { &derived };
    let mut done = Exhausted::default();
    let mut skipped = Vec::new();
    for problem in small {
        let ring = ring_width(problem);
        if amounts(problem).is_empty() {
            continue;
        }
        match enumerate(problem, limits)? {
            Enumeration::Wrong(wrong) => return Ok(Verdict::Wrong(wrong)),
            Enumeration::All(assignments) => {
                done.rings.push(ring);
                done.assignments += assignments;
            }
            Enumeration::Some(runs) => skipped.push((ring, runs)),
        }
    }
    match random(problem, limits.runs, limits)? {
        Some(wrong) => return Ok(Verdict::Wrong(wrong)),
        None => done.runs = limits.runs,
    }
    if done.rings.is_empty() {
        let skipped: Vec<String> = skipped
            .iter()
            .map(|(ring, runs)| format!("{ring} bits ({runs} sampled)"))
            .collect();
        return Ok(Verdict::Unknown {
            reason: format!(
                "no identity of polynomials; {} random executions agree; too many assignments: {}",
                done.runs,
                if skipped.is_empty() {
                    "no small ring given".to_owned()
                } else {
                    skipped.join(", ")
                }
            ),
        });
    }
    Ok(Verdict::Exhausted(done))
}

/// The width of the widest ring or bit vector shared or dealt.
fn ring_width(problem: &Problem) -> u8 {
    problem
        .params
        .iter()
        .chain(&problem.results)
        .map(|operand| match operand {
            Operand::Shared(sharing) => width(sharing.elem),
            Operand::Clear { elem, .. } if problem.params.len() == 1 => width(*elem),
            Operand::Clear { .. } => 0,
        })
        .max()
        .unwrap_or(0)
}

/// Whether the result is the claimed polynomial in the parameters.
fn identity(problem: &Problem) -> Result<bool, Malformed> {
    let polynomial = matches!(
        problem.spec,
        Spec::Share | Spec::Reveal | Spec::Mul | Spec::Sum
    );
    if !polynomial || problem.flat.steps.len() > 400 {
        return Ok(false);
    }
    // Long circuits are no polynomials of reasonable size: a graph shows that at once.
    let probe = Execution::new(problem, PartySet::EMPTY, Assumption::Fresh, 24)?;
    let circuit = |run: &Execution| {
        let terms = run.result(problem, 0).unwrap_or_default();
        terms.iter().any(|t| !run.terms.is_polynomial(t)) && problem.flat.steps.len() > 150
    };
    if circuit(&probe) {
        return Ok(false);
    }
    let mut run = Execution::new(problem, PartySet::EMPTY, Assumption::Fresh, MONOMIALS)?;
    let Some(terms) = run.result(problem, 0) else {
        return Ok(false);
    };
    let value = match &problem.results[0] {
        Operand::Clear { .. } => terms[0].clone(),
        Operand::Shared(sharing) => {
            let mut sum = Poly::constant(sharing.elem, 0);
            for (term, by) in terms.iter().zip(&sharing.reconstruction) {
                sum = sum.add(&term.scale(coefficient(sharing.elem, *by)));
            }
            sum
        }
    };
    let claim = match (problem.spec, run.inputs.as_slice()) {
        (Spec::Share | Spec::Reveal, [x]) => x.clone(),
        (Spec::Sum, [first, rest @ ..]) => rest.iter().fold(first.clone(), |sum, x| sum.add(x)),
        (Spec::Mul, [x, y]) => {
            let (x, y) = (x.clone(), y.clone());
            run.terms.mul(&x, &y)
        }
        _ => return Ok(false),
    };
    Ok(value == claim)
}

/// The value of the result as a term, its coins replaced one for one so that few are left.
struct Reduced {
    run: Execution,
    value: Poly,
    /// Symbols that occur, the inputs' first.
    symbols: Vec<Symbol>,
    bits: u32,
}

/// A coin that stands alone in an argument of a function is replaced by that argument less the
/// rest: a bijection of the coins, after which the argument is one symbol.
fn reduce(problem: &Problem) -> Result<Option<Reduced>, Malformed> {
    let Operand::Shared(sharing) = &problem.results[0] else {
        return Ok(None);
    };
    if problem.spec == Spec::Shuffle {
        return Ok(None);
    }
    let terms = Terms::new(512).with_budget(1 << 17);
    let mut run = Execution::with_terms(problem, PartySet::EMPTY, Assumption::Fresh, terms)?;
    let Some(terms) = run.result(problem, 0) else {
        return Ok(None);
    };
    let mut value = Poly::constant(sharing.elem, 0);
    for (term, by) in terms.iter().zip(&sharing.reconstruction) {
        value = value.add(&term.scale(coefficient(sharing.elem, *by)));
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
        let uniform = run.terms.symbol(symbol, argument.elem());
        let Some(by) = run.terms.solve(&argument, pad, &uniform) else {
            break;
        };
        value = run.terms.substitute(&value, pad, &by);
    }
    let support = run.terms.support(&value);
    let inputs =
        |symbol: &Symbol| matches!(run.symbols[symbol.0 as usize].name, Name::Value { .. });
    let (mut symbols, coins): (Vec<Symbol>, Vec<Symbol>) = support.iter().partition(inputs);
    let uniform = coins.iter().all(|s| match run.symbols[s.0 as usize].name {
        Name::Coin { step } => {
            problem.flat.steps[step as usize].op == FlatOp::Coin(CoinDomain::Uniform)
        }
        _ => true,
    });
    if !uniform {
        return Ok(None);
    }
    // Every operand is enumerated, whether it occurs or not.
    symbols.clear();
    for (at, info) in run.symbols.iter().enumerate() {
        if matches!(info.name, Name::Value { .. }) && info.kind != Kind::Scalar {
            symbols.push(Symbol(at as u32));
        }
    }
    symbols.extend(coins);
    let bits = symbols
        .iter()
        .map(|s| u32::from(width(run.symbols[s.0 as usize].elem)))
        .sum();
    Ok(Some(Reduced {
        run,
        value,
        symbols,
        bits,
    }))
}

/// Enumerates what is left of the coins after [`reduce`]; `None` if that is too much, or a claim
/// with a probability, which needs every coin counted.
fn enumerate_reduced(problem: &Problem, limits: &Limits) -> Result<Option<Enumeration>, Malformed> {
    if is_local(problem) {
        return Ok(None);
    }
    let Some(reduced) = reduce(problem)? else {
        return Ok(None);
    };
    if f64::from(reduced.bits) > (limits.assignments as f64).log2() - 2.0 {
        return Ok(None);
    }
    let run = &reduced.run;
    let params: Vec<usize> = (0..problem.params.len())
        .map(|at| {
            let name = Name::Value { param: at as u32 };
            run.symbols
                .iter()
                .position(|info| info.name == name)
                .unwrap_or(0)
        })
        .collect();
    let mut values = vec![0u128; run.symbols.len()];
    let (mut done, mut total) = (Vec::new(), 0);
    for amount in amounts(problem) {
        let mut counter = Counter::default();
        loop {
            counter.rewind();
            for symbol in &reduced.symbols {
                let bound = mask(run.symbols[symbol.0 as usize].elem).wrapping_add(1);
                values[symbol.0 as usize] = counter.below(bound);
            }
            let mut inputs: Inputs = params.iter().map(|at| vec![values[*at]]).collect();
            set_amount(problem, &mut inputs, amount);
            for (at, rows) in params.iter().zip(&inputs) {
                values[*at] = rows[0];
            }
            if required(problem, &inputs) {
                done.clear();
                let Some(got) = run.terms.evaluate(&reduced.value, &values, &mut done) else {
                    return Ok(None);
                };
                total += 1;
                if !right(problem, &inputs, &[got]) {
                    let what = "the result is not the claimed value";
                    return Ok(Some(Enumeration::Wrong(wrong(
                        problem,
                        inputs,
                        vec![got],
                        what,
                    ))));
                }
            }
            if !counter.advance() {
                break;
            }
        }
    }
    Ok(Some(Enumeration::All(total)))
}

enum Enumeration {
    All(u64),
    Some(u64),
    Wrong(Box<Wrong>),
}

/// Whether the operands are within what the operation requires.
fn required(problem: &Problem, inputs: &Inputs) -> bool {
    let elem = first_elem(problem);
    let m = i128::from(width(elem));
    let value = |at: usize| signed(inputs[at][0], elem);
    let quarter = |x: i128| m >= 2 && (-(1i128 << (m - 2))..1i128 << (m - 2)).contains(&x);
    match problem.spec {
        Spec::Trunc(_) => quarter(value(0)),
        Spec::MulTrunc(_) => value(0).checked_mul(value(1)).is_some_and(quarter),
        Spec::LessThan => {
            let d = value(0).checked_sub(value(1));
            d.is_some_and(|d| (-(1i128 << (m - 1))..1i128 << (m - 1)).contains(&d))
        }
        _ => true,
    }
}

/// Whether a result is one that the claim allows.
fn right(problem: &Problem, inputs: &Inputs, got: &[u128]) -> bool {
    let elem = first_elem(problem);
    let all = mask(elem);
    let word = |at: usize| inputs[at][0];
    let value = |at: usize| signed(word(at), elem);
    let truncated = |x: i128, f: u128, mode: TruncMode| {
        let floor = x >> f.min(127);
        let error = signed(got[0].wrapping_sub(floor as u128) & all, elem);
        match mode {
            TruncMode::Exact => error == 0,
            TruncMode::OneUnit | TruncMode::Local => (-1..=1).contains(&error),
        }
    };
    match problem.spec {
        Spec::Share | Spec::Reveal => inputs[0].iter().zip(got).all(|(a, b)| a == b),
        Spec::Sum => {
            let words = inputs.iter().map(|rows| rows[0]);
            got[0]
                == match elem {
                    Elem::Bits(_) => words.fold(0, |sum, word| sum ^ word),
                    _ => words.fold(0u128, u128::wrapping_add) & all,
                }
        }
        Spec::Mul => match elem {
            Elem::Bits(_) => got[0] == word(0) & word(1),
            _ => got[0] == word(0).wrapping_mul(word(1)) & all,
        },
        Spec::Trunc(mode) => truncated(value(0), word(1), mode),
        Spec::MulTrunc(mode) => truncated(value(0).wrapping_mul(value(1)), word(2), mode),
        Spec::ToBits | Spec::BitToRing => got[0] == word(0),
        Spec::Msb => got[0] == u128::from(value(0) < 0),
        Spec::LessThan => got[0] == u128::from(value(0) < value(1)),
        Spec::Equal => got[0] == u128::from(word(0) == word(1)),
        Spec::Shuffle => {
            let (mut a, mut b) = (inputs[0].clone(), got.to_vec());
            a.sort_unstable();
            b.sort_unstable();
            a == b
        }
        Spec::Unspecified => true,
    }
}

fn outcome(problem: &Problem, machine: &Machine) -> Vec<u128> {
    let ids = operand_ids(&problem.flat.results[0]);
    match &problem.results[0] {
        Operand::Clear { .. } => machine.value(ids[0]).to_vec(),
        Operand::Shared(sharing) => (0..machine.rows)
            .map(|row| machine.reconstruct(ids, sharing, row))
            .collect(),
    }
}

fn is_local(problem: &Problem) -> bool {
    matches!(
        problem.spec,
        Spec::Trunc(TruncMode::Local) | Spec::MulTrunc(TruncMode::Local)
    )
}

/// The magnitude of what a truncation is given, which its failures are allowed to grow with.
fn magnitude(problem: &Problem, inputs: &Inputs) -> u128 {
    let elem = first_elem(problem);
    let value = |at: usize| signed(inputs[at][0], elem);
    match problem.spec {
        Spec::MulTrunc(_) => value(0).wrapping_mul(value(1)).unsigned_abs(),
        _ => value(0).unsigned_abs(),
    }
}

fn wrong(problem: &Problem, inputs: Inputs, got: Vec<u128>, what: &str) -> Box<Wrong> {
    Box::new(Wrong {
        what: what.to_owned(),
        elem: first_elem(problem),
        inputs,
        got,
    })
}

/// Public amounts tried: every shift that leaves room for the offset.
fn amounts(problem: &Problem) -> Vec<u128> {
    match problem.spec {
        Spec::Trunc(_) | Spec::MulTrunc(_) => {
            (1..=u128::from(width(first_elem(problem)).saturating_sub(2)).min(2)).collect()
        }
        _ => vec![1],
    }
}

fn set_amount(problem: &Problem, inputs: &mut Inputs, amount: u128) {
    match problem.spec {
        Spec::Trunc(_) => inputs[1] = vec![amount],
        Spec::MulTrunc(_) => inputs[2] = vec![amount],
        _ => {}
    }
}

fn enumerate(problem: &Problem, limits: &Limits) -> Result<Enumeration, Malformed> {
    let mut machine = Machine::new(problem)?;
    if assignment_bits(problem, machine.rows) > (limits.assignments as f64).log2() {
        if let Some(done) = enumerate_reduced(problem, limits)? {
            return Ok(done);
        }
        let runs = limits.samples * 4;
        return Ok(match random(problem, runs, limits)? {
            Some(wrong) => Enumeration::Wrong(wrong),
            None => Enumeration::Some(runs),
        });
    }
    let domains = domains(problem, machine.rows);
    let mut total = 0;
    for amount in amounts(problem) {
        let mut outer = Counter::default();
        loop {
            outer.rewind();
            let mut inputs = draw(&domains, &mut outer);
            set_amount(problem, &mut inputs, amount);
            if required(problem, &inputs) {
                let mut coins = Counter::default();
                let (mut runs, mut failures) = (0u128, 0u128);
                let mut last = Vec::new();
                loop {
                    coins.rewind();
                    machine.load(problem, &inputs, &mut coins);
                    machine.run(&mut coins);
                    runs += 1;
                    let got = outcome(problem, &machine);
                    if !right(problem, &inputs, &got) {
                        if !is_local(problem) {
                            let what = "the result is not the claimed value";
                            let wrong = wrong(problem, inputs, got, what);
                            return Ok(Enumeration::Wrong(wrong));
                        }
                        failures += 1;
                        last = got;
                    }
                    if !coins.advance() {
                        break;
                    }
                }
                total += runs as u64;
                let claimed = magnitude(problem, &inputs) + 1;
                if failures << width(first_elem(problem)) > runs * claimed {
                    let what = "wrong more often than (|x| + 1) / 2^k";
                    return Ok(Enumeration::Wrong(wrong(problem, inputs, last, what)));
                }
            }
            if !outer.advance() {
                break;
            }
        }
    }
    Ok(Enumeration::All(total))
}

/// A signed number of at most so many bits.
fn number(bits: u32, elem: Elem, random: &mut Random) -> u128 {
    let length = random.below(u128::from(bits) + 1) as u32;
    let magnitude = random.below(0) & (1u128 << length.min(127)).wrapping_sub(1);
    let value = if random.below(2) == 1 {
        magnitude.wrapping_neg()
    } else {
        magnitude
    };
    value & mask(elem)
}

/// Random executions within what the operation requires; all lengths of operands are drawn.
fn random(problem: &Problem, runs: u64, limits: &Limits) -> Result<Option<Box<Wrong>>, Malformed> {
    let mut machine = Machine::new(problem)?;
    let domains = domains(problem, machine.rows);
    let elem = first_elem(problem);
    let m = u32::from(width(elem));
    let mut random = Random(limits.runs ^ 0xc0de);
    let (mut failures, mut expected, mut last) = (0u64, 0.0f64, None);
    for run in 0..runs {
        let mut inputs = draw(&domains, &mut random);
        // The widest products may be used up; local truncation claims little beyond half the width.
        let room = match problem.spec {
            Spec::MulTrunc(_) => m.saturating_sub(3) / 2,
            Spec::Trunc(_) | Spec::LessThan => m.saturating_sub(2),
            _ => m,
        };
        for (rows, spec) in inputs.iter_mut().zip(&problem.params) {
            if let Operand::Shared(sharing) = spec
                && run % 4 != 0
                && problem.spec != Spec::Shuffle
            {
                rows[0] = number(room.min(m), sharing.elem, &mut random);
            }
        }
        if problem.spec == Spec::Equal && run % 2 == 0 {
            inputs[1] = inputs[0].clone();
        }
        let f = 1 + random.below(u128::from(m.saturating_sub(2).clamp(1, 40)));
        set_amount(problem, &mut inputs, f);
        if !required(problem, &inputs) {
            continue;
        }
        machine.load(problem, &inputs, &mut random);
        machine.run(&mut random);
        let got = outcome(problem, &machine);
        expected += (magnitude(problem, &inputs) as f64 + 1.0) * (-f64::from(m)).exp2();
        if !right(problem, &inputs, &got) {
            let what = "the result is not the claimed value";
            let wrong = wrong(problem, inputs, got, what);
            if !is_local(problem) {
                return Ok(Some(wrong));
            }
            failures += 1;
            last = Some(wrong);
        }
    }
    let too_often = failures as f64 > expected + 6.0 * expected.sqrt() + 3.0;
    Ok(last.filter(|_| too_often))
}

/// How often each verdict occurs, for summaries.
pub fn count_words<'a>(
    verdicts: impl Iterator<Item = &'a Verdict>,
) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for verdict in verdicts {
        *counts.entry(verdict.word()).or_insert(0) += 1;
    }
    counts
}
