//! `figures`: the figures of a results folder, drawn anew from its tables.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use super::ending::{Ending, Failure, say};
use crate::config::{Config, Sources, resolve};
use crate::store::atomic;
use crate::store::folder::{CONFIG, KeptPaths, RunFolder};
use crate::store::lock::FolderLock;
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
    /// with `--out`, that is there; a folder of results as `--out`.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let run = Recorded::open(&self.run).map_err(Failure::Run)?;
        let config = self.config(&run).map_err(Failure::Usage)?;
        let names = match &self.out {
            None => self.draw_in_place(&run, &config),
            Some(out) => self.draw_apart(&run, &config, out),
        };
        let names = names.map_err(Failure::Run)?;
        let line = |name: String| format!("{name}\n");
        say(&names.into_iter().map(line).collect::<String>())?;
        Ok(Ending::Done)
    }

    /// Draws them in place of those of the run; returns their names.
    fn draw_in_place(&self, run: &Recorded, config: &Config) -> Result<Vec<String>> {
        let recorded = toml::to_string(run.config_table())?;
        let folder = RunFolder::claim(&self.run, recorded, false)?;
        let files = figures::draw(run, config.figures.style)?;
        folder.add(&files)?;
        Ok(files.iter().map(|(name, _)| run.name(name)).collect())
    }

    /// Draws them to a folder that is no run's, where nothing is replaced; returns their names.
    fn draw_apart(&self, run: &Recorded, config: &Config, out: &Path) -> Result<Vec<String>> {
        ensure!(
            !out.join(CONFIG).exists(),
            Refused(format!(
                "{} (--out): holds the results of a run; without --out figures are drawn in place",
                out.display()
            ))
        );
        Outputs::default().claim_folder(out, &format!("{} (--out)", out.display()))?;
        // A run under way would go on writing its tables.
        let _lock = FolderLock::share(&KeptPaths::new(&self.run).lock(), &self.run)?;
        let files = figures::draw(run, config.figures.style)?;
        let mut names = Vec::new();
        for (name, contents) in files {
            let path = out.join(name);
            atomic::create_folder(path.parent().unwrap_or(out))?;
            ensure!(
                atomic::write_new(&path, &contents)?,
                Refused(format!(
                    "{} is there already: give another folder, or move it away",
                    path.display()
                ))
            );
            names.push(path.display().to_string());
        }
        Ok(names)
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
