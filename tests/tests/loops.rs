//! A loop over elements costs what the call on the list costs, for every function of numbers that the library has.

use smpc_grammar::ast::{FileId, Function, ItemKind, Module, TypeKind};
use smpc_ir::{Size, lower, party};
use smpc_tests::case::Case;
use smpc_tests::pipeline::checked;
use smpc_tests::run::Backend;

/// The types of a function's parameters and of its result, if all are single numbers.
fn scalars(function: &Function) -> Option<(Vec<String>, String)> {
    let named = |ty: &smpc_grammar::ast::Type| match &ty.kind {
        TypeKind::Named { path, args, .. } if args.is_empty() => {
            path.segments.last().map(|s| s.name.clone())
        }
        _ => None,
    };
    let [result] = function.results.as_slice() else {
        return None;
    };
    let result = named(&result.ty)?;
    let mut types = vec![];
    for group in function.params.iter().filter(|g| g.default.is_none()) {
        for _ in &group.names {
            types.push(named(&group.ty)?);
        }
    }
    (!types.is_empty()).then_some((types, result))
}

/// Rounds and bytes of a script under `rep3`, if it checks; on 128 bits where 64 are too few.
fn cost(text: &str) -> Option<(Size, Vec<Size>)> {
    let script = checked(text, &Case::default()).ok()?;
    [64, 128].into_iter().find_map(|k| {
        let bound = Backend::new("rep3", &[("k", k)])
            .bind()
            .expect("rep3 binds");
        let program = lower::lower(&script, &bound, lower::Options::default()).ok()?;
        let cost = party::cost(party::validate(&program).expect("a valid program"));
        Some((cost.rounds, cost.bytes))
    })
}

/// A script that binds z to the call on lists, or with the type of the result, in a loop over elements.
fn script(
    (used, call): (&str, &str),
    types: &[String],
    (public, num): (bool, &str),
    result: Option<&str>,
) -> String {
    let open = |ty: &str| matches!(ty, "num" | "any");
    let fix = |ty: &str| ty == "fix" || open(ty) && num == "fix";
    let mut text = format!("{used} party alice; ");
    for (at, ty) in types.iter().enumerate() {
        let ty = if open(ty) { num } else { ty };
        text.push_str(&format!(
            "input a{at}: [{ty}; n] from alice; let x{at} = share a{at}; "
        ));
    }
    let of = |index: &str| {
        let argument = |at: usize| match (public, at) {
            (true, 1..) => "2".to_owned(),
            _ => format!("x{at}{index}"),
        };
        let all: Vec<String> = (0..types.len()).map(argument).collect();
        format!("{call}({})", all.join(", "))
    };
    match result {
        None => text.push_str(&format!("let z = {}; ", of(""))),
        Some(ty) => {
            let zeros = match ty {
                "bool" => "zeros(n) == 1",
                ty if fix(ty) => "zeros(n) * 1.0",
                _ => "zeros(n)",
            };
            let call = of("[i]");
            text.push_str(&format!(
                "let mut z = {zeros}; for i in 0..n {{ z[i] = {call}; }} "
            ));
        }
    }
    text.push_str("reveal z as z; leaks n, z to all;");
    text
}

#[test]
fn a_loop_over_any_function_costs_what_the_list_costs() {
    let mut compared = 0;
    let mut wrong = vec![];
    for module in smpc_stdlib::modules() {
        let file = module.path.rsplit('/').next().unwrap_or("");
        if module.path.starts_with("schemes") || module.path.starts_with("generic") {
            continue;
        }
        let (used, prefix) = match file {
            "prelude" => (String::new(), String::new()),
            _ => (format!("use std::{file};"), format!("{file}::")),
        };
        let parsed: Module = smpc_grammar::parse(FileId(0), module.text).module;
        for item in &parsed.items {
            let ItemKind::Fn(function) = &item.kind else {
                continue;
            };
            let (true, Some((types, result))) = (item.public, scalars(function)) else {
                continue;
            };
            let call = format!("{prefix}{}", function.name.name);
            // Secrets first; what stands behind the first argument may have to be public, and numbers may have to be bits.
            let ways = [(false, "fix"), (true, "fix"), (false, "bits<8>")];
            let found = ways.into_iter().find_map(|way| {
                let names = (used.as_str(), call.as_str());
                let list = cost(&script(names, &types, way, None))?;
                let looped = script(names, &types, way, Some(&result));
                Some((list, cost(&looped)))
            });
            match found {
                Some((list, looped)) if looped.as_ref() == Some(&list) => compared += 1,
                Some((list, looped)) => {
                    let rounds = looped.map(|(rounds, _)| rounds);
                    wrong.push(format!("{call}: {:?} rounds, in a loop {rounds:?}", list.0));
                }
                None => wrong.push(format!("{call}: no call was made up")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 30, "{compared} functions");
}
