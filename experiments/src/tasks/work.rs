//! Doing what is missing, in parallel, each part recorded when it is done.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow};
use model::Execution;
use rayon::prelude::*;

use super::{Conduct, Parts, Prepared, PreparedRun, name};
use crate::cell::Cell;
use crate::digest::Digest;
use crate::durable::record::{Outcome, Record};
use crate::interrupt;
use crate::observation;
use crate::progress::{Progress, Stage};
use crate::separation::Separator;

/// The missing parts of observations with the same single orders. They are done one after another, so that the
/// observation is drawn, and its true sources prepared for scoring, once for runs that differ in beta only.
struct Unit {
    /// Which run and cell the single orders are missing for, and their key.
    singles: Option<(usize, Cell, Digest)>,
    /// The same for fusions.
    fusions: Vec<(usize, Cell, Digest)>,
}

/// Does the wanted parts that are not in the store, of all observations or of those of a shard. Returns how many failed.
///
/// # Errors
/// An interruption; a store that cannot be written; with `fail_fast`, the first task that fails. Otherwise a task that
/// fails is recorded, and the others go on.
pub fn work(
    prepared: &Prepared<'_>,
    parts: Parts,
    conduct: Conduct,
    progress: Progress,
) -> Result<usize> {
    let Prepared { runs, store, .. } = prepared;
    let mut units: Vec<Unit> = Vec::new();
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut seen: HashSet<Digest> = HashSet::new();
    for (index, run) in runs.iter().enumerate() {
        for (cell, keys) in &run.cells {
            if conduct
                .shard
                .is_some_and(|shard| !shard.holds(&keys.singles))
            {
                continue;
            }
            for key in parts.keys(keys) {
                if !seen.insert(key) || store.is_done(&key) {
                    continue;
                }
                let place = *places.entry(keys.singles).or_insert_with(|| {
                    units.push(Unit {
                        singles: None,
                        fusions: Vec::new(),
                    });
                    units.len() - 1
                });
                let task = (index, *cell, key);
                if key == keys.singles {
                    units[place].singles = Some(task);
                } else {
                    units[place].fusions.push(task);
                }
            }
        }
    }
    let missing: usize = units.iter().map(Unit::len).sum();
    if missing < seen.len() {
        progress.note(format_args!(
            "{} of {} parts are there already",
            seen.len() - missing,
            seen.len()
        ));
    }
    let execution = if units.len() < 2 * rayon::current_num_threads() {
        Execution::Parallel
    } else {
        Execution::Serial
    };
    let separators: Vec<Separator<'_>> = runs
        .par_iter()
        .map(|run| Separator::new(&run.dictionaries, run.config, execution))
        .collect::<Result<_>>()?;
    let worker = Worker {
        prepared,
        separators,
        fail_fast: conduct.fail_fast,
        stage: progress.stage("separating", missing),
        done: AtomicUsize::new(seen.len() - missing),
        failed: AtomicUsize::new(0),
    };
    let outcome = units.par_iter().try_for_each(|unit| worker.run(unit));
    // Whatever happened, what is done stays done.
    let synced = store.sync();
    outcome
        .with_context(|| {
            let done = worker.done.load(Ordering::Relaxed);
            format!("{done} of {} parts are finished and kept", seen.len())
        })
        .and(synced)?;
    worker.stage.finish();
    Ok(worker.failed.into_inner())
}

impl Unit {
    fn len(&self) -> usize {
        usize::from(self.singles.is_some()) + self.fusions.len()
    }
}

struct Worker<'a> {
    prepared: &'a Prepared<'a>,
    separators: Vec<Separator<'a>>,
    fail_fast: bool,
    stage: Stage,
    done: AtomicUsize,
    failed: AtomicUsize,
}

impl Worker<'_> {
    fn run(&self, unit: &Unit) -> Result<()> {
        interrupt::check()?;
        let tasks = || unit.singles.iter().chain(&unit.fusions);
        let Some((run, cell, _)) = tasks().next() else {
            return Ok(());
        };
        let PreparedRun {
            config,
            dictionaries,
            ..
        } = &self.prepared.runs[*run];
        let drawn = guarded(|| observation::draw(cell, dictionaries, config))
            .context("drawing the observation");
        let observation = match drawn {
            Ok(observation) => observation,
            Err(error) => {
                let message = format!("{error:#}");
                return tasks().try_for_each(|task| self.record(task, Err(anyhow!("{message}"))));
            }
        };
        let scorer = self.separators[*run].scorer(&observation);
        if let Some(task) = &unit.singles {
            let separator = &self.separators[task.0];
            let singles = guarded(|| separator.scored_singles(&observation, &scorer));
            self.record(task, singles.map(Outcome::Singles))?;
        }
        for task in &unit.fusions {
            interrupt::check()?;
            let separator = &self.separators[task.0];
            let fusion = guarded(|| separator.scored_fusion(&observation, &scorer));
            self.record(task, fusion.map(Outcome::Fusion))?;
        }
        Ok(())
    }

    fn record(&self, task: &(usize, Cell, Digest), outcome: Result<Outcome>) -> Result<()> {
        let (run, cell, key) = task;
        let failure = outcome.as_ref().err().map(|error| format!("{error:#}"));
        let outcome = outcome.unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        self.prepared.store.append(Record { key: *key, outcome })?;
        self.stage.step();
        match failure {
            None => {
                self.done.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Some(failure) if self.fail_fast => {
                let seed = self.prepared.runs[*run].config.experiment.seed;
                Err(anyhow!("{failure}")
                    .context(format!("{} failed (--fail-fast)", name(cell, seed))))
            }
            Some(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

/// A panic as an error, so that it costs one part and not the run. Nothing that outlives the work is changed by it.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
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
