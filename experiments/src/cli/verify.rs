//! Arguments of `verify`.

use std::path::PathBuf;

use clap::Args;

/// What to verify, and against what.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Results folder of a run or a sweep
    #[arg(value_name = "DIR")]
    pub run: PathBuf,

    /// Results folder to compare with, or `paper` for the paper's claims; without it,
    /// results/reference/<experiment.name>
    #[arg(long, value_name = "DIR|paper")]
    pub against: Option<PathBuf>,

    /// Relative difference allowed between two numbers, besides one unit of the last printed digit
    #[arg(long, value_name = "X", default_value_t = crate::comparison::TOLERANCE, value_parser = tolerance)]
    pub tolerance: f64,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("allowed are numbers from 0 to 1".to_owned()),
    }
}
