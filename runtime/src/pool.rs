//! Reused buffers. A fresh large allocation costs a page fault for every 4 KiB, more than the
//! arithmetic done on it; programs free and allocate the same sizes over and over.

use std::cell::RefCell;

use zeroize::Zeroize;

/// Smaller buffers are left to the allocator.
const SMALLEST: usize = 1 << 10;
/// Elements kept by a thread.
const KEPT: usize = 1 << 25;

/// Elements that rest in a thread-local pool when not in use.
pub(crate) trait Pooled: Copy + Default + Zeroize + 'static {
    /// Runs `f` on the thread's buffers; `None` while the thread ends.
    fn with<R>(f: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> Option<R>;
}

/// Buffers at rest. They may hold shares: what is not overwritten by reuse is erased when the
/// endpoint's thread ends.
struct Rest<T: Zeroize>(Vec<Vec<T>>);

impl<T: Zeroize> Drop for Rest<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

macro_rules! pooled {
    ($type:ty) => {
        impl Pooled for $type {
            fn with<R>(f: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> Option<R> {
                thread_local!(static POOL: RefCell<Rest<$type>> = const { RefCell::new(Rest(vec![])) });
                POOL.try_with(|pool| f(&mut pool.borrow_mut().0)).ok()
            }
        }
    };
}
pooled!(u8);
pooled!(u64);
pooled!(u128);
pooled!(i128);

/// A buffer with capacity for `n` elements and any length up to it.
fn find<T: Pooled>(n: usize) -> Option<Vec<T>> {
    if n < SMALLEST {
        return None;
    }
    T::with(|pool| {
        let fits = |v: &Vec<T>| v.capacity() >= n && v.capacity() / 4 <= n;
        pool.iter().rposition(fits).map(|at| pool.swap_remove(at))
    })?
}

/// An empty buffer with capacity for `n` elements.
pub(crate) fn empty<T: Pooled>(n: usize) -> Vec<T> {
    let mut buffer = find(n).unwrap_or_else(|| Vec::with_capacity(n));
    buffer.clear();
    buffer
}

/// A buffer of `n` elements with arbitrary contents, to be overwritten.
pub(crate) fn dirty<T: Pooled>(n: usize) -> Vec<T> {
    match find(n) {
        Some(mut buffer) => {
            buffer.resize(n, T::default());
            buffer
        }
        None => vec![T::default(); n],
    }
}

/// A buffer of `n` zeros.
pub(crate) fn zeros<T: Pooled>(n: usize) -> Vec<T> {
    match find::<T>(n) {
        Some(mut buffer) => {
            buffer.clear();
            buffer.resize(n, T::default());
            buffer
        }
        None => vec![T::default(); n],
    }
}

/// Keeps a buffer for reuse by this thread, or erases it.
pub(crate) fn give<T: Pooled>(buffer: Vec<T>) {
    let mut left = Some(buffer);
    T::with(|pool| {
        let capacity = left.as_ref().map_or(0, Vec::capacity);
        let held: usize = pool.iter().map(Vec::capacity).sum();
        if capacity >= SMALLEST && held + capacity <= KEPT && pool.len() < 64 {
            pool.extend(left.take());
        }
    });
    if let Some(mut buffer) = left {
        buffer.zeroize();
    }
}
