//! The values of expressions.

use std::collections::BTreeMap;

use super::ast::{At, Base, Bin, Expr, Over, Ty};
use super::evaluate::Machine;
use super::value::{Array, Cell, Eval, Stop, Val, as_fix, joined, stacked, wrong};
use super::{builtin, operator};

impl Machine {
    pub(super) fn as_base(&self, val: &Val, base: Base) -> Eval<Val> {
        val.map(&mut |leaf| match (leaf.base, base) {
            (a, b) if a == b => Ok(leaf.clone()),
            (Base::Int, Base::Fix) => as_fix(leaf),
            _ => wrong("another type is needed"),
        })
    }

    /// An expression.
    ///
    /// # Errors
    /// It passes a limit.
    pub fn expr(&self, e: &Expr) -> Eval<Val> {
        let all = |items: &[Expr]| items.iter().map(|i| self.expr(i)).collect::<Eval<Vec<_>>>();
        Ok(match e {
            Expr::Int(v) => int(*v),
            Expr::Fix(text) => {
                Val::Array(Array::scalar(Base::Fix, operator::read(Base::Fix, text)?))
            }
            Expr::Bool(b) => Val::Array(Array::scalar(Base::Bool, Cell::bool(*b))),
            Expr::Text(text) => {
                // As wide as the generator's texts are.
                let cell = operator::read(Base::Text(8), text)?;
                Val::Array(Array::scalar(Base::Text(8), cell))
            }
            Expr::BitsLiteral(m, v) => {
                let cell = Cell::int(i128::from(*v));
                Val::Array(Array::scalar(Base::Bits(*m), cell))
            }
            Expr::Size(dim) => int(self.dim(dim)?.into()),
            Expr::Var(name) => self.var(name)?.clone(),
            Expr::Neg(a) => operator::negated(self.ring, &self.expr(a)?)?,
            Expr::Not(a) => operator::complement(&self.expr(a)?)?,
            Expr::Bin(op, a, b) => {
                operator::binary(self.ring, *op, &self.expr(a)?, &self.expr(b)?)?
            }
            Expr::Pow(a, n) => operator::power(self.ring, &self.expr(a)?, *n)?,
            Expr::Chain(first, rest) => {
                let mut left = self.expr(first)?;
                let mut whole: Option<Val> = None;
                for (op, next) in rest {
                    let right = self.expr(next)?;
                    let holds = operator::binary(self.ring, *op, &left, &right)?;
                    whole = Some(match whole {
                        Some(before) => operator::binary(self.ring, Bin::And, &before, &holds)?,
                        None => holds,
                    });
                    left = right;
                }
                whole.unwrap_or(left)
            }
            Expr::Cast(a, base) => operator::cast(self.ring, &self.expr(a)?, *base)?,
            Expr::If { parts, blurred, .. } => {
                let [c, a, b] = &**parts;
                let condition = self.expr(c)?;
                let chosen = operator::selected(&condition, &self.expr(a)?, &self.expr(b)?)?;
                if *blurred {
                    chosen.into_secret()?
                } else {
                    chosen
                }
            }
            Expr::Index(base, at) => {
                let base = self.expr(base)?;
                base.map(&mut |leaf| self.indexed(leaf, at))?
            }
            Expr::Field(base, at) => match self.expr(base)? {
                Val::Tuple(items) if *at < items.len() => items[*at].clone(),
                _ => return wrong("no such part"),
            },
            Expr::Member(base, name) => match self.expr(base)? {
                Val::Record(fields) => match fields.into_iter().find(|(n, _)| n == name) {
                    Some((_, val)) => val,
                    None => return wrong("no such field"),
                },
                Val::Array(array) if name == "T" => Val::Array(array.transposed()?),
                _ => return wrong("no fields"),
            },
            Expr::Tuple(items) => Val::Tuple(all(items)?),
            Expr::List(items) => Val::zip(&all(items)?, &mut stacked)?,
            Expr::Fill(item, dim) => {
                let n = self.length(dim)?;
                Val::zip(&vec![self.expr(item)?; n], &mut stacked)?
            }
            Expr::Comp { sum, body, over } => self.comprehension(*sum, body, over)?,
            Expr::Tree {
                scan,
                xs,
                names,
                body,
            } => self.tree(*scan, &self.expr(xs)?, names, body)?,
            Expr::Call(name, args) => self.call(name, all(args)?, None)?,
            Expr::Named(name, args, key, value) => {
                let value = self.expr(value)?;
                self.call(name, all(args)?, Some((key, value)))?
            }
            Expr::SortBy(rows, field) => builtin::sort_by(&self.expr(rows)?, field)?,
            Expr::Share(a) => self.expr(a)?.into_secret()?,
            Expr::Family {
                function, values, ..
            } => {
                let Val::Family(members) = self.var(values)?.clone() else {
                    return wrong("a family is needed");
                };
                let members = members
                    .into_iter()
                    .map(Val::into_secret)
                    .collect::<Eval<Vec<_>>>()?;
                match function.as_str() {
                    "concat" => Val::zip(&members, &mut |parts| joined(parts, true))?,
                    "sum" => {
                        let mut rest = members.into_iter();
                        let Some(mut total) = rest.next() else {
                            return wrong("no members");
                        };
                        for next in rest {
                            total = operator::binary(self.ring, Bin::Add, &total, &next)?;
                        }
                        total
                    }
                    _ => Val::zip(&members, &mut stacked)?,
                }
            }
        })
    }

    fn comprehension(&self, sum: bool, body: &Expr, over: &[Over]) -> Eval<Val> {
        fn level(this: &mut Machine, body: &Expr, over: &[Over]) -> Eval<Val> {
            let Some((first, rest)) = over.split_first() else {
                return this.expr(body);
            };
            let (from, to) = (this.dim(&first.from)?, this.dim(&first.to)?);
            if to <= from {
                return Err(Stop::Limit("an empty tensor"));
            }
            let mut items = vec![];
            for i in from..to {
                this.scopes.push(BTreeMap::new());
                this.declare(&first.name, int(i.into()), false)?;
                items.push(level(this, body, rest)?);
                this.scopes.pop();
            }
            Val::zip(&items, &mut stacked)
        }
        let mut machine = self.clone();
        let mut val = level(&mut machine, body, over)?;
        if sum {
            for _ in over {
                val = val.map(&mut |leaf| builtin::sum(self.ring, leaf))?;
            }
        }
        Ok(val)
    }

    fn tree(&self, scan: bool, xs: &Val, names: &(String, String), body: &Expr) -> Eval<Val> {
        let n = xs.leaves().first().and_then(|l| l.shape.first().copied());
        let mut machine = self.clone();
        let mut so_far: Option<Val> = None;
        let mut prefixes = vec![];
        for i in 0..n.unwrap_or(0) {
            let row = xs.map(&mut |leaf| leaf.row(i as i128))?;
            let next = match so_far {
                None => row,
                Some(before) => {
                    machine.scopes.push(BTreeMap::new());
                    machine.declare(&names.0, before, false)?;
                    machine.declare(&names.1, row, false)?;
                    let next = machine.expr(body)?;
                    machine.scopes.pop();
                    next
                }
            };
            prefixes.push(next.clone());
            so_far = Some(next);
        }
        // The tree combines in another order, with other roundings.
        let wider = |leaf: &Array| {
            let mut leaf = leaf.clone();
            leaf.cells.iter_mut().for_each(|c| c.error *= 4.0);
            Ok(leaf)
        };
        match (scan, so_far) {
            (true, _) => Val::zip(&prefixes, &mut stacked)?.map(&mut |l| wider(l)),
            (false, Some(last)) => last.map(&mut |l| wider(l)),
            _ => wrong("a tree of nothing"),
        }
    }

    pub(super) fn places(&self, val: &Val, at: &[Expr]) -> Eval<Val> {
        let at: Vec<At> = at.iter().cloned().map(At::One).collect();
        val.map(&mut |leaf| self.indexed(leaf, &at))
    }

    /// `leaf[…]`: each place takes the first dimension left.
    pub(super) fn indexed(&self, leaf: &Array, at: &[At]) -> Eval<Array> {
        let Some((first, rest)) = at.split_first() else {
            return Ok(leaf.clone());
        };
        let inner = |rows: Vec<Array>| {
            let rows = rows
                .iter()
                .map(|row| self.indexed(row, rest))
                .collect::<Eval<Vec<_>>>()?;
            stacked(&rows.iter().collect::<Vec<_>>())
        };
        match first {
            At::One(e) | At::Secret(e) => {
                let index = self.expr(e)?;
                let index = index.array()?;
                let secret = index.secret;
                let mut found = match index.shape[..] {
                    [] => self.indexed(&leaf.row(index.cells[0].int)?, rest)?,
                    [_] => inner(
                        index
                            .cells
                            .iter()
                            .map(|c| leaf.row(c.int))
                            .collect::<Eval<_>>()?,
                    )?,
                    _ => return wrong("an index tensor has one dimension"),
                };
                if secret {
                    found = found.into_secret();
                }
                Ok(found)
            }
            At::Range(a, b) => {
                let (a, b) = (
                    self.expr(a)?.array()?.only()?.int,
                    self.expr(b)?.array()?.only()?.int,
                );
                if b <= a {
                    return Err(Stop::Limit("an empty slice"));
                }
                inner((a..b).map(|i| leaf.row(i)).collect::<Eval<_>>()?)
            }
        }
    }

    fn call(&self, name: &str, args: Vec<Val>, named: Option<(&String, Val)>) -> Eval<Val> {
        let script = self.script.clone();
        let Some(function) = script.functions.iter().find(|f| f.name == name) else {
            return builtin::call(self.ring, name, &args, named);
        };
        // Element by element where scalar parameters are given tensors, all of them side by side.
        type Param = (String, Ty, Option<Expr>);
        let scalar = |param: &Param| param.1.dims.is_empty();
        let key = named.as_ref().map(|(key, _)| *key);
        let by_name = (function.params.iter()).filter(|param| Some(&param.0) == key);
        let all = (args.iter().zip(&function.params)).chain(
            named
                .iter()
                .zip(by_name.clone())
                .map(|((_, val), param)| (val, param)),
        );
        let mut lifted = all.filter_map(|(val, param)| match val {
            Val::Array(a) if scalar(param) => a.shape.first().copied(),
            _ => None,
        });
        if let Some(n) = lifted.next() {
            let row = |val: &Val, param: &Param, i: usize| match val {
                Val::Array(a) if scalar(param) && !a.shape.is_empty() => {
                    Ok(Val::Array(a.row(i as i128)?))
                }
                other => Ok(other.clone()),
            };
            let mut rows = vec![];
            for i in 0..n {
                let args = (args.iter().zip(&function.params))
                    .map(|(val, param)| row(val, param, i))
                    .collect::<Eval<Vec<_>>>()?;
                let named = match (&named, by_name.clone().next()) {
                    (Some((key, val)), Some(param)) => Some((*key, row(val, param, i)?)),
                    _ => None,
                };
                rows.push(self.call(name, args, named)?);
            }
            return Val::zip(&rows, &mut stacked);
        }
        let mut machine = self.clone();
        machine.scopes.truncate(1);
        machine.scopes.push(BTreeMap::new());
        let mut args = args.into_iter();
        for (param, ty, default) in &function.params {
            let given = named.as_ref().filter(|(key, _)| *key == param);
            let val = match (given, default) {
                (Some((_, val)), _) => val.clone(),
                (None, default) => match (args.next(), default) {
                    (Some(val), _) => val,
                    (None, Some(default)) => machine.expr(default)?,
                    (None, None) => return wrong("an argument is missing"),
                },
            };
            let val = self.as_base(&val, ty.base)?;
            for (at, dim) in ty.dims.iter().enumerate() {
                let size = dim.to_string();
                let length = val.array()?.shape.get(at).copied();
                if let (true, Some(n)) = (function.sizes.contains(&size), length) {
                    machine.declare(&size, int(n as i128), false)?;
                }
            }
            machine.declare(param, val, false)?;
        }
        for stmt in &function.body {
            machine.stmt(stmt)?;
        }
        let val = machine.expr(&function.value)?;
        match (&function.results[..], val) {
            ([one], val) => self.as_base(&val, one.base),
            (many, Val::Tuple(items)) => {
                let items = items.iter().zip(many);
                let items = items.map(|(i, ty)| self.as_base(i, ty.base));
                Ok(Val::Tuple(items.collect::<Eval<_>>()?))
            }
            _ => wrong("several results are a tuple"),
        }
    }
}

/// A clear integer.
pub(super) fn int(v: i128) -> Val {
    Val::Array(Array::scalar(Base::Int, Cell::int(v)))
}
