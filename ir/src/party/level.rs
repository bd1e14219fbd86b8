//! Rounds by message depth, and the traffic of a program as formulas.
//!
//! A value is ready at a party at the depth of the longest chain of online messages behind it.
//! Every message whose contents are ready travels in the next round, so independent sends of a
//! block share rounds whatever their order in the text. A loop is a barrier: what follows it
//! starts after it, and its body starts a depth of its own. Offline messages have no depth.

use std::collections::BTreeMap;

use super::{Block, Op, Party, Program, Step, Validated, Value};
use crate::size::Size;

/// Rounds and bytes of a run, as formulas in the program's sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Online rounds, one after the other.
    pub rounds: Size,
    /// Bytes each party sends online, by [`Party`]; contents only, without framing.
    pub bytes: Vec<Size>,
    /// Bytes each party sends offline.
    pub offline_bytes: Vec<Size>,
}

impl Cost {
    fn none(parties: usize) -> Self {
        Self {
            rounds: Size::zero(),
            bytes: vec![Size::zero(); parties],
            offline_bytes: vec![Size::zero(); parties],
        }
    }

    /// This cost, then `next`.
    fn then(&mut self, next: &Self) {
        self.rounds = &self.rounds + &next.rounds;
        for (into, from) in [
            (&mut self.bytes, &next.bytes),
            (&mut self.offline_bytes, &next.offline_bytes),
        ] {
            for (sum, term) in into.iter_mut().zip(from) {
                *sum = &*sum + term;
            }
        }
    }
}

/// The cost of a whole program.
pub fn cost(program: Validated<'_>) -> Cost {
    let program = program.program();
    block_cost(program, &program.body)
}

fn block_cost(program: &Program, block: &Block) -> Cost {
    let mut total = Cost::none(program.parties.len());
    let mut depths = Depths::default();
    for step in &block.steps {
        match &step.op {
            Op::For { var, count, body } => {
                total.rounds = &total.rounds + &Size::from(depths.deepest);
                depths = Depths::default();
                let mut every = block_cost(program, body);
                every.rounds = Size::sum(*var, count, &every.rounds);
                for bytes in every.bytes.iter_mut().chain(&mut every.offline_bytes) {
                    *bytes = Size::sum(*var, count, bytes);
                }
                total.then(&every);
            }
            Op::Send { from, to } => {
                let (Some(arg), Some(result)) = (step.args.first(), step.results.first()) else {
                    continue;
                };
                let (Some(a), Some(r)) = (
                    program.values.get(arg.0 as usize),
                    program.values.get(result.0 as usize),
                ) else {
                    continue;
                };
                let receivers = to.without(a.known_to);
                if !receivers.is_empty() {
                    let bytes = &a.wire_bytes() * &Size::from(i128::from(receivers.len()));
                    let ledger = if r.offline {
                        &mut total.offline_bytes
                    } else {
                        &mut total.bytes
                    };
                    if let Some(sum) = ledger.get_mut(usize::from(from.0)) {
                        *sum = &*sum + &bytes;
                    }
                }
                let arrival = depths.at(*arg, *from) + i128::from(!r.offline);
                for party in r.known_to.iter() {
                    let depth = if a.known_to.contains(party) {
                        depths.at(*arg, party)
                    } else {
                        arrival
                    };
                    depths.set(*result, party, depth);
                }
                if !receivers.is_empty() {
                    depths.deepest = depths.deepest.max(arrival);
                }
            }
            _ => depths.local(program, step),
        }
    }
    total.rounds = &total.rounds + &Size::from(depths.deepest);
    total
}

/// Message depth of each value at each party; 0 where nothing is recorded.
#[derive(Default)]
struct Depths {
    ready: BTreeMap<(Value, Party), i128>,
    deepest: i128,
}

impl Depths {
    fn at(&self, value: Value, party: Party) -> i128 {
        self.ready.get(&(value, party)).copied().unwrap_or(0)
    }

    fn set(&mut self, value: Value, party: Party, depth: i128) {
        if depth > 0 {
            self.ready.insert((value, party), depth);
        }
    }

    fn local(&mut self, program: &Program, step: &Step) {
        for result in &step.results {
            let Some(info) = program.values.get(result.0 as usize) else {
                continue;
            };
            for party in info.known_to.iter() {
                let depth = step
                    .args
                    .iter()
                    .map(|a| self.at(*a, party))
                    .max()
                    .unwrap_or(0);
                self.set(*result, party, depth);
            }
        }
    }
}
