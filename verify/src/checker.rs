//! The checker of certificates: small, and apart from the search. It executes the protocol itself
//! and carries out the substitutions one by one, each with its side conditions. Only ring terms
//! and the linear algebra of sharings are shared with the prover.

mod boxes;
mod given;
mod order;
mod ranges;

use crate::certificate::{Assumption, CalleeProof, Certificate, Element, Goal, Name};
use crate::element::{coefficient, one};
use crate::problem::{Operand, Problem};
use crate::sharing::{self, Layout, layout, layout_by, matrix, parities};
use crate::symbolic::expansion;
use crate::term::{Function, Given, Poly, Support, Symbol, Terms};
use smpc_ir::flat::{FlatOp, FlatOperand, Kind, Sharing};
use smpc_ir::local::Local;
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(text.into()))
}

/// What the checker keeps of a symbol.
struct Entry {
    symbol: Symbol,
    kind: Kind,
    /// Uniform, unknown to the coalition, and not yet used.
    pad: bool,
}

/// What a symbol is for the coalition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    /// It has it, or is given it.
    Known,
    /// To be kept from it.
    Secret,
    /// Uniform and unknown.
    Pad,
    /// Random and unknown.
    Noise,
}

struct Checker {
    coalition: PartySet,
    terms: Terms,
    table: BTreeMap<Name, Entry>,
    next: u32,
    secrets: Support,
    known: Support,
    elements: BTreeMap<Element, (Kind, Poly)>,
    /// What the simulator is given beside what is known, of which elements may be taken up to multiples.
    given: Given,
}

impl Checker {
    fn fresh(&mut self, name: Name, elem: Elem, kind: Kind, status: Status) -> Poly {
        let symbol = Symbol(self.next);
        self.next += 1;
        let pad = status == Status::Pad;
        match status {
            Status::Secret => self.secrets.insert(symbol),
            Status::Known => self.known.insert(symbol),
            Status::Pad | Status::Noise => {}
        }
        if matches!(kind, Kind::Scalar | Kind::Digest) {
            self.terms.scalar(symbol);
        }
        self.table.insert(name, Entry { symbol, kind, pad });
        self.terms.symbol(symbol, elem)
    }
}

impl Checker {
    /// A key: one symbol in all of a run, no pad, and to be kept from who does not hold it.
    fn key(&mut self, problem: &Problem, key: u32) -> Result<Poly, Refusal> {
        let Some(info) = problem.keys.get(key as usize) else {
            return refuse("a key that does not exist");
        };
        let name = Name::Key { key };
        Ok(match self.table.get(&name).map(|entry| entry.symbol) {
            Some(symbol) => self.terms.symbol(symbol, info.elem),
            None => {
                let status = match meets(info.known_to, self.coalition) {
                    true => Status::Known,
                    false => Status::Secret,
                };
                self.fresh(name, info.elem, Kind::Scalar, status)
            }
        })
    }

    /// What each component carries: its key times the value, or 0.
    fn tags(
        &mut self,
        problem: &Problem,
        sharing: &Sharing,
        value: &Poly,
    ) -> Result<Vec<Poly>, Refusal> {
        let mut tags = vec![Poly::constant(sharing.elem, 0); sharing.holders.len()];
        for (component, key) in &sharing.keyed {
            let Some(tag) = tags.get_mut(*component as usize) else {
                return refuse("a key of no component");
            };
            let key = self.key(problem, *key)?;
            if key.elem() != value.elem() {
                return refuse("a key of another type than the value");
            }
            *tag = self.terms.mul(&key, value);
        }
        Ok(tags)
    }
}

fn meets(a: PartySet, b: PartySet) -> bool {
    !a.intersection(b).is_empty()
}

/// Checks a certificate against the protocol.
///
/// # Errors
/// The first condition that does not hold.
pub fn check(problem: &Problem, certificate: &Certificate) -> Result<(), Refusal> {
    check_with(problem, certificate, &mut Vec::new())
}

/// A callee that was checked, for a coalition.
struct Checked {
    problem: Problem,
    coalition: PartySet,
    proof: Arc<CalleeProof>,
    /// What of the proof: that about values, or the rest.
    about_values: bool,
}

fn check_with(
    problem: &Problem,
    certificate: &Certificate,
    checked: &mut Vec<Checked>,
) -> Result<(), Refusal> {
    problem.validate().map_err(|error| Refusal(error.0))?;
    let ideal = boxes::of(problem, certificate, checked)?;
    let results = certificate.goal == Goal::Results;
    let private = results || matches!(certificate.goal, Goal::Privacy | Goal::Order { .. });
    if !private && certificate.assume != Assumption::AnySharing {
        return refuse("this must hold whatever the sharings of the operands");
    }
    let mut checker = Checker::new(expansion(problem), certificate.coalition);
    let values = checker.execute(problem, certificate, &ideal)?;
    if let Goal::Order { coin } = certificate.goal {
        order::makes_up(problem, coin)?;
        checker.keep(coin)?;
    }
    checker.leave_out(problem, certificate, &values)?;
    if private {
        let results = results.then_some(&values);
        checker.give(problem, certificate.coalition, results);
    }
    let required = checker.required(problem, certificate, &values)?;
    checker.substitute(problem, certificate, &required)
}

impl Checker {
    fn new(limit: usize, coalition: PartySet) -> Self {
        Self {
            coalition,
            terms: Terms::new(limit),
            table: BTreeMap::new(),
            next: 0,
            secrets: Support::default(),
            known: Support::default(),
            elements: BTreeMap::new(),
            given: Given::default(),
        }
    }

    /// Terms of all values; the view goes to `elements`.
    fn execute(
        &mut self,
        problem: &Problem,
        certificate: &Certificate,
        ideal: &[boxes::Ideal],
    ) -> Result<BTreeMap<u32, Poly>, Refusal> {
        let flat = &problem.flat;
        let coalition = certificate.coalition;
        let told = certificate.goal == Goal::Values;
        let revealed = told || problem.learns_result(coalition);
        let mut values: BTreeMap<u32, Poly> = BTreeMap::new();
        let implied = problem.implied(coalition);
        for (number, (operand, spec)) in flat.params.iter().zip(&problem.params).enumerate() {
            if Some(number) == implied {
                continue;
            }
            let param = number as u32;
            let seen = |id: u32| meets(flat.values[id as usize].known_to, coalition);
            match (operand, spec) {
                (FlatOperand::Clear(id), Operand::Clear { elem, known_to }) => {
                    let kind = flat.values[*id as usize].kind;
                    let given = told || kind == Kind::Scalar || problem.gives(coalition, number);
                    let open = given || seen(*id) || meets(*known_to, coalition);
                    let name = Name::Value { param };
                    let status = if open { Status::Known } else { Status::Secret };
                    values.insert(*id, self.fresh(name, *elem, kind, status));
                }
                (FlatOperand::Shared(ids), Operand::Shared(sharing)) => {
                    let elem = sharing.elem;
                    let holds = |i: usize| meets(sharing.holders[i], coalition) || seen(ids[i]);
                    let held: Vec<bool> = (0..ids.len()).map(holds).collect();
                    let Some(layout) = layout(sharing, &held) else {
                        return refuse("a sharing with a coefficient that has no inverse");
                    };
                    let kind = ids
                        .first()
                        .map_or(Kind::Element, |id| flat.values[*id as usize].kind);
                    let whole = problem.gives(coalition, number);
                    let open = revealed || whole || layout.open;
                    let name = Name::Value { param };
                    let status = if open { Status::Known } else { Status::Secret };
                    let mut value = self.fresh(name, elem, kind, status);
                    if let (true, false, Some(bits)) =
                        (open && !whole, layout.open, problem.beyond(elem))
                    {
                        let name = Name::Above { param };
                        let above = self.fresh(name, elem, kind, Status::Secret);
                        value = value.add(&above.scale(1 << bits));
                    }
                    let fresh = certificate.assume == Assumption::Fresh;
                    let mut free = Vec::new();
                    for &i in &layout.free {
                        let component = i as u32;
                        let name = Name::Component { param, component };
                        let status = match (held[i], fresh) {
                            (true, _) => Status::Known,
                            (false, true) => Status::Pad,
                            (false, false) => Status::Secret,
                        };
                        free.push(self.fresh(name, elem, kind, status));
                    }
                    let tags = self.tags(problem, sharing, &value)?;
                    arrange(sharing, &layout, &value, &free, &tags, ids, &mut values)?;
                }
                _ => return refuse("an operand of the wrong form"),
            }
        }
        // A revealed sum and the other operands give the last operand.
        if let Some(FlatOperand::Clear(id)) = implied.and_then(|at| flat.params.get(at)) {
            let info = &flat.values[*id as usize];
            let mut last = self.fresh(Name::Result, info.elem, info.kind, Status::Known);
            for other in values.values() {
                last = last.sub(other);
            }
            values.insert(*id, last);
        }
        for (number, step) in flat.steps.iter().enumerate() {
            let at = number as u32;
            if let Some(ideal) = ideal.iter().find(|b| b.callee.steps.contains(&number)) {
                if number + 1 == ideal.callee.steps.end {
                    self.ideal(problem, ideal, coalition, &mut values)?;
                }
                if !ideal.callee.local.contains(&number) || values.contains_key(&step.result) {
                    continue;
                }
            }
            let info = &flat.values[step.result as usize];
            let args: Option<Vec<Poly>> = step
                .args
                .iter()
                .map(|arg| values.get(arg).cloned())
                .collect();
            let Some(args) = args else {
                return refuse(format!("step {at} reads what is not defined"));
            };
            let term = match (&step.op, args.as_slice()) {
                (FlatOp::Coin(domain), []) => {
                    let status = match (meets(info.known_to, coalition), domain) {
                        (true, _) => Status::Known,
                        (false, CoinDomain::Uniform) => Status::Pad,
                        (false, _) => Status::Noise,
                    };
                    self.fresh(Name::Coin { step: at }, info.elem, info.kind, status)
                }
                (FlatOp::Send { from, to }, [value]) => {
                    if meets(*to, coalition) && !coalition.contains(Party(*from)) {
                        let element = Element::Message { step: at };
                        self.elements.insert(element, (info.kind, value.clone()));
                    }
                    value.clone()
                }
                (FlatOp::Bilinear, [a, b]) => self.terms.mul(a, b),
                (FlatOp::Local(Local::Broadcast), [a]) => a.clone(),
                (FlatOp::Local(Local::Constant(c)), []) => Poly::constant(info.elem, *c),
                (FlatOp::Local(Local::Gather), [a, order]) => self.terms.gather(a, order),
                (FlatOp::Local(Local::Prim(prim)), _) => {
                    match self.terms.prim(*prim, &args, info.elem) {
                        Some(term) => term,
                        None => return refuse(format!("step {at} does not fit its operands")),
                    }
                }
                (FlatOp::Local(Local::InversePermutation), [_]) => {
                    self.terms
                        .function(Function::InversePermutation, args, info.elem)
                }
                (FlatOp::Local(Local::Sum { axis }), [a]) => self.terms.sum(a, *axis),
                (FlatOp::Local(Local::Digest), _) => {
                    self.terms.function(Function::Digest, args, info.elem)
                }
                (FlatOp::Local(Local::Expand), _) => {
                    self.terms.function(Function::Expand, args, info.elem)
                }
                // Whether honest parties abort tells nothing: what they compare is equal.
                (FlatOp::Check { .. }, [value, ..]) => value.clone(),
                (FlatOp::Assert { .. }, [_, _]) => Poly::constant(info.elem, 0),
                (FlatOp::Key(key), []) => self.key(problem, *key)?,
                _ => return refuse(format!("step {at} is no operation of a protocol")),
            };
            values.insert(step.result, term);
        }
        Ok(values)
    }

    /// Messages that are functions of what the coalition knows before they come.
    fn leave_out(
        &mut self,
        problem: &Problem,
        certificate: &Certificate,
        values: &BTreeMap<u32, Poly>,
    ) -> Result<(), Refusal> {
        let (flat, coalition) = (&problem.flat, certificate.coalition);
        let mut out = Vec::new();
        for known in &certificate.known {
            let element = Element::Message { step: known.step };
            let Some((_, term)) = self.elements.get(&element) else {
                return refuse(format!("message {} is not seen", known.step));
            };
            let later: Vec<u32> = flat.steps[known.step as usize..]
                .iter()
                .map(|step| step.result)
                .collect();
            let mut rest = term.clone();
            for (id, factor) in &known.by {
                let has = flat.values.get(*id as usize);
                let has = has.is_some_and(|info| meets(info.known_to, coalition));
                match values.get(id) {
                    Some(value) if has && !later.contains(id) && value.elem() == rest.elem() => {
                        rest = rest.add(&value.scale(*factor));
                    }
                    _ => return refuse(format!("value {id} is not known before")),
                }
            }
            let support = self.terms.support(&rest);
            if support.iter().any(|symbol| !self.known.contains(symbol)) {
                return refuse(format!("message {} is news", known.step));
            }
            out.push(element);
        }
        for element in &out {
            self.elements.remove(element);
        }
        Ok(())
    }

    /// The components that must become uniform, now elements too.
    fn required(
        &mut self,
        problem: &Problem,
        certificate: &Certificate,
        values: &BTreeMap<u32, Poly>,
    ) -> Result<Vec<Element>, Refusal> {
        let (result, uniform) = match &certificate.goal {
            Goal::Privacy | Goal::Results | Goal::Order { .. } => return Ok(Vec::new()),
            Goal::Freshness { result, required } => (*result, required.as_slice()),
            Goal::Values => (0, &[][..]),
        };
        let at = result as usize;
        let (Some(FlatOperand::Shared(ids)), Some(Operand::Shared(sharing))) =
            (problem.flat.results.get(at), problem.results.get(at))
        else {
            return refuse("only a shared result can be fresh");
        };
        let held = sharing::held(sharing, certificate.coalition);
        let uniform: Vec<usize> = uniform.iter().map(|at| *at as usize).collect();
        if certificate.goal != Goal::Values && layout_by(sharing, &held, &uniform).is_none() {
            return refuse("the components left out do not follow from the others");
        }
        let (elem, mut terms) = (sharing.elem, Vec::new());
        for id in ids {
            let Some(term) = values.get(id) else {
                return refuse("a result that is not defined");
            };
            terms.push(term);
        }
        let mut value = Poly::constant(elem, 0);
        for (term, by) in terms.iter().zip(&sharing.reconstruction) {
            value = value.add(&term.scale(coefficient(elem, *by)));
        }
        let tags = self.tags(problem, sharing, &value)?;
        for parity in parities(sharing) {
            let mut zero = Poly::constant(elem, 0);
            for ((term, tag), by) in terms.iter().zip(&tags).zip(parity) {
                zero = zero.add(&term.sub(tag).scale(by));
            }
            if !zero.is_zero() {
                return refuse("the components of the result are no sharing");
            }
        }
        let kind = |i: usize| problem.flat.values[ids[i] as usize].kind;
        let shape = kind(ids.len() - 1);
        let element = Element::Value { result };
        self.elements.insert(element, (shape, value));
        let mut required = Vec::new();
        for i in uniform {
            let component = i as u32;
            let element = Element::Component { result, component };
            let term = terms[i].clone();
            self.elements.insert(element, (kind(i), term));
            required.push(element);
        }
        Ok(required)
    }

    fn substitute(
        mut self,
        problem: &Problem,
        certificate: &Certificate,
        required: &[Element],
    ) -> Result<(), Refusal> {
        let mut outputs = Support::default();
        for (number, step) in certificate.steps.iter().enumerate() {
            let Some((kind, term)) = self.elements.get(&step.element).cloned() else {
                return refuse(format!(
                    "substitution {number}: no such element, or used before"
                ));
            };
            let Some(entry) = self.table.get_mut(&step.coin) else {
                return refuse(format!("substitution {number}: no such coin"));
            };
            if !std::mem::replace(&mut entry.pad, false) {
                return refuse(format!("substitution {number}: {} is no pad", step.coin));
            }
            let (coin, uniform, shape) = (entry.symbol, Symbol(self.next), entry.kind);
            self.next += 1;
            if matches!(shape, Kind::Scalar | Kind::Digest) {
                self.terms.scalar(uniform);
            }
            // Whoever simulates the view draws it.
            self.known.insert(uniform);
            let target = self.terms.symbol(uniform, term.elem());
            let mut others = self.elements.iter().filter(|(at, _)| **at != step.element);
            // What is uniform by a coin that nothing else has needs no replacement.
            if shape == kind
                && self.terms.is_triangular(&term, coin)
                && others.all(|(_, (_, other))| !self.terms.mentions(other, coin))
            {
                self.elements.remove(&step.element);
                if required.contains(&step.element) {
                    outputs.insert(uniform);
                }
                continue;
            }
            let alike = shape == kind;
            let by = match self.terms.solve(&term, coin, &target).filter(|_| alike) {
                // The element is uniform now, and known.
                Some(by) => {
                    self.elements.remove(&step.element);
                    by
                }
                // An even multiple of the coin stays with what it does not hide; so does a coin behind a factor.
                None => {
                    let even = self.terms.solve_even(&term, coin, &target);
                    let by = match even.filter(|_| alike) {
                        None => self.terms.solve_factored(&term, coin, &target),
                        even => even,
                    };
                    match by.filter(|_| !required.contains(&step.element)) {
                        Some(by) => by,
                        None => {
                            return refuse(format!(
                                "substitution {number}: cannot be solved for {}",
                                step.coin
                            ));
                        }
                    }
                }
            };
            if required.contains(&step.element) {
                outputs.insert(uniform);
            }
            for (_, other) in self.elements.values_mut() {
                let replaced = self.terms.substitute(other, coin, &by);
                *other = self.given.rest(&mut self.terms, &replaced);
            }
        }
        self.hide(problem, certificate)?;
        for (element, (_, term)) in &self.elements {
            let support = self.terms.support(term);
            match &certificate.goal {
                Goal::Privacy | Goal::Results | Goal::Order { .. } | Goal::Values
                    if support.meets(&self.secrets) =>
                {
                    return refuse(format!("{element:?} still depends on a secret"));
                }
                Goal::Freshness { .. } if required.contains(element) => {
                    return refuse(format!("{element:?} is not shown to be uniform"));
                }
                Goal::Freshness { .. } if support.meets(&outputs) => {
                    return refuse(format!("{element:?} tells a component of the result"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The components of a sharing from the value and the free ones, after checking that the layout
/// says of every solution of the equations what it is.
fn arrange(
    sharing: &Sharing,
    layout: &Layout,
    value: &Poly,
    free: &[Poly],
    tags: &[Poly],
    ids: &[u32],
    values: &mut BTreeMap<u32, Poly>,
) -> Result<(), Refusal> {
    let (elem, matrix) = (sharing.elem, matrix(sharing));
    for (((id, row), tag), solution) in ids.iter().zip(&layout.rows).zip(tags).zip(&matrix) {
        let mut meant = vec![0; solution.len()];
        meant[0] = crate::element::mul(elem, row[0], one(elem));
        for (by, at) in row[1..].iter().zip(&layout.free) {
            for (sum, x) in meant.iter_mut().zip(&matrix[*at]) {
                *sum = crate::element::add(elem, *sum, crate::element::mul(elem, *by, *x));
            }
        }
        if meant != *solution {
            return refuse("a component that does not follow as it should");
        }
        // Less what they carry, the components are those of a sharing without keys.
        let mut term = value.scale(row[0]).add(tag);
        for ((by, other), at) in row[1..].iter().zip(free).zip(&layout.free) {
            term = term.add(&other.sub(&tags[*at]).scale(*by));
        }
        values.insert(*id, term);
    }
    Ok(())
}
