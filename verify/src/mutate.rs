//! Mutants: protocols with one fault each, for tests of the prover.

use crate::problem::Problem;
use smpc_ir::flat::{Flat, FlatOp, FlatOperand};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mutation {
    /// A coin is 0.
    DropMask,
    /// A coin is another coin.
    ReuseMask,
    /// A coin is of half the ring.
    NarrowMask,
    /// A message is not sent.
    DropSend,
    /// A message goes to another party instead.
    RedirectSend,
    /// A message goes to one more party.
    WidenSend,
    /// A sum is a difference, or the reverse.
    FlipSign,
    /// A term of a sum is left out.
    DropTerm,
    /// An operand is another value of the same type and knowledge.
    SwapIndex,
    /// A coin is known to one more party.
    WidenCoin,
    /// A message carries another value that the sender knows.
    SendOther,
}

/// A protocol with one fault.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Which fault.
    pub mutation: Mutation,
    /// At which step.
    pub step: usize,
    /// The protocol.
    pub problem: Problem,
}

/// All mutants of a protocol with one fault each.
pub fn mutants(problem: &Problem) -> Vec<Mutant> {
    let mut found = Vec::new();
    for step in 0..problem.flat.steps.len() {
        for (mutation, flat) in faults(problem, step) {
            if flat != *problem.flat {
                found.push(Mutant {
                    mutation,
                    step,
                    problem: problem.with_flat(flat),
                });
            }
        }
    }
    found
}

fn one(party: Party) -> PartySet {
    PartySet::from_iter([party])
}

fn faults(problem: &Problem, at: usize) -> Vec<(Mutation, Flat)> {
    let flat = &*problem.flat;
    let step = &flat.steps[at];
    let info = &flat.values[step.result as usize];
    let mut list = Vec::new();
    let mut with = |mutation, change: &dyn Fn(&mut Flat)| {
        let mut mutant = flat.clone();
        change(&mut mutant);
        list.push((mutation, mutant));
    };
    let everyone = problem.everyone();
    match &step.op {
        FlatOp::Coin(_) => {
            with(Mutation::DropMask, &|f| {
                f.steps[at].op = FlatOp::Local(Local::Constant(0))
            });
            if let (FlatOp::Coin(CoinDomain::Uniform), Elem::Ring(m @ 2..)) = (&step.op, info.elem)
            {
                with(Mutation::NarrowMask, &|f| {
                    f.steps[at].op = FlatOp::Coin(CoinDomain::Below(1 << (m - 1)));
                });
            }
            let earlier = flat.steps[..at].iter().rev().filter(|other| {
                let theirs = &flat.values[other.result as usize];
                matches!(other.op, FlatOp::Coin(_))
                    && theirs.elem == info.elem
                    && theirs.kind == info.kind
            });
            for other in earlier.take(4) {
                let (old, new) = (step.result, other.result);
                let union = flat.values[new as usize].known_to.union(info.known_to);
                with(Mutation::ReuseMask, &|f| {
                    replace(f, at, old, new);
                    f.values[new as usize].known_to = union;
                });
            }
            for party in everyone.without(info.known_to).iter() {
                with(Mutation::WidenCoin, &|f| {
                    let known = &mut f.values[step.result as usize].known_to;
                    *known = known.union(one(party));
                });
            }
        }
        FlatOp::Send { from, to } => {
            let (from, to) = (*from, *to);
            let (old, new) = (step.result, step.args[0]);
            with(Mutation::DropSend, &|f| replace(f, at, old, new));
            for party in everyone.without(to.union(one(Party(from)))).iter() {
                with(Mutation::RedirectSend, &|f| {
                    f.steps[at].op = FlatOp::Send {
                        from,
                        to: one(party),
                    };
                    let known = &mut f.values[old as usize].known_to;
                    *known = known.without(to).union(one(party));
                });
                with(Mutation::WidenSend, &|f| {
                    let to = to.union(one(party));
                    f.steps[at].op = FlatOp::Send { from, to };
                });
            }
            for other in 0..flat.values.len() as u32 {
                let theirs = &flat.values[other as usize];
                let defined = flat.steps[..at].iter().any(|s| s.result == other)
                    || flat.params.iter().any(|p| operand_has(p, other));
                if other != new
                    && defined
                    && theirs.elem == info.elem
                    && theirs.kind == info.kind
                    && theirs.known_to.contains(Party(from))
                {
                    with(Mutation::SendOther, &|f| {
                        f.steps[at].args[0] = other;
                        let known = theirs.known_to.union(to);
                        f.values[old as usize].known_to = known;
                    });
                }
            }
        }
        FlatOp::Local(Local::Prim(prim @ (Prim::Add | Prim::Sub))) => {
            let flipped = if *prim == Prim::Add {
                Prim::Sub
            } else {
                Prim::Add
            };
            with(Mutation::FlipSign, &|f| {
                f.steps[at].op = FlatOp::Local(Local::Prim(flipped))
            });
            for keep in 0..2 {
                let new = step.args[keep];
                if flat.values[new as usize].kind == info.kind {
                    with(Mutation::DropTerm, &|f| replace(f, at, step.result, new));
                }
            }
        }
        _ => {}
    }
    if let FlatOp::Local(_) | FlatOp::Bilinear = step.op {
        for (operand, &arg) in step.args.iter().enumerate() {
            let mine = &flat.values[arg as usize];
            for other in (0..arg).rev().take(60) {
                let theirs = &flat.values[other as usize];
                let fits = theirs.elem == mine.elem
                    && theirs.kind == mine.kind
                    && info.known_to.is_subset(theirs.known_to);
                if fits {
                    with(Mutation::SwapIndex, &|f| f.steps[at].args[operand] = other);
                }
            }
        }
    }
    list
}

fn operand_has(operand: &FlatOperand, id: u32) -> bool {
    crate::problem::operand_ids(operand).contains(&id)
}

/// Removes a step and uses another value for its result.
fn replace(flat: &mut Flat, at: usize, old: u32, new: u32) {
    flat.steps.remove(at);
    for call in &mut flat.calls {
        let shift = |end: &mut u32| *end -= u32::from(*end as usize > at);
        shift(&mut call.steps.start);
        shift(&mut call.steps.end);
    }
    let swap = |id: &mut u32| {
        if *id == old {
            *id = new;
        }
    };
    for step in &mut flat.steps {
        step.args.iter_mut().for_each(swap);
    }
    let called = flat.calls.iter_mut().flat_map(|call| &mut call.results);
    for result in flat.results.iter_mut().chain(called) {
        match result {
            FlatOperand::Clear(id) => swap(id),
            FlatOperand::Shared(ids) => ids.iter_mut().for_each(swap),
        }
    }
}
