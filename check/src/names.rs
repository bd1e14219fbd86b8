//! Scopes, and what to say when a name is unknown.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{Expr, ExprKind, Ident, Span};
use smpc_ir::party::{Party, PartySet};
use smpc_ir::share::Label;

use crate::build::{Elab, Frame, Slot};
use crate::value::{Family, Origin, Val};

impl Elab<'_> {
    pub fn enter(&mut self, module: usize) {
        self.frames.push(Frame {
            scopes: vec![HashMap::new()],
            module,
            function: None,
            revealed: BTreeSet::new(),
        });
    }

    pub fn open_scope(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.scopes.push(HashMap::new());
        }
    }

    pub fn close_scope(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.scopes.pop();
        }
    }

    pub fn declare(&mut self, name: &str, val: Val, mutable: bool, span: Span) {
        let slot = self.slots.len();
        self.slots.push(Slot {
            name: name.to_owned(),
            val,
            mutable,
            span,
            secret_depth: self.secret_depth,
            public: false,
        });
        if let Some(scope) = self.frames.last_mut().and_then(|f| f.scopes.last_mut()) {
            scope.insert(name.to_owned(), slot);
        }
    }

    /// Adds a member to a family of the scope around the innermost one, or declares it.
    pub fn add_member(&mut self, name: &Ident, key: Vec<i128>, val: Val) {
        if let Some(slot) = self.lookup(&name.name)
            && let Val::Family(family) = &self.slots[slot].val
        {
            let mut members = family.members.clone();
            if members.insert(key, val).is_some() {
                self.error(
                    "N02",
                    name.span,
                    format!("this member of `{}` has a value already", name.name),
                );
            }
            self.slots[slot].val = Val::Family(Rc::new(Family { members }));
            return;
        }
        let slot = self.slots.len();
        let family = Family {
            members: BTreeMap::from([(key, val)]),
        };
        self.slots.push(Slot {
            name: name.name.clone(),
            val: Val::Family(Rc::new(family)),
            mutable: false,
            span: name.span,
            secret_depth: self.secret_depth,
            public: false,
        });
        if let Some(frame) = self.frames.last_mut() {
            let outer = frame.scopes.len().saturating_sub(2);
            if let Some(scope) = frame.scopes.get_mut(outer) {
                scope.insert(name.name.clone(), slot);
            }
        }
    }

    pub fn lookup(&self, name: &str) -> Option<usize> {
        let frame = self.frames.last()?;
        let local = frame.scopes.iter().rev().find_map(|s| s.get(name).copied());
        local.or_else(|| {
            if frame.module == 0 {
                self.globals.get(name).copied()
            } else {
                None
            }
        })
    }

    pub fn visible(&self) -> Vec<String> {
        let frame = self.frames.last();
        let mut names: Vec<String> = frame
            .map(|f| f.scopes.iter().flat_map(|s| s.keys().cloned()).collect())
            .unwrap_or_default();
        if frame.is_some_and(|f| f.module == 0) {
            names.extend(self.globals.keys().cloned());
        }
        names
    }

    pub fn unknown_name(&mut self, name: &str, what: &str, span: Span, known: &[String]) {
        let mut diagnostic = Diagnostic::new("N01", format!("there is no {what} `{name}`"), span);
        let near = known
            .iter()
            .map(|k| (distance(name, k), k))
            .filter(|(d, k)| *d <= (k.len().min(name.len()) + 1) / 3)
            .min();
        if let Some((_, near)) = near {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic);
    }

    /// The source text of a span.
    pub fn text_of(&self, span: Span) -> String {
        self.sources
            .get(span.file)
            .and_then(|f| f.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
            .to_owned()
    }

    /// Notes that a secret goes into a variable, for the path shown in errors.
    pub fn carried_into(&mut self, val: Val, name: &Ident) -> Val {
        if matches!(
            val,
            Val::Unknown | Val::Unit | Val::Range(..) | Val::Text(_)
        ) {
            return val;
        }
        val.map(&mut |leaf| {
            let mut leaf = leaf.clone();
            if leaf.label == Label::Secret {
                leaf.origin = Some(Rc::new(Origin {
                    span: name.span,
                    text: format!("carried into `{}` here", name.name),
                    parent: leaf.origin,
                }));
            }
            Some(leaf)
        })
    }

    pub fn everyone(&self) -> PartySet {
        (0..self.program.parties.len() as u8).map(Party).collect()
    }

    /// The parties an expression names: `alice`, `hospital`, `hospital[0]`, `{alice, bob}`, `all`.
    pub fn party_set(&mut self, expr: &Expr) -> Option<PartySet> {
        match &expr.kind {
            ExprKind::Set(items) => {
                let mut set = PartySet::EMPTY;
                for item in items {
                    set = set.union(self.party_set(item)?);
                }
                Some(set)
            }
            ExprKind::Path { path, .. } => {
                let name = path.segments.last()?.name.clone();
                if name == "all" {
                    return Some(self.everyone());
                }
                match self.parties.get(&name) {
                    Some(decl) => {
                        let (first, count) = (decl.first, decl.count.unwrap_or(1) as u8);
                        Some((first..first + count).map(Party).collect())
                    }
                    None => {
                        let known: Vec<String> = self.parties.keys().cloned().collect();
                        self.unknown_name(&name, "party", expr.span, &known);
                        None
                    }
                }
            }
            ExprKind::Index { base, indices } => {
                let set = self.party_set(base)?;
                let first = set.iter().next()?.0;
                let [index] = indices.as_slice() else {
                    self.error("T02", expr.span, "a member of a party family has one index");
                    return None;
                };
                let val = self.expr(&index.value);
                let at = match &val {
                    Val::Leaf(leaf) => leaf.as_constant(),
                    Val::Unknown => return None,
                    _ => None,
                };
                let Some(at) = at else {
                    self.error(
                        "T01",
                        index.value.span,
                        "which member is known before the run",
                    );
                    return None;
                };
                if at < 0 || at >= i128::from(set.len()) {
                    let message = format!(
                        "the family has {} members: 0 to {}",
                        set.len(),
                        set.len().saturating_sub(1)
                    );
                    self.error("D03", expr.span, message);
                    return None;
                }
                Some([Party(first + at as u8)].into_iter().collect())
            }
            _ => {
                self.error("T01", expr.span, "a party is needed here");
                None
            }
        }
    }
}

/// Edit distance between two names.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (before + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            before = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}
