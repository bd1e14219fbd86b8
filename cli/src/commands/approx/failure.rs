//! The chance that truncations fail, as the protocols' own clauses have it.

use smpc_check::Work;
use smpc_ir::claim::{Operator, Term};
use smpc_ir::flat::{Protocols, TruncMode, Want};
use smpc_ir::party::Elem;

/// The chance that one of the truncations of a call fails, at most: the sum of what `ensures … except` says of each, for the
/// largest number that it may meet. None where a protocol does not say what it ensures.
pub(super) fn chance(work: &Work, protocols: &impl Protocols) -> Option<f64> {
    let elem = protocols.int_elem();
    if matches!(elem, Elem::Bits(_)) {
        // Of shared bits the lower ones are left out.
        return Some(0.0);
    }
    // As those of the library, those of an approximation are never local.
    let mode = match protocols.trunc_mode() {
        TruncMode::Local => TruncMode::OneUnit,
        mode => mode,
    };
    let mut sum = 0.0;
    for one in work.truncations.iter().filter(|t| t.bits > 0) {
        let bits = f64::from(one.bits);
        let fused = protocols.protocol(Want::MulTrunc(elem, mode));
        let (flat, operands) = match fused {
            Ok(flat) if one.product => (flat, vec![one.largest, 1.0, bits]),
            _ => {
                let flat = protocols.protocol(Want::Trunc(elem, mode)).ok()?;
                (flat, vec![one.largest, bits])
            }
        };
        if flat.claims.ensures.is_empty() {
            return None;
        }
        for ensures in &flat.claims.ensures {
            if let Some(except) = &ensures.except {
                sum += one.count as f64 * value(except, &operands)?;
            }
        }
    }
    Some(sum.min(1.0))
}

/// A probability, whose names are operands.
fn value(term: &Term, operands: &[f64]) -> Option<f64> {
    let (operator, args) = match term {
        Term::Param(at) => return operands.get(*at as usize).copied(),
        Term::Integer(number) => return Some(*number as f64),
        Term::Apply(operator, args) => (operator, args),
        _ => return None,
    };
    let a = value(args.first()?, operands)?;
    let b = || value(args.get(1)?, operands);
    Some(match operator {
        Operator::Add => a + b()?,
        Operator::Sub => a - b()?,
        Operator::Mul => a * b()?,
        Operator::Div => a / b()?,
        Operator::Pow => a.powf(b()?),
        Operator::Neg => -a,
        Operator::Abs => a.abs(),
        Operator::Min => a.min(b()?),
        Operator::Max => a.max(b()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_is_evaluated_at_the_operands() {
        let apply = |operator, args: &[Term]| Term::Apply(operator, args.to_vec());
        let product = apply(Operator::Mul, &[Term::Param(0), Term::Param(1)]);
        let more = apply(
            Operator::Add,
            &[apply(Operator::Abs, &[product]), Term::Integer(1)],
        );
        let ring = apply(Operator::Pow, &[Term::Integer(2), Term::Integer(64)]);
        let term = apply(Operator::Div, &[more, ring]);
        let got = value(&term, &[2f64.powi(40), -1.0, 16.0]).expect("a number");
        assert!((got - 2f64.powi(-24)).abs() < 1e-15, "{got}");
        assert_eq!(value(&Term::Bound, &[]), None);
    }
}
