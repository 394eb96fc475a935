//! `merge`: shards put together.

use std::path::PathBuf;

use clap::Args;

use super::ending::{Ending, Failure, announce, ending, say_left_out};
use crate::progress::Progress;
use crate::store::folder::RunFolder;
use crate::study;
use crate::study::merge::Merged;

/// Options of a merge.
#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// Results folders of the shards
    #[arg(required = true, value_name = "DIR")]
    shards: Vec<PathBuf>,

    /// Folder of the merged results
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Overwrite the tables of another configuration
    #[arg(long)]
    force: bool,

    /// Report no progress, warnings only
    #[arg(long, short)]
    quiet: bool,
}

impl MergeArguments {
    /// Puts shards together.
    ///
    /// # Errors
    /// Shards that do not agree or are not complete, a folder that cannot be written.
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let progress = Progress::new(self.quiet);
        let merge = || -> anyhow::Result<study::publish::Ending> {
            let merged = Merged::read(&self.shards, progress)?;
            let text = toml::to_string(&merged.config)?;
            // The shards are read no more: the folder may be one of theirs.
            let mut folder = RunFolder::claim(&self.out, text, self.force)?;
            folder.lock()?;
            merged.publish(&folder)
        };
        let done = merge().map_err(Failure::Run)?;
        let said = done.table.unwrap_or_default() + &say_left_out(done.left_out);
        announce(&said, &self.out)?;
        Ok(ending(done.failures, progress))
    }
}
