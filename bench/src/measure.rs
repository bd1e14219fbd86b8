//! Medians of wall time and processor time.

use crate::Failure;
use crate::rep3::{self, Operand, Party};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// How often everything is run.
pub const RUNS: usize = 7;

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// The median time of `work` in seconds.
pub fn timed(mut work: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    median((0..RUNS).map(once).collect())
}

/// Time that all threads of this process together have run on processors. Zero where the system
/// does not say; unlike wall time it hardly depends on what else the machine does.
fn processor_time() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return Duration::ZERO;
    };
    let of_thread = |entry: std::fs::DirEntry| -> Option<u64> {
        let text = std::fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    Duration::from_nanos(threads.flatten().filter_map(of_thread).sum())
}

/// Medians of a protocol's runs.
pub struct Cost {
    /// Seconds until the last party was done.
    pub wall: f64,
    /// Seconds of processor time, all parties and shared kernels together.
    pub processor: f64,
}

/// Runs three parties over dealt operands and checks the outcome.
pub fn protocol(
    operands: &[[Operand; 3]; 2],
    work: impl Fn(&mut Party, &Operand, &Operand) -> Result<Operand, Failure> + Sync,
    check: impl Fn(&[Operand]),
) -> Result<Cost, Failure> {
    let barrier = Barrier::new(3);
    // Every thread repeats the protocol; the first time warms its buffers.
    let party = |(me, mut party): (usize, Party), x: &Operand, y: &Operand| -> Result<_, Failure> {
        let (mut result, mut times) = (work(&mut party, x, y)?, vec![]);
        for _ in 0..RUNS {
            barrier.wait();
            let before = if me == 0 {
                processor_time()
            } else {
                Duration::ZERO
            };
            barrier.wait();
            let start = Instant::now();
            // An error ends the others by closing this party's channels; they must not wait here.
            let outcome = work(&mut party, x, y);
            barrier.wait();
            let wall = start.elapsed();
            result = outcome?;
            if me == 0 {
                times.push((wall, processor_time().saturating_sub(before)));
            }
        }
        Ok((result, times))
    };
    let outcomes = std::thread::scope(|scope| {
        let threads: Vec<_> = rep3::parties()
            .into_iter()
            .enumerate()
            .zip(operands[0].iter().zip(&operands[1]))
            .map(|(p, (x, y))| {
                let party = &party;
                scope.spawn(move || party(p, x, y))
            })
            .collect();
        let joined = threads
            .into_iter()
            .map(|t| t.join().map_err(|_| "a party panicked")?);
        joined.collect::<Result<Vec<_>, Failure>>()
    })?;
    let (results, times): (Vec<Operand>, Vec<Vec<(Duration, Duration)>>) =
        outcomes.into_iter().unzip();
    check(&results);
    let (wall, processor) = times.concat().into_iter().unzip();
    Ok(Cost {
        wall: median(wall),
        processor: median(processor),
    })
}
