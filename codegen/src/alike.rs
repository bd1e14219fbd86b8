//! Runs of acts that differ only in which values, sets, shapes and sizes they are about: they call the same
//! function, which is written for the first of them.

use rustc_hash::FxHashMap as HashMap;
use std::hash::Hash;

use smpc_ir::Size;
use smpc_ir::local::{Local, Source};
use smpc_ir::party::{CoinDomain, Elem, PartySet, Value};

use crate::facts::Facts;
use crate::outline::Call;
use crate::project::Act;

/// Numbers for things in the order in which they come.
struct Numbers<T>(HashMap<T, u32>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<T: Eq + Hash> Numbers<T> {
    fn of(&mut self, thing: T) -> u32 {
        let next = number(self.0.len());
        *self.0.entry(thing).or_insert(next)
    }
}

fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// The place of a thing in a list, at the end of which it stands from now on if it was not there.
fn place<T: Clone + PartialEq>(list: &mut Vec<T>, thing: &T) -> u32 {
    let known = list.iter().position(|own| own == thing);
    number(known.unwrap_or_else(|| {
        list.push(thing.clone());
        list.len() - 1
    }))
}

/// A run of acts without what its function gets as arguments. Runs of the same outline are carried out by the same
/// function.
#[derive(Default)]
pub(crate) struct Run {
    outline: Vec<u32>,
    values: Vec<Value>,
    places: HashMap<Value, u32>,
    sets: Vec<PartySet>,
    shapes: Vec<Vec<Size>>,
    sizes: Vec<Size>,
}

/// A call whose values, sets, shapes and sizes are places in those of a run.
struct Form {
    function: usize,
    draws: bool,
    sets: Vec<usize>,
    shapes: Vec<usize>,
    sizes: Vec<usize>,
    coins: Vec<usize>,
    args: Vec<usize>,
    results: Vec<usize>,
    kept: Vec<usize>,
}

/// The runs of a party that became calls.
#[derive(Default)]
pub(crate) struct Alike<'p> {
    ops: Numbers<&'p Local>,
    domains: Numbers<&'p CoinDomain>,
    elems: Numbers<Elem>,
    literals: Numbers<i128>,
    sources: Numbers<Source>,
    forms: HashMap<Vec<u32>, Form>,
}

/// Marks in outlines.
const OPERATION: u32 = 0;
const SIZE: u32 = 1;
const SLICE: u32 = 2;
const COIN: u32 = 3;
const NONE: u32 = u32::MAX;

impl<'p> Alike<'p> {
    /// Acts of one instance, what is read of them elsewhere, and how often each value is read at all; `None` if there is an act
    /// that is no part of a function.
    pub fn run(
        &mut self,
        facts: &Facts<'_>,
        acts: &[Act<'p>],
        instance: u32,
        leaves: &[Value],
        read: &HashMap<Value, usize>,
    ) -> Option<Run> {
        let mut run = Run::default();
        for act in acts {
            let result = match act {
                Act::Local {
                    op, args, result, ..
                } => {
                    self.operation(facts, &mut run, op, *result);
                    run.outline.push(number(args.len()));
                    for arg in args {
                        self.value(facts, &mut run, *arg, instance);
                    }
                    *result
                }
                Act::Coin {
                    domain,
                    result,
                    used,
                    ..
                } => {
                    let domain = self.domains.of(domain);
                    let set = place(&mut run.sets, &facts.known_to(*result));
                    let more = [COIN, domain, set, u32::from(*used)];
                    run.outline.extend(more);
                    *result
                }
                _ => return None,
            };
            self.value(facts, &mut run, result, instance);
            let read = read.get(&result).copied().unwrap_or(0);
            run.outline.push(number(read));
        }
        run.outline.push(NONE);
        for leaf in leaves {
            let place = run.places.get(leaf).copied()?;
            run.outline.push(place);
        }
        Some(run)
    }

    fn operation(&mut self, facts: &Facts<'_>, run: &mut Run, op: &'p Local, result: Value) {
        match op {
            Local::Size(size) => {
                let size = place(&mut run.sizes, size);
                run.outline.extend([SIZE, size]);
            }
            Local::Slice { axis, start, end } => {
                let (start, end) = (place(&mut run.sizes, start), place(&mut run.sizes, end));
                run.outline.extend([SLICE, u32::from(*axis), start, end]);
            }
            op => {
                run.outline.extend([OPERATION, self.ops.of(op)]);
                if let (Local::Iota, Some(n)) = (op, facts.shape(result).first()) {
                    let n = place(&mut run.sizes, n);
                    run.outline.push(n);
                }
            }
        }
    }

    /// A value, and where it comes first all that is known of it.
    fn value(&mut self, facts: &Facts<'_>, run: &mut Run, value: Value, instance: u32) {
        if let Some(place) = run.places.get(&value) {
            run.outline.push(*place);
            return;
        }
        let own = number(run.values.len());
        run.places.insert(value, own);
        run.values.push(value);
        let elem = self.elems.of(facts.elem(value));
        let shape = facts.shape(value);
        let rank = number(shape.len());
        let shape = place(&mut run.shapes, &shape.to_vec());
        let literal = facts.literal(value);
        let literal = literal.map_or(NONE, |literal| self.literals.of(literal));
        let size = facts.size(value);
        let size = size.map_or(NONE, |size| place(&mut run.sizes, size));
        // The text of its own instance names it.
        let origin = facts.place(value).and_then(|(origin, _)| origin);
        let origin = origin.filter(|origin| origin.call == instance);
        let source = origin.map_or(NONE, |origin| self.sources.of(origin.source));
        let reserved = u32::from(facts.is_reserved(value));
        let known = [own, elem, rank, shape, literal, size, source, reserved];
        run.outline.extend(known);
    }

    /// The call of the function that carries out a run, if one like it became a call.
    pub fn call(&self, run: &Run, source: Source) -> Option<Call> {
        let form = self.forms.get(&run.outline)?;
        Some(Call {
            function: form.function,
            draws: form.draws,
            sets: at(&run.sets, &form.sets)?,
            shapes: at(&run.shapes, &form.shapes)?,
            sizes: at(&run.sizes, &form.sizes)?,
            coins: at(&run.values, &form.coins)?,
            args: at(&run.values, &form.args)?,
            results: at(&run.values, &form.results)?,
            kept: at(&run.values, &form.kept)?,
            source,
        })
    }

    /// A run became a call.
    pub fn became(&mut self, run: Run, call: &Call) {
        let form = || {
            Some(Form {
                function: call.function,
                draws: call.draws,
                sets: places(&run.sets, &call.sets)?,
                shapes: places(&run.shapes, &call.shapes)?,
                sizes: places(&run.sizes, &call.sizes)?,
                coins: places(&run.values, &call.coins)?,
                args: places(&run.values, &call.args)?,
                results: places(&run.values, &call.results)?,
                kept: places(&run.values, &call.kept)?,
            })
        };
        if let Some(form) = form() {
            self.forms.insert(run.outline, form);
        }
    }
}

fn at<T: Clone>(all: &[T], places: &[usize]) -> Option<Vec<T>> {
    places.iter().map(|at| all.get(*at).cloned()).collect()
}

fn places<T: PartialEq>(all: &[T], some: &[T]) -> Option<Vec<usize>> {
    let place = |thing| all.iter().position(|own| own == thing);
    some.iter().map(place).collect()
}
