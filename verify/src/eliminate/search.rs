//! The search: which element becomes uniform by which coin, and in which order.

use super::opened;
use crate::bounds::Bounds;
use crate::certificate::{
    Assumption, Certificate, Element, Elimination, Goal, Known as NoNews, LEAST, Name, Range,
};
use crate::news::no_news;
use crate::problem::{Malformed, Operand, Problem};
use crate::symbolic::{Class, Execution, IdealBox, SymbolInfo};
use crate::term::{Given, Poly, Support, Symbol};
use smpc_ir::flat::Kind;
use smpc_ir::party::{Elem, PartySet};
use std::collections::HashSet;

/// Monomials that the substitutions of one search may make.
const WORK: usize = 100_000;

/// Atoms that the graph of one search may have.
const ATOMS: usize = 30_000;

/// How many choices are tried before giving up: all orders matter little in short protocols, and
/// in long ones each is dear.
fn choices(elements: usize) -> usize {
    if elements <= 40 { 400 } else { 4 }
}

#[derive(Clone, Debug)]
struct Item {
    element: Element,
    kind: Kind,
    term: Poly,
    support: Support,
    /// Coins that could make it uniform.
    pads: Vec<Symbol>,
    /// Coins with an even coefficient: they hide what is as even, and the element stays.
    even: Vec<Symbol>,
    /// Must become uniform (freshness).
    required: bool,
}

impl Item {
    fn new(run: &Execution, element: Element, kind: Kind, term: Poly, required: bool) -> Self {
        let mut item = Self {
            element,
            kind,
            term,
            support: Support::default(),
            pads: Vec::new(),
            even: Vec::new(),
            required,
        };
        item.refresh(run);
        item
    }

    fn refresh(&mut self, run: &Execution) {
        self.support = run.terms.support(&self.term);
        let fits = |symbol: &Symbol| {
            let info = &run.symbols[symbol.0 as usize];
            info.class == Class::Pad && info.kind == self.kind
        };
        self.pads = run.terms.pads(&self.term);
        self.pads.retain(fits);
        self.even = run.terms.even_pads(&self.term);
        self.even.retain(fits);
    }
}

/// How a coin is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The element becomes uniform.
    Solved,
    /// The coin has an even coefficient; the element stays, without what is as even.
    Even,
    /// It stands behind a factor; the element stays, without what is behind the same.
    Factored,
}

struct Search {
    run: Execution,
    secrets: Support,
    /// What the simulator has, of which elements are seen only up to multiples.
    given: Given,
    /// What components of a result became: no message may tell them.
    outputs: Support,
    goal: Goal,
    choices: usize,
    /// Whether a coin of several elements is tried on earlier messages first.
    early: bool,
    /// Monomials that substitutions may still make.
    work: usize,
    /// Atoms that the graph may have.
    atoms: usize,
    /// Of operands, if masks on a range are looked for.
    bounds: Option<Bounds>,
    /// Those that were found.
    ranges: Vec<Range>,
}

/// Looks for substitutions after which the goal is plain to see.
pub(crate) fn search(
    problem: &Problem,
    coalition: PartySet,
    assume: Assumption,
    goal: &Goal,
    boxes: &[IdealBox],
) -> Result<Option<Certificate>, Malformed> {
    let told = *goal == Goal::Values;
    let mut run = Execution::with_boxes(problem, coalition, assume, boxes, told)?;
    let mut items = Vec::new();
    let checked = problem.own < problem.flat.steps.len();
    // What parties compare in the end is 0, so that the last message of it follows from the others.
    let known = match checked {
        true => no_news(problem, coalition, &run),
        false => Vec::new(),
    };
    let private = matches!(goal, Goal::Privacy | Goal::Results | Goal::Order { .. });
    let given = match private {
        true => run.given(problem, coalition, *goal == Goal::Results),
        false => Given::default(),
    };
    let view = std::mem::take(&mut run.view);
    for (element, kind, term) in view {
        let out = |known: &NoNews| element == Element::Message { step: known.step };
        if known.iter().any(out) {
            continue;
        }
        let term = given.rest(&mut run.terms, &term);
        items.push(Item::new(&run, element, kind, term, false));
    }
    let of_result = match goal {
        Goal::Privacy | Goal::Results | Goal::Order { .. } => None,
        Goal::Freshness { result, required } => Some((*result, required.as_slice())),
        Goal::Values => Some((0, &[][..])),
    };
    if let Some((result, required)) = of_result
        && let Some(Operand::Shared(sharing)) = problem.results.get(result as usize)
    {
        let terms = run
            .result(problem, result as usize)
            .ok_or_else(|| Malformed("a result without a term".to_owned()))?;
        let ids = crate::problem::operand_ids(&problem.flat.results[result as usize]);
        let no_key = || Malformed("a key that does not exist".to_owned());
        let carried = run.keys(problem, sharing, coalition).ok_or_else(no_key)?;
        let (value, zeros) = opened(&mut run, &terms, sharing, &carried);
        if zeros.iter().any(|zero| !zero.is_zero()) {
            return Ok(None);
        }
        let kind = ids
            .last()
            .map_or(Kind::Element, |id| problem.flat.values[*id as usize].kind);
        items.push(Item::new(
            &run,
            Element::Value { result },
            kind,
            value,
            false,
        ));
        for (component, term) in terms.into_iter().enumerate() {
            if !required.contains(&(component as u32)) {
                continue;
            }
            let element = Element::Component {
                result,
                component: component as u32,
            };
            let kind = problem.flat.values[ids[component] as usize].kind;
            items.push(Item::new(&run, element, kind, term, true));
        }
    }
    let mut secrets = run.of_class(Class::Secret);
    if let Goal::Order { coin } = goal {
        let name = Name::Coin { step: *coin };
        let Some(at) = run.symbols.iter().position(|info| info.name == name) else {
            return Ok(None);
        };
        secrets.insert(Symbol(at as u32));
    }
    // What checks compare comes last, and holds coins that hide earlier messages.
    // Long checks are found to be no identities in any order.
    let long = checked && problem.flat.steps.len() > 700;
    let scale = if long { 10 } else { 1 };
    let orders = if checked {
        &[true, false][..]
    } else {
        &[false]
    };
    let bounds = Bounds::of(problem);
    // An exact simulation first.
    let statistical = *goal == Goal::Privacy && !bounds.is_empty();
    let ways = match statistical {
        true => vec![None, Some(bounds)],
        false => vec![None],
    };
    let ways = ways.into_iter();
    let ways = ways.flat_map(|bounds| orders.iter().map(move |early| (early, bounds.clone())));
    for (early, bounds) in ways {
        let mut search = Search {
            run: run.clone(),
            secrets: secrets.clone(),
            given: given.clone(),
            outputs: Support::default(),
            goal: goal.clone(),
            choices: choices(items.len()),
            early: *early,
            work: WORK / scale,
            atoms: ATOMS / scale,
            bounds,
            ranges: Vec::new(),
        };
        if let Some(steps) = search.solve(items.clone(), Vec::new()) {
            return Ok(Some(Certificate {
                coalition,
                assume,
                goal: goal.clone(),
                boxes: Vec::new(),
                known: known.clone(),
                steps,
                ranges: search.ranges,
            }));
        }
    }
    Ok(None)
}

impl Search {
    fn done(&self, items: &[Item]) -> bool {
        match &self.goal {
            Goal::Privacy | Goal::Results | Goal::Order { .. } | Goal::Values => {
                items.iter().all(|item| !item.support.meets(&self.secrets))
            }
            Goal::Freshness { .. } => items
                .iter()
                .all(|item| !item.required && !item.support.meets(&self.outputs)),
        }
    }

    /// Replaces an element by a uniform value; the replacement of the coin.
    fn eliminate(
        &mut self,
        item: &Item,
        coin: Symbol,
        number: usize,
        way: Way,
    ) -> Option<(Elimination, Poly)> {
        let symbol = Symbol(self.run.symbols.len() as u32);
        let name = Name::Uniform {
            number: number as u32,
        };
        let info = SymbolInfo {
            name,
            elem: item.term.elem(),
            kind: self.run.symbols[coin.0 as usize].kind,
            class: Class::Known,
        };
        if matches!(info.kind, Kind::Scalar | Kind::Digest) {
            self.run.terms.scalar(symbol);
        }
        let uniform = self.run.terms.symbol(symbol, info.elem);
        let by = match way {
            Way::Solved => self.run.terms.solve(&item.term, coin, &uniform)?,
            Way::Even => self.run.terms.solve_even(&item.term, coin, &uniform)?,
            Way::Factored => self.run.terms.solve_factored(&item.term, coin, &uniform)?,
        };
        self.run.symbols.push(info);
        if item.required {
            self.outputs.insert(symbol);
        }
        let symbols = &self.run.symbols;
        let shown = |s: Symbol| symbols[s.0 as usize].name.to_string();
        let step = Elimination {
            element: item.element,
            coin: symbols[coin.0 as usize].name,
            text: self.run.terms.display(&by, &shown),
        };
        Some((step, by))
    }

    fn solve(
        &mut self,
        mut items: Vec<Item>,
        mut steps: Vec<Elimination>,
    ) -> Option<Vec<Elimination>> {
        let mut seen = HashSet::new();
        items.retain(|item| item.required || seen.insert(item.term.clone()));
        let mut count = vec![0u32; self.run.symbols.len()];
        for item in &items {
            for symbol in item.support.iter() {
                count[symbol.0 as usize] += 1;
            }
        }
        while !self.done(&items) {
            // Later messages first: their pads were drawn last and occur nowhere else.
            let free = (0..items.len()).rev().find_map(|at| {
                let mut pads = items[at].pads.iter();
                pads.find(|s| count[s.0 as usize] == 1)
                    .map(|pad| (at, *pad))
            });
            let (at, pad, triangular) = match free {
                Some((at, pad)) => (at, pad, false),
                None if self.hidden(&items, &count) => return Some(steps),
                None => match self.triangular(&items, &count) {
                    Some((at, pad)) => (at, pad, true),
                    None => return self.choose(items, steps, &count),
                },
            };
            let item = items.remove(at);
            for symbol in item.support.iter() {
                count[symbol.0 as usize] -= 1;
            }
            steps.push(match triangular {
                true => self.uniform(&item, pad),
                false => self.eliminate(&item, pad, steps.len(), Way::Solved)?.0,
            });
        }
        Some(steps)
    }

    /// Whether what still depends on secrets is hidden by masks on a range, each in no other element; keeps them.
    fn hidden(&mut self, items: &[Item], count: &[u32]) -> bool {
        let Some(bounds) = &self.bounds else {
            return false;
        };
        let symbols = &self.run.symbols;
        let known = self.run.of_class(Class::Known);
        let bound = |symbol: Symbol| match symbols[symbol.0 as usize].name {
            Name::Value { param } => bounds.get(param),
            _ => None,
        };
        let told = items
            .iter()
            .filter(|item| item.support.meets(&self.secrets));
        let range = |item: &Item| {
            let masks = self.run.terms.range_masks(&item.term).into_iter();
            let ranges = masks.filter_map(|mask| {
                let info = &symbols[mask.symbol.0 as usize];
                let own = count.get(mask.symbol.0 as usize) == Some(&1);
                if !own || info.class != Class::Pad || info.kind != item.kind {
                    return None;
                }
                let small = self.run.terms.hidden(&item.term, &mask, &known, &bound)?;
                let room = small.checked_next_power_of_two()?.trailing_zeros();
                let bits = u32::from(mask.width).checked_sub(room)?;
                (bits >= LEAST).then_some(Range {
                    element: item.element,
                    coin: info.name,
                    bits,
                })
            });
            ranges.max_by_key(|range| range.bits)
        };
        let ranges: Option<Vec<Range>> = told.map(range).collect();
        match ranges {
            Some(ranges) => {
                self.ranges = ranges;
                true
            }
            None => false,
        }
    }

    /// A vector of bits, and a coin in no other element by which it is uniform ([`crate::term::Terms::is_triangular`]).
    fn triangular(&self, items: &[Item], count: &[u32]) -> Option<(usize, Symbol)> {
        items.iter().enumerate().rev().find_map(|(at, item)| {
            let fits = |symbol: &Symbol| {
                let info = &self.run.symbols[symbol.0 as usize];
                count[symbol.0 as usize] == 1
                    && info.class == Class::Pad
                    && info.kind == item.kind
                    && self.run.terms.is_triangular(&item.term, *symbol)
            };
            let bits = matches!(item.term.elem(), Elem::Bits(m) if m > 1);
            let mut support = item.support.iter().filter(|_| bits);
            support.find(fits).map(|symbol| (at, symbol))
        })
    }

    /// An element that is uniform by a coin that no other has: nothing is replaced.
    fn uniform(&self, item: &Item, coin: Symbol) -> Elimination {
        Elimination {
            element: item.element,
            coin: self.run.symbols[coin.0 as usize].name,
            text: "solved bit by bit".to_owned(),
        }
    }

    /// A coin that occurs in several elements: one of them becomes uniform, and the others change.
    /// Coins with few occurrences first.
    fn choose(
        &mut self,
        items: Vec<Item>,
        steps: Vec<Elimination>,
        count: &[u32],
    ) -> Option<Vec<Elimination>> {
        let mut options: Vec<(u32, usize, Symbol, Way)> = Vec::new();
        let order: Vec<usize> = match self.early {
            true => (0..items.len()).collect(),
            false => (0..items.len()).rev().collect(),
        };
        for at in order {
            let item = &items[at];
            options.extend(
                item.pads
                    .iter()
                    .map(|pad| (count[pad.0 as usize], at, *pad, Way::Solved)),
            );
            if !item.required && item.support.meets(&self.secrets) {
                let even = item.even.iter();
                options.extend(even.map(|pad| (count[pad.0 as usize], at, *pad, Way::Even)));
            }
        }
        options.sort_by_key(|(occurrences, ..)| *occurrences);
        // Then what is behind a factor.
        for (at, item) in items.iter().enumerate() {
            if item.required || !item.support.meets(&self.secrets) {
                continue;
            }
            let mut pads = self.run.terms.factored_pads(&item.term);
            pads.retain(|pad| self.run.symbols[pad.0 as usize].class == Class::Pad);
            let pads = pads.into_iter();
            options.extend(pads.map(|pad| (count[pad.0 as usize], at, pad, Way::Factored)));
        }
        for (_, at, pad, way) in options {
            self.choices = self.choices.checked_sub(1)?;
            let mut others = items.clone();
            let item = match way {
                Way::Solved => others.remove(at),
                Way::Even | Way::Factored => others[at].clone(),
            };
            let (step, by) = self.eliminate(&item, pad, steps.len(), way)?;
            let mut touched: Vec<&mut Item> = others
                .iter_mut()
                .filter(|other| other.support.contains(pad))
                .collect();
            let before: Vec<&Poly> = touched.iter().map(|other| &other.term).collect();
            let after = self
                .run
                .terms
                .substitute_all(&before, pad, &by, self.atoms)?;
            for (other, term) in touched.iter_mut().zip(after) {
                self.work = self.work.checked_sub(term.monomials())?;
                other.term = self.given.rest(&mut self.run.terms, &term);
                other.refresh(&self.run);
            }
            let mut extended = steps.clone();
            extended.push(step);
            if let Some(found) = self.solve(others, extended) {
                return Some(found);
            }
        }
        None
    }
}
