//! Runs a command of the experiments.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::run()
}
