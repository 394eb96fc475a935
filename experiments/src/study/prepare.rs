//! From a study to what there is to do: corpora are read, keys formed, dictionaries learned or
//! taken from the cache. What several runs share is done once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;

use super::design::{Run, Study};
use super::dictionaries::origin::Origin;
use super::dictionaries::signals::{Signals, describe, open_corpus};
use super::dictionaries::voices::Voices;
use super::dictionaries::{Dictionaries, DictionaryKeys};
use super::estimate::{Estimate, Outcomes, Trial};
use super::foreign::{ForeignEstimates, ForeignName, ForeignSignal};
use super::mixtures::recorded::{self, RecordedMixture};
use super::plan::{CorpusInfo, Keys, Plan, PlannedRun, PlannedTrial, TrialInputs};
use crate::config::{Config, Estimation, MixtureSource, Normalisation, Recordings};
use crate::corpus::CorpusSection;
use crate::interrupt;
use crate::progress::Progress;
use crate::store::digest::Digest;
use crate::store::folder::RunFolder;
use crate::store::records::Records;
use crate::store::shard::Shard;

/// How a run is conducted. Nothing of it changes a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Conduct {
    /// End at the first trial that fails.
    pub(crate) fail_fast: bool,
    /// Do a share of the trials only.
    pub(crate) shard: Option<Shard>,
    /// Learn the dictionaries, and do none of the trials.
    pub(crate) dictionaries_only: bool,
    /// Keep what makes the signals of all trials again, to write them to files.
    pub(crate) exports: bool,
}

impl Conduct {
    /// Whether a trial is among those to be done.
    fn includes(self, keys: &Keys) -> bool {
        self.shard.is_none_or(|shard| shard.holds(&keys.shared()))
    }
}

/// A trial that is to be done, or was.
#[derive(Debug)]
pub(crate) struct PreparedTrial {
    pub(crate) trial: Trial,
    pub(crate) keys: Keys,
    /// What is mixed, where mixtures are recordings and the trial may be needed.
    pub(crate) recorded: Option<RecordedMixture>,
    /// Estimates of it by other programs.
    pub(crate) foreign: Vec<ForeignSignal>,
    /// Length of its mixture.
    pub(crate) samples: usize,
    /// Whether it is among those of this share.
    pub(crate) is_included: bool,
}

impl PreparedTrial {
    /// Reads the estimate that another program made.
    ///
    /// # Errors
    /// No such estimate; those of [`ForeignSignal::read`].
    pub(crate) fn read_foreign(&self, name: ForeignName) -> Result<Vec<f64>> {
        let signal = self.foreign.iter().find(|signal| signal.name == name);
        signal
            .with_context(|| format!("there is no estimate of {name}"))?
            .read()
    }
}

/// A run with what separates its mixtures.
#[derive(Debug)]
pub(crate) struct PreparedRun<'a> {
    pub(crate) run: &'a Run,
    /// Shared with other runs of the same; none where there is nothing to do.
    pub(crate) dictionaries: Option<Arc<Dictionaries>>,
    /// Mixtures of recordings that weights of the single orders are learned from.
    pub(crate) to_learn_from: Vec<RecordedMixture>,
    pub(crate) trials: Vec<PreparedTrial>,
}

/// A study, ready, and what is finished of it.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) study: &'a Study<'a>,
    /// As those of the study.
    pub(crate) runs: Vec<PreparedRun<'a>>,
    pub(crate) plan: Plan,
    pub(crate) records: Records<Vec<Estimate>>,
}

impl Prepared<'_> {
    /// What came of all trials so far.
    pub(crate) fn outcomes(&self) -> Outcomes {
        self.records.outcomes()
    }
}

/// What a corpus gives to the runs that share it.
struct Material {
    origin: Origin,
    /// Empty where mixtures are drawn.
    recorded: Vec<RecordedMixture>,
    /// Likewise.
    to_learn_from: Vec<RecordedMixture>,
    corpus: CorpusInfo,
    left_out: Vec<String>,
}

/// Prepares a study. The folder is begun once the first corpus has been read: a study that cannot
/// begin leaves no trace.
///
/// `check`: looks at the trials of each run before anything is learned for it.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written, an
/// interruption.
pub(crate) fn prepare<'a>(
    study: &'a Study<'a>,
    folder: &mut RunFolder,
    conduct: Conduct,
    progress: Progress,
    check: &dyn Fn(&Run, &[PreparedTrial]) -> Result<()>,
) -> Result<Prepared<'a>> {
    let mut records = None;
    let mut left_out = Vec::new();
    let mut foreign = ForeignEstimates::read(&study.foreign)?;
    let known = study.known_file_stems();
    if let Some(names) = &known {
        foreign.check_names(names)?;
    }
    let mut runs: Vec<Option<PreparedRun>> = study.runs.iter().map(|_| None).collect();
    let mut planned: Vec<Option<PlannedRun>> = study.runs.iter().map(|_| None).collect();
    // One set of signals in memory at a time, however many there are.
    for positions in runs_sharing_signals(&study.runs)? {
        interrupt::check()?;
        let first = &study.runs[positions[0]];
        let read = || read_material(&first.config, progress);
        let material = match study.runs.len() {
            1 => read()?,
            _ => read().with_context(|| first.name())?,
        };
        for file in &material.left_out {
            // Several runs may have a file in common.
            if !left_out.contains(file) {
                progress.warn(format_args!("left out: {file}"));
                left_out.push(file.clone());
            }
        }
        let keys_of = |&position: &usize| material.origin.keys(&study.runs[position].config);
        let keys: Vec<DictionaryKeys> = positions.iter().map(keys_of).collect::<Result<_>>()?;
        let mut trials_of = |(&position, keys): (&usize, &DictionaryKeys)| {
            prepare_trials(
                (study, &study.runs[position]),
                keys,
                &material,
                &mut foreign,
            )
        };
        let all_trials = positions.iter().zip(&keys).map(&mut trials_of);
        let all_trials: Vec<Vec<PreparedTrial>> = all_trials.collect::<Result<_>>()?;
        foreign.check()?;
        for (&position, trials) in positions.iter().zip(&all_trials) {
            check(&study.runs[position], trials)?;
        }
        let records = match &mut records {
            Some(records) => records,
            none => none.insert(begin(folder, conduct, progress)?),
        };
        let mut learned: HashMap<(DictionaryKeys, Normalisation), Arc<Dictionaries>> =
            HashMap::new();
        for ((position, keys), mut trials) in positions.into_iter().zip(keys).zip(all_trials) {
            let run = &study.runs[position];
            planned[position] = Some(PlannedRun {
                corpus: material.corpus.clone(),
                trials: trials
                    .iter()
                    .map(|prepared| PlannedTrial {
                        trial: prepared.trial,
                        keys: prepared.keys.clone(),
                    })
                    .collect(),
            });
            let parts = study.parts();
            let mut is_needed = conduct.dictionaries_only;
            // Examples and times are those of the first run.
            let is_shown = position == 0 && study.shows_trials();
            for trial in &mut trials {
                trial.is_included = conduct.includes(&trial.keys);
                let mut keys = parts.iter().map(|&part| trial.keys.part(part));
                let is_done = keys.all(|key| key.is_some_and(|key| records.is_done(&key)));
                let is_wanted = is_shown || (trial.is_included && (conduct.exports || !is_done));
                is_needed |= is_wanted;
                if !is_wanted {
                    trial.recorded = None;
                }
            }
            let identity = (keys, run.config.training.normalisation);
            let dictionaries = match learned.get(&identity) {
                Some(dictionaries) => Some(Arc::clone(dictionaries)),
                None if !is_needed => None,
                None => {
                    let (config, cache) = (&run.config, folder.cache());
                    let dictionaries = material.origin.dictionaries(config, cache, progress);
                    let dictionaries = Arc::new(dictionaries.with_context(|| run.name())?);
                    learned.insert(identity, Arc::clone(&dictionaries));
                    Some(dictionaries)
                }
            };
            runs[position] = Some(PreparedRun {
                run,
                to_learn_from: match &dictionaries {
                    Some(_) => material.to_learn_from.clone(),
                    None => Vec::new(),
                },
                dictionaries,
                trials,
            });
        }
    }
    let planned: Vec<PlannedRun> = planned.into_iter().flatten().collect();
    if known.is_none() {
        foreign.check_names(&planned_trial_names(study, &planned))?;
    }
    let plan = Plan::new(planned, left_out);
    record_plan(&plan, folder, progress)?;
    Ok(Prepared {
        study,
        runs: runs.into_iter().flatten().collect(),
        plan,
        records: records.context("there is nothing to run")?,
    })
}

fn planned_trial_names(study: &Study<'_>, planned: &[PlannedRun]) -> BTreeSet<String> {
    let runs = study.runs.iter().zip(planned);
    runs.flat_map(|(run, planned)| {
        let trials = planned.trials.iter();
        trials.map(|planned| study.trial_file_stem(run, &planned.trial))
    })
    .collect()
}

/// Begins a run in its folder, and says what was damaged there.
fn begin(
    folder: &mut RunFolder,
    conduct: Conduct,
    progress: Progress,
) -> Result<Records<Vec<Estimate>>> {
    folder.begin(conduct.shard)?;
    let (records, damage) = Records::open(&folder.kept().records())?;
    if let Some(damage) = damage {
        progress.warn(damage);
    }
    Ok(records)
}

/// Records what a study consists of, and says if that is not what it was.
fn record_plan(plan: &Plan, folder: &RunFolder, progress: Progress) -> Result<()> {
    let path = folder.kept().plan();
    let is_other = Plan::read(&path).is_ok_and(|earlier| {
        let count = |plan: &Plan| plan.runs.iter().map(|run| run.trials.len()).sum::<usize>();
        earlier.runs != plan.runs && count(&earlier) == count(plan)
    });
    if is_other {
        progress.warn(
            "configuration, corpus, estimates or program are others than before: what depends on \
             them is done again, the rest is taken",
        );
    }
    plan.write(&path)
}

fn read_material(config: &Config, progress: Progress) -> Result<Material> {
    if !config.corpus.kind.has_recordings() {
        let voices = Voices::open(config)?;
        return Ok(Material {
            corpus: CorpusInfo {
                description: voices.description(),
                sha256: voices.digest(),
            },
            origin: Origin::Voices(Box::new(voices)),
            recorded: Vec::new(),
            to_learn_from: Vec::new(),
            left_out: Vec::new(),
        });
    }
    let corpus = open_corpus(&config.corpus, config)?;
    let corpus = corpus.as_ref();
    let (signals, recorded, to_learn_from) = match config.mixtures.source {
        MixtureSource::Drawn => {
            let signals = Signals::read(corpus, config, progress)?;
            (signals, Vec::new(), Vec::new())
        }
        MixtureSource::Recordings => {
            let (signals, recorded) = recorded::read(corpus, config)?;
            let to_learn_from = recorded::mix_to_learn_from(&signals, config);
            (signals, recorded, to_learn_from)
        }
    };
    let learned = signals.digests().whole();
    let mixed = recorded.iter().map(RecordedMixture::digest);
    let digests = std::iter::once(learned).chain(mixed);
    Ok(Material {
        corpus: CorpusInfo {
            description: describe(corpus, config)?,
            sha256: match recorded.is_empty() {
                true => learned,
                false => Digest::of_parts(digests.map(|digest| digest.0)),
            },
        },
        origin: Origin::Signals(signals),
        recorded,
        to_learn_from,
        left_out: corpus.left_out().to_vec(),
    })
}

fn prepare_trials(
    (study, run): (&Study<'_>, &Run),
    dictionaries: &DictionaryKeys,
    material: &Material,
    foreign: &mut ForeignEstimates,
) -> Result<Vec<PreparedTrial>> {
    let config = &run.config;
    let stft = dsp::Stft::new(&config.stft)?;
    let mut take_foreign = |trial: &Trial, samples| {
        let name = study.trial_file_stem(run, trial);
        foreign.take(&name, samples, config.corpus.sample_rate_hz)
    };
    match config.mixtures.source {
        MixtureSource::Drawn => {
            let trials = run.drawn_trials().into_iter();
            // The orders run fastest, as the dictionaries that draw do.
            let drawn = trials.zip(dictionaries.generation.iter().cycle());
            let samples = stft.samples(config.mixtures.frames);
            drawn
                .map(|(trial, &generation)| {
                    let foreign = take_foreign(&trial, samples);
                    let inputs = TrialInputs {
                        trial: &trial,
                        dictionaries,
                        foreign: &foreign,
                    };
                    Ok(PreparedTrial {
                        trial,
                        keys: Keys::of_drawn(inputs, generation, config)?,
                        recorded: None,
                        foreign,
                        samples,
                        is_included: true,
                    })
                })
                .collect()
        }
        MixtureSource::Recordings => {
            let recorded = material.recorded.iter();
            let learned_from = material.to_learn_from.iter().map(RecordedMixture::digest);
            let learned_from = Digest::of_parts(learned_from.map(|digest| digest.0));
            recorded
                .map(|recorded| {
                    let (trial, samples) = (recorded.trial, recorded.samples());
                    let foreign = take_foreign(&trial, samples);
                    let inputs = TrialInputs {
                        trial: &trial,
                        dictionaries,
                        foreign: &foreign,
                    };
                    let (signals, frames) = (recorded.digest(), stft.frames(samples));
                    let keys = Keys::of_recorded(inputs, signals, frames, learned_from, config)?;
                    Ok(PreparedTrial {
                        trial,
                        keys,
                        recorded: Some(recorded.clone()),
                        foreign,
                        samples,
                        is_included: true,
                    })
                })
                .collect()
        }
    }
}

/// All that determines the signals of a run.
#[derive(Serialize)]
struct MaterialInputs<'a> {
    corpus: &'a CorpusSection,
    source: MixtureSource,
    recordings: &'a Recordings,
    snr_db: &'a [f64],
    seed: u64,
    utterances_per_side: usize,
    background_seconds: f64,
    /// Of recordings; drawn mixtures to learn from are made of dictionaries.
    weight_mixtures: Option<usize>,
    estimation: Estimation,
    /// The shortest usable recording.
    window_samples: usize,
}

/// The positions of the runs that take the same signals, in the order of their first.
fn runs_sharing_signals(runs: &[Run]) -> Result<Vec<Vec<usize>>> {
    let mut groups: Vec<(Digest, Vec<usize>)> = Vec::new();
    for (position, run) in runs.iter().enumerate() {
        let config = &run.config;
        let is_recorded = config.mixtures.source == MixtureSource::Recordings;
        let identity = Digest::of_value(&MaterialInputs {
            corpus: &config.corpus,
            source: config.mixtures.source,
            recordings: &config.recordings,
            snr_db: match is_recorded {
                true => &config.mixtures.snr_db,
                false => &[],
            },
            seed: config.experiment.seed,
            utterances_per_side: config.training.utterances_per_side,
            background_seconds: config.training.background_seconds,
            weight_mixtures: is_recorded.then_some(config.training.weight_mixtures),
            estimation: config.training.estimation,
            window_samples: config.stft.window_samples,
        })?;
        match groups.iter_mut().find(|(other, _)| *other == identity) {
            Some((_, positions)) => positions.push(position),
            None => groups.push((identity, vec![position])),
        }
    }
    Ok(groups.into_iter().map(|(_, positions)| positions).collect())
}
