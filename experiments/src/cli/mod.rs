//! The command line: the arguments of each command and its run in one file.

mod ending;
mod merge;
mod report;
mod score;
mod separate;
mod study;
mod threads;
mod train;
mod verify;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Kind;
use crate::warnings;

/// Variational Bayesian model averaging for audio source separation: the experiments.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the run failed: a corpus that cannot be used, a file that cannot be read or written, a folder
     that another run is using, shards whose trials or examples are not complete
  2  wrong usage: an unknown option, a configuration that cannot be read or is not valid, a folder
     with the tables of another configuration, shards that are not of one run, files that do not go
     together
  3  done, but some trials or scores failed; observations.csv or the table says which and why
  4  verify: numbers differ, or a claim of the paper is not held
130  stopped by Ctrl-C or a termination signal; what is finished is kept

A results folder keeps what is finished of a run in `cells/`, under keys of all that determines it.
A run goes on from what fits it, whoever left it there: killed or stopped, it is just started again,
from any machine that sees the folder, and ends with the same bytes. To have everything computed
anew, choose another folder.";

/// The subcommands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the paper's experiment: Table 1 and Fig. 1
    #[command(after_help = EXIT_CODES)]
    Table1(study::StudyArguments),
    /// Vary values of a configuration: its section `sweep` says which
    #[command(after_help = EXIT_CODES)]
    Sweep(study::StudyArguments),
    /// Compare the methods on mixtures of recordings: held-out speech with held-out background
    #[command(after_help = EXIT_CODES)]
    Realmix(study::StudyArguments),
    /// Put the shards of a run together and write its tables
    #[command(after_help = EXIT_CODES)]
    Merge(merge::MergeArguments),
    /// Make one self-contained HTML page of a results folder
    #[command(after_help = EXIT_CODES)]
    Report(report::ReportArguments),
    /// Compare a results folder with a committed one, or with the paper's claims
    #[command(after_help = EXIT_CODES)]
    Verify(verify::VerifyArguments),
    /// Score estimated signals against the true ones: BSS Eval, plain SDR, SI-SDR
    #[command(after_help = EXIT_CODES)]
    Score(score::ScoreArguments),
    /// Learn dictionaries of a source from recordings of it
    #[command(after_help = EXIT_CODES)]
    Train(train::TrainArguments),
    /// Separate a recording into stems, a WAV file per source
    #[command(after_help = EXIT_CODES)]
    Separate(Box<separate::SeparateArguments>),
}

/// Runs the command of this process' arguments.
pub fn run() -> ExitCode {
    warnings::install();
    let outcome = match Cli::parse().command {
        Command::Table1(arguments) => arguments.run(Kind::Table1),
        Command::Sweep(arguments) => arguments.run(Kind::Sweep),
        Command::Realmix(arguments) => arguments.run(Kind::Realmix),
        Command::Merge(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
        Command::Verify(arguments) => arguments.run(),
        Command::Score(arguments) => arguments.run(),
        Command::Train(arguments) => arguments.run(),
        Command::Separate(arguments) => arguments.run(),
    };
    let code = match outcome {
        Ok(ending) => ending.exit_code(),
        Err(failure) => {
            // Nobody is left to tell if standard error is closed.
            let _ = writeln!(stderr(), "error: {:#}", failure.error());
            failure.exit_code()
        }
    };
    code.into()
}
