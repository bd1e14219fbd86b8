//! What a script must answer, by evaluating its tree: independent of grammar, checker, both
//! programs and the endpoints.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{Base, Dim, Expr, Input, Over, Script, Stmt};
use super::express::int;
use super::operator::{self, Ring};
use super::value::{Array, Cell, Eval, Stop, Val, as_fix, stacked, wrong};

/// Outputs by name: bases and elements, those of repeated reveals after each other.
pub type Expected = BTreeMap<String, Vec<(Base, Cell)>>;

/// What a script must answer.
///
/// # Errors
/// It passes a limit, or is not well formed.
pub fn outputs(script: &Script) -> Eval<Expected> {
    let mut machine = Machine::new(&Rc::new(script.clone()))?;
    machine.block(&script.body)?;
    Ok(machine.outputs)
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    val: Val,
    /// Whether it is kept as shares whatever is assigned.
    blurred: bool,
}

/// A script being evaluated.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) script: Rc<Script>,
    pub(super) ring: Ring,
    pub(super) scopes: Vec<BTreeMap<String, Slot>>,
    outputs: Expected,
    /// What is left of the steps of a loop.
    fuel: usize,
}

impl Machine {
    /// Before the first statement.
    ///
    /// # Errors
    /// A constant has no value.
    pub fn new(script: &Rc<Script>) -> Eval<Self> {
        let mut machine = Self {
            script: script.clone(),
            ring: Ring(script.ring),
            scopes: vec![BTreeMap::new()],
            outputs: Expected::new(),
            fuel: 20_000,
        };
        let sizes = script
            .sizes
            .iter()
            .chain(script.params.iter().map(|(n, v)| (n, v)));
        for (name, value) in sizes {
            machine.declare(name, int(i128::from(*value)), false)?;
        }
        for (name, ty, value) in &script.constants {
            let value = machine.expr(value)?;
            let value = machine.as_base(&value, ty.base)?;
            machine.declare(name, value, false)?;
        }
        for input in &script.inputs {
            machine.input(input)?;
        }
        Ok(machine)
    }

    fn input(&mut self, input: &Input) -> Eval<()> {
        let mut members = vec![];
        for columns in &input.words {
            let mut fields = vec![];
            for ((name, base), words) in input.columns.iter().zip(columns) {
                let cells = words.iter().map(|w| operator::read(*base, w));
                let array = Array {
                    base: *base,
                    shape: input.shape.clone(),
                    cells: cells.collect::<Eval<_>>()?,
                    secret: false,
                };
                fields.push((name.clone(), Val::Array(array)));
            }
            members.push(match (input.table, fields.pop()) {
                (None, Some((_, only))) => only,
                (_, last) => {
                    fields.extend(last);
                    Val::Record(fields)
                }
            });
        }
        let val = match (input.members, members.pop()) {
            (None, Some(only)) => only,
            (_, last) => {
                members.extend(last);
                Val::Family(members)
            }
        };
        self.declare(&input.name, val, false)
    }

    pub(super) fn declare(&mut self, name: &str, val: Val, blurred: bool) -> Eval<()> {
        let val = if blurred { val.into_secret()? } else { val };
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Slot { val, blurred });
        }
        Ok(())
    }

    fn slot(&mut self, name: &str) -> Eval<&mut Slot> {
        let found = self.scopes.iter_mut().rev().find_map(|s| s.get_mut(name));
        found.ok_or_else(|| Stop::Wrong(format!("nothing is named {name}")))
    }

    /// The value of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn var(&self, name: &str) -> Eval<&Val> {
        let found = self.scopes.iter().rev().find_map(|s| s.get(name));
        match found {
            Some(slot) => Ok(&slot.val),
            None => wrong(format!("nothing is named {name}")),
        }
    }

    /// The value of a size.
    ///
    /// # Errors
    /// It names what is no number.
    pub fn dim(&self, dim: &Dim) -> Eval<i64> {
        let known = |name: &str| {
            let cell = self.var(name).ok()?.array().ok()?.only().ok()?;
            i64::try_from(cell.int).ok()
        };
        match dim.value(&known) {
            Some(value) => Ok(value),
            None => wrong(format!("the size {dim} is unknown")),
        }
    }

    pub(super) fn length(&self, dim: &Dim) -> Eval<usize> {
        match usize::try_from(self.dim(dim)?) {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(Stop::Limit("an empty tensor")),
        }
    }

    // ---- statements

    /// Statements in a scope of their own.
    pub fn block(&mut self, stmts: &[Stmt]) -> Eval<()> {
        self.scopes.push(BTreeMap::new());
        for stmt in stmts {
            self.stmt(stmt)?;
        }
        self.scopes.pop();
        Ok(())
    }

    /// One statement.
    ///
    /// # Errors
    /// It passes a limit.
    pub fn stmt(&mut self, stmt: &Stmt) -> Eval<()> {
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 {
            return Err(Stop::Limit("too many steps"));
        }
        match stmt {
            Stmt::Let {
                names,
                blurred,
                ty,
                value,
                ..
            } => {
                let mut val = self.expr(value)?;
                if let Some(ty) = ty {
                    val = self.as_base(&val, ty.base)?;
                }
                self.bind(names, val, *blurred)
            }
            Stmt::Learn { name, value, .. } => {
                let val = self.learnt(value)?;
                self.output(name, &val);
                self.declare(name, val, false)
            }
            Stmt::Reveal { value, name, .. } => {
                let val = self.learnt(value)?;
                self.output(name, &val);
                Ok(())
            }
            Stmt::Assign {
                names,
                at,
                op,
                value,
            } => {
                let mut val = self.expr(value)?;
                if let Some(op) = op {
                    let old = self.var(&names[0])?.clone();
                    let old = self.places(&old, at)?;
                    val = operator::binary(self.ring, *op, &old, &val)?;
                }
                let vals = match (names.len(), val) {
                    (1, val) => vec![val],
                    (n, Val::Tuple(items)) if items.len() == n => items,
                    _ => return wrong("targets and values differ in number"),
                };
                for (name, val) in names.iter().zip(vals) {
                    self.assign(name, at, &val)?;
                }
                Ok(())
            }
            Stmt::For { over, guard, body } => {
                let mut turns = vec![];
                self.turns(over, &mut vec![], &mut turns)?;
                for turn in turns {
                    self.scopes.push(BTreeMap::new());
                    for (over, i) in over.iter().zip(turn) {
                        self.declare(&over.name, int(i.into()), false)?;
                    }
                    let run = match guard {
                        Some(guard) => self.truth(guard)?,
                        None => true,
                    };
                    self.arm(body, run)?;
                    self.scopes.pop();
                }
                Ok(())
            }
            Stmt::While { condition, body } => {
                while self.truth(condition)? {
                    self.block(body)?;
                    self.fuel = self.fuel.saturating_sub(1);
                    if self.fuel == 0 {
                        return Err(Stop::Limit("too many steps"));
                    }
                }
                Ok(())
            }
            Stmt::WhileSecret {
                name,
                condition,
                max,
                body,
            } => {
                let mut active = true;
                for _ in 0..self.dim(max)? {
                    active &= self.truth(condition)?;
                    self.arm(body, active)?;
                }
                if let Some(name) = name {
                    let done = Cell::bool(!self.truth(condition)?);
                    let done = Array::scalar(Base::Bool, done).into_secret();
                    self.declare(name, Val::Array(done), false)?;
                }
                Ok(())
            }
            Stmt::If {
                condition,
                then,
                otherwise,
                ..
            } => {
                let holds = self.truth(condition)?;
                self.arm(if holds { otherwise } else { then }, false)?;
                self.arm(if holds { then } else { otherwise }, true)
            }
        }
    }

    /// An arm. One that is not taken is carried out and forgotten: it may be computed all the same.
    fn arm(&mut self, body: &[Stmt], taken: bool) -> Eval<()> {
        if taken {
            return self.block(body);
        }
        let before = (self.scopes.clone(), self.outputs.clone());
        let done = self.block(body);
        (self.scopes, self.outputs) = before;
        done
    }

    fn bind(&mut self, names: &[String], val: Val, blurred: bool) -> Eval<()> {
        match (names, val) {
            ([name], val) => self.declare(name, val, blurred),
            (names, Val::Tuple(items)) if items.len() == names.len() => {
                for (name, item) in names.iter().zip(items) {
                    self.declare(name, item, blurred)?;
                }
                Ok(())
            }
            _ => wrong("names and values differ in number"),
        }
    }

    fn learnt(&self, value: &Expr) -> Eval<Val> {
        // An owner's value may go through shares.
        let val = self.expr(value)?.into_secret()?;
        val.map(&mut |leaf| {
            Ok(Array {
                secret: false,
                ..leaf.clone()
            })
        })
    }

    fn output(&mut self, name: &str, val: &Val) {
        let cells = self.outputs.entry(name.to_owned()).or_default();
        for leaf in val.leaves() {
            cells.extend(leaf.cells.iter().map(|c| (leaf.base, *c)));
        }
    }

    fn assign(&mut self, name: &str, at: &[Expr], val: &Val) -> Eval<()> {
        let places = at
            .iter()
            .map(|e| Ok(self.expr(e)?.array()?.only()?.int))
            .collect::<Eval<Vec<_>>>()?;
        let slot = self.slot(name)?;
        let new = match slot.val.clone() {
            Val::Array(old) => {
                let new = Val::Array(match at.is_empty() {
                    true => val.array()?.clone(),
                    false => replaced(&old, &places, val.array()?)?,
                });
                if old.base == Base::Fix {
                    Val::Array(as_fix(new.array()?)?)
                } else {
                    new
                }
            }
            _ => val.clone(),
        };
        slot.val = if slot.blurred {
            new.into_secret()?
        } else {
            new
        };
        Ok(())
    }

    fn turns(&mut self, over: &[Over], now: &mut Vec<i64>, out: &mut Vec<Vec<i64>>) -> Eval<()> {
        let Some((first, rest)) = over.split_first() else {
            out.push(now.clone());
            return Ok(());
        };
        let (from, to) = (self.dim(&first.from)?, self.dim(&first.to)?);
        if to < from {
            return Err(Stop::Limit("a range that runs backwards"));
        }
        for i in from..to {
            now.push(i);
            self.scopes.push(BTreeMap::new());
            self.declare(&first.name, int(i.into()), false)?;
            self.turns(rest, now, out)?;
            self.scopes.pop();
            now.pop();
        }
        Ok(())
    }

    fn truth(&self, condition: &Expr) -> Eval<bool> {
        Ok(self.expr(condition)?.array()?.only()?.int == 1)
    }
}

/// A tensor with one element or row replaced; a scalar fills a row.
fn replaced(old: &Array, places: &[i128], new: &Array) -> Eval<Array> {
    let Some((first, rest)) = places.split_first() else {
        if new.shape.len() < old.shape.len() {
            let filled = vec![new.only()?; old.cells.len()];
            return Ok(Array {
                cells: filled,
                shape: old.shape.clone(),
                ..new.clone()
            });
        }
        return Ok(new.clone());
    };
    let row = replaced(&old.row(*first)?, rest, new)?;
    let mut rows = old.rows()?;
    rows[*first as usize] = row;
    stacked(&rows.iter().collect::<Vec<_>>())
}
