//! `sweep`.

use std::path::Path;

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
    let mut config = config::load(&arguments.sources()).map_err(Failure::Usage)?;
    if let (Some(seed), Some(sweep)) = (arguments.seed, &mut config.sweep) {
        sweep.seeds = vec![seed];
    }
    let design = Design::of(&config)
        .map_err(|error| match &arguments.config {
            Some(file) => error.context(file.display().to_string()),
            None => error,
        })
        .map_err(Failure::Usage)?;
    let default_out = Path::new("results").join(&config.experiment.name);
    let out = arguments.out.as_deref().unwrap_or(&default_out);
    let conduct = arguments.conduct();
    let mut folder = RunFolder::claim(out, &config, conduct.start)
        .map_err(Failure::Usage)?
        .with_cache(arguments.cache.clone());
    let progress = Progress::new(arguments.quiet);
    interrupt::install().map_err(Failure::Run)?;

    let outcome = thread_pool(arguments.jobs)
        .and_then(|pool| pool.install(|| sweep::run(&design, &mut folder, conduct, progress)))
        .map_err(Failure::Run)?;
    finish(outcome.table.as_deref(), out, conduct)?;
    Ok(ending(outcome.failures, progress))
}
