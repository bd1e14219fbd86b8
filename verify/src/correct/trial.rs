//! Trials of a claim: all assignments in small rings, random ones at full width.

use super::Claimed;
use super::drawn::Source;
use super::reduce::{Reduced, fewer_coins, products};
use crate::certificate::Name;
use crate::endpoints::Runner;
use crate::machine::{Batch, Counter, Machine, Random, coin};
use crate::operands::{Domains, amount_params};
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::refute::{assignment_bits, first_elem};
use crate::sharing::parities;
use crate::statistics::Strata;
use crate::term::{Known, Varied};
use crate::verdict::{Inputs, Limits, Wrong};
use smpc_ir::claim::{Domain, Ensures};
use smpc_ir::flat::{Kind, Sharing};

/// Random runs without a contradiction.
#[derive(Debug)]
pub(crate) struct Tried {
    pub runs: u64,
    pub by: Runner,
    /// Of the claims that may fail with some probability, that of which one may expect the fewest failures: runs in which it failed.
    pub failures: u64,
    /// The most failures that it lets one expect.
    pub expected: f64,
    /// A clause that had no value in one of them.
    pub without: Option<String>,
}

/// Executions side by side.
pub(super) const LANES: usize = 64;

#[derive(Clone, Debug)]
pub(super) enum Enumeration {
    All(u64),
    Some(u64),
    /// And whether it is one failure more than is claimed, and not a single run.
    Wrong(Box<Wrong>, bool),
}

/// What one execution shows of all claims, by their numbers.
#[derive(Default)]
struct Outcome {
    /// The first that has no value.
    without: Option<usize>,
    /// Each that does not hold, and the probability with which it may fail.
    fails: Vec<(usize, f64)>,
}

impl Outcome {
    /// Whether every claim has a value, and holds.
    fn is_right(&self) -> bool {
        self.without.is_none() && self.fails.is_empty()
    }

    /// A claim that does not hold and may not fail.
    fn contradicted(&self) -> Option<usize> {
        let mut fails = self.fails.iter();
        let never = fails.find(|(_, except)| *except <= 0.0);
        never.map(|(number, _)| *number)
    }
}

impl Claimed {
    pub(super) fn required(&self, inputs: &[Vec<u128>], rows: usize) -> bool {
        let instance = self.instance(inputs, &[]);
        let mut requires = self.claims.iter().flat_map(|c| &c.requires);
        requires.all(|requires| instance.requires(&requires.claim, rows))
    }

    /// All claims, that of the standard operation before those of the text.
    fn ensures(&self) -> impl Iterator<Item = &Ensures> {
        self.claims.iter().flat_map(|c| &c.ensures)
    }

    /// Holds every claim against an execution: one that fails, as it may, excuses no other one.
    fn judge(&self, inputs: &[Vec<u128>], outputs: &[Vec<u128>], rows: usize) -> Outcome {
        let instance = self.instance(inputs, outputs);
        let mut outcome = Outcome::default();
        for (number, ensures) in self.ensures().enumerate() {
            let holds = instance.ensures(ensures, rows);
            let except = match holds {
                Some(true) => continue,
                Some(false) => instance.except(ensures),
                None => None,
            };
            match except {
                Some(except) => outcome.fails.push((number, except)),
                None => outcome.without = outcome.without.or(Some(number)),
            }
        }
        outcome
    }

    /// Whether every claim has a value for one row, and holds.
    pub(super) fn holds(&self, inputs: &[Vec<u128>], outputs: &[Vec<u128>]) -> bool {
        self.judge(inputs, outputs, 1).is_right()
    }

    fn text(&self, number: usize) -> String {
        let ensures = self.ensures().nth(number);
        match ensures {
            Some(ensures) if !ensures.text.is_empty() => {
                format!("it does not hold that it {}", ensures.text)
            }
            _ => "the result is not the claimed value".to_owned(),
        }
    }

    /// A clause as it is written.
    fn clause(&self, number: usize) -> String {
        let ensures = self.ensures().nth(number);
        match ensures {
            Some(ensures) if !ensures.text.is_empty() => ensures.text.clone(),
            _ => "what the operation means".to_owned(),
        }
    }

    /// Whether a claim speaks of orders of rows, which one value at a time does not show.
    pub(super) fn orders(&self) -> bool {
        let mut ensures = self.ensures();
        ensures.any(|e| e.over == Some(Domain::Permutation))
    }

    /// The claims that may fail, by their numbers, each with the probability with which it may on these operands.
    pub(super) fn allowances(&self, inputs: &[Vec<u128>]) -> Vec<(usize, f64)> {
        let instance = self.instance(inputs, &[]);
        let numbered = self.ensures().enumerate();
        let may_fail = numbered.filter(|(_, ensures)| ensures.except.is_some());
        may_fail
            .map(|(number, ensures)| (number, instance.except(ensures).unwrap_or(0.0)))
            .collect()
    }
}

/// Enumerates what is left of the coins after [`fewer_coins`]; `None` if that is too much, or if something
/// fails that may fail with a probability, for which every coin must be counted. What never fails does not fail
/// more often than it may.
fn enumerate_reduced(
    problem: &Problem,
    claimed: &Claimed,
    limits: &Limits,
) -> Result<Option<Enumeration>, Malformed> {
    if claimed.orders() {
        return Ok(None);
    }
    let boxes = products(problem);
    if !boxes.is_empty()
        && let Some(reduced) = fewer_coins(problem, &boxes)?
        && let Some(Enumeration::All(total)) =
            enumerate_symbols(problem, claimed, limits, &reduced)?
    {
        return Ok(Some(Enumeration::All(total)));
    }
    // A contradiction may need components that no call puts out; without boxes it is one.
    match fewer_coins(problem, &[])? {
        Some(reduced) => enumerate_symbols(problem, claimed, limits, &reduced),
        None => Ok(None),
    }
}

fn enumerate_symbols(
    problem: &Problem,
    claimed: &Claimed,
    limits: &Limits,
    reduced: &Reduced,
) -> Result<Option<Enumeration>, Malformed> {
    if reduced.bits > (limits.assignments as f64).log2() - 2.0 {
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
    let mut symbols = reduced.symbols.clone();
    let varied = Varied::new(&run.terms, &reduced.value, &mut symbols);
    let mut values = vec![0u128; run.symbols.len()];
    let mut total = 0;
    let domains = Domains::new(problem, 1);
    // A number that some do not know is no public one.
    let mut scalars = params.iter().enumerate();
    if scalars
        .any(|(at, symbol)| run.symbols[*symbol].kind == Kind::Scalar && !domains.is_amount(at))
    {
        return Ok(None);
    }
    let mut tuples = domains.tuples().to_vec();
    if domains.amounts().is_empty() {
        tuples.push(Vec::new());
    }
    for tuple in tuples {
        let mut known = Known::default();
        let mut counter = Counter::default();
        let mut inputs: Inputs = vec![Vec::new(); params.len()];
        let (mut admitted, mut before) = (None, None);
        loop {
            counter.rewind();
            for (symbol, domain) in &symbols {
                let elem = run.symbols[symbol.0 as usize].elem;
                values[symbol.0 as usize] = coin(domain, elem, &mut counter);
            }
            for (at, amount) in domains.amounts().iter().zip(&tuple) {
                values[params[*at]] = *amount;
            }
            let own = params.iter().map(|at| &values[*at..=*at]);
            if changed(&mut inputs, own) || admitted.is_none() {
                admitted = Some(claimed.required(&inputs, 1));
                before = None;
            }
            if admitted == Some(true) {
                let Some(got) = run.terms.evaluate_varied(&varied, &values, &mut known) else {
                    return Ok(None);
                };
                total += 1;
                // Most coins do not show in the result.
                let outcome = match before {
                    Some(word) if word == got => Outcome::default(),
                    _ => claimed.judge(&inputs, &[vec![got]], 1),
                };
                before = Some(got);
                if let Some(number) = outcome.contradicted() {
                    let what = claimed.text(number);
                    let wrong = wrong(problem, inputs, vec![got], what);
                    return Ok(Some(Enumeration::Wrong(wrong, false)));
                }
                if !outcome.is_right() {
                    return Ok(None);
                }
            }
            match counter.step() {
                Some(digit) => varied.forget(digit, &mut known),
                None => break,
            }
        }
    }
    Ok(Some(Enumeration::All(total)))
}

/// Whether operands are others than they were, which they then are.
pub(super) fn changed<'v>(inputs: &mut Inputs, values: impl Iterator<Item = &'v [u128]>) -> bool {
    let mut changed = false;
    for (rows, words) in inputs.iter_mut().zip(values) {
        if rows.as_slice() != words {
            rows.clear();
            rows.extend_from_slice(words);
            changed = true;
        }
    }
    changed
}

/// The results of one execution, rows together.
pub(super) fn outcome(problem: &Problem, machine: &Machine, lane: usize) -> Inputs {
    let results = problem.flat.results.iter().zip(&problem.results);
    results
        .map(|(operand, spec)| {
            let ids = operand_ids(operand);
            (0..machine.rows)
                .map(|row| match spec {
                    Operand::Clear { .. } => machine.word(ids[0], row, lane),
                    Operand::Shared(sharing) => machine.reconstruct(ids, sharing, row, lane),
                })
                .collect()
        })
        .collect()
}

pub(super) fn wrong(problem: &Problem, inputs: Inputs, got: Vec<u128>, what: String) -> Box<Wrong> {
    Box::new(Wrong {
        what,
        elem: first_elem(problem),
        inputs,
        got,
    })
}

/// The shared results whose components must fit one another.
pub(super) struct Consistent<'p> {
    results: Vec<Fitting<'p>>,
}

/// A shared result: its components, and what is 0 of them.
struct Fitting<'p> {
    ids: &'p [u32],
    sharing: &'p Sharing,
    parities: Vec<Vec<u128>>,
}

impl<'p> Consistent<'p> {
    pub fn new(problem: &'p Problem) -> Self {
        let results = problem.flat.results.iter().zip(&problem.results);
        let found = results.filter_map(|(operand, spec)| match spec {
            Operand::Clear { .. } => None,
            Operand::Shared(sharing) => Some(Fitting {
                ids: operand_ids(operand),
                sharing,
                parities: parities(sharing),
            }),
        });
        Self {
            results: found.filter(|r| !r.parities.is_empty()).collect(),
        }
    }

    pub fn holds(&self, machine: &Machine, lane: usize) -> bool {
        self.results.iter().all(|r| {
            let mut rows = 0..machine.rows;
            rows.all(|row| machine.consistent(r.ids, &r.parities, r.sharing, row, lane))
        })
    }

    pub fn broken(problem: &Problem, inputs: Inputs, got: Inputs) -> Box<Wrong> {
        let what = "the components of the result are no sharing".to_owned();
        wrong(problem, inputs, got.concat(), what)
    }
}

/// What relations of calls are tabulated for: the values of the one public number, or one run where there is none; nothing
/// where there are several.
pub(super) fn amounts(problem: &Problem) -> Vec<u128> {
    match amount_params(problem).count() {
        0 => vec![1],
        1 => Domains::new(problem, 1).tuples().concat(),
        _ => Vec::new(),
    }
}

pub(super) fn enumerate(problem: &Problem, limits: &Limits) -> Result<Enumeration, Malformed> {
    let claimed = Claimed::new(problem);
    let mut machine = Machine::of_results(problem, 1)?;
    let rows = machine.rows;
    let total = assignment_bits(problem, rows, &|step| machine.carries_out(step));
    if total > (limits.assignments as f64).log2() {
        if let Some(done) = enumerate_reduced(problem, &claimed, limits)? {
            return Ok(done);
        }
        let runs = limits.samples * 4;
        return Ok(match random(problem, runs)? {
            Err(wrong) => {
                let allowances = claimed.allowances(&wrong.inputs);
                let some = allowances.iter().any(|(_, allowed)| *allowed > 0.0);
                Enumeration::Wrong(wrong, some)
            }
            Ok(tried) => Enumeration::Some(tried.runs),
        });
    }
    let mut wide = Machine::of_results(problem, LANES)?;
    let domains = Domains::new(problem, rows);
    let consistent = Consistent::new(problem);
    let (mut total, mut complete) = (0, true);
    let mut outer = Counter::default();
    loop {
        outer.rewind();
        let inputs = domains.draw(&mut outer);
        if claimed.required(&inputs, rows) {
            // One execution tells which coins there are.
            let mut coins = Counter::default();
            machine.load(problem, &inputs, 0, &mut coins);
            machine.run(&mut coins);
            let mut batch = Batch::new(&coins, LANES);
            let (mut runs, mut before) = (0u64, None);
            // By claim: how often it failed, with what probability it may, and what came out the last time.
            let mut failed: Vec<Option<(u64, f64, Inputs)>> =
                claimed.ensures().map(|_| None).collect();
            'coins: loop {
                let filled = batch.fill();
                for lane in 0..filled {
                    wide.load(problem, &inputs, lane, &mut batch.lane(lane));
                }
                if filled == 0 {
                    break;
                }
                wide.run(&mut batch);
                for lane in 0..filled {
                    runs += 1;
                    let got = outcome(problem, &wide, lane);
                    if !consistent.holds(&wide, lane) {
                        let broken = Consistent::broken(problem, inputs, got);
                        return Ok(Enumeration::Wrong(broken, false));
                    }
                    // Most coins do not show in the result.
                    if before.as_ref() == Some(&got) {
                        continue;
                    }
                    let outcome = claimed.judge(&inputs, &got, rows);
                    complete &= outcome.without.is_none();
                    for (number, except) in &outcome.fails {
                        let failures = failed[*number].as_ref().map_or(0, |before| before.0);
                        failed[*number] = Some((failures + 1, *except, got.clone()));
                    }
                    if outcome.contradicted().is_some() {
                        break 'coins;
                    }
                    if outcome.fails.is_empty() {
                        before = Some(got);
                    }
                }
            }
            total += runs;
            for (number, found) in failed.into_iter().enumerate() {
                if let Some((failures, allowed, got)) = found
                    && failures as f64 > allowed.max(0.0) * runs as f64 + 1e-6
                {
                    let what = claimed.text(number);
                    let wrong = wrong(problem, inputs, got.concat(), what);
                    return Ok(Enumeration::Wrong(wrong, allowed > 0.0));
                }
            }
        }
        if !outer.advance() {
            break;
        }
    }
    Ok(if complete && total > 0 {
        Enumeration::All(total)
    } else {
        Enumeration::Some(total)
    })
}

/// Whether operands are within what is required.
pub(super) fn required(problem: &Problem, inputs: &Inputs, rows: usize) -> bool {
    Claimed::new(problem).required(inputs, rows)
}

/// What random runs showed so far.
pub(super) struct Tally<'p> {
    pub problem: &'p Problem,
    pub claimed: Claimed,
    /// Where operands come from.
    pub random: Random,
    /// Operands drawn, those that are refused among them.
    pub drawn: u64,
    /// Runs judged.
    pub done: u64,
    runner: Runner,
    /// By claim, for those that may fail: the runs, and the last one that failed.
    measured: Vec<(Strata, Option<Box<Wrong>>)>,
    /// A claim that had no value in a run, by its number.
    without: Option<usize>,
}

impl<'p> Tally<'p> {
    pub fn new(problem: &'p Problem, runs: u64, runner: Runner) -> Self {
        let claimed = Claimed::new(problem);
        let measured = claimed.ensures().map(|_| (Strata::default(), None));
        Self {
            problem,
            measured: measured.collect(),
            claimed,
            random: Random(runs ^ 0xc0de),
            drawn: 0,
            done: 0,
            runner,
            without: None,
        }
    }

    /// Counts a run.
    pub fn judge(&mut self, inputs: Inputs, got: Inputs, rows: usize) -> Result<(), Box<Wrong>> {
        self.done += 1;
        let outcome = self.claimed.judge(&inputs, &got, rows);
        self.without = outcome.without.or(self.without);
        let failed = |number: usize, inputs: &Inputs| {
            let what = self.claimed.text(number);
            wrong(self.problem, inputs.clone(), got.concat(), what)
        };
        if let Some(number) = outcome.contradicted() {
            return Err(failed(number, &inputs));
        }
        for (number, chance) in self.claimed.allowances(&inputs) {
            let (strata, last) = &mut self.measured[number];
            let stratum = strata.run(chance);
            if outcome.fails.iter().any(|(at, _)| *at == number) {
                stratum.failures += 1;
                *last = Some(failed(number, &inputs));
            }
        }
        Ok(())
    }

    /// All runs, or one that fails where more fail than the claim explains.
    pub fn finish(self) -> Result<Tried, Box<Wrong>> {
        for (strata, last) in &self.measured {
            if let (Some(wrong), Some(one)) = (last, strata.miracle()) {
                let mut wrong = wrong.clone();
                wrong.what = format!(
                    "{}: {} of {} runs fail, where at most {:.1} are expected",
                    wrong.what, one.failures, one.runs, one.expected
                );
                return Err(wrong);
            }
        }
        let may_fail = self.claimed.ensures().zip(&self.measured);
        let may_fail = may_fail.filter(|(ensures, _)| ensures.except.is_some());
        let strata = may_fail.map(|(_, (strata, _))| strata.all());
        let least = strata.min_by(|a, b| a.expected.total_cmp(&b.expected));
        let least = least.unwrap_or_default();
        Ok(Tried {
            runs: self.done,
            by: self.runner,
            failures: least.failures,
            expected: least.expected,
            without: self.without.map(|number| self.claimed.clause(number)),
        })
    }
}

/// Random executions within what is required: how many there were, or a wrong one. Operands outside
/// are drawn anew, a few times.
pub(super) fn random(problem: &Problem, runs: u64) -> Result<Result<Tried, Box<Wrong>>, Malformed> {
    let mut machine = Machine::of_results(problem, LANES)?;
    let rows = machine.rows;
    let source = Source::new(problem, rows);
    let consistent = Consistent::new(problem);
    let mut tally = Tally::new(problem, runs, Runner::Prover);
    while tally.done < runs && tally.drawn < runs.saturating_mul(20) {
        let mut batch: Vec<Inputs> = Vec::with_capacity(LANES);
        let tuple = source.domains.tuple(problem, &mut tally.random);
        while batch.len() < LANES && tally.drawn < runs.saturating_mul(20) {
            let mut inputs = source.operands(problem, tally.drawn, &mut tally.random);
            source.domains.set(&mut inputs, &tuple);
            tally.drawn += 1;
            if tally.claimed.required(&inputs, rows) {
                machine.load(problem, &inputs, batch.len(), &mut tally.random);
                batch.push(inputs);
            }
        }
        machine.run(&mut tally.random);
        for (lane, inputs) in batch.into_iter().enumerate() {
            let got = outcome(problem, &machine, lane);
            if !consistent.holds(&machine, lane) {
                return Ok(Err(Consistent::broken(problem, inputs, got)));
            }
            if let Err(wrong) = tally.judge(inputs, got, rows) {
                return Ok(Err(wrong));
            }
        }
    }
    Ok(tally.finish())
}
