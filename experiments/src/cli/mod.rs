//! The command line: the arguments of each command and its run in one file.

mod chosen_config;
mod completions;
mod config;
mod ending;
mod figures;
mod merge;
mod numbers;
mod precision;
mod report;
mod score;
mod separate;
mod study;
mod threads;
mod train;
mod verify;
mod warnings;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::Kind;

/// Variational Bayesian model averaging for NMF audio source separation.
#[derive(Debug, Parser)]
#[command(name = "vbnmf", version, max_term_width = 100, after_help = ENDINGS)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// What all commands have in common, once.
const ENDINGS: &str = "\
Exit codes:
  0    done
  1    the run failed: a corpus that cannot be used, a file that cannot be
       read or written, a folder that another run is using, shards whose
       trials or examples are not complete
  2    wrong usage: an unknown option, a configuration that cannot be read or
       is not valid, a folder with the tables of another configuration, shards
       that are not of one run, files that do not go together
  3    done, but some trials or scores failed; observations.csv or the table
       says which and why
  4    verify: numbers differ, or a claim of the paper is not held
  130  stopped by Ctrl-C or a termination signal; what is finished is kept

A results folder keeps what is finished of a run in `cells/`, under digests of
all that it depends on. A run goes on from what fits it, whoever left it
there: killed or stopped, it is just started again, from any machine that sees
the folder, and ends with the same bytes. To have everything computed anew,
choose another folder.";

/// Where that is.
const POINTER: &str = "Exit codes, and how a stopped run goes on: vbnmf --help";

/// The three steps of a recording, under the help of each.
const STEPS: &str = "\
Example:
  vbnmf train speech/ --out speech.npz
  vbnmf separate mix.wav --speech speech.npz --out stems
  vbnmf score --reference s.wav b.wav \\
      --estimate stems/speech.wav stems/background.wav

Exit codes: vbnmf --help";

/// The subcommands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the paper's experiment: Table 1 and Fig. 1
    #[command(after_help = POINTER)]
    Table1(study::StudyArguments),
    /// Vary values of a configuration: its section `sweep` says which
    #[command(after_help = POINTER)]
    Sweep(study::StudyArguments),
    /// Compare the methods on mixtures of recordings: held-out speech with held-out background
    #[command(after_help = POINTER)]
    Realmix(study::StudyArguments),
    /// Print every key of a configuration: its value, where that is from, and what is allowed
    Config(config::ConfigArguments),
    /// Put the shards of a run together and write its tables
    #[command(after_help = POINTER)]
    Merge(merge::MergeArguments),
    /// Make one self-contained HTML page of a results folder
    #[command(after_help = POINTER)]
    Report(report::ReportArguments),
    /// Draw the figures of a results folder anew from its tables, nothing is run
    #[command(after_help = POINTER)]
    Figures(figures::FiguresArguments),
    /// Compare a results folder with a committed one, or with the paper's claims
    #[command(after_help = POINTER)]
    Verify(verify::VerifyArguments),
    /// Score estimated signals against the true ones: BSS Eval, plain SDR, SI-SDR
    #[command(after_help = STEPS)]
    Score(score::ScoreArguments),
    /// Learn dictionaries of a source from recordings of it
    #[command(after_help = STEPS)]
    Train(train::TrainArguments),
    /// Separate a recording into stems, a WAV file per source
    #[command(after_help = STEPS)]
    Separate(Box<separate::SeparateArguments>),
    /// Print a script that lets a shell complete commands and options
    Completions(completions::CompletionsArguments),
}

/// Runs the command of this process' arguments.
pub fn run() -> ExitCode {
    warnings::install();
    let outcome = match Cli::parse().command {
        Command::Table1(arguments) => arguments.run(Kind::Table1),
        Command::Sweep(arguments) => arguments.run(Kind::Sweep),
        Command::Realmix(arguments) => arguments.run(Kind::Realmix),
        Command::Config(arguments) => arguments.run(),
        Command::Merge(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
        Command::Figures(arguments) => arguments.run(),
        Command::Verify(arguments) => arguments.run(),
        Command::Score(arguments) => arguments.run(),
        Command::Train(arguments) => arguments.run(),
        Command::Separate(arguments) => arguments.run(),
        Command::Completions(arguments) => arguments.run(&mut Cli::command()),
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
