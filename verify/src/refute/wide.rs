//! Random executions at full width, where no small ring says anything.
//!
//! What a small ring cannot show, as a mask that covers the low half of a number, is in any few thousand runs at full width:
//! views of pairs of inputs are held against each other, also on what the coalition computes of them, and once more with the
//! coalition's own coins and components fixed. A difference counts if other coins show it again. Of results that clauses fix up to
//! an error, runs are compared in which they come out the same.

use super::confirmed::{self, Beside, SEEN};
use super::pairs::{APART, Apart};
use super::shown::named;
use super::{Allowed, Refutation, View, leak};
use crate::apart::{Difference, Part, Samples};
use crate::certificate::{Element, Name};
use crate::faithful::beside;
use crate::machine::{Machine, Random};
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::symbolic::expansion;
use crate::verdict::{self, Inputs, Limits, Seen, Wrong};
use smpc_ir::flat::FlatOp;
use smpc_ir::local::{Local, Source};
use smpc_ir::party::{Elem, PartySet};
use std::collections::BTreeMap;

/// Steps of all runs of one question.
const STEPS: usize = 40_000_000;
/// Runs on each input, at least and at most.
const RUNS: (usize, usize) = (750, 3_000);
/// What the coalition computes of messages: the first such values, and as many of the last.
const COMPUTED: usize = 16;
/// Of so many runs one is compared, of those in which results are the same.
const KEPT: usize = 3;

/// What is looked at of a run: a value, the last message that it depends on, its name and where it was written.
struct Looked {
    id: u32,
    message: Option<u32>,
    name: String,
    source: Source,
}

/// The elements of a view, and what the coalition computes of them.
fn looked(problem: &Problem, coalition: PartySet, view: &View) -> Vec<Looked> {
    let flat = &problem.flat;
    let meets = |set: PartySet| !set.intersection(coalition).is_empty();
    let count = view.ids.len();
    let ids = view.ids.iter().enumerate();
    let ends = ids.filter(|(at, _)| *at < SEEN / 2 || at + SEEN / 2 >= count);
    let mut found: Vec<Looked> = ends
        .map(|(_, (id, message))| {
            let (name, source) = named(problem, *id, *message);
            Looked {
                id: *id,
                message: *message,
                name,
                source,
            }
        })
        .collect();
    let beside = beside(problem);
    let mut last: Vec<Option<u32>> = vec![None; flat.values.len()];
    let mut computed = Vec::new();
    for (at, step) in (0u32..).zip(&flat.steps) {
        let result = step.result as usize;
        let before = step.args.iter().filter_map(|arg| last[*arg as usize]).max();
        last[result] = match step.op {
            FlatOp::Send { to, .. } if meets(to) => Some(at),
            _ => before,
        };
        let local = matches!(step.op, FlatOp::Local(_) | FlatOp::Bilinear)
            && !matches!(step.op, FlatOp::Local(Local::Digest | Local::Broadcast));
        if local && before.is_some() && meets(flat.values[result].known_to) && !beside[result] {
            computed.push(Looked {
                id: step.result,
                message: before,
                name: format!("the value of step {at}"),
                source: step.source,
            });
        }
    }
    let count = computed.len();
    let ends = computed.into_iter().enumerate();
    let ends = ends.filter(|(at, _)| *at < COMPUTED || at + COMPUTED >= count);
    found.extend(ends.map(|(_, looked)| looked));
    found
}

/// How often views are sampled on each input.
fn runs(problem: &Problem, limits: &Limits) -> usize {
    let steps = 2 * APART.len() * problem.flat.steps.len().max(1);
    let most = 2 * usize::try_from(limits.samples).unwrap_or(usize::MAX / 2);
    (STEPS / steps).clamp(RUNS.0, RUNS.1).min(most)
}

/// Compares views of pairs of inputs at full width.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn sampled(
    problem: &Problem,
    coalition: PartySet,
    limits: &Limits,
) -> Result<Refutation, Malformed> {
    let mut machine = Machine::new(problem)?;
    let view = View::new(problem, coalition, true);
    let mut looked = looked(problem, coalition, &view);
    let computed: Vec<u32> = looked
        .iter()
        .filter(|looked| view.ids.iter().all(|(id, _)| *id != looked.id))
        .map(|looked| looked.id)
        .collect();
    let beside = Beside::of(problem, coalition, expansion(problem), &computed)?;
    let (allowed, runs) = (Allowed::new(problem, coalition), runs(problem, limits));
    let given: Vec<u32> = match allowed.rounds() {
        true => ids_of(problem, &allowed.results()),
        false => Vec::new(),
    };
    for id in &given {
        if looked.iter().all(|looked| looked.id != *id) {
            let (name, source) = named(problem, *id, None);
            let message = None;
            looked.push(Looked {
                id: *id,
                message,
                name,
                source,
            });
        }
    }
    let mut random = Random(0xf011);
    let mut done = 0;
    if runs == 0 || looked.iter().all(|looked| looked.message.is_none()) {
        return Ok(Refutation::Sampled { runs: 0 });
    }
    for apart in APART {
        let Some(pair) = apart.pair(problem, &allowed, machine.rows, &mut random) else {
            continue;
        };
        done += 2 * runs as u64;
        let mut whole = |random: &mut Random| {
            let (samples, rows) = whole(problem, &mut machine, &looked, &pair, runs, random)?;
            match given.is_empty() {
                true => Some((samples, rows)),
                false => Some((same(samples, &given, &looked, rows, runs / KEPT)?, rows)),
            }
        };
        if let Some(found) = twice(&mut whole, &mut random) {
            // Each row of a value is an element of the samples.
            let rows = found.1;
            let at = |element: usize| &looked[(element / rows).min(looked.len() - 1)];
            let (has, kept) = match given
                .first()
                .and_then(|id| looked.iter().find(|l| l.id == *id))
            {
                Some(looked) => (vec![in_all(looked)], runs / KEPT),
                None => (Vec::new(), runs),
            };
            return Ok(told(problem, coalition, pair, (found.0, kept), has, &at));
        }
        if !given.is_empty() {
            continue;
        }
        let mut seed = Random(random.word());
        let own = beside.own(problem, &mut seed);
        let mut fixed = |random: &mut Random| {
            Some((beside.samples_with(problem, &pair, &own, runs, random)?, 1))
        };
        if let Some((difference, _)) = twice(&mut fixed, &mut random) {
            let has = beside.shown(problem, &own, &difference.elements);
            let named: Vec<Looked> = beside
                .elements()
                .map(|element| match element {
                    Ok(Element::Message { step }) => step_named(problem, *step),
                    Ok(_) => step_named(problem, 0),
                    Err(id) => {
                        let own = looked.iter().find(|looked| looked.id == id);
                        own.map_or_else(
                            || step_named(problem, 0),
                            |own| Looked {
                                id,
                                message: own.message,
                                name: own.name.clone(),
                                source: own.source,
                            },
                        )
                    }
                })
                .collect();
            let at = |element: usize| &named[element];
            return Ok(told(problem, coalition, pair, (difference, runs), has, &at));
        }
    }
    Ok(Refutation::Sampled { runs: done })
}

fn step_named(problem: &Problem, step: u32) -> Looked {
    let (name, source) = named(problem, 0, Some(step));
    Looked {
        id: 0,
        message: Some(step),
        name,
        source,
    }
}

/// A difference that is found in samples and again in others, of as few elements as show it.
fn twice(
    samples: &mut dyn FnMut(&mut Random) -> Option<(Samples, usize)>,
    random: &mut Random,
) -> Option<(Difference, usize)> {
    let (first, _) = samples(random)?;
    first.difference()?;
    let (again, rows) = samples(random)?;
    let found = again.difference()?;
    if !matches!(found.part, Part::Sums | Part::LowAll) {
        return Some((found, rows));
    }
    // The shortest beginning that shows it.
    let (mut low, mut high) = (0, again.elems.len());
    let mut shortest = found;
    while low + 1 < high {
        let middle = (low + high) / 2;
        match again.first(middle).difference() {
            Some(found) => (shortest, high) = (found, middle),
            None => low = middle,
        }
    }
    Some((shortest, rows))
}

/// Views in runs of the machine.
fn whole(
    problem: &Problem,
    machine: &mut Machine,
    looked: &[Looked],
    pair: &[Inputs; 2],
    runs: usize,
    random: &mut Random,
) -> Option<(Samples, usize)> {
    let mut cases = [Vec::new(), Vec::new()];
    for (inputs, case) in pair.iter().zip(&mut cases) {
        for _ in 0..runs {
            machine.load(problem, inputs, 0, random);
            machine.run(random);
            let row = looked.iter().flat_map(|looked| {
                let bit = confirmed::elem(problem, looked.id) == Elem::Bits(1);
                let words = machine.value(looked.id).iter();
                words.map(move |word| if bit { word & 1 } else { *word })
            });
            case.push(row.collect::<Vec<u128>>());
        }
    }
    let rows = machine.rows;
    let elems = looked
        .iter()
        .flat_map(|looked| vec![confirmed::elem(problem, looked.id); rows]);
    let elems = elems.collect();
    Some((Samples { elems, cases }, rows))
}

/// The values of clear results.
fn ids_of(problem: &Problem, results: &[usize]) -> Vec<u32> {
    let operands = results
        .iter()
        .filter_map(|at| problem.flat.results.get(*at));
    operands.flat_map(operand_ids).copied().collect()
}

/// Of runs those, so many on each input, in which these values are what they are most often on both.
fn same(
    samples: Samples,
    given: &[u32],
    looked: &[Looked],
    rows: usize,
    kept: usize,
) -> Option<Samples> {
    let at = |id: &u32| looked.iter().position(|looked| looked.id == *id);
    let columns: Vec<usize> = given.iter().map(at).collect::<Option<_>>()?;
    let value = |run: &Vec<u128>| -> Vec<u128> {
        let words = columns
            .iter()
            .flat_map(|at| &run[at * rows..(at + 1) * rows]);
        words.copied().collect()
    };
    let counts = samples.cases.each_ref().map(|case| {
        let mut counts: BTreeMap<Vec<u128>, usize> = BTreeMap::new();
        for run in case {
            *counts.entry(value(run)).or_default() += 1;
        }
        counts
    });
    let both = counts[0].iter().filter_map(|(value, count)| {
        let other = counts[1].get(value)?;
        Some((*count.min(other), value))
    });
    let (_, most) = both.max().filter(|(count, _)| *count >= kept)?;
    let cases = samples.cases.map(|case| {
        let own = case.into_iter().filter(|run| value(run) == *most);
        own.take(kept).collect()
    });
    Some(Samples { cases, ..samples })
}

/// What is the same in all runs that are compared.
fn in_all(looked: &Looked) -> Seen {
    Seen {
        what: "with the same results".to_owned(),
        values: Vec::new(),
        source: looked.source,
    }
}

/// The counter-example.
fn told<'l>(
    problem: &Problem,
    coalition: PartySet,
    pair: [Inputs; 2],
    (difference, runs): (Difference, usize),
    mut seen: Vec<Seen>,
    looked: &dyn Fn(usize) -> &'l Looked,
) -> Refutation {
    let all = difference.elements.iter().map(|at| looked(*at));
    let message = all.filter_map(|looked| looked.message).max();
    let name = |at: usize| looked(difference.elements[at]).name.as_str();
    let count = difference.elements.len();
    let what = match difference.part {
        Part::Low => format!("four low bits of {}", name(0)),
        Part::High => format!("four high bits of {}", name(0)),
        Part::Bit(bit) => format!("bit {bit} of {}", name(0)),
        Part::Power(by) => format!("whether there is an e with e^{by} = {}", name(0)),
        Part::LowBoth => format!("two low bits of {} and two of {}", name(0), name(1)),
        Part::HighSum => format!("three high bits of {} + {}", name(0), name(1)),
        Part::HighDifference => format!("three high bits of {} - {}", name(0), name(1)),
        Part::LowAll => format!("low bits of {count} elements up to {}", name(count - 1)),
        Part::Sums => format!(
            "whether sums of multiples of {count} elements up to {} are what they always are on one of the inputs",
            name(count - 1)
        ),
    };
    let last = difference.elements.last();
    seen.push(Seen {
        what,
        values: vec![difference.value],
        source: last.map_or(Source::default(), |at| looked(*at).source),
    });
    let mut found = leak(problem, coalition, pair, message);
    found.exact = false;
    found.view = verdict::View {
        seen,
        often: difference.often,
        runs: runs as u64,
    };
    Refutation::Leak(Box::new(found))
}

/// Operands on which components of a result outside of a coalition are told from uniform ones that make up the same value.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn stale(
    problem: &Problem,
    (coalition, result): (PartySet, usize),
    limits: &Limits,
) -> Result<Option<Wrong>, Malformed> {
    if runs(problem, limits) == 0
        || !matches!(problem.results.get(result), Some(Operand::Shared(_)))
    {
        return Ok(None);
    }
    let rows = Machine::new(problem)?.rows;
    let allowed = Allowed::new(problem, coalition);
    let mut random = Random(0x57a1);
    for apart in [Apart::Any, Apart::Numbers, Apart::Bit] {
        let Some([first, _]) = apart.pair(problem, &allowed, rows, &mut random) else {
            continue;
        };
        let mut again = true;
        for _ in 0..2 {
            let seed = random.word();
            again &= confirmed::not_fresh(problem, (coalition, result), vec![first.clone()], seed)?;
            if !again {
                break;
            }
        }
        if again {
            return Ok(Some(Wrong {
                what: format!(
                    "components of the result are not uniform for {}, in samples at full width",
                    problem.set_name(coalition)
                ),
                elem: super::first_elem(problem),
                inputs: first,
                got: Vec::new(),
            }));
        }
    }
    Ok(None)
}

impl Beside {
    /// The messages and values that are looked at, the latter by number.
    fn elements(&self) -> impl Iterator<Item = Result<&Element, u32>> {
        let view = self.run.view.iter().take(SEEN);
        let view = view.map(|(element, ..)| Ok(element));
        view.chain(self.more.iter().map(|id| Err(*id)))
    }

    /// What the coalition has that stands in these messages.
    fn shown(&self, problem: &Problem, own: &[u128], elements: &[usize]) -> Vec<Seen> {
        let terms: Vec<_> = elements.iter().map(|at| &self.messages[*at]).collect();
        let symbols = self.run.symbols.iter().enumerate();
        let known = symbols.filter(|(at, info)| {
            let symbol = crate::term::Symbol(*at as u32);
            let class = info.class == crate::symbolic::Class::Known;
            let stands = |term: &&crate::term::Poly| self.run.terms.support(term).contains(symbol);
            class && !matches!(info.name, Name::Value { .. }) && terms.iter().any(stands)
        });
        let seen = known.map(|(at, info)| Seen {
            what: info.name.to_string(),
            values: vec![own[at]],
            source: match info.name {
                Name::Coin { step } => problem.flat.steps[step as usize].source,
                _ => Source::default(),
            },
        });
        seen.collect()
    }
}
