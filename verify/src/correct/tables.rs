//! Relations of calls found so far, which questions that are answered side by side share.

use super::relation::{Relation, Relations};
use super::trial::{Enumeration, enumerate};
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
pub(crate) struct Tables {
    relations: Mutex<Vec<Arc<Entry>>>,
    enumerated: Mutex<Vec<Arc<Executed>>>,
}

/// A protocol in a small ring all of whose executions were asked for: rows about several widths have the same.
#[derive(Debug)]
struct Executed {
    problem: Problem,
    assignments: u64,
    samples: u64,
    found: OnceLock<Result<Enumeration, Malformed>>,
}

impl Tables {
    /// The relation of a protocol; who comes while another one looks for it waits. Protocols are asked for while one is
    /// looked for that calls them, never the other way round.
    pub fn of(&self, problem: &Problem, amounts: &[u128], limits: &Limits) -> Found {
        let entry = self.entry(problem, amounts, limits);
        let look = || Relations::new(limits, amounts, self).look(problem);
        entry.found.get_or_init(look).clone()
    }

    /// All executions of a protocol in a small ring ([`enumerate`]).
    pub(super) fn executions(
        &self,
        problem: &Problem,
        limits: &Limits,
    ) -> Result<Enumeration, Malformed> {
        let entry = {
            let mut all = self
                .enumerated
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let known = all.iter().find(|entry| {
                let other = &entry.problem;
                Arc::ptr_eq(&other.flat, &problem.flat)
                    && other.spec == problem.spec
                    && other.params == problem.params
                    && other.results == problem.results
                    && entry.assignments == limits.assignments
                    && entry.samples == limits.samples
            });
            known.cloned().unwrap_or_else(|| {
                let entry = Arc::new(Executed {
                    problem: problem.clone(),
                    assignments: limits.assignments,
                    samples: limits.samples,
                    found: OnceLock::new(),
                });
                all.push(entry.clone());
                entry
            })
        };
        entry
            .found
            .get_or_init(|| enumerate(problem, limits))
            .clone()
    }

    fn entry(&self, problem: &Problem, amounts: &[u128], limits: &Limits) -> Arc<Entry> {
        let mut all = self
            .relations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().find(|entry| {
            entry.amounts == amounts
                && entry.limits.assignments == limits.assignments
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
