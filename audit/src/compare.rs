//! Comparison of what the run computed with the shadow.

use std::collections::{HashMap, HashSet, VecDeque};

use smpc_ir::local::{Local, Prim, Source};
use smpc_ir::share::{Label, Op, Program, Step, Type, Value};

use crate::array::{Array, Data};
use crate::evaluate::{Environment, Evaluator, Stopped, Visitor, sensitive};
use crate::local::mask;

/// So far apart, fixed-point numbers that were read without error are told apart: four units of 2^-16.
const UNITS: f64 = 4.0 / 65536.0;

/// One value as the run computed it: the reconstruction of its components, or a clear value.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Signed integers.
    pub raw: Vec<i128>,
    /// The value is `raw / 2^scale`.
    pub scale: u8,
}

/// Values of the run by share-level value and iteration path: one counter for each enclosing loop
/// or tree, outermost first.
pub type Observations = HashMap<(u32, Vec<u64>), Observed>;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The exact value, or the product before its truncation, is outside the ring's signed range.
    Overflow,
    /// The value is in range and still off by about the ring's size: a probabilistic truncation
    /// failed, or something it was computed from is wrong.
    Wrong,
    /// An integer or a bit that is not what the operation gives, or a comparison of fixed-point numbers that are further apart
    /// than their errors.
    Unequal,
    /// Fewer than six significant bits are right where a divisor, a root, a logarithm or a receiver
    /// needs them.
    Precision,
}

/// One finding; only the first of its kind per place.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// Where the value was computed.
    pub source: Source,
    /// Where it was used, for [`Kind::Precision`].
    pub used: Option<Source>,
    /// Position in the tensor, outermost first; of each, the worst.
    pub index: Vec<usize>,
    /// In which iteration, outermost loop first.
    pub iteration: Vec<u64>,
    /// As computed.
    pub found: f64,
    /// As it should be.
    pub expected: f64,
    /// How many elements of the tensor are affected, of how many.
    pub affected: (usize, usize),
}

/// The outcome of an audit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In program order.
    pub findings: Vec<Finding>,
    /// Values compared.
    pub compared: u64,
    /// Where the shadow could not follow: a failed operation, or control by rows in an order that the run did not show.
    pub stopped: Option<Stopped>,
    /// The largest absolute error of a secret fixed-point value that has no finding.
    pub largest_error: f64,
}

/// Runs the shadow and compares. `ring` is the width of the backend's ring.
pub fn audit(
    program: &Program,
    environment: &Environment,
    observations: &Observations,
    ring: u8,
) -> Report {
    let compare = Compare {
        program,
        observations,
        ring,
        report: Report::default(),
        seen: HashSet::new(),
    };
    let mut evaluator = Evaluator::new(program, environment, ring, compare);
    let stopped = evaluator.run().err();
    let mut report = evaluator.visitor.report;
    report.stopped = stopped;
    report
}

struct Compare<'a> {
    program: &'a Program,
    observations: &'a Observations,
    ring: u8,
    report: Report,
    seen: HashSet<(Kind, Source)>,
}

impl Visitor for Compare<'_> {
    fn drawn(&self, value: Value, path: &[u64]) -> Option<&Observed> {
        self.observations.get(&(value.0, path.to_vec()))
    }

    fn shuffled(&self, step: &Step, path: &[u64], rows: usize) -> Option<Vec<usize>> {
        let columns = |values: &[Value]| -> Option<Vec<&Observed>> {
            let seen = |value: &Value| self.observations.get(&(value.0, path.to_vec()));
            values.iter().map(seen).collect()
        };
        order(&columns(&step.args)?, &columns(&step.results)?, rows)
    }

    fn wraps(&self, array: &Array) -> bool {
        matches!(&array.data, Data::Int(v) if v.iter().any(|v| self.outside(*v)))
    }

    fn visit(&mut self, step: &Step, path: &[u64], values: &HashMap<Value, Array>) {
        // What a party drew is taken from the run, not held against it.
        if step.op == Op::Draw {
            return;
        }
        for result in &step.results {
            if let Some(shadow) = values.get(result) {
                self.range(step, *result, path, shadow);
                self.exact(*result, path, shadow);
            }
        }
        if step.op == Op::Local(Local::Prim(Prim::Lt)) {
            self.order(step, path, values);
        }
        if let Some(arg) = sensitive(step)
            && let Some(shadow) = values.get(&arg)
        {
            self.precision(step, arg, path, shadow, false);
        }
        if let (Op::Reveal(_), Some(arg)) = (&step.op, step.args.first())
            && let Some(shadow) = values.get(arg)
        {
            self.precision(step, *arg, path, shadow, true);
        }
    }
}

impl Compare<'_> {
    fn observed(&self, value: Value, path: &[u64]) -> Option<&Observed> {
        // A value used inside a loop may be defined outside it: its path is a prefix.
        (0..=path.len())
            .rev()
            .find_map(|n| self.observations.get(&(value.0, path[..n].to_vec())))
    }

    fn range(&mut self, step: &Step, value: Value, path: &[u64], shadow: &Array) {
        let Some(observed) = self.observations.get(&(value.0, path.to_vec())) else {
            return;
        };
        let info = &self.program.values[value.0 as usize];
        if shadow.shuffled || observed.raw.len() != shadow.len() {
            return;
        }
        self.report.compared += shadow.len() as u64;
        let (Type::Fix(_) | Type::Int) = info.ty else {
            return;
        };
        let scale = match info.ty {
            Type::Fix(f) => i32::from(f),
            _ => 0,
        };
        let unit = 2f64.powi(i32::from(observed.scale));
        let product = matches!(step.op, Op::Local(Local::Prim(Prim::Mul) | Local::MatMul))
            && matches!(info.ty, Type::Fix(_))
            && step
                .args
                .iter()
                .all(|a| matches!(self.program.values[a.0 as usize].ty, Type::Fix(_)));
        let ring = i32::from(self.ring);
        let limit = if product {
            2f64.powi(ring - 2 - 2 * scale)
        } else {
            2f64.powi(ring - 1 - scale)
        };
        let wrong = 2f64.powi(ring - 2 * scale - 3);
        let expected = shadow.reals();
        let found: Vec<f64> = observed.raw.iter().map(|r| *r as f64 / unit).collect();
        let overflow: Vec<usize> = (0..expected.len())
            .filter(|i| match &shadow.data {
                Data::Int(exact) => self.outside(exact[*i]),
                _ => expected[*i].abs() >= limit || expected[*i].is_nan(),
            })
            .collect();
        if self.finding(
            Kind::Overflow,
            info.source,
            None,
            &overflow,
            shadow,
            &found,
            path,
        ) {
            return;
        }
        if let Data::Int(_) = shadow.data {
            return;
        }
        let far: Vec<usize> = (0..expected.len())
            .filter(|i| (found[*i] - expected[*i]).abs() >= wrong)
            .collect();
        if !self.finding(Kind::Wrong, info.source, None, &far, shadow, &found, path) {
            for (f, e) in found.iter().zip(&expected) {
                self.report.largest_error = self.report.largest_error.max((f - e).abs());
            }
        }
    }

    /// Whether an integer is no element of the ring.
    fn outside(&self, value: i128) -> bool {
        let unused = 128 - u32::from(self.ring.clamp(1, 128));
        value << unused >> unused != value
    }

    /// Integers and bits that no rounding took part in are what they are, integers in the ring.
    fn exact(&mut self, value: Value, path: &[u64], shadow: &Array) {
        let Some(observed) = self.observations.get(&(value.0, path.to_vec())) else {
            return;
        };
        let (bits, exact): (u8, Vec<u128>) = match &shadow.data {
            Data::Int(v) => (self.ring, v.iter().map(|v| *v as u128).collect()),
            Data::Bits(m, v) => (*m, v.clone()),
            Data::Real(_) => return,
        };
        if shadow.inexact || shadow.shuffled || observed.raw.len() != exact.len() {
            return;
        }
        let differs = |i: &usize| (observed.raw[*i] as u128 ^ exact[*i]) & mask(bits) != 0;
        let wrong: Vec<usize> = (0..exact.len()).filter(differs).collect();
        self.unequal(value, path, &wrong, shadow);
    }

    /// The comparison of fixed-point numbers, where it is wrong by more than the errors of what is compared.
    fn order(&mut self, step: &Step, path: &[u64], values: &HashMap<Value, Array>) {
        let (Some(result), [a, b]) = (step.results.first(), &step.args[..]) else {
            return;
        };
        let Some(less) = values.get(result) else {
            return;
        };
        let Some(observed) = self.observations.get(&(result.0, path.to_vec())) else {
            return;
        };
        if less.shuffled || observed.raw.len() != less.len() {
            return;
        }
        let sides = [a, b].map(|side| self.side(*side, path, values.get(side)?, &less.shape));
        let [Some((x, e)), Some((y, f))] = sides else {
            return;
        };
        let wrong: Vec<usize> = (0..less.len())
            .filter(|i| {
                let apart = (x[*i] - y[*i]).abs();
                (observed.raw[*i] & 1 == 1) != (x[*i] < y[*i]) && apart > e[*i] + f[*i] + UNITS
            })
            .collect();
        self.unequal(*result, path, &wrong, less);
    }

    /// What is compared, and how far the run is from it, in the shape of the result: nothing where the run does not show it.
    fn side(
        &self,
        value: Value,
        path: &[u64],
        shadow: &Array,
        shape: &[usize],
    ) -> Option<(Vec<f64>, Vec<f64>)> {
        let Data::Real(exact) = &shadow.data else {
            return None;
        };
        let errors = if self.program.values[value.0 as usize].label == Label::Secret {
            let observed = self.observed(value, path)?;
            if observed.raw.len() != exact.len() {
                return None;
            }
            let unit = 2f64.powi(i32::from(observed.scale));
            let found = observed.raw.iter().map(|raw| *raw as f64 / unit);
            found.zip(exact).map(|(f, e)| (f - e).abs()).collect()
        } else {
            vec![0.0; exact.len()]
        };
        let places = shadow.broadcast_positions(shape);
        let pick = |from: &[f64]| places.iter().map(|at| from[*at]).collect::<Vec<f64>>();
        Some((pick(exact), pick(&errors)))
    }

    fn unequal(&mut self, value: Value, path: &[u64], wrong: &[usize], shadow: &Array) {
        let Some(observed) = self.observations.get(&(value.0, path.to_vec())) else {
            return;
        };
        let found: Vec<f64> = match shadow.data {
            Data::Bits(m, _) => {
                let word = |raw: &i128| (*raw as u128 & mask(m)) as f64;
                observed.raw.iter().map(word).collect()
            }
            _ => observed.raw.iter().map(|raw| *raw as f64).collect(),
        };
        let source = self.program.values[value.0 as usize].source;
        self.finding(Kind::Unequal, source, None, wrong, shadow, &found, path);
    }

    /// For a revealed tensor the error counts against its largest element, elsewhere against the
    /// element itself.
    fn precision(
        &mut self,
        step: &Step,
        value: Value,
        path: &[u64],
        shadow: &Array,
        revealed: bool,
    ) {
        let Some(observed) = self.observed(value, path) else {
            return;
        };
        let Data::Real(expected) = &shadow.data else {
            return;
        };
        if shadow.shuffled || observed.raw.len() != expected.len() {
            return;
        }
        let scale = 2f64.powi(i32::from(observed.scale));
        let found: Vec<f64> = observed.raw.iter().map(|r| *r as f64 / scale).collect();
        let largest = expected.iter().fold(0f64, |m, e| m.max(e.abs()));
        let lost: Vec<usize> = (0..expected.len())
            .filter(|i| {
                let size = if revealed {
                    largest
                } else {
                    expected[*i].abs()
                };
                let error = (found[*i] - expected[*i]).abs();
                error > size / 64.0 && (size > 0.0 || error > 4.0 / 65536.0)
            })
            .collect();
        let source = self.program.values[value.0 as usize].source;
        self.finding(
            Kind::Precision,
            source,
            Some(step.source),
            &lost,
            shadow,
            &found,
            path,
        );
    }

    #[allow(clippy::too_many_arguments)]
    fn finding(
        &mut self,
        kind: Kind,
        source: Source,
        used: Option<Source>,
        affected: &[usize],
        shadow: &Array,
        found: &[f64],
        path: &[u64],
    ) -> bool {
        let expected = shadow.reals();
        let error = |i: usize| {
            let relative =
                (found[i] - expected[i]).abs() / expected[i].abs().max(f64::MIN_POSITIVE);
            if relative.is_nan() {
                f64::INFINITY
            } else {
                relative
            }
        };
        let Some(worst) = affected
            .iter()
            .copied()
            .max_by(|a, b| error(*a).total_cmp(&error(*b)))
        else {
            return false;
        };
        if !self.seen.insert((kind, source.text())) {
            return true;
        }
        let steps = crate::array::strides(&shadow.shape);
        let index = steps
            .iter()
            .zip(&shadow.shape)
            .map(|(s, n)| worst / s % n)
            .collect();
        self.report.findings.push(Finding {
            kind,
            source,
            used,
            index,
            iteration: path.to_vec(),
            found: found[worst],
            expected: expected[worst],
            affected: (affected.len(), shadow.len()),
        });
        true
    }
}

/// The order in which the rows of `before` stand in `after`; of rows that are alike in all columns, the first comes
/// first. Nothing where they are not the same rows.
fn order(before: &[&Observed], after: &[&Observed], rows: usize) -> Option<Vec<usize>> {
    let row = |columns: &[&Observed], at: usize| -> Option<Vec<i128>> {
        let mut row = vec![];
        for column in columns {
            let width = column.raw.len() / rows;
            row.extend(column.raw.get(at * width..(at + 1) * width)?);
        }
        Some(row)
    };
    let mut places: HashMap<Vec<i128>, VecDeque<usize>> = HashMap::new();
    for at in 0..rows {
        places.entry(row(before, at)?).or_default().push_back(at);
    }
    (0..rows)
        .map(|at| places.get_mut(&row(after, at)?)?.pop_front())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(raw: &[i128]) -> Observed {
        Observed {
            raw: raw.to_vec(),
            scale: 0,
        }
    }

    #[test]
    fn the_order_of_rows_is_read_from_all_columns() {
        let keys = column(&[5, 5, 7]);
        let rows = column(&[1, 2, 3, 4, 5, 6]);
        let before = [&keys, &rows];
        let (sorted, moved) = (column(&[7, 5, 5]), column(&[5, 6, 3, 4, 1, 2]));
        assert_eq!(order(&before, &[&sorted, &moved], 3), Some(vec![2, 1, 0]));
        // Rows that are alike are told apart by nothing.
        assert_eq!(order(&[&keys], &[&sorted], 3), Some(vec![2, 0, 1]));
        // Columns that were put in different orders are no shuffle.
        assert_eq!(order(&before, &[&sorted, &rows], 3), None);
        assert_eq!(order(&[&column(&[])], &[&column(&[])], 0), Some(vec![]));
    }
}
