//! From a configuration to the mixtures that are to be separated: recordings are read, keys formed, and dictionaries
//! learned or taken from the cache, for one speaker and seed after the other.

use std::collections::HashSet;

use anyhow::{Context, Result};

use super::unit::{Dictionaries, Mixture, Recordings};
use super::{named, of_unit};
use crate::config::{BackgroundModel, Config, Realmix};
use crate::digest::Digest;
use crate::durable::plan::{CorpusInfo, Plan, PlannedMixture, PlannedRun};
use crate::durable::run_folder::RunFolder;
use crate::durable::store::CellStore;
use crate::interrupt;
use crate::progress::Progress;
use crate::tasks::{self, Conduct};
use crate::training::Trainer;

/// A speaker and a seed with something to do.
#[derive(Debug)]
pub struct PreparedUnit {
    /// The configuration, of this speaker and seed.
    pub config: Config,
    /// What separates its mixtures.
    pub dictionaries: Dictionaries,
    /// The mixtures that are not finished, with their keys.
    pub missing: Vec<(Mixture, Digest)>,
}

/// All that is to be done, and what is finished.
#[derive(Debug)]
pub struct Prepared {
    /// In the order of the results.
    pub units: Vec<PreparedUnit>,
    /// How many mixtures are wanted: all, or those of a shard.
    pub wanted: usize,
    /// What all units consist of.
    pub plan: Plan,
    /// Finished mixtures.
    pub store: CellStore,
}

/// Prepares a run. The folder is begun once the first recordings have been read: an experiment that cannot begin leaves
/// no trace. Training signals are in memory for one unit at a time, mixtures as long as they are not finished.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written, an interruption.
pub fn prepare(
    config: &Config,
    folder: &mut RunFolder,
    conduct: Conduct,
    progress: Progress,
) -> Result<Prepared> {
    let realmix = Realmix::of(config);
    let list = realmix.units(config.experiment.seed);
    let of_background = match realmix.background {
        BackgroundModel::Known => config.training.background_components,
        BackgroundModel::Estimated => 0,
    };
    let components = config.training.orders.iter().sum::<usize>() + of_background;
    let stage = progress.stage(Trainer::STAGE, list.len() * components);
    let mut store = None;
    let mut units = Vec::new();
    let mut planned = Vec::new();
    let mut wanted = HashSet::new();
    for (speaker, seed) in list {
        interrupt::check()?;
        let config_of_unit = of_unit(config, speaker, seed);
        let name = || named(speaker, seed);
        let recordings = Recordings::read(&config_of_unit).with_context(name)?;
        let store: &CellStore = match &mut store {
            Some(store) => store,
            none => none.insert(tasks::begin(folder, config, conduct, progress)?),
        };
        let keys = recordings.keys(&config_of_unit)?;
        planned.push(PlannedRun {
            corpus: CorpusInfo {
                description: recordings.corpus.clone(),
                sha256: recordings.digest(),
            },
            observations: Vec::new(),
            mixtures: planned_mixtures(&recordings.mixtures, &keys),
        });
        let mixtures = recordings.mixtures.iter().cloned().zip(keys);
        let missing: Vec<(Mixture, Digest)> = mixtures
            .filter(|(_, key)| conduct.shard.is_none_or(|shard| shard.holds(key)))
            .filter(|(_, key)| wanted.insert(*key) && !store.is_done(key))
            .collect();
        if missing.is_empty() && !conduct.dictionaries_only {
            stage.advance(components);
            continue;
        }
        let trainer = Trainer::new(&config_of_unit, folder.cache(), &stage)?;
        let dictionaries = recordings.learn(&trainer).with_context(name)?;
        units.push(PreparedUnit {
            dictionaries,
            missing,
            config: config_of_unit,
        });
    }
    stage.finish();
    let plan = Plan::new(planned, conduct.shard);
    tasks::record_plan(&plan, conduct.work(), folder, progress)?;
    Ok(Prepared {
        units,
        wanted: wanted.len(),
        plan,
        store: store.context("there is no speaker to separate")?,
    })
}

fn planned_mixtures(mixtures: &[Mixture], keys: &[Digest]) -> Vec<PlannedMixture> {
    let planned = |(mixture, &key): (&Mixture, &Digest)| PlannedMixture {
        index: mixture.index,
        snr_db: mixture.snr_db,
        key,
    };
    mixtures.iter().zip(keys).map(planned).collect()
}
