//! Runs the experiments: config -> corpus -> dictionaries -> observations -> estimates -> scores -> tables and figures.

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::Parser;
use experiments::cli::{Cli, Command};
use experiments::commands;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Table1(arguments) => commands::table1::run(&arguments),
        Command::Sweep(arguments) => commands::sweep::run(&arguments),
        Command::Merge(arguments) => commands::merge::run(&arguments),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Verify(arguments) => commands::verify::run(&arguments),
        Command::Realmix(arguments) => commands::realmix::run(&arguments),
        Command::Score(arguments) => arguments.run(),
        Command::Train(arguments) => arguments.run(),
        Command::Separate(arguments) => arguments.run(),
    };
    let code = match outcome {
        Ok(ending) => ending.code(),
        Err(failure) => {
            // Nobody is left to tell if standard error is closed.
            let _ = writeln!(stderr(), "error: {:#}", failure.error());
            failure.code()
        }
    };
    code.into()
}
