//! Work on as many threads as there are processors.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The results of all jobs, in their order.
pub fn side_by_side<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let mut found: Vec<(usize, R)> = std::thread::scope(|scope| {
        let worker = || {
            let mut mine = vec![];
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(at) else {
                    return mine;
                };
                mine.push((at, work(job)));
            }
        };
        let threads: Vec<_> = (0..workers.min(jobs.len()))
            .map(|_| scope.spawn(worker))
            .collect();
        let mut all = vec![];
        for thread in threads {
            match thread.join() {
                Ok(mine) => all.extend(mine),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, found)| found).collect()
}
