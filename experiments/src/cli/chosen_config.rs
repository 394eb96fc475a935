//! The options that say which configuration, and what is different in it.

use std::path::PathBuf;

use clap::Args;

use super::numbers::parse_seed;
use crate::config::Sources;

/// A configuration and changes to it.
#[derive(Debug, Args)]
pub(crate) struct ChosenConfig {
    /// Configuration file, or the name of one of configs/ as of the build, for example quick;
    /// without it, the command's own
    #[arg(long, value_name = "FILE|NAME")]
    config: Option<PathBuf>,

    /// Change a value of the configuration, for example model.iterations=20 (repeatable; of the
    /// same key the last one counts); `vbnmf config` lists all keys
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,

    /// Seed of all random numbers, in place of experiment.seed (and of sweep.seeds)
    #[arg(long, value_name = "N", value_parser = parse_seed)]
    seed: Option<u64>,
}

impl ChosenConfig {
    /// What the configuration is made of.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            file: self.config.clone(),
            set: self.set.clone(),
            seed: self.seed,
        }
    }

    /// The configuration as messages call it.
    pub(super) fn name(&self) -> String {
        match &self.config {
            Some(file) => file.display().to_string(),
            None => "the configuration".to_owned(),
        }
    }

    /// Whether it is the command's own.
    pub(super) fn is_default(&self) -> bool {
        self.config.is_none()
    }
}
