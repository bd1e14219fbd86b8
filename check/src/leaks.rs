//! `reveal`, and the contract of what leaves: every reveal is in `leaks`, every leak happens.

use std::collections::BTreeSet;

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{self, Audience as Written, ClauseKind, Expr, ExprKind, Pattern, Span};
use smpc_ir::party::{Party, PartySet};
use smpc_ir::share::{Assumption, Audience, Label, Op};
use smpc_ir::size::Size;

use crate::build::{Elab, source};
use crate::canonical::{bracketed, canonical, plain};
use crate::value::{Leaf, Src, Val};

/// A construct around a statement.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    For {
        name: String,
        range: String,
        count: Size,
    },
    While {
        text: String,
    },
    If {
        text: String,
        negated: bool,
    },
}

/// Something leaves.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub name: String,
    pub what: String,
    /// Names of members, `all`, or a member picked by a public index as written.
    pub to: BTreeSet<String>,
    pub when: Option<String>,
    pub loops: Vec<Loop>,
    pub span: Span,
}

/// A loop around a reveal: the range of a `for`, the condition of a `while`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Loop {
    For(String),
    While(String),
}

/// Whom a `reveal` names.
pub(crate) struct Receivers {
    pub fixed: Option<PartySet>,
    /// A family and the index that picks a member.
    pub picked: Option<(u8, usize, Leaf)>,
    pub names: BTreeSet<String>,
}

impl Elab<'_> {
    /// `bound`: `Some(Some(pattern))` under a `let`, `Some(None)` as a statement.
    pub fn reveal(
        &mut self,
        reveal: &ast::Reveal,
        span: Span,
        bound: Option<Option<&Pattern>>,
    ) -> Val {
        self.attempt(reveal, bound);
        let val = self.expr(&reveal.value);
        let Some(receivers) = self.receivers(reveal.to.as_ref()) else {
            return Val::Unknown;
        };
        if val.is_unknown() {
            return Val::Unknown;
        }
        if self.secret_depth > 0 {
            let diagnostic = Diagnostic::new(
                "K17",
                "a reveal under a secret condition would show the condition",
                span,
            )
            .label(self.secret_span, "whether this runs is secret")
            .help("select first, then reveal: `reveal if secret c { x } else { y }`");
            self.report(diagnostic);
            return Val::Unknown;
        }
        let leaves: Vec<Leaf> = val.leaves().into_iter().cloned().collect();
        if leaves.is_empty() {
            let message = format!("{} cannot be revealed", val.kind());
            self.error("T01", span, message);
            return Val::Unknown;
        }
        let in_function = self.frames.last().is_some_and(|f| f.function.is_some());
        let names = self.reveal_names(reveal, bound, &val, span);
        let Some(names) = names else {
            return Val::Unknown;
        };
        // All names of a tuple are of one reveal.
        self.spend(reveal, names.first().map(|(name, _)| name.as_str()), span);
        for (name, part) in &names {
            self.happens(name, part, &receivers, in_function, span);
        }
        let outputs = reveal.name.is_some() || (bound.is_some() && !in_function);
        let parts: Vec<(String, Vec<(Leaf, String)>)> = names
            .iter()
            .map(|(n, v)| {
                let leaves = v.leaves().into_iter().cloned().zip(labels(v));
                (n.clone(), leaves.collect())
            })
            .collect();
        if let Some((first, count, index)) = &receivers.picked {
            let picked = self.value(index, span);
            let fixed = receivers.fixed.unwrap_or(PartySet::EMPTY);
            let (first, count) = (*first, *count);
            self.arms(
                picked,
                count,
                &BTreeSet::new(),
                span,
                &mut |this, member| {
                    let set = fixed.union([Party(first + member as u8)].into_iter().collect());
                    let to = Audience::Parties(set);
                    for (name, leaves) in &parts {
                        for (at, (leaf, label)) in leaves.iter().enumerate() {
                            let opened = this.opened(leaf, to, span);
                            if outputs {
                                let member = (at, leaves.len(), label.as_str());
                                this.output(&opened, name, member, to, span);
                            }
                        }
                    }
                    Val::Unit
                },
            );
            return Val::Unit;
        }
        let to = match receivers.fixed {
            Some(set) => Audience::Parties(set),
            None => Audience::All,
        };
        let mut opened = vec![];
        for (name, leaves) in &parts {
            for (at, (leaf, label)) in leaves.iter().enumerate() {
                let leaf = self.opened(leaf, to, span);
                if outputs {
                    self.output(&leaf, name, (at, leaves.len(), label), to, span);
                }
                opened.push(leaf);
            }
        }
        val.rebuilt(&mut opened.into_iter())
    }

    /// Remembers the names a reveal would use, so that one with an error is not reported as missing.
    fn attempt(&mut self, reveal: &ast::Reveal, bound: Option<Option<&Pattern>>) {
        fn names(pattern: &Pattern, into: &mut BTreeSet<String>) {
            match pattern {
                Pattern::Name(name) => {
                    into.insert(name.ident.name.clone());
                }
                Pattern::Tuple(items, _) => items.iter().for_each(|p| names(p, into)),
            }
        }
        if let Some(name) = &reveal.name {
            self.attempted.insert(name.name.clone());
        } else if let Some(Some(pattern)) = bound {
            names(pattern, &mut self.attempted);
        } else {
            self.attempted.insert(text_name(&reveal.value));
        }
    }

    pub fn opened(&mut self, leaf: &Leaf, to: Audience, span: Span) -> Leaf {
        let label = match to {
            Audience::All => Label::Public,
            Audience::Parties(set) => Label::Owned(set),
        };
        // What the audience knows already is not sent.
        let known = match (leaf.label, to) {
            (Label::Public, _) => true,
            (Label::Owned(owners), Audience::Parties(set)) => set.is_subset(owners),
            _ => false,
        };
        if known {
            return leaf.clone();
        }
        let leaf = self.shared(leaf, span);
        let value = self.value(&leaf, span);
        let info = (leaf.ty, self.shape(&leaf), label);
        let result = self.emit(Op::Reveal(to), vec![value], info, span);
        Leaf {
            src: Src::Ir(result),
            label,
            origin: None,
            ..leaf
        }
    }

    pub fn output(
        &mut self,
        leaf: &Leaf,
        name: &str,
        (at, count, label): (usize, usize, &str),
        to: Audience,
        span: Span,
    ) {
        let value = self.value(leaf, span);
        let field = (count > 1).then_some((at as u16, count as u16));
        self.push(
            Op::Output {
                name: name.to_owned(),
                field,
                label: label.to_owned(),
                to,
            },
            vec![value],
            vec![],
            span,
        );
    }

    /// What is revealed under which name: one, or the names of a tuple pattern.
    fn reveal_names(
        &mut self,
        reveal: &ast::Reveal,
        bound: Option<Option<&Pattern>>,
        val: &Val,
        span: Span,
    ) -> Option<Vec<(String, Val)>> {
        if let Some(name) = &reveal.name {
            return Some(vec![(name.name.clone(), val.clone())]);
        }
        match (bound, val) {
            (Some(Some(Pattern::Name(name))), _) => {
                return Some(vec![(name.ident.name.clone(), val.clone())]);
            }
            (Some(Some(Pattern::Tuple(patterns, _))), Val::Tuple(items))
                if items.len() == patterns.len() =>
            {
                let mut out = vec![];
                for (pattern, item) in patterns.iter().zip(items) {
                    if let Pattern::Name(name) = pattern {
                        out.push((name.ident.name.clone(), item.clone()));
                    }
                }
                if out.len() == items.len() {
                    return Some(out);
                }
            }
            _ => {}
        }
        if let ExprKind::Path { path, .. } = &reveal.value.kind {
            let name = path
                .segments
                .last()
                .map_or(String::new(), |s| s.name.clone());
            return Some(vec![(name, val.clone())]);
        }
        if bound == Some(None) {
            self.unnamed += 1;
            return Some(vec![(format!("out{}", self.unnamed), val.clone())]);
        }
        self.error_help(
            "R05",
            span,
            "this reveal has no name for the leakage contract",
            "write `reveal … as name`, or `let name = reveal …;`",
        );
        None
    }

    fn receivers(&mut self, to: Option<&Written>) -> Option<Receivers> {
        let mut out = Receivers {
            fixed: None,
            picked: None,
            names: BTreeSet::new(),
        };
        let parties = match to {
            None | Some(Written::All) => {
                out.names.insert("all".into());
                return Some(out);
            }
            Some(Written::Parties(parties)) => parties,
        };
        let mut set = PartySet::EMPTY;
        for party in parties {
            if let Some((family, index)) = self.picked(party) {
                let Some(decl) = self.parties.get(&family).cloned() else {
                    continue;
                };
                let index = match self.expr(&index) {
                    Val::Leaf(leaf) => leaf,
                    Val::Unknown => return None,
                    _ => {
                        self.error("T01", party.span, "which member is an int");
                        return None;
                    }
                };
                if index.as_constant().is_none() {
                    if !self.needs_public(
                        &index,
                        "K12",
                        "which member receives",
                        "reveal the index first",
                        party.span,
                    ) {
                        return None;
                    }
                    if !index.is_scalar() || out.picked.is_some() {
                        self.error(
                            "U01",
                            party.span,
                            "one receiver picked by one public index is executable",
                        );
                        return None;
                    }
                    out.names.insert(self.canonical(party.span));
                    out.picked = Some((decl.first, decl.count.unwrap_or(1), index));
                    continue;
                }
            }
            let members = self.party_set(party)?;
            set = set.union(members);
        }
        for party in set.iter() {
            out.names
                .extend(self.program.parties.get(usize::from(party.0)).cloned());
        }
        if set == self.everyone() && out.picked.is_none() {
            // Everybody of the script, and nobody who only computes.
            out.fixed = Some(set);
            return Some(out);
        }
        out.fixed = Some(set);
        Some(out)
    }

    pub fn picked(&self, expr: &Expr) -> Option<(String, Expr)> {
        let ExprKind::Index { base, indices } = &expr.kind else {
            return None;
        };
        let (ExprKind::Path { path, .. }, [index]) = (&base.kind, indices.as_slice()) else {
            return None;
        };
        let name = path.segments.first()?.name.clone();
        self.parties.get(&name)?.count?;
        Some((name, index.value.clone()))
    }

    /// The indices of the loops around, outermost first.
    fn loop_indices(&self) -> Vec<String> {
        let indices = self.control.iter().filter_map(|control| match control {
            Control::For { name, .. } => Some(name.clone()),
            _ => None,
        });
        indices.collect()
    }

    /// Source text with loop indices numbered and spaces dropped, for comparison.
    fn canonical(&self, span: Span) -> String {
        canonical(&self.text_of(span), &self.loop_indices())
    }

    /// Records a reveal, or holds it against the declarations of the function it is in.
    fn happens(
        &mut self,
        name: &str,
        val: &Val,
        receivers: &Receivers,
        in_function: bool,
        span: Span,
    ) {
        if in_function {
            let Some(frame) = self.frames.last_mut() else {
                return;
            };
            let Some(def) = frame.function.clone() else {
                return;
            };
            let clause = def.function.clauses.iter().find_map(|c| match &c.kind {
                ClauseKind::Reveals(r) if r.name.name == name => Some(r),
                _ => None,
            });
            let Some(clause) = clause else {
                let to: Vec<&str> = receivers.names.iter().map(String::as_str).collect();
                let what = self.describe(val).replace("secret ", "");
                let diagnostic = Diagnostic::new(
                    "R02",
                    format!("`{}` reveals `{name}` and does not say so", def.name),
                    span,
                )
                .label(def.function.name.span, "declared here")
                .help(format!(
                    "add `reveals {name}: {what} to {}` to its signature",
                    to.join(", ")
                ));
                self.report(diagnostic);
                return;
            };
            frame.revealed.insert(name.to_owned());
            let to = clause.to.clone();
            let span_of = clause.name.span;
            if let Some(declared) = self.receivers(Some(&to))
                && declared.names != receivers.names
            {
                let message = format!("`{name}` is revealed to others than its clause says");
                let diagnostic =
                    Diagnostic::new("R04", message, span).label(span_of, "declared here");
                self.report(diagnostic);
            }
            if let Some(distribution) = &clause.distribution {
                let to: Vec<&str> = receivers.names.iter().map(String::as_str).collect();
                let assumption = Assumption {
                    function: def.name.clone(),
                    name: name.to_owned(),
                    what: self.text_of(clause.ty.span),
                    to: to.join(", "),
                    distribution: self.text_of(distribution.span),
                    source: source(span_of),
                };
                if !self.program.assumptions.contains(&assumption) {
                    self.program.assumptions.push(assumption);
                }
                return;
            }
        }
        let names = self.loop_indices();
        let mut conditions = vec![];
        let mut loops = vec![];
        for control in &self.control {
            match control {
                Control::For { range, .. } => loops.push(Loop::For(canonical(range, &names))),
                Control::While { text } => loops.push(Loop::While(canonical(text, &names))),
                Control::If { text, negated } => {
                    let text = canonical(text, &names);
                    conditions.push(match negated {
                        true => plain(&format!("!({text})")),
                        false => text,
                    });
                }
            }
        }
        self.events.push(Event {
            name: name.to_owned(),
            what: self
                .describe(val)
                .replace("secret ", "")
                .replace("public ", ""),
            to: receivers.names.clone(),
            when: match conditions.len() {
                0 | 1 => conditions.pop(),
                _ => {
                    let each = conditions.iter().map(|c| bracketed(c));
                    Some(each.collect::<Vec<_>>().join(" and "))
                }
            },
            loops,
            span,
        });
    }
}

/// The name a `leaks` line lists, without an index.
pub(crate) fn text_name(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Path { path, .. } => path
            .segments
            .last()
            .map_or(String::new(), |s| s.name.clone()),
        ExprKind::Index { base, .. } => text_name(base),
        _ => String::new(),
    }
}

/// A name for each leaf of a value, in the order of [`Val::leaves`]: fields of structs, positions in
/// tuples; empty for a value that is one leaf.
fn labels(val: &Val) -> Vec<String> {
    let under = |name: &str, inner: &Val| -> Vec<String> {
        let join = |rest: String| match rest.as_str() {
            "" => name.to_owned(),
            _ => format!("{name}.{rest}"),
        };
        labels(inner).into_iter().map(join).collect()
    };
    let numbered = |items: &mut dyn Iterator<Item = &Val>| {
        let each = items.enumerate();
        each.flat_map(|(at, item)| under(&at.to_string(), item))
            .collect()
    };
    match val {
        Val::Leaf(_) => vec![String::new()],
        Val::Tuple(items) => numbered(&mut items.iter()),
        Val::Family(family) => numbered(&mut family.members.values()),
        Val::Struct(def, items) => {
            let fields = def.fields.iter().zip(items);
            fields
                .flat_map(|((field, _), item)| under(&field.name, item))
                .collect()
        }
        _ => vec![],
    }
}

/// ` for i in 0..n, j in 0..m while more`.
pub(crate) fn repeated(loops: &[Loop]) -> String {
    let mut text = String::new();
    let mut indices = 0;
    let mut listing = false;
    for looped in loops {
        match looped {
            Loop::For(range) => {
                text.push_str(if listing { ", " } else { " for " });
                text.push_str(&format!("${indices} in {range}"));
                indices += 1;
            }
            Loop::While(condition) => text.push_str(&format!(" while {condition}")),
        }
        listing = matches!(looped, Loop::For(_));
    }
    text
}
