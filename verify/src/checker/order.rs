//! The order of a shuffle's rows: a permutation that nobody of the coalition knows is one of those that make it up.

use super::{Checker, Refusal, boxes::nobody, refuse};
use crate::certificate::Name;
use crate::element::coefficient;
use crate::problem::{Operand, Problem, Spec, operand_ids};
use crate::symbolic::expansion;
use crate::term::Poly;
use smpc_ir::flat::FlatOp;
use smpc_ir::party::{CoinDomain, PartySet};

/// The rows of a shuffle's result are those of its operand in the order of permutations that are drawn, of which
/// `coin` is one, once: for any others their order is as uniform as it.
pub(super) fn makes_up(problem: &Problem, coin: u32) -> Result<(), Refusal> {
    let ([Operand::Shared(given)], [Operand::Shared(sharing)], Spec::Shuffle) = (
        problem.params.as_slice(),
        problem.results.as_slice(),
        problem.spec,
    ) else {
        return refuse("an order of what is no shuffle");
    };
    let mut checker = Checker::new(expansion(problem), PartySet::EMPTY);
    let values = checker.execute(problem, &nobody(), &[])?;
    let whole = |ids: &[u32], by: &[i128]| {
        let mut value = Poly::constant(sharing.elem, 0);
        for (id, by) in ids.iter().zip(by) {
            let Some(term) = values.get(id) else {
                return refuse("a row that is not defined");
            };
            value = value.add(&term.scale(coefficient(sharing.elem, *by)));
        }
        Ok(value)
    };
    let from = whole(operand_ids(&problem.flat.params[0]), &given.reconstruction)?;
    let rows = whole(
        operand_ids(&problem.flat.results[0]),
        &sharing.reconstruction,
    )?;
    let Some(by) = checker.terms.reordered_by(&rows, &from) else {
        return refuse("the result is not the operand in another order");
    };
    let mut count = 0;
    for symbol in by {
        let entry = checker
            .table
            .iter()
            .find(|(_, entry)| entry.symbol == symbol);
        let Some((Name::Coin { step }, _)) = entry else {
            return refuse("an order that is not drawn");
        };
        if problem.flat.steps[*step as usize].op != FlatOp::Coin(CoinDomain::Permutation) {
            return refuse("an order that is no permutation");
        }
        count += usize::from(*step == coin);
    }
    match count {
        1 => Ok(()),
        _ => refuse(format!("step {coin} does not draw a part of the order")),
    }
}

impl Checker {
    /// From now on a coin is to be kept from the coalition.
    pub(super) fn keep(&mut self, coin: u32) -> Result<(), Refusal> {
        let entry = self.table.get(&Name::Coin { step: coin });
        let symbol = entry.map(|entry| entry.symbol);
        match symbol.filter(|symbol| !self.known.contains(*symbol)) {
            Some(symbol) => self.secrets.insert(symbol),
            None => return refuse(format!("the coalition knows what step {coin} draws")),
        }
        Ok(())
    }
}
