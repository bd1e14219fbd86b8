//! Relations of calls found so far, which questions that are answered side by side share.

use super::relation::{Relation, Relations};
use crate::callee::same;
use crate::problem::{Malformed, Problem};
use crate::verdict::Limits;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What relates operands and result of a protocol, if that can be enumerated.
type Found = Result<Option<Arc<Relation>>, Malformed>;

/// A protocol whose relation somebody asked for.
#[derive(Debug)]
struct Entry {
    problem: Problem,
    amounts: Vec<u128>,
    limits: Limits,
    found: OnceLock<Found>,
}

/// Relations by protocol. Each is a function of the protocol, of the public amounts and of the limits, so that it does not
/// matter who asks first.
#[derive(Debug, Default)]
pub(crate) struct Tables(Mutex<Vec<Arc<Entry>>>);

impl Tables {
    /// The relation of a protocol; who comes while another one looks for it waits. Protocols are asked for while one is
    /// looked for that calls them, never the other way round.
    pub fn of(&self, problem: &Problem, amounts: &[u128], limits: &Limits) -> Found {
        let entry = self.entry(problem, amounts, limits);
        let look = || Relations::new(limits, amounts, self).look(problem);
        entry.found.get_or_init(look).clone()
    }

    fn entry(&self, problem: &Problem, amounts: &[u128], limits: &Limits) -> Arc<Entry> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().find(|entry| {
            entry.amounts == amounts
                && entry.limits == *limits
                && same(&entry.problem, problem)
                && entry.problem.flat.calls == problem.flat.calls
        });
        if let Some(known) = known {
            return known.clone();
        }
        let entry = Arc::new(Entry {
            problem: problem.clone(),
            amounts: amounts.to_vec(),
            limits: *limits,
            found: OnceLock::new(),
        });
        all.push(entry.clone());
        entry
    }
}
