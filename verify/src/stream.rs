//! What is expanded from a seed of which nothing else is made, taken for coins.
//!
//! A seed is a uniform coin, and what its stream gives cannot be told from uniform elements by who does not have the seed. So the
//! expansion is a coin of all who know the seed: all that is said of the text then holds but for the generator's advantage. Not if the seed
//! is sent, put out, or computed with; nor if its stream is read in two ways, for each begins where the other does.

use smpc_ir::flat::{Call, Flat, FlatOp, FlatOperand, FlatStep};
use smpc_ir::local::Local;
use smpc_ir::party::{CoinDomain, Elem};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A protocol with coins for what is expanded from such seeds. Steps keep their places.
pub(crate) fn drawn(flat: &Arc<Flat>) -> Arc<Flat> {
    let is_seed = |step: &FlatStep| {
        let elem = flat.values[step.result as usize].elem;
        step.op == FlatOp::Coin(CoinDomain::Uniform) && elem == Elem::Bits(128)
    };
    let seeds = flat.steps.iter().enumerate().filter(|(_, s)| is_seed(s));
    let found: Vec<(usize, Vec<usize>)> = seeds
        .filter_map(|(at, step)| Some((at, streams(flat, at, step.result)?)))
        .collect();
    if found.is_empty() {
        return flat.clone();
    }
    let mut flat = (**flat).clone();
    let mut instead: BTreeMap<u32, u32> = BTreeMap::new();
    for (seed, streams) in found {
        let known = flat.values[flat.steps[seed].result as usize].clone();
        let coin = flat.steps[streams[0]].result;
        for at in streams {
            let step = &mut flat.steps[at];
            step.args.clear();
            step.op = match step.result == coin {
                true => FlatOp::Coin(CoinDomain::Uniform),
                false => FlatOp::Local(Local::Constant(0)),
            };
            instead.insert(step.result, coin);
        }
        let info = &mut flat.values[coin as usize];
        (info.known_to, info.offline) = (known.known_to, known.offline);
        flat.steps[seed].op = FlatOp::Local(Local::Constant(0));
    }
    let swap = |id: &mut u32| *id = *instead.get(id).unwrap_or(id);
    flat.steps
        .iter_mut()
        .flat_map(|s| &mut s.args)
        .for_each(swap);
    let calls = flat.calls.iter_mut();
    let named = calls.flat_map(|call| call.args.iter_mut().chain(&mut call.results));
    for operand in named.chain(&mut flat.results) {
        match operand {
            FlatOperand::Shared(ids) => ids.iter_mut().for_each(swap),
            FlatOperand::Clear(id) => swap(id),
        }
    }
    Arc::new(flat)
}

/// The steps that expand a seed, if nothing else is made of it, and they are one and the same stretch of its stream.
fn streams(flat: &Flat, drawn: usize, seed: u32) -> Option<Vec<usize>> {
    let reads = flat.steps.iter().enumerate();
    let reads = reads.filter(|(_, step)| step.args.contains(&seed));
    let reads: Vec<usize> = reads.map(|(at, _)| at).collect();
    let info = |at: usize| &flat.values[flat.steps[at].result as usize];
    let first = info(*reads.first()?);
    let alike = reads.iter().all(|at| {
        let step = &flat.steps[*at];
        let expands = step.op == FlatOp::Local(Local::Expand) && step.args.len() == 1;
        expands && (info(*at).elem, info(*at).kind) == (first.elem, first.kind)
    });
    let ids = |operand: &FlatOperand| match operand {
        FlatOperand::Shared(ids) => ids.contains(&seed),
        FlatOperand::Clear(id) => *id == seed,
    };
    let together = |call: &Call| {
        let inside = |at: usize| call.steps.contains(&(at as u32));
        let names = call.args.iter().chain(&call.results).any(ids);
        !names && reads.iter().all(|at| inside(*at) == inside(drawn))
    };
    let put_out = flat.params.iter().chain(&flat.results).any(ids);
    let recorded = flat.deferred.iter().flat_map(|call| &call.args).any(ids);
    let only = !put_out && !recorded && flat.calls.iter().all(together);
    (alike && only).then_some(reads)
}
