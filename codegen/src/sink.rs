//! Operations moved to where their results are first needed: less has to be kept over messages, and
//! messages leave before what they do not need is computed. What may fail stays where it is: a party fails before the
//! message before which the interpreter fails.

use rustc_hash::FxHashMap as HashMap;

use smpc_ir::party::Value;

use crate::facts::Facts;
use crate::fails;
use crate::needed::{defines, is_barrier, reads};
use crate::project::Act;

/// Moves operations of a block, and of the blocks in it, behind the messages before their first
/// reader.
pub(crate) fn sink<'p>(facts: &Facts<'_>, mut acts: Vec<Act<'p>>) -> Vec<Act<'p>> {
    for (block, _) in acts.iter_mut().flat_map(Act::blocks) {
        *block = sink(facts, std::mem::take(block));
    }
    // The stage before the first message is 0, and so on; an exchange ends its stage.
    let mut stages = Vec::with_capacity(acts.len());
    let mut stage = 0usize;
    for act in &acts {
        stages.push(stage);
        stage += usize::from(is_barrier(act));
    }
    let mut first: HashMap<Value, usize> = HashMap::default();
    for at in (0..acts.len()).rev() {
        let act = &acts[at];
        if let Act::Local {
            op, args, result, ..
        } = act
            && !fails::possibly(facts, op, args, *result)
        {
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
    // Places are sorted, not acts: those are large.
    let keys = acts.iter().zip(stages).enumerate();
    let mut order: Vec<(usize, bool, usize)> = keys
        .map(|(at, (act, stage))| (stage, is_barrier(act), at))
        .collect();
    order.sort_unstable();
    let mut acts: Vec<Option<Act<'p>>> = acts.into_iter().map(Some).collect();
    let next = |(_, _, at): (usize, bool, usize)| acts.get_mut(at).and_then(Option::take);
    order.into_iter().filter_map(next).collect()
}
