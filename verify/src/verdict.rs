//! Verdicts, never rounded up.

use crate::certificate::Certificate;
use crate::element::{literal, order, width};
use crate::endpoints::Runner;
use crate::problem::{Operand, Problem, operand_ids};
use smpc_ir::claim::Term;
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::party::{CoinDomain, Elem, PartySet};
use std::sync::Arc;

/// How much work is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Assignments of inputs and coins that are enumerated for one question.
    pub assignments: u64,
    /// Random executions at full width.
    pub runs: u64,
    /// Random executions per input where the assignments are too many.
    pub samples: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            assignments: 1 << 21,
            runs: 100_000,
            samples: 1_500,
        }
    }
}

/// Rows of one input each.
pub type Inputs = Vec<Vec<u128>>;

/// A value that a coalition sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What it is, in the names of certificates: `x0.1` component 1 of operand 0, `r4` the coin of step 4,
    /// `message 9`; of samples and at full width also what is computed of messages.
    pub what: String,
    /// Its rows.
    pub values: Vec<u128>,
    /// Where a message or a coin was written.
    pub source: Source,
}

/// What a coalition sees more often on one input than on another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// In order, up to the message that tells them apart.
    pub seen: Vec<Seen>,
    /// In how many runs it is seen, on the first input and on the second.
    pub often: [u64; 2],
    /// Of how many equally likely runs on each. A message that nothing hides is the same in all runs in which what the
    /// coalition has of its own is as shown: one run.
    pub runs: u64,
}

/// What a view tells that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Which of two inputs it was.
    Inputs,
    /// In which order a shuffle put the rows of one input.
    Order,
    /// Which key of the scheme others hold.
    Key,
}

/// Two inputs that a coalition can tell apart though it should not, or one whose order of rows or key it learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Who.
    pub coalition: PartySet,
    /// The element type of the first operand, in the ring in which they differ.
    pub elem: Elem,
    /// Values of the parameters.
    pub first: Inputs,
    /// Others, with the same values and results for the coalition; the same again where an order or a key is told.
    pub second: Inputs,
    /// What is told.
    pub told: Told,
    /// A view that comes more often on one of them; nothing where an order or a key is told.
    pub view: View,
    /// The step whose message first tells them apart, if a message does.
    pub message: Option<u32>,
    /// From whom to whom, for display.
    pub from_to: String,
    /// Where the message was written.
    pub source: Source,
    /// Whether the distributions were enumerated; otherwise they differ in samples, by more than
    /// eight standard deviations.
    pub exact: bool,
}

/// Inputs on which the result is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is violated.
    pub what: String,
    /// The element type of the first operand.
    pub elem: Elem,
    /// Values of the parameters.
    pub inputs: Inputs,
    /// What came out.
    pub got: Vec<u128>,
}

/// What was enumerated without finding a difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exhausted {
    /// The rings, by width.
    pub rings: Vec<u8>,
    /// Assignments of inputs and coins, all rings together; for correctness of long texts after a
    /// change of variables that replaces coins one for one and leaves few.
    pub assignments: u64,
    /// Random executions at full width beside them.
    pub runs: u64,
    /// Nothing was enumerated: what is seen is linear in bits, and the rank of that map in the ring at hand decides.
    pub by_rank: bool,
    /// What carried these out.
    pub by: Runner,
    /// Those among them in which something failed that may fail with the probability claimed.
    pub failures: u64,
    /// The failures that the claim lets one expect, at most.
    pub expected: u64,
}

/// Failures that a claim must let one expect before they are said to be measured.
pub(crate) const MEASURED: u64 = 5;

/// What is known of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Holds for every ring of the declared kind.
    Proved {
        /// The substitutions, accepted by the checker. `None`: an identity of polynomials.
        certificate: Option<Certificate>,
    },
    /// Holds in the ring at hand but for a statistical distance of 2^-bits in each element: masks on a range.
    Statistical {
        /// The substitutions and the masks, accepted by the checker.
        certificate: Certificate,
        /// The distance.
        bits: u32,
    },
    /// Holds in small rings, by enumeration of everything.
    Exhausted(Exhausted),
    /// All that is claimed may fail with some probability, and at full width fails no more often: a
    /// statement about random runs, where no small ring could be enumerated.
    Measured(Exhausted),
    /// Does not hold: a coalition learns something.
    Leaks(Box<Leak>),
    /// Does not hold: a wrong result.
    Wrong(Box<Wrong>),
    /// Nothing is claimed.
    Unclaimed,
    /// Neither.
    Unknown {
        /// What was tried.
        reason: String,
    },
}

impl Verdict {
    /// The word for it in tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proved { .. } => "proved",
            Self::Statistical { .. } => "statistical",
            Self::Exhausted(_) => "exhausted",
            Self::Measured(_) => "measured",
            Self::Leaks(_) => "LEAKS",
            Self::Wrong(_) => "WRONG",
            Self::Unclaimed => "-",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether a counter-example was found.
    pub fn is_refuted(&self) -> bool {
        matches!(self, Self::Leaks(_) | Self::Wrong(_))
    }

    /// For the verdict on several: a counter-example, else unknown, measured, exhausted, statistical, proved.
    pub fn severity(&self) -> u8 {
        match self {
            Self::Proved { .. } | Self::Unclaimed => 0,
            Self::Statistical { .. } => 1,
            Self::Exhausted(_) => 2,
            Self::Measured(_) => 3,
            Self::Unknown { .. } => 4,
            Self::Leaks(_) | Self::Wrong(_) => 5,
        }
    }
}

/// The same text in a smaller ring, if it has only ring operations: those mean the same in every
/// ring Z[2^k]. A text with shifts, bits or elements of a field must be elaborated anew, and gives `None`.
pub fn shrink(problem: &Problem, k: u8) -> Option<Problem> {
    let polynomial = problem.flat.steps.iter().all(|step| match &step.op {
        FlatOp::Coin(_) | FlatOp::Send { .. } | FlatOp::Bilinear => true,
        FlatOp::Local(Local::Prim(prim)) => matches!(
            prim,
            Prim::Add | Prim::Sub | Prim::Mul | Prim::Neg | Prim::Not
        ),
        FlatOp::Local(local) => matches!(
            local,
            Local::Constant(_)
                | Local::Broadcast
                | Local::Gather
                | Local::InversePermutation
                | Local::Digest
        ),
        // A check of an honest run says nothing. Keys have types of their own.
        FlatOp::Check { .. } | FlatOp::Assert { .. } => true,
        FlatOp::Key(_) => false,
    });
    let amounts = problem.flat.params.iter().flat_map(operand_ids).any(|id| {
        problem
            .flat
            .values
            .get(*id as usize)
            .is_none_or(|info| info.kind == Kind::Scalar)
    });
    // Coefficients in a field are those of its prime, and mean nothing in another.
    let field = |elem: Elem| matches!(elem, Elem::Field(_));
    let operands = problem.params.iter().chain(&problem.results);
    let fields = problem.flat.values.iter().any(|value| field(value.elem))
        || operands.into_iter().any(|operand| match operand {
            Operand::Shared(sharing) => field(sharing.elem),
            Operand::Clear { elem, .. } => field(*elem),
        });
    if !polynomial || amounts || fields {
        return None;
    }
    let small = |elem: Elem| match elem {
        Elem::Ring(_) => Elem::Ring(k),
        Elem::Bits(_) => Elem::Bits(k),
        Elem::Field(_) | Elem::Fix => elem,
    };
    let mut shrunk = problem.clone();
    let mut flat = (*problem.flat).clone();
    for step in &mut flat.steps {
        let elem = flat.values[step.result as usize].elem;
        match &mut step.op {
            FlatOp::Coin(CoinDomain::Below(bound)) => {
                *bound = ranged(*bound, width(elem), k)?;
            }
            // A factor that is 0 in the small ring hides what it does not hide.
            FlatOp::Local(Local::Constant(c)) if literal(elem, *c) != 0 => {
                (literal(small(elem), *c) != 0).then_some(())?;
            }
            _ => {}
        }
    }
    for value in &mut flat.values {
        // A digest stays as long as it is, or others of its operands would have the same.
        if !matches!(value.kind, Kind::Rows | Kind::Digest) {
            value.elem = small(value.elem);
        }
    }
    for operand in shrunk.params.iter_mut().chain(&mut shrunk.results) {
        match operand {
            Operand::Shared(sharing) => sharing.elem = small(sharing.elem),
            Operand::Clear { elem, .. } => *elem = small(*elem),
        }
    }
    for ensures in &mut flat.claims.ensures {
        narrow(&mut ensures.claim, &small);
    }
    shrunk.flat = Arc::new(flat);
    shrunk.lowered = shrunk.flat.clone();
    Some(shrunk)
}

/// Whether coins cover as much of a small ring as of the one that is meant: a range of the one may be all
/// of the other, where it hides what it does not hide.
pub(crate) fn alike(full: &Problem, small: &Problem) -> bool {
    let parts = |problem: &Problem| {
        let ranges = problem.flat.steps.iter().filter_map(|step| match step.op {
            FlatOp::Coin(CoinDomain::Below(bound)) => {
                Some((bound, order(problem.flat.values[step.result as usize].elem)))
            }
            _ => None,
        });
        let whole = ranges.filter(|(bound, order)| *bound == 0 || *order != 0 && bound >= order);
        whole.count()
    };
    parts(small) <= parts(full)
}

/// A range of Z[2^m] in Z[2^k]: the same part of the ring, or as many elements if that is less than all.
fn ranged(bound: u128, m: u8, k: u8) -> Option<u128> {
    let (all, whole) = (order(Elem::Ring(m)), order(Elem::Ring(k)));
    if bound == 0 || all != 0 && bound >= all {
        return Some(whole);
    }
    let part = u32::from(m).checked_sub(bound.trailing_zeros())?;
    if bound.is_power_of_two() && part < u32::from(k) {
        return Some(whole >> part);
    }
    (bound < whole).then_some(bound)
}

/// The element types that a claim names, in the small ring.
fn narrow(term: &mut Term, small: &impl Fn(Elem) -> Elem) {
    match term {
        Term::Cast(inner, elem) => {
            *elem = small(*elem);
            narrow(inner, small);
        }
        Term::Apply(_, args) => args.iter_mut().for_each(|arg| narrow(arg, small)),
        _ => {}
    }
}
