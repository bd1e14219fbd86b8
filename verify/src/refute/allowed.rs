//! What a coalition may know of inputs: views are compared between those that are the same to it.

use crate::declared::Declared;
use crate::element::add;
use crate::machine::Random;
use crate::problem::{Operand, Problem, Spec};
use crate::refute::first_elem;
use crate::requires::elems;
use crate::sharing;
use crate::verdict::Inputs;
use smpc_ir::party::{Elem, PartySet};

/// What the coalition may know.
pub(crate) struct Allowed<'p> {
    /// Its own inputs, values that its components determine, and what is revealed to it.
    params: Vec<bool>,
    /// So many low bits of each, where not all of it is revealed.
    low: Vec<Option<u8>>,
    /// The sum of all inputs, if that is revealed to it.
    sum: Option<Elem>,
    /// Clear results as clauses fix them.
    declared: Vec<Declared<'p>>,
    elems: Vec<Elem>,
}

impl<'p> Allowed<'p> {
    pub fn new(problem: &'p Problem, coalition: PartySet) -> Self {
        let learns = problem.learns_result(coalition);
        let revealed = problem.spec == Spec::Reveal && learns;
        let params = problem.params.iter().map(|spec| match spec {
            Operand::Clear { known_to, .. } => !known_to.intersection(coalition).is_empty(),
            Operand::Shared(shared) => {
                (revealed && problem.beyond(shared.elem).is_none())
                    || sharing::open(shared, coalition)
            }
        });
        let low = problem.params.iter().map(|spec| match spec {
            Operand::Shared(shared) if revealed => problem.beyond(shared.elem),
            _ => None,
        });
        Self {
            params: params.collect(),
            low: low.collect(),
            sum: (problem.spec == Spec::Sum && learns).then(|| first_elem(problem)),
            declared: problem.declared(coalition),
            elems: elems(&problem.params),
        }
    }

    /// What it may know of these inputs; nothing where a clause does not say what a result of its is, so that they can be
    /// held against no others.
    pub fn of(&self, inputs: &Inputs, rows: usize) -> Option<Inputs> {
        // What comes out up to an error depends on coins, too.
        match self.rounds() {
            true => None,
            false => self.near(inputs, rows),
        }
    }

    /// The same with no error in results: in runs in which these come out the same, what is seen must be the same as often.
    fn near(&self, inputs: &Inputs, rows: usize) -> Option<Inputs> {
        let known = self.params.iter().zip(inputs).filter(|(known, _)| **known);
        let mut known: Inputs = known.map(|(_, rows)| rows.clone()).collect();
        for (low, rows) in self.low.iter().zip(inputs) {
            if let Some(bits) = low {
                known.push(rows.iter().map(|word| word & ((1 << bits) - 1)).collect());
            }
        }
        if let Some(elem) = self.sum {
            let words = inputs.iter().map(|rows| rows[0]);
            known.push(vec![words.fold(0, |sum, word| add(elem, sum, word))]);
        }
        for declared in &self.declared {
            known.push(declared.words(&self.elems, inputs, rows)?);
        }
        Some(known)
    }

    /// Whether a clause leaves an error in a result that it knows.
    pub fn rounds(&self) -> bool {
        self.declared
            .iter()
            .any(|declared| declared.rounded.is_some())
    }

    /// Positions of the results that clauses fix, up to an error or not.
    pub fn results(&self) -> Vec<usize> {
        self.declared
            .iter()
            .map(|declared| declared.result)
            .collect()
    }

    /// Whether two inputs are the same to it, errors in results apart.
    pub fn nearly_alike(&self, first: &Inputs, second: &Inputs, rows: usize) -> bool {
        let (first, second) = (self.near(first, rows), self.near(second, rows));
        first.is_some() && first == second
    }

    /// Whether it may know all of an operand.
    pub fn knows(&self, param: usize) -> bool {
        self.params.get(param) == Some(&true)
    }

    /// Whether two inputs are the same to it.
    pub fn alike(&self, first: &Inputs, second: &Inputs, rows: usize) -> bool {
        let (first, second) = (self.of(first, rows), self.of(second, rows));
        first.is_some() && first == second
    }

    /// How many low bits of a declared result it knows, where it does not know all.
    pub fn beyond(&self) -> Option<u8> {
        let low = self.declared.iter().filter_map(|declared| declared.low);
        low.max()
    }

    /// Whether inputs that are the same to it are hard to come by.
    pub fn declares(&self) -> bool {
        !self.declared.is_empty()
    }
}

/// A value of which a few results come often, whatever they are computed by: 0, 1, 2 or -1, or a power of 2, powers of which are
/// 0.
pub(crate) fn small(elem: Elem, random: &mut Random) -> u128 {
    use crate::element::{literal, one, reduce};
    use crate::machine::Choice;
    if let (Elem::Ring(m), 0) = (elem, random.below(4)) {
        return reduce(elem, 1 << random.below(u128::from(m.min(127))));
    }
    match (elem, random.below(4)) {
        (Elem::Bits(_), number) => reduce(elem, [0, one(elem), 1, 2][number as usize]),
        (_, number) => literal(elem, [0, 1, 2, -1][number as usize]),
    }
}
