//! What whoever simulates a view is given of clear results.

use super::{Checker, Status};
use crate::certificate::Name;
use crate::declared::as_term;
use crate::problem::Problem;
use crate::requires::elems;
use crate::term::{Given, Poly};
use smpc_ir::flat::FlatOperand;
use smpc_ir::party::PartySet;
use std::collections::BTreeMap;

impl Checker {
    /// What clauses fix of clear results that the coalition holds, as polynomials of the values of operands; given `results`,
    /// also those results that clauses leave no other value, as they come out, and then no coin in them is a pad. So no
    /// substitution changes what is given, and in an element of the view its value may stand for it at any time.
    pub(super) fn give(
        &mut self,
        problem: &Problem,
        coalition: PartySet,
        results: Option<&BTreeMap<u32, Poly>>,
    ) {
        let mut params: Vec<Option<Poly>> = Vec::new();
        for (param, elem) in (0u32..).zip(elems(&problem.params)) {
            let entry = self.table.get(&Name::Value { param });
            params.push(entry.map(|entry| self.terms.symbol(entry.symbol, elem)));
        }
        let mut all = Vec::new();
        for declared in problem.declared(coalition) {
            let id = problem.flat.results.get(declared.result);
            let kind = declared.kind(problem);
            if let (Some(values), Some(FlatOperand::Clear(id)), true) =
                (results, id, declared.whole)
                && let Some(term) = values.get(id)
            {
                let support = self.terms.support(term);
                for entry in self.table.values_mut() {
                    entry.pad &= !support.contains(entry.symbol);
                }
                let value = self.fresh(Name::Result, declared.elem, kind, Status::Known);
                all.push((term.clone(), value));
            }
            if declared.rounded.is_some() {
                continue;
            }
            let (elem, result) = (declared.elem, declared.result as u32);
            let Some(term) = as_term(&mut self.terms, declared.value, elem, &params) else {
                continue;
            };
            let mut value = self.fresh(Name::Result, elem, kind, Status::Known);
            if let Some(bits) = declared.low {
                let name = Name::Beyond { result };
                let above = self.fresh(name, elem, kind, Status::Secret);
                value = value.add(&above.scale(1 << bits));
            }
            all.push((term, value));
        }
        self.given = Given::new(&mut self.terms, &all, &self.secrets);
        for (_, term) in self.elements.values_mut() {
            *term = self.given.rest(&mut self.terms, term);
        }
    }
}
