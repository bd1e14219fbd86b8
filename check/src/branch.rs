//! Branches: public ones are taken, secret ones computed on both sides and selected.

use crate::assigned::assigned;
use crate::build::Elab;
use crate::forms::Form;
use crate::leaks::Control;
use crate::ops::common;
use crate::value::{Leaf, Val};
use smpc_grammar::ast::{self, Span};
use smpc_ir::share::{Label, Op, Type, Value};
use std::collections::BTreeSet;

/// What the other form costs.
const SECRET_IF: &str = "`if secret c { … } else { … }` runs both arms and selects: the cost of both, and one secret product per value that differs";

impl Elab<'_> {
    pub fn branch(&mut self, branch: &ast::If, span: Span) -> Val {
        let Some(condition) = self.condition(&branch.condition) else {
            // The arms still show their own errors.
            return Val::Unknown;
        };
        if let Some(constant) = condition.as_constant() {
            let (then, otherwise) = (Some(&branch.then), branch.otherwise.as_ref());
            return if constant != 0 {
                self.taken(then, otherwise, span)
            } else {
                self.taken(otherwise, then, span)
            };
        }
        if !branch.secret
            && !self.needs_public(
                &condition,
                "K10",
                "the condition of a plain `if`",
                SECRET_IF,
                branch.condition.span,
            )
        {
            return Val::Unknown;
        }
        if condition.label == Label::Public && condition.axes.is_empty() {
            return self.switch(&condition, branch, span);
        }
        self.selected(&condition, branch, span)
    }

    /// The arm that a constant condition takes. Its value and the variables it assigns have the types
    /// that both arms share: an expression's type does not depend on a value.
    fn taken(&mut self, taken: Option<&ast::Block>, other: Option<&ast::Block>, span: Span) -> Val {
        let mut names = BTreeSet::new();
        if let Some(other) = other {
            assigned(other, &mut names);
        }
        let slots: Vec<usize> = names.iter().filter_map(|n| self.lookup(n)).collect();
        let types = other.and_then(|block| self.types_of(block, &slots));
        let val = taken.map_or(Val::Unit, |block| self.block(block));
        let Some((value, variables)) = types else {
            return val;
        };
        for (slot, types) in slots.into_iter().zip(variables) {
            let raised = self.raised(&self.slots[slot].val.clone(), &types, span);
            self.slots[slot].val = raised;
        }
        self.raised(&val, &value, span)
    }

    /// A value in the types it shares with a value of these types.
    fn raised(&mut self, val: &Val, types: &[Type], span: Span) -> Val {
        if types.len() != val.leaves().len() {
            return val.clone();
        }
        let mut types = types.iter();
        val.map(
            &mut |leaf| match types.next().map(|ty| common(leaf.ty, *ty)) {
                Some(Some(ty)) => self.cast(leaf, ty, span),
                _ => Some(leaf.clone()),
            },
        )
    }

    /// The types of a block's value and of these variables after it, of which nothing is kept, neither
    /// steps nor errors: the block is not carried out. None if it has errors.
    #[allow(clippy::type_complexity)]
    fn types_of(
        &mut self,
        block: &ast::Block,
        slots: &[usize],
    ) -> Option<(Vec<Type>, Vec<Vec<Type>>)> {
        let mark = self.mark();
        let (attempted, called) = (self.attempted.clone(), self.called.clone());
        let revealed = self.frames.last().map(|f| f.revealed.clone());
        self.open_block();
        let val = self.block(block);
        let types = |val: &Val| val.leaves().into_iter().map(|leaf| leaf.ty).collect();
        let variables = slots.iter().map(|s| types(&self.slots[*s].val)).collect();
        self.close_block();
        self.restore(&mark);
        (self.attempted, self.called) = (attempted, called);
        if let (Some(frame), Some(revealed)) = (self.frames.last_mut(), revealed) {
            frame.revealed = revealed;
        }
        (!val.is_unknown()).then(|| (types(&val), variables))
    }

    /// Both arms, then a selection.
    pub fn selected(&mut self, condition: &Leaf, branch: &ast::If, span: Span) -> Val {
        let mut names = BTreeSet::new();
        assigned(&branch.then, &mut names);
        if let Some(otherwise) = &branch.otherwise {
            assigned(otherwise, &mut names);
        }
        let slots: Vec<usize> = names.iter().filter_map(|n| self.lookup(n)).collect();
        let before: Vec<Val> = slots.iter().map(|s| self.slots[*s].val.clone()).collect();
        let secret = condition.label != Label::Public;
        let outer = (self.secret_depth, self.secret_span, self.secret_calls);
        if secret {
            self.secret_depth += 1;
            self.secret_span = branch.condition.span;
            self.secret_calls = self.calls.len();
        }
        let text = self.text_of(branch.condition.span);
        self.control.push(Control::If {
            text: text.clone(),
            negated: false,
        });
        let then = self.block(&branch.then);
        let after_then: Vec<Val> = slots.iter().map(|s| self.slots[*s].val.clone()).collect();
        for (slot, val) in slots.iter().zip(&before) {
            self.slots[*slot].val = val.clone();
        }
        self.control.pop();
        self.control.push(Control::If {
            text,
            negated: true,
        });
        let otherwise = match &branch.otherwise {
            Some(block) => self.block(block),
            None => Val::Unit,
        };
        self.control.pop();
        (self.secret_depth, self.secret_span, self.secret_calls) = outer;
        for (slot, yes) in slots.iter().zip(&after_then) {
            let no = self.slots[*slot].val.clone();
            let joined = self.select(condition, yes, &no, span);
            self.slots[*slot].val = joined;
        }
        match (&then, &otherwise) {
            (Val::Unit, Val::Unit) => Val::Unit,
            (_, Val::Unit) if branch.otherwise.is_none() => Val::Unit,
            _ => self.select(condition, &then, &otherwise, span),
        }
    }

    pub fn switch(&mut self, condition: &Leaf, branch: &ast::If, span: Span) -> Val {
        let mut names = BTreeSet::new();
        assigned(&branch.then, &mut names);
        if let Some(otherwise) = &branch.otherwise {
            assigned(otherwise, &mut names);
        }
        let picked = self.value(condition, span);
        let text = self.text_of(branch.condition.span);
        let has_else = branch.otherwise.is_some();
        self.arms(picked, 2, &names, span, &mut |this, arm| {
            this.suppose_value(picked, arm == 1);
            this.control.push(Control::If {
                text: text.clone(),
                negated: arm == 0,
            });
            let val = match (arm, &branch.otherwise) {
                (1, _) => this.block(&branch.then),
                (_, Some(otherwise)) => this.block(otherwise),
                _ => Val::Unit,
            };
            this.control.pop();
            if has_else { val } else { Val::Unit }
        })
    }

    /// A `Switch` with `count` arms, its value and the variables it assigns.
    pub fn arms(
        &mut self,
        picked: Value,
        count: usize,
        names: &BTreeSet<String>,
        span: Span,
        arm: &mut dyn FnMut(&mut Self, usize) -> Val,
    ) -> Val {
        let slots: Vec<usize> = names.iter().filter_map(|n| self.lookup(n)).collect();
        let before: Vec<Val> = slots.iter().map(|s| self.slots[*s].val.clone()).collect();
        let mut blocks = vec![];
        let mut outcomes: Vec<Val> = vec![];
        for number in 0..count {
            self.open_block();
            let val = arm(self, number);
            blocks.push(self.close_block());
            let mut outcome = vec![val];
            for (slot, val) in slots.iter().zip(&before) {
                outcome.push(std::mem::replace(&mut self.slots[*slot].val, val.clone()));
            }
            outcomes.push(Val::Tuple(outcome));
        }
        if outcomes.iter().any(Val::is_unknown) {
            for slot in &slots {
                self.slots[*slot].val = Val::Unknown;
            }
            return Val::Unknown;
        }
        let pattern = outcomes[0].clone();
        let mut forms: Option<Vec<Form>> = None;
        for outcome in &outcomes {
            let these: Vec<Form> = outcome.leaves().into_iter().map(Form::of).collect();
            forms = match forms {
                None => Some(these),
                Some(known) => self.joined(&known, &these, span),
            };
            if forms.is_none() {
                return Val::Unknown;
            }
        }
        let forms = forms.unwrap_or_default();
        for (block, outcome) in blocks.iter_mut().zip(&outcomes) {
            self.reopen_block(std::mem::take(block));
            let leaves: Vec<Leaf> = outcome.leaves().into_iter().cloned().collect();
            let values: Vec<Value> = leaves
                .iter()
                .zip(&forms)
                .map(|(l, f)| self.formed(l, f, span))
                .collect();
            *block = self.close_block();
            block.results = values;
        }
        let (results, leaves) = self.defined(&forms, &pattern, span);
        self.push(Op::Switch { arms: blocks }, vec![picked], results, span);
        let Val::Tuple(mut items) = pattern.rebuilt(&mut leaves.into_iter()) else {
            return Val::Unknown;
        };
        let rest = items.split_off(1);
        for (slot, val) in slots.iter().zip(rest) {
            self.slots[*slot].val = val;
        }
        items.pop().unwrap_or(Val::Unit)
    }
}
