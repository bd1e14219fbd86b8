//! Steps of a flat protocol as operations on words, and how they are carried out.

use super::Choice;
use super::choice::Random;
use crate::element::{add, inverse, literal, mask, mul, neg, order, reduce, signed, sub, width};
use crate::problem::{Malformed, operand_ids};
use smpc_ir::flat::{Flat, FlatOp, Kind};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{CoinDomain, Elem};
use smpc_ir::size::floored;
use std::cell::Cell;

/// One element drawn from a domain.
pub(crate) fn coin(domain: &CoinDomain, elem: Elem, choice: &mut dyn Choice) -> u128 {
    match domain {
        CoinDomain::Below(bound) => reduce(elem, choice.below(*bound)),
        CoinDomain::Nonzero => choice.below(order(elem).wrapping_sub(1)) + 1,
        _ => choice.below(order(elem)),
    }
}

/// What a step does; operands are slots.
#[derive(Clone, Debug)]
enum Code {
    Coin(CoinDomain),
    Permutation,
    Copy(u32),
    Mul(u32, u32),
    Prim(Prim, [u32; 3], [Elem; 3]),
    Gather(u32, u32),
    Inverse(u32),
    Sum(u32),
    /// A word that differs for different operands, but for rare collisions; whether it is the same
    /// in all rows.
    Digest(Vec<u32>),
    Key(usize),
}

/// A step, with the slot and the element type of its result.
#[derive(Clone, Debug)]
pub(super) struct Step {
    code: Code,
    to: u32,
    elem: Elem,
    scalar: bool,
}

/// The steps of a protocol that are carried out.
pub(super) struct Compiled {
    pub code: Vec<Step>,
    /// For each value its slot.
    pub slots: Vec<u32>,
    pub slots_in_all: usize,
    pub constants: Vec<(u32, u128)>,
    /// For each step of the protocol whether it is carried out.
    pub carried_out: Vec<bool>,
}

/// Steps on which results depend; all of them.
fn needed(flat: &Flat, results: bool) -> Vec<bool> {
    if !results {
        return vec![true; flat.steps.len()];
    }
    let mut values = vec![false; flat.values.len()];
    for id in flat.results.iter().flat_map(operand_ids) {
        values[*id as usize] = true;
    }
    let mut steps = vec![false; flat.steps.len()];
    for (at, step) in flat.steps.iter().enumerate().rev() {
        if values[step.result as usize] {
            steps[at] = true;
            for arg in &step.args {
                values[*arg as usize] = true;
            }
        }
    }
    steps
}

/// The value that a step only repeats.
fn repeated(step: &smpc_ir::flat::FlatStep) -> Option<u32> {
    match step.op {
        FlatOp::Send { .. } | FlatOp::Local(Local::Broadcast) => step.args.first().copied(),
        // Nobody deviates: what is compared is equal.
        FlatOp::Check { .. } => step.args.first().copied(),
        _ => None,
    }
}

/// Compiles a protocol; if only its results are asked for, without what they do not depend on, and with
/// slots used again.
pub(super) fn compile(flat: &Flat, results: bool) -> Result<Compiled, Malformed> {
    let carried_out = needed(flat, results);
    // Values that are the same have one slot.
    let mut root: Vec<u32> = (0..flat.values.len() as u32).collect();
    if results {
        for (step, _) in flat.steps.iter().zip(&carried_out).filter(|(_, out)| **out) {
            if let Some(from) = repeated(step) {
                root[step.result as usize] = root[from as usize];
            }
        }
    }
    let constant = |step: &smpc_ir::flat::FlatStep| match step.op {
        FlatOp::Local(Local::Constant(c)) => {
            Some(literal(flat.values[step.result as usize].elem, c))
        }
        FlatOp::Assert { .. } => Some(0),
        _ => None,
    };
    // The last step that reads a slot; parameters, results and constants stay.
    let forever = usize::MAX;
    let mut last: Vec<usize> = vec![0; flat.values.len()];
    for id in flat
        .params
        .iter()
        .chain(&flat.results)
        .flat_map(operand_ids)
    {
        last[root[*id as usize] as usize] = forever;
    }
    for (at, step) in flat.steps.iter().enumerate() {
        if !results || constant(step).is_some() {
            last[root[step.result as usize] as usize] = forever;
        }
        for arg in step.args.iter().filter(|_| carried_out[at]) {
            let last = &mut last[root[*arg as usize] as usize];
            *last = (*last).max(at);
        }
    }
    let none = u32::MAX;
    let mut slots = vec![none; flat.values.len()];
    let (mut free, mut count) = (Vec::new(), 0u32);
    let mut take = |free: &mut Vec<u32>| {
        free.pop().unwrap_or_else(|| {
            count += 1;
            count - 1
        })
    };
    for id in flat.params.iter().flat_map(operand_ids) {
        if slots[*id as usize] == none {
            slots[*id as usize] = take(&mut free);
        }
    }
    // Constants are written once, before all runs.
    let (mut code, mut constants) = (Vec::new(), Vec::new());
    for (step, _) in flat.steps.iter().zip(&carried_out).filter(|(_, out)| **out) {
        if let Some(word) = constant(step) {
            slots[step.result as usize] = take(&mut free);
            constants.push((slots[step.result as usize], word));
        }
    }
    for (at, step) in flat
        .steps
        .iter()
        .enumerate()
        .filter(|(at, _)| carried_out[*at])
    {
        let own = root[step.result as usize] as usize;
        let info = &flat.values[step.result as usize];
        if constant(step).is_some() {
            continue;
        }
        if own != step.result as usize {
            slots[step.result as usize] = slots[own];
        } else {
            let to = take(&mut free);
            slots[own] = to;
            code.push(Step {
                code: operation(flat, step, &slots)?,
                to,
                elem: info.elem,
                scalar: info.kind == Kind::Scalar,
            });
            // What nobody reads.
            if last[own] < at {
                free.push(to);
            }
        }
        for (position, arg) in step.args.iter().enumerate() {
            let own = root[*arg as usize];
            let again = step.args[..position].iter();
            if last[own as usize] == at && !again.clone().any(|a| root[*a as usize] == own) {
                free.push(slots[own as usize]);
            }
        }
    }
    // What is not carried out has a slot that nobody reads.
    for slot in &mut slots {
        if *slot == none {
            *slot = 0;
        }
    }
    Ok(Compiled {
        code,
        slots,
        slots_in_all: (count as usize).max(1),
        constants,
        carried_out,
    })
}

fn operation(
    flat: &Flat,
    step: &smpc_ir::flat::FlatStep,
    slots: &[u32],
) -> Result<Code, Malformed> {
    let arg = |at: usize| slots[step.args[at] as usize];
    let elem = flat.values[step.result as usize].elem;
    Ok(match &step.op {
        FlatOp::Coin(CoinDomain::Permutation) => Code::Permutation,
        FlatOp::Coin(domain) => Code::Coin(domain.clone()),
        FlatOp::Send { .. } | FlatOp::Local(Local::Broadcast) => Code::Copy(arg(0)),
        FlatOp::Bilinear => Code::Mul(arg(0), arg(1)),
        FlatOp::Local(Local::Gather) => Code::Gather(arg(0), arg(1)),
        FlatOp::Local(Local::InversePermutation) => Code::Inverse(arg(0)),
        FlatOp::Local(Local::Sum { .. }) => Code::Sum(arg(0)),
        FlatOp::Local(Local::Prim(prim)) => {
            let mut args = [0; 3];
            let mut elems = [elem; 3];
            for (at, &id) in step.args.iter().enumerate() {
                args[at] = slots[id as usize];
                elems[at] = flat.values[id as usize].elem;
            }
            Code::Prim(*prim, args, elems)
        }
        FlatOp::Check { .. } => Code::Copy(arg(0)),
        FlatOp::Key(key) => Code::Key(*key as usize),
        FlatOp::Local(Local::Digest | Local::Expand) => {
            Code::Digest((0..step.args.len()).map(arg).collect())
        }
        FlatOp::Assert { .. } | FlatOp::Local(_) => {
            let text = "an operation that protocols do not have";
            return Err(Malformed(text.to_owned()));
        }
    })
}

type Words<'w> = &'w [Cell<u128>];

/// An operation on the words of one operand.
fn unary(to: Words, a: Words, f: impl Fn(u128) -> u128) {
    for (to, a) in to.iter().zip(a) {
        to.set(f(a.get()));
    }
}

/// An operation on the words of two operands.
fn binary(to: Words, a: Words, b: Words, f: impl Fn(u128, u128) -> u128) {
    for ((to, a), b) in to.iter().zip(a).zip(b) {
        to.set(f(a.get(), b.get()));
    }
}

/// Sums, differences and products, the element type told apart once for all words.
fn arithmetic(prim: Prim, elem: Elem, to: Words, a: Words, b: Words) {
    let all = mask(elem);
    match (prim, elem) {
        (Prim::Add | Prim::Sub, Elem::Bits(_)) => binary(to, a, b, |a, b| a ^ b),
        (Prim::Mul, Elem::Bits(_)) => binary(to, a, b, |a, b| a & b),
        (Prim::Add, Elem::Field(p)) => binary(to, a, b, |a, b| p.add(a, b)),
        (Prim::Sub, Elem::Field(p)) => binary(to, a, b, |a, b| p.sub(a, b)),
        (_, Elem::Field(p)) => match u64::try_from(p.modulus()) {
            // The products of residues below 2^32 are words of 64 bits.
            Ok(p) if p >> 32 == 0 => {
                binary(to, a, b, |a, b| u128::from(a as u64 * b as u64 % p));
            }
            _ => binary(to, a, b, |a, b| p.mul(a, b)),
        },
        (Prim::Add, _) => binary(to, a, b, |a, b| a.wrapping_add(b) & all),
        (Prim::Sub, _) => binary(to, a, b, |a, b| a.wrapping_sub(b) & all),
        _ => binary(to, a, b, |a, b| a.wrapping_mul(b) & all),
    }
}

impl Step {
    /// Carries the step out. Keys are those of a lane together, so many of each.
    pub fn run(
        &self,
        values: &mut [u128],
        rows: usize,
        lanes: usize,
        (keys, each): (&[u128], usize),
        choice: &mut dyn Choice,
    ) {
        let (cells, elem) = (rows * lanes, self.elem);
        let values = Cell::from_mut(values).as_slice_of_cells();
        let at = |slot: u32| &values[slot as usize * cells..(slot as usize + 1) * cells];
        let to = at(self.to);
        match &self.code {
            Code::Permutation => {
                for lane in 0..lanes {
                    let swap = choice.below(2) as usize;
                    for row in 0..rows {
                        let image = row ^ if rows == 2 { swap } else { 0 };
                        to[row * lanes + lane].set(image as u128);
                    }
                }
            }
            Code::Coin(domain) => {
                // A scalar coin is one draw for all rows.
                let drawn = if self.scalar { lanes } else { cells };
                for cell in &to[..drawn] {
                    cell.set(coin(domain, elem, choice));
                }
                for cell in drawn..cells {
                    to[cell].set(to[cell % lanes].get());
                }
            }
            Code::Gather(a, order) => {
                let (a, order) = (at(*a), at(*order));
                for cell in 0..cells {
                    let row = order[cell].get() as usize % rows;
                    to[cell].set(a[row * lanes + cell % lanes].get());
                }
            }
            Code::Inverse(a) => {
                let a = at(*a);
                for cell in 0..cells {
                    let row = a[cell].get() as usize % rows;
                    to[row * lanes + cell % lanes].set((cell / lanes) as u128);
                }
            }
            Code::Sum(a) => {
                let a = at(*a);
                for (cell, to) in to.iter().enumerate().take(cells) {
                    let parts = (0..rows).map(|row| a[row * lanes + cell % lanes].get());
                    to.set(parts.fold(0, |sum, word| add(elem, sum, word)));
                }
            }
            Code::Digest(args) => {
                for (cell, to) in to.iter().enumerate().take(cells) {
                    let row = if self.scalar {
                        0
                    } else {
                        (cell / lanes) as u64
                    };
                    let mut state = Random(0x9e37 + row);
                    for arg in args {
                        let word = at(*arg)[cell].get();
                        for half in [word as u64, (word >> 64) as u64] {
                            state = Random(state.word() ^ half);
                        }
                    }
                    to.set(reduce(elem, state.below(order(elem))));
                }
            }
            Code::Key(key) => {
                for cell in 0..cells {
                    to[cell].set(keys[cell % lanes * each + key]);
                }
            }
            Code::Copy(a) => unary(to, at(*a), |a| a),
            Code::Mul(a, b) => arithmetic(Prim::Mul, elem, to, at(*a), at(*b)),
            Code::Prim(prim @ (Prim::Add | Prim::Sub | Prim::Mul), [a, b, _], _) => {
                arithmetic(*prim, elem, to, at(*a), at(*b));
            }
            Code::Prim(Prim::BitSlice { start, step: 1 }, [a, ..], [from, ..]) => {
                let (start, from, all) = (u32::from(*start), mask(*from), mask(elem));
                unary(to, at(*a), |a| {
                    (a & from).checked_shr(start).unwrap_or(0) & all
                });
            }
            Code::Prim(prim, ids, elems) => {
                let args = ids.map(at);
                for cell in 0..cells {
                    let args = args.map(|arg| arg[cell].get());
                    to[cell].set(evaluate(*prim, args, *elems, elem));
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
            (x, y) => floored(x, y).map_or(x, |(quotient, _)| quotient) as u128,
        },
        Prim::Rem => match (signed(elem, a), signed(elem, b)) {
            (_, 0) => 0,
            (x, y) => floored(x, y).map_or(0, |(_, rest)| rest) as u128,
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
        Prim::BitSlice { start, step: 2 } => {
            even_bits((a & mask(elems[0])).checked_shr(start.into()).unwrap_or(0))
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

/// Every other bit, from bit 0 on: pairs are moved together, then fours, and so on.
fn even_bits(word: u128) -> u128 {
    let mut bits = word;
    for step in 0..7u32 {
        // Groups of 2^step bits, each with as many between them and the next: 2^128 - 1 over 2^(2^step) + 1.
        let groups = u128::MAX / ((1 << (1u32 << step)) + 1);
        bits = match step {
            0 => bits & groups,
            _ => (bits | bits >> (1 << (step - 1))) & groups,
        };
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_bit_is_that_of_a_loop() {
        let mut random = Random(5);
        for _ in 0..200 {
            let word = random.below(0);
            let slow = (0..64).fold(0, |out, i| out | (word >> (2 * i) & 1) << i);
            assert_eq!(even_bits(word), slow);
        }
    }
}
