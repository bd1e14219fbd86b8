//! Pad elimination: the search for a certificate.
//!
//! An element u·r + e of the view, with u invertible, r a uniform coin unknown to the coalition and
//! not in e, is uniform given everything that does not contain r; to substitute r := u⁻¹(ρ - e)
//! everywhere is a bijection on coins, so sound in any order. A coin in no other element loses
//! nothing, and is taken at once. Else there is a choice, and the search backtracks.

use crate::callee::{extract, same};
use crate::certificate::{
    Assumption, Boxed, CalleeProof, Certificate, Element, Elimination, Goal, Known as NoNews, Name,
};
use crate::element::coefficient;
use crate::news::no_news;
use crate::problem::{Malformed, Operand, Problem};
use crate::sharing;
use crate::symbolic::{Carried, Class, Execution, IdealBox, SymbolInfo, expansion, formula};
use crate::term::{Poly, Support, Symbol};
use smpc_ir::flat::{FlatOp, Kind, Sharing};
use smpc_ir::party::{Elem, PartySet};
use std::collections::HashSet;
use std::sync::Arc;

/// Monomials that the substitutions of one search may make.
const WORK: usize = 100_000;

/// Atoms that the graph of one search may have.
const ATOMS: usize = 30_000;

/// How many choices are tried before giving up: all orders matter little in short protocols, and
/// in long ones each is dear.
fn choices(elements: usize) -> usize {
    if elements <= 40 { 400 } else { 4 }
}

#[derive(Clone, Debug)]
struct Item {
    element: Element,
    kind: Kind,
    term: Poly,
    support: Support,
    /// Coins that could make it uniform.
    pads: Vec<Symbol>,
    /// Coins with an even coefficient: they hide what is as even, and the element stays.
    even: Vec<Symbol>,
    /// Must become uniform (freshness).
    required: bool,
}

impl Item {
    fn new(run: &Execution, element: Element, kind: Kind, term: Poly, required: bool) -> Self {
        let mut item = Self {
            element,
            kind,
            term,
            support: Support::default(),
            pads: Vec::new(),
            even: Vec::new(),
            required,
        };
        item.refresh(run);
        item
    }

    fn refresh(&mut self, run: &Execution) {
        self.support = run.terms.support(&self.term);
        let fits = |symbol: &Symbol| {
            let info = &run.symbols[symbol.0 as usize];
            info.class == Class::Pad && info.kind == self.kind
        };
        self.pads = run.terms.pads(&self.term);
        self.pads.retain(fits);
        self.even = run.terms.even_pads(&self.term);
        self.even.retain(fits);
    }
}

struct Search {
    run: Execution,
    secrets: Support,
    /// What components of a result became: no message may tell them.
    outputs: Support,
    goal: Goal,
    choices: usize,
    /// Whether a coin of several elements is tried on earlier messages first.
    early: bool,
    /// Monomials that substitutions may still make.
    work: usize,
    /// Atoms that the graph may have.
    atoms: usize,
}

/// Callees proved by themselves, so that each is proved once however often it is called.
#[derive(Debug)]
pub struct Proofs {
    known: Vec<Known>,
    /// Steps up to which a text is proved as it stands first.
    inline: usize,
    /// How many callers are being proved.
    depth: usize,
}

impl Default for Proofs {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            inline: INLINE,
            depth: 0,
        }
    }
}

#[derive(Debug)]
struct Known {
    problem: Problem,
    coalition: PartySet,
    proof: Option<Arc<CalleeProof>>,
}

impl Proofs {
    /// Calls are taken as ideal boxes wherever they can be.
    #[cfg(test)]
    pub(crate) fn eager() -> Self {
        Self {
            known: Vec::new(),
            inline: 0,
            depth: 0,
        }
    }

    /// The proof that a callee is an ideal box for a coalition.
    pub(crate) fn of(
        &mut self,
        callee: &Problem,
        coalition: PartySet,
    ) -> Result<Option<Arc<CalleeProof>>, Malformed> {
        let known = self
            .known
            .iter()
            .find(|k| k.coalition == coalition && same(&k.problem, callee));
        if let Some(known) = known {
            return Ok(known.proof.clone());
        }
        self.depth += 1;
        // A long callee without a proof by boxes is descended into, which is cheaper than to
        // search all of it.
        let proof = match prove_privacy_with(callee, coalition, self)? {
            Some(privacy) if privacy.assume == Assumption::AnySharing => {
                let freshness = prove_freshness_with(callee, coalition, 0, self)?;
                freshness.map(|freshness| Arc::new(CalleeProof { privacy, freshness }))
            }
            _ => None,
        };
        self.depth -= 1;
        self.known.push(Known {
            problem: callee.clone(),
            coalition,
            proof: proof.clone(),
        });
        Ok(proof)
    }

    /// The outermost calls that can be taken as ideal boxes.
    fn boxes(
        &mut self,
        problem: &Problem,
        coalition: PartySet,
    ) -> Result<Vec<(IdealBox, Boxed)>, Malformed> {
        let mut found: Vec<(IdealBox, Boxed)> = Vec::new();
        for (at, call) in problem.flat.calls.iter().enumerate() {
            if found.iter().any(|(ideal, _)| ideal.overlaps(call)) {
                continue;
            }
            let Some(callee) = extract(problem, call) else {
                continue;
            };
            if callee.problem.validate().is_err() {
                continue;
            }
            let Some(proof) = self.of(&callee.problem, coalition)? else {
                continue;
            };
            let Goal::Freshness { required, .. } = &proof.freshness.goal else {
                continue;
            };
            let call = at as u32;
            let ideal = IdealBox {
                call,
                formula: None,
                factors: None,
                silent: false,
                callee,
                required: required.iter().map(|at| *at as usize).collect(),
            };
            let boxed = Boxed {
                call,
                polynomial: false,
                proof,
            };
            found.push((ideal, boxed));
        }
        Ok(found)
    }
}

/// Sets of components of a result that are tried one after the other.
const SETS: usize = 24;

/// Steps beyond which calls are first taken as ideal boxes; short texts are proved as they stand.
const INLINE: usize = 80;

/// Steps beyond which a callee is not searched as it stands.
const SEARCHED: usize = 200;

/// Looks for a certificate of privacy: first for any sharing of the operands, then for fresh ones.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_privacy(
    problem: &Problem,
    coalition: PartySet,
) -> Result<Option<Certificate>, Malformed> {
    prove_privacy_with(problem, coalition, &mut Proofs::default())
}

/// The same, with what is known of callees.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_privacy_with(
    problem: &Problem,
    coalition: PartySet,
    proofs: &mut Proofs,
) -> Result<Option<Certificate>, Malformed> {
    problem.validate()?;
    for assume in [Assumption::AnySharing, Assumption::Fresh] {
        let found = attempt(problem, coalition, assume, &Goal::Privacy, proofs)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// As the text stands and with callees as boxes; the cheaper first.
fn attempt(
    problem: &Problem,
    coalition: PartySet,
    assume: Assumption,
    goal: &Goal,
    proofs: &mut Proofs,
) -> Result<Option<Certificate>, Malformed> {
    let long = problem.flat.steps.len() > proofs.inline;
    let boxes = if long {
        proofs.boxes(problem, coalition)?
    } else {
        Vec::new()
    };
    if !boxes.is_empty() {
        let (mut ideal, mut boxed): (Vec<IdealBox>, Vec<Boxed>) = boxes.into_iter().unzip();
        // Values seldom matter: what is not opened is told to nobody.
        for polynomial in [false, true] {
            if polynomial {
                for (ideal, boxed) in ideal.iter_mut().zip(&mut boxed) {
                    ideal.formula = formula(&ideal.callee.problem);
                    boxed.polynomial = ideal.formula.is_some();
                }
                if !boxed.iter().any(|b| b.polynomial) {
                    break;
                }
            }
            let found = search(problem, coalition, assume, goal, &ideal)?;
            if let Some(mut certificate) = found {
                certificate.boxes = boxed;
                return Ok(Some(certificate));
            }
        }
    }
    let too_long = problem.flat.steps.len() > SEARCHED && proofs.depth > 0;
    if too_long {
        return Ok(None);
    }
    search(problem, coalition, assume, goal, &[])
}

/// Looks for a certificate that a shared result is fresh, whatever the sharings of the operands.
/// Returns one certificate, or `None`; a result that is no sharing has none to look for.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_freshness(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
) -> Result<Option<Certificate>, Malformed> {
    prove_freshness_with(problem, coalition, result, &mut Proofs::default())
}

/// The same, with what is known of callees.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub fn prove_freshness_with(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
    proofs: &mut Proofs,
) -> Result<Option<Certificate>, Malformed> {
    problem.validate()?;
    let Some(Operand::Shared(sharing)) = problem.results.get(result) else {
        return Ok(None);
    };
    let held = sharing::held(sharing, coalition);
    for required in sharing::choices(sharing, &held, SETS) {
        let goal = Goal::Freshness {
            result: result as u32,
            required: required.into_iter().map(|at| at as u32).collect(),
        };
        let found = attempt(problem, coalition, Assumption::AnySharing, &goal, proofs)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether a component of a result outside the coalition, or a bit of one, is a function of the operands
/// and of what the coalition knows, so that it is not fresh, in any ring.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn determined(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
) -> Result<bool, Malformed> {
    let Some(Operand::Shared(sharing)) = problem.results.get(result) else {
        return Ok(false);
    };
    let limit = expansion(problem);
    let mut run = Execution::new(problem, coalition, Assumption::AnySharing, limit)?;
    let Some(terms) = run.result(problem, result) else {
        return Ok(false);
    };
    let mut random = run.of_class(Class::Pad);
    random.extend(&run.of_class(Class::Noise));
    let held = sharing::held(sharing, coalition);
    // The value determines some components; those that it leaves open must not be determined.
    let mut open = sharing::choices(sharing, &held, SETS).into_iter().flatten();
    let has = known(problem, coalition);
    let ids = crate::problem::operand_ids(&problem.flat.results[result]);
    Ok(open.any(|i| {
        has[ids[i] as usize] || {
            let parts = bits_of(&mut run, &terms[i]);
            parts
                .iter()
                .any(|part| !run.terms.support(part).meets(&random))
        }
    }))
}

/// A vector of bits bit by bit, each of which must be uniform; anything else as it is.
fn bits_of(run: &mut Execution, term: &Poly) -> Vec<Poly> {
    match term.elem() {
        Elem::Bits(m) if m > 1 => (0..m)
            .map(|bit| run.terms.pick(term, &[Some(bit)], Elem::Bits(1)))
            .collect(),
        _ => vec![term.clone()],
    }
}

/// The values that a coalition computes, or is sent by others.
fn known(problem: &Problem, coalition: PartySet) -> Vec<bool> {
    let flat = &problem.flat;
    let mut has: Vec<bool> = flat
        .values
        .iter()
        .map(|info| !info.known_to.intersection(coalition).is_empty())
        .collect();
    for step in &flat.steps {
        let from_known = match step.op {
            FlatOp::Coin(_) | FlatOp::Key(_) => false,
            _ => step.args.iter().all(|arg| has[*arg as usize]),
        };
        has[step.result as usize] |= from_known;
    }
    has
}

/// The value of a sharing, and what is 0 if its components are those of one. `carried` are the keys
/// that components carry ([`Execution::keys`]).
pub(crate) fn opened(
    run: &mut Execution,
    terms: &[Poly],
    sharing: &Sharing,
    carried: &Carried,
) -> (Poly, Vec<Poly>) {
    let elem = sharing.elem;
    let combine = |terms: &[Poly], by: &mut dyn Iterator<Item = u128>| {
        let zero = Poly::constant(elem, 0);
        let scaled = terms.iter().zip(by).filter(|(_, by)| *by != 0);
        scaled.fold(zero, |sum, (term, by)| sum.add(&term.scale(by)))
    };
    let coefficients = sharing.reconstruction.iter();
    let value = combine(terms, &mut coefficients.map(|by| coefficient(elem, *by)));
    let mut plain = terms.to_vec();
    for (term, key) in plain.iter_mut().zip(carried) {
        if let Some(key) = key {
            *term = term.sub(&run.terms.mul(key, &value));
        }
    }
    let parities = sharing::parities(sharing);
    let zeros = parities
        .into_iter()
        .map(|row| combine(&plain, &mut row.into_iter()))
        .collect();
    (value, zeros)
}

pub(crate) fn search(
    problem: &Problem,
    coalition: PartySet,
    assume: Assumption,
    goal: &Goal,
    boxes: &[IdealBox],
) -> Result<Option<Certificate>, Malformed> {
    let mut run = Execution::with_boxes(problem, coalition, assume, expansion(problem), boxes)?;
    let mut items = Vec::new();
    let checked = problem.own < problem.flat.steps.len();
    // What parties compare in the end is 0, so that the last message of it follows from the others.
    let known = match checked {
        true => no_news(problem, coalition, &run),
        false => Vec::new(),
    };
    let view = std::mem::take(&mut run.view);
    for (element, kind, term) in view {
        let out = |known: &NoNews| element == Element::Message { step: known.step };
        if known.iter().any(out) {
            continue;
        }
        items.push(Item::new(&run, element, kind, term, false));
    }
    if let Goal::Freshness { result, required } = goal
        && let result = *result
        && let Some(Operand::Shared(sharing)) = problem.results.get(result as usize)
    {
        let terms = run
            .result(problem, result as usize)
            .ok_or_else(|| Malformed("a result without a term".to_owned()))?;
        let ids = crate::problem::operand_ids(&problem.flat.results[result as usize]);
        let no_key = || Malformed("a key that does not exist".to_owned());
        let carried = run.keys(problem, sharing, coalition).ok_or_else(no_key)?;
        let (value, zeros) = opened(&mut run, &terms, sharing, &carried);
        if zeros.iter().any(|zero| !zero.is_zero()) {
            return Ok(None);
        }
        let kind = ids
            .last()
            .map_or(Kind::Element, |id| problem.flat.values[*id as usize].kind);
        items.push(Item::new(
            &run,
            Element::Value { result },
            kind,
            value,
            false,
        ));
        for (component, term) in terms.into_iter().enumerate() {
            if !required.contains(&(component as u32)) {
                continue;
            }
            let element = Element::Component {
                result,
                component: component as u32,
            };
            let kind = problem.flat.values[ids[component] as usize].kind;
            items.push(Item::new(&run, element, kind, term, true));
        }
    }
    let secrets = run.of_class(Class::Secret);
    // What checks compare comes last, and holds coins that hide earlier messages.
    // Long checks are found to be no identities in any order.
    let long = checked && problem.flat.steps.len() > 700;
    let scale = if long { 10 } else { 1 };
    let orders = if checked {
        &[true, false][..]
    } else {
        &[false]
    };
    for early in orders {
        let mut search = Search {
            run: run.clone(),
            secrets: secrets.clone(),
            outputs: Support::default(),
            goal: goal.clone(),
            choices: choices(items.len()),
            early: *early,
            work: WORK / scale,
            atoms: ATOMS / scale,
        };
        if let Some(steps) = search.solve(items.clone(), Vec::new()) {
            return Ok(Some(Certificate {
                coalition,
                assume,
                goal: goal.clone(),
                boxes: Vec::new(),
                known: known.clone(),
                steps,
            }));
        }
    }
    Ok(None)
}

impl Search {
    fn done(&self, items: &[Item]) -> bool {
        match &self.goal {
            Goal::Privacy => items.iter().all(|item| !item.support.meets(&self.secrets)),
            Goal::Freshness { .. } => items
                .iter()
                .all(|item| !item.required && !item.support.meets(&self.outputs)),
        }
    }

    /// Replaces an element by a uniform value; the replacement of the coin.
    fn eliminate(
        &mut self,
        item: &Item,
        coin: Symbol,
        number: usize,
        even: bool,
    ) -> Option<(Elimination, Poly)> {
        let symbol = Symbol(self.run.symbols.len() as u32);
        let name = Name::Uniform {
            number: number as u32,
        };
        let info = SymbolInfo {
            name,
            elem: item.term.elem(),
            kind: item.kind,
            class: Class::Known,
        };
        if matches!(info.kind, Kind::Scalar | Kind::Digest) {
            self.run.terms.scalar(symbol);
        }
        let uniform = self.run.terms.symbol(symbol, info.elem);
        let by = match even {
            false => self.run.terms.solve(&item.term, coin, &uniform)?,
            true => self.run.terms.solve_even(&item.term, coin, &uniform)?,
        };
        self.run.symbols.push(info);
        if item.required {
            self.outputs.insert(symbol);
        }
        let symbols = &self.run.symbols;
        let shown = |s: Symbol| symbols[s.0 as usize].name.to_string();
        let step = Elimination {
            element: item.element,
            coin: symbols[coin.0 as usize].name,
            text: self.run.terms.display(&by, &shown),
        };
        Some((step, by))
    }

    fn solve(
        &mut self,
        mut items: Vec<Item>,
        mut steps: Vec<Elimination>,
    ) -> Option<Vec<Elimination>> {
        let mut seen = HashSet::new();
        items.retain(|item| item.required || seen.insert(item.term.clone()));
        let mut count = vec![0u32; self.run.symbols.len()];
        for item in &items {
            for symbol in item.support.iter() {
                count[symbol.0 as usize] += 1;
            }
        }
        while !self.done(&items) {
            // Later messages first: their pads were drawn last and occur nowhere else.
            let free = (0..items.len()).rev().find_map(|at| {
                let mut pads = items[at].pads.iter();
                pads.find(|s| count[s.0 as usize] == 1)
                    .map(|pad| (at, *pad))
            });
            let Some((at, pad)) = free else {
                return self.choose(items, steps, &count);
            };
            let item = items.remove(at);
            for symbol in item.support.iter() {
                count[symbol.0 as usize] -= 1;
            }
            steps.push(self.eliminate(&item, pad, steps.len(), false)?.0);
        }
        Some(steps)
    }

    /// A coin that occurs in several elements: one of them becomes uniform, and the others change.
    /// Coins with few occurrences first.
    fn choose(
        &mut self,
        items: Vec<Item>,
        steps: Vec<Elimination>,
        count: &[u32],
    ) -> Option<Vec<Elimination>> {
        let mut options: Vec<(u32, usize, Symbol, bool)> = Vec::new();
        let order: Vec<usize> = match self.early {
            true => (0..items.len()).collect(),
            false => (0..items.len()).rev().collect(),
        };
        for at in order {
            let item = &items[at];
            options.extend(
                item.pads
                    .iter()
                    .map(|pad| (count[pad.0 as usize], at, *pad, false)),
            );
            if !item.required && item.support.meets(&self.secrets) {
                let even = item.even.iter();
                options.extend(even.map(|pad| (count[pad.0 as usize], at, *pad, true)));
            }
        }
        options.sort_by_key(|(occurrences, ..)| *occurrences);
        for (_, at, pad, even) in options {
            self.choices = self.choices.checked_sub(1)?;
            let mut others = items.clone();
            let item = if even {
                others[at].clone()
            } else {
                others.remove(at)
            };
            let (step, by) = self.eliminate(&item, pad, steps.len(), even)?;
            let mut touched: Vec<&mut Item> = others
                .iter_mut()
                .filter(|other| other.support.contains(pad))
                .collect();
            let before: Vec<&Poly> = touched.iter().map(|other| &other.term).collect();
            let after = self
                .run
                .terms
                .substitute_all(&before, pad, &by, self.atoms)?;
            for (other, term) in touched.iter_mut().zip(after) {
                self.work = self.work.checked_sub(term.monomials())?;
                other.term = term;
                other.refresh(&self.run);
            }
            let mut extended = steps.clone();
            extended.push(step);
            if let Some(found) = self.solve(others, extended) {
                return Some(found);
            }
        }
        None
    }
}
