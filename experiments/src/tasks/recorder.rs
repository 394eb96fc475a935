//! What comes of tasks, recorded and counted as they are done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow};

use crate::digest::Digest;
use crate::durable::record::{Outcome, Record};
use crate::durable::store::CellStore;
use crate::progress::{Progress, Stage};

/// Takes down what came of each task. May be used from any thread.
#[derive(Debug)]
pub struct Recorder<'a> {
    store: &'a CellStore,
    fail_fast: bool,
    stage: Stage,
    wanted: usize,
    done: AtomicUsize,
    failed: AtomicUsize,
}

impl<'a> Recorder<'a> {
    /// For so many tasks that are wanted, of which so many are missing in the store.
    #[must_use]
    pub fn new(
        store: &'a CellStore,
        wanted: usize,
        missing: usize,
        fail_fast: bool,
        progress: Progress,
    ) -> Self {
        let done = wanted - missing;
        if done > 0 {
            progress.note(format_args!("{done} of {wanted} parts are there already"));
        }
        Self {
            store,
            fail_fast,
            stage: progress.stage("separating", missing),
            wanted,
            done: AtomicUsize::new(done),
            failed: AtomicUsize::new(0),
        }
    }

    /// Records what came of a task, a failure as well as a result; `name` is what it is called in an error.
    ///
    /// # Errors
    /// A store that cannot be written; with `fail_fast`, a task that failed.
    pub fn record(
        &self,
        key: Digest,
        outcome: Result<Outcome>,
        name: impl FnOnce() -> String,
    ) -> Result<()> {
        let failure = outcome.as_ref().err().map(|error| format!("{error:#}"));
        let outcome = outcome.unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        self.store.append(Record { key, outcome })?;
        self.stage.step();
        match failure {
            None => {
                self.done.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Some(failure) if self.fail_fast => {
                Err(anyhow!("{failure}").context(format!("{} failed (--fail-fast)", name())))
            }
            Some(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Makes all records durable, whatever ended the work, and returns how many tasks failed.
    ///
    /// # Errors
    /// What ended the work, with how much is finished; a store that cannot be written.
    pub fn finish(self, outcome: Result<()>) -> Result<usize> {
        let synced = self.store.sync();
        outcome
            .with_context(|| {
                let done = self.done.load(Ordering::Relaxed);
                format!("{done} of {} parts are finished and kept", self.wanted)
            })
            .and(synced)?;
        self.stage.finish();
        Ok(self.failed.into_inner())
    }
}

/// A panic as an error, so that it costs one part and not the run. Nothing that outlives the work is changed by it.
///
/// # Errors
/// Those of the work, and its panic.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied());
        Err(anyhow!(
            "a fault of the program: {}",
            message.unwrap_or("unknown")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_its_part() {
        let told = |work: fn() -> Result<()>| guarded(work).unwrap_err().to_string();
        assert!(told(|| panic!("index {}", 7)).ends_with("program: index 7"));
        assert!(told(|| panic!("empty")).ends_with("program: empty"));
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
    }
}
