//! Points to which the elaboration can return.

use crate::budget::Limit;
use crate::build::{Elab, Slot};
use smpc_grammar::ast::Span;
use smpc_ir::size::{Size, SizeVar};
use std::collections::{BTreeSet, HashMap};

/// A point to which the builder can return.
pub(crate) struct Mark {
    values: usize,
    sizes: usize,
    guards: usize,
    events: usize,
    diagnostics: usize,
    steps: usize,
    slots: Vec<Slot>,
    used: BTreeSet<(&'static str, Span)>,
    unnamed: usize,
    equal: HashMap<SizeVar, Size>,
    expectations: usize,
    budget: Vec<Limit>,
    facts: usize,
}

impl Elab<'_> {
    pub fn mark(&self) -> Mark {
        Mark {
            values: self.program.values.len(),
            sizes: self.program.sizes.len(),
            guards: self.program.guards.len(),
            events: self.events.len(),
            diagnostics: self.diagnostics.len(),
            steps: self.blocks.last().map_or(0, |b| b.steps.len()),
            slots: self.slots.clone(),
            used: self.reported.clone(),
            unnamed: self.unnamed,
            equal: self.equal.clone(),
            expectations: self.expectations.len(),
            budget: self.budget.clone(),
            facts: self.facts.len(),
        }
    }

    pub fn restore(&mut self, mark: &Mark) {
        self.program.values.truncate(mark.values);
        for map in &mut self.emitted {
            map.retain(|_, v| (v.0 as usize) < mark.values);
        }
        self.turned
            .retain(|turned, _| (turned.0 as usize) < mark.values);
        self.facts.restore(mark.facts, mark.values);
        self.program.sizes.truncate(mark.sizes);
        // A size that comes later has the number of one that is gone, and bounds of its own.
        self.counters.retain(|var, _| (var.0 as usize) < mark.sizes);
        self.program.guards.truncate(mark.guards);
        self.events.truncate(mark.events);
        self.diagnostics.truncate(mark.diagnostics);
        if let Some(block) = self.blocks.last_mut() {
            block.steps.truncate(mark.steps);
        }
        self.slots.clone_from(&mark.slots);
        self.reported.clone_from(&mark.used);
        self.unnamed = mark.unnamed;
        self.equal.clone_from(&mark.equal);
        self.expectations.truncate(mark.expectations);
        self.budget.clone_from(&mark.budget);
    }
}
