//! What goes into functions of its own: the parts of protocols, which all parties share, and stretches of
//! long code.
//!
//! Between two exchanges the steps of one instance of a protocol stand together, and become a call.
//! Instances of the same structure share the function: it takes sizes and sets of coins as
//! arguments. What is left is cut where it is long, because the time to compile a function grows
//! faster than the function.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use smpc_ir::Size;
use smpc_ir::local::Source;
use smpc_ir::party::{PartySet, Value};

use crate::Unsupported;
use crate::alike::Alike;
use crate::facts::Facts;
use crate::functions::Functions;
use crate::fuse::fuse;
use crate::needed::{captures, defines, reads};
use crate::project::Act;
use crate::sink::sink;

/// Acts of a function at most.
const LONG: usize = 80;
/// Acts of a stretch at least, unless nothing is left.
const SHORT: usize = 40;

/// A call of a function that parties share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// Its number among those of the party.
    pub function: usize,
    /// Whether it takes coins from streams.
    pub draws: bool,
    pub sets: Vec<PartySet>,
    pub shapes: Vec<Vec<Size>>,
    pub sizes: Vec<Size>,
    pub coins: Vec<Value>,
    pub args: Vec<Value>,
    pub results: Vec<Value>,
    /// Coins that it reserves for later.
    pub kept: Vec<Value>,
    pub source: Source,
}

/// A stretch of a party's code.
#[derive(Clone, Debug)]
pub(crate) struct Part<'p> {
    pub acts: Vec<Act<'p>>,
    pub coins: Vec<Value>,
    pub args: Vec<Value>,
    pub results: Vec<Value>,
    pub kept: Vec<Value>,
}

/// Rewrites a party's acts.
pub(crate) fn outline<'p>(
    facts: &Facts<'_>,
    functions: &mut Functions<'_>,
    acts: Vec<Act<'p>>,
) -> Result<Vec<Act<'p>>, Unsupported> {
    let mut read = HashMap::default();
    for act in &acts {
        reads(act, &mut |value, _| *read.entry(value).or_default() += 1);
    }
    let acts = sink(facts, acts);
    let mut outliner = Outliner {
        facts,
        functions,
        read,
        parts: HashMap::default(),
        alike: Alike::default(),
    };
    outliner.block(acts, &[])
}

struct Outliner<'f, 's, 'g, 'p> {
    facts: &'f Facts<'f>,
    functions: &'g mut Functions<'s>,
    /// How often each value is read.
    read: HashMap<Value, usize>,
    /// How many parts of each instance have been seen.
    parts: HashMap<u32, usize>,
    /// Runs that became calls.
    alike: Alike<'p>,
}

/// The instance of a protocol that an act is of; `None` for the script's own.
fn instance(act: &Act<'_>) -> Option<u32> {
    match act {
        Act::Local { origin, .. } | Act::Coin { origin, .. } => origin.map(|o| o.call),
        _ => None,
    }
}

fn source(act: &Act<'_>) -> Option<Source> {
    match act {
        Act::Local { source, .. } => Some(*source),
        _ => None,
    }
}

impl<'p> Outliner<'_, '_, '_, 'p> {
    fn block(&mut self, acts: Vec<Act<'p>>, tail: &[Value]) -> Result<Vec<Act<'p>>, Unsupported> {
        let mut out = Vec::with_capacity(acts.len());
        let mut run: Vec<Act<'p>> = vec![];
        for act in acts {
            let joins = run.last().is_some_and(|last| match instance(last) {
                Some(call) => instance(&act) == Some(call),
                // Calls of one function on one line share passes.
                None => {
                    let text = |act| source(act).map(Source::text);
                    instance(&act).is_none() && text(last) == text(&act)
                }
            });
            if !joins || !matches!(act, Act::Local { .. } | Act::Coin { .. }) {
                self.run(&mut run, &mut out)?;
            }
            match act {
                Act::Local { .. } | Act::Coin { .. } => run.push(act),
                mut other => {
                    for (block, tail) in other.blocks() {
                        *block = self.block(std::mem::take(block), &tail)?;
                    }
                    out.push(other);
                }
            }
        }
        self.run(&mut run, &mut out)?;
        Ok(self.cut(out, tail))
    }

    /// Steps that belong together, without messages between.
    fn run(&mut self, run: &mut Vec<Act<'p>>, out: &mut Vec<Act<'p>>) -> Result<(), Unsupported> {
        let acts = std::mem::take(run);
        let Some(call) = acts.first().and_then(instance) else {
            out.extend(fuse(self.facts, &self.read, acts));
            return Ok(());
        };
        let mut inner: HashMap<Value, usize> = HashMap::default();
        for act in &acts {
            reads(act, &mut |value, _| *inner.entry(value).or_default() += 1);
        }
        let own = acts.iter().flat_map(defines);
        let leaves: Vec<Value> = own
            .filter(|value| {
                let all = self.read.get(value).copied().unwrap_or(0);
                all > inner.get(value).copied().unwrap_or(0)
            })
            .collect();
        let source = acts.iter().find_map(source).unwrap_or_default();
        let part = self.parts.entry(call).or_default();
        *part += 1;
        let part = *part;
        let (facts, read) = (self.facts, &self.read);
        let run = self.alike.run(facts, &acts, call, &leaves, read);
        let known = run.as_ref().and_then(|run| self.alike.call(run, source));
        // The tests write each anew.
        if let Some(known) = known.as_ref().filter(|_| !cfg!(debug_assertions)) {
            out.push(Act::Call(known.clone()));
            return Ok(());
        }
        let acts = fuse(self.facts, &self.read, acts);
        // One operation is no function, and coins alone are none.
        let single = matches!(acts[..], [Act::Local { .. }]);
        if single || acts.iter().all(|act| matches!(act, Act::Coin { .. })) {
            out.extend(acts);
            return Ok(());
        }
        let acts = self.in_order_of_use(acts);
        let (kept, results): (Vec<Value>, Vec<Value>) =
            leaves.iter().partition(|v| self.facts.is_reserved(**v));
        let call = self
            .functions
            .call(call, part, &acts, results, kept, source)?;
        debug_assert!(known.is_none_or(|known| known == call), "{acts:?}");
        if let Some(run) = run {
            self.alike.became(run, &call);
        }
        out.push(Act::Call(call));
        Ok(())
    }

    /// Coins of different sets in the order in which they are read, so that parties differ less. Those
    /// of one set stay in their order, which all its members have.
    fn in_order_of_use(&self, mut acts: Vec<Act<'p>>) -> Vec<Act<'p>> {
        let mut order = vec![];
        for act in &acts {
            reads(act, &mut |value, _| order.push(value));
        }
        let coin = |act: &Act<'p>| match act {
            Act::Coin { result, used, .. } => Some((*result, *used)),
            _ => None,
        };
        let coins: Vec<(Value, bool)> = acts.iter().filter_map(coin).collect();
        let mut sets: Vec<PartySet> = coins.iter().map(|c| self.facts.known_to(c.0)).collect();
        sets.sort();
        let apart = sets.windows(2).all(|pair| pair[0] != pair[1]);
        if apart && coins.iter().all(|(_, used)| *used) {
            let place = |value| order.iter().position(|own| *own == value);
            acts.sort_by_key(|act| coin(act).map_or((1, None), |(value, _)| (0, place(value))));
        }
        acts
    }

    /// Stretches of a long block.
    fn cut(&self, acts: Vec<Act<'p>>, tail: &[Value]) -> Vec<Act<'p>> {
        if acts.len() <= LONG {
            return acts;
        }
        let mut last: HashMap<Value, usize> = HashMap::default();
        for (at, act) in acts.iter().enumerate() {
            reads(act, &mut |value, _| {
                last.insert(value, at);
            });
        }
        for value in tail {
            last.insert(*value, usize::MAX);
        }
        let ends = ends(&acts, &last);
        let mut acts = acts.into_iter();
        let mut out = vec![];
        let mut taken = 0;
        for end in ends {
            let stretch: Vec<Act<'p>> = acts.by_ref().take(end - taken).collect();
            taken = end;
            let mut seen = HashSet::default();
            let own = stretch.iter().flat_map(defines);
            let own = own.filter(|v| seen.insert(*v));
            let handed: Vec<Value> = own
                .filter(|v| last.get(v).is_some_and(|at| *at >= taken))
                .collect();
            let (kept, results) = handed.iter().partition(|v| self.facts.is_reserved(**v));
            let mut read = captures(&stretch, &[]);
            read.retain(|v| !self.facts.is_written_where_read(*v));
            let (coins, args) = read.iter().partition(|v| self.facts.is_reserved(**v));
            out.push(Act::Part(Box::new(Part {
                acts: stretch,
                coins,
                args,
                results,
                kept,
            })));
        }
        // Parts of very long code are cut again.
        self.cut(out, tail)
    }
}

/// Where to cut a long list of acts: behind each stretch, where the fewest values are handed on, of which `last` is the place of
/// the last reader.
fn ends(acts: &[Act<'_>], last: &HashMap<Value, usize>) -> Vec<usize> {
    // How many values cross the border before each act.
    let mut change = vec![0isize; acts.len() + 1];
    for (at, act) in acts.iter().enumerate() {
        for value in defines(act) {
            let gone = last.get(&value).map_or(at, |last| (*last).min(acts.len()));
            if gone > at {
                change[at + 1] += 1;
                if let Some(behind) = change.get_mut(gone + 1) {
                    *behind -= 1;
                }
            }
        }
    }
    let mut crossing = 0;
    let crossing: Vec<isize> = change
        .into_iter()
        .map(|more| {
            crossing += more;
            crossing
        })
        .collect();
    let mut ends = vec![];
    let mut taken = 0;
    while acts.len() - taken > LONG {
        let window = taken + SHORT..=taken + LONG;
        // Of several equally good ones the last.
        let best = window.rev().min_by_key(|at| crossing[*at]);
        taken = best.unwrap_or(taken + LONG);
        ends.push(taken);
    }
    ends.push(acts.len());
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use smpc_ir::local::Local;

    #[test]
    fn long_code_is_cut_where_little_is_handed_on() {
        let local = |result: usize, args: &[usize]| {
            let value = |at: usize| Value(u32::try_from(at).unwrap());
            Act::Local {
                op: &Local::Iota,
                args: args.iter().map(|at| value(*at)).collect(),
                result: value(result),
                source: Source::default(),
                origin: None,
            }
        };
        // Each reads the one before; between 30 and 50, and from 60 on, each is read much later, too.
        let late = |at: usize| (30..50).contains(&at) || (60..150).contains(&at);
        let mut acts: Vec<Act<'_>> = (0..150)
            .map(|at| local(at, &[at.saturating_sub(1)]))
            .collect();
        let read: Vec<usize> = (0..50).filter(|at| late(*at)).collect();
        acts[50] = local(50, &read);
        let read: Vec<usize> = (60..150).collect();
        acts.push(local(150, &read));
        let mut last = HashMap::default();
        for (at, act) in acts.iter().enumerate() {
            reads(act, &mut |value, _| {
                last.insert(value, at);
            });
        }
        // The last place at which one value is handed on: 60, read twice.
        assert_eq!(ends(&acts, &last)[0], 61);
        let all = ends(&acts, &last);
        assert_eq!(all.last(), Some(&acts.len()));
        let lengths = all.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(lengths.clone().all(|length| length <= LONG), "{all:?}");
        let short = lengths.clone().take(all.len() - 2).all(|n| n >= SHORT);
        assert!(short, "{all:?}");
    }
}
