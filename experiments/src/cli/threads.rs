//! The threads that a command works with.

use std::num::NonZeroUsize;

use anyhow::{Context, Result};

/// The threads of `--jobs`; without it, one per processor.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn start_threads(jobs: Option<NonZeroUsize>) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.map_or(0, NonZeroUsize::get))
        .build()
        .context("cannot start the threads of --jobs")
}
