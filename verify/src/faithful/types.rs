//! Whether element types stand to each other in a small ring as they do at full width.
//!
//! A text may name widths of its own: numbers of 8 bits, single bits, a field in which bits are compared. Where a number of 64 bits
//! is cast to 8 bits it loses 56 of them; one of four bits loses none, so that what is lost is not looked at in a ring of four.

use crate::element::order;
use crate::operands::amount_params;
use crate::problem::{Problem, operand_ids};
use crate::requires::elems;
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::Elem;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Where in a text something is made: operands and results by number, steps by file and bytes.
pub(super) type Place = (u8, u32, u32, u32);

/// The place of a step; where two problems have the same steps, each is a place of its own.
pub(super) fn place(problem: &Problem, step: usize, alike: bool) -> Place {
    let source = problem.flat.steps[step].source;
    match alike {
        true => (0, 0, step as u32, 0),
        false => (0, source.file, source.start, source.end),
    }
}

/// Whether the steps of one problem are those of the other.
pub(super) fn alike(full: &Problem, small: &Problem) -> bool {
    let (wide, narrow) = (&full.flat.steps, &small.flat.steps);
    let mut pairs = wide.iter().zip(narrow);
    wide.len() == narrow.len() && pairs.all(|(a, b)| a.source == b.source && a.args == b.args)
}

/// Values that everybody computes from public numbers and constants, and such as are no elements: orders, digests, seeds.
pub(crate) fn beside(problem: &Problem) -> Vec<bool> {
    let flat = &problem.flat;
    let mut public = vec![false; flat.values.len()];
    for at in amount_params(problem) {
        for id in operand_ids(&flat.params[at]) {
            public[*id as usize] = true;
        }
    }
    for step in &flat.steps {
        let all = step.args.iter().all(|id| public[*id as usize]);
        if matches!(step.op, FlatOp::Local(_)) && all {
            public[step.result as usize] = true;
        }
    }
    for (public, info) in public.iter_mut().zip(&flat.values) {
        let seed = info.kind == Kind::Scalar && info.elem == Elem::Bits(128);
        *public |= seed || matches!(info.kind, Kind::Rows | Kind::Digest);
    }
    public
}

/// Elements of one type made of elements of another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Made {
    from: Elem,
    to: Elem,
    /// A number is made another one: such a step is none only where both types are the same.
    cast: bool,
}

/// What is made of what at each place where it is of another type.
fn conversions(problem: &Problem, alike: bool) -> BTreeMap<Place, BTreeSet<Made>> {
    let flat = &problem.flat;
    let beside = beside(problem);
    let elem = |id: u32| flat.values[id as usize].elem;
    let mut found: BTreeMap<Place, BTreeSet<Made>> = BTreeMap::new();
    for (at, step) in flat.steps.iter().enumerate() {
        let made = !matches!(
            step.op,
            FlatOp::Local(Local::Expand) | FlatOp::Assert { .. }
        );
        if !made || beside[step.result as usize] {
            continue;
        }
        let at = place(problem, at, alike);
        for id in step.args.iter().filter(|id| !beside[**id as usize]) {
            found.entry(at).or_default().insert(Made {
                from: elem(*id),
                to: elem(step.result),
                cast: step.op == FlatOp::Local(Local::Prim(Prim::Cast)),
            });
        }
    }
    // Of one text for several types those places count at which any are made others.
    found.retain(|_, all| all.iter().any(|made| made.from != made.to));
    found
}

/// The types of operands and results, which are others in the small ring: at full width, and there.
fn own(full: &Problem, small: &Problem) -> (Vec<Elem>, Vec<Elem>) {
    let types = |problem: &Problem| -> Vec<Elem> {
        let operands = [elems(&problem.params), elems(&problem.results)];
        operands.concat()
    };
    let pairs = types(full).into_iter().zip(types(small));
    pairs.filter(|(wide, narrow)| wide != narrow).unzip()
}

/// The widest type of all.
fn widest(problem: &Problem) -> Option<Elem> {
    let beside = beside(problem);
    let values = problem.flat.values.iter().zip(&beside);
    let elems = values.filter(|(_, beside)| !**beside);
    elems
        .map(|(value, _)| value.elem)
        .max_by(|a, b| compare(*a, *b))
}

/// The casts to and from such types, and the bits that are taken out of their elements: how the one type stands to the other, and
/// which of them is such a type.
fn of_types(all: &BTreeSet<Made>, types: &[Elem]) -> BTreeSet<(Ordering, bool, bool)> {
    let such = |elem: Elem| {
        let mut types = types.iter();
        types.any(|own| compare(*own, elem) == Ordering::Equal)
    };
    let others = all.iter().filter(|made| made.from != made.to);
    let ways = others.filter_map(|made| {
        let (how, from) = (compare(made.from, made.to), such(made.from));
        let part = how == Ordering::Greater && from;
        let cast = made.cast && (from || such(made.to));
        (part || cast).then_some((how, from, such(made.to)))
    });
    ways.collect()
}

/// How one type stands to another, by the number of elements.
fn compare(a: Elem, b: Elem) -> Ordering {
    // 0 stands for 2^128.
    let last = |elem: Elem| order(elem).wrapping_sub(1);
    last(a).cmp(&last(b))
}

/// Elements that are made of elements of another type that stands otherwise to it in the small ring than at full width, in words;
/// `all` if each way in which types stand to each other at full width must be one in the small ring, too.
pub(super) fn otherwise(full: &Problem, small: &Problem, all: bool) -> Option<String> {
    let alike = alike(full, small);
    let (wide, narrow) = (conversions(full, alike), conversions(small, alike));
    let ways = |all: &BTreeSet<Made>| -> BTreeSet<Ordering> {
        all.iter().map(|made| compare(made.from, made.to)).collect()
    };
    let (own_wide, own_narrow) = own(full, small);
    let mut known = own_wide.clone();
    known.extend(widest(full));
    for (at, wide) in &wide {
        let meant = ways(wide);
        let other = match narrow.get(at) {
            Some(narrow) => {
                let found = ways(narrow);
                let kept = of_types(wide, &own_wide).is_subset(&of_types(narrow, &own_narrow));
                !kept || !found.is_subset(&meant) || all && meant != found
            }
            None if all => true,
            // Levels of a tree may be missing; but to take as many bits of a number as it has, or to cast it to its own type, is no
            // step.
            None => !of_types(wide, &known).is_empty(),
        };
        if other && let Some(made) = wide.iter().find(|made| made.from != made.to) {
            return Some(shown(made.from, made.to));
        }
    }
    let mut more = narrow.iter().filter(|(at, _)| !wide.contains_key(at));
    more.find_map(|(_, all)| {
        let made = all.iter().find(|made| made.from != made.to)?;
        let (from, to) = (name(made.from), name(made.to));
        Some(format!(
            "elements of {to} are made of {from}, as at full width they are not,"
        ))
    })
}

fn shown(a: Elem, b: Elem) -> String {
    let (a, b, how) = match compare(a, b) {
        Ordering::Less => (a, b, "narrower than"),
        Ordering::Equal => (a, b, "as wide as"),
        Ordering::Greater => (b, a, "narrower than"),
    };
    let (a, b) = (name(a), name(b));
    format!("{a}, {how} {b} at full width, stands otherwise to it")
}

/// A type as texts have it.
pub(super) fn name(elem: Elem) -> String {
    match elem {
        Elem::Ring(m) => format!("Z[2^{m}]"),
        Elem::Bits(m) => format!("Bits[{m}]"),
        Elem::Field(p) => format!("F[{}]", p.modulus()),
        Elem::Fix => "fix".to_owned(),
    }
}
