//! Doing what is missing, mixtures in parallel, each recorded when it is done.

use anyhow::Result;
use model::Execution;
use rayon::prelude::*;

use super::methods::MixtureSeparator;
use super::prepare::Prepared;
use crate::durable::record::Outcome;
use crate::interrupt;
use crate::progress::Progress;
use crate::tasks::{Conduct, Recorder, guarded};

/// Separates the missing mixtures by all methods. Returns how many failed.
///
/// # Errors
/// An interruption; a store that cannot be written; with `fail_fast`, the first mixture that fails. Otherwise one that
/// fails is recorded, and the others go on.
pub fn work(prepared: &Prepared, conduct: Conduct, progress: Progress) -> Result<usize> {
    let units = &prepared.units;
    let missing = units.iter().map(|unit| unit.missing.len()).sum();
    let (store, wanted) = (&prepared.store, prepared.wanted);
    let recorder = Recorder::new(store, wanted, missing, conduct.fail_fast, progress);
    let execution = if missing < 2 * rayon::current_num_threads() {
        Execution::Parallel
    } else {
        Execution::Serial
    };
    let separators: Vec<MixtureSeparator<'_>> = units
        .iter()
        .map(|unit| MixtureSeparator::new(&unit.dictionaries, &unit.config, execution))
        .collect::<Result<_>>()?;
    let tasks: Vec<_> = units
        .iter()
        .zip(&separators)
        .flat_map(|(unit, separator)| {
            let of_unit = unit.missing.iter();
            of_unit.map(move |(mixture, key)| (unit, separator, mixture, *key))
        })
        .collect();
    let outcome = tasks
        .par_iter()
        .try_for_each(|&(unit, separator, mixture, key)| {
            interrupt::check()?;
            let scored = guarded(|| separator.run(mixture));
            let (speaker, seed) = (unit.config.corpus.speaker, unit.config.experiment.seed);
            recorder.record(key, scored.map(Outcome::Mixture), || {
                super::name(speaker, seed, mixture.index, mixture.snr_db)
            })
        });
    recorder.finish(outcome)
}
