//! The weights of the method [`Method::LearnedWeights`](super::methods::Method::LearnedWeights):
//! learned for each run, from mixtures of what its dictionaries are learned from.
//!
//! Drawn mixtures are drawn from the dictionaries that estimate in place of those that generate,
//! and from the same dictionary of the background; recordings are utterances to learn from over
//! background to learn from. Activations and excerpts are others than those of the study's
//! mixtures, but the dictionaries fit this speech better than that of the study.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use model::Execution;
use model::fusion::WeightFit;
use rayon::prelude::*;

use super::dictionaries::Dictionaries;
use super::estimate::{Member, Trial};
use super::guard::guarded;
use super::mixtures::recorded::RecordedMixture;
use super::prepare::PreparedRun;
use super::separation::{Separator, choose_execution};
use crate::config::{Config, MixtureSource};
use crate::interrupt;
use crate::progress::Progress;
use crate::store::digest::Digest;

/// Learns the weights of each run, or says why there are none. Runs that do not need them have
/// none.
///
/// # Errors
/// An interruption.
pub(crate) fn learn_weights(
    runs: &[PreparedRun<'_>],
    is_needed: impl Fn(usize) -> bool + Sync,
    progress: Progress,
) -> Result<Vec<Result<Vec<f64>, String>>> {
    let not_needed = || Err("no weights were learned".to_owned());
    let needed = (0..runs.len()).filter(|&run| is_needed(run)).count();
    if needed == 0 {
        return Ok(vec![not_needed(); runs.len()]);
    }
    let execution = choose_execution(needed);
    let stage = progress.stage("learning weights", needed);
    let weights = runs.par_iter().enumerate().map(|(position, run)| {
        interrupt::check()?;
        if !is_needed(position) {
            return Ok(not_needed());
        }
        let weights = guarded(|| learn(run, execution));
        stage.step();
        interrupt::check()?;
        Ok(weights.map_err(|error| format!("learning the weights: {error:#}")))
    });
    let weights = weights.collect::<Result<_>>()?;
    stage.finish();
    Ok(weights)
}

fn learn(run: &PreparedRun<'_>, execution: Execution) -> Result<Vec<f64>> {
    let dictionaries = run.dictionaries.as_deref().context("no dictionaries")?;
    let learned_from = Dictionaries {
        generation: dictionaries.estimation.iter().map(Arc::clone).collect(),
        ..dictionaries.clone()
    };
    let config = training_config(&run.run.config);
    let separator = Separator::new(&learned_from, &config, execution)?;
    let mut fit = WeightFit::new(learned_from.estimation.len());
    let mut add = |trial: &Trial, recorded: Option<&RecordedMixture>| -> Result<()> {
        interrupt::check()?;
        let subject = separator.prepare(trial, recorded)?;
        let observation = &subject.observation;
        let estimates = separator.separate_singles(&subject)?.iter();
        let estimates: Vec<Vec<f64>> = estimates
            .map(|estimate| observation.synthesise(&estimate.spectrogram, separator.stft()))
            .collect();
        ensure!(
            fit.add(&observation.references[0], &estimates),
            "a mixture cannot be learned from: its speech is silent, or an estimate is not finite"
        );
        Ok(())
    };
    match config.mixtures.source {
        MixtureSource::Drawn => {
            for trial in drawn_trials(&config) {
                add(&trial, None)?;
            }
        }
        MixtureSource::Recordings => {
            for recorded in &run.to_learn_from {
                add(&recorded.trial, Some(recorded))?;
            }
        }
    }
    fit.weights()
        .context("there is no mixture to learn from: the corpus has no background to learn from")
}

/// The configuration of a run with random streams of its own, so that nothing that is learned from
/// is drawn as in the study.
fn training_config(config: &Config) -> Config {
    let mut config = config.clone();
    let seed = config.experiment.seed.to_le_bytes();
    config.experiment.seed = Digest::of_parts([&b"learned weights"[..], &seed]).number();
    config
}

/// As many as wanted: every ratio and every order as often as the others, up to one, and no pair
/// again before all have been.
fn drawn_trials(config: &Config) -> Vec<Trial> {
    let (ratios, orders) = (&config.mixtures.snr_db, &config.training.orders);
    // Side by side they repeat after the least common multiple: from there on they are shifted.
    let period = (ratios.len()..)
        .step_by(ratios.len())
        .find(|multiple| multiple.is_multiple_of(orders.len()))
        .unwrap_or(1);
    let trial = |number: usize| Trial {
        snr_db: ratios[number % ratios.len()],
        member: Member::TrueOrder(orders[(number + number / period) % orders.len()]),
    };
    (0..config.training.weight_mixtures).map(trial).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ratio_and_every_order_is_learned_from() {
        let mut config = Config::default();
        let trials = drawn_trials(&config);
        for &order in &config.training.orders {
            let member = Member::TrueOrder(order);
            assert!(trials.iter().any(|trial| trial.member == member), "{order}");
        }
        for &snr_db in &config.mixtures.snr_db {
            let mut ratios = trials.iter().map(|trial| trial.snr_db);
            assert!(
                ratios.any(|ratio| ratio.total_cmp(&snr_db).is_eq()),
                "{snr_db}"
            );
        }
        // Of as many ratios as orders all pairs come, too.
        config.mixtures.snr_db = vec![0.0, 3.0, 6.0];
        config.training.orders = vec![2, 4, 6];
        config.training.weight_mixtures = 9;
        let trials = drawn_trials(&config);
        assert!((1..9).all(|i| !trials[..i].contains(&trials[i])));
    }
}
