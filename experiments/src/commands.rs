//! The subcommands: from arguments to an exit code. What they do is in the modules they call; here is how they are
//! asked for it and how they answer.

pub mod merge;
pub mod realmix;
pub mod report;
pub mod sweep;
pub mod table1;
pub mod verify;

use std::io::{Write, stdout};
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::RunArguments;
use crate::cli::threads::start_threads;
use crate::config::Config;
use crate::durable::run_folder::{RunFolder, RunPaths};
use crate::interrupt;
use crate::progress::Progress;
use crate::recorded::Recorded;
use crate::table1::Outcome;
use crate::tasks::Conduct;

pub use crate::cli::ending::{Ending, Failure};

/// The results in a folder, with a warning if they are about to be replaced.
fn opened(path: &Path) -> Result<Recorded, Failure> {
    let run = Recorded::open(path).map_err(Failure::Run)?;
    if RunPaths::of(path).unfinished().exists() {
        Progress::new(true).warn(format_args!(
            "{} holds an unfinished run: its tables are of an earlier one of the same configuration",
            path.display()
        ));
    }
    Ok(run)
}

/// Runs an experiment whose parts are kept as they are finished, in the folder asked for, and says what came of
/// it.
fn conduct(
    arguments: &RunArguments,
    config: &Config,
    work: impl FnOnce(&mut RunFolder, Conduct, Progress) -> Result<Outcome> + Send,
) -> Result<Ending, Failure> {
    let common = &arguments.experiment;
    let out = common.folder(config);
    let conduct = arguments.conduct();
    let mut folder = RunFolder::claim(&out, config, conduct.start)
        .map_err(Failure::Run)?
        .with_cache(arguments.cache.clone());
    let progress = Progress::new(common.quiet);
    interrupt::install().map_err(Failure::Run)?;
    let outcome = start_threads(common.jobs)
        .and_then(|pool| pool.install(|| work(&mut folder, conduct, progress)))
        .map_err(Failure::Run)?;
    finish(outcome.table.as_deref(), &out, conduct)?;
    Ok(ending(outcome.failures, progress))
}

/// Says what came of a run: its table, or what was asked for in place of it.
fn finish(table: Option<&str>, out: &Path, conduct: Conduct) -> Result<(), Failure> {
    let done = match (table, conduct.shard) {
        (Some(table), _) => table.to_owned(),
        (None, _) if conduct.dictionaries_only => {
            "The dictionaries are learned; --resume goes on from them.".to_owned()
        }
        (None, shard) => {
            let shard = shard.map(|shard| format!("Shard {shard} is done. "));
            format!(
                "{}When all shards are done: experiments merge <their folders> --out <folder>",
                shard.unwrap_or_default()
            )
        }
    };
    writeln!(stdout(), "{done}\nResults: {}", out.display())
        .context("cannot write to standard output")
        .map_err(Failure::Run)
}

/// How a run with so many failures ends.
fn ending(failures: usize, progress: Progress) -> Ending {
    if failures == 0 {
        return Ending::Done;
    }
    progress.warn(format_args!(
        "{failures} failures: see the column `error` of observations.csv, sweep.csv or realmix.csv, once the tables are \
         written"
    ));
    Ending::PartlyFailed
}
