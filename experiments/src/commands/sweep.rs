//! `sweep`.

use super::{Ending, Failure, conduct};
use crate::cli::RunArguments;
use crate::config;
use crate::sweep::{self, Design};

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
    conduct(arguments, &config, |folder, conduct, progress| {
        sweep::run(&design, folder, conduct, progress)
    })
}
