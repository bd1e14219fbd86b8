//! Parties that deviate: what they learn, what is caught, and what they change.
//!
//! Every party has its own copy of each name; what a corrupt party sends is honest plus a lie
//! (`copies.rs`). What a lie may depend on is what can be seen before it must be sent, whatever the
//! network does (`order.rs`). What is seen, and whether anybody aborts, must not depend on secrets
//! (`simulate.rs`). What honest parties compare holds in every run that ends, and decides what is left
//! of the error of the result (`judge.rs`). Digests are ideal: equal ones are of equal operands. Coins
//! are ideal too: whoever is said to know one has the same. Operands are fresh sharings.

mod copies;
mod items;
mod judge;
mod meant;
mod order;
mod rings;
mod simulate;

use crate::element::coefficient;
use crate::problem::{Operand, Problem, operand_ids};
use crate::sharing::{parities, recover};
use crate::term::{Given, Poly, Symbol};
use copies::{Class, Copies};
use judge::judge;
use order::Order;
use simulate::simulate;
use smpc_ir::flat::Sharing;
use smpc_ir::local::Source;
use smpc_ir::party::{Elem, Party, PartySet};

/// Steps beyond which lies are not followed.
const LONGEST: usize = 4000;

/// The chance of getting through above which nothing is called caught: as for masks, 30 bits are asked for.
const FLOOR: f64 = 1.0 / (1 << 30) as f64;

/// Lies beyond which none is followed by itself.
const MOST: usize = 60;

/// What follows from lies.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// No result depends on them.
    Harmless,
    /// Some honest party aborts, but for a chance of so much; else results are right.
    Caught {
        /// At most.
        chance: f64,
    },
    /// A result is another one.
    Changes {
        /// By what.
        what: String,
    },
    /// Not decided.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl Effect {
    /// Whether nothing is shown: it is not decided, or caught but for a chance that is too large to rely on.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Caught { chance } => *chance > FLOOR,
            Self::Harmless | Self::Changes { .. } => false,
        }
    }
}

/// One message of a corrupt party, and what a lie in it does if all others are true.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// The step that sends it.
    pub step: u32,
    /// Who lies.
    pub from: Party,
    /// To whom.
    pub to: Party,
    /// Where the message was written.
    pub source: Source,
    /// What it does.
    pub effect: Effect,
}

/// What a coalition that deviates can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    /// Who.
    pub coalition: PartySet,
    /// Why its view, and whether anybody aborts, may depend on secrets; nothing if they do not.
    pub leak: Option<String>,
    /// All lies together.
    pub effect: Effect,
    /// Each lie alone.
    pub lies: Vec<Deviation>,
}

impl Active {
    /// The word for it in tables.
    pub fn word(&self) -> String {
        let effect = match &self.effect {
            Effect::Harmless => "harmless".to_owned(),
            Effect::Caught { chance } if *chance == 0.0 => "caught".to_owned(),
            Effect::Caught { chance } if *chance > FLOOR => {
                format!("unknown, caught but for 2^{:.0}", chance.log2().min(0.0))
            }
            Effect::Caught { chance } => format!("caught but for 2^{:.0}", chance.log2()),
            Effect::Changes { .. } => "CHANGED".to_owned(),
            Effect::Unknown { .. } => "unknown".to_owned(),
        };
        match (&self.leak, &self.effect) {
            (None, _) | (_, Effect::Unknown { .. }) => effect,
            (Some(_), _) => format!("{effect}, privacy unknown"),
        }
    }

    /// Whether a question stays open.
    pub fn is_open(&self) -> bool {
        self.leak.is_some() || self.effect.is_open()
    }

    /// For the worst of several.
    pub fn severity(&self) -> u8 {
        let effect = match &self.effect {
            Effect::Harmless => 0,
            effect if effect.is_open() => 3,
            Effect::Caught { .. } | Effect::Unknown { .. } => 1,
            Effect::Changes { .. } => 4,
        };
        effect.max(2 * u8::from(self.leak.is_some()))
    }
}

/// Follows all lies of a coalition through a protocol, and through the deferred protocols it calls,
/// which stand behind it ([`Problem::standard`]).
pub fn deviate(problem: &Problem, coalition: PartySet) -> Active {
    let unknown = |reason: &str| Active {
        coalition,
        leak: Some(reason.to_owned()),
        effect: Effect::Unknown {
            reason: reason.to_owned(),
        },
        lies: Vec::new(),
    };
    if problem.flat.steps.len() > LONGEST {
        return unknown("too long to be followed");
    }
    let Some(mut run) = Copies::new(problem, coalition) else {
        return unknown("a step without a meaning as a term");
    };
    let goals = match goals(problem, &mut run, coalition) {
        Ok(goals) => goals,
        Err(reason) => return unknown(reason),
    };
    let given = run.given(problem, coalition);
    let order = Order::new(problem, coalition);
    let view = simulate(&run, &order, &goals, &Given::default());
    let effect = |only: Option<Symbol>| {
        let mut touched = view.goals.iter().any(|goal| {
            let support = view.run.terms.support(goal);
            support
                .iter()
                .any(|s| view.run.is(s, Class::Lie) && only.is_none_or(|o| o == s))
        });
        touched |= only.is_none() && !view.goals.is_empty();
        if !touched {
            let caught = view.run.settled.iter().any(|s| only.is_none_or(|o| o == s));
            return match view.chance {
                0.0 if !caught => Effect::Harmless,
                chance => Effect::Caught { chance },
            };
        }
        let outcome = judge(&view, only);
        match outcome.left {
            None => Effect::Caught {
                chance: outcome.chance + view.chance,
            },
            Some(left) if outcome.open || view.leak.is_some() => Effect::Unknown {
                reason: format!("the error may be {left}"),
            },
            Some(what) => Effect::Changes { what },
        }
    };
    let each = if run.lies.len() <= MOST {
        run.lies.len()
    } else {
        0
    };
    let lies = run.lies.iter().take(each).map(|lie| Deviation {
        step: lie.step as u32,
        from: lie.from,
        to: lie.to,
        source: problem.flat.steps[lie.step].source,
        effect: effect(Some(lie.symbol)),
    });
    let (lies, effect) = (lies.collect(), effect(None));
    // Of a result that is the one that clauses fix, or none, whoever gets it may have the value from the start.
    let stands = matches!(effect, Effect::Harmless | Effect::Caught { .. });
    let leak = match stands && view.leak.is_some() && !given.is_empty() {
        true => simulate(&run, &order, &goals, &given).leak,
        false => view.leak,
    };
    let leak = leak.map(|(step, compared, term)| {
        let what = if compared { "comparison" } else { "message" };
        format!("the {what} of step {step} is {term}")
    });
    Active {
        coalition,
        leak,
        lies,
        effect,
    }
}

/// A message that depends on a secret whatever coins are put for others, if a coalition follows the protocol: its
/// step, and what is left of it.
pub(crate) fn unmasked(problem: &Problem, coalition: PartySet) -> Option<(usize, String)> {
    if problem.flat.steps.len() > LONGEST {
        return None;
    }
    let mut run = Copies::new(problem, coalition)?;
    for at in 0..run.view.len() {
        let term = run.view[at].term.clone();
        run.view[at].term = honest(&mut run, &term);
    }
    run.conditions.clear();
    run.lies.clear();
    let given = run.given(problem, coalition);
    let view = simulate(&run, &Order::new(problem, coalition), &[], &given);
    view.leak.map(|(step, _, term)| (step, term))
}

/// A term as it is if nobody lies.
fn honest(run: &mut Copies, term: &Poly) -> Poly {
    let mut honest = term.clone();
    let lies: Vec<Symbol> = run.lies.iter().map(|lie| lie.symbol).collect();
    for lie in lies {
        let zero = Poly::constant(run.symbols[lie.0 as usize].elem, 0);
        honest = run.terms.substitute(&honest, lie, &zero);
    }
    honest
}

/// What is 0 if all results are as they would be without lies, and all honest parties agree.
fn goals(
    problem: &Problem,
    run: &mut Copies,
    coalition: PartySet,
) -> Result<Vec<Poly>, &'static str> {
    let mut goals = Vec::new();
    // What a corrupt owner puts in is its own choice, as long as it is one value.
    let chosen = match problem.params.as_slice() {
        [Operand::Clear { known_to, .. }] => !known_to.intersection(coalition).is_empty(),
        params => {
            let owned = |param: &Operand| match param {
                Operand::Clear { known_to, .. } => !known_to.intersection(coalition).is_empty(),
                Operand::Shared(_) => false,
            };
            let amounts = params.iter().skip(1).all(|param| {
                matches!(param, Operand::Clear { known_to, .. } if *known_to == problem.everyone())
            });
            if params.iter().any(owned) && !amounts {
                return Err("an operand of a corrupt owner beside others");
            }
            false
        }
    };
    for (operand, spec) in problem.flat.results.iter().zip(&problem.results) {
        let ids = operand_ids(operand);
        match spec {
            Operand::Clear { known_to, .. } => {
                let honest_ones = known_to.without(coalition);
                let copies: Vec<Poly> = honest_ones
                    .iter()
                    .filter_map(|party| run.copies.get(&(ids[0], party.0)).cloned())
                    .collect();
                // A coin is any, but one for all.
                for pair in copies.windows(2) {
                    goals.push(run.value_of(&pair[0].sub(&pair[1])));
                }
                for term in copies {
                    let right = honest(run, &term);
                    goals.push(run.value_of(&term.sub(&right)));
                }
            }
            Operand::Shared(sharing) => {
                let upper = matches!(sharing.elem, Elem::Ring(m) if m > run.value);
                if upper && !sharing.keyed.is_empty() && !chosen {
                    tagged(problem, run, (sharing, ids), coalition, &mut goals)?;
                } else {
                    shared(run, (sharing, ids), coalition, chosen, &mut goals)?;
                }
            }
        }
    }
    goals.retain(|goal| !goal.is_zero());
    Ok(goals)
}

/// The goals of a shared result.
fn shared(
    run: &mut Copies,
    (sharing, ids): (&Sharing, &[u32]),
    coalition: PartySet,
    chosen: bool,
    goals: &mut Vec<Poly>,
) -> Result<(), &'static str> {
    let mut components: Vec<Option<Poly>> = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let holders = sharing.holders[at].without(coalition);
        let all: Vec<Poly> = holders
            .iter()
            .filter_map(|party| run.copies.get(&(*id, party.0)).cloned())
            .collect();
        // Honest holders have one component.
        for pair in all.windows(2) {
            goals.push(pair[0].sub(&pair[1]));
        }
        components.push(all.into_iter().next());
    }
    let mut errors: Vec<Option<Poly>> = Vec::new();
    for component in &components {
        errors.push(match component {
            Some(term) => {
                let right = honest(run, term);
                Some(term.sub(&right))
            }
            None => None,
        });
    }
    if chosen {
        return another_value(run, &components, &errors, goals);
    }
    let held: Vec<bool> = components.iter().map(Option::is_some).collect();
    match recover(sharing, &held) {
        Some(by) if sharing.keyed.is_empty() => {
            let mut value = Poly::constant(sharing.elem, 0);
            for (error, by) in errors.iter().zip(by) {
                if let (Some(error), true) = (error, by != 0) {
                    value = value.add(&error.scale(by));
                }
            }
            goals.push(run.value_of(&value));
            Ok(())
        }
        _ => {
            // The value is what the corrupt components make it, and these follow an error that they
            // know of; one that depends on what they do not know cannot be followed.
            for error in errors.into_iter().flatten() {
                let support = run.terms.support(&error);
                let follows = support
                    .iter()
                    .all(|s| run.is(s, Class::Known) || run.is(s, Class::Lie));
                if !follows {
                    goals.push(error);
                }
            }
            Ok(())
        }
    }
}

/// The goals of a shared result with tags, of which upper bits carry no value: the value is right in the
/// others, and the tags are those of the value that it has.
fn tagged(
    problem: &Problem,
    run: &mut Copies,
    (sharing, ids): (&Sharing, &[u32]),
    coalition: PartySet,
    goals: &mut Vec<Poly>,
) -> Result<(), &'static str> {
    let mut errors = Vec::new();
    for (holders, id) in sharing.holders.iter().zip(ids) {
        let copy = |set: PartySet, run: &Copies| -> Vec<Poly> {
            let copies = set.iter();
            let either = |at: &(u32, u8)| run.told.get(at).or(run.copies.get(at));
            copies
                .filter_map(|party| either(&(*id, party.0)).cloned())
                .collect()
        };
        let honest_ones = copy(holders.without(coalition), run);
        for pair in honest_ones.windows(2) {
            goals.push(pair[0].sub(&pair[1]));
        }
        // What corrupt parties hold is what follows from what they told.
        let own = copy(holders.intersection(coalition), run);
        let Some(term) = honest_ones.into_iter().chain(own).next() else {
            return Err("a component that nobody holds");
        };
        let right = honest(run, &term);
        errors.push(term.sub(&right));
    }
    let zero = Poly::constant(sharing.elem, 0);
    let mut value = zero.clone();
    for (error, by) in errors.iter().zip(&sharing.reconstruction) {
        value = value.add(&error.scale(coefficient(sharing.elem, *by)));
    }
    let carried = run.carried(problem, sharing, coalition);
    let carried = carried.ok_or("a key that does not exist")?;
    for row in parities(sharing) {
        let mut sum = zero.clone();
        for ((error, key), by) in errors.iter().zip(&carried).zip(row) {
            let mut plain = error.clone();
            if let Some(key) = key {
                plain = plain.sub(&run.terms.mul(key, &value));
            }
            sum = sum.add(&plain.scale(by));
        }
        goals.push(sum);
    }
    goals.push(run.value_of(&value));
    Ok(())
}

/// A lie, or its negative, that explains an error by itself; else 0.
fn follows(run: &mut Copies, changes: &[(Poly, Poly)], epsilon: Symbol, elem: Elem) -> Poly {
    let zero = Poly::constant(elem, 0);
    let Some((change, error)) = changes.iter().find(|(_, error)| !error.is_zero()) else {
        return zero;
    };
    let support = run.terms.support(error);
    let lies: Vec<Symbol> = run.lies.iter().map(|lie| lie.symbol).collect();
    for lie in lies {
        if !support.contains(lie) || run.symbols[lie.0 as usize].elem != elem {
            continue;
        }
        let plain = run.terms.symbol(lie, elem);
        for candidate in [plain.clone(), plain.neg()] {
            if run.terms.substitute(change, epsilon, &candidate) == *error {
                return candidate;
            }
        }
    }
    zero
}

/// The components are those of the value that a corrupt owner chose: one other value explains the
/// errors of all.
fn another_value(
    run: &mut Copies,
    components: &[Option<Poly>],
    errors: &[Option<Poly>],
    goals: &mut Vec<Poly>,
) -> Result<(), &'static str> {
    let Some(input) = run.inputs.first().cloned() else {
        return Err("a result without an operand");
    };
    let Some(symbol) = run.terms.is_symbol(&input) else {
        return Err("an operand that is no symbol");
    };
    let kind = run.symbols[symbol.0 as usize].kind;
    let shift = run.symbol("ε".to_owned(), input.elem(), kind, Class::Known);
    let Some(epsilon) = run.terms.is_symbol(&shift) else {
        return Err("an operand that is no symbol");
    };
    let shifted = input.add(&shift);
    let mut changes = Vec::new();
    for (component, error) in components.iter().zip(errors) {
        let (Some(term), Some(error)) = (component, error) else {
            continue;
        };
        let right = honest(run, term);
        let moved = run.terms.substitute(&right, symbol, &shifted);
        changes.push((moved.sub(&right), error.clone()));
    }
    let by = changes.iter().find_map(|(change, error)| {
        let alone = run.terms.pads(change).contains(&epsilon);
        alone.then(|| (change.clone(), error.clone()))
    });
    let value = match by {
        Some((change, error)) => run.terms.solve(&change, epsilon, &error),
        None => Some(follows(run, &changes, epsilon, input.elem())),
    };
    let Some(value) = value else {
        return Err("an operand whose change is not read");
    };
    for (change, error) in changes {
        let change = run.terms.substitute(&change, epsilon, &value);
        goals.push(error.sub(&change));
    }
    Ok(())
}
