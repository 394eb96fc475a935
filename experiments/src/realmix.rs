//! The paper's comparison on mixtures of recordings instead of draws from the model: held-out utterances added to
//! held-out background in the time domain, dictionaries from training data only, all four methods.
//!
//! A unit is a speaker and a seed: it has dictionaries, utterances and background of its own ([mod@unit]). Its mixtures
//! share them, so intervals are over units ([summary]).

pub mod methods;
pub mod output;
pub mod summary;
pub mod unit;

use anyhow::{Context, Result};
use rayon::prelude::*;

use crate::clock::Stopwatch;
use crate::config::{Config, Realmix};
use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::results_folder::ResultsFolder;
use crate::scoring::Scores;
use methods::{Candidate, MixtureSeparator};
use unit::Unit;

/// What a run leaves to be said at its end.
#[derive(Debug)]
pub struct Outcome {
    /// The table, for the terminal.
    pub table: String,
    /// Mixtures or scores that failed.
    pub failures: usize,
}

/// One mixture and the scores of its estimates.
#[derive(Debug, Clone)]
pub struct MixtureResult {
    /// Root of the unit's random streams.
    pub seed: u64,
    /// The unit's speaker, if it has a number.
    pub speaker: Option<u32>,
    /// Which mixture of the unit; the same number at every ratio is the same speech over the same background.
    pub mixture: usize,
    /// Ratio of speech to background.
    pub snr_db: f64,
    /// Estimates with their order, if they have one, and scores; or why there are none.
    pub outcome: Result<Vec<(Candidate, Option<usize>, Scores)>, String>,
}

impl MixtureResult {
    fn failures(&self) -> usize {
        use crate::metric::Metric;
        use crate::scoring::ScoreError;
        // The mixture itself has no interference to speak of: an infinite SIR is no failure.
        let failed = |scores: &Scores, metric: &Metric| {
            !matches!(
                scores.get(*metric),
                Ok(_) | Err(ScoreError::Infinite | ScoreError::MinusInfinite)
            )
        };
        match &self.outcome {
            Err(_) => 1,
            Ok(estimates) => {
                let of = |(_, _, scores): &(_, _, Scores)| {
                    Metric::ALL.iter().filter(|m| failed(scores, m)).count()
                };
                estimates.iter().map(of).sum()
            }
        }
    }
}

/// Runs the experiment and writes its results.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written. A mixture that fails is
/// recorded, and the others go on.
pub fn run(config: &Config, folder: &ResultsFolder, progress: Progress) -> Result<Outcome> {
    let stopwatch = Stopwatch::start();
    let realmix = config.realmix.clone().unwrap_or_default();
    let speakers: Vec<Option<u32>> = match realmix.speakers.as_slice() {
        [] => vec![None],
        speakers => speakers.iter().copied().map(Some).collect(),
    };
    let mut results = Vec::new();
    let mut digests = Vec::new();
    let mut description = String::new();
    let units = speakers.len() * realmix.seeds;
    let stage = progress.stage("speakers and seeds", units);
    for &speaker in &speakers {
        for seed in (config.experiment.seed..).take(realmix.seeds) {
            let unit_config = of_unit(config, speaker, seed);
            let unit =
                Unit::prepare(&unit_config, &realmix).with_context(|| named(speaker, seed))?;
            results.extend(separate_all(&unit, &unit_config, &realmix)?);
            digests.push(unit.digest.0);
            description.clone_from(&unit.corpus);
            stage.step();
        }
    }
    stage.finish();

    let corpus = description.split(',').next().unwrap_or_default().to_owned();
    let summary = summary::summarise(&results, config)?;
    let digest = Digest::of(digests);
    let manifest = Manifest::of_run(config.experiment.seed, &corpus, digest, stopwatch);
    let subject = output::Subject {
        experiment: &config.experiment.name,
        corpus: &corpus,
        speakers: speakers.len(),
        seeds: realmix.seeds,
        mixtures: results.len(),
    };
    let files = [
        ("realmix.csv", output::rows(&results).csv()?),
        ("summary.csv", output::summary(&summary).csv()?),
        (
            "realmix.md",
            output::markdown(&summary, config, &subject).into_bytes(),
        ),
        ("manifest.json", manifest.json()?),
    ];
    folder.publish(config, &files)?;
    Ok(Outcome {
        table: output::markdown(&summary, config, &subject),
        failures: results.iter().map(MixtureResult::failures).sum(),
    })
}

/// The configuration of one unit.
fn of_unit(config: &Config, speaker: Option<u32>, seed: u64) -> Config {
    let mut config = config.clone();
    config.corpus.speaker = speaker;
    config.experiment.seed = seed;
    config
}

fn named(speaker: Option<u32>, seed: u64) -> String {
    match speaker {
        Some(speaker) => format!("speaker {speaker}, seed {seed}"),
        None => format!("seed {seed}"),
    }
}

/// Every mixture of a unit through every method, in parallel; in the order of the unit's list.
fn separate_all(unit: &Unit, config: &Config, realmix: &Realmix) -> Result<Vec<MixtureResult>> {
    let separator = MixtureSeparator::new(unit, config, realmix)?;
    let result = |mixture: &unit::Mixture| MixtureResult {
        seed: config.experiment.seed,
        speaker: config.corpus.speaker,
        mixture: mixture.index,
        snr_db: mixture.snr_db,
        outcome: separator.run(mixture).map_err(|error| format!("{error:#}")),
    };
    Ok(unit.mixtures.par_iter().map(result).collect())
}
