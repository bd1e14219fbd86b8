//! Symbolic execution: every value of a flat protocol as a ring term, for one coalition.
//!
//! A sharing is a uniform solution of its linear equations: some components are coins of the dealer
//! of the sharing, and the others follow from these and the value. Which ones follow is chosen per
//! coalition, so that what the coalition holds are coins it knows.

use crate::callee::{Callee, Given};
use crate::certificate::{Assumption, Element, Name};
use crate::declared::as_term;
use crate::element::coefficient;
use crate::eliminate::opened;
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::requires::elems;
use crate::sharing::{Layout, held, layout, layout_by};
use crate::term::{Function, Given as Told, Poly, Support, Symbol, Terms};
use smpc_ir::flat::{Call, FlatOp, FlatOperand, Kind, Sharing};
use smpc_ir::local::Local;
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::sync::Arc;

/// What is known of a symbol.
#[derive(Clone, Debug)]
pub(crate) struct SymbolInfo {
    pub name: Name,
    pub elem: Elem,
    pub kind: Kind,
    pub class: Class,
}

/// What a symbol is for the coalition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// To be kept from the coalition.
    Secret,
    /// Known to the coalition, or given to the simulator.
    Known,
    /// Uniform over its element type and unknown to the coalition.
    Pad,
    /// Random and unknown, of another distribution.
    Noise,
}

/// The terms of a whole protocol, as one coalition sees it.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub terms: Terms,
    pub symbols: Vec<SymbolInfo>,
    pub values: Vec<Option<Poly>>,
    /// The value of each shared or clear parameter.
    pub inputs: Vec<Poly>,
    /// Messages the coalition receives from others, in send order.
    pub view: Vec<(Element, Kind, Poly)>,
}

/// A call to be taken as an ideal box.
#[derive(Clone, Debug)]
pub(crate) struct IdealBox {
    /// Its position in `Flat::calls`.
    pub call: u32,
    pub callee: Callee,
    /// The components of its result that are uniform; the others follow from the value.
    pub required: Vec<usize>,
    /// What is known of its value.
    pub value: BoxValue,
}

/// What is known of the value of an ideal box.
#[derive(Clone, Debug)]
pub(crate) enum BoxValue {
    /// A function of all that it is given, of what the coalition holds of the result, and of coins of the box.
    Unknown,
    /// A polynomial of its inputs.
    Polynomial(Arc<(Terms, Poly)>),
    /// A product of two linear forms of its inputs.
    Product(Arc<(Terms, Poly, Poly)>),
    /// A function of the values of its operands, of what the coalition has, and of coins of the box.
    Operands(Vec<Given>),
    /// A function of the values of its operands and of nothing else.
    Function(Vec<Given>),
    /// A symbol of its own.
    Symbol,
    /// Nothing is known of the components either: for the rest of the text they are to be kept secret.
    Secret,
}

impl IdealBox {
    /// Whether a call has steps in common with this one.
    pub fn overlaps(&self, call: &Call) -> bool {
        let (own, steps) = (&self.callee.steps, &call.steps);
        (steps.start as usize) < own.end && own.start < steps.end as usize
    }
}

/// The value of a callee's result as a polynomial of its inputs.
pub(crate) fn formula(callee: &Problem) -> Option<Arc<(Terms, Poly)>> {
    if callee.flat.steps.len() > 128 {
        return None;
    }
    let run = Execution::new(callee, PartySet::EMPTY, Assumption::AnySharing, 256).ok()?;
    let [Operand::Shared(sharing)] = callee.results.as_slice() else {
        return None;
    };
    let mut value = Poly::constant(sharing.elem, 0);
    for (term, by) in run.result(callee, 0)?.iter().zip(&sharing.reconstruction) {
        value = value.add(&term.scale(coefficient(sharing.elem, *by)));
    }
    let inputs = callee.params.len() as u32;
    let of_inputs = run.terms.support(&value).iter().all(|s| s.0 < inputs);
    (of_inputs && run.terms.is_polynomial(&value) && value.monomials() <= 64)
        .then(|| Arc::new((run.terms, value)))
}

/// How many pairs of monomials a product is expanded to: small protocols in full, long circuits
/// stay graphs.
pub(crate) fn expansion(problem: &Problem) -> usize {
    let steps = problem.flat.steps.len();
    // What deferred protocols compare are identities of what stands before them.
    if steps <= 120 || problem.own < steps && steps <= 700 {
        2048
    } else {
        24
    }
}

impl Execution {
    pub fn new(
        problem: &Problem,
        coalition: PartySet,
        assume: Assumption,
        limit: usize,
    ) -> Result<Self, Malformed> {
        Self::start(problem, coalition, assume, Terms::new(limit), &[], false)
    }

    /// With calls as ideal boxes; if `told`, the coalition is given the values of all operands.
    pub fn with_boxes(
        problem: &Problem,
        coalition: PartySet,
        assume: Assumption,
        boxes: &[IdealBox],
        told: bool,
    ) -> Result<Self, Malformed> {
        let terms = Terms::new(expansion(problem));
        Self::start(problem, coalition, assume, terms, boxes, told)
    }

    /// Nobody's view, in a graph of the caller's, for fresh sharings of the operands.
    pub fn in_terms(
        problem: &Problem,
        terms: Terms,
        boxes: &[IdealBox],
    ) -> Result<Self, Malformed> {
        let (nobody, assume) = (PartySet::EMPTY, Assumption::Fresh);
        Self::start(problem, nobody, assume, terms, boxes, false)
    }

    fn start(
        problem: &Problem,
        coalition: PartySet,
        assume: Assumption,
        terms: Terms,
        boxes: &[IdealBox],
        told: bool,
    ) -> Result<Self, Malformed> {
        let mut run = Self {
            terms,
            symbols: Vec::new(),
            values: vec![None; problem.flat.values.len()],
            inputs: Vec::new(),
            view: Vec::new(),
        };
        let implied = problem.implied(coalition);
        for at in (0..problem.params.len()).filter(|at| Some(*at) != implied) {
            let no_meaning = || Malformed(format!("parameter {at} has no meaning as a term"));
            run.parameter(problem, at, coalition, assume, told)
                .ok_or_else(no_meaning)?;
        }
        if let (Some(at), Some(Operand::Clear { elem, .. })) =
            (implied, implied.and_then(|at| problem.params.get(at)))
        {
            let id = operand_ids(&problem.flat.params[at])[0] as usize;
            let kind = problem.flat.values[id].kind;
            let sum = run.symbol(Name::Result, *elem, kind, Class::Known);
            let last = run.inputs.iter().fold(sum, |rest, other| rest.sub(other));
            run.values[id] = Some(last);
        }
        for at in 0..problem.flat.steps.len() {
            let no_meaning = || Malformed(format!("step {at} has no meaning as a term"));
            if let Some(ideal) = boxes.iter().find(|b| b.callee.steps.contains(&at)) {
                if ideal.callee.local.contains(&at) {
                    run.step(problem, at, coalition).ok_or_else(no_meaning)?;
                }
                if at + 1 == ideal.callee.steps.end {
                    run.ideal(problem, ideal, coalition)
                        .ok_or_else(no_meaning)?;
                }
                continue;
            }
            run.step(problem, at, coalition).ok_or_else(no_meaning)?;
        }
        Ok(run)
    }

    /// The result of a call that is an ideal box.
    fn ideal(&mut self, problem: &Problem, ideal: &IdealBox, coalition: PartySet) -> Option<()> {
        let callee = &ideal.callee;
        let [Operand::Shared(sharing)] = callee.problem.results.as_slice() else {
            return None;
        };
        let inner = operand_ids(callee.problem.flat.results.first()?);
        let kind = callee.problem.flat.values[*inner.first()? as usize].kind;
        let mut given = Vec::new();
        for id in &callee.inputs {
            given.push(self.values[*id as usize].clone()?);
        }
        let (elem, call) = (sharing.elem, ideal.call);
        if let BoxValue::Secret = ideal.value {
            for (component, id) in (0u32..).zip(&callee.outputs) {
                let name = Name::Output { call, component };
                let term = self.symbol(name, elem, kind, Class::Secret);
                self.values[*id as usize] = Some(term);
            }
            return Some(());
        }
        let held = held(sharing, coalition);
        let layout = layout_by(sharing, &held, &ideal.required)?;
        let mut free = Vec::new();
        for &at in &layout.free {
            let class = if held[at] { Class::Known } else { Class::Pad };
            let name = Name::Output {
                call,
                component: at as u32,
            };
            let component = self.symbol(name, elem, kind, class);
            if held[at] {
                given.push(component.clone());
            }
            free.push(component);
        }
        let inputs = &given[..callee.inputs.len()];
        let value = match &ideal.value {
            BoxValue::Product(factors) => {
                let left = self.terms.import(&factors.0, &factors.1, inputs)?;
                let right = self.terms.import(&factors.0, &factors.2, inputs)?;
                self.terms.mul(&left, &right)
            }
            BoxValue::Polynomial(formula) => self.terms.import(&formula.0, &formula.1, inputs)?,
            BoxValue::Symbol | BoxValue::Secret => {
                self.symbol(Name::Noise { call }, elem, kind, Class::Noise)
            }
            BoxValue::Operands(operands) => {
                let mut args = self.operands(operands)?;
                args.extend(given.drain(callee.inputs.len()..));
                args.push(self.symbol(Name::Noise { call }, elem, kind, Class::Noise));
                self.terms.function(Function::Unknown, args, elem)
            }
            BoxValue::Function(operands) => {
                // Functions of two calls are two.
                let mut args = vec![Poly::constant(Elem::Ring(64), i128::from(call))];
                args.extend(self.operands(operands)?);
                self.terms.function(Function::Unknown, args, elem)
            }
            BoxValue::Unknown => {
                // An unknown function may be one of keys, too.
                let class = match callee.reads_keys() {
                    true => Class::Secret,
                    false => Class::Noise,
                };
                let noise = self.symbol(Name::Noise { call }, elem, kind, class);
                given.push(noise);
                self.terms.function(Function::Unknown, given, elem)
            }
        };
        let carried = self.keys(problem, sharing, coalition)?;
        let terms = components(&mut self.terms, &layout, &value, &free, &carried);
        for (id, term) in callee.outputs.iter().zip(terms) {
            self.values[*id as usize] = Some(term);
        }
        Some(())
    }

    /// The value of an operand of a call; `None` if it is not shown to be a sharing.
    pub fn operand(&mut self, (ids, sharing): &Given) -> Option<Poly> {
        let terms = self.components(ids)?;
        match sharing {
            None => terms.first().cloned(),
            Some(sharing) if sharing.keyed.is_empty() => {
                let carried = vec![None; terms.len()];
                let (value, zeros) = opened(self, &terms, sharing, &carried);
                zeros.iter().all(Poly::is_zero).then_some(value)
            }
            Some(_) => None,
        }
    }

    /// The values of operands; all components of one that is not shown to be a sharing.
    fn operands(&mut self, operands: &[Given]) -> Option<Vec<Poly>> {
        let mut args = Vec::new();
        for given in operands {
            match self.operand(given) {
                Some(value) => args.push(value),
                None => args.extend(self.components(&given.0)?),
            }
        }
        Some(args)
    }

    fn components(&self, ids: &[u32]) -> Option<Vec<Poly>> {
        let terms = ids.iter().map(|id| self.values.get(*id as usize)?.clone());
        terms.collect()
    }

    /// The steps that draw the permutations which, one after the other, put the rows of one term in the order of
    /// another. `None` if they are not the same rows in orders that are drawn.
    pub fn permutations(&self, problem: &Problem, rows: &Poly, from: &Poly) -> Option<Vec<u32>> {
        let by = self.terms.reordered_by(rows, from)?.into_iter();
        by.map(|symbol| match self.symbols[symbol.0 as usize].name {
            Name::Coin { step } => {
                let drawn = &problem.flat.steps[step as usize].op;
                (*drawn == FlatOp::Coin(CoinDomain::Permutation)).then_some(step)
            }
            _ => None,
        })
        .collect()
    }

    /// A key of the scheme: one symbol in all of a run. It is no pad, because the rest of the run
    /// uses it too, and to be kept from who does not hold it: with it tags are made to fit.
    fn key(&mut self, problem: &Problem, key: u32, coalition: PartySet) -> Option<Poly> {
        let info = problem.keys.get(key as usize)?;
        let name = Name::Key { key };
        if let Some(at) = self.symbols.iter().position(|s| s.name == name) {
            return Some(self.terms.symbol(Symbol(at as u32), info.elem));
        }
        let known = !info.known_to.intersection(coalition).is_empty();
        let class = if known { Class::Known } else { Class::Secret };
        Some(self.symbol(name, info.elem, Kind::Scalar, class))
    }

    /// For each component the key that it carries times the value.
    pub fn keys(
        &mut self,
        problem: &Problem,
        sharing: &Sharing,
        coalition: PartySet,
    ) -> Option<Carried> {
        let mut carried = vec![None; sharing.holders.len()];
        for (component, key) in &sharing.keyed {
            *carried.get_mut(*component as usize)? = Some(self.key(problem, *key, coalition)?);
        }
        Some(carried)
    }

    fn symbol(&mut self, name: Name, elem: Elem, kind: Kind, class: Class) -> Poly {
        let symbol = Symbol(self.symbols.len() as u32);
        if matches!(kind, Kind::Scalar | Kind::Digest) {
            self.terms.scalar(symbol);
        }
        self.symbols.push(SymbolInfo {
            name,
            elem,
            kind,
            class,
        });
        self.terms.symbol(symbol, elem)
    }

    fn parameter(
        &mut self,
        problem: &Problem,
        at: usize,
        coalition: PartySet,
        assume: Assumption,
        told: bool,
    ) -> Option<()> {
        let ids = operand_ids(&problem.flat.params[at]);
        let info = |id: u32| &problem.flat.values[id as usize];
        let known = |class, yes: bool| if yes { Class::Known } else { class };
        let param = at as u32;
        match &problem.params[at] {
            Operand::Clear { elem, known_to } => {
                let id = ids[0];
                let meets = !known_to
                    .union(info(id).known_to)
                    .intersection(coalition)
                    .is_empty();
                // Public amounts are known to everybody, an outsider alone included.
                let public = info(id).kind == Kind::Scalar;
                let given = told || problem.gives(coalition, at);
                let class = known(Class::Secret, meets || public || given);
                let value = self.symbol(Name::Value { param }, *elem, info(id).kind, class);
                self.values[id as usize] = Some(value.clone());
                self.inputs.push(value);
            }
            Operand::Shared(sharing) => {
                let held: Vec<bool> = sharing
                    .holders
                    .iter()
                    .zip(ids)
                    .map(|(h, id)| {
                        !h.union(info(*id).known_to)
                            .intersection(coalition)
                            .is_empty()
                    })
                    .collect();
                let elem = sharing.elem;
                let kind = ids.first().map_or(Kind::Element, |id| info(*id).kind);
                let layout = layout(sharing, &held)?;
                let given = layout.open || told || problem.learns_result(coalition);
                let whole = problem.gives(coalition, at);
                let class = known(Class::Secret, given || whole);
                let mut value = self.symbol(Name::Value { param }, elem, kind, class);
                if let (true, false, Some(bits)) =
                    (given && !whole, layout.open, problem.beyond(elem))
                {
                    // What is revealed are the low bits.
                    let above = self.symbol(Name::Above { param }, elem, kind, Class::Secret);
                    value = value.add(&above.scale(1 << bits));
                }
                let mut free = Vec::new();
                for &i in &layout.free {
                    let class = match assume {
                        Assumption::Fresh => Class::Pad,
                        Assumption::AnySharing => Class::Secret,
                    };
                    let name = Name::Component {
                        param,
                        component: i as u32,
                    };
                    let class = known(class, held[i]);
                    free.push(self.symbol(name, elem, kind, class));
                }
                let carried = self.keys(problem, sharing, coalition)?;
                let terms = components(&mut self.terms, &layout, &value, &free, &carried);
                for (id, term) in ids.iter().zip(terms) {
                    self.values[*id as usize] = Some(term);
                }
                self.inputs.push(value);
            }
        }
        Some(())
    }

    fn step(&mut self, problem: &Problem, at: usize, coalition: PartySet) -> Option<()> {
        let step = &problem.flat.steps[at];
        let info = &problem.flat.values[step.result as usize];
        let mut args = Vec::with_capacity(step.args.len());
        for &arg in &step.args {
            args.push(self.values[arg as usize].clone()?);
        }
        let value = match &step.op {
            FlatOp::Coin(domain) => {
                let class = if !info.known_to.intersection(coalition).is_empty() {
                    Class::Known
                } else if *domain == CoinDomain::Uniform {
                    Class::Pad
                } else {
                    Class::Noise
                };
                let name = Name::Coin { step: at as u32 };
                self.symbol(name, info.elem, info.kind, class)
            }
            FlatOp::Send { from, to } => {
                // A corrupt sender computes its message from what it has: no news.
                let news = !coalition.contains(Party(*from));
                if news && !to.intersection(coalition).is_empty() {
                    let element = Element::Message { step: at as u32 };
                    self.view.push((element, info.kind, args[0].clone()));
                }
                args.swap_remove(0)
            }
            FlatOp::Bilinear => self.terms.mul(&args[0], &args[1]),
            FlatOp::Local(Local::Constant(value)) => Poly::constant(info.elem, *value),
            FlatOp::Local(Local::Prim(prim)) => self.terms.prim(*prim, &args, info.elem)?,
            FlatOp::Local(Local::Broadcast) => args.swap_remove(0),
            FlatOp::Local(Local::Gather) => self.terms.gather(&args[0], &args[1]),
            FlatOp::Local(Local::InversePermutation) => {
                self.terms
                    .function(Function::InversePermutation, args, info.elem)
            }
            FlatOp::Local(Local::Sum { axis }) => self.terms.sum(&args[0], *axis),
            FlatOp::Local(Local::Digest) => self.terms.function(Function::Digest, args, info.elem),
            FlatOp::Local(Local::Expand) => self.terms.function(Function::Expand, args, info.elem),
            // Nobody deviates: what is compared is equal, and nobody aborts.
            FlatOp::Check { .. } => args.swap_remove(0),
            FlatOp::Assert { .. } => Poly::constant(info.elem, 0),
            FlatOp::Key(key) => self.key(problem, *key, coalition)?,
            FlatOp::Local(_) => return None,
        };
        self.values[step.result as usize] = Some(value);
        Some(())
    }

    /// The terms of a result's components, or of the one clear value.
    pub fn result(&self, problem: &Problem, at: usize) -> Option<Vec<Poly>> {
        let operand: &FlatOperand = problem.flat.results.get(at)?;
        operand_ids(operand)
            .iter()
            .map(|id| self.values[*id as usize].clone())
            .collect()
    }

    /// What whoever simulates the view of the coalition is given: the clear results that clauses fix by a polynomial, and,
    /// if `results`, those that clauses fix altogether as they come out. Coins that these depend on hide nothing more.
    pub fn given(&mut self, problem: &Problem, coalition: PartySet, results: bool) -> Told {
        let params = (0u32..).zip(elems(&problem.params));
        let params: Vec<Option<Poly>> = params
            .map(|(param, elem)| {
                let name = Name::Value { param };
                let at = self.symbols.iter().position(|info| info.name == name)?;
                Some(self.terms.symbol(Symbol(at as u32), elem))
            })
            .collect();
        let mut all = Vec::new();
        for declared in problem.declared(coalition) {
            let found = self.result(problem, declared.result);
            let kind = declared.kind(problem);
            if let (true, true, Some([term])) = (results, declared.whole, found.as_deref()) {
                for symbol in self.terms.support(term).iter() {
                    let info = &mut self.symbols[symbol.0 as usize];
                    if info.class == Class::Pad {
                        info.class = Class::Noise;
                    }
                }
                let value = self.symbol(Name::Result, declared.elem, kind, Class::Known);
                all.push((term.clone(), value));
            }
            if declared.rounded.is_some() {
                continue;
            }
            let (elem, result) = (declared.elem, declared.result as u32);
            let Some(term) = as_term(&mut self.terms, declared.value, elem, &params) else {
                continue;
            };
            let mut value = self.symbol(Name::Result, elem, kind, Class::Known);
            if let Some(bits) = declared.low {
                let name = Name::Beyond { result };
                let above = self.symbol(name, elem, kind, Class::Secret);
                value = value.add(&above.scale(1 << bits));
            }
            all.push((term, value));
        }
        let secrets = self.of_class(Class::Secret);
        Told::new(&mut self.terms, &all, &secrets)
    }

    /// Symbols of a class.
    pub fn of_class(&self, class: Class) -> Support {
        let mut set = Support::default();
        for (at, info) in self.symbols.iter().enumerate() {
            if info.class == class {
                set.insert(Symbol(at as u32));
            }
        }
        set
    }
}

/// For each component of a sharing the key that it carries times the value.
pub(crate) type Carried = Vec<Option<Poly>>;

/// The components of a sharing, given the value and the free ones.
pub(crate) fn components(
    terms: &mut Terms,
    layout: &Layout,
    value: &Poly,
    free: &[Poly],
    carried: &Carried,
) -> Vec<Poly> {
    let mut tags = carried.iter().map(|key| {
        let zero = || Poly::constant(value.elem(), 0);
        key.as_ref().map_or_else(zero, |key| terms.mul(key, value))
    });
    let tags: Vec<Poly> = tags.by_ref().collect();
    let plain: Vec<Poly> = layout
        .free
        .iter()
        .zip(free)
        .map(|(at, term)| term.sub(&tags[*at]))
        .collect();
    let rows = layout.rows.iter().zip(&tags);
    rows.map(|(row, tag)| {
        let terms = plain.iter().zip(&row[1..]);
        terms.fold(value.scale(row[0]).add(tag), |sum, (term, by)| {
            sum.add(&term.scale(*by))
        })
    })
    .collect()
}
