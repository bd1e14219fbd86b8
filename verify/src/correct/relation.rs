//! Calls by what relates the values of their operands with that of their result.
//!
//! In a small ring a call is carried out on all sharings of all operands with all coins, and the values that its
//! result takes are listed for each choice of operands. A caller is then enumerated with the call replaced by this list:
//! the value is any of those listed, and its sharing any sharing of it. Every execution of the caller is one of these
//! (the components that it gives the call are some sharing of their value, those that it gets back are some sharing of a
//! value listed), so what holds in all of them is right; what fails in one of them need not happen, and refutes nothing.
//! This is contextual refinement by the strongest postcondition over values (E. W. Dijkstra, A Discipline of Programming,
//! 1976), found from the very steps of the call: neither its claims nor its `requires` are believed, and a mark that
//! names other operands than the call has makes the list longer, not wrong. Parties follow the protocol.

use super::Claimed;
use super::reduce::{Reduced, bits_of, fewer_coins, product, products, symbols};
use super::tables::Tables;
use super::trial::changed;
use crate::callee::{Given, same, valid};
use crate::certificate::Name;
use crate::eliminate::opened;
use crate::machine::{Counter, coin};
use crate::problem::{Malformed, Operand, Problem};
use crate::sharing::{choices, held, parities};
use crate::symbolic::{BoxValue, Execution, IdealBox};
use crate::term::{Known, Poly, Possible, Symbol, Terms, Varied};
use crate::verdict::{Inputs, Limits};
use smpc_ir::flat::{Kind, Sharing};
use smpc_ir::party::{CoinDomain, PartySet};
use std::collections::HashMap;
use std::sync::Arc;

/// For values of the operands, public amounts among them, those that the result can have.
pub(crate) type Relation = HashMap<Vec<u128>, Possible>;

/// Calls that are tabulated before giving up.
const CALLS: usize = 64;

/// Callees with what relates their values, each found once.
pub(crate) struct Relations<'l> {
    limits: &'l Limits,
    /// Public amounts that are tried.
    amounts: &'l [u128],
    tables: &'l Tables,
    known: Vec<(Problem, Option<Arc<Relation>>)>,
}

/// A call replaced by its relation.
#[derive(Clone)]
pub(crate) struct Related {
    pub ideal: IdealBox,
    pub relation: Arc<Relation>,
    pub given: Vec<Given>,
}

/// A value that a relation gives: its symbol, and the operands as terms.
struct Choice {
    symbol: Symbol,
    operands: Vec<Poly>,
    relation: Arc<Relation>,
}

/// A result to be evaluated on all values of some symbols.
struct Walk<'w> {
    problem: &'w Problem,
    run: &'w Execution,
    value: &'w Poly,
    symbols: Vec<(Symbol, CoinDomain)>,
    /// Symbols that have any of their values in all evaluations.
    ranges: Vec<(Symbol, Possible)>,
    choices: Vec<Choice>,
    /// Of all evaluations for one amount.
    bits: f64,
}

impl<'l> Relations<'l> {
    pub fn new(limits: &'l Limits, amounts: &'l [u128], tables: &'l Tables) -> Self {
        Self {
            limits,
            amounts,
            tables,
            known: Vec::new(),
        }
    }

    /// Evaluations for one question, as a power of two: a few amounts, each of so many.
    fn most(&self) -> f64 {
        (self.limits.assignments as f64).log2() - 2.0
    }

    /// The outermost calls that have a relation, and those whose value is a polynomial.
    pub fn boxes(&mut self, problem: &Problem) -> Result<(Vec<IdealBox>, Vec<Related>), Malformed> {
        let (mut exact, mut related): (Vec<IdealBox>, Vec<Related>) = (Vec::new(), Vec::new());
        for (at, call) in problem.flat.calls.iter().enumerate() {
            let taken = exact.iter().any(|ideal| ideal.overlaps(call))
                || related.iter().any(|one| one.ideal.overlaps(call));
            if taken {
                continue;
            }
            if let Some(ideal) = product(problem, at, call) {
                exact.push(ideal);
                continue;
            }
            let Some(callee) = valid(problem, call) else {
                continue;
            };
            let [Operand::Shared(sharing)] = callee.problem.results.as_slice() else {
                continue;
            };
            let none = vec![false; sharing.holders.len()];
            let Some(required) = choices(sharing, &none, 1).pop() else {
                continue;
            };
            if !sharing.keyed.is_empty() {
                continue;
            }
            let Some((of_operands, given)) = callee.of_operands(problem, call) else {
                continue;
            };
            if let Some(relation) = self.of(&of_operands)? {
                related.push(Related {
                    ideal: IdealBox {
                        call: at as u32,
                        required,
                        value: BoxValue::Symbol,
                        callee,
                    },
                    relation,
                    given,
                });
            }
        }
        Ok((exact, related))
    }

    /// What relates the operands of a protocol with its one result, if that can be enumerated.
    fn of(&mut self, problem: &Problem) -> Result<Option<Arc<Relation>>, Malformed> {
        let known = self.known.iter().find(|(known, _)| same(known, problem));
        if let Some((_, relation)) = known {
            return Ok(relation.clone());
        }
        let found = match self.known.len() < CALLS {
            true => self.tables.of(problem, self.amounts, self.limits)?,
            false => None,
        };
        self.known.push((problem.clone(), found.clone()));
        Ok(found)
    }

    /// The same, whoever has asked for it before.
    pub fn look(&mut self, problem: &Problem) -> Result<Option<Arc<Relation>>, Malformed> {
        let mut found = None;
        let boxes = products(problem);
        if !boxes.is_empty() {
            found = self.reduced(problem, fewer_coins(problem, &boxes)?.as_ref());
        }
        if found.is_none() {
            found = self.reduced(problem, fewer_coins(problem, &[])?.as_ref());
        }
        if found.is_none() {
            found = self.composed(problem)?;
        }
        Ok(found.map(Arc::new))
    }

    fn reduced(&self, problem: &Problem, reduced: Option<&Reduced>) -> Option<Relation> {
        let Reduced {
            run,
            value,
            symbols,
            ..
        } = reduced?;
        let walk = Walk::new(problem, run, value, symbols.clone(), Vec::new())?;
        self.table(&walk)
    }

    fn composed(&mut self, problem: &Problem) -> Result<Option<Relation>, Malformed> {
        let (exact, related) = self.boxes(problem)?;
        if related.is_empty() {
            return Ok(None);
        }
        let Some((run, value, choices)) = execute(problem, &exact, &related)? else {
            return Ok(None);
        };
        let walk = Walk::with_choices(problem, &run, &value, choices);
        Ok(walk.and_then(|walk| self.table(&walk)))
    }

    fn table(&self, walk: &Walk<'_>) -> Option<Relation> {
        if walk.bits > self.most() {
            return None;
        }
        let mut table: HashMap<Vec<u128>, Vec<u128>> = HashMap::new();
        walk.all(self.amounts, &|_| true, &mut |inputs, got| {
            let key: Vec<u128> = inputs
                .iter()
                .filter_map(|rows| rows.first().copied())
                .collect();
            let slot = table.entry(key).or_default();
            slot.extend(got.values());
            slot.sort_unstable();
            slot.dedup();
            true
        })?;
        let entries = table.into_iter();
        let entries = entries.map(|(key, values)| Some((key, Possible::of(values)?)));
        entries.collect()
    }

    /// Whether all claims hold in all executions with calls replaced by their relations: how many were evaluated,
    /// or `None` where that is not shown.
    pub fn right(
        &mut self,
        problem: &Problem,
        claimed: &Claimed,
    ) -> Result<Option<u64>, Malformed> {
        let (exact, related) = self.boxes(problem)?;
        if related.is_empty() {
            return Ok(None);
        }
        let Some((run, value, choices)) = execute(problem, &exact, &related)? else {
            return Ok(None);
        };
        let Some(walk) = Walk::with_choices(problem, &run, &value, choices) else {
            return Ok(None);
        };
        if walk.bits > self.most() {
            return Ok(None);
        }
        let required = |inputs: &Inputs| claimed.required(inputs, 1);
        let done = walk.all(self.amounts, &required, &mut |inputs, got| {
            let mut words = got.values().iter();
            words.all(|word| claimed.holds(inputs, &[vec![*word]]))
        });
        Ok(done.filter(|count| *count > 0))
    }
}

impl Relations<'_> {
    /// The outermost calls that are functions of their operands' values, for this coalition.
    pub fn functions(
        &mut self,
        problem: &Problem,
        coalition: PartySet,
    ) -> Result<Vec<IdealBox>, Malformed> {
        let (_, related) = self.boxes(problem)?;
        let mut found = Vec::new();
        for Related {
            mut ideal,
            relation,
            given,
        } in related
        {
            let [Operand::Shared(sharing)] = ideal.callee.problem.results.as_slice() else {
                continue;
            };
            // Amounts are tried out, not all of them.
            let amounts = given.iter().flat_map(|(ids, _)| ids).any(|id| {
                let info = problem.flat.values.get(*id as usize);
                info.is_none_or(|info| info.kind == Kind::Scalar)
            });
            let one = |set: &Possible| matches!(set, Possible::One(_));
            // All components of such operands are a sharing.
            let mut sharings = given.iter().filter_map(|(_, sharing)| sharing.as_ref());
            let whole = sharings.all(|sharing| parities(sharing).is_empty());
            if amounts || !whole || !relation.values().all(one) {
                continue;
            }
            let held = held(sharing, coalition);
            if let Some(required) = choices(sharing, &held, 1).pop() {
                ideal.required = required;
                ideal.value = BoxValue::Function(given);
                found.push(ideal);
            }
        }
        Ok(found)
    }
}

/// The result of a protocol with its calls replaced, and the values that their relations give, in the order of the
/// calls. `None` where components are not shown to be those of a sharing.
fn execute(
    problem: &Problem,
    exact: &[IdealBox],
    related: &[Related],
) -> Result<Option<(Execution, Poly, Vec<Choice>)>, Malformed> {
    let [operand] = problem.results.as_slice() else {
        return Ok(None);
    };
    let mut related: Vec<&Related> = related.iter().collect();
    related.sort_by_key(|one| one.ideal.callee.steps.start);
    let mut boxes = exact.to_vec();
    boxes.extend(related.iter().map(|one| one.ideal.clone()));
    let terms = Terms::new(512).with_budget(1 << 17);
    let mut run = Execution::in_terms(problem, terms, &boxes)?;
    let mut choices = Vec::new();
    for one in related {
        let name = Name::Noise {
            call: one.ideal.call,
        };
        let symbol = run.symbols.iter().position(|info| info.name == name);
        let operands: Option<Vec<Poly>> =
            one.given.iter().map(|given| run.operand(given)).collect();
        let (Some(symbol), Some(operands)) = (symbol, operands) else {
            return Ok(None);
        };
        choices.push(Choice {
            symbol: Symbol(symbol as u32),
            operands,
            relation: one.relation.clone(),
        });
    }
    let Some(terms) = run.result(problem, 0) else {
        return Ok(None);
    };
    let value = match operand {
        Operand::Shared(sharing) => shared(&mut run, problem, &terms, sharing),
        Operand::Clear { .. } => terms.into_iter().next(),
    };
    Ok(value.map(|value| (run, value, choices)))
}

/// The value of components that are those of a sharing.
fn shared(
    run: &mut Execution,
    problem: &Problem,
    terms: &[Poly],
    sharing: &Sharing,
) -> Option<Poly> {
    let carried = run.keys(problem, sharing, PartySet::EMPTY)?;
    let (value, zeros) = opened(run, terms, sharing, &carried);
    zeros.iter().all(Poly::is_zero).then_some(value)
}

impl<'w> Walk<'w> {
    /// Multiplicative masks are kept as ranges: what is multiplied by a coin that is nowhere 0 is mostly
    /// compared with 0, which does not depend on the coin.
    fn new(
        problem: &'w Problem,
        run: &'w Execution,
        value: &'w Poly,
        symbols: Vec<(Symbol, CoinDomain)>,
        choices: Vec<Choice>,
    ) -> Option<Self> {
        let elem = |symbol: Symbol| run.symbols[symbol.0 as usize].elem;
        let (ranged, symbols): (Vec<_>, Vec<_>) = symbols
            .into_iter()
            .partition(|(_, domain)| *domain == CoinDomain::Nonzero);
        let ranges = ranged.into_iter().map(|(symbol, _)| {
            let order = crate::element::order(elem(symbol));
            let values = (order > 1 && order <= 128).then(|| (1..order).collect())?;
            Some((symbol, Possible::of(values)?))
        });
        let ranges: Option<Vec<(Symbol, Possible)>> = ranges.collect();
        let several = choices.iter().map(|choice| {
            let most = choice.relation.values().map(|set| set.values().len()).max();
            (most.unwrap_or(1) as f64).log2()
        });
        Some(Self {
            bits: bits_of(run, &symbols) + several.sum::<f64>(),
            problem,
            run,
            value,
            symbols,
            ranges: ranges?,
            choices,
        })
    }

    /// The same for what a result depends on of calls that are replaced.
    fn with_choices(
        problem: &'w Problem,
        run: &'w Execution,
        value: &'w Poly,
        mut choices: Vec<Choice>,
    ) -> Option<Self> {
        let mut support = run.terms.support(value);
        let mut needed = vec![false; choices.len()];
        for (at, choice) in choices.iter().enumerate().rev() {
            needed[at] = support.contains(choice.symbol);
            support.remove(choice.symbol);
            for operand in choice.operands.iter().filter(|_| needed[at]) {
                support.extend(&run.terms.support(operand));
            }
        }
        // An operand that depended on a later call would stand before it.
        if choices.iter().any(|choice| support.contains(choice.symbol)) {
            return None;
        }
        let mut needed = needed.into_iter();
        choices.retain(|_| needed.next() == Some(true));
        let symbols = symbols(problem, run, &support)?;
        Self::new(problem, run, value, symbols, choices)
    }

    /// Visits operands with what the result can be, for all that symbols, amounts and relations give; how many
    /// evaluations there were. `None` if one has no value, or as soon as a visit fails.
    fn all(
        &self,
        amounts: &[u128],
        wanted: &dyn Fn(&Inputs) -> bool,
        visit: &mut dyn FnMut(&Inputs, &Possible) -> bool,
    ) -> Option<u64> {
        let run = self.run;
        let at = |param: usize| {
            let name = Name::Value {
                param: param as u32,
            };
            run.symbols.iter().position(|info| info.name == name)
        };
        let params: Option<Vec<usize>> = (0..self.problem.params.len()).map(at).collect();
        let params = params?;
        let mut symbols = self.symbols.clone();
        let varied = Varied::new(&run.terms, self.value, &mut symbols);
        let mut values: Vec<Option<Possible>> = vec![None; run.symbols.len()];
        for (symbol, range) in &self.ranges {
            values[symbol.0 as usize] = Some(range.clone());
        }
        let mut total = 0;
        for amount in amounts {
            for at in &params {
                if run.symbols[*at].kind == Kind::Scalar {
                    values[*at] = Some(Possible::One(*amount));
                }
            }
            let mut counter = Counter::default();
            let mut inputs: Inputs = vec![Vec::new(); params.len()];
            let (mut known, mut admitted, mut before) = (Known::default(), None, None);
            loop {
                counter.rewind();
                for (symbol, domain) in &symbols {
                    let elem = run.symbols[symbol.0 as usize].elem;
                    let word = coin(domain, elem, &mut counter);
                    values[symbol.0 as usize] = Some(Possible::One(word));
                }
                let own = params.iter().map(|at| values[*at].as_ref());
                let own: Option<Vec<&Possible>> = own.collect();
                let own = own?.into_iter().map(Possible::values);
                if changed(&mut inputs, own) || admitted.is_none() {
                    admitted = Some(wanted(&inputs));
                    before = None;
                }
                if admitted == Some(true) && self.choices.is_empty() {
                    total += 1;
                    let got = run.terms.possible_varied(&varied, &values, &mut known)?;
                    // Most coins do not show in the result.
                    if before.as_ref() != Some(&got) {
                        visit(&inputs, &got).then_some(())?;
                        before = Some(got);
                    }
                } else if admitted == Some(true) {
                    self.choose(0, &mut values, &inputs, &mut total, visit)?;
                }
                match counter.step() {
                    Some(digit) => varied.forget(digit, &mut known),
                    None => break,
                }
            }
        }
        Some(total)
    }

    /// Gives the values from this call on, one after the other, each of those listed.
    fn choose(
        &self,
        at: usize,
        values: &mut Vec<Option<Possible>>,
        inputs: &Inputs,
        total: &mut u64,
        visit: &mut dyn FnMut(&Inputs, &Possible) -> bool,
    ) -> Option<()> {
        let mut done = Vec::new();
        let Some(choice) = self.choices.get(at) else {
            *total += 1;
            let got = self.run.terms.possible(self.value, values, &mut done)?;
            return visit(inputs, &got).then_some(());
        };
        let mut keys: Vec<Vec<u128>> = vec![Vec::new()];
        for operand in &choice.operands {
            let found = self.run.terms.possible(operand, values, &mut done)?;
            let longer = keys.iter().flat_map(|key| {
                let words = found.values().iter();
                words.map(|word| [key.as_slice(), &[*word]].concat())
            });
            keys = longer.collect();
            if keys.len() > 1 << 10 {
                return None;
            }
        }
        let mut listed = Vec::new();
        for key in keys {
            listed.extend_from_slice(choice.relation.get(&key)?.values());
        }
        let slot = choice.symbol.0 as usize;
        for word in Possible::of(listed)?.values() {
            values[slot] = Some(Possible::One(*word));
            self.choose(at + 1, values, inputs, total, visit)?;
        }
        values[slot] = None;
        Some(())
    }
}
