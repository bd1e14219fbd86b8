//! Views that are linear over Z_2, decided at full width.
//!
//! Where all that a coalition sees is linear in the bits of coins and of operands, its view is A·c + B·s for uniform
//! coins c and operands s, and what it knows. If every column of B is a sum of columns of A, the coins c + X·s instead of c, with
//! B = A·X, take the operands out of the view, and are as uniform. Else there is a sum of bits of the view in which no coin
//! is left, and an operand is. So the rank decides: small rings need not, whose maps are others.

use crate::bare::{Pair, told};
use crate::certificate::{Assumption, Element, Name};
use crate::element::{coefficient, is_bits, width};
use crate::machine::Random;
use crate::problem::{Malformed, Operand, Problem, Spec, operand_ids};
use crate::refute::{Allowed, first_elem, leak};
use crate::sharing;
use crate::symbolic::{Class, Execution, expansion};
use crate::term::{Bit, Poly, Support, Symbol};
use crate::verdict::{self, Exhausted, Leak, Verdict, View, Wrong};
use smpc_ir::flat::Kind;
use smpc_ir::local::Prim;
use smpc_ir::party::{Elem, PartySet};
use std::collections::{BTreeMap, BTreeSet};

/// Bits of a view that are looked at.
const BITS: usize = 1 << 10;

/// The rows of a linear map, by elimination: each with what it is a sum of.
#[derive(Default)]
struct Reduced {
    /// By the first column: the columns of coins, those of operands, and the rows that were added.
    rows: BTreeMap<(Symbol, u8), Row>,
}

type Columns = BTreeSet<(Symbol, u8)>;

#[derive(Clone, Debug, Default)]
struct Row {
    coins: Columns,
    operands: Columns,
    of: BTreeSet<usize>,
}

fn plus<T: Ord + Copy>(into: &mut BTreeSet<T>, other: &BTreeSet<T>) {
    for one in other {
        if !into.remove(one) {
            into.insert(*one);
        }
    }
}

impl Reduced {
    /// Adds a row; what is left of it if no coin is.
    fn insert(&mut self, mut row: Row) -> Option<Row> {
        while let Some(first) = row.coins.first().copied() {
            let Some(known) = self.rows.get(&first) else {
                self.rows.insert(first, row);
                return None;
            };
            plus(&mut row.coins, &known.coins);
            plus(&mut row.operands, &known.operands);
            plus(&mut row.of, &known.of);
        }
        Some(row)
    }
}

/// Symbols by what they are here.
struct Classes {
    coins: Support,
    unknown: Support,
    noise: Support,
}

impl Classes {
    fn new(run: &Execution) -> Self {
        let (coins, noise) = (run.of_class(Class::Pad), run.of_class(Class::Noise));
        let mut unknown = run.of_class(Class::Secret);
        unknown.extend(&coins);
        unknown.extend(&noise);
        Self {
            coins,
            unknown,
            noise,
        }
    }

    /// The bits of a term by columns; nothing if it is not linear, or has a coin in it that is drawn once for many elements
    /// or is not uniform.
    fn rows(&self, run: &Execution, term: &Poly, kind: Kind) -> Option<(Poly, Vec<Row>)> {
        let support = run.terms.support(term);
        let unknown = support.common(&self.unknown);
        let single = |symbol: Symbol| {
            let info = &run.symbols[symbol.0 as usize];
            info.kind == kind && !matches!(info.name, Name::Key { .. })
        };
        let plain = !matches!(kind, Kind::Rows | Kind::Digest);
        if support.meets(&self.noise) || !plain || !unknown.iter().all(single) {
            return None;
        }
        let (rest, bits) = run.terms.linear(term, &unknown)?;
        let row = |bit: Bit| {
            let (coins, operands) = bit
                .sum
                .into_iter()
                .partition(|(symbol, _)| self.coins.contains(*symbol));
            Row {
                coins,
                operands,
                of: BTreeSet::new(),
            }
        };
        Some((rest, bits.into_iter().map(row).collect()))
    }
}

/// A view as a linear map.
struct Seen {
    /// Of each message what does not follow from what is known.
    rest: Vec<Poly>,
    /// All of their bits, with the message that each is of.
    rows: Vec<(usize, u8, Row)>,
}

impl Seen {
    fn new(run: &Execution, classes: &Classes) -> Option<Self> {
        let (mut all, mut left) = (Vec::new(), Vec::new());
        for (at, (_, kind, term)) in run.view.iter().enumerate() {
            let (rest, rows) = classes.rows(run, term, *kind)?;
            left.push(rest);
            for (bit, row) in (0u8..).zip(rows) {
                all.push((at, bit, row));
            }
            if all.len() > BITS {
                return None;
            }
        }
        Some(Self {
            rest: left,
            rows: all,
        })
    }
}

fn decided(problem: &Problem) -> Verdict {
    Verdict::Exhausted(Exhausted {
        rings: vec![width(first_elem(problem))],
        by_rank: true,
        ..Exhausted::default()
    })
}

/// Privacy against one coalition, for fresh sharings of the operands, if its view is linear; nothing if it is not, or if it tells
/// something that it may tell.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn privacy(
    problem: &Problem,
    coalition: PartySet,
) -> Result<Option<Verdict>, Malformed> {
    let mut run = Execution::new(problem, coalition, Assumption::Fresh, expansion(problem))?;
    let Some(seen) = Seen::new(&run, &Classes::new(&run)) else {
        return Ok(None);
    };
    let rows = &seen.rows;
    if rows.is_empty() || problem.spec == Spec::Shuffle {
        return Ok(None);
    }
    let mut reduced = Reduced::default();
    for (number, (_, _, row)) in rows.iter().enumerate() {
        let mut row = row.clone();
        row.of.insert(number);
        if let Some(left) = reduced.insert(row)
            && !left.operands.is_empty()
        {
            let of = left.of.iter().map(|at| (rows[*at].0, rows[*at].1));
            let of: Vec<(usize, u8)> = of.collect();
            let found = leaking(problem, &mut run, coalition, &seen, &of);
            return Ok(found.map(|leak| Verdict::Leaks(Box::new(leak))));
        }
    }
    Ok(Some(decided(problem)))
}

/// Two inputs on which a sum of bits of messages is another, whatever the coins.
fn leaking(
    problem: &Problem,
    run: &mut Execution,
    coalition: PartySet,
    seen: &Seen,
    of: &[(usize, u8)],
) -> Option<Leak> {
    let bit = Elem::Bits(1);
    let mut sum = Poly::constant(bit, 0);
    for (message, at) in of {
        let mut term = seen.rest[*message].clone();
        if !is_bits(term.elem()) {
            let all = Elem::Bits(width(term.elem()));
            term = run.terms.prim(Prim::Cast, &[term], all)?;
        }
        let slice = Prim::BitSlice {
            start: *at,
            step: 1,
        };
        sum = sum.add(&run.terms.prim(slice, &[term], bit)?);
    }
    let allowed = Allowed::new(problem, coalition);
    let pair: Pair = told(problem, run, &sum, &allowed, &mut Random(0x11fe))?;
    let step = |message: usize| match run.view[message].0 {
        Element::Message { step } => Some(step),
        _ => None,
    };
    let last = of.iter().map(|(message, _)| *message).max()?;
    let mut found: Leak = leak(problem, coalition, pair.inputs(run), step(last));
    let mut names: Vec<String> = Vec::new();
    for message in of
        .iter()
        .map(|(message, _)| *message)
        .collect::<BTreeSet<_>>()
    {
        let bits = of.iter().filter(|(other, _)| *other == message);
        let bits: Vec<String> = bits.map(|(_, bit)| bit.to_string()).collect();
        let whole = seen.rest[message] == run.view[message].2;
        let less = if whole {
            ""
        } else {
            " without what is known of it"
        };
        let (bits, step) = (bits.join(", "), step(message)?);
        names.push(format!("bits {bits} of message {step}{less}"));
    }
    found.view = View {
        seen: vec![verdict::Seen {
            what: format!("the sum of {}", names.join(" and ")),
            values: vec![pair.found[0]],
            source: found.source,
        }],
        often: [1, 0],
        runs: 1,
    };
    Some(found)
}

/// Freshness of a result for one coalition, if its view and the components outside of it are linear.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn freshness(
    problem: &Problem,
    coalition: PartySet,
    result: usize,
) -> Result<Option<Verdict>, Malformed> {
    let Some(Operand::Shared(sharing)) = problem.results.get(result) else {
        return Ok(None);
    };
    if !sharing::parities(sharing).is_empty() || !sharing.keyed.is_empty() {
        return Ok(None);
    }
    let any = Assumption::AnySharing;
    let run = Execution::new(problem, coalition, any, expansion(problem))?;
    let classes = Classes::new(&run);
    let components = run.result(problem, result);
    let (Some(seen), Some(components)) = (Seen::new(&run, &classes), components) else {
        return Ok(None);
    };
    let ids = operand_ids(&problem.flat.results[result]);
    let kind = problem.flat.values[ids[0] as usize].kind;
    let mut value = Poly::constant(sharing.elem, 0);
    for (term, by) in components.iter().zip(&sharing.reconstruction) {
        value = value.add(&term.scale(coefficient(sharing.elem, *by)));
    }
    let mut before: Vec<Row> = seen.rows.into_iter().map(|(_, _, row)| row).collect();
    if run.terms.support(&value).meets(&classes.coins) {
        match classes.rows(&run, &value, kind) {
            Some((_, rows)) => before.extend(rows),
            None => return Ok(None),
        }
    }
    let mut reduced = Reduced::default();
    for row in before {
        reduced.insert(row);
    }
    let held = sharing::held(sharing, coalition);
    for choice in sharing::choices(sharing, &held, 8) {
        let rows = choice
            .iter()
            .map(|at| Some(classes.rows(&run, &components[*at], kind)?.1));
        let Some(rows) = rows.collect::<Option<Vec<Vec<Row>>>>() else {
            continue;
        };
        let mut rows = rows.into_iter().flatten();
        return Ok(Some(match rows.any(|row| reduced.insert(row).is_some()) {
            false => decided(problem),
            true => Verdict::Wrong(Box::new(Wrong {
                what: format!(
                    "a sum of bits of components of the result is no matter of chance for {}",
                    problem.set_name(coalition)
                ),
                elem: first_elem(problem),
                inputs: Vec::new(),
                got: Vec::new(),
            })),
        }));
    }
    Ok(None)
}
