//! The paper's comparison on mixtures of recordings instead of draws from the model: held-out utterances added to
//! held-out background in the time domain, dictionaries from training data only, all four methods.
//!
//! A unit is a speaker and a seed: it has dictionaries, utterances and background of its own ([mod@unit]). Its mixtures
//! share them, so intervals are over units ([summary]). A mixture through all methods is what is recorded when it is
//! done ([mod@prepare], [mod@work]).

pub mod methods;
pub mod output;
pub mod prepare;
pub mod summary;
pub mod unit;
pub mod work;

use anyhow::Result;

use crate::clock::Stopwatch;
use crate::config::{Config, Realmix};
use crate::digest::Digest;
use crate::durable::plan::{Plan, PlannedMixture};
use crate::durable::record;
use crate::durable::run_folder::RunFolder;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::table1::Outcome;
use crate::tasks::{Conduct, Outcomes, why_there_is_none};
use methods::Scored;

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
    /// Estimates and their scores, or why there are none.
    pub outcome: Result<Vec<Scored>, String>,
}

impl MixtureResult {
    fn failures(&self) -> usize {
        use crate::metric::Metric;
        use crate::scoring::ScoreError;
        // The mixture itself has no interference to speak of: an infinite SIR is no failure.
        let failed = |scored: &Scored, metric: Metric| {
            !matches!(
                scored.scores.get(metric),
                Ok(_) | Err(ScoreError::Infinite | ScoreError::MinusInfinite)
            )
        };
        match &self.outcome {
            Err(_) => 1,
            Ok(estimates) => {
                let of = |scored| {
                    let metrics = Metric::ALL.into_iter();
                    metrics.filter(|&metric| failed(scored, metric)).count()
                };
                estimates.iter().map(of).sum()
            }
        }
    }
}

/// Runs the experiment, or the part of it that `conduct` asks for, and writes its results.
///
/// # Errors
/// A corpus that cannot be used, a training that fails, a folder that cannot be written, an interruption. A mixture that
/// fails is recorded, and the others go on.
pub fn run(
    config: &Config,
    folder: &mut RunFolder,
    conduct: Conduct,
    progress: Progress,
) -> Result<Outcome> {
    let stopwatch = Stopwatch::start();
    let prepared = prepare::prepare(config, folder, conduct, progress)?;
    if conduct.dictionaries_only {
        return Ok(Outcome {
            table: None,
            failures: 0,
        });
    }
    let failures = work::work(&prepared, conduct, progress)?;
    if conduct.shard.is_some() {
        return Ok(Outcome {
            table: None,
            failures,
        });
    }
    let (plan, outcomes) = (&prepared.plan, &prepared.store);
    publish(config, folder, plan, outcomes, stopwatch)
}

/// Writes the tables of finished mixtures.
///
/// # Errors
/// A folder that cannot be written.
pub fn publish(
    config: &Config,
    folder: &RunFolder,
    plan: &Plan,
    outcomes: &impl Outcomes,
    stopwatch: Stopwatch,
) -> Result<Outcome> {
    let realmix = Realmix::of(config);
    let results = results(config, plan, outcomes);
    let corpora = || plan.runs.iter().map(|run| &run.corpus);
    // Without the speaker, of which there may be many.
    let description = corpora().next_back().map(|corpus| &corpus.description[..]);
    let corpus = description.and_then(|description| description.split(',').next());
    let corpus = corpus.unwrap_or_default();
    let digest = Digest::of(corpora().map(|corpus| corpus.sha256.0));
    let manifest = Manifest::of_run(config.experiment.seed, corpus, digest, stopwatch);
    let summary = summary::summarise(&results, config)?;
    let subject = output::Subject {
        experiment: &config.experiment.name,
        corpus,
        speakers: realmix.speakers.len().max(1),
        seeds: realmix.seeds,
        mixtures: results.len(),
    };
    let table = output::markdown(&summary, config, &subject);
    let files = [
        ("realmix.csv", output::rows(&results).csv()?),
        ("summary.csv", output::summary(&summary).csv()?),
        ("realmix.md", table.clone().into_bytes()),
        ("manifest.json", manifest.json()?),
    ];
    folder.publish(config, &files)?;
    Ok(Outcome {
        table: Some(table),
        failures: results.iter().map(MixtureResult::failures).sum(),
    })
}

/// The results of all planned mixtures.
fn results(config: &Config, plan: &Plan, outcomes: &impl Outcomes) -> Vec<MixtureResult> {
    let result = |speaker, seed, mixture: &PlannedMixture| MixtureResult {
        seed,
        speaker,
        mixture: mixture.index,
        snr_db: mixture.snr_db,
        outcome: match outcomes.outcome(&mixture.key) {
            Some(record::Outcome::Mixture(estimates)) => Ok(estimates),
            other => Err(why_there_is_none(other)),
        },
    };
    let units = Realmix::of(config).units(config.experiment.seed);
    let of_unit = |((speaker, seed), mixtures): ((Option<u32>, u64), &Vec<PlannedMixture>)| {
        let mixtures = mixtures.iter();
        let results = mixtures.map(|mixture| result(speaker, seed, mixture));
        results.collect::<Vec<_>>()
    };
    let planned = plan.runs.iter().map(|run| &run.mixtures);
    units.into_iter().zip(planned).flat_map(of_unit).collect()
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

/// A mixture for people, in errors and lists.
#[must_use]
pub fn name(speaker: Option<u32>, seed: u64, index: usize, snr_db: f64) -> String {
    format!(
        "{}, mixture {index}, {} dB",
        named(speaker, seed),
        snr_db + 0.0
    )
}
