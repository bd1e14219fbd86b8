//! What a party needs of its acts, and what acts read and define.

use std::collections::HashSet;

use smpc_ir::local::Source;
use smpc_ir::party::Value;

use crate::project::{Act, Carried, LoopKind, Row};

/// The acts that matter, given what is read after them; adds what they read, takes off what they
/// define. Coins are drawn and messages exchanged whether they are read or not.
pub(crate) fn needed<'p>(acts: Vec<Act<'p>>, live: &mut HashSet<Value>) -> Vec<Act<'p>> {
    let mut kept = vec![];
    for act in acts.into_iter().rev() {
        match act {
            Act::Local {
                ref args, result, ..
            } => {
                if live.remove(&result) {
                    live.extend(args);
                    kept.push(act);
                }
            }
            Act::FractionBits { arg, result, .. } => {
                if live.remove(&result) {
                    live.insert(arg);
                    kept.push(act);
                }
            }
            Act::Input { result, .. } | Act::Param { result, .. } => {
                if live.remove(&result) {
                    kept.push(act);
                }
            }
            Act::Coin {
                domain,
                result,
                origin,
                ..
            } => {
                let used = live.remove(&result);
                kept.push(Act::Coin {
                    domain,
                    result,
                    used,
                    origin,
                });
            }
            Act::Output { value, .. } => {
                live.insert(value);
                kept.push(act);
            }
            Act::Check { a, b, .. } => {
                live.extend([a, b]);
                kept.push(act);
            }
            // Made of acts that are needed.
            Act::Pass(_) | Act::Call(_) | Act::Part(_) => kept.push(act),
            Act::Exchange {
                offline,
                sends,
                mut receives,
            } => {
                for (value, used) in receives.iter_mut().flat_map(|(_, values)| values) {
                    *used = live.remove(value);
                }
                live.extend(sends.iter().flat_map(|(_, values)| values));
                if !offline || !sends.is_empty() || !receives.is_empty() {
                    kept.push(Act::Exchange {
                        offline,
                        sends,
                        receives,
                    });
                }
            }
            Act::Loop {
                kind,
                carried,
                body,
                source,
            } => {
                kept.extend(needed_loop(kind, carried, body, source, live));
            }
            Act::Switch {
                index,
                arms,
                results,
                source,
            } => {
                let keep: Vec<bool> = results.iter().map(|r| live.remove(r)).collect();
                let pick = |all: Vec<Value>| -> Vec<Value> {
                    let pairs = all.into_iter().zip(&keep);
                    pairs.filter(|(_, keep)| **keep).map(|(v, _)| v).collect()
                };
                let after = live.clone();
                let mut own = vec![];
                for (acts, handed) in arms {
                    let handed = pick(handed);
                    let mut inner = after.clone();
                    inner.extend(&handed);
                    own.push((needed(acts, &mut inner), handed));
                    live.extend(&inner);
                }
                let results = pick(results);
                if !results.is_empty() || own.iter().any(|(acts, _)| !acts.is_empty()) {
                    live.insert(index);
                    kept.push(Act::Switch {
                        index,
                        arms: own,
                        results,
                        source,
                    });
                }
            }
            Act::Tree {
                scan,
                half,
                length,
                rows,
                body,
                source,
            } => {
                let mut keep: Vec<bool> = rows
                    .iter()
                    .map(|row| row.result.is_some_and(|r| live.remove(&r)))
                    .collect();
                let (inner, acts) = loop {
                    let mut inner = live.clone();
                    inner.extend(
                        rows.iter()
                            .zip(&keep)
                            .filter(|(_, k)| **k)
                            .map(|(r, _)| r.next),
                    );
                    let acts = needed(body.clone(), &mut inner);
                    let more: Vec<bool> = rows
                        .iter()
                        .zip(&keep)
                        .map(|(r, k)| *k || inner.contains(&r.low) || inner.contains(&r.high))
                        .collect();
                    if more == keep {
                        break (inner, acts);
                    }
                    keep = more;
                };
                let rows: Vec<Row> = rows
                    .into_iter()
                    .zip(keep)
                    .filter(|(_, k)| *k)
                    .map(|(r, _)| r)
                    .collect();
                if !rows.is_empty() || !acts.is_empty() {
                    live.extend(inner);
                    for row in &rows {
                        live.remove(&row.low);
                        live.remove(&row.high);
                    }
                    live.extend(rows.iter().map(|r| r.arg));
                    kept.push(Act::Tree {
                        scan,
                        half,
                        length,
                        rows,
                        body: acts,
                        source,
                    });
                }
            }
        }
    }
    kept.reverse();
    kept
}

fn needed_loop<'p>(
    kind: LoopKind<'p>,
    carried: Vec<Carried>,
    body: Vec<Act<'p>>,
    source: Source,
    live: &mut HashSet<Value>,
) -> Option<Act<'p>> {
    let mut keep: Vec<bool> = carried
        .iter()
        .map(|c| c.result.is_some_and(|r| live.remove(&r)))
        .collect();
    loop {
        let mut inner = live.clone();
        inner.extend(
            carried
                .iter()
                .zip(&keep)
                .filter(|(_, k)| **k)
                .map(|(c, _)| c.next),
        );
        let acts = needed(body.clone(), &mut inner);
        let kind = match &kind {
            LoopKind::For { var, count } => LoopKind::For { var: *var, count },
            LoopKind::While { condition, test } => {
                inner.insert(*test);
                let condition = needed(condition.clone(), &mut inner);
                LoopKind::While {
                    condition,
                    test: *test,
                }
            }
        };
        let more: Vec<bool> = carried
            .iter()
            .zip(&keep)
            .map(|(c, k)| *k || inner.contains(&c.param))
            .collect();
        if more != keep {
            keep = more;
            continue;
        }
        let carried: Vec<Carried> = carried
            .into_iter()
            .zip(keep)
            .filter(|(_, k)| *k)
            .map(|(c, _)| c)
            .collect();
        let idle = carried.is_empty() && acts.is_empty();
        if idle && matches!(kind, LoopKind::For { .. }) {
            return None;
        }
        live.extend(inner);
        for c in &carried {
            live.remove(&c.param);
        }
        live.extend(carried.iter().map(|c| c.init));
        return Some(Act::Loop {
            kind,
            carried,
            body: acts,
            source,
        });
    }
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
            let values = sends.iter().flat_map(|(_, values)| values);
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
            let got = receives.iter().flat_map(|(_, values)| values);
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
    let mut seen = HashSet::new();
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
