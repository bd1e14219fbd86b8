//! Walks over scripts: what they use, and the places where they can be made smaller.

use std::collections::BTreeMap;

use super::ast::{At, Expr, Script, Stmt};
use super::print::symbol;

/// The expressions directly inside one.
pub fn children(e: &mut Expr) -> Vec<&mut Expr> {
    match e {
        Expr::Int(_)
        | Expr::Fix(_)
        | Expr::Bool(_)
        | Expr::Text(_)
        | Expr::BitsLiteral(..)
        | Expr::Size(_)
        | Expr::Var(_)
        | Expr::Family { .. } => vec![],
        Expr::Neg(a)
        | Expr::Not(a)
        | Expr::Pow(a, _)
        | Expr::Cast(a, _)
        | Expr::Field(a, _)
        | Expr::Member(a, _)
        | Expr::Fill(a, _)
        | Expr::SortBy(a, _)
        | Expr::Share(a) => vec![a],
        Expr::Bin(_, a, b) => vec![a, b],
        Expr::Chain(first, rest) => {
            let mut all: Vec<&mut Expr> = vec![first];
            all.extend(rest.iter_mut().map(|(_, e)| e));
            all
        }
        Expr::If { parts, .. } => parts.iter_mut().collect(),
        Expr::Index(base, at) => {
            let mut all: Vec<&mut Expr> = vec![base];
            for at in at {
                match at {
                    At::One(e) | At::Secret(e) => all.push(e),
                    At::Range(a, b) => all.extend([a, b]),
                }
            }
            all
        }
        Expr::Tuple(items) | Expr::List(items) | Expr::Call(_, items) => items.iter_mut().collect(),
        Expr::Comp { body, .. } => vec![body],
        Expr::Tree { xs, body, .. } => vec![xs, body],
        Expr::Named(_, items, _, last) => {
            let mut all: Vec<&mut Expr> = items.iter_mut().collect();
            all.push(last);
            all
        }
    }
}

/// The expressions directly inside a statement.
pub fn expressions(stmt: &mut Stmt) -> Vec<&mut Expr> {
    match stmt {
        Stmt::Let { value, .. } | Stmt::Learn { value, .. } | Stmt::Reveal { value, .. } => {
            vec![value]
        }
        Stmt::Assign { at, value, .. } => {
            let mut all: Vec<&mut Expr> = at.iter_mut().collect();
            all.push(value);
            all
        }
        Stmt::For { guard, .. } => guard.iter_mut().collect(),
        Stmt::While { condition, .. }
        | Stmt::WhileSecret { condition, .. }
        | Stmt::If { condition, .. } => vec![condition],
    }
}

/// The blocks directly inside a statement.
pub fn blocks(stmt: &mut Stmt) -> Vec<&mut Vec<Stmt>> {
    match stmt {
        Stmt::For { body, .. } | Stmt::While { body, .. } | Stmt::WhileSecret { body, .. } => {
            vec![body]
        }
        Stmt::If {
            then, otherwise, ..
        } => vec![then, otherwise],
        _ => vec![],
    }
}

/// Every expression of a script, outermost first.
pub fn each_expression(script: &mut Script, f: &mut dyn FnMut(&mut Expr)) {
    fn inner(e: &mut Expr, f: &mut dyn FnMut(&mut Expr)) {
        f(e);
        for child in children(e) {
            inner(child, f);
        }
    }
    each_statement(script, &mut |stmt| {
        for e in expressions(stmt) {
            inner(e, f);
        }
    });
    for function in &mut script.functions {
        inner(&mut function.value, f);
    }
}

/// Every statement of a script, outermost first.
pub fn each_statement(script: &mut Script, f: &mut dyn FnMut(&mut Stmt)) {
    fn inner(stmts: &mut [Stmt], f: &mut dyn FnMut(&mut Stmt)) {
        for stmt in stmts {
            f(stmt);
            for block in blocks(stmt) {
                inner(block, f);
            }
        }
    }
    inner(&mut script.body, f);
    for function in &mut script.functions {
        inner(&mut function.body, f);
    }
}

/// How often a script uses each feature of the language.
pub fn features(script: &Script) -> BTreeMap<String, usize> {
    let mut script = script.clone();
    let mut found: Vec<String> = vec![];
    for input in &script.inputs {
        found.push(match (input.table, input.members) {
            (Some(_), _) => "input: table".into(),
            (_, Some(_)) => "input: party family".into(),
            _ => format!("input: {}", input.columns[0].1.name()),
        });
        found.push(format!("input of {} dimensions", input.dims.len()));
    }
    found.extend(script.params.iter().map(|_| "param".to_owned()));
    found.extend(script.constants.iter().map(|_| "const".to_owned()));
    for function in &script.functions {
        let kind = if function.sizes.is_empty() {
            "fn of scalars"
        } else {
            "fn over a size"
        };
        found.push(kind.into());
        if function.results.len() > 1 {
            found.push("fn with two results".into());
        }
        if function.params.iter().any(|p| p.2.is_some()) {
            found.push("fn with a default".into());
        }
    }
    each_statement(&mut script, &mut |stmt| {
        found.push(match stmt {
            Stmt::Let { mutable: true, .. } => "let mut".into(),
            Stmt::Let { names, .. } if names.len() > 1 => "let of a tuple".into(),
            Stmt::Let { .. } => "let".into(),
            Stmt::Learn { to: None, .. } => "let … = reveal".into(),
            Stmt::Learn { .. } => "let … = reveal to one".into(),
            Stmt::Assign { names, .. } if names.len() > 1 => "tuple assigned".into(),
            Stmt::Assign { at, op, .. } => {
                let what = if at.is_empty() { "name" } else { "element" };
                format!("{what} {}=", op.map_or("", symbol))
            }
            Stmt::For { over, guard, .. } => match (over.len(), guard) {
                (1, _) => "for".into(),
                (_, Some(_)) => "for of two with a guard".into(),
                _ => "for of two".into(),
            },
            Stmt::While { .. } => "while".into(),
            Stmt::WhileSecret { .. } => "while secret".into(),
            Stmt::If { secret: true, .. } => "if secret { … }".into(),
            Stmt::If { .. } => "if { … }".into(),
            Stmt::Reveal { to: None, .. } => "reveal".into(),
            Stmt::Reveal { .. } => "reveal to some".into(),
        });
    });
    let own: Vec<String> = script.functions.iter().map(|f| f.name.clone()).collect();
    each_expression(&mut script, &mut |e| {
        let name = match e {
            Expr::Neg(_) => "-x".into(),
            Expr::Not(_) => "!x".into(),
            Expr::Bin(op, ..) => symbol(*op).to_owned(),
            Expr::Pow(..) => "^".into(),
            Expr::Chain(..) => "chained comparison".into(),
            Expr::Cast(_, base) => format!("as {}", base.name()),
            Expr::If { secret: true, .. } => "if secret c a else b".into(),
            Expr::If { .. } => "if c a else b".into(),
            Expr::Index(_, at) => match at.first() {
                Some(At::Secret(_)) => "x[secret i]".into(),
                Some(At::Range(..)) => "slice".into(),
                Some(At::One(Expr::Bin(..))) => "x[public i of the run], gather".into(),
                _ => "x[i]".into(),
            },
            Expr::Field(..) => "t.0".into(),
            Expr::Member(_, name) if name == "T" => ".T".into(),
            Expr::Member(..) => "row.field".into(),
            Expr::Tuple(_) => "tuple".into(),
            Expr::List(_) => "list".into(),
            Expr::Fill(..) => "repetition".into(),
            Expr::Comp { sum, over, .. } => {
                let what = if *sum { "sum over" } else { "comprehension of" };
                format!("{what} {}", over.len())
            }
            Expr::Tree { scan: true, .. } => "scan".into(),
            Expr::Tree { .. } => "reduce".into(),
            Expr::Call(name, _) | Expr::Named(name, ..) if own.contains(name) => {
                "call of own fn".into()
            }
            Expr::Call(name, _) => name.clone(),
            Expr::Named(name, ..) => format!("{name}(axis:)"),
            Expr::SortBy(..) => "sort(by:)".into(),
            Expr::Share(_) => "share".into(),
            Expr::Family { function, .. } => format!("{function}(… for family)"),
            _ => return,
        };
        found.push(name);
    });
    let mut counts = BTreeMap::new();
    for name in found {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
