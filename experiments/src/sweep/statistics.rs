//! Means and paired differences of a sweep, with intervals over the seeds.
//!
//! The observations of one seed share speaker, split and dictionaries; seeds share nothing and are the independent unit.
//! So an entry is first averaged over the observations of each seed, and then over the seeds, with an interval by
//! Student's t from three seeds on. The paired test flips the signs of the seeds' differences: with n seeds its p-value
//! is 2 / 2^n at the least, 0.0625 for five.

use anyhow::Result;
use eval::{effect_size, effective_number, sign_flip_test, student_interval};

use super::Finished;
use crate::method::Method;
use crate::metric::Metric;
use crate::summary::{COMPARISONS, CONFIDENCE, Column};
use crate::tasks::ObservationResult;

/// Fewer seeds have no interval.
const LEAST_SEEDS: usize = 3;

/// A mean over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct SeedMean {
    /// Seeds with an observation that has the quantity.
    pub(super) seeds: usize,
    /// Such observations.
    pub(super) observations: usize,
    /// The mean, if there are any.
    pub(super) mean: Option<f64>,
    /// Its 95 % interval, if there are enough seeds.
    pub(super) interval: Option<(f64, f64)>,
}

/// The mean of one method.
#[derive(Debug, Clone)]
pub(super) struct MeanEntry {
    pub(super) point: usize,
    pub(super) method: Method,
    pub(super) column: Column,
    pub(super) metric: Metric,
    pub(super) mean: SeedMean,
}

/// The gain of one method over another, by SDR.
#[derive(Debug, Clone)]
pub(super) struct DifferenceEntry {
    pub(super) point: usize,
    pub(super) method: Method,
    pub(super) baseline: Method,
    pub(super) column: Column,
    pub(super) mean: SeedMean,
    /// Of the sign-flip test, from two seeds on.
    pub(super) p_value: Option<f64>,
    /// Cohen's d_z over the seeds.
    pub(super) effect_size: Option<f64>,
}

/// Everything that is tabled.
#[derive(Debug, Clone)]
pub(super) struct SweepSummary {
    /// By point, metric, method, column.
    pub(super) means: Vec<MeanEntry>,
    /// By point, comparison, column.
    pub(super) differences: Vec<DifferenceEntry>,
    /// The effective number of orders in a fusion, by point.
    pub(super) effective_orders: Vec<SeedMean>,
}

impl SweepSummary {
    pub(super) fn mean(
        &self,
        point: usize,
        method: Method,
        metric: Metric,
        column: Column,
    ) -> Option<&SeedMean> {
        let wanted = (point, method, metric, column);
        let entry = self
            .means
            .iter()
            .find(|entry| (entry.point, entry.method, entry.metric, entry.column) == wanted);
        entry.map(|entry| &entry.mean)
    }
}

/// The columns of a point: its ratios, then the average.
pub(super) fn columns(config: &crate::config::Config) -> Vec<Column> {
    let ratios = config.mixtures.snr_db.iter().copied().map(Column::Snr);
    ratios.chain([Column::Average]).collect()
}

/// Means and differences of all points.
pub(super) fn summarise(finished: &Finished<'_>) -> Result<SweepSummary> {
    let design = finished.design;
    let mut summary = SweepSummary {
        means: Vec::new(),
        differences: Vec::new(),
        effective_orders: Vec::new(),
    };
    let comparisons = COMPARISONS.into_iter().filter(|(method, baseline)| {
        design.methods.contains(method) && design.methods.contains(baseline)
    });
    let comparisons: Vec<(Method, Method)> = comparisons.collect();
    for (index, (point, seeds)) in design.points.iter().zip(&finished.results).enumerate() {
        let columns = columns(&point.config);
        for &metric in &design.config.evaluation.metrics {
            for &method in &design.methods {
                for &column in &columns {
                    let values =
                        per_seed(seeds, column, |result| result.score(method, metric).ok());
                    summary.means.push(MeanEntry {
                        point: index,
                        method,
                        column,
                        metric,
                        mean: seed_mean(&values)?,
                    });
                }
            }
        }
        for &(method, baseline) in &comparisons {
            for &column in &columns {
                let values = per_seed(seeds, column, |result| {
                    let score = |method| result.score(method, Metric::Sdr).ok();
                    Some(score(method)? - score(baseline)?)
                });
                let gains: Vec<f64> = values.iter().map(|&(mean, _)| mean).collect();
                let several = gains.len() >= 2;
                let purpose = format!("sweep sign flips {method} {baseline} {}", column.name());
                let mut rng = synth::stream(design.seeds[0], &purpose, &[index as u64]);
                let resamples = design.config.statistics.resamples;
                let test = || sign_flip_test(&gains, resamples, &mut rng);
                summary.differences.push(DifferenceEntry {
                    point: index,
                    method,
                    baseline,
                    column,
                    mean: seed_mean(&values)?,
                    p_value: several.then(test).transpose()?,
                    effect_size: effect_size(&gains),
                });
            }
        }
        let effective = per_seed(seeds, Column::Average, effective_orders);
        summary.effective_orders.push(seed_mean(&effective)?);
    }
    Ok(summary)
}

/// The effective number of orders of an observation's fusion.
pub(super) fn effective_orders(result: &ObservationResult) -> Option<f64> {
    let fusion = result.fusion.as_ref().ok()?;
    effective_number(&fusion.order_posterior).ok()
}

/// For each seed that has any, the mean of a quantity over its observations, and their number.
fn per_seed(
    seeds: &[Vec<ObservationResult>],
    column: Column,
    quantity: impl Fn(&ObservationResult) -> Option<f64>,
) -> Vec<(f64, usize)> {
    let of_seed = |results: &Vec<ObservationResult>| {
        let of_column = results.iter().filter(|result| column.holds(&result.cell));
        let values: Vec<f64> = of_column.filter_map(&quantity).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then_some((mean, values.len()))
    };
    seeds.iter().filter_map(of_seed).collect()
}

fn seed_mean(values: &[(f64, usize)]) -> Result<SeedMean> {
    let means: Vec<f64> = values.iter().map(|&(mean, _)| mean).collect();
    let interval = if means.len() < LEAST_SEEDS {
        None
    } else {
        let interval = student_interval(&means, CONFIDENCE)?;
        Some((interval.low, interval.high))
    };
    Ok(SeedMean {
        seeds: means.len(),
        observations: values.iter().map(|&(_, count)| count).sum(),
        mean: (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64),
        interval,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_count_alike_and_have_an_interval_from_three_on() {
        let three = seed_mean(&[(1.0, 6), (2.0, 6), (6.0, 1)]).unwrap();
        assert_eq!((three.seeds, three.observations), (3, 13));
        assert_eq!(three.mean, Some(3.0));
        // scipy.stats.t.interval(0.95, 2, 3, scipy.stats.sem([1, 2, 6])).
        let (low, high) = three.interval.unwrap();
        assert!((low - -3.572_410_607_728_428).abs() < 1e-9, "{low}");
        assert!((high - 9.572_410_607_728_429).abs() < 1e-9, "{high}");
        assert_eq!(seed_mean(&[(1.0, 6), (2.0, 6)]).unwrap().interval, None);
        assert_eq!(seed_mean(&[]).unwrap(), SeedMean::default());
    }
}
