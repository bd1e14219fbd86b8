//! Where assignments are too many: random executions.

use super::{Allowed, Kept, Refutation, View, domains, draw, leak};
use crate::machine::{Machine, Random};
use crate::problem::Problem;
use crate::verdict::{Inputs, Limits, Told};
use smpc_ir::party::PartySet;

/// Steps of sampled executions for one question: in long protocols few samples tell nothing anyway.
const SAMPLED: u64 = 20_000_000;

/// How often low bits of single elements of a view, and of sums and differences of two, were what, in one case and in
/// the other.
struct Tally {
    elements: usize,
    counts: Vec<[u64; 2]>,
    runs: [u64; 2],
}

impl Tally {
    fn new(view: &View) -> Self {
        let elements = view.ids.len().min(24);
        Self {
            elements,
            counts: vec![[0; 2]; elements * elements * 16],
            runs: [0; 2],
        }
    }

    fn count(&mut self, machine: &Machine, view: &View, which: usize) {
        let elements = self.elements;
        let cell = |i: usize, j: usize, op: usize, word: u128| {
            ((i * elements + j) * 4 + op) * 4 + (word & 3) as usize
        };
        self.runs[which] += 1;
        for i in 0..elements {
            let a = machine.value(view.ids[i].0)[0];
            self.counts[cell(i, i, 0, a)][which] += 1;
            for j in 0..i {
                let b = machine.value(view.ids[j].0)[0];
                let pairs = [(1, a.wrapping_add(b)), (2, a.wrapping_sub(b)), (3, a ^ b)];
                for (op, word) in pairs {
                    self.counts[cell(i, j, op, word)][which] += 1;
                }
            }
        }
    }

    /// The element at which the cases differ, by more than eight standard deviations.
    fn fault(&self) -> Option<usize> {
        let at = self.counts.iter().position(differ)?;
        Some(at / (16 * self.elements))
    }
}

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
    let domains = domains(problem, machine.rows);
    let mut random = Random(0x5eed);
    let mut runs = 0;
    let steps = problem.flat.steps.len().max(1) as u64;
    let samples = limits.samples.min((SAMPLED / 8 / steps).max(100));
    let allowed = Allowed::new(problem, coalition);
    let fault = |inputs: [Inputs; 2], at: Option<usize>, told: Told| {
        let message = at.and_then(|at| view.ids[at].1);
        let mut found = leak(problem, coalition, inputs, message);
        (found.exact, found.told) = (false, told);
        Refutation::Leak(Box::new(found))
    };
    for pair in 0..4 {
        let first = draw(&domains, &mut random);
        let mut second = draw(&domains, &mut random);
        if pair < 2 {
            // Far apart values, and values one apart, beside random ones.
            for (a, b) in first.iter().zip(&mut second) {
                for (a, b) in a.iter().zip(b) {
                    *b = if pair == 0 { !a } else { a.wrapping_add(1) };
                }
            }
            for (rows, (bound, _)) in second.iter_mut().zip(&domains) {
                for word in rows {
                    *word = match bound {
                        1 => 1,
                        0 => *word,
                        _ => *word % bound,
                    };
                }
            }
        }
        if allowed.of(&first) != allowed.of(&second) {
            continue;
        }
        let mut tally = Tally::new(view);
        for (which, inputs) in [&first, &second].into_iter().enumerate() {
            for _ in 0..samples {
                machine.load(problem, inputs, 0, &mut random);
                machine.run(&mut random);
                runs += 1;
                tally.count(machine, view, which);
            }
        }
        if let Some(at) = tally.fault() {
            return fault([first, second], Some(at), Told::Inputs);
        }
    }
    let kept = Kept::new(problem, coalition);
    let inputs = draw(&domains, &mut random);
    let mut tally = Tally::new(view);
    for _ in 0..if kept.order { 2 * samples } else { 0 } {
        machine.load(problem, &inputs, 0, &mut random);
        machine.run(&mut random);
        runs += 1;
        if let Some(swapped) = kept.swapped(machine, problem, &inputs) {
            tally.count(machine, view, usize::from(swapped));
        }
    }
    let at = tally.fault();
    if at.is_some() || differ(&tally.runs) {
        return fault([inputs.clone(), inputs], at, Told::Order);
    }
    Refutation::Sampled { runs }
}
