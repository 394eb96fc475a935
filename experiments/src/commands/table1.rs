//! `table1`.

use anyhow::anyhow;

use super::{Ending, Failure, ending, finish, thread_pool};
use crate::cli::RunArguments;
use crate::durable::run_folder::RunFolder;
use crate::progress::Progress;
use crate::{config, interrupt, table1};

/// Runs the paper's experiment.
///
/// # Errors
/// A configuration that is not valid, a run that fails.
pub fn run(arguments: &RunArguments) -> Result<Ending, Failure> {
    let common = &arguments.experiment;
    let config = config::load(&common.sources()).map_err(Failure::Usage)?;
    if config.sweep.is_some() {
        return Err(Failure::Usage(anyhow!(
            "the configuration has a section [sweep]: run it with `experiments sweep`"
        )));
    }
    let out = &common.folder(&config);
    let conduct = arguments.conduct();
    let mut folder = RunFolder::claim(out, &config, conduct.start)
        .map_err(Failure::Usage)?
        .with_cache(arguments.cache.clone());
    let progress = Progress::new(common.quiet);
    interrupt::install().map_err(Failure::Run)?;

    let outcome = thread_pool(common.jobs)
        .and_then(|pool| pool.install(|| table1::run(&config, &mut folder, conduct, progress)))
        .map_err(Failure::Run)?;
    finish(outcome.table.as_deref(), out, conduct)?;
    Ok(ending(outcome.failures, progress))
}
