//! Doing what is missing, in parallel, each part recorded when it is done.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, anyhow};
use model::Execution;
use rayon::prelude::*;

use super::{Conduct, Parts, Prepared, PreparedRun, Recorder, guarded, name};
use crate::cell::Cell;
use crate::digest::Digest;
use crate::durable::record::Outcome;
use crate::interrupt;
use crate::observation;
use crate::progress::Progress;
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
    let recorder = Recorder::new(store, seen.len(), missing, conduct.fail_fast, progress);
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
        recorder,
    };
    let outcome = units.par_iter().try_for_each(|unit| worker.run(unit));
    worker.recorder.finish(outcome)
}

impl Unit {
    fn len(&self) -> usize {
        usize::from(self.singles.is_some()) + self.fusions.len()
    }
}

struct Worker<'a> {
    prepared: &'a Prepared<'a>,
    separators: Vec<Separator<'a>>,
    recorder: Recorder<'a>,
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
        let prepared = guarded(|| {
            let observation =
                observation::draw(cell, dictionaries, config).context("drawing the observation")?;
            let scorer = self.separators[*run].scorer(&observation);
            Ok((observation, scorer))
        });
        let (observation, scorer) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let message = format!("{error:#}");
                return tasks().try_for_each(|task| self.record(task, Err(anyhow!("{message}"))));
            }
        };
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
        let seed = self.prepared.runs[*run].config.experiment.seed;
        self.recorder.record(*key, outcome, || name(cell, seed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Dictionary;
    use ndarray::Array2;

    use super::*;
    use crate::config::Config;
    use crate::durable::key::Keys;
    use crate::durable::plan::Plan;
    use crate::durable::store::CellStore;
    use crate::training::Dictionaries;

    #[test]
    fn a_panic_while_scores_are_prepared_is_a_failure_of_the_observation() {
        // Dictionaries of fewer bins than the transform has: no corpus leads to such, and the transform panics.
        let dictionary = Arc::new(Dictionary::new(Array2::ones((5, 1))).unwrap());
        let mut config = Config::default();
        config.mixtures.frames = 3;
        let cell = Cell {
            order_index: 0,
            true_order: 1,
            snr_db: 0.0,
        };
        let keys = Keys {
            singles: Digest::of_bytes(b"singles"),
            fusion: Digest::of_bytes(b"fusion"),
        };
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = CellStore::open(&folder.path().join("records.jsonl")).unwrap();
        let run = PreparedRun {
            config: &config,
            dictionaries: Arc::new(Dictionaries {
                generation: vec![Arc::clone(&dictionary)],
                estimation: vec![Arc::clone(&dictionary)],
                background: dictionary,
            }),
            cells: vec![(cell, keys)],
        };
        let prepared = Prepared {
            runs: vec![run],
            plan: Plan::new(Vec::new(), None),
            store,
        };
        let both = Parts {
            singles: true,
            fusion: true,
        };
        let failures = work(&prepared, both, Conduct::default(), Progress::new(true)).unwrap();
        assert_eq!(failures, 2);
        for key in [keys.singles, keys.fusion] {
            let outcome = prepared.store.outcome(&key);
            assert!(
                matches!(&outcome, Some(Outcome::Failed(error)) if error.contains("bins of the spectrogram")),
                "{outcome:?}"
            );
        }
    }
}
