//! `sweep`.

use super::{Ending, Failure, ending, finish, thread_pool};
use crate::cli::RunArguments;
use crate::durable::run_folder::RunFolder;
use crate::progress::Progress;
use crate::sweep::{self, Design};
use crate::{config, interrupt};

/// Runs a sweep.
///
/// # Errors
/// A configuration that is not valid or no sweep, a run that fails.
pub fn run(arguments: &RunArguments) -> Result<Ending, Failure> {
    let common = &arguments.experiment;
    let mut config = config::load(&common.sources()).map_err(Failure::Usage)?;
    if let (Some(seed), Some(sweep)) = (common.seed, &mut config.sweep) {
        sweep.seeds = vec![seed];
    }
    let design = Design::of(&config)
        .map_err(|error| match &common.config {
            Some(file) => error.context(file.display().to_string()),
            None => error,
        })
        .map_err(Failure::Usage)?;
    let out = &common.folder(&config);
    let conduct = arguments.conduct();
    let mut folder = RunFolder::claim(out, &config, conduct.start)
        .map_err(Failure::Usage)?
        .with_cache(arguments.cache.clone());
    let progress = Progress::new(common.quiet);
    interrupt::install().map_err(Failure::Run)?;

    let outcome = thread_pool(common.jobs)
        .and_then(|pool| pool.install(|| sweep::run(&design, &mut folder, conduct, progress)))
        .map_err(Failure::Run)?;
    finish(outcome.table.as_deref(), out, conduct)?;
    Ok(ending(outcome.failures, progress))
}
