//! What operands are tried: all elements of their types, lists of public numbers, numbers that the text names.

use crate::claim::{Instance, constant};
use crate::element::{literal, order, reduce, signed, width};
use crate::machine::{Choice, Random, evaluate};
use crate::problem::{Operand, Problem, Spec, operand_ids};
use crate::requires::elems;
use crate::verdict::Inputs;
use smpc_ir::claim::Term;
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{Elem, PartySet};
use std::collections::{BTreeMap, BTreeSet};

/// Elements of a ring that is enumerated whole for a public number.
const WHOLE: u128 = 64;
/// Values of all public numbers together.
const TUPLES: usize = 1 << 14;
/// Constants of a text that are taken for operands.
const CONSTANTS: usize = 64;

/// What each operand is drawn from.
pub(crate) struct Domains {
    /// How many values each row may have, 0 standing for 2^128, and how many rows there are; of a public number (1, 1).
    params: Vec<(u128, usize)>,
    /// Which parameters are public numbers.
    amounts: Vec<usize>,
    /// Their values that are tried, one of each together.
    tuples: Vec<Vec<u128>>,
}

impl Domains {
    pub fn new(problem: &Problem, rows: usize) -> Self {
        let amounts: Vec<usize> = amount_params(problem).collect();
        let params = elems(&problem.params);
        let params = params.iter().enumerate();
        let params = params.map(|(at, elem)| match amounts.contains(&at) {
            true => (1, 1),
            false => (order(*elem), rows),
        });
        Self {
            params: params.collect(),
            tuples: tuples(problem, &amounts),
            amounts,
        }
    }

    /// Whether a parameter is a public number.
    pub fn is_amount(&self, param: usize) -> bool {
        self.amounts.contains(&param)
    }

    /// Whether two parameters have the same values.
    pub fn same(&self, a: usize, b: usize) -> bool {
        !self.is_amount(a) && !self.is_amount(b) && self.params.get(a) == self.params.get(b)
    }

    /// How many values a parameter may have, 0 standing for 2^128.
    pub fn order(&self, param: usize) -> u128 {
        self.params[param].0
    }

    /// Whether there is a public number of which no value can be tried.
    pub fn is_empty(&self) -> bool {
        !self.amounts.is_empty() && self.tuples.is_empty()
    }

    /// How many operands there are, as a power of two.
    pub fn bits(&self) -> f64 {
        let bits = |(bound, rows): &(u128, usize)| match *bound {
            0 => *rows as f64 * 128.0,
            bound => *rows as f64 * (bound as f64).log2(),
        };
        let all: f64 = self.params.iter().map(bits).sum();
        all + (self.tuples.len().max(1) as f64).log2()
    }

    /// Operands, public numbers first.
    pub fn draw(&self, choice: &mut dyn Choice) -> Inputs {
        let tuple = match self.tuples.len() {
            0 => None,
            1 => self.tuples.first(),
            count => self.tuples.get(choice.below(count as u128) as usize),
        };
        let mut inputs: Inputs = Vec::with_capacity(self.params.len());
        for (bound, rows) in &self.params {
            inputs.push(
                (0..*rows)
                    .map(|_| match *bound {
                        1 => 1,
                        bound => choice.below(bound),
                    })
                    .collect(),
            );
        }
        if let Some(tuple) = tuple {
            set_amounts(&self.amounts, &mut inputs, tuple);
        }
        inputs
    }

    /// Values of the public numbers, one of each together.
    pub fn tuples(&self) -> &[Vec<u128>] {
        &self.tuples
    }

    /// Public numbers for a random run: of those that are tried, or, of a protocol that is no standard operation, any.
    pub fn tuple(&self, problem: &Problem, random: &mut Random) -> Vec<u128> {
        let elems = elems(&problem.params);
        for _ in 0..8 {
            if problem.spec != Spec::Unspecified || random.below(2) == 0 {
                break;
            }
            let any = self.amounts.iter().map(|at| number(elems[*at], random));
            let any: Vec<u128> = any.collect();
            if may_be(problem, &self.amounts, &any) {
                return any;
            }
        }
        match self.tuples.len() {
            0 => vec![1; self.amounts.len()],
            count => self.tuples[random.below(count as u128) as usize].clone(),
        }
    }

    /// Gives the public numbers their values.
    pub fn set(&self, inputs: &mut Inputs, tuple: &[u128]) {
        set_amounts(&self.amounts, inputs, tuple);
    }

    /// Gives two inputs the same public numbers, which everybody knows.
    pub fn share(&self, [first, second]: &mut [Inputs; 2]) {
        for at in &self.amounts {
            second[*at].clone_from(&first[*at]);
        }
    }

    /// The parameters that are public numbers.
    pub fn amounts(&self) -> &[usize] {
        &self.amounts
    }
}

fn set_amounts(amounts: &[usize], inputs: &mut Inputs, tuple: &[u128]) {
    for (at, amount) in amounts.iter().zip(tuple) {
        inputs[*at] = vec![*amount];
    }
}

/// Which parameters are public numbers: one for the whole of a call, known to all who compute.
pub(crate) fn amount_params(problem: &Problem) -> impl Iterator<Item = usize> + '_ {
    let all = PartySet::first(problem.computing.parties);
    (0..problem.params.len()).filter(move |at| {
        let id = operand_ids(&problem.flat.params[*at])[0];
        let scalar = problem.flat.values[id as usize].kind == Kind::Scalar;
        match &problem.params[*at] {
            Operand::Clear { elem, known_to } => {
                scalar && matches!(elem, Elem::Ring(_)) && known_to.intersection(all) == all
            }
            Operand::Shared(_) => false,
        }
    })
}

/// A signed number of any length.
pub(crate) fn number(elem: Elem, random: &mut Random) -> u128 {
    let length = random.below(u128::from(width(elem)) + 1) as u32;
    let magnitude = random.below(0) & (1u128 << length.min(127)).wrapping_sub(1);
    let magnitude = reduce(elem, magnitude);
    match random.below(2) {
        0 => magnitude,
        _ => crate::element::neg(elem, magnitude),
    }
}

/// The integers that stand in steps and clauses of a text, other than 0 and ±1.
pub(crate) fn constants(problem: &Problem) -> Vec<i128> {
    let mut found = BTreeSet::new();
    for step in &problem.flat.steps {
        if let FlatOp::Local(Local::Constant(value)) = step.op {
            let elem = problem.flat.values[step.result as usize].elem;
            // As a signed number, too.
            found.extend([value, signed(elem, literal(elem, value))]);
        }
    }
    let claims = &problem.flat.claims;
    let requires = claims.requires.iter().map(|requires| &requires.claim);
    for term in requires.chain(claims.ensures.iter().map(|ensures| &ensures.claim)) {
        integers(term, &mut found);
    }
    let found = found.into_iter().filter(|value| value.unsigned_abs() > 1);
    let mut found: Vec<i128> = found.collect();
    found.sort_by_key(|value| value.unsigned_abs());
    found.truncate(CONSTANTS);
    found
}

fn integers(term: &Term, found: &mut BTreeSet<i128>) {
    if let Some(value) = constant(term) {
        found.insert(value);
        return;
    }
    match term {
        Term::Cast(inner, _) => integers(inner, found),
        Term::Apply(_, args) => args.iter().for_each(|arg| integers(arg, found)),
        _ => {}
    }
}

/// The public numbers that are tried. Those of a standard operation are shifts, of which a script has any that leaves room
/// for an offset. Any other is a number of its own: all of a small ring, what is near its width, near to what the text
/// names and to powers of two by which it shifts, and the ends of its own type.
fn list(problem: &Problem, elem: Elem) -> Vec<u128> {
    let flat = &problem.flat;
    let shaped = flat.values.iter().filter(|v| v.kind != Kind::Scalar);
    let rings = shaped.filter(|v| matches!(v.elem, Elem::Ring(_) | Elem::Field(_)));
    let widest = rings.map(|v| v.elem).max_by_key(|elem| width(*elem));
    let k = i128::from(widest.map_or(64, width));
    if problem.spec != Spec::Unspecified {
        return (1..=(k - 2).max(1)).map(|f| literal(elem, f)).collect();
    }
    let whole = widest.map_or(0, order);
    let mut all: Vec<i128> = match (1..=WHOLE).contains(&whole) {
        true => (0..whole as i128).collect(),
        false => (0..=4).collect(),
    };
    all.extend([-1, k, k + 1, k - 1, k - 2, -2]);
    for value in constants(problem) {
        all.extend([
            value,
            value.saturating_add(1),
            value.saturating_sub(1),
            value.saturating_neg(),
        ]);
        if let Ok(by @ 1..127) = u32::try_from(value) {
            all.extend([1 << by, (1 << by) - 1]);
        }
    }
    let bits = u32::from(width(elem)).min(126);
    let half = 1i128 << bits.saturating_sub(1);
    all.extend([1 << (bits / 2), half - 1, -half]);
    let mut words: Vec<u128> = Vec::new();
    for value in all {
        let word = literal(elem, value);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn tuples(problem: &Problem, amounts: &[usize]) -> Vec<Vec<u128>> {
    if amounts.is_empty() {
        return Vec::new();
    }
    let elems = elems(&problem.params);
    let mut lists: Vec<Vec<u128>> = amounts.iter().map(|at| list(problem, elems[*at])).collect();
    // Of many public numbers the first values of each.
    while lists.iter().map(Vec::len).product::<usize>() > TUPLES {
        let longest = lists.iter_mut().max_by_key(|list| list.len());
        if longest.is_none_or(|list| list.pop().is_none()) {
            break;
        }
    }
    let mut all: Vec<Vec<u128>> = vec![Vec::new()];
    for list in &lists {
        let longer = |tuple: &Vec<u128>| -> Vec<Vec<u128>> {
            list.iter()
                .map(|word| [tuple.as_slice(), &[*word]].concat())
                .collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all.retain(|tuple| may_be(problem, amounts, tuple));
    all
}

/// Whether what the text requires of public numbers alone holds, and no run ends by itself at a negative shift or a division
/// by 0 that is computed from them alone.
pub(crate) fn may_be(problem: &Problem, amounts: &[usize], tuple: &[u128]) -> bool {
    let params = elems(&problem.params);
    let mut inputs: Inputs = vec![vec![0]; params.len()];
    set_amounts(amounts, &mut inputs, tuple);
    let instance = Instance {
        params: &params,
        results: &[],
        inputs: &inputs,
        outputs: &[],
    };
    let mut requires = problem.flat.claims.requires.iter();
    let admitted = requires.all(|requires| {
        !of(&requires.claim, &|param| amounts.contains(&param))
            || instance.requires(&requires.claim, 1)
    });
    admitted && (problem.spec != Spec::Unspecified || computes(problem, amounts, tuple))
}

/// Whether a term has parameters in it, and all are such ones.
pub(crate) fn of(term: &Term, such: &dyn Fn(usize) -> bool) -> bool {
    let found = params_in(term);
    !found.is_empty() && found.into_iter().all(such)
}

/// The parameters in a term.
pub(crate) fn params_in(term: &Term) -> Vec<usize> {
    match term {
        Term::Param(at) => vec![*at as usize],
        Term::Cast(inner, _) => params_in(inner),
        Term::Apply(_, args) => args.iter().flat_map(params_in).collect(),
        _ => Vec::new(),
    }
}

fn computes(problem: &Problem, amounts: &[usize], tuple: &[u128]) -> bool {
    let flat = &problem.flat;
    let elem = |id: &u32| flat.values[*id as usize].elem;
    let mut known: BTreeMap<u32, u128> = BTreeMap::new();
    for (at, word) in amounts.iter().zip(tuple) {
        known.insert(operand_ids(&flat.params[*at])[0], *word);
    }
    for step in &flat.steps {
        let FlatOp::Local(Local::Prim(prim)) = step.op else {
            if let FlatOp::Local(Local::Constant(value)) = step.op {
                known.insert(step.result, literal(elem(&step.result), value));
            }
            continue;
        };
        let by = step
            .args
            .get(1)
            .and_then(|id| Some((elem(id), *known.get(id)?)));
        if let Some((elem, word)) = by {
            let ends = match prim {
                Prim::Shl | Prim::Shr | Prim::ShrLogical => signed(elem, word) < 0,
                Prim::Div | Prim::Rem => word == 0,
                _ => false,
            };
            if ends {
                return false;
            }
        }
        let words: Option<Vec<u128>> = step.args.iter().map(|id| known.get(id).copied()).collect();
        if let Some(words) = words.filter(|words| (1..=3).contains(&words.len())) {
            let (mut args, mut elems) = ([0; 3], [elem(&step.result); 3]);
            for (at, (word, id)) in words.iter().zip(&step.args).enumerate() {
                (args[at], elems[at]) = (*word, elem(id));
            }
            known.insert(step.result, evaluate(prim, args, elems, elem(&step.result)));
        }
    }
    true
}

/// The least and the largest that the text lets an operand be, as a signed number; nothing where it bounds neither.
pub(crate) type Within = Option<(i128, i128)>;

/// A uniform number within bounds.
pub(crate) fn within((low, high): (i128, i128), elem: Elem, random: &mut Random) -> u128 {
    let count = high.wrapping_sub(low).cast_unsigned().wrapping_add(1);
    literal(elem, low.wrapping_add(random.below(count).cast_signed()))
}

/// A number that the text names, or one beside it.
pub(crate) fn named(constants: &[i128], elem: Elem, random: &mut Random) -> Option<u128> {
    let count = constants.len() as u128;
    let value = *constants.get(random.below(count.max(1)) as usize)?;
    let beside = random.below(3) as i128 - 1;
    Some(literal(elem, value.wrapping_add(beside)))
}
