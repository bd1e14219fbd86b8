//! Control at an endpoint: loops, branches, trees.

use std::sync::Arc;

use smpc_ir::local::{Local, Source};
use smpc_ir::party::{Block, Elem, Op, Step, Value};
use smpc_ir::{Size, SizeVar};
use smpc_runtime::tensor::Tensor;

use crate::endpoint::Endpoint;
use crate::plan::{Nested, Plan};
use crate::{RunError, local};

type Row = (Value, Arc<Tensor>);

impl Endpoint<'_> {
    pub(crate) fn control(&mut self, nested: &Nested<'_>) -> Result<(), RunError> {
        let (step, plans) = (nested.step, &nested.plans);
        let source = step.source;
        match &step.op {
            Op::For { var, count, body } => {
                let count = self.size(count).map_err(|e| self.error(source, e))?;
                let mut carried = self.pass(&step.args, &body.params, source)?;
                if plans[0].actions.is_empty() && carried.is_empty() {
                    // Others compute here.
                    return Ok(());
                }
                for i in 0..count.max(0) {
                    self.still_there(source)?;
                    self.loops.insert(*var, i);
                    self.bind(carried);
                    self.nested(&plans[0], i as u64)?;
                    carried = self.pass(&body.results, &body.params, source)?;
                }
                self.loops.remove(var);
                self.hand_over(&body.params, carried, &step.results);
                Ok(())
            }
            Op::While {
                iterations,
                condition,
                body,
            } => {
                let mut carried = self.pass(&step.args, &body.params, source)?;
                for i in 0u64.. {
                    self.still_there(source)?;
                    let rows = self.renamed(&body.params, &condition.params, &carried);
                    self.bind(rows);
                    self.nested(&plans[0], i)?;
                    let test = self.scalar(condition.results[0], source)?;
                    if test == 0 {
                        break;
                    }
                    *self.account.counts.entry(*iterations).or_default() += 1;
                    self.bind(carried);
                    self.nested(&plans[1], i)?;
                    carried = self.pass(&body.results, &body.params, source)?;
                }
                self.hand_over(&body.params, carried, &step.results);
                Ok(())
            }
            Op::Switch { arms } => {
                let index = self.scalar(step.args[0], source)?;
                let at = usize::try_from(index).ok().filter(|at| *at < arms.len());
                let Some(at) = at else {
                    let last = arms.len() - 1;
                    return Err(
                        self.error(source, format!("the index {index} is not in 0..={last}"))
                    );
                };
                let taken = SizeVar(nested.arms.0 + at as u32);
                *self.account.counts.entry(taken).or_default() += 1;
                self.block(&plans[at])?;
                for (value, result) in arms[at].results.iter().zip(&step.results) {
                    if self.knows(*result) {
                        let tensor = self.get(*value, source)?;
                        self.set(*result, tensor);
                    }
                }
                Ok(())
            }
            Op::Reduce { half, body } => self.reduce(step, *half, body, &plans[0]),
            Op::Scan { half, body } => self.scan(step, *half, body, &plans[0]),
            _ => Err(self.error(source, "not a control operation")),
        }
    }

    fn scalar(&self, value: Value, source: Source) -> Result<i128, RunError> {
        let tensor = self.get(value, source)?;
        tensor
            .scalar()
            .ok_or_else(|| self.error(source, "control is by a scalar"))
    }

    /// The tensors of `from`, to be bound to `to`, where this party knows `to`.
    fn pass(&self, from: &[Value], to: &[Value], source: Source) -> Result<Vec<Row>, RunError> {
        from.iter()
            .zip(to)
            .filter(|(_, to)| self.knows(**to))
            .map(|(from, to)| Ok((*to, self.get(*from, source)?)))
            .collect()
    }

    fn bind(&mut self, rows: Vec<Row>) {
        for (value, tensor) in rows {
            self.set(value, tensor);
        }
    }

    /// The rows bound to `from`, bound to the values of `to` in the same places.
    fn renamed(&self, from: &[Value], to: &[Value], rows: &[Row]) -> Vec<Row> {
        from.iter()
            .zip(to)
            .filter(|(_, to)| self.knows(**to))
            .filter_map(|(from, to)| {
                let (_, tensor) = rows.iter().find(|(value, _)| value == from)?;
                Some((*to, tensor.clone()))
            })
            .collect()
    }

    fn hand_over(&mut self, params: &[Value], rows: Vec<Row>, results: &[Value]) {
        let rows = self.renamed(params, results, &rows);
        self.bind(rows);
    }

    fn nested(&mut self, plan: &Plan<'_>, at: u64) -> Result<(), RunError> {
        self.path.push(at);
        let done = self.block(plan);
        self.path.pop();
        done
    }

    /// The rows of a tree whose levels this party knows, with their places. It may know more of the
    /// arguments: an embedded constant, of which it holds no component.
    fn rows(&self, step: &Step, body: &Block) -> Result<Vec<(usize, Arc<Tensor>)>, RunError> {
        (0..step.args.len())
            .filter(|i| self.knows(body.params[*i]))
            .map(|i| Ok((i, self.get(step.args[i], step.source)?)))
            .collect()
    }

    fn length(&self, step: &Step) -> Result<usize, RunError> {
        let shape = self.shape(step.args[0], step.source)?;
        Ok(shape.first().copied().unwrap_or(0))
    }

    fn apply(
        &self,
        op: &Local,
        args: &[&Tensor],
        shape: &[usize],
        source: Source,
    ) -> Result<Tensor, RunError> {
        let elem = args.first().map_or(Elem::Ring(64), |a| a.elem());
        local::apply(op, args, elem, shape, &|s| self.size(s)).map_err(|e| self.error(source, e))
    }

    fn slice(
        &self,
        a: &Tensor,
        axis: u8,
        start: usize,
        end: usize,
        source: Source,
    ) -> Result<Tensor, RunError> {
        let size = |n: usize| Size::from(n as i128);
        let mut shape = a.shape().to_vec();
        shape[usize::from(axis)] = end - start;
        let op = Local::Slice {
            axis,
            start: size(start),
            end: size(end),
        };
        self.apply(&op, &[a], &shape, source)
    }

    fn level(
        &mut self,
        step: &Step,
        body: &Block,
        plan: &Plan<'_>,
        half: (SizeVar, usize),
        sides: Vec<(usize, Tensor, Tensor)>,
        level: u64,
    ) -> Result<Vec<(usize, Arc<Tensor>)>, RunError> {
        let k = step.args.len();
        self.loops.insert(half.0, half.1 as i128);
        let mut places = vec![];
        for (i, low, high) in sides {
            if self.knows(body.params[i]) {
                self.set(body.params[i], Arc::new(low));
            }
            if self.knows(body.params[k + i]) {
                self.set(body.params[k + i], Arc::new(high));
            }
            places.push(i);
        }
        self.nested(plan, level)?;
        places
            .into_iter()
            .filter(|i| self.knows(body.results[*i]))
            .map(|i| Ok((i, self.get(body.results[i], step.source)?)))
            .collect()
    }

    fn reduce(
        &mut self,
        step: &Step,
        half: SizeVar,
        body: &Block,
        plan: &Plan<'_>,
    ) -> Result<(), RunError> {
        let source = step.source;
        let mut n = self.length(step)?;
        if n == 0 {
            return Err(self.error(source, "a `reduce` of nothing has no value"));
        }
        let mut rows = self.rows(step, body)?;
        let mut level = 0;
        while n > 1 {
            let pairs = n / 2;
            let mut sides = vec![];
            let mut leftover = vec![];
            for (i, row) in &rows {
                let even = if n % 2 == 1 {
                    leftover.push(self.slice(row, 0, n - 1, n, source)?);
                    self.slice(row, 0, 0, n - 1, source)?
                } else {
                    row.as_ref().clone()
                };
                let rest = even.shape()[1..].to_vec();
                let mut split = vec![pairs, 2];
                split.extend(&rest);
                let mut one = vec![pairs];
                one.extend(&rest);
                let paired = self.apply(&Local::Reshape, &[&even], &split, source)?;
                let low = self.slice(&paired, 1, 0, 1, source)?;
                let high = self.slice(&paired, 1, 1, 2, source)?;
                let low = self.apply(&Local::Reshape, &[&low], &one, source)?;
                let high = self.apply(&Local::Reshape, &[&high], &one, source)?;
                sides.push((*i, low, high));
            }
            let mut next = self.level(step, body, plan, (half, pairs), sides, level)?;
            for ((_, row), last) in next.iter_mut().zip(leftover) {
                let mut shape = row.shape().to_vec();
                shape[0] += 1;
                let joined =
                    self.apply(&Local::Concat { axis: 0 }, &[row, &last], &shape, source)?;
                *row = Arc::new(joined);
            }
            rows = next;
            n = n.div_ceil(2);
            level += 1;
        }
        self.loops.remove(&half);
        for (i, row) in rows {
            if self.knows(step.results[i]) {
                let shape = row.shape()[1..].to_vec();
                let row = self.apply(&Local::Reshape, &[&row], &shape, source)?;
                self.set(step.results[i], Arc::new(row));
            }
        }
        Ok(())
    }

    fn scan(
        &mut self,
        step: &Step,
        half: SizeVar,
        body: &Block,
        plan: &Plan<'_>,
    ) -> Result<(), RunError> {
        let source = step.source;
        let n = self.length(step)?;
        let mut rows = self.rows(step, body)?;
        let mut level = 0u32;
        while level < usize::BITS - 1 && 1usize << level < n {
            let high: Vec<i128> = (0..n as i128).filter(|i| i >> level & 1 == 1).collect();
            let low: Vec<i128> = high.iter().map(|i| ((i >> level) << level) - 1).collect();
            let pairs = high.len();
            let indices = |v: &[i128]| {
                Tensor::from_i128s(Elem::Ring(64), &[pairs], v).map_err(|e| self.error(source, e))
            };
            let (high, low) = (indices(&high)?, indices(&low)?);
            let mut sides = vec![];
            for (i, row) in &rows {
                let mut shape = row.shape().to_vec();
                shape[0] = pairs;
                let lower = self.apply(&Local::Gather, &[row, &low], &shape, source)?;
                let upper = self.apply(&Local::Gather, &[row, &high], &shape, source)?;
                sides.push((*i, lower, upper));
            }
            let next = self.level(step, body, plan, (half, pairs), sides, u64::from(level))?;
            for ((_, row), (_, new)) in rows.iter_mut().zip(next) {
                let shape = row.shape().to_vec();
                let joined = self.apply(&Local::Scatter, &[row, &new, &high], &shape, source)?;
                *row = Arc::new(joined);
            }
            level += 1;
        }
        self.loops.remove(&half);
        for (i, row) in rows {
            if self.knows(step.results[i]) {
                self.set(step.results[i], row);
            }
        }
        Ok(())
    }
}
