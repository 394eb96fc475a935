//! The threads that a command works with.

use std::num::NonZeroUsize;
use std::thread;

use anyhow::{Context, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::progress::Progress;

/// More threads than this for each processor only take memory.
const MOST_PER_PROCESSOR: usize = 4;
/// So that runs on small machines can be compared with those on large ones.
const ALWAYS_ALLOWED: usize = 64;

/// The threads of `--jobs`; without it, one per processor.
///
/// Results do not depend on their number, so fewer are no reason to stop: a number that makes no
/// sense is lowered, and where the system allows no further thread the calling one does all the
/// work. Either is said on standard error.
///
/// # Errors
/// A second call by a thread that is the only worker already.
pub(crate) fn start_threads(jobs: Option<NonZeroUsize>) -> Result<ThreadPool> {
    let progress = Progress::new(true);
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let most = ALWAYS_ALLOWED.max(MOST_PER_PROCESSOR * processors);
    let wanted = jobs.map_or(processors, NonZeroUsize::get);
    if wanted > most {
        progress.warn(format_args!(
            "--jobs {wanted}: is more than {processors} processors can use, {most} threads are \
             started"
        ));
    }
    let wanted = wanted.min(most);
    match ThreadPoolBuilder::new().num_threads(wanted).build() {
        Ok(pool) => Ok(pool),
        Err(error) => {
            progress.warn(format_args!(
                "cannot start {wanted} threads ({error}): all is done by one"
            ));
            ThreadPoolBuilder::new()
                .num_threads(1)
                .use_current_thread()
                .build()
                .context("cannot work with a single thread")
        }
    }
}
