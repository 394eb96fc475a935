//! Many pieces of work in parallel, in bounded memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;

/// Does `work` for every item, in order of their results.
///
/// Never more items are under way than there are threads: each takes the next item when it is done
/// with one. Threads that find none help with what the others have left to do in parallel. A
/// parallel iterator would not do: a thread that waits inside one item would begin another.
pub(crate) fn work_through<T: Sync, R: Send>(
    pool: &ThreadPool,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    pool.broadcast(|_| {
        while let Some((index, item)) = take_next(items, &next) {
            let result = work(item);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((index, result));
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn take_next<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn results_are_in_order_and_no_more_items_are_under_way_than_threads() {
        for threads in [1, 3] {
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let items: Vec<usize> = (0..40).collect();
            let results = work_through(&pool, &items, |&item| {
                most.fetch_max(
                    1 + under_way.fetch_add(1, Ordering::SeqCst),
                    Ordering::SeqCst,
                );
                // Threads that wait here must not begin another item.
                let sum: usize = (0..1000_usize).into_par_iter().map(|x| x * item).sum();
                under_way.fetch_sub(1, Ordering::SeqCst);
                sum
            });
            let expected: Vec<usize> = items.iter().map(|item| 499_500 * item).collect();
            assert_eq!(results, expected);
            assert!(most.into_inner() <= threads);
        }
    }

    #[test]
    fn the_calling_thread_alone_is_enough() {
        let alone = std::thread::spawn(|| {
            let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread();
            let pool = pool.build().unwrap();
            work_through(&pool, &[1, 2, 3], |item| 2 * item)
        });
        assert_eq!(alone.join().unwrap(), [2, 4, 6]);
    }
}
