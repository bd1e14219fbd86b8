//! `cost` clauses of functions, held to the formulas that are derived.

use crate::called::{self, Formulas, Sizes};
use crate::load::{Beside, Loaded};
use smpc_check::{Options, Test};
use smpc_grammar::ast::{ClauseKind, Function, ItemKind, Limit, Span};
use smpc_grammar::{Diagnostic, Sources};
use smpc_ir::flat::Protocols;
use smpc_ir::size::{Size, SizeVar};
use smpc_protocol::limits::{self, Quantity};
use std::collections::BTreeSet;

/// A function with `cost` clauses, and a call of it.
#[derive(Clone, Debug)]
pub struct Promise {
    name: String,
    limits: Vec<(Limit, Span)>,
    /// With and without the call.
    tests: (Test, Test),
}

/// The functions of a file that have `cost` clauses. The file has no errors.
///
/// # Errors
/// One that no call can be made up of (C02).
pub fn promises(
    sources: &mut Sources,
    loaded: &Loaded,
    files: &Beside,
    options: &Options,
) -> Result<Vec<Promise>, Vec<Diagnostic>> {
    let functions: Vec<&Function> = loaded
        .module
        .items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Fn(function) if limits_of(function).next().is_some() => Some(function),
            _ => None,
        })
        .collect();
    if functions.is_empty() {
        return Ok(vec![]);
    }
    let file = sources.get(loaded.file);
    let text = file.map(|file| file.text.clone()).unwrap_or_default();
    let mut names: BTreeSet<String> = functions.iter().flat_map(|f| called::sizes(f)).collect();
    for item in &loaded.module.items {
        match &item.kind {
            ItemKind::Param(param) => drop(names.remove(&param.name.name)),
            ItemKind::Const(constant) => drop(names.remove(&constant.name.name)),
            _ => {}
        }
    }
    let mut made = format!("{text}\n");
    for name in names {
        made.push_str(&format!("param {name}: int = 1;\n"));
    }
    for (at, function) in functions.iter().enumerate() {
        made.push_str(&called::tests(at, function, "", Sizes::Names, &text));
    }
    let own = |name: &str| !text.contains(&format!("test \"{name}\""));
    let whole = Span {
        file: loaded.file,
        start: 0,
        end: 0,
    };
    let file = sources.add_made("calls of functions with a cost", &made, whole);
    let parsed = smpc_grammar::parse(file, &made);
    let module = (file, &parsed.module);
    let found =
        smpc_check::check_each_test(sources, module, parsed.diagnostics, files, options, &own)?;
    let tests: Vec<Test> = found.into_iter().filter_map(Result::ok).collect();
    let mut errors = vec![];
    let mut promises = vec![];
    for (at, function) in functions.iter().enumerate() {
        let limits: Vec<(Limit, Span)> = limits_of(function).collect();
        match called::calls(at, function, &tests).into_iter().next() {
            Some((_, with, without)) => promises.push(Promise {
                name: function.name.name.clone(),
                limits,
                tests: (with.clone(), without.clone()),
            }),
            None => errors.extend(limits.iter().map(|(_, span)| {
                let message = format!("what `{}` costs cannot be derived", function.name.name);
                Diagnostic::new("C02", message, *span).help(
                    "costs are those of a call with secret numbers, bools and lists of them; leave the clause out",
                )
            })),
        }
    }
    if errors.is_empty() {
        Ok(promises)
    } else {
        Err(errors)
    }
}

fn limits_of(function: &Function) -> impl Iterator<Item = (Limit, Span)> {
    function
        .clauses
        .iter()
        .filter_map(|clause| match &clause.kind {
            ClauseKind::Cost(limit) => Some((limit.clone(), clause.span)),
            _ => None,
        })
}

impl Promise {
    /// What is not kept under a backend. A function that the backend cannot carry out costs nothing there.
    pub fn broken(&self, protocols: &dyn Protocols, backend: &str) -> Vec<Diagnostic> {
        let Some(found) = called::cost(&self.tests.0, &self.tests.1, protocols) else {
            return vec![];
        };
        let one = |(limit, span): &(Limit, Span)| self.compared(limit, *span, &found, backend);
        self.limits.iter().filter_map(one).collect()
    }

    fn compared(
        &self,
        limit: &Limit,
        span: Span,
        found: &Formulas,
        backend: &str,
    ) -> Option<Diagnostic> {
        let known = |name: &str| {
            let at = found.names.iter().position(|known| known == name)?;
            u32::try_from(at).ok().map(|at| Size::from(SizeVar(at)))
        };
        let (quantity, most) = match limits::allowed(limit, &known) {
            Ok(allowed) => allowed,
            Err(error) => return Some(*error),
        };
        let (name, what) = (&self.name, quantity.name());
        if let Some(open) = found.open.first() {
            let message = format!(
                "how many {what} `{name}` takes is no formula of the sizes alone: {open} is left open"
            );
            let help = "no bound can be checked where a size or the data decides on a branch: leave the clause out";
            return Some(Diagnostic::new("C02", message, span).help(help));
        }
        let formula = match quantity {
            Quantity::Rounds => &found.rounds,
            Quantity::Bytes => &found.bytes,
        };
        let (sizes, value) = limits::exceeded(formula, &most)?;
        let called = |var: SizeVar| {
            let known = found.names.get(var.0 as usize);
            known.cloned().unwrap_or_default()
        };
        let at = |var: SizeVar| sizes.iter().find(|(v, _)| *v == var).map(|(_, n)| *n);
        let allowed = most.evaluate(&at).unwrap_or_default();
        let mut message = format!("`{name}` takes {value} {what} under {backend}");
        if !sizes.is_empty() {
            let each = sizes.iter().map(|(v, n)| format!("{} = {n}", called(*v)));
            message.push_str(&format!(" for {}", each.collect::<Vec<_>>().join(", ")));
        }
        message.push_str(&format!(", and {allowed} are allowed"));
        Some(Diagnostic::new("C01", message, span).help(format!(
            "one call takes {} {what}",
            formula.display(&called)
        )))
    }
}
