//! `budget epsilon <= 1.0;`: what reveals spend, added up.
//!
//! A reveal is never over the budget: the sum of what it and all before it spend is compared first. Of constants while the
//! script is checked; if params take part, by every party during the run, in front of the reveal.

use crate::build::Elab;
use crate::leaks::Control;
use crate::ops::{BOOL, FIX};
use crate::value::{Leaf, Src, Val};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{self, BinaryOp, ClauseKind, Expr, Span};
use smpc_ir::share::{Label, Op};
use smpc_ir::size::Size;

/// One limit of the budget.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    name: String,
    most: Leaf,
    span: Span,
    /// What each reveal so far spends, and how often it happens.
    spent: Vec<(Leaf, Size)>,
}

const HELP: &str = "write `reveal x to a as y spends 0.5`: a number for each limit, in their order";

impl Elab<'_> {
    pub fn budget_item(&mut self, limits: &[ast::Limit], span: Span) {
        if !self.budget.is_empty() {
            self.error("N02", span, "a script has one budget");
            return;
        }
        if !self.attempted.is_empty() {
            let help = "put the budget in front of what is revealed";
            self.error_help("R07", span, "a reveal stands before the budget", help);
            return;
        }
        for limit in limits {
            let Some(most) = self.amount(&limit.value) else {
                continue;
            };
            self.budget.push(Limit {
                name: limit.name.name.clone(),
                most,
                span: limit.name.span,
                spent: vec![],
            });
        }
    }

    /// A public number known before anything is computed.
    fn amount(&mut self, expr: &Expr) -> Option<Leaf> {
        let val = self.expr(expr);
        let leaf = self.one_leaf(&val, "a budget", expr.span)?;
        let leaf = self.coerce(&leaf, FIX, expr.span)?;
        // What a nested block computes is not there for the sum of a later reveal.
        let outside = match &leaf.src {
            Src::Ir(value) => {
                let mut steps = self.blocks.first().into_iter().flat_map(|b| &b.steps);
                steps.any(|step| step.results.contains(value))
            }
            _ => true,
        };
        if leaf.label != Label::Public || !leaf.is_scalar() || !outside {
            self.error_help(
                "R07",
                expr.span,
                "what is spent is not known in advance",
                "write a number, a param, or what is computed of params outside of loops",
            );
            return None;
        }
        Some(leaf)
    }

    /// Counts a reveal.
    pub fn spend(&mut self, reveal: &ast::Reveal, name: Option<&str>, span: Span) {
        let limits = self.budget.len();
        if limits == 0 && reveal.spends.is_empty() || self.harmless(name) {
            return;
        }
        if reveal.spends.len() != limits {
            let message = match (limits, reveal.spends.len()) {
                (0, _) => "there is no budget that this could spend from".to_owned(),
                (_, 0) => {
                    "there is a budget, and this reveal does not say what it spends".to_owned()
                }
                (limits, given) => {
                    format!(
                        "the budget has {limits} limits, and this reveal spends {given} numbers"
                    )
                }
            };
            let help = match limits {
                0 => {
                    "write `budget epsilon <= 1.0;` in front of what is revealed, or leave `spends` out"
                }
                _ => HELP,
            };
            self.error_help("R07", span, message, help);
            return;
        }
        if self
            .control
            .iter()
            .any(|c| matches!(c, Control::While { .. }))
        {
            self.error_help(
                "R07",
                span,
                "how often this reveal spends is decided by the data",
                "reveal in a `for` with a public bound, or after the loop",
            );
            return;
        }
        let loops = self.control.iter().filter_map(|c| match c {
            Control::For { count, .. } => Some(count.clone()),
            _ => None,
        });
        let often: Vec<Size> = loops.chain(self.extents(&self.open)).collect();
        let often = often.iter().fold(Size::one(), |product, n| &product * n);
        for (at, expr) in reveal.spends.iter().enumerate() {
            let Some(amount) = self.amount(expr) else {
                continue;
            };
            self.budget[at].spent.push((amount, often.clone()));
            self.within(at, expr.span);
        }
    }

    /// Whether what is revealed is claimed to tell nothing.
    fn harmless(&self, name: Option<&str>) -> bool {
        let function = self.frames.last().and_then(|f| f.function.as_ref());
        let mut clauses = function.iter().flat_map(|def| &def.function.clauses);
        clauses.any(|clause| match &clause.kind {
            ClauseKind::Reveals(r) => {
                r.distribution.is_some() && Some(r.name.name.as_str()) == name
            }
            _ => false,
        })
    }

    /// Compares a limit with the sum.
    fn within(&mut self, at: usize, span: Span) {
        let Limit {
            name,
            most,
            span: declared,
            spent,
        } = self.budget[at].clone();
        let zero = Leaf::literal(0, FIX);
        if let Some(most) = most.as_constant() {
            // Constants alone: what is over the budget already is over it whatever params are.
            let known = spent.iter().filter_map(|(amount, often)| {
                amount.as_constant()?.checked_mul(often.as_constant()?)
            });
            let total = known.fold(0i128, i128::saturating_add);
            if total > most {
                let unit = 2f64.powi(64);
                let (total, most) = (total as f64 / unit, most as f64 / unit);
                let message = format!("{total} of {name} would be spent, and the budget is {most}");
                let diagnostic = Diagnostic::new("R06", message, span)
                    .label(declared, "the budget")
                    .help("reveal less often or with more noise, or raise the budget");
                self.report(diagnostic);
                return;
            }
            let all = |(amount, often): &(Leaf, Size)| {
                amount.as_constant().is_some() && often.as_constant().is_some()
            };
            if spent.iter().all(all) {
                return;
            }
        }
        let mut total = Val::Leaf(zero);
        for (amount, often) in spent {
            let often = Val::Leaf(Leaf::size(often));
            let term = self.binary(BinaryOp::Mul, &Val::Leaf(amount), &often, span);
            total = self.binary(BinaryOp::Add, &total, &term, span);
        }
        let holds = self.binary(BinaryOp::Le, &total, &Val::Leaf(most), span);
        if let Val::Leaf(leaf) = holds
            && let Some(leaf) = self.coerce(&leaf, BOOL, span)
        {
            let value = self.value(&leaf, span);
            self.push(Op::Assert, vec![value], vec![], span);
        }
    }
}
