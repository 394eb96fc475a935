//! The subcommands: from arguments to an exit code. What they do is in the modules they call; here is how they are
//! asked for it and how they answer.

pub mod realmix;
pub mod score;
pub mod separate;
pub mod table1;
pub mod train;

use std::num::NonZeroUsize;

use anyhow::{Context, Result};

/// How a command ends, as `--help` documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All done.
    Done,
    /// Done, but a part of the work failed and says so in the results.
    PartlyFailed,
}

/// Why a command ends without having done what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be asked for like this: an argument, a configuration, a folder of other results.
    Usage(anyhow::Error),
    /// It was begun and failed.
    Run(anyhow::Error),
}

impl Failure {
    /// The error to be shown.
    #[must_use]
    pub fn error(&self) -> &anyhow::Error {
        match self {
            Self::Usage(error) | Self::Run(error) => error,
        }
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Run(_) => 1,
            Self::Usage(_) => 2,
        }
    }
}

impl Ending {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::PartlyFailed => 3,
        }
    }
}

/// The threads of `--jobs`; without it, one per processor.
fn thread_pool(jobs: Option<NonZeroUsize>) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.map_or(0, NonZeroUsize::get))
        .build()
        .context("cannot start the threads of --jobs")
}
