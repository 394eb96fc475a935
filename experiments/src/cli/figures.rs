//! `figures`: the figures of a results folder, drawn anew from its tables.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use super::ending::{Ending, Failure, say};
use crate::config::{Config, Sources, resolve};
use crate::store::folder::{CONFIG, RunFolder};
use crate::store::refused::Refused;
use crate::study::publish::figures;
use crate::tables::recorded::Recorded;

/// The section of what may be changed.
const LOOKS: &str = "figures.";

/// Which figures, and how they are to look.
#[derive(Debug, Args)]
pub(crate) struct FiguresArguments {
    /// Results folder of a run: its tables and the audio of its examples are read, figures replaced
    #[arg(value_name = "DIR")]
    run: PathBuf,

    /// Change how figures look, for example figures.style=paper (repeatable); without it, as the
    /// run was configured
    #[arg(long, value_name = "figures.KEY=VALUE")]
    set: Vec<String>,
}

impl FiguresArguments {
    /// Draws the figures of a results folder.
    ///
    /// # Errors
    /// A folder that does not hold results, or that a run is using; a table of it that is missing
    /// or broken; an option that would change more than looks; a file that cannot be written.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let run = Recorded::open(&self.run).map_err(Failure::Run)?;
        let config = self.config(&run).map_err(Failure::Usage)?;
        let draw = || -> anyhow::Result<Vec<String>> {
            let recorded = toml::to_string(run.config_table())?;
            let folder = RunFolder::claim(&self.run, recorded, false)?;
            let files = figures::draw(&run, config.figures.style)?;
            folder.add(&files)?;
            Ok(files.into_iter().map(|(name, _)| name).collect())
        };
        let names = draw().map_err(Failure::Run)?;
        let line = |name: &String| format!("{}\n", run.name(name));
        say(&names.iter().map(line).collect::<String>())?;
        Ok(Ending::Done)
    }

    /// The recorded configuration with the options.
    fn config(&self, run: &Recorded) -> anyhow::Result<Config> {
        for option in &self.set {
            ensure!(
                option.trim_start().starts_with(LOOKS),
                Refused(format!(
                    "--set {option}: figures are drawn from tables that are there, so only keys \
                     `{LOOKS}…` can be changed"
                ))
            );
        }
        let sources = Sources {
            set: self.set.clone(),
            ..Sources::default()
        };
        let recorded = toml::to_string(run.config_table())?;
        resolve(&run.name(CONFIG), &recorded, &sources)
    }
}
