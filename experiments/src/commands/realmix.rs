//! `realmix`.

use anyhow::anyhow;

use super::{Ending, Failure, conduct};
use crate::cli::RunArguments;
use crate::{config, realmix};

const EMBEDDED: &str = include_str!("../../../configs/realmix.toml");

/// Compares the methods on mixtures of recordings.
///
/// # Errors
/// A configuration that is not valid, a run that fails.
pub fn run(arguments: &RunArguments) -> Result<Ending, Failure> {
    let sources = arguments.experiment.sources();
    let mut config =
        config::load_or(&sources, "configs/realmix.toml", EMBEDDED).map_err(Failure::Usage)?;
    if config.sweep.is_some() {
        return Err(Failure::Usage(anyhow!(
            "the configuration has a section [sweep], which varies the paper's experiment only: run it with \
             `experiments sweep`, or leave the section out"
        )));
    }
    // Recorded in full, also where a file leaves it out; its default is as valid as the rest.
    config.realmix.get_or_insert_default();
    conduct(arguments, &config, |folder, conduct, progress| {
        realmix::run(&config, folder, conduct, progress)
    })
}
