//! The protocols of a scheme at other widths than the backend's own, where they are other protocols there: operations on bits of
//! any length, names of widths that a signature leaves open, rings of another size.

use crate::problem::Problem;
use crate::refute::first_elem;
use crate::scheme::{in_ring, standard_wants, title};
use crate::widths::{At, Elsewhere, apart, same_but_for, tame, uniform};
use crate::work::Subject;
use smpc_ir::claim::Written;
use smpc_ir::flat::{Protocols, Want};
use smpc_ir::party::Elem;

/// The longest element.
const LONGEST: u8 = 128;
/// A width at which it is looked whether a number matters.
const PROBE: i128 = 61;

/// A want over bits of another length, if it is one of bits or of any elements.
fn over(want: Want, m: u8) -> Option<Want> {
    let bits = Elem::Bits(m);
    Some(match want {
        Want::Share(_, owner) => Want::Share(bits, owner),
        Want::Reveal(_, owner) => Want::Reveal(bits, owner),
        Want::Mul(Elem::Bits(_)) => Want::Mul(bits),
        Want::Shuffle(_) => Want::Shuffle(bits),
        Want::AddBits(_) => Want::AddBits(bits),
        Want::LessBits(_) => Want::LessBits(bits),
        Want::Equal(Elem::Bits(_)) => Want::Equal(bits),
        _ => return None,
    })
}

fn standard(want: Want, protocols: &dyn Protocols) -> Option<Problem> {
    let problem = Problem::standard(want, protocols).ok()?;
    problem.validate().is_ok().then_some(problem)
}

/// Adds what there is to verify beside the rows of a scheme at the backend's own widths.
fn add(
    all: &mut Vec<Subject>,
    row: &str,
    number: &str,
    found: Vec<(At, Vec<u8>)>,
    rings: &[Problem],
) {
    for (at, widths) in found {
        let mut problem = at.problem;
        let known = |other: &Problem| {
            let elsewhere = other.elsewhere.as_ref();
            elsewhere.is_some_and(|other| other.row == row)
                && other.lowered == problem.lowered
                && other.params == problem.params
        };
        if all.iter().any(|(_, other, _)| known(other)) {
            continue;
        }
        problem.elsewhere = Some(Elsewhere {
            row: row.to_owned(),
            widths,
        });
        let title = format!("{row}, {number} = {}", at.number);
        all.push((title, problem, rings.to_vec()));
    }
}

/// Standard operations on bits of every length. The rows are about bits of one length, or about elements of a ring.
pub(crate) fn of_bits(all: &mut Vec<Subject>, protocols: &dyn Protocols) {
    if protocols.sharing(Elem::Bits(1)).is_err() {
        return;
    }
    let (int, usual) = (protocols.int_elem(), protocols.ring_bits());
    for want in standard_wants(protocols) {
        let title = title(want);
        let Some((_, row, rings)) = all.iter().find(|(known, ..)| *known == title) else {
            continue;
        };
        let (row, rings) = (row.clone(), rings.clone());
        let own = first_elem(&row);
        // Found for any element, where the text is the same of bits.
        let covered = |problem: &Problem, m: u8| {
            let change = |elem| if elem == Elem::Bits(m) { own } else { elem };
            tame(&problem.lowered) && same_but_for(problem, &row, &change)
        };
        let at = |m: u8| standard(over(want, m)?, protocols);
        if over(want, 1).is_none()
            || at(usual).is_some_and(|first| uniform(&first) && covered(&first, usual))
        {
            continue;
        }
        let every: Vec<At> = (1..=LONGEST)
            .filter_map(|m| {
                Some(At {
                    number: m,
                    elem: m,
                    problem: at(m)?,
                })
            })
            .collect();
        let looked = every.iter().position(|at| own == Elem::Bits(at.number));
        let mut found = apart(every, looked, usual);
        found.retain(|(at, _)| !covered(&at.problem, at.number));
        let short = || [2, 3].into_iter().filter_map(at).collect();
        let rings = match int {
            Elem::Bits(_) => rings,
            _ => short(),
        };
        add(all, &title, "m", found, &rings);
    }
}

/// Protocols of the file with names of widths that their signatures leave open, each of these alone and both.
pub(crate) fn of_names(all: &mut Vec<Subject>, written: &[Written], protocols: &dyn Protocols) {
    let open = |one: &&Written| {
        if !is_own(all, protocols, one) {
            return false;
        }
        let row = all.iter().find(|(title, ..)| *title == one.title);
        row.is_some_and(|(_, problem, _)| !uniform(problem))
    };
    let open: Vec<&Written> = written.iter().filter(open).collect();
    let numbers = |names: &[&'static str], value: i128| -> Vec<(&'static str, i128)> {
        names.iter().map(|name| (*name, value)).collect()
    };
    let mut matters: Vec<Vec<&str>> = Vec::new();
    for set in [&["m"][..], &["l"], &["m", "l"]] {
        let names = distinct(open.iter().copied());
        let probe = protocols.written_at(&names, &numbers(set, PROBE));
        let moved = |one: &&&Written| {
            let other = probe.iter().find(|other| other.title == one.title);
            other.is_none_or(|other| other.flat != one.flat)
        };
        let mut moved: Vec<&Written> = open.iter().filter(moved).copied().collect();
        if set.len() > 1 {
            let both = |title: &str| matters.iter().all(|titles| titles.contains(&title));
            moved.retain(|one| both(&one.title));
        }
        matters.push(moved.iter().map(|one| one.title.as_str()).collect());
        let names = distinct(moved.iter().copied());
        if names.is_empty() {
            continue;
        }
        let every: Vec<(u8, Vec<Written>)> = (1..=LONGEST)
            .map(|m| (m, protocols.written_at(&names, &numbers(set, m.into()))))
            .collect();
        for one in moved {
            let of_row = every.iter().filter_map(|(m, list)| {
                let same = list.iter().find(|other| other.title == one.title)?;
                let problem = Problem::written(same, protocols);
                problem.validate().ok()?;
                Some(At {
                    number: *m,
                    elem: *m,
                    problem,
                })
            });
            let of_row: Vec<At> = of_row.collect();
            let own = of_row
                .iter()
                .position(|at| at.problem.lowered == one.flat && at.problem.params == one.params);
            let rings = rings_of(all, &one.title);
            let found = apart(of_row, own, protocols.ring_bits());
            add(all, &one.title, &set.join(" = "), found, &rings);
        }
    }
}

/// Whether a protocol of the file has a row of its own, and is none that serves standard operations.
fn is_own(all: &[Subject], protocols: &dyn Protocols, one: &Written) -> bool {
    let wants = standard_wants(protocols);
    let titles: Vec<String> = wants.into_iter().map(title).collect();
    !all.iter()
        .any(|(known, problem, _)| titles.contains(known) && problem.flat.name == one.flat.name)
}

fn distinct<'w>(list: impl Iterator<Item = &'w Written>) -> Vec<&'w str> {
    let mut names: Vec<&str> = list.map(|one| one.flat.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn rings_of(all: &[Subject], title: &str) -> Vec<Problem> {
    let row = all.iter().find(|(known, ..)| known == title);
    row.map_or(Vec::new(), |(_, _, rings)| rings.clone())
}

/// The same backend with other widths of its integers, bound with `k` as [`crate::small_rings`] does: 2 to 128, but for its own.
/// What cannot be bound is left out, and so are fields.
pub fn other_widths<B>(
    protocols: &dyn Protocols,
    mut bind: impl FnMut(&[(&'static str, i128)]) -> Option<B>,
) -> Vec<(u8, B)> {
    if let Elem::Field(_) = protocols.int_elem() {
        return Vec::new();
    }
    let own = protocols.ring_bits();
    let others = (2..=LONGEST).filter(|k| *k != own);
    others
        .filter_map(|k| Some((k, bind(&[("k", k.into())])?)))
        .collect()
}

/// Adds to the rows of a scheme what there is to verify with integers of other widths ([`other_widths`]), where a text is another one
/// there.
pub fn elsewhere(
    all: &mut Vec<Subject>,
    protocols: &dyn Protocols,
    others: &[(u8, &dyn Protocols)],
) {
    let usual = protocols.ring_bits();
    let at = |k: u8, protocols: &dyn Protocols, problem| At {
        number: k,
        elem: protocols.int_elem().wire_bits(),
        problem,
    };
    for want in standard_wants(protocols) {
        let title = title(want);
        let Some((_, row, rings)) = all.iter().find(|(known, ..)| *known == title) else {
            continue;
        };
        if uniform(row) {
            continue;
        }
        let (row, rings) = (row.clone(), rings.clone());
        // In two bits there is nothing that a truncation may shift out: its amounts are 1 to k - 2.
        let least = match want {
            Want::Trunc(..) | Want::MulTrunc(..) => 3,
            _ => 2,
        };
        let others = others.iter().filter(|(k, _)| *k >= least);
        let others = others.filter_map(|(k, other)| {
            let problem = standard(in_ring(want, other.int_elem()), *other)?;
            Some(at(*k, *other, problem))
        });
        let mut every = vec![at(usual, protocols, row)];
        every.extend(others);
        add(all, &title, "k", apart(every, Some(0), usual), &rings);
    }
    let mut written = protocols.written();
    written.retain(|one| is_own(all, protocols, one));
    let rows = written.iter().filter_map(|one| {
        let row = all.iter().find(|(title, ..)| *title == one.title);
        let (title, problem, _) = row.filter(|(_, problem, _)| !uniform(problem))?;
        Some((title.clone(), problem.clone()))
    });
    let open: Vec<(String, Problem)> = rows.collect();
    let named = written.iter();
    let names = distinct(named.filter(|one| open.iter().any(|(title, _)| *title == one.title)));
    let lists: Vec<(u8, &dyn Protocols, Vec<Written>)> = others
        .iter()
        .map(|(k, other)| (*k, *other, other.written_at(&names, &[])))
        .collect();
    for (title, row) in open {
        let others = lists.iter().filter_map(|(k, other, list)| {
            let same = list.iter().find(|one| one.title == title)?;
            let problem = Problem::written(same, *other);
            problem.validate().ok()?;
            Some(at(*k, *other, problem))
        });
        let mut every = vec![at(usual, protocols, row)];
        every.extend(others);
        let rings = rings_of(all, &title);
        add(all, &title, "k", apart(every, Some(0), usual), &rings);
    }
}
