//! Concrete execution of a flat protocol, all parties in the clear.
//!
//! A value is one word per row. Protocols that permute rows run with two rows, all others with one;
//! operands of a bilinear product are scalars, which decides the tensor case too: every monomial
//! has at most one left and one right factor.

mod choice;
mod code;

use crate::element::{add, mul, order};
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::sharing::{consistent, matrix, reconstructed};
use code::{Step, compile};
use smpc_ir::flat::{Kind, Sharing};
use smpc_ir::party::{CoinDomain, Elem};

pub(crate) use choice::{Batch, Choice, Counter, Random};
pub(crate) use code::{coin, evaluate};

/// A compiled protocol. Several executions go side by side in lanes.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub rows: usize,
    pub lanes: usize,
    code: Vec<Step>,
    /// Where the words of each value are, in units of rows and lanes together.
    slots: Vec<u32>,
    /// Steps of the protocol that are carried out.
    carried_out: Vec<bool>,
    /// For each parameter its components and how they are made of the value and of coins.
    dealt: Vec<Dealt>,
    /// What keys are drawn from, and their element types.
    domains: Vec<(CoinDomain, Elem)>,
    /// Keys, those of a lane together.
    keys: Vec<u128>,
    /// Words by slot, then row, then lane.
    pub values: Vec<u128>,
}

/// A parameter's components: for each its coefficient of the value and those of the coins.
#[derive(Clone, Debug, Default)]
struct Dealt {
    rows: Vec<(u32, Vec<u128>)>,
    /// The key that each component carries times the value.
    keyed: Vec<Option<usize>>,
    coins: usize,
}

impl Machine {
    /// Every value of every step can be read.
    pub fn new(problem: &Problem) -> Result<Self, Malformed> {
        Self::compiled(problem, 1, false)
    }

    /// The same, of so many executions at once.
    pub fn wide(problem: &Problem, lanes: usize) -> Result<Self, Malformed> {
        Self::compiled(problem, lanes, false)
    }

    /// So many executions at once, of which only results can be read: what they do not depend on is left
    /// out, its coins too.
    pub fn of_results(problem: &Problem, lanes: usize) -> Result<Self, Malformed> {
        Self::compiled(problem, lanes, true)
    }

    fn compiled(problem: &Problem, lanes: usize, results: bool) -> Result<Self, Malformed> {
        problem.validate()?;
        let flat = &problem.flat;
        let permutes = flat.values.iter().any(|v| v.kind == Kind::Rows)
            || problem.spec == crate::problem::Spec::Shuffle;
        let compiled = compile(flat, results)?;
        let rows = if permutes { 2 } else { 1 };
        let params = flat.params.iter().zip(&problem.params);
        let dealt = params.map(|(operand, spec)| match spec {
            Operand::Clear { .. } => Dealt::default(),
            Operand::Shared(sharing) => {
                let matrix = matrix(sharing);
                let coins = matrix.first().map_or(0, |row| row.len() - 1);
                let ids = operand_ids(operand).iter().copied();
                let rows = ids.zip(matrix).collect();
                let mut keyed = vec![None; sharing.holders.len()];
                for (component, key) in &sharing.keyed {
                    if let Some(slot) = keyed.get_mut(*component as usize) {
                        *slot = Some(*key as usize);
                    }
                }
                Dealt { rows, keyed, coins }
            }
        });
        let cells = rows * lanes;
        let mut values = vec![0; compiled.slots_in_all * cells];
        for (slot, word) in &compiled.constants {
            let at = *slot as usize * cells;
            values[at..at + cells].fill(*word);
        }
        Ok(Self {
            dealt: dealt.collect(),
            domains: problem
                .keys
                .iter()
                .map(|k| (k.domain.clone(), k.elem))
                .collect(),
            keys: vec![0; problem.keys.len() * lanes],
            rows,
            lanes,
            code: compiled.code,
            slots: compiled.slots,
            carried_out: compiled.carried_out,
            values,
        })
    }

    fn cell(&self, id: u32, row: usize, lane: usize) -> usize {
        (self.slots[id as usize] as usize * self.rows + row) * self.lanes + lane
    }

    /// A key of one execution.
    pub fn key(&self, key: usize, lane: usize) -> u128 {
        self.keys[lane * self.domains.len() + key]
    }

    /// A word of one execution.
    pub fn word(&self, id: u32, row: usize, lane: usize) -> u128 {
        self.values[self.cell(id, row, lane)]
    }

    /// The words of a value, lanes of a row together: the rows where there is one lane.
    pub fn value(&self, id: u32) -> &[u128] {
        let (at, count) = (self.cell(id, 0, 0), self.rows * self.lanes);
        &self.values[at..at + count]
    }

    /// Deals a sharing of a value, uniform if the choices are.
    fn deal(
        &mut self,
        param: usize,
        elem: Elem,
        rows: &[u128],
        lane: usize,
        choice: &mut dyn Choice,
    ) {
        let dealt = std::mem::take(&mut self.dealt[param]);
        let mut coins = vec![0; dealt.coins];
        for row in 0..self.rows {
            coins.fill_with(|| choice.below(order(elem)));
            for ((id, by), key) in dealt.rows.iter().zip(&dealt.keyed) {
                let mut word = mul(elem, by[0], rows[row % rows.len()]);
                for (by, coin) in by[1..].iter().zip(&coins) {
                    if *by != 0 {
                        word = add(elem, word, mul(elem, *by, *coin));
                    }
                }
                if let Some(key) = key {
                    let key = self.key(*key, lane);
                    word = add(elem, word, mul(elem, key, rows[row % rows.len()]));
                }
                let cell = self.cell(*id, row, lane);
                self.values[cell] = word;
            }
        }
        self.dealt[param] = dealt;
    }

    /// The value of a sharing.
    pub fn reconstruct(&self, ids: &[u32], sharing: &Sharing, row: usize, lane: usize) -> u128 {
        reconstructed(sharing, ids.iter().map(|id| self.word(*id, row, lane)))
    }

    /// Whether components are those of a sharing: combinations of them that must be 0 are.
    pub fn consistent(
        &self,
        ids: &[u32],
        parities: &[Vec<u128>],
        sharing: &Sharing,
        row: usize,
        lane: usize,
    ) -> bool {
        let words: Vec<u128> = ids.iter().map(|id| self.word(*id, row, lane)).collect();
        let keys = (0..self.domains.len()).map(|key| self.key(key, lane));
        let keys: Vec<u128> = match sharing.keyed.is_empty() {
            true => Vec::new(),
            false => keys.collect(),
        };
        let opened = reconstructed(sharing, words.iter().copied());
        consistent(sharing, parities, &words, opened, &keys)
    }

    /// Gives every parameter of one execution the values given, sharings dealt.
    pub fn load(
        &mut self,
        problem: &Problem,
        inputs: &[Vec<u128>],
        lane: usize,
        choice: &mut dyn Choice,
    ) {
        for (key, (domain, elem)) in self.domains.iter().enumerate() {
            self.keys[lane * self.domains.len() + key] = coin(domain, *elem, choice);
        }
        let params = problem.flat.params.iter().zip(&problem.params);
        for (param, ((operand, spec), rows)) in params.zip(inputs).enumerate() {
            let ids = operand_ids(operand);
            match spec {
                Operand::Shared(sharing) => self.deal(param, sharing.elem, rows, lane, choice),
                Operand::Clear { .. } => {
                    for row in 0..self.rows {
                        let cell = self.cell(ids[0], row, lane);
                        self.values[cell] = rows[row % rows.len()];
                    }
                }
            }
        }
    }

    /// Whether a step of the protocol is carried out.
    pub fn carries_out(&self, step: usize) -> bool {
        self.carried_out[step]
    }

    /// Runs every step.
    pub fn run(&mut self, choice: &mut dyn Choice) {
        let keys = (self.keys.as_slice(), self.domains.len());
        for step in &self.code {
            step.run(&mut self.values, self.rows, self.lanes, keys, choice);
        }
    }
}
