//! `figures`: the figures of a results folder, drawn anew from its tables.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use super::ending::{Ending, Failure, say};
use crate::config::{Config, Sources, resolve};
use crate::store::atomic;
use crate::store::folder::{CONFIG, RunFolder};
use crate::store::output::Outputs;
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

    /// Folder to write them to instead; figures that are there already are not replaced
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

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
    /// or broken; an option that would change more than looks; a file that cannot be written, or
    /// with `--out`, that is there.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let run = Recorded::open(&self.run).map_err(Failure::Run)?;
        let config = self.config(&run).map_err(Failure::Usage)?;
        let names = self.draw(&run, &config).map_err(Failure::Run)?;
        let line = |name: String| format!("{name}\n");
        say(&names.into_iter().map(line).collect::<String>())?;
        Ok(Ending::Done)
    }

    /// Draws and writes them; returns where they are.
    fn draw(&self, run: &Recorded, config: &Config) -> Result<Vec<String>> {
        let draw = || figures::draw(run, config.figures.style);
        let Some(out) = &self.out else {
            let recorded = toml::to_string(run.config_table())?;
            let folder = RunFolder::claim(&self.run, recorded, false)?;
            let files = draw()?;
            folder.add(&files)?;
            return Ok(files.iter().map(|(name, _)| run.name(name)).collect());
        };
        Outputs::default().claim_folder(out, &format!("{} (--out)", out.display()))?;
        let files = draw()?;
        let paths: Vec<PathBuf> = files.iter().map(|(name, _)| out.join(name)).collect();
        for path in &paths {
            ensure!(
                fs::symlink_metadata(path).is_err(),
                Refused(format!(
                    "{} is there already: give another folder, or move it away",
                    path.display()
                ))
            );
        }
        for ((_, contents), path) in files.iter().zip(&paths) {
            atomic::create_folder(path.parent().unwrap_or(out))?;
            atomic::write(path, contents)?;
        }
        Ok(paths
            .iter()
            .map(|path| path.display().to_string())
            .collect())
    }

    /// The recorded configuration with the options.
    fn config(&self, run: &Recorded) -> Result<Config> {
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
