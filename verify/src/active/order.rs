//! What comes before what, whatever the network and the adversary do.
//!
//! An honest party performs a step once it has what the step reads, and begins nothing behind a
//! barrier before all of its own steps in front of it are done. Nothing else can be relied on: the
//! adversary may hold a message back until it has seen all that does not wait for it.

use crate::problem::Problem;
use smpc_ir::flat::FlatOp;
use smpc_ir::party::{Party, PartySet};
use std::collections::HashMap;

/// A step at an honest party.
pub(super) type Event = (usize, u8);

/// For each event the events that wait for it.
pub(super) struct Order {
    /// The place of each honest party in a step, and how many there are.
    places: Vec<Option<usize>>,
    width: usize,
    /// By steps and places; nothing for who takes no part in a step.
    after: Vec<Events>,
}

/// A set of events, by steps and places.
type Events = Vec<u64>;

fn insert(set: &mut Events, number: usize) {
    set[number / 64] |= 1 << (number % 64);
}

fn extend(set: &mut Events, other: &Events) {
    for (mine, theirs) in set.iter_mut().zip(other) {
        *mine |= theirs;
    }
}

impl Order {
    pub fn new(problem: &Problem, coalition: PartySet) -> Self {
        let flat = &problem.flat;
        let honest = problem.everyone().without(coalition);
        let mut places = vec![None; 256];
        for (party, place) in honest.iter().zip(0..) {
            places[usize::from(party.0)] = Some(place);
        }
        let width = honest.iter().count();
        let place = |party: u8| places[usize::from(party)].unwrap_or(0);
        let number = |(step, party): Event| step * width + place(party);
        let takes_part = |at: usize| {
            let step = &flat.steps[at];
            let result = flat.values[step.result as usize].known_to;
            let all = match &step.op {
                FlatOp::Send { from, to } => {
                    result.union(to.union(PartySet::from_iter([Party(*from)])))
                }
                FlatOp::Check { at } | FlatOp::Assert { at } => result.union(*at),
                _ => result,
            };
            all.intersection(honest)
        };
        // Those that wait for an event directly, but for barriers: all later ones, or the same message come in.
        let mut defined: HashMap<u32, usize> = HashMap::new();
        let mut next: HashMap<Event, Vec<Event>> = HashMap::new();
        for (at, step) in flat.steps.iter().enumerate() {
            for party in takes_part(at).iter() {
                let had = |arg: &u32| flat.values[*arg as usize].known_to.contains(party);
                for arg in step.args.iter().filter(|arg| had(arg)) {
                    if let Some(from) = defined.get(arg) {
                        let waits = next.entry((*from, party.0)).or_default();
                        waits.push((at, party.0));
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
        let count = flat.steps.len() * width;
        let none = || vec![0u64; count.div_ceil(64)];
        let mut after = vec![Events::new(); count];
        // For each party its steps that were looked at, and those of them behind a barrier, each with what waits for it.
        let mut done = vec![none(); width];
        let mut behind = vec![none(); width];
        for at in (0..flat.steps.len()).rev() {
            if flat.barriers.contains(&(at as u32 + 1)) {
                behind.clone_from(&done);
            }
            let mut parties: Vec<u8> = takes_part(at).iter().map(|p| p.0).collect();
            if let FlatOp::Send { from, .. } = &flat.steps[at].op {
                parties.sort_by_key(|party| party == from);
            }
            for party in parties {
                let mut all = behind[place(party)].clone();
                for event in next.get(&(at, party)).into_iter().flatten() {
                    insert(&mut all, number(*event));
                    extend(&mut all, &after[number(*event)]);
                }
                let own = &mut done[place(party)];
                insert(own, number((at, party)));
                extend(own, &all);
                after[number((at, party))] = all;
            }
        }
        Self {
            places,
            width,
            after,
        }
    }

    /// Whether an event waits for another one.
    pub fn waits(&self, event: Event, first: Event) -> bool {
        let number = |(step, party): Event| {
            let place = self.places[usize::from(party)]?;
            Some(step * self.width + place)
        };
        let (Some(event), Some(first)) = (number(event), number(first)) else {
            return false;
        };
        let after = &self.after[first];
        after
            .get(event / 64)
            .is_some_and(|word| word >> (event % 64) & 1 == 1)
    }
}
