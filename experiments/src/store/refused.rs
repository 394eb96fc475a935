//! What was asked for wrongly, told from what failed.

/// What is asked for does not go together with what is there, such as a run with a folder of other
/// results: the same again is refused again. Commands end with the exit code of wrong usage for it,
/// whenever they meet it, while a file that cannot be read or written, or a lock that another run
/// holds, is a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);
