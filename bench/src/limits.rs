//! What the machine does without any protocol.

use crate::measure::timed;
use crate::{PRODUCTS, SIDE, row, words};
use smpc_runtime::gemm;
use smpc_runtime::prg::{Seed, Stream};
use std::hint::black_box;

/// `c += a · b` modulo 2^64 in three loops, for the instructions this machine has.
pub fn plain_product(side: usize, a: &[u64], b: &[u64], c: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions the function is built for.
            return unsafe { plain_avx2(side, a, b, c) };
        }
    }
    loops(side, a, b, c);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn plain_avx2(side: usize, a: &[u64], b: &[u64], c: &mut [u64]) {
    loops(side, a, b, c);
}

#[inline(always)]
fn loops(side: usize, a: &[u64], b: &[u64], c: &mut [u64]) {
    for i in 0..side {
        for p in 0..side {
            let factor = a[i * side + p];
            for (out, word) in c[i * side..][..side].iter_mut().zip(&b[p * side..][..side]) {
                *out = out.wrapping_add(factor.wrapping_mul(*word));
            }
        }
    }
}

/// What three parties cannot save: each fills `coins` words from its streams and passes once over
/// `n` words, so many times, on a thread of its own.
pub fn coins_and_pass(n: usize, coins: usize, times: usize) {
    std::thread::scope(|scope| {
        for party in 0..3 {
            scope.spawn(move || {
                let stream = Stream::new(&Seed::from_bytes([party; 16]));
                let (from, mut to) = (vec![1u64; n], vec![0u64; n]);
                let mut block = [0u64; 512];
                for _ in 0..times {
                    let mut left = coins;
                    while left > 0 {
                        let length = left.min(block.len());
                        stream.fill((coins - left) as u64 / 2, black_box(&mut block[..length]));
                        left -= length;
                    }
                    black_box(&mut to).copy_from_slice(black_box(&from));
                }
            });
        }
    });
}

/// Prints copying, coins, products and matrix products.
pub fn print() -> Result<(), crate::Failure> {
    println!("\nlimits, on one core unless it says otherwise");
    let (a, b) = (words(1, PRODUCTS), words(2, PRODUCTS));
    let mut out = vec![0u64; PRODUCTS];
    let n = PRODUCTS as f64;
    let copy = timed(100, || black_box(&mut out).copy_from_slice(black_box(&a)));
    row("copying 1,000,000 words", copy, n, "words");
    let stream = Stream::new(&Seed::from_bytes([0; 16]));
    let coins = timed(100, || stream.fill(0, black_box(&mut out)));
    row("1,000,000 words of coins", coins, n, "words");
    let products = timed(100, || {
        for ((r, x), y) in black_box(&mut out)
            .iter_mut()
            .zip(black_box(&a))
            .zip(black_box(&b))
        {
            *r = x.wrapping_mul(*y);
        }
    });
    row("1,000,000 products of words", products, n, "products");

    let (a, b) = (words(3, SIDE * SIDE), words(4, SIDE * SIDE));
    let mut out = vec![0u64; SIDE * SIDE];
    let count = (SIDE as f64).powi(3);
    let plain = timed(8, || {
        plain_product(SIDE, black_box(&a), black_box(&b), black_box(&mut out))
    });
    row(
        "512 x 512 matrix product, three loops",
        plain,
        count,
        "products",
    );
    let mut packed = || {
        timed(8, || {
            product(black_box(&a), black_box(&b), black_box(&mut out))
        })
    };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let single = one.install(&mut packed);
    row(
        "512 x 512 matrix product, runtime, one core",
        single,
        count,
        "products",
    );
    let all = packed();
    row(
        "512 x 512 matrix product, runtime, all cores",
        all,
        count,
        "products",
    );
    println!(
        "  three loops / runtime: {:.2} on one core (processor time {:.2}), {:.2} on all",
        plain.wall / single.wall,
        plain.processor / single.processor,
        plain.wall / all.wall
    );
    Ok(())
}

/// `c += a · b` by the runtime.
pub fn product(a: &[u64], b: &[u64], c: &mut [u64]) {
    gemm::multiply_add(SIDE, SIDE, SIDE, a, b, c);
}
