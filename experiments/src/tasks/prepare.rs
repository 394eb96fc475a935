//! From configurations to tasks: corpora are read, dictionaries learned or taken from the cache, keys formed. What
//! several configurations share is done once.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::Conduct;
use crate::cell::{Cell, grid};
use crate::config::Config;
use crate::corpus;
use crate::digest::Digest;
use crate::durable::key::Keys;
use crate::durable::plan::{CorpusInfo, Plan, PlannedRun};
use crate::durable::run_folder::RunFolder;
use crate::durable::store::CellStore;
use crate::durable::work::Work;
use crate::interrupt;
use crate::progress::Progress;
use crate::training::{self, Dictionaries, DictionaryKeys};

/// One configuration, ready to be run.
#[derive(Debug)]
pub struct PreparedRun<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Its dictionaries, shared with other runs of the same.
    pub dictionaries: Arc<Dictionaries>,
    /// Its cells, with their keys.
    pub cells: Vec<(Cell, Keys)>,
}

/// All runs of an experiment, ready, and what is finished of them.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// In the order of the configurations.
    pub runs: Vec<PreparedRun<'a>>,
    /// What they consist of.
    pub plan: Plan,
    /// Finished parts.
    pub store: CellStore,
}

/// Prepares an experiment. `recorded` is its whole configuration, `configs` are the runs it consists of. The folder is
/// begun once the first corpus has been read: an experiment that cannot begin leaves no trace.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written, an interruption.
pub fn prepare<'a>(
    recorded: &Config,
    configs: &[&'a Config],
    folder: &mut RunFolder,
    conduct: Conduct,
    progress: Progress,
) -> Result<Prepared<'a>> {
    let mut store = None;
    let mut prepared: Vec<Option<PreparedRun>> = configs.iter().map(|_| None).collect();
    let mut planned: Vec<Option<PlannedRun>> = configs.iter().map(|_| None).collect();
    // One set of signals in memory at a time, however many there are.
    for positions in sharing_signals(configs)? {
        interrupt::check()?;
        let first = configs[positions[0]];
        let corpus = corpus::open(first)?;
        let description = corpus::description(corpus.as_ref(), first)?;
        let signals = training::signals(corpus.as_ref(), first, progress)?;
        let digests = signals.digests();
        if store.is_none() {
            store = Some(begin(folder, recorded, conduct, progress)?);
        }
        let mut learned: HashMap<(DictionaryKeys, String), Arc<Dictionaries>> = HashMap::new();
        for position in positions {
            let config = configs[position];
            let keys = DictionaryKeys::of(&digests, config)?;
            let identity = (keys.clone(), format!("{:?}", config.training.normalisation));
            let dictionaries = match learned.get(&identity) {
                Some(dictionaries) => Arc::clone(dictionaries),
                None => {
                    let dictionaries =
                        training::dictionaries(&signals, config, folder.cache(), progress)?;
                    let dictionaries = Arc::new(dictionaries);
                    learned.insert(identity, Arc::clone(&dictionaries));
                    dictionaries
                }
            };
            let cells: Vec<(Cell, Keys)> = grid(config)
                .into_iter()
                .map(|cell| Ok((cell, Keys::of(&cell, &keys, config)?)))
                .collect::<Result<_>>()?;
            planned[position] = Some(PlannedRun {
                corpus: CorpusInfo {
                    description: description.clone(),
                    sha256: digests.whole(),
                },
                observations: cells.iter().map(|&(_, keys)| keys).collect(),
                mixtures: Vec::new(),
            });
            prepared[position] = Some(PreparedRun {
                config,
                dictionaries,
                cells,
            });
        }
    }
    let store = store.context("there is no configuration to run")?;
    let plan = Plan::new(planned.into_iter().flatten().collect(), conduct.shard);
    record_plan(&plan, conduct.work(), folder, progress)?;
    Ok(Prepared {
        runs: prepared.into_iter().flatten().collect(),
        plan,
        store,
    })
}

/// Begins a run in its folder, and says what was damaged there.
///
/// # Errors
/// As [`RunFolder::begin`].
pub fn begin(
    folder: &mut RunFolder,
    recorded: &Config,
    conduct: Conduct,
    progress: Progress,
) -> Result<CellStore> {
    let (store, damage) = folder.begin(recorded, conduct.work())?;
    if let Some(damage) = damage {
        progress.warn(damage);
    }
    Ok(store)
}

/// Records what a run consists of, and says if that is not what it was.
///
/// # Errors
/// Those of the file system.
pub fn record_plan(plan: &Plan, work: Work, folder: &RunFolder, progress: Progress) -> Result<()> {
    let path = folder.paths().plan();
    match Plan::read(&path) {
        // Which shard it is of stays known.
        Ok(earlier) if earlier.agrees_with(plan) && work == Work::Dictionaries => return Ok(()),
        Ok(earlier) if !earlier.agrees_with(plan) => progress.warn(
            "the corpus or the program is another than before: what depends on it is done again",
        ),
        _ => {}
    }
    plan.write(&path)
}

/// The positions of the configurations that take the same signals, in the order of their first.
fn sharing_signals(configs: &[&Config]) -> Result<Vec<Vec<usize>>> {
    let mut groups: Vec<(Digest, Vec<usize>)> = Vec::new();
    for (position, config) in configs.iter().enumerate() {
        let training = &config.training;
        let identity = Digest::of([
            toml::to_string(&config.corpus)?,
            format!(
                "{:?}",
                (
                    config.experiment.seed,
                    training.utterances_per_side,
                    training.background_seconds,
                    training.estimation,
                    // The shortest usable recording.
                    config.stft.window_samples,
                )
            ),
        ]);
        match groups.iter_mut().find(|(other, _)| *other == identity) {
            Some((_, positions)) => positions.push(position),
            None => groups.push((identity, vec![position])),
        }
    }
    Ok(groups.into_iter().map(|(_, positions)| positions).collect())
}
