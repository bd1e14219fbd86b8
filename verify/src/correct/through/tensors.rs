//! Operands of runs as tensors, and the sharings that are dealt of them.

use super::{AMOUNTS, Lifting, MATRIX, Plan, TABLE};
use crate::correct::drawn::Source;
use crate::correct::trial::{Tally, required};
use crate::element::{add, mul, order, signed};
use crate::endpoints::{Given, Start};
use crate::machine::{Choice, Random};
use crate::problem::{Operand, Spec, operand_ids};
use crate::verdict::Inputs;
use smpc_ir::flat::Kind;
use smpc_ir::lower::{Dealt, Lifted};
use smpc_ir::party::Elem;
use std::collections::HashMap;

/// Operands of some runs, and the tensors made of them.
pub(super) struct Laid {
    pub lanes: Vec<Inputs>,
    /// By parameter.
    pub tensors: Vec<Vec<u128>>,
    pub sizes: Vec<usize>,
}

impl Lifting<'_> {
    fn kind(&self, param: usize) -> Kind {
        let flat = &self.problem.lowered;
        let id = operand_ids(&flat.params[param]).first();
        id.map_or(Kind::Scalar, |id| flat.values[*id as usize].kind)
    }

    /// Draws operands and lays them out as tensors; nothing if none are found that fit what is required.
    pub(super) fn lay(
        &self,
        plan: Plan,
        number: (usize, usize),
        tally: &mut Tally<'_>,
    ) -> Option<Laid> {
        let table = self.lifted == Lifted::Rows;
        let (count, rows, sizes) = match plan {
            Plan::Vector(lanes) => (lanes, 1, vec![lanes]),
            Plan::Product => {
                let (rows, columns) = MATRIX;
                (rows * columns, 1, vec![rows, rows, columns])
            }
            Plan::Whole if table => (TABLE.1, TABLE.0, vec![TABLE.0, TABLE.1]),
            Plan::Whole => (1, 1, vec![1]),
        };
        let mut lanes = tally.draw(count, rows, number);
        let (tensors, sizes) = match plan {
            Plan::Vector(_) if lanes.is_empty() => return None,
            Plan::Vector(_) => (self.vectors(&lanes), vec![lanes.len()]),
            _ if lanes.len() < count => return None,
            Plan::Product => (self.matrices(&mut lanes, number.0), sizes),
            Plan::Whole if table => {
                let params = 0..self.problem.params.len();
                let tensors = params.map(|param| {
                    let one = lanes[0][param].len() == 1;
                    let rows = 0..if one { 1 } else { rows };
                    let of_row = |row: usize| lanes.iter().map(move |lane| lane[param][row]);
                    rows.flat_map(of_row).collect()
                });
                (tensors.collect(), sizes)
            }
            Plan::Whole => (self.vectors(&lanes), sizes),
        };
        Some(Laid {
            lanes,
            tensors,
            sizes,
        })
    }

    fn vectors(&self, lanes: &[Inputs]) -> Vec<Vec<u128>> {
        let params = 0..self.problem.params.len();
        params
            .map(|param| lanes.iter().map(|lane| lane[param][0]).collect())
            .collect()
    }

    /// The left operand has one element in each row, and 0 beside it, so that each element of the product is one of two
    /// operands; what else stands in sharings is added up.
    fn matrices(&self, lanes: &mut [Inputs], turn: usize) -> Vec<Vec<u128>> {
        let (rows, columns) = MATRIX;
        let kinds: Vec<Kind> = (0..self.problem.params.len())
            .map(|p| self.kind(p))
            .collect();
        for row in 0..rows {
            let first = lanes[row * columns].clone();
            for lane in &mut lanes[row * columns..][..columns] {
                for (param, kind) in kinds.iter().enumerate() {
                    if *kind == Kind::Left {
                        lane[param] = first[param].clone();
                    }
                }
                if !required(self.problem, lane, 1) {
                    *lane = first.clone();
                }
            }
        }
        let inner = |row: usize| (row + turn) % rows;
        let tensor = |(param, kind): (usize, &Kind)| match kind {
            Kind::Left => {
                let mut left = vec![0; rows * rows];
                for row in 0..rows {
                    left[row * rows + inner(row)] = lanes[row * columns][param][0];
                }
                left
            }
            Kind::Right => {
                let mut right = vec![0; rows * columns];
                for (at, lane) in lanes.iter().enumerate() {
                    right[inner(at / columns) * columns + at % columns] = lane[param][0];
                }
                right
            }
            _ => lanes.iter().map(|lane| lane[param][0]).collect(),
        };
        kinds.iter().enumerate().map(tensor).collect()
    }

    /// Sharings of the operands, dealt.
    pub(super) fn start(&self, laid: &Laid, seed: u64, random: &mut Random) -> Start {
        let mut components: HashMap<(usize, usize), Vec<i128>> = HashMap::new();
        for (param, spec) in self.problem.params.iter().enumerate() {
            let Operand::Shared(sharing) = spec else {
                continue;
            };
            let (elem, rows) = (sharing.elem, &self.params[param]);
            let mut dealt = vec![Vec::with_capacity(laid.tensors[param].len()); rows.len()];
            let mut coins = vec![0; rows.first().map_or(0, |row| row.len() - 1)];
            for value in &laid.tensors[param] {
                coins.fill_with(|| random.below(order(elem)));
                for (by, into) in rows.iter().zip(&mut dealt) {
                    let mut word = mul(elem, by[0], *value);
                    for (by, coin) in by[1..].iter().zip(&coins) {
                        if *by != 0 {
                            word = add(elem, word, mul(elem, *by, *coin));
                        }
                    }
                    into.push(number(elem, word));
                }
            }
            let dealt = dealt.into_iter().enumerate();
            components.extend(dealt.map(|(at, words)| ((param, at), words)));
        }
        let given = self
            .alone
            .inputs
            .iter()
            .enumerate()
            .map(|(at, (dealt, elem))| {
                let input = self.alone.program.inputs.get(at);
                let shape = input
                    .map_or(&[][..], |input| &input.shape)
                    .iter()
                    .map(|dim| {
                        let length =
                            dim.evaluate(&|v| laid.sizes.get(v.0 as usize).map(|n| *n as i128));
                        length
                            .ok()
                            .and_then(|n| usize::try_from(n).ok())
                            .unwrap_or(0)
                    });
                let values = match dealt {
                    Dealt::Component(param, at) => components.remove(&(*param, *at)),
                    Dealt::Value(param) => {
                        let own = match &self.problem.params[*param] {
                            Operand::Shared(sharing) => sharing.elem,
                            Operand::Clear { elem, .. } => *elem,
                        };
                        let words = laid.tensors[*param].iter();
                        Some(words.map(|word| number(own, *word)).collect())
                    }
                };
                Given {
                    elem: *elem,
                    shape: shape.collect(),
                    values: values.unwrap_or_default(),
                }
            });
        let amounts = self.alone.amounts.iter();
        Start {
            inputs: given.collect(),
            params: amounts
                .map(|param| match &self.problem.params[*param] {
                    Operand::Clear { elem, .. } => signed(*elem, laid.tensors[*param][0]),
                    Operand::Shared(_) => laid.tensors[*param][0] as i128,
                })
                .collect(),
            sizes: laid.sizes.iter().map(|n| *n as i128).collect(),
            seed,
        }
    }
}

impl Tally<'_> {
    /// Operands of so many runs within what is required; fewer if too many are refused.
    fn draw(&mut self, count: usize, rows: usize, number: (usize, usize)) -> Vec<Inputs> {
        let source = Source::new(self.problem, rows);
        let tuple = self.amounts(&source, number);
        let (mut found, mut tries) = (Vec::with_capacity(count), 0);
        while found.len() < count && tries < count.saturating_mul(20) + 100 {
            tries += 1;
            let mut inputs = source.operands(self.problem, self.drawn, &mut self.random);
            self.drawn += 1;
            source.domains.set(&mut inputs, &tuple);
            if self.claimed.required(&inputs, rows) {
                found.push(inputs);
            }
        }
        found
    }

    /// The public numbers of one of several runs: shifts from the least to the largest that a standard operation may be
    /// asked for, and of any other protocol those that are enumerated and random ones in turn.
    fn amounts(&mut self, source: &Source, (at, count): (usize, usize)) -> Vec<u128> {
        let tuples = source.domains.tuples();
        if self.problem.spec == Spec::Unspecified || tuples.is_empty() {
            return source.domains.tuple(self.problem, &mut self.random);
        }
        let steps = (count.min(AMOUNTS as usize) - 1).max(1);
        tuples[(at % (steps + 1)) * (tuples.len() - 1) / steps].clone()
    }
}

/// A word as endpoints take it.
fn number(elem: Elem, word: u128) -> i128 {
    match elem {
        Elem::Bits(_) => word as i128,
        _ => signed(elem, word),
    }
}
