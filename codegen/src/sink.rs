//! Operations moved to where their results are first needed: less has to be kept over messages, and
//! messages leave before what they do not need is computed.

use std::collections::HashMap;

use smpc_ir::party::Value;

use crate::needed::{defines, is_barrier, reads};
use crate::project::{Act, LoopKind};

/// Moves operations of a block, and of the blocks in it, behind the messages before their first
/// reader.
pub(crate) fn sink(acts: Vec<Act<'_>>) -> Vec<Act<'_>> {
    let acts: Vec<Act<'_>> = acts.into_iter().map(nested).collect();
    // The stage before the first message is 0, and so on; an exchange ends its stage.
    let mut stages = Vec::with_capacity(acts.len());
    let mut stage = 0usize;
    for act in &acts {
        stages.push(stage);
        stage += usize::from(is_barrier(act));
    }
    let mut first: HashMap<Value, usize> = HashMap::new();
    for at in (0..acts.len()).rev() {
        let act = &acts[at];
        if matches!(act, Act::Local { .. }) {
            let readers = defines(act)
                .into_iter()
                .filter_map(|v| first.get(&v).copied());
            if let Some(stage) = readers.min() {
                stages[at] = stages[at].max(stage);
            }
        }
        let stage = stages[at];
        reads(act, &mut |value, _| {
            let own = first.entry(value).or_insert(stage);
            *own = stage.min(*own);
        });
    }
    let mut order: Vec<(usize, bool, Act<'_>)> = acts
        .into_iter()
        .zip(stages)
        .map(|(act, stage)| (stage, is_barrier(&act), act))
        .collect();
    order.sort_by_key(|(stage, barrier, _)| (*stage, *barrier));
    order.into_iter().map(|(_, _, act)| act).collect()
}

fn nested(act: Act<'_>) -> Act<'_> {
    match act {
        Act::Loop {
            kind,
            carried,
            body,
            source,
        } => Act::Loop {
            kind: match kind {
                LoopKind::While { condition, test } => LoopKind::While {
                    condition: sink(condition),
                    test,
                },
                counted => counted,
            },
            carried,
            body: sink(body),
            source,
        },
        Act::Switch {
            index,
            arms,
            results,
            source,
        } => {
            let arms = arms.into_iter();
            Act::Switch {
                index,
                arms: arms.map(|(acts, handed)| (sink(acts), handed)).collect(),
                results,
                source,
            }
        }
        Act::Tree {
            scan,
            half,
            length,
            rows,
            body,
            source,
        } => Act::Tree {
            scan,
            half,
            length,
            rows,
            body: sink(body),
            source,
        },
        other => other,
    }
}
