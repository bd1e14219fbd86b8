//! Widths that a text tells apart.
//!
//! A protocol is made flat for one width. What is found of it holds at the others where the text is the same there: the same steps
//! with elements of another length, and of these only sums, products and messages with small factors. Where it is not, or where
//! loops over bits make every width another one, those widths belong together at which the text decides alike, and one of each such
//! class is verified, too.

use crate::element::{is_bits, literal, mask, width};
use crate::faithful::is_element;
use crate::problem::Problem;
use smpc_ir::claim::{Claims, Domain, Operand, Term};
use smpc_ir::decisions::Outcome;
use smpc_ir::flat::{Flat, FlatOp, FlatOperand, Sharing};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{Elem, PartySet};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::sync::Arc;

/// What a protocol stands for that is not looked at for the backend's own width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The row that is about the others.
    pub row: String,
    /// The widths at which the text is as here, ascending; the one that is looked at is among them.
    pub widths: Vec<u8>,
}

/// A protocol at one width.
#[derive(Debug)]
pub(crate) struct At {
    /// The number that says it.
    pub number: u8,
    /// Bits of an element, where the scheme shares numbers in a larger ring.
    pub elem: u8,
    pub problem: Problem,
}

/// Factors below which products and sums are the same polynomials in every ring of integers modulo 2^k.
const TAME: f64 = 65_536.0;
/// So many different texts are each looked at; of more, what they decide.
const APART: usize = 8;
/// A width that no text is likely to name.
const PLAIN: u8 = 61;

/// Whether a protocol is the same one at every width: it reads none, and consists of sums, products and messages.
pub(crate) fn uniform(problem: &Problem) -> bool {
    !problem.decisions.widths && tame(&problem.lowered)
}

/// Whether what is found of a text holds in every ring in which it is written with these very steps: sums and products with
/// small factors, which are the same polynomials of integers whatever the ring, and of bits only those that treat all places alike.
pub(crate) fn tame(flat: &Flat) -> bool {
    let polynomial = flat.steps.iter().all(|step| match &step.op {
        FlatOp::Coin(domain) => !matches!(domain, smpc_ir::party::CoinDomain::Below(_)),
        FlatOp::Send { .. } | FlatOp::Bilinear | FlatOp::Key(_) => true,
        FlatOp::Check { .. } | FlatOp::Assert { .. } => true,
        FlatOp::Local(Local::Prim(prim)) => matches!(
            prim,
            Prim::Add | Prim::Sub | Prim::Mul | Prim::Neg | Prim::Not
        ),
        FlatOp::Local(Local::Constant(value)) => {
            let elem = flat.values[step.result as usize].elem;
            !is_bits(elem) || [0, mask(elem)].contains(&literal(elem, *value)) && *value <= 0
        }
        FlatOp::Local(local) => matches!(
            local,
            Local::Broadcast
                | Local::Gather
                | Local::InversePermutation
                | Local::Digest
                | Local::Expand
                | Local::Sum { .. }
        ),
    });
    let bodies = flat.deferred.iter();
    polynomial
        && sizes(flat).iter().all(|size| *size < TAME)
        && bodies.map(|call| &call.body).all(|body| tame(body))
}

/// For each value how large the factors of its polynomial are, in sum, as integers.
fn sizes(flat: &Flat) -> Vec<f64> {
    let mut sizes = vec![1.0; flat.values.len()];
    for step in &flat.steps {
        let arg = |at: usize| step.args.get(at).map_or(0.0, |id| sizes[*id as usize]);
        let own = match &step.op {
            FlatOp::Local(Local::Constant(value)) => value.unsigned_abs() as f64,
            FlatOp::Bilinear | FlatOp::Local(Local::Prim(Prim::Mul)) => arg(0) * arg(1),
            FlatOp::Local(Local::Prim(Prim::Add | Prim::Sub)) => arg(0) + arg(1),
            FlatOp::Local(Local::Prim(Prim::Not)) => arg(0) + 1.0,
            FlatOp::Local(Local::Prim(Prim::Shl)) => arg(0) * arg(1).exp2(),
            FlatOp::Local(
                Local::Prim(Prim::Neg) | Local::Broadcast | Local::Gather | Local::Sum { .. },
            )
            | FlatOp::Send { .. }
            | FlatOp::Check { .. } => arg(0),
            // A function of another kind: an element as any other.
            _ => 1.0,
        };
        sizes[step.result as usize] = own;
    }
    sizes
}

/// One width for each other text among these than that of `own`, with the widths that it stands for; where every width is another
/// text, for each other way to decide.
pub(crate) fn apart(all: Vec<At>, own: Option<usize>, usual: u8) -> Vec<(At, Vec<u8>)> {
    let groups = match texts(&all) {
        Some(keys) => {
            let mut groups: BTreeMap<&(usize, BTreeSet<u64>), Vec<usize>> = BTreeMap::new();
            for (at, key) in keys.iter().enumerate() {
                groups.entry(key).or_default().push(at);
            }
            let others = groups.into_values();
            let others = others.filter(|list| !own.is_some_and(|own| list.contains(&own)));
            let chosen = others.filter_map(|list| Some((largest(&all, &list, usual)?, list)));
            chosen.collect()
        }
        None => decided(&all, own, usual),
    };
    let mut chosen: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for (one, list) in groups {
        let mut widths: Vec<u8> = list.iter().map(|at| all[*at].number).collect();
        widths.sort_unstable();
        chosen.insert(one, widths);
    }
    let found = all.into_iter().enumerate();
    let mut found: Vec<(At, Vec<u8>)> = found
        .filter_map(|(at, one)| Some((one, chosen.remove(&at)?)))
        .collect();
    found.sort_by_key(|(one, _)| std::cmp::Reverse(one.number));
    found
}

/// The largest of some widths that is not above the usual one, else the largest.
fn largest(all: &[At], list: &[usize], usual: u8) -> Option<usize> {
    let below = |most: u8| {
        let below = list.iter().copied().filter(|at| all[*at].number <= most);
        below.max_by_key(|at| all[*at].number)
    };
    below(usual).or_else(|| below(u8::MAX))
}

/// For each width the number of its text, lengths left open, and what the numbers in it come to; `None` where there are too
/// many texts.
fn texts(all: &[At]) -> Option<Vec<(usize, BTreeSet<u64>)>> {
    // One at a width that means nothing else first: there a length that is written is not taken for it.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|at| match all[*at].number {
        PLAIN => 0,
        number => 256 - usize::from(number),
    });
    let (mut texts, mut of) = (Vec::new(), BTreeMap::new());
    for at in order {
        let known = texts.iter().position(|one| same(&all[*one], &all[at]));
        of.insert(at, known.unwrap_or(texts.len()));
        if known.is_none() {
            texts.push(at);
        }
        if texts.len() > APART {
            return None;
        }
    }
    let keys = all.iter().enumerate().map(|(at, one)| {
        let mut traces = BTreeSet::new();
        if !tame(&one.problem.lowered) {
            numbers(&one.problem.lowered, &mut traces);
        }
        (of[&at], traces)
    });
    Some(keys.collect())
}

/// Something that is found in a text: an outcome, or a trace.
type Mark = (Source, Option<Outcome>, u64);

/// Of texts that are others at every width: those belong together in which every condition, remainder, member and call that comes
/// out in one way only, comes out in the same. Of each such class so many are chosen, the largest first, that all marks of all of them are on one of these.
fn decided(all: &[At], own: Option<usize>, usual: u8) -> Vec<(usize, Vec<usize>)> {
    let marks = |one: &At| -> BTreeSet<Mark> {
        let mut traces = BTreeSet::new();
        numbers(&one.problem.lowered, &mut traces);
        trace(&one.problem.lowered, &mut traces);
        let traces = traces
            .into_iter()
            .map(|hash| (Source::default(), None, hash));
        let made = one.problem.decisions.made.iter();
        let made = made.map(|(at, outcome)| (*at, Some(*outcome), hashed(discriminant(outcome))));
        traces.chain(made).collect()
    };
    let marks: Vec<BTreeSet<Mark>> = all.iter().map(marks).collect();
    // What comes out in several ways at one width, as in the turns of a loop.
    let mut several = BTreeSet::new();
    for list in &marks {
        let mut seen = BTreeSet::new();
        for (at, outcome, kind) in list {
            if outcome.is_some() && !seen.insert((*at, *kind)) {
                several.insert((*at, *kind));
            }
        }
    }
    let mut groups: BTreeMap<Vec<Mark>, Vec<usize>> = BTreeMap::new();
    for (at, list) in marks.iter().enumerate() {
        let single = list.iter().filter(|(place, outcome, kind)| {
            use Outcome::{At, Calls, Is, Rest};
            matches!(outcome, Some(Is(_) | Rest(_) | At(_) | Calls(_)))
                && !several.contains(&(*place, *kind))
        });
        groups
            .entry(single.copied().collect())
            .or_default()
            .push(at);
    }
    let mut chosen = Vec::new();
    for list in groups.into_values() {
        let mut left: BTreeSet<Mark> = BTreeSet::new();
        left.extend(list.iter().flat_map(|at| &marks[*at]).copied());
        let mut first = own.filter(|own| list.contains(own));
        if let Some(own) = first {
            left.retain(|mark| !marks[own].contains(mark));
        }
        while !left.is_empty() {
            // The one with most of what is left; of equal ones the largest.
            let rest = |at: &usize| marks[*at].intersection(&left).count();
            let most = list.iter().map(rest).max().unwrap_or(0);
            let best: Vec<usize> = match first {
                None => list.clone(),
                Some(_) => list.iter().copied().filter(|at| rest(at) == most).collect(),
            };
            let Some(one) = largest(all, &best, usual) else {
                break;
            };
            let new: BTreeSet<Mark> = marks[one].intersection(&left).copied().collect();
            let like = |at: &usize| !marks[*at].is_disjoint(&new) || *at == one;
            chosen.push((one, list.iter().copied().filter(like).collect()));
            left.retain(|mark| !new.contains(mark));
            first = first.or(Some(one));
        }
    }
    chosen
}

/// Whether one is the other with lengths of elements replaced.
fn same(one: &At, other: &At) -> bool {
    let (a, b) = (&one.problem, &other.problem);
    a.lowered.steps.len() == b.lowered.steps.len()
        && a.lowered.values.len() == b.lowered.values.len()
        && {
            let moved = |width: u8| match width {
                width if width == one.number => other.number,
                width if width == one.elem => other.elem,
                width => width,
            };
            same_but_for(a, b, &|elem| match elem {
                Elem::Ring(width) => Elem::Ring(moved(width)),
                Elem::Bits(width) => Elem::Bits(moved(width)),
                elem => elem,
            })
        }
}

/// Whether one protocol is the other once its element types are replaced.
pub(crate) fn same_but_for(one: &Problem, other: &Problem, change: &dyn Fn(Elem) -> Elem) -> bool {
    let operands = |list: &[Operand]| -> Vec<Operand> {
        let operand = |operand: &Operand| match operand {
            Operand::Shared(sharing) => Operand::Shared(shared(sharing, change)),
            Operand::Clear { elem, known_to } => Operand::Clear {
                elem: change(*elem),
                known_to: *known_to,
            },
        };
        list.iter().map(operand).collect()
    };
    changed(&one.lowered, change) == *other.lowered
        && operands(&one.params) == other.params
        && operands(&one.results) == other.results
}

fn shared(sharing: &Sharing, change: &dyn Fn(Elem) -> Elem) -> Sharing {
    Sharing {
        elem: change(sharing.elem),
        ..sharing.clone()
    }
}

fn changed(flat: &Flat, change: &dyn Fn(Elem) -> Elem) -> Flat {
    let mut flat = flat.clone();
    for value in &mut flat.values {
        value.elem = change(value.elem);
    }
    for call in &mut flat.calls {
        for sharing in call.given.iter_mut().chain(&mut call.sharings).flatten() {
            sharing.elem = change(sharing.elem);
        }
    }
    for call in &mut flat.deferred {
        call.body = Arc::new(changed(&call.body, change));
    }
    let Claims {
        requires, ensures, ..
    } = &mut flat.claims;
    for clause in requires {
        retype(&mut clause.claim, change);
    }
    for clause in ensures {
        retype(&mut clause.claim, change);
        if let Some(Domain::Range(from, to)) = &mut clause.over {
            retype(from, change);
            retype(to, change);
        }
        if let Some(except) = &mut clause.except {
            retype(except, change);
        }
    }
    flat
}

fn retype(term: &mut Term, change: &dyn Fn(Elem) -> Elem) {
    match term {
        Term::Cast(inner, elem) => {
            *elem = change(*elem);
            retype(inner, change);
        }
        Term::Apply(_, args) => args.iter_mut().for_each(|arg| retype(arg, change)),
        _ => {}
    }
}

fn hashed(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What the numbers of a text come to beside the lengths of elements: factors that are nothing, one, odd or even, numbers that
/// are no elements, shifts by nothing or by everything, the ends of bits that are taken out.
fn numbers(flat: &Flat, traces: &mut BTreeSet<u64>) {
    let elem = |id: u32| flat.values[id as usize].elem;
    let mut constant: BTreeMap<u32, i128> = BTreeMap::new();
    let shift = |op: &FlatOp| {
        matches!(
            op,
            FlatOp::Local(Local::Prim(Prim::Shl | Prim::Shr | Prim::ShrLogical))
        )
    };
    let shifts = flat.steps.iter().filter(|step| shift(&step.op));
    let amounts: BTreeSet<u32> = shifts
        .filter_map(|step| step.args.get(1).copied())
        .collect();
    for step in &flat.steps {
        let own = elem(step.result);
        let at = step.source;
        let Some(from) = step.args.first().map(|id| elem(*id)) else {
            if let FlatOp::Local(Local::Constant(value)) = step.op {
                constant.insert(step.result, value);
                if amounts.contains(&step.result) {
                    continue;
                }
                let word = literal(own, value);
                let class = match word {
                    0 => 0,
                    word if word == mask(own) => 1,
                    _ if is_bits(own) => 2,
                    1 => 3,
                    word if word % 2 == 1 => 4,
                    _ => 5,
                };
                traces.insert(hashed((at, class, is_element(own, value, false))));
            }
            continue;
        };
        match step.op {
            FlatOp::Local(Local::Prim(Prim::Shl | Prim::Shr | Prim::ShrLogical)) => {
                if let Some(by) = step.args.get(1).and_then(|id| constant.get(id)) {
                    let all = *by >= i128::from(width(own));
                    traces.insert(hashed((at, *by == 0, all)));
                }
            }
            FlatOp::Local(Local::Prim(Prim::BitSlice { start, step: by })) => {
                let taken = i32::from(width(own) - 1) * i32::from(by);
                let last = i32::from(start) + taken + 1 == i32::from(width(from));
                traces.insert(hashed((at, start == 0, last, by)));
            }
            FlatOp::Local(Local::Prim(Prim::Cast)) => {
                traces.insert(hashed((at, width(own).cmp(&width(from)))));
            }
            _ => {}
        }
    }
    let sizes = sizes(flat);
    let beyond = sizes.iter().zip(&flat.values).any(|(size, value)| {
        matches!(value.elem, Elem::Ring(_)) && *size >= f64::from(width(value.elem)).exp2()
    });
    traces.insert(hashed(beyond));
    for call in &flat.deferred {
        numbers(&call.body, traces);
    }
}

/// Which coins, messages, products and functions stand at which places, of what, for whom: a loop leaves as many traces as it has
/// different turns. Sums and bits that are put side by side are looked through by one step, so that the levels of a tree over odd
/// and even numbers of bits are alike.
fn trace(flat: &Flat, traces: &mut BTreeSet<u64>) {
    let mut made: Vec<u64> = vec![0; flat.values.len()];
    for (at, operand) in flat.params.iter().enumerate() {
        for (component, id) in ids(operand).iter().enumerate() {
            made[*id as usize] = hashed((at, component));
        }
    }
    for step in &flat.steps {
        let kind = match &step.op {
            FlatOp::Local(Local::Prim(prim)) => hashed(discriminant(prim)),
            FlatOp::Local(local) => hashed((discriminant(local), 1)),
            FlatOp::Send { from, to } => hashed((*from, *to)),
            FlatOp::Check { at } | FlatOp::Assert { at } => hashed((*at, 2)),
            FlatOp::Coin(domain) => hashed((discriminant(domain), 3)),
            FlatOp::Key(key) => hashed((*key, 4)),
            FlatOp::Bilinear => 0,
        };
        let known: PartySet = flat.values[step.result as usize].known_to;
        let args: Vec<u64> = step.args.iter().map(|id| made[*id as usize]).collect();
        let layout = matches!(
            step.op,
            FlatOp::Local(
                Local::Constant(_)
                    | Local::Prim(
                        Prim::Add
                            | Prim::Sub
                            | Prim::Neg
                            | Prim::Not
                            | Prim::Shl
                            | Prim::Cast
                            | Prim::BitSlice { .. }
                    )
            )
        );
        if !layout {
            traces.insert(hashed((step.source, kind, known, args)));
        }
        made[step.result as usize] = hashed((step.source, kind));
    }
    for (at, operand) in flat.results.iter().enumerate() {
        for (component, id) in ids(operand).iter().enumerate() {
            traces.insert(hashed((at, component, made[*id as usize])));
        }
    }
    for call in &flat.deferred {
        trace(&call.body, traces);
    }
}

fn ids(operand: &FlatOperand) -> &[u32] {
    crate::problem::operand_ids(operand)
}
