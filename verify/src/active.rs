//! Parties that deviate: what they learn, what is caught, and what they change.
//!
//! Every party has its own copy of each name; what a corrupt party sends is honest plus a lie
//! (`copies.rs`). What a lie may depend on is what can be seen before it must be sent, whatever the
//! network does (`order.rs`). What is seen, and whether anybody aborts, must not depend on secrets
//! (`simulate.rs`). What honest parties compare holds in every run that ends, and decides what is left
//! of the error of the result (`judge.rs`). Digests are ideal: equal ones are of equal operands. Coins
//! are ideal too: whoever is said to know one has the same. Operands are fresh sharings.

mod copies;
mod goals;
mod items;
mod judge;
mod meant;
mod order;
mod owner;
mod rings;
mod simulate;

use crate::problem::Problem;
use crate::term::{Given, Poly, Symbol};
use copies::{Class, Copies};
use goals::{Input, agreement, goals};
use judge::judge;
use order::Order;
use owner::{Moved, explanations, has_others, is_early, is_free, outcome, owned};
use simulate::{View, simulate};
use smpc_ir::local::Source;
use smpc_ir::party::{Party, PartySet};

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
    let order = Order::new(problem, coalition);
    let question = match follow(problem, &mut run, &order, coalition) {
        Ok(question) => question,
        Err(reason) => return unknown(reason),
    };
    let effect = |only: Option<Symbol>| match (question.view.effect(only), &question.excused) {
        (Effect::Changes { what }, true) => Effect::Unknown {
            reason: format!(
                "the error may be {what}, if it is not that of another operand of a corrupt owner"
            ),
        },
        (effect, _) => effect,
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
    let (lies, effect): (Vec<_>, _) = (lies.collect(), effect(None));
    // Of a result that is the one that clauses fix, or none, whoever gets it may have the value from the start; that of another
    // operand it has once that is fixed, before which nothing is seen that has a secret in it.
    let stands = matches!(effect, Effect::Harmless | Effect::Caught { .. });
    let given = run.given(problem, coalition, &question.moved);
    let leak = match stands && question.view.leak.is_some() && !given.is_empty() {
        true => simulate(&run, &order, &question.goals, &given).leak,
        false => question.view.leak,
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

/// A run looked at for what its lies do.
struct Question {
    goals: Vec<Poly>,
    /// What corrupt owners have put in, where that is not what their operands are.
    moved: Vec<Moved>,
    view: View,
    /// Whether what is no result of the operands may be one of others of a corrupt owner.
    excused: bool,
}

/// The results on the operands, or on others that corrupt owners may have put in.
fn follow(
    problem: &Problem,
    run: &mut Copies,
    order: &Order,
    coalition: PartySet,
) -> Result<Question, &'static str> {
    let owned = owned(problem, coalition);
    let free = is_free(problem, &owned);
    let input = if free { Input::Any } else { Input::Moved(&[]) };
    let goals = goals(problem, run, coalition, &input)?;
    let view = simulate(run, order, &goals, &Given::default());
    let mut question = Question {
        goals,
        moved: Vec::new(),
        view,
        excused: false,
    };
    let holds = |view: &View| {
        let effect = view.effect(None);
        matches!(effect, Effect::Harmless | Effect::Caught { .. }) && !effect.is_open()
    };
    if free || owned.is_empty() || holds(&question.view) {
        return Ok(question);
    }
    if let Some(values) = outcome(problem, run) {
        for moved in explanations(problem, run, coalition, &owned) {
            let goals = goals::goals(problem, run, coalition, &Input::Moved(&moved))?;
            let mut asked = goals.clone();
            asked.extend(values.iter().cloned());
            asked.extend(moved.iter().map(|(_, by)| by.clone()));
            let mut view = simulate(run, order, &asked, &Given::default());
            let mut values_now = view.goals.split_off(goals.len());
            let put_in = values_now.split_off(values.len());
            if holds(&view) && is_early(problem, &view, coalition, &put_in, &values_now) {
                return Ok(Question {
                    goals,
                    moved,
                    view,
                    excused: false,
                });
            }
        }
    }
    if has_others(problem, &owned) {
        // That honest parties do not agree no operand explains.
        let goals = agreement(problem, run, coalition);
        let view = simulate(run, order, &goals, &Given::default());
        let differ = matches!(view.effect(None), Effect::Changes { .. });
        question.excused = !differ;
    }
    Ok(question)
}

impl View {
    /// What lies do, all together or one with all others true.
    fn effect(&self, only: Option<Symbol>) -> Effect {
        let mut touched = self.goals.iter().any(|goal| {
            let support = self.run.terms.support(goal);
            support
                .iter()
                .any(|s| self.run.is(s, Class::Lie) && only.is_none_or(|o| o == s))
        });
        touched |= only.is_none() && !self.goals.is_empty();
        if !touched {
            let caught = self.run.settled.iter().any(|s| only.is_none_or(|o| o == s));
            return match self.chance {
                0.0 if !caught => Effect::Harmless,
                chance => Effect::Caught { chance },
            };
        }
        let outcome = judge(self, only);
        match outcome.left {
            None => Effect::Caught {
                chance: outcome.chance + self.chance,
            },
            Some(left) if outcome.open || self.leak.is_some() => Effect::Unknown {
                reason: format!("the error may be {left}"),
            },
            Some(what) => Effect::Changes { what },
        }
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
    let given = run.given(problem, coalition, &[]);
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
