//! Calls that a certificate takes as ideal boxes: the proofs that they may be, and what is known of their results.

use super::{Checked, Checker, Refusal, Status, arrange, check_with, refuse};
use crate::callee::{Callee, Given, extract, same};
use crate::certificate::{Assumption, Certificate, Goal, Name, Valued};
use crate::element::coefficient;
use crate::problem::{Operand, Problem, operand_ids};
use crate::sharing::{self, layout_by, parities};
use crate::term::{Function, Poly, Terms};
use smpc_ir::flat::{FlatOperand, Sharing};
use smpc_ir::party::PartySet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call that is an ideal box.
pub(super) struct Ideal {
    /// Its position in `Flat::calls`.
    pub call: u32,
    pub value: Valued,
    /// The components that are uniform.
    pub required: Vec<usize>,
    pub callee: Callee,
    /// Its operands, where its value is a function of theirs.
    pub given: Vec<Given>,
}

/// The boxes of a certificate, each with its proof checked and apart from the others.
pub(super) fn of(
    problem: &Problem,
    certificate: &Certificate,
    checked: &mut Vec<Checked>,
) -> Result<Vec<Ideal>, Refusal> {
    let mut found: Vec<Ideal> = Vec::new();
    for boxed in &certificate.boxes {
        let call = problem.flat.calls.get(boxed.call as usize);
        let Some(callee) = call.and_then(|call| extract(problem, call)) else {
            return refuse(format!("call {} is no protocol of its own", boxed.call));
        };
        let overlaps = found.iter().any(|Ideal { callee: other, .. }| {
            other.steps.start < callee.steps.end && callee.steps.start < other.steps.end
        });
        if overlaps {
            return refuse(format!("call {} overlaps another", boxed.call));
        }
        let (privacy, freshness) = (&boxed.proof.privacy, &boxed.proof.freshness);
        let Goal::Freshness {
            result: 0,
            required,
        } = &freshness.goal
        else {
            return refuse(format!("call {}: no proof of freshness", boxed.call));
        };
        let required = required.iter().map(|at| *at as usize).collect();
        if privacy.goal != Goal::Privacy
            || !privacy.ranges.is_empty()
            || privacy.assume != Assumption::AnySharing
            || privacy.coalition != certificate.coalition
            || freshness.coalition != certificate.coalition
        {
            return refuse(format!("call {}: a proof of something else", boxed.call));
        }
        let given = match (boxed.value, &boxed.proof.values, call) {
            (Valued::Operands, Some(values), Some(call)) => {
                let told = values.goal == Goal::Values && values.coalition == certificate.coalition;
                let Some((form, given)) = callee.of_operands(problem, call).filter(|_| told) else {
                    return refuse(format!(
                        "call {} is no protocol of its operands",
                        boxed.call
                    ));
                };
                let before = checked.iter().any(|known| {
                    known.about_values
                        && known.coalition == certificate.coalition
                        && known.proof.values.as_ref() == Some(values)
                        && same(&known.problem, &form)
                });
                if !before {
                    check_with(&form, values, checked)?;
                    checked.push(Checked {
                        problem: form,
                        coalition: certificate.coalition,
                        proof: boxed.proof.clone(),
                        about_values: true,
                    });
                }
                given
            }
            (Valued::Operands, ..) => {
                return refuse(format!("call {}: no proof about values", boxed.call));
            }
            _ => Vec::new(),
        };
        let before = checked.iter().any(|known| {
            !known.about_values
                && known.coalition == certificate.coalition
                && (Arc::ptr_eq(&known.proof, &boxed.proof) || known.proof == boxed.proof)
                && same(&known.problem, &callee.problem)
        });
        if !before {
            check_with(&callee.problem, privacy, checked)?;
            check_with(&callee.problem, freshness, checked)?;
            checked.push(Checked {
                problem: callee.problem.clone(),
                coalition: certificate.coalition,
                proof: boxed.proof.clone(),
                about_values: false,
            });
        }
        found.push(Ideal {
            call: boxed.call,
            value: boxed.value,
            required,
            callee,
            given,
        });
    }
    Ok(found)
}

impl Checker {
    /// The components of a box's result: what the coalition holds is the simulator's choice, those
    /// shown to be uniform are pads, and the others follow from the value.
    pub(super) fn ideal(
        &mut self,
        problem: &Problem,
        ideal: &Ideal,
        coalition: PartySet,
        values: &mut BTreeMap<u32, Poly>,
    ) -> Result<(), Refusal> {
        let (callee, call) = (&ideal.callee, ideal.call);
        let flat = &callee.problem.flat;
        let Some(Operand::Shared(sharing)) = callee.problem.results.first() else {
            return refuse("a box without a shared result");
        };
        let Some(FlatOperand::Shared(inner)) = flat.results.first() else {
            return refuse("a box without a shared result");
        };
        let kind = flat.values[inner[0] as usize].kind;
        let given: Option<Vec<Poly>> = callee
            .inputs
            .iter()
            .map(|id| values.get(id).cloned())
            .collect();
        let Some(mut given) = given else {
            return refuse("a box reads what is not defined");
        };
        let held = sharing::held(sharing, coalition);
        let Some(layout) = layout_by(sharing, &held, &ideal.required) else {
            return refuse("a box whose uniform components do not make up a sharing");
        };
        let (mut free, mut chosen) = (Vec::new(), Vec::new());
        for &at in &layout.free {
            let component = at as u32;
            let name = Name::Output { call, component };
            let status = if held[at] { Status::Known } else { Status::Pad };
            let term = self.fresh(name, sharing.elem, kind, status);
            if held[at] {
                chosen.push(term.clone());
            }
            free.push(term);
        }
        let formula = match ideal.value {
            Valued::Polynomial => polynomial(&callee.problem, sharing)?,
            Valued::Unknown | Valued::Operands => None,
        };
        let value = match formula {
            Some((terms, poly)) => self.terms.import(&terms, &poly, &given),
            None => {
                if ideal.value == Valued::Operands {
                    given = operands(&ideal.given, values)?;
                }
                // An unknown function may be one of keys, too; of values of operands alone it was shown not to be.
                let keys = ideal.value == Valued::Unknown && callee.reads_keys();
                let status = if keys { Status::Secret } else { Status::Noise };
                let noise = self.fresh(Name::Noise { call }, sharing.elem, kind, status);
                given.extend(chosen);
                given.push(noise);
                let value = self.terms.function(Function::Unknown, given, sharing.elem);
                Some(value)
            }
        };
        let Some(value) = value else {
            return refuse("a box whose result does not fit its place");
        };
        let tags = self.tags(problem, sharing, &value)?;
        arrange(
            sharing,
            &layout,
            &value,
            &free,
            &tags,
            &callee.outputs,
            values,
        )
    }
}

/// The values of operands; all components of one that is not shown to be a sharing.
fn operands(list: &[Given], values: &BTreeMap<u32, Poly>) -> Result<Vec<Poly>, Refusal> {
    let mut args = Vec::new();
    for (ids, sharing) in list {
        let terms: Option<Vec<Poly>> = ids.iter().map(|id| values.get(id).cloned()).collect();
        let Some(terms) = terms else {
            return refuse("a box reads what is not defined");
        };
        let value = sharing.as_ref().and_then(|sharing| whole(sharing, &terms));
        match value {
            Some(value) => args.push(value),
            None => args.extend(terms),
        }
    }
    Ok(args)
}

/// The value of components that are those of a sharing without keys.
fn whole(sharing: &Sharing, terms: &[Poly]) -> Option<Poly> {
    let elem = sharing.elem;
    let fits = sharing.keyed.is_empty()
        && terms.len() == sharing.reconstruction.len()
        && terms.iter().all(|term| term.elem() == elem);
    let combine = |by: &[u128]| {
        let zero = Poly::constant(elem, 0);
        let terms = terms.iter().zip(by);
        terms.fold(zero, |sum, (term, by)| sum.add(&term.scale(*by)))
    };
    let is_one = fits && parities(sharing).iter().all(|row| combine(row).is_zero());
    let weights = sharing.reconstruction.iter();
    let weights: Vec<u128> = weights.map(|by| coefficient(elem, *by)).collect();
    is_one.then(|| combine(&weights))
}

/// The value of a box's result, where it is a polynomial of what the box reads.
fn polynomial(callee: &Problem, sharing: &Sharing) -> Result<Option<(Terms, Poly)>, Refusal> {
    if callee.flat.steps.len() > 64 {
        return Ok(None);
    }
    let mut checker = Checker::new(256, PartySet::EMPTY);
    let values = checker.execute(callee, &nobody(), &[])?;
    let mut value = Poly::constant(sharing.elem, 0);
    for (id, by) in callee
        .flat
        .results
        .iter()
        .flat_map(operand_ids)
        .zip(&sharing.reconstruction)
    {
        let Some(term) = values.get(id) else {
            return refuse("a result that is not defined");
        };
        value = value.add(&term.scale(coefficient(sharing.elem, *by)));
    }
    let inputs = callee.params.len() as u32;
    let support = checker.terms.support(&value);
    let known = support.iter().all(|symbol| symbol.0 < inputs);
    let short = value.monomials() <= 64 && checker.terms.is_polynomial(&value);
    Ok((known && short).then_some((checker.terms, value)))
}

/// What nobody sees, to carry out a protocol.
pub(super) fn nobody() -> Certificate {
    Certificate {
        coalition: PartySet::EMPTY,
        assume: Assumption::AnySharing,
        goal: Goal::Privacy,
        boxes: Vec::new(),
        known: Vec::new(),
        steps: Vec::new(),
        ranges: Vec::new(),
    }
}
