//! Means over speakers and seeds, with intervals: the mixtures of a unit share its dictionaries, so a unit is one
//! observation.

use std::collections::BTreeMap;

use anyhow::Result;
use eval::mean_interval;

use super::MixtureResult;
use super::methods::Candidate;
use crate::config::Config;
use crate::method::Method;
use crate::metric::Metric;

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

/// What a row of the summary is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Scores of a method.
    Score(Candidate),
    /// Scores of the first less those of the second, on the same mixtures.
    Difference(Candidate, Candidate),
}

impl Quantity {
    /// Every row: the methods, what each improves on the mixture, and the comparisons of the paper.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let [mixture, methods @ ..] = Candidate::TABLED;
        let [selection, fusion, oracle, mean] = methods;
        let scores = Candidate::TABLED.map(Self::Score);
        let improvements = methods.map(|method| Self::Difference(method, mixture));
        let comparisons = [
            Self::Difference(fusion, selection),
            Self::Difference(fusion, mean),
            Self::Difference(oracle, fusion),
        ];
        scores
            .into_iter()
            .chain(improvements)
            .chain(comparisons)
            .collect()
    }

    /// The name in results files.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Score(candidate) => candidate.name().to_owned(),
            Self::Difference(first, second) => format!("{}-{}", first.name(), second.name()),
        }
    }

    /// The name in tables.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Score(candidate) => candidate.label().to_owned(),
            Self::Difference(first, second) => format!("{} − {}", first.label(), second.label()),
        }
    }

    fn of(self, result: &MixtureResult, metric: Metric) -> Option<f64> {
        let score = |wanted: Candidate| {
            let estimates = result.outcome.as_ref().ok()?;
            let found = estimates.iter().find(|found| found.candidate == wanted)?;
            found.scores.get(metric).as_ref().ok().copied()
        };
        match self {
            Self::Score(candidate) => score(candidate),
            Self::Difference(first, second) => Some(score(first)? - score(second)?),
        }
    }
}

/// A mean over units.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Of what.
    pub quantity: Quantity,
    /// At one ratio, or over all.
    pub snr_db: Option<f64>,
    /// By which metric.
    pub metric: Metric,
    /// The mean, where there is anything to average.
    pub mean_db: Option<f64>,
    /// Its interval, where there are two units or more.
    pub interval_db: Option<(f64, f64)>,
    /// Speakers and seeds.
    pub units: usize,
    /// Mixtures.
    pub mixtures: usize,
}

/// Averages mixtures within units and units with one another.
///
/// # Errors
/// None in practice: what cannot be averaged is absent.
pub fn summarise(results: &[MixtureResult], config: &Config) -> Result<Vec<Entry>> {
    let columns = config.mixtures.snr_db.iter().copied().map(Some);
    let mut entries = Vec::new();
    for snr_db in columns.chain([None]) {
        for quantity in Quantity::all() {
            for &metric in &config.evaluation.metrics {
                entries.push(entry(results, quantity, snr_db, metric, config)?);
            }
        }
    }
    Ok(entries)
}

fn entry(
    results: &[MixtureResult],
    quantity: Quantity,
    snr_db: Option<f64>,
    metric: Metric,
    config: &Config,
) -> Result<Entry> {
    let mut units: BTreeMap<(Option<u32>, u64), Vec<f64>> = BTreeMap::new();
    let wanted =
        |result: &&MixtureResult| snr_db.is_none_or(|db| (db - result.snr_db).abs() < 1e-9);
    for result in results.iter().filter(wanted) {
        if let Some(value) = quantity.of(result, metric) {
            let unit = (result.speaker, result.seed);
            units.entry(unit).or_default().push(value);
        }
    }
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means: Vec<f64> = units.values().map(|values| average(values)).collect();
    let interval_db = if means.len() < 2 {
        None
    } else {
        let mut rng = synth::stream(config.experiment.seed, "realmix intervals", &[]);
        let resamples = config.statistics.resamples;
        let interval = mean_interval(&means, CONFIDENCE, resamples, &mut rng)?;
        Some((interval.low, interval.high))
    };
    Ok(Entry {
        quantity,
        snr_db,
        metric,
        mean_db: (!means.is_empty()).then(|| average(&means)),
        interval_db,
        units: means.len(),
        mixtures: units.values().map(Vec::len).sum(),
    })
}

/// The comparison that the paper is about.
#[must_use]
pub fn fusion_less_selection() -> Quantity {
    Quantity::Difference(
        Candidate::Method(Method::VbFusion),
        Candidate::Method(Method::VbSelection),
    )
}
