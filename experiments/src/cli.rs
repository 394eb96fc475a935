//! The command line.

pub mod ending;
pub mod report;
mod score;
mod separate;
pub(crate) mod threads;
mod train;
pub mod verify;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Sources};
use crate::durable::run_folder::Start;
use crate::durable::shard::Shard;
use crate::tasks::Conduct;

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
  1  the run failed: a corpus that cannot be used, a file that cannot be read or written, a folder that another run is
     using, shards whose observations or examples are not complete
  2  wrong usage: an unknown option, a configuration that cannot be read or is not valid, a folder of another
     configuration or of an unfinished run, shards that are not of one run, files that do not go together
  3  done, but some observations or scores failed; observations.csv, sweep.csv, realmix.csv or the table
     says which and why
  4  verify: numbers differ, or a claim of the paper is not held
130  stopped by Ctrl-C or a termination signal; what is finished is kept for --resume

A results folder keeps what is finished of a run in `cells/`. A run that was killed or stopped goes on with --resume,
from any machine that sees the folder, and ends with the same bytes. Without --resume an unfinished run is neither
continued nor discarded; a finished one of the same configuration is run again from its beginning, except by --shard and
--dictionaries-only, which take what is there. A shard counts as unfinished, whose tables are yet to come, until a merge
writes them into its folder.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the paper's experiment: Table 1 and Fig. 1
    #[command(after_help = EXIT_CODES)]
    Table1(RunArguments),
    /// Vary values of a configuration: its section `sweep` says which
    #[command(after_help = EXIT_CODES)]
    Sweep(RunArguments),
    /// Put the shards of a run together and write its tables
    #[command(after_help = EXIT_CODES)]
    Merge(MergeArguments),
    /// Make one self-contained HTML page of a results folder
    #[command(after_help = EXIT_CODES)]
    Report(report::ReportArguments),
    /// Compare a results folder with a committed one, or with the paper's claims
    #[command(after_help = EXIT_CODES)]
    Verify(verify::VerifyArguments),
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

/// Options of every experiment.
#[derive(Debug, Args)]
pub struct ExperimentArguments {
    /// Configuration file; without it, the experiment's own in configs/, as of the build
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Change a value of the configuration, for example model.iterations=20 (repeatable, the last one counts)
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,

    /// Seed of all random numbers, in place of experiment.seed (and of sweep.seeds)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Threads; without it, one per processor. Results do not depend on it
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// Folder of the results; without it, results/<experiment.name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Begin anew: discard an unfinished run, and the results of another configuration
    #[arg(long)]
    pub force: bool,

    /// Report no progress, warnings only
    #[arg(long, short)]
    pub quiet: bool,
}

impl ExperimentArguments {
    /// Where the configuration's values come from.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources {
            file: self.config.clone(),
            set: self.set.clone(),
            seed: self.seed,
        }
    }

    /// The folder of the results.
    #[must_use]
    pub fn folder(&self, config: &Config) -> PathBuf {
        let default = || Path::new("results").join(&config.experiment.name);
        self.out.clone().unwrap_or_else(default)
    }
}

/// Options of an experiment whose observations or mixtures are kept as they are finished.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Those of every experiment.
    #[command(flatten)]
    pub experiment: ExperimentArguments,

    /// Go on where a run of the same configuration stopped; begin if there is none
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,

    /// Stop at the first observation or mixture that fails, instead of recording it and going on
    #[arg(long)]
    pub fail_fast: bool,

    /// Do the i-th of n shares of the observations or mixtures, for `merge` to put together; no tables are written
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,

    /// Learn the dictionaries into the cache and stop, so that shards which share it need not
    #[arg(long)]
    pub dictionaries_only: bool,

    /// Folder of learned dictionaries, which several runs may share; without it, cache/ in the results folder
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

impl RunArguments {
    /// How the run is conducted.
    #[must_use]
    pub fn conduct(&self) -> Conduct {
        Conduct {
            start: match (self.resume, self.experiment.force) {
                (true, _) => Start::Resume,
                (false, true) => Start::Force,
                // What is learned takes nothing from what is there.
                (false, false) if self.dictionaries_only => Start::Resume,
                (false, false) => Start::Fresh,
            },
            fail_fast: self.fail_fast,
            shard: self.shard,
            dictionaries_only: self.dictionaries_only,
        }
    }
}

/// Options of a merge.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Results folders of the shards
    #[arg(required = true, value_name = "DIR")]
    pub shards: Vec<PathBuf>,

    /// Folder of the merged results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Overwrite the results of another configuration, and discard what is kept there of its run
    #[arg(long)]
    pub force: bool,

    /// Report no progress, warnings only
    #[arg(long, short)]
    pub quiet: bool,
}
