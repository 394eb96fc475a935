//! `config`: the keys of a configuration.

use clap::Args;

use super::chosen_config::ChosenConfig;
use super::ending::{Ending, Failure, say};
use crate::config::{self, EmbeddedConfig};

/// Of which configuration; without one, that of `table1`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    chosen: ChosenConfig,
}

impl ConfigArguments {
    /// Prints every key, as a file that can be used as a configuration.
    ///
    /// # Errors
    /// A configuration that is not valid, standard output that cannot be written to.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let listing = config::list(&self.chosen.sources(), EmbeddedConfig::TABLE1);
        say(&listing.map_err(Failure::Usage)?)?;
        Ok(Ending::Done)
    }
}
