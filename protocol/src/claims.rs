//! The names in a protocol's `requires` and `ensures`: claims that the prover reads later must at
//! least speak of something.

use crate::bound::Bound;
use crate::limits::{self, Quantity};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{ClauseKind, Expr, ExprKind, Function, ItemKind, Span};
use smpc_ir::flat::Flat;
use smpc_ir::size::Size;
use std::collections::BTreeSet;

/// What claims may call beside the protocols of the file.
const FUNCTIONS: [&str; 9] = [
    "abs", "bits", "hash", "max", "min", "msb", "perm", "ring", "uint",
];
/// What claims may name beside that: sums, rings and widths.
const OTHERS: [&str; 7] = ["sum", "Z", "F", "Bits", "k", "m", "l"];

impl Bound {
    /// The names in the claims of a protocol that nothing defines.
    pub(crate) fn check_claims(&self, function: &Function) -> Vec<Diagnostic> {
        let mut known = self.names_of_file();
        known.extend(FUNCTIONS.iter().chain(&OTHERS).map(|n| (*n).to_owned()));
        known.extend(function.generics.iter().map(|g| g.name.name.clone()));
        for group in &function.params {
            known.extend(group.names.iter().map(|n| n.ident.name.clone()));
        }
        let results = function.results.iter().flat_map(|r| &r.names);
        known.extend(results.map(|n| n.name.clone()));
        let mut errors = Vec::new();
        for clause in &function.clauses {
            match &clause.kind {
                ClauseKind::Requires(e) | ClauseKind::RequiresFresh(e) => {
                    unknown(e, &known, &mut errors);
                }
                ClauseKind::Ensures(ensures) => {
                    let mut known = known.clone();
                    if let Some(quantifier) = &ensures.quantifier {
                        unknown(&quantifier.domain, &known, &mut errors);
                        known.insert(quantifier.name.name.clone());
                    }
                    unknown(&ensures.claim, &known, &mut errors);
                    if let Some(except) = &ensures.except {
                        unknown(except, &known, &mut errors);
                    }
                }
                ClauseKind::Reveals(reveals) => {
                    let name = &reveals.name.name;
                    let message = format!("`reveals {name}` stands on a protocol");
                    errors.push(Diagnostic::new("P09", message, clause.span).help(
                        "functions of scripts declare what they reveal; a protocol has a clear result, which `ensures` fixes: \
                         `-> v: R @ P ensures v == x * y`",
                    ));
                }
                _ => {}
            }
        }
        errors
    }

    /// What one form of a protocol sends, beside what its `cost` clauses allow: rounds, and bytes of all parties for one
    /// element. What it calls is in it; what is deferred is not.
    pub(crate) fn check_costs(&self, function: &Function, flat: &Flat) -> Vec<Diagnostic> {
        let traffic = flat.traffic(flat.steps.len());
        let known = |name: &str| {
            let width = || (name == "k").then(|| i128::from(self.width()));
            let number = self.globals().get(name).copied().or_else(width);
            number.map(Size::from)
        };
        let mut errors = Vec::new();
        for clause in &function.clauses {
            let ClauseKind::Cost(limit) = &clause.kind else {
                continue;
            };
            let (quantity, most) = match limits::allowed(limit, &known) {
                Ok(allowed) => allowed,
                Err(error) => {
                    errors.push(*error);
                    continue;
                }
            };
            let found = match quantity {
                Quantity::Rounds => traffic.rounds,
                Quantity::Bytes => traffic.bytes,
            };
            if let Some(most) = most.as_constant()
                && i128::try_from(found).is_ok_and(|found| found > most)
            {
                let (name, what) = (&function.name.name, quantity.name());
                let message = format!("`{name}` takes {found} {what}, and {most} are allowed");
                let diagnostic = Diagnostic::new("C01", message, clause.span);
                errors.push(diagnostic.help(format!(
                    "write `cost {what} <= {found}`, or a protocol that sends less"
                )));
            }
        }
        errors
    }

    /// Parties, rings and numbers of the file's schemes and backends, and its protocols.
    fn names_of_file(&self) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for def in self.schemes() {
            known.insert(def.parties.name.clone());
            known.extend(def.roles.iter().flat_map(|(a, b)| [a.clone(), b.clone()]));
            known.extend(def.scheme.generics.iter().map(|g| g.name.name.clone()));
            known.insert(def.scheme.name.name.clone());
        }
        for item in self.items() {
            match &item.kind {
                ItemKind::Backend(backend) => {
                    let names = backend.params.iter().flat_map(|p| &p.names);
                    known.extend(names.map(|n| n.ident.name.clone()));
                }
                ItemKind::Protocol(f) | ItemKind::Functionality(f) => {
                    known.insert(f.name.name.clone());
                }
                _ => {}
            }
        }
        known
    }
}

fn unknown(expr: &Expr, known: &BTreeSet<String>, errors: &mut Vec<Diagnostic>) {
    let mut name = |name: &str, span: Span| {
        if !known.contains(name) {
            let message = format!("unknown name `{name}` in a claim");
            errors.push(
                Diagnostic::new("P04", message, span)
                    .help("claims speak of the parameters and the results"),
            );
        }
    };
    match &expr.kind {
        ExprKind::Path { path, generics } => {
            if let [only] = path.segments.as_slice() {
                name(&only.name, only.span);
            }
            generics.iter().for_each(|g| unknown(g, known, errors));
        }
        ExprKind::Call { callee, args } => {
            unknown(callee, known, errors);
            for arg in args {
                let mut inner = known.clone();
                if let Some(comp) = &arg.comp {
                    for iter in &comp.iters {
                        binders(&iter.binder, &mut inner);
                        if let Some(over) = &iter.over {
                            unknown(over, known, errors);
                        }
                    }
                }
                unknown(&arg.value, &inner, errors);
            }
        }
        ExprKind::Index { base, indices } | ExprKind::Component { base, indices } => {
            unknown(base, known, errors);
            indices
                .iter()
                .for_each(|i| unknown(&i.value, known, errors));
        }
        ExprKind::Field(a, _)
        | ExprKind::TupleField(a, _)
        | ExprKind::Cast(a, _)
        | ExprKind::Unary(_, a)
        | ExprKind::Cardinality(a)
        | ExprKind::Share(a) => unknown(a, known, errors),
        ExprKind::Binary(a, _, b)
        | ExprKind::Range {
            start: a, end: b, ..
        } => {
            unknown(a, known, errors);
            unknown(b, known, errors);
        }
        ExprKind::Chain(first, rest) => {
            unknown(first, known, errors);
            rest.iter().for_each(|(_, e)| unknown(e, known, errors));
        }
        ExprKind::Tuple(items) | ExprKind::Array(items) | ExprKind::Set(items) => {
            items.iter().for_each(|e| unknown(e, known, errors));
        }
        _ => {}
    }
}

/// The names an index pattern binds: `i`, or the u of `U[u]`.
fn binders(expr: &Expr, into: &mut BTreeSet<String>) {
    match &expr.kind {
        ExprKind::Path { path, .. } => into.extend(path.segments.iter().map(|s| s.name.clone())),
        ExprKind::Index { base, indices } => {
            binders(base, into);
            indices.iter().for_each(|i| binders(&i.value, into));
        }
        _ => {}
    }
}
