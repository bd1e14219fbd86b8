//! Work on all processors, where a piece that is done may give rise to further ones.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, available_parallelism};

/// Stack of a worker: expressions nest as deep as those of scripts.
const STACK: usize = 8 << 20;

/// What is left to do.
struct Queue<J> {
    waiting: VecDeque<J>,
    /// Jobs that are being done.
    running: usize,
}

struct Pool<J> {
    queue: Mutex<Queue<J>>,
    /// Something is waiting, or all is done.
    news: Condvar,
}

/// A job that is being done. Without it there is one less, even if the job ended in a panic.
struct Turn<'p, J>(&'p Pool<J>);

impl<J> Drop for Turn<'_, J> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.news.notify_all();
    }
}

impl<J> Pool<J> {
    fn lock(&self) -> MutexGuard<'_, Queue<J>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; none if all are done.
    fn next(&self) -> Option<(J, Turn<'_, J>)> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.waiting.pop_front() {
                queue.running += 1;
                return Some((job, Turn(self)));
            }
            if queue.running == 0 {
                return None;
            }
            let woken = self.news.wait(queue);
            queue = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Does jobs in their order, and behind them those that they give rise to. This thread is one of the workers: the memory
/// that was given back before serves them.
pub(crate) fn work<J: Send>(first: Vec<J>, job: impl Fn(J) -> Vec<J> + Sync) {
    let pool = Pool {
        queue: Mutex::new(Queue {
            waiting: first.into(),
            running: 0,
        }),
        news: Condvar::new(),
    };
    let turns = || {
        while let Some((next, turn)) = pool.next() {
            let more = job(next);
            pool.lock().waiting.extend(more);
            drop(turn);
        }
    };
    let processors = available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..processors {
            // Fewer workers do the same.
            let _ = Builder::new().stack_size(STACK).spawn_scoped(scope, turns);
        }
        stacker::maybe_grow(STACK, STACK, turns);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_give_rise_to_jobs() {
        let done = Mutex::new(vec![]);
        work((1..=20).collect(), |n: u64| {
            done.lock().unwrap().push(n);
            match n {
                1..=20 => vec![100 * n, 100 * n + 1],
                _ => vec![],
            }
        });
        let mut done = done.into_inner().unwrap();
        done.sort();
        let mut expected: Vec<u64> = (1..=20).flat_map(|n| [n, 100 * n, 100 * n + 1]).collect();
        expected.sort();
        assert_eq!(done, expected);
        work(Vec::<u8>::new(), |_| unreachable!());
    }
}
