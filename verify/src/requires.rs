//! What a text requires of its operands, and what the language itself promises of them.

use crate::claim::{self, Instance, constant};
use crate::element::{order, signed, width};
use crate::machine::Counter;
use crate::operands::{Domains, Within, amount_params, of};
use crate::problem::{Operand, Problem, Spec};
use smpc_ir::claim::{Operator, Requires, Term};
use smpc_ir::flat::FlatOp;
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{CoinDomain, Elem};

/// Element types of operands.
pub(crate) fn elems(list: &[Operand]) -> Vec<Elem> {
    list.iter()
        .map(|operand| match operand {
            Operand::Shared(sharing) => sharing.elem,
            Operand::Clear { elem, .. } => *elem,
        })
        .collect()
}

/// The preconditions of a text.
pub(crate) struct Required<'p> {
    requires: &'p [Requires],
    params: Vec<Elem>,
}

impl<'p> Required<'p> {
    pub fn of(problem: &'p Problem) -> Self {
        Self {
            requires: &problem.flat.claims.requires,
            params: elems(&problem.params),
        }
    }

    /// Other preconditions of the same operands.
    pub fn among(problem: &Problem, requires: &'p [Requires]) -> Self {
        Self {
            requires,
            params: elems(&problem.params),
        }
    }

    /// Whether the text says nothing of operands that could exclude some.
    pub fn is_empty(&self) -> bool {
        self.requires.is_empty()
    }

    /// Whether anything is required of operands, and not only of widths and moduli.
    pub fn bounds(&self) -> bool {
        self.requires
            .iter()
            .any(|requires| of_operands(&requires.claim))
    }

    /// Whether anything is required of operands other than public numbers.
    pub fn restricts(&self, problem: &Problem) -> bool {
        let amounts: Vec<usize> = amount_params(problem).collect();
        let mut requires = self.requires.iter();
        requires.any(|requires| {
            of_operands(&requires.claim) && !of(&requires.claim, &|at| amounts.contains(&at))
        })
    }

    /// Between what each operand is required to be, as far as clauses say so of one alone.
    pub fn within(&self) -> Vec<Within> {
        let mut known = Vec::new();
        for requires in self.requires {
            between(&requires.claim, &mut known);
        }
        let params = (0u32..).zip(&self.params);
        let bounds = params.map(|(at, elem)| {
            let mut own = known
                .iter()
                .filter(|one| one.value == Term::Param(at))
                .peekable();
            own.peek()?;
            let (least, most) = ends(*elem)?;
            let (low, high) = own.fold((least, most), |(low, high), one| {
                (
                    one.low.map_or(low, |other| other.max(low)),
                    one.high.map_or(high, |other| other.min(high)),
                )
            });
            (low <= high).then_some((low, high))
        });
        bounds.collect()
    }

    /// Whether operands are among those that the text is about.
    pub fn admits(&self, inputs: &[Vec<u128>], rows: usize) -> bool {
        let instance = Instance {
            params: &self.params,
            results: &[],
            inputs,
            outputs: &[],
        };
        let mut requires = self.requires.iter();
        requires.all(|requires| instance.requires(&requires.claim, rows))
    }

    /// Whether they exclude any operands; of many operands only the first are looked at.
    pub fn bind(&self, problem: &Problem, rows: usize) -> bool {
        let domains = Domains::new(problem, rows);
        let mut counter = Counter::default();
        for _ in 0..1 << 16 {
            counter.rewind();
            if !self.admits(&domains.draw(&mut counter), rows) {
                return true;
            }
            if !counter.advance() {
                break;
            }
        }
        false
    }
}

/// The least and the largest number of a type.
fn ends(elem: Elem) -> Option<(i128, i128)> {
    match elem {
        Elem::Ring(m @ 1..=127) => Some((-(1 << (m - 1)), (1 << (m - 1)) - 1)),
        Elem::Ring(128) => Some((i128::MIN, i128::MAX)),
        Elem::Field(p) => {
            let half = (p.modulus() - 1) / 2;
            Some((signed(elem, half + 1), signed(elem, half)))
        }
        _ => None,
    }
}

fn of_operands(term: &Term) -> bool {
    match term {
        Term::Param(_) => true,
        Term::Cast(inner, _) => of_operands(inner),
        Term::Apply(_, args) => args.iter().any(of_operands),
        _ => false,
    }
}

/// Whether a coin covers a range only: one below a bound, or bits taken as a number of more bits. What such a
/// mask hides depends on how large that may be.
pub(crate) fn has_range(problem: &Problem) -> bool {
    let flat = &problem.flat;
    let elem = |id: u32| flat.values[id as usize].elem;
    flat.steps.iter().any(|step| match &step.op {
        FlatOp::Coin(CoinDomain::Below(bound)) => {
            let all = order(elem(step.result));
            *bound != 0 && (all == 0 || *bound < all)
        }
        FlatOp::Local(Local::Prim(Prim::Cast)) => {
            let from = step.args.first().map(|arg| elem(*arg));
            let number = matches!(elem(step.result), Elem::Ring(_) | Elem::Field(_));
            matches!(from, Some(Elem::Bits(m)) if m > 1 && number && m < width(elem(step.result)))
        }
        _ => false,
    })
}

/// The clauses of a standard operation that ask for more than the language promises of its operands: scripts
/// call it with any others, too.
pub(crate) fn narrower(
    spec: Spec,
    params: &[Operand],
    requires: &[Requires],
    beyond: Option<u8>,
) -> Vec<usize> {
    let elems = elems(params);
    let elem = elems.first().copied().unwrap_or(Elem::Ring(1));
    let promised = claim::standard(spec, elem, params.len(), beyond).requires;
    let mut known: Vec<Between> = Vec::new();
    for promise in &promised {
        between(&promise.claim, &mut known);
    }
    // An element is a number of its ring.
    for (at, elem) in elems.iter().enumerate() {
        if let Elem::Ring(m @ 1..128) = *elem {
            known.push(Between {
                value: Term::Param(at as u32),
                low: Some(-(1 << (m - 1))),
                high: Some((1 << (m - 1)) - 1),
            });
        }
    }
    let implied = |requires: &Requires| {
        let mut asked = Vec::new();
        between(&requires.claim, &mut asked)
            && asked.iter().all(|one| {
                let mut same = known.iter().filter(|other| other.value == one.value);
                same.any(|other| {
                    one.low
                        .is_none_or(|low| other.low.is_some_and(|l| l >= low))
                        && one
                            .high
                            .is_none_or(|high| other.high.is_some_and(|h| h <= high))
                })
            })
    };
    let all = requires.iter().enumerate();
    all.filter(|(_, requires)| !implied(requires))
        .map(|(at, _)| at)
        .collect()
}

/// A value with its least and its largest.
struct Between {
    value: Term,
    low: Option<i128>,
    high: Option<i128>,
}

/// Takes in a conjunction of comparisons with numbers, and of what holds without operands; false if there is anything else.
fn between(claim: &Term, found: &mut Vec<Between>) -> bool {
    if constant(claim).is_some_and(|value| value != 0) {
        return true;
    }
    let Term::Apply(operator, args) = claim else {
        return false;
    };
    let [a, b] = args.as_slice() else {
        return false;
    };
    let strict = match operator {
        Operator::And => {
            let first = between(a, found);
            return between(b, found) && first;
        }
        Operator::Lt => 1,
        Operator::Le => 0,
        _ => return false,
    };
    match (constant(a), constant(b)) {
        (Some(low), None) => {
            let Some(low) = low.checked_add(strict) else {
                return false;
            };
            // Both ends of one value stand together.
            match found
                .iter_mut()
                .find(|one| one.value == *b && one.low.is_none())
            {
                Some(one) => one.low = Some(low),
                None => found.push(Between {
                    value: b.clone(),
                    low: Some(low),
                    high: None,
                }),
            }
            true
        }
        (None, Some(high)) => {
            let Some(high) = high.checked_sub(strict) else {
                return false;
            };
            if let Term::Apply(Operator::Abs, of) = a
                && let [value] = of.as_slice()
            {
                found.push(Between {
                    value: value.clone(),
                    low: Some(-high),
                    high: Some(high),
                });
                return true;
            }
            match found
                .iter_mut()
                .find(|one| one.value == *a && one.high.is_none())
            {
                Some(one) => one.high = Some(high),
                None => found.push(Between {
                    value: a.clone(),
                    low: None,
                    high: Some(high),
                }),
            }
            true
        }
        _ => false,
    }
}
