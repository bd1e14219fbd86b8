//! How many bits can reach a value: of coins, and of operands.
//!
//! Four single bits with weights 1, 2, 4 and 8 are all of a ring of four bits and hide everything in it; at full width they hide
//! the low bits of a number. What reaches a value passes through the values that it is computed from, and through none more than
//! it has bits: a cut of that graph bounds it.

use super::Of;
use super::types::{Place, alike, beside, name, place};
use crate::element::{bits, literal, mask};
use crate::problem::{Operand, Problem, operand_ids};
use crate::refute::View;
use crate::sharing::{held, matrix};
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{CoinDomain, Elem, PartySet};
use std::collections::{BTreeMap, VecDeque};

/// Parts of a bit that are counted: fields have no whole number of them.
const PARTS: f64 = 1024.0;

/// Edges of graphs that are looked at for one question.
const WORK: usize = 100_000_000;

fn parts(bits: f64) -> u64 {
    (bits.max(0.0) * PARTS).round() as u64
}

fn whole(elem: Elem) -> u64 {
    parts(bits(elem))
}

/// How much of a value bits that reach it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    None,
    Some,
    All,
}

/// What reaches one value.
#[derive(Clone, Copy)]
struct Reached {
    parts: u64,
    elem: Elem,
}

impl Reached {
    fn share(self) -> Share {
        match self.parts {
            0 => Share::None,
            parts if parts < whole(self.elem) => Share::Some,
            _ => Share::All,
        }
    }

    /// In bits, of how many.
    fn shown(self) -> String {
        let bits = (self.parts as f64 / PARTS).round();
        format!("{bits} bits of an element of {}", name(self.elem))
    }
}

/// Whether more of a value is reached in the small ring than at full width; then what it is at full width. Where there are as many
/// values each is compared with its own, else the most and the least at each place.
fn more(wide: &[(Place, Reached)], narrow: &[(Place, Reached)], alike: bool) -> Option<Reached> {
    if alike && wide.len() == narrow.len() {
        let mut pairs = wide.iter().zip(narrow);
        let found = pairs.find(|((_, wide), (_, narrow))| narrow.share() > wide.share());
        return found.map(|((_, wide), _)| *wide);
    }
    let ends = |list: &[(Place, Reached)]| {
        let mut ends: BTreeMap<Place, [Reached; 2]> = BTreeMap::new();
        for (at, reached) in list {
            let [least, most] = ends.entry(*at).or_insert([*reached; 2]);
            if reached.share() < least.share() {
                *least = *reached;
            }
            if reached.share() > most.share() {
                *most = *reached;
            }
        }
        ends
    };
    let narrow = ends(narrow);
    ends(wide).into_iter().find_map(|(at, wide)| {
        let narrow = narrow.get(&at)?;
        let mut both = wide.into_iter().zip(narrow);
        let found = both.find(|(wide, narrow)| narrow.share() > wide.share());
        found.map(|(wide, _)| wide)
    })
}

/// How many bits each value can have: those of its type, or fewer where a constant shifts, masks or divides.
fn capacities(problem: &Problem) -> Vec<u64> {
    let flat = &problem.flat;
    let beside = beside(problem);
    let elem = |id: u32| flat.values[id as usize].elem;
    let all = |id: usize| match (beside[id], flat.values[id].kind) {
        (_, Kind::Rows) => parts(1.0),
        (_, Kind::Digest) => parts(256.0),
        // Seeds are expanded.
        (true, _) if flat.values[id].elem == Elem::Bits(128) => parts(128.0),
        (true, _) => 0,
        (false, _) => whole(flat.values[id].elem),
    };
    let mut found: Vec<u64> = (0..flat.values.len()).map(all).collect();
    let mut constants: Vec<Option<i128>> = vec![None; flat.values.len()];
    for step in &flat.steps {
        let result = step.result as usize;
        let constant = |at: usize| constants[*step.args.get(at)? as usize];
        let own = elem(step.result);
        let size = bits(own);
        let left = match (&step.op, constant(0), constant(1)) {
            (FlatOp::Local(Local::Constant(value)), ..) => {
                constants[result] = Some(*value);
                0.0
            }
            (FlatOp::Local(Local::Broadcast), Some(value), _) => {
                constants[result] = Some(value);
                0.0
            }
            (FlatOp::Local(Local::Prim(Prim::Lt | Prim::Eq)), ..) => 1.0,
            (FlatOp::Local(Local::Prim(Prim::Shl | Prim::Shr | Prim::ShrLogical)), _, Some(by)) => {
                (size - by.max(0) as f64).max(0.0)
            }
            (FlatOp::Local(Local::Prim(Prim::Div)), _, Some(by)) => {
                size - (by.unsigned_abs().max(1) as f64).log2()
            }
            (FlatOp::Local(Local::Prim(Prim::Rem)), _, Some(by)) => {
                (by.unsigned_abs().max(1) as f64).log2().min(size)
            }
            (FlatOp::Local(Local::Prim(Prim::Mul)) | FlatOp::Bilinear, Some(by), _)
            | (FlatOp::Local(Local::Prim(Prim::Mul)) | FlatOp::Bilinear, _, Some(by)) => {
                let word = literal(own, by);
                match own {
                    _ if word == 0 => 0.0,
                    Elem::Bits(_) => f64::from((word & mask(own)).count_ones()),
                    Elem::Ring(_) => size - f64::from(word.trailing_zeros()),
                    _ => size,
                }
            }
            _ => continue,
        };
        found[result] = found[result].min(parts(left));
    }
    found
}

/// How many bits there are of a coin; one that is only not 0 counts as any.
fn drawn(domain: &CoinDomain, elem: Elem) -> u64 {
    match domain {
        CoinDomain::Permutation => parts(1.0),
        CoinDomain::Below(bound) if *bound != 0 => parts((*bound as f64).log2()).min(whole(elem)),
        _ => whole(elem),
    }
}

/// For each step how much reaches its value, of operands and coins together: values that it depends on and that have fewer bits
/// than it in all, if there are such.
fn computed(problem: &Problem, alike: bool) -> Vec<(Place, Reached)> {
    let flat = &problem.flat;
    let (capacities, beside) = (capacities(problem), beside(problem));
    // Values and how much of them, in ascending order.
    type Cut = Vec<(u32, u64)>;
    let mut cuts: Vec<Cut> = vec![Cut::new(); flat.values.len()];
    for id in flat.params.iter().flat_map(operand_ids) {
        if !beside[*id as usize] {
            cuts[*id as usize] = vec![(*id, capacities[*id as usize])];
        }
    }
    let sum = |cut: &Cut| cut.iter().map(|(_, parts)| parts).sum::<u64>();
    let mut found = Vec::new();
    for (at, step) in flat.steps.iter().enumerate() {
        let result = step.result;
        let own = capacities[result as usize];
        let elem = flat.values[result as usize].elem;
        let cut: Cut = match &step.op {
            FlatOp::Coin(domain) => vec![(result, drawn(domain, elem).min(own))],
            FlatOp::Key(key) => vec![(flat.values.len() as u32 + key, own)],
            FlatOp::Send { .. } | FlatOp::Check { .. } => cuts[step.args[0] as usize].clone(),
            _ => {
                let args = step.args.iter().flat_map(|arg| &cuts[*arg as usize]);
                let mut all: Cut = args.copied().collect();
                all.sort_unstable();
                all.dedup();
                match sum(&all) > own {
                    true => vec![(result, own)],
                    false => all,
                }
            }
        };
        if !beside[result as usize] {
            let parts = sum(&cut);
            found.push((place(problem, at, alike), Reached { parts, elem }));
        }
        cuts[result as usize] = cut;
    }
    found
}

/// A graph through whose nodes so much flows at most.
struct Flow {
    /// Edges that leave a node, also those against which may be sent back what flows.
    leaving: Vec<Vec<u32>>,
    /// Where each edge leads and how much more may flow; the edge against it is the one beside it.
    edges: Vec<(u32, u64)>,
    work: usize,
}

const FROM: u32 = 0;
const TO: u32 = 1;

impl Flow {
    fn node(&mut self) -> u32 {
        self.leaving.push(Vec::new());
        (self.leaving.len() - 1) as u32
    }

    fn edge(&mut self, from: u32, to: u32, parts: u64) {
        for (at, to, parts) in [(from, to, parts), (to, from, 0)] {
            self.leaving[at as usize].push(self.edges.len() as u32);
            self.edges.push((to, parts));
        }
    }

    /// Lets flow what still can; nothing where that is too much work.
    fn fill(&mut self) -> Option<u64> {
        let mut more = 0;
        loop {
            // Backwards from the end: the edge by which each node goes on.
            let mut on: Vec<Option<u32>> = vec![None; self.leaving.len()];
            let mut open = VecDeque::from([TO]);
            while let Some(node) = open.pop_front() {
                self.work = self.work.checked_sub(self.leaving[node as usize].len())?;
                for edge in &self.leaving[node as usize] {
                    let (before, back) = (self.edges[*edge as usize].0, edge ^ 1);
                    let free = self.edges[back as usize].1 > 0;
                    if free && before != TO && on[before as usize].is_none() {
                        on[before as usize] = Some(back);
                        open.push_back(before);
                    }
                }
                if on[FROM as usize].is_some() {
                    break;
                }
            }
            let path = |node: u32| on[node as usize].map(|edge| (edge, self.edges[edge as usize]));
            let (mut least, mut node) = (u64::MAX, FROM);
            let mut edges = Vec::new();
            while let Some((edge, (to, parts))) = path(node) {
                (least, node) = (least.min(parts), to);
                edges.push(edge);
                if node == TO {
                    break;
                }
            }
            if edges.is_empty() {
                return Some(more);
            }
            for edge in edges {
                self.edges[edge as usize].1 -= least;
                self.edges[edge as usize ^ 1].1 += least;
            }
            more += least;
        }
    }
}

/// For each element of a view how many bits of coins that the coalition does not have reach it beside those before it; of a
/// sharing also for its components, those that the coalition holds first.
fn hidden(problem: &Problem, of: Of, alike: bool) -> Option<Vec<(Place, Reached)>> {
    let (coalition, result) = match of {
        Of::View(coalition) => (coalition, None),
        Of::Sharing(coalition, result) => (coalition, Some(result)),
        Of::Results => return Some(Vec::new()),
    };
    let flat = &problem.flat;
    let known = |set: PartySet| !set.intersection(coalition).is_empty();
    let capacities = capacities(problem);
    let mut flow = Flow {
        leaving: vec![Vec::new(); 2],
        edges: Vec::new(),
        work: WORK,
    };
    let entries: Vec<u32> = capacities.iter().map(|_| flow.node()).collect();
    let exits: Vec<u32> = capacities.iter().map(|_| flow.node()).collect();
    for ((entry, exit), parts) in entries.iter().zip(&exits).zip(&capacities) {
        flow.edge(*entry, *exit, *parts);
    }
    let keys: Vec<u32> = problem.keys.iter().map(|_| flow.node()).collect();
    for (node, key) in keys.iter().zip(&problem.keys) {
        if !known(key.known_to) {
            flow.edge(FROM, *node, drawn(&key.domain, key.elem));
        }
    }
    for (operand, spec) in flat.params.iter().zip(&problem.params) {
        let Operand::Shared(sharing) = spec else {
            continue;
        };
        let rows = matrix(sharing);
        let coins = rows.first().map_or(0, |row| row.len() - 1);
        let coins: Vec<u32> = (0..coins).map(|_| flow.node()).collect();
        for coin in &coins {
            flow.edge(FROM, *coin, whole(sharing.elem));
        }
        for (id, row) in operand_ids(operand).iter().zip(&rows) {
            for (coin, by) in coins.iter().zip(&row[1..]) {
                if *by != 0 {
                    flow.edge(*coin, entries[*id as usize], u64::MAX / 2);
                }
            }
        }
        for (component, key) in &sharing.keyed {
            let id = operand_ids(operand)[*component as usize];
            let key = keys.get(*key as usize)?;
            flow.edge(*key, entries[id as usize], u64::MAX / 2);
        }
    }
    for step in &flat.steps {
        let info = &flat.values[step.result as usize];
        let entry = entries[step.result as usize];
        match &step.op {
            FlatOp::Coin(domain) if !known(info.known_to) => {
                flow.edge(FROM, entry, drawn(domain, info.elem));
            }
            FlatOp::Coin(_) => {}
            FlatOp::Key(key) => flow.edge(*keys.get(*key as usize)?, entry, u64::MAX / 2),
            FlatOp::Send { .. } | FlatOp::Check { .. } => {
                flow.edge(exits[step.args[0] as usize], entry, u64::MAX / 2);
            }
            _ => {
                for arg in &step.args {
                    flow.edge(exits[*arg as usize], entry, u64::MAX / 2);
                }
            }
        }
    }
    let view = View::new(problem, coalition, true);
    let seen = view.ids.iter().enumerate().map(|(at, (id, message))| {
        let own = match message {
            Some(step) => place(problem, *step as usize, alike),
            None => (1, 0, at as u32, 0),
        };
        (own, *id)
    });
    let mut seen: Vec<(Place, u32)> = seen.collect();
    if let Some(result) = result
        && let Some(Operand::Shared(sharing)) = problem.results.get(result)
    {
        let held = held(sharing, coalition);
        let ids = operand_ids(&flat.results[result]);
        for own in [true, false] {
            let each = (0..).zip(ids.iter().zip(&held));
            let each = each.filter(|(_, (_, held))| **held == own);
            seen.extend(each.map(|(at, (id, _))| ((2, 0, at, 0), *id)));
        }
    }
    let mut found = Vec::new();
    for (at, id) in seen {
        let elem = flat.values[id as usize].elem;
        flow.edge(exits[id as usize], TO, whole(elem));
        let parts = flow.fill()?;
        found.push((at, Reached { parts, elem }));
    }
    Some(found)
}

/// A value that more of what it is made of reaches in the small ring than at full width, or a message that more coins hide there,
/// in words.
pub(super) fn widened(full: &Problem, small: &Problem, of: Of) -> Option<String> {
    let alike = alike(full, small);
    let (wide, narrow) = (computed(full, alike), computed(small, alike));
    if let Some(reached) = more(&wide, &narrow, alike) {
        return Some(format!(
            "a value that at full width is made of {} is made of all",
            reached.shown()
        ));
    }
    let (Some(wide), Some(narrow)) = (hidden(full, of, alike), hidden(small, of, alike)) else {
        return Some("coins that hide messages were not counted".to_owned());
    };
    let reached = more(&wide, &narrow, alike)?;
    Some(format!(
        "coins that at full width hide {} hide all of it",
        reached.shown()
    ))
}
