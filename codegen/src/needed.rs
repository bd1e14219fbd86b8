//! What a party needs of its acts, and what acts read and define.

use rustc_hash::FxHashSet as HashSet;

use smpc_ir::party::Value;

use crate::facts::Facts;
use crate::fails;
use crate::project::{Act, Carried, LoopKind, Row};

/// Leaves the acts that matter, given what is read after them; adds what they read, takes off what they
/// define. Coins are drawn and messages exchanged whether they are read or not.
pub(crate) fn needed(facts: &Facts<'_>, acts: &mut Vec<Act<'_>>, live: &mut HashSet<Value>) {
    block(facts, acts, live, true);
}

/// The same; what does not matter stays unless `drop`. A loop's body has to be gone through until nothing more
/// is found that it hands on to itself.
fn block(facts: &Facts<'_>, acts: &mut Vec<Act<'_>>, live: &mut HashSet<Value>, drop: bool) {
    let mut idle = vec![];
    for (at, act) in acts.iter_mut().enumerate().rev() {
        if !is_needed(facts, act, live, drop) {
            idle.push(at);
        }
    }
    if drop && !idle.is_empty() {
        let mut at = 0;
        acts.retain(|_| {
            at += 1;
            if idle.last() == Some(&(at - 1)) {
                idle.pop();
                return false;
            }
            true
        });
    }
}

fn is_needed(facts: &Facts<'_>, act: &mut Act<'_>, live: &mut HashSet<Value>, drop: bool) -> bool {
    match act {
        Act::Local {
            op, args, result, ..
        } => {
            // What may end the run is carried out for that alone.
            let read = live.remove(result);
            let kept = read || fails::by_values(facts, op, args, *result);
            if kept {
                live.extend(args.iter());
            }
            kept
        }
        Act::FractionBits { arg, result, .. } => {
            let read = live.remove(result);
            if read {
                live.insert(*arg);
            }
            read
        }
        Act::Input { result, .. } | Act::Param { result, .. } => live.remove(result),
        Act::Coin { result, used, .. } => {
            *used = live.remove(result);
            true
        }
        Act::Output { value, .. } => {
            live.insert(*value);
            true
        }
        Act::Check { a, b, .. } => {
            live.extend([*a, *b]);
            true
        }
        // Made of acts that are needed.
        Act::Pass(_) | Act::Call(_) | Act::Part(_) => true,
        Act::Exchange {
            offline,
            sends,
            receives,
        } => {
            for (value, used) in receives.iter_mut().flat_map(|m| &mut m.values) {
                *used = live.remove(value);
            }
            live.extend(sends.iter().flat_map(|m| &m.values));
            !*offline || !sends.is_empty() || !receives.is_empty()
        }
        Act::Loop {
            kind,
            carried,
            body,
            ..
        } => {
            let (read, idle) = needed_loop(facts, kind, carried, body, live, drop);
            let ends = matches!(kind, LoopKind::For { .. });
            if drop {
                let mut read = read.into_iter();
                carried.retain(|_| read.next().unwrap_or(true));
            }
            !(idle && ends)
        }
        Act::Switch {
            index,
            arms,
            results,
            ..
        } => {
            let keep: Vec<bool> = results.iter().map(|r| live.remove(r)).collect();
            let pick = |all: &mut Vec<Value>| {
                let mut keep = keep.iter();
                all.retain(|_| keep.next().copied().unwrap_or(true));
            };
            let after = live.clone();
            let mut works = keep.contains(&true);
            for (acts, handed) in arms {
                let mut inner = after.clone();
                let read = handed.iter().zip(&keep).filter(|(_, keep)| **keep);
                inner.extend(read.map(|(v, _)| *v));
                works |= does(facts, acts, &mut inner, drop);
                live.extend(&inner);
                if drop {
                    pick(handed);
                }
            }
            if drop {
                pick(results);
            }
            if works {
                live.insert(*index);
            }
            works
        }
        Act::Tree { rows, body, .. } => needed_tree(facts, rows, body, live, drop),
    }
}

/// Whether anything in a block matters.
fn does(facts: &Facts<'_>, acts: &mut Vec<Act<'_>>, live: &mut HashSet<Value>, drop: bool) -> bool {
    if drop {
        block(facts, acts, live, true);
        return !acts.is_empty();
    }
    let all = acts.iter_mut().rev();
    all.fold(false, |works, act| {
        is_needed(facts, act, live, false) | works
    })
}

/// Which of what a loop carries matters, and whether it does nothing else than carry nothing.
fn needed_loop(
    facts: &Facts<'_>,
    kind: &mut LoopKind<'_>,
    carried: &[Carried],
    body: &mut Vec<Act<'_>>,
    live: &mut HashSet<Value>,
    drop: bool,
) -> (Vec<bool>, bool) {
    let mut keep: Vec<bool> = carried
        .iter()
        .map(|c| c.result.is_some_and(|r| live.remove(&r)))
        .collect();
    let mut settled = false;
    loop {
        let mut inner = live.clone();
        let handed = carried.iter().zip(&keep).filter(|(_, k)| **k);
        inner.extend(handed.map(|(c, _)| c.next));
        let works = does(facts, body, &mut inner, drop && settled);
        if let LoopKind::While { condition, test } = kind {
            inner.insert(*test);
            block(facts, condition, &mut inner, drop && settled);
        }
        let more: Vec<bool> = carried
            .iter()
            .zip(&keep)
            .map(|(c, k)| *k || inner.contains(&c.param))
            .collect();
        if more != keep || (drop && !settled) {
            settled = more == keep;
            keep = more;
            continue;
        }
        let idle = !keep.contains(&true) && !works;
        if !idle || matches!(kind, LoopKind::While { .. }) {
            live.extend(inner);
            let read = || carried.iter().zip(&keep).filter(|(_, k)| **k);
            for (c, _) in read() {
                live.remove(&c.param);
            }
            live.extend(read().map(|(c, _)| c.init));
        }
        return (keep, idle);
    }
}

/// Whether a tree matters.
fn needed_tree(
    facts: &Facts<'_>,
    rows: &mut Vec<Row>,
    body: &mut Vec<Act<'_>>,
    live: &mut HashSet<Value>,
    drop: bool,
) -> bool {
    let mut keep: Vec<bool> = rows
        .iter()
        .map(|row| row.result.is_some_and(|r| live.remove(&r)))
        .collect();
    let mut settled = false;
    let (inner, works) = loop {
        let mut inner = live.clone();
        let handed = rows.iter().zip(&keep).filter(|(_, k)| **k);
        inner.extend(handed.map(|(r, _)| r.next));
        let works = does(facts, body, &mut inner, drop && settled);
        let more: Vec<bool> = rows
            .iter()
            .zip(&keep)
            .map(|(r, k)| *k || inner.contains(&r.low) || inner.contains(&r.high))
            .collect();
        if more == keep && (settled || !drop) {
            break (inner, works);
        }
        settled = more == keep;
        keep = more;
    };
    let works = works || keep.contains(&true);
    if works {
        live.extend(inner);
        for (row, _) in rows.iter().zip(&keep).filter(|(_, k)| **k) {
            live.remove(&row.low);
            live.remove(&row.high);
        }
        let read = rows.iter().zip(&keep).filter(|(_, k)| **k);
        live.extend(read.map(|(r, _)| r.arg));
    }
    if drop {
        let mut keep = keep.into_iter();
        rows.retain(|_| keep.next().unwrap_or(true));
    }
    works
}

/// Calls `f` with everything the act reads, and whether it reads it in a block of its own.
pub(crate) fn reads(act: &Act<'_>, f: &mut dyn FnMut(Value, bool)) {
    let inside = |acts: &[Act<'_>], f: &mut dyn FnMut(Value, bool)| {
        for act in acts {
            reads(act, &mut |v, _| f(v, true));
        }
    };
    match act {
        Act::Local { args, .. } => args.iter().for_each(|v| f(*v, false)),
        Act::FractionBits { arg, .. } => f(*arg, false),
        Act::Input { .. } | Act::Param { .. } | Act::Coin { .. } => {}
        Act::Output { value, .. } => f(*value, false),
        Act::Check { a, b, .. } => [a, b].into_iter().for_each(|v| f(*v, false)),
        Act::Pass(pass) => pass
            .args
            .iter()
            .chain(&pass.coins)
            .for_each(|v| f(*v, false)),
        Act::Call(call) => call
            .args
            .iter()
            .chain(&call.coins)
            .for_each(|v| f(*v, false)),
        Act::Part(part) => {
            let read = part.args.iter().chain(&part.coins);
            read.for_each(|v| f(*v, false));
        }
        Act::Exchange { sends, .. } => {
            let values = sends.iter().flat_map(|m| &m.values);
            values.for_each(|v| f(*v, false));
        }
        Act::Loop {
            kind,
            carried,
            body,
            ..
        } => {
            for c in carried {
                f(c.init, false);
                f(c.next, true);
            }
            if let LoopKind::While { condition, test } = kind {
                inside(condition, f);
                f(*test, true);
            }
            inside(body, f);
        }
        Act::Switch { index, arms, .. } => {
            f(*index, false);
            for (acts, handed) in arms {
                inside(acts, f);
                handed.iter().for_each(|v| f(*v, true));
            }
        }
        Act::Tree { rows, body, .. } => {
            for row in rows {
                f(row.arg, false);
                f(row.next, true);
            }
            inside(body, f);
        }
    }
}

/// The values an act defines for those after it.
pub(crate) fn defines(act: &Act<'_>) -> Vec<Value> {
    match act {
        Act::Local { result, .. }
        | Act::FractionBits { result, .. }
        | Act::Input { result, .. }
        | Act::Param { result, .. } => vec![*result],
        Act::Coin { result, used, .. } => Some(*result).filter(|_| *used).into_iter().collect(),
        Act::Exchange { receives, .. } => {
            let got = receives.iter().flat_map(|m| &m.values);
            got.filter(|(_, used)| *used).map(|(v, _)| *v).collect()
        }
        Act::Loop { carried, .. } => carried.iter().filter_map(|c| c.result).collect(),
        Act::Switch { results, .. } => results.clone(),
        Act::Tree { rows, .. } => rows.iter().filter_map(|r| r.result).collect(),
        Act::Pass(pass) => pass.outputs.clone(),
        Act::Call(call) => [&call.results[..], &call.kept].concat(),
        Act::Part(part) => [&part.results[..], &part.kept].concat(),
        Act::Output { .. } | Act::Check { .. } => vec![],
    }
}

/// Whether nothing is written across the act: messages, and blocks of their own.
pub(crate) fn is_barrier(act: &Act<'_>) -> bool {
    matches!(
        act,
        Act::Exchange { .. }
            | Act::Loop { .. }
            | Act::Switch { .. }
            | Act::Tree { .. }
            | Act::Part(_)
    )
}

/// What acts read and do not define, in the order of reading.
pub(crate) fn captures(acts: &[Act<'_>], tail: &[Value]) -> Vec<Value> {
    let mut found = vec![];
    let mut seen = HashSet::default();
    inside(acts, &mut seen, &mut found);
    for value in tail {
        if seen.insert(*value) {
            found.push(*value);
        }
    }
    found
}

fn inside(acts: &[Act<'_>], seen: &mut HashSet<Value>, found: &mut Vec<Value>) {
    for act in acts {
        let mut blocks: Vec<&[Act<'_>]> = vec![];
        match act {
            Act::Loop {
                kind,
                carried,
                body,
                ..
            } => {
                if let LoopKind::While { condition, .. } = kind {
                    blocks.push(condition);
                }
                blocks.push(body);
                let own = carried.iter().map(|c| c.init);
                found.extend(own.filter(|v| seen.insert(*v)));
                seen.extend(carried.iter().map(|c| c.param));
            }
            Act::Switch { index, arms, .. } => {
                blocks.extend(arms.iter().map(|(acts, _)| &acts[..]));
                if seen.insert(*index) {
                    found.push(*index);
                }
            }
            Act::Tree { rows, body, .. } => {
                blocks.push(body);
                let own = rows.iter().map(|r| r.arg);
                found.extend(own.filter(|v| seen.insert(*v)));
                seen.extend(rows.iter().flat_map(|r| [r.low, r.high]));
            }
            _ => {}
        }
        for block in blocks {
            inside(block, seen, found);
        }
        // What blocks hand on may come from outside of them.
        reads(act, &mut |value, _| {
            if seen.insert(value) {
                found.push(value);
            }
        });
        seen.extend(defines(act));
    }
}
