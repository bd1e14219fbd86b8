//! What is known of callees: each is proved once, however often it is called.

use super::{attempt, prove_freshness_with, prove_privacy_with};
use crate::callee::{extract, same};
use crate::certificate::{Assumption, Boxed, CalleeProof, Goal, Valued};
use crate::compose::Enumerated;
use crate::problem::{Malformed, Problem};
use crate::symbolic::{BoxValue, IdealBox, formula};
use crate::verdict::Limits;
use smpc_ir::party::PartySet;
use std::sync::Arc;

/// Steps beyond which calls are first taken as ideal boxes; short texts are proved as they stand.
const INLINE: usize = 80;

/// Callees proved by themselves, so that each is proved once however often it is called.
#[derive(Debug)]
pub struct Proofs {
    known: Vec<Known>,
    values: Vec<KnownValues>,
    views: Vec<KnownViews>,
    /// Steps up to which a text is proved as it stands first.
    pub(super) inline: usize,
    /// How many callers are being proved.
    pub(super) depth: usize,
}

impl Default for Proofs {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            values: Vec::new(),
            views: Vec::new(),
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

/// A callee as a protocol of its operands, what is proved of it otherwise, and that with the proof that it is a matter
/// of their values, if there is one.
#[derive(Debug)]
struct KnownValues {
    problem: Problem,
    coalition: PartySet,
    proof: Arc<CalleeProof>,
    more: Option<Arc<CalleeProof>>,
}

/// A callee, and the same in a small ring, with what its views show there.
#[derive(Debug)]
struct KnownViews {
    full: Problem,
    small: Problem,
    coalition: PartySet,
    limits: Limits,
    found: Enumerated,
}

impl Proofs {
    /// Calls are taken as ideal boxes wherever they can be.
    #[cfg(test)]
    pub(crate) fn eager() -> Self {
        Self {
            known: Vec::new(),
            values: Vec::new(),
            views: Vec::new(),
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
            Some(privacy)
                if privacy.assume == Assumption::AnySharing && privacy.ranges.is_empty() =>
            {
                let freshness = prove_freshness_with(callee, coalition, 0, self)?;
                freshness.map(|freshness| {
                    Arc::new(CalleeProof {
                        privacy,
                        freshness,
                        values: None,
                    })
                })
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

    /// What the views of a callee show in a small ring, looked for once.
    pub(crate) fn enumerated(
        &mut self,
        (full, small): (&Problem, &Problem),
        coalition: PartySet,
        limits: &Limits,
        look: impl FnOnce(&Problem, &Problem) -> Result<Enumerated, Malformed>,
    ) -> Result<Enumerated, Malformed> {
        let known = self.views.iter().find(|known| {
            known.coalition == coalition
                && known.limits == *limits
                && known.small.flat.claims == small.flat.claims
                && same(&known.small, small)
                && same(&known.full, full)
        });
        if let Some(known) = known {
            return Ok(known.found);
        }
        let found = look(full, small)?;
        self.views.push(KnownViews {
            full: full.clone(),
            small: small.clone(),
            coalition,
            limits: *limits,
            found,
        });
        Ok(found)
    }

    /// Takes the value of a box for a function of the values of its operands, if with what the call tells it is one.
    pub(super) fn of_operands(
        &mut self,
        problem: &Problem,
        coalition: PartySet,
        ideal: &mut IdealBox,
        boxed: &mut Boxed,
    ) -> Result<bool, Malformed> {
        let call = problem.flat.calls.get(ideal.call as usize);
        let form = call.and_then(|call| ideal.callee.of_operands(problem, call));
        let Some((callee, given)) = form else {
            return Ok(false);
        };
        let known = self.values.iter().find(|known| {
            known.coalition == coalition
                && Arc::ptr_eq(&known.proof, &boxed.proof)
                && same(&known.problem, &callee)
        });
        let more = match known {
            Some(known) => known.more.clone(),
            None => {
                self.depth += 1;
                let any = Assumption::AnySharing;
                let values = attempt(&callee, coalition, any, &Goal::Values, self)?;
                self.depth -= 1;
                let more = values.map(|values| {
                    Arc::new(CalleeProof {
                        values: Some(values),
                        ..(*boxed.proof).clone()
                    })
                });
                self.values.push(KnownValues {
                    problem: callee,
                    coalition,
                    proof: boxed.proof.clone(),
                    more: more.clone(),
                });
                more
            }
        };
        let Some(proof) = more else {
            return Ok(false);
        };
        ideal.value = BoxValue::Operands(given);
        boxed.value = Valued::Operands;
        boxed.proof = proof;
        Ok(true)
    }

    /// The outermost calls that can be taken as ideal boxes.
    pub(super) fn boxes(
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
                value: BoxValue::Unknown,
                callee,
                required: required.iter().map(|at| *at as usize).collect(),
            };
            let boxed = Boxed {
                call,
                value: Valued::Unknown,
                proof,
            };
            found.push((ideal, boxed));
        }
        Ok(found)
    }
}

/// Takes the value of a box for a polynomial, if it is one.
pub(super) fn is_polynomial(ideal: &mut IdealBox, boxed: &mut Boxed) -> bool {
    let Some(formula) = formula(&ideal.callee.problem) else {
        return false;
    };
    ideal.value = BoxValue::Polynomial(formula);
    boxed.value = Valued::Polynomial;
    true
}
