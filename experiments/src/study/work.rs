//! Doing what is missing, in parallel, each part of a trial recorded when it is done.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use rayon::prelude::*;

use super::estimate::Estimate;
use super::guard::guarded;
use super::learned_weights::learn_weights;
use super::methods::Part;
use super::prepare::{Conduct, Prepared, PreparedTrial};
use super::separation::{Given, Separator, choose_execution};
use crate::interrupt;
use crate::progress::{Progress, Stage};
use crate::store::digest::Digest;
use crate::store::records::Records;

/// A part of a trial that is missing.
#[derive(Debug, Clone, Copy)]
struct Task<'a> {
    /// Position of the run.
    run: usize,
    trial: &'a PreparedTrial,
    part: Part,
    key: Digest,
}

/// Does the parts of trials that are not recorded, all of them or those of a shard. Returns how
/// many failed.
///
/// Trials that differ in beta only are done one after another, so that their mixture is drawn, its
/// true sources are prepared for scoring, and the single orders are separated, once.
///
/// # Errors
/// An interruption; records that cannot be written; with `fail_fast`, the first part that fails.
/// Otherwise a part that fails is recorded, and the others go on.
pub(crate) fn work(prepared: &Prepared<'_>, conduct: Conduct, progress: Progress) -> Result<usize> {
    let mut groups: Vec<Vec<Task<'_>>> = Vec::new();
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut wanted: HashSet<Digest> = HashSet::new();
    let parts = prepared.study.parts();
    for (run, prepared_run) in prepared.runs.iter().enumerate() {
        for trial in prepared_run.trials.iter().filter(|trial| trial.is_included) {
            for &part in &parts {
                let key = trial.keys.part(part).context("a part without key")?;
                if !wanted.insert(key) || prepared.records.is_done(&key) {
                    continue;
                }
                let place = *places.entry(trial.keys.shared()).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                let task = Task {
                    run,
                    trial,
                    part,
                    key,
                };
                groups[place].push(task);
            }
        }
    }
    let missing = groups.iter().map(Vec::len).sum();
    let execution = choose_execution(groups.len());
    let separators: Vec<Option<Separator<'_>>> = prepared
        .runs
        .par_iter()
        .map(|run| {
            let dictionaries = run.dictionaries.as_deref();
            let separator = |dictionaries| Separator::new(dictionaries, &run.run.config, execution);
            dictionaries.map(separator).transpose()
        })
        .collect::<Result<_>>()?;
    let tasks = || groups.iter().flatten();
    let learns = |run| tasks().any(|task| task.run == run && task.part == Part::Learned);
    let learned_weights = learn_weights(&prepared.runs, learns, progress)?;
    let worker = Worker {
        prepared,
        separators,
        learned_weights,
        recorder: Recorder::new(prepared, wanted.len(), missing, conduct.fail_fast, progress),
    };
    let outcome = groups.par_iter().try_for_each(|group| worker.run(group));
    worker.recorder.finish(outcome)
}

struct Worker<'a> {
    prepared: &'a Prepared<'a>,
    separators: Vec<Option<Separator<'a>>>,
    /// Of each run, or why there are none.
    learned_weights: Vec<Result<Vec<f64>, String>>,
    recorder: Recorder<'a>,
}

impl Worker<'_> {
    /// Does tasks on the same mixture.
    fn run(&self, tasks: &[Task<'_>]) -> Result<()> {
        interrupt::check()?;
        let Some(first) = tasks.first() else {
            return Ok(());
        };
        let prepared = guarded(|| {
            let separator = self.separator(first)?;
            let subject = separator
                .prepare(&first.trial.trial, first.trial.recorded.as_ref())
                .context("making the mixture")?;
            let scorer = separator.scorer(&subject);
            Ok((subject, scorer))
        });
        let (subject, scorer) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let message = format!("{error:#}");
                return tasks
                    .iter()
                    .try_for_each(|task| self.record(task, Err(anyhow!("{message}"))));
            }
        };
        for task in tasks {
            interrupt::check()?;
            let estimates = guarded(|| {
                let given = match task.part {
                    Part::Learned => match &self.learned_weights[task.run] {
                        Ok(weights) => Given::LearnedWeights(weights),
                        Err(error) => bail!("{error}"),
                    },
                    Part::Foreign(name) => Given::Signal(task.trial.read_foreign(name)?),
                    Part::Mixture | Part::Singles | Part::Fusion(_) | Part::Tempered => {
                        Given::Nothing
                    }
                };
                self.separator(task)?
                    .estimates(task.part, &subject, &scorer, &given)
            });
            self.record(task, estimates)?;
        }
        Ok(())
    }

    fn separator(&self, task: &Task<'_>) -> Result<&Separator<'_>> {
        self.separators[task.run]
            .as_ref()
            .context("no dictionaries")
    }

    fn record(&self, task: &Task<'_>, estimates: Result<Vec<Estimate>>) -> Result<()> {
        let run = self.prepared.runs[task.run].run;
        let name = || run.trial_name(&task.trial.trial);
        self.recorder.record(task.key, estimates, name)
    }
}

/// Takes down what comes of each task. May be used from any thread.
#[derive(Debug)]
struct Recorder<'a> {
    records: &'a Records<Vec<Estimate>>,
    fail_fast: bool,
    stage: Stage,
    wanted: usize,
    done: AtomicUsize,
    failed: AtomicUsize,
}

impl<'a> Recorder<'a> {
    /// `wanted` parts, of which `missing` are to be done.
    fn new(
        prepared: &'a Prepared<'_>,
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
            records: &prepared.records,
            fail_fast,
            stage: progress.stage("separating", missing),
            wanted,
            done: AtomicUsize::new(done),
            failed: AtomicUsize::new(0),
        }
    }

    /// Records what came of a task, a failure as well as a result; `name` is what it is called in
    /// an error.
    fn record(
        &self,
        key: Digest,
        estimates: Result<Vec<Estimate>>,
        name: impl FnOnce() -> String,
    ) -> Result<()> {
        let outcome = estimates.map_err(|error| format!("{error:#}"));
        let failure = outcome.as_ref().err().cloned();
        self.records.append(key, outcome)?;
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
    fn finish(self, outcome: Result<()>) -> Result<usize> {
        let synced = self.records.sync();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Dictionary;
    use ndarray::Array2;

    use super::*;
    use crate::config::Config;
    use crate::study::design::Study;
    use crate::study::dictionaries::{Dictionaries, DictionaryKeys};
    use crate::study::plan::{Keys, Plan, TrialInputs};
    use crate::study::prepare::PreparedRun;

    #[test]
    fn a_panic_while_a_mixture_is_made_is_a_failure_of_its_trial() {
        // Dictionaries of fewer bins than the transform has: no corpus leads to such, and the
        // transform panics.
        let dictionary = Arc::new(Dictionary::new(Array2::ones((1, 5))).unwrap());
        let mut config = Config::default();
        config.training.orders = vec![1];
        config.mixtures.snr_db = vec![0.0];
        config.mixtures.frames = 3;
        let study = Study::new(&config).unwrap();
        let digest = Digest::of_bytes(b"dictionary");
        let dictionary_keys = DictionaryKeys {
            generation: vec![digest],
            estimation: vec![digest],
            background: Some(digest),
        };
        let run = &study.runs[0];
        let trial = run.drawn_trials()[0];
        let inputs = TrialInputs {
            trial: &trial,
            dictionaries: &dictionary_keys,
            foreign: &[],
        };
        let keys = Keys::of_drawn(inputs, digest, &config).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (records, _) = Records::open(&folder.path().join("records")).unwrap();
        let prepared = Prepared {
            study: &study,
            runs: vec![PreparedRun {
                run,
                dictionaries: Some(Arc::new(Dictionaries {
                    generation: vec![Arc::clone(&dictionary)],
                    estimation: vec![Arc::clone(&dictionary)],
                    background: Some(dictionary),
                })),
                to_learn_from: Vec::new(),
                trials: vec![PreparedTrial {
                    trial,
                    keys: keys.clone(),
                    recorded: None,
                    foreign: Vec::new(),
                    samples: 0,
                    is_included: true,
                }],
            }],
            plan: Plan::new(Vec::new(), Vec::new()),
            records,
        };
        let failures = work(&prepared, Conduct::default(), Progress::new(true)).unwrap();
        let parts = study.parts();
        assert_eq!((failures, parts.len()), (5, 5));
        for part in parts {
            let outcome = &prepared.outcomes()[&keys.part(part).unwrap()];
            let error = outcome.as_ref().unwrap_err();
            assert!(error.contains("bins of the spectrogram"), "{error}");
        }
    }
}
