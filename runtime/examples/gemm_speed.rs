//! The ring matrix product beside a plain i-k-j loop, both built for the same target:
//! `cargo run --release -p smpc-runtime --example gemm_speed`. Prints medians and their ratio;
//! set RAYON_NUM_THREADS=1 for one core against one.

use smpc_runtime::gemm::multiply_add;
use smpc_runtime::prg::{Seed, Stream};
use std::time::{Duration, Instant};

const SIDE: usize = 512;
const RUNS: usize = 7;

fn plain(a: &[u64], b: &[u64], c: &mut [u64]) {
    for i in 0..SIDE {
        for p in 0..SIDE {
            let factor = a[i * SIDE + p];
            for (out, word) in c[i * SIDE..][..SIDE].iter_mut().zip(&b[p * SIDE..][..SIDE]) {
                *out = out.wrapping_add(factor.wrapping_mul(*word));
            }
        }
    }
}

fn main() {
    let stream = Stream::new(&Seed::from_bytes([0; 16]));
    let (mut a, mut b) = (vec![0; SIDE * SIDE], vec![0; SIDE * SIDE]);
    stream.fill(0, &mut a);
    stream.fill(1 << 32, &mut b);
    let mut times: [Vec<Duration>; 2] = Default::default();
    for _ in 0..RUNS {
        let (mut fast, mut slow) = (vec![0; SIDE * SIDE], vec![0; SIDE * SIDE]);
        let start = Instant::now();
        multiply_add(SIDE, SIDE, SIDE, &a, &b, &mut fast);
        times[0].push(start.elapsed());
        let start = Instant::now();
        plain(&a, &b, &mut slow);
        times[1].push(start.elapsed());
        assert_eq!(fast, slow, "both compute the same product");
    }
    let [ours, loops] = times.map(|mut t| {
        t.sort_unstable();
        t[RUNS / 2].as_secs_f64()
    });
    let rate = |seconds: f64| (SIDE * SIDE * SIDE) as f64 / seconds / 1e9;
    println!(
        "packed     {:.2} GMAC/s on {} threads",
        rate(ours),
        rayon::current_num_threads()
    );
    println!("i-k-j loop {:.2} GMAC/s on one thread", rate(loops));
    println!("ratio      {:.2}", loops / ours);
}
