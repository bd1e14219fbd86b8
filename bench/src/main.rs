//! How fast replicated three-party protocols are when written by hand on the runtime, beside the
//! limits of the machine: `cargo run --release -p smpc-bench`,
//! with `limits`, `products`, `matrix` or `comparisons` for a part. Three parties are three threads of
//! one process, joined by the in-memory channels. Every figure is the median of several runs.

mod limits;
mod measure;
mod rep3;

use measure::{Cost, RUNS, protocol};
use rep3::Operand;
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;
use smpc_runtime::Tensor;
use smpc_runtime::kernel::{Builder, Kernel};
use smpc_runtime::prg::{Seed, Stream};

const PRODUCTS: usize = 1_000_000;
const SIDE: usize = 512;
const COMPARISONS: usize = 100_000;

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

fn row(name: &str, seconds: f64, count: f64, unit: &str) {
    println!(
        "{name:<44} {:>9.3} ms  {:>9.2} M {unit}/s",
        seconds * 1e3,
        count / seconds / 1e6
    );
}

fn protocol_row(name: &str, cost: &Cost, count: f64, unit: &str) {
    row(name, cost.wall, count, unit);
    println!(
        "{:<44} {:>9.3} ms of processor time",
        "",
        cost.processor * 1e3
    );
}

fn expect(found: bool, what: &str) {
    assert!(found, "{what} gave a wrong result");
}

fn main() -> Result<(), Failure> {
    let wanted = std::env::args().nth(1);
    let runs = |name: &str| wanted.as_ref().is_none_or(|w| w == name);
    println!(
        "{} threads for shared kernels, medians of {RUNS}",
        std::thread::available_parallelism()?
    );
    if runs("limits") {
        limits::print();
    }
    println!("\nreplicated sharing of three, all parties in this process");
    if runs("products") {
        products()?;
    }
    if runs("matrix") {
        matrix()?;
    }
    if runs("comparisons") {
        comparisons()?;
    }
    Ok(())
}

fn products() -> Result<(), Failure> {
    let (a, b) = (words(1, PRODUCTS), words(2, PRODUCTS));
    let dealt = [deal(1, &a, &[PRODUCTS])?, deal(2, &b, &[PRODUCTS])?];
    let right_products = |results: &[Operand]| {
        let sums = rep3::open(results);
        let products = a.iter().zip(&b).map(|(x, y)| x.wrapping_mul(*y));
        expect(sums.into_iter().eq(products), "mul");
    };
    let hand = protocol(&dealt, |p, x, y| p.mul(x, y), right_products)?;
    protocol_row(
        "1,000,000 products, by hand",
        &hand,
        PRODUCTS as f64,
        "products",
    );
    let kernel = product_kernel().ok_or("the kernel has an operation kernels do not do")?;
    let fused = protocol(
        &dealt,
        |p, x, y| p.mul_by_kernel(&kernel, x, y),
        right_products,
    )?;
    protocol_row(
        "1,000,000 products, fused kernel",
        &fused,
        PRODUCTS as f64,
        "products",
    );
    let loops = protocol(&dealt, |p, x, y| p.mul_by_operations(x, y), right_products)?;
    protocol_row(
        "1,000,000 products, one operation at a time",
        &loops,
        PRODUCTS as f64,
        "products",
    );
    println!(
        "  processor time: kernel / hand {:.2}, one at a time / hand {:.2}",
        fused.processor / hand.processor,
        loops.processor / hand.processor
    );
    Ok(())
}

fn matrix() -> Result<(), Failure> {
    let (a, b) = (words(3, SIDE * SIDE), words(4, SIDE * SIDE));
    let dealt = [deal(3, &a, &[SIDE, SIDE])?, deal(4, &b, &[SIDE, SIDE])?];
    let matrix = protocol(
        &dealt,
        |p, x, y| p.matrix(SIDE, x, y),
        |results| {
            let mut product = vec![0; SIDE * SIDE];
            limits::plain_product(SIDE, &a, &b, &mut product);
            expect(rep3::open(results) == product, "matrix product");
        },
    )?;
    protocol_row(
        "512 x 512 matrix product, by hand",
        &matrix,
        (SIDE as f64).powi(3),
        "products",
    );
    Ok(())
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
    let compared = protocol(
        &dealt,
        |p, x, y| p.less_than(x, y),
        |results| {
            let bits = rep3::open_bits(results);
            let less = a.iter().zip(&b).map(|(x, y)| u64::from(x < y));
            expect(bits.into_iter().eq(less), "comparison");
        },
    )?;
    protocol_row(
        "100,000 comparisons, by hand",
        &compared,
        COMPARISONS as f64,
        "comparisons",
    );
    Ok(())
}
