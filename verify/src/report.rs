//! Everything about one protocol, and the table of a scheme.

use crate::active::{Active, Effect, deviate};
use crate::certificate::Assumption;
use crate::correct::{Honest, Tables, correctness_with};
use crate::decide::{FEW, decide_freshness, decide_privacy, exposed};
use crate::element::width;
use crate::eliminate::Proofs;
use crate::lift::same;
use crate::machine::Machine;
use crate::problem::{Malformed, Operand, Problem, Spec};
use crate::refute::{assignment_bits, first_elem};
use crate::scheme::Row;
use crate::verdict::{Limits, Verdict, shrink};
use crate::widths::Elsewhere;
use smpc_ir::claim::Domain;
use smpc_ir::party::PartySet;
use std::collections::{BTreeMap, BTreeSet};

/// What was found about a protocol.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its name in the text.
    pub name: String,
    /// Whether the result is what it should be.
    pub correct: Verdict,
    /// Per coalition, whether it learns no more than it should.
    pub privacy: Vec<(PartySet, Verdict)>,
    /// Per coalition, whether the result's sharing is fresh; empty for clear results.
    pub fresh: Vec<(PartySet, Verdict)>,
    /// Per coalition that the scheme allows to deviate, what it can do.
    pub active: Vec<Active>,
    /// Whether the text itself says that its result has an error of somebody's choice.
    pub allowed: bool,
    /// Message depth online.
    pub rounds: usize,
    /// Elements that parties send online, one per receiver.
    pub elements: usize,
}

impl Report {
    /// Whether parties that deviate can change a result and not be caught.
    fn changes(&self) -> bool {
        let mut effects = self.active.iter().map(|active| &active.effect);
        effects.any(|effect| matches!(effect, Effect::Changes { .. }))
    }

    /// The least favourable of several verdicts.
    fn worst(list: &[(PartySet, Verdict)]) -> Option<&(PartySet, Verdict)> {
        list.iter().max_by_key(|(_, verdict)| verdict.severity())
    }

    /// Privacy against all coalitions together.
    pub fn private(&self) -> Option<&(PartySet, Verdict)> {
        Self::worst(&self.privacy)
    }

    /// Freshness for all coalitions together, but for those shown to know the components anyway
    /// (a dealer, an owner).
    pub fn freshness(&self) -> Option<&(PartySet, Verdict)> {
        self.fresh
            .iter()
            .filter(|(_, verdict)| !verdict.is_refuted())
            .max_by_key(|(_, verdict)| verdict.severity())
    }

    /// The worst that a coalition can do that deviates.
    pub fn deviating(&self) -> Option<&Active> {
        self.active.iter().max_by_key(|active| active.severity())
    }

    /// Whether a proof of privacy needs fresh sharings of the operands.
    pub fn requires_fresh(&self) -> bool {
        self.privacy.iter().any(|(_, verdict)| match verdict {
            Verdict::Proved {
                certificate: Some(certificate),
            }
            | Verdict::Statistical { certificate, .. } => certificate.assume == Assumption::Fresh,
            _ => false,
        })
    }

    /// The clear results that those coalitions are given for which it is private up to these ([`Problem::given`]).
    pub fn given(&self, problem: &Problem) -> Vec<String> {
        let mut names = Vec::new();
        for (coalition, verdict) in &self.privacy {
            if verdict.severity() < OPEN {
                names.extend(problem.given(*coalition));
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether there is a counter-example. A result that is not fresh restricts callers and refutes
    /// nothing.
    pub fn is_refuted(&self) -> bool {
        self.correct.is_refuted()
            || self.privacy.iter().any(|(_, v)| v.is_refuted())
            || !self.allowed && self.changes()
    }
}

/// Proves or refutes everything about one protocol. `small` are the same protocol in small rings,
/// for the refuter; where the text has ring operations only they are derived.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn verify(problem: &Problem, small: &[Problem], limits: &Limits) -> Result<Report, Malformed> {
    verify_with(problem, small, limits, &mut Proofs::default())
}

/// The same, with what is known of callees: protocols of one scheme share them.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn verify_with(
    problem: &Problem,
    small: &[Problem],
    limits: &Limits,
    proofs: &mut Proofs,
) -> Result<Report, Malformed> {
    let honest = correctness_with(problem, small, limits, None, &Tables::default())?;
    let mut secrets = Vec::new();
    for coalition in problem.coalitions() {
        secrets.push((
            coalition,
            secrecy(problem, small, coalition, limits, proofs)?,
        ));
    }
    let deviating = problem.deviating().into_iter();
    let deviating = deviating.map(|coalition| deviate(problem, coalition));
    Ok(report(problem, honest, secrets, deviating.collect()))
}

/// What one coalition learns that follows the protocol, and for which results it is fresh.
#[derive(Debug)]
pub(crate) struct Secrecy {
    pub(crate) privacy: Verdict,
    fresh: Vec<Verdict>,
}

/// Privacy and freshness for one coalition, in runs that go on.
pub(crate) fn secrecy(
    problem: &Problem,
    small: &[Problem],
    coalition: PartySet,
    limits: &Limits,
    proofs: &mut Proofs,
) -> Result<Secrecy, Malformed> {
    problem.validate()?;
    let mut fresh = Vec::new();
    if let Some(reason) = &problem.skipped {
        let privacy = Verdict::Unknown {
            reason: reason.clone(),
        };
        return Ok(Secrecy { privacy, fresh });
    }
    if problem.exposes(coalition) {
        let privacy = exposed(problem, coalition);
        return Ok(Secrecy { privacy, fresh });
    }
    let derived: Vec<Problem> = derived(problem, FEW, limits)?;
    let rings = if derived.is_empty() { small } else { &derived };
    let rings = with_itself(problem, rings, limits)?;
    let privacy = decide_privacy(problem, &rings, coalition, limits, proofs)?;
    for result in 0..problem.results.len() {
        if matches!(problem.results[result], Operand::Shared(_)) {
            let verdict = decide_freshness(problem, &rings, coalition, result, limits, proofs)?;
            fresh.push(verdict);
        }
    }
    Ok(Secrecy { privacy, fresh })
}

/// Bits of the largest ring that is derived.
const MOST: u8 = 8;

/// The same text in rings of 1 to so many bits, and in larger ones in which its executions are few enough to be enumerated.
pub(crate) fn derived(
    problem: &Problem,
    few: u8,
    limits: &Limits,
) -> Result<Vec<Problem>, Malformed> {
    let mut found = Vec::new();
    for k in 1..=MOST {
        let Some(ring) = shrink(problem, k) else {
            continue;
        };
        if k > few {
            let rows = Machine::new(&ring)?.rows;
            if assignment_bits(&ring, rows, &|_| true) > (limits.assignments as f64).log2() {
                break;
            }
        }
        found.push(ring);
    }
    Ok(found)
}

/// Bits of a ring in which calls are enumerated one by one where executions are too many.
const SHORT: u8 = 4;

/// The rings in which a text is enumerated: with them its own, if its executions are few enough or its elements short.
pub(crate) fn with_itself(
    problem: &Problem,
    rings: &[Problem],
    limits: &Limits,
) -> Result<Vec<Problem>, Malformed> {
    let mut all = rings.to_vec();
    let rows = Machine::new(problem)?.rows;
    let few = assignment_bits(problem, rows, &|_| true) <= (limits.assignments as f64).log2()
        || width(first_elem(problem)) <= SHORT;
    if few && !all.iter().any(|ring| same(problem, ring)) {
        all.push(problem.clone());
    }
    Ok(all)
}

/// What a view was simulated from are clear results as clauses have them: where these are not shown to be what comes out, that
/// says nothing of a run.
fn resting(problem: &Problem, coalition: PartySet, correct: &Verdict, private: Verdict) -> Verdict {
    let given = problem.given(coalition);
    let shown = matches!(correct, Verdict::Proved { .. } | Verdict::Exhausted(_));
    if given.is_empty() || shown || private.severity() >= OPEN {
        return private;
    }
    Verdict::Unknown {
        reason: unshown(&given),
    }
}

/// The same of a coalition that deviates.
fn held_to(problem: &Problem, correct: &Verdict, mut active: Active) -> Active {
    let given = problem.given(active.coalition);
    let shown = matches!(correct, Verdict::Proved { .. } | Verdict::Exhausted(_));
    if active.leak.is_none() && !given.is_empty() && !shown {
        active.leak = Some(unshown(&given));
    }
    active
}

fn unshown(given: &[String]) -> String {
    format!(
        "what it sees is simulated from {}, which is not shown to be what `ensures` says",
        given.join(" and ")
    )
}

/// The severity from which a verdict says that something does not hold, or may not.
const OPEN: u8 = 4;

/// All that was found, together.
pub(crate) fn report(
    problem: &Problem,
    honest: Honest,
    secrets: Vec<(PartySet, Secrecy)>,
    active: Vec<Active>,
) -> Report {
    let claims = &problem.flat.claims;
    let range = |over: &Option<Domain>| matches!(over, Some(Domain::Range(..)));
    // But for deferred protocols.
    let traffic = problem.flat.traffic(problem.own);
    let (mut privacy, mut fresh) = (Vec::new(), Vec::new());
    for (coalition, found) in secrets {
        let verdict = match &honest.told {
            Some(reason) if !found.privacy.is_refuted() => Verdict::Unknown {
                reason: reason.clone(),
            },
            _ => found.privacy,
        };
        let verdict = resting(problem, coalition, &honest.verdict, verdict);
        privacy.push((coalition, verdict));
        fresh.extend(found.fresh.into_iter().map(|verdict| (coalition, verdict)));
    }
    let active = active.into_iter();
    let active = active.map(|active| held_to(problem, &honest.verdict, active));
    let active = active.collect();
    Report {
        name: problem.flat.name.clone(),
        correct: honest.verdict,
        privacy,
        fresh,
        active,
        allowed: problem.spec == Spec::Unspecified
            && (!claims.unread.is_empty() || claims.ensures.iter().any(|e| range(&e.over))),
        rounds: traffic.rounds,
        elements: traffic.elements,
    }
}

/// Whether a row is about other widths than another one that says no more than it: that one then is about these, too.
pub fn covered(rows: &[Row], (_, report, problem): &Row) -> bool {
    let Some(Elsewhere { row, .. }) = &problem.elsewhere else {
        return false;
    };
    let severity = |verdict: Option<&(PartySet, Verdict)>| verdict.map_or(0, |v| v.1.severity());
    let stale = |report: &Report| -> BTreeSet<PartySet> {
        let refuted = report.fresh.iter().filter(|(_, v)| v.is_refuted());
        refuted.map(|(set, _)| *set).collect()
    };
    let deviating = |report: &Report| report.deviating().map_or(0, Active::severity);
    rows.iter().any(|(title, other, general)| {
        title == row
            && report.correct.severity() <= other.correct.severity()
            && severity(report.private()) <= severity(other.private())
            && severity(report.freshness()) <= severity(other.freshness())
            && report.requires_fresh() <= other.requires_fresh()
            && stale(report).is_subset(&stale(other))
            && deviating(report) <= deviating(other)
            && report.given(problem) == other.given(general)
    })
}

/// The table of a scheme, as plain text, without rows that are [`covered`].
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut width: BTreeMap<usize, usize> = BTreeMap::new();
    let active = rows.iter().any(|(_, report, _)| !report.active.is_empty());
    let mut lines = vec![
        [
            "operation",
            "protocol",
            "correct",
            "private",
            "fresh",
            "active",
            "rounds",
            "elements",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let shown = rows.iter().filter(|row| !covered(rows, row));
    for (operation, report, problem) in shown {
        let cell = |worst: Option<&(PartySet, Verdict)>| match worst {
            None => "-".to_owned(),
            Some((coalition, Verdict::Statistical { bits, .. })) => {
                format!("proved but for 2^-{bits} {}", problem.set_name(*coalition))
            }
            Some((coalition, verdict)) if verdict.severity() > 0 => {
                format!("{} {}", verdict.word(), problem.set_name(*coalition))
            }
            Some((_, verdict)) => verdict.word().to_owned(),
        };
        let private = match (cell(report.private()), report.requires_fresh()) {
            (word, true) => format!("{word} (fresh operands)"),
            (word, false) => word,
        };
        let open = report
            .private()
            .is_none_or(|(_, worst)| worst.severity() >= OPEN);
        let private = match report.given(problem).as_slice() {
            given if open || given.is_empty() => private,
            given => format!("{private}, given {}", given.join(" and ")),
        };
        let fresh = cell(report.freshness());
        let except: Vec<String> = report
            .fresh
            .iter()
            .filter(|(_, verdict)| verdict.is_refuted())
            .map(|(coalition, _)| problem.set_name(*coalition))
            .collect();
        let fresh = match except.as_slice() {
            [] => fresh,
            [one] => format!("{fresh}, not for {one}"),
            [one, rest @ ..] => format!("{fresh}, not for {one} and {} more", rest.len()),
        };
        lines.push(vec![
            operation.clone(),
            report.name.clone(),
            report.correct.word().to_owned(),
            private,
            fresh,
            report
                .deviating()
                .map_or("-".to_owned(), |worst| match worst.severity() {
                    0 | 1 => worst.word(),
                    _ => format!("{} {}", worst.word(), problem.set_name(worst.coalition)),
                }),
            report.rounds.to_string(),
            report.elements.to_string(),
        ]);
    }
    if !active {
        for line in &mut lines {
            line.remove(5);
        }
    }
    for line in &lines {
        for (at, cell) in line.iter().enumerate() {
            let slot = width.entry(at).or_default();
            *slot = (*slot).max(cell.chars().count());
        }
    }
    for line in lines {
        let mut row = String::new();
        for (at, cell) in line.iter().enumerate() {
            let pad = width[&at] - cell.chars().count();
            row.push_str(cell);
            row.push_str(&" ".repeat(pad + 2));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
