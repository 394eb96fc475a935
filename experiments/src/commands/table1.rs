//! `table1`.

use std::io::{Write, stdout};
use std::path::Path;

use anyhow::Context;

use super::{Ending, Failure, thread_pool};
use crate::cli::RunArguments;
use crate::progress::Progress;
use crate::results_folder::ResultsFolder;
use crate::{config, table1};

/// Runs the paper's experiment.
///
/// # Errors
/// A configuration that is not valid, a run that fails.
pub fn run(arguments: &RunArguments) -> Result<Ending, Failure> {
    let config = config::load(&arguments.sources()).map_err(Failure::Usage)?;
    let default_out = Path::new("results").join(&config.experiment.name);
    let out = arguments.out.as_deref().unwrap_or(&default_out);
    let folder = ResultsFolder::claim(out, &config, arguments.force).map_err(Failure::Usage)?;
    let progress = Progress::new(arguments.quiet);

    let outcome = thread_pool(arguments.jobs)
        .and_then(|pool| pool.install(|| table1::run(&config, &folder, progress)))
        .map_err(Failure::Run)?;
    writeln!(
        stdout(),
        "{}\nResults: {}",
        outcome.table,
        folder.path().display()
    )
    .context("cannot write to standard output")
    .map_err(Failure::Run)?;
    if outcome.failures == 0 {
        return Ok(Ending::Done);
    }
    progress.note(format_args!(
        "{} failures: see the column `error` of observations.csv",
        outcome.failures
    ));
    Ok(Ending::PartlyFailed)
}
