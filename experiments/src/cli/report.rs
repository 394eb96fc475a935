//! `report`: one HTML page of a results folder.

use std::path::PathBuf;

use clap::Args;

use super::ending::{Ending, Failure, say};
use crate::report;
use crate::store::output::Outputs;
use crate::tables::recorded::Recorded;
use crate::tools::file_kinds::REPORT;

/// What to report on, and where to.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Results folder of a run
    #[arg(value_name = "DIR")]
    run: PathBuf,

    /// The page; without it, DIR/report.html
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// How much of each example can be listened to. A second of each of seven signals adds 0.3 MB
    /// per example
    #[arg(long, value_name = "X", default_value_t = 8.0, value_parser = seconds)]
    seconds: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.1..=600.0).contains(&value) => Ok(value),
        _ => Err("allowed are numbers from 0.1 to 600".to_owned()),
    }
}

impl ReportArguments {
    /// Makes the page of a results folder.
    ///
    /// # Errors
    /// A folder that does not hold results; a file of it that is missing or broken; a page that
    /// cannot be written.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let default_out = self.run.join("report.html");
        let out = self.out.as_deref().unwrap_or(&default_out);
        let make = || -> anyhow::Result<Option<usize>> {
            let run = Recorded::open(&self.run)?;
            // What is read is no page, so nothing that is read can be replaced.
            let output = Outputs::default().claim_file(out, "--out", REPORT)?;
            let to_standard_output = output.is_standard_output();
            let page = report::html(&run, self.seconds)?;
            output.write(page.as_bytes())?;
            Ok((!to_standard_output).then_some(page.len()))
        };
        let Some(bytes) = make().map_err(Failure::Run)? else {
            return Ok(Ending::Done);
        };
        say(&format!(
            "{}: {:.1} MB\n",
            out.display(),
            bytes as f64 / 1e6
        ))?;
        Ok(Ending::Done)
    }
}
