//! Whether what a small ring shows is so at full width.
//!
//! Where a text is sums and products of coins that are all of a ring, its views modulo 2^m are those of the ring Z[2^m],
//! exactly: two inputs that are told apart there are so wherever they are these modulo 2^m. Of any other text the very
//! operands are tried at full width ([`crate::lift`]), and what the coalition sees on them is sampled.

use super::{Allowed, Kept, View};
use crate::apart::Samples;
use crate::bare::drawn;
use crate::certificate::Assumption;
use crate::element::{order, width};
use crate::lift::{level, lifts, same};
use crate::machine::{Choice, Machine, Random};
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::refute::first_elem;
use crate::requires::Required;
use crate::sharing;
use crate::symbolic::{Class, Execution, expansion};
use crate::term::Poly;
use crate::verdict::{Inputs, Leak, Told, Wrong, shrink};
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::party::{CoinDomain, Elem, PartySet};

/// Operands at full width that are tried for those of one counter-example.
const LIFTS: usize = 12;
/// Runs for each.
const RUNS: usize = 3_000;
/// Steps of all runs of one question.
const STEPS: usize = 40_000_000;
/// Elements of a view that are looked at: the first, and as many of the last.
pub(super) const SEEN: usize = 160;

/// Whether views in the small ring are those at full width modulo the small ring.
fn is_image(full: &Problem, small: &Problem) -> bool {
    let whole = full.flat.steps.iter().all(|step| match &step.op {
        FlatOp::Coin(domain) => {
            matches!(domain, CoinDomain::Uniform | CoinDomain::Permutation)
        }
        _ => true,
    });
    let bits = width(first_elem(small));
    whole && shrink(full, bits).is_some_and(|ring| ring.flat == small.flat)
}

/// Whether two inputs that a coalition tells apart in a small ring are told apart at full width; of an order or a key that is
/// told, only whether that follows.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn leaks(full: &Problem, small: &Problem, leak: &Leak) -> Result<bool, Malformed> {
    if same(full, small) {
        return Ok(true);
    }
    let image = is_image(full, small);
    if leak.told == Told::Key || leak.told == Told::Order && image {
        return Ok(image);
    }
    let (mut machine, coalition) = (Machine::new(full)?, leak.coalition);
    let rows = machine.rows;
    let (required, allowed) = (Required::of(full), Allowed::new(full, coalition));
    let one = [leak.first.clone()];
    let both = [leak.first.clone(), leak.second.clone()];
    let orders = leak.told == Told::Order;
    let given: Vec<&Inputs> = if orders { one.iter() } else { both.iter() }.collect();
    let mut leveled = Vec::new();
    let mut admits = |inputs: &[Inputs]| {
        let mut pair = [inputs[0].clone(), inputs[inputs.len() - 1].clone()];
        level(full, &allowed, &mut pair);
        let alike = orders || allowed.alike(&pair[0], &pair[1], rows);
        let admitted = alike && pair.iter().all(|inputs| required.admits(inputs, rows));
        if admitted {
            leveled.push(pair);
        }
        admitted
    };
    let count = if image { 1 } else { LIFTS };
    lifts(full, small, &given, count, &mut admits);
    if image {
        return Ok(!leveled.is_empty());
    }
    let view = View::new(full, coalition, true);
    let (mut random, runs) = (Random(0xc0f1), runs(full));
    let beside = Beside::new(full, coalition, expansion(full))?;
    let kept = Kept::new(full, coalition);
    for pair in leveled {
        let mut cases = [Vec::new(), Vec::new()];
        for (which, inputs) in pair.iter().enumerate() {
            for _ in 0..runs {
                machine.load(full, inputs, 0, &mut random);
                machine.run(&mut random);
                let which = match orders {
                    true => kept.swapped(&machine, full, inputs).map(usize::from),
                    false => Some(which),
                };
                if let Some(which) = which {
                    cases[which].push(row(full, &machine, &view));
                }
            }
        }
        let even = cases[0].len().min(cases[1].len());
        let uneven = cases[0].len().max(cases[1].len()) - even;
        if uneven * uneven > 150 * runs {
            return Ok(true);
        }
        cases.iter_mut().for_each(|rows| rows.truncate(even));
        let elems = elems(full, &machine, &view);
        let known = (!orders).then(|| beside.samples(full, &pair, runs, &mut random));
        let known = known.flatten().is_some_and(|samples| samples.differ());
        if known || (Samples { elems, cases }).differ() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Messages as terms, for samples in which what the coalition has of its own is always the same: its coins and its components
/// are distributed alike whatever the operands.
pub(super) struct Beside {
    pub(super) run: Execution,
    /// Values that are looked at behind the messages.
    pub(super) more: Vec<u32>,
    pub(super) messages: Vec<Poly>,
}

impl Beside {
    fn new(problem: &Problem, coalition: PartySet, limit: usize) -> Result<Self, Malformed> {
        Self::of(problem, coalition, limit, &[])
    }

    /// With other values beside the messages, if they are terms.
    pub(super) fn of(
        problem: &Problem,
        coalition: PartySet,
        limit: usize,
        more: &[u32],
    ) -> Result<Self, Malformed> {
        let run = Execution::new(problem, coalition, Assumption::Fresh, limit)?;
        let value = |id: &u32| run.values[*id as usize].clone();
        let more: Vec<u32> = more
            .iter()
            .copied()
            .filter(|id| value(id).is_some())
            .collect();
        let messages = run.view.iter().take(SEEN);
        let messages = messages.map(|(_, _, term)| term.clone());
        let messages = messages.chain(more.iter().filter_map(value)).collect();
        Ok(Self {
            run,
            more,
            messages,
        })
    }

    /// What the coalition has of its own in some runs: values of all symbols.
    pub(super) fn own(&self, problem: &Problem, random: &mut Random) -> Vec<u128> {
        let symbols = self.run.symbols.iter();
        symbols.map(|info| drawn(problem, info, random)).collect()
    }

    /// Nothing where a message is no function of single elements.
    fn samples(
        &self,
        problem: &Problem,
        pair: &[Inputs; 2],
        runs: usize,
        random: &mut Random,
    ) -> Option<Samples> {
        let own = self.own(problem, random);
        self.samples_with(problem, pair, &own, runs, random)
    }

    /// The same with what the coalition has given.
    pub(super) fn samples_with(
        &self,
        problem: &Problem,
        pair: &[Inputs; 2],
        own: &[u128],
        runs: usize,
        random: &mut Random,
    ) -> Option<Samples> {
        let run = &self.run;
        let mut cases = [Vec::new(), Vec::new()];
        for (inputs, case) in pair.iter().zip(&mut cases) {
            let mut values = own.to_vec();
            for (term, words) in run.inputs.iter().zip(inputs) {
                let [word] = words.as_slice() else {
                    return None;
                };
                values[run.terms.is_symbol(term)?.0 as usize] = *word;
            }
            for _ in 0..runs {
                for (value, info) in values.iter_mut().zip(&run.symbols) {
                    if matches!(info.class, Class::Pad | Class::Noise) {
                        *value = drawn(problem, info, random);
                    }
                }
                let mut done = Vec::new();
                let each = self.messages.iter();
                let each = each.map(|term| run.terms.evaluate(term, &values, &mut done));
                case.push(each.collect::<Option<Vec<u128>>>()?);
            }
        }
        let elems = self.messages.iter().map(Poly::elem).collect();
        Some(Samples { elems, cases })
    }
}

/// Whether a result of which a small ring shows that it is not fresh for a coalition is not so at full width: its
/// components outside of the coalition are held against uniform ones that make up the same value.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn stale(
    full: &Problem,
    small: &Problem,
    (coalition, result): (PartySet, usize),
    wrong: &Wrong,
) -> Result<bool, Malformed> {
    if !matches!(full.results.get(result), Some(Operand::Shared(_))) {
        return Ok(false);
    }
    if same(full, small) {
        return Ok(true);
    }
    let image = is_image(full, small);
    let (rows, required) = (Machine::new(full)?.rows, Required::of(full));
    let mut admits = |inputs: &[Inputs]| inputs.iter().all(|own| required.admits(own, rows));
    let count = if image { 1 } else { LIFTS };
    let found = lifts(full, small, &[&wrong.inputs], count, &mut admits);
    if image {
        return Ok(!found.is_empty());
    }
    let inputs = found.into_iter().flatten().collect();
    not_fresh(full, (coalition, result), inputs, 0xf5e5)
}

/// Whether on one of these operands components of a result are told from uniform ones that make up the same value.
pub(super) fn not_fresh(
    full: &Problem,
    (coalition, result): (PartySet, usize),
    operands: Vec<Inputs>,
    seed: u64,
) -> Result<bool, Malformed> {
    let Some(Operand::Shared(sharing)) = full.results.get(result) else {
        return Ok(false);
    };
    let mut machine = Machine::new(full)?;
    let rows = machine.rows;
    let ids = operand_ids(&full.flat.results[result]);
    let held = sharing::held(sharing, coalition);
    let choices = sharing::choices(sharing, &held, 1);
    let watched: Vec<u32> = match choices.first() {
        Some(free) => free.iter().map(|at| ids[*at]).collect(),
        None => return Ok(false),
    };
    let parities = sharing::parities(sharing);
    let view = View::new(full, coalition, false);
    let (mut random, runs) = (Random(seed), runs(full));
    let mut elems = elems(full, &machine, &view);
    elems.extend(vec![sharing.elem; rows * (1 + watched.len())]);
    for inputs in operands {
        let mut cases = [Vec::new(), Vec::new()];
        for (which, case) in cases.iter_mut().enumerate() {
            for _ in 0..runs {
                machine.load(full, &inputs, 0, &mut random);
                machine.run(&mut random);
                if (0..rows).any(|at| !machine.consistent(ids, &parities, sharing, at, 0)) {
                    return Ok(true);
                }
                let mut seen = row(full, &machine, &view);
                for at in 0..rows {
                    seen.push(machine.reconstruct(ids, sharing, at, 0));
                    seen.extend(watched.iter().map(|id| match which {
                        0 => machine.word(*id, at, 0),
                        _ => random.below(order(sharing.elem)),
                    }));
                }
                case.push(seen);
            }
        }
        let elems = elems.clone();
        if (Samples { elems, cases }).differ() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How often views of a protocol are sampled for each operands.
fn runs(problem: &Problem) -> usize {
    let steps = 2 * LIFTS * problem.flat.steps.len().max(1);
    (STEPS / steps).clamp(RUNS / 4, RUNS)
}

/// What is looked at of a view: its elements by number, first and last ones.
fn looked(view: &View) -> impl Iterator<Item = u32> + '_ {
    let count = view.ids.len();
    let ids = view.ids.iter().enumerate();
    let ends = ids.filter(move |(at, _)| *at < SEEN / 2 || at + SEEN / 2 >= count);
    ends.map(|(_, (id, _))| *id)
}

fn elems(problem: &Problem, machine: &Machine, view: &View) -> Vec<Elem> {
    let keys = view.keys.iter().map(|at| problem.keys[*at].elem);
    let ids = looked(view).flat_map(|id| vec![elem(problem, id); machine.rows]);
    keys.chain(ids).collect()
}

/// As what a value is looked at: of an order of rows by one bit.
pub(super) fn elem(problem: &Problem, id: u32) -> Elem {
    let info = &problem.flat.values[id as usize];
    match info.kind {
        Kind::Rows => Elem::Bits(1),
        _ => info.elem,
    }
}

fn row(problem: &Problem, machine: &Machine, view: &View) -> Vec<u128> {
    let keys = view.keys.iter().map(|at| machine.key(*at, 0));
    let words = looked(view).flat_map(|id| {
        let rows = problem.flat.values[id as usize].kind == Kind::Rows;
        let words = machine.value(id).iter();
        words.map(move |word| if rows { word & 1 } else { *word })
    });
    keys.chain(words).collect()
}
