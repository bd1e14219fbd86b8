//! Labels: who knows a value, and what becomes of several together.

use std::rc::Rc;

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::Span;
use smpc_ir::party::PartySet;
use smpc_ir::share::{Label, Op};

use crate::build::Elab;
use crate::value::{Leaf, Origin, Src};

impl Elab<'_> {
    pub fn party_names(&self, set: PartySet) -> String {
        let names: Vec<&str> = set
            .iter()
            .filter_map(|p| {
                self.program
                    .parties
                    .get(usize::from(p.0))
                    .map(String::as_str)
            })
            .collect();
        names.join(", ")
    }

    /// The join of the labels; two owners, or an owner and a secret, are an error.
    pub fn join(&mut self, leaves: &[&Leaf], span: Span) -> Option<Label> {
        let mut label = Label::Public;
        for leaf in leaves {
            label = match (label, leaf.label) {
                (Label::Public, other) | (other, Label::Public) => other,
                (Label::Secret, Label::Secret) => Label::Secret,
                (Label::Owned(a), Label::Owned(b)) => {
                    let both = a.intersection(b);
                    if both.is_empty() {
                        let (a, b) = (self.party_names(a), self.party_names(b));
                        self.error_help(
                            "K14",
                            span,
                            format!("this joins a value only {a} knows with one only {b} knows"),
                            "write `share` before each, so that the result is secret",
                        );
                        return None;
                    }
                    Label::Owned(both)
                }
                (Label::Owned(a), Label::Secret) | (Label::Secret, Label::Owned(a)) => {
                    let names = self.party_names(a);
                    let secret = leaves.iter().find(|l| l.label == Label::Secret);
                    let mut diagnostic = Diagnostic::new(
                        "K15",
                        format!("this joins a value only {names} knows with a secret"),
                        span,
                    )
                    .help(format!("write `share` before the value of {names}"));
                    if let Some(secret) = secret {
                        diagnostic = self.with_path(diagnostic, secret);
                    }
                    self.report(diagnostic);
                    return None;
                }
            };
        }
        Some(label)
    }

    pub fn origin_of(leaves: &[&Leaf]) -> Option<Rc<Origin>> {
        leaves.iter().find_map(|l| l.origin.clone())
    }

    /// The leaf as a secret; an owned one is dealt.
    pub fn shared(&mut self, leaf: &Leaf, span: Span) -> Leaf {
        if leaf.label == Label::Secret {
            return leaf.clone();
        }
        let value = self.value(leaf, span);
        let info = (leaf.ty, self.shape(leaf), Label::Secret);
        let result = self.emit(Op::Share, vec![value], info, span);
        Leaf {
            src: Src::Ir(result),
            label: Label::Secret,
            ..leaf.clone()
        }
    }
}
