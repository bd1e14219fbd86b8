//! Where a party may lie, the members of a set make sure that they share one stream before anything
//! else: the member that drew the key could have told each of the others another one.
//!
//! Of two parties nobody can be told anything else than the other has. In larger sets each pair of
//! members compares a digest of the first words of the streams that both share.

use crate::local::{Local, Source};
use crate::party::{CoinDomain, Elem, Op, Party, PartySet, Program, Step, Value, ValueInfo};
use crate::size::Size;

/// Puts the comparison in front of the program.
pub(super) fn compare(program: &mut Program) {
    let sets: Vec<PartySet> = program.coin_sets();
    let sets: Vec<PartySet> = sets.into_iter().filter(|set| set.len() > 2).collect();
    let mut front = Front {
        program,
        steps: vec![],
    };
    let coins: Vec<(PartySet, Value)> =
        sets.into_iter().map(|set| (set, front.coin(set))).collect();
    let members = coins
        .iter()
        .fold(PartySet::EMPTY, |all, (set, _)| all.union(*set));
    for from in members.iter() {
        for to in members.iter().filter(|to| *to != from) {
            let both = PartySet::from_iter([from, to]);
            let common: Vec<Value> = coins
                .iter()
                .filter(|(set, _)| both.is_subset(*set))
                .map(|(_, coin)| *coin)
                .collect();
            if !common.is_empty() {
                front.pair(from, to, &common);
            }
        }
    }
    if front.steps.is_empty() {
        return;
    }
    front.push(Op::Barrier, vec![], vec![]);
    let mut steps = front.steps;
    steps.append(&mut program.body.steps);
    program.body.steps = steps;
}

struct Front<'p> {
    program: &'p mut Program,
    steps: Vec<Step>,
}

impl Front<'_> {
    fn push(&mut self, op: Op, args: Vec<Value>, results: Vec<Value>) {
        self.steps.push(Step {
            op,
            args,
            results,
            source: Source::default(),
            origin: None,
        });
    }

    fn value(&mut self, shape: Vec<Size>, known_to: PartySet, offline: bool) -> Value {
        let value = Value(u32::try_from(self.program.values.len()).unwrap_or(u32::MAX));
        self.program.values.push(ValueInfo {
            elem: Elem::Bits(128),
            shape,
            known_to,
            offline,
        });
        value
    }

    fn coin(&mut self, set: PartySet) -> Value {
        let coin = self.value(vec![], set, true);
        self.push(Op::Coin(CoinDomain::Uniform), vec![], vec![coin]);
        coin
    }

    /// `from` tells `to` what it has, and `to` compares.
    fn pair(&mut self, from: Party, to: Party, coins: &[Value]) {
        let (sender, receiver) = (PartySet::from_iter([from]), PartySet::from_iter([to]));
        let words = || vec![Size::from(2)];
        let told = self.value(words(), sender, false);
        self.push(Op::Local(Local::Digest), coins.to_vec(), vec![told]);
        let got = self.value(words(), receiver, false);
        let op = Op::Send { from, to: receiver };
        self.push(op, vec![told], vec![got]);
        let own = self.value(words(), receiver, false);
        self.push(Op::Local(Local::Digest), coins.to_vec(), vec![own]);
        self.push(Op::Check { at: receiver }, vec![own, got], vec![]);
    }
}
