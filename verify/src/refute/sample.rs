//! Where assignments are too many: random executions.

use super::shown::named;
use super::{Allowed, Kept, Refutation, View, leak, small};
use crate::element::{reduce, width};
use crate::machine::{Choice, Machine, Random};
use crate::operands::{self, Domains};
use crate::problem::Problem;
use crate::requires::{Required, elems, has_range};
use crate::verdict::{self, Inputs, Limits, Seen, Told};
use smpc_ir::party::{Elem, PartySet};

/// Steps of sampled executions for one question: in long protocols few samples tell nothing anyway.
const SAMPLED: u64 = 20_000_000;

/// How often low bits of single elements of a view, and of sums and differences of two, were what, in one case and in
/// the other.
struct Tally {
    elements: usize,
    elems: Vec<Elem>,
    /// Whether high bits are counted, too: they are what a mask on a range does not cover.
    high: bool,
    counts: Vec<[u64; 2]>,
    runs: [u64; 2],
}

/// What is counted of two elements: itself, sum, difference and exclusive or, by two low bits, then by two high ones.
const KINDS: usize = 8;

impl Tally {
    fn new(problem: &Problem, view: &View) -> Self {
        let elements = view.ids.len().min(24);
        let elem = |(id, _): &(u32, Option<u32>)| problem.flat.values[*id as usize].elem;
        Self {
            elements,
            elems: view.ids[..elements].iter().map(elem).collect(),
            high: has_range(problem),
            counts: vec![[0; 2]; elements * elements * KINDS * 4],
            runs: [0; 2],
        }
    }

    fn count(&mut self, machine: &Machine, view: &View, which: usize) {
        self.runs[which] += 1;
        for i in 0..self.elements {
            let a = machine.value(view.ids[i].0)[0];
            self.one(i, i, 0, a, which);
            for j in 0..i {
                let b = machine.value(view.ids[j].0)[0];
                let pairs = [(1, a.wrapping_add(b)), (2, a.wrapping_sub(b)), (3, a ^ b)];
                for (op, word) in pairs {
                    self.one(i, j, op, word, which);
                }
            }
        }
    }

    fn one(&mut self, i: usize, j: usize, op: usize, word: u128, which: usize) {
        let elements = self.elements;
        let cell =
            |op: usize, word: u128| ((i * elements + j) * KINDS + op) * 4 + (word & 3) as usize;
        self.counts[cell(op, word)][which] += 1;
        let elem = self.elems[i];
        if self.high && elem == self.elems[j] && matches!(elem, Elem::Ring(m) if m > 3) {
            let top = reduce(elem, word) >> (width(elem) - 2);
            self.counts[cell(op + 4, top)][which] += 1;
        }
    }

    /// Where the cases differ, by more than eight standard deviations.
    fn fault(&self) -> Option<usize> {
        self.counts.iter().position(differ)
    }

    /// The element of the view at which they do.
    fn element(&self, at: usize) -> usize {
        at / (4 * KINDS * self.elements)
    }

    /// What was counted there, in words.
    fn shown(&self, problem: &Problem, view: &View, at: usize) -> verdict::View {
        let (i, j) = (self.element(at), at / (4 * KINDS) % self.elements);
        let (op, word) = (at / 4 % KINDS, at % 4);
        let name = |element: usize| {
            let (id, message) = view.ids[element];
            named(problem, id, message)
        };
        let ((first, source), (second, _)) = (name(i), name(j));
        let end = if op < 4 { "low" } else { "high" };
        let of = match op % 4 {
            0 => first,
            1 => format!("{first} + {second}"),
            2 => format!("{first} - {second}"),
            _ => format!("{first} ^ {second}"),
        };
        verdict::View {
            seen: vec![Seen {
                what: format!("two {end} bits of {of}"),
                values: vec![word as u128],
                source,
            }],
            often: self.counts[at],
            runs: self.runs[0],
        }
    }
}

/// Two inputs that the text admits: far apart, one apart, then random ones; of any length where something is required, and small
/// ones where a result must be the same on both.
fn pair(
    problem: &Problem,
    allowed: &Allowed<'_>,
    rows: usize,
    number: usize,
    random: &mut Random,
) -> Option<[Inputs; 2]> {
    let (domains, required) = (Domains::new(problem, rows), Required::of(problem));
    if !required.is_empty() || allowed.declares() {
        let (elems, within) = (elems(&problem.params), required.within());
        for tried in 0..TRIED {
            let few = allowed.declares() && tried % 2 == 1;
            let mut both = [0, 1].map(|_| {
                let mut inputs = domains.draw(random);
                for (at, (words, elem)) in inputs.iter_mut().zip(&elems).enumerate() {
                    if domains.is_amount(at) {
                        continue;
                    }
                    let bounds = within[at].filter(|_| random.below(2) == 0);
                    for word in words {
                        *word = match bounds {
                            Some(bounds) => operands::within(bounds, *elem, random),
                            None if few => small(*elem, random),
                            None if random.below(2) == 0 => operands::number(*elem, random),
                            None => *word,
                        };
                    }
                }
                inputs
            });
            domains.share(&mut both);
            let [first, second] = &both;
            let same = !allowed.declares() || first != second && allowed.alike(first, second, rows);
            if same && both.iter().all(|inputs| required.admits(inputs, rows)) {
                return Some(both);
            }
        }
        return None;
    }
    let first = domains.draw(random);
    let mut second = domains.draw(random);
    if number < 2 {
        for (a, b) in first.iter().zip(&mut second) {
            for (a, b) in a.iter().zip(b) {
                *b = if number == 0 { !a } else { a.wrapping_add(1) };
            }
        }
        for (at, rows) in second.iter_mut().enumerate() {
            let bound = domains.order(at);
            for word in rows.iter_mut().filter(|_| bound != 0) {
                *word %= bound;
            }
        }
    }
    let mut both = [first, second];
    domains.share(&mut both);
    Some(both)
}

/// Pairs drawn until the text admits one.
const TRIED: usize = 2_000;

fn differ([a, b]: &[u64; 2]) -> bool {
    let (a, b) = (*a as f64, *b as f64);
    (a - b).abs() > 8.0 * (a + b).sqrt() && (a - b).abs() > 40.0
}

/// Compares views of pairs of inputs, and of the two orders of a shuffle's rows.
pub(super) fn sample(
    problem: &Problem,
    coalition: PartySet,
    limits: &Limits,
    machine: &mut Machine,
    view: &View,
) -> Refutation {
    let domains = Domains::new(problem, machine.rows);
    let mut random = Random(0x5eed);
    let mut runs = 0;
    let steps = problem.flat.steps.len().max(1) as u64;
    let samples = limits.samples.min((SAMPLED / 8 / steps).max(100));
    let allowed = Allowed::new(problem, coalition);
    let fault = |inputs: [Inputs; 2], at: Option<usize>, told: Told, seen: verdict::View| {
        let message = at.and_then(|at| view.ids[at].1);
        let mut found = leak(problem, coalition, inputs, message);
        (found.exact, found.told, found.view) = (false, told, seen);
        Refutation::Leak(Box::new(found))
    };
    for number in 0..4 {
        let Some([first, second]) = pair(problem, &allowed, machine.rows, number, &mut random)
        else {
            continue;
        };
        if !allowed.alike(&first, &second, machine.rows) {
            continue;
        }
        let mut tally = Tally::new(problem, view);
        for (which, inputs) in [&first, &second].into_iter().enumerate() {
            for _ in 0..samples {
                machine.load(problem, inputs, 0, &mut random);
                machine.run(&mut random);
                runs += 1;
                tally.count(machine, view, which);
            }
        }
        if let Some(at) = tally.fault() {
            let element = tally.element(at);
            let view = tally.shown(problem, view, at);
            return fault([first, second], Some(element), Told::Inputs, view);
        }
    }
    let kept = Kept::new(problem, coalition);
    let inputs = domains.draw(&mut random);
    let mut tally = Tally::new(problem, view);
    for _ in 0..if kept.order { 2 * samples } else { 0 } {
        machine.load(problem, &inputs, 0, &mut random);
        machine.run(&mut random);
        runs += 1;
        if let Some(swapped) = kept.swapped(machine, problem, &inputs) {
            tally.count(machine, view, usize::from(swapped));
        }
    }
    let at = tally.fault().map(|at| tally.element(at));
    if at.is_some() || differ(&tally.runs) {
        let nothing = verdict::View::default();
        return fault([inputs.clone(), inputs], at, Told::Order, nothing);
    }
    Refutation::Sampled { runs }
}
