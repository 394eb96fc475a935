//! The command line.

mod score;
mod separate;
mod train;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Sources;

pub use score::ScoreArguments;
pub use separate::SeparateArguments;
pub use train::TrainArguments;

/// Variational Bayesian model averaging for audio source separation: the experiments.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the run failed: a corpus that cannot be used, an output folder that cannot be written
  2  wrong usage: an unknown option, a configuration that is not valid
  3  done, but some observations or scores failed; observations.csv or the table says which and why";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the paper's experiment: Table 1 and Fig. 1
    #[command(after_help = EXIT_CODES)]
    Table1(RunArguments),
    /// Compare the methods on mixtures of recordings: held-out speech with held-out background
    #[command(after_help = EXIT_CODES)]
    Realmix(RunArguments),
    /// Score estimated signals against the true ones: BSS Eval, plain SDR, SI-SDR
    #[command(after_help = EXIT_CODES)]
    Score(ScoreArguments),
    /// Learn dictionaries of a source from recordings of it
    #[command(after_help = EXIT_CODES)]
    Train(TrainArguments),
    /// Separate a recording into stems, a WAV file per source
    #[command(after_help = EXIT_CODES)]
    Separate(Box<SeparateArguments>),
}

/// Options of a run.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Configuration file; without it, the experiment's own in configs/, as of the build
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Change a value of the configuration, for example model.iterations=20 (repeatable, the last one counts)
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,

    /// Seed of all random numbers, in place of experiment.seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Threads; without it, one per processor. Results do not depend on it
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// Folder of the results; without it, results/<experiment.name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Overwrite the results of another configuration
    #[arg(long)]
    pub force: bool,

    /// Report no progress
    #[arg(long, short)]
    pub quiet: bool,
}

impl RunArguments {
    /// Where the configuration's values come from.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources {
            file: self.config.clone(),
            set: self.set.clone(),
            seed: self.seed,
        }
    }
}
