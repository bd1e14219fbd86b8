//! What the machine does without any protocol.

use crate::measure::timed;
use crate::{PRODUCTS, SIDE, row, words};
use smpc_runtime::gemm;
use smpc_runtime::prg::{Seed, Stream};
use std::hint::black_box;

/// `c += a · b` modulo 2^64 in three loops.
pub fn plain_product(side: usize, a: &[u64], b: &[u64], c: &mut [u64]) {
    for i in 0..side {
        for p in 0..side {
            let factor = a[i * side + p];
            for (out, word) in c[i * side..][..side].iter_mut().zip(&b[p * side..][..side]) {
                *out = out.wrapping_add(factor.wrapping_mul(*word));
            }
        }
    }
}

/// Prints copying, coins, products and matrix products.
pub fn print() {
    println!("\nlimits, one core");
    let (a, b) = (words(1, PRODUCTS), words(2, PRODUCTS));
    let mut out = vec![0u64; PRODUCTS];
    let n = PRODUCTS as f64;
    let copy = timed(|| black_box(&mut out).copy_from_slice(black_box(&a)));
    row("copying 1,000,000 words", copy, n, "words");
    let stream = Stream::new(&Seed::from_bytes([0; 16]));
    let coins = timed(|| stream.fill(0, black_box(&mut out)));
    row("1,000,000 words of coins", coins, n, "words");
    let products = timed(|| {
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
    let plain = timed(|| plain_product(SIDE, black_box(&a), black_box(&b), black_box(&mut out)));
    row(
        "512 x 512 matrix product, three loops",
        plain,
        count,
        "products",
    );
    let packed = timed(|| {
        gemm::multiply_add(
            SIDE,
            SIDE,
            SIDE,
            black_box(&a),
            black_box(&b),
            black_box(&mut out),
        )
    });
    row(
        "512 x 512 matrix product, runtime, all threads",
        packed,
        count,
        "products",
    );
    println!("  three loops / runtime {:.2}", plain / packed);
}
