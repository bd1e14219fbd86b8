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
use crate::facts::Facts;
use crate::functions::Functions;
use crate::fuse::fuse;
use crate::needed::{captures, defines, is_barrier, reads};
use crate::project::Act;
use crate::sink::sink;

/// Acts of a function at most.
const LONG: usize = 60;
/// Acts of a stretch.
const STRETCH: usize = 40;

/// A call of a function that parties share.
#[derive(Clone, Debug)]
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
    let acts = sink(acts);
    let mut outliner = Outliner {
        facts,
        functions,
        read,
        parts: HashMap::default(),
    };
    outliner.block(acts, &[])
}

struct Outliner<'f, 's, 'g> {
    facts: &'f Facts<'f>,
    functions: &'g mut Functions<'s>,
    /// How often each value is read.
    read: HashMap<Value, usize>,
    /// How many parts of each instance have been seen.
    parts: HashMap<u32, usize>,
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

impl Outliner<'_, '_, '_> {
    fn block<'p>(
        &mut self,
        acts: Vec<Act<'p>>,
        tail: &[Value],
    ) -> Result<Vec<Act<'p>>, Unsupported> {
        let mut out = Vec::with_capacity(acts.len());
        let mut run: Vec<Act<'p>> = vec![];
        for act in acts {
            let joins = run.last().is_some_and(|last| match instance(last) {
                Some(call) => instance(&act) == Some(call),
                None => instance(&act).is_none() && source(last) == source(&act),
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
    fn run<'p>(
        &mut self,
        run: &mut Vec<Act<'p>>,
        out: &mut Vec<Act<'p>>,
    ) -> Result<(), Unsupported> {
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
        let acts = fuse(self.facts, &self.read, acts);
        let part = self.parts.entry(call).or_default();
        *part += 1;
        let part = *part;
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
        out.push(Act::Call(call));
        Ok(())
    }

    /// Coins of different sets in the order in which they are read, so that parties differ less. Those
    /// of one set stay in their order, which all its members have.
    fn in_order_of_use<'p>(&self, mut acts: Vec<Act<'p>>) -> Vec<Act<'p>> {
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
    fn cut<'p>(&self, acts: Vec<Act<'p>>, tail: &[Value]) -> Vec<Act<'p>> {
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
        let mut out = vec![];
        let mut stretch: Vec<Act<'p>> = vec![];
        let mut taken = 0;
        let mut finish = |stretch: &mut Vec<Act<'p>>, taken: usize| {
            let acts = std::mem::take(stretch);
            if acts.is_empty() {
                return;
            }
            let mut seen = HashSet::default();
            let own = acts.iter().flat_map(defines).filter(|v| seen.insert(*v));
            let handed: Vec<Value> = own
                .filter(|v| last.get(v).is_some_and(|at| *at >= taken))
                .collect();
            let (kept, results) = handed.iter().partition(|v| self.facts.is_reserved(**v));
            let mut read = captures(&acts, &[]);
            read.retain(|v| !self.facts.is_written_where_read(*v));
            let (coins, args) = read.iter().partition(|v| self.facts.is_reserved(**v));
            out.push(Act::Part(Box::new(Part {
                acts,
                coins,
                args,
                results,
                kept,
            })));
        };
        for act in acts {
            let heavy = is_barrier(&act);
            stretch.push(act);
            taken += 1;
            if stretch.len() >= LONG || (stretch.len() >= STRETCH && heavy) {
                finish(&mut stretch, taken);
            }
        }
        finish(&mut stretch, taken);
        // Parts of very long code are cut again.
        self.cut(out, tail)
    }
}
