//! `table1`.

use anyhow::anyhow;

use super::{Ending, Failure, conduct};
use crate::cli::RunArguments;
use crate::config::Kind;
use crate::{config, table1};

/// Runs the paper's experiment.
///
/// # Errors
/// A configuration that is not valid, a run that fails.
pub fn run(arguments: &RunArguments) -> Result<Ending, Failure> {
    let config = config::load(&arguments.experiment.sources()).map_err(Failure::Usage)?;
    let kind = config.kind();
    if kind != Kind::Table1 {
        let command = kind.command();
        return Err(Failure::Usage(anyhow!(
            "the configuration has a section [{command}]: run it with `experiments {command}`"
        )));
    }
    conduct(arguments, &config, |folder, conduct, progress| {
        table1::run(&config, folder, conduct, progress)
    })
}
