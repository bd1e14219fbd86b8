//! The refuter: exact distributions of views in small rings.
//!
//! For every input and every assignment of coins the protocol is executed and the view of the
//! coalition recorded. Two inputs with the same values and results for the coalition must give the
//! same views equally often; so must, for one input, two keys that others hold, and the two orders of a shuffle's rows.
//! The refuter shares nothing with the prover.

mod allowed;
mod compared;
pub(crate) mod confirmed;
mod kept;
mod pairs;
mod sample;
mod shown;
pub(crate) mod wide;

pub(crate) use allowed::{Allowed, small};
pub(crate) use compared::tells_no_more;
use kept::{Hidden, Kept};
use shown::shown;

use crate::element::{bits, order, width};
use crate::machine::{Counter, Machine};
use crate::operands::Domains;
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::requires::Required;
use crate::sharing;
use crate::verdict::{self, Inputs, Leak, Limits, Told, Wrong};
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::Source;
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::collections::{BTreeMap, HashMap};

/// The outcome of one search in one ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refutation {
    /// Everything enumerated; no difference.
    Exhausted {
        /// How many assignments.
        assignments: u64,
    },
    /// A difference.
    Leak(Box<Leak>),
    /// Not fresh.
    NotFresh(Box<Wrong>),
    /// Too many assignments to enumerate; samples showed no difference.
    Sampled {
        /// How many executions.
        runs: u64,
    },
}

/// What the coalition sees, in order: the value, and the step if it is a message.
pub(crate) struct View {
    /// Keys that it knows.
    keys: Vec<usize>,
    pub(crate) ids: Vec<(u32, Option<u32>)>,
}

impl View {
    pub(crate) fn new(problem: &Problem, coalition: PartySet, components: bool) -> Self {
        let flat = &problem.flat;
        let meets = |set: PartySet| !set.intersection(coalition).is_empty();
        let mut ids = Vec::new();
        for (operand, spec) in flat.params.iter().zip(&problem.params) {
            if let (true, Operand::Shared(sharing)) = (components, spec) {
                for (&id, holders) in operand_ids(operand).iter().zip(&sharing.holders) {
                    if meets(holders.union(flat.values[id as usize].known_to)) {
                        ids.push((id, None));
                    }
                }
            }
        }
        for (at, step) in flat.steps.iter().enumerate() {
            match step.op {
                FlatOp::Coin(_) if meets(flat.values[step.result as usize].known_to) => {
                    ids.push((step.result, None));
                }
                FlatOp::Send { to, .. } if meets(to) => {
                    ids.push((step.args[0], Some(at as u32)));
                }
                _ => {}
            }
        }
        let keys = problem.keys.iter().enumerate();
        let keys = keys.filter(|(_, key)| meets(key.known_to));
        Self {
            keys: keys.map(|(at, _)| at).collect(),
            ids,
        }
    }

    /// A number that is equal for equal views of the first elements: packed while they fit into
    /// 128 bits, interned beyond.
    fn key(&self, machine: &Machine, problem: &Problem, first: usize, intern: &mut Intern) -> u128 {
        let (mut key, mut room) = (1u128, 120u32);
        let mut push = |word: u128, bits: u32| {
            for chunk in 0..bits.div_ceil(32) {
                let part = bits.min(32 * (chunk + 1)) - 32 * chunk;
                if part > room {
                    let next = intern.len() as u128;
                    key = *intern.entry(key).or_insert(next);
                    // Interned numbers stay below 2^64, far fewer than assignments.
                    key |= 1 << 64;
                    room = 55;
                }
                key = key << part | word >> (32 * chunk) & ((1 << part) - 1);
                room -= part;
            }
        };
        for &at in &self.keys {
            push(machine.key(at, 0), u32::from(width(problem.keys[at].elem)));
        }
        for &(id, _) in &self.ids[..first] {
            let info = &problem.flat.values[id as usize];
            let bits = if info.kind == Kind::Rows {
                1
            } else {
                u32::from(width(info.elem))
            };
            let rows = if info.kind == Kind::Scalar {
                1
            } else {
                machine.rows
            };
            for &word in &machine.value(id)[..rows] {
                push(word, bits);
            }
        }
        key
    }
}

type Intern = HashMap<u128, u128>;

/// Bits of all coins of one execution, dealt components included.
fn coin_bits(problem: &Problem, rows: usize, drawn: &dyn Fn(usize) -> bool) -> f64 {
    let mut total = 0.0;
    let rows = rows as f64;
    for spec in &problem.params {
        if let Operand::Shared(sharing) = spec {
            let coins = sharing::matrix(sharing)
                .first()
                .map_or(0, |row| row.len() - 1);
            total += rows * coins as f64 * bits(sharing.elem);
        }
    }
    let mut add = |domain: &CoinDomain, elem: Elem, rows: f64| {
        total += match domain {
            CoinDomain::Permutation => 1.0,
            CoinDomain::Below(bound) => rows * (*bound as f64).log2(),
            CoinDomain::Nonzero => rows * (order(elem) as f64 - 1.0).log2().max(0.0),
            _ => rows * bits(elem),
        };
    };
    for key in &problem.keys {
        add(&key.domain, key.elem, 1.0);
    }
    for (at, step) in problem.flat.steps.iter().enumerate() {
        if let FlatOp::Coin(domain) = &step.op
            && drawn(at)
        {
            let info = &problem.flat.values[step.result as usize];
            let rows = if info.kind == Kind::Scalar { 1.0 } else { rows };
            add(domain, info.elem, rows);
        }
    }
    total
}

/// How many assignments an exhaustive execution has that draws these steps' coins, as a power of two.
pub(crate) fn assignment_bits(
    problem: &Problem,
    rows: usize,
    drawn: &dyn Fn(usize) -> bool,
) -> f64 {
    Domains::new(problem, rows).bits() + coin_bits(problem, rows, drawn)
}

/// The element type of the first operand, for reports.
pub(crate) fn first_elem(problem: &Problem) -> Elem {
    match problem.params.first() {
        Some(Operand::Shared(sharing)) => sharing.elem,
        Some(Operand::Clear { elem, .. }) => *elem,
        None => Elem::Ring(1),
    }
}

/// Compares the views of a coalition over all inputs and coins, for fresh sharings of the operands.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn refute_privacy(
    problem: &Problem,
    coalition: PartySet,
    limits: &Limits,
) -> Result<Refutation, Malformed> {
    let mut machine = Machine::new(problem)?;
    let view = View::new(problem, coalition, true);
    let domains = Domains::new(problem, machine.rows);
    if domains.is_empty() {
        return Ok(Refutation::Sampled { runs: 0 });
    }
    let total = assignment_bits(problem, machine.rows, &|_| true);
    if total > (limits.assignments as f64).log2() {
        return Ok(sample::sample(
            problem,
            coalition,
            limits,
            &mut machine,
            &view,
        ));
    }
    let mut groups: BTreeMap<Inputs, (Inputs, Vec<u128>)> = BTreeMap::new();
    let kept = Kept::new(problem, coalition);
    let mut intern = Intern::new();
    let (mut outer, mut assignments, mut alone) = (Counter::default(), 0, 0);
    let (all, allowed) = (view.ids.len(), Allowed::new(problem, coalition));
    let required = Required::of(problem);
    loop {
        outer.rewind();
        let inputs = domains.draw(&mut outer);
        if !required.admits(&inputs, machine.rows) {
            if outer.advance() {
                continue;
            }
            break;
        }
        let by = views(
            problem,
            &mut machine,
            &view,
            &kept,
            &inputs,
            all,
            &mut intern,
        );
        if let Some(told) = told(&by) {
            let apart = |length: usize, machine: &mut Machine| {
                let mut intern = Intern::new();
                let by = views(problem, machine, &view, &kept, &inputs, length, &mut intern);
                self::told(&by).is_some()
            };
            let length = locate(&view, &mut |length| apart(length, &mut machine));
            let message = message(&view, length);
            let both = [inputs.clone(), inputs.clone()];
            let mut found = leak(problem, coalition, both, message);
            found.told = told;
            return Ok(Refutation::Leak(Box::new(found)));
        }
        let keys = together(by);
        assignments += keys.len() as u64;
        let Some(group) = allowed.of(&inputs, machine.rows) else {
            alone += keys.len() as u64;
            if outer.advance() {
                continue;
            }
            break;
        };
        match groups.get(&group) {
            None => {
                groups.insert(group, (inputs, keys));
            }
            Some((first, reference)) if *reference != keys => {
                let (first, second) = (first.clone(), inputs);
                let mut apart = |length: usize| {
                    let mut intern = Intern::new();
                    let [a, b] = [&first, &second].map(|inputs| {
                        let machine = &mut machine;
                        together(views(
                            problem,
                            machine,
                            &view,
                            &kept,
                            inputs,
                            length,
                            &mut intern,
                        ))
                    });
                    a != b
                };
                let length = locate(&view, &mut apart);
                let both = [&first, &second];
                let seen = length.map(|l| shown(problem, &mut machine, &view, both, l));
                let message = message(&view, length);
                let mut leak = leak(problem, coalition, [first, second], message);
                leak.view = seen.unwrap_or_default();
                return Ok(Refutation::Leak(Box::new(leak)));
            }
            Some(_) => {}
        }
        if !outer.advance() {
            break;
        }
    }
    // Inputs that are held against no others were enumerated for nothing.
    Ok(match alone {
        0 => enumerated(assignments),
        _ => Refutation::Sampled { runs: assignments },
    })
}

/// What was enumerated without a difference: nothing if the text admits no operands.
fn enumerated(assignments: u64) -> Refutation {
    match assignments {
        0 => Refutation::Sampled { runs: 0 },
        _ => Refutation::Exhausted { assignments },
    }
}

/// The sorted views of one input over all coins, by what they must not tell.
fn views(
    problem: &Problem,
    machine: &mut Machine,
    view: &View,
    kept: &Kept,
    inputs: &Inputs,
    first: usize,
    intern: &mut Intern,
) -> BTreeMap<Hidden, Vec<u128>> {
    let mut by: BTreeMap<Hidden, Vec<u128>> = BTreeMap::new();
    let mut coins = Counter::default();
    loop {
        coins.rewind();
        machine.load(problem, inputs, 0, &mut coins);
        machine.run(&mut coins);
        let key = view.key(machine, problem, first, intern);
        let hidden = kept.of(machine, problem, inputs);
        by.entry(hidden).or_default().push(key);
        if !coins.advance() {
            break;
        }
    }
    by.values_mut().for_each(|keys| keys.sort_unstable());
    by
}

/// All views of one input.
fn together(by: BTreeMap<Hidden, Vec<u128>>) -> Vec<u128> {
    let mut all: Vec<u128> = by.into_values().flatten().collect();
    all.sort_unstable();
    all
}

/// What views of one input tell of what they must not: orders, or keys, with which they come in other numbers.
fn told(by: &BTreeMap<Hidden, Vec<u128>>) -> Option<Told> {
    for ((keys, order), views) in by {
        if let Some(order) = order
            && by.get(&(keys.clone(), Some(!order))) != Some(views)
        {
            return Some(Told::Order);
        }
    }
    let mut orders = by.iter().filter(|((_, order), _)| *order != Some(true));
    let (_, first) = orders.next()?;
    orders.any(|(_, views)| views != first).then_some(Told::Key)
}

pub(crate) fn leak(
    problem: &Problem,
    coalition: PartySet,
    inputs: [Inputs; 2],
    message: Option<u32>,
) -> Leak {
    let [first, second] = inputs;
    let step = message.and_then(|at| problem.flat.steps.get(at as usize));
    let from_to = match step.map(|s| &s.op) {
        Some(FlatOp::Send { from, to }) => format!(
            "{} -> {}",
            problem.party_name(Party(*from)),
            problem.set_name(*to)
        ),
        _ => String::new(),
    };
    Leak {
        coalition,
        elem: first_elem(problem),
        first,
        second,
        told: Told::Inputs,
        view: verdict::View::default(),
        message,
        from_to,
        source: step.map_or(Source::default(), |s| s.source),
        exact: true,
    }
}

/// That a coalition knows all that makes up the order of a shuffle's rows.
pub(crate) fn known_order(problem: &Problem, coalition: PartySet) -> Leak {
    let nothing = [Inputs::new(), Inputs::new()];
    Leak {
        told: Told::Order,
        ..leak(problem, coalition, nothing, None)
    }
}

/// The length of the shortest prefix of the view that tells things apart.
fn locate(view: &View, apart: &mut dyn FnMut(usize) -> bool) -> Option<usize> {
    (1..=view.ids.len()).find(|length| apart(*length))
}

/// The message at the end of a prefix of the view.
fn message(view: &View, length: Option<usize>) -> Option<u32> {
    length.and_then(|length| view.ids[length - 1].1)
}

/// Whether, for every sharing of the operands, the components of a result outside the coalition
/// are uniform among those that make up its value, whatever the view and the value.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn refute_freshness(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
    limits: &Limits,
) -> Result<Refutation, Malformed> {
    let mut machine = Machine::new(problem)?;
    let Some(Operand::Shared(sharing)) = problem.results.get(result) else {
        return Ok(Refutation::Exhausted { assignments: 0 });
    };
    let ids = operand_ids(&problem.flat.results[result]);
    let held = sharing::held(sharing, coalition);
    let mut choices = sharing::choices(sharing, &held, 1).into_iter();
    let watched: Vec<u32> = match choices.next() {
        Some(free) => free.into_iter().map(|i| ids[i]).collect(),
        None => return Ok(Refutation::Exhausted { assignments: 0 }),
    };
    let parities = sharing::parities(sharing);
    if watched.is_empty() && parities.is_empty() {
        return Ok(Refutation::Exhausted { assignments: 0 });
    }
    let outcomes = bits(sharing.elem) * (watched.len() * machine.rows) as f64;
    let total = assignment_bits(problem, machine.rows, &|_| true);
    if total > (limits.assignments as f64).log2() || outcomes > 16.0 {
        return Ok(Refutation::Sampled { runs: 0 });
    }
    let view = View::new(problem, coalition, false);
    let domains = Domains::new(problem, machine.rows);
    if domains.is_empty() {
        return Ok(Refutation::Sampled { runs: 0 });
    }
    let mut intern = Intern::new();
    let (mut outer, mut assignments) = (Counter::default(), 0);
    let required = Required::of(problem);
    loop {
        outer.rewind();
        let inputs = domains.draw(&mut outer);
        if !required.admits(&inputs, machine.rows) {
            if outer.advance() {
                continue;
            }
            return Ok(enumerated(assignments));
        }
        machine.load(problem, &inputs, 0, &mut outer);
        let loaded = machine.values.clone();
        let mut seen: HashMap<(u128, Vec<u128>), Vec<u32>> = HashMap::new();
        let mut coins = Counter::default();
        loop {
            coins.rewind();
            machine.values.copy_from_slice(&loaded);
            machine.run(&mut coins);
            assignments += 1;
            let key = view.key(&machine, problem, view.ids.len(), &mut intern);
            if (0..machine.rows).any(|row| !machine.consistent(ids, &parities, sharing, row, 0)) {
                return Ok(Refutation::NotFresh(Box::new(Wrong {
                    what: "the components of the result are no sharing".to_owned(),
                    elem: first_elem(problem),
                    inputs,
                    got: ids.iter().map(|id| machine.word(*id, 0, 0)).collect(),
                })));
            }
            let (mut at, mut count) = (0usize, 1usize);
            for &id in &watched {
                for &word in machine.value(id) {
                    at = at * order(sharing.elem) as usize + word as usize;
                    count *= order(sharing.elem) as usize;
                }
            }
            let value = (0..machine.rows).map(|row| machine.reconstruct(ids, sharing, row, 0));
            let key = (key, value.collect::<Vec<u128>>());
            seen.entry(key).or_insert_with(|| vec![0; count])[at] += 1;
            if !coins.advance() {
                break;
            }
        }
        if let Some(counts) = seen.values().find(|c| c.iter().any(|n| *n != c[0])) {
            let most = counts.iter().max().copied().unwrap_or(0);
            let at = counts.iter().position(|n| *n == most).unwrap_or(0);
            return Ok(Refutation::NotFresh(Box::new(Wrong {
                what: format!(
                    "a component of the result is not uniform for {}",
                    problem.set_name(coalition)
                ),
                elem: first_elem(problem),
                inputs,
                got: vec![at as u128],
            })));
        }
        if !outer.advance() {
            return Ok(enumerated(assignments));
        }
    }
}
