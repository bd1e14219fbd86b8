//! Fused element-wise kernels: several operations on tensors with one number of elements, done in
//! one pass over memory, a block at a time that stays in the first cache.
//!
//! A [`Builder`] takes the operations in order and compiles a [`Kernel`] once; [`Kernel::run`]
//! applies it to tensors. Elements have at most 64 bits; widths may be mixed. Coins are filled
//! block by block from ranges their streams reserved before, so that a kernel draws what
//! [`crate::coin::draw`] draws.
//!
//! ```
//! use smpc_ir::{local::Prim, party::Elem};
//! use smpc_runtime::{Tensor, kernel::Builder, prg::{Seed, Stream}};
//!
//! let ring = Elem::Ring(64);
//! let mut builder = Builder::default();
//! let (x, y) = (builder.input(ring).unwrap(), builder.input(ring).unwrap());
//! let product = builder.prim(Prim::Mul, &[x, y], ring).unwrap();
//! let coin = builder.coin(ring).unwrap();
//! let masked = builder.prim(Prim::Add, &[product, coin], ring).unwrap();
//! builder.output(masked).unwrap();
//! let kernel = builder.build();
//!
//! let a = Tensor::constant(ring, &[5], 3).unwrap();
//! let mut stream = Stream::new(&Seed::from_bytes([0; 16]));
//! let start = stream.reserve(kernel.coin_words(0, 5)).unwrap();
//! let results = kernel.run(&[5], &[&a, &a], &[(&stream, start)]).unwrap();
//! assert_eq!(results.len(), 1);
//! ```

mod block;
mod builder;
#[cfg(test)]
mod tests;

use crate::LocalError;
use crate::memory::reservable;
use crate::pool;
use crate::prg::Stream;
use crate::tensor::{Data, Tensor, clear_tail, count, mask};
use block::Source;
use rayon::prelude::*;
use smpc_ir::party::Elem;

/// Elements of a block: 4 KiB a register. A multiple of 128, so that coins start at whole blocks of
/// their streams and packed bits at whole words.
const BLOCK: usize = 512;
/// Kernels on fewer elements run on the caller's thread alone.
const PARALLEL: usize = 1 << 16;

/// A value of a kernel under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

/// Where a value is while the kernel runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Input(u32),
    Scalar(u32),
    Constant(u64),
    Register(u32),
    Output(u32),
    /// Computed by an instruction; registers are assigned when the kernel is built.
    Pending(u32),
}

/// What an instruction does to a block. Words are masked to the result's width; on packed bits the
/// mask is all ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Add,
    Sub,
    Mul,
    /// a·b + c.
    MulAdd,
    Neg,
    Xor,
    And,
    Shl(u8),
    /// Arithmetic, of so many bits.
    Shr(u8),
    ShrLogical(u8),
    /// Words to a packed bit.
    Eq,
    /// Words to a packed bit, after flipping these bits.
    Lt(u64),
    EqPacked,
    LtPacked,
    Select,
    SelectPacked,
    /// The low bits.
    Copy,
    /// Sign extension from so many bits.
    Extend(u8),
    /// Packed bits to words.
    Widen,
    /// One bit of each word, packed.
    Bit(u8),
    Bits {
        start: u8,
        step: i8,
    },
    /// Coins of packed or whole words, or of so many bits each.
    Coin {
        index: u32,
        width: Option<u8>,
    },
}

#[derive(Clone, Debug)]
struct Instruction {
    code: Code,
    args: [Place; 3],
    out: Place,
    mask: u64,
    packed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Info {
    elem: Elem,
    place: Place,
}

/// Takes a kernel's operations in order.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    slots: Vec<Info>,
    instructions: Vec<Instruction>,
    inputs: Vec<Elem>,
    scalars: Vec<Elem>,
    coins: Vec<Elem>,
    outputs: Vec<(u32, Elem)>,
}

fn is_packed(elem: Elem) -> bool {
    elem == Elem::Bits(1)
}

fn fits(elem: Elem) -> bool {
    matches!(elem, Elem::Ring(1..=64) | Elem::Bits(1..=64))
}

/// A block of a coin's words, from element `first` on, a multiple of 128: packed bits, or one element
/// to a word. `place` is the coin's stream and where its range starts; `scratch` has as many words
/// as `out`.
pub(crate) fn fill_coin(
    (stream, start): (&Stream, u64),
    elem: Elem,
    packed: bool,
    first: usize,
    scratch: &mut [u64],
    out: &mut [u64],
) {
    let (width, keep) = match elem {
        Elem::Bits(1) if packed => (None, u64::MAX),
        Elem::Bits(m @ 1..64) => (Some(m), mask(m)),
        other => (None, mask(other.wire_bits())),
    };
    block::coin(stream, start, first, (width, packed), keep, scratch, out);
}

const NOWHERE: Place = Place::Constant(0);

/// Compiled operations.
#[derive(Clone, Debug)]
pub struct Kernel {
    code: Vec<Instruction>,
    registers: usize,
    inputs: Vec<Elem>,
    scalars: Vec<Elem>,
    coins: Vec<Elem>,
    outputs: Vec<(Elem, Option<usize>)>,
}

/// What all blocks of a run share.
struct Run<'a> {
    inputs: Vec<&'a [u64]>,
    packed: Vec<bool>,
    scalars: Vec<u64>,
    coins: &'a [(&'a Stream, u64)],
}

impl Kernel {
    /// Words to reserve for a coin, for `n` elements.
    pub fn coin_words(&self, coin: usize, n: usize) -> u64 {
        match self.coins.get(coin) {
            Some(Elem::Bits(m)) => (n as u64 * u64::from(*m)).div_ceil(64),
            _ => n as u64,
        }
    }

    /// How many coins it draws.
    pub fn coins(&self) -> usize {
        self.coins.len()
    }

    /// The outputs, in order, in this shape. `args` are the inputs, each with the shape's number of
    /// elements, then the scalars; `coins` are streams with the positions reserved on them.
    ///
    /// # Errors
    /// Arguments that do not fit the kernel, or a shift by a negative amount.
    pub fn run(
        &self,
        shape: &[usize],
        args: &[&Tensor],
        coins: &[(&Stream, u64)],
    ) -> Result<Vec<Tensor>, LocalError> {
        let n = count(shape)?;
        let mismatch = LocalError::Mismatch("arguments of a kernel");
        if args.len() != self.inputs.len() + self.scalars.len() || coins.len() != self.coins.len() {
            return Err(mismatch);
        }
        let (tensors, singles) = args.split_at(self.inputs.len());
        let mut run = Run {
            inputs: Vec::with_capacity(tensors.len()),
            packed: self.inputs.iter().map(|e| is_packed(*e)).collect(),
            scalars: Vec::with_capacity(singles.len()),
            coins,
        };
        for (tensor, elem) in tensors.iter().zip(&self.inputs) {
            match tensor.data() {
                Data::Words(words) | Data::Packed(words)
                    if tensor.elem() == *elem && tensor.elements() == n =>
                {
                    run.inputs.push(words);
                }
                _ => return Err(mismatch),
            }
        }
        for (tensor, elem) in singles.iter().zip(&self.scalars) {
            if tensor.elem() != *elem || tensor.elements() != 1 {
                return Err(mismatch);
            }
            let word = tensor.raw_at(0) as u64;
            run.scalars.push(if is_packed(*elem) {
                word.wrapping_neg()
            } else {
                word
            });
        }
        self.check_shifts(&run)?;
        reservable(8 * n * self.outputs.len())?;
        let mut outputs: Vec<Vec<u64>> = self
            .outputs
            .iter()
            .map(|(elem, _)| pool::dirty(if is_packed(*elem) { n.div_ceil(64) } else { n }))
            .collect();
        self.sweep(n, &run, &mut outputs);
        let copies: Vec<(usize, usize)> = self
            .outputs
            .iter()
            .enumerate()
            .filter_map(|(to, (_, from))| from.map(|from| (from, to)))
            .collect();
        for (from, to) in copies {
            outputs[to] = outputs[from].clone();
        }
        let results = outputs.into_iter().zip(&self.outputs);
        Ok(results
            .map(|(mut words, (elem, _))| {
                let data = if is_packed(*elem) {
                    clear_tail(&mut words, n);
                    Data::Packed(words)
                } else {
                    Data::Words(words)
                };
                Tensor::raw(*elem, shape, data)
            })
            .collect())
    }

    /// Shift amounts are scalars; read as signed, none is negative.
    fn check_shifts(&self, run: &Run) -> Result<(), LocalError> {
        for instruction in &self.code {
            if let (Code::Shl(_) | Code::Shr(_) | Code::ShrLogical(_), Place::Scalar(i)) =
                (instruction.code, instruction.args[1])
                && let Elem::Ring(k) = self.scalars[i as usize]
                && run.scalars[i as usize] >> (k - 1) == 1
            {
                return Err(LocalError::NegativeShift);
            }
        }
        Ok(())
    }

    /// All blocks, large runs in one contiguous part per thread.
    fn sweep(&self, n: usize, run: &Run, outputs: &mut [Vec<u64>]) {
        let threads = if n < PARALLEL {
            1
        } else {
            rayon::current_num_threads()
        };
        if threads <= 1 {
            let slices = outputs.iter_mut().map(|v| &mut v[..]).collect();
            return self.part(0, n, run, slices);
        }
        let part = n.div_ceil(threads).next_multiple_of(BLOCK);
        let mut rest: Vec<&mut [u64]> = outputs.iter_mut().map(|v| &mut v[..]).collect();
        let mut jobs = Vec::new();
        for first in (0..n).step_by(part) {
            let length = part.min(n - first);
            let mut slices = Vec::with_capacity(rest.len());
            for (slice, (elem, _)) in rest.iter_mut().zip(&self.outputs) {
                let words = if is_packed(*elem) {
                    length.div_ceil(64)
                } else {
                    length
                };
                let (head, tail) = std::mem::take(slice).split_at_mut(words);
                slices.push(head);
                *slice = tail;
            }
            jobs.push((first, length, slices));
        }
        jobs.into_par_iter()
            .for_each(|(first, length, slices)| self.part(first, length, run, slices));
    }

    /// The blocks of `length` elements from `first`; `outputs` start there.
    fn part(&self, first: usize, length: usize, run: &Run, mut outputs: Vec<&mut [u64]>) {
        let mut registers: Vec<Vec<u64>> = (0..self.registers).map(|_| vec![0; BLOCK]).collect();
        let mut scratch = vec![0u64; BLOCK];
        let execute = block::select();
        for start in (0..length).step_by(BLOCK) {
            let n = BLOCK.min(length - start);
            let range = |packed: bool, from: usize| {
                if packed {
                    from / 64..from / 64 + n.div_ceil(64)
                } else {
                    from..from + n
                }
            };
            for instruction in &self.code {
                let place = range(instruction.packed, start);
                // The result is taken out while the arguments are read.
                let (mut register, mut output) = (Vec::new(), Default::default());
                let out: &mut [u64] = match instruction.out {
                    Place::Register(r) => {
                        register = std::mem::take(&mut registers[r as usize]);
                        &mut register[..place.len()]
                    }
                    Place::Output(o) => {
                        output = std::mem::take(&mut outputs[o as usize]);
                        &mut output[place]
                    }
                    _ => continue,
                };
                if let Code::Coin { index, width } = instruction.code {
                    let (stream, reserved) = run.coins[index as usize];
                    block::coin(
                        stream,
                        reserved,
                        first + start,
                        (width, instruction.packed),
                        instruction.mask,
                        &mut scratch,
                        out,
                    );
                } else {
                    let source = |place: Place| match place {
                        Place::Input(i) => {
                            let i = i as usize;
                            Source::Block(&run.inputs[i][range(run.packed[i], first + start)])
                        }
                        Place::Scalar(i) => Source::All(run.scalars[i as usize]),
                        Place::Constant(word) => Source::All(word),
                        Place::Register(r) => Source::Block(&registers[r as usize]),
                        // Output blocks are read back where an instruction wrote them.
                        Place::Output(o) => {
                            let packed = is_packed(self.outputs[o as usize].0);
                            Source::Block(&outputs[o as usize][range(packed, start)])
                        }
                        Place::Pending(_) => Source::All(0),
                    };
                    execute(
                        instruction.code,
                        instruction.mask,
                        instruction.args.map(source),
                        out,
                    );
                }
                match instruction.out {
                    Place::Register(r) => registers[r as usize] = register,
                    Place::Output(o) => outputs[o as usize] = output,
                    _ => {}
                }
            }
        }
    }
}
