//! Messages that nothing hides, at full width.
//!
//! A message that is a function of secrets and of what the coalition has, of no coin unknown to it, tells it the
//! secrets in it; so do its low bits, where every coin in it is multiplied by a power of 2. Rings of a few bits need
//! not show it.
//!
//! What the coalition has are other messages, too. One that is u·r + e, with u invertible and r a coin that is not in e, is
//! as good as a coin ρ that the coalition knows, with r := u⁻¹(ρ - e) in all others: whatever the operands are, ρ
//! is uniform, and for each value of it there is one of r. So a message that is then a function of secrets, of
//! what is known and of such ρ has two values for two inputs beside the same other messages.

mod multiplied;

use crate::certificate::{Assumption, Element, Name};
use crate::element::{add, is_bits, one, order, reduce, width};
use crate::machine::{Choice, Random, coin};
use crate::operands::{self, Domains, number};
use crate::problem::{Malformed, Problem};
use crate::refute::{Allowed, leak, small};
use crate::requires::Required;
use crate::symbolic::{Class, Execution, SymbolInfo, expansion};
use crate::term::{Given, Poly, Support, Symbol, Terms};
use crate::verdict::{Inputs, Leak, Seen, View};
use smpc_ir::flat::{FlatOp, Kind};
use smpc_ir::local::Source;
use smpc_ir::party::{CoinDomain, Elem, PartySet};

/// Pairs of inputs tried for one message.
const PAIRS: usize = 400;

/// Runs on which a message is said to be always the same.
const ALWAYS: u64 = multiplied::DRAWN as u64;

/// Messages beyond which none is taken for a coin.
const MESSAGES: usize = 200;

/// Monomials that replacing coins may make, and atoms that there may be then.
const WORK: usize = 20_000;
const ATOMS: usize = 20_000;

/// Monomials beyond which only a whole message is looked at, not its low bits.
const MONOMIALS: usize = 64;

/// Looks for a message that is a function of secrets and of what the coalition knows, and for two inputs on which it
/// differs though the coalition's own values and its results are the same.
///
/// # Errors
/// The protocol breaks the rules of flat protocols.
pub(crate) fn bare(problem: &Problem, coalition: PartySet) -> Result<Option<Leak>, Malformed> {
    let mut run = Execution::new(problem, coalition, Assumption::Fresh, expansion(problem))?;
    let given = run.given(problem, coalition, false);
    let allowed = Allowed::new(problem, coalition);
    let secrets = run.of_class(Class::Secret);
    let mut coins = run.of_class(Class::Pad);
    coins.extend(&run.of_class(Class::Noise));
    let mut random = Random(0xba5e);
    let mut messages = Vec::new();
    for (element, kind, term) in std::mem::take(&mut run.view) {
        if let Element::Message { step } = element
            && !matches!(kind, Kind::Rows | Kind::Digest)
        {
            messages.push(Message { step, kind, term });
        }
    }
    let look = Look {
        problem,
        coalition,
        allowed,
        secrets,
        coins,
        given,
    };
    for message in &messages {
        if let Some(leak) = look.at(&run, message, &[], &mut random) {
            return Ok(Some(leak));
        }
    }
    for message in &messages {
        let (term, random) = (&message.term, &mut random);
        let (coins, allowed) = (&look.coins, &look.allowed);
        if let Some(told) = multiplied::told(problem, &run, term, coins, allowed, random) {
            let pair = Pair {
                values: told.values,
                found: told.found,
                part: term.clone(),
            };
            return Ok(Some(pair.always(problem, &run, coalition, message.step)));
        }
    }
    for last in [true, false] {
        let found = look.beside(run.clone(), messages.clone(), last, &mut random);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// A message that the coalition receives.
#[derive(Clone)]
struct Message {
    step: u32,
    kind: Kind,
    term: Poly,
}

/// What is looked for, and in what.
struct Look<'p> {
    problem: &'p Problem,
    coalition: PartySet,
    allowed: Allowed<'p>,
    secrets: Support,
    /// Those that the coalition does not know.
    coins: Support,
    given: Given,
}

impl Look<'_> {
    /// A message that is bare. `told` are the messages that stand for coins.
    fn at(
        &self,
        run: &Execution,
        message: &Message,
        told: &[(Symbol, u32)],
        random: &mut Random,
    ) -> Option<Leak> {
        // What is given has no coins, so that the message is bare where the rest is.
        let factor = match self.given.is_empty() {
            true => uncovered(&run.terms, &message.term, &self.secrets, &self.coins)?,
            false => {
                let mut terms = run.terms.clone();
                let rest = self.given.rest(&mut terms, &message.term);
                uncovered(&terms, &rest, &self.secrets, &self.coins)?
            }
        };
        let part = message.term.scale(factor);
        let pair = self::told(self.problem, run, &part, &self.allowed, random)?;
        Some(pair.leak(
            self.problem,
            run,
            self.coalition,
            (message.step, factor),
            told,
        ))
    }

    /// The same beside other messages, each of which is taken for a coin: those whose coins stand in few others first.
    fn beside(
        &self,
        mut run: Execution,
        mut messages: Vec<Message>,
        last: bool,
        random: &mut Random,
    ) -> Option<Leak> {
        let (mut told, mut work): (Vec<(Symbol, u32)>, usize) = (Vec::new(), WORK);
        while messages.len() <= MESSAGES {
            let mut options = Vec::new();
            for (at, message) in messages.iter().enumerate() {
                for coin in run.terms.pads(&message.term) {
                    let info = &run.symbols[coin.0 as usize];
                    if info.class != Class::Pad || info.kind != message.kind {
                        continue;
                    }
                    let others = messages.iter();
                    let others = others.filter(|other| run.terms.mentions(&other.term, coin));
                    let place = if last { messages.len() - at } else { at };
                    options.push((others.count(), place, at, coin));
                }
            }
            let (.., at, coin) = options.into_iter().min()?;
            let message = messages.remove(at);
            let info = SymbolInfo {
                name: Name::Uniform {
                    number: told.len() as u32,
                },
                class: Class::Known,
                ..run.symbols[coin.0 as usize].clone()
            };
            let symbol = Symbol(run.symbols.len() as u32);
            if info.kind == Kind::Scalar {
                run.terms.scalar(symbol);
            }
            let uniform = run.terms.symbol(symbol, info.elem);
            let by = run.terms.solve(&message.term, coin, &uniform)?;
            run.symbols.push(info);
            told.push((symbol, message.step));
            let (mut touched, rest): (Vec<Message>, Vec<Message>) = messages
                .into_iter()
                .partition(|other| run.terms.mentions(&other.term, coin));
            let before: Vec<&Poly> = touched.iter().map(|other| &other.term).collect();
            let after = run.terms.substitute_all(&before, coin, &by, ATOMS)?;
            for (other, term) in touched.iter_mut().zip(after) {
                work = work.checked_sub(term.monomials())?;
                other.term = term;
                if let Some(leak) = self.at(&run, other, &told, random) {
                    return Some(leak);
                }
            }
            messages = rest;
            messages.append(&mut touched);
            messages.sort_by_key(|message| message.step);
        }
        None
    }
}

/// By what a term is multiplied to have secrets in it and no unknown coin.
fn uncovered(terms: &Terms, term: &Poly, secrets: &Support, coins: &Support) -> Option<u128> {
    let elem = term.elem();
    let bare = |part: &Poly| {
        let support = terms.support(part);
        support.meets(secrets) && !support.meets(coins)
    };
    if bare(term) {
        return Some(one(elem));
    }
    if matches!(elem, Elem::Field(_) | Elem::Fix) || term.monomials() > MONOMIALS {
        return None;
    }
    // In a ring the low bits, in a vector each bit.
    let mut factors = (0..u32::from(width(elem))).map(|bit| 1u128 << bit);
    factors.find(|factor| bare(&term.scale(*factor)))
}

/// Values of all symbols for two inputs that the coalition must not tell apart, and the two values of a term.
pub(crate) struct Pair {
    values: [Vec<u128>; 2],
    pub found: [u128; 2],
    part: Poly,
}

/// Two inputs that the text admits on which a term has two values, all symbols but those to be kept from the coalition being the
/// same.
pub(crate) fn told(
    problem: &Problem,
    run: &Execution,
    part: &Poly,
    allowed: &Allowed<'_>,
    random: &mut Random,
) -> Option<Pair> {
    let (required, domains) = (Required::of(problem), Domains::new(problem, 1));
    let within = required.within();
    for tried in 0..PAIRS {
        // Results that must be the same on both are so more often of small operands.
        let few = allowed.declares() && tried % 2 == 1;
        let drawn = |problem: &Problem, info: &SymbolInfo, random: &mut Random| match info.name {
            Name::Value { param } if !domains.is_amount(param as usize) => {
                let bounds = within[param as usize].filter(|_| random.below(2) == 0);
                match bounds {
                    Some(bounds) => operands::within(bounds, info.elem, random),
                    None if few => small(info.elem, random),
                    None => drawn(problem, info, random),
                }
            }
            _ => drawn(problem, info, random),
        };
        let mut first: Vec<u128> = run
            .symbols
            .iter()
            .map(|info| drawn(problem, info, random))
            .collect();
        public(problem, run, &domains, &mut first, random);
        let mut second = first.clone();
        for (value, info) in second.iter_mut().zip(&run.symbols) {
            if info.class == Class::Secret {
                let above = allowed.beyond().filter(|_| tried % 4 == 2);
                *value = if let Some(bits) = above {
                    // The same low bits, of all polynomials.
                    let more = drawn(problem, info, random).checked_shl(bits.into());
                    add(info.elem, *value, reduce(info.elem, more.unwrap_or(0)))
                } else if random.below(4) == 0 {
                    add(info.elem, *value, reduce(info.elem, 1))
                } else {
                    drawn(problem, info, random)
                };
            }
        }
        let values = [first, second];
        let admitted = values
            .iter()
            .all(|values| inputs(run, values).is_some_and(|inputs| required.admits(&inputs, 1)));
        if !admitted {
            continue;
        }
        if allowed.declares() {
            let both = [0, 1].map(|which: usize| inputs(run, &values[which]).unwrap_or_default());
            if !allowed.alike(&both[0], &both[1], 1) {
                continue;
            }
        }
        let [Some(a), Some(b)] =
            [0, 1].map(|which: usize| run.terms.evaluate_expanded(part, &values[which]))
        else {
            return None;
        };
        if a != b {
            return Some(Pair {
                values,
                found: [a, b],
                part: part.clone(),
            });
        }
    }
    None
}

/// Gives public numbers values that they may have.
fn public(
    problem: &Problem,
    run: &Execution,
    domains: &Domains,
    values: &mut [u128],
    random: &mut Random,
) {
    let tuple = domains.tuple(problem, random);
    for (at, word) in domains.amounts().iter().zip(tuple) {
        let name = Name::Value { param: *at as u32 };
        if let Some(symbol) = run.symbols.iter().position(|info| info.name == name) {
            values[symbol] = word;
        }
    }
}

/// A value of a symbol: a coin's of its domain, an operand's of any length.
pub(crate) fn drawn(problem: &Problem, info: &SymbolInfo, random: &mut Random) -> u128 {
    let domain = match info.name {
        Name::Coin { step } => match &problem.flat.steps[step as usize].op {
            FlatOp::Coin(domain) => domain.clone(),
            _ => CoinDomain::Uniform,
        },
        Name::Key { key } => problem.keys[key as usize].domain.clone(),
        Name::Value { .. } => return number(info.elem, random),
        _ => return random.below(order(info.elem)),
    };
    coin(&domain, info.elem, random)
}

/// The operands, one row each.
fn inputs(run: &Execution, values: &[u128]) -> Option<Inputs> {
    let mut done = Vec::new();
    let words = run.inputs.iter();
    let words = words.map(|term| Some(vec![run.terms.evaluate(term, values, &mut done)?]));
    words.collect()
}

impl Pair {
    /// The two inputs.
    pub fn inputs(&self, run: &Execution) -> [Inputs; 2] {
        [0, 1].map(|which: usize| inputs(run, &self.values[which]).unwrap_or_default())
    }

    /// The leak of a message that is the same on the first input whatever the coins.
    fn always(self, problem: &Problem, run: &Execution, coalition: PartySet, step: u32) -> Leak {
        let mut found = self.leak(problem, run, coalition, (step, one(self.part.elem())), &[]);
        found.view.often = [ALWAYS, 0];
        found.view.runs = ALWAYS;
        found.exact = false;
        found
    }

    fn leak(
        &self,
        problem: &Problem,
        run: &Execution,
        coalition: PartySet,
        (step, factor): (u32, u128),
        told: &[(Symbol, u32)],
    ) -> Leak {
        let mut found = leak(problem, coalition, self.inputs(run), Some(step));
        let own = run.terms.support(&self.part);
        let own = run.symbols.iter().enumerate().filter(|(at, info)| {
            let stands = own.contains(Symbol(*at as u32));
            stands && info.class == Class::Known && !matches!(info.name, Name::Value { .. })
        });
        let mut seen: Vec<Seen> = own
            .map(|(at, info)| {
                let message = told.iter().find(|(symbol, _)| symbol.0 as usize == at);
                let (what, step) = match (message, info.name) {
                    (Some((_, step)), _) => (format!("message {step}"), Some(*step)),
                    (None, Name::Coin { step }) => (info.name.to_string(), Some(step)),
                    (None, name) => (name.to_string(), None),
                };
                Seen {
                    what,
                    values: vec![self.values[0][at]],
                    source: step.map_or(Source::default(), |step| {
                        problem.flat.steps[step as usize].source
                    }),
                }
            })
            .collect();
        let whole = factor == one(self.part.elem());
        let message = format!("message {step}");
        seen.push(Seen {
            what: match (whole, is_bits(self.part.elem())) {
                (true, _) => message,
                (false, true) => format!("bit {} of {message}", factor.trailing_zeros()),
                (false, false) => format!("{factor} * {message}"),
            },
            values: vec![self.found[0]],
            source: found.source,
        });
        found.view = View {
            seen,
            often: [1, 0],
            runs: 1,
        };
        found
    }
}
