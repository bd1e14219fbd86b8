//! What there is to verify in a scheme: the standard operations of a backend, and the other protocols of its file.

use crate::elsewhere::{of_bits, of_names};
use crate::problem::{Malformed, Problem};
use crate::report::{Report, verify};
use crate::verdict::Limits;
use crate::work::Subject;
use smpc_ir::claim::Written;
use smpc_ir::field::Prime;
use smpc_ir::flat::{Missing, Owner, Protocols, TruncMode, Want};
use smpc_ir::party::Elem;
use std::collections::BTreeSet;

/// The standard operations of a backend, in the ring or field of its integers.
pub fn standard_wants(protocols: &dyn Protocols) -> Vec<Want> {
    let ring = protocols.int_elem();
    let n = protocols.computing().parties;
    let roles = protocols.computing().roles.len();
    let mut wants = Vec::new();
    let parties = (0..n).map(|i| Owner::Party(i as u8));
    let roles = (n..n + roles).map(|i| Owner::Role(i as u8));
    for owner in parties.chain(roles).chain([Owner::Outside]) {
        wants.push(Want::Share(ring, owner));
        wants.push(Want::Reveal(ring, owner));
    }
    wants.push(Want::Reveal(ring, Owner::Computing));
    wants.push(Want::Mul(ring));
    if let Elem::Bits(_) = ring {
        // Numbers are their bits: what is asked for is what the circuits are made of.
        let shuffle = Want::Shuffle(ring);
        wants.extend([
            Want::AddBits(ring),
            Want::LessBits(ring),
            Want::Equal(ring),
            shuffle,
        ]);
        return wants;
    }
    wants.push(Want::Mul(Elem::Bits(1)));
    for mode in [TruncMode::Exact, TruncMode::OneUnit, TruncMode::Local] {
        wants.push(Want::Trunc(ring, mode));
        wants.push(Want::MulTrunc(ring, mode));
    }
    wants.extend([
        Want::ToBits(ring),
        Want::Msb(ring),
        Want::LessThan(ring),
        Want::Equal(ring),
        Want::BitToRing(ring),
        Want::Shuffle(ring),
    ]);
    wants
}

/// A backend in small rings or fields, bound with arguments by the names that the backends of the
/// library have for them: `k` bits or a prime `p`; `k` and the prime `q` of a field in which bits are
/// compared, where there is one. What cannot be bound is left out.
pub fn small_rings<B>(
    protocols: &dyn Protocols,
    mut bind: impl FnMut(&[(&'static str, i128)]) -> Option<B>,
) -> Vec<B> {
    if let Elem::Field(_) = protocols.int_elem() {
        // Points of a polynomial are 1 to n.
        return (protocols.computing().parties as u128 + 1..)
            .filter(|p| Prime::new(*p).is_some())
            .take(2)
            .filter_map(|p| bind(&[("p", p as i128)]))
            .collect();
    }
    let compared = [[("k", 2), ("q", 5)], [("k", 4), ("q", 7)]];
    let found: Vec<B> = compared.iter().filter_map(|args| bind(args)).collect();
    if !found.is_empty() {
        return found;
    }
    let plain = [3, 4].into_iter();
    plain.filter_map(|k| bind(&[("k", k)])).collect()
}

/// A standard operation in another ring or field.
pub(crate) fn in_ring(want: Want, ring: Elem) -> Want {
    let narrow = |elem: Elem| match elem {
        Elem::Ring(_) | Elem::Field(_) => ring,
        // Numbers that are their bits; a truth value stays one.
        Elem::Bits(m) if m > 1 && matches!(ring, Elem::Bits(_)) => ring,
        other => other,
    };
    match want {
        Want::Share(e, owner) => Want::Share(narrow(e), owner),
        Want::Reveal(e, owner) => Want::Reveal(narrow(e), owner),
        Want::Mul(e) => Want::Mul(narrow(e)),
        Want::Trunc(e, mode) => Want::Trunc(narrow(e), mode),
        Want::MulTrunc(e, mode) => Want::MulTrunc(narrow(e), mode),
        Want::ToBits(e) => Want::ToBits(narrow(e)),
        Want::Msb(e) => Want::Msb(narrow(e)),
        Want::LessThan(e) => Want::LessThan(narrow(e)),
        Want::Equal(e) => Want::Equal(narrow(e)),
        Want::BitToRing(e) => Want::BitToRing(narrow(e)),
        Want::AddBits(e) => Want::AddBits(narrow(e)),
        Want::LessBits(e) => Want::LessBits(narrow(e)),
        Want::Shuffle(e) => Want::Shuffle(narrow(e)),
    }
}

/// Verifies one standard operation of a backend, given the same backend in small rings.
///
/// # Errors
/// `Ok(Err(_))` if the backend lacks the operation; an error if its text is malformed.
pub fn verify_standard(
    want: Want,
    protocols: &dyn Protocols,
    small: &[&dyn Protocols],
    limits: &Limits,
) -> Result<Result<Report, Missing>, Malformed> {
    let problem = match Problem::standard(want, protocols) {
        Ok(problem) => problem,
        Err(missing) => return Ok(Err(missing)),
    };
    let rings: Vec<Problem> = small
        .iter()
        .filter_map(|p| Problem::standard(in_ring(want, p.int_elem()), *p).ok())
        .filter(|p| p.validate().is_ok())
        .collect();
    verify(&problem, &rings, limits).map(Ok)
}

/// A protocol of a scheme with what was found about it: its title first.
pub type Row = (String, Report, Problem);

/// Every standard operation of a backend, then the other protocols of its file by their own
/// claims, given the same backend in small rings.
///
/// # Errors
/// A protocol whose text breaks the rules of flat protocols.
pub fn verify_scheme(
    protocols: &dyn Protocols,
    small: &[&dyn Protocols],
    limits: &Limits,
) -> Result<Vec<Row>, Malformed> {
    crate::work::verify_problems(problems(protocols, small), limits)
}

/// What there is to verify in a scheme: titles, protocols, the same protocols in small rings. Where a text is another one for bits of
/// another length, a row of its own ([`crate::Elsewhere`]) is about that; [`crate::elsewhere`] adds those for other rings.
pub fn problems(protocols: &dyn Protocols, small: &[&dyn Protocols]) -> Vec<Subject> {
    let mut all = Vec::new();
    let mut covered = BTreeSet::new();
    for want in standard_wants(protocols) {
        let Ok(problem) = Problem::standard(want, protocols) else {
            continue;
        };
        let rings = small
            .iter()
            .filter_map(|p| Problem::standard(in_ring(want, p.int_elem()), *p).ok())
            .filter(|p| p.validate().is_ok())
            .collect();
        covered.insert(problem.flat.name.clone());
        all.push((title(want), problem, rings));
    }
    let narrow: Vec<Vec<Written>> = small.iter().map(|p| p.written()).collect();
    let own = protocols.written();
    for written in &own {
        if covered.contains(&written.flat.name) {
            continue;
        }
        let rings = narrow
            .iter()
            .zip(small)
            .filter_map(|(list, p)| {
                let same = list.iter().find(|other| other.title == written.title)?;
                Some(Problem::written(same, *p))
            })
            .filter(|p| p.validate().is_ok())
            .collect();
        let problem = Problem::written(written, protocols);
        all.push((written.title.clone(), problem, rings));
    }
    of_bits(&mut all, protocols);
    of_names(&mut all, &own, protocols);
    for skipped in protocols.skipped() {
        let problem = Problem::skipped(&skipped, protocols);
        all.push((skipped.title, problem, Vec::new()));
    }
    all
}

/// An operation as people name it.
pub fn title(want: Want) -> String {
    let owner = |owner: Owner| match owner {
        Owner::Computing => "all".to_owned(),
        Owner::Party(i) => format!("P[{i}]"),
        Owner::Role(_) => "the dealer".to_owned(),
        Owner::Outside => "an outsider".to_owned(),
    };
    let mode = |mode: TruncMode| match mode {
        TruncMode::Exact => "exact",
        TruncMode::OneUnit => "one unit",
        TruncMode::Local => "local",
    };
    match want {
        Want::Share(_, from) => format!("share from {}", owner(from)),
        Want::Reveal(_, to) => format!("reveal to {}", owner(to)),
        Want::Mul(Elem::Bits(_)) => "and".to_owned(),
        Want::Mul(_) => "mul".to_owned(),
        Want::Trunc(_, m) => format!("trunc, {}", mode(m)),
        Want::MulTrunc(_, m) => format!("mul and trunc, {}", mode(m)),
        Want::ToBits(_) => "to_bits".to_owned(),
        Want::Msb(_) => "msb".to_owned(),
        Want::LessThan(_) => "less_than".to_owned(),
        Want::Equal(_) => "equal".to_owned(),
        Want::BitToRing(_) => "bit_to_ring".to_owned(),
        Want::AddBits(_) => "sum of integers in bits".to_owned(),
        Want::LessBits(_) => "comparison of integers in bits".to_owned(),
        Want::Shuffle(_) => "shuffle".to_owned(),
    }
}
