//! The threads that work is done on.

use std::cell::Cell;
use std::collections::HashMap;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{PyResult, Python};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::value_error;

/// Most threads of a pool.
const MOST_THREADS: usize = 1024;

/// The pools of a process, by their number of threads and by how deeply they are nested.
struct Pools {
    process: u32,
    pools: HashMap<(usize, usize), Arc<ThreadPool>>,
}

static POOLS: Mutex<Option<Pools>> = Mutex::new(None);

thread_local! {
    /// Callbacks that this thread is in, one in the other.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A callback that this thread is in, until it is dropped.
///
/// A thread of the pool waits until the callback is over. If it calls for work of its own, this
/// must not wait for that thread, so [`find_pool`] has another pool for it.
pub(crate) struct Nested(());

impl Nested {
    pub(crate) fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(())
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// The pool of `threads` threads, or of one per processor.
///
/// Not rayon's global pool: after a fork its threads do not exist in the child, and there is no
/// second one. These are made anew there. The interpreter's lock is held while the mutex is, so no
/// fork of Python finds the mutex locked.
///
/// # Errors
/// A number out of range; threads that the system does not give.
pub(crate) fn find_pool(_: Python<'_>, threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    // 0 stands for one per processor, for rayon as well.
    let count = threads.unwrap_or(0);
    if threads == Some(0) || count > MOST_THREADS {
        return Err(value_error(format!(
            "threads must be between 1 and {MOST_THREADS}, got {count}"
        )));
    }
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let process = process::id();
    if let Some(inherited) = pools.take_if(|pools| pools.process != process) {
        // Its threads are the parent's: there is nothing to end or to wait for.
        std::mem::forget(inherited);
    }
    let pools = pools.get_or_insert_with(|| Pools {
        process,
        pools: HashMap::new(),
    });
    let key = (count, DEPTH.get());
    if let Some(pool) = pools.pools.get(&key) {
        return Ok(Arc::clone(pool));
    }
    let builder = ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(|index| format!("vbnmf-{index}"));
    let pool = Arc::new(builder.build().map_err(value_error)?);
    pools.pools.insert(key, Arc::clone(&pool));
    Ok(pool)
}
