//! `score`.

use std::io::{Write, stdout};

use anyhow::Context;

use super::{Ending, Failure};
use crate::atomic_file;
use crate::cli::ScoreArguments;
use crate::score::{self, Frames, inputs::SignalSet, output};

/// Scores estimates against references.
///
/// # Errors
/// Files that cannot be read or do not fit together, frames that do not fit them, files that cannot be written.
pub fn run(arguments: &ScoreArguments) -> Result<Ending, Failure> {
    let set = SignalSet::read(&arguments.reference, &arguments.estimate).map_err(Failure::Run)?;
    let frames = arguments.window.map(|window_seconds| Frames {
        window_seconds,
        hop_seconds: arguments.hop.unwrap_or(window_seconds),
    });
    let targets = score::score(&set, arguments.permute, frames).map_err(Failure::Run)?;
    let write = || -> anyhow::Result<()> {
        if let Some(path) = &arguments.json {
            atomic_file::write(path, &output::museval(&targets)?)?;
        }
        if let Some(path) = &arguments.csv {
            atomic_file::write(path, &output::csv(&targets)?)?;
        }
        write!(stdout(), "{}", output::terminal(&targets))
            .context("cannot write to standard output")
    };
    write().map_err(Failure::Run)?;
    Ok(match output::missing(&targets) {
        0 => Ending::Done,
        _ => Ending::PartlyFailed,
    })
}
