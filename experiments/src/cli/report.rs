//! Arguments of `report`.

use std::path::PathBuf;

use clap::Args;

/// What to report on, and where to.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Results folder of a run
    #[arg(value_name = "DIR")]
    pub run: PathBuf,

    /// The page; without it, DIR/report.html
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// How much of each example can be listened to. A second of each of six signals adds 0.3 MB per example
    #[arg(long, value_name = "X", default_value_t = 8.0, value_parser = seconds)]
    pub seconds: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.1..=600.0).contains(&value) => Ok(value),
        _ => Err("allowed are numbers from 0.1 to 600".to_owned()),
    }
}
