//! The steps of `examples/genomic.smpc`, beside the products with the matrix that they cannot do without.

use std::hint::black_box;

use crate::measure::Contender;
use crate::{Failure, compare, interpreted, words};

const PATIENTS: usize = 134;
const GENES: usize = 2905;
const STEPS: usize = 100;

/// One full-batch step is `x @ w`, messages, and `x.T @ r`. A party of three holds two components of x, and both
/// products read both.
pub fn steps() -> Result<(), Failure> {
    let script = interpreted::compile(include_str!("../../examples/genomic.smpc"), &inputs())?;
    let held = [0, 1, 2].map(|party| [0, 1].map(|c| words(20 + 2 * party + c, PATIENTS * GENES)));
    let products: Contender<'_> = (
        "by hand",
        Box::new(|times| {
            std::thread::scope(|scope| {
                for components in &held {
                    scope.spawn(move || {
                        for _ in 0..times {
                            for pass in [Pass::Scores, Pass::Gradient] {
                                components.iter().for_each(|x| run(pass, black_box(x)));
                            }
                        }
                    });
                }
            });
            Ok(())
        }),
    );
    let title = "a step over 134 x 2,905; by hand only its two products of matrix and vector";
    compare(title, STEPS, &script, GENES, vec![products])
}

/// Rows of three clinics, genes in -1..1, prognoses.
fn inputs() -> Vec<(Vec<usize>, Vec<u64>)> {
    let rows = [45, 45, PATIENTS - 90];
    let gene = |word: u64| (word >> 47).wrapping_sub(1 << 16);
    let genes = rows.iter().zip(10..).map(|(n, label)| {
        let list = words(label, n * GENES).into_iter().map(gene).collect();
        (vec![*n, GENES], list)
    });
    let poor = rows.iter().zip(13..).map(|(n, label)| {
        let list = words(label, *n).into_iter().map(|word| word & 1).collect();
        (vec![*n], list)
    });
    genes.chain(poor).collect()
}

/// A product modulo 2^64 of one component with a vector.
#[derive(Clone, Copy)]
enum Pass {
    /// x @ w.
    Scores,
    /// x.T @ r.
    Gradient,
}

/// For the instructions that this machine has.
fn run(pass: Pass, x: &[u64]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions the function is built for.
            return unsafe { run_avx2(pass, x) };
        }
    }
    loops(pass, x);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn run_avx2(pass: Pass, x: &[u64]) {
    loops(pass, x);
}

#[inline(always)]
fn loops(pass: Pass, x: &[u64]) {
    match pass {
        Pass::Scores => {
            let w = black_box([3u64; GENES]);
            let mut scores = [0u64; PATIENTS];
            for (sum, row) in scores.iter_mut().zip(x.chunks_exact(GENES)) {
                let terms = row.iter().zip(&w).map(|(x, w)| x.wrapping_mul(*w));
                *sum = terms.fold(0, u64::wrapping_add);
            }
            black_box(scores);
        }
        Pass::Gradient => {
            let rest = black_box([5u64; PATIENTS]);
            let mut gradient = [0u64; GENES];
            for (row, r) in x.chunks_exact(GENES).zip(rest) {
                for (sum, x) in gradient.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(x.wrapping_mul(r));
                }
            }
            black_box(gradient);
        }
    }
}
