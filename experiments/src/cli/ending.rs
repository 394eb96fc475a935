//! How commands end, and what they share on the way there.

use std::io::{Write, stdout};
use std::path::Path;

use anyhow::{Context, Result};

use crate::interrupt::{self, Interrupted};
use crate::progress::Progress;
use crate::store::refused::Refused;

/// How a command ends, as `--help` documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    /// Done, but a part of the work failed and says so in the results.
    PartlyFailed,
    /// What was to be verified differs.
    Differs,
}

/// Why a command ends without having done what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It cannot be asked for like this: an argument, a configuration (one that cannot be read
    /// included).
    Usage(anyhow::Error),
    /// It failed, was interrupted, or met what it was [`Refused`] for.
    Run(anyhow::Error),
}

impl Failure {
    /// The error to be shown.
    pub(crate) fn error(&self) -> &anyhow::Error {
        match self {
            Self::Usage(error) | Self::Run(error) => error,
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Run(error) if error.is::<Interrupted>() => interrupt::EXIT_CODE,
            Self::Run(error) if !error.is::<Refused>() => 1,
            Self::Run(_) | Self::Usage(_) => 2,
        }
    }
}

impl Ending {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::PartlyFailed => 3,
            Self::Differs => 4,
        }
    }
}

/// Writes a text to standard output.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    write!(stdout(), "{text}")
        .context("cannot write to standard output")
        .map_err(Failure::Run)
}

/// Says what came of a run, and where it is.
pub(crate) fn announce(text: &str, out: &Path) -> Result<(), Failure> {
    say(&format!("{text}\nResults: {}\n", out.display()))
}

/// A line on the files of corpora that were left out, if there are any.
pub(crate) fn say_left_out(files: usize) -> String {
    match files {
        0 => String::new(),
        1 => "\n1 unusable file of the corpus was left out".to_owned(),
        files => format!("\n{files} unusable files of the corpus were left out"),
    }
}

/// How a run ends, by the number of its failures.
pub(crate) fn ending(failures: usize, progress: Progress) -> Ending {
    if failures == 0 {
        return Ending::Done;
    }
    progress.warn(format_args!(
        "{failures} failures: see the column `error` of observations.csv, once the tables are \
         written"
    ));
    Ending::PartlyFailed
}
