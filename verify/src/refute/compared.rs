//! Whether what clauses fix of clear results tells no more of operands in a small ring than at full width.
//!
//! Views are compared between operands with the same results. x^7 is a bijection of F_5, and of the field of 2^61 - 1 elements no
//! such thing: in the one there is nothing to compare, so that who opens x for it tells nothing more there.

use super::{Allowed, assignment_bits};
use crate::claim::{constant, folded};
use crate::faithful::{Of, is_element};
use crate::machine::{Counter, Machine};
use crate::operands::Domains;
use crate::problem::{Malformed, Problem};
use crate::requires::{Required, elems};
use crate::term::{Poly, Symbol, Terms};
use crate::verdict::{Inputs, Limits};
use smpc_ir::claim::{Operator, Term};
use smpc_ir::party::Elem;
use std::collections::HashMap;

/// Factors of one variable in what is given over a field: a square is of two elements in every field.
const SQUARES: u32 = 2;

/// Whether that is shown: results are polynomials, or comparisons of polynomials, whose degrees are low enough for the
/// small ring, nothing is required of operands, and each operand that is to be kept is another one in two inputs that are
/// compared.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn tells_no_more(
    full: &Problem,
    small: &Problem,
    of: Of,
    limits: &Limits,
) -> Result<bool, Malformed> {
    let Of::View(coalition) = of else {
        return Ok(true);
    };
    if Required::of(full).restricts(full) {
        return Ok(false);
    }
    let params = elems(&small.params);
    let declared = small.declared(coalition);
    let plain = declared
        .iter()
        .all(|d| plain(&folded(d.value), d.elem, &params));
    let rows = Machine::new(small)?.rows;
    if !plain || assignment_bits(small, rows, &|_| true) > (limits.assignments as f64).log2() {
        return Ok(false);
    }
    let (allowed, domains) = (Allowed::new(small, coalition), Domains::new(small, rows));
    let mut varied: Vec<bool> = (0..params.len())
        .map(|at| allowed.knows(at) || small.gives(coalition, at))
        .collect();
    let mut first: HashMap<Inputs, Inputs> = HashMap::new();
    let mut counter = Counter::default();
    while !varied.iter().all(|varied| *varied) {
        counter.rewind();
        let inputs = domains.draw(&mut counter);
        if let Some(group) = allowed.of(&inputs, rows) {
            let other = first.entry(group).or_insert_with(|| inputs.clone());
            for (varied, (a, b)) in varied.iter_mut().zip(inputs.iter().zip(other.iter())) {
                *varied |= a != b;
            }
        }
        if !counter.advance() {
            break;
        }
    }
    Ok(varied.into_iter().all(|varied| varied))
}

/// Whether a clause's value is a function of the same kind in every ring.
fn plain(value: &Term, elem: Elem, params: &[Elem]) -> bool {
    if constant(value).is_some() {
        return integers(value, elem);
    }
    if let Term::Apply(
        Operator::Lt
        | Operator::Le
        | Operator::Eq
        | Operator::And
        | Operator::Or
        | Operator::Not
        | Operator::Min
        | Operator::Max,
        args,
    ) = value
    {
        let own = params_of(value)
            .first()
            .and_then(|at| params.get(*at as usize));
        return own.is_some_and(|own| args.iter().all(|arg| plain(arg, *own, params)));
    }
    let mut terms = Terms::new(1 << 10);
    let symbols = (0u32..).zip(params);
    let symbols: Vec<Option<Poly>> = symbols
        .map(|(at, elem)| Some(terms.symbol(Symbol(at), *elem)))
        .collect();
    let Some(poly) = crate::declared::as_term(&mut terms, value, elem, &symbols) else {
        return false;
    };
    let squares = !matches!(elem, Elem::Field(_)) || terms.degree(&poly) <= SQUARES;
    integers(value, elem)
        && terms.is_polynomial(&poly)
        && squares
        && !terms.may_vanish([&poly].into_iter(), u8::MAX)
}

/// Whether the integers in a term are numbers of the ring.
fn integers(term: &Term, elem: Elem) -> bool {
    match term {
        Term::Integer(value) => is_element(elem, *value, true),
        Term::Cast(inner, _) => integers(inner, elem),
        Term::Apply(_, args) => args.iter().all(|arg| integers(arg, elem)),
        _ => true,
    }
}

fn params_of(term: &Term) -> Vec<u32> {
    match term {
        Term::Param(at) => vec![*at],
        Term::Cast(inner, _) => params_of(inner),
        Term::Apply(_, args) => args.iter().flat_map(params_of).collect(),
        _ => Vec::new(),
    }
}
