//! How a command ends: its exit code.

use crate::interrupt::{self, Interrupted};
use crate::refused::Refused;

/// How a command ends, as `--help` documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All done.
    Done,
    /// Done, but a part of the work failed and says so in the results.
    PartlyFailed,
    /// What was to be verified differs.
    Differs,
}

/// Why a command ends without having done what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be asked for like this: an argument, a configuration (one that cannot be read
    /// included).
    Usage(anyhow::Error),
    /// It failed, was interrupted, or met what it was [`Refused`] for.
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
            Self::Run(error) if error.is::<Interrupted>() => interrupt::EXIT_CODE,
            Self::Run(error) if !error.is::<Refused>() => 1,
            Self::Run(_) | Self::Usage(_) => 2,
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
            Self::Differs => 4,
        }
    }
}
