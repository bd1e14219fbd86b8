//! Independent pieces of work on all processors.

use std::sync::Mutex;
use std::thread::{Builder, available_parallelism};

use crate::Unsupported;
use crate::print::MISTAKE;

/// Stack of a worker: expressions nest as deep as those of scripts.
const STACK: usize = 8 << 20;

/// Results of the tasks, in their order. There is one worker more than processors, so that three long tasks take
/// two processors one and a half times as long as one, and this thread is one of them: the memory that a task gave
/// back serves the next one.
pub(crate) fn each<T: Send, R: Send>(
    tasks: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Result<Vec<R>, Unsupported> {
    let count = tasks.len();
    let processors = available_parallelism().map_or(1, usize::from);
    let tasks = Mutex::new(tasks.into_iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(count));
    let turns = || {
        while let Some((at, task)) = next(&tasks) {
            let result = work(task);
            if let Ok(mut done) = done.lock() {
                done.push((at, result));
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..processors.min(count.saturating_sub(1)))
            // Fewer workers do the same.
            .filter_map(|_| {
                Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, turns)
                    .ok()
            })
            .collect();
        stacker::maybe_grow(STACK, STACK, turns);
        for other in others {
            // What is missing then is seen below.
            let _ = other.join();
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    if done.len() < count {
        return Err(MISTAKE);
    }
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// The next task that nobody has taken.
fn next<T>(tasks: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    tasks.lock().ok()?.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_in_the_order_of_tasks() {
        let tasks: Vec<u64> = (0..100).collect();
        let squares = each(tasks.clone(), |n| n * n).unwrap();
        assert!(
            squares
                .iter()
                .zip(tasks)
                .all(|(square, n)| *square == n * n)
        );
        assert_eq!(each(Vec::<u8>::new(), |n| n).unwrap(), [0u8; 0]);
    }
}
