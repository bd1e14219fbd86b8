//! Keys of others and the order of rows, of which a view must tell nothing.

use crate::machine::Machine;
use crate::problem::{Operand, Problem, Spec, operand_ids};
use crate::verdict::Inputs;
use smpc_ir::party::PartySet;

/// What the coalition must not learn of one execution, beside inputs.
pub(super) struct Kept {
    /// Keys that others hold.
    pub keys: Vec<usize>,
    /// Whether the order of rows is such a thing.
    pub order: bool,
}

/// Which keys others hold, and whether the rows are in the other order; nothing where both orders are alike.
pub(super) type Hidden = (Vec<u128>, Option<bool>);

impl Kept {
    pub fn new(problem: &Problem, coalition: PartySet) -> Self {
        let keys = problem.keys.iter().enumerate();
        let others = keys.filter(|(_, key)| key.known_to.intersection(coalition).is_empty());
        Self {
            keys: others.map(|(at, _)| at).collect(),
            order: problem.spec == Spec::Shuffle,
        }
    }

    pub fn of(&self, machine: &Machine, problem: &Problem, inputs: &Inputs) -> Hidden {
        let keys = self.keys.iter().map(|at| machine.key(*at, 0)).collect();
        (keys, self.swapped(machine, problem, inputs))
    }

    /// Whether the two rows of a shuffle changed places.
    pub fn swapped(&self, machine: &Machine, problem: &Problem, inputs: &Inputs) -> Option<bool> {
        let (Some(Operand::Shared(sharing)), Some(result)) =
            (problem.results.first(), problem.flat.results.first())
        else {
            return None;
        };
        let [first, second] = inputs.first()?.as_slice() else {
            return None;
        };
        if !self.order || first == second {
            return None;
        }
        let ids = operand_ids(result);
        Some(machine.reconstruct(ids, sharing, 0, 0) != *first)
    }
}
