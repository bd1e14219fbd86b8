//! The meaning of claims: terms over integers and bits, evaluated on concrete operands and results.

use crate::element::{add, literal, mul, reduce, signed, sub, width};
use crate::problem::Spec;
use smpc_ir::claim::{Claims, Domain, Ensures, Operator, Requires, Term};
use smpc_ir::flat::TruncMode;
use smpc_ir::party::Elem;

/// A value in a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// An integer; an equation holds in `ring` where an element of one took part. Inexact once it
    /// has left 128 bits: then only its residues mean something.
    Number {
        value: i128,
        ring: Option<Elem>,
        exact: bool,
    },
    Bits(u128, u8),
}

/// Operands and results of one execution, by position and row.
pub(crate) struct Instance<'a> {
    /// Element types of the parameters.
    pub params: &'a [Elem],
    /// Element types of the results.
    pub results: &'a [Elem],
    /// Words of the parameters.
    pub inputs: &'a [Vec<u128>],
    /// Words of the results.
    pub outputs: &'a [Vec<u128>],
}

/// What a quantified name stands for.
#[derive(Clone, Copy)]
enum Bound<'b> {
    None,
    Number(i128),
    Order(&'b [usize]),
}

fn number(value: i128) -> Value {
    Value::Number {
        value,
        ring: None,
        exact: true,
    }
}

fn truth(value: bool) -> Value {
    Value::Bits(value.into(), 1)
}

/// A word of an element type. `Ring(64)` of a public amount is a ring element like others.
fn read(word: u128, elem: Elem) -> Value {
    match elem {
        Elem::Bits(m) => Value::Bits(reduce(elem, word), m),
        _ => Value::Number {
            value: signed(elem, word),
            ring: Some(elem),
            exact: true,
        },
    }
}

/// The smaller of two rings of integers modulo powers of two; of fields both must be one.
fn smaller(a: Elem, b: Elem) -> Option<Elem> {
    match (a, b) {
        (Elem::Ring(r), Elem::Ring(s)) => Some(Elem::Ring(r.min(s))),
        _ => (a == b).then_some(a),
    }
}

fn equal(a: Value, b: Value) -> Option<bool> {
    match (a, b) {
        (Value::Bits(a, m), Value::Bits(b, l)) => (m == l).then_some(a == b),
        (
            Value::Number {
                value: a,
                ring: r,
                exact: x,
            },
            Value::Number {
                value: b,
                ring: s,
                exact: y,
            },
        ) => match (r, s) {
            (None, None) => (x && y).then_some(a == b),
            (Some(r), Some(s)) => {
                let ring = smaller(r, s)?;
                Some(literal(ring, a) == literal(ring, b))
            }
            // A number that wrapped modulo 2^128 has no residue modulo a prime.
            (Some(Elem::Field(_)), None) if !y => None,
            (None, Some(Elem::Field(_))) if !x => None,
            (Some(r), None) | (None, Some(r)) => Some(literal(r, a) == literal(r, b)),
        },
        (Value::Bits(a, _), Value::Number { value, exact, .. })
        | (Value::Number { value, exact, .. }, Value::Bits(a, _)) => {
            exact.then_some(u128::try_from(value) == Ok(a))
        }
    }
}

/// An integer where only an exact one means something.
fn exact(value: Value) -> Option<i128> {
    match value {
        Value::Number {
            value, exact: true, ..
        } => Some(value),
        Value::Number { .. } => None,
        Value::Bits(word, _) => i128::try_from(word).ok(),
    }
}

fn holds(value: Value) -> Option<bool> {
    match value {
        Value::Bits(word, 1) => Some(word == 1),
        Value::Number { value, .. } => Some(value != 0),
        Value::Bits(..) => None,
    }
}

/// An execution of which nothing is known.
const NOTHING: Instance<'static> = Instance {
    params: &[],
    results: &[],
    inputs: &[],
    outputs: &[],
};

/// The integer that a term without operands is, if it has at most 128 bits.
pub(crate) fn constant(term: &Term) -> Option<i128> {
    NOTHING.value(term, 0, Bound::None).and_then(exact)
}

/// The same claim with the integers that stand in it without operands calculated: it is asked of many executions.
pub(crate) fn folded(term: &Term) -> Term {
    let term = match term {
        Term::Cast(inner, elem) => Term::Cast(Box::new(folded(inner)), *elem),
        Term::Apply(operator, args) => Term::Apply(*operator, args.iter().map(folded).collect()),
        other => other.clone(),
    };
    match NOTHING.value(&term, 0, Bound::None) {
        Some(Value::Number {
            value,
            ring: None,
            exact: true,
        }) => Term::Integer(value),
        _ => term,
    }
}

impl Instance<'_> {
    fn value(&self, term: &Term, row: usize, bound: Bound<'_>) -> Option<Value> {
        let at = |list: &[Vec<u128>], elems: &[Elem], i: u32| {
            let word = match list.get(i as usize)?.as_slice() {
                [one] => *one,
                rows => *rows.get(row % rows.len().max(1))?,
            };
            Some(read(word, *elems.get(i as usize)?))
        };
        match term {
            Term::Param(i) => at(self.inputs, self.params, *i),
            Term::Result(i) => at(self.outputs, self.results, *i),
            Term::Bound => match bound {
                Bound::Number(value) => Some(number(value)),
                _ => None,
            },
            Term::Integer(value) => Some(number(*value)),
            Term::Cast(inner, elem) => {
                let inner = self.value(inner, row, bound)?;
                let word = match inner {
                    Value::Bits(word, _) => reduce(*elem, word),
                    Value::Number { value, .. } => literal(*elem, value),
                };
                Some(read(word, *elem))
            }
            Term::Apply(Operator::Rows, args) => {
                let Bound::Order(order) = bound else {
                    return None;
                };
                self.value(args.first()?, *order.get(row)?, bound)
            }
            Term::Apply(operator, args) => {
                let first = self.value(args.first()?, row, bound)?;
                match args.get(1) {
                    None => unary(*operator, first),
                    Some(second) => binary(*operator, first, self.value(second, row, bound)?),
                }
            }
        }
    }

    /// The word of an element type that is equal to a term, or of the smaller ring where it is modulo that one that they are
    /// compared; nothing where none is, or no one. An error is 0.
    pub fn word(&self, term: &Term, row: usize, elem: Elem) -> Option<u128> {
        match (elem, self.value(term, row, Bound::Number(0))?) {
            (Elem::Bits(m), Value::Bits(word, l)) => (m == l).then_some(word),
            (Elem::Bits(_), Value::Number { value, exact, .. }) => {
                let word = exact.then(|| u128::try_from(value).ok())??;
                (reduce(elem, word) == word).then_some(word)
            }
            (_, Value::Bits(word, _)) => {
                let value = i128::try_from(word).ok()?;
                (signed(elem, literal(elem, value)) == value).then(|| literal(elem, value))
            }
            (_, Value::Number { value, ring, exact }) => match ring {
                Some(ring) => Some(literal(smaller(elem, ring)?, value)),
                None if exact || !matches!(elem, Elem::Field(_)) => Some(literal(elem, value)),
                None => None,
            },
        }
    }

    /// Whether a precondition holds; one that has no value does not.
    pub fn requires(&self, term: &Term, rows: usize) -> bool {
        (0..rows).all(|row| {
            self.value(term, row, Bound::None)
                .and_then(holds)
                .unwrap_or(false)
        })
    }

    /// Whether a postcondition holds, its exceptions apart; `None` where it has no value.
    pub fn ensures(&self, ensures: &Ensures, rows: usize) -> Option<bool> {
        let each = |row: usize, bound: Bound<'_>| holds(self.value(&ensures.claim, row, bound)?);
        match &ensures.over {
            None => (0..rows).try_fold(true, |all, row| Some(all && each(row, Bound::None)?)),
            Some(Domain::Range(from, to)) => (0..rows).try_fold(true, |all, row| {
                let end = |term| exact(self.value(term, row, Bound::None)?);
                let (from, to) = (end(from)?, end(to)?);
                // Rounding errors are few; a wider range is no claim that can be tried out.
                if to.checked_sub(from)? > 64 {
                    return None;
                }
                let mut found = false;
                for e in from..=to {
                    found |= each(row, Bound::Number(e))?;
                }
                Some(all && found)
            }),
            Some(Domain::Permutation) => {
                let mut found = false;
                for order in orders(rows) {
                    found |= (0..rows).try_fold(true, |all, row| {
                        Some(all && each(row, Bound::Order(&order))?)
                    })?;
                }
                Some(found)
            }
        }
    }

    /// The probability with which a postcondition may fail on these operands; `None` if it is no number.
    pub fn except(&self, ensures: &Ensures) -> Option<f64> {
        match &ensures.except {
            None => Some(0.0),
            Some(term) => self.real(term).filter(|chance| !chance.is_nan()),
        }
    }

    fn real(&self, term: &Term) -> Option<f64> {
        Some(match term {
            Term::Apply(Operator::Div, args) => {
                self.real(args.first()?)? / self.real(args.get(1)?)?
            }
            Term::Apply(Operator::Pow, args) => {
                self.real(args.first()?)?.powf(self.real(args.get(1)?)?)
            }
            Term::Apply(Operator::Add, args) => {
                self.real(args.first()?)? + self.real(args.get(1)?)?
            }
            Term::Apply(Operator::Sub, args) => {
                self.real(args.first()?)? - self.real(args.get(1)?)?
            }
            Term::Apply(Operator::Mul, args) => {
                self.real(args.first()?)? * self.real(args.get(1)?)?
            }
            Term::Apply(Operator::Abs, args) => self.real(args.first()?)?.abs(),
            other => match self.value(other, 0, Bound::None)? {
                Value::Number {
                    value, exact: true, ..
                } => value as f64,
                _ => return None,
            },
        })
    }
}

/// All orders of a few rows; of more only the one in which they stand.
fn orders(rows: usize) -> Vec<Vec<usize>> {
    if rows > 4 {
        return vec![(0..rows).collect()];
    }
    let mut all = vec![Vec::new()];
    for _ in 0..rows {
        let longer = |order: &Vec<usize>| -> Vec<Vec<usize>> {
            let rest = (0..rows).filter(|row| !order.contains(row));
            rest.map(|row| [order.as_slice(), &[row]].concat())
                .collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Whether a postcondition about an order of the rows holds for one order in all columns; any other one does.
pub(crate) fn in_one_order<'a>(
    ensures: &Ensures,
    columns: impl Iterator<Item = Instance<'a>>,
    rows: usize,
) -> bool {
    if ensures.over != Some(Domain::Permutation) {
        return true;
    }
    let mut left = orders(rows);
    for column in columns {
        left.retain(|order| {
            (0..rows).all(|row| {
                let value = column.value(&ensures.claim, row, Bound::Order(order));
                value.and_then(holds) == Some(true)
            })
        });
    }
    !left.is_empty()
}

fn unary(operator: Operator, a: Value) -> Option<Value> {
    match (operator, a) {
        (Operator::Neg, Value::Number { value, ring, exact }) => {
            let (value, wrapped) = value.overflowing_neg();
            Some(Value::Number {
                value,
                ring,
                exact: exact && !wrapped,
            })
        }
        (Operator::Not, value) => Some(truth(!holds(value)?)),
        (
            Operator::Abs,
            Value::Number {
                value,
                ring,
                exact: true,
            },
        ) => Some(Value::Number {
            value: value.checked_abs()?,
            ring,
            exact: true,
        }),
        (
            Operator::Bits,
            Value::Number {
                value,
                ring: Some(ring),
                ..
            },
        ) => Some(Value::Bits(literal(ring, value), width(ring))),
        (Operator::Bits, bits) => Some(bits),
        (Operator::Unsigned, Value::Bits(word, m)) => Some(Value::Number {
            value: word as i128,
            ring: Some(Elem::Ring(m)),
            exact: word <= i128::MAX as u128,
        }),
        (
            Operator::Unsigned,
            Value::Number {
                value,
                ring: Some(ring),
                ..
            },
        ) => {
            let word = literal(ring, value);
            Some(Value::Number {
                value: word as i128,
                ring: None,
                exact: word <= i128::MAX as u128,
            })
        }
        _ => None,
    }
}

fn binary(operator: Operator, a: Value, b: Value) -> Option<Value> {
    match operator {
        Operator::Eq => return equal(a, b).map(truth),
        Operator::Lt | Operator::Le => {
            let (a, b) = match (a, b) {
                (Value::Bits(a, _), Value::Bits(b, _)) => {
                    return Some(truth(if operator == Operator::Lt {
                        a < b
                    } else {
                        a <= b
                    }));
                }
                _ => (exact(a)?, exact(b)?),
            };
            return Some(truth(if operator == Operator::Lt {
                a < b
            } else {
                a <= b
            }));
        }
        Operator::And => return Some(truth(holds(a)? && holds(b)?)),
        Operator::Or => return Some(truth(holds(a)? || holds(b)?)),
        _ => {}
    }
    if let (Value::Bits(a, m), Value::Bits(b, l)) = (a, b) {
        return match operator {
            Operator::Add | Operator::Sub if m == l => Some(Value::Bits(a ^ b, m)),
            Operator::Mul if m == l => Some(Value::Bits(a & b, m)),
            _ => None,
        };
    }
    let (
        Value::Number {
            value: x,
            ring: r,
            exact: p,
        },
        Value::Number {
            value: y,
            ring: s,
            exact: q,
        },
    ) = (a, b)
    else {
        return None;
    };
    let ring = match (r, s) {
        (Some(r), Some(s)) => Some(smaller(r, s)?),
        (r, s) => r.or(s),
    };
    match (r, s) {
        (Some(Elem::Field(_)), None) if !q => return None,
        (None, Some(Elem::Field(_))) if !p => return None,
        _ => {}
    }
    let (value, wrapped) = match operator {
        Operator::Add => x.overflowing_add(y),
        Operator::Sub => x.overflowing_sub(y),
        Operator::Mul => x.overflowing_mul(y),
        Operator::Pow => {
            let power = u32::try_from(y).ok()?;
            x.overflowing_pow(power)
        }
        Operator::Shl if q && y >= 0 => match y {
            by @ 0..127 => x.overflowing_mul(1 << by),
            _ => (0, true),
        },
        Operator::Shl => return None,
        Operator::Shr if p && q && y >= 0 => (x >> y.min(127), false),
        Operator::Shr => return None,
        Operator::Min if p && q => (x.min(y), false),
        Operator::Max if p && q => (x.max(y), false),
        _ => return None,
    };
    // Amounts and exponents are numbers of their own, in no ring.
    let ring = match operator {
        Operator::Shl | Operator::Shr | Operator::Pow => r,
        _ => ring,
    };
    // What wrapped modulo 2^128 is still right modulo a smaller power of two, not modulo a prime.
    let value = match (ring, wrapped, operator) {
        (Some(field @ Elem::Field(_)), true, _) => {
            let (x, y) = (literal(field, x), literal(field, y));
            signed(
                field,
                match operator {
                    Operator::Add => add(field, x, y),
                    Operator::Sub => sub(field, x, y),
                    Operator::Mul => mul(field, x, y),
                    _ => return None,
                },
            )
        }
        _ => value,
    };
    Some(Value::Number {
        value,
        ring,
        exact: p && q && !wrapped,
    })
}

/// What the standard operation of this name means, beside what the protocol says of itself.
pub(crate) fn standard(spec: Spec, elem: Elem, params: usize, beyond: Option<u8>) -> Claims {
    use Operator as Op;
    let (x, y, z) = (Term::Param(0), Term::Param(1), Term::Result(0));
    let apply = |operator, args: &[Term]| Term::Apply(operator, args.to_vec());
    let equals = |term: Term| Ensures {
        claim: apply(Op::Eq, &[z.clone(), term]),
        over: None,
        except: None,
        text: String::new(),
    };
    let m = i128::from(width(elem));
    let within = |term: &Term, bits: i128| Requires {
        text: String::new(),
        claim: {
            let bound = apply(Op::Pow, &[Term::Integer(2), Term::Integer(bits)]);
            let low = apply(
                Op::Le,
                &[apply(Op::Neg, std::slice::from_ref(&bound)), term.clone()],
            );
            apply(Op::And, &[low, apply(Op::Lt, &[term.clone(), bound])])
        },
    };
    let truncation = |value: Term, amount: Term, mode: TruncMode, claims: &mut Claims| {
        let floor = apply(Op::Shr, &[value.clone(), amount]);
        let mut claim = equals(match mode {
            TruncMode::Exact => floor.clone(),
            _ => apply(Op::Add, &[floor, Term::Bound]),
        });
        if mode != TruncMode::Exact {
            claim.over = Some(Domain::Range(Term::Integer(-1), Term::Integer(1)));
        }
        if mode == TruncMode::Local {
            let more = apply(
                Op::Add,
                &[
                    apply(Op::Abs, std::slice::from_ref(&value)),
                    Term::Integer(1),
                ],
            );
            let all = apply(Op::Pow, &[Term::Integer(2), Term::Integer(m)]);
            claim.except = Some(apply(Op::Div, &[more, all]));
        }
        // Callers keep to the headroom, whatever the mode.
        claims.requires.push(within(&value, m - 2));
        claims.ensures.push(claim);
    };
    let mut claims = Claims::default();
    match spec {
        Spec::Share | Spec::Reveal => claims.ensures.push(equals(match (spec, beyond) {
            (Spec::Reveal, Some(bits)) => Term::Cast(Box::new(x), Elem::Ring(bits)),
            _ => x,
        })),
        Spec::Sum => {
            let sum = (1..params as u32).fold(x, |sum, i| apply(Op::Add, &[sum, Term::Param(i)]));
            claims.ensures.push(equals(sum));
        }
        Spec::Mul => claims.ensures.push(equals(apply(Op::Mul, &[x, y]))),
        Spec::Trunc(mode) => truncation(x, y, mode, &mut claims),
        Spec::MulTrunc(mode) => {
            truncation(apply(Op::Mul, &[x, y]), Term::Param(2), mode, &mut claims);
        }
        Spec::ToBits => claims.ensures.push(equals(apply(Op::Bits, &[x]))),
        Spec::Msb => {
            let negative = apply(Op::Lt, &[x, Term::Integer(0)]);
            claims.ensures.push(equals(negative));
        }
        Spec::LessThan => claims.ensures.push(equals(apply(Op::Lt, &[x, y]))),
        Spec::AddBits | Spec::LessBits => {
            let number = |term: Term| Term::Cast(Box::new(term), Elem::Ring(width(elem)));
            let (x, y) = (number(x), number(y));
            claims.ensures.push(if spec == Spec::LessBits {
                equals(apply(Op::Lt, &[x, y]))
            } else {
                let sum = apply(Op::Add, &[x, y]);
                Ensures {
                    claim: apply(Op::Eq, &[number(z.clone()), sum]),
                    ..equals(Term::Integer(0))
                }
            });
        }
        Spec::Equal => claims.ensures.push(equals(apply(Op::Eq, &[x, y]))),
        Spec::BitToRing => {
            let number = apply(Op::Unsigned, &[x]);
            // The bit's own ring has one bit; the result's is meant.
            claims
                .ensures
                .push(equals(Term::Cast(Box::new(number), elem)));
        }
        Spec::Shuffle => {
            let mut claim = equals(apply(Op::Rows, &[x, Term::Bound]));
            claim.over = Some(Domain::Permutation);
            claims.ensures.push(claim);
        }
        Spec::Unspecified => {}
    }
    claims
}
