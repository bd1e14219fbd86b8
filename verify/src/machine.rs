//! Concrete execution of a flat protocol, all parties in the clear.
//!
//! A value is one word per row. Protocols that permute rows run with two rows, all others with one;
//! operands of a bilinear product are scalars, which decides the tensor case too: every monomial
//! has at most one left and one right factor.

use crate::problem::{Malformed, Operand, Problem, operand_ids};
use crate::term::{coefficient, inverse, mask, width};
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
}

/// A compiled protocol.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub rows: usize,
    code: Vec<(Code, usize, Elem, bool)>,
    /// Words by value, rows together.
    pub values: Vec<u128>,
}

/// A word read as a signed number.
pub(crate) fn signed(value: u128, elem: Elem) -> i128 {
    match width(elem) {
        0 => 0,
        m if m >= 128 => value as i128,
        m => ((value << (128 - m)) as i128) >> (128 - m),
    }
}

impl Machine {
    pub fn new(problem: &Problem) -> Result<Self, Malformed> {
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
                FlatOp::Local(Local::Constant(c)) => Code::Constant(*c as u128),
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
        Ok(Self {
            rows,
            code,
            values: vec![0; flat.values.len() * rows],
        })
    }

    /// The rows of a value.
    pub fn value(&self, id: u32) -> &[u128] {
        let at = id as usize * self.rows;
        &self.values[at..at + self.rows]
    }

    /// Gives a clear parameter its value.
    pub fn set(&mut self, id: u32, rows: &[u128]) {
        let at = id as usize * self.rows;
        for (slot, row) in self.values[at..at + self.rows]
            .iter_mut()
            .zip(rows.iter().cycle())
        {
            *slot = *row;
        }
    }

    /// Deals a sharing of a value, uniform if the choices are.
    pub fn deal(&mut self, ids: &[u32], sharing: &Sharing, rows: &[u128], choice: &mut dyn Choice) {
        let elem = sharing.elem;
        let Some(follows) = sharing.reconstruction.iter().position(|c| c & 1 == 1) else {
            return;
        };
        let bound = mask(elem).wrapping_add(1);
        for row in 0..self.rows {
            let mut rest = rows[row % rows.len()];
            for (i, &id) in ids.iter().enumerate() {
                if i != follows {
                    let word = choice.below(bound);
                    self.values[id as usize * self.rows + row] = word;
                    let part = scaled(word, sharing.reconstruction[i], elem);
                    rest = subtract(rest, part, elem);
                }
            }
            let unit = coefficient(elem, sharing.reconstruction[follows]);
            let unit = inverse(elem, unit).unwrap_or(1);
            let last = match elem {
                Elem::Bits(_) => rest,
                _ => rest.wrapping_mul(unit) & mask(elem),
            };
            self.values[ids[follows] as usize * self.rows + row] = last;
        }
    }

    /// The value of a sharing.
    pub fn reconstruct(&self, ids: &[u32], sharing: &Sharing, row: usize) -> u128 {
        let mut sum = 0;
        for (&id, &by) in ids.iter().zip(&sharing.reconstruction) {
            let part = scaled(self.values[id as usize * self.rows + row], by, sharing.elem);
            sum = match sharing.elem {
                Elem::Bits(_) => sum ^ part,
                _ => sum.wrapping_add(part) & mask(sharing.elem),
            };
        }
        sum
    }

    /// Gives every parameter the values given, sharings dealt.
    pub fn load(&mut self, problem: &Problem, inputs: &[Vec<u128>], choice: &mut dyn Choice) {
        for ((operand, spec), rows) in problem.flat.params.iter().zip(&problem.params).zip(inputs) {
            let ids = operand_ids(operand);
            match spec {
                Operand::Shared(sharing) => self.deal(ids, sharing, rows, choice),
                Operand::Clear { .. } => self.set(ids[0], rows),
            }
        }
    }

    /// Runs every step.
    pub fn run(&mut self, choice: &mut dyn Choice) {
        let rows = self.rows;
        for (code, result, elem, scalar) in &self.code {
            let (to, all) = (result * rows, mask(*elem));
            match code {
                Code::Permutation => {
                    let swap = choice.below(2) as usize;
                    for row in 0..rows {
                        self.values[to + row] = (row ^ if rows == 2 { swap } else { 0 }) as u128;
                    }
                    continue;
                }
                Code::Gather(a, order) => {
                    for row in 0..rows {
                        let from = self.values[order * rows + row] as usize % rows;
                        self.values[to + row] = self.values[a * rows + from];
                    }
                    continue;
                }
                Code::Inverse(a) => {
                    for row in 0..rows {
                        let at = self.values[a * rows + row] as usize % rows;
                        self.values[to + at] = row as u128;
                    }
                    continue;
                }
                Code::Sum(a) => {
                    let mut sum = 0u128;
                    for row in 0..rows {
                        let word = self.values[a * rows + row];
                        sum = match elem {
                            Elem::Bits(_) => sum ^ word,
                            _ => sum.wrapping_add(word) & all,
                        };
                    }
                    self.values[to..to + rows].fill(sum);
                    continue;
                }
                _ => {}
            }
            for row in 0..rows {
                let word = |id: usize| self.values[id * rows + row];
                let value = match code {
                    Code::Constant(c) => *c,
                    // A scalar coin is one draw for all rows.
                    Code::Uniform | Code::Below(_) | Code::Nonzero if *scalar && row > 0 => {
                        self.values[to]
                    }
                    Code::Uniform => choice.below(all.wrapping_add(1)),
                    Code::Below(bound) => choice.below(*bound),
                    Code::Nonzero => choice.below(all).wrapping_add(1),
                    Code::Copy(a) => word(*a),
                    Code::Mul(a, b) => product(word(*a), word(*b), *elem),
                    Code::Prim(prim, ids, elems) => {
                        let args = [word(ids[0]), word(ids[1]), word(ids[2])];
                        evaluate(*prim, args, *elems, *elem)
                    }
                    _ => 0,
                };
                self.values[to + row] = value & all;
            }
        }
    }
}

fn product(a: u128, b: u128, elem: Elem) -> u128 {
    match elem {
        Elem::Bits(_) => a & b,
        _ => a.wrapping_mul(b) & mask(elem),
    }
}

fn scaled(word: u128, by: i128, elem: Elem) -> u128 {
    product(word, coefficient(elem, by), elem)
}

fn subtract(a: u128, b: u128, elem: Elem) -> u128 {
    match elem {
        Elem::Bits(_) => a ^ b,
        _ => a.wrapping_sub(b) & mask(elem),
    }
}

/// An element-wise operation as `Prim` documents it.
pub(crate) fn evaluate(prim: Prim, args: [u128; 3], elems: [Elem; 3], elem: Elem) -> u128 {
    let bits = matches!(elem, Elem::Bits(_));
    let [a, b, c] = args;
    let amount = || {
        let by = signed(b, elems[1]);
        u32::try_from(by).unwrap_or(u32::MAX)
    };
    let m = u32::from(width(elem));
    match prim {
        Prim::Add if bits => a ^ b,
        Prim::Sub if bits => a ^ b,
        Prim::Add => a.wrapping_add(b),
        Prim::Sub => a.wrapping_sub(b),
        Prim::Mul => product(a, b, elem),
        Prim::Neg if bits => a,
        Prim::Neg => a.wrapping_neg(),
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
        Prim::Shr => (signed(a, elem) >> amount().min(127)) as u128,
        Prim::Eq => u128::from(a == b),
        Prim::Lt => match elems[0] {
            Elem::Bits(_) => u128::from(a < b),
            from => u128::from(signed(a, from) < signed(b, from)),
        },
        // Public amounts only; division by zero is an error of the run, which no proof is about.
        Prim::Div => match (signed(a, elem), signed(b, elem)) {
            (_, 0) => 0,
            (x, y) => floor_div(x, y) as u128,
        },
        Prim::Rem => match (signed(a, elem), signed(b, elem)) {
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
            (Elem::Ring(_), Elem::Ring(_)) => signed(a, elems[0]) as u128,
            _ => a,
        },
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
    }
}

fn floor_div(x: i128, y: i128) -> i128 {
    let quotient = x.wrapping_div(y);
    if x.wrapping_rem(y) != 0 && (x < 0) != (y < 0) {
        quotient - 1
    } else {
        quotient
    }
}
