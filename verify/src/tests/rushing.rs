//! The prover held against executions in which corrupt parties send whatever they like as soon as they can, and see all that
//! honest parties send without waiting for them.

use super::active::titled;
use super::early::{BODIES, tested};
use super::lying::{Run, sent};
use super::standard::bind;
use crate::active::{Effect, deviate};
use crate::element::{add, literal, mul};
use crate::machine::{Choice, Random};
use crate::*;
use smpc_ir::flat::FlatOp;
use smpc_ir::party::{Party, PartySet};
use std::collections::{BTreeMap, HashSet};

/// What a corrupt party tells in place of what it should.
enum Told {
    /// This.
    This(i128),
    /// A number and a multiple of a message of an honest party, as soon as that is seen.
    Seen(i128, i128, u32),
}

/// What is told in some messages, by their steps and receivers.
type Strategy = BTreeMap<(usize, u8), Told>;

/// Steps at parties, as an honest party performs them: once it has what it needs, and nothing behind a barrier before all of
/// its own in front of it.
struct Rushed<'p> {
    run: Run<'p>,
    problem: &'p Problem,
    coalition: PartySet,
    done: HashSet<(usize, u8)>,
}

/// Those who have something to do in a step.
fn takes_part(problem: &Problem, at: usize) -> PartySet {
    let step = &problem.flat.steps[at];
    let result = problem.flat.values[step.result as usize].known_to;
    match &step.op {
        FlatOp::Send { from, to } => result.union(to.union(PartySet::from_iter([Party(*from)]))),
        FlatOp::Check { at } | FlatOp::Assert { at } => result.union(*at),
        _ => result,
    }
}

impl<'p> Rushed<'p> {
    /// Whether all honest parties came to the end, without an abort.
    fn ends(&mut self, strategy: &Strategy) -> bool {
        let steps = self.problem.flat.steps.len();
        let parts: Vec<PartySet> = (0..steps).map(|at| takes_part(self.problem, at)).collect();
        loop {
            let before = self.done.len();
            for at in 0..steps {
                for party in parts[at].iter() {
                    let open = !self.done.contains(&(at, party.0)) && self.may(&parts, at, party);
                    if open && self.event(at, party, strategy) {
                        self.done.insert((at, party.0));
                    }
                }
                if self.run.aborts {
                    return false;
                }
            }
            if self.done.len() == before {
                break;
            }
        }
        let honest = |at: usize| parts[at].without(self.coalition);
        (0..steps).all(|at| honest(at).iter().all(|p| self.done.contains(&(at, p.0))))
    }

    /// Whether no barrier keeps a party from a step.
    fn may(&self, parts: &[PartySet], at: usize, party: Party) -> bool {
        let barriers = self.problem.flat.barriers.iter();
        let Some(last) = barriers.filter(|b| **b as usize <= at).max() else {
            return true;
        };
        let done =
            |step: usize| !parts[step].contains(party) || self.done.contains(&(step, party.0));
        self.coalition.contains(party) || (0..*last as usize).all(done)
    }

    /// A step at a party, if it has what it needs.
    fn event(&mut self, at: usize, party: Party, strategy: &Strategy) -> bool {
        let step = &self.problem.flat.steps[at];
        let values = &self.problem.flat.values;
        let (result, info) = (step.result, &values[step.result as usize]);
        let copy = |run: &Run<'_>, id: u32, party: u8| run.copies.get(&(id, party)).cloned();
        match &step.op {
            FlatOp::Coin(_) | FlatOp::Key(_) => true,
            FlatOp::Send { from, .. } => {
                let arg = step.args[0];
                if values[arg as usize].known_to.contains(party) {
                    let Some(own) = copy(&self.run, arg, party.0) else {
                        return false;
                    };
                    self.run.copies.insert((result, party.0), own);
                    return true;
                }
                let lies = self.coalition.contains(Party(*from)) && !self.coalition.contains(party);
                let words = match strategy.get(&(at, party.0)).filter(|_| lies) {
                    Some(Told::This(constant)) => {
                        Some(vec![literal(info.elem, *constant); self.run.rows])
                    }
                    Some(Told::Seen(constant, factor, id)) => {
                        let mut own = self.coalition.iter();
                        let seen = own.find_map(|member| copy(&self.run, *id, member.0));
                        let told = |word: &u128| {
                            let factor = literal(info.elem, *factor);
                            let multiple = mul(info.elem, factor, *word);
                            add(info.elem, literal(info.elem, *constant), multiple)
                        };
                        seen.map(|words| words.iter().map(told).collect())
                    }
                    // An honest party sends behind a barrier what it had before it.
                    None if !self.coalition.contains(Party(*from))
                        && !self.done.contains(&(at, *from)) =>
                    {
                        None
                    }
                    None => copy(&self.run, arg, *from),
                };
                let Some(words) = words else { return false };
                self.run.copies.insert((result, party.0), words);
                true
            }
            FlatOp::Check { at: who } | FlatOp::Assert { at: who } => {
                let sides = &step.args[step.args.len() - 2..];
                let has = |id: &u32| self.run.copies.contains_key(&(*id, party.0));
                if who.without(self.coalition).contains(party) {
                    if !sides.iter().all(has) {
                        return false;
                    }
                    let alone = PartySet::from_iter([party]);
                    self.run.compare(alone, sides[0], sides[1]);
                }
                if info.known_to.contains(party) && matches!(step.op, FlatOp::Check { .. }) {
                    let Some(own) = copy(&self.run, step.args[0], party.0) else {
                        return false;
                    };
                    self.run.copies.insert((result, party.0), own);
                }
                true
            }
            FlatOp::Bilinear | FlatOp::Local(_) => {
                let args = step.args.iter().map(|arg| copy(&self.run, *arg, party.0));
                let Some(args) = args.collect::<Option<Vec<_>>>() else {
                    return false;
                };
                let words = self.run.local(at, &args);
                self.run.copies.insert((result, party.0), words);
                true
            }
        }
    }
}

/// A random strategy: most messages are told without regard to what they should be.
fn strategy(
    messages: &[(usize, u8)],
    seen: &dyn Fn(usize) -> Vec<u32>,
    random: &mut Random,
) -> Strategy {
    let mut told = Strategy::new();
    for message in messages {
        let constant = random.below(2) as i128;
        let visible = seen(message.0);
        let how = match random.below(4) {
            0 | 1 => Told::This(constant),
            2 if !visible.is_empty() => {
                let id = visible[random.below(visible.len() as u128) as usize];
                Told::Seen(constant, 1 - 2 * random.below(2) as i128, id)
            }
            _ => continue,
        };
        told.insert(*message, how);
    }
    told
}

/// Whether one of so many strategies makes honest parties end with another result.
fn is_fooled(problem: &Problem, coalition: PartySet, strategies: u64) -> bool {
    let flat = &problem.flat;
    let messages = sent(problem, coalition);
    let news = |elem| {
        let steps = flat.steps.iter().filter(|step| {
            let info = &flat.values[step.result as usize];
            let FlatOp::Send { from, to } = step.op else {
                return false;
            };
            let heard = !to.intersection(coalition).is_empty();
            heard && !coalition.contains(Party(from)) && info.elem == elem
        });
        steps.map(|step| step.result).collect::<Vec<u32>>()
    };
    let seen = |at: usize| news(flat.values[flat.steps[at].result as usize].elem);
    let mut random = Random(0x5eed);
    (0..strategies).any(|seed| {
        let strategy = strategy(&messages, &seen, &mut random);
        let start = || Rushed {
            run: Run::start(problem, seed),
            problem,
            coalition,
            done: HashSet::new(),
        };
        let mut rushed = start();
        if !rushed.ends(&strategy) {
            return false;
        }
        let mut honest = start();
        assert!(honest.ends(&Strategy::new()));
        rushed.run.results(coalition) != honest.run.results(coalition)
    })
}

/// What the prover says of the protocols of which parts are sent too early is what strategies find.
#[test]
fn who_sends_first_gets_through_where_that_is_not_said_to_be_caught() {
    for (parties, coalition, bodies) in BODIES {
        let coalition = PartySet::from_iter(coalition.iter().map(|party| Party(*party)));
        for (body, caught) in *bodies {
            let problem = tested(*parties, body);
            let strategies = if *caught { 5_000 } else { 200_000 };
            let fooled = is_fooled(&problem, coalition, strategies);
            assert_eq!(fooled, !caught, "{body}");
        }
    }
}

#[test]
fn who_sends_first_does_not_get_through_what_is_said_to_be_caught() {
    for (name, args, titles) in [
        (
            "fantastic4",
            [].as_slice(),
            ["reveal to all", "mul"].as_slice(),
        ),
        ("rep3_malicious", &[], &["reveal to all", "mul"]),
        ("spdz", &[("n", 2)], &["reveal to all"]),
        ("spdz", &[("n", 3)], &["reveal to all"]),
    ] {
        let bound = bind(name, args);
        for title in titles {
            let problem = titled(&bound, title);
            for coalition in problem.deviating() {
                let found = deviate(&problem, coalition).effect;
                let caught = matches!(found, Effect::Caught { .. } | Effect::Harmless);
                assert!(caught, "{name} {title}: {found:?}");
                assert!(!is_fooled(&problem, coalition, 200), "{name} {title}");
            }
        }
    }
}
