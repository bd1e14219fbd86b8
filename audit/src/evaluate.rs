//! Evaluation of the share-level program over the shadow's arrays.

use std::collections::HashMap;

use smpc_ir::local::{Local, Source};
use smpc_ir::share::{Block, Op, Program, Step, Type, Value};
use smpc_ir::{Size, SizeVar};

use crate::array::{Array, Data, concat};
use crate::compare::Observed;
use crate::local::{apply, mask};

/// What a run starts from.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Sizes by variable, those of inputs and parameters.
    pub sizes: Vec<i128>,
    /// Parameters: integers, or fixed point times 2^64.
    pub params: Vec<i128>,
    /// By position in [`Program::inputs`].
    pub inputs: Vec<Array>,
}

/// Where the shadow could not follow the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The operation.
    pub source: Source,
}

/// Told of every operation once its results are known.
pub(crate) trait Visitor {
    fn visit(&mut self, step: &Step, path: &[u64], values: &HashMap<Value, Array>);

    /// Whether an integer among these has another value in the run, where it wraps around.
    fn wraps(&self, _array: &Array) -> bool {
        false
    }

    /// The bits that a party drew in the run. Nobody else knows them: without an observer of the run the shadow stops.
    fn drawn(&self, _value: Value, _path: &[u64]) -> Option<&Observed> {
        None
    }

    /// Which of `rows` rows a shuffle puts at each place, if that is known. Where it is not, nothing may depend on their order.
    fn shuffled(&self, step: &Step, path: &[u64], rows: usize) -> Option<Vec<usize>>;
}

pub(crate) struct Evaluator<'a, V> {
    program: &'a Program,
    environment: &'a Environment,
    /// Bits of the backend's ring.
    ring: u8,
    loops: HashMap<SizeVar, i128>,
    pub(crate) values: HashMap<Value, Array>,
    path: Vec<u64>,
    pub(crate) visitor: V,
}

impl<'a, V: Visitor> Evaluator<'a, V> {
    pub(crate) fn new(
        program: &'a Program,
        environment: &'a Environment,
        ring: u8,
        visitor: V,
    ) -> Self {
        Self {
            program,
            environment,
            ring,
            loops: HashMap::new(),
            values: HashMap::new(),
            path: vec![],
            visitor,
        }
    }

    pub(crate) fn run(&mut self) -> Result<(), Stopped> {
        self.block(&self.program.body)
    }

    fn size(&self, size: &Size) -> Option<i128> {
        let value = |v: SizeVar| {
            let fixed = self.environment.sizes.get(v.0 as usize).copied();
            self.loops.get(&v).copied().or(fixed)
        };
        size.evaluate(&value).ok()
    }

    fn shape(&self, value: Value) -> Option<Vec<usize>> {
        self.program.values[value.0 as usize]
            .shape
            .iter()
            .map(|s| usize::try_from(self.size(s)?).ok())
            .collect()
    }

    fn block(&mut self, block: &Block) -> Result<(), Stopped> {
        for step in &block.steps {
            let stopped = Stopped {
                source: step.source,
            };
            self.step(step).map_err(|inner| inner.unwrap_or(stopped))?;
            for result in &step.results {
                if let Some(array) = self.values.get_mut(result)
                    && !array.inexact
                    && self.visitor.wraps(array)
                {
                    array.inexact = true;
                }
            }
            self.visitor.visit(step, &self.path, &self.values);
        }
        Ok(())
    }

    fn read(&self, value: Value) -> Result<Array, Option<Stopped>> {
        self.values.get(&value).cloned().ok_or(None)
    }

    fn all(&self, values: &[Value]) -> Result<Vec<Array>, Option<Stopped>> {
        values.iter().map(|v| self.read(*v)).collect()
    }

    fn bind(&mut self, values: &[Value], arrays: Vec<Array>) {
        self.values.extend(values.iter().copied().zip(arrays));
    }

    fn run_block(&mut self, block: &Block, at: u64) -> Result<(), Option<Stopped>> {
        self.path.push(at);
        let done = self.block(block);
        self.path.pop();
        done.map_err(Some)
    }

    fn step(&mut self, step: &Step) -> Result<(), Option<Stopped>> {
        let fixed = |v: Value| match self.program.values[v.0 as usize].ty {
            Type::Fix(f) => f,
            _ => 0,
        };
        match &step.op {
            Op::Local(local) => {
                let result = step.results[0];
                let ty = self.program.values[result.0 as usize].ty;
                let shape = self.shape(result).ok_or(None)?;
                let args: Vec<&Array> = step
                    .args
                    .iter()
                    .map(|a| self.values.get(a).ok_or(None))
                    .collect::<Result<_, _>>()?;
                let array = apply(local, &args, ty, &shape, &|s| self.size(s)).ok_or(None)?;
                self.values.insert(result, array);
            }
            Op::Raw => {
                let f = fixed(step.args[0]);
                let a = self.read(step.args[0])?;
                let unit = 2f64.powi(f.into());
                let raw = a
                    .reals()
                    .iter()
                    .map(|x| (x * unit).round() as i128)
                    .collect();
                let data = Data::Int(raw);
                let inexact = true;
                self.values
                    .insert(step.results[0], Array { data, inexact, ..a });
            }
            Op::FromRaw => {
                let f = fixed(step.results[0]);
                let a = self.read(step.args[0])?;
                let real = a.reals().iter().map(|x| x / 2f64.powi(f.into())).collect();
                let data = Data::Real(real);
                self.values.insert(step.results[0], Array { data, ..a });
            }
            Op::Input(i) => {
                let array = self
                    .environment
                    .inputs
                    .get(*i as usize)
                    .cloned()
                    .ok_or(None)?;
                self.values.insert(step.results[0], array);
            }
            Op::Param(i) => {
                let raw = self
                    .environment
                    .params
                    .get(*i as usize)
                    .copied()
                    .ok_or(None)?;
                let data = match self.program.params[*i as usize].ty {
                    Type::Int => Data::Int(vec![raw]),
                    Type::Fix(_) => Data::Real(vec![raw as f64 / 2f64.powi(64)]),
                    Type::Bits(m) => Data::Bits(m, vec![raw as u128 & mask(m)]),
                };
                self.values
                    .insert(step.results[0], Array::new(vec![], data));
            }
            Op::RingBits => {
                let bits = Data::Int(vec![i128::from(self.ring)]);
                self.values
                    .insert(step.results[0], Array::new(vec![], bits));
            }
            Op::OrderedBits => {
                let a = self.read(step.args[0])?;
                let Type::Bits(m) = self.program.values[step.results[0].0 as usize].ty else {
                    return Err(None);
                };
                let least = 1u128 << (self.ring - 1);
                let known = mask(self.ring) & mask(m);
                let moved = |v: i128| v.cast_unsigned().wrapping_add(least) & known;
                let data = Data::Bits(m, a.ints().into_iter().map(moved).collect());
                self.values.insert(step.results[0], Array { data, ..a });
            }
            Op::Draw => {
                let result = step.results[0];
                let shape = self.shape(result).ok_or(None)?;
                let drawn = self.visitor.drawn(result, &self.path).ok_or(None)?;
                let Type::Bits(m) = self.program.values[result.0 as usize].ty else {
                    return Err(None);
                };
                if drawn.raw.len() != shape.iter().product::<usize>() {
                    return Err(None);
                }
                let bits = drawn.raw.iter().map(|v| *v as u128 & mask(m)).collect();
                let array = Array::new(shape, Data::Bits(m, bits));
                self.values.insert(result, array);
            }
            Op::Share | Op::Reveal(_) => {
                let a = self.read(step.args[0])?;
                self.values.insert(step.results[0], a);
            }
            Op::Output { .. } | Op::Assert => {}
            Op::Shuffle => {
                let columns = self.all(&step.args)?;
                let rows = columns.first().map_or(0, |column| column.shape[0]);
                let order = self.visitor.shuffled(step, &self.path, rows);
                for (column, result) in columns.into_iter().zip(&step.results) {
                    let column = match &order {
                        Some(order) => row_pick(&column, order),
                        None => Array {
                            shuffled: true,
                            ..column
                        },
                    };
                    self.values.insert(*result, column);
                }
            }
            Op::For { var, count, body } => {
                let count = self.size(count).ok_or(None)?;
                let mut carried = self.all(&step.args)?;
                for i in 0..count {
                    self.loops.insert(*var, i);
                    self.bind(&body.params, carried);
                    self.run_block(body, i as u64)?;
                    carried = self.all(&body.results)?;
                }
                self.bind(&step.results, carried);
            }
            Op::While {
                condition, body, ..
            } => {
                let mut carried = self.all(&step.args)?;
                for i in 0.. {
                    self.bind(&condition.params, carried.clone());
                    self.run_block(condition, i)?;
                    let test = self.all(&condition.results)?;
                    if test.first().is_none_or(|t| t.shuffled) {
                        return Err(None);
                    }
                    let inexact = test[0].inexact;
                    carried.iter_mut().for_each(|a| a.inexact |= inexact);
                    if test[0].ints() != [1] {
                        break;
                    }
                    self.bind(&body.params, carried);
                    self.run_block(body, i)?;
                    carried = self.all(&body.results)?;
                }
                self.bind(&step.results, carried);
            }
            Op::Switch { arms } => {
                let index = self.read(step.args[0])?;
                if index.shuffled {
                    return Err(None);
                }
                let at = index.ints().first().copied().ok_or(None)?;
                let arm = usize::try_from(at)
                    .ok()
                    .and_then(|at| arms.get(at))
                    .ok_or(None)?;
                self.block(arm).map_err(Some)?;
                let mut results = self.all(&arm.results)?;
                results.iter_mut().for_each(|a| a.inexact |= index.inexact);
                self.bind(&step.results, results);
            }
            Op::Reduce { half, body } => {
                let mut rows = self.all(&step.args)?;
                let mut level = 0;
                while rows.first().is_some_and(|r| r.shape[0] > 1) {
                    let n = rows[0].shape[0];
                    let pairs = n / 2;
                    self.loops.insert(*half, pairs as i128);
                    let low: Vec<usize> = (0..pairs).map(|i| 2 * i).collect();
                    let high: Vec<usize> = (0..pairs).map(|i| 2 * i + 1).collect();
                    let combined = self.level(body, &rows, &low, &high, level)?;
                    rows = combined
                        .into_iter()
                        .zip(&rows)
                        .map(|(new, old)| {
                            if n % 2 == 0 {
                                return Some(new);
                            }
                            concat(&[&new, &row_pick(old, &[n - 1])], 0)
                        })
                        .collect::<Option<_>>()
                        .ok_or(None)?;
                    level += 1;
                }
                let results = rows.into_iter().map(|r| {
                    let shape = r.shape[1..].to_vec();
                    r.reshaped(shape)
                });
                let results = results.collect();
                self.bind(&step.results, results);
            }
            Op::Scan { half, body } => {
                let mut rows = self.all(&step.args)?;
                let n = rows.first().map_or(0, |r| r.shape[0]);
                for level in 0..usize::BITS as usize {
                    if 1usize << level >= n {
                        break;
                    }
                    let high: Vec<usize> = (0..n).filter(|i| i >> level & 1 == 1).collect();
                    let low: Vec<usize> =
                        high.iter().map(|i| ((i >> level) << level) - 1).collect();
                    self.loops.insert(*half, high.len() as i128);
                    let combined = self.level(body, &rows, &low, &high, level as u64)?;
                    rows = combined
                        .into_iter()
                        .zip(&rows)
                        .map(|(new, old)| {
                            let both = concat(&[old, &new], 0)?;
                            let mut from: Vec<usize> = (0..n).collect();
                            for (k, i) in high.iter().enumerate() {
                                from[*i] = n + k;
                            }
                            Some(row_pick(&both, &from))
                        })
                        .collect::<Option<_>>()
                        .ok_or(None)?;
                }
                self.bind(&step.results, rows);
            }
        }
        Ok(())
    }

    fn level(
        &mut self,
        body: &Block,
        rows: &[Array],
        low: &[usize],
        high: &[usize],
        level: u64,
    ) -> Result<Vec<Array>, Option<Stopped>> {
        let side = |at: &[usize]| rows.iter().map(|r| row_pick(r, at)).collect::<Vec<_>>();
        let mut params = side(low);
        params.extend(side(high));
        self.bind(&body.params, params);
        self.run_block(body, level)?;
        self.all(&body.results)
    }
}

/// Rows by their positions.
fn row_pick(array: &Array, rows: &[usize]) -> Array {
    let width: usize = array.shape[1..].iter().product();
    let positions: Vec<usize> = rows
        .iter()
        .flat_map(|r| r * width..(r + 1) * width)
        .collect();
    let mut shape = array.shape.clone();
    shape[0] = rows.len();
    array.pick(shape, &positions)
}

/// Whether an operation needs the relative precision of one of its arguments, and of which.
pub(crate) fn sensitive(step: &Step) -> Option<Value> {
    use smpc_ir::local::Prim;
    match &step.op {
        Op::Local(Local::Prim(Prim::Sqrt | Prim::Ln)) => step.args.first().copied(),
        Op::Local(Local::Prim(Prim::Div)) => step.args.get(1).copied(),
        _ => None,
    }
}
