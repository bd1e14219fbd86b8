//! Privacy and freshness for one coalition: a proof that the checker accepts, else what enumeration in small rings and
//! a look at single messages show.

use crate::active::unmasked;
use crate::bare::bare;
use crate::certificate::{Certificate, Goal};
use crate::checker::check;
use crate::compose::composed;
use crate::correct::functions;
use crate::element::width;
use crate::eliminate::{
    Proofs, determined, knows, prove_freshness_with, prove_from_results, prove_privacy_with,
    shuffled_by,
};
use crate::faithful::{Of, foreign, vanishes};
use crate::linear;
use crate::machine::Machine;
use crate::operands::amount_params;
use crate::problem::{Malformed, Problem, Spec};
use crate::refute::{
    Refutation, confirmed, first_elem, known_order, refute_freshness, refute_privacy,
    tells_no_more, wide,
};
use crate::reliance::{needs_fresh, requires_fresh};
use crate::requires::{Required, has_range};
use crate::verdict::{Exhausted, Limits, Told, Verdict, Wrong, alike, shrink};
use smpc_ir::flat::FlatOp;
use smpc_ir::party::{Party, PartySet};

/// The verdict for a coalition that the scheme allows and that holds every component.
pub(crate) fn exposed(problem: &Problem, coalition: PartySet) -> Verdict {
    Verdict::Wrong(Box::new(Wrong {
        what: format!(
            "{} holds every component: the sharing itself tells it the value",
            problem.set_name(coalition)
        ),
        elem: first_elem(problem),
        inputs: Vec::new(),
        got: Vec::new(),
    }))
}

/// Privacy against one coalition: a certificate that the checker accepts, else enumeration.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn decide_privacy(
    problem: &Problem,
    small: &[Problem],
    coalition: PartySet,
    limits: &Limits,
    proofs: &mut Proofs,
) -> Result<Verdict, Malformed> {
    let right = |certificate: &Certificate| check(problem, certificate).is_ok();
    let mut found = prove_privacy_with(problem, coalition, proofs)?.filter(right);
    if found.is_none() {
        found = prove_from_results(problem, coalition, proofs)?.filter(right);
    }
    if let Some(certificate) = found {
        // What comes out may be something else than what is said, and tell more.
        if certificate.goal == Goal::Results
            && let Some(leak) = bare(problem, coalition)?
        {
            return Ok(Verdict::Leaks(Box::new(leak)));
        }
        return Ok(proved(problem, certificate));
    }
    if problem.spec == Spec::Shuffle
        && let Some(by) = shuffled_by(problem)?
        && by.iter().all(|coin| knows(problem, coalition, *coin))
    {
        return Ok(Verdict::Leaks(Box::new(known_order(problem, coalition))));
    }
    if let Some(found) = linear::privacy(problem, coalition)? {
        // A single message says more than a sum of bits.
        return Ok(match bare(problem, coalition)? {
            Some(leak) if found.is_refuted() => Verdict::Leaks(Box::new(leak)),
            _ => found,
        });
    }
    let (mut found, loose) = enumerate(problem, small, (Of::View(coalition), limits), |ring| {
        refute_privacy(ring, coalition, limits)
    })?;
    if let Verdict::Unknown { .. } = found
        && let Some(done) = composed(problem, small, coalition, limits, proofs)?
    {
        found = Verdict::Exhausted(done);
    }
    // Small rings need not show what stands in the clear at full width.
    if !found.is_refuted()
        && let Some(leak) = bare(problem, coalition)?
    {
        return Ok(Verdict::Leaks(Box::new(leak)));
    }
    if loose && let Refutation::Leak(leak) = refute_privacy(problem, coalition, limits)? {
        return Ok(Verdict::Leaks(leak));
    }
    if let Verdict::Unknown { reason } = &mut found {
        match wide::sampled(problem, coalition, limits)? {
            Refutation::Leak(leak) => return Ok(Verdict::Leaks(leak)),
            Refutation::Sampled { runs } if runs > 0 => {
                *reason += &format!("; {runs} sampled executions at full width show no difference");
            }
            _ => {}
        }
    }
    if let Verdict::Unknown { reason } = &mut found
        && let Some((step, left)) = unmasked(problem, coalition)
        && let FlatOp::Send { from, .. } = problem.flat.steps[step].op
    {
        let from = problem.party_name(Party(from));
        *reason += &format!(
            "; of the message of step {step}, from {from}, {left} is left, for which no mask was found"
        );
    }
    Ok(found)
}

/// What a certificate of privacy shows.
fn proved(problem: &Problem, certificate: Certificate) -> Verdict {
    let verdict = match certificate.distance() {
        Some(bits) => Verdict::Statistical { certificate, bits },
        None => Verdict::Proved {
            certificate: Some(certificate),
        },
    };
    if needs_fresh(&verdict) && !requires_fresh(problem) {
        return Verdict::Unknown {
            reason: "it is private for fresh sharings of its operands only, which `requires fresh` would say"
                .to_owned(),
        };
    }
    verdict
}

/// Freshness of a result for one coalition, likewise.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn decide_freshness(
    problem: &Problem,
    small: &[Problem],
    coalition: PartySet,
    result: usize,
    limits: &Limits,
    proofs: &mut Proofs,
) -> Result<Verdict, Malformed> {
    if let Some(certificate) = prove_freshness_with(problem, coalition, result, proofs)?
        && check(problem, &certificate).is_ok()
    {
        return Ok(Verdict::Proved {
            certificate: Some(certificate),
        });
    }
    let stale = |problem: &Problem| {
        Verdict::Wrong(Box::new(Wrong {
            what: format!(
                "components of the result are functions of the operands and of what {} knows",
                problem.set_name(coalition)
            ),
            elem: first_elem(problem),
            inputs: Vec::new(),
            got: Vec::new(),
        }))
    };
    if determined(problem, coalition, result, &[])? {
        return Ok(stale(problem));
    }
    if let Some(found) = linear::freshness(problem, coalition, result)? {
        return Ok(found);
    }
    let (found, _) = enumerate(
        problem,
        small,
        (Of::Sharing(coalition, result), limits),
        |ring| refute_freshness(ring, coalition, result, limits),
    )?;
    if let Verdict::Unknown { .. } = found {
        // In a small ring the value of a call may be seen to be a function of its operands, whatever the coins.
        for ring in small.iter().filter(|ring| alike(problem, ring)) {
            let boxes = functions(ring, coalition, limits)?;
            if !boxes.is_empty() && determined(ring, coalition, result, &boxes)? {
                return Ok(stale(ring));
            }
        }
        if let Some(wrong) = wide::stale(problem, (coalition, result), limits)? {
            return Ok(Verdict::Wrong(Box::new(wrong)));
        }
    }
    Ok(found)
}

/// Bits of derived rings that are enumerated in any case.
pub(crate) const FEW: u8 = 2;

/// The verdict of enumerations in several rings: a difference in one is a counter-example if it is one at full width, too, and
/// only complete enumerations count, in rings in which nothing of the text vanishes. One that shows what is not so at full width
/// speaks against itself and smaller ones. Also whether a difference was found that says
/// nothing: that of a mask on a range in a ring in which what is required of operands excludes none.
fn enumerate(
    problem: &Problem,
    small: &[Problem],
    (of, limits): (Of, &Limits),
    mut refute: impl FnMut(&Problem) -> Result<Refutation, Malformed>,
) -> Result<(Verdict, bool), Malformed> {
    let mut done = Exhausted::default();
    let (mut sampled, mut loose, mut own) = ((0, Vec::new()), Vec::new(), Vec::new());
    let mut vanished: Vec<(String, Vec<u8>)> = Vec::new();
    let mut nothing = |why: String, bits| match vanished.iter_mut().find(|(other, _)| *other == why)
    {
        Some((_, rings)) => rings.push(bits),
        None => vanished.push((why, vec![bits])),
    };
    let given = match of {
        Of::View(coalition) => !problem.declared(coalition).is_empty(),
        _ => false,
    };
    // Derived rings go on to larger ones until one counts.
    let derived = (1..=4).any(|k| shrink(problem, k).is_some());
    let ranged = Required::of(problem).bounds() && has_range(problem);
    for ring in small.iter().filter(|ring| alike(problem, ring)) {
        let bits = width(first_elem(ring));
        if derived && bits > FEW && !done.rings.is_empty() {
            break;
        }
        if given && foreign(problem, ring) {
            // The clause and the text mean different numbers there.
            nothing("constants of the text are other numbers".to_owned(), bits);
            continue;
        }
        let unbound = |ring: &Problem| -> Result<bool, Malformed> {
            let rows = Machine::new(ring)?.rows;
            Ok(ranged && !Required::of(ring).bind(ring, rows))
        };
        match refute(ring)? {
            Refutation::Leak(_) if unbound(ring)? => loose.push(bits),
            Refutation::Leak(leak) => {
                let told = confirmed::leaks(problem, ring, &leak)?;
                if told || leak.told != Told::Inputs && vanishes(problem, ring, of)?.is_none() {
                    return Ok((Verdict::Leaks(leak), false));
                }
                done = Exhausted::default();
                own.push(bits);
            }
            Refutation::NotFresh(wrong) => {
                if let Of::Sharing(coalition, result) = of
                    && confirmed::stale(problem, ring, (coalition, result), &wrong)?
                {
                    return Ok((Verdict::Wrong(wrong), false));
                }
                done = Exhausted::default();
                own.push(bits);
            }
            Refutation::Exhausted { assignments } => match vanishes(problem, ring, of)? {
                Some(why) => nothing(why, bits),
                None if given && !tells_no_more(problem, ring, of, limits)? => {
                    let why = "what clauses fix may tell more of operands";
                    nothing(why.to_owned(), bits);
                }
                None => {
                    done.rings.push(bits);
                    done.assignments += assignments;
                }
            },
            Refutation::Sampled { runs } if runs > 0 => {
                sampled.0 += runs;
                sampled.1.push(bits);
            }
            Refutation::Sampled { .. } => {}
        }
    }
    if !done.rings.is_empty() && loose.is_empty() {
        return Ok((Verdict::Exhausted(done), false));
    }
    let mut reason = "no certificate found".to_owned();
    let list = |rings: &[u8]| -> String {
        let words: Vec<String> = rings.iter().map(u8::to_string).collect();
        words.join(" and ")
    };
    reason += &match (&sampled, small.is_empty()) {
        ((0, _), true) => "; no small ring in which to enumerate".to_owned(),
        ((0, _), false) => String::new(),
        ((runs, rings), _) => format!(
            "; {runs} sampled executions in rings of {} bits show no difference",
            list(rings)
        ),
    };
    for (why, rings) in &vanished {
        reason += &format!(
            "; in rings of {} bits enumeration says nothing: {why} there",
            list(rings)
        );
    }
    if !own.is_empty() {
        reason += &format!(
            "; in rings of {} bits a difference is found, which the same operands do not show at full width",
            list(&own)
        );
    }
    if !vanished.is_empty() && amount_params(problem).next().is_some() {
        reason += "; other public numbers than those of small rings were not looked at";
    }
    if !loose.is_empty() {
        reason += &format!(
            "; in rings of {} bits a mask on a range hides less than at full width, and what is required bounds nothing",
            list(&loose)
        );
    }
    Ok((Verdict::Unknown { reason }, !loose.is_empty()))
}
