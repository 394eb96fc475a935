//! What was asked for wrongly, told from what failed.

use anyhow::{Result, bail};

/// What is asked for does not go together with what is there, such as a run with a folder of other
/// results: the same again is refused again. Commands end with the exit code of wrong usage for it,
/// whenever they meet it, while a file that cannot be read or written, or a lock that another run
/// holds, is a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// One error for all, if there are any: [`Refused`] if all of them are.
pub(crate) fn join_errors(mut errors: Vec<anyhow::Error>) -> Result<()> {
    if errors.len() < 2 {
        return errors.pop().map_or(Ok(()), Err);
    }
    let lines: Vec<String> = errors
        .iter()
        .map(|error| format!("\n  {error:#}"))
        .collect();
    let message = format!("{} files cannot be used:{}", errors.len(), lines.concat());
    if errors.iter().all(anyhow::Error::is::<Refused>) {
        bail!(Refused(message));
    }
    bail!(message)
}
