//! `score`: its options and its run.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::ending::{Ending, Failure};
use crate::store::atomic;
use crate::tools::score::{
    Framing, ScoreFormat, SignalSet, TargetScores, count_missing, format_scores, score_set,
};

/// What to score, and how.
#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// The true signals: WAV files, or one folder of them
    #[arg(long, value_name = "WAV|DIR", num_args = 1.., required = true)]
    reference: Vec<PathBuf>,

    /// Their estimates: as many WAV files in the same order, or a folder of files of the same names
    #[arg(long, value_name = "WAV|DIR", num_args = 1.., required = true)]
    estimate: Vec<PathBuf>,

    /// Match estimates with references by the greatest mean SIR instead of by order or name
    #[arg(long)]
    permute: bool,

    /// Score frames of this length as well, each with distortion filters of its own
    #[arg(long, value_name = "SECONDS")]
    window: Option<f64>,

    /// Distance between the starts of two frames; without it, the window's length
    #[arg(long, value_name = "SECONDS", requires = "window")]
    hop: Option<f64>,

    /// Write the scores as JSON in the shape of museval
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the scores as CSV, one row per number
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

impl ScoreArguments {
    /// Scores estimates against references.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit together, frames that do not fit them, files that
    /// cannot be written.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let set = SignalSet::read(&self.reference, &self.estimate).map_err(Failure::Run)?;
        let framing = self.window.map(|window_seconds| Framing {
            window_seconds,
            hop_seconds: self.hop.unwrap_or(window_seconds),
        });
        let targets = score_set(&set, self.permute, framing).map_err(Failure::Run)?;
        self.write(&targets).map_err(Failure::Run)?;
        Ok(match count_missing(&targets) {
            0 => Ending::Done,
            _ => Ending::PartlyFailed,
        })
    }

    fn write(&self, targets: &[TargetScores]) -> Result<()> {
        for (path, format) in [
            (&self.json, ScoreFormat::Json),
            (&self.csv, ScoreFormat::Csv),
        ] {
            if let Some(path) = path {
                atomic::write(path, &format_scores(targets, format)?)?;
            }
        }
        stdout()
            .write_all(&format_scores(targets, ScoreFormat::Text)?)
            .context("cannot write to standard output")
    }
}
