//! What a configuration is made of.

use std::path::PathBuf;

/// Where the values of a configuration come from, the later over the earlier.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// A file, or the name of an embedded configuration; the command's own if absent.
    pub(crate) file: Option<PathBuf>,
    /// `section.key=value`, in the order given.
    pub(crate) set: Vec<String>,
    /// `--seed`.
    pub(crate) seed: Option<u64>,
}
