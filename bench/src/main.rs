//! How fast replicated three-party protocols are as scripts, beside the same written by hand on the
//! runtime, beside the limits of the machine: `cargo run --release -p smpc-bench`,
//! with `limits`, `products`, `matrix`, `comparisons` or `genomic` for a part. Three parties are three threads of
//! one process, joined by the in-memory channels. Contenders take turns; every figure is the median
//! of several turns.

mod generated;
mod genomic;
mod interpreted;
mod limits;
mod measure;
mod rep3;

use generated::Inputs;
use interpreted::Script;
use measure::{Contender, RUNS, Sample, Time, alternate, by_hand, median};
use rep3::Operand;
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use smpc_runtime::Tensor;
use smpc_runtime::kernel::{Builder, Kernel};
use smpc_runtime::prg::{Seed, Stream};

const PRODUCTS: usize = 1_000_000;
const SIDE: usize = 512;
const COMPARISONS: usize = 100_000;

const RING: Elem = Elem::Ring(64);

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn words(label: u64, n: usize) -> Vec<u64> {
    let mut out = vec![0; n];
    Stream::new(&Seed::from_bytes([1; 16]).derive(label)).fill(0, &mut out);
    out
}

/// A sharing as each of three parties holds it.
fn deal(label: u64, values: &[u64], shape: &[usize]) -> Result<[Operand; 3], Failure> {
    let (a, b) = (
        words(2 * label + 100, values.len()),
        words(2 * label + 101, values.len()),
    );
    let rest = values.iter().zip(&a).zip(&b);
    let c = rest
        .map(|((v, a), b)| v.wrapping_sub(*a).wrapping_sub(*b))
        .collect();
    let tensor = |words: Vec<u64>| Tensor::from_words(Elem::Ring(64), shape, words);
    let [a, b, c] = [tensor(a)?, tensor(b)?, tensor(c)?];
    Ok([[a.clone(), b.clone()], [b, c.clone()], [c, a]])
}

/// The local part of a product, x·y masked by two coins, as the interpreter fuses it.
fn product_kernel() -> Option<Kernel> {
    let ring = Elem::Ring(64);
    let mut b = Builder::default();
    let inputs = [(); 4].map(|()| b.input(ring));
    let [x0, x1, y0, y1] = [inputs[0]?, inputs[1]?, inputs[2]?, inputs[3]?];
    let (mine, theirs) = (b.coin(ring)?, b.coin(ring)?);
    let mut sum = b.prim(Prim::Mul, &[x0, y0], ring)?;
    for (x, y) in [(x0, y1), (x1, y0)] {
        let product = b.prim(Prim::Mul, &[x, y], ring)?;
        sum = b.prim(Prim::Add, &[sum, product], ring)?;
    }
    let masked = b.prim(Prim::Add, &[sum, mine], ring)?;
    let masked = b.prim(Prim::Sub, &[masked, theirs], ring)?;
    b.output(masked)?;
    Some(b.build())
}

fn row(name: &str, time: Time, count: f64, unit: &str) {
    println!(
        "{name:<46} {:>8.2} ms {:>8.2} ms of processor {:>8.0} M {unit}/s",
        time.wall * 1e3,
        time.processor * 1e3,
        count / time.wall / 1e6
    );
}

fn expect(found: bool, what: &str) {
    assert!(found, "{what} gave a wrong result");
}

fn main() -> Result<(), Failure> {
    let wanted = std::env::args().nth(1);
    let runs = |name: &str| wanted.as_ref().is_none_or(|w| w == name);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{} threads for shared kernels, medians of {RUNS}, load of the last minutes {}",
        std::thread::available_parallelism()?,
        load.split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" ")
    );
    if runs("limits") {
        limits::print()?;
    }
    if runs("products") {
        products()?;
    }
    if runs("matrix") {
        matrix()?;
    }
    if runs("comparisons") {
        comparisons()?;
    }
    if runs("genomic") {
        genomic::steps()?;
    }
    Ok(())
}

/// What is compared, and what it is compared by: the contender called "by hand".
fn compare<'a>(
    title: &str,
    repeats: usize,
    script: &'a Script,
    entries: usize,
    mut contenders: Vec<Contender<'a>>,
) -> Result<(), Failure> {
    println!("\n{title}: milliseconds, all three parties in this process");
    contenders.push((
        "script, interpreted",
        Box::new(|times| script.run(times).map(|_| ())),
    ));
    let samples = alternate(repeats, &mut contenders)?;
    println!(
        "{:<28}{:>10}{:>12}{:>10}{:>10}{:>10}{:>12}",
        "", "each", "processor", "/ hand", "(proc.)", "first", "whole run"
    );
    let hand = contenders.iter().position(|(name, _)| *name == "by hand");
    for ((name, _), own) in contenders.iter().zip(&samples) {
        let of = |f: &dyn Fn(&Sample) -> f64| median(own.iter().map(f).collect());
        let ratio = |f: &dyn Fn(Time) -> f64| {
            let base = &samples[hand.unwrap_or(0)];
            let ratios = own.iter().zip(base).map(|(s, b)| f(s.each) / f(b.each));
            median(ratios.collect())
        };
        println!(
            "{name:<28}{:>10.2}{:>12.2}{:>10.2}{:>10.2}{:>10.2}{:>12.2}",
            1e3 * of(&|s| s.each.wall),
            1e3 * of(&|s| s.each.processor),
            ratio(&|t| t.wall),
            ratio(&|t| t.processor),
            1e3 * of(&|s| s.first.wall),
            1e3 * of(&|s| s.whole.wall),
        );
    }
    let (without, once) = (script.run(0)?, script.run(1)?);
    let bytes: Vec<String> = once
        .bytes
        .iter()
        .zip(&without.bytes)
        .map(|(b, a)| format!("{}", (b - a) as f64 / entries as f64))
        .collect();
    println!(
        "  counted for the work alone: {} rounds, {} bytes per element sent by the parties",
        once.rounds - without.rounds,
        bytes.join(", ")
    );
    Ok(())
}

/// Whether generated code gave and sent what the interpreter did.
fn same(generated: &generated::Done, script: &smpc_interp::Outcome) -> Result<(), Failure> {
    let (accounts, result) = generated;
    let sent = accounts.iter().map(|account| account.bytes);
    if *result == interpreted::result(script) && sent.eq(script.bytes.iter().copied()) {
        Ok(())
    } else {
        Err("generated and interpreted differ".into())
    }
}

fn products() -> Result<(), Failure> {
    let (a, b) = (words(1, PRODUCTS), words(2, PRODUCTS));
    let dealt = [deal(1, &a, &[PRODUCTS])?, deal(2, &b, &[PRODUCTS])?];
    let kernel = product_kernel().ok_or("the kernel has an operation kernels do not do")?;
    let right = |results: &[Operand]| {
        let products = a.iter().zip(&b).map(|(x, y)| x.wrapping_mul(*y));
        expect(rep3::open(results).into_iter().eq(products), "mul");
    };
    right(&by_hand(&dealt, 1, |p, x, y| p.mul(x, y))?);
    right(&by_hand(&dealt, 1, |p, x, y| {
        p.mul_by_kernel(&kernel, x, y)
    })?);
    right(&by_hand(&dealt, 1, |p, x, y| p.mul_by_operations(x, y))?);
    let inputs = [(vec![PRODUCTS], a.clone()), (vec![PRODUCTS], b.clone())];
    let script = interpreted::compile(include_str!("../scripts/products.smpc"), &inputs)?;
    let squared = a
        .iter()
        .zip(&b)
        .map(|(x, y)| x.wrapping_mul(y.wrapping_mul(*y)));
    let found = interpreted::result(&script.run(2)?);
    expect(found.into_iter().eq(squared), "the script of products");
    let generated = Inputs::new(&[
        (vec![PRODUCTS], a.clone(), 0, RING),
        (vec![PRODUCTS], b.clone(), 1, RING),
    ])?;
    same(&generated.products(2)?, &script.run(2)?)?;
    compare(
        "1,000,000 independent products",
        20,
        &script,
        PRODUCTS,
        vec![
            (
                "coins and one pass",
                Box::new(|times| {
                    limits::coins_and_pass(PRODUCTS, 2 * PRODUCTS, times);
                    Ok(())
                }),
            ),
            (
                "by hand",
                Box::new(|times| by_hand(&dealt, times, |p, x, y| p.mul(x, y)).map(|_| ())),
            ),
            (
                "script, generated",
                Box::new(|times| Ok(generated.products(times).map(|_| ())?)),
            ),
            (
                "by hand, kernel on tensors",
                Box::new(|times| {
                    by_hand(&dealt, times, |p, x, y| p.mul_by_kernel(&kernel, x, y)).map(|_| ())
                }),
            ),
            (
                "by hand, one op at a time",
                Box::new(|times| {
                    by_hand(&dealt, times, |p, x, y| p.mul_by_operations(x, y)).map(|_| ())
                }),
            ),
        ],
    )
}

fn matrix() -> Result<(), Failure> {
    let (a, b) = (words(3, SIDE * SIDE), words(4, SIDE * SIDE));
    let dealt = [deal(3, &a, &[SIDE, SIDE])?, deal(4, &b, &[SIDE, SIDE])?];
    let mut product = vec![0; SIDE * SIDE];
    limits::plain_product(SIDE, &a, &b, &mut product);
    let found = rep3::open(&by_hand(&dealt, 1, |p, x, y| p.matrix(SIDE, x, y))?);
    expect(found == product, "matrix product");
    let inputs = [(vec![SIDE, SIDE], a.clone()), (vec![SIDE, SIDE], b.clone())];
    let script = interpreted::compile(include_str!("../scripts/matrix.smpc"), &inputs)?;
    let found = interpreted::result(&script.run(1)?);
    expect(found == product, "the script of matrix products");
    let mut out = vec![0; SIDE * SIDE];
    let generated = Inputs::new(&[
        (vec![SIDE, SIDE], a.clone(), 0, RING),
        (vec![SIDE, SIDE], b.clone(), 1, RING),
    ])?;
    same(&generated.matrix(1)?, &script.run(1)?)?;
    compare(
        "512 x 512 matrix product",
        4,
        &script,
        SIDE * SIDE,
        vec![
            (
                "six ring products alone",
                Box::new(|times| {
                    (0..6 * times).for_each(|_| limits::product(&a, &b, &mut out));
                    Ok(())
                }),
            ),
            (
                "by hand",
                Box::new(|times| {
                    by_hand(&dealt, times, |p, x, y| p.matrix(SIDE, x, y)).map(|_| ())
                }),
            ),
            (
                "script, generated",
                Box::new(|times| Ok(generated.matrix(times).map(|_| ())?)),
            ),
        ],
    )
}

fn comparisons() -> Result<(), Failure> {
    let small = |label| {
        words(label, COMPARISONS)
            .iter()
            .map(|w| w >> 2)
            .collect::<Vec<u64>>()
    };
    let (a, b) = (small(5), small(6));
    let dealt = [deal(5, &a, &[COMPARISONS])?, deal(6, &b, &[COMPARISONS])?];
    let less: Vec<u64> = a.iter().zip(&b).map(|(x, y)| u64::from(x < y)).collect();
    let found = by_hand(&dealt, 1, |p, x, y| p.less_than(x, y))?;
    expect(rep3::open_bits(&found) == less, "comparison");
    let inputs = [
        (vec![COMPARISONS], a.clone()),
        (vec![COMPARISONS], b.clone()),
        (vec![COMPARISONS], vec![0; COMPARISONS]),
    ];
    let script = interpreted::compile(include_str!("../scripts/comparisons.smpc"), &inputs)?;
    let found = interpreted::result(&script.run(1)?);
    expect(found == less, "the script of comparisons");
    // P[0] draws the most: two coins for each of the 48 bits that the others open to one another, and one for each of
    // the 209 that it deals.
    let coins = COMPARISONS * (2 * 48 + 209) / 64;
    let generated = Inputs::new(&[
        (vec![COMPARISONS], a.clone(), 0, RING),
        (vec![COMPARISONS], b.clone(), 1, RING),
        (vec![COMPARISONS], vec![0; COMPARISONS], 0, Elem::Bits(1)),
    ])?;
    same(&generated.comparisons(1)?, &script.run(1)?)?;
    compare(
        "100,000 comparisons",
        8,
        &script,
        COMPARISONS,
        vec![
            (
                "coins and one pass",
                Box::new(|times| {
                    limits::coins_and_pass(2 * COMPARISONS, coins, times);
                    Ok(())
                }),
            ),
            (
                "by hand",
                Box::new(|times| by_hand(&dealt, times, |p, x, y| p.less_than(x, y)).map(|_| ())),
            ),
            (
                "script, generated",
                Box::new(|times| Ok(generated.comparisons(times).map(|_| ())?)),
            ),
        ],
    )
}
