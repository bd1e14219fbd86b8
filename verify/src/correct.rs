//! Correctness: an identity of polynomials, else enumeration in small rings with random executions
//! at full width beside it, through the parties' endpoints where they are given.

mod confirmed;
mod drawn;
mod realised;
mod reduce;
pub(crate) mod relation;
mod tables;
mod through;
mod trial;

use crate::certificate::Assumption;
use crate::claim;
use crate::declared::low_bits;
use crate::element::width;
use crate::eliminate::opened;
use crate::endpoints::Endpoints;
use crate::faithful::{Of, foreign, vanishes};
use crate::honest;
use crate::operands::Domains;
use crate::problem::{Malformed, Operand, Problem, Spec};
use crate::refute::first_elem;
use crate::report::{derived, with_itself};
use crate::requires::elems;
use crate::symbolic::{Execution, IdealBox};
use crate::term::Poly;
use crate::verdict::{Exhausted, Limits, MEASURED, Verdict};
use confirmed::confirmed;
pub(crate) use drawn::Source;
use relation::Relations;
use smpc_ir::claim::{Claims, Domain, Operator, Term};
use smpc_ir::flat::Kind;
use smpc_ir::local::Prim;
use smpc_ir::party::{Elem, PartySet};
use std::collections::BTreeMap;
pub(crate) use tables::Tables;
pub(crate) use through::through;
use trial::{Enumeration, random};

/// Bits of derived rings that are enumerated in any case.
const FEW: u8 = 3;

/// Monomials beyond which no identity is tried.
const MONOMIALS: usize = 1 << 14;

/// Decides whether the protocol computes what it claims: what the standard operation means, and
/// what the text says with `ensures`. `small` are the same protocol in small rings; where the text
/// has ring operations only they are derived. Random runs are those of the prover's own machine.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn correctness(
    problem: &Problem,
    small: &[Problem],
    limits: &Limits,
) -> Result<Verdict, Malformed> {
    Ok(correctness_with(problem, small, limits, None, &Tables::default())?.verdict)
}

/// The same, with random runs at full width through endpoints: the protocol is lowered as for a script, and
/// carried out on vectors by one endpoint per party.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn correctness_through(
    problem: &Problem,
    small: &[Problem],
    limits: &Limits,
    endpoints: &dyn Endpoints,
) -> Result<Verdict, Malformed> {
    let (endpoints, tables) = (Some(endpoints), Tables::default());
    Ok(correctness_with(problem, small, limits, endpoints, &tables)?.verdict)
}

/// What honest runs show, which is the same for all coalitions.
#[derive(Debug)]
pub(crate) struct Honest {
    /// Whether results are what is claimed.
    pub verdict: Verdict,
    /// Why whether a run goes on may tell something.
    pub told: Option<String>,
}

pub(crate) fn correctness_with(
    problem: &Problem,
    small: &[Problem],
    limits: &Limits,
    endpoints: Option<&dyn Endpoints>,
    tables: &Tables,
) -> Result<Honest, Malformed> {
    problem.validate()?;
    if let Some(reason) = &problem.skipped {
        let reason = reason.clone();
        return Ok(Honest {
            verdict: Verdict::Unknown { reason },
            told: None,
        });
    }
    let mut verdict = computed(problem, small, limits, endpoints, tables)?;
    if let Some(found) = realised::realised(problem)?
        && (verdict == Verdict::Unclaimed || found.severity() > verdict.severity())
    {
        verdict = found;
    }
    let open = honest::undecided(problem)?;
    if !verdict.is_refuted()
        && let Some(found) = honest::ends(problem, limits.runs, &open)?
    {
        verdict = found;
    }
    if !verdict.is_refuted() && !problem.narrow.is_empty() {
        let reason = format!(
            "it asks for more than a standard operation may ask of its operands, which scripts do not keep to: {}",
            problem.narrow.join("; ")
        );
        verdict = Verdict::Unknown { reason };
    }
    Ok(Honest {
        verdict,
        told: honest::told(&open),
    })
}

/// Whether the result is what is claimed, whatever the text asks for beyond what the language promises.
fn computed(
    problem: &Problem,
    small: &[Problem],
    limits: &Limits,
    endpoints: Option<&dyn Endpoints>,
    tables: &Tables,
) -> Result<Verdict, Malformed> {
    let claimed = Claimed::new(problem);
    if claimed.is_empty() {
        return Ok(Verdict::Unclaimed);
    }
    if identity(problem, &claimed)? {
        return Ok(Verdict::Proved { certificate: None });
    }
    let derived = derived(problem, FEW, limits)?;
    let own = !derived.is_empty() && !claimed.restricted();
    let small = if own { &derived } else { small };
    let small = &with_itself(problem, small, limits)?;
    let mut done = Exhausted::default();
    let (mut skipped, mut unlike) = (Vec::new(), Vec::new());
    let mut vanished = BTreeMap::<String, Vec<u8>>::new();
    // In these rings enumeration says something of the text.
    let mut faithful = Vec::new();
    for ring in small {
        let bits = ring_width(ring);
        if own && bits > FEW && !done.rings.is_empty() {
            break;
        }
        // No shift of a truncation leaves room for an offset in two bits.
        let shifts = !Domains::new(ring, 1).amounts().is_empty() && ring.spec != Spec::Unspecified;
        if shifts && width(first_elem(ring)) < 3 {
            continue;
        }
        // A text with other constants is another text, which may be wrong.
        if Domains::new(ring, 1).is_empty() {
            continue;
        }
        let vanishing = vanishes(problem, ring, Of::Results)?;
        let counts = vanishing.is_none();
        match vanishing {
            Some(why) => vanished.entry(why).or_default().push(bits),
            None => faithful.push(ring),
        }
        if foreign(problem, ring) {
            continue;
        }
        match tables.executions(ring, limits)? {
            Enumeration::Wrong(wrong, by_chance) => {
                if let Some(wrong) = confirmed(problem, ring, &wrong)? {
                    return Ok(Verdict::Wrong(wrong));
                }
                // A chance of so many bits is too small to be measured.
                if by_chance && counts {
                    return Ok(Verdict::Wrong(wrong));
                }
                done = Exhausted::default();
                faithful.clear();
                unlike.push(bits);
            }
            Enumeration::All(assignments) if counts => {
                done.rings.push(bits);
                done.assignments += assignments;
            }
            Enumeration::All(_) => {}
            Enumeration::Some(runs) => skipped.push((bits, runs)),
        }
    }
    let tried = match endpoints {
        Some(endpoints) => through(problem, limits.runs, endpoints)?,
        None => None,
    };
    let tried = match tried {
        Some(tried) => tried,
        None => random(problem, limits.runs)?,
    };
    let without;
    match tried {
        Ok(tried) => {
            without = tried.without;
            done.runs = tried.runs;
            done.by = tried.by;
            done.failures = tried.failures;
            done.expected = tried.expected.round() as u64;
        }
        Err(wrong) => return Ok(Verdict::Wrong(wrong)),
    }
    let unread: Vec<&str> = claimed.unread().collect();
    if !unread.is_empty() {
        return Ok(Verdict::Unknown {
            reason: format!("not read: {}", unread.join("; ")),
        });
    }
    if let Some(clause) = without {
        return Ok(Verdict::Unknown {
            reason: format!("it has no meaning for all values of these types that it {clause}"),
        });
    }
    if done.rings.is_empty() && !claimed.orders() {
        for problem in faithful.iter().copied() {
            let amounts = trial::amounts(problem);
            let claimed = Claimed::new(problem);
            let mut relations = Relations::new(limits, &amounts, tables);
            if let Some(count) = relations.right(problem, &claimed)? {
                done.rings.push(ring_width(problem));
                done.assignments += count;
            }
        }
    }
    if done.rings.is_empty() && claimed.is_measured() && done.expected >= MEASURED {
        return Ok(Verdict::Measured(done));
    }
    if done.rings.is_empty() {
        let mut nothing = match unlike.is_empty() {
            true => String::new(),
            false => "; in small rings the result is another, which the same operands do not show at full width".to_owned(),
        };
        for (why, rings) in &vanished {
            let rings: Vec<String> = rings.iter().map(u8::to_string).collect();
            let rings = rings.join(" and ");
            nothing += &format!("; in rings of {rings} bits enumeration says nothing: {why} there");
        }
        let skipped: Vec<String> = skipped
            .iter()
            .map(|(ring, runs)| format!("{ring} bits ({runs} sampled)"))
            .collect();
        return Ok(Verdict::Unknown {
            reason: format!(
                "no identity of polynomials; {} random executions agree; too many assignments: {}{nothing}",
                done.runs,
                if skipped.is_empty() {
                    "no small ring given".to_owned()
                } else {
                    skipped.join(", ")
                }
            ),
        });
    }
    Ok(Verdict::Exhausted(done))
}

/// Calls of a protocol in a small ring whose value is a function of the values of their operands, by enumeration,
/// as boxes for this coalition.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn functions(
    problem: &Problem,
    coalition: PartySet,
    limits: &Limits,
) -> Result<Vec<IdealBox>, Malformed> {
    let amounts = trial::amounts(problem);
    let tables = Tables::default();
    Relations::new(limits, &amounts, &tables).functions(problem, coalition)
}

/// Everything claimed of a protocol: by the standard operation, and by its own clauses.
pub(crate) struct Claimed {
    pub claims: Vec<Claims>,
    pub params: Vec<Elem>,
    pub results: Vec<Elem>,
}

impl Claimed {
    pub fn new(problem: &Problem) -> Self {
        let (params, results) = (elems(&problem.params), elems(&problem.results));
        let elem = match problem.spec {
            Spec::BitToRing => results.first(),
            _ => params.first(),
        };
        let elem = elem.copied().unwrap_or(Elem::Ring(1));
        let beyond = problem.beyond(elem);
        let standard = claim::standard(problem.spec, elem, params.len(), beyond);
        let mut claims = vec![standard, problem.flat.claims.clone()];
        for claims in &mut claims {
            // What a protocol says to be, and no operation takes it for.
            if let (Some(operation), Spec::Unspecified, true) =
                (&claims.operation, problem.spec, claims.ensures.is_empty())
            {
                let text = format!(
                    "{operation}, which no operation of scripts takes as it stands: `ensures` says what it gives"
                );
                claims.unread.push(text);
            }
            for requires in &mut claims.requires {
                requires.claim = claim::folded(&requires.claim);
            }
            for ensures in &mut claims.ensures {
                ensures.claim = claim::folded(&ensures.claim);
                ensures.except = ensures.except.as_ref().map(claim::folded);
            }
        }
        Self {
            claims,
            params,
            results,
        }
    }

    /// Whether nothing is claimed of the results.
    pub fn is_empty(&self) -> bool {
        self.unread().next().is_none() && self.claims.iter().all(|c| c.ensures.is_empty())
    }

    /// Clauses that are not terms.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        self.claims
            .iter()
            .flat_map(|c| &c.unread)
            .map(String::as_str)
    }

    /// Whether every claim may fail with a probability, which random runs measure.
    fn is_measured(&self) -> bool {
        let mut ensures = self.claims.iter().flat_map(|c| &c.ensures);
        ensures.all(|ensures| ensures.except.is_some())
    }

    /// Whether the claim holds for some operands only, or with a probability: numbers that belong
    /// to one ring.
    pub fn restricted(&self) -> bool {
        self.claims
            .iter()
            .any(|c| !c.requires.is_empty() || c.ensures.iter().any(|e| e.except.is_some()))
    }

    pub fn instance<'a>(
        &'a self,
        inputs: &'a [Vec<u128>],
        outputs: &'a [Vec<u128>],
    ) -> claim::Instance<'a> {
        claim::Instance {
            params: &self.params,
            results: &self.results,
            inputs,
            outputs,
        }
    }
}

/// The width of the widest ring or bit vector shared or dealt.
fn ring_width(problem: &Problem) -> u8 {
    problem
        .params
        .iter()
        .chain(&problem.results)
        .zip(problem.flat.params.iter().chain(&problem.flat.results))
        .map(|(operand, flat)| match operand {
            Operand::Shared(sharing) => width(sharing.elem),
            Operand::Clear { elem, .. } => {
                let amount = crate::problem::operand_ids(flat)
                    .iter()
                    .all(|id| problem.flat.values[*id as usize].kind == Kind::Scalar);
                if amount { 0 } else { width(*elem) }
            }
        })
        .max()
        .unwrap_or(0)
}

/// Whether every claim is an identity of terms.
fn identity(problem: &Problem, claimed: &Claimed) -> Result<bool, Malformed> {
    if claimed.unread().next().is_some() {
        return Ok(false);
    }
    let mut ensures = claimed.claims.iter().flat_map(|c| &c.ensures);
    if ensures.any(|e| ranges(&e.over) || e.except.is_some()) {
        return Ok(false);
    }
    let orders = problem.flat.values.iter().any(|v| v.kind == Kind::Rows);
    // Long circuits are no polynomials of reasonable size: a graph shows that at once.
    let probe = Execution::new(problem, PartySet::EMPTY, Assumption::Fresh, 24)?;
    let circuit = (0..problem.results.len()).any(|at| {
        let terms = probe.result(problem, at).unwrap_or_default();
        terms.iter().any(|t| !probe.terms.is_polynomial(t))
    });
    if circuit && !orders && problem.flat.steps.len() > 150 {
        return Ok(false);
    }
    let mut run = Execution::new(problem, PartySet::EMPTY, Assumption::Fresh, MONOMIALS)?;
    let mut results = Vec::new();
    for (at, operand) in problem.results.iter().enumerate() {
        let Some(terms) = run.result(problem, at) else {
            return Ok(false);
        };
        results.push(match operand {
            Operand::Clear { .. } => terms[0].clone(),
            Operand::Shared(sharing) => {
                let Some(carried) = run.keys(problem, sharing, PartySet::EMPTY) else {
                    return Ok(false);
                };
                let (value, zeros) = opened(&mut run, &terms, sharing, &carried);
                if zeros.iter().any(|zero| !zero.is_zero()) {
                    return Ok(false);
                }
                value
            }
        });
    }
    let ensures = claimed.claims.iter().flat_map(|c| &c.ensures);
    Ok(ensures
        .map(|e| match e.over {
            None => identical(&e.claim, &mut run, &results),
            Some(Domain::Range(..)) => identical(&bound_to_zero(&e.claim), &mut run, &results),
            Some(Domain::Permutation) => Some(reordered(&e.claim, problem, &run, &results)),
        })
        .all(|proved| proved == Some(true)))
}

/// Whether a claim is about more than one value of the name that it quantifies, or another than 0.
fn ranges(over: &Option<Domain>) -> bool {
    let zero = Domain::Range(Term::Integer(0), Term::Integer(0));
    matches!(over, Some(range @ Domain::Range(..)) if *range != zero)
}

/// A claim in which the name that it quantifies is 0.
fn bound_to_zero(term: &Term) -> Term {
    match term {
        Term::Bound => Term::Integer(0),
        Term::Cast(inner, elem) => Term::Cast(Box::new(bound_to_zero(inner)), *elem),
        Term::Apply(operator, args) => {
            Term::Apply(*operator, args.iter().map(bound_to_zero).collect())
        }
        other => other.clone(),
    }
}

/// Whether a result is a parameter's rows in the order of permutations, one after the other.
fn reordered(claim: &Term, problem: &Problem, run: &Execution, results: &[Poly]) -> bool {
    let Term::Apply(Operator::Eq, sides) = claim else {
        return false;
    };
    let [Term::Result(result), Term::Apply(Operator::Rows, rows)] = sides.as_slice() else {
        return false;
    };
    let [Term::Param(param), Term::Bound] = rows.as_slice() else {
        return false;
    };
    let (Some(result), Some(input)) = (
        results.get(*result as usize),
        run.inputs.get(*param as usize),
    ) else {
        return false;
    };
    run.permutations(problem, result, input).is_some()
}

fn identical(claim: &Term, run: &mut Execution, results: &[Poly]) -> Option<bool> {
    let Term::Apply(Operator::Eq, sides) = claim else {
        return None;
    };
    let (left, right) = (sides.first()?, sides.get(1)?);
    let (left, right, low) = match (low_bits(left), low_bits(right)) {
        ((left, None), (right, None)) => (left, right, None),
        // An equation with a narrower element is one of its bits.
        ((left, a), (right, b)) => (left, right, a.into_iter().chain(b).min()),
    };
    let (left, right) = (
        symbolic(left, run, results)?,
        symbolic(right, run, results)?,
    );
    let (left, right) = same_ring(left, right)?;
    Some(match (low, left.elem()) {
        (Some(low), Elem::Ring(m)) if low < m => left.sub(&right).scale(1 << (m - low)).is_zero(),
        (Some(low), Elem::Ring(m)) if low > m => return None,
        (Some(_), Elem::Ring(_)) | (None, _) => left == right,
        _ => return None,
    })
}

/// A side of an equation as a ring term, or a number that has no ring yet.
enum Side {
    Poly(Poly),
    Number(i128),
}

fn same_ring(a: Side, b: Side) -> Option<(Poly, Poly)> {
    match (a, b) {
        (Side::Poly(a), Side::Poly(b)) => (a.elem() == b.elem()).then_some((a, b)),
        (Side::Poly(a), Side::Number(b)) => {
            let b = Poly::constant(a.elem(), b);
            matches!(a.elem(), Elem::Ring(_) | Elem::Field(_)).then_some((a, b))
        }
        (Side::Number(a), Side::Poly(b)) => {
            let a = Poly::constant(b.elem(), a);
            matches!(b.elem(), Elem::Ring(_) | Elem::Field(_)).then_some((a, b))
        }
        (Side::Number(_), Side::Number(_)) => None,
    }
}

fn symbolic(term: &Term, run: &mut Execution, results: &[Poly]) -> Option<Side> {
    // Sums and products of integers are those of the ring, modulo the ring; what asks for a sign
    // or a shift means the same only of an element itself.
    let element = |term: &Term| matches!(term, Term::Param(_) | Term::Result(_));
    match term {
        Term::Param(i) => Some(Side::Poly(run.inputs.get(*i as usize)?.clone())),
        Term::Result(i) => Some(Side::Poly(results.get(*i as usize)?.clone())),
        Term::Integer(value) => Some(Side::Number(*value)),
        Term::Bound => None,
        Term::Cast(inner, elem) => match (symbolic(inner, run, results)?, element(inner)) {
            (Side::Poly(poly), _) if poly.elem() == *elem => Some(Side::Poly(poly)),
            (Side::Poly(poly), true) => run.terms.prim(Prim::Cast, &[poly], *elem).map(Side::Poly),
            _ => None,
        },
        Term::Apply(operator, args) => {
            let mut sides = Vec::new();
            for arg in args {
                sides.push(symbolic(arg, run, results)?);
            }
            let elements = args.iter().all(element);
            let mut sides = sides.into_iter();
            let (first, second) = (sides.next()?, sides.next());
            match (operator, first, second) {
                (Operator::Neg, Side::Poly(a), None) => Some(Side::Poly(a.neg())),
                (Operator::Bits, Side::Poly(a), None) if elements => {
                    let elem = Elem::Bits(width(a.elem()));
                    run.terms.prim(Prim::Cast, &[a], elem).map(Side::Poly)
                }
                (Operator::Shr, Side::Poly(a), Some(Side::Poly(by))) if elements => {
                    let elem = a.elem();
                    run.terms.prim(Prim::Shr, &[a, by], elem).map(Side::Poly)
                }
                (Operator::Lt | Operator::Eq, Side::Poly(a), Some(b)) if element(&args[0]) => {
                    let prim = match operator {
                        Operator::Lt => Prim::Lt,
                        _ => Prim::Eq,
                    };
                    let (a, b) = same_ring(Side::Poly(a), b)?;
                    run.terms.prim(prim, &[a, b], Elem::Bits(1)).map(Side::Poly)
                }
                (Operator::Add | Operator::Sub | Operator::Mul, a, Some(b)) => {
                    let (a, b) = same_ring(a, b)?;
                    Some(Side::Poly(match operator {
                        Operator::Add => a.add(&b),
                        Operator::Sub => a.sub(&b),
                        _ => run.terms.mul(&a, &b),
                    }))
                }
                _ => None,
            }
        }
    }
}

/// How often each verdict occurs, for summaries.
pub fn count_words<'a>(
    verdicts: impl Iterator<Item = &'a Verdict>,
) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for verdict in verdicts {
        *counts.entry(verdict.word()).or_insert(0) += 1;
    }
    counts
}
