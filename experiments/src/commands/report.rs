//! `report`.

use std::io::{Write, stdout};

use anyhow::Context;

use super::{Ending, Failure, opened};
use crate::atomic_file;
use crate::cli::report::ReportArguments;
use crate::report;

/// Makes the page of a results folder.
///
/// # Errors
/// A folder that does not hold results; a file of it that is missing or broken; a page that cannot be written.
pub fn run(arguments: &ReportArguments) -> Result<Ending, Failure> {
    let run = opened(&arguments.run)?;
    let page = report::html(&run, arguments.seconds).map_err(Failure::Run)?;
    let default_out = arguments.run.join("report.html");
    let out = arguments.out.as_deref().unwrap_or(&default_out);
    atomic_file::write(out, page.as_bytes()).map_err(Failure::Run)?;
    writeln!(
        stdout(),
        "{}: {:.1} MB",
        out.display(),
        page.len() as f64 / 1e6
    )
    .context("cannot write to standard output")
    .map_err(Failure::Run)?;
    Ok(Ending::Done)
}
