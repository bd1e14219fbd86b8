//! Factors of a size that are no numbers: named sizes, and what has no polynomial form.

use super::widths::{halvings, log2_ceil, prefix_widths};
use super::{Size, SizeError, SizeVar};

/// A factor of a monomial.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A named size.
    Var(SizeVar),
    /// Quotient rounded down.
    Div(Box<Size>, Box<Size>),
    /// Quotient rounded up, as in the bytes of bit-packed elements.
    DivCeil(Box<Size>, Box<Size>),
    /// Remainder with the sign of the divisor.
    Mod(Box<Size>, Box<Size>),
    /// Smallest e with 2^e >= the argument; 0 for arguments up to 1. The depth of a tree.
    Log2Ceil(Box<Size>),
    /// Smaller of two.
    Min(Box<Size>, Box<Size>),
    /// Larger of two.
    Max(Box<Size>, Box<Size>),
    /// Sum of `body` over `var` in `0..count`.
    Sum {
        /// The bound variable; it occurs only in `body`.
        var: SizeVar,
        /// How many terms.
        count: Box<Size>,
        /// The term.
        body: Box<Size>,
    },
    /// Sum of `body` over the widths `var` of the levels of a reduction tree of `count` leaves:
    /// floor(count/2), then the same of ceil(count/2), until one is left. Widths add up to count - 1.
    SumHalvings {
        /// The bound variable, the width of a level.
        var: SizeVar,
        /// How many leaves.
        count: Box<Size>,
        /// The term.
        body: Box<Size>,
    },
    /// Sum of `body` over the widths `var` of the levels of a Sklansky prefix tree of `count`
    /// leaves: level l combines the positions below count whose bit l is set.
    SumPrefix {
        /// The bound variable, the width of a level.
        var: SizeVar,
        /// How many leaves.
        count: Box<Size>,
        /// The term.
        body: Box<Size>,
    },
}

/// a / b rounded down, and what is left, which has the sign of b. None if b is 0 or the quotient beyond 128 bits, as that
/// of the least number and -1 alone is.
pub fn floored(a: i128, b: i128) -> Option<(i128, i128)> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    Some(match rest != 0 && (rest < 0) != (b < 0) {
        true => (quotient - 1, rest + b),
        false => (quotient, rest),
    })
}

impl Atom {
    pub(super) fn mentions(&self, var: SizeVar) -> bool {
        match self {
            Self::Var(v) => *v == var,
            Self::Div(a, b)
            | Self::DivCeil(a, b)
            | Self::Mod(a, b)
            | Self::Min(a, b)
            | Self::Max(a, b) => a.mentions(var) || b.mentions(var),
            Self::Log2Ceil(a) => a.mentions(var),
            Self::Sum {
                var: bound,
                count,
                body,
            }
            | Self::SumHalvings {
                var: bound,
                count,
                body,
            }
            | Self::SumPrefix {
                var: bound,
                count,
                body,
            } => count.mentions(var) || (*bound != var && body.mentions(var)),
        }
    }

    pub(super) fn substitute(&self, map: &dyn Fn(SizeVar) -> Option<Size>) -> Size {
        let inner = |bound: SizeVar, body: &Size| {
            body.substitute(&|v| if v == bound { None } else { map(v) })
        };
        match self {
            Self::Var(v) => map(*v).unwrap_or_else(|| Size::from(*v)),
            Self::Div(a, b) => a.substitute(map).div(&b.substitute(map)),
            Self::DivCeil(a, b) => a.substitute(map).div_ceil(&b.substitute(map)),
            Self::Mod(a, b) => a.substitute(map).modulo(&b.substitute(map)),
            Self::Min(a, b) => a.substitute(map).smaller(&b.substitute(map)),
            Self::Max(a, b) => a.substitute(map).larger(&b.substitute(map)),
            Self::Log2Ceil(a) => a.substitute(map).log2_ceil(),
            Self::Sum { var, count, body } => {
                Size::sum(*var, &count.substitute(map), &inner(*var, body))
            }
            Self::SumHalvings { var, count, body } => {
                Size::sum_halvings(*var, &count.substitute(map), &inner(*var, body))
            }
            Self::SumPrefix { var, count, body } => {
                Size::sum_prefix(*var, &count.substitute(map), &inner(*var, body))
            }
        }
    }

    pub(super) fn evaluate(
        &self,
        env: &dyn Fn(SizeVar) -> Option<i128>,
    ) -> Result<i128, SizeError> {
        // Quotient and remainder with the sign of the divisor.
        let divided = |a: &Size, b: &Size| {
            let (a, b) = (a.evaluate(env)?, b.evaluate(env)?);
            floored(a, b).ok_or(match b {
                0 => SizeError::Domain("division by zero"),
                _ => SizeError::Overflow,
            })
        };
        let total = |bound: SizeVar, body: &Size, widths: &mut dyn Iterator<Item = u64>| {
            let mut sum = 0i128;
            for width in widths {
                let inner = |v| {
                    if v == bound {
                        Some(i128::from(width))
                    } else {
                        env(v)
                    }
                };
                sum = sum
                    .checked_add(body.evaluate(&inner)?)
                    .ok_or(SizeError::Overflow)?;
            }
            Ok(sum)
        };
        let counted = |count: &Size| {
            u64::try_from(count.evaluate(env)?)
                .map_err(|_| SizeError::Domain("a count below zero or beyond 64 bits"))
        };
        match self {
            Self::Var(v) => env(*v).ok_or(SizeError::Unbound(*v)),
            Self::Div(a, b) => Ok(divided(a, b)?.0),
            Self::DivCeil(a, b) => {
                let (quotient, rest) = divided(a, b)?;
                Ok(quotient + i128::from(rest != 0))
            }
            Self::Mod(a, b) => Ok(divided(a, b)?.1),
            Self::Min(a, b) => Ok(a.evaluate(env)?.min(b.evaluate(env)?)),
            Self::Max(a, b) => Ok(a.evaluate(env)?.max(b.evaluate(env)?)),
            Self::Log2Ceil(a) => Ok(log2_ceil(a.evaluate(env)?)),
            Self::Sum { var, count, body } => total(*var, body, &mut (0..counted(count)?)),
            Self::SumHalvings { var, count, body } => {
                total(*var, body, &mut halvings(counted(count)?))
            }
            Self::SumPrefix { var, count, body } => {
                total(*var, body, &mut prefix_widths(counted(count)?))
            }
        }
    }

    pub(super) fn display(&self, name: &dyn Fn(SizeVar) -> String) -> String {
        let call =
            |f: &str, a: &Size, b: &Size| format!("{f}({}, {})", a.display(name), b.display(name));
        match self {
            Self::Var(v) => name(*v),
            Self::Div(a, b) => format!("⌊{}/{}⌋", a.operand(name), b.operand(name)),
            Self::DivCeil(a, b) => format!("⌈{}/{}⌉", a.operand(name), b.operand(name)),
            Self::Mod(a, b) => call("mod", a, b),
            Self::Min(a, b) => call("min", a, b),
            Self::Max(a, b) => call("max", a, b),
            Self::Log2Ceil(a) => format!("⌈log2({})⌉", a.display(name)),
            Self::Sum { var, count, body } => {
                format!(
                    "sum({} for {} in 0..{})",
                    body.display(name),
                    name(*var),
                    count.display(name)
                )
            }
            Self::SumHalvings { var, count, body } => {
                format!(
                    "sum({} for {} in halvings({}))",
                    body.display(name),
                    name(*var),
                    count.display(name)
                )
            }
            Self::SumPrefix { var, count, body } => {
                format!(
                    "sum({} for {} in prefixes({}))",
                    body.display(name),
                    name(*var),
                    count.display(name)
                )
            }
        }
    }
}
