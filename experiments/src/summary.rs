//! From scored estimates to means, intervals and paired differences.

use anyhow::Result;
use eval::{mean_interval, paired_difference};

use crate::cell::Cell;
use crate::config::Config;
use crate::method::Method;
use crate::metric::Metric;
use crate::scoring::Score;
use crate::separation::{ScoredEstimate, Separated};

/// A cell and what came of it; a failure is kept as its message.
#[derive(Debug, Clone)]
pub struct CellResult {
    /// The cell.
    pub cell: Cell,
    /// Its estimates, or why there are none.
    pub outcome: Result<Separated, String>,
}

impl CellResult {
    /// Scores that are missing, or one for a cell without estimates.
    #[must_use]
    pub fn failures(&self) -> usize {
        let Ok(separated) = &self.outcome else {
            return 1;
        };
        let failed = |estimate: &ScoredEstimate| {
            let of = |&metric: &Metric| estimate.scores.get(metric).is_err();
            Metric::ALL.iter().filter(|metric| of(metric)).count()
        };
        separated.estimates.iter().map(failed).sum()
    }

    fn estimate(&self, method: Method) -> Option<&ScoredEstimate> {
        let separated = self.outcome.as_ref().ok()?;
        separated
            .estimates
            .iter()
            .find(|estimate| estimate.method == method)
    }

    fn score(&self, method: Method, metric: Metric) -> Option<f64> {
        let score: &Score = self.estimate(method)?.scores.get(metric);
        score.as_ref().ok().copied()
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Column {
    /// The observations of one signal-to-noise ratio.
    Snr(f64),
    /// All observations.
    Average,
}

impl Column {
    fn key(self) -> u64 {
        match self {
            Self::Snr(snr_db) => (snr_db + 0.0).to_bits(),
            Self::Average => u64::MAX,
        }
    }
}

/// A mean over observations. Without one there is no mean, with fewer than two no interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Observations with a score.
    pub n: usize,
    /// Their mean.
    pub mean_db: Option<f64>,
    /// Its confidence interval.
    pub interval_db: Option<(f64, f64)>,
}

/// One entry of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The row.
    pub method: Method,
    /// The column.
    pub column: Column,
    /// The measure.
    pub metric: Metric,
    /// The mean.
    pub mean: Mean,
}

/// How much one method gains over another on the same observations, by SDR.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The method expected above.
    pub method: Method,
    /// The method expected below.
    pub baseline: Method,
    /// Mean of the differences.
    pub mean: Mean,
    /// Of a paired test that there is none.
    pub p_value: Option<f64>,
}

/// What the table and the figure show.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The table's columns: the ratios in the configured order, then the average.
    pub columns: Vec<Column>,
    /// By metric, then method, then column.
    pub entries: Vec<Entry>,
    /// The paper's three comparisons.
    pub differences: Vec<Difference>,
}

impl Summary {
    /// The mean of one entry.
    #[must_use]
    pub fn mean(&self, method: Method, metric: Metric, column: Column) -> Option<&Mean> {
        self.entries
            .iter()
            .find(|entry| (entry.method, entry.metric, entry.column) == (method, metric, column))
            .map(|entry| &entry.mean)
    }
}

/// The comparisons behind the paper's claims.
const COMPARISONS: [(Method, Method); 3] = [
    (Method::VbFusion, Method::VbSelection),
    (Method::VbFusion, Method::FusionByMean),
    (Method::OracleSelection, Method::VbFusion),
];

/// Means and intervals over the cells' results.
///
/// # Errors
/// Statistics that cannot be had of finite scores.
pub fn summarise(results: &[CellResult], config: &Config) -> Result<Summary> {
    let ratios = config.mixtures.snr_db.iter().copied().map(Column::Snr);
    let columns: Vec<Column> = ratios.chain([Column::Average]).collect();
    let mut entries = Vec::new();
    for &metric in &config.evaluation.metrics {
        for method in Method::TABLED {
            for &column in &columns {
                let scores: Vec<(f64, f64)> = results
                    .iter()
                    .filter_map(|result| Some((result.cell.snr_db, result.score(method, metric)?)))
                    .collect();
                let stream = [method as u64, metric as u64, column.key()];
                let mean = match column {
                    Column::Snr(snr_db) => {
                        let at = scores
                            .iter()
                            .filter(|(ratio, _)| ratio.total_cmp(&snr_db).is_eq());
                        let at: Vec<f64> = at.map(|&(_, score)| score).collect();
                        mean(&at, config, &stream)?
                    }
                    Column::Average => mean_within_ratios(&scores, config, &stream)?,
                };
                entries.push(Entry {
                    method,
                    column,
                    metric,
                    mean,
                });
            }
        }
    }
    let differences = COMPARISONS
        .into_iter()
        .map(|(method, baseline)| difference(results, method, baseline, config))
        .collect::<Result<_>>()?;
    Ok(Summary {
        columns,
        entries,
        differences,
    })
}

/// The mean of (signal-to-noise ratio, score) pairs, with an interval where every ratio has two scores at least.
///
/// The ratios are chosen and not sampled, so the uncertainty of their average is that of the observations at each
/// ratio: the differences between ratios are taken out before resampling.
fn mean_within_ratios(scores: &[(f64, f64)], config: &Config, stream: &[u64]) -> Result<Mean> {
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let all: Vec<f64> = scores.iter().map(|&(_, score)| score).collect();
    let centre = average(&all);
    let centred: Option<Vec<f64>> = scores
        .iter()
        .map(|&(ratio, score)| {
            let same = scores
                .iter()
                .filter(|(other, _)| other.total_cmp(&ratio).is_eq());
            let same: Vec<f64> = same.map(|&(_, score)| score).collect();
            let n = same.len() as f64;
            // The factor keeps the variance unbiased although each ratio's own mean is estimated.
            (n > 1.0).then(|| centre + (score - average(&same)) * (n / (n - 1.0)).sqrt())
        })
        .collect();
    match centred {
        Some(centred) => mean(&centred, config, stream),
        None => Ok(Mean {
            n: all.len(),
            mean_db: Some(centre),
            interval_db: None,
        }),
    }
}

fn mean(scores: &[f64], config: &Config, stream: &[u64]) -> Result<Mean> {
    if let [] | [_] = scores {
        return Ok(Mean {
            n: scores.len(),
            mean_db: scores.first().copied(),
            interval_db: None,
        });
    }
    let statistics = &config.statistics;
    let mut rng = synth::stream(config.experiment.seed, "bootstrap", stream);
    let interval = mean_interval(
        scores,
        statistics.confidence,
        statistics.resamples,
        &mut rng,
    )?;
    Ok(Mean {
        n: interval.n,
        mean_db: Some(interval.mean),
        interval_db: Some((interval.low, interval.high)),
    })
}

fn difference(
    results: &[CellResult],
    method: Method,
    baseline: Method,
    config: &Config,
) -> Result<Difference> {
    let (first, second): (Vec<f64>, Vec<f64>) = results
        .iter()
        .filter_map(|result| {
            Some((
                result.score(method, Metric::Sdr)?,
                result.score(baseline, Metric::Sdr)?,
            ))
        })
        .unzip();
    if first.len() < 2 {
        let gains: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a - b).collect();
        return Ok(Difference {
            method,
            baseline,
            mean: mean(&gains, config, &[])?,
            p_value: None,
        });
    }
    let statistics = &config.statistics;
    let stream = [method as u64, baseline as u64];
    let mut rng = synth::stream(config.experiment.seed, "paired bootstrap", &stream);
    let paired = paired_difference(
        &first,
        &second,
        statistics.confidence,
        statistics.resamples,
        &mut rng,
    )?;
    Ok(Difference {
        method,
        baseline,
        mean: Mean {
            n: paired.interval.n,
            mean_db: Some(paired.interval.mean),
            interval_db: Some((paired.interval.low, paired.interval.high)),
        },
        p_value: Some(paired.p_value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_over_ratios_is_as_certain_as_its_columns() {
        let config = Config::default();
        // The same deviations at three ratios, which are far apart.
        let deviations = [-0.3, -0.1, 0.0, 0.1, 0.3];
        let scores: Vec<(f64, f64)> = [-10.0, 0.0, 10.0]
            .into_iter()
            .flat_map(|ratio| deviations.map(|deviation| (ratio, ratio + deviation)))
            .collect();
        let mean = mean_within_ratios(&scores, &config, &[]).unwrap();
        assert_eq!(mean.n, 15);
        assert!(mean.mean_db.unwrap().abs() < 1e-12);
        let (low, high) = mean.interval_db.unwrap();
        // The standard error of 15 such deviations is 0.058: 1.96 of them on each side, give or take the bootstrap.
        assert!(
            (-0.15..-0.08).contains(&low) && (0.08..0.15).contains(&high),
            "{low} {high}"
        );
    }

    #[test]
    fn no_interval_without_a_spread_to_estimate() {
        let config = Config::default();
        let single =
            mean_within_ratios(&[(0.0, 1.0), (3.0, 2.0), (3.0, 3.0)], &config, &[]).unwrap();
        assert_eq!(
            (single.n, single.mean_db, single.interval_db),
            (3, Some(2.0), None)
        );
        let none = mean_within_ratios(&[], &config, &[]).unwrap();
        assert_eq!((none.n, none.mean_db, none.interval_db), (0, None, None));
        assert_eq!(mean(&[4.0], &config, &[]).unwrap().mean_db, Some(4.0));
    }
}
