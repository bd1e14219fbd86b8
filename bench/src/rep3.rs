//! Replicated sharing of three, by hand: party i holds components i and i + 1 (Araki, Furukawa,
//! Lindell, Nof, Ohara, CCS 2016). The yardstick of the interpreter; nothing else uses it.

use crate::Failure;
use smpc_ir::local::Prim;
use smpc_ir::party::{CoinDomain, Elem};
use smpc_runtime::bits::even_bits;
use smpc_runtime::channel::{Channel, MemoryChannel, buffer, in_memory, recycle};
use smpc_runtime::kernel::Kernel;
use smpc_runtime::prg::{Seed, Stream};
use smpc_runtime::{Tensor, coin, elementwise, gemm};

/// A party's two components.
pub type Operand = [Tensor; 2];

const RING: Elem = Elem::Ring(64);
const WORD: Elem = Elem::Bits(64);
const BLOCK: usize = 512;

/// A party, its channels, and the streams it shares with either neighbour.
pub struct Party {
    me: usize,
    end: MemoryChannel,
    with_next: Stream,
    with_previous: Stream,
}

/// Three parties with fixed keys.
pub fn parties() -> Vec<Party> {
    let stream = |pair: usize| Stream::new(&Seed::from_bytes([7; 16]).derive(pair as u64));
    let party = |(me, end)| Party {
        me,
        end,
        with_next: stream(me),
        with_previous: stream((me + 2) % 3),
    };
    in_memory(3).into_iter().enumerate().map(party).collect()
}

/// The values behind what three parties hold.
pub fn open(results: &[Operand]) -> Vec<u64> {
    let [a, b, c] = [0, 1, 2].map(|i| words(&results[i][0]));
    let sums = a.iter().zip(b).zip(c);
    sums.map(|((a, b), c)| a.wrapping_add(*b).wrapping_add(*c))
        .collect()
}

/// As [`open`], of bits.
pub fn open_bits(results: &[Operand]) -> Vec<u64> {
    let [a, b, c] = [0, 1, 2].map(|i| as_words(&results[i][0]));
    let sums = a.iter().zip(&b).zip(&c);
    sums.map(|((a, b), c)| a ^ b ^ c).collect()
}

fn words(tensor: &Tensor) -> &[u64] {
    tensor.words().unwrap_or_default()
}

impl Party {
    fn next(&self) -> usize {
        (self.me + 1) % 3
    }

    fn previous(&self) -> usize {
        (self.me + 2) % 3
    }

    /// Sends component i to the party before, and gets component i + 1.
    fn reshare(&mut self, mine: Tensor) -> Result<Operand, Failure> {
        let theirs = self.exchange(&mine)?;
        Ok([mine, theirs])
    }

    fn exchange(&mut self, mine: &Tensor) -> Result<Tensor, Failure> {
        let mut message = buffer(mine.wire_bytes());
        mine.pack(&mut message);
        self.end.send_buffer(self.previous(), message)?;
        let message = self.end.receive(self.next(), mine.wire_bytes())?;
        let theirs = Tensor::unpack(mine.elem(), mine.shape(), &message)?;
        recycle(message);
        Ok(theirs)
    }

    fn reserve(&mut self, n: usize) -> Result<(u64, u64), Failure> {
        let mine = self.with_next.reserve(n as u64).ok_or("no coins")?;
        let theirs = self.with_previous.reserve(n as u64).ok_or("no coins")?;
        Ok((mine, theirs))
    }

    /// Calls `f` on each block's range and its masks, coins with the next less those with the previous.
    fn masks(
        &mut self,
        n: usize,
        mut f: impl FnMut(std::ops::Range<usize>, &[u64], &[u64]),
    ) -> Result<(), Failure> {
        let (mine, theirs) = self.reserve(n)?;
        let (mut r, mut s) = ([0u64; BLOCK], [0u64; BLOCK]);
        for first in (0..n).step_by(BLOCK) {
            let length = BLOCK.min(n - first);
            self.with_next
                .fill(mine + first as u64 / 2, &mut r[..length]);
            self.with_previous
                .fill(theirs + first as u64 / 2, &mut s[..length]);
            f(first..first + length, &r[..length], &s[..length]);
        }
        Ok(())
    }

    /// Products modulo 2^64.
    pub fn mul(&mut self, x: &Operand, y: &Operand) -> Result<Operand, Failure> {
        let [x0, x1, y0, y1] = [&x[0], &x[1], &y[0], &y[1]].map(words);
        let mut z = Tensor::zeros(RING, x[0].shape())?;
        let out = z.words_mut().unwrap_or_default();
        self.masks(x0.len(), |range, r, s| {
            let x = x0[range.clone()].iter().zip(&x1[range.clone()]);
            let y = y0[range.clone()].iter().zip(&y1[range.clone()]);
            let all = out[range].iter_mut().zip(x.zip(y)).zip(r.iter().zip(s));
            for ((z, ((x0, x1), (y0, y1))), (r, s)) in all {
                *z = x0
                    .wrapping_mul(y0.wrapping_add(*y1))
                    .wrapping_add(x1.wrapping_mul(*y0))
                    .wrapping_add(*r)
                    .wrapping_sub(*s);
            }
        })?;
        self.reshare(z)
    }

    /// As [`Party::mul`], the local part done by a kernel on tensors, as an interpreter does it.
    pub fn mul_by_kernel(
        &mut self,
        kernel: &Kernel,
        x: &Operand,
        y: &Operand,
    ) -> Result<Operand, Failure> {
        let n = x[0].elements();
        let (mine, theirs) = self.reserve(n)?;
        let coins = [(&self.with_next, mine), (&self.with_previous, theirs)];
        let args = [&x[0], &x[1], &y[0], &y[1]];
        let z = kernel
            .run(&[n], &args, &coins)?
            .pop()
            .ok_or("a kernel without results")?;
        self.reshare(z)
    }

    /// As [`Party::mul`], every operation a pass of its own.
    pub fn mul_by_operations(&mut self, x: &Operand, y: &Operand) -> Result<Operand, Failure> {
        let n = x[0].elements();
        let apply = |prim, a: &Tensor, b: &Tensor| elementwise::apply(prim, &[a, b], RING, &[n]);
        let mine = coin::draw(&CoinDomain::Uniform, RING, &[n], &mut self.with_next)?;
        let theirs = coin::draw(&CoinDomain::Uniform, RING, &[n], &mut self.with_previous)?;
        let mut sum = apply(Prim::Mul, &x[0], &y[0])?;
        sum = apply(Prim::Add, &sum, &apply(Prim::Mul, &x[0], &y[1])?)?;
        sum = apply(Prim::Add, &sum, &apply(Prim::Mul, &x[1], &y[0])?)?;
        sum = apply(Prim::Sub, &apply(Prim::Add, &sum, &mine)?, &theirs)?;
        self.reshare(sum)
    }

    /// The product of square matrices: two local products, one element of traffic per entry.
    pub fn matrix(&mut self, side: usize, x: &Operand, y: &Operand) -> Result<Operand, Failure> {
        let [x0, x1, y0, y1] = [&x[0], &x[1], &y[0], &y[1]].map(words);
        let sum: Vec<u64> = y0.iter().zip(y1).map(|(a, b)| a.wrapping_add(*b)).collect();
        let mut product = Tensor::zeros(RING, x[0].shape())?;
        let z = product.words_mut().unwrap_or_default();
        gemm::multiply_add(side, side, side, x0, &sum, z);
        gemm::multiply_add(side, side, side, x1, y0, z);
        self.masks(side * side, |range, r, s| {
            for ((z, r), s) in z[range].iter_mut().zip(r).zip(s) {
                *z = z.wrapping_add(*r).wrapping_sub(*s);
            }
        })?;
        self.reshare(product)
    }

    /// Coins with the next party and with the one before, one element to a word.
    fn bit_masks(&mut self, width: u8, n: usize) -> Result<Operand, Failure> {
        let mine = self.bit_coins(width, n, true)?;
        Ok([mine, self.bit_coins(width, n, false)?])
    }

    fn bit_coins(&mut self, width: u8, n: usize, next: bool) -> Result<Tensor, Failure> {
        let stream = if next {
            &mut self.with_next
        } else {
            &mut self.with_previous
        };
        in_words(coin::draw(
            &CoinDomain::Uniform,
            Elem::Bits(width),
            &[n],
            stream,
        )?)
    }

    /// Sends two lists of `width` bits in one message to the party before; gets the next party's.
    fn exchange_bits(&mut self, width: u8, parts: [&Tensor; 2]) -> Result<Operand, Failure> {
        let (elem, shape) = (Elem::Bits(width), parts[0].shape());
        let narrow = |t: &Tensor| elementwise::apply(Prim::Cast, &[t], elem, shape);
        let narrowed = [narrow(parts[0])?, narrow(parts[1])?];
        let each = narrowed[0].wire_bytes();
        let mut message = buffer(2 * each);
        narrowed.iter().for_each(|t| t.pack(&mut message));
        self.end.send_buffer(self.previous(), message)?;
        let message = self.end.receive(self.next(), 2 * each)?;
        let read = |bytes: &[u8]| in_words(Tensor::unpack(elem, shape, bytes)?);
        let theirs = [read(&message[..each])?, read(&message[each..])?];
        recycle(message);
        Ok(theirs)
    }

    /// x < y as a bit: the carry of the sum of two summands of x - y by a binary tree of products, in 2 + log2(64) rounds.
    pub fn less_than(&mut self, x: &Operand, y: &Operand) -> Result<Operand, Failure> {
        let n = x[0].elements();
        let difference = |i: usize| combined([&x[i], &y[i]], |[x, y]| x.wrapping_sub(y));
        let zeros = || Tensor::zeros(WORD, &[n]);
        // Party 0 shares the bits of the first two components; parties 1 and 2 know the third.
        let (u, w): (Operand, Operand) = match self.me {
            0 => {
                let coin = self.bit_coins(64, n, false)?;
                let all = [&x[0], &y[0], &x[1], &y[1], &coin];
                let masked = combined(all, |[x0, y0, x1, y1, r]| {
                    x0.wrapping_sub(y0).wrapping_add(x1).wrapping_sub(y1) ^ r
                })?;
                let mut message = buffer(masked.wire_bytes());
                masked.pack(&mut message);
                self.end.send_buffer(1, message)?;
                ([coin, masked], [zeros()?, zeros()?])
            }
            1 => {
                let message = self.end.receive(0, 8 * n)?;
                let masked = Tensor::unpack(WORD, &[n], &message)?;
                recycle(message);
                ([masked, zeros()?], [zeros()?, difference(1)?])
            }
            _ => (
                [zeros()?, self.bit_coins(64, n, true)?],
                [difference(0)?, zeros()?],
            ),
        };
        let [r, s] = self.bit_masks(64, n)?;
        let mine = combined(
            [&u[0], &u[1], &w[0], &w[1], &r, &s],
            |[x0, x1, y0, y1, r, s]| x0 & (y0 ^ y1) ^ x1 & y0 ^ r ^ s,
        )?;
        let mut g = self.reshare(mine)?;
        let propagate = |i: usize| combined([&u[i], &w[i]], |[a, b]| a ^ b);
        let mut p = [propagate(0)?, propagate(1)?];
        let top = [p[0].clone(), p[1].clone()];
        let mut count = 63u8;
        while count > 1 {
            let (pairs, odd) = (count / 2, count % 2 == 1);
            let mask = (1u64 << pairs) - 1;
            let half = |v: u64, shift: u32| even_bits(v >> shift) & mask;
            // One pass for both products: the high p with the low g, and with the low p.
            let with_low = |low: &Operand, [r, s]: &Operand| {
                let all = [&p[0], &p[1], &low[0], &low[1], r, s];
                combined(all, |[p0, p1, y0, y1, r, s]| {
                    half(p0, 1) & half(y0 ^ y1, 0) ^ half(p1, 1) & half(y0, 0) ^ r ^ s
                })
            };
            let carry = with_low(&g, &self.bit_masks(pairs, n)?)?;
            let both = with_low(&p, &self.bit_masks(pairs, n)?)?;
            let [carry_next, both_next] = self.exchange_bits(pairs, [&carry, &both])?;
            let kept = |v: u64| {
                if odd {
                    (v >> (count - 1) & 1) << pairs
                } else {
                    0
                }
            };
            let sum = |c: &Tensor, g: &Tensor| combined([c, g], |[c, g]| c ^ half(g, 1) | kept(g));
            g = [sum(&carry, &g[0])?, sum(&carry_next, &g[1])?];
            let product = |b: &Tensor, p: &Tensor| combined([b, p], |[b, p]| b | kept(p));
            p = [product(&both, &p[0])?, product(&both_next, &p[1])?];
            count = count.div_ceil(2);
        }
        let bit = |i: usize| {
            let sum = combined([&g[i], &top[i]], |[c, t]| c ^ t >> 63)?;
            Ok::<_, Failure>(elementwise::apply(
                Prim::Cast,
                &[&sum],
                Elem::Bits(1),
                &[n],
            )?)
        };
        Ok([bit(0)?, bit(1)?])
    }
}

/// One pass over several tensors of whole words.
#[inline(always)]
fn combined<const N: usize>(
    args: [&Tensor; N],
    f: impl Fn([u64; N]) -> u64,
) -> Result<Tensor, Failure> {
    let mut result = Tensor::zeros(WORD, args[0].shape())?;
    let out = result.words_mut().unwrap_or_default();
    // Slices of one length, so that no index is checked in the loop.
    let slices = args.map(|arg| &words(arg)[..out.len()]);
    for i in 0..out.len() {
        out[i] = f(std::array::from_fn(|j| slices[j][i]));
    }
    Ok(result)
}

/// Bits of any width, one element to a word.
fn in_words(bits: Tensor) -> Result<Tensor, Failure> {
    Ok(elementwise::apply(
        Prim::Cast,
        &[&bits],
        WORD,
        bits.shape(),
    )?)
}

fn as_words(tensor: &Tensor) -> Vec<u64> {
    match tensor.words() {
        Some(words) => words.to_vec(),
        None => tensor.to_i128s().iter().map(|v| *v as u64).collect(),
    }
}
