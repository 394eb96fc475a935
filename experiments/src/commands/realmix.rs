//! `realmix`.

use std::io::{Write, stdout};

use anyhow::Context;

use super::{Ending, Failure, thread_pool};
use crate::cli::ExperimentArguments;
use crate::progress::Progress;
use crate::results_folder::ResultsFolder;
use crate::{config, realmix};

const EMBEDDED: &str = include_str!("../../../configs/realmix.toml");

/// Compares the methods on mixtures of recordings.
///
/// # Errors
/// A configuration that is not valid, a run that fails.
pub fn run(arguments: &ExperimentArguments) -> Result<Ending, Failure> {
    let sources = arguments.sources();
    let mut config =
        config::load_or(&sources, "configs/realmix.toml", EMBEDDED).map_err(Failure::Usage)?;
    // Recorded in full, also where a file leaves it out; its default is as valid as the rest.
    config.realmix.get_or_insert_default();
    let out = arguments.folder(&config);
    let folder = ResultsFolder::claim(&out, &config, arguments.force).map_err(Failure::Usage)?;
    let progress = Progress::new(arguments.quiet);
    let outcome = thread_pool(arguments.jobs)
        .and_then(|pool| pool.install(|| realmix::run(&config, &folder, progress)))
        .map_err(Failure::Run)?;
    writeln!(
        stdout(),
        "{}\nResults: {}",
        outcome.table,
        folder.path().display()
    )
    .context("cannot write to standard output")
    .map_err(Failure::Run)?;
    Ok(match outcome.failures {
        0 => Ending::Done,
        _ => Ending::PartlyFailed,
    })
}
