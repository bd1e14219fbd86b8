//! Coalitions that know more of a sharing than a scheme may tell them, found when it is bound.

use crate::equation::Reader;
use crate::scheme::{Instance, Key};
use crate::solve::solve;
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::SchemePartKind;
use smpc_ir::field::Prime;
use smpc_ir::party::{Elem, Party, PartySet};

/// Coalitions examined when a scheme is bound; beyond, proofs find what is wrong.
const EXAMINED: usize = 20_000;

/// A coalition within the bounds of the `corrupt` clauses that determines the value. What a
/// coalition determines, a larger one does: only the largest are examined.
pub(crate) fn insider(
    instance: &Instance,
    reader: &Reader<'_>,
    p: Prime,
    rows: &[Vec<u128>],
    right: &[u128],
) -> Result<Option<PartySet>, Box<Diagnostic>> {
    for part in &reader.def.scheme.parts {
        let SchemePartKind::Corrupt(coalitions, _) = &part.kind else {
            continue;
        };
        for coalition in coalitions {
            let family = coalition.of.segments.last().map(|s| &s.name);
            let Some(count) = coalition
                .count
                .as_ref()
                .filter(|_| family == Some(&reader.def.parties.name))
            else {
                continue;
            };
            let size = usize::try_from(reader.number(count)?)
                .unwrap_or(0)
                .min(reader.n);
            for set in subsets(reader.n, size).take(EXAMINED) {
                let held: Vec<usize> = (0..instance.keys.len())
                    .filter(|at| !instance.holders[*at].intersection(set).is_empty())
                    .collect();
                let part: Vec<Vec<u128>> = rows
                    .iter()
                    .map(|row| held.iter().map(|at| row[*at]).collect())
                    .collect();
                if size > 0 && solve(p, &part, right).is_some() {
                    return Ok(Some(set));
                }
            }
        }
    }
    Ok(None)
}

/// Sets of `size` of the first `n` parties, in lexicographic order.
fn subsets(n: usize, size: usize) -> impl Iterator<Item = PartySet> {
    let mut next: Option<Vec<usize>> = (size <= n).then(|| (0..size).collect());
    std::iter::from_fn(move || {
        let current = next.take()?;
        let mut following = current.clone();
        // The last member that can move up, and those after it right behind.
        if let Some(at) = (0..size).rev().find(|at| current[*at] < n - size + at) {
            following[at] += 1;
            for after in at + 1..size {
                following[after] = following[after - 1] + 1;
            }
            next = Some(following);
        }
        Some(current.iter().map(|i| Party(*i as u8)).collect())
    })
}

/// A component with an even coefficient in Z[2^k], where some coalition within the bounds of the `corrupt` clauses lacks only
/// such ones: what it holds tells low bits of the value, and no component follows from the value and the others.
pub(crate) fn even<'i>(
    instance: &'i Instance,
    reader: &Reader<'_>,
) -> Result<Option<&'i Key>, Box<Diagnostic>> {
    let Elem::Ring(_) = instance.elem else {
        return Ok(None);
    };
    let lacking = |set: PartySet| {
        (0..instance.keys.len()).filter(move |at| {
            let held = !instance.holders[*at].intersection(set).is_empty();
            !held && instance.reconstruction[*at] != 0
        })
    };
    for size in 0..=largest(reader)? {
        for set in subsets(reader.n, size).take(EXAMINED) {
            let all = lacking(set).all(|at| instance.reconstruction[at] % 2 == 0);
            if let (true, Some(at)) = (all, lacking(set).next()) {
                return Ok(Some(&instance.keys[at]));
            }
        }
    }
    Ok(None)
}

/// How many computing parties the `corrupt` clauses name at most.
fn largest(reader: &Reader<'_>) -> Result<usize, Box<Diagnostic>> {
    let mut most = 0;
    for part in &reader.def.scheme.parts {
        let SchemePartKind::Corrupt(coalitions, _) = &part.kind else {
            continue;
        };
        for coalition in coalitions {
            let family = coalition.of.segments.last().map(|s| &s.name);
            if let Some(count) = &coalition.count
                && family == Some(&reader.def.parties.name)
            {
                let size = usize::try_from(reader.number(count)?).unwrap_or(0);
                most = most.max(size.min(reader.n));
            }
        }
    }
    Ok(most)
}
