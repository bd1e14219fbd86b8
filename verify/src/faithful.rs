//! Whether a ring of a few bits says anything of the same text at full width.
//!
//! A factor 2^10 is 0 in a ring of four bits, and so is what it brings into a message: enumeration there finds no
//! difference that it would make. So is x·(x-1)···(x-5) for every x, and 19 is 3. Such a ring counts as little as none.

mod met;
mod passed;
mod types;

pub(crate) use types::beside;

use crate::certificate::Assumption;
use crate::element::{is_bits, literal, mask, width};
use crate::lift::same;
use crate::problem::{Malformed, Problem};
use crate::symbolic::{Class, Execution};
use crate::term::Poly;
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, PartySet};
use std::collections::{BTreeMap, BTreeSet};

/// What is enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// What a coalition sees.
    View(PartySet),
    /// The same beside the components of a result.
    Sharing(PartySet, usize),
    /// The results.
    Results,
}

/// Why a small ring does not count, in words: coefficients, constants, shifted bits or polynomials that are something in the
/// text at full width are nothing in the small ring, or another number or polynomial; or element types, and bits that reach a
/// value, stand otherwise to the ring than at full width.
///
/// # Errors
/// A protocol breaks the rules of flat protocols.
pub(crate) fn vanishes(
    full: &Problem,
    small: &Problem,
    of: Of,
) -> Result<Option<String>, Malformed> {
    if same(full, small) {
        return Ok(None);
    }
    if let Some(why) = types::otherwise(full, small, of != Of::Results) {
        return Ok(Some(why));
    }
    if let Some(why) = passed::widened(full, small, of) {
        return Ok(Some(why));
    }
    Ok(differs(full, small, of)?.map(str::to_owned))
}

/// The same, widths apart.
fn differs(full: &Problem, small: &Problem, of: Of) -> Result<Option<&'static str>, Malformed> {
    if of != Of::Results && !full.decisions.within(&small.decisions) {
        return Ok(Some("conditions on widths come out otherwise"));
    }
    if foreign(full, small) {
        return Ok(Some("constants of the text are other numbers"));
    }
    let messages = match of {
        Of::View(coalition) | Of::Sharing(coalition, _) => messages_vanish(full, small, coalition)?,
        Of::Results => false,
    };
    if messages || steps_vanish(full, small, of) {
        return Ok(Some("factors or shifts of the text vanish"));
    }
    let enumerated = Enumerated::new(full, of, 24)?;
    if of != Of::Results && enumerated.moves() {
        return Ok(Some("sums of shifted bits of one number are other maps"));
    }
    if enumerated.powers_differ(full, small) {
        return Ok(Some("powers of the text are other maps"));
    }
    if polynomials_vanish(small, of)? {
        return Ok(Some("polynomials of the text may vanish on all elements"));
    }
    if met::unmet(full, small, of)? {
        return Ok(Some(match of {
            Of::Results => "steps of the text always come out the same",
            _ => "comparisons or products of the text are always the same",
        }));
    }
    Ok(None)
}

/// What stands at one place of a text.
#[derive(Clone, Default)]
struct Place {
    /// An operand that is 0 whatever the inputs.
    zero: bool,
    /// A shift by as many bits as there are.
    shifted: bool,
    /// Constants, with their types and whether they are compared.
    constants: Vec<(i128, Elem, bool)>,
}

/// What is known of a value, whatever the inputs.
#[derive(Clone, Copy)]
struct Fact {
    constant: Option<i128>,
    /// So many low bits are 0.
    zeros: u32,
    /// Bits that a shift to the right has left.
    bits: u32,
}

/// Whether an integer is an element as a signed number, or, if only its residue matters, as one from 0 on.
pub(crate) fn is_element(elem: Elem, value: i128, signed: bool) -> bool {
    match elem {
        Elem::Ring(m @ 1..=126) => {
            let above = if signed { m - 1 } else { m };
            -(1i128 << (m - 1)) <= value && value < 1 << above
        }
        Elem::Field(p) => match i128::try_from(p.modulus()) {
            Ok(p) => -p / 2 <= value && value < if signed { p / 2 + 1 } else { p },
            Err(_) => true,
        },
        Elem::Bits(m @ 1..=126) => value >= -1 && value < 1 << m,
        _ => true,
    }
}

/// What the steps at each place are, constants apart.
fn places(problem: &Problem) -> BTreeMap<(u32, u32), Place> {
    let flat = &problem.flat;
    let elem = |id: u32| flat.values[id as usize].elem;
    let whole = |id: u32| Fact {
        constant: None,
        zeros: 0,
        bits: u32::from(width(elem(id))),
    };
    let mut facts: Vec<Fact> = (0..flat.values.len() as u32).map(whole).collect();
    let mut places: BTreeMap<(u32, u32), Place> = BTreeMap::new();
    for step in &flat.steps {
        let own = &mut facts[step.result as usize].clone();
        let ring = matches!(elem(step.result), Elem::Ring(_));
        let arg = |at: usize| step.args.get(at).map(|id| facts[*id as usize]);
        let by = arg(1).and_then(|fact| fact.constant);
        if let FlatOp::Local(Local::Constant(value)) = step.op {
            own.constant = Some(value);
            let word = literal(elem(step.result), value);
            own.zeros = match word {
                0 => own.bits,
                word if ring => word.trailing_zeros(),
                _ => 0,
            };
            facts[step.result as usize] = *own;
            continue;
        }
        let place = places
            .entry((step.source.start, step.source.end))
            .or_default();
        let compares = step.op == FlatOp::Local(Local::Prim(Prim::Lt));
        for &id in &step.args {
            let fact = facts[id as usize];
            place.zero |= fact.zeros >= u32::from(width(elem(id)));
            let constant = fact.constant.map(|value| (value, elem(id), compares));
            place.constants.extend(constant);
        }
        match (&step.op, arg(0), arg(1)) {
            (FlatOp::Local(Local::Prim(Prim::Add | Prim::Sub)), Some(a), Some(b)) if ring => {
                own.zeros = a.zeros.min(b.zeros);
            }
            (FlatOp::Bilinear | FlatOp::Local(Local::Prim(Prim::Mul)), Some(a), Some(b))
                if ring =>
            {
                own.zeros = a.zeros + b.zeros;
            }
            (
                FlatOp::Local(Local::Prim(prim @ (Prim::Shl | Prim::Shr | Prim::ShrLogical))),
                Some(a),
                _,
            ) => {
                if let Some(by) = by {
                    place.shifted |= by >= i128::from(own.bits) || by >= i128::from(a.bits);
                    let by = u32::try_from(by).unwrap_or(u32::MAX);
                    match prim {
                        Prim::Shl if ring => own.zeros = a.zeros.saturating_add(by),
                        Prim::Shl => {}
                        _ => own.bits = a.bits.saturating_sub(by).max(1),
                    }
                }
            }
            (
                FlatOp::Local(Local::Prim(Prim::Neg)) | FlatOp::Send { .. } | FlatOp::Check { .. },
                Some(a),
                _,
            )
            | (FlatOp::Local(Local::Broadcast | Local::Gather), Some(a), _) => *own = a,
            (FlatOp::Local(Local::Sum { .. }), Some(a), _) => own.zeros = a.zeros,
            _ => {}
        }
        facts[step.result as usize] = *own;
    }
    places
}

/// Whether a constant of the text is no number of the small ring: as a signed number in a comparison, else as a residue. One
/// that is made from the width is another there, and not what is left of it modulo the small ring.
pub(crate) fn foreign(full: &Problem, small: &Problem) -> bool {
    let wide = places(full);
    let mut narrow = places(small).into_iter();
    narrow.any(|(at, place)| {
        let own = wide.get(&at).map_or(&[][..], |wide| &wide.constants);
        place.constants.iter().any(|(value, elem, compares)| {
            own.iter().any(|(wide, from, _)| {
                let ones = all_ones(*from, *wide) && all_ones(*elem, *value);
                !ones
                    && !is_element(*elem, *wide, *compares)
                    && !inverse(*elem, *wide)
                    && literal(*elem, *wide) == literal(*elem, *value)
            })
        })
    })
}

/// Whether a constant is a vector of ones, however long.
fn all_ones(elem: Elem, value: i128) -> bool {
    is_bits(elem) && literal(elem, value) == mask(elem)
}

/// Whether a constant of a field is so large that it is none that a text names, but a quotient of others.
fn inverse(elem: Elem, value: i128) -> bool {
    matches!(elem, Elem::Field(_)) && value.unsigned_abs() >= 1 << 32
}

/// Whether a step of the text is none in the small ring, because an operand is 0 there, or has an operand that is
/// 0 there, or shifts everything out, and does not do so at full width. Results are also tried at full width, where a step that random
/// values pass through cannot hide, as the levels of a tree that are fewer in the small ring.
fn steps_vanish(full: &Problem, small: &Problem, of: Of) -> bool {
    let narrow = places(small);
    places(full).iter().any(|(at, wide)| match narrow.get(at) {
        None => of != Of::Results,
        Some(narrow) => narrow.zero && !wide.zero || narrow.shifted && !wide.shifted,
    })
}

/// Products multiplied out to so many pairs of monomials: of long circuits the degrees are bounded.
const PAIRS: usize = 256;

/// Whether a polynomial that is enumerated may be 0 for all elements of the small ring.
fn polynomials_vanish(small: &Problem, of: Of) -> Result<bool, Malformed> {
    let coalition = match of {
        Of::View(coalition) | Of::Sharing(coalition, _) => coalition,
        Of::Results => PartySet::EMPTY,
    };
    let run = Execution::new(small, coalition, Assumption::Fresh, PAIRS)?;
    let view = run.view.iter().map(|(_, _, term)| term);
    let results = (0..small.results.len()).filter(|at| match of {
        Of::View(_) => false,
        Of::Sharing(_, result) => *at == result,
        Of::Results => true,
    });
    let results: Vec<Poly> = results
        .filter_map(|at| run.result(small, at))
        .flatten()
        .collect();
    Ok(run.terms.may_vanish(view.chain(&results), ring(small)))
}

/// What is enumerated at full width, as terms.
struct Enumerated {
    run: Execution,
    terms: Vec<Poly>,
}

impl Enumerated {
    fn new(full: &Problem, of: Of, limit: usize) -> Result<Self, Malformed> {
        let coalition = match of {
            Of::View(coalition) | Of::Sharing(coalition, _) => coalition,
            Of::Results => PartySet::EMPTY,
        };
        let run = Execution::new(full, coalition, Assumption::Fresh, limit)?;
        let results = (0..full.results.len()).filter(|at| match of {
            Of::View(_) => false,
            Of::Sharing(_, result) => *at == result,
            Of::Results => true,
        });
        let results = results.filter_map(|at| run.result(full, at)).flatten();
        let view = run.view.iter().map(|(_, _, term)| term.clone());
        let terms = view.chain(results).collect();
        Ok(Self { run, terms })
    }

    /// Whether there are sums of bits of one number in it, at several places by which they were moved: as maps they are
    /// regular in some rings and singular in others.
    fn moves(&self) -> bool {
        let run = &self.run;
        let mut symbols = run.of_class(Class::Secret);
        symbols.extend(&run.of_class(Class::Pad));
        symbols.extend(&run.of_class(Class::Noise));
        self.terms
            .iter()
            .any(|term| run.terms.moves(term, &symbols))
    }

    /// Whether there are powers that are bijections of the one field and not of the other: x^e is one where e and q - 1 have
    /// no common divisor.
    fn powers_differ(&self, full: &Problem, small: &Problem) -> bool {
        let field = |problem: &Problem| {
            let mut values = problem.flat.values.iter();
            values.find_map(|value| match value.elem {
                Elem::Field(p) => Some(p.modulus()),
                _ => None,
            })
        };
        let (Some(p), Some(q)) = (field(full), field(small)) else {
            return false;
        };
        let mut powers = BTreeSet::new();
        for term in &self.terms {
            self.run.terms.powers(term, &mut powers);
        }
        let bijection = |e: u32, q: u128| divisor(e.into(), q - 1) == 1;
        powers
            .into_iter()
            .any(|e| bijection(e, p) != bijection(e, q))
    }
}

/// The greatest common divisor.
fn divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// The width of the widest ring of elements.
fn ring(problem: &Problem) -> u8 {
    let shaped = problem.flat.values.iter();
    let shaped = shaped.filter(|value| !matches!(value.kind, Kind::Scalar | Kind::Digest));
    let rings = shaped.filter_map(|value| match value.elem {
        Elem::Ring(m) => Some(m),
        _ => None,
    });
    rings.max().unwrap_or(u8::MAX)
}

/// For each message to the coalition, its place and how many monomials with secrets it has, if it is a polynomial over
/// a ring.
type Counts = Vec<((u32, u32), Option<usize>)>;

fn counts(problem: &Problem, coalition: PartySet, limit: usize) -> Result<Counts, Malformed> {
    let run = Execution::new(problem, coalition, Assumption::Fresh, limit)?;
    let mut secrets = run.of_class(Class::Secret);
    secrets.extend(&run.of_class(Class::Pad));
    secrets.extend(&run.of_class(Class::Noise));
    let count = |term: &Poly| {
        let ring = matches!(term.elem(), Elem::Ring(_));
        (ring && run.terms.is_polynomial(term)).then(|| run.terms.monomials_of(term, &secrets))
    };
    let place = |element: &crate::certificate::Element| match element {
        crate::certificate::Element::Message { step } => {
            let source = problem.flat.steps[*step as usize].source;
            (source.start, source.end)
        }
        _ => (0, 0),
    };
    let view = run.view.iter();
    Ok(view
        .map(|(element, _, term)| (place(element), count(term)))
        .collect())
}

/// Whether a message has fewer monomials in the small ring than at full width.
fn messages_vanish(
    full: &Problem,
    small: &Problem,
    coalition: PartySet,
) -> Result<bool, Malformed> {
    const LIMIT: usize = 256;
    let (wide, narrow) = (
        counts(full, coalition, LIMIT)?,
        counts(small, coalition, LIMIT)?,
    );
    if wide.len() == narrow.len() {
        return Ok(wide.iter().zip(&narrow).any(|(wide, narrow)| {
            matches!((wide.1, narrow.1), (Some(wide), Some(narrow)) if narrow < wide)
        }));
    }
    // Loops over bits are shorter there: at one place of the text, the longest message.
    let most = |counts: &Counts| {
        let mut most: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for (at, count) in counts {
            if let Some(count) = count {
                let slot = most.entry(*at).or_default();
                *slot = (*slot).max(*count);
            }
        }
        most
    };
    let narrow = most(&narrow);
    Ok(most(&wide)
        .iter()
        .any(|(at, wide)| narrow.get(at).is_some_and(|narrow| narrow < wide)))
}
