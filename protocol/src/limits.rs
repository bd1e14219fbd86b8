//! `cost rounds <= 12`: a clause's bound as a formula of sizes, beside the formula that was derived.

use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{BinaryOp, Expr, ExprKind, Limit};
use smpc_ir::size::{Atom, Size, SizeVar};
use std::collections::BTreeSet;

/// What a clause bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Online rounds.
    Rounds,
    /// Bytes that all parties send online.
    Bytes,
}

impl Quantity {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Bytes => "bytes",
        }
    }
}

/// What a clause allows; names of its expression by `known`.
///
/// # Errors
/// It bounds something else, or its expression is no formula of sizes (C02).
pub fn allowed(
    limit: &Limit,
    known: &dyn Fn(&str) -> Option<Size>,
) -> Result<(Quantity, Size), Box<Diagnostic>> {
    let quantity = match limit.name.name.as_str() {
        "rounds" => Quantity::Rounds,
        "bytes" => Quantity::Bytes,
        other => {
            let message = format!("`{other}` is nothing that a `cost` clause bounds");
            let diagnostic = Diagnostic::new("C02", message, limit.name.span);
            return Err(Box::new(diagnostic.help(
                "write `cost rounds <= …` or `cost bytes <= …`: online rounds, and the bytes of all parties",
            )));
        }
    };
    formula(&limit.value, known).map(|most| (quantity, most))
}

fn formula(expr: &Expr, known: &dyn Fn(&str) -> Option<Size>) -> Result<Size, Box<Diagnostic>> {
    let wrong = |message: String| {
        let help =
            "a bound is made of whole numbers, sizes, `+`, `-`, `*`, `/`, `^` and `log2_ceil(n)`";
        Box::new(Diagnostic::new("C02", message, expr.span).help(help))
    };
    let found = match &expr.kind {
        ExprKind::Number(text) => text.replace('_', "").parse::<i128>().ok().map(Size::from),
        ExprKind::Path { path, .. } => match path.segments.as_slice() {
            [only] => match known(&only.name) {
                Some(size) => Some(size),
                None => return Err(wrong(format!("`{}` is no size here", only.name))),
            },
            _ => None,
        },
        ExprKind::Binary(a, op, b) => {
            let (x, y) = (formula(a, known)?, formula(b, known)?);
            let positive = y.as_constant().is_none_or(|c| c > 0);
            match op {
                BinaryOp::Add => Some(&x + &y),
                BinaryOp::Sub => Some(&x - &y),
                BinaryOp::Mul => Some(&x * &y),
                BinaryOp::Div if positive => Some(x.div(&y)),
                BinaryOp::Pow => match y.as_constant() {
                    Some(power @ 0..=16) => Some((0..power).fold(Size::one(), |p, _| &p * &x)),
                    _ => None,
                },
                _ => None,
            }
        }
        ExprKind::Call { callee, args } => match (&callee.kind, args.as_slice()) {
            (ExprKind::Path { path, .. }, [arg])
                if path.segments.len() == 1 && path.segments[0].name == "log2_ceil" =>
            {
                Some(formula(&arg.value, known)?.log2_ceil())
            }
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| wrong("this is no formula of sizes".into()))
}

/// Lengths that a formula is tried at where it cannot be compared by its form: all up to 33, and those around the powers
/// of two up to 2^20, where trees grow a level.
fn lengths() -> Vec<i128> {
    let around = (6..=20).flat_map(|e| [(1i128 << e) - 1, 1 << e, (1 << e) + 1]);
    (1..=33).chain(around).collect()
}

/// Where more than `most` is found: sizes and the value there. Formulas that differ by a constant are compared for all
/// sizes; others at lengths up to 2^20, several sizes at once at fewer.
pub fn exceeded(found: &Size, most: &Size) -> Option<(Vec<(SizeVar, i128)>, i128)> {
    let over = found - most;
    match over.as_constant() {
        Some(c) if c <= 0 => return None,
        Some(_) if found.as_constant().is_some() => {
            return Some((vec![], found.as_constant().unwrap_or_default()));
        }
        _ => {}
    }
    let vars: Vec<SizeVar> = variables(&[found, most]);
    let mut values = lengths();
    if vars.len() > 1 {
        values.retain(|v| [1, 2, 3, 7, 8, 9, 64, 1024, 1 << 16].contains(v));
    }
    if summed(found) || summed(most) {
        values.retain(|v| *v <= 1 << 8);
    }
    let total = values.len().saturating_pow(vars.len().min(4) as u32);
    (0..total).find_map(|mut at| {
        let mut given: Vec<(SizeVar, i128)> = vec![];
        for var in &vars {
            given.push((*var, values[at % values.len()]));
            at /= values.len();
        }
        let of = |var: SizeVar| given.iter().find(|(v, _)| *v == var).map(|(_, n)| *n);
        // A formula without a value there is not defined for such a size.
        match over.evaluate(&of) {
            Ok(c) if c > 0 => found.evaluate(&of).ok().map(|value| (given.clone(), value)),
            _ => None,
        }
    })
}

/// Whether terms without a closed form are added up in a loop, which takes time in proportion to what it counts.
fn summed(formula: &Size) -> bool {
    let atom = |atom: &Atom| match atom {
        Atom::Sum { .. } => true,
        Atom::Div(a, b)
        | Atom::DivCeil(a, b)
        | Atom::Mod(a, b)
        | Atom::Min(a, b)
        | Atom::Max(a, b) => summed(a) || summed(b),
        Atom::Var(_) => false,
        Atom::Log2Ceil(a) => summed(a),
        Atom::SumHalvings { count, body, .. } | Atom::SumPrefix { count, body, .. } => {
            summed(count) || summed(body)
        }
    };
    formula
        .terms()
        .any(|(factors, _)| factors.iter().any(|(a, _)| atom(a)))
}

/// The variables of formulas.
fn variables(formulas: &[&Size]) -> Vec<SizeVar> {
    let found: std::cell::RefCell<BTreeSet<SizeVar>> = Default::default();
    for formula in formulas {
        let _ = formula.substitute(&|var| {
            found.borrow_mut().insert(var);
            None
        });
    }
    found.into_inner().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Size {
        Size::from(SizeVar(0))
    }

    #[test]
    fn formulas_that_differ_by_a_constant_are_compared_for_all_sizes() {
        let f = &n() + &Size::from(3);
        assert_eq!(exceeded(&f, &(&n() + &Size::from(3))), None);
        let (sizes, value) = exceeded(&f, &(&n() + &Size::from(2))).expect("more");
        assert_eq!((sizes[0].1, value), (1, 4));
    }

    #[test]
    fn a_tree_outgrows_a_constant_where_it_grows_a_level() {
        let f = &Size::from(11) * &n().log2_ceil();
        assert_eq!(exceeded(&f, &(&Size::from(11) * &n().log2_ceil())), None);
        let (sizes, value) = exceeded(&f, &Size::from(77)).expect("more than 77 for 129");
        assert_eq!((sizes, value), (vec![(SizeVar(0), 129)], 88));
    }

    #[test]
    fn two_sizes_are_tried_together() {
        let m = Size::from(SizeVar(1));
        let f = &n() * &m;
        assert!(exceeded(&f, &(&n() + &m)).is_some());
        assert_eq!(exceeded(&(&n() + &m), &(&(&n() * &m) + &(&n() + &m))), None);
    }
}
