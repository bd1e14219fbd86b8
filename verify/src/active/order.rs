//! What comes before what, whatever the network and the adversary do.
//!
//! An honest party performs a step once it has what the step reads, and begins nothing behind a
//! barrier before all of its own steps in front of it are done. Nothing else can be relied on: the
//! adversary may hold a message back until it has seen all that does not wait for it.

use crate::problem::Problem;
use smpc_ir::flat::FlatOp;
use smpc_ir::party::{Party, PartySet};
use std::collections::{HashMap, HashSet, VecDeque};

/// A step at an honest party.
pub(super) type Event = (usize, u8);

/// For each event the events that wait for it directly.
pub(super) struct Order {
    next: HashMap<Event, Vec<Event>>,
}

impl Order {
    pub fn new(problem: &Problem, coalition: PartySet) -> Self {
        let flat = &problem.flat;
        let honest = problem.everyone().without(coalition);
        let mut defined: HashMap<u32, usize> = HashMap::new();
        let mut next: HashMap<Event, Vec<Event>> = HashMap::new();
        let mut mine: HashMap<u8, Vec<usize>> = HashMap::new();
        for (at, step) in flat.steps.iter().enumerate() {
            let result = flat.values[step.result as usize].known_to;
            let takes_part = match &step.op {
                FlatOp::Send { from, to } => {
                    result.union(to.union(PartySet::from_iter([Party(*from)])))
                }
                FlatOp::Check { at } | FlatOp::Assert { at } => result.union(*at),
                _ => result,
            };
            for party in takes_part.intersection(honest).iter() {
                mine.entry(party.0).or_default().push(at);
                let had = |arg: &u32| flat.values[*arg as usize].known_to.contains(party);
                for arg in step.args.iter().filter(|arg| had(arg)) {
                    if let Some(from) = defined.get(arg) {
                        next.entry((*from, party.0))
                            .or_default()
                            .push((at, party.0));
                    }
                }
                if let FlatOp::Send { from, .. } = &step.op
                    && *from != party.0
                    && honest.contains(Party(*from))
                {
                    next.entry((at, *from)).or_default().push((at, party.0));
                }
            }
            defined.insert(step.result, at);
        }
        for (party, steps) in &mine {
            for barrier in &flat.barriers {
                let split = steps.partition_point(|at| *at < *barrier as usize);
                let behind: Vec<Event> = steps[split..].iter().map(|at| (*at, *party)).collect();
                for at in &steps[..split] {
                    next.entry((*at, *party)).or_default().extend(&behind);
                }
            }
        }
        Self { next }
    }

    /// The events that wait for this one.
    pub fn after(&self, event: Event) -> HashSet<Event> {
        let mut open = VecDeque::from([event]);
        let mut seen = HashSet::new();
        while let Some(event) = open.pop_front() {
            for following in self.next.get(&event).into_iter().flatten() {
                if seen.insert(*following) {
                    open.push_back(*following);
                }
            }
        }
        seen
    }
}
