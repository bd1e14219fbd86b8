//! Makes a failing script smaller while it fails in the same way.

use super::ast::{Expr, Script, Stmt};
use super::drive::{Failure, caught, expected};
use super::walk::{blocks, children, each_expression};

/// The smallest script found that fails as this one does, and its failure. `run` says how a script
/// fails, `tries` how often it may be asked.
pub fn shrunk(
    script: &Script,
    failure: &Failure,
    run: &mut dyn FnMut(&Script) -> Option<Failure>,
    mut tries: usize,
) -> (Script, Failure) {
    let mut best = (script.clone(), failure.clone());
    let mut again = true;
    while again {
        again = false;
        let mut at = 0;
        // Large steps first: candidates are made from the best script as it then is.
        while let Some(candidate) = candidate(&best.0, at) {
            at += 1;
            let answerable = || caught(|| expected(&candidate)).is_ok();
            if candidate == best.0 || failure.stage != "evaluated" && !answerable() {
                continue;
            }
            if tries == 0 {
                return best;
            }
            tries -= 1;
            if let Some(found) = run(&candidate)
                && found.stage == failure.stage
                && kind(&found.message) == kind(&failure.message)
            {
                best = (candidate, found);
                again = true;
                at = at.saturating_sub(1);
            }
        }
    }
    best
}

/// What a message says, without names, places and numbers.
fn kind(message: &str) -> String {
    if message.contains("must be [") {
        return "another answer".into();
    }
    // Refused: by the codes, except that of a line missing in the contract.
    let code = |w: &&str| {
        let digits = w.strip_prefix(|c: char| c.is_ascii_uppercase());
        digits.is_some_and(|d| d.len() == 2 && d.chars().all(|c| c.is_ascii_digit()))
    };
    let codes = message.split_whitespace().filter(code);
    let codes: Vec<&str> = codes.filter(|c| *c != "R01").collect();
    if !codes.is_empty() {
        return codes.join(" ");
    }
    let words = message.split_whitespace();
    let plain = words.filter(|w| w.chars().all(|c| c.is_alphabetic()));
    plain.take(8).collect::<Vec<_>>().join(" ")
}

/// The script made smaller in one place.
fn candidate(script: &Script, at: usize) -> Option<Script> {
    let mut smaller = script.clone();
    let statements = count(&mut smaller.body);
    if at < statements {
        edit(&mut smaller.body, &mut at.clone(), false);
        return Some(smaller);
    }
    let at = at - statements;
    if at < statements {
        edit(&mut smaller.body, &mut at.clone(), true);
        return Some(smaller);
    }
    let at = at - statements;
    if at < smaller.functions.len() {
        smaller.functions.remove(at);
        return Some(smaller);
    }
    let at = at - smaller.functions.len();
    if at < smaller.inputs.len() {
        // Only with its name unused does the rest still evaluate; sizes it binds stay known there, so
        // the checker decides about those.
        smaller.inputs.remove(at);
        return Some(smaller);
    }
    let mut at = at - smaller.inputs.len();
    let mut done = false;
    each_expression(&mut smaller, &mut |e| {
        let options = 3 + children(e).len();
        if done || at >= options {
            at = at.saturating_sub(if done { 0 } else { options });
            return;
        }
        done = true;
        let inner = options - 3;
        let new = if at < inner {
            children(e).remove(at).clone()
        } else {
            match at - inner {
                0 => Expr::Int(1),
                1 => Expr::Fix("1.5".into()),
                _ => Expr::Bool(true),
            }
        };
        if !matches!(e, Expr::Int(_) | Expr::Fix(_) | Expr::Bool(_)) {
            *e = new;
        }
    });
    done.then_some(smaller)
}

fn count(stmts: &mut [Stmt]) -> usize {
    let inner = |s: &mut Stmt| blocks(s).into_iter().map(|b| count(b)).sum::<usize>();
    stmts.iter_mut().map(|s| 1 + inner(s)).sum()
}

/// Takes the statement away, or puts what is inside in its place.
fn edit(stmts: &mut Vec<Stmt>, at: &mut usize, open: bool) -> bool {
    for i in 0..stmts.len() {
        if *at == 0 {
            let mut old = stmts.remove(i);
            if open {
                let inner: Vec<Stmt> = blocks(&mut old)
                    .into_iter()
                    .flat_map(std::mem::take)
                    .collect();
                stmts.splice(i..i, inner);
            }
            return true;
        }
        *at -= 1;
        for block in blocks(&mut stmts[i]) {
            if edit(block, at, open) {
                return true;
            }
        }
    }
    false
}
