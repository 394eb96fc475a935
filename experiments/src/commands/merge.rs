//! `merge`.

use super::{Ending, Failure, ending, finish};
use crate::cli::MergeArguments;
use crate::durable::run_folder::RunFolder;
use crate::merge;
use crate::progress::Progress;
use crate::tasks::Conduct;

/// Puts shards together.
///
/// # Errors
/// Shards that do not agree or are not complete, a folder that cannot be written.
pub fn run(arguments: &MergeArguments) -> Result<Ending, Failure> {
    let progress = Progress::new(arguments.quiet);
    let merged = merge::read(&arguments.shards, progress).map_err(Failure::Run)?;
    // Keeps runs off the folder; shards that are one with it are read no more.
    let folder = RunFolder::claim_for_tables(&arguments.out, &merged.config, arguments.force)
        .map_err(Failure::Run)?;
    let outcome = merged.publish(&folder).map_err(Failure::Run)?;
    finish(outcome.table.as_deref(), &arguments.out, Conduct::default())?;
    Ok(ending(outcome.failures, progress))
}
