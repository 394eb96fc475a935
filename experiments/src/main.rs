//! Runs the experiments: config -> corpus -> dictionaries -> observations -> estimates -> scores -> tables and figures.

use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use experiments::cli::{Cli, Command, RunArguments};
use experiments::progress::Progress;
use experiments::results_folder::ResultsFolder;
use experiments::{config, table1};

/// Exit codes, as `--help` documents them.
const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
const PARTLY_FAILED: u8 = 3;

fn main() -> ExitCode {
    let Command::Table1(arguments) = Cli::parse().command;
    match run(&arguments) {
        Ok(code) => code,
        Err((code, error)) => {
            // Nobody is left to tell if standard error is closed.
            let _ = writeln!(stderr(), "error: {error:#}");
            code.into()
        }
    }
}

fn run(arguments: &RunArguments) -> Result<ExitCode, (u8, anyhow::Error)> {
    let wrong_usage = |error| (WRONG_USAGE, error);
    let config = config::load(&arguments.sources()).map_err(wrong_usage)?;
    let default_out = Path::new("results").join(&config.experiment.name);
    let out = arguments.out.as_deref().unwrap_or(&default_out);
    let folder = ResultsFolder::claim(out, &config, arguments.force).map_err(wrong_usage)?;
    let progress = Progress::new(arguments.quiet);

    let failed = |error| (FAILED, error);
    let outcome = thread_pool(arguments)
        .and_then(|pool| pool.install(|| table1::run(&config, &folder, progress)))
        .map_err(failed)?;
    writeln!(
        stdout(),
        "{}\nResults: {}",
        outcome.table,
        folder.path().display()
    )
    .context("cannot write to standard output")
    .map_err(failed)?;
    if outcome.failures == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    progress.note(format_args!(
        "{} failures: see the column `error` of observations.csv",
        outcome.failures
    ));
    Ok(PARTLY_FAILED.into())
}

fn thread_pool(arguments: &RunArguments) -> Result<rayon::ThreadPool> {
    // Zero stands for one thread per processor.
    let jobs = arguments.jobs.map_or(0, std::num::NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .context("cannot start the threads of --jobs")
}
