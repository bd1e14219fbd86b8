//! Wall time and processor time of alternating runs, and their medians.

use crate::Failure;
use crate::rep3::{self, Operand, Party};
use std::time::Instant;

/// How often everything is run.
pub const RUNS: usize = 7;

/// Seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Time {
    /// Until the last party was done.
    pub wall: f64,
    /// On processors, all parties and shared kernels together. Depends less than wall time on what
    /// else the machine does. Zero where the system does not say.
    pub processor: f64,
}

/// Times of the same work, done a different number of times in one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// A whole run that does the work once.
    pub whole: Time,
    /// The first time, with cold buffers: a run with it less a run without.
    pub first: Time,
    /// Any later time.
    pub each: Time,
}

fn less(a: Time, b: Time, times: usize) -> Time {
    Time {
        wall: (a.wall - b.wall) / times as f64,
        processor: (a.processor - b.processor) / times as f64,
    }
}

/// The median.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

/// The median times of `work`, which starts no threads that end with it. A single time is too short
/// for the clock of processor time, which moves when the scheduler looks.
pub fn timed(repeats: u32, mut work: impl FnMut()) -> Time {
    let once = |_| {
        let (processor, start) = (living_threads(), Instant::now());
        (0..repeats).for_each(|_| work());
        let wall = start.elapsed().as_secs_f64();
        Time {
            wall: wall / f64::from(repeats),
            processor: (living_threads() - processor) / f64::from(repeats),
        }
    };
    let times: Vec<Time> = (0..RUNS).map(once).collect();
    Time {
        wall: median(times.iter().map(|t| t.wall).collect()),
        processor: median(times.iter().map(|t| t.processor).collect()),
    }
}

/// Processor time in seconds of the threads that this process has now.
fn living_threads() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return 0.0;
    };
    let of_thread = |entry: std::fs::DirEntry| -> Option<f64> {
        let text = std::fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    threads.flatten().filter_map(of_thread).sum::<f64>() / 1e9
}

/// Processor time of this process in seconds, threads that have ended included.
fn processor_time() -> f64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        return 0.0;
    };
    // The second field is a name in parentheses; the 14th and 15th are in hundredths of a second.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// One contender: does its work so many times in one run.
pub type Contender<'a> = (&'a str, Box<dyn FnMut(usize) -> Result<(), Failure> + 'a>);

/// Runs contenders in turn, again and again; gives each one's samples. `times` is how often a long
/// run repeats the work.
pub fn alternate(
    times: usize,
    contenders: &mut [Contender<'_>],
) -> Result<Vec<Vec<Sample>>, Failure> {
    let mut samples = vec![vec![]; contenders.len()];
    for round in 0..=RUNS {
        for ((_, run), samples) in contenders.iter_mut().zip(&mut samples) {
            let mut one = |times| -> Result<Time, Failure> {
                let (processor, start) = (processor_time(), Instant::now());
                run(times)?;
                Ok(Time {
                    wall: start.elapsed().as_secs_f64(),
                    processor: processor_time() - processor,
                })
            };
            let (none, once, often) = (one(0)?, one(1)?, one(1 + times)?);
            // The round before the first warms the process.
            if round > 0 {
                samples.push(Sample {
                    whole: once,
                    first: less(once, none, 1),
                    each: less(often, once, times),
                });
            }
        }
    }
    Ok(samples)
}

/// Three parties, each on a fresh thread, do some work so many times; what they then hold.
pub fn by_hand(
    operands: &[[Operand; 3]; 2],
    times: usize,
    work: impl Fn(&mut Party, &Operand, &Operand) -> Result<Operand, Failure> + Sync,
) -> Result<Vec<Operand>, Failure> {
    let party = |mut party: Party, x: &Operand, y: &Operand| -> Result<Operand, Failure> {
        let mut result = x.clone();
        for _ in 0..times {
            result = work(&mut party, x, y)?;
        }
        Ok(result)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = rep3::parties()
            .into_iter()
            .zip(operands[0].iter().zip(&operands[1]))
            .map(|(p, (x, y))| {
                let party = &party;
                scope.spawn(move || party(p, x, y))
            })
            .collect();
        let joined = threads
            .into_iter()
            .map(|t| t.join().map_err(|_| "a party panicked")?);
        joined.collect()
    })
}
