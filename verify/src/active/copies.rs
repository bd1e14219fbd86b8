//! Execution with a copy of every name at each party, where corrupt parties send what they like.
//!
//! What a corrupt party sends is what it should have sent and a *lie*, a symbol of its own for each
//! message and receiver. A lie is whatever the adversary makes of what it has seen when it must send.

use super::items::same_expansion;
use super::order::Event;
use super::owner::{Moved, meant};
use crate::declared::as_term;
use crate::problem::{Operand, Problem, operand_ids};
use crate::sharing::{held, layout};
use crate::symbolic::{Carried, components};
use crate::term::{Function, Given, Poly, Support, Symbol, Terms};
use smpc_ir::flat::{FlatOp, Kind, Sharing};
use smpc_ir::local::Local;
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};
use std::collections::{BTreeMap, HashMap};

/// What a symbol is for the adversary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// To be kept from it.
    Secret,
    /// It knows it.
    Known,
    /// Uniform, and unknown at first.
    Pad,
    /// Random and unknown, of another distribution.
    Noise,
    /// Its choice.
    Lie,
    /// Expanded from a seed: uniform while a coin of the seed is unknown.
    Expanded,
    /// What a message became: uniform, and known once it was sent.
    Masked,
    /// A key of the scheme that it does not know, uniform in a field, or below a power of two in a ring.
    Key,
}

#[derive(Clone, Debug)]
pub(super) struct Info {
    pub name: String,
    pub elem: Elem,
    pub kind: Kind,
    pub class: Class,
    /// For elements expanded from a seed: the symbols of the seed.
    pub seed: Vec<Symbol>,
    /// Those of them by any of which the whole seed is uniform if it is: half a coin is soon guessed.
    pub masks: Vec<Symbol>,
    /// For keys in a ring: how many bits they have.
    pub bits: u8,
}

/// A message from a corrupt party to one that is not.
#[derive(Clone, Debug)]
pub(super) struct Lie {
    pub symbol: Symbol,
    pub step: usize,
    pub from: Party,
    pub to: Party,
    /// What the receiver has got.
    pub told: Poly,
    /// The messages of honest parties that this is made of.
    pub heard: Vec<Event>,
}

/// A message to a corrupt party from one that is not.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub step: usize,
    pub from: Party,
    pub kind: Kind,
    pub term: Poly,
}

/// What a party compares with 0, and aborts if it is not.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub step: usize,
    pub party: Party,
    pub term: Poly,
}

/// The terms of a run.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    pub terms: Terms,
    pub symbols: Vec<Info>,
    pub copies: HashMap<(u32, u8), Poly>,
    /// What corrupt parties have if they go on with what they told, where that is something else.
    pub told: HashMap<(u32, u8), Poly>,
    pub lies: Vec<Lie>,
    pub view: Vec<Seen>,
    pub conditions: Vec<Condition>,
    /// Lies that a receiver compared before it went on: what it goes on with is free of them.
    pub settled: Support,
    /// The value of each parameter.
    pub inputs: Vec<Poly>,
    /// How many low bits of a ring element are its value.
    pub value: u8,
    /// How many steps the text has.
    pub steps: usize,
    /// For copies of corrupt parties, the messages of honest ones that they are made of, numbered by their steps.
    heard: HashMap<(u32, u8), Support>,
    keys: BTreeMap<u32, Poly>,
    expanded: Vec<(Vec<Poly>, Elem, Poly)>,
}

/// Monomials to which a product is expanded.
const EXPANSION: usize = 1024;

/// Steps beyond which a text is a circuit, whose products stay graphs: what is equal there is so because it is made
/// alike.
const CIRCUIT: usize = 1000;

/// Monomials to which a product of a circuit is expanded.
const CIRCUIT_EXPANSION: usize = 24;

impl Copies {
    /// Runs a protocol against a coalition. `None` for a step without a meaning as a term.
    pub fn new(problem: &Problem, coalition: PartySet) -> Option<Self> {
        let mut run = Self {
            terms: Terms::new(match problem.flat.steps.len() {
                0..=CIRCUIT => EXPANSION,
                _ => CIRCUIT_EXPANSION,
            }),
            symbols: Vec::new(),
            copies: HashMap::new(),
            told: HashMap::new(),
            lies: Vec::new(),
            view: Vec::new(),
            conditions: Vec::new(),
            settled: Support::default(),
            inputs: Vec::new(),
            value: problem.carried,
            steps: problem.flat.steps.len(),
            heard: HashMap::new(),
            keys: BTreeMap::new(),
            expanded: Vec::new(),
        };
        for at in 0..problem.params.len() {
            run.parameter(problem, at, coalition)?;
        }
        for at in 0..problem.flat.steps.len() {
            run.hear(problem, at, coalition);
            run.step(problem, at, coalition)?;
        }
        Some(run)
    }

    pub fn symbol(&mut self, name: String, elem: Elem, kind: Kind, class: Class) -> Poly {
        let symbol = Symbol(self.symbols.len() as u32);
        if matches!(kind, Kind::Scalar | Kind::Digest) {
            self.terms.scalar(symbol);
        }
        self.symbols.push(Info {
            name,
            elem,
            kind,
            class,
            seed: Vec::new(),
            masks: Vec::new(),
            bits: 0,
        });
        self.terms.symbol(symbol, elem)
    }

    fn give(&mut self, id: u32, parties: PartySet, term: &Poly) {
        for party in parties.iter() {
            self.copies.insert((id, party.0), term.clone());
        }
    }

    fn parameter(&mut self, problem: &Problem, at: usize, coalition: PartySet) -> Option<()> {
        let flat = &problem.flat;
        let ids = operand_ids(&flat.params[at]);
        let known = |id: u32| flat.values[id as usize].known_to;
        let kind = flat.values[*ids.first()? as usize].kind;
        match &problem.params[at] {
            Operand::Clear { elem, known_to } => {
                let id = ids[0];
                let mine = !known_to.union(known(id)).intersection(coalition).is_empty();
                let class = if mine || kind == Kind::Scalar {
                    Class::Known
                } else {
                    Class::Secret
                };
                let value = self.symbol(format!("x{at}"), *elem, kind, class);
                self.give(id, known(id), &value);
                self.inputs.push(value);
            }
            Operand::Shared(sharing) => {
                let mut held = held(sharing, coalition);
                for (held, id) in held.iter_mut().zip(ids) {
                    *held |= !known(*id).intersection(coalition).is_empty();
                }
                let layout = layout(sharing, &held)?;
                let open = layout.open || problem.learns_result(coalition);
                let class = if open { Class::Known } else { Class::Secret };
                let mut value = self.symbol(format!("x{at}"), sharing.elem, kind, class);
                if let (true, false, Some(bits)) = (open, layout.open, problem.beyond(sharing.elem))
                {
                    let name = format!("h{at}");
                    let above = self.symbol(name, sharing.elem, kind, Class::Secret);
                    value = value.add(&above.scale(1 << bits));
                }
                let mut free = Vec::new();
                for &i in &layout.free {
                    // Callers keep to fresh sharings where a proof needs them.
                    let class = if held[i] { Class::Known } else { Class::Pad };
                    free.push(self.symbol(format!("x{at}.{i}"), sharing.elem, kind, class));
                }
                let carried = self.carried(problem, sharing, coalition)?;
                let all = components(&mut self.terms, &layout, &value, &free, &carried);
                for (id, term) in ids.iter().zip(&all) {
                    self.give(*id, known(*id), term);
                }
                self.inputs.push(value);
            }
        }
        Some(())
    }

    fn key(&mut self, problem: &Problem, key: u32, coalition: PartySet) -> Option<Poly> {
        if let Some(term) = self.keys.get(&key) {
            return Some(term.clone());
        }
        let info = problem.keys.get(key as usize)?;
        let bits = match (info.domain.clone(), info.elem) {
            (CoinDomain::Uniform, Elem::Field(_)) => Some(0),
            (CoinDomain::Below(bound), Elem::Ring(_)) if bound.is_power_of_two() => {
                Some(bound.trailing_zeros() as u8)
            }
            _ => None,
        };
        let class = match (info.known_to.intersection(coalition).is_empty(), bits) {
            (false, _) => Class::Known,
            (true, Some(_)) => Class::Key,
            (true, None) => Class::Noise,
        };
        let at = self.symbols.len();
        let term = self.symbol(info.name.clone(), info.elem, Kind::Scalar, class);
        self.symbols[at].bits = bits.unwrap_or(0);
        self.keys.insert(key, term.clone());
        Some(term)
    }

    /// For each component the key that it carries times the value.
    pub fn carried(
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

    /// Follows what messages of honest parties the copies of corrupt ones are made of.
    fn hear(&mut self, problem: &Problem, at: usize, coalition: PartySet) {
        let flat = &problem.flat;
        let step = &flat.steps[at];
        let known = flat.values[step.result as usize].known_to;
        for party in known.intersection(coalition).iter() {
            let mut heard = Support::default();
            let mut from = party;
            if let FlatOp::Send { from: sender, .. } = &step.op
                && !flat.values[step.args[0] as usize].known_to.contains(party)
            {
                from = Party(*sender);
                if !coalition.contains(from) {
                    heard.insert(Symbol(at as u32));
                }
            }
            let args = match &step.op {
                // Nothing but the value is gone on with.
                FlatOp::Check { .. } => &step.args[..1],
                FlatOp::Assert { .. } => &[],
                _ => step.args.as_slice(),
            };
            for arg in args {
                if let Some(more) = self.heard.get(&(*arg, from.0)) {
                    heard.extend(more);
                }
            }
            if heard.iter().next().is_some() {
                self.heard.insert((step.result, party.0), heard);
            }
        }
    }

    fn step(&mut self, problem: &Problem, at: usize, coalition: PartySet) -> Option<()> {
        let flat = &problem.flat;
        let step = &flat.steps[at];
        let info = &flat.values[step.result as usize];
        let (known, result) = (info.known_to, step.result);
        let mine = !known.intersection(coalition).is_empty();
        match &step.op {
            FlatOp::Coin(domain) => {
                let class = match (mine, *domain == CoinDomain::Uniform) {
                    (true, _) => Class::Known,
                    (false, true) => Class::Pad,
                    (false, false) => Class::Noise,
                };
                let coin = self.symbol(format!("r{at}"), info.elem, info.kind, class);
                self.give(result, known, &coin);
            }
            FlatOp::Key(key) => {
                let term = self.key(problem, *key, coalition)?;
                self.give(result, known, &term);
            }
            FlatOp::Send { from, to } => {
                let (from, arg) = (Party(*from), step.args[0]);
                let before = flat.values[arg as usize].known_to;
                for party in before.intersection(known).iter() {
                    let own = self.copies.get(&(arg, party.0))?.clone();
                    self.copies.insert((result, party.0), own);
                }
                let sent = self.copies.get(&(arg, from.0))?.clone();
                let told = to.without(before);
                let heard = self.heard.get(&(arg, from.0)).cloned();
                let sender = |step: Symbol| match problem.flat.steps[step.0 as usize].op {
                    FlatOp::Send { from, .. } => (step.0 as usize, from),
                    _ => (step.0 as usize, u8::MAX),
                };
                let heard = heard.unwrap_or_default();
                let heard: Vec<Event> = heard.iter().map(sender).collect();
                for party in told.iter() {
                    let mut term = sent.clone();
                    match (coalition.contains(from), coalition.contains(party)) {
                        (true, false) => {
                            let name = format!("δ{}", self.lies.len());
                            let symbol = Symbol(self.symbols.len() as u32);
                            let lie = self.symbol(name, info.elem, info.kind, Class::Lie);
                            term = term.add(&lie);
                            self.lies.push(Lie {
                                symbol,
                                step: at,
                                from,
                                to: party,
                                told: term.clone(),
                                heard: heard.clone(),
                            });
                        }
                        (false, true) => self.view.push(Seen {
                            step: at,
                            from,
                            kind: info.kind,
                            term: term.clone(),
                        }),
                        _ => {}
                    }
                    self.copies.insert((result, party.0), term);
                }
                // Where upper bits go unchecked, a liar goes on with what it told the first one that is not of its own:
                // whatever else it does is a further lie.
                if let Some(one) = told.without(coalition).iter().next()
                    && coalition.contains(from)
                    && matches!(info.elem, Elem::Ring(m) if m > self.value)
                {
                    let lied = self.copies.get(&(result, one.0))?.clone();
                    for party in coalition.intersection(known).iter() {
                        self.told.insert((result, party.0), lied.clone());
                    }
                }
            }
            FlatOp::Check { at: who } => {
                let [value, left, right] = step.args[..] else {
                    return None;
                };
                let before = self.conditions.len();
                self.compare(at, who.without(coalition), left, right)?;
                for party in known.iter() {
                    if let Some(own) = self.copies.get(&(value, party.0)).cloned() {
                        let own = self.compared(before, party, own);
                        self.copies.insert((result, party.0), own);
                    }
                    if let Some(told) = self.told.get(&(value, party.0)).cloned() {
                        self.told.insert((result, party.0), told);
                    }
                }
            }
            FlatOp::Assert { at: who } => {
                let [left, right] = step.args[..] else {
                    return None;
                };
                self.compare(at, who.without(coalition), left, right)?;
            }
            FlatOp::Bilinear | FlatOp::Local(_) => {
                for party in known.iter() {
                    let args: Option<Vec<Poly>> = step
                        .args
                        .iter()
                        .map(|arg| self.copies.get(&(*arg, party.0)).cloned())
                        .collect();
                    let Some(args) = args else { continue };
                    let as_told = |arg: &u32| self.told.get(&(*arg, party.0));
                    if coalition.contains(party)
                        && step.args.iter().any(|arg| as_told(arg).is_some())
                    {
                        let told = step.args.iter().zip(&args);
                        let told = told.map(|(arg, own)| as_told(arg).unwrap_or(own).clone());
                        let told = told.collect();
                        let term = self.local(&step.op, told, info.elem, info.kind)?;
                        self.told.insert((result, party.0), term);
                    }
                    let term = self.local(&step.op, args, info.elem, info.kind)?;
                    self.copies.insert((result, party.0), term);
                }
            }
        }
        Some(())
    }

    /// What a party goes on with after a comparison, in terms of what it compared: nobody reads the result of a
    /// comparison that failed, so whatever is equal then may stand for it. A lie becomes what the comparison says
    /// of it, and one of two expansions the other; the later symbol goes, or two parties would exchange theirs.
    fn compared(&mut self, before: usize, party: Party, mut own: Poly) -> Poly {
        let made: Vec<Condition> = self.conditions[before..].to_vec();
        for condition in made {
            if condition.party != party {
                continue;
            }
            if let Some((symbol, by)) = same_expansion(self, &condition.term) {
                own = self.terms.substitute(&own, symbol, &by);
                let other = self.terms.is_symbol(&by).unwrap_or(symbol);
                for part in [symbol, other] {
                    let seed = self.symbols[part.0 as usize].seed.clone();
                    let lies = seed.into_iter().filter(|part| self.is(*part, Class::Lie));
                    let lies: Vec<Symbol> = lies.collect();
                    lies.into_iter().for_each(|lie| self.settled.insert(lie));
                }
                continue;
            }
            let mut lies = self.terms.pads(&condition.term);
            lies.retain(|symbol| self.is(*symbol, Class::Lie));
            let Some(lie) = lies.into_iter().max() else {
                continue;
            };
            if !self.terms.mentions(&own, lie) {
                continue;
            }
            let zero = Poly::constant(condition.term.elem(), 0);
            if let Some(by) = self.terms.solve(&condition.term, lie, &zero) {
                own = self.terms.substitute(&own, lie, &by);
                self.settled.insert(lie);
            }
        }
        own
    }

    fn compare(&mut self, step: usize, who: PartySet, left: u32, right: u32) -> Option<()> {
        for party in who.iter() {
            let a = self.copies.get(&(left, party.0))?;
            let b = self.copies.get(&(right, party.0))?;
            let difference = a.sub(b);
            // Digests that are equal are of equal arguments.
            let terms = match self.terms.digested(&difference) {
                Some(arguments) => arguments,
                None => vec![difference],
            };
            for term in terms {
                self.conditions.push(Condition { step, party, term });
            }
        }
        Some(())
    }

    fn local(&mut self, op: &FlatOp, mut args: Vec<Poly>, elem: Elem, kind: Kind) -> Option<Poly> {
        Some(match op {
            FlatOp::Bilinear => self.terms.mul(&args[0], &args[1]),
            FlatOp::Local(Local::Constant(value)) => Poly::constant(elem, *value),
            FlatOp::Local(Local::Prim(prim)) => self.terms.prim(*prim, &args, elem)?,
            FlatOp::Local(Local::Broadcast) => args.swap_remove(0),
            FlatOp::Local(Local::Gather) => self.terms.gather(&args[0], &args[1]),
            FlatOp::Local(Local::InversePermutation) => {
                self.terms
                    .function(Function::InversePermutation, args, elem)
            }
            FlatOp::Local(Local::Sum { axis }) => self.terms.sum(&args[0], *axis),
            FlatOp::Local(Local::Digest) => self.terms.function(Function::Digest, args, elem),
            FlatOp::Local(Local::Expand) => self.expand(args, elem, kind),
            _ => return None,
        })
    }

    /// Elements of a seed: one symbol for each seed and stretch.
    fn expand(&mut self, seed: Vec<Poly>, elem: Elem, kind: Kind) -> Poly {
        let known = |(other, its, _): &&(Vec<Poly>, Elem, Poly)| *other == seed && *its == elem;
        if let Some((_, _, term)) = self.expanded.iter().find(known) {
            return term.clone();
        }
        let mut parts = Support::default();
        let mut masks = Vec::new();
        for part in &seed {
            parts.extend(&self.terms.support(part));
            masks.extend(self.terms.pads(part));
        }
        let at = self.expanded.len();
        let symbol = self.symbols.len();
        let term = self.symbol(format!("g{at}"), elem, kind, Class::Expanded);
        self.symbols[symbol].seed = parts.iter().collect();
        self.symbols[symbol].masks = masks;
        self.expanded.push((seed, elem, term.clone()));
        term
    }

    /// A term whose being 0 says that another one is, but for bits that carry no value.
    pub fn value_of(&self, term: &Poly) -> Poly {
        match term.elem() {
            Elem::Ring(m) if m > self.value => term.scale(1 << (m - self.value)),
            _ => term.clone(),
        }
    }

    /// An error as the value that it is: what [`Self::value_of`] makes of it, undone.
    pub fn as_value(&self, error: &Poly) -> Poly {
        let divided = match error.elem() {
            Elem::Ring(m) if m > self.value => error.divided(m - self.value),
            _ => None,
        };
        divided.unwrap_or_else(|| error.clone())
    }

    /// What whoever simulates the view of the coalition is given from the start: clear results of its that clauses fix by a
    /// polynomial of the operands. Whether the parties that are honest come by the same is another matter.
    /// Operands are what corrupt owners have put in, so much more than they are.
    pub fn given(&mut self, problem: &Problem, coalition: PartySet, moved: &[Moved]) -> Given {
        let inputs = self.inputs.clone().into_iter();
        let params = inputs.map(|input| Some(meant(self, &input, moved)));
        let params: Vec<Option<Poly>> = params.collect();
        let mut all = Vec::new();
        for declared in problem.declared(coalition) {
            if declared.rounded.is_some() {
                continue;
            }
            let (elem, kind) = (declared.elem, declared.kind(problem));
            let Some(term) = as_term(&mut self.terms, declared.value, elem, &params) else {
                continue;
            };
            let name = |what: &str| format!("{what}{}", declared.result);
            let mut value = self.symbol(name("v"), elem, kind, Class::Known);
            if let Some(bits) = declared.low {
                let above = self.symbol(name("h"), elem, kind, Class::Secret);
                value = value.add(&above.scale(1 << bits));
            }
            all.push((term, value));
        }
        let mut secrets = Support::default();
        for at in 0..self.symbols.len() as u32 {
            if self.is(Symbol(at), Class::Secret) {
                secrets.insert(Symbol(at));
            }
        }
        Given::new(&mut self.terms, &all, &secrets)
    }

    /// Whether a symbol is of a class.
    pub fn is(&self, symbol: Symbol, class: Class) -> bool {
        self.symbols[symbol.0 as usize].class == class
    }

    /// A term for readers.
    pub fn show(&self, term: &Poly) -> String {
        self.terms
            .display(term, &|s| self.symbols[s.0 as usize].name.clone())
    }
}
