//! Options of `score`.

use std::path::PathBuf;

use clap::Args;

/// What to score, and how.
#[derive(Debug, Args)]
pub struct ScoreArguments {
    /// The true signals: WAV files, or one folder of them
    #[arg(long, value_name = "WAV|DIR", num_args = 1.., required = true)]
    pub reference: Vec<PathBuf>,

    /// Their estimates: as many WAV files in the same order, or one folder of files of the same names
    #[arg(long, value_name = "WAV|DIR", num_args = 1.., required = true)]
    pub estimate: Vec<PathBuf>,

    /// Match estimates with references by the greatest mean SIR instead of by order or name
    #[arg(long)]
    pub permute: bool,

    /// Score frames of so many seconds as well, each with distortion filters of its own
    #[arg(long, value_name = "SECONDS")]
    pub window: Option<f64>,

    /// Distance between the starts of two frames; without it, the window's length
    #[arg(long, value_name = "SECONDS", requires = "window")]
    pub hop: Option<f64>,

    /// Write the scores as JSON in the shape of museval
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write the scores as CSV, one row per number
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}
