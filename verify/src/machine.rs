//! Concrete execution of a flat protocol, all parties in the clear.
//!
//! A value is one word per row. Protocols that permute rows run with two rows, all others with one;
//! operands of a bilinear product are scalars, which decides the tensor case too: every monomial
//! has at most one left and one right factor.

use crate::element::{
    add, coefficient, inverse, literal, mask, mul, neg, order, reduce, signed, sub, width,
};
use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::sharing::matrix;
use smpc_ir::flat::{FlatOp, Kind, Sharing};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{CoinDomain, Elem};

/// A source of choices: enumerated or random.
pub(crate) trait Choice {
    /// A number below the bound; 0 stands for 2^128.
    fn below(&mut self, bound: u128) -> u128;
}

/// SplitMix64: tests must be the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Choice for Random {
    fn below(&mut self, bound: u128) -> u128 {
        let word = u128::from(self.word()) << 64 | u128::from(self.word());
        if bound == 0 {
            word
        } else if bound.is_power_of_two() {
            word & (bound - 1)
        } else {
            word % bound
        }
    }
}

/// The assignments of a list of digits, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    digits: Vec<(u128, u128)>,
    at: usize,
}

impl Choice for Counter {
    fn below(&mut self, bound: u128) -> u128 {
        if self.at == self.digits.len() {
            self.digits.push((0, bound));
        }
        let value = self.digits[self.at].0;
        self.at += 1;
        value
    }
}

impl Counter {
    /// Before each run.
    pub fn rewind(&mut self) {
        self.at = 0;
    }

    /// To the next assignment; false after the last.
    pub fn advance(&mut self) -> bool {
        for (value, bound) in &mut self.digits {
            *value += 1;
            if *value != *bound {
                return true;
            }
            *value = 0;
        }
        false
    }
}

/// The assignments of a list of digits, so many at once, one per lane. A machine asks for the same
/// coin of all lanes before the next coin.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    bounds: Vec<u128>,
    /// Digits of the next assignment.
    next: Vec<u128>,
    /// Digits by position, then lane.
    digits: Vec<u128>,
    lanes: usize,
    at: usize,
    finished: bool,
}

impl Batch {
    /// All assignments of the digits that a counter has seen.
    pub fn new(counter: &Counter, lanes: usize) -> Self {
        let bounds: Vec<u128> = counter.digits.iter().map(|(_, bound)| *bound).collect();
        Self {
            next: vec![0; bounds.len()],
            digits: vec![0; bounds.len() * lanes],
            bounds,
            lanes,
            at: 0,
            finished: false,
        }
    }

    /// Fills the lanes; how many have an assignment.
    pub fn fill(&mut self) -> usize {
        self.at = 0;
        for lane in 0..self.lanes {
            if self.finished {
                return lane;
            }
            for (position, digit) in self.next.iter().enumerate() {
                self.digits[position * self.lanes + lane] = *digit;
            }
            self.finished = true;
            for (digit, bound) in self.next.iter_mut().zip(&self.bounds) {
                *digit += 1;
                if *digit != *bound {
                    self.finished = false;
                    break;
                }
                *digit = 0;
            }
        }
        self.lanes
    }

    /// The digits that one lane asks for before all lanes run together.
    pub fn lane(&mut self, lane: usize) -> Lane<'_> {
        self.at = 0;
        Lane { batch: self, lane }
    }
}

impl Choice for Batch {
    fn below(&mut self, _bound: u128) -> u128 {
        let digit = self.digits[self.at];
        self.at += 1;
        digit
    }
}

/// One lane of a [`Batch`].
pub(crate) struct Lane<'b> {
    batch: &'b mut Batch,
    lane: usize,
}

impl Choice for Lane<'_> {
    fn below(&mut self, _bound: u128) -> u128 {
        let digit = self.batch.digits[self.batch.at + self.lane];
        self.batch.at += self.batch.lanes;
        digit
    }
}

/// One element drawn from a domain.
fn coin(domain: &CoinDomain, elem: Elem, choice: &mut dyn Choice) -> u128 {
    match domain {
        CoinDomain::Below(bound) => reduce(elem, choice.below(*bound)),
        CoinDomain::Nonzero => choice.below(order(elem).wrapping_sub(1)) + 1,
        _ => choice.below(order(elem)),
    }
}

#[derive(Clone, Debug)]
enum Code {
    Constant(u128),
    Uniform,
    Permutation,
    Below(u128),
    Nonzero,
    Copy(usize),
    Mul(usize, usize),
    Prim(Prim, [usize; 3], [Elem; 3]),
    Gather(usize, usize),
    Inverse(usize),
    Sum(usize),
    /// A word that differs for different operands, but for rare collisions; whether it is the same
    /// in all rows.
    Digest(Vec<usize>),
    Key(usize),
}

/// A compiled protocol. Several executions go side by side in lanes.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub rows: usize,
    pub lanes: usize,
    code: Vec<(Code, usize, Elem, bool)>,
    /// For each parameter its components and how they are made of the value and of coins.
    dealt: Vec<Dealt>,
    /// What keys are drawn from, and their element types.
    domains: Vec<(CoinDomain, Elem)>,
    /// Keys, those of a lane together.
    keys: Vec<u128>,
    /// Words by value, then row, then lane.
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
    pub fn new(problem: &Problem) -> Result<Self, Malformed> {
        Self::with_lanes(problem, 1)
    }

    pub fn with_lanes(problem: &Problem, lanes: usize) -> Result<Self, Malformed> {
        problem.validate()?;
        let flat = &problem.flat;
        let permutes = flat.values.iter().any(|v| v.kind == Kind::Rows)
            || problem.spec == crate::problem::Spec::Shuffle;
        let mut code = Vec::new();
        for step in &flat.steps {
            let arg = |at: usize| step.args[at] as usize;
            let info = &flat.values[step.result as usize];
            let op = match &step.op {
                FlatOp::Coin(CoinDomain::Uniform) => Code::Uniform,
                FlatOp::Coin(CoinDomain::Permutation) => Code::Permutation,
                FlatOp::Coin(CoinDomain::Below(bound)) => Code::Below(*bound),
                FlatOp::Coin(CoinDomain::Nonzero) => Code::Nonzero,
                FlatOp::Send { .. } | FlatOp::Local(Local::Broadcast) => Code::Copy(arg(0)),
                FlatOp::Bilinear => Code::Mul(arg(0), arg(1)),
                FlatOp::Local(Local::Constant(c)) => Code::Constant(literal(info.elem, *c)),
                FlatOp::Local(Local::Gather) => Code::Gather(arg(0), arg(1)),
                FlatOp::Local(Local::InversePermutation) => Code::Inverse(arg(0)),
                FlatOp::Local(Local::Sum { .. }) => Code::Sum(arg(0)),
                FlatOp::Local(Local::Prim(prim)) => {
                    let mut args = [0; 3];
                    let mut elems = [info.elem; 3];
                    for (at, &id) in step.args.iter().enumerate() {
                        args[at] = id as usize;
                        elems[at] = flat.values[id as usize].elem;
                    }
                    Code::Prim(*prim, args, elems)
                }
                // Nobody deviates: what is compared is equal.
                FlatOp::Check { .. } => Code::Copy(arg(0)),
                FlatOp::Assert { .. } => Code::Constant(0),
                FlatOp::Key(key) => Code::Key(*key as usize),
                FlatOp::Local(Local::Digest | Local::Expand) => {
                    Code::Digest(step.args.iter().map(|id| *id as usize).collect())
                }
                FlatOp::Local(_) => {
                    return Err(Malformed(
                        "an operation that protocols do not have".to_owned(),
                    ));
                }
            };
            let scalar = info.kind == Kind::Scalar;
            code.push((op, step.result as usize, info.elem, scalar));
        }
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
            code,
            values: vec![0; flat.values.len() * rows * lanes],
        })
    }

    fn cell(&self, id: u32, row: usize, lane: usize) -> usize {
        (id as usize * self.rows + row) * self.lanes + lane
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
        let (mut sum, elem) = (0, sharing.elem);
        for (&id, &by) in ids.iter().zip(&sharing.reconstruction) {
            if by != 0 {
                let part = mul(elem, self.word(id, row, lane), coefficient(elem, by));
                sum = add(elem, sum, part);
            }
        }
        sum
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
        let elem = sharing.elem;
        let mut plain: Vec<u128> = ids.iter().map(|id| self.word(*id, row, lane)).collect();
        if !sharing.keyed.is_empty() {
            let value = self.reconstruct(ids, sharing, row, lane);
            for (component, key) in &sharing.keyed {
                let tag = mul(elem, self.key(*key as usize, lane), value);
                if let Some(word) = plain.get_mut(*component as usize) {
                    *word = sub(elem, *word, tag);
                }
            }
        }
        parities.iter().all(|parity| {
            let terms = plain.iter().zip(parity);
            let sum = terms.fold(0, |sum, (word, by)| add(elem, sum, mul(elem, *by, *word)));
            sum == 0
        })
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

    /// Runs every step.
    pub fn run(&mut self, choice: &mut dyn Choice) {
        let (rows, lanes) = (self.rows, self.lanes);
        let cells = rows * lanes;
        for (code, result, elem, scalar) in &self.code {
            let to = result * cells;
            let elem = *elem;
            // Definition comes before use, and operands lie elsewhere.
            let values = &mut self.values;
            let at = |id: usize| id * cells;
            match code {
                Code::Constant(c) => values[to..to + cells].fill(*c),
                Code::Permutation => {
                    for lane in 0..lanes {
                        let swap = choice.below(2) as usize;
                        for row in 0..rows {
                            let image = row ^ if rows == 2 { swap } else { 0 };
                            values[to + row * lanes + lane] = image as u128;
                        }
                    }
                }
                Code::Uniform | Code::Below(_) | Code::Nonzero => {
                    // A scalar coin is one draw for all rows.
                    let drawn = if *scalar { lanes } else { cells };
                    for cell in 0..drawn {
                        let domain = match code {
                            Code::Below(bound) => CoinDomain::Below(*bound),
                            Code::Nonzero => CoinDomain::Nonzero,
                            _ => CoinDomain::Uniform,
                        };
                        values[to + cell] = coin(&domain, elem, choice);
                    }
                    for cell in drawn..cells {
                        values[to + cell] = values[to + cell % lanes];
                    }
                }
                Code::Gather(a, order) => {
                    for cell in 0..cells {
                        let row = values[at(*order) + cell] as usize % rows;
                        values[to + cell] = values[at(*a) + row * lanes + cell % lanes];
                    }
                }
                Code::Inverse(a) => {
                    for cell in 0..cells {
                        let row = values[at(*a) + cell] as usize % rows;
                        values[to + row * lanes + cell % lanes] = (cell / lanes) as u128;
                    }
                }
                Code::Sum(a) => {
                    for cell in 0..cells {
                        let mut sum = 0u128;
                        for row in 0..rows {
                            let word = values[at(*a) + row * lanes + cell % lanes];
                            sum = add(elem, sum, word);
                        }
                        values[to + cell] = sum;
                    }
                }
                Code::Digest(args) => {
                    for cell in 0..cells {
                        let row = if *scalar { 0 } else { (cell / lanes) as u64 };
                        let mut state = Random(0x9e37 + row);
                        for arg in args {
                            let word = values[at(*arg) + cell];
                            for half in [word as u64, (word >> 64) as u64] {
                                state = Random(state.word() ^ half);
                            }
                        }
                        values[to + cell] = reduce(elem, state.below(order(elem)));
                    }
                }
                Code::Key(key) => {
                    for cell in 0..cells {
                        values[to + cell] = self.keys[cell % lanes * self.domains.len() + key];
                    }
                }
                Code::Copy(a) => values.copy_within(at(*a)..at(*a) + cells, to),
                Code::Mul(a, b) => {
                    for cell in 0..cells {
                        let (a, b) = (values[at(*a) + cell], values[at(*b) + cell]);
                        values[to + cell] = mul(elem, a, b);
                    }
                }
                Code::Prim(prim, ids, elems) => {
                    let (a, b) = (at(ids[0]), at(ids[1]));
                    let mut each = |f: &dyn Fn(Elem, u128, u128) -> u128| {
                        for cell in 0..cells {
                            values[to + cell] = f(elem, values[a + cell], values[b + cell]);
                        }
                    };
                    match prim {
                        Prim::Add => each(&add),
                        Prim::Sub => each(&sub),
                        Prim::Mul => each(&mul),
                        _ => {
                            for cell in 0..cells {
                                let args = ids.map(|id| values[at(id) + cell]);
                                values[to + cell] = evaluate(*prim, args, *elems, elem);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An element-wise operation as `Prim` documents it.
pub(crate) fn evaluate(prim: Prim, args: [u128; 3], elems: [Elem; 3], elem: Elem) -> u128 {
    let bits = matches!(elem, Elem::Bits(_));
    let [a, b, c] = args;
    let amount = || u32::try_from(signed(elems[1], b)).unwrap_or(u32::MAX);
    let m = u32::from(width(elem));
    let word = match prim {
        Prim::Add => return add(elem, a, b),
        Prim::Sub => return sub(elem, a, b),
        Prim::Mul => return mul(elem, a, b),
        Prim::Neg => return neg(elem, a),
        Prim::Not => !a,
        Prim::Shl => {
            let by = amount();
            if by >= m { 0 } else { a << by }
        }
        Prim::ShrLogical => {
            let by = amount();
            if by >= m { 0 } else { a >> by }
        }
        Prim::Shr if bits => {
            let by = amount();
            if by >= m { 0 } else { a >> by }
        }
        Prim::Shr => (signed(elem, a) >> amount().min(127)) as u128,
        Prim::Eq => u128::from(a == b),
        Prim::Lt => match elems[0] {
            Elem::Bits(_) => u128::from(a < b),
            from => u128::from(signed(from, a) < signed(from, b)),
        },
        // Public amounts only; division by zero is an error of the run, which no proof is about.
        Prim::Div if matches!(elem, Elem::Field(_)) => mul(elem, a, inverse(elem, b).unwrap_or(0)),
        Prim::Div => match (signed(elem, a), signed(elem, b)) {
            (_, 0) => 0,
            (x, y) => floor_div(x, y) as u128,
        },
        Prim::Rem => match (signed(elem, a), signed(elem, b)) {
            (_, 0) => 0,
            (x, y) => x.wrapping_sub(y.wrapping_mul(floor_div(x, y))) as u128,
        },
        Prim::Select => {
            if a & 1 == 1 {
                b
            } else {
                c
            }
        }
        Prim::Cast => match (elems[0], elem) {
            (Elem::Ring(_) | Elem::Field(_), Elem::Ring(_)) => signed(elems[0], a) as u128,
            (Elem::Ring(_) | Elem::Field(_), Elem::Field(p)) => p.residue(signed(elems[0], a)),
            _ => a,
        },
        Prim::BitSlice { start, step: 1 } => {
            (a & mask(elems[0])).checked_shr(start.into()).unwrap_or(0)
        }
        Prim::BitSlice { start, step } => (0..m).fold(0, |out, i| {
            let from = i32::from(start) + i as i32 * i32::from(step);
            let inside = (0..i32::from(width(elems[0]))).contains(&from);
            if inside {
                out | (a >> from & 1) << i
            } else {
                out
            }
        }),
        Prim::Sqrt | Prim::Exp | Prim::Ln | Prim::Encode | Prim::Decode => 0,
    };
    reduce(elem, word)
}

fn floor_div(x: i128, y: i128) -> i128 {
    let quotient = x.wrapping_div(y);
    if x.wrapping_rem(y) != 0 && (x < 0) != (y < 0) {
        quotient - 1
    } else {
        quotient
    }
}
